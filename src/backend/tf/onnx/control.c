/* backend/tf/onnx/control.c - If, Loop, Scan.
 *
 * Both arms of an If are built into the graph under way. What an arm reads from outside goes
 * through a Switch, which lets nothing pass into the arm that is not taken, and a Merge takes each
 * output from the other. Loops are loop.c's; what they collect is a list, stacked at the end.
 */
#include "backend/tf/onnx/build.h"

#include "base/tensor.h"

enum { ARM_ELSE, ARM_THEN, N_ARMS };

static px_tf_port *ports(px_tf_build *b, size_t n)
{
    px_tf_port *at = px_arena_calloc(&b->arena, n + 1, sizeof *at);
    if (at == NULL)
        px_tf_keep_error(b, px_status_nomem());
    return at;
}

static const px_onnx_graph *graph_of(px_tf_build *b, const char *attr, size_t n_outputs)
{
    const px_onnx_attr *a = px_onnx_node_attr(b->node, attr);
    if (a == NULL || a->g == NULL || a->g->n_outputs != n_outputs) {
        px_tf_refuse(b, "its %s is missing, or does not give %zu tensors.", attr, n_outputs);
        return NULL;
    }
    return a->g;
}

/* --- If --- */

static px_tf_port merged(px_tf_build *b, const px_tf_port *arms)
{
    px_tf_begin(b, "Merge");
    px_tf_in_list(b, arms, N_ARMS);
    return px_tf_finish(b);
}

static void conditional(px_tf_build *b)
{
    const pgy_tensor *known = px_tf_known(b, 0);
    const px_tf_port condition = px_tf_reshape(b, px_tf_input(b, 0), NULL, 0);
    const size_t n = b->node->n_outputs;
    const px_onnx_graph *graphs[N_ARMS] = {graph_of(b, "else_branch", n),
                                           graph_of(b, "then_branch", n)};
    px_tf_port *outs = ports(b, N_ARMS * n);
    if (b->st != NULL)
        return;
    if (known != NULL && known->count == 1) {
        px_tf_subgraph(b, graphs[px_tensor_get_i64(known, 0) != 0], &(px_tf_scope){0}, NULL, 0,
                       outs);
        for (size_t i = 0; i < n; i++)
            px_tf_output(b, i, outs[i]);
        return;
    }
    for (int arm = 0; arm < N_ARMS; arm++)
        px_tf_subgraph(b, graphs[arm], &(px_tf_scope){.condition = condition, .arm = arm}, NULL, 0,
                       outs + (size_t)arm * n);
    for (size_t i = 0; i < n; i++) {
        px_tf_port arms[N_ARMS]; /* an arm's constant hangs on nothing yet */
        for (int arm = 0; arm < N_ARMS; arm++)
            arms[arm] = px_tf_switch(b, outs[(size_t)arm * n + i], condition, arm);
        px_tf_output(b, i, merged(b, arms));
    }
}

/* --- what loops collect --- */

/* Element type of a body's output, 0 when nothing tells; facts are of what is collected of it. */
static int collected_type(px_tf_build *b, const px_onnx_value_info *v, const px_onnx_fact *fact)
{
    int type = px_tf_type_of(v->type.dtype);
    if (type == 0 && fact != NULL)
        type = px_tf_type_of(fact->type.dtype);
    if (type == 0)
        px_tf_refuse(b, "the element type of '%.*s', which it collects, is not known.",
                     PX_STR_ARG(v->name));
    return type;
}

static px_tf_port stacked(px_tf_build *b, px_tf_port list, const px_onnx_value_info *v, int type)
{
    int64_t dims[PX_TF_MAX_RANK] = {0};
    const int rank = v->type.rank <= PX_TF_MAX_RANK ? v->type.rank : -1;
    for (int i = 0; i < rank; i++)
        dims[i] = v->type.dims[i].value;
    return px_tf_list_stack(b, list, type, dims, rank);
}

/* --- Loop --- */

typedef struct loop_body {
    const px_onnx_graph *g;
    const px_onnx_node *node;
    size_t n_carried, n_collected;
} loop_body;

enum { V_COUNT, V_GOES_ON, V_LIMIT, V_CARRIED }; /* variables; then what is collected */

static void loop_goes_on(px_tf_build *b, void *user, const px_tf_port *vars, px_tf_port *out)
{
    PX_UNUSED(user);
    const px_tf_port below = px_tf_2(b, "Less", vars[V_COUNT], vars[V_LIMIT]);
    *out = px_tf_2(b, "LogicalAnd", below, vars[V_GOES_ON]);
}

