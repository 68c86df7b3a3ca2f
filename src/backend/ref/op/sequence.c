/* backend/ref/op/sequence.c - sequences and optionals: values of values. A list is immutable once
 * shared, so an edit makes a new list whose items are further references. */
#include "backend/ref/op/move.h"

static pgy_status *sequence_in(px_ref_call *c, size_t i, const px_ref_list **out)
{
    if (i >= c->n_in || c->in[i].kind != PX_REF_SEQUENCE)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu is no sequence", i);
    *out = c->in[i].seq;
    return NULL;
}

static void take_sequence(px_ref_call *c, size_t i, pgy_dtype dtype, px_ref_list *list)
{
    px_ref_out_take(c, i, (px_ref_value){.kind = PX_REF_SEQUENCE, .dtype = dtype, .seq = list});
}

static void drop_list(px_ref_list *list)
{
    px_ref_value v = {.kind = PX_REF_SEQUENCE, .seq = list};
    if (list)
        px_ref_value_free(&v);
}

/* Position input `i` (the end when left out) within [0, n), or [0, n] when `may_end`. */
static pgy_status *position_in(px_ref_call *c, size_t i, size_t n, bool may_end, size_t *out)
{
    pgy_status *st = NULL;
    int64_t p = (int64_t)n - !may_end, size = (int64_t)n;
    if (px_ref_has(c, i)) {
        PX_TRY(px_move_in_int(c, i, &p));
        p = p < 0 ? p + size : p;
    }
    if (p < 0 || p >= size + may_end)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Position is outside a sequence of %lld items",
                           (long long)size));
    *out = (size_t)p;
done:
    return st;
}

static pgy_status *sequence_construct(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_ref_list *list = NULL;
    const pgy_tensor *x;
    for (size_t i = 0; i < c->n_in; i++)
        PX_TRY(px_ref_in(c, i, &x));
    PX_TRY(px_ref_list_new(c->n_in, &list));
    for (size_t i = 0; i < c->n_in; i++)
        list->items[i] = px_ref_value_copy(c->in[i]);
    take_sequence(c, 0, c->in[0].dtype, list);
done:
    return st;
}

static pgy_status *sequence_empty(px_ref_call *c)
{
    pgy_status *st = NULL;
    pgy_dtype dtype;
    px_ref_list *list;
    PX_TRY(px_move_attr_dtype(c, "dtype", PGY_DTYPE_F32, &dtype));
    PX_TRY(px_ref_list_new(0, &list));
    take_sequence(c, 0, dtype, list);
done:
    return st;
}

static pgy_status *sequence_insert(px_ref_call *c)
{
    pgy_status *st = NULL;
    const px_ref_list *from = NULL;
    const pgy_tensor *x;
    px_ref_list *list;
    size_t at;
    PX_TRY(sequence_in(c, 0, &from));
    PX_TRY(px_ref_in(c, 1, &x));
    PX_TRY(position_in(c, 2, from->n, true, &at));
    PX_TRY(px_ref_list_new(from->n + 1, &list));
    for (size_t i = 0; i <= from->n; i++)
        list->items[i] = px_ref_value_copy(i == at ? c->in[1] : from->items[i < at ? i : i - 1]);
    take_sequence(c, 0, c->in[1].dtype, list);
done:
    return st;
}

static pgy_status *sequence_erase(px_ref_call *c)
{
    pgy_status *st = NULL;
    const px_ref_list *from = NULL;
    px_ref_list *list;
    size_t at;
    PX_TRY(sequence_in(c, 0, &from));
    PX_TRY(position_in(c, 1, from->n, false, &at));
    PX_TRY(px_ref_list_new(from->n - 1, &list));
    for (size_t i = 0; i + 1 < from->n; i++)
        list->items[i] = px_ref_value_copy(from->items[i < at ? i : i + 1]);
    take_sequence(c, 0, c->in[0].dtype, list);
done:
    return st;
}

static pgy_status *sequence_at(px_ref_call *c)
{
    pgy_status *st = NULL;
    const px_ref_list *from = NULL;
    size_t at;
    PX_TRY(sequence_in(c, 0, &from));
    PX_TRY(position_in(c, 1, from->n, false, &at));
    px_ref_out_take(c, 0, px_ref_value_copy(from->items[at]));
done:
    return st;
}

