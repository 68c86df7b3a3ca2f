/* backend/outputs.c - one iteration's outputs: names and tensors, filled by a backend. */
#include "backend/outputs.h"

pgy_status *pgy_outputs_add(pgy_outputs *out, const char *name, pgy_tensor *take_tensor)
{
    pgy_status *st = NULL;
    char *copy = px_mem_strdup(name);
    if (copy == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(PX_RESERVE(out, 1));
    out->at[out->n++] = (px_named_tensor){.name = copy, .tensor = take_tensor};
    copy = NULL;
    take_tensor = NULL;
done:
    px_mem_free(copy);
    pgy_tensor_free(take_tensor);
    return st;
}

void pgy_outputs_set_elapsed(pgy_outputs *out, uint64_t elapsed_ns)
{
    out->elapsed_ns = elapsed_ns;
}

void px_outputs_clear(pgy_outputs *out)
{
    for (size_t i = 0; i < out->n; i++) {
        px_mem_free(out->at[i].name);
        pgy_tensor_free(out->at[i].tensor);
    }
    px_mem_free(out->at);
    *out = (pgy_outputs){0};
}
