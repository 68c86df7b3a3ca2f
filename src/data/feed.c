/* data/feed.c - see feed.h. The texts are the reference's. */
#include "data/feed.h"

#include "base/log.h"
#include "base/tensor.h"
#include "data/match_shape.h"
#include "data/metadata.h"

#include <float.h>
#include <math.h>

#define CHUNK 2048

/* Position in the feed of what is to be fed to input `i`, or -1. */
static ptrdiff_t find_buffer(const pgy_feed *feed, const char *name, size_t i)
{
    const px_str wanted = px_str_of(name);

    for (size_t k = 0; k < feed->n; k++)
        if (strcmp(feed->names[k], name) == 0)
            return (ptrdiff_t)k;
    for (size_t k = 0; k < feed->n; k++)
        if (px_str_overlap_nocase(px_str_of(feed->names[k]), wanted))
            return (ptrdiff_t)k;
    return i < feed->n ? (ptrdiff_t)i : -1;
}

/* Largest finite value; infinity where nothing is out of range. */
static double largest(pgy_dtype dtype)
{
    switch (dtype) {
    case PGY_DTYPE_F32:
        return FLT_MAX;
    case PGY_DTYPE_F64:
        return DBL_MAX;
    case PGY_DTYPE_F16:
        return 65504;
    case PGY_DTYPE_BF16:
        return 0x1.fep127;
    case PGY_DTYPE_F8E4M3FN:
        return 448;
    case PGY_DTYPE_F8E4M3FNUZ:
        return 240;
    case PGY_DTYPE_F8E5M2:
    case PGY_DTYPE_F8E5M2FNUZ:
        return 57344;
    case PGY_DTYPE_F8E8M0:
        return 0x1p127;
    case PGY_DTYPE_F4E2M1:
        return 6;
    default:
        if (!px_dtype_is_int(dtype))
            return INFINITY;
        return ldexp(1, pgy_dtype_bits(dtype) - px_dtype_is_signed(dtype)) - 1;
    }
}

static double smallest(pgy_dtype dtype)
{
    if (px_dtype_is_int(dtype))
        return px_dtype_is_signed(dtype) ? -ldexp(1, pgy_dtype_bits(dtype) - 1) : 0;
    return dtype == PGY_DTYPE_F8E8M0 ? 0 : -largest(dtype);
}

/* True when some element is beyond what `to` can hold; NaN is not. */
static bool is_out_of_range(const pgy_tensor *t, pgy_dtype to)
{
    const double lo = smallest(to), hi = largest(to);
    double values[CHUNK];

    for (int64_t i = 0; i < t->count; i += CHUNK) {
        const int64_t n = PX_MIN(t->count - i, (int64_t)CHUNK);
        int n_out = 0;
        px_convert(PGY_DTYPE_F64, values, t->dtype, t->data, i, n);
        for (int64_t k = 0; k < n; k++)
            n_out += values[k] < lo || values[k] > hi;
        if (n_out > 0)
            return true;
    }
    return false;
}

/* Raw bytes, as a .bin file gives them, are taken as the input's type and shape when they fill it
 * exactly; one dynamic dim may follow from their number. */
