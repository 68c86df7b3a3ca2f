/* backend/ref/op/axis.c - operators along one axis: ArgMax, ArgMin, CumSum, CumProd, TopK.
 *
 * Every tensor is [outer, n, inner] here, n the extent of the axis.
 * ArgMax and ArgMin: the first NaN wins, as in numpy. CumSum of floats is compensated (Neumaier),
 * of integers it wraps. TopK orders by value, then by index; NaN counts as greater than everything;
 * the result is sorted also with sorted = 0, which leaves the order open.
 */
#include "backend/ref/op/elem.h"
#include "backend/ref/op/sum.h"

#include <math.h>
#include <stdatomic.h>

#define CHUNK 256  /* columns side by side */
#define WORK 16384 /* elements per piece of parallel work, about */

typedef struct layout {
    int64_t outer, n, inner;
    int64_t n_pieces; /* pieces of CHUNK columns in `inner` */
} layout;

static layout layout_of(const pgy_tensor *x, int axis)
{
    layout l = {.outer = 1, .n = 1, .inner = 1};
    for (int d = 0; d < x->rank; d++) {
        int64_t *extent = d < axis ? &l.outer : d == axis ? &l.n : &l.inner;
        *extent *= x->dims[d];
    }
    l.n_pieces = (l.inner + CHUNK - 1) / CHUNK;
    return l;
}

static int64_t units_per_job(const layout *l)
{
    if (l->n > WORK)
        return 1;
    return PX_MAX(1, WORK / PX_MAX(1, l->n * PX_MIN(CHUNK, l->inner)));
}

/* Integers of any width as I64 (a U64 keeps its bits). */
static pgy_status *as_i64(px_ref_call *c, const pgy_tensor *x, const void **out)
{
    if (pgy_dtype_bits(x->dtype) == 64) {
        *out = x->data;
        return NULL;
    }
    int64_t *converted = px_arena_calloc(c->scratch, PX_MAX((size_t)x->count, (size_t)1), 8);
    if (converted == NULL)
        return px_status_nomem();
    px_convert(PGY_DTYPE_I64, converted, x->dtype, x->data, 0, x->count);
    *out = converted;
    return NULL;
}

/* --- ArgMax, ArgMin --- */

typedef struct arg_job {
    layout l;
    const void *x;
    int64_t *out;
    bool is_min, last;
} arg_job;

#define ARG_COLUMNS(name, T, BETTER, SAME)                                                         \
    static void name(void *arg, int64_t begin, int64_t end)                                        \
    {                                                                                              \
        const arg_job *j = arg;                                                                    \
        const layout *l = &j->l;                                                                   \
        T best[CHUNK];                                                                             \
        for (int64_t unit = begin; unit < end; unit++) {                                           \
            const int64_t outer = unit / l->n_pieces, first = unit % l->n_pieces * CHUNK;          \
            const int64_t m = PX_MIN(CHUNK, l->inner - first);                                     \
            const T *x = (const T *)j->x + outer * l->n * l->inner + first;                        \
            int64_t *index = j->out + outer * l->inner + first;                                    \
            memcpy(best, x, (size_t)m * sizeof *best);                                             \
            memset(index, 0, (size_t)m * sizeof *index);                                           \
            for (int64_t k = 1; k < l->n; k++)                                                     \
                for (int64_t i = 0; i < m; i++) {                                                  \
                    const T v = x[k * l->inner + i], b = best[i];                                  \
                    if ((j->is_min ? BETTER(b, v) : BETTER(v, b)) || (j->last && SAME(v, b))) {    \
                        best[i] = v;                                                               \
                        index[i] = k;                                                              \
                    }                                                                              \
                }                                                                                  \
        }                                                                                          \
    }
#define GREATER(a, b) ((a) > (b))
#define EQUAL(a, b) ((a) == (b))
ARG_COLUMNS(arg_i64, int64_t, GREATER, EQUAL)
ARG_COLUMNS(arg_u64, uint64_t, GREATER, EQUAL)

