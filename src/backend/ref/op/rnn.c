/* backend/ref/op/rnn.c - RNN, GRU, LSTM.
 *
 * The input's share of all gates is one matrix product over all time steps; each step then adds the
 * hidden state's share. A batch element of length n takes part in its first n steps, in the order
 * of its direction, and keeps its state afterwards.
 */
#include "backend/ref/op/move.h"
#include "backend/ref/plan.h"

#include <math.h>

/* --- activations --- */

typedef enum act_kind {
    ACT_AFFINE,
    ACT_ELU,
    ACT_HARD_SIGMOID,
    ACT_LEAKY_RELU,
    ACT_RELU,
    ACT_SCALED_TANH,
    ACT_SIGMOID,
    ACT_SOFTPLUS,
    ACT_SOFTSIGN,
    ACT_TANH,
    ACT_THRESHOLDED_RELU
} act_kind;

typedef struct activation {
    act_kind kind;
    double alpha, beta;
} activation;

/* Names ignore case; defaults are those of the operators of the same name. */
static const struct {
    const char *name;
    int n_numbers; /* how many of alpha, beta it takes */
    activation act;
} act_table[] = {
    {"Affine", 2, {ACT_AFFINE, 1, 0}},
    {"Elu", 1, {ACT_ELU, 1, 0}},
    {"HardSigmoid", 2, {ACT_HARD_SIGMOID, 0.2, 0.5}},
    {"LeakyRelu", 1, {ACT_LEAKY_RELU, 0.01, 0}},
    {"Relu", 0, {ACT_RELU, 0, 0}},
    {"ScaledTanh", 2, {ACT_SCALED_TANH, 1, 1}},
    {"Sigmoid", 0, {ACT_SIGMOID, 0, 0}},
    {"Softplus", 0, {ACT_SOFTPLUS, 0, 0}},
    {"Softsign", 0, {ACT_SOFTSIGN, 0, 0}},
    {"Tanh", 0, {ACT_TANH, 0, 0}},
    {"ThresholdedRelu", 1, {ACT_THRESHOLDED_RELU, 1, 0}},
};

static double act(const activation *a, double x)
{
    switch (a->kind) {
    case ACT_AFFINE:
        return a->alpha * x + a->beta;
    case ACT_ELU:
        return x >= 0 ? x : a->alpha * expm1(x);
    case ACT_HARD_SIGMOID:
        return fmax(0, fmin(1, a->alpha * x + a->beta));
    case ACT_LEAKY_RELU:
        return x >= 0 ? x : a->alpha * x;
    case ACT_RELU:
        return x > 0 ? x : 0;
    case ACT_SCALED_TANH:
        return a->alpha * tanh(a->beta * x);
    case ACT_SIGMOID:
        return 1 / (1 + exp(-x));
    case ACT_SOFTPLUS:
        return fmax(x, 0) + log1p(exp(-fabs(x)));
    case ACT_SOFTSIGN:
        return x / (1 + fabs(x));
    case ACT_TANH:
        return tanh(x);
    default:
        return x > a->alpha ? x : 0;
    }
}

/* --- one node --- */

enum { MAX_ACTS = 3, MAX_DIRECTIONS = 2 };

typedef struct rnn {
    int gates; /* 1, 3, 4 */
    int64_t steps, batch, width, hidden;
    int n_directions;
    bool first_is_reverse;
    bool batch_first;
    int n_acts;
    activation acts[MAX_DIRECTIONS][MAX_ACTS];
    double clip; /* infinity: none */
    bool linear_before_reset, input_forget;
    const double *x, *w, *r, *b; /* b may be NULL */
    const double *h0, *c0, *p;   /* may be NULL */
    const int64_t *lens;         /* NULL: all steps */
    double *y, *y_h, *y_c;       /* may be NULL */
} rnn;

/* State of one direction. */
typedef struct lane {
    const rnn *n;
    int direction;
    const activation *acts;
    const double *bias_w, *bias_r; /* of this direction, or NULL */
    double *xw;                    /* [steps * batch rows as in X][gates * hidden] */
    double *hr;                    /* [batch][gates * hidden] */
    double *h, *c, *rh;            /* [batch][hidden] */
} lane;

