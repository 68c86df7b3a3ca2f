/* compare/simple.c - the elementwise comparison: absolute and relative differences, judged by
 * elements or by one statistic.
 *
 * Mirrors: comparator/compare.py CompareFunc.simple.
 */
#include "base/array_text.h"
#include "base/fmt.h"
#include "base/log.h"
#include "compare/func.h"
#include "compare/mismatch.h"
#include "compare/text.h"
#include "data/match_shape.h"

#include <math.h>

static const char *const stat_names[] = {"elemwise", "max", "mean", "median", "quantile"};

const char *px_error_stat_name(px_error_stat stat)
{
    return stat_names[stat];
}

static pgy_status *parse_stat(const char *text, px_error_stat *out)
{
    for (size_t i = 0; i < PX_COUNTOF(stat_names); i++)
        if (strcmp(text, stat_names[i]) == 0) {
            *out = (px_error_stat)i;
            return NULL;
        }
    return PX_FAIL(PGY_ERR_USAGE,
                   "Invalid choice for check_error_stat: %s. Valid choices are: "
                   "max, mean, median, elemwise, quantile.",
                   text);
}

/* ---- shapes ---- */

pgy_status *px_case_match_shapes(const px_case *c, pgy_tensor *out[2], bool *out_ok)
{
    pgy_status *st = NULL;
    pgy_tensor *a = c->tensor[0], *b = c->tensor[1], *matched = NULL, *viewed = NULL;
    px_buf text = {0};
    *out_ok = true;
    px_log(c->cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_COMPARE, "Note: Comparing %s vs. %s", c->runner[0],
           c->runner[1]);
    if (!c->args->no_shape_check.given) {
        if (!px_shape_eq(a->rank, a->dims, b->rank, b->dims)) {
            px_buf_printf(&text,
                          "FAILED | Output: `%s` | Will not compare outputs of different shapes.\n"
                          "Note: Output shapes are ",
                          c->name[0]);
            px_shape_print(&text, a->rank, a->dims);
            px_buf_puts(&text, " and ");
            px_shape_print(&text, b->rank, b->dims);
            px_buf_putc(&text, '.');
            PX_TRY(px_buf_status(&text));
            px_log_text(c->cx, PGY_LOG_ERROR, PX_AT_COMPARE, px_buf_str(&text));
            px_log_once(c->cx, PGY_LOG_ERROR, PX_AT_COMPARE,
                        "Note: Use --no-shape-check or set check_shapes=False to attempt to "
                        "compare values anyway.");
            *out_ok = false;
            goto done;
        }
        out[0] = pgy_tensor_ref(a);
        out[1] = pgy_tensor_ref(b);
        goto done;
    }
    PX_TRY(px_match_shape(c->cx, b, a->rank, a->dims, &matched));
    if (matched->count != a->count) {
        px_buf_printf(&text, "cannot reshape array of size %lld into shape ", (long long)a->count);
        /* numpy writes shapes in messages without blanks. */
        px_buf_putc(&text, '(');
        for (int i = 0; i < matched->rank; i++)
            px_buf_printf(&text, "%s%lld", i > 0 ? "," : "", (long long)matched->dims[i]);
        px_buf_puts(&text, matched->rank == 1 ? ",)" : ")");
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "%s", px_buf_cstr(&text)));
    }
    PX_TRY(pgy_tensor_reshape(a, matched->rank, matched->dims, &viewed));
    out[0] = viewed;
    out[1] = matched;
    viewed = matched = NULL;
done:
    pgy_tensor_free(matched);
    pgy_tensor_free(viewed);
    px_buf_fini(&text);
    return st;
}

/* ---- verdict ---- */

/* Fails a tolerance; NaN always does. COMPAT: 0.49.26 compares the mean, and the median and
 * quantile of float32 differences, as float32, with the tolerance rounded to it. */
