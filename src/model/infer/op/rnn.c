/* model/infer/op/rnn.c - RNN, GRU, LSTM. */
#include "model/infer/infer.h"

/* `n_states` outputs behind Y: hidden state, cell state. */
static void recurrent(px_infer_call *c, size_t n_states)
{
    const px_str direction = px_infer_attr_s(c, "direction", "forward");
    const int64_t hidden = px_infer_attr_i(c, "hidden_size", -1);
    const bool batch_first = px_infer_attr_i(c, "layout", 0) != 0;
    const px_dim directions = px_dim_const(px_str_is(direction, "bidirectional") ? 2 : 1);
    px_dim size = hidden > 0 ? px_dim_const(hidden) : px_infer_unknown(c);
    if (hidden <= 0 && px_infer_rank(c, 2) == 3) /* the recurrent weights' last dim */
        size = px_infer_dim(c, 2, 2);
    if (px_infer_rank(c, 0) >= 0 && px_infer_rank(c, 0) != 3)
        return;
    const px_dim steps = px_infer_dim(c, 0, batch_first ? 1 : 0),
                 batch = px_infer_dim(c, 0, batch_first ? 0 : 1);
    const px_dim y[4] = {steps, directions, batch, size},
                 y_batch[4] = {batch, steps, directions, size},
                 state[3] = {directions, batch, size}, state_batch[3] = {batch, directions, size};
    /* Version 1 gives Y only where output_sequence asks for it; a name for it says the same. */
    px_infer_shape(c, 0, 4, batch_first ? y_batch : y);
    for (size_t o = 1; o <= n_states; o++)
        px_infer_shape(c, o, 3, batch_first ? state_batch : state);
}

static void one_state(px_infer_call *c)
{
    recurrent(c, 1);
}

static void lstm(px_infer_call *c)
{
    recurrent(c, 2);
}

static void quantized_lstm(px_infer_call *c)
{
    const int64_t hidden = px_infer_attr_i(c, "hidden_size", -1);
    for (size_t o = 0; o < 3; o++)
        px_infer_dtype(c, o,
                       c->in[0]->kind == PX_ONNX_TYPE_TENSOR ? c->in[0]->dtype : PGY_DTYPE_UNKNOWN);
    if (hidden > 0)
        recurrent(c, 2);
}

static const px_infer_op rows[] = {
    {"", "GRU", 1, one_state},
    {"", "LSTM", 1, lstm},
    {"", "RNN", 1, one_state},
    {"com.microsoft", "DynamicQuantizeLSTM", 1, quantized_lstm},
};

const px_infer_family px_infer_family_rnn = {rows, PX_COUNTOF(rows)};
