/* report/doc/markdown.c - a summary for a pull request. */
#include "base/fmt.h"
#include "report/doc/rows.h"

enum { MAX_ROWS = 50 };

/* Text in a table cell. */
static void put_cell(px_buf *b, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '|' || *c == '`' || *c == '\\')
            px_buf_putc(b, '\\');
        px_buf_putc(b, *c == '\n' || *c == '\r' ? ' ' : *c);
    }
}

/* Text of several lines or with backquotes, as a block. */
static void put_block(px_buf *b, const char *text)
{
    px_buf_puts(b, "```\n");
    for (const char *c = text; *c; c++)
        px_buf_putc(b, *c == '`' ? '\'' : *c);
    px_buf_puts(b, "\n```\n");
}

static void put_row(px_buf *b, const px_doc_row *row)
{
    px_buf detail = {0};
    px_buf_puts(b, row->n_failed ? "| **FAILED** | " : "| passed | ");
    put_cell(b, row->worst->name);
    px_buf_puts(b, " | ");
    put_cell(b, row->pair->runner[0]);
    px_buf_puts(b, " vs. ");
    put_cell(b, row->pair->runner[1]);
    px_buf_puts(b, " | ");
    px_doc_put_errors(&detail, row);
    put_cell(b, px_buf_cstr(&detail));
    px_buf_printf(b, " | %zu/%zu |\n", row->n_iterations - row->n_failed, row->n_iterations);
    px_buf_fini(&detail);
}

static void put_rows(px_buf *b, const px_doc_rows *rows)
{
    size_t n = 0;
    px_buf_puts(b, "| verdict | output | runners | worst iteration | passed |\n"
                   "|---|---|---|---|---|\n");
    for (int failed = 1; failed >= 0; failed--) {
        for (size_t i = 0; i < rows->n; i++) {
            if ((rows->at[i].n_failed > 0) == (failed == 1) && n++ < MAX_ROWS)
                put_row(b, &rows->at[i]);
        }
    }
    if (n > MAX_ROWS)
        px_buf_printf(b, "\n%zu more rows are left out.\n", n - MAX_ROWS);
}

static void put_runners(px_buf *b, const px_doc *doc)
{
    px_buf_puts(b, "\n| runner | iterations | mean | median | p99 |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < doc->n_runners; i++) {
        const px_doc_runner *r = &doc->runners[i];
        const double times[] = {r->latency.mean, r->latency.median, r->latency.p99};
        px_buf_puts(b, "| ");
        put_cell(b, r->name);
        px_buf_printf(b, " | %zu", r->n_iterations);
        for (size_t k = 0; k < PX_COUNTOF(times); k++) {
            px_buf_puts(b, " | ");
            if (r->is_loaded) {
                px_buf_puts(b, "from file");
                continue;
            }
            px_fmt_g(b, times[k], 4);
            px_buf_puts(b, " ms");
        }
        px_buf_puts(b, " |\n");
    }
}

pgy_status *px_doc_put_markdown(const px_doc *doc, const px_doc_rows *rows, px_buf *out)
{
    px_buf_puts(out, doc->passed ? "## Comparison passed: " : "## Comparison FAILED: ");
    px_doc_put_verdict(out, doc, rows);
    px_buf_puts(out, "\n\n");
    if (rows->n > 0)
        put_rows(out, rows);
    if (doc->n_runners > 0)
        put_runners(out, doc);
    px_buf finding = {0};
    for (size_t i = 0; px_doc_put_finding(&finding, doc->referee, i); i++, finding.len = 0) {
        px_buf_puts(out, i == 0 ? "\n**Referee.** " : " ");
        put_cell(out, px_buf_cstr(&finding));
    }
    px_buf_fini(&finding);
    for (size_t i = 0; i < doc->n_advice; i++) {
        px_buf line = {0};
        px_advice_print_cause(&line, &doc->advice[i]);
        px_buf_puts(out, "\n\n**Tolerances** for ");
        put_cell(out, doc->advice[i].output);
        px_buf_puts(out, ": ");
        put_cell(out, px_buf_cstr(&line));
        px_buf_fini(&line);
    }
    px_buf_puts(out, "\n\nReproduce:\n\n");
    put_block(out, doc->command);
    px_buf_printf(out, "\npolygraphy %s, %s, %s\n", PX_VERSION, doc->date, doc->host);
    return px_buf_status(out);
}
