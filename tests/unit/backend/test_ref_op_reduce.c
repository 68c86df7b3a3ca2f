/* Reductions, operators along an axis, softmax: what the standard's cases leave out. */
#include "ref_node.h"

#define F32 PGY_DTYPE_F32
#define F64 PGY_DTYPE_F64
#define I64 PGY_DTYPE_I64

static void sums_do_not_lose_digits(void **state)
{
    PX_UNUSED(state);
    /* 1e17 and -1e17 around ones, each alone in a block of 512: adding in order would lose the
     * ones. Once as one run, once as columns. */
    enum { N = 4096, BLOCK = 512 };
    double *x = px_mem_calloc(N, sizeof *x);
    for (int i = BLOCK; i < N - BLOCK; i++)
        x[i] = 1;
    x[0] = 1e17;
    x[N - 1] = -1e17;
    node_case k = {.op = "ReduceSum", .opset = 13, .n_in = 1, .in = {{F64, 1, {N}, x}}};
    node_expect(&k, F64, 1, NODE_DOUBLES(N - 2 * BLOCK), 0);
    double *columns = px_mem_calloc(N * 2, sizeof *columns);
    for (int i = 0; i < N; i++)
        columns[2 * i] = columns[2 * i + 1] = x[i];
    k.opset = 12;
    k.in[0] = (node_value){F64, 2, {N, 2}, columns, NULL};
    k.attrs[0] = (px_onnx_attr)NODE_INTS("axes", 1, 0);
    k.n_attrs = 1;
    node_expect(&k, F64, 2, NODE_DOUBLES(N - 2 * BLOCK, N - 2 * BLOCK), 0);
    px_mem_free(columns);
    px_mem_free(x);
}

static void empty_sets_have_neutral_results(void **state)
{
    PX_UNUSED(state);
    const struct {
        const char *op;
        double want;
    } cases[] = {{"ReduceSum", 0},         {"ReduceProd", 1},
                 {"ReduceMax", -INFINITY}, {"ReduceMin", INFINITY},
                 {"ReduceMean", NAN},      {"ReduceL1", 0},
                 {"ReduceL2", 0},          {"ReduceLogSum", -INFINITY},
                 {"ReduceSumSquare", 0},   {"ReduceLogSumExp", -INFINITY}};
    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        node_case k = {.op = cases[i].op,
                       .opset = 18,
                       .n_in = 2,
                       .in = {{F32, 2, {2, 0}, NULL, ""}, {I64, 1, {1}, NODE_DOUBLES(1)}}};
        node_expect(&k, F32, 2, NODE_DOUBLES(cases[i].want, cases[i].want), 0);
        k.in[0] = (node_value){F32, 2, {0, 2}, NULL, ""};
        k.in[1] = (node_value){I64, 1, {1}, NODE_DOUBLES(0), NULL};
        node_expect(&k, F32, 2, NODE_DOUBLES(cases[i].want, cases[i].want), 0);
    }
    const node_case ints = {
        .op = "ReduceMax",
        .opset = 20,
        .n_in = 2,
        .in = {{PGY_DTYPE_I8, 2, {1, 0}, NULL, ""}, {I64, 1, {1}, NODE_DOUBLES(1)}}};
    node_expect(&ints, PGY_DTYPE_I8, 1, NODE_DOUBLES(-128), 0);
}

