/* backend/ref/op/ms.c - com.microsoft: activations, normalisations, and operators that are a
 * standard one under another name or with an activation behind it. */
#include "backend/ref/op/ms_call.h"
#include "backend/ref/op/vmath.h"

#include <math.h>

pgy_status *px_ms_forward(px_ref_call *c, const char *name, int64_t opset)
{
    const px_ref_op *op = px_ref_op_find((px_str){0}, px_str_of(name), opset);
    if (!op)
        return PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED, "operator %s of version %lld is not there", name,
                           (long long)opset);
    int64_t own = c->opset;
    c->opset = opset;
    pgy_status *st = op->kernel(c);
    c->opset = own;
    return st;
}

pgy_status *px_ms_call(px_ref_call *c, const char *name, int64_t opset, size_t n_in,
                       const px_ref_value *in, px_ref_value *out)
{
    px_ref_value result = {0};
    px_ref_call inner = *c;
    inner.n_in = n_in;
    inner.n_out = 1;
    inner.in = in;
    inner.out = &result;
    inner.state = NULL; /* what is kept with the node belongs to other inputs */
    pgy_status *st = px_ms_forward(&inner, name, opset);
    if (st)
        px_ref_value_free(&result);
    else
        *out = result;
    return st;
}

/* --- activations --- */

/* Input 0 plus input 1 along the last axis, where there is an input 1, as output 0. */
static pgy_status *biased(px_ref_call *c, double **out, int64_t *count)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *b = NULL;
    void *data;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    if (px_ref_has(c, 1))
        PX_TRY(px_ref_in_f64(c, 1, &b));
    if (b && (x->rank < 1 || b->count != x->dims[x->rank - 1]))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The bias has %lld entries", (long long)b->count));
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, x->rank, x->dims, &data));
    double *y = data;
    for (int64_t i = 0; i < x->count; i++)
        y[i] = ((const double *)x->data)[i] + (b ? ((const double *)b->data)[i % b->count] : 0);
    *out = y;
    *count = x->count;
done:
    return st;
}

static pgy_status *gelu(px_ref_call *c)
{
    double *y;
    int64_t n;
    pgy_status *st = biased(c, &y, &n);
    if (!st)
        px_v_gelu(y, y, n);
    return st;
}

static pgy_status *fast_gelu(px_ref_call *c)
{
    double *y;
    int64_t n;
    pgy_status *st = biased(c, &y, &n);
    for (int64_t i = 0; !st && i < n; i++)
        y[i] *= 0.5 * (1 + tanh(y[i] * (0.7978845608028654 + 0.035677408136300125 * y[i] * y[i])));
    return st;
}

static pgy_status *quick_gelu(px_ref_call *c)
{
    double *y;
    int64_t n;
    pgy_status *st = biased(c, &y, &n);
    if (!st)
        px_v_swish(y, y, px_ref_attr_f(c, "alpha", (double)1.702f), n);
    return st;
}

static pgy_status *bias_add(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *skip;
    double *y;
    int64_t n;
    PX_TRY(px_ref_in_f64(c, 2, &skip));
    PX_TRY(biased(c, &y, &n));
    if (skip->count != n)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The residual has another shape than the input"));
    for (int64_t i = 0; i < n; i++)
        y[i] += ((const double *)skip->data)[i];
done:
    return st;
}

/* --- fused activations --- */

typedef struct fused {
    px_str name;
    double alpha, beta;
} fused;

static pgy_status *fused_apply(px_ref_call *c, const fused *f, double *y, int64_t n)
{
    bool relu = px_str_is(f->name, "Relu"), leaky = px_str_is(f->name, "LeakyRelu");
    bool clip = px_str_is(f->name, "Clip"), hard = px_str_is(f->name, "HardSigmoid");
    if (px_str_is(f->name, "Tanh"))
        px_v_tanh(y, y, n);
    else if (px_str_is(f->name, "Sigmoid"))
        px_v_sigmoid(y, y, n);
    else if (!relu && !leaky && !clip && !hard)
        return PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED, "Activation \"%.*s\" is not known",
                           PX_STR_ARG(f->name));
    for (int64_t i = 0; (relu || leaky) && i < n; i++)
        y[i] = y[i] >= 0 || isnan(y[i]) ? y[i] : relu ? 0 : f->alpha * y[i];
    for (int64_t i = 0; (clip || hard) && i < n; i++)
        y[i] = clip ? PX_MIN(PX_MAX(y[i], f->alpha), f->beta)
                    : PX_MIN(PX_MAX(f->alpha * y[i] + f->beta, 0), 1);
    return NULL;
}

