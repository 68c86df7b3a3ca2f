/* report/error_plot.c - counting errors by size; see error_plot.h.
 *
 * Two passes: the first finds the ranges, the second counts. The logarithm of a float is its
 * exponent and an entry of a table for the upper bits of its fraction; the error, under 1/256 of an
 * octave, is far below what a cell can show.
 */
#include "report/error_plot.h"

#include "base/log.h"
#include "base/thread.h"
#include "report/narrow.h"

#include <math.h>

enum { OF_X, OF_Y0, OF_Y1, N_ARRAYS };
enum { MOST_X = 110, MOST_Y = 84, LEAST = 12, FRACTION_BITS = 8 };
#define INF_BITS 0x7f800000

/* A scale in octaves, as cells. */
typedef struct cells {
    float low, per_octave;
    int n;
} cells;

typedef struct part {
    void *scratch;
    int32_t *bits[N_ARRAYS];
    int32_t min[N_ARRAYS], max[N_ARRAYS]; /* positive finite ones; INT32_MAX and 0: none */
    uint64_t *counts[2];
    int64_t n_zero, n_left_out;
} part;

typedef struct plot_job {
    const px_pair *pair;
    int64_t n_blocks;
    int n_parts;
    part *parts;
    cells axis[N_ARRAYS];
    float log2_of[1 << FRACTION_BITS];
} plot_job;

static void load_block(const plot_job *job, part *p, int64_t first, int64_t n)
{
    static const px_which which[N_ARRAYS] = {PX_OF_B, PX_OF_ABS, PX_OF_REL};
    px_pair_block block;
    px_pair_load(job->pair, p->scratch, first, n,
                 PX_NEED(PX_OF_B) | PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL), &block);
    for (int i = 0; i < N_ARRAYS; i++)
        px_narrow_bits(job->pair->work[which[i]], block.at[which[i]], n, p->bits[i]);
}

static void find_range(const int32_t *bits, int64_t n, int32_t *io_min, int32_t *io_max)
{
    int32_t min = *io_min, max = *io_max;
    for (int64_t i = 0; i < n; i++) {
        const bool counts = bits[i] > 0 && bits[i] < INF_BITS;
        const int32_t low = counts ? bits[i] : INT32_MAX, high = counts ? bits[i] : 0;
        min = low < min ? low : min;
        max = high > max ? high : max;
    }
    *io_min = min;
    *io_max = max;
}

static int cell_of(const plot_job *job, const cells *axis, int32_t bits)
{
    if (bits == 0)
        return 0;
    const int32_t fraction = bits >> (23 - FRACTION_BITS) & ((1 << FRACTION_BITS) - 1);
    const float octave = (float)((bits >> 23) - 127) + job->log2_of[fraction];
    const int cell = (int)((octave - axis->low) * axis->per_octave);
    return 1 + (cell < 0 ? 0 : cell >= axis->n ? axis->n - 1 : cell);
}

static void count_block(const plot_job *job, part *p, int64_t n)
{
    const size_t stride = (size_t)job->axis[OF_X].n + 1;
    for (int64_t i = 0; i < n; i++) {
        const int32_t x = p->bits[OF_X][i], y0 = p->bits[OF_Y0][i], y1 = p->bits[OF_Y1][i];
        if (x >= INF_BITS || y0 >= INF_BITS || y1 >= INF_BITS) {
            p->n_left_out++;
            continue;
        }
        const size_t column = (size_t)cell_of(job, &job->axis[OF_X], x);
        p->n_zero += y0 == 0;
        p->counts[0][(size_t)cell_of(job, &job->axis[OF_Y0], y0) * stride + column]++;
        p->counts[1][(size_t)cell_of(job, &job->axis[OF_Y1], y1) * stride + column]++;
    }
}

static void run_parts(void *arg, int64_t begin, int64_t end)
{
    const plot_job *job = arg;
    for (int64_t k = begin; k < end; k++) {
        part *p = &job->parts[k];
        const int64_t last = job->n_blocks * (k + 1) / job->n_parts;
        for (int64_t b = job->n_blocks * k / job->n_parts; b < last; b++) {
            const int64_t first = b * PX_BLOCK;
            const int64_t n = PX_MIN(PX_BLOCK, job->pair->count - first);
            load_block(job, p, first, n);
            if (p->counts[0] != NULL) {
                count_block(job, p, n);
                continue;
            }
            for (int i = 0; i < N_ARRAYS; i++)
                find_range(p->bits[i], n, &p->min[i], &p->max[i]);
        }
    }
}

