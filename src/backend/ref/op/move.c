/* backend/ref/op/move.c - see move.h. */
#include "backend/ref/op/move.h"
#include "backend/ref/plan.h"

#include <math.h>

enum {
    BLOCK = 32,              /* side of a transposed tile: 32 * 32 * 8 bytes fit the first cache */
    BYTES_PER_TASK = 1 << 16 /* below this a thread costs more than it brings */
};

size_t px_move_elem(const pgy_tensor *t)
{
    return (size_t)pgy_dtype_bits(t->dtype) / 8;
}

int64_t px_move_span(const int64_t *dims, int from, int to)
{
    return px_geo_span(dims, from, to);
}

void px_move_strides(int rank, const int64_t *dims, int64_t *strides)
{
    /* A stride that overflows belongs to an empty tensor and is never used. */
    for (int i = rank - 1; i >= 0; i--)
        strides[i] = px_move_span(dims, i + 1, rank);
}

void px_move_fill(void *dst, const void *value, size_t elem, int64_t count)
{
    if (count <= 0)
        return;
    if (elem == 1) {
        memset(dst, *(const uint8_t *)value, (size_t)count);
        return;
    }
    uint8_t *p = dst;
    size_t total = (size_t)count * elem;
    memmove(p, value, elem);
    for (size_t done = elem; done < total;) { /* doubles what is there */
        size_t n = PX_MIN(done, total - done);
        memcpy(p + done, p, n);
        done += n;
    }
}

/* dst[i] = src[i * step], one line; a constant `elem` makes the copy one move. */
static inline void line_of(uint8_t *dst, const uint8_t *src, int64_t step, int64_t n, size_t elem)
{
    for (int64_t i = 0; i < n; i++)
        memcpy(dst + (size_t)i * elem, src + i * step * (int64_t)elem, elem);
}

static void copy_line(uint8_t *dst, const uint8_t *src, int64_t step, int64_t n, size_t elem)
{
    if (step == 1)
        memcpy(dst, src, (size_t)n * elem);
    else if (step == 0)
        px_move_fill(dst, src, elem, n);
    else if (elem == 8)
        line_of(dst, src, step, n, 8);
    else if (elem == 4)
        line_of(dst, src, step, n, 4);
    else if (elem == 1)
        line_of(dst, src, step, n, 1);
    else if (elem == 2)
        line_of(dst, src, step, n, 2);
    else
        line_of(dst, src, step, n, elem);
}

typedef struct strided_job {
    uint8_t *dst;
    const uint8_t *src;
    size_t elem;
    int rank; /* of the outer loops */
    int64_t dims[PX_MOVE_MAX_RANK], src_strides[PX_MOVE_MAX_RANK], dst_strides[PX_MOVE_MAX_RANK];
    int64_t inner, inner_stride;             /* the last dim, dense in dst */
    int64_t unit, unit_dst_stride, n_blocks; /* a dim that is dense in src; n_blocks 0: none */
} strided_job;

static void strided_at(const strided_job *job, int64_t index, int64_t *dst, int64_t *src)
{
    int64_t d = 0, s = 0;
    for (int i = job->rank - 1; i >= 0; i--) {
        int64_t at = index % job->dims[i];
        index /= job->dims[i];
        d += at * job->dst_strides[i];
        s += at * job->src_strides[i];
    }
    *dst = d;
    *src = s;
}

static void strided_lines(void *arg, int64_t begin, int64_t end)
{
    const strided_job *job = arg;
    int64_t elem = (int64_t)job->elem;
    for (int64_t i = begin; i < end; i++) {
        int64_t d, s;
        strided_at(job, i, &d, &s);
        copy_line(job->dst + d * elem, job->src + s * elem, job->inner_stride, job->inner,
                  job->elem);
    }
}

/* One tile row: BLOCK positions of the dim dense in src, the whole inner dim, tile by tile. */
static void strided_tiles(void *arg, int64_t begin, int64_t end)
{
    const strided_job *job = arg;
    int64_t elem = (int64_t)job->elem;
    for (int64_t i = begin; i < end; i++) {
        int64_t d, s, u0 = i % job->n_blocks * BLOCK, u1 = PX_MIN(u0 + BLOCK, job->unit);
        strided_at(job, i / job->n_blocks, &d, &s);
        for (int64_t j0 = 0; j0 < job->inner; j0 += BLOCK) {
            int64_t n = PX_MIN(BLOCK, job->inner - j0);
            for (int64_t u = u0; u < u1; u++)
                copy_line(job->dst + (d + u * job->unit_dst_stride + j0) * elem,
                          job->src + (s + u + j0 * job->inner_stride) * elem, job->inner_stride, n,
                          job->elem);
        }
    }
}

