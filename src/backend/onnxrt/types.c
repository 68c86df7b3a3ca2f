/* backend/onnxrt/types.c - see the header. */
#include "backend/onnxrt/types.h"

#include "backend/onnxrt/values.h"
#include "model/onnx_fields.h"
#include "model/pb_read.h"

pgy_status *px_onnxrt_refuse(const char *side, px_str name, px_ort_kind kind)
{
    return PX_FAIL(PGY_ERR_UNSUPPORTED,
                   "The %s '%.*s' is %s; only tensors can be fed, fetched and compared.%s", side,
                   PX_STR_ARG(name), px_onnxrt_kind_text(kind),
                   strcmp(side, "output") == 0 ? " Leave it out with --onnx-exclude-outputs, or "
                                                 "choose other outputs with --onnx-outputs."
                                               : "");
}

/* Of a TypeProto's members exactly one is there; the last one counts, as protobuf has it. */
static px_ort_kind kind_of_type(px_str bytes)
{
    px_ort_kind kind = PX_ORT_TENSOR;
    px_pb_field f;
    for (px_pb r = px_pb_of(bytes, NULL); px_pb_next(&r, &f);) {
        switch (f.number) {
        case PX_F_TYPE_TENSOR:
            kind = PX_ORT_TENSOR;
            break;
        case PX_F_TYPE_SEQUENCE:
            kind = PX_ORT_SEQUENCE;
            break;
        case PX_F_TYPE_MAP:
            kind = PX_ORT_MAP;
            break;
        case PX_F_TYPE_OPAQUE:
            kind = PX_ORT_OPAQUE;
            break;
        case PX_F_TYPE_SPARSE_TENSOR:
            kind = PX_ORT_SPARSE_TENSOR;
            break;
        case PX_F_TYPE_OPTIONAL:
            kind = PX_ORT_OPTIONAL;
            break;
        default: /* the denotation */
            break;
        }
    }
    return kind;
}

static pgy_status *check_value_info(const char *side, px_str bytes)
{
    px_ort_kind kind = PX_ORT_TENSOR;
    px_str name = {"", 0};
    px_pb_field f;
    for (px_pb r = px_pb_of(bytes, NULL); px_pb_next(&r, &f);) {
        if (f.wire != PX_PB_LEN)
            continue;
        if (f.number == PX_F_VALUE_NAME)
            name = f.bytes;
        else if (f.number == PX_F_VALUE_TYPE)
            kind = kind_of_type(f.bytes);
    }
    return kind == PX_ORT_TENSOR ? NULL : px_onnxrt_refuse(side, name, kind);
}

static pgy_status *check_graph(px_str bytes)
{
    pgy_status *st = NULL;
    px_pb_field f;
    for (px_pb r = px_pb_of(bytes, NULL); px_pb_next(&r, &f);) {
        if (f.wire != PX_PB_LEN)
            continue;
        if (f.number == PX_F_GRAPH_INPUT)
            PX_TRY(check_value_info("input", f.bytes));
        else if (f.number == PX_F_GRAPH_OUTPUT)
            PX_TRY(check_value_info("output", f.bytes));
    }
done:
    return st;
}

static px_ort_kind kind_of_ir(px_onnx_type_kind kind)
{
    switch (kind) {
    case PX_ONNX_TYPE_SEQUENCE:
        return PX_ORT_SEQUENCE;
    case PX_ONNX_TYPE_MAP:
        return PX_ORT_MAP;
    case PX_ONNX_TYPE_OPAQUE:
        return PX_ORT_OPAQUE;
    case PX_ONNX_TYPE_SPARSE_TENSOR:
        return PX_ORT_SPARSE_TENSOR;
    case PX_ONNX_TYPE_OPTIONAL:
        return PX_ORT_OPTIONAL;
    case PX_ONNX_TYPE_NONE: /* the runtime will infer it */
    case PX_ONNX_TYPE_TENSOR:
        break;
    }
    return PX_ORT_TENSOR;
}

/* An edited model: what the graph says now counts, not the file. */
static pgy_status *check_ir(const char *side, const px_onnx_value_info *infos, size_t n)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < n; i++) {
        const px_ort_kind kind = kind_of_ir(infos[i].type.kind);
        if (kind != PX_ORT_TENSOR)
            PX_TRY(px_onnxrt_refuse(side, infos[i].name, kind));
    }
done:
    return st;
}

pgy_status *px_onnxrt_check_types(const pgy_model *model)
{
    pgy_status *st = NULL;
    px_pb_field f;

    if (model->type != PGY_MODEL_ONNX)
        return NULL;
    if (model->onnx != NULL) {
        PX_TRY(check_ir("input", model->onnx->graph.inputs, model->onnx->graph.n_inputs));
        PX_TRY(check_ir("output", model->onnx->graph.outputs, model->onnx->graph.n_outputs));
        goto done;
    }
    const px_str bytes = {(const char *)model->file.data, model->file.size};
    for (px_pb r = px_pb_of(bytes, NULL); px_pb_next(&r, &f);)
        if (f.number == PX_F_MODEL_GRAPH && f.wire == PX_PB_LEN)
            PX_TRY(check_graph(f.bytes));
done:
    return st;
}
