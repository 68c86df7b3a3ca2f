/* results/results.h - named outputs per runner and iteration, in memory, spooled or in a file.
 *
 * The reference's RunResults: a list of (runner name, iterations). Values are lazy: nothing is
 * read before it is asked for. File formats: docs/file-formats.md.
 */
#ifndef PX_RESULTS_RESULTS_H
#define PX_RESULTS_RESULTS_H

#include "backend/outputs.h"
#include "base/px.h"
#include "base/tensor.h"
#include "data/loader.h"

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
    bool as_torch; /* saved as torch tensors where torch has the type, not as numpy arrays */
} px_run;

typedef struct px_spool px_spool;

typedef struct px_results {
    px_run *at; /* growing moves them: keep positions, not pointers, across px_results_add_run */
    size_t n, cap;
    uint64_t resident; /* bytes of kept outputs in memory */
    uint64_t limit;    /* of them, where lower than the context's memory budget; 0: that one */
    px_spool *spool;   /* where the rest is; NULL until needed */
} px_results;

/* A value that is in memory already; takes a reference of its own. */
PX_MUST_USE pgy_status *px_lazy_of_tensor(pgy_tensor *t, px_lazy **out);
void px_lazy_free(px_lazy *value);
/* dtype and shape without reading elements; each of the outs may be NULL. */
PX_MUST_USE pgy_status *px_lazy_describe(const px_lazy *value, pgy_dtype *out_dtype, int *out_rank,
                                         const int64_t **out_dims);
/* The tensor: the caller gets a reference and frees it when done; the data goes again then unless
 * the value is memory-resident. */
PX_MUST_USE pgy_status *px_lazy_get(pgy_context *cx, px_lazy *value, pgy_tensor **out);

PX_MUST_USE pgy_status *px_results_add_run(px_results *results, const char *runner_name,
                                           px_run **out);
/* Moves the tensors of `take_outputs` into a new iteration (and empties it, also on failure). Above
 * the context's memory budget the bytes go to an unlinked temporary file and are mapped back when
 * asked for. */
PX_MUST_USE pgy_status *px_run_add_iteration(pgy_context *cx, px_results *results, px_run *run,
                                             pgy_outputs *take_outputs);
/* Adds to an iteration of `results`: outputs that come piece by piece. `take_outputs` as above;
 * what was added before a failure stays. */
PX_MUST_USE pgy_status *px_iteration_extend(pgy_context *cx, px_results *results, px_iteration *it,
                                            pgy_outputs *take_outputs);
/* Appends an iteration that shares the feed's tensors; runner_name NULL, no runtime. The budget
 * counts as for outputs. `run` is one of `results`. */
PX_MUST_USE pgy_status *px_run_add_feed(pgy_context *cx, px_results *results, px_run *run,
                                        const pgy_feed *feed);
/* Appends the iterations of each run of `from` to the run of the same position in `results`, which
 * is added where it is missing. Values already in memory are shared or spooled as above. */
PX_MUST_USE pgy_status *px_results_append(pgy_context *cx, px_results *results,
                                          const px_results *from);
/* Reads all values of an iteration: the way back from a loaded feed. `out` is empty before. */
PX_MUST_USE pgy_status *px_iteration_get_feed(pgy_context *cx, const px_iteration *it,
                                              px_feed *out);
/* Replaces all outputs by those of `take_outputs` (emptied, also on failure) and the runner's name.
 */
PX_MUST_USE pgy_status *px_iteration_set_outputs(px_iteration *it, const char *runner_name,
                                                 pgy_outputs *take_outputs);
/* Replaces one output's value; takes `value`. */
void px_iteration_replace(px_iteration *it, size_t i, px_lazy *take_value);
/* Bytes of all values, read or not. Text counts its references only. */
uint64_t px_iteration_size(const px_iteration *it);
void px_iteration_fini(px_iteration *it); /* leaves an iteration without outputs */
void px_run_fini(px_run *run);
void px_results_fini(px_results *results);

/* One file in any format we know (JSON RunResults, .npz, ...) or a folder of per-iteration files;
 * appends its runs to `results`. Array elements stay in the file until asked for. Logs
 * "Loading inference results from PATH". Errors: IO, MODEL with file, position, what was expected.
 */
PX_MUST_USE pgy_status *px_results_load(pgy_context *cx, const char *path, px_results *results);
/* Format by ending (.npz, .npy, .bin, else JSON). Streams: memory stays at one tensor. Logs "Saving
 * inference results to PATH". */
PX_MUST_USE pgy_status *px_results_save(pgy_context *cx, const px_results *results,
                                        const char *path);
/* DIR/0000000007.json: each runner's only iteration number `index` of a streaming run. */
PX_MUST_USE pgy_status *px_results_save_iteration(pgy_context *cx, const px_results *results,
                                                  const char *dir, int64_t index);
/* Before the first file of a folder form: it must be absent or empty. `what` is "inference input
 * data" or "inference results". Errors: USAGE in the reference's words. */
PX_MUST_USE pgy_status *px_save_dir_check(const char *what, const char *dir);

/* Feed dicts: the same idea for inputs (List[Dict[str, ndarray]]). One px_iteration per feed,
 * runner_name NULL. Logs "Loading input data from PATH". */
PX_MUST_USE pgy_status *px_feeds_load(pgy_context *cx, const char *path, px_run *inout_feeds);
PX_MUST_USE pgy_status *px_feeds_save_iteration(pgy_context *cx, const pgy_feed *feed,
                                                const char *dir, int64_t index, bool as_torch);
/* --save-input-blob: DIR/0000000000/NAME.bin, the elements alone. Overwrites. Errors: USAGE for a
 * name that leads out of the folder, IO. */
PX_MUST_USE pgy_status *px_feed_save_blobs(pgy_context *cx, const pgy_feed *feed, const char *dir,
                                           int64_t index);

/* Saves feeds as they are made, one at a time, in memory for one; the file appears with the commit.
 */
typedef struct px_feeds_writer px_feeds_writer;
PX_MUST_USE pgy_status *px_feeds_writer_open(pgy_context *cx, const char *path, bool as_torch,
                                             px_feeds_writer **out);
PX_MUST_USE pgy_status *px_feeds_writer_add(px_feeds_writer *w, const pgy_feed *feed);
PX_MUST_USE pgy_status *px_feeds_writer_commit(px_feeds_writer *w);
void px_feeds_writer_close(px_feeds_writer *w); /* without commit: nothing is left; NULL is fine */

/* The inside of the public results object. */
struct pgy_results;
const px_results *px_results_of(const struct pgy_results *results);

#endif
