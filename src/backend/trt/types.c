/* backend/trt/types.c - element types of TensorRT and ours. */
#include "backend/trt/build.h"

static const struct {
    const char *python; /* trt.NAME */
    const char *name;   /* trt.DataType.NAME */
    pgy_dtype dtype;
} types[] = {
    /* in the order of nvinfer1::DataType, which no version has renumbered */
    {"float32", "FLOAT", PGY_DTYPE_F32}, {"float16", "HALF", PGY_DTYPE_F16},
    {"int8", "INT8", PGY_DTYPE_I8},      {"int32", "INT32", PGY_DTYPE_I32},
    {"bool", "BOOL", PGY_DTYPE_BOOL},    {"uint8", "UINT8", PGY_DTYPE_U8},
    {"fp8", "FP8", PGY_DTYPE_F8E4M3FN},  {"bfloat16", "BF16", PGY_DTYPE_BF16},
    {"int64", "INT64", PGY_DTYPE_I64},   {"int4", "INT4", PGY_DTYPE_I4},
    {"fp4", "FP4", PGY_DTYPE_F4E2M1},    {"e8m0", "E8M0", PGY_DTYPE_F8E8M0},
};

pgy_dtype px_trt_dtype_of(int32_t data_type)
{
    if (data_type < 0 || (size_t)data_type >= PX_COUNTOF(types))
        return PGY_DTYPE_UNKNOWN;
    return types[data_type].dtype;
}

int32_t px_trt_data_type_from(const px_trt_abi *abi, px_str name)
{
    for (size_t i = 0; i < PX_COUNTOF(types); i++)
        if (px_str_eq_nocase(name, px_str_of(types[i].python)) ||
            px_str_eq_nocase(name, px_str_of(types[i].name)))
            return px_trt_enum(abi, "DataType", px_str_of(types[i].name));
    return -1;
}

bool px_trt_has_precision_flags(const px_trt_abi *abi)
{
    return px_trt_enum(abi, "BuilderFlag", PX_STR("FP16")) >= 0;
}
