/* backend/ref/op/scatter.c - operators that write updates into a copy of the data: ScatterElements
 * (and its old name Scatter), ScatterND, TensorScatter.
 *
 * Updates are applied in row-major order of the indices, so with duplicate indices and no
 * reduction the last one stands.
 */
#include "backend/ref/op/move.h"

typedef enum reduction { REDUCE_NONE, REDUCE_ADD, REDUCE_MUL, REDUCE_MAX, REDUCE_MIN } reduction;

static pgy_status *reduction_of(px_ref_call *c, const pgy_tensor *x, reduction *out)
{
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    px_str name = px_ref_attr_s(c, "reduction", "none");
    for (size_t i = 0; i < PX_COUNTOF(names); i++) {
        if (!px_str_is(name, names[i]))
            continue;
        if (i != REDUCE_NONE &&
            (x->dtype == PGY_DTYPE_STRING || (x->dtype == PGY_DTYPE_C128 && i >= REDUCE_MAX)))
            return PX_REF_FAIL(c, PGY_ERR_MODEL, "Reduction %s of %s is not defined", names[i],
                               pgy_dtype_name(x->dtype));
        *out = (reduction)i;
        return NULL;
    }
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "Reduction \"%.*s\" is not known", PX_STR_ARG(name));
}

/* Unsigned arithmetic wraps; the types narrower than int are promoted and cut back. */
#define REDUCE_AS(type, wide)                                                                      \
    do {                                                                                           \
        type *d = dst;                                                                             \
        const type *s = src;                                                                       \
        for (int64_t i = 0; i < n; i++)                                                            \
            switch (how) {                                                                         \
            case REDUCE_ADD:                                                                       \
                d[i] = (type)((wide)d[i] + (wide)s[i]);                                            \
                break;                                                                             \
            case REDUCE_MUL:                                                                       \
                d[i] = (type)((wide)d[i] * (wide)s[i]);                                            \
                break;                                                                             \
            case REDUCE_MAX: /* a NaN on either side stays */                                      \
                d[i] = d[i] > s[i] || d[i] != d[i] ? d[i] : s[i];                                  \
                break;                                                                             \
            default:                                                                               \
                d[i] = d[i] < s[i] || d[i] != d[i] ? d[i] : s[i];                                  \
                break;                                                                             \
            }                                                                                      \
    } while (0)

static void reduce_c128(reduction how, double *d, const double *s, int64_t n)
{
    for (int64_t i = 0; i < 2 * n; i += 2) {
        double re = d[i], im = d[i + 1];
        d[i] = how == REDUCE_ADD ? re + s[i] : re * s[i] - im * s[i + 1];
        d[i + 1] = how == REDUCE_ADD ? im + s[i + 1] : re * s[i + 1] + im * s[i];
    }
}

/* dst[i] = how(dst[i], src[i]) for `n` elements. */
static void reduce_into(reduction how, pgy_dtype stored, size_t elem, void *dst, const void *src,
                        int64_t n)
{
    if (how == REDUCE_NONE) {
        memcpy(dst, src, (size_t)n * elem);
        return;
    }
    switch (stored) {
    case PGY_DTYPE_F64:
        REDUCE_AS(double, double);
        break;
    case PGY_DTYPE_C128:
        reduce_c128(how, dst, src, n);
        break;
    case PGY_DTYPE_I8:
        REDUCE_AS(int8_t, int32_t);
        break;
    case PGY_DTYPE_I16:
        REDUCE_AS(int16_t, int32_t);
        break;
    case PGY_DTYPE_I32:
        REDUCE_AS(int32_t, uint32_t);
        break;
    case PGY_DTYPE_I64:
        REDUCE_AS(int64_t, uint64_t);
        break;
    case PGY_DTYPE_U16:
        REDUCE_AS(uint16_t, uint32_t);
        break;
    case PGY_DTYPE_U32:
        REDUCE_AS(uint32_t, uint32_t);
        break;
    case PGY_DTYPE_U64:
        REDUCE_AS(uint64_t, uint64_t);
        break;
    case PGY_DTYPE_BOOL: /* add is or, mul is and */
        for (int64_t i = 0; i < n; i++) {
            uint8_t a = ((uint8_t *)dst)[i], b = ((const uint8_t *)src)[i];
            ((uint8_t *)dst)[i] = how == REDUCE_ADD || how == REDUCE_MAX ? a | b : a & b;
        }
        break;
    default:
        REDUCE_AS(uint8_t, uint32_t);
        break;
    }
}

