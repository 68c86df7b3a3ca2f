/* model/precision.c - float32 graphs into float16 or bfloat16.
 *
 * Every float32 value gets a home type: the half type, unless a node that stays in float32 or the
 * outside (inputs and outputs of the model) makes it. Where a reader wants the other type, one Cast
 * node right behind the value's producer serves all such readers, in graphs inside too.
 */
#include "model/precision.h"

#include "base/half.h"
#include "base/tensor.h"

#include <math.h>

#define MIN_OPSET 6 /* Cast's target was a word before, of which no type can be inferred */

/* --- weights --- */

static void range_of(pgy_dtype to, float *out_smallest, float *out_largest)
{
    const uint16_t largest = to == PGY_DTYPE_F16 ? 0x7bff : 0x7f7f;
    float (*widen)(uint16_t) = to == PGY_DTYPE_F16 ? px_f16_to_f32 : px_bf16_to_f32;
    *out_smallest = widen(1);
    *out_largest = widen(largest);
}

/* COMPAT: like the converter that the reference uses, finite values beyond the range become the
 * largest one and tiny ones the smallest instead of zero. Infinity and NaN stay. */
static int64_t convert(pgy_dtype to, uint16_t *dst, const float *src, int64_t count)
{
    float smallest, largest, chunk[1024];
    int64_t n_clamped = 0;
    range_of(to, &smallest, &largest);
    for (int64_t first = 0; first < count; first += (int64_t)PX_COUNTOF(chunk)) {
        const int64_t n = PX_MIN(count - first, (int64_t)PX_COUNTOF(chunk));
        for (int64_t i = 0; i < n; i++) {
            const float x = src[first + i], size = fabsf(x);
            const bool is_large = size > largest && size < INFINITY;
            const bool is_small = size > 0 && size < smallest;
            chunk[i] = is_large ? copysignf(largest, x) : is_small ? copysignf(smallest, x) : x;
            n_clamped += is_large || is_small;
        }
        px_convert(to, dst + first, PGY_DTYPE_F32, chunk, 0, n);
    }
    return n_clamped;
}

/* `t` in the half type; its elements belong to the model. */
static pgy_status *half_tensor(px_half *h, const px_onnx_tensor *t, px_onnx_tensor *out)
{
    pgy_status *st = NULL;
    pgy_tensor *from = NULL, *to = NULL;
    PX_TRY(px_onnx_tensor_load(h->m, t, &from));
    PX_TRY(px_tensor_new_raw(h->how->to, t->rank, t->dims, &to));
    h->report.n_clamped +=
        convert(h->how->to, pgy_tensor_data_mut(to), pgy_tensor_data(from), pgy_tensor_count(from));
    h->report.n_weights++;
    px_onnx_tensor made = *t;
    made.dtype = h->how->to;
    made.data_type = (int32_t)h->how->to;
    made.raw = (px_str){pgy_tensor_data(to), pgy_tensor_size(to)};
    made.is_external = made.has_length = false;
    made.is_edited = true;
    pgy_tensor *given = to;
    to = NULL;
    PX_TRY(px_onnx_own(h->m, given));
    *out = made;
done:
    pgy_tensor_free(to);
    pgy_tensor_free(from);
    return st;
}

/* A tensor of `count` floats, in the half type; rank 0 for a single value. */
static pgy_status *half_values(px_half *h, const float *values, size_t count, int rank,
                               px_onnx_tensor *out)
{
    int64_t *dims = px_arena_alloc(&h->m->arena, sizeof *dims);
    char *bytes = px_arena_alloc(&h->m->arena, count * sizeof *values + 1);
    if (!dims || !bytes)
        return px_status_nomem();
    if (count > 0)
        memcpy(bytes, values, count * sizeof *values);
    dims[0] = (int64_t)count;
    const px_onnx_tensor t = {
        .dtype = PGY_DTYPE_F32, .rank = rank, .dims = dims, .raw = {bytes, count * sizeof *values}};
    return half_tensor(h, &t, out);
}

