/* data/rng_mt.c - MT19937 as numpy.random.RandomState uses it.
 *
 * Matsumoto and Nishimura's generator (1998) with init_genrand seeding. The state is renewed and
 * tempered 624 words at a time in loops without dependences inside a vector, and doubles are made
 * in bulk; both are compiled a second time for AVX2 from the same source, so the results cannot
 * differ (there is no reassociation and no fused multiply-add).
 */
#include "data/rng_mt.h"

#include "base/cpu.h"
#include "base/tensor.h"

#include <math.h>

#define MT_SHIFT 397
#define DOUBLES_PER_STEP 1024 /* 8 KiB of doubles: stays in the first-level cache */

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__)
#define HAVE_AVX2_CLONE 1
#define TARGET_AVX2 __attribute__((target("avx2")))
#else
#define HAVE_AVX2_CLONE 0
#endif

void px_rng_mt_seed(px_rng_mt *rng, uint32_t seed)
{
    rng->key[0] = seed;
    for (uint32_t p = 1; p < PX_MT_WORDS; p++)
        rng->key[p] = 1812433253u * (rng->key[p - 1] ^ (rng->key[p - 1] >> 30)) + p;
    rng->pos = PX_MT_WORDS;
}

ALWAYS_INLINE uint32_t twist(uint32_t here, uint32_t next, uint32_t far)
{
    const uint32_t y = (here & 0x80000000u) | (next & 0x7fffffffu);
    return far ^ (y >> 1) ^ (-(y & 1u) & 0x9908b0dfu);
}

ALWAYS_INLINE void renew_body(uint32_t *restrict key, uint32_t *restrict words)
{
    enum { tail = PX_MT_WORDS - MT_SHIFT }; /* 227: the distance of the second loop's dependence */

    for (int k = 0; k < tail; k++)
        key[k] = twist(key[k], key[k + 1], key[k + MT_SHIFT]);
    for (int k = tail; k < 2 * tail; k++)
        key[k] = twist(key[k], key[k + 1], key[k - tail]);
    for (int k = 2 * tail; k < PX_MT_WORDS - 1; k++)
        key[k] = twist(key[k], key[k + 1], key[k - tail]);
    key[PX_MT_WORDS - 1] = twist(key[PX_MT_WORDS - 1], key[0], key[MT_SHIFT - 1]);
    for (int k = 0; k < PX_MT_WORDS; k++) {
        uint32_t y = key[k];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        words[k] = y ^ (y >> 18);
    }
}

/* `pairs` holds two words per double. The 27-bit and 26-bit parts fit a signed int, whose
 * conversion to double every vector unit has. */
ALWAYS_INLINE void doubles_body(const uint32_t *restrict pairs, double scale, double shift,
                                double *restrict dst, int n)
{
    for (int i = 0; i < n; i++) {
        const int32_t a = (int32_t)(pairs[2 * i] >> 5);
        const int32_t b = (int32_t)(pairs[2 * i + 1] >> 6);
        /* Dividing by 2^53 is exact, so multiplying by its inverse gives the same bits. */
        const double u = ((double)a * 67108864.0 + (double)b) * 0x1p-53;
        dst[i] = u * scale + shift;
    }
}

static void renew_plain(uint32_t *restrict key, uint32_t *restrict words)
{
    renew_body(key, words);
}

static void doubles_plain(const uint32_t *restrict pairs, double scale, double shift,
                          double *restrict dst, int n)
{
    doubles_body(pairs, scale, shift, dst, n);
}

#if HAVE_AVX2_CLONE
TARGET_AVX2 static void renew_avx2(uint32_t *restrict key, uint32_t *restrict words)
{
    renew_body(key, words);
}

TARGET_AVX2 static void doubles_avx2(const uint32_t *restrict pairs, double scale, double shift,
                                     double *restrict dst, int n)
{
    doubles_body(pairs, scale, shift, dst, n);
}
#endif

