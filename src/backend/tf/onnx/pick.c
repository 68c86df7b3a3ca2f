/* backend/tf/onnx/pick.c - operators that read or write single elements, by their positions.
 *
 * TensorFlow's GatherNd and TensorScatter... take a row of coordinates for each element, so that
 * what ONNX gives along one axis is completed with the element's own place in the others. Negative
 * positions count from the end, which TensorFlow does not know.
 */
#include "backend/tf/onnx/build.h"

static px_tf_port int64_input(px_tf_build *b, size_t i)
{
    return px_tf_cast(b, px_tf_input(b, i), PX_TF_INT64);
}

static px_tf_port scalar_input(px_tf_build *b, size_t i)
{
    return px_tf_reshape(b, int64_input(b, i), NULL, 0);
}

/* Length of dimension `axis`, as a scalar. */
static px_tf_port length(px_tf_build *b, px_tf_port x, int64_t axis)
{
    return px_tf_at(b, px_tf_shape(b, x), px_tf_scalar(b, axis), 0);
}

/* Positions below 0 plus `n`. */
static px_tf_port from_start(px_tf_build *b, px_tf_port at, px_tf_port n)
{
    const px_tf_port is_negative = px_tf_2(b, "Less", at, px_tf_scalar(b, 0));
    return px_tf_3(b, "SelectV2", is_negative, px_tf_2(b, "AddV2", at, n), at);
}

/* 0, 1, ... below `n`, along dimension `axis` of `rank`. */
static px_tf_port numbers_along(px_tf_build *b, px_tf_port n, int axis, int rank)
{
    int64_t dims[PX_TF_MAX_RANK];
    const px_tf_port zero = px_tf_scalar(b, 0), one = px_tf_scalar(b, 1);
    for (int i = 0; i < rank; i++)
        dims[i] = i == axis ? -1 : 1;
    return px_tf_reshape(b, px_tf_3(b, "Range", zero, n, one), dims, rank);
}

/* For each of the positions along `axis` all coordinates in x: {..., rank}. */
static px_tf_port coordinates(px_tf_build *b, px_tf_port x, px_tf_port at, int axis)
{
    px_tf_port all[PX_TF_MAX_RANK];
    const int rank = px_tf_rank(b, at);
    const px_tf_port shape = px_tf_shape(b, at);
    if (rank < 1)
        px_tf_refuse(b, "its positions must have at least one dimension.");
    for (int i = 0; i < rank && b->st == NULL; i++)
        all[i] = i == axis ? from_start(b, at, length(b, x, axis))
                           : px_tf_2(b, "BroadcastTo", numbers_along(b, length(b, at, i), i, rank),
                                     shape);
    px_tf_begin(b, "Pack");
    px_tf_in_list(b, all, (size_t)rank);
    px_tf_set_int(b, "axis", rank);
    return px_tf_finish(b);
}

static px_tf_port elements(px_tf_build *b, px_tf_port x, px_tf_port at, int axis)
{
    return px_tf_2(b, "GatherNd", x, coordinates(b, x, at, axis));
}

static void gather_elements(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), at = int64_input(b, 1);
    const int axis = px_tf_axis(b, px_tf_int_of(b, "axis", 0), px_tf_rank(b, x));
    px_tf_output(b, 0, elements(b, x, at, axis));
}

/* TensorFlow's operator for the attribute `reduction`. */
static const char *scatter_op(px_tf_build *b)
{
    static const char *const known[][2] = {{"none", "TensorScatterUpdate"},
                                           {"add", "TensorScatterAdd"},
                                           {"max", "TensorScatterMax"},
                                           {"min", "TensorScatterMin"}};
    const px_str name = px_tf_text_of(b, "reduction", "none");
    for (size_t i = 0; i < PX_COUNTOF(known); i++)
        if (px_str_is(name, known[i][0]))
            return known[i][1];
    px_tf_refuse(b, "reduction '%.*s' has no counterpart in TensorFlow.", PX_STR_ARG(name));
    return known[0][1];
}

