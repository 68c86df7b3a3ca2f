/* backend/ref/op/pool.c - windows that reduce: AveragePool, MaxPool, LpPool, their global forms,
 * and MaxUnpool.
 *
 * Spatial dimensions are padded in front with ones to three, so that one set of loops serves all.
 */
#include "backend/ref/window.h"

#include <math.h>

enum { DIMS = 3 };

typedef enum pool_kind { POOL_AVERAGE, POOL_MAX, POOL_LP } pool_kind;

typedef struct pool_job {
    pool_kind kind;
    px_ref_window w; /* rank 3 */
    bool count_pads; /* AveragePool: the divisor counts padding */
    bool column_major;
    double p;
    double empty; /* MaxPool of a window that lies in padding altogether */
    const double *x;
    double *y;
    int64_t *indices; /* MaxPool's second output, or NULL */
} pool_job;

/* Rank 1 or 2 becomes rank 3 with dimensions of one element. */
static void widen(px_ref_window *w)
{
    const int add = DIMS - w->rank;
    int64_t *const lists[] = {w->in, w->out, w->kernel, w->stride, w->dilation, w->pad, w->pad_end};
    for (size_t l = 0; l < PX_COUNTOF(lists); l++) {
        memmove(lists[l] + add, lists[l], (size_t)w->rank * sizeof(int64_t));
        for (int d = 0; d < add; d++)
            lists[l][d] = l < 5; /* pads are 0, the rest 1 */
    }
    w->rank = DIMS;
}

/* What a window covers of the input. */
typedef struct reach {
    int64_t lo[DIMS], hi[DIMS]; /* kernel positions inside the input */
    int64_t start[DIMS];        /* input position of kernel position 0 */
} reach;

static double reduce_lp(const pool_job *job, const double *x, const reach *r)
{
    const px_ref_window *w = &job->w;
    double sum = 0;
    for (int64_t a = r->lo[0]; a < r->hi[0]; a++)
        for (int64_t b = r->lo[1]; b < r->hi[1]; b++)
            for (int64_t k = r->lo[2]; k < r->hi[2]; k++) {
                const int64_t i = r->start[0] + a * w->dilation[0];
                const int64_t j = r->start[1] + b * w->dilation[1];
                const int64_t l = r->start[2] + k * w->dilation[2];
                const double v = fabs(x[(i * w->in[1] + j) * w->in[2] + l]);
                sum += job->p == 2 ? v * v : job->p == 1 ? v : pow(v, job->p);
            }
    return job->p == 2 ? sqrt(sum) : job->p == 1 ? sum : pow(sum, 1 / job->p);
}

static double reduce_average(const pool_job *job, const double *x, const reach *r)
{
    const px_ref_window *w = &job->w;
    double sum = 0;
    int64_t count = 1;
    for (int d = 0; d < DIMS; d++) {
        int64_t n = r->hi[d] - r->lo[d];
        if (job->count_pads) {
            /* Padding counts, but not what a rounded-up last window hangs over it. */
            const int64_t end = w->in[d] + w->pad_end[d] - r->start[d];
            n = PX_MIN(w->kernel[d],
                       PX_MAX((end + w->dilation[d] - 1) / w->dilation[d], (int64_t)0));
        }
        count *= n;
    }
    for (int64_t a = r->lo[0]; a < r->hi[0]; a++)
        for (int64_t b = r->lo[1]; b < r->hi[1]; b++) {
            const int64_t i = r->start[0] + a * w->dilation[0];
            const int64_t j = r->start[1] + b * w->dilation[1];
            const double *row = x + (i * w->in[1] + j) * w->in[2] + r->start[2];
            for (int64_t k = r->lo[2]; k < r->hi[2]; k++)
                sum += row[k * w->dilation[2]];
        }
    return count > 0 ? sum / (double)count : NAN;
}

static double reduce_max(const pool_job *job, const double *x, const reach *r, int64_t *out_index)
{
    const px_ref_window *w = &job->w;
    double best = job->empty;
    int64_t index = -1;
    for (int64_t a = r->lo[0]; a < r->hi[0]; a++)
        for (int64_t b = r->lo[1]; b < r->hi[1]; b++) {
            const int64_t i = r->start[0] + a * w->dilation[0];
            const int64_t j = r->start[1] + b * w->dilation[1];
            const int64_t base = (i * w->in[1] + j) * w->in[2] + r->start[2];
            for (int64_t k = r->lo[2]; k < r->hi[2]; k++) {
                const double v = x[base + k * w->dilation[2]];
                if (v > best || index < 0 || (isnan(v) && !isnan(best))) {
                    best = v;
                    index = base + k * w->dilation[2];
                }
            }
        }
    *out_index = PX_MAX(index, (int64_t)0);
    return best;
}

