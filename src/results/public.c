/* results/public.c - the public face of results. */
#include "polygraphy/results.h"

#include "results/results.h"

struct pgy_results {
    px_results inner;
};

pgy_status *pgy_results_new(pgy_results **out)
{
    pgy_results *r = NULL;
    pgy_status *st = PX_ALLOC(r, 1);
    if (st == NULL)
        *out = r;
    return st;
}

void pgy_results_free(pgy_results *results)
{
    if (results == NULL)
        return;
    px_results_fini(&results->inner);
    px_mem_free(results);
}

const px_results *px_results_of(const pgy_results *results)
{
    return &results->inner;
}

pgy_status *pgy_results_load(pgy_context *cx, pgy_results *results, const char *path)
{
    return px_results_load(cx, path, &results->inner);
}

pgy_status *pgy_results_save(pgy_context *cx, const pgy_results *results, const char *path)
{
    return px_results_save(cx, &results->inner, path);
}

pgy_status *pgy_results_begin_run(pgy_results *results, const char *runner_name)
{
    px_run *run;
    return px_results_add_run(&results->inner, runner_name, &run);
}

pgy_status *pgy_results_add(pgy_context *cx, pgy_results *results, pgy_outputs *take_outputs)
{
    px_results *r = &results->inner;
    if (r->n == 0)
        return PX_FAIL(PGY_ERR_USAGE, "Begin a run before adding iterations to the results");
    return px_run_add_iteration(cx, r, &r->at[r->n - 1], take_outputs);
}

size_t pgy_results_runs(const pgy_results *results)
{
    return results->inner.n;
}

const char *pgy_results_runner(const pgy_results *results, size_t run)
{
    return results->inner.at[run].runner_name;
}

size_t pgy_results_iterations(const pgy_results *results, size_t run)
{
    return results->inner.at[run].n;
}

double pgy_results_runtime(const pgy_results *results, size_t run, size_t iteration)
{
    return results->inner.at[run].at[iteration].runtime_s;
}

size_t pgy_results_outputs(const pgy_results *results, size_t run, size_t iteration)
{
    return results->inner.at[run].at[iteration].n_outputs;
}

const char *pgy_results_output_name(const pgy_results *results, size_t run, size_t iteration,
                                    size_t output)
{
    return results->inner.at[run].at[iteration].outputs[output].name;
}

pgy_status *pgy_results_tensor(pgy_context *cx, const pgy_results *results, size_t run,
                               size_t iteration, size_t output, pgy_tensor **out)
{
    return px_lazy_get(cx, results->inner.at[run].at[iteration].outputs[output].value, out);
}
