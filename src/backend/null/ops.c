/* backend/null/ops.c - the smallest backend there can be: copy this file to start a new one.
 *
 * It "runs" any model that states its inputs by giving every input back as an output of the same
 * name. It is not built into the command; a program (or a test) registers it:
 *
 *     pgy_backend_register(cx, &px_null_ops);
 *
 * A real backend has, beside its ops.c: lib.c (finds and loads the runtime, checks its version),
 * abi.h (everything known about the foreign interface) and session.c (the work). Only base, model
 * and backend headers may be included.
 */
#include "backend/registry.h"
#include "base/thread.h"

/* What load() returns: whatever is shared by all sessions. Here, nothing but the context. */
typedef struct null_lib {
    pgy_context *cx;
} null_lib;

/* What open() returns: one model made ready. */
typedef struct null_session {
    const pgy_io *inputs; /* owned by the model, which outlives the session */
    size_t n_inputs;
} null_session;

/* Called once, before the first open(). Here a real backend loads its runtime; when there is none
 * it fails with PGY_ERR_BACKEND, saying where it looked and how to get it. `args` are the backend's
 * own options, NULL for none. */
static pgy_status *load(pgy_context *cx, const void *args, void **out_lib)
{
    pgy_status *st = NULL;
    null_lib *lib = NULL;
    PX_TRY(PX_ALLOC(lib, 1));
    lib->cx = cx;
    *out_lib = lib;
done:
    return st;
}

/* Everything slow about a model happens here, so that infer() can be timed. */
static pgy_status *open(pgy_context *cx, void *lib, pgy_model *model, const void *args,
                        void **out_session)
{
    pgy_status *st = NULL;
    null_session *session = NULL;
    PX_TRY(PX_ALLOC(session, 1));
    PX_TRY(pgy_model_inputs(model, &session->inputs, &session->n_inputs));
    *out_session = session;
    session = NULL;
done:
    px_mem_free(session);
    return px_status_while(st, "opening the model with the null backend");
}

/* What infer() wants to be fed, in this order. */
static pgy_status *inputs(void *session, const pgy_io **out, size_t *out_n)
{
    const null_session *s = session;
    *out = s->inputs;
    *out_n = s->n_inputs;
    return NULL;
}

/* One iteration. The feed holds exactly the inputs above, checked by the runner; its tensors are
 * borrowed, so an output that is an input takes a reference. Elapsed time is the runtime's own
 * call, without preparing inputs and fetching outputs. */
static pgy_status *infer(void *session, const pgy_feed *in, pgy_outputs *out)
{
    pgy_status *st = NULL;
    const uint64_t start_ns = px_time_ns();
    /* The runtime's call would be here. */
    pgy_outputs_set_elapsed(out, px_time_ns() - start_ns);
    for (size_t i = 0; i < in->n; i++)
        PX_TRY(pgy_outputs_add(out, in->names[i], pgy_tensor_ref(in->tensors[i])));
done:
    return st;
}

/* Outputs that were handed out stay valid: they own their bytes. */
static void close(void *session)
{
    px_mem_free(session);
}

static void unload(void *lib)
{
    px_mem_free(lib);
}

const pgy_backend_ops px_null_ops = {
    .struct_size = sizeof(pgy_backend_ops),
    .name = "null",
    .title = "Null",
    .load = load,
    .open = open,
    .inputs = inputs,
    .infer = infer,
    .close = close,
    .unload = unload,
};
