/* report/heatmap_draw.c - a heat map on a page: title, tiles, axes, scale; see heatmap.h. */
#include "report/heatmap.h"

#include "report/font.h"

#include <math.h>

/* All in pixels. */
enum {
    LEFT = 76,
    RIGHT = 104,
    TOP = 78,
    BOTTOM = 70,
    BAR = 16,       /* width of the colour scale */
    BAR_GAP = 22,   /* between the tiles and it */
    MIN_PAGE = 600, /* room for the title */
    MIN_BAR = 120,
    MIN_SEEN = 3, /* a cell narrower than this wants a ring to be found */
    TEXT = 12,
    TITLE = 16
};

#define PI 3.14159265358979323846

static const px_text_style plain = {.size = TEXT, .color = PX_RGB_TEXT};
static const px_text_style faint = {.size = TEXT, .color = PX_RGB_FAINT};

/* ---- words ---- */

const char *px_heatmap_title(const px_heatmap *map)
{
    return map->which == PX_OF_ABS ? "Absolute error" : "Relative error";
}

static void put_index(px_buf *out, const px_tiles *t, int64_t flat)
{
    int64_t at[PX_MAX_RANK];
    for (int i = t->rank - 1; i >= 0; i--) {
        at[i] = flat % t->dims[i];
        flat /= t->dims[i];
    }
    px_shape_print(out, t->rank, at);
}

static void put_number(px_buf *out, const char *name, double v)
{
    char text[32];
    px_number_label(v, 5, text, sizeof text);
    px_buf_printf(out, "%s %s", name, text);
}

void px_heatmap_put_numbers(const px_heatmap *map, px_buf *out)
{
    const px_stats *s = &map->stats;
    put_number(out, "min", s->min);
    put_number(out, ", mean", s->mean);
    put_number(out, ", max", s->max);
    px_buf_puts(out, " at ");
    put_index(out, &map->tiles, s->argmax);
    if (s->n_nan > 0)
        px_buf_printf(out, ", %lld NaN", (long long)s->n_nan);
    if (s->n_inf > 0)
        px_buf_printf(out, ", %lld infinite", (long long)s->n_inf);
    if ((s->n_nan > 0 || s->n_inf > 0) && !map->all_zero)
        put_number(out, ", largest finite", map->scale.high);
}

void px_heatmap_put_layout(const px_heatmap *map, px_buf *out)
{
    const px_tiles *t = &map->tiles;
    switch (t->view) {
    case PX_VIEW_FOLDED:
        if (t->count == 1)
            px_buf_puts(out, "one element");
        else if (t->height > 1)
            px_buf_printf(out, "one dimension, folded into rows of %lld", (long long)t->width);
        else
            px_buf_puts(out, "one dimension");
        break;
    case PX_VIEW_ROWS:
        px_buf_printf(out, "each row is one %lld \u00d7 %lld slice, dimensions %d and %d",
                      (long long)t->dims[t->rank - 2], (long long)t->dims[t->rank - 1], t->rank - 2,
                      t->rank - 1);
        break;
    case PX_VIEW_TILES:
        if (t->n > 1) {
            px_buf_printf(out, "%lld tiles, from (", (long long)t->n);
            px_tiles_put_index(t, 0, out);
            px_buf_puts(out, ", :, :) to (");
            px_tiles_put_index(t, t->n - 1, out);
            px_buf_puts(out, ", :, :)");
        }
        break;
    }
}

void px_heatmap_put_reduction(const px_heatmap *map, px_buf *out)
{
    const px_tiles *t = &map->tiles;
    if (t->cells_x < t->width || t->cells_y < t->height)
        px_buf_printf(out,
                      "%lld \u00d7 %lld elements shown as %d \u00d7 %d cells, each their maximum",
                      (long long)t->height, (long long)t->width, t->cells_y, t->cells_x);
}

/* ---- axes ---- */

typedef struct page {
    px_canvas *c;
    const px_heatmap *map;
    double width, height, left, top;
} page;

static void put_int(const page *p, double x, double y, px_anchor anchor, int64_t v)
{
    char text[24];
    const px_text_style style = {.size = TEXT, .color = PX_RGB_TEXT, .anchor = anchor};
    const int n = snprintf(text, sizeof text, "%lld", (long long)v);
    px_canvas_text(p->c, x, y, &style, (px_str){text, (size_t)n});
}

