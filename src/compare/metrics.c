/* compare/metrics.c - L2 norm, cosine similarity, PSNR and SNR.
 *
 * Floats: differences in numpy's promoted type, squares and their sums in double, pairwise.
 * Products for the cosine stay in the promoted type. Integers: 64-bit, wrapping, as numpy does.
 */
#include "base/fmt.h"
#include "base/log.h"
#include "base/thread.h"
#include "compare/func.h"
#include "compare/sum.h"
#include "compare/text.h"

#include <math.h>

/* ---- sums ---- */

enum { SUM_D2, SUM_A2, SUM_B2, SUM_AB, N_SUMS };

typedef struct metric_job {
    const px_pair *pair;
    px_blocks blocks;
    bool integers; /* both: sums are exact modulo 2^64 */
    double *sums[N_SUMS];
    uint64_t *int_sums[N_SUMS];
    double *maxima; /* of A */
    bool failed;    /* memory was out in a thread */
} metric_job;

static void square(const double *x, int64_t n, double *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i] * x[i];
}

static uint64_t int_at(px_work w, const void *x, int64_t i)
{
    switch (w) {
    case PX_BOOL:
        return ((const uint8_t *)x)[i];
    case PX_I32:
        return (uint64_t)(int64_t)((const int32_t *)x)[i];
    default:
        return ((const uint64_t *)x)[i];
    }
}

static void sum_ints(metric_job *job, size_t b, const px_pair_block *block)
{
    const px_work wa = job->pair->work[PX_OF_A], wb = job->pair->work[PX_OF_B];
    uint64_t sums[N_SUMS] = {0};
    for (int64_t i = 0; i < block->n; i++) {
        const uint64_t x = int_at(wa, block->at[PX_OF_A], i);
        const uint64_t y = int_at(wb, block->at[PX_OF_B], i);
        const uint64_t d = int_at(job->pair->work[PX_OF_ABS], block->at[PX_OF_ABS], i);
        sums[SUM_D2] += d * d;
        sums[SUM_A2] += x * x;
        sums[SUM_B2] += y * y;
        /* A product of int32 wraps before it is summed in int64. */
        sums[SUM_AB] += job->pair->common == PX_I32 ? (uint64_t)(int32_t)(uint32_t)(x * y) : x * y;
    }
    for (int s = 0; s < N_SUMS; s++)
        job->int_sums[s][b] = sums[s];
}

static void sum_floats(metric_job *job, size_t b, const px_pair_block *block, double *x, double *y,
                       double *squares)
{
    const px_pair *pair = job->pair;
    const int64_t n = block->n;
    px_t_to_f64(pair->work[PX_OF_ABS], block->at[PX_OF_ABS], n, x);
    square(x, n, squares);
    job->sums[SUM_D2][b] = px_t_sum_f64(squares, n);
    px_t_to_f64(pair->work[PX_OF_A], block->at[PX_OF_A], n, x);
    square(x, n, squares);
    job->sums[SUM_A2][b] = px_t_sum_f64(squares, n);
    px_t_to_f64(pair->work[PX_OF_B], block->at[PX_OF_B], n, y);
    square(y, n, squares);
    job->sums[SUM_B2][b] = px_t_sum_f64(squares, n);
    if (pair->common == PX_F32) {
        float *products = (float *)(void *)squares, sum, unused;
        const float *fa = block->at[PX_OF_A], *fb = block->at[PX_OF_B];
        for (int64_t i = 0; i < n; i++)
            products[i] = fa[i] * fb[i];
        pair->k->sum(products, n, &sum, &unused);
        job->sums[SUM_AB][b] = sum;
        return;
    }
    for (int64_t i = 0; i < n; i++)
        squares[i] = x[i] * y[i];
    job->sums[SUM_AB][b] = px_t_sum_f64(squares, n);
}

static void sum_blocks(void *arg, int64_t begin, int64_t end)
{
    metric_job *job = arg;
    char *scratch = px_mem_alloc_aligned(PX_PAIR_SCRATCH + (size_t)3 * 8 * PX_BLOCK);
    if (scratch == NULL) {
        __atomic_store_n(&job->failed, true, __ATOMIC_RELAXED);
        return;
    }
    double *buffers = (double *)(void *)(scratch + PX_PAIR_SCRATCH);
    for (int64_t b = begin; b < end; b++) {
        px_pair_block block;
        px_extremes e;
        px_pair_load(job->pair, scratch, job->blocks.at[b], px_blocks_len(&job->blocks, (size_t)b),
                     PX_NEED(PX_OF_ABS), &block);
        if (job->integers)
            sum_ints(job, (size_t)b, &block);
        else
            sum_floats(job, (size_t)b, &block, buffers, buffers + PX_BLOCK, buffers + 2 * PX_BLOCK);
        px_t_extremes(job->pair->work[PX_OF_A], block.at[PX_OF_A], block.n, &e);
        job->maxima[b] = e.n_nan > 0 ? NAN : (double)e.max;
    }
    px_mem_free(scratch);
}

