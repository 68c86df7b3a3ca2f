/* script/gen_models.c - loaders of TensorFlow and ONNX models and the runners that take them. */
#include "script/gen_parts.h"

#define TF "polygraphy.backend.tf"
#define ONNX "polygraphy.backend.onnx"
#define ONNXRT "polygraphy.backend.onnxrt"

static bool is_tf(const px_gen *g)
{
    pgy_model_type type = g->args->model->type;
    return type == PGY_MODEL_TF_FROZEN || type == PGY_MODEL_TF_CKPT || type == PGY_MODEL_KERAS;
}

/* BASE = CLASS(POSITIONAL), with the import. */
static const char *wrap(px_gen *g, const char *base, const char *module, const char *class_name,
                        const char *positional)
{
    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, module, class_name, NULL));
    px_gen_pos(&c, positional);
    return px_gen_assign(g, &g->loaders, base, px_gen_call_end(&c));
}

const char *px_gen_outputs(px_gen *g, const px_opt_strs *names)
{
    if (!names->given)
        return NULL;
    if (!px_opt_marks_all(names))
        return px_gen_strs(g, names);
    px_gen_from(g, "polygraphy", "constants", NULL);
    return "constants.MARK_ALL";
}

/* --- TensorFlow --- */

static const char *tf_load(px_gen *g)
{
    const px_model_args *model = g->args->model;
    const char *path = px_gen_repr(g, model->path);
    if (model->type == PGY_MODEL_TF_FROZEN)
        return wrap(g, "load_frozen", TF, "GraphFromFrozen", path);
    if (model->type == PGY_MODEL_KERAS)
        return wrap(g, "load_keras", TF, "GraphFromKeras", path);
    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, TF, "GraphFromCkpt", NULL));
    px_gen_pos(&c, path);
    px_gen_pos(&c, px_gen_str(g, &g->args->tf->ckpt));
    return px_gen_assign(g, &g->loaders, "load_ckpt", px_gen_call_end(&c));
}

static const char *tf_save(px_gen *g, const char *graph)
{
    const px_tf_args *tf = g->args->tf;
    const px_opt_str *engine_dir = &g->args->trt->save_engine;
    if (!tf->save_pb.given && !tf->save_tensorboard.given && !engine_dir->given)
        return graph;
    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, TF, "SaveGraph", NULL));
    px_gen_pos(&c, graph);
    px_gen_kw(&c, "path", px_gen_str(g, &tf->save_pb));
    px_gen_kw(&c, "tensorboard_dir", px_gen_str(g, &tf->save_tensorboard));
    px_gen_kw(&c, "engine_dir", px_gen_str(g, engine_dir));
    return px_gen_assign(g, &g->loaders, "save_tf", px_gen_call_end(&c));
}

const char *px_gen_tf_graph(px_gen *g, bool with_outputs)
{
    const char *graph = tf_load(g);
    if (g->args->tf->freeze_graph.given)
        graph = wrap(g, "optimize_graph", TF, "OptimizeGraph", graph);
    if (with_outputs && g->args->tf->tf_outputs.given) {
        px_gen_call c = px_gen_call_begin(g, px_gen_from(g, TF, "ModifyGraphOutputs", NULL));
        px_gen_pos(&c, graph);
        px_gen_kw(&c, "outputs", px_gen_outputs(g, &g->args->tf->tf_outputs));
        graph = px_gen_assign(g, &g->loaders, "modify_tf", px_gen_call_end(&c));
    }
    return tf_save(g, graph);
}

static const char *tf_config(px_gen *g)
{
    const px_tf_args *tf = g->args->tf;
    if (!tf->gpu_memory_fraction.given && !tf->allow_growth.given && !tf->xla.given)
        return NULL;
    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, TF, "CreateConfig", NULL));
    px_gen_kw(&c, "gpu_memory_fraction", px_gen_float(g, &tf->gpu_memory_fraction));
    px_gen_kw(&c, "allow_growth", px_gen_true(&tf->allow_growth));
    px_gen_kw(&c, "use_xla", px_gen_true(&tf->xla));
    return px_gen_assign(g, &g->loaders, "create_tf_config", px_gen_call_end(&c));
}

const char *px_gen_tf_runner(px_gen *g)
{
    const char *graph = px_gen_tf_graph(g, true), *config = tf_config(g);
    px_gen_call session = px_gen_call_begin(g, px_gen_from(g, TF, "SessionFromGraph", NULL));
    px_gen_pos(&session, graph);
    px_gen_kw(&session, "config", config);
    const char *name = px_gen_assign(g, &g->loaders, "build_tf_session", px_gen_call_end(&session));
    px_gen_call runner = px_gen_call_begin(g, px_gen_from(g, TF, "TfRunner", NULL));
    px_gen_pos(&runner, name);
    px_gen_kw(&runner, "timeline_path", px_gen_str(g, &g->args->tf->save_timeline));
    return px_gen_call_end(&runner);
}

/* --- ONNX --- */

static bool edits_outputs(const px_model_args *model)
{
    return model->onnx_outputs.given || model->onnx_exclude_outputs.given ||
           model->onnx_outputs_by_type.given;
}

