/* report/doc/html_chart.c - drawings of the page, as SVG that follows its colours. */
#include "base/fmt.h"
#include "report/doc/html.h"

#include <math.h>

enum { WIDTH = 1120, HEIGHT = 300, LEFT = 70, RIGHT = 15, TOP = 25, BOTTOM = 60 };

static void put_coord(px_buf *b, double v)
{
    px_fmt_f(b, v, 1);
}

/* Decades that hold all errors above zero; false when there are none. */
static bool decades(const px_doc_rows *rows, size_t n, int *out_low, int *out_high)
{
    double low = INFINITY, high = 0;
    for (size_t i = 0; i < n; i++) {
        const double error = px_doc_error(rows->at[i].worst);
        if (isfinite(error) && error > 0) {
            low = fmin(low, error);
            high = fmax(high, error);
        }
    }
    if (high == 0)
        return false;
    *out_low = (int)floor(log10(low));
    *out_high = (int)ceil(log10(high));
    if (*out_low == *out_high)
        ++*out_high;
    return true;
}

/* Zero lies on the axis; NaN and infinity at the top. */
static double y_of(double error, int low, int high)
{
    double at = error > 0 ? (log10(error) - low) / (high - low) : 0;
    if (!isfinite(error))
        at = 1;
    return HEIGHT - BOTTOM - at * (HEIGHT - TOP - BOTTOM);
}

static double x_of(size_t i, size_t n)
{
    return LEFT + (double)i / (double)(n - 1) * (WIDTH - LEFT - RIGHT);
}

static void put_axes(px_buf *b, int low, int high)
{
    const int step = PX_MAX(1, (high - low + 7) / 8);
    for (int d = low; d <= high; d += step) {
        const double y = y_of(pow(10, d), low, high);
        px_buf_printf(b, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"", LEFT, WIDTH - RIGHT);
        put_coord(b, y);
        px_buf_puts(b, "\" y2=\"");
        put_coord(b, y);
        px_buf_printf(b, "\"/><text class=\"dim\" text-anchor=\"end\" x=\"%d\" y=\"", LEFT - 8);
        put_coord(b, y + 4);
        px_buf_printf(b, "\">1e%d</text>\n", d);
    }
    px_buf_printf(b,
                  "<text class=\"dim\" x=\"%d\" y=\"%d\">largest absolute error over the largest "
                  "magnitude</text>\n",
                  LEFT, TOP - 10);
}

/* ", #12 Conv 'conv1'" */
static void put_layer(px_buf *b, const px_layer *layer)
{
    px_buf text = {0};
    if (layer == NULL)
        return;
    px_doc_put_layer(&text, layer);
    px_buf_puts(b, ", ");
    px_doc_put_xml(b, px_buf_cstr(&text));
    b->failed |= text.failed;
    px_buf_fini(&text);
}

static void put_point(px_buf *b, const px_doc_row *row, double x, double y)
{
    px_buf_printf(b, "<circle class=\"%s\" r=\"3\" cx=\"", row->n_failed ? "bad" : "ok");
    put_coord(b, x);
    px_buf_puts(b, "\" cy=\"");
    put_coord(b, y);
    px_buf_puts(b, "\"><title>");
    px_doc_put_xml(b, row->worst->name);
    put_layer(b, row->layer);
    px_buf_puts(b, ": ");
    px_doc_put_errors(b, row);
    px_buf_puts(b, "</title></circle>\n");
}

/* A dashed line with the name of the first output that fails, or that has NaN or infinity. */
static void put_first(px_buf *b, const char *id, const char *what, int line, const px_doc_row *row,
                      double x)
{
    const bool at_right = x > WIDTH / 2.0;
    px_buf_printf(b, "<line class=\"first\" id=\"%s\" x1=\"", id);
    put_coord(b, x);
    px_buf_puts(b, "\" x2=\"");
    put_coord(b, x);
    px_buf_printf(b, "\" y1=\"%d\" y2=\"%d\"/><text text-anchor=\"%s\" y=\"%d\" x=\"", TOP,
                  HEIGHT - BOTTOM, at_right ? "end" : "start", HEIGHT - BOTTOM + 18 + 16 * line);
    put_coord(b, x);
    px_buf_printf(b, "\">%s: ", what);
    px_doc_put_xml(b, row->worst->name);
    put_layer(b, row->layer);
    px_buf_puts(b, "</text>\n");
}

/* Rows that the curve shows: of the first pair, under `simple`; layers, where they are known. */
static size_t n_points(const px_doc_rows *rows)
{
    size_t n = 0;
    const bool has_layers = rows->n > 0 && rows->at[0].layer != NULL;
    while (n < rows->n && rows->at[n].pair == rows->at[0].pair &&
           rows->at[n].func == PX_COMPARE_SIMPLE && (!has_layers || rows->at[n].layer != NULL))
        n++;
    return n;
}

