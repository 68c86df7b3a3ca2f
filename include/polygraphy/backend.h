/* polygraphy/backend.h - what an inference backend is: one vtable, registered by name. */
#ifndef POLYGRAPHY_BACKEND_H
#define POLYGRAPHY_BACKEND_H

#include "polygraphy/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One iteration's inputs: borrowed names and tensors. Frozen layout. */
typedef struct pgy_feed {
    size_t n;
    const char *const *names;
    pgy_tensor *const *tensors;
} pgy_feed;

/* One iteration's outputs, filled by infer(). */
typedef struct pgy_outputs pgy_outputs;
/* Appends; `name` is copied, the reference to `take_tensor` goes to `out` also on failure. */
PGY_API PGY_MUST_USE pgy_status *pgy_outputs_add(pgy_outputs *out, const char *name,
                                                 pgy_tensor *take_tensor);
/* Wall time of the runtime's own call, without feeding and fetching. */
PGY_API void pgy_outputs_set_elapsed(pgy_outputs *out, uint64_t elapsed_ns);

typedef struct pgy_backend_ops {
    size_t struct_size; /* sizeof at the backend's build; new members only at the end */
    const char *name;   /* "onnxrt": flag and runner prefix; never changes */
    const char *title;  /* "ONNX-Runtime": what logs show */

    /* Finds and loads the runtime and checks its version. Called at most once, on first use. */
    pgy_status *(*load)(pgy_context *cx, const void *args, void **out_lib);
    /* Model to session, no inference yet. `model`, `lib`, `args` outlive the session. */
    pgy_status *(*open)(pgy_context *cx, void *lib, pgy_model *model, const void *args,
                        void **out_session);
    /* What infer wants; owned by the session. */
    pgy_status *(*inputs)(void *session, const pgy_io **out, size_t *out_n);
    /* One iteration, one thread per session. Feeds are borrowed and hold exactly the session's
     * inputs, in order, with matching types; outputs own their bytes. */
    pgy_status *(*infer)(void *session, const pgy_feed *in, pgy_outputs *out);
    void (*close)(void *session);
    void (*unload)(void *lib); /* optional: some runtimes do not survive it */
    /* Optional: a model all of whose tensors are outputs may be opened in parts, one after the
     * other, in place of the whole. Called before the first of them: says what open says of the
     * session and is said once. */
    pgy_status *(*begin_parts)(pgy_context *cx, void *lib, const void *args);
    /* Optional, for backends whose build is more than opening: a new session on what was built for
     * this one, which is only closed afterwards. Without it, sessions are opened from the model. */
    pgy_status *(*reopen)(void *session, void **out_session);
    /* Optional, beside begin_parts: infer for a part. `exact` gets the same outputs in the same
     * order as they must be fed to later parts for the numbers to be those of the whole model; its
     * element types may be wider than the model's, and the session takes such inputs. */
    pgy_status *(*infer_part)(void *session, const pgy_feed *in, pgy_outputs *out,
                              pgy_outputs *exact);
} pgy_backend_ops;

/* A later registration of the same name wins. `ops` must outlive the context. */
PGY_API PGY_MUST_USE pgy_status *pgy_backend_register(pgy_context *cx, const pgy_backend_ops *ops);
/* NULL when there is none of that name. */
PGY_API const pgy_backend_ops *pgy_backend_find(pgy_context *cx, const char *name);

#ifdef __cplusplus
}
#endif
#endif
