/* model/onnx_tensor.c - the elements of a TensorProto as a pgy_tensor.
 *
 * Where they may be: `raw_data` (ONNX layout, which is ours), an external file, or one of the
 * typed repeated fields. Which typed field serves which element type is a rule of onnx.proto:
 * small types travel as int32 bit patterns, 4- and 2-bit ones packed into bytes first.
 */
#include "model/onnx.h"

#include "base/file.h"
#include "base/tensor.h"
#include "model/onnx_fields.h"
#include "model/pb_read.h"

#include <errno.h>

/* External tensors below this are copied: a map of their own would cost more than it saves. */
#define MAP_AT_LEAST ((size_t)64 << 10)

static size_t alignment_of(pgy_dtype dtype)
{
    switch (dtype) {
    case PGY_DTYPE_C128:
    case PGY_DTYPE_C64:
        return (size_t)pgy_dtype_bits(dtype) / 16; /* that of its real part */
    default:
        return PX_MAX((size_t)pgy_dtype_bits(dtype) / 8, 1);
    }
}

static bool is_aligned(const void *p, pgy_dtype dtype)
{
    return (uintptr_t)p % alignment_of(dtype) == 0;
}

static pgy_status *copied(const px_onnx_tensor *t, const void *bytes, size_t size, pgy_tensor **out)
{
    pgy_tensor *tensor = NULL;
    pgy_status *st = px_tensor_new_raw(t->dtype, t->rank, t->dims, &tensor);
    if (st)
        return st;
    if (size > 0)
        memcpy(pgy_tensor_data_mut(tensor), bytes, size);
    *out = tensor;
    return NULL;
}

static pgy_status *wrong_size(const px_onnx_tensor *t, uint64_t have, uint64_t want,
                              const char *what)
{
    px_buf shape = {0};
    px_shape_print_list(&shape, t->rank, t->dims);
    pgy_status *st =
        PX_FAIL(PGY_ERR_MODEL,
                "The ONNX tensor '%.*s' of type %s and shape %s needs %llu %s, but the model has "
                "%llu",
                PX_STR_ARG(t->name), pgy_dtype_name(t->dtype), px_buf_cstr(&shape),
                (unsigned long long)want, what, (unsigned long long)have);
    px_buf_fini(&shape);
    return st;
}

static pgy_status *load_raw(const px_onnx_tensor *t, size_t size, bool any_address,
                            pgy_tensor **out)
{
    if (t->raw.len != size)
        return wrong_size(t, t->raw.len, size, "bytes");
    if (!any_address && !is_aligned(t->raw.ptr, t->dtype))
        return copied(t, t->raw.ptr, size, out);
    /* The map is read-only; px_onnx_tensor_load says that nobody writes. */
    return pgy_tensor_wrap(t->dtype, t->rank, t->dims, (void *)(uintptr_t)t->raw.ptr, NULL, NULL,
                           out);
}

/* --- external data --- */

static void release_map(void *owner)
{
    px_file *map = owner;
    px_file_unmap(map);
    px_mem_free(map);
}

static bool has_parent_step(px_str path)
{
    for (size_t i = 0; i + 1 < path.len; i++)
        if (path.ptr[i] == '.' && path.ptr[i + 1] == '.' && (i == 0 || path.ptr[i - 1] == '/') &&
            (i + 2 == path.len || path.ptr[i + 2] == '/'))
            return true;
    return false;
}

pgy_status *px_onnx_external_path(const px_onnx_model *model, const px_onnx_tensor *t, char **out)
{
    pgy_status *st = NULL;
    char *name = NULL, *path = NULL, *real = NULL, *real_dir = NULL;
    const char *why = t->location.len == 0                             ? "no location at all"
                      : memchr(t->location.ptr, '\0', t->location.len) ? "a NUL byte in it"
                      : t->location.ptr[0] == '/'                      ? "an absolute path"
                      : has_parent_step(t->location)                   ? "'..' in it"
                                                                       : NULL;
    if (why)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "The external data of the ONNX tensor '%.*s' has %s ('%.*s'); it must be a "
                       "path below the model's folder",
                       PX_STR_ARG(t->name), why, PX_STR_ARG(t->location)));
    name = px_mem_strndup(t->location.ptr, t->location.len);
    path = name ? px_path_join(model->dir, name) : NULL;
    if (!path)
        PX_TRY(px_status_nomem());
    real = realpath(path, NULL);
    real_dir = realpath(model->dir, NULL);
    if (!real || !real_dir)
        PX_TRY(PX_FAIL(PGY_ERR_IO,
                       "Cannot open %s, the external data of the ONNX tensor '%.*s': %s. "
                       "--external-data-dir tells where the file is",
                       path, PX_STR_ARG(t->name), strerror(errno)));
    size_t len = strlen(real_dir);
    if (strncmp(real, real_dir, len) != 0 || (len > 1 && real[len] != '/'))
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "The external data %s of the ONNX tensor '%.*s' is a link that leaves the "
                       "model's folder, to %s. Give that file's folder with --external-data-dir",
                       path, PX_STR_ARG(t->name), real));
    *out = path;
    path = NULL;
