/* onnx_nodes/node_data.h - the .pb files of a node case: values in, values compared. */
#ifndef PX_NODE_DATA_H
#define PX_NODE_DATA_H

#include "backend/ref/plan.h"
#include "model/onnx.h"

/* Reads a TensorProto, SequenceProto or OptionalProto as `type` says. Owned by the caller. */
PX_MUST_USE pgy_status *node_value_read(px_ref_pool *pool, const char *path,
                                        const px_onnx_type *type, px_ref_value *out);
typedef struct node_tolerance {
    double rtol, atol;
} node_tolerance;

/* `out` stays empty when equal within `tol`; else it says what differs. NULL `tol` compares types
 * and shapes only. */
void node_value_diff(const px_ref_value *got, const px_ref_value *want, const node_tolerance *tol,
                     px_buf *out);

#endif
