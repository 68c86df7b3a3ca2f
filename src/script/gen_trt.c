/* script/gen_trt.c - TensorRT networks, engines and runners. */
#include "script/gen_parts.h"

#define TRT "polygraphy.backend.trt"

/* Before a loader runs, its plugins must be there: wraps `object` where there are any. */
static const char *with_plugins(px_gen *g, const char *object)
{
    const px_opt_strs *plugins = &g->args->trt->plugins;
    if (!plugins->given)
        return object;
    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, TRT, "LoadPlugins", NULL));
    px_gen_kw(&c, "plugins", px_gen_strs(g, plugins));
    px_gen_kw(&c, "obj", object);
    return px_gen_assign(g, &g->loaders, "load_plugins", px_gen_call_end(&c));
}

/* The parser's flags, those that other options imply included. */
static const char *parser_flags(px_gen *g)
{
    const px_trt_args *trt = g->args->trt;
    const char *implied[2];
    px_opt_strs flags = {.given = true};
    size_t n = 0;
    if (trt->enable_uint8_asymmetric_quantization_dla.given)
        implied[n++] = "ENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA";
    if (trt->version_compatible.given || trt->hardware_compatibility_level.given)
        implied[n++] = "NATIVE_INSTANCENORM";
    flags.at = px_arena_calloc(&g->arena, trt->onnx_flags.n + n + 1, sizeof *flags.at);
    if (flags.at == NULL) {
        g->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < trt->onnx_flags.n; i++)
        flags.at[flags.n++] = trt->onnx_flags.at[i];
    for (size_t i = 0; i < n; i++) {
        bool is_there = false;
        for (size_t k = 0; k < flags.n; k++)
            is_there |= strcmp(flags.at[k], implied[i]) == 0;
        if (!is_there)
            flags.at[flags.n++] = implied[i];
    }
    flags.given = flags.n > 0 || trt->onnx_flags.given;
    return px_gen_trt_enums(g, "OnnxParserFlag", &flags);
}

static const char *parse_onnx(px_gen *g, const char *parser_config)
{
    const px_trt_args *trt = g->args->trt;
    bool is_path;
    const char *input = px_gen_onnx_input(g, false, &is_path);
    input = with_plugins(g, input);
    px_gen_call c = px_gen_call_begin(
        g, px_gen_from(g, TRT, is_path ? "NetworkFromOnnxPath" : "NetworkFromOnnxBytes", NULL));
    px_gen_pos(&c, input);
    px_gen_kw(&c, "flags", parser_flags(g));
    px_gen_kw(&c, "plugin_instancenorm", px_gen_true(&trt->plugin_instancenorm));
    px_gen_kw(&c, "strongly_typed", px_gen_true(&trt->strongly_typed));
    px_gen_kw(&c, "mark_unfused_tensors_as_debug_tensors",
              px_gen_true(&trt->mark_unfused_tensors_as_debug_tensors));
    px_gen_kw(&c, "config", parser_config);
    return px_gen_assign(g, &g->loaders, "parse_network_from_onnx", px_gen_call_end(&c));
}

static const char *network_script(px_gen *g)
{
    const px_model_args *model = g->args->model;
    const px_opt_str *func = &g->args->trt->trt_network_func_name;
    px_opt_script script = {true, model->path, model->extra};
    if (func->given)
        script.func = func->value;
    return px_gen_assign(g, &g->loaders, "load_network", px_gen_script(g, &script, "load_network"));
}

static const char *set_outputs(px_gen *g, const char *network)
{
    const px_trt_args *trt = g->args->trt;
    if (!trt->trt_outputs.given && !trt->trt_exclude_outputs.given &&
        !trt->trt_outputs_by_type.given)
        return network;
    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, TRT, "ModifyNetworkOutputs", NULL));
    px_gen_pos(&c, network);
    px_gen_kw(&c, "outputs", px_gen_outputs(g, &trt->trt_outputs));
    px_gen_kw(&c, "exclude_outputs", px_gen_strs(g, &trt->trt_exclude_outputs));
    px_gen_kw(&c, "mark_layer_types", px_gen_strs(g, &trt->trt_outputs_by_type));
    return px_gen_assign(g, &g->loaders, "set_network_outputs", px_gen_call_end(&c));
}

