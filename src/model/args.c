/* model/args.c - options of the model file. */
#include "model/args.h"
#include "base/file.h"
#include "base/log.h"
#include "model/detect.h"

static const char *const model_type_choices[] = {
    "frozen", "keras", "ckpt", "onnx", "engine", "uff", "trt-network-script", "caffe", NULL};
static const px_opt model_group_rows[] = {
    {.names = "model_file",
     .metavar = "MODEL",
     .type = &px_type_str,
     .nargs = PX_NARGS_OPT,
     PX_BIND(px_model_args, model_file, px_opt_str),
     .help = "The model. For a TensorRT network script, the name of the function may "
             "follow behind a colon."},
    {.names = "--model-type",
     .metavar = "TYPE",
     .type = &px_type_str,
     .nargs = PX_NARGS_1,
     PX_BIND(px_model_args, model_type, px_opt_str),
     .choices = model_type_choices,
     .help = "What kind of file the model is, when its name does not tell.",
     .more = "frozen is a frozen TensorFlow graph, keras a Keras file, ckpt a "
             "TensorFlow checkpoint (a folder that holds a SavedModel is known as one "
             "without this option), onnx an ONNX model, engine a serialized "
             "TensorRT engine, trt-network-script a Python file that defines "
             "load_network(). uff and caffe (the prototxt; its weights are the "
             ".caffemodel beside it) are read by TensorRT 8.6 alone."},
    {.names = "--input-shapes|--inputs",
     .metavar = "NAME:SHAPE",
     .type = &px_type_shapes,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_model_args, input_shapes, px_opt_shapes),
     .help = "Shapes of the inputs for generated data. They also are the default of the "
             "TensorRT profile shapes.",
     .more = "A name may be a pattern with * ? [..]. The last pattern that fits counts.",
     .example = "--input-shapes image:[1,3,224,224] other:[10]"},
};
const px_opt_section px_model_group = {"Model", "The model file and the shapes of its inputs.",
                                       model_group_rows, PX_COUNTOF(model_group_rows)};

static const px_opt model_saving_rows[] = {
    {.names = "--save-onnx",
     .metavar = "PATH",
     .type = &px_type_file,
     .nargs = PX_NARGS_1,
     PX_BIND(px_model_args, save_onnx, px_opt_str),
     .help = "Write the model, with all changes asked for, to this file."},
    {.names = "--save-external-data|--external-data-path",
     .metavar = "NAME",
     .type = &px_type_str,
     .nargs = PX_NARGS_OPT,
     PX_BIND(px_model_args, save_external_data, px_opt_str),
     .flags = PX_OPT_FIRST_WINS,
     .help = "Keep the weights of a saved model in a file of their own beside it. "
             "Without a value the name is chosen."},
    {.names = "--external-data-size-threshold",
     .metavar = "BYTES",
     .type = &px_type_bytes,
     .nargs = PX_NARGS_1,
     PX_BIND(px_model_args, external_data_size_threshold, px_opt_int),
     .help = "Weights of at least this many bytes leave the model file; K, M and G are "
             "powers of 1024. Default 1024. Needs --save-external-data.",
     .example = "--external-data-size-threshold 16M"},
    {.names = "--no-save-all-tensors-to-one-file",
     .type = &px_type_flag,
     PX_BIND(px_model_args, no_save_all_tensors_to_one_file, px_opt_flag),
     .help = "One external file per tensor instead of one for all. Needs "
             "--save-external-data."},
};
const px_opt_section px_model_saving = {"ONNX Model Saving",
                                        "Writing the ONNX model as it is handed to the runners.",
                                        model_saving_rows, PX_COUNTOF(model_saving_rows)};

