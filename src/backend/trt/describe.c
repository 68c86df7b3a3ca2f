/* backend/trt/describe.c - the builder's configuration in words.
 *
 * Read back from TensorRT, so that it is what the build will use, not what was asked for.
 */
#include "backend/trt/build.h"

#include "base/fmt.h"
#include "base/log.h"

enum { MAX_ENUMERATOR = 64 };

static void row(px_buf *text, const char *title)
{
    px_buf_printf(text, "\n    %-22s | ", title);
}

typedef bool (*is_on_fn)(const px_trt_abi *abi, void *config, int32_t value);

/* "[A, B]": the enumerators that are on. */
static void put_set(px_buf *text, const px_trt_abi *abi, void *config, const char *enumeration,
                    is_on_fn is_on)
{
    bool is_first = true;
    px_buf_putc(text, '[');
    for (int32_t value = 0; value < MAX_ENUMERATOR; value++) {
        const char *name = px_trt_enum_name(abi, enumeration, value);
        if (name == NULL || !is_on(abi, config, value))
            continue;
        px_buf_printf(text, "%s%s", is_first ? "" : ", ", name);
        is_first = false;
    }
    px_buf_putc(text, ']');
}

static bool has_flag(const px_trt_abi *abi, void *config, int32_t value)
{
    return px_trt_config_get_flag(abi, config, value);
}

static bool has_source(const px_trt_abi *abi, void *config, int32_t value)
{
    return px_trt_config_get_tactic_sources(abi, config) >> value & 1;
}

static bool has_feature(const px_trt_abi *abi, void *config, int32_t value)
{
    return px_trt_config_get_preview_feature(abi, config, value);
}

static bool has_quantization(const px_trt_abi *abi, void *config, int32_t value)
{
    return px_trt_config_get_quantization_flags(abi, config) >> value & 1;
}

static void put_enum(px_buf *text, const px_trt_abi *abi, const char *enumeration, int32_t value)
{
    const char *name = px_trt_enum_name(abi, enumeration, value);
    if (name != NULL)
        px_buf_printf(text, "%s.%s", enumeration, name);
    else
        px_buf_printf(text, "%s %d", enumeration, value);
}

static void put_pools(px_buf *text, const px_trt_abi *abi, void *config, bool has_dla)
{
    bool is_first = true;
    px_buf_putc(text, '[');
    for (int32_t pool = 0; pool < MAX_ENUMERATOR; pool++) {
        const char *name = px_trt_enum_name(abi, "MemoryPoolType", pool);
        if (name == NULL || (!has_dla && px_str_starts(px_str_of(name), "DLA_")))
            continue;
        px_buf_printf(text, "%s%s: ", is_first ? "" : ", ", name);
        px_fmt_f(text, (double)px_trt_config_get_memory_pool_limit(abi, config, pool) / 1048576.0,
                 2);
        px_buf_puts(text, " MiB");
        is_first = false;
    }
    px_buf_putc(text, ']');
}

/* The lines that the reference shows. */
static void put_main(px_trt_build *b, px_buf *text)
{
    const px_trt_abi *abi = &b->lib->abi;
    const int32_t device = px_trt_config_get_default_device_type(abi, b->config);
    const bool has_dla = device == px_trt_enum(abi, "DeviceType", PX_STR("DLA"));
    const int32_t n_profiles = px_trt_config_get_nb_optimization_profiles(abi, b->config);

    px_buf_puts(text, "Building engine with configuration:");
    row(text, "Flags");
    put_set(text, abi, b->config, "BuilderFlag", has_flag);
    row(text, "Engine Capability");
    put_enum(text, abi, "EngineCapability", px_trt_config_get_engine_capability(abi, b->config));
    row(text, "Memory Pools");
    put_pools(text, abi, b->config, has_dla);
    row(text, "Tactic Sources");
    put_set(text, abi, b->config, "TacticSource", has_source);
    if (has_dla) {
        row(text, "DLA");
        px_buf_printf(text, "Default Device Type: DeviceType.DLA, Core: %d",
                      px_trt_config_get_dla_core(abi, b->config));
    }
    row(text, "Profiling Verbosity");
    put_enum(text, abi, "ProfilingVerbosity",
             px_trt_config_get_profiling_verbosity(abi, b->config));
    if (n_profiles > 1) {
        row(text, "Optimization Profiles");
        px_buf_printf(text, "%d profile(s)", n_profiles);
    }
    row(text, "Preview Features");
    put_set(text, abi, b->config, "PreviewFeature", has_feature);
    if (b->calibrator != NULL) {
        row(text, "Calibrator");
        px_buf_puts(text, px_trt_calibrator_name(b->calibrator));
    }
    if (b->args->quantization_flags.given) {
        row(text, "Quantization Flags");
        put_set(text, abi, b->config, "QuantizationFlag", has_quantization);
    }
}

