/* model/infer/value.c - types of the ONNX representation to values and back. */
#include "model/infer/scope.h"

#include <math.h>

#define MAX_TYPE_DEPTH 8

void px_infer_wrap(px_infer *in, px_onnx_type_kind kind, const px_infer_value *element,
                   px_infer_value *out)
{
    px_infer_value *copy = px_infer_alloc(in, 1, sizeof *copy);
    *out = (px_infer_value){0};
    if (!copy)
        return;
    *copy = *element;
    copy->data = NULL;
    copy->real = NULL;
    *out = (px_infer_value){.kind = kind, .rank = -1, .element = copy};
}

static void from_type(px_infer *in, const px_onnx_type *type, int depth, px_infer_value *out)
{
    *out = (px_infer_value){.kind = type->kind, .dtype = type->dtype, .rank = -1};
    if (type->kind == PX_ONNX_TYPE_OPAQUE || depth > MAX_TYPE_DEPTH)
        out->kind = PX_ONNX_TYPE_NONE;
    if (type->element && depth <= MAX_TYPE_DEPTH) {
        px_infer_value element;
        px_infer_value *copy = px_infer_alloc(in, 1, sizeof *copy);
        from_type(in, type->element, depth + 1, &element);
        if (copy)
            *copy = element;
        out->element = copy;
    }
    if (type->rank < 0 || type->rank > PX_MAX_RANK)
        return;
    px_dim *dims = px_infer_alloc(in, (size_t)type->rank, sizeof *dims);
    if (!dims)
        return;
    for (int d = 0; d < type->rank; d++) {
        const px_onnx_dim dim = type->dims[d];
        dims[d] = dim.symbol.len > 0 ? px_dim_named(&in->dims, dim.symbol)
                  : dim.value >= 0   ? px_dim_const(dim.value)
                                     : px_dim_new(&in->dims, true);
    }
    out->rank = type->rank;
    out->dims = dims;
}

void px_infer_from_type(px_infer *in, const px_onnx_type *type, px_infer_value *out)
{
    from_type(in, type, 0, out);
}

static bool to_type(const px_infer *in, px_arena *arena, const px_infer_value *v, int depth,
                    px_onnx_type *out)
{
    const bool is_tensor = v->kind == PX_ONNX_TYPE_TENSOR || v->kind == PX_ONNX_TYPE_SPARSE_TENSOR;
    *out = (px_onnx_type){.kind = v->kind, .dtype = v->dtype, .rank = -1};
    if (!is_tensor && v->kind != PX_ONNX_TYPE_NONE) {
        px_onnx_type element = {0};
        if (v->element && depth <= MAX_TYPE_DEPTH &&
            !to_type(in, arena, v->element, depth + 1, &element))
            return false;
        px_onnx_type *copy = px_arena_alloc(arena, sizeof *copy);
        if (!copy)
            return false;
        *copy = element;
        out->element = copy;
        if (element.kind == PX_ONNX_TYPE_NONE ||
            (element.kind == PX_ONNX_TYPE_TENSOR && element.dtype == PGY_DTYPE_UNKNOWN))
            *out = (px_onnx_type){.rank = -1};
        return true;
    }
    if (!is_tensor || v->rank < 0)
        return true;
    px_onnx_dim *dims = px_arena_calloc(arena, (size_t)v->rank + 1, sizeof *dims);
    if (!dims)
        return false;
    for (int d = 0; d < v->rank; d++) {
        const px_dim dim = v->dims[d];
        dims[d] = (px_onnx_dim){.value = px_dim_is_const(dim) ? dim.base : -1,
                                .symbol = px_dim_name(&in->dims, dim)};
    }
    out->rank = v->rank;
    out->dims = dims;
    return true;
}

bool px_infer_to_type(const px_infer *in, px_arena *arena, const px_infer_value *v,
                      px_onnx_type *out)
{
    return to_type(in, arena, v, 0, out);
}

