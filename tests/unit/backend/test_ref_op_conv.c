/* Convolutions and pools against their definitions, over random shapes. */
#include "ref_node.h"

#define F64 PGY_DTYPE_F64

static unsigned rng_state;

static int64_t pick(int64_t lo, int64_t hi)
{
    rng_state = rng_state * 1664525u + 1013904223u;
    return lo + (int64_t)(rng_state >> 8) % (hi - lo + 1);
}

/* Small integers, so that sums are exact in any order. */
static void fill(double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = (double)pick(-9, 9);
}

typedef struct geometry {
    int64_t n, c, groups, m; /* m: output channels of a group */
    int64_t in[2], k[2], stride[2], dil[2], pad[4], out[2];
} geometry;

static geometry random_geometry(int round)
{
    geometry g = {.n = pick(1, 2), .groups = pick(1, 3), .m = pick(1, 5)};
    g.c = g.groups * (round % 3 == 0 ? 1 : pick(1, 4));
    for (int d = 0; d < 2; d++) {
        g.k[d] = pick(1, 4);
        g.stride[d] = pick(1, 3);
        g.dil[d] = pick(1, 2);
        g.pad[d] = pick(0, 2);
        g.pad[d + 2] = pick(0, 2);
        const int64_t extent = (g.k[d] - 1) * g.dil[d] + 1;
        g.in[d] = PX_MAX(extent - g.pad[d] - g.pad[d + 2], (int64_t)1) + pick(0, 14);
        g.out[d] = (g.in[d] + g.pad[d] + g.pad[d + 2] - extent) / g.stride[d] + 1;
    }
    return g;
}

static void define_conv(const geometry *g, const double *x, const double *w, const double *b,
                        double *y)
{
    const int64_t cg = g->c / g->groups, all = g->groups * g->m;
    for (int64_t i = 0; i < g->n * all * g->out[0] * g->out[1]; i++) {
        const int64_t oj = i % g->out[1], oi = i / g->out[1] % g->out[0];
        const int64_t m = i / (g->out[0] * g->out[1]) % all, n = i / (g->out[0] * g->out[1] * all);
        y[i] = b[m];
        for (int64_t c = 0; c < cg; c++)
            for (int64_t a = 0; a < g->k[0]; a++)
                for (int64_t k = 0; k < g->k[1]; k++) {
                    const int64_t r = oi * g->stride[0] - g->pad[0] + a * g->dil[0];
                    const int64_t s = oj * g->stride[1] - g->pad[1] + k * g->dil[1];
                    if (r >= 0 && r < g->in[0] && s >= 0 && s < g->in[1])
                        y[i] += w[((m * cg + c) * g->k[0] + a) * g->k[1] + k] *
                                x[((n * g->c + m / g->m * cg + c) * g->in[0] + r) * g->in[1] + s];
                }
    }
}

static void set_window(node_case *k, const geometry *g)
{
    const px_onnx_attr attrs[] = {
        {.name = PX_STR("strides"), .type = PX_ONNX_ATTR_INTS, .n = 2, .ints = g->stride},
        {.name = PX_STR("dilations"), .type = PX_ONNX_ATTR_INTS, .n = 2, .ints = g->dil},
        {.name = PX_STR("pads"), .type = PX_ONNX_ATTR_INTS, .n = 4, .ints = g->pad},
        {.name = PX_STR("group"), .type = PX_ONNX_ATTR_INT, .i = g->groups}};
    memcpy(k->attrs, attrs, sizeof attrs);
    k->n_attrs = 4;
}

enum { ROUNDS = 60, MOST = 1 << 15 };
static double x_buf[MOST], w_buf[MOST], b_buf[64], y_buf[MOST];

static void conv_is_as_defined(void **state)
{
    PX_UNUSED(state);
    rng_state = 1;
    for (int round = 0; round < ROUNDS; round++) {
        const geometry g = random_geometry(round);
        const int64_t cg = g.c / g.groups, all = g.groups * g.m;
        fill(x_buf, g.n * g.c * g.in[0] * g.in[1]);
        fill(w_buf, all * cg * g.k[0] * g.k[1]);
        fill(b_buf, all);
        node_case k = {.op = "Conv",
                       .opset = 11,
                       .n_in = 3,
                       .in = {{F64, 4, {g.n, g.c, g.in[0], g.in[1]}, x_buf},
                              {F64, 4, {all, cg, g.k[0], g.k[1]}, w_buf},
                              {F64, 1, {all}, b_buf}}};
        set_window(&k, &g);
        define_conv(&g, x_buf, w_buf, b_buf, y_buf);
        node_expect(&k, F64, g.n * all * g.out[0] * g.out[1], y_buf, 1e-15);
    }
}

