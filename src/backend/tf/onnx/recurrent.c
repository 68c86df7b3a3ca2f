/* backend/tf/onnx/recurrent.c - LSTM, GRU, RNN.
 *
 * TensorFlow has a kernel that runs an LSTM over all time steps, however many there are. The others
 * are written out step by step, for which their number must be known when the graph is built.
 */
#include "backend/tf/onnx/build.h"

#include "base/tensor.h"

enum { X, W, R, B, LENGTHS, INITIAL_H, INITIAL_C, PEEPHOLES }; /* inputs */
enum { MAX_DIRECTIONS = 2, MAX_STEPS = 1024, MAX_GATES = 4 };

typedef struct rnn {
    int n_gates, n_directions;
    int64_t hidden, n_steps; /* -1: known only when it runs */
    bool reverse_first, batch_first;
    px_tf_port x;     /* {steps, batch, width} */
    px_tf_port last;  /* the last step's number */
    px_tf_port zeros; /* {batch, hidden} */
} rnn;

/* What one direction gives: {steps, batch, hidden}, and the last step's states. */
typedef struct lane {
    px_tf_port y, h, c;
} lane;

static px_tf_port element(px_tf_build *b, px_tf_port x, px_tf_port at, int axis)
{
    return px_tf_3(b, "GatherV2", x, at, px_tf_scalar32(b, axis));
}

static px_tf_port reversed(px_tf_build *b, px_tf_port x)
{
    return px_tf_2(b, "ReverseV2", x, px_tf_vector(b, (const int64_t[]){0}, 1));
}

static px_tf_port expand(px_tf_build *b, px_tf_port x, int axis)
{
    return px_tf_2(b, "ExpandDims", x, px_tf_scalar32(b, axis));
}

static bool is_reverse(const rnn *r, int direction)
{
    return direction == 1 || r->reverse_first;
}

static void check_lengths(px_tf_build *b, const rnn *r)
{
    const pgy_tensor *lengths = px_tf_known(b, LENGTHS);
    bool all = lengths != NULL && r->n_steps >= 0;
    for (int64_t i = 0; all && i < lengths->count; i++)
        all = px_tensor_get_i64(lengths, i) == r->n_steps;
    if (px_tf_has(b, LENGTHS) && !all)
        px_tf_refuse(b, "sequences of different lengths (sequence_lens) are not mapped.");
}

static void read_rnn(px_tf_build *b, int n_gates, rnn *r)
{
    int64_t dims[PX_TF_MAX_RANK];
    const px_str direction = px_tf_text_of(b, "direction", "forward");
    const px_tf_port weights = px_tf_input(b, R);
    *r = (rnn){.n_gates = n_gates, .n_directions = 1, .n_steps = -1};
    r->x = px_tf_input(b, X);
    r->batch_first = px_tf_int_of(b, "layout", 0) != 0;
    r->reverse_first = px_str_is(direction, "reverse");
    if (px_str_is(direction, "bidirectional"))
        r->n_directions = 2;
    if (r->batch_first)
        r->x = px_tf_transpose(b, r->x, (const int64_t[]){1, 0, 2}, 3);
    if (px_tf_dims(b, weights, dims) != 3 || dims[2] < 1 || dims[0] != r->n_directions ||
        dims[1] != n_gates * dims[2]) {
        px_tf_refuse(b, "the shape of its recurrence weights does not fit or is not known.");
        return;
    }
    r->hidden = dims[2];
    if (px_tf_dims(b, r->x, dims) != 3)
        px_tf_refuse(b, "its input must have 3 dimensions.");
    else
        r->n_steps = dims[0];
    check_lengths(b, r);
    if (px_onnx_node_attr(b->node, "clip") != NULL)
        px_tf_refuse(b, "clip has no counterpart in TensorFlow.");
    const px_tf_port shape = px_tf_shape(b, r->x);
    const px_tf_port sizes[] = {px_tf_part(b, shape, 1, 1), px_tf_vector(b, &r->hidden, 1)};
    r->zeros = px_tf_2(b, "Fill", px_tf_concat(b, sizes, 2, 0), px_tf_number(b, 0, r->x));
    const px_tf_port steps = px_tf_reshape(b, px_tf_part(b, shape, 0, 1), NULL, 0);
    r->last = px_tf_2(b, "Sub", steps, px_tf_scalar(b, 1));
}

