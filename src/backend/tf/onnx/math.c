/* backend/tf/onnx/math.c - elementwise operators, reductions and matrix products. */
#include "backend/tf/onnx/build.h"

#include <math.h>

static bool is_float(int type)
{
    return type == PX_TF_FLOAT || type == PX_TF_DOUBLE || type == PX_TF_HALF ||
           type == PX_TF_BFLOAT16;
}

static void unary(px_tf_build *b)
{
    px_tf_output(b, 0, px_tf_1(b, px_tf_row(b)->as, px_tf_input(b, 0)));
}

static void binary(px_tf_build *b)
{
    px_tf_output(b, 0, px_tf_2(b, px_tf_row(b)->as, px_tf_input(b, 0), px_tf_input(b, 1)));
}

static void divide(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), y = px_tf_input(b, 1);
    /* ONNX divides integers towards zero. */
    px_tf_output(b, 0, px_tf_2(b, is_float(px_tf_type_at(b, x)) ? "RealDiv" : "TruncateDiv", x, y));
}

/* The sign of the divisor, or with `fmod` that of the dividend. */
static void mod(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), y = px_tf_input(b, 1);
    const int type = px_tf_type_at(b, x), wide = type == PX_TF_DOUBLE ? type
                                                 : is_float(type)     ? PX_TF_FLOAT
                                                                      : PX_TF_INT64;
    if (type == PX_TF_UINT64)
        px_tf_refuse(b, "uint64 has no counterpart in TensorFlow's remainder.");
    const px_tf_port wide_x = px_tf_cast(b, x, wide), wide_y = px_tf_cast(b, y, wide);
    const char *op = px_tf_int_of(b, "fmod", 0) != 0 ? "TruncateMod" : "FloorMod";
    px_tf_output(b, 0, px_tf_cast(b, px_tf_2(b, op, wide_x, wide_y), type));
}

static void power(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), y = px_tf_input(b, 1);
    const px_tf_port exponent = px_tf_cast(b, y, px_tf_type_at(b, x));
    px_tf_output(b, 0, px_tf_2(b, "Pow", x, exponent));
}

/* Max, Min, Sum of any number of inputs. */
static void variadic(px_tf_build *b)
{
    px_tf_port all = px_tf_input(b, 0);
    for (size_t i = 1; i < b->node->n_inputs; i++)
        all = px_tf_2(b, px_tf_row(b)->as, all, px_tf_input(b, i));
    px_tf_output(b, 0, px_tf_1(b, "Identity", all));
}

static void mean(px_tf_build *b)
{
    px_tf_port all = px_tf_input(b, 0);
    for (size_t i = 1; i < b->node->n_inputs; i++)
        all = px_tf_2(b, "AddV2", all, px_tf_input(b, i));
    const px_tf_port n = px_tf_number(b, (double)b->node->n_inputs, all);
    px_tf_output(b, 0, px_tf_2(b, "RealDiv", all, n));
}

static px_tf_port clip(px_tf_build *b, px_tf_port x, double low, double high)
{
    const px_tf_port lower = px_tf_number(b, low, x), upper = px_tf_number(b, high, x);
    return px_tf_2(b, "Minimum", px_tf_2(b, "Maximum", x, lower), upper);
}

static void clip_node(px_tf_build *b)
{
    px_tf_port x = px_tf_input(b, 0);
    const bool old = b->opset < 11;
    if (px_tf_has(b, 1))
        x = px_tf_2(b, "Maximum", x, px_tf_input(b, 1));
    else if (old && px_onnx_node_attr(b->node, "min") != NULL)
        x = px_tf_2(b, "Maximum", x, px_tf_number(b, px_tf_float_of(b, "min", 0), x));
    if (px_tf_has(b, 2))
        x = px_tf_2(b, "Minimum", x, px_tf_input(b, 2));
    else if (old && px_onnx_node_attr(b->node, "max") != NULL)
        x = px_tf_2(b, "Minimum", x, px_tf_number(b, px_tf_float_of(b, "max", 0), x));
    px_tf_output(b, 0, px_tf_1(b, "Identity", x));
}

