/* model/apply.c - the options that change or save a model, in the reference's order. */
#include "model/edit.h"

#include "base/log.h"
#include "model/onnx_infer.h"
#include "model/onnx_write.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#define DEFAULT_THRESHOLD 1024

static bool changes_outputs(const px_model_args *args)
{
    return args->onnx_outputs.given || args->onnx_exclude_outputs.given ||
           args->onnx_outputs_by_type.given;
}

static bool changes_precision(const px_model_args *args)
{
    return args->fp_to_fp16.given || args->fp_to_bf16.given;
}

bool px_model_needs_apply(const pgy_model *model, const px_model_args *args)
{
    return model->type == PGY_MODEL_ONNX &&
           (changes_outputs(args) || changes_precision(args) || args->save_onnx.given ||
            args->shape_inference.given || args->external_data_dir.given);
}

static pgy_status *set_external_dir(pgy_model *model, const char *dir)
{
    char *copy = px_mem_strdup(dir);
    if (!copy)
        return px_status_nomem();
    px_mem_free(model->external_dir);
    model->external_dir = copy;
    return NULL;
}

static pgy_status *apply_outputs(pgy_context *cx, px_onnx_model *m, const px_model_args *args)
{
    pgy_status *st = NULL;
    const px_opt_strs *names = &args->onnx_outputs, *dropped = &args->onnx_exclude_outputs,
                      *types = &args->onnx_outputs_by_type;
    if (names->given && px_opt_marks_all(names))
        PX_TRY(px_onnx_mark_all(cx, m));
    else if (names->given)
        PX_TRY(px_onnx_mark_outputs(cx, m, names->at, names->n));
    if (types->given)
        PX_TRY(px_onnx_mark_by_type(cx, m, types->at, types->n));
    if (dropped->given)
        PX_TRY(px_onnx_exclude_outputs(cx, m, dropped->at, dropped->n));
done:
    return st;
}

static pgy_status *apply_shapes(pgy_context *cx, px_onnx_model *m)
{
    size_t n = 0;
    pgy_status *st = m->is_inferred ? NULL : px_onnx_infer_shapes(cx, m, &n);
    if (st)
        return st;
    if (!m->is_inferred)
        px_log(cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_ONNX, "Inferred types or shapes of %zu tensors", n);
    m->is_inferred = true;
    px_log(cx, PGY_LOG_VERBOSE, PX_AT_ONNX, "Shape inference completed successfully");
    return NULL;
}

/* In the graph or in one inside it: how deep they nest is bounded by the reader. */
static bool has_operator(const px_onnx_node *nodes, size_t n, px_str op)
{
    for (size_t i = 0; i < n; i++) {
        if (px_str_eq_nocase(nodes[i].op_type, op))
            return true;
        for (size_t a = 0; a < nodes[i].n_attrs; a++) {
            const px_onnx_attr *attr = &nodes[i].attrs[a];
            const size_t n_graphs = attr->type == PX_ONNX_ATTR_GRAPH    ? 1
                                    : attr->type == PX_ONNX_ATTR_GRAPHS ? attr->n
                                                                        : 0;
            for (size_t k = 0; k < n_graphs; k++)
                if (has_operator(attr->g[k].nodes, attr->g[k].n_nodes, op))
                    return true;
        }
    }
    return false;
}

static pgy_status *apply_precision(pgy_context *cx, px_onnx_model *m, pgy_dtype to,
                                   const px_opt_strs *keep)
{
    px_onnx_half_report report = {0};
    for (size_t i = 0; i < keep->n; i++)
        if (!has_operator(m->graph.nodes, m->graph.n_nodes, px_str_of(keep->at[i])))
            px_log(cx, PGY_LOG_WARNING, PX_AT_ONNX, "--fp16-keep: the model has no operator '%s'",
                   keep->at[i]);
    pgy_status *st = px_onnx_to_half(
        cx, m, &(px_onnx_half_options){.to = to, .keep = keep->at, .n_keep = keep->n}, &report);
    if (st)
        return st;
    px_log(cx, PGY_LOG_VERBOSE, PX_AT_ONNX,
           "Converted %zu tensors to %s; %zu nodes stay in float32, %zu casts were inserted",
           report.n_weights, pgy_dtype_name(to), report.n_kept, report.n_casts);
    if (report.n_clamped > 0)
        px_log(cx, PGY_LOG_WARNING, PX_AT_ONNX,
               "%lld elements of the weights lie outside the range of %s and were set to its "
               "largest or smallest value",
               (long long)report.n_clamped, pgy_dtype_name(to));
    return NULL;
}

