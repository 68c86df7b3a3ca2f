/* compare/kernels/avx2.c - the float32 loops for AVX2: eight lanes, which are numpy's eight
 * running sums. No fused multiply-add anywhere: every operation rounds as in scalar.c.
 */
#include "compare/kernels/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>

#define AVX2 __attribute__((target("avx2")))
#define BRACKET __attribute__((target("avx2,bmi,popcnt"))) /* no processor has one without all */

AVX2 static inline __m256 abs8(__m256 x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

AVX2 static void diff_avx2(const float *a, const float *b, int64_t n, float atol, float rtol,
                           float *abs, float *rel, int64_t *io_n_mismatch, int64_t *io_n_zero)
{
    const __m256 epsilon = _mm256_set1_ps(0x1p-52f);
    const __m256 at = _mm256_set1_ps(atol), rt = _mm256_set1_ps(rtol);
    __m256i n_mismatch = _mm256_setzero_si256(), n_zero = _mm256_setzero_si256();
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 vb = _mm256_loadu_ps(b + i);
        const __m256 zero = _mm256_cmp_ps(vb, _mm256_setzero_ps(), _CMP_EQ_OQ);
        const __m256 d = abs8(_mm256_sub_ps(_mm256_loadu_ps(a + i), vb));
        const __m256 r = _mm256_div_ps(d, _mm256_blendv_ps(abs8(vb), epsilon, zero));
        const __m256 mismatch =
            _mm256_and_ps(_mm256_cmp_ps(d, at, _CMP_NLE_UQ), _mm256_cmp_ps(r, rt, _CMP_NLE_UQ));
        _mm256_storeu_ps(abs + i, d);
        _mm256_storeu_ps(rel + i, r);
        n_mismatch = _mm256_sub_epi32(n_mismatch, _mm256_castps_si256(mismatch));
        n_zero = _mm256_sub_epi32(n_zero, _mm256_castps_si256(zero));
    }
    int32_t lanes[16];
    _mm256_storeu_si256((__m256i *)lanes, n_mismatch);
    _mm256_storeu_si256((__m256i *)(lanes + 8), n_zero);
    for (int k = 0; k < 8; k++) {
        *io_n_mismatch += lanes[k];
        *io_n_zero += lanes[8 + k];
    }
    px_k_f32_scalar.diff(a + i, b + i, n - i, atol, rtol, abs + i, rel + i, io_n_mismatch,
                         io_n_zero);
}

AVX2 static void minmax_avx2(const float *x, int64_t n, px_k_minmax_f32 *out)
{
    const __m256 inf = _mm256_set1_ps(INFINITY);
    __m256 min0 = inf, max0 = _mm256_set1_ps(-INFINITY), min1 = min0, max1 = max0;
    __m256i n_nan = _mm256_setzero_si256(), n_inf = _mm256_setzero_si256();
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m256 u = _mm256_loadu_ps(x + i), v = _mm256_loadu_ps(x + i + 8);
        /* min(u, m) gives m when u is NaN. */
        min0 = _mm256_min_ps(u, min0);
        max0 = _mm256_max_ps(u, max0);
        min1 = _mm256_min_ps(v, min1);
        max1 = _mm256_max_ps(v, max1);
        const __m256 special = _mm256_or_ps(_mm256_cmp_ps(abs8(u), inf, _CMP_NLT_UQ),
                                            _mm256_cmp_ps(abs8(v), inf, _CMP_NLT_UQ));
        if (PX_UNLIKELY(_mm256_movemask_ps(special) != 0)) {
            const __m256 nan_u = _mm256_cmp_ps(u, u, _CMP_UNORD_Q);
            const __m256 nan_v = _mm256_cmp_ps(v, v, _CMP_UNORD_Q);
            const __m256 inf_u = _mm256_cmp_ps(abs8(u), inf, _CMP_EQ_OQ);
            const __m256 inf_v = _mm256_cmp_ps(abs8(v), inf, _CMP_EQ_OQ);
            n_nan = _mm256_sub_epi32(n_nan, _mm256_castps_si256(nan_u));
            n_nan = _mm256_sub_epi32(n_nan, _mm256_castps_si256(nan_v));
            n_inf = _mm256_sub_epi32(n_inf, _mm256_castps_si256(inf_u));
            n_inf = _mm256_sub_epi32(n_inf, _mm256_castps_si256(inf_v));
        }
    }
    float lanes[16];
    int32_t counts[16];
    _mm256_storeu_ps(lanes, _mm256_min_ps(min0, min1));
    _mm256_storeu_ps(lanes + 8, _mm256_max_ps(max0, max1));
    _mm256_storeu_si256((__m256i *)counts, n_nan);
    _mm256_storeu_si256((__m256i *)(counts + 8), n_inf);
    px_k_minmax_f32 m;
    px_k_f32_scalar.minmax(x + i, n - i, &m);
    for (int k = 0; k < 8; k++) {
        m.min = lanes[k] < m.min ? lanes[k] : m.min;
        m.max = lanes[8 + k] > m.max ? lanes[8 + k] : m.max;
        m.n_nan += counts[k];
        m.n_inf += counts[8 + k];
    }
    *out = m;
}

