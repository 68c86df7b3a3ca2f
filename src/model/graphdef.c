/* model/graphdef.c - see graphdef.h. */
#include "model/graphdef.h"

#include "model/pb_read.h"

enum { GRAPH_NODE = 1, GRAPH_LIBRARY = 2 };
enum { NODE_NAME = 1, NODE_OP = 2 };
enum { LIBRARY_FUNCTION = 1 };
enum { FUNCTION_NODE = 3 };
enum { META_INFO = 1, META_GRAPH = 2, META_SAVER = 3, META_SIGNATURE = 5 };
enum { INFO_TAGS = 4 };
enum { SAVER_FILENAME = 1, SAVER_RESTORE = 3 };
enum { SIGNATURE_INPUTS = 1, SIGNATURE_OUTPUTS = 2 };
enum { ENTRY_KEY = 1, ENTRY_VALUE = 2 };
enum { TENSOR_NAME = 1 };
enum { SAVED_META = 2 };

static pgy_status *check_node(px_str bytes, const char *base)
{
    pgy_status *st = NULL;
    px_pb pb = px_pb_of(bytes, base);
    px_pb_field f;
    px_str name = {0}, op = {0};
    while (px_pb_next(&pb, &f)) {
        if (f.wire != PX_PB_LEN)
            continue;
        if (f.number == NODE_NAME)
            name = f.bytes;
        else if (f.number == NODE_OP)
            op = f.bytes;
    }
    PX_TRY(px_pb_status(&pb, "NodeDef"));
    if (name.len == 0 || op.len == 0)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "The node '%.*s' has no %s: the file is no TensorFlow graph.",
                       PX_STR_ARG(name), name.len == 0 ? "name" : "operator"));
done:
    return st;
}

/* The nodes in field `number` of a message. */
static pgy_status *check_nodes(px_str bytes, const char *base, uint32_t number, const char *message,
                               size_t *out_n)
{
    pgy_status *st = NULL;
    px_pb pb = px_pb_of(bytes, base);
    px_pb_field f;
    while (px_pb_next(&pb, &f)) {
        if (f.number != number)
            continue;
        if (f.wire != PX_PB_LEN)
            PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                           "The file is no TensorFlow graph: %s has a number where "
                           "its nodes belong.",
                           message));
        PX_TRY(check_node(f.bytes, base));
        ++*out_n;
    }
    PX_TRY(px_pb_status(&pb, message));
done:
    return st;
}

static pgy_status *check_library(px_str bytes, const char *base, size_t *out_n)
{
    pgy_status *st = NULL;
    px_pb pb = px_pb_of(bytes, base);
    px_pb_field f;
    size_t n_nodes = 0;
    while (px_pb_next(&pb, &f)) {
        if (f.number != LIBRARY_FUNCTION || f.wire != PX_PB_LEN)
            continue;
        PX_TRY(check_nodes(f.bytes, base, FUNCTION_NODE, "FunctionDef", &n_nodes));
        ++*out_n;
    }
    PX_TRY(px_pb_status(&pb, "FunctionDefLibrary"));
done:
    return st;
}

static pgy_status *read_graph(px_str bytes, const char *base, px_graphdef *out)
{
    pgy_status *st = NULL;
    px_graphdef graph = {.bytes = bytes};
    px_pb pb = px_pb_of(bytes, base);
    px_pb_field f;
    PX_TRY(check_nodes(bytes, base, GRAPH_NODE, "GraphDef", &graph.n_nodes));
    while (px_pb_next(&pb, &f))
        if (f.number == GRAPH_LIBRARY && f.wire == PX_PB_LEN)
            PX_TRY(check_library(f.bytes, base, &graph.n_functions));
    if (graph.n_nodes == 0)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "The file is no TensorFlow graph: it has no nodes."));
    *out = graph;
done:
    return st;
}

pgy_status *px_graphdef_read(px_str bytes, px_graphdef *out)
{
    return read_graph(bytes, bytes.ptr, out);
}

/* --- MetaGraphDef --- */

/* The text in field `number` of a message; empty when there is none. */
static px_str text_of(px_str message, uint32_t number)
{
    px_pb pb = px_pb_of(message, NULL);
    px_pb_field f;
    px_str text = {0};
    while (px_pb_next(&pb, &f))
        if (f.number == number && f.wire == PX_PB_LEN)
            text = f.bytes;
    return text;
}

typedef struct entries {
    px_signature_entry *at;
    size_t n, cap;
} entries;

static pgy_status *add_entry(entries *list, px_str entry)
{
    pgy_status *st = NULL;
    const px_str key = text_of(entry, ENTRY_KEY),
                 tensor = text_of(text_of(entry, ENTRY_VALUE), TENSOR_NAME);
    if (tensor.len == 0) /* a sparse or composite tensor */
        return NULL;
    PX_TRY(PX_RESERVE(list, 1));
    size_t i = list->n++;
    for (; i > 0; i--) {
        const px_str *before = &list->at[i - 1].key;
        const int order = memcmp(before->ptr, key.ptr, PX_MIN(before->len, key.len));
        if (order < 0 || (order == 0 && before->len <= key.len))
            break;
        list->at[i] = list->at[i - 1];
    }
    list->at[i] = (px_signature_entry){key, tensor};
done:
    return st;
}