static const char *postprocess(px_gen *g, const char *network)
{
    const px_opt_scripts *scripts = &g->args->trt->trt_network_postprocess_script;
    for (size_t i = 0; i < scripts->n; i++) {
        const px_opt_script *script = &scripts->at[i];
        const char *func = script->func ? script->func : "postprocess";
        px_gen_call c = px_gen_call_begin(g, px_gen_from(g, TRT, "PostprocessNetwork", NULL));
        px_gen_pos(&c, network);
        px_gen_kw(&c, "func", px_gen_script(g, script, "postprocess"));
        px_gen_kw(&c, "name", px_gen_repr(g, px_gen_printf(g, "%s:%s", script->path, func)));
        network = px_gen_assign(g, &g->loaders, px_gen_printf(g, "postprocess_step_%zu", i),
                                px_gen_call_end(&c));
    }
    return network;
}

/* {'l0': trt.float16}; values are names of TensorRT data types. */
static const char *dtypes(px_gen *g, const px_opt_keyed *option)
{
    px_buf b = {0};
    for (size_t i = 0; i < option->n; i++) {
        px_buf_puts(&b, i ? ", " : "{");
        px_buf_repr(&b, px_str_of(option->at[i].key));
        px_buf_printf(&b, ": trt.%s", option->at[i].value.text);
    }
    px_buf_putc(&b, '}');
    return px_gen_take(g, &b);
}

static void put_formats(px_buf *b, const px_cast *value)
{
    px_buf_putc(b, '[');
    for (size_t i = 0; i < value->n; i++)
        px_buf_printf(b, "%strt.TensorFormat.%s", i ? ", " : "", value->items[i].text);
    px_buf_putc(b, ']');
}

static const char *formats(px_gen *g, const px_opt_keyed *option)
{
    px_buf b = {0};
    for (size_t i = 0; i < option->n; i++) {
        px_buf_puts(&b, i ? ", " : "{");
        px_buf_repr(&b, px_str_of(option->at[i].key));
        px_buf_puts(&b, ": ");
        put_formats(&b, &option->at[i].value);
    }
    px_buf_putc(&b, '}');
    return px_gen_take(g, &b);
}

/* NAME = CLASS(NETWORK, KEYWORD=VALUE), or the network itself when there is no value. */
static const char *set(px_gen *g, const char *network, const char *name, const char *class_name,
                       const char *keyword, const char *value)
{
    if (value == NULL)
        return network;
    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, TRT, class_name, NULL));
    px_gen_pos(&c, network);
    if (keyword != NULL)
        px_gen_kw(&c, keyword, value);
    return px_gen_assign(g, &g->loaders, name, px_gen_call_end(&c));
}

static const char *edit_network(px_gen *g, const char *network)
{
    const px_trt_args *trt = g->args->trt;
    const char *types = NULL, *layouts = NULL;
    network = postprocess(g, network);
    network = set_outputs(g, network);
    network = set(g, network, "set_layer_precisions", "SetLayerPrecisions", "layer_precisions",
                  trt->layer_precisions.given ? dtypes(g, &trt->layer_precisions) : NULL);
    network = set(g, network, "set_decomposable_attentions", "SetDecomposableAttentions", NULL,
                  px_gen_true(&trt->decomposable_attentions));
    if (trt->tensor_dtypes.given)
        types = dtypes(g, &trt->tensor_dtypes);
    else if (trt->all_tensor_dtypes.given)
        types = px_gen_printf(g, "trt.%s", trt->all_tensor_dtypes.value);
    network =
        set(g, network, "set_tensor_datatypes", "SetTensorDatatypes", "tensor_datatypes", types);
    if (trt->tensor_formats.given)
        layouts = formats(g, &trt->tensor_formats);
    else if (trt->all_tensor_formats.given)
        layouts = px_gen_trt_enums(g, "TensorFormat", &trt->all_tensor_formats);
    network = set(g, network, "set_tensor_formats", "SetTensorFormats", "tensor_formats", layouts);
    return set(g, network, "mark_debug", "MarkDebug", "mark_debug",
               px_gen_strs(g, &trt->mark_debug));
}

