/* compare/stats.c - the passes over the data that make px_stats.
 *
 * What one pass can compute does not need the results of another:
 *   1  mean sums, extremes, mismatches, ULP distances, order statistics: those of large float32
 *      series whole (bracket.h), of short ones by sorting, else their first 16 bits (select.h)
 *   2  squared deviations (need the mean), next 16 bits
 *   3+ remaining bits of 64-bit keys
 * The cut of the data into blocks decides the order of additions (sum.h), so a pass runs once per
 * cut that any of its sums needs: float32 arrays need the tree only, integers the chunks as well.
 *
 * numpy's routines behind the numbers: mean(dtype=float32), var, median, quantile (linear).
 */
#include "compare/stats.h"

#include "base/half.h"
#include "base/log.h"
#include "base/thread.h"
#include "compare/bracket.h"
#include "compare/sum.h"
#include "compare/ulp.h"

#include <math.h>

#define WORTH_A_THREAD                                                                             \
    ((int64_t)1 << 16)                 /* elements; waking one takes as long as a few thousand     \
                                        */
#define PASS_BUDGET ((size_t)40 << 20) /* bytes for all threads' scratch and counts together */

enum {
    OP_MEAN = 1,
    OP_CENTER = 2,
    OP_EXTREMES = 4,
    OP_COUNT = 8,
    OP_DEV = 16,
    OP_BRACKET = 32,
    OP_KEEP = 64
};
enum { Q_MEDIAN_LOW, Q_MEDIAN_HIGH, Q_P90, Q_P95 = 4, Q_P99 = 6, Q_ASKED = 8, N_Q = 10 };

typedef struct series {
    bool wanted;
    px_work work;
    pgy_dtype dtype;
    int64_t lowest;            /* the integer whose magnitude wraps */
    float *sums, *abs_sums;    /* one per block */
    double *sums_f64;          /* one per block */
    float mean, avg_magnitude; /* results of the sums */
    double center, var;        /* the mean that the variance is taken around */
    px_extremes extremes;
    px_select select;
    px_brackets brackets;
    uint64_t *keys; /* of short series, and as much scratch behind them */
    int q[N_Q];     /* positions in `select`, -1: not needed */
    uint32_t **counts;
} series;

/* What one thread works with and gathers. */
typedef struct work_part {
    void *scratch;
    float *f32;
    double *f64;
    uint64_t *keys;
    px_extremes extremes[PX_N_OF];
    px_bracket_part brackets[PX_N_OF];
    int64_t n_mismatch, n_zero;
    px_k_ulp ulp;
} work_part;

typedef struct stats_job {
    pgy_context *cx;
    const px_pair *pair;
    series of[PX_N_OF];
    px_blocks blocks[2]; /* by px_cut; empty until needed */
    work_part *slots;
    int n_slots;
    int64_t n_mismatch, n_zero;
    px_k_ulp ulp;
    /* the pass under way */
    const px_blocks *cut;
    unsigned ops[PX_N_OF];
    bool pair_ops;
} stats_job;

static bool is_float(px_work w)
{
    return w == PX_F32 || w == PX_F64;
}

static px_cut cut_of_mean(const series *s)
{
    return s->dtype == PGY_DTYPE_F32 ? PX_TREE : PX_CHUNKS;
}

static px_cut cut_of_center(const series *s)
{
    return is_float(s->work) ? PX_TREE : PX_CHUNKS;
}

/* ---- one block ---- */

static void do_mean(const stats_job *job, series *s, work_part *slot, size_t b, const void *x,
                    int64_t n)
{
    const px_f32_kernels *k = job->pair->k;
    if (s->work == PX_F32) {
        k->sum(x, n, &s->sums[b], &s->abs_sums[b]);
        return;
    }
    px_t_to_f32(s->work, x, n, slot->f32);
    k->sum(slot->f32, n, &s->sums[b], &s->abs_sums[b]);
    if (s->work == PX_I32 || s->work == PX_I64) {
        float unused;
        px_t_magnitude(s->work, x, n, s->lowest, slot->f32);
        k->sum(slot->f32, n, &s->abs_sums[b], &unused);
    }
}

static const double *doubles(px_work w, const void *x, int64_t n, double *buffer)
{
    if (w == PX_F64)
        return x;
    px_t_to_f64(w, x, n, buffer);
    return buffer;
}

