/* backend/ref/op/ms_blocks.c - com.microsoft operators on tables whose numbers share a scale by
 * blocks: GatherBlockQuantized and MatMulBnb4. */
#include "backend/ref/op/ms_quant.h"

/* --- GatherBlockQuantized --- */

typedef struct blocks {
    int rank, gather, quantize; /* axes */
    int64_t block, bits; /* bits: of numbers packed along the last axis of bytes; 0: none are */
    int64_t dims[PX_MAX_RANK], strides[PX_MAX_RANK]; /* of the unpacked table */
    const pgy_tensor *data, *scales, *zeros;         /* zeros may be NULL */
    int64_t scale_strides[PX_MAX_RANK];              /* 0 where one serves the whole axis */
    int64_t zero_row;                                /* bytes of a row of packed zero points */
    double zero;                                     /* where there are none */
} blocks;

static pgy_status *wrong_table(px_ref_call *c, const char *what)
{
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "%s do not fit the table", what);
}

static pgy_status *blocks_table(px_ref_call *c, blocks *b)
{
    pgy_status *st = NULL;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &b->data));
    b->rank = b->data->rank;
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "gather_axis", 0), b->rank, &b->gather));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "quantize_axis", 1), b->rank, &b->quantize));
    memcpy(b->dims, b->data->dims, (size_t)b->rank * sizeof *b->dims);
    b->block = px_ref_attr_i(c, "block_size", 128);
    if (c->in[0].dtype == PGY_DTYPE_U8) {
        b->bits = px_ref_attr_i(c, "bits", 4);
        if ((b->bits != 2 && b->bits != 4 && b->bits != 8) || b->gather != 0 ||
            (b->bits != 8 && b->quantize == 0))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "uint8 data want gather_axis 0, another quantize_axis, and bits of "
                               "2, 4 or 8, not %lld",
                               (long long)b->bits));
        b->dims[b->rank - 1] *= 8 / b->bits;
        b->zero = (double)(1 << (b->bits - 1));
    } else if (b->data->dtype != PGY_DTYPE_I8 && b->data->dtype != PGY_DTYPE_U8 &&
               b->data->dtype != PGY_DTYPE_F64) {
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The data are %s", pgy_dtype_name(c->in[0].dtype)));
    }
    const bool is_float = b->data->dtype == PGY_DTYPE_F64;
    if (b->block == 0 && is_float)
        b->block = PX_MAX(b->dims[b->quantize], 1);
    if (b->block < 16 && !(is_float && b->block > 0))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "block_size is %lld", (long long)b->block));
    px_move_strides(b->rank, b->dims, b->strides);
done:
    return st;
}

static pgy_status *blocks_scales(px_ref_call *c, blocks *b)
{
    pgy_status *st = NULL;
    int64_t count = 1;
    PX_TRY(px_ref_in_f64(c, 2, &b->scales));
    if (b->scales->rank != b->rank)
        PX_TRY(wrong_table(c, "The scales"));
    for (int i = b->rank - 1; i >= 0; i--) {
        const int64_t d = b->scales->dims[i], n = b->dims[i];
        const int64_t want = i == b->quantize ? n / b->block + (n % b->block != 0) : n;
        const bool is_shared = d == 1 && want != 1 && i != b->quantize;
        if (d != want && !(is_shared && b->data->dtype == PGY_DTYPE_F64))
            PX_TRY(wrong_table(c, "The scales"));
        b->scale_strides[i] = is_shared ? 0 : count;
        count *= d;
    }
    if (!px_ref_has(c, 3))
        return NULL;
    PX_TRY(px_ref_in(c, 3, &b->zeros));
    const int64_t last = b->scales->dims[b->rank - 1];
    b->zero_row = b->bits ? (last * b->bits + 7) / 8 : last;
    if (b->zeros->dtype != b->data->dtype || b->zeros->dtype == PGY_DTYPE_F64 ||
        b->zeros->count != (last ? b->scales->count / last : 0) * b->zero_row)
        PX_TRY(wrong_table(c, "The zero points"));
done:
    return st;
}

/* Number `i` of a row of packed bytes, low bits first. */
static double packed(const uint8_t *row, int64_t i, int64_t bits)
{
    return row[i * bits / 8] >> (i * bits % 8) & ((1 << bits) - 1);
}

static double number_at(const pgy_tensor *t, int64_t i)
{
    return t->dtype == PGY_DTYPE_F64  ? ((const double *)t->data)[i]
           : t->dtype == PGY_DTYPE_I8 ? ((const int8_t *)t->data)[i]
                                      : ((const uint8_t *)t->data)[i];
}

/* Element `flat` of the table, dequantized. */
static double table_at(const blocks *b, int64_t flat)
{
    const int64_t width = b->dims[b->rank - 1], last = b->scales->dims[b->rank - 1];
    int64_t at = 0, rest = flat;
    for (int i = 0; i < b->rank; i++) {
        const int64_t pos = rest / b->strides[i];
        rest %= b->strides[i];
        at += (i == b->quantize ? pos / b->block : pos) * b->scale_strides[i];
    }
    double v, zero = b->zero;
    if (b->bits)
        v = packed((const uint8_t *)b->data->data + flat / width * (width * b->bits / 8),
                   flat % width, b->bits);
    else
        v = number_at(b->data, flat);
    if (b->zeros && b->bits)
        zero =
            packed((const uint8_t *)b->zeros->data + at / last * b->zero_row, at % last, b->bits);
    else if (b->zeros)
        zero = number_at(b->zeros, at);
    return (v - zero) * ((const double *)b->scales->data)[at];
}

