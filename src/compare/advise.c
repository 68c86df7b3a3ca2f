/* compare/advise.c - see advise.h. */
#include "compare/advise.h"
#include "base/fmt.h"
#include "base/log.h"
#include "compare/distance.h"

#include <math.h>

/* Without a model nobody knows the path; a network of this size is assumed and named. */
#define ASSUMED_TERMS 4096.0
#define ASSUMED_LAYERS 16
#define SLACK 16.0
#define MOST_ROUNDING 0.1 /* relative; beyond that no type is good enough to blame */
#define LARGEST_HALF 65504.0
#define FEW_ELEMENTS 16 /* too few to tell how errors are spread */

double px_round_up(double v)
{
    double out = v;
    px_buf text = {0};
    if (v == 0 || !isfinite(v))
        return v;
    const double unit = pow(10, floor(log10(v)) - 1);
    for (double digits = ceil(v / unit); out <= v; digits++) {
        /* The decimal that is printed is the number that must not be below. */
        text.len = 0;
        px_fmt_g(&text, digits * unit, 2);
        if (text.failed || !px_parse_f64(px_buf_str(&text), &out) || out >= v)
            break;
    }
    px_buf_fini(&text);
    return out;
}

static bool is_float(pgy_dtype dtype)
{
    return px_dtype_unit_roundoff(dtype) > 0;
}

static bool leaves_half(const px_stats *s)
{
    return fmax(fabs(s->min), fabs(s->max)) > LARGEST_HALF;
}

void px_error_summary_add(px_error_summary *io, const px_output_result *result)
{
    const px_stats *abs = &result->stats.of[PX_OF_ABS], *a = &result->stats.of[PX_OF_A],
                   *b = &result->stats.of[PX_OF_B];
    const double n = (double)abs->count;
    io->count += abs->count;
    io->failed = io->failed || !result->passed;
    io->stat = result->stat;
    io->dtype = result->stats.of[PX_OF_A].dtype;
    io->stat_abs = fmax(io->stat_abs, result->abs_error);
    io->stat_rel = fmax(io->stat_rel, result->rel_error);
    io->max_abs = fmax(io->max_abs, abs->max);
    io->max_rel = fmax(io->max_rel, result->stats.of[PX_OF_REL].max);
    io->sum_sq += n * (abs->var + abs->mean * abs->mean);
    io->sum_a += n * a->mean;
    io->sum_b += n * b->mean;
    io->sum_sq_a += n * (a->var + a->mean * a->mean);
    io->sum_sq_b += n * (b->var + b->mean * b->mean);
    io->is_overflow |= abs->n_nan == 0 && ((a->n_inf > 0 && b->n_inf == 0 && leaves_half(b)) ||
                                           (b->n_inf > 0 && a->n_inf == 0 && leaves_half(a)));
    io->n_beyond += abs->n_nan + abs->n_inf;
    /* Where the hundredth largest error is a tenth of the root mean square, the largest hundredth
     * holds 99 % of the squared error. */
    io->is_concentrated |=
        n >= 1000 && abs->p99 * abs->p99 < 0.01 * (abs->var + abs->mean * abs->mean);
}

/* The pairs of the profile, from atol 0 up; keeps the one whose larger side, with atol measured
 * against the output's magnitude, is smallest. */
static void choose_pair(const px_profile *p, double magnitude, px_advice *out)
{
    double needed[PX_PROFILE_BINS + 1], best = INFINITY;
    needed[PX_PROFILE_BINS] = 0;
    for (int i = PX_PROFILE_BINS - 1; i >= 0; i--)
        needed[i] = fmax(needed[i + 1], p->bins[i].max_rel);
    for (int i = 0; i < PX_PROFILE_BINS; i++) {
        const double atol = p->bins[i].max_abs, rtol = needed[i + 1];
        const double cost = fmax(magnitude > 0 ? atol / magnitude : 0, rtol);
        if (atol >= 0 && cost < best) {
            best = cost;
            out->atol = px_round_up(atol);
            out->rtol = px_round_up(rtol);
        }
    }
    out->has_pair = best < INFINITY;
}

px_cause px_cause_of_lower(double error, double layers)
{
    /* Lower precisions round every layer's inputs; their sums are kept in float32. */
    const double roundings = sqrt(2 * (layers > 0 ? layers : ASSUMED_LAYERS));
    if (error <= 2 * 0x1p-11 * roundings)
        return PX_CAUSE_HALF;
    if (error <= 2 * 0x1p-8 * roundings && error < 0.1)
        return PX_CAUSE_BFLOAT16;
    return PX_CAUSE_WRONG;
}

