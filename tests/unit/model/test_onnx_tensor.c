/* Tensor elements: typed fields against raw data, alignment, external files. */
#include "test_model.h"

#include <unistd.h>

static const px_onnx_tensor *find(const px_onnx_model *m, const char *name)
{
    for (size_t i = 0; i < m->graph.n_initializers; i++)
        if (px_str_is(m->graph.initializers[i].name, name))
            return &m->graph.initializers[i];
    fail_msg("no initializer %s", name);
    return NULL;
}

static pgy_tensor *load(const px_onnx_model *m, const char *name)
{
    pgy_tensor *t = NULL;
    assert_ok(px_onnx_tensor_load(m, find(m, name), &t));
    return t;
}

static void typed_fields_equal_raw_data(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = open_model(NULL, "dtypes.onnx");
    px_onnx_model *m = NULL;
    assert_ok(px_model_onnx(model, &m));
    size_t n_pairs = 0;
    for (size_t i = 0; i + 1 < m->graph.n_initializers; i++) {
        const px_onnx_tensor *a = &m->graph.initializers[i], *b = a + 1;
        if (!px_str_starts(a->name, "t_") || !px_str_starts(b->name, "r_"))
            continue;
        pgy_tensor *x = NULL, *y = NULL;
        assert_ok(px_onnx_tensor_load(m, a, &x));
        assert_ok(px_onnx_tensor_load(m, b, &y));
        assert_int_equal(pgy_tensor_size(x), pgy_tensor_size(y));
        assert_memory_equal(pgy_tensor_data(x), pgy_tensor_data(y), pgy_tensor_size(x));
        pgy_tensor_free(x);
        pgy_tensor_free(y);
        n_pairs++;
    }
    assert_int_equal(n_pairs, PGY_DTYPE_COUNT - 2); /* all but UNKNOWN and STRING */
    pgy_tensor *t = load(m, "negative");
    assert_memory_equal(pgy_tensor_data(t), ((int32_t[]){-1, INT32_MIN, INT32_MAX}), 12);
    pgy_tensor_free(t);
    t = load(m, "negative_small");
    assert_memory_equal(pgy_tensor_data(t), ((int8_t[]){-1, -128, 127}), 3);
    pgy_tensor_free(t);
    t = load(m, "empty");
    assert_int_equal(pgy_tensor_count(t), 0);
    pgy_tensor_free(t);
    t = load(m, "t_string");
    const pgy_string *s = pgy_tensor_data(t);
    assert_int_equal(s[0].len, 0);
    assert_memory_equal(s[3].ptr, "\0x", 2);
    pgy_tensor_free(t);
    pgy_model_close(model);
}

static void unaligned_raw_data_is_copied(void **state)
{
    PX_UNUSED(state);
    size_t size = 0;
    char *bytes = read_model("weights.onnx", &size);
    char *buffer = px_mem_alloc(size + 8);
    int n_views = 0;
    for (int shift = 0; shift < 8; shift++) {
        px_onnx_model *m = NULL;
        memcpy(buffer + shift, bytes, size);
        assert_ok(px_onnx_parse((px_str){buffer + shift, size}, ".", &m));
        pgy_tensor *t = load(m, "Wbig");
        const float *data = pgy_tensor_data(t);
        assert_int_equal((uintptr_t)data % sizeof(float), 0);
        assert_true(data[1023] == 1023.0f);
        n_views += (const void *)data == (const void *)find(m, "Wbig")->raw.ptr;
        pgy_tensor_free(t);
        px_onnx_free(m);
    }
    assert_int_equal(n_views, 2); /* the two aligned ones were not copied */
    px_mem_free(buffer);
    px_mem_free(bytes);
}

static void external_data_is_found_beside_the_model(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = open_model(NULL, "external.onnx");
    px_onnx_model *m = NULL;
    assert_ok(px_model_onnx(model, &m));
    pgy_tensor *t = load(m, "Wbig");
    assert_true(((const float *)pgy_tensor_data(t))[1000] == 1000.0f);
    pgy_tensor_free(t);
    m->ignore_external = true;
    t = NULL;
    assert_fails(px_onnx_tensor_load(m, find(m, "Wbig"), &t), PGY_ERR_UNSUPPORTED,
                 "--ignore-external-data");
    assert_null(t);
    pgy_model_close(model);
}

