/* model/infer/infer.h - what an operator's shape function sees.
 *
 * A function is called with what is known about the inputs and says what it knows about the
 * outputs; before it runs, the outputs have the element types of the operator table
 * (model/op_types.h). It never fails: where the model is wrong or too little is known, it returns.
 * Memory that runs out is remembered in the inference and reported at the end.
 */
#ifndef PX_MODEL_INFER_INFER_H
#define PX_MODEL_INFER_INFER_H

#include "base/tensor.h"
#include "model/geometry.h"
#include "model/infer/dim.h"
#include "model/onnx.h"

/* Elements of a tensor that are computed along. */
#define PX_INFER_MAX_DATA 512

/* What is known of one value. Members point into the inference's arena and never change. */
typedef struct px_infer_value {
    px_onnx_type_kind kind; /* NONE: nothing is known */
    pgy_dtype dtype;        /* of a tensor's elements, of a map's keys; UNKNOWN: not known */
    int rank;               /* -1: not known */
    const px_dim *dims;
    const struct px_infer_value *element; /* of a sequence or optional, value of a map; or NULL */
    /* Elements of a tensor of known shape, row-major, at most PX_INFER_MAX_DATA; NULL: not known.
     * Integers and truth values as `data`, floats that are all constants as `real`. */
    const px_dim *data;
    const double *real;
    size_t n_data;
} px_infer_value;

typedef struct px_infer px_infer;
typedef struct px_infer_scope px_infer_scope;

typedef struct px_infer_call {
    px_infer *infer;
    px_infer_scope *scope;
    const px_onnx_node *node;
    int64_t opset;
    size_t n_in, n_out;
    const px_infer_value *const *in; /* never NULL; kind NONE when nothing is known or left out */
    px_infer_value *out;
} px_infer_call;

typedef void (*px_infer_fn)(px_infer_call *c);

/* As px_ref_op: serves opsets from `since` to the next row of that operator. */
typedef struct px_infer_op {
    const char *domain, *name;
    int since;
    px_infer_fn fn;
} px_infer_op;

typedef struct px_infer_family {
    const px_infer_op *ops;
    size_t n;
} px_infer_family;

const px_infer_op *px_infer_op_find(px_str domain, px_str name, int64_t opset);

/* --- inputs --- */
bool px_infer_has(const px_infer_call *c, size_t i); /* the node names this input */
/* Rank of input i, -1 when not known. */
int px_infer_rank(const px_infer_call *c, size_t i);
px_dim px_infer_dim(px_infer_call *c, size_t i, int d); /* of a known rank; d may be negative */
/* An integer input (axes, shape, repeats) whose number of elements is known; elements that are not
 * known are new unknowns. Rank 0 or 1. False when not even the number is known. */
bool px_infer_data(px_infer_call *c, size_t i, const px_dim **out, size_t *out_n);
/* The same when all elements are constants. */
bool px_infer_ints(px_infer_call *c, size_t i, int64_t out[PX_INFER_MAX_DATA], size_t *out_n);
/* One constant. */
bool px_infer_int(px_infer_call *c, size_t i, int64_t *out);
/* Constant floats (or integers). */
bool px_infer_reals(px_infer_call *c, size_t i, const double **out, size_t *out_n);

/* --- attributes; those of a function's node that stand for the function's are looked up --- */
const px_onnx_attr *px_infer_attr(const px_infer_call *c, const char *name);
int64_t px_infer_attr_i(const px_infer_call *c, const char *name, int64_t otherwise);
px_str px_infer_attr_s(const px_infer_call *c, const char *name, const char *otherwise);
bool px_infer_attr_ints(const px_infer_call *c, const char *name, const int64_t **out,
                        size_t *out_n);
/* A graph attribute, or NULL. */
const px_onnx_graph *px_infer_attr_graph(const px_infer_call *c, const char *name);
/* Attribute `axis` (else `otherwise`) for `rank`. */
bool px_infer_axis(const px_infer_call *c, int64_t otherwise, int rank, int *out);

typedef enum px_infer_axes {
    PX_INFER_AXES_NONE, /* left out */
    PX_INFER_AXES_GIVEN,
    PX_INFER_AXES_UNKNOWN /* computed by the model, or wrong */
} px_infer_axes;
/* Axes from input `i`, or attribute "axes" when `i` is SIZE_MAX; `out` holds PX_MAX_RANK. */
px_infer_axes px_infer_axes_of(px_infer_call *c, size_t i, int rank, int *out, size_t *out_n);

/* --- outputs; an output that the node does not have is left alone --- */
void px_infer_dtype(px_infer_call *c, size_t o, pgy_dtype dtype);
void px_infer_shape(px_infer_call *c, size_t o, int rank, const px_dim *dims);
void px_infer_ints_shape(px_infer_call *c, size_t o, int rank, const int64_t *dims);
void px_infer_same_shape(px_infer_call *c, size_t o, size_t i);
/* Everything about input i: type, shape and elements. */
void px_infer_same(px_infer_call *c, size_t o, size_t i);
/* The elements of an output whose shape has been set. */
void px_infer_set_data(px_infer_call *c, size_t o, const px_dim *at, size_t n);
void px_infer_set_reals(px_infer_call *c, size_t o, const double *at, size_t n);
void px_infer_set(px_infer_call *c, size_t o, const px_infer_value *v);
/* Output o has input i's elements (Reshape, Cast between integers). */
void px_infer_keep_data(px_infer_call *c, size_t o, size_t i);
/* A dim of rank known, value not. */
px_dim px_infer_unknown(px_infer_call *c);
/* numpy broadcasting of the inputs [from, to) that are given, into output o. */
void px_infer_broadcast(px_infer_call *c, size_t o, size_t from, size_t to);

/* --- shapes by hand --- */
typedef struct px_infer_dims {
    int rank; /* -1: not known */
    px_dim dims[PX_MAX_RANK];
} px_infer_dims;
/* Broadcasts `b` into `a`; false when the two do not fit. */
bool px_infer_broadcast_dims(px_infer *in, px_infer_dims *a, const px_infer_dims *b);
px_infer_dims px_infer_dims_of(const px_infer_value *v);
/* The one dim that both must be: the constant, the named one, else the first. */
px_dim px_infer_unify(px_infer *in, px_dim a, px_dim b);

px_dim_table *px_infer_dims_table(px_infer *in);
void *px_infer_alloc(px_infer *in, size_t n, size_t size); /* NULL: remembered */
/* What both values have in common: the type of something that is one or the other. */
void px_infer_join(px_infer *in, const px_infer_value *a, const px_infer_value *b,
                   px_infer_value *out);
void px_infer_from_type(px_infer *in, const px_onnx_type *type, px_infer_value *out);
/* Type `kind` of `element`. */
void px_infer_wrap(px_infer *in, px_onnx_type_kind kind, const px_infer_value *element,
                   px_infer_value *out);

/* Infers a graph attribute: `in` for its inputs (n_in at most), fills n_out values from its
 * outputs. False when nothing can be said: too deep, or not that many outputs. */
bool px_infer_subgraph(px_infer_call *c, const px_onnx_graph *g, size_t n_in,
                       const px_infer_value *in, size_t n_out, px_infer_value *out);

/* Elements of a stored tensor when there are few, exactly. */
void px_infer_from_tensor(px_infer *in, const px_onnx_tensor *t, px_infer_value *out);

#endif
