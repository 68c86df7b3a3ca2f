/* backend/onnxrt/args.h - options of ONNX Runtime sessions. */
#ifndef PX_BACKEND_ONNXRT_ARGS_H
#define PX_BACKEND_ONNXRT_ARGS_H

#include "base/opt.h"

typedef struct px_onnxrt_args {
    px_opt_strs providers;               /* names or parts of them, by priority; default "cpu" */
    px_opt_str graph_optimization_level; /* name as in ONNX Runtime's enum: "ORT_ENABLE_ALL" */

    /* Ours. */
    px_opt_strs onnxrt_custom_ops; /* shared libraries with operators */
    px_opt_flag low_memory;
} px_onnxrt_args;

extern const px_opt_section px_onnxrt_group;

/* Errors: USAGE for a level that does not exist. */
PX_MUST_USE pgy_status *px_onnxrt_args_check(const px_onnxrt_args *args);

#endif
