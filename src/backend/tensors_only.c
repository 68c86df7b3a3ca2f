/* backend/tensors_only.c - see the header. */
#include "backend/tensors_only.h"

#include "model/onnx_fields.h"
#include "model/pb_read.h"

pgy_status *px_refuse_value(const char *side, px_str name, const char *kind)
{
    return PX_FAIL(PGY_ERR_UNSUPPORTED,
                   "The %s '%.*s' is %s; only tensors can be fed, fetched and compared.%s", side,
                   PX_STR_ARG(name), kind,
                   strcmp(side, "output") == 0 ? " Leave it out with --onnx-exclude-outputs, or "
                                                 "choose other outputs with --onnx-outputs."
                                               : " Make the tensor that its reader computes an "
                                                 "input of the model in its place.");
}

static pgy_status *check_kind(const char *side, px_str name, px_onnx_type_kind kind,
                              bool takes_apart)
{
    const char *text = NULL;
    if (takes_apart && (kind == PX_ONNX_TYPE_SEQUENCE || kind == PX_ONNX_TYPE_OPTIONAL ||
                        kind == PX_ONNX_TYPE_MAP))
        return NULL;
    switch (kind) {
    case PX_ONNX_TYPE_NONE: /* only running it will tell */
    case PX_ONNX_TYPE_TENSOR:
        return NULL;
    case PX_ONNX_TYPE_SEQUENCE:
        text = "a sequence";
        break;
    case PX_ONNX_TYPE_MAP:
        text = "a map";
        break;
    case PX_ONNX_TYPE_OPAQUE:
        text = "an opaque value";
        break;
    case PX_ONNX_TYPE_SPARSE_TENSOR:
        text = "a sparse tensor";
        break;
    case PX_ONNX_TYPE_OPTIONAL:
        text = "an optional value";
        break;
    }
    return px_refuse_value(side, name, text);
}

/* Of a TypeProto's members exactly one is there; the last one counts, as protobuf has it. */
static px_onnx_type_kind kind_of(px_str bytes)
{
    static const struct {
        uint32_t field;
        px_onnx_type_kind kind;
    } members[] = {
        {PX_F_TYPE_TENSOR, PX_ONNX_TYPE_TENSOR},
        {PX_F_TYPE_SEQUENCE, PX_ONNX_TYPE_SEQUENCE},
        {PX_F_TYPE_MAP, PX_ONNX_TYPE_MAP},
        {PX_F_TYPE_OPAQUE, PX_ONNX_TYPE_OPAQUE},
        {PX_F_TYPE_SPARSE_TENSOR, PX_ONNX_TYPE_SPARSE_TENSOR},
        {PX_F_TYPE_OPTIONAL, PX_ONNX_TYPE_OPTIONAL},
    };
    px_onnx_type_kind kind = PX_ONNX_TYPE_NONE;
    px_pb_field f;
    for (px_pb r = px_pb_of(bytes, NULL); px_pb_next(&r, &f);)
        for (size_t i = 0; i < PX_COUNTOF(members); i++)
            if (f.number == members[i].field)
                kind = members[i].kind;
    return kind;
}

static pgy_status *check_value_info(const char *side, px_str bytes, bool takes_apart)
{
    px_onnx_type_kind kind = PX_ONNX_TYPE_NONE;
    px_str name = {"", 0};
    px_pb_field f;
    for (px_pb r = px_pb_of(bytes, NULL); px_pb_next(&r, &f);) {
        if (f.wire != PX_PB_LEN)
            continue;
        if (f.number == PX_F_VALUE_NAME)
            name = f.bytes;
        else if (f.number == PX_F_VALUE_TYPE)
            kind = kind_of(f.bytes);
    }
    return check_kind(side, name, kind, takes_apart);
}

static pgy_status *check_graph(px_str bytes, bool takes_apart)
{
    pgy_status *st = NULL;
    px_pb_field f;
    for (px_pb r = px_pb_of(bytes, NULL); px_pb_next(&r, &f);) {
        if (f.wire != PX_PB_LEN)
            continue;
        if (f.number == PX_F_GRAPH_INPUT)
            PX_TRY(check_value_info("input", f.bytes, false));
        else if (f.number == PX_F_GRAPH_OUTPUT)
            PX_TRY(check_value_info("output", f.bytes, takes_apart));
    }
done:
    return st;
}

pgy_status *px_check_tensors_only(const pgy_model *model, bool takes_apart)
{
    pgy_status *st = NULL;
    px_pb_field f;

    if (model->type != PGY_MODEL_ONNX)
        return NULL;
    if (model->onnx != NULL) {
        /* Parsed, maybe edited: what the graph says now counts, not the file. */
        const px_onnx_graph *g = &model->onnx->graph;
        for (size_t i = 0; i < g->n_inputs; i++)
            PX_TRY(check_kind("input", g->inputs[i].name, g->inputs[i].type.kind, false));
        for (size_t i = 0; i < g->n_outputs; i++)
            PX_TRY(check_kind("output", g->outputs[i].name, g->outputs[i].type.kind, takes_apart));
        goto done;
    }
    const px_str bytes = {(const char *)model->file.data, model->file.size};
    for (px_pb r = px_pb_of(bytes, NULL); px_pb_next(&r, &f);)
        if (f.number == PX_F_MODEL_GRAPH && f.wire == PX_PB_LEN)
            PX_TRY(check_graph(f.bytes, takes_apart));
done:
    return st;
}
