/* backend/ref/gemm.c - blocking, packing and threads of the float64 matrix product.
 *
 * After Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), with two
 * changes. A chunk of B's columns is packed over the whole of k, so that one parallel loop packs
 * and one multiplies, however long k is. Float32 weights are never held as doubles: a task widens
 * the block that it is about to multiply, which costs a few percent of its multiplications and
 * halves what comes from memory.
 */
#include "backend/ref/gemm.h"

#include "backend/ref/ref.h"
#include "base/cpu.h"

#include <stdatomic.h>

enum {
    MC = 96,            /* rows of a task: MC * KC doubles of A stay in the L2 cache */
    MIN_ROWS = 24,      /* of a task of a small product, however many threads wait */
    NB_PANELS = 8,      /* panels of B a task multiplies */
    NB_PANELS_MAX = 32, /* the same where the task packs A first */
    /* Doubles of packed B at once: 4 MiB, which malloc keeps for the next product. With 16 MiB it
     * mapped fresh pages for each, a tenth of VGG-19's time. */
    CHUNK_COUNT = 512 * 1024
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

void px_gemm_widen_scalar(int64_t n, const void *x, double *y)
{
    const px_any_float *f = x;
    for (int64_t i = 0; i < n; i++)
        y[i] = f[i];
}

const px_gemm_isa px_gemm_scalar = {.name = "scalar",
                                    .mr = 4,
                                    .nr = 4,
                                    .tile = tile_scalar,
                                    .axpy = px_gemm_axpy_scalar,
                                    .widen = px_gemm_widen_scalar};

const px_gemm_isa px_gemm_wide = {.name = "wide",
                                  .mr = PX_GEMM_MAX_MR,
                                  .nr = PX_GEMM_MAX_NR,
                                  .tile = tile_wide,
                                  .axpy = px_gemm_axpy_scalar,
                                  .widen = px_gemm_widen_scalar};

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

static const void *matrix_at(const px_gemm_matrix *m, int64_t i, int64_t j)
{
    const int64_t at = i * m->row + j * m->col;
    return m->is_f32 ? (const void *)((const px_any_float *)m->at + at)
                     : (const void *)((const double *)m->at + at);
}

/* [k][tile] from n lines of any strides; the loop orders read along the smaller stride. */
#define PACK_LINES(name, FROM, TO)                                                                 \
    static void name(const void *from, int64_t line, int64_t step, int64_t n, int64_t k, int tile, \
                     TO *panel)                                                                    \
    {                                                                                              \
        enum { STEPS = 16 };                                                                       \
        const FROM *at = from;                                                                     \
        if (line == 1) {                                                                           \
            for (int64_t p = 0; p < k; p++)                                                        \
                for (int64_t i = 0; i < n; i++)                                                    \
                    panel[p * tile + i] = at[p * step + i];                                        \
            return;                                                                                \
        }                                                                                          \
        for (int64_t p0 = 0; p0 < k; p0 += STEPS) {                                                \
            const int64_t p1 = PX_MIN(p0 + STEPS, k);                                              \
            for (int64_t i = 0; i < n; i++)                                                        \
                for (int64_t p = p0; p < p1; p++)                                                  \
                    panel[p * tile + i] = at[i * line + p * step];                                 \
        }                                                                                          \
    }

PACK_LINES(pack_lines_f64, double, double)
PACK_LINES(pack_lines_widening, px_any_float, double)
PACK_LINES(pack_lines_f32, px_any_float, float)

/* A panel of doubles from n lines. */
static void pack_panel(const px_gemm_isa *isa, const void *at, bool is_f32, int64_t line,
                       int64_t step, int64_t n, int64_t k, int tile, double *panel)
{
    int64_t done = 0;

    if (n < tile)
        memset(panel, 0, (size_t)(k * tile) * sizeof *panel);
    if (line == 1 && n == tile) {
        for (int64_t p = 0; p < k; p++)
            if (is_f32)
                isa->widen(n, (const px_any_float *)at + p * step, panel + p * tile);
            else if (n == 12) /* a length the compiler knows is worth it */
                memcpy(panel + p * tile, (const double *)at + p * step, 12 * sizeof *panel);
            else
                memcpy(panel + p * tile, (const double *)at + p * step, (size_t)n * sizeof *panel);
        return;
    }
    for (; isa->lines && step == 1 && done + 4 <= n; done += 4)
        isa->lines(k,
                   is_f32 ? (const void *)((const px_any_float *)at + done * line)
                          : (const void *)((const double *)at + done * line),
                   is_f32, line, tile, panel + done);
    if (is_f32)
        pack_lines_widening((const px_any_float *)at + done * line, line, step, n - done, k, tile,
                            panel + done);
    else
        pack_lines_f64((const double *)at + done * line, line, step, n - done, k, tile,
                       panel + done);
}

void px_gemm_pack_matrix(const void *source, const px_gemm_isa *isa, int64_t j, int64_t n,
                         double *panel)
{
    const px_gemm_matrix *m = source;
    pack_panel(isa, matrix_at(m, 0, j), m->is_f32, m->col, m->row, n, m->k, isa->nr, panel);
}

typedef struct pack_job {
    const px_gemm_isa *isa;
    int tile;
    int64_t lines, k;
    px_gemm_pack_fn pack; /* NULL: `matrix` */
    const void *source;
    int64_t first; /* line of the first panel */
    double *packed;
} pack_job;

static void pack_range(void *arg, int64_t begin, int64_t end)
{
    const pack_job *job = arg;
    for (int64_t p = begin; p < end; p++) {
        const int64_t at = p * job->tile, n = PX_MIN(job->lines - at, (int64_t)job->tile);
        job->pack(job->source, job->isa, job->first + at, n, job->packed + at * job->k);
    }
}

/* The rows of A as the columns of a source. */
static void pack_rows(const void *source, const px_gemm_isa *isa, int64_t i, int64_t n,
                      double *panel)
{
    const px_gemm_matrix *m = source;
    pack_panel(isa, matrix_at(m, i, 0), m->is_f32, m->row, m->col, n, m->k, isa->mr, panel);
}

/* Panels of a range, so that one holds about 16 KiB: less is not worth a hand-over. */
static int64_t panel_grain(int64_t k, int tile)
{
    return PX_MAX((int64_t)1, 2048 / PX_MAX(k * tile, (int64_t)1));
}

void px_gemm_pack_a(pgy_context *cx, const px_gemm_isa *isa, int64_t m, int64_t k, const double *a,
                    int64_t row, int64_t col, double *packed)
{
    const px_gemm_matrix rows = {.at = a, .row = row, .col = col, .k = k};
    pack_job job = {.isa = isa,
                    .tile = isa->mr,
                    .lines = m,
                    .k = k,
                    .pack = pack_rows,
                    .source = &rows,
                    .packed = packed};
    px_parallel_for(cx, (m + isa->mr - 1) / isa->mr, panel_grain(k, isa->mr), pack_range, &job);
}

static void pack_b_part(pgy_context *cx, const px_gemm_isa *isa, int64_t first, int64_t n,
                        int64_t k, px_gemm_pack_fn pack, const void *source, double *packed)
{
    pack_job job = {.isa = isa,
                    .tile = isa->nr,
                    .lines = n,
                    .k = k,
                    .pack = pack,
                    .source = source,
                    .first = first,
                    .packed = packed};
    px_parallel_for(cx, (n + isa->nr - 1) / isa->nr, panel_grain(k, isa->nr), pack_range, &job);
}

typedef struct narrow_job {
    const px_gemm_isa *isa;
    const px_gemm_matrix *b;
    int64_t n;
    float *packed;
} narrow_job;

static void pack_narrow_range(void *arg, int64_t begin, int64_t end)
{
    const narrow_job *job = arg;
    const int nr = job->isa->nr;
    const int64_t k = job->b->k;
    for (int64_t at = begin * nr; at < end * nr && at < job->n; at += nr) {
        const int64_t n = PX_MIN(job->n - at, (int64_t)nr);
        float *panel = job->packed + at * k;
        if (n < nr)
            memset(panel, 0, (size_t)(k * nr) * sizeof *panel);
        pack_lines_f32(matrix_at(job->b, 0, at), job->b->col, job->b->row, n, k, nr, panel);
    }
}

void px_gemm_pack_b(pgy_context *cx, const px_gemm_isa *isa, int64_t n, const px_gemm_matrix *b,
                    void *packed)
{
    if (!b->is_f32) {
        pack_b_part(cx, isa, 0, n, b->k, px_gemm_pack_matrix, b, packed);
        return;
    }
    narrow_job job = {.isa = isa, .b = b, .n = n, .packed = packed};
    px_parallel_for(cx, (n + isa->nr - 1) / isa->nr, panel_grain(b->k, isa->nr), pack_narrow_range,
                    &job);
}

/* --- multiplying --- */

/* One chunk of B's columns against all of A, cut into a grid of tasks. */
typedef struct chunk {
    const px_gemm_job *job;
    const double *b; /* packed columns of the chunk; NULL: those of the job, floats */
    int64_t first, n;
    int64_t rows, cols; /* of a task, multiples of mr and nr */
    int64_t n_row_tasks;
    atomic_bool is_out_of_memory;
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

/* Where a task puts doubles of what it has as something else. */
typedef struct work {
    double *a; /* KC steps of its rows; NULL where A is packed */
    double b[PX_GEMM_KC * PX_GEMM_MAX_NR] __attribute__((aligned(64))); /* of one panel */
} work;

/* Steps [p, p + kc) of rows [i0, i1). */
static const double *block_of_a(const px_gemm_job *job, work *w, int64_t i0, int64_t i1, int64_t p,
                                int64_t kc)
{
    px_gemm_matrix block = job->rows;
    block.at = matrix_at(&job->rows, 0, p);
    block.k = kc;
    for (int64_t i = i0; i < i1; i += job->isa->mr)
        pack_rows(&block, job->isa, i, PX_MIN((int64_t)job->isa->mr, i1 - i), w->a + (i - i0) * kc);
    return w->a;
}

static const double *panel_of_b(const chunk *ch, work *w, int64_t j, int64_t p, int64_t kc)
{
    const px_gemm_job *job = ch->job;
    const int64_t at = j * job->k + p * job->isa->nr;
    if (ch->b)
        return ch->b + at;
    job->isa->widen(kc * job->isa->nr, (const float *)job->b + at, w->b);
    return w->b;
}

static void task_run(const chunk *ch, work *w, int64_t i0, int64_t j0)
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
        const int64_t panel_step = job->a ? job->k : kc;
        const double *block =
            job->a ? job->a + i0 * job->k + p * isa->mr : block_of_a(job, w, i0, i1, p, kc);
        for (int64_t j = j0; j < j1; j += isa->nr) {
            const double *b = panel_of_b(ch, w, j, p, kc);
            const int64_t n = PX_MIN((int64_t)isa->nr, j1 - j);
            for (int64_t i = i0; i < i1; i += isa->mr) {
                const double *a = block + (i - i0) * panel_step;
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
    chunk *ch = arg;
    work w;
    const size_t block = (size_t)(ch->rows * PX_MIN((int64_t)PX_GEMM_KC, ch->job->k));
    w.a = ch->job->a ? NULL : px_mem_alloc_aligned(block * sizeof *w.a);
    if (!ch->job->a && !w.a) {
        atomic_store(&ch->is_out_of_memory, true);
        return;
    }
    for (int64_t t = begin; t < end; t++)
        task_run(ch, &w, t % ch->n_row_tasks * ch->rows, t / ch->n_row_tasks * ch->cols);
    px_mem_free(w.a);
}

static int64_t task_count(const chunk *ch)
{
    return ((ch->job->m + ch->rows - 1) / ch->rows) * ((ch->n + ch->cols - 1) / ch->cols);
}

/* Halves the rows of a task until there are enough of them. */
static void cut_rows(chunk *ch, int64_t wanted)
{
    const int mr = ch->job->isa->mr;
    while (task_count(ch) < wanted && ch->rows > MIN_ROWS)
        ch->rows = (ch->rows / 2 + mr - 1) / mr * mr;
}

/* The same with columns, down to `least`. */
static void cut_cols(chunk *ch, int64_t wanted, int64_t least)
{
    const int nr = ch->job->isa->nr;
    while (task_count(ch) < wanted && ch->cols > least)
        ch->cols = PX_MAX((ch->cols / 2 + nr - 1) / nr * nr, least);
}

/* Rows in equal parts of at most MC, and smaller tasks for small products, so that there are some
 * for every thread. Packing A pays off over a task's columns, widening B over its rows: what a
 * task has to do is cut last. */
static void chunk_cut(chunk *ch, int threads)
{
    const int mr = ch->job->isa->mr, nr = ch->job->isa->nr;
    const int64_t wanted = threads > 1 ? (int64_t)threads * 4 : 1;
    const int64_t parts = (ch->job->m + MC - 1) / MC;

    ch->rows = ((ch->job->m + parts - 1) / parts + mr - 1) / mr * mr;
    ch->cols = (int64_t)(ch->job->a ? NB_PANELS : NB_PANELS_MAX) * nr;
    if (ch->job->a) {
        cut_cols(ch, wanted, nr);
        cut_rows(ch, wanted);
    } else {
        cut_cols(ch, wanted, (int64_t)NB_PANELS * nr);
        cut_rows(ch, wanted);
        cut_cols(ch, wanted, nr);
    }
}

static pgy_status *chunk_run(pgy_context *cx, chunk *ch)
{
    chunk_cut(ch, cx ? px_context_threads(cx) : 1);
    atomic_init(&ch->is_out_of_memory, false);
    ch->n_row_tasks = (ch->job->m + ch->rows - 1) / ch->rows;
    px_parallel_for(cx, task_count(ch), 1, tasks_run, ch);
    return atomic_load(&ch->is_out_of_memory) ? px_status_nomem() : NULL;
}

pgy_status *px_gemm_run(pgy_context *cx, const px_gemm_job *job)
{
    pgy_status *st = NULL;
    double *packed = NULL;
    const int nr = job->isa->nr;

    if (job->m <= 0 || job->n <= 0)
        return NULL;
    if (job->b) {
        chunk ch = {.job = job, .b = job->b_is_f32 ? NULL : job->b, .n = job->n};
        return chunk_run(cx, &ch);
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
        PX_TRY(chunk_run(cx, &ch));
    }
done:
    px_mem_free(packed);
    return st;
}

/* --- a few rows: memory-bound, so B is read once where it lies --- */

enum { FEW_ROWS = 3, LANES = 8 };

typedef struct few_job {
    int64_t m, n, k, ldc;
    const double *a; /* [m][k] */
    const px_gemm_matrix *b;
    double alpha, beta;
    double *c;
    const px_gemm_isa *isa;
} few_job;

enum { BLOCK = 256 };

static void few_store(const few_job *job, int64_t i, int64_t j, double sum)
{
    double *c = &job->c[i * job->ldc + j];
    *c = job->alpha * sum + (job->beta == 0 ? 0 : job->beta * *c);
}

/* n <= BLOCK neighbours in memory from element (p, j) on, as doubles. */
static const double *few_numbers(const few_job *job, int64_t p, int64_t j, int64_t n,
                                 double *widened)
{
    const void *at = matrix_at(job->b, p, j);
    if (!job->b->is_f32)
        return at;
    job->isa->widen(n, at, widened);
    return widened;
}

static double lanes_sum(const double *acc)
{
    return ((acc[0] + acc[4]) + (acc[2] + acc[6])) + ((acc[1] + acc[5]) + (acc[3] + acc[7]));
}

/* Rows of B are the columns we want: dot products with LANES partial sums. */
static void few_dot(void *arg, int64_t begin, int64_t end)
{
    const few_job *job = arg;
    const int64_t whole = job->k / LANES * LANES;
    double widened[BLOCK], acc[FEW_ROWS][LANES];
    for (int64_t j = begin; j < end; j++) {
        memset(acc, 0, sizeof acc);
        for (int64_t p0 = 0; p0 < whole; p0 += BLOCK) {
            const int64_t n = PX_MIN((int64_t)BLOCK, whole - p0);
            const double *b = few_numbers(job, p0, j, n, widened);
            for (int64_t i = 0; i < job->m; i++) {
                const double *a = job->a + i * job->k + p0;
                for (int64_t p = 0; p < n; p += LANES)
                    for (int l = 0; l < LANES; l++)
                        acc[i][l] += a[p + l] * b[p + l];
            }
        }
        const double *rest = few_numbers(job, whole, j, job->k - whole, widened);
        for (int64_t i = 0; i < job->m; i++) {
            double sum = lanes_sum(acc[i]);
            for (int64_t p = whole; p < job->k; p++)
                sum += job->a[i * job->k + p] * rest[p - whole];
            few_store(job, i, j, sum);
        }
    }
}

/* Rows of B run along our columns: a block of columns is summed over k. */
static void few_axpy(void *arg, int64_t begin, int64_t end)
{
    const few_job *job = arg;
    double widened[BLOCK], acc[FEW_ROWS][BLOCK];
    for (int64_t j0 = begin; j0 < end; j0 += BLOCK) {
        const int64_t n = PX_MIN((int64_t)BLOCK, end - j0);
        memset(acc, 0, sizeof acc);
        for (int64_t p = 0; p < job->k; p++) {
            const double *b = few_numbers(job, p, j0, n, widened);
            for (int64_t i = 0; i < job->m; i++)
                job->isa->axpy(n, job->a[i * job->k + p], b, 1, acc[i]);
        }
        for (int64_t i = 0; i < job->m; i++)
            for (int64_t j = 0; j < n; j++)
                few_store(job, i, j0 + j, acc[i][j]);
    }
}

static pgy_status *few_rows(pgy_context *cx, few_job *job, const px_gemm_matrix *a)
{
    double *rows = px_mem_alloc((size_t)job->m * (size_t)job->k * sizeof *rows);
    if (!rows)
        return px_status_nomem();
    for (int64_t i = 0; i < job->m; i++)
        for (int64_t p = 0; p < job->k; p++)
            rows[i * job->k + p] = ((const double *)a->at)[i * a->row + p * a->col];
    job->a = rows;
    if (job->b->row == 1)
        px_parallel_for(cx, job->n, PX_MAX((int64_t)1, 16384 / PX_MAX(job->k, (int64_t)1)), few_dot,
                        job);
    else
        px_parallel_for(cx, job->n, BLOCK, few_axpy, job);
    px_mem_free(rows);
    return NULL;
}

pgy_status *px_gemm_product(pgy_context *cx, int64_t m, int64_t n, int64_t k, double alpha,
                            const px_gemm_matrix *a, const px_gemm_matrix *b, double beta,
                            double *c, int64_t ldc)
{
    pgy_status *st = NULL;
    const px_gemm_isa *isa = px_gemm_isa_get();
    double *packed = NULL;
    size_t count = 0;

    if (m <= 0 || n <= 0)
        return NULL;
    if (m <= FEW_ROWS) {
        few_job few = {.m = m,
                       .n = n,
                       .k = k,
                       .ldc = ldc,
                       .b = b,
                       .alpha = alpha,
                       .beta = beta,
                       .c = c,
                       .isa = isa};
        return few_rows(cx, &few, a);
    }
    if (!px_gemm_packed_count(m, isa->mr, k, &count))
        return px_status_nomem();
    packed = px_mem_alloc_aligned(count * sizeof *packed);
    if (!packed)
        PX_TRY(px_status_nomem());
    px_gemm_pack_a(cx, isa, m, k, a->at, a->row, a->col, packed);
    const px_gemm_job job = {.isa = isa,
                             .m = m,
                             .n = n,
                             .k = k,
                             .a = packed,
                             .pack = px_gemm_pack_matrix,
                             .source = b,
                             .alpha = alpha,
                             .beta = beta,
                             .c = c,
                             .ldc = ldc};
    PX_TRY(px_gemm_run(cx, &job));
done:
    px_mem_free(packed);
    return st;
}

pgy_status *px_ref_gemm(pgy_context *cx, bool trans_a, bool trans_b, int64_t m, int64_t n,
                        int64_t k, double alpha, const double *a, int64_t lda, const double *b,
                        int64_t ldb, double beta, double *c, int64_t ldc)
{
    const px_gemm_matrix rows = {
        .at = a, .row = trans_a ? 1 : lda, .col = trans_a ? lda : 1, .k = k};
    const px_gemm_matrix columns = {
        .at = b, .row = trans_b ? 1 : ldb, .col = trans_b ? ldb : 1, .k = k};
    return px_gemm_product(cx, m, n, k, alpha, &rows, &columns, beta, c, ldc);
}
