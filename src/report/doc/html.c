/* report/doc/html.c - one self-contained page: the verdict first, then where, who and why. */
#include "report/doc/html.h"
#include "base/fmt.h"

#include <math.h>

static void put_head(px_buf *b, const px_doc *doc, const px_doc_rows *rows)
{
    const char *verdict = doc->passed ? "PASSED" : "FAILED";
    px_buf_printf(b,
                  "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                  "<link rel=\"icon\" href=\"data:,\">\n<title>%s: ",
                  verdict);
    px_doc_put_xml(b, doc->model ? doc->model : "saved outputs");
    px_buf_printf(b,
                  "</title>\n<style>\n%s</style>\n</head>\n<body>\n"
                  "<header class=\"verdict %s\">\n<h1>%s: ",
                  px_html_style, doc->passed ? "pass" : "fail", verdict);
    px_doc_put_verdict(b, doc, rows);
    px_buf_puts(b, "</h1>\n<p>");
    if (doc->model != NULL) {
        px_buf_puts(b, "<code>");
        px_doc_put_xml(b, doc->model);
        px_buf_puts(b, "</code>, ");
    }
    px_doc_put_xml(b, doc->date);
    px_buf_puts(b, ", ");
    px_fmt_f(b, doc->seconds, 2);
    px_buf_puts(b, " s</p>\n");
    px_buf finding = {0};
    for (size_t i = 0; px_doc_put_finding(&finding, doc->referee, i); i++, finding.len = 0) {
        px_buf_puts(b, "<p>");
        px_doc_put_xml(b, px_buf_cstr(&finding));
        px_buf_puts(b, "</p>\n");
    }
    px_buf_fini(&finding);
    px_buf_puts(b, "</header>\n");
}

/* A cell that sorts by its number. */
static void put_number_cell(px_buf *b, double v, bool is_there)
{
    px_buf_puts(b, "<td class=\"n\" data-v=\"");
    if (is_there && isfinite(v))
        px_fmt_repr_f64(b, v);
    else if (is_there && isinf(v))
        px_buf_puts(b, "1e999");
    px_buf_puts(b, "\">");
    if (is_there)
        px_doc_put_number(b, v);
    px_buf_puts(b, "</td>");
}

static void put_text_cell(px_buf *b, const char *class_name, const char *text)
{
    px_buf_printf(b, "<td class=\"%s\">", class_name);
    px_doc_put_xml(b, text);
    px_buf_puts(b, "</td>");
}

static void put_shape(px_buf *b, const px_output_result *r)
{
    px_buf_puts(b, "<td class=\"type\">");
    if (r->dims != NULL) {
        px_buf_puts(b, pgy_dtype_name(r->stats.of[PX_OF_A].dtype));
        for (int d = 0; d < r->rank; d++)
            px_buf_printf(b, "%s%lld", d ? "&times;" : " ", (long long)r->dims[d]);
    }
    px_buf_puts(b, "</td>");
}

/* Columns that would say the same in every row are left out. */
typedef struct columns {
    bool pair, func, layer, errors, metric;
} columns;

static columns columns_of(const px_doc_rows *rows)
{
    columns c = {0};
    for (size_t i = 0; i < rows->n; i++) {
        const px_doc_row *row = &rows->at[i];
        c.pair |= row->pair != rows->at[0].pair;
        c.layer |= row->layer != NULL;
        c.func |= row->func != rows->at[0].func;
        c.errors |= row->func == PX_COMPARE_SIMPLE;
        c.metric |= row->func != PX_COMPARE_SIMPLE && !row->worst->bare;
    }
    return c;
}

