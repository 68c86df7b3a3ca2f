/* model/infer/op/ms.c - operators of the com.microsoft domain, as ONNX Runtime documents them. */
#include "model/infer/infer.h"

static void like(px_infer_call *c)
{
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[0]->dtype);
    px_infer_same_shape(c, 0, 0);
}

/* Two quantized operands with scale and zero point each: (a, scale, zero, b, scale, zero, ...). */
static void qlinear_binary(px_infer_call *c)
{
    px_infer_dims a = px_infer_dims_of(c->in[0]), b = px_infer_dims_of(c->in[3]);
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[0]->dtype);
    if (px_infer_broadcast_dims(c->infer, &a, &b))
        px_infer_shape(c, 0, a.rank, a.dims);
}

/* (condition, x, scale, zero, y, scale, zero, ...) */
static void qlinear_where(px_infer_call *c)
{
    px_infer_dims a = px_infer_dims_of(c->in[0]);
    const px_infer_dims x = px_infer_dims_of(c->in[1]), y = px_infer_dims_of(c->in[4]);
    if (c->in[1]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[1]->dtype);
    if (px_infer_broadcast_dims(c->infer, &a, &x) && px_infer_broadcast_dims(c->infer, &a, &y))
        px_infer_shape(c, 0, a.rank, a.dims);
}

static void expand_dims(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    int64_t at = 0;
    int axis = 0;
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[0]->dtype);
    if (x.rank < 0 || x.rank == PX_MAX_RANK || !px_infer_int(c, 1, &at) ||
        !px_geo_axis(at, x.rank + 1, &axis))
        return;
    memmove(&x.dims[axis + 1], &x.dims[axis], (size_t)(x.rank - axis) * sizeof *x.dims);
    x.dims[axis] = px_dim_const(1);
    px_infer_shape(c, 0, x.rank + 1, x.dims);
}

/* Sum of input and skip, normalised; the last output is that sum. */
static void skip_norm(px_infer_call *c)
{
    like(c);
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 3, c->in[0]->dtype);
    px_infer_same_shape(c, 3, 0);
}

static void embed_norm(px_infer_call *c)
{
    const px_dim dims[3] = {px_infer_dim(c, 0, 0), px_infer_dim(c, 0, 1), px_infer_dim(c, 2, 1)};
    if (px_infer_rank(c, 0) != 2 || px_infer_rank(c, 2) != 2)
        return;
    if (c->in[2]->kind == PX_ONNX_TYPE_TENSOR) {
        px_infer_dtype(c, 0, c->in[2]->dtype);
        px_infer_dtype(c, 2, c->in[2]->dtype);
    }
    px_infer_dtype(c, 1, PGY_DTYPE_I32);
    px_infer_shape(c, 0, 3, dims);
    px_infer_shape(c, 1, 1, dims);
    px_infer_shape(c, 2, 3, dims);
}

/* Query, key and value come out of one product with the weights [size, 3 * hidden], of which the
 * bias knows the length: hidden sizes may be listed where they differ. */
static void attention_of(px_infer_call *c, size_t bias)
{
    const int64_t *sizes = NULL;
    size_t n = 0;
    px_dim hidden = px_infer_unknown(c);
    const px_dim three = px_dim_const(3), all = px_infer_dim(c, bias, 0);
    if (px_infer_rank(c, 0) != 3)
        return;
    if (px_infer_attr_ints(c, "qkv_hidden_sizes", &sizes, &n)) {
        if (n != 3)
            return;
        hidden = px_dim_const(sizes[2]);
    } else if (!px_dim_quotient(px_infer_dims_table(c->infer), &all, 1, &three, 1, &hidden)) {
        hidden = px_infer_unknown(c);
    }
    const px_dim dims[3] = {px_infer_dim(c, 0, 0), px_infer_dim(c, 0, 1), hidden};
    px_infer_shape(c, 0, 3, dims);
}

static void attention(px_infer_call *c)
{
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[0]->dtype);
    attention_of(c, 2);
}

static void q_attention(px_infer_call *c)
{
    if (c->in[3]->kind == PX_ONNX_TYPE_TENSOR) /* the scale of the input */
        px_infer_dtype(c, 0, c->in[3]->dtype);
    attention_of(c, 2);
}

static void multi_head(px_infer_call *c)
{
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[0]->dtype);
    if (px_infer_rank(c, 0) != 3 || px_infer_rank(c, 2) != 3)
        return;
    const px_dim dims[3] = {px_infer_dim(c, 0, 0), px_infer_dim(c, 0, 1), px_infer_dim(c, 2, 2)};
    px_infer_shape(c, 0, 3, dims);
}

#define MS "com.microsoft"
static const px_infer_op rows[] = {
    {MS, "Attention", 1, attention},
    {MS, "BiasAdd", 1, like},
    {MS, "BiasGelu", 1, like},
    {MS, "EmbedLayerNormalization", 1, embed_norm},
    {MS, "ExpandDims", 1, expand_dims},
    {MS, "FastGelu", 1, like},
    {MS, "Gelu", 1, like},
    {MS, "Inverse", 1, like},
    {MS, "MultiHeadAttention", 1, multi_head},
    {MS, "QAttention", 1, q_attention},
    {MS, "QLinearAdd", 1, qlinear_binary},
    {MS, "QLinearLeakyRelu", 1, like},
    {MS, "QLinearMul", 1, qlinear_binary},
    {MS, "QLinearSigmoid", 1, like},
    {MS, "QLinearSoftmax", 1, like},
    {MS, "QLinearWhere", 1, qlinear_where},
    {MS, "QuickGelu", 1, like},
    {MS, "RotaryEmbedding", 1, like},
    {MS, "SkipLayerNormalization", 1, skip_norm},
    {MS, "SkipSimplifiedLayerNormalization", 1, skip_norm},
    {MS, "Trilu", 1, like},
};

const px_infer_family px_infer_family_ms = {rows, PX_COUNTOF(rows)};
