/* model/onnx.h - the ONNX intermediate representation: views into the model file.
 *
 * Strings, weights and attribute arrays point into the mapped file or into the model's arena;
 * nothing here owns memory of its own. The graph may be edited (nodes and outputs dropped, value
 * infos added); weights are never copied. Field meanings are those of onnx.proto.
 */
#ifndef PX_MODEL_ONNX_H
#define PX_MODEL_ONNX_H

#include "base/px.h"
#include "polygraphy/model.h"

typedef struct px_onnx_graph px_onnx_graph;

/* One `TensorProto`. Where the bytes are: `raw` (little-endian, ONNX layout) when `raw.ptr` is
 * set; else in an external file; else in typed repeated fields kept as wire bytes and decoded by
 * px_onnx_tensor_load. */
typedef struct px_onnx_tensor {
    px_str name;
    pgy_dtype dtype;   /* UNKNOWN for a type that this library has no name for */
    int32_t data_type; /* the number in the file */
    int rank;
    const int64_t *dims;
    px_str raw;
    bool is_external;
    px_str location; /* external: path relative to the model's folder, as written */
    uint64_t offset, length;
    bool has_length;
    px_str wire;    /* the whole TensorProto message */
    bool is_edited; /* dims, dtype and raw count, not `wire` */
} px_onnx_tensor;

typedef struct px_onnx_dim {
    int64_t value; /* -1: dynamic */
    px_str symbol; /* dim_param, may be empty */
} px_onnx_dim;

typedef enum px_onnx_type_kind {
    PX_ONNX_TYPE_NONE = 0, /* not stated */
    PX_ONNX_TYPE_TENSOR,
    PX_ONNX_TYPE_SPARSE_TENSOR,
    PX_ONNX_TYPE_SEQUENCE,
    PX_ONNX_TYPE_MAP,
    PX_ONNX_TYPE_OPTIONAL,
    PX_ONNX_TYPE_OPAQUE
} px_onnx_type_kind;

typedef struct px_onnx_type {
    px_onnx_type_kind kind;
    pgy_dtype dtype; /* tensor element, or map key */
    int rank;        /* -1: shape not stated */
    const px_onnx_dim *dims;
    const struct px_onnx_type *element; /* of sequence, optional; value of map */
} px_onnx_type;

typedef struct px_onnx_value_info {
    px_str name;
    px_onnx_type type;
    px_str wire;     /* the whole ValueInfoProto; empty for one we added */
    bool is_edited;  /* name and element type count, not those in `wire` */
    bool is_retyped; /* the whole type counts, not the one in `wire` */
} px_onnx_value_info;

/* Numbers are those of AttributeProto.AttributeType. */
typedef enum px_onnx_attr_type {
    PX_ONNX_ATTR_UNDEFINED = 0,
    PX_ONNX_ATTR_FLOAT = 1,
    PX_ONNX_ATTR_INT = 2,
    PX_ONNX_ATTR_STRING = 3,
    PX_ONNX_ATTR_TENSOR = 4,
    PX_ONNX_ATTR_GRAPH = 5,
    PX_ONNX_ATTR_FLOATS = 6,
    PX_ONNX_ATTR_INTS = 7,
    PX_ONNX_ATTR_STRINGS = 8,
    PX_ONNX_ATTR_TENSORS = 9,
    PX_ONNX_ATTR_GRAPHS = 10,
    PX_ONNX_ATTR_SPARSE_TENSOR = 11,
    PX_ONNX_ATTR_SPARSE_TENSORS = 12,
    PX_ONNX_ATTR_TYPE_PROTO = 13,
    PX_ONNX_ATTR_TYPE_PROTOS = 14
} px_onnx_attr_type;

typedef struct px_onnx_sparse {
    px_onnx_tensor values, indices;
    int rank;
    const int64_t *dims;
    px_str wire; /* the whole SparseTensorProto */
} px_onnx_sparse;

typedef struct px_onnx_attr {
    px_str name;
    px_onnx_attr_type type; /* inferred from the filled field when the file does not say */
    px_str ref_attr_name;   /* inside a function: the function's attribute it stands for */
    float f;
    int64_t i;
    px_str s;
    const px_onnx_tensor *t;      /* TENSOR: one; TENSORS: n */
    px_onnx_graph *g;             /* GRAPH: one; GRAPHS: n */
    const px_onnx_sparse *sparse; /* SPARSE_TENSOR: one; SPARSE_TENSORS: n */
    const px_onnx_type *tp;
    const float *floats;
    const int64_t *ints;
    const px_str *strings;
    size_t n; /* length of the list kinds */
    px_str wire;
    bool is_edited; /* `i` counts, not the one in `wire` */
} px_onnx_attr;

