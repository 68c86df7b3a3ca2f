/* compare/kernels/typed.c - loops over work types; see typed.h. */
#include "compare/kernels/typed.h"

#include <math.h>

size_t px_work_size(px_work w)
{
    static const size_t sizes[PX_N_WORK] = {1, 4, 8, 8, 4, 8};
    return sizes[w];
}

/* ---- extremes ---- */

#define EXTREMES(NAME, TYPE, IS_NAN, IS_INF)                                                       \
    static void NAME(const TYPE *x, int64_t n, px_extremes *out)                                   \
    {                                                                                              \
        px_extremes e = {                                                                          \
            .min = INFINITY, .max = -INFINITY, .argmin = -1, .argmax = -1, .first_nan = -1};       \
        for (int64_t i = 0; i < n; i++) {                                                          \
            if (IS_NAN) {                                                                          \
                e.first_nan = e.n_nan++ == 0 ? i : e.first_nan;                                    \
                continue;                                                                          \
            }                                                                                      \
            e.n_inf += IS_INF;                                                                     \
            if (e.argmin < 0 || x[i] < x[e.argmin])                                                \
                e.argmin = i;                                                                      \
            if (e.argmax < 0 || x[i] > x[e.argmax])                                                \
                e.argmax = i;                                                                      \
        }                                                                                          \
        if (e.argmin >= 0) {                                                                       \
            e.min = (long double)x[e.argmin];                                                      \
            e.max = (long double)x[e.argmax];                                                      \
        }                                                                                          \
        *out = e;                                                                                  \
    }

EXTREMES(extremes_u8, uint8_t, false, false)
EXTREMES(extremes_i32, int32_t, false, false)
EXTREMES(extremes_i64, int64_t, false, false)
EXTREMES(extremes_u64, uint64_t, false, false)
EXTREMES(extremes_f32, float, isnan(x[i]), isinf(x[i]) != 0)
EXTREMES(extremes_f64, double, isnan(x[i]), isinf(x[i]) != 0)

void px_t_extremes(px_work w, const void *x, int64_t n, px_extremes *out)
{
    switch (w) {
    case PX_BOOL:
        extremes_u8(x, n, out);
        break;
    case PX_I32:
        extremes_i32(x, n, out);
        break;
    case PX_I64:
        extremes_i64(x, n, out);
        break;
    case PX_U64:
        extremes_u64(x, n, out);
        break;
    case PX_F32:
        extremes_f32(x, n, out);
        break;
    case PX_F64:
        extremes_f64(x, n, out);
        break;
    }
}

/* ---- differences ---- */

#define ABSDIFF(NAME, TYPE, EXPR)                                                                  \
    static void NAME(const TYPE *a, const TYPE *b, int64_t n, TYPE *out)                           \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i] = (TYPE)(EXPR);                                                                 \
    }

static inline int32_t wrapped_abs_i32(uint32_t d)
{
    return (int32_t)(d >> 31 ? 0u - d : d);
}

static inline int64_t wrapped_abs_i64(uint64_t d)
{
    return (int64_t)(d >> 63 ? UINT64_C(0) - d : d);
}

ABSDIFF(absdiff_u8, uint8_t, a[i] ^ b[i])
ABSDIFF(absdiff_i32, int32_t, wrapped_abs_i32((uint32_t)a[i] - (uint32_t)b[i]))
ABSDIFF(absdiff_i64, int64_t, wrapped_abs_i64((uint64_t)a[i] - (uint64_t)b[i]))
ABSDIFF(absdiff_u64, uint64_t, a[i] - b[i])
ABSDIFF(absdiff_f32, float, fabsf(a[i] - b[i]))
ABSDIFF(absdiff_f64, double, fabs(a[i] - b[i]))

void px_t_absdiff(px_work w, const void *a, const void *b, int64_t n, void *out)
{
    switch (w) {
    case PX_BOOL:
        absdiff_u8(a, b, n, out);
        break;
    case PX_I32:
        absdiff_i32(a, b, n, out);
        break;
    case PX_I64:
        absdiff_i64(a, b, n, out);
        break;
    case PX_U64:
        absdiff_u64(a, b, n, out);
        break;
    case PX_F32:
        absdiff_f32(a, b, n, out);
        break;
    case PX_F64:
        absdiff_f64(a, b, n, out);
        break;
    }
}

/* |b| as the divisor. Integers: numpy's abs wraps, so INT_MIN divides as itself. */
static double divisor(px_work w, const void *b, int64_t i, int64_t *io_n_zero)
{
    double v = 0;
    switch (w) {
    case PX_BOOL:
        return ((const uint8_t *)b)[i];
    case PX_I32:
        return wrapped_abs_i32((uint32_t)((const int32_t *)b)[i]);
    case PX_I64:
        return (double)wrapped_abs_i64((uint64_t)((const int64_t *)b)[i]);
    case PX_U64:
        return (double)((const uint64_t *)b)[i];
    case PX_F32:
        v = ((const float *)b)[i];
        break;
    case PX_F64:
        v = ((const double *)b)[i];
        break;
    }
    if (v != 0.0)
        return fabs(v);
    (*io_n_zero)++;
    return 0x1p-52;
}

