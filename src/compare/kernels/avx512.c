/* compare/kernels/avx512.c - the float32 loops that gain from 16 lanes.
 *
 * Sums stay with the AVX2 loops: numpy's order has eight running sums, so wider registers would
 * change the result. Counting is bound by its stores, not by lanes.
 */
#include "compare/kernels/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>

#define AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))

AVX512 static inline __m512 abs16(__m512 x)
{
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(INT32_MAX)));
}

AVX512 static void diff_avx512(const float *a, const float *b, int64_t n, float atol, float rtol,
                               float *abs, float *rel, int64_t *io_n_mismatch, int64_t *io_n_zero)
{
    const __m512 epsilon = _mm512_set1_ps(0x1p-52f);
    const __m512 at = _mm512_set1_ps(atol), rt = _mm512_set1_ps(rtol);
    int64_t n_mismatch = 0, n_zero = 0;
    for (int64_t i = 0; i < n; i += 16) {
        const int left = (int)PX_MIN(n - i, 16);
        const __mmask16 m = (__mmask16)((1u << left) - 1);
        const __m512 vb = _mm512_maskz_loadu_ps(m, b + i);
        const __mmask16 zero = _mm512_mask_cmp_ps_mask(m, vb, _mm512_setzero_ps(), _CMP_EQ_OQ);
        const __m512 d = abs16(_mm512_sub_ps(_mm512_maskz_loadu_ps(m, a + i), vb));
        const __m512 r = _mm512_maskz_div_ps(m, d, _mm512_mask_mov_ps(abs16(vb), zero, epsilon));
        const __mmask16 mismatch = _mm512_mask_cmp_ps_mask(
            _mm512_mask_cmp_ps_mask(m, d, at, _CMP_NLE_UQ), r, rt, _CMP_NLE_UQ);
        _mm512_mask_storeu_ps(abs + i, m, d);
        _mm512_mask_storeu_ps(rel + i, m, r);
        n_mismatch += __builtin_popcount(mismatch);
        n_zero += __builtin_popcount(zero);
    }
    *io_n_mismatch += n_mismatch;
    *io_n_zero += n_zero;
}

AVX512 static void minmax_avx512(const float *x, int64_t n, px_k_minmax_f32 *out)
{
    const __m512 inf = _mm512_set1_ps(INFINITY);
    __m512 min = inf, max = _mm512_set1_ps(-INFINITY);
    px_k_minmax_f32 r = {0};
    for (int64_t i = 0; i < n; i += 16) {
        const int left = (int)PX_MIN(n - i, 16);
        const __mmask16 m = (__mmask16)((1u << left) - 1);
        const __m512 v = _mm512_maskz_loadu_ps(m, x + i);
        const __mmask16 nan = _mm512_mask_cmp_ps_mask(m, v, v, _CMP_UNORD_Q);
        const __mmask16 good = m & (__mmask16)~nan;
        min = _mm512_mask_min_ps(min, good, min, v);
        max = _mm512_mask_max_ps(max, good, max, v);
        r.n_nan += __builtin_popcount(nan);
        r.n_inf += __builtin_popcount(_mm512_mask_cmp_ps_mask(m, abs16(v), inf, _CMP_EQ_OQ));
    }
    r.min = _mm512_reduce_min_ps(min);
    r.max = _mm512_reduce_max_ps(max);
    *out = r;
}

static void sum_avx512(const float *x, int64_t n, float *out_sum, float *out_abs_sum)
{
    px_k_f32_avx2.sum(x, n, out_sum, out_abs_sum);
}

static void moments_avx512(const float *x, int64_t n, float *out_sum, float *out_abs_sum,
                           float *out_min, float *out_max)
{
    px_k_f32_avx2.moments(x, n, out_sum, out_abs_sum, out_min, out_max);
}

static void count_edges_avx512(const float *x, int64_t n, const float edges[PX_MAX_EDGES],
                               int64_t counts[PX_MAX_EDGES])
{
    px_k_f32_avx2.count_edges(x, n, edges, counts); /* masks and popcounts took twice as long */
}

static float sq_dev_avx512(const float *x, int64_t n, float mean)
{
    return px_k_f32_avx2.sq_dev(x, n, mean);
}

static void count_high_avx512(const float *x, int64_t n, uint32_t *counts)
{
    px_k_f32_avx2.count_high(x, n, counts);
}

static void count_low_avx512(const float *x, int64_t n, const uint16_t *highs, int n_highs,
                             uint32_t *const *counts)
{
    px_k_f32_avx2.count_low(x, n, highs, n_highs, counts);
}

static void bracket_avx512(const float *x, int64_t n, const px_k_brackets *b, int64_t *io_n_above,
                           px_k_found *io)
{
    px_k_f32_avx2.bracket(x, n, b, io_n_above, io);
}

/* Ordered position as int32: zero for both zeros, symmetric. */
AVX512 static inline __m512i positions16(__m512i u)
{
    const __m512i magnitude = _mm512_and_si512(u, _mm512_set1_epi32(INT32_MAX));
    return _mm512_mask_sub_epi32(magnitude, _mm512_movepi32_mask(u), _mm512_setzero_si512(),
                                 magnitude);
}

AVX512 static void ulp_avx512(const float *a, const float *b, int64_t n, px_k_ulp *io)
{
    __m512i max = _mm512_setzero_si512(), sum = max;
    for (int64_t i = 0; i < n; i += 16) {
        const int left = (int)PX_MIN(n - i, 16);
        const __mmask16 m = (__mmask16)((1u << left) - 1);
        const __m512 fa = _mm512_maskz_loadu_ps(m, a + i), fb = _mm512_maskz_loadu_ps(m, b + i);
        const __mmask16 good = _mm512_mask_cmp_ps_mask(m, fa, fb, _CMP_ORD_Q);
        const __m512i pa = positions16(_mm512_castps_si512(fa));
        const __m512i pb = positions16(_mm512_castps_si512(fb));
        const __m512i d =
            _mm512_maskz_sub_epi32(good, _mm512_max_epi32(pa, pb), _mm512_min_epi32(pa, pb));
        max = _mm512_max_epu32(max, d);
        sum = _mm512_add_epi64(sum, _mm512_and_si512(d, _mm512_set1_epi64(0xffffffff)));
        sum = _mm512_add_epi64(sum, _mm512_srli_epi64(d, 32));
        io->n += __builtin_popcount(good);
    }
    io->max = PX_MAX(io->max, (uint64_t)_mm512_reduce_max_epu32(max));
    io->sum += (uint64_t)_mm512_reduce_add_epi64(sum);
}

const px_f32_kernels px_k_f32_avx512 = {
    .name = "avx512",
    .diff = diff_avx512,
    .minmax = minmax_avx512,
    .sum = sum_avx512,
    .moments = moments_avx512,
    .count_edges = count_edges_avx512,
    .sq_dev = sq_dev_avx512,
    .count_high = count_high_avx512,
    .count_low = count_low_avx512,
    .bracket = bracket_avx512,
    .ulp = ulp_avx512,
};

#endif
