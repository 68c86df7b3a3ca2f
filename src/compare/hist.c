/* compare/hist.c - see hist.h. */
#include "compare/hist.h"

#include "base/fmt.h"
#include "base/half.h"
#include "base/log.h"
#include "base/thread.h"

#include <math.h>

typedef struct hist_job {
    const px_pair *pair;
    px_which which;
    pgy_dtype type; /* F16, F32 or F64: what edges and bins are computed in */
    bool own;       /* the range is the array's own */
    double first, last, width;
    double edges[PX_HIST_BINS + 1];
    int64_t n_blocks;
    int n_parts;
    int64_t (*counts)[PX_HIST_BINS]; /* per part */
    void **scratch;                  /* per part */
    bool *bad;                       /* per part */
} hist_job;

/* Rounds a double result to the edge type. One operation on two values of a smaller type rounds
 * the same this way as in the type itself. */
static double rounded(pgy_dtype type, double v)
{
    if (type == PGY_DTYPE_F64)
        return v;
    return type == PGY_DTYPE_F32 ? (double)(float)v : (double)px_f16_to_f32(px_f64_to_f16(v));
}

static inline float to_f16(float v)
{
    return px_f16_to_f32(px_f32_to_f16(v));
}

/* Bin of an element inside the range; the guess by division is put right by the edges. A guess that
 * is no bin at all (the subtraction overflowed) is what makes numpy fail: it is kept in `bad`. */
#define COUNT(NAME, TYPE, QUOTIENT, ROUND, ROUND_QUOTIENT)                                         \
    static void NAME(const hist_job *job, const TYPE *x, int64_t n, int64_t *counts, bool *bad)    \
    {                                                                                              \
        const TYPE first = (TYPE)job->first, last = (TYPE)job->last;                               \
        const QUOTIENT width = (QUOTIENT)job->width;                                               \
        TYPE edges[PX_HIST_BINS + 1];                                                              \
        for (int i = 0; i <= PX_HIST_BINS; i++)                                                    \
            edges[i] = (TYPE)job->edges[i];                                                        \
        for (int64_t i = 0; i < n; i++) {                                                          \
            if (!(x[i] >= first && x[i] <= last))                                                  \
                continue;                                                                          \
            const QUOTIENT part = ROUND_QUOTIENT((QUOTIENT)ROUND(x[i] - first) / width);           \
            const QUOTIENT guess = ROUND_QUOTIENT(part * (QUOTIENT)PX_HIST_BINS);                  \
            if (!(guess >= 0 && guess < PX_HIST_BINS + 1)) {                                       \
                *bad = true;                                                                       \
                return;                                                                            \
            }                                                                                      \
            int bin = (int)guess;                                                                  \
            bin = bin == PX_HIST_BINS ? PX_HIST_BINS - 1 : bin;                                    \
            if (x[i] < edges[bin])                                                                 \
                bin--;                                                                             \
            else if (x[i] >= edges[bin + 1] && bin != PX_HIST_BINS - 1)                            \
                bin++;                                                                             \
            counts[PX_MAX(bin, 0)]++;                                                              \
        }                                                                                          \
    }

#define AS_IS(v) (v)
/* An array's own range: all in its type. A given range has a double width, so numpy divides in
 * double. */
COUNT(count_own_f16, float, float, to_f16, to_f16)
COUNT(count_own_f32, float, float, AS_IS, AS_IS)
COUNT(count_f16, float, double, to_f16, AS_IS)
COUNT(count_f32, float, double, AS_IS, AS_IS)
COUNT(count_f64, double, double, AS_IS, AS_IS)

static void count_block(const hist_job *job, int part, int64_t b)
{
    px_pair_block block;
    const int64_t first = b * PX_BLOCK, n = PX_MIN(PX_BLOCK, job->pair->count - first);
    const px_work w = job->pair->work[job->which];
    px_pair_load(job->pair, job->scratch[part], first, n, PX_NEED(job->which), &block);
    const void *x = block.at[job->which];
    int64_t *counts = job->counts[part];
    bool *bad = &job->bad[part];
    if (w == PX_F32) {
        (job->type == PGY_DTYPE_F16
             ? (job->own ? count_own_f16 : count_f16)
             : (job->own ? count_own_f32 : count_f32))(job, x, n, counts, bad);
    } else {
        double converted[PX_BLOCK / 8];
        for (int64_t i = 0; i < n; i += (int64_t)PX_COUNTOF(converted)) {
            const int64_t m = PX_MIN((int64_t)PX_COUNTOF(converted), n - i);
            px_t_to_f64(w, (const char *)x + (size_t)i * px_work_size(w), m, converted);
            count_f64(job, converted, m, counts, bad);
        }
    }
}

static void count_parts(void *arg, int64_t begin, int64_t end)
{
    const hist_job *job = arg;
    for (int64_t p = begin; p < end; p++) {
        const int64_t first = job->n_blocks * p / job->n_parts;
        const int64_t last = job->n_blocks * (p + 1) / job->n_parts;
        for (int64_t b = first; b < last; b++)
            count_block(job, (int)p, b);
    }
}