static void renew(px_rng_mt *rng)
{
#if HAVE_AVX2_CLONE
    if (px_cpu_get()->avx2)
        renew_avx2(rng->key, rng->words);
    else
#endif
        renew_plain(rng->key, rng->words);
    rng->pos = 0;
}

static void make_doubles(const uint32_t *pairs, double scale, double shift, double *dst, int n)
{
#if HAVE_AVX2_CLONE
    if (px_cpu_get()->avx2)
        doubles_avx2(pairs, scale, shift, dst, n);
    else
#endif
        doubles_plain(pairs, scale, shift, dst, n);
}

uint32_t px_rng_mt_u32(px_rng_mt *rng)
{
    if (rng->pos == PX_MT_WORDS)
        renew(rng);
    return rng->words[rng->pos++];
}

uint64_t px_rng_mt_u64(px_rng_mt *rng)
{
    const uint64_t high = px_rng_mt_u32(rng);
    return high << 32 | px_rng_mt_u32(rng);
}

static void take_words(px_rng_mt *rng, uint32_t *dst, int n)
{
    while (n > 0) {
        if (rng->pos == PX_MT_WORDS)
            renew(rng);
        const int step = PX_MIN(n, PX_MT_WORDS - rng->pos);
        memcpy(dst, rng->words + rng->pos, (size_t)step * sizeof *dst);
        rng->pos += step;
        dst += step;
        n -= step;
    }
}

void px_rng_mt_uniform(px_rng_mt *rng, double lo, double hi, pgy_dtype dtype, void *dst, int64_t n)
{
    uint32_t pairs[2 * DOUBLES_PER_STEP];
    double values[DOUBLES_PER_STEP];
    double scale = hi - lo;
    double shift = lo;
    const size_t bits = (size_t)pgy_dtype_bits(dtype);

    if (isinf(lo)) {
        scale = lo;
        shift = 0;
    }
    if (isinf(hi))
        scale = hi;
    for (int64_t i = 0; i < n; i += DOUBLES_PER_STEP) {
        const int step = (int)PX_MIN(n - i, (int64_t)DOUBLES_PER_STEP);
        /* DOUBLES_PER_STEP is even, so packed elements start on a byte. */
        char *const at = (char *)dst + (size_t)i * bits / 8;

        take_words(rng, pairs, 2 * step);
        make_doubles(pairs, scale, shift, dtype == PGY_DTYPE_F64 ? (double *)at : values, step);
        if (dtype == PGY_DTYPE_F32) {
            for (int k = 0; k < step; k++)
                ((float *)at)[k] = (float)values[k];
        } else if (dtype != PGY_DTYPE_F64) {
            px_convert(dtype, at, PGY_DTYPE_F64, values, 0, step);
        }
    }
}

static uint64_t mask_of(uint64_t range)
{
    for (int shift = 1; shift < 64; shift *= 2)
        range |= range >> shift;
    return range;
}

static void draw_bits(px_rng_mt *rng, uint8_t *dst, int64_t n)
{
    int64_t i = 0;

    for (; n - i >= 32; i += 32) {
        const uint32_t word = px_rng_mt_u32(rng);
        for (int k = 0; k < 32; k++)
            dst[i + k] = word >> k & 1;
    }
    if (i < n) {
        const uint32_t word = px_rng_mt_u32(rng);
        for (int k = 0; i < n; k++)
            dst[i++] = word >> k & 1;
    }
}

/* Each word yields `per_word` candidates. The inner loop takes no more words than there are
 * elements left, so it may store before it knows whether the candidate is accepted. */
