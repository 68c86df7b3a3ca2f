/* backend/trt/debug.c - debug tensors: shown by TensorRT while it runs, kept as further outputs. */
#include "backend/trt/session.h"

#include "base/tensor.h"

enum { LOCATION_HOST = 1 };

static pgy_status *keep(px_trt_listener *l, const void *address, int32_t location,
                        int32_t data_type, const px_trt_dims *dims, const char *name, void *stream)
{
    pgy_status *st = NULL;
    const px_cuda *cuda = &l->session->lib->cuda;
    pgy_tensor *t = NULL;
    char *copy = NULL;
    const pgy_dtype dtype = px_trt_dtype_of(data_type);

    if (dtype == PGY_DTYPE_UNKNOWN)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The debug tensor '%s' has TensorRT's element type number %d, which this "
                       "program does not know.",
                       name, data_type));
    PX_TRY(px_tensor_new_raw(dtype, dims->n, dims->d, &t));
    if (location == LOCATION_HOST) {
        memcpy(t->data, address, t->size);
    } else if (t->size > 0) {
        PX_TRY(px_cuda_check(
            cuda, cuda->copy_to_host(t->data, (px_cuda_ptr)(uintptr_t)address, t->size, stream),
            "reading the debug tensor '%s'", name));
        PX_TRY(
            px_cuda_check(cuda, cuda->stream_wait(stream), "reading the debug tensor '%s'", name));
    }
    copy = px_mem_strdup(name);
    if (copy == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(PX_RESERVE(l, 1));
    l->at[l->n++] = (px_trt_debug_tensor){.name = copy, .tensor = t};
    copy = NULL;
    t = NULL;
done:
    px_mem_free(copy);
    pgy_tensor_free(t);
    return st;
}

static bool process(void *self, const void *address, int32_t location, int32_t data_type,
                    const px_trt_dims *dims, const char *name, void *stream)
{
    px_trt_listener *l = self;
    if (l->failed == NULL)
        l->failed = keep(l, address, location, data_type, dims, name, stream);
    return l->failed == NULL;
}

static px_trt_interface_info listener_info(void *self)
{
    PX_UNUSED(self);
    return (px_trt_interface_info){"IDebugListener", 1, 0};
}

/* For an engine without debug tensors this does nothing. */
pgy_status *px_trt_session_listen(px_trt_session *s)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->lib->abi;
    const px_trt_callback callbacks[] = {
        {PX_TRT_DEBUG_LISTENER_PROCESS_DEBUG_TENSOR, (px_trt_fn)process},
        {PX_TRT_DEBUG_LISTENER_GET_INTERFACE_INFO, (px_trt_fn)listener_info},
    };
    const bool wants_unfused = s->args->mark_unfused_tensors_as_debug_tensors.given;

    if (!s->args->mark_debug.given && !wants_unfused)
        return NULL;
    px_trt_vtable_init(&s->listener_vtable, abi, "IDebugListener", callbacks,
                       PX_COUNTOF(callbacks));
    s->listener = (px_trt_listener){.vptr = s->listener_vtable.slots, .session = s};
    px_trt_begin(s->lib);
    if (!px_trt_exec_set_debug_listener(abi, s->context, &s->listener))
        PX_TRY(px_trt_failed(s->lib, "refuses a listener for debug tensors"));
    if (s->args->mark_debug.given &&
        !px_trt_exec_set_all_tensors_debug_state(abi, s->context, true))
        PX_TRY(px_trt_failed(s->lib, "cannot show the debug tensors"));
    if (wants_unfused && !px_trt_exec_set_unfused_tensors_debug_state(abi, s->context, true))
        PX_TRY(px_trt_failed(s->lib, "cannot show the unfused tensors"));
    px_trt_end(s->lib);
    s->has_debug = true;
done:
    return st;
}

void px_trt_listener_clear(px_trt_listener *l)
{
    for (size_t i = 0; i < l->n; i++) {
        px_mem_free(l->at[i].name);
        pgy_tensor_free(l->at[i].tensor);
    }
    l->n = 0;
    pgy_status_free(l->failed);
    l->failed = NULL;
}
