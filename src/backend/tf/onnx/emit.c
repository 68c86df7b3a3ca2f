/* backend/tf/onnx/emit.c - both sides of an operator: the ONNX node's inputs and attributes, and
 * the TensorFlow nodes that are made of it. */
#include "backend/tf/onnx/build.h"

#include "base/tensor.h"

static const px_tf_port no_port;

enum { MAX_NODES = 1 << 22 }; /* of all graphs: bounds functions that call functions */

static const px_tf_api *api_of(const px_tf_build *b)
{
    return &b->s->lib->api;
}

void px_tf_keep_error(px_tf_build *b, pgy_status *st)
{
    if (b->st == NULL)
        b->st = st;
    else
        pgy_status_free(st);
}

void px_tf_refuse(px_tf_build *b, const char *fmt, ...)
{
    px_buf text = {0};
    va_list args;
    if (b->st != NULL)
        return;
    va_start(args, fmt);
    px_buf_vprintf(&text, fmt, args);
    va_end(args);
    const px_onnx_node *node = b->node;
    const px_str name = node->name.len > 0    ? node->name
                        : node->n_outputs > 0 ? node->outputs[0]
                                              : node->op_type;
    px_tf_keep_error(b, PX_FAIL(PGY_ERR_UNSUPPORTED, "The node '%.*s' (%.*s): %s", PX_STR_ARG(name),
                                PX_STR_ARG(node->op_type), px_buf_cstr(&text)));
    px_buf_fini(&text);
}

/* --- the node's ONNX side --- */

/* What a graph inside reads from the one around it: through the arm's condition, into the loop's
 * frame. Small constants are made again, so that TensorFlow knows them there too. */
static px_tf_port brought_in(px_tf_build *b, const px_tf_scope *scope, const px_tf_value *outer)
{
    enum { MAX_AGAIN = 64 };
    if (scope->frame != scope->outer->frame)
        return outer->known != NULL && outer->known->count <= MAX_AGAIN
                   ? px_tf_constant(b, outer->known)
                   : px_tf_capture(b, scope->outer->frame, outer->port);
    return px_tf_switch(b, outer->port, scope->condition, scope->arm);
}

const px_tf_value *px_tf_find(px_tf_build *b, px_tf_scope *scope, px_str name)
{
    px_tf_value *own = px_map_get(&scope->values, name);
    if (own != NULL || scope->outer == NULL)
        return own;
    px_tf_frame *frame = b->frame;
    b->frame = scope->outer->frame;
    const px_tf_value *outer = px_tf_find(b, scope->outer, name);
    b->frame = frame;
    if (outer == NULL)
        return NULL;
    const char *made_by =
        outer->port.node != NULL ? api_of(b)->OperationOpType(outer->port.node) : "Const";
    if (scope->frame == scope->outer->frame &&
        (scope->condition.node == NULL || strcmp(made_by, "Const") == 0))
        return outer;
    own = px_arena_calloc(&b->arena, 1, sizeof *own);
    if (own == NULL) {
        px_tf_keep_error(b, px_status_nomem());
        return outer;
    }
    b->frame = scope->frame;
    own->port = brought_in(b, scope, outer);
    b->frame = frame;
    own->known = pgy_tensor_ref(outer->known);
    px_tf_keep_error(b, px_map_set(&scope->values, name, own));
    return own;
}

static const px_tf_value *value_of(px_tf_build *b, size_t i)
{
    return px_tf_has(b, i) ? px_tf_find(b, b->scope, b->node->inputs[i]) : NULL;
}

bool px_tf_has(const px_tf_build *b, size_t i)
{
    return i < b->node->n_inputs && b->node->inputs[i].len > 0;
}

px_tf_port px_tf_input(px_tf_build *b, size_t i)
{
    const px_tf_value *value = value_of(b, i);
    if (b->st != NULL)
        return no_port;
    if (value == NULL)
        px_tf_refuse(b, "input number %zu is %s.", i,
                     px_tf_has(b, i) ? "made by no node before it" : "missing");
    return value != NULL ? value->port : no_port;
}

const pgy_tensor *px_tf_known(px_tf_build *b, size_t i)
{
    const px_tf_value *value = value_of(b, i);
    return value != NULL ? value->known : NULL;
}

