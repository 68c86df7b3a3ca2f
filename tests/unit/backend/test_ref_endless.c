/* Loops that nothing ends: from another thread, by a process's end, or by the limit on memory. */
#include "test_base.h"

#include "backend/ref/plan.h"
#include "base/tensor.h"
#include "model/model.h"
#include "polygraphy/polygraphy.h"

#include <pthread.h>
#include <time.h>

#define MODELS PX_TEST_DATA "/models/"
#define ENDLESS PX_TEST_DATA "/endless/"

static const struct timespec moment = {.tv_nsec = 100000000};

static void *cancel_soon(void *cx)
{
    nanosleep(&moment, NULL);
    pgy_context_set_cancelled(cx, true);
    return NULL;
}

static void cancels(size_t n_words, const char *const *words, const char *part)
{
    static const int64_t two[1] = {2};
    static const char *const names[] = {"x"};
    pgy_context *cx;
    pgy_model *model;
    pgy_runner *r;
    pgy_tensor *x;
    pgy_outputs *out;
    pthread_t other;
    assert_ok(pgy_context_new(&cx));
    assert_ok(pgy_model_open(cx, ENDLESS "kept.onnx", &model));
    assert_ok(pgy_runner_open_with(cx, "pluginref", model, n_words, words, &r));
    assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 1, two, &x));
    assert_ok(pgy_outputs_new(&out));
    const pgy_feed feed = {.n = 1, .names = names, .tensors = &x};
    assert_int_equal(pthread_create(&other, NULL, cancel_soon, cx), 0);
    assert_fails(pgy_runner_infer(r, &feed, out), PGY_ERR_CANCELLED, part);
    pthread_join(other, NULL);
    assert_int_equal(pgy_outputs_count(out), 0);
    /* It stays so until it is taken back. */
    assert_fails(pgy_runner_infer(r, &feed, out), PGY_ERR_CANCELLED, "cancelled");
    pgy_outputs_free(out);
    pgy_tensor_free(x);
    pgy_runner_close(r);
    pgy_model_close(model);
    pgy_context_set_cancelled(cx, false);
    assert_ok(pgy_model_open(cx, MODELS "identity.onnx", &model));
    assert_ok(pgy_runner_open(cx, "pluginref", model, &r));
    pgy_runner_close(r);
    pgy_model_close(model);
    pgy_context_free(cx);
}

static void another_thread_cancels(void **state)
{
    PX_UNUSED(state);
    cancels(0, NULL, "running inference with pluginref");
}

static void a_process_is_cancelled_too(void **state)
{
    PX_UNUSED(state);
    static const char *const words[] = {"--use-subprocess"};
    cancels(1, words, "was cancelled and ended during inference");
}

static void runs_into_the_limit(const char *path)
{
    pgy_context *cx;
    pgy_model *model;
    px_onnx_model *onnx;
    px_ref_session *s;
    pgy_tensor *x;
    px_ref_value in = {0}, out[2] = {{0}};
    static const int64_t two[1] = {2};
    assert_ok(pgy_context_new(&cx));
    assert_ok(pgy_model_open(cx, path, &model));
    assert_ok(px_model_onnx(model, &onnx));
    assert_ok(px_ref_session_open(cx, onnx, &(px_ref_options){.limit_size = 1 << 22}, &s));
    assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 1, two, &x));
    assert_ok(px_ref_value_load(&s->pool, x, &in));
    assert_fails(px_ref_session_run(s, &in, out), PGY_ERR_NOMEM, "");
    px_ref_value_free(&in);
    pgy_tensor_free(x);
    px_ref_session_close(s);
    pgy_model_close(model);
    pgy_context_free(cx);
}

static void what_grows_ends_at_the_limit(void **state)
{
    PX_UNUSED(state);
    runs_into_the_limit(ENDLESS "state.onnx");
    runs_into_the_limit(ENDLESS "scan.onnx");
}

static void the_machine_has_memory(void **state)
{
    PX_UNUSED(state);
    assert_true(px_mem_available() >= (uint64_t)1 << 26);
    assert_true(px_mem_available() < (uint64_t)1 << 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_thread_cancels),
        cmocka_unit_test(a_process_is_cancelled_too),
        cmocka_unit_test(what_grows_ends_at_the_limit),
        cmocka_unit_test(the_machine_has_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