/* The engine's bytes, built from a network. */
static const char *build(px_gen *g)
{
    const px_trt_args *trt = g->args->trt;
    bool is_newer = g->args->dialect == PX_GEN_0_53, is_default = true;
    const char *parser_config = is_newer ? px_gen_trt_config(g, true, &is_default) : NULL;
    px_gen_lazy(g, "trt", "tensorrt>=8.5");

    const char *network = g->args->model->type == PGY_MODEL_TRT_SCRIPT
                              ? network_script(g)
                              : parse_onnx(g, parser_config);
    network = edit_network(g, network);
    const char *config = is_newer ? parser_config : px_gen_trt_config(g, false, &is_default);
    network = with_plugins(g, network);

    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, TRT, "EngineBytesFromNetwork", NULL));
    px_gen_pos(&c, network);
    px_gen_kw(&c, "config", is_default ? NULL : config);
    px_gen_kw(&c, "save_timing_cache", px_gen_str(g, &trt->save_timing_cache));
    const char *engine = px_gen_assign(g, &g->loaders, "build_engine", px_gen_call_end(&c));
    if (!trt->save_engine.given)
        return engine;
    px_gen_call save =
        px_gen_call_begin(g, px_gen_from(g, "polygraphy.backend.common", "SaveBytes", NULL));
    px_gen_pos(&save, engine);
    px_gen_kw(&save, "path", px_gen_str(g, &trt->save_engine));
    return px_gen_assign(g, &g->loaders, "save_engine_bytes", px_gen_call_end(&save));
}

static const char *load(px_gen *g)
{
    px_gen_call c =
        px_gen_call_begin(g, px_gen_from(g, "polygraphy.backend.common", "BytesFromPath", NULL));
    px_gen_pos(&c, px_gen_repr(g, g->args->model->path));
    return px_gen_assign(g, &g->loaders, "load_engine_bytes", px_gen_call_end(&c));
}

static const char *runtime(px_gen *g)
{
    const px_opt_str *path = &g->args->trt->load_runtime;
    if (!path->given)
        return NULL;
    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, TRT, "LoadRuntime", NULL));
    px_gen_pos(&c, px_gen_str(g, path));
    return px_gen_assign(g, &g->loaders, "load_runtime", px_gen_call_end(&c));
}

static const char *weight_percent(px_gen *g, const px_trt_weight_budget *budget)
{
    px_opt_float percent = {budget->given && budget->is_percent, budget->percent};
    return px_gen_float(g, &percent);
}

static const char *weight_bytes(px_gen *g, const px_trt_weight_budget *budget)
{
    px_opt_int bytes = {budget->given && !budget->is_percent, budget->size_bytes};
    return px_gen_int(g, &bytes);
}

const char *px_gen_trt_runner(px_gen *g)
{
    const px_trt_args *trt = g->args->trt;
    const char *bytes = g->args->model->type == PGY_MODEL_ENGINE ? load(g) : build(g);
    bytes = with_plugins(g, bytes);
    const char *runtime_name = runtime(g);

    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, TRT, "EngineFromBytes", NULL));
    px_gen_pos(&c, bytes);
    px_gen_kw(&c, "runtime", runtime_name);
    px_gen_kw(&c, "dla_workspace_allocation_strategy",
              px_gen_trt_enum(g, "DLAWorkspaceAllocationStrategy",
                              &trt->dla_workspace_allocation_strategy));
    const char *engine = px_gen_assign(g, &g->loaders, "deserialize_engine", px_gen_call_end(&c));

    px_gen_call runner = px_gen_call_begin(g, px_gen_from(g, TRT, "TrtRunner", NULL));
    px_gen_pos(&runner, engine);
    px_gen_kw(&runner, "optimization_profile", px_gen_int(g, &trt->optimization_profile));
    px_gen_kw(&runner, "allocation_strategy", px_gen_str(g, &trt->allocation_strategy));
    px_gen_kw(&runner, "weight_streaming_budget", weight_bytes(g, &trt->weight_budget));
    px_gen_kw(&runner, "weight_streaming_percent", weight_percent(g, &trt->weight_budget));
    return px_gen_call_end(&runner);
}
