/* compare/repeat.h - --repeat: does a runner give the same bits again?
 *
 * Three levels, each of `n` passes over all inputs that are compared with one first pass:
 * - runs: the same session once more;
 * - sessions: a new session on what was built, in the runtime that is loaded;
 * - builds: the runtime loaded anew and the model built from scratch.
 * Where a backend makes no difference between opening and building, a session is built each time.
 *
 * Memory holds the outputs of the first pass, above the budget in a temporary file, and one
 * iteration of the pass at hand.
 */
#ifndef PX_COMPARE_REPEAT_H
#define PX_COMPARE_REPEAT_H

#include "compare/bits.h"
#include "runner/loop.h"

typedef enum px_repeat_level {
    PX_REPEAT_RUNS,
    PX_REPEAT_SESSIONS,
    PX_REPEAT_BUILDS
} px_repeat_level;
#define PX_N_REPEAT_LEVELS 3

/* What one level showed: the first pass that differs, in it the first iteration. */
typedef struct px_repeat_finding {
    bool differs;
    int64_t pass, iteration;    /* the pass counts from 2: the second, the third, ... */
    size_t n_outputs, n_differ; /* in that iteration */
    char *output;               /* the first that differs, in the order of `positions` */
    px_bits bits;               /* of that one */
    bool outputs_changed;       /* their names or number, so that none was compared */
} px_repeat_finding;

typedef struct px_repeat {
    int64_t n; /* passes of each level, the first one included */
    int64_t n_iterations;
    px_repeat_finding of[PX_N_REPEAT_LEVELS];
    bool is_deterministic;
} px_repeat;

/* Runs it all in silence. `loop` has kept its feeds; `positions` (may be NULL): output -> 1 +
 * position in the model, the order in which layers run. `runner` is not active before and after.
 * Errors: those of the runner. */
PX_MUST_USE pgy_status *px_repeat_run(const px_loop *loop, px_runner *runner, int64_t n,
                                      const px_map *positions, px_repeat *out);
void px_repeat_fini(px_repeat *repeat);

/* "Runs: every bit is the same" or "Sessions: 'y' differs ...". `node` (may be NULL) names who
 * computes the output. */
void px_repeat_print(px_buf *b, const px_repeat *repeat, px_repeat_level level, const char *node);

#endif
