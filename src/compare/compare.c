/* compare/compare.c - the driver: pairs, iterations, outputs, summaries. */
#include "compare/compare.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/progress.h"
#include "compare/average.h"
#include "compare/func.h"
#include "compare/text.h"

#include <math.h>

/* ---- lifetime ---- */

static void fini_output(px_output_result *r)
{
    px_mem_free(r->name);
    px_mem_free(r->other_name);
    px_mem_free(r->dims);
}

void px_accuracy_fini(px_accuracy *accuracy)
{
    for (size_t p = 0; p < accuracy->n; p++) {
        px_pair_result *pair = &accuracy->at[p];
        for (size_t f = 0; f < pair->n_funcs; f++) {
            px_func_result *func = &pair->funcs[f];
            for (size_t i = 0; i < func->n; i++) {
                for (size_t o = 0; o < func->at[i].n; o++)
                    fini_output(&func->at[i].at[o]);
                px_mem_free(func->at[i].at);
            }
            px_mem_free(func->at);
        }
        px_mem_free(pair->runner[0]);
        px_mem_free(pair->runner[1]);
    }
    px_mem_free(accuracy->at);
    px_profiles_fini(&accuracy->profiles);
    *accuracy = (px_accuracy){0};
}

pgy_status *px_comparison_init(px_comparison *c, pgy_context *cx, const px_compare_args *args)
{
    pgy_status *st = NULL;
    bool newer = args->n_funcs > 1 || args->check_average.given;
    for (size_t i = 0; i < args->n_funcs; i++) {
        newer =
            newer || (args->funcs[i] > PX_COMPARE_INDICES && args->funcs[i] != PX_COMPARE_SCRIPT);
        if (args->funcs[i] >= PX_COMPARE_PERCEPTUAL && args->script == NULL)
            PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                           "The comparison function '%s' needs Python, which only the command runs",
                           px_compare_func_name(args->funcs[i])));
    }
    if (args->check_average.given)
        PX_TRY(px_average_check(args));
    *c = (px_comparison){.cx = cx,
                         .args = args,
                         .layout = newer ? PX_LAYOUT_053 : PX_LAYOUT_049,
                         .accuracy = {.passed = true, .average = args->check_average.given}};
done:
    return st;
}

void px_comparison_fini(px_comparison *c)
{
    px_accuracy_fini(&c->accuracy);
    px_mem_free(c->runs);
    c->runs = NULL;
}

/* Of the runs in these places. Its index is the number of pairs announced before. */
static pgy_status *add_pair(px_comparison *c, size_t run0, const char *runner0, size_t run1,
                            const char *runner1)
{
    pgy_status *st = NULL;
    PX_TRY(PX_RESERVE(&c->accuracy, 1));
    px_pair_result *pair = &c->accuracy.at[c->accuracy.n];
    *pair = (px_pair_result){.run = {run0, run1}, .n_funcs = c->args->n_funcs, .passed = true};
    c->accuracy.n++;
    for (size_t f = 0; f < pair->n_funcs; f++)
        pair->funcs[f].func = c->args->funcs[f];
    pair->runner[0] = px_mem_strdup(runner0);
    pair->runner[1] = px_mem_strdup(runner1);
    if (pair->runner[0] == NULL || pair->runner[1] == NULL)
        PX_TRY(px_status_nomem());
    px_log(c->cx, PGY_LOG_START, PX_AT_COMPARATOR, "Accuracy Comparison | %s vs. %s", runner0,
           runner1);
done:
    return st;
}

/* ---- one output ---- */

static void log_comparing(const px_comparison *c, const px_case *one, px_compare_func func)
{
    px_buf text = {0};
    if (c->layout == PX_LAYOUT_053)
        px_buf_printf(&text, "%s | ", px_func_label(func));
    px_buf_printf(&text, "Comparing Output: '%s' ", one->name[0]);
    px_text_tensor(&text, one->tensor[0]);
    px_buf_printf(&text, " with '%s' ", one->name[1]);
    px_text_tensor(&text, one->tensor[1]);
    px_log_text(c->cx, PGY_LOG_START, PX_AT_COMPARE, px_buf_str(&text));
    px_buf_fini(&text);
}