static void scatter_elements(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), at = int64_input(b, 1), values = px_tf_input(b, 2);
    const int axis = px_tf_axis(b, px_tf_int_of(b, "axis", 0), px_tf_rank(b, x));
    const char *op = scatter_op(b);
    px_tf_output(b, 0, px_tf_3(b, op, x, coordinates(b, x, at, axis), values));
}

/* Rows of coordinates of the first dimensions of x, all from its start. */
static px_tf_port rows_of(px_tf_build *b, px_tf_port x, px_tf_port at)
{
    int64_t dims[PX_TF_MAX_RANK];
    const int rank = px_tf_dims(b, at, dims);
    if (rank < 1 || dims[rank - 1] < 0) {
        px_tf_refuse(b, "the number of its coordinates is not known before it runs.");
        return at;
    }
    return from_start(b, at, px_tf_part(b, px_tf_shape(b, x), 0, dims[rank - 1]));
}

static void gather_nd(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), at = int64_input(b, 1);
    if (px_tf_int_of(b, "batch_dims", 0) != 0)
        px_tf_refuse(b, "batch_dims is not mapped.");
    px_tf_output(b, 0, px_tf_2(b, "GatherNd", x, rows_of(b, x, at)));
}

static void scatter_nd(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), at = int64_input(b, 1), values = px_tf_input(b, 2);
    const char *op = scatter_op(b);
    px_tf_output(b, 0, px_tf_3(b, op, x, rows_of(b, x, at), values));
}

static void non_zero(px_tf_build *b)
{
    const px_tf_port rows = px_tf_1(b, "Where", px_tf_input(b, 0));
    px_tf_output(b, 0, px_tf_transpose(b, rows, (const int64_t[]){1, 0}, 2));
}

static void compress(px_tf_build *b)
{
    const int64_t all = -1;
    const px_onnx_attr *has_axis = px_onnx_node_attr(b->node, "axis");
    px_tf_port x = px_tf_input(b, 0);
    if (has_axis == NULL)
        x = px_tf_reshape(b, x, &all, 1);
    const px_tf_port at = px_tf_reshape(b, px_tf_1(b, "Where", px_tf_input(b, 1)), &all, 1);
    const int64_t axis = px_tf_int_of(b, "axis", 0);
    px_tf_output(b, 0, px_tf_3(b, "GatherV2", x, at, px_tf_scalar32(b, axis)));
}

static void one_hot(px_tf_build *b)
{
    const px_tf_port depth = scalar_input(b, 1), values = px_tf_input(b, 2);
    const px_tf_port at = from_start(b, int64_input(b, 0), depth);
    const px_tf_port off = px_tf_at(b, values, px_tf_scalar(b, 0), 0),
                     on = px_tf_at(b, values, px_tf_scalar(b, 1), 0);
    int64_t axis = px_tf_int_of(b, "axis", -1);
    const int rank = px_tf_rank(b, at) + 1;
    axis = px_tf_axis(b, axis, rank);
    const px_tf_port depth32 = px_tf_cast(b, depth, PX_TF_INT32);
    px_tf_begin(b, "OneHot");
    px_tf_in(b, at);
    px_tf_in(b, depth32);
    px_tf_in(b, on);
    px_tf_in(b, off);
    px_tf_set_int(b, "axis", axis == rank - 1 ? -1 : axis);
    px_tf_output(b, 0, px_tf_finish(b));
}

/* 1 for the first of the largest along the axis; all dimensions from it on are one before operator
 * set 13. */
