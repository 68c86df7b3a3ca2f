/* backend/onnxrt/values.c - see the header. */
#include "backend/onnxrt/values.h"

#include "backend/tensors_only.h"
#include "base/str.h"
#include "base/tensor.h"

/* Element types are numbered as ONNX numbers them up to FLOAT4E2M1 (23); the three that came last
 * are in another order. Read off release 1.32.0. */
enum { LAST_COMMON = 23 };
static const struct {
    px_ort_dtype ort;
    pgy_dtype dtype;
} late_types[] = {{24, PGY_DTYPE_U2}, {25, PGY_DTYPE_I2}, {26, PGY_DTYPE_F8E8M0}};

px_ort_dtype px_onnxrt_dtype_of(pgy_dtype dtype)
{
    for (size_t i = 0; i < PX_COUNTOF(late_types); i++)
        if (late_types[i].dtype == dtype)
            return late_types[i].ort;
    return (int)dtype >= 0 && (int)dtype <= LAST_COMMON ? (px_ort_dtype)dtype : 0;
}

pgy_dtype px_onnxrt_dtype_from(px_ort_dtype dtype)
{
    for (size_t i = 0; i < PX_COUNTOF(late_types); i++)
        if (late_types[i].ort == dtype)
            return late_types[i].dtype;
    return dtype >= 0 && dtype <= LAST_COMMON ? (pgy_dtype)dtype : PGY_DTYPE_UNKNOWN;
}

const char *px_onnxrt_kind_text(px_ort_kind kind)
{
    switch (kind) {
    case PX_ORT_TENSOR:
        return "a tensor";
    case PX_ORT_SEQUENCE:
        return "a sequence";
    case PX_ORT_MAP:
        return "a map";
    case PX_ORT_OPAQUE:
        return "an opaque value";
    case PX_ORT_SPARSE_TENSOR:
        return "a sparse tensor";
    case PX_ORT_OPTIONAL:
        return "an optional value";
    case PX_ORT_UNKNOWN:
        break;
    }
    return "of an unknown kind";
}

static pgy_status *new_strings(px_onnxrt_lib *lib, const pgy_tensor *t, px_ort_value **out)
{
    pgy_status *st = NULL;
    px_ort_allocator *allocator = NULL;
    px_ort_value *value = NULL;
    const pgy_string *strings = t->data;

    PX_TRY(px_onnxrt_check(lib, lib->api->GetAllocatorWithDefaultOptions(&allocator)));
    PX_TRY(px_onnxrt_check(
        lib, lib->api->CreateTensorAsOrtValue(allocator, t->dims, (size_t)t->rank,
                                              px_onnxrt_dtype_of(PGY_DTYPE_STRING), &value)));
    for (int64_t i = 0; i < t->count; i++) {
        char *room = NULL;
        PX_TRY(px_onnxrt_check(lib, lib->api->GetResizedStringTensorElementBuffer(
                                        value, (size_t)i, strings[i].len, &room)));
        if (strings[i].len > 0)
            memcpy(room, strings[i].ptr, strings[i].len);
    }
    *out = value;
    value = NULL;
done:
    if (value != NULL)
        lib->api->ReleaseValue(value);
    return st;
}

pgy_status *px_onnxrt_value_new(px_onnxrt_lib *lib, const px_ort_memory *cpu, const pgy_tensor *t,
                                px_ort_value **out)
{
    const px_ort_dtype dtype = px_onnxrt_dtype_of(t->dtype);
    if (t->dtype == PGY_DTYPE_STRING)
        return new_strings(lib, t, out);
    if (dtype == 0)
        return PX_FAIL(PGY_ERR_UNSUPPORTED, "ONNX Runtime has no tensors of type %s.",
                       pgy_dtype_name(t->dtype));
    return px_onnxrt_check(lib, lib->api->CreateTensorWithDataAsOrtValue(
                                    cpu, t->data, t->size, t->dims, (size_t)t->rank, dtype, out));
}

