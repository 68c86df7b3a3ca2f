/* report/heatmap.c - reducing errors to cells, and cells to colours; see heatmap.h.
 *
 * Errors are not negative, so the bits of their float32 order as the numbers do, with infinity
 * above them and NaN above that: the maximum of bits is the maximum wanted. Doubles are narrowed
 * first; a tiny one must not become zero or a huge one infinity. Every part of the tensor has cells
 * of its own, and a maximum does not depend on the order, so threads change nothing.
 */
#include "report/heatmap.h"

#include "base/log.h"
#include "base/thread.h"
#include "report/narrow.h"

#include <float.h>
#include <math.h>

typedef struct reduce_job {
    const px_pair *pair;
    px_which which;
    const px_tiles *tiles;
    int64_t n_blocks;
    int n_parts;
    size_t n_cells;
    int32_t **cells; /* per part */
    void **scratch;
    int32_t **bits;
} reduce_job;

static int32_t max_of(const int32_t *x, int64_t n, int32_t max)
{
    for (int64_t i = 0; i < n; i++)
        max = x[i] > max ? x[i] : max;
    return max;
}

/* Elements [col, col + n) of one row of a tile. */
static void reduce_run(const px_tiles *t, int32_t *row, int64_t col, const int32_t *x, int64_t n)
{
    if (t->cells_x == t->width) {
        for (int64_t i = 0; i < n; i++)
            row[col + i] = PX_MAX(row[col + i], x[i]);
        return;
    }
    for (int64_t i = 0; i < n;) {
        const int64_t cell = (col + i) * t->cells_x / t->width;
        const int64_t next = ((cell + 1) * t->width + t->cells_x - 1) / t->cells_x; /* rounded up */
        const int64_t end = PX_MIN(n, next - col);
        row[cell] = max_of(x + i, end - i, row[cell]);
        i = end;
    }
}

static void reduce_block(const px_tiles *t, int32_t *cells, int64_t first, const int32_t *x,
                         int64_t n)
{
    int64_t row = first / t->width, col = first % t->width;
    for (int64_t i = 0; i < n; row++, col = 0) {
        const int64_t tile = row / t->height, y = row % t->height;
        const int64_t run = PX_MIN(n - i, t->width - col);
        const int64_t cell_y = tile * t->cells_y + y * t->cells_y / t->height;
        reduce_run(t, cells + cell_y * t->cells_x, col, x + i, run);
        i += run;
    }
}

static void reduce_parts(void *arg, int64_t begin, int64_t end)
{
    const reduce_job *job = arg;
    for (int64_t p = begin; p < end; p++) {
        const int64_t last = job->n_blocks * (p + 1) / job->n_parts;
        for (int64_t b = job->n_blocks * p / job->n_parts; b < last; b++) {
            px_pair_block block;
            const int64_t first = b * PX_BLOCK;
            px_pair_load(job->pair, job->scratch[p], first,
                         PX_MIN(PX_BLOCK, job->pair->count - first),
                         PX_NEED(PX_OF_ABS) | PX_NEED(job->which), &block);
            px_narrow_bits(job->pair->work[job->which], block.at[job->which], block.n,
                           job->bits[p]);
            reduce_block(job->tiles, job->cells[p], first, job->bits[p], block.n);
        }
    }
}

static void merge(const reduce_job *job, int32_t *out)
{
    for (int p = 0; p < job->n_parts; p++)
        for (size_t i = 0; i < job->n_cells; i++)
            out[i] = PX_MAX(out[i], job->cells[p][i]);
}

static pgy_status *reduce(pgy_context *cx, const px_pair *pair, px_which which,
                          const px_tiles *tiles, int32_t *out)
{
    pgy_status *st = NULL;
    reduce_job job = {.pair = pair, .which = which, .tiles = tiles};
    job.n_blocks = (pair->count + PX_BLOCK - 1) / PX_BLOCK;
    job.n_parts = (int)PX_MIN(job.n_blocks, (int64_t)PX_MIN(cx ? px_context_threads(cx) : 1, 16));
    job.n_cells = (size_t)tiles->n * (size_t)tiles->cells_x * (size_t)tiles->cells_y;
    for (size_t i = 0; i < job.n_cells; i++)
        out[i] = PX_CELL_NONE;
    PX_TRY(PX_ALLOC(job.cells, (size_t)job.n_parts));
    PX_TRY(PX_ALLOC(job.scratch, (size_t)job.n_parts));
    PX_TRY(PX_ALLOC(job.bits, (size_t)job.n_parts));
    for (int p = 0; p < job.n_parts; p++) {
        PX_TRY(PX_ALLOC(job.cells[p], job.n_cells));
        memcpy(job.cells[p], out, job.n_cells * sizeof *out);
        job.scratch[p] = px_mem_alloc_aligned(PX_PAIR_SCRATCH);
        job.bits[p] = px_mem_alloc_aligned(PX_BLOCK * sizeof(int32_t));
        if (job.scratch[p] == NULL || job.bits[p] == NULL)
            PX_TRY(px_status_nomem());
    }
    px_parallel_for(cx, job.n_parts, 1, reduce_parts, &job);
    merge(&job, out);
done:
    for (int p = 0; p < job.n_parts; p++) {
        if (job.cells != NULL)
            px_mem_free(job.cells[p]);
        if (job.scratch != NULL)
            px_mem_free(job.scratch[p]);
        if (job.bits != NULL)
            px_mem_free(job.bits[p]);
    }
    px_mem_free(job.cells);
    px_mem_free(job.scratch);
    px_mem_free(job.bits);
    return st;
}

