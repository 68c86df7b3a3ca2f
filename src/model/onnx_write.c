/* model/onnx_write.c - see onnx_write.h.
 *
 * Every message is either untouched, then its wire bytes go out as they are, or it is rebuilt: the
 * fields that onnx.h does not model are copied from the wire bytes, the others come from the
 * struct. The model and the main graph are always rebuilt.
 */
#include "model/onnx_write.h"

#include "base/tensor.h"
#include "model/onnx_fields.h"

/* COMPAT: the onnx package compares the threshold with the size of the Python object around the
 * bytes, which is 33 bytes larger (test threshold_counts_the_python_object). */
#define PYTHON_BYTES_OVERHEAD 33
/* Runtimes map external data; pages make that cheap, small tensors need only their elements'. */
#define MAX_TYPE_DEPTH 16 /* of sequences of sequences */
#define ALIGN_LARGE ((uint64_t)4096)
#define ALIGN_SMALL ((uint64_t)64)

typedef struct emitter {
    const px_onnx_model *model;
    const px_onnx_write_options *how;
    px_onnx_image *image;
    px_pb_out *out; /* &image->message */
} emitter;

static pgy_status *emit_graph(emitter *e, const px_onnx_graph *g);

/* Copies the fields of `wire` whose number is not in `numbers` (n of them). */
static void copy_others(emitter *e, px_str wire, const uint8_t *numbers, size_t n)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < n; i++)
        mask |= (uint64_t)1 << numbers[i];
    px_pb pb = px_pb_of(wire, NULL);
    px_pb_field f;
    while (px_pb_next(&pb, &f))
        if (f.number >= 64 || !(mask >> f.number & 1))
            px_pb_put_whole(e->out, f.whole);
}

static void put_text(emitter *e, uint32_t number, px_str s)
{
    if (s.len > 0)
        px_pb_put_bytes(e->out, number, s);
}

/* --- tensors --- */

static void put_entry(emitter *e, const char *key, px_str value)
{
    px_pb_mark mark = px_pb_open(e->out);
    px_pb_put_bytes(e->out, PX_F_ENTRY_KEY, px_str_of(key));
    px_pb_put_bytes(e->out, PX_F_ENTRY_VALUE, value);
    px_pb_close(e->out, mark, PX_F_TENSOR_EXTERNAL_DATA);
}

static void put_number_entry(emitter *e, const char *key, uint64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put_entry(e, key, (px_str){text, (size_t)n});
}

/* The elements as bytes: the file's own where they are raw, else a tensor that the image holds. */
static pgy_status *elements_of(emitter *e, const px_onnx_tensor *t, px_str *out)
{
    pgy_status *st = NULL;
    pgy_tensor *tensor = NULL;
    px_onnx_image *image = e->image;
    if (!t->is_external) {
        *out = t->raw;
        return NULL;
    }
    PX_TRY(px_mem_reserve((void **)&image->held, &image->cap_held, image->n_held, 1,
                          sizeof *image->held));
    PX_TRY(px_onnx_tensor_load(e->model, t, &tensor));
    image->held[image->n_held++] = tensor;
    *out = (px_str){pgy_tensor_data(tensor), pgy_tensor_size(tensor)};
done:
    return st;
}

/* File name for a tensor's own file: its name if that can be one, changed until it is new. */
static pgy_status *own_file_name(emitter *e, const px_onnx_tensor *t, px_buf *out)
{
    static const char bad[] = "<>:;,?\"*|/\\";
    for (size_t i = 0; i < t->name.len; i++) {
        unsigned char c = (unsigned char)t->name.ptr[i];
        px_buf_putc(out, c < 0x20 || strchr(bad, c) ? '_' : (char)c);
    }
    if (out->len == 0 || out->ptr[0] == '.')
        px_buf_puts(out, "_");
    size_t len = out->len;
    for (unsigned i = 1; !out->failed; i++) {
        px_str name = px_buf_str(out);
        bool is_model = e->how->avoid_name && px_str_is(name, e->how->avoid_name);
        if (!is_model && !px_map_has(&e->image->names, name))
            break;
        out->len = len;
        px_buf_printf(out, ".%u", i);
    }
    return px_buf_status(out);
}

