/* base/convert.c - element type conversion in bulk.
 *
 * Pairs of the twelve machine types are direct loops that the compiler vectorises. The small
 * floats and sub-byte integers go through blocks of double or int64 on the stack: two short
 * loops instead of one pair for each combination. Integers never pass through a float.
 */
#include "base/half.h"
#include "base/tensor.h"

#include <math.h>

#if defined(__x86_64__)
#include "base/cpu.h"
#include <immintrin.h>
#endif

enum { BLOCK = 512 }; /* elements of an intermediate block; a multiple of 8 for packed types */

/* Machine types as (enumerator, C type). */
#define MACHINE_TYPES(X, ...)                                                                      \
    X(PGY_DTYPE_F64, double, ##__VA_ARGS__)                                                        \
    X(PGY_DTYPE_F32, float, ##__VA_ARGS__)                                                         \
    X(PGY_DTYPE_I8, int8_t, ##__VA_ARGS__)                                                         \
    X(PGY_DTYPE_U8, uint8_t, ##__VA_ARGS__)                                                        \
    X(PGY_DTYPE_I16, int16_t, ##__VA_ARGS__)                                                       \
    X(PGY_DTYPE_U16, uint16_t, ##__VA_ARGS__)                                                      \
    X(PGY_DTYPE_I32, int32_t, ##__VA_ARGS__)                                                       \
    X(PGY_DTYPE_U32, uint32_t, ##__VA_ARGS__)                                                      \
    X(PGY_DTYPE_I64, int64_t, ##__VA_ARGS__)                                                       \
    X(PGY_DTYPE_U64, uint64_t, ##__VA_ARGS__)                                                      \
    X(PGY_DTYPE_BOOL, uint8_t, ##__VA_ARGS__)

static bool is_machine(pgy_dtype t)
{
    switch (t) {
#define CASE(e, c) case e:
        MACHINE_TYPES(CASE)
#undef CASE
        return true;
    default:
        return false;
    }
}

/* A float outside an integer's range is undefined in C; processors give the "integer indefinite"
 * for 64 bits and wrap narrower types through it. numpy shows the same, so this does too. */
static int64_t to_int(double v)
{
    return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN;
}

static uint64_t to_uint64(double v)
{
    if (v >= 0x1p63 && v < 0x1p64)
        return (uint64_t)v;
    return (uint64_t)to_int(v);
}

#define LOOP(expr)                                                                                 \
    for (int64_t i = 0; i < n; i++)                                                                \
        d[i] = (expr);                                                                             \
    break

/* From one source type (C type S) to every machine type; `as_int` and `as_u64` are how S becomes
 * an integer. */
#define DEFINE_FROM(S, name, as_int, as_u64)                                                       \
    static void from_##name(pgy_dtype to, void *dst, const S *s, int64_t n)                        \
    {                                                                                              \
        switch (to) {                                                                              \
        case PGY_DTYPE_F64: {                                                                      \
            double *d = dst;                                                                       \
            LOOP((double)s[i]);                                                                    \
        }                                                                                          \
        case PGY_DTYPE_F32: {                                                                      \
            float *d = dst;                                                                        \
            LOOP((float)s[i]);                                                                     \
        }                                                                                          \
        case PGY_DTYPE_I8: {                                                                       \
            int8_t *d = dst;                                                                       \
            LOOP((int8_t)as_int(s[i]));                                                            \
        }                                                                                          \
        case PGY_DTYPE_U8: {                                                                       \
            uint8_t *d = dst;                                                                      \
            LOOP((uint8_t)as_int(s[i]));                                                           \
        }                                                                                          \
        case PGY_DTYPE_I16: {                                                                      \
            int16_t *d = dst;                                                                      \
            LOOP((int16_t)as_int(s[i]));                                                           \
        }                                                                                          \
        case PGY_DTYPE_U16: {                                                                      \
            uint16_t *d = dst;                                                                     \
            LOOP((uint16_t)as_int(s[i]));                                                          \
        }                                                                                          \
        case PGY_DTYPE_I32: {                                                                      \
            int32_t *d = dst;                                                                      \
            LOOP((int32_t)as_int(s[i]));                                                           \
        }                                                                                          \
        case PGY_DTYPE_U32: {                                                                      \
            uint32_t *d = dst;                                                                     \
            LOOP((uint32_t)as_int(s[i]));                                                          \
        }                                                                                          \
        case PGY_DTYPE_I64: {                                                                      \
            int64_t *d = dst;                                                                      \
            LOOP(as_int(s[i]));                                                                    \
        }                                                                                          \
        case PGY_DTYPE_U64: {                                                                      \
            uint64_t *d = dst;                                                                     \
            LOOP(as_u64(s[i]));                                                                    \
        }                                                                                          \
        case PGY_DTYPE_BOOL: {                                                                     \
            uint8_t *d = dst;                                                                      \
            LOOP(s[i] != 0);                                                                       \
        }                                                                                          \
        default:                                                                                   \
            break;                                                                                 \
        }                                                                                          \
    }

#define PLAIN_I(v) ((int64_t)(v))
#define PLAIN_U(v) ((uint64_t)(v))
DEFINE_FROM(double, f64, to_int, to_uint64)
DEFINE_FROM(px_any_float, f32, to_int, to_uint64)
DEFINE_FROM(int8_t, i8, PLAIN_I, PLAIN_U)
DEFINE_FROM(uint8_t, u8, PLAIN_I, PLAIN_U)
DEFINE_FROM(int16_t, i16, PLAIN_I, PLAIN_U)
DEFINE_FROM(uint16_t, u16, PLAIN_I, PLAIN_U)
DEFINE_FROM(int32_t, i32, PLAIN_I, PLAIN_U)
DEFINE_FROM(uint32_t, u32, PLAIN_I, PLAIN_U)
DEFINE_FROM(int64_t, i64, PLAIN_I, PLAIN_U)
DEFINE_FROM(uint64_t, u64, PLAIN_I, PLAIN_U)

static void from_machine(pgy_dtype to, void *dst, pgy_dtype from, const void *src, int64_t n)
{
    switch (from) {
    case PGY_DTYPE_F64:
        from_f64(to, dst, src, n);
        break;
    case PGY_DTYPE_F32:
        from_f32(to, dst, src, n);
        break;
    case PGY_DTYPE_I8:
        from_i8(to, dst, src, n);
        break;
    case PGY_DTYPE_U8:
    case PGY_DTYPE_BOOL:
        from_u8(to, dst, src, n);
        break;
    case PGY_DTYPE_I16:
        from_i16(to, dst, src, n);
        break;
    case PGY_DTYPE_U16:
        from_u16(to, dst, src, n);
        break;
    case PGY_DTYPE_I32:
        from_i32(to, dst, src, n);
        break;
    case PGY_DTYPE_U32:
        from_u32(to, dst, src, n);
        break;
    case PGY_DTYPE_I64:
        from_i64(to, dst, src, n);
        break;
    case PGY_DTYPE_U64:
        from_u64(to, dst, src, n);
        break;
    default:
        break;
    }
}

#if defined(__x86_64__)
__attribute__((target("avx,f16c"))) static int64_t f16_to_f32_f16c(float *d, const uint16_t *s,
                                                                   int64_t n)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(d + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(s + i))));
    return i;
}

__attribute__((target("avx,f16c"))) static int64_t f32_to_f16_f16c(uint16_t *d, const float *s,
                                                                   int64_t n)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(d + i), _mm256_cvtps_ph(_mm256_loadu_ps(s + i), 0));
    return i;
}
#endif

static void f16_to_f32(float *d, const uint16_t *s, int64_t n)
{
    int64_t i = 0;
#if defined(__x86_64__)
    if (px_cpu_get()->f16c)
        i = f16_to_f32_f16c(d, s, n);
#endif
    for (; i < n; i++)
        d[i] = px_f16_to_f32(s[i]);
}

static void f32_to_f16(uint16_t *d, const float *s, int64_t n)
{
    int64_t i = 0;
#if defined(__x86_64__)
    if (px_cpu_get()->f16c)
        i = f32_to_f16_f16c(d, s, n);
#endif
    for (; i < n; i++)
        d[i] = px_f32_to_f16(s[i]);
}

/* Reads n small floats as float32, which holds each exactly. */
static void widen_float(float *d, pgy_dtype from, const uint8_t *src, int64_t first, int64_t n)
{
    const uint16_t *h = (const uint16_t *)src + first;
    const uint8_t *b = src + first;
    switch (from) {
    case PGY_DTYPE_F16:
        f16_to_f32(d, h, n);
        break;
    case PGY_DTYPE_BF16:
        LOOP(px_bf16_to_f32(h[i]));
    case PGY_DTYPE_F8E4M3FN:
        LOOP(px_f8e4m3fn_to_f32(b[i]));
    case PGY_DTYPE_F8E4M3FNUZ:
        LOOP(px_f8e4m3fnuz_to_f32(b[i]));
    case PGY_DTYPE_F8E5M2:
        LOOP(px_f8e5m2_to_f32(b[i]));
    case PGY_DTYPE_F8E5M2FNUZ:
        LOOP(px_f8e5m2fnuz_to_f32(b[i]));
    case PGY_DTYPE_F8E8M0:
        LOOP(px_f8e8m0_to_f32(b[i]));
    case PGY_DTYPE_F4E2M1:
        LOOP(px_f4e2m1_to_f32((uint8_t)(src[(first + i) / 2] >> ((first + i) & 1) * 4)));
    default:
        break;
    }
}

static void widen_int(int64_t *d, pgy_dtype from, const uint8_t *src, int64_t first, int64_t n)
{
    int bits = pgy_dtype_bits(from), per_byte = 8 / bits;
    bool is_signed = px_dtype_is_signed(from);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = first + i;
        int v = src[at / per_byte] >> (at % per_byte) * bits & ((1 << bits) - 1);
        d[i] = is_signed && v >> (bits - 1) ? v - (1 << bits) : v;
    }
}

static void narrow_float(pgy_dtype to, uint8_t *dst, int64_t at, const double *s, int64_t n)
{
    uint16_t *h = (uint16_t *)dst + at;
    uint8_t *d = dst + at;
    switch (to) {
    case PGY_DTYPE_F16:
        for (int64_t i = 0; i < n; i++)
            h[i] = px_f64_to_f16(s[i]);
        break;
    case PGY_DTYPE_BF16:
        for (int64_t i = 0; i < n; i++)
            h[i] = px_f64_to_bf16(s[i]);
        break;
    case PGY_DTYPE_F8E4M3FN:
        LOOP(px_f64_to_f8e4m3fn(s[i], true));
    case PGY_DTYPE_F8E4M3FNUZ:
        LOOP(px_f64_to_f8e4m3fnuz(s[i], true));
    case PGY_DTYPE_F8E5M2:
        LOOP(px_f64_to_f8e5m2(s[i], !isinf(s[i]))); /* an infinity stays one */
    case PGY_DTYPE_F8E5M2FNUZ:
        LOOP(px_f64_to_f8e5m2fnuz(s[i], true));
    case PGY_DTYPE_F8E8M0:
        LOOP(px_f64_to_f8e8m0(s[i], true));
    case PGY_DTYPE_F4E2M1:
        for (int64_t i = 0; i < n; i += 2) {
            uint8_t high = i + 1 < n ? px_f64_to_f4e2m1(s[i + 1]) : 0;
            dst[(at + i) / 2] = (uint8_t)(px_f64_to_f4e2m1(s[i]) | high << 4);
        }
        break;
    default:
        break;
    }
}

static void narrow_int(pgy_dtype to, uint8_t *dst, int64_t at, const int64_t *s, int64_t n)
{
    int bits = pgy_dtype_bits(to), per_byte = 8 / bits;
    for (int64_t i = 0; i < n; i += per_byte) {
        unsigned byte = 0;
        for (int k = 0; k < per_byte && i + k < n; k++)
            byte |= ((unsigned)s[i + k] & ((1u << bits) - 1)) << k * bits;
        dst[(at + i) / per_byte] = (uint8_t)byte;
    }
}

/* At least one side is no machine type: through a block of float, double or int64. */
static void convert_block(pgy_dtype to, uint8_t *dst, int64_t at, pgy_dtype from,
                          const uint8_t *src, int64_t first, int64_t n)
{
    union {
        double f64[BLOCK];
        int64_t i64[BLOCK];
    } wide;
    float narrow[BLOCK];
    pgy_dtype mid;
    const void *mid_data = &wide;
    size_t from_size = (size_t)pgy_dtype_bits(from) / 8, to_size = (size_t)pgy_dtype_bits(to) / 8;

    if (is_machine(from)) {
        mid = from;
        mid_data = src + (size_t)first * from_size;
    } else if (px_dtype_is_float(from)) {
        mid = PGY_DTYPE_F32;
        mid_data = narrow;
        widen_float(narrow, from, src, first, n);
    } else {
        mid = PGY_DTYPE_I64;
        widen_int(wide.i64, from, src, first, n);
    }
    if (is_machine(to)) {
        from_machine(to, dst + (size_t)at * to_size, mid, mid_data, n);
    } else if (to == PGY_DTYPE_F16 && mid == PGY_DTYPE_F32) {
        f32_to_f16((uint16_t *)dst + at, mid_data, n);
    } else if (px_dtype_is_float(to)) {
        double out[BLOCK];
        from_machine(PGY_DTYPE_F64, out, mid, mid_data, n);
        narrow_float(to, dst, at, out, n);
    } else {
        int64_t out[BLOCK];
        from_machine(PGY_DTYPE_I64, out, mid, mid_data, n);
        narrow_int(to, dst, at, out, n);
    }
}

void px_convert(pgy_dtype to, void *dst, pgy_dtype from, const void *src, int64_t first, int64_t n)
{
    size_t size = (size_t)pgy_dtype_bits(from) / 8;
    if (to == from && size > 0) {
        memcpy(dst, (const uint8_t *)src + (size_t)first * size, (size_t)n * size);
        return;
    }
    if (px_dtype_is_complex(from)) { /* pairs of the matching float */
        from_machine(to == PGY_DTYPE_C64 ? PGY_DTYPE_F32 : PGY_DTYPE_F64, dst,
                     from == PGY_DTYPE_C64 ? PGY_DTYPE_F32 : PGY_DTYPE_F64,
                     (const uint8_t *)src + (size_t)first * size, 2 * n);
        return;
    }
    if (is_machine(from) && is_machine(to)) {
        from_machine(to, dst, from, (const uint8_t *)src + (size_t)first * size, n);
        return;
    }
    for (int64_t at = 0; at < n; at += BLOCK)
        convert_block(to, dst, at, from, src, first + at, PX_MIN((int64_t)BLOCK, n - at));
}
