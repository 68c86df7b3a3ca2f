/* backend/trt/config.c - the builder's configuration from the command line's options. */
#include "backend/trt/build.h"

#include "base/log.h"

/* --- builder flags --- */

/* Options that are a builder flag, in the order in which they are set. */
static const struct {
    size_t given; /* offset in px_trt_args */
    const char *option, *flag;
    const char *way_out; /* where a version lacks the flag */
} flags[] = {
#define FLAG(field, name, builder_flag, way)                                                       \
    {                                                                                              \
        offsetof(px_trt_args, field.given), name, builder_flag, way                                \
    }
    FLAG(tf32, "--tf32", "TF32", NULL),
    FLAG(fp16, "--fp16", "FP16", NULL),
    FLAG(bf16, "--bf16", "BF16", "TensorRT 10 and newer have bfloat16."),
    FLAG(fp8, "--fp8", "FP8", "Put QuantizeLinear and DequantizeLinear into the ONNX model."),
    FLAG(int8, "--int8", "INT8", "Put QuantizeLinear and DequantizeLinear into the ONNX model."),
    FLAG(sparse_weights, "--sparse-weights", "SPARSE_WEIGHTS", NULL),
    FLAG(trt_safety_restricted, "--trt-safety-restricted", "SAFETY_SCOPE", NULL),
    FLAG(refittable, "--refittable", "REFIT", NULL),
    FLAG(strip_plan, "--strip-plan", "STRIP_PLAN", "TensorRT 10 and newer have it."),
    FLAG(direct_io, "--direct-io", "DIRECT_IO", NULL),
    FLAG(version_compatible, "--version-compatible", "VERSION_COMPATIBLE", NULL),
    FLAG(exclude_lean_runtime, "--exclude-lean-runtime", "EXCLUDE_LEAN_RUNTIME", NULL),
    FLAG(weight_streaming, "--weight-streaming", "WEIGHT_STREAMING",
         "TensorRT 10 and newer have it."),
    FLAG(error_on_timing_cache_miss, "--error-on-timing-cache-miss", "ERROR_ON_TIMING_CACHE_MISS",
         "TensorRT 10 and newer have it."),
    FLAG(disable_compilation_cache, "--disable-compilation-cache", "DISABLE_COMPILATION_CACHE",
         "TensorRT 10 and newer have it."),
#undef FLAG
};

static pgy_status *set_flag(px_trt_build *b, const char *option, const char *name,
                            const char *way_out)
{
    px_buf thing = {0};
    const int32_t flag = px_trt_enum(&b->lib->abi, "BuilderFlag", px_str_of(name));
    if (flag >= 0) {
        px_trt_config_set_flag(&b->lib->abi, b->config, flag);
        return NULL;
    }
    px_buf_printf(&thing, "builder flag %s", name);
    pgy_status *st = px_trt_lacks(b->lib, option, px_buf_cstr(&thing), way_out);
    px_buf_fini(&thing);
    return st;
}

/* Newer versions take float16 and bfloat16 from the model, which is cast: see network.c. */
static bool is_cast_instead(const px_trt_build *b, const char *flag)
{
    return (strcmp(flag, "FP16") == 0 && b->cast_to == PGY_DTYPE_F16) ||
           (strcmp(flag, "BF16") == 0 && b->cast_to == PGY_DTYPE_BF16);
}

static pgy_status *set_flags(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const int32_t tf32 = px_trt_enum(abi, "BuilderFlag", PX_STR("TF32"));

    /* It is on in a new configuration. */
    if (!b->args->tf32.given && tf32 >= 0) {
        px_trt_config_clear_flag(abi, b->config, tf32);
        px_log(b->cx, PGY_LOG_INFO, PX_AT_TRT,
               "TF32 is disabled by default. Turn on TF32 for better performance with minor "
               "accuracy differences.");
    }
    for (size_t i = 0; i < PX_COUNTOF(flags); i++) {
        const bool *given = (const bool *)((const char *)b->args + flags[i].given);
        if (*given && !is_cast_instead(b, flags[i].flag))
            PX_TRY(set_flag(b, flags[i].option, flags[i].flag, flags[i].way_out));
    }
    const px_opt_str *constraints = &b->args->precision_constraints;
    if (constraints->given && strcmp(constraints->value, "none") != 0) {
        PX_TRY(set_flag(b, "--precision-constraints",
                        strcmp(constraints->value, "obey") == 0 ? "OBEY_PRECISION_CONSTRAINTS"
                                                                : "PREFER_PRECISION_CONSTRAINTS",
                        "Its networks are strongly typed and always obey the model."));
    }
done:
    return st;
}

