/* backend/ref/op/vmath.c - see vmath.h.
 *
 * exp: x = k ln2 + r with |r| <= ln2/2, k found by adding 1.5 * 2^52 (the integer then stands in
 * the low mantissa bits); ln2 is split so that k * hi is exact; exp(r) = 1 + r + r^2 P(r), the
 * Taylor polynomial to r^13, whose rest is below 2^-57; 2^k is two factors, so that results may be
 * subnormal with one rounding.
 * erf: below 1 an odd polynomial (x P(x^2)), from 1 on 1 - erfc; erfc(x) = exp(-x^2) Q(t) / (1 +
 * 2x) with t = (x - 3.75) / (x + 3.75). P and Q are Chebyshev interpolants computed with 60 digits,
 * their relative errors 1.6e-17 and 1.6e-16.
 * No branches: every path is computed and the result selected, which is what lets compilers
 * vectorise the loops.
 */
#include "backend/ref/op/vmath.h"

#include "base/cpu.h"
#include "base/px.h"

#include <math.h>

/* Selections below may evaluate what they discard; nobody here reads the floating-point flags. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-trapping-math")
#endif

#define INLINE static inline __attribute__((always_inline))
#define MAGIC 0x1.8p52

INLINE double pow2(double kd) /* kd: an integer in [-1022, 1023] */
{
    union {
        double d;
        uint64_t u;
    } v = {.d = kd + MAGIC};
    v.u = (v.u + 1023) << 52;
    return v.d;
}

/* exp(r) - 1 for |r| <= ln2 / 2. */
INLINE double expm1_small(double r)
{
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    return r + r * r * p;
}

INLINE double reduce(double x, double *out_k)
{
    const double kd = (x * 0x1.71547652b82fep+0 + MAGIC) - MAGIC;
    *out_k = kd;
    return (x - kd * 0x1.62e42fee00000p-1) - kd * 0x1.a39ef35793c76p-33;
}

INLINE double exp1(double x)
{
    double k;
    x = x > 710.0 ? 710.0 : x; /* comparisons keep a NaN as it is */
    x = x < -746.0 ? -746.0 : x;
    const double r = reduce(x, &k);
    const double half = (k * 0.5 + MAGIC) - MAGIC;
    return (1.0 + expm1_small(r)) * pow2(half) * pow2(k - half);
}

INLINE double expm1_1(double x)
{
    double k;
    x = x > 710.0 ? 710.0 : x;
    const double clamped = x < -40.0 ? -40.0 : x;
    const double r = reduce(clamped, &k);
    const double half = (k * 0.5 + MAGIC) - MAGIC;
    /* (2^k - 1) + 2^k (exp(r) - 1), all scaled by 2^-half until the end. */
    const double low = pow2(-half), high = pow2(k - half);
    const double scaled = expm1_small(r) * high + (high - low);
    /* k = 0: exactly the polynomial, which keeps tiny x and -0. */
    return k == 0.0 ? (x == 0.0 ? x : expm1_small(r)) : scaled * pow2(half);
}

INLINE double tanh1(double x)
{
    double a = fabs(x);
    a = a > 22.0 ? 22.0 : a;
    const double e = expm1_1(2.0 * a);
    return copysign(e / (e + 2.0), x);
}

