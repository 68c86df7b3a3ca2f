/* backend/tf/onnx/sequence.c - sequences of tensors, as TensorFlow's lists.
 *
 * A list grows and shrinks at its end only: what happens elsewhere first moves the rest to another
 * list. The element type is known to ONNX and must be told to TensorFlow.
 */
#include "backend/tf/onnx/build.h"

#include "base/tensor.h"

static px_tf_port scalar_input(px_tf_build *b, size_t i)
{
    return px_tf_reshape(b, px_tf_cast(b, px_tf_input(b, i), PX_TF_INT64), NULL, 0);
}

static px_tf_port length(px_tf_build *b, px_tf_port list)
{
    return px_tf_cast(b, px_tf_1(b, "TensorListLength", list), PX_TF_INT64);
}

static px_tf_port from_start(px_tf_build *b, px_tf_port at, px_tf_port n)
{
    const px_tf_port is_negative = px_tf_2(b, "Less", at, px_tf_scalar(b, 0));
    return px_tf_3(b, "SelectV2", is_negative, px_tf_2(b, "AddV2", at, n), at);
}

/* Element type of the node's output, a tensor or a sequence. */
static int element_type(px_tf_build *b)
{
    const px_onnx_type *type = b->facts != NULL ? &b->facts[0].type : NULL;
    if (type != NULL && type->kind == PX_ONNX_TYPE_SEQUENCE)
        type = type->element;
    const int to = type != NULL ? px_tf_type_of(type->dtype) : 0;
    if (to == 0)
        px_tf_refuse(b, "the element type of its sequence is not known, or no number.");
    return to;
}

static px_tf_port item(px_tf_build *b, px_tf_port list, px_tf_port at, int type)
{
    const px_tf_port at32 = px_tf_cast(b, at, PX_TF_INT32), any = px_tf_scalar32(b, -1);
    px_tf_begin(b, "TensorListGetItem");
    px_tf_in(b, list);
    px_tf_in(b, at32);
    px_tf_in(b, any);
    px_tf_set_type(b, "element_dtype", type);
    return px_tf_finish(b);
}

/* Takes the last element off: output 0 is the list, 1 the element. */
static px_tf_port pop(px_tf_build *b, px_tf_port list, int type)
{
    const px_tf_port any = px_tf_scalar32(b, -1);
    px_tf_begin(b, "TensorListPopBack");
    px_tf_in(b, list);
    px_tf_in(b, any);
    px_tf_set_type(b, "element_dtype", type);
    return px_tf_finish(b);
}

/* --- making --- */

static void empty(px_tf_build *b)
{
    const int type = px_tf_type_of((pgy_dtype)px_tf_int_of(b, "dtype", PGY_DTYPE_F32));
    if (type == 0)
        px_tf_refuse(b, "TensorFlow has no counterpart of its element type.");
    px_tf_output(b, 0, px_tf_list(b, type));
}

static void construct(px_tf_build *b)
{
    px_tf_port list = px_tf_list(b, px_tf_type_at(b, px_tf_input(b, 0)));
    for (size_t i = 0; i < b->node->n_inputs; i++)
        list = px_tf_list_push(b, list, px_tf_input(b, i));
    px_tf_output(b, 0, list);
}

typedef struct split_body {
    const px_tf_frame *frame;
    px_tf_port x, ends; /* ends: of all parts, along the axis */
    int64_t axis;
    bool drops_axis;
} split_body;

enum { V_COUNT, V_LIMIT, V_START, V_LIST, N_SPLIT };

static void goes_on(px_tf_build *b, void *user, const px_tf_port *vars, px_tf_port *out)
{
    PX_UNUSED(user);
    *out = px_tf_2(b, "Less", vars[V_COUNT], vars[V_LIMIT]);
}

static void split_step(px_tf_build *b, void *user, const px_tf_port *vars, px_tf_port *out)
{
    const split_body *s = user;
    const px_tf_port x = px_tf_capture(b, s->frame, s->x), one = px_tf_scalar(b, 1);
    const px_tf_port end = px_tf_at(b, px_tf_capture(b, s->frame, s->ends), vars[V_COUNT], 0);
    const px_tf_port places = px_tf_3(b, "Range", vars[V_START], end, one);
    out[V_COUNT] = px_tf_2(b, "AddV2", vars[V_COUNT], one);
    out[V_LIMIT] = vars[V_LIMIT];
    out[V_START] = end;
    out[V_LIST] = px_tf_list_push(b, vars[V_LIST],
                                  s->drops_axis ? px_tf_at(b, x, vars[V_START], s->axis)
                                                : px_tf_at(b, x, places, s->axis));
}

static void split_to_sequence(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), zero = px_tf_scalar(b, 0), one = px_tf_scalar(b, 1);
    split_body s = {.frame = b->frame, .x = x};
    s.axis = px_tf_axis(b, px_tf_int_of(b, "axis", 0), px_tf_rank(b, x));
    s.drops_axis = !px_tf_has(b, 1) && px_tf_int_of(b, "keepdims", 1) == 0;
    const px_tf_port size = px_tf_at(b, px_tf_shape(b, x), px_tf_scalar(b, s.axis), 0);
    if (px_tf_has(b, 1) && px_tf_rank(b, px_tf_input(b, 1)) == 1) {
        s.ends = px_tf_2(b, "Cumsum", px_tf_cast(b, px_tf_input(b, 1), PX_TF_INT64),
                         px_tf_scalar32(b, 0));
    } else { /* equal parts, of which the last may be smaller */
        const px_tf_port each = px_tf_has(b, 1) ? scalar_input(b, 1) : one;
        const px_tf_port starts = px_tf_3(b, "Range", zero, size, each);
        s.ends = px_tf_2(b, "Minimum", px_tf_2(b, "AddV2", starts, each), size);
    }
    px_tf_port vars[N_SPLIT] = {zero, {0}, zero, px_tf_list(b, px_tf_type_at(b, x))};
    vars[V_LIMIT] = px_tf_at(b, px_tf_shape(b, s.ends), zero, 0);
    px_tf_while(b, vars, N_SPLIT, goes_on, split_step, &s);
    px_tf_output(b, 0, vars[V_LIST]);
}

