/* backend/tf/onnx/shape.c - operators that make, move and select elements. */
#include "backend/tf/onnx/build.h"

#include "base/tensor.h"

static void identity(px_tf_build *b)
{
    px_tf_output(b, 0, px_tf_1(b, "Identity", px_tf_input(b, 0)));
}

/* Inference keeps everything. */
static void dropout(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    px_tf_output(b, 0, px_tf_1(b, "Identity", x));
    if (b->node->n_outputs > 1) { /* the mask was of the input's type once */
        const px_tf_port shape = px_tf_shape(b, x), one = px_tf_scalar(b, 1);
        const int type = b->opset < 10 ? px_tf_type_at(b, x) : PX_TF_BOOL;
        px_tf_output(b, 1, px_tf_2(b, "Fill", shape, px_tf_cast(b, one, type)));
    }
}

/* Only what carries no tensor arrives here: build.c makes the others. */
static void constant(px_tf_build *b)
{
    const px_onnx_attr *a = b->node->n_attrs == 1 ? &b->node->attrs[0] : NULL;
    pgy_tensor *t = NULL;
    pgy_status *st = NULL;
    const int64_t n = a != NULL ? (int64_t)a->n : 0;
    if (a != NULL && px_str_is(a->name, "value_float")) {
        st = pgy_tensor_new(PGY_DTYPE_F32, 0, NULL, &t);
        if (st == NULL)
            memcpy(pgy_tensor_data_mut(t), &a->f, sizeof a->f);
    } else if (a != NULL && px_str_is(a->name, "value_int")) {
        st = pgy_tensor_new(PGY_DTYPE_I64, 0, NULL, &t);
        if (st == NULL)
            memcpy(pgy_tensor_data_mut(t), &a->i, sizeof a->i);
    } else if (a != NULL && px_str_is(a->name, "value_floats") && a->type == PX_ONNX_ATTR_FLOATS) {
        st = pgy_tensor_new(PGY_DTYPE_F32, 1, &n, &t);
        if (st == NULL && n > 0)
            memcpy(pgy_tensor_data_mut(t), a->floats, a->n * sizeof *a->floats);
    } else if (a != NULL && px_str_is(a->name, "value_ints") && a->type == PX_ONNX_ATTR_INTS) {
        st = pgy_tensor_new(PGY_DTYPE_I64, 1, &n, &t);
        if (st == NULL && n > 0)
            memcpy(pgy_tensor_data_mut(t), a->ints, a->n * sizeof *a->ints);
    } else {
        px_tf_refuse(b, "its value is no tensor of numbers.");
    }
    if (st != NULL)
        b->st = st;
    if (t != NULL)
        px_tf_output(b, 0, px_tf_constant(b, t));
    pgy_tensor_free(t);
}

static void constant_of_shape(px_tf_build *b)
{
    const px_tf_port shape = px_tf_input(b, 0);
    const px_onnx_attr *a = px_onnx_node_attr(b->node, "value");
    pgy_tensor *t = NULL, *scalar = NULL;
    pgy_status *st = a != NULL && a->t != NULL ? px_onnx_tensor_load(b->onnx, a->t, &t)
                                               : pgy_tensor_new(PGY_DTYPE_F32, 0, NULL, &t);
    if (st == NULL)
        st = pgy_tensor_reshape(t, 0, NULL, &scalar);
    if (st == NULL)
        px_tf_output(b, 0, px_tf_2(b, "Fill", shape, px_tf_constant(b, scalar)));
    else if (b->st == NULL)
        b->st = st;
    pgy_tensor_free(scalar);
    pgy_tensor_free(t);
}

static void shape(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    px_tf_port dims = px_tf_shape(b, x);
    if (px_onnx_node_attr(b->node, "start") != NULL || px_onnx_node_attr(b->node, "end") != NULL) {
        const int64_t rank = px_tf_rank(b, x);
        int64_t start = px_tf_int_of(b, "start", 0), end = px_tf_int_of(b, "end", rank);
        start = PX_MIN(PX_MAX(start < 0 ? start + rank : start, 0), rank);
        end = PX_MIN(PX_MAX(end < 0 ? end + rank : end, start), rank);
        dims = px_tf_part(b, dims, start, end - start);
    }
    px_tf_output(b, 0, dims);
}

static void size(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    px_tf_begin(b, "Size");
    px_tf_in(b, x);
    px_tf_set_type(b, "out_type", PX_TF_INT64);
    px_tf_output(b, 0, px_tf_finish(b));
}

