/* backend/ref/op/elem.c - see elem.h.
 *
 * Dims of size 1 are dropped and neighbouring dims merged where every input's strides allow it,
 * so that the usual cases (same shape, scalar, per-row and per-channel operands) end as one or two
 * dims; the innermost one is the run that a row function sees.
 */
#include "backend/ref/op/elem.h"

#include <assert.h>

#define GRAIN 8192 /* elements per piece of work */

typedef struct job {
    const px_elem *e;
    int rank;
    int64_t dims[PX_MAX_RANK];
    int64_t strides[PX_ELEM_MAX][PX_MAX_RANK];
    char *out;
    size_t out_size;
    px_elem_row row;
    const void *arg;
} job;

static void merge_dims(const px_elem *e, job *j)
{
    int r = 0;
    for (int d = 0; d < e->rank; d++) {
        if (e->dims[d] == 1)
            continue;
        bool joins = r > 0;
        for (size_t k = 0; k < e->n_in && joins; k++)
            joins = j->strides[k][r - 1] == e->strides[k][d] * e->dims[d];
        if (joins) {
            j->dims[r - 1] *= e->dims[d];
            for (size_t k = 0; k < e->n_in; k++)
                j->strides[k][r - 1] = e->strides[k][d];
            continue;
        }
        j->dims[r] = e->dims[d];
        for (size_t k = 0; k < e->n_in; k++)
            j->strides[k][r] = e->strides[k][d];
        r++;
    }
    if (r == 0) {
        j->dims[0] = 1;
        for (size_t k = 0; k < e->n_in; k++)
            j->strides[k][0] = 1;
        r = 1;
    }
    j->rank = r;
}

static void run_range(void *arg, int64_t begin, int64_t end)
{
    const job *j = arg;
    const px_elem *e = j->e;
    const int last = j->rank - 1;
    int64_t index[PX_MAX_RANK];
    int64_t offset[PX_ELEM_MAX] = {0};

    int64_t rest = begin;
    for (int d = last; d >= 0; d--) {
        index[d] = rest % j->dims[d];
        rest /= j->dims[d];
        for (size_t k = 0; k < e->n_in; k++)
            offset[k] += index[d] * j->strides[k][d];
    }
    while (begin < end) {
        px_elem_run r = {.arg = j->arg};
        r.n = PX_MIN(j->dims[last] - index[last], end - begin);
        r.out = j->out + (size_t)begin * j->out_size;
        for (size_t k = 0; k < e->n_in; k++) {
            r.in[k] = (const char *)e->data[k] + offset[k] * (ptrdiff_t)e->size[k];
            r.step[k] = (ptrdiff_t)j->strides[k][last];
        }
        j->row(&r);
        begin += r.n;
        for (size_t k = 0; k < e->n_in; k++)
            offset[k] -= index[last] * j->strides[k][last];
        index[last] = 0; /* a run ends at the end of the innermost dim, or the range is done */
        for (int d = last - 1; d >= 0; d--) {
            for (size_t k = 0; k < e->n_in; k++)
                offset[k] += j->strides[k][d];
            if (++index[d] < j->dims[d])
                break;
            for (size_t k = 0; k < e->n_in; k++)
                offset[k] -= j->dims[d] * j->strides[k][d];
            index[d] = 0;
        }
    }
}

void px_elem_apply(const px_elem *e, void *out, size_t out_size, px_elem_row row, const void *arg)
{
    job j = {.e = e, .out = out, .out_size = out_size, .row = row, .arg = arg};
    if (e->count == 0)
        return;
    merge_dims(e, &j);
    px_parallel_for(e->cx, e->count, GRAIN, run_range, &j);
}

static pgy_status *take_inputs(px_ref_call *c, px_elem *e, size_t first, size_t n)
{
    pgy_status *st = NULL;
    assert(n <= PX_ELEM_MAX);
    e->n_in = n;
    e->cx = c->cx;
    for (size_t k = 0; k < n; k++) {
        PX_TRY(px_ref_in(c, first + k, &e->t[k]));
        e->data[k] = e->t[k]->data;
        e->size[k] = (size_t)pgy_dtype_bits(e->t[k]->dtype) / 8;
    }
done:
    return st;
}

static pgy_status *count_dims(px_ref_call *c, px_elem *e)
{
    if (!px_shape_count(e->rank, e->dims, &e->count))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "the broadcast shape has too many elements");
    return NULL;
}

pgy_status *px_elem_init(px_ref_call *c, px_elem *e, size_t first, size_t n)
{
    pgy_status *st = NULL;
    PX_TRY(take_inputs(c, e, first, n));
    PX_TRY(px_ref_broadcast(c, n, e->t, &e->rank, e->dims));
    for (size_t k = 0; k < n; k++)
        px_ref_broadcast_strides(e->t[k], e->rank, e->dims, e->strides[k]);
    PX_TRY(count_dims(c, e));
done:
    return st;
}