static pgy_status *add_external(emitter *e, const px_onnx_tensor *t, px_str bytes,
                                px_onnx_external *out)
{
    pgy_status *st = NULL;
    px_buf name = {0};
    px_onnx_image *image = e->image;
    const bool is_own = e->how->one_file_each;
    if (is_own)
        PX_TRY(own_file_name(e, t, &name));
    else
        px_buf_puts(&name, e->how->external_name);
    PX_TRY(px_buf_status(&name));
    PX_TRY(px_map_set(&image->names, px_buf_str(&name), NULL));
    PX_TRY(PX_RESERVE(image, 1));
    const char *copy = px_arena_strndup(&image->message.arena, name.ptr, name.len);
    if (!copy)
        PX_TRY(px_status_nomem());
    uint64_t align = bytes.len >= ALIGN_LARGE ? ALIGN_LARGE : ALIGN_SMALL;
    uint64_t offset = is_own ? 0 : (image->external_size + align - 1) / align * align;
    *out = (px_onnx_external){copy, bytes.ptr, bytes.len, offset};
    image->at[image->n++] = *out;
    image->external_size = is_own ? 0 : offset + bytes.len;
done:
    px_buf_fini(&name);
    return st;
}

static bool goes_outside(const emitter *e, const px_onnx_tensor *t, bool is_initializer)
{
    if (!is_initializer || !e->how->external_name || t->dtype == PGY_DTYPE_STRING ||
        t->dtype == PGY_DTYPE_UNKNOWN)
        return false;
    size_t size = t->raw.len;
    if (t->is_external) {
        if (!px_shape_size(t->dtype, t->rank, t->dims, &size))
            return false; /* loading it will say what is wrong */
    } else if (!t->raw.ptr) {
        return false;
    }
    return (int64_t)size + PYTHON_BYTES_OVERHEAD >= e->how->size_threshold;
}

static bool must_rebuild_tensor(const emitter *e, const px_onnx_tensor *t)
{
    return t->is_edited || (t->is_external && e->how->inline_external);
}

static pgy_status *emit_tensor(emitter *e, uint32_t number, const px_onnx_tensor *t,
                               bool is_initializer)
{
    static const uint8_t ours[] = {
        PX_F_TENSOR_DIMS,         PX_F_TENSOR_DATA_TYPE,   PX_F_TENSOR_SEGMENT,
        PX_F_TENSOR_FLOAT_DATA,   PX_F_TENSOR_INT32_DATA,  PX_F_TENSOR_STRING_DATA,
        PX_F_TENSOR_INT64_DATA,   PX_F_TENSOR_NAME,        PX_F_TENSOR_RAW_DATA,
        PX_F_TENSOR_DOUBLE_DATA,  PX_F_TENSOR_UINT64_DATA, PX_F_TENSOR_EXTERNAL_DATA,
        PX_F_TENSOR_DATA_LOCATION};
    pgy_status *st = NULL;
    px_str bytes = {0};
    px_onnx_external external = {0};
    const bool is_outside = goes_outside(e, t, is_initializer);
    if (!is_outside && !must_rebuild_tensor(e, t)) {
        e->image->keeps_external |= t->is_external;
        px_pb_put_bytes(e->out, number, t->wire);
        return NULL;
    }
    PX_TRY(elements_of(e, t, &bytes));
    if (is_outside)
        PX_TRY(add_external(e, t, bytes, &external));
    px_pb_mark mark = px_pb_open(e->out);
    copy_others(e, t->wire, ours, PX_COUNTOF(ours));
    for (int i = 0; i < t->rank; i++)
        px_pb_put_varint(e->out, PX_F_TENSOR_DIMS, (uint64_t)t->dims[i]);
    px_pb_put_varint(e->out, PX_F_TENSOR_DATA_TYPE, (uint32_t)t->data_type);
    put_text(e, PX_F_TENSOR_NAME, t->name);
    if (is_outside) {
        put_entry(e, "location", px_str_of(external.name));
        put_number_entry(e, "offset", external.offset);
        put_number_entry(e, "length", external.size);
        px_pb_put_varint(e->out, PX_F_TENSOR_DATA_LOCATION, 1);
    } else {
        px_pb_put_bytes(e->out, PX_F_TENSOR_RAW_DATA, bytes);
    }
    px_pb_close(e->out, mark, number);
done:
    return st;
}

/* --- types and values --- */

static void put_shape(emitter *e, const px_onnx_type *type)
{
    px_pb_mark shape = px_pb_open(e->out);
    for (int i = 0; i < type->rank; i++) {
        px_pb_mark dim = px_pb_open(e->out);
        if (type->dims[i].symbol.len > 0)
            px_pb_put_bytes(e->out, PX_F_DIM_PARAM, type->dims[i].symbol);
        else if (type->dims[i].value >= 0)
            px_pb_put_varint(e->out, PX_F_DIM_VALUE, (uint64_t)type->dims[i].value);
        px_pb_close(e->out, dim, PX_F_SHAPE_DIM);
    }
    px_pb_close(e->out, shape, PX_F_TENSOR_TYPE_SHAPE);
}

