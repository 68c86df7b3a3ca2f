/* cli/stations/advise.c - which tolerances would pass. */
#include "cli/stations.h"

#include "base/log.h"
#include "compare/advise.h"

typedef struct summaries {
    px_error_summary *at; /* one an output, in order of first mention */
    size_t n, cap;
} summaries;

static pgy_status *summary_of(summaries *list, const char *output, px_error_summary **out)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->at[i].output, output) == 0) {
            *out = &list->at[i];
            return NULL;
        }
    }
    PX_TRY(PX_RESERVE(list, 1));
    list->at[list->n] = (px_error_summary){.output = output};
    *out = &list->at[list->n++];
done:
    return st;
}

static pgy_status *summarize(const px_func_result *func, summaries *list)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < func->n; i++) {
        for (size_t o = 0; o < func->at[i].n; o++) {
            const px_output_result *result = &func->at[i].at[o];
            px_error_summary *summary;
            if (result->bare)
                continue;
            PX_TRY(summary_of(list, result->name, &summary));
            px_error_summary_add(summary, result);
        }
    }
done:
    return st;
}

static const px_profile *profile_of(const px_profiles *list, const char *output)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->at[i]->output, output) == 0)
            return list->at[i];
    }
    return NULL;
}

/* The path to an output through the model, as far as it is known. */
static px_expectation path_of(const px_terms_map *map, const char *output)
{
    const px_terms *terms = px_run_terms_of(map, output);
    return terms ? (px_expectation){terms->n, terms->longest, terms->n_layers}
                 : (px_expectation){0};
}

/* One line to paste: the options for all outputs that were advised on. */
static void log_options(pgy_context *cx, const px_advice *advice, size_t n)
{
    px_buf text = {0};
    px_buf_puts(&text, "Tolerance Advice | All of them: ");
    px_advice_print_options(&text, advice, n);
    px_log_text(cx, PGY_LOG_INFO, PX_AT_COMPARE, px_buf_str(&text));
    px_buf_fini(&text);
}

pgy_status *px_station_advise(px_run_state *run)
{
    pgy_status *st = NULL;
    summaries list = {0};
    px_terms_map *terms = NULL;
    for (size_t p = 0; p < run->accuracy.n; p++) {
        const px_pair_result *pair = &run->accuracy.at[p];
        for (size_t f = 0; f < pair->n_funcs; f++) {
            if (pair->funcs[f].func == PX_COMPARE_SIMPLE)
                PX_TRY(summarize(&pair->funcs[f], &list));
        }
    }
    PX_TRY(PX_ALLOC(run->advice, list.n + 1));
    for (size_t i = 0; i < list.n; i++) {
        px_advice *advice = &run->advice[run->n_advice];
        if (!list.at[i].failed && !run->args->compare.suggest_tolerances.given)
            continue;
        if (terms == NULL)
            PX_TRY(px_run_terms(run, &terms));
        const px_expectation path = path_of(terms, list.at[i].output);
        px_advise(&list.at[i], profile_of(&run->accuracy.profiles, list.at[i].output), &path,
                  advice);
        px_advice_log(run->cx, advice);
        run->n_advice++;
    }
    if (run->n_advice > 1)
        log_options(run->cx, run->advice, run->n_advice);
done:
    px_terms_map_free(terms);
    px_mem_free(list.at);
    return st;
}
