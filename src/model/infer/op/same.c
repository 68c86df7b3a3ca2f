/* model/infer/op/same.c - operators that work element by element, and those that keep a shape. */
#include "model/infer/infer.h"

#include <math.h>

static void same(px_infer_call *c)
{
    px_infer_same_shape(c, 0, 0);
}

static void broadcast(px_infer_call *c)
{
    px_infer_broadcast(c, 0, 0, c->n_in);
}

/* --- computed along: integers --- */

/* Element `i` of the broadcast result of rank at most 1: the operand's own, or its only one. */
static px_dim element(const px_infer_value *v, size_t i)
{
    return v->n_data == 1 ? v->data[0] : v->data[i];
}

/* Number of result elements when all inputs [from, n_in) have known elements and rank at most 1. */
static bool result_count(const px_infer_call *c, size_t from, size_t *out)
{
    *out = 1;
    for (size_t i = from; i < c->n_in; i++) {
        const px_infer_value *v = c->in[i];
        if (!v->data || v->rank > 1 || (v->n_data != 1 && *out != 1 && v->n_data != *out))
            return false;
        if (v->n_data != 1)
            *out = v->n_data;
    }
    return c->n_in > from;
}

static void calc(px_infer_call *c, px_dim_op op)
{
    px_dim at[PX_INFER_MAX_DATA];
    size_t n = 0;
    broadcast(c);
    if (!result_count(c, 0, &n))
        return;
    for (size_t i = 0; i < n; i++) {
        at[i] = element(c->in[0], i);
        for (size_t k = 1; k < c->n_in; k++)
            at[i] = px_dim_calc(px_infer_dims_table(c->infer), op, at[i], element(c->in[k], i));
    }
    px_infer_set_data(c, 0, at, n);
}

/* Float constants, each result rounded to float32 unless the type is double. */
static void calc_reals(px_infer_call *c, double (*op)(double, double))
{
    const double *a, *b;
    double at[PX_INFER_MAX_DATA];
    size_t n_a = 0, n_b = 0;
    if (c->n_in != 2 || px_infer_rank(c, 0) > 1 || px_infer_rank(c, 1) > 1 || !c->in[0]->real ||
        !c->in[1]->real || !px_infer_reals(c, 0, &a, &n_a) || !px_infer_reals(c, 1, &b, &n_b) ||
        (n_a != n_b && n_a != 1 && n_b != 1))
        return;
    const bool is_f32 = c->in[0]->dtype == PGY_DTYPE_F32;
    if (!is_f32 && c->in[0]->dtype != PGY_DTYPE_F64)
        return;
    const size_t n = n_a == 1 ? n_b : n_a;
    for (size_t i = 0; i < n; i++) {
        const double x = op(a[n_a == 1 ? 0 : i], b[n_b == 1 ? 0 : i]);
        at[i] = is_f32 ? (double)(float)x : x;
    }
    px_infer_set_reals(c, 0, at, n);
}

static double real_add(double a, double b)
{
    return a + b;
}

static double real_sub(double a, double b)
{
    return a - b;
}

static double real_mul(double a, double b)
{
    return a * b;
}

static double real_div(double a, double b)
{
    return a / b;
}

static void add(px_infer_call *c)
{
    calc(c, PX_DIM_ADD);
    calc_reals(c, real_add);
}

static void sub(px_infer_call *c)
{
    calc(c, PX_DIM_SUB);
    calc_reals(c, real_sub);
}

static void mul(px_infer_call *c)
{
    calc(c, PX_DIM_MUL);
    calc_reals(c, real_mul);
}

static void divide(px_infer_call *c)
{
    calc(c, PX_DIM_DIV);
    calc_reals(c, real_div);
}

static void minimum(px_infer_call *c)
{
    calc(c, PX_DIM_MIN);
}

static void maximum(px_infer_call *c)
{
    calc(c, PX_DIM_MAX);
}

