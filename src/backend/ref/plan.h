/* backend/ref/plan.h - the inside of the reference interpreter.
 *
 * A session holds one plan for the model's graph and one for each subgraph and each call of a
 * model-local function. A plan is the graph with names replaced by slot numbers: which kernel a
 * node runs, where its operands are, and which slots hold nothing anybody reads afterwards. A frame
 * is one activation of a plan: an array of values, one per slot.
 *
 * Buffers come from the session's pool and go back to it when the last value that refers to them is
 * dropped, so an iteration after the first one allocates next to nothing.
 */
#ifndef PX_BACKEND_REF_PLAN_H
#define PX_BACKEND_REF_PLAN_H

#include "backend/ref/ref.h"
#include "backend/ref/user_ops.h"

#define PX_REF_MAX_DEPTH 48        /* nested subgraphs and function calls */
#define PX_REF_MAX_STEPS (1 << 20) /* nodes of all plans of a session, functions expanded */

/* --- buffers (pool.c) --- */

/* Sizes are rounded up to one of eight steps per power of two; each step has its own free list.
 * A buffer also serves a request of a lower step that needs more than half of it. */
#define PX_REF_POOL_CLASSES (64 * 8)

typedef struct px_ref_buf px_ref_buf;
typedef struct px_ref_pool {
    px_ref_buf *unused[PX_REF_POOL_CLASSES];
    uint64_t live_size; /* bytes handed out and not yet returned, and what small ones take beside */
    uint64_t unused_size; /* bytes in the free lists */
    uint64_t limit_size;  /* live_size never exceeds this */
} px_ref_pool;

/* Data is aligned to 64 bytes and not initialised.
 * Errors: NOMEM, also when the limit would be passed. */
PX_MUST_USE pgy_status *px_ref_pool_get(px_ref_pool *pool, size_t size, px_ref_buf **out);
void *px_ref_buf_data(px_ref_buf *buf);
void px_ref_buf_free(void *buf); /* drops a reference */
/* The bytes may outlive the pool afterwards: they are freed, not returned. */
void px_ref_buf_detach(px_ref_buf *buf);
void px_ref_pool_fini(px_ref_pool *pool);
/* New tensor on a pool buffer. */
PX_MUST_USE pgy_status *px_ref_pool_tensor(px_ref_pool *pool, pgy_dtype dtype, int rank,
                                           const int64_t *dims, pgy_tensor **out);
/* The pool buffer below a tensor; NULL when its bytes come from elsewhere. */
px_ref_buf *px_ref_tensor_buf(const pgy_tensor *t);
/* True when `t` is the only reference to a tensor that is the only one on its pool buffer. */
bool px_ref_tensor_is_sole(const pgy_tensor *t);
/* View of the same elements under another shape of the same count. */
PX_MUST_USE pgy_status *px_ref_tensor_reshape(pgy_tensor *t, int rank, const int64_t *dims,
                                              pgy_tensor **out);

/* --- values (value.c) --- */

/* Storage form of a tensor as a file or a user gives it. Takes a reference to `t` where the forms
 * agree. */
PX_MUST_USE pgy_status *px_ref_value_load(px_ref_pool *pool, pgy_tensor *t, px_ref_value *out);
/* The declared form of a stored tensor; its bytes may outlive the session. */
PX_MUST_USE pgy_status *px_ref_value_store(const px_ref_value *v, pgy_tensor **out);
/* Stores a constant of declared type F32 as F32, when that is exact. */
PX_MUST_USE pgy_status *px_ref_value_narrow(px_ref_pool *pool, px_ref_value *v);
/* Rounds to the declared type where nobody else holds the bytes (who holds them has rounded). */
void px_ref_value_round(px_ref_value *v);

/* --- plans (plan.c) --- */

typedef struct px_ref_plan px_ref_plan;

typedef struct px_ref_sub {
    const px_onnx_graph *graph; /* as the node's attribute has it */
    px_ref_plan *plan;
} px_ref_sub;

typedef struct px_ref_step {
    px_onnx_node node;   /* attribute references of functions are replaced */
    const px_ref_op *op; /* NULL: calls `function` */
    px_ref_plan *function;
    int64_t opset;
    const int32_t *in;   /* slots; -1: left out */
    int32_t *out;        /* slots; -1: unnamed, or nobody reads it */
    const int32_t *dies; /* slots that nobody reads after this step */
    size_t n_dies;
    px_ref_sub *subs;
    size_t n_subs;
    void *state; /* the kernel's own, see px_ref_keep */
    void (*state_free)(void *state);
    bool is_user;   /* `op` is of a --ref-ops library */
    bool is_folded; /* its outputs are constants by now */
} px_ref_step;

