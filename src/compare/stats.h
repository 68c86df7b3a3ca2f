/* compare/stats.h - summary numbers of arrays and of the differences of two arrays.
 *
 * Every number must print as the reference's does, so the order and the precision of the additions
 * are numpy's: mean and average magnitude in float32 whatever the element type, variance in the
 * work type (double for integers). stats.c says how. Results do not depend on the thread count.
 */
#ifndef PX_COMPARE_STATS_H
#define PX_COMPARE_STATS_H

#include "compare/pair.h"

typedef struct px_stats {
    int64_t count;
    pgy_dtype dtype;
    bool has_percentiles;       /* bool arrays have none */
    double mean, avg_magnitude; /* float32 values; NaN when empty */
    double var, std, median;    /* population variance; 0 when empty */
    double min, max;            /* NaN wins */
    int64_t argmin, argmax;     /* flat row-major position of the first one (or first NaN) */
    double p90, p95, p99;       /* linear interpolation; +inf when empty */
    double quantile;            /* the one asked for */
    int64_t n_nan, n_inf;
} px_stats;

typedef struct px_ulp {
    bool given; /* both arrays have one and the same type of 16 to 64 bit floats */
    uint64_t max;
    double mean; /* over pairs without NaN; NaN if there are none */
    int64_t n;   /* such pairs */
} px_ulp;

typedef struct px_pair_stats {
    px_stats of[PX_N_OF];
    int64_t n_mismatch; /* elements beyond both tolerances */
    int64_t n_zero;     /* zeros in a floating B */
    px_ulp ulp;
} px_pair_stats;

/* All numbers of the arrays in `need` (PX_NEED bits). `quantile` in [0, 1], or NaN for none. Reads
 * the data twice for 32-bit types, four times for 64-bit ones.
 * Errors: NOMEM. */
PX_MUST_USE pgy_status *px_pair_stats_of(pgy_context *cx, const px_pair *pair, unsigned need,
                                         double quantile, px_pair_stats *out);

/* Numbers of one tensor. Errors: UNSUPPORTED (no numbers), NOMEM. */
PX_MUST_USE pgy_status *px_stats_of(pgy_context *cx, const pgy_tensor *x, px_stats *out);

#endif
