/* backend/ref/op/shape.c - operators about shapes and constants.
 *
 * Those that only give the same elements another shape never copy (px_ref_out_reshape).
 */
#include "backend/ref/op/move.h"
#include "backend/ref/plan.h"

#include <math.h>

static pgy_status *shape(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    void *y;
    PX_TRY(px_ref_in(c, 0, &x));
    int begin = 0;
    const int64_t n = px_geo_shape_part(px_ref_attr_i(c, "start", 0),
                                        px_ref_attr_i(c, "end", x->rank), x->rank, &begin);
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_I64, 1, &n, &y));
    if (n > 0)
        memcpy(y, x->dims + begin, (size_t)n * sizeof(int64_t));
done:
    return st;
}

static pgy_status *size(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    void *y;
    PX_TRY(px_ref_in(c, 0, &x));
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_I64, 0, NULL, &y));
    *(int64_t *)y = x->count;
done:
    return st;
}

static pgy_status *reshape_to(px_ref_call *c, const int64_t *want, size_t n, bool allow_zero)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t dims[PX_MAX_RANK];
    PX_TRY(px_ref_in(c, 0, &x));
    const char *why = px_geo_reshape(x->rank, x->dims, want, n, allow_zero, dims);
    if (why)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%s (%lld elements, rank %d, %zu wanted dims)", why,
                           (long long)x->count, x->rank, n));
    PX_TRY(px_ref_out_reshape(c, 0, 0, (int)n, dims));
done:
    return st;
}

static pgy_status *reshape_1(px_ref_call *c)
{
    const int64_t *want = NULL;
    size_t n = 0;
    if (!px_ref_attr_ints(c, "shape", &want, &n))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "Attribute shape is missing");
    return reshape_to(c, want, n, false);
}

static pgy_status *reshape_5(px_ref_call *c)
{
    const int64_t *want;
    size_t n;
    pgy_status *st = px_ref_in_ints(c, 1, &want, &n);
    return st ? st : reshape_to(c, want, n, px_ref_attr_i(c, "allowzero", 0) != 0);
}

static pgy_status *flatten(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    PX_TRY(px_ref_in(c, 0, &x));
    int64_t axis = px_ref_attr_i(c, "axis", 1);
    if (axis < -x->rank || axis > x->rank)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Axis %lld is outside [-%d, %d]", (long long)axis,
                           x->rank, x->rank));
    int at = (int)(axis < 0 ? axis + x->rank : axis);
    int64_t dims[2] = {px_move_span(x->dims, 0, at), px_move_span(x->dims, at, x->rank)};
    PX_TRY(px_ref_out_reshape(c, 0, 0, 2, dims));
done:
    return st;
}

static pgy_status *squeeze_at(px_ref_call *c, size_t axes_input)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int axes[PX_MAX_RANK];
    size_t n = 0;
    bool given, drop[PX_MAX_RANK] = {false};
    int64_t dims[PX_MAX_RANK];
    int rank = 0;
    PX_TRY(px_ref_in(c, 0, &x));
    PX_TRY(px_move_axes(c, axes_input, "axes", x->rank, &given, axes, &n));
    for (size_t i = 0; i < n; i++) {
        if (x->dims[axes[i]] != 1)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Axis %d has size %lld, only 1 can be dropped",
                               axes[i], (long long)x->dims[axes[i]]));
        drop[axes[i]] = true;
    }
    for (int i = 0; i < x->rank; i++)
        if (given ? !drop[i] : x->dims[i] != 1)
            dims[rank++] = x->dims[i];
    PX_TRY(px_ref_out_reshape(c, 0, 0, rank, dims));
done:
    return st;
}

static pgy_status *squeeze_1(px_ref_call *c)
{
    return squeeze_at(c, SIZE_MAX);
}

static pgy_status *squeeze_13(px_ref_call *c)
{
    return squeeze_at(c, 1);
}

static pgy_status *unsqueeze_at(px_ref_call *c, const int64_t *want, size_t n)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    bool added[PX_MAX_RANK] = {false};
    int axes[PX_MAX_RANK];
    int64_t dims[PX_MAX_RANK];
    PX_TRY(px_ref_in(c, 0, &x));
    if (n > (size_t)(PX_MAX_RANK - x->rank))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu axes on rank %d exceed the limit of %d", n,
                           x->rank, PX_MAX_RANK));
    const int rank = x->rank + (int)n;
    if (!px_geo_axes(want, n, rank, axes))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "An axis is outside [-%d, %d) or named twice", rank,
                           rank));
    for (size_t i = 0; i < n; i++)
        added[axes[i]] = true;
    for (int i = 0, k = 0; i < rank; i++)
        dims[i] = added[i] ? 1 : x->dims[k++];
    PX_TRY(px_ref_out_reshape(c, 0, 0, rank, dims));
