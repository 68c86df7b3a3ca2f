/* model/infer/op/shape.c - operators about shapes and constants. */
#include "model/infer/infer.h"

/* --- Shape, Size --- */

static void shape(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    int first = 0;
    if (rank < 0) {
        const px_dim unknown = px_infer_unknown(c);
        px_infer_shape(c, 0, 1, &unknown);
        return;
    }
    const int n = px_geo_shape_part(px_infer_attr_i(c, "start", 0), px_infer_attr_i(c, "end", rank),
                                    rank, &first);
    px_infer_ints_shape(c, 0, 1, (int64_t[]){n});
    px_infer_set_data(c, 0, c->in[0]->dims + first, (size_t)n);
}

static void size(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    px_infer_shape(c, 0, 0, NULL);
    if (rank < 0)
        return;
    const px_dim n = px_dim_product(px_infer_dims_table(c->infer), c->in[0]->dims, (size_t)rank);
    px_infer_set_data(c, 0, &n, 1);
}

/* --- Reshape --- */

static bool all_constant(const px_dim *at, size_t n, int64_t *out)
{
    for (size_t i = 0; i < n; i++) {
        if (!px_dim_is_const(at[i]))
            return false;
        out[i] = at[i].base;
    }
    return true;
}

/* A wanted dim that is no constant: could it be -1 or 0, which mean something else? A dim of some
 * tensor counts as itself; for a 0 among them the reshape could only copy another 0. */
static px_dim wanted_dim(px_infer_call *c, px_dim d, bool *out_is_sure)
{
    *out_is_sure = px_dim_is_nonneg(px_infer_dims_table(c->infer), d);
    return *out_is_sure ? d : px_infer_unknown(c);
}

static void reshape_symbolic(px_infer_call *c, const px_dim *want, size_t n, bool allow_zero)
{
    const int rank = px_infer_rank(c, 0);
    px_dim dims[PX_MAX_RANK], known[PX_MAX_RANK];
    size_t n_known = 0, n_unsure = 0;
    int open = -1;
    for (size_t i = 0; i < n; i++) {
        bool is_sure = true;
        dims[i] = want[i];
        if (px_dim_is(want[i], 0) && !allow_zero) {
            dims[i] = rank < 0 ? px_infer_unknown(c) : px_infer_dim(c, 0, (int)i);
            if (rank >= 0 && (int)i >= rank)
                return;
            is_sure = rank >= 0;
        } else if (px_dim_is(want[i], -1)) {
            if (open >= 0)
                return;
            open = (int)i;
            dims[i] = px_infer_unknown(c);
            continue;
        } else if (px_dim_is_const(want[i])) {
            if (want[i].base < 0)
                return;
        } else {
            dims[i] = wanted_dim(c, want[i], &is_sure);
        }
        if (is_sure)
            known[n_known++] = dims[i];
        else {
            n_unsure++;
            if (n_unsure == 1 && open < 0)
                open = -2 - (int)i;
        }
    }
    /* What is left over goes to the one dim that is not known, be it -1 or a number not known. */
    const int left = open >= 0 && n_unsure == 0   ? open
                     : open < -1 && n_unsure == 1 ? -2 - open
                                                  : -1;
    px_dim rest;
    if (left >= 0 && rank >= 0 &&
        px_dim_quotient(px_infer_dims_table(c->infer), c->in[0]->dims, (size_t)rank, known, n_known,
                        &rest))
        dims[left] = rest;
    px_infer_shape(c, 0, (int)n, dims);
    px_infer_keep_data(c, 0, 0);
}

static void reshape_to(px_infer_call *c, const px_dim *want, size_t n, bool allow_zero)
{
    int64_t have[PX_MAX_RANK], wanted[PX_MAX_RANK], out[PX_MAX_RANK];
    const int rank = px_infer_rank(c, 0);
    if (n > PX_MAX_RANK)
        return;
    if (rank < 0 || !all_constant(c->in[0]->dims, (size_t)rank, have) ||
        !all_constant(want, n, wanted)) {
        reshape_symbolic(c, want, n, allow_zero);
        return;
    }
    if (px_geo_reshape(rank, have, wanted, n, allow_zero, out))
        return;
    px_infer_ints_shape(c, 0, (int)n, out);
    px_infer_keep_data(c, 0, 0);
}

