/* compare_backends.c - run a model on two backends with inputs of zeros and print the verdict.
 *
 *     cc compare_backends.c $(pkg-config --cflags --libs polygraphy) -o compare_backends
 *     ./compare_backends model.onnx onnxrt pluginref
 */
#include <polygraphy/polygraphy.h>

#include <stdio.h>
#include <stdlib.h>

/* Ends the program when a call failed: one place for all errors of a small program. */
static void check(pgy_status *st)
{
    if (st == NULL)
        return;
    fprintf(stderr, "%s\n", pgy_status_message(st));
    pgy_status_free(st);
    exit(1);
}

/* A zero tensor for each input; dynamic dims become 1. */
static void make_feed(const pgy_io *inputs, size_t n, const char **names, pgy_tensor **tensors)
{
    for (size_t i = 0; i < n; i++) {
        int64_t dims[64];
        for (int d = 0; d < inputs[i].rank; d++)
            dims[d] = inputs[i].dims[d] < 0 ? 1 : inputs[i].dims[d];
        names[i] = inputs[i].name;
        check(pgy_tensor_new(inputs[i].dtype, inputs[i].rank, dims, &tensors[i]));
    }
}

static void run(pgy_context *cx, pgy_model *model, const char *backend, pgy_results *results)
{
    enum { MAX_INPUTS = 64 };
    const char *names[MAX_INPUTS];
    pgy_tensor *tensors[MAX_INPUTS];
    pgy_runner *runner;
    pgy_outputs *outputs;
    const pgy_io *inputs;
    size_t n;

    check(pgy_runner_open(cx, backend, model, &runner));
    check(pgy_runner_inputs(runner, &inputs, &n));
    if (n > MAX_INPUTS) {
        fprintf(stderr, "This example feeds at most %d inputs\n", MAX_INPUTS);
        exit(1);
    }
    make_feed(inputs, n, names, tensors);
    check(pgy_outputs_new(&outputs));
    pgy_feed feed = {n, names, tensors};
    check(pgy_runner_infer(runner, &feed, outputs));
    printf("%s: %.3f ms\n", pgy_runner_name(runner), (double)pgy_outputs_elapsed_ns(outputs) / 1e6);
    check(pgy_results_begin_run(results, pgy_runner_name(runner)));
    check(pgy_results_add(cx, results, outputs));
    pgy_outputs_free(outputs);
    for (size_t i = 0; i < n; i++)
        pgy_tensor_free(tensors[i]);
    pgy_runner_close(runner);
}

int main(int argc, char **argv)
{
    pgy_context *cx;
    pgy_model *model;
    pgy_results *results;
    pgy_verdict *verdict;

    if (argc != 4) {
        fprintf(stderr, "usage: compare_backends MODEL BACKEND BACKEND\n");
        return 2;
    }
    check(pgy_context_new(&cx));
    check(pgy_model_open(cx, argv[1], &model));
    check(pgy_results_new(&results));
    run(cx, model, argv[2], results);
    run(cx, model, argv[3], results);
    check(pgy_compare(cx, results, NULL, &verdict));
    for (size_t i = 0; i < pgy_verdict_count(verdict); i++) {
        pgy_output_verdict v = {.struct_size = sizeof v};
        pgy_verdict_get(verdict, i, &v);
        printf("%s %s: largest absolute difference %g\n", v.passed ? "PASSED" : "FAILED", v.output,
               v.max_abs);
    }
    int exit_code = pgy_verdict_passed(verdict) ? 0 : 1;
    pgy_verdict_free(verdict);
    pgy_results_free(results);
    pgy_model_close(model);
    pgy_context_free(cx);
    return exit_code;
}
