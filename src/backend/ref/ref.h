/* backend/ref/ref.h - what an operator of the reference interpreter sees.
 *
 * Values carry two types: `dtype` is what the standard declares, the tensor's own dtype is how it
 * is stored while the graph runs:
 *     any float type (f64 f32 f16 bf16 f8* f4)  -> stored as F64
 *     complex64, complex128                     -> stored as C128
 *     int4/uint4/int2/uint2                     -> stored as I8/U8, one element per byte
 *     other integers, bool, string              -> stored as themselves
 * So a kernel handles F64, C128, the eight integer types, BOOL and STRING, and nothing else. The
 * exception: constants of float32 that only inputs with px_ref_op_takes_f32 names read stay F32
 * tensors, mapped from the file where they come from one; their data may then have any address.
 * With --ref-precision typed the frame rounds each output to `dtype` after the kernel (still
 * stored as F64). Kernels that must round inside (Cast, Quantize*) use px_ref_round.
 */
#ifndef PX_BACKEND_REF_REF_H
#define PX_BACKEND_REF_REF_H

#include "base/log.h"
#include "base/px.h"
#include "base/tensor.h"
#include "base/thread.h"
#include "model/geometry.h"
#include "model/onnx.h"

typedef enum px_ref_kind {
    PX_REF_NONE = 0, /* optional input left out, or an empty optional */
    PX_REF_TENSOR,
    PX_REF_SEQUENCE, /* items[n] */
    PX_REF_OPTIONAL, /* items[0] when n == 1, empty when n == 0 */
    PX_REF_MAP       /* items[0] the keys, sorted, items[1] as many values: tensors of rank 1 */
} px_ref_kind;

typedef struct px_ref_list px_ref_list;

typedef struct px_ref_value {
    px_ref_kind kind;
    pgy_dtype dtype;  /* declared element type (of a tensor; of a sequence's items if known) */
    pgy_tensor *t;    /* TENSOR: counted reference, storage dtype as above */
    px_ref_list *seq; /* all but a tensor: counted, immutable once shared */
} px_ref_value;

struct px_ref_list {
    int n_refs;
    size_t n;
    px_ref_list *dead; /* px_ref_value_free's worklist */
    px_ref_value items[];
};

const char *px_ref_kind_text(px_ref_kind kind);                       /* "a sequence", ... */
px_ref_value px_ref_value_copy(px_ref_value v);                       /* takes references */
void px_ref_value_free(px_ref_value *v);                              /* drops them, leaves NONE */
PX_MUST_USE pgy_status *px_ref_list_new(size_t n, px_ref_list **out); /* items are NONE */

pgy_dtype px_ref_storage(pgy_dtype declared);
/* Rounds stored elements in place to the declared type's values (saturating as ONNX Cast). */
void px_ref_round(pgy_dtype declared, void *stored, int64_t count);

typedef struct px_ref_frame px_ref_frame; /* the interpreter's state for one graph activation */

/* One call of a kernel. */
typedef struct px_ref_call {
    pgy_context *cx;
    const px_onnx_node *node;
    int64_t opset;          /* version of the node's domain that the model imports */
    size_t n_in, n_out;     /* as the node lists them, trailing empty inputs included */
    const px_ref_value *in; /* kind NONE for a left-out optional input */
    px_ref_value *out;      /* to be filled for each output that px_ref_wants; others may be */
    px_arena *scratch;      /* emptied after the call */
    px_ref_frame *frame;
    void *state; /* per-node memory that the kernel may keep between iterations (packed
                    weights); set by px_ref_keep */
} px_ref_call;

typedef pgy_status *(*px_ref_kernel)(px_ref_call *c);

/* One row per operator and version: the kernel that serves models whose opset lies in
 * [since, next row's since). Rows of one operator are in ascending order of `since`. */
typedef struct px_ref_op {
    const char *domain; /* "" is ai.onnx */
    const char *name;
    int since;
    int min_in, max_in;   /* max_in -1: variadic */
    int min_out, max_out; /* max_out -1: variadic */
    px_ref_kernel kernel;
} px_ref_op;

/* Each family file defines one table and its length; registry.c lists the families. */
typedef struct px_ref_family {
    const px_ref_op *ops;
    size_t n;
} px_ref_family;

/* NULL when no row covers it. */
const px_ref_op *px_ref_op_find(px_str domain, px_str name, int64_t opset);
/* True when input `i` may be a constant that is stored as F32: the large weights of a model. */
bool px_ref_op_takes_f32(const px_ref_op *op, size_t i);
/* All families there are; returns how many. */
size_t px_ref_families(const px_ref_family *const **out);

/* --- inputs --- */
bool px_ref_has(const px_ref_call *c, size_t i); /* input given and not empty */
/* The input's tensor. UNSUPPORTED/MODEL error naming node and input when missing or no tensor. */
PX_MUST_USE pgy_status *px_ref_in(px_ref_call *c, size_t i, const pgy_tensor **out);
/* Same, and the storage dtype must be F64 / integers are converted into scratch when need be. */
PX_MUST_USE pgy_status *px_ref_in_f64(px_ref_call *c, size_t i, const pgy_tensor **out);
/* The `n` numbers of an input that may be left out, then NULL. Errors: MODEL for another count. */
PX_MUST_USE pgy_status *px_ref_opt_f64(px_ref_call *c, size_t i, int64_t n, const double **out);
/* Same, and F32 is left as it is. */
PX_MUST_USE pgy_status *px_ref_in_float(px_ref_call *c, size_t i, const pgy_tensor **out);
/* A small integer input (axes, shape, repeats, k) as int64 from scratch; any integer dtype, any
 * rank. */
