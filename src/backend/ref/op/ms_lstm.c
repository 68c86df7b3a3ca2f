/* backend/ref/op/ms_lstm.c - com.microsoft.DynamicQuantizeLSTM: an LSTM whose weights are 8-bit and
 * whose inputs and hidden states are rounded to 8-bit steps before each product.
 *
 * The step sizes come from the numbers that enter one product: all of X at once for the input
 * gates, up to the end of the longest sequence, and the whole batch of hidden states at each time
 * step for the recurrent ones. (ONNX Runtime does the latter for each thread's part of the batch.)
 */
#include "backend/ref/op/ms_quant.h"

#include <math.h>

typedef enum lstm_function {
    F_SIGMOID,
    F_TANH,
    F_RELU,
    F_AFFINE,
    F_LEAKY_RELU,
    F_THRESHOLDED_RELU,
    F_SCALED_TANH,
    F_HARD_SIGMOID,
    F_ELU,
    F_SOFTSIGN,
    F_SOFTPLUS,
    N_FUNCTIONS
} lstm_function;

typedef struct lstm_activation {
    lstm_function function;
    double alpha, beta;
} lstm_activation;

static const struct {
    const char *name;
    bool has_alpha, has_beta;
    double alpha, beta;
} functions[N_FUNCTIONS] = {
    [F_SIGMOID] = {"Sigmoid", false, false, 0, 0},
    [F_TANH] = {"Tanh", false, false, 0, 0},
    [F_RELU] = {"Relu", false, false, 0, 0},
    [F_AFFINE] = {"Affine", true, true, 1, 0},
    [F_LEAKY_RELU] = {"LeakyRelu", true, false, 0.01, 0},
    [F_THRESHOLDED_RELU] = {"ThresholdedRelu", true, false, 1, 0},
    [F_SCALED_TANH] = {"ScaledTanh", true, true, 1, 1},
    [F_HARD_SIGMOID] = {"HardSigmoid", true, true, 0.2, 0.5},
    [F_ELU] = {"Elu", true, false, 1, 0},
    [F_SOFTSIGN] = {"Softsign", false, false, 0, 0},
    [F_SOFTPLUS] = {"Softplus", false, false, 0, 0},
};

static double activate(const lstm_activation *a, double x)
{
    switch (a->function) {
    case F_SIGMOID:
        return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
    case F_TANH:
        return tanh(x);
    case F_RELU:
        return x > 0 ? x : 0;
    case F_AFFINE:
        return a->alpha * x + a->beta;
    case F_LEAKY_RELU:
        return x >= 0 ? x : a->alpha * x;
    case F_THRESHOLDED_RELU:
        return x > a->alpha ? x : 0;
    case F_SCALED_TANH:
        return a->alpha * tanh(a->beta * x);
    case F_HARD_SIGMOID:
        return PX_MIN(PX_MAX(a->alpha * x + a->beta, 0), 1);
    case F_ELU:
        return x >= 0 ? x : a->alpha * expm1(x);
    case F_SOFTSIGN:
        return x / (1 + fabs(x));
    default:
        return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    }
}

typedef struct lstm {
    int64_t steps, batch, size, hidden, n_dirs;
    bool is_backward_first, couples_forget;
    double clip; /* 0: none */
    lstm_activation act[6];
    const int64_t *lens;             /* NULL: all full */
    const double *x, *w, *r, *b, *p; /* b, p: NULL when left out */
    const double *h0, *c0;
    double *y, *y_h, *y_c; /* y may be NULL */
    double *rounded, *gates, *step_gates;
} lstm;

