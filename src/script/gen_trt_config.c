/* script/gen_trt_config.c - the TensorRT builder configuration of a script. */
#include "script/gen_parts.h"

#define TRT "polygraphy.backend.trt"

const char *px_gen_trt_enums(px_gen *g, const char *class_name, const px_opt_strs *names)
{
    px_buf b = {0};
    if (!names->given)
        return NULL;
    px_gen_lazy(g, "trt", "tensorrt>=8.5");
    px_buf_putc(&b, '[');
    for (size_t i = 0; i < names->n; i++)
        px_buf_printf(&b, "%strt.%s.%s", i ? ", " : "", class_name, names->at[i]);
    px_buf_putc(&b, ']');
    return px_gen_take(g, &b);
}

const char *px_gen_trt_enum(px_gen *g, const char *class_name, const px_opt_str *name)
{
    if (!name->given)
        return NULL;
    px_gen_lazy(g, "trt", "tensorrt>=8.5");
    return px_gen_printf(g, "trt.%s.%s", class_name, name->value);
}

/* {trt.MemoryPoolType.WORKSPACE: 1073741824} */
static const char *pools(px_gen *g, const px_opt_keyed *limits)
{
    px_buf b = {0};
    if (!limits->given)
        return NULL;
    px_buf_putc(&b, '{');
    for (size_t i = 0; i < limits->n; i++)
        px_buf_printf(&b, "%strt.MemoryPoolType.%s: %lld", i ? ", " : "", limits->at[i].key,
                      (long long)limits->at[i].value.i);
    px_buf_putc(&b, '}');
    return px_gen_take(g, &b);
}

static void put_profile(px_buf *b, const px_trt_profile *profile)
{
    px_buf_puts(b, "    Profile()");
    for (size_t k = 0; k < profile->n; k++) {
        px_buf_puts(b, ".add(");
        px_buf_repr(b, px_str_of(profile->min[k].name));
        px_buf_puts(b, ", min=");
        px_opt_shape_print(b, &profile->min[k]);
        px_buf_puts(b, ", opt=");
        px_opt_shape_print(b, &profile->opt[k]);
        px_buf_puts(b, ", max=");
        px_opt_shape_print(b, &profile->max[k]);
        px_buf_putc(b, ')');
    }
}

static const char *profiles(px_gen *g, const px_trt_args *trt)
{
    px_buf b = {0};
    if (trt->n_profiles == 0)
        return NULL;
    px_gen_from(g, TRT, "Profile", NULL);
    px_buf_puts(&b, "[\n");
    for (size_t i = 0; i < trt->n_profiles; i++) {
        put_profile(&b, &trt->profiles[i]);
        px_buf_puts(&b, i + 1 < trt->n_profiles ? ",\n" : "\n");
    }
    px_buf_putc(&b, ']');
    return px_gen_assign(g, &g->loaders, "profiles", px_gen_take(g, &b));
}

static const char *calibrator(px_gen *g, const px_trt_args *trt)
{
    const char *base = NULL;
    if (!trt->int8.given)
        return NULL;
    /* The reference imports the default loader even where another one is used. */
    const char *loader = px_gen_from(g, "polygraphy.comparator", "DataLoader", NULL);
    const char *data = g->data_loader_use ? g->data_loader_use : px_gen_printf(g, "%s()", loader);
    if (trt->calib_base_cls.given)
        base = px_gen_printf(g, "trt.%s", trt->calib_base_cls.value);
    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, TRT, "Calibrator", NULL));
    px_gen_kw(&c, "data_loader", data);
    px_gen_kw(&c, "cache", px_gen_str(g, &trt->calibration_cache));
    px_gen_kw(&c, "BaseClass", base);
    px_gen_kw(&c, "quantile", px_gen_float(g, &trt->quantile));
    px_gen_kw(&c, "regression_cutoff", px_gen_float(g, &trt->regression_cutoff));
    return px_gen_call_end(&c);
}

/* The tactics are recorded or replayed. */
static const char *selector(px_gen *g, const px_trt_args *trt)
{
    bool records = trt->save_tactics.given;
    if (!records && !trt->load_tactics.given)
        return NULL;
    px_gen_call c = px_gen_call_begin(
        g, px_gen_from(g, TRT, records ? "TacticRecorder" : "TacticReplayer", NULL));
    px_gen_kw(&c, records ? "record" : "replay",
              px_gen_str(g, records ? &trt->save_tactics : &trt->load_tactics));
    return px_gen_call_end(&c);
}