static void loop_step(px_tf_build *b, void *user, const px_tf_port *vars, px_tf_port *out)
{
    const loop_body *l = user;
    px_tf_port *in = ports(b, 2 + l->n_carried), *made = ports(b, l->g->n_outputs);
    if (b->st != NULL)
        return;
    in[0] = vars[V_COUNT];
    in[1] = vars[V_GOES_ON];
    for (size_t i = 0; i < l->n_carried; i++)
        in[2 + i] = vars[V_CARRIED + i];
    px_tf_subgraph(b, l->g, &(px_tf_scope){0}, in, 2 + l->n_carried, made);
    out[V_COUNT] = px_tf_2(b, "AddV2", vars[V_COUNT], px_tf_scalar(b, 1));
    out[V_GOES_ON] = px_tf_reshape(b, made[0], NULL, 0);
    out[V_LIMIT] = vars[V_LIMIT];
    for (size_t i = 0; i < l->n_carried; i++)
        out[V_CARRIED + i] = made[1 + i];
    for (size_t i = l->n_carried; i < l->n_carried + l->n_collected; i++)
        out[V_CARRIED + i] = px_tf_list_push(b, vars[V_CARRIED + i], made[1 + i]);
}

static px_tf_port scalar_input(px_tf_build *b, size_t i)
{
    return px_tf_reshape(b, px_tf_input(b, i), NULL, 0);
}

static void loop(px_tf_build *b)
{
    const size_t n_outputs = b->node->n_outputs;
    loop_body l = {.node = b->node, .n_carried = b->node->n_inputs > 2 ? b->node->n_inputs - 2 : 0};
    const px_onnx_fact *facts = b->facts;
    const px_onnx_attr *a = px_onnx_node_attr(b->node, "body");
    const size_t n_made = a != NULL && a->g != NULL ? a->g->n_outputs : 0;
    if (n_made < 1 + l.n_carried || n_made - 1 < n_outputs) {
        px_tf_refuse(b, "its body is missing, or gives %zu tensors, which do not fit.", n_made);
        return;
    }
    l.g = a->g;
    l.n_collected = n_made - 1 - l.n_carried;
    px_tf_port *vars = ports(b, V_CARRIED + n_made);
    if (b->st != NULL)
        return;
    vars[V_COUNT] = px_tf_scalar(b, 0);
    vars[V_GOES_ON] =
        px_tf_has(b, 1) ? scalar_input(b, 1) : px_tf_cast(b, px_tf_scalar32(b, 1), PX_TF_BOOL);
    vars[V_LIMIT] = px_tf_has(b, 0) ? scalar_input(b, 0) : px_tf_scalar(b, INT64_MAX);
    for (size_t i = 0; i < l.n_carried; i++)
        vars[V_CARRIED + i] = px_tf_input(b, 2 + i);
    int *types = px_arena_calloc(&b->arena, n_made, sizeof *types);
    if (types == NULL)
        px_tf_keep_error(b, px_status_nomem());
    for (size_t i = l.n_carried; b->st == NULL && i < n_made - 1; i++) {
        types[i] = collected_type(b, &l.g->outputs[1 + i],
                                  facts != NULL && i < n_outputs ? &facts[i] : NULL);
        vars[V_CARRIED + i] = px_tf_list(b, types[i]);
    }
    px_tf_while(b, vars, V_CARRIED + n_made - 1, loop_goes_on, loop_step, &l);
    for (size_t i = 0; b->st == NULL && i < n_outputs; i++)
        px_tf_output(b, i,
                     i < l.n_carried
                         ? vars[V_CARRIED + i]
                         : stacked(b, vars[V_CARRIED + i], &l.g->outputs[1 + i], types[i]));
}

/* --- Scan --- */

typedef struct scan_body {
    const px_onnx_graph *g;
    const px_tf_frame *frame; /* of `scanned` */
    size_t n_states, n_scanned, n_collected;
    const px_tf_port *scanned;
    const int64_t *in_axes, *in_backwards, *out_axes, *out_backwards;
    int *types; /* of what is collected */
} scan_body;

enum { S_COUNT, S_LIMIT, S_STATES };

static void scan_goes_on(px_tf_build *b, void *user, const px_tf_port *vars, px_tf_port *out)
{
    PX_UNUSED(user);
    *out = px_tf_2(b, "Less", vars[S_COUNT], vars[S_LIMIT]);
}

