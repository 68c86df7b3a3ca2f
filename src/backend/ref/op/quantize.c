/* backend/ref/op/quantize.c - QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear.
 *
 * One scale for the tensor, one per index of an axis, or one per block along an axis. The quotient
 * x / y_scale is rounded to the type that the standard computes it in (attribute precision, else
 * y_scale's type) before it is rounded to an integer, ties to even: a tie of the narrow type
 * must be a tie here too, or whole steps would differ from every runtime's. For the same reason
 * DynamicQuantizeLinear computes its scale in float32. NaN gives what numpy's cast gives, 0.
 */
#include "backend/ref/op/cast.h"
#include "backend/ref/op/elem.h"

#include <math.h>

#define CHUNK 256

typedef struct quantise_args {
    double low, high;    /* integers */
    pgy_dtype precision; /* of the quotient */
    pgy_dtype to;        /* declared */
    bool saturate;
} quantise_args;

/* in: x, scale, zero point as doubles. */
static void quantise_row(const px_elem_run *r)
{
    const quantise_args *a = r->arg;
    const pgy_dtype storage = px_ref_storage(a->to);
    const size_t size = (size_t)pgy_dtype_bits(storage) / 8;
    const double *x = r->in[0], *scale = r->in[1], *zero = r->in[2];
    double q[CHUNK];
    for (int64_t begin = 0; begin < r->n; begin += CHUNK) {
        const int64_t n = PX_MIN(CHUNK, r->n - begin);
        for (int64_t i = 0; i < n; i++)
            q[i] = x[(begin + i) * r->step[0]] / scale[(begin + i) * r->step[1]];
        px_ref_round(a->precision, q, n);
        if (storage == PGY_DTYPE_F64) {
            for (int64_t i = 0; i < n; i++)
                q[i] += zero[(begin + i) * r->step[2]];
            px_cast_round(a->to, a->saturate, q, n);
        } else {
            for (int64_t i = 0; i < n; i++) {
                const double v = rint(q[i]) + zero[(begin + i) * r->step[2]];
                const double low = v < a->low ? a->low : v;
                q[i] = low > a->high ? a->high : low;
            }
        }
        px_convert(storage, (char *)r->out + (size_t)begin * size, PGY_DTYPE_F64, q, 0, n);
    }
}

static void dequantise_row(const px_elem_run *r)
{
    const double *x = r->in[0], *scale = r->in[1], *zero = r->in[2];
    double *out = r->out;
    for (int64_t i = 0; i < r->n; i++)
        out[i] = (x[i * r->step[0]] - zero[i * r->step[2]]) * scale[i * r->step[1]];
}

/* Repeats each of the [outer, n_blocks, inner] scales `block` times along the middle, to n. */
static pgy_status *spread_blocks(px_ref_call *c, const double *from, int64_t outer,
                                 int64_t n_blocks, int64_t n, int64_t inner, int64_t block,
                                 const void **out)
{
    double *to = px_arena_calloc(c->scratch, (size_t)(outer * n * inner) + 1, sizeof *to);
    if (to == NULL)
        return px_status_nomem();
    for (int64_t o = 0; o < outer; o++)
        for (int64_t k = 0; k < n; k++)
            memcpy(to + (o * n + k) * inner, from + (o * n_blocks + k / block) * inner,
                   (size_t)inner * sizeof *to);
    *out = to;
    return NULL;
}