static px_tf_port hard_sigmoid(px_tf_build *b, px_tf_port x, double alpha, double beta)
{
    const px_tf_port a = px_tf_number(b, alpha, x), c = px_tf_number(b, beta, x);
    return clip(b, px_tf_2(b, "AddV2", px_tf_2(b, "Mul", x, a), c), 0, 1);
}

static void hard_sigmoid_node(px_tf_build *b)
{
    px_tf_output(b, 0,
                 hard_sigmoid(b, px_tf_input(b, 0), px_tf_float_of(b, "alpha", 0.2f),
                              px_tf_float_of(b, "beta", 0.5f)));
}

static void hard_swish(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    px_tf_output(b, 0, px_tf_2(b, "Mul", x, hard_sigmoid(b, x, 1.0 / 6, 0.5)));
}

static void leaky_relu(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    px_tf_begin(b, "LeakyRelu");
    px_tf_in(b, x);
    px_tf_set_float(b, "alpha", px_tf_float_of(b, "alpha", 0.01f));
    px_tf_output(b, 0, px_tf_finish(b));
}

/* x where it is above 0, else slope * x. A slope for each channel was just a vector once. */
static void prelu(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    px_tf_port slope = px_tf_input(b, 1);
    if (b->opset < 7 && px_tf_rank(b, slope) == 1) {
        const int64_t dims[PX_TF_MAX_RANK] = {-1, 1, 1, 1, 1, 1, 1, 1};
        slope = px_tf_reshape(b, slope, dims, PX_MAX(px_tf_rank(b, x) - 1, 1));
    }
    const px_tf_port positive = px_tf_2(b, "Greater", x, px_tf_number(b, 0, x));
    px_tf_output(b, 0, px_tf_3(b, "SelectV2", positive, x, px_tf_2(b, "Mul", x, slope)));
}

/* x where it is above 0, else alpha * (exp(x) - 1). */
static void elu(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const px_tf_port alpha = px_tf_number(b, px_tf_float_of(b, "alpha", 1), x);
    const px_tf_port positive = px_tf_2(b, "Greater", x, px_tf_number(b, 0, x));
    const px_tf_port low = px_tf_2(b, "Mul", alpha, px_tf_1(b, "Expm1", x));
    px_tf_output(b, 0, px_tf_3(b, "SelectV2", positive, x, low));
}

/* gamma * x where x is above 0, else gamma * alpha * (exp(x) - 1). */
static void selu(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const px_tf_port alpha = px_tf_number(b, px_tf_float_of(b, "alpha", 1.67326319f), x);
    const px_tf_port gamma = px_tf_number(b, px_tf_float_of(b, "gamma", 1.05070102f), x);
    const px_tf_port positive = px_tf_2(b, "Greater", x, px_tf_number(b, 0, x));
    const px_tf_port low = px_tf_2(b, "Mul", alpha, px_tf_1(b, "Expm1", x));
    px_tf_output(b, 0, px_tf_2(b, "Mul", gamma, px_tf_3(b, "SelectV2", positive, x, low)));
}

static void thresholded_relu(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const px_tf_port alpha = px_tf_number(b, (double)px_tf_float_of(b, "alpha", 1), x);
    const px_tf_port is_above = px_tf_2(b, "Greater", x, alpha);
    px_tf_output(b, 0, px_tf_3(b, "SelectV2", is_above, x, px_tf_number(b, 0, x)));
}

/* Towards 0 by `bias` outside of -lambd ... lambd, and 0 in there. */
static void shrink(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const double limit = (double)px_tf_float_of(b, "lambd", 0.5f);
    const px_tf_port bias = px_tf_number(b, (double)px_tf_float_of(b, "bias", 0), x);
    const px_tf_port low = px_tf_2(b, "Less", x, px_tf_number(b, -limit, x)),
                     high = px_tf_2(b, "Greater", x, px_tf_number(b, limit, x));
    const px_tf_port inner =
        px_tf_3(b, "SelectV2", high, px_tf_2(b, "Sub", x, bias), px_tf_number(b, 0, x));
    px_tf_output(b, 0, px_tf_3(b, "SelectV2", low, px_tf_2(b, "AddV2", x, bias), inner));
}

