/* backend/trt/ops.c - TensorRT as a backend. */
#include "backend/registry.h"
#include "backend/trt/session.h"

static pgy_status *load(pgy_context *cx, const void *args, void **out_lib)
{
    const px_trt_setup *setup = args;
    const int64_t device =
        setup != NULL && setup->args->device.given ? setup->args->device.value : 0;
    px_trt_lib *lib = NULL;
    if (device < 0 || device > INT16_MAX)
        return PX_FAIL(PGY_ERR_USAGE, "--device %lld: this is no number of a GPU.",
                       (long long)device);
    pgy_status *st = px_trt_lib_open(cx, (int)device, &lib);
    if (st == NULL)
        *out_lib = lib;
    return st;
}

static pgy_status *open(pgy_context *cx, void *lib, pgy_model *model, const void *args,
                        void **out_session)
{
    px_trt_session *session = NULL;
    pgy_status *st = px_trt_session_open(cx, lib, model, args, &session);
    if (st == NULL)
        *out_session = session;
    return st;
}

static pgy_status *inputs(void *session, const pgy_io **out, size_t *out_n)
{
    const px_trt_session *s = session;
    *out = s->inputs;
    *out_n = s->n_inputs;
    return NULL;
}

static pgy_status *infer(void *session, const pgy_feed *in, pgy_outputs *out)
{
    return px_trt_session_run(session, in, out);
}

static void close(void *session)
{
    px_trt_session_close(session);
}

static void unload(void *lib)
{
    px_trt_lib_close(lib);
}

static pgy_status *reopen(void *session, void **out_session)
{
    px_trt_session *again = NULL;
    pgy_status *st = px_trt_session_reopen(session, &again);
    if (st == NULL)
        *out_session = again;
    return st;
}

const pgy_backend_ops px_trt_ops = {
    .struct_size = sizeof(pgy_backend_ops),
    .name = "trt",
    .title = "TensorRT",
    .load = load,
    .open = open,
    .inputs = inputs,
    .infer = infer,
    .close = close,
    .unload = unload,
    .reopen = reopen,
};