static pgy_status *fit_raw(pgy_context *cx, const pgy_io *input, pgy_tensor **inout)
{
    pgy_status *st = NULL;
    pgy_tensor *view = NULL;
    const pgy_tensor *const raw = *inout;
    const int bits = pgy_dtype_bits(input->dtype);
    int64_t dims[PX_MAX_RANK];
    int dynamic = -1;
    size_t size;
    px_buf shape = {0};

    if (raw->dtype != PGY_DTYPE_U8 || raw->rank != 1 || input->rank < 0 ||
        input->rank > PX_MAX_RANK || bits == 0 || input->dtype == PGY_DTYPE_STRING ||
        input->dtype == PGY_DTYPE_U8)
        return NULL;
    for (int i = 0; i < input->rank; i++) {
        dims[i] = input->dims[i];
        if (dims[i] >= 0)
            continue;
        if (dynamic >= 0)
            return NULL;
        dynamic = i;
        dims[i] = 1;
    }
    if (!px_shape_size(input->dtype, input->rank, dims, &size))
        return NULL;
    if (dynamic >= 0 && size > 0 && bits >= 8) {
        dims[dynamic] = (int64_t)(raw->size / size);
        size *= (size_t)dims[dynamic];
    }
    if (size != raw->size || size == 0 || (bits == 8 && raw->rank == input->rank))
        return NULL;
    PX_TRY(px_tensor_view(*inout, input->dtype, input->rank, dims, &view));
    px_shape_print(&shape, input->rank, dims);
    px_log(cx, PGY_LOG_INFO, PX_AT_DATA,
           "Input tensor: %s | Taking %zu raw bytes as %s of shape: %s", input->name, size,
           pgy_dtype_name(input->dtype), px_buf_cstr(&shape));
    pgy_tensor_free(*inout);
    *inout = view;
done:
    px_buf_fini(&shape);
    return st;
}

static pgy_status *fit_dtype(pgy_context *cx, const pgy_io *input, pgy_tensor **inout)
{
    pgy_status *st = NULL;
    pgy_tensor *cast = NULL;
    const pgy_dtype from = (*inout)->dtype;

    if (input->dtype == PGY_DTYPE_UNKNOWN || input->dtype == from)
        return NULL;
    px_log(cx, PGY_LOG_WARNING, PX_AT_DATA,
           "Input tensor: %s | Buffer dtype (%s) does not match expected input dtype (%s), "
           "attempting to cast. ",
           input->name, pgy_dtype_name(from), pgy_dtype_name(input->dtype));
    if (from == PGY_DTYPE_STRING || input->dtype == PGY_DTYPE_STRING ||
        px_dtype_is_complex(from) != px_dtype_is_complex(input->dtype))
        return PX_FAIL(PGY_ERR_USAGE,
                       "Input tensor: %s | Data of type %s cannot be converted to %s", input->name,
                       pgy_dtype_name(from), pgy_dtype_name(input->dtype));
    if (!px_dtype_is_complex(from) && is_out_of_range(*inout, input->dtype))
        px_log(cx, PGY_LOG_WARNING, PX_AT_DATA,
               "Some values in this input are out of range of %s. Unexpected behavior may ensue!",
               pgy_dtype_name(input->dtype));
    PX_TRY(pgy_tensor_cast(*inout, input->dtype, &cast));
    pgy_tensor_free(*inout);
    *inout = cast;
done:
    return st;
}

static pgy_status *fit_shape(pgy_context *cx, const pgy_io *input, pgy_tensor **inout)
{
    pgy_status *st = NULL;
    pgy_tensor *matched = NULL;
    px_buf from = {0}, to = {0};

    if (px_shape_fits((*inout)->rank, (*inout)->dims, input->rank, input->dims))
        return NULL;
    px_shape_print(&from, (*inout)->rank, (*inout)->dims);
    px_io_print_bounded(&to, input);
    PX_TRY(px_buf_status(&from));
    PX_TRY(px_buf_status(&to));
    px_log(cx, PGY_LOG_WARNING, PX_AT_DATA,
           "Input tensor: %s | Buffer shape (%s) does not match expected input shape (%s). "
           "Attempting to transpose/reshape. ",
           input->name, px_buf_cstr(&from), px_buf_cstr(&to));
    PX_TRY(px_match_input_shape(cx, *inout, input, &matched));
    pgy_tensor_free(*inout);
    *inout = matched;
done:
    px_buf_fini(&from);
    px_buf_fini(&to);
    return st;
}

/* A buffer of the feed as `input` wants it; *out stays NULL when that cannot be, and the reason is
 * appended to `why`. */
