/* model/precision_plan.c - element types of all values, and which nodes stay in float32. */
#include "model/precision.h"

#include "model/op_types.h"

/* Operators that lose too much in float16 or that runtimes lack in it: the list of the converter
 * that the reference uses, and batch normalization, whose variances are often below float16's
 * smallest value (a text detector's output goes from 0 to 1 by that). */
static const char *const sensitive[] = {
    "BatchNormalization", "CumSum", "Max",    "Min",  "NonMaxSuppression",
    "RandomUniformLike",  "Range",  "Resize", "TopK", "RoiAlign",
    "Upsample",
};

static bool is_one_of(px_str name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (px_str_is(name, list[i]))
            return true;
    return false;
}

static bool is_standard(const px_onnx_node *node)
{
    return node->domain.len == 0 || px_str_is(node->domain, "ai.onnx");
}

/* Operators whose types are those of a graph inside. */
static bool is_control_flow(const px_onnx_node *node)
{
    return px_str_is(node->op_type, "If") || px_str_is(node->op_type, "Loop") ||
           px_str_is(node->op_type, "Scan");
}

static bool reads_any_type(const px_onnx_node *node, size_t i)
{
    static const char *const ops[] = {"Cast", "CastLike", "Shape", "Size"};
    return i == 0 && is_one_of(node->op_type, ops, PX_COUNTOF(ops));
}

px_half_value *px_half_find(const px_half_scope *scope, px_str name)
{
    for (; name.len > 0 && scope; scope = scope->outer) {
        px_half_value *v = px_map_get(&scope->values, name);
        if (v)
            return v;
    }
    return NULL;
}

bool px_half_keeps(const px_half *h, const px_half_scope *scope, const px_onnx_node *node)
{
    const px_op_types *row = is_standard(node) ? px_op_types_find(node->op_type, h->opset) : NULL;
    const unsigned need = h->how->to == PGY_DTYPE_F16 ? PX_OP_HALF_F16 : PX_OP_HALF_BF16;
    if (scope->is_kept || !row)
        return true;
    for (size_t i = 0; i < h->how->n_keep; i++)
        if (px_str_eq_nocase(node->op_type, px_str_of(h->how->keep[i])))
            return true;
    if (h->how->to == PGY_DTYPE_F16 && is_one_of(node->op_type, sensitive, PX_COUNTOF(sensitive)))
        return true;
    if (px_str_is(node->op_type, "Constant") && px_onnx_node_attr(node, "sparse_value"))
        return true;
    for (size_t i = 0; i < node->n_inputs; i++) {
        const px_half_value *v = px_half_find(scope, node->inputs[i]);
        if (v && v->is_container)
            return true; /* sequences cannot be cast */
    }
    return !(row->half & need);
}

pgy_dtype px_half_wanted(const px_half *h, const px_onnx_node *node, size_t i,
                         const px_half_value *v, bool is_kept)
{
    if (v->dtype != PGY_DTYPE_F32 || v->is_container)
        return PGY_DTYPE_UNKNOWN;
    if (is_kept)
        return PGY_DTYPE_F32;
    if (reads_any_type(node, i))
        return v->is_weight ? PGY_DTYPE_F32 : PGY_DTYPE_UNKNOWN;
    const px_op_types *row = px_op_types_find(node->op_type, h->opset);
    if (row && i < 32 && row->f32_inputs >> i & 1 && !is_control_flow(node))
        return PGY_DTYPE_F32;
    return h->how->to;
}

static pgy_status *define(px_half *h, px_half_scope *scope, px_str name, px_half_value value)
{
    px_half_value *v = px_map_get(&scope->values, name);
    if (name.len == 0)
        return NULL;
    if (v) { /* an input that has an initializer */
        v->is_weight |= value.is_weight;
        v->is_half &= !v->is_weight;
        return NULL;
    }
    v = px_arena_alloc(&h->arena, sizeof *v);
    if (!v)
        return px_status_nomem();
    *v = value;
    pgy_status *st = px_map_set(&scope->values, name, v);
    return st ? st : px_map_set(&h->names, name, NULL);
}