/* The output as a writable copy of input 0. */
static pgy_status *copy_of_data(px_ref_call *c, const pgy_tensor *x, void **out)
{
    pgy_status *st = NULL;
    PX_TRY(px_ref_out_like(c, 0, 0, c->in[0].dtype, out));
    if (*out != x->data)
        memcpy(*out, x->data, x->size);
done:
    return st;
}

static pgy_status *same_dtype(px_ref_call *c, const pgy_tensor *x, const pgy_tensor *u)
{
    if (x->dtype == u->dtype)
        return NULL;
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "Updates are %s, the data is %s", pgy_dtype_name(u->dtype),
                       pgy_dtype_name(x->dtype));
}

static pgy_status *scatter_elements(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *ix, *u;
    const int64_t *at;
    size_t n_at;
    int64_t strides[PX_MAX_RANK], pos[PX_MAX_RANK] = {0};
    reduction how;
    int axis;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    PX_TRY(px_move_in_rank(c, 1, x->rank, x->rank, &ix));
    PX_TRY(px_ref_in(c, 2, &u));
    PX_TRY(px_ref_in_ints(c, 1, &at, &n_at));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", 0), x->rank, &axis));
    PX_TRY(reduction_of(c, x, &how));
    PX_TRY(same_dtype(c, x, u));
    bool fits = px_shape_eq(ix->rank, ix->dims, u->rank, u->dims);
    for (int i = 0; i < x->rank; i++)
        fits = fits && (i == axis || ix->dims[i] <= x->dims[i]);
    if (!fits)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "Indices and updates must have one shape, within the "
                           "data's along all axes but %d",
                           axis));
    px_move_strides(x->rank, x->dims, strides);
    int64_t size = x->dims[axis];
    /* Checked before the copy, which may take the input's buffer. */
    for (size_t i = 0; i < n_at; i++)
        if (at[i] < -size || at[i] >= size)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Index %lld is outside [-%lld, %lld)",
                               (long long)at[i], (long long)size, (long long)size));
    int rank = x->rank;
    pgy_dtype stored = x->dtype;
    size_t elem = px_move_elem(x);
    int64_t dims[PX_MAX_RANK];
    memcpy(dims, x->dims, (size_t)rank * sizeof *dims);
    PX_TRY(copy_of_data(c, x, &y));
    for (size_t i = 0; i < n_at; i++) {
        int64_t to = (at[i] < 0 ? at[i] + size : at[i]) * strides[axis];
        for (int k = 0; k < rank; k++)
            to += k == axis ? 0 : pos[k] * strides[k];
        reduce_into(how, stored, elem, (uint8_t *)y + (size_t)to * elem,
                    (const uint8_t *)u->data + i * elem, 1);
        for (int k = rank - 1; k >= 0 && ++pos[k] == ix->dims[k]; k--)
            pos[k] = 0;
    }
done:
    return st;
}

