/* report/error_plot_draw.c - the plot on a page; see error_plot.h. */
#include "report/error_plot.h"

#include "report/font.h"

#include <math.h>

/* All in pixels. */
enum {
    PANEL_X = 344,
    PANEL_Y = 260,
    BAND = 12, /* the zeros' band */
    BAND_GAP = 6,
    LEFT = 86, /* of a panel: axis name, labels */
    TOP = 102,
    BOTTOM = 92,
    BETWEEN = 104, /* panels */
    RIGHT = 28,
    TEXT = 12,
    TITLE = 16,
    LINES = 3
};

static const px_text_style plain = {.size = TEXT, .color = PX_RGB_TEXT};
static const px_text_style faint = {.size = TEXT, .color = PX_RGB_FAINT};

static const struct {
    double q;
    const char *name;
    px_rgb color;
} quantiles[LINES] = {{0.5, "median", 0x1b9e4b}, {0.9, "90 %", 0xe08a00}, {0.99, "99 %", 0xd62246}};

#define TOLERANCE_RGB 0x7a1fa2u

/* Where a panel's parts are; (left, top) is the density's corner. */
typedef struct page {
    px_canvas *c;
    const px_error_plot *plot;
    const px_error_panel *panel;
    int which;
    double left, top;
} page;

static double x_of(const page *p, double reference)
{
    return p->left + PANEL_X * px_scale_at(&p->plot->x, reference);
}

static double y_of(const page *p, double error)
{
    return error == 0 ? p->top + PANEL_Y + BAND_GAP + BAND / 2.0
                      : p->top + PANEL_Y * (1 - px_scale_at(&p->panel->y, error));
}

/* ---- density ---- */

static px_rgb density_color(const page *p, const px_rgb *colors, uint64_t count)
{
    if (count == 0)
        return PX_RGB_PAPER;
    const double most = log((double)p->panel->most + 1);
    return colors[(int)(log((double)count + 1) / most * (PX_COLORMAP_STEPS - 1))];
}

/* Cells [row0, row1] x [col0, col1] of the counts, rows upwards, over a rectangle. */
static void draw_counts(const page *p, px_rgb *pixels, const int rows[2], const int cols[2],
                        double x, double y, double width, double height)
{
    px_rgb colors[PX_COLORMAP_STEPS];
    const int n_x = cols[1] - cols[0] + 1, n_y = rows[1] - rows[0] + 1;
    px_colormap_fill(PX_COLORMAP_INK, colors);
    for (int r = 0; r < n_y; r++)
        for (int c = 0; c < n_x; c++)
            pixels[r * n_x + c] =
                density_color(p, colors,
                              p->panel->counts[(size_t)(rows[1] - r) * (size_t)(p->plot->n_x + 1) +
                                               (size_t)(cols[0] + c)]);
    px_canvas_image(p->c, x, y, width, height, pixels, n_x, n_y);
    px_canvas_frame(p->c, x, y, width, height, 0x9a9a9au);
}

static pgy_status *draw_density(const page *p)
{
    pgy_status *st = NULL;
    const int n_x = p->plot->n_x, n_y = p->plot->n_y;
    px_rgb *pixels = NULL;
    PX_TRY(PX_ALLOC(pixels, (size_t)(n_x + 1) * (size_t)(n_y + 1)));
    draw_counts(p, pixels, (int[2]){1, n_y}, (int[2]){1, n_x}, p->left, p->top, PANEL_X, PANEL_Y);
    const double band_x = p->left - BAND_GAP - BAND, band_y = p->top + PANEL_Y + BAND_GAP;
    draw_counts(p, pixels, (int[2]){0, 0}, (int[2]){1, n_x}, p->left, band_y, PANEL_X, BAND);
    draw_counts(p, pixels, (int[2]){1, n_y}, (int[2]){0, 0}, band_x, p->top, BAND, PANEL_Y);
    draw_counts(p, pixels, (int[2]){0, 0}, (int[2]){0, 0}, band_x, band_y, BAND, BAND);
done:
    px_mem_free(pixels);
    return st;
}

/* ---- axes ---- */

