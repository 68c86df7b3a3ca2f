/* backend/ref/window.c - attributes of sliding windows, and the shapes they give. */
#include "backend/ref/window.h"

/* No real window comes near; below it no product of two of them and a sum overflows. */
#define MAX_NUMBER ((int64_t)1 << 30)

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

/* SAME: as many positions as strides fit, the odd padding element at the end (UPPER) or start. */
static void auto_pad(px_ref_window *w, int d, int64_t extent, bool is_upper)
{
    w->out[d] = (w->in[d] + w->stride[d] - 1) / w->stride[d];
    const int64_t total = PX_MAX((w->out[d] - 1) * w->stride[d] + extent - w->in[d], (int64_t)0);
    w->pad[d] = is_upper ? total / 2 : total - total / 2;
    w->pad_end[d] = total - w->pad[d];
}

pgy_status *px_ref_window_init(px_ref_call *c, const pgy_tensor *x, const int64_t *kernel,
                               px_ref_window *w)
{
    pgy_status *st = NULL;
    const px_str pad = px_ref_attr_s(c, "auto_pad", "NOTSET");
    const bool is_upper = px_str_is(pad, "SAME_UPPER"), is_lower = px_str_is(pad, "SAME_LOWER");
    const bool is_valid = px_str_is(pad, "VALID");
    const bool is_ceil = px_ref_attr_i(c, "ceil_mode", 0) != 0;

    PX_TRY(px_ref_window_attrs(c, x, kernel, w));
    for (int d = 0; d < w->rank; d++) {
        const int64_t extent = (w->kernel[d] - 1) * w->dilation[d] + 1;
        if (is_upper || is_lower) {
            auto_pad(w, d, extent, is_upper);
            continue;
        }
        if (is_valid)
            w->pad[d] = w->pad_end[d] = 0;
        const int64_t room = w->in[d] + w->pad[d] + w->pad_end[d] - extent;
        /* COMPAT: where a pool's window does not fit, ONNX Runtime still divides as C does, towards
         * zero: one position that is cut short, or none (test pools_over_too_small_inputs). */
        w->out[d] = (room + (is_ceil && room > 0 ? w->stride[d] - 1 : 0)) / w->stride[d] + 1;
        if (w->in[d] == 0 && room < 0)
            w->out[d] = 0;
        else if (w->out[d] < 0 || (kernel && room < 0))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "a window of %lld is larger than the padded input, %lld",
                               (long long)extent, (long long)(room + extent)));
        /* A last window that would start in the padding behind the input is left out. */
        if (is_ceil && (w->out[d] - 1) * w->stride[d] >= w->in[d] + w->pad[d])
            w->out[d]--;
    }
    PX_TRY(px_ref_window_count(c, w));
done:
    return st;
}
