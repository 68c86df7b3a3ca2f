/* backend/ref/op/norm.c - normalisations.
 *
 * Mean first, then the mean of squared deviations from it (two passes, sums of sum.h); the variance
 * divides by the count. Everything is float64, whatever stash_type says; outputs that stash_type
 * names get that declared type. MeanVarianceNormalization adds 1e-9 to the deviation, as the
 * standard's function body does.
 */
#include "backend/ref/op/elem.h"
#include "backend/ref/op/sum.h"

#include <math.h>

#define WORK 16384 /* elements per piece of parallel work, about */

typedef struct moments {
    double mean, var;
} moments;

/* Over `n_runs` runs of `run` elements that start `step` apart. */
static moments moments_of(const double *x, int64_t n_runs, int64_t run, int64_t step)
{
    px_acc sum = {0}, square = {0};
    const double count = (double)n_runs * (double)run;
    for (int64_t i = 0; i < n_runs; i++)
        px_sum_plain(&sum, x + i * step, run, 0);
    const double mean = px_acc_value(sum.s, sum.c) / count;
    for (int64_t i = 0; i < n_runs; i++)
        px_sum_deviation(&square, x + i * step, run, mean);
    return (moments){mean, px_acc_value(square.s, square.c) / count};
}

/* out = (x - mean) * factor * scale + bias over one run; `out` may be `x`. */
static void affine_run(double *out, const double *x, int64_t n, double mean, double factor,
                       double scale, double bias)
{
    PX_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        out[i] = (x[i] - mean) * factor * scale + bias;
}

/* A float vector of `n` elements; any shape of that count. */
static pgy_status *vector(px_ref_call *c, size_t i, int64_t n, const double **out)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    PX_TRY(px_ref_in(c, i, &t));
    if (t->dtype != PGY_DTYPE_F64)
        PX_TRY(px_elem_bad_type(c, i));
    if (t->count != n)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "input %zu has %lld elements; %lld are wanted", i,
                           (long long)t->count, (long long)n));
    *out = t->data;
done:
    return st;
}

static pgy_status *float_input(px_ref_call *c, int min_rank, const pgy_tensor **out)
{
    pgy_status *st = NULL;
    PX_TRY(px_ref_in(c, 0, out));
    if ((*out)->dtype != PGY_DTYPE_F64)
        PX_TRY(px_elem_bad_type(c, 0));
    if ((*out)->rank < min_rank)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the input has rank %d; at least %d is wanted",
                           (*out)->rank, min_rank));
done:
    return st;
}

static int64_t product(const int64_t *dims, int begin, int end)
{
    int64_t p = 1;
    for (int d = begin; d < end; d++)
        p *= dims[d];
    return p;
}

/* --- BatchNormalization --- */

typedef struct batch_job {
    const double *x, *scale, *bias, *mean, *var;
    double *out;
    double *batch_mean, *batch_var; /* training */
    double epsilon;
    int64_t n, n_channels, run;
} batch_job;

static void batch_normalise(void *arg, int64_t begin, int64_t end)
{
    const batch_job *j = arg;
    for (int64_t i = begin; i < end; i++) {
        const int64_t ch = i % j->n_channels;
        affine_run(j->out + i * j->run, j->x + i * j->run, j->run, j->mean[ch],
                   1.0 / sqrt(j->var[ch] + j->epsilon), j->scale[ch], j->bias[ch]);
    }
}

static void batch_statistics(void *arg, int64_t begin, int64_t end)
{
    const batch_job *j = arg;
    for (int64_t ch = begin; ch < end; ch++) {
        const moments m = moments_of(j->x + ch * j->run, j->n, j->run, j->n_channels * j->run);
        j->batch_mean[ch] = m.mean;
        j->batch_var[ch] = m.var;
    }
}

/* Outputs 1.. of training: running mean and variance, before opset 14 the batch's own after them.
 */