static void draw_axes(const page *p)
{
    px_tick ticks[PX_MAX_TICKS];
    px_text_style style = plain;
    const double foot = p->top + PANEL_Y + BAND_GAP + BAND;
    const double label_x = p->left - BAND_GAP - BAND;
    int n = px_scale_ticks(&p->plot->x, 6, ticks);
    style.anchor = PX_ANCHOR_MIDDLE;
    for (int i = 0; i < n; i++) {
        const double x = x_of(p, ticks[i].value);
        const bool is_low_end = i == 0 && p->plot->x.is_cut;
        /* The zero's label stands at the left. */
        style.anchor = is_low_end ? PX_ANCHOR_START : PX_ANCHOR_MIDDLE;
        if (!is_low_end &&
            x - px_font_width(px_str_of(ticks[i].label), TEXT) / 2 < label_x + BAND + 4)
            continue;
        px_canvas_line(p->c, x, foot + 1, x, foot + 5, PX_RGB_FAINT);
        px_canvas_text(p->c, x, foot + 18, &style, px_str_of(ticks[i].label));
    }
    style.anchor = PX_ANCHOR_MIDDLE;
    px_canvas_text(p->c, label_x + BAND / 2.0, foot + 18, &style, PX_STR("0"));
    style.anchor = PX_ANCHOR_END;
    n = p->panel->has_errors ? px_scale_ticks(&p->panel->y, 9, ticks) : 0;
    for (int i = 0; i < n; i++) {
        const double y = y_of(p, ticks[i].value);
        const bool is_low_end = i == 0 && p->panel->y.is_cut;
        if (!is_low_end && n > 1 && p->top + PANEL_Y - y < TEXT / 2) /* would touch the zero's */
            continue;
        px_canvas_line(p->c, label_x - 5, y, label_x - 1, y, PX_RGB_FAINT);
        px_canvas_text(p->c, label_x - 7, y + (is_low_end ? 0 : 4), &style,
                       px_str_of(ticks[i].label));
    }
    px_canvas_text(p->c, label_x - 7, foot - BAND / 2.0 + 4, &style, PX_STR("0"));
    style = faint;
    style.anchor = PX_ANCHOR_MIDDLE;
    px_canvas_text(p->c, p->left + PANEL_X / 2.0, foot + 36, &style,
                   PX_STR("size of the reference value"));
    px_text_style name = {.size = 13, .color = PX_RGB_TEXT, .bold = true};
    px_canvas_text(p->c, p->left, p->top - 8, &name,
                   p->which == 0 ? PX_STR("Absolute error") : PX_STR("Relative error"));
}

/* ---- lines ---- */

static pgy_status *draw_quantiles(const page *p)
{
    pgy_status *st = NULL;
    double(*at)[2] = NULL;
    const int n = p->plot->n_x;
    PX_TRY(PX_ALLOC(at, (size_t)n));
    for (int k = 0; k < LINES; k++) {
        for (int c = 1; c <= n; c++) {
            const double v = px_error_plot_quantile(p->plot, p->which, c, quantiles[k].q);
            at[c - 1][0] = p->left + PANEL_X * (c - 0.5) / n;
            at[c - 1][1] = isnan(v) ? NAN : y_of(p, v);
        }
        px_canvas_polyline(p->c, at, (size_t)n, 1.8, 0, quantiles[k].color);
    }
done:
    px_mem_free(at);
    return st;
}

static void draw_tolerance(const page *p)
{
    const double t = p->panel->tolerance;
    if (!p->panel->has_errors || !(t > 0))
        return;
    const double y = px_scale_at(&p->panel->y, t);
    px_text_style style = {.size = TEXT, .color = TOLERANCE_RGB, .anchor = PX_ANCHOR_END};
    char number[24];
    px_buf text = {0};
    px_number_label(t, 4, number, sizeof number);
    px_buf_printf(&text, "%s %s%s", p->which == 0 ? "atol" : "rtol", number,
                  y > 1   ? " (above all)"
                  : y < 0 ? " (below all)"
                          : "");
    px_canvas_text(p->c, p->left + PANEL_X, p->top - 8, &style, px_buf_str(&text));
    if (y >= 0 && y <= 1) {
        const double at[2][2] = {{p->left, y_of(p, t)}, {p->left + PANEL_X, y_of(p, t)}};
        px_canvas_polyline(p->c, at, 2, 1.5, 5, TOLERANCE_RGB);
    }
    px_buf_fini(&text);
}

