/* onnx_nodes/node_data.c - the .pb files of a node case. */
#include "node_data.h"

#include "base/file.h"
#include "model/pb_read.h"

#include <math.h>

/* --- reading --- */

static void put_varint(px_buf *b, uint64_t x)
{
    for (; x >= 128; x >>= 7)
        px_buf_putc(b, (char)(x & 127) | (char)128);
    px_buf_putc(b, (char)x);
}

/* A TensorProto becomes the only initializer of a model, which our reader knows how to read. */
static pgy_status *read_tensor(px_ref_pool *pool, px_str bytes, pgy_dtype declared,
                               px_ref_value *out)
{
    pgy_status *st = NULL;
    px_buf graph = {0}, whole = {0};
    px_onnx_model *model = NULL;
    pgy_tensor *t = NULL, *copy = NULL;

    px_buf_putc(&graph, 5 << 3 | 2); /* GraphProto.initializer */
    put_varint(&graph, bytes.len);
    px_buf_putstr(&graph, bytes);
    px_buf_putc(&whole, 7 << 3 | 2); /* ModelProto.graph */
    put_varint(&whole, graph.len);
    px_buf_putstr(&whole, px_buf_str(&graph));
    PX_TRY(px_buf_status(&whole));
    PX_TRY(px_onnx_parse(px_buf_str(&whole), ".", &model));
    PX_TRY(px_onnx_tensor_load(model, &model->graph.initializers[0], &t));
    /* The bytes die with this function. */
    if (t->dtype == PGY_DTYPE_STRING) {
        PX_TRY(px_tensor_new_strings(t->rank, t->dims, t->data, &copy));
    } else {
        /* Old cases store bfloat16 as the uint16 of its bits. */
        const bool is_bits = declared == PGY_DTYPE_BF16 && t->dtype == PGY_DTYPE_U16;
        PX_TRY(px_tensor_new_raw(is_bits ? declared : t->dtype, t->rank, t->dims, &copy));
        memcpy(copy->data, t->data, t->size);
    }
    PX_TRY(px_ref_value_load(pool, copy, out));
done:
    pgy_tensor_free(t);
    pgy_tensor_free(copy);
    px_onnx_free(model);
    px_buf_fini(&graph);
    px_buf_fini(&whole);
    return st;
}

static pgy_status *read_value(px_ref_pool *pool, px_str bytes, px_onnx_type_kind kind,
                              pgy_dtype declared, px_ref_value *out);

static pgy_status *read_sequence(px_ref_pool *pool, px_str bytes, px_ref_value *out)
{
    pgy_status *st = NULL;
    px_ref_list *list = NULL;
    px_pb_field f;
    size_t n = 0;

    for (px_pb r = px_pb_of(bytes, NULL); px_pb_next(&r, &f);)
        n += f.number == 3 || f.number == 5;
    PX_TRY(px_ref_list_new(n, &list));
    n = 0;
    for (px_pb r = px_pb_of(bytes, NULL); px_pb_next(&r, &f);) {
        if (f.number == 3)
            PX_TRY(read_value(pool, f.bytes, PX_ONNX_TYPE_TENSOR, 0, &list->items[n++]));
        else if (f.number == 5)
            PX_TRY(read_value(pool, f.bytes, PX_ONNX_TYPE_SEQUENCE, 0, &list->items[n++]));
    }
    *out = (px_ref_value){
        .kind = PX_REF_SEQUENCE, .dtype = n > 0 ? list->items[0].dtype : 0, .seq = list};
    list = NULL;
done:
    px_ref_value_free(&(px_ref_value){.kind = PX_REF_SEQUENCE, .seq = list});
    return st;
}

static pgy_status *read_optional(px_ref_pool *pool, px_str bytes, px_ref_value *out)
{
    pgy_status *st = NULL;
    px_ref_list *list = NULL;
    px_ref_value item = {0};
    px_pb_field f;

    for (px_pb r = px_pb_of(bytes, NULL); px_pb_next(&r, &f);) {
        if (f.number == 3)
            PX_TRY(read_value(pool, f.bytes, PX_ONNX_TYPE_TENSOR, 0, &item));
        else if (f.number == 5)
            PX_TRY(read_value(pool, f.bytes, PX_ONNX_TYPE_SEQUENCE, 0, &item));
    }
    PX_TRY(px_ref_list_new(item.kind != PX_REF_NONE, &list));
    if (list->n > 0)
        list->items[0] = item;
    *out = (px_ref_value){.kind = PX_REF_OPTIONAL, .dtype = item.dtype, .seq = list};
    item = (px_ref_value){0};
done:
    px_ref_value_free(&item);
    return st;
}

static pgy_status *read_value(px_ref_pool *pool, px_str bytes, px_onnx_type_kind kind,
                              pgy_dtype declared, px_ref_value *out)
{
    switch (kind) {
    case PX_ONNX_TYPE_SEQUENCE:
        return read_sequence(pool, bytes, out);
    case PX_ONNX_TYPE_OPTIONAL:
        return read_optional(pool, bytes, out);
    case PX_ONNX_TYPE_NONE:
    case PX_ONNX_TYPE_TENSOR:
        return read_tensor(pool, bytes, declared, out);
    default:
        return PX_FAIL(PGY_ERR_UNSUPPORTED, "A value of kind %d is not read here", (int)kind);
    }
}

