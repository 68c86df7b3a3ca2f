/* base/half.h - small floats to and from double, exact, round to nearest even.
 *
 * binary16 (IEEE 754), bfloat16, and the OCP/ONNX 8- and 4-bit floats: E4M3FN, E4M3FNUZ, E5M2,
 * E5M2FNUZ, E8M0 (power of two), E2M1. Out of range: as ONNX's Cast with saturate=1 where
 * `saturate` is true (largest finite), else infinity where the type has one, else NaN.
 */
#ifndef PX_BASE_HALF_H
#define PX_BASE_HALF_H

#include "base/px.h"

float px_f16_to_f32(uint16_t h);
uint16_t px_f32_to_f16(float f);
uint16_t px_f64_to_f16(double d); /* one rounding */
static inline float px_bf16_to_f32(uint16_t h)
{
    union {
        uint32_t u;
        float f;
    } v = {.u = (uint32_t)h << 16};
    return v.f;
}
uint16_t px_f32_to_bf16(float f);
uint16_t px_f64_to_bf16(double d);

float px_f8e4m3fn_to_f32(uint8_t v);
float px_f8e4m3fnuz_to_f32(uint8_t v);
float px_f8e5m2_to_f32(uint8_t v);
float px_f8e5m2fnuz_to_f32(uint8_t v);
float px_f8e8m0_to_f32(uint8_t v);
float px_f4e2m1_to_f32(uint8_t v); /* low 4 bits */
uint8_t px_f64_to_f8e4m3fn(double d, bool saturate);
uint8_t px_f64_to_f8e4m3fnuz(double d, bool saturate);
uint8_t px_f64_to_f8e5m2(double d, bool saturate);
uint8_t px_f64_to_f8e5m2fnuz(double d, bool saturate);
uint8_t px_f64_to_f8e8m0(double d, bool saturate);
uint8_t px_f64_to_f4e2m1(double d);

#endif
