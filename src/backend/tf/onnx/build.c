/* backend/tf/onnx/build.c - the walk over the ONNX graph. */
#include "backend/tf/onnx/build.h"

#include "base/log.h"
#include "base/tensor.h"

static const px_tf_op_row *const tables[] = {px_tf_math_rows,  px_tf_shape_rows,
                                             px_tf_nn_rows,    px_tf_recurrent_rows,
                                             px_tf_quant_rows, px_tf_control_rows};

static const px_tf_op_row *find_row(px_str op)
{
    for (size_t i = 0; i < PX_COUNTOF(tables); i++)
        for (const px_tf_op_row *row = tables[i]; row->name != NULL; row++)
            if (px_str_is(op, row->name))
                return row;
    return NULL;
}

const px_tf_op_row *px_tf_row(const px_tf_build *b)
{
    return find_row(b->node->op_type);
}

static bool is_standard(px_str domain)
{
    return domain.len == 0 || px_str_is(domain, "ai.onnx");
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

static pgy_status *add_node(px_tf_build *b, const px_onnx_node *node)
{
    pgy_status *st = NULL;
    b->node = node;
    const px_tf_op_row *row = is_standard(node->domain) ? find_row(node->op_type) : NULL;
    const px_str called = node->name.len > 0    ? node->name
                          : node->n_outputs > 0 ? node->outputs[0]
                                                : node->op_type;
    if (row == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The operator %.*s%s%.*s of the node '%.*s' has no counterpart among the "
                       "TensorFlow operators that this build knows. Leave out --tf.",
                       PX_STR_ARG(node->domain), node->domain.len > 0 ? "." : "",
                       PX_STR_ARG(node->op_type), PX_STR_ARG(called)));
    set_name(b, called);
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
done:
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

void px_tf_subgraph(px_tf_build *b, const px_onnx_graph *g, px_tf_scope *scope, px_tf_port *out)
{
    pgy_status *st = NULL;
    const px_onnx_node *node = b->node;
    if (b->st != NULL)
        return;
    scope->outer = b->scope;
    b->scope = scope;
    PX_TRY(add_constants(b, g));
    for (size_t i = 0; i < g->n_nodes; i++)
        PX_TRY(add_node(b, &g->nodes[i]));
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
    empty_scope(scope);
    if (b->st == NULL)
        b->st = st;
    else
        pgy_status_free(st);
}

pgy_status *px_tf_build_onnx(px_tf_model *s, pgy_model *model)
{
    pgy_status *st = NULL;
    px_tf_scope scope = {0};
    px_tf_build b = {.s = s, .scope = &scope};
    px_onnx_model *onnx = NULL;
    PX_TRY(px_model_onnx(model, &onnx));
    const px_onnx_graph *g = &onnx->graph;
    b.onnx = onnx;
    b.opset = px_onnx_opset_of(onnx->opsets, onnx->n_opsets, (px_str){0});
    PX_TRY(add_constants(&b, g));
    for (size_t i = 0; i < g->n_inputs; i++)
        if (!px_map_has(&scope.values, g->inputs[i].name))
            PX_TRY(add_input(&b, &g->inputs[i]));
    for (size_t i = 0; i < g->n_nodes; i++)
        PX_TRY(add_node(&b, &g->nodes[i]));
    PX_TRY(add_outputs(&b, g));
    px_log(s->cx, PGY_LOG_VERBOSE, PX_AT_TF,
           "Built the ONNX graph of %zu nodes as a TensorFlow graph of %zu", g->n_nodes, b.n_made);
done:
    pgy_status_free(b.st);
    empty_scope(&scope);
    px_buf_fini(&b.name);
    px_arena_fini(&b.arena);
    return px_status_while(st, "building the ONNX model as a TensorFlow graph");
}
