/* model/model.c - a model file as the rest of the program sees it. */
#include "model/model.h"

#include "model/detect.h"

/* `path` as given when it exists; else split at the last colon, as the command line does. */
static pgy_status *split_path(const char *path, pgy_model *model)
{
    const char *colon = strrchr(path, ':');
    size_t len = strlen(path);
    char *name = NULL;
    pgy_status *st = NULL;
    if (!px_path_exists(path) && colon && colon > path) {
        len = (size_t)(colon - path);
        model->extra = px_mem_strdup(colon + 1);
        if (!model->extra)
            PX_TRY(px_status_nomem());
    }
    name = px_mem_strndup(path, len);
    if (!name)
        PX_TRY(px_status_nomem());
    model->path = px_path_absolute(name);
    if (!model->path)
        PX_TRY(px_status_nomem());
done:
    px_mem_free(name);
    return st;
}

pgy_status *px_model_open(pgy_context *cx, const char *path, pgy_model_type type, pgy_model **out)
{
    pgy_status *st = NULL;
    pgy_model *model = NULL;
    PX_TRY(PX_ALLOC(model, 1));
    model->cx = cx;
    PX_TRY(split_path(path, model));
    bool is_dir = px_path_is_dir(model->path);
    if (is_dir && type == PGY_MODEL_ONNX)
        PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot read the ONNX model %s: it is a folder", model->path));
    if (!is_dir)
        PX_TRY(px_file_map(model->path, &model->file));
    px_str bytes = {(const char *)model->file.data, model->file.size};
    if (!is_dir && bytes.len == 0)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "Model file is empty: %s", model->path));
    if (type == PGY_MODEL_UNKNOWN)
        PX_TRY(px_model_detect(model->path, bytes, &type));
    model->type = type;
    *out = model;
    model = NULL;
done:
    pgy_model_close(model);
    return st;
}

pgy_status *px_model_of_part(pgy_context *cx, const char *path, size_t part,
                             px_onnx_model *take_onnx, pgy_model **out)
{
    pgy_status *st = NULL;
    pgy_model *model = NULL;
    PX_TRY(PX_ALLOC(model, 1));
    *model = (pgy_model){
        .cx = cx, .type = PGY_MODEL_ONNX, .onnx = take_onnx, .is_edited = true, .part = part};
    take_onnx = NULL;
    model->path = path ? px_mem_strdup(path) : NULL;
    if (path && !model->path)
        PX_TRY(px_status_nomem());
    *out = model;
    model = NULL;
done:
    px_onnx_free(take_onnx);
    pgy_model_close(model);
    return st;
}

pgy_status *px_model_of_file(pgy_context *cx, const char *path, pgy_model_type type,
                             px_file take_file, pgy_model **out)
{
    pgy_status *st = NULL;
    pgy_model *model = NULL;
    st = PX_ALLOC(model, 1);
    if (st) {
        px_file_unmap(&take_file);
        return st;
    }
    /* A runtime must get the bytes: the path is another file's. */
    *model = (pgy_model){.cx = cx, .type = type, .file = take_file, .is_edited = true};
    model->path = path ? px_mem_strdup(path) : NULL;
    if (path && !model->path)
        PX_TRY(px_status_nomem());
    if (take_file.size == 0)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "The model made of %s is empty.", path ? path : "memory"));
    *out = model;
    model = NULL;
done:
    pgy_model_close(model);
    return st;
}

pgy_status *pgy_model_open(pgy_context *cx, const char *path, pgy_model **out)
{
    return px_model_open(cx, path, PGY_MODEL_UNKNOWN, out);
}

void pgy_model_close(pgy_model *model)
{
    if (!model)
        return;
    px_onnx_free(model->onnx);
    px_arena_fini(&model->arena);
    px_mem_free(model->external_dir);
    px_mem_free(model->extra);
    px_mem_free(model->path);
    px_file_unmap(&model->file);
    if (model->free_options)
        model->free_options(model->options);
    px_mem_free(model);
}

pgy_model_type pgy_model_get_type(const pgy_model *model)
{
    return model->type;
}

const char *pgy_model_path(const pgy_model *model)
{
    return model->path;
}