static void bit_shift(px_tf_build *b)
{
    const bool is_left = px_str_is(px_tf_text_of(b, "direction", "LEFT"), "LEFT");
    px_tf_output(
        b, 0,
        px_tf_2(b, is_left ? "LeftShift" : "RightShift", px_tf_input(b, 0), px_tf_input(b, 1)));
}

static void is_inf(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const bool low = px_tf_int_of(b, "detect_negative", 1) != 0,
               high = px_tf_int_of(b, "detect_positive", 1) != 0;
    px_tf_port y = px_tf_1(b, "IsInf", x);
    if (!low)
        y = px_tf_2(b, "LogicalAnd", y, px_tf_2(b, "Greater", x, px_tf_number(b, 0, x)));
    if (!high)
        y = px_tf_2(b, "LogicalAnd", y, px_tf_2(b, "Less", x, px_tf_number(b, 0, x)));
    px_tf_output(b, 0, y);
}

/* 0.5 x (1 + erf(x / sqrt 2)), or its approximation by tanh. */
static void gelu(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const px_tf_port one = px_tf_number(b, 1, x), half = px_tf_number(b, 0.5, x);
    px_tf_port bend;
    if (px_str_is(px_tf_text_of(b, "approximate", "none"), "tanh")) {
        const px_tf_port cube = px_tf_2(b, "Mul", px_tf_1(b, "Square", x), x);
        const px_tf_port scaled = px_tf_2(b, "Mul", cube, px_tf_number(b, 0.044715, x));
        const px_tf_port sum = px_tf_2(b, "AddV2", x, scaled);
        const px_tf_port factor = px_tf_number(b, 0.7978845608028654, x);
        bend = px_tf_1(b, "Tanh", px_tf_2(b, "Mul", sum, factor));
    } else {
        bend = px_tf_1(b, "Erf", px_tf_2(b, "Mul", x, px_tf_number(b, 0.7071067811865476, x)));
    }
    px_tf_output(b, 0,
                 px_tf_2(b, "Mul", px_tf_2(b, "Mul", half, x), px_tf_2(b, "AddV2", bend, one)));
}

static void where(px_tf_build *b)
{
    px_tf_output(b, 0,
                 px_tf_3(b, "SelectV2", px_tf_input(b, 0), px_tf_input(b, 1), px_tf_input(b, 2)));
}

static void cast(px_tf_build *b)
{
    const int type = px_tf_type_of((pgy_dtype)px_tf_int_of(b, "to", 0));
    const px_tf_port x = px_tf_input(b, 0);
    if (type == 0) {
        px_tf_refuse(b, "TensorFlow has no counterpart of the element type it casts to.");
        return;
    }
    px_tf_output(b, 0, px_tf_1(b, "Identity", px_tf_cast(b, x, type)));
}

static void cast_like(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const int type = px_tf_type_at(b, px_tf_input(b, 1));
    px_tf_output(b, 0, px_tf_1(b, "Identity", px_tf_cast(b, x, type)));
}

/* --- reductions --- */

/* The axes of a reduction as a tensor; false when nothing is to be reduced. */
static bool axes_of(px_tf_build *b, px_tf_port x, px_tf_port *out)
{
    int64_t axes[PX_TF_MAX_RANK];
    if (px_tf_has(b, 1) && px_tf_known(b, 1) == NULL) {
        *out = px_tf_input(b, 1);
        if (px_tf_dims(b, *out, axes) == 1 && axes[0] > 0)
            return true; /* whichever they are, there are some */
    }
    int n = px_tf_ints_or_input(b, "axes", 1, axes, PX_TF_MAX_RANK);
    if (n <= 0 && px_tf_int_of(b, "noop_with_empty_axes", 0) != 0)
        return false;
    if (n <= 0) {
        n = px_tf_rank(b, x);
        for (int i = 0; i < n; i++)
            axes[i] = i;
    }
    *out = px_tf_vector(b, axes, n);
    return true;
}

