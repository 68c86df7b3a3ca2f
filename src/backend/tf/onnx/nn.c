/* backend/tf/onnx/nn.c - windows over images, normalisation and resizing.
 *
 * TensorFlow's CPU kernels want the channels last, so each operator turns its image, works, and
 * turns it back. Signals of one dimension become images of height 1.
 */
#include "backend/tf/onnx/build.h"

#include "base/tensor.h"

#include <math.h>

#define MAX_SPATIAL 3

/* A window that slides over the spatial dimensions. */
typedef struct window {
    int n;        /* spatial dimensions, 2 or 3 after widen() */
    bool is_wide; /* a dimension of 1 was put in front */
    int64_t kernel[MAX_SPATIAL], strides[MAX_SPATIAL], dilations[MAX_SPATIAL];
    int64_t begins[MAX_SPATIAL], ends[MAX_SPATIAL]; /* pads */
} window;

static px_tf_port to_last(px_tf_build *b, px_tf_port x, int n)
{
    const int64_t order[][MAX_SPATIAL + 2] = {{0, 2, 1}, {0, 2, 3, 1}, {0, 2, 3, 4, 1}};
    return px_tf_transpose(b, x, order[n - 1], n + 2);
}

static px_tf_port to_first(px_tf_build *b, px_tf_port x, int n)
{
    const int64_t order[][MAX_SPATIAL + 2] = {{0, 2, 1}, {0, 3, 1, 2}, {0, 4, 1, 2, 3}};
    return px_tf_transpose(b, x, order[n - 1], n + 2);
}

static void ones(int64_t *at)
{
    for (int i = 0; i < MAX_SPATIAL; i++)
        at[i] = 1;
}

/* Pads that keep ceil(size / stride) windows, the odd one at the end (or, for LOWER, in front). */
static void pad_to_same(px_tf_build *b, px_tf_port x, bool lower, window *w)
{
    int64_t dims[PX_TF_MAX_RANK];
    if (px_tf_dims(b, x, dims) != w->n + 2)
        return;
    for (int i = 0; i < w->n; i++) {
        const int64_t size = dims[i + 2], reach = (w->kernel[i] - 1) * w->dilations[i] + 1;
        if (size < 0 && w->strides[i] != 1) {
            px_tf_refuse(b, "auto_pad needs the size of its input, which is not known before it "
                            "runs.");
            return;
        }
        const int64_t n = size < 0 ? 0 : (size + w->strides[i] - 1) / w->strides[i];
        const int64_t all =
            size < 0 ? reach - 1 : PX_MAX((n - 1) * w->strides[i] + reach - size, 0);
        w->begins[i] = lower ? all - all / 2 : all / 2;
        w->ends[i] = all - w->begins[i];
    }
}

/* Reads what all window operators have; kernel[] is set by the caller before. */
static void read_window(px_tf_build *b, px_tf_port x, window *w)
{
    int64_t pads[2 * MAX_SPATIAL] = {0};
    const px_str mode = px_tf_text_of(b, "auto_pad", "NOTSET");
    ones(w->strides);
    ones(w->dilations);
    px_tf_ints_of(b, "strides", w->strides, MAX_SPATIAL);
    px_tf_ints_of(b, "dilations", w->dilations, MAX_SPATIAL);
    px_tf_ints_of(b, "pads", pads, 2 * MAX_SPATIAL);
    for (int i = 0; i < w->n; i++) {
        w->begins[i] = pads[i];
        w->ends[i] = pads[i + w->n];
        if (w->kernel[i] < 1 || w->strides[i] < 1 || w->dilations[i] < 1 || pads[i] < 0 ||
            pads[i + w->n] < 0)
            px_tf_refuse(b, "its window has a size, stride, dilation or pad that is no such "
                            "number.");
    }
    if (px_str_is(mode, "SAME_UPPER") || px_str_is(mode, "SAME_LOWER"))
        pad_to_same(b, x, px_str_is(mode, "SAME_LOWER"), w);
}