/* A zero in the shape stands for the input's own dimension, unless `allowzero` is set. */
static void reshape(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    int64_t dims[PX_TF_MAX_RANK];
    const int n = b->opset < 5 ? px_tf_ints_of(b, "shape", dims, PX_TF_MAX_RANK) : -1;
    if (n >= 0) {
        px_tf_output(b, 0, px_tf_reshape(b, x, dims, n));
        return;
    }
    px_tf_port to = px_tf_cast(b, px_tf_input(b, 1), PX_TF_INT64);
    const pgy_tensor *known = px_tf_known(b, 1);
    bool has_zero = known == NULL;
    for (int64_t i = 0; known != NULL && i < known->count; i++)
        has_zero |= px_tensor_get_i64(known, i) == 0;
    if (has_zero && px_tf_int_of(b, "allowzero", 0) == 0) {
        /* The input's dimensions, cut or filled up to as many as there are in `to`. */
        const px_tf_port count = px_tf_shape(b, to);
        const px_tf_port ones = px_tf_2(b, "Fill", count, px_tf_scalar(b, 1));
        const px_tf_port all = px_tf_concat(b, (px_tf_port[]){px_tf_shape(b, x), ones}, 2, 0);
        const px_tf_port start = px_tf_vector(b, (const int64_t[]){0}, 1);
        const px_tf_port own = px_tf_3(b, "Slice", all, start, count);
        const px_tf_port is_zero = px_tf_2(b, "Equal", to, px_tf_scalar(b, 0));
        to = px_tf_3(b, "SelectV2", is_zero, own, to);
    }
    px_tf_output(b, 0, px_tf_2(b, "Reshape", x, to));
}

static void flatten(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const int rank = px_tf_rank(b, x);
    int64_t axis = px_tf_int_of(b, "axis", 1);
    axis = axis < 0 ? axis + rank : axis;
    if (axis < 0 || axis > rank)
        px_tf_refuse(b, "axis %lld does not exist.", (long long)axis);
    const px_tf_port dims = px_tf_shape(b, x);
    px_tf_port to[2] = {{0}};
    for (int i = 0; i < 2; i++) {
        const px_tf_port part =
            i == 0 ? px_tf_part(b, dims, 0, axis) : px_tf_part(b, dims, axis, rank - axis);
        const px_tf_port zero = px_tf_scalar32(b, 0);
        px_tf_begin(b, "Prod");
        px_tf_in(b, part);
        px_tf_in(b, zero);
        px_tf_set_bool(b, "keep_dims", true);
        to[i] = px_tf_finish(b);
    }
    px_tf_output(b, 0, px_tf_2(b, "Reshape", x, px_tf_concat(b, to, 2, 0)));
}

static void transpose(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    int64_t order[PX_TF_MAX_RANK];
    int n = px_tf_ints_of(b, "perm", order, PX_TF_MAX_RANK);
    if (n < 0) {
        n = px_tf_rank(b, x);
        for (int i = 0; i < n; i++)
            order[i] = n - 1 - i;
    }
    px_tf_output(b, 0, px_tf_transpose(b, x, order, n));
}

static void squeeze(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    int64_t axes[PX_TF_MAX_RANK];
    const int n = px_tf_ints_or_input(b, "axes", 1, axes, PX_TF_MAX_RANK);
    px_tf_begin(b, "Squeeze");
    px_tf_in(b, x);
    if (n > 0)
        px_tf_set_ints(b, "squeeze_dims", axes, n);
    px_tf_output(b, 0, px_tf_finish(b));
}

static void unsqueeze(px_tf_build *b)
{
    px_tf_port x = px_tf_input(b, 0);
    int64_t axes[PX_TF_MAX_RANK];
    const int n = PX_MAX(px_tf_ints_or_input(b, "axes", 1, axes, PX_TF_MAX_RANK), 0);
    const int rank = px_tf_rank(b, x) + n;
    bool is_new[2 * PX_TF_MAX_RANK] = {false};
    for (int i = 0; i < n; i++)
        is_new[px_tf_axis(b, axes[i], rank)] = true;
    for (int i = 0; i < rank; i++) /* in order, so that each lands where it says */
        if (is_new[i])
            x = px_tf_2(b, "ExpandDims", x, px_tf_scalar32(b, i));
    px_tf_output(b, 0, px_tf_1(b, "Identity", x));
}

static void concat(px_tf_build *b)
{
    px_tf_port *in = px_arena_calloc(&b->arena, b->node->n_inputs, sizeof *in);
    if (in == NULL) {
        b->st = px_status_nomem();
        return;
    }
    for (size_t i = 0; i < b->node->n_inputs; i++)
        in[i] = px_tf_input(b, i);
    if (b->node->n_inputs == 1)
        px_tf_output(b, 0, px_tf_1(b, "Identity", in[0]));
    else
        px_tf_output(b, 0, px_tf_concat(b, in, b->node->n_inputs, px_tf_int_of(b, "axis", 1)));
}