/* Sets the view `e` of scale and zero point (already in data[1], data[2]) over x's shape. */
static pgy_status *place_scales(px_ref_call *c, px_elem *e, const pgy_tensor *scale)
{
    pgy_status *st = NULL;
    int axis;
    const int64_t block = c->opset >= 21 ? px_ref_attr_i(c, "block_size", 0) : 0;
    if (block < 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "attribute block_size is %lld", (long long)block));
    if (scale->count == 1 && scale->rank <= 1 && block == 0)
        goto done; /* steps of 0 */
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", 1), e->rank, &axis));
    if (block == 0) {
        if (scale->rank != 1 || scale->count != e->dims[axis])
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "the scale has %lld elements; one, or %lld for axis %d are wanted",
                               (long long)scale->count, (long long)e->dims[axis], axis));
        e->strides[1][axis] = e->strides[2][axis] = 1;
        goto done;
    }
    bool fits = scale->rank == e->rank;
    int64_t outer = 1, inner = 1;
    const int64_t n_blocks = e->dims[axis] / block + (e->dims[axis] % block != 0);
    for (int d = 0; d < e->rank && fits; d++) {
        fits = scale->dims[d] == (d == axis ? n_blocks : e->dims[d]);
        outer *= d < axis ? e->dims[d] : 1;
        inner *= d > axis ? e->dims[d] : 1;
    }
    if (!fits)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "the scale's shape is not the input's with %lld blocks on axis %d",
                           (long long)n_blocks, axis));
    if (e->count == 0)
        goto done;
    for (size_t k = 1; k < 3; k++) {
        if (k == 2 && !px_ref_has(c, 2))
            continue;
        PX_TRY(spread_blocks(c, e->data[k], outer, n_blocks, e->dims[axis], inner, block,
                             &e->data[k]));
        memcpy(e->strides[k], e->strides[0], sizeof e->strides[0]);
    }
done:
    return st;
}

/* x, scale and zero point (0 when absent) as doubles under x's shape. */
static pgy_status *operands(px_ref_call *c, px_elem *e)
{
    static const double none = 0.0;
    pgy_status *st = NULL;
    const pgy_tensor *x, *scale, *zero;

    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_in_f64(c, 1, &scale));
    *e = (px_elem){.rank = x->rank, .count = x->count, .n_in = 3, .cx = c->cx};
    for (int d = 0; d < x->rank; d++)
        e->dims[d] = x->dims[d];
    px_ref_broadcast_strides(x, e->rank, e->dims, e->strides[0]);
    e->size[0] = e->size[1] = e->size[2] = sizeof(double);
    e->data[0] = x->data;
    e->data[1] = scale->data;
    e->data[2] = &none;
    if (px_ref_has(c, 2)) {
        PX_TRY(px_ref_in_f64(c, 2, &zero));
        if (zero->count != scale->count)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "the zero point has %lld elements, the scale %lld; they must agree",
                               (long long)zero->count, (long long)scale->count));
        e->data[2] = zero->data;
    }
    PX_TRY(place_scales(c, e, scale));
    if (!px_ref_has(c, 2))
        memset(e->strides[2], 0, sizeof e->strides[2]);
done:
    return st;
}

/* Attribute `name` as an element type; `otherwise` when absent or 0. */
static pgy_status *dtype_attr(px_ref_call *c, const char *name, pgy_dtype otherwise, pgy_dtype *out)
{
    const int64_t given = px_ref_attr_i(c, name, 0);
    if (given < 0 || given >= PGY_DTYPE_COUNT)
        return PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED, "attribute %s is %lld, an unknown element type",
                           name, (long long)given);
    *out = given == 0 ? otherwise : (pgy_dtype)given;
    return NULL;
}

static pgy_status *int_range(px_ref_call *c, pgy_dtype to, double *low, double *high)
{
    if (!px_dtype_is_int(to) || pgy_dtype_bits(to) > 16)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "%s is no type to quantize to", pgy_dtype_name(to));
    const int bits = pgy_dtype_bits(to);
    const bool is_signed = px_dtype_is_signed(to);
    *high = (double)((1 << (bits - is_signed)) - 1);
    *low = is_signed ? -*high - 1.0 : 0.0;
    return NULL;
}

static pgy_status *k_quantize(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_elem e;
    void *out;
    quantise_args a = {.saturate = px_ref_attr_i(c, "saturate", 1) != 0};

    PX_TRY(operands(c, &e));
    PX_TRY(dtype_attr(c, "output_dtype", PGY_DTYPE_U8, &a.to));
    if (px_ref_has(c, 2))
        a.to = c->in[2].dtype;
    pgy_dtype usual = c->in[1].dtype;
    if (!px_dtype_is_float(usual) || usual == PGY_DTYPE_F8E8M0) /* no type to divide in */
        usual = px_dtype_is_float(c->in[0].dtype) ? c->in[0].dtype : PGY_DTYPE_F32;
    PX_TRY(dtype_attr(c, "precision", usual, &a.precision));
    if (!px_dtype_is_float(a.precision))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "attribute precision is %s; a float type is wanted",
                           pgy_dtype_name(a.precision)));
    if (!px_dtype_is_float(a.to))
        PX_TRY(int_range(c, a.to, &a.low, &a.high));
    PX_TRY(px_ref_out(c, 0, a.to, e.rank, e.dims, &out));
    px_elem_apply(&e, out, (size_t)pgy_dtype_bits(px_ref_storage(a.to)) / 8, quantise_row, &a);