/* Room for the last windows that begin inside the image but end outside (ceil_mode). */
static void pad_to_ceil(px_tf_build *b, px_tf_port x, window *w)
{
    int64_t dims[PX_TF_MAX_RANK];
    if (px_tf_int_of(b, "ceil_mode", 0) == 0 || px_tf_dims(b, x, dims) != w->n + 2)
        return;
    for (int i = 0; i < w->n; i++) {
        const int64_t size = dims[i + 2] + w->begins[i] + w->ends[i];
        if (dims[i + 2] < 0) {
            px_tf_refuse(b, "ceil_mode needs the size of its input, which is not known before it "
                            "runs.");
            return;
        }
        int64_t n = (size - w->kernel[i] + w->strides[i] - 1) / w->strides[i] + 1;
        if ((n - 1) * w->strides[i] >= dims[i + 2] + w->begins[i])
            n--;
        w->ends[i] += PX_MAX((n - 1) * w->strides[i] + w->kernel[i] - size, 0);
    }
}

/* One dimension becomes two. */
static px_tf_port widen(px_tf_build *b, px_tf_port x, window *w)
{
    if (w->n != 1)
        return x;
    int64_t *const all[] = {w->kernel, w->strides, w->dilations, w->begins, w->ends};
    for (size_t i = 0; i < PX_COUNTOF(all); i++) {
        all[i][1] = all[i][0];
        all[i][0] = i < 3 ? 1 : 0;
    }
    w->n = 2;
    w->is_wide = true;
    return px_tf_2(b, "ExpandDims", x, px_tf_scalar32(b, 2));
}

static px_tf_port narrow(px_tf_build *b, px_tf_port x, const window *w)
{
    const int64_t axis = 2;
    if (!w->is_wide)
        return x;
    px_tf_begin(b, "Squeeze");
    px_tf_in(b, x);
    px_tf_set_ints(b, "squeeze_dims", &axis, 1);
    return px_tf_finish(b);
}

/* An image with channels last, padded. */
static px_tf_port padded(px_tf_build *b, px_tf_port x, const window *w, double value)
{
    int64_t rows[2 * (MAX_SPATIAL + 2)] = {0};
    int64_t sum = 0;
    for (int i = 0; i < w->n; i++) {
        rows[2 * (i + 1)] = w->begins[i];
        rows[2 * (i + 1) + 1] = w->ends[i];
        sum += w->begins[i] + w->ends[i];
    }
    if (sum == 0)
        return x;
    px_tf_port pads = px_tf_vector(b, rows, 2 * (w->n + 2));
    pads = px_tf_reshape(b, pads, (const int64_t[]){w->n + 2, 2}, 2);
    return px_tf_3(b, "PadV2", x, pads, px_tf_number(b, value, x));
}

/* {1, at[0], at[1], ..., 1}, as TensorFlow lists strides and the like. */
static void set_window(px_tf_build *b, const char *name, const int64_t *at, int n)
{
    int64_t list[MAX_SPATIAL + 2] = {1};
    for (int i = 0; i < n; i++)
        list[i + 1] = at[i];
    list[n + 1] = 1;
    px_tf_set_ints(b, name, list, n + 2);
}

/* --- convolutions --- */

/* A vector per channel, shaped {C, 1, 1} for an image of that rank. */
static px_tf_port per_channel(px_tf_build *b, px_tf_port x, int rank)
{
    const int64_t dims[PX_TF_MAX_RANK] = {-1, 1, 1, 1, 1, 1, 1, 1};
    return px_tf_reshape(b, x, dims, PX_MAX(rank - 1, 1));
}

static bool has_dilation(const window *w)
{
    for (int i = 0; i < w->n; i++)
        if (w->dilations[i] != 1)
            return true;
    return false;
}

/* A filter per channel; `weights` are {C * m, 1, h, w}. */
static px_tf_port depthwise(px_tf_build *b, px_tf_port x, px_tf_port weights, const window *w,
                            int64_t channels)
{
    px_tf_port filter = px_tf_transpose(b, weights, (const int64_t[]){2, 3, 0, 1}, 4);
    filter =
        px_tf_reshape(b, filter, (const int64_t[]){w->kernel[0], w->kernel[1], channels, -1}, 4);
    px_tf_begin(b, "DepthwiseConv2dNative");
    px_tf_in(b, x);
    px_tf_in(b, filter);
    set_window(b, "strides", w->strides, 2);
    px_tf_set_text(b, "padding", "VALID");
    return px_tf_finish(b);
}