static bool exceeds(double v, double tolerance, bool in_f32)
{
    if (isnan(v))
        return true;
    return in_f32 ? (float)v > (float)tolerance : v > tolerance;
}

static void judge(const px_case *c, const px_pair *pair, px_output_result *r)
{
    const px_stats *abs = &r->stats.of[PX_OF_ABS], *rel = &r->stats.of[PX_OF_REL];
    bool abs_f32 = c->layout == PX_LAYOUT_049 && pair->work[PX_OF_ABS] == PX_F32;
    bool rel_f32 = c->layout == PX_LAYOUT_049 && pair->work[PX_OF_REL] == PX_F32;
    r->abs_error = abs->max;
    r->rel_error = rel->max;
    switch (r->stat) {
    case PX_STAT_ELEMWISE:
        r->passed = r->stats.n_mismatch == 0;
        return;
    case PX_STAT_MAX:
        abs_f32 = rel_f32 = false;
        break;
    case PX_STAT_MEAN:
        r->abs_error = abs->mean;
        r->rel_error = rel->mean;
        abs_f32 = rel_f32 = c->layout == PX_LAYOUT_049; /* means are float32 always */
        break;
    case PX_STAT_MEDIAN:
        r->abs_error = abs->median;
        r->rel_error = rel->median;
        break;
    case PX_STAT_QUANTILE:
        r->abs_error = abs->quantile;
        r->rel_error = rel->quantile;
        break;
    }
    r->passed =
        !(exceeds(r->abs_error, r->atol, abs_f32) && exceeds(r->rel_error, r->rtol, rel_f32));
}

/* ---- log ---- */

static void log_array(const px_case *c, int i, const pgy_tensor *t)
{
    px_buf text = {0}, array = {0};
    px_buf_printf(&text, "%-35s | Output: %s ", c->runner[i], c->name[i]);
    px_text_tensor(&text, t);
    px_buf_puts(&text, ":\n    ");
    px_array_str(&array, t);
    for (size_t k = 0; k < array.len; k++) {
        px_buf_putc(&text, array.ptr[k]);
        if (array.ptr[k] == '\n')
            px_buf_puts(&text, "    ");
    }
    px_log_text(c->cx, PGY_LOG_SUPER_VERBOSE, PX_AT_COMPARE, px_buf_str(&text));
    px_buf_fini(&text);
    px_buf_fini(&array);
}

static void log_tolerance(const px_case *c, const px_output_result *r)
{
    px_buf text = {0};
    px_buf_puts(&text, "Tolerance: [abs=");
    px_text_number(&text, r->atol);
    px_buf_puts(&text, ", rel=");
    px_text_number(&text, r->rtol);
    px_buf_printf(&text, "] | Checking %s error", px_error_stat_name(r->stat));
    px_log_text(c->cx, PGY_LOG_INFO, PX_AT_COMPARE, px_buf_str(&text));
    px_buf_fini(&text);
}

static void log_required(const px_case *c, const px_output_result *r)
{
    px_buf text = {0};
    px_buf_printf(&text,
                  "Minimum Required Tolerance: %s error | [abs=", px_error_stat_name(r->stat));
    px_text_number(&text, r->abs_error);
    px_buf_puts(&text, "] OR [rel=");
    px_text_number(&text, r->rel_error);
    px_buf_putc(&text, ']');
    if (r->stat == PX_STAT_ELEMWISE)
        px_buf_puts(&text, " (requirements may be lower if both abs/rel tolerances are set)");
    if (r->stat == PX_STAT_QUANTILE) {
        px_buf_puts(&text, " (quantile=");
        px_fmt_g(&text, r->quantile, 4);
        px_buf_putc(&text, ')');
    }
    px_log_text(c->cx, PGY_LOG_INFO, PX_AT_COMPARE, px_buf_str(&text));
    px_buf_fini(&text);
}

