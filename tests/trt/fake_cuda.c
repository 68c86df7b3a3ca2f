/* tests/trt/fake_cuda.c - a CUDA driver without a GPU: device memory is host memory.
 *
 * Built as libcuda.so.1 for the tests of the TensorRT backend. FAKE_CUDA_ERROR=NAME:CODE makes the
 * function of that name fail; FAKE_CUDA_LIMIT is the size in bytes from which allocations fail.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_OF_MEMORY = 2 };

#define EXPORT __attribute__((visibility("default")))

static int code_of(const char *name)
{
    const char *wanted = getenv("FAKE_CUDA_ERROR");
    const size_t n = strlen(name);
    if (wanted != NULL && strncmp(wanted, name, n) == 0 && wanted[n] == ':')
        return (int)strtol(wanted + n + 1, NULL, 10);
    return 0;
}

/* A function that only succeeds. */
#define NOTHING(name, parameters)                                                                  \
    EXPORT int name parameters;                                                                    \
    EXPORT int name parameters                                                                     \
    {                                                                                              \
        return code_of(#name);                                                                     \
    }
/* A function that does something when it does not fail. */
#define DOES(name, parameters, ...)                                                                \
    EXPORT int name parameters;                                                                    \
    EXPORT int name parameters                                                                     \
    {                                                                                              \
        const int failure = code_of(#name);                                                        \
        if (failure != 0)                                                                          \
            return failure;                                                                        \
        __VA_ARGS__;                                                                               \
        return 0;                                                                                  \
    }

NOTHING(cuInit, (unsigned flags))
NOTHING(cuDevicePrimaryCtxRelease_v2, (int device))
NOTHING(cuCtxSetCurrent, (void *context))
NOTHING(cuStreamDestroy_v2, (void *stream))
NOTHING(cuStreamSynchronize, (void *stream))
NOTHING(cuEventDestroy_v2, (void *event))
NOTHING(cuEventRecord, (void *event, void *stream))
DOES(cuDriverGetVersion, (int *version), *version = 12060)
DOES(cuDeviceGetCount, (int *n), *n = 2)
DOES(cuDeviceGet, (int *device, int ordinal), *device = ordinal)
DOES(cuDeviceGetName, (char *name, int size, int device),
     snprintf(name, (size_t)size, "Fake GPU %d", device))
DOES(cuDeviceTotalMem_v2, (size_t * size, int device), *size = (size_t)1 << 30)
DOES(cuDeviceGetAttribute, (int *value, int attribute, int device),
     *value = attribute == 75 ? 9 : 0)
DOES(cuDevicePrimaryCtxRetain, (void **context, int device), *context = (void *)1)
DOES(cuMemGetInfo_v2, (size_t * free_size, size_t *total), *free_size = 1000; *total = 2000)
DOES(cuStreamCreate, (void **stream, unsigned flags), *stream = (void *)2)
DOES(cuEventCreate, (void **event, unsigned flags), *event = (void *)3)
DOES(cuEventElapsedTime, (float *ms, void *from, void *to), *ms = 0.25f)
DOES(cuMemcpyHtoDAsync_v2, (uint64_t to, const void *from, size_t size, void *stream),
     memcpy((void *)(uintptr_t)to, from, size))
DOES(cuMemcpyDtoHAsync_v2, (void *to, uint64_t from, size_t size, void *stream),
     memcpy(to, (void *)(uintptr_t)from, size))
DOES(cuGetErrorName, (int code, const char **name), *name = "CUDA_ERROR_FAKE")
DOES(cuGetErrorString, (int code, const char **text), *text = "a made-up error")

EXPORT int cuMemAlloc_v2(uint64_t *p, size_t size);
EXPORT int cuMemAlloc_v2(uint64_t *p, size_t size)
{
    const char *limit = getenv("FAKE_CUDA_LIMIT");
    if (code_of("cuMemAlloc_v2") != 0)
        return code_of("cuMemAlloc_v2");
    if (limit != NULL && size >= strtoull(limit, NULL, 10))
        return OUT_OF_MEMORY;
    *p = (uint64_t)(uintptr_t)malloc(size);
    return 0;
}

DOES(cuMemFree_v2, (uint64_t p), free((void *)(uintptr_t)p))
DOES(cuMemAllocHost_v2, (void **p, size_t size), *p = malloc(size > 0 ? size : 1))
DOES(cuMemFreeHost, (void *p), free(p))