static float as_float(int32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Twelve decades at most; what is smaller is counted in the lowest cell. A range without width gets
 * half a decade on either side. */
static bool range_of(const plot_job *job, int array, px_scale *out)
{
    int32_t min = INT32_MAX, max = 0;
    for (int p = 0; p < job->n_parts; p++) {
        min = PX_MIN(min, job->parts[p].min[array]);
        max = PX_MAX(max, job->parts[p].max[array]);
    }
    *out = (px_scale){.low = 0.1, .high = 10, .is_log = true};
    if (max == 0)
        return false;
    out->high = as_float(max);
    out->low = fmax(as_float(min), out->high * 1e-12);
    out->is_cut = out->low > as_float(min);
    if (out->high < out->low * 3) {
        out->low /= 3;
        out->high *= 3;
    }
    return true;
}

static cells cells_of(const px_scale *s, int n)
{
    const double low = log2(s->low);
    return (cells){(float)low, (float)(n / (log2(s->high) - low)), n};
}

static pgy_status *parts_init(plot_job *job)
{
    pgy_status *st = NULL;
    PX_TRY(PX_ALLOC(job->parts, (size_t)job->n_parts));
    for (int k = 0; k < job->n_parts; k++) {
        part *p = &job->parts[k];
        p->scratch = px_mem_alloc_aligned(PX_PAIR_SCRATCH);
        if (p->scratch == NULL)
            PX_TRY(px_status_nomem());
        for (int i = 0; i < N_ARRAYS; i++) {
            PX_TRY(PX_ALLOC(p->bits[i], PX_BLOCK));
            p->min[i] = INT32_MAX;
        }
    }
    for (int i = 0; i < 1 << FRACTION_BITS; i++)
        job->log2_of[i] = (float)log2(1 + (i + 0.5) / (1 << FRACTION_BITS));
done:
    return st;
}

static void parts_fini(plot_job *job)
{
    for (int k = 0; k < job->n_parts && job->parts != NULL; k++) {
        px_mem_free(job->parts[k].scratch);
        for (int i = 0; i < N_ARRAYS; i++)
            px_mem_free(job->parts[k].bits[i]);
        for (int i = 0; i < 2; i++)
            px_mem_free(job->parts[k].counts[i]);
    }
    px_mem_free(job->parts);
}

/* Few elements get few cells, or every cell would hold one. */
static int cells_for(int64_t count, int most)
{
    const double wanted = 2 * sqrt((double)count);
    return wanted < LEAST ? LEAST : wanted > most ? most : (int)wanted;
}

static pgy_status *count_all(pgy_context *cx, plot_job *job, px_error_plot *plot)
{
    pgy_status *st = NULL;
    const size_t n = (size_t)(plot->n_x + 1) * (size_t)(plot->n_y + 1);
    job->axis[OF_X] = cells_of(&plot->x, plot->n_x);
    for (int i = 0; i < 2; i++) {
        job->axis[OF_Y0 + i] = cells_of(&plot->panel[i].y, plot->n_y);
        PX_TRY(PX_ALLOC(plot->panel[i].counts, n));
        for (int k = 0; k < job->n_parts; k++)
            PX_TRY(PX_ALLOC(job->parts[k].counts[i], n));
    }
    px_parallel_for(cx, job->n_parts, 1, run_parts, job);
    for (int k = 0; k < job->n_parts; k++) {
        plot->n_zero += job->parts[k].n_zero;
        plot->n_left_out += job->parts[k].n_left_out;
        for (int i = 0; i < 2; i++)
            for (size_t c = 0; c < n; c++)
                plot->panel[i].counts[c] += job->parts[k].counts[i][c];
    }
    for (int i = 0; i < 2; i++)
        for (size_t c = 0; c < n; c++)
            plot->panel[i].most = PX_MAX(plot->panel[i].most, plot->panel[i].counts[c]);
done:
    return st;
}

pgy_status *px_error_plot_init(pgy_context *cx, const px_pair *pair, px_error_plot *out)
{
    pgy_status *st = NULL;
    px_error_plot plot = {.count = pair->count, .rank = pair->a->rank, .dims = pair->a->dims};
    plot_job job = {.pair = pair, .n_blocks = (pair->count + PX_BLOCK - 1) / PX_BLOCK};
    if (pair->count == 0)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "an empty tensor has no errors to plot"));
    job.n_parts = (int)PX_MIN(job.n_blocks, (int64_t)PX_MIN(cx ? px_context_threads(cx) : 1, 16));
    PX_TRY(parts_init(&job));
    px_parallel_for(cx, job.n_parts, 1, run_parts, &job);
    (void)range_of(&job, OF_X, &plot.x);
    for (int i = 0; i < 2; i++)
        plot.panel[i].has_errors = range_of(&job, OF_Y0 + i, &plot.panel[i].y);
    plot.panel[0].tolerance = pair->atol;
    plot.panel[1].tolerance = pair->rtol;
    plot.n_x = cells_for(pair->count, MOST_X);
    plot.n_y = cells_for(pair->count, MOST_Y);
    PX_TRY(count_all(cx, &job, &plot));
    *out = plot;
    plot.panel[0].counts = plot.panel[1].counts = NULL;
done:
    px_error_plot_fini(&plot);
    parts_fini(&job);
    return st;
}

void px_error_plot_fini(px_error_plot *plot)
{
    for (int i = 0; i < 2; i++) {
        px_mem_free(plot->panel[i].counts);
        plot->panel[i].counts = NULL;
    }
}

double px_error_plot_quantile(const px_error_plot *plot, int panel, int column, double q)
{
    const px_error_panel *p = &plot->panel[panel];
    const size_t stride = (size_t)plot->n_x + 1;
    uint64_t total = 0, seen = 0;
    for (int row = 0; row <= plot->n_y; row++)
        total += p->counts[(size_t)row * stride + (size_t)column];
    /* The quantile of n elements is their maximum unless n * (1 - q) >= 1; of few it means nothing.
     */
    if (total < (plot->count >= 2000 ? 20 : 4) || (double)total * (1 - q) < 0.999)
        return NAN;
    for (int row = 0; row <= plot->n_y; row++) {
        const uint64_t here = p->counts[(size_t)row * stride + (size_t)column];
        if (here > 0 && (double)(seen + here) >= q * (double)total) {
            const double within = (q * (double)total - (double)seen) / (double)here;
            return row == 0 ? 0 : px_scale_value(&p->y, (row - 1 + within) / plot->n_y);
        }
        seen += here;
    }
    return NAN;
}

void px_error_plot_put_numbers(const px_error_plot *plot, px_buf *out)
{
    px_buf_printf(out, "%lld of %lld errors are zero", (long long)plot->n_zero,
                  (long long)plot->count);
    if (plot->n_left_out > 0)
        px_buf_printf(out, ", %lld left out because they are not finite",
                      (long long)plot->n_left_out);
}
