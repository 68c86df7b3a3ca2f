/* backend/ref/op/ms_qlinear.c - the QLinear operators of com.microsoft: dequantize, the standard
 * operator in float64, quantize; and NhwcMaxPool. */
#include "backend/ref/op/ms_call.h"
#include "backend/ref/op/ms_quant.h"

#include <math.h>

/* One scale and zero point of two inputs. */
static pgy_status *step_of(px_ref_call *c, size_t scale, size_t zero, double *out_scale,
                           double *out_zero)
{
    pgy_status *st = NULL;
    px_ms_scale s;
    PX_TRY(px_ms_scale_of(c, scale, zero, 0, &s));
    if (!(s.scale[0] > 0 && isfinite(s.scale[0])))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The scale in input %zu is %g", scale, s.scale[0]));
    *out_scale = s.scale[0];
    *out_zero = s.zero[0];
done:
    return st;
}

/* Input `i` dequantized with inputs `i` + 1 and `i` + 2, as a new float value. */
static pgy_status *dequantized(px_ref_call *c, size_t i, px_ref_value *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    double scale, zero;
    void *y;
    PX_TRY(px_ref_in_f64(c, i, &x));
    PX_TRY(step_of(c, i + 1, i + 2, &scale, &zero));
    PX_TRY(px_move_new(c, PGY_DTYPE_F32, x->rank, x->dims, out, &y));
    for (int64_t k = 0; k < x->count; k++)
        ((double *)y)[k] = (((const double *)x->data)[k] - zero) * scale;
done:
    return st;
}

/* Output 0 of type `dtype` from a float value. */
static pgy_status *quantized(px_ref_call *c, const px_ref_value *v, pgy_dtype dtype, double scale,
                             double zero)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = v->t;
    double lo = 0, hi = 0, *steps;
    void *y;
    if (dtype == PGY_DTYPE_U8 || dtype == PGY_DTYPE_U16) {
        lo = 0;
        hi = dtype == PGY_DTYPE_U8 ? 255 : 65535;
    } else if (dtype == PGY_DTYPE_I8 || dtype == PGY_DTYPE_I16) {
        lo = dtype == PGY_DTYPE_I8 ? -128 : -32768;
        hi = -lo - 1;
    } else {
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Quantizing to %s is not defined",
                           pgy_dtype_name(dtype)));
    }
    PX_TRY(PX_MOVE_SCRATCH(c, steps, x->count));
    for (int64_t i = 0; i < x->count; i++) {
        double q = nearbyint(((const double *)x->data)[i] / scale) + zero;
        steps[i] = PX_MIN(PX_MAX(q, lo), hi); /* NaN becomes lo */
    }
    PX_TRY(px_ref_out(c, 0, dtype, x->rank, x->dims, &y));
    px_convert(dtype, y, PGY_DTYPE_F64, steps, 0, x->count);
done:
    return st;
}

/* `n` quantized operands in triples from input 0, then the output's scale and zero point. */
static pgy_status *through(px_ref_call *c, const char *name, int64_t opset, size_t n)
{
    pgy_status *st = NULL;
    px_ref_value in[2] = {{0}}, out = {0};
    double scale, zero;
    for (size_t i = 0; i < n; i++)
        PX_TRY(dequantized(c, 3 * i, &in[i]));
    PX_TRY(step_of(c, 3 * n, 3 * n + 1, &scale, &zero));
    PX_TRY(px_ms_call(c, name, opset, n, in, &out));
    PX_TRY(quantized(c, &out, c->in[0].dtype, scale, zero));
done:
    px_ref_value_free(&in[0]);
    px_ref_value_free(&in[1]);
    px_ref_value_free(&out);
    return st;
}

static pgy_status *qlinear_add(px_ref_call *c)
{
    return through(c, "Add", 14, 2);
}

static pgy_status *qlinear_mul(px_ref_call *c)
{
    return through(c, "Mul", 14, 2);
}

static pgy_status *qlinear_sigmoid(px_ref_call *c)
{
    return through(c, "Sigmoid", 13, 1);
}

static pgy_status *qlinear_leaky_relu(px_ref_call *c)
{
    return through(c, "LeakyRelu", 16, 1);
}

static pgy_status *qlinear_reduce_mean(px_ref_call *c)
{
    return through(c, "ReduceMean", 13, 1);
}

static pgy_status *qlinear_softmax(px_ref_call *c)
{
    return through(c, "Softmax", PX_MAX(px_ref_attr_i(c, "opset", 13), 1), 1);
}

/* --- channels last --- */