/* --- the deep learning accelerator --- */

static pgy_status *set_dla(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const bool falls_back = b->args->allow_gpu_fallback.given;

    if (!b->args->use_dla.given) {
        if (falls_back)
            px_log(b->cx, PGY_LOG_WARNING, PX_AT_TRT,
                   "--allow-gpu-fallback has no effect without --use-dla.");
        goto done;
    }
    if (abi->is_rtx)
        PX_TRY(px_trt_lacks(b->lib, "--use-dla", "deep learning accelerator", NULL));
    if (px_trt_builder_get_nb_dla_cores(abi, b->builder) == 0) {
        if (!falls_back)
            PX_TRY(PX_FAIL(PGY_ERR_BACKEND,
                           "DLA was requested via --use-dla, but no DLA hardware is available on "
                           "this system. Leave the option out, or add --allow-gpu-fallback."));
        px_log(b->cx, PGY_LOG_WARNING, PX_AT_TRT,
               "This system has no DLA: all layers run on the GPU.");
        goto done;
    }
    px_trt_config_set_default_device_type(abi, b->config,
                                          px_trt_enum(abi, "DeviceType", PX_STR("DLA")));
    px_trt_config_set_dla_core(abi, b->config, 0);
    if (falls_back)
        PX_TRY(set_flag(b, "--allow-gpu-fallback", "GPU_FALLBACK", NULL));
    if (px_trt_has_precision_flags(abi)) {
        PX_TRY(set_flag(b, "--use-dla", "PREFER_PRECISION_CONSTRAINTS", NULL));
        if (!falls_back)
            PX_TRY(set_flag(b, "--use-dla", "DIRECT_IO", NULL));
    }
done:
    return st;
}

/* --- everything that is no flag --- */

static pgy_status *set_pool_limits(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_opt_keyed *pools = &b->args->pool_limit;
    for (size_t i = 0; i < pools->n; i++) {
        int32_t pool = 0;
        PX_TRY(px_trt_enum_of(b->lib, "--pool-limit", "MemoryPoolType", pools->at[i].key, &pool));
        if (pools->at[i].value.kind != PX_CAST_INT || pools->at[i].value.i < 0)
            PX_TRY(PX_FAIL(PGY_ERR_USAGE, "--pool-limit %s: this is no number of bytes.",
                           pools->at[i].word));
        px_trt_config_set_memory_pool_limit(&b->lib->abi, b->config, pool,
                                            (uint64_t)pools->at[i].value.i);
    }
done:
    return st;
}

static pgy_status *set_tactic_sources(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_opt_strs *names = &b->args->tactic_sources;
    uint32_t mask = 0;
    if (!names->given)
        goto done;
    for (size_t i = 0; i < names->n; i++) {
        int32_t source = 0;
        PX_TRY(px_trt_enum_of(b->lib, "--tactic-sources", "TacticSource", names->at[i], &source));
        mask |= 1u << source;
    }
    px_trt_begin(b->lib);
    if (!px_trt_config_set_tactic_sources(&b->lib->abi, b->config, mask))
        PX_TRY(px_trt_failed(b->lib, "refuses the tactic sources 0x%x", mask));
    px_trt_end(b->lib);
done:
    return st;
}

static bool is_listed(const px_opt_strs *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (px_str_eq_nocase(px_str_of(names->at[i]), px_str_of(name)))
            return true;
    return false;
}

typedef void (*switch_fn)(const px_trt_abi *abi, void *config, int32_t value, bool on);

static void switch_feature(const px_trt_abi *abi, void *config, int32_t value, bool on)
{
    px_trt_config_set_preview_feature(abi, config, value, on);
}

static void switch_quantization(const px_trt_abi *abi, void *config, int32_t value, bool on)
{
    if (on)
        px_trt_config_set_quantization_flag(abi, config, value);
    else
        px_trt_config_clear_quantization_flag(abi, config, value);
}

