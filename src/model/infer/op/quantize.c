/* model/infer/op/quantize.c - to integers of a scale and back. */
#include "model/infer/infer.h"

/* The type of the zero point, else what output_dtype says, else uint8. */
static void quantize(px_infer_call *c)
{
    const int64_t type = px_infer_attr_i(c, "output_dtype", 0);
    if (px_infer_has(c, 2)) {
        if (c->in[2]->kind == PX_ONNX_TYPE_TENSOR)
            px_infer_dtype(c, 0, c->in[2]->dtype);
    } else {
        px_infer_dtype(c, 0, type > 0 && type < PGY_DTYPE_COUNT ? (pgy_dtype)type : PGY_DTYPE_U8);
    }
    px_infer_same_shape(c, 0, 0);
}

/* float32 at first, the type of the scale since version 19, or what output_dtype says. */
static void dequantize_10(px_infer_call *c)
{
    px_infer_dtype(c, 0, PGY_DTYPE_F32);
    px_infer_same_shape(c, 0, 0);
}

static void dequantize_19(px_infer_call *c)
{
    const int64_t type = px_infer_attr_i(c, "output_dtype", 0);
    if (type > 0 && type < PGY_DTYPE_COUNT)
        px_infer_dtype(c, 0, (pgy_dtype)type);
    else if (c->in[1]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[1]->dtype);
    px_infer_same_shape(c, 0, 0);
}

static void dynamic_quantize(px_infer_call *c)
{
    px_infer_same_shape(c, 0, 0);
    px_infer_shape(c, 1, 0, NULL);
    px_infer_shape(c, 2, 0, NULL);
}

static const px_infer_op rows[] = {
    {"", "DequantizeLinear", 10, dequantize_10},
    {"", "DequantizeLinear", 19, dequantize_19},
    {"", "DynamicQuantizeLinear", 11, dynamic_quantize},
    {"", "QuantizeLinear", 10, quantize},
    {"com.microsoft", "DequantizeLinear", 1, dequantize_19},
    {"com.microsoft", "QuantizeLinear", 1, quantize},
};

const px_infer_family px_infer_family_quantize = {rows, PX_COUNTOF(rows)};
