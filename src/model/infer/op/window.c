/* model/infer/op/window.c - convolutions, pools, and regions of interest. */
#include "model/infer/infer.h"

/* Attributes of a window over `rank` spatial dims. */
typedef struct window {
    int rank;
    px_geo_window d[PX_MAX_RANK];
    bool has_kernel;
} window;

static bool read_list(const px_infer_call *c, const char *name, size_t want, int64_t least,
                      const int64_t **out)
{
    size_t n = 0;
    *out = NULL;
    if (!px_infer_attr_ints(c, name, out, &n))
        return true;
    if (n != want)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((*out)[i] < least || (*out)[i] > PX_GEO_MAX_NUMBER)
            return false;
    return true;
}

static bool read_window(const px_infer_call *c, int rank, window *w)
{
    const int64_t *kernel, *strides, *dilations, *pads;
    const size_t n = (size_t)rank;
    const px_geo_auto_pad pad = px_geo_auto_pad_of(px_infer_attr_s(c, "auto_pad", "NOTSET"));
    if (rank < 1 || !read_list(c, "kernel_shape", n, 1, &kernel) ||
        !read_list(c, "strides", n, 1, &strides) || !read_list(c, "dilations", n, 1, &dilations) ||
        !read_list(c, "pads", 2 * n, -PX_GEO_MAX_NUMBER, &pads))
        return false;
    w->rank = rank;
    w->has_kernel = kernel != NULL;
    for (int d = 0; d < rank; d++)
        w->d[d] = (px_geo_window){.kernel = kernel ? kernel[d] : 0,
                                  .stride = strides ? strides[d] : 1,
                                  .dilation = dilations ? dilations[d] : 1,
                                  .pad = pads ? pads[d] : 0,
                                  .pad_end = pads ? pads[d + rank] : 0,
                                  .auto_pad = pad,
                                  .is_ceil = px_infer_attr_i(c, "ceil_mode", 0) != 0,
                                  .wanted = -1};
    return true;
}

static int64_t window_out(const void *arg, int64_t in)
{
    px_geo_window w = *(const px_geo_window *)arg;
    return in > PX_GEO_MAX_NUMBER ? PX_GEO_NONE : px_geo_window_out(&w, in);
}

static int64_t transposed_out(const void *arg, int64_t in)
{
    px_geo_window w = *(const px_geo_window *)arg;
    return in > PX_GEO_MAX_NUMBER ? PX_GEO_NONE : px_geo_transposed_out(&w, in);
}

static int64_t unpooled(const void *arg, int64_t in)
{
    return in > PX_GEO_MAX_NUMBER ? PX_GEO_NONE : px_geo_unpooled(arg, in);
}

/* A window whose kernel is known, over a dim. */
static px_dim slide(px_infer_call *c, const px_geo_window *w, px_dim in)
{
    if (w->kernel < 1 || w->kernel > PX_GEO_MAX_NUMBER)
        return px_infer_unknown(c);
    return px_dim_map(px_infer_dims_table(c->infer), in, w->stride, window_out, w);
}

/* Kernel sizes come from the attribute, else from the weights' dims behind the first two. */
static void take_kernel(const px_infer_call *c, size_t weights, window *w)
{
    const int rank = px_infer_rank(c, weights);
    for (int d = 0; d < w->rank && rank == w->rank + 2; d++) {
        const px_dim dim = c->in[weights]->dims[d + 2];
        if (w->d[d].kernel == 0 && px_dim_is_const(dim))
            w->d[d].kernel = dim.base;
    }
}

/* --- convolutions --- */