/* How the differences d = a - b are spread, from the moments of a, b and d. */
typedef struct spread {
    double var_a, var_b, var_d;
    double slope;     /* of the line that explains d by b */
    double explained; /* part of d's mean square that the line explains */
} spread;

static spread spread_of(const px_error_summary *e)
{
    const double n = (double)PX_MAX(e->count, 1);
    const double a = e->sum_a / n, b = e->sum_b / n, d = a - b;
    const double sq_a = e->sum_sq_a / n, sq_b = e->sum_sq_b / n, sq_d = e->sum_sq / n;
    spread s = {sq_a - a * a, sq_b - b * b, sq_d - d * d, 0, 0};
    /* a = b + d, so E[a²] = E[b²] + 2 E[bd] + E[d²]. */
    if (s.var_b > 0)
        s.slope = ((sq_a - sq_b - sq_d) / 2 - b * d) / s.var_b;
    s.explained = 1 - (s.var_d - s.slope * s.slope * s.var_b) / sq_d;
    return s;
}

/* Values that change places leave the variance as it is; noise of that size adds to it. */
static bool is_moved(const px_error_summary *e, const spread *s)
{
    const double chance = 4 * sqrt(s->var_b * s->var_d / (double)PX_MAX(e->count, 1));
    return s->var_d > 0.02 * s->var_b && fabs(s->var_a - s->var_b) < 0.2 * s->var_d &&
           chance < 0.5 * s->var_d;
}

/* One factor and offset for all elements. The factor may be one rounding of something that all of
 * them were divided by, so it must be more than that of bfloat16. */
static bool is_linear(const px_advice *a, const spread *s)
{
    return s->explained > 0.8 && fabs(s->slope) < 0.5 && a->error > 0x1p-8;
}

static px_cause cause_of(const px_error_summary *e, const px_advice *a, double layers)
{
    const spread s = spread_of(e);
    if (e->n_beyond > 0)
        return e->is_overflow ? PX_CAUSE_OVERFLOW : PX_CAUSE_NO_NUMBER;
    if (e->max_abs == 0)
        return PX_CAUSE_NONE;
    if (e->dtype == PGY_DTYPE_BOOL)
        return PX_CAUSE_TRUTH;
    if (!is_float(e->dtype))
        return e->max_abs <= 1 ? PX_CAUSE_QUANTIZED : PX_CAUSE_INDICES;
    if (a->error <= fmin(SLACK * a->expected, MOST_ROUNDING))
        return PX_CAUSE_ROUNDING;
    if (e->is_concentrated)
        return PX_CAUSE_FEW;
    if (e->count >= FEW_ELEMENTS && is_moved(e, &s))
        return PX_CAUSE_MOVED;
    if (e->count >= FEW_ELEMENTS && is_linear(a, &s))
        return PX_CAUSE_LINEAR;
    return px_cause_of_lower(a->error, layers);
}

void px_advise(const px_error_summary *errors, const px_profile *profile,
               const px_expectation *path, px_advice *out)
{
    const bool knows = path->n_terms > 0, by_element = errors->stat == PX_STAT_ELEMWISE;
    *out =
        (px_advice){.output = errors->output,
                    .dtype = errors->dtype,
                    .has_any = isfinite(errors->stat_abs) && (!by_element || errors->n_beyond == 0),
                    .path = *path};
    out->only_atol = px_round_up(by_element ? errors->max_abs : errors->stat_abs);
    out->only_rtol = px_round_up(by_element ? errors->max_rel : errors->stat_rel);
    if (profile != NULL && by_element)
        choose_pair(profile, sqrt(errors->sum_sq_b / (double)PX_MAX(errors->count, 1)), out);
    out->error = errors->sum_sq_b > 0 ? sqrt(errors->sum_sq / errors->sum_sq_b)
                 : errors->sum_sq > 0 ? INFINITY
                                      : 0;
    out->expected =
        px_dtype_unit_roundoff(errors->dtype) * sqrt(knows ? path->n_terms : ASSUMED_TERMS);
    out->cause = cause_of(errors, out, knows ? (double)PX_MAX(path->n_layers, 1) : 0);
}

/* --- text --- */