static void log_new_folder(pgy_context *cx, const char *path)
{
    char *dir = px_path_dirname(path), *absolute = dir ? px_path_absolute(dir) : NULL;
    if (absolute && !px_path_exists(absolute))
        px_log(cx, PGY_LOG_VERBOSE, PX_AT_UTIL, "%s does not exist, creating now.", absolute);
    px_mem_free(absolute);
    px_mem_free(dir);
}

static pgy_status *apply_save(pgy_context *cx, px_onnx_model *m, const px_model_args *args)
{
    const bool is_external = args->save_external_data.given;
    const char *path = args->save_onnx.value;
    const char *name = is_external ? args->save_external_data.value : NULL;
    px_onnx_save_options how = {
        .is_external = is_external,
        .external_name = name,
        .one_file_each = args->no_save_all_tensors_to_one_file.given,
        .size_threshold = args->external_data_size_threshold.given
                              ? args->external_data_size_threshold.value
                              : DEFAULT_THRESHOLD,
        .keep_external = args->ignore_external_data.given,
    };
    /* Marking leaves outputs without types. */
    pgy_status *st = changes_outputs(args) ? px_onnx_infer_outputs(cx, m) : NULL;
    if (st)
        return st;
    px_log(cx, PGY_LOG_INFO, PX_AT_ONNX, "Saving ONNX model to: %s", path);
    if (is_external)
        px_log(cx, PGY_LOG_VERBOSE, PX_AT_ONNX, "Saving external data for ONNX model to: %s",
               name ? name : "");
    if (!is_external && args->external_data_size_threshold.given)
        px_log(cx, PGY_LOG_WARNING, PX_AT_ONNX,
               "size_threshold is set, but external data path has not been set. No external data "
               "will be written.");
    if (!is_external && how.one_file_each)
        px_log(cx, PGY_LOG_WARNING, PX_AT_ONNX,
               "all_tensors_to_one_file is set, but external data path has not been set. No "
               "external data will be written.");
    log_new_folder(cx, path);
    return px_onnx_save(cx, m, path, &how);
}

pgy_status *px_model_apply(pgy_context *cx, pgy_model *model, const px_model_args *args)
{
    pgy_status *st = NULL;
    px_onnx_model *m = NULL;
    if (args->ignore_external_data.given && !model->onnx)
        model->ignore_external = true;
    if (!px_model_needs_apply(model, args))
        return NULL;
    if (args->shape_inference.given)
        px_log(cx, PGY_LOG_VERBOSE, PX_AT_ONNX, "Starting shape inference");
    px_log(cx, PGY_LOG_INFO, PX_AT_ONNX, "Loading model: %s", model->path);
    if (args->external_data_dir.given) {
        px_log(cx, PGY_LOG_VERBOSE, PX_AT_ONNX, "Loading external data from: %s",
               args->external_data_dir.value);
        if (!model->onnx)
            PX_TRY(set_external_dir(model, args->external_data_dir.value));
    }
    PX_TRY(px_model_onnx(model, &m));
    if (args->shape_inference.given) {
        PX_TRY(apply_shapes(cx, m));
        model->is_edited = true;
        model->io_done = false;
    }
    if (changes_outputs(args)) {
        /* Marking is idempotent, and its messages are due each time. */
        PX_TRY(apply_outputs(cx, m, args));
        model->is_edited = true;
        model->io_done = false;
    }
    if (changes_precision(args)) {
        const pgy_dtype to = args->fp_to_bf16.given ? PGY_DTYPE_BF16 : PGY_DTYPE_F16;
        px_log(cx, PGY_LOG_INFO, PX_AT_ONNX, "Converting float tensors to %s", pgy_dtype_name(to));
        if (!m->is_half)
            PX_TRY(apply_precision(cx, m, to, &args->fp16_keep));
        m->is_half = true;
        model->is_edited = true;
        model->io_done = false;
    }
    if (args->save_onnx.given)
        PX_TRY(apply_save(cx, m, args));
done:
    return st;
}

