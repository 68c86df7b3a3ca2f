/* backend/ref/op/matmul.c - MatMul, Gemm and their integer forms.
 *
 * Integers of 8 bits multiply exactly in float64: a product is below 2^17 and a sum of k of them
 * below 2^53 for every k that fits memory. Wider integers get plain loops that wrap as C does.
 */
#include "backend/ref/gemm.h"
#include "backend/ref/plan.h"

#include <math.h>
#include <stdatomic.h>

/* numpy's matmul: shapes with one-dimensional operands promoted, batch dimensions broadcast. */
typedef struct product {
    int64_t m, n, k;
    int batch_rank;
    int64_t batch[PX_MAX_RANK];
    int64_t stride_a[PX_MAX_RANK], stride_b[PX_MAX_RANK]; /* in matrices */
    int64_t n_batch;
    int rank; /* of the result */
    int64_t dims[PX_MAX_RANK];
} product;

static void batch_strides(const pgy_tensor *t, int rank, const int64_t *batch, int64_t *strides)
{
    int64_t stride = 1;
    for (int d = rank - 1; d >= 0; d--) {
        const int own = d - (rank - (t->rank - 2));
        const int64_t dim = own >= 0 && t->rank > 2 ? t->dims[own] : 1;
        strides[d] = dim == 1 && batch[d] != 1 ? 0 : stride;
        stride *= dim;
    }
}

static pgy_status *product_shape(const px_ref_call *c, const pgy_tensor *a, const pgy_tensor *b,
                                 product *out)
{
    product p = {.n_batch = 1};
    if (a->rank < 1 || b->rank < 1)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "a scalar cannot be an operand");
    p.m = a->rank > 1 ? a->dims[a->rank - 2] : 1;
    p.k = a->dims[a->rank - 1];
    p.n = b->rank > 1 ? b->dims[b->rank - 1] : 1;
    const int64_t k_b = b->rank > 1 ? b->dims[b->rank - 2] : b->dims[0];
    if (p.k != k_b)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "inner dimensions differ: %lld and %lld",
                           (long long)p.k, (long long)k_b);
    p.batch_rank = PX_MAX(PX_MAX(a->rank, b->rank) - 2, 0);
    for (int d = 0; d < p.batch_rank; d++) {
        const int da = d - (p.batch_rank - (a->rank - 2)), db = d - (p.batch_rank - (b->rank - 2));
        const int64_t x = da >= 0 && a->rank > 2 ? a->dims[da] : 1;
        const int64_t y = db >= 0 && b->rank > 2 ? b->dims[db] : 1;
        if (x != y && x != 1 && y != 1)
            return PX_REF_FAIL(c, PGY_ERR_MODEL, "batch dimensions %lld and %lld do not broadcast",
                               (long long)x, (long long)y);
        p.batch[d] = x == 1 ? y : x;
        p.dims[p.rank++] = p.batch[d];
    }
    if (!px_shape_count(p.batch_rank, p.batch, &p.n_batch))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "the batch is too large");
    if (a->rank > 1)
        p.dims[p.rank++] = p.m;
    if (b->rank > 1)
        p.dims[p.rank++] = p.n;
    batch_strides(a, p.batch_rank, p.batch, p.stride_a);
    batch_strides(b, p.batch_rank, p.batch, p.stride_b);
    *out = p;
    return NULL;
}

/* Matrix number of batch element `i` under `strides`. */
static int64_t batch_at(const product *p, const int64_t *strides, int64_t i)
{
    int64_t at = 0;
    for (int d = p->batch_rank - 1; d >= 0; d--) {
        at += i % p->batch[d] * strides[d];
        i /= p->batch[d];
    }
    return at;
}

typedef struct batch_job {
    pgy_context *cx; /* for threads inside a product */
    const product *p;
    const double *a;
    px_gemm_matrix b; /* the first of the batch */
    double *out;
    pgy_status *_Atomic failed;
} batch_job;

/* Matrix number `i` of those that follow `first`, each `count` numbers long. */
static px_gemm_matrix matrix_number(px_gemm_matrix first, int64_t i, int64_t count)
{
    const int64_t size = first.is_f32 ? sizeof(float) : sizeof(double);
    first.at = (const char *)first.at + i * count * size;
    return first;
}