typedef struct sums {
    double of[N_SUMS];
    double max; /* of A; NaN wins */
} sums;

static pgy_status *sum_all(pgy_context *cx, const px_pair *pair, sums *out)
{
    pgy_status *st = NULL;
    const px_work c = pair->common;
    metric_job job = {.pair = pair, .integers = c != PX_F32 && c != PX_F64};
    *out = (sums){.max = -INFINITY};
    PX_TRY(px_blocks_init(&job.blocks, PX_TREE, pair->count));
    for (int s = 0; s < N_SUMS; s++) {
        PX_TRY(PX_ALLOC(job.sums[s], job.blocks.n));
        PX_TRY(PX_ALLOC(job.int_sums[s], job.blocks.n));
    }
    PX_TRY(PX_ALLOC(job.maxima, job.blocks.n));
    px_parallel_for(cx, (int64_t)job.blocks.n, 1, sum_blocks, &job);
    if (job.failed)
        PX_TRY(px_status_nomem());
    for (int s = 0; s < N_SUMS; s++) {
        uint64_t total = 0;
        for (size_t b = 0; b < job.blocks.n; b++)
            total += job.int_sums[s][b];
        if (job.integers) /* COMPAT: squares of uint64 are doubles, other integers int64 */
            out->of[s] = c == PX_U64 ? (double)total : (double)(int64_t)total;
        else
            out->of[s] = px_blocks_join_f64(&job.blocks, job.sums[s]);
    }
    if (c == PX_F32) { /* numpy adds float32 products in float32 */
        for (size_t b = 0; b < job.blocks.n; b++)
            ((float *)(void *)job.int_sums[SUM_AB])[b] = (float)job.sums[SUM_AB][b];
        out->of[SUM_AB] =
            px_blocks_join_f32(&job.blocks, (const float *)(const void *)job.int_sums[SUM_AB]);
    }
    for (size_t b = 0; b < job.blocks.n; b++)
        if (isnan(job.maxima[b]) || job.maxima[b] > out->max)
            out->max = isnan(out->max) ? out->max : job.maxima[b];
done:
    for (int s = 0; s < N_SUMS; s++) {
        px_mem_free(job.sums[s]);
        px_mem_free(job.int_sums[s]);
    }
    px_mem_free(job.maxima);
    px_blocks_fini(&job.blocks);
    return st;
}

/* ---- metrics ---- */

static double cosine(const sums *s)
{
    const double n0 = sqrt(s->of[SUM_A2]), n1 = sqrt(s->of[SUM_B2]);
    if (n0 == 0 || n1 == 0)
        return n0 == 0 && n1 == 0 ? 1.0 : 0.0;
    const double v = s->of[SUM_AB] / (n0 * n1);
    return v > 1 ? 1.0 : v < -1 ? -1.0 : v;
}

static double psnr(const sums *s, double n)
{
    const double mse = s->of[SUM_D2] / n;
    if (n == 0)
        return NAN;
    if (mse == 0)
        return INFINITY;
    const double peak = s->max <= 0 ? 1.0 : s->max;
    return 20 * log10(peak) - 10 * log10(mse);
}

static double snr(const sums *s, double n)
{
    const double signal = s->of[SUM_A2] / n, noise = s->of[SUM_D2] / n;
    if (n == 0)
        return NAN;
    if (noise == 0)
        return INFINITY;
    return signal == 0 ? -INFINITY : 10 * log10(signal / noise);
}

typedef struct metric {
    const char *label, *unit, *bound;
    bool at_least; /* passes from the threshold up */
    double threshold;
} metric;

static const metric *metric_of(px_compare_func func)
{
    static const metric l2 = {"L2 Norm", "", "tolerance", false, 1e-5};
    static const metric cos = {"Cosine Similarity", "", "min required", true, 0.997};
    static const metric psnr_db = {"PSNR", " dB", "min required", true, 30};
    static const metric snr_db = {"SNR", " dB", "min required", true, 20};
    static const metric lpips = {"LPIPS", "", "tolerance", false, 0.1};
    if (func == PX_COMPARE_PERCEPTUAL)
        return &lpips;
    return func == PX_COMPARE_L2       ? &l2
           : func == PX_COMPARE_COSINE ? &cos
           : func == PX_COMPARE_PSNR   ? &psnr_db
                                       : &snr_db;
}

