/* model/precision.h - what the two passes of a precision change share.
 *
 * The first pass (precision_plan.c) walks all graphs in execution order and finds out which values
 * are float32, which nodes stay in float32, and in which type each value is wanted. The second
 * (precision.c) walks the same way again and changes the graphs. Both meet the graphs in the same
 * order, so the second finds the first one's scopes by counting.
 */
#ifndef PX_MODEL_PRECISION_H
#define PX_MODEL_PRECISION_H

#include "model/edit.h"

/* One named value of a graph. */
typedef struct px_half_value {
    pgy_dtype dtype;   /* before the change; UNKNOWN when nothing tells */
    bool is_container; /* a sequence or optional of that type */
    bool is_weight;    /* an initializer or a Constant: exists in whatever type is wanted */
    bool is_half;      /* its producer gives the half type from now on */
    bool wants_f32, wants_half;
    px_str f32_name, half_name; /* second pass: where it is found in each type; empty: nowhere */
} px_half_value;

/* One graph: its own values, and the graph around it. */
typedef struct px_half_scope {
    struct px_half_scope *outer; /* NULL: the main graph */
    bool is_kept;                /* the node that owns the graph stays in float32 */
    px_map values;               /* name -> px_half_value */
    px_onnx_node *at;            /* second pass: the graph's new nodes */
    size_t n, cap;
} px_half_scope;

typedef struct px_half {
    pgy_context *cx;
    px_onnx_model *m;
    const px_onnx_half_options *how;
    px_onnx_half_report report;
    int64_t opset;
    px_arena arena;         /* values and scopes, dead when the change is done */
    px_map names;           /* of all values and nodes of the model */
    px_half_scope **scopes; /* in the order of the walk */
    size_t n_scopes, cap_scopes, next_scope;
} px_half;

/* First pass over a graph and all inside it. */
PX_MUST_USE pgy_status *px_half_plan(px_half *h, px_onnx_graph *g, px_half_scope *outer,
                                     const px_onnx_node *owner, bool is_kept);
/* NULL for a name that nothing defines. */
px_half_value *px_half_find(const px_half_scope *scope, px_str name);
/* True when the node is to stay in float32. */
bool px_half_keeps(const px_half *h, const px_half_scope *scope, const px_onnx_node *node);
/* Type in which a node reads its input `i`, which is `v`: F32, the half type, or UNKNOWN for
 * whatever it is. */
pgy_dtype px_half_wanted(const px_half *h, const px_onnx_node *node, size_t i,
                         const px_half_value *v, bool is_kept);

#endif