static px_tf_port convolve(px_tf_build *b, px_tf_port x, px_tf_port weights, const window *w)
{
    const int64_t orders[][MAX_SPATIAL + 2] = {{2, 3, 1, 0}, {2, 3, 4, 1, 0}};
    const px_tf_port filter = px_tf_transpose(b, weights, orders[w->n - 2], w->n + 2);
    px_tf_begin(b, w->n == 2 ? "Conv2D" : "Conv3D");
    px_tf_in(b, x);
    px_tf_in(b, filter);
    set_window(b, "strides", w->strides, w->n);
    set_window(b, "dilations", w->dilations, w->n);
    px_tf_set_text(b, "padding", "VALID");
    return px_tf_finish(b);
}

px_tf_port px_tf_conv(px_tf_build *b, px_tf_port x, px_tf_port weights, const px_tf_port *bias)
{
    int64_t dims[PX_TF_MAX_RANK];
    const int rank = px_tf_dims(b, weights, dims);
    const int64_t group = px_tf_int_of(b, "group", 1);
    window w = {.n = rank - 2};
    if (rank < 3 || rank > MAX_SPATIAL + 2 || px_tf_ints_of(b, "kernel_shape", w.kernel, 3) == 0) {
        px_tf_refuse(b, "convolutions over %d dimensions are not mapped.", rank - 2);
        return x;
    }
    for (int i = 0; i < w.n; i++)
        w.kernel[i] = dims[i + 2];
    read_window(b, x, &w);
    if (w.n == 1)
        weights = px_tf_2(b, "ExpandDims", weights, px_tf_scalar32(b, 2));
    x = widen(b, x, &w);
    x = padded(b, to_last(b, x, w.n), &w, 0);
    const bool is_depthwise =
        group > 1 && dims[1] == 1 && w.n == 2 && w.strides[0] == w.strides[1] && !has_dilation(&w);
    if (w.n > 2 && (group > 1 || has_dilation(&w)))
        px_tf_refuse(b, "grouped and dilated convolutions over volumes have no counterpart on "
                        "TensorFlow's CPU.");
    x = is_depthwise ? depthwise(b, x, weights, &w, group) : convolve(b, x, weights, &w);
    /* TensorFlow would fuse a grouped convolution and a BiasAdd into a kernel that knows no
     * groups. */
    const bool adds_late = group > 1 && !is_depthwise;
    if (bias != NULL && !adds_late)
        x = px_tf_2(b, "BiasAdd", x, *bias);
    x = to_first(b, x, w.n);
    if (bias != NULL && adds_late)
        x = px_tf_2(b, "AddV2", x, per_channel(b, *bias, w.n + 2));
    return narrow(b, x, &w);
}

static void conv(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), weights = px_tf_input(b, 1);
    const bool has_bias = px_tf_has(b, 2);
    const px_tf_port bias = has_bias ? px_tf_input(b, 2) : x;
    px_tf_output(b, 0, px_tf_conv(b, x, weights, has_bias ? &bias : NULL));
}

/* Cuts what the pads of a transposed convolution take away. */
static px_tf_port crop(px_tf_build *b, px_tf_port x, const window *w, const int64_t *extra)
{
    int64_t from[MAX_SPATIAL + 2] = {0}, to[MAX_SPATIAL + 2] = {0}, by[MAX_SPATIAL + 2];
    int64_t mask = 1 | (int64_t)1 << (w->n + 1);
    window more = {.n = w->n};
    for (int i = 0; i < w->n + 2; i++)
        by[i] = 1;
    for (int i = 0; i < w->n; i++) {
        from[i + 1] = w->begins[i];
        to[i + 1] = -PX_MAX(w->ends[i] - extra[i], 0);
        more.ends[i] = PX_MAX(extra[i] - w->ends[i], 0);
        mask |= to[i + 1] == 0 ? (int64_t)1 << (i + 1) : 0;
    }
    const px_tf_port start = px_tf_vector(b, from, w->n + 2), end = px_tf_vector(b, to, w->n + 2),
                     step = px_tf_vector(b, by, w->n + 2);
    px_tf_begin(b, "StridedSlice");
    px_tf_in(b, x);
    px_tf_in(b, start);
    px_tf_in(b, end);
    px_tf_in(b, step);
    px_tf_set_int(b, "end_mask", mask);
    return padded(b, px_tf_finish(b), &more, 0);
}

