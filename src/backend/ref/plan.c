/* backend/ref/plan.c - graphs into execution plans.
 *
 * Two passes. The first (graph_plan) numbers names, nests subgraphs, checks the order of nodes and
 * drops what nobody reads. The second (plan_finish) goes from the outside in: it loads the
 * constants that are read, hands them down to subgraphs that capture them, and gives each node its
 * kernel, or a plan of its own for a call of a model-local function.
 */
#include "backend/ref/plan.h"

/* What `ref_attr_name` inside a function stands for: attributes of the calling node. */
typedef struct attr_scope {
    const px_onnx_node *caller;
    const px_onnx_function *function;
} attr_scope;

/* Names of one graph while it is planned. A name's position in the map is its slot. */
typedef struct scope {
    px_ref_session *s;
    struct scope *outer; /* NULL for the main graph and for functions */
    px_map names;
    struct {
        px_ref_source *at;
        size_t n, cap;
    } sources;
    struct {
        px_ref_capture *at;
        size_t n, cap;
    } captures;
    const attr_scope *attrs; /* NULL outside functions */
    px_str graph_name;
    int depth;
} scope;

/* The parts of a graph or of a function's body. */
typedef struct body {
    px_str name;
    const px_onnx_node *nodes;
    size_t n_nodes;
    const px_onnx_graph *graph; /* NULL for a function */
    const px_onnx_function *function;
} body;

static pgy_status *graph_plan(px_ref_session *s, scope *outer, const attr_scope *attrs,
                              const body *b, int depth, px_ref_plan **out);

static void *arena_array(px_ref_session *s, size_t n, size_t size)
{
    return px_arena_calloc(&s->arena, PX_MAX(n, (size_t)1), size);
}

/* --- names --- */

static pgy_status *slot_add(scope *sc, px_str name, int32_t *out)
{
    pgy_status *st = NULL;
    if (sc->names.n >= INT32_MAX / 2)
        return PX_FAIL(PGY_ERR_MODEL, "The graph '%.*s' has too many values",
                       PX_STR_ARG(sc->graph_name));
    PX_TRY(PX_RESERVE(&sc->sources, 1));
    /* The map's values carry nothing: positions do. */
    PX_TRY(px_map_set(&sc->names, name, sc));
    sc->sources.at[sc->sources.n++] = (px_ref_source){0};
    *out = (int32_t)(sc->names.n - 1);
done:
    return st;
}

/* -1 when no enclosing graph has the name either. Names of outer graphs become captures. */
static pgy_status *slot_find(scope *sc, px_str name, int32_t *out)
{
    pgy_status *st = NULL;
    int32_t outer = -1, inner = -1;
    const ptrdiff_t at = px_map_find(&sc->names, name);

    *out = -1;
    if (at >= 0) {
        *out = (int32_t)at;
        return NULL;
    }
    if (!sc->outer)
        return NULL;
    PX_TRY(slot_find(sc->outer, name, &outer));
    if (outer < 0)
        return NULL;
    PX_TRY(PX_RESERVE(&sc->captures, 1));
    PX_TRY(slot_add(sc, name, &inner));
    sc->captures.at[sc->captures.n++] = (px_ref_capture){.outer = outer, .inner = inner};
    *out = inner;
done:
    return st;
}

static pgy_status *slot_define(scope *sc, px_str name, const char *what, int32_t *out)
{
    if (px_map_has(&sc->names, name))
        return PX_FAIL(PGY_ERR_MODEL, "The graph '%.*s' defines the value '%.*s' twice (%s)",
                       PX_STR_ARG(sc->graph_name), PX_STR_ARG(name), what);
    return slot_add(sc, name, out);
}

/* --- nodes --- */

static const px_onnx_attr *attr_by_name(const px_onnx_attr *attrs, size_t n, px_str name)
{
    for (size_t i = 0; i < n; i++)
        if (px_str_eq(attrs[i].name, name))
            return &attrs[i];
    return NULL;
}

/* Copies `from` with every attribute reference replaced by what the caller gives, the function's
 * default, or nothing. */