/* In equal parts, of which the last may be smaller, or in those that are given. */
static void split(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    int64_t sizes[64], dims[PX_TF_MAX_RANK];
    const int n_outputs = (int)b->node->n_outputs;
    const int rank = px_tf_dims(b, x, dims);
    const int axis = px_tf_axis(b, px_tf_int_of(b, "axis", 0), rank);
    int n = px_tf_ints_or_input(b, "split", 1, sizes, PX_COUNTOF(sizes));
    if (n <= 0 && n_outputs <= (int)PX_COUNTOF(sizes) && rank > 0 && dims[axis] >= 0) {
        const int64_t each = (dims[axis] + n_outputs - 1) / n_outputs;
        for (n = 0; n < n_outputs; n++)
            sizes[n] = PX_MAX(PX_MIN(each, dims[axis] - n * each), 0);
    }
    if (n != n_outputs) {
        px_tf_refuse(b, "the sizes of its parts are not known before it runs.");
        return;
    }
    const px_tf_port lengths = px_tf_vector(b, sizes, n), at = px_tf_scalar32(b, axis);
    px_tf_begin(b, "SplitV");
    px_tf_in(b, x);
    px_tf_in(b, lengths);
    px_tf_in(b, at);
    px_tf_set_int(b, "num_split", n);
    px_tf_port part = px_tf_finish(b);
    for (; part.index < n; part.index++)
        px_tf_output(b, (size_t)part.index, part);
}

/* One element of each vector per dimension up to the last sliced one; `otherwise` where a
 * dimension is not sliced. */
static px_tf_port spread(px_tf_build *b, px_tf_port from, const int *place, int n,
                         int64_t otherwise)
{
    px_tf_port parts[PX_TF_MAX_RANK];
    const px_tf_port filler = px_tf_vector(b, &otherwise, 1);
    for (int i = 0; i < n; i++)
        parts[i] = place[i] < 0 ? filler : px_tf_part(b, from, place[i], 1);
    return px_tf_concat(b, parts, (size_t)n, 0);
}

static void slice(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const bool is_old = b->opset < 10;
    int64_t axes[PX_TF_MAX_RANK], starts[PX_TF_MAX_RANK], ends[PX_TF_MAX_RANK];
    int place[PX_TF_MAX_RANK], n_dims = 0;
    const int rank = px_tf_rank(b, x);
    int n = px_tf_ints_or_input(b, "axes", 3, axes, PX_TF_MAX_RANK), n_starts = 0;
    px_tf_port from, to, by;
    if (is_old) {
        n_starts = px_tf_ints_of(b, "starts", starts, PX_TF_MAX_RANK);
        if (n_starts < 0 || px_tf_ints_of(b, "ends", ends, PX_TF_MAX_RANK) != n_starts) {
            px_tf_refuse(b, "starts and ends do not fit.");
            return;
        }
        from = px_tf_vector(b, starts, n_starts);
        to = px_tf_vector(b, ends, n_starts);
    } else {
        from = px_tf_cast(b, px_tf_input(b, 1), PX_TF_INT64);
        to = px_tf_cast(b, px_tf_input(b, 2), PX_TF_INT64);
        int64_t dims[PX_TF_MAX_RANK];
        n_starts = px_tf_dims(b, from, dims) == 1 ? (int)dims[0] : -1;
    }
    if (n < 0) { /* the first ones */
        n = n_starts;
        for (int i = 0; i < n; i++)
            axes[i] = i;
    }
    if (n < 0 || n > rank || n_starts != n) {
        px_tf_refuse(b, "the number of sliced dimensions is not known before it runs.");
        return;
    }
    const int64_t one = 1;
    by = px_tf_has(b, 4) ? px_tf_cast(b, px_tf_input(b, 4), PX_TF_INT64) : px_tf_vector(b, &one, 1);
    for (int i = 0; i < PX_TF_MAX_RANK; i++)
        place[i] = -1;
    for (int i = 0; i < n; i++) {
        const int axis = px_tf_axis(b, axes[i], rank);
        place[axis] = i;
        n_dims = PX_MAX(n_dims, axis + 1);
    }
    int64_t mask = 0;
    for (int i = 0; i < n_dims; i++)
        mask |= place[i] < 0 ? (int64_t)1 << i : 0;
    if (n_dims == 0) {
        px_tf_output(b, 0, px_tf_1(b, "Identity", x));
        return;
    }
    from = spread(b, from, place, n_dims, 0);
    to = spread(b, to, place, n_dims, 0);
    if (!px_tf_has(b, 4))
        for (int i = 0; i < n_dims; i++)
            place[i] = -1;
    by = spread(b, by, place, n_dims, 1);
    px_tf_begin(b, "StridedSlice");
    px_tf_in(b, x);
    px_tf_in(b, from);
    px_tf_in(b, to);
    px_tf_in(b, by);
    px_tf_set_int(b, "begin_mask", mask);
    px_tf_set_int(b, "end_mask", mask);
    px_tf_output(b, 0, px_tf_finish(b));
}

