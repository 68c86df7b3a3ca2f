/* backend/tf/load.c - from each kind of model to a graph in a session.
 *
 * Graphs are imported from the mapped file: its bytes are copied by TensorFlow only. Every file is
 * walked by our own reader first, so that a broken one is refused with a position in it.
 */
#include "backend/tf/session.h"

#include "backend/tensors_only.h"
#include "backend/tf/checkpoint.h"
#include "backend/tf/onnx/build.h"
#include "backend/tf/tensorboard.h"
#include "base/log.h"
#include "model/detect.h"

static pgy_status *import(px_tf_model *s, px_str bytes)
{
    pgy_status *st = NULL;
    const px_tf_api *api = &s->lib->api;
    px_tf_import *how = api->NewImportGraphDefOptions();
    px_tf_buffer buffer = {.data = bytes.ptr, .length = bytes.len};
    if (how == NULL)
        PX_TRY(px_status_nomem());
    api->GraphImportGraphDef(s->graph, &buffer, how, s->status);
    PX_TRY(px_tf_checked(s));
done:
    if (how != NULL)
        api->DeleteImportGraphDefOptions(how);
    return st;
}

static pgy_status *start(px_tf_model *s)
{
    s->run = s->lib->api.NewSession(s->graph, s->options, s->status);
    return px_tf_checked(s);
}

/* --- a frozen graph --- */

/* What a file that is no GraphDef is instead, as far as its bytes tell. */
static pgy_status *other_kind(const pgy_model *model, pgy_status *take_why)
{
    const px_str bytes = {(const char *)model->file.data, model->file.size};
    const char *kind = NULL;
    px_metagraph saved = {0};
    const pgy_model_type type = px_model_type_of_bytes(bytes);
    if (px_str_starts(bytes, "PK\x03\x04"))
        kind = "an archive; write --model-type keras for a .keras file";
    else if (type == PGY_MODEL_ONNX)
        kind = "an ONNX model; leave out --model-type";
    else if (type == PGY_MODEL_KERAS)
        kind = "a Keras file; write --model-type keras";
    else if (type == PGY_MODEL_ENGINE)
        kind = "a TensorRT engine; write --model-type engine, and --trt";
    pgy_status *st = kind == NULL ? px_saved_model_read(bytes, &saved) : NULL;
    if (kind == NULL && st == NULL)
        kind = "the file of a SavedModel; give the folder that it lies in";
    pgy_status_free(st);
    px_metagraph_fini(&saved);
    if (kind == NULL)
        return take_why;
    pgy_status_free(take_why);
    return PX_FAIL(PGY_ERR_MODEL, "The file is no frozen TensorFlow graph but %s.", kind);
}

static pgy_status *load_frozen(px_tf_model *s, const pgy_model *model)
{
    pgy_status *st = NULL;
    const px_str bytes = {(const char *)model->file.data, model->file.size};
    px_graphdef graph;
    if (model->file.data == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "A frozen graph is a file, and this is a folder. Leave out "
                                      "--model-type for a SavedModel."));
    st = px_graphdef_read(bytes, &graph);
    if (st != NULL)
        PX_TRY(other_kind(model, st));
    px_log(s->cx, PGY_LOG_INFO, PX_AT_TF, "Loading GraphDef from %s", s->where);
    PX_TRY(import(s, bytes));
    PX_TRY(start(s));
    PX_TRY(px_tf_find_inputs(s, NULL));
    PX_TRY(px_tf_find_outputs(s, NULL));
done:
    return st;
}

/* --- a SavedModel --- */

static pgy_status *load_saved(px_tf_model *s, const pgy_model *model)
{
    pgy_status *st = NULL;
    px_file file = {0};
    px_metagraph meta = {0};
    const char *tags[PX_COUNTOF(meta.tags)] = {0};
    char *path = px_path_join(model->path, "saved_model.pb");
    if (path == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_file_map(path, &file));
    PX_TRY(px_status_while(px_saved_model_read((px_str){(const char *)file.data, file.size}, &meta),
                           "reading %s", path));
    for (size_t i = 0; i < meta.n_tags; i++) {
        tags[i] = px_arena_strndup(&s->arena, meta.tags[i].ptr, meta.tags[i].len);
        if (tags[i] == NULL)
            PX_TRY(px_status_nomem());
    }
    s->run = s->lib->api.LoadSessionFromSavedModel(s->options, NULL, model->path, tags,
                                                   (int)meta.n_tags, s->graph, NULL, s->status);
    PX_TRY(px_tf_checked(s));
    PX_TRY(px_tf_find_inputs(s, &meta));
    PX_TRY(px_tf_find_outputs(s, &meta));
done:
    px_metagraph_fini(&meta);
    px_file_unmap(&file);
    px_mem_free(path);
    return st;
}

/* --- a checkpoint --- */

