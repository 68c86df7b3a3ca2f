/* backend/tf/onnx/build.c - the walk over the ONNX graph. */
#include "backend/tf/onnx/build.h"

#include "backend/tensors_only.h"
#include "base/log.h"
#include "base/tensor.h"

static const px_tf_op_row *const tables[] = {
    px_tf_math_rows,  px_tf_shape_rows,   px_tf_nn_rows,   px_tf_recurrent_rows,
    px_tf_quant_rows, px_tf_control_rows, px_tf_pick_rows, px_tf_sequence_rows};

enum { MAX_DEPTH = 48 }; /* of graphs and functions inside each other */

static bool is_standard(px_str domain)
{
    return domain.len == 0 || px_str_is(domain, "ai.onnx");
}

static const px_tf_op_row *row_in(const px_tf_op_row *row, px_str op)
{
    for (; row->name != NULL; row++)
        if (px_str_is(op, row->name))
            return row;
    return NULL;
}

static const px_tf_op_row *find_row(const px_onnx_node *node)
{
    const px_tf_op_row *row = NULL;
    if (px_str_is(node->domain, "com.microsoft"))
        return row_in(px_tf_ms_rows, node->op_type);
    for (size_t i = 0; i < PX_COUNTOF(tables) && row == NULL && is_standard(node->domain); i++)
        row = row_in(tables[i], node->op_type);
    return row;
}

const px_tf_op_row *px_tf_row(const px_tf_build *b)
{
    return find_row(b->node);
}

static pgy_status *set_value(px_tf_build *b, px_str name, px_tf_port port, pgy_tensor *take_known)
{
    pgy_status *st = NULL;
    px_tf_value *value = px_arena_calloc(&b->arena, 1, sizeof *value);
    if (value == NULL)
        PX_TRY(px_status_nomem());
    value->port = port;
    PX_TRY(px_map_set(&b->scope->values, name, value));
    value->known = take_known;
    take_known = NULL;
done:
    pgy_tensor_free(take_known);
    return st;
}

static pgy_status *add_constant(px_tf_build *b, const px_onnx_tensor *tensor, px_str name)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    PX_TRY(px_onnx_tensor_load(b->onnx, tensor, &t));
    const px_tf_port port = px_tf_constant(b, t);
    st = b->st;
    b->st = NULL;
    if (st != NULL)
        goto done;
    pgy_tensor *known = t;
    t = NULL;
    PX_TRY(set_value(b, name, port, known));
done:
    pgy_tensor_free(t);
    return px_status_while(st, "making the constant '%.*s'", PX_STR_ARG(name));
}

/* What a name of TensorFlow may hold. */
static void set_name(px_tf_build *b, px_str name)
{
    b->name.len = 0;
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        const bool is_plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
        px_buf_putc(&b->name, is_plain || (i > 0 && c == '_') ? c : i > 0 ? '_' : '.');
    }
    if (name.len == 0)
        px_buf_puts(&b->name, "n");
}

static pgy_status *add_input(px_tf_build *b, const px_onnx_value_info *info)
{
    pgy_status *st = NULL;
    const px_tf_api *api = &b->s->lib->api;
    const px_onnx_type *type = &info->type;
    int64_t dims[PX_TF_MAX_RANK];
    char *name = px_arena_strndup(&b->arena, info->name.ptr, info->name.len);
    const int tf_type = px_tf_type_of(type->dtype);
    if (name == NULL)
        PX_TRY(px_status_nomem());
    if (type->kind != PX_ONNX_TYPE_TENSOR || tf_type == 0 || type->rank > PX_TF_MAX_RANK)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The input '%s' cannot be one of a TensorFlow graph: it must be a tensor of "
                       "numbers with at most %d dimensions.",
                       name, PX_TF_MAX_RANK));
    set_name(b, info->name);
    px_tf_begin(b, "Placeholder");
    px_tf_set_type(b, "dtype", tf_type);
    for (int i = 0; i < type->rank; i++)
        dims[i] = type->dims[i].value < 0 ? -1 : type->dims[i].value;
    if (b->making != NULL)
        api->SetAttrShape(b->making, "shape", type->rank > 0 ? dims : NULL, type->rank);
    const px_tf_port port = px_tf_finish(b);
    st = b->st;
    b->st = NULL;
    if (st != NULL)
        goto done;
    PX_TRY(set_value(b, info->name, port, NULL));
    PX_TRY(px_tf_add_end(b->s, &b->s->inputs, name, port));