static void put_settings(px_gen_call *c, px_gen *g, const px_trt_args *trt)
{
    px_gen_kw(c, "sparse_weights", px_gen_true(&trt->sparse_weights));
    px_gen_kw(c, "tactic_sources", px_gen_trt_enums(g, "TacticSource", &trt->tactic_sources));
    px_gen_kw(c, "memory_pool_limits", pools(g, &trt->pool_limit));
    px_gen_kw(c, "refittable", px_gen_true(&trt->refittable));
    px_gen_kw(c, "strip_plan", px_gen_true(&trt->strip_plan));
    px_gen_kw(c, "preview_features", px_gen_trt_enums(g, "PreviewFeature", &trt->preview_features));
    px_gen_kw(c, "direct_io", px_gen_true(&trt->direct_io));
    px_gen_kw(c, "builder_optimization_level", px_gen_int(g, &trt->builder_optimization_level));
    px_gen_kw(c, "hardware_compatibility_level",
              px_gen_trt_enum(g, "HardwareCompatibilityLevel", &trt->hardware_compatibility_level));
    px_gen_kw(c, "profiling_verbosity",
              px_gen_trt_enum(g, "ProfilingVerbosity", &trt->profiling_verbosity));
    px_gen_kw(c, "max_aux_streams", px_gen_int(g, &trt->max_aux_streams));
    px_gen_kw(c, "version_compatible", px_gen_true(&trt->version_compatible));
    px_gen_kw(c, "exclude_lean_runtime", px_gen_true(&trt->exclude_lean_runtime));
    px_gen_kw(c, "quantization_flags",
              px_gen_trt_enums(g, "QuantizationFlag", &trt->quantization_flags));
    px_gen_kw(c, "error_on_timing_cache_miss", px_gen_true(&trt->error_on_timing_cache_miss));
    px_gen_kw(c, "disable_compilation_cache", px_gen_true(&trt->disable_compilation_cache));
    px_gen_kw(c, "weight_streaming", px_gen_true(&trt->weight_streaming));
    px_gen_kw(c, "runtime_platform", px_gen_trt_enum(g, "RuntimePlatform", &trt->runtime_platform));
    px_gen_kw(c, "tiling_optimization_level",
              px_gen_trt_enum(g, "TilingOptimizationLevel", &trt->tiling_optimization_level));
}

static const char *created(px_gen *g, bool for_parser, const char *base, bool *out_is_default)
{
    const px_trt_args *trt = g->args->trt;
    const char *shapes = profiles(g, trt);
    px_gen_call c = px_gen_call_begin(g, "CreateTrtConfig");
    px_gen_kw(&c, "precision_constraints", px_gen_str(g, &trt->precision_constraints));
    px_gen_kw(&c, "restricted", px_gen_true(&trt->trt_safety_restricted));
    px_gen_kw(&c, "profiles", shapes);
    px_gen_kw(&c, "load_timing_cache", px_gen_str(g, &trt->load_timing_cache));
    px_gen_kw(&c, "algorithm_selector", selector(g, trt));
    put_settings(&c, g, trt);
    px_gen_kw(&c, "tf32", px_gen_true(&trt->tf32));
    px_gen_kw(&c, "fp16", px_gen_true(&trt->fp16));
    px_gen_kw(&c, "bf16", px_gen_true(&trt->bf16));
    px_gen_kw(&c, "int8", px_gen_true(&trt->int8));
    px_gen_kw(&c, "fp8", px_gen_true(&trt->fp8));
    px_gen_kw(&c, "calibrator", calibrator(g, trt));
    px_gen_kw(&c, "use_dla", px_gen_true(&trt->use_dla));
    px_gen_kw(&c, "allow_gpu_fallback", px_gen_true(&trt->allow_gpu_fallback));
    *out_is_default = !c.has_keyword;
    const char *call = px_gen_call_end(&c);
    if (*out_is_default && !for_parser)
        return NULL;
    px_gen_from(g, TRT, "CreateConfig", "CreateTrtConfig");
    return px_gen_assign(g, &g->loaders, base, call);
}

const char *px_gen_trt_config(px_gen *g, bool for_parser, bool *out_is_default)
{
    const px_trt_args *trt = g->args->trt;
    const char *base = for_parser ? "parser_trt_config" : "create_trt_config";
    const bool is_edited = trt->trt_config_postprocess_script.given;
    const char *config;
    if (trt->trt_config_script.given) {
        px_opt_script script = trt->trt_config_script;
        if (trt->trt_config_func_name.given)
            script.func = trt->trt_config_func_name.value;
        *out_is_default = false;
        config = px_gen_assign(g, &g->loaders, base, px_gen_script(g, &script, "load_config"));
    } else {
        config = created(g, for_parser || is_edited, base, out_is_default);
    }
    if (!is_edited)
        return config;
    *out_is_default = false;
    px_gen_call c =
        px_gen_call_begin(g, px_gen_from(g, TRT, "PostprocessConfig", "PostprocessTrtConfig"));
    px_gen_pos(&c, config);
    px_gen_kw(&c, "func",
              px_gen_script(g, &trt->trt_config_postprocess_script, "postprocess_config"));
    return px_gen_assign(g, &g->loaders, "postprocess_trt_config", px_gen_call_end(&c));
}
