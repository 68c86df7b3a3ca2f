/* backend/trt/args.c - options of TensorRT networks, engines and inference; all checks. */
#include "backend/trt/args.h"
#include "base/file.h"
#include "base/fmt.h"
#include "base/log.h"

static const px_opt trt_plugins_rows[] = {
    {.names = "--plugins",
     .metavar = "PATH",
     .type = &px_type_files,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_trt_args, plugins, px_opt_strs),
     .help = "Plugin libraries to load before the model."},
};
const px_opt_section px_trt_plugins = {"TensorRT Plugin Loading",
                                       "Libraries with layers of your own.", trt_plugins_rows,
                                       PX_COUNTOF(trt_plugins_rows)};

static const px_opt trt_parser_rows[] = {
    {.names = "--onnx-flags",
     .metavar = "FLAG",
     .type = &px_type_enums,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_trt_args, onnx_flags, px_opt_strs),
     .help = "Parser flags to switch on, by their names in trt.OnnxParserFlag, in any "
             "case.",
     .example = "--onnx-flags native_instancenorm"},
    {.names = "--plugin-instancenorm",
     .type = &px_type_flag,
     PX_BIND(px_trt_args, plugin_instancenorm, px_opt_flag),
     .help = "Compute InstanceNormalization with the plugin instead of TensorRT's own "
             "layer."},
    {.names = "--enable-uint8-asymmetric-quantization-dla",
     .type = &px_type_flag,
     PX_BIND(px_trt_args, enable_uint8_asymmetric_quantization_dla, px_opt_flag),
     .flags = PX_OPT_NEWER | PX_OPT_DEPRECATED,
     .help = "The same as --onnx-flags enable_uint8_and_asymmetric_quantization_dla."},
};
const px_opt_section px_trt_parser = {"ONNX-TRT Parser Flags", "How TensorRT reads an ONNX model.",
                                      trt_parser_rows, PX_COUNTOF(trt_parser_rows)};

static const px_opt trt_network_rows[] = {
    {.names = "--trt-outputs",
     .metavar = "NAME",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_trt_args, trt_outputs, px_opt_strs),
     .help = "Outputs of the network instead of its own; `mark all` takes every tensor.",
     .example = "--trt-outputs mark all"},
    {.names = "--trt-exclude-outputs",
     .metavar = "NAME",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_trt_args, trt_exclude_outputs, px_opt_strs),
     .help = "Outputs to leave out, after --trt-outputs has been applied."},
    {.names = "--trt-outputs-by-type",
     .metavar = "LAYER",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_trt_args, trt_outputs_by_type, px_opt_strs),
     .flags = PX_OPT_NEWER,
     .help = "Make the outputs of all layers of these types outputs of the network."},
    {.names = "--layer-precisions",
     .metavar = "LAYER:TYPE",
     .type = &px_type_keyed_names,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_trt_args, layer_precisions, px_opt_keyed),
     .help = "Precision of single layers, with TensorRT's names of types. Set "
             "--precision-constraints as well.",
     .example = "--layer-precisions conv1:float16 fc:int8"},
    {.names = "--decomposable-attentions",
     .type = &px_type_flag,
     PX_BIND(px_trt_args, decomposable_attentions, px_opt_flag),
     .flags = PX_OPT_NEWER,
     .help = "Allow attention layers to be split where no fused kernel exists."},
    {.names = "--tensor-dtypes|--tensor-datatypes",
     .metavar = "TENSOR:TYPE",
     .type = &px_type_keyed_names,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_trt_args, tensor_dtypes, px_opt_keyed),
     .help = "Types of network inputs and outputs, with TensorRT's names.",
     .example = "--tensor-dtypes image:float16"},
    {.names = "--all-tensor-dtypes|--all-tensor-datatypes",
     .metavar = "TYPE",
     .type = &px_type_identifier,
     .nargs = PX_NARGS_1,
     PX_BIND(px_trt_args, all_tensor_dtypes, px_opt_str),
     .flags = PX_OPT_NEWER,
     .help = "One type for all network inputs and outputs. Overrides --tensor-dtypes."},
    {.names = "--tensor-formats",
     .metavar = "TENSOR:[FORMAT,..]",
     .type = &px_type_keyed_enums,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_trt_args, tensor_formats, px_opt_keyed),
     .flags = PX_OPT_NEWER,
     .help = "Memory formats allowed for network inputs and outputs, by their names in "
             "trt.TensorFormat.",
     .example = "--tensor-formats image:[linear,chw4]"},
    {.names = "--all-tensor-formats",
     .metavar = "FORMAT",
     .type = &px_type_enums,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_trt_args, all_tensor_formats, px_opt_strs),
     .flags = PX_OPT_NEWER,
     .help = "Formats allowed for all network inputs and outputs. Overrides "
             "--tensor-formats."},
    {.names = "--trt-network-func-name",
     .metavar = "FUNC",
     .type = &px_type_str,
     .nargs = PX_NARGS_1,
     PX_BIND(px_trt_args, trt_network_func_name, px_opt_str),
     .flags = PX_OPT_DEPRECATED,
     .help = "Name of the function in a network script. Write it behind the model's "
             "path instead."},
    {.names = "--trt-network-postprocess-script|--trt-npps",
     .metavar = "PATH[:FUNC]",
     .type = &px_type_scripts,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_trt_args, trt_network_postprocess_script, px_opt_scripts),
     .help = "Python files with a function postprocess(network) that changes the "
             "network, run in the order given."},
    {.names = "--strongly-typed",
     .type = &px_type_flag,
     PX_BIND(px_trt_args, strongly_typed, px_opt_flag),
     .help = "Take the types of all tensors from the network and choose none."},
    {.names = "--mark-debug",
     .metavar = "NAME",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_trt_args, mark_debug, px_opt_strs),
     .help = "Tensors to mark as debug tensors."},
    {.names = "--mark-unfused-tensors-as-debug-tensors",
     .type = &px_type_flag,
     PX_BIND(px_trt_args, mark_unfused_tensors_as_debug_tensors, px_opt_flag),
     .help = "Mark every tensor that fusion leaves alone as a debug tensor."},
};
const px_opt_section px_trt_network = {"TensorRT Network Loading",
                                       "Changes to the network before it is built.",
                                       trt_network_rows, PX_COUNTOF(trt_network_rows)};

