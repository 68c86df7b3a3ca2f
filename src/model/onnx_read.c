/* model/onnx_read.c - ModelProto into the structs of onnx.h.
 *
 * Each message is walked twice: once to check it and count its fields, so that every list is
 * allocated once at its exact length, and once to fill it in. Strings and weights stay where they
 * are. As in protobuf, the last of several scalars counts, several parts of one message field are
 * joined, and a field whose encoding is not the schema's is ignored as unknown.
 */
#include "model/onnx.h"

#include "base/tensor.h"
#include "model/onnx_fields.h"
#include "model/pb_read.h"

#define MAX_MESSAGES ((size_t)1 << 24) /* nodes, tensors, attributes of one list */
#define MAX_NUMBERS ((size_t)1 << 31)  /* ints, floats, strings of one attribute */
#define MAX_PARTS 16                   /* of one message field that is given in parts */

typedef struct reader {
    px_arena *arena;
    const char *base;
    int depth;
} reader;

static pgy_status *read_graph(reader *r, px_str bytes, void *at);

/* A message while it is read: its bytes, and how many of each field it has. */
typedef struct message {
    const char *name;
    px_str bytes;
    px_pb pb;
    size_t n[PX_PB_COUNTED];
} message;

static pgy_status *enter(reader *r, const char *name, px_str bytes, message *m)
{
    if (r->depth >= PX_PB_MAX_DEPTH)
        return PX_FAIL(PGY_ERR_MODEL, "The ONNX model nests messages more than %d deep (%s)",
                       PX_PB_MAX_DEPTH, name);
    m->name = name;
    m->bytes = bytes;
    m->pb = px_pb_of(bytes, r->base);
    pgy_status *st = px_pb_count(bytes, r->base, name, m->n);
    if (!st)
        r->depth++;
    return st;
}

static void leave(reader *r)
{
    r->depth--;
}

static pgy_status *list(reader *r, const message *m, size_t n, size_t limit, size_t size, void *out)
{
    if (n > limit)
        return PX_FAIL(PGY_ERR_MODEL,
                       "The ONNX model has a list of %llu entries in %s; at most "
                       "%llu are read",
                       (unsigned long long)n, m->name, (unsigned long long)limit);
    void *at = NULL;
    if (n > 0) {
        at = px_arena_calloc(r->arena, n, size);
        if (!at)
            return px_status_nomem();
    }
    memcpy(out, &at, sizeof at);
    return NULL;
}

/* Protobuf: several parts of a message field are its bytes one after the other. */
static pgy_status *join(reader *r, const message *m, const px_pb_field *field, px_str *whole)
{
    if (whole->ptr == NULL) {
        *whole = field->bytes;
        return NULL;
    }
    if (m->n[field->number] > MAX_PARTS)
        return PX_FAIL(PGY_ERR_MODEL, "The ONNX model gives field %u of %s in more than %d parts",
                       field->number, m->name, MAX_PARTS);
    size_t len = whole->len + field->bytes.len;
    char *at = px_arena_alloc(r->arena, len + 1);
    if (!at)
        return px_status_nomem();
    memcpy(at, whole->ptr, whole->len);
    memcpy(at + whole->len, field->bytes.ptr, field->bytes.len);
    *whole = (px_str){at, len};
    return NULL;
}

/* Reads one message into a struct of its own type. */
typedef pgy_status *(*read_fn)(reader *r, px_str bytes, void *at);

/* All messages of a repeated field, into an array of structs of `size` bytes. `out` points to the
 * array's pointer. */
static pgy_status *read_list(reader *r, const message *m, uint32_t number, read_fn read,
                             size_t size, void *out, size_t *out_n)
{
    pgy_status *st = NULL;
    char *at = NULL;
    size_t n = 0;
    px_pb pb = px_pb_of(m->bytes, r->base);
    px_pb_field f;
    PX_TRY(list(r, m, m->n[number], MAX_MESSAGES, size, &at));
    while (at && px_pb_next(&pb, &f))
        if (f.number == number && f.wire == PX_PB_LEN)
            PX_TRY(read(r, f.bytes, at + size * n++));
    memcpy(out, &at, sizeof at);
    *out_n = n;
done:
    return st;
}