static bool has_bad(const px_doc_row *row)
{
    const px_stats *a = &row->worst->stats.of[PX_OF_A], *b = &row->worst->stats.of[PX_OF_B];
    if (row->layer != NULL)
        return row->layer->of[0].n_nan + row->layer->of[0].n_inf + row->layer->of[1].n_nan +
                   row->layer->of[1].n_inf >
               0;
    return !row->worst->bare && a->n_nan + a->n_inf + b->n_nan + b->n_inf > 0;
}

/* Where the outputs begin to differ, and to have NaN or infinity. */
static void put_firsts(px_buf *b, const px_doc_rows *rows, size_t n)
{
    size_t failed = 0, bad = 0;
    while (failed < n && rows->at[failed].n_failed == 0)
        failed++;
    while (bad < n && !has_bad(&rows->at[bad]))
        bad++;
    if (failed < n)
        put_first(b, "first-divergence", "first divergence", 1, &rows->at[failed], x_of(failed, n));
    if (bad < n)
        put_first(b, "first-nan", "first NaN or infinity", 2, &rows->at[bad], x_of(bad, n));
}

void px_html_put_curve(px_buf *b, const px_doc_rows *rows)
{
    const size_t n = n_points(rows);
    int low, high;
    if (n < 3 || !decades(rows, n, &low, &high))
        return;
    px_buf_printf(
        b,
        "<h2>Error along the graph</h2>\n<div class=\"wide\"><svg id=\"curve\" role=\"img\" "
        "aria-label=\"Error of each output, in order\" viewBox=\"0 0 %d %d\" "
        "width=\"100%%\">\n",
        WIDTH, HEIGHT);
    put_axes(b, low, high);
    px_buf_puts(b, "<polyline class=\"curve\" points=\"");
    for (size_t i = 0; i < n; i++) {
        const double error = px_doc_error(rows->at[i].worst);
        if (isnan(error))
            continue;
        put_coord(b, x_of(i, n));
        px_buf_putc(b, ',');
        put_coord(b, y_of(error, low, high));
        px_buf_putc(b, ' ');
    }
    px_buf_puts(b, "\"/>\n");
    for (size_t i = 0; i < n; i++) {
        const px_doc_row *row = &rows->at[i];
        put_point(b, row, x_of(i, n), y_of(px_doc_error(row->worst), low, high));
    }
    px_buf_printf(b,
                  "<text class=\"dim\" text-anchor=\"end\" x=\"%d\" y=\"%d\">%zu outputs, in order"
                  "</text>\n",
                  WIDTH - RIGHT, HEIGHT - BOTTOM + 18, n);
    put_firsts(b, rows, n);
    px_buf_puts(b, "</svg></div>\n");
}

void px_html_put_hist(px_buf *b, const char *title, const px_hist *hist)
{
    enum { BAR = 18, LABEL = 190, LONGEST = 240 };
    int64_t most = 0;
    if (hist->state != PX_HIST_OK)
        return;
    for (int i = 0; i < PX_HIST_BINS; i++)
        most = PX_MAX(most, hist->counts[i]);
    px_buf_printf(b,
                  "<figure><figcaption>%s</figcaption><svg role=\"img\" aria-label=\"Histogram of "
                  "%s\" viewBox=\"0 0 %d %d\" width=\"%d\">",
                  title, title, LABEL + LONGEST + 90, BAR * PX_HIST_BINS, LABEL + LONGEST + 90);
    for (int i = 0; i < PX_HIST_BINS; i++) {
        const double width = most > 0 ? (double)hist->counts[i] / (double)most * LONGEST : 0;
        px_buf_printf(b, "<text class=\"dim\" text-anchor=\"end\" x=\"%d\" y=\"%d\">", LABEL - 8,
                      BAR * i + 13);
        px_fmt_g(b, hist->edges[i], 3);
        px_buf_puts(b, " to ");
        px_fmt_g(b, hist->edges[i + 1], 3);
        px_buf_printf(b, "</text><rect class=\"bar\" x=\"%d\" y=\"%d\" height=\"%d\" width=\"",
                      LABEL, BAR * i + 3, BAR - 6);
        put_coord(b, hist->counts[i] > 0 ? fmax(width, 1) : 0);
        px_buf_puts(b, "\"/><text x=\"");
        put_coord(b, LABEL + width + 6);
        px_buf_printf(b, "\" y=\"%d\">%lld</text>", BAR * i + 13, (long long)hist->counts[i]);
    }
    px_buf_puts(b, "</svg></figure>\n");
}