static pgy_status *node_resolve(scope *sc, const px_onnx_node *from, px_onnx_node *out)
{
    *out = *from;
    bool has_refs = false;
    for (size_t i = 0; i < from->n_attrs; i++)
        has_refs |= from->attrs[i].ref_attr_name.len > 0;
    if (!has_refs)
        return NULL;
    px_onnx_attr *attrs = arena_array(sc->s, from->n_attrs, sizeof *attrs);
    if (!attrs)
        return px_status_nomem();
    size_t n = 0;
    for (size_t i = 0; i < from->n_attrs; i++) {
        const px_onnx_attr *a = &from->attrs[i];
        if (a->ref_attr_name.len > 0 && sc->attrs) {
            const px_onnx_node *caller = sc->attrs->caller;
            const px_onnx_function *fn = sc->attrs->function;
            a = attr_by_name(caller->attrs, caller->n_attrs, from->attrs[i].ref_attr_name);
            if (!a)
                a = attr_by_name(fn->attr_defaults, fn->n_attr_defaults,
                                 from->attrs[i].ref_attr_name);
        } else if (a->ref_attr_name.len > 0) {
            a = NULL;
        }
        if (a) {
            attrs[n] = *a;
            attrs[n++].name = from->attrs[i].name;
        }
    }
    out->attrs = attrs;
    out->n_attrs = n;
    return NULL;
}

static bool is_domain(px_str domain, const char *wanted)
{
    return px_str_is(domain, wanted) || (wanted[0] == '\0' && px_str_is(domain, "ai.onnx"));
}

static bool is_constant_node(const px_onnx_node *node)
{
    return px_str_is(node->op_type, "Constant") && is_domain(node->domain, "") &&
           node->n_inputs == 0 && node->n_outputs == 1;
}

static pgy_status *constant_define(scope *sc, const px_onnx_node *node)
{
    pgy_status *st = NULL;
    int32_t slot = -1;
    if (node->n_attrs != 1)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "The Constant node '%.*s' has %zu attributes; one is wanted",
                       PX_STR_ARG(node->name), node->n_attrs));
    PX_TRY(slot_define(sc, node->outputs[0], "by a Constant node", &slot));
    sc->sources.at[slot].attr = &node->attrs[0];
done:
    return st;
}

static pgy_status *subs_plan(scope *sc, px_ref_step *step)
{
    pgy_status *st = NULL;
    size_t n = 0;
    for (size_t i = 0; i < step->node.n_attrs; i++) {
        const px_onnx_attr *a = &step->node.attrs[i];
        n += a->type == PX_ONNX_ATTR_GRAPH ? 1 : a->type == PX_ONNX_ATTR_GRAPHS ? a->n : 0;
    }
    if (n == 0)
        return NULL;
    step->subs = arena_array(sc->s, n, sizeof *step->subs);
    if (!step->subs)
        return px_status_nomem();
    for (size_t i = 0; i < step->node.n_attrs; i++) {
        const px_onnx_attr *a = &step->node.attrs[i];
        const size_t n_graphs = a->type == PX_ONNX_ATTR_GRAPH    ? 1
                                : a->type == PX_ONNX_ATTR_GRAPHS ? a->n
                                                                 : 0;
        for (size_t g = 0; g < n_graphs; g++) {
            const px_onnx_graph *graph = &a->g[g];
            const body b = {.name = graph->name,
                            .nodes = graph->nodes,
                            .n_nodes = graph->n_nodes,
                            .graph = graph};
            px_ref_sub *sub = &step->subs[step->n_subs];
            sub->graph = graph;
            PX_TRY(graph_plan(sc->s, sc, sc->attrs, &b, sc->depth + 1, &sub->plan));
            step->n_subs++;
        }
    }
done:
    return st;
}

static pgy_status *step_plan(scope *sc, px_ref_step *step)
{
    pgy_status *st = NULL;
    const px_onnx_node *node = &step->node;
    int32_t *in = arena_array(sc->s, node->n_inputs, sizeof *in);
    int32_t *out = arena_array(sc->s, node->n_outputs, sizeof *out);

    if (!in || !out)
        return px_status_nomem();
    if (++sc->s->n_steps > PX_REF_MAX_STEPS)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "The model has more than %d nodes when its functions are expanded",
                       PX_REF_MAX_STEPS));
    for (size_t i = 0; i < node->n_inputs; i++) {
        in[i] = -1;
        if (node->inputs[i].len == 0)
            continue;
        PX_TRY(slot_find(sc, node->inputs[i], &in[i]));
        if (in[i] < 0)
            PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                           "Node '%.*s' (%.*s) reads '%.*s', which no input, initializer or node "
                           "before it gives; the nodes of an ONNX graph must be in order",
                           PX_STR_ARG(node->name), PX_STR_ARG(node->op_type),
                           PX_STR_ARG(node->inputs[i])));
    }
    step->in = in;
    PX_TRY(subs_plan(sc, step));
    for (size_t i = 0; i < node->n_outputs; i++) {
        out[i] = -1;
        if (node->outputs[i].len > 0)
            PX_TRY(slot_define(sc, node->outputs[i], "by a node", &out[i]));
    }
    step->out = out;
