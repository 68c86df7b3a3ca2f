/* model/infer/graph.c - goes through a graph in its order, from inputs to outputs.
 *
 * A name that is used before it is made is simply not known; so cycles need no care. The depth of
 * graphs in graphs and the number of node visits are limited, and beyond the limits nothing is
 * said.
 */
#include "model/infer/scope.h"

#include "model/op_types.h"

#define MAX_DEPTH 24
#define SPARE_INPUTS 12 /* no function asks for more by number; they read as left out */
#define MAX_VISITS UINT64_C(500000)

static const px_infer_value nothing = {.rank = -1};

/* --- scopes --- */

void px_infer_scope_fini(px_infer_scope *scope)
{
    px_map_fini(&scope->names);
}

static const px_infer_value *lookup(const px_infer_scope *scope, px_str name)
{
    for (; name.len > 0 && scope; scope = scope->outer) {
        const px_infer_value *v = px_map_get(&scope->names, name);
        if (v)
            return v;
    }
    return &nothing;
}

static void define(px_infer *in, px_infer_scope *scope, px_str name, const px_infer_value *v)
{
    if (name.len == 0)
        return;
    px_infer_value *copy = px_infer_alloc(in, 1, sizeof *copy);
    if (!copy)
        return;
    *copy = *v;
    pgy_status *st = px_map_set(&scope->names, name, copy);
    in->failed |= st != NULL;
    pgy_status_free(st);
}

/* --- what the model states --- */

/* Puts what is stated on top of what was found. Dims that differ for certain stay as found: what
 * follows from the operators holds whatever a file says. */
static void merge_stated(px_infer *in, const px_infer_value *stated, px_infer_value *found)
{
    if (stated->kind == PX_ONNX_TYPE_NONE)
        return;
    if (found->kind == PX_ONNX_TYPE_NONE) {
        *found = *stated;
        return;
    }
    if (found->kind != stated->kind)
        return;
    if (found->kind != PX_ONNX_TYPE_TENSOR) {
        if (!found->element)
            found->element = stated->element;
        return;
    }
    if (found->dtype == PGY_DTYPE_UNKNOWN)
        found->dtype = stated->dtype;
    if (found->rank < 0) {
        found->rank = stated->rank;
        found->dims = stated->dims;
    } else if (found->rank == stated->rank) {
        px_dim *dims = px_infer_alloc(in, (size_t)found->rank, sizeof *dims);
        if (!dims)
            return;
        for (int d = 0; d < found->rank; d++) {
            const px_dim f = found->dims[d], s = stated->dims[d];
            dims[d] = px_dim_is_const(f) || px_dim_name(&in->dims, f).len > 0
                          ? px_infer_unify(in, f, s)
                          : px_infer_unify(in, s, f);
        }
        found->dims = dims;
    }
}

/* The shape that the run gives to an input of the main graph, or NULL. */
static const pgy_io *given_shape(const px_infer *in, const px_onnx_graph *g, px_str name)
{
    for (size_t i = 0; in->how && g == &in->model->graph && i < in->how->n_inputs; i++)
        if (px_str_is(name, in->how->inputs[i].name))
            return &in->how->inputs[i];
    return NULL;
}

/* A graph input's value: what the caller passes, what is stated, or what the options give. */
static void define_input(px_infer *in, px_infer_scope *scope, const px_onnx_graph *g,
                         const px_onnx_value_info *v, const px_infer_value *passed)
{
    px_infer_value value = passed ? *passed : nothing, stated;
    const pgy_io *io = given_shape(in, g, v->name);
    px_infer_from_type(in, &v->type, &stated);
    merge_stated(in, &stated, &value);
    if (io && value.kind == PX_ONNX_TYPE_TENSOR && io->rank >= 0 && io->rank <= PX_MAX_RANK) {
        px_dim *dims = px_infer_alloc(in, (size_t)io->rank, sizeof *dims);
        for (int d = 0; dims && d < io->rank; d++)
            dims[d] = io->dims[d] >= 0         ? px_dim_const(io->dims[d])
                      : value.rank == io->rank ? value.dims[d]
                                               : px_dim_new(&in->dims, true);
        if (dims) {
            value.rank = io->rank;
            value.dims = dims;
        }
    }
    define(in, scope, v->name, &value);
}

/* --- nodes --- */

/* Element types as the operator table has them. */
static void table_types(px_infer_call *c)
{
    const px_onnx_node *n = c->node;
    if (n->domain.len > 0 && !px_str_is(n->domain, "ai.onnx"))
        return;
    const px_op_types *row = px_op_types_find(n->op_type, c->opset);
    const char *letter = row ? row->outputs : "";
    static const char letters[] = "FDLIBUS";
    static const pgy_dtype types[] = {PGY_DTYPE_F32,  PGY_DTYPE_F64, PGY_DTYPE_I64,   PGY_DTYPE_I32,
                                      PGY_DTYPE_BOOL, PGY_DTYPE_U8,  PGY_DTYPE_STRING};
    for (size_t o = 0; o < c->n_out && *letter; o++) {
        const char *found = strchr(letters, *letter);
        const size_t i = (size_t)(*letter - '0');
        if (found)
            px_infer_dtype(c, o, types[found - letters]);
        else if (*letter >= '0' && *letter <= '9' && i < c->n_in &&
                 c->in[i]->kind == PX_ONNX_TYPE_TENSOR)
            px_infer_dtype(c, o, c->in[i]->dtype);
        if (letter[1])
            letter++;
    }
}

