/* Elementwise, logic and cast operators: what the standard's cases leave out. */
#include "ref_node.h"

#include <float.h>

#define F32 PGY_DTYPE_F32
#define I32 PGY_DTYPE_I32

static void integers_wrap_and_never_trap(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Div",
                   .opset = 14,
                   .n_in = 2,
                   .in = {{I32, 1, {4}, NODE_DOUBLES(INT32_MIN, 7, -7, 7)},
                          {I32, 1, {4}, NODE_DOUBLES(-1, 0, 2, -2)}}};
    node_expect(&k, I32, 4, NODE_DOUBLES(INT32_MIN, 0, -3, -3), 0);
    k.op = "Mod";
    node_expect(&k, I32, 4, NODE_DOUBLES(0, 0, 1, -1), 0);
    k.attrs[0] = (px_onnx_attr)NODE_INT("fmod", 1);
    k.n_attrs = 1;
    node_expect(&k, I32, 4, NODE_DOUBLES(0, 0, -1, 1), 0);
    node_case mul = {.op = "Mul",
                     .opset = 14,
                     .n_in = 2,
                     .in = {{PGY_DTYPE_I8, 1, {2}, NODE_DOUBLES(100, -128)},
                            {PGY_DTYPE_I8, 1, {2}, NODE_DOUBLES(3, -1)}}};
    node_expect(&mul, PGY_DTYPE_I8, 2, NODE_DOUBLES(44, -128), 0);
}

static void float_mod_has_the_divisors_sign(void **state)
{
    PX_UNUSED(state);
    const node_case k = {.op = "Mod",
                         .opset = 28,
                         .n_in = 2,
                         .in = {{F32, 1, {5}, NODE_DOUBLES(-0.0, 5, -5, 3, INFINITY)},
                                {F32, 1, {5}, NODE_DOUBLES(2, -3, INFINITY, INFINITY, 2)}}};
    node_expect(&k, F32, 5, NODE_DOUBLES(0, -1, INFINITY, 3, NAN), 0);
}

static void power_mixes_types(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Pow",
                   .opset = 15,
                   .n_in = 2,
                   .in = {{I32, 1, {4}, NODE_DOUBLES(3, -1, 2, 0)},
                          {PGY_DTYPE_I64, 1, {4}, NODE_DOUBLES(21, -3, -1, 0)}}};
    node_expect(&k, I32, 4, NODE_DOUBLES((double)(int32_t)10460353203, -1, 0, 1), 0);
    k.in[1] = (node_value){F32, 1, {4}, NODE_DOUBLES(2.5, 2, 40, 0.5), NULL};
    node_expect(&k, I32, 4, NODE_DOUBLES(15, 1, INT32_MAX, 0), 0);
    k.in[0] = (node_value){F32, 1, {4}, NODE_DOUBLES(-2, 4, 9, 0), NULL};
    k.in[1] = (node_value){F32, 0, {0}, NODE_DOUBLES(3), NULL};
    node_expect(&k, F32, 4, NODE_DOUBLES(-8, 64, 729, 0), 0);
}

static void old_opsets_align_at_an_axis(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Add",
                   .opset = 6,
                   .n_in = 2,
                   .in = {{F32, 3, {2, 2, 2}, NODE_DOUBLES(0, 1, 2, 3, 4, 5, 6, 7)},
                          {F32, 1, {2}, NODE_DOUBLES(10, 20)}},
                   .attrs = {NODE_INT("broadcast", 1), NODE_INT("axis", 1)},
                   .n_attrs = 2};
    node_expect(&k, F32, 8, NODE_DOUBLES(10, 11, 22, 23, 14, 15, 26, 27), 0);
    k.n_attrs = 1; /* aligned to the end */
    node_expect(&k, F32, 8, NODE_DOUBLES(10, 21, 12, 23, 14, 25, 16, 27), 0);
    k.n_attrs = 0;
    node_expect_error(&k, PGY_ERR_MODEL, "broadcast is not 1");
    k.n_attrs = 2;
    k.attrs[1].i = 3;
    node_expect_error(&k, PGY_ERR_MODEL, "axis");
}

