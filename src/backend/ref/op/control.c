/* backend/ref/op/control.c - If, Loop and Scan: operators whose work is a subgraph.
 *
 * Values that go round a loop are owned here between two rounds: what a round returns replaces what
 * it was given. Scan outputs are collected as values and joined once at the end.
 */
#include "backend/ref/op/move.h"

/* More rounds than anybody waits for: at a microsecond each they take twelve days. */
#define MAX_ROUNDS ((int64_t)1 << 40)

typedef struct value_list {
    px_ref_value *at;
    size_t n, cap;
} value_list;

static void values_free(px_ref_value *at, size_t n)
{
    for (size_t i = 0; at && i < n; i++)
        px_ref_value_free(&at[i]);
    px_mem_free(at);
}

static void lists_free(value_list *lists, size_t n)
{
    for (size_t i = 0; lists && i < n; i++)
        values_free(lists[i].at, lists[i].n);
    px_mem_free(lists);
}

static pgy_status *graph_of(px_ref_call *c, const char *name, const px_onnx_graph **out)
{
    const px_onnx_attr *a = px_ref_attr(c, name);
    if (!a || a->type != PX_ONNX_ATTR_GRAPH || !a->g)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "Attribute %s is no graph", name);
    *out = a->g;
    return NULL;
}

static pgy_status *truth_of(px_ref_call *c, const px_ref_value *v, bool *out)
{
    if (v->kind != PX_REF_TENSOR || v->t->dtype != PGY_DTYPE_BOOL || v->t->count != 1)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "The condition is no single bool");
    *out = *(const uint8_t *)v->t->data != 0;
    return NULL;
}

static pgy_status *branch(px_ref_call *c)
{
    pgy_status *st = NULL;
    const px_onnx_graph *graph = NULL;
    px_ref_value *out = NULL;
    bool truth = false;
    PX_TRY(truth_of(c, &c->in[0], &truth));
    PX_TRY(graph_of(c, truth ? "then_branch" : "else_branch", &graph));
    if (graph->n_outputs < c->n_out)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The branch gives %zu values, the node names %zu",
                           graph->n_outputs, c->n_out));
    PX_TRY(PX_ALLOC(out, graph->n_outputs));
    PX_TRY(px_ref_subgraph(c, graph, 0, NULL, graph->n_outputs, out));
    for (size_t i = 0; i < c->n_out; i++)
        if (px_ref_wants(c, i)) {
            px_ref_out_take(c, i, out[i]);
            out[i] = (px_ref_value){0};
        }
done:
    values_free(out, out ? graph->n_outputs : 0);
    return st;
}

/* Appends and takes the value over. */
static pgy_status *list_take(value_list *list, px_ref_value *v)
{
    pgy_status *st = PX_RESERVE(list, 1);
    if (!st) {
        list->at[list->n++] = *v;
        *v = (px_ref_value){0};
    }
    return st;
}

/* What no round at all leaves in a scan output: no elements, the rest as far as the body says. */
static pgy_status *empty_scan(px_ref_call *c, const px_onnx_type *type, int axis, px_ref_value *out)
{
    int64_t dims[PX_MAX_RANK];
    void *y;
    int rank = type->kind == PX_ONNX_TYPE_TENSOR && type->rank > 0 ? type->rank : 0;
    if (rank >= PX_MAX_RANK || axis > rank)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "A scan output of rank %d", rank + 1);
    for (int i = 0, k = 0; i <= rank; i++)
        dims[i] = i == axis ? 0 : PX_MAX(0, type->dims[k++].value);
    pgy_dtype dtype = type->dtype == PGY_DTYPE_UNKNOWN ? PGY_DTYPE_F32 : type->dtype;
    pgy_status *st = px_move_new(c, dtype, rank + 1, dims, out, &y);
    return st ? st : px_move_new_done(out, y);
}

/* --- Loop --- */

