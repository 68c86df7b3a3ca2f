/* backend/ref/op/ms_quant.h - quantized operands of the com.microsoft operators.
 *
 * A quantized number is (q - zero point) * scale. The products of this domain are computed from the
 * dequantized numbers in float64: with at most 2^31 terms below 2^16 that equals the integer sum
 * times the scales up to the last bits.
 */
#ifndef PX_BACKEND_REF_OP_MS_QUANT_H
#define PX_BACKEND_REF_OP_MS_QUANT_H

#include "backend/ref/op/move.h"

/* One scale and zero point, or one of each per column (the last axis). */
typedef struct px_ms_scale {
    int64_t n; /* 1 or columns */
    const double *scale, *zero;
} px_ms_scale;

/* From inputs `scale` and `zero` (which may be left out: 0). `columns` 0: must be one number. */
PX_MUST_USE pgy_status *px_ms_scale_of(px_ref_call *c, size_t scale, size_t zero, int64_t columns,
                                       px_ms_scale *out);
/* Input `i` dequantized, in scratch. */
PX_MUST_USE pgy_status *px_ms_dequantize(px_ref_call *c, size_t i, const px_ms_scale *s,
                                         const double **out);
/* Rounds `n` numbers to 8-bit steps between their extremes (0 included) as the dynamically
 * quantizing operators do, and writes what the steps stand for (`out` may be `x`). */
void px_ms_round_dynamic(const double *x, int64_t n, double *out);

/* A batch of matrices seen in float64. */
typedef struct px_ms_matrices {
    const double *data;
    int rank; /* at least 1; a vector is a row on the left, a column on the right */
    const int64_t *dims;
    bool is_transposed;
} px_ms_matrices;

/* Output 0 = alpha * a * b with numpy's batch broadcasting, plus `bias` (last dim, may be NULL). */
PX_MUST_USE pgy_status *px_ms_product(px_ref_call *c, pgy_dtype declared, double alpha,
                                      const px_ms_matrices *a, const px_ms_matrices *b,
                                      const double *bias);

#endif
