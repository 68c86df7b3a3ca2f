/* backend/ref/op/ms_quant.c - com.microsoft operators that multiply quantized matrices:
 * DynamicQuantizeMatMul, MatMulIntegerToFloat, MatMulNBits; and FusedMatMul. */
#include "backend/ref/op/ms_quant.h"

#include <math.h>

pgy_status *px_ms_scale_of(px_ref_call *c, size_t scale, size_t zero, int64_t columns,
                           px_ms_scale *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *s, *z = NULL;
    double *zeros;
    PX_TRY(px_ref_in_f64(c, scale, &s));
    if (px_ref_has(c, zero))
        PX_TRY(px_ref_in_f64(c, zero, &z));
    if ((s->count != 1 && (columns == 0 || s->count != columns)) ||
        (z && z->count != 1 && z->count != s->count))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld scales and %lld zero points for %lld columns",
                           (long long)s->count, (long long)(z ? z->count : 0), (long long)columns));
    PX_TRY(PX_MOVE_SCRATCH(c, zeros, s->count));
    for (int64_t i = 0; z && i < s->count; i++)
        zeros[i] = ((const double *)z->data)[z->count == 1 ? 0 : i];
    *out = (px_ms_scale){s->count, s->data, zeros};
done:
    return st;
}

pgy_status *px_ms_dequantize(px_ref_call *c, size_t i, const px_ms_scale *s, const double **out)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    double *y;
    PX_TRY(px_ref_in_f64(c, i, &x));
    PX_TRY(PX_MOVE_SCRATCH(c, y, x->count));
    for (int64_t k = 0; k < x->count; k++) {
        int64_t col = s->n == 1 ? 0 : k % s->n;
        y[k] = (((const double *)x->data)[k] - s->zero[col]) * s->scale[col];
    }
    *out = y;
done:
    return st;
}

void px_ms_round_dynamic(const double *x, int64_t n, double *out)
{
    double lo = 0, hi = 0;
    for (int64_t i = 0; i < n; i++) {
        lo = PX_MIN(lo, x[i]);
        hi = PX_MAX(hi, x[i]);
    }
    double scale = hi == lo ? 1 : (hi - lo) / 255;
    double zero = PX_MIN(PX_MAX(nearbyint(-lo / scale), 0), 255);
    for (int64_t i = 0; i < n; i++) {
        double q = nearbyint(x[i] / scale) + zero;
        out[i] = (PX_MIN(PX_MAX(q, 0), 255) - zero) * scale;
    }
}

/* --- matrix products --- */

typedef struct product_shape {
    int64_t m, n, k;
    int batch_rank;
    int64_t batch[PX_MAX_RANK], a_strides[PX_MAX_RANK], b_strides[PX_MAX_RANK]; /* in matrices */
} product_shape;

static pgy_status *product_shape_of(px_ref_call *c, const px_ms_matrices *a,
                                    const px_ms_matrices *b, product_shape *s)
{
    bool a_row = a->rank == 1, b_col = b->rank == 1;
    int64_t rows = a_row ? 1 : a->dims[a->rank - 2], cols = b_col ? 1 : b->dims[b->rank - 1];
    int64_t ka = a->dims[a->rank - 1], kb = b_col ? b->dims[0] : b->dims[b->rank - 2];
    bool ta = a->is_transposed && !a_row, tb = b->is_transposed && !b_col;
    s->m = ta ? ka : rows;
    s->k = ta ? rows : ka;
    s->n = tb ? kb : cols;
    int na = PX_MAX(a->rank - 2, 0), nb = PX_MAX(b->rank - 2, 0);
    bool fits = s->k == (tb ? cols : kb);
    s->batch_rank = PX_MAX(na, nb);
    int64_t a_stride = 1, b_stride = 1;
    for (int i = s->batch_rank - 1; fits && i >= 0; i--) {
        int ia = i - (s->batch_rank - na), ib = i - (s->batch_rank - nb);
        int64_t da = ia >= 0 ? a->dims[ia] : 1, db = ib >= 0 ? b->dims[ib] : 1;
        fits = da == db || da == 1 || db == 1;
        s->batch[i] = da == 1 ? db : da;
        s->a_strides[i] = da == 1 ? 0 : a_stride;
        s->b_strides[i] = db == 1 ? 0 : b_stride;
        a_stride *= da;
        b_stride *= db;
    }
    return fits ? NULL : PX_REF_FAIL(c, PGY_ERR_MODEL, "The shapes of the operands do not fit");
}