/* A message field that occurs once, joined from its parts; absent is empty. `out` as above. */
static pgy_status *read_one(reader *r, const message *m, uint32_t number, read_fn read, size_t size,
                            void *out)
{
    pgy_status *st = NULL;
    void *at = NULL;
    px_str whole = {0};
    px_pb pb = px_pb_of(m->bytes, r->base);
    px_pb_field f;
    while (px_pb_next(&pb, &f))
        if (f.number == number && f.wire == PX_PB_LEN)
            PX_TRY(join(r, m, &f, &whole));
    PX_TRY(list(r, m, 1, 1, size, &at));
    PX_TRY(read(r, whole, at));
    memcpy(out, &at, sizeof at);
done:
    return st;
}

/* String fields; of one that is there again the last counts. */
typedef struct text_field {
    uint32_t number;
    px_str *to;
} text_field;

static void read_texts(message *m, const text_field *fields, size_t n)
{
    px_pb_field f;
    while (px_pb_next(&m->pb, &f))
        for (size_t i = 0; i < n && f.wire == PX_PB_LEN; i++)
            if (f.number == fields[i].number)
                *fields[i].to = f.bytes;
}

static float f32_of(uint64_t bits)
{
    uint32_t u = (uint32_t)bits;
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static pgy_dtype dtype_of(uint64_t value)
{
    uint32_t number = (uint32_t)value;
    return number < PGY_DTYPE_COUNT ? (pgy_dtype)number : PGY_DTYPE_UNKNOWN;
}

static size_t count_numbers(reader *r, const message *m, uint32_t number, px_pb_wire wire,
                            pgy_status **st)
{
    px_pb_numbers it = px_pb_numbers_of(m->bytes, r->base, number, wire);
    uint64_t value = 0;
    size_t n = 0;
    while (px_pb_numbers_next(&it, &value))
        n++;
    *st = px_pb_status(&it.outer, m->name);
    return n;
}

static pgy_status *read_ints(reader *r, const message *m, uint32_t number, const int64_t **out,
                             size_t *out_n)
{
    pgy_status *st = NULL;
    int64_t *at = NULL;
    size_t n = count_numbers(r, m, number, PX_PB_VARINT, &st);
    PX_TRY(st);
    PX_TRY(list(r, m, n, MAX_NUMBERS, sizeof *at, &at));
    px_pb_numbers it = px_pb_numbers_of(m->bytes, r->base, number, PX_PB_VARINT);
    uint64_t value = 0;
    for (size_t i = 0; i < n && px_pb_numbers_next(&it, &value); i++)
        at[i] = (int64_t)value;
    *out = at;
    *out_n = n;
done:
    return st;
}

static pgy_status *read_floats(reader *r, const message *m, uint32_t number, const float **out,
                               size_t *out_n)
{
    pgy_status *st = NULL;
    float *at = NULL;
    size_t n = count_numbers(r, m, number, PX_PB_I32, &st);
    PX_TRY(st);
    PX_TRY(list(r, m, n, MAX_NUMBERS, sizeof *at, &at));
    px_pb_numbers it = px_pb_numbers_of(m->bytes, r->base, number, PX_PB_I32);
    uint64_t value = 0;
    for (size_t i = 0; i < n && px_pb_numbers_next(&it, &value); i++)
        at[i] = f32_of(value);
    *out = at;
    *out_n = n;
done:
    return st;
}

static pgy_status *read_dims(reader *r, const message *m, uint32_t number, int *out_rank,
                             const int64_t **out)
{
    size_t n = 0;
    pgy_status *st = NULL;
    PX_TRY(read_ints(r, m, number, out, &n));
    if (n > PX_MAX_RANK)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "The ONNX model has a tensor of rank %llu; at most %d is "
                       "supported",
                       (unsigned long long)n, PX_MAX_RANK));
    *out_rank = (int)n;
done:
    return st;
}

/* --- tensors --- */

