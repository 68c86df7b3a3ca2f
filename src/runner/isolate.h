/* runner/isolate.h - a runner's session in a process of its own.
 *
 * The child is a fork made before any runtime is loaded in this process; it loads the runtime,
 * opens the session and serves inference. Inputs and outputs travel through shared memory, log
 * messages as messages. Whatever ends the child (a signal, too much memory, too much time) ends
 * this session with a status that names it, the stage it was in and the child's last words.
 */
#ifndef PX_RUNNER_ISOLATE_H
#define PX_RUNNER_ISOLATE_H

#include "backend/outputs.h"
#include "data/args.h"
#include "polygraphy/backend.h"

/* Why and how a runner gets a process of its own; 0: no limit. */
typedef struct px_isolation {
    bool on;
    uint64_t timeout_ns; /* of all the time that was waited for the child */
    uint64_t mem_limit;  /* bytes */
    /* Of the run, or NULL. In the child it asks the parent, who has the Python process. */
    px_data_script *script;
} px_isolation;

/* What is run in the child. All of it outlives the session. */
typedef struct px_isolated_job {
    pgy_context *cx;
    const pgy_backend_ops *ops;
    const void *args;
    pgy_model *model;
    const char *name; /* of the runner */
    px_isolation limits;
} px_isolated_job;

typedef struct px_isolated px_isolated;

/* Starts the child, which loads the runtime and opens the session. Errors: those of the backend,
 * and BACKEND when the child ended. */
PX_MUST_USE pgy_status *px_isolated_open(const px_isolated_job *job, px_isolated **out);
/* Owned by the session. */
void px_isolated_inputs(const px_isolated *child, const pgy_io **out, size_t *out_n);
/* `iteration` is for messages; negative: a warm-up. */
PX_MUST_USE pgy_status *px_isolated_infer(px_isolated *child, int64_t iteration,
                                          const pgy_feed *feed, pgy_outputs *out);
/* Lets the child close its session; kills it when it does not end. Accepts NULL. */
void px_isolated_close(px_isolated *child);

#endif
