/* model/infer/op/join.c - joining, splitting, repeating, padding, and blocks of space. */
#include "model/infer/infer.h"

/* --- Concat --- */

/* Joins inputs first, first + by, ... along the axis. */
static void concat_from(px_infer_call *c, int64_t default_axis, size_t first, size_t by)
{
    px_infer_dims out = {.rank = -1};
    px_dim_table *t = px_infer_dims_table(c->infer);
    int axis = 0;
    for (size_t i = first; i < c->n_in; i += by) {
        if (px_infer_rank(c, i) < 0 || (out.rank >= 0 && out.rank != c->in[i]->rank))
            return;
        if (out.rank < 0) {
            out = px_infer_dims_of(c->in[i]);
            if (!px_infer_axis(c, default_axis, out.rank, &axis))
                return;
            continue;
        }
        for (int d = 0; d < out.rank; d++) {
            const px_dim dim = c->in[i]->dims[d];
            if (d == axis)
                out.dims[d] = px_dim_calc(t, PX_DIM_ADD, out.dims[d], dim);
            else if (px_dim_is_const(dim) && px_dim_is_const(out.dims[d]) &&
                     !px_dim_eq(dim, out.dims[d]))
                return;
            else
                out.dims[d] = px_infer_unify(c->infer, out.dims[d], dim);
        }
    }
    px_infer_shape(c, 0, out.rank, out.dims);
}

/* Elements of the inputs behind each other, each element of one dim. */
static void concat_data(px_infer_call *c)
{
    px_dim at[PX_INFER_MAX_DATA];
    double real[PX_INFER_MAX_DATA];
    size_t n = 0, n_known = 0, n_real = 0;
    if (c->n_out == 0 || c->out[0].rank != 1)
        return;
    for (size_t i = 0; i < c->n_in; i++) {
        const px_infer_value *v = c->in[i];
        const px_dim length = v->dims[0];
        if (!px_dim_is_const(length) || length.base > (int64_t)(PX_INFER_MAX_DATA - n))
            return;
        for (int64_t k = 0; k < length.base; k++, n++) {
            at[n] = v->data ? v->data[k] : px_dim_new(px_infer_dims_table(c->infer), false);
            real[n] = v->real ? v->real[k] : 0;
        }
        n_known += v->data || length.base == 0;
        n_real += v->real || length.base == 0;
    }
    if (n_real == c->n_in && px_dtype_is_float(c->out[0].dtype))
        px_infer_set_reals(c, 0, real, n);
    else if (n_known > 0 && !px_dtype_is_float(c->out[0].dtype))
        px_infer_set_data(c, 0, at, n);
}

static void concat_1(px_infer_call *c)
{
    concat_from(c, 1, 0, 1);
    concat_data(c);
}

static void concat_4(px_infer_call *c)
{
    if (!px_infer_attr(c, "axis"))
        return;
    concat_from(c, 0, 0, 1);
    concat_data(c);
}

static void qlinear_concat(px_infer_call *c)
{
    if (c->n_in > 1 && c->in[1]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[1]->dtype);
    concat_from(c, 0, 2, 3);
}

/* --- Split --- */

/* Part o of equal ones. All but the last are of one length; where that leaves nothing for the last,
 * its length is nobody's to say. */
static px_dim even_part(px_infer_call *c, int64_t whole, size_t o)
{
    const int64_t n = (int64_t)c->n_out, part = px_geo_split(whole, n, 0);
    const bool is_last = o + 1 == c->n_out;
    if (is_last && part > 0 && whole / part < n - 1)
        return px_infer_unknown(c);
    return px_dim_const(is_last ? px_geo_split(whole, n, (int64_t)o) : part);
}

