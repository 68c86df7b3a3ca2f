/* runner/runner.h - one runner: a named session on a backend.
 *
 * Life: new (cheap), activate (loads the runtime, makes the session), infer any number of times,
 * deactivate, free. The name is made at creation and never changes.
 */
#ifndef PX_RUNNER_RUNNER_H
#define PX_RUNNER_RUNNER_H

#include "backend/outputs.h"
#include "base/px.h"
#include "polygraphy/runner.h"
#include "runner/isolate.h"

typedef struct px_runner px_runner;

/* `k` counts the runners of this backend from 0 and becomes part of the name
 * "<backend>-runner-N<k>-<date>-<time>". `args`, `model` and `ops` outlive the runner. */
PX_MUST_USE pgy_status *px_runner_new(pgy_context *cx, const pgy_backend_ops *ops, int k,
                                      const void *args, pgy_model *model, px_runner **out);
/* From the next activation on the session lives in a process of its own. */
void px_runner_isolate(px_runner *runner, const px_isolation *isolation);
/* Which iteration the next inferences belong to, for messages; negative: warm-up. */
void px_runner_set_iteration(px_runner *runner, int64_t iteration);
/* An isolated runner could not be activated or did not infer: the run can go on without it. */
bool px_runner_has_failed(const px_runner *runner);
const char *px_runner_name(const px_runner *runner);
/* Name padded to 35 columns, as log lines begin. */
const char *px_runner_label(const px_runner *runner);

PX_MUST_USE pgy_status *px_runner_activate(px_runner *runner);
void px_runner_deactivate(px_runner *runner);
/* A new session in place of the active one: on what was built for it, where the backend can do
 * that, else built again in the loaded runtime; for an isolated runner, a new process. After an
 * error the runner is to be deactivated. */
PX_MUST_USE pgy_status *px_runner_reopen(px_runner *runner);
/* True when the backend can run the model part by part with the numbers it gives as a whole, and
 * the model is one that is looked into tensor by tensor: all of its tensors are outputs. */
bool px_runner_takes_parts(const px_runner *runner);
/* Activates without a session of the whole model: its inputs and outputs are what the model says,
 * until a part is opened, and again when it is closed. */
PX_MUST_USE pgy_status *px_runner_activate_parts(px_runner *runner);
/* Only loads the runtime, without looking at the model: for parts of a model that was loaded. */
PX_MUST_USE pgy_status *px_runner_activate_bare(px_runner *runner);
PX_MUST_USE pgy_status *px_runner_open_part(px_runner *runner, pgy_model *part);
void px_runner_close_part(px_runner *runner);
/* px_runner_infer for a part. `exact` is either left empty or gets the same outputs as later parts
 * are to be fed with them: see pgy_backend_ops. */
PX_MUST_USE pgy_status *px_runner_infer_part(px_runner *runner, const pgy_feed *feed,
                                             pgy_outputs *out, pgy_outputs *exact);
/* The model it was made for. */
pgy_model *px_runner_model(const px_runner *runner);
/* What infer wants; needs an active runner, which owns the list. */
PX_MUST_USE pgy_status *px_runner_inputs(px_runner *runner, const pgy_io **out, size_t *out_n);
/* One iteration; `feed` holds exactly the runner's inputs in order. `out` is filled. */
PX_MUST_USE pgy_status *px_runner_infer(px_runner *runner, const pgy_feed *feed, pgy_outputs *out);
void px_runner_free(px_runner *runner); /* accepts NULL, deactivates first */

/* What pgy_runner_open makes a runner of, with options. All but `take_options` outlive the runner.
 */
typedef struct px_runner_plan {
    pgy_context *cx;
    const char *backend;
    pgy_model *model;
    const void *args; /* of the backend; NULL: nothing was asked for */
    px_isolation isolation;
    void *take_options; /* goes to the runner on success: what `args` lie in */
    void (*free_options)(void *options);
} px_runner_plan;

/* An active runner for the library's callers. Errors: USAGE for an unknown backend. */
PX_MUST_USE pgy_status *px_runner_public_open(const px_runner_plan *plan, pgy_runner **out);

#endif