static bool parse_u64(px_str text, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 20)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* One StringStringEntryProto of `external_data`. Keys we do not use (checksum) are ignored. */
static pgy_status *read_external(reader *r, px_str bytes, px_onnx_tensor *t)
{
    px_pb pb = px_pb_of(bytes, r->base);
    px_pb_field f;
    px_str key = {0}, value = {0};
    while (px_pb_next(&pb, &f)) {
        if (f.number == PX_F_ENTRY_KEY && f.wire == PX_PB_LEN)
            key = f.bytes;
        else if (f.number == PX_F_ENTRY_VALUE && f.wire == PX_PB_LEN)
            value = f.bytes;
    }
    pgy_status *st = px_pb_status(&pb, "TensorProto.external_data");
    bool good = true;
    if (st)
        return st;
    if (px_str_is(key, "location")) {
        t->location = value;
    } else if (px_str_is(key, "offset")) {
        good = parse_u64(value, &t->offset);
    } else if (px_str_is(key, "length")) {
        good = parse_u64(value, &t->length);
        t->has_length = good;
    }
    if (!good)
        return PX_FAIL(PGY_ERR_MODEL,
                       "The ONNX model gives external data with the %.*s '%.*s', "
                       "which is no byte count",
                       PX_STR_ARG(key), (int)PX_MIN(value.len, 40), value.ptr);
    return NULL;
}

static pgy_status *read_tensor(reader *r, px_str bytes, void *at)
{
    px_onnx_tensor *out = at;
    pgy_status *st = NULL;
    message m;
    px_pb_field f;
    PX_TRY(enter(r, "TensorProto", bytes, &m));
    out->wire = bytes;
    while (px_pb_next(&m.pb, &f)) {
        bool is_len = f.wire == PX_PB_LEN, is_int = f.wire == PX_PB_VARINT;
        if (f.number == PX_F_TENSOR_DATA_TYPE && is_int) {
            out->data_type = (int32_t)(uint32_t)f.value;
            out->dtype = dtype_of(f.value);
        } else if (f.number == PX_F_TENSOR_NAME && is_len) {
            out->name = f.bytes;
        } else if (f.number == PX_F_TENSOR_RAW_DATA && is_len) {
            out->raw = f.bytes;
        } else if (f.number == PX_F_TENSOR_DATA_LOCATION && is_int) {
            out->is_external = (uint32_t)f.value == 1;
        } else if (f.number == PX_F_TENSOR_EXTERNAL_DATA && is_len) {
            PX_TRY(read_external(r, f.bytes, out));
        }
    }
    PX_TRY(read_dims(r, &m, PX_F_TENSOR_DIMS, &out->rank, &out->dims));
    leave(r);
done:
    return st;
}

static pgy_status *read_sparse(reader *r, px_str bytes, void *at)
{
    px_onnx_sparse *out = at;
    pgy_status *st = NULL;
    message m;
    px_pb_field f;
    px_str values = {0}, indices = {0};
    PX_TRY(enter(r, "SparseTensorProto", bytes, &m));
    out->wire = bytes;
    while (px_pb_next(&m.pb, &f)) {
        if (f.wire != PX_PB_LEN)
            continue;
        if (f.number == PX_F_SPARSE_VALUES)
            PX_TRY(join(r, &m, &f, &values));
        else if (f.number == PX_F_SPARSE_INDICES)
            PX_TRY(join(r, &m, &f, &indices));
    }
    PX_TRY(read_tensor(r, values, &out->values));
    PX_TRY(read_tensor(r, indices, &out->indices));
    PX_TRY(read_dims(r, &m, PX_F_SPARSE_DIMS, &out->rank, &out->dims));
    leave(r);
done:
    return st;
}

/* --- types --- */

static void read_dim(reader *r, px_str bytes, px_onnx_dim *out)
{
    px_pb pb = px_pb_of(bytes, r->base);
    px_pb_field f;
    *out = (px_onnx_dim){.value = -1};
    /* value and param exclude each other: the last one counts. */
    while (px_pb_next(&pb, &f)) {
        if (f.number == PX_F_DIM_VALUE && f.wire == PX_PB_VARINT)
            *out = (px_onnx_dim){.value = PX_MAX((int64_t)f.value, -1)};
        else if (f.number == PX_F_DIM_PARAM && f.wire == PX_PB_LEN)
            *out = (px_onnx_dim){.value = -1, .symbol = f.bytes};
    }
}

