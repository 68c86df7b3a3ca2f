/* cli/stations.h - the stations of a run, in the order cmd_run.c calls them.
 *
 * One state goes through all of them; each station fills what the next ones read. A station is one
 * file in cli/stations/ and only drives modules, which know nothing of it:
 *
 * - prepare.c: where inputs come from, the model, the runners (and in which process each runs);
 * - tensorflow.c: a TensorFlow model as each runner takes it; part of preparing;
 * - sequence.c: runs the runners one after the other; their results are saved, joined by loaded
 *   ones, post-processed, compared, validated;
 * - stream.c: the same with all runners at once, iteration by iteration (--streaming);
 * - referee.c: which run is wrong, when the reference interpreter took part, run by run or
 * streamed;
 * - advise.c: which tolerances would pass, and whether a mismatch looks like rounding;
 * - terms.c: how many numbers are added up on the way to an output, for these two;
 * - layers.c: where marked tensors begin to differ; layers run on their own;
 * - checks.c: each runner against itself, run again and element by element;
 * - report.c: the document about the run;
 * - conclude.c: what is made of the verdict: files and reports about the comparison;
 * - summary.c: all of it in a few lines.
 *
 * What ends the command without a run (a script that is written instead) is no station: cmd_run.c
 * does it before the RUNNING line.
 */
#ifndef PX_CLI_STATIONS_H
#define PX_CLI_STATIONS_H

#include "backend/trt/setup.h"
#include "cli/run_args.h"
#include "compare/advise.h"
#include "compare/compare.h"
#include "compare/referee.h"
#include "model/terms.h"
#include "report/doc/doc.h"
#include "report/layers.h"
#include "report/pictures.h"
#include "results/results.h"
#include "runner/calibration.h"
#include "runner/loop.h"

typedef struct px_run_state {
    pgy_context *cx;
    const px_run_args *args;
    uint64_t start_ns; /* px_time_ns when the command began */

    pgy_model *model;    /* NULL without runners */
    pgy_model *tf_model; /* what --tf runs, when that is not `model` */
    px_runner **runners; /* in the order of their options */
    size_t n_runners;
    px_feeds_source *source;
    px_trt_setup trt;                /* what --trt is opened with */
    px_calibration_data calibration; /* feeds its int8 calibration */

    px_pictures pictures; /* drawn while results are compared */
    px_exhibits exhibits; /* collected then, for the document */
    px_results results;   /* of the runners, then of files */
    px_accuracy accuracy; /* what was compared; empty when nothing is */
    px_advice *advice;    /* on tolerances */
    size_t n_advice;
    pgy_model *layers_model; /* what `layers` points into, when no runner has it open */
    px_layers *layers;       /* of each pair; NULL when nothing is told layer by layer */
    size_t n_layers;
    bool is_valid;                    /* --validate found nothing bad */
    bool repeat_failed, batch_failed; /* --repeat, --check-batch-invariance found something */
    px_referee referee; /* distances to float64; without outputs when it was not called for */
} px_run_state;

/* True when there is something to compare with: several runners, or results in files. */
static inline bool px_run_compares(const px_run_state *run)
{
    return run->n_runners > 1 || run->args->compare.load_outputs.given;
}

/* The loop's view of the state. */
static inline px_loop px_run_loop(const px_run_state *run)
{
    const px_runner_args *args = &run->args->runner;
    const bool has_referee = run->args->compare.load_outputs.given && !args->streaming.given;
    return (px_loop){.cx = run->cx,
                     .runners = run->runners,
                     .n_runners = run->n_runners,
                     .source = run->source,
                     .keep_feeds =
                         has_referee || args->repeat.given || args->check_batch_invariance.given,
                     .args = args};
}

/* The terms of the model's values at the shapes of the run; NULL stays where there is no ONNX
 * graph. For the caller to free. */
PX_MUST_USE pgy_status *px_run_terms(const px_run_state *run, px_terms_map **out);
/* NULL when nothing is known of the output; `map` may be NULL. */
const px_terms *px_run_terms_of(const px_terms_map *map, const char *output);

PX_MUST_USE pgy_status *px_station_prepare(px_run_state *run);
/* Needs `run->model`, before the runners are made of it. */
PX_MUST_USE pgy_status *px_station_tensorflow(px_run_state *run);
/* --load-outputs: appends the files' runs to `run->results`. */
PX_MUST_USE pgy_status *px_run_load_outputs(px_run_state *run);
/* Both run the runners and judge their results. They leave them in `run->results`, followed by
 * loaded ones; after the second, iterations there have times but no outputs. */
PX_MUST_USE pgy_status *px_station_sequence(px_run_state *run);
PX_MUST_USE pgy_status *px_station_stream(px_run_state *run);
/* Needs the verdict. Says nothing when everything passed, unless it was asked to. */
PX_MUST_USE pgy_status *px_station_advise(px_run_state *run);
/* Needs whole runs and their verdict; fills `run->referee` when there is a question to settle. */
PX_MUST_USE pgy_status *px_station_referee(px_run_state *run);
/* The same an iteration at a time. `names` (kept) are those of all runs, NULL where one takes no
 * part; `out` stays NULL when none of them is of the reference interpreter. */
typedef struct px_watch px_watch;
PX_MUST_USE pgy_status *px_watch_new(px_run_state *run, const char *const *names, size_t n_runs,
                                     px_watch **out);
/* Iteration `i` of all runs; nothing is done when a run that has not failed lacks it. `feed`: what
 * the runners were fed; NULL when px_loop_feed can give it. */
PX_MUST_USE pgy_status *px_watch_iteration(px_watch *w, size_t i, const px_feed *feed,
                                           const px_iteration *const *its);
/* After the last iteration: rules and reports. */
PX_MUST_USE pgy_status *px_watch_conclude(px_watch *w);
void px_watch_free(px_watch *w); /* accepts NULL */
/* Prints nothing unless the comparison was of tensors that the user marked, or asked for it. */
PX_MUST_USE pgy_status *px_station_layers(px_run_state *run);
/* Says nothing unless --repeat or --check-batch-invariance was given. */
PX_MUST_USE pgy_status *px_station_checks(px_run_state *run);
/* Writes the documents that were asked for. */
PX_MUST_USE pgy_status *px_station_report(const px_run_state *run, bool passed);
/* The last word: a few lines for a person. */
PX_MUST_USE pgy_status *px_station_summary(const px_run_state *run);
PX_MUST_USE pgy_status *px_station_conclude(px_run_state *run, bool *out_passed);

/* Can the options of layers.c do what they say in this run? Errors: USAGE. */
PX_MUST_USE pgy_status *px_check_layers(const px_run_args *args);

/* Can the options of checks.c do what they say in this run? Errors: USAGE. */
PX_MUST_USE pgy_status *px_check_checks(const px_run_args *args);

void px_run_state_fini(px_run_state *run);

#endif