static pgy_status *compare_output(px_comparison *c, px_compare_func func,
                                  const px_pair_result *pair, const px_result_output *a,
                                  const px_result_output *b, px_output_result *out)
{
    pgy_status *st = NULL;
    px_case one = {.cx = c->cx,
                   .args = c->args,
                   .layout = c->layout,
                   .plot = &c->plot,
                   .profiles = c->args->suggest_tolerances.given ? &c->accuracy.profiles : NULL,
                   .runner = {pair->runner[0], pair->runner[1]},
                   .name = {a->name, b->name}};
    PX_TRY(px_lazy_get(c->cx, a->value, &one.tensor[0]));
    PX_TRY(px_lazy_get(c->cx, b->value, &one.tensor[1]));
    log_comparing(c, &one, func);
    px_log_indent(c->cx, 1);
    st = func == PX_COMPARE_SIMPLE       ? px_func_simple(&one, out)
         : func == PX_COMPARE_INDICES    ? px_func_indices(&one, out)
         : func == PX_COMPARE_PERCEPTUAL ? px_func_lpips(&one, out)
                                         : px_func_metric(&one, func, out);
    px_log_indent(c->cx, -1);
done:
    pgy_tensor_free(one.tensor[0]);
    pgy_tensor_free(one.tensor[1]);
    return px_status_while(st, "comparing output '%s' of %s with '%s' of %s", a->name,
                           pair->runner[0], b->name, pair->runner[1]);
}

/* ---- one iteration under one function ---- */

static pgy_status *log_outputs_verdict(const px_comparison *c, px_compare_func func,
                                       const px_compared_iteration *it)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    px_str *names = NULL;
    size_t n = 0;
    PX_TRY(PX_ALLOC(names, it->n + 1));
    for (size_t i = 0; i < it->n; i++)
        if (it->passed || !it->at[i].passed)
            names[n++] = px_str_of(it->at[i].name);
    px_buf_puts(&text, it->passed ? "PASSED | " : "FAILED | ");
    if (c->layout == PX_LAYOUT_053)
        px_buf_printf(&text, "%s | ", px_func_label(func));
    px_buf_puts(&text, it->passed ? "All outputs matched | Outputs: " : "Mismatched outputs: ");
    px_buf_repr_list(&text, names, n);
    PX_TRY(px_buf_status(&text));
    px_log_text(c->cx, it->passed ? PGY_LOG_FINISH : PGY_LOG_ERROR, PX_AT_COMPARE,
                px_buf_str(&text));
done:
    px_mem_free(names);
    px_buf_fini(&text);
    return st;
}

static pgy_status *fail_nothing_common(const px_pair_result *pair, const px_iteration *a,
                                       const px_iteration *b)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    px_str *names = NULL;
    PX_TRY(PX_ALLOC(names, a->n_outputs + b->n_outputs + 1));
    px_buf_puts(&text, "All outputs were skipped, no common outputs found! Note:");
    for (int side = 0; side < 2; side++) {
        const px_iteration *it = side == 0 ? a : b;
        for (size_t i = 0; i < it->n_outputs; i++)
            names[i] = px_str_of(it->outputs[i].name);
        px_buf_printf(&text, "\n%s outputs: ", pair->runner[side]);
        px_buf_repr_list(&text, names, it->n_outputs);
    }
    PX_TRY(px_buf_status(&text));
    PX_TRY(PX_FAIL(PGY_ERR_USAGE, "%s", px_buf_cstr(&text)));
done:
    px_mem_free(names);
    px_buf_fini(&text);
    return st;
}

