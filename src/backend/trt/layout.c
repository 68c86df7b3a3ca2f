/* backend/trt/layout.c - vectorized and permuted memory formats.
 *
 * In a format such as CHW32 or HWC8 one dim is cut into vectors: element i of it is component
 * i % components of vector i / components. The strides count vectors. An incomplete last vector is
 * padded.
 */
#include "backend/trt/session.h"

static int64_t extent_of(const px_trt_layout *layout, const px_trt_dims *dims, int d)
{
    if (d != layout->vector_dim || layout->components <= 1)
        return dims->d[d];
    return (dims->d[d] + layout->components - 1) / layout->components;
}

bool px_trt_layout_size(const px_trt_layout *layout, pgy_dtype dtype, const px_trt_dims *dims,
                        size_t *out)
{
    const size_t bits = (size_t)pgy_dtype_bits(dtype);
    size_t count = 1, last = 0;
    if (dims->n < 0 || dims->n > PX_TRT_MAX_DIMS || bits == 0)
        return false;
    for (int d = 0; d < dims->n; d++)
        if (dims->d[d] < 0 || !px_size_mul(count, (size_t)dims->d[d], &count))
            return false;
    if (!layout->is_linear && count > 0) {
        for (int d = 0; d < dims->n; d++) {
            size_t step;
            if (layout->strides.d[d] < 0 ||
                !px_size_mul((size_t)(extent_of(layout, dims, d) - 1), (size_t)layout->strides.d[d],
                             &step) ||
                !px_size_add(last, step, &last))
                return false;
        }
        if (!px_size_mul(last + 1, (size_t)PX_MAX(layout->components, 1), &count))
            return false;
    }
    if (!px_size_mul(count, bits, &count))
        return false;
    *out = count / 8 + (count % 8 != 0);
    return true;
}

/* Position in the packed memory, in elements, of the element with these coordinates. */
static size_t packed_at(const px_trt_layout *layout, const px_trt_dims *dims, const int64_t *at)
{
    const int64_t components = PX_MAX(layout->components, 1);
    int64_t vector = 0, component = 0;
    for (int d = 0; d < dims->n; d++) {
        int64_t i = at[d];
        if (d == layout->vector_dim && components > 1) {
            component = i % components;
            i /= components;
        }
        vector += i * layout->strides.d[d];
    }
    return (size_t)(vector * components + component);
}

/* Only whole-byte types come in such formats. */
static void move(const px_trt_layout *layout, pgy_dtype dtype, const px_trt_dims *dims,
                 unsigned char *packed, unsigned char *dense, bool is_unpacking)
{
    const size_t size = (size_t)pgy_dtype_bits(dtype) / 8;
    int64_t at[PX_TRT_MAX_DIMS] = {0}, count = 1;
    for (int d = 0; d < dims->n; d++)
        count *= dims->d[d];
    for (int64_t i = 0; i < count; i++) {
        unsigned char *p = packed + packed_at(layout, dims, at) * size;
        unsigned char *q = dense + (size_t)i * size;
        memcpy(is_unpacking ? q : p, is_unpacking ? p : q, size);
        for (int d = dims->n - 1; d >= 0 && ++at[d] == dims->d[d]; d--)
            at[d] = 0;
    }
}

void px_trt_layout_unpack(const px_trt_layout *layout, pgy_dtype dtype, const px_trt_dims *dims,
                          const void *packed, void *dense)
{
    move(layout, dtype, dims, (unsigned char *)(uintptr_t)packed, dense, true);
}

void px_trt_layout_pack(const px_trt_layout *layout, pgy_dtype dtype, const px_trt_dims *dims,
                        const void *dense, void *packed)
{
    size_t size = 0;
    if (px_trt_layout_size(layout, dtype, dims, &size))
        memset(packed, 0, size); /* the padding of incomplete vectors */
    move(layout, dtype, dims, packed, (unsigned char *)(uintptr_t)dense, false);
}
