/* cli/stations/referee.c - the referee report: who is further from the float64 values.
 *
 * It is made when the reference interpreter ran, or its saved results were loaded, beside two or
 * more other runs; and beside one other run when the comparison failed. Then the model is
 * interpreted twice more on the same inputs: with outputs left in float64, and rounding after
 * every operator, which shows what the declared types alone cost. Both happen only here, so that
 * a comparison that passes costs one interpretation.
 *
 * One iteration is measured at a time and let go, whether whole runs are kept or they stream by.
 */
#include "cli/stations.h"

#include "base/progress.h"
#include "data/feed.h"

#include <string.h>

struct px_watch {
    px_run_state *run;
    const char *const *names; /* of all runs; NULL: takes no part */
    size_t n_runs, reference;
    const px_iteration **others;
    /* Active only while they run, since each holds the weights in float64; NULL when the model
     * cannot be interpreted again. */
    px_ref_args exact_args, typed_args;
    px_runner *exact, *typed;
};

static pgy_status *interpreter(const px_watch *w, const px_ref_args *args, px_runner **out)
{
    px_run_state *run = w->run;
    const pgy_backend_ops *ops = pgy_backend_find(run->cx, "pluginref");
    return px_runner_new(run->cx, ops, (int)run->n_runners, args, run->model, out);
}

/* The reference ran here, on feeds that are at hand. Post-processed outputs are no longer what the
 * interpreter gives. */
static bool can_interpret(const px_watch *w)
{
    const px_run_state *run = w->run;
    const px_compare_args *args = &run->args->compare;
    bool is_live = false;
    for (size_t i = 0; i < run->n_runners; i++)
        is_live |= strcmp(px_runner_name(run->runners[i]), w->names[w->reference]) == 0;
    return is_live && args->n_top_k == 0 && !args->postprocess_func_script.given;
}

static pgy_status *open_interpreters(px_watch *w)
{
    pgy_status *st = NULL;
    w->exact_args = w->typed_args = w->run->args->ref;
    w->exact_args.ref_precision = (px_opt_str){0};
    w->exact_args.is_unrounded = true;
    w->typed_args.ref_precision = (px_opt_str){.given = true, .value = "typed"};
    PX_TRY(interpreter(w, &w->exact_args, &w->exact));
    PX_TRY(interpreter(w, &w->typed_args, &w->typed));

done:
    return st;
}

pgy_status *px_watch_new(px_run_state *run, const char *const *names, size_t n_runs, px_watch **out)
{
    pgy_status *st = NULL;
    px_watch *w = NULL;
    const char **others = NULL;
    size_t reference = n_runs, n = 0;
    for (size_t r = n_runs; r-- > 0;)
        if (names[r] != NULL && px_referee_is_reference(names[r]))
            reference = r;
    if (reference == n_runs)
        return NULL;
    PX_TRY(PX_ALLOC(w, 1));
    *w = (px_watch){.run = run, .names = names, .n_runs = n_runs, .reference = reference};
    PX_TRY(PX_ALLOC(others, n_runs));
    PX_TRY(PX_ALLOC(w->others, n_runs));
    for (size_t r = 0; r < n_runs; r++)
        if (r != reference && names[r] != NULL)
            others[n++] = names[r];
    PX_TRY(px_referee_init(&run->referee, names[reference], n, others));
    if (can_interpret(w))
        PX_TRY(open_interpreters(w));
    *out = w;
    w = NULL;
done:
    px_watch_free(w);
    px_mem_free(others);
    return st;
}

void px_watch_free(px_watch *w)
{
    if (w == NULL)
        return;
    px_runner_free(w->exact);
    px_runner_free(w->typed);
    px_mem_free(w->others);
    px_mem_free(w);
}

static bool has_failed(const px_run_state *run, const char *name)
{
    for (size_t i = 0; i < run->n_runners; i++)
        if (strcmp(px_runner_name(run->runners[i]), name) == 0)
            return px_runner_has_failed(run->runners[i]);
    return false;
}

/* The outputs of iteration `i`; `raw` NULL: the feed is asked for. Without a runner nothing is
 * done. */