/* Conv, then the optional residual Z, then the activation. */
static pgy_status *fused_conv(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *z;
    const float *params = NULL;
    size_t n_params = 0, n_in = c->n_in;
    fused f = {.name = px_ref_attr_s(c, "activation", "")};
    c->n_in = PX_MIN(n_in, 3);
    st = px_ms_forward(c, "Conv", 11);
    c->n_in = n_in;
    PX_TRY(st);
    pgy_tensor *y = c->out[0].t;
    if (px_ref_has(c, 3)) {
        PX_TRY(px_ref_in_f64(c, 3, &z));
        if (!px_shape_eq(z->rank, z->dims, y->rank, y->dims))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Z has another shape than the result"));
        for (int64_t i = 0; i < y->count; i++)
            ((double *)y->data)[i] += ((const double *)z->data)[i];
    }
    px_ref_attr_floats(c, "activation_params", &params, &n_params);
    f.alpha = n_params > 0 ? (double)params[0] : px_str_is(f.name, "Clip") ? -INFINITY : 0;
    f.beta = n_params > 1 ? (double)params[1] : INFINITY;
    if (f.name.len > 0)
        PX_TRY(fused_apply(c, &f, y->data, y->count));
done:
    return st;
}

static pgy_status *fused_gemm(px_ref_call *c)
{
    pgy_status *st = NULL;
    fused f = {.name = px_ref_attr_s(c, "activation", ""),
               .alpha = px_ref_attr_f(c, "activation_alpha", 0),
               .beta = px_ref_attr_f(c, "activation_beta", 0)};
    PX_TRY(px_ms_forward(c, "Gemm", 13));
    pgy_tensor *y = c->out[0].t;
    if (y->dtype != PGY_DTYPE_F64)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The operands are integers"));
    if (f.name.len > 0)
        PX_TRY(fused_apply(c, &f, y->data, y->count));
done:
    return st;
}

/* --- normalisations over the last axes --- */

typedef struct norm {
    int64_t rows, size;
    double epsilon;
    bool is_rms;                /* no mean is taken off */
    const double *gamma, *beta; /* beta may be NULL */
    double *mean, *scale;       /* per row, may be NULL */
} norm;

/* In place on `y`. */
static void norm_rows(const norm *n, double *y)
{
    for (int64_t r = 0; r < n->rows; r++, y += n->size) {
        double mean = 0, var = 0;
        for (int64_t i = 0; !n->is_rms && i < n->size; i++)
            mean += y[i];
        mean /= (double)n->size;
        for (int64_t i = 0; i < n->size; i++)
            var += (y[i] - mean) * (y[i] - mean);
        double scale = 1 / sqrt(var / (double)n->size + n->epsilon);
        for (int64_t i = 0; i < n->size; i++)
            y[i] = (y[i] - mean) * scale * n->gamma[i] + (n->beta ? n->beta[i] : 0);
        if (n->mean)
            n->mean[r] = mean;
        if (n->scale)
            n->scale[r] = scale;
    }
}

/* Outputs `mean_at` and the next one: one number per row, the normalised axes kept as 1. */
static pgy_status *norm_stats(px_ref_call *c, const pgy_tensor *x, int axis, size_t mean_at,
                              norm *n)
{
    pgy_status *st = NULL;
    int64_t dims[PX_MAX_RANK];
    void *data;
    for (int i = 0; i < x->rank; i++)
        dims[i] = i < axis ? x->dims[i] : 1;
    for (size_t i = 0; i < 2; i++) {
        if (mean_at + i >= c->n_out || !px_ref_wants(c, mean_at + i))
            continue;
        PX_TRY(px_ref_out(c, mean_at + i, PGY_DTYPE_F32, x->rank, dims, &data));
        *(i == 0 ? &n->mean : &n->scale) = data;
    }
done:
    return st;
}