pgy_status *px_elem_init_legacy(px_ref_call *c, px_elem *e)
{
    pgy_status *st = NULL;
    PX_TRY(take_inputs(c, e, 0, 2));
    const pgy_tensor *a = e->t[0], *b = e->t[1];
    e->rank = a->rank;
    memcpy(e->dims, a->dims, (size_t)a->rank * sizeof *a->dims);
    px_ref_broadcast_strides(a, e->rank, e->dims, e->strides[0]);
    memset(e->strides[1], 0, sizeof e->strides[1]);
    PX_TRY(count_dims(c, e));
    const bool same = px_shape_eq(a->rank, a->dims, b->rank, b->dims);
    if (!same && px_ref_attr_i(c, "broadcast", 0) == 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "the inputs' shapes differ and attribute broadcast is not 1"));
    if (!same && b->count == 1)
        goto done; /* strides 0: a scalar */
    if (b->rank > a->rank)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "the second input has more dims (%d) than the first (%d)", b->rank,
                           a->rank));
    int64_t axis = a->rank - b->rank;
    if (!same && px_ref_attr(c, "axis") != NULL) {
        axis = px_ref_attr_i(c, "axis", 0);
        if (axis < 0)
            axis += a->rank;
    }
    if (axis < 0 || axis > a->rank - b->rank)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "attribute axis (%lld) leaves no room for the second input",
                           (long long)axis));
    int64_t stride = 1;
    for (int d = b->rank - 1; d >= 0; d--) {
        if (b->dims[d] != a->dims[axis + d] && b->dims[d] != 1)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "dim %d of the second input is %lld, the first input has %lld there",
                               d, (long long)b->dims[d], (long long)a->dims[axis + d]));
        e->strides[1][axis + d] = b->dims[d] == 1 ? 0 : stride;
        stride *= b->dims[d];
    }
done:
    return st;
}

pgy_status *px_elem_out(px_ref_call *c, const px_elem *e, size_t i, pgy_dtype declared, void **out)
{
    const pgy_dtype storage = px_ref_storage(declared);
    for (size_t k = 0; k < e->n_in; k++) {
        const pgy_tensor *t = e->t[k];
        size_t input = 0;
        while (input < c->n_in && c->in[input].t != t)
            input++;
        if (input < c->n_in && t->dtype == storage && storage != PGY_DTYPE_STRING &&
            px_shape_eq(t->rank, t->dims, e->rank, e->dims) && !px_ref_in_is_constant(c, input))
            return px_ref_out_like(c, i, input, declared, out);
    }
    return px_ref_out(c, i, declared, e->rank, e->dims, out);
}

pgy_status *px_elem_same_type(px_ref_call *c, const px_elem *e, size_t k)
{
    if (e->t[0]->dtype == e->t[k]->dtype)
        return NULL;
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "element types of the inputs differ: %s and %s",
                       pgy_dtype_name(e->t[0]->dtype), pgy_dtype_name(e->t[k]->dtype));
}

pgy_status *px_elem_bad_type(const px_ref_call *c, size_t input)
{
    return PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED, "element type %s of input %zu is not one it takes",
                       pgy_dtype_name(c->in[input].dtype), input);
}

int px_numeric_index(pgy_dtype storage)
{
    switch (storage) {
    case PGY_DTYPE_F64:
        return 0;
    case PGY_DTYPE_I8:
        return 1;
    case PGY_DTYPE_I16:
        return 2;
    case PGY_DTYPE_I32:
        return 3;
    case PGY_DTYPE_I64:
        return 4;
    case PGY_DTYPE_U8:
        return 5;
    case PGY_DTYPE_U16:
        return 6;
    case PGY_DTYPE_U32:
        return 7;
    case PGY_DTYPE_U64:
        return 8;
    default:
        return -1;
    }
}

pgy_status *px_elem_unary(px_ref_call *c, const px_elem_row *rows, const void *arg)
{
    pgy_status *st = NULL;
    px_elem e;
    void *out;

    PX_TRY(px_elem_init(c, &e, 0, 1));
    const int type = px_numeric_index(px_elem_storage(&e, 0));
    if (type < 0 || rows[type] == NULL)
        PX_TRY(px_elem_bad_type(c, 0));
    PX_TRY(px_elem_out(c, &e, 0, c->in[0].dtype, &out));
    px_elem_apply(&e, out, e.size[0], rows[type], arg);
done:
    return st;
}

pgy_status *px_elem_map(px_ref_call *c, px_elem_row row, const void *arg)
{
    const px_elem_row rows[PX_N_NUMERIC] = {row};
    return px_elem_unary(c, rows, arg);
}
