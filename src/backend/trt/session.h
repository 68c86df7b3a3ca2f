/* backend/trt/session.h - an engine with everything that running it needs. */
#ifndef PX_BACKEND_TRT_SESSION_H
#define PX_BACKEND_TRT_SESSION_H

#include "backend/trt/build.h"
#include "base/file.h"

typedef struct px_trt_session px_trt_session;

/* How the elements of a tensor lie in memory. */
typedef struct px_trt_layout {
    bool is_linear;                 /* dense row-major: the rest does not count */
    int32_t vector_dim, components; /* dim `vector_dim` is cut into vectors of `components` */
    px_trt_dims strides;            /* of each dim, in vectors */
} px_trt_layout;

/* The object that TensorRT asks for the memory of one output. */
typedef struct px_trt_allocator {
    const void *vptr; /* first word, as C++ has it */
    px_trt_session *session;
    const char *name;
    px_cuda_buffer buffer;
    px_trt_dims dims;
    bool has_dims;
    pgy_status *failed;
} px_trt_allocator;

/* One input or output of the engine. */
typedef struct px_trt_io {
    const char *name;
    bool is_input;
    bool is_host;        /* shape tensors live in host memory */
    const char *aliased; /* output: the input whose memory it shares, or NULL */
    pgy_dtype dtype;
    px_trt_layout layout;
    px_cuda_buffer buffer; /* input on the device; output of an engine with a hidden batch */
    void *host;            /* input or output in host memory */
    size_t host_size;
    px_trt_allocator *allocator; /* output on the device */
    px_trt_dims set;             /* dims last told to the context */
    bool is_set;
} px_trt_io;

/* A debug tensor of the running iteration. */
typedef struct px_trt_debug_tensor {
    char *name;
    pgy_tensor *tensor;
} px_trt_debug_tensor;

/* The object that TensorRT shows debug tensors to. */
typedef struct px_trt_listener {
    const void *vptr;
    px_trt_session *session;
    px_trt_debug_tensor *at;
    size_t n, cap;
    pgy_status *failed;
} px_trt_listener;

/* Of an 8.6 engine whose tensors have no batch dimension (UFF and Caffe networks): it takes from
 * one to `most` samples and an array of addresses. */
typedef struct px_trt_hidden_batch {
    bool is_on;
    int32_t most, size; /* `size`: of the iteration at hand */
    void **addresses;
} px_trt_hidden_batch;

struct px_trt_session {
    pgy_context *cx;
    px_trt_lib *lib;
    const px_trt_args *args;
    void *runtime, *lean_runtime, *engine, *context;
    px_trt_plan plan;  /* dead once the engine is there, but for streamed weights */
    pgy_tensor *built; /* the plan, when a script's process built it */
    px_file file;      /* the engine file, when there is one */
    px_arena arena;
    pgy_io *inputs;
    size_t n_inputs;
    px_trt_io *ios;
    size_t n_ios;
    px_trt_hidden_batch batch;
    px_trt_vtable allocator_vtable, listener_vtable;
    px_trt_listener listener;
    bool has_debug;
    void *stream, *start, *stop; /* CUDA stream and events */
    px_cuda_staging upload, download;
    px_cuda_buffer scratch; /* activations, where TensorRT does not allocate them */
    bool is_scratch_ours, is_scratch_per_shape;
    int32_t profile;
};

/* Builds or loads the engine. Errors: BACKEND, UNSUPPORTED, USAGE, IO. */
PX_MUST_USE pgy_status *px_trt_session_open(pgy_context *cx, px_trt_lib *lib, pgy_model *model,
                                            const px_trt_setup *setup, px_trt_session **out);
/* A new session with the engine of `old`, which can only be closed afterwards. */
PX_MUST_USE pgy_status *px_trt_session_reopen(px_trt_session *old, px_trt_session **out);
void px_trt_session_close(px_trt_session *s); /* accepts NULL */
/* run.c: one iteration. */
PX_MUST_USE pgy_status *px_trt_session_run(px_trt_session *s, const pgy_feed *in, pgy_outputs *out);

/* io.c: lists inputs and outputs of the engine, and makes what running needs per tensor. */
PX_MUST_USE pgy_status *px_trt_session_list_io(px_trt_session *s);
void px_trt_session_free_io(px_trt_session *s);
/* batch.c: what is different for an engine with a hidden batch. */
PX_MUST_USE pgy_status *px_trt_batch_open(px_trt_session *s, int32_t n_tensors);
PX_MUST_USE pgy_status *px_trt_batch_set_shape(px_trt_session *s, px_trt_io *io,
                                               const px_trt_dims *dims);
PX_MUST_USE pgy_status *px_trt_batch_place_output(px_trt_session *s, px_trt_io *io);
void px_trt_batch_set_address(px_trt_session *s, const px_trt_io *io, void *address);
/* debug.c */
PX_MUST_USE pgy_status *px_trt_session_listen(px_trt_session *s);
void px_trt_listener_clear(px_trt_listener *l);
/* report.c: which precision each layer got. */
PX_MUST_USE pgy_status *px_trt_session_report(px_trt_session *s);

/* layout.c: bytes that a tensor of these dims takes in memory; false on overflow. */
bool px_trt_layout_size(const px_trt_layout *layout, pgy_dtype dtype, const px_trt_dims *dims,
                        size_t *out);
/* Moves elements between the layout (`packed`) and dense row-major order. */
void px_trt_layout_unpack(const px_trt_layout *layout, pgy_dtype dtype, const px_trt_dims *dims,
                          const void *packed, void *dense);
void px_trt_layout_pack(const px_trt_layout *layout, pgy_dtype dtype, const px_trt_dims *dims,
                        const void *dense, void *packed);

#endif