static pgy_status *read_shape(reader *r, px_str bytes, px_onnx_type *out)
{
    pgy_status *st = NULL;
    message m;
    px_pb_field f;
    px_onnx_dim *dims = NULL;
    size_t n = 0;
    PX_TRY(enter(r, "TensorShapeProto", bytes, &m));
    PX_TRY(list(r, &m, m.n[PX_F_SHAPE_DIM], PX_MAX_RANK, sizeof *dims, &dims));
    while (px_pb_next(&m.pb, &f)) {
        if (f.number != PX_F_SHAPE_DIM || f.wire != PX_PB_LEN)
            continue;
        size_t unused[PX_PB_COUNTED];
        PX_TRY(px_pb_count(f.bytes, r->base, "TensorShapeProto.Dimension", unused));
        read_dim(r, f.bytes, &dims[n++]);
    }
    out->rank = (int)n;
    out->dims = dims;
    leave(r);
done:
    return st;
}

static pgy_status *read_tensor_type(reader *r, px_str bytes, px_onnx_type *out)
{
    pgy_status *st = NULL;
    message m;
    px_pb_field f;
    px_str shape = {0};
    PX_TRY(enter(r, "TypeProto.Tensor", bytes, &m));
    while (px_pb_next(&m.pb, &f)) {
        if (f.number == PX_F_TENSOR_TYPE_ELEM && f.wire == PX_PB_VARINT)
            out->dtype = dtype_of(f.value);
        else if (f.number == PX_F_TENSOR_TYPE_SHAPE && f.wire == PX_PB_LEN)
            PX_TRY(join(r, &m, &f, &shape));
    }
    if (shape.ptr)
        PX_TRY(read_shape(r, shape, out));
    leave(r);
done:
    return st;
}

static pgy_status *read_type(reader *r, px_str bytes, void *at);

/* Sequence, optional and map: one inner type, for a map with its key. */
static pgy_status *read_inner_type(reader *r, px_str bytes, bool is_map, px_onnx_type *out)
{
    pgy_status *st = NULL;
    message m;
    px_pb_field f;
    px_str inner = {0};
    const uint32_t number = is_map ? PX_F_MAP_VALUE : PX_F_SEQUENCE_ELEM;
    PX_TRY(enter(r, "TypeProto", bytes, &m));
    while (px_pb_next(&m.pb, &f)) {
        if (f.number == number && f.wire == PX_PB_LEN)
            PX_TRY(join(r, &m, &f, &inner));
        else if (is_map && f.number == PX_F_MAP_KEY && f.wire == PX_PB_VARINT)
            out->dtype = dtype_of(f.value);
    }
    px_onnx_type *element = NULL;
    PX_TRY(list(r, &m, 1, 1, sizeof *element, &element));
    PX_TRY(read_type(r, inner, element));
    out->element = element;
    leave(r);
done:
    return st;
}

static pgy_status *read_type(reader *r, px_str bytes, void *at)
{
    px_onnx_type *out = at;
    pgy_status *st = NULL;
    message m;
    px_pb_field f;
    PX_TRY(enter(r, "TypeProto", bytes, &m));
    *out = (px_onnx_type){.rank = -1};
    while (px_pb_next(&m.pb, &f)) {
        if (f.wire != PX_PB_LEN)
            continue;
        px_onnx_type_kind kind = PX_ONNX_TYPE_NONE;
        switch (f.number) {
        case PX_F_TYPE_TENSOR:
            kind = PX_ONNX_TYPE_TENSOR;
            break;
        case PX_F_TYPE_SPARSE_TENSOR:
            kind = PX_ONNX_TYPE_SPARSE_TENSOR;
            break;
        case PX_F_TYPE_SEQUENCE:
            kind = PX_ONNX_TYPE_SEQUENCE;
            break;
        case PX_F_TYPE_MAP:
            kind = PX_ONNX_TYPE_MAP;
            break;
        case PX_F_TYPE_OPTIONAL:
            kind = PX_ONNX_TYPE_OPTIONAL;
            break;
        case PX_F_TYPE_OPAQUE:
            kind = PX_ONNX_TYPE_OPAQUE;
            break;
        default:
            continue;
        }
        *out = (px_onnx_type){.kind = kind, .rank = -1};
        if (kind == PX_ONNX_TYPE_TENSOR || kind == PX_ONNX_TYPE_SPARSE_TENSOR)
            PX_TRY(read_tensor_type(r, f.bytes, out));
        else if (kind != PX_ONNX_TYPE_OPAQUE)
            PX_TRY(read_inner_type(r, f.bytes, kind == PX_ONNX_TYPE_MAP, out));
    }
    leave(r);
done:
    return st;
}