static pgy_status *running_statistics(px_ref_call *c, const batch_job *j, const double *mean,
                                      const double *var, size_t n_outputs)
{
    pgy_status *st = NULL;
    const double momentum = px_ref_attr_f(c, "momentum", 0.9f);
    const pgy_tensor *old;
    for (size_t i = 1; i < n_outputs && i < c->n_out; i++) {
        const double *of_batch = i % 2 ? j->batch_mean : j->batch_var;
        const double *running = i % 2 ? mean : var;
        void *out;
        if (!px_ref_wants(c, i))
            continue;
        PX_TRY(px_ref_in(c, i % 2 ? 3 : 4, &old));
        PX_TRY(px_ref_out(c, i, c->in[i % 2 ? 3 : 4].dtype, old->rank, old->dims, &out));
        for (int64_t ch = 0; ch < j->n_channels; ch++)
            ((double *)out)[ch] =
                i > 2 ? of_batch[ch] : running[ch] * momentum + of_batch[ch] * (1.0 - momentum);
    }
done:
    return st;
}

static pgy_status *run_batch(px_ref_call *c, bool training, size_t n_outputs)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    void *out;
    batch_job j = {.epsilon = px_ref_attr_f(c, "epsilon", 1e-5f)};

    PX_TRY(float_input(c, 1, &x));
    /* Before opset 9 each activation may have statistics of its own (spatial = 0). */
    const bool spatial = c->opset >= 9 || px_ref_attr_i(c, "spatial", 1) != 0;
    j.n = x->dims[0]; /* one dim: that many samples of one channel */
    j.n_channels = x->rank > 1 ? product(x->dims, 1, spatial ? 2 : x->rank) : 1;
    j.run = spatial ? product(x->dims, 2, x->rank) : 1;
    PX_TRY(vector(c, 1, j.n_channels, &j.scale));
    PX_TRY(vector(c, 2, j.n_channels, &j.bias));
    PX_TRY(vector(c, 3, j.n_channels, &j.mean));
    PX_TRY(vector(c, 4, j.n_channels, &j.var));
    j.x = x->data;
    const int64_t count = x->count;
    const int64_t grain = PX_MAX(1, WORK / PX_MAX(1, j.run));
    if (training) {
        const double *mean = j.mean, *var = j.var;
        j.batch_mean = px_arena_calloc(c->scratch, (size_t)j.n_channels * 2 + 1, sizeof(double));
        if (j.batch_mean == NULL)
            PX_TRY(px_status_nomem());
        j.batch_var = j.batch_mean + j.n_channels;
        px_parallel_for(c->cx, j.n_channels, PX_MAX(1, grain / PX_MAX(1, j.n)), batch_statistics,
                        &j);
        PX_TRY(running_statistics(c, &j, mean, var, n_outputs));
        j.mean = j.batch_mean;
        j.var = j.batch_var;
    }
    PX_TRY(px_ref_out_like(c, 0, 0, c->in[0].dtype, &out));
    j.out = out;
    if (count > 0)
        px_parallel_for(c->cx, j.n * j.n_channels, grain, batch_normalise, &j);
done:
    return st;
}

/* Before opset 14 more than one output means training, which `is_test` can forbid before 7. */
static pgy_status *k_batch_old(px_ref_call *c)
{
    bool more = false;
    for (size_t i = 1; i < c->n_out; i++)
        more = more || px_ref_wants(c, i);
    return run_batch(c, more && (c->opset >= 7 || px_ref_attr_i(c, "is_test", 0) == 0), 5);
}

static pgy_status *k_batch(px_ref_call *c)
{
    return run_batch(c, px_ref_attr_i(c, "training_mode", 0) != 0, 3);
}

/* --- InstanceNormalization, GroupNormalization --- */

typedef struct group_job {
    const double *x, *scale, *bias;
    double *out;
    double epsilon;
    int64_t n_groups, per_group, run; /* channels per group, elements per channel */
    bool per_channel;                 /* scale and bias */
} group_job;

static void group_normalise(void *arg, int64_t begin, int64_t end)
{
    const group_job *j = arg;
    const int64_t size = j->per_group * j->run;
    for (int64_t i = begin; i < end; i++) {
        const int64_t group = i % j->n_groups;
        const moments m = moments_of(j->x + i * size, 1, size, 0);
        const double factor = 1.0 / sqrt(m.var + j->epsilon);
        for (int64_t k = 0; k < j->per_group; k++) {
            const int64_t s = j->per_channel ? group * j->per_group + k : group;
            const int64_t at = i * size + k * j->run;
            affine_run(j->out + at, j->x + at, j->run, m.mean, factor, j->scale[s], j->bias[s]);
        }
    }
}