static void conv_transpose(px_tf_build *b)
{
    px_tf_port x = px_tf_input(b, 0), weights = px_tf_input(b, 1);
    int64_t dims[PX_TF_MAX_RANK], extra[MAX_SPATIAL] = {0};
    const int rank = px_tf_dims(b, weights, dims);
    window w = {.n = rank - 2};
    const px_str mode = px_tf_text_of(b, "auto_pad", "NOTSET");
    if (rank != 4 || px_tf_int_of(b, "group", 1) != 1 || !px_str_is(mode, "NOTSET") ||
        px_onnx_node_attr(b->node, "output_shape") != NULL) {
        px_tf_refuse(b, "transposed convolutions are mapped over images, in one group, with pads "
                        "that are given.");
        return;
    }
    for (int i = 0; i < w.n; i++)
        w.kernel[i] = dims[i + 2];
    read_window(b, x, &w);
    px_tf_ints_of(b, "output_padding", extra, MAX_SPATIAL);
    if (has_dilation(&w))
        px_tf_refuse(b, "dilated transposed convolutions have no counterpart on TensorFlow's CPU.");
    x = to_last(b, x, 2);
    /* The whole size, before pads: stride * (size - 1) + kernel. */
    const px_tf_port shape = px_tf_shape(b, x), one = px_tf_scalar(b, 1);
    const px_tf_port less = px_tf_2(b, "Sub", px_tf_part(b, shape, 1, 2), one);
    const px_tf_port apart = px_tf_2(b, "Mul", less, px_tf_vector(b, w.strides, 2));
    const px_tf_port whole = px_tf_2(b, "AddV2", apart, px_tf_vector(b, w.kernel, 2));
    const px_tf_port sizes[] = {px_tf_part(b, shape, 0, 1), whole, px_tf_vector(b, &dims[1], 1)};
    const px_tf_port full = px_tf_cast(b, px_tf_concat(b, sizes, 3, 0), PX_TF_INT32);
    const px_tf_port filter = px_tf_transpose(b, weights, (const int64_t[]){2, 3, 1, 0}, 4);
    px_tf_begin(b, "Conv2DBackpropInput");
    px_tf_in(b, full);
    px_tf_in(b, filter);
    px_tf_in(b, x);
    set_window(b, "strides", w.strides, 2);
    px_tf_set_text(b, "padding", "VALID");
    x = crop(b, px_tf_finish(b), &w, extra);
    if (px_tf_has(b, 2))
        x = px_tf_2(b, "BiasAdd", x, px_tf_input(b, 2));
    px_tf_output(b, 0, to_first(b, x, 2));
}

/* --- pooling --- */

static px_tf_port pool(px_tf_build *b, const char *op, px_tf_port x, const window *w)
{
    px_buf name = {0};
    px_buf_printf(&name, "%s%s", op, w->n == 3 ? "3D" : "");
    px_tf_begin(b, px_buf_cstr(&name));
    px_tf_in(b, x);
    set_window(b, "ksize", w->kernel, w->n);
    set_window(b, "strides", w->strides, w->n);
    px_tf_set_text(b, "padding", "VALID");
    px_buf_fini(&name);
    return px_tf_finish(b);
}

static bool read_pool(px_tf_build *b, px_tf_port x, window *w)
{
    w->n = px_tf_ints_of(b, "kernel_shape", w->kernel, MAX_SPATIAL);
    if (w->n < 1 || px_tf_rank(b, x) != w->n + 2) {
        px_tf_refuse(b, "its kernel_shape does not fit its input.");
        return false;
    }
    read_window(b, x, w);
    if (has_dilation(w))
        px_tf_refuse(b, "dilated pooling has no counterpart in TensorFlow.");
    return b->st == NULL;
}

