/* backend/ref/op/index.c - operators that pick elements by position: the Gather group, Slice,
 * OneHot, NonZero, Compress. */
#include "backend/ref/op/move.h"

#include <math.h>

enum { BYTES_PER_TASK = 1 << 16 };

/* Indices of input `i` with negative ones counted from the end; an error when one is outside. */
static pgy_status *indices_of(px_ref_call *c, size_t i, int64_t size, int64_t **out, int64_t *out_n)
{
    pgy_status *st = NULL;
    const int64_t *given;
    size_t n;
    int64_t *at;
    PX_TRY(px_ref_in_ints(c, i, &given, &n));
    PX_TRY(PX_MOVE_SCRATCH(c, at, (int64_t)n));
    for (size_t k = 0; k < n; k++) {
        at[k] = given[k] < 0 ? given[k] + size : given[k];
        if (at[k] < 0 || at[k] >= size)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Index %lld is outside [-%lld, %lld)",
                               (long long)given[k], (long long)size, (long long)size));
    }
    *out = at;
    *out_n = (int64_t)n;
done:
    return st;
}

typedef struct rows_job {
    uint8_t *dst;
    const uint8_t *src;
    const int64_t *at;
    int64_t n_at, size; /* positions picked of `size` per outer step */
    size_t run;         /* bytes at each position */
    bool is_narrow;     /* `src` is floats that `dst` gets as doubles */
} rows_job;

static void copy_rows(void *arg, int64_t begin, int64_t end)
{
    const rows_job *job = arg;
    size_t run = job->run;
    for (int64_t i = begin; i < end; i++) {
        const uint8_t *src =
            job->src + (size_t)(i / job->n_at * job->size + job->at[i % job->n_at]) * run;
        if (job->is_narrow)
            px_convert(PGY_DTYPE_F64, job->dst + (size_t)i * run * 2, PGY_DTYPE_F32, src, 0,
                       (int64_t)(run / sizeof(float)));
        else if (run == 8)
            memcpy(job->dst + (size_t)i * 8, src, 8);
        else
            memcpy(job->dst + (size_t)i * run, src, run);
    }
}

/* dst[o, k, :] = src[o, at[k], :] */
static void pick_rows(pgy_context *cx, rows_job *job, int64_t outer)
{
    if (job->run > 0 && job->n_at > 0)
        px_parallel_for(cx, outer * job->n_at,
                        PX_MAX(1, BYTES_PER_TASK / (int64_t)PX_MIN(job->run, BYTES_PER_TASK)),
                        copy_rows, job);
}

static pgy_status *gather(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *ix;
    int64_t *at, n_at, dims[2 * PX_MAX_RANK];
    int axis;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    PX_TRY(px_ref_in(c, 1, &ix));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", 0), x->rank, &axis));
    PX_TRY(indices_of(c, 1, x->dims[axis], &at, &n_at));
    int rank = 0;
    for (int i = 0; i < axis; i++)
        dims[rank++] = x->dims[i];
    for (int i = 0; i < ix->rank; i++)
        dims[rank++] = ix->dims[i];
    for (int i = axis + 1; i < x->rank; i++)
        dims[rank++] = x->dims[i];
    if (rank > PX_MAX_RANK)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The output's rank is %d, the limit is %d", rank,
                           PX_MAX_RANK));
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, rank, dims, &y));
    if (px_move_span(dims, 0, rank) > 0) {
        rows_job job = {.dst = y,
                        .src = x->data,
                        .at = at,
                        .n_at = n_at,
                        .size = x->dims[axis],
                        .run = (size_t)px_move_span(x->dims, axis + 1, x->rank) * px_move_elem(x)};
        job.is_narrow = x->dtype == PGY_DTYPE_F32;
        pick_rows(c->cx, &job, px_move_span(x->dims, 0, axis));
    }
done:
    return st;
}

