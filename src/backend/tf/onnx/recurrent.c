/* backend/tf/onnx/recurrent.c - LSTM, GRU, RNN.
 *
 * TensorFlow has a kernel that runs an LSTM over all time steps; it serves where the activations
 * are the usual ones. Everything else is a loop.
 */
#include "backend/tf/onnx/recurrent.h"

#include "base/tensor.h"

enum { X, W, R, B, LENGTHS, INITIAL_H, INITIAL_C, PEEPHOLES }; /* inputs */

static px_tf_port element(px_tf_build *b, px_tf_port x, int64_t at, int64_t axis)
{
    return px_tf_at(b, x, px_tf_scalar(b, at), axis);
}

static px_tf_port expand(px_tf_build *b, px_tf_port x, int axis)
{
    return px_tf_2(b, "ExpandDims", x, px_tf_scalar32(b, axis));
}

bool px_tf_rnn_is_reverse(const px_tf_rnn *r, int direction)
{
    return direction == 1 || r->reverse_first;
}

px_tf_port px_tf_rnn_reversed(px_tf_build *b, const px_tf_rnn *r, px_tf_port x)
{
    if (!r->has_lengths)
        return px_tf_2(b, "ReverseV2", x, px_tf_vector(b, (const int64_t[]){0}, 1));
    px_tf_begin(b, "ReverseSequence");
    px_tf_in(b, x);
    px_tf_in(b, r->lengths);
    px_tf_set_int(b, "seq_dim", 0);
    px_tf_set_int(b, "batch_dim", 1);
    return px_tf_finish(b);
}

/* Lengths that are all that of X are none. */
static bool has_lengths(px_tf_build *b, const px_tf_rnn *r)
{
    const pgy_tensor *lengths = px_tf_known(b, LENGTHS);
    bool all = lengths != NULL && r->n_steps >= 0;
    for (int64_t i = 0; all && i < lengths->count; i++)
        all = px_tensor_get_i64(lengths, i) == r->n_steps;
    return px_tf_has(b, LENGTHS) && !all;
}

void px_tf_rnn_read(px_tf_build *b, int64_t hidden, px_tf_rnn *r)
{
    int64_t dims[PX_TF_MAX_RANK];
    const px_str direction = px_tf_text_of(b, "direction", "forward");
    *r = (px_tf_rnn){.n_directions = px_str_is(direction, "bidirectional") ? 2 : 1,
                     .hidden = hidden,
                     .n_steps = -1,
                     .i_peepholes = PEEPHOLES};
    r->x = px_tf_input(b, X);
    r->batch_first = px_tf_int_of(b, "layout", 0) != 0;
    r->reverse_first = px_str_is(direction, "reverse");
    r->clip = px_tf_float_of(b, "clip", 0);
    r->couples_forget = px_tf_int_of(b, "input_forget", 0) != 0;
    if (r->batch_first)
        r->x = px_tf_transpose(b, r->x, (const int64_t[]){1, 0, 2}, 3);
    if (px_tf_dims(b, r->x, dims) != 3)
        px_tf_refuse(b, "its input must have 3 dimensions.");
    else
        r->n_steps = dims[0];
    r->has_lengths = has_lengths(b, r);
    if (r->has_lengths)
        r->lengths = px_tf_cast(b, px_tf_input(b, LENGTHS), PX_TF_INT64);
    const px_tf_port shape = px_tf_shape(b, r->x);
    const px_tf_port sizes[] = {px_tf_part(b, shape, 1, 1), px_tf_vector(b, &r->hidden, 1)};
    r->zeros = px_tf_2(b, "Fill", px_tf_concat(b, sizes, 2, 0), px_tf_number(b, 0, r->x));
    r->steps = px_tf_reshape(b, px_tf_part(b, shape, 0, 1), NULL, 0);
}

/* What LSTM, GRU and RNN add: the weights say how many states there are. */
static void read_rnn(px_tf_build *b, int n_gates, px_tf_rnn *r)
{
    int64_t dims[PX_TF_MAX_RANK];
    const int rank = px_tf_dims(b, px_tf_input(b, R), dims);
    px_tf_rnn_read(b, rank == 3 ? dims[2] : 0, r);
    r->n_gates = n_gates;
    if (rank != 3 || dims[2] < 1 || dims[0] != r->n_directions || dims[1] != n_gates * dims[2])
        px_tf_refuse(b, "the shape of its recurrence weights does not fit or is not known.");
}

