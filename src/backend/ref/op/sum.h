/* backend/ref/op/sum.h - sums that do not lose digits: reductions and normalisations share them.
 *
 * Along a contiguous run: blocks of 512 elements, in a block 8 partial sums (element i to sum
 * i mod 8) combined pairwise, block results added in ascending order with Neumaier's compensation.
 * Across runs (many sums side by side): each is compensated element by element in ascending
 * order. So results depend on the shape alone, never on threads or instruction set, and their
 * error is about one rounding of the result plus a few of one block.
 */
#ifndef PX_BACKEND_REF_OP_SUM_H
#define PX_BACKEND_REF_OP_SUM_H

#include "base/px.h"

#include <math.h>

typedef struct px_acc {
    double s, c; /* sum and what its additions lost */
} px_acc;

static inline void px_acc_add(px_acc *a, double v)
{
    const double t = a->s + v;
    a->c += fabs(a->s) >= fabs(v) ? (a->s - t) + v : (v - t) + a->s;
    a->s = t;
}

/* An infinite or NaN sum has a meaningless compensation. */
static inline double px_acc_value(double s, double c)
{
    return isfinite(s) ? s + c : s;
}

/* Adds x, |x|, x^2, (x - p)^2 over a run; p is read by the last one alone. */
typedef void (*px_sum_run)(px_acc *a, const double *x, int64_t n, double p);
void px_sum_plain(px_acc *a, const double *x, int64_t n, double p);
void px_sum_abs(px_acc *a, const double *x, int64_t n, double p);
void px_sum_square(px_acc *a, const double *x, int64_t n, double p);
void px_sum_deviation(px_acc *a, const double *x, int64_t n, double p);

/* The same for n sums side by side: s[i], c[i] take f(x[i]). */
typedef void (*px_sum_column)(double *s, double *c, const double *x, int64_t n);
void px_sum_column_plain(double *s, double *c, const double *x, int64_t n);
void px_sum_column_abs(double *s, double *c, const double *x, int64_t n);
void px_sum_column_square(double *s, double *c, const double *x, int64_t n);

#endif
