/* model/terms.h - how many numbers are added up on the way to an output.
 *
 * Rounding errors of a sum of n terms grow like the square root of n, so this tells what a float
 * type can be expected to give.
 */
#ifndef PX_MODEL_TERMS_H
#define PX_MODEL_TERMS_H

#include "model/onnx.h"
#include "model/onnx_infer.h"

/* Of the path with most terms from the inputs to one output. */
typedef struct px_terms {
    double n;         /* terms added up, over all layers of the path; at least 1 */
    int64_t longest;  /* terms of the longest single sum on any path; 1: nothing is added up */
    int64_t n_layers; /* nodes that compute, on the path */
    /* Kernels of sigmoid, tanh and erf promise digits of 1, not of a result near 0. This is that 1
     * for what such a function makes, 0 for everything else. */
    double range;
} px_terms;

/* The terms of every value of a main graph. */
typedef struct px_terms_map px_terms_map;

/* Shapes give the lengths of sums; a sum whose operands have no known shape counts as one of 64
 * terms. What a subgraph adds up counts for the node that holds it, once. `how` (may be NULL)
 * states input shapes. `out` is freed with px_terms_map_free and must not outlive `model`.
 * Errors: NOMEM. */
PX_MUST_USE pgy_status *px_terms_map_new(pgy_context *cx, const px_onnx_model *model,
                                         const px_onnx_infer_options *how, px_terms_map **out);
/* NULL when no node makes `value`. */
const px_terms *px_terms_map_get(const px_terms_map *map, px_str value);
void px_terms_map_free(px_terms_map *map); /* accepts NULL */

#endif