/* ---- edges ---- */

static void say_not_finite(px_hist *out, const char *kind, pgy_dtype type, double first,
                           double last)
{
    px_buf b = {0};
    px_buf_printf(&b, "%s range of [", kind);
    if (type == PGY_DTYPE_F32)
        px_fmt_repr_f32(&b, (float)first);
    else
        px_fmt_repr_f64(&b, first);
    px_buf_puts(&b, ", ");
    if (type == PGY_DTYPE_F32)
        px_fmt_repr_f32(&b, (float)last);
    else
        px_fmt_repr_f64(&b, last);
    px_buf_puts(&b, "] is not finite");
    (void)snprintf(out->why, sizeof out->why, "%s", px_buf_cstr(&b));
    px_buf_fini(&b);
    out->state = PX_HIST_FAILED;
}

/* A given range is split in double and the edges are rounded; an array's own range is split in its
 * own type. */
static void make_edges(hist_job *job, const px_stats *stats, const double *range, px_hist *out)
{
    const bool own = range == NULL;
    const pgy_dtype in = own ? job->type : PGY_DTYPE_F64;
    double first = own ? stats->min : range[0], last = own ? stats->max : range[1];
    if (!isfinite(first) || !isfinite(last)) {
        say_not_finite(out, own ? "autodetected" : "supplied", in, first, last);
        return;
    }
    if (first == last) {
        first = rounded(in, first - 0.5);
        last = rounded(in, last + 0.5);
    }
    const double span = rounded(in, last - first);
    const double step = rounded(in, span / PX_HIST_BINS);
    for (int i = 0; i < PX_HIST_BINS; i++)
        out->edges[i] = rounded(job->type, rounded(in, rounded(in, i * step) + first));
    out->edges[PX_HIST_BINS] = rounded(job->type, last);
    job->first = own ? first : rounded(job->type, first);
    job->last = last;
    job->width = span;
    job->own = own;
    for (int i = 0; i < PX_HIST_BINS; i++)
        if (out->edges[i] >= out->edges[i + 1]) {
            out->state = PX_HIST_FAILED;
            (void)snprintf(out->why, sizeof out->why,
                           "Too many bins for data range. Cannot "
                           "create 10 finite-sized bins.");
        }
    memcpy(job->edges, out->edges, sizeof job->edges);
}

static pgy_status *count_all(pgy_context *cx, hist_job *job, px_hist *out)
{
    pgy_status *st = NULL;
    const int n_threads = cx != NULL ? px_context_threads(cx) : 1;
    job->n_blocks = (job->pair->count + PX_BLOCK - 1) / PX_BLOCK;
    job->n_parts = (int)PX_MIN(job->n_blocks, (int64_t)PX_MIN(2 * n_threads, 64));
    PX_TRY(PX_ALLOC(job->counts, (size_t)job->n_parts));
    PX_TRY(PX_ALLOC(job->scratch, (size_t)job->n_parts));
    PX_TRY(PX_ALLOC(job->bad, (size_t)job->n_parts));
    for (int p = 0; p < job->n_parts; p++) {
        job->scratch[p] = px_mem_alloc_aligned(PX_PAIR_SCRATCH);
        if (job->scratch[p] == NULL)
            PX_TRY(px_status_nomem());
    }
    px_parallel_for(cx, job->n_parts, 1, count_parts, job);
    for (int p = 0; p < job->n_parts; p++) {
        for (int i = 0; i < PX_HIST_BINS; i++)
            out->counts[i] += job->counts[p][i];
        if (job->bad[p]) {
            out->state = PX_HIST_FAILED;
            (void)snprintf(out->why, sizeof out->why,
                           "index -9223372036854775808 is out of bounds for axis 0 with size 11");
        }
    }
done:
    for (int p = 0; job->scratch != NULL && p < job->n_parts; p++)
        px_mem_free(job->scratch[p]);
    px_mem_free(job->scratch);
    px_mem_free(job->bad);
    px_mem_free(job->counts);
    return st;
}

pgy_status *px_hist_of(pgy_context *cx, const px_pair *pair, px_which which, const px_stats *stats,
                       const double *range, px_hist *out)
{
    pgy_status *st = NULL;
    px_hist hist = {.state = PX_HIST_OK};
    hist_job job = {.pair = pair, .which = which};
    const px_work w = pair->work[which];
    if (w == PX_BOOL || pair->count == 0) {
        hist.state = pair->count == 0 ? PX_HIST_NONE : PX_HIST_BLANK;
        goto done;
    }
    job.type = pair->dtype[which] == PGY_DTYPE_F16 ? PGY_DTYPE_F16
               : w == PX_F32                       ? PGY_DTYPE_F32
                                                   : PGY_DTYPE_F64;
    make_edges(&job, stats, range, &hist);
    if (hist.state == PX_HIST_OK)
        PX_TRY(count_all(cx, &job, &hist));
done:
    if (st == NULL)
        *out = hist;
    return st;
}