/* NaN beats every number in both directions: (v NaN, best not) is tested apart from the order. */
static void arg_f64(void *arg, int64_t begin, int64_t end)
{
    const arg_job *j = arg;
    const layout *l = &j->l;
    double best[CHUNK];
    for (int64_t unit = begin; unit < end; unit++) {
        const int64_t outer = unit / l->n_pieces, first = unit % l->n_pieces * CHUNK;
        const int64_t m = PX_MIN(CHUNK, l->inner - first);
        const double *x = (const double *)j->x + outer * l->n * l->inner + first;
        int64_t *index = j->out + outer * l->inner + first;
        memcpy(best, x, (size_t)m * sizeof *best);
        memset(index, 0, (size_t)m * sizeof *index);
        for (int64_t k = 1; k < l->n; k++)
            for (int64_t i = 0; i < m; i++) {
                const double v = x[k * l->inner + i], b = best[i];
                const bool wins = (j->is_min ? v < b : v > b) || (j->last && v == b) ||
                                  (v != v && (b == b || j->last));
                if (wins) {
                    best[i] = v;
                    index[i] = k;
                }
            }
    }
}

static pgy_status *run_arg(px_ref_call *c, bool is_min)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int axis = 0, rank = 0;
    int64_t dims[PX_MAX_RANK];
    void *out;
    arg_job j = {.is_min = is_min, .last = px_ref_attr_i(c, "select_last_index", 0) != 0};

    PX_TRY(px_ref_in(c, 0, &x));
    if (px_numeric_index(x->dtype) < 0)
        PX_TRY(px_elem_bad_type(c, 0));
    const int64_t given = px_ref_attr_i(c, "axis", 0);
    if (x->rank > 0 || given < -1 || given > 0) /* a scalar counts as one element */
        PX_TRY(px_ref_axis(c, given, x->rank, &axis));
    const bool keep = px_ref_attr_i(c, "keepdims", 1) != 0;
    for (int d = 0; d < x->rank; d++)
        if (d != axis)
            dims[rank++] = x->dims[d];
        else if (keep)
            dims[rank++] = 1;
    j.l = layout_of(x, axis);
    if (j.l.n == 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "axis %d has no elements to choose from", axis));
    j.x = x->data;
    if (x->dtype != PGY_DTYPE_F64)
        PX_TRY(as_i64(c, x, &j.x));
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_I64, rank, dims, &out));
    j.out = out;
    if (x->count > 0)
        px_parallel_for(c->cx, j.l.outer * j.l.n_pieces, units_per_job(&j.l),
                        x->dtype == PGY_DTYPE_F64   ? arg_f64
                        : x->dtype == PGY_DTYPE_U64 ? arg_u64
                                                    : arg_i64,
                        &j);
done:
    return st;
}

static pgy_status *k_arg_max(px_ref_call *c)
{
    return run_arg(c, false);
}

static pgy_status *k_arg_min(px_ref_call *c)
{
    return run_arg(c, true);
}

/* --- CumSum, CumProd --- */

typedef struct scan_job {
    layout l;
    const void *x;
    void *out;
    bool is_product, exclusive, reverse;
} scan_job;

static void scan_f64(void *arg, int64_t begin, int64_t end)
{
    const scan_job *j = arg;
    const layout *l = &j->l;
    double s[CHUNK], c[CHUNK];
    for (int64_t unit = begin; unit < end; unit++) {
        const int64_t outer = unit / l->n_pieces, first = unit % l->n_pieces * CHUNK;
        const int64_t m = PX_MIN(CHUNK, l->inner - first);
        for (int64_t i = 0; i < m; i++) {
            s[i] = j->is_product ? 1.0 : 0.0;
            c[i] = 0.0;
        }
        for (int64_t k = 0; k < l->n; k++) {
            const int64_t row = j->reverse ? l->n - 1 - k : k;
            const int64_t at = (outer * l->n + row) * l->inner + first;
            const double *x = (const double *)j->x + at;
            double *out = (double *)j->out + at;
            for (int64_t i = 0; i < m; i++) {
                const double v = x[i]; /* before it may be overwritten */
                if (j->exclusive)
                    out[i] = px_acc_value(s[i], c[i]);
                if (j->is_product) {
                    s[i] *= v;
                } else {
                    px_acc acc = {s[i], c[i]};
                    px_acc_add(&acc, v);
                    s[i] = acc.s;
                    c[i] = acc.c;
                }
                if (!j->exclusive)
                    out[i] = px_acc_value(s[i], c[i]);
            }
        }
    }
}

static void scan_i64(const scan_job *j)
{
    const layout *l = &j->l;
    const uint64_t *x = j->x;
    uint64_t *out = j->out;
    for (int64_t o = 0; o < l->outer; o++)
        for (int64_t i = 0; i < l->inner; i++) {
            uint64_t acc = j->is_product ? 1 : 0;
            for (int64_t k = 0; k < l->n; k++) {
                const int64_t row = j->reverse ? l->n - 1 - k : k;
                const int64_t at = (o * l->n + row) * l->inner + i;
                const uint64_t before = acc;
                acc = j->is_product ? acc * x[at] : acc + x[at];
                out[at] = j->exclusive ? before : acc;
            }
        }
}

