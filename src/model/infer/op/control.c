/* model/infer/op/control.c - operators with graphs inside: If, Loop, Scan, SequenceMap.
 *
 * What a loop carries is first taken to keep its shape; a dim that the body changes is then some
 * unknown, and the body is gone through again until nothing changes any more.
 */
#include "model/infer/infer.h"

/* Each round frees at least one dim or gives up a shape, so that this is more than enough. */
#define MAX_ROUNDS 16

static px_infer_value *values(px_infer_call *c, size_t n)
{
    return px_infer_alloc(c->infer, n, sizeof(px_infer_value));
}

/* --- If --- */

static void if_of(px_infer_call *c)
{
    const px_onnx_graph *then_graph = px_infer_attr_graph(c, "then_branch");
    const px_onnx_graph *else_graph = px_infer_attr_graph(c, "else_branch");
    px_infer_value *a = values(c, c->n_out), *b = values(c, c->n_out);
    int64_t test = 0;
    if (!then_graph || !else_graph || !a || !b)
        return;
    const bool is_known = px_infer_int(c, 0, &test);
    const bool has_a = px_infer_subgraph(c, then_graph, 0, NULL, c->n_out, a);
    const bool has_b = px_infer_subgraph(c, else_graph, 0, NULL, c->n_out, b);
    for (size_t o = 0; o < c->n_out; o++) {
        px_infer_value joined;
        px_infer_join(c->infer, &a[o], &b[o], &joined);
        if (is_known && test && has_a)
            px_infer_set(c, o, &a[o]);
        else if (is_known && !test && has_b)
            px_infer_set(c, o, &b[o]);
        else if (has_a && has_b)
            px_infer_set(c, o, &joined);
    }
}

/* --- what is carried from step to step --- */

typedef struct carried {
    px_infer_value v;
    bool is_free[PX_MAX_RANK]; /* dims that have been given up: unknowns that stand for any value */
} carried;

static void carry(const px_infer_value *first, carried *s)
{
    *s = (carried){.v = *first};
    s->v.data = NULL;
    s->v.real = NULL;
}

/* An element's shape is kept only while it is one and the same. */
static bool widen_container(px_infer_call *c, carried *s, const px_infer_value *next)
{
    const px_infer_value *old = s->v.element;
    px_infer_value joined;
    bool changed = false;
    if (!old || !next->element)
        return false;
    px_infer_join(c->infer, old, next->element, &joined);
    changed = joined.kind != old->kind || joined.rank != old->rank || joined.dtype != old->dtype;
    for (int d = 0; !changed && d < joined.rank; d++)
        changed = !px_dim_eq(old->dims[d], next->element->dims[d]);
    if (!changed)
        return false;
    joined.rank = -1;
    px_infer_wrap(c->infer, s->v.kind, &joined, &s->v);
    return true;
}

/* Makes `s` general enough for what the body made of it; true when that was a change. */
static bool widen(px_infer_call *c, carried *s, const px_infer_value *next)
{
    bool changed = false;
    if (s->v.kind == PX_ONNX_TYPE_NONE)
        return false;
    if (s->v.kind != next->kind) {
        s->v = (px_infer_value){.rank = -1};
        return true;
    }
    if (s->v.kind != PX_ONNX_TYPE_TENSOR)
        return widen_container(c, s, next);
    if (s->v.rank < 0)
        return false;
    if (s->v.rank != next->rank) {
        s->v.rank = -1;
        return true;
    }
    px_dim *dims = px_infer_alloc(c->infer, (size_t)s->v.rank, sizeof *dims);
    if (!dims)
        return false;
    for (int d = 0; d < s->v.rank; d++) {
        dims[d] = s->v.dims[d];
        if (s->is_free[d] || px_dim_eq(dims[d], next->dims[d]))
            continue;
        dims[d] = px_infer_unknown(c);
        s->is_free[d] = true;
        changed = true;
    }
    s->v.dims = dims;
    return changed;
}

/* What is left of it after the last step. */
static px_infer_value after(px_infer_call *c, const carried *s)
{
    px_infer_value v = s->v;
    px_dim *dims = v.rank > 0 ? px_infer_alloc(c->infer, (size_t)v.rank, sizeof *dims) : NULL;
    for (int d = 0; dims && d < v.rank; d++)
        dims[d] = s->is_free[d] ? px_infer_unknown(c) : v.dims[d];
    if (v.rank > 0 && !dims)
        v.rank = -1;
    v.dims = dims;
    return v;
}

/* A body that is gone through with the states behind `n_before` other inputs. */
typedef struct stepper {
    const px_onnx_graph *body;
    carried *states;
    size_t n_states, n_before;
    px_infer_value *in, *out;
    size_t n_in, n_out; /* n_before_out + states + per-step outputs */
    size_t n_before_out;
} stepper;