static void do_center(const stats_job *job, series *s, work_part *slot, size_t b, const void *x,
                      int64_t n)
{
    if (s->work == PX_F32) {
        float unused;
        job->pair->k->sum(x, n, &s->sums[b], &unused);
        return;
    }
    s->sums_f64[b] = px_t_sum_f64(doubles(s->work, x, n, slot->f64), n);
}

static void do_dev(const stats_job *job, series *s, work_part *slot, size_t b, const void *x,
                   int64_t n)
{
    if (s->work == PX_F32)
        s->sums[b] = job->pair->k->sq_dev(x, n, (float)s->center);
    else
        s->sums_f64[b] = px_t_sq_dev_f64(doubles(s->work, x, n, slot->f64), n, s->center);
}

/* `e` is of elements from `first` on; the earlier position wins. */
static void join_extremes(px_extremes *io, const px_extremes *e, int64_t first)
{
    if (e->argmin >= 0 && (io->argmin < 0 || e->min < io->min)) {
        io->min = e->min;
        io->argmin = first + e->argmin;
    }
    if (e->argmax >= 0 && (io->argmax < 0 || e->max > io->max)) {
        io->max = e->max;
        io->argmax = first + e->argmax;
    }
    if (io->first_nan < 0 && e->first_nan >= 0)
        io->first_nan = first + e->first_nan;
    io->n_nan += e->n_nan;
    io->n_inf += e->n_inf;
}

static void do_extremes(px_work w, const void *x, int64_t n, int64_t first, px_extremes *io)
{
    px_extremes e;
    px_t_extremes(w, x, n, &e);
    join_extremes(io, &e, first);
}

/* float32: sums and extremes from the same loads. A finite sum of magnitudes tells that there is
 * nothing special, and only news about the extremes makes it worth looking for their position. */
static void do_moments(const stats_job *job, series *s, size_t b, const float *x, int64_t n,
                       int64_t first, px_extremes *io)
{
    float min, max;
    job->pair->k->moments(x, n, &s->sums[b], &s->abs_sums[b], &min, &max);
    if (isfinite(s->abs_sums[b]) && io->argmin >= 0 && !(min < io->min) && !(max > io->max))
        return;
    do_extremes(PX_F32, x, n, first, io);
}

static void do_block(stats_job *job, work_part *slot, int part, size_t b)
{
    px_pair_block block;
    unsigned need = 0;
    for (int i = 0; i < PX_N_OF; i++)
        need |= job->ops[i] != 0 ? PX_NEED(i) : 0;
    if (job->pair_ops)
        need |= PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL);
    px_pair_load(job->pair, slot->scratch, job->cut->at[b], px_blocks_len(job->cut, b), need,
                 &block);
    for (int i = 0; i < PX_N_OF; i++) {
        series *s = &job->of[i];
        const unsigned ops = job->ops[i];
        const bool together = s->work == PX_F32 && (ops & OP_MEAN) != 0 && (ops & OP_EXTREMES) != 0;
        if (together)
            do_moments(job, s, b, block.at[i], block.n, block.first, &slot->extremes[i]);
        else if (ops & OP_MEAN)
            do_mean(job, s, slot, b, block.at[i], block.n);
        if (ops & OP_CENTER)
            do_center(job, s, slot, b, block.at[i], block.n);
        if (ops & OP_DEV)
            do_dev(job, s, slot, b, block.at[i], block.n);
        if ((ops & OP_EXTREMES) && !together)
            do_extremes(s->work, block.at[i], block.n, block.first, &slot->extremes[i]);
        if (ops & OP_COUNT)
            px_select_count(&s->select, s->work, job->pair->k, block.at[i], block.n, slot->keys,
                            s->counts + part * PX_MAX_RANKS);
        if (ops & OP_KEEP)
            px_t_keys(s->work, block.at[i], block.n, s->keys + block.first);
        if (ops & OP_BRACKET)
            job->pair->k->bracket(block.at[i], block.n, &s->brackets.at, slot->brackets[i].n_above,
                                  &slot->brackets[i].found);
    }
    if (job->pair_ops) {
        slot->n_mismatch += block.n_mismatch;
        slot->n_zero += block.n_zero;
        if (px_ulp_applies(job->pair))
            px_ulp_add(job->pair, &block, &slot->ulp);
    }
}

