/* polygraphy/trt_build.h - building a TensorRT engine around somebody else's objects.
 *
 * A process that has TensorRT objects of its own, such as a Python process with the tensorrt
 * module, hands them in step by step; the library parses the model, applies the options of a
 * command line to them and builds. This is what runs the scripts of --trt-config-script and its
 * siblings.
 */
#ifndef POLYGRAPHY_TRT_BUILD_H
#define POLYGRAPHY_TRT_BUILD_H

#include "polygraphy/context.h"
#include "polygraphy/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pgy_trt_step {
    PGY_TRT_STEP_BEGIN = 0,   /* wants builder and network, config too unless a script makes it */
    PGY_TRT_STEP_NETWORK = 1, /* the network is parsed: change it */
    PGY_TRT_STEP_CONFIG = 2,  /* wants the config of a script */
    PGY_TRT_STEP_EDIT = 3,    /* the config is complete: change it */
    PGY_TRT_STEP_FEED = 4 /* wants the next data of --data-loader-script, for int8 calibration */
} pgy_trt_step;

/* One step. Objects are C++ pointers that stay alive until pgy_trt_build returns; who made them
 * deletes them. */
typedef struct pgy_trt_request {
    int step;
    unsigned network_flags; /* BEGIN: what createNetworkV2 is to be called with */
    /* Takes the messages of an ILogger that the builder is made with (severities of TensorRT). */
    void (*say)(void *logger, int severity, const char *message);
    void *logger;
    void *builder, *network, *config; /* answers; not wanted ones stay as they are */
    const char *error;                /* answer: why the step failed, valid until the next step */
    int64_t i_feed;                   /* FEED: which one, in order; 0 begins anew */
    /* Answers to FEED, alive until the next step; 0: there is no such feed. */
    size_t n_tensors;
    const char *const *names;
    pgy_tensor *const *tensors;
} pgy_trt_request;

typedef struct pgy_trt_steps {
    size_t struct_size;
    void *user;
    /* Answers a request; not 0: see `error`. */
    int (*step)(void *user, pgy_trt_request *request);
    pgy_log_fn log;
    /* Receives the finished engine; the bytes are valid during the call. */
    void (*plan)(void *user, const void *bytes, size_t size);
} pgy_trt_steps;

/* Builds with the options of a `polygraphy run` command line, `argv[0]` included. Files that they
 * name (engine, timing cache, tactics) are written. Errors: those of --trt, and the steps'. */
PGY_API PGY_MUST_USE pgy_status *pgy_trt_build(int argc, const char *const *argv,
                                               const pgy_trt_steps *steps);

#ifdef __cplusplus
}
#endif
#endif
