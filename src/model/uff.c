/* model/uff.c - see uff.h. Field numbers are those of the format. */
#include "model/uff.h"

#include "model/pb_read.h"

enum {
    META_GRAPH_GRAPHS = 4,
    GRAPH_NODES = 2,
    NODE_ID = 1,
    NODE_OPERATION = 3,
    NODE_FIELDS = 4,
    ENTRY_KEY = 1,
    ENTRY_VALUE = 2,
    DATA_NUMBERS = 8,
    LIST_ITEMS = 1
};

typedef struct node {
    px_str id, operation;
    px_str shape; /* list of numbers; ptr NULL: none */
} node;

/* The list of numbers in `data`, when it is one. */
static px_str numbers_in(px_str data)
{
    px_pb pb = px_pb_of(data, NULL);
    px_pb_field f;
    px_str found = {0};
    while (px_pb_next(&pb, &f))
        if (f.number == DATA_NUMBERS && f.wire == PX_PB_LEN)
            found = f.bytes;
    return found;
}

static void read_entry(px_str bytes, node *out)
{
    px_pb pb = px_pb_of(bytes, NULL);
    px_pb_field f;
    px_str key = {0}, value = {0};
    while (px_pb_next(&pb, &f)) {
        if (f.number == ENTRY_KEY && f.wire == PX_PB_LEN)
            key = f.bytes;
        else if (f.number == ENTRY_VALUE && f.wire == PX_PB_LEN)
            value = f.bytes;
    }
    if (px_str_is(key, "shape"))
        out->shape = numbers_in(value);
}

static pgy_status *read_node(px_str bytes, const char *base, node *out)
{
    px_pb pb = px_pb_of(bytes, base);
    px_pb_field f;
    *out = (node){0};
    while (px_pb_next(&pb, &f)) {
        if (f.wire != PX_PB_LEN)
            continue;
        if (f.number == NODE_ID)
            out->id = f.bytes;
        else if (f.number == NODE_OPERATION)
            out->operation = f.bytes;
        else if (f.number == NODE_FIELDS)
            read_entry(f.bytes, out);
    }
    return px_pb_status(&pb, "a UFF node");
}

static pgy_status *read_shape(const node *from, const char *base, px_uff_input *out)
{
    px_pb_numbers it = px_pb_numbers_of(from->shape, base, LIST_ITEMS, PX_PB_VARINT);
    uint64_t value = 0;
    while (px_pb_numbers_next(&it, &value)) {
        if (out->rank == PX_UFF_MAX_DIMS)
            return PX_FAIL(PGY_ERR_MODEL, "The UFF input '%s' has more than %d dimensions.",
                           out->name, PX_UFF_MAX_DIMS);
        out->dims[out->rank++] = (int64_t)value;
    }
    return px_pb_status(&it.outer, "a UFF shape");
}

/* Adds the node to `out`, whose arrays are large enough; without them it is only counted. */
static pgy_status *take(px_arena *arena, const node *n, const char *base, px_uff *out)
{
    pgy_status *st = NULL;
    const bool is_input = px_str_is(n->operation, "Input");
    if (!is_input && !px_str_is(n->operation, "MarkOutput"))
        goto done;
    const size_t at = is_input ? out->n_inputs++ : out->n_outputs++;
    if (out->inputs == NULL)
        goto done;
    const char *name = px_arena_strndup(arena, n->id.ptr != NULL ? n->id.ptr : "", n->id.len);
    if (name == NULL)
        PX_TRY(px_status_nomem());
    if (is_input) {
        out->inputs[at].name = name;
        PX_TRY(read_shape(n, base, &out->inputs[at]));
    } else {
        out->outputs[at] = name;
    }
done:
    return st;
}

static pgy_status *read_graph(px_arena *arena, px_str bytes, const char *base, px_uff *out)
{
    pgy_status *st = NULL;
    px_pb pb = px_pb_of(bytes, base);
    px_pb_field f;
    node n;
    while (px_pb_next(&pb, &f)) {
        if (f.number != GRAPH_NODES || f.wire != PX_PB_LEN)
            continue;
        PX_TRY(read_node(f.bytes, base, &n));
        PX_TRY(take(arena, &n, base, out));
    }
    PX_TRY(px_pb_status(&pb, "a UFF graph"));
done:
    return st;
}

static pgy_status *read_file(px_arena *arena, px_str bytes, px_uff *out)
{
    pgy_status *st = NULL;
    px_pb pb = px_pb_of(bytes, NULL);
    px_pb_field f;
    out->n_inputs = out->n_outputs = 0;
    while (px_pb_next(&pb, &f))
        if (f.number == META_GRAPH_GRAPHS && f.wire == PX_PB_LEN)
            PX_TRY(read_graph(arena, f.bytes, bytes.ptr, out));
    PX_TRY(px_pb_status(&pb, "the UFF file"));
done:
    return st;
}

pgy_status *px_uff_read(px_arena *arena, px_str bytes, const char *path, px_uff *out)
{
    pgy_status *st = NULL;
    px_uff uff = {0};
    PX_TRY(read_file(arena, bytes, &uff));
    if (uff.n_inputs == 0 || uff.n_outputs == 0)
        PX_TRY(
            PX_FAIL(PGY_ERR_MODEL,
                    "%s is no UFF file, or has no nodes Input and MarkOutput: %zu inputs and %zu "
                    "outputs were found.",
                    path, uff.n_inputs, uff.n_outputs));
    uff.inputs = px_arena_calloc(arena, uff.n_inputs, sizeof *uff.inputs);
    uff.outputs = px_arena_calloc(arena, uff.n_outputs, sizeof *uff.outputs);
    if (uff.inputs == NULL || uff.outputs == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(read_file(arena, bytes, &uff));
    *out = uff;
done:
    return px_status_while(st, "reading %s", path);
}
