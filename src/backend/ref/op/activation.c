/* backend/ref/op/activation.c - activation functions of one element.
 *
 * Those with an exponential go through a small buffer, so that the vector functions of vmath.c can
 * fill it while the output may share the input's memory.
 */
#include "backend/ref/op/elem.h"
#include "backend/ref/op/vmath.h"

#include <math.h>

#define CHUNK 256

typedef struct params {
    double alpha, beta;
} params;

/* Defines a row: `before` maps x to the argument of the vector function `fn`, `after` maps x and
 * its result e to the output; a and b are the parameters. */
#define BUFFERED(name, before, fn, after)                                                          \
    static void name##_row(const px_elem_run *r)                                                   \
    {                                                                                              \
        const params p = r->arg ? *(const params *)r->arg : (params){0};                           \
        const double a = p.alpha, b = p.beta;                                                      \
        double buffer[CHUNK];                                                                      \
        PX_UNUSED(a);                                                                              \
        PX_UNUSED(b);                                                                              \
        for (int64_t begin = 0; begin < r->n; begin += CHUNK) {                                    \
            const int64_t n = PX_MIN(CHUNK, r->n - begin);                                         \
            const double *in = (const double *)r->in[0] + begin;                                   \
            double *o = (double *)r->out + begin;                                                  \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const double x = in[i];                                                            \
                buffer[i] = before;                                                                \
            }                                                                                      \
            fn(buffer, buffer, n);                                                                 \
            PX_INDEPENDENT                                                                         \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const double x = in[i], e = buffer[i];                                             \
                o[i] = after;                                                                      \
            }                                                                                      \
        }                                                                                          \
    }
BUFFERED(elu, x, px_v_expm1, x < 0.0 ? a * e : x)
BUFFERED(selu, x, px_v_expm1, b *(x > 0.0 ? x : a * e))
BUFFERED(celu, x / a, px_v_expm1, (x > 0.0 ? x : 0.0) + (a * e < 0.0 || x != x ? a * e : 0.0))
BUFFERED(softplus, -fabs(x), px_v_exp, (x > 0.0 ? x : 0.0) + log1p(e))
/* 0.5 x (1 + tanh(u)) is x sigmoid(2 u); 2 sqrt(2 / pi) = 1.5957691216057308. */
BUFFERED(gelu_tanh, 1.5957691216057308 * (x + 0.044715 * (x * x * x)), px_v_sigmoid, x *e)

#define SIMPLE(name, expr)                                                                         \
    static void name##_row(const px_elem_run *r)                                                   \
    {                                                                                              \
        const params p = r->arg ? *(const params *)r->arg : (params){0};                           \
        const double a = p.alpha, b = p.beta;                                                      \
        const double *in = r->in[0];                                                               \
        double *o = r->out;                                                                        \
        PX_UNUSED(a);                                                                              \
        PX_UNUSED(b);                                                                              \
        PX_INDEPENDENT                                                                             \
        for (int64_t i = 0; i < r->n; i++) {                                                       \
            const double x = in[i];                                                                \
            o[i] = expr;                                                                           \
        }                                                                                          \
    }

static inline double clamp01(double v)
{
    const double low = v < 0.0 ? 0.0 : v;
    return low > 1.0 ? 1.0 : low;
}

SIMPLE(leaky_relu, x < 0.0 ? a * x : x)
SIMPLE(hard_sigmoid, clamp01(a *x + b))
SIMPLE(hard_swish, x *clamp01(x *(1.0 / 6.0) + 0.5))
SIMPLE(softsign, x / (1.0 + fabs(x)))
SIMPLE(thresholded_relu, x > a ? x : 0.0)
SIMPLE(shrink, x<-a ? x + b : x> a ? x - b : 0.0)

static void sigmoid_row(const px_elem_run *r)
{
    px_v_sigmoid(r->out, r->in[0], r->n);
}

static void mish_row(const px_elem_run *r)
{
    px_v_mish(r->out, r->in[0], r->n);
}

