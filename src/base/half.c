/* base/half.c - small floats, exact in both directions.
 *
 * All narrowing goes through one routine that rounds a double once, to nearest even, into a format
 * given by exponent bits, mantissa bits and bias; the formats differ in their special codes only
 * (ONNX "Float stored in 8 bits", IEEE 754-2019 table 3.5).
 */
#include "base/half.h"

#include <math.h>

static float bits_f32(uint32_t u)
{
    union {
        uint32_t u;
        float f;
    } v = {.u = u};
    return v.f;
}

static uint64_t f64_bits(double d)
{
    union {
        double d;
        uint64_t u;
    } v = {.d = d};
    return v.u;
}

/* Magnitude of |d| rounded to a format with `mant` mantissa bits and `bias`, as the integer
 * (exponent << mant | mantissa), unclamped: values past the largest exponent just go on counting.
 * |d| is finite. */
static uint64_t round_magnitude(double d, int mant, int bias)
{
    uint64_t u = f64_bits(d) & 0x7FFFFFFFFFFFFFFFu;
    int e = (int)(u >> 52);
    if (e == 0)
        return 0; /* below 2^-1022: far below half the least subnormal of every format here */
    uint64_t m = (u & 0xFFFFFFFFFFFFFu) | 0x10000000000000u;
    int exponent = e - 1023 + bias; /* biased exponent in the target */
    int drop = 52 - mant;
    if (exponent < 1) {
        drop += 1 - exponent;
        if (drop > 54)
            return 0;
        exponent = 0;
    }
    uint64_t kept = m >> drop, rest = m & (((uint64_t)1 << drop) - 1);
    uint64_t half = (uint64_t)1 << (drop - 1);
    if (rest > half || (rest == half && (kept & 1)))
        kept++;
    /* The hidden bit of a normal number is worth one exponent step. */
    return exponent == 0 ? kept : ((uint64_t)(exponent - 1) << mant) + kept;
}

float px_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = (h >> 10) & 0x1F, m = h & 0x3FF;
    if (e == 31)
        return bits_f32(sign | 0x7F800000u | m << 13);
    if (e == 0) {
        float v = (float)m * 0x1p-24f;
        return sign ? -v : v;
    }
    return bits_f32(sign | (e + 112) << 23 | m << 13);
}

uint16_t px_f64_to_f16(double d)
{
    uint16_t sign = (uint16_t)(f64_bits(d) >> 48 & 0x8000);
    if (isnan(d))
        return sign | 0x7E00;
    if (isinf(d))
        return sign | 0x7C00;
    uint64_t v = round_magnitude(d, 10, 15);
    return sign | (uint16_t)PX_MIN(v, 0x7C00u);
}

uint16_t px_f32_to_f16(float f)
{
    return px_f64_to_f16((double)f);
}

uint16_t px_f64_to_bf16(double d)
{
    uint16_t sign = (uint16_t)(f64_bits(d) >> 48 & 0x8000);
    if (isnan(d))
        return sign | 0x7FC0;
    if (isinf(d))
        return sign | 0x7F80;
    uint64_t v = round_magnitude(d, 7, 127);
    return sign | (uint16_t)PX_MIN(v, 0x7F80u);
}

uint16_t px_f32_to_bf16(float f)
{
    return px_f64_to_bf16((double)f);
}

/* Value of an 8-bit code without special meaning. */
static float small_value(uint8_t v, int mant, int bias)
{
    int e = (v & 0x7F) >> mant, m = v & ((1 << mant) - 1);
    double x = e == 0 ? ldexp(m, 1 - bias - mant) : ldexp(m + (1 << mant), e - bias - mant);
    return (float)(v & 0x80 ? -x : x);
}

float px_f8e4m3fn_to_f32(uint8_t v)
{
    return (v & 0x7F) == 0x7F ? bits_f32(0x7FC00000u | (uint32_t)(v & 0x80) << 24)
                              : small_value(v, 3, 7);
}

