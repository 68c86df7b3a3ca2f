/* report/doc/junit.c - JUnit XML: a suite for each pair of runners, a case for each output. */
#include "base/fmt.h"
#include "report/doc/rows.h"

static void put_case(px_buf *b, const px_doc_row *row)
{
    px_buf detail = {0};
    px_buf_puts(b, "    <testcase classname=\"");
    px_doc_put_xml(b, row->pair->runner[0]);
    px_buf_puts(b, " vs ");
    px_doc_put_xml(b, row->pair->runner[1]);
    px_buf_puts(b, "\" name=\"");
    px_doc_put_xml(b, row->worst->name);
    px_buf_printf(b, " [%s]\" time=\"0\"", px_compare_func_name(row->func));
    if (row->n_failed == 0) {
        px_buf_puts(b, "/>\n");
        return;
    }
    px_doc_put_errors(&detail, row);
    px_buf_puts(b, ">\n      <failure type=\"mismatch\" message=\"");
    px_doc_put_xml(b, px_buf_cstr(&detail));
    px_buf_printf(b, "\">%zu of %zu iterations failed, iteration %zu most: ", row->n_failed,
                  row->n_iterations, row->worst_iteration);
    px_doc_put_xml(b, px_buf_cstr(&detail));
    px_buf_puts(b, "</failure>\n    </testcase>\n");
    px_buf_fini(&detail);
}

static void put_counts(px_buf *b, const px_doc_rows *rows, size_t first, size_t end, double seconds)
{
    size_t failed = 0;
    for (size_t i = first; i < end; i++)
        failed += rows->at[i].n_failed > 0;
    px_buf_printf(b, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\" time=\"",
                  end - first, failed);
    px_fmt_f(b, seconds, 3);
    px_buf_puts(b, "\"");
}

/* Iterations bring no pairs where nothing was compared; --validate is a suite of its own. */
static void put_validation(px_buf *b, const px_doc *doc)
{
    px_buf_printf(b,
                  "  <testsuite name=\"validation\" tests=\"1\" failures=\"%d\" errors=\"0\" "
                  "skipped=\"0\" time=\"0\">\n"
                  "    <testcase classname=\"validation\" name=\"no NaN, no infinity\" time=\"0\"",
                  !doc->is_valid);
    px_buf_puts(b, doc->is_valid ? "/>\n"
                                 : ">\n      <failure type=\"validation\" message=\"outputs hold "
                                   "NaN or infinity\"/>\n    </testcase>\n");
    px_buf_puts(b, "  </testsuite>\n");
}

pgy_status *px_doc_put_junit(const px_doc *doc, const px_doc_rows *rows, px_buf *out)
{
    const size_t extra = doc->is_validated, extra_failed = doc->is_validated && !doc->is_valid;
    px_buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"polygraphy\"");
    px_buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"", rows->n + extra,
                  rows->n_failed + extra_failed);
    px_fmt_f(out, doc->seconds, 3);
    px_buf_puts(out, "\">\n");
    for (size_t first = 0, end; first < rows->n; first = end) {
        const px_pair_result *pair = rows->at[first].pair;
        for (end = first; end < rows->n && rows->at[end].pair == pair; end++)
            ;
        px_buf_puts(out, "  <testsuite name=\"");
        px_doc_put_xml(out, pair->runner[0]);
        px_buf_puts(out, " vs ");
        px_doc_put_xml(out, pair->runner[1]);
        px_buf_putc(out, '"');
        put_counts(out, rows, first, end, doc->seconds);
        px_buf_puts(out, ">\n");
        for (size_t i = first; i < end; i++)
            put_case(out, &rows->at[i]);
        px_buf_puts(out, "  </testsuite>\n");
    }
    if (doc->is_validated)
        put_validation(out, doc);
    px_buf_puts(out, "</testsuites>\n");
    return px_buf_status(out);
}
