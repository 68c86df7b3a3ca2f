/* Normalisations, quantization, random operators: what the standard's cases leave out. */
#include "ref_node.h"

#define F32 PGY_DTYPE_F32
#define F64 PGY_DTYPE_F64
#define U8 PGY_DTYPE_U8

static const double ones[] = {1, 1, 1, 1}, zeros[] = {0, 0, 0, 0};

static void batch_norm_per_activation(void **state)
{
    PX_UNUSED(state);
    /* spatial = 0: one mean per element of [C, D]. */
    const node_case k = {.op = "BatchNormalization",
                         .opset = 7,
                         .n_in = 5,
                         .in = {{F64, 3, {2, 1, 2}, NODE_DOUBLES(1, 2, 3, 4)},
                                {F64, 2, {1, 2}, ones},
                                {F64, 2, {1, 2}, NODE_DOUBLES(0, 10)},
                                {F64, 2, {1, 2}, NODE_DOUBLES(1, 2)},
                                {F64, 2, {1, 2}, NODE_DOUBLES(1, 4)}},
                         .attrs = {NODE_INT("spatial", 0), NODE_FLOAT("epsilon", 0)},
                         .n_attrs = 2};
    node_expect(&k, F64, 4, NODE_DOUBLES(0, 10, 2, 11), 0);
}

static void batch_norm_trains(void **state)
{
    PX_UNUSED(state);
    pgy_tensor *out[NODE_MAX] = {0};
    node_case k = {.op = "BatchNormalization",
                   .opset = 15,
                   .n_in = 5,
                   .n_out = 3,
                   .in = {{F64, 2, {2, 1}, NODE_DOUBLES(1, 3)},
                          {F64, 1, {1}, ones},
                          {F64, 1, {1}, zeros},
                          {F64, 1, {1}, NODE_DOUBLES(10)},
                          {F64, 1, {1}, NODE_DOUBLES(20)}},
                   .attrs = {NODE_INT("training_mode", 1), NODE_FLOAT("epsilon", 0),
                             NODE_FLOAT("momentum", 0.5f)},
                   .n_attrs = 3};
    assert_ok(node_run(&k, out));
    node_check(out[0], F64, 2, NODE_DOUBLES(-1, 1), 0);
    node_check(out[1], F64, 1, NODE_DOUBLES(6), 0);
    node_check(out[2], F64, 1, NODE_DOUBLES(10.5), 0);
    for (int i = 0; i < 3; i++)
        pgy_tensor_free(out[i]);
    k.in[3].dims[0] = 2;
    k.in[3].v = ones;
    node_expect_error(&k, PGY_ERR_MODEL, "input 3 has 2 elements");
}

static void group_norm_changed_at_21(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "GroupNormalization",
                   .opset = 18,
                   .n_in = 3,
                   .in = {{F64, 3, {1, 4, 1}, NODE_DOUBLES(1, 3, 10, 14)},
                          {F64, 1, {2}, NODE_DOUBLES(1, 2)},
                          {F64, 1, {2}, NODE_DOUBLES(0, 100)}},
                   .attrs = {NODE_INT("num_groups", 2), NODE_FLOAT("epsilon", 0)},
                   .n_attrs = 2};
    node_expect(&k, F64, 4, NODE_DOUBLES(-1, 1, 98, 102), 0);
    k.opset = 21;
    node_expect_error(&k, PGY_ERR_MODEL, "4 are wanted");
    k.in[1] = (node_value){F64, 1, {4}, NODE_DOUBLES(1, 2, 3, 4), NULL};
    k.in[2] = (node_value){F64, 1, {4}, zeros, NULL};
    node_expect(&k, F64, 4, NODE_DOUBLES(-1, 2, -3, 4), 0);
    k.attrs[0].i = 3;
    node_expect_error(&k, PGY_ERR_MODEL, "3 groups");
}

static void layer_norm_broadcasts_its_scale(void **state)
{
    PX_UNUSED(state);
    pgy_tensor *out[NODE_MAX] = {0};
    /* The scale has one element per row, not per normalised element. */
    node_case k = {.op = "LayerNormalization",
                   .opset = 17,
                   .n_in = 3,
                   .n_out = 3,
                   .in = {{F64, 2, {2, 2}, NODE_DOUBLES(1, 3, 10, 20)},
                          {F64, 2, {2, 1}, NODE_DOUBLES(1, 2)},
                          {F64, 1, {1}, NODE_DOUBLES(5)}},
                   .attrs = {NODE_FLOAT("epsilon", 0)},
                   .n_attrs = 1};
    assert_ok(node_run(&k, out));
    node_check(out[0], F64, 4, NODE_DOUBLES(4, 6, 3, 7), 0);
    node_check(out[1], F32, 2, NODE_DOUBLES(2, 15), 0);
    node_check(out[2], F32, 2, NODE_DOUBLES(1, 0.2), 1e-7);
    for (int i = 0; i < 3; i++)
        pgy_tensor_free(out[i]);
    k.in[1] = (node_value){F64, 1, {3}, ones, NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "does not broadcast");
}