static void batch_range(void *arg, int64_t begin, int64_t end)
{
    batch_job *job = arg;
    const product *p = job->p;
    for (int64_t i = begin; i < end; i++) {
        const px_gemm_matrix a = {.at = job->a + batch_at(p, p->stride_a, i) * p->m * p->k,
                                  .row = p->k,
                                  .col = 1,
                                  .k = p->k};
        const px_gemm_matrix b = matrix_number(job->b, batch_at(p, p->stride_b, i), p->k * p->n);
        pgy_status *st = px_gemm_product(job->cx, p->m, p->n, p->k, 1, &a, &b, 0,
                                         job->out + i * p->m * p->n, p->n);
        if (st)
            pgy_status_free(atomic_exchange(&job->failed, st));
    }
}

/* `b` is stored as F64 or F32. */
static pgy_status *product_float(pgy_context *cx, const product *p, const double *a,
                                 const pgy_tensor *b, double *out)
{
    const px_gemm_matrix first = {
        .at = b->data, .is_f32 = b->dtype == PGY_DTYPE_F32, .row = p->n, .col = 1, .k = p->k};
    const px_gemm_matrix rows = {.at = a, .row = p->k, .col = 1, .k = p->k};
    bool b_is_one = true, a_is_dense = true;
    int64_t dense = 1;
    for (int d = p->batch_rank - 1; d >= 0; d--) {
        b_is_one &= p->batch[d] == 1 || p->stride_b[d] == 0;
        a_is_dense &= p->batch[d] == 1 || p->stride_a[d] == dense;
        dense *= p->batch[d];
    }
    if (b_is_one && a_is_dense)
        return px_gemm_product(cx, p->m * p->n_batch, p->n, p->k, 1, &rows, &first, 0, out, p->n);
    batch_job job = {.p = p, .a = a, .b = first, .out = out};
    atomic_init(&job.failed, NULL);
    /* Small products one to a thread, large ones with all threads inside. */
    if ((double)p->m * (double)p->n * (double)p->k < 4e6 && p->n_batch >= 2) {
        px_parallel_for(cx, p->n_batch, 1, batch_range, &job);
    } else {
        job.cx = cx;
        batch_range(&job, 0, p->n_batch);
    }
    return atomic_load(&job.failed);
}

/* Sums wrap modulo 2^64, of which the result type keeps the low bits. */
static void product_int(const product *p, const pgy_tensor *a, const pgy_tensor *b, pgy_dtype dtype,
                        void *out)
{
    for (int64_t i = 0; i < p->n_batch; i++) {
        const int64_t a0 = batch_at(p, p->stride_a, i) * p->m * p->k;
        const int64_t b0 = batch_at(p, p->stride_b, i) * p->k * p->n;
        for (int64_t r = 0; r < p->m; r++)
            for (int64_t j = 0; j < p->n; j++) {
                uint64_t sum = 0;
                for (int64_t q = 0; q < p->k; q++)
                    sum += (uint64_t)px_tensor_get_i64(a, a0 + r * p->k + q) *
                           (uint64_t)px_tensor_get_i64(b, b0 + q * p->n + j);
                const int64_t at = (i * p->m + r) * p->n + j, bits = pgy_dtype_bits(dtype);
                memcpy((char *)out + at * bits / 8, &sum, (size_t)bits / 8);
            }
    }
}

/* --- constant right operands are packed once --- */

typedef struct packed_b {
    int64_t k, n;
    bool is_f32;
    void *at;
} packed_b;

static void packed_free(void *state)
{
    packed_b *p = state;
    if (p)
        px_mem_free(p->at);
    px_mem_free(p);
}

/* Input `i`, n columns of it, packed; *out is NULL when that does not pay off. */
static pgy_status *packed_get(px_ref_call *c, size_t i, int64_t n, const px_gemm_matrix *b,
                              const packed_b **out)
{
    pgy_status *st = NULL;
    packed_b *p = c->state;
    size_t count = 0;

    *out = NULL;
    if (!px_ref_in_is_constant(c, i))
        return NULL;
    if (p && p->k == b->k && p->n == n) {
        *out = p;
        return NULL;
    }
    const px_gemm_isa *isa = px_gemm_isa_get();
    if (!px_gemm_packed_count(n, isa->nr, b->k, &count))
        return px_status_nomem();
    PX_TRY(PX_ALLOC(p, 1));
    *p = (packed_b){.k = b->k, .n = n, .is_f32 = b->is_f32};
    p->at = px_mem_alloc_aligned(count * (b->is_f32 ? sizeof(float) : sizeof(double)));
    if (!p->at)
        PX_TRY(px_status_nomem());
    px_gemm_pack_b(c->cx, isa, n, b, p->at);
    px_ref_in_forget(c, i);
    *out = p;
    px_ref_keep(c, p, packed_free);
    p = NULL;
done:
    packed_free(p);
    return st;
}

