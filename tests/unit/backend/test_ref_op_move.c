/* Shapes, indices and movement of elements: what the standard's cases leave out. */
#include "ref_node.h"

#define F32 PGY_DTYPE_F32
#define F64 PGY_DTYPE_F64
#define I64 PGY_DTYPE_I64
#define I32 PGY_DTYPE_I32
#define U8 PGY_DTYPE_U8
#define BOOL PGY_DTYPE_BOOL
#define STR PGY_DTYPE_STRING

static void reshape_copies_infers_and_refuses(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Reshape",
                   .opset = 14,
                   .n_in = 2,
                   .in = {{U8, 2, {2, 3}, NODE_DOUBLES(1, 2, 3, 4, 5, 6)},
                          {I64, 2, {2, 1}, NODE_DOUBLES(0, -1)}}};
    node_expect(&k, U8, 6, k.in[0].v, 0); /* a shape tensor of any rank is read flat */
    k.in[1] = (node_value){I64, 1, {3}, NODE_DOUBLES(4, -1, 1), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "the elements do not fit the wanted shape (6 elements");
    k.in[1] = (node_value){I64, 1, {3}, NODE_DOUBLES(1, 1, 0), NULL};
    node_expect_error(&k, PGY_ERR_MODEL,
                      "a 0 in the wanted shape copies a dim that the input does not have");
    k.in[1] = (node_value){I64, 1, {2}, NODE_DOUBLES(-1, -1), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "more than one -1");
    k.in[0] = (node_value){U8, 2, {0, 4}, NODE_DOUBLES(0), NULL};
    k.in[1] = (node_value){I64, 1, {2}, NODE_DOUBLES(-1, 2), NULL};
    node_expect(&k, U8, 0, NULL, 0);
    /* 0 and -1 with allowzero: what -1 stands for cannot be told. */
    k.in[0] = (node_value){U8, 1, {0}, NODE_DOUBLES(0), NULL};
    k.in[1] = (node_value){I64, 1, {2}, NODE_DOUBLES(0, -1), NULL};
    k.attrs[0] = (px_onnx_attr)NODE_INT("allowzero", 1);
    k.n_attrs = 1;
    node_expect_error(&k, PGY_ERR_MODEL, "do not fit");
}

static void reshape_of_version_1_has_an_attribute(void **state)
{
    PX_UNUSED(state);
    const node_case k = {.op = "Reshape",
                         .opset = 1,
                         .n_in = 1,
                         .in = {{F32, 1, {4}, NODE_DOUBLES(1, 2, 3, 4)}},
                         .attrs = {NODE_INTS("shape", 2, -1, 2)},
                         .n_attrs = 1};
    pgy_tensor *out[NODE_MAX] = {0};
    assert_ok(node_run(&k, out));
    assert_int_equal(out[0]->rank, 2);
    assert_int_equal(out[0]->dims[0], 2);
    pgy_tensor_free(out[0]);
}

static void squeeze_by_attribute_and_input(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Squeeze",
                   .opset = 11,
                   .n_in = 1,
                   .in = {{F32, 3, {1, 2, 1}, NODE_DOUBLES(1, 2)}},
                   .attrs = {NODE_INTS("axes", 1, -1)},
                   .n_attrs = 1};
    node_expect(&k, F32, 2, NODE_DOUBLES(1, 2), 0);
    k.attrs[0] = (px_onnx_attr)NODE_INTS("axes", 1, 1);
    node_expect_error(&k, PGY_ERR_MODEL, "has size 2");
    k.opset = 13;
    k.n_in = 2;
    k.n_attrs = 0;
    k.in[1] = (node_value){I64, 1, {2}, NODE_DOUBLES(0, -3), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "named twice");
}

static void slice_clamps_extreme_ends(void **state)
{
    PX_UNUSED(state);
    const int64_t start = INT64_MAX, end = INT64_MIN, step = -1, far = INT64_MIN;
    node_case k = {.op = "Slice",
                   .opset = 13,
                   .n_in = 5,
                   .in = {{I32, 1, {3}, NODE_DOUBLES(1, 2, 3)},
                          {I64, 1, {1}, NULL, &start},
                          {I64, 1, {1}, NULL, &end},
                          {PGY_DTYPE_UNKNOWN, 0, {0}, NULL},
                          {I64, 1, {1}, NULL, &step}}};
    node_expect(&k, I32, 3, NODE_DOUBLES(3, 2, 1), 0);
    k.in[4].raw = &far; /* steps beyond the tensor: the first element only */
    node_expect(&k, I32, 1, NODE_DOUBLES(3), 0);
    k.in[4] = (node_value){I64, 1, {1}, NODE_DOUBLES(0), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "step 0");
    k.in[4] = (node_value){I64, 1, {2}, NODE_DOUBLES(1, 1), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "steps 2");
}

