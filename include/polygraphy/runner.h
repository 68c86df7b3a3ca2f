/* polygraphy/runner.h - a session on a backend: feed, infer, read the outputs, close. */
#ifndef POLYGRAPHY_RUNNER_H
#define POLYGRAPHY_RUNNER_H

#include "polygraphy/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

PGY_API PGY_MUST_USE pgy_status *pgy_outputs_new(pgy_outputs **out);
PGY_API void pgy_outputs_free(pgy_outputs *outputs); /* accepts NULL */
/* Drops names and tensors; the object can be filled again. */
PGY_API void pgy_outputs_clear(pgy_outputs *outputs);
PGY_API size_t pgy_outputs_count(const pgy_outputs *outputs);
/* Valid until the outputs are cleared; i is below the count. */
PGY_API const char *pgy_outputs_name(const pgy_outputs *outputs, size_t i);
PGY_API pgy_tensor *pgy_outputs_tensor(const pgy_outputs *outputs, size_t i);
PGY_API uint64_t pgy_outputs_elapsed_ns(const pgy_outputs *outputs);

typedef struct pgy_runner pgy_runner;

/* A session of `model` on the backend of that name ("onnxrt", "pluginref") with default options.
 * Loads the runtime. `cx` and `model` must outlive the runner.
 * Errors: USAGE for an unknown backend, BACKEND, MODEL. */
PGY_API PGY_MUST_USE pgy_status *pgy_runner_open(pgy_context *cx, const char *backend,
                                                 pgy_model *model, pgy_runner **out);
/* "onnxrt-runner-N0-11/24/26-05:36:20"; lives as long as the runner. */
PGY_API const char *pgy_runner_name(const pgy_runner *runner);
/* What infer wants; owned by the runner. */
PGY_API PGY_MUST_USE pgy_status *pgy_runner_inputs(pgy_runner *runner, const pgy_io **out,
                                                   size_t *out_n);
/* One iteration. Inputs are found by name, cast and reshaped where the reference would do so; what
 * cannot be fitted is an error that names the input. `out` is cleared first. */
PGY_API PGY_MUST_USE pgy_status *pgy_runner_infer(pgy_runner *runner, const pgy_feed *feed,
                                                  pgy_outputs *out);
PGY_API void pgy_runner_close(pgy_runner *runner); /* accepts NULL */

#ifdef __cplusplus
}
#endif
#endif