static double clipped(const rnn *n, double x)
{
    return x > n->clip ? n->clip : x < -n->clip ? -n->clip : x;
}

static int64_t x_row(const rnn *n, int64_t t, int64_t b)
{
    return n->batch_first ? b * n->steps + t : t * n->batch + b;
}

static int64_t y_at(const rnn *n, int64_t t, int direction, int64_t b)
{
    return n->batch_first ? ((b * n->steps + t) * n->n_directions + direction) * n->hidden
                          : ((t * n->n_directions + direction) * n->batch + b) * n->hidden;
}

static int64_t state_at(const rnn *n, int direction, int64_t b)
{
    return n->batch_first ? (b * n->n_directions + direction) * n->hidden
                          : (direction * n->batch + b) * n->hidden;
}

static double bias_of(const lane *l, int64_t gate, int64_t j, bool of_w, bool of_r)
{
    const int64_t at = gate * l->n->hidden + j;
    return l->bias_w ? (of_w ? l->bias_w[at] : 0) + (of_r ? l->bias_r[at] : 0) : 0;
}

static void rnn_cell(const lane *l, const double *xw, const double *hr, double *h)
{
    const rnn *n = l->n;
    for (int64_t j = 0; j < n->hidden; j++)
        h[j] = act(&l->acts[0], clipped(n, xw[j] + hr[j] + bias_of(l, 0, j, true, true)));
}

static void lstm_cell(const lane *l, const double *xw, const double *hr, double *h, double *c)
{
    const rnn *n = l->n;
    const int64_t hidden = n->hidden;
    const double *p = n->p ? n->p + l->direction * 3 * hidden : NULL;
    for (int64_t j = 0; j < hidden; j++) {
        double gate[4];
        for (int g = 0; g < 4; g++)
            gate[g] = xw[g * hidden + j] + hr[g * hidden + j] + bias_of(l, g, j, true, true);
        if (p) {
            gate[0] += p[j] * c[j];
            gate[2] += p[2 * hidden + j] * c[j];
        }
        const double i = act(&l->acts[0], clipped(n, gate[0]));
        const double f = n->input_forget ? 1 - i : act(&l->acts[0], clipped(n, gate[2]));
        const double g = act(&l->acts[1], clipped(n, gate[3]));
        c[j] = f * c[j] + i * g;
        if (p)
            gate[1] += p[hidden + j] * c[j];
        const double o = act(&l->acts[0], clipped(n, gate[1]));
        h[j] = o * act(&l->acts[2], clipped(n, c[j]));
    }
}

/* Gates z and r; leaves z in hr[0..hidden), r in hr[hidden..), and r * h in `rh`. */
static void gru_gates(const lane *l, const double *xw, double *hr, const double *h, double *rh)
{
    const rnn *n = l->n;
    for (int64_t g = 0; g < 2; g++)
        for (int64_t j = 0; j < n->hidden; j++) {
            const int64_t at = g * n->hidden + j;
            hr[at] = act(&l->acts[0], clipped(n, xw[at] + hr[at] + bias_of(l, g, j, true, true)));
        }
    for (int64_t j = 0; j < n->hidden; j++)
        rh[j] = hr[n->hidden + j] * h[j];
}

static void gru_cell(const lane *l, const double *xw, const double *hr, double *h)
{
    const rnn *n = l->n;
    const int64_t hidden = n->hidden;
    for (int64_t j = 0; j < hidden; j++) {
        double x = xw[2 * hidden + j] + bias_of(l, 2, j, true, false);
        const double below = hr[2 * hidden + j] + bias_of(l, 2, j, false, true);
        x += n->linear_before_reset ? hr[hidden + j] * below : below;
        h[j] = (1 - hr[j]) * act(&l->acts[1], clipped(n, x)) + hr[j] * h[j];
    }
}

static bool takes_part(const rnn *n, int64_t step, int64_t b)
{
    return !n->lens || step < n->lens[b];
}

static int64_t time_of(const lane *l, int64_t step, int64_t b)
{
    const rnn *n = l->n;
    const bool is_reverse = l->direction == 1 || n->first_is_reverse;
    return is_reverse ? (n->lens ? n->lens[b] : n->steps) - 1 - step : step;
}

