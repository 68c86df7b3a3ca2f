/* model/infer/op/resize.c - Resize and Upsample. */
#include "model/infer/infer.h"

static int64_t scaled(const void *arg, int64_t dim)
{
    return px_geo_scaled(dim, *(const double *)arg);
}

/* A scale of 1 keeps any dim, a whole one multiplies it; others need the number. Float32 counts
 * exactly up to 2^24, beyond which no dim goes that is multiplied. */
static px_dim scale_dim(px_infer_call *c, px_dim d, double scale)
{
    px_dim_table *t = px_infer_dims_table(c->infer);
    if (px_dim_is_const(d))
        return px_dim_map(t, d, 1, scaled, &scale);
    if (scale >= 1 && scale <= 1024 && scale == (double)(int64_t)scale)
        return px_dim_calc(t, PX_DIM_MUL, d, px_dim_const((int64_t)scale));
    return px_infer_unknown(c);
}

static void by_scales(px_infer_call *c, const double *scales, size_t n, const int *axes)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    for (size_t i = 0; i < n; i++) {
        px_dim *d = &x.dims[axes ? axes[i] : (int)i];
        *d = scale_dim(c, *d, scales[i]);
    }
    px_infer_shape(c, 0, x.rank, x.dims);
}

/* The rank, and the dims that `axes` does not name. */
static void unknown_at(px_infer_call *c, size_t n, const int *axes)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    for (size_t i = 0; i < n; i++)
        x.dims[axes ? axes[i] : (int)i] = px_infer_unknown(c);
    px_infer_shape(c, 0, x.rank, x.dims);
}

static void upsample_1(px_infer_call *c)
{
    const px_onnx_attr *h = px_infer_attr(c, "height_scale"), *w = px_infer_attr(c, "width_scale");
    if (h && w && px_infer_rank(c, 0) == 4)
        by_scales(c, (double[]){1, 1, (double)h->f, (double)w->f}, 4, NULL);
}

static void upsample_7(px_infer_call *c)
{
    const px_onnx_attr *a = px_infer_attr(c, "scales");
    double scales[PX_MAX_RANK];
    const int rank = px_infer_rank(c, 0);
    if (!a || a->type != PX_ONNX_ATTR_FLOATS || rank < 0 || a->n != (size_t)rank)
        return;
    for (size_t i = 0; i < a->n; i++)
        scales[i] = (double)a->floats[i];
    by_scales(c, scales, a->n, NULL);
}

static void scales_input(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    const double *scales = NULL;
    size_t n = 0;
    if (rank < 0)
        return;
    if (!px_infer_reals(c, 1, &scales, &n))
        unknown_at(c, (size_t)rank, NULL);
    else if (n == (size_t)rank)
        by_scales(c, scales, n, NULL);
}

static void by_sizes(px_infer_call *c, size_t n_axes, const int *axes)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    px_dim_table *t = px_infer_dims_table(c->infer);
    const px_str policy = px_infer_attr_s(c, "keep_aspect_ratio_policy", "stretch");
    const bool keeps_ratio = !px_str_is(policy, "stretch");
    const px_dim *sizes = NULL;
    int64_t dims[PX_MAX_RANK], wanted[PX_MAX_RANK];
    bool is_constant = true;
    size_t n = 0;
    if (!px_infer_data(c, 3, &sizes, &n)) {
        unknown_at(c, n_axes, axes);
        return;
    }
    if (n != n_axes)
        return;
    for (size_t i = 0; i < n; i++) {
        const px_dim d = x.dims[axes ? axes[i] : (int)i];
        is_constant = is_constant && px_dim_is_const(d) && px_dim_is_const(sizes[i]);
        dims[i] = d.base;
        wanted[i] = sizes[i].base;
    }
    if (keeps_ratio && !is_constant) {
        unknown_at(c, n, axes);
        return;
    }
    const double scale =
        keeps_ratio ? px_geo_common_scale(dims, wanted, n, px_str_is(policy, "not_larger")) : 1;
    for (size_t i = 0; i < n; i++) {
        px_dim *d = &x.dims[axes ? axes[i] : (int)i];
        if (keeps_ratio)
            *d = px_dim_const(px_geo_rescaled(dims[i], scale));
        else
            *d = px_dim_is_nonneg(t, sizes[i]) ? sizes[i] : px_infer_unknown(c);
    }
    px_infer_shape(c, 0, x.rank, x.dims);
}

static void resize_11(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    int axes[PX_MAX_RANK];
    size_t n_axes = 0, n = 0;
    const double *scales = NULL;
    if (rank < 0)
        return;
    const px_infer_axes how = px_infer_axes_of(c, SIZE_MAX, rank, axes, &n_axes);
    if (how == PX_INFER_AXES_UNKNOWN)
        return;
    if (how == PX_INFER_AXES_NONE)
        n_axes = (size_t)rank;
    const int *at = how == PX_INFER_AXES_NONE ? NULL : axes;
    /* An empty tensor of scales stands for none; version 11 could not leave it out. */
    const bool has_sizes = px_infer_has(c, 3);
    if (has_sizes)
        by_sizes(c, n_axes, at);
    else if (!px_infer_reals(c, 2, &scales, &n))
        unknown_at(c, n_axes, at);
    else if (n == n_axes)
        by_scales(c, scales, n, at);
}

static const px_infer_op rows[] = {
    {"", "Resize", 10, scales_input},  {"", "Resize", 11, resize_11},
    {"", "Upsample", 1, upsample_1},   {"", "Upsample", 7, upsample_7},
    {"", "Upsample", 9, scales_input},
};

const px_infer_family px_infer_family_resize = {rows, PX_COUNTOF(rows)};