/* The weights of one direction, transposed: {width, gates * hidden}, gates in the order given. */
static px_tf_port weights_of(px_tf_build *b, const px_tf_rnn *r, int input, int direction,
                             const int *order)
{
    px_tf_port parts[PX_TF_MAX_GATES];
    px_tf_port all = element(b, px_tf_input(b, (size_t)input), direction, 0);
    const px_tf_port axis = px_tf_scalar32(b, 0);
    if (order != NULL) {
        px_tf_begin(b, "Split");
        px_tf_in(b, axis);
        px_tf_in(b, all);
        px_tf_set_int(b, "num_split", r->n_gates);
        const px_tf_port gates = px_tf_finish(b);
        for (int i = 0; i < r->n_gates; i++)
            parts[i] = (px_tf_port){gates.node, order[i]};
        all = px_tf_concat(b, parts, (size_t)r->n_gates, 0);
    }
    return px_tf_transpose(b, all, (const int64_t[]){1, 0}, 2);
}

px_tf_port px_tf_rnn_bias(px_tf_build *b, const px_tf_rnn *r, int direction, int part)
{
    const int64_t n = r->n_gates * r->hidden;
    if (!px_tf_has(b, B))
        return px_tf_2(b, "Fill", px_tf_vector(b, &n, 1), px_tf_number(b, 0, r->x));
    return px_tf_part(b, element(b, px_tf_input(b, B), direction, 0), part * n, n);
}

static px_tf_port state_of(px_tf_build *b, const px_tf_rnn *r, size_t input, int direction)
{
    if (!px_tf_has(b, input))
        return r->zeros;
    return element(b, px_tf_input(b, input), direction, r->batch_first ? 1 : 0);
}

static px_tf_port joined(px_tf_build *b, px_tf_port first, px_tf_port second, int n, int axis)
{
    const px_tf_port both[] = {expand(b, first, axis), n > 1 ? expand(b, second, axis) : first};
    return px_tf_concat(b, both, (size_t)n, axis);
}

void px_tf_rnn_give(px_tf_build *b, const px_tf_rnn *r, const px_tf_lane *lanes)
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

/* --- activations --- */

static const struct activation {
    const char *name, *as; /* TensorFlow's operator, where it is one */
    bool has_alpha, has_beta;
    float alpha, beta;
} activations[] = {
    {"Sigmoid", "Sigmoid", false, false, 0, 0},
    {"Tanh", "Tanh", false, false, 0, 0},
    {"Relu", "Relu", false, false, 0, 0},
    {"Softplus", "Softplus", false, false, 0, 0},
    {"Softsign", "Softsign", false, false, 0, 0},
    {"Affine", NULL, true, true, 1, 0},
    {"LeakyRelu", NULL, true, false, 0.01f, 0},
    {"ThresholdedRelu", NULL, true, false, 1, 0},
    {"ScaledTanh", NULL, true, true, 1, 1},
    {"HardSigmoid", NULL, true, true, 0.2f, 0.5f},
    {"Elu", NULL, true, false, 1, 0},
};

/* Activation number `i` of the node, with its alpha and beta: each list holds those of the
 * activations that have one. */
static bool find_activation(px_tf_build *b, size_t i, const char *otherwise, struct activation *out)
{
    const px_onnx_attr *names = px_tf_attr(b, "activations", PX_ONNX_ATTR_STRINGS),
                       *alphas = px_tf_attr(b, "activation_alpha", PX_ONNX_ATTR_FLOATS),
                       *betas = px_tf_attr(b, "activation_beta", PX_ONNX_ATTR_FLOATS);
    size_t i_alpha = 0, i_beta = 0;
    for (size_t k = 0; k <= i; k++) {
        const px_str name = names != NULL && k < names->n ? names->strings[k]
                            : k == i                      ? px_str_of(otherwise)
                                                          : px_str_of("Tanh");
        size_t at = 0;
        while (at < PX_COUNTOF(activations) &&
               !px_str_eq_nocase(name, px_str_of(activations[at].name)))
            at++;
        if (at == PX_COUNTOF(activations)) {
            px_tf_refuse(b, "its activation %.*s is not mapped.", PX_STR_ARG(name));
            return false;
        }
        *out = activations[at];
        if (out->has_alpha && alphas != NULL && i_alpha < alphas->n)
            out->alpha = alphas->floats[i_alpha++];
        if (out->has_beta && betas != NULL && i_beta < betas->n)
            out->beta = betas->floats[i_beta++];
    }
    return b->st == NULL;
}

