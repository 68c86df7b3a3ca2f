/* fuzz_onnx.c - any bytes as an ONNX model: an error, or a model whose tensors load or fail and
 * whose shapes can be inferred, twice with the same result. */
#include "../unit/model/load_graph.h"
#include "model/onnx_infer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    px_onnx_model *m = NULL;
    pgy_status *st = px_onnx_parse((px_str){(const char *)data, size}, "/nonexistent", &m);
    if (!st) {
        size_t n_loaded = 0, n_failed = 0;
        load_graph(m, &m->graph, &n_loaded, &n_failed);
        for (int i = 0; i < 2 && !st; i++) {
            size_t n_new = 0;
            st = px_onnx_infer_shapes(NULL, m, &n_new);
            if (i == 1 && n_new != 0)
                abort();
        }
        px_onnx_free(m);
    }
    pgy_status_free(st);
    return 0;
}