/* Operator and node. */
static void put_layer_cell(px_buf *b, const px_layer *layer)
{
    px_buf text = {0};
    px_buf_puts(b, "<td class=\"name\">");
    if (layer != NULL) {
        px_buf_putstr(&text, layer->node->op_type);
        px_doc_put_xml(b, px_buf_cstr(&text));
        text.len = 0;
    }
    if (layer != NULL && layer->node->name.len > 0) {
        px_buf_putstr(&text, layer->node->name);
        px_buf_puts(b, " <span class=\"dim\">");
        px_doc_put_xml(b, px_buf_cstr(&text));
        px_buf_puts(b, "</span>");
    }
    px_buf_puts(b, "</td>");
    b->failed |= text.failed;
    px_buf_fini(&text);
}

static void put_row(px_buf *b, size_t index, const px_doc_row *row, const columns *c)
{
    const px_output_result *r = row->worst;
    const bool errors = row->func == PX_COMPARE_SIMPLE && !r->bare;
    px_buf_printf(b, "<tr data-failed=\"%d\"><td class=\"n\">%zu</td>", row->n_failed > 0, index);
    px_buf_printf(b, "<td class=\"%s\">%s</td>", row->n_failed ? "fail" : "pass",
                  row->n_failed ? "FAILED" : "passed");
    put_text_cell(b, "name", r->name);
    if (c->layer)
        put_layer_cell(b, row->layer);
    if (c->pair) {
        px_buf_puts(b, "<td class=\"name\">");
        px_doc_put_xml(b, row->pair->runner[0]);
        px_buf_puts(b, " vs. ");
        px_doc_put_xml(b, row->pair->runner[1]);
        px_buf_puts(b, "</td>");
    }
    if (c->func)
        put_text_cell(b, "type", px_compare_func_name(row->func));
    if (c->errors) {
        put_shape(b, r);
        put_number_cell(b, r->stats.of[PX_OF_ABS].max, errors);
        put_number_cell(b, r->stats.of[PX_OF_REL].max, errors);
        put_number_cell(b, r->stats.of[PX_OF_ABS].mean, errors);
        put_number_cell(b, (double)r->stats.ulp.max, errors && r->stats.ulp.given);
        put_number_cell(b, (double)r->stats.n_mismatch, errors);
    }
    if (c->metric)
        put_number_cell(b, r->metric, !errors && !r->bare);
    px_buf_printf(b, "<td class=\"n\">%zu/%zu</td></tr>\n", row->n_iterations - row->n_failed,
                  row->n_iterations);
}

static void put_headings(px_buf *b, const columns *c)
{
    const struct {
        const char *text;
        bool is_there, is_number;
    } heads[] = {
        {"#", true, true},
        {"verdict", true, false},
        {"output", true, false},
        {"layer", c->layer, false},
        {"runners", c->pair, false},
        {"function", c->func, false},
        {"type", c->errors, false},
        {"max abs", c->errors, true},
        {"max rel", c->errors, true},
        {"mean abs", c->errors, true},
        {"max ULP", c->errors, true},
        {"mismatches", c->errors, true},
        {"metric", c->metric, true},
        {"passed", true, true},
    };
    px_buf_puts(b, "<thead><tr>");
    for (size_t i = 0; i < PX_COUNTOF(heads); i++) {
        if (heads[i].is_there)
            px_buf_printf(b, "<th%s><button type=\"button\">%s</button></th>",
                          heads[i].is_number ? " class=\"n\"" : "", heads[i].text);
    }
    px_buf_puts(b, "</tr></thead>\n");
}

static void put_outputs(px_buf *b, const px_doc_rows *rows)
{
    const columns c = columns_of(rows);
    px_buf_puts(b, "<h2>Outputs</h2>\n");
    if (!c.pair) {
        px_buf_puts(b, "<p class=\"dim\">");
        px_doc_put_xml(b, rows->at[0].pair->runner[0]);
        px_buf_puts(b, " vs. ");
        px_doc_put_xml(b, rows->at[0].pair->runner[1]);
        px_buf_puts(b, "</p>\n");
    }
    px_buf_puts(b, "<div class=\"tools\"><input type=\"search\" id=\"filter\" "
                   "aria-label=\"Filter outputs\" placeholder=\"Filter\"><label><input "
                   "type=\"checkbox\" id=\"failed\"> failed only</label> <span class=\"dim\" "
                   "id=\"shown\"></span></div>\n<div class=\"wide\"><table id=\"outputs\">\n");
    put_headings(b, &c);
    px_buf_puts(b, "<tbody>\n");
    for (size_t i = 0; i < rows->n; i++)
        put_row(b, i, &rows->at[i], &c);
    px_buf_puts(b, "</tbody></table></div>\n<p class=\"dim\">Numbers are of the worst iteration; "
                   "the last column counts the iterations that passed.</p>\n");
}

