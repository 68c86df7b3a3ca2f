/* runner/args.h - options of running: warm-up, order, isolation, limits, what is saved. */
#ifndef PX_RUNNER_ARGS_H
#define PX_RUNNER_ARGS_H

#include "base/opt.h"
#include "polygraphy/context.h"
#include "runner/isolate.h"

typedef struct px_runner_args {
    px_opt_int warm_up;
    px_opt_flag use_subprocess;
    px_opt_str save_inputs;     /* path of the JSON file */
    px_opt_str save_input_blob; /* folder; value NULL: the current one */
    px_opt_str save_outputs;    /* path of the JSON file */

    /* Ours. */
    px_opt_flag streaming;    /* all runners together per iteration */
    px_opt_int memory_budget; /* bytes of kept outputs before they go to a temporary file */
    px_opt_int threads;       /* of our own kernels */
    px_opt_float timeout;     /* seconds a runner, or a call of a script, may take */
    px_opt_int mem_limit;     /* bytes a runner may take */
    px_opt_int repeat;        /* passes of each level of determinism */
    px_opt_flag check_batch_invariance;
} px_runner_args;

extern const px_opt_section px_runner_group;

/* Checks the limits and hands threads and memory budget to the context. Errors: USAGE. */
PX_MUST_USE pgy_status *px_runner_args_check(pgy_context *cx, const px_runner_args *args);

/* --timeout in nanoseconds, 0 when not given. */
uint64_t px_runner_timeout_ns(const px_runner_args *args);
/* Whether runners get processes of their own, and their limits. `script` may be NULL. */
px_isolation px_runner_isolation(const px_runner_args *args, px_data_script *script);

#endif