static const px_onnx_function *function_of(const px_infer *in, const px_onnx_node *n)
{
    const px_onnx_function *f = NULL;
    px_buf key = {0};
    if (in->functions.n == 0)
        return NULL;
    px_buf_putstr(&key, n->domain);
    px_buf_putc(&key, '\n');
    px_buf_putstr(&key, n->op_type);
    px_buf_putc(&key, '\n');
    px_buf_putstr(&key, n->overload);
    if (!key.failed)
        f = px_map_get(&in->functions, px_buf_str(&key));
    px_buf_fini(&key);
    return f;
}

static void run_nodes(px_infer *in, px_infer_scope *scope, const px_onnx_node *nodes, size_t n,
                      const px_map *stated, px_infer_value *outputs);

static void call_function(px_infer_call *c, const px_onnx_function *f)
{
    px_infer *in = c->infer;
    px_map stated = {0};
    px_infer_scope scope = {
        .opsets = f->opsets, .n_opsets = f->n_opsets, .function = f, .caller = c};
    for (const px_infer_call *outer = c; outer; outer = outer->scope->caller)
        if (outer->scope->function == f)
            return; /* it calls itself, and never ends */
    if (in->depth >= MAX_DEPTH)
        return;
    in->depth++;
    for (size_t i = 0; i < f->n_inputs; i++)
        if (i < c->n_in)
            define(in, &scope, f->inputs[i], c->in[i]);
    run_nodes(in, &scope, f->nodes, f->n_nodes, &stated, NULL);
    for (size_t o = 0; o < c->n_out && o < f->n_outputs; o++)
        c->out[o] = *lookup(&scope, f->outputs[o]);
    in->depth--;
    px_infer_scope_fini(&scope);
}

static void run_node(px_infer *in, px_infer_scope *scope, const px_onnx_node *node,
                     const px_map *stated, px_infer_value *outputs)
{
    px_infer_call c = {.infer = in, .scope = scope, .node = node};
    const px_infer_value **given =
        px_mem_calloc(node->n_inputs + SPARE_INPUTS, sizeof(px_infer_value *));
    px_infer_value *made = px_mem_calloc(node->n_outputs + 1, sizeof *made);
    if (!given || !made) {
        in->failed = true;
        goto done;
    }
    for (size_t i = 0; i < node->n_inputs + SPARE_INPUTS; i++)
        given[i] = i < node->n_inputs ? lookup(scope, node->inputs[i]) : &nothing;
    for (size_t o = 0; o < node->n_outputs; o++)
        made[o] = nothing;
    c.in = given;
    c.n_in = node->n_inputs;
    c.out = made;
    c.n_out = node->n_outputs;
    c.opset = px_onnx_opset_of(scope->opsets, scope->n_opsets, node->domain);
    const px_onnx_function *f = function_of(in, node);
    if (f) {
        call_function(&c, f);
    } else {
        /* Models without an import of an operator's domain are read as its first version. */
        c.opset = PX_MAX(c.opset, 1);
        const px_infer_op *op = px_infer_op_find(node->domain, node->op_type, c.opset);
        table_types(&c);
        if (op)
            op->fn(&c);
    }
    for (size_t o = 0; o < node->n_outputs; o++) {
        const px_onnx_value_info *v = px_map_get(stated, node->outputs[o]);
        px_infer_value value;
        if (v) {
            px_infer_from_type(in, &v->type, &value);
            merge_stated(in, &value, &made[o]);
        }
        define(in, scope, node->outputs[o], &made[o]);
        if (outputs)
            outputs[o] = made[o];
    }
done:
    px_mem_free(given);
    px_mem_free(made);
}

static void run_nodes(px_infer *in, px_infer_scope *scope, const px_onnx_node *nodes, size_t n,
                      const px_map *stated, px_infer_value *outputs)
{
    for (size_t i = 0; i < n && !in->failed && !in->dims.failed; i++) {
        if (in->n_visits++ >= MAX_VISITS)
            return;
        run_node(in, scope, &nodes[i], stated, outputs);
        if (outputs)
            outputs += nodes[i].n_outputs;
    }
}

/* --- graphs --- */

/* Remembers room for the outputs of the nodes of `g`; a graph inside a function has none, for each
 * call gives it another meaning. */
