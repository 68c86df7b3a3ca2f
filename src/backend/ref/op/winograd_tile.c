/* backend/ref/op/winograd_tile.c - see the header. */
#include "backend/ref/op/winograd_tile.h"

#include "base/cpu.h"
#include "base/tensor.h"

/* Vectors are passed by address only: how they are passed by value differs between targets. */
typedef double v4 __attribute__((vector_size(32)));
typedef double v4_any __attribute__((vector_size(32), aligned(8), may_alias));
typedef float f4_any __attribute__((vector_size(16), aligned(1), may_alias));
typedef int64_t i4 __attribute__((vector_size(32)));

#define INLINE static inline __attribute__((always_inline))

INLINE void transpose(const v4 *in, v4 *out)
{
    const v4 a = __builtin_shufflevector(in[0], in[1], 0, 4, 2, 6);
    const v4 b = __builtin_shufflevector(in[0], in[1], 1, 5, 3, 7);
    const v4 c = __builtin_shufflevector(in[2], in[3], 0, 4, 2, 6);
    const v4 d = __builtin_shufflevector(in[2], in[3], 1, 5, 3, 7);
    out[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    out[1] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    out[2] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    out[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

INLINE void store_roots(const v4 *squares, double *out)
{
    for (int l = 0; l < PX_WINOGRAD_LANES; l++)
        out[l] = __builtin_sqrt((*squares)[l]);
}

/* 0 in sums of x - x where all x are finite. */
INLINE bool is_zero(const v4 *x)
{
    return ((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3]) == 0;
}

/* --- input --- */

/* Six numbers times B. */
INLINE void input_line(const v4 *d, v4 *t)
{
    const v4 d1x4 = 4 * d[1];
    const v4 a = d[4] - 4 * d[2], b = d[3] - d1x4, c = d[4] - d[2], e = 2 * (d[3] - d[1]);
    t[0] = (4 * d[0] + d[4]) - 5 * d[2];
    t[1] = a + b;
    t[2] = a - b;
    t[3] = c + e;
    t[4] = c - e;
    t[5] = (d1x4 + d[5]) - 5 * d[3];
}

INLINE bool input_body(const double *const *x, int64_t row, double *out, int64_t plane)
{
    v4 t[6][6], squares = {0};

#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) {
        v4 r[4], d[6], tail[4];
#pragma GCC unroll 4
        for (int l = 0; l < 4; l++)
            r[l] = *(const v4_any *)(x[l] + i * row);
        transpose(r, d);
#pragma GCC unroll 4
        for (int l = 0; l < 4; l++)
            r[l] = *(const v4_any *)(x[l] + i * row + 2);
        transpose(r, tail);
        d[4] = tail[2];
        d[5] = tail[3];
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++)
            squares += d[j] * d[j];
        input_line(d, t[i]);
    }
    v4 zero = {0};
#pragma GCC unroll 6
    for (int b = 0; b < 6; b++) {
        v4 d[6], v[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            d[i] = t[i][b];
        input_line(d, v);
#pragma GCC unroll 6
        for (int a = 0; a < 6; a++)
            *(v4_any *)(out + (a * 6 + b) * plane) = v[a];
        if (b == 0 || b == 5) /* the corners together depend on all 36 numbers */
            zero += (v[0] - v[0]) + (v[5] - v[5]);
    }
    store_roots(&squares, out + 36 * plane);
    return is_zero(&zero);
}

/* --- weights --- */

/* G times three numbers. */
INLINE void weight_line(const v4 *g0, const v4 *g1, const v4 *g2, v4 *t)
{
    const v4 even = *g0 + *g2, far = *g0 + 4 * *g2, twice = 2 * *g1;
    t[0] = *g0;
    t[1] = even + *g1;
    t[2] = even - *g1;
    t[3] = far + twice;
    t[4] = far - twice;
    t[5] = *g2;
}

INLINE void four_weights(const void *w, bool is_f32, int64_t at, v4 *out)
{
    if (is_f32)
        *out = __builtin_convertvector(*(const f4_any *)((const px_any_float *)w + at), v4);
    else
        *out = *(const v4_any *)((const double *)w + at);
}

INLINE double one_weight(const void *w, bool is_f32, int64_t at)
{
    return is_f32 ? ((const px_any_float *)w)[at] : ((const double *)w)[at];
}

INLINE bool weights_body(const void *const *w, bool is_f32, int64_t n, int64_t step, double *out,
                         int64_t plane, const void *const *next)
{
    v4 zero = {0};
    for (int64_t c = 0; c < n; c++, out += step) {
        v4 r[4], g[9] = {{0}}, t[3][6], squares = {0};
        for (int l = 0; l < 4; l++)
            __builtin_prefetch(
                (const void *)((uintptr_t)next[l] + (size_t)(c * (is_f32 ? 36 : 72))));
#pragma GCC unroll 2
        for (int h = 0; h < 2; h++) {
#pragma GCC unroll 4
            for (int l = 0; l < 4; l++)
                four_weights(w[l], is_f32, 9 * c + 4 * h, &r[l]);
            transpose(r, g + 4 * h);
        }
        g[8] = (v4){one_weight(w[0], is_f32, 9 * c + 8), one_weight(w[1], is_f32, 9 * c + 8),
                    one_weight(w[2], is_f32, 9 * c + 8), one_weight(w[3], is_f32, 9 * c + 8)};
#pragma GCC unroll 9
        for (int i = 0; i < 9; i++)
            squares += g[i] * g[i];
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++)
            weight_line(&g[j], &g[3 + j], &g[6 + j], t[j]);
#pragma GCC unroll 6
        for (int a = 0; a < 6; a++) {
            v4 u[6];
            weight_line(&t[0][a], &t[1][a], &t[2][a], u);
            if (a == 1) /* u[1] is the sum of all nine */
                zero += u[1] - u[1];
#pragma GCC unroll 6
            for (int b = 0; b < 6; b++)
                *(v4_any *)(out + (a * 6 + b) * plane) = u[b];
        }
        store_roots(&squares, out + 36 * plane);
    }
    return is_zero(&zero);
}

/* --- output --- */

/* Six numbers times A, but for the scale. */
INLINE void output_line(const v4 *m, v4 *t)
{
    const v4 s = m[1] + m[2], d = m[1] - m[2], p = m[3] + m[4], q = m[3] - m[4];
    t[0] = (6 * m[0] - 4 * s) + p;
    t[1] = q - 2 * d;
    t[2] = p - s;
    t[3] = (2 * q - d) + 6 * m[5];
}

INLINE bool output_body(const double *m, int64_t plane, double *y)
{
    static const double scale[4] = {0x1p-3, 0x1p-2, 0x1p-1, 0x1p-1}; /* a third of it in each */
    const v4 bound = *(const v4_any *)(m + 36 * plane) * PX_WINOGRAD_SURE;
    v4 t[4][6], sum = {0};
    i4 sure = ~(i4){0};

#pragma GCC unroll 6
    for (int b = 0; b < 6; b++) {
        v4 column[6], r[4];
#pragma GCC unroll 6
        for (int a = 0; a < 6; a++)
            column[a] = *(const v4_any *)(m + (a * 6 + b) * plane);
        output_line(column, r);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            t[i][b] = r[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        v4 r[4], lanes[4];
        output_line(t[i], r);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            r[j] *= scale[i] * scale[j] / 9;
            const v4 size = (v4)((i4)r[j] & INT64_MAX);
            sure &= size >= bound;
            sum += size;
        }
        transpose(r, lanes);
#pragma GCC unroll 4
        for (int l = 0; l < 4; l++)
            *(v4_any *)(y + l * 16 + i * 4) = lanes[l];
    }
    const v4 zero = sum - sum;
    return (sure[0] & sure[1] & sure[2] & sure[3]) != 0 && is_zero(&zero);
}

INLINE void store_body(const double *y, const px_winograd_dest *dest)
{
    for (int l = 0; l < PX_WINOGRAD_LANES; l++, y += 16) {
        const px_winograd_dest *d = &dest[l];
        if (d->rows == 4 && d->cols == 4) {
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
                *(v4_any *)(d->at + i * d->row) = *(const v4_any *)(y + i * 4) + d->bias;
            continue;
        }
        for (int i = 0; i < d->rows; i++)
            for (int j = 0; j < d->cols; j++)
                d->at[i * d->row + j] = y[i * 4 + j] + d->bias;
    }
}

/* --- for one processor or another --- */

#define VARIANT(suffix, target)                                                                    \
    target static bool input_##suffix(const double *const *x, int64_t row, double *out,            \
                                      int64_t plane)                                               \
    {                                                                                              \
        return input_body(x, row, out, plane);                                                     \
    }                                                                                              \
    target static bool weights_##suffix(const void *const *w, bool is_f32, int64_t n,              \
                                        int64_t step, double *out, int64_t plane,                  \
                                        const void *const *next)                                   \
    {                                                                                              \
        return is_f32 ? weights_body(w, true, n, step, out, plane, next)                           \
                      : weights_body(w, false, n, step, out, plane, next);                         \
    }                                                                                              \
    target static bool output_##suffix(const double *m, int64_t plane, double *y)                  \
    {                                                                                              \
        return output_body(m, plane, y);                                                           \
    }                                                                                              \
    target static void store_##suffix(const double *y, const px_winograd_dest *dest)               \
    {                                                                                              \
        store_body(y, dest);                                                                       \
    }

VARIANT(plain, )

const px_winograd_isa px_winograd_plain = {
    .input = input_plain, .weights = weights_plain, .output = output_plain, .store = store_plain};

#if defined(__x86_64__)
VARIANT(avx2, __attribute__((target("avx2"))))

static const px_winograd_isa avx2 = {
    .input = input_avx2, .weights = weights_avx2, .output = output_avx2, .store = store_avx2};
#endif

const px_winograd_isa *px_winograd_isa_get(void)
{
#if defined(__x86_64__)
    if (px_cpu_get()->avx2)
        return &avx2;
#endif
    return &px_winograd_plain;
}