static pgy_status *lane_step(px_ref_call *call, lane *l, int64_t step)
{
    pgy_status *st = NULL;
    const rnn *n = l->n;
    const int64_t hidden = n->hidden, all = n->gates * hidden;
    const double *r = n->r + l->direction * all * hidden;

    PX_TRY(px_ref_gemm(call->cx, false, true, n->batch, all, hidden, 1, l->h, hidden, r, hidden, 0,
                       l->hr, all));
    if (n->gates == 3)
        for (int64_t b = 0; b < n->batch; b++)
            if (takes_part(n, step, b))
                gru_gates(l, l->xw + x_row(n, time_of(l, step, b), b) * all, l->hr + b * all,
                          l->h + b * hidden, l->rh + b * hidden);
    if (n->gates == 3 && !n->linear_before_reset)
        PX_TRY(px_ref_gemm(call->cx, false, true, n->batch, hidden, hidden, 1, l->rh, hidden,
                           r + 2 * hidden * hidden, hidden, 0, l->hr + 2 * hidden, all));
    for (int64_t b = 0; b < n->batch; b++) {
        if (!takes_part(n, step, b))
            continue;
        const int64_t t = time_of(l, step, b);
        const double *xw = l->xw + x_row(n, t, b) * all;
        double *h = l->h + b * hidden;
        if (n->gates == 1)
            rnn_cell(l, xw, l->hr + b * all, h);
        else if (n->gates == 3)
            gru_cell(l, xw, l->hr + b * all, h);
        else
            lstm_cell(l, xw, l->hr + b * all, h, l->c + b * hidden);
        if (n->y)
            memcpy(n->y + y_at(n, t, l->direction, b), h, (size_t)hidden * sizeof *h);
    }
done:
    return st;
}

static pgy_status *lane_run(px_ref_call *c, const rnn *n, int direction, double *xw)
{
    pgy_status *st = NULL;
    const int64_t all = n->gates * n->hidden;
    const size_t state = (size_t)(n->batch * n->hidden) + 1;
    lane l = {.n = n, .direction = direction, .acts = n->acts[direction], .xw = xw};

    if (n->b) {
        l.bias_w = n->b + direction * 2 * all;
        l.bias_r = l.bias_w + all;
    }
    l.hr = px_arena_calloc(c->scratch, (size_t)(n->batch * all) + 1, sizeof *l.hr);
    l.h = px_arena_calloc(c->scratch, state, sizeof *l.h);
    l.c = px_arena_calloc(c->scratch, state, sizeof *l.c);
    l.rh = px_arena_calloc(c->scratch, state, sizeof *l.rh);
    if (!l.hr || !l.h || !l.c || !l.rh)
        PX_TRY(px_status_nomem());
    PX_TRY(px_ref_gemm(c->cx, false, true, n->steps * n->batch, all, n->width, 1, n->x, n->width,
                       n->w + direction * all * n->width, n->width, 0, xw, all));
    for (int64_t b = 0; b < n->batch; b++) {
        const size_t size = (size_t)n->hidden * sizeof *l.h;
        if (n->h0)
            memcpy(l.h + b * n->hidden, n->h0 + state_at(n, direction, b), size);
        if (n->c0)
            memcpy(l.c + b * n->hidden, n->c0 + state_at(n, direction, b), size);
    }
    for (int64_t step = 0; step < n->steps; step++)
        PX_TRY(lane_step(c, &l, step));
    for (int64_t b = 0; b < n->batch; b++) {
        const size_t size = (size_t)n->hidden * sizeof *l.h;
        if (n->y_h)
            memcpy(n->y_h + state_at(n, direction, b), l.h + b * n->hidden, size);
        if (n->y_c)
            memcpy(n->y_c + state_at(n, direction, b), l.c + b * n->hidden, size);
    }
done:
    return st;
}

/* --- attributes and inputs --- */

