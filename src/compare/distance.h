/* compare/distance.h - how far numbers are from what they should be, in float64.
 *
 * Truth and candidate are read as float64 whatever they are stored as, block by block; nothing the
 * size of a tensor is made. The unit of `ulp` is the gap between neighbours of the declared type
 * at the true value, so a truth that is finer than the type gives fractions: rounding alone costs
 * half a unit.
 */
#ifndef PX_COMPARE_DISTANCE_H
#define PX_COMPARE_DISTANCE_H

#include "base/tensor.h"

typedef struct px_distance {
    int64_t count;      /* elements compared; complex ones count twice */
    int64_t n_exact;    /* equal to the truth rounded to the declared type */
    int64_t n_unlike;   /* NaN or infinity on one side only, or infinities of two signs */
    int64_t n_missing;  /* of those: the truth is NaN or infinite, the candidate a number */
    double max_abs;     /* of what is finite on both sides, like all below */
    double max_rel;     /* where the truth is not 0 */
    double max_ulp;     /* 0 for types without a unit in the last place */
    double sum_squares; /* of the absolute differences */
    double sum_truth;   /* squares of the true values */
    double scale;       /* largest finite magnitude of the truth */
    int64_t worst;      /* flat index where max_abs is; -1: nowhere differs */
} px_distance;

#define PX_DISTANCE_INIT                                                                           \
    {                                                                                              \
        .worst = -1                                                                                \
    }

/* Root of the mean square difference; 0 when nothing was compared. */
double px_distance_rms(const px_distance *d);
/* The same over that of the true values; 0 when all of them are 0. */
double px_distance_share(const px_distance *d);
/* Adds `more`, whose elements come after those of `io`. */
void px_distance_merge(px_distance *io, const px_distance *more);

/* Elements can be measured: numbers, also complex ones, and truth values. */
bool px_distance_applies(pgy_dtype dtype);
/* Adds the distances of `n` candidates to one truth, in one pass over the truth. Counts must be
 * equal and every type one that px_distance_applies to, complex with complex only. `declared` is
 * the type whose units count. The sums do not depend on the number of threads. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_distance_add(pgy_context *cx, pgy_dtype declared,
                                        const pgy_tensor *truth, size_t n,
                                        const pgy_tensor *const *candidates, px_distance *io);

/* What rounding to the type does to a number of size 1: half the gap between neighbours. 0 for
 * integers and truth values. */
double px_dtype_unit_roundoff(pgy_dtype dtype);

#endif