pgy_status *px_model_load(pgy_model *model)
{
    return model && model->load_args ? px_model_apply(model->cx, model, model->load_args) : NULL;
}

/* --- for a runtime --- */

/* The model and all its weights as two files in a folder of their own. */
static pgy_status *to_files(const px_onnx_model *m, px_model_image *image)
{
    pgy_status *st = NULL;
    px_onnx_image files = {0};
    px_buf dir = {0};
    const char *tmp = getenv("TMPDIR");
    px_buf_printf(&dir, "%s/polygraphy.XXXXXX", tmp && *tmp ? tmp : "/var/tmp");
    PX_TRY(px_buf_status(&dir));
    if (!mkdtemp(dir.ptr))
        PX_TRY(PX_FAIL(PGY_ERR_IO,
                       "Cannot create the folder %s for a model beyond 2 GB: %s. Set TMPDIR to a "
                       "folder with enough space",
                       dir.ptr, strerror(errno)));
    image->temp_dir = px_buf_take(&dir);
    image->path = px_path_join(image->temp_dir, "model.onnx");
    if (!image->path)
        PX_TRY(px_status_nomem());
    PX_TRY(px_onnx_write(m,
                         &(px_onnx_write_options){.external_name = "model.data",
                                                  .size_threshold = DEFAULT_THRESHOLD},
                         &files));
    PX_TRY(px_onnx_image_save(NULL, &files, image->path));
done:
    px_onnx_image_fini(&files);
    px_buf_fini(&dir);
    return st;
}

pgy_status *px_model_serialize(pgy_model *model, px_model_image *out)
{
    pgy_status *st = NULL;
    px_onnx_model *m = NULL;
    px_onnx_image message = {0};
    px_model_image image = {0};
    if (!model->is_edited) {
        image.bytes = (px_str){(const char *)model->file.data, model->file.size};
        image.external_dir = model->external_dir ? px_path_absolute(model->external_dir)
                             : model->path       ? px_path_dirname(model->path)
                                                 : NULL;
        *out = image;
        return NULL;
    }
    PX_TRY(px_model_onnx(model, &m));
    PX_TRY(px_onnx_write(m, &(px_onnx_write_options){0}, &message));
    if (message.message.size > INT_MAX) {
        px_onnx_image_fini(&message);
        PX_TRY(to_files(m, &image));
    } else {
        const size_t size = (size_t)message.message.size;
        image.owned = px_mem_alloc(size);
        if (message.keeps_external)
            image.external_dir = px_path_absolute(m->dir);
        if (!image.owned || (message.keeps_external && !image.external_dir))
            PX_TRY(px_status_nomem());
        px_pb_out_copy(&message.message, image.owned);
        image.bytes = (px_str){image.owned, size};
    }
    *out = image;
    image = (px_model_image){0};
done:
    px_model_image_fini(&image);
    px_onnx_image_fini(&message);
    return px_status_while(st, "writing the changed model for the runtime");
}

void px_model_image_fini(px_model_image *image)
{
    if (image->temp_dir) {
        char *data = px_path_join(image->temp_dir, "model.data");
        if (data)
            unlink(data);
        if (image->path)
            unlink(image->path);
        rmdir(image->temp_dir);
        px_mem_free(data);
    }
    px_mem_free(image->temp_dir);
    px_mem_free(image->path);
    px_mem_free(image->external_dir);
    px_mem_free(image->owned);
    *image = (px_model_image){0};
}
