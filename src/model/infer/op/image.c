/* model/infer/op/image.c - images, boxes and signals. */
#include "model/infer/infer.h"

/* --- images --- */

static void grid_sample(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    if (c->node->domain.len > 0 && c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[0]->dtype);
    if (x.rank < 3 || px_infer_rank(c, 1) != x.rank)
        return;
    for (int d = 2; d < x.rank; d++)
        x.dims[d] = px_infer_dim(c, 1, d - 1);
    px_infer_shape(c, 0, x.rank, x.dims);
}

static void affine_grid(px_infer_call *c)
{
    const px_dim *size = NULL;
    px_dim dims[PX_MAX_RANK];
    px_dim_table *t = px_infer_dims_table(c->infer);
    size_t n = 0;
    int rank = 0;
    if (!px_infer_data(c, 1, &size, &n) || (n != 4 && n != 5))
        return;
    for (size_t i = 0; i < n; i++)
        if (i != 1)
            dims[rank++] = px_dim_is_nonneg(t, size[i]) ? size[i] : px_infer_unknown(c);
    dims[rank++] = px_dim_const((int64_t)n - 2);
    px_infer_shape(c, 0, rank, dims);
}

static void non_max_suppression(px_infer_call *c)
{
    const px_dim dims[2] = {px_infer_unknown(c), px_dim_const(3)};
    px_infer_shape(c, 0, 2, dims);
}

static void image_decoder(px_infer_call *c)
{
    const bool is_gray = px_str_is(px_infer_attr_s(c, "pixel_format", "RGB"), "Grayscale");
    const px_dim dims[3] = {px_infer_unknown(c), px_infer_unknown(c),
                            px_dim_const(is_gray ? 1 : 3)};
    px_infer_shape(c, 0, 3, dims);
}

/* --- signals --- */

typedef struct dft {
    int axis; /* -1: not known */
    bool has_length;
    int64_t length; /* -1: not known */
} dft;

/* The transformed dim. */
static px_dim dft_bins(px_infer_call *c, const dft *t, px_dim dim, bool is_inverse,
                       bool is_onesided)
{
    px_dim n = dim;
    if (t->has_length)
        n = t->length > 0 ? px_dim_const(t->length) : px_infer_unknown(c);
    if (!is_onesided)
        return n;
    if (!px_dim_is_const(n))
        return px_infer_unknown(c);
    if (!is_inverse)
        return px_dim_const(px_geo_dft_bins(n.base, true));
    return t->has_length ? n : px_dim_const(2 * (PX_MIN(n.base, PX_GEO_MAX_NUMBER) - 1));
}

static void dft_of(px_infer_call *c, const dft *t)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    const bool is_inverse = px_infer_attr_i(c, "inverse", 0) != 0;
    const bool is_onesided = px_infer_attr_i(c, "onesided", 0) != 0;
    /* Without a length and with both sides every axis keeps its dim, whichever it is. */
    for (int d = 0; d < x.rank - 1; d++) {
        if (t->axis < 0 && (t->has_length || is_onesided))
            x.dims[d] = px_infer_unknown(c);
        else if (d == t->axis)
            x.dims[d] = dft_bins(c, t, x.dims[d], is_inverse, is_onesided);
    }
    x.dims[x.rank - 1] = px_dim_const(is_inverse && is_onesided ? 1 : 2);
    px_infer_shape(c, 0, x.rank, x.dims);
}

static void dft_17(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    dft t = {.has_length = px_infer_has(c, 1), .length = -1};
    if (rank < 2 || !px_infer_axis(c, 1, rank, &t.axis) || t.axis == rank - 1)
        return;
    px_infer_int(c, 1, &t.length);
    dft_of(c, &t);
}

static void dft_20(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    dft t = {.axis = -1, .has_length = px_infer_has(c, 1), .length = -1};
    int64_t at = -2;
    if (rank < 2)
        return;
    const bool is_known = !px_infer_has(c, 2) || px_infer_int(c, 2, &at);
    if (is_known && (!px_geo_axis(at, rank, &t.axis) || t.axis == rank - 1))
        return;
    px_infer_int(c, 1, &t.length);
    dft_of(c, &t);
}

static void stft(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    px_dim dims[4] = {px_infer_dim(c, 0, 0), px_infer_unknown(c), px_infer_unknown(c),
                      px_dim_const(2)};
    int64_t step = 0, given = 0;
    px_dim frame = px_infer_unknown(c);
    if (rank < 2)
        return;
    const px_dim length = c->in[0]->dims[1];
    if (px_infer_has(c, 3)) {
        if (px_infer_int(c, 3, &given) && given > 0)
            frame = px_dim_const(given);
    } else if (px_infer_has(c, 2)) {
        frame = px_infer_dim(c, 2, 0);
    } else {
        frame = length;
    }
    if (px_dim_is_const(frame)) {
        dims[2] = px_dim_const(px_geo_dft_bins(frame.base, px_infer_attr_i(c, "onesided", 1) != 0));
        if (px_infer_int(c, 1, &step) && px_dim_is_const(length))
            dims[1] = px_dim_const(px_geo_stft_frames(length.base, frame.base, step));
    }
    px_infer_shape(c, 0, 4, dims);
}

static void output_type(px_infer_call *c)
{
    const int64_t type = px_infer_attr_i(c, "output_datatype", PGY_DTYPE_F32);
    if (type > 0 && type < PGY_DTYPE_COUNT)
        px_infer_dtype(c, 0, (pgy_dtype)type);
}

/* HannWindow and its like. */
static void window(px_infer_call *c)
{
    int64_t n = 0;
    const px_dim known = px_infer_int(c, 0, &n) && n >= 0 ? px_dim_const(n) : px_infer_unknown(c);
    output_type(c);
    px_infer_shape(c, 0, 1, &known);
}

static void mel_weights(px_infer_call *c)
{
    int64_t bands = 0, length = 0;
    px_dim dims[2] = {px_infer_unknown(c), px_infer_unknown(c)};
    output_type(c);
    if (px_infer_int(c, 1, &length) && length >= 0)
        dims[0] = px_dim_const(px_geo_dft_bins(length, true));
    if (px_infer_int(c, 0, &bands) && bands >= 0)
        dims[1] = px_dim_const(bands);
    px_infer_shape(c, 0, 2, dims);
}

static const px_infer_op rows[] = {
    {"", "AffineGrid", 20, affine_grid},
    {"", "BlackmanWindow", 17, window},
    {"", "DFT", 17, dft_17},
    {"", "DFT", 20, dft_20},
    {"", "GridSample", 16, grid_sample},
    {"", "HammingWindow", 17, window},
    {"", "HannWindow", 17, window},
    {"", "ImageDecoder", 20, image_decoder},
    {"", "MelWeightMatrix", 17, mel_weights},
    {"", "NonMaxSuppression", 10, non_max_suppression},
    {"", "STFT", 17, stft},
    {"com.microsoft", "GridSample", 1, grid_sample},
};

const px_infer_family px_infer_family_image = {rows, PX_COUNTOF(rows)};