static void broadcasts_both_ways(void **state)
{
    PX_UNUSED(state);
    node_case k = {
        .op = "Sub",
        .opset = 14,
        .n_in = 2,
        .in = {{F32, 2, {2, 1}, NODE_DOUBLES(10, 20)}, {F32, 1, {3}, NODE_DOUBLES(1, 2, 3)}}};
    node_expect(&k, F32, 6, NODE_DOUBLES(9, 8, 7, 19, 18, 17), 0);
    k.in[0].dims[0] = 0;
    node_expect(&k, F32, 0, NULL, 0);
    k.in[0] = (node_value){F32, 2, {2, 2}, NODE_DOUBLES(1, 2, 3, 4), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "broadcast");
    k.in[1] = (node_value){I32, 1, {2}, NODE_DOUBLES(1, 2), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "types");
}

static void nan_wins_in_max(void **state)
{
    PX_UNUSED(state);
    const node_case k = {.op = "Max",
                         .opset = 13,
                         .n_in = 3,
                         .in = {{F32, 1, {3}, NODE_DOUBLES(NAN, 1, 2)},
                                {F32, 1, {3}, NODE_DOUBLES(1, NAN, 5)},
                                {F32, 1, {1}, NODE_DOUBLES(3)}}};
    node_expect(&k, F32, 3, NODE_DOUBLES(NAN, NAN, 5), 0);
}

static void clip_uses_the_types_limits(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Clip",
                   .opset = 13,
                   .n_in = 3,
                   .in = {{F32, 1, {3}, NODE_DOUBLES(-INFINITY, 2, NAN)},
                          {0},
                          {F32, 0, {0}, NODE_DOUBLES(1)}}};
    node_expect(&k, F32, 3, NODE_DOUBLES(-(double)FLT_MAX, 1, NAN), 0);
    k.in[1] = (node_value){F32, 0, {0}, NODE_DOUBLES(4), NULL}; /* min above max: max */
    node_expect(&k, F32, 2 + 1, NODE_DOUBLES(1, 1, NAN), 0);
    k.in[1] = (node_value){F32, 1, {2}, NODE_DOUBLES(0, 0), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "scalar");
}

static void shifts_by_any_amount_are_defined(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "BitShift",
                   .opset = 28,
                   .n_in = 2,
                   .in = {{PGY_DTYPE_I8, 1, {4}, NODE_DOUBLES(-8, -8, 1, 64)},
                          {PGY_DTYPE_I8, 1, {4}, NODE_DOUBLES(1, 100, -1, 7)}},
                   .attrs = {NODE_STRING("direction", "RIGHT")},
                   .n_attrs = 1};
    node_expect(&k, PGY_DTYPE_I8, 4, NODE_DOUBLES(-4, -1, 0, 0), 0);
    k.attrs[0] = (px_onnx_attr)NODE_STRING("direction", "LEFT");
    node_expect(&k, PGY_DTYPE_I8, 4, NODE_DOUBLES(-16, 0, 0, 0), 0);
    k.attrs[0] = (px_onnx_attr)NODE_STRING("direction", "UP");
    node_expect_error(&k, PGY_ERR_MODEL, "LEFT or RIGHT");
}

static void tails_keep_their_relative_accuracy(void **state)
{
    PX_UNUSED(state);
    /* Phi(-10) = 7.61985302416052606597e-24 */
    const node_case gelu = {.op = "Gelu",
                            .opset = 20,
                            .n_in = 1,
                            .in = {{PGY_DTYPE_F64, 1, {3}, NODE_DOUBLES(-10, -INFINITY, 40)}}};
    node_expect(&gelu, PGY_DTYPE_F64, 3, NODE_DOUBLES(-7.61985302416052606597e-23, -0.0, 40),
                1e-14);
    const node_case sigmoid = {.op = "Sigmoid",
                               .opset = 13,
                               .n_in = 1,
                               .in = {{PGY_DTYPE_F64, 1, {3}, NODE_DOUBLES(-700, 0, 1000)}}};
    node_expect(&sigmoid, PGY_DTYPE_F64, 3, NODE_DOUBLES(9.85967654375977085e-305, 0.5, 1), 1e-15);
    const node_case elu = {.op = "Elu",
                           .opset = 22,
                           .n_in = 1,
                           .in = {{PGY_DTYPE_F64, 1, {2}, NODE_DOUBLES(-1e-18, 3)}}};
    node_expect(&elu, PGY_DTYPE_F64, 2, NODE_DOUBLES(-1e-18, 3), 1e-15);
}

