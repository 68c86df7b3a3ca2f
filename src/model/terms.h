/* model/terms.h - how many numbers are added up on the way to an output.
 *
 * Rounding errors of a sum of n terms grow like the square root of n, so this tells what a float
 * type can be expected to give.
 */
#ifndef PX_MODEL_TERMS_H
#define PX_MODEL_TERMS_H

#include "model/onnx.h"

/* Of the path with most terms from the inputs to one output. */
typedef struct px_terms {
    double n;         /* terms added up, over all layers of the path; at least 1 */
    int64_t longest;  /* terms of its longest single sum */
    int64_t n_layers; /* nodes that compute, on the path */
} px_terms;

/* False when no node makes the output. Weights give the lengths of sums; where they are computed
 * values, a sum counts as one of 64 terms. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_model_terms(const px_onnx_model *model, px_str output, px_terms *out,
                                       bool *out_found);

/* The longest sum of a product with weights in the main graph; 0 when there is none. Errors: NOMEM.
 */
PX_MUST_USE pgy_status *px_model_longest_sum(const px_onnx_model *model, int64_t *out);

#endif
