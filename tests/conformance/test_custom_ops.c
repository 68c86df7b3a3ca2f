/* --onnxrt-custom-ops: operators from a user's library. */
#include "backend/onnxrt/args.h"
#include "backend/outputs.h"
#include "backend/registry.h"
#include "base/tensor.h"
#include "test_base.h"

#include <stdio.h>

static pgy_context *cx;
static void *lib;

static pgy_status *try_open(const char *library, pgy_model **model, void **session)
{
    pgy_status *st = NULL;
    const px_onnxrt_args args = {
        .onnxrt_custom_ops = {.given = library != NULL, .n = library != NULL, .at = &library}};
    PX_TRY(pgy_model_open(cx, PX_TEST_DATA "/models/conf_custom.onnx", model));
    PX_TRY(px_onnxrt_ops.open(cx, lib, *model, &args, session));
done:
    return st;
}

static void operators_of_the_library_run(void **state)
{
    static const float values[] = {1, -2.5f, 3};
    pgy_model *model = NULL;
    void *session = NULL;
    pgy_tensor *x = NULL;
    pgy_outputs out = {0};
    assert_ok(try_open(PX_DOUBLE_OP, &model, &session));
    assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 1, (const int64_t[]){3}, &x));
    memcpy(x->data, values, sizeof values);
    const pgy_feed feed = {.n = 1, .names = (const char *const[]){"x"}, .tensors = &x};
    assert_ok(px_onnxrt_ops.infer(session, &feed, &out));
    for (int i = 0; i < 3; i++)
        assert_true(((const float *)out.at[0].tensor->data)[i] == 2 * values[i]);
    px_outputs_clear(&out);
    pgy_tensor_free(x);
    px_onnxrt_ops.close(session);
    pgy_model_close(model);
}

static void without_the_library_the_operator_is_unknown(void **state)
{
    pgy_model *model = NULL;
    void *session = NULL;
    assert_fails(try_open(NULL, &model, &session), PGY_ERR_BACKEND, "Double");
    pgy_model_close(model);
}

static void missing_library_is_named(void **state)
{
    pgy_model *model = NULL;
    void *session = NULL;
    assert_fails(try_open("./no-such-library.so", &model, &session), PGY_ERR_BACKEND,
                 "no-such-library.so");
    pgy_model_close(model);
}

int main(void)
{
    assert_ok(pgy_context_new(&cx));
    pgy_status *st = px_onnxrt_ops.load(cx, NULL, &lib);
    if (st != NULL) {
        printf("SKIPPED: %s\n", pgy_status_message(st));
        pgy_status_free(st);
        pgy_context_free(cx);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_of_the_library_run),
        cmocka_unit_test(without_the_library_the_operator_is_unknown),
        cmocka_unit_test(missing_library_is_named),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    px_onnxrt_ops.unload(lib);
    pgy_context_free(cx);
    return failed != 0;
}