done:
    return st;
}

static pgy_status *unsqueeze_1(px_ref_call *c)
{
    const int64_t *axes = NULL;
    size_t n = 0;
    if (!px_ref_attr_ints(c, "axes", &axes, &n))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "Attribute axes is missing");
    return unsqueeze_at(c, axes, n);
}

static pgy_status *unsqueeze_13(px_ref_call *c)
{
    const int64_t *axes;
    size_t n;
    pgy_status *st = px_ref_in_ints(c, 1, &axes, &n);
    return st ? st : unsqueeze_at(c, axes, n);
}

static pgy_status *expand(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const int64_t *want;
    size_t n;
    int64_t dims[PX_MAX_RANK], strides[PX_MAX_RANK];
    void *y;
    PX_TRY(px_ref_in(c, 0, &x));
    PX_TRY(px_ref_in_ints(c, 1, &want, &n));
    if (n > PX_MAX_RANK)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The shape has %zu dims, the limit is %d", n,
                           PX_MAX_RANK));
    int rank = PX_MAX((int)n, x->rank);
    for (int i = 0; i < rank; i++) {
        int xi = i - (rank - x->rank), wi = i - (rank - (int)n);
        int64_t a = xi >= 0 ? x->dims[xi] : 1, b = wi >= 0 ? want[wi] : 1;
        if (b < 0 || !px_geo_broadcast(a, b, &dims[i]))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Dim %lld does not broadcast to %lld",
                               (long long)a, (long long)b));
    }
    if (px_move_span(dims, 0, rank) == x->count) {
        PX_TRY(px_ref_out_reshape(c, 0, 0, rank, dims));
        goto done;
    }
    px_ref_broadcast_strides(x, rank, dims, strides);
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, rank, dims, &y));
    px_move_strided(c->cx, y, x->data, px_move_elem(x), rank, dims, strides);
done:
    return st;
}

static pgy_status *identity(px_ref_call *c)
{
    px_ref_out_take(c, 0, px_ref_value_copy(c->in[0]));
    return NULL;
}

/* --- Constant --- */

static pgy_status *constant_strings(px_ref_call *c, const px_str *at, int rank, int64_t n)
{
    pgy_status *st = NULL;
    pgy_string *s;
    void *y;
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_STRING, rank, &n, &y));
    s = y;
    for (int64_t i = 0; i < n; i++)
        s[i] = (pgy_string){at[i].ptr, at[i].len};
done:
    return st;
}

static pgy_status *load_tensor(px_ref_call *c, const px_onnx_tensor *t, px_ref_value *out)
{
    pgy_status *st = NULL;
    pgy_tensor *raw = NULL;
    px_ref_session *session = c->frame->session;
    PX_TRY(px_onnx_tensor_load(session->model, t, &raw));
    PX_TRY(px_ref_value_load(&session->pool, raw, out));
done:
    pgy_tensor_free(raw);
    return st;
}

/* Dense tensor of a sparse one: indices are flat ([nnz]) or coordinates ([nnz, rank]). */
static pgy_status *constant_sparse(px_ref_call *c, const px_onnx_sparse *s)
{
    pgy_status *st = NULL;
    px_ref_value values = {0}, indices = {0};
    int64_t strides[PX_MAX_RANK], count;
    void *y;
    if (s->rank < 0 || s->rank > PX_MAX_RANK || !px_shape_count(s->rank, s->dims, &count))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The sparse tensor's shape is not usable"));
    PX_TRY(load_tensor(c, &s->values, &values));
    PX_TRY(load_tensor(c, &s->indices, &indices));
    const pgy_tensor *ix = indices.t, *v = values.t;
    bool flat = ix->rank == 1;
    if (ix->dtype != PGY_DTYPE_I64 || v->rank != 1 || ix->rank < 1 || ix->rank > 2 ||
        ix->dims[0] != v->count || (!flat && ix->dims[1] != s->rank))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The sparse tensor's indices do not fit its values"));
    px_move_strides(s->rank, s->dims, strides);
    PX_TRY(px_ref_out(c, 0, values.dtype, s->rank, s->dims, &y));
    size_t elem = px_move_elem(v);
    memset(y, 0, (size_t)count * elem);
    const int64_t *at = ix->data;
    for (int64_t i = 0; i < v->count; i++) {
        int64_t to = 0;
        for (int k = 0; !flat && k < s->rank; k++) {
            int64_t p = at[i * s->rank + k];
            if (p < 0 || p >= s->dims[k])
                PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "A sparse index is outside the shape"));
            to += p * strides[k];
        }
        to = flat ? at[i] : to;
        if (to < 0 || to >= count)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "A sparse index is outside the shape"));
        memcpy((uint8_t *)y + (size_t)to * elem, (const uint8_t *)v->data + (size_t)i * elem, elem);
    }
    PX_TRY(px_move_own_strings(c, 0));