typedef struct px_onnx_node {
    px_str name, op_type, domain, overload;
    px_str *inputs; /* empty name: optional input left out */
    size_t n_inputs;
    px_str *outputs;
    size_t n_outputs;
    px_onnx_attr *attrs;
    size_t n_attrs;
    px_str wire;    /* the whole NodeProto; empty for one we added */
    bool is_edited; /* inputs, outputs and attributes count, not those in `wire` */
} px_onnx_node;

struct px_onnx_graph {
    px_str name;
    px_onnx_node *nodes;
    size_t n_nodes;
    px_onnx_tensor *initializers;
    size_t n_initializers;
    px_onnx_sparse *sparse_initializers;
    size_t n_sparse_initializers;
    px_onnx_value_info *inputs; /* as in the file: may include initializers */
    size_t n_inputs;
    px_onnx_value_info *outputs;
    size_t n_outputs;
    px_onnx_value_info *value_infos;
    size_t n_value_infos;
    px_str wire;
};

typedef struct px_onnx_opset {
    px_str domain; /* "" is ai.onnx */
    int64_t version;
} px_onnx_opset;

typedef struct px_onnx_function {
    px_str domain, name, overload;
    px_str *inputs, *outputs, *attr_names;
    size_t n_inputs, n_outputs, n_attr_names;
    px_onnx_attr *attr_defaults;
    size_t n_attr_defaults;
    px_onnx_node *nodes;
    size_t n_nodes;
    px_onnx_opset *opsets;
    size_t n_opsets;
    px_onnx_value_info *value_infos;
    size_t n_value_infos;
    px_str wire;
} px_onnx_function;

typedef struct px_onnx_model {
    int64_t ir_version;
    px_onnx_opset *opsets;
    size_t n_opsets;
    px_onnx_graph graph;
    px_onnx_function *functions;
    size_t n_functions;
    px_str producer_name, producer_version;
    px_str wire;          /* the whole file */
    bool is_map;          /* `wire` is the map of a file, which has the bytes */
    char *dir;            /* folder external data is relative to, NUL-terminated */
    bool is_half;         /* px_onnx_to_half was here */
    bool is_inferred;     /* px_onnx_infer_shapes was here */
    bool ignore_external; /* refuse to load external tensors: the user asked for the structure */
    px_arena arena;
    pgy_tensor **owned; /* elements of tensors that an edit made */
    size_t n_owned, cap_owned;
} px_onnx_model;

/* Parses `bytes`, which must outlive the model. `dir` (copied) is where external data lies.
 * Errors: MODEL with the message and byte position. Nesting, list lengths and ranks are limited.
 * `out` is freed with px_onnx_free. */
PX_MUST_USE pgy_status *px_onnx_parse(px_str bytes, const char *dir, px_onnx_model **out);
void px_onnx_free(px_onnx_model *model);

/* The tensor's elements as a pgy_tensor: a view into the file where layout and alignment allow it
 * (the bytes given to px_onnx_parse must then outlive it), external data mapped, typed fields
 * decoded. The data is not to be written to.
 * Errors: MODEL when shape and data disagree or the external path leaves the model's folder, IO,
 * UNSUPPORTED for segmented tensors, unknown element types, and external data that the user chose
 * to ignore. */
PX_MUST_USE pgy_status *px_onnx_tensor_load(const px_onnx_model *model, const px_onnx_tensor *t,
                                            pgy_tensor **out);
/* The same, but the data of a view may have any address, whatever the type. */
PX_MUST_USE pgy_status *px_onnx_tensor_view(const px_onnx_model *model, const px_onnx_tensor *t,
                                            pgy_tensor **out);
/* Says that the elements of what the two gave were read and will hardly be again: pages of a file
 * stop counting as our memory. Reading there stays possible. */
void px_onnx_tensor_forget(const px_onnx_model *model, const pgy_tensor *t);

/* The file that holds an external tensor, checked to lie in the model's folder; caller frees. */
PX_MUST_USE pgy_status *px_onnx_external_path(const px_onnx_model *model, const px_onnx_tensor *t,
                                              char **out);

/* Ties `t` to the model's life; takes the reference also on failure. */
PX_MUST_USE pgy_status *px_onnx_own(px_onnx_model *model, pgy_tensor *t);

/* NULL when absent. */
const px_onnx_attr *px_onnx_node_attr(const px_onnx_node *node, const char *name);
/* Imported version of a domain ("" = "ai.onnx"); 0 when not imported. */
int64_t px_onnx_opset_of(const px_onnx_opset *opsets, size_t n, px_str domain);

#endif
