/* fuzz_onnx.c - any bytes as an ONNX model: an error or a model whose tensors load or fail. */
#include "../unit/model/load_graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    px_onnx_model *m = NULL;
    pgy_status *st = px_onnx_parse((px_str){(const char *)data, size}, "/nonexistent", &m);
    if (!st) {
        size_t n_loaded = 0, n_failed = 0;
        load_graph(m, &m->graph, &n_loaded, &n_failed);
        px_onnx_free(m);
    }
    pgy_status_free(st);
    return 0;
}