/* What an empty panel means. */
static void draw_no_errors(const page *p)
{
    px_text_style style = faint;
    style.anchor = PX_ANCHOR_MIDDLE;
    px_canvas_text(p->c, p->left + PANEL_X / 2.0, p->top + PANEL_Y / 2.0, &style,
                   p->plot->n_zero > 0 ? PX_STR("no error above zero")
                                       : PX_STR("nothing is finite"));
}

/* ---- the page ---- */

static void draw_legend(const page *p, double y)
{
    double x = 20;
    char number[24];
    for (int k = 0; k < LINES; k++) {
        const double at[2][2] = {{x, y - 4}, {x + 22, y - 4}};
        px_canvas_polyline(p->c, at, 2, 2.5, 0, quantiles[k].color);
        px_canvas_text(p->c, x + 27, y, &plain, px_str_of(quantiles[k].name));
        x += 27 + px_font_width(px_str_of(quantiles[k].name), TEXT) + 18;
    }
    const double at[2][2] = {{x, y - 4}, {x + 22, y - 4}};
    px_canvas_polyline(p->c, at, 2, 1.5, 5, TOLERANCE_RGB);
    px_canvas_text(p->c, x + 27, y, &plain, PX_STR("tolerance"));
    x += 27 + px_font_width(PX_STR("tolerance"), TEXT) + 30;
    px_rgb colors[PX_COLORMAP_STEPS];
    px_colormap_fill(PX_COLORMAP_INK, colors);
    const uint64_t most = PX_MAX(p->plot->panel[0].most, p->plot->panel[1].most);
    px_canvas_text(p->c, x, y, &plain, PX_STR("elements in a cell: 1"));
    x += px_font_width(PX_STR("elements in a cell: 1"), TEXT) + 6;
    px_canvas_image(p->c, x, y - 9, 90, 10, colors, PX_COLORMAP_STEPS, 1);
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)most);
    px_canvas_text(p->c, x + 96, y, &plain, px_str_of(number));
}

static void draw_title(const page *p, const px_caption *caption, double width)
{
    const px_text_style title = {.size = TITLE, .color = PX_RGB_TEXT, .bold = true};
    px_buf text = {0}, cut = {0};
    px_buf_printf(&text, "Errors by size of the reference | %s", caption->output);
    px_text_fit(&cut, px_buf_str(&text), TITLE, width - 32);
    px_canvas_text(p->c, 20, 26, &title, px_buf_str(&cut));
    text.len = cut.len = 0;
    px_shape_print(&text, p->plot->rank, p->plot->dims);
    if (caption->runner[0] != NULL && caption->runner[1] != NULL)
        px_buf_printf(&text, ", %s vs. %s (the reference)", caption->runner[0], caption->runner[1]);
    px_text_fit(&cut, px_buf_str(&text), TEXT, width - 32);
    px_canvas_text(p->c, 20, 44, &faint, px_buf_str(&cut));
    text.len = 0;
    px_error_plot_put_numbers(p->plot, &text);
    px_canvas_text(p->c, 20, 61, &plain, px_buf_str(&text));
    px_buf_fini(&text);
    px_buf_fini(&cut);
}

pgy_status *px_error_plot_render(const px_error_plot *plot, const px_caption *caption,
                                 px_picture_format format, double scale, px_buf *out)
{
    pgy_status *st = NULL;
    const double width = LEFT + 2 * PANEL_X + BETWEEN + RIGHT;
    const double height = TOP + PANEL_Y + BAND_GAP + BAND + BOTTOM;
    page p = {.plot = plot, .top = TOP};
    PX_TRY(px_canvas_new(format, width, height, scale, &p.c));
    draw_title(&p, caption, width);
    for (p.which = 0; p.which < 2; p.which++) {
        p.panel = &plot->panel[p.which];
        p.left = LEFT + p.which * (PANEL_X + BETWEEN);
        PX_TRY(draw_density(&p));
        draw_tolerance(&p);
        if (!p.panel->has_errors)
            draw_no_errors(&p);
        PX_TRY(draw_quantiles(&p));
        draw_axes(&p);
    }
    draw_legend(&p, height - 16);
    PX_TRY(px_canvas_finish(p.c, out));
done:
    px_canvas_free(p.c);
    return st;
}