static pgy_status *activations_of(px_ref_call *c, lstm *l)
{
    const px_onnx_attr *names = px_ref_attr(c, "activations");
    const float *alpha, *beta;
    size_t n_alpha = 0, n_beta = 0, ia = 0, ib = 0;
    px_ref_attr_floats(c, "activation_alpha", &alpha, &n_alpha);
    px_ref_attr_floats(c, "activation_beta", &beta, &n_beta);
    size_t n = 3 * (size_t)l->n_dirs;
    if (names && names->n != n)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu activations are named, wanted are %zu", names->n,
                           n);
    for (size_t i = 0; i < n; i++) {
        int f = i % 3 == 0 ? F_SIGMOID : F_TANH;
        for (int k = 0; names && k <= N_FUNCTIONS; k++) {
            if (k == N_FUNCTIONS)
                return PX_REF_FAIL(c, PGY_ERR_MODEL, "Activation \"%.*s\" is not known",
                                   PX_STR_ARG(names->strings[i]));
            f = k;
            if (px_str_eq_nocase(names->strings[i], px_str_of(functions[k].name)))
                break;
        }
        l->act[i] = (lstm_activation){(lstm_function)f, functions[f].alpha, functions[f].beta};
        if (functions[f].has_alpha && ia < n_alpha)
            l->act[i].alpha = (double)alpha[ia++];
        if (functions[f].has_beta && ib < n_beta)
            l->act[i].beta = (double)beta[ib++];
    }
    return NULL;
}

static double clipped(const lstm *l, double x)
{
    return l->clip > 0 ? PX_MIN(PX_MAX(x, -l->clip), l->clip) : x;
}

/* One batch member at one step: gates (i o f c) and the states h, c are updated. */
static void cell(const lstm *l, int64_t dir, const double *gates, double *h, double *c)
{
    const lstm_activation *act = l->act + 3 * dir;
    const double *p = l->p ? l->p + dir * 3 * l->hidden : NULL;
    for (int64_t k = 0; k < l->hidden; k++) {
        double i = gates[k], o = gates[l->hidden + k], f = gates[2 * l->hidden + k];
        double g = activate(&act[1], clipped(l, gates[3 * l->hidden + k]));
        i = activate(&act[0], clipped(l, i + (p ? p[k] * c[k] : 0)));
        f = l->couples_forget
                ? 1 - i
                : activate(&act[0], clipped(l, f + (p ? p[2 * l->hidden + k] * c[k] : 0)));
        c[k] = f * c[k] + i * g;
        o = activate(&act[0], clipped(l, o + (p ? p[l->hidden + k] * c[k] : 0)));
        h[k] = o * activate(&act[2], clipped(l, c[k]));
    }
}

/* One direction over time; `h`, `c` are the running states [batch, hidden]. */
static pgy_status *run_direction(px_ref_call *c, const lstm *l, int64_t dir, double *h, double *cs)
{
    pgy_status *st = NULL;
    int64_t wide = 4 * l->hidden, rows = l->steps * l->batch;
    bool back = dir == 1 || l->is_backward_first;
    PX_TRY(px_ref_gemm(c->cx, false, false, rows, wide, l->size, 1, l->x, l->size,
                       l->w + dir * l->size * wide, wide, 0, l->gates, wide));
    const double *b = l->b ? l->b + dir * 2 * wide : NULL;
    for (int64_t i = 0; b && i < rows * wide; i++)
        l->gates[i] += b[i % wide] + b[wide + i % wide];
    for (int64_t s = 0; s < l->steps; s++) {
        memcpy(l->rounded, h, (size_t)(l->batch * l->hidden) * sizeof *h);
        for (int64_t n = 0; l->lens && n < l->batch; n++)
            if (s >= l->lens[n]) /* a sequence that has ended does not widen the steps */
                memset(l->rounded + n * l->hidden, 0, (size_t)l->hidden * sizeof *h);
        px_ms_round_dynamic(l->rounded, l->batch * l->hidden, l->rounded);
        PX_TRY(px_ref_gemm(c->cx, false, false, l->batch, wide, l->hidden, 1, l->rounded, l->hidden,
                           l->r + dir * l->hidden * wide, wide, 0, l->step_gates, wide));
        for (int64_t n = 0; n < l->batch; n++) {
            int64_t len = l->lens ? l->lens[n] : l->steps;
            if (s >= len)
                continue;
            int64_t t = back ? len - 1 - s : s;
            double *g = l->step_gates + n * wide;
            const double *from_x = l->gates + (t * l->batch + n) * wide;
            for (int64_t k = 0; k < wide; k++)
                g[k] += from_x[k];
            cell(l, dir, g, h + n * l->hidden, cs + n * l->hidden);
            if (l->y)
                memcpy(l->y + ((t * l->n_dirs + dir) * l->batch + n) * l->hidden, h + n * l->hidden,
                       (size_t)l->hidden * sizeof *h);
        }
    }
done:
    return st;
}