static void mod(px_infer_call *c)
{
    if (px_infer_attr_i(c, "fmod", 0) == 0)
        calc(c, PX_DIM_MOD);
    else
        broadcast(c);
}

static void unary_reals(px_infer_call *c, double (*f)(double))
{
    double at[PX_INFER_MAX_DATA];
    same(c);
    if (!c->in[0]->real)
        return;
    for (size_t i = 0; i < c->in[0]->n_data; i++)
        at[i] = f(c->in[0]->real[i]);
    px_infer_set_reals(c, 0, at, c->in[0]->n_data);
}

static void floor_of(px_infer_call *c)
{
    unary_reals(c, floor);
}

static void ceil_of(px_infer_call *c)
{
    unary_reals(c, ceil);
}

static void round_of(px_infer_call *c)
{
    unary_reals(c, nearbyint); /* halves to even, as the operator's */
}

static void negate(px_infer_call *c)
{
    px_dim at[PX_INFER_MAX_DATA];
    same(c);
    if (c->n_in == 0 || !c->in[0]->data)
        return;
    for (size_t i = 0; i < c->in[0]->n_data; i++)
        at[i] = px_dim_calc(px_infer_dims_table(c->infer), PX_DIM_SUB, px_dim_const(0),
                            c->in[0]->data[i]);
    px_infer_set_data(c, 0, at, c->in[0]->n_data);
}

/* What is no dim's sign is not known; a dim is its own absolute value. */
static void absolute(px_infer_call *c)
{
    px_dim at[PX_INFER_MAX_DATA];
    px_dim_table *t = px_infer_dims_table(c->infer);
    same(c);
    if (c->n_in == 0 || !c->in[0]->data)
        return;
    for (size_t i = 0; i < c->in[0]->n_data; i++) {
        const px_dim d = c->in[0]->data[i];
        at[i] = px_dim_is_nonneg(t, d) ? d
                : px_dim_is_const(d)   ? px_dim_calc(t, PX_DIM_SUB, px_dim_const(0), d)
                                       : px_dim_new(t, true);
    }
    px_infer_set_data(c, 0, at, c->in[0]->n_data);
}

/* --- computed along: truth values --- */

/* 1, 0, or an unknown, for a < b, a == b. */
static px_dim truth(px_dim_table *t, bool is_known, bool value)
{
    return is_known ? px_dim_const(value) : px_dim_new(t, true);
}

static px_dim is_equal(px_dim_table *t, px_dim a, px_dim b)
{
    return truth(t, px_dim_eq(a, b) || px_dim_differ(t, a, b), px_dim_eq(a, b));
}

static px_dim is_less(px_dim_table *t, px_dim a, px_dim b)
{
    if (a.sym == b.sym && a.times == b.times)
        return truth(t, true, a.base < b.base);
    if (px_dim_is_const(a) && a.base < 0 && px_dim_is_nonneg(t, b))
        return truth(t, true, true);
    return truth(t, px_dim_is_const(b) && b.base <= 0 && px_dim_is_nonneg(t, a), false);
}

static px_dim is_not(px_dim_table *t, px_dim a)
{
    return px_dim_is_const(a) ? px_dim_const(a.base == 0) : px_dim_new(t, true);
}

static px_dim is_both(px_dim_table *t, px_dim a, px_dim b)
{
    if (px_dim_is(a, 0) || px_dim_is(b, 0))
        return px_dim_const(0);
    return truth(t, px_dim_is_const(a) && px_dim_is_const(b), true);
}

static px_dim is_either(px_dim_table *t, px_dim a, px_dim b)
{
    if ((px_dim_is_const(a) && a.base) || (px_dim_is_const(b) && b.base))
        return px_dim_const(1);
    return truth(t, px_dim_is_const(a) && px_dim_is_const(b), false);
}

static px_dim is_greater(px_dim_table *t, px_dim a, px_dim b)
{
    return is_less(t, b, a);
}

