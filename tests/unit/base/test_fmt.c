/* Numbers to text and back, against the C library and Python's spellings. */
#include "test_base.h"

#include "base/fmt.h"
#include "base/half.h"

#include <math.h>

static uint64_t next_random(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static double double_of(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* No shorter decimal reads back, and none of the same length is nearer. */
static void check_shortest(double v)
{
    char digits[18], text[64];
    int e;
    const int n = px_fmt_shortest(v, 64, digits, &e);
    assert_int_equal(n, (int)strlen(digits));
    (void)snprintf(text, sizeof text, "0.%se%d", digits, e);
    if (strtod(text, NULL) != v)
        fail_msg("%.17g became %s", v, text);
    if (n > 1) {
        (void)snprintf(text, sizeof text, "%.*e", n - 2, v);
        if (strtod(text, NULL) == v)
            fail_msg("%.17g: %s is shorter than %s", v, text, digits);
    }
}

static void test_shortest_f64(void **state)
{
    PX_UNUSED(state);
    uint64_t s = 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 300000; i++) {
        const double v = fabs(double_of(next_random(&s)));
        if (isfinite(v))
            check_shortest(v);
    }
    for (int e = -1074; e < 1024; e++) {
        check_shortest(ldexp(1.0, e));
        check_shortest(nextafter(ldexp(1.0, e), 0));
        check_shortest(nextafter(ldexp(1.0, e), INFINITY));
    }
    for (int i = 0; i < 20000; i++) /* subnormals */
        check_shortest(double_of(next_random(&s) >> (12 + i % 50)));
}

static void test_shortest_f32_reads_back(void **state)
{
    PX_UNUSED(state);
    for (uint64_t bits = 1; bits < 0x7f800000; bits += 6151) {
        float v;
        const uint32_t u = (uint32_t)bits;
        char digits[18], text[64];
        int e;
        memcpy(&v, &u, 4);
        const int n = px_fmt_shortest(v, 32, digits, &e);
        (void)snprintf(text, sizeof text, "0.%se%d", digits, e);
        assert_true(strtof(text, NULL) == v);
        assert_true(n <= 9);
    }
}

static void test_shortest_f16_reads_back(void **state)
{
    PX_UNUSED(state);
    for (unsigned u = 1; u < 0x7c00; u++) {
        char digits[18], text[64];
        int e;
        const int n = px_fmt_shortest(px_f16_to_f32((uint16_t)u), 16, digits, &e);
        (void)snprintf(text, sizeof text, "0.%se%d", digits, e);
        assert_int_equal(px_f64_to_f16(strtod(text, NULL)), u);
        assert_true(n <= 5);
    }
}

static void check_repr(double v, const char *wanted)
{
    px_buf b = {0};
    px_fmt_repr_f64(&b, v);
    assert_string_equal(px_buf_cstr(&b), wanted);
    px_buf_fini(&b);
}

static void test_repr(void **state)
{
    PX_UNUSED(state);
    check_repr(1e-5, "1e-05");
    check_repr(1.0, "1.0");
    check_repr(-0.0, "-0.0");
    check_repr(0.0001, "0.0001");
    check_repr(1e16, "1e+16");
    check_repr(123456789012345680.0, "1.2345678901234568e+17");
    check_repr(9999999999999998.0, "9999999999999998.0");
    check_repr(5e-324, "5e-324");
    check_repr(0x1p-44, "5.684341886080802e-14"); /* the nearest 16 digits do not read back */
    check_repr(1.7976931348623157e308, "1.7976931348623157e+308");
    check_repr(66.66666666666666, "66.66666666666666");
    check_repr(NAN, "nan");
    check_repr(-INFINITY, "-inf");
    px_buf b = {0};
    px_fmt_repr_f32(&b, 0.1f);
    assert_string_equal(px_buf_cstr(&b), "0.1");
    b.len = 0;
    px_fmt_g(&b, 1e-5, 5);
    px_buf_putc(&b, ' ');
    px_fmt_g(&b, -NAN, 5);
    px_buf_putc(&b, ' ');
    px_fmt_f(&b, 2.0 / 3, 2);
    assert_string_equal(px_buf_cstr(&b), "1e-05 nan 0.67");
    px_buf_fini(&b);
}

static void test_round_trip_through_text(void **state)
{
    PX_UNUSED(state);
    uint64_t s = 88172645463325252u;
    px_buf b = {0};
    for (int i = 0; i < 200000; i++) {
        const double v = double_of(next_random(&s));
        double back;
        if (isnan(v))
            continue;
        b.len = 0;
        px_fmt_repr_f64(&b, v);
        assert_true(px_parse_f64(px_buf_str(&b), &back));
        assert_memory_equal(&v, &back, sizeof v);
    }
    px_buf_fini(&b);
}

static void test_parse_float(void **state)
{
    PX_UNUSED(state);
    static const struct {
        const char *text;
        double value;
    } good[] = {{" 1.5\n", 1.5},
                {"1_000.5_0", 1000.5},
                {"+.5", 0.5},
                {"5.", 5},
                {"1e-5", 1e-5},
                {"1E+0_2", 100},
                {"inf", INFINITY},
                {"-Infinity", -INFINITY},
                {"1e999999999999999999999", INFINITY},
                {"-1e-99999999999", -0.0},
                {"179769313486231580793728971405301e276", 179769313486231580793728971405301e276}};
    static const char *const bad[] = {"",   "  ",  "1__0", "_1",     "1_",  "1._5", "e5",   ".",
                                      "1e", "0x1", "1,5",  "nan(1)", "1 2", "--1",  "infin"};
    double v;
    for (size_t i = 0; i < PX_COUNTOF(good); i++) {
        if (!px_parse_f64(px_str_of(good[i].text), &v))
            fail_msg("'%s' is a float", good[i].text);
        if (v != good[i].value || signbit(v) != signbit(good[i].value))
            fail_msg("'%s' gave %.17g", good[i].text, v);
    }
    assert_true(px_parse_f64(PX_STR("NaN"), &v) && isnan(v));
    for (size_t i = 0; i < PX_COUNTOF(bad); i++)
        if (px_parse_f64(px_str_of(bad[i]), &v))
            fail_msg("'%s' is no float", bad[i]);
}

static void test_parse_int(void **state)
{
    PX_UNUSED(state);
    int64_t v;
    bool overflow;
    assert_true(px_parse_i64(PX_STR(" -1_000 "), &v, NULL) && v == -1000);
    assert_true(px_parse_i64(PX_STR("+007"), &v, NULL) && v == 7);
    assert_true(px_parse_i64(PX_STR("9223372036854775807"), &v, NULL) && v == INT64_MAX);
    assert_true(px_parse_i64(PX_STR("-9223372036854775808"), &v, NULL) && v == INT64_MIN);
    assert_false(px_parse_i64(PX_STR("9223372036854775808"), &v, &overflow));
    assert_true(overflow);
    static const char *const bad[] = {"", "1.0", "0x1f", "1__0", "True", "- 1"};
    for (size_t i = 0; i < PX_COUNTOF(bad); i++) {
        assert_false(px_parse_i64(px_str_of(bad[i]), &v, &overflow));
        assert_false(overflow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shortest_f64),
        cmocka_unit_test(test_shortest_f32_reads_back),
        cmocka_unit_test(test_shortest_f16_reads_back),
        cmocka_unit_test(test_repr),
        cmocka_unit_test(test_round_trip_through_text),
        cmocka_unit_test(test_parse_float),
        cmocka_unit_test(test_parse_int),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
