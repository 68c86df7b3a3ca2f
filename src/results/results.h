/* results/results.h - named outputs per runner and iteration, in memory, spooled or in a file.
 *
 * The reference's RunResults: a list of (runner name, iterations). Values are lazy: nothing is
 * read before it is asked for.
 */
#ifndef PX_RESULTS_RESULTS_H
#define PX_RESULTS_RESULTS_H

#include "backend/outputs.h"
#include "base/px.h"
#include "base/tensor.h"

/* Where an array's elements come from. */
typedef struct px_lazy px_lazy;

typedef struct px_result_output {
    char *name;
    px_lazy *value;
} px_result_output;

/* The reference's IterationResult. */
typedef struct px_iteration {
    px_result_output *outputs;
    size_t n_outputs;
    double runtime_s; /* negative: null */
    char *runner_name;
} px_iteration;

typedef struct px_run {
    char *runner_name;
    px_iteration *at;
    size_t n, cap;
} px_run;

typedef struct px_results {
    px_run *at;
    size_t n, cap;
} px_results;

/* A value that is in memory already; takes a reference of its own. */
PX_MUST_USE pgy_status *px_lazy_of_tensor(pgy_tensor *t, px_lazy **out);
void px_lazy_free(px_lazy *value);
/* dtype and shape without reading elements. */
PX_MUST_USE pgy_status *px_lazy_describe(const px_lazy *value, pgy_dtype *out_dtype, int *out_rank,
                                         const int64_t **out_dims);
/* The tensor: the caller gets a reference and frees it when done; the data goes again then unless
 * the value is memory-resident. */
PX_MUST_USE pgy_status *px_lazy_get(pgy_context *cx, px_lazy *value, pgy_tensor **out);

PX_MUST_USE pgy_status *px_results_add_run(px_results *results, const char *runner_name,
                                           px_run **out);
/* Moves the tensors of `take_outputs` into a new iteration (and empties it). Above the context's
 * memory budget the bytes go to an unlinked temporary file and are mapped back when asked for. */
PX_MUST_USE pgy_status *px_run_add_iteration(pgy_context *cx, px_results *results, px_run *run,
                                             pgy_outputs *take_outputs);
/* Replaces one output's value; takes `value`. */
void px_iteration_replace(px_iteration *it, size_t i, px_lazy *take_value);
void px_results_fini(px_results *results);

/* One file in any format we know (JSON RunResults, .npz, ...) or a folder of per-iteration files;
 * appends its runs to `results`. Array elements stay in the file until asked for. */
PX_MUST_USE pgy_status *px_results_load(pgy_context *cx, const char *path, px_results *results);
/* Format by ending (.npz, .npy, .bin, else JSON). Streams: memory stays at one tensor. */
PX_MUST_USE pgy_status *px_results_save(pgy_context *cx, const px_results *results,
                                        const char *path);

/* Feed dicts: the same idea for inputs (List[Dict[str, ndarray]]). One px_iteration per feed,
 * runner_name NULL. */
PX_MUST_USE pgy_status *px_feeds_load(pgy_context *cx, const char *path, px_run *inout_feeds);
PX_MUST_USE pgy_status *px_feeds_save(pgy_context *cx, const px_run *feeds, const char *path);

#endif
