/* model/onnx_part.c - see the header. */
#include "model/onnx_part.h"

#define MAX_NESTING 32 /* subgraphs in subgraphs; the reader refuses deeper ones */

/* --- what a node reads --- */

static pgy_status *collect_reads(const px_onnx_node *node, const px_map *const *scopes, int depth,
                                 px_map *out);

static bool is_defined(const px_map *const *scopes, int depth, px_str name)
{
    for (int i = 0; i < depth; i++)
        if (px_map_has(scopes[i], name))
            return true;
    return false;
}

/* Names of the enclosing graph that a subgraph reads. */
static pgy_status *collect_captures(const px_onnx_graph *g, const px_map *const *outer, int depth,
                                    px_map *out)
{
    pgy_status *st = NULL;
    px_map own = {0};
    const px_map *scopes[MAX_NESTING];
    if (depth >= MAX_NESTING)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "Subgraphs are nested deeper than %d", MAX_NESTING));
    for (int i = 0; i < depth; i++)
        scopes[i] = outer[i];
    scopes[depth] = &own;
    for (size_t i = 0; i < g->n_inputs; i++)
        PX_TRY(px_map_set(&own, g->inputs[i].name, NULL));
    for (size_t i = 0; i < g->n_initializers; i++)
        PX_TRY(px_map_set(&own, g->initializers[i].name, NULL));
    for (size_t i = 0; i < g->n_sparse_initializers; i++)
        PX_TRY(px_map_set(&own, g->sparse_initializers[i].values.name, NULL));
    for (size_t i = 0; i < g->n_nodes; i++)
        for (size_t k = 0; k < g->nodes[i].n_outputs; k++)
            PX_TRY(px_map_set(&own, g->nodes[i].outputs[k], NULL));
    for (size_t i = 0; i < g->n_nodes; i++)
        PX_TRY(collect_reads(&g->nodes[i], scopes, depth + 1, out));
    for (size_t i = 0; i < g->n_outputs; i++)
        if (!is_defined(scopes, depth + 1, g->outputs[i].name))
            PX_TRY(px_map_set(out, g->outputs[i].name, NULL));
done:
    px_map_fini(&own);
    return st;
}

static pgy_status *collect_reads(const px_onnx_node *node, const px_map *const *scopes, int depth,
                                 px_map *out)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i].len > 0 && !is_defined(scopes, depth, node->inputs[i]))
            PX_TRY(px_map_set(out, node->inputs[i], NULL));
    for (size_t i = 0; i < node->n_attrs; i++)
        for (size_t k = 0; node->attrs[i].g && k < node->attrs[i].n; k++)
            PX_TRY(collect_captures(&node->attrs[i].g[k], scopes, depth, out));
done:
    return st;
}

/* --- the index --- */

static pgy_status *index_values(px_map *map, px_onnx_value_info *at, size_t n)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < n; i++)
        if (!px_map_has(map, at[i].name))
            PX_TRY(px_map_set(map, at[i].name, &at[i]));
done:
    return st;
}

static pgy_status *fail_twice(const px_onnx_node *a, const px_onnx_node *b, px_str name)
{
    return PX_FAIL(
        PGY_ERR_MODEL,
        "The tensor '%.*s' is given by two nodes, '%.*s' (%.*s) and '%.*s' (%.*s); every "
        "tensor must have a name of its own",
        PX_STR_ARG(name), PX_STR_ARG(a->name), PX_STR_ARG(a->op_type), PX_STR_ARG(b->name),
        PX_STR_ARG(b->op_type));
}