static bool stepper_init(px_infer_call *c, stepper *s)
{
    s->states = px_infer_alloc(c->infer, s->n_states, sizeof *s->states);
    s->in = values(c, s->n_in);
    s->out = values(c, s->n_out);
    return s->states && s->in && s->out;
}

/* Until the states' shapes are those that the body gives back; false when nothing can be said. */
static bool settle(px_infer_call *c, stepper *s)
{
    for (int round = 0; round < MAX_ROUNDS; round++) {
        bool changed = false;
        for (size_t i = 0; i < s->n_states; i++)
            s->in[s->n_before + i] = s->states[i].v;
        if (!px_infer_subgraph(c, s->body, s->n_in, s->in, s->n_out, s->out))
            return false;
        for (size_t i = 0; i < s->n_states; i++)
            changed |= widen(c, &s->states[i], &s->out[s->n_before_out + i]);
        if (!changed)
            return true;
    }
    return false;
}

/* Output o: value v of every step, laid along a new axis of `n` steps. */
static void stack(px_infer_call *c, size_t o, const px_infer_value *v, int64_t at, px_dim n)
{
    px_infer_dims x = px_infer_dims_of(v);
    int axis = 0;
    if (v->kind != PX_ONNX_TYPE_TENSOR)
        return;
    px_infer_dtype(c, o, v->dtype);
    if (x.rank < 0 || x.rank == PX_MAX_RANK || !px_geo_axis(at, x.rank + 1, &axis))
        return;
    memmove(&x.dims[axis + 1], &x.dims[axis], (size_t)(x.rank - axis) * sizeof *x.dims);
    x.dims[axis] = n;
    px_infer_shape(c, o, x.rank + 1, x.dims);
}

/* --- Loop --- */

static px_infer_value scalar_of(px_infer_call *c, pgy_dtype dtype, int64_t known)
{
    px_infer_value v = {.kind = PX_ONNX_TYPE_TENSOR, .dtype = dtype, .rank = 0};
    px_dim *data = px_infer_alloc(c->infer, 1, sizeof *data);
    if (!data)
        return v;
    *data = known < 0 ? px_infer_unknown(c) : px_dim_const(known);
    v.data = data;
    v.n_data = 1;
    v.dims = data;
    return v;
}

/* Number of steps: the trip count when the condition is true before and after every step. */
static px_dim loop_steps(px_infer_call *c, const px_infer_value *condition)
{
    const px_infer_value *count = c->in[0];
    int64_t first = 1;
    if (!px_infer_has(c, 0) || !count->data || count->n_data != 1 ||
        (px_infer_has(c, 1) && (!px_infer_int(c, 1, &first) || !first)) || !condition->data ||
        condition->n_data != 1 || !px_dim_is(condition->data[0], 1))
        return px_infer_unknown(c);
    if (px_dim_is_const(count->data[0]))
        return px_dim_const(PX_MAX(count->data[0].base, 0));
    return px_dim_is_nonneg(px_infer_dims_table(c->infer), count->data[0]) ? count->data[0]
                                                                           : px_infer_unknown(c);
}

static void loop(px_infer_call *c)
{
    const size_t n_states = c->n_in > 2 ? c->n_in - 2 : 0;
    stepper s = {.body = px_infer_attr_graph(c, "body"),
                 .n_states = n_states,
                 .n_before = 2,
                 .n_in = n_states + 2,
                 .n_before_out = 1,
                 .n_out = PX_MAX(c->n_out, n_states) + 1};
    if (!s.body || !stepper_init(c, &s))
        return;
    s.in[0] = scalar_of(c, PGY_DTYPE_I64, -1);
    s.in[1] = scalar_of(c, PGY_DTYPE_BOOL, 1); /* else the body is not entered */
    for (size_t i = 0; i < n_states; i++)
        carry(c->in[i + 2], &s.states[i]);
    if (!settle(c, &s))
        return;
    const px_dim steps = loop_steps(c, &s.out[0]);
    for (size_t o = 0; o < c->n_out; o++) {
        if (o < n_states) {
            const px_infer_value v = after(c, &s.states[o]);
            px_infer_set(c, o, &v);
        } else {
            stack(c, o, &s.out[o + 1], 0, steps);
        }
    }
}

/* --- Scan --- */

static int64_t number_of(const px_infer_call *c, const char *name, size_t i)
{
    const int64_t *at = NULL;
    size_t n = 0;
    return px_infer_attr_ints(c, name, &at, &n) && i < n ? at[i] : 0;
}

/* Value v without its dim `at`, which goes to `*out_dim`. */
static px_infer_value without(px_infer_call *c, const px_infer_value *v, int64_t at,
                              px_dim *out_dim)
{
    px_infer_value out = {.kind = v->kind, .dtype = v->dtype, .rank = -1};
    int axis = 0;
    if (v->kind != PX_ONNX_TYPE_TENSOR || v->rank < 1 || !px_geo_axis(at, v->rank, &axis))
        return out;
    px_dim *dims = px_infer_alloc(c->infer, (size_t)v->rank, sizeof *dims);
    if (!dims)
        return out;
    for (int d = 0, k = 0; d < v->rank; d++)
        if (d != axis)
            dims[k++] = v->dims[d];
    *out_dim = px_infer_unify(c->infer, *out_dim, v->dims[axis]);
    out.rank = v->rank - 1;
    out.dims = dims;
    return out;
}