static pgy_status *gather_elements(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *ix;
    int64_t *at, n_at, strides[PX_MAX_RANK], pos[PX_MAX_RANK] = {0};
    int axis;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    PX_TRY(px_move_in_rank(c, 1, x->rank, x->rank, &ix));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", 0), x->rank, &axis));
    for (int i = 0; i < x->rank; i++)
        if (i != axis && ix->dims[i] > x->dims[i])
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "Indices have %lld places along axis %d, the data "
                               "%lld",
                               (long long)ix->dims[i], i, (long long)x->dims[i]));
    PX_TRY(indices_of(c, 1, x->dims[axis], &at, &n_at));
    px_move_strides(x->rank, x->dims, strides);
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, ix->rank, ix->dims, &y));
    size_t elem = px_move_elem(x);
    int last = x->rank - 1;
    int64_t line = ix->dims[last];
    for (int64_t i = 0; i < n_at; i += line) {
        int64_t base = 0;
        for (int k = 0; k < last; k++)
            base += k == axis ? 0 : pos[k] * strides[k];
        for (int64_t j = 0; j < line; j++) {
            int64_t from = base + at[i + j] * strides[axis] + (axis == last ? 0 : j);
            memcpy((uint8_t *)y + (size_t)(i + j) * elem,
                   (const uint8_t *)x->data + (size_t)from * elem, elem);
        }
        for (int k = last - 1; k >= 0 && ++pos[k] == ix->dims[k]; k--)
            pos[k] = 0;
    }
done:
    return st;
}

static pgy_status *gather_nd(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *ix;
    const int64_t *at;
    size_t n_at;
    int64_t dims[2 * PX_MAX_RANK], strides[PX_MAX_RANK];
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    PX_TRY(px_move_in_rank(c, 1, 1, PX_MAX_RANK, &ix));
    PX_TRY(px_ref_in_ints(c, 1, &at, &n_at));
    int64_t wanted = px_ref_attr_i(c, "batch_dims", 0), depth = ix->dims[ix->rank - 1];
    if (wanted < 0 || wanted >= PX_MIN(x->rank, ix->rank) || depth < 1 || depth > x->rank - wanted)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "batch_dims %lld and index tuples of %lld do not fit "
                           "data of rank %d and indices of rank %d",
                           (long long)wanted, (long long)depth, x->rank, ix->rank));
    int batch = (int)wanted, rank = 0, first = batch + (int)depth;
    for (int i = 0; i < batch; i++)
        if (x->dims[i] != ix->dims[i])
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "Batch dim %d is %lld in the data, %lld in the "
                               "indices",
                               i, (long long)x->dims[i], (long long)ix->dims[i]));
    for (int i = 0; i < ix->rank - 1; i++)
        dims[rank++] = ix->dims[i];
    for (int i = first; i < x->rank; i++)
        dims[rank++] = x->dims[i];
    if (rank > PX_MAX_RANK)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The output's rank is %d, the limit is %d", rank,
                           PX_MAX_RANK));
    px_move_strides(x->rank, x->dims, strides);
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, rank, dims, &y));
    size_t elem = px_move_elem(x);
    int64_t inner = px_move_span(x->dims, first, x->rank);
    int64_t per_batch = px_move_span(ix->dims, batch, ix->rank - 1);
    for (int64_t i = 0; i < (int64_t)n_at / depth; i++) {
        int64_t from = batch ? i / per_batch * strides[batch - 1] : 0;
        for (int64_t k = 0; k < depth; k++) {
            int64_t p = at[i * depth + k], size = x->dims[batch + k];
            if (p < -size || p >= size)
                PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Index %lld is outside [-%lld, %lld)",
                                   (long long)p, (long long)size, (long long)size));
            from += (p < 0 ? p + size : p) * strides[batch + k];
        }
        if (inner > 0)
            memcpy((uint8_t *)y + (size_t)(i * inner) * elem,
                   (const uint8_t *)x->data + (size_t)from * elem, (size_t)inner * elem);
    }
done:
    return st;
}

/* --- Slice --- */

typedef struct slice_ranges {
    const int64_t *starts, *ends, *axes, *steps; /* axes, steps: NULL for the default */
    size_t n;
} slice_ranges;