static void do_slots(void *arg, int64_t begin, int64_t end)
{
    stats_job *job = arg;
    const size_t n = job->cut->n;
    for (int64_t p = begin; p < end; p++) {
        const size_t first = n * (size_t)p / (size_t)job->n_slots;
        const size_t last = n * ((size_t)p + 1) / (size_t)job->n_slots;
        for (size_t b = first; b < last; b++)
            do_block(job, &job->slots[p], (int)p, b);
    }
}

/* ---- one pass ---- */

static void fini_pass(stats_job *job)
{
    for (int i = 0; i < PX_N_OF; i++) {
        series *s = &job->of[i];
        for (int c = 0; s->counts != NULL && c < job->n_slots * PX_MAX_RANKS; c++)
            px_mem_free(s->counts[c]);
        px_mem_free(s->counts);
        px_mem_free(s->sums);
        px_mem_free(s->abs_sums);
        px_mem_free(s->sums_f64);
        px_mem_free(s->keys);
        s->keys = NULL;
        s->counts = NULL;
        s->sums = s->abs_sums = NULL;
        s->sums_f64 = NULL;
    }
    for (int p = 0; job->slots != NULL && p < job->n_slots; p++) {
        px_mem_free(job->slots[p].scratch);
        for (int i = 0; i < PX_N_OF; i++)
            px_bracket_part_fini(&job->slots[p].brackets[i]);
    }
    px_mem_free(job->slots);
    job->slots = NULL;
    job->n_slots = 0;
}

/* As many parts as threads can use and the budget allows; a part stays below 2^32 elements, which
 * is what its counters hold. */
static int slots_for(const stats_job *job)
{
    size_t size = PX_PAIR_SCRATCH + (size_t)PX_BLOCK * 20;
    for (int i = 0; i < PX_N_OF; i++)
        if (job->ops[i] & OP_COUNT)
            size += (size_t)job->of[i].select.n_targets * PX_RADIX_BINS * sizeof(uint32_t);
    size_t n = 1;
    if (job->cx != NULL && job->cut->count > WORTH_A_THREAD) {
        const size_t n_threads = (size_t)px_context_threads(job->cx);
        n = PX_MIN(PX_MAX(PASS_BUDGET / size, 1), n_threads == 1 ? 1 : 2 * n_threads);
        n = PX_MIN(n, (size_t)(job->cut->count / WORTH_A_THREAD) + 1);
    }
    n = PX_MAX(n, (size_t)(job->cut->count >> 31) + 1);
    return (int)PX_MIN(n, PX_MAX(job->cut->n, 1));
}

static pgy_status *init_pass(stats_job *job)
{
    pgy_status *st = NULL;
    const size_t n_blocks = job->cut->n;
    job->n_slots = slots_for(job);
    PX_TRY(PX_ALLOC(job->slots, (size_t)job->n_slots));
    for (int p = 0; p < job->n_slots; p++) {
        work_part *slot = &job->slots[p];
        const size_t block = PX_BLOCK;
        char *memory = px_mem_alloc_aligned(PX_PAIR_SCRATCH + block * 20);
        if (memory == NULL)
            PX_TRY(px_status_nomem());
        slot->scratch = memory;
        slot->keys = (uint64_t *)(void *)(memory + PX_PAIR_SCRATCH);
        slot->f64 = (double *)(void *)(slot->keys + block);
        slot->f32 = (float *)(void *)(slot->f64 + block);
        for (int i = 0; i < PX_N_OF; i++) {
            slot->extremes[i] = (px_extremes){.argmin = -1, .argmax = -1, .first_nan = -1};
            if (job->ops[i] & OP_BRACKET)
                PX_TRY(px_bracket_part_init(&job->of[i].brackets, &slot->brackets[i]));
        }
    }
    for (int i = 0; i < PX_N_OF; i++) {
        series *s = &job->of[i];
        if (job->ops[i] & (OP_MEAN | OP_CENTER | OP_DEV)) {
            PX_TRY(PX_ALLOC(s->sums, n_blocks));
            PX_TRY(PX_ALLOC(s->abs_sums, n_blocks));
            PX_TRY(PX_ALLOC(s->sums_f64, n_blocks));
        }
        if (job->ops[i] & OP_KEEP)
            PX_TRY(PX_ALLOC(s->keys, 2 * (size_t)job->pair->count));
        if (!(job->ops[i] & OP_COUNT))
            continue;
        PX_TRY(PX_ALLOC(s->counts, (size_t)job->n_slots * PX_MAX_RANKS));
        for (int p = 0; p < job->n_slots; p++)
            for (int t = 0; t < s->select.n_targets; t++)
                PX_TRY(PX_ALLOC(s->counts[p * PX_MAX_RANKS + t], PX_RADIX_BINS));
    }
done:
    return st;
}

