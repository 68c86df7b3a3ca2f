/* backend/trt/io.c - the inputs and outputs of an engine. */
#include "backend/trt/session.h"

#include "base/log.h"

enum { MODE_INPUT = 1, MODE_OUTPUT = 2, LOCATION_HOST = 1, FORMAT_LINEAR = 0 };

/* --- the object that gives memory to an output --- */

static void *reallocate(void *self, const char *name, void *current, uint64_t size,
                        uint64_t alignment)
{
    px_trt_allocator *a = self; /* the driver aligns to 256 bytes or more */
    PX_UNUSED(name);
    PX_UNUSED(current);
    PX_UNUSED(alignment);
    if (a->failed != NULL)
        return NULL;
    a->failed = px_cuda_buffer_reserve(&a->session->lib->cuda, &a->buffer, size, a->name);
    return a->failed == NULL ? (void *)(uintptr_t)a->buffer.at : NULL;
}

static void *reallocate_async(void *self, const char *name, void *current, uint64_t size,
                              uint64_t alignment, void *stream)
{
    PX_UNUSED(stream);
    return reallocate(self, name, current, size, alignment);
}

static void notify_shape(void *self, const char *name, const void *dims)
{
    px_trt_allocator *a = self;
    PX_UNUSED(name);
    if (a->session->lib->abi.has_dims32) {
        px_trt_dims32 narrow;
        memcpy(&narrow, dims, sizeof narrow);
        a->dims = px_trt_dims_widen(narrow);
    } else {
        memcpy(&a->dims, dims, sizeof a->dims);
    }
    a->has_dims = true;
}

static px_trt_interface_info allocator_info(void *self)
{
    PX_UNUSED(self);
    return (px_trt_interface_info){"IOutputAllocator", 1, 0};
}

static int32_t allocator_version(void *self)
{
    PX_UNUSED(self);
    return 1;
}

static void make_allocator_vtable(px_trt_session *s)
{
    const px_trt_callback callbacks[] = {
        {PX_TRT_OUTPUT_ALLOCATOR_GET_INTERFACE_VERSION, (px_trt_fn)allocator_version},
        {PX_TRT_OUTPUT_ALLOCATOR_REALLOCATE_OUTPUT, (px_trt_fn)reallocate},
        {PX_TRT_OUTPUT_ALLOCATOR_REALLOCATE_OUTPUT_ASYNC, (px_trt_fn)reallocate_async},
        {PX_TRT_OUTPUT_ALLOCATOR_NOTIFY_SHAPE, (px_trt_fn)notify_shape},
        {PX_TRT_OUTPUT_ALLOCATOR_GET_INTERFACE_INFO, (px_trt_fn)allocator_info},
    };
    px_trt_vtable_init(&s->allocator_vtable, &s->lib->abi, "IOutputAllocator", callbacks,
                       PX_COUNTOF(callbacks));
}

/* --- listing --- */

static pgy_status *attach_allocator(px_trt_session *s, px_trt_io *io)
{
    pgy_status *st = NULL;
    px_trt_allocator *a = io->allocator = px_arena_calloc(&s->arena, 1, sizeof *a);
    if (a == NULL)
        PX_TRY(px_status_nomem());
    *a = (px_trt_allocator){.vptr = s->allocator_vtable.slots, .session = s, .name = io->name};
    px_trt_begin(s->lib);
    if (!px_trt_exec_set_output_allocator(&s->lib->abi, s->context, io->name, a))
        PX_TRY(px_trt_failed(s->lib, "refuses an allocator for the output '%s'", io->name));
    px_trt_end(s->lib);
done:
    return st;
}

