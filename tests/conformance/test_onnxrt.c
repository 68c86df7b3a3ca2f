/* What is ONNX Runtime's alone: its options, edited models, operators from a user's library. */
#include "backend/onnxrt/args.h"
#include "backend/outputs.h"
#include "backend/registry.h"
#include "base/file.h"
#include "base/tensor.h"
#include "model/edit.h"
#include "test_base.h"

#include <stdio.h>

static pgy_context *cx;
static void *lib;
static px_buf logged; /* messages of the running test, a line each */

static void on_log(void *user, pgy_severity severity, const char *origin, int indent,
                   const char *message, size_t length)
{
    px_buf_printf(&logged, "%d %.*s\n", (int)severity, (int)length, message);
}

static int set_up(void **state)
{
    px_buf_fini(&logged);
    return 0;
}

static pgy_model *open_model(const char *name)
{
    pgy_model *model = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s/models/%s.onnx", PX_TEST_DATA, name);
    assert_ok(pgy_model_open(cx, path, &model));
    return model;
}

/* Opens and closes a session. */
static pgy_status *try_args(const char *name, const px_onnxrt_args *args)
{
    void *session = NULL;
    pgy_model *model = open_model(name);
    pgy_status *st = px_onnxrt_ops.open(cx, lib, model, args, &session);
    if (st == NULL)
        px_onnxrt_ops.close(session);
    pgy_model_close(model);
    return st;
}

/* One iteration on float32 input x = 1, 2, 3, ... of that shape. */
static void run(pgy_model *model, const px_onnxrt_args *args, int rank, const int64_t *dims,
                pgy_outputs *out)
{
    void *session = NULL;
    pgy_tensor *x = NULL;
    const pgy_io *io = NULL;
    size_t n = 0;
    assert_ok(px_onnxrt_ops.open(cx, lib, model, args, &session));
    assert_ok(px_onnxrt_ops.inputs(session, &io, &n));
    assert_int_equal(n, 1);
    assert_ok(pgy_tensor_new(PGY_DTYPE_F32, rank, dims, &x));
    for (int64_t i = 0; i < x->count; i++)
        ((float *)x->data)[i] = (float)(i + 1);
    const pgy_feed feed = {.n = 1, .names = &io[0].name, .tensors = &x};
    assert_ok(px_onnxrt_ops.infer(session, &feed, out));
    pgy_tensor_free(x);
    px_onnxrt_ops.close(session);
}

static const pgy_tensor *last(const pgy_outputs *out)
{
    return out->at[out->n - 1].tensor;
}

static px_onnxrt_args with_custom_ops(const char **library)
{
    return (px_onnxrt_args){.onnxrt_custom_ops = {.given = true, .n = 1, .at = library}};
}

static void operators_of_a_library_run(void **state)
{
    const char *library = PX_DOUBLE_OP;
    const px_onnxrt_args args = with_custom_ops(&library);
    pgy_outputs out = {0};
    pgy_model *model = open_model("conf_custom");
    run(model, &args, 1, (const int64_t[]){3}, &out);
    for (int i = 0; i < 3; i++)
        assert_true(((const float *)last(&out)->data)[i] == 2.0f * (float)(i + 1));
    px_outputs_clear(&out);
    pgy_model_close(model);
}

static void without_the_library_the_operator_is_unknown(void **state)
{
    assert_fails(try_args("conf_custom", NULL), PGY_ERR_BACKEND, "Double");
}

static void missing_library_is_named(void **state)
{
    const char *library = "./no-such-library.so";
    const px_onnxrt_args args = with_custom_ops(&library);
    assert_fails(try_args("conf_custom", &args), PGY_ERR_BACKEND, "no-such-library.so");
}

static void providers_are_announced_as_chosen(void **state)
{
    const char *words[] = {"cpu", "CPUExec"};
    const px_onnxrt_args args = {.providers = {.given = true, .n = 2, .at = words}};
    assert_ok(try_args("identity", &args));
    assert_string_equal(px_buf_cstr(&logged),
                        "22 Creating ONNX-Runtime Inference Session with providers: "
                        "['CPUExecutionProvider', 'CPUExecutionProvider']\n");
}

static void default_provider_is_the_cpu(void **state)
{
    assert_ok(try_args("identity", NULL));
    assert_string_equal(px_buf_cstr(&logged),
                        "22 Creating ONNX-Runtime Inference Session with providers: "
                        "['CPUExecutionProvider']\n");
}

static void unknown_provider_is_refused(void **state)
{
    const char *words[] = {"foo"};
    const px_onnxrt_args args = {.providers = {.given = true, .n = 1, .at = words}};
    assert_fails(try_args("identity", &args), PGY_ERR_BACKEND,
                 "Could not find specified ONNX-Runtime execution provider.");
    assert_int_equal(logged.len, 0); /* refused before it is announced */
}

