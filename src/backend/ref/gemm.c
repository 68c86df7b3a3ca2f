/* backend/ref/gemm.c - blocking, packing and threads of the float64 matrix product.
 *
 * After Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), with one
 * change: all of A and a chunk of B's columns are packed over the whole of k, so that one parallel
 * loop packs and one multiplies, however long k is.
 */
#include "backend/ref/gemm.h"

#include "backend/ref/ref.h"
#include "base/cpu.h"

#include <stdatomic.h>

enum {
    MC = 96,                      /* rows of a task: MC * KC doubles of A stay in the L2 cache */
    NB_PANELS = 8,                /* panels of B a task multiplies */
    CHUNK_COUNT = 2 * 1024 * 1024 /* doubles of packed B at once: 16 MiB, about an L3 share */
};

/* --- which kernel --- */

/* An MR x NR tile without vector instructions. */
#define TILE(name, MR, NR)                                                                         \
    static void name(int64_t k, const double *a, const double *b, double *c, int64_t ldc,          \
                     bool add)                                                                     \
    {                                                                                              \
        double acc[MR][NR] = {{0}};                                                                \
        for (int64_t p = 0; p < k; p++, a += MR, b += NR)                                          \
            for (int i = 0; i < MR; i++)                                                           \
                for (int j = 0; j < NR; j++)                                                       \
                    acc[i][j] += a[i] * b[j];                                                      \
        for (int i = 0; i < MR; i++)                                                               \
            for (int j = 0; j < NR; j++)                                                           \
                c[i * ldc + j] = add ? c[i * ldc + j] + acc[i][j] : acc[i][j];                     \
    }

TILE(tile_scalar, 4, 4)
TILE(tile_wide, PX_GEMM_MAX_MR, PX_GEMM_MAX_NR)

void px_gemm_axpy_scalar(int64_t n, double a, const double *x, int64_t stride, double *y)
{
    if (stride == 1)
        for (int64_t i = 0; i < n; i++)
            y[i] += a * x[i];
    else
        for (int64_t i = 0; i < n; i++)
            y[i] += a * x[i * stride];
}

const px_gemm_isa px_gemm_scalar = {
    .name = "scalar", .mr = 4, .nr = 4, .tile = tile_scalar, .axpy = px_gemm_axpy_scalar};

const px_gemm_isa px_gemm_wide = {.name = "wide",
                                  .mr = PX_GEMM_MAX_MR,
                                  .nr = PX_GEMM_MAX_NR,
                                  .tile = tile_wide,
                                  .axpy = px_gemm_axpy_scalar};

const px_gemm_isa *px_gemm_isa_get(void)
{
    const px_cpu *cpu = px_cpu_get();
    if (cpu->is_wide)
        return &px_gemm_wide;
#if defined(__x86_64__)
    if (cpu->avx512f)
        return &px_gemm_avx512;
    if (cpu->avx2 && cpu->fma)
        return &px_gemm_avx2;
#elif defined(__aarch64__)
    if (cpu->neon)
        return &px_gemm_neon;
#endif
    return &px_gemm_scalar;
}

/* --- packing --- */

bool px_gemm_packed_count(int64_t lines, int tile, int64_t k, size_t *out)
{
    const size_t panels = ((size_t)lines + (size_t)tile - 1) / (size_t)tile;
    size_t count = 0, size = 0;
    if (!px_size_mul(panels, (size_t)tile, &count) || !px_size_mul(count, (size_t)k, &count) ||
        !px_size_mul(count, sizeof(double), &size))
        return false;
    *out = PX_MAX(count, (size_t)1);
    return true;
}

/* [k][tile] from lines of any strides; the two loop orders read along the smaller stride. */
static void pack_panel(const double *at, int64_t line, int64_t step, int64_t n, int64_t k, int tile,
                       double *panel)
{
    if (n < tile)
        memset(panel, 0, (size_t)(k * tile) * sizeof *panel);
    if (line == 1 && n == 12) { /* a length the compiler knows is worth it */
        for (int64_t p = 0; p < k; p++)
            memcpy(panel + p * tile, at + p * step, 12 * sizeof *panel);
        return;
    }
    if (line == 1) {
        for (int64_t p = 0; p < k; p++)
            memcpy(panel + p * tile, at + p * step, (size_t)n * sizeof *panel);
        return;
    }
    enum { BLOCK = 16 };
    for (int64_t p0 = 0; p0 < k; p0 += BLOCK) {
        const int64_t p1 = PX_MIN(p0 + BLOCK, k);
        for (int64_t i = 0; i < n; i++)
            for (int64_t p = p0; p < p1; p++)
                panel[p * tile + i] = at[i * line + p * step];
    }
}