/* ((r0+r1)+(r2+r3))+((r4+r5)+(r6+r7)) */
AVX2 static inline float join8(__m256 r)
{
    const __m256 pairs = _mm256_hadd_ps(r, r);
    const __m256 quads = _mm256_hadd_ps(pairs, pairs);
    return _mm_cvtss_f32(
        _mm_add_ss(_mm256_castps256_ps128(quads), _mm256_extractf128_ps(quads, 1)));
}

AVX2 static void sum_avx2(const float *x, int64_t n, float *out_sum, float *out_abs_sum)
{
    if (n > PX_PAIRWISE_LEAF) {
        const int64_t half = n / 2 - n / 2 % 8;
        float s0, s1, m0, m1;
        sum_avx2(x, half, &s0, &m0);
        sum_avx2(x + half, n - half, &s1, &m1);
        *out_sum = s0 + s1;
        *out_abs_sum = m0 + m1;
        return;
    }
    if (n < 8) {
        px_k_f32_scalar.sum(x, n, out_sum, out_abs_sum);
        return;
    }
    __m256 r = _mm256_loadu_ps(x), m = abs8(r);
    int64_t i = 8;
    for (; i < n - n % 8; i += 8) {
        const __m256 v = _mm256_loadu_ps(x + i);
        r = _mm256_add_ps(r, v);
        m = _mm256_add_ps(m, abs8(v));
    }
    float sum = join8(r), abs_sum = join8(m);
    for (; i < n; i++) {
        sum += x[i];
        abs_sum += fabsf(x[i]);
    }
    *out_sum = sum;
    *out_abs_sum = abs_sum;
}

typedef struct extremes8 {
    __m256 min, max;
} extremes8;

/* sum_avx2 that gathers the extremes of the same loads. */
AVX2 static void moments_node(const float *x, int64_t n, float *out_sum, float *out_abs_sum,
                              extremes8 *io)
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
    __m256 r = _mm256_loadu_ps(x), m = abs8(r), min = io->min, max = io->max;
    min = _mm256_min_ps(min, r);
    max = _mm256_max_ps(max, r);
    int64_t i = 8;
    for (; i < n - n % 8; i += 8) {
        const __m256 v = _mm256_loadu_ps(x + i);
        r = _mm256_add_ps(r, v);
        m = _mm256_add_ps(m, abs8(v));
        min = _mm256_min_ps(min, v);
        max = _mm256_max_ps(max, v);
    }
    float sum = join8(r), abs_sum = join8(m);
    for (; i < n; i++) {
        sum += x[i];
        abs_sum += fabsf(x[i]);
        min = _mm256_min_ps(min, _mm256_set1_ps(x[i]));
        max = _mm256_max_ps(max, _mm256_set1_ps(x[i]));
    }
    io->min = min;
    io->max = max;
    *out_sum = sum;
    *out_abs_sum = abs_sum;
}