static pgy_status *run_groups(px_ref_call *c, int64_t n_groups, bool per_channel)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    void *out;

    PX_TRY(float_input(c, 2, &x));
    const int64_t n_channels = x->dims[1];
    if (n_groups == 0) /* instance: each channel is a group */
        n_groups = n_channels;
    if (n_groups < 0 || (n_groups > 0 && n_channels % n_groups != 0))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld channels cannot be cut into %lld groups",
                           (long long)n_channels, (long long)n_groups));
    group_job j = {.x = x->data,
                   .epsilon = px_ref_attr_f(c, "epsilon", 1e-5f),
                   .n_groups = n_groups,
                   .per_group = n_groups > 0 ? n_channels / n_groups : 0,
                   .run = product(x->dims, 2, x->rank),
                   .per_channel = per_channel};
    const int64_t units = x->dims[0] * n_groups, count = x->count;
    PX_TRY(vector(c, 1, per_channel ? n_channels : n_groups, &j.scale));
    PX_TRY(vector(c, 2, per_channel ? n_channels : n_groups, &j.bias));
    PX_TRY(px_ref_out_like(c, 0, 0, c->in[0].dtype, &out));
    j.out = out;
    if (count > 0)
        px_parallel_for(c->cx, units, PX_MAX(1, WORK / (j.per_group * j.run)), group_normalise, &j);
done:
    return st;
}

static pgy_status *k_instance(px_ref_call *c)
{
    return run_groups(c, 0, true);
}

static pgy_status *group_count(px_ref_call *c, int64_t *out)
{
    *out = px_ref_attr_i(c, "num_groups", 0);
    if (*out < 1)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "attribute num_groups is %lld; at least 1 is wanted",
                           (long long)*out);
    return NULL;
}

/* Opset 18: scale and bias per group; 21: per channel. */
static pgy_status *k_group_18(px_ref_call *c)
{
    int64_t n;
    pgy_status *st = group_count(c, &n);
    return st ? st : run_groups(c, n, false);
}

static pgy_status *k_group_21(px_ref_call *c)
{
    int64_t n;
    pgy_status *st = group_count(c, &n);
    return st ? st : run_groups(c, n, true);
}

/* --- LayerNormalization, RMSNormalization --- */

typedef struct layer_job {
    const double *x;
    double *out, *mean, *inverse; /* mean, inverse: one per row or NULL */
    const double *scale, *bias;   /* of n elements, or NULL */
    double epsilon;
    int64_t n;
    bool centred;
} layer_job;

static void layer_rows(void *arg, int64_t begin, int64_t end)
{
    const layer_job *j = arg;
    for (int64_t row = begin; row < end; row++) {
        const double *x = j->x + row * j->n;
        double *out = j->out + row * j->n;
        moments m = {0};
        if (j->centred) {
            m = moments_of(x, 1, j->n, 0);
        } else {
            px_acc square = {0};
            px_sum_square(&square, x, j->n, 0);
            m.var = px_acc_value(square.s, square.c) / (double)j->n;
        }
        const double inverse = 1.0 / sqrt(m.var + j->epsilon);
        if (j->mean != NULL)
            j->mean[row] = m.mean;
        if (j->inverse != NULL)
            j->inverse[row] = inverse;
        if (j->scale != NULL && j->bias != NULL) {
            PX_INDEPENDENT
            for (int64_t i = 0; i < j->n; i++)
                out[i] = (x[i] - m.mean) * inverse * j->scale[i] + j->bias[i];
        } else if (j->scale != NULL) {
            PX_INDEPENDENT
            for (int64_t i = 0; i < j->n; i++)
                out[i] = (x[i] - m.mean) * inverse * j->scale[i];
        } else {
            affine_run(out, x, j->n, m.mean, inverse, 1.0, 0.0);
        }
    }
}

PX_ROW2(mul_row, double, double, x *y)
PX_ROW2(add_row, double, double, x + y)