/* --- names and casts --- */

/* `name` with a suffix, changed until no value of the model is called so. */
static pgy_status *new_name(px_half *h, px_str name, const char *suffix, px_str *out)
{
    pgy_status *st = NULL;
    px_buf b = {0};
    px_buf_putstr(&b, name);
    px_buf_printf(&b, "_%s", suffix);
    const size_t len = b.len;
    for (unsigned i = 1; !b.failed && px_map_has(&h->names, px_buf_str(&b)); i++) {
        b.len = len;
        px_buf_printf(&b, "_%u", i);
    }
    PX_TRY(px_buf_status(&b));
    PX_TRY(px_map_set(&h->names, px_buf_str(&b), NULL));
    char *copy = px_arena_strndup(&h->m->arena, b.ptr, b.len);
    if (!copy)
        PX_TRY(px_status_nomem());
    *out = (px_str){copy, b.len};
done:
    px_buf_fini(&b);
    return st;
}

static pgy_status *append(px_half_scope *scope, const px_onnx_node *node)
{
    pgy_status *st = PX_RESERVE(scope, 1);
    if (!st)
        scope->at[scope->n++] = *node;
    return st;
}

static pgy_status *append_cast(px_half *h, px_half_scope *scope, px_str from, px_str to,
                               pgy_dtype dtype)
{
    px_str *ends = px_arena_calloc(&h->m->arena, 2, sizeof *ends);
    px_onnx_attr *attr = px_arena_alloc(&h->m->arena, sizeof *attr);
    px_str name = {0};
    if (!ends || !attr)
        return px_status_nomem();
    pgy_status *st = new_name(h, to, "cast", &name);
    if (st)
        return st;
    ends[0] = from;
    ends[1] = to;
    *attr = (px_onnx_attr){
        .name = PX_STR("to"), .type = PX_ONNX_ATTR_INT, .i = dtype, .is_edited = true};
    const px_onnx_node node = {.name = name,
                               .op_type = PX_STR("Cast"),
                               .inputs = &ends[0],
                               .n_inputs = 1,
                               .outputs = &ends[1],
                               .n_outputs = 1,
                               .attrs = attr,
                               .n_attrs = 1,
                               .is_edited = true};
    h->report.n_casts++;
    return append(scope, &node);
}

/* Under which name a float32 value of old is found in type `wanted` (UNKNOWN: in any). */
static pgy_status *name_in(px_half *h, px_half_scope *scope, px_str name, pgy_dtype wanted,
                           px_str *out)
{
    pgy_status *st = NULL;
    while (scope && !px_map_has(&scope->values, name))
        scope = scope->outer;
    px_half_value *v = px_half_find(scope, name);
    if (!v || v->dtype != PGY_DTYPE_F32 || v->is_container)
        return NULL;
    if (wanted == PGY_DTYPE_UNKNOWN)
        wanted = v->f32_name.len > 0 ? PGY_DTYPE_F32 : h->how->to;
    const bool is_half = wanted != PGY_DTYPE_F32;
    px_str *found = is_half ? &v->half_name : &v->f32_name;
    if (found->len == 0) {
        px_str from = is_half ? v->f32_name : v->half_name, made = {0};
        PX_TRY(new_name(h, name, pgy_dtype_name(wanted), &made));
        PX_TRY(append_cast(h, scope, from, made, wanted));
        *found = made;
    }
    *out = *found;
done:
    return st;
}

/* --- attributes --- */

static pgy_status *add_attr(px_half *h, px_onnx_node *node, px_onnx_attr attr)
{
    px_onnx_attr *at = px_arena_calloc(&h->m->arena, node->n_attrs + 1, sizeof *at);
    if (!at)
        return px_status_nomem();
    if (node->n_attrs > 0)
        memcpy(at, node->attrs, node->n_attrs * sizeof *at);
    attr.is_edited = true;
    at[node->n_attrs++] = attr;
    node->attrs = at;
    node->is_edited = true;
    return NULL;
}