static void scan_9(px_infer_call *c)
{
    const int64_t n_scan = px_infer_attr_i(c, "num_scan_inputs", 0);
    if (n_scan < 0 || (uint64_t)n_scan > c->n_in)
        return;
    const size_t n_states = c->n_in - (size_t)n_scan;
    stepper s = {.body = px_infer_attr_graph(c, "body"),
                 .n_states = n_states,
                 .n_in = c->n_in,
                 .n_out = PX_MAX(c->n_out, n_states)};
    px_dim steps = px_infer_unknown(c);
    if (!s.body || !stepper_init(c, &s))
        return;
    for (size_t i = 0; i < n_states; i++)
        carry(c->in[i], &s.states[i]);
    for (size_t i = n_states; i < c->n_in; i++)
        s.in[i] = without(c, c->in[i], number_of(c, "scan_input_axes", i - n_states), &steps);
    if (!settle(c, &s))
        return;
    for (size_t o = 0; o < c->n_out; o++) {
        if (o < n_states) {
            const px_infer_value v = after(c, &s.states[o]);
            px_infer_set(c, o, &v);
        } else {
            stack(c, o, &s.out[o], number_of(c, "scan_output_axes", o - n_states), steps);
        }
    }
}

/* Version 8: everything has a batch in front, and lengths may be given. */
static void scan_8(px_infer_call *c)
{
    const int64_t n_scan = px_infer_attr_i(c, "num_scan_inputs", 0);
    if (c->n_in < 1 || n_scan < 0 || (uint64_t)n_scan > c->n_in - 1)
        return;
    const size_t n_states = c->n_in - 1 - (size_t)n_scan;
    stepper s = {.body = px_infer_attr_graph(c, "body"),
                 .n_states = n_states,
                 .n_in = c->n_in - 1,
                 .n_out = PX_MAX(c->n_out, n_states)};
    px_dim steps = px_infer_unknown(c), batch = px_infer_unknown(c);
    if (!s.body || !stepper_init(c, &s))
        return;
    for (size_t i = 0; i < s.n_in; i++) {
        const px_infer_value item = without(c, c->in[i + 1], 0, &batch);
        if (i < n_states)
            carry(&item, &s.states[i]);
        else
            s.in[i] = without(c, &item, 0, &steps);
    }
    if (!settle(c, &s))
        return;
    for (size_t o = 0; o < c->n_out; o++) {
        if (o < n_states) {
            const px_infer_value v = after(c, &s.states[o]);
            stack(c, o, &v, 0, batch);
            continue;
        }
        px_infer_dims x = px_infer_dims_of(&s.out[o]);
        if (s.out[o].kind != PX_ONNX_TYPE_TENSOR)
            continue;
        px_infer_dtype(c, o, s.out[o].dtype);
        if (x.rank < 0 || x.rank + 2 > PX_MAX_RANK)
            continue;
        memmove(&x.dims[2], &x.dims[0], (size_t)x.rank * sizeof *x.dims);
        x.dims[0] = batch;
        x.dims[1] = steps;
        px_infer_shape(c, o, x.rank + 2, x.dims);
    }
}

/* --- SequenceMap --- */

static void sequence_map(px_infer_call *c)
{
    const px_onnx_graph *body = px_infer_attr_graph(c, "body");
    px_infer_value *in = values(c, c->n_in), *out = values(c, c->n_out);
    if (!body || !in || !out)
        return;
    for (size_t i = 0; i < c->n_in; i++) {
        in[i] = *c->in[i];
        if (in[i].kind == PX_ONNX_TYPE_SEQUENCE)
            in[i] = in[i].element ? *in[i].element : (px_infer_value){.rank = -1};
        in[i].data = NULL;
        in[i].real = NULL;
    }
    if (!px_infer_subgraph(c, body, c->n_in, in, c->n_out, out))
        return;
    for (size_t o = 0; o < c->n_out; o++) {
        px_infer_value sequence;
        px_infer_wrap(c->infer, PX_ONNX_TYPE_SEQUENCE, &out[o], &sequence);
        if (out[o].kind != PX_ONNX_TYPE_NONE)
            px_infer_set(c, o, &sequence);
    }
}

static const px_infer_op rows[] = {
    {"", "If", 1, if_of},
    {"", "Loop", 1, loop},
    {"", "Scan", 8, scan_8},
    {"", "Scan", 9, scan_9},
    {"", "SequenceMap", 17, sequence_map},
};

const px_infer_family px_infer_family_control = {rows, PX_COUNTOF(rows)};