static pgy_status *slice_by(px_ref_call *c, const slice_ranges *r)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t dims[PX_MAX_RANK], strides[PX_MAX_RANK], offset = 0;
    bool seen[PX_MAX_RANK] = {false};
    void *y;
    PX_TRY(px_ref_in(c, 0, &x));
    px_move_strides(x->rank, x->dims, strides);
    memcpy(dims, x->dims, (size_t)x->rank * sizeof *dims);
    for (size_t i = 0; i < r->n; i++) {
        int axis;
        PX_TRY(
            px_ref_axis(c, r->axes ? r->axes[i] : (int64_t)PX_MIN(i, INT32_MAX), x->rank, &axis));
        int64_t step = r->steps ? r->steps[i] : 1, d = x->dims[axis];
        int64_t a = r->starts[i], b = r->ends[i];
        if (step == 0 || seen[axis])
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Axis %d has step 0 or is named twice", axis));
        seen[axis] = true;
        dims[axis] = px_geo_slice(d, &a, &b, step);
        if (dims[axis] > 0) {
            offset += a * strides[axis];
            /* A step past the end is taken at most once and never followed. */
            strides[axis] = dims[axis] > 1 ? strides[axis] * step : 0;
        }
    }
    if (px_shape_eq(x->rank, dims, x->rank, x->dims) && offset == 0) {
        bool same = true;
        for (size_t i = 0; r->steps && i < r->n; i++)
            same = same && r->steps[i] > 0;
        if (same) {
            PX_TRY(px_ref_out_reshape(c, 0, 0, x->rank, dims));
            goto done;
        }
    }
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, dims, &y));
    size_t elem = px_move_elem(x);
    if (px_move_span(dims, 0, x->rank) > 0)
        px_move_strided(c->cx, y, (const uint8_t *)x->data + (size_t)offset * elem, elem, x->rank,
                        dims, strides);
done:
    return st;
}

static pgy_status *slice_1(px_ref_call *c)
{
    slice_ranges r = {0};
    size_t n_ends = 0, n_axes = 0;
    if (!px_ref_attr_ints(c, "starts", &r.starts, &r.n) ||
        !px_ref_attr_ints(c, "ends", &r.ends, &n_ends) || r.n != n_ends ||
        (px_ref_attr_ints(c, "axes", &r.axes, &n_axes) && n_axes != r.n))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "starts, ends and axes must have the same length");
    return slice_by(c, &r);
}

static pgy_status *slice_10(px_ref_call *c)
{
    pgy_status *st = NULL;
    slice_ranges r = {0};
    size_t n_ends, n_axes, n_steps;
    PX_TRY(px_ref_in_ints(c, 1, &r.starts, &r.n));
    PX_TRY(px_ref_in_ints(c, 2, &r.ends, &n_ends));
    n_axes = n_steps = r.n;
    if (px_ref_has(c, 3))
        PX_TRY(px_ref_in_ints(c, 3, &r.axes, &n_axes));
    if (px_ref_has(c, 4))
        PX_TRY(px_ref_in_ints(c, 4, &r.steps, &n_steps));
    if (n_ends != r.n || n_axes != r.n || n_steps != r.n)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "starts has %zu entries, ends %zu, axes %zu, steps "
                           "%zu: they must be equal",
                           r.n, n_ends, n_axes, n_steps));
    PX_TRY(slice_by(c, &r));
done:
    return st;
}

/* --- OneHot, NonZero, Compress --- */

/* Toward zero; what int64 cannot hold becomes an index that no depth contains. */
static int64_t index_of_number(double v)
{
    return v > -0x1p62 && v < 0x1p62 ? (int64_t)v : INT64_MAX;
}

static pgy_status *one_hot(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *ix, *values;
    double depth_number;
    int64_t dims[PX_MAX_RANK];
    int axis;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 0, PX_MAX_RANK - 1, &ix));
    PX_TRY(px_move_in_number(c, 1, &depth_number));
    PX_TRY(px_ref_in(c, 2, &values));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", -1), ix->rank + 1, &axis));
    int64_t depth = index_of_number(depth_number);
    if (depth < 0 || depth == INT64_MAX || values->count != 2)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "depth is %g and values has %lld elements (2 wanted)",
                           depth_number, (long long)values->count));
    for (int i = 0; i <= ix->rank; i++)
        dims[i] = i < axis ? ix->dims[i] : i == axis ? depth : ix->dims[i - 1];
    PX_TRY(px_ref_out(c, 0, c->in[2].dtype, ix->rank + 1, dims, &y));
    size_t elem = px_move_elem(values);
    const uint8_t *off = values->data, *on = off + elem;
    px_move_fill(y, off, elem, px_move_span(dims, 0, ix->rank + 1));
    int64_t inner = px_move_span(ix->dims, axis, ix->rank);
    for (int64_t i = 0; i < ix->count; i++) {
        int64_t k = ix->dtype == PGY_DTYPE_F64 ? index_of_number(((const double *)ix->data)[i])
                                               : px_tensor_get_i64(ix, i);
        k = k < 0 ? k + depth : k;
        if (k < 0 || k >= depth)
            continue;
        int64_t to = (i / inner * depth + k) * inner + i % inner;
        memcpy((uint8_t *)y + (size_t)to * elem, on, elem);
    }