void px_move_strided(pgy_context *cx, void *dst, const void *src, size_t elem, int rank,
                     const int64_t *dims, const int64_t *strides)
{
    strided_job job = {.dst = dst, .src = src, .elem = elem};
    int64_t d[PX_MOVE_MAX_RANK], s[PX_MOVE_MAX_RANK];
    int n = 0;
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 0)
            return;
        if (dims[i] == 1)
            continue;
        if (n > 0 && s[n - 1] == strides[i] * dims[i]) { /* the two dims are one run */
            d[n - 1] *= dims[i];
            s[n - 1] = strides[i];
        } else {
            d[n] = dims[i];
            s[n++] = strides[i];
        }
    }
    if (n == 0) {
        memcpy(dst, src, elem);
        return;
    }
    job.inner = d[n - 1];
    job.inner_stride = s[n - 1];
    int unit = -1;
    if (job.inner_stride != 1 && job.inner_stride != 0)
        for (int i = 0; i < n - 1; i++)
            if (s[i] == 1 || unit < 0)
                unit = s[i] == 1 ? i : unit;
    int64_t dst_stride = job.inner, tasks = 1;
    for (int i = n - 2; i >= 0; i--) {
        if (i == unit) {
            job.unit = d[i];
            job.unit_dst_stride = dst_stride;
            job.n_blocks = (d[i] + BLOCK - 1) / BLOCK;
        }
        dst_stride *= d[i];
    }
    for (int i = 0; i < n - 1; i++) {
        if (i == unit)
            continue;
        job.dims[job.rank] = d[i];
        job.src_strides[job.rank] = s[i];
        job.dst_strides[job.rank++] = px_move_span(d, i + 1, n);
        tasks *= d[i];
    }
    int64_t bytes = job.inner * (int64_t)elem * (unit >= 0 ? PX_MIN(job.unit, BLOCK) : 1);
    int64_t grain = PX_MAX(1, BYTES_PER_TASK / bytes);
    if (unit >= 0)
        px_parallel_for(cx, tasks * job.n_blocks, grain, strided_tiles, &job);
    else
        px_parallel_for(cx, tasks, grain, strided_lines, &job);
}

pgy_status *px_move_check_room(px_ref_call *c, int rank, const int64_t *dims, size_t elem)
{
    const px_ref_pool *pool = &c->frame->session->pool;
    int64_t count;
    bool fits = px_shape_count(rank, dims, &count) && pool->live_size <= pool->limit_size &&
                (uint64_t)count <= (pool->limit_size - pool->live_size) / elem;
    return fits ? NULL : px_status_nomem();
}

pgy_status *px_move_scratch(px_ref_call *c, void **out, int64_t n, size_t elem)
{
    /* The arena clears what it gives, so an absurd count would touch memory that is not there. */
    pgy_status *st = px_move_check_room(c, 1, &n, elem);
    *out = st ? NULL : px_arena_calloc(c->scratch, (size_t)PX_MAX(n, 1), elem);
    return st ? st : *out ? NULL : px_status_nomem();
}

pgy_status *px_move_out_f64(px_ref_call *c, size_t i, pgy_dtype declared, int rank,
                            const int64_t *dims, void **out_data)
{
    if (px_ref_storage(declared) != PGY_DTYPE_F64)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "the operands are %s where floats are wanted",
                           pgy_dtype_name(declared));
    return px_ref_out(c, i, declared, rank, dims, out_data);
}

static pgy_status *strings_of(px_ref_call *c, int rank, const int64_t *dims, void **out_data)
{
    int64_t count;
    if (!px_shape_count(rank, dims, &count))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "The output's shape is negative or too large");
    return px_move_scratch(c, out_data, count, sizeof(pgy_string));
}

pgy_status *px_move_new(px_ref_call *c, pgy_dtype declared, int rank, const int64_t *dims,
                        px_ref_value *out, void **out_data)
{
    pgy_status *st = NULL;
    px_ref_value v = {.kind = PX_REF_TENSOR, .dtype = declared};
    /* The string tensor made here only carries the shape until px_move_new_done. */
    if (declared == PGY_DTYPE_STRING)
        PX_TRY(strings_of(c, rank, dims, out_data));
    PX_TRY(
        px_ref_pool_tensor(&c->frame->session->pool, px_ref_storage(declared), rank, dims, &v.t));
    if (declared != PGY_DTYPE_STRING)
        *out_data = v.t->data;
    *out = v;
done:
    return st;
}

pgy_status *px_move_new_done(px_ref_value *v, void *data)
{
    if (v->dtype != PGY_DTYPE_STRING)
        return NULL;
    pgy_tensor *t = NULL;
    pgy_status *st = px_tensor_new_strings(v->t->rank, v->t->dims, data, &t);
    if (!st) {
        pgy_tensor_free(v->t);
        v->t = t;
    }
    return st;
}