pgy_status *px_ms_product(px_ref_call *c, pgy_dtype declared, double alpha, const px_ms_matrices *a,
                          const px_ms_matrices *b, const double *bias)
{
    pgy_status *st = NULL;
    product_shape s = {0};
    int64_t dims[PX_MAX_RANK + 2], pos[PX_MAX_RANK] = {0};
    void *y;
    PX_TRY(product_shape_of(c, a, b, &s));
    int rank = s.batch_rank;
    memcpy(dims, s.batch, (size_t)rank * sizeof *dims);
    if (a->rank > 1)
        dims[rank++] = s.m;
    if (b->rank > 1)
        dims[rank++] = s.n;
    PX_TRY(px_move_out_f64(c, 0, declared, rank, dims, &y));
    int64_t total = px_move_span(dims, 0, rank),
            n_matrices = px_move_span(s.batch, 0, s.batch_rank);
    bool ta = a->is_transposed && a->rank > 1, tb = b->is_transposed && b->rank > 1;
    for (int64_t i = 0; total > 0 && i < n_matrices; i++) {
        int64_t ia = 0, ib = 0;
        for (int k = 0; k < s.batch_rank; k++) {
            ia += pos[k] * s.a_strides[k];
            ib += pos[k] * s.b_strides[k];
        }
        PX_TRY(px_ref_gemm(c->cx, ta, tb, s.m, s.n, s.k, alpha, a->data + ia * s.m * s.k,
                           ta ? s.m : s.k, b->data + ib * s.k * s.n, tb ? s.k : s.n, 0,
                           (double *)y + i * s.m * s.n, s.n));
        for (int k = s.batch_rank - 1; k >= 0 && ++pos[k] == s.batch[k]; k--)
            pos[k] = 0;
    }
    for (int64_t i = 0; bias && i < total; i++)
        ((double *)y)[i] += bias[i % s.n];
done:
    return st;
}

