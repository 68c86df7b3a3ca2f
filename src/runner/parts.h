/* runner/parts.h - running a model part by part, so that memory holds one part's tensors.
 *
 * A session that gives every tensor of a graph holds all of them at the end of a run: memory grows
 * with the number of layers. So the graph is cut into parts, one after the other in topological
 * order, whose tensors fit a budget. Each part gets a session of its own for all iterations; what
 * it gives goes to the results, mostly to their temporary file, and from there into the parts that
 * read it. Every node runs exactly once per iteration and every weight is loaded once.
 *
 * Because all tensors are outputs there is nothing that a runtime could fuse across a cut: numbers
 * are those of the whole model (a backend that computes in wider types than it gives out hands
 * those on, see infer_part in polygraphy/backend.h), but for the last bits where a kernel is chosen
 * by what stands next to a node, or by whether a weight is a constant: one that is computed from
 * constants alone reaches a reader in a later part as an input. All runners are cut by the same
 * rule.
 */
#ifndef PX_RUNNER_PARTS_H
#define PX_RUNNER_PARTS_H

#include "results/results.h"
#include "runner/runner.h"

typedef struct px_parts {
    pgy_context *cx;
    px_runner *runner;   /* activated with px_runner_activate_parts */
    const px_run *feeds; /* exactly the model's inputs, one iteration each */
    px_results *results;
    size_t run; /* position of the runner's run in `results`, without iterations yet */
    int64_t n_warm_up;
    uint64_t *elapsed_ns; /* one per iteration, added to */
} px_parts;

/* Fills the run. Errors: those of the model's index, of opening and of running. */
PX_MUST_USE pgy_status *px_parts_run(const px_parts *parts);

/* Bytes of outputs that a part is meant to have, and that results keep in memory meanwhile. */
#define PX_PARTS_BUDGET ((uint64_t)64 << 20)

#endif