static pgy_status *sequence_length(px_ref_call *c)
{
    pgy_status *st = NULL;
    const px_ref_list *from = NULL;
    void *y;
    PX_TRY(sequence_in(c, 0, &from));
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_I64, 0, NULL, &y));
    *(int64_t *)y = (int64_t)from->n;
done:
    return st;
}

/* Lengths of the parts of a dim of `size`: listed, or chunks of `chunk` with a shorter last one. */
static pgy_status *split_lengths(px_ref_call *c, int64_t size, const int64_t **out, size_t *out_n,
                                 bool *keep)
{
    pgy_status *st = NULL;
    int64_t chunk = 1, *parts, sum = 0;
    if (px_ref_has(c, 1)) {
        const pgy_tensor *split;
        PX_TRY(px_ref_in(c, 1, &split));
        PX_TRY(px_ref_in_ints(c, 1, out, out_n));
        *keep = true;
        if (split->rank > 0) {
            for (size_t i = 0; i < *out_n; i++) {
                if ((*out)[i] < 0 || (*out)[i] > size - sum)
                    PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Part %zu is %lld of a dim of %lld", i,
                                       (long long)(*out)[i], (long long)size));
                sum += (*out)[i];
            }
            if (sum != size)
                PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The parts sum up to %lld, the dim is %lld",
                                   (long long)sum, (long long)size));
            goto done;
        }
        chunk = (*out)[0];
    }
    if (chunk < 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Chunks of %lld", (long long)chunk));
    int64_t n = size / chunk + (size % chunk != 0);
    PX_TRY(PX_MOVE_SCRATCH(c, parts, n));
    for (int64_t i = 0; i < n; i++)
        parts[i] = PX_MIN(chunk, size - i * chunk);
    *out = parts;
    *out_n = (size_t)n;
done:
    return st;
}

static pgy_status *split_to_sequence(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const int64_t *parts;
    px_ref_list *list = NULL;
    size_t n;
    int axis;
    int64_t at = 0;
    bool keep = px_ref_attr_i(c, "keepdims", 1) != 0;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", 0), x->rank, &axis));
    PX_TRY(split_lengths(c, x->dims[axis], &parts, &n, &keep));
    PX_TRY(px_ref_list_new(n, &list));
    for (size_t i = 0; i < n; i++) {
        PX_TRY(px_move_part(c, &c->in[0], axis, at, parts[i], keep, &list->items[i]));
        at += parts[i];
    }
    take_sequence(c, 0, c->in[0].dtype, list);
    list = NULL;
done:
    drop_list(list);
    return st;
}

static pgy_status *concat_from_sequence(px_ref_call *c)
{
    pgy_status *st = NULL;
    const px_ref_list *from = NULL;
    px_ref_value v = {0};
    PX_TRY(sequence_in(c, 0, &from));
    if (from->n == 0 || !px_ref_attr(c, "axis"))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The sequence is empty or axis is missing"));
    PX_TRY(px_move_join(c, from->items, from->n, px_ref_attr_i(c, "axis", 0),
                        px_ref_attr_i(c, "new_axis", 0) != 0, false, &v));
    px_ref_out_take(c, 0, v);
done:
    return st;
}