INLINE double sigmoid1(double x)
{
    const double e = exp1(-fabs(x));
    return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

INLINE double erf_small(double x)
{
    const double z = x * x;
    double p = 0x1.05ffd737fb32ep-34;
    p = p * z - 0x1.389d4f2641625p-30;
    p = p * z + 0x1.f7b4bf3b13964p-27;
    p = p * z - 0x1.5f1ecb6f0764cp-23;
    p = p * z + 0x1.b9df224ca4b97p-20;
    p = p * z - 0x1.f4d1e3183f7aep-17;
    p = p * z + 0x1.f9a321d5b8e1ep-14;
    p = p * z - 0x1.c02db3dac435fp-11;
    p = p * z + 0x1.565bcd0dbaa38p-8;
    p = p * z - 0x1.b82ce31284e00p-6;
    p = p * z + 0x1.ce2f21a042b30p-4;
    p = p * z - 0x1.812746b0379e6p-2;
    p = p * z + 0x1.20dd750429b6dp+0;
    return x * p;
}

/* exp(-x^2 scale), scale a power of two; x^2 is taken apart, because exp amplifies its rounding
 * error by x^2. 0 <= x < 100. */
INLINE double exp_minus_square(double x, double scale)
{
    union {
        double d;
        uint64_t u;
    } high = {.d = x};
    high.u &= ~UINT64_C(0x7ffffff);
    const double d = (x - high.d) * (x + high.d) * scale;
    return exp1(-(high.d * high.d * scale)) * (1.0 - d * (1.0 - d * 0.5));
}

/* erfc(x) exp(x^2) for 1 <= x <= 28. */
INLINE double erfcx_large(double x)
{
    const double t = (x - 3.75) / (x + 3.75);
    double q = -0x1.076152f437777p-23;
    q = q * t - 0x1.3819d57ca0988p-24;
    q = q * t + 0x1.ac595fcb736ffp-20;
    q = q * t - 0x1.eff3a17d56664p-21;
    q = q * t - 0x1.7d112343291ebp-17;
    q = q * t + 0x1.76f2835cf839ap-16;
    q = q * t + 0x1.b107b934a663ap-15;
    q = q * t - 0x1.303c4e3685c5dp-12;
    q = q * t + 0x1.33fc9882107b6p-12;
    q = q * t + 0x1.cc39e526c1d1cp-10;
    q = q * t - 0x1.3f603d8de2c4cp-7;
    q = q * t + 0x1.d0b003c4ecdf1p-6;
    q = q * t - 0x1.e0d0fa6823233p-5;
    q = q * t + 0x1.7a14188995a22p-4;
    q = q * t - 0x1.bda9309a4338cp-4;
    q = q * t + 0x1.510169d09d20bp-4;
    q = q * t + 0x1.d5f294816624fp-9;
    q = q * t - 0x1.1f367683f8a0bp-3;
    q = q * t + 0x1.3ccda0b5d5dc2p+0;
    return q / (1.0 + 2.0 * x);
}

INLINE double erf1(double x)
{
    const double a = fabs(x);
    const double c = a < 1.0 ? 1.0 : (a > 28.0 ? 28.0 : a);
    const double large = copysign(1.0 - exp_minus_square(c, 1.0) * erfcx_large(c), x);
    return a >= 1.0 ? large : erf_small(x);
}

INLINE double gelu1(double x)
{
    const double y = x * 0x1.6a09e667f3bcdp-1; /* sqrt(1/2) */
    const double a = fabs(y);
    const double c = a < 1.0 ? 1.0 : (a > 28.0 ? 28.0 : a);
    const double u = fabs(x) > 39.0 ? 39.0 : fabs(x);
    const double tail = 0.5 * exp_minus_square(u, 0.5) * erfcx_large(c);
    const double large = y < 0.0 ? tail : 1.0 - tail;
    const double phi = a >= 1.0 ? large : 0.5 + 0.5 * erf_small(y);
    return x < -39.0 ? -0.0 : x * phi; /* Phi(-39) is 0 in double; -inf * 0 would be NaN */
}

INLINE double swish1(double x, double alpha)
{
    const double z = alpha * x;
    return z < -750.0 ? copysign(0.0, x) : x * sigmoid1(z);
}

INLINE double mish1(double x)
{
    /* tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2) */
    const double e = exp1(x > 40.0 ? 40.0 : x);
    const double m = e * (e + 2.0);
    return x < -750.0 ? -0.0 : x * (m / (m + 2.0));
}

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_AVX2 1
#define AVX2 __attribute__((target("avx2")))
#endif

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* a loop that calls libm stays scalar */
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

/* A loop over `expr` of v = x[i] and a parameter p, once for the base instruction set and once
 * for AVX2, and the function that picks one. */
#define LOOP(name, suffix, attr, expr)                                                             \
    attr static void name##suffix(double *out, const double *x, double p, int64_t n)               \
    {                                                                                              \
        PX_UNUSED(p);                                                                              \
        INDEPENDENT                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const double v = x[i];                                                                 \
            out[i] = expr;                                                                         \
        }                                                                                          \
    }
#ifdef HAS_AVX2
#define DISPATCH(name, expr)                                                                       \
    LOOP(name, _base, , expr)                                                                      \
    LOOP(name, _avx2, AVX2, expr)                                                                  \
    static void name(double *out, const double *x, double p, int64_t n)                            \
    {                                                                                              \
        (px_cpu_get()->avx2 ? name##_avx2 : name##_base)(out, x, p, n);                            \
    }
#else
#define DISPATCH(name, expr) LOOP(name, , , expr)
#endif

DISPATCH(exp_loop, exp1(v - p))
DISPATCH(expm1_loop, expm1_1(v))
DISPATCH(tanh_loop, tanh1(v))
DISPATCH(sigmoid_loop, sigmoid1(v))
DISPATCH(erf_loop, erf1(v))
DISPATCH(gelu_loop, gelu1(v))
DISPATCH(swish_loop, swish1(v, p))
DISPATCH(mish_loop, mish1(v))

void px_v_exp(double *out, const double *x, int64_t n)
{
    exp_loop(out, x, 0.0, n);
}

void px_v_exp_shifted(double *out, const double *x, double shift, int64_t n)
{
    exp_loop(out, x, shift, n);
}

void px_v_expm1(double *out, const double *x, int64_t n)
{
    expm1_loop(out, x, 0.0, n);
}

void px_v_tanh(double *out, const double *x, int64_t n)
{
    tanh_loop(out, x, 0.0, n);
}

void px_v_sigmoid(double *out, const double *x, int64_t n)
{
    sigmoid_loop(out, x, 0.0, n);
}

void px_v_erf(double *out, const double *x, int64_t n)
{
    erf_loop(out, x, 0.0, n);
}

void px_v_gelu(double *out, const double *x, int64_t n)
{
    gelu_loop(out, x, 0.0, n);
}

void px_v_swish(double *out, const double *x, double alpha, int64_t n)
{
    swish_loop(out, x, alpha, n);
}

void px_v_mish(double *out, const double *x, int64_t n)
{
    mish_loop(out, x, 0.0, n);
}
