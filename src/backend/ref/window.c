/* backend/ref/window.c - attributes of sliding windows, and the shapes they give. */
#include "backend/ref/window.h"

#define MAX_NUMBER PX_GEO_MAX_NUMBER /* no real window comes near */

static pgy_status *read_list(px_ref_call *c, const char *name, int rank, int64_t least,
                             int64_t otherwise, int64_t *out)
{
    const int64_t *at = NULL;
    size_t n = 0;
    if (!px_ref_attr_ints(c, name, &at, &n)) {
        for (int d = 0; d < rank; d++)
            out[d] = otherwise;
        return NULL;
    }
    if (n != (size_t)rank)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "%s has %zu numbers; %d are wanted", name, n, rank);
    for (int d = 0; d < rank; d++) {
        if (at[d] < least || at[d] > MAX_NUMBER)
            return PX_REF_FAIL(c, PGY_ERR_MODEL, "%s holds %lld; at least %lld is wanted", name,
                               (long long)at[d], (long long)least);
        out[d] = at[d];
    }
    return NULL;
}

pgy_status *px_ref_window_attrs(px_ref_call *c, const pgy_tensor *x, const int64_t *kernel,
                                px_ref_window *w)
{
    pgy_status *st = NULL;
    int64_t pads[2 * PX_MAX_RANK];

    memset(w, 0, sizeof *w);
    if (x->rank < 3)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "input 0 has rank %d; batch, channels and at least one more are wanted",
                           x->rank));
    w->rank = x->rank - 2;
    memcpy(w->in, x->dims + 2, (size_t)w->rank * sizeof *w->in);
    PX_TRY(read_list(c, "kernel_shape", w->rank, 1, 0, w->kernel));
    for (int d = 0; d < w->rank; d++) {
        if (w->kernel[d] == 0 && kernel)
            w->kernel[d] = kernel[d];
        if (kernel && kernel[d] != w->kernel[d])
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "kernel_shape says %lld where the weights have %lld",
                               (long long)w->kernel[d], (long long)kernel[d]));
        if (w->kernel[d] < 1 || w->kernel[d] > MAX_NUMBER || w->in[d] > MAX_NUMBER)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "a window of %lld over %lld elements",
                               (long long)w->kernel[d], (long long)w->in[d]));
    }
    PX_TRY(read_list(c, "strides", w->rank, 1, 1, w->stride));
    PX_TRY(read_list(c, "dilations", w->rank, 1, 1, w->dilation));
    PX_TRY(read_list(c, "pads", 2 * w->rank, -MAX_NUMBER, 0, pads));
    memcpy(w->pad, pads, (size_t)w->rank * sizeof *pads);
    memcpy(w->pad_end, pads + w->rank, (size_t)w->rank * sizeof *pads);
done:
    return st;
}

pgy_status *px_ref_window_count(const px_ref_call *c, px_ref_window *w)
{
    if (!px_shape_count(w->rank, w->in, &w->n_in) || !px_shape_count(w->rank, w->out, &w->n_out) ||
        !px_shape_count(w->rank, w->kernel, &w->n_kernel))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "the window or what it gives is too large");
    return NULL;
}

px_geo_window px_ref_window_dim(const px_ref_window *w, int d)
{
    return (px_geo_window){.kernel = w->kernel[d],
                           .stride = w->stride[d],
                           .dilation = w->dilation[d],
                           .pad = w->pad[d],
                           .pad_end = w->pad_end[d],
                           .wanted = -1};
}

pgy_status *px_ref_window_init(px_ref_call *c, const pgy_tensor *x, const int64_t *kernel,
                               px_ref_window *w)
{
    pgy_status *st = NULL;
    const px_geo_auto_pad auto_pad = px_geo_auto_pad_of(px_ref_attr_s(c, "auto_pad", "NOTSET"));
    const bool is_ceil = px_ref_attr_i(c, "ceil_mode", 0) != 0;

    PX_TRY(px_ref_window_attrs(c, x, kernel, w));
    for (int d = 0; d < w->rank; d++) {
        px_geo_window dim = px_ref_window_dim(w, d);
        dim.auto_pad = auto_pad;
        dim.is_ceil = is_ceil;
        dim.must_fit = kernel != NULL;
        w->out[d] = px_geo_window_out(&dim, w->in[d]);
        if (w->out[d] == PX_GEO_NONE)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "a window of %lld is larger than the padded input, %lld",
                               (long long)((w->kernel[d] - 1) * w->dilation[d] + 1),
                               (long long)(w->in[d] + w->pad[d] + w->pad_end[d])));
        w->pad[d] = dim.pad;
        w->pad_end[d] = dim.pad_end;
    }
    PX_TRY(px_ref_window_count(c, w));
done:
    return st;
}
