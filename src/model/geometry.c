/* model/geometry.c - see geometry.h. */
#include "model/geometry.h"

#include <math.h>

bool px_geo_axis(int64_t axis, int rank, int *out)
{
    if (axis < -(int64_t)rank || axis >= rank)
        return false;
    *out = (int)(axis < 0 ? axis + rank : axis);
    return true;
}

bool px_geo_axes(const int64_t *axes, size_t n, int rank, int *out)
{
    bool seen[PX_MAX_RANK] = {false};
    for (size_t i = 0; i < n; i++) {
        int axis = 0;
        if (!px_geo_axis(axes[i], rank, &axis) || seen[axis])
            return false;
        seen[axis] = true;
        out[i] = axis; /* i < rank, for each axis is new */
    }
    return true;
}

bool px_geo_broadcast(int64_t a, int64_t b, int64_t *out)
{
    *out = a == 1 ? b : a;
    return a == 1 || b == 1 || a == b;
}

/* --- windows --- */

px_geo_auto_pad px_geo_auto_pad_of(px_str text)
{
    if (px_str_is(text, "SAME_UPPER"))
        return PX_GEO_PAD_SAME_UPPER;
    if (px_str_is(text, "SAME_LOWER"))
        return PX_GEO_PAD_SAME_LOWER;
    return px_str_is(text, "VALID") ? PX_GEO_PAD_VALID : PX_GEO_PAD_NOTSET;
}

static bool is_same(const px_geo_window *w)
{
    return w->auto_pad == PX_GEO_PAD_SAME_UPPER || w->auto_pad == PX_GEO_PAD_SAME_LOWER;
}

static int64_t extent_of(const px_geo_window *w)
{
    return (w->kernel - 1) * w->dilation + 1;
}

/* The odd element goes to the end (UPPER) or to the start. */
static void set_pads(px_geo_window *w, int64_t total)
{
    w->pad = w->auto_pad == PX_GEO_PAD_SAME_UPPER ? total / 2 : total - total / 2;
    w->pad_end = total - w->pad;
}

int64_t px_geo_window_out(px_geo_window *w, int64_t in)
{
    const int64_t extent = extent_of(w), step = w->stride;
    if (is_same(w)) { /* as many positions as strides fit */
        const int64_t out = (in + step - 1) / step;
        set_pads(w, PX_MAX((out - 1) * step + extent - in, (int64_t)0));
        return out;
    }
    if (w->auto_pad == PX_GEO_PAD_VALID)
        w->pad = w->pad_end = 0;
    const int64_t room = in + w->pad + w->pad_end - extent;
    /* COMPAT: where a pool's window does not fit, ONNX Runtime still divides as C does, towards
     * zero: one position that is cut short, or none (test pools_over_too_small_inputs). */
    int64_t out = (room + (w->is_ceil && room > 0 ? step - 1 : 0)) / step + 1;
    if (in == 0 && room < 0)
        out = 0;
    else if (out < 0 || (w->must_fit && room < 0))
        return PX_GEO_NONE;
    /* A last window that would start in the padding behind the input is left out. */
    if (w->is_ceil && (out - 1) * step >= in + w->pad)
        out--;
    return PX_MAX(out, (int64_t)0);
}

int64_t px_geo_transposed_out(px_geo_window *w, int64_t in)
{
    const int64_t full = (in - 1) * w->stride + w->extra + extent_of(w);
    if (w->auto_pad == PX_GEO_PAD_VALID)
        w->pad = w->pad_end = 0;
    if (w->wanted >= 0 || is_same(w)) {
        const int64_t out = w->wanted >= 0 ? w->wanted : in * w->stride;
        set_pads(w, PX_MAX(full - out, (int64_t)0));
        return out;
    }
    const int64_t out = full - w->pad - w->pad_end;
    return out < 0 ? PX_GEO_NONE : out;
}

int64_t px_geo_unpooled(const px_geo_window *w, int64_t in)
{
    const int64_t out = (in - 1) * w->stride - w->pad - w->pad_end + w->kernel;
    return out < 0 ? PX_GEO_NONE : out;
}

/* --- cutting and joining --- */

int64_t px_geo_slice(int64_t dim, int64_t *start, int64_t *end, int64_t step)
{
    int64_t a = *start, b = *end;
    a = a < 0 ? a + dim : a;
    b = b < 0 ? b + dim : b;
    a = step > 0 ? PX_MIN(PX_MAX(a, 0), dim) : PX_MIN(PX_MAX(a, 0), dim - 1);
    b = step > 0 ? PX_MIN(PX_MAX(b, 0), dim) : PX_MIN(PX_MAX(b, -1), dim - 1);
    *start = a;
    *end = b;
    step = PX_MAX(step, -INT64_MAX);
    const int64_t span = step > 0 ? b - a : a - b;
    return span > 0 ? (span - 1) / (step > 0 ? step : -step) + 1 : 0;
}

