/* RNN, GRU and LSTM against their equations, written out per element, and Einsum. */
#include "ref_node.h"

#define F64 PGY_DTYPE_F64

enum { T = 4, B = 3, IN = 2, H = 5, MAX = 4 * H };

static double noise(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / (1 << 23) - 1;
}

typedef struct weights {
    double x[T * B * IN], w[2 * MAX * IN], r[2 * MAX * H], b[2 * 2 * MAX];
    double h0[2 * B * H], c0[2 * B * H], p[2 * 3 * H];
} weights;

static weights weights_make(void)
{
    weights w;
    unsigned state = 7;
    double *at = (double *)&w;
    for (size_t i = 0; i < sizeof w / sizeof(double); i++)
        at[i] = noise(&state);
    return w;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* Gate `g`, unit `j`, without peepholes; `h` is what the recurrent weights see. */
static double gate(const weights *w, int gates, int dir, int g, int j, const double *x,
                   const double *h, bool with_r)
{
    const int row = (dir * gates + g) * H + j;
    double sum = w->b[dir * 2 * gates * H + g * H + j];
    for (int i = 0; i < IN; i++)
        sum += w->w[row * IN + i] * x[i];
    if (with_r) {
        sum += w->b[dir * 2 * gates * H + (gates + g) * H + j];
        for (int i = 0; i < H; i++)
            sum += w->r[row * H + i] * h[i];
    }
    return sum;
}

static void step_rnn(const weights *w, int dir, const double *x, double *h)
{
    double next[H];
    for (int j = 0; j < H; j++)
        next[j] = tanh(gate(w, 1, dir, 0, j, x, h, true));
    memcpy(h, next, sizeof next);
}

static void step_gru(const weights *w, int dir, const double *x, double *h, bool linear)
{
    double z[H], r[H], rh[H], next[H];
    for (int j = 0; j < H; j++) {
        z[j] = sigmoid(gate(w, 3, dir, 0, j, x, h, true));
        r[j] = sigmoid(gate(w, 3, dir, 1, j, x, h, true));
    }
    for (int j = 0; j < H; j++)
        rh[j] = r[j] * h[j];
    for (int j = 0; j < H; j++) {
        const double wx = gate(w, 3, dir, 2, j, x, h, false);
        const double below = gate(w, 3, dir, 2, j, x, linear ? h : rh, true) - wx;
        next[j] = (1 - z[j]) * tanh(wx + (linear ? r[j] * below : below)) + z[j] * h[j];
    }
    memcpy(h, next, sizeof next);
}

static void step_lstm(const weights *w, int dir, const double *x, double *h, double *c)
{
    const double *p = w->p + dir * 3 * H;
    double next[H];
    for (int j = 0; j < H; j++) {
        const double i = sigmoid(gate(w, 4, dir, 0, j, x, h, true) + p[j] * c[j]);
        const double f = sigmoid(gate(w, 4, dir, 2, j, x, h, true) + p[2 * H + j] * c[j]);
        c[j] = f * c[j] + i * tanh(gate(w, 4, dir, 3, j, x, h, true));
        next[j] = sigmoid(gate(w, 4, dir, 1, j, x, h, true) + p[H + j] * c[j]) * tanh(c[j]);
    }
    memcpy(h, next, sizeof next);
}

static const int lengths[B] = {4, 2, 3};

/* Fills y [T][2][B][H], y_h and y_c [2][B][H] for both directions. */
static void define(const weights *w, int gates, bool linear, double *y, double *y_h, double *y_c)
{
    memset(y, 0, T * 2 * B * H * sizeof *y);
    for (int dir = 0; dir < 2; dir++)
        for (int b = 0; b < B; b++) {
            double *h = y_h + (dir * B + b) * H, *c = y_c + (dir * B + b) * H;
            memcpy(h, w->h0 + (dir * B + b) * H, H * sizeof *h);
            memcpy(c, w->c0 + (dir * B + b) * H, H * sizeof *c);
            for (int s = 0; s < lengths[b]; s++) {
                const int t = dir ? lengths[b] - 1 - s : s;
                const double *x = w->x + (t * B + b) * IN;
                if (gates == 1)
                    step_rnn(w, dir, x, h);
                else if (gates == 3)
                    step_gru(w, dir, x, h, linear);
                else
                    step_lstm(w, dir, x, h, c);
                memcpy(y + ((t * 2 + dir) * B + b) * H, h, H * sizeof *h);
            }
        }
}

static void check(const char *op, int gates, bool linear)
{
    const weights w = weights_make();
    double y[T * 2 * B * H], y_h[2 * B * H], y_c[2 * B * H];
    pgy_tensor *out[NODE_MAX] = {0};
    const double lens[B] = {lengths[0], lengths[1], lengths[2]};
    node_case k = {.op = op,
                   .opset = 14,
                   .n_in = gates == 4 ? 8 : 6,
                   .n_out = gates == 4 ? 3 : 2,
                   .in = {{F64, 3, {T, B, IN}, w.x},
                          {F64, 3, {2, gates * H, IN}, w.w},
                          {F64, 3, {2, gates * H, H}, w.r},
                          {F64, 2, {2, 2 * gates * H}, w.b},
                          {PGY_DTYPE_I32, 1, {B}, lens},
                          {F64, 3, {2, B, H}, w.h0},
                          {F64, 3, {2, B, H}, w.c0},
                          {F64, 2, {2, 3 * H}, w.p}},
                   .attrs = {NODE_STRING("direction", "bidirectional"), NODE_INT("hidden_size", H),
                             NODE_INT("linear_before_reset", linear)},
                   .n_attrs = 3};
    define(&w, gates, linear, y, y_h, y_c);
    assert_ok(node_run(&k, out));
    node_check(out[0], F64, T * 2 * B * H, y, 1e-12);
    node_check(out[1], F64, 2 * B * H, y_h, 1e-12);
    if (gates == 4)
        node_check(out[2], F64, 2 * B * H, y_c, 1e-12);
    for (int i = 0; i < 3; i++)
        pgy_tensor_free(out[i]);
}

static void both_directions_and_lengths(void **state)
{
    PX_UNUSED(state);
    check("RNN", 1, false);
    check("GRU", 3, false);
    check("GRU", 3, true);
    check("LSTM", 4, false);
}

static void activations_take_their_numbers_in_order(void **state)
{
    PX_UNUSED(state);
    /* One unit, weight 1, no recurrence: y is the activation of x, then clipped input. */
    px_str names[1] = {PX_STR("scaledtanh")};
    float alpha[1] = {2}, beta[1] = {0.5f};
    node_case k = {.op = "RNN",
                   .opset = 14,
                   .n_in = 3,
                   .in = {{F64, 3, {1, 1, 1}, NODE_DOUBLES(3)},
                          {F64, 3, {1, 1, 1}, NODE_DOUBLES(1)},
                          {F64, 3, {1, 1, 1}, NODE_DOUBLES(0)}},
                   .attrs = {{.name = PX_STR("activations"),
                              .type = PX_ONNX_ATTR_STRINGS,
                              .strings = names,
                              .n = 1},
                             {.name = PX_STR("activation_alpha"),
                              .type = PX_ONNX_ATTR_FLOATS,
                              .floats = alpha,
                              .n = 1},
                             {.name = PX_STR("activation_beta"),
                              .type = PX_ONNX_ATTR_FLOATS,
                              .floats = beta,
                              .n = 1},
                             NODE_FLOAT("clip", 1)},
                   .n_attrs = 3};
    node_expect(&k, F64, 1, NODE_DOUBLES(2 * tanh(1.5)), 1e-15);
    k.n_attrs = 4;
    node_expect(&k, F64, 1, NODE_DOUBLES(2 * tanh(0.5)), 1e-15);
    names[0] = PX_STR("Gelu");
    node_expect_error(&k, PGY_ERR_MODEL, "no activation 'Gelu'");
}

static void wrong_shapes_are_refused(void **state)
{
    PX_UNUSED(state);
    const weights w = weights_make();
    node_case k = {.op = "LSTM",
                   .opset = 14,
                   .n_in = 5,
                   .in = {{F64, 3, {T, B, IN}, w.x},
                          {F64, 3, {1, 4 * H, IN}, w.w},
                          {F64, 3, {1, 4 * H, H}, w.r},
                          {0},
                          {PGY_DTYPE_I32, 1, {B}, NODE_DOUBLES(1, 2, T + 1)}}};
    node_expect_error(&k, PGY_ERR_MODEL, "sequence length 5 of 4");
    k.in[1].dims[1] = 3 * H;
    node_expect_error(&k, PGY_ERR_MODEL, "input 1 has shape");
}

static void einsum_contracts_left_to_right(void **state)
{
    PX_UNUSED(state);
    const double a[4] = {1, 2, 3, 4}, b[4] = {5, 6, 7, 8}, c[2] = {1, -1};
    node_case k = {.op = "Einsum",
                   .opset = 12,
                   .n_in = 3,
                   .in = {{F64, 2, {2, 2}, a}, {F64, 2, {2, 2}, b}, {F64, 1, {2}, c}},
                   .attrs = {NODE_STRING("equation", "ij, jk, k -> i")},
                   .n_attrs = 1};
    node_expect(&k, F64, 2, NODE_DOUBLES(19 - 22, 43 - 50), 0);
    k.attrs[0].s = PX_STR("ij,jk,k"); /* implicit output: i */
    node_expect(&k, F64, 2, NODE_DOUBLES(19 - 22, 43 - 50), 0);
    k.n_in = 2;
    k.attrs[0].s = PX_STR("...i,...i->...");
    node_expect(&k, F64, 2, NODE_DOUBLES(17, 53), 0);
    k.attrs[0].s = PX_STR("ij,kl->ik"); /* j and l are summed before the product */
    node_expect(&k, F64, 4, NODE_DOUBLES(33, 45, 77, 105), 0);
    k.attrs[0].s = PX_STR("ij,jk->iz");
    node_expect_error(&k, PGY_ERR_MODEL, "output label that no operand has");
    k.attrs[0].s = PX_STR("ijk,jk->i");
    node_expect_error(&k, PGY_ERR_MODEL, "does not fit the ranks");
    k.in[1].dims[0] = 1;
    k.in[1].dims[1] = 4;
    k.attrs[0].s = PX_STR("ij,kj->ik");
    node_expect_error(&k, PGY_ERR_MODEL, "two sizes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_and_lengths),
        cmocka_unit_test(activations_take_their_numbers_in_order),
        cmocka_unit_test(wrong_shapes_are_refused),
        cmocka_unit_test(einsum_contracts_left_to_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