static pgy_status *read_value_info(reader *r, px_str bytes, void *at)
{
    px_onnx_value_info *out = at;
    pgy_status *st = NULL;
    message m;
    px_pb_field f;
    px_str type = {0};
    PX_TRY(enter(r, "ValueInfoProto", bytes, &m));
    out->wire = bytes;
    while (px_pb_next(&m.pb, &f)) {
        if (f.wire != PX_PB_LEN)
            continue;
        if (f.number == PX_F_VALUE_NAME)
            out->name = f.bytes;
        else if (f.number == PX_F_VALUE_TYPE)
            PX_TRY(join(r, &m, &f, &type));
    }
    PX_TRY(read_type(r, type, &out->type));
    leave(r);
done:
    return st;
}

static pgy_status *read_strings(reader *r, const message *m, uint32_t number, px_str **out,
                                size_t *out_n)
{
    pgy_status *st = NULL;
    px_str *at = NULL;
    size_t n = 0;
    px_pb pb = px_pb_of(m->bytes, r->base);
    px_pb_field f;
    PX_TRY(list(r, m, m->n[number], MAX_NUMBERS, sizeof *at, &at));
    while (at && px_pb_next(&pb, &f))
        if (f.number == number && f.wire == PX_PB_LEN)
            at[n++] = f.bytes;
    *out = at;
    *out_n = n;
done:
    return st;
}

/* --- attributes, nodes, graphs --- */

/* IR versions below 2 did not write the type. */
static px_onnx_attr_type infer_attr_type(const message *m)
{
    static const struct {
        uint8_t field, type;
    } order[] = {
        {PX_F_ATTR_F, PX_ONNX_ATTR_FLOAT},
        {PX_F_ATTR_I, PX_ONNX_ATTR_INT},
        {PX_F_ATTR_S, PX_ONNX_ATTR_STRING},
        {PX_F_ATTR_T, PX_ONNX_ATTR_TENSOR},
        {PX_F_ATTR_G, PX_ONNX_ATTR_GRAPH},
        {PX_F_ATTR_SPARSE, PX_ONNX_ATTR_SPARSE_TENSOR},
        {PX_F_ATTR_TP, PX_ONNX_ATTR_TYPE_PROTO},
        {PX_F_ATTR_FLOATS, PX_ONNX_ATTR_FLOATS},
        {PX_F_ATTR_INTS, PX_ONNX_ATTR_INTS},
        {PX_F_ATTR_STRINGS, PX_ONNX_ATTR_STRINGS},
        {PX_F_ATTR_TENSORS, PX_ONNX_ATTR_TENSORS},
        {PX_F_ATTR_GRAPHS, PX_ONNX_ATTR_GRAPHS},
        {PX_F_ATTR_SPARSES, PX_ONNX_ATTR_SPARSE_TENSORS},
        {PX_F_ATTR_TYPE_PROTOS, PX_ONNX_ATTR_TYPE_PROTOS},
    };
    for (size_t i = 0; i < PX_COUNTOF(order); i++)
        if (m->n[order[i].field] > 0)
            return (px_onnx_attr_type)order[i].type;
    return PX_ONNX_ATTR_UNDEFINED;
}