static void gelu_row(const px_elem_run *r)
{
    px_v_gelu(r->out, r->in[0], r->n);
}

static void swish_row(const px_elem_run *r)
{
    px_v_swish(r->out, r->in[0], ((const params *)r->arg)->alpha, r->n);
}

/* Runs `row` with attribute alpha (and a second one, if named). */
static pgy_status *run(px_ref_call *c, px_elem_row row, double alpha, const char *second,
                       double otherwise)
{
    params p = {.alpha = px_ref_attr_f(c, "alpha", alpha)};
    if (second != NULL)
        p.beta = px_ref_attr_f(c, second, otherwise);
    return px_elem_map(c, row, &p);
}

static pgy_status *k_leaky_relu(px_ref_call *c)
{
    return run(c, leaky_relu_row, 0.01f, NULL, 0);
}

static pgy_status *k_elu(px_ref_call *c)
{
    return run(c, elu_row, 1.0, NULL, 0);
}

static pgy_status *k_selu(px_ref_call *c)
{
    if (c->opset < 6)
        return run(c, selu_row, 1.6732f, "gamma", 1.0507f);
    return run(c, selu_row, 1.67326319217681884765625f, "gamma", 1.05070102214813232421875f);
}

static pgy_status *k_celu(px_ref_call *c)
{
    return run(c, celu_row, 1.0, NULL, 0);
}

static pgy_status *k_sigmoid(px_ref_call *c)
{
    return px_elem_map(c, sigmoid_row, NULL);
}

static pgy_status *k_hard_sigmoid(px_ref_call *c)
{
    return run(c, hard_sigmoid_row, 0.2f, "beta", 0.5);
}

static pgy_status *k_hard_swish(px_ref_call *c)
{
    return px_elem_map(c, hard_swish_row, NULL);
}

static pgy_status *k_softplus(px_ref_call *c)
{
    return px_elem_map(c, softplus_row, NULL);
}

static pgy_status *k_softsign(px_ref_call *c)
{
    return px_elem_map(c, softsign_row, NULL);
}

static pgy_status *k_thresholded_relu(px_ref_call *c)
{
    return run(c, thresholded_relu_row, 1.0, NULL, 0);
}

static pgy_status *k_mish(px_ref_call *c)
{
    return px_elem_map(c, mish_row, NULL);
}

static pgy_status *k_swish(px_ref_call *c)
{
    return run(c, swish_row, 1.0, NULL, 0);
}

static pgy_status *k_gelu(px_ref_call *c)
{
    const px_str how = px_ref_attr_s(c, "approximate", "none");
    if (px_str_is(how, "tanh"))
        return px_elem_map(c, gelu_tanh_row, NULL);
    if (px_str_is(how, "none"))
        return px_elem_map(c, gelu_row, NULL);
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "attribute approximate is '%.*s'; none or tanh is wanted",
                       PX_STR_ARG(how));
}

/* Integers are computed as float and truncated. */
static pgy_status *k_shrink(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *stored, *x;
    void *out;
    params p = {.alpha = px_ref_attr_f(c, "lambd", 0.5), .beta = px_ref_attr_f(c, "bias", 0.0)};

    PX_TRY(px_ref_in(c, 0, &stored));
    if (stored->dtype == PGY_DTYPE_F64)
        return px_elem_map(c, shrink_row, &p);
    if (px_numeric_index(stored->dtype) < 0)
        PX_TRY(px_elem_bad_type(c, 0));
    PX_TRY(px_ref_in_f64(c, 0, &x));
    double *y = px_arena_calloc(c->scratch, (size_t)x->count, sizeof *y);
    if (y == NULL)
        PX_TRY(px_status_nomem());
    shrink_row(&(px_elem_run){.out = y, .in = {x->data}, .step = {1}, .n = x->count, .arg = &p});
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, x->dims, &out));
    px_convert(stored->dtype, out, PGY_DTYPE_F64, y, 0, x->count);
done:
    return st;
}

