/* report/blocks.c - pictures of characters: half blocks in colour, letters for shades.
 *
 * A half block shows two pixels, one above the other. Shades are letters from light to dense, as on
 * a dark terminal more ink is more light; NaN is N, infinity is I.
 */
#include "report/terminal.h"

#include <math.h>

enum {
    ROWS = 24,      /* of characters that a picture takes */
    PLOT_ROWS = 14, /* of a panel */
    LABEL = 9,      /* columns for numbers beside a panel */
    SCALE = 32      /* columns of a scale */
};

static const char shades[] = " .:-=+*#%@";

/* ---- characters ---- */

/* Nearest of the 6 x 6 x 6 cube of the 256-colour palette. */
static int cube_color(px_rgb c)
{
    int v[3];
    for (int i = 0; i < 3; i++)
        v[i] = ((int)(c >> (16 - 8 * i) & 255) * 5 + 127) / 255;
    return 16 + 36 * v[0] + 6 * v[1] + v[2];
}

static void put_color(px_buf *out, px_show_way way, bool back, px_rgb c)
{
    if (way == PX_SHOW_TRUE_COLOR)
        px_buf_printf(out, "\x1b[%d;2;%u;%u;%um", back ? 48 : 38, c >> 16 & 255, c >> 8 & 255,
                      c & 255);
    else
        px_buf_printf(out, "\x1b[%d;5;%dm", back ? 48 : 38, cube_color(c));
}

#define NO_COLOR_HERE 0xff000000u /* the terminal's own background */

static void put_half_blocks(px_buf *out, px_show_way way, px_rgb upper, px_rgb lower)
{
    if (upper == NO_COLOR_HERE && lower == NO_COLOR_HERE) {
        px_buf_puts(out, "\x1b[0m ");
    } else if (upper == NO_COLOR_HERE) {
        px_buf_puts(out, "\x1b[49m");
        put_color(out, way, false, lower);
        px_buf_puts(out, "\u2584");
    } else {
        if (lower == NO_COLOR_HERE)
            px_buf_puts(out, "\x1b[49m");
        else
            put_color(out, way, true, lower);
        put_color(out, way, false, upper);
        px_buf_puts(out, "\u2580");
    }
}

static void put_pixels(px_buf *out, px_show_way way, const px_rgb *pixels, int n_x, int n_y)
{
    for (int y = 0; y < n_y; y += 2) {
        px_buf_puts(out, "  ");
        for (int x = 0; x < n_x; x++)
            put_half_blocks(out, way, pixels[y * n_x + x],
                            y + 1 < n_y ? pixels[(y + 1) * n_x + x] : NO_COLOR_HERE);
        px_buf_puts(out, "\x1b[0m\n");
    }
}

static char shade(double at)
{
    const int last = (int)sizeof shades - 2;
    return at <= 0 ? shades[0] : shades[at >= 1 ? last : 1 + (int)(at * (last - 1) + 0.5)];
}

/* ---- heat maps ---- */

void px_blocks_area(px_show_way way, int columns, int *out_x, int *out_y)
{
    *out_x = columns - 4;
    *out_y = way == PX_SHOW_TEXT ? ROWS : 2 * ROWS;
}

static char cell_letter(const px_heatmap *map, int32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    if (bits == PX_CELL_NONE)
        return ' ';
    if (isnan(v))
        return 'N';
    if (isinf(v))
        return 'I';
    /* A small error is not the blank of zero. */
    return v == 0 ? shades[0] : shade(fmax(px_scale_at(&map->scale, v), 0.01));
}

static void put_letters(px_buf *out, const px_heatmap *map)
{
    const px_tiles *t = &map->tiles;
    for (int y = 0; y < t->size_y; y++) {
        px_buf_puts(out, "  |");
        for (int x = 0; x < t->size_x; x++) {
            const int row = y / (t->tile_y + t->gap_y), column = x / (t->tile_x + t->gap_x);
            const int in_y = y % (t->tile_y + t->gap_y), in_x = x % (t->tile_x + t->gap_x);
            const int64_t tile = (int64_t)row * t->columns + column;
            if (in_y >= t->tile_y || in_x >= t->tile_x || tile >= t->n) {
                px_buf_putc(out, ' ');
                continue;
            }
            const int64_t cell_y = tile * t->cells_y + (int64_t)in_y * t->cells_y / t->tile_y;
            const int64_t cell_x = (int64_t)in_x * t->cells_x / t->tile_x;
            px_buf_putc(out, cell_letter(map, map->cells[cell_y * t->cells_x + cell_x]));
        }
        px_buf_puts(out, "|\n");
    }
}

