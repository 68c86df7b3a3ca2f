/* backend/ref/op/loss.c - NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss, and the optimizers of
 * ai.onnx.preview.training (Adagrad, Adam, Momentum). */
#include "backend/ref/op/move.h"

#include <math.h>

typedef struct loss {
    int64_t batch, classes, inner; /* scores are [batch, classes, inner...] */
    const int64_t *target;         /* [batch, inner...] */
    const double *weight;          /* per class; NULL: 1 */
    bool has_ignored, is_sum, is_mean;
    int64_t ignored;
} loss;

static pgy_status *loss_of(px_ref_call *c, const pgy_tensor *x, loss *l)
{
    pgy_status *st = NULL;
    const pgy_tensor *t, *w;
    size_t n;
    PX_TRY(px_ref_in(c, 1, &t));
    PX_TRY(px_ref_in_ints(c, 1, &l->target, &n));
    if (x->rank < 2 || t->rank != x->rank - 1 || t->dims[0] != x->dims[0] ||
        !px_shape_eq(t->rank - 1, t->dims + 1, x->rank - 2, x->dims + 2))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "Scores must be (N, C, d1, ...) and targets (N, d1, ...)"));
    l->batch = x->dims[0];
    l->classes = x->dims[1];
    l->inner = px_move_span(x->dims, 2, x->rank);
    if (px_ref_has(c, 2)) {
        PX_TRY(px_ref_in_f64(c, 2, &w));
        if (w->rank != 1 || w->count != l->classes)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld weights for %lld classes",
                               (long long)w->count, (long long)l->classes));
        l->weight = w->data;
    }
    l->has_ignored = px_ref_attr(c, "ignore_index") != NULL;
    l->ignored = px_ref_attr_i(c, "ignore_index", 0);
    px_str how = px_ref_attr_s(c, "reduction", "mean");
    l->is_mean = px_str_is(how, "mean");
    l->is_sum = px_str_is(how, "sum");
    if (!l->is_mean && !l->is_sum && !px_str_is(how, "none"))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Reduction \"%.*s\" is not known", PX_STR_ARG(how)));
    for (size_t i = 0; i < n; i++)
        if (!(l->has_ignored && l->target[i] == l->ignored) &&
            (l->target[i] < 0 || l->target[i] >= l->classes))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Target %lld is no class of %lld",
                               (long long)l->target[i], (long long)l->classes));
done:
    return st;
}

/* Output 0 from log probabilities. */
static pgy_status *loss_reduce(px_ref_call *c, const loss *l, const pgy_tensor *x,
                               const double *log_prob)
{
    pgy_status *st = NULL;
    int64_t dims[PX_MAX_RANK];
    double sum = 0, weights = 0, *each = NULL;
    void *y;
    int rank = l->is_mean || l->is_sum ? 0 : x->rank - 1;
    for (int i = 0; i < rank; i++)
        dims[i] = i == 0 ? x->dims[0] : x->dims[i + 1];
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, rank, dims, &y));
    if (!l->is_mean && !l->is_sum)
        each = y;
    int64_t n = x->dims[0] == 0 ? 0 : l->batch * l->inner;
    for (int64_t i = 0; i < n; i++) {
        int64_t t = l->target[i];
        double v = 0, w = 0;
        if (!(l->has_ignored && t == l->ignored)) {
            w = l->weight ? l->weight[t] : 1;
            v = -w * log_prob[(i / l->inner * l->classes + t) * l->inner + i % l->inner];
        }
        sum += v;
        weights += w;
        if (each)
            each[i] = v;
    }
    if (!each)
        *(double *)y = l->is_mean ? sum / weights : sum;
done:
    return st;
}

static pgy_status *nll_loss(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    loss l = {0};
    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(loss_of(c, x, &l));
    PX_TRY(loss_reduce(c, &l, x, x->data));
done:
    return st;
}

static void log_softmax(const loss *l, const double *x, double *y)
{
    for (int64_t i = 0; i < l->batch * l->inner; i++) {
        int64_t at = i / l->inner * l->classes * l->inner + i % l->inner;
        double top = -INFINITY, sum = 0;
        for (int64_t k = 0; k < l->classes; k++)
            top = PX_MAX(top, x[at + k * l->inner]);
        for (int64_t k = 0; k < l->classes; k++)
            sum += exp(x[at + k * l->inner] - top);
        for (int64_t k = 0; k < l->classes; k++)
            y[at + k * l->inner] = x[at + k * l->inner] - top - log(sum);
    }
}

static pgy_status *softmax_cross_entropy_loss(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    loss l = {0};
    double *log_prob;
    void *data;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(loss_of(c, x, &l));
    if (px_ref_wants(c, 1)) {
        PX_TRY(px_move_out_f64(c, 1, c->in[0].dtype, x->rank, x->dims, &data));
        log_prob = data;
    } else {
        PX_TRY(PX_MOVE_SCRATCH(c, log_prob, x->count));
    }
    if (x->count > 0)
        log_softmax(&l, x->data, log_prob);
    PX_TRY(loss_reduce(c, &l, x, log_prob));
done:
    return st;
}

/* --- optimizers: inputs R, T, then n tensors of each kind (X, G, ...); outputs the new ones --- */

typedef struct optimizer {
    double rate, step;      /* R, T */
    double norm, post_norm; /* weight decay before and after */
    double alpha, beta, epsilon, decay;
    bool is_nesterov;
} optimizer;

