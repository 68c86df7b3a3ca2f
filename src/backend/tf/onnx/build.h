/* backend/tf/onnx/build.h - an ONNX graph built as a TensorFlow graph, operator by operator.
 *
 * Errors stick: the first one is kept in `st`, and everything after it does nothing and gives a
 * port without a node. So an operator is written as one expression after the other, and the walk
 * over the graph checks once per node.
 *
 * A node under way is one at a time: its inputs are made before px_tf_begin is called.
 *
 * The body of a loop is a function of TensorFlow's, which is a graph of its own. Such a graph under
 * way is a frame; ports of one frame mean nothing in another, and px_tf_capture brings them in.
 */
#ifndef PX_BACKEND_TF_ONNX_BUILD_H
#define PX_BACKEND_TF_ONNX_BUILD_H

#include "backend/tf/session.h"
#include "backend/tf/values.h"
#include "model/onnx_infer.h"

#define PX_TF_MAX_RANK 8

/* A value of the ONNX graph. */
typedef struct px_tf_value {
    px_tf_port port;
    pgy_tensor *known; /* its elements where they are always the same, or NULL; one reference */
} px_tf_value;

/* A TensorFlow graph under way: the model's, or a loop's body. */
typedef struct px_tf_frame {
    struct px_tf_frame *outer; /* NULL: the model's */
    px_tf_graph *graph;
    struct px_tf_captures {
        struct px_tf_capture {
            px_tf_port outside, inside;
        } * at;
        size_t n, cap;
    } captures;
} px_tf_frame;

/* The names of a graph; those of the graphs around it count in a subgraph too. */
typedef struct px_tf_scope {
    struct px_tf_scope *outer; /* NULL: this is the model's graph, or a function's body */
    px_tf_frame *frame;
    const px_onnx_function *function; /* whose body this is part of, or NULL */
    const px_onnx_node *caller;       /* of that function, with its attributes resolved */
    px_map values;                    /* name -> px_tf_value, in the build's arena */
    px_tf_port condition; /* what an arm of an If hangs on; without a node: on nothing */
    int arm;              /* 1: runs where the condition holds, 0: where not */
} px_tf_scope;

typedef struct px_tf_build {
    px_tf_model *s;
    const px_onnx_model *onnx;
    const px_onnx_types *types;
    int64_t opset; /* of the standard's operators, where the node stands */
    int depth;     /* of graphs and functions inside each other */
    px_arena arena;
    px_tf_scope *scope; /* of the graph under way */
    px_tf_frame *frame;
    const px_onnx_node *node;
    const px_onnx_fact *facts; /* one for each of its outputs, or NULL */
    px_buf name;               /* readable part of the names of what the node becomes */
    size_t n_made;
    px_tf_builder *making;
    pgy_status *st;
} px_tf_build;

typedef void (*px_tf_op_fn)(px_tf_build *b);
typedef struct px_tf_op_row {
    const char *name;
    px_tf_op_fn make;
    const char *as; /* TensorFlow's operator, for functions that serve several */
} px_tf_op_row;

/* Each file's rows, ended by a NULL name. */
extern const px_tf_op_row px_tf_math_rows[], px_tf_shape_rows[], px_tf_nn_rows[],
    px_tf_recurrent_rows[], px_tf_quant_rows[], px_tf_control_rows[], px_tf_pick_rows[],
    px_tf_sequence_rows[], px_tf_ms_rows[];

/* The row of the node under way. */
const px_tf_op_row *px_tf_row(const px_tf_build *b);

/* Builds the graph into the session and fills its inputs and outputs, under the ONNX names.
 * Errors: UNSUPPORTED naming operator and node. */
PX_MUST_USE pgy_status *px_tf_build_onnx(px_tf_model *s, pgy_model *model);

/* Builds a graph inside the one under way, in the frame under way; `in` are its first `n_in`
 * inputs, `out` gets a port for each of its outputs. The scope is new, with its condition set, and
 * emptied afterwards. */
void px_tf_subgraph(px_tf_build *b, const px_onnx_graph *g, px_tf_scope *scope,
                    const px_tf_port *in, size_t n_in, px_tf_port *out);

/* The value of that name, or NULL. */
const px_tf_value *px_tf_find(px_tf_build *b, px_tf_scope *scope, px_str name);

/* --- errors --- */

/* Keeps `take_st` unless there is an error already. */
void px_tf_keep_error(px_tf_build *b, pgy_status *take_st);

/* Keeps the sentence "The node 'x' (Op): ..." as the error. */
void px_tf_refuse(px_tf_build *b, const char *fmt, ...) PX_PRINTF(2, 3);

/* --- the node's ONNX side --- */

bool px_tf_has(const px_tf_build *b, size_t i); /* is there an input number i? */
px_tf_port px_tf_input(px_tf_build *b, size_t i);
/* The elements of an input that is a constant, else NULL. */
const pgy_tensor *px_tf_known(px_tf_build *b, size_t i);
void px_tf_output(px_tf_build *b, size_t i, px_tf_port port);

/* NULL when it is not there; refuses the node when it is of another kind. */
const px_onnx_attr *px_tf_attr(px_tf_build *b, const char *attr, px_onnx_attr_type type);
int64_t px_tf_int_of(const px_tf_build *b, const char *attr, int64_t otherwise);
float px_tf_float_of(const px_tf_build *b, const char *attr, float otherwise);
px_str px_tf_text_of(const px_tf_build *b, const char *attr, const char *otherwise);
/* Copies up to `max` numbers; -1 when the attribute is not there. */
int px_tf_ints_of(px_tf_build *b, const char *attr, int64_t *out, int max);
/* The same for what is an attribute in old operator sets and the constant input `i` in new ones. */
int px_tf_ints_or_input(px_tf_build *b, const char *attr, size_t i, int64_t *out, int max);

