/* backend/ref/op/sum.c - see sum.h. */
#include "backend/ref/op/sum.h"

#define BLOCK 512
#define LANES 8

#define SUM_RUN(name, expr)                                                                        \
    void name(px_acc *a, const double *x, int64_t n, double p)                                     \
    {                                                                                              \
        PX_UNUSED(p);                                                                              \
        while (n > 0) {                                                                            \
            const int64_t m = PX_MIN(n, BLOCK);                                                    \
            double lane[LANES] = {0};                                                              \
            int64_t i = 0;                                                                         \
            for (; i + LANES <= m; i += LANES)                                                     \
                for (int k = 0; k < LANES; k++) {                                                  \
                    const double v = x[i + k];                                                     \
                    lane[k] += expr;                                                               \
                }                                                                                  \
            for (int k = 0; i < m; i++, k++) {                                                     \
                const double v = x[i];                                                             \
                lane[k] += expr;                                                                   \
            }                                                                                      \
            px_acc_add(a, ((lane[0] + lane[4]) + (lane[2] + lane[6])) +                            \
                              ((lane[1] + lane[5]) + (lane[3] + lane[7])));                        \
            x += m;                                                                                \
            n -= m;                                                                                \
        }                                                                                          \
    }
SUM_RUN(px_sum_plain, v)
SUM_RUN(px_sum_abs, fabs(v))
SUM_RUN(px_sum_square, v *v)
SUM_RUN(px_sum_deviation, (v - p) * (v - p))

/* Knuth's two-sum: no branch, so the loop vectorises. */
#define SUM_COLUMN(name, expr)                                                                     \
    void name(double *restrict s, double *restrict c, const double *restrict x, int64_t n)         \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const double v = x[i], term = expr;                                                    \
            const double t = s[i] + term, b = t - s[i];                                            \
            c[i] += (s[i] - (t - b)) + (term - b);                                                 \
            s[i] = t;                                                                              \
        }                                                                                          \
    }
SUM_COLUMN(px_sum_column_plain, v)
SUM_COLUMN(px_sum_column_abs, fabs(v))
SUM_COLUMN(px_sum_column_square, v *v)