/* The attribute becomes a tensor in the half type, under the name "value". */
static pgy_status *set_tensor(px_half *h, px_onnx_attr *a)
{
    pgy_status *st = NULL;
    px_onnx_tensor *t = px_arena_alloc(&h->m->arena, sizeof *t);
    if (!t)
        PX_TRY(px_status_nomem());
    if (a->type == PX_ONNX_ATTR_TENSOR)
        PX_TRY(half_tensor(h, a->t, t));
    else if (a->type == PX_ONNX_ATTR_FLOATS)
        PX_TRY(half_values(h, a->floats, a->n, 1, t));
    else
        PX_TRY(half_values(h, &a->f, 1, 0, t));
    if (a->type == PX_ONNX_ATTR_TENSOR)
        a->t = t;
    else
        *a = (px_onnx_attr){.name = PX_STR("value"), .type = PX_ONNX_ATTR_TENSOR, .t = t, .n = 1};
    a->is_edited = true;
done:
    return st;
}

static bool names_a_type(px_str name)
{
    return px_str_is(name, "to") || px_str_is(name, "dtype") || px_str_is(name, "output_dtype") ||
           px_str_is(name, "output_datatype");
}

/* Name of the attribute that must be added because its default is float32; NULL: none. */
static const char *missing_type_attr(const px_onnx_node *node)
{
    const px_str op = node->op_type;
    if ((px_str_is(op, "RandomNormal") || px_str_is(op, "RandomUniform")) &&
        !px_onnx_node_attr(node, "dtype"))
        return "dtype";
    if ((px_str_ends(op, "Window") || px_str_is(op, "MelWeightMatrix")) &&
        !px_onnx_node_attr(node, "output_datatype"))
        return "output_datatype";
    return NULL;
}

static pgy_status *convert_attrs(px_half *h, px_onnx_node *node)
{
    pgy_status *st = NULL;
    const bool is_constant = px_str_is(node->op_type, "Constant");
    const bool is_fill = px_str_is(node->op_type, "ConstantOfShape");
    for (size_t i = 0; i < node->n_attrs; i++) {
        px_onnx_attr *a = &node->attrs[i];
        if (a->type == PX_ONNX_ATTR_INT && a->i == PGY_DTYPE_F32 && names_a_type(a->name)) {
            a->i = h->how->to;
            a->is_edited = true;
        }
        const bool is_value = px_str_is(a->name, "value") && a->t && a->t->dtype == PGY_DTYPE_F32;
        const bool is_plain =
            px_str_is(a->name, "value_float") || px_str_is(a->name, "value_floats");
        if (((is_constant || is_fill) && is_value) || (is_constant && is_plain))
            PX_TRY(set_tensor(h, a));
    }
    if (is_fill && !px_onnx_node_attr(node, "value")) {
        px_onnx_tensor *zero = px_arena_alloc(&h->m->arena, sizeof *zero);
        if (!zero)
            PX_TRY(px_status_nomem());
        PX_TRY(half_values(h, &(float){0}, 1, 1, zero));
        PX_TRY(
            add_attr(h, node,
                     (px_onnx_attr){
                         .name = PX_STR("value"), .type = PX_ONNX_ATTR_TENSOR, .t = zero, .n = 1}));
    }
    const char *missing = missing_type_attr(node);
    if (missing)
        PX_TRY(add_attr(
            h, node,
            (px_onnx_attr){.name = px_str_of(missing), .type = PX_ONNX_ATTR_INT, .i = h->how->to}));
done:
    return st;
}

/* --- graphs --- */

static pgy_status *rewrite_graph(px_half *h, px_onnx_graph *g, const px_onnx_node *owner);

static void retype(const px_half *h, px_onnx_value_info *v)
{
    if (v->type.kind != PX_ONNX_TYPE_TENSOR || v->type.dtype != PGY_DTYPE_F32)
        return;
    v->type.dtype = h->how->to;
    v->is_edited = true;
}