pgy_status *px_compare_outputs(px_comparison *c, const px_pair_result *pair, px_compare_func func,
                               const px_iteration *a, const px_iteration *b,
                               px_compared_iteration *out)
{
    pgy_status *st = NULL;
    if (func == PX_COMPARE_SCRIPT) {
        PX_TRY(px_compare_by_script(c, a, b, out));
        c->stopped = !out->passed && c->args->fail_fast.given;
        goto done;
    }
    PX_TRY(px_check_keys(c->cx, c->args, func, a, b));
    if (c->args->no_shape_check.given && func != PX_COMPARE_INDICES) {
        static const char text[] = "Strict shape checking disabled. Will attempt to match output "
                                   "shapes before comparisons";
        if (c->layout == PX_LAYOUT_049)
            px_log(c->cx, PGY_LOG_INFO, PX_AT_COMPARE, "%s", text);
        else
            px_log_once(c->cx, PGY_LOG_INFO, PX_AT_COMPARE, "%s", text);
    }
    out->passed = true;
    for (size_t i = 0; i < a->n_outputs; i++) {
        size_t j;
        if (!px_match_output(c->cx, a, i, b, pair->runner[1], &j))
            continue;
        PX_TRY(PX_RESERVE(out, 1));
        px_output_result *r = &out->at[out->n++];
        *r = (px_output_result){0};
        r->name = px_mem_strdup(a->outputs[i].name);
        r->other_name = px_mem_strdup(b->outputs[j].name);
        if (r->name == NULL || r->other_name == NULL)
            PX_TRY(px_status_nomem());
        PX_TRY(compare_output(c, func, pair, &a->outputs[i], &b->outputs[j], r));
        out->passed = out->passed && r->passed;
        px_progress(c->cx, "Comparing", ++c->n_compared, c->n_expected);
        if (!r->passed && c->args->fail_fast.given) {
            c->stopped = true;
            goto done;
        }
    }
    PX_TRY(log_outputs_verdict(c, func, out));
    if (out->n == 0 && a->n_outputs + b->n_outputs > 0)
        PX_TRY(fail_nothing_common(pair, a, b));
done:
    return st;
}

/* ---- the newer layout's statistics lines ---- */

static const px_result_output *find_output(const px_iteration *it, const char *name)
{
    for (size_t i = 0; i < it->n_outputs; i++)
        if (strcmp(it->outputs[i].name, name) == 0)
            return &it->outputs[i];
    return NULL;
}

/* The numbers of both arrays as `simple` found them, if it did under these very shapes. */
static const px_stats *known_stats(const px_pair_result *pair, size_t output,
                                   pgy_tensor *const t[2])
{
    for (size_t f = 0; f < pair->n_funcs; f++) {
        const px_func_result *func = &pair->funcs[f];
        if (func->func != PX_COMPARE_SIMPLE || func->n == 0 || output >= func->at[func->n - 1].n)
            continue;
        const px_output_result *r = &func->at[func->n - 1].at[output];
        if (!r->bare && px_shape_eq(r->rank, r->dims, t[0]->rank, t[0]->dims) &&
            px_shape_eq(r->rank, r->dims, t[1]->rank, t[1]->dims))
            return r->stats.of;
    }
    return NULL;
}

static pgy_status *log_output_stats(const px_comparison *c, const px_pair_result *pair,
                                    size_t output, const char *const names[2],
                                    pgy_tensor *const t[2], int detail)
{
    pgy_status *st = NULL;
    px_buf title = {0};
    px_stats stats[2];
    px_hist hists[PX_N_OF];
    double range[2];
    const px_stats *known = known_stats(pair, output, t);
    px_work unused;
    if (!px_work_of(t[0]->dtype, &unused) || !px_work_of(t[1]->dtype, &unused))
        return NULL; /* text has no statistics */
    for (int i = 0; i < 2; i++) {
        if (known != NULL)
            stats[i] = known[i];
        else
            PX_TRY(px_stats_of(c->cx, t[i], &stats[i]));
    }
    px_joint_range(&stats[0], &stats[1], range);
    for (int i = 0; i < 2; i++) {
        px_pair alone; /* the arrays may differ in count here */
        PX_TRY(px_pair_init(t[i], NULL, false, 0, 0, &alone));
        if (px_detail_shows(c->cx, detail))
            PX_TRY(px_hists_of(c->cx, &alone, PX_NEED(PX_OF_A), &stats[i], range, hists));
        title.len = 0;
        px_buf_printf(&title, "%s: %s", pair->runner[i], names[i]);
        PX_TRY(px_log_stats(c->cx, px_buf_cstr(&title), &alone, PX_OF_A, &stats[i], &hists[PX_OF_A],
                            detail));
    }
done:
    px_buf_fini(&title);
    return st;
}