static void scan_step(px_tf_build *b, void *user, const px_tf_port *vars, px_tf_port *out)
{
    const scan_body *s = user;
    px_tf_port *in = ports(b, s->n_states + s->n_scanned), *made = ports(b, s->g->n_outputs);
    if (b->st != NULL)
        return;
    const px_tf_port one = px_tf_scalar(b, 1), next = px_tf_2(b, "AddV2", vars[S_COUNT], one);
    const px_tf_port from_end = px_tf_2(b, "Sub", vars[S_LIMIT], next);
    for (size_t i = 0; i < s->n_states; i++)
        in[i] = vars[S_STATES + i];
    for (size_t i = 0; i < s->n_scanned; i++)
        in[s->n_states + i] =
            px_tf_at(b, px_tf_capture(b, s->frame, s->scanned[i]),
                     s->in_backwards[i] ? from_end : vars[S_COUNT], s->in_axes[i]);
    px_tf_subgraph(b, s->g, &(px_tf_scope){0}, in, s->n_states + s->n_scanned, made);
    out[S_COUNT] = next;
    out[S_LIMIT] = vars[S_LIMIT];
    for (size_t i = 0; i < s->n_states; i++)
        out[S_STATES + i] = made[i];
    for (size_t i = s->n_states; i < s->g->n_outputs; i++)
        out[S_STATES + i] = px_tf_list_push(b, vars[S_STATES + i], made[i]);
}

/* The first dimension becomes number `axis`. */
static px_tf_port first_to(px_tf_build *b, px_tf_port x, int64_t axis)
{
    int64_t order[PX_TF_MAX_RANK];
    if (axis == 0)
        return x;
    const int rank = px_tf_rank(b, x), to = px_tf_axis(b, axis, rank);
    for (int i = 0; i < rank; i++)
        order[i] = i < to ? i + 1 : i == to ? 0 : i;
    return px_tf_transpose(b, x, order, rank);
}

/* One sequence. `out` holds the first states, gets the last ones, and what was collected. */
static void scan_sequence(px_tf_build *b, scan_body *s, px_tf_port *out)
{
    px_tf_port *vars = ports(b, S_STATES + s->g->n_outputs);
    if (b->st != NULL)
        return;
    const px_tf_port lengths = px_tf_shape(b, s->scanned[0]);
    const int axis = px_tf_axis(b, s->in_axes[0], px_tf_rank(b, s->scanned[0]));
    s->frame = b->frame;
    vars[S_COUNT] = px_tf_scalar(b, 0);
    vars[S_LIMIT] = px_tf_reshape(b, px_tf_part(b, lengths, axis, 1), NULL, 0);
    for (size_t i = 0; i < s->n_states; i++)
        vars[S_STATES + i] = out[i];
    for (size_t i = 0; i < s->n_collected; i++)
        vars[S_STATES + s->n_states + i] = px_tf_list(b, s->types[i]);
    px_tf_while(b, vars, S_STATES + s->g->n_outputs, scan_goes_on, scan_step, s);
    for (size_t i = 0; i < s->n_states; i++)
        out[i] = vars[S_STATES + i];
    for (size_t i = 0; i < s->n_collected; i++) {
        const size_t k = s->n_states + i;
        out[k] = stacked(b, vars[S_STATES + k], &s->g->outputs[k], s->types[i]);
        if (s->out_backwards[i])
            out[k] = px_tf_2(b, "ReverseV2", out[k], px_tf_vector(b, (const int64_t[]){0}, 1));
        out[k] = first_to(b, out[k], s->out_axes[i]);
    }
}

/* Operator set 8: a batch of sequences, each on its own. */
typedef struct batch_body {
    scan_body *scan;
    const px_tf_frame *frame;
    const px_tf_port *states, *scanned; /* {batch, ...} */
} batch_body;

static void batch_step(px_tf_build *b, void *user, const px_tf_port *vars, px_tf_port *out)
{
    const batch_body *all = user;
    scan_body s = *all->scan;
    px_tf_port *scanned = ports(b, s.n_scanned), *made = ports(b, s.g->n_outputs);
    if (b->st != NULL)
        return;
    for (size_t i = 0; i < s.n_states; i++)
        made[i] = px_tf_at(b, px_tf_capture(b, all->frame, all->states[i]), vars[S_COUNT], 0);
    for (size_t i = 0; i < s.n_scanned; i++)
        scanned[i] = px_tf_at(b, px_tf_capture(b, all->frame, all->scanned[i]), vars[S_COUNT], 0);
    s.scanned = scanned;
    scan_sequence(b, &s, made);
    out[S_COUNT] = px_tf_2(b, "AddV2", vars[S_COUNT], px_tf_scalar(b, 1));
    out[S_LIMIT] = vars[S_LIMIT];
    for (size_t i = 0; b->st == NULL && i < s.g->n_outputs; i++)
        out[S_STATES + i] = px_tf_list_push(b, vars[S_STATES + i], made[i]);
}