/* C = alpha * A * packed B + beta * C. */
static pgy_status *run_packed(px_ref_call *c, int64_t m, double alpha, const px_gemm_matrix *a,
                              const packed_b *b, double beta, double *out)
{
    pgy_status *st = NULL;
    const px_gemm_isa *isa = px_gemm_isa_get();
    px_ref_buf *buf = NULL;
    size_t count = 0;
    double *packed = NULL;

    if (!px_gemm_packed_count(m, isa->mr, b->k, &count))
        return px_status_nomem();
    PX_TRY(px_ref_temp(c, count, &buf, &packed));
    px_gemm_pack_a(c->cx, isa, m, b->k, a->at, a->row, a->col, packed);
    const px_gemm_job job = {.isa = isa,
                             .m = m,
                             .n = b->n,
                             .k = b->k,
                             .a = packed,
                             .b = b->at,
                             .b_is_f32 = b->is_f32,
                             .alpha = alpha,
                             .beta = beta,
                             .c = out,
                             .ldc = b->n};
    PX_TRY(px_gemm_run(c->cx, &job));
done:
    px_ref_buf_free(buf);
    return st;
}

/* Rows from which a packed constant beats reading it where it lies. */
enum { PACK_ROWS = 8 };

static pgy_status *matmul(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *a = NULL, *b = NULL;
    const packed_b *packed = NULL;
    product p;
    void *out = NULL;

    PX_TRY(px_ref_in(c, 0, &a));
    PX_TRY(px_ref_in(c, 1, &b));
    if (a->dtype != px_ref_storage(b->dtype) || a->dtype == PGY_DTYPE_STRING ||
        a->dtype == PGY_DTYPE_C128)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "operands of types %s and %s cannot be multiplied",
                           pgy_dtype_name(c->in[0].dtype), pgy_dtype_name(c->in[1].dtype)));
    PX_TRY(product_shape(c, a, b, &p));
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, p.rank, p.dims, &out));
    if (a->dtype != PGY_DTYPE_F64) {
        product_int(&p, a, b, a->dtype, out);
        goto done;
    }
    const px_gemm_matrix rows = {.at = a->data, .row = p.k, .col = 1, .k = p.k};
    const px_gemm_matrix columns = {
        .at = b->data, .is_f32 = b->dtype == PGY_DTYPE_F32, .row = p.n, .col = 1, .k = p.k};
    if (b->rank <= 2 && p.m * p.n_batch >= PACK_ROWS)
        PX_TRY(packed_get(c, 1, p.n, &columns, &packed));
    if (packed)
        PX_TRY(run_packed(c, p.m * p.n_batch, 1, &rows, packed, 0, out));
    else
        PX_TRY(product_float(c->cx, &p, a->data, b, out));
done:
    return st;
}

/* --- Gemm --- */

/* Writes C, broadcast to m x n, into `out` as the product's starting value. */
static pgy_status *gemm_start(px_ref_call *c, int64_t m, int64_t n, const pgy_tensor *bias,
                              double *out)
{
    const int64_t dims[2] = {m, n};
    const int64_t rows = bias->rank > 1 ? bias->dims[0] : 1;
    const int64_t cols = bias->rank > 0 ? bias->dims[bias->rank - 1] : 1;
    if (bias->rank > 2 || (rows != 1 && rows != m) || (cols != 1 && cols != n))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "C does not broadcast to %lld x %lld",
                           (long long)dims[0], (long long)dims[1]);
    const double *x = bias->data;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            out[i * n + j] = x[(rows == 1 ? 0 : i) * cols + (cols == 1 ? 0 : j)];
    return NULL;
}