static void gather_checks_every_index(void **state)
{
    PX_UNUSED(state);
    node_case k = {
        .op = "Gather",
        .opset = 13,
        .n_in = 2,
        .in = {{F64, 2, {2, 2}, NODE_DOUBLES(1, 2, 3, 4)}, {I32, 0, {0}, NODE_DOUBLES(-1)}},
        .attrs = {NODE_INT("axis", 1)},
        .n_attrs = 1};
    node_expect(&k, F64, 2, NODE_DOUBLES(2, 4), 0);
    k.in[1].v = NODE_DOUBLES(2);
    node_expect_error(&k, PGY_ERR_MODEL, "Index 2 is outside [-2, 2)");
    k.in[1].v = NODE_DOUBLES(-3);
    node_expect_error(&k, PGY_ERR_MODEL, "Index -3");
}

static void gather_moves_strings(void **state)
{
    PX_UNUSED(state);
    const pgy_string text[] = {{"a", 1}, {"", 0}, {"ccc", 3}};
    const node_case k = {.op = "Gather",
                         .opset = 13,
                         .n_in = 2,
                         .in = {{STR, 1, {3}, NULL, text}, {I64, 1, {2}, NODE_DOUBLES(2, 0)}}};
    pgy_tensor *out[NODE_MAX] = {0};
    assert_ok(node_run(&k, out));
    const pgy_string *s = out[0]->data;
    assert_int_equal(s[0].len, 3);
    assert_memory_equal(s[0].ptr, "ccc", 3);
    assert_memory_equal(s[1].ptr, "a", 1);
    pgy_tensor_free(out[0]);
}

static void scatter_reduces_in_the_type(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "ScatterElements",
                   .opset = 18,
                   .n_in = 3,
                   .in = {{U8, 1, {3}, NODE_DOUBLES(250, 5, 7)},
                          {I64, 1, {3}, NODE_DOUBLES(0, 0, -1)},
                          {U8, 1, {3}, NODE_DOUBLES(3, 4, 2)}},
                   .attrs = {NODE_STRING("reduction", "add")},
                   .n_attrs = 1};
    node_expect(&k, U8, 3, NODE_DOUBLES(1, 5, 9), 0); /* wraps as the type does */
    k.attrs[0] = (px_onnx_attr)NODE_STRING("reduction", "min");
    node_expect(&k, U8, 3, NODE_DOUBLES(3, 5, 2), 0);
    k.attrs[0] = (px_onnx_attr)NODE_STRING("reduction", "none");
    node_expect(&k, U8, 3, NODE_DOUBLES(4, 5, 2), 0); /* the last one stands */
    k.attrs[0] = (px_onnx_attr)NODE_STRING("reduction", "xor");
    node_expect_error(&k, PGY_ERR_MODEL, "\"xor\"");
    k.in[2].dtype = F32;
    node_expect_error(&k, PGY_ERR_MODEL, "not known");
}

static void scatter_keeps_nan(void **state)
{
    PX_UNUSED(state);
    const node_case k = {.op = "ScatterND",
                         .opset = 18,
                         .n_in = 3,
                         .in = {{F32, 1, {2}, NODE_DOUBLES(NAN, 1)},
                                {I64, 2, {2, 1}, NODE_DOUBLES(0, 1)},
                                {F32, 1, {2}, NODE_DOUBLES(5, NAN)}},
                         .attrs = {NODE_STRING("reduction", "max")},
                         .n_attrs = 1};
    node_expect(&k, F32, 2, NODE_DOUBLES(NAN, NAN), 0);
}

static void unique_by_first_occurrence(void **state)
{
    PX_UNUSED(state);
    const node_case k = {.op = "Unique",
                         .opset = 11,
                         .n_in = 1,
                         .n_out = 4,
                         .in = {{F32, 1, {5}, NODE_DOUBLES(2, NAN, 1, 2, NAN)}},
                         .attrs = {NODE_INT("sorted", 0)},
                         .n_attrs = 1};
    pgy_tensor *out[NODE_MAX] = {0};
    assert_ok(node_run(&k, out));
    node_check(out[0], F32, 3, NODE_DOUBLES(2, NAN, 1), 0);
    node_check(out[1], I64, 3, NODE_DOUBLES(0, 1, 2), 0);
    node_check(out[2], I64, 5, NODE_DOUBLES(0, 1, 2, 0, 1), 0);
    node_check(out[3], I64, 3, NODE_DOUBLES(2, 2, 1), 0);
    for (int i = 0; i < 4; i++)
        pgy_tensor_free(out[i]);
}