void px_tf_output(px_tf_build *b, size_t i, px_tf_port port)
{
    if (b->st != NULL || i >= b->node->n_outputs || b->node->outputs[i].len == 0)
        return;
    px_tf_value *value = px_arena_calloc(&b->arena, 1, sizeof *value);
    if (value == NULL) {
        px_tf_keep_error(b, px_status_nomem());
        return;
    }
    value->port = port;
    px_tf_keep_error(b, px_map_set(&b->scope->values, b->node->outputs[i], value));
}

int64_t px_tf_int_of(const px_tf_build *b, const char *attr, int64_t otherwise)
{
    const px_onnx_attr *a = px_onnx_node_attr(b->node, attr);
    return a != NULL ? a->i : otherwise;
}

float px_tf_float_of(const px_tf_build *b, const char *attr, float otherwise)
{
    const px_onnx_attr *a = px_onnx_node_attr(b->node, attr);
    return a != NULL ? a->f : otherwise;
}

px_str px_tf_text_of(const px_tf_build *b, const char *attr, const char *otherwise)
{
    const px_onnx_attr *a = px_onnx_node_attr(b->node, attr);
    return a != NULL ? a->s : px_str_of(otherwise);
}

const px_onnx_attr *px_tf_attr(px_tf_build *b, const char *attr, px_onnx_attr_type type)
{
    const px_onnx_attr *a = px_onnx_node_attr(b->node, attr);
    if (a == NULL || a->type == type)
        return a;
    px_tf_refuse(b, "its attribute %s is of another kind than the operator wants.", attr);
    return NULL;
}

int px_tf_ints_of(px_tf_build *b, const char *attr, int64_t *out, int max)
{
    const px_onnx_attr *a = px_tf_attr(b, attr, PX_ONNX_ATTR_INTS);
    if (a == NULL)
        return -1;
    if (a->n > (size_t)max) {
        px_tf_refuse(b, "%s has %zu numbers; at most %d can be mapped.", attr, a->n, max);
        return 0;
    }
    for (size_t i = 0; i < a->n; i++)
        out[i] = a->ints[i];
    return (int)a->n;
}

int px_tf_ints_or_input(px_tf_build *b, const char *attr, size_t i, int64_t *out, int max)
{
    if (!px_tf_has(b, i))
        return px_tf_ints_of(b, attr, out, max);
    const pgy_tensor *t = px_tf_known(b, i);
    if (t == NULL || t->count > max) {
        px_tf_refuse(b, "%s must be a constant of at most %d numbers to be mapped.", attr, max);
        return 0;
    }
    for (int64_t k = 0; k < t->count; k++)
        out[k] = px_tensor_get_i64(t, k);
    return (int)t->count;
}

/* --- TensorFlow's side --- */

void px_tf_begin(px_tf_build *b, const char *op)
{
    px_buf name = {0};
    if (b->n_made >= MAX_NODES)
        px_tf_refuse(b, "the TensorFlow graph would have more than %d nodes.", MAX_NODES);
    if (b->st != NULL)
        return;
    px_buf_printf(&name, "%s/%zu", px_buf_cstr(&b->name), b->n_made++);
    if (name.failed)
        px_tf_keep_error(b, px_status_nomem());
    else
        b->making = api_of(b)->NewOperation(b->frame->graph, op, name.ptr);
    px_buf_fini(&name);
}

void px_tf_in(px_tf_build *b, px_tf_port port)
{
    if (b->making != NULL && port.node != NULL)
        api_of(b)->AddInput(b->making, port);
}

void px_tf_in_list(px_tf_build *b, const px_tf_port *ports, size_t n)
{
    if (b->making != NULL)
        api_of(b)->AddInputList(b->making, ports, (int)n);
}

void px_tf_set_text(px_tf_build *b, const char *name, const char *value)
{
    if (b->making != NULL)
        api_of(b)->SetAttrString(b->making, name, value, strlen(value));
}

void px_tf_set_ints(px_tf_build *b, const char *name, const int64_t *at, int n)
{
    if (b->making != NULL)
        api_of(b)->SetAttrIntList(b->making, name, at, n);
}

void px_tf_set_int(px_tf_build *b, const char *name, int64_t value)
{
    if (b->making != NULL)
        api_of(b)->SetAttrInt(b->making, name, value);
}