/* Switches every enumerator on or off: on are those named. */
static pgy_status *switch_all(px_trt_build *b, const char *option, const char *enumeration,
                              const px_opt_strs *names, px_trt_method method, switch_fn fn)
{
    enum { MAX_ENUMERATOR = 64 };
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    if (!names->given)
        goto done;
    if (!px_trt_has(abi, method))
        PX_TRY(px_trt_lacks(b->lib, option, enumeration, NULL));
    for (size_t i = 0; i < names->n; i++) {
        int32_t value = 0;
        PX_TRY(px_trt_enum_of(b->lib, option, enumeration, names->at[i], &value));
    }
    for (int32_t value = 0; value < MAX_ENUMERATOR; value++) {
        const char *name = px_trt_enum_name(abi, enumeration, value);
        if (name != NULL)
            fn(abi, b->config, value, is_listed(names, name));
    }
done:
    return st;
}

static pgy_status *set_verbosity(px_trt_build *b)
{
    const px_opt_str *given = &b->args->profiling_verbosity;
    int32_t verbosity = 0;
    pgy_status *st = px_trt_enum_of(b->lib, "--profiling-verbosity", "ProfilingVerbosity",
                                    given->given ? given->value : "DETAILED", &verbosity);
    if (st == NULL)
        px_trt_config_set_profiling_verbosity(&b->lib->abi, b->config, verbosity);
    return st;
}

static pgy_status *set_number(px_trt_build *b, const char *option, const px_opt_int *given,
                              void (*set)(const px_trt_abi *, void *, int32_t))
{
    if (!given->given)
        return NULL;
    if (given->value < INT32_MIN || given->value > INT32_MAX)
        return PX_FAIL(PGY_ERR_USAGE, "%s %lld: this number is too large.", option,
                       (long long)given->value);
    px_trt_begin(b->lib);
    set(&b->lib->abi, b->config, (int32_t)given->value);
    px_trt_end(b->lib);
    return NULL;
}

static pgy_status *set_levels(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const px_trt_args *args = b->args;
    int32_t value = 0;

    PX_TRY(set_number(b, "--builder-optimization-level", &args->builder_optimization_level,
                      px_trt_config_set_builder_optimization_level));
    PX_TRY(set_number(b, "--max-aux-streams", &args->max_aux_streams,
                      px_trt_config_set_max_aux_streams));
    if (args->hardware_compatibility_level.given) {
        if (abi->is_rtx)
            PX_TRY(px_trt_lacks(b->lib, "--hardware-compatibility-level",
                                "choice of hardware compatibility", NULL));
        PX_TRY(px_trt_enum_of(b->lib, "--hardware-compatibility-level",
                              "HardwareCompatibilityLevel",
                              args->hardware_compatibility_level.value, &value));
        px_trt_config_set_hardware_compatibility_level(abi, b->config, value);
    }
    if (args->runtime_platform.given) {
        if (!px_trt_has(abi, PX_TRT_CONFIG_SET_RUNTIME_PLATFORM))
            PX_TRY(px_trt_lacks(b->lib, "--runtime-platform", "choice of a runtime platform",
                                "TensorRT 10.2 and newer have it."));
        PX_TRY(px_trt_enum_of(b->lib, "--runtime-platform", "RuntimePlatform",
                              args->runtime_platform.value, &value));
        px_trt_config_set_runtime_platform(abi, b->config, value);
    }
    if (args->tiling_optimization_level.given) {
        if (!px_trt_has(abi, PX_TRT_CONFIG_SET_TILING_OPTIMIZATION_LEVEL))
            PX_TRY(px_trt_lacks(b->lib, "--tiling-optimization-level",
                                "choice of a tiling optimization level",
                                "TensorRT 10.8 and newer have it."));
        PX_TRY(px_trt_enum_of(b->lib, "--tiling-optimization-level", "TilingOptimizationLevel",
                              args->tiling_optimization_level.value, &value));
        px_trt_begin(b->lib);
        if (!px_trt_config_set_tiling_optimization_level(abi, b->config, value))
            PX_TRY(px_trt_failed(b->lib, "refuses --tiling-optimization-level %s",
                                 args->tiling_optimization_level.value));
        px_trt_end(b->lib);
    }
done:
    return st;
}