static pgy_status *fit_buffer(pgy_context *cx, const pgy_feed *feed, const pgy_io *input, size_t i,
                              px_buf *why, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    px_buf wanted = {0};
    const ptrdiff_t at = find_buffer(feed, input->name, i);

    if (at < 0) {
        px_buf_printf(why, "Input tensor: %s | Does not exist in the data loader cache.",
                      input->name);
        return NULL;
    }
    if (strcmp(feed->names[at], input->name) != 0)
        px_log(cx, PGY_LOG_WARNING, PX_AT_DATA,
               "Input tensor: %s | Buffer name (%s) does not match expected input name (%s).",
               input->name, feed->names[at], input->name);
    t = pgy_tensor_ref(feed->tensors[at]);
    PX_TRY(fit_raw(cx, input, &t));
    PX_TRY(fit_dtype(cx, input, &t));
    PX_TRY(fit_shape(cx, input, &t));
    if (!px_shape_fits(t->rank, t->dims, input->rank, input->dims)) {
        const pgy_tensor *const cached = feed->tensors[at];
        px_buf_printf(why,
                      "Input tensor: %s | Cannot reuse input data due to mismatch in shape or data "
                      "type.\nNote: Cached input: [dtype=%s, shape=",
                      input->name, pgy_dtype_name(cached->dtype));
        px_shape_print(why, cached->rank, cached->dims);
        px_io_print_bounded(&wanted, input);
        px_buf_printf(why, "], Requested input: [dtype=%s, shape=%s]", pgy_dtype_name(input->dtype),
                      px_buf_cstr(&wanted));
    } else {
        *out = t;
        t = NULL;
    }
done:
    pgy_tensor_free(t);
    px_buf_fini(&wanted);
    return st;
}

/* Generates all inputs again, for this runner, and takes number `i`. */
static pgy_status *regenerate(pgy_context *cx, const px_loader *loader, const pgy_io *inputs,
                              size_t n, int64_t index, size_t i, px_buf *why, pgy_tensor **out)
{
    pgy_status *st = NULL;
    px_loader *own = NULL;
    px_feed feed = {0};

    PX_TRY(px_buf_status(why));
    if (loader == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "%s", px_buf_cstr(why)));
    px_log(cx, PGY_LOG_CRITICAL, PX_AT_DATA, "%s", px_buf_cstr(why));
    px_log(cx, PGY_LOG_WARNING, PX_AT_DATA,
           "Could not use buffer previously cached from data loader for input: %s. Attempting to "
           "reload inputs from the data loader.\nNote that this will only work if the data loader "
           "supports random access.\nPlease refer to warnings above for details on why the "
           "previously generated input buffer didn't work. ",
           inputs[i].name);
    PX_TRY(px_loader_for(loader, inputs, n, &own));
    PX_TRY(px_loader_feed(own, index, &feed));
    *out = pgy_tensor_ref(feed.tensors[i]);
done:
    px_feed_fini(&feed);
    px_loader_close(own);
    return st;
}

pgy_status *px_feed_adapt(pgy_context *cx, const pgy_feed *feed, const pgy_io *inputs, size_t n,
                          const px_loader *loader, int64_t index, px_feed *out)
{
    pgy_status *st = NULL;
    px_feed made = {0};
    px_buf why = {0};

    for (size_t i = 0; i < n; i++) {
        pgy_tensor *t = NULL;
        px_buf_fini(&why);
        PX_TRY(fit_buffer(cx, feed, &inputs[i], i, &why, &t));
        if (t == NULL)
            PX_TRY(regenerate(cx, loader, inputs, n, index, i, &why, &t));
        PX_TRY(px_feed_add(&made, inputs[i].name, t));
    }
    px_feed_fini(out);
    *out = made;
    made = (px_feed){0};
done:
    px_feed_fini(&made);
    px_buf_fini(&why);
    return st;
}