/* Integer Gemm: alpha and beta are floats, results are truncated as a cast does. */
static pgy_status *gemm_any(px_ref_call *c, const pgy_tensor *a, const pgy_tensor *b)
{
    pgy_status *st = NULL;
    const pgy_tensor *fa = NULL, *fb = NULL, *fc = NULL;
    const bool ta = px_ref_attr_i(c, "transA", 0) != 0, tb = px_ref_attr_i(c, "transB", 0) != 0;
    const double alpha = px_ref_attr_f(c, "alpha", 1), beta = px_ref_attr_f(c, "beta", 1);
    const int64_t m = a->dims[ta ? 1 : 0], k = a->dims[ta ? 0 : 1];
    const int64_t n = b->dims[tb ? 0 : 1], k_b = b->dims[tb ? 1 : 0];
    const int64_t dims[2] = {m, n};
    const bool is_f64 = a->dtype == PGY_DTYPE_F64;
    const packed_b *packed = NULL;
    void *out = NULL;
    double *y = NULL;
    double start = 0;

    if (k != k_b)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "inner dimensions differ: %lld and %lld", (long long)k,
                           (long long)k_b));
    PX_TRY(px_ref_in_f64(c, 0, &fa));
    PX_TRY(px_ref_in_float(c, 1, &fb));
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, 2, dims, &out));
    y = is_f64 ? out : px_arena_calloc(c->scratch, (size_t)c->out[0].t->count + 1, sizeof *y);
    if (!y)
        PX_TRY(px_status_nomem());
    if (px_ref_has(c, 2) && beta != 0) {
        PX_TRY(px_ref_in_f64(c, 2, &fc));
        PX_TRY(gemm_start(c, m, n, fc, y));
        start = beta;
    }
    const px_gemm_matrix rows = {.at = fa->data, .row = ta ? 1 : k, .col = ta ? m : 1, .k = k};
    const px_gemm_matrix columns = {.at = fb->data,
                                    .is_f32 = fb->dtype == PGY_DTYPE_F32,
                                    .row = tb ? 1 : n,
                                    .col = tb ? k : 1,
                                    .k = k};
    if (m >= PACK_ROWS && is_f64)
        PX_TRY(packed_get(c, 1, n, &columns, &packed));
    if (packed)
        PX_TRY(run_packed(c, m, alpha, &rows, packed, start, y));
    else
        PX_TRY(px_gemm_product(c->cx, m, n, k, alpha, &rows, &columns, start, y, n));
    if (!is_f64)
        px_convert(a->dtype, out, PGY_DTYPE_F64, y, 0, c->out[0].t->count);
done:
    return st;
}

static pgy_status *gemm(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *a = NULL, *b = NULL;

    PX_TRY(px_ref_in(c, 0, &a));
    PX_TRY(px_ref_in(c, 1, &b));
    if (a->rank != 2 || b->rank != 2 || a->dtype != px_ref_storage(b->dtype))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "operands must be matrices of one type; their ranks are %d and %d",
                           a->rank, b->rank));
    PX_TRY(gemm_any(c, a, b));
done:
    return st;
}

/* --- 8-bit --- */

/* Copies input `i` as float64 less its zero point: a scalar, one per row (`along_rows`) or one per
 * column of the last two dimensions, or one for each row or column of each matrix. */
static pgy_status *less_zero(px_ref_call *c, size_t i, size_t zero, bool along_rows,
                             const pgy_tensor **out)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL, *z = NULL;
    double *copy = NULL;

    PX_TRY(px_ref_in_f64(c, i, &x));
    *out = x;
    if (!px_ref_has(c, zero))
        goto done;
    PX_TRY(px_ref_in_f64(c, zero, &z));
    const pgy_tensor *stored = NULL;
    PX_TRY(px_ref_in(c, i, &stored));
    const int64_t cols = x->rank > 0 ? x->dims[x->rank - 1] : 1;
    const int64_t rows = x->rank > 1 ? x->dims[x->rank - 2] : 1;
    const int64_t lines = along_rows ? rows : cols;
    const int64_t matrices = rows * cols > 0 ? x->count / (rows * cols) : 0;
    if (z->count != 1 && z->count != lines && z->count != lines * matrices)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "zero point %zu has %lld elements; 1 or %lld are wanted", zero,
                           (long long)z->count, (long long)lines));
    /* float8 operands are stored as F64 already and shared: those are copied. */
    const pgy_tensor *mine = x;
    if (stored->dtype == PGY_DTYPE_F64) {
        copy = px_arena_alloc(c->scratch, x->size);
        pgy_tensor *t =
            px_arena_alloc(c->scratch, sizeof *t + (size_t)x->rank * sizeof(x->dims[0]));
        if (!copy || !t)
            PX_TRY(px_status_nomem());
        memcpy(copy, x->data, x->size);
        memcpy(t, x, sizeof *t + (size_t)x->rank * sizeof(x->dims[0]));
        t->data = copy;
        mine = t;
    }
    double *at = mine->data;
    const double *zeros = z->data;
    for (int64_t b = 0; b < matrices; b++)
        for (int64_t r = 0; r < rows; r++)
            for (int64_t j = 0; j < cols; j++) {
                const int64_t line = along_rows ? r : j;
                *at++ -= zeros[z->count == 1 ? 0 : z->count == lines ? line : b * lines + line];
            }
    *out = mine;
done:
    return st;
}