static px_tf_port reduce(px_tf_build *b, const char *op, px_tf_port x, px_tf_port axes)
{
    px_tf_begin(b, op);
    px_tf_in(b, x);
    px_tf_in(b, axes);
    px_tf_set_bool(b, "keep_dims", px_tf_int_of(b, "keepdims", 1) != 0);
    return px_tf_finish(b);
}

static void reduction(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    px_tf_port axes;
    px_tf_output(b, 0,
                 axes_of(b, x, &axes) ? reduce(b, px_tf_row(b)->as, x, axes)
                                      : px_tf_1(b, "Identity", x));
}

/* The sum of a function of the elements: `as` names the function. */
static void sum_of(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), y = px_tf_1(b, px_tf_row(b)->as, x);
    px_tf_port axes;
    px_tf_output(b, 0, axes_of(b, x, &axes) ? reduce(b, "Sum", y, axes) : y);
}

static void reduce_l2(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), y = px_tf_1(b, "Square", x);
    px_tf_port axes;
    px_tf_output(b, 0, px_tf_1(b, "Sqrt", axes_of(b, x, &axes) ? reduce(b, "Sum", y, axes) : y));
}

static void reduce_log_sum(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    px_tf_port axes;
    px_tf_output(b, 0, px_tf_1(b, "Log", axes_of(b, x, &axes) ? reduce(b, "Sum", x, axes) : x));
}

/* Of what is left when the largest element is taken away, so that nothing overflows. */
static void reduce_log_sum_exp(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    px_tf_port axes;
    if (!axes_of(b, x, &axes)) {
        px_tf_output(b, 0, px_tf_1(b, "Identity", x));
        return;
    }
    px_tf_begin(b, "Max");
    px_tf_in(b, x);
    px_tf_in(b, axes);
    px_tf_set_bool(b, "keep_dims", true);
    const px_tf_port most = px_tf_finish(b);
    const px_tf_port is_finite = px_tf_1(b, "IsFinite", most);
    const px_tf_port shift = px_tf_3(b, "SelectV2", is_finite, most, px_tf_number(b, 0, x));
    const px_tf_port powers = px_tf_1(b, "Exp", px_tf_2(b, "Sub", x, shift));
    const px_tf_port sum = px_tf_1(b, "Log", reduce(b, "Sum", powers, axes));
    px_tf_output(b, 0, px_tf_2(b, "AddV2", sum, reduce(b, "Max", shift, axes)));
}

static void arg_extreme(px_tf_build *b)
{
    px_tf_port x = px_tf_input(b, 0);
    const int64_t axis = px_tf_axis(b, px_tf_int_of(b, "axis", 0), px_tf_rank(b, x));
    const bool is_last = px_tf_int_of(b, "select_last_index", 0) != 0;
    if (is_last)
        x = px_tf_2(b, "ReverseV2", x, px_tf_vector(b, &axis, 1));
    px_tf_port y = px_tf_2(b, px_tf_row(b)->as, x, px_tf_scalar32(b, axis));
    if (is_last) {
        const px_tf_port n = px_tf_at(b, px_tf_shape(b, x), px_tf_scalar(b, axis), 0);
        y = px_tf_2(b, "Sub", px_tf_2(b, "Sub", n, px_tf_scalar(b, 1)), y);
    }
    if (px_tf_int_of(b, "keepdims", 1) != 0)
        y = px_tf_2(b, "ExpandDims", y, px_tf_scalar32(b, axis));
    px_tf_output(b, 0, y);
}

/* --- softmax --- */