static pgy_status *read_signature(px_str bytes, const char *base, entries *inputs, entries *outputs)
{
    pgy_status *st = NULL;
    px_pb pb = px_pb_of(bytes, base);
    px_pb_field f;
    inputs->n = outputs->n = 0;
    while (px_pb_next(&pb, &f)) {
        if (f.wire == PX_PB_LEN && f.number == SIGNATURE_INPUTS)
            PX_TRY(add_entry(inputs, f.bytes));
        if (f.wire == PX_PB_LEN && f.number == SIGNATURE_OUTPUTS)
            PX_TRY(add_entry(outputs, f.bytes));
    }
    PX_TRY(px_pb_status(&pb, "SignatureDef"));
done:
    return st;
}

/* The signature to run: `serving_default`, or the first with outputs that is no matter of loading
 * ("__saved_model_init_op"). */
static pgy_status *choose_signature(px_str meta, const char *base, entries *inputs,
                                    entries *outputs)
{
    pgy_status *st = NULL;
    px_pb pb = px_pb_of(meta, base);
    px_pb_field f;
    px_str chosen = {0};
    bool is_default = false;
    while (px_pb_next(&pb, &f)) {
        if (f.number != META_SIGNATURE || f.wire != PX_PB_LEN || is_default)
            continue;
        const px_str key = text_of(f.bytes, ENTRY_KEY), value = text_of(f.bytes, ENTRY_VALUE);
        is_default = px_str_is(key, "serving_default");
        if (is_default || (chosen.ptr == NULL && !px_str_starts(key, "__") &&
                           text_of(value, SIGNATURE_OUTPUTS).len > 0))
            chosen = value;
    }
    PX_TRY(px_pb_status(&pb, "MetaGraphDef"));
    if (chosen.ptr != NULL)
        PX_TRY(read_signature(chosen, base, inputs, outputs));
done:
    return st;
}

static void read_tags(px_str info, px_metagraph *out)
{
    px_pb pb = px_pb_of(info, NULL);
    px_pb_field f;
    while (px_pb_next(&pb, &f))
        if (f.number == INFO_TAGS && f.wire == PX_PB_LEN && out->n_tags < PX_COUNTOF(out->tags))
            out->tags[out->n_tags++] = f.bytes;
}

static pgy_status *read_meta(px_str bytes, const char *base, px_metagraph *out)
{
    pgy_status *st = NULL;
    px_metagraph meta = {0};
    entries inputs = {0}, outputs = {0};
    px_str graph = {0};
    px_pb pb = px_pb_of(bytes, base);
    px_pb_field f;
    while (px_pb_next(&pb, &f)) {
        if (f.wire != PX_PB_LEN)
            continue;
        if (f.number == META_GRAPH)
            graph = f.bytes;
        else if (f.number == META_INFO)
            read_tags(f.bytes, &meta);
        else if (f.number == META_SAVER) {
            meta.restore_op = text_of(f.bytes, SAVER_RESTORE);
            meta.filename_tensor = text_of(f.bytes, SAVER_FILENAME);
        }
    }
    PX_TRY(px_pb_status(&pb, "MetaGraphDef"));
    PX_TRY(read_graph(graph, base, &meta.graph));
    PX_TRY(choose_signature(bytes, base, &inputs, &outputs));
    meta.inputs = inputs.at, meta.n_inputs = inputs.n;
    meta.outputs = outputs.at, meta.n_outputs = outputs.n;
    inputs = outputs = (entries){0};
    *out = meta;
done:
    px_mem_free(inputs.at);
    px_mem_free(outputs.at);
    return st;
}

pgy_status *px_metagraph_read(px_str bytes, px_metagraph *out)
{
    return read_meta(bytes, bytes.ptr, out);
}

pgy_status *px_saved_model_read(px_str bytes, px_metagraph *out)
{
    pgy_status *st = NULL;
    px_str chosen = {0};
    px_pb pb = px_pb_of(bytes, NULL);
    px_pb_field f;
    bool is_serving = false;
    while (px_pb_next(&pb, &f)) {
        px_metagraph tags = {0};
        if (f.number != SAVED_META || f.wire != PX_PB_LEN || is_serving)
            continue;
        read_tags(text_of(f.bytes, META_INFO), &tags);
        for (size_t i = 0; i < tags.n_tags; i++)
            is_serving |= px_str_is(tags.tags[i], "serve");
        if (chosen.ptr == NULL || is_serving)
            chosen = f.bytes;
    }
    PX_TRY(px_pb_status(&pb, "SavedModel"));
    if (chosen.ptr == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "The file is no SavedModel: it holds no graph."));
    PX_TRY(read_meta(chosen, bytes.ptr, out));
done:
    return st;
}

void px_metagraph_fini(px_metagraph *m)
{
    px_mem_free(m->inputs);
    px_mem_free(m->outputs);
    *m = (px_metagraph){0};
}