done:
    return st;
}

static pgy_status *k_dequantize(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_elem e;
    pgy_dtype to = PGY_DTYPE_F32;
    void *out;

    PX_TRY(operands(c, &e));
    const pgy_dtype scale = c->in[1].dtype;
    PX_TRY(dtype_attr(c, "output_dtype", scale == PGY_DTYPE_F8E8M0 ? PGY_DTYPE_F32 : scale, &to));
    if (!px_dtype_is_float(to))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the result would be %s; a float type is wanted",
                           pgy_dtype_name(to)));
    PX_TRY(px_ref_out(c, 0, to, e.rank, e.dims, &out));
    px_elem_apply(&e, out, sizeof(double), dequantise_row, NULL);
done:
    return st;
}

static pgy_status *k_dynamic(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    void *out;
    double low = 0.0, high = 0.0; /* the range includes 0 */
    double scale, zero;

    PX_TRY(px_ref_in(c, 0, &x));
    if (x->dtype != PGY_DTYPE_F64)
        PX_TRY(px_elem_bad_type(c, 0));
    const double *data = x->data;
    for (int64_t i = 0; i < x->count; i++) {
        low = data[i] < low ? data[i] : low;
        high = data[i] > high ? data[i] : high;
    }
    scale = (float)((float)(high - low) / 255.0f);
    if (scale == 0.0) /* nothing but zeros: any scale does, 1 keeps the rest finite */
        scale = 1.0;
    zero = rint((float)(-low / scale));
    zero = zero < 0.0 ? 0.0 : zero > 255.0 ? 255.0 : zero;
    px_elem e = {.rank = x->rank, .count = x->count, .n_in = 3, .cx = c->cx};
    for (int d = 0; d < x->rank; d++)
        e.dims[d] = x->dims[d];
    px_ref_broadcast_strides(x, e.rank, e.dims, e.strides[0]);
    e.size[0] = e.size[1] = e.size[2] = sizeof(double);
    e.data[0] = data;
    e.data[1] = &scale;
    e.data[2] = &zero;
    const quantise_args a = {.high = 255.0, .precision = PGY_DTYPE_F32, .to = PGY_DTYPE_U8};
    if (px_ref_wants(c, 0)) {
        PX_TRY(px_ref_out(c, 0, PGY_DTYPE_U8, e.rank, e.dims, &out));
        px_elem_apply(&e, out, 1, quantise_row, &a);
    }
    if (px_ref_wants(c, 1)) {
        PX_TRY(px_ref_out(c, 1, PGY_DTYPE_F32, 0, NULL, &out));
        *(double *)out = scale;
    }
    if (px_ref_wants(c, 2)) {
        PX_TRY(px_ref_out(c, 2, PGY_DTYPE_U8, 0, NULL, &out));
        *(uint8_t *)out = (uint8_t)zero;
    }
done:
    return st;
}

#define ROW(name, since, kernel)                                                                   \
    {                                                                                              \
        "", name, since, 2, 3, 1, 1, kernel                                                        \
    }
#define ALL(name, kernel)                                                                          \
    ROW(name, 10, kernel), ROW(name, 13, kernel), ROW(name, 19, kernel), ROW(name, 21, kernel),    \
        ROW(name, 23, kernel), ROW(name, 24, kernel), ROW(name, 25, kernel), ROW(name, 28, kernel)

static const px_ref_op ops[] = {
    ALL("QuantizeLinear", k_quantize),
    ALL("DequantizeLinear", k_dequantize),
    {"", "DynamicQuantizeLinear", 11, 1, 1, 3, 3, k_dynamic},
};

const px_ref_family px_ref_family_quantize = {ops, PX_COUNTOF(ops)};