static const char *const causes[] = {
    [PX_CAUSE_NONE] = "the outputs are equal",
    [PX_CAUSE_ROUNDING] = "this looks like rounding",
    [PX_CAUSE_HALF] = "this looks like rounding to float16 or TensorFloat-32",
    [PX_CAUSE_BFLOAT16] = "this looks like rounding to bfloat16 or int8",
    [PX_CAUSE_QUANTIZED] = "integers are off by at most one, which looks like rounding",
    [PX_CAUSE_INDICES] =
        "integers are off by more than one, which looks like a bug, or like places "
        "of values that are nearly equal",
    [PX_CAUSE_TRUTH] = "truth values differ, which is rounding only where what they compare is "
                       "nearly equal",
    [PX_CAUSE_OVERFLOW] = "infinity stands where the other output has a number, and numbers are "
                          "beyond 65504, which looks like an overflow of float16",
    [PX_CAUSE_NO_NUMBER] = "NaN or infinity stands in one output where the other has a number, or "
                           "in both, which no rounding explains",
    [PX_CAUSE_FEW] = "a few elements hold nearly all of the error, which looks like a bug",
    [PX_CAUSE_MOVED] = "the values are spread like the other output's but not the same one by one, "
                       "which looks like a bug (such as an axis that is swapped or shifted)",
    [PX_CAUSE_LINEAR] = "one factor or offset is off for all elements, which looks like a bug",
    [PX_CAUSE_WRONG] = "this looks like a bug",
};

void px_advice_print_cause(px_buf *b, const px_advice *advice)
{
    if (!is_float(advice->dtype) || advice->cause == PX_CAUSE_NO_NUMBER ||
        advice->cause == PX_CAUSE_OVERFLOW) {
        px_buf_puts(b, causes[advice->cause]);
        return;
    }
    px_buf_puts(b, "relative error (root mean square) ");
    px_fmt_g(b, advice->error, 2);
    px_buf_puts(b, ", expected about ");
    px_fmt_g(b, advice->expected, 2);
    if (advice->path.n_terms > 0)
        px_buf_printf(b, " of %s after %lld layers with sums of up to %lld terms",
                      pgy_dtype_name(advice->dtype), (long long)advice->path.n_layers,
                      (long long)advice->path.longest);
    else
        px_buf_printf(b, " of %s for a network of %d terms (no model at hand)",
                      pgy_dtype_name(advice->dtype), (int)ASSUMED_TERMS);
    px_buf_printf(b, ": %s", causes[advice->cause]);
    /* More than float16 has in one rounding, but one of bfloat16 is that large. */
    if (advice->cause == PX_CAUSE_HALF && advice->error > 0x1p-10)
        px_buf_puts(b, ", or to bfloat16 in few layers");
}

static void print_option(px_buf *b, const char *option, const px_advice *advice, size_t n,
                         bool is_rtol)
{
    bool is_first = true;
    for (size_t i = 0; i < n; i++) {
        const px_advice *a = &advice[i];
        if (!a->has_any || (is_rtol && !a->has_pair))
            continue;
        if (is_first)
            px_buf_printf(b, "%s%s", is_rtol ? " " : "", option);
        px_buf_putc(b, ' ');
        px_buf_put_shell(b, px_str_of(a->output));
        px_buf_putc(b, ':');
        px_fmt_repr_f64(b, is_rtol ? a->rtol : a->has_pair ? a->atol : a->only_atol);
        is_first = false;
    }
}

void px_advice_print_options(px_buf *b, const px_advice *advice, size_t n)
{
    print_option(b, "--atol", advice, n, false);
    print_option(b, "--rtol", advice, n, true);
}

void px_advice_log(pgy_context *cx, const px_advice *advice)
{
    px_buf text = {0}, options = {0};
    px_buf_printf(&text, "Tolerance Advice | Output: '%s' | ", advice->output);
    if (!advice->has_any) {
        px_buf_puts(&text, "No tolerance passes: some differences are NaN or infinite");
    } else {
        px_buf_puts(&text, "Would pass with [abs=");
        px_fmt_repr_f64(&text, advice->only_atol);
        if (isfinite(advice->only_rtol)) {
            px_buf_puts(&text, "] OR [rel=");
            px_fmt_repr_f64(&text, advice->only_rtol);
        }
        px_advice_print_options(&options, advice, 1);
        px_buf_printf(&text, "]: %s", px_buf_cstr(&options));
    }
    px_buf_puts(&text, "\nNote: ");
    px_advice_print_cause(&text, advice);
    px_buf_putc(&text, '.');
    px_log_text(cx, PGY_LOG_INFO, PX_AT_COMPARE, px_buf_str(&text));
    px_buf_fini(&text);
    px_buf_fini(&options);
}
