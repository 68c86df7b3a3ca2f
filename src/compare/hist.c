/* compare/hist.c - see hist.h.
 *
 * numpy guesses an element's bin by a division and corrects the guess by the edges. What comes out
 * is the number of inner edges that are not above the element, so those are counted here, edge by
 * edge, without any scatter. Elements outside the range, and NaN, are in no bin. The one guess that
 * cannot be corrected, when the subtraction in it overflows, makes numpy fail and is foreseen from
 * the maximum.
 */
#include "compare/hist.h"

#include "base/fmt.h"
#include "base/half.h"
#include "base/log.h"
#include "base/thread.h"

#include <math.h>

#define N_EDGES (PX_HIST_BINS + 1)
#define WORTH_A_THREAD ((int64_t)1 << 16) /* elements */
_Static_assert(N_EDGES == PX_MAX_EDGES, "the kernel counts all edges at once");

typedef struct hist_job {
    const px_pair *pair;
    unsigned need;
    const px_hist *hists;
    int64_t n_blocks;
    int n_parts;
    int64_t (
        *counts)[PX_N_OF][N_EDGES]; /* per part: elements not below each edge; beyond the last */
    void **scratch;                 /* per part */
} hist_job;

/* Rounds a double result to the edge type. One operation on two values of a smaller type rounds
 * the same this way as in the type itself. */
static double rounded(pgy_dtype type, double v)
{
    if (type == PGY_DTYPE_F64)
        return v;
    return type == PGY_DTYPE_F32 ? (double)(float)v : (double)px_f16_to_f32(px_f64_to_f16(v));
}

/* F16, F32 or F64: what edges are computed in. */
static pgy_dtype edge_type(const px_pair *pair, px_which which)
{
    return pair->dtype[which] == PGY_DTYPE_F16 ? PGY_DTYPE_F16
           : pair->work[which] == PX_F32       ? PGY_DTYPE_F32
                                               : PGY_DTYPE_F64;
}

/* ---- edges ---- */

static void say_not_finite(px_hist *out, const char *kind, pgy_dtype type, double first,
                           double last)
{
    px_buf b = {0};
    px_buf_printf(&b, "%s range of [", kind);
    for (int i = 0; i < 2; i++) {
        const double v = i == 0 ? first : last;
        if (type == PGY_DTYPE_F32)
            px_fmt_repr_f32(&b, (float)v);
        else
            px_fmt_repr_f64(&b, v);
        px_buf_puts(&b, i == 0 ? ", " : "] is not finite");
    }
    (void)snprintf(out->why, sizeof out->why, "%s", px_buf_cstr(&b));
    px_buf_fini(&b);
    out->state = PX_HIST_FAILED;
}

/* A given range is split in double and the edges are rounded; an array's own range is split in its
 * own type. */
static void make_edges(pgy_dtype type, const px_stats *stats, const double *range, px_hist *out)
{
    const bool own = range == NULL;
    const pgy_dtype in = own ? type : PGY_DTYPE_F64;
    double first = own ? stats->min : range[0], last = own ? stats->max : range[1];
    if (!isfinite(first) || !isfinite(last)) {
        say_not_finite(out, own ? "autodetected" : "supplied", in, first, last);
        return;
    }
    if (first == last) {
        first = rounded(in, first - 0.5);
        last = rounded(in, last + 0.5);
    }
    const double step = rounded(in, rounded(in, last - first) / PX_HIST_BINS);
    for (int i = 0; i < PX_HIST_BINS; i++)
        out->edges[i] = rounded(type, rounded(in, rounded(in, i * step) + first));
    out->edges[PX_HIST_BINS] = rounded(type, last);
    for (int i = 0; i < PX_HIST_BINS; i++)
        if (!(out->edges[i] < out->edges[i + 1])) {
            out->state = PX_HIST_FAILED;
            (void)snprintf(out->why, sizeof out->why,
                           "Too many bins for data range. Cannot create 10 finite-sized bins.");
            return;
        }
    const double most = stats->max < last ? stats->max : last;
    if (!isfinite(rounded(type, most - rounded(type, first)))) {
        out->state = PX_HIST_FAILED;
        (void)snprintf(out->why, sizeof out->why,
                       "index -9223372036854775808 is out of bounds for axis 0 with size 11");
    }
}

/* ---- counting ---- */

static void count_doubles(const double *x, int64_t n, const double *edges, int64_t *counts)
{
    for (int e = 0; e < N_EDGES; e++) {
        int64_t count = 0;
        for (int64_t i = 0; i < n; i++)
            count += x[i] >= edges[e];
        counts[e] += count;
    }
}

/* True when all elements lie at or above the first edge and below the second: then they are
 * counted.
 */
static bool count_below_second(const hist_job *job, const float *x, int64_t n,
                               const float edges[N_EDGES], int64_t *counts)
{
    px_k_minmax_f32 m;
    job->pair->k->minmax(x, n, &m);
    if (m.n_nan > 0 || !(m.min >= edges[0] && m.max < edges[1]))
        return false;
    counts[0] += n;
    return true;
}