void px_tf_set_float(px_tf_build *b, const char *name, float value)
{
    if (b->making != NULL)
        api_of(b)->SetAttrFloat(b->making, name, value);
}

void px_tf_set_bool(px_tf_build *b, const char *name, bool value)
{
    if (b->making != NULL)
        api_of(b)->SetAttrBool(b->making, name, value);
}

void px_tf_set_type(px_tf_build *b, const char *name, int type)
{
    if (b->making != NULL)
        api_of(b)->SetAttrType(b->making, name, type);
}

px_tf_port px_tf_finish(px_tf_build *b)
{
    px_tf_builder *making = b->making;
    if (making == NULL)
        return no_port;
    b->making = NULL;
    px_tf_node *node = api_of(b)->FinishOperation(making, b->s->status);
    pgy_status *st = px_tf_checked(b->s);
    if (st != NULL) {
        if (b->node != NULL)
            px_tf_refuse(b, "%s", pgy_status_message(st));
        else
            px_tf_keep_error(b, st), st = NULL;
        pgy_status_free(st);
        return no_port;
    }
    return (px_tf_port){node, 0};
}

px_tf_port px_tf_1(px_tf_build *b, const char *op, px_tf_port x)
{
    px_tf_begin(b, op);
    px_tf_in(b, x);
    return px_tf_finish(b);
}

px_tf_port px_tf_2(px_tf_build *b, const char *op, px_tf_port x, px_tf_port y)
{
    px_tf_begin(b, op);
    px_tf_in(b, x);
    px_tf_in(b, y);
    return px_tf_finish(b);
}

px_tf_port px_tf_3(px_tf_build *b, const char *op, px_tf_port x, px_tf_port y, px_tf_port z)
{
    px_tf_begin(b, op);
    px_tf_in(b, x);
    px_tf_in(b, y);
    px_tf_in(b, z);
    return px_tf_finish(b);
}

px_tf_port px_tf_switch(px_tf_build *b, px_tf_port x, px_tf_port condition, int arm)
{
    px_tf_port port = px_tf_2(b, "Switch", x, condition);
    port.index = arm;
    return port;
}

px_tf_port px_tf_cast(px_tf_build *b, px_tf_port x, int type)
{
    if (b->st != NULL || px_tf_type_at(b, x) == type)
        return x;
    px_tf_begin(b, "Cast");
    px_tf_in(b, x);
    px_tf_set_type(b, "DstT", type);
    return px_tf_finish(b);
}

px_tf_port px_tf_constant(px_tf_build *b, const pgy_tensor *t)
{
    px_tf_tensor *value = NULL;
    const int type = px_tf_type_of(t->dtype);
    if (b->st != NULL)
        return no_port;
    pgy_status *st = px_tf_tensor_new(b->s->lib, t, type, &value);
    if (st != NULL) {
        px_tf_keep_error(b, st);
        return no_port;
    }
    px_tf_begin(b, "Const");
    px_tf_set_type(b, "dtype", type);
    if (b->making != NULL)
        api_of(b)->SetAttrTensor(b->making, "value", value, b->s->status);
    st = px_tf_checked(b->s);
    const px_tf_port port = px_tf_finish(b);
    if (st != NULL)
        px_tf_keep_error(b, st);
    api_of(b)->DeleteTensor(value);
    return port;
}

/* A small constant of integers, converted to `dtype`. */
static px_tf_port small(px_tf_build *b, pgy_dtype dtype, int rank, const int64_t *at, int64_t n)
{
    pgy_tensor *t = NULL, *cast = NULL;
    px_tf_port port = no_port;
    if (b->st != NULL)
        return port;
    pgy_status *st = pgy_tensor_new(PGY_DTYPE_I64, rank, &n, &t);
    if (st == NULL && n > 0)
        memcpy(pgy_tensor_data_mut(t), at, (size_t)n * sizeof *at);
    if (st == NULL)
        st = pgy_tensor_cast(t, dtype, &cast);
    if (st == NULL)
        port = px_tf_constant(b, cast);
    else
        px_tf_keep_error(b, st);
    pgy_tensor_free(cast);
    pgy_tensor_free(t);
    return port;
}

px_tf_port px_tf_vector(px_tf_build *b, const int64_t *at, int n)
{
    return small(b, PGY_DTYPE_I64, 1, at, n);
}