/* What keeps an output's bytes alive. */
typedef struct value_owner {
    px_onnxrt_lib *lib;
    px_ort_value *value;
} value_owner;

static void release_value(void *owner)
{
    value_owner *o = owner;
    o->lib->api->ReleaseValue(o->value);
    px_onnxrt_lib_unref(o->lib);
    px_mem_free(o);
}

/* Copies a string tensor out: one block of pgy_strings followed by their bytes. */
static pgy_status *copy_strings(px_onnxrt_lib *lib, const px_ort_value *value, int rank,
                                const int64_t *dims, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_string *block = NULL;
    size_t *offsets = NULL, n_bytes = 0, table = 0, size = 0;
    int64_t count = 0;

    if (!px_shape_count(rank, dims, &count))
        PX_TRY(PX_FAIL(PGY_ERR_BUG, "ONNX Runtime returned a shape that overflows."));
    PX_TRY(px_onnxrt_check(lib, lib->api->GetStringTensorDataLength(value, &n_bytes)));
    if (!px_size_mul((size_t)count, sizeof *block, &table) || !px_size_add(table, n_bytes, &size))
        PX_TRY(px_status_nomem());
    block = px_mem_alloc(size);
    if (block == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(PX_ALLOC(offsets, (size_t)count + 1));
    char *bytes = (char *)block + table;
    if (count > 0)
        PX_TRY(px_onnxrt_check(
            lib, lib->api->GetStringTensorContent(value, bytes, n_bytes, offsets, (size_t)count)));
    offsets[count] = n_bytes;
    for (int64_t i = 0; i < count; i++)
        block[i] = (pgy_string){.ptr = bytes + offsets[i], .len = offsets[i + 1] - offsets[i]};
    PX_TRY(pgy_tensor_wrap(PGY_DTYPE_STRING, rank, dims, block, px_mem_free, block, out));
    block = NULL;
done:
    px_mem_free(offsets);
    px_mem_free(block);
    return st;
}

/* On success the value belongs to the tensor. */
static pgy_status *wrap_numbers(px_onnxrt_lib *lib, pgy_dtype dtype, int rank, const int64_t *dims,
                                px_ort_value *value, pgy_tensor **out)
{
    pgy_status *st = NULL;
    value_owner *owner = NULL;
    void *data = NULL;

    PX_TRY(px_onnxrt_check(lib, lib->api->GetTensorMutableData(value, &data)));
    PX_TRY(PX_ALLOC(owner, 1));
    *owner = (value_owner){.lib = lib, .value = value};
    if (data == NULL) /* a tensor without elements; ours always point somewhere */
        data = owner;
    PX_TRY(pgy_tensor_wrap(dtype, rank, dims, data, release_value, owner, out));
    owner = NULL;
    px_onnxrt_lib_ref(lib);
done:
    px_mem_free(owner);
    return st;
}

/* Takes a tensor's value, also on failure. */
static pgy_status *take_tensor(px_onnxrt_lib *lib, const char *name, px_ort_value *take_value,
                               pgy_tensor **out)
{
    pgy_status *st = NULL;
    const px_ort_api *api = lib->api;
    px_ort_shape *shape = NULL;
    px_ort_dtype ort_dtype = 0;
    size_t rank = 0;
    int64_t dims[PX_MAX_RANK];

    PX_TRY(px_onnxrt_check(lib, api->GetTensorTypeAndShape(take_value, &shape)));
    PX_TRY(px_onnxrt_check(lib, api->GetTensorElementType(shape, &ort_dtype)));
    PX_TRY(px_onnxrt_check(lib, api->GetDimensionsCount(shape, &rank)));
    const pgy_dtype dtype = px_onnxrt_dtype_from(ort_dtype);
    if (rank > PX_MAX_RANK || dtype == PGY_DTYPE_UNKNOWN)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The output '%s' has element type %d and %zu dimensions, which is more than "
                       "this build knows.",
                       name, (int)ort_dtype, rank));
    PX_TRY(px_onnxrt_check(lib, api->GetDimensions(shape, dims, rank)));
    if (dtype == PGY_DTYPE_STRING) {
        PX_TRY(copy_strings(lib, take_value, (int)rank, dims, out));
    } else {
        PX_TRY(wrap_numbers(lib, dtype, (int)rank, dims, take_value, out));
        take_value = NULL;
    }