/* Widest label of an axis of n elements. */
static double label_width(int64_t n)
{
    char text[24];
    const int len = snprintf(text, sizeof text, "%lld", (long long)(n - 1));
    return px_font_width((px_str){text, (size_t)len}, TEXT);
}

/* Whether a number in the middle of x would touch the first one of the next column's tile. */
static bool touches_next(const page *p, int column, double x, int64_t v)
{
    const px_tiles *t = &p->map->tiles;
    const double next = p->left + (column + 1) * (t->tile_x + t->gap_x);
    return column + 1 < t->columns &&
           x + label_width(v + 1) / 2 + 4 >
               next + t->tile_x * 0.5 / (double)t->width - label_width(1) / 2;
}

/* Indices under the lowest tile of each column; the middle of an element's cells is its place. */
static void draw_x_axis(const page *p)
{
    const px_tiles *t = &p->map->tiles;
    const double room = label_width(t->width) + 14;
    const int last_column = (int)((t->n - 1) % t->columns);
    const bool crowded = t->tile_x < room;
    for (int column = 0; column < (crowded ? 1 : t->columns); column++) {
        const int row = column > last_column ? t->rows - 2 : t->rows - 1;
        const double x0 = p->left + column * (t->tile_x + t->gap_x);
        const double y = p->top + row * (t->tile_y + t->gap_y) + t->tile_y;
        int64_t at[PX_MAX_TICKS];
        const int n = px_index_ticks(t->width, crowded ? 1 : (int)(t->tile_x / room), at);
        for (int i = 0; i < n; i++) {
            const double x = x0 + ((double)at[i] + 0.5) * t->tile_x / (double)t->width;
            if (!crowded && touches_next(p, column, x, at[i]))
                continue;
            px_canvas_line(p->c, x, y + 1, x, y + 5, PX_RGB_FAINT);
            put_int(p, x, y + 18, PX_ANCHOR_MIDDLE, at[i]);
        }
    }
}

static void draw_y_axis(const page *p)
{
    const px_tiles *t = &p->map->tiles;
    const bool folded = t->view == PX_VIEW_FOLDED;
    const bool crowded = t->tile_y < 16;
    for (int row = 0; row < (crowded ? 1 : t->rows); row++) {
        const double y0 = p->top + row * (t->tile_y + t->gap_y);
        int64_t at[PX_MAX_TICKS];
        const int n = px_index_ticks(t->height, crowded ? 1 : PX_MAX(1, t->tile_y / 24), at);
        for (int i = 0; i < n; i++) {
            const double y = y0 + ((double)at[i] + 0.5) * t->tile_y / (double)t->height;
            px_canvas_line(p->c, p->left - 5, y, p->left - 1, y, PX_RGB_FAINT);
            put_int(p, p->left - 7, y + 4, PX_ANCHOR_END, folded ? at[i] * t->width : at[i]);
        }
    }
}

static void put_dimension(px_buf *b, int i)
{
    px_buf_printf(b, "dimension %d", i);
}

static void draw_axis_names(const page *p)
{
    const px_tiles *t = &p->map->tiles;
    px_buf x = {0}, y = {0};
    if (t->view == PX_VIEW_ROWS) {
        px_buf_printf(&x, "index within the slice");
        px_buf_printf(&y, "slice");
    } else if (t->view == PX_VIEW_FOLDED) {
        int the_one = PX_MAX(t->rank - 1, 0);
        for (int i = 0; i < t->rank; i++)
            the_one = t->dims[i] > 1 ? i : the_one;
        if (t->count > 1)
            put_dimension(&x, the_one);
        if (t->height > 1)
            px_buf_puts(&y, "row begins at");
    } else {
        put_dimension(&x, t->rank - 1);
        put_dimension(&y, t->rank - 2);
    }
    px_text_style style = faint;
    style.anchor = PX_ANCHOR_MIDDLE;
    px_canvas_text(p->c, p->left + t->size_x / 2.0, p->top + t->size_y + 36, &style,
                   px_buf_str(&x));
    style.upwards = true;
    /* A name longer than the axis would run into the title. */
    if (px_font_width(px_buf_str(&y), TEXT) <= PX_MAX(t->size_y, MIN_BAR))
        px_canvas_text(p->c, 20, p->top + t->size_y / 2.0, &style, px_buf_str(&y));
    px_buf_fini(&x);
    px_buf_fini(&y);
}

/* ---- scale and legend ---- */