/* The members of a TypeProto. Nothing for a type that is not known: the runtime infers it. */
static void put_type(emitter *e, const px_onnx_type *type, int depth)
{
    uint32_t number = 0;
    const bool is_tensor =
        type->kind == PX_ONNX_TYPE_TENSOR || type->kind == PX_ONNX_TYPE_SPARSE_TENSOR;
    if (depth > MAX_TYPE_DEPTH || (!is_tensor && !type->element))
        return;
    px_pb_mark mark = px_pb_open(e->out);
    if (is_tensor) {
        number = type->kind == PX_ONNX_TYPE_TENSOR ? PX_F_TYPE_TENSOR : PX_F_TYPE_SPARSE_TENSOR;
        px_pb_put_varint(e->out, PX_F_TENSOR_TYPE_ELEM, (uint64_t)type->dtype);
        if (type->rank >= 0)
            put_shape(e, type);
    } else {
        const bool is_map = type->kind == PX_ONNX_TYPE_MAP;
        number = is_map                                ? PX_F_TYPE_MAP
                 : type->kind == PX_ONNX_TYPE_SEQUENCE ? PX_F_TYPE_SEQUENCE
                                                       : PX_F_TYPE_OPTIONAL;
        if (is_map)
            px_pb_put_varint(e->out, PX_F_MAP_KEY, (uint64_t)type->dtype);
        px_pb_mark element = px_pb_open(e->out);
        put_type(e, type->element, depth + 1);
        px_pb_close(e->out, element, is_map ? PX_F_MAP_VALUE : PX_F_SEQUENCE_ELEM);
    }
    px_pb_close(e->out, mark, number);
}

static void put_new_type(emitter *e, const px_onnx_type *type)
{
    if (type->kind == PX_ONNX_TYPE_NONE || type->kind == PX_ONNX_TYPE_OPAQUE)
        return;
    px_pb_mark mark = px_pb_open(e->out);
    put_type(e, type, 0);
    px_pb_close(e->out, mark, PX_F_VALUE_TYPE);
}

/* `wire` is a message on the way to the element type: ValueInfoProto (depth 0), TypeProto (1),
 * TypeProto.Tensor (2). Everything beside that way is copied, but the name. */
static void put_retyped(emitter *e, px_str wire, pgy_dtype dtype, int depth)
{
    static const uint8_t way[] = {PX_F_VALUE_TYPE, PX_F_TYPE_TENSOR, PX_F_TENSOR_TYPE_ELEM};
    px_pb pb = px_pb_of(wire, NULL);
    px_pb_field f;
    while (px_pb_next(&pb, &f)) {
        if (depth == 0 && f.number == PX_F_VALUE_NAME) {
            continue;
        } else if (f.number != way[depth]) {
            px_pb_put_whole(e->out, f.whole);
        } else if (depth == 2) {
            px_pb_put_varint(e->out, f.number, (uint64_t)dtype);
        } else {
            px_pb_mark mark = px_pb_open(e->out);
            put_retyped(e, f.bytes, dtype, depth + 1);
            px_pb_close(e->out, mark, f.number);
        }
    }
}

static void emit_value_info(emitter *e, uint32_t number, const px_onnx_value_info *v)
{
    static const uint8_t ours[] = {PX_F_VALUE_NAME, PX_F_VALUE_TYPE};
    if (v->wire.ptr && !v->is_edited && !v->is_retyped) {
        px_pb_put_bytes(e->out, number, v->wire);
        return;
    }
    px_pb_mark mark = px_pb_open(e->out);
    put_text(e, PX_F_VALUE_NAME, v->name);
    if (v->wire.ptr && !v->is_retyped) {
        put_retyped(e, v->wire, v->type.dtype, 0);
    } else {
        put_new_type(e, &v->type);
        copy_others(e, v->wire, ours, PX_COUNTOF(ours));
    }
    px_pb_close(e->out, mark, number);
}

/* --- attributes and nodes --- */

static bool must_rebuild_attr(const emitter *e, const px_onnx_attr *a)
{
    if (a->is_edited || a->g || !a->wire.ptr)
        return true;
    for (size_t i = 0; a->t && i < a->n; i++)
        if (must_rebuild_tensor(e, &a->t[i]))
            return true;
    return false;
}

