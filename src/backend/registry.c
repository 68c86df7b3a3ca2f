/* backend/registry.c - backends by name: those built in, and those registered on a context. */
#include "backend/registry.h"

#include "backend/trt/setup.h"
#include "base/context.h"

/* In help order. */
static const pgy_backend_ops *const built_in[] = {
    &px_tf_ops,
    &px_onnxrt_ops,
    &px_ref_ops,
    &px_trt_ops,
};

const pgy_backend_ops *px_backend_at(size_t i)
{
    return i < PX_COUNTOF(built_in) ? built_in[i] : NULL;
}

pgy_status *pgy_backend_register(pgy_context *cx, const pgy_backend_ops *ops)
{
    pgy_status *st = NULL;
    /* Members up to `close` exist since the first release; later ones are read only when
     * struct_size says that the backend was built with them. */
    if (ops->struct_size < offsetof(pgy_backend_ops, unload))
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "The backend's struct_size is %zu, less than the %zu bytes of its required "
                       "members. Set it to sizeof(pgy_backend_ops).",
                       ops->struct_size, offsetof(pgy_backend_ops, unload)));
    if (ops->name == NULL || ops->name[0] == '\0' || ops->title == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "A backend needs a name and a title."));
    const char *missing = ops->load == NULL     ? "load"
                          : ops->open == NULL   ? "open"
                          : ops->inputs == NULL ? "inputs"
                          : ops->infer == NULL  ? "infer"
                          : ops->close == NULL  ? "close"
                                                : NULL;
    if (missing != NULL)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "The backend '%s' has no %s function, which is required.",
                       ops->name, missing));
    PX_TRY(px_mem_reserve((void **)&cx->backends, &cx->cap_backends, cx->n_backends, 1,
                          sizeof *cx->backends));
    cx->backends[cx->n_backends++] = ops;
done:
    return st;
}

const pgy_backend_ops *pgy_backend_find(pgy_context *cx, const char *name)
{
    for (size_t i = cx->n_backends; i-- > 0;)
        if (strcmp(cx->backends[i]->name, name) == 0)
            return cx->backends[i];
    for (size_t i = 0; i < PX_COUNTOF(built_in); i++)
        if (strcmp(built_in[i]->name, name) == 0)
            return built_in[i];
    return NULL;
}

void px_backend_unload(const pgy_backend_ops *ops, void *lib)
{
    const bool has_unload =
        ops->struct_size >= offsetof(pgy_backend_ops, unload) + sizeof ops->unload;
    if (lib != NULL && has_unload && ops->unload != NULL)
        ops->unload(lib);
}