static px_tf_port activate(px_tf_build *b, const px_tf_rnn *r, px_tf_port x, size_t i,
                           const char *otherwise)
{
    struct activation a;
    if (!find_activation(b, i, otherwise, &a))
        return x;
    if (r->clip > 0) {
        const px_tf_port most = px_tf_number(b, (double)r->clip, x);
        x = px_tf_2(b, "Minimum", x, most);
        x = px_tf_2(b, "Maximum", x, px_tf_1(b, "Neg", most));
    }
    if (a.as != NULL)
        return px_tf_1(b, a.as, x);
    const px_tf_port alpha = px_tf_number(b, (double)a.alpha, x),
                     beta = px_tf_number(b, (double)a.beta, x), zero = px_tf_number(b, 0, x),
                     one = px_tf_number(b, 1, x);
    const px_str name = px_str_of(a.name);
    if (px_str_is(name, "ScaledTanh"))
        return px_tf_2(b, "Mul", alpha, px_tf_1(b, "Tanh", px_tf_2(b, "Mul", beta, x)));
    if (px_str_is(name, "ThresholdedRelu"))
        return px_tf_3(b, "SelectV2", px_tf_2(b, "Greater", x, alpha), x, zero);
    const px_tf_port scaled =
        px_tf_2(b, "Mul", alpha, px_str_is(name, "Elu") ? px_tf_1(b, "Expm1", x) : x);
    if (a.has_beta) { /* Affine, HardSigmoid */
        const px_tf_port y = px_tf_2(b, "AddV2", scaled, beta);
        return px_str_is(name, "Affine")
                   ? y
                   : px_tf_2(b, "Minimum", px_tf_2(b, "Maximum", y, zero), one);
    }
    return px_tf_3(b, "SelectV2", px_tf_2(b, "GreaterEqual", x, zero), x, scaled);
}

/* --- one step --- */

static px_tf_port columns(px_tf_build *b, px_tf_port x, int64_t from, int64_t n)
{
    const px_tf_port start = px_tf_vector(b, (const int64_t[]){0, from}, 2),
                     size = px_tf_vector(b, (const int64_t[]){-1, n}, 2);
    return px_tf_3(b, "Slice", x, start, size);
}

/* h times R; 8-bit weights are multiplied by h in steps, and the sum scaled. */
static px_tf_port product(px_tf_build *b, const px_tf_direction *d, px_tf_port h, px_tf_port r)
{
    px_tf_port scale;
    if (d->scale_r.node == NULL)
        return px_tf_2(b, "MatMul", h, r);
    const px_tf_port steps = px_tf_stepped(b, h, &scale);
    const px_tf_port sum = px_tf_cast(b, px_tf_2(b, "MatMul", steps, r), px_tf_type_at(b, h));
    const px_tf_port scale_r = px_tf_capture(b, d->from, d->scale_r);
    return px_tf_2(b, "Mul", sum, px_tf_2(b, "Mul", scale, scale_r));
}

/* The same with a peephole at the cell. */
static px_tf_port peeking(px_tf_build *b, const px_tf_direction *d, px_tf_port gate, int part,
                          px_tf_port c)
{
    const px_tf_rnn *r = d->rnn;
    if (!px_tf_has(b, r->i_peepholes))
        return gate;
    const px_tf_port all = px_tf_capture(b, d->from, px_tf_input(b, r->i_peepholes));
    const px_tf_port own =
        px_tf_part(b, element(b, all, d->number, 0), part * r->hidden, r->hidden);
    return px_tf_2(b, "AddV2", gate, px_tf_2(b, "Mul", own, c));
}