/* Flat position within a plane as `storage_order` counts: column-major counts the first fastest. */
static int64_t plane_index(const pool_job *job, int64_t index)
{
    const int64_t *in = job->w.in;
    if (!job->column_major)
        return index;
    const int64_t i = index / (in[1] * in[2]), j = index / in[2] % in[1], k = index % in[2];
    return i + in[0] * (j + in[1] * k);
}

static void pool_plane(const pool_job *job, int64_t plane)
{
    const px_ref_window *w = &job->w;
    const double *x = job->x + plane * w->n_in;
    double *y = job->y + plane * w->n_out;
    int64_t at = 0, o[DIMS];
    for (o[0] = 0; o[0] < w->out[0]; o[0]++)
        for (o[1] = 0; o[1] < w->out[1]; o[1]++)
            for (o[2] = 0; o[2] < w->out[2]; o[2]++, at++) {
                reach r;
                int64_t index = 0;
                for (int d = 0; d < DIMS; d++) {
                    px_ref_window_range(w, d, o[d], &r.lo[d], &r.hi[d]);
                    r.start[d] = o[d] * w->stride[d] - w->pad[d];
                }
                if (job->kind == POOL_LP)
                    y[at] = reduce_lp(job, x, &r);
                else if (job->kind == POOL_AVERAGE)
                    y[at] = reduce_average(job, x, &r);
                else
                    y[at] = reduce_max(job, x, &r, &index);
                if (job->indices)
                    job->indices[plane * w->n_out + at] = plane * w->n_in + plane_index(job, index);
            }
}

static void pool_range(void *arg, int64_t begin, int64_t end)
{
    const pool_job *job = arg;
    for (int64_t i = begin; i < end; i++)
        pool_plane(job, i);
}

/* Float results go to the output directly; MaxPool of 8-bit integers through float64, exactly. */
static pgy_status *pool_run(px_ref_call *c, pool_job *job)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL, *stored = NULL;
    int64_t dims[PX_MAX_RANK];
    void *out = NULL, *indices = NULL;

    PX_TRY(px_ref_in(c, 0, &stored));
    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_window_init(c, x, NULL, &job->w));
    if (job->w.rank > DIMS)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED, "%d spatial dimensions; at most 3 are supported",
                           job->w.rank));
    memcpy(dims, x->dims, 2 * sizeof *dims);
    memcpy(dims + 2, job->w.out, (size_t)job->w.rank * sizeof *dims);
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, dims, &out));
    if (px_ref_wants(c, 1))
        PX_TRY(px_ref_out(c, 1, PGY_DTYPE_I64, x->rank, dims, &indices));
    const int64_t count = c->out[0].t->count;
    job->x = x->data;
    job->empty = stored->dtype == PGY_DTYPE_F64  ? -INFINITY
                 : stored->dtype == PGY_DTYPE_I8 ? INT8_MIN
                                                 : 0;
    job->indices = indices;
    job->y = stored->dtype == PGY_DTYPE_F64
                 ? out
                 : px_arena_calloc(c->scratch, (size_t)count + 1, sizeof *job->y);
    if (!job->y)
        PX_TRY(px_status_nomem());
    widen(&job->w);
    if (count > 0)
        px_parallel_for(c->cx, dims[0] * dims[1],
                        PX_MAX((int64_t)1, 4096 / PX_MAX(job->w.n_out, (int64_t)1)), pool_range,
                        job);
    if (job->y != out)
        px_convert(stored->dtype, out, PGY_DTYPE_F64, job->y, 0, count);
done:
    return st;
}

static pgy_status *average_pool(px_ref_call *c)
{
    pool_job job = {.kind = POOL_AVERAGE,
                    .count_pads = px_ref_attr_i(c, "count_include_pad", 0) != 0};
    return pool_run(c, &job);
}

static pgy_status *max_pool(px_ref_call *c)
{
    pool_job job = {.kind = POOL_MAX, .column_major = px_ref_attr_i(c, "storage_order", 0) != 0};
    return pool_run(c, &job);
}

/* Version 1 has a float p, later ones an integer. */
static double attr_p(px_ref_call *c)
{
    const px_onnx_attr *a = px_ref_attr(c, "p");
    if (a && a->type == PX_ONNX_ATTR_INT)
        return (double)a->i;
    return a && a->type == PX_ONNX_ATTR_FLOAT ? a->f : 2;
}

static pgy_status *lp_pool(px_ref_call *c)
{
    pool_job job = {.kind = POOL_LP, .p = attr_p(c)};
    return pool_run(c, &job);
}

/* --- global --- */

typedef struct global_job {
    pool_kind kind;
    double p;
    int64_t n;
    const double *x;
    double *y;
} global_job;