static const px_opt model_shape_inference_rows[] = {
    {.names = "--shape-inference|--do-shape-inference",
     .type = &px_type_flag,
     PX_BIND(px_model_args, shape_inference, px_opt_flag),
     .help = "Infer types and shapes of all tensors when the model is loaded. --save-onnx writes "
             "them into the model as value infos.",
     .more = "Nothing is guessed: what cannot be known for every input stays unstated. Named "
             "dimensions keep their names. Weights are not read, but for small ones that shapes "
             "are computed from."},
    {.names = "--no-onnxruntime-shape-inference",
     .type = &px_type_flag,
     PX_BIND(px_model_args, no_onnxruntime_shape_inference, px_opt_flag),
     .help = "Accepted for compatibility: shapes are always inferred by our own code, "
             "never by ONNX Runtime's."},
};
const px_opt_section px_model_shape_inference = {
    "ONNX Shape Inference", "Finding shapes that the model does not state.",
    model_shape_inference_rows, PX_COUNTOF(model_shape_inference_rows)};

static const px_opt model_loading_rows[] = {
    {.names = "--external-data-dir|--load-external-data|--ext",
     .metavar = "DIR",
     .type = &px_type_dir,
     .nargs = PX_NARGS_1,
     PX_BIND(px_model_args, external_data_dir, px_opt_str),
     .help = "Folder of the external weights, when it is not the model's own."},
    {.names = "--ignore-external-data",
     .type = &px_type_flag,
     PX_BIND(px_model_args, ignore_external_data, px_opt_flag),
     .help = "Load the graph without its external weights. It can then be looked at but "
             "not run."},
    {.names = "--onnx-outputs",
     .metavar = "NAME",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_model_args, onnx_outputs, px_opt_strs),
     .help = "Outputs of the ONNX graph instead of its own; `mark all` makes every "
             "tensor an output, to find the first layer that differs.",
     .example = "--onnx-outputs mark all"},
    {.names = "--onnx-exclude-outputs",
     .metavar = "NAME",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_model_args, onnx_exclude_outputs, px_opt_strs),
     .help = "Outputs to leave out, after --onnx-outputs has been applied."},
    {.names = "--onnx-outputs-by-type",
     .metavar = "OP",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_model_args, onnx_outputs_by_type, px_opt_strs),
     .flags = PX_OPT_NEWER,
     .help = "Make the outputs of all nodes of these operator types outputs of the "
             "graph, instead of its own.",
     .example = "--onnx-outputs-by-type Conv Relu"},
    {.names = "--fp-to-fp16",
     .type = &px_type_flag,
     PX_BIND(px_model_args, fp_to_fp16, px_opt_flag),
     .help = "Convert the float32 tensors of the graph to float16. Its inputs and "
             "outputs keep their types."},
    {.names = "--fp-to-bf16",
     .type = &px_type_flag,
     PX_BIND(px_model_args, fp_to_bf16, px_opt_flag),
     .flags = PX_OPT_OURS,
     .help = "Convert the float32 tensors of the graph to bfloat16. Its inputs and "
             "outputs keep their types."},
    {.names = "--fp16-keep",
     .metavar = "OP",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_model_args, fp16_keep, px_opt_strs),
     .flags = PX_OPT_OURS,
     .help = "Operator types that stay in float32 when --fp-to-fp16 or --fp-to-bf16 converts the "
             "graph, beside those that always do.",
     .more = "Cast nodes are put around them. Operators without a float16 form stay in any case, "
             "and with --fp-to-fp16 those that lose too much by it: BatchNormalization, CumSum, "
             "Max, Min, NonMaxSuppression, RandomUniformLike, Range, Resize, RoiAlign, TopK and "
             "Upsample. Upper and lower case are the same.",
     .example = "--fp-to-fp16 --fp16-keep Softmax ReduceMean"},
};
const px_opt_section px_model_loading = {"ONNX Model Loading",
                                         "Where weights come from, and changes to the graph.",
                                         model_loading_rows, PX_COUNTOF(model_loading_rows)};

static const struct {
    const char *name;
    pgy_model_type type;
} types[] = {
    {"frozen", PGY_MODEL_TF_FROZEN},
    {"keras", PGY_MODEL_KERAS},
    {"ckpt", PGY_MODEL_TF_CKPT},
    {"onnx", PGY_MODEL_ONNX},
    {"engine", PGY_MODEL_ENGINE},
    {"uff", PGY_MODEL_UFF},
    {"trt-network-script", PGY_MODEL_TRT_SCRIPT},
    {"caffe", PGY_MODEL_CAFFE},
};