/* out = row(out, input i), the input broadcast to the shape of `out`. */
static pgy_status *broadcast_onto(px_ref_call *c, const px_elem *whole, double *out, size_t i,
                                  px_elem_row row)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    px_elem e = *whole;
    PX_TRY(px_ref_in(c, i, &t));
    if (t->dtype != PGY_DTYPE_F64)
        PX_TRY(px_elem_bad_type(c, i));
    for (int d = 0; d < t->rank; d++) {
        const int at = d + e.rank - t->rank;
        if (at < 0 ? t->dims[d] != 1 : t->dims[d] != 1 && t->dims[d] != e.dims[at])
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "input %zu does not broadcast to the input's shape", i));
    }
    if (t->rank > e.rank)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "input %zu has a greater rank than input 0", i));
    e.n_in = 2;
    e.data[0] = out;
    e.data[1] = t->data;
    e.size[0] = e.size[1] = sizeof(double);
    px_ref_broadcast_strides(t, e.rank, e.dims, e.strides[1]);
    px_elem_apply(&e, out, sizeof(double), row, NULL);
done:
    return st;
}

/* The input's elements when its shape is that of dims axis.. (so that rows share them). */
static const double *row_vector(const px_ref_call *c, size_t i, const int64_t *dims, int rank)
{
    const pgy_tensor *t = c->in[i].kind == PX_REF_TENSOR ? c->in[i].t : NULL;
    return t != NULL && t->dtype == PGY_DTYPE_F64 && px_shape_eq(t->rank, t->dims, rank, dims)
               ? t->data
               : NULL;
}

static pgy_status *stash_out(px_ref_call *c, size_t i, int axis, const px_elem *whole, double **out)
{
    pgy_status *st = NULL;
    int64_t dims[PX_MAX_RANK];
    void *data;
    if (!px_ref_wants(c, i))
        return NULL;
    const int64_t stash = px_ref_attr_i(c, "stash_type", PGY_DTYPE_F32);
    if (stash <= 0 || stash >= PGY_DTYPE_COUNT || !px_dtype_is_float((pgy_dtype)stash))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "attribute stash_type is %lld, which is no float type",
                           (long long)stash));
    for (int d = 0; d < whole->rank; d++)
        dims[d] = d < axis ? whole->dims[d] : 1;
    PX_TRY(px_ref_out(c, i, (pgy_dtype)stash, whole->rank, dims, &data));
    *out = data;
done:
    return st;
}

static pgy_status *run_layer(px_ref_call *c, bool centred)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    px_elem whole;
    int axis;
    void *out;
    layer_job j = {.epsilon = px_ref_attr_f(c, "epsilon", 1e-5f), .centred = centred};

    PX_TRY(float_input(c, 1, &x));
    PX_TRY(px_elem_init(c, &whole, 0, 1));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", -1), x->rank, &axis));
    j.x = x->data;
    j.n = product(x->dims, axis, x->rank);
    const bool has_bias = centred && px_ref_has(c, 2);
    if (!px_ref_has(c, 1))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "input 1 is required and missing"));
    j.scale = row_vector(c, 1, whole.dims + axis, whole.rank - axis);
    if (has_bias && j.scale != NULL)
        j.bias = row_vector(c, 2, whole.dims + axis, whole.rank - axis);
    if (centred) {
        PX_TRY(stash_out(c, 1, axis, &whole, &j.mean));
        PX_TRY(stash_out(c, 2, axis, &whole, &j.inverse));
    }
    if (px_ref_storage(c->in[1].dtype) != PGY_DTYPE_F64)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "input 1 has type %s where floats are wanted",
                           pgy_dtype_name(c->in[1].dtype)));
    /* RMSNormalization: the result has the scale's type. */
    PX_TRY(px_ref_out_like(c, 0, 0, c->in[centred ? 0 : 1].dtype, &out));
    j.out = out;
    if (j.n > 0)
        px_parallel_for(c->cx, whole.count / j.n, PX_MAX(1, WORK / j.n), layer_rows, &j);
    if (j.scale == NULL)
        PX_TRY(broadcast_onto(c, &whole, out, 1, mul_row));
    if (has_bias && j.bias == NULL)
        PX_TRY(broadcast_onto(c, &whole, out, 2, add_row));
done:
    return st;
}

static pgy_status *k_layer(px_ref_call *c)
{
    return run_layer(c, true);
}

static pgy_status *k_rms(px_ref_call *c)
{
    return run_layer(c, false);
}

/* --- LRN --- */

typedef struct lrn_job {
    const double *x;
    double *out;
    double alpha, beta, bias;
    int64_t n_channels, run, before, after, size;
} lrn_job;