/* Series whose guess fails are left as they are, for the passes that count. */
static void resolve_brackets(void *arg, int64_t begin, int64_t end)
{
    stats_job *job = arg;
    for (int64_t i = begin; i < end; i++)
        if (job->ops[i] & OP_BRACKET)
            (void)px_brackets_resolve(&job->of[i].brackets, &job->slots[0].brackets[i],
                                      job->n_slots, sizeof(work_part), job->pair->count,
                                      &job->of[i].select);
}

static void finish_series(stats_job *job, int i)
{
    series *s = &job->of[i];
    const unsigned ops = job->ops[i];
    const double n = (double)job->pair->count;
    if (ops & OP_MEAN) {
        s->mean = px_blocks_join_f32(job->cut, s->sums) / (float)n;
        s->avg_magnitude = px_blocks_join_f32(job->cut, s->abs_sums) / (float)n;
        if (s->dtype == PGY_DTYPE_F32)
            s->center = s->mean;
    }
    if (ops & OP_CENTER)
        s->center = s->work == PX_F32 ? px_blocks_join_f32(job->cut, s->sums) / (float)n
                                      : px_blocks_join_f64(job->cut, s->sums_f64) / n;
    if (ops & OP_DEV)
        s->var = s->work == PX_F32 ? px_blocks_join_f32(job->cut, s->sums) / (float)n
                                   : px_blocks_join_f64(job->cut, s->sums_f64) / n;
    for (int p = 0; p < job->n_slots && (ops & OP_EXTREMES); p++)
        join_extremes(&s->extremes, &job->slots[p].extremes[i], 0);
    if (ops & OP_KEEP)
        px_select_sort(&s->select, s->keys, s->keys + job->pair->count, job->pair->count);
    if (ops & OP_COUNT)
        px_select_advance(&s->select, s->counts, job->n_slots);
}

static pgy_status *run_pass(stats_job *job, px_cut cut)
{
    pgy_status *st = NULL;
    bool idle = !job->pair_ops, bracketed = false;
    for (int i = 0; i < PX_N_OF; i++) {
        idle = idle && job->ops[i] == 0;
        bracketed = bracketed || (job->ops[i] & OP_BRACKET) != 0;
    }
    if (idle)
        goto done;
    if (job->blocks[cut].n == 0)
        PX_TRY(px_blocks_init(&job->blocks[cut], cut, job->pair->count));
    job->cut = &job->blocks[cut];
    PX_TRY(init_pass(job));
    px_parallel_for(job->cx, job->n_slots, 1, do_slots, job);
    for (int i = 0; i < PX_N_OF; i++)
        finish_series(job, i);
    if (bracketed)
        px_parallel_for(job->cx, PX_N_OF, 1, resolve_brackets, job);
    for (int p = 0; p < job->n_slots && job->pair_ops; p++) {
        const work_part *slot = &job->slots[p];
        job->n_mismatch += slot->n_mismatch;
        job->n_zero += slot->n_zero;
        job->ulp.max = PX_MAX(job->ulp.max, slot->ulp.max);
        job->ulp.sum += slot->ulp.sum;
        job->ulp.n += slot->ulp.n;
    }
done:
    fini_pass(job);
    job->pair_ops = false;
    return st;
}

/* ---- order statistics ---- */

static double at(const series *s, int q)
{
    return px_key_to_f64(s->work, s->select.key[s->q[q]]);
}

static void want_rank(series *s, int q, int64_t rank)
{
    s->q[q] = px_select_add(&s->select, rank);
}

static void want_quantile(series *s, int q, int64_t n, double p)
{
    const double v = (double)(n - 1) * p;
    const int64_t k = v >= (double)(n - 1) ? n - 1 : (int64_t)floor(v);
    want_rank(s, q, k);
    want_rank(s, q + 1, PX_MIN(k + 1, n - 1));
}

