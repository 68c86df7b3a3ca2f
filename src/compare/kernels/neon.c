/* compare/kernels/neon.c - the float32 loops for AArch64: numpy's eight running sums are two
 * registers. Counting keys is bound by its stores and stays with the plain loops.
 */
#include "compare/kernels/kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <math.h>

static void diff_neon(const float *a, const float *b, int64_t n, float atol, float rtol, float *abs,
                      float *rel, int64_t *io_n_mismatch, int64_t *io_n_zero)
{
    const float32x4_t epsilon = vdupq_n_f32(0x1p-52f);
    const float32x4_t at = vdupq_n_f32(atol), rt = vdupq_n_f32(rtol);
    uint32x4_t n_mismatch = vdupq_n_u32(0), n_zero = n_mismatch;
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float32x4_t vb = vld1q_f32(b + i);
        const uint32x4_t zero = vceqzq_f32(vb);
        const float32x4_t d = vabsq_f32(vsubq_f32(vld1q_f32(a + i), vb));
        const float32x4_t r = vdivq_f32(d, vbslq_f32(zero, epsilon, vabsq_f32(vb)));
        const uint32x4_t within = vorrq_u32(vcleq_f32(d, at), vcleq_f32(r, rt));
        vst1q_f32(abs + i, d);
        vst1q_f32(rel + i, r);
        n_mismatch = vsubq_u32(n_mismatch, vmvnq_u32(within));
        n_zero = vsubq_u32(n_zero, zero);
    }
    *io_n_mismatch += vaddvq_u32(n_mismatch);
    *io_n_zero += vaddvq_u32(n_zero);
    px_k_f32_scalar.diff(a + i, b + i, n - i, atol, rtol, abs + i, rel + i, io_n_mismatch,
                         io_n_zero);
}

static void minmax_neon(const float *x, int64_t n, px_k_minmax_f32 *out)
{
    const float32x4_t inf = vdupq_n_f32(INFINITY);
    float32x4_t min = inf, max = vdupq_n_f32(-INFINITY);
    uint32x4_t n_nan = vdupq_n_u32(0), n_inf = n_nan;
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float32x4_t v = vld1q_f32(x + i);
        const uint32x4_t number = vceqq_f32(v, v); /* vminnm would let signalling NaN through */
        min = vminq_f32(min, vbslq_f32(number, v, min));
        max = vmaxq_f32(max, vbslq_f32(number, v, max));
        n_nan = vsubq_u32(n_nan, vmvnq_u32(number));
        n_inf = vsubq_u32(n_inf, vceqq_f32(vabsq_f32(v), inf));
    }
    px_k_minmax_f32 m;
    px_k_f32_scalar.minmax(x + i, n - i, &m);
    m.min = fminf(m.min, vminvq_f32(min));
    m.max = fmaxf(m.max, vmaxvq_f32(max));
    m.n_nan += vaddvq_u32(n_nan);
    m.n_inf += vaddvq_u32(n_inf);
    *out = m;
}

/* ((r0+r1)+(r2+r3))+((r4+r5)+(r6+r7)) */
static inline float join8(float32x4_t low, float32x4_t high)
{
    const float32x4_t pairs = vpaddq_f32(low, high);
    const float32x4_t quads = vpaddq_f32(pairs, pairs);
    return vgetq_lane_f32(quads, 0) + vgetq_lane_f32(quads, 1);
}

typedef struct extremes4 {
    float32x4_t min, max;
} extremes4;

static void moments_node(const float *x, int64_t n, float *out_sum, float *out_abs_sum,
                         extremes4 *io)
{
    if (n > PX_PAIRWISE_LEAF) {
        const int64_t half = n / 2 - n / 2 % 8;
        float s0, s1, m0, m1;
        moments_node(x, half, &s0, &m0, io);
        moments_node(x + half, n - half, &s1, &m1, io);
        *out_sum = s0 + s1;
        *out_abs_sum = m0 + m1;
        return;
    }
    float32x4_t r0 = vld1q_f32(x), r1 = vld1q_f32(x + 4);
    float32x4_t m0 = vabsq_f32(r0), m1 = vabsq_f32(r1);
    float32x4_t min = vminq_f32(io->min, vminq_f32(r0, r1));
    float32x4_t max = vmaxq_f32(io->max, vmaxq_f32(r0, r1));
    int64_t i = 8;
    for (; i < n - n % 8; i += 8) {
        const float32x4_t u = vld1q_f32(x + i), v = vld1q_f32(x + i + 4);
        r0 = vaddq_f32(r0, u);
        r1 = vaddq_f32(r1, v);
        m0 = vaddq_f32(m0, vabsq_f32(u));
        m1 = vaddq_f32(m1, vabsq_f32(v));
        min = vminq_f32(min, vminq_f32(u, v));
        max = vmaxq_f32(max, vmaxq_f32(u, v));
    }
    float sum = join8(r0, r1), abs_sum = join8(m0, m1);
    for (; i < n; i++) {
        sum += x[i];
        abs_sum += fabsf(x[i]);
        min = vminq_f32(min, vdupq_n_f32(x[i]));
        max = vmaxq_f32(max, vdupq_n_f32(x[i]));
    }
    io->min = min;
    io->max = max;
    *out_sum = sum;
    *out_abs_sum = abs_sum;
}

