/* model/geometry.h - the arithmetic of shapes: one definition for inference and interpreter.
 *
 * Plain numbers in, plain numbers out. Every argument may be hostile: what overflows or makes no
 * shape is refused, never wrapped. Lengths are results of at least 0; PX_GEO_NONE is a refusal.
 */
#ifndef PX_MODEL_GEOMETRY_H
#define PX_MODEL_GEOMETRY_H

#include "base/tensor.h"

#define PX_GEO_NONE (-1)
/* Numbers of a window lie below it: no product of two of them and a sum overflows. */
#define PX_GEO_MAX_NUMBER ((int64_t)1 << 30)

/* axis in [-rank, rank) to [0, rank). */
bool px_geo_axis(int64_t axis, int rank, int *out);
/* Each axis made non-negative, none twice; `out` holds PX_MAX_RANK. */
bool px_geo_axes(const int64_t *axes, size_t n, int rank, int *out);
/* numpy broadcasting of two dims. */
bool px_geo_broadcast(int64_t a, int64_t b, int64_t *out);

typedef enum px_geo_auto_pad {
    PX_GEO_PAD_NOTSET,
    PX_GEO_PAD_VALID,
    PX_GEO_PAD_SAME_UPPER,
    PX_GEO_PAD_SAME_LOWER
} px_geo_auto_pad;

px_geo_auto_pad px_geo_auto_pad_of(px_str text);

/* One spatial dimension of a sliding window; all numbers below PX_GEO_MAX_NUMBER. */
typedef struct px_geo_window {
    int64_t kernel, stride, dilation; /* at least 1 */
    int64_t pad, pad_end;
    px_geo_auto_pad auto_pad;
    bool is_ceil;   /* a pool that counts windows that reach beyond the padding */
    bool must_fit;  /* a convolution: a window larger than the input is an error */
    int64_t extra;  /* transposed: output_padding */
    int64_t wanted; /* transposed: output_shape, or -1 */
} px_geo_window;

/* Window positions over `in` elements; sets pads that auto_pad decides. */
int64_t px_geo_window_out(px_geo_window *w, int64_t in);
/* The same for a transposed convolution. */
int64_t px_geo_transposed_out(px_geo_window *w, int64_t in);
/* MaxUnpool's length without output_shape. */
int64_t px_geo_unpooled(const px_geo_window *w, int64_t in);

/* Clamps `*start` and `*end` as Slice does; the number of elements taken. Step is not 0. */
int64_t px_geo_slice(int64_t dim, int64_t *start, int64_t *end, int64_t step);
/* Shape's start and end attributes on `rank`: the first dim and how many. */
int px_geo_shape_part(int64_t start, int64_t end, int rank, int *out_first);
/* Reshape. 0 copies the input's dim unless `allow_zero`; one -1 takes what is left. The reason when
 * that is no shape, NULL when `out` is filled. */
const char *px_geo_reshape(int rank, const int64_t *dims, const int64_t *want, size_t n,
                           bool allow_zero, int64_t *out);
/* Elements from `first` to `limit` (not included) by `delta`. */
int64_t px_geo_range_int(int64_t first, int64_t limit, int64_t delta);
/* The same for floats: in float32 arithmetic unless `is_double`. */
int64_t px_geo_range_float(double first, double limit, double delta, bool is_double);
/* A padded dim; negative pads cut, and what they cut must be there. */
int64_t px_geo_padded(int64_t dim, int64_t begin, int64_t end);
/* Resize by a scale, in float32 as runtimes do. */
int64_t px_geo_scaled(int64_t dim, double scale);
/* Resize to sizes that keep the aspect ratio: the common scale, not larger or not smaller. */
double px_geo_common_scale(const int64_t *dims, const int64_t *sizes, size_t n, bool not_larger);
int64_t px_geo_rescaled(int64_t dim, double common_scale);
/* Length of part `i` when a dim is split into `n` parts, the last one being smaller. */
int64_t px_geo_split(int64_t dim, int64_t n, int64_t i);
/* Points of a Fourier transform of `length` points. */
int64_t px_geo_dft_bins(int64_t length, bool is_onesided);
int64_t px_geo_stft_frames(int64_t length, int64_t frame, int64_t step);
/* dims[from] * ... * dims[to - 1]; INT64_MAX when that does not fit. */
int64_t px_geo_span(const int64_t *dims, int from, int to);

#endif