/* A constant that is not loaded yet; at most one member is set. */
typedef struct px_ref_source {
    const px_onnx_tensor *tensor;
    const px_onnx_sparse *sparse;
    const px_onnx_attr *attr; /* of a Constant node */
} px_ref_source;

typedef struct px_ref_capture {
    int32_t outer, inner;
} px_ref_capture;

struct px_ref_plan {
    px_str name;
    size_t n_slots;
    px_ref_value *constants; /* by slot; NONE for what is computed */
    px_ref_source *sources;  /* by slot: where a constant is read from */
    bool *may_narrow;        /* by slot: only inputs that px_ref_op_takes_f32 names read it */
    px_ref_step *steps;
    size_t n_steps;
    int32_t *inputs; /* those that are not initializers */
    px_str *input_names;
    size_t n_inputs;
    int32_t *outputs;
    px_str *output_names;
    size_t n_outputs;
    px_ref_capture *captures; /* copied from the enclosing frame at each activation */
    size_t n_captures;
    px_ref_plan *next; /* all plans of a session, for closing */
};

typedef struct px_ref_options {
    bool is_typed;                   /* round every operator's outputs to their declared types */
    uint64_t limit_size;             /* bytes alive at once; 0: what the machine has */
    const px_ref_user_ops *user_ops; /* outlive the session; NULL: none */
} px_ref_options;

typedef struct px_ref_session {
    pgy_context *cx;
    const px_onnx_model *model;
    px_ref_options options;
    px_ref_pool pool;
    px_arena arena; /* plans */
    px_ref_plan *plan, *plans;
    px_arena scratch[PX_REF_MAX_DEPTH];
    size_t n_steps;
} px_ref_session;

/* Plans the model, loads its constants and runs what depends on constants only.
 * `model` must outlive the session. Errors: MODEL, UNSUPPORTED (an operator has no kernel). */
PX_MUST_USE pgy_status *px_ref_session_open(pgy_context *cx, const px_onnx_model *model,
                                            const px_ref_options *options, px_ref_session **out);
void px_ref_session_close(px_ref_session *session);
/* One inference on values: `in` in the order of plan->inputs (borrowed), `out` in the order of
 * plan->outputs (owned by the caller, to be freed before the session closes). */
PX_MUST_USE pgy_status *px_ref_session_run(px_ref_session *session, const px_ref_value *in,
                                           px_ref_value *out);

/* Fills session->plan. */
PX_MUST_USE pgy_status *px_ref_plan_build(px_ref_session *session);
/* Loads a constant (constant.c). With `may_narrow` one of float32 stays so. */
PX_MUST_USE pgy_status *px_ref_source_load(px_ref_session *session, const px_ref_source *source,
                                           bool may_narrow, px_ref_value *out);

/* --- frames (frame.c) --- */

struct px_ref_frame {
    px_ref_session *session;
    px_ref_plan *plan;
    px_ref_step *step; /* the one that runs */
    px_ref_value *slots;
    int depth;
};

/* Runs `plan` with `in` for its inputs; captures are read from `outer` (NULL: there are none). */
PX_MUST_USE pgy_status *px_ref_frame_run(px_ref_session *session, px_ref_plan *plan,
                                         px_ref_frame *outer, size_t n_in, const px_ref_value *in,
                                         size_t n_out, px_ref_value *out);
/* Runs steps whose operands are all constants and keeps what they give as constants. */
PX_MUST_USE pgy_status *px_ref_plan_fold(px_ref_session *session, px_ref_plan *plan);
/* Work space of `count` doubles from the session's pool, aligned to 64 bytes, not initialised; for
 * what is too large for an arena. Freed with px_ref_buf_free. */
PX_MUST_USE pgy_status *px_ref_temp(px_ref_call *c, size_t count, px_ref_buf **out,
                                    double **out_data);
/* The value of a slot: a constant or what the frame holds. */
const px_ref_value *px_ref_frame_value(const px_ref_frame *frame, int32_t slot);

#endif
