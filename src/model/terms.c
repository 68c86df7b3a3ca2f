/* model/terms.c - see terms.h. */
#include "model/terms.h"

#define UNKNOWN_SUM 64

static bool is_op(const px_onnx_node *node, const char *op)
{
    return px_str_is(node->op_type, op);
}

static int64_t attr_int(const px_onnx_node *node, const char *name, int64_t otherwise)
{
    for (size_t i = 0; i < node->n_attrs; i++) {
        if (px_str_is(node->attrs[i].name, name))
            return node->attrs[i].i;
    }
    return otherwise;
}

static const px_onnx_tensor *weight(const px_map *weights, const px_onnx_node *node, size_t input)
{
    return input < node->n_inputs ? px_map_get(weights, node->inputs[input]) : NULL;
}

static int64_t product(const px_onnx_tensor *t, int first)
{
    int64_t n = 1;
    for (int d = first; d < t->rank; d++) {
        if (t->dims[d] <= 0 || __builtin_mul_overflow(n, t->dims[d], &n))
            return 1;
    }
    return n;
}

/* Which input holds the weights of an operator that adds up products; -1: another operator. */
static int weight_input(const px_onnx_node *node)
{
    static const struct {
        const char *op;
        int input;
    } sums[] = {
        {"Conv", 1},   {"ConvTranspose", 1}, {"ConvInteger", 1},   {"QLinearConv", 3}, {"Gemm", 1},
        {"MatMul", 1}, {"MatMulInteger", 1}, {"QLinearMatMul", 3}, {"LSTM", 1},        {"GRU", 1},
        {"RNN", 1}};
    for (size_t i = 0; i < PX_COUNTOF(sums); i++) {
        if (is_op(node, sums[i].op))
            return sums[i].input;
    }
    return -1;
}

/* Terms of one sum inside a node; 0: it adds up nothing, or its weights are computed values. */
static int64_t known_sum(const px_map *weights, const px_onnx_node *node)
{
    const int input = weight_input(node);
    const px_onnx_tensor *w = input < 0 ? NULL : weight(weights, node, (size_t)input);
    if (w == NULL || w->rank < 1)
        return 0;
    if (is_op(node, "Gemm"))
        return w->rank == 2 ? w->dims[attr_int(node, "transB", 0) ? 1 : 0] : 0;
    if (is_op(node, "MatMul") || is_op(node, "MatMulInteger") || is_op(node, "QLinearMatMul"))
        return w->dims[PX_MAX(0, w->rank - 2)];
    if (is_op(node, "ConvTranspose"))
        return product(w, 2) * PX_MAX(1, w->dims[0] / PX_MAX(1, attr_int(node, "group", 1)));
    if (is_op(node, "LSTM") || is_op(node, "GRU") || is_op(node, "RNN"))
        return product(w, 2) + attr_int(node, "hidden_size", 0);
    return product(w, 1);
}

/* What the node adds to the terms of a path through it. */
static int64_t sum_length(const px_map *weights, const px_onnx_node *node)
{
    if (weight_input(node) < 0)
        return 1;
    const int64_t known = known_sum(weights, node);
    return known > 0 ? known : UNKNOWN_SUM;
}

static pgy_status *index_weights(const px_onnx_graph *graph, px_map *out)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < graph->n_initializers; i++)
        PX_TRY(px_map_set(out, graph->initializers[i].name, &graph->initializers[i]));
done:
    return st;
}

pgy_status *px_model_longest_sum(const px_onnx_model *model, int64_t *out)
{
    pgy_status *st = NULL;
    px_map weights = {0};
    *out = 0;
    PX_TRY(index_weights(&model->graph, &weights));
    for (size_t i = 0; i < model->graph.n_nodes; i++)
        *out = PX_MAX(*out, known_sum(&weights, &model->graph.nodes[i]));
done:
    px_map_fini(&weights);
    return st;
}

static pgy_status *walk(const px_onnx_graph *graph, const px_map *weights, px_terms *of_node,
                        px_map *values)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const px_onnx_node *node = &graph->nodes[i];
        px_terms best = {0};
        for (size_t k = 0; k < node->n_inputs; k++) {
            const px_terms *from = px_map_get(values, node->inputs[k]);
            if (from != NULL && from->n > best.n)
                best = *from;
        }
        const int64_t own = sum_length(weights, node);
        of_node[i] = (px_terms){best.n + (double)own, PX_MAX(best.longest, own), best.n_layers + 1};
        for (size_t k = 0; k < node->n_outputs; k++)
            PX_TRY(px_map_set(values, node->outputs[k], &of_node[i]));
    }
done:
    return st;
}

pgy_status *px_model_terms(const px_onnx_model *model, px_str output, px_terms *out,
                           bool *out_found)
{
    pgy_status *st = NULL;
    px_map weights = {0}, values = {0};
    px_terms *of_node = NULL;
    const px_onnx_graph *graph = &model->graph;
    PX_TRY(PX_ALLOC(of_node, graph->n_nodes + 1));
    PX_TRY(index_weights(graph, &weights));
    PX_TRY(walk(graph, &weights, of_node, &values));
    const px_terms *found = px_map_get(&values, output);
    *out_found = found != NULL;
    *out = found ? *found : (px_terms){1, 1, 0};
done:
    px_map_fini(&weights);
    px_map_fini(&values);
    px_mem_free(of_node);
    return st;
}