static void axes_of_every_kind(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "ReduceSum",
                   .opset = 13,
                   .n_in = 2,
                   .in = {{F32, 3, {2, 1, 3}, NODE_DOUBLES(1, 2, 3, 4, 5, 6)},
                          {I64, 1, {2}, NODE_DOUBLES(0, -1)}},
                   .attrs = {NODE_INT("keepdims", 0)},
                   .n_attrs = 1};
    node_expect(&k, F32, 1, NODE_DOUBLES(21), 0);
    k.in[1] = (node_value){I64, 1, {1}, NODE_DOUBLES(3), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "axis 3");
    /* No axes and noop: square roots of squares remain. */
    node_case noop = {.op = "ReduceL2",
                      .opset = 18,
                      .n_in = 1,
                      .in = {{F32, 1, {2}, NODE_DOUBLES(-3, 4)}},
                      .attrs = {NODE_INT("noop_with_empty_axes", 1)},
                      .n_attrs = 1};
    node_expect(&noop, F32, 2, NODE_DOUBLES(3, 4), 0);
    const node_case scalar = {
        .op = "ReduceLogSumExp", .opset = 18, .n_in = 1, .in = {{F32, 0, {0}, NODE_DOUBLES(5)}}};
    node_expect(&scalar, F32, 1, NODE_DOUBLES(5), 0);
    /* Reduced axes on both sides of a kept one. */
    const node_case around = {.op = "ReduceMax",
                              .opset = 18,
                              .n_in = 2,
                              .in = {{F32, 3, {2, 2, 2}, NODE_DOUBLES(8, 1, 2, 3, 4, 5, 6, 7)},
                                     {I64, 1, {2}, NODE_DOUBLES(0, 2)}}};
    node_expect(&around, F32, 2, NODE_DOUBLES(8, 7), 0);
}

static void log_sum_exp_survives_extremes(void **state)
{
    PX_UNUSED(state);
    node_case k = {
        .op = "ReduceLogSumExp",
        .opset = 18,
        .n_in = 2,
        .in = {{F64, 2, {3, 2}, NODE_DOUBLES(1000, 1000, -INFINITY, -INFINITY, INFINITY, 0)},
               {I64, 1, {1}, NODE_DOUBLES(1)}}};
    const double want = 1000 + 0.693147180559945309;
    node_expect(&k, F64, 3, NODE_DOUBLES(want, -INFINITY, INFINITY), 1e-15);
}

static void integers_reduce_exactly(void **state)
{
    PX_UNUSED(state);
    const uint64_t big[] = {UINT64_MAX, 1, UINT64_MAX - 1};
    pgy_tensor *out[NODE_MAX] = {0};
    node_case k = {
        .op = "ReduceMax", .opset = 13, .n_in = 1, .in = {{PGY_DTYPE_U64, 1, {3}, NULL, big}}};
    assert_ok(node_run(&k, out));
    assert_true(*(const uint64_t *)out[0]->data == UINT64_MAX);
    pgy_tensor_free(out[0]);
    const node_case mean = {.op = "ReduceMean",
                            .opset = 13,
                            .n_in = 1,
                            .in = {{PGY_DTYPE_I32, 1, {2}, NODE_DOUBLES(-1, -2)}}};
    node_expect(&mean, PGY_DTYPE_I32, 1, NODE_DOUBLES(-1), 0);
}

static void arg_max_ties_and_nan(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "ArgMax",
                   .opset = 13,
                   .n_in = 1,
                   .in = {{F32, 2, {2, 4}, NODE_DOUBLES(1, 5, 5, 0, 1, NAN, 9, NAN)}},
                   .attrs = {NODE_INT("axis", 1), NODE_INT("select_last_index", 0)},
                   .n_attrs = 2};
    node_expect(&k, I64, 2, NODE_DOUBLES(1, 1), 0);
    k.attrs[1].i = 1;
    node_expect(&k, I64, 2, NODE_DOUBLES(2, 3), 0);
    k.in[0] = (node_value){F32, 2, {2, 0}, NULL, ""};
    node_expect_error(&k, PGY_ERR_MODEL, "no elements");
}