static void global_range(void *arg, int64_t begin, int64_t end)
{
    const global_job *job = arg;
    for (int64_t i = begin; i < end; i++) {
        const double *x = job->x + i * job->n;
        double acc = job->kind == POOL_MAX ? -INFINITY : 0;
        for (int64_t j = 0; j < job->n; j++) {
            if (job->kind == POOL_MAX)
                acc = x[j] > acc || isnan(x[j]) ? x[j] : acc;
            else
                acc += job->kind == POOL_LP ? pow(fabs(x[j]), job->p) : x[j];
        }
        job->y[i] = job->kind == POOL_AVERAGE ? acc / (double)job->n
                    : job->kind == POOL_LP    ? pow(acc, 1 / job->p)
                                              : acc;
    }
}

static pgy_status *global_run(px_ref_call *c, global_job *job)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL;
    int64_t dims[PX_MAX_RANK];
    void *out = NULL;

    PX_TRY(px_ref_in_f64(c, 0, &x));
    if (x->rank < 2)
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_MODEL, "the input has rank %d; at least 2 is wanted", x->rank));
    for (int d = 0; d < x->rank; d++)
        dims[d] = d < 2 ? x->dims[d] : 1;
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, dims, &out));
    const int64_t planes = dims[0] * dims[1];
    if (planes == 0)
        goto done;
    job->n = x->count / planes;
    job->x = x->data;
    job->y = out;
    px_parallel_for(c->cx, planes, PX_MAX((int64_t)1, 16384 / PX_MAX(job->n, (int64_t)1)),
                    global_range, job);
done:
    return st;
}

static pgy_status *global_average_pool(px_ref_call *c)
{
    return global_run(c, &(global_job){.kind = POOL_AVERAGE});
}

static pgy_status *global_max_pool(px_ref_call *c)
{
    return global_run(c, &(global_job){.kind = POOL_MAX});
}

static pgy_status *global_lp_pool(px_ref_call *c)
{
    return global_run(c, &(global_job){.kind = POOL_LP, .p = attr_p(c)});
}

/* --- MaxUnpool --- */

/* Without output_shape, what MaxPool with these attributes would have taken in. The indices count
 * in that shape; a larger output_shape keeps each plane's elements at the front corner. */
static pgy_status *max_unpool(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL, *index = NULL;
    const int64_t *shape = NULL;
    int64_t inferred[PX_MAX_RANK], dims[PX_MAX_RANK];
    px_ref_window w;
    size_t n = 0;
    void *out = NULL;

    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_in(c, 1, &index));
    PX_TRY(px_ref_window_attrs(c, x, NULL, &w));
    if (index->dtype != PGY_DTYPE_I64 || index->count != x->count)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the indices must be int64, one per element"));
    for (int d = 0; d < x->rank; d++) {
        const px_geo_window dim = px_ref_window_dim(&w, PX_MAX(d - 2, 0));
        inferred[d] = d < 2 ? x->dims[d] : px_geo_unpooled(&dim, x->dims[d]);
    }
    memcpy(dims, inferred, sizeof dims);
    if (px_ref_has(c, 2)) {
        PX_TRY(px_ref_in_ints(c, 2, &shape, &n));
        if (n != (size_t)x->rank)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "output_shape has %zu numbers; %d are wanted", n,
                               x->rank));
        memcpy(dims, shape, n * sizeof *dims);
    }
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, dims, &out));
    const int64_t count = c->out[0].t->count;
    memset(out, 0, (size_t)count * sizeof(double));
    for (int64_t i = 0; i < x->count; i++) {
        int64_t flat = ((const int64_t *)index->data)[i], at = 0, stride = 1;
        bool inside = flat >= 0;
        for (int d = x->rank - 1; d >= 0 && inside; d--) {
            if (inferred[d] <= 0)
                inside = false;
            const int64_t coordinate = inside ? flat % inferred[d] : 0;
            flat = inside ? flat / inferred[d] : 0;
            inside = inside && coordinate < dims[d];
            at += coordinate * stride;
            stride *= dims[d];
        }
        if (!inside || flat != 0)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "index %lld is outside the output",
                               (long long)((const int64_t *)index->data)[i]));
        ((double *)out)[at] = ((const double *)x->data)[i];
    }
done:
    return st;
}

static const px_ref_op ops[] = {
    {"", "AveragePool", 1, 1, 1, 1, 1, average_pool},
    {"", "MaxPool", 1, 1, 1, 1, 2, max_pool},
    {"", "LpPool", 1, 1, 1, 1, 1, lp_pool},
    {"", "GlobalAveragePool", 1, 1, 1, 1, 1, global_average_pool},
    {"", "GlobalMaxPool", 1, 1, 1, 1, 1, global_max_pool},
    {"", "GlobalLpPool", 1, 1, 1, 1, 1, global_lp_pool},
    {"", "MaxUnpool", 9, 2, 3, 1, 1, max_unpool},
};

const px_ref_family px_ref_family_pool = {ops, PX_COUNTOF(ops)};