static void lp_norm_of_zeros_is_zero(void **state)
{
    PX_UNUSED(state);
    const node_case k = {.op = "LpNormalization",
                         .opset = 22,
                         .n_in = 1,
                         .in = {{F64, 2, {2, 2}, NODE_DOUBLES(3, 0, 4, 0)}},
                         .attrs = {NODE_INT("axis", 0)},
                         .n_attrs = 1};
    node_expect(&k, F64, 4, NODE_DOUBLES(0.6, 0, 0.8, 0), 1e-15);
}

static void lrn_window_is_clipped(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "LRN",
                   .opset = 13,
                   .n_in = 1,
                   .in = {{F64, 2, {1, 3}, NODE_DOUBLES(1, 2, 3)}},
                   .attrs = {NODE_INT("size", INT64_MAX), NODE_FLOAT("alpha", 1)},
                   .n_attrs = 2};
    pgy_tensor *out[NODE_MAX] = {0};
    assert_ok(node_run(&k, out));
    pgy_tensor_free(out[0]);
    k.attrs[0].i = 2; /* one channel after, none before */
    k.attrs[1].f = 2;
    k.attrs[2] = (px_onnx_attr)NODE_FLOAT("beta", 1);
    k.n_attrs = 3;
    node_expect(&k, F64, 3, NODE_DOUBLES(1.0 / 6, 2.0 / 14, 3.0 / 10), 1e-15);
    k.attrs[0].i = 0;
    node_expect_error(&k, PGY_ERR_MODEL, "size is 0");
}

static void quantized_ties_are_those_of_the_scales_type(void **state)
{
    PX_UNUSED(state);
    /* 0.35f / 0.1f is 3.5 in float32, 3.49999994 in float64. */
    const float x[] = {0.35f, 0.25f, -1000, 1000};
    node_case k = {.op = "QuantizeLinear",
                   .opset = 13,
                   .n_in = 3,
                   .in = {{F32, 1, {4}, NULL, x},
                          {F32, 0, {0}, NODE_DOUBLES(0.1f)},
                          {PGY_DTYPE_I8, 0, {0}, NODE_DOUBLES(0)}}};
    node_expect(&k, PGY_DTYPE_I8, 4, NODE_DOUBLES(4, 2, -128, 127), 0);
    k.opset = 23;
    k.attrs[0] = (px_onnx_attr)NODE_INT("precision", F64);
    k.n_attrs = 1;
    node_expect(&k, PGY_DTYPE_I8, 4, NODE_DOUBLES(3, 2, -128, 127), 0);
}

static void quantizes_in_blocks(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "QuantizeLinear",
                   .opset = 21,
                   .n_in = 2,
                   .in = {{F32, 2, {3, 2}, NODE_DOUBLES(2, 2, 4, 4, 6, 6)},
                          {F32, 2, {2, 2}, NODE_DOUBLES(1, 2, 3, 6)}},
                   .attrs = {NODE_INT("axis", 0), NODE_INT("block_size", 2),
                             NODE_INT("output_dtype", PGY_DTYPE_I4)},
                   .n_attrs = 3};
    node_expect(&k, PGY_DTYPE_I4, 6, NODE_DOUBLES(2, 1, 4, 2, 2, 1), 0);
    k.attrs[1].i = 4; /* one block, two given */
    node_expect_error(&k, PGY_ERR_MODEL, "1 blocks");
    k.attrs[1].i = -1;
    node_expect_error(&k, PGY_ERR_MODEL, "block_size");
    k.attrs[1].i = INT64_MAX;
    node_expect_error(&k, PGY_ERR_MODEL, "blocks");
}

static void dequantizes_per_axis(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "DequantizeLinear",
                   .opset = 13,
                   .n_in = 3,
                   .in = {{U8, 2, {2, 2}, NODE_DOUBLES(0, 10, 255, 20)},
                          {F32, 1, {2}, NODE_DOUBLES(0.5, 2)},
                          {U8, 1, {2}, NODE_DOUBLES(128, 10)}}};
    node_expect(&k, F32, 4, NODE_DOUBLES(-64, 0, 63.5, 20), 0);
    k.in[2] = (node_value){U8, 1, {1}, zeros, NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "must agree");
    k.in[2] = (node_value){0};
    k.in[1] = (node_value){F32, 1, {3}, ones, NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "3 elements");
}

static void dynamic_quantization_of_zeros(void **state)
{
    PX_UNUSED(state);
    pgy_tensor *out[NODE_MAX] = {0};
    const node_case k = {.op = "DynamicQuantizeLinear",
                         .opset = 11,
                         .n_in = 1,
                         .n_out = 3,
                         .in = {{F32, 1, {4}, zeros}}};
    assert_ok(node_run(&k, out));
    node_check(out[0], U8, 4, zeros, 0);
    node_check(out[1], F32, 1, ones, 0);
    node_check(out[2], U8, 1, zeros, 0);
    for (int i = 0; i < 3; i++)
        pgy_tensor_free(out[i]);
}

