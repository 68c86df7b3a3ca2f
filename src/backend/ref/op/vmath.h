/* backend/ref/op/vmath.h - vectorised transcendental functions of the reference interpreter.
 *
 * Each call maps `n` contiguous doubles; `out` may be `x` itself but must not overlap it otherwise.
 * Results do not depend on the instruction set: the same additions and multiplications run in
 * scalar, SSE2 and AVX2 lanes and none of them is fused.
 */
#ifndef PX_BACKEND_REF_OP_VMATH_H
#define PX_BACKEND_REF_OP_VMATH_H

#include <stdint.h>

void px_v_exp(double *out, const double *x, int64_t n); /* within 1 ulp */
/* out[i] = exp(x[i] - shift): the inner loop of Softmax. */
void px_v_exp_shifted(double *out, const double *x, double shift, int64_t n);
void px_v_expm1(double *out, const double *x, int64_t n);   /* within 2 ulp */
void px_v_tanh(double *out, const double *x, int64_t n);    /* within 3 ulp */
void px_v_sigmoid(double *out, const double *x, int64_t n); /* within 3 ulp, also for x -> -inf */
void px_v_erf(double *out, const double *x, int64_t n);     /* within 2 ulp */
/* x * Phi(x), Phi the normal distribution function: Gelu without cancellation for x < 0; within
 * 10 ulp down to -6, 64 ulp in the far tail. */
void px_v_gelu(double *out, const double *x, int64_t n);
/* x * sigmoid(alpha x): Swish, SiLU. Within 4 ulp. */
void px_v_swish(double *out, const double *x, double alpha, int64_t n);
/* x * tanh(log(1 + exp(x))). Within 5 ulp. */
void px_v_mish(double *out, const double *x, int64_t n);

#endif