/* The weights of one direction, transposed: {width, gates * hidden}, gates in the order given. */
static px_tf_port weights_of(px_tf_build *b, const rnn *r, int input, int direction,
                             const int *order)
{
    px_tf_port parts[MAX_GATES];
    const px_tf_port all = element(b, px_tf_input(b, (size_t)input), px_tf_scalar(b, direction), 0);
    const px_tf_port axis = px_tf_scalar32(b, 0);
    px_tf_begin(b, "Split");
    px_tf_in(b, axis);
    px_tf_in(b, all);
    px_tf_set_int(b, "num_split", r->n_gates);
    const px_tf_port gates = px_tf_finish(b);
    for (int i = 0; i < r->n_gates; i++)
        parts[i] = (px_tf_port){gates.node, order[i]};
    return px_tf_transpose(b, px_tf_concat(b, parts, (size_t)r->n_gates, 0),
                           (const int64_t[]){1, 0}, 2);
}

/* Part number `part` (0: of W, 1: of R) of the bias of one direction, gates in the order given. */
static px_tf_port bias_of(px_tf_build *b, const rnn *r, int direction, int part, const int *order)
{
    px_tf_port parts[MAX_GATES];
    const int64_t n = r->n_gates * r->hidden;
    if (!px_tf_has(b, B))
        return px_tf_2(b, "Fill", px_tf_vector(b, &n, 1), px_tf_number(b, 0, r->x));
    const px_tf_port all = element(b, px_tf_input(b, B), px_tf_scalar(b, direction), 0);
    for (int i = 0; i < r->n_gates; i++)
        parts[i] = px_tf_part(b, all, part * n + order[i] * r->hidden, r->hidden);
    return px_tf_concat(b, parts, (size_t)r->n_gates, 0);
}

static px_tf_port state_of(px_tf_build *b, const rnn *r, size_t input, int direction)
{
    if (!px_tf_has(b, input))
        return r->zeros;
    return element(b, px_tf_input(b, input), px_tf_scalar(b, direction), r->batch_first ? 1 : 0);
}

static px_tf_port joined(px_tf_build *b, px_tf_port first, px_tf_port second, int n, int axis)
{
    const px_tf_port both[] = {expand(b, first, axis), n > 1 ? expand(b, second, axis) : first};
    return px_tf_concat(b, both, (size_t)n, axis);
}

static void give(px_tf_build *b, const rnn *r, const lane *lanes)
{
    const int64_t y_order[] = {2, 0, 1, 3}, state_order[] = {1, 0, 2};
    px_tf_port y = joined(b, lanes[0].y, lanes[1].y, r->n_directions, 1),
               h = joined(b, lanes[0].h, lanes[1].h, r->n_directions, 0);
    px_tf_output(b, 0, r->batch_first ? px_tf_transpose(b, y, y_order, 4) : y);
    px_tf_output(b, 1, r->batch_first ? px_tf_transpose(b, h, state_order, 3) : h);
    if (b->node->n_outputs > 2) {
        const px_tf_port c = joined(b, lanes[0].c, lanes[1].c, r->n_directions, 0);
        px_tf_output(b, 2, r->batch_first ? px_tf_transpose(b, c, state_order, 3) : c);
    }
}

/* --- LSTM --- */

static px_tf_port peephole(px_tf_build *b, const rnn *r, int direction, int part)
{
    if (!px_tf_has(b, PEEPHOLES))
        return px_tf_2(b, "Fill", px_tf_vector(b, &r->hidden, 1), px_tf_number(b, 0, r->x));
    const px_tf_port all = element(b, px_tf_input(b, PEEPHOLES), px_tf_scalar(b, direction), 0);
    return px_tf_part(b, all, part * r->hidden, r->hidden);
}

