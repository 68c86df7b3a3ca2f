/* backend/onnxrt/abi.h - the part of ONNX Runtime's C interface that we call.
 *
 * ONNX Runtime hands out one table of function pointers, OrtGetApiBase()->GetApi(n). The table only
 * ever grows at its end, so a slot number is a fact for all later releases. The numbers below are
 * those of interface version 31 and were checked by calling them in release 1.32.0 with
 * versions 17 and up. Slots that we do not call are gaps of untyped pointers.
 *
 * Every function that can fail returns a px_ort_status, NULL on success, freed by ReleaseStatus.
 */
#ifndef PX_BACKEND_ONNXRT_ABI_H
#define PX_BACKEND_ONNXRT_ABI_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Versions of the table: the lowest we accept, the highest this file knows. */
#define PX_ORT_API_MIN 17
#define PX_ORT_API_MAX 31
/* Table versions that brought the optional slots. */
#define PX_ORT_API_HAS_SHAPE 24

typedef struct OrtStatus px_ort_status;
typedef struct OrtEnv px_ort_env;
typedef struct OrtSession px_ort_session;
typedef struct OrtSessionOptions px_ort_options;
typedef struct OrtRunOptions px_ort_run_options;
typedef struct OrtValue px_ort_value;
typedef struct OrtMemoryInfo px_ort_memory;
typedef struct OrtAllocator px_ort_allocator;
typedef struct OrtTypeInfo px_ort_type;
typedef struct OrtTensorTypeAndShapeInfo px_ort_shape;
typedef struct OrtCUDAProviderOptionsV2 px_ort_cuda;
typedef struct OrtTensorRTProviderOptionsV2 px_ort_tensorrt;

typedef enum px_ort_severity {
    PX_ORT_LOG_VERBOSE = 0,
    PX_ORT_LOG_INFO = 1,
    PX_ORT_LOG_WARNING = 2,
    PX_ORT_LOG_ERROR = 3,
    PX_ORT_LOG_FATAL = 4
} px_ort_severity;

/* What a value is; an input or output of the session too. */
typedef enum px_ort_kind {
    PX_ORT_UNKNOWN = 0,
    PX_ORT_TENSOR = 1,
    PX_ORT_SEQUENCE = 2,
    PX_ORT_MAP = 3,
    PX_ORT_OPAQUE = 4,
    PX_ORT_SPARSE_TENSOR = 5,
    PX_ORT_OPTIONAL = 6
} px_ort_kind;

/* Number of a tensor's element type; values.c translates. */
typedef int32_t px_ort_dtype;

typedef enum px_ort_allocator_type { PX_ORT_ARENA_ALLOCATOR = 1 } px_ort_allocator_type;
typedef enum px_ort_mem_type { PX_ORT_MEM_DEFAULT = 0 } px_ort_mem_type;

/* Called from any thread of the runtime. */
typedef void (*px_ort_log_fn)(void *user, px_ort_severity severity, const char *category,
                              const char *log_id, const char *code_location, const char *message);

