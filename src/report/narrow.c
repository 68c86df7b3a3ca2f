/* report/narrow.c - see narrow.h. */
#include "report/narrow.h"

#include <float.h>
#include <math.h>

static int32_t bits_of(float v)
{
    int32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits & INT32_MAX;
}

static float narrow(double v)
{
    v = fabs(v);
    if (v > FLT_MAX && v <= DBL_MAX)
        return FLT_MAX;
    if (v > 0 && v < FLT_TRUE_MIN)
        return FLT_TRUE_MIN;
    return (float)v;
}

void px_narrow_bits(px_work w, const void *x, int64_t n, int32_t *out)
{
    if (w == PX_F32) {
        memcpy(out, x, (size_t)n * sizeof *out);
        for (int64_t i = 0; i < n; i++)
            out[i] &= INT32_MAX;
        return;
    }
    if (w == PX_F64) {
        const double *from = x;
        for (int64_t i = 0; i < n; i++)
            out[i] = bits_of(narrow(from[i]));
        return;
    }
    float some[512];
    const int64_t step = (int64_t)PX_COUNTOF(some);
    for (int64_t i = 0; i < n; i += step) {
        const int64_t m = PX_MIN(step, n - i);
        px_t_to_f32(w, (const char *)x + (size_t)i * px_work_size(w), m, some);
        for (int64_t k = 0; k < m; k++)
            out[i + k] = bits_of(some[k]);
    }
}
