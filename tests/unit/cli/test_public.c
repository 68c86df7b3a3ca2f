/* The library's calls that take options as words, and what they refuse. */
#include "test_base.h"

#include "base/context.h"
#include "base/file.h"
#include "polygraphy/polygraphy.h"

#include <stdlib.h>
#include <unistd.h>

#define MODELS PX_TEST_DATA "/models/"
#define WORDS(...)                                                                                 \
    sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[])                       \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static pgy_context *cx;

static pgy_runner *open_runner(pgy_model **model, const char *file)
{
    pgy_runner *r;
    assert_ok(pgy_model_open(cx, file, model));
    assert_ok(pgy_runner_open_with(cx, "pluginref", *model, WORDS("--ref-precision", "typed"), &r));
    return r;
}

static void models(void **state)
{
    PX_UNUSED(state);
    char saved[] = "/tmp/px_public_XXXXXX.onnx";
    const int fd = mkstemps(saved, 5);
    pgy_model *model;
    const pgy_io *io;
    size_t n;
    assert_true(fd >= 0);
    close(fd);
    assert_ok(pgy_model_open_with(cx, MODELS "dyn.onnx",
                                  WORDS("--onnx-outputs", "mark", "all", "--save-onnx", saved),
                                  &model));
    assert_ok(pgy_model_outputs(model, &io, &n));
    const size_t n_marked = n;
    pgy_model_close(model);
    assert_ok(pgy_model_open(cx, saved, &model));
    assert_ok(pgy_model_outputs(model, &io, &n));
    assert_int_equal(n, n_marked);
    pgy_model_close(model);
    assert_ok(pgy_model_open(cx, MODELS "dyn.onnx", &model));
    assert_ok(pgy_model_outputs(model, &io, &n));
    assert_true(n < n_marked);
    pgy_model_close(model);
    unlink(saved);
    model = NULL;
    assert_fails(pgy_model_open_with(cx, MODELS "dyn.onnx", WORDS("--atol", "1"), &model),
                 PGY_ERR_USAGE, "does not take them");
    assert_fails(pgy_model_open_with(cx, MODELS "dyn.onnx", WORDS("--onnx-outpust", "y"), &model),
                 PGY_ERR_USAGE, "did you mean --onnx-outputs?");
    assert_fails(pgy_model_open_with(cx, MODELS "dyn.onnx", WORDS("other.onnx"), &model),
                 PGY_ERR_USAGE, "other.onnx");
    assert_fails(
        pgy_model_open_with(cx, MODELS "dyn.onnx", WORDS("--onnx-outputs", "nope"), &model),
        PGY_ERR_USAGE, "nope");
    assert_fails(pgy_model_open_with(cx, "/no/such.onnx", 0, NULL, &model), PGY_ERR_IO,
                 "such.onnx");
    assert_null(model);
}

static void runners_refuse(void **state)
{
    PX_UNUSED(state);
    pgy_model *model;
    pgy_runner *r = NULL;
    assert_ok(pgy_model_open(cx, MODELS "dyn.onnx", &model));
    assert_fails(pgy_runner_open_with(cx, "nope", model, 0, NULL, &r), PGY_ERR_USAGE, "'nope'");
    assert_fails(pgy_runner_open_with(cx, "pluginref", model, WORDS("--warm-up", "3"), &r),
                 PGY_ERR_USAGE, "--warm-up");
    assert_fails(pgy_runner_open_with(cx, "pluginref", model, WORDS("--timeout", "0"), &r),
                 PGY_ERR_USAGE, "--timeout 0");
    assert_fails(
        pgy_runner_open_with(cx, "pluginref", model, WORDS("--trt-config-script", "a.py"), &r),
        PGY_ERR_USAGE, "--trt-config-script");
    assert_fails(pgy_runner_open_with(cx, "pluginref", model, WORDS("--ref-precision", "x"), &r),
                 PGY_ERR_USAGE, "--ref-precision");
    assert_null(r);
    pgy_model_close(model);
}