static void put_scale(px_buf *out, px_show_way way, const px_heatmap *map)
{
    char low[32], high[32];
    px_rgb colors[PX_COLORMAP_STEPS];
    px_number_label(map->scale.low, 3, low, sizeof low);
    px_number_label(map->scale.high, 3, high, sizeof high);
    px_buf_printf(out, "  %s%s ", map->scale.is_cut ? "\u2264" : "", low);
    px_colormap_fill(PX_COLORMAP_HEAT, colors);
    if (way == PX_SHOW_TEXT)
        px_buf_puts(out, &shades[1]);
    else
        for (int i = 0; i < SCALE; i++) {
            const px_rgb c = colors[i * (PX_COLORMAP_STEPS - 1) / (SCALE - 1)];
            put_half_blocks(out, way, c, c);
        }
    px_buf_printf(out, "%s %s (%s)", way == PX_SHOW_TEXT ? "" : "\x1b[0m", high,
                  map->scale.is_log ? "log" : "linear");
    if (way != PX_SHOW_TEXT && map->stats.n_nan > 0) {
        px_buf_puts(out, "  ");
        put_half_blocks(out, way, PX_RGB_NAN, PX_RGB_NAN);
        px_buf_puts(out, "\x1b[0m NaN");
    }
    if (way != PX_SHOW_TEXT && map->stats.n_inf > 0) {
        px_buf_puts(out, "  ");
        put_half_blocks(out, way, PX_RGB_INF, PX_RGB_INF);
        px_buf_puts(out, "\x1b[0m infinite");
    }
    if (way == PX_SHOW_TEXT && map->stats.n_nan > 0)
        px_buf_puts(out, "  N: NaN");
    if (way == PX_SHOW_TEXT && map->stats.n_inf > 0)
        px_buf_puts(out, "  I: infinite");
    px_buf_putc(out, '\n');
}

/* Control characters of a name would command the terminal. */
static void put_safely(px_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if ((uint8_t)*text < 0x20 || *text == 0x7f)
            px_buf_printf(out, "\\x%02x", (unsigned)(uint8_t)*text);
        else
            px_buf_putc(out, *text);
    }
}

static void put_title(px_buf *out, const char *what, const px_caption *caption, int rank,
                      const int64_t *dims)
{
    px_buf_printf(out, "  %s | ", what);
    put_safely(out, caption->output);
    px_buf_putc(out, ' ');
    px_shape_print(out, rank, dims);
    if (caption->runner[0] != NULL && caption->runner[1] != NULL) {
        px_buf_puts(out, " | ");
        put_safely(out, caption->runner[0]);
        px_buf_puts(out, " vs. ");
        put_safely(out, caption->runner[1]);
    }
    px_buf_putc(out, '\n');
}

pgy_status *px_blocks_put_heatmap(px_buf *out, px_show_way way, const px_heatmap *map,
                                  const px_caption *caption)
{
    pgy_status *st = NULL;
    px_rgb *pixels = NULL;
    const px_tiles *t = &map->tiles;
    put_title(out, px_heatmap_title(map), caption, t->rank, t->dims);
    px_buf_puts(out, "  ");
    px_heatmap_put_numbers(map, out);
    px_buf_putc(out, '\n');
    if (way == PX_SHOW_TEXT) {
        put_letters(out, map);
    } else {
        PX_TRY(px_heatmap_pixels(map, NO_COLOR_HERE, &pixels));
        put_pixels(out, way, pixels, t->size_x, t->size_y);
    }
    put_scale(out, way, map);
    const size_t before = out->len;
    px_buf_puts(out, "  ");
    px_heatmap_put_layout(map, out);
    if (out->len > before + 2)
        px_buf_putc(out, '\n');
    else
        out->len = before;
    st = px_buf_status(out);
done:
    px_mem_free(pixels);
    return st;
}

/* ---- error plots ---- */

/* Elements of the cells that pixel (x, y) of n_x * n_y covers; y counts from the top. */
static uint64_t count_at(const px_error_plot *plot, int panel, int x, int y, int n_x, int n_y)
{
    const uint64_t *counts = plot->panel[panel].counts;
    const int x0 = x * plot->n_x / n_x, x1 = PX_MAX((x + 1) * plot->n_x / n_x, x0 + 1);
    const int from_foot = n_y - 1 - y;
    const int y0 = from_foot * plot->n_y / n_y;
    const int y1 = PX_MAX((from_foot + 1) * plot->n_y / n_y, y0 + 1);
    uint64_t sum = 0;
    for (int r = y0; r < y1; r++)
        for (int c = x0; c < x1; c++)
            sum += counts[(size_t)(1 + r) * (size_t)(plot->n_x + 1) + (size_t)(1 + c)];
    return sum;
}

