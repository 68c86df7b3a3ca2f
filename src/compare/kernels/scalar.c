/* compare/kernels/scalar.c - the float32 loops in plain C: the definition the others are tested
 * against. */
#include "compare/kernels/kernels.h"

#include "base/cpu.h"

#include <math.h>

static void diff_scalar(const float *a, const float *b, int64_t n, float atol, float rtol,
                        float *abs, float *rel, int64_t *io_n_mismatch, int64_t *io_n_zero)
{
    int64_t n_mismatch = 0, n_zero = 0;
    for (int64_t i = 0; i < n; i++) {
        const float d = fabsf(a[i] - b[i]);
        const bool zero = b[i] == 0.0f;
        const float r = d / (zero ? 0x1p-52f : fabsf(b[i]));
        abs[i] = d;
        rel[i] = r;
        n_zero += zero;
        n_mismatch += !(d <= atol) & !(r <= rtol);
    }
    *io_n_mismatch += n_mismatch;
    *io_n_zero += n_zero;
}

static void minmax_scalar(const float *x, int64_t n, px_k_minmax_f32 *out)
{
    px_k_minmax_f32 m = {.min = INFINITY, .max = -INFINITY};
    for (int64_t i = 0; i < n; i++) {
        m.min = x[i] < m.min ? x[i] : m.min;
        m.max = x[i] > m.max ? x[i] : m.max;
        m.n_nan += isnan(x[i]) != 0;
        m.n_inf += isinf(x[i]) != 0;
    }
    *out = m;
}

static float join8(const float r[8])
{
    return ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
}

static void sum_scalar(const float *x, int64_t n, float *out_sum, float *out_abs_sum)
{
    if (n > PX_PAIRWISE_LEAF) {
        const int64_t half = n / 2 - n / 2 % 8;
        float s0, s1, m0, m1;
        sum_scalar(x, half, &s0, &m0);
        sum_scalar(x + half, n - half, &s1, &m1);
        *out_sum = s0 + s1;
        *out_abs_sum = m0 + m1;
        return;
    }
    float sum = -0.0f, abs_sum = -0.0f; /* the neutral element: keeps a sum of -0 */
    int64_t i = 0;
    if (n >= 8) {
        float r[8], m[8];
        for (int k = 0; k < 8; k++) {
            r[k] = x[k];
            m[k] = fabsf(x[k]);
        }
        for (i = 8; i < n - n % 8; i += 8)
            for (int k = 0; k < 8; k++) {
                r[k] += x[i + k];
                m[k] += fabsf(x[i + k]);
            }
        sum = join8(r);
        abs_sum = join8(m);
    }
    for (; i < n; i++) {
        sum += x[i];
        abs_sum += fabsf(x[i]);
    }
    *out_sum = sum;
    *out_abs_sum = abs_sum;
}

static void moments_scalar(const float *x, int64_t n, float *out_sum, float *out_abs_sum,
                           float *out_min, float *out_max)
{
    float min = x[0], max = x[0];
    sum_scalar(x, n, out_sum, out_abs_sum);
    for (int64_t i = 1; i < n; i++) {
        min = x[i] < min ? x[i] : min;
        max = x[i] > max ? x[i] : max;
    }
    *out_min = min;
    *out_max = max;
}

static void count_edges_scalar(const float *x, int64_t n, const float edges[PX_MAX_EDGES],
                               int64_t counts[PX_MAX_EDGES])
{
    for (int e = 0; e < PX_MAX_EDGES; e++) {
        int64_t count = 0;
        for (int64_t i = 0; i < n; i++)
            count += x[i] >= edges[e];
        counts[e] += count;
    }
}

static float sq_dev_scalar(const float *x, int64_t n, float mean)
{
    if (n > PX_PAIRWISE_LEAF) {
        const int64_t half = n / 2 - n / 2 % 8;
        const float left = sq_dev_scalar(x, half, mean);
        return left + sq_dev_scalar(x + half, n - half, mean);
    }
    float sum = -0.0f;
    int64_t i = 0;
    if (n >= 8) {
        float r[8];
        for (int k = 0; k < 8; k++)
            r[k] = (x[k] - mean) * (x[k] - mean);
        for (i = 8; i < n - n % 8; i += 8)
            for (int k = 0; k < 8; k++)
                r[k] += (x[i + k] - mean) * (x[i + k] - mean);
        sum = join8(r);
    }
    for (; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum;
}

static void count_high_scalar(const float *x, int64_t n, uint32_t *counts)
{
    for (int64_t i = 0; i < n; i++)
        counts[px_key_f32(x[i]) >> 16]++;
}

static void count_low_scalar(const float *x, int64_t n, const uint16_t *highs, int n_highs,
                             uint32_t *const *counts)
{
    for (int64_t i = 0; i < n; i++) {
        const uint32_t key = px_key_f32(x[i]);
        for (int t = 0; t < n_highs; t++)
            if (key >> 16 == highs[t])
                counts[t][key & 0xffff]++;
    }
}

static void bracket_scalar(const float *x, int64_t n, const px_k_brackets *b, int64_t *io_n_above,
                           px_k_found *io)
{
    for (int64_t i = 0; i < n; i++) {
        const int32_t key = px_signed_key_f32(x[i]);
        for (int t = 0; t < b->n; t++)
            io_n_above[t] += key > b->floor[t];
        px_found_keep(b, key, io);
    }
}

static void ulp_scalar(const float *a, const float *b, int64_t n, px_k_ulp *io)
{
    uint64_t max = 0, sum = 0; /* a block's sum is below 2^13 * 2^32 */
    int64_t n_valid = 0;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(a[i]) || isnan(b[i]))
            continue;
        const int64_t d = px_position_f32(a[i]) - px_position_f32(b[i]);
        const uint64_t distance = (uint64_t)(d < 0 ? -d : d);
        max = PX_MAX(max, distance);
        sum += distance;
        n_valid++;
    }
    io->max = PX_MAX(io->max, max);
    io->sum += sum;
    io->n += n_valid;
}

const px_f32_kernels px_k_f32_scalar = {
    .name = "scalar",
    .diff = diff_scalar,
    .minmax = minmax_scalar,
    .sum = sum_scalar,
    .moments = moments_scalar,
    .count_edges = count_edges_scalar,
    .sq_dev = sq_dev_scalar,
    .count_high = count_high_scalar,
    .count_low = count_low_scalar,
    .bracket = bracket_scalar,
    .ulp = ulp_scalar,
};

const px_f32_kernels *px_k_f32_get(void)
{
    const px_cpu *cpu = px_cpu_get();
#if defined(__x86_64__)
    if (cpu->avx512f && cpu->avx512dq && cpu->avx512bw && cpu->avx512vl && cpu->avx2)
        return &px_k_f32_avx512;
    if (cpu->avx2)
        return &px_k_f32_avx2;
#elif defined(__aarch64__)
    if (cpu->neon)
        return &px_k_f32_neon;
#endif
    PX_UNUSED(cpu);
    return &px_k_f32_scalar;
}