/* As a data URL without base64: the pixels within are in base64 already, and twice would cost a
 * third more. What ends an attribute, a URL or its path is escaped; a URL loses line ends. */
static void put_svg(px_buf *b, const char *what, const char *output, const px_buf *svg)
{
    static const char special[] = "%#<>&\"'\n";
    if (svg->len == 0)
        return;
    px_buf_printf(b, "<img alt=\"Heat map of the %s errors of ", what);
    px_doc_put_xml(b, output);
    px_buf_puts(b, "\" src=\"data:image/svg+xml,");
    for (size_t from = 0, i = 0; i <= svg->len; i++) {
        if (i < svg->len && memchr(special, svg->ptr[i], sizeof special) == NULL)
            continue;
        px_buf_put(b, svg->ptr + from, i - from);
        if (i < svg->len)
            px_buf_printf(b, "%%%02X", (unsigned char)svg->ptr[i]);
        from = i + 1;
    }
    px_buf_puts(b, "\">\n");
}

static void put_details(px_buf *b, const px_doc *doc, const px_doc_rows *rows)
{
    bool is_first = true;
    for (size_t i = 0; i < rows->n; i++) {
        const px_doc_row *row = &rows->at[i];
        const px_exhibit *e = row->func != PX_COMPARE_SIMPLE
                                  ? NULL
                                  : px_exhibit_find(doc->exhibits, row->worst->name,
                                                    row->pair->runner[0], row->pair->runner[1]);
        if (e == NULL || row->n_failed == 0)
            continue;
        if (is_first)
            px_buf_puts(b, "<h2>Where the errors are</h2>\n");
        px_buf_printf(b, "<details%s><summary>", is_first ? " open" : "");
        is_first = false;
        px_doc_put_xml(b, row->worst->name);
        px_buf_puts(b, ": ");
        px_doc_put_errors(b, row);
        px_buf_puts(b, "</summary><div class=\"pictures\">\n");
        put_svg(b, "absolute", e->output, &e->map[0]);
        put_svg(b, "relative", e->output, &e->map[1]);
        px_html_put_hist(b, "absolute errors", &e->hist[0]);
        px_html_put_hist(b, "relative errors", &e->hist[1]);
        px_buf_puts(b, "</div></details>\n");
    }
}

static void put_referee(px_buf *b, const px_referee *referee)
{
    static const struct {
        const char *style, *text;
    } findings[] = {[PX_FINDING_WITHIN] = {"pass", "within its type"},
                    [PX_FINDING_FURTHER] = {"name", "further than expected"},
                    [PX_FINDING_WRONG] = {"fail", "wrong"}};
    if (referee->n == 0)
        return;
    px_buf_puts(b,
                "<h2>Referee: distance to float64</h2>\n<div class=\"wide\"><table><thead><tr>"
                "<th>output</th><th>runner</th><th>finding</th><th class=\"n\">max abs</th>"
                "<th class=\"n\">max rel</th><th class=\"n\">max ULP</th><th class=\"n\">RMS</th>"
                "</tr></thead><tbody>\n");
    for (size_t i = 0; i < referee->n; i++) {
        const px_referee_output *o = &referee->at[i];
        for (size_t r = 0; r < referee->n_runs; r++) {
            const px_distance *d = &o->of[r];
            if (d->count == 0)
                continue;
            px_buf_puts(b, "<tr>");
            put_text_cell(b, "name", o->name);
            put_text_cell(b, "name", referee->runs[r]);
            put_text_cell(b, findings[o->finding[r]].style, findings[o->finding[r]].text);
            put_number_cell(b, d->max_abs, true);
            put_number_cell(b, d->max_rel, true);
            put_number_cell(b, d->max_ulp, d->max_ulp > 0);
            put_number_cell(b, px_distance_rms(d), true);
            px_buf_puts(b, "</tr>\n");
        }
    }
    px_buf_puts(b, "</tbody></table></div>\n");
}