static pgy_status *rewrite_inputs(px_half *h, px_half_scope *scope, px_onnx_graph *g)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < g->n_inputs; i++) {
        px_half_value *v = px_map_get(&scope->values, g->inputs[i].name);
        if (!v || v->dtype != PGY_DTYPE_F32)
            continue;
        *(v->is_half ? &v->half_name : &v->f32_name) = g->inputs[i].name;
        if (v->is_half)
            retype(h, &g->inputs[i]);
    }
    const size_t n = g->n_initializers;
    px_onnx_tensor *at = px_arena_calloc(&h->m->arena, 2 * n, sizeof *at);
    if (n > 0 && !at)
        PX_TRY(px_status_nomem());
    size_t n_made = n;
    for (size_t i = 0; i < n; i++) {
        at[i] = g->initializers[i];
        px_half_value *v = px_map_get(&scope->values, at[i].name);
        if (!v || at[i].dtype != PGY_DTYPE_F32)
            continue;
        v->f32_name = at[i].name;
        if (!v->wants_half)
            continue;
        px_onnx_tensor *made = v->wants_f32 ? &at[n_made++] : &at[i];
        PX_TRY(half_tensor(h, &g->initializers[i], made));
        if (v->wants_f32)
            PX_TRY(new_name(h, at[i].name, pgy_dtype_name(h->how->to), &made->name));
        else
            v->f32_name = (px_str){0};
        v->half_name = made->name;
    }
    g->initializers = at;
    g->n_initializers = n_made;
    for (size_t i = 0; i < g->n_inputs; i++) { /* those that have an initializer */
        px_half_value *v = px_map_get(&scope->values, g->inputs[i].name);
        if (v && v->is_weight && px_str_eq(v->half_name, g->inputs[i].name))
            retype(h, &g->inputs[i]);
    }
done:
    return st;
}

/* Names a node's outputs and appends it, behind it the casts to outputs of the model. */
static pgy_status *rewrite_outputs(px_half *h, px_half_scope *scope, px_onnx_node *node,
                                   const px_map *graph_outputs)
{
    pgy_status *st = NULL;
    const size_t n = node->n_outputs;
    px_str *old = px_arena_calloc(&h->m->arena, n, sizeof *old);
    if (!old)
        PX_TRY(px_status_nomem());
    for (size_t k = 0; k < n; k++) {
        px_half_value *v = px_map_get(&scope->values, node->outputs[k]);
        if (!v || v->dtype != PGY_DTYPE_F32 || v->is_container)
            continue;
        const px_str name = node->outputs[k];
        *(v->is_half ? &v->half_name : &v->f32_name) = name;
        if (!v->is_half || !px_map_has(graph_outputs, name))
            continue;
        /* An output of the model keeps its name and type. */
        PX_TRY(new_name(h, name, pgy_dtype_name(h->how->to), &v->half_name));
        v->f32_name = old[k] = name;
        node->outputs[k] = v->half_name;
        node->is_edited = true;
    }
    PX_TRY(append(scope, node));
    for (size_t k = 0; k < n; k++)
        if (old[k].len > 0)
            PX_TRY(append_cast(h, scope, node->outputs[k], old[k], PGY_DTYPE_F32));
done:
    return st;
}

static pgy_status *rewrite_node(px_half *h, px_half_scope *scope, px_onnx_node node,
                                const px_map *graph_outputs)
{
    pgy_status *st = NULL;
    bool is_kept = px_half_keeps(h, scope, &node);
    px_half_value *weight = node.n_inputs == 0 && node.n_outputs == 1
                                ? px_map_get(&scope->values, node.outputs[0])
                                : NULL;
    if (weight && weight->is_weight) {
        weight->is_half = weight->wants_half && !weight->wants_f32;
        is_kept |= !weight->is_half;
    }
    for (size_t i = 0; i < node.n_inputs; i++) {
        const px_half_value *v = px_half_find(scope, node.inputs[i]);
        px_str name = node.inputs[i];
        if (!v)
            continue;
        PX_TRY(name_in(h, scope, name, px_half_wanted(h, &node, i, v, is_kept), &name));
        node.is_edited |= !px_str_eq(name, node.inputs[i]);
        node.inputs[i] = name;
    }
    for (size_t i = 0; i < node.n_attrs; i++)
        for (size_t k = 0; node.attrs[i].g && k < node.attrs[i].n; k++)
            PX_TRY(rewrite_graph(h, &node.attrs[i].g[k], &node));
    if (!is_kept)
        PX_TRY(convert_attrs(h, &node));
    PX_TRY(rewrite_outputs(h, scope, &node, graph_outputs));
done:
    return st;
}

