/* backend/tf/onnx/quant.c - to 8-bit integers and back, and products of them.
 *
 * TensorFlow's own quantized kernels round otherwise than ONNX says, so what they do is written in
 * plain operators. Products are summed as int32 or, in convolutions, as float64, which holds every
 * such sum exactly.
 */
#include "backend/tf/onnx/build.h"

enum { X, SCALE, ZERO };

/* Scales or zero points: one for all, or one for each place along `axis`. */
static px_tf_port along(px_tf_build *b, px_tf_port v, px_tf_port x, int64_t axis)
{
    int64_t dims[PX_TF_MAX_RANK], to[PX_TF_MAX_RANK];
    const int rank = px_tf_rank(b, v) == 0 ? 0 : px_tf_rank(b, x);
    if (rank == 0)
        return v;
    const int n = px_tf_dims(b, v, dims);
    if (n != 1 || px_tf_int_of(b, "block_size", 0) != 0) {
        px_tf_refuse(b, "scales of blocks are not mapped.");
        return v;
    }
    if (dims[0] == 1)
        return px_tf_reshape(b, v, NULL, 0);
    for (int i = 0; i < rank; i++)
        to[i] = 1;
    to[px_tf_axis(b, axis, rank)] = -1;
    return px_tf_reshape(b, v, to, rank);
}

static bool is_byte(int type)
{
    return type == PX_TF_UINT8 || type == PX_TF_INT8;
}

/* Rounded, shifted and brought into the range of the 8-bit type. */
static px_tf_port to_bytes(px_tf_build *b, px_tf_port scaled, px_tf_port zero, int type)
{
    const bool is_signed = type == PX_TF_INT8;
    px_tf_port y = px_tf_1(b, "Round", scaled); /* halves to even */
    y = px_tf_2(b, "AddV2", y, px_tf_cast(b, zero, px_tf_type_at(b, y)));
    y = px_tf_2(b, "Maximum", y, px_tf_number(b, is_signed ? -128 : 0, y));
    y = px_tf_2(b, "Minimum", y, px_tf_number(b, is_signed ? 127 : 255, y));
    return px_tf_cast(b, y, type);
}

static void quantize(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, X);
    const int64_t axis = px_tf_int_of(b, "axis", 1);
    const px_tf_port scale = along(b, px_tf_input(b, SCALE), x, axis);
    px_tf_port zero;
    if (px_tf_has(b, ZERO)) {
        zero = along(b, px_tf_input(b, ZERO), x, axis);
    } else {
        const int64_t to = px_tf_int_of(b, "output_dtype", 0);
        zero = px_tf_cast(b, px_tf_scalar32(b, 0),
                          to != 0 ? px_tf_type_of((pgy_dtype)to) : PX_TF_UINT8);
    }
    const int type = px_tf_type_at(b, zero);
    if (!is_byte(type))
        px_tf_refuse(b, "only int8 and uint8 are mapped, and it gives %s.", px_tf_type_name(type));
    const px_tf_port float_x = px_tf_cast(b, x, px_tf_type_at(b, scale));
    px_tf_output(b, 0, to_bytes(b, px_tf_2(b, "RealDiv", float_x, scale), zero, type));
}

static void dequantize(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, X);
    const int64_t axis = px_tf_int_of(b, "axis", 1);
    const px_tf_port scale = along(b, px_tf_input(b, SCALE), x, axis);
    px_tf_port whole = px_tf_cast(b, x, PX_TF_INT32);
    if (px_tf_has(b, ZERO)) {
        const px_tf_port zero = along(b, px_tf_input(b, ZERO), x, axis);
        whole = px_tf_2(b, "Sub", whole, px_tf_cast(b, zero, PX_TF_INT32));
    }
    const px_tf_port y = px_tf_cast(b, whole, px_tf_type_at(b, scale));
    px_tf_output(b, 0, px_tf_2(b, "Mul", y, scale));
}