pgy_status *px_move_own_strings(px_ref_call *c, size_t i)
{
    const pgy_tensor *y = c->out[i].t;
    pgy_tensor *copy = NULL;
    if (y->dtype != PGY_DTYPE_STRING)
        return NULL;
    pgy_status *st = px_tensor_new_strings(y->rank, y->dims, y->data, &copy);
    if (!st)
        px_ref_out_take(
            c, i, (px_ref_value){.kind = PX_REF_TENSOR, .dtype = PGY_DTYPE_STRING, .t = copy});
    return st;
}

static pgy_status *join_shape(px_ref_call *c, const px_ref_value *items, size_t n, int64_t axis,
                              bool is_new, int *out_rank, int64_t *dims, int *out_axis)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = items[0].t;
    for (size_t i = 0; i < n; i++) {
        const pgy_tensor *t = items[i].t;
        if (items[i].kind != PX_REF_TENSOR || t->dtype != x->dtype || t->rank != x->rank)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "Item %zu is no tensor or differs from the first in element type or "
                               "rank",
                               i));
    }
    int rank = x->rank + is_new, at;
    if (rank > PX_MAX_RANK)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The joined tensor has rank %d", rank));
    PX_TRY(px_ref_axis(c, axis, rank, &at));
    for (int k = 0; k < rank; k++)
        dims[k] = k == at ? 0 : x->dims[is_new && k > at ? k - 1 : k];
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < rank; k++) {
            int64_t d = is_new && k == at ? 1 : items[i].t->dims[is_new && k > at ? k - 1 : k];
            if (k != at && d != dims[k])
                PX_TRY(
                    PX_REF_FAIL(c, PGY_ERR_MODEL, "Item %zu has another shape than the first", i));
            if (k == at && __builtin_add_overflow(dims[k], d, &dims[k]))
                PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The joined tensor is too large"));
        }
    *out_rank = rank;
    *out_axis = at;
done:
    return st;
}

pgy_status *px_move_join(px_ref_call *c, const px_ref_value *items, size_t n, int64_t axis,
                         bool is_new, bool is_reversed, px_ref_value *out)
{
    pgy_status *st = NULL;
    px_ref_value v = {0};
    int64_t dims[PX_MAX_RANK];
    int rank, at;
    void *y;
    PX_TRY(join_shape(c, items, n, axis, is_new, &rank, dims, &at));
    PX_TRY(px_move_new(c, items[0].dtype, rank, dims, &v, &y));
    if (px_move_span(dims, 0, rank) > 0) {
        size_t inner = (size_t)px_move_span(dims, at + 1, rank) * px_move_elem(items[0].t);
        size_t row = (size_t)dims[at] * inner, to = 0;
        int64_t outer = px_move_span(dims, 0, at);
        for (size_t i = 0; i < n; i++) {
            const pgy_tensor *t = items[is_reversed ? n - 1 - i : i].t;
            size_t run = is_new ? inner : (size_t)t->dims[at] * inner;
            for (int64_t o = 0; run > 0 && o < outer; o++)
                memcpy((uint8_t *)y + (size_t)o * row + to,
                       (const uint8_t *)t->data + (size_t)o * run, run);
            to += run;
        }
    }
    PX_TRY(px_move_new_done(&v, y));
    *out = v;
    v = (px_ref_value){0};
done:
    px_ref_value_free(&v);
    return st;
}

pgy_status *px_move_part(px_ref_call *c, const px_ref_value *x, int axis, int64_t at, int64_t n,
                         bool keep, px_ref_value *out)
{
    pgy_status *st = NULL;
    px_ref_value v = {0};
    const pgy_tensor *t = x->t;
    int64_t dims[PX_MAX_RANK] = {0};
    int rank = 0;
    void *y;
    for (int k = 0; k < t->rank; k++)
        if (k != axis || keep)
            dims[rank++] = k == axis ? n : t->dims[k];
    PX_TRY(px_move_new(c, x->dtype, rank, dims, &v, &y));
    if (px_move_span(dims, 0, rank) > 0) {
        size_t inner = (size_t)px_move_span(t->dims, axis + 1, t->rank) * px_move_elem(t);
        int64_t outer = px_move_span(t->dims, 0, axis);
        for (int64_t o = 0; o < outer; o++)
            memcpy((uint8_t *)y + (size_t)(o * n) * inner,
                   (const uint8_t *)t->data + (size_t)(o * t->dims[axis] + at) * inner,
                   (size_t)n * inner);
    }
    PX_TRY(px_move_new_done(&v, y));
    *out = v;
    v = (px_ref_value){0};
done:
    px_ref_value_free(&v);
    return st;
}

