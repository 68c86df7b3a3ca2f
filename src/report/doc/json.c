/* report/doc/json.c - the document as JSON; the schema is docs/report.schema.json. */
#include "data/json.h"
#include "base/fmt.h"
#include "report/doc/rows.h"

#include <math.h>

/* A writer that knows where commas go. */
typedef struct writer {
    px_buf *b;
    int level;
    bool is_first;
} writer;

static void next(writer *w)
{
    if (!w->is_first)
        px_buf_putc(w->b, ',');
    w->is_first = false;
    px_json_newline(w->b, w->level);
}

static void key(writer *w, const char *name)
{
    next(w);
    px_json_put_string(w->b, px_str_of(name));
    px_buf_puts(w->b, ": ");
}

static void open(writer *w, char bracket)
{
    px_buf_putc(w->b, bracket);
    w->level++;
    w->is_first = true;
}

static void close(writer *w, char bracket)
{
    w->level--;
    if (!w->is_first)
        px_json_newline(w->b, w->level);
    px_buf_putc(w->b, bracket);
    w->is_first = false;
}

static void text(writer *w, const char *name, const char *value)
{
    key(w, name);
    if (value == NULL)
        px_buf_puts(w->b, "null");
    else
        px_json_put_string(w->b, px_str_of(value));
}

/* JSON has no NaN and no infinity: they are null. */
static void number(writer *w, const char *name, double v)
{
    key(w, name);
    if (isfinite(v))
        px_fmt_repr_f64(w->b, v);
    else
        px_buf_puts(w->b, "null");
}

static void count(writer *w, const char *name, unsigned long long n)
{
    key(w, name);
    px_buf_printf(w->b, "%llu", n);
}

static void truth(writer *w, const char *name, bool v)
{
    key(w, name);
    px_buf_puts(w->b, v ? "true" : "false");
}

static void put_runner(writer *w, const px_doc_runner *r)
{
    next(w);
    open(w, '{');
    text(w, "name", r->name);
    count(w, "iterations", r->n_iterations);
    truth(w, "loaded", r->is_loaded);
    if (!r->is_loaded && r->n_iterations > 0) {
        key(w, "latency_ms");
        open(w, '{');
        number(w, "mean", r->latency.mean);
        number(w, "median", r->latency.median);
        number(w, "p90", r->latency.p90);
        number(w, "p99", r->latency.p99);
        number(w, "min", r->latency.min);
        number(w, "max", r->latency.max);
        close(w, '}');
    }
    close(w, '}');
}

static void put_errors(writer *w, const char *name, const px_stats *s)
{
    key(w, name);
    open(w, '{');
    number(w, "max", s->max);
    number(w, "mean", s->mean);
    number(w, "median", s->has_percentiles ? s->median : NAN);
    number(w, "p99", s->has_percentiles ? s->p99 : NAN);
    count(w, "max_at", (unsigned long long)PX_MAX(s->argmax, 0));
    count(w, "nan", (unsigned long long)s->n_nan);
    close(w, '}');
}

static void put_output(writer *w, px_compare_func func, const px_output_result *r)
{
    next(w);
    open(w, '{');
    text(w, "name", r->name);
    if (strcmp(r->name, r->other_name) != 0)
        text(w, "other_name", r->other_name);
    truth(w, "passed", r->passed);
    if (func == PX_COMPARE_SIMPLE && !r->bare) {
        text(w, "dtype", pgy_dtype_name(r->stats.of[PX_OF_A].dtype));
        key(w, "shape");
        px_buf_putc(w->b, '[');
        for (int d = 0; d < r->rank; d++)
            px_buf_printf(w->b, "%s%lld", d ? ", " : "", (long long)r->dims[d]);
        px_buf_putc(w->b, ']');
        text(w, "statistic", px_error_stat_name(r->stat));
        number(w, "atol", r->atol);
        number(w, "rtol", r->rtol);
        put_errors(w, "absolute", &r->stats.of[PX_OF_ABS]);
        put_errors(w, "relative", &r->stats.of[PX_OF_REL]);
        count(w, "mismatches", (unsigned long long)r->stats.n_mismatch);
        if (r->stats.ulp.given)
            count(w, "max_ulp", r->stats.ulp.max);
    } else if (!r->bare) {
        number(w, "metric", r->metric);
        number(w, "threshold", r->threshold);
    }
    close(w, '}');
}

static void put_func(writer *w, const px_func_result *func)
{
    next(w);
    open(w, '{');
    text(w, "function", px_compare_func_name(func->func));
    key(w, "iterations");
    open(w, '[');
    for (size_t i = 0; i < func->n; i++) {
        next(w);
        open(w, '{');
        truth(w, "passed", func->at[i].passed);
        key(w, "outputs");
        open(w, '[');
        for (size_t o = 0; o < func->at[i].n; o++)
            put_output(w, func->func, &func->at[i].at[o]);
        close(w, ']');
        close(w, '}');
    }
    close(w, ']');
    close(w, '}');
}

static void text_of(writer *w, const char *name, px_str value)
{
    key(w, name);
    px_json_put_string(w->b, value);
}