done:
    px_ref_value_free(&values);
    px_ref_value_free(&indices);
    return st;
}

static pgy_status *constant(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_ref_value v = {0};
    const px_onnx_attr *a;
    void *y;
    int64_t n;
    PX_TRY(px_ref_attr_tensor(c, "value", &v));
    if (v.kind != PX_REF_NONE) {
        px_ref_out_take(c, 0, v);
    } else if ((a = px_ref_attr(c, "value_float"))) {
        PX_TRY(px_ref_out(c, 0, PGY_DTYPE_F32, 0, NULL, &y));
        *(double *)y = (double)a->f;
    } else if ((a = px_ref_attr(c, "value_floats"))) {
        n = (int64_t)a->n;
        PX_TRY(px_ref_out(c, 0, PGY_DTYPE_F32, 1, &n, &y));
        for (int64_t i = 0; i < n; i++)
            ((double *)y)[i] = (double)a->floats[i];
    } else if ((a = px_ref_attr(c, "value_int"))) {
        PX_TRY(px_ref_out(c, 0, PGY_DTYPE_I64, 0, NULL, &y));
        *(int64_t *)y = a->i;
    } else if ((a = px_ref_attr(c, "value_ints"))) {
        n = (int64_t)a->n;
        PX_TRY(px_ref_out(c, 0, PGY_DTYPE_I64, 1, &n, &y));
        for (int64_t i = 0; i < n; i++)
            ((int64_t *)y)[i] = a->ints[i];
    } else if ((a = px_ref_attr(c, "value_string"))) {
        PX_TRY(constant_strings(c, &a->s, 0, 1));
    } else if ((a = px_ref_attr(c, "value_strings"))) {
        PX_TRY(constant_strings(c, a->strings, 1, (int64_t)a->n));
    } else if ((a = px_ref_attr(c, "sparse_value")) && a->sparse) {
        PX_TRY(constant_sparse(c, a->sparse));
    } else {
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "No attribute gives the value"));
    }
done:
    return st;
}

static pgy_status *constant_of_shape(px_ref_call *c)
{
    pgy_status *st = NULL;
    const int64_t *dims;
    size_t n;
    px_ref_value v = {0};
    double zero = 0;
    void *y;
    PX_TRY(px_ref_in_ints(c, 0, &dims, &n));
    PX_TRY(px_ref_attr_tensor(c, "value", &v));
    if (n > PX_MAX_RANK || (v.kind != PX_REF_NONE && v.t->count != 1))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "The shape has %zu dims (limit %d) or the value is not one element", n,
                           PX_MAX_RANK));
    pgy_dtype dtype = v.kind == PX_REF_NONE ? PGY_DTYPE_F32 : v.dtype;
    if (dtype == PGY_DTYPE_F32 && px_ref_out_may_narrow(c, 0)) {
        const float f = v.t ? (float)*(const double *)v.t->data : 0; /* exact: it was one */
        float *narrow;
        PX_TRY(px_ref_out_f32(c, 0, (int)n, dims, &narrow));
        px_move_fill(narrow, &f, sizeof f, px_move_span(dims, 0, (int)n));
        goto done;
    }
    PX_TRY(px_ref_out(c, 0, dtype, (int)n, dims, &y));
    px_move_fill(y, v.t ? v.t->data : &zero, v.t ? px_move_elem(v.t) : sizeof zero,
                 px_move_span(dims, 0, (int)n));
    PX_TRY(px_move_own_strings(c, 0));
done:
    px_ref_value_free(&v);
    return st;
}

/* --- Range --- */