/* One panel's pixels as shares of the fullest one, 0 for none. */
static pgy_status *shares_of(const px_error_plot *plot, int panel, int n_x, int n_y, double **out)
{
    pgy_status *st = NULL;
    double *share = NULL, most = 0;
    PX_TRY(PX_ALLOC(share, (size_t)n_x * (size_t)n_y));
    for (int y = 0; y < n_y; y++)
        for (int x = 0; x < n_x; x++) {
            share[y * n_x + x] = log((double)count_at(plot, panel, x, y, n_x, n_y) + 1);
            most = fmax(most, share[y * n_x + x]);
        }
    for (int i = 0; i < n_x * n_y && most > 0; i++)
        share[i] /= most;
    *out = share;
done:
    return st;
}

static int columns_of(const char *label)
{
    int n = 0;
    for (; *label != '\0'; label++)
        n += ((uint8_t)*label & 0xc0) != 0x80;
    return n;
}

/* The label of the tick on this row, padded; rows count from the top. */
static void put_y_label(px_buf *out, const px_error_panel *panel, int row)
{
    px_tick ticks[PX_MAX_TICKS];
    const int n = panel->has_errors ? px_scale_ticks(&panel->y, PLOT_ROWS / 3, ticks) : 0;
    const char *label = "";
    for (int i = 0; i < n; i++) {
        if ((int)((1 - px_scale_at(&panel->y, ticks[i].value)) * (PLOT_ROWS - 1) + 0.5) == row)
            label = ticks[i].label;
    }
    px_buf_pad(out, ' ', (size_t)PX_MAX(2 + LABEL - columns_of(label), 0));
    px_buf_printf(out, "%s ", label);
}

static pgy_status *put_panel(px_buf *out, px_show_way way, int n_x, const px_error_plot *plot,
                             int panel)
{
    pgy_status *st = NULL;
    const int per_row = way == PX_SHOW_TEXT ? 1 : 2, n_y = per_row * PLOT_ROWS;
    double *share = NULL;
    px_rgb colors[PX_COLORMAP_STEPS];
    px_colormap_fill(PX_COLORMAP_HEAT, colors);
    PX_TRY(shares_of(plot, panel, n_x, n_y, &share));
    for (int row = 0; row < PLOT_ROWS; row++) {
        put_y_label(out, &plot->panel[panel], row);
        px_buf_putc(out, '|');
        const double *at = share + row * per_row * n_x;
        for (int x = 0; x < n_x; x++) {
            if (way == PX_SHOW_TEXT) {
                px_buf_putc(out, shade(at[x]));
                continue;
            }
            px_rgb two[2];
            for (int i = 0; i < 2; i++)
                two[i] = at[i * n_x + x] == 0 ? NO_COLOR_HERE
                                              : colors[40 + (int)(at[i * n_x + x] * 215)];
            put_half_blocks(out, way, two[0], two[1]);
        }
        px_buf_puts(out, way == PX_SHOW_TEXT ? "|\n" : "\x1b[0m|\n");
    }
done:
    px_mem_free(share);
    return st;
}

/* Labels under a panel, each centred under its place. */
static void put_x_labels(px_buf *out, const px_scale *x, int n_x)
{
    px_tick ticks[PX_MAX_TICKS];
    const int n = px_scale_ticks(x, PX_MAX(n_x / 12, 1), ticks);
    int here = LABEL + 4;
    px_buf_pad(out, ' ', (size_t)here);
    for (int i = 0; i < n; i++) {
        const int len = columns_of(ticks[i].label);
        const int at = LABEL + 4 + (int)(px_scale_at(x, ticks[i].value) * (n_x - 1)) - len / 2;
        if (at > here && at + len <= LABEL + 4 + n_x) {
            px_buf_pad(out, ' ', (size_t)(at - here));
            px_buf_puts(out, ticks[i].label);
            here = at + len;
        }
    }
    px_buf_putc(out, '\n');
}

pgy_status *px_blocks_put_error_plot(px_buf *out, px_show_way way, int columns,
                                     const px_error_plot *plot, const px_caption *caption)
{
    pgy_status *st = NULL;
    const int n_x = PX_MAX(columns - LABEL - 8, 8);
    put_title(out, "Errors by size of the reference", caption, plot->rank, plot->dims);
    px_buf_puts(out, "  ");
    px_error_plot_put_numbers(plot, out);
    px_buf_putc(out, '\n');
    for (int i = 0; i < 2; i++) {
        if (!plot->panel[i].has_errors)
            continue;
        px_buf_printf(out, "  %s error\n", i == 0 ? "Absolute" : "Relative");
        PX_TRY(put_panel(out, way, n_x, plot, i));
        put_x_labels(out, &plot->x, n_x);
    }
    st = px_buf_status(out);
done:
    return st;
}