static void put_layer(writer *w, const px_layer *layer)
{
    const px_layer_error *e = &layer->error;
    next(w);
    open(w, '{');
    text(w, "output", layer->output);
    text_of(w, "operator", layer->node->op_type);
    text_of(w, "node", layer->node->name);
    count(w, "position", layer->position);
    truth(w, "passed", e->passed);
    if (e->given) {
        number(w, "max_absolute", e->max_abs);
        number(w, "max_relative", e->max_rel);
    }
    if (e->has_ulp)
        count(w, "max_ulp", e->max_ulp);
    if (layer->own.given) {
        number(w, "own_max_absolute", layer->own.max_abs);
        number(w, "own_max_relative", layer->own.max_rel);
    }
    count(w, "nan", (unsigned long long)(layer->of[0].n_nan + layer->of[1].n_nan));
    count(w, "infinity", (unsigned long long)(layer->of[0].n_inf + layer->of[1].n_inf));
    close(w, '}');
}

static void put_first(writer *w, const char *name, const px_layers *layers, size_t at)
{
    text(w, name, at == PX_NO_LAYER ? NULL : layers->at[at].output);
}

/* In the order in which they are computed. */
static void put_layers(writer *w, const px_layers *layers)
{
    put_first(w, "first_divergence", layers, layers->first_failed);
    put_first(w, "first_nan", layers, layers->first_bad);
    key(w, "layers");
    open(w, '[');
    for (size_t i = 0; i < layers->n; i++)
        put_layer(w, &layers->at[i]);
    close(w, ']');
}

static void put_pair(writer *w, const px_pair_result *pair, const px_layers *layers)
{
    next(w);
    open(w, '{');
    key(w, "runners");
    px_buf_putc(w->b, '[');
    px_json_put_string(w->b, px_str_of(pair->runner[0]));
    px_buf_puts(w->b, ", ");
    px_json_put_string(w->b, px_str_of(pair->runner[1]));
    px_buf_putc(w->b, ']');
    truth(w, "passed", pair->passed);
    count(w, "iterations", pair->n_iterations);
    count(w, "passed_iterations", pair->n_passed);
    key(w, "functions");
    open(w, '[');
    for (size_t f = 0; f < pair->n_funcs; f++)
        put_func(w, &pair->funcs[f]);
    close(w, ']');
    if (layers != NULL)
        put_layers(w, layers);
    close(w, '}');
}

static void put_advice(writer *w, const px_advice *a)
{
    px_buf line = {0};
    next(w);
    open(w, '{');
    text(w, "output", a->output);
    number(w, "atol_alone", a->has_any ? a->only_atol : NAN);
    number(w, "rtol_alone", a->has_any ? a->only_rtol : NAN);
    if (a->has_pair) {
        number(w, "atol", a->atol);
        number(w, "rtol", a->rtol);
    }
    number(w, "error", a->error);
    number(w, "expected_error", a->expected);
    px_advice_print_cause(&line, a);
    text(w, "finding", px_buf_cstr(&line));
    close(w, '}');
    px_buf_fini(&line);
}

static void put_referee(writer *w, const px_referee *referee)
{
    key(w, "referee");
    open(w, '{');
    text(w, "reference", referee->reference);
    key(w, "outputs");
    open(w, '[');
    for (size_t i = 0; i < referee->n; i++) {
        const px_referee_output *o = &referee->at[i];
        next(w);
        open(w, '{');
        text(w, "name", o->name);
        text(w, "finding", o->sentence);
        key(w, "runners");
        open(w, '[');
        for (size_t r = 0; r < referee->n_runs; r++) {
            if (o->of[r].count == 0)
                continue;
            next(w);
            open(w, '{');
            text(w, "name", referee->runs[r]);
            truth(w, "wrong", o->finding[r] == PX_FINDING_WRONG);
            truth(w, "further_than_expected", o->finding[r] == PX_FINDING_FURTHER);
            number(w, "max_absolute", o->of[r].max_abs);
            number(w, "max_relative", o->of[r].max_rel);
            number(w, "max_ulp", o->of[r].max_ulp);
            number(w, "rms", px_distance_rms(&o->of[r]));
            close(w, '}');
        }
        close(w, ']');
        close(w, '}');
    }
    close(w, ']');
    close(w, '}');
}

pgy_status *px_doc_put_json(const px_doc *doc, const px_doc_rows *rows, px_buf *out)
{
    writer w = {.b = out};
    PX_UNUSED(rows);
    open(&w, '{');
    count(&w, "schema_version", 1);
    text(&w, "polygraphy_version", PX_VERSION);
    truth(&w, "passed", doc->passed);
    text(&w, "command", doc->command);
    text(&w, "model", doc->model);
    text(&w, "date", doc->date);
    text(&w, "host", doc->host);
    number(&w, "seconds", doc->seconds);
    if (doc->is_validated)
        truth(&w, "valid", doc->is_valid);
    key(&w, "runners");
    open(&w, '[');
    for (size_t i = 0; i < doc->n_runners; i++)
        put_runner(&w, &doc->runners[i]);
    close(&w, ']');
    key(&w, "comparisons");
    open(&w, '[');
    for (size_t i = 0; i < doc->accuracy->n; i++)
        put_pair(&w, &doc->accuracy->at[i], i < doc->n_layers ? &doc->layers[i] : NULL);
    close(&w, ']');
    key(&w, "advice");
    open(&w, '[');
    for (size_t i = 0; i < doc->n_advice; i++)
        put_advice(&w, &doc->advice[i]);
    close(&w, ']');
    if (doc->referee->n > 0)
        put_referee(&w, doc->referee);
    close(&w, '}');
    px_buf_putc(out, '\n');
    return px_buf_status(out);
}
