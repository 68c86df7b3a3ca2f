/* data/rng_torch.c - torch's CPU sampling formulas over MT19937.
 *
 * Floats take the low bits of one word (two for float64, high word first): as many as the type's
 * significand holds. Integers are a word modulo the size of the range, without rejection; the word
 * has 64 bits for 64-bit types once the size is 2^32 or more.
 */
#include "data/rng_torch.h"

#include "base/tensor.h"

#define ELEMENTS_PER_STEP 1024 /* even, so packed elements start on a byte */

static float next_f32(px_rng_mt *rng)
{
    return (float)(px_rng_mt_u32(rng) & 0xffffffu) * 0x1p-24f;
}

static double next_float(px_rng_mt *rng, pgy_dtype dtype)
{
    switch (dtype) {
    case PGY_DTYPE_F64:
        return (double)(px_rng_mt_u64(rng) & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
    case PGY_DTYPE_F16:
        return (double)(px_rng_mt_u32(rng) & 0x7ffu) * 0x1p-11;
    case PGY_DTYPE_BF16:
        return (double)(px_rng_mt_u32(rng) & 0xffu) * 0x1p-8;
    default:
        return next_f32(rng);
    }
}

void px_rng_torch_rand(px_rng_mt *rng, pgy_dtype dtype, void *dst, int64_t n)
{
    double values[ELEMENTS_PER_STEP];
    const size_t bits = (size_t)pgy_dtype_bits(dtype);

    if (dtype == PGY_DTYPE_F32) {
        for (int64_t i = 0; i < n; i++)
            ((float *)dst)[i] = next_f32(rng);
        return;
    }
    for (int64_t i = 0; i < n; i += ELEMENTS_PER_STEP) {
        const int step = (int)PX_MIN(n - i, (int64_t)ELEMENTS_PER_STEP);
        for (int k = 0; k < step; k++)
            values[k] = next_float(rng, dtype);
        px_convert(dtype, (char *)dst + (size_t)i * bits / 8, PGY_DTYPE_F64, values, 0, step);
    }
}

void px_rng_torch_integers(px_rng_mt *rng, uint64_t lo, uint64_t hi, pgy_dtype dtype, void *dst,
                           int64_t n)
{
    const uint64_t size = hi - lo + 1; /* 0: all 2^64 values */
    const int bits = pgy_dtype_bits(dtype);
    const int per_byte = bits < 8 ? 8 / bits : 1;

    if (bits < 8)
        memset(dst, 0, (size_t)((n + per_byte - 1) / per_byte));
    for (int64_t i = 0; i < n; i++) {
        uint64_t v;
        if (bits < 64 || (size != 0 && size >> 32 == 0))
            v = px_rng_mt_u32(rng) % size;
        else
            v = size == 0 ? px_rng_mt_u64(rng) : px_rng_mt_u64(rng) % size;
        v += lo;
        if (bits < 8) {
            const unsigned code = (unsigned)v & ((1u << bits) - 1);
            ((uint8_t *)dst)[i / per_byte] |= (uint8_t)(code << i % per_byte * bits);
        } else {
            memcpy((char *)dst + (size_t)i * ((size_t)bits / 8), &v, (size_t)bits / 8);
        }
    }
}
