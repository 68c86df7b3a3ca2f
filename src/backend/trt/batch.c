/* backend/trt/batch.c - engines whose tensors have no batch dimension.
 *
 * TensorRT up to 8.6 knows networks of single samples (those of UFF and Caffe files are such) whose
 * engines run a number of samples at once. To the rest of the program they have a first dimension
 * like any other. They are run by the older call, which takes addresses by number, and the sizes of
 * their outputs are known beforehand.
 */
#include "backend/trt/session.h"

pgy_status *px_trt_batch_open(px_trt_session *s, int32_t n_tensors)
{
    const px_trt_abi *abi = &s->lib->abi;
    s->batch.is_on = px_trt_engine_has_implicit_batch_dimension(abi, s->engine);
    if (!s->batch.is_on)
        return NULL;
    s->batch.most = px_trt_engine_get_max_batch_size(abi, s->engine);
    s->batch.addresses =
        px_arena_calloc(&s->arena, (size_t)PX_MAX(n_tensors, 0), sizeof *s->batch.addresses);
    return s->batch.addresses != NULL ? NULL : px_status_nomem();
}

static px_trt_dims sample_dims(const px_trt_session *s, const px_trt_io *io)
{
    return px_trt_engine_get_tensor_shape(&s->lib->abi, s->engine, io->name);
}

/* All inputs are of one batch; the first of an iteration says how large it is. */
pgy_status *px_trt_batch_set_shape(px_trt_session *s, px_trt_io *io, const px_trt_dims *dims)
{
    pgy_status *st = NULL;
    px_buf is = {0}, wanted = {0};
    const px_trt_dims sample = sample_dims(s, io);
    const bool is_first = io->name == s->inputs[0].name;
    const int64_t batch = dims->n > 0 ? dims->d[0] : 0;
    bool is_ok = dims->n == sample.n + 1 && batch >= 1 && batch <= s->batch.most &&
                 (is_first || batch == s->batch.size);

    for (int d = 0; is_ok && d < sample.n; d++)
        is_ok = dims->d[d + 1] == sample.d[d];
    if (!is_ok) {
        const px_trt_dims full = px_trt_batch_dims(&sample, s->batch.most);
        px_trt_dims_print(&is, dims);
        px_trt_dims_print(&wanted, &full);
        PX_TRY(
            PX_FAIL(PGY_ERR_USAGE,
                    "%s refuses the shape %s of the input '%s': the engine takes up to %s, where "
                    "the first dimension is the batch and the same for all inputs.",
                    s->lib->abi.name, px_buf_cstr(&is), io->name, px_buf_cstr(&wanted)));
    }
    s->batch.size = (int32_t)batch;
    io->set = *dims;
done:
    px_buf_fini(&is);
    px_buf_fini(&wanted);
    return st;
}

void px_trt_batch_set_address(px_trt_session *s, const px_trt_io *io, void *address)
{
    const int32_t at = px_trt_engine_get_binding_index(&s->lib->abi, s->engine, io->name);
    s->batch.addresses[at] = address;
}

pgy_status *px_trt_batch_place_output(px_trt_session *s, px_trt_io *io)
{
    pgy_status *st = NULL;
    const px_trt_dims sample = sample_dims(s, io);
    size_t size = 0;
    io->set = px_trt_batch_dims(&sample, s->batch.size);
    if (!px_trt_layout_size(&io->layout, io->dtype, &io->set, &size))
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND, "The size of the tensor '%s' cannot be told.", io->name));
    PX_TRY(px_cuda_buffer_reserve(&s->lib->cuda, &io->buffer, size, io->name));
    px_trt_batch_set_address(s, io, (void *)(uintptr_t)io->buffer.at);
done:
    return st;
}
