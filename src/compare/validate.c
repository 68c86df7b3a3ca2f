/* compare/validate.c - see validate.h. */
#include "compare/validate.h"

#include "base/array_text.h"
#include "base/log.h"
#include "compare/pick.h"
#include "compare/text.h"

#include <math.h>

static bool is_bad(double v, bool nan_only)
{
    return nan_only ? isnan(v) : !isfinite(v);
}

static pgy_status *log_array(pgy_context *cx, const char *title, const pgy_tensor *t)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    px_buf_puts(&text, title);
    px_array_str(&text, t);
    PX_TRY(px_buf_status(&text));
    px_log_text(cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_COMPARATOR, px_buf_str(&text));
done:
    px_buf_fini(&text);
    return st;
}

/* Where they are, as a mask of the output's shape, and for infinities also which. */
static pgy_status *log_places(pgy_context *cx, const pgy_tensor *t, bool nan_only)
{
    pgy_status *st = NULL;
    pgy_tensor *mask = NULL, *values = NULL;
    px_pick *pick = NULL;
    if (!px_log_enabled(cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_COMPARATOR))
        return NULL;
    PX_TRY(PX_ALLOC(pick, 1));
    PX_TRY(px_tensor_new_raw(PGY_DTYPE_BOOL, t->rank, t->dims, &mask));
    for (int64_t i = 0; i < t->count; i++) {
        const bool bad = is_bad(px_tensor_get_f64(t, i), nan_only);
        ((uint8_t *)mask->data)[i] = bad;
        if (bad)
            px_pick_add(pick, i);
    }
    px_pick_end(pick);
    PX_TRY(log_array(cx, nan_only ? "Note: NaNs at:\n" : "Note: non-finite values at:\n", mask));
    if (!nan_only) {
        PX_TRY(px_pick_values(pick, t, &values));
        PX_TRY(log_array(cx, "Note: non-finite values:\n", values));
    }
done:
    pgy_tensor_free(mask);
    pgy_tensor_free(values);
    px_mem_free(pick);
    return st;
}

/* Ours: one line that says where to look first. */
static void log_first(pgy_context *cx, const pgy_tensor *t, const px_stats *s)
{
    px_buf text = {0};
    int64_t at = s->argmin; /* of the first NaN, if there is one */
    int64_t index[PX_MAX_RANK];
    if (s->n_nan == 0) {
        const bool low = isinf(s->min), high = isinf(s->max);
        at = low && high ? PX_MIN(s->argmin, s->argmax) : low ? s->argmin : s->argmax;
    }
    px_buf_printf(&text, "First %s at index ", s->n_nan > 0 ? "NaN" : "infinity");
    int64_t flat = at;
    for (int d = t->rank - 1; d >= 0; d--) {
        index[d] = flat % t->dims[d];
        flat /= t->dims[d];
    }
    px_shape_print(&text, t->rank, index);
    px_buf_printf(&text, " (%lld NaN, %lld infinite of %lld elements)", (long long)s->n_nan,
                  (long long)s->n_inf, (long long)s->count);
    px_log_text(cx, PGY_LOG_INFO, PX_AT_COMPARATOR, px_buf_str(&text));
    px_buf_fini(&text);
}

static pgy_status *log_numbers(pgy_context *cx, const pgy_tensor *t, px_stats *out)
{
    pgy_status *st = NULL;
    px_pair alone;
    px_hist hists[PX_N_OF];
    px_work unused;
    if (!px_work_of(t->dtype, &unused)) {
        px_log(cx, PGY_LOG_INFO, PX_AT_STATS, "<Error while computing statistics>");
        px_log(cx, PGY_LOG_VERBOSE, PX_AT_STATS, "%s elements have no statistics",
               pgy_dtype_name(t->dtype));
        *out = (px_stats){.count = t->count};
        return NULL;
    }
    PX_TRY(px_pair_init(t, NULL, false, 0, 0, &alone));
    PX_TRY(px_stats_of(cx, t, out));
    if (px_detail_shows(cx, PGY_LOG_VERBOSE))
        PX_TRY(px_hists_of(cx, &alone, PX_NEED(PX_OF_A), out, NULL, hists));
    PX_TRY(px_log_stats(cx, NULL, &alone, PX_OF_A, out, &hists[PX_OF_A], PGY_LOG_VERBOSE));
done:
    return st;
}