static void levels_are_accepted_by_name(void **state)
{
    static const char *const names[] = {"ORT_DISABLE_ALL", "ORT_ENABLE_BASIC",
                                        "ORT_ENABLE_EXTENDED", "ORT_ENABLE_LAYOUT",
                                        "ORT_ENABLE_ALL"};
    for (size_t i = 0; i < PX_COUNTOF(names); i++) {
        const px_onnxrt_args args = {
            .graph_optimization_level = {.given = true, .value = names[i]}};
        assert_ok(try_args("dyn", &args));
    }
    const px_onnxrt_args args = {.graph_optimization_level = {.given = true, .value = "ALL"}};
    assert_fails(try_args("dyn", &args), PGY_ERR_USAGE, "ORT_ENABLE_BASIC");
}

static void an_error_is_told_once(void **state)
{
    /* The runtime logs what it also returns. */
    assert_fails(try_args("conf_unknown", NULL), PGY_ERR_BACKEND, "conf_unknown.onnx");
    assert_null(strstr(px_buf_cstr(&logged), "NoSuchOperator"));
}

/* The model's own output, before and after all tensors became outputs. */
static void marked_outputs_run(const char *name, int rank, const int64_t *dims, size_t n_expected)
{
    px_onnx_model *onnx = NULL;
    pgy_outputs plain = {0}, marked = {0};
    pgy_model *model = open_model(name);
    run(model, NULL, rank, dims, &plain);
    assert_ok(px_model_onnx(model, &onnx));
    assert_ok(px_onnx_mark_all(cx, onnx));
    model->is_edited = true;
    run(model, NULL, rank, dims, &marked);
    assert_int_equal(marked.n, n_expected);
    assert_string_equal(marked.at[marked.n - 1].name, plain.at[0].name);
    assert_int_equal(last(&marked)->size, last(&plain)->size);
    assert_memory_equal(last(&marked)->data, last(&plain)->data, last(&plain)->size);
    px_outputs_clear(&plain);
    px_outputs_clear(&marked);
    pgy_model_close(model);
}

static void edited_models_run_from_memory(void **state)
{
    marked_outputs_run("dyn", 2, (const int64_t[]){2, 3}, 3);
}

static void folder_of_external_data_is_obeyed(void **state)
{
    pgy_outputs here = {0}, there = {0};
    pgy_model *model = open_model("external");
    const pgy_io *io = NULL;
    size_t n = 0;
    assert_ok(pgy_model_inputs(model, &io, &n));
    int64_t dims[PX_MAX_RANK];
    for (int i = 0; i < io[0].rank; i++)
        dims[i] = io[0].dims[i] > 0 ? io[0].dims[i] : 1;
    run(model, NULL, io[0].rank, dims, &here);
    model->external_dir = px_path_join(PX_TEST_DATA, "models");
    run(model, NULL, io[0].rank, dims, &there);
    assert_memory_equal(last(&there)->data, last(&here)->data, last(&here)->size);
    px_outputs_clear(&here);
    px_outputs_clear(&there);
    px_mem_free(model->external_dir);
    model->external_dir = px_mem_strdup("/no/such/folder");
    void *session = NULL;
    assert_fails(px_onnxrt_ops.open(cx, lib, model, NULL, &session), PGY_ERR_BACKEND,
                 "external.onnx");
    pgy_model_close(model);
}

int main(void)
{
    assert_ok(pgy_context_new(&cx));
    pgy_context_set_log(cx, on_log, NULL);
    pgy_status *st = px_onnxrt_ops.load(cx, NULL, &lib);
    if (st != NULL) {
        printf("SKIPPED: %s\n", pgy_status_message(st));
        pgy_status_free(st);
        pgy_context_free(cx);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(operators_of_a_library_run, set_up),
        cmocka_unit_test_setup(without_the_library_the_operator_is_unknown, set_up),
        cmocka_unit_test_setup(missing_library_is_named, set_up),
        cmocka_unit_test_setup(providers_are_announced_as_chosen, set_up),
        cmocka_unit_test_setup(default_provider_is_the_cpu, set_up),
        cmocka_unit_test_setup(unknown_provider_is_refused, set_up),
        cmocka_unit_test_setup(levels_are_accepted_by_name, set_up),
        cmocka_unit_test_setup(an_error_is_told_once, set_up),
        cmocka_unit_test_setup(edited_models_run_from_memory, set_up),
        cmocka_unit_test_setup(folder_of_external_data_is_obeyed, set_up),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    px_onnxrt_ops.unload(lib);
    px_buf_fini(&logged);
    pgy_context_free(cx);
    return failed != 0;
}
