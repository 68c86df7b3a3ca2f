/* compare/postprocess.h - --postprocess top-K: outputs become the indices of their largest
 * elements, before comparison and validation and after saving.
 */
#ifndef PX_COMPARE_POSTPROCESS_H
#define PX_COMPARE_POSTPROCESS_H

#include "compare/args.h"
#include "results/results.h"

/* State over all iterations of all runs. */
typedef struct px_top_k {
    const px_compare_args *args;
    /* COMPAT: in 0.49.26 an axis given for one output stays for all later ones that have none. */
    bool leak_axis;
    bool has_axis;
    int64_t axis;
} px_top_k;

/* For iterations that come one at a time: begin logs that outputs are post-processed, apply
 * replaces the selected outputs of one iteration by int64 indices, end logs that it is done.
 * Nothing to do, and nothing said, without --postprocess. Errors: USAGE for scalars, bool arrays
 * and bad axes; NOMEM. */
void px_top_k_begin(pgy_context *cx, px_top_k *top_k, const px_compare_args *args);
PX_MUST_USE pgy_status *px_top_k_apply(pgy_context *cx, px_top_k *top_k, px_iteration *it);
void px_top_k_end(pgy_context *cx, const px_top_k *top_k);

/* All of the above for runs that are there. */
PX_MUST_USE pgy_status *px_postprocess_results(pgy_context *cx, const px_compare_args *args,
                                               px_results *results);

#endif