/* Before operator set 13 all dimensions from the axis on are one. */
static void softmax(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const bool is_old = b->opset < 13;
    const int rank = px_tf_rank(b, x);
    const int axis = px_tf_axis(b, px_tf_int_of(b, "axis", is_old ? 1 : -1), rank);
    const char *op = px_tf_row(b)->as;
    if (axis == rank - 1) {
        px_tf_output(b, 0, px_tf_1(b, op, x));
    } else if (is_old) {
        const px_tf_port shape = px_tf_shape(b, x);
        const px_tf_port outer = px_tf_part(b, shape, 0, axis);
        const px_tf_port flat[] = {outer, px_tf_vector(b, (const int64_t[]){-1}, 1)};
        const px_tf_port rows = px_tf_2(b, "Reshape", x, px_tf_concat(b, flat, 2, 0));
        px_tf_output(b, 0, px_tf_2(b, "Reshape", px_tf_1(b, op, rows), shape));
    } else {
        int64_t order[PX_TF_MAX_RANK]; /* its own inverse */
        for (int i = 0; i < rank; i++)
            order[i] = i;
        order[axis] = rank - 1;
        order[rank - 1] = axis;
        const px_tf_port turned = px_tf_transpose(b, x, order, rank);
        px_tf_output(b, 0, px_tf_transpose(b, px_tf_1(b, op, turned), order, rank));
    }
}

/* --- matrix products --- */

static px_tf_port product(px_tf_build *b, px_tf_port x, px_tf_port y, bool turn_x, bool turn_y)
{
    px_tf_begin(b, "MatMul");
    px_tf_in(b, x);
    px_tf_in(b, y);
    px_tf_set_bool(b, "transpose_a", turn_x);
    px_tf_set_bool(b, "transpose_b", turn_y);
    return px_tf_finish(b);
}

static void gemm(px_tf_build *b)
{
    const float alpha = px_tf_float_of(b, "alpha", 1), beta = px_tf_float_of(b, "beta", 1);
    px_tf_port x = px_tf_input(b, 0), y = px_tf_input(b, 1);
    if (b->opset < 7 && px_tf_rank(b, x) != 2) /* Gemm once took images for rows */
        px_tf_refuse(b, "its first input is no matrix.");
    x = product(b, x, y, px_tf_int_of(b, "transA", 0) != 0, px_tf_int_of(b, "transB", 0) != 0);
    if (alpha != 1)
        x = px_tf_2(b, "Mul", x, px_tf_number(b, alpha, x));
    if (px_tf_has(b, 2)) {
        px_tf_port c = px_tf_input(b, 2);
        if (beta != 1)
            c = px_tf_2(b, "Mul", c, px_tf_number(b, beta, c));
        x = px_tf_2(b, "AddV2", x, c);
    }
    px_tf_output(b, 0, x);
}

/* As numpy's matmul: a vector is a row on the left and a column on the right. */
px_tf_port px_tf_matmul(px_tf_build *b, px_tf_port x, px_tf_port y)
{
    const int rank_x = px_tf_rank(b, x), rank_y = px_tf_rank(b, y);
    if (rank_x == 1)
        x = px_tf_2(b, "ExpandDims", x, px_tf_scalar32(b, 0));
    if (rank_y == 1)
        y = px_tf_2(b, "ExpandDims", y, px_tf_scalar32(b, 1));
    px_tf_port z = rank_x <= 2 && rank_y <= 2 ? product(b, x, y, false, false)
                                              : px_tf_2(b, "BatchMatMulV2", x, y);
    const int64_t dropped[] = {-2, -1};
    if (rank_x == 1 || rank_y == 1) {
        px_tf_begin(b, "Squeeze");
        px_tf_in(b, z);
        px_tf_set_ints(b, "squeeze_dims", dropped + (rank_x != 1), (rank_x == 1) + (rank_y == 1));
        z = px_tf_finish(b);
    }
    return z;
}

static void matmul(px_tf_build *b)
{
    px_tf_output(b, 0, px_tf_matmul(b, px_tf_input(b, 0), px_tf_input(b, 1)));
}

static void einsum(px_tf_build *b)
{
    px_tf_port in[PX_TF_MAX_RANK];
    const px_str text = px_tf_text_of(b, "equation", "");
    px_buf equation = {0};
    const size_t n = b->node->n_inputs;
    if (n > PX_COUNTOF(in)) {
        px_tf_refuse(b, "it has too many inputs.");
        return;
    }
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != ' ')
            px_buf_putc(&equation, text.ptr[i]);
    for (size_t i = 0; i < n; i++)
        in[i] = px_tf_input(b, i);
    px_tf_begin(b, "Einsum");
    px_tf_in_list(b, in, n);
    px_tf_set_text(b, "equation", px_buf_cstr(&equation));
    px_tf_output(b, 0, px_tf_finish(b));
    px_buf_fini(&equation);
}