done:
    return st;
}

static pgy_status *non_zero(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    void *y;
    int64_t n = 0, k = 0, pos[PX_MAX_RANK] = {0};
    PX_TRY(px_ref_in(c, 0, &x));
    if (x->dtype == PGY_DTYPE_STRING)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "A string is neither zero nor not"));
    static const uint8_t zeros[16];
    size_t elem = px_move_elem(x);
    const uint8_t *data = x->data;
    bool *is_set;
    PX_TRY(PX_MOVE_SCRATCH(c, is_set, x->count));
    for (int64_t i = 0; i < x->count; i++) {
        is_set[i] = x->dtype == PGY_DTYPE_F64 ? ((const double *)x->data)[i] != 0
                                              : memcmp(data + (size_t)i * elem, zeros, elem) != 0;
        n += is_set[i];
    }
    /* A scalar has one coordinate, as in ONNX Runtime. */
    int64_t dims[2] = {PX_MAX(x->rank, 1), n};
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_I64, 2, dims, &y));
    for (int64_t i = 0; i < x->count; i++) {
        if (is_set[i]) {
            for (int a = 0; a < dims[0]; a++)
                ((int64_t *)y)[a * n + k] = pos[a];
            k++;
        }
        for (int a = x->rank - 1; a >= 0 && ++pos[a] == x->dims[a]; a--)
            pos[a] = 0;
    }
done:
    return st;
}

static pgy_status *compress(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *cond;
    int64_t dims[PX_MAX_RANK], *at, n_at = 0, outer = 1, inner = 1;
    int rank = 1, axis = 0;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    PX_TRY(px_move_in_rank(c, 1, 1, 1, &cond));
    if (cond->dtype != PGY_DTYPE_BOOL)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The condition is %s, wanted is bool",
                           pgy_dtype_name(cond->dtype)));
    dims[0] = x->count;
    if (px_ref_attr(c, "axis")) {
        PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", 0), x->rank, &axis));
        rank = x->rank;
        memcpy(dims, x->dims, (size_t)rank * sizeof *dims);
        outer = px_move_span(dims, 0, axis);
        inner = px_move_span(dims, axis + 1, rank);
    }
    int64_t size = dims[axis];
    PX_TRY(PX_MOVE_SCRATCH(c, at, size));
    for (int64_t i = 0; i < PX_MIN(size, cond->count); i++)
        if (((const uint8_t *)cond->data)[i])
            at[n_at++] = i;
    dims[axis] = n_at;
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, rank, dims, &y));
    if (px_move_span(dims, 0, rank) > 0) {
        rows_job job = {.dst = y,
                        .src = x->data,
                        .at = at,
                        .n_at = n_at,
                        .size = size,
                        .run = (size_t)inner * px_move_elem(x)};
        pick_rows(c->cx, &job, outer);
    }
done:
    return st;
}

/* --- Unique --- */

typedef struct unique_items {
    pgy_dtype stored;
    const uint8_t *data;
    size_t elem;
    int64_t outer, n, inner; /* items are the slices along the middle one */
} unique_items;

static int unique_compare(const unique_items *u, int64_t a, int64_t b)
{
    for (int64_t o = 0; o < u->outer; o++)
        for (int64_t i = 0; i < u->inner; i++) {
            int d = px_move_compare(u->stored,
                                    u->data + (size_t)((o * u->n + a) * u->inner + i) * u->elem,
                                    u->data + (size_t)((o * u->n + b) * u->inner + i) * u->elem);
            if (d)
                return d;
        }
    return 0;
}

static bool unique_less(const void *arg, int64_t a, int64_t b)
{
    return unique_compare(arg, a, b) < 0;
}

static bool first_less(const void *arg, int64_t a, int64_t b)
{
    const int64_t *first = arg;
    return first[a] < first[b];
}

/* Groups of equal items: `first` and `count` of each, `group` of each item; in sorted order of the
 * items, or of first occurrence. */