static void split(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    const px_onnx_attr *num = px_infer_attr(c, "num_outputs");
    int64_t lengths[PX_INFER_MAX_DATA];
    const int64_t *at = NULL;
    const px_dim *data = NULL;
    size_t n = 0;
    int axis = 0;
    if (!px_infer_axis(c, 0, x.rank, &axis))
        return;
    const px_dim whole = x.dims[axis];
    bool listed = false, computed = false;
    if (px_infer_has(c, 1)) {
        listed = px_infer_ints(c, 1, lengths, &n);
        at = lengths;
        computed = !listed;
        if (computed && px_infer_data(c, 1, &data, &n) && n != c->n_out)
            return;
    } else {
        listed = px_infer_attr_ints(c, "split", &at, &n);
    }
    if (listed && n != c->n_out)
        return;
    /* Version 18 states how many parts; without, they are equal. */
    if (!listed && !computed && px_dim_is_const(whole) && !num && c->n_out > 0 &&
        whole.base % (int64_t)c->n_out != 0)
        return;
    px_dim even = px_infer_unknown(c);
    const px_dim parts = px_dim_const((int64_t)c->n_out);
    if (!px_dim_is_const(whole) &&
        !px_dim_quotient(px_infer_dims_table(c->infer), &whole, 1, &parts, 1, &even))
        even = px_infer_unknown(c);
    for (size_t o = 0; o < c->n_out; o++) {
        if (listed)
            x.dims[axis] = px_dim_const(at[o]);
        else if (computed)
            x.dims[axis] = data && px_dim_is_nonneg(px_infer_dims_table(c->infer), data[o])
                               ? data[o]
                               : px_infer_unknown(c);
        else if (c->n_out == 1)
            x.dims[axis] = whole;
        else if (px_dim_is_const(whole))
            x.dims[axis] = even_part(c, whole.base, o);
        else
            x.dims[axis] = even;
        px_infer_shape(c, o, x.rank, x.dims);
    }
    /* Elements of a shape that is taken apart. */
    size_t from = 0;
    for (size_t o = 0; c->in[0]->data && x.rank == 1 && o < c->n_out; o++) {
        const px_dim length = c->out[o].rank == 1 ? c->out[o].dims[0] : px_infer_unknown(c);
        if (!px_dim_is_const(length) || length.base > (int64_t)(c->in[0]->n_data - from))
            return;
        px_infer_set_data(c, o, c->in[0]->data + from, (size_t)length.base);
        from += (size_t)length.base;
    }
}

/* --- Tile, Pad --- */

static void tile_1(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    int64_t tiles = 0, axis = 0;
    int at = 0;
    if (x.rank < 0)
        return;
    if (!px_infer_int(c, 1, &tiles) || !px_infer_int(c, 2, &axis) || tiles < 0 ||
        !px_geo_axis(axis, x.rank, &at)) {
        for (int d = 0; d < x.rank; d++)
            x.dims[d] = px_infer_unknown(c);
    } else {
        x.dims[at] =
            px_dim_calc(px_infer_dims_table(c->infer), PX_DIM_MUL, x.dims[at], px_dim_const(tiles));
    }
    px_infer_shape(c, 0, x.rank, x.dims);
}

static void tile_6(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    px_dim_table *t = px_infer_dims_table(c->infer);
    const px_dim *repeats = NULL;
    size_t n = 0;
    if (x.rank < 0)
        return;
    const bool known = px_infer_data(c, 1, &repeats, &n);
    if (known && n != (size_t)x.rank)
        return;
    for (int d = 0; d < x.rank; d++)
        x.dims[d] = known && px_dim_is_nonneg(t, repeats[d])
                        ? px_dim_calc(t, PX_DIM_MUL, x.dims[d], repeats[d])
                        : px_infer_unknown(c);
    px_infer_shape(c, 0, x.rank, x.dims);
}

static int64_t padded(const void *arg, int64_t dim)
{
    const int64_t *pads = arg;
    return px_geo_padded(dim, pads[0], pads[1]);
}

/* `pads` has n begins, then n ends, for these axes (NULL: all). */
static void pad_by(px_infer_call *c, const px_dim *pads, size_t n, const int *axes)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    px_dim_table *t = px_infer_dims_table(c->infer);
    for (size_t i = 0; i < n; i++) {
        px_dim *d = &x.dims[axes ? axes[i] : (int)i];
        const px_dim begin = pads[i], end = pads[i + n];
        if (px_dim_is_const(begin) && px_dim_is_const(end)) {
            *d = px_dim_map(t, *d, 1, padded, (int64_t[]){begin.base, end.base});
        } else {
            const px_dim sum =
                px_dim_calc(t, PX_DIM_ADD, *d, px_dim_calc(t, PX_DIM_ADD, begin, end));
            *d = px_dim_is_nonneg(t, sum) ? sum : px_infer_unknown(c);
        }
    }
    px_infer_shape(c, 0, x.rank, x.dims);
}

static void pad_unknown(px_infer_call *c)
{
    px_dim dims[PX_MAX_RANK];
    const int rank = px_infer_rank(c, 0);
    for (int d = 0; d < rank; d++)
        dims[d] = px_infer_unknown(c);
    px_infer_shape(c, 0, rank, dims);
}

static void pad_attr(px_infer_call *c, const char *name)
{
    const int rank = px_infer_rank(c, 0);
    const int64_t *pads = NULL;
    size_t n = 0;
    px_dim at[2 * PX_MAX_RANK];
    if (rank < 0 || !px_infer_attr_ints(c, name, &pads, &n) || n != 2 * (size_t)rank)
        return;
    for (size_t i = 0; i < n; i++)
        at[i] = px_dim_const(pads[i]);
    pad_by(c, at, (size_t)rank, NULL);
}