/* Runs the node that reads all variables, as TensorFlow's own Saver does. */
static pgy_status *restore(px_tf_model *s, const px_metagraph *meta, const char *prefix)
{
    pgy_status *st = NULL;
    px_tf_tensor *name = NULL;
    px_tf_port file, op;
    PX_TRY(px_tf_find_tensor(s, meta->filename_tensor, &file));
    PX_TRY(px_tf_find_tensor(s, meta->restore_op, &op));
    if (op.node == NULL) { /* a node without outputs is no tensor */
        char *op_name = px_arena_strndup(&s->arena, meta->restore_op.ptr, meta->restore_op.len);
        if (op_name == NULL)
            PX_TRY(px_status_nomem());
        op.node = s->lib->api.GraphOperationByName(s->graph, op_name);
    }
    if (file.node == NULL || op.node == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "The graph has no node '%.*s' that restores variables from a file named by "
                       "'%.*s'.",
                       PX_STR_ARG(meta->restore_op), PX_STR_ARG(meta->filename_tensor)));
    PX_TRY(px_tf_string_new(s->lib, px_str_of(prefix), &name));
    const px_tf_node *target = op.node;
    s->lib->api.SessionRun(s->run, NULL, &file, &name, 1, NULL, NULL, 0, &target, 1, NULL,
                           s->status);
    PX_TRY(px_status_while(px_tf_checked(s), "restoring variables from %s", prefix));
done:
    if (name != NULL)
        s->lib->api.DeleteTensor(name);
    return st;
}

static pgy_status *load_checkpoint(px_tf_model *s, const pgy_model *model)
{
    pgy_status *st = NULL;
    px_file file = {0};
    px_metagraph meta = {0};
    char *prefix = NULL;
    px_buf path = {0};
    const char *name = s->args != NULL && s->args->ckpt.given ? s->args->ckpt.value : NULL;
    PX_TRY(px_checkpoint_find(model->path, name, &prefix));
    px_buf_printf(&path, "%s.meta", prefix);
    PX_TRY(px_buf_status(&path));
    PX_TRY(px_file_map(path.ptr, &file));
    PX_TRY(px_status_while(px_metagraph_read((px_str){(const char *)file.data, file.size}, &meta),
                           "reading %s", path.ptr));
    PX_TRY(import(s, meta.graph.bytes));
    PX_TRY(start(s));
    if (meta.restore_op.len > 0)
        PX_TRY(restore(s, &meta, prefix));
    PX_TRY(px_tf_find_inputs(s, &meta));
    PX_TRY(px_tf_find_outputs(s, &meta));
done:
    px_metagraph_fini(&meta);
    px_file_unmap(&file);
    px_mem_free(prefix);
    px_buf_fini(&path);
    return st;
}

/* --- what is written --- */

/* The graph for --save-pb has no variables here: somebody who asks for it gets it frozen. */
static pgy_status *save_graph(px_tf_model *s)
{
    pgy_status *st = NULL;
    const px_opt_str *pb = &s->args->save_pb, *events = &s->args->save_tensorboard;
    px_tf_buffer *graph = s->lib->api.NewBuffer();
    if (graph == NULL)
        PX_TRY(px_status_nomem());
    s->lib->api.GraphToGraphDef(s->graph, graph, s->status);
    PX_TRY(px_tf_checked(s));
    if (pb->given) {
        px_log(s->cx, PGY_LOG_INFO, PX_AT_TF, "Saving the frozen graph to: %s", pb->value);
        PX_TRY(px_file_write_watched(s->cx, pb->value, graph->data, graph->length));
    }
    if (events->given) {
        px_log(s->cx, PGY_LOG_INFO, PX_AT_TF, "Writing tensorboard events to %s", events->value);
        PX_TRY(px_tensorboard_write(events->value, (px_str){graph->data, graph->length}));
    }
done:
    if (graph != NULL)
        s->lib->api.DeleteBuffer(graph);
    return st;
}

pgy_status *px_tf_load(px_tf_model *s, pgy_model *model)
{
    pgy_status *st = NULL;
    switch (model->type) {
    case PGY_MODEL_TF_FROZEN:
        PX_TRY(load_frozen(s, model));
        break;
    case PGY_MODEL_TF_SAVED:
        PX_TRY(load_saved(s, model));
        break;
    case PGY_MODEL_TF_CKPT:
        PX_TRY(load_checkpoint(s, model));
        break;
    case PGY_MODEL_ONNX:
        PX_TRY(px_check_tensors_only(model, false));
        if (s->args != NULL && s->args->tf_outputs.given)
            px_log(s->cx, PGY_LOG_WARNING, PX_AT_TF,
                   "--tf-outputs counts for TensorFlow's graphs only; an ONNX model's outputs are "
                   "named with --onnx-outputs.");
        PX_TRY(px_tf_build_onnx(s, model));
        PX_TRY(start(s));
        break;
    case PGY_MODEL_KERAS:
        PX_TRY(
            PX_FAIL(PGY_ERR_UNSUPPORTED,
                    "A Keras file is no graph yet; `polygraphy run` has TensorFlow's Python make "
                    "one."));
        break;
    default:
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED, "This is no model that TensorFlow runs."));
    }
    if (s->args != NULL && (s->args->save_pb.given || s->args->save_tensorboard.given))
        PX_TRY(save_graph(s));
done:
    return st;
}