static void lrn_channels(void *arg, int64_t begin, int64_t end)
{
    const lrn_job *j = arg;
    for (int64_t unit = begin; unit < end; unit++) {
        const int64_t ch = unit % j->n_channels;
        const int64_t first = PX_MAX(0, ch - j->before);
        const int64_t last = PX_MIN(j->n_channels - 1, ch + j->after);
        const double *x = j->x + unit * j->run;
        double *out = j->out + unit * j->run;
        memset(out, 0, (size_t)j->run * sizeof *out);
        for (int64_t k = first; k <= last; k++) {
            const double *other = x + (k - ch) * j->run;
            for (int64_t i = 0; i < j->run; i++)
                out[i] += other[i] * other[i];
        }
        for (int64_t i = 0; i < j->run; i++)
            out[i] = x[i] / pow(j->bias + j->alpha / (double)j->size * out[i], j->beta);
    }
}

static pgy_status *k_lrn(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    void *out;

    PX_TRY(float_input(c, 2, &x));
    const int64_t size = px_ref_attr_i(c, "size", 0);
    if (size < 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "attribute size is %lld; at least 1 is wanted",
                           (long long)size));
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, x->dims, &out));
    lrn_job j = {.x = x->data,
                 .out = out,
                 .alpha = px_ref_attr_f(c, "alpha", 1e-4f),
                 .beta = px_ref_attr_f(c, "beta", 0.75),
                 .bias = px_ref_attr_f(c, "bias", 1.0),
                 .n_channels = x->dims[1],
                 .run = product(x->dims, 2, x->rank),
                 .before = PX_MIN((size - 1) / 2, x->dims[1]),
                 .after = PX_MIN(size - 1 - (size - 1) / 2, x->dims[1]),
                 .size = size};
    if (x->count > 0)
        px_parallel_for(c->cx, x->dims[0] * j.n_channels, PX_MAX(1, WORK / j.run), lrn_channels,
                        &j);
done:
    return st;
}

/* --- LpNormalization --- */

static pgy_status *k_lp(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int axis;
    void *data;

    PX_TRY(float_input(c, 1, &x));
    const int64_t p = px_ref_attr_i(c, "p", 2);
    if (p != 1 && p != 2)
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_MODEL, "attribute p is %lld; 1 or 2 is wanted", (long long)p));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", -1), x->rank, &axis));
    const int64_t outer = product(x->dims, 0, axis), n = x->dims[axis];
    const int64_t inner = product(x->dims, axis + 1, x->rank);
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, x->dims, &data));
    if (x->count == 0)
        goto done;
    double *sums = px_arena_calloc(c->scratch, 2 * (size_t)inner + 1, sizeof *sums);
    if (sums == NULL)
        PX_TRY(px_status_nomem());
    for (int64_t o = 0; o < outer; o++) {
        const double *from = (const double *)x->data + o * n * inner;
        double *out = (double *)data + o * n * inner;
        memset(sums, 0, 2 * (size_t)inner * sizeof *sums);
        for (int64_t k = 0; k < n; k++)
            (p == 1 ? px_sum_column_abs : px_sum_column_square)(sums, sums + inner,
                                                                from + k * inner, inner);
        for (int64_t i = 0; i < inner; i++) {
            const double sum = px_acc_value(sums[i], sums[inner + i]);
            sums[i] = p == 1 ? sum : sqrt(sum);
        }
        for (int64_t k = 0; k < n; k++)
            for (int64_t i = 0; i < inner; i++)
                out[k * inner + i] = sums[i] == 0.0 ? 0.0 : from[k * inner + i] / sums[i];
    }
done:
    return st;
}

/* --- MeanVarianceNormalization --- */

typedef struct mvn_job {
    const double *x;
    double *out;
    int n_kept, n_reduced;
    int64_t kept[PX_MAX_RANK], kept_stride[PX_MAX_RANK];
    int64_t reduced[PX_MAX_RANK], reduced_stride[PX_MAX_RANK];
    int64_t n_each;
} mvn_job;

static int64_t offset_of(int64_t i, int n, const int64_t *dims, const int64_t *strides)
{
    int64_t offset = 0;
    for (int d = n - 1; d >= 0 && i > 0; d--) {
        offset += i % dims[d] * strides[d];
        i /= dims[d];
    }
    return offset;
}

