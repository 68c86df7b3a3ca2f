/* model/infer/registry.c - all operators' shape functions, found by name and version. */
#include "model/infer/infer.h"

#define X(name) extern const px_infer_family px_infer_family_##name;
#include "model/infer/families.inc"
#undef X

static const px_infer_family *const families[] = {
#define X(name) &px_infer_family_##name,
#include "model/infer/families.inc"
#undef X
};

const px_infer_op *px_infer_op_find(px_str domain, px_str name, int64_t opset)
{
    const px_infer_op *best = NULL;
    if (px_str_is(domain, "ai.onnx"))
        domain = PX_STR("");
    for (size_t f = 0; f < PX_COUNTOF(families); f++) {
        for (size_t i = 0; i < families[f]->n; i++) {
            const px_infer_op *op = &families[f]->ops[i];
            if (op->since <= opset && (!best || op->since > best->since) &&
                px_str_is(name, op->name) && px_str_is(domain, op->domain))
                best = op;
        }
    }
    return best;
}