/* Ours: how many representable numbers lie between. Nothing to say about equal arrays. */
static void log_ulp(const px_case *c, const px_ulp *ulp)
{
    if (!ulp->given || ulp->max == 0)
        return;
    px_buf text = {0};
    px_buf_printf(&text, "ULP Distance | max=%llu, mean=", (unsigned long long)ulp->max);
    px_text_number(&text, ulp->mean);
    px_log_text(c->cx, PGY_LOG_INFO, PX_AT_COMPARE, px_buf_str(&text));
    px_buf_fini(&text);
}

static pgy_status *draw(const px_case *c, px_plot_stage stage, const px_pair *pair,
                        const px_output_result *r)
{
    const px_plot_site site = {c->name[0], {c->runner[0], c->runner[1]}};
    if (c->plot == NULL || c->plot->draw == NULL)
        return NULL;
    px_log_indent(c->cx, 1);
    pgy_status *st =
        c->plot->draw(c->plot->user, c->cx, stage, &site, pair, pair != NULL ? &r->stats : NULL);
    px_log_indent(c->cx, -1);
    return st;
}

static int detail_of(const px_output_result *r)
{
    return r->passed ? PGY_LOG_VERBOSE : PGY_LOG_INFO;
}

static pgy_status *log_differences(const px_case *c, const px_pair *pair, const px_output_result *r,
                                   const px_hist hists[PX_N_OF])
{
    pgy_status *st = NULL;
    const int detail = detail_of(r);
    px_log(c->cx, PGY_LOG_INFO, PX_AT_COMPARE, "Error Metrics: %s", c->name[0]);
    px_log_indent(c->cx, 1);
    log_required(c, r);
    PX_TRY(draw(c, PX_PLOT_ERRORS, pair, r));
    PX_TRY(px_log_stats(c->cx, "Absolute Difference", pair, PX_OF_ABS, &r->stats.of[PX_OF_ABS],
                        &hists[PX_OF_ABS], detail));
    PX_TRY(draw(c, PX_PLOT_ABS_HEATMAP, pair, r));
    PX_TRY(px_log_stats(c->cx, "Relative Difference", pair, PX_OF_REL, &r->stats.of[PX_OF_REL],
                        &hists[PX_OF_REL], detail));
    PX_TRY(draw(c, PX_PLOT_REL_HEATMAP, pair, r));
    log_ulp(c, &r->stats.ulp);
done:
    px_log_indent(c->cx, -1);
    return st;
}

static void log_finished(const px_case *c, pgy_tensor *const t[2])
{
    if (!px_log_enabled(c->cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_COMPARE))
        return;
    px_buf text = {0};
    px_buf_puts(&text, "Finished comparing: ");
    for (int i = 0; i < 2; i++) {
        px_buf_printf(&text, "%s'%s' ", i > 0 ? " and " : "", c->name[i]);
        px_text_tensor(&text, t[i]);
        px_buf_printf(&text, " [%s]", c->runner[i]);
    }
    px_log_text(c->cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_COMPARE, px_buf_str(&text));
    px_buf_fini(&text);
}

static void log_verdict(const px_case *c, const px_output_result *r)
{
    px_buf text = {0};
    px_buf_printf(&text, "%s | Output: '%s' | Difference %s tolerance (rel=",
                  r->passed ? "PASSED" : "FAILED", c->name[0], r->passed ? "is within" : "exceeds");
    px_keyed_print(&text, &c->args->rtol, c->name[0], 1e-5);
    px_buf_puts(&text, ", abs=");
    px_keyed_print(&text, &c->args->atol, c->name[0], 1e-5);
    px_buf_putc(&text, ')');
    px_log_text(c->cx, r->passed ? PGY_LOG_FINISH : PGY_LOG_ERROR, PX_AT_COMPARE,
                px_buf_str(&text));
    px_buf_fini(&text);
}