void px_gemm_pack_matrix(const void *source, const px_gemm_isa *isa, int64_t j, int64_t n,
                         double *panel)
{
    const px_gemm_matrix *m = source;
    pack_panel(m->at + j * m->col, m->col, m->row, n, m->k, isa->nr, panel);
}

typedef struct pack_job {
    int tile;
    int64_t lines, k;
    const double *at;
    int64_t line, step;
    px_gemm_pack_fn pack;
    const px_gemm_isa *isa;
    const void *source;
    int64_t first; /* column of the first panel */
    double *packed;
} pack_job;

static void pack_range(void *arg, int64_t begin, int64_t end)
{
    const pack_job *job = arg;
    for (int64_t p = begin; p < end; p++) {
        const int64_t at = p * job->tile, n = PX_MIN(job->lines - at, (int64_t)job->tile);
        double *panel = job->packed + at * job->k;
        if (job->pack)
            job->pack(job->source, job->isa, job->first + at, n, panel);
        else
            pack_panel(job->at + at * job->line, job->line, job->step, n, job->k, job->tile, panel);
    }
}

/* Panels of a range, so that one holds about 16 KiB: less is not worth a hand-over. */
static int64_t panel_grain(int64_t k, int tile)
{
    return PX_MAX((int64_t)1, 2048 / PX_MAX(k * tile, (int64_t)1));
}

void px_gemm_pack_a(pgy_context *cx, const px_gemm_isa *isa, int64_t m, int64_t k, const double *a,
                    int64_t row, int64_t col, double *packed)
{
    pack_job job = {
        .tile = isa->mr, .lines = m, .k = k, .at = a, .line = row, .step = col, .packed = packed};
    px_parallel_for(cx, (m + isa->mr - 1) / isa->mr, panel_grain(k, isa->mr), pack_range, &job);
}

static void pack_b_part(pgy_context *cx, const px_gemm_isa *isa, int64_t first, int64_t n,
                        int64_t k, px_gemm_pack_fn pack, const void *source, double *packed)
{
    pack_job job = {.tile = isa->nr,
                    .lines = n,
                    .k = k,
                    .pack = pack,
                    .isa = isa,
                    .source = source,
                    .first = first,
                    .packed = packed};
    px_parallel_for(cx, (n + isa->nr - 1) / isa->nr, panel_grain(k, isa->nr), pack_range, &job);
}

void px_gemm_pack_b(pgy_context *cx, const px_gemm_isa *isa, int64_t n, int64_t k,
                    px_gemm_pack_fn pack, const void *source, double *packed)
{
    pack_b_part(cx, isa, 0, n, k, pack, source, packed);
}

/* --- multiplying --- */

/* One chunk of B's columns against all of A, cut into a grid of tasks. */
typedef struct chunk {
    const px_gemm_job *job;
    const double *b; /* packed columns of the chunk */
    int64_t first, n;
    int64_t rows, cols; /* of a task, multiples of mr and nr */
    int64_t n_row_tasks;
} chunk;

/* What the tile's elements hold before the first block of k is added. */
static void tile_start(const px_gemm_job *job, int64_t i, int64_t m, double *c, int64_t n)
{
    for (int64_t r = 0; r < m; r++)
        for (int64_t j = 0; j < n; j++) {
            double *x = &c[r * job->ldc + j];
            *x = job->row_start ? job->row_start[i + r] : job->beta == 0 ? 0 : job->beta * *x;
        }
}

/* A tile that is cut off by C's edge, or scaled: through a buffer. */
static void tile_edge(const px_gemm_job *job, int64_t k, const double *a, const double *b,
                      double *c, int64_t m, int64_t n, bool add)
{
    double tile[PX_GEMM_MAX_MR * PX_GEMM_MAX_NR];
    job->isa->tile(k, a, b, tile, job->isa->nr, false);
    for (int64_t r = 0; r < m; r++)
        for (int64_t j = 0; j < n; j++) {
            const double x = job->alpha * tile[r * job->isa->nr + j];
            c[r * job->ldc + j] = add ? c[r * job->ldc + j] + x : x;
        }
}

