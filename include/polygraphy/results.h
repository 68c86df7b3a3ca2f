/* polygraphy/results.h - named outputs per runner and iteration, in memory or in a file.
 *
 * The reference's RunResults. Values in a file are read when they are asked for.
 */
#ifndef POLYGRAPHY_RESULTS_H
#define POLYGRAPHY_RESULTS_H

#include "polygraphy/runner.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pgy_results pgy_results;

PGY_API PGY_MUST_USE pgy_status *pgy_results_new(pgy_results **out);
PGY_API void pgy_results_free(pgy_results *results); /* accepts NULL */
/* Appends the runs of a file (JSON, .npz, ...) or folder. Errors: IO, MODEL for wrong content. */
PGY_API PGY_MUST_USE pgy_status *pgy_results_load(pgy_context *cx, pgy_results *results,
                                                  const char *path);
/* Writes the format that the file's ending names (default: the reference's JSON), atomically. */
PGY_API PGY_MUST_USE pgy_status *pgy_results_save(pgy_context *cx, const pgy_results *results,
                                                  const char *path);
/* Starts the run of one runner; iterations go to the newest run. */
PGY_API PGY_MUST_USE pgy_status *pgy_results_begin_run(pgy_results *results,
                                                       const char *runner_name);
/* Moves the tensors out of `take_outputs`. Errors: USAGE when no run was begun. */
PGY_API PGY_MUST_USE pgy_status *pgy_results_add(pgy_context *cx, pgy_results *results,
                                                 pgy_outputs *take_outputs);

PGY_API size_t pgy_results_runs(const pgy_results *results);
PGY_API const char *pgy_results_runner(const pgy_results *results, size_t run);
PGY_API size_t pgy_results_iterations(const pgy_results *results, size_t run);
/* Seconds that the runtime took; negative when it is not known. */
PGY_API double pgy_results_runtime(const pgy_results *results, size_t run, size_t iteration);
PGY_API size_t pgy_results_outputs(const pgy_results *results, size_t run, size_t iteration);
PGY_API const char *pgy_results_output_name(const pgy_results *results, size_t run,
                                            size_t iteration, size_t output);
/* The caller gets a reference and frees it. */
PGY_API PGY_MUST_USE pgy_status *pgy_results_tensor(pgy_context *cx, const pgy_results *results,
                                                    size_t run, size_t iteration, size_t output,
                                                    pgy_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