static px_dim is_at_least(px_dim_table *t, px_dim a, px_dim b)
{
    return is_not(t, is_less(t, a, b));
}

static px_dim is_at_most(px_dim_table *t, px_dim a, px_dim b)
{
    return is_not(t, is_less(t, b, a));
}

static void test(px_infer_call *c, px_dim (*f)(px_dim_table *, px_dim, px_dim))
{
    px_dim at[PX_INFER_MAX_DATA];
    size_t n = 0;
    broadcast(c);
    if (c->n_in != 2 || !result_count(c, 0, &n))
        return;
    for (size_t i = 0; i < n; i++)
        at[i] = f(px_infer_dims_table(c->infer), element(c->in[0], i), element(c->in[1], i));
    px_infer_set_data(c, 0, at, n);
}

static void equal(px_infer_call *c)
{
    test(c, is_equal);
}

static void less(px_infer_call *c)
{
    test(c, is_less);
}

static void greater(px_infer_call *c)
{
    test(c, is_greater);
}

static void less_or_equal(px_infer_call *c)
{
    test(c, is_at_most);
}

static void greater_or_equal(px_infer_call *c)
{
    test(c, is_at_least);
}

static void both(px_infer_call *c)
{
    test(c, is_both);
}

static void either(px_infer_call *c)
{
    test(c, is_either);
}

static void not_of(px_infer_call *c)
{
    px_dim at[PX_INFER_MAX_DATA];
    same(c);
    if (c->n_in == 0 || !c->in[0]->data)
        return;
    for (size_t i = 0; i < c->in[0]->n_data; i++)
        at[i] = is_not(px_infer_dims_table(c->infer), c->in[0]->data[i]);
    px_infer_set_data(c, 0, at, c->in[0]->n_data);
}

static void where(px_infer_call *c)
{
    px_dim at[PX_INFER_MAX_DATA];
    px_dim_table *t = px_infer_dims_table(c->infer);
    size_t n = 0;
    broadcast(c);
    if (c->n_in != 3 || !result_count(c, 0, &n))
        return;
    for (size_t i = 0; i < n; i++) {
        const px_dim test = element(c->in[0], i), a = element(c->in[1], i),
                     b = element(c->in[2], i);
        at[i] = px_dim_is_const(test) ? (test.base ? a : b)
                : px_dim_eq(a, b)     ? a
                                  : px_dim_new(t, px_dim_is_nonneg(t, a) && px_dim_is_nonneg(t, b));
    }
    px_infer_set_data(c, 0, at, n);
}

/* --- conversions --- */

static bool fits(pgy_dtype dtype, int64_t v)
{
    const int bits = pgy_dtype_bits(dtype);
    if (!px_dtype_is_signed(dtype))
        return v >= 0 && (bits >= 63 || v < (int64_t)1 << bits);
    return bits >= 64 || (v >= -((int64_t)1 << (bits - 1)) && v < (int64_t)1 << (bits - 1));
}

/* Integers to integers; a symbol is taken to fit into 32 bits, as dims do. */
static void cast_ints(px_infer_call *c, pgy_dtype to)
{
    px_dim at[PX_INFER_MAX_DATA];
    double real[PX_INFER_MAX_DATA];
    const px_infer_value *v = c->in[0];
    px_dim_table *t = px_infer_dims_table(c->infer);
    bool all_constant = true;
    for (size_t i = 0; i < v->n_data; i++) {
        const px_dim d = v->data[i];
        at[i] = d;
        real[i] = (double)d.base;
        if (!px_dim_is_const(d)) {
            all_constant = false;
            if (to == PGY_DTYPE_BOOL || pgy_dtype_bits(to) < 32)
                at[i] = px_dim_new(t, to == PGY_DTYPE_BOOL);
        } else if (to == PGY_DTYPE_BOOL) {
            at[i] = px_dim_const(d.base != 0);
        } else if (px_dtype_is_int(to) && !fits(to, d.base)) {
            at[i] = px_dim_new(t, false);
        }
    }
    if (to == PGY_DTYPE_BOOL || px_dtype_is_int(to))
        px_infer_set_data(c, 0, at, v->n_data);
    else if (all_constant && (to == PGY_DTYPE_F32 || to == PGY_DTYPE_F64)) {
        for (size_t i = 0; to == PGY_DTYPE_F32 && i < v->n_data; i++)
            real[i] = (double)(float)real[i];
        px_infer_set_reals(c, 0, real, v->n_data);
    }
}