static px_tf_port lstm_step(px_tf_build *b, const px_tf_direction *d, px_tf_port x, px_tf_port h,
                            px_tf_port *c)
{
    const px_tf_rnn *r = d->rnn;
    const int64_t n = r->hidden;
    const size_t first = 3 * (size_t)d->number;
    px_tf_port all = px_tf_2(b, "AddV2", x, product(b, d, h, px_tf_capture(b, d->from, d->r)));
    all = px_tf_2(b, "AddV2", all, px_tf_capture(b, d->from, d->bias_r));
    const px_tf_port i =
        activate(b, r, peeking(b, d, columns(b, all, 0, n), 0, *c), first, "Sigmoid");
    const px_tf_port f =
        r->couples_forget
            ? px_tf_2(b, "Sub", px_tf_number(b, 1, i), i)
            : activate(b, r, peeking(b, d, columns(b, all, 2 * n, n), 2, *c), first, "Sigmoid");
    const px_tf_port g = activate(b, r, columns(b, all, 3 * n, n), first + 1, "Tanh");
    *c = px_tf_2(b, "AddV2", px_tf_2(b, "Mul", f, *c), px_tf_2(b, "Mul", i, g));
    const px_tf_port o =
        activate(b, r, peeking(b, d, columns(b, all, n, n), 1, *c), first, "Sigmoid");
    return px_tf_2(b, "Mul", o, activate(b, r, *c, first + 2, "Tanh"));
}

static px_tf_port rnn_step(px_tf_build *b, const px_tf_direction *d, px_tf_port x, px_tf_port h)
{
    px_tf_port own = product(b, d, h, px_tf_capture(b, d->from, d->r));
    own = px_tf_2(b, "AddV2", own, px_tf_capture(b, d->from, d->bias_r));
    return activate(b, d->rnn, px_tf_2(b, "AddV2", x, own), (size_t)d->number, "Tanh");
}

static px_tf_port gru_step(px_tf_build *b, const px_tf_direction *d, px_tf_port x, px_tf_port h)
{
    const int64_t n = d->rnn->hidden;
    const size_t first = 2 * (size_t)d->number;
    const px_tf_port weights = px_tf_capture(b, d->from, d->r),
                     bias = px_tf_capture(b, d->from, d->bias_r);
    const px_tf_port r_h = columns(b, weights, 2 * n, n), bias_h = px_tf_part(b, bias, 2 * n, n);
    px_tf_port own = product(b, d, h, columns(b, weights, 0, 2 * n));
    own = px_tf_2(b, "AddV2", own, px_tf_part(b, bias, 0, 2 * n));
    own = px_tf_2(b, "AddV2", columns(b, x, 0, 2 * n), own);
    const px_tf_port gates = activate(b, d->rnn, own, first, "Sigmoid");
    const px_tf_port z = columns(b, gates, 0, n), reset = columns(b, gates, n, n);
    px_tf_port candidate;
    if (px_tf_int_of(b, "linear_before_reset", 0) != 0) {
        candidate = px_tf_2(b, "AddV2", product(b, d, h, r_h), bias_h);
        candidate = px_tf_2(b, "Mul", reset, candidate);
    } else {
        candidate = product(b, d, px_tf_2(b, "Mul", reset, h), r_h);
        candidate = px_tf_2(b, "AddV2", candidate, bias_h);
    }
    candidate = px_tf_2(b, "AddV2", columns(b, x, 2 * n, n), candidate);
    candidate = activate(b, d->rnn, candidate, first + 1, "Tanh");
    const px_tf_port rest = px_tf_2(b, "Sub", px_tf_number(b, 1, z), z);
    return px_tf_2(b, "AddV2", px_tf_2(b, "Mul", rest, candidate), px_tf_2(b, "Mul", z, h));
}

/* --- all steps --- */

enum { V_STEP, V_STEPS, V_H, V_C, V_Y, N_VARS }; /* V_C: zeros for what has no cell */

static void goes_on(px_tf_build *b, void *user, const px_tf_port *vars, px_tf_port *out)
{
    PX_UNUSED(user);
    *out = px_tf_2(b, "Less", vars[V_STEP], vars[V_STEPS]);
}