static pgy_status *run_scan(px_ref_call *c, bool is_product)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const int64_t *given;
    size_t n;
    int axis;
    void *out;
    scan_job j = {.is_product = is_product,
                  .exclusive = px_ref_attr_i(c, "exclusive", 0) != 0,
                  .reverse = px_ref_attr_i(c, "reverse", 0) != 0};

    PX_TRY(px_ref_in(c, 0, &x));
    if (px_numeric_index(x->dtype) < 0)
        PX_TRY(px_elem_bad_type(c, 0));
    PX_TRY(px_ref_in_ints(c, 1, &given, &n));
    if (n != 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the axis has %zu elements; a scalar is wanted", n));
    PX_TRY(px_ref_axis(c, given[0], x->rank, &axis));
    j.l = layout_of(x, axis);
    const pgy_dtype storage = x->dtype;
    const int64_t count = x->count;
    j.x = x->data;
    if (storage != PGY_DTYPE_F64)
        PX_TRY(as_i64(c, x, &j.x));
    PX_TRY(px_ref_out_like(c, 0, 0, c->in[0].dtype, &out));
    if (count == 0)
        goto done;
    j.out = out;
    if (storage == PGY_DTYPE_F64) {
        px_parallel_for(c->cx, j.l.outer * j.l.n_pieces, units_per_job(&j.l), scan_f64, &j);
        goto done;
    }
    if (pgy_dtype_bits(storage) < 64)
        j.out = (void *)j.x; /* converted, in scratch: element by element in place */
    scan_i64(&j);
    if (j.out != out)
        px_convert(storage, out, PGY_DTYPE_I64, j.out, 0, count);
done:
    return st;
}

static pgy_status *k_cum_sum(px_ref_call *c)
{
    return run_scan(c, false);
}

static pgy_status *k_cum_prod(px_ref_call *c)
{
    return run_scan(c, true);
}

/* --- TopK --- */

typedef struct entry {
    uint64_t key; /* the smaller the better */
    int64_t index;
} entry;

typedef struct top_job {
    layout l;
    int64_t k;
    const void *x;      /* as stored */
    const uint64_t *as; /* 64-bit form: doubles, I64 or U64 */
    pgy_dtype storage;
    size_t size;
    bool largest;
    char *values;
    int64_t *indices;
    atomic_bool out_of_memory;
} top_job;

static inline uint64_t key_of(const top_job *j, uint64_t bits)
{
    const uint64_t sign = UINT64_C(1) << 63;
    uint64_t key = bits;
    if (j->storage == PGY_DTYPE_F64) {
        double v;
        memcpy(&v, &bits, sizeof v);
        v += 0.0; /* -0 equals +0 */
        memcpy(&key, &v, sizeof v);
        key = isnan(v) ? UINT64_MAX : key & sign ? ~key : key | sign;
    } else if (j->storage != PGY_DTYPE_U64) {
        key ^= sign;
    }
    return j->largest ? ~key : key;
}

static inline bool worse(const entry *a, const entry *b)
{
    return a->key != b->key ? a->key > b->key : a->index > b->index;
}

/* Restores the heap (the worst on top) below `at`. */
static void sift_down(entry *heap, int64_t n, int64_t at)
{
    const entry moved = heap[at];
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= n)
            break;
        if (child + 1 < n && worse(&heap[child + 1], &heap[child]))
            child++;
        if (!worse(&heap[child], &moved))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* The k best of n elements at distance `step`, best first, in `heap`. */
static void top_of(const top_job *j, const uint64_t *x, int64_t step, entry *heap)
{
    const int64_t k = j->k;
    for (int64_t i = 0; i < k; i++)
        heap[i] = (entry){key_of(j, x[i * step]), i};
    for (int64_t i = k / 2 - 1; i >= 0; i--)
        sift_down(heap, k, i);
    for (int64_t i = k; i < j->l.n; i++) {
        const entry e = {key_of(j, x[i * step]), i};
        if (worse(&heap[0], &e)) {
            heap[0] = e;
            sift_down(heap, k, 0);
        }
    }
    for (int64_t n = k - 1; n > 0; n--) {
        const entry last = heap[0];
        heap[0] = heap[n];
        heap[n] = last;
        sift_down(heap, n, 0);
    }
}

