/* model/onnx.c - ownership and look-ups of the ONNX intermediate representation. */
#include "model/onnx.h"

void px_onnx_free(px_onnx_model *model)
{
    if (!model)
        return;
    for (size_t i = 0; i < model->n_owned; i++)
        pgy_tensor_free(model->owned[i]);
    px_mem_free(model->owned);
    px_arena_fini(&model->arena);
    px_mem_free(model->dir);
    px_mem_free(model);
}

pgy_status *px_onnx_own(px_onnx_model *model, pgy_tensor *t)
{
    pgy_status *st = px_mem_reserve((void **)&model->owned, &model->cap_owned, model->n_owned, 1,
                                    sizeof *model->owned);
    if (st)
        pgy_tensor_free(t);
    else
        model->owned[model->n_owned++] = t;
    return st;
}

const px_onnx_attr *px_onnx_node_attr(const px_onnx_node *node, const char *name)
{
    for (size_t i = 0; i < node->n_attrs; i++)
        if (px_str_is(node->attrs[i].name, name))
            return &node->attrs[i];
    return NULL;
}

static px_str canonical_domain(px_str domain)
{
    return px_str_is(domain, "ai.onnx") ? PX_STR("") : domain;
}

int64_t px_onnx_opset_of(const px_onnx_opset *opsets, size_t n, px_str domain)
{
    for (size_t i = 0; i < n; i++)
        if (px_str_eq(canonical_domain(opsets[i].domain), canonical_domain(domain)))
            return opsets[i].version;
    return 0;
}
