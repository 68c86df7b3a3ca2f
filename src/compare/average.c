/* compare/average.c - see average.h. */
#include "compare/average.h"

#include "base/log.h"
#include "compare/func.h"

#include <math.h>

pgy_status *px_average_check(const px_compare_args *args)
{
    pgy_status *st = NULL;
    if (args->fail_fast.given)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "--check-average cannot be combined with --fail-fast."));
    for (size_t f = 0; f < args->n_funcs; f++) {
        if (args->funcs[f] == PX_COMPARE_INDICES || args->funcs[f] == PX_COMPARE_SCRIPT)
            PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                           "The selected compare_func does not produce averageable metrics and "
                           "cannot be used with check_average=True."));
        if (args->funcs[f] != PX_COMPARE_SIMPLE)
            continue;
        bool has_default = false, elemwise = false;
        for (size_t i = 0; i < args->check_error_stat.n; i++) {
            const struct px_opt_key_value *e = &args->check_error_stat.at[i];
            has_default = has_default || e->key[0] == '\0';
            elemwise = elemwise || (e->value.text && strcmp(e->value.text, "elemwise") == 0);
        }
        if (!has_default || elemwise)
            PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                           "--check-average is not supported with check_error_stat='elemwise' (the "
                           "default). Specify --check-error-stat max, mean, median, or quantile."));
    }
done:
    return st;
}

typedef struct averages {
    double abs, rel, metric;
    size_t n;
    const px_output_result *last; /* for tolerances */
} averages;

static pgy_status *average(const px_func_result *func, const char *output, averages *out)
{
    averages a = {0};
    for (size_t i = 0; i < func->n; i++) {
        for (size_t o = 0; o < func->at[i].n; o++) {
            const px_output_result *r = &func->at[i].at[o];
            if (strcmp(r->name, output) != 0)
                continue;
            if (r->bare)
                return PX_FAIL(PGY_ERR_USAGE,
                               "Output: %s | Cannot compute an averaged comparison because at "
                               "least one iteration produced no comparable metrics (e.g. a shape "
                               "mismatch). Leave out --check-average to judge each iteration.",
                               output);
            a.abs += r->abs_error;
            a.rel += r->rel_error;
            a.metric += r->metric;
            a.last = r;
            a.n++;
        }
    }
    a.abs /= (double)a.n;
    a.rel /= (double)a.n;
    a.metric /= (double)a.n;
    *out = a;
    return NULL;
}

static bool judge(px_compare_func func, const averages *a)
{
    if (func != PX_COMPARE_SIMPLE)
        return px_metric_passes(func, a->metric, a->last->threshold);
    return a->abs <= a->last->atol || a->rel <= a->last->rtol;
}

/* One output under all functions; lines are collected, because the verdict comes first. */
static pgy_status *judge_output(const px_pair_result *pair, const char *output, bool *out_passed,
                                averages of[PX_N_COMPARE_FUNCS])
{
    pgy_status *st = NULL;
    *out_passed = true;
    for (size_t f = 0; f < pair->n_funcs; f++) {
        PX_TRY(average(&pair->funcs[f], output, &of[f]));
        if (of[f].n > 0)
            *out_passed = *out_passed && judge(pair->funcs[f].func, &of[f]);
    }
done:
    return st;
}

static void log_output(pgy_context *cx, const px_pair_result *pair, const char *output, bool passed,
                       const averages of[PX_N_COMPARE_FUNCS])
{
    px_log(cx, passed ? PGY_LOG_FINISH : PGY_LOG_ERROR, PX_AT_COMPARATOR, "%s | %s:", output,
           passed ? "PASSED" : "FAILED");
    px_log_indent(cx, 1);
    for (size_t f = 0; f < pair->n_funcs; f++) {
        const px_compare_func func = pair->funcs[f].func;
        if (func == PX_COMPARE_SIMPLE || of[f].n == 0)
            continue;
        px_buf text = {0};
        const bool ok = judge(func, &of[f]);
        px_metric_print(&text, func, of[f].metric, of[f].last->threshold, ok);
        px_log_text(cx, ok ? PGY_LOG_FINISH : PGY_LOG_ERROR, PX_AT_COMPARATOR, px_buf_str(&text));
        px_buf_fini(&text);
    }
    px_log_indent(cx, -1);
}

static bool seen_before(const px_func_result *func, size_t iteration, const char *output)
{
    for (size_t i = 0; i < iteration; i++)
        for (size_t o = 0; o < func->at[i].n; o++)
            if (strcmp(func->at[i].at[o].name, output) == 0)
                return true;
    return false;
}

pgy_status *px_average_judge(pgy_context *cx, px_pair_result *pair)
{
    pgy_status *st = NULL;
    averages of[PX_N_COMPARE_FUNCS];
    const px_func_result *first = &pair->funcs[0];
    size_t n = 0, n_passed = 0;
    bool passed;
    /* Counted first: the summary line stands above the outputs. */
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            pair->passed = n == n_passed;
            px_log(cx, pair->passed ? PGY_LOG_FINISH : PGY_LOG_ERROR, PX_AT_COMPARATOR,
                   "Accuracy Summary | %s vs. %s | Passed: %zu/%zu outputs", pair->runner[0],
                   pair->runner[1], n_passed, n);
            px_log_indent(cx, 1);
        }
        for (size_t i = 0; i < first->n; i++)
            for (size_t o = 0; o < first->at[i].n; o++) {
                const char *output = first->at[i].at[o].name;
                if (seen_before(first, i, output))
                    continue;
                PX_TRY(judge_output(pair, output, &passed, of));
                if (pass == 1) {
                    log_output(cx, pair, output, passed, of);
                } else {
                    n++;
                    n_passed += passed;
                }
            }
    }
    px_log_indent(cx, -1);
done:
    return st;
}