static pgy_status *skip_norm(px_ref_call *c, bool is_rms)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *skip;
    const double *bias;
    void *data;
    norm n = {.is_rms = is_rms, .epsilon = px_ref_attr_f(c, "epsilon", (double)1e-12f)};
    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_in_f64(c, 1, &skip));
    if (x->rank < 2 || skip->rank < 2 || skip->dims[skip->rank - 1] != x->dims[x->rank - 1] ||
        skip->count == 0 || x->count % skip->count != 0 ||
        skip->dims[skip->rank - 2] != x->dims[x->rank - 2])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The skip input does not fit the input"));
    n.size = x->dims[x->rank - 1];
    n.rows = x->count / n.size;
    PX_TRY(px_ref_opt_f64(c, 2, n.size, &n.gamma));
    PX_TRY(is_rms ? NULL : px_ref_opt_f64(c, 3, n.size, &n.beta));
    PX_TRY(px_ref_opt_f64(c, is_rms ? 3 : 4, n.size, &bias));
    if (!n.gamma)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "gamma (input 2) is missing"));
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, x->rank, x->dims, &data));
    double *y = data;
    for (int64_t i = 0; i < x->count; i++)
        y[i] = ((const double *)x->data)[i] + ((const double *)skip->data)[i % skip->count] +
               (bias ? bias[i % n.size] : 0);
    if (px_ref_wants(c, 3)) {
        PX_TRY(px_move_out_f64(c, 3, c->in[0].dtype, x->rank, x->dims, &data));
        memcpy(data, y, (size_t)x->count * sizeof *y);
    }
    PX_TRY(norm_stats(c, x, x->rank - 1, 1, &n));
    norm_rows(&n, y);
done:
    return st;
}

static pgy_status *skip_layer_norm(px_ref_call *c)
{
    return skip_norm(c, false);
}

static pgy_status *skip_rms_norm(px_ref_call *c)
{
    return skip_norm(c, true);
}

static pgy_status *rms_norm(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    void *y;
    int axis;
    norm n = {.is_rms = true, .epsilon = px_ref_attr_f(c, "epsilon", (double)1e-5f)};
    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", -1), x->rank, &axis));
    n.size = px_move_span(x->dims, axis, x->rank);
    n.rows = x->count ? x->count / n.size : 0;
    PX_TRY(px_ref_opt_f64(c, 1, n.size, &n.gamma));
    if (!n.gamma)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "scale (input 1) is missing"));
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, x->rank, x->dims, &y));
    memcpy(y, x->data, (size_t)x->count * sizeof(double));
    if (px_ref_wants(c, 1)) { /* the only statistic: 1 / rms */
        int64_t dims[PX_MAX_RANK];
        void *scale;
        for (int i = 0; i < x->rank; i++)
            dims[i] = i < axis ? x->dims[i] : 1;
        PX_TRY(px_ref_out(c, 1, PGY_DTYPE_F32, x->rank, dims, &scale));
        n.scale = scale;
    }
    norm_rows(&n, y);
done:
    return st;
}

/* --- EmbedLayerNormalization --- */

typedef struct table {
    const double *rows;
    int64_t n;
    const int64_t *ids; /* one per token, or per position when `per_position` */
    bool per_position;
} table;

static pgy_status *table_of(px_ref_call *c, size_t rows, size_t ids, int64_t size, int64_t tokens,
                            int64_t positions, table *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    size_t n;
    PX_TRY(px_ref_in_f64(c, rows, &t));
    if (t->rank != 2 || t->dims[1] != size)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Embedding %zu has no rows of %lld", rows,
                           (long long)size));
    out->rows = t->data;
    out->n = t->dims[0];
    if (!px_ref_has(c, ids)) { /* positions in order */
        if (positions > out->n)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld positions, %lld embeddings",
                               (long long)positions, (long long)out->n));
        goto done;
    }
    PX_TRY(px_ref_in_ints(c, ids, &out->ids, &n));
    out->per_position = (int64_t)n != tokens;
    if ((int64_t)n != tokens && (int64_t)n != positions)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu has %zu ids for %lld tokens", ids, n,
                           (long long)tokens));
    for (size_t i = 0; i < n; i++)
        if (out->ids[i] < 0 || out->ids[i] >= out->n)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Id %lld is outside %lld embeddings",
                               (long long)out->ids[i], (long long)out->n));