static void reshape_1(px_infer_call *c)
{
    const int64_t *want = NULL;
    size_t n = 0;
    px_dim at[PX_MAX_RANK];
    if (!px_infer_attr_ints(c, "shape", &want, &n) || n > PX_MAX_RANK)
        return;
    for (size_t i = 0; i < n; i++)
        at[i] = px_dim_const(want[i]);
    reshape_to(c, at, n, false);
}

static void reshape_5(px_infer_call *c)
{
    const px_dim *want = NULL;
    size_t n = 0;
    if (px_infer_data(c, 1, &want, &n))
        reshape_to(c, want, n, px_infer_attr_i(c, "allowzero", 0) != 0);
}

static void flatten(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    px_dim_table *t = px_infer_dims_table(c->infer);
    px_dim dims[2] = {px_infer_unknown(c), px_infer_unknown(c)};
    const int64_t axis = px_infer_attr_i(c, "axis", 1);
    if (rank >= 0) {
        if (axis < -rank || axis > rank)
            return;
        const size_t at = (size_t)(axis < 0 ? axis + rank : axis);
        dims[0] = px_dim_product(t, c->in[0]->dims, at);
        dims[1] = px_dim_product(t, c->in[0]->dims + at, (size_t)rank - at);
    }
    px_infer_shape(c, 0, 2, dims);
    px_infer_keep_data(c, 0, 0);
}

/* --- Squeeze, Unsqueeze --- */

static void squeeze(px_infer_call *c, size_t axes_input)
{
    const int rank = px_infer_rank(c, 0);
    int axes[PX_MAX_RANK], n_out = 0;
    bool drop[PX_MAX_RANK] = {false};
    px_dim dims[PX_MAX_RANK];
    size_t n = 0;
    if (rank < 0)
        return;
    const px_infer_axes how = px_infer_axes_of(c, axes_input, rank, axes, &n);
    if (how == PX_INFER_AXES_UNKNOWN)
        return;
    for (size_t i = 0; i < n; i++)
        drop[axes[i]] = true;
    for (int d = 0; d < rank; d++) {
        const px_dim dim = c->in[0]->dims[d];
        /* Without axes every 1 goes; which dims that are not known are 1 cannot be told. */
        if (how == PX_INFER_AXES_NONE && !px_dim_is_const(dim))
            return;
        if (how == PX_INFER_AXES_NONE ? !px_dim_is(dim, 1) : !drop[d])
            dims[n_out++] = dim;
        else if (px_dim_is_const(dim) && dim.base != 1)
            return;
    }
    px_infer_shape(c, 0, n_out, dims);
    px_infer_keep_data(c, 0, 0);
}

static void squeeze_1(px_infer_call *c)
{
    squeeze(c, SIZE_MAX);
}

static void squeeze_13(px_infer_call *c)
{
    squeeze(c, 1);
}

static void unsqueeze_by(px_infer_call *c, const int64_t *axes, size_t n)
{
    const int rank = px_infer_rank(c, 0);
    int at[PX_MAX_RANK];
    bool added[PX_MAX_RANK] = {false};
    px_dim dims[PX_MAX_RANK];
    if (rank < 0 || n > (size_t)(PX_MAX_RANK - rank) || !px_geo_axes(axes, n, rank + (int)n, at))
        return;
    for (size_t i = 0; i < n; i++)
        added[at[i]] = true;
    for (int d = 0, k = 0; d < rank + (int)n; d++)
        dims[d] = added[d] ? px_dim_const(1) : c->in[0]->dims[k++];
    px_infer_shape(c, 0, rank + (int)n, dims);
    px_infer_keep_data(c, 0, 0);
}

static void unsqueeze_1(px_infer_call *c)
{
    const int64_t *axes = NULL;
    size_t n = 0;
    if (px_infer_attr_ints(c, "axes", &axes, &n))
        unsqueeze_by(c, axes, n);
}

static void unsqueeze_13(px_infer_call *c)
{
    int64_t axes[PX_INFER_MAX_DATA];
    size_t n = 0;
    if (px_infer_ints(c, 1, axes, &n))
        unsqueeze_by(c, axes, n);
}

/* --- Expand, Transpose --- */