/* --- changing --- */

enum { M_COUNT, M_LIMIT, M_FROM, M_TO, N_MOVE };

static void move_step(px_tf_build *b, void *user, const px_tf_port *vars, px_tf_port *out)
{
    const px_tf_port popped = pop(b, vars[M_FROM], *(const int *)user);
    out[M_COUNT] = px_tf_2(b, "AddV2", vars[M_COUNT], px_tf_scalar(b, 1));
    out[M_LIMIT] = vars[M_LIMIT];
    out[M_FROM] = popped;
    out[M_TO] = px_tf_list_push(b, vars[M_TO], (px_tf_port){popped.node, 1});
}

/* The last `n` of `from` to the end of `to`, the last one first. */
static void move(px_tf_build *b, px_tf_port *from, px_tf_port *to, px_tf_port n, int type)
{
    px_tf_port vars[N_MOVE] = {px_tf_scalar(b, 0), n, *from, *to};
    px_tf_while(b, vars, N_MOVE, goes_on, move_step, &type);
    *from = vars[M_FROM];
    *to = vars[M_TO];
}

static void insert(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 1);
    const int type = px_tf_type_at(b, x);
    px_tf_port list = px_tf_input(b, 0), rest = px_tf_list(b, type);
    if (!px_tf_has(b, 2)) {
        px_tf_output(b, 0, px_tf_list_push(b, list, x));
        return;
    }
    const px_tf_port n = length(b, list), at = from_start(b, scalar_input(b, 2), n);
    const px_tf_port n_rest = px_tf_2(b, "Sub", n, at);
    move(b, &list, &rest, n_rest, type);
    list = px_tf_list_push(b, list, x);
    move(b, &rest, &list, n_rest, type);
    px_tf_output(b, 0, list);
}

static void erase(px_tf_build *b)
{
    const int type = element_type(b);
    px_tf_port list = px_tf_input(b, 0), rest = px_tf_list(b, type);
    const px_tf_port n = length(b, list), last = px_tf_2(b, "Sub", n, px_tf_scalar(b, 1));
    const px_tf_port at = px_tf_has(b, 1) ? from_start(b, scalar_input(b, 1), n) : last;
    const px_tf_port n_rest = px_tf_2(b, "Sub", last, at);
    move(b, &list, &rest, n_rest, type);
    list = pop(b, list, type);
    move(b, &rest, &list, n_rest, type);
    px_tf_output(b, 0, list);
}

/* --- reading --- */

static void sequence_length(px_tf_build *b)
{
    px_tf_output(b, 0, length(b, px_tf_input(b, 0)));
}

static void sequence_at(px_tf_build *b)
{
    const px_tf_port list = px_tf_input(b, 0);
    const px_tf_port at = from_start(b, scalar_input(b, 1), length(b, list));
    px_tf_output(b, 0, item(b, list, at, element_type(b)));
}

typedef struct concat_body {
    const px_tf_frame *frame;
    px_tf_port list;
    int64_t axis;
    int type;
    bool is_new; /* the axis */
} concat_body;

enum { C_COUNT, C_LIMIT, C_ALL, N_CONCAT };

/* Element `at` with the axis along which all are joined. */
static px_tf_port joint(px_tf_build *b, const concat_body *c, px_tf_port at)
{
    const px_tf_port x = item(b, px_tf_capture(b, c->frame, c->list), at, c->type);
    return c->is_new ? px_tf_2(b, "ExpandDims", x, px_tf_scalar32(b, c->axis)) : x;
}

static void concat_step(px_tf_build *b, void *user, const px_tf_port *vars, px_tf_port *out)
{
    const concat_body *c = user;
    const px_tf_port both[] = {vars[C_ALL], joint(b, c, vars[C_COUNT])};
    out[C_COUNT] = px_tf_2(b, "AddV2", vars[C_COUNT], px_tf_scalar(b, 1));
    out[C_LIMIT] = vars[C_LIMIT];
    out[C_ALL] = px_tf_concat(b, both, 2, c->axis);
}

static void concat_from_sequence(px_tf_build *b)
{
    concat_body c = {.frame = b->frame,
                     .list = px_tf_input(b, 0),
                     .axis = px_tf_int_of(b, "axis", 0),
                     .type = element_type(b),
                     .is_new = px_tf_int_of(b, "new_axis", 0) != 0};
    px_tf_port vars[N_CONCAT] = {px_tf_scalar(b, 1), length(b, c.list),
                                 joint(b, &c, px_tf_scalar(b, 0))};
    px_tf_while(b, vars, N_CONCAT, goes_on, concat_step, &c);
    px_tf_output(b, 0, vars[C_ALL]);
}

const px_tf_op_row px_tf_sequence_rows[] = {
    {"ConcatFromSequence", concat_from_sequence, NULL},
    {"SequenceAt", sequence_at, NULL},
    {"SequenceConstruct", construct, NULL},
    {"SequenceEmpty", empty, NULL},
    {"SequenceErase", erase, NULL},
    {"SequenceInsert", insert, NULL},
    {"SequenceLength", sequence_length, NULL},
    {"SplitToSequence", split_to_sequence, NULL},
    {NULL, NULL, NULL},
};
