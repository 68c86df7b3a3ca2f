/* model/graphdef.h - TensorFlow's graph files, as far as they must be known without TensorFlow.
 *
 * Views into the bytes; nothing is decoded but names. Field numbers are those of graph.proto,
 * node_def.proto, meta_graph.proto and saved_model.proto.
 */
#ifndef PX_MODEL_GRAPHDEF_H
#define PX_MODEL_GRAPHDEF_H

#include "base/px.h"

/* What a walk over a GraphDef finds. */
typedef struct px_graphdef {
    px_str bytes;
    size_t n_nodes, n_functions;
} px_graphdef;

/* Walks the whole message, into every node and function: each node has a name and an operator.
 * Errors: MODEL. */
PX_MUST_USE pgy_status *px_graphdef_read(px_str bytes, px_graphdef *out);

/* A tensor of a signature: "serving_default_x:0" under the key "x". */
typedef struct px_signature_entry {
    px_str key, tensor;
} px_signature_entry;

/* A MetaGraphDef: what TensorFlow saves beside variables. */
typedef struct px_metagraph {
    px_graphdef graph;
    /* How its variables are restored: the node to run and the tensor that takes the file's name,
     * as written ("save/restore_all", "save/Const:0"); empty without a saver. */
    px_str restore_op, filename_tensor;
    /* The signature `serving_default`, or else the first that has an output; sorted by key. */
    px_signature_entry *inputs, *outputs;
    size_t n_inputs, n_outputs;
    px_str tags[8]; /* more are not looked at */
    size_t n_tags;
} px_metagraph;

/* Errors: MODEL, NOMEM. */
PX_MUST_USE pgy_status *px_metagraph_read(px_str bytes, px_metagraph *out);
/* The graph to serve of a saved_model.pb: the one tagged `serve`, or else the first. */
PX_MUST_USE pgy_status *px_saved_model_read(px_str bytes, px_metagraph *out);
void px_metagraph_fini(px_metagraph *m);

#endif