/* --- Relu, PRelu: integers too --- */

PX_ROW1(relu_f64, double, double, x < 0.0 ? 0.0 : x)
PX_ROW1(relu_i8, int8_t, int8_t, x < 0 ? 0 : x)
PX_ROW1(relu_i16, int16_t, int16_t, x < 0 ? 0 : x)
PX_ROW1(relu_i32, int32_t, int32_t, x < 0 ? 0 : x)
PX_ROW1(relu_i64, int64_t, int64_t, x < 0 ? 0 : x)
static const px_elem_row relu_rows[PX_N_NUMERIC] = {relu_f64, relu_i8, relu_i16, relu_i32,
                                                    relu_i64};

static pgy_status *k_relu(px_ref_call *c)
{
    return px_elem_unary(c, relu_rows, NULL);
}

PX_ROW2(prelu_f64, double, double, x < 0.0 ? x * y : x)
PX_ROW2(prelu_i32, int32_t, int32_t, x < 0 ? (uint32_t)x * (uint32_t)y : (uint32_t)x)
PX_ROW2(prelu_i64, int64_t, int64_t, x < 0 ? (uint64_t)x * (uint64_t)y : (uint64_t)x)
/* Nothing unsigned is negative: the slope has no effect. */
PX_ROW1(prelu_u32, uint32_t, uint32_t, x)
PX_ROW1(prelu_u64, uint64_t, uint64_t, x)

/* Before opset 7 a slope of more than one element belongs to dim 1, the channels. */
static pgy_status *prelu_legacy(px_ref_call *c, px_elem *e)
{
    pgy_status *st = NULL;
    PX_TRY(px_ref_in(c, 0, &e->t[0]));
    PX_TRY(px_ref_in(c, 1, &e->t[1]));
    const pgy_tensor *x = e->t[0], *slope = e->t[1];
    e->n_in = 2;
    e->cx = c->cx;
    e->rank = x->rank;
    e->count = x->count;
    memcpy(e->dims, x->dims, (size_t)x->rank * sizeof *x->dims);
    memset(e->strides, 0, sizeof e->strides);
    for (size_t k = 0; k < 2; k++) {
        e->data[k] = e->t[k]->data;
        e->size[k] = (size_t)pgy_dtype_bits(e->t[k]->dtype) / 8;
    }
    px_ref_broadcast_strides(x, e->rank, e->dims, e->strides[0]);
    if (slope->count == 1)
        goto done;
    const int channel = x->rank > 1 ? 1 : 0;
    if (x->rank == 0 || slope->rank != 1 || slope->count != x->dims[channel])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "the slope has %lld elements; one, or one per channel is wanted",
                           (long long)slope->count));
    e->strides[1][channel] = 1;
done:
    return st;
}

static pgy_status *k_prelu(px_ref_call *c)
{
    static const px_elem_row rows[PX_N_NUMERIC] = {prelu_f64, NULL, NULL,      prelu_i32, prelu_i64,
                                                   NULL,      NULL, prelu_u32, prelu_u64};
    pgy_status *st = NULL;
    px_elem e;
    void *out;

    if (c->opset < 7)
        PX_TRY(prelu_legacy(c, &e));
    else
        PX_TRY(px_elem_init(c, &e, 0, 2));
    PX_TRY(px_elem_same_type(c, &e, 1));
    if (!px_shape_eq(e.rank, e.dims, e.t[0]->rank, e.t[0]->dims))
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_MODEL, "the slope's shape does not broadcast to the input's"));
    const int type = px_numeric_index(px_elem_storage(&e, 0));
    if (type < 0 || rows[type] == NULL)
        PX_TRY(px_elem_bad_type(c, 0));
    PX_TRY(px_elem_out(c, &e, 0, c->in[0].dtype, &out));
    px_elem_apply(&e, out, e.size[0], rows[type], NULL);
done:
    return st;
}

/* --- SwiGLU: swish(gate) * value --- */