AVX2 static void moments_avx2(const float *x, int64_t n, float *out_sum, float *out_abs_sum,
                              float *out_min, float *out_max)
{
    if (n < 8) {
        px_k_f32_scalar.moments(x, n, out_sum, out_abs_sum, out_min, out_max);
        return;
    }
    extremes8 e = {_mm256_set1_ps(x[0]), _mm256_set1_ps(x[0])};
    float lanes[16];
    moments_node(x, n, out_sum, out_abs_sum, &e);
    _mm256_storeu_ps(lanes, e.min);
    _mm256_storeu_ps(lanes + 8, e.max);
    float min = lanes[0], max = lanes[8];
    for (int k = 1; k < 8; k++) {
        min = lanes[k] < min ? lanes[k] : min;
        max = lanes[8 + k] > max ? lanes[8 + k] : max;
    }
    *out_min = min;
    *out_max = max;
}

AVX2 static void count_edges_avx2(const float *x, int64_t n, const float edges[PX_MAX_EDGES],
                                  int64_t counts[PX_MAX_EDGES])
{
    __m256i sums[PX_MAX_EDGES];
    __m256 at[PX_MAX_EDGES];
    for (int e = 0; e < PX_MAX_EDGES; e++) {
        sums[e] = _mm256_setzero_si256();
        at[e] = _mm256_set1_ps(edges[e]);
    }
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 v = _mm256_loadu_ps(x + i);
        for (int e = 0; e < PX_MAX_EDGES; e++)
            sums[e] =
                _mm256_sub_epi32(sums[e], _mm256_castps_si256(_mm256_cmp_ps(v, at[e], _CMP_GE_OQ)));
    }
    for (int e = 0; e < PX_MAX_EDGES; e++) {
        int32_t lanes[8];
        _mm256_storeu_si256((__m256i *)lanes, sums[e]);
        for (int k = 0; k < 8; k++)
            counts[e] += lanes[k];
    }
    px_k_f32_scalar.count_edges(x + i, n - i, edges, counts);
}

AVX2 static float sq_dev_avx2(const float *x, int64_t n, float mean)
{
    if (n > PX_PAIRWISE_LEAF) {
        const int64_t half = n / 2 - n / 2 % 8;
        const float left = sq_dev_avx2(x, half, mean);
        return left + sq_dev_avx2(x + half, n - half, mean);
    }
    if (n < 8)
        return px_k_f32_scalar.sq_dev(x, n, mean);
    const __m256 m = _mm256_set1_ps(mean);
    __m256 d = _mm256_sub_ps(_mm256_loadu_ps(x), m);
    __m256 r = _mm256_mul_ps(d, d);
    int64_t i = 8;
    for (; i < n - n % 8; i += 8) {
        d = _mm256_sub_ps(_mm256_loadu_ps(x + i), m);
        r = _mm256_add_ps(r, _mm256_mul_ps(d, d));
    }
    float sum = join8(r);
    for (; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum;
}

/* px_key_f32 on eight lanes. */
AVX2 static inline __m256i keys8(const float *x)
{
    const __m256i u = _mm256_loadu_si256((const __m256i *)x);
    const __m256i flip = _mm256_or_si256(_mm256_srai_epi32(u, 31), _mm256_set1_epi32(INT32_MIN));
    return _mm256_xor_si256(u, flip);
}

AVX2 static void count_high_avx2(const float *x, int64_t n, uint32_t *counts)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256i high = _mm256_srli_epi32(keys8(x + i), 16);
        const __m256i first = _mm256_broadcastd_epi32(_mm256_castsi256_si128(high));
        const int same = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(high, first)));
        if (same == 0xff) {
            /* Runs of one value (zero differences) would wait for their own stores. */
            counts[_mm256_extract_epi32(high, 0)] += 8;
            continue;
        }
        uint32_t lanes[8];
        _mm256_storeu_si256((__m256i *)lanes, high);
        for (int k = 0; k < 8; k++)
            counts[lanes[k]]++;
    }
    px_k_f32_scalar.count_high(x + i, n - i, counts);
}