done:
    if (take_value != NULL)
        api->ReleaseValue(take_value);
    if (shape != NULL)
        api->ReleaseTensorTypeAndShapeInfo(shape);
    return st;
}

static pgy_status *give(px_onnxrt_lib *lib, const char *name, px_ort_value *take_value, int depth,
                        pgy_outputs *out);

/* Item `i`, under the name in `item`. */
static pgy_status *give_item(px_onnxrt_lib *lib, px_buf *item, const px_ort_value *value, size_t i,
                             int depth, pgy_outputs *out)
{
    pgy_status *st = NULL;
    px_ort_allocator *allocator = NULL;
    px_ort_value *part = NULL;
    PX_TRY(px_buf_status(item));
    PX_TRY(px_onnxrt_check(lib, lib->api->GetAllocatorWithDefaultOptions(&allocator)));
    PX_TRY(px_onnxrt_check(lib, lib->api->GetValue(value, (int)i, allocator, &part)));
    PX_TRY(give(lib, px_buf_cstr(item), part, depth, out));
done:
    return st;
}

/* Takes the value. */
static pgy_status *give(px_onnxrt_lib *lib, const char *name, px_ort_value *take_value, int depth,
                        pgy_outputs *out)
{
    static const char *const map_parts[] = {"keys", "values"};
    pgy_status *st = NULL;
    px_ort_kind kind = PX_ORT_UNKNOWN;
    px_buf item = {0};
    size_t n = 0;
    PX_TRY(px_onnxrt_check(lib, lib->api->GetValueType(take_value, &kind)));
    if (kind == PX_ORT_TENSOR) {
        pgy_tensor *t = NULL;
        px_ort_value *value = take_value;
        take_value = NULL;
        PX_TRY(take_tensor(lib, name, value, &t));
        PX_TRY(pgy_outputs_add(out, name, t));
    } else if (kind == PX_ORT_SEQUENCE && depth < PX_OUTPUTS_MAX_DEPTH) {
        PX_TRY(px_onnxrt_check(lib, lib->api->GetValueCount(take_value, &n)));
        PX_TRY(px_outputs_add_length(out, name, n));
    } else if (kind != PX_ORT_MAP || depth >= PX_OUTPUTS_MAX_DEPTH) {
        PX_TRY(px_refuse_value("output", px_str_of(name), px_onnxrt_kind_text(kind)));
    }
    for (size_t i = 0; i < n; i++, item.len = 0) {
        px_buf_printf(&item, "%s[%zu]", name, i);
        PX_TRY(give_item(lib, &item, take_value, i, depth + 1, out));
    }
    for (size_t i = 0; kind == PX_ORT_MAP && i < 2; i++, item.len = 0) {
        px_buf_printf(&item, "%s.%s", name, map_parts[i]);
        PX_TRY(give_item(lib, &item, take_value, i, depth + 1, out));
    }
done:
    if (take_value != NULL)
        lib->api->ReleaseValue(take_value);
    px_buf_fini(&item);
    return st;
}

pgy_status *px_onnxrt_value_give(px_onnxrt_lib *lib, const char *name, bool is_optional,
                                 px_ort_value *take_value, pgy_outputs *out)
{
    pgy_status *st = NULL;
    int has_value = take_value != NULL;
    if (take_value != NULL && is_optional)
        PX_TRY(px_onnxrt_check(lib, lib->api->HasValue(take_value, &has_value)));
    if (is_optional || !has_value)
        PX_TRY(px_outputs_add_presence(out, name, has_value));
    if (has_value) {
        px_ort_value *value = take_value;
        take_value = NULL;
        PX_TRY(give(lib, name, value, 0, out));
    }
done:
    if (take_value != NULL)
        lib->api->ReleaseValue(take_value);
    return st;
}
