/* backend/ref/constant.c - initializers and Constant nodes, read into storage form. */
#include "backend/ref/plan.h"

/* Floats widen to F64 here, once. Large float32 weights do not: their readers widen them bit by
 * bit, and they stay where the file is mapped. */
static pgy_status *load_tensor(px_ref_session *s, const px_onnx_tensor *tensor, bool may_narrow,
                               px_ref_value *out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;

    if (may_narrow && tensor->dtype == PGY_DTYPE_F32) {
        PX_TRY(px_onnx_tensor_view(s->model, tensor, &t));
        *out = (px_ref_value){.kind = PX_REF_TENSOR, .dtype = PGY_DTYPE_F32, .t = t};
        t = NULL;
        goto done;
    }
    PX_TRY(px_onnx_tensor_load(s->model, tensor, &t));
    PX_TRY(px_ref_value_load(&s->pool, t, out));
    if (out->t != t)
        px_onnx_tensor_forget(s->model, t);
done:
    pgy_tensor_free(t);
    return px_status_while(st, "loading the constant '%.*s'", PX_STR_ARG(tensor->name));
}

/* Flat position of non-zero element `e`: indices are flat, or one coordinate per dimension. */
static bool sparse_position(const px_onnx_sparse *sparse, const pgy_tensor *indices, int64_t e,
                            int64_t *out)
{
    if (indices->rank != 2) {
        *out = px_tensor_get_i64(indices, e);
        return true;
    }
    int64_t at = 0;
    for (int d = 0; d < sparse->rank; d++) {
        const int64_t i = px_tensor_get_i64(indices, e * sparse->rank + d);
        if (i < 0 || i >= sparse->dims[d])
            return false;
        at = at * sparse->dims[d] + i;
    }
    *out = at;
    return true;
}

static pgy_status *load_sparse(px_ref_session *s, const px_onnx_sparse *sparse, px_ref_value *out)
{
    pgy_status *st = NULL;
    px_ref_value values = {0}, dense = {0};
    pgy_tensor *indices = NULL;

    PX_TRY(load_tensor(s, &sparse->values, false, &values));
    PX_TRY(px_onnx_tensor_load(s->model, &sparse->indices, &indices));
    const int64_t n = values.t->count;
    const bool fits = indices->rank == 2 ? indices->dims[0] == n && indices->dims[1] == sparse->rank
                                         : indices->count == n;
    if (values.dtype == PGY_DTYPE_STRING || indices->dtype != PGY_DTYPE_I64 || !fits)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "The sparse tensor '%.*s' has indices that do not match it",
                       PX_STR_ARG(sparse->values.name)));
    dense = (px_ref_value){.kind = PX_REF_TENSOR, .dtype = values.dtype};
    PX_TRY(px_ref_pool_tensor(&s->pool, values.t->dtype, sparse->rank, sparse->dims, &dense.t));
    memset(dense.t->data, 0, dense.t->size);
    const size_t size = (size_t)pgy_dtype_bits(values.t->dtype) / 8;
    for (int64_t e = 0; e < n; e++) {
        int64_t at = 0;
        if (!sparse_position(sparse, indices, e, &at) || at < 0 || at >= dense.t->count)
            PX_TRY(PX_FAIL(PGY_ERR_MODEL, "The sparse tensor '%.*s' has an index out of its shape",
                           PX_STR_ARG(sparse->values.name)));
        memcpy((char *)dense.t->data + (size_t)at * size,
               (const char *)values.t->data + (size_t)e * size, size);
    }
    *out = dense;
    dense = (px_ref_value){0};
done:
    px_ref_value_free(&dense);
    px_ref_value_free(&values);
    pgy_tensor_free(indices);
    return st;
}

static pgy_status *load_strings(const px_str *strings, size_t n, int rank, px_ref_value *out)
{
    pgy_status *st = NULL;
    pgy_string *copies = NULL;
    const int64_t dims[1] = {(int64_t)n};
    pgy_tensor *t = NULL;

    PX_TRY(PX_ALLOC(copies, PX_MAX(n, (size_t)1)));
    for (size_t i = 0; i < n; i++)
        copies[i] = (pgy_string){strings[i].ptr, strings[i].len};
    PX_TRY(px_tensor_new_strings(rank, dims, copies, &t));
    *out = (px_ref_value){.kind = PX_REF_TENSOR, .dtype = PGY_DTYPE_STRING, .t = t};
done:
    px_mem_free(copies);
    return st;
}

static pgy_status *load_numbers(px_ref_session *s, const px_onnx_attr *a, px_ref_value *out)
{
    const bool is_float = a->type == PX_ONNX_ATTR_FLOAT || a->type == PX_ONNX_ATTR_FLOATS;
    const bool is_list = a->type == PX_ONNX_ATTR_FLOATS || a->type == PX_ONNX_ATTR_INTS;
    const int64_t dims[1] = {(int64_t)a->n};
    px_ref_value v = {.kind = PX_REF_TENSOR, .dtype = is_float ? PGY_DTYPE_F32 : PGY_DTYPE_I64};

    pgy_status *st =
        px_ref_pool_tensor(&s->pool, px_ref_storage(v.dtype), is_list ? 1 : 0, dims, &v.t);
    if (st)
        return st;
    for (int64_t i = 0; i < v.t->count; i++) {
        if (is_float)
            ((double *)v.t->data)[i] = is_list ? a->floats[i] : a->f;
        else
            ((int64_t *)v.t->data)[i] = is_list ? a->ints[i] : a->i;
    }
    *out = v;
    return NULL;
}

pgy_status *px_ref_source_load(px_ref_session *s, const px_ref_source *source, bool may_narrow,
                               px_ref_value *out)
{
    if (source->tensor)
        return load_tensor(s, source->tensor, may_narrow, out);
    if (source->sparse)
        return load_sparse(s, source->sparse, out);
    const px_onnx_attr *a = source->attr;
    switch (a->type) {
    case PX_ONNX_ATTR_TENSOR:
        return load_tensor(s, a->t, may_narrow, out);
    case PX_ONNX_ATTR_SPARSE_TENSOR:
        return load_sparse(s, a->sparse, out);
    case PX_ONNX_ATTR_STRING:
        return load_strings(&a->s, 1, 0, out);
    case PX_ONNX_ATTR_STRINGS:
        return load_strings(a->strings, a->n, 1, out);
    case PX_ONNX_ATTR_FLOAT:
    case PX_ONNX_ATTR_FLOATS:
    case PX_ONNX_ATTR_INT:
    case PX_ONNX_ATTR_INTS:
        return load_numbers(s, a, out);
    default:
        return PX_FAIL(PGY_ERR_MODEL, "A Constant node has an attribute '%.*s' of no usable type",
                       PX_STR_ARG(a->name));
    }
}