static const px_opt trt_engine_saving_rows[] = {
    {.names = "--save-engine",
     .metavar = "PATH",
     .type = &px_type_file,
     .nargs = PX_NARGS_1,
     PX_BIND(px_trt_args, save_engine, px_opt_str),
     .help = "Write the serialized engine to this file."},
};
const px_opt_section px_trt_engine_saving = {"TensorRT Engine Saving", "Keeping the built engine.",
                                             trt_engine_saving_rows,
                                             PX_COUNTOF(trt_engine_saving_rows)};

static const px_opt trt_engine_rows[] = {
    {.names = "--save-timing-cache",
     .metavar = "PATH",
     .type = &px_type_file,
     .nargs = PX_NARGS_1,
     PX_BIND(px_trt_args, save_timing_cache, px_opt_str),
     .help = "Add the kernel timings of this build to this file."},
    {.names = "--load-runtime",
     .metavar = "PATH",
     .type = &px_type_file,
     .nargs = PX_NARGS_1,
     PX_BIND(px_trt_args, load_runtime, px_opt_str),
     .help = "Runtime library for version-compatible engines that hold no lean runtime."},
    {.names = "--dla-workspace-allocation-strategy",
     .metavar = "HOW",
     .type = &px_type_enum,
     .nargs = PX_NARGS_1,
     PX_BIND(px_trt_args, dla_workspace_allocation_strategy, px_opt_str),
     .flags = PX_OPT_NEWER,
     .help = "How the accelerator's workspace is allocated, by the name in "
             "trt.DLAWorkspaceAllocationStrategy."},
};
const px_opt_section px_trt_engine = {"TensorRT Engine", "The timing cache and the runtime.",
                                      trt_engine_rows, PX_COUNTOF(trt_engine_rows)};

static const char *const allocation_strategy_choices[] = {"static", "profile", "runtime", NULL};
static const px_opt trt_inference_rows[] = {
    {.names = "--optimization-profile",
     .metavar = "N",
     .type = &px_type_int,
     .nargs = PX_NARGS_1,
     PX_BIND(px_trt_args, optimization_profile, px_opt_int),
     .help = "Number of the profile to run with, counted from 0."},
    {.names = "--allocation-strategy",
     .metavar = "HOW",
     .type = &px_type_str,
     .nargs = PX_NARGS_1,
     PX_BIND(px_trt_args, allocation_strategy, px_opt_str),
     .choices = allocation_strategy_choices,
     .help = "Memory for activations: enough for every profile (static, the default), "
             "for the chosen one (profile), or for the shapes at hand (runtime)."},
    {.names = "--weight-streaming-budget",
     .metavar = "BUDGET",
     .type = &px_type_str,
     .nargs = PX_NARGS_1,
     PX_BIND(px_trt_args, weight_streaming_budget, px_opt_str),
     .help = "Weights kept on the GPU by a weight-streaming engine: a percentage, bytes "
             "with K, M or G, -1 to let TensorRT decide, -2 to stream nothing.",
     .example = "--weight-streaming-budget 1G"},
    {.names = "--device",
     .metavar = "N",
     .type = &px_type_int,
     .nargs = PX_NARGS_1,
     PX_BIND(px_trt_args, device, px_opt_int),
     .flags = PX_OPT_OURS,
     .help = "Number of the GPU to build for and to run on, as the CUDA driver counts them. "
             "Default 0."},
};
const px_opt_section px_trt_inference = {"TensorRT Inference", "How the engine is run.",
                                         trt_inference_rows, PX_COUNTOF(trt_inference_rows)};