static void conv_of(px_infer_call *c, size_t x_input, size_t weights)
{
    px_infer_dims x = px_infer_dims_of(c->in[x_input]);
    const int w_rank = px_infer_rank(c, weights);
    window w = {0};
    if (x.rank < 3 || (w_rank >= 0 && w_rank != x.rank) || !read_window(c, x.rank - 2, &w))
        return;
    take_kernel(c, weights, &w);
    x.dims[1] = w_rank >= 0 ? c->in[weights]->dims[0] : px_infer_unknown(c);
    for (int d = 0; d < w.rank; d++) {
        w.d[d].is_ceil = false;
        w.d[d].must_fit = true;
        x.dims[d + 2] = slide(c, &w.d[d], x.dims[d + 2]);
    }
    px_infer_shape(c, 0, x.rank, x.dims);
}

static void conv(px_infer_call *c)
{
    conv_of(c, 0, 1);
}

static void qlinear_conv(px_infer_call *c)
{
    if (c->in[7]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[7]->dtype);
    if (px_infer_attr_i(c, "channels_last", 0) == 0)
        conv_of(c, 0, 3);
}

static void fused_conv(px_infer_call *c)
{
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[0]->dtype);
    conv_of(c, 0, 1);
}

static void conv_transpose(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    const int64_t *extra = NULL, *wanted = NULL, group = px_infer_attr_i(c, "group", 1);
    size_t n_wanted = 0;
    window w = {0};
    if (x.rank < 3 || px_infer_rank(c, 1) != x.rank || !read_window(c, x.rank - 2, &w) ||
        !read_list(c, "output_padding", (size_t)w.rank, 0, &extra))
        return;
    if (px_infer_attr_ints(c, "output_shape", &wanted, &n_wanted)) {
        if (n_wanted == (size_t)x.rank) { /* with batch and channels */
            wanted += 2;
            n_wanted -= 2;
        }
        if (n_wanted != (size_t)w.rank)
            return;
    }
    take_kernel(c, 1, &w);
    x.dims[1] = px_dim_calc(px_infer_dims_table(c->infer), PX_DIM_MUL, px_infer_dim(c, 1, 1),
                            px_dim_const(group));
    for (int d = 0; d < w.rank; d++) {
        px_geo_window *at = &w.d[d];
        at->extra = extra ? extra[d] : 0;
        at->wanted = wanted ? wanted[d] : -1;
        if (at->wanted >= 0)
            x.dims[d + 2] = px_dim_const(at->wanted);
        else if (at->kernel < 1 || at->kernel > PX_GEO_MAX_NUMBER)
            x.dims[d + 2] = px_infer_unknown(c);
        else
            x.dims[d + 2] =
                px_dim_map(px_infer_dims_table(c->infer), x.dims[d + 2], 1, transposed_out, at);
    }
    px_infer_shape(c, 0, x.rank, x.dims);
}

static void deform_conv(px_infer_call *c)
{
    conv_of(c, 0, 1);
}

/* --- pools --- */

static void pool_like(px_infer_call *c, bool can_dilate)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    window w = {0};
    if (x.rank < 3 || !read_window(c, x.rank - 2, &w) || !w.has_kernel)
        return;
    for (int d = 0; d < w.rank; d++) {
        if (!can_dilate)
            w.d[d].dilation = 1;
        x.dims[d + 2] = slide(c, &w.d[d], x.dims[d + 2]);
    }
    for (size_t o = 0; o < 2; o++)
        px_infer_shape(c, o, x.rank, x.dims);
}

static void pool(px_infer_call *c)
{
    pool_like(c, true);
}

static void qlinear_pool(px_infer_call *c)
{
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[0]->dtype);
    if (px_infer_attr_i(c, "channels_last", 0) == 0)
        pool_like(c, false);
}

static void global_pool(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    for (int d = 2; d < x.rank; d++)
        x.dims[d] = px_dim_const(1);
    if (x.rank >= 2)
        px_infer_shape(c, 0, x.rank, x.dims);
}

static void qlinear_global_pool(px_infer_call *c)
{
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[0]->dtype);
    if (px_infer_attr_i(c, "channels_last", 0) == 0)
        global_pool(c);
}

