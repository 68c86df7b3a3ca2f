/* report/tiles.c - laying a shape out on an area; see heatmap.h. */
#include "report/font.h"
#include "report/heatmap.h"

#include <math.h>

enum {
    BIG_AREA = 400, /* of a page; less is a terminal's */
    GAP = 4,
    LABEL = 11,       /* size of indices above tiles */
    MAX_CELL = 40,    /* pixels of one element of a small tensor */
    MIN_TILE = 5,     /* below that a tile cannot be told from a dot */
    LONE_ROW = 48,    /* elements of one dimension that stay in one row */
    MIN_BAND_PART = 3 /* a thin matrix is stretched to a third of the area at most */
};

static int clamp_px(double v, int most)
{
    return v < 1 ? 1 : v > most ? most : (int)v;
}

/* Pixels of an element: whole ones where there are some to spare. */
static double whole(double cell)
{
    return cell >= 2 ? floor(fmin(cell, MAX_CELL)) : cell;
}

/* One tile on the whole area; thin ones are stretched across. */
static void lay_single(px_tiles *t, int area_x, int area_y)
{
    const double cell =
        whole(fmin((double)area_x / (double)t->width, (double)area_y / (double)t->height));
    const double band_x = fmin(area_x / (double)MIN_BAND_PART, MAX_CELL * (double)t->width);
    const double band_y = fmin(area_y / (double)MIN_BAND_PART, MAX_CELL * (double)t->height);
    t->columns = t->rows = 1;
    t->gap_x = t->gap_y = 0;
    t->tile_x = clamp_px(fmax(cell * (double)t->width, band_x), area_x);
    t->tile_y = clamp_px(fmax(cell * (double)t->height, band_y), area_y);
    /* What was stretched gets whole pixels per element too. */
    if (t->tile_x >= 2 * t->width)
        t->tile_x -= (int)(t->tile_x % t->width);
    if (t->tile_y >= 2 * t->height)
        t->tile_y -= (int)(t->tile_y % t->height);
}

/* Pixels of an element when tiles stand in `columns`. */
static double cell_with(const px_tiles *t, int64_t columns, int area_x, int area_y)
{
    const double rows = ceil((double)t->n / (double)columns);
    const double x = ((double)area_x - (double)(columns - 1) * t->gap_x) / (double)columns;
    const double y = ((double)area_y - (rows - 1) * t->gap_y) / rows;
    return fmin(x / (double)t->width, y / (double)t->height);
}

/* With the gaps that are set. False: the tiles would be too small to see. */
static bool lay_grid(px_tiles *t, int area_x, int area_y)
{
    const int64_t most = PX_MIN(t->n, (int64_t)area_x / (t->gap_x + 1));
    const int64_t last = t->dims[t->rank - 3]; /* of the leading ones */
    double best = 0, best_round = 0;
    int64_t columns = 0, columns_round = 0;
    for (int64_t c = 1; c <= most; c++) {
        const double cell = cell_with(t, c, area_x, area_y);
        if (cell > best) {
            best = cell;
            columns = c;
        }
        if ((last % c == 0 || c % last == 0) && cell > best_round) {
            best_round = cell;
            columns_round = c;
        }
    }
    if (best_round >= 0.75 * best) { /* rows that begin where an index begins */
        best = best_round;
        columns = columns_round;
    }
    if (best <= 0)
        return false;
    const double cell = whole(best);
    const int least = area_x >= BIG_AREA ? MIN_TILE : 1;
    t->columns = (int)columns;
    t->rows = (int)((t->n + columns - 1) / columns);
    t->tile_x = clamp_px(cell * (double)t->width, area_x);
    t->tile_y = clamp_px(cell * (double)t->height, area_y);
    return t->rows * (t->tile_y + t->gap_y) - t->gap_y <= area_y &&
           t->columns * (t->tile_x + t->gap_x) - t->gap_x <= area_x &&
           t->tile_x >= PX_MIN(least, t->width) && t->tile_y >= PX_MIN(least, t->height);
}

/* Tiles with their indices above where that leaves them large, else closer together. */
static bool lay_tiles(px_tiles *t, int area_x, int area_y)
{
    px_buf longest = {0};
    px_tiles_put_index(t, t->n - 1, &longest);
    const double wanted = px_font_width(px_buf_str(&longest), LABEL) + 4;
    px_buf_fini(&longest);
    t->gap_x = 6;
    t->gap_y = PX_LABEL_Y;
    t->labelled = true;
    if (area_x >= BIG_AREA && lay_grid(t, area_x, area_y) && t->tile_x >= wanted &&
        t->tile_y >= 2 * PX_LABEL_Y)
        return true;
    t->labelled = false;
    t->gap_x = t->gap_y = area_x >= BIG_AREA ? GAP : 1;
    return lay_grid(t, area_x, area_y);
}

/* All but one dimension are 1: in rows of a power of two. */
static void fold(px_tiles *t, int area_x, int area_y)
{
    t->view = PX_VIEW_FOLDED;
    t->n = 1;
    t->width = t->count;
    t->height = 1;
    if (t->count > PX_MIN(LONE_ROW, area_x / 2)) {
        const double wanted = sqrt((double)t->count * area_x / area_y);
        t->width = 1;
        while ((double)t->width < wanted)
            t->width *= 2;
        t->height = (t->count + t->width - 1) / t->width;
    }
    lay_single(t, area_x, area_y);
}

void px_tiles_layout(int rank, const int64_t *dims, int area_x, int area_y, px_tiles *out)
{
    px_tiles t = {.view = PX_VIEW_TILES, .rank = rank, .dims = dims, .count = 1};
    int long_ones = 0;
    for (int i = 0; i < rank; i++) {
        t.count *= dims[i];
        long_ones += dims[i] > 1;
    }
    if (long_ones <= 1) {
        fold(&t, area_x, area_y);
    } else {
        t.width = dims[rank - 1];
        t.height = dims[rank - 2];
        t.n = t.count / (t.width * t.height);
        if (t.n == 1) {
            lay_single(&t, area_x, area_y);
        } else if (!lay_tiles(&t, area_x, area_y)) {
            t.view = PX_VIEW_ROWS;
            t.labelled = false;
            t.width *= t.height;
            t.height = t.n;
            t.n = 1;
            lay_single(&t, area_x, area_y);
        }
    }
    t.cells_x = (int)PX_MIN(t.width, (int64_t)t.tile_x);
    t.cells_y = (int)PX_MIN(t.height, (int64_t)t.tile_y);
    t.size_x = t.columns * (t.tile_x + t.gap_x) - t.gap_x;
    t.size_y = t.rows * (t.tile_y + t.gap_y) - t.gap_y;
    *out = t;
}

void px_tiles_put_index(const px_tiles *t, int64_t tile, px_buf *out)
{
    int64_t left = tile, at[PX_MAX_RANK];
    for (int i = t->rank - 3; i >= 0; i--) {
        at[i] = left % t->dims[i];
        left /= t->dims[i];
    }
    for (int i = 0; i + 2 < t->rank; i++)
        px_buf_printf(out, "%s%lld", i > 0 ? ", " : "", (long long)at[i]);
}
