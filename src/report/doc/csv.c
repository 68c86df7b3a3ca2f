/* report/doc/csv.c - every number of every comparison, RFC 4180. */
#include "base/fmt.h"
#include "report/doc/rows.h"

#include <math.h>

/* Quoted where the text needs it. */
static void put_text(px_buf *b, const char *text)
{
    if (strpbrk(text, ",\"\n\r") == NULL) {
        px_buf_puts(b, text);
        return;
    }
    px_buf_putc(b, '"');
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            px_buf_putc(b, '"');
        px_buf_putc(b, *c);
    }
    px_buf_putc(b, '"');
}

/* The shortest text that reads back as the number; nothing where there is none. */
static void put_number(px_buf *b, bool is_there, double v)
{
    px_buf_putc(b, ',');
    if (is_there && !isnan(v))
        px_fmt_repr_f64(b, v);
    else if (is_there)
        px_buf_puts(b, "nan");
}

static void put_count(px_buf *b, bool is_there, long long n)
{
    px_buf_putc(b, ',');
    if (is_there)
        px_buf_printf(b, "%lld", n);
}

static void put_errors(px_buf *b, bool is_there, const px_stats *s)
{
    const double numbers[] = {s->max, s->mean, s->median, s->min, s->std, s->p90, s->p95, s->p99};
    for (size_t i = 0; i < PX_COUNTOF(numbers); i++)
        put_number(b, is_there && (i < 2 || s->has_percentiles || i == 3 || i == 4), numbers[i]);
}

static void put_result(px_buf *b, const px_pair_result *pair, px_compare_func func,
                       size_t iteration, const px_output_result *r)
{
    const bool errors = func == PX_COMPARE_SIMPLE && !r->bare;
    const bool metric = func != PX_COMPARE_SIMPLE && !r->bare;
    put_text(b, pair->runner[0]);
    px_buf_putc(b, ',');
    put_text(b, pair->runner[1]);
    px_buf_printf(b, ",%zu,%s,", iteration, px_compare_func_name(func));
    put_text(b, r->name);
    px_buf_putc(b, ',');
    if (errors) {
        px_buf_puts(b, pgy_dtype_name(r->stats.of[PX_OF_A].dtype));
        px_buf_putc(b, ',');
        for (int d = 0; d < r->rank; d++)
            px_buf_printf(b, "%s%lld", d ? "x" : "", (long long)r->dims[d]);
    } else {
        px_buf_putc(b, ',');
    }
    px_buf_printf(b, ",%s", r->passed ? "passed" : "failed");
    put_number(b, errors, r->atol);
    put_number(b, errors, r->rtol);
    put_errors(b, errors, &r->stats.of[PX_OF_ABS]);
    put_errors(b, errors, &r->stats.of[PX_OF_REL]);
    put_count(b, errors, (long long)r->stats.of[PX_OF_ABS].count);
    put_count(b, errors, (long long)r->stats.n_mismatch);
    put_count(b, errors && r->stats.ulp.given, (long long)r->stats.ulp.max);
    put_number(b, errors && r->stats.ulp.given, r->stats.ulp.mean);
    put_number(b, metric, r->metric);
    put_number(b, metric, r->threshold);
    px_buf_puts(b, "\r\n");
}

pgy_status *px_doc_put_csv(const px_doc *doc, const px_doc_rows *rows, px_buf *out)
{
    PX_UNUSED(rows);
    px_buf_puts(out, "runner0,runner1,iteration,function,output,dtype,shape,verdict,atol,rtol");
    for (int i = 0; i < 2; i++) {
        static const char *const names[] = {"max", "mean", "median", "min",
                                            "std", "p90",  "p95",    "p99"};
        for (size_t k = 0; k < PX_COUNTOF(names); k++)
            px_buf_printf(out, ",%s_%s", i == 0 ? "abs" : "rel", names[k]);
    }
    px_buf_puts(out, ",elements,mismatches,ulp_max,ulp_mean,metric,threshold\r\n");
    for (size_t p = 0; p < doc->accuracy->n; p++) {
        const px_pair_result *pair = &doc->accuracy->at[p];
        for (size_t f = 0; f < pair->n_funcs; f++) {
            const px_func_result *func = &pair->funcs[f];
            for (size_t i = 0; i < func->n; i++) {
                for (size_t o = 0; o < func->at[i].n; o++)
                    put_result(out, pair, func->func, i, &func->at[i].at[o]);
            }
        }
    }
    return px_buf_status(out);
}