enum { FEW_CAUSES = 8 }; /* shown without a click */

static void put_advice(px_buf *b, const px_doc *doc)
{
    if (doc->n_advice == 0)
        return;
    px_buf options = {0};
    px_advice_print_options(&options, doc->advice, doc->n_advice);
    px_buf_puts(b, "<h2>Tolerances that would pass</h2>\n<pre>");
    px_doc_put_xml(b, px_buf_cstr(&options));
    px_buf_fini(&options);
    px_buf_printf(b,
                  "</pre>\n<details%s><summary>What the errors of %zu output%s look like</summary>"
                  "<ul>\n",
                  doc->n_advice <= FEW_CAUSES ? " open" : "", doc->n_advice,
                  doc->n_advice == 1 ? "" : "s");
    for (size_t i = 0; i < doc->n_advice; i++) {
        px_buf line = {0};
        px_advice_print_cause(&line, &doc->advice[i]);
        px_buf_puts(b, "<li><code>");
        px_doc_put_xml(b, doc->advice[i].output);
        px_buf_puts(b, "</code>: ");
        px_doc_put_xml(b, px_buf_cstr(&line));
        px_buf_puts(b, "</li>\n");
        px_buf_fini(&line);
    }
    px_buf_puts(b, "</ul></details>\n");
}

static void put_runners(px_buf *b, const px_doc *doc)
{
    if (doc->n_runners == 0)
        return;
    px_buf_puts(b, "<h2>Runners</h2>\n<div class=\"wide\"><table><thead><tr><th>runner</th>"
                   "<th class=\"n\">iterations</th><th class=\"n\">mean ms</th>"
                   "<th class=\"n\">median ms</th><th class=\"n\">p99 ms</th>"
                   "<th class=\"n\">min ms</th><th class=\"n\">max ms</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < doc->n_runners; i++) {
        const px_doc_runner *r = &doc->runners[i];
        const bool timed = !r->is_loaded && r->n_iterations > 0;
        px_buf_puts(b, "<tr>");
        px_buf_puts(b, "<td class=\"name\">");
        px_doc_put_xml(b, r->name);
        px_buf_puts(b, r->is_loaded ? " (from a file)</td>" : "</td>");
        put_number_cell(b, (double)r->n_iterations, true);
        put_number_cell(b, r->latency.mean, timed);
        put_number_cell(b, r->latency.median, timed);
        put_number_cell(b, r->latency.p99, timed);
        put_number_cell(b, r->latency.min, timed);
        put_number_cell(b, r->latency.max, timed);
        px_buf_puts(b, "</tr>\n");
    }
    px_buf_puts(b, "</tbody></table></div>\n");
}

pgy_status *px_doc_put_html(const px_doc *doc, const px_doc_rows *rows, px_buf *out)
{
    put_head(out, doc, rows);
    px_html_put_curve(out, rows);
    if (rows->n > 0)
        put_outputs(out, rows);
    put_details(out, doc, rows);
    put_referee(out, doc->referee);
    put_advice(out, doc);
    put_runners(out, doc);
    px_buf_puts(out, "<h2>Reproduce</h2>\n<pre>");
    px_doc_put_xml(out, doc->command);
    px_buf_printf(out, "</pre>\n<p class=\"dim\">polygraphy %s, ", PX_VERSION);
    px_doc_put_xml(out, doc->host);
    px_buf_printf(out, "</p>\n<script>\n%s</script>\n</body>\n</html>\n", px_html_script);
    return px_buf_status(out);
}
