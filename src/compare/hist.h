/* compare/hist.h - ten-bin histograms as numpy.histogram makes them.
 *
 * Edges and bins are computed in the array's own float type (double for integers), because that is
 * where rounding decides which bin an element falls into.
 */
#ifndef PX_COMPARE_HIST_H
#define PX_COMPARE_HIST_H

#include "compare/stats.h"

#define PX_HIST_BINS 10

typedef enum px_hist_state {
    PX_HIST_OK,
    PX_HIST_BLANK, /* bool arrays: shown as nothing */
    PX_HIST_NONE,  /* empty arrays */
    PX_HIST_FAILED /* `why` says so in the reference's words */
} px_hist_state;

typedef struct px_hist {
    px_hist_state state;
    double edges[PX_HIST_BINS + 1];
    int64_t counts[PX_HIST_BINS];
    char why[160];
} px_hist;

/* Histograms of the pair's arrays in `need` (PX_NEED bits) in one pass; `stats[i]` are the
 * numbers of array i. `range`: first and last edge for A and B given from outside (the joint
 * minimum and maximum), or NULL for each array's own, which the differences always use. Fills
 * out[i] of the needed ones. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_hists_of(pgy_context *cx, const px_pair *pair, unsigned need,
                                    const px_stats *stats, const double *range,
                                    px_hist out[PX_N_OF]);

#endif