static void join(px_infer *in, const px_infer_value *a, const px_infer_value *b, int depth,
                 px_infer_value *out)
{
    *out = (px_infer_value){0};
    if (a->kind != b->kind || a->kind == PX_ONNX_TYPE_NONE || depth > MAX_TYPE_DEPTH ||
        (a->dtype != b->dtype && a->dtype && b->dtype))
        return;
    px_infer_value made = {
        .kind = a->kind, .dtype = a->dtype == b->dtype ? a->dtype : PGY_DTYPE_UNKNOWN, .rank = -1};
    if (a->element && b->element) {
        px_infer_value element;
        px_infer_value *copy = px_infer_alloc(in, 1, sizeof *copy);
        join(in, a->element, b->element, depth + 1, &element);
        if (copy)
            *copy = element;
        made.element = copy;
    }
    if (a->rank >= 0 && a->rank == b->rank) {
        px_dim *dims = px_infer_alloc(in, (size_t)a->rank, sizeof *dims);
        if (!dims)
            return;
        for (int d = 0; d < a->rank; d++)
            dims[d] = px_dim_eq(a->dims[d], b->dims[d]) ? a->dims[d] : px_dim_new(&in->dims, true);
        made.rank = a->rank;
        made.dims = dims;
        bool same = a->data && b->data && a->n_data == b->n_data;
        for (size_t i = 0; same && i < a->n_data; i++)
            same = px_dim_eq(a->data[i], b->data[i]);
        if (same) {
            made.data = a->data;
            made.n_data = a->n_data;
        }
    }
    *out = made;
}

void px_infer_join(px_infer *in, const px_infer_value *a, const px_infer_value *b,
                   px_infer_value *out)
{
    join(in, a, b, 0, out);
}

/* --- constants --- */

static bool holds_integers(pgy_dtype dtype)
{
    return px_dtype_is_int(dtype) || dtype == PGY_DTYPE_BOOL;
}

static void load_elements(px_infer *in, const pgy_tensor *t, px_infer_value *out)
{
    const size_t n = (size_t)t->count;
    if (holds_integers(t->dtype)) {
        px_dim *data = px_infer_alloc(in, n, sizeof *data);
        for (size_t i = 0; data && i < n; i++) {
            data[i] = px_dim_const(px_tensor_get_i64(t, (int64_t)i));
            if (t->dtype == PGY_DTYPE_U64 && data[i].base < 0)
                data[i] = px_dim_new(&in->dims, true);
        }
        out->data = data;
    } else {
        double *real = px_infer_alloc(in, n, sizeof *real);
        for (size_t i = 0; real && i < n; i++)
            real[i] = px_tensor_get_f64(t, (int64_t)i);
        out->real = real;
    }
    out->n_data = n;
}

void px_infer_from_tensor(px_infer *in, const px_onnx_tensor *t, px_infer_value *out)
{
    int64_t count = 0;
    *out = (px_infer_value){.kind = PX_ONNX_TYPE_TENSOR, .dtype = t->dtype, .rank = -1};
    if (t->rank < 0 || t->rank > PX_MAX_RANK || !px_shape_count(t->rank, t->dims, &count))
        return;
    px_dim *dims = px_infer_alloc(in, (size_t)t->rank, sizeof *dims);
    if (!dims)
        return;
    for (int d = 0; d < t->rank; d++)
        dims[d] = px_dim_const(t->dims[d]);
    out->rank = t->rank;
    out->dims = dims;
    if (count > PX_INFER_MAX_DATA || !(holds_integers(t->dtype) || px_dtype_is_float(t->dtype)))
        return;
    pgy_tensor *loaded = NULL;
    pgy_status *st = px_onnx_tensor_load(in->model, t, &loaded);
    if (st)
        in->failed |= pgy_status_code(st) == PGY_ERR_NOMEM;
    else
        load_elements(in, loaded, out);
    pgy_status_free(st); /* elements that cannot be read are elements that are not known */
    pgy_tensor_free(loaded);
}
