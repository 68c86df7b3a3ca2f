/* cli/stations/referee.c - the referee report: who is further from the float64 values.
 *
 * It is made when the reference interpreter ran, or its saved results were loaded, beside two or
 * more other runs; and beside one other run when the comparison failed. Then the model is
 * interpreted twice more on the same inputs: with outputs left in float64, and rounding after
 * every operator, which shows what the declared types alone cost. Both happen only here, so that
 * a comparison that passes costs one interpretation.
 */
#include "cli/stations.h"

#include "base/log.h"
#include "compare/referee.h"

#include <string.h>

/* One more interpretation of the model over all feeds. */
static pgy_status *interpret(px_run_state *run, const px_ref_args *args, px_results *out)
{
    pgy_status *st = NULL;
    px_runner *runner = NULL;
    const px_loop loop = px_run_loop(run);
    const pgy_backend_ops *ops = pgy_backend_find(run->cx, "pluginref");
    PX_TRY(px_runner_new(run->cx, ops, (int)run->n_runners, args, run->model, &runner));
    PX_TRY(px_loop_again(&loop, runner, out));
done:
    px_runner_free(runner);
    return st;
}

typedef struct truth {
    px_results exact, typed; /* one run each, or none */
} truth;

/* The reference ran here, on feeds that are at hand. Post-processed outputs are no longer what the
 * interpreter gives. */
static bool can_interpret(const px_run_state *run, ptrdiff_t reference)
{
    const px_compare_args *args = &run->args->compare;
    const char *name = run->results.at[reference].runner_name;
    bool is_live = false;
    for (size_t i = 0; i < run->n_runners; i++)
        is_live |= strcmp(px_runner_name(run->runners[i]), name) == 0;
    return is_live && args->n_top_k == 0 && !args->postprocess_func_script.given;
}

static pgy_status *find_truth(px_run_state *run, truth *out)
{
    pgy_status *st = NULL;
    px_ref_args exact = run->args->ref, typed = run->args->ref;
    exact.ref_precision = (px_opt_str){0};
    exact.is_unrounded = true;
    typed.ref_precision = (px_opt_str){.given = true, .value = "typed"};
    PX_TRY(interpret(run, &exact, &out->exact));
    PX_TRY(interpret(run, &typed, &out->typed));
done:
    return st;
}

static const px_iteration *iteration_of(const px_results *results, size_t i)
{
    return results->n > 0 && i < results->at[0].n ? &results->at[0].at[i] : NULL;
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

static pgy_status *measure(px_run_state *run, ptrdiff_t reference, const truth *t,
                           const size_t *others, size_t n_others)
{
    pgy_status *st = NULL;
    const px_iteration **at = NULL;
    const px_run *declared = &run->results.at[reference];
    size_t n = declared->n;
    PX_TRY(PX_ALLOC(at, n_others));
    for (size_t k = 0; k < n_others; k++)
        n = PX_MIN(n, run->results.at[others[k]].n);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n_others; k++)
            at[k] = &run->results.at[others[k]].at[i];
        PX_TRY(px_referee_add(run->cx, &run->referee,
                              &(px_referee_iteration){.declared = &declared->at[i],
                                                      .exact = iteration_of(&t->exact, i),
                                                      .typed = iteration_of(&t->typed, i),
                                                      .runs = at}));
    }
    PX_TRY(count_terms(run));
    PX_TRY(px_referee_rule(&run->referee));
done:
    px_mem_free(at);
    return st;
}

static pgy_status *report(px_run_state *run, ptrdiff_t reference, truth *t)
{
    pgy_status *st = NULL;
    size_t *others = NULL, n = 0;
    const char **names = NULL;
    PX_TRY(PX_ALLOC(others, run->results.n));
    PX_TRY(PX_ALLOC(names, run->results.n));
    for (size_t i = 0; i < run->results.n; i++)
        if ((ptrdiff_t)i != reference) {
            names[n] = run->results.at[i].runner_name;
            others[n++] = i;
        }
    if (can_interpret(run, reference))
        PX_TRY(find_truth(run, t));
    PX_TRY(px_referee_init(&run->referee, run->results.at[reference].runner_name, n, names));
    PX_TRY(measure(run, reference, t, others, n));
    px_referee_log(run->cx, &run->referee);
done:
    px_mem_free(others);
    px_mem_free(names);
    return st;
}

pgy_status *px_station_referee(px_run_state *run)
{
    pgy_status *st = NULL;
    truth t = {0};
    const ptrdiff_t reference = px_referee_find(&run->results);
    const bool wanted = run->results.n > 2 || (run->results.n == 2 && !run->accuracy.passed);
    if (reference < 0 || !wanted || !px_run_compares(run))
        return NULL;
    PX_TRY(report(run, reference, &t));
done:
    px_results_fini(&t.exact);
    px_results_fini(&t.typed);
    return px_status_while(st, "making the referee report");
}