static void mvn_groups(void *arg, int64_t begin, int64_t end)
{
    const mvn_job *j = arg;
    for (int64_t g = begin; g < end; g++) {
        const int64_t base = offset_of(g, j->n_kept, j->kept, j->kept_stride);
        px_acc sum = {0}, square = {0};
        for (int64_t k = 0; k < j->n_each; k++)
            px_acc_add(&sum,
                       j->x[base + offset_of(k, j->n_reduced, j->reduced, j->reduced_stride)]);
        const double mean = px_acc_value(sum.s, sum.c) / (double)j->n_each;
        for (int64_t k = 0; k < j->n_each; k++) {
            const double d =
                j->x[base + offset_of(k, j->n_reduced, j->reduced, j->reduced_stride)] - mean;
            px_acc_add(&square, d * d);
        }
        const double deviation = sqrt(px_acc_value(square.s, square.c) / (double)j->n_each) + 1e-9;
        for (int64_t k = 0; k < j->n_each; k++) {
            const int64_t at = base + offset_of(k, j->n_reduced, j->reduced, j->reduced_stride);
            j->out[at] = (j->x[at] - mean) / deviation;
        }
    }
}

static pgy_status *k_mvn(px_ref_call *c)
{
    static const int64_t usual[] = {0, 2, 3};
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const int64_t *axes = usual;
    size_t n = PX_COUNTOF(usual);
    bool is_reduced[PX_MAX_RANK] = {0};
    void *out;
    mvn_job j = {.n_each = 1};

    PX_TRY(float_input(c, 0, &x));
    px_ref_attr_ints(c, "axes", &axes, &n);
    for (size_t i = 0; i < n; i++) {
        int axis;
        PX_TRY(px_ref_axis(c, axes[i], x->rank, &axis));
        is_reduced[axis] = true;
    }
    int64_t n_groups = 1;
    for (int d = 0; d < x->rank; d++) {
        const int64_t stride = product(x->dims, d + 1, x->rank);
        if (is_reduced[d]) {
            j.n_each *= x->dims[d];
            j.reduced[j.n_reduced] = x->dims[d];
            j.reduced_stride[j.n_reduced++] = stride;
        } else {
            n_groups *= x->dims[d];
            j.kept[j.n_kept] = x->dims[d];
            j.kept_stride[j.n_kept++] = stride;
        }
    }
    j.x = x->data;
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, x->dims, &out));
    j.out = out;
    if (x->count > 0)
        px_parallel_for(c->cx, n_groups, PX_MAX(1, WORK / j.n_each), mvn_groups, &j);
done:
    return st;
}

#define BATCH(since, max_out, kernel)                                                              \
    {                                                                                              \
        "", "BatchNormalization", since, 5, 5, 1, max_out, kernel                                  \
    }
#define ROW(name, since, in, kernel)                                                               \
    {                                                                                              \
        "", name, since, in, in, 1, 1, kernel                                                      \
    }

static const px_ref_op ops[] = {
    BATCH(1, 5, k_batch_old),
    BATCH(6, 5, k_batch_old),
    BATCH(7, 5, k_batch_old),
    BATCH(9, 5, k_batch_old),
    BATCH(14, 3, k_batch),
    BATCH(15, 3, k_batch),
    ROW("InstanceNormalization", 1, 3, k_instance),
    ROW("InstanceNormalization", 6, 3, k_instance),
    ROW("InstanceNormalization", 22, 3, k_instance),
    /* ONNX Runtime reads it in models of any version. */
    {"", "LayerNormalization", 1, 2, 3, 1, 3, k_layer},
    ROW("GroupNormalization", 18, 3, k_group_18),
    ROW("GroupNormalization", 21, 3, k_group_21),
    ROW("RMSNormalization", 23, 2, k_rms),
    ROW("LRN", 1, 1, k_lrn),
    ROW("LRN", 13, 1, k_lrn),
    ROW("LpNormalization", 1, 1, k_lp),
    ROW("LpNormalization", 22, 1, k_lp),
    ROW("MeanVarianceNormalization", 9, 1, k_mvn),
    ROW("MeanVarianceNormalization", 13, 1, k_mvn),
};

const px_ref_family px_ref_family_norm = {ops, PX_COUNTOF(ops)};