void px_t_reldiff(px_work w_abs, const void *abs, px_work w_b, const void *b, int64_t n,
                  double *out, int64_t *io_n_zero)
{
    px_t_to_f64(w_abs, abs, n, out);
    for (int64_t i = 0; i < n; i++)
        out[i] /= divisor(w_b, b, i, io_n_zero);
}

/* ---- conversions ---- */

#define CONVERT(TYPE, EXPR)                                                                        \
    do {                                                                                           \
        const TYPE *v = x;                                                                         \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i] = EXPR;                                                                         \
    } while (0)

void px_t_to_f32(px_work w, const void *x, int64_t n, float *out)
{
    switch (w) {
    case PX_BOOL:
        CONVERT(uint8_t, (float)v[i]);
        break;
    case PX_I32:
        CONVERT(int32_t, (float)v[i]);
        break;
    case PX_I64:
        CONVERT(int64_t, (float)v[i]);
        break;
    case PX_U64:
        CONVERT(uint64_t, (float)v[i]);
        break;
    case PX_F32:
        CONVERT(float, v[i]);
        break;
    case PX_F64:
        CONVERT(double, (float)v[i]);
        break;
    }
}

void px_t_to_f64(px_work w, const void *x, int64_t n, double *out)
{
    switch (w) {
    case PX_BOOL:
        CONVERT(uint8_t, v[i]);
        break;
    case PX_I32:
        CONVERT(int32_t, v[i]);
        break;
    case PX_I64:
        CONVERT(int64_t, (double)v[i]);
        break;
    case PX_U64:
        CONVERT(uint64_t, (double)v[i]);
        break;
    case PX_F32:
        CONVERT(float, v[i]);
        break;
    case PX_F64:
        CONVERT(double, v[i]);
        break;
    }
}

void px_t_magnitude(px_work w, const void *x, int64_t n, int64_t lowest, float *out)
{
    switch (w) {
    case PX_I32:
        CONVERT(int32_t, v[i] == lowest ? (float)v[i] : fabsf((float)v[i]));
        break;
    case PX_I64:
        CONVERT(int64_t, v[i] == lowest ? (float)v[i] : fabsf((float)v[i]));
        break;
    default:
        px_t_to_f32(w, x, n, out);
        for (int64_t i = 0; i < n; i++)
            out[i] = fabsf(out[i]);
        break;
    }
}

/* ---- sums ---- */

static double join8(const double r[8])
{
    return ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
}

double px_t_sum_f64(const double *x, int64_t n)
{
    if (n > PX_PAIRWISE_LEAF) {
        const int64_t half = n / 2 - n / 2 % 8;
        const double left = px_t_sum_f64(x, half);
        return left + px_t_sum_f64(x + half, n - half);
    }
    double sum = -0.0;
    int64_t i = 0;
    if (n >= 8) {
        double r[8];
        for (int k = 0; k < 8; k++)
            r[k] = x[k];
        for (i = 8; i < n - n % 8; i += 8)
            for (int k = 0; k < 8; k++)
                r[k] += x[i + k];
        sum = join8(r);
    }
    for (; i < n; i++)
        sum += x[i];
    return sum;
}

double px_t_sq_dev_f64(const double *x, int64_t n, double mean)
{
    if (n > PX_PAIRWISE_LEAF) {
        const int64_t half = n / 2 - n / 2 % 8;
        const double left = px_t_sq_dev_f64(x, half, mean);
        return left + px_t_sq_dev_f64(x + half, n - half, mean);
    }
    double sum = -0.0;
    int64_t i = 0;
    if (n >= 8) {
        double r[8];
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

/* ---- ordered keys ---- */

#define SIGN64 (UINT64_C(1) << 63)

int px_key_bits(px_work w)
{
    static const int bits[PX_N_WORK] = {16, 32, 64, 64, 32, 64};
    return bits[w];
}

static inline uint64_t key_f64(double x)
{
    union {
        double f;
        uint64_t u;
    } v = {.f = x};
    return v.u ^ ((uint64_t)((int64_t)v.u >> 63) | SIGN64);
}

void px_t_keys(px_work w, const void *x, int64_t n, uint64_t *out)
{
    switch (w) {
    case PX_BOOL:
        CONVERT(uint8_t, (uint64_t)v[i] << 48);
        break;
    case PX_I32:
        CONVERT(uint32_t, (uint64_t)(v[i] ^ UINT32_C(0x80000000)) << 32);
        break;
    case PX_I64:
        CONVERT(uint64_t, v[i] ^ SIGN64);
        break;
    case PX_U64:
        CONVERT(uint64_t, v[i]);
        break;
    case PX_F32:
        CONVERT(float, (uint64_t)px_key_f32(v[i]) << 32);
        break;
    case PX_F64:
        CONVERT(double, key_f64(v[i]));
        break;
    }
}

double px_key_to_f64(px_work w, uint64_t key)
{
    switch (w) {
    case PX_BOOL:
        return (double)(key >> 48);
    case PX_I32:
        return (int32_t)((uint32_t)(key >> 32) ^ UINT32_C(0x80000000));
    case PX_I64:
        return (double)(int64_t)(key ^ SIGN64);
    case PX_U64:
        return (double)key;
    case PX_F32:
        return px_key_to_f32((uint32_t)(key >> 32));
    case PX_F64:
        break;
    }
    union {
        uint64_t u;
        double f;
    } v = {.u = key & SIGN64 ? key ^ SIGN64 : ~key};
    return v.f;
}
