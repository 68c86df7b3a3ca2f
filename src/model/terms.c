/* model/terms.c - see terms.h. */
#include "model/terms.h"

#include "model/geometry.h"

#define UNKNOWN_SUM 64
#define MAX_DEPTH 16 /* of graphs in graphs */

/* Where the number of terms of one of an operator's sums is read. */
typedef enum rule {
    RULE_FILTER, /* dims of the weights but the first: output channels */
    RULE_TRANSPOSED /* dims of the weights but the second, which is output channels; groups */,
    RULE_PRODUCT,   /* the dim before the last of the weights; the last when transposed */
    RULE_RECURRENT, /* the weights' last dim, and the state's */
    RULE_ATTRIBUTE, /* an integer attribute, `name` */
    RULE_WINDOW,    /* the elements of attribute kernel_shape */
    RULE_REDUCED,   /* elements of the input for each of the output's */
    RULE_LARGEST    /* the largest dim of the input: a bound where axes need not be looked at */
} rule;

static const struct summing_op {
    const char *op;
    rule rule;
    size_t input; /* that holds the weights, or is reduced */
    const char *name;
} summing_ops[] = {
    {"Conv", RULE_FILTER, 1, NULL},
    {"ConvInteger", RULE_FILTER, 1, NULL},
    {"ConvTranspose", RULE_TRANSPOSED, 1, NULL},
    {"DeformConv", RULE_FILTER, 1, NULL},
    {"FusedConv", RULE_FILTER, 1, NULL},
    {"QLinearConv", RULE_FILTER, 3, NULL},
    {"Gemm", RULE_PRODUCT, 1, "transB"},
    {"FusedGemm", RULE_PRODUCT, 1, "transB"},
    {"QGemm", RULE_PRODUCT, 3, "transB"},
    {"MatMul", RULE_PRODUCT, 1, NULL},
    {"FusedMatMul", RULE_PRODUCT, 1, "transB"},
    {"TransposeMatMul", RULE_PRODUCT, 1, "transB"},
    {"MatMulInteger", RULE_PRODUCT, 1, NULL},
    {"MatMulIntegerToFloat", RULE_PRODUCT, 1, NULL},
    {"DynamicQuantizeMatMul", RULE_PRODUCT, 1, NULL},
    {"QLinearMatMul", RULE_PRODUCT, 3, NULL},
    {"MatMulNBits", RULE_ATTRIBUTE, 0, "K"},
    {"LSTM", RULE_RECURRENT, 1, "hidden_size"},
    {"GRU", RULE_RECURRENT, 1, "hidden_size"},
    {"RNN", RULE_RECURRENT, 1, "hidden_size"},
    {"DynamicQuantizeLSTM", RULE_RECURRENT, 1, "hidden_size"},
    {"LRN", RULE_ATTRIBUTE, 0, "size"},
    {"AveragePool", RULE_WINDOW, 0, NULL},
    {"LpPool", RULE_WINDOW, 0, NULL},
    {"ReduceSum", RULE_REDUCED, 0, NULL},
    {"ReduceMean", RULE_REDUCED, 0, NULL},
    {"ReduceProd", RULE_REDUCED, 0, NULL},
    {"ReduceL1", RULE_REDUCED, 0, NULL},
    {"ReduceL2", RULE_REDUCED, 0, NULL},
    {"ReduceSumSquare", RULE_REDUCED, 0, NULL},
    {"ReduceLogSum", RULE_REDUCED, 0, NULL},
    {"ReduceLogSumExp", RULE_REDUCED, 0, NULL},
    {"GlobalAveragePool", RULE_REDUCED, 0, NULL},
    {"GlobalLpPool", RULE_REDUCED, 0, NULL},
    {"CumSum", RULE_LARGEST, 0, NULL},
    {"CumProd", RULE_LARGEST, 0, NULL},
    {"DFT", RULE_LARGEST, 0, NULL},
    {"STFT", RULE_LARGEST, 2, NULL},
    {"Einsum", RULE_LARGEST, 0, NULL},
    {"Softmax", RULE_LARGEST, 0, NULL},
    {"LogSoftmax", RULE_LARGEST, 0, NULL},
    {"LayerNormalization", RULE_LARGEST, 0, NULL},
    {"RMSNormalization", RULE_LARGEST, 0, NULL},
    {"SimplifiedLayerNormalization", RULE_LARGEST, 0, NULL},
    {"SkipLayerNormalization", RULE_LARGEST, 0, NULL},
    {"SkipSimplifiedLayerNormalization", RULE_LARGEST, 0, NULL},
    {"EmbedLayerNormalization", RULE_LARGEST, 2, NULL},
    {"InstanceNormalization", RULE_LARGEST, 0, NULL},
    {"GroupNormalization", RULE_LARGEST, 0, NULL},
    {"MeanVarianceNormalization", RULE_LARGEST, 0, NULL},
    {"LpNormalization", RULE_LARGEST, 0, NULL},
    {"Attention", RULE_LARGEST, 0, NULL},
    {"QAttention", RULE_LARGEST, 1, NULL},
    {"MultiHeadAttention", RULE_LARGEST, 0, NULL},
    {"GroupQueryAttention", RULE_LARGEST, 0, NULL},
    {"LinearAttention", RULE_LARGEST, 0, NULL},
    {"FlexAttention", RULE_LARGEST, 0, NULL},
};

