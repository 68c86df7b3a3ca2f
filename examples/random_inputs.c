/* random_inputs.c - the command's random inputs and options from a program: runs a model twice on
 * the reference interpreter, with and without rounding after every operator, and compares.
 *
 *     cc random_inputs.c $(pkg-config --cflags --libs polygraphy) -o random_inputs
 *     ./random_inputs model.onnx --iterations 3 --val-range [0,5]
 */
#include <polygraphy/polygraphy.h>

#include <stdio.h>
#include <stdlib.h>

static void check(pgy_status *st)
{
    if (st == NULL)
        return;
    fprintf(stderr, "%s\n", pgy_status_message(st));
    pgy_status_free(st);
    exit(1);
}

/* `words` say what the inputs are to be. */
static void run(pgy_context *cx, pgy_model *model, const char *precision, size_t n_words,
                const char *const *words, pgy_results *results)
{
    const char *const options[] = {"--ref-precision", precision};
    pgy_runner *runner;
    pgy_inputs *inputs;
    pgy_outputs *feed, *outputs;

    check(pgy_runner_open_with(cx, "pluginref", model, 2, options, &runner));
    check(pgy_inputs_open(cx, runner, n_words, words, &inputs));
    check(pgy_outputs_new(&feed));
    check(pgy_outputs_new(&outputs));
    check(pgy_results_begin_run(results, precision));
    for (size_t i = 0; i < pgy_inputs_count(inputs); i++) {
        enum { MAX_INPUTS = 64 };
        const char *names[MAX_INPUTS];
        pgy_tensor *tensors[MAX_INPUTS];
        check(pgy_inputs_get(inputs, i, feed));
        size_t n = pgy_outputs_count(feed);
        if (n > MAX_INPUTS) {
            fprintf(stderr, "This example feeds at most %d inputs\n", MAX_INPUTS);
            exit(1);
        }
        for (size_t k = 0; k < n; k++) {
            names[k] = pgy_outputs_name(feed, k);
            tensors[k] = pgy_outputs_tensor(feed, k);
        }
        pgy_feed view = {n, names, tensors};
        check(pgy_runner_infer(runner, &view, outputs));
        check(pgy_results_add(cx, results, outputs));
    }
    pgy_outputs_free(outputs);
    pgy_outputs_free(feed);
    pgy_inputs_close(inputs);
    pgy_runner_close(runner);
}

int main(int argc, char **argv)
{
    const char *const tolerances[] = {"--atol", "1e-4", "--rtol", "1e-4"};
    const char *const *words = (const char *const *)argv + 2;
    pgy_context *cx;
    pgy_model *model;
    pgy_results *results;
    pgy_verdict *verdict;

    if (argc < 2) {
        fprintf(stderr, "usage: random_inputs MODEL [OPTION ...]\n");
        return 2;
    }
    check(pgy_context_new(&cx));
    check(pgy_model_open_with(cx, argv[1], 0, NULL, &model));
    check(pgy_results_new(&results));
    run(cx, model, "float64", (size_t)argc - 2, words, results);
    run(cx, model, "typed", (size_t)argc - 2, words, results);
    check(pgy_compare_with(cx, results, 4, tolerances, &verdict));
    for (size_t i = 0; i < pgy_verdict_count(verdict); i++) {
        pgy_output_verdict v = {.struct_size = sizeof v};
        pgy_verdict_get(verdict, i, &v);
        printf("%s %s, iteration %zu: largest absolute difference %g\n",
               v.passed ? "PASSED" : "FAILED", v.output, v.iteration, v.max_abs);
    }
    int exit_code = pgy_verdict_passed(verdict) ? 0 : 1;
    pgy_verdict_free(verdict);
    pgy_results_free(results);
    pgy_model_close(model);
    pgy_context_free(cx);
    return exit_code;
}