/* "8.6" is the enumerator SM86, "current" is CURRENT. */
static pgy_status *set_compute_capabilities(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const px_opt_strs *given = &b->args->compute_capabilities;
    px_buf name = {0}, names = {0};

    if (!given->given)
        goto done;
    if (!px_trt_has(abi, PX_TRT_CONFIG_SET_COMPUTE_CAPABILITY))
        PX_TRY(px_trt_lacks(b->lib, "--compute-capabilities", "choice of compute capabilities",
                            "It builds for the GPU at hand; --hardware-compatibility-level lets "
                            "others run the engine."));
    px_trt_begin(b->lib);
    if (!px_trt_config_set_nb_compute_capabilities(abi, b->config, (int32_t)given->n))
        PX_TRY(px_trt_failed(b->lib, "refuses %zu compute capabilities", given->n));
    for (size_t i = 0; i < given->n; i++) {
        const char *word = given->at[i];
        name.len = 0;
        px_buf_puts(&name, px_str_eq_nocase(px_str_of(word), PX_STR("current")) ? "" : "SM");
        for (const char *c = word; *c != '\0'; c++)
            if (*c != '.')
                px_buf_putc(&name, *c);
        PX_TRY(px_buf_status(&name));
        const int32_t value = px_trt_enum(abi, "ComputeCapability", px_buf_str(&name));
        px_trt_enum_print_names(abi, "ComputeCapability", &names);
        if (value < 0)
            PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                           "--compute-capabilities %s: %s cannot build for it; it knows %s, where "
                           "SM86 is written 8.6.",
                           word, abi->name, px_buf_cstr(&names)));
        if (!px_trt_config_set_compute_capability(abi, b->config, value, (int32_t)i))
            PX_TRY(px_trt_failed(b->lib, "refuses the compute capability %s", word));
    }
    px_trt_end(b->lib);
done:
    px_buf_fini(&name);
    px_buf_fini(&names);
    return st;
}

/* What has no meaning for the version at hand, before anything slow. */
static pgy_status *refuse_what_is_missing(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_args *args = b->args;
    const bool has_calibration = px_trt_has(&b->lib->abi, PX_TRT_CONFIG_SET_INT8_CALIBRATOR);
    if (args->calibration_cache.given && !has_calibration)
        PX_TRY(px_trt_lacks(b->lib, "--calibration-cache", "int8 calibration",
                            "Put QuantizeLinear and DequantizeLinear into the ONNX model."));
    if (args->calib_base_cls.given && !has_calibration)
        PX_TRY(px_trt_lacks(b->lib, "--calib-base-cls", "int8 calibration",
                            "Put QuantizeLinear and DequantizeLinear into the ONNX model."));
    if (args->save_tactics.given || args->load_tactics.given)
        if (!px_trt_has(&b->lib->abi, PX_TRT_CONFIG_SET_ALGORITHM_SELECTOR))
            PX_TRY(px_trt_lacks(b->lib,
                                args->save_tactics.given ? "--save-tactics" : "--load-tactics",
                                "algorithm selector",
                                "A timing cache (--save-timing-cache, --load-timing-cache) makes "
                                "builds repeatable there."));
done:
    return st;
}

pgy_status *px_trt_config_make(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_args *args = b->args;

    PX_TRY(refuse_what_is_missing(b));
    PX_TRY(set_verbosity(b));
    PX_TRY(set_flags(b));
    PX_TRY(set_dla(b));
    PX_TRY(set_pool_limits(b));
    PX_TRY(set_tactic_sources(b));
    PX_TRY(switch_all(b, "--preview-features", "PreviewFeature", &args->preview_features,
                      PX_TRT_CONFIG_SET_PREVIEW_FEATURE, switch_feature));
    PX_TRY(switch_all(b, "--quantization-flags", "QuantizationFlag", &args->quantization_flags,
                      PX_TRT_CONFIG_SET_QUANTIZATION_FLAG, switch_quantization));
    PX_TRY(set_levels(b));
    PX_TRY(set_compute_capabilities(b));
    PX_TRY(px_trt_timing_cache_load(b));
    PX_TRY(px_trt_selector_attach(b));
done:
    return st;
}