done:
    return st;
}

/* --- what is read, and for how long --- */

static void mark_reads(const px_ref_step *step, bool *seen)
{
    for (size_t i = 0; i < step->node.n_inputs; i++)
        if (step->in[i] >= 0)
            seen[step->in[i]] = true;
    for (size_t i = 0; i < step->n_subs; i++)
        for (size_t k = 0; k < step->subs[i].plan->n_captures; k++)
            seen[step->subs[i].plan->captures[k].outer] = true;
}

static void add_death(int32_t slot, bool *seen, int32_t *dies, size_t *n)
{
    if (slot < 0 || seen[slot])
        return;
    seen[slot] = true;
    dies[(*n)++] = slot;
}

/* Slots of `step` that no later step has `seen`. */
static pgy_status *find_deaths(px_ref_session *s, px_ref_step *step, bool *seen)
{
    size_t n = step->node.n_inputs + step->node.n_outputs;
    for (size_t i = 0; i < step->n_subs; i++)
        n += step->subs[i].plan->n_captures;
    int32_t *dies = arena_array(s, n, sizeof *dies);
    if (!dies)
        return px_status_nomem();
    n = 0;
    for (size_t i = 0; i < step->node.n_outputs; i++)
        add_death(step->out[i], seen, dies, &n);
    for (size_t i = 0; i < step->node.n_inputs; i++)
        add_death(step->in[i], seen, dies, &n);
    for (size_t i = 0; i < step->n_subs; i++)
        for (size_t k = 0; k < step->subs[i].plan->n_captures; k++)
            add_death(step->subs[i].plan->captures[k].outer, seen, dies, &n);
    step->dies = dies;
    step->n_dies = n;
    return NULL;
}

/* Drops steps that nobody reads, unlinks unread outputs, and finds each slot's last reader. */
static pgy_status *plan_prune(px_ref_session *s, px_ref_plan *plan)
{
    pgy_status *st = NULL;
    bool *seen = NULL;
    size_t kept = plan->n_steps;

    PX_TRY(PX_ALLOC(seen, plan->n_slots + 1));
    for (size_t i = 0; i < plan->n_outputs; i++)
        seen[plan->outputs[i]] = true;
    for (size_t i = plan->n_steps; i-- > 0;) {
        px_ref_step *step = &plan->steps[i];
        bool is_read = false;
        for (size_t o = 0; o < step->node.n_outputs; o++) {
            const bool read = step->out[o] >= 0 && seen[step->out[o]];
            is_read |= read;
            /* Kernels fill their first output without asking. */
            if (!read && o > 0)
                step->out[o] = -1;
        }
        if (!is_read)
            continue;
        PX_TRY(find_deaths(s, step, seen));
        plan->steps[--kept] = *step;
    }
    plan->steps += kept;
    plan->n_steps -= kept;
done:
    px_mem_free(seen);
    return st;
}

/* --- the first pass --- */

static pgy_status *initializers_define(scope *sc, const px_onnx_graph *graph)
{
    pgy_status *st = NULL;
    int32_t slot = -1;
    for (size_t i = 0; i < graph->n_initializers; i++) {
        const px_onnx_tensor *t = &graph->initializers[i];
        PX_TRY(slot_define(sc, t->name, "as an initializer", &slot));
        sc->sources.at[slot].tensor = t;
    }
    for (size_t i = 0; i < graph->n_sparse_initializers; i++) {
        const px_onnx_sparse *t = &graph->sparse_initializers[i];
        PX_TRY(slot_define(sc, t->values.name, "as a sparse initializer", &slot));
        sc->sources.at[slot].sparse = t;
    }
done:
    return st;
}