static pgy_status *emit_attr(emitter *e, const px_onnx_attr *a)
{
    static const uint8_t ours[] = {PX_F_ATTR_I,       PX_F_ATTR_T,      PX_F_ATTR_G,
                                   PX_F_ATTR_TENSORS, PX_F_ATTR_GRAPHS, PX_F_ATTR_TYPE};
    pgy_status *st = NULL;
    for (size_t i = 0; a->t && i < a->n; i++)
        e->image->keeps_external |= a->t[i].is_external && !e->how->inline_external;
    if (!must_rebuild_attr(e, a)) {
        px_pb_put_bytes(e->out, PX_F_NODE_ATTRIBUTE, a->wire);
        return NULL;
    }
    px_pb_mark mark = px_pb_open(e->out);
    copy_others(e, a->wire, ours, PX_COUNTOF(ours));
    if (!a->wire.ptr)
        put_text(e, PX_F_ATTR_NAME, a->name);
    px_pb_put_varint(e->out, PX_F_ATTR_TYPE, (uint64_t)a->type);
    if (a->type == PX_ONNX_ATTR_INT)
        px_pb_put_varint(e->out, PX_F_ATTR_I, (uint64_t)a->i);
    for (size_t i = 0; a->t && i < a->n; i++)
        PX_TRY(emit_tensor(e, a->type == PX_ONNX_ATTR_TENSOR ? PX_F_ATTR_T : PX_F_ATTR_TENSORS,
                           &a->t[i], false));
    for (size_t i = 0; a->g && i < a->n; i++) {
        px_pb_mark graph = px_pb_open(e->out);
        PX_TRY(emit_graph(e, &a->g[i]));
        px_pb_close(e->out, graph, a->type == PX_ONNX_ATTR_GRAPH ? PX_F_ATTR_G : PX_F_ATTR_GRAPHS);
    }
    px_pb_close(e->out, mark, PX_F_NODE_ATTRIBUTE);
done:
    return st;
}

static pgy_status *emit_node(emitter *e, uint32_t number, const px_onnx_node *n)
{
    static const uint8_t ours[] = {PX_F_NODE_INPUT, PX_F_NODE_OUTPUT, PX_F_NODE_ATTRIBUTE};
    pgy_status *st = NULL;
    bool must = n->is_edited || !n->wire.ptr;
    for (size_t i = 0; i < n->n_attrs; i++) {
        const px_onnx_attr *a = &n->attrs[i];
        must |= must_rebuild_attr(e, a);
        for (size_t k = 0; a->t && k < a->n; k++)
            e->image->keeps_external |= a->t[k].is_external && !e->how->inline_external;
    }
    if (!must) {
        px_pb_put_bytes(e->out, number, n->wire);
        return NULL;
    }
    px_pb_mark mark = px_pb_open(e->out);
    for (size_t i = 0; i < n->n_inputs; i++)
        px_pb_put_bytes(e->out, PX_F_NODE_INPUT, n->inputs[i]);
    for (size_t i = 0; i < n->n_outputs; i++)
        px_pb_put_bytes(e->out, PX_F_NODE_OUTPUT, n->outputs[i]);
    copy_others(e, n->wire, ours, PX_COUNTOF(ours));
    if (!n->wire.ptr) {
        put_text(e, PX_F_NODE_NAME, n->name);
        put_text(e, PX_F_NODE_OP_TYPE, n->op_type);
        put_text(e, PX_F_NODE_DOMAIN, n->domain);
    }
    for (size_t i = 0; i < n->n_attrs; i++)
        PX_TRY(emit_attr(e, &n->attrs[i]));
    px_pb_close(e->out, mark, number);
done:
    return st;
}

/* --- graph and model --- */

static pgy_status *emit_graph(emitter *e, const px_onnx_graph *g)
{
    static const uint8_t ours[] = {PX_F_GRAPH_NODE, PX_F_GRAPH_INITIALIZER, PX_F_GRAPH_INPUT,
                                   PX_F_GRAPH_OUTPUT, PX_F_GRAPH_VALUE_INFO};
    pgy_status *st = NULL;
    for (size_t i = 0; i < g->n_nodes; i++)
        PX_TRY(emit_node(e, PX_F_GRAPH_NODE, &g->nodes[i]));
    copy_others(e, g->wire, ours, PX_COUNTOF(ours));
    for (size_t i = 0; i < g->n_initializers; i++)
        PX_TRY(emit_tensor(e, PX_F_GRAPH_INITIALIZER, &g->initializers[i], true));
    for (size_t i = 0; i < g->n_inputs; i++)
        emit_value_info(e, PX_F_GRAPH_INPUT, &g->inputs[i]);
    for (size_t i = 0; i < g->n_outputs; i++)
        emit_value_info(e, PX_F_GRAPH_OUTPUT, &g->outputs[i]);
    for (size_t i = 0; i < g->n_value_infos; i++)
        emit_value_info(e, PX_F_GRAPH_VALUE_INFO, &g->value_infos[i]);
done:
    return st;
}