const px_tf_op_row px_tf_math_rows[] = {
    {"Abs", unary, "Abs"},
    {"Acos", unary, "Acos"},
    {"Acosh", unary, "Acosh"},
    {"Add", binary, "AddV2"},
    {"And", binary, "LogicalAnd"},
    {"ArgMax", arg_extreme, "ArgMax"},
    {"ArgMin", arg_extreme, "ArgMin"},
    {"Asin", unary, "Asin"},
    {"Asinh", unary, "Asinh"},
    {"Atan", unary, "Atan"},
    {"Atanh", unary, "Atanh"},
    {"BitShift", bit_shift, NULL},
    {"Cast", cast, NULL},
    {"CastLike", cast_like, NULL},
    {"Ceil", unary, "Ceil"},
    {"Clip", clip_node, NULL},
    {"Cos", unary, "Cos"},
    {"Cosh", unary, "Cosh"},
    {"Div", divide, NULL},
    {"Einsum", einsum, NULL},
    {"Elu", elu, NULL},
    {"Equal", binary, "Equal"},
    {"Erf", unary, "Erf"},
    {"Exp", unary, "Exp"},
    {"Floor", unary, "Floor"},
    {"Gelu", gelu, NULL},
    {"Gemm", gemm, NULL},
    {"Greater", binary, "Greater"},
    {"GreaterOrEqual", binary, "GreaterEqual"},
    {"HardSigmoid", hard_sigmoid_node, NULL},
    {"HardSwish", hard_swish, NULL},
    {"IsInf", is_inf, NULL},
    {"IsNaN", unary, "IsNan"},
    {"LeakyRelu", leaky_relu, NULL},
    {"Less", binary, "Less"},
    {"LessOrEqual", binary, "LessEqual"},
    {"Log", unary, "Log"},
    {"LogSoftmax", softmax, "LogSoftmax"},
    {"MatMul", matmul, NULL},
    {"Max", variadic, "Maximum"},
    {"Mean", mean, NULL},
    {"Min", variadic, "Minimum"},
    {"Mod", mod, NULL},
    {"Mul", binary, "Mul"},
    {"Neg", unary, "Neg"},
    {"Not", unary, "LogicalNot"},
    {"Or", binary, "LogicalOr"},
    {"PRelu", prelu, NULL},
    {"Pow", power, NULL},
    {"Reciprocal", unary, "Reciprocal"},
    {"ReduceL1", sum_of, "Abs"},
    {"ReduceL2", reduce_l2, NULL},
    {"ReduceLogSum", reduce_log_sum, NULL},
    {"ReduceLogSumExp", reduce_log_sum_exp, NULL},
    {"ReduceMax", reduction, "Max"},
    {"ReduceMean", reduction, "Mean"},
    {"ReduceMin", reduction, "Min"},
    {"ReduceProd", reduction, "Prod"},
    {"ReduceSum", reduction, "Sum"},
    {"ReduceSumSquare", sum_of, "Square"},
    {"Relu", unary, "Relu"},
    {"Round", unary, "Round"},
    {"Selu", selu, NULL},
    {"Shrink", shrink, NULL},
    {"Sigmoid", unary, "Sigmoid"},
    {"Sign", unary, "Sign"},
    {"Sin", unary, "Sin"},
    {"Sinh", unary, "Sinh"},
    {"Softmax", softmax, "Softmax"},
    {"Softplus", unary, "Softplus"},
    {"Softsign", unary, "Softsign"},
    {"Sqrt", unary, "Sqrt"},
    {"Sub", binary, "Sub"},
    {"Sum", variadic, "AddV2"},
    {"Tan", unary, "Tan"},
    {"Tanh", unary, "Tanh"},
    {"Where", where, NULL},
    {"Xor", binary, "NotEqual"},
    {"ThresholdedRelu", thresholded_relu, NULL},
    {NULL, NULL, NULL},
};
