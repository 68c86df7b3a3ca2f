/* compare/batch.h - --check-batch-invariance: is an element of a batch what it is alone?
 *
 * Every iteration's inputs are run once as they are, a batch of B, and then element by element,
 * each as a batch of one. Of every output, element i of the first must be the i-th of the others,
 * within the tolerances of `simple`; whether it is so to the last bit is told too.
 *
 * The batch is the first dimension of every input where the model leaves that open; other inputs
 * are fed whole each time. In outputs it is found by size: k rows for an element, B * k for the
 * batch. Outputs where it is not found belong to no element and are left out, aloud.
 */
#ifndef PX_COMPARE_BATCH_H
#define PX_COMPARE_BATCH_H

#include "compare/args.h"
#include "compare/bits.h"
#include "runner/loop.h"

/* One output over all elements of all iterations. */
typedef struct px_batch_output {
    char *name;
    bool is_left_out;            /* the batch was not found in it */
    int64_t n, n_failed, n_bits; /* elements compared; beyond tolerance; of other bits */
    double max_abs, max_rel;     /* of what has numbers; NaN wins */
    bool has_numbers;
    double atol, rtol;
    px_bits worst; /* of the first element with the largest ULP distance; else the first that
                      differs */
    int64_t worst_iteration, worst_element;
} px_batch_output;

typedef struct px_batch_check {
    int64_t n_elements; /* over all iterations */
    px_batch_output *at;
    size_t n, cap;
    bool is_invariant; /* within tolerances; to the last bit: see n_bits */
} px_batch_check;

/* Before anything runs: does any of a model's inputs leave its first dimension open? Errors: USAGE.
 */
PX_MUST_USE pgy_status *px_batch_check_inputs(const pgy_io *inputs, size_t n);
/* Runs it all in silence. `loop` has kept its feeds; `runner` is not active before and after.
 * Errors: USAGE when the model has no open batch dimension, when inputs disagree about the batch,
 * or when it is 1; UNSUPPORTED for elements that share bytes; those of the runner. */
PX_MUST_USE pgy_status *px_batch_check_run(const px_loop *loop, px_runner *runner,
                                           const px_compare_args *args, px_batch_check *out);
void px_batch_check_fini(px_batch_check *check);

/* "'y': PASSED | 4 element(s), equal to the last bit", or how far they are apart. */
void px_batch_output_print(px_buf *b, const px_batch_output *output);

#endif