static void max_pool(px_tf_build *b)
{
    px_tf_port x = px_tf_input(b, 0);
    window w = {0};
    if (!read_pool(b, x, &w))
        return;
    if (b->node->n_outputs > 1 && b->node->outputs[1].len > 0)
        px_tf_refuse(b, "the positions of the largest elements are not mapped.");
    pad_to_ceil(b, x, &w);
    x = widen(b, x, &w);
    x = pool(b, "MaxPool", padded(b, to_last(b, x, w.n), &w, -(double)INFINITY), &w);
    px_tf_output(b, 0, narrow(b, to_first(b, x, w.n), &w));
}

/* Where pads do not count, the mean over the window with them is divided by the share of the window
 * that lies inside. */
static void average_pool(px_tf_build *b)
{
    px_tf_port x = px_tf_input(b, 0);
    const bool counts_pads = px_tf_int_of(b, "count_include_pad", 0) != 0;
    window w = {0};
    if (!read_pool(b, x, &w))
        return;
    int64_t end = 0, all = 0;
    for (int i = 0; i < w.n; i++)
        end += w.ends[i];
    pad_to_ceil(b, x, &w);
    for (int i = 0; i < w.n; i++) {
        end -= w.ends[i];
        all += w.begins[i] + w.ends[i];
    }
    if (end != 0 && counts_pads)
        px_tf_refuse(b, "ceil_mode together with count_include_pad is not mapped.");
    x = widen(b, x, &w);
    x = to_last(b, x, w.n);
    px_tf_port mean = pool(b, "AvgPool", padded(b, x, &w, 0), &w);
    if (!counts_pads && all > 0) {
        const px_tf_port inside = px_tf_1(b, "OnesLike", x);
        mean = px_tf_2(b, "RealDiv", mean, pool(b, "AvgPool", padded(b, inside, &w, 0), &w));
    }
    px_tf_output(b, 0, narrow(b, to_first(b, mean, w.n), &w));
}

/* Numbers first, first + 1, ... below `end`. */
static px_tf_port axes_from(px_tf_build *b, int first, int end)
{
    int64_t axes[PX_TF_MAX_RANK];
    int n = 0;
    for (int i = first; i < end && n < PX_TF_MAX_RANK; i++)
        axes[n++] = i;
    return px_tf_vector(b, axes, n);
}

static px_tf_port over(px_tf_build *b, const char *op, px_tf_port x, px_tf_port axes)
{
    px_tf_begin(b, op);
    px_tf_in(b, x);
    px_tf_in(b, axes);
    px_tf_set_bool(b, "keep_dims", true);
    return px_tf_finish(b);
}

static void global_pool(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    px_tf_output(b, 0, over(b, px_tf_row(b)->as, x, axes_from(b, 2, px_tf_rank(b, x))));
}

/* --- normalisation --- */

static px_tf_port inverse_root(px_tf_build *b, px_tf_port variance)
{
    const px_tf_port epsilon =
        px_tf_number(b, (double)px_tf_float_of(b, "epsilon", 1e-5f), variance);
    return px_tf_1(b, "Reciprocal", px_tf_1(b, "Sqrt", px_tf_2(b, "AddV2", variance, epsilon)));
}

static void batch_normalization(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const int rank = px_tf_rank(b, x);
    const px_tf_port scale = px_tf_input(b, 1), bias = px_tf_input(b, 2);
    const px_tf_port mean = px_tf_input(b, 3), variance = px_tf_input(b, 4);
    if (px_tf_int_of(b, "training_mode", 0) != 0)
        px_tf_refuse(b, "training mode is not mapped.");
    const px_tf_port factor = px_tf_2(b, "Mul", scale, inverse_root(b, variance));
    const px_tf_port shift = px_tf_2(b, "Sub", bias, px_tf_2(b, "Mul", mean, factor));
    const px_tf_port scaled = px_tf_2(b, "Mul", x, per_channel(b, factor, rank));
    px_tf_output(b, 0, px_tf_2(b, "AddV2", scaled, per_channel(b, shift, rank)));
}