static pgy_status *log_all_stats(const px_comparison *c, const px_pair_result *pair,
                                 const px_iteration *a, const px_iteration *b)
{
    pgy_status *st = NULL;
    pgy_tensor *t[2] = {NULL, NULL};
    const px_compared_iteration *first = &pair->funcs[0].at[pair->funcs[0].n - 1];
    if (!px_log_enabled(c->cx, PGY_LOG_INFO, PX_AT_STATS))
        return NULL;
    for (size_t o = 0; o < first->n; o++) {
        const char *names[2] = {first->at[o].name, first->at[o].other_name};
        const px_result_output *of[2] = {find_output(a, names[0]), find_output(b, names[1])};
        bool passed = true;
        for (size_t f = 0; f < pair->n_funcs; f++) {
            const px_func_result *func = &pair->funcs[f];
            if (func->n == pair->funcs[0].n && o < func->at[func->n - 1].n)
                passed = passed && func->at[func->n - 1].at[o].passed;
        }
        for (int i = 0; i < 2; i++)
            PX_TRY(px_lazy_get(c->cx, of[i]->value, &t[i]));
        PX_TRY(log_output_stats(c, pair, o, names, t, passed ? PGY_LOG_VERBOSE : PGY_LOG_INFO));
        for (int i = 0; i < 2; i++) {
            pgy_tensor_free(t[i]);
            t[i] = NULL;
        }
    }
done:
    pgy_tensor_free(t[0]);
    pgy_tensor_free(t[1]);
    return st;
}

/* ---- steps ---- */

static void announce_iteration(const px_comparison *c, size_t iteration)
{
    px_log(c->cx, PGY_LOG_INFO, PX_AT_COMPARATOR, "Iteration: %zu", iteration);
}

/* One iteration of a pair. Older layout: `titled` announces it. */
static pgy_status *step(px_comparison *c, size_t pair_index, size_t iteration, bool titled,
                        const px_iteration *a, const px_iteration *b)
{
    pgy_status *st = NULL;
    px_pair_result *pair = &c->accuracy.at[pair_index];
    const bool older = c->layout == PX_LAYOUT_049;
    bool passed = true;
    const int depth = older && titled ? 2 : 1;
    px_log_indent(c->cx, 1);
    if (older && titled) {
        announce_iteration(c, iteration);
        px_log_indent(c->cx, 1);
    }
    for (size_t f = 0; f < pair->n_funcs && !c->stopped; f++) {
        px_func_result *func = &pair->funcs[f];
        PX_TRY(PX_RESERVE(func, 1));
        px_compared_iteration *it = &func->at[func->n++];
        *it = (px_compared_iteration){0};
        PX_TRY(px_compare_outputs(c, pair, func->func, a, b, it));
        passed = passed && it->passed;
    }
    pair->n_iterations++;
    pair->n_passed += passed;
    if (!older)
        PX_TRY(log_all_stats(c, pair, a, b));
done:
    px_log_indent(c->cx, -depth);
    if (st != NULL || !passed)
        pair->passed = false;
    return st;
}

static void log_summary(const px_comparison *c, const px_pair_result *pair)
{
    px_buf text = {0};
    const double rate =
        pair->n_iterations == 0 ? 100.0 : (double)pair->n_passed / (double)pair->n_iterations * 100;
    px_buf_printf(&text, "Accuracy Summary | %s vs. %s | Passed: %zu/%zu iterations | Pass Rate: ",
                  pair->runner[0], pair->runner[1], pair->n_passed, pair->n_iterations);
    if (c->layout == PX_LAYOUT_049)
        px_fmt_repr_f64(&text, rate);
    else
        px_fmt_f(&text, rate, 2);
    px_buf_putc(&text, '%');
    px_log_text(c->cx, pair->passed ? PGY_LOG_FINISH : PGY_LOG_ERROR, PX_AT_COMPARATOR,
                px_buf_str(&text));
    px_buf_fini(&text);
}