/* The vector functions at the ends of their range: saturated, never NaN. */
static void infinities_saturate(void **state)
{
    PX_UNUSED(state);
    const struct {
        const char *op;
        double low, high;
    } cases[] = {{"Tanh", -1, 1},          {"Erf", -1, 1},           {"Sigmoid", 0, 1},
                 {"Exp", 0, INFINITY},     {"Elu", -1, INFINITY},    {"Softplus", 0, INFINITY},
                 {"Mish", -0.0, INFINITY}, {"Swish", -0.0, INFINITY}};
    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        const node_case k = {
            .op = cases[i].op,
            .opset = 24,
            .n_in = 1,
            .in = {{PGY_DTYPE_F64, 1, {3}, NODE_DOUBLES(-INFINITY, INFINITY, NAN)}}};
        node_expect(&k, PGY_DTYPE_F64, 3, NODE_DOUBLES(cases[i].low, cases[i].high, NAN), 0);
    }
}

static void booleans_may_be_any_byte(void **state)
{
    PX_UNUSED(state);
    const node_case k = {
        .op = "Xor",
        .opset = 7,
        .n_in = 2,
        .in = {{PGY_DTYPE_BOOL, 1, {2}, NULL, "\2\0"}, {PGY_DTYPE_BOOL, 1, {2}, NULL, "\1\4"}}};
    node_expect(&k, PGY_DTYPE_BOOL, 2, NODE_DOUBLES(0, 1), 0);
}

static void casts_round_once(void **state)
{
    PX_UNUSED(state);
    /* To double this rounds up to a tie of float, from there up again: wrong by one float step. */
    const int64_t tricky[] = {(INT64_C(1) << 60) + (INT64_C(1) << 36) - 1};
    const node_case k = {.op = "Cast",
                         .opset = 13,
                         .n_in = 1,
                         .in = {{PGY_DTYPE_I64, 1, {1}, NULL, tricky}},
                         .attrs = {NODE_INT("to", PGY_DTYPE_F32)},
                         .n_attrs = 1};
    node_expect(&k, F32, 1, NODE_DOUBLES(0x1p60), 0);
}

static void casts_to_small_floats(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Cast",
                   .opset = 24,
                   .n_in = 1,
                   .in = {{F32, 1, {4}, NODE_DOUBLES(1e9, -INFINITY, NAN, 0.3)}},
                   .attrs = {NODE_INT("to", PGY_DTYPE_F8E5M2), NODE_INT("saturate", 1)},
                   .n_attrs = 2};
    node_expect(&k, PGY_DTYPE_F8E5M2, 4, NODE_DOUBLES(57344, -57344, NAN, 0.3125), 0);
    k.attrs[1].i = 0;
    node_expect(&k, PGY_DTYPE_F8E5M2, 4, NODE_DOUBLES(INFINITY, -INFINITY, NAN, 0.3125), 0);
    k.attrs[0].i = PGY_DTYPE_F8E4M3FN;
    node_expect(&k, PGY_DTYPE_F8E4M3FN, 4, NODE_DOUBLES(NAN, NAN, NAN, 0.3125), 0);
    k.attrs[0].i = PGY_DTYPE_F8E8M0;
    k.in[0].v = NODE_DOUBLES(3, 0.26, 1e39, 0);
    k.attrs[1] = (px_onnx_attr)NODE_STRING("round_mode", "down");
    node_expect(&k, PGY_DTYPE_F8E8M0, 4, NODE_DOUBLES(2, 0.25, 0x1p127, 0x1p-127), 0);
    k.attrs[1] = (px_onnx_attr)NODE_STRING("round_mode", "nearest");
    node_expect(&k, PGY_DTYPE_F8E8M0, 4, NODE_DOUBLES(4, 0.25, 0x1p127, 0x1p-127), 0);
    k.attrs[0].i = 99;
    node_expect_error(&k, PGY_ERR_UNSUPPORTED, "99");
}