static void random_numbers_repeat_and_fit_their_law(void **state)
{
    PX_UNUSED(state);
    enum { N = 20000 };
    pgy_tensor *first[NODE_MAX] = {0}, *second[NODE_MAX] = {0};
    const node_case k = {.op = "RandomNormal",
                         .opset = 22,
                         .attrs = {NODE_INTS("shape", 2, 2, N / 2), NODE_FLOAT("mean", 3),
                                   NODE_FLOAT("scale", 2), NODE_FLOAT("seed", 1)},
                         .n_attrs = 4};
    assert_ok(node_run(&k, first));
    assert_ok(node_run(&k, second));
    assert_int_equal(first[0]->count, N);
    assert_memory_equal(first[0]->data, second[0]->data, first[0]->size);
    double sum = 0, square = 0;
    for (int64_t i = 0; i < N; i++) {
        const double v = px_tensor_get_f64(first[0], i);
        sum += v;
        square += (v - 3) * (v - 3);
    }
    assert_true(fabs(sum / N - 3) < 0.06); /* four standard errors */
    assert_true(fabs(square / N - 4) < 0.16);
    pgy_tensor_free(first[0]);
    pgy_tensor_free(second[0]);
    const node_case hostile = {.op = "RandomUniform",
                               .opset = 22,
                               .attrs = {NODE_INTS("shape", 2, INT64_MAX, INT64_MAX)},
                               .n_attrs = 1};
    node_expect_error(&hostile, PGY_ERR_MODEL, "shape");
}

static void multinomial_picks_by_weight(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Multinomial",
                   .opset = 22,
                   .n_in = 1,
                   .in = {{F32, 2, {2, 3}, NODE_DOUBLES(-1000, 0, -1000, -1000, -1000, 0)}},
                   .attrs = {NODE_INT("sample_size", 2)},
                   .n_attrs = 1};
    node_expect(&k, PGY_DTYPE_I32, 4, NODE_DOUBLES(1, 1, 2, 2), 0);
    k.in[0] = (node_value){F32, 2, {2, 0}, NULL, ""};
    node_expect_error(&k, PGY_ERR_MODEL, "class");
}

static void dropout_only_drops_in_training(void **state)
{
    PX_UNUSED(state);
    pgy_tensor *out[NODE_MAX] = {0};
    node_case k = {.op = "Dropout",
                   .opset = 13,
                   .n_in = 3,
                   .n_out = 2,
                   .in = {{F32, 1, {4}, ones},
                          {F32, 0, {0}, NODE_DOUBLES(0.75)},
                          {PGY_DTYPE_BOOL, 0, {0}, NODE_DOUBLES(0)}}};
    assert_ok(node_run(&k, out));
    node_check(out[0], F32, 4, ones, 0);
    node_check(out[1], PGY_DTYPE_BOOL, 4, ones, 0);
    pgy_tensor_free(out[0]);
    pgy_tensor_free(out[1]);
    k.in[2].v = ones;
    assert_ok(node_run(&k, out));
    for (int64_t i = 0; i < 4; i++)
        assert_true(px_tensor_get_f64(out[0], i) == 4 * px_tensor_get_f64(out[1], i));
    pgy_tensor_free(out[0]);
    pgy_tensor_free(out[1]);
    k.in[1].v = ones;
    node_expect_error(&k, PGY_ERR_MODEL, "ratio");
    k = (node_case){
        .op = "Dropout", .opset = 7, .n_in = 1, .n_out = 2, .in = {{F32, 1, {4}, zeros}}};
    assert_ok(node_run(&k, out));
    node_check(out[1], F32, 4, zeros, 0); /* a mask of the data's type, left unfilled */
    pgy_tensor_free(out[0]);
    pgy_tensor_free(out[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_norm_per_activation),
        cmocka_unit_test(batch_norm_trains),
        cmocka_unit_test(group_norm_changed_at_21),
        cmocka_unit_test(layer_norm_broadcasts_its_scale),
        cmocka_unit_test(lp_norm_of_zeros_is_zero),
        cmocka_unit_test(lrn_window_is_clipped),
        cmocka_unit_test(quantized_ties_are_those_of_the_scales_type),
        cmocka_unit_test(quantizes_in_blocks),
        cmocka_unit_test(dequantizes_per_axis),
        cmocka_unit_test(dynamic_quantization_of_zeros),
        cmocka_unit_test(random_numbers_repeat_and_fit_their_law),
        cmocka_unit_test(multinomial_picks_by_weight),
        cmocka_unit_test(dropout_only_drops_in_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