static void expand(px_infer_call *c)
{
    px_infer_dims want = {.rank = 0}, have = {.rank = -1};
    px_dim_table *t = px_infer_dims_table(c->infer);
    const px_dim *at = NULL;
    size_t n = 0;
    if (px_infer_rank(c, 0) < 0 || !px_infer_data(c, 1, &at, &n) || n > PX_MAX_RANK)
        return;
    want.rank = (int)n;
    for (size_t i = 0; i < n; i++)
        want.dims[i] = px_dim_is_nonneg(t, at[i]) ? at[i] : px_infer_unknown(c);
    have = px_infer_dims_of(c->in[0]);
    if (!px_infer_broadcast_dims(c->infer, &want, &have))
        return;
    px_infer_shape(c, 0, want.rank, want.dims);
    if (c->in[0]->data && c->in[0]->n_data == 1 && want.rank == 1 &&
        px_dim_is_const(want.dims[0]) && want.dims[0].base <= PX_INFER_MAX_DATA) {
        px_dim data[PX_INFER_MAX_DATA];
        for (int64_t i = 0; i < want.dims[0].base; i++)
            data[i] = c->in[0]->data[0];
        px_infer_set_data(c, 0, data, (size_t)want.dims[0].base);
    }
}

static void transpose(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    const int64_t *perm = NULL;
    size_t n = 0;
    int axes[PX_MAX_RANK];
    px_dim dims[PX_MAX_RANK];
    const bool given = px_infer_attr_ints(c, "perm", &perm, &n);
    if (rank < 0 || (given && (n != (size_t)rank || !px_geo_axes(perm, n, rank, axes))))
        return;
    for (int d = 0; d < rank; d++)
        dims[d] = c->in[0]->dims[given ? axes[d] : rank - 1 - d];
    px_infer_shape(c, 0, rank, dims);
    if (rank <= 1)
        px_infer_keep_data(c, 0, 0);
}

/* --- constants --- */

static void constant(px_infer_call *c)
{
    const px_onnx_attr *a;
    px_dim dims[PX_MAX_RANK];
    if ((a = px_infer_attr(c, "value")) && a->type == PX_ONNX_ATTR_TENSOR && a->t) {
        px_infer_value v;
        px_infer_from_tensor(c->infer, a->t, &v);
        px_infer_set(c, 0, &v);
    } else if ((a = px_infer_attr(c, "value_float"))) {
        px_infer_dtype(c, 0, PGY_DTYPE_F32);
        px_infer_shape(c, 0, 0, NULL);
        px_infer_set_reals(c, 0, (double[]){(double)a->f}, 1);
    } else if ((a = px_infer_attr(c, "value_floats"))) {
        px_infer_dtype(c, 0, PGY_DTYPE_F32);
        px_infer_ints_shape(c, 0, 1, (int64_t[]){(int64_t)a->n});
        double *at = px_infer_alloc(c->infer, a->n, sizeof *at);
        for (size_t i = 0; at && i < a->n; i++)
            at[i] = (double)a->floats[i];
        if (at)
            px_infer_set_reals(c, 0, at, a->n);
    } else if ((a = px_infer_attr(c, "value_int"))) {
        px_infer_dtype(c, 0, PGY_DTYPE_I64);
        px_infer_shape(c, 0, 0, NULL);
        px_infer_set_data(c, 0, (px_dim[]){px_dim_const(a->i)}, 1);
    } else if ((a = px_infer_attr(c, "value_ints"))) {
        px_infer_dtype(c, 0, PGY_DTYPE_I64);
        px_infer_ints_shape(c, 0, 1, (int64_t[]){(int64_t)a->n});
        px_dim *at = px_infer_alloc(c->infer, a->n, sizeof *at);
        for (size_t i = 0; at && i < a->n; i++)
            at[i] = px_dim_const(a->ints[i]);
        if (at)
            px_infer_set_data(c, 0, at, a->n);
    } else if (px_infer_attr(c, "value_string")) {
        px_infer_dtype(c, 0, PGY_DTYPE_STRING);
        px_infer_shape(c, 0, 0, NULL);
    } else if ((a = px_infer_attr(c, "value_strings"))) {
        px_infer_dtype(c, 0, PGY_DTYPE_STRING);
        px_infer_ints_shape(c, 0, 1, (int64_t[]){(int64_t)a->n});
    } else if ((a = px_infer_attr(c, "sparse_value")) && a->sparse && a->n > 0 &&
               a->sparse->rank >= 0 && a->sparse->rank <= PX_MAX_RANK) {
        px_infer_dtype(c, 0, a->sparse->values.dtype);
        for (int d = 0; d < a->sparse->rank; d++)
            dims[d] = px_dim_const(a->sparse->dims[d]);
        px_infer_shape(c, 0, a->sparse->rank, dims);
    }
}