static pgy_status *unique_groups(px_ref_call *c, const unique_items *u, bool sorted,
                                 int64_t **out_first, int64_t **out_count, int64_t *group,
                                 int64_t *out_n)
{
    pgy_status *st = NULL;
    int64_t *order, *tmp, *first, *count, n = 0;
    PX_TRY(PX_MOVE_SCRATCH(c, order, u->n));
    PX_TRY(PX_MOVE_SCRATCH(c, tmp, u->n));
    PX_TRY(PX_MOVE_SCRATCH(c, first, u->n));
    PX_TRY(PX_MOVE_SCRATCH(c, count, u->n));
    for (int64_t i = 0; i < u->n; i++)
        order[i] = i;
    px_move_sort(order, tmp, u->n, unique_less, u);
    for (int64_t i = 0; i < u->n; i++) {
        if (i == 0 || unique_compare(u, order[i - 1], order[i]) != 0)
            first[n++] = order[i]; /* the sort is stable: the first of the equal ones */
        count[n - 1]++;
        group[order[i]] = n - 1;
    }
    if (!sorted) {
        int64_t *rank, *old_first = first, *old_count = count;
        PX_TRY(PX_MOVE_SCRATCH(c, rank, n));
        PX_TRY(PX_MOVE_SCRATCH(c, first, n));
        PX_TRY(PX_MOVE_SCRATCH(c, count, n));
        for (int64_t i = 0; i < n; i++)
            order[i] = i;
        px_move_sort(order, tmp, n, first_less, old_first);
        for (int64_t i = 0; i < n; i++) {
            first[i] = old_first[order[i]];
            count[i] = old_count[order[i]];
            rank[order[i]] = i;
        }
        for (int64_t i = 0; i < u->n; i++)
            group[i] = rank[group[i]];
    }
    *out_first = first;
    *out_count = count;
    *out_n = n;
done:
    return st;
}

static pgy_status *unique(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t dims[PX_MAX_RANK], *first, *count, *group, n;
    int rank = 1, axis = 0;
    void *y;
    PX_TRY(px_ref_in(c, 0, &x));
    unique_items u = {x->dtype, x->data, px_move_elem(x), 1, x->count, 1};
    if (px_ref_attr(c, "axis")) {
        PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", 0), x->rank, &axis));
        rank = x->rank;
        memcpy(dims, x->dims, (size_t)rank * sizeof *dims);
        u.outer = px_move_span(dims, 0, axis);
        u.n = dims[axis];
        u.inner = px_move_span(dims, axis + 1, rank);
    }
    PX_TRY(PX_MOVE_SCRATCH(c, group, u.n));
    PX_TRY(unique_groups(c, &u, px_ref_attr_i(c, "sorted", 1) != 0, &first, &count, group, &n));
    dims[axis] = n;
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, rank, dims, &y));
    if (px_move_span(dims, 0, rank) > 0) {
        rows_job job = {.dst = y,
                        .src = x->data,
                        .at = first,
                        .n_at = n,
                        .size = u.n,
                        .run = (size_t)u.inner * u.elem};
        pick_rows(c->cx, &job, u.outer);
    }
    const int64_t *more[3] = {first, group, count}, more_n[3] = {n, u.n, n};
    for (size_t i = 0; i < 3; i++) {
        if (!px_ref_wants(c, i + 1))
            continue;
        PX_TRY(px_ref_out(c, i + 1, PGY_DTYPE_I64, 1, &more_n[i], &y));
        memcpy(y, more[i], (size_t)more_n[i] * sizeof(int64_t));
    }
done:
    return st;
}

static const px_ref_op rows[] = {
    {"", "Compress", 9, 2, 2, 1, 1, compress},
    {"", "Gather", 1, 2, 2, 1, 1, gather},
    {"", "GatherElements", 11, 2, 2, 1, 1, gather_elements},
    {"", "GatherND", 11, 2, 2, 1, 1, gather_nd},
    {"", "NonZero", 9, 1, 1, 1, 1, non_zero},
    {"", "OneHot", 9, 3, 3, 1, 1, one_hot},
    {"", "Slice", 1, 1, 1, 1, 1, slice_1},
    {"", "Slice", 10, 3, 5, 1, 1, slice_10},
    {"", "Unique", 11, 1, 1, 1, 4, unique},
};

const px_ref_family px_ref_family_index = {rows, PX_COUNTOF(rows)};
