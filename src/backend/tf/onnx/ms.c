/* backend/tf/onnx/ms.c - operators of the domain com.microsoft. */
#include "backend/tf/onnx/recurrent.h"

/* DynamicQuantizeLSTM: an LSTM with 8-bit weights {directions, width, 4 * hidden}. X is brought to
 * 255 steps as a whole, up to the end of the longest sequence, the states of the whole batch anew
 * at each time step; the products of integers are exact, as float64. */
enum { X, W, R, PEEPHOLES = 7, W_SCALE, W_ZERO, R_SCALE, R_ZERO };

static px_tf_port of_direction(px_tf_build *b, px_tf_port x, int direction)
{
    return px_tf_at(b, x, px_tf_scalar(b, direction), 0);
}

/* Weights less their zero points, as float64. */
static px_tf_port centred(px_tf_build *b, size_t weights, size_t zero, int direction)
{
    const px_tf_port w = of_direction(b, px_tf_input(b, weights), direction),
                     z = of_direction(b, px_tf_input(b, zero), direction);
    return px_tf_2(b, "Sub", px_tf_cast(b, w, PX_TF_DOUBLE), px_tf_cast(b, z, PX_TF_DOUBLE));
}

/* X with zeros after the end of the longest sequence. */
static px_tf_port cut(px_tf_build *b, const px_tf_rnn *r)
{
    if (!r->has_lengths)
        return r->x;
    const px_tf_port first = px_tf_vector(b, (const int64_t[]){0}, 1), zero = px_tf_scalar(b, 0),
                     one = px_tf_scalar(b, 1);
    const px_tf_port longest = px_tf_2(b, "Max", r->lengths, first),
                     numbers = px_tf_3(b, "Range", zero, r->steps, one);
    const px_tf_port is_in = px_tf_2(b, "Less", numbers, longest);
    return px_tf_3(b, "SelectV2", px_tf_reshape(b, is_in, (const int64_t[]){-1, 1, 1}, 3), r->x,
                   px_tf_number(b, 0, r->x));
}

static px_tf_lane quantized_lane(px_tf_build *b, const px_tf_rnn *r, int direction)
{
    px_tf_direction d = {.rnn = r, .number = direction};
    const px_tf_port x = px_tf_rnn_is_reverse(r, direction) ? px_tf_rnn_reversed(b, r, r->x) : r->x;
    px_tf_port scale;
    const px_tf_port steps = px_tf_stepped(b, x, &scale);
    const px_tf_port sum = px_tf_2(b, "BatchMatMulV2", steps, centred(b, W, W_ZERO, direction));
    const px_tf_port scale_w = of_direction(b, px_tf_input(b, W_SCALE), direction);
    d.gates = px_tf_2(b, "Mul", px_tf_cast(b, sum, px_tf_type_at(b, x)),
                      px_tf_2(b, "Mul", scale, scale_w));
    d.gates = px_tf_2(b, "AddV2", d.gates, px_tf_rnn_bias(b, r, direction, 0));
    d.r = centred(b, R, R_ZERO, direction);
    d.scale_r = of_direction(b, px_tf_input(b, R_SCALE), direction);
    d.bias_r = px_tf_rnn_bias(b, r, direction, 1);
    return px_tf_rnn_run(b, &d);
}

static void dynamic_quantize_lstm(px_tf_build *b)
{
    px_tf_rnn r;
    px_tf_lane lanes[PX_TF_MAX_DIRECTIONS] = {0};
    px_tf_rnn_read(b, px_tf_int_of(b, "hidden_size", 0), &r);
    r.n_gates = 4;
    r.i_peepholes = PEEPHOLES;
    r.x = cut(b, &r);
    if (r.hidden < 1 || r.hidden > INT32_MAX / 8)
        px_tf_refuse(b, "hidden_size is %lld, which fits no weights.", (long long)r.hidden);
    for (int i = 0; i < r.n_directions && b->st == NULL; i++)
        lanes[i] = quantized_lane(b, &r, i);
    px_tf_rnn_give(b, &r, lanes);
}

const px_tf_op_row px_tf_ms_rows[] = {
    {"DynamicQuantizeLSTM", dynamic_quantize_lstm, NULL},
    {NULL, NULL, NULL},
};
