/* backend/ref/window.h - the sliding window that convolutions and pools share. */
#ifndef PX_BACKEND_REF_WINDOW_H
#define PX_BACKEND_REF_WINDOW_H

#include "backend/ref/ref.h"

/* Spatial dimensions only. Window position o covers input o*stride - pad + k*dilation. */
typedef struct px_ref_window {
    int rank;
    int64_t in[PX_MAX_RANK], out[PX_MAX_RANK];
    int64_t kernel[PX_MAX_RANK], stride[PX_MAX_RANK], dilation[PX_MAX_RANK];
    int64_t pad[PX_MAX_RANK], pad_end[PX_MAX_RANK];
    int64_t n_in, n_out, n_kernel; /* products */
} px_ref_window;

/* Reads kernel_shape (or takes `kernel`, when not NULL), strides, dilations, pads, auto_pad and
 * ceil_mode, for an input of shape [n, c, spatial...].
 * Errors: MODEL. All numbers are then below 2^40, kernel and stride and dilation at least 1. */
PX_MUST_USE pgy_status *px_ref_window_init(px_ref_call *c, const pgy_tensor *x,
                                           const int64_t *kernel, px_ref_window *out);
/* The attributes alone, checked, without out[]; ConvTranspose has its own shape rule. */
PX_MUST_USE pgy_status *px_ref_window_attrs(px_ref_call *c, const pgy_tensor *x,
                                            const int64_t *kernel, px_ref_window *out);
/* Dimension `d` as the shared arithmetic takes it, without auto_pad. */
px_geo_window px_ref_window_dim(const px_ref_window *w, int d);
/* Products of in, out and kernel; MODEL when one is too large. */
PX_MUST_USE pgy_status *px_ref_window_count(const px_ref_call *c, px_ref_window *w);

/* Valid kernel positions [*lo, *hi) of window `o` in dimension `d`. */
static inline void px_ref_window_range(const px_ref_window *w, int d, int64_t o, int64_t *lo,
                                       int64_t *hi)
{
    const int64_t start = o * w->stride[d] - w->pad[d], dil = w->dilation[d];
    *lo = start >= 0 ? 0 : (-start + dil - 1) / dil;
    *hi = start >= w->in[d] ? 0 : PX_MIN(w->kernel[d], (w->in[d] - start + dil - 1) / dil);
    if (*lo > *hi)
        *lo = *hi;
}

#endif