/* `out_used`, unless NULL, gets the mean and the inverse of the deviation. */
static px_tf_port normalized(px_tf_build *b, px_tf_port x, px_tf_port axes, px_tf_port *out_used)
{
    const px_tf_port mean = over(b, "Mean", x, axes);
    const px_tf_port centred = px_tf_2(b, "Sub", x, mean);
    const px_tf_port variance = over(b, "Mean", px_tf_1(b, "Square", centred), axes);
    const px_tf_port factor = inverse_root(b, variance);
    if (out_used != NULL) {
        out_used[0] = mean;
        out_used[1] = factor;
    }
    return px_tf_2(b, "Mul", centred, factor);
}

static void layer_normalization(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), scale = px_tf_input(b, 1);
    const int rank = px_tf_rank(b, x);
    const int axis = px_tf_axis(b, px_tf_int_of(b, "axis", -1), rank);
    px_tf_port used[2];
    px_tf_port y = px_tf_2(b, "Mul", normalized(b, x, axes_from(b, axis, rank), used), scale);
    if (px_tf_has(b, 2))
        y = px_tf_2(b, "AddV2", y, px_tf_input(b, 2));
    px_tf_output(b, 0, y);
    px_tf_output(b, 1, used[0]);
    px_tf_output(b, 2, used[1]);
}

static void instance_normalization(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const int rank = px_tf_rank(b, x);
    const px_tf_port y = normalized(b, x, axes_from(b, 2, rank), NULL);
    const px_tf_port scaled = px_tf_2(b, "Mul", y, per_channel(b, px_tf_input(b, 1), rank));
    px_tf_output(b, 0, px_tf_2(b, "AddV2", scaled, per_channel(b, px_tf_input(b, 2), rank)));
}

/* ONNX divides alpha by the number of channels in the window, TensorFlow does not. */
static void lrn(px_tf_build *b)
{
    const int64_t n = px_tf_int_of(b, "size", 1);
    px_tf_port x = px_tf_input(b, 0);
    if (px_tf_rank(b, x) != 4 || n % 2 == 0 || n < 1)
        px_tf_refuse(b, "it is mapped over images with an odd size.");
    x = to_last(b, x, 2);
    px_tf_begin(b, "LRN");
    px_tf_in(b, x);
    px_tf_set_int(b, "depth_radius", (n - 1) / 2);
    px_tf_set_float(b, "bias", px_tf_float_of(b, "bias", 1));
    px_tf_set_float(b, "alpha", px_tf_float_of(b, "alpha", 1e-4f) / (float)n);
    px_tf_set_float(b, "beta", px_tf_float_of(b, "beta", 0.75f));
    px_tf_output(b, 0, to_first(b, px_tf_finish(b), 2));
}

/* --- resizing --- */

/* TensorFlow divides sizes where ONNX uses the factor it was given: both are the same only when the
 * factor makes a whole number of points. */
static bool is_exact(px_tf_build *b, px_tf_port x, size_t i_scales)
{
    int64_t dims[PX_TF_MAX_RANK];
    const pgy_tensor *scales = px_tf_known(b, i_scales);
    if (scales == NULL || px_tf_dims(b, x, dims) != 4 || scales->count != 4)
        return false;
    for (int i = 2; i < 4; i++) {
        const double scale = px_tensor_get_f64(scales, i), size = scale * (double)dims[i];
        if (!(scale >= 1 && scale == floor(scale)) && (dims[i] < 0 || size != floor(size)))
            return false;
    }
    return true;
}

/* True for a constant factor of at least 1: then no point lies half way between two. */
static bool is_enlarging(px_tf_build *b, size_t i_scales)
{
    const pgy_tensor *scales = px_tf_known(b, i_scales);
    for (int64_t i = 0; scales != NULL && i < scales->count; i++)
        if (px_tensor_get_f64(scales, i) < 1 ||
            px_tensor_get_f64(scales, i) != floor(px_tensor_get_f64(scales, i)))
            return false;
    return scales != NULL && scales->count > 0;
}

