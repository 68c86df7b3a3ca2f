/* backend/trt/args.h - options of TensorRT: builder, plugins, parser, network, engine, inference.
 */
#ifndef PX_BACKEND_TRT_ARGS_H
#define PX_BACKEND_TRT_ARGS_H

#include "base/opt.h"
#include "polygraphy/context.h"

/* One optimisation profile: the same inputs in the same order for all three shapes. */
typedef struct px_trt_profile {
    size_t n;
    const px_opt_shape *min, *opt, *max; /* static dims */
} px_trt_profile;

/* How much of the streamable weights stays on the GPU. */
typedef struct px_trt_weight_budget {
    bool given;
    bool is_percent;
    double percent;     /* 0 to 100 */
    int64_t size_bytes; /* -1: TensorRT decides, -2: streaming off */
} px_trt_weight_budget;

struct px_trt_lib;
struct pgy_tensor;
/* Builds in a process that runs Python, by a library like `lib`. The engine's bytes come as a
 * tensor. */
typedef pgy_status *(*px_trt_elsewhere_fn)(void *user, const struct px_trt_lib *lib,
                                           struct pgy_tensor **out_plan);

typedef struct px_trt_args {
    /* Builder configuration. Enum names are upper-case after the check. */
    px_opt_shape_lists trt_min_shapes, trt_opt_shapes, trt_max_shapes;
    px_opt_flag tf32, fp16, bf16, fp8, int8;
    px_opt_str precision_constraints; /* "prefer", "obey", "none" */
    px_opt_flag sparse_weights, version_compatible, exclude_lean_runtime;
    px_opt_str calibration_cache;
    px_opt_str calib_base_cls;
    px_opt_float quantile, regression_cutoff;
    px_opt_str load_timing_cache;
    px_opt_flag error_on_timing_cache_miss, disable_compilation_cache;
    px_opt_str save_tactics, load_tactics;
    px_opt_strs tactic_sources;
    px_opt_script trt_config_script;             /* function "load_config" unless written */
    px_opt_script trt_config_postprocess_script; /* "postprocess_config" */
    px_opt_flag trt_safety_restricted, refittable, strip_plan, use_dla, allow_gpu_fallback;
    px_opt_keyed pool_limit; /* key: pool, value INT: bytes */
    px_opt_strs preview_features;
    px_opt_int builder_optimization_level;
    px_opt_str hardware_compatibility_level;
    px_opt_int max_aux_streams;
    px_opt_strs quantization_flags;
    px_opt_str profiling_verbosity;
    px_opt_flag weight_streaming;
    px_opt_str runtime_platform;
    px_opt_flag direct_io;
    px_opt_str tiling_optimization_level;
    px_opt_strs compute_capabilities; /* "8.0", or "current" */
    px_opt_str trt_config_func_name;  /* deprecated */

    px_opt_strs plugins; /* libraries */

    px_opt_strs onnx_flags;
    px_opt_flag plugin_instancenorm, enable_uint8_asymmetric_quantization_dla;

    px_opt_strs trt_outputs, trt_exclude_outputs, trt_outputs_by_type;
    px_opt_keyed layer_precisions; /* values TEXT: TensorRT data type names */
    px_opt_flag decomposable_attentions;
    px_opt_keyed tensor_dtypes;
    px_opt_str all_tensor_dtypes;
    px_opt_keyed tensor_formats; /* values LIST of TEXT */
    px_opt_strs all_tensor_formats;
    px_opt_scripts trt_network_postprocess_script; /* "postprocess" */
    px_opt_flag strongly_typed;
    px_opt_strs mark_debug;
    px_opt_flag mark_unfused_tensors_as_debug_tensors;
    px_opt_str trt_network_func_name; /* deprecated */

    px_opt_str save_engine;

    px_opt_str save_timing_cache, load_runtime;
    px_opt_str dla_workspace_allocation_strategy;

    px_opt_int optimization_profile;
    px_opt_str allocation_strategy;     /* "static", "profile", "runtime" */
    px_opt_str weight_streaming_budget; /* raw; see weight_budget */
    px_opt_int device;                  /* ours: number of the GPU, from 0 */

    /* Set by px_scripts_open: builds with the scripts of the options. */
    px_trt_elsewhere_fn elsewhere;
    void *elsewhere_user;

    /* Set by px_trt_args_check. */
    px_trt_profile *profiles;
    size_t n_profiles;
    px_trt_weight_budget weight_budget;
} px_trt_args;

extern const px_opt_section px_trt_builder, px_trt_plugins, px_trt_parser, px_trt_network,
    px_trt_engine_saving, px_trt_engine, px_trt_inference;

/* Builds the profiles (`input_shapes` are the inference shapes, which one profile defaults to),
 * checks names and combinations. The reference does all this with or without a TensorRT runner.
 * Errors: USAGE. */
PX_MUST_USE pgy_status *px_trt_args_check(pgy_context *cx, px_arena *arena, px_trt_args *args,
                                          const px_opt_shapes *input_shapes);

#endif
