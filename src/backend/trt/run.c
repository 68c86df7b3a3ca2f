/* backend/trt/run.c - one iteration on an engine.
 *
 * Inputs go through page-locked memory to the device in one batch of copies, outputs come back the
 * same way; what is timed is TensorRT's own work, by events on the stream.
 */
#include "backend/trt/session.h"

#include "backend/outputs.h"
#include "base/tensor.h"

enum { ALIGNMENT = 256 };

static size_t aligned(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static bool dims_equal(const px_trt_dims *a, const px_trt_dims *b)
{
    return a->n == b->n && memcmp(a->d, b->d, (size_t)PX_MAX(a->n, 0) * sizeof *a->d) == 0;
}

static pgy_status *host_reserve(px_trt_io *io, size_t size)
{
    if (io->host != NULL && size <= io->host_size)
        return NULL;
    px_mem_free(io->host);
    io->host_size = PX_MAX(size, (size_t)ALIGNMENT);
    io->host = px_mem_alloc_aligned(io->host_size);
    return io->host != NULL ? NULL : px_status_nomem();
}

/* --- inputs --- */

/* Out-of-range shapes are refused here, with the range in TensorRT's words. */
static pgy_status *set_shape(px_trt_session *s, px_trt_io *io, const pgy_tensor *t)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->lib->abi;
    px_trt_dims dims = {.n = t->rank};
    if (t->rank > PX_TRT_MAX_DIMS)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "The input '%s' has %d dimensions; TensorRT takes at most %d.", io->name,
                       t->rank, PX_TRT_MAX_DIMS));
    for (int d = 0; d < t->rank; d++)
        dims.d[d] = t->dims[d];
    if (s->batch.is_on) {
        PX_TRY(px_trt_batch_set_shape(s, io, &dims));
        goto done;
    }
    if (io->is_set && dims_equal(&io->set, &dims))
        goto done;
    px_trt_begin(s->lib);
    if (!px_trt_exec_set_input_shape(abi, s->context, io->name, &dims)) {
        px_buf text = {0};
        px_trt_dims_print(&text, &dims);
        st = px_trt_failed(s->lib, "refuses the shape %s of the input '%s'", px_buf_cstr(&text),
                           io->name);
        px_buf_fini(&text);
        goto done;
    }
    px_trt_end(s->lib);
    io->set = dims;
    io->is_set = true;
    if (!io->layout.is_linear)
        io->layout.strides = px_trt_exec_get_tensor_strides(abi, s->context, io->name);
done:
    return st;
}

static pgy_status *memory_size(const px_trt_io *io, const px_trt_dims *dims, size_t *out)
{
    if (px_trt_layout_size(&io->layout, io->dtype, dims, out))
        return NULL;
    return PX_FAIL(PGY_ERR_BACKEND, "The size of the tensor '%s' cannot be told.", io->name);
}

static pgy_status *set_address(px_trt_session *s, const px_trt_io *io, void *address)
{
    if (s->batch.is_on) {
        px_trt_batch_set_address(s, io, address);
        return NULL;
    }
    px_trt_begin(s->lib);
    if (!px_trt_exec_set_tensor_address(&s->lib->abi, s->context, io->name, address))
        return px_trt_failed(s->lib, "refuses the memory of the tensor '%s'", io->name);
    px_trt_end(s->lib);
    return NULL;
}

static void fill(const px_trt_io *io, const pgy_tensor *t, size_t size, void *to)
{
    if (io->layout.is_linear)
        memcpy(to, t->data, size);
    else
        px_trt_layout_pack(&io->layout, io->dtype, &io->set, t->data, to);
}

static pgy_status *feed_host(px_trt_session *s, px_trt_io *io, const pgy_tensor *t)
{
    pgy_status *st = NULL;
    PX_TRY(host_reserve(io, t->size));
    memcpy(io->host, t->data, t->size);
    PX_TRY(set_address(s, io, io->host));
done:
    return st;
}

static pgy_status *feed_device(px_trt_session *s, px_trt_io *io, const pgy_tensor *t, size_t size,
                               unsigned char *staged)
{
    pgy_status *st = NULL;
    const px_cuda *cuda = &s->lib->cuda;
    PX_TRY(px_cuda_buffer_reserve(cuda, &io->buffer, size, io->name));
    if (size > 0) {
        fill(io, t, size, staged);
        PX_TRY(px_cuda_check(cuda, cuda->copy_to_device(io->buffer.at, staged, size, s->stream),
                             "copying the input '%s' to the GPU", io->name));
    }
    PX_TRY(set_address(s, io, (void *)(uintptr_t)io->buffer.at));
done:
    return st;
}

