/* onnx_nodes/list_ops.c - prints the interpreter's operator rows, one a line, separated by tabs:
 * domain (may be empty), name, since, min_in, max_in, min_out, max_out (-1: any number). */
#include "backend/ref/ref.h"

#include <stdio.h>

int main(void)
{
    const px_ref_family *const *families;
    const size_t n = px_ref_families(&families);
    for (size_t f = 0; f < n; f++)
        for (size_t i = 0; i < families[f]->n; i++) {
            const px_ref_op *op = &families[f]->ops[i];
            printf("%s\t%s\t%d\t%d\t%d\t%d\t%d\n", op->domain, op->name, op->since, op->min_in,
                   op->max_in, op->min_out, op->max_out);
        }
    return 0;
}
