/* model/longest_sum.h - how many terms an element of some output is the sum of, at most. */
#ifndef PX_MODEL_LONGEST_SUM_H
#define PX_MODEL_LONGEST_SUM_H

#include "model/onnx.h"

/* The longest sum of the matrix products and convolutions whose weights are initializers of the
 * main graph: what can be known without running it. 0 when there is none. */
int64_t px_onnx_longest_sum(const px_onnx_graph *graph);

#endif