static pgy_status *act_parse(px_ref_call *c, px_str name, const float *alpha, size_t n_alpha,
                             size_t *i_alpha, const float *beta, size_t n_beta, size_t *i_beta,
                             activation *out)
{
    for (size_t i = 0; i < PX_COUNTOF(act_table); i++) {
        if (!px_str_eq_nocase(name, px_str_of(act_table[i].name)))
            continue;
        *out = act_table[i].act;
        if (act_table[i].n_numbers > 0 && *i_alpha < n_alpha)
            out->alpha = alpha[(*i_alpha)++];
        if (act_table[i].n_numbers > 1 && *i_beta < n_beta)
            out->beta = beta[(*i_beta)++];
        return NULL;
    }
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "there is no activation '%.*s'", PX_STR_ARG(name));
}

static pgy_status *acts_read(px_ref_call *c, rnn *n)
{
    static const char *const defaults[][MAX_ACTS] = {
        {"Tanh", "", ""}, {"Sigmoid", "Tanh", ""}, {"Sigmoid", "Tanh", "Tanh"}};
    pgy_status *st = NULL;
    const float *alpha = NULL, *beta = NULL;
    size_t n_alpha = 0, n_beta = 0, i_alpha = 0, i_beta = 0;
    const px_onnx_attr *names = px_ref_attr(c, "activations");
    const bool given = names && names->type == PX_ONNX_ATTR_STRINGS && names->n > 0;

    px_ref_attr_floats(c, "activation_alpha", &alpha, &n_alpha);
    px_ref_attr_floats(c, "activation_beta", &beta, &n_beta);
    if (given && names->n != (size_t)(n->n_acts * n->n_directions))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu activations; %d are wanted", names->n,
                           n->n_acts * n->n_directions));
    for (int d = 0; d < n->n_directions; d++)
        for (int i = 0; i < n->n_acts; i++)
            PX_TRY(act_parse(c,
                             given ? names->strings[d * n->n_acts + i]
                                   : px_str_of(defaults[n->n_acts - 1][i]),
                             alpha, n_alpha, &i_alpha, beta, n_beta, &i_beta, &n->acts[d][i]));
done:
    return st;
}

/* Input `i` as float64 of shape `dims`; *out stays NULL when it is optional and left out. */
static pgy_status *input_read(px_ref_call *c, size_t i, bool is_optional, int rank,
                              const int64_t *dims, const double **out)
{
    pgy_status *st = NULL;
    const pgy_tensor *t = NULL;
    *out = NULL;
    if (is_optional && !px_ref_has(c, i))
        return NULL;
    PX_TRY(px_ref_in_f64(c, i, &t));
    if (!px_shape_eq(t->rank, t->dims, rank, dims)) {
        px_buf shape = {0};
        px_shape_print_list(&shape, t->rank, t->dims);
        px_buf_puts(&shape, "; wanted is ");
        px_shape_print_list(&shape, rank, dims);
        st = PX_REF_FAIL(c, PGY_ERR_MODEL, "input %zu has shape %s", i, px_buf_cstr(&shape));
        px_buf_fini(&shape);
        goto done;
    }
    *out = t->data;
done:
    return st;
}

static pgy_status *sizes_read(px_ref_call *c, rnn *n)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL, *r = NULL;
    const px_str direction = px_ref_attr_s(c, "direction", "forward");

    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_in_f64(c, 2, &r));
    if (x->rank != 3 || r->rank != 3)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "X and R have ranks %d and %d; 3 is wanted", x->rank,
                           r->rank));
    n->batch_first = px_ref_attr_i(c, "layout", 0) != 0;
    n->steps = x->dims[n->batch_first ? 1 : 0];
    n->batch = x->dims[n->batch_first ? 0 : 1];
    n->width = x->dims[2];
    n->hidden = r->dims[2];
    n->first_is_reverse = px_str_is(direction, "reverse");
    n->n_directions = px_str_is(direction, "bidirectional") ? 2 : 1;
    const double clip = px_ref_attr_f(c, "clip", 0);
    n->clip = clip > 0 ? clip : INFINITY;
    n->linear_before_reset = px_ref_attr_i(c, "linear_before_reset", 0) != 0;
    n->input_forget = px_ref_attr_i(c, "input_forget", 0) != 0;
    n->x = x->data;
done:
    return st;
}