/* An extreme of all elements, together with 0. */
static px_tf_port extreme(px_tf_build *b, px_tf_port x, const char *reduce, const char *with_zero)
{
    int64_t axes[PX_TF_MAX_RANK];
    const int rank = px_tf_rank(b, x);
    for (int i = 0; i < rank; i++)
        axes[i] = i;
    const px_tf_port all = px_tf_2(b, reduce, x, px_tf_vector(b, axes, rank));
    return px_tf_2(b, with_zero, all, px_tf_number(b, 0, x));
}

/* The size of a step and the number of the one for 0, as x has its elements. */
static void dynamic_scale(px_tf_build *b, px_tf_port x, px_tf_port *out_scale, px_tf_port *out_zero)
{
    const px_tf_port low = extreme(b, x, "Min", "Minimum"), high = extreme(b, x, "Max", "Maximum");
    const px_tf_port range = px_tf_2(b, "Sub", high, low), nought = px_tf_number(b, 0, x);
    const px_tf_port step = px_tf_2(b, "RealDiv", range, px_tf_number(b, 255, x));
    /* Where all is 0, any step does. */
    const px_tf_port is_flat = px_tf_2(b, "Equal", range, nought);
    *out_scale = px_tf_3(b, "SelectV2", is_flat, px_tf_number(b, 1, x), step);
    const px_tf_port shift = px_tf_2(b, "RealDiv", px_tf_1(b, "Neg", low), *out_scale);
    *out_zero = to_bytes(b, shift, nought, PX_TF_UINT8);
}

static void dynamic_quantize(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, X);
    px_tf_port scale, zero;
    dynamic_scale(b, x, &scale, &zero);
    px_tf_output(b, 0, to_bytes(b, px_tf_2(b, "RealDiv", x, scale), zero, PX_TF_UINT8));
    px_tf_output(b, 1, scale);
    px_tf_output(b, 2, zero);
}

px_tf_port px_tf_stepped(px_tf_build *b, px_tf_port x, px_tf_port *out_scale)
{
    px_tf_port zero;
    dynamic_scale(b, x, out_scale, &zero);
    const px_tf_port y = to_bytes(b, px_tf_2(b, "RealDiv", x, *out_scale), zero, PX_TF_UINT8);
    return px_tf_2(b, "Sub", px_tf_cast(b, y, PX_TF_DOUBLE), px_tf_cast(b, zero, PX_TF_DOUBLE));
}

/* Input `i` as wide numbers, less its zero point, which lies along dimension `axis`. */
static px_tf_port centred(px_tf_build *b, size_t i, int type, int64_t axis)
{
    const px_tf_port x = px_tf_input(b, i), wide = px_tf_cast(b, x, type);
    if (!px_tf_has(b, i + 2))
        return wide;
    const px_tf_port zero = along(b, px_tf_input(b, i + 2), x, axis);
    return px_tf_2(b, "Sub", wide, px_tf_cast(b, zero, type));
}

static void matmul_integer(px_tf_build *b)
{
    const px_tf_port x = centred(b, 0, PX_TF_INT32, -2), y = centred(b, 1, PX_TF_INT32, -1);
    px_tf_output(b, 0, px_tf_matmul(b, x, y));
}

static void conv_integer(px_tf_build *b)
{
    const px_tf_port x = centred(b, 0, PX_TF_DOUBLE, 1), weights = centred(b, 1, PX_TF_DOUBLE, 0);
    px_tf_output(b, 0, px_tf_cast(b, px_tf_conv(b, x, weights, NULL), PX_TF_INT32));
}

const px_tf_op_row px_tf_quant_rows[] = {
    {"ConvInteger", conv_integer, NULL},
    {"DequantizeLinear", dequantize, NULL},
    {"DynamicQuantizeLinear", dynamic_quantize, NULL},
    {"MatMulInteger", matmul_integer, NULL},
    {"QuantizeLinear", quantize, NULL},
    {NULL, NULL, NULL},
};