static void step(px_tf_build *b, void *user, const px_tf_port *vars, px_tf_port *out)
{
    const px_tf_direction *d = user;
    const px_tf_rnn *r = d->rnn;
    const px_tf_port x = px_tf_at(b, px_tf_capture(b, d->from, d->gates), vars[V_STEP], 0);
    px_tf_port h = vars[V_H], c = vars[V_C], y;
    if (r->has_lengths) {
        /* A sequence that has ended keeps its states, and does not widen the steps of an 8-bit
         * product. */
        const px_tf_port lengths = px_tf_capture(b, d->from, r->lengths),
                         zeros = px_tf_capture(b, d->from, r->zeros);
        const px_tf_port runs = expand(b, px_tf_2(b, "Less", vars[V_STEP], lengths), 1);
        h = px_tf_3(b, "SelectV2", runs, h, zeros);
        h = r->n_gates == 4   ? lstm_step(b, d, x, h, &c)
            : r->n_gates == 3 ? gru_step(b, d, x, h)
                              : rnn_step(b, d, x, h);
        y = px_tf_3(b, "SelectV2", runs, h, zeros);
        h = px_tf_3(b, "SelectV2", runs, h, vars[V_H]);
        c = px_tf_3(b, "SelectV2", runs, c, vars[V_C]);
    } else {
        y = h = r->n_gates == 4   ? lstm_step(b, d, x, h, &c)
                : r->n_gates == 3 ? gru_step(b, d, x, h)
                                  : rnn_step(b, d, x, h);
    }
    out[V_STEP] = px_tf_2(b, "AddV2", vars[V_STEP], px_tf_scalar(b, 1));
    out[V_STEPS] = vars[V_STEPS];
    out[V_H] = h;
    out[V_C] = c;
    out[V_Y] = px_tf_list_push(b, vars[V_Y], y);
}

px_tf_lane px_tf_rnn_run(px_tf_build *b, px_tf_direction *d)
{
    const px_tf_rnn *r = d->rnn;
    const int type = px_tf_type_at(b, r->x);
    px_tf_port vars[N_VARS];
    d->from = b->frame;
    vars[V_STEP] = px_tf_scalar(b, 0);
    vars[V_STEPS] = r->steps;
    vars[V_H] = state_of(b, r, INITIAL_H, d->number);
    vars[V_C] = r->n_gates == 4 ? state_of(b, r, INITIAL_C, d->number) : r->zeros;
    vars[V_Y] = px_tf_list(b, type);
    px_tf_while(b, vars, N_VARS, goes_on, step, d);
    px_tf_port y = px_tf_list_stack(b, vars[V_Y], type, (const int64_t[]){-1, r->hidden}, 2);
    if (px_tf_rnn_is_reverse(r, d->number))
        y = px_tf_rnn_reversed(b, r, y);
    return (px_tf_lane){.y = y, .h = vars[V_H], .c = vars[V_C]};
}

static px_tf_lane loop_lane(px_tf_build *b, const px_tf_rnn *r, int direction)
{
    px_tf_direction d = {.rnn = r, .number = direction};
    const px_tf_port x = px_tf_rnn_is_reverse(r, direction) ? px_tf_rnn_reversed(b, r, r->x) : r->x;
    const px_tf_port w = weights_of(b, r, W, direction, NULL);
    d.gates =
        px_tf_2(b, "AddV2", px_tf_2(b, "BatchMatMulV2", x, w), px_tf_rnn_bias(b, r, direction, 0));
    d.r = weights_of(b, r, R, direction, NULL);
    d.bias_r = px_tf_rnn_bias(b, r, direction, 1);
    return px_tf_rnn_run(b, &d);
}

static void by_loop(px_tf_build *b, const px_tf_rnn *r)
{
    px_tf_lane lanes[PX_TF_MAX_DIRECTIONS] = {0};
    for (int i = 0; i < r->n_directions && b->st == NULL; i++)
        lanes[i] = loop_lane(b, r, i);
    px_tf_rnn_give(b, r, lanes);
}

static void recurrent(px_tf_build *b)
{
    px_tf_rnn r;
    read_rnn(b, px_str_is(b->node->op_type, "GRU") ? 3 : 1, &r);
    by_loop(b, &r);
}

/* --- LSTM by TensorFlow's kernel --- */

static px_tf_port peephole(px_tf_build *b, const px_tf_rnn *r, int direction, int part)
{
    if (!px_tf_has(b, PEEPHOLES))
        return px_tf_2(b, "Fill", px_tf_vector(b, &r->hidden, 1), px_tf_number(b, 0, r->x));
    const px_tf_port all = element(b, px_tf_input(b, PEEPHOLES), direction, 0);
    return px_tf_part(b, all, part * r->hidden, r->hidden);
}

