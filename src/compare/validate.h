/* compare/validate.h - --validate: outputs must hold neither NaN nor infinity.
 *
 * Integers and strings are always valid. Bad values are a verdict, not an error.
 */
#ifndef PX_COMPARE_VALIDATE_H
#define PX_COMPARE_VALIDATE_H

#include "results/results.h"

/* For iterations that come one at a time: begin names the runs, iteration looks at one iteration of
 * one run and clears `inout_valid` when it holds a bad value, end gives the verdict. Errors:
 * whatever reading the outputs gives. */
PX_MUST_USE pgy_status *px_validate_begin(pgy_context *cx, const char *const *runners, size_t n);
PX_MUST_USE pgy_status *px_validate_iteration(pgy_context *cx, const char *runner,
                                              const px_iteration *it, bool *inout_valid);
void px_validate_end(pgy_context *cx, bool valid);

/* All of the above for runs that are there. Mirrors: comparator/comparator.py
 * Comparator.validate. */
PX_MUST_USE pgy_status *px_validate_results(pgy_context *cx, const px_results *results,
                                            bool *out_valid);

#endif
