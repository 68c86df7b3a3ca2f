/* results/accuracy.h - the file of --save-accuracy-results: what each comparison measured.
 *
 * The writer is told the comparison in order and writes as it goes:
 *   open, then per function: func, per pair of runners: pair, per iteration: iteration, output...
 * and commit at the end. Each call closes what the one before left open deeper.
 */
#ifndef PX_RESULTS_ACCURACY_H
#define PX_RESULTS_ACCURACY_H

#include "base/px.h"
#include "polygraphy/context.h"

typedef enum px_metric {
    PX_METRIC_VERDICT, /* true or false alone: indices, shapes that differ */
    PX_METRIC_ERRORS,  /* simple */
    PX_METRIC_L2,
    PX_METRIC_COSINE_SIMILARITY,
    PX_METRIC_PSNR,
    PX_METRIC_SNR,
    PX_METRIC_LPIPS
} px_metric;

/* Borrowed for the call. */
typedef struct px_accuracy_output {
    const char *name;
    px_metric metric;
    bool passed;             /* VERDICT, and ERRORS judged element by element */
    double value, threshold; /* L2 and the following */
    /* ERRORS: */
    double max_abs, max_rel, mean_abs, mean_rel, median_abs, median_rel;
    bool has_quantile;
    double quantile_abs, quantile_rel;
    const char *check_error_stat; /* "elemwise", "max", ... */
    double atol, rtol;
} px_accuracy_output;

typedef struct px_accuracy_writer px_accuracy_writer;

/* Logs "Saving accuracy results to PATH". The file appears with the commit. Errors: IO. */
PX_MUST_USE pgy_status *px_accuracy_writer_open(pgy_context *cx, const char *path,
                                                px_accuracy_writer **out);
/* Starts a comparison function; `average` tells how its results are judged. */
void px_accuracy_writer_func(px_accuracy_writer *w, bool average);
void px_accuracy_writer_pair(px_accuracy_writer *w, const char *runner0, const char *runner1);
void px_accuracy_writer_iteration(px_accuracy_writer *w);
void px_accuracy_writer_output(px_accuracy_writer *w, const px_accuracy_output *output);
PX_MUST_USE pgy_status *px_accuracy_writer_commit(px_accuracy_writer *w);
void px_accuracy_writer_close(px_accuracy_writer *w); /* NULL is fine */

#endif
