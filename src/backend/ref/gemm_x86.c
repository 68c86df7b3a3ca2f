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

const px_gemm_isa px_gemm_avx2 = {
    .name = "avx2", .mr = 4, .nr = 12, .tile = tile_avx2, .axpy = axpy_avx2};

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

const px_gemm_isa px_gemm_avx512 = {
    .name = "avx512", .mr = 8, .nr = 24, .tile = tile_avx512, .axpy = axpy_avx2};

#else
typedef int px_gemm_x86_is_empty; /* a translation unit must not be */
#endif
