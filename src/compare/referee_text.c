/* compare/referee_text.c - the referee's words; see referee.h for what they mean. */
#include "compare/referee_text.h"

#include "base/fmt.h"
#include "base/log.h"
#include "compare/text.h"

#include <math.h>
#include <string.h>

static void number(px_buf *b, double v)
{
    px_fmt_g(b, v, 3);
}

/* "A is", "A and B are", "A, B and C are": the runs of which that was found. */
static void list_runs(px_buf *b, const px_referee *r, const px_referee_output *o,
                      px_finding finding)
{
    size_t n = 0, at = 0;
    for (size_t k = 0; k < r->n_runs; k++)
        n += o->finding[k] == finding;
    for (size_t k = 0; k < r->n_runs; k++) {
        if (o->finding[k] != finding)
            continue;
        px_buf_puts(b, at == 0 ? "" : at + 1 == n ? " and " : ", ");
        px_buf_puts(b, r->runs[k]);
        at++;
    }
    px_buf_puts(b, n == 1 ? " is" : " are");
}

/* Of the runs of which that was found, the one that is furthest off. */
static const px_distance *worst_of(const px_referee *r, const px_referee_output *o,
                                   px_finding finding)
{
    const px_distance *worst = NULL;
    for (size_t k = 0; k < r->n_runs; k++) {
        const px_distance *d = &o->of[k];
        if (o->finding[k] == finding &&
            (worst == NULL || d->n_unlike > worst->n_unlike ||
             (d->n_unlike == worst->n_unlike && d->max_abs > worst->max_abs)))
            worst = d;
    }
    return worst;
}

/* "; " and the runs with that finding, what it is called, and how far off they are at most. */
static void put_others(px_buf *b, const px_referee *r, const px_referee_output *o,
                       px_finding finding, const char *what)
{
    const px_distance *worst = worst_of(r, o, finding);
    if (worst == NULL)
        return;
    px_buf_puts(b, "; ");
    list_runs(b, r, o, finding);
    px_buf_printf(b, " %s, ", what);
    number(b, worst->max_abs);
    px_buf_puts(b, " off");
}

/* What is expected at most, and what that is made of. */
static void put_expectation(px_buf *b, const px_referee_output *o)
{
    const char *type = pgy_dtype_name(o->dtype);
    if (px_dtype_unit_roundoff(o->dtype) == 0.0) {
        px_buf_printf(b, "%s values must be equal", type);
        return;
    }
    number(b, o->expected_abs);
    px_buf_printf(b, " that %s leads one to expect at most", type);
    if (o->typed.count == 0) {
        px_buf_puts(b, " at this size of numbers");
        return;
    }
    px_buf_puts(b, ": rounding after every operator alone costs ");
    number(b, o->typed.max_abs);
    if (o->n_terms > 1)
        px_buf_printf(b, ", and sums on the way have up to %lld terms", (long long)o->n_terms);
}

/* What is off about a run: its largest difference, or what cannot be measured. */
static void put_fault(px_buf *b, const px_distance *d)
{
    if (d->n_unlike > 0) {
        px_buf_printf(b, "%lld of %lld elements are %s", (long long)d->n_unlike,
                      (long long)d->count,
                      d->n_missing == d->n_unlike ? "numbers where float64 has NaN or infinity"
                                                  : "NaN or infinite where float64 says otherwise");
        return;
    }
    number(b, d->max_abs);
    px_buf_puts(b, " off");
}

/* The operators' declared types cannot hold what they compute: no runtime's fault. */
static void put_overflow(px_buf *b, const px_referee_output *o)
{
    if (o->typed.n_unlike > o->typed.n_missing)
        px_buf_printf(b,
                      "; rounding after every operator alone makes %lld NaN or infinite: a value "
                      "inside the model leaves its type's range",
                      (long long)o->typed.n_unlike);
}

static void put_ratio(px_buf *b, double ratio)
{
    if (isinf(ratio))
        return;
    number(b, ratio);
    px_buf_puts(b, " times ");
}

