/* backend/tf/session.h - a TensorFlow graph that is ready to run.
 *
 * What a session is opened from: a frozen graph, a SavedModel's folder, a checkpoint, or an ONNX
 * model, whose graph is built as a TensorFlow graph (onnx.h). A Keras file is turned into a
 * frozen graph by TensorFlow's Python before it comes here (script/tf_python.h).
 */
#ifndef PX_BACKEND_TF_SESSION_H
#define PX_BACKEND_TF_SESSION_H

#include "backend/tf/lib.h"
#include "model/graphdef.h"
#include "model/model.h"
#include "polygraphy/backend.h"

/* A named tensor of the graph; names live in the session's arena. */
typedef struct px_tf_end {
    const char *name; /* "x:0" */
    px_tf_port port;
} px_tf_end;
typedef struct px_tf_ends {
    px_tf_end *at;
    size_t n, cap;
} px_tf_ends;

typedef struct px_tf_model {
    pgy_context *cx;
    px_tf_lib *lib;
    const px_tf_args *args; /* NULL: all defaults */
    px_arena arena;         /* names and shapes; as long as the session */
    const char *where;      /* the model's path, for errors */
    px_tf_status *status;   /* of the call under way */
    px_tf_graph *graph;
    px_tf_options *options;
    px_tf_run *run;
    px_tf_ends inputs, outputs;
    pgy_io *signature; /* of the inputs */
    /* Arrays of an iteration. */
    px_tf_port *in_ports, *out_ports;
    px_tf_tensor **in_tensors, **out_tensors;
    size_t n_runs;
} px_tf_model;

PX_MUST_USE pgy_status *px_tf_model_open(pgy_context *cx, px_tf_lib *lib, pgy_model *model,
                                         const px_tf_args *args, px_tf_model **out);
PX_MUST_USE pgy_status *px_tf_model_run(px_tf_model *s, const pgy_feed *in, pgy_outputs *out);
void px_tf_model_close(px_tf_model *s); /* accepts NULL */

/* --- the steps of opening --- */

/* load.c: fills graph, run, inputs and outputs. */
PX_MUST_USE pgy_status *px_tf_load(px_tf_model *s, pgy_model *model);

/* ports.c: which tensors are fed and fetched. `meta` may be NULL; what its signature says counts
 * before what the graph looks like, and --tf-outputs before both. Errors: UNSUPPORTED for inputs
 * and outputs that are no numbers, USAGE for names that no tensor has. */
PX_MUST_USE pgy_status *px_tf_find_inputs(px_tf_model *s, const px_metagraph *meta);
PX_MUST_USE pgy_status *px_tf_find_outputs(px_tf_model *s, const px_metagraph *meta);
/* The tensor "name:1", or ":0" of the node "name"; `out->node` is NULL when there is none. */
PX_MUST_USE pgy_status *px_tf_find_tensor(px_tf_model *s, px_str name, px_tf_port *out);
PX_MUST_USE pgy_status *px_tf_add_end(px_tf_model *s, px_tf_ends *ends, const char *name,
                                      px_tf_port port);

/* What the last call left in the session's status. */
PX_MUST_USE pgy_status *px_tf_checked(px_tf_model *s);

#endif