done:
    return st;
}

static px_str name_of(const px_onnx_node *node)
{
    return node->name.len > 0 ? node->name : node->n_outputs > 0 ? node->outputs[0] : node->op_type;
}

/* The attribute of that name of a function's caller, or the function's default; NULL for none. */
static const px_onnx_attr *attr_for(const px_tf_scope *scope, px_str name)
{
    const px_onnx_node *caller = scope->caller;
    for (size_t i = 0; caller != NULL && i < caller->n_attrs; i++)
        if (px_str_eq(caller->attrs[i].name, name))
            return &caller->attrs[i];
    for (size_t i = 0; caller != NULL && i < scope->function->n_attr_defaults; i++)
        if (px_str_eq(scope->function->attr_defaults[i].name, name))
            return &scope->function->attr_defaults[i];
    return NULL;
}

/* The node with what its attributes inside a function stand for. */
static const px_onnx_node *resolved(px_tf_build *b, const px_onnx_node *node)
{
    bool has_refs = false;
    for (size_t i = 0; i < node->n_attrs; i++)
        has_refs |= node->attrs[i].ref_attr_name.len > 0;
    if (!has_refs)
        return node;
    px_onnx_node *out = px_arena_calloc(&b->arena, 1, sizeof *out);
    px_onnx_attr *attrs = px_arena_calloc(&b->arena, node->n_attrs, sizeof *attrs);
    if (out == NULL || attrs == NULL) {
        px_tf_keep_error(b, px_status_nomem());
        return node;
    }
    *out = *node;
    out->attrs = attrs;
    out->n_attrs = 0;
    for (size_t i = 0; i < node->n_attrs; i++) {
        const px_onnx_attr *own = &node->attrs[i];
        const px_onnx_attr *a =
            own->ref_attr_name.len == 0 ? own : attr_for(b->scope, own->ref_attr_name);
        if (a == NULL)
            continue;
        attrs[out->n_attrs] = *a;
        attrs[out->n_attrs++].name = own->name;
    }
    return out;
}

static const px_onnx_function *function_of(const px_tf_build *b, const px_onnx_node *node)
{
    for (size_t i = 0; i < b->onnx->n_functions; i++) {
        const px_onnx_function *f = &b->onnx->functions[i];
        if (px_str_eq(f->name, node->op_type) && px_str_eq(f->overload, node->overload) &&
            (px_str_eq(f->domain, node->domain) ||
             (is_standard(f->domain) && is_standard(node->domain))))
            return f;
    }
    return NULL;
}

/* What inference knows of an output and TensorFlow does not: its elements, or its rank. */
static pgy_status *learn(px_tf_build *b, px_str name, const px_onnx_fact *fact)
{
    enum { MAX_RANK = PX_TF_MAX_RANK };
    pgy_status *st = NULL;
    const px_tf_api *api = &b->s->lib->api;
    px_tf_value *value = px_map_get(&b->scope->values, name);
    pgy_tensor *t = NULL;
    int64_t dims[MAX_RANK];
    const px_onnx_type *type = &fact->type;
    if (value == NULL || type->kind != PX_ONNX_TYPE_TENSOR || type->rank < 0 ||
        type->rank > MAX_RANK || px_tf_type_at(b, value->port) == PX_TF_VARIANT)
        return NULL;
    for (int i = 0; i < type->rank; i++)
        dims[i] = type->dims[i].value < 0 ? -1 : type->dims[i].value;
    if (api->GraphGetTensorNumDims(b->frame->graph, value->port, b->s->status) < 0) {
        api->GraphSetTensorShape(b->frame->graph, value->port, dims, type->rank, b->s->status);
        PX_TRY(px_tf_checked(b->s));
    }
    if (fact->ints == NULL || value->known != NULL)
        goto done;
    PX_TRY(pgy_tensor_new(PGY_DTYPE_I64, type->rank, dims, &t));
    if ((size_t)t->count == fact->n_ints) {
        memcpy(pgy_tensor_data_mut(t), fact->ints, fact->n_ints * sizeof *fact->ints);
        PX_TRY(pgy_tensor_cast(t, px_tf_dtype_of(px_tf_type_at(b, value->port)), &value->known));
    }
done:
    pgy_tensor_free(t);
    return st;
}

static pgy_status *call(px_tf_build *b, const px_onnx_function *f);