static void scan_batch(px_tf_build *b, scan_body *s, const px_tf_port *states,
                       const px_tf_port *scanned, px_tf_port *out)
{
    batch_body all = {s, b->frame, states, scanned};
    px_tf_port *vars = ports(b, S_STATES + s->g->n_outputs);
    if (b->st != NULL)
        return;
    vars[S_COUNT] = px_tf_scalar(b, 0);
    vars[S_LIMIT] = px_tf_reshape(b, px_tf_part(b, px_tf_shape(b, scanned[0]), 0, 1), NULL, 0);
    for (size_t i = 0; i < s->g->n_outputs; i++)
        vars[S_STATES + i] = px_tf_list(b, i < s->n_states ? px_tf_type_at(b, states[i])
                                                           : s->types[i - s->n_states]);
    px_tf_while(b, vars, S_STATES + s->g->n_outputs, scan_goes_on, batch_step, &all);
    for (size_t i = 0; i < s->g->n_outputs; i++)
        out[i] = px_tf_list_stack(
            b, vars[S_STATES + i],
            i < s->n_states ? px_tf_type_at(b, states[i]) : s->types[i - s->n_states], NULL, -1);
}

/* Numbers of an attribute, one for each of `n`; zeros when it is not there. */
static const int64_t *numbers(px_tf_build *b, const char *attr, size_t n)
{
    const px_onnx_attr *a = px_tf_attr(b, attr, PX_ONNX_ATTR_INTS);
    int64_t *out = px_arena_calloc(&b->arena, n + 1, sizeof *out);
    if (out == NULL)
        px_tf_keep_error(b, px_status_nomem());
    if (a != NULL && a->n != n)
        px_tf_refuse(b, "%s has %zu numbers; wanted are %zu.", attr, a->n, n);
    for (size_t i = 0; b->st == NULL && a != NULL && i < n; i++)
        out[i] = a->ints[i];
    return out;
}

static void scan(px_tf_build *b)
{
    const bool is_batch = b->opset < 9;
    const size_t n_in = b->node->n_inputs - (is_batch && b->node->n_inputs > 0),
                 n_out = b->node->n_outputs;
    const int64_t n_scanned = px_tf_int_of(b, "num_scan_inputs", 0);
    scan_body s = {.g = graph_of(b, "body", n_out)};
    const px_onnx_fact *facts = b->facts;
    if (n_scanned < 1 || (uint64_t)n_scanned > n_in || n_in - (size_t)n_scanned > n_out)
        px_tf_refuse(b, "num_scan_inputs is %lld, which does not fit.", (long long)n_scanned);
    if (is_batch && px_tf_has(b, 0))
        px_tf_refuse(b, "sequences of different lengths (sequence_lens) are not mapped.");
    if (b->st != NULL)
        return;
    s.n_scanned = (size_t)n_scanned;
    s.n_states = n_in - s.n_scanned;
    s.n_collected = n_out - s.n_states;
    s.in_axes = numbers(b, "scan_input_axes", s.n_scanned);
    s.in_backwards = numbers(b, is_batch ? "directions" : "scan_input_directions", s.n_scanned);
    s.out_axes = numbers(b, "scan_output_axes", s.n_collected);
    s.out_backwards = numbers(b, "scan_output_directions", s.n_collected);
    s.types = px_arena_calloc(&b->arena, s.n_collected + 1, sizeof *s.types);
    px_tf_port *in = ports(b, n_in), *out = ports(b, n_out);
    if (s.types == NULL)
        px_tf_keep_error(b, px_status_nomem());
    for (size_t i = 0; b->st == NULL && i < s.n_collected; i++)
        s.types[i] = collected_type(b, &s.g->outputs[s.n_states + i],
                                    facts != NULL ? &facts[s.n_states + i] : NULL);
    for (size_t i = 0; b->st == NULL && i < n_in; i++)
        in[i] = px_tf_input(b, i + is_batch);
    if (b->st != NULL)
        return;
    s.scanned = in + s.n_states;
    if (is_batch) {
        scan_batch(b, &s, in, in + s.n_states, out);
    } else {
        for (size_t i = 0; i < s.n_states; i++)
            out[i] = in[i];
        scan_sequence(b, &s, out);
    }
    for (size_t i = 0; i < n_out; i++)
        px_tf_output(b, i, out[i]);
}

const px_tf_op_row px_tf_control_rows[] = {
    {"If", conditional, NULL},
    {"Loop", loop, NULL},
    {"Scan", scan, NULL},
    {NULL, NULL, NULL},
};
