/* model/args.h - options of the model file: type, shapes, ONNX loading, editing and saving. */
#ifndef PX_MODEL_ARGS_H
#define PX_MODEL_ARGS_H

#include "base/opt.h"
#include "polygraphy/context.h"
#include "polygraphy/model.h"

typedef struct px_model_args {
    px_opt_str model_file; /* as written */
    px_opt_str model_type;
    px_opt_shapes input_shapes;

    px_opt_str save_onnx;
    px_opt_str save_external_data; /* value NULL: the location is chosen; first occurrence counts */
    px_opt_int external_data_size_threshold; /* bytes */
    px_opt_flag no_save_all_tensors_to_one_file;

    px_opt_flag shape_inference;
    px_opt_flag no_onnxruntime_shape_inference;

    px_opt_str external_data_dir;
    px_opt_flag ignore_external_data;
    px_opt_strs onnx_outputs; /* px_opt_marks_all() tells "mark all" */
    px_opt_strs onnx_exclude_outputs;
    px_opt_strs onnx_outputs_by_type;
    px_opt_flag fp_to_fp16, fp_to_bf16;
    px_opt_strs fp16_keep; /* operator types */

    /* Set by px_model_args_check. */
    const char *path;    /* absolute where it exists; NULL without a model */
    const char *extra;   /* what followed the last colon (a function name), or NULL */
    pgy_model_type type; /* UNKNOWN without a model */
} px_model_args;

extern const px_opt_section px_model_group, px_model_saving, px_model_shape_inference,
    px_model_loading;

/* What other groups say about the type of the model. */
typedef struct px_model_hints {
    bool has_ckpt;           /* --ckpt was given */
    bool has_tf_runner;      /* --tf was given: an unknown extension then means a frozen graph */
    const char *script_func; /* --trt-network-func-name, or NULL */
} px_model_hints;

/* Splits path and extra, finds the type. Logs a missing file. Errors: USAGE. */
PX_MUST_USE pgy_status *px_model_args_check(pgy_context *cx, px_arena *arena, px_model_args *args,
                                            const px_model_hints *hints);

/* The reference's name of a type: "onnx", "trt-network-script"; "" for UNKNOWN. */
const char *px_model_type_name(pgy_model_type type);

#endif
