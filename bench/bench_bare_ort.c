/* bench/bench_bare_ort.c - the least that a C program must do to run a model of one float32 input
 * on ONNX Runtime: what the command's whole process is measured against.
 *
 *     bench_bare_ort LIBONNXRUNTIME MODEL INPUT OUTPUT DIM...
 *
 * One session with default options, one inference on zeros, the first element printed.
 */
#include "backend/onnxrt/abi.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOAT_ELEMENTS 1 /* ONNX's number for float32 */

static const px_ort_api *api;

static void check(px_ort_status *status)
{
    if (status == NULL)
        return;
    fprintf(stderr, "%s\n", api->GetErrorMessage(status));
    exit(1);
}

static void ignore(void *user, px_ort_severity severity, const char *category, const char *log_id,
                   const char *code_location, const char *message)
{
}

static const px_ort_api *load(const char *path)
{
    const px_ort_api_base *(*get_base)(void) = NULL;
    void *const lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *const symbol = lib != NULL ? dlsym(lib, "OrtGetApiBase") : NULL;
    if (symbol == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    memcpy(&get_base, &symbol, sizeof symbol);
    return get_base()->GetApi(PX_ORT_API_MIN);
}

int main(int argc, char **argv)
{
    int64_t dims[8], count = 1;
    const size_t rank = argc > 5 ? (size_t)argc - 5 : 0;
    px_ort_env *env;
    px_ort_options *options;
    px_ort_session *session;
    px_ort_memory *memory;
    px_ort_value *in, *out = NULL;
    float *result;
    if (argc < 5 || rank > 8) {
        fprintf(stderr, "usage: %s LIBONNXRUNTIME MODEL INPUT OUTPUT DIM...\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < rank; i++) {
        dims[i] = strtol(argv[5 + i], NULL, 10);
        count *= dims[i];
    }
    float *const zeros = calloc((size_t)count, sizeof *zeros);
    setenv("ORT_DISABLE_TELEMETRY", "1", 1);
    api = load(argv[1]);
    check(api->CreateEnvWithCustomLogger(ignore, NULL, PX_ORT_LOG_ERROR, "bare", &env));
    check(api->CreateSessionOptions(&options));
    check(api->CreateSession(env, argv[2], options, &session));
    check(api->CreateCpuMemoryInfo(PX_ORT_ARENA_ALLOCATOR, PX_ORT_MEM_DEFAULT, &memory));
    check(api->CreateTensorWithDataAsOrtValue(memory, zeros, (size_t)count * sizeof *zeros, dims,
                                              rank, FLOAT_ELEMENTS, &in));
    check(api->Run(session, NULL, (const char *const[]){argv[3]}, (const px_ort_value *const[]){in},
                   1, (const char *const[]){argv[4]}, 1, &out));
    check(api->GetTensorMutableData(out, (void **)&result));
    printf("%g\n", (double)result[0]);
    api->ReleaseValue(out);
    api->ReleaseValue(in);
    api->ReleaseMemoryInfo(memory);
    api->ReleaseSession(session);
    api->ReleaseSessionOptions(options);
    api->ReleaseEnv(env);
    free(zeros);
    return 0;
}