/* --- TensorFlow's side --- */

void px_tf_begin(px_tf_build *b, const char *op);
void px_tf_in(px_tf_build *b, px_tf_port port);
void px_tf_in_list(px_tf_build *b, const px_tf_port *ports, size_t n);
void px_tf_set_text(px_tf_build *b, const char *name, const char *value);
void px_tf_set_ints(px_tf_build *b, const char *name, const int64_t *at, int n);
void px_tf_set_int(px_tf_build *b, const char *name, int64_t value);
void px_tf_set_float(px_tf_build *b, const char *name, float value);
void px_tf_set_bool(px_tf_build *b, const char *name, bool value);
void px_tf_set_type(px_tf_build *b, const char *name, int type);
px_tf_port px_tf_finish(px_tf_build *b);

px_tf_port px_tf_1(px_tf_build *b, const char *op, px_tf_port x);
px_tf_port px_tf_2(px_tf_build *b, const char *op, px_tf_port x, px_tf_port y);
px_tf_port px_tf_3(px_tf_build *b, const char *op, px_tf_port x, px_tf_port y, px_tf_port z);
/* x for one arm of an If; nothing comes out of it for the other. */
px_tf_port px_tf_switch(px_tf_build *b, px_tf_port x, px_tf_port condition, int arm);
px_tf_port px_tf_cast(px_tf_build *b, px_tf_port x, int type); /* x itself when it has the type */

px_tf_port px_tf_constant(px_tf_build *b, const pgy_tensor *t);
px_tf_port px_tf_vector(px_tf_build *b, const int64_t *at, int n); /* int64 */
px_tf_port px_tf_scalar(px_tf_build *b, int64_t value);            /* int64 */
px_tf_port px_tf_scalar32(px_tf_build *b, int64_t value);          /* int32 */
/* A scalar of the element type of `like`. */
px_tf_port px_tf_number(px_tf_build *b, double value, px_tf_port like);

int px_tf_type_at(px_tf_build *b, px_tf_port x);
/* Refuses the node when TensorFlow does not know the rank. */
int px_tf_rank(px_tf_build *b, px_tf_port x);
/* Tells TensorFlow what it does not see: the dimensions of x, -1 for what is open. */
void px_tf_say(px_tf_build *b, px_tf_port x, const int64_t *dims, int rank);
/* Dimensions as far as they are known, -1 for others; the rank, 0 after an error. */
int px_tf_dims(px_tf_build *b, px_tf_port x, int64_t dims[PX_TF_MAX_RANK]);
/* 0 <= axis < rank; refuses others. */
int px_tf_axis(px_tf_build *b, int64_t axis, int rank);

px_tf_port px_tf_shape(px_tf_build *b, px_tf_port x); /* int64 vector */
px_tf_port px_tf_reshape(px_tf_build *b, px_tf_port x, const int64_t *dims, int n);
px_tf_port px_tf_transpose(px_tf_build *b, px_tf_port x, const int64_t *order, int n);
/* Elements [start, start + n) of a vector. */
px_tf_port px_tf_part(px_tf_build *b, px_tf_port x, int64_t start, int64_t n);
px_tf_port px_tf_concat(px_tf_build *b, const px_tf_port *parts, size_t n, int64_t axis);

/* --- loops --- */

/* The port in the frame under way that has the value of `port` of `from`, a frame around it. */
px_tf_port px_tf_capture(px_tf_build *b, const px_tf_frame *from, px_tf_port port);

/* From the variables as they are to what `out` is to hold: the variables after one step, or one
 * truth value for whether there is another step. In the loop's own frame. */
typedef void (*px_tf_step_fn)(px_tf_build *b, void *user, const px_tf_port *vars, px_tf_port *out);
/* while (goes_on(vars)) vars = step(vars); `vars` holds the first values and gets the last ones.
 * Variables keep their types; shapes may change. `step` may be called several times; `goes_on` must
 * capture nothing. */
void px_tf_while(px_tf_build *b, px_tf_port *vars, size_t n, px_tf_step_fn goes_on,
                 px_tf_step_fn step, void *user);

/* An empty list of tensors of type `type`. */
px_tf_port px_tf_list(px_tf_build *b, int type);
px_tf_port px_tf_list_push(px_tf_build *b, px_tf_port list, px_tf_port x);
/* All of a list along a new first dimension. `dims` are those of an element, as far as they are
 * known (-1: not), and count where the list is empty: 0 for what is open. `rank` may be -1. */
px_tf_port px_tf_list_stack(px_tf_build *b, px_tf_port list, int type, const int64_t *dims,
                            int rank);

/* --- operators that others are made of --- */

/* Axis `axis` of x at `at`, a scalar: without that axis. */
px_tf_port px_tf_at(px_tf_build *b, px_tf_port x, px_tf_port at, int64_t axis);
/* x in 255 equal steps between its extremes, 0 among them: the number of the step less that of 0,
 * as float64. `out_scale` is the size of a step, in the type of x. */
px_tf_port px_tf_stepped(px_tf_build *b, px_tf_port x, px_tf_port *out_scale);

px_tf_port px_tf_matmul(px_tf_build *b, px_tf_port x, px_tf_port y); /* as numpy's */
/* With the attributes of the node under way; `bias` may be NULL. */
px_tf_port px_tf_conv(px_tf_build *b, px_tf_port x, px_tf_port weights, const px_tf_port *bias);

#endif