static void cast_reals(px_infer_call *c, pgy_dtype to)
{
    px_dim at[PX_INFER_MAX_DATA];
    const px_infer_value *v = c->in[0];
    if (to == v->dtype || to == PGY_DTYPE_F64) {
        px_infer_keep_data(c, 0, 0);
        return;
    }
    if (to != PGY_DTYPE_I64 && to != PGY_DTYPE_I32)
        return;
    for (size_t i = 0; i < v->n_data; i++) {
        if (!(fabs(v->real[i]) < 0x1p31))
            return;
        at[i] = px_dim_const((int64_t)v->real[i]);
    }
    px_infer_set_data(c, 0, at, v->n_data);
}

static void cast_to(px_infer_call *c, pgy_dtype to)
{
    px_infer_dtype(c, 0, to);
    same(c);
    if (c->n_in == 0 || c->n_out == 0)
        return;
    if (c->in[0]->data)
        cast_ints(c, to);
    else if (c->in[0]->real)
        cast_reals(c, to);
}

static void cast(px_infer_call *c)
{
    const px_onnx_attr *a = px_infer_attr(c, "to");
    int64_t to = a && a->type == PX_ONNX_ATTR_INT ? a->i : 0;
    if (a && a->type == PX_ONNX_ATTR_STRING) { /* version 1 spells types: "FLOAT" */
        char name[16] = {0};
        for (size_t i = 0; i < a->s.len && i + 1 < sizeof name; i++)
            name[i] = (char)(a->s.ptr[i] >= 'A' && a->s.ptr[i] <= 'Z' ? a->s.ptr[i] - 'A' + 'a'
                                                                      : a->s.ptr[i]);
        to = px_dtype_from_name(px_str_of(name));
    }
    cast_to(c, to > 0 && to < PGY_DTYPE_COUNT ? (pgy_dtype)to : PGY_DTYPE_UNKNOWN);
}

static void cast_like(px_infer_call *c)
{
    cast_to(c, c->n_in > 1 && c->in[1]->kind == PX_ONNX_TYPE_TENSOR ? c->in[1]->dtype
                                                                    : PGY_DTYPE_UNKNOWN);
}

static void bit_cast(px_infer_call *c)
{
    const int64_t to = px_infer_attr_i(c, "to", 0);
    if (to <= 0 || to >= PGY_DTYPE_COUNT)
        return;
    px_infer_dtype(c, 0, (pgy_dtype)to);
    same(c);
}

static void identity(px_infer_call *c)
{
    px_infer_same(c, 0, 0);
}

/* Element type of the input, and an attribute's where there is one. */
static void like_with_dtype(px_infer_call *c)
{
    const int64_t dtype = px_infer_attr_i(c, "dtype", 0);
    if (c->n_in > 0 && c->in[0]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[0]->dtype);
    if (dtype > 0 && dtype < PGY_DTYPE_COUNT)
        px_infer_dtype(c, 0, (pgy_dtype)dtype);
    same(c);
}

#define SAME(name)                                                                                 \
    {                                                                                              \
        "", name, 1, same                                                                          \
    }