#define DRAW_NARROW(name, type, per_word)                                                          \
    static void name(px_rng_mt *rng, type lo, type range, type *dst, int64_t n)                    \
    {                                                                                              \
        const type mask = (type)mask_of(range);                                                    \
        int64_t done = 0;                                                                          \
        while (n - done >= (per_word)) {                                                           \
            if (rng->pos == PX_MT_WORDS)                                                           \
                renew(rng);                                                                        \
            const int64_t whole = (n - done) / (per_word);                                         \
            const int step = (int)PX_MIN(whole, (int64_t)(PX_MT_WORDS - rng->pos));                \
            for (int w = 0; w < step; w++) {                                                       \
                const uint32_t word = rng->words[rng->pos + w];                                    \
                for (int k = 0; k < (per_word); k++) {                                             \
                    const type v = (type)(word >> k * (32 / (per_word))) & mask;                   \
                    dst[done] = (type)(lo + v);                                                    \
                    done += v <= range;                                                            \
                }                                                                                  \
            }                                                                                      \
            rng->pos += step;                                                                      \
        }                                                                                          \
        while (done < n) {                                                                         \
            uint32_t word = px_rng_mt_u32(rng);                                                    \
            for (int k = 0; k < (per_word) && done < n; k++) {                                     \
                const type v = (type)(word >> k * (32 / (per_word))) & mask;                       \
                dst[done] = (type)(lo + v);                                                        \
                done += v <= range;                                                                \
            }                                                                                      \
        }                                                                                          \
    }

DRAW_NARROW(draw_u8, uint8_t, 4)
DRAW_NARROW(draw_u16, uint16_t, 2)
DRAW_NARROW(draw_u32, uint32_t, 1)

static void draw_u64(px_rng_mt *rng, uint64_t lo, uint64_t range, uint64_t *dst, int64_t n)
{
    const uint64_t mask = mask_of(range);

    for (int64_t i = 0; i < n; i++) {
        uint64_t v;
        do {
            v = (range <= UINT32_MAX ? px_rng_mt_u32(rng) : px_rng_mt_u64(rng)) & mask;
        } while (v > range);
        dst[i] = lo + v;
    }
}

static void fill_constant(uint64_t value, size_t size, void *dst, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        memcpy((char *)dst + (size_t)i * size, &value, size); /* little-endian: low bytes first */
}

/* 2- and 4-bit elements: the words and candidates of an 8-bit draw, packed one by one. */
static void draw_packed(px_rng_mt *rng, uint8_t lo, uint8_t range, int bits, uint8_t *dst,
                        int64_t n)
{
    const uint8_t mask = (uint8_t)mask_of(range);
    const uint8_t element = (uint8_t)((1 << bits) - 1);
    const int per_byte = 8 / bits;
    uint32_t word = 0;
    int left = 0;

    memset(dst, 0, (size_t)((n + per_byte - 1) / per_byte));
    for (int64_t i = 0; i < n; i++) {
        uint8_t v = 0;
        if (range != 0) {
            do {
                if (left == 0) {
                    word = px_rng_mt_u32(rng);
                    left = 4;
                }
                v = (uint8_t)word & mask;
                word >>= 8;
                left--;
            } while (v > range);
        }
        const unsigned code = (unsigned)(lo + v) & element;
        dst[i / per_byte] |= (uint8_t)(code << i % per_byte * bits);
    }
}

void px_rng_mt_integers(px_rng_mt *rng, uint64_t lo, uint64_t hi, pgy_dtype dtype, void *dst,
                        int64_t n)
{
    const uint64_t range = hi - lo;
    const int bits = pgy_dtype_bits(dtype);

    if (n == 0)
        return;
    if (bits < 8)
        draw_packed(rng, (uint8_t)lo, (uint8_t)range, bits, dst, n);
    else if (range == 0)
        fill_constant(lo, (size_t)bits / 8, dst, n);
    else if (dtype == PGY_DTYPE_BOOL)
        draw_bits(rng, dst, n);
    else if (bits == 8)
        draw_u8(rng, (uint8_t)lo, (uint8_t)range, dst, n);
    else if (bits == 16)
        draw_u16(rng, (uint16_t)lo, (uint16_t)range, dst, n);
    else if (bits == 32)
        draw_u32(rng, (uint32_t)lo, (uint32_t)range, dst, n);
    else
        draw_u64(rng, lo, range, dst, n);
}
