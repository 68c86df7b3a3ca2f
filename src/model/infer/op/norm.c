/* model/infer/op/norm.c - normalisation, dropout, losses, attention. */
#include "model/infer/infer.h"

static void same(px_infer_call *c)
{
    px_infer_same_shape(c, 0, 0);
}

/* Mean and variance (and before version 14 their saved copies) have the channels' shape. */
static void batch_norm(px_infer_call *c)
{
    same(c);
    for (size_t o = 1; o < c->n_out && o < 5; o++) {
        const px_dim channels =
            px_infer_rank(c, 0) > 1 ? px_infer_dim(c, 0, 1) : px_infer_unknown(c);
        px_infer_shape(c, o, 1, &channels);
    }
}

/* The further outputs have 1 where the input was normalised, from `axis` on. */
static void statistics(px_infer_call *c, int64_t default_axis)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    int axis = 0;
    same(c);
    if (!px_infer_axis(c, default_axis, x.rank, &axis))
        return;
    for (int d = axis; d < x.rank; d++)
        x.dims[d] = px_dim_const(1);
    px_infer_shape(c, 1, x.rank, x.dims);
    px_infer_shape(c, 2, x.rank, x.dims);
}

/* Statistics are computed in the type that stash_type names. */
static void layer_norm(px_infer_call *c)
{
    const int64_t type = px_infer_attr_i(c, "stash_type", PGY_DTYPE_F32);
    if (type > 0 && type < PGY_DTYPE_COUNT) {
        px_infer_dtype(c, 1, (pgy_dtype)type);
        px_infer_dtype(c, 2, (pgy_dtype)type);
    }
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[0]->dtype);
    statistics(c, -1);
}

static void dropout(px_infer_call *c)
{
    same(c);
    px_infer_same_shape(c, 1, 0);
    px_infer_keep_data(c, 0, 0);
}

/* --- losses --- */

static void loss(px_infer_call *c)
{
    if (px_str_is(px_infer_attr_s(c, "reduction", "mean"), "none"))
        px_infer_same_shape(c, 0, 1);
    else
        px_infer_shape(c, 0, 0, NULL);
}

static void cross_entropy(px_infer_call *c)
{
    loss(c);
    px_infer_same_shape(c, 1, 0);
}

/* --- attention --- */

static px_dim divided(px_infer_call *c, px_dim a, px_dim b)
{
    px_dim out;
    return px_dim_quotient(px_infer_dims_table(c->infer), &a, 1, &b, 1, &out) ? out
                                                                              : px_infer_unknown(c);
}

static px_dim times(px_infer_call *c, px_dim a, px_dim b)
{
    return px_dim_calc(px_infer_dims_table(c->infer), PX_DIM_MUL, a, b);
}

static px_dim plus(px_infer_call *c, px_dim a, px_dim b)
{
    return px_dim_calc(px_infer_dims_table(c->infer), PX_DIM_ADD, a, b);
}

/* An operand as (batch, heads, length, size), from 4 dims or 3 with heads and size packed. */
static bool unpack(px_infer_call *c, size_t i, const char *heads_attr, px_dim out[4])
{
    const int64_t heads = px_infer_attr_i(c, heads_attr, 0);
    const int rank = px_infer_rank(c, i);
    if (rank == 4) {
        for (int d = 0; d < 4; d++)
            out[d] = c->in[i]->dims[d];
        return true;
    }
    if (rank != 3 || heads < 1)
        return false;
    out[0] = px_infer_dim(c, i, 0);
    out[1] = px_dim_const(heads);
    out[2] = px_infer_dim(c, i, 1);
    out[3] = divided(c, px_infer_dim(c, i, 2), out[1]);
    return true;
}