/* `facts` are those of its outputs, or NULL. */
static pgy_status *add_node(px_tf_build *b, const px_onnx_node *node, const px_onnx_fact *facts)
{
    pgy_status *st = NULL;
    b->node = node = resolved(b, node);
    b->facts = facts;
    const px_onnx_function *function = function_of(b, node);
    const px_tf_op_row *row = find_row(node);
    const px_str called = name_of(node);
    if (row == NULL && function == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The operator %.*s%s%.*s of the node '%.*s' has no counterpart among the "
                       "TensorFlow operators that this build knows. Leave out --tf.",
                       PX_STR_ARG(node->domain), node->domain.len > 0 ? "." : "",
                       PX_STR_ARG(node->op_type), PX_STR_ARG(called)));
    set_name(b, called);
    if (function != NULL) {
        PX_TRY(call(b, function));
        goto done;
    }
    if (px_str_is(node->op_type, "Constant")) {
        const px_onnx_attr *value = px_onnx_node_attr(node, "value");
        if (value != NULL && value->t != NULL && node->n_outputs == 1) {
            PX_TRY(add_constant(b, value->t, node->outputs[0]));
            goto done;
        }
    }
    row->make(b);
    st = b->st;
    b->st = NULL;
    for (size_t i = 0; st == NULL && facts != NULL && i < node->n_outputs; i++)
        st = learn(b, node->outputs[i], &facts[i]);
done:
    return st;
}

/* Nodes of a graph of the model, or of a function, which has no facts. */
static pgy_status *add_nodes(px_tf_build *b, const px_onnx_node *nodes, size_t n,
                             const px_onnx_fact *facts)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < n && st == NULL; i++) {
        st = add_node(b, &nodes[i], facts);
        if (facts != NULL)
            facts += nodes[i].n_outputs;
    }
    return st;
}

static pgy_status *add_outputs(px_tf_build *b, const px_onnx_graph *g)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < g->n_outputs; i++) {
        const px_tf_value *value = px_tf_find(b, b->scope, g->outputs[i].name);
        char *name = px_arena_strndup(&b->arena, g->outputs[i].name.ptr, g->outputs[i].name.len);
        if (name == NULL)
            PX_TRY(px_status_nomem());
        if (value == NULL)
            PX_TRY(PX_FAIL(PGY_ERR_MODEL, "No node makes the output '%s'.", name));
        px_tf_port port = value->port;
        if (px_tf_type_at(b, port) == PX_TF_VARIANT)
            PX_TRY(px_refuse_value("output", g->outputs[i].name, "a sequence"));
        if (strcmp(b->s->lib->api.OperationOpType(port.node), "Placeholder") == 0) {
            set_name(b, g->outputs[i].name); /* what is fed cannot be fetched */
            port = px_tf_1(b, "Identity", port);
            st = b->st;
            b->st = NULL;
            PX_TRY(st);
        }
        PX_TRY(px_tf_add_end(b->s, &b->s->outputs, name, port));
    }
done:
    return st;
}

static pgy_status *add_constants(px_tf_build *b, const px_onnx_graph *g)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < g->n_initializers; i++) {
        set_name(b, g->initializers[i].name);
        PX_TRY(add_constant(b, &g->initializers[i], g->initializers[i].name));
    }
done:
    return st;
}

static void empty_scope(px_tf_scope *scope)
{
    for (size_t i = 0; i < scope->values.n; i++) {
        px_tf_value *value = scope->values.at[i].value;
        pgy_tensor_free(value->known);
    }
    px_map_fini(&scope->values);
}

/* A graph inside a function: each call gives it another meaning, so that nothing is known. */
static const px_onnx_fact *facts_of(const px_tf_build *b, const px_onnx_graph *g)
{
    return b->scope->function == NULL && b->types != NULL ? px_onnx_types_in(b->types, g) : NULL;
}

static pgy_status *enter(px_tf_build *b, px_tf_scope *scope)
{
    scope->frame = b->frame;
    b->scope = scope;
    if (++b->depth > MAX_DEPTH)
        return PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "Graphs and functions lie inside each other more than %d deep.", MAX_DEPTH);
    return NULL;
}