AVX2 static void count_low_avx2(const float *x, int64_t n, const uint16_t *highs, int n_highs,
                                uint32_t *const *counts)
{
    __m256i wanted[PX_MAX_TARGETS];
    for (int t = 0; t < n_highs; t++)
        wanted[t] = _mm256_set1_epi32(highs[t]);
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256i keys = keys8(x + i);
        const __m256i high = _mm256_srli_epi32(keys, 16);
        __m256i any = _mm256_setzero_si256();
        for (int t = 0; t < n_highs; t++)
            any = _mm256_or_si256(any, _mm256_cmpeq_epi32(high, wanted[t]));
        unsigned hits = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(any));
        if (hits == 0)
            continue;
        uint32_t lanes[8];
        _mm256_storeu_si256((__m256i *)lanes, keys);
        if (hits == 0xff) {
            const __m256i first = _mm256_broadcastd_epi32(_mm256_castsi256_si128(keys));
            if (_mm256_movemask_epi8(_mm256_cmpeq_epi32(keys, first)) == -1) {
                for (int t = 0; t < n_highs; t++)
                    if (lanes[0] >> 16 == highs[t])
                        counts[t][lanes[0] & 0xffff] += 8;
                continue;
            }
        }
        for (; hits != 0; hits &= hits - 1) {
            const uint32_t key = lanes[__builtin_ctz(hits)];
            for (int t = 0; t < n_highs; t++)
                if (key >> 16 == highs[t])
                    counts[t][key & 0xffff]++;
        }
    }
    px_k_f32_scalar.count_low(x + i, n - i, highs, n_highs, counts);
}

/* Positions of the set bits, appended without branches that depend on them: four stores cover
 * nearly all words, what is written beyond the count is overwritten. */
BRACKET static inline int positions_of(uint64_t word, int first, uint16_t *out)
{
    const int count = (int)_mm_popcnt_u64(word);
    for (int k = 0; k < 4; k++, word &= word - 1)
        out[k] = (uint16_t)(first + (int)_tzcnt_u64(word));
    for (int k = 4; PX_UNLIKELY(k < count); k++, word &= word - 1)
        out[k] = (uint16_t)(first + (int)_tzcnt_u64(word));
    return count;
}

/* `slots` is a constant where this is called, so that bounds and sums stay in registers. What is
 * inside is noted as positions first and told apart later: a branch for each would be a guess that
 * the processor gets wrong. */
BRACKET __attribute__((always_inline)) static inline void
bracket_slots(const float *x, int64_t n, const px_k_brackets *b, int64_t *io_n_above,
              px_k_found *io, const int slots)
{
    uint16_t at[PX_BLOCK + 4];
    __m256i floors[PX_MAX_BRACKETS], tops[PX_MAX_BRACKETS], sums[PX_MAX_BRACKETS];
    for (int t = 0; t < slots; t++) {
        floors[t] = _mm256_set1_epi32(t < b->n ? b->floor[t] : INT32_MAX);
        tops[t] = _mm256_set1_epi32(t < b->n ? b->top[t] : INT32_MAX);
        sums[t] = _mm256_setzero_si256();
    }
    int64_t i = 0;
    int n_at = 0;
    for (; i + 64 <= n; i += 64) {
        uint64_t word = 0;
        for (int v = 0; v < 64; v += 8) {
            const __m256i u = _mm256_loadu_si256((const __m256i *)(x + i + v));
            const __m256i flip = _mm256_srli_epi32(_mm256_srai_epi32(u, 31), 1);
            const __m256i key = _mm256_xor_si256(u, flip);
            /* Being above an odd number of bounds is being inside of an interval. */
            __m256i odd = _mm256_setzero_si256();
            for (int t = 0; t < slots; t++) {
                const __m256i above = _mm256_cmpgt_epi32(key, floors[t]);
                sums[t] = _mm256_sub_epi32(sums[t], above);
                odd = _mm256_xor_si256(odd,
                                       _mm256_xor_si256(above, _mm256_cmpgt_epi32(key, tops[t])));
            }
            word |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(odd)) << v;
        }
        n_at += positions_of(word, (int)i, at + n_at);
    }
    for (int k = 0; k < n_at; k++) {
        const int32_t key = px_signed_key_f32(x[at[k]]);
        int t = -1;
        for (int s = 0; s < slots; s++)
            t += s < b->n && key > b->floor[s];
        if (PX_LIKELY(io->n[t] < io->cap[t]))
            io->at[t][io->n[t]] = key;
        io->n[t]++;
    }
    for (int t = 0; t < b->n; t++) {
        int32_t lanes[8];
        _mm256_storeu_si256((__m256i *)lanes, sums[t]);
        for (int k = 0; k < 8; k++)
            io_n_above[t] += lanes[k];
    }
    px_k_f32_scalar.bracket(x + i, n - i, b, io_n_above, io);
}