static pgy_status *inputs_define(scope *sc, const body *b, px_ref_plan *plan)
{
    pgy_status *st = NULL;
    const size_t n = b->graph ? b->graph->n_inputs : b->function->n_inputs;
    plan->inputs = arena_array(sc->s, n, sizeof *plan->inputs);
    plan->input_names = arena_array(sc->s, n, sizeof *plan->input_names);
    if (!plan->inputs || !plan->input_names)
        return px_status_nomem();
    for (size_t i = 0; i < n; i++) {
        const px_str name = b->graph ? b->graph->inputs[i].name : b->function->inputs[i];
        const ptrdiff_t at = px_map_find(&sc->names, name);
        if (at >= 0 && (sc->sources.at[at].tensor || sc->sources.at[at].sparse))
            continue; /* an initializer with a default's role: it stays as it is */
        PX_TRY(slot_define(sc, name, "as an input", &plan->inputs[plan->n_inputs]));
        plan->input_names[plan->n_inputs++] = name;
    }
done:
    return st;
}

static pgy_status *outputs_find(scope *sc, const body *b, px_ref_plan *plan)
{
    pgy_status *st = NULL;
    const size_t n = b->graph ? b->graph->n_outputs : b->function->n_outputs;
    plan->outputs = arena_array(sc->s, n, sizeof *plan->outputs);
    plan->output_names = arena_array(sc->s, n, sizeof *plan->output_names);
    if (!plan->outputs || !plan->output_names)
        return px_status_nomem();
    for (size_t i = 0; i < n; i++) {
        const px_str name = b->graph ? b->graph->outputs[i].name : b->function->outputs[i];
        PX_TRY(slot_find(sc, name, &plan->outputs[i]));
        if (plan->outputs[i] < 0)
            PX_TRY(PX_FAIL(PGY_ERR_MODEL, "No node of the graph '%.*s' gives its output '%.*s'",
                           PX_STR_ARG(b->name), PX_STR_ARG(name)));
        plan->output_names[i] = name;
    }
    plan->n_outputs = n;
done:
    return st;
}

static pgy_status *plan_seal(scope *sc, px_ref_plan *plan)
{
    pgy_status *st = NULL;
    px_ref_session *s = sc->s;
    plan->n_slots = sc->names.n;
    PX_TRY(PX_ALLOC(plan->constants, PX_MAX(plan->n_slots, (size_t)1)));
    plan->sources = arena_array(s, plan->n_slots, sizeof *plan->sources);
    plan->may_narrow = arena_array(s, plan->n_slots, sizeof *plan->may_narrow);
    plan->captures = arena_array(s, sc->captures.n, sizeof *plan->captures);
    if (!plan->sources || !plan->may_narrow || !plan->captures)
        PX_TRY(px_status_nomem());
    if (plan->n_slots > 0)
        memcpy(plan->sources, sc->sources.at, plan->n_slots * sizeof *plan->sources);
    if (sc->captures.n > 0)
        memcpy(plan->captures, sc->captures.at, sc->captures.n * sizeof *plan->captures);
    plan->n_captures = sc->captures.n;
    PX_TRY(plan_prune(s, plan));
done:
    return st;
}

static pgy_status *graph_plan(px_ref_session *s, scope *outer, const attr_scope *attrs,
                              const body *b, int depth, px_ref_plan **out)
{
    pgy_status *st = NULL;
    scope sc = {.s = s, .outer = outer, .attrs = attrs, .graph_name = b->name, .depth = depth};
    px_ref_plan *plan = NULL;

    if (depth >= PX_REF_MAX_DEPTH)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "Graphs and functions are nested deeper than %d (last: '%.*s'); a function "
                       "that calls itself cannot be run",
                       PX_REF_MAX_DEPTH, PX_STR_ARG(b->name)));
    plan = arena_array(s, 1, sizeof *plan);
    if (!plan)
        PX_TRY(px_status_nomem());
    plan->name = b->name;
    plan->next = s->plans;
    s->plans = plan;
    plan->steps = arena_array(s, b->n_nodes, sizeof *plan->steps);
    if (!plan->steps)
        PX_TRY(px_status_nomem());
    if (b->graph)
        PX_TRY(initializers_define(&sc, b->graph));
    PX_TRY(inputs_define(&sc, b, plan));
    for (size_t i = 0; i < b->n_nodes; i++) {
        px_ref_step *step = &plan->steps[plan->n_steps];
        PX_TRY(node_resolve(&sc, &b->nodes[i], &step->node));
        if (is_constant_node(&step->node)) {
            px_onnx_node *node = arena_array(s, 1, sizeof *node);
            if (!node)
                PX_TRY(px_status_nomem());
            *node = step->node;
            PX_TRY(constant_define(&sc, node));
            continue;
        }
        PX_TRY(step_plan(&sc, step));
        plan->n_steps++;
    }
    PX_TRY(outputs_find(&sc, b, plan));
    PX_TRY(plan_seal(&sc, plan));
    *out = plan;