static pgy_status *read_io(px_trt_session *s, int32_t i, px_trt_io *io)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->lib->abi;
    void *engine = s->engine;

    io->name = px_arena_strdup(&s->arena, px_trt_engine_get_io_tensor_name(abi, engine, i));
    if (io->name == NULL)
        PX_TRY(px_status_nomem());
    const int32_t type = px_trt_engine_get_tensor_data_type(abi, engine, io->name);
    io->dtype = px_trt_dtype_of(type);
    if (io->dtype == PGY_DTYPE_UNKNOWN)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The engine's tensor '%s' has TensorRT's element type number %d, which this "
                       "program does not know.",
                       io->name, type));
    io->is_input = px_trt_engine_get_tensor_io_mode(abi, engine, io->name) == MODE_INPUT;
    io->is_host = px_trt_engine_get_tensor_location(abi, engine, io->name) == LOCATION_HOST;
    io->layout.is_linear = px_trt_engine_get_tensor_format(abi, engine, io->name) == FORMAT_LINEAR;
    if (!io->layout.is_linear) {
        io->layout.vector_dim = px_trt_engine_get_tensor_vectorized_dim(abi, engine, io->name);
        io->layout.components =
            px_trt_engine_get_tensor_components_per_element(abi, engine, io->name);
        px_log(s->cx, PGY_LOG_VERBOSE, PX_AT_TRT_RUNNER, "Tensor %s has the format: %s", io->name,
               px_trt_engine_get_tensor_format_desc(abi, engine, io->name));
    }
    if (!io->is_input && px_trt_has(abi, PX_TRT_ENGINE_GET_ALIASED_INPUT_TENSOR))
        io->aliased = px_trt_engine_get_aliased_input_tensor(abi, engine, io->name);
    if (!io->layout.is_linear && s->batch.is_on)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The tensor '%s' has a vectorized format, which works only in networks with "
                       "a batch dimension: leave out --tensor-formats.",
                       io->name));
    if (!io->is_input && !io->is_host && io->aliased == NULL && !s->batch.is_on)
        PX_TRY(attach_allocator(s, io));
done:
    return st;
}

static pgy_status *describe_input(px_trt_session *s, const px_trt_io *io, pgy_io *out)
{
    pgy_status *st = NULL;
    px_trt_dims dims = px_trt_engine_get_tensor_shape(&s->lib->abi, s->engine, io->name);
    int64_t *copy = px_arena_calloc(&s->arena, PX_TRT_MAX_DIMS, sizeof *copy);
    if (copy == NULL)
        PX_TRY(px_status_nomem());
    if (s->batch.is_on)
        dims = px_trt_batch_dims(&dims, s->batch.most > 1 ? -1 : 1);
    memcpy(copy, dims.d, sizeof dims.d);
    *out = (pgy_io){.name = io->name, .dtype = io->dtype, .rank = dims.n, .dims = copy};
done:
    return st;
}

pgy_status *px_trt_session_list_io(px_trt_session *s)
{
    pgy_status *st = NULL;
    const int32_t n = px_trt_engine_get_nb_io_tensors(&s->lib->abi, s->engine);

    make_allocator_vtable(s);
    s->ios = px_arena_calloc(&s->arena, (size_t)PX_MAX(n, 0), sizeof *s->ios);
    s->inputs = px_arena_calloc(&s->arena, (size_t)PX_MAX(n, 0), sizeof *s->inputs);
    if (s->ios == NULL || s->inputs == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_trt_batch_open(s, n));
    for (int32_t i = 0; i < n; i++) {
        px_trt_io *io = &s->ios[s->n_ios++];
        PX_TRY(read_io(s, i, io));
        if (io->is_input)
            PX_TRY(describe_input(s, io, &s->inputs[s->n_inputs++]));
    }
done:
    return st;
}

void px_trt_session_free_io(px_trt_session *s)
{
    for (size_t i = 0; i < s->n_ios; i++) {
        px_trt_io *io = &s->ios[i];
        px_cuda_buffer_fini(&s->lib->cuda, &io->buffer);
        px_mem_free(io->host);
        if (io->allocator != NULL) {
            px_cuda_buffer_fini(&s->lib->cuda, &io->allocator->buffer);
            pgy_status_free(io->allocator->failed);
        }
    }
}