static void top_rows(void *arg, int64_t begin, int64_t end)
{
    top_job *j = arg;
    const layout *l = &j->l;
    entry *heap = px_mem_alloc((size_t)j->k * sizeof *heap);
    if (heap == NULL) {
        atomic_store(&j->out_of_memory, true);
        return;
    }
    for (int64_t row = begin; row < end; row++) {
        const int64_t outer = row / l->inner, inner = row % l->inner;
        const int64_t from = outer * l->n * l->inner + inner;
        const int64_t to = outer * j->k * l->inner + inner;
        top_of(j, j->as + from, l->inner, heap);
        for (int64_t i = 0; i < j->k; i++) {
            const int64_t at = to + i * l->inner;
            if (j->indices != NULL)
                j->indices[at] = heap[i].index;
            if (j->values != NULL)
                memcpy(j->values + (size_t)at * j->size,
                       (const char *)j->x + (size_t)(from + heap[i].index * l->inner) * j->size,
                       j->size);
        }
    }
    px_mem_free(heap);
}

static pgy_status *top_k(px_ref_call *c, int64_t k)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const void *as = NULL;
    int axis;
    int64_t dims[PX_MAX_RANK];
    void *values = NULL, *indices = NULL;

    PX_TRY(px_ref_in(c, 0, &x));
    if (px_numeric_index(x->dtype) < 0)
        PX_TRY(px_elem_bad_type(c, 0));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", -1), x->rank, &axis));
    if (k < 0 || k > x->dims[axis])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "k is %lld, axis %d has %lld elements", (long long)k,
                           axis, (long long)x->dims[axis]));
    PX_TRY(as_i64(c, x, &as));
    memcpy(dims, x->dims, (size_t)x->rank * sizeof *dims);
    dims[axis] = k;
    if (px_ref_wants(c, 0))
        PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, dims, &values));
    if (px_ref_wants(c, 1))
        PX_TRY(px_ref_out(c, 1, PGY_DTYPE_I64, x->rank, dims, &indices));
    top_job j = {.l = layout_of(x, axis),
                 .k = k,
                 .x = x->data,
                 .as = as,
                 .storage = x->dtype,
                 .size = (size_t)pgy_dtype_bits(x->dtype) / 8,
                 .largest = px_ref_attr_i(c, "largest", 1) != 0,
                 .values = values,
                 .indices = indices};
    if (k > 0 && x->count > 0)
        px_parallel_for(c->cx, j.l.outer * j.l.inner, PX_MAX(1, WORK / j.l.n), top_rows, &j);
    if (atomic_load(&j.out_of_memory))
        PX_TRY(px_status_nomem());
done:
    return st;
}

static pgy_status *k_top_k_attr(px_ref_call *c)
{
    return top_k(c, px_ref_attr_i(c, "k", -1));
}

static pgy_status *k_top_k(px_ref_call *c)
{
    pgy_status *st = NULL;
    const int64_t *k;
    size_t n;
    PX_TRY(px_ref_in_ints(c, 1, &k, &n));
    if (n != 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "input 1 (k) has %zu elements; one is wanted", n));
    PX_TRY(top_k(c, k[0]));
done:
    return st;
}

#define ARG(name, since, kernel)                                                                   \
    {                                                                                              \
        "", name, since, 1, 1, 1, 1, kernel                                                        \
    }

static const px_ref_op ops[] = {
    ARG("ArgMax", 1, k_arg_max),
    ARG("ArgMax", 11, k_arg_max),
    ARG("ArgMax", 12, k_arg_max),
    ARG("ArgMax", 13, k_arg_max),
    ARG("ArgMin", 1, k_arg_min),
    ARG("ArgMin", 11, k_arg_min),
    ARG("ArgMin", 12, k_arg_min),
    ARG("ArgMin", 13, k_arg_min),
    {"", "CumSum", 11, 2, 2, 1, 1, k_cum_sum},
    {"", "CumSum", 14, 2, 2, 1, 1, k_cum_sum},
    {"", "CumProd", 26, 2, 2, 1, 1, k_cum_prod},
    {"", "TopK", 1, 1, 1, 2, 2, k_top_k_attr},
    {"", "TopK", 10, 2, 2, 2, 2, k_top_k},
    {"", "TopK", 11, 2, 2, 2, 2, k_top_k},
    {"", "TopK", 24, 2, 2, 2, 2, k_top_k},
};

const px_ref_family px_ref_family_axis = {ops, PX_COUNTOF(ops)};
