/* cli/stations/stream.c - --streaming: what sequence.c does with a whole run, done with each
 * iteration while it is there.
 *
 * Results of files stay in their files: iteration k of them is read when the runners' iteration k
 * is there, and let go with it. Files may be longer than the run; what only they have comes last.
 * Outputs for one file wait in the spool, since a file holds runner after runner; outputs for a
 * folder go there at once.
 */
#include "cli/stations.h"

#include "base/file.h"
#include "compare/postprocess.h"
#include "compare/validate.h"
#include "results/load.h"

typedef struct stream {
    px_run_state *run;
    size_t n_runs;      /* runners, then loaded runs */
    const char **names; /* of n_runs; NULL where a runner failed before it took part */
    px_iteration **its; /* of n_runs, at hand; NULL where a run is shorter */
    size_t n_done;      /* iterations of the runners */
    px_results kept;    /* of the runners that have not failed: times, and outputs for one file */
    px_top_k top_k;
    px_comparison comparison;
    px_watch *watch; /* NULL until the referee has something to settle */
    bool valid;
} stream;

static bool saves_folder(const px_run_state *run)
{
    const px_opt_str *path = &run->args->runner.save_outputs;
    return path->given && px_path_ext(path->value)[0] == '\0';
}

/* What can be wrong before anything has run. */
static pgy_status *open_stream(stream *s)
{
    pgy_status *st = NULL;
    px_run_state *run = s->run;
    if (saves_folder(run))
        PX_TRY(px_save_dir_check("inference results", run->args->runner.save_outputs.value));
    PX_TRY(px_run_load_outputs(run));
    if (px_run_compares(run)) {
        PX_TRY(px_comparison_init(&s->comparison, run->cx, &run->args->compare));
        s->comparison.plot = px_exhibits_hook(&run->exhibits);
    }
    s->n_runs = run->n_runners + run->results.n;
    PX_TRY(PX_ALLOC(s->names, s->n_runs));
    PX_TRY(PX_ALLOC(s->its, s->n_runs));
done:
    return st;
}

static const px_run *loaded_run(const stream *s, size_t r)
{
    return r < s->run->n_runners ? NULL : &s->run->results.at[r - s->run->n_runners];
}

static pgy_status *begin(void *user)
{
    pgy_status *st = NULL;
    stream *s = user;
    const px_run_state *run = s->run;
    size_t *lengths = NULL, n_live = 0;
    const char **live = NULL;
    px_run *made;

    PX_TRY(PX_ALLOC(lengths, s->n_runs));
    PX_TRY(PX_ALLOC(live, s->n_runs));
    for (size_t r = 0; r < s->n_runs; r++) {
        const px_run *loaded = loaded_run(s, r);
        lengths[r] = loaded != NULL ? loaded->n : PX_LENGTH_UNKNOWN;
        if (loaded != NULL)
            s->names[r] = loaded->runner_name;
        else if (!px_runner_has_failed(run->runners[r]))
            s->names[r] = px_runner_name(run->runners[r]);
        if (s->names[r] != NULL)
            live[n_live++] = s->names[r];
        if (loaded == NULL && s->names[r] != NULL)
            PX_TRY(px_results_add_run(&s->kept, s->names[r], &made));
    }
    px_top_k_begin(run->cx, &s->top_k, &run->args->compare);
    if (px_run_compares(run))
        PX_TRY(px_comparison_begin(&s->comparison, s->names, lengths, s->n_runs));
    if (run->args->compare.validate.given)
        PX_TRY(px_validate_begin(run->cx, live, n_live));
done:
    px_mem_free(lengths);
    px_mem_free(live);
    return st;
}

static pgy_status *left_out(void *user, size_t k, size_t i)
{
    stream *s = user;
    size_t at = 0;
    for (size_t r = 0; r < k; r++)
        at += !px_runner_has_failed(s->run->runners[r]);
    px_results_remove(&s->kept, at);
    return px_run_compares(s->run) ? px_comparison_leave_out(&s->comparison, k, i) : NULL;
}

/* What is known of an iteration that is over. */
static void drop_outputs(px_iteration *it)
{
    const double runtime_s = it->runtime_s;
    px_iteration_fini(it);
    it->runtime_s = runtime_s;
}

static size_t n_taking_part(const stream *s)
{
    size_t n = 0;
    for (size_t r = 0; r < s->n_runs; r++)
        n += s->names[r] != NULL;
    return n;
}

static bool has_mismatch(const px_accuracy *accuracy)
{
    for (size_t p = 0; p < accuracy->n; p++)
        if (accuracy->at[p].n_passed < accuracy->at[p].n_iterations)
            return true;
    return false;
}

/* The referee is asked from the beginning when there are two runs to measure; with one, from the
 * first iteration that does not pass. Verdicts on averages come too late to wait for. */
static pgy_status *ask_referee(stream *s, size_t i, const px_feed *fed)
{
    pgy_status *st = NULL;
    if (!px_run_compares(s->run))
        return NULL;
    if (s->watch == NULL && (n_taking_part(s) > 2 || s->comparison.accuracy.average ||
                             has_mismatch(&s->comparison.accuracy)))
        PX_TRY(px_watch_new(s->run, s->names, s->n_runs, &s->watch));
    if (s->watch != NULL)
        PX_TRY(px_watch_iteration(s->watch, i, fed, (const px_iteration *const *)s->its));
done:
    return st;
}

