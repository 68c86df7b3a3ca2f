/* compare/mismatch.h - showing where two arrays differ: the most verbose log lines. */
#ifndef PX_COMPARE_MISMATCH_H
#define PX_COMPARE_MISMATCH_H

#include "compare/pair.h"

/* Logs positions (SUPER_VERBOSE) and values (EXTRA_VERBOSE) of the `n_mismatch` elements beyond
 * both tolerances, as far as the levels show them. Long lists are abbreviated as numpy does, so
 * only what shows is gathered. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_log_mismatches(pgy_context *cx, const px_pair *pair, int64_t n_mismatch,
                                          const char *runner0, const char *runner1);

#endif
