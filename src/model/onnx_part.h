/* model/onnx_part.h - models made of some nodes of another: to run a graph piece by piece, one
 * layer on its own, or the smallest piece that shows a failure.
 *
 * A part is a set of nodes. What they read and do not compute themselves becomes an input of the
 * part, unless it is a constant: initializers and Constant nodes come along. Nothing is copied; a
 * part's model is views of the model it was cut from.
 */
#ifndef PX_MODEL_ONNX_PART_H
#define PX_MODEL_ONNX_PART_H

#include "base/tensor.h"
#include "model/onnx.h"

/* Who computes and who reads what, in the main graph. */
typedef struct px_onnx_index {
    const px_onnx_model *model;
    size_t
        *order; /* positions of the nodes, each after those that it reads from; else as written */
    px_map producers;    /* tensor -> 1 + position of its node */
    px_map initializers; /* tensor -> its px_onnx_tensor; sparse ones -> the index itself */
    px_map inputs;       /* tensor -> px_onnx_value_info, initializers included where listed */
    px_map outputs;      /* tensor -> px_onnx_value_info */
    px_map value_infos;  /* tensor -> px_onnx_value_info */
    px_map *reads;       /* of each node: names, captures of its subgraphs included, each once */
} px_onnx_index;

/* `model` must outlive the index and stay as it is.
 * Errors: MODEL when two nodes give one name, a node reads what nobody gives, or nodes read from
 * one another in a cycle. */
PX_MUST_USE pgy_status *px_onnx_index_init(const px_onnx_model *model, px_onnx_index *out);
void px_onnx_index_fini(px_onnx_index *index);
/* The node that computes a tensor; NULL for inputs, initializers and unknown names. */
const px_onnx_node *px_onnx_producer(const px_onnx_index *index, px_str name);
/* True for initializers and outputs of Constant nodes. */
bool px_onnx_is_constant(const px_onnx_index *index, px_str name);
/* Bytes of a constant as it lies in the file; 0 for what is no initializer. */
uint64_t px_onnx_constant_size(const px_onnx_index *index, px_str name);

/* Names may be taken from `inputs.at[i].key`; values are not used. */
typedef struct px_onnx_part {
    bool *has;      /* by position: is the node in the part? Constant nodes that serve it too */
    px_map inputs;  /* tensors that must be fed, in order of first use */
    px_map outputs; /* tensors that the part gives, in order of the nodes */
} px_onnx_part;

/* The part of those nodes for which `has` (one entry per node, borrowed) is true. It gives what is
 * in `wanted`, or when that is NULL: what the graph gives and what nodes outside read. */
PX_MUST_USE pgy_status *px_onnx_part_init(const px_onnx_index *index, const bool *has,
                                          const px_map *wanted, px_onnx_part *out);
/* Sets `has` for the nodes that it takes to compute `output` from tensors in `known`: its own node
 * in any case, and from there back to known tensors, constants and the graph's inputs. Entries that
 * are set already stay. */
PX_MUST_USE pgy_status *px_onnx_part_upto(const px_onnx_index *index, const px_map *known,
                                          px_str output, bool *has);
void px_onnx_part_fini(px_onnx_part *part);

/* Type of a part's input, in the order of part->inputs. */
typedef struct px_onnx_part_input {
    pgy_dtype dtype;
    int rank;
    const int64_t *dims; /* -1: any */
} px_onnx_part_input;

/* The part as a model of its own, to be freed with px_onnx_free; lives no longer than the one it
 * was cut from. Inputs of the whole model keep their declarations; `types` has an entry for every
 * input nevertheless. */
PX_MUST_USE pgy_status *px_onnx_part_build(const px_onnx_index *index, const px_onnx_part *part,
                                           const px_onnx_part_input *types, px_onnx_model **out);

#endif
