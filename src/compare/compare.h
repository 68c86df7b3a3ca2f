/* compare/compare.h - results against results: who is compared with whom, and the verdict.
 *
 * Pairs of runs are compared iteration by iteration and output by output; one pair of tensors is
 * in memory at a time. Everything is logged on the way in the reference's words, and every number
 * is kept in px_accuracy for reports and files.
 *
 * Two layouts of the log exist. PX_LAYOUT_049 is the default; the newer one is used when the user
 * asks for something that only the newer reference has (several functions, metrics, averages).
 *
 * Runs that are there as a whole go through px_compare_results. Where iterations come one at a time
 * (streaming), px_comparison_begin announces the runs and px_comparison_advance takes iteration
 * after iteration of all of them; the lines are the same, in another order.
 */
#ifndef PX_COMPARE_COMPARE_H
#define PX_COMPARE_COMPARE_H

#include "compare/args.h"
#include "compare/profile.h"
#include "compare/stats.h"
#include "polygraphy/compare.h"
#include "results/results.h"

typedef enum px_layout { PX_LAYOUT_049, PX_LAYOUT_053 } px_layout;

/* What `simple` judges by. */
typedef enum px_error_stat {
    PX_STAT_ELEMWISE,
    PX_STAT_MAX,
    PX_STAT_MEAN,
    PX_STAT_MEDIAN,
    PX_STAT_QUANTILE
} px_error_stat;

/* "elemwise", "max", ... */
const char *px_error_stat_name(px_error_stat stat);

/* One compared output under one function. */
typedef struct px_output_result {
    char *name, *other_name; /* in the first and second run */
    bool passed;
    bool bare; /* only true or false: indices, scripts, and shapes that could not be compared */
    /* simple */
    px_error_stat stat;
    double atol, rtol, quantile; /* quantile: of errors, as asked */
    double abs_error, rel_error; /* the statistic that is judged; elemwise: the maximum */
    px_pair_stats stats;
    int rank;
    int64_t *dims; /* shape the differences have */
    /* l2, cosine, psnr, snr */
    double metric, threshold;
} px_output_result;

/* One iteration under one function. */
typedef struct px_compared_iteration {
    px_output_result *at;
    size_t n, cap;
    bool passed;
} px_compared_iteration;

/* All iterations of one pair under one function. */
typedef struct px_func_result {
    px_compare_func func;
    px_compared_iteration *at;
    size_t n, cap;
} px_func_result;

typedef struct px_pair_result {
    char *runner[2];
    size_t run[2]; /* their places among the runs */
    px_func_result funcs[PX_N_COMPARE_FUNCS];
    size_t n_funcs;
    size_t n_iterations, n_passed; /* an iteration passes when all functions do */
    bool passed;
} px_pair_result;

typedef struct px_accuracy {
    px_pair_result *at;
    size_t n, cap;
    bool average;         /* judged on averages over iterations */
    px_profiles profiles; /* of what `simple` compared; empty unless tolerances are to be found */
    bool passed;
} px_accuracy;

void px_accuracy_fini(px_accuracy *accuracy);

/* What is being compared; borrowed for the call. */
typedef struct px_plot_site {
    const char *output;    /* in the first run */
    const char *runner[2]; /* the second one is the reference of relative errors */
} px_plot_site;

/* Called at the places where the reference draws, for every output that `simple` compares. `pair`
 * and `stats` are NULL for outputs of text. */
typedef enum px_plot_stage {
    PX_PLOT_ERRORS,
    PX_PLOT_ABS_HEATMAP,
    PX_PLOT_REL_HEATMAP
} px_plot_stage;
typedef struct px_plot_hook {
    pgy_status *(*draw)(void *user, pgy_context *cx, px_plot_stage stage, const px_plot_site *site,
                        const px_pair *pair, const px_pair_stats *stats);
    void *user;
} px_plot_hook;

#define PX_LENGTH_UNKNOWN SIZE_MAX

typedef struct px_compared_run {
    const char *name;
    size_t length; /* iterations; PX_LENGTH_UNKNOWN: the end will tell */
    bool is_out;
} px_compared_run;

/* A comparison under way. */
typedef struct px_comparison {
    pgy_context *cx;
    const px_compare_args *args;
    px_layout layout;  /* may be raised after init */
    px_plot_hook plot; /* may be set after init */
    px_accuracy accuracy;
    px_compared_run *runs; /* NULL before px_comparison_begin */
    size_t n_runs;
    uint64_t n_compared, n_expected; /* outputs; 0 expected: not known */
    bool stopped;                    /* --fail-fast saw a mismatch: compare nothing more */
} px_comparison;

/* Checks option combinations. `args` must outlive it. Errors: USAGE. */
PX_MUST_USE pgy_status *px_comparison_init(px_comparison *c, pgy_context *cx,
                                           const px_compare_args *args);
void px_comparison_fini(px_comparison *c);

/* Announces `n` runs by name and number of iterations; consecutive ones are compared. Names outlive
 * the comparison; a run without one is left out. */
PX_MUST_USE pgy_status *px_comparison_begin(px_comparison *c, const char *const *runners,
                                            const size_t *lengths, size_t n);
/* The length of a run has become known; at the latest, before its last iteration is handed in. */
void px_comparison_set_length(px_comparison *c, size_t run, size_t n);
/* The run ends before iteration `i`, from which on its neighbours are compared with each other. */
PX_MUST_USE pgy_status *px_comparison_leave_out(px_comparison *c, size_t run, size_t i);
/* Iteration `i` of all runs, in order; NULL for a run that has none. To be called with 0, 1, ... up
 * to the longest run's last, or until `c->stopped`. Older layout: every pair is compared up to its
 * shorter run; newer layout: all up to the shortest. Errors: USAGE when no output of one has a
 * counterpart in the other, UNSUPPORTED, and whatever reading them gives. */
PX_MUST_USE pgy_status *px_comparison_advance(px_comparison *c, size_t i,
                                              const px_iteration *const *its);
/* The summaries. Sets the verdict in `c->accuracy`. Errors: USAGE when averages were asked for and
 * cannot be had. */
PX_MUST_USE pgy_status *px_comparison_finish(px_comparison *c);

/* One pair of outputs under `simple` without a word: all numbers and the verdict, with the options
 * of output `name`. Arrays of different shapes and types without numbers are `bare`. The caller
 * frees dims. Errors: USAGE, NOMEM. */
PX_MUST_USE pgy_status *px_compare_quietly(pgy_context *cx, const px_compare_args *args,
                                           const char *name, pgy_tensor *a, pgy_tensor *b,
                                           px_output_result *out);

/* All of the above for runs that are there: consecutive ones are compared, up to the shorter
 * one's iterations. `plot` may be NULL. The caller frees *out with px_accuracy_fini. */
PX_MUST_USE pgy_status *px_compare_results(pgy_context *cx, const px_compare_args *args,
                                           const px_results *results, const px_plot_hook *plot,
                                           px_accuracy *out);

/* The same for the library's callers. */
PX_MUST_USE pgy_status *px_compare_verdict(pgy_context *cx, const px_compare_args *args,
                                           const pgy_results *results, pgy_verdict **out);

#endif
