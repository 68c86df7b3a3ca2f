/* compare/referee_public.c - the public face of the referee. */
#include "compare/referee.h"
#include "polygraphy/compare.h"

#include <string.h>

struct pgy_referee {
    px_referee inner;
};

static pgy_status *find_reference(const px_results *results, const char *name, size_t *out)
{
    ptrdiff_t at = name ? -1 : px_referee_find(results);
    for (size_t i = 0; name && i < results->n; i++)
        if (strcmp(results->at[i].runner_name, name) == 0)
            at = (ptrdiff_t)i;
    if (at < 0 && name)
        return PX_FAIL(PGY_ERR_USAGE, "There is no run of '%s' to measure against", name);
    if (at < 0)
        return PX_FAIL(PGY_ERR_USAGE, "There is no run of the reference interpreter to measure "
                                      "against; name another one");
    if (results->n < 2)
        return PX_FAIL(PGY_ERR_USAGE, "There is no run beside '%s' to measure",
                       results->at[at].runner_name);
    *out = (size_t)at;
    return NULL;
}

static const px_iteration *first_run(const pgy_results *results, size_t i)
{
    const px_results *r = results ? px_results_of(results) : NULL;
    return r && r->n > 0 && i < r->at[0].n ? &r->at[0].at[i] : NULL;
}

static pgy_status *measure(pgy_context *cx, px_referee *referee, const px_results *results,
                           size_t reference, const pgy_results *exact, const pgy_results *typed)
{
    pgy_status *st = NULL;
    const px_iteration **runs = NULL;
    size_t n = results->at[0].n;
    for (size_t k = 1; k < results->n; k++)
        n = PX_MIN(n, results->at[k].n);
    PX_TRY(PX_ALLOC(runs, results->n));
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;
        for (size_t k = 0; k < results->n; k++)
            if (k != reference)
                runs[at++] = &results->at[k].at[i];
        PX_TRY(px_referee_add(cx, referee,
                              &(px_referee_iteration){.declared = &results->at[reference].at[i],
                                                      .exact = first_run(exact, i),
                                                      .typed = first_run(typed, i),
                                                      .runs = runs}));
    }
    PX_TRY(px_referee_rule(referee));
done:
    px_mem_free(runs);
    return st;
}

pgy_status *pgy_referee_new(pgy_context *cx, const pgy_results *results, const char *reference,
                            const pgy_results *exact, const pgy_results *typed, pgy_referee **out)
{
    pgy_status *st = NULL;
    const px_results *all = px_results_of(results);
    const char **names = NULL;
    pgy_referee *made = NULL;
    size_t at = 0, n = 0;

    PX_TRY(find_reference(all, reference, &at));
    PX_TRY(PX_ALLOC(made, 1));
    PX_TRY(PX_ALLOC(names, all->n));
    for (size_t k = 0; k < all->n; k++)
        if (k != at)
            names[n++] = all->at[k].runner_name;
    PX_TRY(px_referee_init(&made->inner, all->at[at].runner_name, n, names));
    PX_TRY(measure(cx, &made->inner, all, at, exact, typed));
    *out = made;
    made = NULL;
done:
    px_mem_free(names);
    pgy_referee_free(made);
    return st;
}

size_t pgy_referee_count(const pgy_referee *referee)
{
    return referee->inner.n * referee->inner.n_runs;
}

void pgy_referee_get(const pgy_referee *referee, size_t i, pgy_distance *out)
{
    const size_t size = PX_MIN(out->struct_size, sizeof *out);
    const px_referee *r = &referee->inner;
    const px_referee_output *o = &r->at[i / r->n_runs];
    const px_distance *d = &o->of[i % r->n_runs];
    const pgy_distance all = {.struct_size = size,
                              .output = o->name,
                              .runner = r->runs[i % r->n_runs],
                              .ruling = (pgy_ruling)o->ruling,
                              .sentence = o->sentence,
                              .wrong = o->finding[i % r->n_runs] == PX_FINDING_WRONG,
                              .count = d->count,
                              .n_exact = d->n_exact,
                              .n_unlike = d->n_unlike,
                              .max_abs = d->max_abs,
                              .max_rel = d->max_rel,
                              .max_ulp = d->max_ulp,
                              .rms = px_distance_rms(d),
                              .allowed_abs = o->allowed_abs,
                              .expected_abs = o->expected_abs};
    memcpy(out, &all, size);
}

void pgy_referee_log(pgy_context *cx, const pgy_referee *referee)
{
    px_referee_log(cx, &referee->inner);
}

void pgy_referee_free(pgy_referee *referee)
{
    if (referee == NULL)
        return;
    px_referee_fini(&referee->inner);
    px_mem_free(referee);
}