/* The same values each time, also when the runner is gone; other seeds give others. */
static void inputs(void **state)
{
    PX_UNUSED(state);
    pgy_model *model;
    pgy_inputs *in, *other, *none = NULL;
    pgy_outputs *a, *b;
    pgy_runner *r = open_runner(&model, MODELS "identity.onnx");
    assert_fails(pgy_inputs_open(cx, r, WORDS("--val-range", "[0,1,2]"), &none), PGY_ERR_USAGE,
                 "exactly 2 values");
    assert_fails(pgy_inputs_open(cx, r, WORDS("--data-loader-script", "a.py"), &none),
                 PGY_ERR_USAGE, "--data-loader-script");
    assert_fails(pgy_inputs_open(cx, r, WORDS("--load-inputs", "/no/such.json"), &none), PGY_ERR_IO,
                 "/no/such.json");
    assert_null(none);
    assert_ok(pgy_inputs_open(
        cx, r, WORDS("--iterations", "3", "--val-range", "[5,6]", "--seed", "7"), &in));
    assert_ok(pgy_inputs_open(cx, r, WORDS("--seed", "8", "--val-range", "x:[5,6]"), &other));
    pgy_runner_close(r);
    pgy_model_close(model);
    assert_int_equal(pgy_inputs_count(in), 3);
    assert_int_equal(pgy_inputs_count(other), 1);
    assert_ok(pgy_outputs_new(&a));
    assert_ok(pgy_outputs_new(&b));
    assert_ok(pgy_inputs_get(in, 1, a));
    assert_ok(pgy_inputs_get(other, 0, b)); /* seed + iteration */
    assert_string_equal(pgy_outputs_name(a, 0), "x");
    const pgy_tensor *x = pgy_outputs_tensor(a, 0);
    assert_memory_equal(pgy_tensor_data(x), pgy_tensor_data(pgy_outputs_tensor(b, 0)),
                        pgy_tensor_size(x));
    assert_true(*(const float *)pgy_tensor_data(x) >= 5);
    assert_ok(pgy_inputs_get(in, 2, b));
    assert_memory_not_equal(pgy_tensor_data(x), pgy_tensor_data(pgy_outputs_tensor(b, 0)),
                            pgy_tensor_size(x));
    assert_fails(pgy_inputs_get(in, 3, b), PGY_ERR_USAGE, "no iteration 3");
    assert_int_equal(pgy_outputs_count(b), 0);
    pgy_outputs_free(a);
    pgy_outputs_free(b);
    pgy_inputs_close(in);
    pgy_inputs_close(other);
}

static void add_run(pgy_results *results, const char *name, float value)
{
    pgy_outputs *o;
    pgy_tensor *t;
    const int64_t dims[] = {2};
    assert_ok(pgy_results_begin_run(results, name));
    assert_ok(pgy_outputs_new(&o));
    for (int i = 0; i < 2; i++) {
        assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 1, dims, &t));
        ((float *)pgy_tensor_data_mut(t))[0] = value;
        assert_ok(pgy_outputs_add(o, i ? "b" : "a", t));
    }
    pgy_outputs_set_elapsed(o, 2000000000);
    assert_ok(pgy_results_add(cx, results, o));
    pgy_outputs_free(o);
}

static bool passes(const pgy_results *results, size_t n, size_t n_words, const char *const *words)
{
    pgy_verdict *v;
    assert_ok(pgy_compare_with(cx, results, n_words, words, &v));
    const bool passed = pgy_verdict_passed(v);
    assert_int_equal(pgy_verdict_count(v), n);
    pgy_output_verdict last = {.struct_size = sizeof last};
    pgy_verdict_get(v, n - 1, &last);
    assert_non_null(last.function);
    assert_string_equal(last.output, "b");
    pgy_verdict_free(v);
    return passed;
}