pgy_status *px_move_in_rank(px_ref_call *c, size_t i, int lo, int hi, const pgy_tensor **out)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    PX_TRY(px_ref_in(c, i, &t));
    if (t->rank < lo || t->rank > hi)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu has rank %d, wanted is %d to %d", i,
                           t->rank, lo, hi));
    *out = t;
done:
    return st;
}

pgy_status *px_move_in_int(px_ref_call *c, size_t i, int64_t *out)
{
    pgy_status *st = NULL;
    const int64_t *v;
    size_t n;
    PX_TRY(px_ref_in_ints(c, i, &v, &n));
    if (n != 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu holds %zu elements, wanted is 1", i, n));
    *out = v[0];
done:
    return st;
}

pgy_status *px_move_in_number(px_ref_call *c, size_t i, double *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    PX_TRY(px_ref_in_f64(c, i, &t));
    if (t->count != 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu holds %lld elements, wanted is 1", i,
                           (long long)t->count));
    *out = *(const double *)t->data;
done:
    return st;
}

pgy_status *px_move_axes(px_ref_call *c, size_t i, const char *name, int rank, bool *out_given,
                         int *out, size_t *out_n)
{
    pgy_status *st = NULL;
    const int64_t *axes = NULL;
    size_t n = 0;
    *out_given = i == SIZE_MAX ? px_ref_attr_ints(c, name, &axes, &n) : px_ref_has(c, i);
    if (!*out_given)
        goto done;
    if (i != SIZE_MAX)
        PX_TRY(px_ref_in_ints(c, i, &axes, &n));
    for (size_t k = 0; k < n; k++) {
        int axis;
        PX_TRY(px_ref_axis(c, axes[k], rank, &axis));
    }
    if (!px_geo_axes(axes, n, rank, out))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "An axis is named twice in %s", name));
    *out_n = n;
done:
    return st;
}

pgy_status *px_move_attr_dtype(px_ref_call *c, const char *name, pgy_dtype otherwise,
                               pgy_dtype *out)
{
    int64_t v = px_ref_attr_i(c, name, otherwise);
    if (v <= PGY_DTYPE_UNKNOWN || v >= PGY_DTYPE_COUNT)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "Attribute %s is %lld, which is no element type", name,
                           (long long)v);
    *out = (pgy_dtype)v;
    return NULL;
}

void px_move_sort(int64_t *order, int64_t *tmp, int64_t n,
                  bool (*less)(const void *arg, int64_t a, int64_t b), const void *arg)
{
    int64_t in_order = 1;
    while (in_order < n && !less(arg, order[in_order], order[in_order - 1]))
        in_order++;
    if (in_order >= n) /* as most files list things */
        return;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t lo = 0; lo < n; lo += 2 * width) {
            int64_t mid = PX_MIN(lo + width, n), hi = PX_MIN(lo + 2 * width, n);
            int64_t a = lo, b = mid, k = lo;
            while (a < mid || b < hi) {
                /* The right one goes first only when strictly smaller: stable. */
                bool right = a >= mid || (b < hi && less(arg, order[b], order[a]));
                tmp[k++] = right ? order[b++] : order[a++];
            }
        }
        memcpy(order, tmp, (size_t)n * sizeof *order);
    }
}

static int compare_f64(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (int)isnan(a) - (int)isnan(b);
    return (a > b) - (a < b);
}

#define COMPARE_AS(type)                                                                           \
    do {                                                                                           \
        type x = *(const type *)a, y = *(const type *)b;                                           \
        return (x > y) - (x < y);                                                                  \
    } while (0)

int px_move_compare(pgy_dtype stored, const void *a, const void *b)
{
    switch (stored) {
    case PGY_DTYPE_F64:
        return compare_f64(*(const double *)a, *(const double *)b);
    case PGY_DTYPE_C128: {
        const double *x = a, *y = b;
        int re = compare_f64(x[0], y[0]);
        return re ? re : compare_f64(x[1], y[1]);
    }
    case PGY_DTYPE_STRING: {
        const pgy_string *x = a, *y = b;
        size_t n = PX_MIN(x->len, y->len);
        int d = n ? memcmp(x->ptr, y->ptr, n) : 0;
        return d ? (d > 0) - (d < 0) : (x->len > y->len) - (x->len < y->len);
    }
    case PGY_DTYPE_I8:
        COMPARE_AS(int8_t);
    case PGY_DTYPE_I16:
        COMPARE_AS(int16_t);
    case PGY_DTYPE_I32:
        COMPARE_AS(int32_t);
    case PGY_DTYPE_I64:
        COMPARE_AS(int64_t);
    case PGY_DTYPE_U16:
        COMPARE_AS(uint16_t);
    case PGY_DTYPE_U32:
        COMPARE_AS(uint32_t);
    case PGY_DTYPE_U64:
        COMPARE_AS(uint64_t);
    default: /* U8, BOOL */
        COMPARE_AS(uint8_t);
    }
}