void px_tf_subgraph(px_tf_build *b, const px_onnx_graph *g, px_tf_scope *scope,
                    const px_tf_port *in, size_t n_in, px_tf_port *out)
{
    pgy_status *st = NULL;
    const px_onnx_node *node = b->node;
    if (b->st != NULL)
        return;
    scope->outer = b->scope;
    scope->function = scope->outer->function;
    scope->caller = scope->outer->caller;
    PX_TRY(enter(b, scope));
    for (size_t i = 0; i < n_in && i < g->n_inputs; i++)
        PX_TRY(set_value(b, g->inputs[i].name, in[i], NULL));
    PX_TRY(add_constants(b, g));
    PX_TRY(add_nodes(b, g->nodes, g->n_nodes, facts_of(b, g)));
    for (size_t i = 0; i < g->n_outputs; i++) {
        const px_tf_value *value = px_tf_find(b, scope, g->outputs[i].name);
        if (value == NULL)
            PX_TRY(PX_FAIL(PGY_ERR_MODEL, "No node makes the output '%.*s' of a subgraph.",
                           PX_STR_ARG(g->outputs[i].name)));
        out[i] = value->port;
    }
done:
    b->scope = scope->outer;
    b->node = node;
    b->depth--;
    empty_scope(scope);
    if (st != NULL)
        px_tf_keep_error(b, st);
}

/* The body of a function of the model in place of the node under way. */
static pgy_status *call(px_tf_build *b, const px_onnx_function *f)
{
    pgy_status *st = NULL;
    const px_onnx_node *node = b->node;
    px_tf_scope *calling = b->scope;
    px_tf_scope scope = {.function = f, .caller = node};
    const int64_t opset = b->opset;
    PX_TRY(enter(b, &scope));
    b->opset = px_onnx_opset_of(f->opsets, f->n_opsets, (px_str){0});
    for (size_t i = 0; i < f->n_inputs && i < node->n_inputs; i++) {
        const px_tf_value *in = px_tf_find(b, calling, node->inputs[i]);
        if (in != NULL)
            PX_TRY(set_value(b, f->inputs[i], in->port, pgy_tensor_ref(in->known)));
    }
    PX_TRY(add_nodes(b, f->nodes, f->n_nodes, NULL));
    for (size_t i = 0; i < f->n_outputs && i < node->n_outputs; i++) {
        const px_tf_value *out = px_tf_find(b, &scope, f->outputs[i]);
        if (node->outputs[i].len == 0)
            continue;
        if (out == NULL)
            PX_TRY(PX_FAIL(PGY_ERR_MODEL, "No node makes the output '%.*s' of the function %.*s.",
                           PX_STR_ARG(f->outputs[i]), PX_STR_ARG(f->name)));
        b->scope = calling;
        PX_TRY(set_value(b, node->outputs[i], out->port, pgy_tensor_ref(out->known)));
        b->scope = &scope;
    }
done:
    b->scope = calling;
    b->node = node;
    b->opset = opset;
    b->depth--;
    empty_scope(&scope);
    return px_status_while(st, "calling the function %.*s", PX_STR_ARG(f->name));
}

pgy_status *px_tf_build_onnx(px_tf_model *s, pgy_model *model)
{
    pgy_status *st = NULL;
    px_tf_frame frame = {.graph = s->graph};
    px_tf_scope scope = {.frame = &frame};
    px_tf_build b = {.s = s, .scope = &scope, .frame = &frame};
    px_onnx_model *onnx = NULL;
    px_onnx_types *types = NULL;
    PX_TRY(px_model_onnx(model, &onnx));
    PX_TRY(px_onnx_infer(s->cx, onnx, &(px_onnx_infer_options){.every_graph = true}, &types));
    const px_onnx_graph *g = &onnx->graph;
    b.onnx = onnx;
    b.types = types;
    b.opset = px_onnx_opset_of(onnx->opsets, onnx->n_opsets, (px_str){0});
    PX_TRY(add_constants(&b, g));
    for (size_t i = 0; i < g->n_inputs; i++)
        if (!px_map_has(&scope.values, g->inputs[i].name))
            PX_TRY(add_input(&b, &g->inputs[i]));
    PX_TRY(add_nodes(&b, g->nodes, g->n_nodes, facts_of(&b, g)));
    PX_TRY(add_outputs(&b, g));
    px_log(s->cx, PGY_LOG_VERBOSE, PX_AT_TF,
           "Built the ONNX graph of %zu nodes as a TensorFlow graph of %zu", g->n_nodes, b.n_made);
done:
    pgy_status_free(b.st);
    empty_scope(&scope);
    px_onnx_types_free(types);
    px_buf_fini(&b.name);
    px_arena_fini(&b.arena);
    return px_status_while(st, "building the ONNX model as a TensorFlow graph");
}