static void casts_text_both_ways(void **state)
{
    PX_UNUSED(state);
    pgy_tensor *out[NODE_MAX] = {0};
    const pgy_string words[] = {{"-INF", 4}, {"1e-5", 4}, {"42", 2}};
    const char *texts[] = {"0.1", "NaN", "-INF"};
    node_case k = {.op = "Cast",
                   .opset = 13,
                   .n_in = 1,
                   .in = {{PGY_DTYPE_STRING, 1, {3}, NULL, words}},
                   .attrs = {NODE_INT("to", PGY_DTYPE_F64)},
                   .n_attrs = 1};
    node_expect(&k, PGY_DTYPE_F64, 3, NODE_DOUBLES(-INFINITY, 1e-5, 42), 0);
    k.in[0].raw = (const pgy_string[]){{"1", 1}, {"2", 1}, {"hello", 5}};
    node_expect_error(&k, PGY_ERR_MODEL, "'hello', is no number");
    k.in[0] = (node_value){F32, 1, {3}, NODE_DOUBLES(0.1, NAN, -INFINITY), NULL};
    k.attrs[0].i = PGY_DTYPE_STRING;
    assert_ok(node_run(&k, out));
    for (int i = 0; i < 3; i++) {
        const pgy_string *s = (const pgy_string *)out[0]->data + i;
        assert_int_equal(s->len, strlen(texts[i]));
        assert_memory_equal(s->ptr, texts[i], s->len);
    }
    pgy_tensor_free(out[0]);
}

static void opset_1_names_the_cast_target(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Cast",
                   .opset = 5,
                   .n_in = 1,
                   .in = {{F32, 1, {2}, NODE_DOUBLES(1.9, -1.9)}},
                   .attrs = {NODE_STRING("to", "INT64")},
                   .n_attrs = 1};
    node_expect(&k, PGY_DTYPE_I64, 2, NODE_DOUBLES(1, -1), 0);
    k.attrs[0] = (px_onnx_attr)NODE_STRING("to", "COMPLICATED_AND_LONG");
    node_expect_error(&k, PGY_ERR_MODEL, "no element type");
}

static void bits_are_those_of_the_declared_type(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "BitCast",
                   .opset = 26,
                   .n_in = 1,
                   .in = {{PGY_DTYPE_F16, 1, {2}, NODE_DOUBLES(1, -2)}},
                   .attrs = {NODE_INT("to", PGY_DTYPE_U16)},
                   .n_attrs = 1};
    node_expect(&k, PGY_DTYPE_U16, 2, NODE_DOUBLES(0x3c00, 0xc000), 0);
    k.attrs[0].i = PGY_DTYPE_I32;
    node_expect_error(&k, PGY_ERR_MODEL, "differ in width");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_wrap_and_never_trap),
        cmocka_unit_test(float_mod_has_the_divisors_sign),
        cmocka_unit_test(power_mixes_types),
        cmocka_unit_test(old_opsets_align_at_an_axis),
        cmocka_unit_test(broadcasts_both_ways),
        cmocka_unit_test(nan_wins_in_max),
        cmocka_unit_test(clip_uses_the_types_limits),
        cmocka_unit_test(shifts_by_any_amount_are_defined),
        cmocka_unit_test(tails_keep_their_relative_accuracy),
        cmocka_unit_test(infinities_saturate),
        cmocka_unit_test(booleans_may_be_any_byte),
        cmocka_unit_test(casts_round_once),
        cmocka_unit_test(casts_to_small_floats),
        cmocka_unit_test(casts_text_both_ways),
        cmocka_unit_test(opset_1_names_the_cast_target),
        cmocka_unit_test(bits_are_those_of_the_declared_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
