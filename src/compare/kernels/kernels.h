/* compare/kernels/kernels.h - the inner loops of a comparison.
 *
 * float32, by far the commonest element type, has one table of loops per instruction set; scalar.c
 * is the definition and the others must give the same bits. All other types use the plain loops of
 * typed.c. Loops see at most PX_BLOCK elements of contiguous memory, naturally aligned, never more
 * than asked for, and allocate nothing.
 *
 * Sums follow numpy's pairwise order: fewer than 8 elements one after the other; up to 128 in eight
 * running sums r[i % 8], joined as ((r0+r1)+(r2+r3))+((r4+r5)+(r6+r7)), then the remainder; more
 * are halved at a multiple of 8. That order is part of the printed result.
 */
#ifndef PX_COMPARE_KERNELS_KERNELS_H
#define PX_COMPARE_KERNELS_KERNELS_H

#include "base/px.h"

/* Largest number of elements a loop is given; also numpy's buffer for converted sums. */
#define PX_BLOCK 8192
/* Elements up to which numpy's pairwise sum does not halve. */
#define PX_PAIRWISE_LEAF 128
/* Radix selection counts 16 bits of a key at a time. */
#define PX_RADIX_BINS 65536
#define PX_MAX_TARGETS 16
/* Edges of a histogram. */
#define PX_MAX_EDGES 11

typedef struct px_k_minmax_f32 {
    float min, max; /* of what is not NaN; +inf and -inf if there is nothing */
    int64_t n_nan, n_inf;
} px_k_minmax_f32;

typedef struct px_k_ulp {
    uint64_t max;
    unsigned __int128 sum; /* exact, so that the order of additions cannot show */
    int64_t n;             /* pairs without NaN */
} px_k_ulp;

/* Intervals of ordered keys, disjoint and ascending: the keys above `floor` and up to `top`. A
 * signed key orders as the float does: px_key_f32 with its upper bit turned. `top` equal to `floor`
 * is an empty interval. */
#define PX_MAX_BRACKETS 12
typedef struct px_k_brackets {
    int n;
    int32_t floor[PX_MAX_BRACKETS], top[PX_MAX_BRACKETS];
} px_k_brackets;

/* Keys found in each interval: the first `cap` are kept, all are counted. */
typedef struct px_k_found {
    int32_t *at[PX_MAX_BRACKETS];
    int64_t n[PX_MAX_BRACKETS], cap[PX_MAX_BRACKETS];
} px_k_found;

typedef struct px_f32_kernels {
    const char *name;
    /* abs[i] = |a - b|; rel[i] = abs[i] / |b|, with 2^-52 in the place of a zero b. A mismatch is
     * !(abs <= atol) && !(rel <= rtol): NaN mismatches. Neither tolerance is NaN. */
    void (*diff)(const float *a, const float *b, int64_t n, float atol, float rtol, float *abs,
                 float *rel, int64_t *io_n_mismatch, int64_t *io_n_zero);
    void (*minmax)(const float *x, int64_t n, px_k_minmax_f32 *out);
    /* Pairwise sums of x and of |x|. */
    void (*sum)(const float *x, int64_t n, float *out_sum, float *out_abs_sum);
    /* Both sums and the extremes in one go. `out_min` and `out_max` hold only if the sum of |x| is
     * finite, which shows that no element is NaN or infinite. n >= 1. */
    void (*moments)(const float *x, int64_t n, float *out_sum, float *out_abs_sum, float *out_min,
                    float *out_max);
    /* Adds to counts[i] the number of elements x >= edges[i]. */
    void (*count_edges)(const float *x, int64_t n, const float edges[PX_MAX_EDGES],
                        int64_t counts[PX_MAX_EDGES]);
    /* Pairwise sum of (x - mean)^2. */
    float (*sq_dev)(const float *x, int64_t n, float mean);
    /* Counts the upper 16 bits of the ordered keys. */
    void (*count_high)(const float *x, int64_t n, uint32_t *counts);
    /* Counts the lower 16 bits of keys whose upper half is highs[t] in counts[t]. */
    void (*count_low)(const float *x, int64_t n, const uint16_t *highs, int n_highs,
                      uint32_t *const *counts);
    /* Adds to io_n_above[t] the elements above floor[t], and keeps those inside the intervals. */
    void (*bracket)(const float *x, int64_t n, const px_k_brackets *b, int64_t *io_n_above,
                    px_k_found *io);
    /* Distance in representable numbers; +0 and -0 are the same. Adds to `io`. */
    void (*ulp)(const float *a, const float *b, int64_t n, px_k_ulp *io);
} px_f32_kernels;

extern const px_f32_kernels px_k_f32_scalar;
#if defined(__x86_64__)
extern const px_f32_kernels px_k_f32_avx2, px_k_f32_avx512;
#endif
#if defined(__aarch64__)
extern const px_f32_kernels px_k_f32_neon;
#endif

/* The fastest table this processor can run. */
const px_f32_kernels *px_k_f32_get(void);

/* Unsigned key that orders as the float does; NaNs go to the ends. */
static inline uint32_t px_key_f32(float x)
{
    union {
        float f;
        uint32_t u;
    } v = {.f = x};
    return v.u ^ ((uint32_t)((int32_t)v.u >> 31) | UINT32_C(0x80000000));
}

static inline int32_t px_signed_key_f32(float x)
{
    return (int32_t)(px_key_f32(x) ^ UINT32_C(0x80000000));
}

static inline void px_found_keep(const px_k_brackets *b, int32_t key, px_k_found *io)
{
    for (int t = 0; t < b->n; t++)
        if (key > b->floor[t] && key <= b->top[t]) {
            if (io->n[t] < io->cap[t])
                io->at[t][io->n[t]] = key;
            io->n[t]++;
            return;
        }
}

static inline float px_key_to_f32(uint32_t key)
{
    union {
        uint32_t u;
        float f;
    } v = {.u = key & UINT32_C(0x80000000) ? key ^ UINT32_C(0x80000000) : ~key};
    return v.f;
}

/* Signed position among all floats: 0 for both zeros. */
static inline int64_t px_position_f32(float x)
{
    union {
        float f;
        uint32_t u;
    } v = {.f = x};
    const int64_t magnitude = v.u & UINT32_C(0x7fffffff);
    return v.u >> 31 ? -magnitude : magnitude;
}

#endif