static pgy_status *matmul_integer(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *a = NULL, *b = NULL;
    product p;
    void *out = NULL;

    PX_TRY(less_zero(c, 0, 2, true, &a));
    PX_TRY(less_zero(c, 1, 3, false, &b));
    PX_TRY(product_shape(c, a, b, &p));
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_I32, p.rank, p.dims, &out));
    const int64_t count = c->out[0].t->count;
    double *y = px_arena_calloc(c->scratch, (size_t)count + 1, sizeof *y);
    if (!y)
        PX_TRY(px_status_nomem());
    PX_TRY(product_float(c->cx, &p, a->data, b, y));
    for (int64_t i = 0; i < count; i++)
        ((int32_t *)out)[i] = (int32_t)(uint32_t)(int64_t)y[i];
done:
    return st;
}

/* Scale of the row or column of element `i` of a [.., rows, cols] array. */
static double line_scale(const pgy_tensor *scale, bool along_rows, int64_t rows, int64_t cols,
                         int64_t i)
{
    const double *x = scale->data;
    if (scale->count == 1)
        return x[0];
    const int64_t line = along_rows ? i / cols % rows : i % cols;
    const int64_t lines = along_rows ? rows : cols;
    return x[scale->count == lines ? line : i / (rows * cols) * lines + line];
}

static pgy_status *check_scale(px_ref_call *c, size_t i, const pgy_tensor *scale, int64_t lines,
                               int64_t n_batch)
{
    if (scale->count == 1 || scale->count == lines || scale->count == lines * n_batch)
        return NULL;
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "input %zu has %lld elements; 1 or %lld are wanted", i,
                       (long long)scale->count, (long long)lines);
}

static pgy_status *qlinear_matmul(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *a = NULL, *b = NULL, *sa = NULL, *sb = NULL, *sy = NULL, *zy = NULL;
    const pgy_tensor *stored = NULL;
    product p;
    void *out = NULL;

    PX_TRY(less_zero(c, 0, 2, true, &a));
    PX_TRY(less_zero(c, 3, 5, false, &b));
    PX_TRY(px_ref_in_f64(c, 1, &sa));
    PX_TRY(px_ref_in_f64(c, 4, &sb));
    PX_TRY(px_ref_in_f64(c, 6, &sy));
    PX_TRY(px_ref_in_f64(c, 7, &zy));
    PX_TRY(px_ref_in(c, 7, &stored));
    PX_TRY(product_shape(c, a, b, &p));
    PX_TRY(check_scale(c, 1, sa, p.m, p.n_batch));
    PX_TRY(check_scale(c, 4, sb, p.n, p.n_batch));
    PX_TRY(check_scale(c, 6, sy, p.m, p.n_batch));
    PX_TRY(check_scale(c, 7, zy, p.m, p.n_batch));
    PX_TRY(px_ref_out(c, 0, c->in[7].dtype, p.rank, p.dims, &out));
    const int64_t count = c->out[0].t->count;
    double *y = stored->dtype == PGY_DTYPE_F64
                    ? out
                    : px_arena_calloc(c->scratch, (size_t)count + 1, sizeof *y);
    if (!y)
        PX_TRY(px_status_nomem());
    PX_TRY(product_float(c->cx, &p, a->data, b, y));
    const bool is_signed = stored->dtype == PGY_DTYPE_I8;
    for (int64_t i = 0; i < count; i++) {
        const double scale = line_scale(sa, true, p.m, p.n, i) *
                             line_scale(sb, false, p.m, p.n, i) / line_scale(sy, true, p.m, p.n, i);
        const double zero = line_scale(zy, true, p.m, p.n, i);
        if (y == out) {
            y[i] = y[i] * scale + zero;
            continue;
        }
        const double q = rint(y[i] * scale) + zero;
        y[i] = is_signed ? fmin(fmax(q, -128), 127) : fmin(fmax(q, 0), 255);
    }
    if (y == out)
        px_ref_round(c->in[7].dtype, y, count);
    else
        px_convert(stored->dtype, out, PGY_DTYPE_F64, y, 0, count);
done:
    return st;
}

static const px_ref_op ops[] = {
    {"", "MatMul", 1, 2, 2, 1, 1, matmul},
    {"", "Gemm", 1, 2, 3, 1, 1, gemm},
    {"", "MatMulInteger", 10, 2, 4, 1, 1, matmul_integer},
    {"", "QLinearMatMul", 10, 8, 8, 1, 1, qlinear_matmul},
};

const px_ref_family px_ref_family_matmul = {ops, PX_COUNTOF(ops)};