static px_half_value value_of_type(const px_onnx_type *type)
{
    const bool is_container =
        type->kind == PX_ONNX_TYPE_SEQUENCE || type->kind == PX_ONNX_TYPE_OPTIONAL;
    while (type->element && type->kind != PX_ONNX_TYPE_MAP)
        type = type->element;
    return (px_half_value){.dtype =
                               type->kind == PX_ONNX_TYPE_TENSOR ? type->dtype : PGY_DTYPE_UNKNOWN,
                           .is_container = is_container};
}

/* --- the types of a node's outputs --- */

static pgy_dtype attr_dtype(const px_onnx_node *node, const char *name, pgy_dtype otherwise)
{
    const px_onnx_attr *a = px_onnx_node_attr(node, name);
    return a && a->i > 0 && a->i < PGY_DTYPE_COUNT ? (pgy_dtype)a->i : otherwise;
}

static pgy_dtype constant_dtype(const px_onnx_node *node)
{
    static const struct {
        const char *name;
        pgy_dtype dtype;
    } kinds[] = {
        {"value_float", PGY_DTYPE_F32},     {"value_floats", PGY_DTYPE_F32},
        {"value_int", PGY_DTYPE_I64},       {"value_ints", PGY_DTYPE_I64},
        {"value_string", PGY_DTYPE_STRING}, {"value_strings", PGY_DTYPE_STRING},
    };
    const px_onnx_attr *a = px_onnx_node_attr(node, "value");
    if (a && a->t)
        return a->t->dtype;
    a = px_onnx_node_attr(node, "sparse_value");
    if (a && a->sparse)
        return a->sparse->values.dtype;
    for (size_t i = 0; i < PX_COUNTOF(kinds); i++)
        if (px_onnx_node_attr(node, kinds[i].name))
            return kinds[i].dtype;
    return PGY_DTYPE_UNKNOWN;
}

/* Outputs whose type an attribute gives. */
static pgy_dtype dtype_by_attr(const px_onnx_node *node, size_t k, pgy_dtype first_input)
{
    const px_str op = node->op_type;
    if (px_str_is(op, "Cast"))
        return attr_dtype(node, "to", PGY_DTYPE_UNKNOWN);
    if (px_str_is(op, "Constant"))
        return constant_dtype(node);
    if (px_str_is(op, "ConstantOfShape")) {
        const px_onnx_attr *a = px_onnx_node_attr(node, "value");
        return a && a->t ? a->t->dtype : PGY_DTYPE_F32;
    }
    if (px_str_is(op, "LayerNormalization") && k > 0)
        return attr_dtype(node, "stash_type", PGY_DTYPE_F32);
    if (px_str_is(op, "RandomNormal") || px_str_is(op, "RandomUniform"))
        return attr_dtype(node, "dtype", PGY_DTYPE_F32);
    if (px_str_is(op, "Multinomial"))
        return attr_dtype(node, "dtype", PGY_DTYPE_I32);
    if (px_str_is(op, "EyeLike") || px_str_is(op, "Bernoulli") || px_str_ends(op, "Like"))
        return attr_dtype(node, "dtype", first_input);
    if (px_str_ends(op, "Window") || px_str_is(op, "MelWeightMatrix"))
        return attr_dtype(node, "output_datatype", PGY_DTYPE_F32);
    return PGY_DTYPE_UNKNOWN;
}

/* The value that output `k` of control flow has inside its graph, or NULL. */
static const px_half_value *inner_output(const px_onnx_node *node, size_t k,
                                         const px_half_scope *inner)
{
    for (size_t i = 0; inner && i < node->n_attrs; i++) {
        const px_onnx_attr *a = &node->attrs[i];
        size_t skipped = px_str_is(node->op_type, "Loop") ? 1 : 0; /* the condition */
        if (a->type == PX_ONNX_ATTR_GRAPH && k + skipped < a->g->n_outputs)
            return px_half_find(inner, a->g->outputs[k + skipped].name);
    }
    return NULL;
}