static void count_array(const hist_job *job, px_which which, const px_pair_block *block,
                        int64_t *counts)
{
    const px_work w = job->pair->work[which];
    const double *from = job->hists[which].edges;
    if (w == PX_F32) {
        float edges[N_EDGES]; /* exact: they are float32 or smaller */
        for (int e = 0; e < N_EDGES; e++)
            edges[e] = (float)from[e];
        edges[PX_HIST_BINS] = nextafterf(edges[PX_HIST_BINS], INFINITY);
        /* Relative differences mostly lie in the first bin, far below their maximum. */
        if (which == PX_OF_REL &&
            count_below_second(job, block->at[which], block->n, edges, counts))
            return;
        job->pair->k->count_edges(block->at[which], block->n, edges, counts);
        return;
    }
    double edges[N_EDGES];
    memcpy(edges, from, sizeof edges);
    edges[PX_HIST_BINS] = nextafter(edges[PX_HIST_BINS], INFINITY);
    double converted[512];
    const int64_t step = (int64_t)PX_COUNTOF(converted);
    for (int64_t i = 0; i < block->n; i += step) {
        const int64_t n = PX_MIN(step, block->n - i);
        px_t_to_f64(w, (const char *)block->at[which] + (size_t)i * px_work_size(w), n, converted);
        count_doubles(converted, n, edges, counts);
    }
}

static void count_parts(void *arg, int64_t begin, int64_t end)
{
    const hist_job *job = arg;
    for (int64_t p = begin; p < end; p++) {
        const int64_t last = job->n_blocks * (p + 1) / job->n_parts;
        for (int64_t b = job->n_blocks * p / job->n_parts; b < last; b++) {
            px_pair_block block;
            const int64_t first = b * PX_BLOCK;
            px_pair_load(job->pair, job->scratch[p], first,
                         PX_MIN(PX_BLOCK, job->pair->count - first), job->need, &block);
            for (int i = 0; i < PX_N_OF; i++)
                if (job->need & PX_NEED(i))
                    count_array(job, (px_which)i, &block, job->counts[p][i]);
        }
    }
}

static pgy_status *count_all(pgy_context *cx, hist_job *job, px_hist *out)
{
    pgy_status *st = NULL;
    const int n_threads =
        cx != NULL && job->pair->count > WORTH_A_THREAD ? px_context_threads(cx) : 1;
    job->n_blocks = (job->pair->count + PX_BLOCK - 1) / PX_BLOCK;
    job->n_parts =
        (int)PX_MIN(job->n_blocks, (int64_t)(n_threads == 1 ? 1 : PX_MIN(2 * n_threads, 64)));
    PX_TRY(PX_ALLOC(job->counts, (size_t)job->n_parts));
    PX_TRY(PX_ALLOC(job->scratch, (size_t)job->n_parts));
    for (int p = 0; p < job->n_parts; p++) {
        job->scratch[p] = px_mem_alloc_aligned(PX_PAIR_SCRATCH);
        if (job->scratch[p] == NULL)
            PX_TRY(px_status_nomem());
    }
    px_parallel_for(cx, job->n_parts, 1, count_parts, job);
    for (int i = 0; i < PX_N_OF; i++) {
        if (!(job->need & PX_NEED(i)))
            continue;
        for (int bin = 0; bin < PX_HIST_BINS; bin++)
            for (int p = 0; p < job->n_parts; p++)
                out[i].counts[bin] += job->counts[p][i][bin] - job->counts[p][i][bin + 1];
    }
done:
    for (int p = 0; job->scratch != NULL && p < job->n_parts; p++)
        px_mem_free(job->scratch[p]);
    px_mem_free(job->scratch);
    px_mem_free(job->counts);
    return st;
}

pgy_status *px_hists_of(pgy_context *cx, const px_pair *pair, unsigned need, const px_stats *stats,
                        const double *range, px_hist out[PX_N_OF])
{
    pgy_status *st = NULL;
    hist_job job = {.pair = pair, .hists = out};
    for (int i = 0; i < PX_N_OF; i++) {
        if (!(need & PX_NEED(i)))
            continue;
        out[i] = (px_hist){.state = pair->count == 0           ? PX_HIST_NONE
                                    : pair->work[i] == PX_BOOL ? PX_HIST_BLANK
                                                               : PX_HIST_OK};
        if (out[i].state == PX_HIST_OK)
            make_edges(edge_type(pair, (px_which)i), &stats[i], i <= PX_OF_B ? range : NULL,
                       &out[i]);
        job.need |= out[i].state == PX_HIST_OK ? PX_NEED(i) : 0;
    }
    if (job.need != 0)
        PX_TRY(count_all(cx, &job, out));
done:
    return st;
}