static void draw_bar(const page *p)
{
    const px_heatmap *map = p->map;
    const double x = p->width - RIGHT + BAR_GAP, y = p->top;
    const double height = PX_MAX(map->tiles.size_y, MIN_BAR);
    px_rgb colors[PX_COLORMAP_STEPS], bar[PX_COLORMAP_STEPS];
    px_tick ticks[PX_MAX_TICKS];
    px_colormap_fill(PX_COLORMAP_HEAT, colors);
    for (int i = 0; i < PX_COLORMAP_STEPS; i++)
        bar[i] = colors[PX_COLORMAP_STEPS - 1 - i];
    px_canvas_image(p->c, x, y, BAR, height, bar, 1, PX_COLORMAP_STEPS);
    px_canvas_frame(p->c, x, y, BAR, height, PX_RGB_FAINT);
    const int n = px_scale_ticks(&map->scale, (int)(height / 26), ticks);
    for (int i = 0; i < n; i++) {
        const double at = y + height * (1 - px_scale_at(&map->scale, ticks[i].value));
        px_canvas_line(p->c, x + BAR + 1, at, x + BAR + 5, at, PX_RGB_FAINT);
        px_canvas_text(p->c, x + BAR + 8, at + 4, &plain, px_str_of(ticks[i].label));
    }
    px_canvas_text(p->c, x, y - 8, &faint, map->scale.is_log ? PX_STR("log") : PX_STR("linear"));
}

/* White with a dark edge: seen on every colour and on paper. */
static void draw_ring(const page *p, double x, double y, double radius)
{
    double at[33][2];
    for (size_t i = 0; i < PX_COUNTOF(at); i++) {
        const double turn = 2 * PI * (double)i / (double)(PX_COUNTOF(at) - 1);
        at[i][0] = x + radius * cos(turn);
        at[i][1] = y + radius * sin(turn);
    }
    px_canvas_polyline(p->c, at, PX_COUNTOF(at), 3.6, 0, PX_RGB_TEXT);
    px_canvas_polyline(p->c, at, PX_COUNTOF(at), 1.6, 0, PX_RGB_PAPER);
}

/* A maximum that is a dot among a million others is on the picture, but nobody would find it. */
static bool has_ring(const px_heatmap *map)
{
    const px_tiles *t = &map->tiles;
    return map->stats.max != map->stats.min &&
           (t->tile_x < MIN_SEEN * t->cells_x || t->tile_y < MIN_SEEN * t->cells_y);
}

static void draw_max_ring(const page *p)
{
    const px_tiles *t = &p->map->tiles;
    const int64_t row = p->map->stats.argmax / t->width;
    const int64_t tile = row / t->height;
    const double x = ((double)(p->map->stats.argmax % t->width) + 0.5) / (double)t->width;
    const double y = ((double)(row % t->height) + 0.5) / (double)t->height;
    draw_ring(p, p->left + (double)(tile % t->columns) * (t->tile_x + t->gap_x) + x * t->tile_x,
              p->top + (double)(tile / t->columns) * (t->tile_y + t->gap_y) + y * t->tile_y, 7);
}

static double draw_key(const page *p, double x, double y, px_rgb color, const char *name)
{
    px_canvas_rect(p->c, x, y - 10, 11, 11, color);
    px_canvas_text(p->c, x + 15, y, &plain, px_str_of(name));
    return x + 15 + px_font_width(px_str_of(name), TEXT) + 14;
}

/* What the scale does not show, and what was done to fit. */
static void draw_legend(const page *p)
{
    const px_heatmap *map = p->map;
    const double y = p->height - 12;
    const bool not_finite = map->stats.n_nan > 0 || map->stats.n_inf > 0;
    double x = 20;
    px_buf note = {0}, cut = {0};
    px_rgb colors[PX_COLORMAP_STEPS];
    px_colormap_fill(PX_COLORMAP_HEAT, colors);
    if (map->all_zero && map->has_zero)
        x = draw_key(p, x, y, colors[0], not_finite ? "0 elsewhere" : "0 everywhere");
    else if (map->has_zero && map->scale.is_log)
        x = draw_key(p, x, y, PX_RGB_ZERO, "0");
    if (map->stats.n_nan > 0)
        x = draw_key(p, x, y, PX_RGB_NAN, "NaN");
    if (map->stats.n_inf > 0)
        x = draw_key(p, x, y, PX_RGB_INF, "infinite");
    if (has_ring(map)) {
        px_canvas_rect(p->c, x - 1, y - 12, 15, 15, colors[0]);
        draw_ring(p, x + 6.5, y - 4.5, 4.5);
        px_canvas_text(p->c, x + 18, y, &plain, PX_STR("max"));
        x += 18 + px_font_width(PX_STR("max"), TEXT) + 14;
    }
    px_heatmap_put_layout(map, &note);
    const size_t layout = note.len;
    px_buf_puts(&note, layout > 0 ? "; " : "");
    const size_t before = note.len;
    px_heatmap_put_reduction(map, &note);
    if (note.len == before)
        note.len = layout;
    px_text_fit(&cut, px_buf_str(&note), TEXT, p->width - x - 12);
    px_canvas_text(p->c, x, y, &faint, px_buf_str(&cut));
    px_buf_fini(&note);
    px_buf_fini(&cut);
}