static px_half_value output_value(const px_half *h, const px_half_scope *scope,
                                  const px_onnx_node *node, size_t k, const px_half_scope *inner,
                                  bool is_kept)
{
    const px_half_value *first = node->n_inputs > 0 ? px_half_find(scope, node->inputs[0]) : NULL;
    px_half_value out = {0};
    bool is_fixed = false; /* float32 whatever the node computes in */
    if (is_control_flow(node)) {
        const px_half_value *v = inner_output(node, k, inner);
        out.dtype = v ? v->dtype : PGY_DTYPE_UNKNOWN;
        out.is_container = v && v->is_container;
    } else if (is_standard(node)) {
        static const struct {
            char letter;
            pgy_dtype dtype;
        } letters[] = {{'F', PGY_DTYPE_F32},   {'D', PGY_DTYPE_F64},  {'L', PGY_DTYPE_I64},
                       {'I', PGY_DTYPE_I32},   {'B', PGY_DTYPE_BOOL}, {'U', PGY_DTYPE_U8},
                       {'S', PGY_DTYPE_STRING}};
        const px_op_types *row = px_op_types_find(node->op_type, h->opset);
        const size_t n = row ? strlen(row->outputs) : 0;
        const char c = n > 0 ? row->outputs[PX_MIN(k, n - 1)] : '?';
        for (size_t i = 0; i < PX_COUNTOF(letters); i++)
            if (letters[i].letter == c)
                out.dtype = letters[i].dtype;
        is_fixed = c == 'F' || (k > 0 && px_str_is(node->op_type, "LayerNormalization"));
        const size_t from = c >= '0' && c <= '9' ? (size_t)(c - '0') : node->n_inputs;
        const px_half_value *v =
            from < node->n_inputs ? px_half_find(scope, node->inputs[from]) : NULL;
        if (v)
            out = (px_half_value){.dtype = v->dtype, .is_container = v->is_container};
        if (c == 'q')
            out = (px_half_value){.dtype = first ? first->dtype : PGY_DTYPE_UNKNOWN,
                                  .is_container = true};
        if (out.dtype == PGY_DTYPE_UNKNOWN && c == '?')
            out.dtype = dtype_by_attr(node, k, first ? first->dtype : PGY_DTYPE_UNKNOWN);
    }
    if (out.dtype == PGY_DTYPE_UNKNOWN && first && is_kept && first->dtype == PGY_DTYPE_F32)
        out.dtype = PGY_DTYPE_F32; /* an operator we do not know: float in, float out */
    out.is_half = out.dtype == PGY_DTYPE_F32 && !out.is_container && !is_kept && !is_fixed;
    if (out.is_half && px_str_is(node->op_type, "Constant")) {
        out.is_weight = true; /* its readers decide */
        out.is_half = false;
    }
    return out;
}

/* --- the walk --- */

static pgy_status *plan_node(px_half *h, px_half_scope *scope, const px_onnx_node *node,
                             const px_map *hints)
{
    pgy_status *st = NULL;
    const bool is_kept = px_half_keeps(h, scope, node);
    const px_half_scope *inner = NULL;
    bool has_float = false;
    PX_TRY(px_map_set(&h->names, node->name, NULL));
    for (size_t i = 0; i < node->n_inputs; i++) {
        px_half_value *v = px_half_find(scope, node->inputs[i]);
        pgy_dtype wanted = v ? px_half_wanted(h, node, i, v, is_kept) : PGY_DTYPE_UNKNOWN;
        has_float |= v && v->dtype == PGY_DTYPE_F32;
        if (wanted == PGY_DTYPE_F32)
            v->wants_f32 = true;
        else if (wanted != PGY_DTYPE_UNKNOWN)
            v->wants_half = true;
    }
    for (size_t i = 0; i < node->n_attrs; i++) {
        const px_onnx_attr *a = &node->attrs[i];
        for (size_t k = 0; a->g && k < a->n; k++) {
            const size_t at = h->n_scopes;
            PX_TRY(px_half_plan(h, &a->g[k], scope, node, is_kept));
            if (!inner)
                inner = h->scopes[at];
        }
    }
    for (size_t k = 0; k < node->n_outputs; k++) {
        px_half_value v = output_value(h, scope, node, k, inner, is_kept);
        const px_onnx_type *hint = px_map_get(hints, node->outputs[k]);
        if (v.dtype == PGY_DTYPE_UNKNOWN && hint) {
            v = value_of_type(hint);
            v.is_half = v.dtype == PGY_DTYPE_F32 && !v.is_container && !is_kept;
        }
        has_float |= v.dtype == PGY_DTYPE_F32;
        PX_TRY(define(h, scope, node->outputs[k], v));
    }
    h->report.n_kept += is_kept && has_float;
done:
    return st;
}