static void hardmax(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), shape = px_tf_shape(b, x);
    const bool is_old = b->opset < 13;
    const int rank = px_tf_rank(b, x);
    int axis = px_tf_axis(b, px_tf_int_of(b, "axis", is_old ? 1 : -1), rank);
    px_tf_port rows = x;
    int n = rank;
    if (is_old) {
        const px_tf_port flat[] = {px_tf_part(b, shape, 0, axis),
                                   px_tf_vector(b, (const int64_t[]){-1}, 1)};
        rows = px_tf_2(b, "Reshape", x, px_tf_concat(b, flat, 2, 0));
        n = axis + 1;
    }
    const px_tf_port at = px_tf_2(b, "ArgMax", rows, px_tf_scalar32(b, axis));
    const px_tf_port depth = px_tf_cast(b, length(b, rows, axis), PX_TF_INT32),
                     one = px_tf_number(b, 1, x), zero = px_tf_number(b, 0, x);
    px_tf_begin(b, "OneHot");
    px_tf_in(b, at);
    px_tf_in(b, depth);
    px_tf_in(b, one);
    px_tf_in(b, zero);
    px_tf_set_int(b, "axis", axis == n - 1 ? -1 : axis);
    px_tf_output(b, 0, px_tf_2(b, "Reshape", px_tf_finish(b), shape));
}

static void top_k(px_tf_build *b)
{
    int64_t order[PX_TF_MAX_RANK]; /* its own inverse */
    px_tf_port x = px_tf_input(b, 0);
    const int rank = px_tf_rank(b, x);
    const int axis = px_tf_axis(b, px_tf_int_of(b, "axis", -1), rank);
    const bool is_smallest = px_tf_int_of(b, "largest", 1) == 0;
    const int64_t n_old = px_tf_int_of(b, "k", 0);
    const px_tf_port n = b->opset < 10 ? px_tf_scalar(b, n_old) : scalar_input(b, 1);
    const px_tf_port n32 = px_tf_cast(b, n, PX_TF_INT32);
    for (int i = 0; i < rank; i++)
        order[i] = i == axis ? rank - 1 : i == rank - 1 ? axis : i;
    x = px_tf_transpose(b, x, order, rank);
    if (is_smallest)
        x = px_tf_1(b, "Neg", x);
    px_tf_port values = px_tf_2(b, "TopKV2", x, n32);
    const px_tf_port at = px_tf_cast(b, (px_tf_port){values.node, 1}, PX_TF_INT64);
    if (is_smallest)
        values = px_tf_1(b, "Neg", values);
    px_tf_output(b, 0, px_tf_transpose(b, values, order, rank));
    px_tf_output(b, 1, px_tf_transpose(b, at, order, rank));
}

static void cum_sum(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), axis = scalar_input(b, 1);
    px_tf_begin(b, "Cumsum");
    px_tf_in(b, x);
    px_tf_in(b, axis);
    px_tf_set_bool(b, "exclusive", px_tf_int_of(b, "exclusive", 0) != 0);
    px_tf_set_bool(b, "reverse", px_tf_int_of(b, "reverse", 0) != 0);
    px_tf_output(b, 0, px_tf_finish(b));
}

static void reverse_sequence(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), lengths = int64_input(b, 1);
    px_tf_begin(b, "ReverseSequence");
    px_tf_in(b, x);
    px_tf_in(b, lengths);
    px_tf_set_int(b, "seq_dim", px_tf_int_of(b, "time_axis", 0));
    px_tf_set_int(b, "batch_dim", px_tf_int_of(b, "batch_axis", 1));
    px_tf_output(b, 0, px_tf_finish(b));
}

/* --- by row and column --- */

/* Column less row of each element of the last two dimensions. */
static px_tf_port diagonals(px_tf_build *b, px_tf_port x)
{
    const int rank = px_tf_rank(b, x);
    if (rank < 2) {
        px_tf_refuse(b, "its input is no matrix.");
        return x;
    }
    const px_tf_port rows = numbers_along(b, length(b, x, rank - 2), 0, 2),
                     columns = numbers_along(b, length(b, x, rank - 1), 1, 2);
    return px_tf_2(b, "Sub", columns, rows);
}