static pgy_status *feed_all(px_trt_session *s, const pgy_feed *in)
{
    pgy_status *st = NULL;
    size_t total = 0, at = 0, size = 0, k = 0;

    if (in->n != s->n_inputs)
        PX_TRY(
            PX_FAIL(PGY_ERR_USAGE, "%zu inputs were fed, the engine has %zu.", in->n, s->n_inputs));
    for (size_t i = 0; i < s->n_ios; i++) {
        px_trt_io *io = &s->ios[i];
        if (!io->is_input)
            continue;
        PX_TRY(set_shape(s, io, in->tensors[k++]));
        PX_TRY(memory_size(io, &io->set, &size));
        if (!px_size_add(total, aligned(size), &total))
            PX_TRY(px_status_nomem());
    }
    PX_TRY(px_cuda_staging_reserve(&s->lib->cuda, &s->upload, total));
    k = 0;
    for (size_t i = 0; i < s->n_ios; i++) {
        px_trt_io *io = &s->ios[i];
        if (!io->is_input)
            continue;
        const pgy_tensor *t = in->tensors[k++];
        PX_TRY(memory_size(io, &io->set, &size));
        if (io->is_host) {
            PX_TRY(feed_host(s, io, t));
        } else {
            PX_TRY(feed_device(s, io, t, size, (unsigned char *)s->upload.at + at));
            at += aligned(size);
        }
    }
done:
    return st;
}

/* --- outputs that have no allocator --- */

static const px_trt_io *find_io(const px_trt_session *s, const char *name)
{
    for (size_t i = 0; i < s->n_ios; i++)
        if (strcmp(s->ios[i].name, name) == 0)
            return &s->ios[i];
    return NULL;
}

static pgy_status *place_outputs(px_trt_session *s)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->lib->abi;
    for (size_t i = 0; i < s->n_ios; i++) {
        px_trt_io *io = &s->ios[i];
        if (io->is_input)
            continue;
        if (s->batch.is_on) {
            PX_TRY(px_trt_batch_place_output(s, io));
        } else if (io->allocator != NULL) {
            io->allocator->has_dims = false;
        } else if (io->aliased != NULL) {
            const px_trt_io *input = find_io(s, io->aliased);
            if (input == NULL)
                PX_TRY(PX_FAIL(PGY_ERR_BACKEND,
                               "The output '%s' shares memory with '%s', which is no input.",
                               io->name, io->aliased));
            PX_TRY(set_address(s, io, (void *)(uintptr_t)input->buffer.at));
        } else {
            const int64_t most = px_trt_exec_get_max_output_size(abi, s->context, io->name);
            PX_TRY(host_reserve(io, (size_t)PX_MAX(most, 0)));
            PX_TRY(set_address(s, io, io->host));
        }
    }
done:
    return st;
}

/* Memory for activations that grows with the shapes at hand. */
static pgy_status *place_scratch(px_trt_session *s)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->lib->abi;
    if (!s->is_scratch_per_shape)
        return NULL;
    px_trt_begin(s->lib);
    const uint64_t size = px_trt_exec_update_device_memory_size_for_shapes(abi, s->context);
    px_trt_end(s->lib);
    PX_TRY(px_cuda_buffer_reserve(&s->lib->cuda, &s->scratch, size, "activations"));
    if (px_trt_has(abi, PX_TRT_EXEC_SET_DEVICE_MEMORY_V2))
        px_trt_exec_set_device_memory_v2(abi, s->context, (void *)(uintptr_t)s->scratch.at,
                                         (int64_t)s->scratch.size);
    else
        px_trt_exec_set_device_memory(abi, s->context, (void *)(uintptr_t)s->scratch.at);
done:
    return st;
}

static pgy_status *execute(px_trt_session *s, pgy_outputs *out)
{
    pgy_status *st = NULL;
    const px_cuda *cuda = &s->lib->cuda;
    float ms = 0;

    PX_TRY(px_cuda_check(cuda, cuda->event_record(s->start, s->stream), "starting the clock"));
    px_trt_begin(s->lib);
    const bool is_ok = s->batch.is_on ? px_trt_exec_enqueue(&s->lib->abi, s->context, s->batch.size,
                                                            s->batch.addresses, s->stream, NULL)
                                      : px_trt_exec_enqueue_v3(&s->lib->abi, s->context, s->stream);
    /* An allocator that failed knows more than TensorRT. */
    for (size_t i = 0; i < s->n_ios; i++)
        if (s->ios[i].allocator != NULL && s->ios[i].allocator->failed != NULL) {
            st = s->ios[i].allocator->failed;
            s->ios[i].allocator->failed = NULL;
            goto done;
        }
    if (s->listener.failed != NULL) {
        st = s->listener.failed;
        s->listener.failed = NULL;
        goto done;
    }
    if (!is_ok)
        PX_TRY(px_trt_failed(s->lib, "could not run the engine"));
    PX_TRY(px_cuda_check(cuda, cuda->event_record(s->stop, s->stream), "stopping the clock"));
    const int code = cuda->stream_wait(s->stream);
    if (code != 0)
        PX_TRY(px_cuda_check(cuda, code, "running the engine"));
    px_trt_end(s->lib);
    PX_TRY(px_cuda_check(cuda, cuda->event_elapsed(&ms, s->start, s->stop), "reading the clock"));
    pgy_outputs_set_elapsed(out, (uint64_t)((double)ms * 1e6));
done:
    return st;
}

