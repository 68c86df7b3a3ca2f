/* backend/tensors_only.h - refusing models whose inputs or outputs cannot be served, early. */
#ifndef PX_BACKEND_TENSORS_ONLY_H
#define PX_BACKEND_TENSORS_ONLY_H

#include "base/px.h"
#include "model/model.h"

/* For a backend's open(), before anything slow. Reads only the declarations of the graph's inputs
 * and outputs; nodes and weights are stepped over, and what is not declared passes. So does a file
 * that is no ONNX model, or a broken one: others have better words for it.
 * Inputs must be tensors, and so must outputs unless `takes_apart`: then sequences, optional values
 * and maps may come out (backend/outputs.h). Errors: UNSUPPORTED naming the input or output. */
PX_MUST_USE pgy_status *px_check_tensors_only(const pgy_model *model, bool takes_apart);

/* The error itself; `side` is "input" or "output", `kind` is "a sequence" and the like. */
PX_MUST_USE pgy_status *px_refuse_value(const char *side, px_str name, const char *kind);

#endif
