/* report/doc/rows.c - see rows.h. */
#include "report/doc/rows.h"
#include "base/fmt.h"

#include <math.h>

static px_doc_row *row_of(px_doc_rows *rows, size_t first, const char *output)
{
    for (size_t i = first; i < rows->n; i++) {
        if (strcmp(rows->at[i].worst->name, output) == 0)
            return &rows->at[i];
    }
    return NULL;
}

/* Failed is worse than passed, then the larger error is; functions of similarity turn that round.
 */
static bool is_worse(px_compare_func func, const px_output_result *a, const px_output_result *b)
{
    if (a->passed != b->passed)
        return !a->passed;
    if (a->bare || b->bare)
        return false;
    if (func == PX_COMPARE_SIMPLE)
        return a->abs_error > b->abs_error;
    const bool more_is_better =
        func == PX_COMPARE_COSINE || func == PX_COMPARE_PSNR || func == PX_COMPARE_SNR;
    return more_is_better ? a->metric < b->metric : a->metric > b->metric;
}

static pgy_status *add_func(const px_pair_result *pair, const px_func_result *func,
                            px_doc_rows *out)
{
    pgy_status *st = NULL;
    const size_t first = out->n;
    for (size_t i = 0; i < func->n; i++) {
        for (size_t o = 0; o < func->at[i].n; o++) {
            const px_output_result *result = &func->at[i].at[o];
            px_doc_row *row = row_of(out, first, result->name);
            if (row == NULL) {
                PX_TRY(PX_RESERVE(out, 1));
                row = &out->at[out->n++];
                *row = (px_doc_row){.pair = pair, .func = func->func, .worst = result};
                row->worst_iteration = i;
            } else if (is_worse(func->func, result, row->worst)) {
                row->worst = result;
                row->worst_iteration = i;
            }
            row->n_iterations++;
            row->n_failed += !result->passed;
        }
    }
done:
    return st;
}

pgy_status *px_doc_rows_of(const px_accuracy *accuracy, px_doc_rows *out)
{
    pgy_status *st = NULL;
    *out = (px_doc_rows){0};
    for (size_t p = 0; p < accuracy->n; p++) {
        for (size_t f = 0; f < accuracy->at[p].n_funcs; f++)
            PX_TRY(add_func(&accuracy->at[p], &accuracy->at[p].funcs[f], out));
    }
    for (size_t i = 0; i < out->n; i++)
        out->n_failed += out->at[i].n_failed > 0;
done:
    if (st != NULL)
        px_doc_rows_fini(out);
    return st;
}

static int by_order(const void *a, const void *b)
{
    const px_doc_row *x = a, *y = b;
    const size_t px = x->layer != NULL ? x->layer->position : SIZE_MAX;
    const size_t py = y->layer != NULL ? y->layer->position : SIZE_MAX;
    if (x->pair != y->pair)
        return x->pair < y->pair ? -1 : 1; /* both are in one array */
    if (x->func == y->func && px != py)
        return px < py ? -1 : 1;
    return x->mentioned < y->mentioned ? -1 : 1;
}

void px_doc_rows_order(px_doc_rows *rows, const px_doc *doc)
{
    for (size_t i = 0; i < rows->n; i++) {
        px_doc_row *row = &rows->at[i];
        const size_t pair = (size_t)(row->pair - doc->accuracy->at);
        row->mentioned = i;
        if (pair < doc->n_layers)
            row->layer = px_layers_find(&doc->layers[pair], px_str_of(row->worst->name));
    }
    if (doc->n_layers > 0)
        qsort(rows->at, rows->n, sizeof *rows->at, by_order);
}

void px_doc_put_layer(px_buf *b, const px_layer *layer)
{
    if (layer == NULL)
        return;
    px_buf_printf(b, "#%zu %.*s", layer->position, PX_STR_ARG(layer->node->op_type));
    if (layer->node->name.len > 0)
        px_buf_printf(b, " '%.*s'", PX_STR_ARG(layer->node->name));
}