static pgy_status *range_float(px_ref_call *c)
{
    pgy_status *st = NULL;
    double first, limit, delta;
    void *y;
    PX_TRY(px_move_in_number(c, 0, &first));
    PX_TRY(px_move_in_number(c, 1, &limit));
    PX_TRY(px_move_in_number(c, 2, &delta));
    const int64_t n = px_geo_range_float(first, limit, delta, c->in[0].dtype == PGY_DTYPE_F64);
    if (n == PX_GEO_NONE)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "A range from %g to %g by %g has no end", first, limit,
                           delta));
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, 1, &n, &y));
    for (int64_t i = 0; i < n; i++)
        ((double *)y)[i] = first + (double)i * delta;
done:
    return st;
}

static pgy_status *range_int(px_ref_call *c)
{
    pgy_status *st = NULL;
    int64_t first, limit, delta;
    void *y;
    PX_TRY(px_move_in_int(c, 0, &first));
    PX_TRY(px_move_in_int(c, 1, &limit));
    PX_TRY(px_move_in_int(c, 2, &delta));
    const int64_t n = px_geo_range_int(first, limit, delta);
    if (n == PX_GEO_NONE)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "A range by 0 has no end"));
    pgy_dtype dtype = c->in[0].dtype;
    PX_TRY(px_ref_out(c, 0, dtype, 1, &n, &y));
    for (int64_t i = 0; i < n; i++) {
        int64_t v = (int64_t)((uint64_t)first + (uint64_t)i * (uint64_t)delta);
        px_convert(px_ref_storage(dtype), (uint8_t *)y + i * (pgy_dtype_bits(dtype) / 8),
                   PGY_DTYPE_I64, &v, 0, 1);
    }
done:
    return st;
}

static pgy_status *range(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    PX_TRY(px_ref_in(c, 0, &x));
    if (x->dtype == PGY_DTYPE_F64)
        PX_TRY(range_float(c));
    else if (px_dtype_is_int(c->in[0].dtype) && pgy_dtype_bits(c->in[0].dtype) >= 8)
        PX_TRY(range_int(c));
    else
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "A range of %s is not defined",
                           pgy_dtype_name(c->in[0].dtype)));
done:
    return st;
}

static pgy_status *eye_like(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    pgy_dtype dtype;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 2, 2, &x));
    PX_TRY(px_move_attr_dtype(c, "dtype", c->in[0].dtype, &dtype));
    if (dtype == PGY_DTYPE_STRING || px_dtype_is_complex(dtype))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "An identity of %s is not defined",
                           pgy_dtype_name(dtype)));
    int64_t k = px_ref_attr_i(c, "k", 0), rows = x->dims[0], cols = x->dims[1];
    PX_TRY(px_ref_out(c, 0, dtype, 2, x->dims, &y));
    size_t elem = (size_t)pgy_dtype_bits(px_ref_storage(dtype)) / 8;
    memset(y, 0, (size_t)x->count * elem);
    double one = 1;
    if (k <= -rows || k >= cols)
        goto done; /* the diagonal lies outside; also keeps i + k from overflowing */
    for (int64_t i = PX_MAX(0, -k); i < rows && i + k < cols; i++)
        px_convert(px_ref_storage(dtype), (uint8_t *)y + (size_t)(i * cols + i + k) * elem,
                   PGY_DTYPE_F64, &one, 0, 1);
done:
    return st;
}

static const px_ref_op rows[] = {
    {"", "Constant", 1, 0, 0, 1, 1, constant},
    {"", "ConstantOfShape", 9, 1, 1, 1, 1, constant_of_shape},
    {"", "Expand", 8, 2, 2, 1, 1, expand},
    {"", "EyeLike", 9, 1, 1, 1, 1, eye_like},
    {"", "Flatten", 1, 1, 1, 1, 1, flatten},
    {"", "Identity", 1, 1, 1, 1, 1, identity},
    {"", "Range", 11, 3, 3, 1, 1, range},
    {"", "Reshape", 1, 1, 1, 1, 1, reshape_1},
    {"", "Reshape", 5, 2, 2, 1, 1, reshape_5},
    {"", "Shape", 1, 1, 1, 1, 1, shape},
    {"", "Size", 1, 1, 1, 1, 1, size},
    {"", "Squeeze", 1, 1, 1, 1, 1, squeeze_1},
    {"", "Squeeze", 13, 1, 2, 1, 1, squeeze_13},
    {"", "Unsqueeze", 1, 1, 1, 1, 1, unsqueeze_1},
    {"", "Unsqueeze", 13, 2, 2, 1, 1, unsqueeze_13},
};

const px_ref_family px_ref_family_shape = {rows, PX_COUNTOF(rows)};