static void draw_title(const page *p, const px_caption *caption)
{
    const px_heatmap *map = p->map;
    const px_tiles *t = &map->tiles;
    const px_text_style title = {.size = TITLE, .color = PX_RGB_TEXT, .bold = true};
    px_buf text = {0}, cut = {0};
    px_buf_printf(&text, "%s | %s", px_heatmap_title(map), caption->output);
    px_text_fit(&cut, px_buf_str(&text), TITLE, p->width - 32);
    px_canvas_text(p->c, 20, 26, &title, px_buf_str(&cut));
    text.len = cut.len = 0;
    px_shape_print(&text, t->rank, t->dims);
    if (caption->runner[0] != NULL && caption->runner[1] != NULL)
        px_buf_printf(&text, ", %s vs. %s", caption->runner[0], caption->runner[1]);
    px_text_fit(&cut, px_buf_str(&text), TEXT, p->width - 32);
    px_canvas_text(p->c, 20, 44, &faint, px_buf_str(&cut));
    text.len = cut.len = 0;
    px_heatmap_put_numbers(map, &text);
    px_text_fit(&cut, px_buf_str(&text), TEXT, p->width - 120);
    px_canvas_text(p->c, 20, 61, &plain, px_buf_str(&cut));
    px_buf_fini(&text);
    px_buf_fini(&cut);
}

static void draw_tiles(const page *p, const px_rgb *pixels)
{
    const px_tiles *t = &p->map->tiles;
    const px_text_style label = {.size = 11, .color = PX_RGB_FAINT};
    px_buf index = {0};
    px_canvas_image(p->c, p->left, p->top, t->size_x, t->size_y, pixels, t->size_x, t->size_y);
    for (int64_t tile = 0; tile < t->n && t->tile_x >= 12 && t->tile_y >= 12; tile++) {
        const double x = p->left + (double)(tile % t->columns) * (t->tile_x + t->gap_x);
        const double y = p->top + (double)(tile / t->columns) * (t->tile_y + t->gap_y);
        px_canvas_frame(p->c, x, y, t->tile_x, t->tile_y, t->n > 1 ? 0xc8c8c8u : 0x9a9a9au);
        if (!t->labelled)
            continue;
        index.len = 0;
        px_tiles_put_index(t, tile, &index);
        px_canvas_text(p->c, x, y - 4, &label, px_buf_str(&index));
    }
    px_buf_fini(&index);
}

pgy_status *px_heatmap_render(const px_heatmap *map, const px_caption *caption,
                              px_picture_format format, double scale, px_buf *out)
{
    pgy_status *st = NULL;
    px_rgb *pixels = NULL;
    const px_tiles *t = &map->tiles;
    page p = {.map = map, .left = LEFT, .top = TOP + (t->labelled ? PX_LABEL_Y : 0)};
    p.width = fmax(MIN_PAGE, LEFT + t->size_x + RIGHT);
    p.height = p.top + PX_MAX(t->size_y, MIN_BAR) + BOTTOM;
    PX_TRY(px_heatmap_pixels(map, PX_RGB_PAPER, &pixels));
    PX_TRY(px_canvas_new(format, p.width, p.height, scale, &p.c));
    draw_title(&p, caption);
    draw_tiles(&p, pixels);
    if (has_ring(map))
        draw_max_ring(&p);
    draw_x_axis(&p);
    draw_y_axis(&p);
    draw_axis_names(&p);
    if (!map->all_zero)
        draw_bar(&p);
    draw_legend(&p);
    PX_TRY(px_canvas_finish(p.c, out));
done:
    px_canvas_free(p.c);
    px_mem_free(pixels);
    return st;
}
