/* runner/loop.h - runners times iterations: order, warm-up, timing, and what is logged of it. */
#ifndef PX_RUNNER_LOOP_H
#define PX_RUNNER_LOOP_H

#include "results/results.h"
#include "runner/args.h"
#include "runner/runner.h"
#include "runner/source.h"

typedef struct px_loop {
    pgy_context *cx;
    px_runner **runners;
    size_t n_runners;
    px_feeds_source *source;
    bool keep_feeds; /* for px_loop_feed; several runners in sequence always do */
    const px_runner_args *args;
} px_loop;

/* One runner after the other over all iterations; a runner is deactivated before the next one
 * starts. Appends a run per runner to `results`, but for isolated ones that failed: that is logged,
 * px_runner_has_failed tells, and the others go on.
 * Mirrors: comparator/comparator.py Comparator.run. */
PX_MUST_USE pgy_status *px_loop_sequential(const px_loop *loop, px_results *results);

/* Feed `i` as exactly the inputs of an active runner, after px_loop_sequential, which kept the
 * feeds if there were several runners or keep_feeds is set. `out` is empty and then owned by the
 * caller.
 */
PX_MUST_USE pgy_status *px_loop_feed(const px_loop *loop, px_runner *runner, int64_t i,
                                     px_feed *out);

/* `raw`, feed `i` as it was made or loaded, for an active runner. */
PX_MUST_USE pgy_status *px_loop_adapt(const px_loop *loop, px_runner *runner, int64_t i,
                                      const px_feed *raw, px_feed *out);

/* Who takes what a streaming run makes. */
typedef struct px_stream {
    /* Once, before the first iteration is handed over, or when there is none. Runners that have
     * failed until then take no part. */
    pgy_status *(*begin)(void *user);
    /* One iteration of every runner that has not failed, in runner order, and what they were fed.
     * It may take values out of `one`, which is emptied afterwards. `n`: how many there will be,
     * SIZE_MAX while only the end of a script can tell. `out_stop` ends the run early. */
    pgy_status *(*iteration)(void *user, size_t i, size_t n, const px_feed *fed, px_results *one,
                             bool *out_stop);
    /* Runner `k` failed in iteration `i`, which will be handed over without it. */
    pgy_status *(*left_out)(void *user, size_t k, size_t i);
    void *user;
} px_stream;

/* All runners are active at once; each iteration is run on all of them and handed over. Memory
 * holds one iteration, and the inputs of the next; a script is asked for them one by one. Logs what
 * px_loop_sequential logs, in the order in which things happen. Inputs are saved as they are made.
 * Isolated runners that fail are left out as there. */
PX_MUST_USE pgy_status *px_loop_streaming(const px_loop *loop, const px_stream *to);

#endif