static void pads_cut_and_wrap(void **state)
{
    PX_UNUSED(state);
    node_case k = {
        .op = "Pad",
        .opset = 19,
        .n_in = 2,
        .in = {{F32, 1, {4}, NODE_DOUBLES(1, 2, 3, 4)}, {I64, 1, {2}, NODE_DOUBLES(-1, 2)}},
        .attrs = {NODE_STRING("mode", "wrap")},
        .n_attrs = 1};
    node_expect(&k, F32, 5, NODE_DOUBLES(2, 3, 4, 2, 3), 0); /* only what is left wraps */
    k.attrs[0] = (px_onnx_attr)NODE_STRING("mode", "reflect");
    k.in[1].v = NODE_DOUBLES(0, 5); /* more than once around */
    node_expect(&k, F32, 9, NODE_DOUBLES(1, 2, 3, 4, 3, 2, 1, 2, 3), 0);
    k.in[1].v = NODE_DOUBLES(-3, -2);
    node_expect_error(&k, PGY_ERR_MODEL, "do not fit a dim of 4");
    k.in[1].v = NODE_DOUBLES(-4, 1);
    node_expect_error(&k, PGY_ERR_MODEL, "only a constant can pad it");
    const int64_t huge[] = {INT64_MAX, INT64_MAX};
    k.in[1] = (node_value){I64, 1, {2}, NULL, huge};
    node_expect_error(&k, PGY_ERR_MODEL, "do not fit");
}

static void pad_of_version_1_and_2(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Pad",
                   .opset = 1,
                   .n_in = 1,
                   .in = {{F32, 1, {1}, NODE_DOUBLES(5)}},
                   .attrs = {NODE_INTS("paddings", 2, 1, 0), NODE_FLOAT("value", 7)},
                   .n_attrs = 2};
    node_expect(&k, F32, 2, NODE_DOUBLES(7, 5), 0);
    k.opset = 2;
    node_expect_error(&k, PGY_ERR_MODEL, "Attribute pads is missing");
    k.attrs[0] = (px_onnx_attr)NODE_INTS("pads", 2, 0, 2);
    node_expect(&k, F32, 3, NODE_DOUBLES(5, 7, 7), 0);
}

static void split_into_uneven_parts(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Split",
                   .opset = 18,
                   .n_in = 1,
                   .n_out = 3,
                   .in = {{I32, 1, {4}, NODE_DOUBLES(1, 2, 3, 4)}},
                   .attrs = {NODE_INT("num_outputs", 3)},
                   .n_attrs = 1};
    pgy_tensor *out[NODE_MAX] = {0};
    assert_ok(node_run(&k, out));
    node_check(out[0], I32, 2, NODE_DOUBLES(1, 2), 0);
    node_check(out[1], I32, 2, NODE_DOUBLES(3, 4), 0);
    node_check(out[2], I32, 0, NULL, 0);
    for (int i = 0; i < 3; i++)
        pgy_tensor_free(out[i]);
    k.n_attrs = 0;
    node_expect_error(&k, PGY_ERR_MODEL, "does not split into 3");
    k.n_in = 2;
    k.in[1] = (node_value){I64, 1, {3}, NODE_DOUBLES(5, -2, 1), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "exceeds a dim of 4");
}

static void transpose_in_tiles(void **state)
{
    PX_UNUSED(state);
    /* More than one 32 x 32 tile each way, with edges. */
    static double from[70 * 3 * 45], want[70 * 3 * 45];
    for (int a = 0; a < 70; a++)
        for (int b = 0; b < 3; b++)
            for (int c = 0; c < 45; c++) {
                from[(a * 3 + b) * 45 + c] = a * 1000 + b * 100 + c;
                want[(c * 3 + b) * 70 + a] = a * 1000 + b * 100 + c;
            }
    node_case k = {.op = "Transpose",
                   .opset = 13,
                   .n_in = 1,
                   .in = {{F64, 3, {70, 3, 45}, from}},
                   .attrs = {NODE_INTS("perm", 3, 2, 1, 0)},
                   .n_attrs = 1};
    node_expect(&k, F64, 70 * 3 * 45, want, 0);
    k.attrs[0] = (px_onnx_attr)NODE_INTS("perm", 3, 2, 2, 0);
    node_expect_error(&k, PGY_ERR_MODEL, "twice");
    k.attrs[0] = (px_onnx_attr)NODE_INTS("perm", 2, 1, 0);
    node_expect_error(&k, PGY_ERR_MODEL, "perm has 2 entries");
}

static void tile_of_version_1(void **state)
{
    PX_UNUSED(state);
    const node_case k = {.op = "Tile",
                         .opset = 1,
                         .n_in = 3,
                         .in = {{F32, 2, {1, 2}, NODE_DOUBLES(1, 2)},
                                {F32, 0, {0}, NODE_DOUBLES(2)},
                                {F32, 0, {0}, NODE_DOUBLES(1)}}};
    node_expect(&k, F32, 4, NODE_DOUBLES(1, 2, 1, 2), 0);
}