struct px_terms_map {
    px_onnx_types *types;
    px_map of_value; /* name: one of of_node */
    px_terms *of_node;
};

typedef struct shape {
    int rank; /* -1: not known */
    int64_t dims[PX_MAX_RANK];
} shape;

/* Inside a subgraph only its own initializers have shapes. */
static shape shape_of(const px_onnx_types *types, const px_onnx_graph *graph, px_str name)
{
    shape out = {.rank = -1};
    for (size_t i = 0; types == NULL && i < graph->n_initializers; i++) {
        const px_onnx_tensor *t = &graph->initializers[i];
        if (px_str_eq(t->name, name) && t->rank <= PX_MAX_RANK) {
            out.rank = t->rank;
            memcpy(out.dims, t->dims, (size_t)t->rank * sizeof *t->dims);
        }
    }
    const px_onnx_type *type = types ? px_onnx_types_get(types, name) : NULL;
    if (type == NULL || type->kind != PX_ONNX_TYPE_TENSOR || type->rank > PX_MAX_RANK)
        return out;
    out.rank = type->rank;
    for (int d = 0; d < type->rank; d++) {
        out.dims[d] = type->dims[d].value;
        if (out.dims[d] < 0)
            return (shape){.rank = -1};
    }
    return out;
}

static int64_t attr_int(const px_onnx_node *node, const char *name, int64_t otherwise)
{
    const px_onnx_attr *a = name ? px_onnx_node_attr(node, name) : NULL;
    return a ? a->i : otherwise;
}

static int64_t window_size(const px_onnx_node *node)
{
    const px_onnx_attr *a = px_onnx_node_attr(node, "kernel_shape");
    return a && a->n > 0 && a->n <= PX_MAX_RANK ? px_geo_span(a->ints, 0, (int)a->n) : 0;
}

static int64_t largest_dim(const shape *s)
{
    int64_t largest = 0;
    for (int d = 0; d < s->rank; d++)
        largest = PX_MAX(largest, s->dims[d]);
    return largest;
}

/* Terms of one sum whose weights (or reduced input) are `w`; 0: not known. */
static int64_t known_sum(const struct summing_op *op, const px_onnx_node *node, const shape *w,
                         const shape *out)
{
    if (op->rule == RULE_ATTRIBUTE)
        return attr_int(node, op->name, 0);
    if (op->rule == RULE_WINDOW)
        return window_size(node);
    if (w->rank < 1)
        return 0;
    switch (op->rule) {
    case RULE_FILTER:
        return px_geo_span(w->dims, 1, w->rank);
    case RULE_TRANSPOSED:
        return w->rank < 2 ? 0
                           : w->dims[0] / PX_MAX(1, attr_int(node, "group", 1)) *
                                 px_geo_span(w->dims, 2, w->rank);
    case RULE_PRODUCT:
        return w->dims[attr_int(node, op->name, 0) ? w->rank - 1 : PX_MAX(0, w->rank - 2)];
    case RULE_RECURRENT:
        return w->dims[w->rank - 1] + attr_int(node, op->name, 0);
    case RULE_REDUCED:
        return out->rank < 0 ? px_geo_span(w->dims, 0, w->rank)
                             : px_geo_span(w->dims, 0, w->rank) /
                                   PX_MAX(1, px_geo_span(out->dims, 0, out->rank));
    default:
        return largest_dim(w);
    }
}

