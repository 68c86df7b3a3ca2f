/* backend/onnxrt/ops.c - ONNX Runtime as a backend. */
#include "backend/onnxrt/session.h"
#include "backend/registry.h"

static pgy_status *load(pgy_context *cx, const void *args, void **out_lib)
{
    px_onnxrt_lib *lib = NULL;
    pgy_status *st = px_onnxrt_lib_open(cx, &lib);
    if (st == NULL)
        *out_lib = lib;
    return st;
}

static pgy_status *open(pgy_context *cx, void *lib, pgy_model *model, const void *args,
                        void **out_session)
{
    px_onnxrt_session *session = NULL;
    pgy_status *st = px_onnxrt_session_open(cx, lib, model, args, &session);
    if (st == NULL)
        *out_session = session;
    return st;
}

static pgy_status *begin_parts(pgy_context *cx, void *lib, const void *args)
{
    return px_onnxrt_session_announce(cx, lib, args);
}

static pgy_status *inputs(void *session, const pgy_io **out, size_t *out_n)
{
    px_onnxrt_session_inputs(session, out, out_n);
    return NULL;
}

static pgy_status *infer(void *session, const pgy_feed *in, pgy_outputs *out)
{
    return px_onnxrt_session_run(session, in, out);
}

static void close(void *session)
{
    px_onnxrt_session_close(session);
}

static void unload(void *lib)
{
    px_onnxrt_lib_close(lib);
}

const pgy_backend_ops px_onnxrt_ops = {
    .struct_size = sizeof(pgy_backend_ops),
    .name = "onnxrt",
    .title = "ONNX-Runtime",
    .load = load,
    .open = open,
    .inputs = inputs,
    .infer = infer,
    .close = close,
    .unload = unload,
    .begin_parts = begin_parts,
};
