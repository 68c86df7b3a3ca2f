/* load_graph.h - loads every tensor of a graph; shared by unit tests and fuzzers. */
#ifndef LOAD_GRAPH_H
#define LOAD_GRAPH_H

#include "model/onnx.h"

static inline void load_one(const px_onnx_model *m, const px_onnx_tensor *t, size_t *n_loaded,
                            size_t *n_failed)
{
    pgy_tensor *tensor = NULL;
    pgy_status *st = px_onnx_tensor_load(m, t, &tensor);
    ++*(st ? n_failed : n_loaded);
    if (!st && t->dtype != PGY_DTYPE_STRING) { /* touch the last byte */
        size_t size = pgy_tensor_size(tensor);
        volatile char c = size ? ((const char *)pgy_tensor_data(tensor))[size - 1] : 0;
        PX_UNUSED(c);
    }
    pgy_tensor_free(tensor);
    pgy_status_free(st);
}

/* Loads every tensor that can be reached, subgraphs included; `n_failed` counts errors. */
static inline void load_graph(const px_onnx_model *m, const px_onnx_graph *g, size_t *n_loaded,
                              size_t *n_failed)
{
    for (size_t i = 0; i < g->n_initializers; i++)
        load_one(m, &g->initializers[i], n_loaded, n_failed);
    for (size_t i = 0; i < g->n_nodes; i++) {
        for (size_t k = 0; k < g->nodes[i].n_attrs; k++) {
            const px_onnx_attr *a = &g->nodes[i].attrs[k];
            for (size_t j = 0; a->t && j < a->n; j++)
                load_one(m, &a->t[j], n_loaded, n_failed);
            for (size_t j = 0; a->g && j < a->n; j++)
                load_graph(m, &a->g[j], n_loaded, n_failed);
        }
    }
}

#endif