static pgy_status *emit_function(emitter *e, const px_onnx_function *f)
{
    static const uint8_t ours[] = {PX_F_FUNCTION_NODE};
    pgy_status *st = NULL;
    px_pb_mark mark = px_pb_open(e->out);
    copy_others(e, f->wire, ours, PX_COUNTOF(ours));
    for (size_t i = 0; i < f->n_nodes; i++)
        PX_TRY(emit_node(e, PX_F_FUNCTION_NODE, &f->nodes[i]));
    px_pb_close(e->out, mark, PX_F_MODEL_FUNCTION);
done:
    return st;
}

pgy_status *px_onnx_write(const px_onnx_model *model, const px_onnx_write_options *how,
                          px_onnx_image *out)
{
    static const uint8_t ours[] = {PX_F_MODEL_GRAPH, PX_F_MODEL_FUNCTION};
    pgy_status *st = NULL;
    px_onnx_write_options options = *how;
    px_onnx_image image = {0};
    options.inline_external |= options.external_name != NULL;
    emitter e = {.model = model, .how = &options, .image = &image, .out = &image.message};
    copy_others(&e, model->wire, ours, PX_COUNTOF(ours));
    px_pb_mark mark = px_pb_open(e.out);
    PX_TRY(emit_graph(&e, &model->graph));
    px_pb_close(e.out, mark, PX_F_MODEL_GRAPH);
    for (size_t i = 0; i < model->n_functions; i++)
        PX_TRY(emit_function(&e, &model->functions[i]));
    PX_TRY(px_pb_out_status(e.out));
    *out = image;
    image = (px_onnx_image){0};
done:
    px_onnx_image_fini(&image);
    return st;
}

/* --- files --- */

/* Runs [first, end) of one file. */
static pgy_status *save_external(pgy_context *cx, const px_onnx_external *first,
                                 const px_onnx_external *end, const char *dir)
{
    static const char zeros[ALIGN_LARGE];
    pgy_status *st = NULL;
    px_writer w = {.fd = -1};
    char *path = px_path_join(dir, first->name);
    if (!path)
        PX_TRY(px_status_nomem());
    PX_TRY(px_writer_open(path, &w));
    px_writer_watch(&w, cx, end[-1].offset + end[-1].size);
    for (const px_onnx_external *x = first; x < end; x++) {
        px_writer_put(&w, zeros, (size_t)(x->offset - w.offset)); /* less than ALIGN_LARGE */
        px_writer_put(&w, x->ptr, x->size);
    }
    PX_TRY(px_writer_commit(&w));
done:
    px_writer_abort(&w);
    px_mem_free(path);
    return st;
}

pgy_status *px_onnx_image_save(pgy_context *cx, const px_onnx_image *image, const char *path)
{
    pgy_status *st = NULL;
    px_writer w = {.fd = -1};
    char *dir = px_path_dirname(path);
    if (!dir)
        PX_TRY(px_status_nomem());
    const px_onnx_external *x = image->at, *last = x + image->n;
    while (x < last) {
        const px_onnx_external *end = x + 1;
        while (end < last && strcmp(end->name, x->name) == 0)
            end++;
        PX_TRY(save_external(cx, x, end, dir));
        x = end;
    }
    PX_TRY(px_writer_open(path, &w));
    px_writer_watch(&w, cx, image->message.size);
    px_pb_out_write(&image->message, &w);
    PX_TRY(px_writer_commit(&w));
done:
    px_writer_abort(&w);
    px_mem_free(dir);
    return st;
}

void px_onnx_image_fini(px_onnx_image *image)
{
    for (size_t i = 0; i < image->n_held; i++)
        pgy_tensor_free(image->held[i]);
    px_mem_free(image->held);
    px_mem_free(image->at);
    px_map_fini(&image->names);
    px_pb_out_fini(&image->message);
    *image = (px_onnx_image){0};
}
