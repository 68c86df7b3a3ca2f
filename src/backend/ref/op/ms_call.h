/* backend/ref/op/ms_call.h - calling a standard operator's kernel from one of com.microsoft. */
#ifndef PX_BACKEND_REF_OP_MS_CALL_H
#define PX_BACKEND_REF_OP_MS_CALL_H

#include "backend/ref/op/move.h"

/* Runs the kernel of ai.onnx operator `name` at version `opset` on the node's attributes. */

/* With the node's own inputs and outputs (and what the kernel keeps with the node). */
PX_MUST_USE pgy_status *px_ms_forward(px_ref_call *c, const char *name, int64_t opset);
/* With other inputs (borrowed; not more than the node has), for one result that the caller owns. */
PX_MUST_USE pgy_status *px_ms_call(px_ref_call *c, const char *name, int64_t opset, size_t n_in,
                                   const px_ref_value *in, px_ref_value *out);

#endif