static pgy_status *check_output(pgy_context *cx, const pgy_tensor *t, const char *name,
                                bool *out_ok)
{
    pgy_status *st = NULL;
    px_stats s;
    px_log_indent(cx, 1);
    PX_TRY(log_numbers(cx, t, &s));
    if (s.n_nan > 0) {
        px_log(cx, PGY_LOG_ERROR, PX_AT_COMPARATOR,
               "NaN Detected | One or more NaNs were encountered in this output");
        px_log_once(cx, PGY_LOG_INFO, PX_AT_COMPARATOR,
                    "Note: Use -vv or set logging verbosity to EXTRA_VERBOSE to display locations "
                    "of NaNs");
        PX_TRY(log_places(cx, t, true));
    }
    if (s.n_nan + s.n_inf > 0) {
        px_log(cx, PGY_LOG_ERROR, PX_AT_COMPARATOR,
               "Inf Detected | One or more non-finite values were encountered in this output");
        px_log_once(cx, PGY_LOG_INFO, PX_AT_COMPARATOR,
                    "Note: Use -vv or set logging verbosity to EXTRA_VERBOSE to display "
                    "non-finite values");
        PX_TRY(log_places(cx, t, false));
        log_first(cx, t, &s);
    }
    *out_ok = s.n_nan + s.n_inf == 0;
    if (*out_ok)
        px_log(cx, PGY_LOG_FINISH, PX_AT_COMPARATOR, "PASSED | Output: %s is valid", name);
    else
        px_log(cx, PGY_LOG_ERROR, PX_AT_COMPARATOR, "FAILED | Errors detected in output: %s", name);
done:
    px_log_indent(cx, -1);
    return st;
}

pgy_status *px_validate_begin(pgy_context *cx, const char *const *runners, size_t n)
{
    pgy_status *st = NULL;
    px_str *names = NULL;
    px_buf title = {0};
    PX_TRY(PX_ALLOC(names, n + 1));
    for (size_t r = 0; r < n; r++)
        names[r] = px_str_of(runners[r]);
    px_buf_puts(&title, "Output Validation | Runners: ");
    px_buf_repr_list(&title, names, n);
    px_log_text(cx, PGY_LOG_START, PX_AT_COMPARATOR, px_buf_str(&title));
done:
    px_buf_fini(&title);
    px_mem_free(names);
    return st;
}

pgy_status *px_validate_iteration(pgy_context *cx, const char *runner, const px_iteration *it,
                                  bool *inout_valid)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    px_log_indent(cx, 1);
    for (size_t i = 0; i < it->n_outputs; i++) {
        bool ok;
        px_log(cx, PGY_LOG_START, PX_AT_COMPARATOR,
               "%-35s | Validating output: %s (check_inf=True, check_nan=True)", runner,
               it->outputs[i].name);
        PX_TRY(px_lazy_get(cx, it->outputs[i].value, &t));
        PX_TRY(check_output(cx, t, it->outputs[i].name, &ok));
        pgy_tensor_free(t);
        t = NULL;
        *inout_valid = *inout_valid && ok;
    }
done:
    px_log_indent(cx, -1);
    pgy_tensor_free(t);
    return st;
}

void px_validate_end(pgy_context *cx, bool valid)
{
    px_log_indent(cx, 1);
    px_log(cx, valid ? PGY_LOG_FINISH : PGY_LOG_ERROR, PX_AT_COMPARATOR, "%s | Output Validation",
           valid ? "PASSED" : "FAILED");
    px_log_indent(cx, -1);
}

pgy_status *px_validate_results(pgy_context *cx, const px_results *results, bool *out_valid)
{
    pgy_status *st = NULL;
    const char **names = NULL;
    bool valid = true;
    PX_TRY(PX_ALLOC(names, results->n + 1));
    for (size_t r = 0; r < results->n; r++)
        names[r] = results->at[r].runner_name;
    PX_TRY(px_validate_begin(cx, names, results->n));
    for (size_t r = 0; r < results->n; r++)
        for (size_t i = 0; i < results->at[r].n; i++)
            PX_TRY(px_validate_iteration(cx, results->at[r].runner_name, &results->at[r].at[i],
                                         &valid));
    px_validate_end(cx, valid);
    *out_valid = valid;
done:
    px_mem_free(names);
    return st;
}
