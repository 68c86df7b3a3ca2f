/* backend/outputs.c - one iteration's outputs: names and tensors, filled by a backend. */
#include "backend/outputs.h"

#include "base/str.h"
#include "base/tensor.h"

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

/* A scalar that tells something about `name`. */
static pgy_status *add_about(pgy_outputs *out, const char *name, const char *what, pgy_dtype dtype,
                             const void *value)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    px_buf b = {0};
    PX_TRY(pgy_tensor_new(dtype, 0, NULL, &t));
    memcpy(t->data, value, t->size);
    px_buf_printf(&b, "%s.%s", name, what);
    PX_TRY(px_buf_status(&b));
    PX_TRY(pgy_outputs_add(out, px_buf_cstr(&b), pgy_tensor_ref(t)));
done:
    px_buf_fini(&b);
    pgy_tensor_free(t);
    return st;
}

pgy_status *px_outputs_add_length(pgy_outputs *out, const char *name, size_t n)
{
    return add_about(out, name, "length", PGY_DTYPE_I64, &(int64_t){(int64_t)n});
}

pgy_status *px_outputs_add_presence(pgy_outputs *out, const char *name, bool has_value)
{
    return add_about(out, name, "has_value", PGY_DTYPE_BOOL, &has_value);
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
