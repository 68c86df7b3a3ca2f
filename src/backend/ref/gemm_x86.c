/* backend/ref/gemm_x86.c - AVX2 and AVX-512 tiles of the float64 matrix product. */
#include "backend/ref/gemm.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* 4 x 12: twelve accumulators, three vectors of B and one broadcast fill the 16 registers. */
__attribute__((target("avx2,fma"))) static void
tile_avx2(int64_t k, const double *a, const double *b, double *c, int64_t ldc, bool add)
{
    __m256d acc[4][3];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++)
            acc[i][j] = _mm256_setzero_pd();
    for (int64_t p = 0; p < k; p++, a += 4, b += 12) {
        const __m256d b0 = _mm256_load_pd(b), b1 = _mm256_load_pd(b + 4),
                      b2 = _mm256_load_pd(b + 8);
        _mm_prefetch((const char *)(b + 96), _MM_HINT_T0);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            const __m256d x = _mm256_broadcast_sd(a + i);
            acc[i][0] = _mm256_fmadd_pd(x, b0, acc[i][0]);
            acc[i][1] = _mm256_fmadd_pd(x, b1, acc[i][1]);
            acc[i][2] = _mm256_fmadd_pd(x, b2, acc[i][2]);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) {
            double *out = c + i * ldc + j * 4;
            _mm256_storeu_pd(out, add ? _mm256_add_pd(_mm256_loadu_pd(out), acc[i][j]) : acc[i][j]);
        }
}

__attribute__((target("avx2,fma"))) static void axpy_avx2(int64_t n, double a, const double *x,
                                                          int64_t stride, double *y)
{
    const __m256d va = _mm256_set1_pd(a);
    int64_t i = 0;
    for (; stride == 1 && i + 4 <= n; i += 4)
        _mm256_storeu_pd(y + i,
                         _mm256_fmadd_pd(va, _mm256_loadu_pd(x + i), _mm256_loadu_pd(y + i)));
    for (; i < n; i++)
        y[i] = __builtin_fma(a, x[i * stride], y[i]);
}

__attribute__((target("avx2,fma"))) static void widen_avx2(int64_t n, const void *x, double *y)
{
    const px_any_float *f = x;
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        _mm256_storeu_pd(y + i, _mm256_cvtps_pd(_mm_loadu_ps((const float *)(f + i))));
    for (; i < n; i++)
        y[i] = f[i];
}

/* Four numbers of each of four lines, transposed. */
__attribute__((target("avx2,fma"))) static inline void
turn_avx2(__m256d r0, __m256d r1, __m256d r2, __m256d r3, int tile, double *panel)
{
    const __m256d a = _mm256_unpacklo_pd(r0, r1), b = _mm256_unpackhi_pd(r0, r1);
    const __m256d c = _mm256_unpacklo_pd(r2, r3), d = _mm256_unpackhi_pd(r2, r3);
    _mm256_storeu_pd(panel, _mm256_permute2f128_pd(a, c, 0x20));
    _mm256_storeu_pd(panel + tile, _mm256_permute2f128_pd(b, d, 0x20));
    _mm256_storeu_pd(panel + 2 * tile, _mm256_permute2f128_pd(a, c, 0x31));
    _mm256_storeu_pd(panel + 3 * tile, _mm256_permute2f128_pd(b, d, 0x31));
}

__attribute__((target("avx2,fma"))) static void lines_avx2(int64_t k, const void *at, bool is_f32,
                                                           int64_t line, int tile, double *panel)
{
    int64_t p = 0;
    if (is_f32) {
        const px_any_float *x = at;
        for (; p + 4 <= k; p += 4) {
            __m256d r[4];
            for (int i = 0; i < 4; i++)
                r[i] = _mm256_cvtps_pd(_mm_loadu_ps((const float *)(x + i * line + p)));
            turn_avx2(r[0], r[1], r[2], r[3], tile, panel + p * tile);
        }
        for (; p < k; p++)
            for (int i = 0; i < 4; i++)
                panel[p * tile + i] = x[i * line + p];
        return;
    }
    const double *x = at;
    for (; p + 4 <= k; p += 4) {
        __m256d r[4];
        for (int i = 0; i < 4; i++)
            r[i] = _mm256_loadu_pd(x + i * line + p);
        turn_avx2(r[0], r[1], r[2], r[3], tile, panel + p * tile);
    }
    for (; p < k; p++)
        for (int i = 0; i < 4; i++)
            panel[p * tile + i] = x[i * line + p];
}

const px_gemm_isa px_gemm_avx2 = {.name = "avx2",
                                  .mr = 4,
                                  .nr = 12,
                                  .tile = tile_avx2,
                                  .axpy = axpy_avx2,
                                  .widen = widen_avx2,
                                  .lines = lines_avx2};

/* 8 x 24: twenty-four accumulators, three vectors of B; broadcasts come as memory operands. */
__attribute__((target("avx512f"))) static void
tile_avx512(int64_t k, const double *a, const double *b, double *c, int64_t ldc, bool add)
{
    __m512d acc[8][3];
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 3; j++)
            acc[i][j] = _mm512_setzero_pd();
    for (int64_t p = 0; p < k; p++, a += 8, b += 24) {
        const __m512d b0 = _mm512_load_pd(b), b1 = _mm512_load_pd(b + 8),
                      b2 = _mm512_load_pd(b + 16);
        _mm_prefetch((const char *)(b + 192), _MM_HINT_T0);
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            const __m512d x = _mm512_set1_pd(a[i]);
            acc[i][0] = _mm512_fmadd_pd(x, b0, acc[i][0]);
            acc[i][1] = _mm512_fmadd_pd(x, b1, acc[i][1]);
            acc[i][2] = _mm512_fmadd_pd(x, b2, acc[i][2]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) {
            double *out = c + i * ldc + j * 8;
            _mm512_storeu_pd(out, add ? _mm512_add_pd(_mm512_loadu_pd(out), acc[i][j]) : acc[i][j]);
        }
}

const px_gemm_isa px_gemm_avx512 = {.name = "avx512",
                                    .mr = 8,
                                    .nr = 24,
                                    .tile = tile_avx512,
                                    .axpy = axpy_avx2,
                                    .widen = widen_avx2,
                                    .lines = lines_avx2};

#else
typedef int px_gemm_x86_is_empty; /* a translation unit must not be */
#endif