/* What a convolution adds to an output from an input, its transpose adds to the input from the
 * output: the same sum with the roles exchanged. */
static void conv_transpose_is_the_transpose(void **state)
{
    PX_UNUSED(state);
    rng_state = 2;
    for (int round = 0; round < ROUNDS; round++) {
        geometry g = random_geometry(round);
        const int64_t cg = g.c / g.groups, all = g.groups * g.m;
        /* The input that just fits: no output padding to account for. */
        for (int d = 0; d < 2; d++)
            g.in[d] = (g.out[d] - 1) * g.stride[d] + (g.k[d] - 1) * g.dil[d] + 1 - g.pad[d] -
                      g.pad[d + 2];
        if (g.in[0] < 1 || g.in[1] < 1)
            continue;
        const int64_t n_y = g.n * all * g.out[0] * g.out[1];
        const int64_t n_x = g.n * g.c * g.in[0] * g.in[1];
        fill(y_buf, n_y);
        fill(w_buf, all * cg * g.k[0] * g.k[1]);
        memset(x_buf, 0, (size_t)n_x * sizeof *x_buf);
        for (int64_t i = 0; i < n_y; i++) {
            const int64_t plane = g.out[0] * g.out[1], m = i / plane % all, n = i / (plane * all);
            for (int64_t c = 0; c < cg; c++)
                for (int64_t t = 0; t < g.k[0] * g.k[1]; t++) {
                    const int64_t r =
                        i / g.out[1] % g.out[0] * g.stride[0] - g.pad[0] + t / g.k[1] * g.dil[0];
                    const int64_t s = i % g.out[1] * g.stride[1] - g.pad[1] + t % g.k[1] * g.dil[1];
                    if (r >= 0 && r < g.in[0] && s >= 0 && s < g.in[1])
                        x_buf[((n * g.c + m / g.m * cg + c) * g.in[0] + r) * g.in[1] + s] +=
                            y_buf[i] * w_buf[(m * cg + c) * g.k[0] * g.k[1] + t];
                }
        }
        node_case k = {.op = "ConvTranspose",
                       .opset = 11,
                       .n_in = 2,
                       .in = {{F64, 4, {g.n, all, g.out[0], g.out[1]}, y_buf},
                              {F64, 4, {all, cg, g.k[0], g.k[1]}, w_buf}}};
        set_window(&k, &g);
        node_expect(&k, F64, n_x, x_buf, 1e-15);
    }
}

static void conv_pads_at_the_start(void **state)
{
    PX_UNUSED(state);
    const node_case one = {.op = "Conv",
                           .opset = 11,
                           .n_in = 2,
                           .in = {{F64, 3, {1, 1, 4}, NODE_DOUBLES(1, 2, 3, 4)},
                                  {F64, 3, {1, 1, 2}, NODE_DOUBLES(10, 1)}},
                           .attrs = {NODE_STRING("auto_pad", "SAME_LOWER")},
                           .n_attrs = 1};
    node_expect(&one, F64, 4, NODE_DOUBLES(1, 12, 23, 34), 0);
}

static void conv_integer_is_exact(void **state)
{
    PX_UNUSED(state);
    /* 255 * -128 over 9 elements. */
    double x[9], w[9];
    for (int i = 0; i < 9; i++) {
        x[i] = 255;
        w[i] = -128;
    }
    const node_case k = {.op = "ConvInteger",
                         .opset = 10,
                         .n_in = 4,
                         .in = {{PGY_DTYPE_U8, 4, {1, 1, 3, 3}, x},
                                {PGY_DTYPE_I8, 4, {1, 1, 3, 3}, w},
                                {PGY_DTYPE_U8, 0, {0}, NODE_DOUBLES(0)},
                                {PGY_DTYPE_I8, 1, {1}, NODE_DOUBLES(127)}}};
    node_expect(&k, PGY_DTYPE_I32, 1, NODE_DOUBLES(-255.0 * 255 * 9), 0);
}

