/* cli/save_accuracy.h - the file of --save-accuracy-results from a finished comparison. */
#ifndef PX_CLI_SAVE_ACCURACY_H
#define PX_CLI_SAVE_ACCURACY_H

#include "compare/compare.h"

/* Writes every function, pair, iteration and output in the reference's order. Errors: IO. */
PX_MUST_USE pgy_status *px_save_accuracy(pgy_context *cx, const px_accuracy *accuracy,
                                         const char *path);

#endif