/* A single element in the rank that the body's input declares: old models want [1]. */
static pgy_status *loop_scalar(px_ref_call *c, const px_onnx_graph *body, size_t input,
                               pgy_dtype dtype, int64_t value, px_ref_value *out)
{
    const px_onnx_type *type = &body->inputs[input].type;
    bool is_vector = type->kind == PX_ONNX_TYPE_TENSOR && type->rank == 1;
    int64_t one = 1;
    void *y;
    pgy_status *st = px_move_new(c, dtype, is_vector, &one, out, &y);
    if (!st && dtype == PGY_DTYPE_BOOL)
        *(uint8_t *)y = value != 0;
    else if (!st)
        *(int64_t *)y = value;
    return st;
}

typedef struct loop_run {
    const px_onnx_graph *body;
    size_t n_carried, n_scans;
    px_ref_value *in;  /* iteration, condition, carried */
    px_ref_value *out; /* condition, carried, scan items */
    value_list *scans;
} loop_run;

static pgy_status *loop_round(px_ref_call *c, loop_run *r, int64_t iteration, bool *go_on)
{
    pgy_status *st = NULL;
    size_t n_in = 2 + r->n_carried, n_out = 1 + r->n_carried + r->n_scans;
    px_ref_value_free(&r->in[0]);
    px_ref_value_free(&r->in[1]);
    PX_TRY(loop_scalar(c, r->body, 0, PGY_DTYPE_I64, iteration, &r->in[0]));
    PX_TRY(loop_scalar(c, r->body, 1, PGY_DTYPE_BOOL, *go_on, &r->in[1]));
    PX_TRY(px_ref_subgraph(c, r->body, n_in, r->in, n_out, r->out));
    PX_TRY(truth_of(c, &r->out[0], go_on));
    px_ref_value_free(&r->out[0]);
    for (size_t i = 0; i < r->n_carried; i++) {
        px_ref_value_free(&r->in[2 + i]);
        r->in[2 + i] = r->out[1 + i];
        r->out[1 + i] = (px_ref_value){0};
    }
    for (size_t i = 0; i < r->n_scans; i++)
        PX_TRY(list_take(&r->scans[i], &r->out[1 + r->n_carried + i]));
done:
    return st;
}

static pgy_status *loop_outputs(px_ref_call *c, loop_run *r)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < c->n_out; i++) {
        if (!px_ref_wants(c, i))
            continue;
        if (i < r->n_carried) {
            px_ref_out_take(c, i, r->in[2 + i]);
            r->in[2 + i] = (px_ref_value){0};
            continue;
        }
        px_ref_value joined = {0};
        value_list *scan = &r->scans[i - r->n_carried];
        if (scan->n == 0)
            PX_TRY(empty_scan(c, &r->body->outputs[1 + i].type, 0, &joined));
        else
            PX_TRY(px_move_join(c, scan->at, scan->n, 0, true, false, &joined));
        px_ref_out_take(c, i, joined);
    }
done:
    return st;
}

static pgy_status *loop(px_ref_call *c)
{
    pgy_status *st = NULL;
    loop_run r = {0};
    int64_t trips = INT64_MAX;
    bool go_on = true, has_condition = px_ref_has(c, 1);
    PX_TRY(graph_of(c, "body", &r.body));
    r.n_carried = c->n_in - PX_MIN(2, c->n_in);
    if (r.body->n_inputs < 2 + r.n_carried || r.body->n_outputs < 1 + r.n_carried ||
        c->n_out > r.body->n_outputs - 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "The body takes %zu and gives %zu values; the node "
                           "carries %zu and names %zu outputs",
                           r.body->n_inputs, r.body->n_outputs, r.n_carried, c->n_out));
    r.n_scans = r.body->n_outputs - 1 - r.n_carried;
    if (px_ref_has(c, 0))
        PX_TRY(px_move_in_int(c, 0, &trips));
    if (has_condition)
        PX_TRY(truth_of(c, &c->in[1], &go_on));
    if (!has_condition && trips > MAX_ROUNDS)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the loop never ends: it has no condition, and %s",
                           px_ref_has(c, 0) ? "its trip count is above 2^40" : "no trip count"));
    PX_TRY(PX_ALLOC(r.in, 2 + r.n_carried));
    PX_TRY(PX_ALLOC(r.out, r.body->n_outputs));
    PX_TRY(PX_ALLOC(r.scans, r.n_scans));
    for (size_t i = 0; i < r.n_carried; i++)
        r.in[2 + i] = px_ref_value_copy(c->in[2 + i]);
    for (int64_t t = 0; t < trips && go_on; t++) {
        PX_TRY(loop_round(c, &r, t, &go_on));
        go_on = go_on || !has_condition; /* without a condition input the body's is ignored */
    }
    PX_TRY(loop_outputs(c, &r));