/* --- optimisation profiles ---
 *
 * The shapes given for one kind override the shapes known so far, which start as the inference
 * shapes. What comes out is also where the next kind, and the next profile, start from: an input
 * left out later keeps the last shape it had. */

typedef struct shape_map {
    size_t n, cap;
    px_opt_shape *at;
} shape_map;

static pgy_status *map_update(px_arena *arena, shape_map *map, const px_opt_shapes *with)
{
    px_opt_shape *at = px_arena_calloc(arena, map->n + with->n, sizeof *at);
    if (!at)
        return px_status_nomem();
    for (size_t i = 0; i < map->n; i++)
        at[i] = map->at[i];
    for (size_t w = 0; w < with->n; w++) {
        size_t i = 0;
        while (i < map->n && strcmp(at[i].name, with->at[w].name) != 0)
            i++;
        at[i] = with->at[w];
        map->n += i == map->n;
    }
    map->at = at;
    return NULL;
}

/* Profiles need numbers: dynamic dims become 1. */
static pgy_status *make_static(pgy_context *cx, px_arena *arena, px_opt_shape *shape)
{
    pgy_status *st = NULL;
    px_buf was = {0}, is = {0};
    if (!px_opt_shape_is_dynamic(shape))
        return NULL;
    int64_t *dims = px_arena_calloc(arena, (size_t)shape->rank, sizeof *dims);
    if (!dims)
        PX_TRY(px_status_nomem());
    for (int i = 0; i < shape->rank; i++)
        dims[i] = shape->dims[i] < 0 ? 1 : shape->dims[i];
    px_opt_shape_print(&was, shape);
    shape->dims = dims;
    shape->texts = NULL;
    px_opt_shape_print(&is, shape);
    px_log_once(cx, PGY_LOG_WARNING, PX_AT_ARGS,
                "Input tensor: %s | For TensorRT profile, overriding dynamic shape: "
                "BoundedShape(%s, min=None, max=None) to: %s",
                shape->name, px_buf_cstr(&was), px_buf_cstr(&is));
    PX_TRY(px_buf_status(&was));
    PX_TRY(px_buf_status(&is));
done:
    px_buf_fini(&was);
    px_buf_fini(&is);
    return st;
}

static pgy_status *map_make_static(pgy_context *cx, px_arena *arena, const shape_map *map)
{
    for (size_t i = 0; i < map->n; i++) {
        pgy_status *st = make_static(cx, arena, &map->at[i]);
        if (st)
            return st;
    }
    return NULL;
}

static void names_print(px_buf *b, const shape_map *map)
{
    px_buf_putc(b, '[');
    for (size_t i = 0; i < map->n; i++) {
        if (i > 0)
            px_buf_puts(b, ", ");
        px_buf_repr(b, px_str_of(map->at[i].name));
    }
    px_buf_putc(b, ']');
}

/* Maps only grow, so equal sizes mean equal names. */
static pgy_status *same_names(const shape_map *a, const char *a_kind, const shape_map *b,
                              const char *b_kind)
{
    if (a->n == b->n)
        return NULL;
    pgy_status *st = NULL;
    px_buf a_names = {0}, b_names = {0};
    names_print(&a_names, a);
    names_print(&b_names, b);
    PX_TRY(px_buf_status(&a_names));
    PX_TRY(px_buf_status(&b_names));
    PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                   "Mismatch in input names between %s shapes (%s) and %s shapes (%s). Name the "
                   "same inputs in --trt-min-shapes, --trt-opt-shapes and --trt-max-shapes.",
                   a_kind, px_buf_cstr(&a_names), b_kind, px_buf_cstr(&b_names)));
done:
    px_buf_fini(&a_names);
    px_buf_fini(&b_names);
    return st;
}

static pgy_status *profile_build(pgy_context *cx, px_arena *arena, const px_trt_args *args,
                                 size_t index, shape_map *known, px_trt_profile *out)
{
    static const px_opt_shapes nothing = {0};
    const px_opt_shape_lists *given[3] = {&args->trt_min_shapes, &args->trt_opt_shapes,
                                          &args->trt_max_shapes};
    shape_map maps[3];
    pgy_status *st = NULL;
    for (int kind = 0; kind < 3; kind++) {
        PX_TRY(
            map_update(arena, known, index < given[kind]->n ? &given[kind]->at[index] : &nothing));
        PX_TRY(map_make_static(cx, arena, known));
        maps[kind] = *known;
    }
    PX_TRY(same_names(&maps[0], "minimum", &maps[1], "optimum"));
    PX_TRY(same_names(&maps[1], "optimum", &maps[2], "maximum"));
    *out = (px_trt_profile){maps[0].n, maps[0].at, maps[1].at, maps[2].at};
done:
    return st;
}

