/* backend/ref/registry.c - the operator families of the reference interpreter.
 *
 * A new family is a file op/<name>.c that defines px_ref_family_<name>, and one line in
 * families.inc.
 */
#include "backend/ref/ref.h"

#define X(name) extern const px_ref_family px_ref_family_##name;
#include "backend/ref/families.inc"
#undef X

#define X(name) &px_ref_family_##name,
static const px_ref_family *const families[] = {
#include "backend/ref/families.inc"
};
#undef X

static bool str_is(px_str a, const char *b)
{
    return a.len > 0 ? strncmp(a.ptr, b, a.len) == 0 && b[a.len] == '\0' : b[0] == '\0';
}

/* Linear: a plan looks up each of its nodes once, which costs less than building an index. */
const px_ref_op *px_ref_op_find(px_str domain, px_str name, int64_t opset)
{
    if (px_str_is(domain, "ai.onnx"))
        domain = (px_str){0};
    for (size_t f = 0; f < PX_COUNTOF(families); f++) {
        const px_ref_op *best = NULL;
        for (size_t i = 0; i < families[f]->n; i++) {
            const px_ref_op *op = &families[f]->ops[i];
            if (op->since <= opset && str_is(name, op->name) && str_is(domain, op->domain))
                best = op;
        }
        if (best)
            return best;
    }
    return NULL;
}

size_t px_ref_families(const px_ref_family *const **out)
{
    *out = families;
    return PX_COUNTOF(families);
}

bool px_ref_op_takes_f32(const px_ref_op *op, size_t i)
{
    static const struct {
        const char *name;
        size_t input;
    } weights[] = {{"Conv", 1}, {"Gather", 0}, {"Gemm", 1}, {"MatMul", 1}};
    for (size_t k = 0; k < PX_COUNTOF(weights); k++)
        if (op->domain[0] == '\0' && strcmp(op->name, weights[k].name) == 0)
            return i == weights[k].input;
    return false;
}