done:
    return st;
}

static const double *table_row(const table *t, int64_t token, int64_t position, int64_t size)
{
    int64_t id = !t->ids ? position : t->ids[t->per_position ? position : token];
    return t->rows + id * size;
}

/* Number of unmasked tokens of each batch member. */
static pgy_status *mask_index_out(px_ref_call *c, int64_t batch, int64_t len)
{
    pgy_status *st = NULL;
    const int64_t *mask = NULL;
    size_t n = 0;
    void *y;
    if (px_ref_has(c, 7))
        PX_TRY(px_ref_in_ints(c, 7, &mask, &n));
    if (mask && (int64_t)n != batch * len)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The mask has %zu elements", n));
    PX_TRY(px_ref_out(c, 1, PGY_DTYPE_I32, 1, &batch, &y));
    for (int64_t b = 0; b < batch; b++) {
        int32_t count = 0;
        for (int64_t i = 0; mask && i < len; i++)
            count += mask[b * len + i] == 1;
        ((int32_t *)y)[b] = count;
    }
done:
    return st;
}

static pgy_status *embed_layer_norm(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *ids, *word;
    table t[3] = {{0}};
    norm n = {.epsilon = px_ref_attr_f(c, "epsilon", (double)1e-12f)};
    void *data;
    PX_TRY(px_move_in_rank(c, 0, 2, 2, &ids));
    PX_TRY(px_move_in_rank(c, 2, 2, 2, &word));
    int64_t batch = ids->dims[0], len = ids->dims[1];
    n.size = word->dims[1];
    n.rows = ids->count;
    bool has_segments = px_ref_has(c, 1) && px_ref_has(c, 4);
    PX_TRY(table_of(c, 2, 0, n.size, n.rows, len, &t[0]));
    PX_TRY(table_of(c, 3, 8, n.size, n.rows, len, &t[1]));
    if (has_segments)
        PX_TRY(table_of(c, 4, 1, n.size, n.rows, len, &t[2]));
    PX_TRY(px_ref_opt_f64(c, 5, n.size, &n.gamma));
    PX_TRY(px_ref_opt_f64(c, 6, n.size, &n.beta));
    if (!n.gamma)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "gamma (input 5) is missing"));
    int64_t dims[3] = {batch, len, n.size};
    PX_TRY(px_move_out_f64(c, 0, c->in[2].dtype, 3, dims, &data));
    double *y = data;
    for (int64_t i = 0; i < n.rows; i++)
        for (int64_t k = 0; k < n.size; k++)
            y[i * n.size + k] = table_row(&t[0], i, i % len, n.size)[k] +
                                table_row(&t[1], i, i % len, n.size)[k] +
                                (has_segments ? table_row(&t[2], i, i % len, n.size)[k] : 0);
    if (px_ref_wants(c, 2)) {
        PX_TRY(px_move_out_f64(c, 2, c->in[2].dtype, 3, dims, &data));
        memcpy(data, y, (size_t)(n.rows * n.size) * sizeof *y);
    }
    if (px_ref_wants(c, 1))
        PX_TRY(mask_index_out(c, batch, len));
    norm_rows(&n, y);
done:
    return st;
}

/* --- Inverse --- */

/* Gauss-Jordan with row pivots on [a | out]; false when `a` is singular. Overwrites `a`. */
static bool invert(double *a, double *out, int64_t n)
{
    for (int64_t i = 0; i < n * n; i++)
        out[i] = i / n == i % n;
    for (int64_t k = 0; k < n; k++) {
        int64_t p = k;
        for (int64_t i = k + 1; i < n; i++)
            p = fabs(a[i * n + k]) > fabs(a[p * n + k]) ? i : p;
        double pivot = a[p * n + k];
        if (pivot == 0)
            return false;
        for (int64_t j = 0; j < n; j++) {
            double u = a[p * n + j], v = out[p * n + j];
            a[p * n + j] = a[k * n + j];
            out[p * n + j] = out[k * n + j];
            a[k * n + j] = u / pivot;
            out[k * n + j] = v / pivot;
        }
        for (int64_t i = 0; i < n; i++) {
            double f = i == k ? 0 : a[i * n + k];
            for (int64_t j = 0; f != 0 && j < n; j++) {
                a[i * n + j] -= f * a[k * n + j];
                out[i * n + j] -= f * out[k * n + j];
            }
        }
    }
    return true;
}