static px_tf_port kernel_bias(px_tf_build *b, const px_tf_rnn *r, int direction, const int *order)
{
    px_tf_port parts[PX_TF_MAX_GATES];
    const px_tf_port sum =
        px_tf_2(b, "AddV2", px_tf_rnn_bias(b, r, direction, 0), px_tf_rnn_bias(b, r, direction, 1));
    for (int i = 0; i < r->n_gates; i++)
        parts[i] = px_tf_part(b, sum, order[i] * r->hidden, r->hidden);
    return px_tf_concat(b, parts, (size_t)r->n_gates, 0);
}

static px_tf_lane kernel_lane(px_tf_build *b, const px_tf_rnn *r, int direction)
{
    static const int order[] = {0, 2, 3, 1}; /* input, forget, cell, output */
    enum { CELLS = 1, OUTPUTS = 6 };
    const bool is_reverse = px_tf_rnn_is_reverse(r, direction);
    const px_tf_port x = is_reverse ? px_tf_rnn_reversed(b, r, r->x) : r->x;
    const px_tf_port halves[] = {weights_of(b, r, W, direction, order),
                                 weights_of(b, r, R, direction, order)};
    const px_tf_port weights = px_tf_concat(b, halves, 2, 0);
    const px_tf_port bias = kernel_bias(b, r, direction, order);
    const px_tf_port h0 = state_of(b, r, INITIAL_H, direction),
                     c0 = state_of(b, r, INITIAL_C, direction);
    const px_tf_port in = peephole(b, r, direction, 0), out = peephole(b, r, direction, 1),
                     forget = peephole(b, r, direction, 2);
    const px_tf_port inputs[] = {r->steps, x, c0, h0, weights, in, forget, out, bias};
    const px_tf_port last = px_tf_2(b, "Sub", r->steps, px_tf_scalar(b, 1));
    px_tf_begin(b, "BlockLSTMV2");
    for (size_t i = 0; i < PX_COUNTOF(inputs); i++)
        px_tf_in(b, inputs[i]);
    px_tf_set_float(b, "cell_clip", 0);
    px_tf_set_bool(b, "use_peephole", px_tf_has(b, PEEPHOLES));
    const px_tf_port made = px_tf_finish(b);
    const px_tf_port h = {made.node, OUTPUTS}, c = {made.node, CELLS};
    return (px_tf_lane){.y = is_reverse ? px_tf_rnn_reversed(b, r, h) : h,
                        .h = px_tf_at(b, h, last, 0),
                        .c = px_tf_at(b, c, last, 0)};
}

/* What TensorFlow's kernel computes. */
static bool is_usual(px_tf_build *b, const px_tf_rnn *r)
{
    static const char *const defaults[] = {"Sigmoid", "Tanh", "Tanh"};
    const px_onnx_attr *acts = px_tf_attr(b, "activations", PX_ONNX_ATTR_STRINGS);
    const int type = px_tf_type_at(b, r->x);
    bool is = !r->has_lengths && !r->couples_forget && !(r->clip > 0) &&
              (type == PX_TF_FLOAT || type == PX_TF_HALF);
    for (size_t i = 0; acts != NULL && i < acts->n; i++)
        is &= px_str_eq_nocase(acts->strings[i], px_str_of(defaults[i % 3]));
    return is;
}

static void lstm(px_tf_build *b)
{
    px_tf_rnn r;
    px_tf_lane lanes[PX_TF_MAX_DIRECTIONS] = {0};
    read_rnn(b, 4, &r);
    if (b->st == NULL && !is_usual(b, &r)) {
        by_loop(b, &r);
        return;
    }
    for (int i = 0; i < r.n_directions && b->st == NULL; i++)
        lanes[i] = kernel_lane(b, &r, i);
    px_tf_rnn_give(b, &r, lanes);
}

const px_tf_op_row px_tf_recurrent_rows[] = {
    {"GRU", recurrent, NULL},
    {"LSTM", lstm, NULL},
    {"RNN", recurrent, NULL},
    {NULL, NULL, NULL},
};