typedef struct px_ort_api {
    void *slot_0[2];
    const char *(*GetErrorMessage)(const px_ort_status *status);
    void *slot_3;
    px_ort_status *(*CreateEnvWithCustomLogger)(px_ort_log_fn fn, void *user,
                                                px_ort_severity severity, const char *log_id,
                                                px_ort_env **out);
    void *slot_5[2];
    px_ort_status *(*CreateSession)(const px_ort_env *env, const char *path,
                                    const px_ort_options *options, px_ort_session **out);
    px_ort_status *(*CreateSessionFromArray)(const px_ort_env *env, const void *data, size_t size,
                                             const px_ort_options *options, px_ort_session **out);
    px_ort_status *(*Run)(px_ort_session *session, const px_ort_run_options *options,
                          const char *const *in_names, const px_ort_value *const *in, size_t n_in,
                          const char *const *out_names, size_t n_out, px_ort_value **out);
    px_ort_status *(*CreateSessionOptions)(px_ort_options **out);
    void *slot_11[6];
    px_ort_status *(*DisableMemPattern)(px_ort_options *options);
    void *slot_18;
    px_ort_status *(*DisableCpuMemArena)(px_ort_options *options);
    void *slot_20[3];
    px_ort_status *(*SetSessionGraphOptimizationLevel)(px_ort_options *options, int level);
    px_ort_status *(*SetIntraOpNumThreads)(px_ort_options *options, int n);
    px_ort_status *(*SetInterOpNumThreads)(px_ort_options *options, int n);
    void *slot_26[4];
    px_ort_status *(*SessionGetInputCount)(const px_ort_session *session, size_t *out);
    px_ort_status *(*SessionGetOutputCount)(const px_ort_session *session, size_t *out);
    void *slot_32;
    px_ort_status *(*SessionGetInputTypeInfo)(const px_ort_session *session, size_t i,
                                              px_ort_type **out);
    px_ort_status *(*SessionGetOutputTypeInfo)(const px_ort_session *session, size_t i,
                                               px_ort_type **out);
    void *slot_35;
    px_ort_status *(*SessionGetInputName)(const px_ort_session *session, size_t i,
                                          px_ort_allocator *allocator, char **out);
    px_ort_status *(*SessionGetOutputName)(const px_ort_session *session, size_t i,
                                           px_ort_allocator *allocator, char **out);
    void *slot_38[10];
    px_ort_status *(*CreateTensorAsOrtValue)(px_ort_allocator *allocator, const int64_t *dims,
                                             size_t rank, px_ort_dtype dtype, px_ort_value **out);
    px_ort_status *(*CreateTensorWithDataAsOrtValue)(const px_ort_memory *memory, void *data,
                                                     size_t size, const int64_t *dims, size_t rank,
                                                     px_ort_dtype dtype, px_ort_value **out);
    void *slot_50;
    px_ort_status *(*GetTensorMutableData)(px_ort_value *value, void **out);
    void *slot_52;
    px_ort_status *(*GetStringTensorDataLength)(const px_ort_value *value, size_t *out);
    px_ort_status *(*GetStringTensorContent)(const px_ort_value *value, void *bytes, size_t size,
                                             size_t *offsets, size_t n_offsets);
    px_ort_status *(*CastTypeInfoToTensorInfo)(const px_ort_type *type, const px_ort_shape **out);
    px_ort_status *(*GetOnnxTypeFromTypeInfo)(const px_ort_type *type, px_ort_kind *out);
    void *slot_57[3];
    px_ort_status *(*GetTensorElementType)(const px_ort_shape *shape, px_ort_dtype *out);
    px_ort_status *(*GetDimensionsCount)(const px_ort_shape *shape, size_t *out);
    px_ort_status *(*GetDimensions)(const px_ort_shape *shape, int64_t *dims, size_t rank);
    px_ort_status *(*GetSymbolicDimensions)(const px_ort_shape *shape, const char **names,
                                            size_t rank);
    void *slot_64;
    px_ort_status *(*GetTensorTypeAndShape)(const px_ort_value *value, px_ort_shape **out);
    void *slot_66;
    px_ort_status *(*GetValueType)(const px_ort_value *value, px_ort_kind *out);
    void *slot_68;
    px_ort_status *(*CreateCpuMemoryInfo)(px_ort_allocator_type type, px_ort_mem_type mem,
                                          px_ort_memory **out);
    void *slot_70[6];
    px_ort_status *(*AllocatorFree)(px_ort_allocator *allocator, void *p);
    void *slot_77;
    px_ort_status *(*GetAllocatorWithDefaultOptions)(px_ort_allocator **out); /* not to be freed */
    void *slot_79;
    /* Item of a sequence; of a map: 0 the keys, 1 the values. A value of its own. */
    px_ort_status *(*GetValue)(const px_ort_value *value, int i, px_ort_allocator *allocator,
                               px_ort_value **out);
    px_ort_status *(*GetValueCount)(const px_ort_value *value, size_t *out);
    void *slot_82[10];
    void (*ReleaseEnv)(px_ort_env *env);
    void (*ReleaseStatus)(px_ort_status *status);
    void (*ReleaseMemoryInfo)(px_ort_memory *memory);
    void (*ReleaseSession)(px_ort_session *session);
    void (*ReleaseValue)(px_ort_value *value);
    void *slot_97;
    void (*ReleaseTypeInfo)(px_ort_type *type);
    void (*ReleaseTensorTypeAndShapeInfo)(px_ort_shape *shape);
    void (*ReleaseSessionOptions)(px_ort_options *options);
    void *slot_101[24];
    px_ort_status *(*GetAvailableProviders)(char ***out, int *out_n);
    px_ort_status *(*ReleaseAvailableProviders)(char **names, int n);
    void *slot_127[3];
    px_ort_status *(*AddSessionConfigEntry)(px_ort_options *options, const char *key,
                                            const char *value);
    void *slot_131[39];
    px_ort_status *(*SessionOptionsAppendExecutionProvider_TensorRT_V2)(
        px_ort_options *options, const px_ort_tensorrt *provider);
    px_ort_status *(*CreateTensorRTProviderOptions)(px_ort_tensorrt **out);
    void *slot_172[2];
    void (*ReleaseTensorRTProviderOptions)(px_ort_tensorrt *provider);
    void *slot_175[17];
    px_ort_status *(*HasValue)(const px_ort_value *value, int *out); /* of an optional */
    void *slot_193[11];
    px_ort_status *(*SessionOptionsAppendExecutionProvider_CUDA_V2)(px_ort_options *options,
                                                                    const px_ort_cuda *provider);
    px_ort_status *(*CreateCUDAProviderOptions)(px_ort_cuda **out);
    void *slot_206[2];
    void (*ReleaseCUDAProviderOptions)(px_ort_cuda *provider);
    void *slot_209[7];
    px_ort_status *(*SessionOptionsAppendExecutionProvider)(px_ort_options *options,
                                                            const char *name,
                                                            const char *const *keys,
                                                            const char *const *values, size_t n);
    void *slot_217[11];
    px_ort_status *(*RegisterCustomOpsLibrary_V2)(px_ort_options *options, const char *path);
    void *slot_229[23];
    /* Room for a string of `size` bytes at element `i`, to be filled by the caller. */
    px_ort_status *(*GetResizedStringTensorElementBuffer)(px_ort_value *value, size_t i,
                                                          size_t size, char **out);
    void *slot_253[13];
    px_ort_status *(*SetUserLoggingFunction)(px_ort_options *options, px_ort_log_fn fn, void *user);
    void *slot_267[123];
    bool (*TensorTypeAndShape_HasShape)(const px_ort_shape *shape); /* PX_ORT_API_HAS_SHAPE */
} px_ort_api;

