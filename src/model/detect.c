/* model/detect.c - see detect.h.
 *
 * ONNX and TensorFlow's GraphDef are both bare protobuf without a magic number, but their outer
 * fields exclude each other: field 1 is a number (the IR version) in the one and a message (a
 * node) in the other.
 */
#include "model/detect.h"

#include "model/onnx_fields.h"
#include "model/pb_read.h"

/* True when the outer fields are those of ModelProto: a graph, and only known encodings. */
static bool is_onnx(px_str bytes)
{
    px_pb pb = px_pb_of(bytes, NULL);
    px_pb_field f;
    bool has_graph = false, has_version = false;
    while (px_pb_next(&pb, &f)) {
        bool is_number = f.number == PX_F_MODEL_IR_VERSION || f.number == 5; /* model_version */
        if (f.number < 26 && is_number != (f.wire == PX_PB_VARINT))
            return false;
        has_graph |= f.number == PX_F_MODEL_GRAPH;
        has_version |= f.number == PX_F_MODEL_IR_VERSION || f.number == PX_F_MODEL_OPSET;
    }
    return !pb.why && has_graph && has_version;
}

/* GraphDef: node = 1, library = 2, version = 3, versions = 4; a node's op is its field 2. */
static bool is_graphdef(px_str bytes)
{
    px_pb pb = px_pb_of(bytes, NULL);
    px_pb_field f, g;
    bool has_op = false;
    while (px_pb_next(&pb, &f)) {
        if (f.number > 5 || (f.number != 3) != (f.wire == PX_PB_LEN))
            return false;
        if (f.number != 1 || has_op)
            continue;
        px_pb node = px_pb_of(f.bytes, NULL);
        while (px_pb_next(&node, &g))
            has_op |= g.number == 2 && g.wire == PX_PB_LEN;
        if (node.why || !has_op)
            return false;
    }
    return !pb.why && has_op;
}

pgy_model_type px_model_type_of_bytes(px_str bytes)
{
    static const struct {
        px_str magic;
        pgy_model_type type;
    } magics[] = {
        {{"\x89HDF\r\n\x1a\n", 8}, PGY_MODEL_KERAS},
        {{"ftrt", 4}, PGY_MODEL_ENGINE},
        {{"ptrt", 4}, PGY_MODEL_ENGINE}, /* before TensorRT 8 */
    };
    for (size_t i = 0; i < PX_COUNTOF(magics); i++)
        if (bytes.len >= magics[i].magic.len &&
            memcmp(bytes.ptr, magics[i].magic.ptr, magics[i].magic.len) == 0)
            return magics[i].type;
    if (is_onnx(bytes))
        return PGY_MODEL_ONNX;
    return is_graphdef(bytes) ? PGY_MODEL_TF_FROZEN : PGY_MODEL_UNKNOWN;
}

static bool has_entry(const char *dir, const char *name)
{
    char *path = px_path_join(dir, name);
    bool exists = path && px_path_exists(path);
    px_mem_free(path);
    return exists;
}

pgy_model_type px_model_type_of_name(const char *path)
{
    static const struct {
        const char *ext;
        pgy_model_type type;
    } exts[] = {
        {".onnx", PGY_MODEL_ONNX},      {".engine", PGY_MODEL_ENGINE},
        {".plan", PGY_MODEL_ENGINE},    {".graphdef", PGY_MODEL_TF_FROZEN},
        {".hdf5", PGY_MODEL_KERAS},     {".uff", PGY_MODEL_UFF},
        {".prototxt", PGY_MODEL_CAFFE}, {".py", PGY_MODEL_TRT_SCRIPT},
    };
    if (px_path_is_dir(path))
        return has_entry(path, "saved_model.pb") ? PGY_MODEL_TF_SAVED : PGY_MODEL_TF_CKPT;
    const char *ext = px_path_ext(path);
    for (size_t i = 0; i < PX_COUNTOF(exts); i++)
        if (strcmp(ext, exts[i].ext) == 0)
            return exts[i].type;
    return PGY_MODEL_UNKNOWN;
}

pgy_status *px_model_detect(const char *path, px_str bytes, pgy_model_type *out)
{
    pgy_model_type type = px_model_type_of_bytes(bytes);
    if (type == PGY_MODEL_UNKNOWN)
        type = px_model_type_of_name(path);
    if (type == PGY_MODEL_UNKNOWN)
        return PX_FAIL(PGY_ERR_USAGE,
                       "Could not automatically determine model type for: %s\n"
                       "Please explicitly specify the type with the --model-type option",
                       path);
    *out = type;
    return NULL;
}