static pgy_status *log_outputs(const px_case *c, const px_pair *pair, const px_output_result *r,
                               const px_hist hists[PX_N_OF])
{
    pgy_status *st = NULL;
    px_buf title = {0};
    for (int i = 0; i < 2; i++) {
        title.len = 0;
        px_buf_printf(&title, "%s: %s", c->runner[i], c->name[i]);
        PX_TRY(px_log_stats(c->cx, px_buf_cstr(&title), pair, (px_which)i, &r->stats.of[i],
                            &hists[i], detail_of(r)));
    }
done:
    px_buf_fini(&title);
    return st;
}

/* All lines about numbers, with histograms in one pass if they show. */
static pgy_status *log_numbers(const px_case *c, const px_pair *pair, const px_output_result *r)
{
    pgy_status *st = NULL;
    px_hist hists[PX_N_OF];
    double range[2];
    const px_stats *of = r->stats.of;
    unsigned need = PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL);
    if (c->layout == PX_LAYOUT_049)
        need |= PX_NEED(PX_OF_A) | PX_NEED(PX_OF_B);
    px_joint_range(&of[PX_OF_A], &of[PX_OF_B], range);
    if (px_detail_shows(c->cx, detail_of(r)))
        PX_TRY(px_hists_of(c->cx, pair, need, of, range, hists));
    if (c->layout == PX_LAYOUT_049)
        PX_TRY(log_outputs(c, pair, r, hists));
    PX_TRY(log_differences(c, pair, r, hists));
done:
    return st;
}

/* ---- text outputs ---- */

/* Ours: the reference cannot subtract strings; they match when all are equal. */
static pgy_status *compare_strings(const px_case *c, pgy_tensor *const t[2], px_output_result *r)
{
    pgy_status *st = NULL;
    const pgy_string *a = t[0]->data, *b = t[1]->data;
    int64_t n = 0, first = -1;
    px_buf text = {0};
    for (int64_t i = 0; i < t[0]->count; i++)
        if (!px_str_eq((px_str){a[i].ptr, a[i].len}, (px_str){b[i].ptr, b[i].len}))
            first = n++ == 0 ? i : first;
    px_buf_printf(&text, "Compared as text: %lld of %lld elements differ", (long long)n,
                  (long long)t[0]->count);
    if (n > 0) {
        px_buf_printf(&text, "; the first at position %lld: ", (long long)first);
        px_buf_repr(&text, (px_str){a[first].ptr, a[first].len});
        px_buf_puts(&text, " and ");
        px_buf_repr(&text, (px_str){b[first].ptr, b[first].len});
    }
    px_log_text(c->cx, PGY_LOG_INFO, PX_AT_COMPARE, px_buf_str(&text));
    r->bare = true;
    r->passed = n == 0;
    PX_TRY(draw(c, PX_PLOT_ERRORS, NULL, r));
    PX_TRY(draw(c, PX_PLOT_ABS_HEATMAP, NULL, r));
    log_verdict(c, r);
done:
    px_buf_fini(&text);
    return st;
}

/* ---- tolerances ---- */

static pgy_status *add_profile(const px_case *c, const px_pair *pair)
{
    pgy_status *st = NULL;
    px_profile *profile;
    if (c->profiles == NULL)
        return NULL;
    PX_TRY(px_profiles_of(c->profiles, c->name[0], &profile));
    PX_TRY(px_profile_add(c->cx, pair, profile));
done:
    return st;
}

/* ---- the function ---- */

static pgy_status *read_options(const px_case *c, px_output_result *r)
{
    pgy_status *st = NULL;
    const char *name = c->name[0];
    r->rtol = px_keyed_number(&c->args->rtol, name, 1e-5);
    r->atol = px_keyed_number(&c->args->atol, name, 1e-5);
    PX_TRY(parse_stat(px_keyed_text(&c->args->check_error_stat, name, "elemwise"), &r->stat));
    r->quantile = NAN;
    if (r->stat == PX_STAT_QUANTILE) {
        r->quantile = px_keyed_number(&c->args->error_quantile, name, 0.99);
        if (!(r->quantile >= 0 && r->quantile <= 1))
            PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                           "--error-quantile for output '%s' is %g; quantiles must be in the "
                           "range [0, 1]",
                           name, r->quantile));
    }
