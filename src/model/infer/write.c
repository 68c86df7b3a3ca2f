/* model/infer/write.c - what inference found, as value infos of the model. */
#include "model/infer/scope.h"

#include "base/log.h"

struct px_onnx_types {
    px_arena arena;
    px_map names;  /* to px_onnx_type */
    px_map graphs; /* graph's address to px_onnx_fact, one for each output of each node */
};

static bool is_stated(const px_onnx_type *t)
{
    return t->kind != PX_ONNX_TYPE_NONE &&
           (t->kind != PX_ONNX_TYPE_TENSOR || t->dtype != PGY_DTYPE_UNKNOWN);
}

/* --- as a table --- */

static pgy_status *make_fact(const px_infer *in, px_arena *arena, const px_infer_value *v,
                             px_onnx_fact *out)
{
    bool are_known = v->data != NULL;
    if (!px_infer_to_type(in, arena, v, &out->type))
        return px_status_nomem();
    for (size_t i = 0; i < v->n_data && are_known; i++)
        are_known = px_dim_is_const(v->data[i]);
    if (!are_known)
        return NULL;
    int64_t *ints = px_arena_alloc(arena, (v->n_data + 1) * sizeof *ints);
    if (!ints)
        return px_status_nomem();
    for (size_t i = 0; i < v->n_data; i++)
        ints[i] = v->data[i].base;
    out->ints = ints;
    out->n_ints = v->n_data;
    return NULL;
}

static pgy_status *keep_graphs(const px_infer *in, px_onnx_types *types)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < in->found.n; i++) {
        const px_infer_found *found = in->found.at[i].value;
        size_t n = 0;
        for (size_t k = 0; k < found->graph->n_nodes; k++)
            n += found->graph->nodes[k].n_outputs;
        px_onnx_fact *facts = px_arena_calloc(&types->arena, n + 1, sizeof *facts);
        if (!facts)
            PX_TRY(px_status_nomem());
        for (size_t k = 0; k < n; k++)
            PX_TRY(make_fact(in, &types->arena, &found->outputs[k], &facts[k]));
        PX_TRY(px_map_set(&types->graphs, in->found.at[i].key, facts));
    }
done:
    return st;
}

pgy_status *px_onnx_infer(pgy_context *cx, const px_onnx_model *model,
                          const px_onnx_infer_options *how, px_onnx_types **out)
{
    pgy_status *st = NULL;
    px_infer in;
    px_infer_scope scope = {0};
    px_onnx_types *types = NULL;
    PX_TRY(px_infer_init(&in, cx, model, how));
    PX_TRY(PX_ALLOC(types, 1));
    PX_TRY(px_infer_main(&in, &scope));
    for (size_t i = 0; i < scope.names.n; i++) {
        px_onnx_type *type = px_arena_alloc(&types->arena, sizeof *type);
        if (!type || !px_infer_to_type(&in, &types->arena, scope.names.at[i].value, type))
            PX_TRY(px_status_nomem());
        if (type->kind != PX_ONNX_TYPE_NONE)
            PX_TRY(px_map_set(&types->names, scope.names.at[i].key, type));
    }
    if (how && how->every_graph)
        PX_TRY(keep_graphs(&in, types));
    *out = types;
    types = NULL;
done:
    px_onnx_types_free(types);
    px_infer_scope_fini(&scope);
    px_infer_fini(&in);
    return px_status_while(st, "inferring shapes");
}

const px_onnx_type *px_onnx_types_get(const px_onnx_types *types, px_str name)
{
    return px_map_get(&types->names, name);
}

const px_onnx_fact *px_onnx_types_in(const px_onnx_types *types, const px_onnx_graph *g)
{
    return px_map_get(&types->graphs, (px_str){(const char *)&g, sizeof g});
}

void px_onnx_types_free(px_onnx_types *types)
{
    if (!types)
        return;
    px_map_fini(&types->names);
    px_map_fini(&types->graphs);
    px_arena_fini(&types->arena);
    px_mem_free(types);
}

/* --- into the model --- */

/* What a file may say: `stated` with what it leaves open filled in. True when that is more, or when
 * a stated dim is wrong. */
static bool complete(px_arena *arena, const px_onnx_type *found, px_onnx_type *stated,
                     bool *out_failed);

static bool complete_element(px_arena *arena, const px_onnx_type *found, px_onnx_type *stated,
                             bool *out_failed)
{
    px_onnx_type *copy = px_arena_alloc(arena, sizeof *copy);
    if (!copy)
        return *out_failed = true, false;
    *copy = *stated->element;
    stated->element = copy;
    return complete(arena, found->element, copy, out_failed);
}