static lane lstm_lane(px_tf_build *b, const rnn *r, int direction)
{
    static const int order[] = {0, 2, 3, 1}; /* input, forget, cell, output */
    enum { CELLS = 1, OUTPUTS = 6 };
    const px_tf_port x = is_reverse(r, direction) ? reversed(b, r->x) : r->x;
    const px_tf_port halves[] = {weights_of(b, r, W, direction, order),
                                 weights_of(b, r, R, direction, order)};
    const px_tf_port weights = px_tf_concat(b, halves, 2, 0);
    const px_tf_port bias =
        px_tf_2(b, "AddV2", bias_of(b, r, direction, 0, order), bias_of(b, r, direction, 1, order));
    const px_tf_port h0 = state_of(b, r, INITIAL_H, direction),
                     c0 = state_of(b, r, INITIAL_C, direction);
    const px_tf_port in = peephole(b, r, direction, 0), out = peephole(b, r, direction, 1),
                     forget = peephole(b, r, direction, 2);
    const px_tf_port steps = px_tf_2(b, "AddV2", r->last, px_tf_scalar(b, 1));
    const px_tf_port inputs[] = {steps, x, c0, h0, weights, in, forget, out, bias};
    px_tf_begin(b, "BlockLSTMV2");
    for (size_t i = 0; i < PX_COUNTOF(inputs); i++)
        px_tf_in(b, inputs[i]);
    px_tf_set_float(b, "cell_clip", 0);
    px_tf_set_bool(b, "use_peephole", px_tf_has(b, PEEPHOLES));
    const px_tf_port made = px_tf_finish(b);
    const px_tf_port h = {made.node, OUTPUTS}, c = {made.node, CELLS};
    return (lane){.y = is_reverse(r, direction) ? reversed(b, h) : h,
                  .h = element(b, h, r->last, 0),
                  .c = element(b, c, r->last, 0)};
}

static void check_lstm(px_tf_build *b)
{
    static const char *const defaults[] = {"Sigmoid", "Tanh", "Tanh"};
    const px_onnx_attr *acts = px_onnx_node_attr(b->node, "activations");
    for (size_t i = 0; acts != NULL && i < acts->n; i++)
        if (!px_str_is(acts->strings[i], defaults[i % 3]))
            px_tf_refuse(b, "the activation %.*s has no counterpart in TensorFlow's LSTM.",
                         PX_STR_ARG(acts->strings[i]));
    if (px_tf_int_of(b, "input_forget", 0) != 0)
        px_tf_refuse(b, "input_forget has no counterpart in TensorFlow's LSTM.");
}

static void lstm(px_tf_build *b)
{
    rnn r;
    lane lanes[MAX_DIRECTIONS] = {0};
    read_rnn(b, 4, &r);
    check_lstm(b);
    for (int i = 0; i < r.n_directions && b->st == NULL; i++)
        lanes[i] = lstm_lane(b, &r, i);
    give(b, &r, lanes);
}

/* --- GRU and RNN, step by step --- */

/* Activation number `i` of a direction, as TensorFlow's operator of the same name. */
static px_tf_port activate(px_tf_build *b, px_tf_port x, size_t i, const char *otherwise)
{
    static const char *const known[] = {"Sigmoid", "Tanh", "Relu", "Softplus", "Softsign"};
    const px_onnx_attr *acts = px_onnx_node_attr(b->node, "activations");
    const px_str name = acts != NULL && i < acts->n ? acts->strings[i] : px_str_of(otherwise);
    for (size_t k = 0; k < PX_COUNTOF(known); k++)
        if (px_str_is(name, known[k]))
            return px_tf_1(b, known[k], x);
    px_tf_refuse(b, "its activation %.*s is not mapped.", PX_STR_ARG(name));
    return x;
}

/* One direction's weights and biases. */
typedef struct cell {
    int direction;
    px_tf_port r, bias_r;
    px_tf_port r_zr, r_h; /* GRU: columns of the two gates, and of the candidate */
    px_tf_port bias_zr, bias_h;
} cell;

static px_tf_port columns(px_tf_build *b, px_tf_port x, int64_t from, int64_t n)
{
    const px_tf_port start = px_tf_vector(b, (const int64_t[]){0, from}, 2),
                     size = px_tf_vector(b, (const int64_t[]){-1, n}, 2);
    return px_tf_3(b, "Slice", x, start, size);
}

static px_tf_port rnn_step(px_tf_build *b, const rnn *r, const cell *c, px_tf_port x, px_tf_port h)
{
    PX_UNUSED(r);
    const px_tf_port own = px_tf_2(b, "AddV2", px_tf_2(b, "MatMul", h, c->r), c->bias_r);
    return activate(b, px_tf_2(b, "AddV2", x, own), (size_t)c->direction, "Tanh");
}