static const struct {
    const char *ext;
    pgy_model_type type;
} extensions[] = {
    {".hdf5", PGY_MODEL_KERAS},         {".uff", PGY_MODEL_UFF},
    {".prototxt", PGY_MODEL_CAFFE},     {".onnx", PGY_MODEL_ONNX},
    {".engine", PGY_MODEL_ENGINE},      {".plan", PGY_MODEL_ENGINE},
    {".graphdef", PGY_MODEL_TF_FROZEN}, {".py", PGY_MODEL_TRT_SCRIPT},
    {".h5", PGY_MODEL_KERAS},           {".keras", PGY_MODEL_KERAS},
    {".meta", PGY_MODEL_TF_CKPT},       {".pb", PGY_MODEL_TF_FROZEN},
};

const char *px_model_type_name(pgy_model_type type)
{
    for (size_t i = 0; i < PX_COUNTOF(types); i++) {
        if (types[i].type == type)
            return types[i].name;
    }
    return "";
}

/* Path and what follows its last colon. A file that exists under the whole text wins, so that
 * colons in file names do no harm (the reference always cuts them). */
static pgy_status *split_path(pgy_context *cx, px_arena *arena, px_model_args *args)
{
    const char *text = args->model_file.value;
    px_opt_script split = {.path = text};
    if (!px_path_exists(text)) {
        pgy_status *st = px_script_parse(arena, px_str_of(text), &split);
        if (st && pgy_status_code(st) != PGY_ERR_NOMEM) {
            pgy_status_free(st);
            st = PX_FAIL(PGY_ERR_USAGE, "The model path is empty: '%s'. Write the path of a model.",
                         text);
        }
        if (st)
            return st;
    }
    args->path = split.path;
    args->extra = split.func;
    if (!px_path_exists(split.path)) {
        px_log(cx, PGY_LOG_WARNING, PX_AT_ARGS, "Model path does not exist: %s", split.path);
        return NULL;
    }
    char *absolute = px_path_absolute(split.path);
    if (!absolute)
        return px_status_nomem();
    args->path = px_arena_strdup(arena, absolute);
    px_mem_free(absolute);
    return args->path ? NULL : px_status_nomem();
}

static pgy_model_type type_of(const px_model_args *args, const px_model_hints *hints)
{
    if (args->model_type.given) {
        for (size_t i = 0; i < PX_COUNTOF(types); i++) {
            if (strcmp(types[i].name, args->model_type.value) == 0)
                return types[i].type;
        }
    }
    if (hints->has_ckpt)
        return PGY_MODEL_TF_CKPT;
    if (px_path_is_dir(args->path))
        return px_model_type_of_name(args->path);
    for (size_t i = 0; i < PX_COUNTOF(extensions); i++) {
        if (strcmp(px_path_ext(args->path), extensions[i].ext) == 0)
            return extensions[i].type;
    }
    return hints->has_tf_runner ? PGY_MODEL_TF_FROZEN : PGY_MODEL_UNKNOWN;
}

pgy_status *px_model_args_check(pgy_context *cx, px_arena *arena, px_model_args *args,
                                const px_model_hints *hints)
{
    pgy_status *st = NULL;
    args->path = args->extra = NULL;
    args->type = PGY_MODEL_UNKNOWN;
    if (!args->model_file.given)
        return NULL;
    if (args->fp16_keep.given && !args->fp_to_fp16.given && !args->fp_to_bf16.given)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "--fp16-keep says what stays in float32, but nothing is "
                                      "converted. Add --fp-to-fp16 or --fp-to-bf16"));
    PX_TRY(split_path(cx, arena, args));
    args->type = type_of(args, hints);
    if (args->type == PGY_MODEL_UNKNOWN)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "Could not automatically determine model type for: %s\nPlease explicitly "
                       "specify the type with the --model-type option",
                       args->path));
    if (args->type == PGY_MODEL_TRT_SCRIPT) {
        if (strcmp(px_path_ext(args->path), ".py") != 0)
            PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                           "TensorRT network scripts must exist and have '.py' extensions.\nNote: "
                           "Provided network script path was: %s",
                           args->path));
        if (hints->script_func)
            args->extra = hints->script_func;
        else if (!args->extra)
            args->extra = "load_network";
    }
done:
    return st;
}
