/* backend/trt/build.h - from a model to a plan: network, configuration, build.
 *
 * The steps share a px_trt_build, each in a file of its own. An option that the loaded version
 * cannot serve is an error that says so, never left out in silence.
 */
#ifndef PX_BACKEND_TRT_BUILD_H
#define PX_BACKEND_TRT_BUILD_H

#include "backend/trt/calls.h"
#include "backend/trt/lib.h"
#include "backend/trt/setup.h"
#include "model/edit.h"

typedef struct px_trt_calibrator px_trt_calibrator;
typedef struct px_trt_selector px_trt_selector;
typedef struct px_trt_monitor px_trt_monitor;

typedef struct px_trt_build {
    pgy_context *cx;
    px_trt_lib *lib;
    const px_trt_setup *setup;
    const px_trt_args *args;
    /* TensorRT's objects; NULL until made. */
    void *builder, *network, *parser, *config, *timing_cache;
    bool is_foreign;        /* builder, network and config belong to a script */
    void *parser_8;         /* UFF or Caffe parser of 8.6 */
    pgy_model *model;       /* the runner's, or `own_model`, which is parsed instead */
    pgy_model *own_model;   /* without the outputs marked for other runners, or cast to `cast_to` */
    px_model_args own_args; /* what own_model was loaded with */
    px_model_image image;   /* bytes of an edited model; the parser points into them */
    pgy_dtype cast_to;      /* F16 or BF16 where the version has no builder flag; else UNKNOWN */
    px_trt_calibrator *calibrator;
    px_trt_selector *selector;
    px_trt_monitor *monitor;
    px_arena arena;
} px_trt_build;

/* A serialized engine. */
typedef struct px_trt_plan {
    void *memory; /* TensorRT's object that holds the bytes, or NULL */
    const void *data;
    size_t size;
} px_trt_plan;

/* Builds and, where asked for, saves. Errors: BACKEND with TensorRT's words, UNSUPPORTED for an
 * option that this version lacks, USAGE, IO. */
PX_MUST_USE pgy_status *px_trt_build_plan(pgy_context *cx, px_trt_lib *lib, pgy_model *model,
                                          const px_trt_setup *setup, px_trt_plan *out);
void px_trt_plan_fini(px_trt_plan *plan);

/* --- the steps --- */

/* build.c: one step of the scripts; without them nothing happens. */
PX_MUST_USE pgy_status *px_trt_build_step(px_trt_build *b, pgy_trt_step step, uint32_t flags);
/* network.c: what the network is to be created with. */
PX_MUST_USE pgy_status *px_trt_network_flags(px_trt_build *b, uint32_t *out);
/* network.c: makes the network and parses the model into it. */
PX_MUST_USE pgy_status *px_trt_network_make(px_trt_build *b);
/* uff_caffe.c: UFF and Caffe files, which 8.6 alone can parse. `check` tells other versions. */
bool px_trt_is_uff_or_caffe(const pgy_model *model);
PX_MUST_USE pgy_status *px_trt_check_uff_caffe(const px_trt_lib *lib, const pgy_model *model);
PX_MUST_USE pgy_status *px_trt_parse_uff_caffe(px_trt_build *b);
PX_MUST_USE pgy_status *px_trt_max_batch_set(px_trt_build *b);
void px_trt_uff_caffe_free(px_trt_build *b);
/* network_edit.c: outputs, precisions, types, formats, debug tensors. */
PX_MUST_USE pgy_status *px_trt_network_edit(px_trt_build *b);
/* config.c: the whole configuration; profiles, calibrator and tactics by the next ones. */
PX_MUST_USE pgy_status *px_trt_config_make(px_trt_build *b);
/* profile.c */
PX_MUST_USE pgy_status *px_trt_profiles_add(px_trt_build *b);
enum { PX_TRT_PROFILE_MIN, PX_TRT_PROFILE_OPT, PX_TRT_PROFILE_MAX, PX_TRT_PROFILE_KINDS };
/* What the first profile given says of an input; NULL: nothing. */
const px_opt_shape *px_trt_profile_shape(const px_trt_args *args, const char *input, int kind);
/* timing_cache.c. Before the build, and after it. */
PX_MUST_USE pgy_status *px_trt_timing_cache_load(px_trt_build *b);
PX_MUST_USE pgy_status *px_trt_timing_cache_save(px_trt_build *b);
/* describe.c: the configuration as it is now, for reading and for comparing two runs. */
PX_MUST_USE pgy_status *px_trt_config_describe(px_trt_build *b);

/* calibrator.c: gives int8 calibration to the configuration, for the shapes of a profile (NULL: of
 * the network's inputs, a batch of one). `finish` reports what went wrong in
 * TensorRT's calls of it. */
PX_MUST_USE pgy_status *px_trt_calibrator_attach(px_trt_build *b, void *profile);
PX_MUST_USE pgy_status *px_trt_calibrator_finish(px_trt_calibrator *c); /* accepts NULL */
void px_trt_calibrator_free(px_trt_calibrator *c);                      /* accepts NULL */
const char *px_trt_calibrator_name(const px_trt_calibrator *c);

/* tactics.c: records or replays the kernels chosen. `finish` says what of the replay could not be
 * followed, `save` writes what was recorded. */
PX_MUST_USE pgy_status *px_trt_selector_attach(px_trt_build *b);
PX_MUST_USE pgy_status *px_trt_selector_finish(px_trt_selector *s); /* accepts NULL */
PX_MUST_USE pgy_status *px_trt_selector_save(px_trt_selector *s);   /* accepts NULL */
void px_trt_selector_free(px_trt_selector *s);                      /* accepts NULL */

/* monitor.c: shows progress of the build where somebody looks and the version can tell. */
PX_MUST_USE pgy_status *px_trt_monitor_attach(px_trt_build *b);
void px_trt_monitor_free(px_trt_monitor *m); /* accepts NULL */

/* types.c */
pgy_dtype px_trt_dtype_of(int32_t data_type); /* of nvinfer1::DataType; UNKNOWN for a newer one */
/* From the names of the Python module ("float16", "fp8") or of the enumeration ("HALF"); -1. */
int32_t px_trt_data_type_from(const px_trt_abi *abi, px_str name);
/* True when the version chooses precisions by builder flag; newer ones obey the model alone. */
bool px_trt_has_precision_flags(const px_trt_abi *abi);

#endif
