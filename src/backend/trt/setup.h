/* backend/trt/setup.h - what a TensorRT runner is opened with. */
#ifndef PX_BACKEND_TRT_SETUP_H
#define PX_BACKEND_TRT_SETUP_H

#include "backend/trt/args.h"
#include "data/loader.h"
#include "polygraphy/backend.h"
#include "polygraphy/trt_build.h"

/* Feed `i` of the data that int8 calibration uses, for exactly these inputs (static shapes). Fills
 * the empty `out`; sets `*out_end` instead behind the last one. */
typedef pgy_status *(*px_trt_feed_fn)(void *user, const pgy_io *inputs, size_t n, int64_t i,
                                      px_feed *out, bool *out_end);

/* The `args` of px_trt_ops; NULL stands for one with nothing given. */
typedef struct px_trt_setup {
    const px_trt_args *args;
    px_trt_feed_fn calibration_feed; /* NULL: int8 works from a cache only */
    void *calibration_user;
    const pgy_trt_steps *steps; /* of the process that runs scripts: who makes the objects */
} px_trt_setup;

/* True when one of the options names a script, or the model is one. */
bool px_trt_has_scripts(const px_trt_args *args, const pgy_model *model);

extern const pgy_backend_ops px_trt_ops;

#endif