/* --- outputs --- */

static void output_dims(px_trt_session *s, px_trt_io *io)
{
    const px_trt_abi *abi = &s->lib->abi;
    if (s->batch.is_on)
        return;
    io->set = io->allocator != NULL && io->allocator->has_dims
                  ? io->allocator->dims
                  : px_trt_exec_get_tensor_shape(abi, s->context, io->name);
    if (!io->layout.is_linear)
        io->layout.strides = px_trt_exec_get_tensor_strides(abi, s->context, io->name);
}

static px_cuda_ptr output_address(const px_trt_session *s, const px_trt_io *io)
{
    if (io->allocator != NULL)
        return io->allocator->buffer.at;
    return io->aliased != NULL ? find_io(s, io->aliased)->buffer.at : io->buffer.at;
}

static pgy_status *download_all(px_trt_session *s)
{
    pgy_status *st = NULL;
    const px_cuda *cuda = &s->lib->cuda;
    size_t total = 0, at = 0, size = 0;

    for (size_t i = 0; i < s->n_ios; i++) {
        px_trt_io *io = &s->ios[i];
        if (io->is_input)
            continue;
        output_dims(s, io);
        PX_TRY(memory_size(io, &io->set, &size));
        if (!io->is_host && !px_size_add(total, aligned(size), &total))
            PX_TRY(px_status_nomem());
    }
    PX_TRY(px_cuda_staging_reserve(cuda, &s->download, total));
    for (size_t i = 0; i < s->n_ios; i++) {
        const px_trt_io *io = &s->ios[i];
        if (io->is_input || io->is_host)
            continue;
        PX_TRY(memory_size(io, &io->set, &size));
        if (size > 0)
            PX_TRY(px_cuda_check(cuda,
                                 cuda->copy_to_host((unsigned char *)s->download.at + at,
                                                    output_address(s, io), size, s->stream),
                                 "copying the output '%s' from the GPU", io->name));
        at += aligned(size);
    }
    PX_TRY(px_cuda_check(cuda, cuda->stream_wait(s->stream), "copying outputs from the GPU"));
done:
    return st;
}

static pgy_status *hand_out(px_trt_session *s, pgy_outputs *out)
{
    pgy_status *st = NULL;
    size_t at = 0, size = 0;
    for (size_t i = 0; i < s->n_ios; i++) {
        const px_trt_io *io = &s->ios[i];
        pgy_tensor *t = NULL;
        if (io->is_input)
            continue;
        PX_TRY(memory_size(io, &io->set, &size));
        PX_TRY(px_tensor_new_raw(io->dtype, io->set.n, io->set.d, &t));
        const void *from = io->is_host ? io->host : (const unsigned char *)s->download.at + at;
        if (io->layout.is_linear && t->size > 0)
            memcpy(t->data, from, t->size);
        else if (!io->layout.is_linear && t->count > 0)
            px_trt_layout_unpack(&io->layout, io->dtype, &io->set, from, t->data);
        PX_TRY(pgy_outputs_add(out, io->name, t));
        at += io->is_host ? 0 : aligned(size);
    }
    for (size_t i = 0; i < s->listener.n; i++)
        PX_TRY(
            pgy_outputs_add(out, s->listener.at[i].name, pgy_tensor_ref(s->listener.at[i].tensor)));
done:
    return st;
}

pgy_status *px_trt_session_run(px_trt_session *s, const pgy_feed *in, pgy_outputs *out)
{
    pgy_status *st = NULL;
    PX_TRY(px_cuda_enter(&s->lib->cuda));
    PX_TRY(feed_all(s, in));
    PX_TRY(place_scratch(s));
    PX_TRY(place_outputs(s));
    PX_TRY(execute(s, out));
    PX_TRY(download_all(s));
    PX_TRY(hand_out(s, out));
done:
    px_trt_listener_clear(&s->listener);
    return st;
}
