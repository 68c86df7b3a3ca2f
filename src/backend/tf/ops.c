/* backend/tf/ops.c - TensorFlow as a backend. */
#include "backend/registry.h"
#include "backend/tf/session.h"

static pgy_status *load(pgy_context *cx, const void *args, void **out_lib)
{
    px_tf_lib *lib = NULL;
    pgy_status *st = px_tf_lib_open(cx, args, &lib);
    if (st == NULL)
        *out_lib = lib;
    return st;
}

static pgy_status *open(pgy_context *cx, void *lib, pgy_model *model, const void *args,
                        void **out_session)
{
    px_tf_model *session = NULL;
    pgy_status *st = px_tf_model_open(cx, lib, model, args, &session);
    if (st == NULL)
        *out_session = session;
    return st;
}

static pgy_status *inputs(void *session, const pgy_io **out, size_t *out_n)
{
    const px_tf_model *s = session;
    *out = s->signature;
    *out_n = s->inputs.n;
    return NULL;
}

static pgy_status *infer(void *session, const pgy_feed *in, pgy_outputs *out)
{
    return px_tf_model_run(session, in, out);
}

static void close(void *session)
{
    px_tf_model_close(session);
}

static void unload(void *lib)
{
    px_tf_lib_unref(lib);
}

const pgy_backend_ops px_tf_ops = {
    .struct_size = sizeof(pgy_backend_ops),
    .name = "tf",
    .title = "TensorFlow",
    .load = load,
    .open = open,
    .inputs = inputs,
    .infer = infer,
    .close = close,
    .unload = unload,
};