/* The inputs of a graph inside a node, where they state no type: those of the node's inputs. */
static px_half_value input_value(const px_half_scope *scope, const px_onnx_node *owner,
                                 const px_onnx_graph *g, size_t i)
{
    px_half_value v = value_of_type(&g->inputs[i].type);
    if (v.dtype == PGY_DTYPE_UNKNOWN && owner && i < owner->n_inputs &&
        g->inputs[i].type.kind == PX_ONNX_TYPE_NONE) {
        const px_half_value *from = px_half_find(scope->outer, owner->inputs[i]);
        if (from && is_control_flow(owner))
            v = (px_half_value){.dtype = from->dtype, .is_container = from->is_container};
    }
    v.is_half = owner && !scope->is_kept && v.dtype == PGY_DTYPE_F32 && !v.is_container;
    return v;
}

pgy_status *px_half_plan(px_half *h, px_onnx_graph *g, px_half_scope *outer,
                         const px_onnx_node *owner, bool is_kept)
{
    pgy_status *st = NULL;
    px_map hints = {0};
    px_half_scope *scope = px_arena_alloc(&h->arena, sizeof *scope);
    if (!scope)
        PX_TRY(px_status_nomem());
    PX_TRY(px_mem_reserve((void **)&h->scopes, &h->cap_scopes, h->n_scopes, 1, sizeof *h->scopes));
    *scope = (px_half_scope){.outer = outer, .is_kept = is_kept};
    h->scopes[h->n_scopes++] = scope;
    for (size_t i = 0; i < g->n_inputs; i++)
        PX_TRY(define(h, scope, g->inputs[i].name, input_value(scope, owner, g, i)));
    for (size_t i = 0; i < g->n_initializers; i++)
        PX_TRY(define(h, scope, g->initializers[i].name,
                      (px_half_value){.dtype = g->initializers[i].dtype, .is_weight = true}));
    for (size_t i = 0; i < g->n_sparse_initializers; i++)
        PX_TRY(define(h, scope, g->sparse_initializers[i].values.name,
                      (px_half_value){.dtype = g->sparse_initializers[i].values.dtype}));
    for (size_t i = 0; i < g->n_value_infos; i++)
        PX_TRY(px_map_set(&hints, g->value_infos[i].name, &g->value_infos[i].type));
    for (size_t i = 0; i < g->n_outputs; i++)
        if (g->outputs[i].type.kind != PX_ONNX_TYPE_NONE)
            PX_TRY(px_map_set(&hints, g->outputs[i].name, &g->outputs[i].type));
    for (size_t i = 0; i < g->n_nodes; i++)
        PX_TRY(plan_node(h, scope, &g->nodes[i], &hints));
    for (size_t i = 0; i < g->n_outputs; i++) {
        px_half_value *v = px_half_find(scope, g->outputs[i].name);
        if (v && v->dtype == PGY_DTYPE_F32 && !v->is_container)
            *(owner && !is_kept ? &v->wants_half : &v->wants_f32) = true;
    }
done:
    px_map_fini(&hints);
    return st;
}