/* Runs the body once per item; tensors among the other inputs are given whole each time. */
static pgy_status *sequence_map(px_ref_call *c)
{
    pgy_status *st = NULL;
    const px_ref_list *first = NULL, *other = NULL;
    px_ref_value *in, *out;
    px_ref_list **lists;
    size_t n_out = c->n_out, n_made = 0;
    const px_onnx_attr *body = px_ref_attr(c, "body");
    PX_TRY(sequence_in(c, 0, &first));
    PX_TRY(PX_MOVE_SCRATCH(c, lists, (int64_t)n_out));
    if (!body || !body->g || body->type != PX_ONNX_ATTR_GRAPH || body->g->n_outputs != n_out)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The body must be a graph of %zu outputs", n_out));
    for (size_t i = 0; i < c->n_in; i++)
        if (c->in[i].kind == PX_REF_SEQUENCE) {
            PX_TRY(sequence_in(c, i, &other));
            if (other->n != first->n)
                PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Sequence %zu has %zu items, the first %zu", i,
                                   other->n, first->n));
        }
    PX_TRY(PX_MOVE_SCRATCH(c, in, (int64_t)c->n_in));
    PX_TRY(PX_MOVE_SCRATCH(c, out, (int64_t)n_out));
    for (; n_made < n_out; n_made++)
        PX_TRY(px_ref_list_new(first->n, &lists[n_made]));
    for (size_t k = 0; k < first->n; k++) {
        for (size_t i = 0; i < c->n_in; i++) /* borrowed from the call's inputs */
            in[i] = c->in[i].kind == PX_REF_SEQUENCE ? c->in[i].seq->items[k] : c->in[i];
        PX_TRY(px_ref_subgraph(c, body->g, c->n_in, in, n_out, out));
        for (size_t i = 0; i < n_out; i++) {
            lists[i]->items[k] = out[i];
            out[i] = (px_ref_value){0};
        }
    }
    for (size_t i = 0; i < n_out; i++) {
        if (!px_ref_wants(c, i))
            continue;
        const px_onnx_type *type = &body->g->outputs[i].type;
        take_sequence(c, i, first->n ? lists[i]->items[0].dtype : type->dtype, lists[i]);
        lists[i] = NULL;
    }
done:
    for (size_t i = 0; i < n_made; i++)
        drop_list(lists[i]);
    return st;
}

/* --- optionals --- */

static pgy_status *optional(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_ref_list *list;
    const px_onnx_attr *type = px_ref_attr(c, "type");
    bool has = px_ref_has(c, 0);
    PX_TRY(px_ref_list_new(has, &list));
    px_ref_value v = {.kind = PX_REF_OPTIONAL, .seq = list};
    if (has) {
        list->items[0] = px_ref_value_copy(c->in[0]);
        v.dtype = c->in[0].dtype;
    } else if (type && type->tp) {
        const px_onnx_type *tp = type->tp;
        v.dtype = tp->kind == PX_ONNX_TYPE_SEQUENCE && tp->element ? tp->element->dtype : tp->dtype;
    }
    px_ref_out_take(c, 0, v);
done:
    return st;
}

static pgy_status *optional_has_element(px_ref_call *c)
{
    void *y;
    pgy_status *st = px_ref_out(c, 0, PGY_DTYPE_BOOL, 0, NULL, &y);
    if (!st) {
        px_ref_kind kind = c->n_in ? c->in[0].kind : PX_REF_NONE;
        *(uint8_t *)y = kind == PX_REF_OPTIONAL ? c->in[0].seq->n > 0 : kind != PX_REF_NONE;
    }
    return st;
}

static pgy_status *optional_get_element(px_ref_call *c)
{
    const px_ref_value *v = &c->in[0];
    if (v->kind == PX_REF_NONE || (v->kind == PX_REF_OPTIONAL && v->seq->n == 0))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "The optional is empty");
    px_ref_out_take(c, 0, px_ref_value_copy(v->kind == PX_REF_OPTIONAL ? v->seq->items[0] : *v));
    return NULL;
}

static const px_ref_op rows[] = {
    {"", "ConcatFromSequence", 11, 1, 1, 1, 1, concat_from_sequence},
    {"", "Optional", 15, 0, 1, 1, 1, optional},
    {"", "OptionalGetElement", 15, 1, 1, 1, 1, optional_get_element},
    {"", "OptionalHasElement", 15, 0, 1, 1, 1, optional_has_element},
    {"", "SequenceAt", 11, 2, 2, 1, 1, sequence_at},
    {"", "SequenceConstruct", 11, 1, -1, 1, 1, sequence_construct},
    {"", "SequenceEmpty", 11, 0, 0, 1, 1, sequence_empty},
    {"", "SequenceErase", 11, 1, 2, 1, 1, sequence_erase},
    {"", "SequenceInsert", 11, 2, 3, 1, 1, sequence_insert},
    {"", "SequenceLength", 11, 1, 1, 1, 1, sequence_length},
    {"", "SequenceMap", 17, 1, -1, 1, -1, sequence_map},
    {"", "SplitToSequence", 11, 1, 2, 1, 1, split_to_sequence},
};

const px_ref_family px_ref_family_sequence = {rows, PX_COUNTOF(rows)};
