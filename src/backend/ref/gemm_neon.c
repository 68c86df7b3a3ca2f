/* backend/ref/gemm_neon.c - the aarch64 tile of the float64 matrix product. */
#include "backend/ref/gemm.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/* 6 x 8: twenty-four accumulators, four vectors of B and three of A fit the 32 registers. */
static void tile_neon(int64_t k, const double *a, const double *b, double *c, int64_t ldc, bool add)
{
    float64x2_t acc[6][4];
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 4; j++)
            acc[i][j] = vdupq_n_f64(0);
    for (int64_t p = 0; p < k; p++, a += 6, b += 8) {
        float64x2_t x[4];
        for (int j = 0; j < 4; j++)
            x[j] = vld1q_f64(b + j * 2);
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++)
                acc[i][j] = vfmaq_n_f64(acc[i][j], x[j], a[i]);
    }
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 4; j++) {
            double *out = c + i * ldc + j * 2;
            vst1q_f64(out, add ? vaddq_f64(vld1q_f64(out), acc[i][j]) : acc[i][j]);
        }
}

const px_gemm_isa px_gemm_neon = {.name = "neon",
                                  .mr = 6,
                                  .nr = 8,
                                  .tile = tile_neon,
                                  .axpy = px_gemm_axpy_scalar,
                                  .widen = px_gemm_widen_scalar};

#else
typedef int px_gemm_neon_is_empty; /* a translation unit must not be */
#endif