/* Weights [dirs, rows, 4 * hidden] of input `i` with the scales of `scale`, into `out`. */
static pgy_status *weights_of(px_ref_call *c, const lstm *l, size_t i, size_t scale, int64_t rows,
                              double *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *w, *s, *z;
    int64_t wide = 4 * l->hidden;
    PX_TRY(px_ref_in_f64(c, i, &w));
    PX_TRY(px_ref_in_f64(c, scale, &s));
    PX_TRY(px_ref_in_f64(c, scale + 1, &z));
    bool each = s->count != l->n_dirs; /* one per column */
    if (s->count != z->count || s->count != l->n_dirs * (each ? wide : 1))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu has %lld scales and %lld zero points", i,
                           (long long)s->count, (long long)z->count));
    for (int64_t k = 0; k < w->count; k++) {
        int64_t dir = k / (rows * wide), at = each ? dir * wide + k % wide : dir;
        out[k] = (((const double *)w->data)[k] - ((const double *)z->data)[at]) *
                 ((const double *)s->data)[at];
    }
done:
    return st;
}

/* Dequantized weights, W then R; kept when they are constants. */
static pgy_status *lstm_weights(px_ref_call *c, lstm *l)
{
    pgy_status *st = NULL;
    const pgy_tensor *w, *r;
    int64_t w_dims[3] = {l->n_dirs, l->size, 4 * l->hidden};
    int64_t r_dims[3] = {l->n_dirs, l->hidden, 4 * l->hidden};
    PX_TRY(px_ref_in(c, 1, &w));
    PX_TRY(px_ref_in(c, 2, &r));
    /* Checked each time: what is kept was made for these shapes. */
    if (!px_shape_eq(w->rank, w->dims, 3, w_dims) || !px_shape_eq(r->rank, r->dims, 3, r_dims))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "W must be (%lld, %lld, %lld) and R (%lld, %lld, %lld)",
                           (long long)w_dims[0], (long long)w_dims[1], (long long)w_dims[2],
                           (long long)r_dims[0], (long long)r_dims[1], (long long)r_dims[2]));
    int64_t n_w = w->count, n_r = r->count;
    double *both = c->state;
    if (!both) {
        bool is_constant = true;
        static const size_t inputs[] = {1, 2, 8, 9, 10, 11};
        for (size_t i = 0; i < PX_COUNTOF(inputs); i++)
            is_constant = is_constant && px_ref_in_is_constant(c, inputs[i]);
        if (is_constant) {
            PX_TRY(PX_ALLOC(both, (size_t)n_w + (size_t)n_r));
            px_ref_keep(c, both, px_mem_free);
        } else {
            PX_TRY(PX_MOVE_SCRATCH(c, both, n_w + n_r));
        }
        st = weights_of(c, l, 1, 8, l->size, both);
        st = st ? st : weights_of(c, l, 2, 10, l->hidden, both + n_w);
        if (st) {
            if (is_constant)
                px_ref_keep(c, NULL, NULL); /* nothing half done stays */
            goto done;
        }
    }
    l->w = both;
    l->r = both + n_w;
done:
    return st;
}

static int64_t longest(const lstm *l)
{
    int64_t most = l->lens ? 0 : l->steps;
    for (int64_t n = 0; l->lens && n < l->batch; n++)
        most = PX_MAX(most, l->lens[n]);
    return most;
}