static void max_unpool(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    const px_dim *wanted = NULL;
    size_t n = 0;
    window w = {0};
    if (x.rank < 3)
        return;
    if (px_infer_has(c, 2)) {
        const bool known = px_infer_data(c, 2, &wanted, &n) && n == (size_t)x.rank;
        for (int d = 0; d < x.rank; d++)
            x.dims[d] = known && px_dim_is_nonneg(px_infer_dims_table(c->infer), wanted[d])
                            ? wanted[d]
                            : px_infer_unknown(c);
    } else {
        if (!read_window(c, x.rank - 2, &w) || !w.has_kernel)
            return;
        for (int d = 0; d < w.rank; d++)
            x.dims[d + 2] =
                px_dim_map(px_infer_dims_table(c->infer), x.dims[d + 2], 1, unpooled, &w.d[d]);
    }
    px_infer_shape(c, 0, x.rank, x.dims);
}

/* --- regions --- */

static void regions(px_infer_call *c, int64_t height, int64_t width)
{
    const px_dim dims[4] = {px_infer_dim(c, 1, 0), px_infer_dim(c, 0, 1), px_dim_const(height),
                            px_dim_const(width)};
    px_infer_shape(c, 0, 4, dims);
}

static void roi_align(px_infer_call *c)
{
    regions(c, px_infer_attr_i(c, "output_height", 1), px_infer_attr_i(c, "output_width", 1));
}

static void max_roi_pool(px_infer_call *c)
{
    const int64_t *at = NULL;
    size_t n = 0;
    if (px_infer_attr_ints(c, "pooled_shape", &at, &n) && n == 2)
        regions(c, at[0], at[1]);
}

static void col2im(px_infer_call *c)
{
    const px_dim *image = NULL, *block = NULL;
    px_dim dims[PX_MAX_RANK];
    px_dim_table *t = px_infer_dims_table(c->infer);
    size_t n = 0, n_block = 0;
    if (!px_infer_data(c, 1, &image, &n) || n + 2 > PX_MAX_RANK)
        return;
    dims[0] = px_infer_dim(c, 0, 0);
    dims[1] = px_infer_unknown(c);
    const px_dim columns = px_infer_dim(c, 0, 1);
    if (px_infer_data(c, 2, &block, &n_block) &&
        !px_dim_quotient(t, &columns, 1, block, n_block, &dims[1]))
        dims[1] = px_infer_unknown(c);
    for (size_t i = 0; i < n; i++)
        dims[i + 2] = px_dim_is_nonneg(t, image[i]) ? image[i] : px_infer_unknown(c);
    px_infer_shape(c, 0, (int)n + 2, dims);
}

static const px_infer_op rows[] = {
    {"", "AveragePool", 1, pool},
    {"", "Col2Im", 18, col2im},
    {"", "Conv", 1, conv},
    {"", "ConvInteger", 10, conv},
    {"", "ConvTranspose", 1, conv_transpose},
    {"", "DeformConv", 19, deform_conv},
    {"", "GlobalAveragePool", 1, global_pool},
    {"", "GlobalLpPool", 1, global_pool},
    {"", "GlobalMaxPool", 1, global_pool},
    {"", "LpPool", 2, pool},
    {"", "MaxPool", 1, pool},
    {"", "MaxRoiPool", 1, max_roi_pool},
    {"", "MaxUnpool", 9, max_unpool},
    {"", "QLinearConv", 10, qlinear_conv},
    {"", "RoiAlign", 10, roi_align},
    {"com.microsoft", "FusedConv", 1, fused_conv},
    {"com.microsoft", "QLinearAveragePool", 1, qlinear_pool},
    {"com.microsoft", "QLinearConv", 1, qlinear_conv},
    {"com.microsoft", "QLinearGlobalAveragePool", 1, qlinear_global_pool},
};

const px_infer_family px_infer_family_window = {rows, PX_COUNTOF(rows)};