static void task_run(const chunk *ch, int64_t i0, int64_t j0)
{
    const px_gemm_job *job = ch->job;
    const px_gemm_isa *isa = job->isa;
    const int64_t i1 = PX_MIN(i0 + ch->rows, job->m), j1 = PX_MIN(j0 + ch->cols, ch->n);
    const bool has_start = job->row_start || job->beta != 0 || job->k == 0;

    if (has_start)
        tile_start(job, i0, i1 - i0, job->c + i0 * job->ldc + ch->first + j0, j1 - j0);
    for (int64_t p = 0; p < job->k; p += PX_GEMM_KC) {
        const int64_t kc = PX_MIN((int64_t)PX_GEMM_KC, job->k - p);
        const bool add = p > 0 || has_start;
        for (int64_t j = j0; j < j1; j += isa->nr) {
            const double *b = ch->b + j * job->k + p * isa->nr;
            const int64_t n = PX_MIN((int64_t)isa->nr, j1 - j);
            for (int64_t i = i0; i < i1; i += isa->mr) {
                const double *a = job->a + i * job->k + p * isa->mr;
                const int64_t m = PX_MIN((int64_t)isa->mr, i1 - i);
                double *c = job->c + i * job->ldc + ch->first + j;
                if (m == isa->mr && n == isa->nr && job->alpha == 1)
                    isa->tile(kc, a, b, c, job->ldc, add);
                else
                    tile_edge(job, kc, a, b, c, m, n, add);
            }
        }
    }
}

static void tasks_run(void *arg, int64_t begin, int64_t end)
{
    const chunk *ch = arg;
    for (int64_t t = begin; t < end; t++)
        task_run(ch, t % ch->n_row_tasks * ch->rows, t / ch->n_row_tasks * ch->cols);
}

static void chunk_run(pgy_context *cx, chunk *ch)
{
    const px_gemm_job *job = ch->job;
    const px_gemm_isa *isa = job->isa;
    const int threads = cx ? px_context_threads(cx) : 1;

    ch->rows = MC / isa->mr * isa->mr;
    ch->cols = (int64_t)NB_PANELS * isa->nr;
    /* Small products: smaller tasks, so that there is one for every thread. */
    while (threads > 1 && ch->rows > isa->mr * 2 &&
           ((job->m + ch->rows - 1) / ch->rows) * ((ch->n + ch->cols - 1) / ch->cols) <
               (int64_t)threads * 4)
        ch->rows = (ch->rows / 2 + isa->mr - 1) / isa->mr * isa->mr;
    ch->n_row_tasks = (job->m + ch->rows - 1) / ch->rows;
    px_parallel_for(cx, ch->n_row_tasks * ((ch->n + ch->cols - 1) / ch->cols), 1, tasks_run, ch);
}

pgy_status *px_gemm_run(pgy_context *cx, const px_gemm_job *job)
{
    pgy_status *st = NULL;
    double *packed = NULL;
    const int nr = job->isa->nr;

    if (job->m <= 0 || job->n <= 0)
        return NULL;
    if (job->b) {
        chunk ch = {.job = job, .b = job->b, .n = job->n};
        chunk_run(cx, &ch);
        return NULL;
    }
    const int64_t panels = (job->n + nr - 1) / nr;
    const int64_t at_once = PX_MIN(
        PX_MAX(CHUNK_COUNT / PX_MAX(job->k * nr, (int64_t)1), (int64_t)NB_PANELS * 2), panels);
    size_t count = 0;
    if (!px_gemm_packed_count(at_once * nr, nr, job->k, &count))
        return px_status_nomem();
    packed = px_mem_alloc_aligned(count * sizeof *packed);
    if (!packed)
        PX_TRY(px_status_nomem());
    for (int64_t j = 0; j < job->n; j += at_once * nr) {
        chunk ch = {.job = job, .b = packed, .first = j, .n = PX_MIN(at_once * nr, job->n - j)};
        pack_b_part(cx, job->isa, j, ch.n, job->k, job->pack, job->source, packed);
        chunk_run(cx, &ch);
    }
done:
    px_mem_free(packed);
    return st;
}

/* --- a few rows: memory-bound, so B is read once where it lies --- */

enum { FEW_ROWS = 3, LANES = 8 };

typedef struct few_job {
    bool trans_b;
    int64_t m, n, k, ldb, ldc;
    const double *a; /* [m][k] */
    const double *b;
    double alpha, beta;
    double *c;
    px_gemm_axpy_fn axpy;
} few_job;

static void few_store(const few_job *job, int64_t i, int64_t j, double sum)
{
    double *c = &job->c[i * job->ldc + j];
    *c = job->alpha * sum + (job->beta == 0 ? 0 : job->beta * *c);
}