int px_geo_shape_part(int64_t start, int64_t end, int rank, int *out_first)
{
    start = start < 0 ? PX_MAX(start + rank, 0) : PX_MIN(start, rank);
    end = end < 0 ? PX_MAX(end + rank, 0) : PX_MIN(end, rank);
    *out_first = (int)start;
    return (int)PX_MAX(end - start, 0);
}

int64_t px_geo_span(const int64_t *dims, int from, int to)
{
    int64_t product = 1;
    bool is_huge = false;
    for (int i = from; i < to; i++) {
        if (dims[i] == 0)
            return 0;
        is_huge |= __builtin_mul_overflow(product, dims[i], &product);
    }
    return is_huge ? INT64_MAX : product;
}

const char *px_geo_reshape(int rank, const int64_t *dims, const int64_t *want, size_t n,
                           bool allow_zero, int64_t *out)
{
    int open = -1;
    if (n > PX_MAX_RANK)
        return "the wanted shape has too many dims";
    for (size_t i = 0; i < n; i++) {
        out[i] = want[i];
        if (want[i] == -1 && open < 0) {
            open = (int)i;
            out[i] = 1;
        } else if (want[i] == 0 && !allow_zero) {
            if (i >= (size_t)rank)
                return "a 0 in the wanted shape copies a dim that the input does not have";
            out[i] = dims[i];
        } else if (want[i] < 0) {
            return "the wanted shape has a negative dim or more than one -1";
        }
    }
    const int64_t count = px_geo_span(dims, 0, rank);
    const int64_t known = px_geo_span(out, 0, (int)n); /* without the -1 */
    if (open >= 0 && known > 0)
        out[open] = count / known;
    /* With no elements a -1 could stand for anything: nobody accepts it. */
    if (count == INT64_MAX || px_geo_span(out, 0, (int)n) != count || (open >= 0 && known == 0))
        return "the elements do not fit the wanted shape";
    return NULL;
}

int64_t px_geo_padded(int64_t dim, int64_t begin, int64_t end)
{
    int64_t left, out;
    /* What is cut off must be there before anything is added. */
    if (__builtin_add_overflow(dim + PX_MAX(-dim, PX_MIN(begin, 0)), PX_MAX(-dim, PX_MIN(end, 0)),
                               &left) ||
        begin < -dim || end < -dim || left < 0 ||
        __builtin_add_overflow(left, PX_MAX(begin, 0), &out) ||
        __builtin_add_overflow(out, PX_MAX(end, 0), &out))
        return PX_GEO_NONE;
    return out;
}

int64_t px_geo_split(int64_t dim, int64_t n, int64_t i)
{
    const int64_t part = dim / n + (dim % n != 0);
    return PX_MAX(PX_MIN(part, dim - PX_MIN(i, dim) * part), (int64_t)0);
}

/* --- ranges, resizing, spectra --- */

int64_t px_geo_range_int(int64_t first, int64_t limit, int64_t delta)
{
    if (delta == 0)
        return PX_GEO_NONE;
    if (delta > 0 ? first >= limit : first <= limit)
        return 0;
    const uint64_t span =
        delta > 0 ? (uint64_t)limit - (uint64_t)first : (uint64_t)first - (uint64_t)limit;
    const uint64_t step = delta > 0 ? (uint64_t)delta : 0 - (uint64_t)delta;
    const uint64_t steps = (span - 1) / step + 1;
    return steps > INT64_MAX ? INT64_MAX : (int64_t)steps;
}

int64_t px_geo_range_float(double first, double limit, double delta, bool is_double)
{
    const double steps = is_double ? (limit - first) / delta
                                   : (double)((float)limit - (float)first) / (double)(float)delta;
    if (delta == 0 || isnan(steps) || steps >= 0x1p62)
        return PX_GEO_NONE;
    return steps > 0 ? (int64_t)ceil(steps) : 0;
}

int64_t px_geo_scaled(int64_t dim, double scale)
{
    if (!(scale > 0 && scale < 0x1p40))
        return PX_GEO_NONE;
    const double out = floor((double)((float)dim * (float)scale));
    return out < 0x1p62 ? (int64_t)out : PX_GEO_NONE;
}

double px_geo_common_scale(const int64_t *dims, const int64_t *sizes, size_t n, bool not_larger)
{
    double scale = 0;
    for (size_t i = 0; i < n; i++) {
        const double s = (double)PX_MAX(sizes[i], 1) / (double)PX_MAX(dims[i], 1);
        scale = i == 0 ? s : not_larger ? PX_MIN(scale, s) : PX_MAX(scale, s);
    }
    return scale;
}

int64_t px_geo_rescaled(int64_t dim, double common_scale)
{
    const double out = floor(common_scale * (double)dim + 0.5);
    return out >= 0 && out < 0x1p62 ? (int64_t)out : PX_GEO_NONE;
}

int64_t px_geo_dft_bins(int64_t length, bool is_onesided)
{
    return is_onesided ? length / 2 + 1 : length;
}

int64_t px_geo_stft_frames(int64_t length, int64_t frame, int64_t step)
{
    return step < 1 || frame < 1 || frame > length ? PX_GEO_NONE : (length - frame) / step + 1;
}