static double range_of(const px_onnx_node *node)
{
    static const char *const bounded[] = {"Sigmoid", "Tanh", "Erf"};
    for (size_t i = 0; i < PX_COUNTOF(bounded); i++)
        if (px_str_is(node->op_type, bounded[i]))
            return 1.0;
    return 0.0;
}

static px_terms subgraph_terms(const px_onnx_graph *graph, int depth);

/* What a node adds to the terms of a path through it. */
static px_terms own_terms(const px_onnx_types *types, const px_onnx_graph *graph,
                          const px_onnx_node *node, int depth)
{
    px_terms own = {1, 1, 1, range_of(node)};
    for (size_t i = 0; i < node->n_attrs; i++)
        for (size_t k = 0; node->attrs[i].g != NULL && k < PX_MAX(node->attrs[i].n, (size_t)1);
             k++) {
            const px_terms inner = subgraph_terms(&node->attrs[i].g[k], depth + 1);
            own.n += inner.n;
            own.longest = PX_MAX(own.longest, inner.longest);
        }
    for (size_t i = 0; i < PX_COUNTOF(summing_ops); i++) {
        const struct summing_op *op = &summing_ops[i];
        if (!px_str_is(node->op_type, op->op))
            continue;
        const shape w = op->input < node->n_inputs ? shape_of(types, graph, node->inputs[op->input])
                                                   : (shape){.rank = -1};
        const shape out =
            node->n_outputs > 0 ? shape_of(types, graph, node->outputs[0]) : (shape){.rank = -1};
        const int64_t known = known_sum(op, node, &w, &out);
        own.longest = known > 0 ? known : UNKNOWN_SUM;
        own.n = (double)own.longest;
    }
    return own;
}

/* All nodes as if they stood in one row. */
static px_terms subgraph_terms(const px_onnx_graph *graph, int depth)
{
    px_terms all = {0, 1, 0, 0};
    for (size_t i = 0; depth < MAX_DEPTH && i < graph->n_nodes; i++) {
        const px_terms own = own_terms(NULL, graph, &graph->nodes[i], depth);
        all.n += own.n;
        all.longest = PX_MAX(all.longest, own.longest);
    }
    return all;
}

static pgy_status *walk(px_terms_map *map, const px_onnx_graph *graph)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const px_onnx_node *node = &graph->nodes[i];
        px_terms best = {0};
        int64_t longest = 1;
        for (size_t k = 0; k < node->n_inputs; k++) {
            const px_terms *from = px_map_get(&map->of_value, node->inputs[k]);
            if (from == NULL)
                continue;
            longest = PX_MAX(longest, from->longest);
            if (from->n > best.n)
                best = *from;
        }
        const px_terms own = own_terms(map->types, graph, node, 0);
        map->of_node[i] =
            (px_terms){best.n + own.n, PX_MAX(longest, own.longest), best.n_layers + 1, own.range};
        for (size_t k = 0; k < node->n_outputs; k++)
            PX_TRY(px_map_set(&map->of_value, node->outputs[k], &map->of_node[i]));
    }
done:
    return st;
}

pgy_status *px_terms_map_new(pgy_context *cx, const px_onnx_model *model,
                             const px_onnx_infer_options *how, px_terms_map **out)
{
    pgy_status *st = NULL;
    px_terms_map *made = NULL;
    PX_TRY(PX_ALLOC(made, 1));
    PX_TRY(PX_ALLOC(made->of_node, model->graph.n_nodes + 1));
    PX_TRY(px_onnx_infer(cx, model, how, &made->types));
    PX_TRY(walk(made, &model->graph));
    *out = made;
    made = NULL;
done:
    px_terms_map_free(made);
    return st;
}

const px_terms *px_terms_map_get(const px_terms_map *map, px_str value)
{
    return px_map_get(&map->of_value, value);
}

void px_terms_map_free(px_terms_map *map)
{
    if (map == NULL)
        return;
    px_map_fini(&map->of_value);
    px_onnx_types_free(map->types);
    px_mem_free(map->of_node);
    px_mem_free(map);
}