done:
    free(real); /* from realpath, thus not ours */
    free(real_dir);
    px_mem_free(path);
    px_mem_free(name);
    return st;
}

static pgy_status *load_external(const px_onnx_model *model, const px_onnx_tensor *t, size_t size,
                                 pgy_tensor **out)
{
    pgy_status *st = NULL;
    char *path = NULL;
    px_file *map = NULL;
    px_file view = {0};
    if (model->ignore_external)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The elements of the ONNX tensor '%.*s' are external data, which "
                       "--ignore-external-data leaves out",
                       PX_STR_ARG(t->name)));
    if (t->has_length && t->length != size)
        PX_TRY(wrong_size(t, t->length, size, "bytes"));
    PX_TRY(px_onnx_external_path(model, t, &path));
    PX_TRY(px_file_map_range(path, t->offset, size, &view));
    if (size < MAP_AT_LEAST || !is_aligned(view.data, t->dtype)) {
        PX_TRY(copied(t, view.data, size, out));
    } else {
        PX_TRY(PX_ALLOC(map, 1));
        *map = view;
        PX_TRY(pgy_tensor_wrap(t->dtype, t->rank, t->dims, (void *)(uintptr_t)view.data,
                               release_map, map, out));
        map = NULL;
        view = (px_file){0};
    }
done:
    px_mem_free(map);
    px_file_unmap(&view);
    px_mem_free(path);
    return px_status_while(st, "reading the external data of '%.*s'", PX_STR_ARG(t->name));
}

/* --- typed fields --- */

typedef struct encoding {
    uint32_t field;
    px_pb_wire wire;
    int size;    /* bytes of one number's target, little-endian truncated */
    int n_parts; /* numbers per element: 2 for complex */
    bool is_packed;
} encoding;

static bool encoding_of(pgy_dtype dtype, encoding *out)
{
    switch (dtype) {
    case PGY_DTYPE_F32:
        *out = (encoding){PX_F_TENSOR_FLOAT_DATA, PX_PB_I32, 4, 1, false};
        return true;
    case PGY_DTYPE_C64:
        *out = (encoding){PX_F_TENSOR_FLOAT_DATA, PX_PB_I32, 4, 2, false};
        return true;
    case PGY_DTYPE_F64:
        *out = (encoding){PX_F_TENSOR_DOUBLE_DATA, PX_PB_I64, 8, 1, false};
        return true;
    case PGY_DTYPE_C128:
        *out = (encoding){PX_F_TENSOR_DOUBLE_DATA, PX_PB_I64, 8, 2, false};
        return true;
    case PGY_DTYPE_I64:
        *out = (encoding){PX_F_TENSOR_INT64_DATA, PX_PB_VARINT, 8, 1, false};
        return true;
    case PGY_DTYPE_U32:
        *out = (encoding){PX_F_TENSOR_UINT64_DATA, PX_PB_VARINT, 4, 1, false};
        return true;
    case PGY_DTYPE_U64:
        *out = (encoding){PX_F_TENSOR_UINT64_DATA, PX_PB_VARINT, 8, 1, false};
        return true;
    case PGY_DTYPE_I32:
        *out = (encoding){PX_F_TENSOR_INT32_DATA, PX_PB_VARINT, 4, 1, false};
        return true;
    case PGY_DTYPE_U16:
    case PGY_DTYPE_I16:
    case PGY_DTYPE_F16:
    case PGY_DTYPE_BF16:
        *out = (encoding){PX_F_TENSOR_INT32_DATA, PX_PB_VARINT, 2, 1, false};
        return true;
    case PGY_DTYPE_U8:
    case PGY_DTYPE_I8:
    case PGY_DTYPE_BOOL:
    case PGY_DTYPE_F8E4M3FN:
    case PGY_DTYPE_F8E4M3FNUZ:
    case PGY_DTYPE_F8E5M2:
    case PGY_DTYPE_F8E5M2FNUZ:
    case PGY_DTYPE_F8E8M0:
        *out = (encoding){PX_F_TENSOR_INT32_DATA, PX_PB_VARINT, 1, 1, false};
        return true;
    case PGY_DTYPE_U4:
    case PGY_DTYPE_I4:
    case PGY_DTYPE_F4E2M1:
    case PGY_DTYPE_U2:
    case PGY_DTYPE_I2:
        *out = (encoding){PX_F_TENSOR_INT32_DATA, PX_PB_VARINT, 1, 1, true};
        return true;
    default:
        return false;
    }
}