/* Rows of B are the columns we want: dot products with LANES partial sums. */
static void few_dot(void *arg, int64_t begin, int64_t end)
{
    const few_job *job = arg;
    const int64_t whole = job->k / LANES * LANES;
    for (int64_t j = begin; j < end; j++) {
        const double *b = job->b + j * job->ldb;
        for (int64_t i = 0; i < job->m; i++) {
            const double *a = job->a + i * job->k;
            double acc[LANES] = {0};
            for (int64_t p = 0; p < whole; p += LANES)
                for (int l = 0; l < LANES; l++)
                    acc[l] += a[p + l] * b[p + l];
            double sum =
                ((acc[0] + acc[4]) + (acc[2] + acc[6])) + ((acc[1] + acc[5]) + (acc[3] + acc[7]));
            for (int64_t p = whole; p < job->k; p++)
                sum += a[p] * b[p];
            few_store(job, i, j, sum);
        }
    }
}

/* Rows of B run along our columns: a block of columns is summed over k. */
static void few_axpy(void *arg, int64_t begin, int64_t end)
{
    enum { BLOCK = 256 };
    const few_job *job = arg;
    double acc[FEW_ROWS][BLOCK];
    for (int64_t j0 = begin; j0 < end; j0 += BLOCK) {
        const int64_t n = PX_MIN((int64_t)BLOCK, end - j0);
        memset(acc, 0, sizeof acc);
        for (int64_t p = 0; p < job->k; p++) {
            const double *b = job->b + p * job->ldb + j0;
            for (int64_t i = 0; i < job->m; i++)
                job->axpy(n, job->a[i * job->k + p], b, 1, acc[i]);
        }
        for (int64_t i = 0; i < job->m; i++)
            for (int64_t j = 0; j < n; j++)
                few_store(job, i, j0 + j, acc[i][j]);
    }
}

static pgy_status *few_rows(pgy_context *cx, bool trans_a, few_job *job, const double *a,
                            int64_t lda)
{
    double *rows = px_mem_alloc((size_t)job->m * (size_t)job->k * sizeof *rows);
    if (!rows)
        return px_status_nomem();
    for (int64_t i = 0; i < job->m; i++)
        for (int64_t p = 0; p < job->k; p++)
            rows[i * job->k + p] = trans_a ? a[p * lda + i] : a[i * lda + p];
    job->a = rows;
    if (job->trans_b)
        px_parallel_for(cx, job->n, PX_MAX((int64_t)1, 16384 / PX_MAX(job->k, (int64_t)1)), few_dot,
                        job);
    else
        px_parallel_for(cx, job->n, 256, few_axpy, job);
    px_mem_free(rows);
    return NULL;
}

pgy_status *px_ref_gemm(pgy_context *cx, bool trans_a, bool trans_b, int64_t m, int64_t n,
                        int64_t k, double alpha, const double *a, int64_t lda, const double *b,
                        int64_t ldb, double beta, double *c, int64_t ldc)
{
    pgy_status *st = NULL;
    const px_gemm_isa *isa = px_gemm_isa_get();
    double *packed = NULL;
    size_t count = 0;

    if (m <= 0 || n <= 0)
        return NULL;
    if (m <= FEW_ROWS) {
        few_job few = {.trans_b = trans_b,
                       .m = m,
                       .n = n,
                       .k = k,
                       .ldb = ldb,
                       .ldc = ldc,
                       .b = b,
                       .alpha = alpha,
                       .beta = beta,
                       .c = c,
                       .axpy = isa->axpy};
        return few_rows(cx, trans_a, &few, a, lda);
    }
    if (!px_gemm_packed_count(m, isa->mr, k, &count))
        return px_status_nomem();
    packed = px_mem_alloc_aligned(count * sizeof *packed);
    if (!packed)
        PX_TRY(px_status_nomem());
    px_gemm_pack_a(cx, isa, m, k, a, trans_a ? 1 : lda, trans_a ? lda : 1, packed);
    const px_gemm_matrix source = {
        .at = b, .row = trans_b ? 1 : ldb, .col = trans_b ? ldb : 1, .k = k};
    const px_gemm_job job = {.isa = isa,
                             .m = m,
                             .n = n,
                             .k = k,
                             .a = packed,
                             .pack = px_gemm_pack_matrix,
                             .source = &source,
                             .alpha = alpha,
                             .beta = beta,
                             .c = c,
                             .ldc = ldc};
    PX_TRY(px_gemm_run(cx, &job));
done:
    px_mem_free(packed);
    return st;
}