static void pad_1(px_infer_call *c)
{
    pad_attr(c, "paddings");
}

static void pad_2(px_infer_call *c)
{
    pad_attr(c, "pads");
}

static void pad_11(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    const px_dim *pads = NULL;
    int axes[PX_MAX_RANK];
    size_t n = 0, n_axes = 0;
    if (rank < 0)
        return;
    const px_infer_axes how = px_infer_axes_of(c, 3, rank, axes, &n_axes);
    if (how == PX_INFER_AXES_NONE)
        n_axes = (size_t)rank;
    const px_infer_value *v = c->in[1];
    const bool is_row = v->data && v->rank == 2 && px_dim_is(v->dims[0], 1);
    if (is_row) { /* com.microsoft.Pad allows [1, 2 * rank] */
        pads = v->data;
        n = v->n_data;
    }
    if (how == PX_INFER_AXES_UNKNOWN || (!is_row && !px_infer_data(c, 1, &pads, &n)))
        pad_unknown(c);
    else if (n == 2 * n_axes)
        pad_by(c, pads, n_axes, how == PX_INFER_AXES_GIVEN ? axes : NULL);
}

static void center_crop_pad(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    const px_dim *want = NULL;
    int axes[PX_MAX_RANK];
    size_t n = 0, n_axes = 0;
    if (x.rank < 0)
        return;
    const px_infer_axes how = px_infer_axes_of(c, SIZE_MAX, x.rank, axes, &n_axes);
    if (how == PX_INFER_AXES_UNKNOWN)
        return;
    if (how == PX_INFER_AXES_NONE) {
        n_axes = (size_t)x.rank;
        for (int d = 0; d < x.rank; d++)
            axes[d] = d;
    }
    const bool known = px_infer_data(c, 1, &want, &n);
    if (known && n != n_axes)
        return;
    for (size_t i = 0; i < n_axes; i++)
        x.dims[axes[i]] = known && px_dim_is_nonneg(px_infer_dims_table(c->infer), want[i])
                              ? want[i]
                              : px_infer_unknown(c);
    px_infer_shape(c, 0, x.rank, x.dims);
}

/* --- blocks --- */

static px_dim divided(px_infer_call *c, px_dim d, int64_t by)
{
    px_dim out;
    const px_dim divisor = px_dim_const(by);
    return px_dim_quotient(px_infer_dims_table(c->infer), &d, 1, &divisor, 1, &out)
               ? out
               : px_infer_unknown(c);
}

/* Channels to space (or back): the block's area goes from one to the other. */
static void blocks(px_infer_call *c, bool to_space)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    px_dim_table *t = px_infer_dims_table(c->infer);
    const int64_t size = px_infer_attr_i(c, "blocksize", 0);
    if (size < 1 || size > INT32_MAX)
        return;
    if (x.rank < 0)
        for (x.rank = 0; x.rank < 4; x.rank++)
            x.dims[x.rank] = px_infer_unknown(c);
    if (x.rank != 4)
        return;
    const px_dim area = px_dim_const(size * size), side = px_dim_const(size);
    x.dims[1] =
        to_space ? divided(c, x.dims[1], area.base) : px_dim_calc(t, PX_DIM_MUL, x.dims[1], area);
    for (int d = 2; d < 4; d++)
        x.dims[d] =
            to_space ? px_dim_calc(t, PX_DIM_MUL, x.dims[d], side) : divided(c, x.dims[d], size);
    px_infer_shape(c, 0, 4, x.dims);
}

static void depth_to_space(px_infer_call *c)
{
    blocks(c, true);
}

static void space_to_depth(px_infer_call *c)
{
    blocks(c, false);
}

static const px_infer_op rows[] = {
    {"", "CenterCropPad", 18, center_crop_pad},
    {"", "Concat", 1, concat_1},
    {"", "Concat", 4, concat_4},
    {"", "DepthToSpace", 1, depth_to_space},
    {"", "Pad", 1, pad_1},
    {"", "Pad", 2, pad_2},
    {"", "Pad", 11, pad_11},
    {"", "SpaceToDepth", 1, space_to_depth},
    {"", "Split", 1, split},
    {"", "Tile", 1, tile_1},
    {"", "Tile", 6, tile_6},
    {"com.microsoft", "Pad", 1, pad_11},
    {"com.microsoft", "QLinearConcat", 1, qlinear_concat},
};

const px_infer_family px_infer_family_join = {rows, PX_COUNTOF(rows)};