/* b - a in the array's own type: integers wrap, as numpy's do. */
static double gap(const series *s, int q, double a, double b)
{
    const uint64_t ka = s->select.key[s->q[q]], kb = s->select.key[s->q[q + 1]];
    switch (s->dtype) {
    case PGY_DTYPE_I8:
        return (int8_t)(uint8_t)(int)(b - a);
    case PGY_DTYPE_I16:
        return (int16_t)(uint16_t)(int)(b - a);
    case PGY_DTYPE_I32:
        return (int32_t)(uint32_t)((kb - ka) >> 32);
    case PGY_DTYPE_I64:
        return (double)(int64_t)(kb - ka);
    case PGY_DTYPE_U64:
        return (double)(kb - ka);
    case PGY_DTYPE_F32:
        return (float)b - (float)a;
    default:
        return b - a;
    }
}

static double round_to(pgy_dtype dtype, double v)
{
    if (dtype == PGY_DTYPE_F16)
        return px_f16_to_f32(px_f64_to_f16(v));
    /* Small floats that numpy does not have are computed as the float32 they widen to. */
    return px_dtype_is_float(dtype) && dtype != PGY_DTYPE_F64 ? (double)(float)v : v;
}

static double quantile(const series *s, int q, int64_t n, double p)
{
    if (n == 0)
        return INFINITY;
    if (s->extremes.n_nan > 0)
        return NAN;
    const double v = (double)(n - 1) * p;
    const double a = at(s, q);
    if (v >= (double)(n - 1))
        return a;
    const double g = v - floor(v), b = at(s, q + 1);
    const double d = round_to(s->dtype, gap(s, q, a, b));
    if (g >= 0.5)
        return round_to(s->dtype, b - round_to(s->dtype, d * round_to(s->dtype, 1 - g)));
    return round_to(s->dtype, a + round_to(s->dtype, d * round_to(s->dtype, g)));
}

static double median(const series *s, int64_t n)
{
    if (n == 0)
        return 0;
    if (s->extremes.n_nan > 0)
        return NAN;
    const double a = at(s, Q_MEDIAN_LOW);
    if (n % 2 == 1)
        return a + 0.0; /* numpy takes the mean of it: -0 becomes 0 */
    const double b = at(s, Q_MEDIAN_HIGH);
    return s->work == PX_F32 ? (double)((0.0f + (float)a + (float)b) / 2.0f) : (0.0 + a + b) / 2;
}

/* ---- the whole job ---- */

static void init_series(stats_job *job, int i, double asked)
{
    series *s = &job->of[i];
    const int64_t n = job->pair->count;
    s->wanted = true;
    s->work = job->pair->work[i];
    s->dtype = job->pair->dtype[i];
    s->lowest = s->dtype == PGY_DTYPE_I8    ? INT8_MIN
                : s->dtype == PGY_DTYPE_I16 ? INT16_MIN
                : s->dtype == PGY_DTYPE_I32 ? INT32_MIN
                : s->dtype == PGY_DTYPE_I64 ? INT64_MIN
                                            : 1; /* positive: no element is changed */
    s->extremes = (px_extremes){.argmin = -1, .argmax = -1, .first_nan = -1};
    px_select_init(&s->select, s->work);
    want_rank(s, Q_MEDIAN_LOW, (n - 1) / 2);
    want_rank(s, Q_MEDIAN_HIGH, n / 2);
    if (s->work != PX_BOOL) {
        want_quantile(s, Q_P90, n, 0.9);
        want_quantile(s, Q_P95, n, 0.95);
        want_quantile(s, Q_P99, n, 0.99);
    }
    if (!isnan(asked))
        want_quantile(s, Q_ASKED, n, asked);
    px_select_start(&s->select);
}

typedef struct guessing {
    stats_job *job;
    const px_sample *sample;
    pgy_status *failed[PX_N_OF];
} guessing;

/* How the first pass serves the order statistics of a series. */
static unsigned selection_of(const stats_job *job, const series *s)
{
    return job->pair->count <= PX_SELECT_SORTED ? OP_KEEP
           : s->brackets.at.n > 0               ? OP_BRACKET
                                                : OP_COUNT;
}

static void guess_series(void *arg, int64_t begin, int64_t end)
{
    guessing *g = arg;
    for (int64_t i = begin; i < end; i++) {
        series *s = &g->job->of[i];
        if (s->wanted && s->work == PX_F32)
            g->failed[i] = px_brackets_guess(g->sample, (px_which)i, g->job->pair->count,
                                             &s->select, &s->brackets);
    }
}