/* Height and width of the result, as int32. */
static px_tf_port new_size(px_tf_build *b, px_tf_port x, size_t i_scales, size_t i_sizes)
{
    if (px_tf_has(b, i_sizes))
        return px_tf_cast(b, px_tf_part(b, px_tf_input(b, i_sizes), 2, 2), PX_TF_INT32);
    const px_tf_port scales = px_tf_part(b, px_tf_input(b, i_scales), 2, 2);
    const px_tf_port old =
        px_tf_cast(b, px_tf_part(b, px_tf_shape(b, x), 2, 2), px_tf_type_at(b, scales));
    const px_tf_port size = px_tf_1(b, "Floor", px_tf_2(b, "Mul", old, scales));
    return px_tf_cast(b, size, PX_TF_INT32);
}

/* TensorFlow has fewer ways to place points than ONNX: only those that agree are mapped. */
static void resize(px_tf_build *b)
{
    px_tf_port x = px_tf_input(b, 0);
    const bool is_new = b->opset >= 11;
    const size_t i_scales = is_new ? 2 : 1;
    const px_str mode = px_tf_text_of(b, "mode", "nearest");
    const px_str place =
        px_tf_text_of(b, "coordinate_transformation_mode", is_new ? "half_pixel" : "asymmetric");
    const px_str near = px_tf_text_of(b, "nearest_mode", is_new ? "round_prefer_floor" : "floor");
    const bool by_size = px_tf_has(b, 3);
    const bool half =
        px_str_is(place, "half_pixel") || (px_str_is(place, "pytorch_half_pixel") && !by_size);
    const bool corners = px_str_is(place, "align_corners");
    const bool plain = px_str_is(place, "asymmetric");
    const bool is_nearest = px_str_is(mode, "nearest"), is_linear = px_str_is(mode, "linear");
    const bool ties_ok = px_str_is(near, "round_prefer_ceil") ||
                         (px_str_is(near, "round_prefer_floor") && is_enlarging(b, i_scales));
    const bool is_mapped = (by_size || is_exact(b, x, i_scales)) &&
                           ((is_nearest && ((plain && px_str_is(near, "floor")) ||
                                            (px_str_is(place, "half_pixel") && ties_ok))) ||
                            (is_linear && (half || corners || plain)));
    if (!is_mapped || px_tf_rank(b, x) != 4 || px_tf_int_of(b, "antialias", 0) != 0) {
        px_tf_refuse(b,
                     "TensorFlow does not resize an image in this way: mode %.*s, "
                     "coordinate_transformation_mode %.*s, nearest_mode %.*s.",
                     PX_STR_ARG(mode), PX_STR_ARG(place), PX_STR_ARG(near));
        return;
    }
    const px_tf_port size = new_size(b, x, i_scales, 3);
    const int type = px_tf_type_at(b, x);
    x = to_last(b, x, 2);
    px_tf_begin(b, is_nearest ? "ResizeNearestNeighbor" : "ResizeBilinear");
    px_tf_in(b, x);
    px_tf_in(b, size);
    px_tf_set_bool(b, "align_corners", corners);
    px_tf_set_bool(b, "half_pixel_centers", half);
    px_tf_output(b, 0, px_tf_cast(b, to_first(b, px_tf_finish(b), 2), type));
}

const px_tf_op_row px_tf_nn_rows[] = {
    {"AveragePool", average_pool, NULL},
    {"BatchNormalization", batch_normalization, NULL},
    {"Conv", conv, NULL},
    {"ConvTranspose", conv_transpose, NULL},
    {"GlobalAveragePool", global_pool, "Mean"},
    {"GlobalMaxPool", global_pool, "Max"},
    {"InstanceNormalization", instance_normalization, NULL},
    {"LRN", lrn, NULL},
    {"LayerNormalization", layer_normalization, NULL},
    {"MaxPool", max_pool, NULL},
    {"Resize", resize, NULL},
    {NULL, NULL, NULL},
};