/* A new value whose channel axis is moved from behind to place 1 (`to_front`) or back. */
static pgy_status *move_channels(px_ref_call *c, const px_ref_value *v, bool to_front,
                                 px_ref_value *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = v->t;
    int64_t dims[PX_MAX_RANK], from[PX_MAX_RANK], strides[PX_MAX_RANK];
    void *y;
    if (x->rank < 3)
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_MODEL, "The input has rank %d, wanted is 3 or more", x->rank));
    px_move_strides(x->rank, x->dims, from);
    int last = x->rank - 1;
    for (int i = 0; i < x->rank; i++) {
        int k = i == 0 ? 0 : to_front ? (i == 1 ? last : i - 1) : (i == last ? 1 : i + 1);
        dims[i] = x->dims[k];
        strides[i] = from[k];
    }
    PX_TRY(px_move_new(c, v->dtype, x->rank, dims, out, &y));
    px_move_strided(c->cx, y, x->data, px_move_elem(x), x->rank, dims, strides);
done:
    return st;
}

/* A pooling operator on one value, in either layout. */
static pgy_status *pooled(px_ref_call *c, const char *name, int64_t opset, bool channels_last,
                          const px_ref_value *in, px_ref_value *out)
{
    pgy_status *st = NULL;
    px_ref_value front = {0}, result = {0};
    if (!channels_last) {
        PX_TRY(px_ms_call(c, name, opset, 1, in, out));
        goto done;
    }
    PX_TRY(move_channels(c, in, true, &front));
    PX_TRY(px_ms_call(c, name, opset, 1, &front, &result));
    PX_TRY(move_channels(c, &result, false, out));
done:
    px_ref_value_free(&front);
    px_ref_value_free(&result);
    return st;
}

static pgy_status *qlinear_pool(px_ref_call *c, const char *name, int64_t opset)
{
    pgy_status *st = NULL;
    px_ref_value in = {0}, out = {0};
    double scale, zero;
    PX_TRY(dequantized(c, 0, &in));
    PX_TRY(step_of(c, 3, 4, &scale, &zero));
    PX_TRY(pooled(c, name, opset, px_ref_attr_i(c, "channels_last", 0) != 0, &in, &out));
    PX_TRY(quantized(c, &out, c->in[0].dtype, scale, zero));
done:
    px_ref_value_free(&in);
    px_ref_value_free(&out);
    return st;
}

static pgy_status *qlinear_average_pool(px_ref_call *c)
{
    return qlinear_pool(c, "AveragePool", 11);
}

static pgy_status *qlinear_global_average_pool(px_ref_call *c)
{
    return qlinear_pool(c, "GlobalAveragePool", 1);
}

static pgy_status *nhwc_max_pool(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    px_ref_value out = {0};
    PX_TRY(px_ref_in(c, 0, &x));
    PX_TRY(pooled(c, "MaxPool", 12, true, &c->in[0], &out));
    px_ref_out_take(c, 0, out);
done:
    return st;
}

/* --- Concat, Where, Conv, Gemm --- */

static pgy_status *qlinear_concat(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_ref_value *in = NULL, out = {0};
    double scale, zero;
    size_t n = c->n_in < 5 ? 0 : (c->n_in - 2) / 3;
    if (n == 0 || c->n_in != 2 + 3 * n || !px_ref_has(c, 1))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu inputs are not two and triples", c->n_in));
    PX_TRY(step_of(c, 0, 1, &scale, &zero));
    PX_TRY(PX_MOVE_SCRATCH(c, in, (int64_t)n));
    for (size_t i = 0; i < n; i++)
        PX_TRY(dequantized(c, 2 + 3 * i, &in[i]));
    PX_TRY(px_ms_call(c, "Concat", 13, n, in, &out));
    PX_TRY(quantized(c, &out, c->in[1].dtype, scale, zero));
done:
    for (size_t i = 0; in && i < n; i++)
        px_ref_value_free(&in[i]);
    px_ref_value_free(&out);
    return st;
}

static pgy_status *qlinear_where(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_ref_value in[3] = {{0}}, out = {0};
    double scale, zero;
    in[0] = c->in[0]; /* borrowed */
    PX_TRY(dequantized(c, 1, &in[1]));
    PX_TRY(dequantized(c, 4, &in[2]));
    PX_TRY(step_of(c, 7, 8, &scale, &zero));
    PX_TRY(px_ms_call(c, "Where", 16, 3, in, &out));
    PX_TRY(quantized(c, &out, c->in[1].dtype, scale, zero));
done:
    px_ref_value_free(&in[1]);
    px_ref_value_free(&in[2]);
    px_ref_value_free(&out);
    return st;
}

static pgy_status *qlinear_conv(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_ref_value in[9], front = {0}, result = {0}, last = {0};
    if (px_ref_attr_i(c, "channels_last", 0) == 0)
        return px_ms_forward(c, "QLinearConv", 10);
    memcpy(in, c->in, c->n_in * sizeof *in); /* borrowed; a row takes at most 9 */
    PX_TRY(px_ref_has(c, 0) ? move_channels(c, &in[0], true, &front)
                            : PX_REF_FAIL(c, PGY_ERR_MODEL, "x (input 0) is missing"));
    in[0] = front;
    PX_TRY(px_ms_call(c, "QLinearConv", 10, c->n_in, in, &result));
    PX_TRY(move_channels(c, &result, false, &last));
    px_ref_out_take(c, 0, last);
done:
    px_ref_value_free(&front);
    px_ref_value_free(&result);
    return st;
}