BRACKET static void bracket_avx2(const float *x, int64_t n, const px_k_brackets *b,
                                 int64_t *io_n_above, px_k_found *io)
{
    if (b->n <= 4)
        bracket_slots(x, n, b, io_n_above, io, 4);
    else if (b->n <= 8)
        bracket_slots(x, n, b, io_n_above, io, 8);
    else
        bracket_slots(x, n, b, io_n_above, io, PX_MAX_BRACKETS);
}

/* Ordered position as int32: zero for both zeros, symmetric. */
AVX2 static inline __m256i positions8(__m256i u)
{
    const __m256i magnitude = _mm256_and_si256(u, _mm256_set1_epi32(INT32_MAX));
    const __m256i sign = _mm256_srai_epi32(u, 31);
    return _mm256_sub_epi32(_mm256_xor_si256(magnitude, sign), sign);
}

AVX2 static void ulp_avx2(const float *a, const float *b, int64_t n, px_k_ulp *io)
{
    __m256i max = _mm256_setzero_si256(), sum = max, n_nan = max;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 fa = _mm256_loadu_ps(a + i), fb = _mm256_loadu_ps(b + i);
        const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(fa, fb, _CMP_UNORD_Q));
        const __m256i pa = positions8(_mm256_castps_si256(fa));
        const __m256i pb = positions8(_mm256_castps_si256(fb));
        /* The difference of two int32 fits in uint32 once the larger is the minuend. */
        const __m256i larger = _mm256_max_epi32(pa, pb), smaller = _mm256_min_epi32(pa, pb);
        const __m256i d = _mm256_andnot_si256(nan, _mm256_sub_epi32(larger, smaller));
        max = _mm256_max_epu32(max, d);
        sum = _mm256_add_epi64(sum, _mm256_and_si256(d, _mm256_set1_epi64x(0xffffffff)));
        sum = _mm256_add_epi64(sum, _mm256_srli_epi64(d, 32));
        n_nan = _mm256_sub_epi32(n_nan, nan);
    }
    uint32_t maxes[8];
    uint64_t sums[4];
    int32_t nans[8];
    _mm256_storeu_si256((__m256i *)maxes, max);
    _mm256_storeu_si256((__m256i *)sums, sum);
    _mm256_storeu_si256((__m256i *)nans, n_nan);
    io->n += i;
    for (int k = 0; k < 8; k++) {
        io->max = PX_MAX(io->max, (uint64_t)maxes[k]);
        io->sum += k < 4 ? sums[k] : 0;
        io->n -= nans[k];
    }
    px_k_f32_scalar.ulp(a + i, b + i, n - i, io);
}

const px_f32_kernels px_k_f32_avx2 = {
    .name = "avx2",
    .diff = diff_avx2,
    .minmax = minmax_avx2,
    .sum = sum_avx2,
    .moments = moments_avx2,
    .count_edges = count_edges_avx2,
    .sq_dev = sq_dev_avx2,
    .count_high = count_high_avx2,
    .count_low = count_low_avx2,
    .bracket = bracket_avx2,
    .ulp = ulp_avx2,
};

#endif