done:
    values_free(r.in, r.in ? 2 + r.n_carried : 0);
    values_free(r.out, r.out ? r.body->n_outputs : 0);
    lists_free(r.scans, r.n_scans);
    return st;
}

/* --- Scan --- */

typedef struct scan_run {
    const px_onnx_graph *body;
    size_t n_states, n_inputs, n_outputs;         /* n_outputs: scan outputs */
    const px_ref_value *inputs;                   /* scan inputs */
    int *axes;                                    /* of each scan input */
    const int64_t *in_back, *out_axes, *out_back; /* NULL: 0 everywhere */
    int64_t n_steps;
    px_ref_value *in;  /* states, then the step's slices */
    px_ref_value *out; /* states, then scan items */
    value_list *scans;
} scan_run;

static void scan_fini(scan_run *r)
{
    values_free(r->in, r->in ? r->n_states + r->n_inputs : 0);
    values_free(r->out, r->out ? r->n_states + r->n_outputs : 0);
    lists_free(r->scans, r->n_outputs);
    px_mem_free(r->axes);
}

/* Body and counts; the node's inputs are `lead` others, then states, then scan inputs. */
static pgy_status *scan_init(px_ref_call *c, size_t lead, scan_run *r)
{
    pgy_status *st = NULL;
    int64_t m = px_ref_attr_i(c, "num_scan_inputs", 0);
    PX_TRY(graph_of(c, "body", &r->body));
    if (c->n_in < lead || m < 1 || m > (int64_t)(c->n_in - lead))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "num_scan_inputs is %lld with %zu inputs",
                           (long long)m, c->n_in));
    r->n_inputs = (size_t)m;
    r->n_states = c->n_in - lead - r->n_inputs;
    if (r->body->n_inputs < c->n_in - lead || r->body->n_outputs < r->n_states ||
        c->n_out > r->body->n_outputs)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "The body takes %zu and gives %zu values for %zu "
                           "states and %zu scan inputs",
                           r->body->n_inputs, r->body->n_outputs, r->n_states, r->n_inputs));
    r->n_outputs = r->body->n_outputs - r->n_states;
    r->inputs = c->in + lead + r->n_states;
    for (size_t i = lead; i < c->n_in; i++)
        if (c->in[i].kind != PX_REF_TENSOR)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu is no tensor", i));
    PX_TRY(PX_ALLOC(r->in, r->n_states + r->n_inputs));
    PX_TRY(PX_ALLOC(r->out, r->n_states + r->n_outputs));
    PX_TRY(PX_ALLOC(r->scans, r->n_outputs));
    PX_TRY(PX_ALLOC(r->axes, r->n_inputs));
done:
    return st;
}

static pgy_status *scan_flags(px_ref_call *c, const char *name, size_t n, const int64_t **out)
{
    size_t n_given;
    if (px_ref_attr_ints(c, name, out, &n_given) && n_given != n)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "%s has %zu entries, wanted are %zu", name, n_given,
                           n);
    return NULL;
}

/* Runs the body for each step; states start in r->in and end there. */
static pgy_status *scan_steps(px_ref_call *c, scan_run *r)
{
    pgy_status *st = NULL;
    for (int64_t t = 0; t < r->n_steps; t++) {
        for (size_t i = 0; i < r->n_inputs; i++) {
            bool back = r->in_back && r->in_back[i];
            px_ref_value *slice = &r->in[r->n_states + i];
            px_ref_value_free(slice);
            int64_t size = r->inputs[i].t->dims[r->axes[i]];
            PX_TRY(px_move_part(c, &r->inputs[i], r->axes[i], back ? size - 1 - t : t, 1, false,
                                slice));
        }
        PX_TRY(px_ref_subgraph(c, r->body, r->n_states + r->n_inputs, r->in,
                               r->n_states + r->n_outputs, r->out));
        for (size_t i = 0; i < r->n_states; i++) {
            px_ref_value_free(&r->in[i]);
            r->in[i] = r->out[i];
            r->out[i] = (px_ref_value){0};
        }
        for (size_t i = 0; i < r->n_outputs; i++)
            PX_TRY(list_take(&r->scans[i], &r->out[r->n_states + i]));
    }
done:
    return st;
}