static pgy_status *dynamic_quantize_matmul(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *a, *b;
    px_ms_scale s;
    px_ms_matrices ma = {0}, mb = {0};
    double *rounded;
    const double *bias;
    PX_TRY(px_ref_in_f64(c, 0, &a));
    PX_TRY(px_ref_in(c, 1, &b));
    if (a->rank < 1 || b->rank < 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The operands must be matrices"));
    int64_t columns = b->dims[b->rank - 1];
    PX_TRY(px_ms_scale_of(c, 2, 3, columns, &s));
    PX_TRY(px_ref_opt_f64(c, 4, columns, &bias));
    PX_TRY(PX_MOVE_SCRATCH(c, rounded, a->count));
    px_ms_round_dynamic(a->data, a->count, rounded);
    ma = (px_ms_matrices){rounded, a->rank, a->dims, false};
    mb = (px_ms_matrices){NULL, b->rank, b->dims, false};
    PX_TRY(px_ms_dequantize(c, 1, &s, &mb.data));
    PX_TRY(px_ms_product(c, c->in[0].dtype, 1, &ma, &mb, bias));
done:
    return st;
}

static pgy_status *matmul_integer_to_float(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *a, *b;
    px_ms_scale sa, sb;
    px_ms_matrices ma = {0}, mb = {0};
    const double *bias;
    PX_TRY(px_ref_in(c, 0, &a));
    PX_TRY(px_ref_in(c, 1, &b));
    if (a->rank < 1 || b->rank < 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The operands must be matrices"));
    PX_TRY(px_ms_scale_of(c, 2, 4, a->dims[a->rank - 1], &sa));
    PX_TRY(px_ms_scale_of(c, 3, 5, b->dims[b->rank - 1], &sb));
    PX_TRY(px_ref_opt_f64(c, 6, b->dims[b->rank - 1], &bias));
    ma = (px_ms_matrices){NULL, a->rank, a->dims, false};
    mb = (px_ms_matrices){NULL, b->rank, b->dims, false};
    PX_TRY(px_ms_dequantize(c, 0, &sa, &ma.data));
    PX_TRY(px_ms_dequantize(c, 1, &sb, &mb.data));
    PX_TRY(px_ms_product(c, c->in[2].dtype, 1, &ma, &mb, bias));
done:
    return st;
}

/* --- MatMulNBits --- */

typedef struct nbits {
    int64_t n, k, block, bits, n_blocks, blob; /* blob: bytes per block */
} nbits;

/* The `i`-th number of `bits` bits, low bits first. */
static unsigned packed_at(const uint8_t *bytes, int64_t i, int64_t bits)
{
    int64_t at = i * bits;
    unsigned v = (unsigned)bytes[at / 8] >> (at % 8);
    if (at % 8 + bits > 8)
        v |= (unsigned)bytes[at / 8 + 1] << (8 - at % 8);
    return v & ((1u << bits) - 1);
}

static pgy_status *nbits_shape(px_ref_call *c, const pgy_tensor *b, nbits *q)
{
    q->n = px_ref_attr_i(c, "N", 0);
    q->k = px_ref_attr_i(c, "K", 0);
    q->block = px_ref_attr_i(c, "block_size", 0);
    q->bits = px_ref_attr_i(c, "bits", 4);
    bool fits = q->n > 0 && q->n <= INT32_MAX && q->k > 0 && q->k <= INT32_MAX && q->block >= 1 &&
                q->block <= INT32_MAX && q->bits >= 2 && q->bits <= 8 &&
                px_ref_attr_i(c, "weight_prepacked", 0) == 0;
    if (fits) {
        q->n_blocks = (q->k + q->block - 1) / q->block;
        q->blob = (q->block * q->bits + 7) / 8;
    }
    if (!fits || b->dtype != PGY_DTYPE_U8 || b->count != q->n * q->n_blocks * q->blob)
        return PX_REF_FAIL(
            c, PGY_ERR_MODEL,
            "Packed weights of %lld bytes do not fit N %lld, K %lld, block_size %lld "
            "and bits %lld, or are packed for another runtime",
            (long long)b->count, (long long)q->n, (long long)q->k, (long long)q->block,
            (long long)q->bits);
    return NULL;
}

/* The block whose scale and zero point serve column `i` of the weights: g_idx (input 4) may say. */
static pgy_status *nbits_groups(px_ref_call *c, const nbits *q, const int64_t **out)
{
    pgy_status *st = NULL;
    size_t n;
    *out = NULL;
    if (!px_ref_has(c, 4))
        return NULL;
    PX_TRY(px_ref_in_ints(c, 4, out, &n));
    bool fits = (int64_t)n >= q->k;
    for (int64_t i = 0; fits && i < q->k; i++)
        fits = (*out)[i] >= 0 && (*out)[i] < q->n_blocks;
    if (!fits)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "g_idx (input 4) does not name %lld of %lld blocks",
                           (long long)q->k, (long long)q->n_blocks));
done:
    return st;
}

/* Weights as [n, k]. */
static pgy_status *nbits_unpack(px_ref_call *c, const nbits *q, const pgy_tensor *b, double *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *scales, *zeros = NULL;
    const int64_t *groups;
    PX_TRY(px_ref_in_f64(c, 2, &scales));
    PX_TRY(nbits_groups(c, q, &groups));
    if (px_ref_has(c, 3))
        PX_TRY(px_ref_in(c, 3, &zeros));
    int64_t zero_row = (q->n_blocks * q->bits + 7) / 8;
    bool is_packed = zeros && zeros->dtype == PGY_DTYPE_U8;
    if (scales->count != q->n * q->n_blocks ||
        (zeros && zeros->count != q->n * (is_packed ? zero_row : q->n_blocks)) ||
        (zeros && !is_packed && zeros->dtype != PGY_DTYPE_F64))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Scales or zero points do not fit the weights"));
    const uint8_t *bytes = b->data;
    for (int64_t row = 0; row < q->n; row++)
        for (int64_t i = 0; i < q->k; i++) {
            int64_t block = groups ? groups[i] : i / q->block, at = row * q->n_blocks + block;
            double zero = (double)(1u << (q->bits - 1));
            if (is_packed)
                zero = packed_at((const uint8_t *)zeros->data + row * zero_row, block, q->bits);
            else if (zeros)
                zero = ((const double *)zeros->data)[at];
            double v = packed_at(bytes + (row * q->n_blocks + i / q->block) * q->blob, i % q->block,
                                 q->bits);
            out[row * q->k + i] = (v - zero) * ((const double *)scales->data)[at];
        }
done:
    return st;
}