static void within_alone(px_buf *b, const px_referee *r, const px_referee_output *o)
{
    const px_distance *d = &o->of[o->furthest];
    px_buf_puts(b, r->runs[o->furthest]);
    if (d->n_exact == d->count) {
        px_buf_printf(b, " is right to the last bit of %s", pgy_dtype_name(o->dtype));
        return;
    }
    px_buf_puts(b, " is within what the type can give: ");
    put_fault(b, d);
    if (d->n_unlike > 0) {
        put_overflow(b, o);
        return;
    }
    px_buf_puts(b, ", within the ");
    put_expectation(b, o);
    if (o->typed.count > 0 && o->ratio > 1.0) {
        px_buf_puts(b, "; it is ");
        put_ratio(b, o->ratio);
        px_buf_puts(b, "further from float64 than that rounding");
    }
}

static void within_all(px_buf *b, const px_referee *r, const px_referee_output *o)
{
    const char *every = o->n_measured == 2 ? "both" : "all";
    size_t n_exact = 0;
    for (size_t k = 0; k < r->n_runs; k++)
        n_exact += o->of[k].count > 0 && o->of[k].n_exact == o->of[k].count;
    if (n_exact == o->n_measured) {
        px_buf_printf(b, "%s are right to the last bit of %s", every, pgy_dtype_name(o->dtype));
        return;
    }
    px_buf_printf(b, "%s are within what the type can give: at most ", every);
    if (o->of[o->furthest].n_unlike > 0) {
        put_fault(b, &o->of[o->furthest]);
        put_overflow(b, o);
        return;
    }
    number(b, o->of[o->furthest].max_abs);
    px_buf_puts(b, " off, within the ");
    put_expectation(b, o);
    if (o->ratio > 1.0) {
        px_buf_printf(b, "; %s is the further one, ", r->runs[o->furthest]);
        put_ratio(b, o->ratio);
        px_buf_printf(b, "%s %s", isinf(o->ratio) ? "as" : "as far as", r->runs[o->nearest]);
        if (isinf(o->ratio))
            px_buf_puts(b, " is exact");
    }
}

/* How far off the worst run of a finding is, and what that is held against. */
static void put_excess(px_buf *b, const px_referee_output *o, const px_distance *d)
{
    put_fault(b, d);
    if (d->n_unlike > 0) {
        put_overflow(b, o);
        return;
    }
    if (o->expected_abs > 0.0) {
        px_buf_puts(b, ", ");
        number(b, d->max_abs / o->expected_abs);
        px_buf_puts(b, " times the ");
    } else {
        px_buf_puts(b, px_dtype_unit_roundoff(o->dtype) == 0.0 ? " where " : ", not the ");
    }
    put_expectation(b, o);
}

/* The further one of two runs, or what a lone run is to rounding alone. */
static void put_furthest(px_buf *b, const px_referee *r, const px_referee_output *o)
{
    if (o->n_measured < 2 || !(o->ratio > 1.0))
        return;
    px_buf_printf(b, "; %s is the further one", r->runs[o->furthest]);
    if (!isinf(o->ratio)) {
        px_buf_puts(b, ", ");
        put_ratio(b, o->ratio);
        px_buf_printf(b, "as far as %s", r->runs[o->nearest]);
    }
}

static void some_wrong(px_buf *b, const px_referee *r, const px_referee_output *o)
{
    list_runs(b, r, o, PX_FINDING_WRONG);
    px_buf_puts(b, " wrong: ");
    put_excess(b, o, worst_of(r, o, PX_FINDING_WRONG));
    put_others(b, r, o, PX_FINDING_FURTHER, "further off than expected");
    put_others(b, r, o, PX_FINDING_WITHIN, "right");
    put_furthest(b, r, o);
}

static void some_further(px_buf *b, const px_referee *r, const px_referee_output *o)
{
    list_runs(b, r, o, PX_FINDING_FURTHER);
    const px_distance *worst = worst_of(r, o, PX_FINDING_FURTHER);
    const px_cause lower = o->lower[worst - o->of];
    px_buf_puts(b, " further off than expected, ");
    px_buf_puts(b, lower == PX_CAUSE_HALF       ? "as if computed in float16 or TensorFloat-32: "
                   : lower == PX_CAUSE_BFLOAT16 ? "as if computed in bfloat16: "
                                                : "which asks for a look: ");
    put_excess(b, o, worst);
    if (px_dtype_unit_roundoff(o->dtype) == 0.0)
        px_buf_puts(b, ", though a number halfway between two steps explains one step");
    put_others(b, r, o, PX_FINDING_WITHIN, "right");
    put_furthest(b, r, o);
}

