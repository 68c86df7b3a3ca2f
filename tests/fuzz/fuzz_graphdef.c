/* fuzz_graphdef.c - any bytes as TensorFlow's graph files: an error, or views that lie inside. */
#include "model/graphdef.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(px_str part, px_str whole)
{
    if (part.len > 0 && (part.ptr < whole.ptr || part.ptr + part.len > whole.ptr + whole.len))
        abort();
}

static void check_meta(px_metagraph *m, px_str whole)
{
    check_inside(m->graph.bytes, whole);
    check_inside(m->restore_op, whole);
    check_inside(m->filename_tensor, whole);
    for (size_t i = 0; i < m->n_inputs; i++)
        check_inside(m->inputs[i].tensor, whole);
    for (size_t i = 0; i < m->n_outputs; i++)
        check_inside(m->outputs[i].tensor, whole);
    px_metagraph_fini(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const px_str bytes = {(const char *)data, size};
    px_graphdef graph = {0};
    px_metagraph meta = {0}, saved = {0};
    pgy_status *st = px_graphdef_read(bytes, &graph);
    if (st == NULL)
        check_inside(graph.bytes, bytes);
    pgy_status_free(st);
    st = px_metagraph_read(bytes, &meta);
    if (st == NULL)
        check_meta(&meta, bytes);
    pgy_status_free(st);
    st = px_saved_model_read(bytes, &saved);
    if (st == NULL)
        check_meta(&saved, bytes);
    pgy_status_free(st);
    return 0;
}