/* ---- scale ---- */

static float cell_value(int32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* The exponent of a float's bits below which a part of the positive cells lies. */
static double part_below(const size_t by_exponent[256], size_t n, double part)
{
    size_t seen = 0;
    int e = 0;
    while (e < 255 && (double)(seen + by_exponent[e]) < part * (double)n)
        seen += by_exponent[e++];
    return ldexp(1, PX_MAX(e, 1) - 127);
}

/* Logarithmic when half of the cells would share the lowest thirtieth of a linear scale. The low
 * end then leaves one positive cell in a hundred below, so that a few tiny errors do not take the
 * colours away from all others. */
static void choose_scale(px_heatmap *map, size_t n_cells)
{
    size_t by_exponent[256] = {0}, n = 0;
    float min = FLT_MAX, max = 0;
    for (size_t i = 0; i < n_cells; i++) {
        const float v = cell_value(map->cells[i]);
        if (map->cells[i] == PX_CELL_NONE || !isfinite(v))
            continue;
        if (v == 0) {
            map->has_zero = true;
            continue;
        }
        n++;
        by_exponent[map->cells[i] >> 23]++;
        min = v < min ? v : min;
        max = v > max ? v : max;
    }
    map->all_zero = n == 0;
    map->scale = (px_scale){.low = 0, .high = map->all_zero ? 1 : max};
    if (map->all_zero || part_below(by_exponent, n, 0.5) * 30 >= max)
        return;
    map->scale.is_log = true;
    map->scale.low = fmax(min, fmin(part_below(by_exponent, n, 0.01), max / 10.0));
    map->scale.is_cut = map->scale.low > 1.05 * min;
}

pgy_status *px_heatmap_init(pgy_context *cx, const px_pair *pair, const px_pair_stats *stats,
                            px_which which, int area_x, int area_y, px_heatmap *out)
{
    pgy_status *st = NULL;
    px_heatmap map = {.which = which, .stats = stats->of[which]};
    if (pair->count == 0)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "an empty tensor has no heat map"));
    px_tiles_layout(pair->a->rank, pair->a->dims, area_x, area_y, &map.tiles);
    const size_t n_cells =
        (size_t)map.tiles.n * (size_t)map.tiles.cells_x * (size_t)map.tiles.cells_y;
    PX_TRY(PX_ALLOC(map.cells, n_cells));
    PX_TRY(reduce(cx, pair, which, &map.tiles, map.cells));
    choose_scale(&map, n_cells);
    *out = map;
    map.cells = NULL;
done:
    px_heatmap_fini(&map);
    return st;
}

void px_heatmap_fini(px_heatmap *map)
{
    px_mem_free(map->cells);
    map->cells = NULL;
}

/* ---- pixels ---- */

static px_rgb color_of(const px_heatmap *map, const px_rgb *colors, px_rgb paper, int32_t cell)
{
    if (cell == PX_CELL_NONE)
        return paper;
    const float v = cell_value(cell);
    if (isnan(v))
        return PX_RGB_NAN;
    if (isinf(v))
        return PX_RGB_INF;
    if (v == 0)
        return map->scale.is_log ? PX_RGB_ZERO : colors[0];
    const double at = px_scale_at(&map->scale, v) * (PX_COLORMAP_STEPS - 1) + 0.5;
    return colors[at < 0 ? 0 : at > PX_COLORMAP_STEPS - 1 ? PX_COLORMAP_STEPS - 1 : (int)at];
}

static void paint_tile(const px_heatmap *map, const px_rgb *colors, px_rgb paper, int64_t tile,
                       px_rgb *out)
{
    const px_tiles *t = &map->tiles;
    const int left = (int)(tile % t->columns) * (t->tile_x + t->gap_x);
    const int top = (int)(tile / t->columns) * (t->tile_y + t->gap_y);
    const int32_t *cells = map->cells + tile * t->cells_x * t->cells_y;
    for (int y = 0; y < t->tile_y; y++) {
        px_rgb *row = out + (size_t)(top + y) * (size_t)t->size_x + left;
        const int cell_y = (int)((int64_t)y * t->cells_y / t->tile_y);
        if (y > 0 && cell_y == (int)((int64_t)(y - 1) * t->cells_y / t->tile_y)) {
            memcpy(row, row - t->size_x, (size_t)t->tile_x * sizeof *row);
            continue;
        }
        int last = -1;
        for (int x = 0; x < t->tile_x; x++) {
            const int cell_x = (int)((int64_t)x * t->cells_x / t->tile_x);
            row[x] = cell_x == last
                         ? row[x - 1]
                         : color_of(map, colors, paper, cells[cell_y * t->cells_x + cell_x]);
            last = cell_x;
        }
    }
}

pgy_status *px_heatmap_pixels(const px_heatmap *map, px_rgb paper, px_rgb **out)
{
    pgy_status *st = NULL;
    px_rgb colors[PX_COLORMAP_STEPS], *pixels = NULL;
    const size_t n = (size_t)map->tiles.size_x * (size_t)map->tiles.size_y;
    PX_TRY(PX_ALLOC(pixels, n));
    for (size_t i = 0; i < n; i++)
        pixels[i] = paper;
    px_colormap_fill(PX_COLORMAP_HEAT, colors);
    for (int64_t tile = 0; tile < map->tiles.n; tile++)
        paint_tile(map, colors, paper, tile, pixels);
    *out = pixels;
done:
    return st;
}