static px_tf_port gru_step(px_tf_build *b, const rnn *r, const cell *c, px_tf_port x, px_tf_port h)
{
    const int64_t n = r->hidden;
    const size_t first = 2 * (size_t)c->direction;
    px_tf_port own = px_tf_2(b, "AddV2", px_tf_2(b, "MatMul", h, c->r_zr), c->bias_zr);
    own = px_tf_2(b, "AddV2", columns(b, x, 0, 2 * n), own);
    const px_tf_port gates = activate(b, own, first, "Sigmoid");
    const px_tf_port z = columns(b, gates, 0, n), reset = columns(b, gates, n, n);
    px_tf_port candidate;
    if (px_tf_int_of(b, "linear_before_reset", 0) != 0) {
        candidate = px_tf_2(b, "AddV2", px_tf_2(b, "MatMul", h, c->r_h), c->bias_h);
        candidate = px_tf_2(b, "Mul", reset, candidate);
    } else {
        candidate = px_tf_2(b, "MatMul", px_tf_2(b, "Mul", reset, h), c->r_h);
        candidate = px_tf_2(b, "AddV2", candidate, c->bias_h);
    }
    candidate = px_tf_2(b, "AddV2", columns(b, x, 2 * n, n), candidate);
    candidate = activate(b, candidate, first + 1, "Tanh");
    const px_tf_port rest = px_tf_2(b, "Sub", px_tf_number(b, 1, z), z);
    return px_tf_2(b, "AddV2", px_tf_2(b, "Mul", rest, candidate), px_tf_2(b, "Mul", z, h));
}

static lane step_lane(px_tf_build *b, const rnn *r, int direction)
{
    static const int order[] = {0, 1, 2};
    px_tf_port *ys = px_arena_calloc(&b->arena, (size_t)r->n_steps, sizeof *ys);
    cell c = {.direction = direction};
    px_tf_port h = state_of(b, r, INITIAL_H, direction);
    if (ys == NULL) {
        b->st = px_status_nomem();
        return (lane){0};
    }
    c.r = weights_of(b, r, R, direction, order);
    c.bias_r = bias_of(b, r, direction, 1, order);
    if (r->n_gates == 3) {
        c.r_zr = columns(b, c.r, 0, 2 * r->hidden);
        c.r_h = columns(b, c.r, 2 * r->hidden, r->hidden);
        c.bias_zr = px_tf_part(b, c.bias_r, 0, 2 * r->hidden);
        c.bias_h = px_tf_part(b, c.bias_r, 2 * r->hidden, r->hidden);
    }
    px_tf_port x = px_tf_2(b, "BatchMatMulV2", r->x, weights_of(b, r, W, direction, order));
    x = px_tf_2(b, "AddV2", x, bias_of(b, r, direction, 0, order));
    for (int64_t i = 0; i < r->n_steps; i++) {
        const int64_t t = is_reverse(r, direction) ? r->n_steps - 1 - i : i;
        const px_tf_port now = element(b, x, px_tf_scalar(b, t), 0);
        h = r->n_gates == 3 ? gru_step(b, r, &c, now, h) : rnn_step(b, r, &c, now, h);
        ys[t] = expand(b, h, 0);
    }
    return (lane){.y = px_tf_concat(b, ys, (size_t)r->n_steps, 0), .h = h};
}

static void step_by_step(px_tf_build *b)
{
    rnn r;
    lane lanes[MAX_DIRECTIONS] = {0};
    read_rnn(b, px_str_is(b->node->op_type, "GRU") ? 3 : 1, &r);
    if (r.n_steps < 1 || r.n_steps > MAX_STEPS) {
        px_tf_refuse(b,
                     "it is written out step by step: their number must be known before it runs "
                     "and at most %d.",
                     MAX_STEPS);
        return;
    }
    for (int i = 0; i < r.n_directions && b->st == NULL; i++)
        lanes[i] = step_lane(b, &r, i);
    give(b, &r, lanes);
}

const px_tf_op_row px_tf_recurrent_rows[] = {
    {"GRU", step_by_step, NULL},
    {"LSTM", lstm, NULL},
    {"RNN", step_by_step, NULL},
    {NULL, NULL, NULL},
};