/* Everything else that changes what is built: a fixed order and one line each, for `diff`. */
static void put_rest(px_trt_build *b, px_buf *text)
{
    const px_trt_abi *abi = &b->lib->abi;
    px_buf_puts(text, "More of the configuration:");
    row(text, "Library");
    px_buf_puts(text, abi->name);
    row(text, "GPU");
    if (b->lib->has_gpu)
        px_buf_printf(text, "%s, compute capability %d.%d", b->lib->cuda.name,
                      b->lib->cuda.cc_major, b->lib->cuda.cc_minor);
    else
        px_buf_puts(text, "none");
    if (px_trt_has(abi, PX_TRT_NETWORK_GET_FLAGS)) {
        row(text, "Network Flags");
        px_buf_printf(text, "0x%x", px_trt_network_get_flags(abi, b->network));
    }
    row(text, "Network Size");
    px_buf_printf(text, "%d layers, %d inputs, %d outputs",
                  px_trt_network_get_nb_layers(abi, b->network),
                  px_trt_network_get_nb_inputs(abi, b->network),
                  px_trt_network_get_nb_outputs(abi, b->network));
    if (b->parser != NULL) {
        row(text, "Parser Flags");
        px_buf_printf(text, "0x%x", px_trt_parser_get_flags(abi, b->parser));
    }
    row(text, "Model Cast To");
    px_buf_puts(text, b->cast_to != PGY_DTYPE_UNKNOWN ? pgy_dtype_name(b->cast_to) : "none");
    row(text, "Optimization Level");
    px_buf_printf(text, "%d", px_trt_config_get_builder_optimization_level(abi, b->config));
    row(text, "Auxiliary Streams");
    px_buf_printf(text, "%d", px_trt_config_get_max_aux_streams(abi, b->config));
    if (!abi->is_rtx) { /* RTX warns when asked */
        row(text, "Hardware Compatibility");
        put_enum(text, abi, "HardwareCompatibilityLevel",
                 px_trt_config_get_hardware_compatibility_level(abi, b->config));
    }
    if (px_trt_has(abi, PX_TRT_CONFIG_GET_RUNTIME_PLATFORM)) {
        row(text, "Runtime Platform");
        put_enum(text, abi, "RuntimePlatform", px_trt_config_get_runtime_platform(abi, b->config));
    }
    if (px_trt_has(abi, PX_TRT_CONFIG_GET_TILING_OPTIMIZATION_LEVEL)) {
        row(text, "Tiling Level");
        put_enum(text, abi, "TilingOptimizationLevel",
                 px_trt_config_get_tiling_optimization_level(abi, b->config));
    }
}

pgy_status *px_trt_config_describe(px_trt_build *b)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    put_main(b, &text);
    PX_TRY(px_buf_status(&text));
    px_log_text(b->cx, PGY_LOG_START, PX_AT_TRT, px_buf_str(&text));
    if (px_log_enabled(b->cx, PGY_LOG_VERBOSE, PX_AT_TRT)) {
        text.len = 0;
        put_rest(b, &text);
        PX_TRY(px_buf_status(&text));
        px_log_text(b->cx, PGY_LOG_VERBOSE, PX_AT_TRT, px_buf_str(&text));
    }
done:
    px_buf_fini(&text);
    return st;
}
