/* compare/validate.h - --validate: outputs must hold neither NaN nor infinity.
 *
 * Integers and strings are always valid. Bad values are a verdict, not an error.
 */
#ifndef PX_COMPARE_VALIDATE_H
#define PX_COMPARE_VALIDATE_H

#include "results/results.h"

/* All iterations of all runs, with title and closing line. Mirrors: comparator/comparator.py
 * Comparator.validate. Errors: whatever reading the outputs gives. */
PX_MUST_USE pgy_status *px_validate_results(pgy_context *cx, const px_results *results,
                                            bool *out_valid);

/* One iteration of one run as it comes (streaming): stops at the first bad output and then logs the
 * reason as critical. */
PX_MUST_USE pgy_status *px_validate_iteration(pgy_context *cx, const char *runner, size_t iteration,
                                              const px_iteration *it, bool *out_valid);

#endif