/* Attributes whose value is one message, or a list of them. */
static const struct attr_messages {
    px_onnx_attr_type type;
    uint32_t field;
    bool is_list;
    read_fn read;
    size_t size;
    size_t member; /* offset of the pointer in px_onnx_attr */
} attr_messages[] = {
    {PX_ONNX_ATTR_TENSOR, PX_F_ATTR_T, false, read_tensor, sizeof(px_onnx_tensor),
     offsetof(px_onnx_attr, t)},
    {PX_ONNX_ATTR_TENSORS, PX_F_ATTR_TENSORS, true, read_tensor, sizeof(px_onnx_tensor),
     offsetof(px_onnx_attr, t)},
    {PX_ONNX_ATTR_GRAPH, PX_F_ATTR_G, false, read_graph, sizeof(px_onnx_graph),
     offsetof(px_onnx_attr, g)},
    {PX_ONNX_ATTR_GRAPHS, PX_F_ATTR_GRAPHS, true, read_graph, sizeof(px_onnx_graph),
     offsetof(px_onnx_attr, g)},
    {PX_ONNX_ATTR_SPARSE_TENSOR, PX_F_ATTR_SPARSE, false, read_sparse, sizeof(px_onnx_sparse),
     offsetof(px_onnx_attr, sparse)},
    {PX_ONNX_ATTR_SPARSE_TENSORS, PX_F_ATTR_SPARSES, true, read_sparse, sizeof(px_onnx_sparse),
     offsetof(px_onnx_attr, sparse)},
    {PX_ONNX_ATTR_TYPE_PROTO, PX_F_ATTR_TP, false, read_type, sizeof(px_onnx_type),
     offsetof(px_onnx_attr, tp)},
    {PX_ONNX_ATTR_TYPE_PROTOS, PX_F_ATTR_TYPE_PROTOS, true, read_type, sizeof(px_onnx_type),
     offsetof(px_onnx_attr, tp)},
};

static pgy_status *read_attr_value(reader *r, const message *m, px_onnx_attr *out)
{
    pgy_status *st = NULL;
    px_str *strings = NULL;
    if (out->type == PX_ONNX_ATTR_FLOATS)
        return read_floats(r, m, PX_F_ATTR_FLOATS, &out->floats, &out->n);
    if (out->type == PX_ONNX_ATTR_INTS)
        return read_ints(r, m, PX_F_ATTR_INTS, &out->ints, &out->n);
    if (out->type == PX_ONNX_ATTR_STRINGS) {
        st = read_strings(r, m, PX_F_ATTR_STRINGS, &strings, &out->n);
        out->strings = strings;
        return st;
    }
    for (size_t i = 0; i < PX_COUNTOF(attr_messages); i++) {
        const struct attr_messages *kind = &attr_messages[i];
        void *member = (char *)out + kind->member;
        if (kind->type != out->type)
            continue;
        if (kind->is_list)
            return read_list(r, m, kind->field, kind->read, kind->size, member, &out->n);
        out->n = 1;
        return read_one(r, m, kind->field, kind->read, kind->size, member);
    }
    return NULL;
}

static pgy_status *read_attr(reader *r, px_str bytes, void *at)
{
    px_onnx_attr *out = at;
    pgy_status *st = NULL;
    message m;
    px_pb_field f;
    PX_TRY(enter(r, "AttributeProto", bytes, &m));
    out->wire = bytes;
    while (px_pb_next(&m.pb, &f)) {
        if (f.wire == PX_PB_LEN && f.number == PX_F_ATTR_NAME)
            out->name = f.bytes;
        else if (f.wire == PX_PB_LEN && f.number == PX_F_ATTR_REF_NAME)
            out->ref_attr_name = f.bytes;
        else if (f.wire == PX_PB_LEN && f.number == PX_F_ATTR_S)
            out->s = f.bytes;
        else if (f.wire == PX_PB_I32 && f.number == PX_F_ATTR_F)
            out->f = f32_of(f.value);
        else if (f.wire == PX_PB_VARINT && f.number == PX_F_ATTR_I)
            out->i = (int64_t)f.value;
        else if (f.wire == PX_PB_VARINT && f.number == PX_F_ATTR_TYPE)
            out->type = f.value <= PX_ONNX_ATTR_TYPE_PROTOS ? (px_onnx_attr_type)f.value
                                                            : PX_ONNX_ATTR_UNDEFINED;
    }
    if (out->type == PX_ONNX_ATTR_UNDEFINED)
        out->type = infer_attr_type(&m);
    if (out->ref_attr_name.len == 0)
        PX_TRY(read_attr_value(r, &m, out));
    leave(r);
done:
    return st;
}

