/* Opening model files: format, inputs, outputs. */
#include "test_model.h"

#include "model/detect.h"

static void inputs_and_outputs_are_listed(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = open_model(NULL, "dyn.onnx");
    const pgy_io *io = NULL;
    size_t n = 0;
    assert_int_equal(pgy_model_get_type(model), PGY_MODEL_ONNX);
    assert_true(px_str_ends(px_str_of(pgy_model_path(model)), "/dyn.onnx"));
    assert_ok(pgy_model_inputs(model, &io, &n));
    assert_int_equal(n, 1);
    assert_string_equal(io[0].name, "x");
    assert_int_equal(io[0].dtype, PGY_DTYPE_F32);
    assert_int_equal(io[0].rank, 2);
    assert_int_equal(io[0].dims[0], -1);
    assert_string_equal(io[0].dim_names[0], "N");
    assert_int_equal(io[0].dims[1], 3);
    assert_null(io[0].dim_names[1]);
    assert_ok(pgy_model_outputs(model, &io, &n));
    assert_int_equal(n, 1);
    assert_string_equal(io[0].name, "out");
    pgy_model_close(model);
}

static void initializers_are_no_inputs(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = open_model(NULL, "branches.onnx");
    const pgy_io *io = NULL;
    size_t n = 0;
    assert_ok(pgy_model_inputs(model, &io, &n));
    assert_int_equal(n, 1);
    assert_string_equal(io[0].name, "x");
    pgy_model_close(model);
    model = open_model(NULL, "sparse.onnx");
    assert_ok(pgy_model_inputs(model, &io, &n));
    assert_int_equal(n, 1);
    pgy_model_close(model);
}

static void values_that_are_no_tensors_have_no_shape(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = open_model(NULL, "everything.onnx");
    const pgy_io *io = NULL;
    size_t n = 0;
    assert_ok(pgy_model_inputs(model, &io, &n));
    assert_int_equal(io[0].dtype, PGY_DTYPE_UNKNOWN);
    assert_int_equal(io[0].rank, -1);
    assert_ok(pgy_model_outputs(model, &io, &n));
    assert_int_equal(n, 2);
    assert_int_equal(io[1].rank, -1);
    pgy_model_close(model);
}

static void content_tells_the_format(void **state)
{
    PX_UNUSED(state);
    size_t size = 0;
    const char *const names[] = {"identity.onnx", "everything.onnx", "unusual.onnx"};
    for (size_t i = 0; i < PX_COUNTOF(names); i++) {
        char *bytes = read_model(names[i], &size);
        assert_int_equal(px_model_type_of_bytes((px_str){bytes, size}), PGY_MODEL_ONNX);
        px_mem_free(bytes);
    }
    assert_int_equal(px_model_type_of_bytes(PX_STR("\x89HDF\r\n\x1a\nxx")), PGY_MODEL_KERAS);
    assert_int_equal(px_model_type_of_bytes(PX_STR("ftrt....")), PGY_MODEL_ENGINE);
    /* node {name: "a" op: "Const"} versions {producer: 27} */
    assert_int_equal(px_model_type_of_bytes(PX_STR("\x0a\x0a\x0a\x01"
                                                   "a\x12\x05"
                                                   "Const\x22\x02\x08\x1b")),
                     PGY_MODEL_TF_FROZEN);
    assert_int_equal(px_model_type_of_bytes(PX_STR("def load_network():\n")), PGY_MODEL_UNKNOWN);
    assert_int_equal(px_model_type_of_bytes((px_str){0}), PGY_MODEL_UNKNOWN);
}

static void the_name_tells_the_rest(void **state)
{
    PX_UNUSED(state);
    assert_int_equal(px_model_type_of_name("a.b/x.plan"), PGY_MODEL_ENGINE);
    assert_int_equal(px_model_type_of_name("x.uff"), PGY_MODEL_UFF);
    assert_int_equal(px_model_type_of_name("x.prototxt"), PGY_MODEL_CAFFE);
    assert_int_equal(px_model_type_of_name("x.py"), PGY_MODEL_TRT_SCRIPT);
    assert_int_equal(px_model_type_of_name("x.graphdef"), PGY_MODEL_TF_FROZEN);
    assert_int_equal(px_model_type_of_name("x.ONNX"), PGY_MODEL_UNKNOWN);
    assert_int_equal(px_model_type_of_name("/tmp"), PGY_MODEL_TF_CKPT);
    pgy_model_type type = PGY_MODEL_UNKNOWN;
    assert_fails(px_model_detect("m.xyz", PX_STR("?"), &type), PGY_ERR_USAGE,
                 "Could not automatically determine model type for: m.xyz");
    assert_ok(px_model_detect("m.engine", PX_STR("?"), &type));
    assert_int_equal(type, PGY_MODEL_ENGINE);
}

static void unusable_files_are_refused(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = NULL;
    px_onnx_model *m = NULL;
    assert_fails(pgy_model_open(NULL, "no such model.onnx", &model), PGY_ERR_IO,
                 "no such model.onnx");
    assert_fails(px_model_open(NULL, "/tmp", PGY_MODEL_ONNX, &model), PGY_ERR_IO, "folder");
    assert_fails(pgy_model_open(NULL, "/dev/null", &model), PGY_ERR_MODEL, "empty");
    assert_null(model);
    assert_ok(px_model_open(NULL, __FILE__, PGY_MODEL_TRT_SCRIPT, &model));
    const pgy_io *io = NULL;
    size_t n = 0;
    assert_fails(pgy_model_inputs(model, &io, &n), PGY_ERR_UNSUPPORTED, "only to the runtime");
    assert_fails(px_model_onnx(model, &m), PGY_ERR_MODEL, "not an ONNX model");
    pgy_model_close(model);
}

static void a_colon_names_a_function(void **state)
{
    PX_UNUSED(state);
    char path[4096];
    pgy_model *model = NULL;
    model_path(path, sizeof path, "identity.onnx:load:it");
    assert_fails(pgy_model_open(NULL, path, &model), PGY_ERR_IO, "identity.onnx:load");
    model_path(path, sizeof path, "identity.onnx:load_it");
    assert_ok(pgy_model_open(NULL, path, &model));
    assert_string_equal(model->extra, "load_it");
    assert_true(px_str_ends(px_str_of(model->path), "identity.onnx"));
    pgy_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_and_outputs_are_listed),
        cmocka_unit_test(initializers_are_no_inputs),
        cmocka_unit_test(values_that_are_no_tensors_have_no_shape),
        cmocka_unit_test(content_tells_the_format),
        cmocka_unit_test(the_name_tells_the_rest),
        cmocka_unit_test(unusable_files_are_refused),
        cmocka_unit_test(a_colon_names_a_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
