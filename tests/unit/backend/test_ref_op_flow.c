/* Sampling, attention, spectra, strings, losses: what the standard's cases leave out. */
#include "ref_node.h"

#define F32 PGY_DTYPE_F32
#define F64 PGY_DTYPE_F64
#define I64 PGY_DTYPE_I64
#define I32 PGY_DTYPE_I32
#define U8 PGY_DTYPE_U8
#define BOOL PGY_DTYPE_BOOL
#define STR PGY_DTYPE_STRING

static void resize_by_sizes_is_exact(void **state)
{
    PX_UNUSED(state);
    /* 3 to 7: in float32 the scale 7/3 rounds, and ties of nearest would go astray. */
    node_case k = {.op = "Resize",
                   .opset = 13,
                   .n_in = 4,
                   .in = {{U8, 1, {3}, NODE_DOUBLES(1, 2, 3)},
                          {0, 0, {0}, NULL},
                          {0, 0, {0}, NULL},
                          {I64, 1, {1}, NODE_DOUBLES(7)}},
                   .attrs = {NODE_STRING("mode", "nearest")},
                   .n_attrs = 1};
    node_expect(&k, U8, 7, NODE_DOUBLES(1, 1, 2, 2, 2, 3, 3), 0);
    k.in[3].v = NODE_DOUBLES(-1);
    node_expect_error(&k, PGY_ERR_MODEL, "Size -1");
    k.in[0] = (node_value){U8, 1, {0}, NODE_DOUBLES(0), NULL};
    k.in[3].v = NODE_DOUBLES(2);
    node_expect_error(&k, PGY_ERR_MODEL, "Size 2 from 0");
}

static void resize_before_11_rounds_up_when_it_shrinks(void **state)
{
    PX_UNUSED(state);
    const node_case k = {
        .op = "Resize",
        .opset = 10,
        .n_in = 2,
        .in = {{F32, 1, {4}, NODE_DOUBLES(1, 2, 3, 4)}, {F32, 1, {1}, NODE_DOUBLES(0.6f)}}};
    node_expect(&k, F32, 2, NODE_DOUBLES(1, 3), 0);
}

static void resize_crops_outside_to_a_value(void **state)
{
    PX_UNUSED(state);
    const node_case k = {
        .op = "Resize",
        .opset = 13,
        .n_in = 4,
        .in = {{F32, 1, {2}, NODE_DOUBLES(1, 3)},
               {F32, 1, {2}, NODE_DOUBLES(0, 2)},
               {0, 0, {0}, NULL},
               {I64, 1, {1}, NODE_DOUBLES(5)}},
        .attrs = {NODE_STRING("mode", "linear"),
                  NODE_STRING("coordinate_transformation_mode", "tf_crop_and_resize"),
                  NODE_FLOAT("extrapolation_value", -7)},
        .n_attrs = 3};
    node_expect(&k, F32, 5, NODE_DOUBLES(1, 2, 3, -7, -7), 0);
}

static void grid_sample_survives_wild_grids(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "GridSample",
                   .opset = 16,
                   .n_in = 2,
                   .in = {{F32, 4, {1, 1, 2, 2}, NODE_DOUBLES(1, 2, 3, 4)},
                          {F32, 4, {1, 1, 2, 2}, NODE_DOUBLES(NAN, 0, 1e30, INFINITY)}}};
    node_expect(&k, F32, 2, NODE_DOUBLES(0, 0), 0);
    k.attrs[0] = (px_onnx_attr)NODE_STRING("padding_mode", "border");
    k.n_attrs = 1;
    k.in[1].v = NODE_DOUBLES(-1e30, -1e30, 1e30, 1e30);
    node_expect(&k, F32, 2, NODE_DOUBLES(1, 4), 0);
}

static void boxes_with_swapped_corners(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "NonMaxSuppression",
                   .opset = 11,
                   .n_in = 4,
                   .in = {{F32, 3, {1, 2, 4}, NODE_DOUBLES(0, 0, 1, 1, 1, 1, 0, 0.1)},
                          {F32, 3, {1, 1, 2}, NODE_DOUBLES(0.5, 0.5)},
                          {I64, 0, {0}, NODE_DOUBLES(5)},
                          {F32, 0, {0}, NODE_DOUBLES(0.5)}}};
    node_expect(&k, I64, 3, NODE_DOUBLES(0, 0, 0), 0); /* of equal scores the first box stays */
    k.n_in = 2;
    node_expect(&k, I64, 0, NULL, 0); /* no limit given: no boxes */
}

static void attention_without_any_key_is_zero(void **state)
{
    PX_UNUSED(state);
    const node_case k = {.op = "Attention",
                         .opset = 23,
                         .n_in = 4,
                         .in = {{F64, 4, {1, 1, 2, 1}, NODE_DOUBLES(1, 2)},
                                {F64, 4, {1, 1, 2, 1}, NODE_DOUBLES(1, 1)},
                                {F64, 4, {1, 1, 2, 1}, NODE_DOUBLES(3, 5)},
                                {BOOL, 2, {2, 2}, NODE_DOUBLES(0, 0, 1, 1)}}};
    node_expect(&k, F64, 2, NODE_DOUBLES(0, 4), 0);
}