static void comparisons(void **state)
{
    PX_UNUSED(state);
    pgy_results *results;
    pgy_verdict *v = NULL;
    assert_ok(pgy_results_new(&results));
    add_run(results, "one", 1);
    add_run(results, "two", 1.5f);
    assert_true(pgy_results_runtime(results, 1, 0) == 2.0);
    assert_false(passes(results, 2, 0, NULL));
    assert_true(passes(results, 2, WORDS("--atol", "1")));
    assert_false(passes(results, 2, WORDS("--atol", "1", "b:0.1")));
    assert_true(passes(results, 4,
                       WORDS("--compare", "l2", "cosine_similarity", "--l2-threshold", "0.5",
                             "--cosine-similarity-threshold", "0.9")));
    assert_fails(pgy_compare_with(cx, results, WORDS("--compare", "nope"), &v), PGY_ERR_USAGE,
                 "nope");
    assert_fails(pgy_compare_with(cx, results, WORDS("--atol", "x"), &v), PGY_ERR_USAGE, "--atol");
    assert_fails(pgy_compare_with(cx, results, WORDS("--compare", "perceptual_metrics"), &v),
                 PGY_ERR_UNSUPPORTED, "pgy_command");
    assert_fails(pgy_compare_with(cx, results, WORDS("--load-outputs", "a.json"), &v),
                 PGY_ERR_USAGE, "--load-outputs");
    assert_null(v);
    pgy_results_free(results);
}

/* Every call, until one fails. */
static pgy_status *use_all(const char *path)
{
    pgy_status *st = NULL;
    pgy_context *own = NULL;
    pgy_model *model = NULL;
    pgy_runner *r = NULL;
    pgy_inputs *in = NULL;
    pgy_outputs *feed = NULL, *out = NULL;
    pgy_results *results = NULL;
    pgy_verdict *v = NULL;
    PX_TRY(pgy_context_new(&own));
    pgy_context_set_threads(own, 1);
    PX_TRY(pgy_model_open_with(own, path, WORDS("--onnx-outputs", "mark", "all"), &model));
    PX_TRY(pgy_runner_open_with(own, "pluginref", model, WORDS("--ref-precision", "typed"), &r));
    PX_TRY(
        pgy_inputs_open(own, r, WORDS("--input-shapes", "x:[2,3]", "--val-range", "[0,1]"), &in));
    PX_TRY(pgy_outputs_new(&feed));
    PX_TRY(pgy_outputs_new(&out));
    PX_TRY(pgy_results_new(&results));
    for (int i = 0; i < 2; i++) {
        PX_TRY(pgy_inputs_get(in, 0, feed));
        const char *name = pgy_outputs_name(feed, 0);
        pgy_tensor *x = pgy_outputs_tensor(feed, 0);
        PX_TRY(pgy_runner_infer(r, &(pgy_feed){1, &name, &x}, out));
        PX_TRY(pgy_results_begin_run(results, i ? "b" : "a"));
        PX_TRY(pgy_results_add(own, results, out));
    }
    PX_TRY(
        pgy_compare_with(own, results, WORDS("--compare", "simple", "l2", "--atol", "out:0"), &v));
done:
    pgy_verdict_free(v);
    pgy_results_free(results);
    pgy_outputs_free(out);
    pgy_outputs_free(feed);
    pgy_inputs_close(in);
    pgy_runner_close(r);
    pgy_model_close(model);
    pgy_context_free(own);
    return st;
}

static void every_allocation_fails_once(void **state)
{
    PX_UNUSED(state);
    const uint64_t n_blocks = px_mem_live();
    for (uint64_t n = 1;; n++) {
        px_mem_fail_after(n);
        pgy_status *st = use_all(MODELS "dyn.onnx");
        px_mem_fail_after(0);
        assert_int_equal(px_mem_live(), n_blocks);
        if (st == NULL) {
            assert_true(n > 100);
            return;
        }
        assert_int_equal(pgy_status_code(st), PGY_ERR_NOMEM);
        pgy_status_free(st);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models),
        cmocka_unit_test(runners_refuse),
        cmocka_unit_test(inputs),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(every_allocation_fails_once),
    };
    assert_ok(pgy_context_new(&cx));
    const uint64_t n_blocks = px_mem_live();
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (px_mem_live() != n_blocks)
        print_error("memory is left\n");
    n_failed += px_mem_live() != n_blocks;
    pgy_context_free(cx);
    return n_failed;
}