static void refuse(const char *file, pgy_error code, const char *part)
{
    pgy_model *model = open_model(NULL, file);
    px_onnx_model *m = NULL;
    pgy_tensor *t = NULL;
    assert_ok(px_model_onnx(model, &m));
    assert_fails(px_onnx_tensor_load(m, find(m, "Wbig"), &t), code, part);
    assert_null(t);
    pgy_model_close(model);
}

static void external_data_stays_in_the_folder(void **state)
{
    PX_UNUSED(state);
    refuse("external_absolute.onnx", PGY_ERR_MODEL, "an absolute path");
    refuse("external_parent.onnx", PGY_ERR_MODEL, "'..' in it");
    refuse("external_short.onnx", PGY_ERR_IO, "too short");
    refuse("external_missing.onnx", PGY_ERR_IO, "no such file.bin");
}

static void links_out_of_the_folder_are_refused(void **state)
{
    PX_UNUSED(state);
    char dir[] = "/tmp/px_test_XXXXXX", path[256], target[256];
    assert_non_null(mkdtemp(dir));
    size_t size = 0;
    char *bytes = read_model("external.onnx", &size);
    px_onnx_model *m = NULL;
    assert_ok(px_onnx_parse((px_str){bytes, size}, dir, &m));
    snprintf(path, sizeof path, "%s/external.bin", dir);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    pgy_tensor *t = NULL;
    assert_fails(px_onnx_tensor_load(m, find(m, "Wbig"), &t), PGY_ERR_MODEL, "leaves the model's");
    /* A link inside the folder is fine. */
    assert_int_equal(unlink(path), 0);
    snprintf(target, sizeof target, "%s/real.bin", dir);
    char data[48 + 4096] = {0};
    assert_ok(px_file_write(target, data, sizeof data));
    assert_int_equal(symlink("real.bin", path), 0);
    assert_ok(px_onnx_tensor_load(m, find(m, "Wbig"), &t));
    pgy_tensor_free(t);
    px_onnx_free(m);
    px_mem_free(bytes);
    unlink(path);
    unlink(target);
    rmdir(dir);
}

/* A tensor message made by hand, in place of a model file. */
static pgy_status *load_made(px_onnx_tensor t, const char *wire, size_t len)
{
    px_onnx_model m = {.dir = (char[]){"."}};
    pgy_tensor *out = NULL;
    t.wire = (px_str){wire, len};
    t.name = PX_STR("made");
    t.data_type = (int32_t)t.dtype;
    pgy_status *st = px_onnx_tensor_load(&m, &t, &out);
    pgy_tensor_free(out);
    return st;
}

static void shape_and_data_must_agree(void **state)
{
    PX_UNUSED(state);
    const int64_t two[] = {2}, negative[] = {-1}, huge[] = {INT64_MAX, INT64_MAX};
    px_onnx_tensor t = {.dtype = PGY_DTYPE_I64, .rank = 1, .dims = two};
    assert_fails(load_made(t, "\x38\x01", 2), PGY_ERR_MODEL,
                 "needs 2 numbers, but the model has 1");
    t.raw = PX_STR("1234567");
    assert_fails(load_made(t, "", 0), PGY_ERR_MODEL, "needs 16 bytes, but the model has 7");
    t.dims = negative;
    assert_fails(load_made(t, "", 0), PGY_ERR_MODEL, "impossible shape: [-1]");
    t.dims = huge;
    t.rank = 2;
    assert_fails(load_made(t, "", 0), PGY_ERR_MODEL, "impossible shape");
    t = (px_onnx_tensor){.dtype = PGY_DTYPE_STRING, .rank = 1, .dims = two};
    assert_fails(load_made(t, "\x32\x01x", 3), PGY_ERR_MODEL, "needs 2 strings");
    t.is_external = true;
    assert_fails(load_made(t, "", 0), PGY_ERR_MODEL, "strings cannot be external");
    t = (px_onnx_tensor){.dtype = PGY_DTYPE_UNKNOWN, .rank = 1, .dims = two};
    assert_fails(load_made(t, "", 0), PGY_ERR_UNSUPPORTED, "element type 0");
    t = (px_onnx_tensor){.dtype = PGY_DTYPE_F32, .rank = 1, .dims = two};
    assert_fails(load_made(t, "\x1a\x00", 2), PGY_ERR_UNSUPPORTED, "segments");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typed_fields_equal_raw_data),
        cmocka_unit_test(unaligned_raw_data_is_copied),
        cmocka_unit_test(external_data_is_found_beside_the_model),
        cmocka_unit_test(external_data_stays_in_the_folder),
        cmocka_unit_test(links_out_of_the_folder_are_refused),
        cmocka_unit_test(shape_and_data_must_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
