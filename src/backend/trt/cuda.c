/* backend/trt/cuda.c - the CUDA driver, by its plain C functions. */
#include "backend/trt/cuda.h"

#include <stdarg.h>

enum { OUT_OF_MEMORY = 2, CC_MAJOR = 75, CC_MINOR = 76 }; /* CUresult, CUdevice_attribute */

static pgy_status *bind_all(px_cuda *cuda)
{
    pgy_status *st = NULL;
#define BIND(member, symbol, parameters)                                                           \
    PX_TRY(px_dl_bind(&cuda->dl, symbol, &cuda->member, sizeof cuda->member));
    PX_CUDA_FUNCTIONS(BIND)
#undef BIND
done:
    return st;
}

pgy_status *px_cuda_check(const px_cuda *cuda, int code, const char *fmt, ...)
{
    if (code == 0)
        return NULL;
    const char *name = NULL, *text = NULL;
    px_buf what = {0};
    va_list args;
    va_start(args, fmt);
    px_buf_vprintf(&what, fmt, args);
    va_end(args);
    if (cuda->error_name != NULL && cuda->error_text != NULL) {
        (void)cuda->error_name(code, &name);
        (void)cuda->error_text(code, &text);
    }
    pgy_status *st =
        PX_FAIL(PGY_ERR_BACKEND, "CUDA failed while %s: %s (%s, error %d).", px_buf_cstr(&what),
                text != NULL ? text : "unknown error", name != NULL ? name : "no name", code);
    px_buf_fini(&what);
    return st;
}

static pgy_status *describe(px_cuda *cuda)
{
    pgy_status *st = NULL;
    int version = 0;
    PX_TRY(px_cuda_check(cuda, cuda->driver_version(&version), "asking for the driver's version"));
    cuda->driver_major = version / 1000;
    cuda->driver_minor = version % 1000 / 10;
    PX_TRY(px_cuda_check(cuda,
                         cuda->device_name(cuda->name, (int)sizeof cuda->name - 1, cuda->device),
                         "asking for the device's name"));
    PX_TRY(px_cuda_check(cuda, cuda->device_memory(&cuda->memory_size, cuda->device),
                         "asking for the device's memory"));
    PX_TRY(px_cuda_check(cuda, cuda->device_attribute(&cuda->cc_major, CC_MAJOR, cuda->device),
                         "asking for the compute capability"));
    PX_TRY(px_cuda_check(cuda, cuda->device_attribute(&cuda->cc_minor, CC_MINOR, cuda->device),
                         "asking for the compute capability"));
done:
    return st;
}

pgy_status *px_cuda_open(int ordinal, px_cuda *out)
{
    pgy_status *st = NULL;
    px_cuda cuda = {0};

    PX_TRY(px_dl_open("libcuda.so.1", false, &cuda.dl));
    PX_TRY(bind_all(&cuda));
    PX_TRY(px_cuda_check(&cuda, cuda.init(0), "starting the driver"));
    PX_TRY(px_cuda_check(&cuda, cuda.device_count(&cuda.n_devices), "counting devices"));
    if (ordinal < 0 || ordinal >= cuda.n_devices)
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND,
                       "There is no GPU number %d: the driver shows %d. Choose another one with "
                       "--device.",
                       ordinal, cuda.n_devices));
    PX_TRY(px_cuda_check(&cuda, cuda.device_get(&cuda.device, ordinal), "opening GPU %d", ordinal));
    PX_TRY(describe(&cuda));
    PX_TRY(px_cuda_check(&cuda, cuda.context_retain(&cuda.context, cuda.device),
                         "creating a context on GPU %d", ordinal));
    cuda.has_context = true;
    PX_TRY(px_cuda_enter(&cuda));
    *out = cuda;
    cuda = (px_cuda){0};
done:
    px_cuda_close(&cuda);
    return st;
}

void px_cuda_close(px_cuda *cuda)
{
    if (cuda->has_context)
        (void)cuda->context_release(cuda->device);
    /* The driver stays loaded: its threads and exit handlers do not survive being unmapped. */
    *cuda = (px_cuda){0};
}

pgy_status *px_cuda_enter(const px_cuda *cuda)
{
    return px_cuda_check(cuda, cuda->context_set(cuda->context), "making the GPU current");
}

pgy_status *px_cuda_buffer_reserve(const px_cuda *cuda, px_cuda_buffer *b, size_t size,
                                   const char *what)
{
    enum { LEAST = 256 }; /* empty tensors need an address too */
    if (size <= b->size && b->at != 0)
        return NULL;
    size_t free_size = 0, total = 0;
    px_cuda_buffer_fini(cuda, b);
    const size_t wanted = PX_MAX(size, (size_t)LEAST);
    const int code = cuda->memory_alloc(&b->at, wanted);
    if (code == OUT_OF_MEMORY) {
        (void)cuda->memory_info(&free_size, &total);
        return PX_FAIL(PGY_ERR_BACKEND,
                       "GPU memory is out: %s needs %zu bytes, %zu of %zu are free. Use smaller "
                       "shapes, or free memory on the GPU.",
                       what, wanted, free_size, total);
    }
    if (code == 0)
        b->size = wanted;
    return px_cuda_check(cuda, code, "allocating %zu bytes for %s", wanted, what);
}

void px_cuda_buffer_fini(const px_cuda *cuda, px_cuda_buffer *b)
{
    if (b->at != 0)
        (void)cuda->memory_free(b->at);
    *b = (px_cuda_buffer){0};
}

pgy_status *px_cuda_staging_reserve(const px_cuda *cuda, px_cuda_staging *s, size_t size)
{
    if (size <= s->size)
        return NULL;
    px_cuda_staging_fini(cuda, s);
    const int code = cuda->host_alloc(&s->at, size);
    if (code == 0)
        s->size = size;
    return px_cuda_check(cuda, code, "allocating %zu bytes of page-locked host memory", size);
}

void px_cuda_staging_fini(const px_cuda *cuda, px_cuda_staging *s)
{
    if (s->at != NULL)
        (void)cuda->host_free(s->at);
    *s = (px_cuda_staging){0};
}
