/* compare/referee.c - measuring and ruling; see referee.h. The words are in referee_text.c. */
#include "compare/referee.h"

#include "compare/referee_text.h"

#include <math.h>
#include <string.h>

#define ROUNDINGS_ALWAYS 4
#define ROUNDINGS_UNMEASURED 256
#define CLEARLY 16.0    /* times further than expected */
#define OUTDONE 8.0     /* times further than another run: three bits lost */
#define SPREAD 32.0     /* largest error of rounding to its root mean square */
#define ERROR_SHARE 0.1 /* of the values */

static const char reference_prefix[] = "pluginref-runner";

bool px_referee_is_reference(const char *runner)
{
    return strncmp(runner, reference_prefix, strlen(reference_prefix)) == 0;
}

ptrdiff_t px_referee_find(const px_results *results)
{
    for (size_t i = 0; i < results->n; i++)
        if (px_referee_is_reference(results->at[i].runner_name))
            return (ptrdiff_t)i;
    return -1;
}

pgy_status *px_referee_init(px_referee *r, const char *reference, size_t n_runs,
                            const char *const *runs)
{
    pgy_status *st = NULL;
    px_referee made = {.reference = px_mem_strdup(reference)};
    if (made.reference == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(PX_ALLOC(made.runs, n_runs + 1));
    for (; made.n_runs < n_runs; made.n_runs++)
        if ((made.runs[made.n_runs] = px_mem_strdup(runs[made.n_runs])) == NULL)
            PX_TRY(px_status_nomem());
    *r = made;
    made = (px_referee){0};
done:
    px_referee_fini(&made);
    return st;
}

static void output_fini(px_referee_output *o)
{
    px_mem_free(o->name);
    px_mem_free(o->dims);
    px_mem_free(o->of);
    px_mem_free(o->finding);
    px_mem_free(o->lower);
    px_mem_free(o->sentence);
}

void px_referee_fini(px_referee *r)
{
    for (size_t i = 0; i < r->n; i++)
        output_fini(&r->at[i]);
    for (size_t i = 0; i < r->n_runs; i++)
        px_mem_free(r->runs[i]);
    px_mem_free(r->at);
    px_mem_free(r->runs);
    px_mem_free(r->reference);
    *r = (px_referee){0};
}

static px_lazy *find_value(const px_iteration *it, const char *name)
{
    for (size_t i = 0; it && i < it->n_outputs; i++)
        if (strcmp(it->outputs[i].name, name) == 0)
            return it->outputs[i].value;
    return NULL;
}

/* The entry of an output, made when it is new. */
static pgy_status *entry_of(px_referee *r, const char *name, const px_lazy *value,
                            px_referee_output **out)
{
    pgy_status *st = NULL;
    px_referee_output made = {.typed = PX_DISTANCE_INIT, .furthest = -1, .nearest = -1};
    const int64_t *dims;
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->at[i].name, name) == 0) {
            *out = &r->at[i];
            return NULL;
        }
    PX_TRY(px_lazy_describe(value, &made.dtype, &made.rank, &dims));
    made.name = px_mem_strdup(name);
    if (made.name == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(PX_ALLOC(made.dims, (size_t)made.rank + 1));
    memcpy(made.dims, dims, (size_t)made.rank * sizeof *dims);
    PX_TRY(PX_ALLOC(made.of, r->n_runs + 1));
    PX_TRY(PX_ALLOC(made.finding, r->n_runs + 1));
    PX_TRY(PX_ALLOC(made.lower, r->n_runs + 1));
    for (size_t i = 0; i < r->n_runs; i++)
        made.of[i] = (px_distance)PX_DISTANCE_INIT;
    PX_TRY(PX_RESERVE(r, 1));
    r->at[r->n++] = made;
    made = (px_referee_output){0};
    *out = &r->at[r->n - 1];
done:
    output_fini(&made);
    return st;
}