/* What a graph inside a node gives out has the types of the node's outputs. */
static pgy_status *rewrite_inner_outputs(px_half *h, px_half_scope *scope, px_onnx_graph *g)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < g->n_outputs; i++) {
        px_onnx_value_info *out = &g->outputs[i];
        const px_half_value *v = px_half_find(scope, out->name);
        if (!v || v->dtype != PGY_DTYPE_F32 || v->is_container)
            continue;
        px_str name = out->name;
        PX_TRY(name_in(h, scope, name, scope->is_kept ? PGY_DTYPE_F32 : h->how->to, &name));
        out->is_edited |= !px_str_eq(name, out->name);
        out->name = name;
        if (!scope->is_kept)
            retype(h, out);
    }
done:
    return st;
}

static pgy_status *rewrite_graph(px_half *h, px_onnx_graph *g, const px_onnx_node *owner)
{
    pgy_status *st = NULL;
    px_map outputs = {0};
    px_half_scope *scope = h->scopes[h->next_scope++];
    for (size_t i = 0; !owner && i < g->n_outputs; i++)
        PX_TRY(px_map_set(&outputs, g->outputs[i].name, NULL));
    PX_TRY(rewrite_inputs(h, scope, g));
    for (size_t i = 0; i < g->n_nodes; i++)
        PX_TRY(rewrite_node(h, scope, g->nodes[i], &outputs));
    if (owner)
        PX_TRY(rewrite_inner_outputs(h, scope, g));
    px_onnx_node *nodes = px_arena_calloc(&h->m->arena, scope->n, sizeof *nodes);
    if (scope->n > 0 && !nodes)
        PX_TRY(px_status_nomem());
    if (scope->n > 0)
        memcpy(nodes, scope->at, scope->n * sizeof *nodes);
    g->nodes = nodes;
    g->n_nodes = scope->n;
    for (size_t i = 0; i < g->n_value_infos; i++) {
        const px_half_value *v = px_map_get(&scope->values, g->value_infos[i].name);
        if (v && px_str_eq(v->half_name, g->value_infos[i].name))
            retype(h, &g->value_infos[i]);
    }
done:
    px_map_fini(&outputs);
    return st;
}

pgy_status *px_onnx_to_half(pgy_context *cx, px_onnx_model *m, const px_onnx_half_options *how,
                            px_onnx_half_report *out)
{
    pgy_status *st = NULL;
    px_half h = {.cx = cx, .m = m, .how = how};
    h.opset = px_onnx_opset_of(m->opsets, m->n_opsets, PX_STR(""));
    if (h.opset < MIN_OPSET)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "Only models of opset %d or newer can change their precision; this one has "
                       "opset %lld. Convert it with onnx.version_converter first",
                       MIN_OPSET, (long long)h.opset));
    PX_TRY(px_half_plan(&h, &m->graph, NULL, NULL, false));
    PX_TRY(rewrite_graph(&h, &m->graph, NULL));
    *out = h.report;
done:
    for (size_t i = 0; i < h.n_scopes; i++) {
        px_map_fini(&h.scopes[i]->values);
        px_mem_free(h.scopes[i]->at);
    }
    px_mem_free(h.scopes);
    px_map_fini(&h.names);
    px_arena_fini(&h.arena);
    return px_status_while(st, "converting the model to %s", pgy_dtype_name(how->to));
}