static pgy_status *read_node(reader *r, px_str bytes, void *at)
{
    px_onnx_node *out = at;
    pgy_status *st = NULL;
    message m;
    PX_TRY(enter(r, "NodeProto", bytes, &m));
    out->wire = bytes;
    const text_field texts[] = {{PX_F_NODE_NAME, &out->name},
                                {PX_F_NODE_OP_TYPE, &out->op_type},
                                {PX_F_NODE_DOMAIN, &out->domain},
                                {PX_F_NODE_OVERLOAD, &out->overload}};
    read_texts(&m, texts, PX_COUNTOF(texts));
    PX_TRY(read_strings(r, &m, PX_F_NODE_INPUT, &out->inputs, &out->n_inputs));
    PX_TRY(read_strings(r, &m, PX_F_NODE_OUTPUT, &out->outputs, &out->n_outputs));
    PX_TRY(read_list(r, &m, PX_F_NODE_ATTRIBUTE, read_attr, sizeof(px_onnx_attr), &out->attrs,
                     &out->n_attrs));
    leave(r);
done:
    return st;
}

static pgy_status *read_graph(reader *r, px_str bytes, void *at)
{
    px_onnx_graph *out = at;
    pgy_status *st = NULL;
    message m;
    PX_TRY(enter(r, "GraphProto", bytes, &m));
    out->wire = bytes;
    const text_field texts[] = {{PX_F_GRAPH_NAME, &out->name}};
    read_texts(&m, texts, PX_COUNTOF(texts));
    PX_TRY(read_list(r, &m, PX_F_GRAPH_NODE, read_node, sizeof(px_onnx_node), &out->nodes,
                     &out->n_nodes));
    PX_TRY(read_list(r, &m, PX_F_GRAPH_INITIALIZER, read_tensor, sizeof(px_onnx_tensor),
                     &out->initializers, &out->n_initializers));
    PX_TRY(read_list(r, &m, PX_F_GRAPH_SPARSE_INITIALIZER, read_sparse, sizeof(px_onnx_sparse),
                     &out->sparse_initializers, &out->n_sparse_initializers));
    PX_TRY(read_list(r, &m, PX_F_GRAPH_INPUT, read_value_info, sizeof(px_onnx_value_info),
                     &out->inputs, &out->n_inputs));
    PX_TRY(read_list(r, &m, PX_F_GRAPH_OUTPUT, read_value_info, sizeof(px_onnx_value_info),
                     &out->outputs, &out->n_outputs));
    PX_TRY(read_list(r, &m, PX_F_GRAPH_VALUE_INFO, read_value_info, sizeof(px_onnx_value_info),
                     &out->value_infos, &out->n_value_infos));
    leave(r);
done:
    return st;
}

/* --- functions, the model --- */

static pgy_status *read_opsets(reader *r, const message *m, uint32_t number, px_onnx_opset **out,
                               size_t *out_n)
{
    pgy_status *st = NULL;
    px_onnx_opset *at = NULL;
    size_t n = 0;
    px_pb pb = px_pb_of(m->bytes, r->base);
    px_pb_field f, g;
    PX_TRY(list(r, m, m->n[number], MAX_MESSAGES, sizeof *at, &at));
    while (px_pb_next(&pb, &f)) {
        if (f.number != number || f.wire != PX_PB_LEN)
            continue;
        px_pb inner = px_pb_of(f.bytes, r->base);
        while (px_pb_next(&inner, &g)) {
            if (g.number == PX_F_OPSET_DOMAIN && g.wire == PX_PB_LEN)
                at[n].domain = g.bytes;
            else if (g.number == PX_F_OPSET_VERSION && g.wire == PX_PB_VARINT)
                at[n].version = (int64_t)g.value;
        }
        PX_TRY(px_pb_status(&inner, "OperatorSetIdProto"));
        n++;
    }
    *out = at;
    *out_n = n;
done:
    return st;
}