static pgy_status *interpret(const px_watch *w, px_runner *runner, size_t i, const px_feed *raw,
                             px_results *out)
{
    pgy_status *st = NULL;
    const px_loop loop = px_run_loop(w->run);
    px_feed feed = {0};
    pgy_outputs outputs = {0};
    px_run *run;
    if (runner == NULL)
        return NULL;
    PX_TRY(px_runner_activate(runner));
    PX_TRY(raw ? px_loop_adapt(&loop, runner, (int64_t)i, raw, &feed)
               : px_loop_feed(&loop, runner, (int64_t)i, &feed));
    const pgy_feed view = px_feed_view(&feed);
    PX_TRY(px_runner_infer(runner, &view, &outputs));
    PX_TRY(px_results_add_run(out, px_runner_name(runner), &run));
    PX_TRY(px_run_add_iteration(w->run->cx, out, run, &outputs));
done:
    px_runner_deactivate(runner);
    px_outputs_clear(&outputs);
    px_feed_fini(&feed);
    return st;
}

static const px_iteration *only(const px_results *results)
{
    return results->n > 0 ? &results->at[0].at[0] : NULL;
}

pgy_status *px_watch_iteration(px_watch *w, size_t i, const px_feed *feed,
                               const px_iteration *const *its)
{
    pgy_status *st = NULL;
    px_results exact = {0}, typed = {0};
    size_t n = 0;
    for (size_t r = 0; r < w->n_runs; r++) {
        if (w->names[r] == NULL)
            continue;
        if (its[r] == NULL && !has_failed(w->run, w->names[r]))
            return NULL;
        if (r != w->reference)
            w->others[n++] = its[r];
    }
    if (its[w->reference] == NULL)
        return NULL;
    PX_TRY(interpret(w, w->exact, i, feed, &exact));
    PX_TRY(interpret(w, w->typed, i, feed, &typed));
    PX_TRY(px_referee_add(w->run->cx, &w->run->referee,
                          &(px_referee_iteration){.declared = its[w->reference],
                                                  .exact = only(&exact),
                                                  .typed = only(&typed),
                                                  .runs = w->others}));
done:
    px_results_fini(&exact);
    px_results_fini(&typed);
    return px_status_while(st, "making the referee report");
}

/* How long the sums on the way to each output are. */
static pgy_status *count_terms(px_run_state *run)
{
    pgy_status *st = NULL;
    px_terms_map *map = NULL;
    PX_TRY(px_run_terms(run, &map));
    for (size_t i = 0; i < run->referee.n; i++) {
        const px_terms *terms = px_run_terms_of(map, run->referee.at[i].name);
        run->referee.at[i].n_terms = terms ? terms->longest : 0;
        run->referee.at[i].range = terms ? terms->range : 0;
        run->referee.at[i].n_layers = terms ? terms->n_layers : 0;
    }
done:
    px_terms_map_free(map);
    return st;
}

pgy_status *px_watch_conclude(px_watch *w)
{
    pgy_status *st = NULL;
    PX_TRY(count_terms(w->run));
    PX_TRY(px_referee_rule(&w->run->referee));
    px_referee_log(w->run->cx, &w->run->referee);
done:
    return px_status_while(st, "making the referee report");
}

pgy_status *px_station_referee(px_run_state *run)
{
    pgy_status *st = NULL;
    const px_results *results = &run->results;
    const char **names = NULL;
    const px_iteration **its = NULL;
    px_watch *w = NULL;
    size_t n = SIZE_MAX;
    if (!px_run_compares(run) || results->n < 2 || (results->n == 2 && run->accuracy.passed))
        return NULL;
    PX_TRY(PX_ALLOC(names, results->n));
    PX_TRY(PX_ALLOC(its, results->n));
    for (size_t r = 0; r < results->n; r++) {
        names[r] = results->at[r].runner_name;
        n = PX_MIN(n, results->at[r].n);
    }
    PX_TRY(px_watch_new(run, names, results->n, &w));
    for (size_t i = 0; w != NULL && i < n; i++) {
        for (size_t r = 0; r < results->n; r++)
            its[r] = &results->at[r].at[i];
        PX_TRY(px_watch_iteration(w, i, NULL, its));
        px_progress(run->cx, "Asking the referee", i + 1, n);
    }
    if (w != NULL)
        PX_TRY(px_watch_conclude(w));
done:
    px_progress_end(run->cx, "Asking the referee");
    px_watch_free(w);
    px_mem_free(names);
    px_mem_free(its);
    return st;
}