static void swiglu_row(const px_elem_run *r)
{
    const double alpha = ((const params *)r->arg)->alpha;
    double buffer[CHUNK];
    for (int64_t begin = 0; begin < r->n; begin += CHUNK) {
        const int64_t n = PX_MIN(CHUNK, r->n - begin);
        const double *value = (const double *)r->in[1] + begin;
        double *o = (double *)r->out + begin;
        px_v_swish(buffer, (const double *)r->in[0] + begin, alpha, n);
        for (int64_t i = 0; i < n; i++)
            o[i] = buffer[i] * value[i];
    }
}

static pgy_status *k_swiglu(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_elem e;
    void *out;
    const params p = {.alpha = px_ref_attr_f(c, "alpha", 1.0)};

    PX_TRY(px_elem_init(c, &e, 0, 2));
    PX_TRY(px_elem_same_type(c, &e, 1));
    if (px_elem_storage(&e, 0) != PGY_DTYPE_F64)
        PX_TRY(px_elem_bad_type(c, 0));
    if (!px_shape_eq(e.t[0]->rank, e.t[0]->dims, e.t[1]->rank, e.t[1]->dims))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the shapes of gate and value differ"));
    PX_TRY(px_elem_out(c, &e, 0, c->in[0].dtype, &out));
    px_elem_apply(&e, out, sizeof(double), swiglu_row, &p);
done:
    return st;
}

#define ROW(name, since, kernel)                                                                   \
    {                                                                                              \
        "", name, since, 1, 1, 1, 1, kernel                                                        \
    }
#define ROW2(name, since, kernel)                                                                  \
    {                                                                                              \
        "", name, since, 2, 2, 1, 1, kernel                                                        \
    }

static const px_ref_op ops[] = {
    ROW("Relu", 1, k_relu),
    ROW("Relu", 6, k_relu),
    ROW("Relu", 13, k_relu),
    ROW("Relu", 14, k_relu),
    ROW("LeakyRelu", 1, k_leaky_relu),
    ROW("LeakyRelu", 6, k_leaky_relu),
    ROW("LeakyRelu", 16, k_leaky_relu),
    ROW2("PRelu", 1, k_prelu),
    ROW2("PRelu", 6, k_prelu),
    ROW2("PRelu", 7, k_prelu),
    ROW2("PRelu", 9, k_prelu),
    ROW2("PRelu", 16, k_prelu),
    ROW("Elu", 1, k_elu),
    ROW("Elu", 6, k_elu),
    ROW("Elu", 22, k_elu),
    ROW("Selu", 1, k_selu),
    ROW("Selu", 6, k_selu),
    ROW("Selu", 22, k_selu),
    ROW("Celu", 12, k_celu),
    ROW("Celu", 28, k_celu),
    ROW("Sigmoid", 1, k_sigmoid),
    ROW("Sigmoid", 6, k_sigmoid),
    ROW("Sigmoid", 13, k_sigmoid),
    ROW("HardSigmoid", 1, k_hard_sigmoid),
    ROW("HardSigmoid", 6, k_hard_sigmoid),
    ROW("HardSigmoid", 22, k_hard_sigmoid),
    ROW("HardSwish", 14, k_hard_swish),
    ROW("HardSwish", 22, k_hard_swish),
    ROW("Softplus", 1, k_softplus),
    ROW("Softplus", 22, k_softplus),
    ROW("Softsign", 1, k_softsign),
    ROW("Softsign", 22, k_softsign),
    ROW("ThresholdedRelu", 10, k_thresholded_relu),
    ROW("ThresholdedRelu", 22, k_thresholded_relu),
    ROW("Gelu", 20, k_gelu),
    ROW("Mish", 18, k_mish),
    ROW("Mish", 22, k_mish),
    ROW("Swish", 24, k_swish),
    ROW("Shrink", 9, k_shrink),
    ROW2("SwiGLU", 28, k_swiglu),
};

const px_ref_family px_ref_family_activation = {ops, PX_COUNTOF(ops)};