static void conv_refuses_what_does_not_fit(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "Conv",
                   .opset = 11,
                   .n_in = 2,
                   .in = {{F64, 3, {1, 2, 4}, x_buf}, {F64, 3, {1, 1, 2}, w_buf}}};
    node_expect_error(&k, PGY_ERR_MODEL, "do not fit weights");
    k.in[0].dims[1] = 1;
    k.in[1].dims[2] = 5;
    node_expect_error(&k, PGY_ERR_MODEL, "larger than the padded input");
    k.in[1].dims[2] = 2;
    k.attrs[0] = (px_onnx_attr)NODE_INTS("pads", 2, INT64_MAX, 0);
    k.n_attrs = 1;
    node_expect_error(&k, PGY_ERR_MODEL, "pads holds");
    k.attrs[0] = (px_onnx_attr)NODE_INTS("strides", 1, 0);
    node_expect_error(&k, PGY_ERR_MODEL, "strides holds 0");
}

/* --- pools --- */

static void define_pool(const geometry *g, const double *x, const char *op, bool count_pads,
                        double *y)
{
    for (int64_t i = 0; i < g->n * g->c * g->out[0] * g->out[1]; i++) {
        const int64_t plane = i / (g->out[0] * g->out[1]);
        double sum = 0, best = -INFINITY, squares = 0;
        int64_t count = 0;
        for (int64_t a = 0; a < g->k[0]; a++)
            for (int64_t k = 0; k < g->k[1]; k++) {
                const int64_t r =
                    i / g->out[1] % g->out[0] * g->stride[0] - g->pad[0] + a * g->dil[0];
                const int64_t s = i % g->out[1] * g->stride[1] - g->pad[1] + k * g->dil[1];
                if (r < 0 || r >= g->in[0] || s < 0 || s >= g->in[1])
                    continue;
                const double v = x[(plane * g->in[0] + r) * g->in[1] + s];
                sum += v;
                squares += v * v;
                best = fmax(best, v);
                count++;
            }
        y[i] = op[0] == 'M'   ? best
               : op[0] == 'L' ? sqrt(squares)
                              : sum / (double)(count_pads ? g->k[0] * g->k[1] : count);
    }
}

static void pools_are_as_defined(void **state)
{
    PX_UNUSED(state);
    static const char *const names[] = {"MaxPool", "LpPool", "AveragePool", "AveragePool"};
    rng_state = 3;
    for (int round = 0; round < ROUNDS; round++) {
        geometry g = random_geometry(round);
        const int count_pads = round % 4 == 3;
        /* A window in padding alone has no maximum and no mean. */
        for (int d = 0; d < 4; d++)
            if (g.pad[d] >= g.k[d % 2])
                g.pad[d] = 0;
        for (int d = 0; d < 2; d++) {
            const int64_t extent = (g.k[d] - 1) * g.dil[d] + 1;
            g.in[d] = PX_MAX(g.in[d], extent);
            g.out[d] = (g.in[d] + g.pad[d] + g.pad[d + 2] - extent) / g.stride[d] + 1;
        }
        fill(x_buf, g.n * g.c * g.in[0] * g.in[1]);
        node_case k = {.op = names[round % 4],
                       .opset = 19,
                       .n_in = 1,
                       .in = {{F64, 4, {g.n, g.c, g.in[0], g.in[1]}, x_buf}}};
        set_window(&k, &g);
        k.attrs[3] = (px_onnx_attr){
            .name = PX_STR("kernel_shape"), .type = PX_ONNX_ATTR_INTS, .n = 2, .ints = g.k};
        k.attrs[4] = (px_onnx_attr)NODE_INT("count_include_pad", count_pads);
        k.n_attrs = 5;
        define_pool(&g, x_buf, k.op, count_pads, y_buf);
        node_expect(&k, F64, g.n * g.c * g.out[0] * g.out[1], y_buf, 1e-15);
    }
}

