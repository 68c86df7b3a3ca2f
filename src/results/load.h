/* results/load.h - readers of the single formats, behind px_results_load and px_feeds_load. */
#ifndef PX_RESULTS_LOAD_H
#define PX_RESULTS_LOAD_H

#include "results/lazy.h"
#include "results/results.h"

/* Progress of all four is reported to `cx`; NULL: to nobody. */

/* JSON: a RunResults object; a list of feed dicts or one feed dict. */
PX_MUST_USE pgy_status *px_json_results_read(pgy_context *cx, px_source *source,
                                             px_results *results);
PX_MUST_USE pgy_status *px_json_feeds_read(pgy_context *cx, px_source *source, px_run *feeds);

/* .npz, .npy and .bin: docs/file-formats.md says how names map. */
PX_MUST_USE pgy_status *px_array_results_read(pgy_context *cx, px_source *source,
                                              px_results *results);
PX_MUST_USE pgy_status *px_array_feeds_read(pgy_context *cx, px_source *source, px_run *feeds);
PX_MUST_USE pgy_status *px_array_results_write(pgy_context *cx, const px_results *results,
                                               const char *path);
PX_MUST_USE pgy_status *px_array_feeds_write(pgy_context *cx, const px_run *feeds,
                                             const char *path);

/* What the ending of a path says. */
typedef enum px_file_kind { PX_FILE_JSON, PX_FILE_NPZ, PX_FILE_NPY, PX_FILE_BIN } px_file_kind;
px_file_kind px_file_kind_of(const char *path);

/* Adds an output to an iteration, or replaces the one of that name. Takes the value, also on
 * failure. */
PX_MUST_USE pgy_status *px_iteration_set(px_iteration *it, px_str name, px_lazy *take_value);
/* Iteration number `index` of a run; those before it are added empty where they are missing. */
PX_MUST_USE pgy_status *px_run_reach(px_run *run, int64_t index, px_iteration **out);

/* Drops the iterations, or runs, from number `n` on. */
void px_run_truncate(px_run *run, size_t n);
void px_results_truncate(px_results *results, size_t n);
/* Drops run `i`; those behind it move up. */
void px_results_remove(px_results *results, size_t i);

#endif