static pgy_status *inverse(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    double *work;
    void *y;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    if (x->rank < 2 || x->dims[x->rank - 1] != x->dims[x->rank - 2])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The input is no stack of square matrices"));
    int64_t n = x->dims[x->rank - 1];
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, x->rank, x->dims, &y));
    PX_TRY(PX_MOVE_SCRATCH(c, work, x->count ? n * n : 0));
    for (int64_t i = 0; x->count > 0 && i < x->count / (n * n); i++) {
        memcpy(work, (const double *)x->data + i * n * n, (size_t)(n * n) * sizeof *work);
        if (!invert(work, (double *)y + i * n * n, n))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Matrix %lld is singular", (long long)i));
    }
done:
    return st;
}

/* --- standard operators under this domain --- */

static pgy_status *as_dequantize_linear(px_ref_call *c)
{
    return px_ms_forward(c, "DequantizeLinear", 21);
}

static pgy_status *as_quantize_linear(px_ref_call *c)
{
    return px_ms_forward(c, "QuantizeLinear", 21);
}

static pgy_status *as_gather_nd(px_ref_call *c)
{
    return px_ms_forward(c, "GatherND", 11);
}

static pgy_status *as_grid_sample(px_ref_call *c)
{
    return px_ms_forward(c, "GridSample", 16);
}

static pgy_status *as_pad(px_ref_call *c)
{
    return px_ms_forward(c, "Pad", 11);
}

static pgy_status *as_trilu(px_ref_call *c)
{
    return px_ms_forward(c, "Trilu", 14);
}

static pgy_status *as_unsqueeze(px_ref_call *c)
{
    return px_ms_forward(c, "Unsqueeze", 13);
}

static const px_ref_op rows[] = {
    {"", "SimplifiedLayerNormalization", 1, 2, 2, 1, 2, rms_norm},
    {"com.microsoft", "BiasAdd", 1, 3, 3, 1, 1, bias_add},
    {"com.microsoft", "BiasGelu", 1, 2, 2, 1, 1, gelu},
    {"com.microsoft", "DequantizeLinear", 1, 2, 3, 1, 1, as_dequantize_linear},
    {"com.microsoft", "EmbedLayerNormalization", 1, 7, 9, 1, 3, embed_layer_norm},
    {"com.microsoft", "ExpandDims", 1, 2, 2, 1, 1, as_unsqueeze},
    {"com.microsoft", "FastGelu", 1, 1, 2, 1, 1, fast_gelu},
    {"com.microsoft", "FusedConv", 1, 2, 4, 1, 1, fused_conv},
    {"com.microsoft", "FusedGemm", 1, 2, 3, 1, 1, fused_gemm},
    {"com.microsoft", "GatherND", 1, 2, 2, 1, 1, as_gather_nd},
    {"com.microsoft", "Gelu", 1, 1, 1, 1, 1, gelu},
    {"com.microsoft", "GridSample", 1, 2, 2, 1, 1, as_grid_sample},
    {"com.microsoft", "Inverse", 1, 1, 1, 1, 1, inverse},
    {"com.microsoft", "Pad", 1, 2, 3, 1, 1, as_pad},
    {"com.microsoft", "QuantizeLinear", 1, 2, 3, 1, 1, as_quantize_linear},
    {"com.microsoft", "QuickGelu", 1, 1, 1, 1, 1, quick_gelu},
    {"com.microsoft", "SkipLayerNormalization", 1, 3, 5, 1, 4, skip_layer_norm},
    {"com.microsoft", "SkipSimplifiedLayerNormalization", 1, 3, 4, 1, 4, skip_rms_norm},
    {"com.microsoft", "Trilu", 1, 1, 2, 1, 1, as_trilu},
};

const px_ref_family px_ref_family_ms = {rows, PX_COUNTOF(rows)};