static pgy_status *index_names(px_onnx_index *x)
{
    pgy_status *st = NULL;
    px_onnx_graph *g = (px_onnx_graph *)&x->model->graph; /* the maps hold plain pointers */
    for (size_t i = 0; i < g->n_initializers; i++)
        PX_TRY(px_map_set(&x->initializers, g->initializers[i].name, &g->initializers[i]));
    for (size_t i = 0; i < g->n_sparse_initializers; i++)
        PX_TRY(px_map_set(&x->initializers, g->sparse_initializers[i].values.name, x));
    PX_TRY(index_values(&x->inputs, g->inputs, g->n_inputs));
    PX_TRY(index_values(&x->outputs, g->outputs, g->n_outputs));
    PX_TRY(index_values(&x->value_infos, g->value_infos, g->n_value_infos));
    for (size_t i = 0; i < g->n_nodes; i++)
        for (size_t k = 0; k < g->nodes[i].n_outputs; k++) {
            const px_str name = g->nodes[i].outputs[k];
            const px_onnx_node *other = px_onnx_producer(x, name);
            if (name.len == 0)
                continue;
            if (other)
                PX_TRY(fail_twice(other, &g->nodes[i], name));
            PX_TRY(px_map_set(&x->producers, name, (void *)(i + 1)));
        }
done:
    return st;
}

static size_t producer_at(const px_onnx_index *x, px_str name)
{
    return (size_t)px_map_get(&x->producers, name);
}

static pgy_status *index_reads(px_onnx_index *x)
{
    pgy_status *st = NULL;
    const px_onnx_graph *g = &x->model->graph;
    PX_TRY(PX_ALLOC(x->reads, g->n_nodes));
    for (size_t i = 0; i < g->n_nodes; i++) {
        PX_TRY(collect_reads(&g->nodes[i], NULL, 0, &x->reads[i]));
        for (size_t k = 0; k < x->reads[i].n; k++) {
            const px_str name = x->reads[i].at[k].key;
            if (!px_map_has(&x->producers, name) && !px_map_has(&x->initializers, name) &&
                !px_map_has(&x->inputs, name))
                PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                               "Node '%.*s' (%.*s) reads the tensor '%.*s', which is no input or "
                               "weight of the model and no output of another node",
                               PX_STR_ARG(g->nodes[i].name), PX_STR_ARG(g->nodes[i].op_type),
                               PX_STR_ARG(name)));
        }
    }
done:
    return st;
}

typedef struct visit {
    size_t node, next; /* next of its reads */
} visit;

/* Depth first from each node as written, so that a sorted file keeps its order. */
static pgy_status *sort_nodes(px_onnx_index *x)
{
    enum { UNSEEN, OPEN, DONE };
    pgy_status *st = NULL;
    const px_onnx_graph *g = &x->model->graph;
    uint8_t *state = NULL;
    visit *stack = NULL;
    size_t n_out = 0;
    PX_TRY(PX_ALLOC(x->order, g->n_nodes));
    PX_TRY(PX_ALLOC(state, g->n_nodes));
    PX_TRY(PX_ALLOC(stack, g->n_nodes));
    for (size_t i = 0; i < g->n_nodes; i++) {
        size_t n = 0;
        if (state[i] == UNSEEN) {
            stack[n++] = (visit){.node = i};
            state[i] = OPEN;
        }
        while (n > 0) {
            visit *top = &stack[n - 1];
            const px_map *reads = &x->reads[top->node];
            if (top->next == reads->n) {
                state[top->node] = DONE;
                x->order[n_out++] = top->node;
                n--;
                continue;
            }
            const px_str name = reads->at[top->next++].key;
            const size_t from = producer_at(x, name);
            if (from == 0 || state[from - 1] == DONE)
                continue;
            if (state[from - 1] == OPEN)
                PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                               "The graph has a cycle: node '%.*s' (%.*s) reads '%.*s', which is "
                               "computed from its own outputs",
                               PX_STR_ARG(g->nodes[top->node].name),
                               PX_STR_ARG(g->nodes[top->node].op_type), PX_STR_ARG(name)));
            state[from - 1] = OPEN;
            stack[n++] = (visit){.node = from - 1};
        }
    }
done:
    px_mem_free(state);
    px_mem_free(stack);
    return st;
}