/* Older layout: what is said of a pair whose iterations are done. */
static void end_pair(const px_comparison *c, size_t pair_index)
{
    const px_pair_result *pair = &c->accuracy.at[pair_index];
    if (c->stopped)
        return;
    px_log_indent(c->cx, 1);
    px_log(c->cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_COMPARATOR, "Finished comparing %s with %s",
           pair->runner[0], pair->runner[1]);
    px_log_indent(c->cx, -1);
    log_summary(c, pair);
}

/* ---- iterations that come one at a time ---- */

static size_t shortest(const px_comparison *c)
{
    size_t n = PX_LENGTH_UNKNOWN;
    for (size_t r = 0; r < c->n_runs; r++)
        if (!c->runs[r].is_out)
            n = PX_MIN(n, c->runs[r].length);
    return n;
}

pgy_status *px_comparison_begin(px_comparison *c, const char *const *runners, const size_t *lengths,
                                size_t n)
{
    pgy_status *st = NULL;
    const px_compared_run *last = NULL;
    PX_TRY(PX_ALLOC(c->runs, n + 1));
    c->n_runs = n;
    for (size_t r = 0; r < n; r++) {
        c->runs[r] = (px_compared_run){runners[r], lengths[r], runners[r] == NULL};
        if (c->runs[r].is_out)
            continue;
        if (last != NULL)
            PX_TRY(add_pair(c, (size_t)(last - c->runs), last->name, r, runners[r]));
        last = &c->runs[r];
    }
done:
    return st;
}

void px_comparison_set_length(px_comparison *c, size_t run, size_t n)
{
    c->runs[run].length = n;
}

pgy_status *px_comparison_leave_out(px_comparison *c, size_t run, size_t i)
{
    size_t before = run, behind = run;
    c->runs[run].length = i;
    c->runs[run].is_out = true;
    while (before > 0 && c->runs[before].is_out)
        before--;
    while (behind + 1 < c->n_runs && c->runs[behind].is_out)
        behind++;
    if (c->runs[before].is_out || c->runs[behind].is_out)
        return NULL;
    return add_pair(c, before, c->runs[before].name, behind, c->runs[behind].name);
}

pgy_status *px_comparison_advance(px_comparison *c, size_t i, const px_iteration *const *its)
{
    pgy_status *st = NULL;
    const bool older = c->layout == PX_LAYOUT_049;
    if (!older && i >= shortest(c))
        return NULL;
    if (!older)
        announce_iteration(c, i);
    for (size_t p = 0; p < c->accuracy.n && !c->stopped; p++) {
        const size_t *run = c->accuracy.at[p].run;
        const size_t n = PX_MIN(c->runs[run[0]].length, c->runs[run[1]].length);
        if (i < n)
            PX_TRY(step(c, p, i, n > 1, its[run[0]], its[run[1]]));
    }
done:
    return st;
}

static void warn_lengths(const px_comparison *c)
{
    px_buf text = {0};
    const size_t n = shortest(c);
    size_t n_short = 0, n_runs = 0;
    for (size_t r = 0; r < c->n_runs; r++)
        n_runs += !c->runs[r].is_out;
    px_buf_printf(&text,
                  "The provided streams have different numbers of iterations. Only the first %zu "
                  "iteration(s) -- present in all %zu streams -- were compared; stream(s) at index "
                  "[",
                  n, n_runs);
    for (size_t r = 0; r < c->n_runs; r++)
        if (!c->runs[r].is_out && c->runs[r].length == n)
            px_buf_printf(&text, "%s%zu", n_short++ > 0 ? ", " : "", r);
    px_buf_puts(&text, "] ran out first.");
    if (n_short < n_runs)
        px_log_text(c->cx, PGY_LOG_WARNING, PX_AT_COMPARATOR, px_buf_str(&text));
    px_buf_fini(&text);
}