pgy_status *node_value_read(px_ref_pool *pool, const char *path, const px_onnx_type *type,
                            px_ref_value *out)
{
    pgy_status *st = NULL;
    px_file file = {0};

    PX_TRY(px_file_map(path, &file));
    const px_str bytes = {file.data ? (const char *)file.data : "", file.size};
    PX_TRY(read_value(pool, bytes, type->kind, type->dtype, out));
done:
    px_file_unmap(&file);
    return px_status_while(st, "reading %s", path);
}

/* --- comparing --- */

static bool is_close(double got, double want, const node_tolerance *tol)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got))
        return want == got;
    return fabs(got - want) <= tol->atol + tol->rtol * fabs(want);
}

static void diff_element(const pgy_tensor *a, const pgy_tensor *b, int64_t i,
                         const node_tolerance *tol, px_buf *out)
{
    if (b->dtype == PGY_DTYPE_STRING) {
        const pgy_string x = ((const pgy_string *)a->data)[i], y = ((const pgy_string *)b->data)[i];
        if (!px_str_eq((px_str){x.ptr, x.len}, (px_str){y.ptr, y.len}))
            px_buf_printf(out, "[%lld] is '%.*s', wanted '%.*s'", (long long)i, (int)x.len, x.ptr,
                          (int)y.len, y.ptr);
    } else if (b->dtype == PGY_DTYPE_C128) {
        const double *x = (const double *)a->data + 2 * i, *y = (const double *)b->data + 2 * i;
        if (!is_close(x[0], y[0], tol) || !is_close(x[1], y[1], tol))
            px_buf_printf(out, "[%lld] is %g%+gj, wanted %g%+gj", (long long)i, x[0], x[1], y[0],
                          y[1]);
    } else if (b->dtype == PGY_DTYPE_F64) {
        const double x = ((const double *)a->data)[i], y = ((const double *)b->data)[i];
        if (!is_close(x, y, tol))
            px_buf_printf(out, "[%lld] is %.9g, wanted %.9g", (long long)i, x, y);
    } else if (px_tensor_get_i64(a, i) != px_tensor_get_i64(b, i)) {
        px_buf_printf(out, "[%lld] is %lld, wanted %lld", (long long)i,
                      (long long)px_tensor_get_i64(a, i), (long long)px_tensor_get_i64(b, i));
    }
}

static void diff_tensor(const px_ref_value *got, const px_ref_value *want,
                        const node_tolerance *tol, px_buf *out)
{
    const pgy_tensor *a = got->t, *b = want->t;
    if (got->dtype != want->dtype) {
        px_buf_printf(out, "type is %s, wanted %s", pgy_dtype_name(got->dtype),
                      pgy_dtype_name(want->dtype));
        return;
    }
    if (a->dtype != b->dtype) {
        px_buf_printf(out, "stored as %s, wanted %s", pgy_dtype_name(a->dtype),
                      pgy_dtype_name(b->dtype));
        return;
    }
    if (!px_shape_eq(a->rank, a->dims, b->rank, b->dims)) {
        px_buf_puts(out, "shape is ");
        px_shape_print(out, a->rank, a->dims);
        px_buf_puts(out, ", wanted ");
        px_shape_print(out, b->rank, b->dims);
        return;
    }
    /* Old cases cut bfloat16 off instead of rounding it: one unit in its last place. */
    const node_tolerance bf16 = {.rtol = 1.0 / 128};
    if (tol && got->dtype == PGY_DTYPE_BF16)
        tol = &bf16;
    for (int64_t i = 0; i < b->count && tol && out->len == 0; i++)
        diff_element(a, b, i, tol, out);
}

void node_value_diff(const px_ref_value *got, const px_ref_value *want, const node_tolerance *tol,
                     px_buf *out)
{
    const bool is_empty = want->kind == PX_REF_OPTIONAL && want->seq->n == 0;
    if (is_empty && got->kind == PX_REF_NONE)
        return;
    /* An optional that holds something compares as what it holds. */
    if (want->kind == PX_REF_OPTIONAL && want->seq->n == 1 && got->kind != PX_REF_OPTIONAL) {
        node_value_diff(got, &want->seq->items[0], tol, out);
        return;
    }
    if (got->kind != want->kind) {
        px_buf_printf(out, "kind is %d, wanted %d", (int)got->kind, (int)want->kind);
        return;
    }
    if (want->kind == PX_REF_TENSOR) {
        diff_tensor(got, want, tol, out);
        return;
    }
    if (want->seq && got->seq->n != want->seq->n) {
        px_buf_printf(out, "length is %zu, wanted %zu", got->seq->n, want->seq->n);
        return;
    }
    for (size_t i = 0; want->seq && i < want->seq->n && out->len == 0; i++)
        node_value_diff(&got->seq->items[i], &want->seq->items[i], tol, out);
}