static void attention_shares_keys_among_query_heads(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Attention",
                   .opset = 23,
                   .n_in = 3,
                   .in = {{F64, 3, {1, 1, 4}, NODE_DOUBLES(0, 0, 0, 0)},
                          {F64, 3, {1, 1, 2}, NODE_DOUBLES(1, 1)},
                          {F64, 3, {1, 1, 2}, NODE_DOUBLES(3, 5)}},
                   .attrs = {NODE_INT("q_num_heads", 4), NODE_INT("kv_num_heads", 2)},
                   .n_attrs = 2};
    node_expect(&k, F64, 4, NODE_DOUBLES(3, 3, 5, 5), 0);
    k.attrs[1] = (px_onnx_attr)NODE_INT("kv_num_heads", 3);
    node_expect_error(&k, PGY_ERR_MODEL, "does not split into 3 heads");
    k.attrs[1] = (px_onnx_attr)NODE_INT("kv_num_heads", 2);
    k.in[0].dtype = I32; /* integers are no scores */
    node_expect_error(&k, PGY_ERR_MODEL, "where floats are wanted");
}

/* Lengths of every algorithm: the sum, radix 2, Bluestein; forward, then back. */
static void dft_and_back(void **state)
{
    PX_UNUSED(state);
    static const int64_t lengths[] = {1, 2, 3, 31, 32, 33, 64, 97, 360};
    static double x[360];
    for (size_t i = 0; i < 360; i++)
        x[i] = (double)(i * i % 17) - 8;
    for (size_t i = 0; i < PX_COUNTOF(lengths); i++) {
        const int64_t n = lengths[i];
        pgy_tensor *out[NODE_MAX] = {0};
        node_case k = {.op = "DFT", .opset = 20, .n_in = 1, .in = {{F64, 3, {1, n, 1}, x}}};
        assert_ok(node_run(&k, out));
        const double *y = out[0]->data;
        for (int64_t f = 0; f < n; f += 7) {
            double re = 0, im = 0;
            for (int64_t t = 0; t < n; t++) {
                re += x[t] * cos(6.283185307179586 * (double)(f * t % n) / (double)n);
                im -= x[t] * sin(6.283185307179586 * (double)(f * t % n) / (double)n);
            }
            assert_true(fabs(y[2 * f] - re) < 1e-10 && fabs(y[2 * f + 1] - im) < 1e-10);
        }
        pgy_tensor *back[NODE_MAX] = {0};
        node_case inverse = {.op = "DFT",
                             .opset = 20,
                             .n_in = 1,
                             .in = {{F64, 3, {1, n, 2}, y}},
                             .attrs = {NODE_INT("inverse", 1)},
                             .n_attrs = 1};
        assert_ok(node_run(&inverse, back));
        for (int64_t t = 0; t < n; t++)
            assert_true(fabs(((const double *)back[0]->data)[2 * t] - x[t]) < 1e-12);
        pgy_tensor_free(out[0]);
        pgy_tensor_free(back[0]);
    }
}

static void loss_of_ignored_targets_only(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "NegativeLogLikelihoodLoss",
                   .opset = 13,
                   .n_in = 2,
                   .in = {{F64, 2, {1, 2}, NODE_DOUBLES(-1, -2)}, {I64, 1, {1}, NODE_DOUBLES(9)}},
                   .attrs = {NODE_INT("ignore_index", 9)},
                   .n_attrs = 1};
    node_expect(&k, F64, 1, NODE_DOUBLES(NAN), 0);
    k.attrs[0] = (px_onnx_attr)NODE_INT("ignore_index", 8);
    node_expect_error(&k, PGY_ERR_MODEL, "Target 9 is no class of 2");
}

static void matches(const char *pattern, const char *text, bool want)
{
    const pgy_string s = {text, strlen(text)};
    node_case k = {.op = "RegexFullMatch",
                   .opset = 20,
                   .n_in = 1,
                   .in = {{STR, 0, {0}, NULL, &s}},
                   .attrs = {{.name = PX_STR("pattern"),
                              .type = PX_ONNX_ATTR_STRING,
                              .s = px_str_of(pattern)}},
                   .n_attrs = 1};
    pgy_tensor *out[NODE_MAX] = {0};
    assert_ok(node_run(&k, out));
    if (px_tensor_get_i64(out[0], 0) != want)
        fail_msg("'%s' on '%s'", pattern, text);
    pgy_tensor_free(out[0]);
}