px_tf_port px_tf_scalar(px_tf_build *b, int64_t value)
{
    return small(b, PGY_DTYPE_I64, 0, &value, 1);
}

px_tf_port px_tf_scalar32(px_tf_build *b, int64_t value)
{
    return small(b, PGY_DTYPE_I32, 0, &value, 1);
}

px_tf_port px_tf_number(px_tf_build *b, double value, px_tf_port like)
{
    pgy_tensor *t = NULL, *cast = NULL;
    px_tf_port port = no_port;
    if (b->st != NULL)
        return port;
    pgy_status *st = pgy_tensor_new(PGY_DTYPE_F64, 0, NULL, &t);
    if (st == NULL)
        memcpy(pgy_tensor_data_mut(t), &value, sizeof value);
    if (st == NULL)
        st = pgy_tensor_cast(t, px_tf_dtype_of(px_tf_type_at(b, like)), &cast);
    if (st == NULL)
        port = px_tf_constant(b, cast);
    else
        px_tf_keep_error(b, st);
    pgy_tensor_free(cast);
    pgy_tensor_free(t);
    return port;
}

int px_tf_type_at(px_tf_build *b, px_tf_port x)
{
    return b->st == NULL ? api_of(b)->OperationOutputType(x) : PX_TF_FLOAT;
}

int px_tf_dims(px_tf_build *b, px_tf_port x, int64_t dims[PX_TF_MAX_RANK])
{
    if (b->st != NULL)
        return 0;
    const int rank = api_of(b)->GraphGetTensorNumDims(b->frame->graph, x, b->s->status);
    if (rank < 0 || rank > PX_TF_MAX_RANK) {
        px_tf_refuse(b, rank < 0
                            ? "the number of its input's dimensions is not known before it runs."
                            : "its input has too many dimensions.");
        return 0;
    }
    if (rank > 0)
        api_of(b)->GraphGetTensorShape(b->frame->graph, x, dims, rank, b->s->status);
    return rank;
}

void px_tf_say(px_tf_build *b, px_tf_port x, const int64_t *dims, int rank)
{
    if (b->st != NULL)
        return;
    api_of(b)->GraphSetTensorShape(b->frame->graph, x, dims, rank, b->s->status);
    px_tf_keep_error(b, px_tf_checked(b->s));
}

int px_tf_rank(px_tf_build *b, px_tf_port x)
{
    int64_t dims[PX_TF_MAX_RANK];
    return px_tf_dims(b, x, dims);
}

int px_tf_axis(px_tf_build *b, int64_t axis, int rank)
{
    const int64_t at = axis < 0 ? axis + rank : axis;
    if (at >= 0 && at < PX_MAX(rank, 1))
        return (int)at;
    px_tf_refuse(b, "axis %lld does not exist in a tensor of %d dimensions.", (long long)axis,
                 rank);
    return 0;
}

px_tf_port px_tf_shape(px_tf_build *b, px_tf_port x)
{
    px_tf_begin(b, "Shape");
    px_tf_in(b, x);
    px_tf_set_type(b, "out_type", PX_TF_INT64);
    return px_tf_finish(b);
}

px_tf_port px_tf_reshape(px_tf_build *b, px_tf_port x, const int64_t *dims, int n)
{
    return px_tf_2(b, "Reshape", x, px_tf_vector(b, dims, n));
}

px_tf_port px_tf_transpose(px_tf_build *b, px_tf_port x, const int64_t *order, int n)
{
    return px_tf_2(b, "Transpose", x, px_tf_vector(b, order, n));
}

px_tf_port px_tf_part(px_tf_build *b, px_tf_port x, int64_t start, int64_t n)
{
    const px_tf_port begin = px_tf_vector(b, &start, 1), size = px_tf_vector(b, &n, 1);
    return px_tf_3(b, "Slice", x, begin, size);
}

px_tf_port px_tf_concat(px_tf_build *b, const px_tf_port *parts, size_t n, int64_t axis)
{
    if (n == 1)
        return parts[0];
    const px_tf_port at = px_tf_scalar32(b, axis);
    px_tf_begin(b, "ConcatV2");
    px_tf_in_list(b, parts, n);
    px_tf_in(b, at);
    return px_tf_finish(b);
}