static pgy_status *scan_joined(px_ref_call *c, const scan_run *r, size_t i, px_ref_value *out)
{
    pgy_status *st = NULL;
    const px_onnx_type *type = &r->body->outputs[r->n_states + i].type;
    int64_t axis = r->out_axes ? r->out_axes[i] : 0;
    int at;
    if (r->scans[i].n > 0) {
        PX_TRY(px_move_join(c, r->scans[i].at, r->scans[i].n, axis, true,
                            r->out_back && r->out_back[i], out));
    } else {
        PX_TRY(px_ref_axis(c, axis, PX_MIN(PX_MAX(type->rank, 0), PX_MAX_RANK - 1) + 1, &at));
        PX_TRY(empty_scan(c, type, at, out));
    }
done:
    return st;
}

static pgy_status *scan_9(px_ref_call *c)
{
    pgy_status *st = NULL;
    scan_run r = {0};
    const int64_t *axes = NULL;
    PX_TRY(scan_init(c, 0, &r));
    PX_TRY(scan_flags(c, "scan_input_axes", r.n_inputs, &axes));
    PX_TRY(scan_flags(c, "scan_input_directions", r.n_inputs, &r.in_back));
    PX_TRY(scan_flags(c, "scan_output_axes", r.n_outputs, &r.out_axes));
    PX_TRY(scan_flags(c, "scan_output_directions", r.n_outputs, &r.out_back));
    for (size_t i = 0; i < r.n_inputs; i++) {
        const pgy_tensor *x = r.inputs[i].t;
        PX_TRY(px_ref_axis(c, axes ? axes[i] : 0, x->rank, &r.axes[i]));
        int64_t n = x->dims[r.axes[i]];
        if (i > 0 && n != r.n_steps)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Scan input %zu has %lld steps, the first %lld", i,
                               (long long)n, (long long)r.n_steps));
        r.n_steps = n;
    }
    for (size_t i = 0; i < r.n_states; i++)
        r.in[i] = px_ref_value_copy(c->in[i]);
    PX_TRY(scan_steps(c, &r));
    for (size_t i = 0; i < c->n_out; i++) {
        px_ref_value v = {0};
        if (!px_ref_wants(c, i))
            continue;
        if (i < r.n_states) {
            v = r.in[i];
            r.in[i] = (px_ref_value){0};
        } else {
            PX_TRY(scan_joined(c, &r, i - r.n_states, &v));
        }
        px_ref_out_take(c, i, v);
    }
done:
    scan_fini(&r);
    return st;
}

/* Version 8: axis 0 is a batch whose members run one after the other, axis 1 is the sequence. */

/* Scan items behind the end of a shorter sequence are zero. */
static pgy_status *scan_8_fill(px_ref_call *c, value_list *scan, int64_t n)
{
    pgy_status *st = NULL;
    while ((int64_t)scan->n < n && scan->n > 0) {
        px_ref_value v = {0};
        const px_ref_value *like = &scan->at[0];
        void *y;
        if (like->kind != PX_REF_TENSOR)
            break; /* px_move_join says so */
        PX_TRY(px_move_new(c, like->dtype, like->t->rank, like->t->dims, &v, &y));
        memset(y, 0, v.t->size);
        st = px_move_new_done(&v, y);
        st = st ? st : list_take(scan, &v);
        px_ref_value_free(&v);
        if (st)
            goto done;
    }
done:
    return st;
}