static void max_pool_indices_count_over_all_planes(void **state)
{
    PX_UNUSED(state);
    pgy_tensor *out[NODE_MAX] = {0};
    node_case k = {.op = "MaxPool",
                   .opset = 12,
                   .n_in = 1,
                   .n_out = 2,
                   .in = {{F64, 4, {1, 2, 2, 3}, NODE_DOUBLES(1, 5, 2, 3, 4, 0, 9, 8, 7, 6, 5, 4)}},
                   .attrs = {NODE_INTS("kernel_shape", 2, 2, 3), NODE_INT("storage_order", 0)},
                   .n_attrs = 2};
    assert_ok(node_run(&k, out));
    node_check(out[0], F64, 2, NODE_DOUBLES(5, 9), 0);
    node_check(out[1], PGY_DTYPE_I64, 2, NODE_DOUBLES(1, 6), 0);
    pgy_tensor_free(out[0]);
    pgy_tensor_free(out[1]);
    k.attrs[1].i = 1; /* column-major: element (0, 1) of 2 x 3 is number 2 */
    assert_ok(node_run(&k, out));
    node_check(out[1], PGY_DTYPE_I64, 2, NODE_DOUBLES(2, 6), 0);
    pgy_tensor_free(out[0]);
    pgy_tensor_free(out[1]);
}

static void ceil_mode_drops_windows_behind_the_input(void **state)
{
    PX_UNUSED(state);
    /* Rounded up there are three windows; the third starts at 4, in the padding behind 4. */
    const node_case k = {.op = "AveragePool",
                         .opset = 19,
                         .n_in = 1,
                         .in = {{F64, 3, {1, 1, 4}, NODE_DOUBLES(2, 4, 6, 8)}},
                         .attrs = {NODE_INTS("kernel_shape", 1, 2), NODE_INTS("strides", 1, 2),
                                   NODE_INTS("pads", 2, 0, 1), NODE_INT("ceil_mode", 1)},
                         .n_attrs = 4};
    node_expect(&k, F64, 2, NODE_DOUBLES(3, 7), 0);
}

static void pools_over_too_small_inputs(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "MaxPool",
                   .opset = 11,
                   .n_in = 1,
                   .in = {{F64, 3, {1, 1, 1}, NODE_DOUBLES(5)}},
                   .attrs = {NODE_INTS("kernel_shape", 1, 2)},
                   .n_attrs = 1};
    node_expect(&k, F64, 0, NULL, 0);
    k.attrs[0] = (px_onnx_attr)NODE_INTS("kernel_shape", 1, 3);
    node_expect_error(&k, PGY_ERR_MODEL, "larger than the padded input");
    k.attrs[1] = (px_onnx_attr)NODE_INTS("strides", 1, 3);
    k.n_attrs = 2;
    node_expect(&k, F64, 1, NODE_DOUBLES(5), 0);
    k.op = "AveragePool"; /* over what there is */
    node_expect(&k, F64, 1, NODE_DOUBLES(5), 0);
}

static void unpool_checks_its_indices(void **state)
{
    PX_UNUSED(state);
    node_case k = {.op = "MaxUnpool",
                   .opset = 11,
                   .n_in = 2,
                   .in = {{F64, 3, {1, 1, 2}, NODE_DOUBLES(5, 6)},
                          {PGY_DTYPE_I64, 3, {1, 1, 2}, NODE_DOUBLES(1, 2)}},
                   .attrs = {NODE_INTS("kernel_shape", 1, 2), NODE_INTS("strides", 1, 2)},
                   .n_attrs = 2};
    node_expect(&k, F64, 4, NODE_DOUBLES(0, 5, 6, 0), 0);
    k.in[1].v = NODE_DOUBLES(1, 4);
    node_expect_error(&k, PGY_ERR_MODEL, "index 4 is outside");
    k.in[1].v = NODE_DOUBLES(-1, 2);
    node_expect_error(&k, PGY_ERR_MODEL, "index -1 is outside");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_is_as_defined),
        cmocka_unit_test(conv_transpose_is_the_transpose),
        cmocka_unit_test(conv_pads_at_the_start),
        cmocka_unit_test(conv_integer_is_exact),
        cmocka_unit_test(conv_refuses_what_does_not_fit),
        cmocka_unit_test(pools_are_as_defined),
        cmocka_unit_test(max_pool_indices_count_over_all_planes),
        cmocka_unit_test(ceil_mode_drops_windows_behind_the_input),
        cmocka_unit_test(pools_over_too_small_inputs),
        cmocka_unit_test(unpool_checks_its_indices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
