/* runner/golden.h - running pieces of a model on values that another run gave.
 *
 * A piece computes some tensor from tensors whose values are there. What it gives differs from the
 * golden value by the error of the piece alone, however wrong its inputs were in the run that it
 * comes from.
 */
#ifndef PX_RUNNER_GOLDEN_H
#define PX_RUNNER_GOLDEN_H

#include "model/model.h"
#include "model/onnx_part.h"
#include "results/results.h"
#include "runner/runner.h"

typedef struct px_golden {
    pgy_context *cx;
    px_runner *runner; /* not active; see px_golden_init */
    const px_onnx_index *index;
    const px_iteration *values;
    const px_feed *feed; /* the model's inputs */
    px_map known;        /* names in `values` -> 1 + position */
} px_golden;

/* Everything is borrowed. Loads the runner's runtime; px_golden_fini deactivates it. */
PX_MUST_USE pgy_status *px_golden_init(pgy_context *cx, px_runner *runner,
                                       const px_onnx_index *index, const px_iteration *values,
                                       const px_feed *feed, px_golden *out);
void px_golden_fini(px_golden *golden);
/* The golden value; NULL when there is none. The caller gets a reference. */
PX_MUST_USE pgy_status *px_golden_value(const px_golden *golden, px_str name, pgy_tensor **out);

typedef struct px_piece {
    pgy_model *model;
    px_feed inputs; /* golden values, and constants of the graph's inputs */
    size_t n_nodes;
    bool is_whole; /* reads nothing but the graph's inputs: a larger piece would be the same */
} px_piece;

/* The piece that computes the tensors in `wanted`, all of which one node gives, and reads golden
 * values at least `depth` nodes before it; depth 0: the node's own inputs, where they are known. */
PX_MUST_USE pgy_status *px_golden_cut(const px_golden *golden, const px_map *wanted, size_t depth,
                                      px_piece *out);
void px_piece_fini(px_piece *piece);
/* One inference in a session of its own; nothing is logged. */
PX_MUST_USE pgy_status *px_golden_run(const px_golden *golden, const px_piece *piece,
                                      pgy_outputs *out);

#endif