static bool complete(px_arena *arena, const px_onnx_type *found, px_onnx_type *stated,
                     bool *out_failed)
{
    if (!is_stated(found))
        return false;
    if (!is_stated(stated)) {
        *stated = *found;
        return true;
    }
    if (stated->kind == found->kind && stated->element && found->element)
        return complete_element(arena, found, stated, out_failed);
    if (stated->kind != PX_ONNX_TYPE_TENSOR || found->kind != PX_ONNX_TYPE_TENSOR ||
        found->dtype != stated->dtype || found->rank < 0)
        return false;
    if (stated->rank != found->rank) {
        stated->rank = found->rank;
        stated->dims = found->dims;
        return true;
    }
    px_onnx_dim *dims = px_arena_calloc(arena, (size_t)found->rank + 1, sizeof *dims);
    bool is_more = false;
    if (!dims)
        return *out_failed = true, false;
    for (int d = 0; d < found->rank; d++) {
        const px_onnx_dim f = found->dims[d], s = stated->dims[d];
        const bool better = (f.value >= 0 && f.value != s.value) ||
                            (f.symbol.len > 0 && s.value < 0 && s.symbol.len == 0);
        dims[d] = better ? f : s;
        is_more |= better;
    }
    stated->dims = dims;
    return is_more;
}

pgy_status *px_onnx_infer_outputs(pgy_context *cx, px_onnx_model *model)
{
    pgy_status *st = NULL;
    px_infer in;
    px_infer_scope scope = {0};
    px_onnx_graph *g = &model->graph;
    bool any = false;
    PX_TRY(px_infer_init(&in, cx, model, NULL));
    for (size_t i = 0; i < g->n_outputs; i++)
        any |= !is_stated(&g->outputs[i].type);
    if (!any)
        goto done;
    PX_TRY(px_infer_main(&in, &scope));
    for (size_t i = 0; i < g->n_outputs; i++) {
        px_onnx_value_info *out = &g->outputs[i];
        const px_infer_value *value = px_map_get(&scope.names, out->name);
        px_onnx_type type;
        if (is_stated(&out->type) || !value)
            continue;
        if (!px_infer_to_type(&in, &model->arena, value, &type))
            PX_TRY(px_status_nomem());
        if (!is_stated(&type))
            continue;
        out->type = type;
        out->is_retyped = true;
    }
done:
    px_infer_scope_fini(&scope);
    px_infer_fini(&in);
    return px_status_while(st, "inferring the types of the outputs");
}

static pgy_status *write_graph(const px_infer *in, px_onnx_model *m, const px_infer_found *found,
                               size_t *n_new)
{
    pgy_status *st = NULL;
    px_onnx_graph *g = (px_onnx_graph *)found->graph;
    const px_infer_value *value = found->outputs;
    px_map infos = {0}, outputs = {0}; /* name -> px_onnx_value_info */
    px_onnx_value_info *list = NULL;
    size_t n = g->n_value_infos, n_outputs = 0;
    bool failed = false;

    for (size_t i = 0; i < g->n_nodes; i++)
        n_outputs += g->nodes[i].n_outputs;
    list = px_arena_calloc(&m->arena, n + n_outputs + 1, sizeof *list);
    if (!list)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < n; i++) {
        list[i] = g->value_infos[i];
        PX_TRY(px_map_set(&infos, list[i].name, &list[i]));
    }
    for (size_t i = 0; i < g->n_outputs; i++)
        PX_TRY(px_map_set(&outputs, g->outputs[i].name, &g->outputs[i]));
    for (size_t i = 0; i < g->n_nodes; i++) {
        for (size_t o = 0; o < g->nodes[i].n_outputs; o++, value++) {
            const px_str name = g->nodes[i].outputs[o];
            px_onnx_type type;
            if (name.len == 0)
                continue;
            if (!px_infer_to_type(in, &m->arena, value, &type))
                PX_TRY(px_status_nomem());
            px_onnx_value_info *known = px_map_get(&outputs, name);
            known = known ? known : px_map_get(&infos, name);
            if (known) {
                if (complete(&m->arena, &type, &known->type, &failed)) {
                    known->is_retyped = true;
                    ++*n_new;
                }
            } else if (is_stated(&type)) {
                list[n] = (px_onnx_value_info){.name = name, .type = type};
                PX_TRY(px_map_set(&infos, name, &list[n]));
                n++;
                ++*n_new;
            }
        }
    }
    if (failed)
        PX_TRY(px_status_nomem());
    g->value_infos = list;
    g->n_value_infos = n;
done:
    px_map_fini(&infos);
    px_map_fini(&outputs);
    return st;
}

pgy_status *px_onnx_infer_shapes(pgy_context *cx, px_onnx_model *model, size_t *out_n)
{
    pgy_status *st = NULL;
    px_infer in;
    px_infer_scope scope = {0};
    size_t n_new = 0;
    PX_TRY(px_infer_init(&in, cx, model, NULL));
    PX_TRY(px_infer_main(&in, &scope));
    for (size_t i = 0; i < in.found.n; i++)
        PX_TRY(write_graph(&in, model, in.found.at[i].value, &n_new));
    if (out_n)
        *out_n = n_new;
done:
    px_infer_scope_fini(&scope);
    px_infer_fini(&in);
    return px_status_while(st, "inferring shapes");
}