pgy_status *px_referee_sentence(const px_referee *r, const px_referee_output *o, char **out)
{
    pgy_status *st = NULL;
    px_buf b = {0};
    if (o->ruling == PX_RULING_NOT_MEASURED)
        px_buf_puts(&b, px_distance_applies(o->dtype)
                            ? "nothing to measure: no other run has elements of it in this shape"
                            : "nothing to measure: its elements are no numbers");
    else if (o->n_wrong > 0)
        some_wrong(&b, r, o);
    else if (o->n_further > 0)
        some_further(&b, r, o);
    else if (o->n_measured == 1)
        within_alone(&b, r, o);
    else
        within_all(&b, r, o);
    PX_TRY(px_buf_status(&b));
    *out = px_buf_take(&b);
done:
    px_buf_fini(&b);
    return st;
}

static void put_position(px_buf *b, const px_referee_output *o, int64_t flat)
{
    int64_t index[PX_MAX_RANK];
    flat /= px_dtype_is_complex(o->dtype) ? 2 : 1;
    for (int d = o->rank - 1; d >= 0; d--) {
        index[d] = flat % o->dims[d];
        flat /= o->dims[d];
    }
    px_shape_print(b, o->rank, index);
}

static void log_distance(pgy_context *cx, const char *who, const px_referee_output *o,
                         const px_distance *d)
{
    px_buf b = {0};
    px_buf_printf(&b, "%-35s | Distance: ", who);
    px_buf_puts(&b, "max abs=");
    px_text_number(&b, d->max_abs);
    px_buf_puts(&b, ", max rel=");
    px_text_number(&b, d->max_rel);
    if (px_dtype_unit_roundoff(o->dtype) != 0.0) {
        px_buf_puts(&b, ", max ULP=");
        px_text_number(&b, d->max_ulp);
    }
    px_buf_puts(&b, ", RMS=");
    px_text_number(&b, px_distance_rms(d));
    px_buf_printf(&b, ", exact=%lld/%lld", (long long)d->n_exact, (long long)d->count);
    if (d->n_unlike > 0)
        px_buf_printf(&b, ", NaN or infinity misplaced=%lld", (long long)d->n_unlike);
    if (d->worst >= 0 && o->rank > 0) {
        px_buf_puts(&b, ", worst at ");
        put_position(&b, o, d->worst);
    }
    px_log_text(cx, PGY_LOG_INFO, PX_AT_COMPARATOR, px_buf_str(&b));
    px_buf_fini(&b);
}

static void log_ratio(pgy_context *cx, const px_referee *r, const px_referee_output *o)
{
    px_buf b = {0};
    if (isnan(o->ratio))
        return;
    px_buf_puts(&b, "Ratio of RMS: ");
    number(&b, o->ratio);
    px_buf_printf(&b, " (%s to %s)", r->runs[o->furthest],
                  o->n_measured == 1 ? "rounding after every operator" : r->runs[o->nearest]);
    px_log_text(cx, PGY_LOG_INFO, PX_AT_COMPARATOR, px_buf_str(&b));
    px_buf_fini(&b);
}

static void log_output(pgy_context *cx, const px_referee *r, const px_referee_output *o)
{
    px_log(cx, PGY_LOG_INFO, PX_AT_COMPARATOR, "Output: '%s' | %s", o->name,
           pgy_dtype_name(o->dtype));
    px_log_indent(cx, 1);
    for (size_t k = 0; k < r->n_runs; k++)
        if (o->of[k].count > 0)
            log_distance(cx, r->runs[k], o, &o->of[k]);
    if (o->typed.count > 0 && px_dtype_unit_roundoff(o->dtype) != 0.0)
        log_distance(cx, "(rounding after every operator)", o, &o->typed);
    log_ratio(cx, r, o);
    px_log_indent(cx, -1);
    px_log(cx, o->n_wrong + o->n_further > 0 ? PGY_LOG_WARNING : PGY_LOG_INFO, PX_AT_COMPARATOR,
           "Referee | '%s': %s.", o->name, o->sentence);
}

void px_referee_log(pgy_context *cx, const px_referee *r)
{
    px_log(cx, PGY_LOG_START, PX_AT_COMPARATOR,
           "Referee Report | Distances to the float64 values of %s over %zu iteration(s)",
           r->reference, r->n_iterations);
    px_log_indent(cx, 1);
    for (size_t i = 0; i < r->n; i++)
        log_output(cx, r, &r->at[i]);
    px_log_indent(cx, -1);
}
