/* model/longest_sum.c - see longest_sum.h. */
#include "model/longest_sum.h"

static const px_onnx_tensor *initializer(const px_onnx_graph *graph, px_str name)
{
    for (size_t i = 0; i < graph->n_initializers; i++)
        if (px_str_eq(graph->initializers[i].name, name))
            return &graph->initializers[i];
    return NULL;
}

static int64_t product(const int64_t *dims, int from, int to)
{
    int64_t n = 1;
    for (int i = from; i < to; i++)
        if (dims[i] < 0 || __builtin_mul_overflow(n, dims[i], &n))
            return 0;
    return n;
}

static bool is_set(const px_onnx_node *node, const char *name)
{
    for (size_t i = 0; i < node->n_attrs; i++)
        if (px_str_is(node->attrs[i].name, name))
            return node->attrs[i].i != 0;
    return false;
}

/* Terms that the operator sums per element when `w` is its second operand; 0: it is no such
 * operator. */
static int64_t terms_of(const px_onnx_node *node, const px_onnx_tensor *w)
{
    const int rank = w->rank;
    if (px_str_is(node->op_type, "Conv") && rank > 2)
        return product(w->dims, 1, rank);
    if (px_str_is(node->op_type, "ConvTranspose") && rank > 2)
        return product(w->dims, 0, rank) / PX_MAX(w->dims[1], INT64_C(1));
    if (px_str_is(node->op_type, "Gemm") && rank == 2)
        return w->dims[is_set(node, "transB") ? 1 : 0];
    if (px_str_is(node->op_type, "MatMul") && rank > 0)
        return w->dims[rank > 1 ? rank - 2 : 0];
    if (px_str_is(node->op_type, "LSTM") || px_str_is(node->op_type, "GRU") ||
        px_str_is(node->op_type, "RNN"))
        return rank > 0 ? w->dims[rank - 1] : 0;
    return 0;
}

int64_t px_onnx_longest_sum(const px_onnx_graph *graph)
{
    int64_t longest = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const px_onnx_node *node = &graph->nodes[i];
        if (node->n_inputs < 2)
            continue;
        const px_onnx_tensor *w = initializer(graph, node->inputs[1]);
        if (w != NULL)
            longest = PX_MAX(longest, terms_of(node, w));
    }
    return longest;
}
