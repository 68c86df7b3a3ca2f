/* model/infer/scope.h - the state of one inference; operators know infer.h only. */
#ifndef PX_MODEL_INFER_SCOPE_H
#define PX_MODEL_INFER_SCOPE_H

#include "model/infer/infer.h"
#include "model/onnx_infer.h"

/* Names of one graph or function body. */
struct px_infer_scope {
    px_infer_scope *outer; /* names of the graph around are visible; NULL in functions */
    px_map names;          /* to px_infer_value in the arena */
    const px_onnx_opset *opsets;
    size_t n_opsets;
    const px_onnx_function *function; /* whose body this is part of, or NULL */
    px_infer_call *caller;            /* the call of that function */
};

/* What one graph's names turned out to be, the last time that it was gone through. */
typedef struct px_infer_found {
    const px_onnx_graph *graph;
    px_infer_value *outputs; /* one for each output of each node, in order */
} px_infer_found;

struct px_infer {
    pgy_context *cx;
    const px_onnx_model *model;
    px_arena arena;
    px_dim_table dims;
    px_map functions; /* "domain\0name\0overload" to px_onnx_function */
    px_map found;     /* graph's address to px_infer_found */
    const px_onnx_infer_options *how;
    uint64_t n_visits; /* of nodes: bounds models that call functions that call functions */
    int depth;         /* of graphs and functions inside each other */
    bool failed;       /* memory is out */
};

PX_MUST_USE pgy_status *px_infer_init(px_infer *in, pgy_context *cx, const px_onnx_model *model,
                                      const px_onnx_infer_options *how);
/* Goes through the main graph; `names` of `scope` are then what is known. */
PX_MUST_USE pgy_status *px_infer_main(px_infer *in, px_infer_scope *scope);
void px_infer_scope_fini(px_infer_scope *scope);
void px_infer_fini(px_infer *in);

/* The value as a type of the ONNX representation, allocated from `arena`; kind NONE when nothing
 * can be stated. False when memory is out. */
bool px_infer_to_type(const px_infer *in, px_arena *arena, const px_infer_value *v,
                      px_onnx_type *out);

#endif