static const px_infer_op rows[] = {
    SAME("Acos"),
    SAME("Acosh"),
    SAME("Asin"),
    SAME("Asinh"),
    SAME("Atan"),
    SAME("Atanh"),
    SAME("BitwiseNot"),
    SAME("Celu"),
    SAME("Clip"),
    SAME("Cos"),
    SAME("Cosh"),
    SAME("CumProd"),
    SAME("CumSum"),
    SAME("Elu"),
    SAME("Erf"),
    SAME("Exp"),
    SAME("Gelu"),
    SAME("HardSigmoid"),
    SAME("HardSwish"),
    SAME("Hardmax"),
    SAME("IsInf"),
    SAME("IsNaN"),
    SAME("LRN"),
    SAME("LeakyRelu"),
    SAME("Log"),
    SAME("LogSoftmax"),
    SAME("LpNormalization"),
    SAME("MeanVarianceNormalization"),
    SAME("Mish"),
    SAME("PRelu"),
    SAME("Reciprocal"),
    SAME("RegexFullMatch"),
    SAME("Relu"),
    SAME("ReverseSequence"),
    SAME("Scatter"),
    SAME("ScatterElements"),
    SAME("ScatterND"),
    SAME("Selu"),
    SAME("Shrink"),
    SAME("Sigmoid"),
    SAME("Sign"),
    SAME("Sin"),
    SAME("Sinh"),
    SAME("Softmax"),
    SAME("Softplus"),
    SAME("Softsign"),
    SAME("Sqrt"),
    SAME("Swish"),
    SAME("Tan"),
    SAME("Tanh"),
    SAME("TensorScatter"),
    SAME("ThresholdedRelu"),
    SAME("Trilu"),
    {"", "Abs", 1, absolute},
    {"", "Ceil", 1, ceil_of},
    {"", "Floor", 1, floor_of},
    {"", "Neg", 1, negate},
    {"", "Not", 1, not_of},
    {"", "Round", 1, round_of},
    /* Before version 7 the second operand is broadcast to the first, or has its shape. */
    {"", "Add", 1, same},
    {"", "Add", 7, add},
    {"", "And", 1, same},
    {"", "And", 7, both},
    {"", "Bernoulli", 15, like_with_dtype},
    {"", "BitCast", 26, bit_cast},
    {"", "BitShift", 11, broadcast},
    {"", "BitwiseAnd", 18, broadcast},
    {"", "BitwiseOr", 18, broadcast},
    {"", "BitwiseXor", 18, broadcast},
    {"", "Cast", 1, cast},
    {"", "CastLike", 15, cast_like},
    {"", "Div", 1, same},
    {"", "Div", 7, divide},
    {"", "Equal", 1, same},
    {"", "Equal", 7, equal},
    {"", "EyeLike", 9, like_with_dtype},
    {"", "Greater", 1, same},
    {"", "Greater", 7, greater},
    {"", "GreaterOrEqual", 12, greater_or_equal},
    {"", "Identity", 1, identity},
    {"", "Less", 1, same},
    {"", "Less", 7, less},
    {"", "LessOrEqual", 12, less_or_equal},
    {"", "Max", 1, maximum},
    {"", "Mean", 1, broadcast},
    {"", "Min", 1, minimum},
    {"", "Mod", 10, mod},
    {"", "Mul", 1, same},
    {"", "Mul", 7, mul},
    {"", "Or", 1, same},
    {"", "Or", 7, either},
    {"", "Pow", 1, same},
    {"", "Pow", 7, broadcast},
    {"", "RandomNormalLike", 1, like_with_dtype},
    {"", "RandomUniformLike", 1, like_with_dtype},
    {"", "StringConcat", 20, broadcast},
    {"", "Sub", 1, same},
    {"", "Sub", 7, sub},
    {"", "Sum", 1, broadcast},
    {"", "Where", 9, where},
    {"", "Xor", 1, same},
    {"", "Xor", 7, broadcast},
};

const px_infer_family px_infer_family_same = {rows, PX_COUNTOF(rows)};