#define PX_ORT_SLOT(member, number)                                                                \
    static_assert(offsetof(px_ort_api, member) == (number) * sizeof(void *),                       \
                  "slot of " #member " in the ONNX Runtime table")
PX_ORT_SLOT(GetErrorMessage, 2);
PX_ORT_SLOT(CreateEnvWithCustomLogger, 4);
PX_ORT_SLOT(CreateSession, 7);
PX_ORT_SLOT(CreateSessionFromArray, 8);
PX_ORT_SLOT(Run, 9);
PX_ORT_SLOT(CreateSessionOptions, 10);
PX_ORT_SLOT(DisableMemPattern, 17);
PX_ORT_SLOT(DisableCpuMemArena, 19);
PX_ORT_SLOT(SetSessionGraphOptimizationLevel, 23);
PX_ORT_SLOT(SetIntraOpNumThreads, 24);
PX_ORT_SLOT(SetInterOpNumThreads, 25);
PX_ORT_SLOT(SessionGetInputCount, 30);
PX_ORT_SLOT(SessionGetOutputCount, 31);
PX_ORT_SLOT(SessionGetInputTypeInfo, 33);
PX_ORT_SLOT(SessionGetOutputTypeInfo, 34);
PX_ORT_SLOT(SessionGetInputName, 36);
PX_ORT_SLOT(SessionGetOutputName, 37);
PX_ORT_SLOT(CreateTensorAsOrtValue, 48);
PX_ORT_SLOT(CreateTensorWithDataAsOrtValue, 49);
PX_ORT_SLOT(GetTensorMutableData, 51);
PX_ORT_SLOT(GetStringTensorDataLength, 53);
PX_ORT_SLOT(GetStringTensorContent, 54);
PX_ORT_SLOT(CastTypeInfoToTensorInfo, 55);
PX_ORT_SLOT(GetOnnxTypeFromTypeInfo, 56);
PX_ORT_SLOT(GetTensorElementType, 60);
PX_ORT_SLOT(GetDimensionsCount, 61);
PX_ORT_SLOT(GetDimensions, 62);
PX_ORT_SLOT(GetSymbolicDimensions, 63);
PX_ORT_SLOT(GetTensorTypeAndShape, 65);
PX_ORT_SLOT(GetValueType, 67);
PX_ORT_SLOT(CreateCpuMemoryInfo, 69);
PX_ORT_SLOT(AllocatorFree, 76);
PX_ORT_SLOT(GetAllocatorWithDefaultOptions, 78);
PX_ORT_SLOT(GetValue, 80);
PX_ORT_SLOT(GetValueCount, 81);
PX_ORT_SLOT(ReleaseEnv, 92);
PX_ORT_SLOT(ReleaseStatus, 93);
PX_ORT_SLOT(ReleaseMemoryInfo, 94);
PX_ORT_SLOT(ReleaseSession, 95);
PX_ORT_SLOT(ReleaseValue, 96);
PX_ORT_SLOT(ReleaseTypeInfo, 98);
PX_ORT_SLOT(ReleaseTensorTypeAndShapeInfo, 99);
PX_ORT_SLOT(ReleaseSessionOptions, 100);
PX_ORT_SLOT(GetAvailableProviders, 125);
PX_ORT_SLOT(ReleaseAvailableProviders, 126);
PX_ORT_SLOT(AddSessionConfigEntry, 130);
PX_ORT_SLOT(SessionOptionsAppendExecutionProvider_TensorRT_V2, 170);
PX_ORT_SLOT(CreateTensorRTProviderOptions, 171);
PX_ORT_SLOT(ReleaseTensorRTProviderOptions, 174);
PX_ORT_SLOT(HasValue, 192);
PX_ORT_SLOT(SessionOptionsAppendExecutionProvider_CUDA_V2, 204);
PX_ORT_SLOT(CreateCUDAProviderOptions, 205);
PX_ORT_SLOT(ReleaseCUDAProviderOptions, 208);
PX_ORT_SLOT(SessionOptionsAppendExecutionProvider, 216);
PX_ORT_SLOT(RegisterCustomOpsLibrary_V2, 228);
PX_ORT_SLOT(GetResizedStringTensorElementBuffer, 252);
PX_ORT_SLOT(SetUserLoggingFunction, 266);
PX_ORT_SLOT(TensorTypeAndShape_HasShape, 390);
#undef PX_ORT_SLOT

/* The exported entry point "OrtGetApiBase" returns this. */
typedef struct px_ort_api_base {
    /* NULL, and a line on stderr, for a version the library does not know. */
    const px_ort_api *(*GetApi)(uint32_t version);
    const char *(*GetVersionString)(void); /* "1.32.0": interface version 32 */
} px_ort_api_base;

typedef const px_ort_api_base *(*px_ort_get_api_base_fn)(void);
/* A symbol of its own: the table has no way to place the CPU's provider before others. */
typedef px_ort_status *(*px_ort_append_cpu_fn)(px_ort_options *options, int use_arena);

#endif