static void regular_expressions(void **state)
{
    PX_UNUSED(state);
    matches("a|ab", "ab", true);
    matches("\\d+\\.\\d*?", "12.", true);
    matches("[\\w.\\-]{2,3}", "a-.", true);
    matches("[^\\]^-]+", "ab", true);
    matches("[^\\]^-]+", "a]", false);
    matches("[\\^]", "^", true);
    matches("(?i)(?:x)(?P<n>y)", "XY", true);
    matches("h.llo", "h\xc3\xa9llo", true); /* a character is not a byte */
    matches("", "", true);
    matches("[[:upper:]]\\\\", "Q\\", true);
}

static void regular_expressions_refused(void **state)
{
    PX_UNUSED(state);
    static const char *const patterns[] = {
        "(",  "[a",    "\\pL",  "(?=a)", "a{50}{50}", "((a{9}){9}){99}",
        "\\", "[\\W]", "(?P<n", "\\x41", "a**b[",     "(?<!a)"};
    for (size_t i = 0; i < PX_COUNTOF(patterns); i++) {
        const pgy_string s = {"a", 1};
        node_case k = {.op = "RegexFullMatch",
                       .opset = 20,
                       .n_in = 1,
                       .in = {{STR, 0, {0}, NULL, &s}},
                       .attrs = {{.name = PX_STR("pattern"),
                                  .type = PX_ONNX_ATTR_STRING,
                                  .s = px_str_of(patterns[i])}},
                       .n_attrs = 1};
        node_expect_error(&k, PGY_ERR_UNSUPPORTED, "is beyond");
    }
}

static void strings_change_case_beyond_ascii(void **state)
{
    PX_UNUSED(state);
    const pgy_string s[] = {{"\xc3\xa9t\xc3\xa9", 5}, {"THE", 3}, {"\xff", 1}};
    const px_str stop = PX_STR("the");
    node_case k = {.op = "StringNormalizer",
                   .opset = 10,
                   .n_in = 1,
                   .in = {{STR, 1, {3}, NULL, s}},
                   .attrs = {NODE_STRING("case_change_action", "UPPER"),
                             {.name = PX_STR("stopwords"),
                              .type = PX_ONNX_ATTR_STRINGS,
                              .strings = &stop,
                              .n = 1}},
                   .n_attrs = 2};
    pgy_tensor *out[NODE_MAX] = {0};
    assert_ok(node_run(&k, out));
    assert_int_equal(out[0]->count, 2);
    const pgy_string *y = out[0]->data;
    assert_int_equal(y[0].len, 5);
    assert_memory_equal(y[0].ptr, "\xc3\x89T\xc3\x89", 5);
    assert_int_equal(y[1].len, 1); /* what is no UTF-8 stays */
    pgy_tensor_free(out[0]);
}

static void split_strings(void **state)
{
    PX_UNUSED(state);
    const pgy_string s[] = {{"  a  b c ", 9}, {"", 0}};
    node_case k = {.op = "StringSplit",
                   .opset = 20,
                   .n_in = 1,
                   .n_out = 2,
                   .in = {{STR, 1, {2}, NULL, s}},
                   .attrs = {NODE_INT("maxsplit", 1)},
                   .n_attrs = 1};
    pgy_tensor *out[NODE_MAX] = {0};
    assert_ok(node_run(&k, out));
    node_check(out[1], I64, 2, NODE_DOUBLES(2, 0), 0);
    const pgy_string *y = out[0]->data;
    assert_memory_equal(y[1].ptr, "b c ", 4); /* the rest keeps its end */
    pgy_tensor_free(out[0]);
    pgy_tensor_free(out[1]);
}

static void eye_and_det(void **state)
{
    PX_UNUSED(state);
    const int64_t far = INT64_MIN;
    const node_case k = {.op = "EyeLike",
                         .opset = 9,
                         .n_in = 1,
                         .in = {{I32, 2, {2, 2}, NODE_DOUBLES(1, 1, 1, 1)}},
                         .attrs = {NODE_INT("k", far)},
                         .n_attrs = 1};
    node_expect(&k, I32, 4, NODE_DOUBLES(0, 0, 0, 0), 0);
    const node_case d = {
        .op = "Det", .opset = 11, .n_in = 1, .in = {{F64, 2, {2, 2}, NODE_DOUBLES(0, 2, 3, 0)}}};
    node_expect(&d, F64, 1, NODE_DOUBLES(-6), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resize_by_sizes_is_exact),
        cmocka_unit_test(resize_before_11_rounds_up_when_it_shrinks),
        cmocka_unit_test(resize_crops_outside_to_a_value),
        cmocka_unit_test(grid_sample_survives_wild_grids),
        cmocka_unit_test(boxes_with_swapped_corners),
        cmocka_unit_test(attention_without_any_key_is_zero),
        cmocka_unit_test(attention_shares_keys_among_query_heads),
        cmocka_unit_test(dft_and_back),
        cmocka_unit_test(loss_of_ignored_targets_only),
        cmocka_unit_test(regular_expressions),
        cmocka_unit_test(regular_expressions_refused),
        cmocka_unit_test(strings_change_case_beyond_ascii),
        cmocka_unit_test(split_strings),
        cmocka_unit_test(eye_and_det),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
