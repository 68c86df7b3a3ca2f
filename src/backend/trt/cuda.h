/* backend/trt/cuda.h - the few functions of the CUDA driver that running an engine needs.
 *
 * Only libcuda.so.1, which comes with the driver, is loaded; no CUDA toolkit is needed. Everything
 * runs in the device's primary context, which TensorRT uses as well.
 */
#ifndef PX_BACKEND_TRT_CUDA_H
#define PX_BACKEND_TRT_CUDA_H

#include "base/dl.h"
#include "base/px.h"

typedef uint64_t px_cuda_ptr;

/* Driver functions: member, symbol, parameters. All return a CUresult, 0 for success. */
#define PX_CUDA_FUNCTIONS(X)                                                                       \
    X(init, "cuInit", (unsigned flags))                                                            \
    X(driver_version, "cuDriverGetVersion", (int *version))                                        \
    X(device_count, "cuDeviceGetCount", (int *n))                                                  \
    X(device_get, "cuDeviceGet", (int *device, int ordinal))                                       \
    X(device_name, "cuDeviceGetName", (char *name, int size, int device))                          \
    X(device_memory, "cuDeviceTotalMem_v2", (size_t * size, int device))                           \
    X(device_attribute, "cuDeviceGetAttribute", (int *value, int attribute, int device))           \
    X(context_retain, "cuDevicePrimaryCtxRetain", (void **context, int device))                    \
    X(context_release, "cuDevicePrimaryCtxRelease_v2", (int device))                               \
    X(context_set, "cuCtxSetCurrent", (void *context))                                             \
    X(memory_info, "cuMemGetInfo_v2", (size_t * free, size_t * total))                             \
    X(memory_alloc, "cuMemAlloc_v2", (px_cuda_ptr * p, size_t size))                               \
    X(memory_free, "cuMemFree_v2", (px_cuda_ptr p))                                                \
    X(host_alloc, "cuMemAllocHost_v2", (void **p, size_t size))                                    \
    X(host_free, "cuMemFreeHost", (void *p))                                                       \
    X(copy_to_device, "cuMemcpyHtoDAsync_v2",                                                      \
      (px_cuda_ptr to, const void *from, size_t size, void *stream))                               \
    X(copy_to_host, "cuMemcpyDtoHAsync_v2",                                                        \
      (void *to, px_cuda_ptr from, size_t size, void *stream))                                     \
    X(stream_create, "cuStreamCreate", (void **stream, unsigned flags))                            \
    X(stream_destroy, "cuStreamDestroy_v2", (void *stream))                                        \
    X(stream_wait, "cuStreamSynchronize", (void *stream))                                          \
    X(event_create, "cuEventCreate", (void **event, unsigned flags))                               \
    X(event_destroy, "cuEventDestroy_v2", (void *event))                                           \
    X(event_record, "cuEventRecord", (void *event, void *stream))                                  \
    X(event_elapsed, "cuEventElapsedTime", (float *ms, void *from, void *to))                      \
    X(error_name, "cuGetErrorName", (int code, const char **name))                                 \
    X(error_text, "cuGetErrorString", (int code, const char **text))

typedef struct px_cuda {
    px_dl dl;
#define PX_CUDA_MEMBER(member, symbol, parameters) int(*member) parameters;
    PX_CUDA_FUNCTIONS(PX_CUDA_MEMBER)
#undef PX_CUDA_MEMBER
    int device; /* the driver's handle */
    void *context;
    bool has_context;

    /* For messages and `polygraphy backends`. */
    char name[128];
    int driver_major, driver_minor; /* newest CUDA version that the driver serves */
    int cc_major, cc_minor;         /* compute capability */
    size_t memory_size;
    int n_devices;
} px_cuda;

/* Loads the driver and makes device `ordinal` current on this thread. Errors: BACKEND. */
PX_MUST_USE pgy_status *px_cuda_open(int ordinal, px_cuda *out);
void px_cuda_close(px_cuda *cuda); /* accepts a zeroed one */
/* Makes the device current on the calling thread. */
PX_MUST_USE pgy_status *px_cuda_enter(const px_cuda *cuda);
/* NULL for code 0; else a BACKEND status "CUDA failed while WHAT: text (NAME)". */
PX_MUST_USE pgy_status *px_cuda_check(const px_cuda *cuda, int code, const char *fmt, ...)
    PX_PRINTF(3, 4);

/* Device memory that grows: contents are lost then. {0} is a valid empty one. */
typedef struct px_cuda_buffer {
    px_cuda_ptr at;
    size_t size;
} px_cuda_buffer;
/* At least `size` bytes, and some even for 0. `what` is for the message when memory is out. */
PX_MUST_USE pgy_status *px_cuda_buffer_reserve(const px_cuda *cuda, px_cuda_buffer *b, size_t size,
                                               const char *what);
void px_cuda_buffer_fini(const px_cuda *cuda, px_cuda_buffer *b);

/* Page-locked host memory that grows the same way. */
typedef struct px_cuda_staging {
    void *at;
    size_t size;
} px_cuda_staging;
PX_MUST_USE pgy_status *px_cuda_staging_reserve(const px_cuda *cuda, px_cuda_staging *s,
                                                size_t size);
void px_cuda_staging_fini(const px_cuda *cuda, px_cuda_staging *s);

#endif