static pgy_status *scatter_nd(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *ix, *u;
    const int64_t *at;
    size_t n_at;
    int64_t strides[PX_MAX_RANK], dims[PX_MAX_RANK];
    reduction how;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    PX_TRY(px_move_in_rank(c, 1, 1, PX_MAX_RANK, &ix));
    PX_TRY(px_ref_in(c, 2, &u));
    PX_TRY(px_ref_in_ints(c, 1, &at, &n_at));
    PX_TRY(reduction_of(c, x, &how));
    PX_TRY(same_dtype(c, x, u));
    int rank = x->rank, lead = ix->rank - 1;
    int64_t depth = ix->dims[lead];
    bool fits = depth >= 1 && depth <= rank && u->rank == lead + rank - (int)depth;
    for (int i = 0; fits && i < u->rank; i++)
        fits = u->dims[i] == (i < lead ? ix->dims[i] : x->dims[(int)depth + i - lead]);
    if (!fits)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "Updates do not have the shape that indices and data "
                           "give (index tuples of %lld, data of rank %d)",
                           (long long)depth, rank));
    px_move_strides(rank, x->dims, strides);
    memcpy(dims, x->dims, (size_t)rank * sizeof *dims);
    for (size_t i = 0; i < n_at; i++) {
        int64_t size = dims[i % (size_t)depth];
        if (at[i] < -size || at[i] >= size)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Index %lld is outside [-%lld, %lld)",
                               (long long)at[i], (long long)size, (long long)size));
    }
    int64_t inner = px_move_span(dims, (int)depth, rank);
    pgy_dtype stored = x->dtype;
    size_t elem = px_move_elem(x);
    PX_TRY(copy_of_data(c, x, &y));
    for (int64_t i = 0; inner > 0 && i < (int64_t)n_at / depth; i++) {
        int64_t to = 0;
        for (int64_t k = 0; k < depth; k++) {
            int64_t p = at[i * depth + k];
            to += (p < 0 ? p + dims[k] : p) * strides[k];
        }
        reduce_into(how, stored, elem, (uint8_t *)y + (size_t)to * elem,
                    (const uint8_t *)u->data + (size_t)(i * inner) * elem, inner);
    }
done:
    return st;
}

/* Writes update[.., s, ..] at cache position write_indices[batch] + s. */
static pgy_status *tensor_scatter(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *u;
    const int64_t *write = NULL;
    size_t n_write = 0;
    int64_t dims[PX_MAX_RANK];
    int axis;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 2, PX_MAX_RANK, &x));
    PX_TRY(px_move_in_rank(c, 1, x->rank, x->rank, &u));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", -2), x->rank, &axis));
    PX_TRY(same_dtype(c, x, u));
    if (px_ref_has(c, 2))
        PX_TRY(px_ref_in_ints(c, 2, &write, &n_write));
    px_str mode = px_ref_attr_s(c, "mode", "linear");
    bool circular = px_str_is(mode, "circular"), fits = axis > 0;
    for (int i = 0; i < x->rank; i++)
        fits = fits && (i == axis ? u->dims[i] <= x->dims[i] : u->dims[i] == x->dims[i]);
    if (!fits || (write && n_write != (size_t)x->dims[0]) ||
        (!circular && !px_str_is(mode, "linear")))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "The update, write_indices (one per batch), axis %d "
                           "and mode \"%.*s\" do not fit the cache",
                           axis, PX_STR_ARG(mode)));
    int64_t size = x->dims[axis], n = u->dims[axis];
    for (size_t i = 0; i < n_write; i++)
        if (write[i] < 0 || (circular ? write[i] > INT64_MAX - n : write[i] > size - n))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Write position %lld is outside the cache",
                               (long long)write[i]));
    int rank = x->rank;
    size_t elem = px_move_elem(x);
    memcpy(dims, x->dims, (size_t)rank * sizeof *dims);
    int64_t outer = px_move_span(dims, 0, axis), per_batch = px_move_span(dims, 1, axis);
    size_t run = (size_t)px_move_span(dims, axis + 1, rank) * elem;
    int64_t count = u->count;
    PX_TRY(copy_of_data(c, x, &y));
    for (int64_t o = 0; count > 0 && o < outer; o++)
        for (int64_t s = 0; s < n; s++) {
            int64_t to = (write ? write[o / per_batch] : 0) + s;
            to = circular ? to % size : to;
            memcpy((uint8_t *)y + (size_t)(o * size + to) * run,
                   (const uint8_t *)u->data + (size_t)(o * n + s) * run, run);
        }
done:
    return st;
}

static const px_ref_op rows[] = {
    {"", "Scatter", 9, 3, 3, 1, 1, scatter_elements},
    {"", "ScatterElements", 11, 3, 3, 1, 1, scatter_elements},
    {"", "ScatterND", 11, 3, 3, 1, 1, scatter_nd},
    {"", "TensorScatter", 24, 2, 3, 1, 1, tensor_scatter},
};

const px_ref_family px_ref_family_scatter = {rows, PX_COUNTOF(rows)};
