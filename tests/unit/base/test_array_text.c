/* numpy's array text: the recorded vectors, and forms they do not have. */
#include "../spec_vectors.h"

#include "base/array_text.h"

static void check_text(const char *name, const pgy_tensor *t, const char *str, const char *repr)
{
    px_buf b = {0};
    px_array_str(&b, t);
    if (str != NULL && !px_str_is(px_buf_str(&b), str))
        fail_msg("%s: str is\n%s\nwanted\n%s", name, px_buf_cstr(&b), str);
    b.len = 0;
    px_array_repr(&b, t);
    if (repr != NULL && !px_str_is(px_buf_str(&b), repr))
        fail_msg("%s: repr is\n%s\nwanted\n%s", name, px_buf_cstr(&b), repr);
    assert_ok(px_buf_status(&b));
    px_buf_fini(&b);
}

static void test_vectors(void **state)
{
    PX_UNUSED(state);
    spec_file f;
    int n = 0;
    spec_open(&f, "numpy-print-vectors.json");
    for (px_json *c = px_json_get(f.root, "cases")->first; c != NULL; c = c->next) {
        pgy_tensor *t = spec_tensor(&f, c);
        const char *name = spec_text(&f, px_json_get(c, "name"));
        if (t == NULL) { /* "summarised 2d" has no bytes: arange(2000).reshape(40, 50) */
            const int64_t dims[] = {40, 50};
            assert_string_equal(name, "summarised 2d");
            assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 2, dims, &t));
            for (int64_t i = 0; i < t->count; i++)
                ((float *)t->data)[i] = (float)i;
        }
        check_text(name, t, spec_text(&f, px_json_get(c, "str")),
                   spec_text(&f, px_json_get(c, "repr")));
        pgy_tensor_free(t);
        n++;
    }
    assert_int_equal(n, 48);
    spec_close(&f);
}

static void check_scalar(pgy_dtype dtype, double v, const char *str)
{
    pgy_tensor *wide = NULL, *t = NULL;
    assert_ok(pgy_tensor_new(PGY_DTYPE_F64, 0, NULL, &wide));
    *(double *)wide->data = v;
    assert_ok(pgy_tensor_cast(wide, dtype, &t));
    check_text(str, t, str, NULL);
    pgy_tensor_free(wide);
    pgy_tensor_free(t);
}

static void test_scalars(void **state)
{
    PX_UNUSED(state);
    check_scalar(PGY_DTYPE_F32, 1e8, "1e+08");
    check_scalar(PGY_DTYPE_F32, 123456789, "1.2345679e+08");
    check_scalar(PGY_DTYPE_F32, 1e-4, "1e-04");
    check_scalar(PGY_DTYPE_F32, 999999, "999999.0");
    check_scalar(PGY_DTYPE_F32, 1.0 / 3, "0.33333334");
    check_scalar(PGY_DTYPE_F64, 1e15, "1000000000000000.0");
    check_scalar(PGY_DTYPE_F64, 1.0 / 3, "0.3333333333333333");
    check_scalar(PGY_DTYPE_F16, 1.0 / 3, "0.3333");
    check_scalar(PGY_DTYPE_F16, 65504, "6.55e+04");
    check_scalar(PGY_DTYPE_F16, 999, "999.0");
    check_scalar(PGY_DTYPE_F32, -0.0, "-0.0");
}

static void test_strings_print_as_reprs(void **state)
{
    PX_UNUSED(state);
    pgy_tensor *t = NULL;
    const int64_t dims[] = {2};
    const pgy_string words[] = {{"a", 1}, {"it's", 4}};
    assert_ok(px_tensor_new_strings(1, dims, words, &t));
    check_text("strings", t, "['a' \"it's\"]", NULL);
    pgy_tensor_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_strings_print_as_reprs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