/* The value as a tensor when it can be measured against `truth`; else *out stays NULL. */
static pgy_status *measurable(pgy_context *cx, px_lazy *value, const pgy_tensor *truth,
                              pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_dtype dtype;
    int rank;
    const int64_t *dims;
    if (value == NULL)
        return NULL;
    PX_TRY(px_lazy_describe(value, &dtype, &rank, &dims));
    if (px_distance_applies(dtype) && px_shape_eq(rank, dims, truth->rank, truth->dims) &&
        px_dtype_is_complex(dtype) == px_dtype_is_complex(truth->dtype))
        PX_TRY(px_lazy_get(cx, value, out));
done:
    return st;
}

static pgy_status *add_output(pgy_context *cx, px_referee *r, const px_referee_iteration *it,
                              const char *name, px_lazy *declared)
{
    pgy_status *st = NULL;
    const size_t n_max = r->n_runs + 1;
    px_lazy *exact = find_value(it->exact, name);
    px_referee_output *o = NULL;
    pgy_tensor *truth = NULL, **held = NULL;
    px_distance *found = NULL, **to = NULL;
    size_t n = 0;

    PX_TRY(entry_of(r, name, declared, &o));
    if (!px_distance_applies(o->dtype))
        return NULL;
    PX_TRY(PX_ALLOC(held, n_max));
    PX_TRY(PX_ALLOC(found, n_max));
    PX_TRY(PX_ALLOC(to, n_max));
    PX_TRY(px_lazy_get(cx, exact ? exact : declared, &truth));
    for (size_t k = 0; k < n_max; k++) {
        px_lazy *value = find_value(k < r->n_runs ? it->runs[k] : it->typed, name);
        PX_TRY(measurable(cx, value, truth, &held[n]));
        if (held[n] != NULL)
            to[n++] = k < r->n_runs ? &o->of[k] : &o->typed;
    }
    for (size_t k = 0; k < n; k++)
        found[k] = *to[k];
    PX_TRY(px_distance_add(cx, o->dtype, truth, n, (const pgy_tensor *const *)held, found));
    for (size_t k = 0; k < n; k++)
        *to[k] = found[k];
done:
    for (size_t k = 0; k < n; k++)
        pgy_tensor_free(held[k]);
    pgy_tensor_free(truth);
    px_mem_free(held);
    px_mem_free(found);
    px_mem_free(to);
    return st;
}

pgy_status *px_referee_add(pgy_context *cx, px_referee *r, const px_referee_iteration *it)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < it->declared->n_outputs; i++)
        PX_TRY(
            add_output(cx, r, it, it->declared->outputs[i].name, it->declared->outputs[i].value));
    r->n_iterations++;
done:
    return st;
}

/* The largest difference that the declared types explain. */
static double expectation(const px_referee *r, const px_referee_output *o)
{
    const double u = px_dtype_unit_roundoff(o->dtype);
    double scale = PX_MAX(o->typed.scale, o->range);
    for (size_t k = 0; k < r->n_runs; k++)
        scale = PX_MAX(scale, o->of[k].scale);
    const double always = ROUNDINGS_ALWAYS * u * scale;
    if (u == 0.0)
        return o->typed.max_abs;
    if (o->typed.count == 0)
        return ROUNDINGS_UNMEASURED * u * scale;
    return PX_MAX(always, o->typed.max_abs * (1 + sqrt((double)o->n_terms)));
}

/* The largest that can be anything but an error. */
static double allowance(const px_referee_output *o)
{
    if (px_dtype_unit_roundoff(o->dtype) == 0.0) {
        const bool is_quantized = o->dtype == PGY_DTYPE_I8 || o->dtype == PGY_DTYPE_U8;
        return is_quantized ? PX_MAX(o->expected_abs, 1.0) : o->expected_abs;
    }
    return o->expected_abs * PX_MAX(CLEARLY, sqrt((double)o->n_terms));
}

static bool is_expected(const px_referee_output *o, const px_distance *d)
{
    return d->n_unlike <= o->typed.n_unlike && d->max_abs <= o->expected_abs;
}

/* Another run shows that the types can give far better. */
static bool is_outdone(const px_referee *r, const px_referee_output *o, const px_distance *d)
{
    for (size_t k = 0; k < r->n_runs; k++)
        if (o->of[k].count > 0 && is_expected(o, &o->of[k]) &&
            px_distance_rms(d) >= OUTDONE * px_distance_rms(&o->of[k]))
            return true;
    return false;
}

