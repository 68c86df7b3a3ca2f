/* backend/onnxrt/types.h - refusing models whose inputs or outputs are no tensors, early. */
#ifndef PX_BACKEND_ONNXRT_TYPES_H
#define PX_BACKEND_ONNXRT_TYPES_H

#include "backend/onnxrt/abi.h"
#include "base/px.h"
#include "model/model.h"

/* Reads only the declarations of the graph's inputs and outputs; nodes and weights are stepped
 * over. A file that is no ONNX model, or a broken one, passes: the runtime has words for it.
 * Errors: UNSUPPORTED naming the input or output. */
PX_MUST_USE pgy_status *px_onnxrt_check_types(const pgy_model *model);

/* The UNSUPPORTED error itself; `side` is "input" or "output". */
PX_MUST_USE pgy_status *px_onnxrt_refuse(const char *side, px_str name, px_ort_kind kind);

#endif