static void moments_neon(const float *x, int64_t n, float *out_sum, float *out_abs_sum,
                         float *out_min, float *out_max)
{
    if (n < 8) {
        px_k_f32_scalar.moments(x, n, out_sum, out_abs_sum, out_min, out_max);
        return;
    }
    extremes4 e = {vdupq_n_f32(x[0]), vdupq_n_f32(x[0])};
    moments_node(x, n, out_sum, out_abs_sum, &e);
    *out_min = vminvq_f32(e.min);
    *out_max = vmaxvq_f32(e.max);
}

static void sum_neon(const float *x, int64_t n, float *out_sum, float *out_abs_sum)
{
    float min, max;
    if (n < 8)
        px_k_f32_scalar.sum(x, n, out_sum, out_abs_sum);
    else
        moments_neon(x, n, out_sum, out_abs_sum, &min, &max);
}

static void count_edges_neon(const float *x, int64_t n, const float edges[PX_MAX_EDGES],
                             int64_t counts[PX_MAX_EDGES])
{
    uint32x4_t sums[PX_MAX_EDGES];
    for (int e = 0; e < PX_MAX_EDGES; e++)
        sums[e] = vdupq_n_u32(0);
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float32x4_t v = vld1q_f32(x + i);
        for (int e = 0; e < PX_MAX_EDGES; e++)
            sums[e] = vsubq_u32(sums[e], vcgeq_f32(v, vdupq_n_f32(edges[e])));
    }
    for (int e = 0; e < PX_MAX_EDGES; e++)
        counts[e] += vaddvq_u32(sums[e]);
    px_k_f32_scalar.count_edges(x + i, n - i, edges, counts);
}

static float sq_dev_neon(const float *x, int64_t n, float mean)
{
    if (n > PX_PAIRWISE_LEAF) {
        const int64_t half = n / 2 - n / 2 % 8;
        const float left = sq_dev_neon(x, half, mean);
        return left + sq_dev_neon(x + half, n - half, mean);
    }
    if (n < 8)
        return px_k_f32_scalar.sq_dev(x, n, mean);
    const float32x4_t m = vdupq_n_f32(mean);
    float32x4_t d0 = vsubq_f32(vld1q_f32(x), m), d1 = vsubq_f32(vld1q_f32(x + 4), m);
    float32x4_t r0 = vmulq_f32(d0, d0), r1 = vmulq_f32(d1, d1);
    int64_t i = 8;
    for (; i < n - n % 8; i += 8) {
        d0 = vsubq_f32(vld1q_f32(x + i), m);
        d1 = vsubq_f32(vld1q_f32(x + i + 4), m);
        r0 = vaddq_f32(r0, vmulq_f32(d0, d0));
        r1 = vaddq_f32(r1, vmulq_f32(d1, d1));
    }
    float sum = join8(r0, r1);
    for (; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum;
}

static void count_high_neon(const float *x, int64_t n, uint32_t *counts)
{
    px_k_f32_scalar.count_high(x, n, counts);
}

static void count_low_neon(const float *x, int64_t n, const uint16_t *highs, int n_highs,
                           uint32_t *const *counts)
{
    px_k_f32_scalar.count_low(x, n, highs, n_highs, counts);
}

static void bracket_neon(const float *x, int64_t n, const px_k_brackets *b, int64_t *io_n_above,
                         px_k_found *io)
{
    px_k_f32_scalar.bracket(x, n, b, io_n_above, io);
}

/* Ordered position as int32: zero for both zeros, symmetric. */
static inline int32x4_t positions4(float32x4_t x)
{
    const int32x4_t u = vreinterpretq_s32_f32(x);
    const int32x4_t magnitude = vandq_s32(u, vdupq_n_s32(INT32_MAX));
    const int32x4_t sign = vshrq_n_s32(u, 31);
    return vsubq_s32(veorq_s32(magnitude, sign), sign);
}

static void ulp_neon(const float *a, const float *b, int64_t n, px_k_ulp *io)
{
    uint32x4_t max = vdupq_n_u32(0), n_valid = max;
    uint64x2_t sum = vdupq_n_u64(0);
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float32x4_t fa = vld1q_f32(a + i), fb = vld1q_f32(b + i);
        const uint32x4_t valid = vandq_u32(vceqq_f32(fa, fa), vceqq_f32(fb, fb));
        const int32x4_t pa = positions4(fa), pb = positions4(fb);
        const uint32x4_t d = vandq_u32(
            valid, vreinterpretq_u32_s32(vsubq_s32(vmaxq_s32(pa, pb), vminq_s32(pa, pb))));
        max = vmaxq_u32(max, d);
        sum = vpadalq_u32(sum, d);
        n_valid = vsubq_u32(n_valid, valid);
    }
    io->max = PX_MAX(io->max, (uint64_t)vmaxvq_u32(max));
    io->sum += vaddvq_u64(sum);
    io->n += vaddvq_u32(n_valid);
    px_k_f32_scalar.ulp(a + i, b + i, n - i, io);
}

const px_f32_kernels px_k_f32_neon = {
    .name = "neon",
    .diff = diff_neon,
    .minmax = minmax_neon,
    .sum = sum_neon,
    .moments = moments_neon,
    .count_edges = count_edges_neon,
    .sq_dev = sq_dev_neon,
    .count_high = count_high_neon,
    .count_low = count_low_neon,
    .bracket = bracket_neon,
    .ulp = ulp_neon,
};

#endif