static void attention(px_infer_call *c)
{
    px_dim q[4], k[4], v[4];
    if (!unpack(c, 0, "q_num_heads", q) || !unpack(c, 1, "kv_num_heads", k) ||
        !unpack(c, 2, "kv_num_heads", v))
        return;
    if (px_infer_rank(c, 0) == 3) {
        const px_dim y[3] = {q[0], q[2], times(c, q[1], v[3])};
        px_infer_shape(c, 0, 3, y);
    } else {
        const px_dim y[4] = {q[0], q[1], q[2], v[3]};
        px_infer_shape(c, 0, 4, y);
    }
    px_dim total = k[2];
    if (px_infer_has(c, 4))
        total =
            px_infer_rank(c, 4) == 4 ? plus(c, px_infer_dim(c, 4, 2), total) : px_infer_unknown(c);
    const px_dim key[4] = {k[0], k[1], total, k[3]}, value[4] = {v[0], v[1], total, v[3]},
                 scores[4] = {q[0], q[1], q[2], total};
    px_infer_shape(c, 1, 4, key);
    px_infer_shape(c, 2, 4, value);
    px_infer_shape(c, 3, 4, scores);
}

static void flex_attention(px_infer_call *c)
{
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[0]->dtype);
    if (px_infer_rank(c, 0) != 4 || px_infer_rank(c, 2) != 4)
        return;
    const px_dim y[4] = {px_infer_dim(c, 0, 0), px_infer_dim(c, 0, 1), px_infer_dim(c, 0, 2),
                         px_infer_dim(c, 2, 3)};
    px_infer_shape(c, 0, 4, y);
}

static void linear_attention(px_infer_call *c)
{
    const int64_t q_heads = px_infer_attr_i(c, "q_num_heads", 0);
    const int64_t heads = px_infer_attr_i(c, "kv_num_heads", 0);
    if (px_infer_rank(c, 0) != 3 || px_infer_rank(c, 2) != 3 || q_heads < 1 || heads < 1)
        return;
    const px_dim kv = px_dim_const(heads), d_v = divided(c, px_infer_dim(c, 2, 2), kv),
                 d_k = divided(c, px_infer_dim(c, 0, 2), px_dim_const(q_heads));
    const px_dim y[3] = {px_infer_dim(c, 0, 0), px_infer_dim(c, 0, 1),
                         times(c, px_dim_const(q_heads), d_v)},
                 state[4] = {y[0], kv, d_k, d_v};
    px_infer_shape(c, 0, 3, y);
    px_infer_shape(c, 1, 4, state);
}

static void causal_conv(px_infer_call *c)
{
    same(c);
    if (px_infer_rank(c, 0) != 3 || px_infer_rank(c, 1) != 3)
        return;
    const px_dim kept = plus(c, px_infer_dim(c, 1, 2), px_dim_const(-1));
    const px_dim state[3] = {
        px_infer_dim(c, 0, 0), px_infer_dim(c, 0, 1),
        px_dim_is_nonneg(px_infer_dims_table(c->infer), kept) ? kept : px_infer_unknown(c)};
    px_infer_shape(c, 1, 3, state);
}

static const px_infer_op rows[] = {
    {"", "Attention", 23, attention},
    {"", "BatchNormalization", 1, batch_norm},
    {"", "CausalConvWithState", 27, causal_conv},
    {"", "Dropout", 1, dropout},
    {"", "GroupNormalization", 18, same},
    {"", "InstanceNormalization", 1, same},
    {"", "LayerNormalization", 1, layer_norm},
    {"", "LinearAttention", 27, linear_attention},
    {"", "NegativeLogLikelihoodLoss", 12, loss},
    {"", "RMSNormalization", 23, same},
    {"", "RotaryEmbedding", 23, same},
    {"", "SimplifiedLayerNormalization", 1, layer_norm},
    {"", "SoftmaxCrossEntropyLoss", 12, cross_entropy},
    {"", "SwiGLU", 28, same},
    {"ai.onnx.preview", "FlexAttention", 1, flex_attention},
};

const px_infer_family px_infer_family_norm = {rows, PX_COUNTOF(rows)};