PX_MUST_USE pgy_status *px_ref_in_ints(px_ref_call *c, size_t i, const int64_t **out,
                                       size_t *out_n);

/* --- attributes (defaults when absent; function attribute references are resolved) --- */
int64_t px_ref_attr_i(const px_ref_call *c, const char *name, int64_t otherwise);
double px_ref_attr_f(const px_ref_call *c, const char *name, double otherwise);
px_str px_ref_attr_s(const px_ref_call *c, const char *name, const char *otherwise);
/* False when absent. */
bool px_ref_attr_ints(const px_ref_call *c, const char *name, const int64_t **out, size_t *out_n);
bool px_ref_attr_floats(const px_ref_call *c, const char *name, const float **out, size_t *out_n);
const px_onnx_attr *px_ref_attr(const px_ref_call *c, const char *name);
/* TENSOR attribute as a value in storage form; NONE when absent. Caller owns. */
PX_MUST_USE pgy_status *px_ref_attr_tensor(px_ref_call *c, const char *name, px_ref_value *out);

/* --- outputs --- */
bool px_ref_wants(const px_ref_call *c, size_t i); /* output i has a name and a reader */
/* Makes output `i` a new tensor with uninitialised data from the interpreter's pool and returns
 * its writable data through *out_data. STRING: an array of pgy_string, zeroed, whose entries may
 * point into inputs or scratch; the frame copies the bytes when the kernel returns. */
PX_MUST_USE pgy_status *px_ref_out(px_ref_call *c, size_t i, pgy_dtype declared, int rank,
                                   const int64_t *dims, void **out_data);
/* True when output `i` may be made with px_ref_out_f32: it is declared F32 and only inputs that
 * px_ref_op_takes_f32 names read it. */
bool px_ref_out_may_narrow(const px_ref_call *c, size_t i);
PX_MUST_USE pgy_status *px_ref_out_f32(px_ref_call *c, size_t i, int rank, const int64_t *dims,
                                       float **out_data);
/* Like px_ref_out, but gives input `k`'s buffer when nobody else reads it afterwards and storage
 * dtype and shape are the same: an elementwise kernel may then write in place. */
PX_MUST_USE pgy_status *px_ref_out_like(px_ref_call *c, size_t i, size_t k, pgy_dtype declared,
                                        void **out_data);
/* Output `i` becomes input `k` itself under another shape of the same count (no copy). */
PX_MUST_USE pgy_status *px_ref_out_reshape(px_ref_call *c, size_t i, size_t k, int rank,
                                           const int64_t *dims);
/* Output `i` takes over `v`'s references. */
void px_ref_out_take(px_ref_call *c, size_t i, px_ref_value v);

/* An error that names node, operator, domain and version in front. */
#define PX_REF_FAIL(c, code, ...) px_ref_fail((c), (code), __FILE__, __LINE__, __VA_ARGS__)
PX_MUST_USE pgy_status *px_ref_fail(const px_ref_call *c, pgy_error code, const char *file,
                                    int line, const char *fmt, ...) PX_PRINTF(5, 6);

/* --- helpers all families use (ref/shape.c) --- */
/* axis in [-rank, rank) to [0, rank); MODEL error otherwise. */
PX_MUST_USE pgy_status *px_ref_axis(const px_ref_call *c, int64_t axis, int rank, int *out);
/* numpy broadcasting of n shapes; `out_dims` holds PX_MAX_RANK. */
PX_MUST_USE pgy_status *px_ref_broadcast(const px_ref_call *c, size_t n,
                                         const pgy_tensor *const *in, int *out_rank,
                                         int64_t *out_dims);
/* Strides in elements of `t` seen under the broadcast shape (0 where it repeats). */
void px_ref_broadcast_strides(const pgy_tensor *t, int rank, const int64_t *dims, int64_t *strides);

/* --- per-node state and subgraphs --- */
/* Keeps `state` with the node until the session closes; `free_fn` ends it. */
void px_ref_keep(px_ref_call *c, void *state, void (*free_fn)(void *));
/* True when input `i` is a constant of the graph (an initializer): packing it pays off. */
bool px_ref_in_is_constant(const px_ref_call *c, size_t i);
/* Says that a constant's elements were read and are not needed where they lie: those of a file stop
 * counting as our memory. Reading them again stays possible. */
void px_ref_in_forget(const px_ref_call *c, size_t i);
/* Runs a graph attribute: `in` for its declared inputs, outer names visible. Fills n_out values,
 * which the caller owns. */
PX_MUST_USE pgy_status *px_ref_subgraph(px_ref_call *c, const px_onnx_graph *graph, size_t n_in,
                                        const px_ref_value *in, size_t n_out, px_ref_value *out);

/* --- the shared float64 matrix product (ref/gemm.c) --- */
/* C[m x n] = alpha * A[m x k] * B[k x n] + beta * C, row-major with row strides lda, ldb, ldc;
 * trans_a/trans_b read the stored matrix transposed. beta 0 ignores what C holds. Sums run in
 * blocks of k in ascending order, so results do not depend on the thread count. */
PX_MUST_USE pgy_status *px_ref_gemm(pgy_context *cx, bool trans_a, bool trans_b, int64_t m,
                                    int64_t n, int64_t k, double alpha, const double *a,
                                    int64_t lda, const double *b, int64_t ldb, double beta,
                                    double *c, int64_t ldc);

#endif