pgy_status *px_onnx_index_init(const px_onnx_model *model, px_onnx_index *out)
{
    pgy_status *st = NULL;
    *out = (px_onnx_index){.model = model};
    PX_TRY(index_names(out));
    PX_TRY(index_reads(out));
    PX_TRY(sort_nodes(out));
done:
    if (st)
        px_onnx_index_fini(out);
    return st;
}

void px_onnx_index_fini(px_onnx_index *x)
{
    for (size_t i = 0; x->reads && i < x->model->graph.n_nodes; i++)
        px_map_fini(&x->reads[i]);
    px_mem_free(x->reads);
    px_mem_free(x->order);
    px_map_fini(&x->producers);
    px_map_fini(&x->initializers);
    px_map_fini(&x->inputs);
    px_map_fini(&x->outputs);
    px_map_fini(&x->value_infos);
    *x = (px_onnx_index){0};
}

const px_onnx_node *px_onnx_producer(const px_onnx_index *x, px_str name)
{
    const size_t at = producer_at(x, name);
    return at ? &x->model->graph.nodes[at - 1] : NULL;
}

static bool is_constant_node(const px_onnx_node *node)
{
    return px_str_is(node->op_type, "Constant") &&
           (node->domain.len == 0 || px_str_is(node->domain, "ai.onnx"));
}

bool px_onnx_is_constant(const px_onnx_index *x, px_str name)
{
    const px_onnx_node *node = px_onnx_producer(x, name);
    return px_map_has(&x->initializers, name) || (node && is_constant_node(node));
}

uint64_t px_onnx_constant_size(const px_onnx_index *x, px_str name)
{
    const px_onnx_tensor *t = px_map_get(&x->initializers, name);
    size_t size = 0;
    if (!t || (const void *)t == (const void *)x ||
        !px_shape_size(t->dtype, t->rank, t->dims, &size))
        return 0;
    return size;
}

/* --- parts --- */

void px_onnx_part_fini(px_onnx_part *part)
{
    px_mem_free(part->has);
    px_map_fini(&part->inputs);
    px_map_fini(&part->outputs);
    *part = (px_onnx_part){0};
}

/* Constants that the part's nodes read come along; the rest of what they read is fed. */
static pgy_status *find_inputs(const px_onnx_index *x, px_onnx_part *part)
{
    pgy_status *st = NULL;
    const size_t n = x->model->graph.n_nodes;
    for (size_t i = 0; i < n; i++) {
        const size_t at = x->order[i];
        for (size_t k = 0; part->has[at] && k < x->reads[at].n; k++) {
            const px_str name = x->reads[at].at[k].key;
            const size_t from = producer_at(x, name);
            if (px_map_has(&x->initializers, name) || (from > 0 && part->has[from - 1]))
                continue;
            if (from > 0 && is_constant_node(&x->model->graph.nodes[from - 1]))
                part->has[from - 1] = true;
            else
                PX_TRY(px_map_set(&part->inputs, name, NULL));
        }
    }
done:
    return st;
}

static pgy_status *find_outputs(const px_onnx_index *x, const bool *has, const px_map *wanted,
                                px_onnx_part *part)
{
    pgy_status *st = NULL;
    px_map read = {0};
    const px_onnx_graph *g = &x->model->graph;
    for (size_t i = 0; i < g->n_nodes && !wanted; i++)
        for (size_t k = 0; !has[i] && k < x->reads[i].n; k++)
            PX_TRY(px_map_set(&read, x->reads[i].at[k].key, NULL));
    for (size_t i = 0; i < g->n_nodes; i++) {
        const px_onnx_node *node = &g->nodes[x->order[i]];
        for (size_t k = 0; has[x->order[i]] && k < node->n_outputs; k++) {
            const px_str name = node->outputs[k];
            const bool is_given = px_map_has(&x->outputs, name);
            const bool is_read = px_map_has(&read, name) && !is_constant_node(node);
            if (name.len > 0 && (wanted ? px_map_has(wanted, name) : is_given || is_read))
                PX_TRY(px_map_set(&part->outputs, name, NULL));
        }
    }
done:
    px_map_fini(&read);
    return st;
}

