/* model/onnx_infer.h - element types and shapes of every tensor of a model, without running it.
 *
 * The inference follows the operators' definitions and says nothing where it cannot know: a shape
 * or type that it states holds for every run whose inputs have the stated shapes. Dimensions keep
 * their names (dim_param); small integer tensors are computed along, so that shapes made from
 * shapes come out. Initializers count as constants, also where an input of that name would allow
 * to replace them.
 */
#ifndef PX_MODEL_ONNX_INFER_H
#define PX_MODEL_ONNX_INFER_H

#include "model/onnx.h"

/* What was found out about a model's main graph: inputs, initializers and node outputs. */
typedef struct px_onnx_types px_onnx_types;

typedef struct px_onnx_infer_options {
    /* Shapes that the run will have, in place of those that the model states: a static answer for
     * models with dynamic inputs. A name that is no input counts for nothing. */
    const pgy_io *inputs;
    size_t n_inputs;
    bool every_graph; /* px_onnx_types_in is wanted */
} px_onnx_infer_options;

/* What was found out about one output of a node. */
typedef struct px_onnx_fact {
    px_onnx_type type;
    const int64_t *ints; /* its elements when they are the same in every run, else NULL */
    size_t n_ints;
} px_onnx_fact;

/* `how` may be NULL. `out` is freed with px_onnx_types_free and must not outlive `model`.
 * Errors: NOMEM only; what is wrong with a model is not found out here. */
PX_MUST_USE pgy_status *px_onnx_infer(pgy_context *cx, const px_onnx_model *model,
                                      const px_onnx_infer_options *how, px_onnx_types **out);
/* NULL when nothing is known. `rank` is -1 and `dtype` UNKNOWN where only the other is known;
 * a dim's value is -1 and its symbol empty where neither is known. */
const px_onnx_type *px_onnx_types_get(const px_onnx_types *types, px_str name);
/* One fact for each output of each node of a graph of the model, in their order, subgraphs
 * included; NULL when the graph was never gone through. Graphs inside functions have none. */
const px_onnx_fact *px_onnx_types_in(const px_onnx_types *types, const px_onnx_graph *g);
void px_onnx_types_free(px_onnx_types *types); /* accepts NULL */

/* Infers, and writes what was found into the model: value infos of node outputs, subgraphs
 * included, and what the graph's outputs did not state. Stated types stay, except for dims that are
 * wrong for certain; names that the model gives to dims stay too. `out_n` (may be NULL) counts the
 * tensors whose type or shape became known. */
PX_MUST_USE pgy_status *px_onnx_infer_shapes(pgy_context *cx, px_onnx_model *model, size_t *out_n);

/* Gives the graph's outputs that state no type the one that is inferred: a file is only valid when
 * they have one. What cannot be known stays as it is. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_onnx_infer_outputs(pgy_context *cx, px_onnx_model *model);

#endif