/* Iteration `i` of all runs; `one` and `fed` are NULL where the runners have none. */
static pgy_status *judge_iteration(stream *s, size_t i, const px_feed *fed, px_results *one)
{
    pgy_status *st = NULL;
    px_run_state *run = s->run;
    size_t n_live = 0;
    for (size_t r = 0; r < s->n_runs; r++) {
        const px_run *loaded = loaded_run(s, r);
        s->its[r] = NULL;
        if (loaded != NULL && i < loaded->n)
            s->its[r] = &loaded->at[i];
        else if (loaded == NULL && one != NULL && !px_runner_has_failed(run->runners[r]))
            s->its[r] = &one->at[n_live++].at[0];
        if (s->its[r] != NULL)
            PX_TRY(px_top_k_apply(run->cx, &s->top_k, s->its[r]));
    }
    if (px_run_compares(run))
        PX_TRY(px_comparison_advance(&s->comparison, i, (const px_iteration *const *)s->its));
    PX_TRY(ask_referee(s, i, fed));
    for (size_t r = 0; r < s->n_runs && run->args->compare.validate.given; r++)
        if (s->its[r] != NULL)
            PX_TRY(px_validate_iteration(run->cx, s->names[r], s->its[r], &s->valid));
    for (size_t r = run->n_runners; r < s->n_runs; r++)
        if (s->its[r] != NULL)
            drop_outputs(s->its[r]);
done:
    return st;
}

/* Outputs where they are to be saved, times in any case. */
static pgy_status *keep(stream *s, size_t i, const px_results *one)
{
    pgy_status *st = NULL;
    const px_opt_str *path = &s->run->args->runner.save_outputs;
    if (path->given && !saves_folder(s->run))
        return px_results_append(s->run->cx, &s->kept, one);
    if (path->given)
        PX_TRY(px_results_save_iteration(s->run->cx, one, path->value, (int64_t)i));
    for (size_t r = 0; r < one->n; r++) {
        px_run *run = &s->kept.at[r];
        PX_TRY(PX_RESERVE(run, 1));
        run->at[run->n++] = (px_iteration){.runtime_s = one->at[r].at[0].runtime_s};
    }
done:
    return st;
}

/* From iteration `n` on there is none of the runners. */
static void end_runners(stream *s, size_t n)
{
    for (size_t r = 0; r < s->run->n_runners && px_run_compares(s->run); r++)
        if (!px_runner_has_failed(s->run->runners[r]))
            px_comparison_set_length(&s->comparison, r, n);
}

static pgy_status *iteration(void *user, size_t i, size_t n, const px_feed *fed, px_results *one,
                             bool *out_stop)
{
    pgy_status *st = NULL;
    stream *s = user;
    if (n != SIZE_MAX)
        end_runners(s, n);
    PX_TRY(keep(s, i, one));
    PX_TRY(judge_iteration(s, i, fed, one));
    s->n_done = i + 1;
    *out_stop = s->comparison.stopped;
done:
    return st;
}

/* The runners' runs in front of the loaded ones. */
static pgy_status *join_runs(stream *s)
{
    pgy_status *st = NULL;
    px_results *loaded = &s->run->results;
    for (size_t r = 0; r < s->kept.n; r++)
        for (size_t i = 0; i < s->kept.at[r].n; i++)
            drop_outputs(&s->kept.at[r].at[i]);
    PX_TRY(PX_RESERVE(&s->kept, loaded->n));
    for (size_t r = 0; r < loaded->n; r++)
        s->kept.at[s->kept.n++] = loaded->at[r];
    loaded->n = 0;
    px_results_fini(loaded);
    *loaded = s->kept;
    s->kept = (px_results){0};
done:
    return st;
}

static pgy_status *close_stream(stream *s)
{
    pgy_status *st = NULL;
    px_run_state *run = s->run;
    const px_opt_str *path = &run->args->runner.save_outputs;
    if (path->given && !saves_folder(run))
        PX_TRY(px_results_save(run->cx, &s->kept, path->value));
    px_top_k_end(run->cx, &s->top_k);
    if (px_run_compares(run)) {
        PX_TRY(px_comparison_finish(&s->comparison));
        run->accuracy = s->comparison.accuracy;
        s->comparison.accuracy = (px_accuracy){0};
        PX_TRY(px_pictures_finish(&run->pictures));
    }
    if (run->args->compare.validate.given)
        px_validate_end(run->cx, s->valid);
    run->is_valid = s->valid;
    if (s->watch != NULL && run->referee.n_iterations > 0 &&
        (n_taking_part(s) > 2 || !run->accuracy.passed))
        PX_TRY(px_watch_conclude(s->watch));
    else
        px_referee_fini(&run->referee);
    PX_TRY(join_runs(s));
done:
    return st;
}

pgy_status *px_station_stream(px_run_state *run)
{
    pgy_status *st = NULL;
    const px_loop loop = px_run_loop(run);
    stream s = {.run = run, .kept.limit = 1, .valid = true};
    size_t longest = 0;
    const px_stream to = {.begin = begin, .iteration = iteration, .left_out = left_out, .user = &s};

    PX_TRY(open_stream(&s));
    PX_TRY(px_loop_streaming(&loop, &to));
    for (size_t r = run->n_runners; r < s.n_runs; r++)
        longest = PX_MAX(longest, loaded_run(&s, r)->n);
    if (s.n_done == 0)
        end_runners(&s, 0);
    for (size_t i = s.n_done; i < longest && !s.comparison.stopped; i++)
        PX_TRY(judge_iteration(&s, i, NULL, NULL));
    PX_TRY(close_stream(&s));
done:
    px_watch_free(s.watch);
    px_comparison_fini(&s.comparison);
    px_results_fini(&s.kept);
    px_mem_free(s.names);
    px_mem_free(s.its);
    return st;
}