/* One tensor: `in` are X, G and the states; `out` the new X and states. */
typedef void (*optimizer_fn)(const optimizer *o, int64_t n, const double *const *in,
                             double *const *out);

static void adagrad_update(const optimizer *o, int64_t n, const double *const *in,
                           double *const *out)
{
    double rate = o->rate / (1 + o->step * o->decay);
    for (int64_t i = 0; i < n; i++) {
        double g = o->norm * in[0][i] + in[1][i], h = in[2][i] + g * g;
        out[1][i] = h;
        out[0][i] = in[0][i] - rate * g / (sqrt(h) + o->epsilon);
    }
}

static void adam_update(const optimizer *o, int64_t n, const double *const *in, double *const *out)
{
    double rate = o->rate;
    if (o->step > 0)
        rate *= sqrt(1 - pow(o->beta, o->step)) / (1 - pow(o->alpha, o->step));
    for (int64_t i = 0; i < n; i++) {
        double g = o->norm * in[0][i] + in[1][i];
        double v = o->alpha * in[2][i] + (1 - o->alpha) * g;
        double h = o->beta * in[3][i] + (1 - o->beta) * g * g;
        out[1][i] = v;
        out[2][i] = h;
        out[0][i] = (1 - o->post_norm) * (in[0][i] - rate * v / (sqrt(h) + o->epsilon));
    }
}

static void momentum_update(const optimizer *o, int64_t n, const double *const *in,
                            double *const *out)
{
    double beta = o->step > 0 ? o->beta : 1;
    for (int64_t i = 0; i < n; i++) {
        double g = o->norm * in[0][i] + in[1][i], v = o->alpha * in[2][i] + beta * g;
        out[1][i] = v;
        out[0][i] = in[0][i] - o->rate * (o->is_nesterov ? g + o->alpha * v : v);
    }
}

/* `kinds` tensors go in per parameter, all but the gradient come out. */
static pgy_status *optimize(px_ref_call *c, optimizer *o, size_t kinds, optimizer_fn update)
{
    pgy_status *st = NULL;
    const pgy_tensor *x[4];
    const double *in[4];
    double *out[3];
    void *data;
    PX_TRY(px_move_in_number(c, 0, &o->rate));
    PX_TRY(px_move_in_number(c, 1, &o->step));
    o->norm = px_ref_attr_f(c, "norm_coefficient", 0);
    size_t n = (c->n_in - 2) / kinds;
    if (n == 0 || c->n_in != 2 + n * kinds || c->n_out > n * (kinds - 1))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu inputs and %zu outputs are no sets of %zu",
                           c->n_in, c->n_out, kinds));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < kinds; k++) {
            PX_TRY(px_ref_in_f64(c, 2 + k * n + i, &x[k]));
            in[k] = x[k]->data;
            if (!px_shape_eq(x[k]->rank, x[k]->dims, x[0]->rank, x[0]->dims))
                PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu has another shape than input %zu",
                                   2 + k * n + i, 2 + i));
        }
        for (size_t k = 0; k + 1 < kinds; k++) {
            size_t at = k * n + i, from = 2 + (k == 0 ? 0 : k + 1) * n + i;
            if (at < c->n_out) {
                PX_TRY(px_move_out_f64(c, at, c->in[from].dtype, x[0]->rank, x[0]->dims, &data));
                out[k] = data;
            } else {
                PX_TRY(PX_MOVE_SCRATCH(c, out[k], x[0]->count));
            }
        }
        update(o, x[0]->count, in, out);
    }
done:
    return st;
}

static pgy_status *adagrad(px_ref_call *c)
{
    optimizer o = {.epsilon = px_ref_attr_f(c, "epsilon", 0),
                   .decay = px_ref_attr_f(c, "decay_factor", 0)};
    return optimize(c, &o, 3, adagrad_update);
}

static pgy_status *adam(px_ref_call *c)
{
    optimizer o = {.epsilon = px_ref_attr_f(c, "epsilon", 0),
                   .alpha = px_ref_attr_f(c, "alpha", (double)0.9f),
                   .beta = px_ref_attr_f(c, "beta", (double)0.999f),
                   .post_norm = px_ref_attr_f(c, "norm_coefficient_post", 0)};
    return optimize(c, &o, 4, adam_update);
}

static pgy_status *momentum(px_ref_call *c)
{
    px_str mode = px_ref_attr_s(c, "mode", "standard");
    optimizer o = {.alpha = px_ref_attr_f(c, "alpha", 0),
                   .beta = px_ref_attr_f(c, "beta", 0),
                   .is_nesterov = px_str_is(mode, "nesterov")};
    if (!o.is_nesterov && !px_str_is(mode, "standard"))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "Mode \"%.*s\" is not known", PX_STR_ARG(mode));
    return optimize(c, &o, 3, momentum_update);
}

static const px_ref_op rows[] = {
    {"", "NegativeLogLikelihoodLoss", 12, 2, 3, 1, 1, nll_loss},
    {"", "SoftmaxCrossEntropyLoss", 12, 2, 3, 1, 2, softmax_cross_entropy_loss},
    {"ai.onnx.preview.training", "Adagrad", 1, 3, -1, 1, -1, adagrad},
    {"ai.onnx.preview.training", "Adam", 1, 3, -1, 1, -1, adam},
    {"ai.onnx.preview.training", "Momentum", 1, 3, -1, 1, -1, momentum},
};

const px_ref_family px_ref_family_loss = {rows, PX_COUNTOF(rows)};