static pgy_status *matmul_nbits(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *a, *b;
    nbits q = {0};
    double *weights = c->state, *fresh = NULL;
    const double *bias;
    PX_TRY(px_ref_in_f64(c, 0, &a));
    PX_TRY(px_ref_in(c, 1, &b));
    PX_TRY(nbits_shape(c, b, &q));
    PX_TRY(px_ref_opt_f64(c, 5, q.n, &bias));
    if (a->rank < 1 || a->dims[a->rank - 1] != q.k)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "A has no rows of %lld", (long long)q.k));
    if (!weights) {
        PX_TRY(PX_ALLOC(fresh, (size_t)(q.n * q.k)));
        PX_TRY(nbits_unpack(c, &q, b, fresh));
        weights = fresh;
        if (px_ref_in_is_constant(c, 1) && px_ref_in_is_constant(c, 2) &&
            (!px_ref_has(c, 3) || px_ref_in_is_constant(c, 3)) &&
            (!px_ref_has(c, 4) || px_ref_in_is_constant(c, 4))) {
            px_ref_keep(c, fresh, px_mem_free);
            fresh = NULL;
        }
    }
    int64_t dims[2] = {q.n, q.k};
    px_ms_matrices ma = {a->data, a->rank, a->dims, false}, mb = {weights, 2, dims, true};
    PX_TRY(px_ms_product(c, c->in[0].dtype, 1, &ma, &mb, bias));
done:
    px_mem_free(fresh);
    return st;
}

/* --- FusedMatMul --- */

/* Moves the first axis of a batch (transBatch) behind the other batch axes. */
static pgy_status *turn_batch(px_ref_call *c, const pgy_tensor *x, bool turn, int64_t *dims,
                              const double **out)
{
    pgy_status *st = NULL;
    int64_t strides[PX_MAX_RANK], from[PX_MAX_RANK];
    double *y;
    memcpy(dims, x->dims, (size_t)x->rank * sizeof *dims);
    *out = x->data;
    if (!turn || x->rank < 3)
        goto done;
    px_move_strides(x->rank, x->dims, from);
    for (int i = 0; i < x->rank; i++) {
        int k = i < x->rank - 2 ? i + 1 : i == x->rank - 2 ? 0 : i;
        dims[i] = x->dims[k];
        strides[i] = from[k];
    }
    PX_TRY(PX_MOVE_SCRATCH(c, y, x->count));
    px_move_strided(c->cx, y, x->data, sizeof *y, x->rank, dims, strides);
    *out = y;
done:
    return st;
}

static pgy_status *fused_matmul(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *a, *b;
    int64_t a_dims[PX_MAX_RANK], b_dims[PX_MAX_RANK];
    px_ms_matrices ma, mb;
    PX_TRY(px_ref_in_f64(c, 0, &a));
    PX_TRY(px_ref_in_f64(c, 1, &b));
    if (a->rank < 1 || b->rank < 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The operands must be matrices"));
    ma = (px_ms_matrices){NULL, a->rank, a_dims, px_ref_attr_i(c, "transA", 0) != 0};
    mb = (px_ms_matrices){NULL, b->rank, b_dims, px_ref_attr_i(c, "transB", 0) != 0};
    PX_TRY(turn_batch(c, a, px_ref_attr_i(c, "transBatchA", 0) != 0, a_dims, &ma.data));
    PX_TRY(turn_batch(c, b, px_ref_attr_i(c, "transBatchB", 0) != 0, b_dims, &mb.data));
    PX_TRY(px_ms_product(c, c->in[0].dtype, px_ref_attr_f(c, "alpha", 1), &ma, &mb, NULL));
done:
    return st;
}

static const px_ref_op rows[] = {
    {"com.microsoft", "DynamicQuantizeMatMul", 1, 3, 5, 1, 1, dynamic_quantize_matmul},
    {"com.microsoft", "FusedMatMul", 1, 2, 2, 1, 1, fused_matmul},
    {"com.microsoft", "MatMulIntegerToFloat", 1, 4, 7, 1, 1, matmul_integer_to_float},
    {"com.microsoft", "MatMulNBits", 1, 3, 6, 1, 1, matmul_nbits},
    {"com.microsoft", "TransposeMatMul", 1, 2, 2, 1, 1, fused_matmul},
};

const px_ref_family px_ref_family_ms_quant = {rows, PX_COUNTOF(rows)};