static pgy_status *profiles_build(pgy_context *cx, px_arena *arena, px_trt_args *args,
                                  const px_opt_shapes *input_shapes)
{
    shape_map known = {0};
    size_t n = PX_MAX(args->trt_min_shapes.n, args->trt_opt_shapes.n);
    n = PX_MAX(n, args->trt_max_shapes.n);
    if (n == 0 && input_shapes->n > 0)
        n = 1;
    args->n_profiles = 0;
    args->profiles = px_arena_calloc(arena, n, sizeof *args->profiles);
    if (!args->profiles)
        return px_status_nomem();
    pgy_status *st = map_update(arena, &known, input_shapes);
    for (size_t i = 0; i < n && !st; i++) {
        st = profile_build(cx, arena, args, i, &known, &args->profiles[i]);
        args->n_profiles += st == NULL;
    }
    return st;
}

/* --- the rest --- */

static pgy_status *budget_parse(const px_opt_str *text, px_trt_weight_budget *out)
{
    px_trt_weight_budget budget = {.given = text->given};
    px_str word = px_str_of(text->value);
    if (!text->given) {
        *out = budget;
        return NULL;
    }
    budget.is_percent = px_str_ends(word, "%");
    if (budget.is_percent) {
        word.len--;
        if (!px_parse_f64(word, &budget.percent) || !(budget.percent >= 0 && budget.percent <= 100))
            return PX_FAIL(PGY_ERR_USAGE,
                           "Invalid percentage for --weight-streaming-budget! %s is not between "
                           "0%% and 100%%.",
                           text->value);
    } else {
        pgy_status *st = px_bytes_parse(word, &budget.size_bytes);
        if (st)
            return st;
        if (budget.size_bytes < -2)
            return PX_FAIL(PGY_ERR_USAGE,
                           "Invalid amount for --weight-streaming-budget! %s is neither a number "
                           "of bytes nor -1 or -2.",
                           text->value);
    }
    *out = budget;
    return NULL;
}

static void default_func(px_opt_script *script, const char *func)
{
    if (script->given && !script->func)
        script->func = func;
}

static void scripts_complete(pgy_context *cx, px_trt_args *args)
{
    if (args->trt_config_func_name.given) {
        px_log_once(cx, PGY_LOG_WARNING, PX_AT_ARGS,
                    "--trt-config-func-name is deprecated and will be removed in Polygraphy "
                    "0.50.0. Use the config script argument instead.");
        args->trt_config_script.func = args->trt_config_func_name.value;
    }
    default_func(&args->trt_config_script, "load_config");
    default_func(&args->trt_config_postprocess_script, "postprocess_config");
}

static void network_check(pgy_context *cx, px_trt_args *args)
{
    if (args->all_tensor_dtypes.given && args->tensor_dtypes.given)
        px_log(cx, PGY_LOG_WARNING, PX_AT_ARGS,
               "--all-tensor-dtypes overrides --tensor-dtypes, which will be ignored.");
    if (args->all_tensor_formats.given && args->tensor_formats.given)
        px_log(cx, PGY_LOG_WARNING, PX_AT_ARGS,
               "--all-tensor-formats overrides --tensor-formats, which will be ignored.");
    for (size_t i = 0; i < args->trt_network_postprocess_script.n; i++) {
        px_opt_script *script = &args->trt_network_postprocess_script.at[i];
        default_func(script, "postprocess");
        if (!px_path_exists(script->path))
            px_log(cx, PGY_LOG_WARNING, PX_AT_ARGS, "Could not find postprocessing script %s",
                   script->path);
    }
}

pgy_status *px_trt_args_check(pgy_context *cx, px_arena *arena, px_trt_args *args,
                              const px_opt_shapes *input_shapes)
{
    pgy_status *st = NULL;
    PX_TRY(profiles_build(cx, arena, args, input_shapes));
    if (args->exclude_lean_runtime.given && !args->version_compatible.given)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "`--exclude-lean-runtime` requires `--version-compatible` "
                                      "to be enabled."));
    scripts_complete(cx, args);
    network_check(cx, args);
    if (args->load_runtime.given && !px_path_exists(args->load_runtime.value))
        px_log(cx, PGY_LOG_WARNING, PX_AT_ARGS, "Runtime path does not exist: %s",
               args->load_runtime.value);
    PX_TRY(budget_parse(&args->weight_streaming_budget, &args->weight_budget));
done:
    return st;
}
