/* backend/tf/onnx/build.h - an ONNX graph built as a TensorFlow graph, operator by operator.
 *
 * Errors stick: the first one is kept in `st`, and everything after it does nothing and gives a
 * port without a node. So an operator is written as one expression after the other, and the walk
 * over the graph checks once per node.
 *
 * A node under way is one at a time: its inputs are made before px_tf_begin is called.
 */
#ifndef PX_BACKEND_TF_ONNX_BUILD_H
#define PX_BACKEND_TF_ONNX_BUILD_H

#include "backend/tf/session.h"
#include "backend/tf/values.h"
#include "model/onnx.h"

#define PX_TF_MAX_RANK 8

/* A value of the ONNX graph. */
typedef struct px_tf_value {
    px_tf_port port;
    pgy_tensor *known; /* a constant's elements, or NULL; owned by the build */
} px_tf_value;

/* The names of a graph; those of the graphs around it count in a subgraph too. */
typedef struct px_tf_scope {
    struct px_tf_scope *outer; /* NULL: this is the model's graph */
    px_map values;             /* name -> px_tf_value, in the build's arena */
    px_tf_port condition;      /* what an arm of an If hangs on; without a node: on nothing */
    int arm;                   /* 1: runs where the condition holds, 0: where not */
} px_tf_scope;

typedef struct px_tf_build {
    px_tf_model *s;
    const px_onnx_model *onnx;
    int64_t opset;
    px_arena arena;
    px_tf_scope *scope; /* of the graph under way */
    const px_onnx_node *node;
    px_buf name; /* readable part of the names of what the node becomes */
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
    px_tf_recurrent_rows[], px_tf_quant_rows[], px_tf_control_rows[];

/* The row of the node under way. */
const px_tf_op_row *px_tf_row(const px_tf_build *b);

/* Builds the graph into the session and fills its inputs and outputs, under the ONNX names.
 * Errors: UNSUPPORTED naming operator and node. */
PX_MUST_USE pgy_status *px_tf_build_onnx(px_tf_model *s, pgy_model *model);

/* Builds a graph inside the one under way; `out` gets a port for each of its outputs. The scope is
 * new, with its condition set, and emptied afterwards. */
void px_tf_subgraph(px_tf_build *b, const px_onnx_graph *g, px_tf_scope *scope, px_tf_port *out);

/* The value of that name, or NULL. */
const px_tf_value *px_tf_find(px_tf_build *b, px_tf_scope *scope, px_str name);

/* --- errors --- */

/* Keeps the sentence "The node 'x' (Op): ..." as the error. */
void px_tf_refuse(px_tf_build *b, const char *fmt, ...) PX_PRINTF(2, 3);

/* --- the node's ONNX side --- */

bool px_tf_has(const px_tf_build *b, size_t i); /* is there an input number i? */
px_tf_port px_tf_input(px_tf_build *b, size_t i);
/* The elements of an input that is a constant, else NULL. */
const pgy_tensor *px_tf_known(px_tf_build *b, size_t i);
void px_tf_output(px_tf_build *b, size_t i, px_tf_port port);

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

/* --- operators that others are made of --- */

px_tf_port px_tf_matmul(px_tf_build *b, px_tf_port x, px_tf_port y); /* as numpy's */
/* With the attributes of the node under way; `bias` may be NULL. */
px_tf_port px_tf_conv(px_tf_build *b, px_tf_port x, px_tf_port weights, const px_tf_port *bias);

#endif