const char *px_func_label(px_compare_func func)
{
    return func == PX_COMPARE_SIMPLE    ? "simple"
           : func == PX_COMPARE_INDICES ? "indices"
                                        : metric_of(func)->label;
}

bool px_metric_passes(px_compare_func func, double value, double threshold)
{
    return metric_of(func)->at_least ? value >= threshold : value <= threshold;
}

void px_metric_print(px_buf *b, px_compare_func func, double value, double threshold, bool passed)
{
    const metric *m = metric_of(func);
    px_buf v = {0}, t = {0};
    /* As many digits as it takes to tell the two apart. */
    for (int digits = 5; digits <= 17; digits++) {
        v.len = t.len = 0;
        px_fmt_g(&v, value, digits);
        px_fmt_g(&t, threshold, digits);
        if (value == threshold || isnan(value) || !px_str_eq(px_buf_str(&v), px_buf_str(&t)))
            break;
    }
    px_buf_printf(b, "%s: %s%s (%s: %s%s) | %s", m->label, px_buf_cstr(&v), m->unit, m->bound,
                  px_buf_cstr(&t), m->unit, passed ? "PASSED" : "FAILED");
    px_buf_fini(&v);
    px_buf_fini(&t);
}

static const px_opt_keyed *threshold_of(const px_compare_args *args, px_compare_func func)
{
    return func == PX_COMPARE_L2           ? &args->l2_threshold
           : func == PX_COMPARE_COSINE     ? &args->cosine_similarity_threshold
           : func == PX_COMPARE_PSNR       ? &args->psnr_threshold
           : func == PX_COMPARE_PERCEPTUAL ? &args->lpips_threshold
                                           : &args->snr_threshold;
}

/* Puts out->metric against its threshold. */
static pgy_status *judge(const px_case *c, px_compare_func func, px_output_result *out)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    out->threshold =
        px_keyed_number(threshold_of(c->args, func), c->name[0], metric_of(func)->threshold);
    out->passed = px_metric_passes(func, out->metric, out->threshold);
    px_metric_print(&text, func, out->metric, out->threshold, out->passed);
    PX_TRY(px_buf_status(&text));
    px_log_text(c->cx, out->passed ? PGY_LOG_FINISH : PGY_LOG_ERROR, PX_AT_COMPARE,
                px_buf_str(&text));
done:
    px_buf_fini(&text);
    return st;
}

pgy_status *px_func_lpips(const px_case *c, px_output_result *out)
{
    pgy_status *st = NULL;
    const px_compare_script *script = c->args->script;
    bool is_image;
    PX_TRY(script->lpips(script->user, c->tensor[0], c->tensor[1], &out->metric, &is_image));
    if (is_image) {
        PX_TRY(judge(c, PX_COMPARE_PERCEPTUAL, out));
    } else {
        out->bare = true;
        out->passed = true;
        px_log(c->cx, PGY_LOG_WARNING, PX_AT_COMPARE,
               "Output: '%s' is no image (an array of 3 or 4 dimensions is wanted): it has no "
               "LPIPS and is not judged by it.",
               c->name[0]);
    }
done:
    return st;
}

pgy_status *px_func_metric(const px_case *c, px_compare_func func, px_output_result *out)
{
    pgy_status *st = NULL;
    pgy_tensor *t[2] = {NULL, NULL};
    px_pair pair;
    sums s;
    bool ok;
    PX_TRY(px_case_match_shapes(c, t, &ok));
    if (!ok) {
        out->bare = true;
        goto done;
    }
    if (func != PX_COMPARE_COSINE && t[0]->dtype == PGY_DTYPE_BOOL && t[1]->dtype == PGY_DTYPE_BOOL)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "Output '%s' is bool; %s needs numbers. Compare it with the function "
                       "'simple' or 'cosine_similarity'",
                       c->name[0], px_func_label(func)));
    PX_TRY(px_pair_init(t[0], t[1], false, 0, 0, &pair));
    PX_TRY(sum_all(c->cx, &pair, &s));
    const double n = (double)pair.count;
    out->metric = func == PX_COMPARE_L2       ? sqrt(s.of[SUM_D2])
                  : func == PX_COMPARE_COSINE ? cosine(&s)
                  : func == PX_COMPARE_PSNR   ? psnr(&s, n)
                                              : snr(&s, n);
    PX_TRY(judge(c, func, out));
done:
    pgy_tensor_free(t[0]);
    pgy_tensor_free(t[1]);
    return st;
}