static pgy_status *lstm_inputs(px_ref_call *c, lstm *l)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    size_t n;
    double *rounded;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    px_str direction = px_ref_attr_s(c, "direction", "forward");
    l->is_backward_first = px_str_is(direction, "reverse");
    l->n_dirs = px_str_is(direction, "bidirectional") ? 2 : 1;
    l->hidden = px_ref_attr_i(c, "hidden_size", 0);
    if (x->rank != 3 || l->hidden < 1 || l->hidden > INT32_MAX / 8)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "X has rank %d (3 wanted), hidden_size is %lld",
                           x->rank, (long long)l->hidden));
    l->steps = x->dims[0];
    l->batch = x->dims[1];
    l->size = x->dims[2];
    l->clip = px_ref_attr_f(c, "clip", 0);
    l->couples_forget = px_ref_attr_i(c, "input_forget", 0) != 0;
    int64_t gates;
    if (__builtin_mul_overflow(l->steps * l->batch, 4 * l->hidden, &gates))
        PX_TRY(px_status_nomem());
    PX_TRY(activations_of(c, l));
    PX_TRY(lstm_weights(c, l));
    PX_TRY(px_ref_opt_f64(c, 3, l->n_dirs * 8 * l->hidden, &l->b));
    PX_TRY(px_ref_opt_f64(c, 5, l->n_dirs * l->batch * l->hidden, &l->h0));
    PX_TRY(px_ref_opt_f64(c, 6, l->n_dirs * l->batch * l->hidden, &l->c0));
    PX_TRY(px_ref_opt_f64(c, 7, l->n_dirs * 3 * l->hidden, &l->p));
    if (px_ref_has(c, 4)) {
        PX_TRY(px_ref_in_ints(c, 4, &l->lens, &n));
        for (size_t i = 0; i < n; i++)
            if ((int64_t)n != l->batch || l->lens[i] < 0 || l->lens[i] > l->steps)
                PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "sequence_lens do not fit X"));
        l->lens = (int64_t)n == l->batch ? l->lens : NULL;
    }
    PX_TRY(PX_MOVE_SCRATCH(c, rounded, x->count));
    const int64_t n_read = longest(l) * l->batch * l->size;
    px_ms_round_dynamic(x->data, n_read, rounded);
    memset(rounded + n_read, 0, (size_t)(x->count - n_read) * sizeof *rounded);
    l->x = rounded;
    PX_TRY(PX_MOVE_SCRATCH(c, l->rounded, l->batch * l->hidden));
    PX_TRY(PX_MOVE_SCRATCH(c, l->step_gates, l->batch * 4 * l->hidden));
    PX_TRY(PX_MOVE_SCRATCH(c, l->gates, gates));
done:
    return st;
}

static pgy_status *dynamic_quantize_lstm(px_ref_call *c)
{
    pgy_status *st = NULL;
    lstm l = {0};
    void *data;
    double *states[2];
    PX_TRY(lstm_inputs(c, &l));
    int64_t dims[4] = {l.steps, l.n_dirs, l.batch, l.hidden};
    int64_t per_dir = l.batch * l.hidden, n = l.n_dirs * per_dir;
    if (px_ref_wants(c, 0)) {
        PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 4, dims, &data));
        l.y = data;
        memset(l.y, 0, (size_t)(l.steps * n) * sizeof *l.y);
    }
    for (size_t i = 0; i < 2; i++) {
        const double *first = i == 0 ? l.h0 : l.c0;
        if (px_ref_wants(c, 1 + i)) {
            PX_TRY(px_move_out_f64(c, 1 + i, c->in[0].dtype, 3, dims + 1, &data));
            states[i] = data;
        } else {
            PX_TRY(PX_MOVE_SCRATCH(c, states[i], n));
        }
        if (first)
            memcpy(states[i], first, (size_t)n * sizeof *first);
        else
            memset(states[i], 0, (size_t)n * sizeof *first);
    }
    for (int64_t d = 0; d < l.n_dirs; d++)
        PX_TRY(run_direction(c, &l, d, states[0] + d * per_dir, states[1] + d * per_dir));
done:
    return st;
}

static const px_ref_op rows[] = {
    {"com.microsoft", "DynamicQuantizeLSTM", 1, 12, 12, 0, 3, dynamic_quantize_lstm},
};

const px_ref_family px_ref_family_ms_lstm = {rows, PX_COUNTOF(rows)};