/* True when the file can't be handed over as it is. */
static bool needs_loader(const px_gen *g, bool with_outputs)
{
    const px_model_args *model = g->args->model;
    return is_tf(g) || model->shape_inference.given || model->fp_to_fp16.given ||
           model->save_onnx.given || model->external_data_dir.given ||
           (with_outputs && edits_outputs(model));
}

static const char *onnx_load(px_gen *g)
{
    const px_model_args *model = g->args->model;
    if (is_tf(g)) {
        const char *graph = px_gen_tf_graph(g, false);
        px_gen_call c = px_gen_call_begin(g, px_gen_from(g, ONNX, "OnnxFromTfGraph", NULL));
        px_gen_pos(&c, graph);
        px_gen_kw(&c, "opset", px_gen_int(g, &g->args->tf->opset));
        return px_gen_assign(g, &g->loaders, "export_onnx_from_tf", px_gen_call_end(&c));
    }
    const bool infers = model->shape_inference.given;
    px_gen_call c =
        px_gen_call_begin(g, px_gen_from(g, ONNX, infers ? "InferShapes" : "OnnxFromPath", NULL));
    px_gen_pos(&c, px_gen_repr(g, model->path));
    px_gen_kw(&c, "external_data_dir", px_gen_str(g, &model->external_data_dir));
    if (infers)
        px_gen_kw(&c, "allow_onnxruntime", px_gen_false(&model->no_onnxruntime_shape_inference));
    else
        px_gen_kw(&c, "ignore_external_data", px_gen_true(&model->ignore_external_data));
    return px_gen_assign(g, &g->loaders, infers ? "infer_shapes" : "load_onnx",
                         px_gen_call_end(&c));
}

static const char *onnx_save(px_gen *g, const char *graph)
{
    const px_model_args *model = g->args->model;
    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, ONNX, "SaveOnnx", NULL));
    px_gen_pos(&c, graph);
    px_gen_kw(&c, "path", px_gen_str(g, &model->save_onnx));
    px_gen_kw(&c, "external_data_path", px_gen_str(g, &model->save_external_data));
    px_gen_kw(&c, "size_threshold", px_gen_int(g, &model->external_data_size_threshold));
    px_gen_kw(&c, "all_tensors_to_one_file", px_gen_false(&model->no_save_all_tensors_to_one_file));
    return px_gen_assign(g, &g->loaders, "save_onnx", px_gen_call_end(&c));
}

const char *px_gen_onnx_graph(px_gen *g, bool with_outputs)
{
    const px_model_args *model = g->args->model;
    const char *graph = onnx_load(g);
    if (with_outputs && edits_outputs(model)) {
        px_gen_call c =
            px_gen_call_begin(g, px_gen_from(g, ONNX, "ModifyOutputs", "ModifyOnnxOutputs"));
        px_gen_pos(&c, graph);
        px_gen_kw(&c, "outputs", px_gen_outputs(g, &model->onnx_outputs));
        px_gen_kw(&c, "exclude_outputs", px_gen_strs(g, &model->onnx_exclude_outputs));
        px_gen_kw(&c, "mark_types", px_gen_strs(g, &model->onnx_outputs_by_type));
        graph = px_gen_assign(g, &g->loaders, "modify_outputs", px_gen_call_end(&c));
    }
    if (model->fp_to_fp16.given)
        graph = wrap(g, "convert_to_fp16", ONNX, "ConvertToFp16", graph);
    return model->save_onnx.given ? onnx_save(g, graph) : graph;
}

const char *px_gen_onnx_input(px_gen *g, bool with_outputs, bool *out_is_path)
{
    *out_is_path = !needs_loader(g, with_outputs);
    if (*out_is_path)
        return px_gen_repr(g, g->args->model->path);
    return wrap(g, "serialize_onnx", ONNX, "BytesFromOnnx", px_gen_onnx_graph(g, with_outputs));
}

const char *px_gen_onnxrt_runner(px_gen *g)
{
    const px_onnxrt_args *onnxrt = g->args->onnxrt;
    const char *level = NULL;
    bool is_path;
    const char *input = px_gen_onnx_input(g, true, &is_path);
    px_gen_call session = px_gen_call_begin(g, px_gen_from(g, ONNXRT, "SessionFromOnnx", NULL));
    px_gen_pos(&session, input);
    px_gen_kw(&session, "providers", px_gen_strs(g, &onnxrt->providers));
    if (onnxrt->graph_optimization_level.given) {
        px_gen_lazy(g, "onnxrt", "onnxruntime");
        level = px_gen_printf(g, "onnxrt.GraphOptimizationLevel.%s",
                              onnxrt->graph_optimization_level.value);
    }
    px_gen_kw(&session, "graph_optimization_level", level);
    const char *name =
        px_gen_assign(g, &g->loaders, "build_onnxrt_session", px_gen_call_end(&session));
    return px_gen_printf(g, "%s(%s)", px_gen_from(g, ONNXRT, "OnnxrtRunner", NULL), name);
}

const char *px_gen_pluginref_runner(px_gen *g)
{
    const char *name = wrap(g, "pluginref", ONNX, "GsFromOnnx", px_gen_onnx_graph(g, true));
    return px_gen_printf(
        g, "%s(%s)", px_gen_from(g, "polygraphy.backend.pluginref", "PluginRefRunner", NULL), name);
}
