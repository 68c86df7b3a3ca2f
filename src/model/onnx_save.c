/* model/onnx_save.c - a model into files, with or without external data. */
#include "model/edit.h"

#include "base/log.h"
#include "model/onnx_write.h"

/* Protobuf refuses messages of 2 GiB; the reference stops a little earlier. */
#define MAX_MESSAGE ((uint64_t)2000000000)

static bool leaves_folder(const char *name)
{
    px_str rest = px_str_of(name);
    if (name[0] == '/')
        return true;
    while (rest.len > 0) {
        const char *slash = memchr(rest.ptr, '/', rest.len);
        size_t len = slash ? (size_t)(slash - rest.ptr) : rest.len;
        if (len == 2 && memcmp(rest.ptr, "..", 2) == 0)
            return true;
        rest = slash ? (px_str){slash + 1, rest.len - len - 1} : (px_str){0};
    }
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static pgy_status *external_name(const char *path, const char *asked, char **out)
{
    pgy_status *st = NULL;
    px_buf name = {0};
    if (asked && asked[0]) {
        if (leaves_folder(asked) || strcmp(asked, base_name(path)) == 0)
            PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                           "External data cannot be saved to '%s': give a path relative to the "
                           "folder of the saved model, %s, and other than the model's",
                           asked, path));
        px_buf_puts(&name, asked);
    } else {
        px_buf_printf(&name, "%s.data", base_name(path));
    }
    *out = px_buf_take(&name);
    if (!*out)
        PX_TRY(px_status_nomem());
done:
    px_buf_fini(&name);
    return st;
}

pgy_status *px_onnx_save(pgy_context *cx, const px_onnx_model *m, const char *path,
                         const px_onnx_save_options *how)
{
    pgy_status *st = NULL;
    px_onnx_image image = {0};
    char *name = NULL;
    px_onnx_write_options write = {.inline_external = !how->keep_external,
                                   .one_file_each = how->one_file_each,
                                   .size_threshold = how->size_threshold,
                                   .avoid_name = base_name(path)};
    PX_TRY(external_name(path, how->external_name, &name));
    if (how->is_external)
        write.external_name = name;
    PX_TRY(px_onnx_write(m, &write, &image));
    if (image.message.size > MAX_MESSAGE && !how->is_external) {
        px_log(cx, PGY_LOG_WARNING, PX_AT_ONNX,
               "The model takes %.1f GB, more than the 2 GB of a single ONNX file. Its weights are "
               "saved to the external data file %s",
               (double)image.message.size / 1e9, name);
        px_onnx_image_fini(&image);
        write.external_name = name;
        PX_TRY(px_onnx_write(m, &write, &image));
    }
    PX_TRY(px_onnx_image_save(cx, &image, path));
done:
    px_onnx_image_fini(&image);
    px_mem_free(name);
    return px_status_while(st, "saving the ONNX model to %s", path);
}