done:
    px_map_fini(&sc.names);
    px_mem_free(sc.sources.at);
    px_mem_free(sc.captures.at);
    return st;
}

/* --- the second pass --- */

/* Where versions come from: the model, or the function that is being expanded. */
typedef struct imports {
    const px_onnx_opset *at;
    size_t n;
} imports;

static pgy_status *plan_finish(px_ref_session *s, px_ref_plan *plan, imports im, int depth);

static const px_onnx_function *function_find(const px_onnx_model *model, const px_onnx_node *node)
{
    const px_str domain = is_domain(node->domain, "") ? PX_STR("") : node->domain;
    for (size_t i = 0; i < model->n_functions; i++) {
        const px_onnx_function *fn = &model->functions[i];
        const px_str own = is_domain(fn->domain, "") ? PX_STR("") : fn->domain;
        if (px_str_eq(fn->name, node->op_type) && px_str_eq(own, domain) &&
            px_str_eq(fn->overload, node->overload))
            return fn;
    }
    return NULL;
}

static pgy_status *function_plan(px_ref_session *s, px_ref_plan *plan, px_ref_step *step,
                                 const px_onnx_function *fn, int depth)
{
    pgy_status *st = NULL;
    const px_onnx_node *node = &step->node;
    attr_scope *attrs = arena_array(s, 1, sizeof *attrs);
    const body b = {.name = fn->name, .nodes = fn->nodes, .n_nodes = fn->n_nodes, .function = fn};
    if (!attrs)
        return px_status_nomem();
    *attrs = (attr_scope){.caller = node, .function = fn};

    if (node->n_inputs > fn->n_inputs || node->n_outputs > fn->n_outputs)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "Node '%.*s' calls the function %.*s with %zu inputs and %zu outputs; the "
                       "function has %zu and %zu",
                       PX_STR_ARG(node->name), PX_STR_ARG(fn->name), node->n_inputs,
                       node->n_outputs, fn->n_inputs, fn->n_outputs));
    PX_TRY(graph_plan(s, NULL, attrs, &b, depth + 1, &step->function));
    /* Constant arguments stay constant inside, so that weights are packed once. */
    for (size_t i = 0; i < node->n_inputs; i++)
        if (step->in[i] >= 0)
            step->function->constants[step->function->inputs[i]] =
                px_ref_value_copy(plan->constants[step->in[i]]);
    PX_TRY(plan_finish(s, step->function, (imports){fn->opsets, fn->n_opsets}, depth + 1));
done:
    return st;
}

static pgy_status *check_arity(const px_ref_step *step)
{
    const px_onnx_node *node = &step->node;
    const px_ref_op *op = step->op;
    size_t n_in = node->n_inputs, n_out = node->n_outputs;
    while (n_in > 0 && node->inputs[n_in - 1].len == 0)
        n_in--;
    while (n_out > 0 && node->outputs[n_out - 1].len == 0)
        n_out--;
    if (n_in < (size_t)op->min_in || (op->max_in >= 0 && n_in > (size_t)op->max_in))
        return PX_FAIL(PGY_ERR_MODEL, "Node '%.*s' (%s) has %zu inputs; %d to %d are wanted",
                       PX_STR_ARG(node->name), op->name, n_in, op->min_in, op->max_in);
    if (op->max_out >= 0 && n_out > (size_t)op->max_out)
        return PX_FAIL(PGY_ERR_MODEL, "Node '%.*s' (%s) has %zu outputs; %d to %d are wanted",
                       PX_STR_ARG(node->name), op->name, n_out, op->min_out, op->max_out);
    return NULL;
}

/* Gives the step its kernel; none when it calls a function of the model. */
static pgy_status *step_resolve(px_ref_session *s, px_ref_step *step, imports im)
{
    pgy_status *st = NULL;
    const px_onnx_node *node = &step->node;

    step->opset = PX_MAX(px_onnx_opset_of(im.at, im.n, node->domain), (int64_t)1);
    if (function_find(s->model, node))
        return NULL;
    step->op = px_ref_user_ops_find(s->options.user_ops, node->domain, node->op_type, step->opset);
    step->is_user = step->op != NULL;
    if (!step->op)
        step->op = px_ref_op_find(node->domain, node->op_type, step->opset);
    if (!step->op)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The reference interpreter has no operator '%.*s' (domain '%.*s', version "
                       "%lld), which node '%.*s' needs. Give a library with a kernel of it with "
                       "--ref-ops (polygraphy/ref_ops.h says how it is written), stop before that "
                       "node with --onnx-outputs, or compare without --pluginref",
                       PX_STR_ARG(node->op_type), PX_STR_ARG(node->domain), (long long)step->opset,
                       PX_STR_ARG(node->name)));
    PX_TRY(check_arity(step));
