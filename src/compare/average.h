/* compare/average.h - --check-average: judging metrics averaged over all iterations. */
#ifndef PX_COMPARE_AVERAGE_H
#define PX_COMPARE_AVERAGE_H

#include "compare/compare.h"

/* Errors: USAGE when the selected functions or options leave nothing to average. */
PX_MUST_USE pgy_status *px_average_check(const px_compare_args *args);
/* Logs the averaged summary of a pair and sets its verdict. Errors: USAGE when an iteration gave no
 * numbers. */
PX_MUST_USE pgy_status *px_average_judge(pgy_context *cx, px_pair_result *pair);

#endif