float px_f8e4m3fnuz_to_f32(uint8_t v)
{
    return v == 0x80 ? bits_f32(0x7FC00000u) : small_value(v, 3, 8);
}

float px_f8e5m2_to_f32(uint8_t v)
{
    uint8_t a = v & 0x7F;
    if (a > 0x7C)
        return bits_f32(0x7FC00000u | (uint32_t)(v & 0x80) << 24);
    if (a == 0x7C)
        return v & 0x80 ? -INFINITY : INFINITY;
    return small_value(v, 2, 15);
}

float px_f8e5m2fnuz_to_f32(uint8_t v)
{
    return v == 0x80 ? bits_f32(0x7FC00000u) : small_value(v, 2, 16);
}

float px_f8e8m0_to_f32(uint8_t v)
{
    return v == 0xFF ? bits_f32(0x7FC00000u) : (float)ldexp(1.0, v - 127);
}

float px_f4e2m1_to_f32(uint8_t v)
{
    static const float magnitude[8] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};
    return v & 8 ? -magnitude[v & 7] : magnitude[v & 7];
}

uint8_t px_f64_to_f8e4m3fn(double d, bool saturate)
{
    uint8_t sign = (uint8_t)(f64_bits(d) >> 56 & 0x80);
    if (isnan(d))
        return sign | 0x7F;
    uint64_t v = isinf(d) ? 0x7F : round_magnitude(d, 3, 7);
    if (v >= 0x7F) /* past 448 */
        return sign | (saturate ? 0x7E : 0x7F);
    return sign | (uint8_t)v;
}

uint8_t px_f64_to_f8e4m3fnuz(double d, bool saturate)
{
    uint8_t sign = (uint8_t)(f64_bits(d) >> 56 & 0x80);
    if (isnan(d))
        return 0x80;
    uint64_t v = isinf(d) ? 0x80 : round_magnitude(d, 3, 8);
    if (v > 0x7F) /* past 240 */
        return saturate ? (uint8_t)(sign | 0x7F) : 0x80;
    return v == 0 ? 0 : sign | (uint8_t)v; /* there is no -0 */
}

uint8_t px_f64_to_f8e5m2(double d, bool saturate)
{
    uint8_t sign = (uint8_t)(f64_bits(d) >> 56 & 0x80);
    if (isnan(d))
        return sign | 0x7F;
    uint64_t v = isinf(d) ? 0x7C : round_magnitude(d, 2, 15);
    if (v >= 0x7C) /* past 57344 */
        return sign | (saturate ? 0x7B : 0x7C);
    return sign | (uint8_t)v;
}

uint8_t px_f64_to_f8e5m2fnuz(double d, bool saturate)
{
    uint8_t sign = (uint8_t)(f64_bits(d) >> 56 & 0x80);
    if (isnan(d))
        return 0x80;
    uint64_t v = isinf(d) ? 0x80 : round_magnitude(d, 2, 16);
    if (v > 0x7F) /* past 57344 */
        return saturate ? (uint8_t)(sign | 0x7F) : 0x80;
    return v == 0 ? 0 : sign | (uint8_t)v;
}

uint8_t px_f64_to_f8e8m0(double d, bool saturate)
{
    if (isnan(d) || d < 0)
        return 0xFF;
    if (d == 0)
        return 0;
    if (isinf(d))
        return saturate ? 0xFE : 0xFF;
    int e;
    double m = frexp(d, &e);              /* d = m * 2^e, m in [0.5, 1) */
    int code = e - 1 + 127 + (m >= 0.75); /* nearest power of two, ties up */
    if (code > 0xFE)
        return saturate ? 0xFE : 0xFF;
    return (uint8_t)PX_MAX(code, 0);
}

uint8_t px_f64_to_f4e2m1(double d)
{
    uint8_t sign = (uint8_t)(f64_bits(d) >> 60 & 8);
    if (isnan(d))
        return 7; /* no NaN code: the largest value, as ONNX's conversion gives */
    uint64_t v = isinf(d) ? 7 : round_magnitude(d, 1, 1);
    return sign | (uint8_t)PX_MIN(v, 7u);
}