/* B, given transposed, with a scale for each of its columns, which are rows here. */
static pgy_status *dequantize_rows(px_ref_call *c, const pgy_tensor *b, const px_ms_scale *s,
                                   const double **out)
{
    pgy_status *st = NULL;
    double *y;
    PX_TRY(PX_MOVE_SCRATCH(c, y, b->count));
    for (int64_t i = 0; i < b->count; i++) {
        const int64_t row = i / b->dims[1];
        y[i] = ((double)px_tensor_get_i64(b, i) - s->zero[row]) * s->scale[row];
    }
    *out = y;
done:
    return st;
}

/* alpha * A * B + C, where C (int32) counts steps of alpha-free A scale times B scale. */
static pgy_status *qgemm_sum(px_ref_call *c, px_ref_value *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *a, *b, *bias;
    px_ms_scale sa, sb;
    const double *da, *db;
    void *y;
    bool ta = px_ref_attr_i(c, "transA", 0) != 0, tb = px_ref_attr_i(c, "transB", 0) != 0;
    PX_TRY(px_move_in_rank(c, 0, 2, 2, &a));
    PX_TRY(px_move_in_rank(c, 3, 2, 2, &b));
    int64_t m = a->dims[ta], k = a->dims[!ta], n = b->dims[!tb];
    PX_TRY(px_ms_scale_of(c, 1, 2, 0, &sa));
    PX_TRY(px_ms_scale_of(c, 4, 5, n, &sb));
    if (b->dims[tb] != k)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The operands do not fit"));
    PX_TRY(px_ms_dequantize(c, 0, &sa, &da));
    PX_TRY(tb && sb.n != 1 ? dequantize_rows(c, b, &sb, &db) : px_ms_dequantize(c, 3, &sb, &db));
    int64_t dims[2] = {m, n};
    PX_TRY(px_move_new(c, PGY_DTYPE_F32, 2, dims, out, &y));
    PX_TRY(px_ref_gemm(c->cx, ta, tb, m, n, k, px_ref_attr_f(c, "alpha", 1), da, a->dims[1], db,
                       b->dims[1], 0, y, n));
    if (!px_ref_has(c, 6))
        goto done;
    PX_TRY(px_ref_in_f64(c, 6, &bias));
    bool rows = bias->rank == 2 && bias->dims[0] == m && m != 1;
    if (bias->count != (rows ? m : 1) * n && bias->count != 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "C has %lld elements", (long long)bias->count));
    double alpha = px_ref_attr_f(c, "alpha", 1);
    for (int64_t i = 0; i < m * n; i++)
        ((double *)y)[i] += ((const double *)bias->data)[i % bias->count] * alpha * sa.scale[0] *
                            sb.scale[sb.n == 1 ? 0 : i % n];
done:
    return st;
}

static pgy_status *qgemm(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_ref_value sum = {0};
    double scale, zero;
    PX_TRY(qgemm_sum(c, &sum));
    if (px_ref_has(c, 7)) {
        PX_TRY(step_of(c, 7, 8, &scale, &zero));
        PX_TRY(quantized(c, &sum, px_ref_has(c, 8) ? c->in[8].dtype : c->in[0].dtype, scale, zero));
    } else {
        px_ref_out_take(c, 0, sum);
        sum = (px_ref_value){0};
    }
done:
    px_ref_value_free(&sum);
    return st;
}

static const px_ref_op rows[] = {
    {"com.microsoft", "NhwcMaxPool", 1, 1, 1, 1, 1, nhwc_max_pool},
    {"com.microsoft", "QGemm", 1, 6, 9, 1, 1, qgemm},
    {"com.microsoft", "QLinearAdd", 1, 7, 8, 1, 1, qlinear_add},
    {"com.microsoft", "QLinearAveragePool", 1, 4, 5, 1, 1, qlinear_average_pool},
    {"com.microsoft", "QLinearConcat", 1, 5, -1, 1, 1, qlinear_concat},
    {"com.microsoft", "QLinearConv", 1, 8, 9, 1, 1, qlinear_conv},
    {"com.microsoft", "QLinearGlobalAveragePool", 1, 5, 5, 1, 1, qlinear_global_average_pool},
    {"com.microsoft", "QLinearLeakyRelu", 1, 4, 5, 1, 1, qlinear_leaky_relu},
    {"com.microsoft", "QLinearMul", 1, 7, 8, 1, 1, qlinear_mul},
    {"com.microsoft", "QLinearReduceMean", 1, 4, 5, 1, 1, qlinear_reduce_mean},
    {"com.microsoft", "QLinearSigmoid", 1, 4, 5, 1, 1, qlinear_sigmoid},
    {"com.microsoft", "QLinearSoftmax", 1, 4, 5, 1, 1, qlinear_softmax},
    {"com.microsoft", "QLinearWhere", 1, 9, 9, 1, 1, qlinear_where},
};

const px_ref_family px_ref_family_ms_qlinear = {rows, PX_COUNTOF(rows)};