pgy_status *px_onnx_part_init(const px_onnx_index *x, const bool *has, const px_map *wanted,
                              px_onnx_part *out)
{
    pgy_status *st = NULL;
    px_onnx_part part = {0};
    const size_t n = x->model->graph.n_nodes;
    PX_TRY(PX_ALLOC(part.has, n));
    memcpy(part.has, has, n * sizeof *has);
    PX_TRY(find_outputs(x, has, wanted, &part));
    PX_TRY(find_inputs(x, &part));
    *out = part;
    part = (px_onnx_part){0};
done:
    px_onnx_part_fini(&part);
    return st;
}

pgy_status *px_onnx_part_upto(const px_onnx_index *x, const px_map *known, px_str output, bool *has)
{
    pgy_status *st = NULL;
    const size_t last = producer_at(x, output);
    size_t *stack = NULL, n = 0;
    PX_TRY(PX_ALLOC(stack, x->model->graph.n_nodes));
    if (last > 0 && !has[last - 1]) {
        has[last - 1] = true;
        stack[n++] = last - 1;
    }
    while (n > 0) {
        const px_map *reads = &x->reads[stack[--n]];
        for (size_t i = 0; i < reads->n; i++) {
            const px_str name = reads->at[i].key;
            const size_t from = producer_at(x, name);
            if (from == 0 || has[from - 1] || px_map_has(known, name) ||
                px_onnx_is_constant(x, name))
                continue;
            has[from - 1] = true;
            stack[n++] = from - 1;
        }
    }
done:
    px_mem_free(stack);
    return st;
}

/* --- the model of a part --- */

static pgy_status *declare_input(px_onnx_model *m, const px_onnx_part_input *type, px_str name,
                                 px_onnx_value_info *out)
{
    px_onnx_dim *dims = px_arena_calloc(&m->arena, (size_t)PX_MAX(type->rank, 0), sizeof *dims);
    if (!dims)
        return px_status_nomem();
    for (int i = 0; i < type->rank; i++)
        dims[i].value = type->dims[i];
    *out = (px_onnx_value_info){
        .name = name,
        .type = {
            .kind = PX_ONNX_TYPE_TENSOR, .dtype = type->dtype, .rank = type->rank, .dims = dims}};
    return NULL;
}

/* Fed tensors first, then initializers that the whole model lists among its inputs. */
static pgy_status *put_inputs(const px_onnx_index *x, const px_onnx_part *part,
                              const px_onnx_part_input *types, px_onnx_model *m)
{
    px_onnx_graph *g = &m->graph;
    g->inputs = px_arena_calloc(&m->arena, part->inputs.n + g->n_initializers, sizeof *g->inputs);
    if (!g->inputs)
        return px_status_nomem();
    for (size_t i = 0; i < part->inputs.n; i++) {
        const px_str key = part->inputs.at[i].key;
        const px_onnx_value_info *known = px_map_get(&x->inputs, key);
        px_onnx_value_info *v = &g->inputs[g->n_inputs++];
        char *name = px_arena_strndup(&m->arena, key.ptr, key.len);
        pgy_status *st = name ? NULL : px_status_nomem();
        if (!st && known)
            *v = *known;
        else if (!st)
            st = declare_input(m, &types[i], (px_str){name, key.len}, v);
        if (st)
            return st;
    }
    for (size_t i = 0; i < g->n_initializers; i++) {
        const px_onnx_value_info *known = px_map_get(&x->inputs, g->initializers[i].name);
        if (known)
            g->inputs[g->n_inputs++] = *known;
    }
    return NULL;
}