done:
    return st;
}

/* Plans of what lies below the step get the constants that they see. */
static pgy_status *step_finish(px_ref_session *s, px_ref_plan *plan, px_ref_step *step, imports im,
                               int depth)
{
    pgy_status *st = NULL;

    for (size_t i = 0; i < step->n_subs; i++) {
        px_ref_plan *sub = step->subs[i].plan;
        size_t n = 0;
        for (size_t k = 0; k < sub->n_captures; k++) {
            const px_ref_capture cap = sub->captures[k];
            if (plan->constants[cap.outer].kind != PX_REF_NONE)
                sub->constants[cap.inner] = px_ref_value_copy(plan->constants[cap.outer]);
            else
                sub->captures[n++] = cap;
        }
        sub->n_captures = n;
        PX_TRY(plan_finish(s, sub, im, depth + 1));
    }
    if (!step->op)
        PX_TRY(function_plan(s, plan, step, function_find(s->model, &step->node), depth));
done:
    return st;
}

/* What reads a slot, as far as storing a constant there is concerned. */
static pgy_status *find_narrow(px_ref_plan *plan)
{
    pgy_status *st = NULL;
    bool *reads_f64 = NULL;

    PX_TRY(PX_ALLOC(reads_f64, plan->n_slots + 1));
    for (size_t i = 0; i < plan->n_outputs; i++)
        reads_f64[plan->outputs[i]] = true;
    for (size_t i = 0; i < plan->n_steps; i++) {
        const px_ref_step *step = &plan->steps[i];
        for (size_t k = 0; k < step->node.n_inputs; k++)
            if (step->in[k] >= 0 &&
                (!step->op || step->is_user || !px_ref_op_takes_f32(step->op, k)))
                reads_f64[step->in[k]] = true;
        for (size_t k = 0; k < step->n_subs; k++)
            for (size_t n = 0; n < step->subs[k].plan->n_captures; n++)
                reads_f64[step->subs[k].plan->captures[n].outer] = true;
    }
    for (size_t i = 0; i < plan->n_slots; i++)
        plan->may_narrow[i] = !reads_f64[i];
done:
    px_mem_free(reads_f64);
    return st;
}

static pgy_status *plan_finish(px_ref_session *s, px_ref_plan *plan, imports im, int depth)
{
    pgy_status *st = NULL;
    bool *is_read = NULL;

    for (size_t i = 0; i < plan->n_steps; i++)
        PX_TRY(step_resolve(s, &plan->steps[i], im));
    PX_TRY(find_narrow(plan));
    PX_TRY(PX_ALLOC(is_read, plan->n_slots + 1));
    for (size_t i = 0; i < plan->n_steps; i++)
        mark_reads(&plan->steps[i], is_read);
    for (size_t i = 0; i < plan->n_outputs; i++)
        is_read[plan->outputs[i]] = true;
    for (size_t i = 0; i < plan->n_slots; i++) {
        const px_ref_source *source = &plan->sources[i];
        if (is_read[i] && (source->tensor || source->sparse || source->attr))
            PX_TRY(px_ref_source_load(s, source, plan->may_narrow[i], &plan->constants[i]));
    }
    for (size_t i = 0; i < plan->n_steps; i++)
        PX_TRY(step_finish(s, plan, &plan->steps[i], im, depth));
done:
    px_mem_free(is_read);
    return st;
}

pgy_status *px_ref_plan_build(px_ref_session *s)
{
    pgy_status *st = NULL;
    const px_onnx_graph *graph = &s->model->graph;
    const body b = {
        .name = graph->name, .nodes = graph->nodes, .n_nodes = graph->n_nodes, .graph = graph};

    PX_TRY(graph_plan(s, NULL, NULL, &b, 0, &s->plan));
    PX_TRY(plan_finish(s, s->plan, (imports){s->model->opsets, s->model->n_opsets}, 0));
    PX_TRY(px_ref_plan_fold(s, s->plan));
done:
    return st;
}