static void gather(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), at = px_tf_input(b, 1);
    const int axis = px_tf_axis(b, px_tf_int_of(b, "axis", 0), px_tf_rank(b, x));
    /* Negative positions count from the end, which TensorFlow does not know. */
    const px_tf_port dims = px_tf_part(b, px_tf_shape(b, x), axis, 1);
    px_tf_begin(b, "Squeeze");
    px_tf_in(b, dims);
    const px_tf_port length = px_tf_cast(b, px_tf_finish(b), px_tf_type_at(b, at));
    const px_tf_port negative = px_tf_2(b, "Less", at, px_tf_number(b, 0, at));
    const px_tf_port from_end = px_tf_2(b, "AddV2", at, length);
    const px_tf_port places = px_tf_3(b, "SelectV2", negative, from_end, at);
    px_tf_output(b, 0, px_tf_3(b, "GatherV2", x, places, px_tf_scalar32(b, axis)));
}

static void expand(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const px_tf_port to = px_tf_cast(b, px_tf_input(b, 1), PX_TF_INT64);
    const px_tf_port both = px_tf_2(b, "BroadcastArgs", px_tf_shape(b, x), to);
    px_tf_output(b, 0, px_tf_2(b, "BroadcastTo", x, both));
}

static void tile(px_tf_build *b)
{
    px_tf_output(b, 0, px_tf_2(b, "Tile", px_tf_input(b, 0), px_tf_input(b, 1)));
}

static void range(px_tf_build *b)
{
    px_tf_output(b, 0,
                 px_tf_3(b, "Range", px_tf_input(b, 0), px_tf_input(b, 1), px_tf_input(b, 2)));
}

/* ONNX lists all begins, then all ends; TensorFlow wants a row per dimension. */
static void pad(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const px_str mode = px_tf_text_of(b, "mode", "constant");
    int64_t pads[2 * PX_TF_MAX_RANK];
    px_tf_port rows, value;
    const int rank = px_tf_rank(b, x);
    if (px_tf_has(b, 3))
        px_tf_refuse(b, "pads of chosen axes only are not mapped.");
    if (b->opset < 11) {
        const int n = px_tf_ints_of(b, "pads", pads, PX_COUNTOF(pads));
        rows = px_tf_vector(b, pads, PX_MAX(n, 0));
        value = px_tf_number(b, px_tf_float_of(b, "value", 0), x);
    } else {
        rows = px_tf_cast(b, px_tf_input(b, 1), PX_TF_INT64);
        value =
            px_tf_has(b, 2) ? px_tf_reshape(b, px_tf_input(b, 2), NULL, 0) : px_tf_number(b, 0, x);
    }
    rows = px_tf_reshape(b, rows, (const int64_t[]){2, rank}, 2);
    rows = px_tf_transpose(b, rows, (const int64_t[]){1, 0}, 2);
    if (px_str_is(mode, "constant")) {
        px_tf_output(b, 0, px_tf_3(b, "PadV2", x, rows, value));
        return;
    }
    if (!px_str_is(mode, "reflect"))
        px_tf_refuse(b, "mode '%.*s' has no counterpart in TensorFlow.", PX_STR_ARG(mode));
    px_tf_begin(b, "MirrorPad");
    px_tf_in(b, x);
    px_tf_in(b, rows);
    px_tf_set_text(b, "mode", "REFLECT");
    px_tf_output(b, 0, px_tf_finish(b));
}

const px_tf_op_row px_tf_shape_rows[] = {
    {"Concat", concat, NULL},
    {"Constant", constant, NULL},
    {"ConstantOfShape", constant_of_shape, NULL},
    {"Dropout", dropout, NULL},
    {"Expand", expand, NULL},
    {"Flatten", flatten, NULL},
    {"Gather", gather, NULL},
    {"Identity", identity, NULL},
    {"Pad", pad, NULL},
    {"Range", range, NULL},
    {"Reshape", reshape, NULL},
    {"Shape", shape, NULL},
    {"Size", size, NULL},
    {"Slice", slice, NULL},
    {"Split", split, NULL},
    {"Squeeze", squeeze, NULL},
    {"Tile", tile, NULL},
    {"Transpose", transpose, NULL},
    {"Unsqueeze", unsqueeze, NULL},
    {NULL, NULL, NULL},
};