static pgy_status *put_outputs(const px_onnx_index *x, const px_onnx_part *part, px_onnx_model *m)
{
    px_onnx_graph *g = &m->graph;
    g->outputs = px_arena_calloc(&m->arena, part->outputs.n, sizeof *g->outputs);
    if (!g->outputs)
        return px_status_nomem();
    for (size_t i = 0; i < part->outputs.n; i++) {
        const px_str key = part->outputs.at[i].key;
        const px_onnx_value_info *known = px_map_get(&x->outputs, key);
        char *name = px_arena_strndup(&m->arena, key.ptr, key.len);
        if (!name)
            return px_status_nomem();
        if (!known)
            known = px_map_get(&x->value_infos, key);
        g->outputs[g->n_outputs++] =
            known ? *known : (px_onnx_value_info){.name = {name, key.len}, .type = {.rank = -1}};
    }
    return NULL;
}

static bool gives(const px_onnx_index *x, const px_onnx_part *part, px_str name)
{
    const size_t at = producer_at(x, name);
    return at > 0 && part->has[at - 1];
}

/* Nodes, the initializers they read, and what is known of the tensors between them. */
static pgy_status *put_nodes(const px_onnx_index *x, const px_onnx_part *part, px_onnx_model *m)
{
    pgy_status *st = NULL;
    const px_onnx_graph *from = &x->model->graph;
    px_onnx_graph *g = &m->graph;
    px_map used = {0};
    g->nodes = px_arena_calloc(&m->arena, from->n_nodes, sizeof *g->nodes);
    g->value_infos = px_arena_calloc(&m->arena, from->n_value_infos, sizeof *g->value_infos);
    if (!g->nodes || !g->value_infos)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < from->n_nodes; i++) {
        const size_t at = x->order[i];
        if (!part->has[at])
            continue;
        g->nodes[g->n_nodes++] = from->nodes[at];
        for (size_t k = 0; k < x->reads[at].n; k++) {
            const px_onnx_tensor *t = px_map_get(&x->initializers, x->reads[at].at[k].key);
            if (t && (const void *)t != (const void *)x)
                PX_TRY(px_map_set(&used, t->name, (void *)t));
        }
    }
    g->initializers = px_arena_calloc(&m->arena, used.n, sizeof *g->initializers);
    if (!g->initializers)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < used.n; i++)
        g->initializers[g->n_initializers++] = *(const px_onnx_tensor *)used.at[i].value;
    for (size_t i = 0; i < from->n_value_infos; i++)
        if (gives(x, part, from->value_infos[i].name) &&
            !px_map_has(&part->outputs, from->value_infos[i].name))
            g->value_infos[g->n_value_infos++] = from->value_infos[i];
done:
    px_map_fini(&used);
    return st;
}

pgy_status *px_onnx_part_build(const px_onnx_index *x, const px_onnx_part *part,
                               const px_onnx_part_input *types, px_onnx_model **out)
{
    pgy_status *st = NULL;
    const px_onnx_model *from = x->model;
    px_onnx_model *m = NULL;
    PX_TRY(PX_ALLOC(m, 1));
    m->ir_version = from->ir_version;
    m->opsets = from->opsets;
    m->n_opsets = from->n_opsets;
    m->functions = from->functions;
    m->n_functions = from->n_functions;
    m->producer_name = from->producer_name;
    m->producer_version = from->producer_version;
    m->wire = from->wire;
    m->is_half = from->is_half;
    m->ignore_external = from->ignore_external;
    m->dir = from->dir ? px_mem_strdup(from->dir) : NULL;
    if (from->dir && !m->dir)
        PX_TRY(px_status_nomem());
    m->graph.name = from->graph.name;
    m->graph.sparse_initializers = from->graph.sparse_initializers;
    m->graph.n_sparse_initializers = from->graph.n_sparse_initializers;
    m->graph.wire = from->graph.wire;
    PX_TRY(put_nodes(x, part, m));
    PX_TRY(put_inputs(x, part, types, m));
    PX_TRY(put_outputs(x, part, m));
    *out = m;
    m = NULL;
done:
    px_onnx_free(m);
    return st;
}