static px_infer_value *found_of(px_infer *in, const px_infer_scope *scope, const px_onnx_graph *g)
{
    const px_str key = {(const char *)&g, sizeof g};
    px_infer_found *found = px_map_get(&in->found, key);
    size_t n = 0;
    if (scope->function)
        return NULL;
    for (size_t i = 0; i < g->n_nodes; i++)
        n += g->nodes[i].n_outputs;
    if (!found) {
        found = px_infer_alloc(in, 1, sizeof *found);
        if (!found)
            return NULL;
        found->graph = g;
        found->outputs = px_infer_alloc(in, n, sizeof *found->outputs);
        pgy_status *st = found->outputs ? px_map_set(&in->found, key, found) : NULL;
        in->failed |= st != NULL;
        pgy_status_free(st);
    }
    for (size_t i = 0; found->outputs && i < n; i++)
        found->outputs[i] = nothing;
    return found->outputs;
}

static pgy_status *run_graph(px_infer *in, px_infer_scope *scope, const px_onnx_graph *g,
                             size_t n_passed, const px_infer_value *passed)
{
    pgy_status *st = NULL;
    px_map stated = {0};
    for (size_t i = 0; i < g->n_value_infos; i++)
        PX_TRY(px_map_set(&stated, g->value_infos[i].name, (void *)&g->value_infos[i]));
    for (size_t i = 0; i < g->n_outputs; i++)
        PX_TRY(px_map_set(&stated, g->outputs[i].name, (void *)&g->outputs[i]));
    for (size_t i = 0; i < g->n_inputs; i++)
        define_input(in, scope, g, &g->inputs[i], i < n_passed ? &passed[i] : NULL);
    for (size_t i = 0; i < g->n_initializers; i++) {
        px_infer_value v;
        px_infer_from_tensor(in, &g->initializers[i], &v);
        define(in, scope, g->initializers[i].name, &v);
    }
    for (size_t i = 0; i < g->n_sparse_initializers; i++) {
        const px_onnx_sparse *s = &g->sparse_initializers[i];
        const px_onnx_tensor shape = {
            .dtype = s->values.dtype, .rank = s->rank, .dims = s->dims, .is_external = true};
        px_infer_value v;
        px_infer_from_tensor(in, &shape, &v);
        v.data = NULL;
        v.real = NULL;
        define(in, scope, s->values.name, &v);
    }
    run_nodes(in, scope, g->nodes, g->n_nodes, &stated, found_of(in, scope, g));
done:
    px_map_fini(&stated);
    return st;
}

bool px_infer_subgraph(px_infer_call *c, const px_onnx_graph *g, size_t n_in,
                       const px_infer_value *in, size_t n_out, px_infer_value *out)
{
    px_infer *infer = c->infer;
    px_infer_scope scope = {.outer = c->scope,
                            .opsets = c->scope->opsets,
                            .n_opsets = c->scope->n_opsets,
                            .function = c->scope->function,
                            .caller = c->scope->caller};
    if (infer->depth >= MAX_DEPTH || g->n_outputs < n_out || infer->n_visits >= MAX_VISITS)
        return false;
    infer->depth++;
    pgy_status *st = run_graph(infer, &scope, g, n_in, in);
    infer->failed |= st != NULL;
    pgy_status_free(st);
    for (size_t o = 0; o < n_out; o++) {
        px_infer_value stated;
        out[o] = *lookup(&scope, g->outputs[o].name);
        px_infer_from_type(infer, &g->outputs[o].type, &stated);
        merge_stated(infer, &stated, &out[o]);
    }
    infer->depth--;
    px_infer_scope_fini(&scope);
    return infer->n_visits < MAX_VISITS;
}

/* --- the whole --- */

static pgy_status *add_functions(px_infer *in, const px_onnx_model *m)
{
    pgy_status *st = NULL;
    px_buf key = {0};
    for (size_t i = 0; i < m->n_functions; i++) {
        const px_onnx_function *f = &m->functions[i];
        key.len = 0;
        px_buf_putstr(&key, f->domain);
        px_buf_putc(&key, '\n');
        px_buf_putstr(&key, f->name);
        px_buf_putc(&key, '\n');
        px_buf_putstr(&key, f->overload);
        PX_TRY(px_buf_status(&key));
        PX_TRY(px_map_set(&in->functions, px_buf_str(&key), (void *)f));
    }
done:
    px_buf_fini(&key);
    return st;
}

pgy_status *px_infer_init(px_infer *in, pgy_context *cx, const px_onnx_model *model,
                          const px_onnx_infer_options *how)
{
    *in = (px_infer){.cx = cx, .model = model, .how = how};
    return add_functions(in, model);
}

pgy_status *px_infer_main(px_infer *in, px_infer_scope *scope)
{
    scope->opsets = in->model->opsets;
    scope->n_opsets = in->model->n_opsets;
    pgy_status *st = run_graph(in, scope, &in->model->graph, 0, NULL);
    if (!st && (in->failed || in->dims.failed))
        st = px_status_nomem();
    return st;
}

void px_infer_fini(px_infer *in)
{
    px_dim_table_fini(&in->dims);
    px_map_fini(&in->functions);
    px_map_fini(&in->found);
    px_arena_fini(&in->arena);
}