static pgy_status *guess_brackets(stats_job *job)
{
    pgy_status *st = NULL;
    px_sample sample = {0};
    guessing g = {.job = job, .sample = &sample};
    if (job->pair->count < PX_BRACKET_MIN || !px_sample_applies(job->pair))
        goto done;
    PX_TRY(px_sample_init(job->cx, job->pair, &sample));
    px_parallel_for(job->cx, PX_N_OF, 1, guess_series, &g);
    for (int i = 0; i < PX_N_OF; i++)
        st = px_status_join(st, g.failed[i]);
done:
    px_sample_fini(&sample);
    return st;
}

static pgy_status *run_passes(stats_job *job)
{
    pgy_status *st = NULL;
    bool more = true;
    const bool pair_ops = job->of[PX_OF_ABS].wanted || job->of[PX_OF_REL].wanted;
    /* The pair's own counts ride on the pass that loads the differences anyway. */
    const series *d = &job->of[job->of[PX_OF_ABS].wanted ? PX_OF_ABS : PX_OF_REL];
    PX_TRY(guess_brackets(job));
    for (int cut = PX_TREE; cut <= PX_CHUNKS; cut++) {
        for (int i = 0; i < PX_N_OF; i++) {
            const series *s = &job->of[i];
            job->ops[i] = 0;
            if (s->wanted && cut_of_mean(s) == (px_cut)cut)
                job->ops[i] |= OP_MEAN | OP_EXTREMES | selection_of(job, s);
            if (s->wanted && s->dtype != PGY_DTYPE_F32 && cut_of_center(s) == (px_cut)cut)
                job->ops[i] |= OP_CENTER;
        }
        job->pair_ops = pair_ops && cut_of_mean(d) == (px_cut)cut;
        PX_TRY(run_pass(job, (px_cut)cut));
    }
    for (int pass = 0; more; pass++) {
        more = false;
        for (int i = 0; i < PX_N_OF; i++) {
            const series *s = &job->of[i];
            const bool count = s->wanted && !px_select_done(&s->select) && s->extremes.n_nan == 0;
            job->ops[i] = (s->wanted && pass == 0 ? OP_DEV : 0u) | (count ? OP_COUNT : 0u);
            more = more || job->ops[i] != 0;
        }
        PX_TRY(run_pass(job, PX_TREE));
    }
done:
    return st;
}

static void fill(const stats_job *job, int i, double asked, px_stats *out)
{
    const series *s = &job->of[i];
    const px_extremes *e = &s->extremes;
    const int64_t n = job->pair->count;
    *out = (px_stats){.count = n, .dtype = s->dtype, .has_percentiles = s->work != PX_BOOL};
    out->n_nan = e->n_nan;
    out->n_inf = e->n_inf;
    out->mean = n == 0 ? NAN : s->mean;
    out->avg_magnitude = n == 0 ? NAN : s->avg_magnitude;
    out->var = s->var;
    out->std = s->work == PX_F32 ? (double)sqrtf((float)s->var) : sqrt(s->var);
    out->median = median(s, n);
    if (e->n_nan > 0) {
        out->min = out->max = NAN;
        out->argmin = out->argmax = e->first_nan;
    } else if (n > 0) {
        out->min = (double)e->min;
        out->max = (double)e->max;
        out->argmin = e->argmin;
        out->argmax = e->argmax;
    }
    if (out->has_percentiles) {
        out->p90 = quantile(s, Q_P90, n, 0.9);
        out->p95 = quantile(s, Q_P95, n, 0.95);
        out->p99 = quantile(s, Q_P99, n, 0.99);
    }
    out->quantile = isnan(asked) ? NAN : quantile(s, Q_ASKED, n, asked);
}

static pgy_status *compute(pgy_context *cx, const px_pair *pair, unsigned need, double asked,
                           px_pair_stats *out)
{
    pgy_status *st = NULL;
    stats_job job = {.cx = cx, .pair = pair};
    for (int i = 0; i < PX_N_OF; i++)
        if (need & PX_NEED(i))
            init_series(&job, i, asked);
    if (pair->count > 0)
        PX_TRY(run_passes(&job));
    *out = (px_pair_stats){.n_mismatch = job.n_mismatch, .n_zero = job.n_zero};
    for (int i = 0; i < PX_N_OF; i++)
        if (need & PX_NEED(i))
            fill(&job, i, asked, &out->of[i]);
    if (px_ulp_applies(pair))
        out->ulp = (px_ulp){.given = true,
                            .max = job.ulp.max,
                            .mean = job.ulp.n > 0 ? (double)job.ulp.sum / (double)job.ulp.n : NAN,
                            .n = job.ulp.n};
done:
    px_blocks_fini(&job.blocks[0]);
    px_blocks_fini(&job.blocks[1]);
    return st;
}