static void trilu(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const px_tf_port k = px_tf_has(b, 1) ? scalar_input(b, 1) : px_tf_scalar(b, 0);
    const bool is_upper = px_tf_int_of(b, "upper", 1) != 0;
    const px_tf_port kept = px_tf_2(b, is_upper ? "GreaterEqual" : "LessEqual", diagonals(b, x), k);
    px_tf_output(b, 0, px_tf_3(b, "SelectV2", kept, x, px_tf_number(b, 0, x)));
}

static void eye_like(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0);
    const int64_t to = px_tf_int_of(b, "dtype", 0);
    const int type = to != 0 ? px_tf_type_of((pgy_dtype)to) : px_tf_type_at(b, x);
    const px_tf_port k = px_tf_scalar(b, px_tf_int_of(b, "k", 0));
    if (type == 0)
        px_tf_refuse(b, "TensorFlow has no counterpart of its element type.");
    px_tf_output(b, 0, px_tf_cast(b, px_tf_2(b, "Equal", diagonals(b, x), k), type));
}

/* --- blocks of an image and channels --- */

/* x with the six dimensions `dims`, in another order, and joined again to the four of `to`. */
static px_tf_port regrouped(px_tf_build *b, px_tf_port x, const px_tf_port *dims,
                            const int64_t *order, const px_tf_port *to)
{
    x = px_tf_2(b, "Reshape", x, px_tf_concat(b, dims, 6, 0));
    x = px_tf_transpose(b, x, order, 6);
    return px_tf_2(b, "Reshape", x, px_tf_concat(b, to, 4, 0));
}

static px_tf_port times(px_tf_build *b, px_tf_port n, int64_t by)
{
    return px_tf_2(b, "Mul", n, px_tf_vector(b, &by, 1));
}

static px_tf_port over(px_tf_build *b, px_tf_port n, int64_t by)
{
    return px_tf_2(b, "TruncateDiv", n, px_tf_vector(b, &by, 1));
}

static void space_and_depth(px_tf_build *b)
{
    const px_tf_port x = px_tf_input(b, 0), shape = px_tf_shape(b, x);
    const int64_t k = px_tf_int_of(b, "blocksize", 0);
    if (k < 1 || k > INT32_MAX || px_tf_rank(b, x) != 4) {
        px_tf_refuse(b, "blocksize is %lld, or its input is no image.", (long long)k);
        return;
    }
    const px_tf_port n = px_tf_part(b, shape, 0, 1), c = px_tf_part(b, shape, 1, 1),
                     h = px_tf_part(b, shape, 2, 1), w = px_tf_part(b, shape, 3, 1),
                     block = px_tf_vector(b, &k, 1);
    px_tf_port y;
    if (px_str_is(b->node->op_type, "SpaceToDepth")) {
        const px_tf_port rows = over(b, h, k), columns = over(b, w, k);
        y = regrouped(b, x, (const px_tf_port[]){n, c, rows, block, columns, block},
                      (const int64_t[]){0, 3, 5, 1, 2, 4},
                      (const px_tf_port[]){n, times(b, c, k * k), rows, columns});
    } else {
        const px_tf_port depth = over(b, c, k * k);
        const px_tf_port to[] = {n, depth, times(b, h, k), times(b, w, k)};
        y = px_str_is(px_tf_text_of(b, "mode", "DCR"), "CRD")
                ? regrouped(b, x, (const px_tf_port[]){n, depth, block, block, h, w},
                            (const int64_t[]){0, 1, 4, 2, 5, 3}, to)
                : regrouped(b, x, (const px_tf_port[]){n, block, block, depth, h, w},
                            (const int64_t[]){0, 3, 4, 1, 5, 2}, to);
    }
    px_tf_output(b, 0, y);
}

/* --- losses --- */