void px_doc_rows_fini(px_doc_rows *rows)
{
    px_mem_free(rows->at);
    *rows = (px_doc_rows){0};
}

double px_doc_error(const px_output_result *result)
{
    const px_stats *b = &result->stats.of[PX_OF_B];
    if (result->bare)
        return NAN;
    const double scale = fmax(fabs(b->min), fabs(b->max));
    const double error = result->stats.of[PX_OF_ABS].max;
    return error == 0 ? 0 : scale > 0 ? error / scale : NAN;
}

void px_doc_put_verdict(px_buf *b, const px_doc *doc, const px_doc_rows *rows)
{
    if (rows->n == 0)
        px_buf_puts(b, "nothing was compared");
    else if (rows->n_failed == 0)
        px_buf_printf(b, rows->n == 1 ? "the output matches" : "all %zu comparisons match",
                      rows->n);
    else
        px_buf_printf(b, "%zu of %zu comparisons differ", rows->n_failed, rows->n);
    if (doc->is_validated)
        px_buf_puts(b, doc->is_valid ? "; no NaN or infinity" : "; there are NaN or infinities");
}

void px_doc_put_number(px_buf *b, double v)
{
    if (isnan(v))
        px_buf_putc(b, '-');
    else
        px_fmt_g(b, v, 4);
}

bool px_doc_put_finding(px_buf *b, const px_referee *referee, size_t line)
{
    enum { ALL = 3 };
    size_t n_within = 0;
    const px_referee_output *beyond = NULL;
    if (referee->n <= ALL) {
        if (line >= referee->n)
            return false;
        px_buf_printf(b, "Output '%s': %s.", referee->at[line].name, referee->at[line].sentence);
        return true;
    }
    for (size_t i = 0; i < referee->n; i++) {
        const px_ruling ruling = referee->at[i].ruling;
        n_within += ruling == PX_RULING_WITHIN;
        const bool is_wrong = referee->at[i].n_wrong > 0;
        if ((is_wrong || ruling == PX_RULING_FURTHER) &&
            (beyond == NULL || (is_wrong && beyond->n_wrong == 0)))
            beyond = &referee->at[i];
    }
    if (line == 0)
        px_buf_printf(b, "Against float64, %zu of %zu outputs are within what their type can give.",
                      n_within, referee->n);
    else if (line == 1 && beyond != NULL)
        px_buf_printf(b, "%s is '%s': %s.",
                      beyond->n_wrong > 0 ? "The first wrong one" : "The first that is not",
                      beyond->name, beyond->sentence);
    else
        return false;
    return true;
}

void px_doc_put_errors(px_buf *b, const px_doc_row *row)
{
    const px_output_result *r = row->worst;
    if (r->bare) {
        px_buf_puts(b, r->passed ? "equal" : "differs, or cannot be compared");
        return;
    }
    if (row->func == PX_COMPARE_SIMPLE) {
        px_buf_puts(b, "max abs ");
        px_doc_put_number(b, r->stats.of[PX_OF_ABS].max);
        px_buf_puts(b, ", max rel ");
        px_doc_put_number(b, r->stats.of[PX_OF_REL].max);
        px_buf_printf(b, ", %lld of %lld elements beyond tolerance", (long long)r->stats.n_mismatch,
                      (long long)r->stats.of[PX_OF_ABS].count);
        return;
    }
    px_buf_printf(b, "%s ", px_compare_func_name(row->func));
    px_doc_put_number(b, r->metric);
    px_buf_puts(b, ", threshold ");
    px_doc_put_number(b, r->threshold);
}

void px_doc_put_xml(px_buf *b, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '&')
            px_buf_puts(b, "&amp;");
        else if (*c == '<')
            px_buf_puts(b, "&lt;");
        else if (*c == '>')
            px_buf_puts(b, "&gt;");
        else if (*c == '"')
            px_buf_puts(b, "&quot;");
        else if (*c == '\'')
            px_buf_puts(b, "&#39;");
        else if (*c < ' ' && *c != '\n' && *c != '\t')
            px_buf_putc(b, '?');
        else
            px_buf_putc(b, (char)*c);
    }
}
