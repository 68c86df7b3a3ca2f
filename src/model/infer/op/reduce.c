/* model/infer/op/reduce.c - reductions over axes. */
#include "model/infer/infer.h"

static void reduce_over(px_infer_call *c, size_t axes_input)
{
    const int rank = px_infer_rank(c, 0);
    const bool keep = px_infer_attr_i(c, "keepdims", 1) != 0;
    int axes[PX_MAX_RANK], n_out = 0;
    bool reduced[PX_MAX_RANK] = {false};
    px_dim dims[PX_MAX_RANK];
    size_t n = 0;
    const px_infer_axes how = px_infer_axes_of(c, axes_input, PX_MAX(rank, 0), axes, &n);
    const bool has_none = px_infer_attr_i(c, "noop_with_empty_axes", 0) != 0;
    /* Axes left out, or an empty list of them: all, or none. */
    bool all = how == PX_INFER_AXES_NONE || (how == PX_INFER_AXES_GIVEN && n == 0);
    if (all && has_none) {
        px_infer_same_shape(c, 0, 0);
        return;
    }
    if (rank < 0) {
        if (how == PX_INFER_AXES_NONE && !keep)
            px_infer_shape(c, 0, 0, NULL);
        return;
    }
    if (how == PX_INFER_AXES_UNKNOWN) {
        for (int d = 0; d < rank; d++)
            dims[d] = px_infer_unknown(c);
        if (keep && px_infer_has(c, 1)) /* computed by the model; each dim stays or is 1 */
            px_infer_shape(c, 0, rank, dims);
        return;
    }
    for (size_t i = 0; i < n; i++)
        reduced[axes[i]] = true;
    for (int d = 0; d < rank; d++) {
        if (!all && !reduced[d])
            dims[n_out++] = c->in[0]->dims[d];
        else if (keep)
            dims[n_out++] = px_dim_const(1);
    }
    px_infer_shape(c, 0, n_out, dims);
}

static void reduce_attr(px_infer_call *c)
{
    reduce_over(c, SIZE_MAX);
}

static void reduce_input(px_infer_call *c)
{
    reduce_over(c, 1);
}

/* The product of a shape is a count of elements; the other way to write Size. */
static void reduce_data(px_infer_call *c, px_dim_op op)
{
    const px_infer_value *v = c->in[0];
    if (c->n_out == 0 || !v->data || v->rank != 1 || c->out[0].rank < 0 || v->n_data == 0 ||
        (c->out[0].rank == 1 && !px_dim_is(c->out[0].dims[0], 1)))
        return;
    px_dim result = v->data[0];
    for (size_t i = 1; i < v->n_data; i++)
        result = px_dim_calc(px_infer_dims_table(c->infer), op, result, v->data[i]);
    px_infer_set_data(c, 0, &result, 1);
}

static void product_attr(px_infer_call *c)
{
    reduce_attr(c);
    reduce_data(c, PX_DIM_MUL);
}

static void product_input(px_infer_call *c)
{
    reduce_input(c);
    reduce_data(c, PX_DIM_MUL);
}

static void sum_attr(px_infer_call *c)
{
    reduce_attr(c);
    reduce_data(c, PX_DIM_ADD);
}

static void sum_input(px_infer_call *c)
{
    reduce_input(c);
    reduce_data(c, PX_DIM_ADD);
}

static void max_attr(px_infer_call *c)
{
    reduce_attr(c);
    reduce_data(c, PX_DIM_MAX);
}

static void max_input(px_infer_call *c)
{
    reduce_input(c);
    reduce_data(c, PX_DIM_MAX);
}

static void min_attr(px_infer_call *c)
{
    reduce_attr(c);
    reduce_data(c, PX_DIM_MIN);
}

static void min_input(px_infer_call *c)
{
    reduce_input(c);
    reduce_data(c, PX_DIM_MIN);
}

static void arg(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    int axis = 0;
    if (!px_infer_axis(c, 0, x.rank, &axis))
        return;
    if (px_infer_attr_i(c, "keepdims", 1)) {
        x.dims[axis] = px_dim_const(1);
    } else {
        memmove(&x.dims[axis], &x.dims[axis + 1], (size_t)(x.rank - axis - 1) * sizeof *x.dims);
        x.rank--;
    }
    px_infer_shape(c, 0, x.rank, x.dims);
}

static const px_infer_op rows[] = {
    {"", "ArgMax", 1, arg},
    {"", "ArgMin", 1, arg},
    {"", "ReduceL1", 1, reduce_attr},
    {"", "ReduceL1", 18, reduce_input},
    {"", "ReduceL2", 1, reduce_attr},
    {"", "ReduceL2", 18, reduce_input},
    {"", "ReduceLogSum", 1, reduce_attr},
    {"", "ReduceLogSum", 18, reduce_input},
    {"", "ReduceLogSumExp", 1, reduce_attr},
    {"", "ReduceLogSumExp", 18, reduce_input},
    {"", "ReduceMax", 1, max_attr},
    {"", "ReduceMax", 18, max_input},
    {"", "ReduceMean", 1, reduce_attr},
    {"", "ReduceMean", 18, reduce_input},
    {"", "ReduceMin", 1, min_attr},
    {"", "ReduceMin", 18, min_input},
    {"", "ReduceProd", 1, product_attr},
    {"", "ReduceProd", 18, product_input},
    {"", "ReduceSum", 1, sum_attr},
    {"", "ReduceSum", 13, sum_input},
    {"", "ReduceSumSquare", 1, reduce_attr},
    {"", "ReduceSumSquare", 18, reduce_input},
};

const px_infer_family px_infer_family_reduce = {rows, PX_COUNTOF(rows)};