static pgy_status *read_function(reader *r, px_str bytes, void *at)
{
    px_onnx_function *out = at;
    pgy_status *st = NULL;
    message m;
    PX_TRY(enter(r, "FunctionProto", bytes, &m));
    out->wire = bytes;
    const text_field texts[] = {{PX_F_FUNCTION_NAME, &out->name},
                                {PX_F_FUNCTION_DOMAIN, &out->domain},
                                {PX_F_FUNCTION_OVERLOAD, &out->overload}};
    read_texts(&m, texts, PX_COUNTOF(texts));
    PX_TRY(read_strings(r, &m, PX_F_FUNCTION_INPUT, &out->inputs, &out->n_inputs));
    PX_TRY(read_strings(r, &m, PX_F_FUNCTION_OUTPUT, &out->outputs, &out->n_outputs));
    PX_TRY(read_strings(r, &m, PX_F_FUNCTION_ATTRIBUTE, &out->attr_names, &out->n_attr_names));
    PX_TRY(read_list(r, &m, PX_F_FUNCTION_ATTR_DEFAULT, read_attr, sizeof(px_onnx_attr),
                     &out->attr_defaults, &out->n_attr_defaults));
    PX_TRY(read_list(r, &m, PX_F_FUNCTION_NODE, read_node, sizeof(px_onnx_node), &out->nodes,
                     &out->n_nodes));
    PX_TRY(read_opsets(r, &m, PX_F_FUNCTION_OPSET, &out->opsets, &out->n_opsets));
    PX_TRY(read_list(r, &m, PX_F_FUNCTION_VALUE_INFO, read_value_info, sizeof(px_onnx_value_info),
                     &out->value_infos, &out->n_value_infos));
    leave(r);
done:
    return st;
}

static pgy_status *read_model(reader *r, px_str bytes, px_onnx_model *out)
{
    pgy_status *st = NULL;
    message m;
    px_pb_field f;
    px_str graph = {0};
    PX_TRY(enter(r, "ModelProto", bytes, &m));
    out->wire = bytes;
    while (px_pb_next(&m.pb, &f)) {
        if (f.number == PX_F_MODEL_IR_VERSION && f.wire == PX_PB_VARINT)
            out->ir_version = (int64_t)f.value;
        else if (f.number == PX_F_MODEL_PRODUCER_NAME && f.wire == PX_PB_LEN)
            out->producer_name = f.bytes;
        else if (f.number == PX_F_MODEL_PRODUCER_VERSION && f.wire == PX_PB_LEN)
            out->producer_version = f.bytes;
        else if (f.number == PX_F_MODEL_GRAPH && f.wire == PX_PB_LEN)
            PX_TRY(join(r, &m, &f, &graph));
    }
    if (!graph.ptr)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "The ONNX model has no graph"));
    PX_TRY(read_opsets(r, &m, PX_F_MODEL_OPSET, &out->opsets, &out->n_opsets));
    PX_TRY(read_graph(r, graph, &out->graph));
    PX_TRY(read_list(r, &m, PX_F_MODEL_FUNCTION, read_function, sizeof(px_onnx_function),
                     &out->functions, &out->n_functions));
    leave(r);
done:
    return st;
}

pgy_status *px_onnx_parse(px_str bytes, const char *dir, px_onnx_model **out)
{
    pgy_status *st = NULL;
    px_onnx_model *model = NULL;
    PX_TRY(PX_ALLOC(model, 1));
    model->dir = px_mem_strdup(dir);
    if (!model->dir)
        PX_TRY(px_status_nomem());
    reader r = {.arena = &model->arena, .base = bytes.ptr};
    PX_TRY(read_model(&r, bytes, model));
    *out = model;
    model = NULL;
done:
    px_onnx_free(model);
    return st;
}
