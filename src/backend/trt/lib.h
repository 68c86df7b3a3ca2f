/* backend/trt/lib.h - TensorRT or TensorRT-RTX, found and loaded, with the GPU it works on.
 *
 * Factory functions of TensorRT crash or throw when there is no usable driver, so the driver is
 * opened first. TensorRT-RTX builds without a GPU; then `no_gpu` says why there is none. Libraries
 * stay in the process: their threads and exit handlers do not survive being unmapped.
 */
#ifndef PX_BACKEND_TRT_LIB_H
#define PX_BACKEND_TRT_LIB_H

#include "backend/discover.h"
#include "backend/trt/abi.h"
#include "backend/trt/cuda.h"
#include "base/px.h"
#include "polygraphy/context.h"

#include <pthread.h>

typedef struct px_trt_lib px_trt_lib;

/* The object that TensorRT logs to. */
typedef struct px_trt_logger {
    const void *vptr; /* first word, as C++ has it */
    px_trt_lib *lib;
} px_trt_logger;

struct px_trt_lib {
    pgy_context *cx;
    px_trt_abi abi;
    char *path, *dir;
    px_found_by found_by;
    int32_t lib_version; /* as the library encodes it; handed back to its factories */

    void *(*create_builder)(void *logger, int32_t version);
    void *(*create_runtime)(void *logger, int32_t version);
    void *(*create_parser)(void *network, void *logger, int32_t version); /* NULL: not loaded */
    int32_t parser_version;
    void *(*create_uff_parser)(void); /* 8.6: NULL until loaded */
    void *(*create_caffe_parser)(void);
    bool (*init_plugins)(void *logger, const char *name_space); /* NULL: no plugin library */

    px_cuda cuda;
    bool has_gpu;
    char *no_gpu; /* why not; NULL with a GPU */

    px_trt_vtable logger_vtable;
    px_trt_logger logger;
    pthread_mutex_t lock; /* of what follows: TensorRT logs from its own threads too */
    px_buf held;          /* error messages since px_trt_begin, NUL-ended each */
};

/* Looks, loads, checks the version, opens GPU `device`. Errors: BACKEND with all that was tried,
 * and for TensorRT (not RTX) when there is no GPU. */
PX_MUST_USE pgy_status *px_trt_lib_open(pgy_context *cx, int device, px_trt_lib **out);
/* The same for looking only: without a GPU `no_gpu` says why, whatever the library. */
PX_MUST_USE pgy_status *px_trt_lib_probe(pgy_context *cx, px_trt_lib **out);
void px_trt_lib_close(px_trt_lib *lib); /* accepts NULL */

/* Loads the ONNX parser that lies beside the library. At most once. Errors: BACKEND. */
PX_MUST_USE pgy_status *px_trt_lib_need_parser(px_trt_lib *lib);
/* The same for the UFF and Caffe parsers that 8.6 has. */
PX_MUST_USE pgy_status *px_trt_lib_need_parsers_8(px_trt_lib *lib);
/* Loads and registers TensorRT's own plugins, if their library is there, then `paths`. */
PX_MUST_USE pgy_status *px_trt_lib_load_plugins(px_trt_lib *lib, const char *const *paths,
                                                size_t n);

/* A message of TensorRT, from any thread. Severities of nvinfer1::ILogger. */
void px_trt_hear(px_trt_lib *lib, int32_t severity, const char *message);
/* Starts a call whose error messages belong to one step: forgets older ones. */
void px_trt_begin(px_trt_lib *lib);
/* Ends it well: held error messages are shown as such. */
void px_trt_end(px_trt_lib *lib);
/* Ends it badly: a status "TensorRT 10.6.0 WHAT: first message". Further messages are shown. */
PX_MUST_USE pgy_status *px_trt_failed(px_trt_lib *lib, const char *fmt, ...) PX_PRINTF(2, 3);
/* "NAME: TensorRT 8.6.1 has no THING. WAY_OUT" (`way_out` may be NULL): an option that the loaded
 * version cannot serve. UNSUPPORTED. */
PX_MUST_USE pgy_status *px_trt_lacks(const px_trt_lib *lib, const char *option, const char *thing,
                                     const char *way_out);
/* Value of an enumerator that a user wrote for `option`. Errors: USAGE listing the names of this
 * version. */
PX_MUST_USE pgy_status *px_trt_enum_of(const px_trt_lib *lib, const char *option,
                                       const char *enumeration, const char *name, int32_t *out);

/* "WHAT in 0.123 seconds", for -v. `start_ns` as px_time_ns gives it. */
void px_trt_log_since(pgy_context *cx, const char *what, uint64_t start_ns);

/* Folder that must be in LD_LIBRARY_PATH when the process starts, or NULL: releases without a run
 * path find the kernels that lie beside them only there. The caller frees. */
char *px_trt_folder_for_loader(void);

#define PX_AT_TRT "backend/trt/loader.py"
#define PX_AT_TRT_RUNNER "backend/trt/runner.py"
#define PX_AT_TRT_UTIL "backend/trt/util.py"

#endif