/* One batch member: states from and to `columns`, one list per output of the node. */
static pgy_status *scan_8_member(px_ref_call *c, scan_run *r, int64_t member, int64_t n_steps,
                                 int64_t max_steps, px_ref_value *slices, value_list *columns)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < r->n_states + r->n_inputs; i++) {
        px_ref_value *to = i < r->n_states ? &r->in[i] : &slices[i - r->n_states];
        px_ref_value_free(to);
        PX_TRY(px_move_part(c, &c->in[1 + i], 0, member, 1, false, to));
    }
    r->inputs = slices;
    r->n_steps = n_steps;
    /* A reversed sequence is read from its own end, so the slices end there. */
    for (size_t i = 0; r->in_back && i < r->n_inputs; i++) {
        px_ref_value cut = {0};
        PX_TRY(px_move_part(c, &slices[i], 0, 0, n_steps, true, &cut));
        px_ref_value_free(&slices[i]);
        slices[i] = cut;
    }
    PX_TRY(scan_steps(c, r));
    for (size_t i = 0; i < r->n_states; i++)
        PX_TRY(list_take(&columns[i], &r->in[i]));
    for (size_t i = 0; i < r->n_outputs; i++) {
        px_ref_value v = {0};
        PX_TRY(scan_8_fill(c, &r->scans[i], max_steps));
        PX_TRY(scan_joined(c, r, i, &v));
        st = list_take(&columns[r->n_states + i], &v);
        px_ref_value_free(&v);
        if (st)
            goto done;
        for (size_t k = 0; k < r->scans[i].n; k++)
            px_ref_value_free(&r->scans[i].at[k]);
        r->scans[i].n = 0;
    }
done:
    return st;
}

static pgy_status *scan_8(px_ref_call *c)
{
    pgy_status *st = NULL;
    scan_run r = {0};
    px_ref_value *slices = NULL;
    value_list *columns = NULL;
    const int64_t *lens = NULL;
    size_t n_lens = 0, n_columns = 0, n_slices = 0;
    PX_TRY(scan_init(c, 1, &r));
    PX_TRY(scan_flags(c, "directions", r.n_inputs, &r.in_back));
    if (px_ref_has(c, 0))
        PX_TRY(px_ref_in_ints(c, 0, &lens, &n_lens));
    const pgy_tensor *first = r.inputs[0].t;
    bool fits =
        first->rank >= 2 && first->dims[0] > 0 && (!lens || n_lens == (size_t)first->dims[0]);
    for (size_t i = 1; fits && i < c->n_in; i++) {
        const pgy_tensor *t = c->in[i].t;
        bool is_scan = i > r.n_states;
        fits = t->rank >= 1 + is_scan && t->dims[0] == first->dims[0] &&
               (!is_scan || t->dims[1] == first->dims[1]);
    }
    for (size_t i = 0; fits && i < n_lens; i++)
        fits = lens[i] >= 0 && lens[i] <= first->dims[1];
    if (!fits)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "States and scan inputs must share a batch axis 0, "
                           "scan inputs a sequence axis 1, and lengths must lie within it"));
    n_slices = r.n_inputs;
    n_columns = r.n_states + r.n_outputs;
    int64_t batch = first->dims[0], max_steps = first->dims[1];
    PX_TRY(PX_ALLOC(slices, n_slices));
    PX_TRY(PX_ALLOC(columns, n_columns));
    for (int64_t b = 0; b < batch; b++)
        PX_TRY(scan_8_member(c, &r, b, lens ? lens[b] : max_steps, max_steps, slices, columns));
    for (size_t i = 0; i < c->n_out; i++) {
        px_ref_value v = {0};
        if (!px_ref_wants(c, i))
            continue;
        PX_TRY(px_move_join(c, columns[i].at, columns[i].n, 0, true, false, &v));
        px_ref_out_take(c, i, v);
    }
done:
    scan_fini(&r);
    values_free(slices, slices ? n_slices : 0);
    lists_free(columns, n_columns);
    return st;
}

static const px_ref_op rows[] = {
    {"", "If", 1, 1, 1, 1, -1, branch},
    {"", "Loop", 1, 2, -1, 1, -1, loop},
    {"", "Scan", 8, 2, -1, 1, -1, scan_8},
    {"", "Scan", 9, 1, -1, 1, -1, scan_9},
};

const px_ref_family px_ref_family_control = {rows, PX_COUNTOF(rows)};