static pgy_status *load_typed(const px_onnx_tensor *t, int64_t count, size_t size, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *tensor = NULL;
    encoding e = {0};
    uint64_t value = 0, n = 0;
    if (!encoding_of(t->dtype, &e))
        PX_TRY(PX_FAIL(PGY_ERR_BUG, "No encoding is known for element type %d", t->data_type));
    uint64_t want = e.is_packed ? size : (uint64_t)count * (uint64_t)e.n_parts;
    px_pb_numbers it = px_pb_numbers_of(t->wire, NULL, e.field, e.wire);
    while (px_pb_numbers_next(&it, &value))
        n++;
    PX_TRY(px_pb_status(&it.outer, "TensorProto"));
    if (n != want)
        PX_TRY(wrong_size(t, n, want, "numbers"));
    PX_TRY(px_tensor_new_raw(t->dtype, t->rank, t->dims, &tensor));
    uint8_t *at = pgy_tensor_data_mut(tensor);
    it = px_pb_numbers_of(t->wire, NULL, e.field, e.wire);
    for (uint64_t i = 0; i < want && px_pb_numbers_next(&it, &value); i++, at += e.size) {
        if (t->dtype == PGY_DTYPE_BOOL)
            value = (int32_t)(uint32_t)value != 0;
        memcpy(at, &value, (size_t)e.size); /* the low bytes: the host is little-endian */
    }
    *out = tensor;
    tensor = NULL;
done:
    pgy_tensor_free(tensor);
    return st;
}

static pgy_status *load_strings(const px_onnx_tensor *t, int64_t count, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_string *strings = NULL;
    px_pb_field f;
    uint64_t n = 0;
    px_pb pb = px_pb_of(t->wire, NULL);
    while (px_pb_next(&pb, &f))
        n += f.number == PX_F_TENSOR_STRING_DATA && f.wire == PX_PB_LEN;
    if (n != (uint64_t)count)
        PX_TRY(wrong_size(t, n, (uint64_t)count, "strings"));
    PX_TRY(PX_ALLOC(strings, (size_t)n));
    pb = px_pb_of(t->wire, NULL);
    for (uint64_t i = 0; px_pb_next(&pb, &f);)
        if (f.number == PX_F_TENSOR_STRING_DATA && f.wire == PX_PB_LEN)
            strings[i++] = (pgy_string){f.bytes.ptr, f.bytes.len};
    PX_TRY(pgy_tensor_wrap(t->dtype, t->rank, t->dims, strings, px_mem_free, strings, out));
    strings = NULL;
done:
    px_mem_free(strings);
    return st;
}

static bool has_segment(const px_onnx_tensor *t)
{
    px_pb pb = px_pb_of(t->wire, NULL);
    px_pb_field f;
    while (px_pb_next(&pb, &f))
        if (f.number == PX_F_TENSOR_SEGMENT && f.wire == PX_PB_LEN)
            return true;
    return false;
}

static pgy_status *load(const px_onnx_model *model, const px_onnx_tensor *t, bool any_address,
                        pgy_tensor **out)
{
    int64_t count = 0;
    size_t size = 0;
    if (t->dtype == PGY_DTYPE_UNKNOWN)
        return PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The ONNX tensor '%.*s' has element type %d, which this version does not "
                       "know",
                       PX_STR_ARG(t->name), t->data_type);
    if (!px_shape_count(t->rank, t->dims, &count) ||
        !px_shape_size(t->dtype, t->rank, t->dims, &size)) {
        px_buf shape = {0};
        px_shape_print_list(&shape, t->rank, t->dims);
        pgy_status *st =
            PX_FAIL(PGY_ERR_MODEL, "The ONNX tensor '%.*s' has an impossible shape: %s",
                    PX_STR_ARG(t->name), px_buf_cstr(&shape));
        px_buf_fini(&shape);
        return st;
    }
    if (t->is_external && t->dtype == PGY_DTYPE_STRING)
        return PX_FAIL(PGY_ERR_MODEL,
                       "The ONNX tensor '%.*s' is an external string tensor; strings cannot be "
                       "external data",
                       PX_STR_ARG(t->name));
    if (t->is_external)
        return load_external(model, t, size, out);
    if (t->raw.ptr && t->dtype != PGY_DTYPE_STRING)
        return load_raw(t, size, any_address, out);
    if (has_segment(t))
        return PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The ONNX tensor '%.*s' is stored in segments, which no known tool writes "
                       "and this one does not read",
                       PX_STR_ARG(t->name));
    if (t->dtype == PGY_DTYPE_STRING)
        return load_strings(t, count, out);
    return load_typed(t, count, size, out);
}

pgy_status *px_onnx_tensor_load(const px_onnx_model *model, const px_onnx_tensor *t,
                                pgy_tensor **out)
{
    return load(model, t, false, out);
}

pgy_status *px_onnx_tensor_view(const px_onnx_model *model, const px_onnx_tensor *t,
                                pgy_tensor **out)
{
    return load(model, t, true, out);
}

void px_onnx_tensor_forget(const px_onnx_model *model, const pgy_tensor *t)
{
    const uintptr_t begin = (uintptr_t)model->wire.ptr, at = (uintptr_t)t->data;
    const px_file wire = {.is_map = model->is_map};
    if (t->release == release_map)
        px_file_drop(t->owner, t->data, t->size);
    else if (at >= begin && at < begin + model->wire.len)
        px_file_drop(&wire, t->data, t->size);
}