/* Rounding to a lower precision leaves errors of its size, and no single element far beyond. */
static px_cause lower_precision(const px_referee_output *o, const px_distance *d)
{
    const double u = px_dtype_unit_roundoff(o->dtype), share = px_distance_share(d);
    const px_cause cause = px_cause_of_lower(share, (double)o->n_layers);
    const double u_lower = cause == PX_CAUSE_HALF ? 0x1p-11 : 0x1p-8;
    const bool fits = cause != PX_CAUSE_WRONG && d->n_unlike == 0 && u > 0.0 && u < u_lower &&
                      share >= 0x1p-11 / 4 && d->max_abs <= SPREAD * px_distance_rms(d);
    return fits ? cause : PX_CAUSE_NONE;
}

static px_finding find(const px_referee *r, const px_referee_output *o, const px_distance *d,
                       px_cause *out_lower)
{
    *out_lower = PX_CAUSE_NONE;
    if (d->count == 0)
        return PX_FINDING_NONE;
    if (is_expected(o, d))
        return PX_FINDING_WITHIN;
    *out_lower = lower_precision(o, d);
    if (*out_lower != PX_CAUSE_NONE)
        return PX_FINDING_FURTHER;
    if (d->n_unlike > o->typed.n_unlike || d->max_abs > o->allowed_abs)
        return PX_FINDING_WRONG;
    if (px_dtype_unit_roundoff(o->dtype) == 0.0)
        return PX_FINDING_FURTHER;
    return px_distance_share(d) > ERROR_SHARE || is_outdone(r, o, d) ? PX_FINDING_WRONG
                                                                     : PX_FINDING_FURTHER;
}

/* The order in which runs are called further: non-finite surprises first, then by size. */
static bool is_further(const px_distance *a, const px_distance *b)
{
    if (a->n_unlike != b->n_unlike)
        return a->n_unlike > b->n_unlike;
    return px_distance_rms(a) > px_distance_rms(b);
}

static double ratio_of(const px_distance *far, const px_distance *near)
{
    const double a = px_distance_rms(far), b = px_distance_rms(near);
    if (a == b)
        return 1.0;
    return b == 0.0 ? INFINITY : a / b;
}

static void rank_runs(const px_referee *r, px_referee_output *o)
{
    for (size_t k = 0; k < r->n_runs; k++) {
        o->finding[k] = find(r, o, &o->of[k], &o->lower[k]);
        if (o->finding[k] == PX_FINDING_NONE)
            continue;
        o->n_measured++;
        o->n_further += o->finding[k] == PX_FINDING_FURTHER;
        o->n_wrong += o->finding[k] == PX_FINDING_WRONG;
        if (o->furthest < 0 || is_further(&o->of[k], &o->of[o->furthest]))
            o->furthest = (ptrdiff_t)k;
        if (o->nearest < 0 || is_further(&o->of[o->nearest], &o->of[k]))
            o->nearest = (ptrdiff_t)k;
    }
}

static pgy_status *rule_output(const px_referee *r, px_referee_output *o)
{
    o->n_measured = o->n_further = o->n_wrong = 0;
    o->furthest = o->nearest = -1;
    o->expected_abs = expectation(r, o);
    o->allowed_abs = allowance(o);
    o->ratio = NAN;
    rank_runs(r, o);
    if (o->n_measured > 1)
        o->ratio = ratio_of(&o->of[o->furthest], &o->of[o->nearest]);
    else if (o->n_measured == 1 && o->typed.count > 0)
        o->ratio = ratio_of(&o->of[o->furthest], &o->typed);
    o->ruling = o->n_measured == 0            ? PX_RULING_NOT_MEASURED
                : o->n_wrong == o->n_measured ? PX_RULING_ALL_WRONG
                : o->n_wrong > 0              ? PX_RULING_SOME_WRONG
                : o->n_further > 0            ? PX_RULING_FURTHER
                                              : PX_RULING_WITHIN;
    px_mem_free(o->sentence);
    return px_referee_sentence(r, o, &o->sentence);
}

pgy_status *px_referee_rule(px_referee *r)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < r->n; i++)
        PX_TRY(rule_output(r, &r->at[i]));
done:
    return st;
}