/* Logarithms of probabilities {n, c, ...} and classes {n, ...} -> what each class costs. */
static void give_loss(px_tf_build *b, px_tf_port logs)
{
    const px_onnx_attr *has_ignored = px_onnx_node_attr(b->node, "ignore_index");
    const px_str reduction = px_tf_text_of(b, "reduction", "mean");
    const int rank = px_tf_rank(b, logs);
    px_tf_port target = int64_input(b, 1), is_ignored = {0};
    if (has_ignored != NULL) {
        is_ignored = px_tf_2(b, "Equal", target, px_tf_scalar(b, has_ignored->i));
        target = px_tf_3(b, "SelectV2", is_ignored, px_tf_scalar(b, 0), target);
    }
    const px_tf_port axis = px_tf_scalar32(b, 1), first = px_tf_scalar32(b, 0);
    const px_tf_port picked = elements(b, logs, px_tf_2(b, "ExpandDims", target, axis), 1);
    const px_tf_port place = px_tf_scalar(b, 0);
    px_tf_port loss = px_tf_1(b, "Neg", px_tf_at(b, picked, place, 1));
    px_tf_port weights = px_tf_1(b, "OnesLike", loss);
    if (px_tf_has(b, 2))
        weights = px_tf_3(b, "GatherV2", px_tf_input(b, 2), target, first);
    if (has_ignored != NULL)
        weights = px_tf_3(b, "SelectV2", is_ignored, px_tf_number(b, 0, loss), weights);
    loss = px_tf_2(b, "Mul", loss, weights);
    if (!px_str_is(reduction, "none")) {
        int64_t axes[PX_TF_MAX_RANK];
        for (int i = 0; i < rank - 1; i++)
            axes[i] = i;
        const px_tf_port all = px_tf_vector(b, axes, PX_MAX(rank - 1, 0));
        loss = px_tf_2(b, "Sum", loss, all);
        if (px_str_is(reduction, "mean"))
            loss = px_tf_2(b, "RealDiv", loss, px_tf_2(b, "Sum", weights, all));
    }
    px_tf_output(b, 0, loss);
}

static void likelihood_loss(px_tf_build *b)
{
    give_loss(b, px_tf_input(b, 0));
}

static void softmax_loss(px_tf_build *b)
{
    int64_t order[PX_TF_MAX_RANK]; /* its own inverse */
    px_tf_port x = px_tf_input(b, 0);
    const int rank = px_tf_rank(b, x);
    if (rank < 2) {
        px_tf_refuse(b, "its scores must have at least 2 dimensions.");
        return;
    }
    for (int i = 0; i < rank; i++)
        order[i] = i == 1 ? rank - 1 : i == rank - 1 ? 1 : i;
    x = px_tf_1(b, "LogSoftmax", px_tf_transpose(b, x, order, rank));
    x = px_tf_transpose(b, x, order, rank);
    px_tf_output(b, 1, x);
    give_loss(b, x);
}

const px_tf_op_row px_tf_pick_rows[] = {
    {"Compress", compress, NULL},
    {"CumSum", cum_sum, NULL},
    {"DepthToSpace", space_and_depth, NULL},
    {"EyeLike", eye_like, NULL},
    {"GatherElements", gather_elements, NULL},
    {"GatherND", gather_nd, NULL},
    {"Hardmax", hardmax, NULL},
    {"NegativeLogLikelihoodLoss", likelihood_loss, NULL},
    {"NonZero", non_zero, NULL},
    {"OneHot", one_hot, NULL},
    {"ReverseSequence", reverse_sequence, NULL},
    {"Scatter", scatter_elements, NULL},
    {"ScatterElements", scatter_elements, NULL},
    {"ScatterND", scatter_nd, NULL},
    {"SoftmaxCrossEntropyLoss", softmax_loss, NULL},
    {"SpaceToDepth", space_and_depth, NULL},
    {"TopK", top_k, NULL},
    {"Trilu", trilu, NULL},
    {NULL, NULL, NULL},
};