static void top_k_is_stable(void **state)
{
    PX_UNUSED(state);
    pgy_tensor *out[NODE_MAX] = {0};
    node_case k = {
        .op = "TopK",
        .opset = 11,
        .n_in = 2,
        .n_out = 2,
        .in = {{F32, 2, {1, 6}, NODE_DOUBLES(2, 7, -0.0, 7, 0, 7)}, {I64, 1, {1}, NODE_DOUBLES(4)}},
        .attrs = {NODE_INT("largest", 1)},
        .n_attrs = 1};
    assert_ok(node_run(&k, out));
    node_check(out[0], F32, 4, NODE_DOUBLES(7, 7, 7, 2), 0);
    node_check(out[1], I64, 4, NODE_DOUBLES(1, 3, 5, 0), 0);
    pgy_tensor_free(out[0]);
    pgy_tensor_free(out[1]);
    k.attrs[0].i = 0;
    assert_ok(node_run(&k, out));
    node_check(out[0], F32, 4, NODE_DOUBLES(-0.0, 0, 2, 7), 0);
    node_check(out[1], I64, 4, NODE_DOUBLES(2, 4, 0, 1), 0);
    pgy_tensor_free(out[0]);
    pgy_tensor_free(out[1]);
    k.in[1] = (node_value){I64, 1, {1}, NODE_DOUBLES(7), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "k is 7");
    k.in[1] = (node_value){I64, 1, {2}, NODE_DOUBLES(1, 1), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "one is wanted");
}

static void scans_run_in_place(void **state)
{
    PX_UNUSED(state);
    node_case k = {
        .op = "CumSum",
        .opset = 14,
        .n_in = 2,
        .in = {{F64, 1, {4}, NODE_DOUBLES(1, 2, 3, 4)}, {PGY_DTYPE_I32, 0, {0}, NODE_DOUBLES(0)}},
        .attrs = {NODE_INT("exclusive", 1), NODE_INT("reverse", 1)},
        .n_attrs = 2};
    node_expect(&k, F64, 4, NODE_DOUBLES(9, 7, 4, 0), 0);
    k.in[0] = (node_value){PGY_DTYPE_I32, 1, {3}, NODE_DOUBLES(INT32_MAX, 1, 1), NULL};
    k.n_attrs = 0;
    node_expect(&k, PGY_DTYPE_I32, 3, NODE_DOUBLES(INT32_MAX, INT32_MIN, INT32_MIN + 1), 0);
    k.in[1] = (node_value){PGY_DTYPE_I32, 0, {0}, NODE_DOUBLES(1), NULL};
    node_expect_error(&k, PGY_ERR_MODEL, "axis 1");
}

static void softmax_changed_at_13(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Softmax",
                   .opset = 12,
                   .n_in = 1,
                   .in = {{F64, 3, {1, 2, 2}, NODE_DOUBLES(0, 0, 0, 0)}}};
    node_expect(&k, F64, 4, NODE_DOUBLES(0.25, 0.25, 0.25, 0.25), 0);
    k.opset = 13;
    node_expect(&k, F64, 4, NODE_DOUBLES(0.5, 0.5, 0.5, 0.5), 0);
    k.attrs[0] = (px_onnx_attr)NODE_INT("axis", 0);
    k.n_attrs = 1;
    node_expect(&k, F64, 4, NODE_DOUBLES(1, 1, 1, 1), 0);
    k.attrs[0].i = 1; /* columns */
    k.in[0].v = NODE_DOUBLES(1000, -1000, 1000, 1000);
    node_expect(&k, F64, 4, NODE_DOUBLES(0.5, 0, 0.5, 1), 0);
    k.attrs[0].i = -4;
    node_expect_error(&k, PGY_ERR_MODEL, "axis -4");
}

static void hardmax_takes_the_first(void **state)
{
    PX_UNUSED(state);
    const node_case k = {.op = "Hardmax",
                         .opset = 13,
                         .n_in = 1,
                         .in = {{F32, 2, {2, 3}, NODE_DOUBLES(1, 4, 4, 2, 2, 2)}}};
    node_expect(&k, F32, 6, NODE_DOUBLES(0, 1, 0, 1, 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_do_not_lose_digits),
        cmocka_unit_test(empty_sets_have_neutral_results),
        cmocka_unit_test(axes_of_every_kind),
        cmocka_unit_test(log_sum_exp_survives_extremes),
        cmocka_unit_test(integers_reduce_exactly),
        cmocka_unit_test(arg_max_ties_and_nan),
        cmocka_unit_test(top_k_is_stable),
        cmocka_unit_test(scans_run_in_place),
        cmocka_unit_test(softmax_changed_at_13),
        cmocka_unit_test(hardmax_takes_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