/* ---- equal arrays ---- */

static bool same_bytes(const px_pair *pair)
{
    const pgy_tensor *a = pair->a, *b = pair->b;
    return b != NULL && a->dtype == b->dtype && a->size == b->size &&
           is_float(pair->work[PX_OF_A]) && memcmp(a->data, b->data, a->size) == 0;
}

typedef struct zero_job {
    const px_pair *pair;
    int64_t n_zero;
    bool failed;
} zero_job;

static void count_zeros(void *arg, int64_t begin, int64_t end)
{
    zero_job *job = arg;
    int64_t n_zero = 0;
    void *scratch = px_mem_alloc_aligned(PX_PAIR_SCRATCH);
    if (scratch == NULL) {
        __atomic_store_n(&job->failed, true, __ATOMIC_RELAXED);
        return;
    }
    for (int64_t first = begin; first < end; first += PX_BLOCK) {
        px_pair_block block;
        px_pair_load(job->pair, scratch, first, PX_MIN(PX_BLOCK, end - first), PX_NEED(PX_OF_B),
                     &block);
        const float *f = block.at[PX_OF_B];
        const double *d = block.at[PX_OF_B];
        int64_t here = 0;
        if (job->pair->work[PX_OF_B] == PX_F32)
            for (int64_t i = 0; i < block.n; i++)
                here += f[i] == 0;
        else
            for (int64_t i = 0; i < block.n; i++)
                here += d[i] == 0;
        n_zero += here;
    }
    __atomic_fetch_add(&job->n_zero, n_zero, __ATOMIC_RELAXED);
    px_mem_free(scratch);
}

/* Arrays of the same finite floats differ by zeros, which need no pass. */
static pgy_status *fill_equal(pgy_context *cx, const px_pair *pair, unsigned need, double asked,
                              const px_stats *a, px_pair_stats *out)
{
    zero_job job = {.pair = pair};
    px_parallel_for(cx, pair->count, WORTH_A_THREAD, count_zeros, &job);
    if (job.failed)
        return px_status_nomem();
    *out = (px_pair_stats){.n_zero = job.n_zero};
    for (int i = 0; i < PX_N_OF; i++) {
        if (!(need & PX_NEED(i)))
            continue;
        out->of[i] = i == PX_OF_A || i == PX_OF_B
                         ? *a
                         : (px_stats){.count = pair->count,
                                      .dtype = pair->dtype[i],
                                      .has_percentiles = true,
                                      .quantile = isnan(asked) ? NAN : 0.0};
    }
    if (px_ulp_applies(pair))
        out->ulp = (px_ulp){.given = true, .n = pair->count};
    return NULL;
}

pgy_status *px_pair_stats_of(pgy_context *cx, const px_pair *pair, unsigned need, double asked,
                             px_pair_stats *out)
{
    pgy_status *st = NULL;
    const unsigned differences = PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL);
    /* With a negative tolerance even equal elements mismatch. */
    if (pair->count > 0 && (need & differences) && pair->atol >= 0 && same_bytes(pair)) {
        px_pair_stats alone;
        PX_TRY(compute(cx, pair, PX_NEED(PX_OF_A), asked, &alone));
        if (alone.of[PX_OF_A].n_nan == 0 && alone.of[PX_OF_A].n_inf == 0) {
            PX_TRY(fill_equal(cx, pair, need, asked, &alone.of[PX_OF_A], out));
            goto done;
        }
    }
    PX_TRY(compute(cx, pair, need, asked, out));
done:
    return st;
}

pgy_status *px_stats_of(pgy_context *cx, const pgy_tensor *x, px_stats *out)
{
    pgy_status *st = NULL;
    px_pair pair;
    px_pair_stats stats;
    PX_TRY(px_pair_init(x, NULL, false, 0, 0, &pair));
    PX_TRY(px_pair_stats_of(cx, &pair, PX_NEED(PX_OF_A), NAN, &stats));
    *out = stats.of[PX_OF_A];
done:
    return st;
}