static void range_counts_as_float32_runtimes_do(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Range",
                   .opset = 11,
                   .n_in = 3,
                   .in = {{F32, 0, {0}, NODE_DOUBLES(0)},
                          {F32, 0, {0}, NODE_DOUBLES(1)},
                          {F32, 0, {0}, NODE_DOUBLES(0.1f)}}};
    pgy_tensor *out[NODE_MAX] = {0};
    assert_ok(node_run(&k, out));
    assert_int_equal(out[0]->count, 10);
    pgy_tensor_free(out[0]);
    const int64_t lo = INT64_MIN, hi = INT64_MAX, step = INT64_MAX;
    k.in[0] = (node_value){I64, 0, {0}, NULL, &lo};
    k.in[1] = (node_value){I64, 0, {0}, NULL, &hi};
    k.in[2] = (node_value){I64, 0, {0}, NULL, &step};
    assert_ok(node_run(&k, out));
    assert_int_equal(out[0]->count, 3); /* min, -1, max - 1 */
    assert_int_equal(px_tensor_get_i64(out[0], 1), -1);
    pgy_tensor_free(out[0]);
    k.in[2] = (node_value){I64, 0, {0}, NODE_DOUBLES(0), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "no end");
}

static void one_hot_ignores_what_is_outside(void **state)
{
    PX_UNUSED(state);
    const node_case k = {.op = "OneHot",
                         .opset = 11,
                         .n_in = 3,
                         .in = {{F32, 1, {4}, NODE_DOUBLES(1.9, -1, 3, NAN)},
                                {F32, 0, {0}, NODE_DOUBLES(2)},
                                {I32, 1, {2}, NODE_DOUBLES(5, 9)}}};
    node_expect(&k, I32, 8, NODE_DOUBLES(5, 9, 5, 9, 5, 5, 5, 5), 0);
}

static void compress_beyond_its_condition(void **state)
{
    PX_UNUSED(state);
    const node_case k = {.op = "Compress",
                         .opset = 11,
                         .n_in = 2,
                         .in = {{F32, 2, {2, 2}, NODE_DOUBLES(1, 2, 3, 4)},
                                {BOOL, 1, {6}, NODE_DOUBLES(0, 1, 0, 1, 1, 1)}}};
    node_expect(&k, F32, 2, NODE_DOUBLES(2, 4), 0);
}

static void trilu_far_from_the_matrix(void **state)
{
    PX_UNUSED(state);
    const int64_t far = INT64_MIN;
    node_case k = {.op = "Trilu",
                   .opset = 14,
                   .n_in = 2,
                   .in = {{I32, 2, {2, 2}, NODE_DOUBLES(1, 2, 3, 4)}, {I64, 0, {0}, NULL, &far}}};
    node_expect(&k, I32, 4, NODE_DOUBLES(1, 2, 3, 4), 0);
    k.attrs[0] = (px_onnx_attr)NODE_INT("upper", 0);
    k.n_attrs = 1;
    node_expect(&k, I32, 4, NODE_DOUBLES(0, 0, 0, 0), 0);
}

static void absurd_shapes_are_refused(void **state)
{
    PX_UNUSED(state);
    const int64_t big[] = {INT64_C(1) << 40, INT64_C(1) << 40};
    node_case k = {
        .op = "ConstantOfShape", .opset = 9, .n_in = 1, .in = {{I64, 1, {2}, NULL, big}}};
    node_expect_error(&k, PGY_ERR_MODEL, "too large");
    k.in[0].dims[0] = 1;
    node_expect_error(&k, PGY_ERR_NOMEM, "");
    k.in[0] = (node_value){I64, 1, {1}, NODE_DOUBLES(-1), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "negative");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reshape_copies_infers_and_refuses),
        cmocka_unit_test(reshape_of_version_1_has_an_attribute),
        cmocka_unit_test(squeeze_by_attribute_and_input),
        cmocka_unit_test(slice_clamps_extreme_ends),
        cmocka_unit_test(gather_checks_every_index),
        cmocka_unit_test(gather_moves_strings),
        cmocka_unit_test(scatter_reduces_in_the_type),
        cmocka_unit_test(scatter_keeps_nan),
        cmocka_unit_test(unique_by_first_occurrence),
        cmocka_unit_test(pads_cut_and_wrap),
        cmocka_unit_test(pad_of_version_1_and_2),
        cmocka_unit_test(split_into_uneven_parts),
        cmocka_unit_test(transpose_in_tiles),
        cmocka_unit_test(tile_of_version_1),
        cmocka_unit_test(range_counts_as_float32_runtimes_do),
        cmocka_unit_test(one_hot_ignores_what_is_outside),
        cmocka_unit_test(compress_beyond_its_condition),
        cmocka_unit_test(trilu_far_from_the_matrix),
        cmocka_unit_test(absurd_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