pgy_status *px_model_onnx(pgy_model *model, px_onnx_model **out)
{
    pgy_status *st = NULL;
    char *dir = NULL;
    if (model->onnx) {
        *out = model->onnx;
        return NULL;
    }
    if (model->type != PGY_MODEL_ONNX)
        return PX_FAIL(PGY_ERR_MODEL, "%s is not an ONNX model", model->path);
    dir = model->external_dir ? px_mem_strdup(model->external_dir) : px_path_dirname(model->path);
    if (!dir)
        PX_TRY(px_status_nomem());
    px_str bytes = {(const char *)model->file.data, model->file.size};
    PX_TRY(px_onnx_parse(bytes, dir, &model->onnx));
    model->onnx->ignore_external = model->ignore_external;
    model->onnx->is_map = model->file.is_map;
    *out = model->onnx;
done:
    px_mem_free(dir);
    return px_status_while(st, "reading the model %s", model->path);
}

/* --- inputs and outputs --- */

static pgy_status *io_of(px_arena *arena, const px_onnx_value_info *v, pgy_io *out)
{
    const px_onnx_type *type = &v->type;
    bool is_tensor = type->kind == PX_ONNX_TYPE_TENSOR || type->kind == PX_ONNX_TYPE_SPARSE_TENSOR;
    char *name = px_arena_strndup(arena, v->name.ptr, v->name.len);
    if (!name)
        return px_status_nomem();
    *out = (pgy_io){.name = name, .rank = -1};
    if (!is_tensor)
        return NULL; /* sequences and maps have no element type of their own */
    out->dtype = type->dtype;
    out->rank = type->rank;
    if (type->rank <= 0)
        return NULL;
    size_t rank = (size_t)type->rank;
    int64_t *dims = px_arena_calloc(arena, rank, sizeof *dims);
    const char **names = px_arena_calloc(arena, rank, sizeof *names);
    if (!dims || !names)
        return px_status_nomem();
    for (size_t i = 0; i < rank; i++) {
        dims[i] = type->dims[i].value;
        if (type->dims[i].symbol.len == 0)
            continue;
        names[i] = px_arena_strndup(arena, type->dims[i].symbol.ptr, type->dims[i].symbol.len);
        if (!names[i])
            return px_status_nomem();
    }
    out->dims = dims;
    out->dim_names = names;
    return NULL;
}

/* Values that have an initializer are no inputs of the model, although old files list them. */
static pgy_status *initializer_names(const px_onnx_graph *g, px_map *out)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < g->n_initializers; i++)
        PX_TRY(px_map_set(out, g->initializers[i].name, NULL));
    for (size_t i = 0; i < g->n_sparse_initializers; i++)
        PX_TRY(px_map_set(out, g->sparse_initializers[i].values.name, NULL));
done:
    return st;
}

static pgy_status *fill_io(pgy_model *model)
{
    pgy_status *st = NULL;
    px_onnx_model *onnx = NULL;
    px_map weights = {0};
    if (model->io_done)
        return NULL;
    if (model->type != PGY_MODEL_ONNX)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The inputs and outputs of %s are known only to the runtime that runs it",
                       model->path));
    PX_TRY(px_model_onnx(model, &onnx));
    const px_onnx_graph *g = &onnx->graph;
    PX_TRY(initializer_names(g, &weights));
    pgy_io *inputs = px_arena_calloc(&model->arena, g->n_inputs, sizeof *inputs);
    pgy_io *outputs = px_arena_calloc(&model->arena, g->n_outputs, sizeof *outputs);
    size_t n_inputs = 0;
    if (!inputs || !outputs)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < g->n_inputs; i++)
        if (!px_map_has(&weights, g->inputs[i].name))
            PX_TRY(io_of(&model->arena, &g->inputs[i], &inputs[n_inputs++]));
    for (size_t i = 0; i < g->n_outputs; i++)
        PX_TRY(io_of(&model->arena, &g->outputs[i], &outputs[i]));
    model->inputs = inputs;
    model->n_inputs = n_inputs;
    model->outputs = outputs;
    model->n_outputs = g->n_outputs;
    model->io_done = true;
done:
    px_map_fini(&weights);
    return st;
}

pgy_status *pgy_model_inputs(pgy_model *model, const pgy_io **out, size_t *out_n)
{
    pgy_status *st = fill_io(model);
    if (st)
        return st;
    *out = model->inputs;
    *out_n = model->n_inputs;
    return NULL;
}

pgy_status *pgy_model_outputs(pgy_model *model, const pgy_io **out, size_t *out_n)
{
    pgy_status *st = fill_io(model);
    if (st)
        return st;
    *out = model->outputs;
    *out_n = model->n_outputs;
    return NULL;
}