static void constant_of_shape(px_infer_call *c)
{
    const px_onnx_attr *a = px_infer_attr(c, "value");
    px_dim_table *t = px_infer_dims_table(c->infer);
    px_infer_value value = {.dtype = PGY_DTYPE_F32};
    const px_dim *at = NULL;
    px_dim dims[PX_MAX_RANK];
    size_t n = 0;
    if (a && a->type == PX_ONNX_ATTR_TENSOR && a->t)
        px_infer_from_tensor(c->infer, a->t, &value);
    px_infer_dtype(c, 0, value.dtype);
    if (!px_infer_data(c, 0, &at, &n) || n > PX_MAX_RANK)
        return;
    for (size_t i = 0; i < n; i++)
        dims[i] = px_dim_is_nonneg(t, at[i]) ? at[i] : px_infer_unknown(c);
    px_infer_shape(c, 0, (int)n, dims);
    const px_dim count = px_dim_product(t, dims, n);
    if (value.data && value.n_data == 1 && px_dim_is_const(count) &&
        count.base <= PX_INFER_MAX_DATA) {
        px_dim data[PX_INFER_MAX_DATA];
        for (int64_t i = 0; i < count.base; i++)
            data[i] = value.data[0];
        px_infer_set_data(c, 0, data, (size_t)count.base);
    }
}

static void range(px_infer_call *c)
{
    px_dim_table *t = px_infer_dims_table(c->infer);
    const double *r[3];
    size_t n[3] = {0};
    px_dim count = px_infer_unknown(c), d[3];
    bool has_data = true, has_reals = true;
    if (c->n_in != 3)
        return;
    for (size_t i = 0; i < 3; i++) {
        has_data = has_data && c->in[i]->data && c->in[i]->n_data == 1;
        has_reals = has_reals && c->in[i]->real && px_infer_reals(c, i, &r[i], &n[i]) && n[i] == 1;
        d[i] = has_data ? c->in[i]->data[0] : px_dim_const(0);
    }
    if (has_reals) {
        const int64_t k = px_geo_range_float(*r[0], *r[1], *r[2], c->in[0]->dtype == PGY_DTYPE_F64);
        if (k >= 0)
            count = px_dim_const(k);
    } else if (has_data && px_dim_is_const(d[0]) && px_dim_is_const(d[1]) &&
               px_dim_is_const(d[2])) {
        const int64_t k = px_geo_range_int(d[0].base, d[1].base, d[2].base);
        if (k >= 0)
            count = px_dim_const(k);
    } else if (has_data && px_dim_is(d[2], 1)) {
        const px_dim span = px_dim_calc(t, PX_DIM_SUB, d[1], d[0]);
        if (px_dim_is_nonneg(t, span))
            count = span;
    }
    px_infer_shape(c, 0, 1, &count);
    if (!has_data || !px_dim_is_const(count) || count.base > PX_INFER_MAX_DATA)
        return;
    px_dim at[PX_INFER_MAX_DATA], next = d[0];
    for (int64_t i = 0; i < count.base; i++) {
        at[i] = next;
        next = px_dim_calc(t, PX_DIM_ADD, next, d[2]);
    }
    px_infer_set_data(c, 0, at, (size_t)count.base);
}

static const px_infer_op rows[] = {
    {"", "Constant", 1, constant},
    {"", "ConstantOfShape", 9, constant_of_shape},
    {"", "Expand", 8, expand},
    {"", "Flatten", 1, flatten},
    {"", "Range", 11, range},
    {"", "Reshape", 1, reshape_1},
    {"", "Reshape", 5, reshape_5},
    {"", "Shape", 1, shape},
    {"", "Size", 1, size},
    {"", "Squeeze", 1, squeeze_1},
    {"", "Squeeze", 13, squeeze_13},
    {"", "Transpose", 1, transpose},
    {"", "Unsqueeze", 1, unsqueeze_1},
    {"", "Unsqueeze", 13, unsqueeze_13},
};

const px_infer_family px_infer_family_shape = {rows, PX_COUNTOF(rows)};