done:
    return st;
}

pgy_status *px_func_simple(const px_case *c, px_output_result *out)
{
    pgy_status *st = NULL;
    pgy_tensor *t[2] = {NULL, NULL};
    px_output_result r = *out;
    px_pair pair;
    bool ok;
    const unsigned need =
        PX_NEED(PX_OF_A) | PX_NEED(PX_OF_B) | PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL);
    PX_TRY(read_options(c, &r));
    log_tolerance(c, &r);
    PX_TRY(px_case_match_shapes(c, t, &ok));
    if (!ok) {
        r.bare = true;
        *out = r;
        goto done;
    }
    if (t[0]->dtype == PGY_DTYPE_STRING && t[1]->dtype == PGY_DTYPE_STRING) {
        PX_TRY(compare_strings(c, t, &r));
        *out = r;
        goto done;
    }
    for (int i = 0; i < 2 && px_log_enabled(c->cx, PGY_LOG_SUPER_VERBOSE, PX_AT_COMPARE); i++)
        log_array(c, i, t[i]);
    PX_TRY(
        px_pair_init(t[0], t[1], c->args->infinities_compare_equal.given, r.atol, r.rtol, &pair));
    PX_TRY(px_pair_stats_of(c->cx, &pair, need, r.quantile, &r.stats));
    PX_TRY(add_profile(c, &pair));
    judge(c, &pair, &r);
    if (r.stats.n_zero > 0)
        px_log_once(c->cx, PGY_LOG_WARNING, PX_AT_COMPARE,
                    "%-35s | Output: %s: Some values are 0. Will add a small epsilon quantity to "
                    "these when computing relative difference. Note that this may cause some "
                    "relative differences to be extremely high. ",
                    c->runner[1], c->name[1]);
    if (r.stat == PX_STAT_ELEMWISE)
        PX_TRY(px_log_mismatches(c->cx, &pair, r.stats.n_mismatch, c->runner[0], c->runner[1]));
    PX_TRY(log_numbers(c, &pair, &r));
    log_finished(c, t);
    log_verdict(c, &r);
    PX_TRY(PX_ALLOC(r.dims, (size_t)t[0]->rank + 1));
    r.rank = t[0]->rank;
    memcpy(r.dims, t[0]->dims, (size_t)t[0]->rank * sizeof *r.dims);
    *out = r;
done:
    pgy_tensor_free(t[0]);
    pgy_tensor_free(t[1]);
    return st;
}

pgy_status *px_compare_quietly(pgy_context *cx, const px_compare_args *args, const char *name,
                               pgy_tensor *a, pgy_tensor *b, px_output_result *out)
{
    pgy_status *st = NULL;
    const px_case c = {.cx = cx, .args = args, .name = {name, name}, .tensor = {a, b}};
    const unsigned need =
        PX_NEED(PX_OF_A) | PX_NEED(PX_OF_B) | PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL);
    px_output_result r = {0};
    px_pair pair;
    px_work work;
    PX_TRY(read_options(&c, &r));
    r.bare = !px_shape_eq(a->rank, a->dims, b->rank, b->dims) || !px_work_of(a->dtype, &work) ||
             !px_work_of(b->dtype, &work);
    if (!r.bare) {
        PX_TRY(px_pair_init(a, b, args->infinities_compare_equal.given, r.atol, r.rtol, &pair));
        PX_TRY(px_pair_stats_of(cx, &pair, need, r.quantile, &r.stats));
        judge(&c, &pair, &r);
        PX_TRY(PX_ALLOC(r.dims, (size_t)a->rank + 1));
        r.rank = a->rank;
        memcpy(r.dims, a->dims, (size_t)a->rank * sizeof *r.dims);
    }
    *out = r;
done:
    return st;
}