pgy_status *px_comparison_finish(px_comparison *c)
{
    pgy_status *st = NULL;
    const bool older = c->layout == PX_LAYOUT_049;
    if (!older && c->n_runs > 0 && !c->stopped)
        warn_lengths(c);
    for (size_t p = 0; p < c->accuracy.n; p++) {
        px_pair_result *pair = &c->accuracy.at[p];
        if (older && c->n_runs > 0)
            end_pair(c, p);
        if (c->accuracy.average)
            PX_TRY(px_average_judge(c->cx, pair));
        else if (!older && !c->stopped)
            log_summary(c, pair);
        c->accuracy.passed = c->accuracy.passed && pair->passed;
    }
done:
    if (st != NULL)
        c->accuracy.passed = false;
    return st;
}

/* ---- runs that are there ---- */

static pgy_status *by_pairs(px_comparison *c, const px_results *results)
{
    pgy_status *st = NULL;
    for (size_t r = 0; r + 1 < results->n && !c->stopped; r++) {
        const px_run *a = &results->at[r], *b = &results->at[r + 1];
        const size_t n = PX_MIN(a->n, b->n);
        PX_TRY(add_pair(c, r, a->runner_name, r + 1, b->runner_name));
        for (size_t i = 0; i < n && !c->stopped; i++)
            PX_TRY(step(c, r, i, n > 1, &a->at[i], &b->at[i]));
        end_pair(c, r);
    }
done:
    return st;
}

static pgy_status *by_iterations(px_comparison *c, const px_results *results)
{
    pgy_status *st = NULL;
    const char **names = NULL;
    size_t *lengths = NULL, longest = 0;
    const px_iteration **its = NULL;
    PX_TRY(PX_ALLOC(names, results->n + 1));
    PX_TRY(PX_ALLOC(lengths, results->n + 1));
    PX_TRY(PX_ALLOC(its, results->n + 1));
    for (size_t r = 0; r < results->n; r++) {
        names[r] = results->at[r].runner_name;
        lengths[r] = results->at[r].n;
        longest = PX_MAX(longest, lengths[r]);
    }
    PX_TRY(px_comparison_begin(c, names, lengths, results->n));
    for (size_t i = 0; i < longest && !c->stopped; i++) {
        for (size_t r = 0; r < results->n; r++)
            its[r] = i < lengths[r] ? &results->at[r].at[i] : NULL;
        PX_TRY(px_comparison_advance(c, i, its));
    }
done:
    px_mem_free(names);
    px_mem_free(lengths);
    px_mem_free(its);
    return st;
}

/* Outputs of all iterations that will be compared, as far as every output finds its match. */
static uint64_t count_outputs(const px_compare_args *args, const px_results *results)
{
    uint64_t n = 0;
    for (size_t r = 0; r + 1 < results->n; r++)
        for (size_t i = 0; i < PX_MIN(results->at[r].n, results->at[r + 1].n); i++)
            n += results->at[r].at[i].n_outputs;
    return n * PX_MAX(args->n_funcs, (size_t)1);
}

pgy_status *px_compare_results(pgy_context *cx, const px_compare_args *args,
                               const px_results *results, const px_plot_hook *plot,
                               px_accuracy *out)
{
    pgy_status *st = NULL;
    px_comparison c = {0};
    PX_TRY(px_comparison_init(&c, cx, args));
    if (plot != NULL)
        c.plot = *plot;
    c.n_expected = count_outputs(args, results);
    if (c.layout == PX_LAYOUT_049)
        PX_TRY(by_pairs(&c, results));
    else
        PX_TRY(by_iterations(&c, results));
    px_progress_end(cx, "Comparing");
    PX_TRY(px_comparison_finish(&c));
    *out = c.accuracy;
    c.accuracy = (px_accuracy){0};
done:
    px_comparison_fini(&c);
    return st;
}