/* Unlike Gather's, an index out of range gives zeros. */
static pgy_status *gather_block_quantized(px_ref_call *c)
{
    pgy_status *st = NULL;
    blocks b = {0};
    const pgy_tensor *t;
    const int64_t *index;
    size_t n;
    int64_t dims[2 * PX_MAX_RANK];
    int rank = 0;
    void *y;
    PX_TRY(blocks_table(c, &b));
    PX_TRY(blocks_scales(c, &b));
    PX_TRY(px_ref_in(c, 1, &t));
    PX_TRY(px_ref_in_ints(c, 1, &index, &n));
    if (b.rank - 1 + t->rank > PX_MAX_RANK)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED, "The result has rank %d", b.rank - 1 + t->rank));
    for (int i = 0; i < b.rank; i++)
        if (i != b.gather)
            dims[rank++] = b.dims[i];
        else
            for (int k = 0; k < t->rank; k++)
                dims[rank++] = t->dims[k];
    PX_TRY(px_move_out_f64(c, 0, c->in[2].dtype, rank, dims, &y));
    const int64_t outer = px_move_span(b.dims, 0, b.gather), size = b.dims[b.gather],
                  inner = px_move_span(b.dims, b.gather + 1, b.rank);
    double *to = y;
    for (int64_t o = 0; o < outer; o++)
        for (size_t i = 0; i < n; i++) {
            const int64_t at = index[i] < 0 ? index[i] + size : index[i];
            for (int64_t k = 0; k < inner; k++)
                *to++ = at < 0 || at >= size ? 0 : table_at(&b, (o * size + at) * inner + k);
        }
done:
    return st;
}

/* --- MatMulBnb4 --- */

/* What the 16 codes stand for: FP4 (sign, exponent, mantissa), and NF4, the quantiles of the normal
 * distribution of the QLoRA paper; float32 numbers. */
static const float fp4[16] = {
    0.0f, 0.00520833333f,  0.66666667f,  1.0f,  0.33333333f,  0.5f,  0.16666667f,  0.25f,
    0.0f, -0.00520833333f, -0.66666667f, -1.0f, -0.33333333f, -0.5f, -0.16666667f, -0.25f};
static const float nf4[16] = {-1.0f,        -0.69619280f, -0.52507305f, -0.39491749f,
                              -0.28444138f, -0.18477343f, -0.09105004f, 0.0f,
                              0.07958030f,  0.16093020f,  0.24611230f,  0.33791524f,
                              0.44070983f,  0.56261700f,  0.72295684f,  1.0f};

static pgy_status *matmul_bnb4(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *a, *b, *most;
    const int64_t n = px_ref_attr_i(c, "N", 0), k = px_ref_attr_i(c, "K", 0),
                  block = px_ref_attr_i(c, "block_size", 0),
                  kind = px_ref_attr_i(c, "quant_type", -1);
    const float *codes = kind == 0 ? fp4 : nf4;
    double *weights;
    PX_TRY(px_ref_in_f64(c, 0, &a));
    PX_TRY(px_ref_in(c, 1, &b));
    PX_TRY(px_ref_in_f64(c, 2, &most));
    if (n < 1 || k < 1 || n > INT32_MAX || k > INT32_MAX || block < 16 || kind < 0 || kind > 1 ||
        b->dtype != PGY_DTYPE_U8 || b->count != (n * k + 1) / 2 ||
        most->count != n * k / block + (n * k % block != 0))
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_MODEL,
                        "%lld bytes and %lld scales do not fit N %lld, K %lld and blocks of %lld "
                        "of type %lld",
                        (long long)b->count, (long long)most->count, (long long)n, (long long)k,
                        (long long)block, (long long)kind));
    if (a->rank < 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "A is a single number"));
    PX_TRY(PX_MOVE_SCRATCH(c, weights, n * k));
    for (int64_t i = 0; i < n * k; i++) {
        const unsigned byte = ((const uint8_t *)b->data)[i / 2];
        weights[i] =
            (double)codes[i % 2 ? byte & 15 : byte >> 4] * ((const double *)most->data)[i / block];
    }
    const int64_t dims[2] = {n, k};
    const px_ms_matrices ma = {a->data, a->rank, a->dims, false},
                         mb = {weights, 2, dims, px_ref_attr_i(c, "transB", 1) != 0};
    PX_TRY(px_ms_product(c, c->in[0].dtype, 1, &ma, &mb, NULL));
done:
    return st;
}

static const px_ref_op rows[] = {
    {"com.microsoft", "GatherBlockQuantized", 1, 3, 4, 1, 1, gather_block_quantized},
    {"com.microsoft", "MatMulBnb4", 1, 3, 3, 1, 1, matmul_bnb4},
};

const px_ref_family px_ref_family_ms_blocks = {rows, PX_COUNTOF(rows)};
