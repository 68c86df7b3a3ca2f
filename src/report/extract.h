/* report/extract.h - a failing piece of a model as a folder that shows the failure by itself. */
#ifndef PX_REPORT_EXTRACT_H
#define PX_REPORT_EXTRACT_H

#include "model/edit.h"
#include "results/results.h"

#define PX_EXTRACT_MODEL "model.onnx"
#define PX_EXTRACT_INPUTS "inputs.json"
#define PX_EXTRACT_EXPECTED "expected.json"
#define PX_EXTRACT_COMMAND "command.sh"

typedef struct px_extract {
    const px_onnx_model *model;
    const px_feed *inputs;
    const char *runner; /* that gave the expected outputs */
    const px_feed *expected;
    const char *command; /* text of the script */
} px_extract;

/* Before anything is run: the folder must be absent or empty. Errors: USAGE. */
PX_MUST_USE pgy_status *px_extract_check(const char *dir);
/* Writes the folder; it appears whole or not at all. Weights become part of the model file unless
 * they are too large for one. Errors: IO. */
PX_MUST_USE pgy_status *px_extract_write(pgy_context *cx, const px_extract *what, const char *dir);

#endif