static pgy_status *inputs_read(px_ref_call *c, rnn *n)
{
    pgy_status *st = NULL;
    const int64_t all = n->gates * n->hidden;
    const int64_t w[3] = {n->n_directions, all, n->width}, r[3] = {n->n_directions, all, n->hidden};
    const int64_t b[2] = {n->n_directions, 2 * all}, p[2] = {n->n_directions, 3 * n->hidden};
    const int64_t state[3] = {n->batch_first ? n->batch : n->n_directions,
                              n->batch_first ? n->n_directions : n->batch, n->hidden};
    size_t n_lens = 0;

    PX_TRY(input_read(c, 1, false, 3, w, &n->w));
    PX_TRY(input_read(c, 2, false, 3, r, &n->r));
    PX_TRY(input_read(c, 3, true, 2, b, &n->b));
    PX_TRY(input_read(c, 5, true, 3, state, &n->h0));
    if (n->gates == 4) {
        PX_TRY(input_read(c, 6, true, 3, state, &n->c0));
        PX_TRY(input_read(c, 7, true, 2, p, &n->p));
    }
    if (px_ref_has(c, 4)) {
        PX_TRY(px_ref_in_ints(c, 4, &n->lens, &n_lens));
        if (n_lens != (size_t)n->batch)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu sequence lengths for a batch of %lld", n_lens,
                               (long long)n->batch));
        for (size_t i = 0; i < n_lens; i++)
            if (n->lens[i] < 0 || n->lens[i] > n->steps)
                PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "sequence length %lld of %lld steps",
                                   (long long)n->lens[i], (long long)n->steps));
    }
done:
    return st;
}

static pgy_status *outputs_make(px_ref_call *c, rnn *n)
{
    pgy_status *st = NULL;
    const bool bf = n->batch_first;
    const int64_t y[4] = {bf ? n->batch : n->steps, bf ? n->steps : n->n_directions,
                          bf ? n->n_directions : n->batch, n->hidden};
    const int64_t state[3] = {bf ? n->batch : n->n_directions, bf ? n->n_directions : n->batch,
                              n->hidden};
    void *out = NULL;

    if (px_ref_wants(c, 0)) {
        PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 4, y, &out));
        n->y = out;
        memset(out, 0, c->out[0].t->size); /* steps past a sequence's end */
    }
    if (px_ref_wants(c, 1)) {
        PX_TRY(px_move_out_f64(c, 1, c->in[0].dtype, 3, state, &out));
        n->y_h = out;
    }
    if (px_ref_wants(c, 2)) {
        PX_TRY(px_move_out_f64(c, 2, c->in[0].dtype, 3, state, &out));
        n->y_c = out;
    }
done:
    return st;
}

static pgy_status *run(px_ref_call *c, int gates, int n_acts)
{
    pgy_status *st = NULL;
    rnn n = {.gates = gates, .n_acts = n_acts};
    px_ref_buf *buf = NULL;
    double *xw = NULL;
    size_t count = 0;

    PX_TRY(sizes_read(c, &n));
    PX_TRY(acts_read(c, &n));
    PX_TRY(inputs_read(c, &n));
    PX_TRY(outputs_make(c, &n));
    if (!px_size_mul((size_t)n.steps, (size_t)n.batch, &count) ||
        !px_size_mul(count, (size_t)n.gates * (size_t)n.hidden, &count))
        PX_TRY(px_status_nomem());
    PX_TRY(px_ref_temp(c, count, &buf, &xw));
    for (int d = 0; d < n.n_directions; d++)
        PX_TRY(lane_run(c, &n, d, xw));
done:
    px_ref_buf_free(buf);
    return st;
}

static pgy_status *rnn_run(px_ref_call *c)
{
    return run(c, 1, 1);
}

static pgy_status *gru_run(px_ref_call *c)
{
    return run(c, 3, 2);
}

static pgy_status *lstm_run(px_ref_call *c)
{
    return run(c, 4, 3);
}

static const px_ref_op ops[] = {
    {"", "RNN", 1, 3, 6, 0, 2, rnn_run},
    {"", "GRU", 1, 3, 6, 0, 2, gru_run},
    {"", "LSTM", 1, 3, 8, 0, 3, lstm_run},
};

const px_ref_family px_ref_family_rnn = {ops, PX_COUNTOF(ops)};
