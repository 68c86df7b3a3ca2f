/* model/infer/op/index.c - taking elements out: Gather, Slice, TopK and the like. */
#include "model/infer/infer.h"

static void gather(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0), index_rank = px_infer_rank(c, 1);
    px_dim dims[PX_MAX_RANK];
    int axis = 0, n = 0;
    if (index_rank < 0 || !px_infer_axis(c, 0, rank, &axis) || rank - 1 + index_rank > PX_MAX_RANK)
        return;
    for (int d = 0; d < axis; d++)
        dims[n++] = c->in[0]->dims[d];
    for (int d = 0; d < index_rank; d++)
        dims[n++] = c->in[1]->dims[d];
    for (int d = axis + 1; d < rank; d++)
        dims[n++] = c->in[0]->dims[d];
    px_infer_shape(c, 0, n, dims);

    const px_infer_value *x = c->in[0], *index = c->in[1];
    px_dim at[PX_INFER_MAX_DATA];
    if (rank != 1 || !index->data || !(x->data || x->real))
        return;
    double real[PX_INFER_MAX_DATA];
    for (size_t i = 0; i < index->n_data; i++) {
        int k = 0;
        if (!px_dim_is_const(index->data[i]) ||
            !px_geo_axis(index->data[i].base, (int)x->n_data, &k))
            return;
        if (x->data)
            at[i] = x->data[k];
        else
            real[i] = x->real[k];
    }
    if (x->data)
        px_infer_set_data(c, 0, at, index->n_data);
    else
        px_infer_set_reals(c, 0, real, index->n_data);
}

static void gather_elements(px_infer_call *c)
{
    px_infer_same_shape(c, 0, 1);
}

static void gather_nd(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0), index_rank = px_infer_rank(c, 1);
    const int64_t batch = px_infer_attr_i(c, "batch_dims", 0);
    px_dim dims[PX_MAX_RANK];
    int n = 0;
    if (rank < 0 || index_rank < 1 || batch < 0 || batch >= index_rank)
        return;
    const px_dim depth = px_infer_dim(c, 1, -1);
    if (!px_dim_is_const(depth) || depth.base < 0 || depth.base > rank - batch ||
        index_rank - 1 + rank - batch - depth.base > PX_MAX_RANK)
        return;
    for (int d = 0; d < index_rank - 1; d++)
        dims[n++] = c->in[1]->dims[d];
    for (int d = (int)(batch + depth.base); d < rank; d++)
        dims[n++] = c->in[0]->dims[d];
    px_infer_shape(c, 0, n, dims);
}

/* --- Slice --- */

/* INT64_MAX and INT32_MAX (and what lies between) are how "to the end" is written. */
#define TO_END ((int64_t)INT32_MAX)

/* Length of d[a:b:step] when the dim is not a number but the cut is clear. */
static px_dim symbolic_cut(px_infer_call *c, px_dim d, px_dim a, px_dim b, int64_t step)
{
    px_dim_table *t = px_infer_dims_table(c->infer);
    px_dim end = b;
    if (step == -1 && px_dim_is(a, -1) && px_dim_is_const(b) && b.base <= -TO_END)
        return d; /* reversed */
    if (step < 1 || !px_dim_is_const(a) || a.base < 0)
        return px_infer_unknown(c);
    if (px_dim_is_const(b) && b.base >= TO_END)
        end = d;
    else if (px_dim_is_const(b) && b.base < 0)
        end = px_dim_calc(t, PX_DIM_ADD, d, b);
    else if (!px_dim_eq(b, d))
        return px_infer_unknown(c);
    if (a.base == 0 && step == 1 && px_dim_eq(end, d))
        return d;
    /* From here on short dims would be clamped: only what is long enough in any case is exact. */
    const px_dim span = px_dim_calc(t, PX_DIM_SUB, end, a);
    return step == 1 && px_dim_is_nonneg(t, span) ? span : px_infer_unknown(c);
}

static px_dim cut(px_infer_call *c, px_dim d, px_dim a, px_dim b, int64_t step)
{
    int64_t from = a.base, to = b.base;
    if (px_dim_is_const(d) && px_dim_is_const(a) && px_dim_is_const(b))
        return px_dim_const(px_geo_slice(d.base, &from, &to, step));
    /* x[:n] of at least n elements. */
    if (px_dim_is(a, 0) && step == 1 && !px_dim_is_const(b) &&
        px_dim_is_nonneg(px_infer_dims_table(c->infer), b) && px_dim_eq(d, b))
        return b;
    return px_dim_is_const(d) ? px_infer_unknown(c) : symbolic_cut(c, d, a, b, step);
}

typedef struct slices {
    const px_dim *starts, *ends;
    int64_t axes[PX_INFER_MAX_DATA], steps[PX_INFER_MAX_DATA];
    bool has_axes, has_steps, is_step_known;
    size_t n;
} slices;

static void slice_data(px_infer_call *c, const slices *s)
{
    const px_infer_value *x = c->in[0];
    px_dim at[PX_INFER_MAX_DATA];
    double real[PX_INFER_MAX_DATA];
    if (x->rank != 1 || s->n != 1 || !(x->data || x->real) || !px_dim_is_const(s->starts[0]) ||
        !px_dim_is_const(s->ends[0]))
        return;
    int64_t from = s->starts[0].base, to = s->ends[0].base, step = s->has_steps ? s->steps[0] : 1;
    const int64_t n = px_geo_slice((int64_t)x->n_data, &from, &to, step);
    for (int64_t i = 0; i < n; i++) {
        if (x->data)
            at[i] = x->data[from + i * step];
        else
            real[i] = x->real[from + i * step];
    }
    if (x->data)
        px_infer_set_data(c, 0, at, (size_t)n);
    else
        px_infer_set_reals(c, 0, real, (size_t)n);
}

static void slice_by(px_infer_call *c, const slices *s)
{
    px_infer_dims out = px_infer_dims_of(c->in[0]);
    bool seen[PX_MAX_RANK] = {false};
    if (out.rank < 0)
        return;
    for (size_t i = 0; i < s->n; i++) {
        int axis = 0;
        if (!px_geo_axis(s->has_axes ? s->axes[i] : (int64_t)i, out.rank, &axis) || seen[axis] ||
            (s->has_steps && s->is_step_known && s->steps[i] == 0))
            return;
        seen[axis] = true;
        const int64_t step = s->has_steps ? s->steps[i] : 1;
        out.dims[axis] = s->has_steps && !s->is_step_known
                             ? px_infer_unknown(c)
                             : cut(c, out.dims[axis], s->starts[i], s->ends[i], step);
    }
    px_infer_shape(c, 0, out.rank, out.dims);
    if (!s->has_steps || s->is_step_known)
        slice_data(c, s);
}

/* Nothing but the rank. */
static void slice_unknown(px_infer_call *c)
{
    px_infer_dims out = px_infer_dims_of(c->in[0]);
    for (int d = 0; d < out.rank; d++)
        out.dims[d] = px_infer_unknown(c);
    px_infer_shape(c, 0, out.rank, out.dims);
}

static void slice_1(px_infer_call *c)
{
    const int64_t *starts, *ends, *axes = NULL;
    size_t n = 0, n_ends = 0, n_axes = 0;
    px_dim from[PX_MAX_RANK], to[PX_MAX_RANK];
    slices s = {.starts = from, .ends = to};
    if (!px_infer_attr_ints(c, "starts", &starts, &n) ||
        !px_infer_attr_ints(c, "ends", &ends, &n_ends) || n != n_ends || n > PX_MAX_RANK)
        return;
    s.has_axes = px_infer_attr_ints(c, "axes", &axes, &n_axes);
    if (s.has_axes && n_axes != n)
        return;
    for (size_t i = 0; i < n; i++) {
        from[i] = px_dim_const(starts[i]);
        to[i] = px_dim_const(ends[i]);
        s.axes[i] = s.has_axes ? axes[i] : 0;
    }
    s.n = n;
    slice_by(c, &s);
}

static void slice_10(px_infer_call *c)
{
    slices s = {0};
    size_t n_ends = 0, n_axes = 0, n_steps = 0;
    s.has_axes = px_infer_has(c, 3);
    s.has_steps = px_infer_has(c, 4);
    if (!px_infer_data(c, 1, &s.starts, &s.n) || !px_infer_data(c, 2, &s.ends, &n_ends) ||
        s.n != n_ends || (s.has_axes && (!px_infer_ints(c, 3, s.axes, &n_axes) || n_axes != s.n))) {
        slice_unknown(c);
        return;
    }
    s.is_step_known = s.has_steps && px_infer_ints(c, 4, s.steps, &n_steps) && n_steps == s.n;
    slice_by(c, &s);
}

/* --- OneHot, TopK --- */

static void one_hot(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    int axis = 0;
    if (x.rank < 0 || x.rank == PX_MAX_RANK || !px_infer_axis(c, -1, x.rank + 1, &axis))
        return;
    memmove(&x.dims[axis + 1], &x.dims[axis], (size_t)(x.rank - axis) * sizeof *x.dims);
    const px_infer_value *depth = c->in[1];
    int64_t count = 0;
    const double *real = NULL;
    size_t n = 0;
    x.dims[axis] = px_infer_unknown(c);
    if (px_infer_int(c, 1, &count) && count >= 0)
        x.dims[axis] = px_dim_const(count);
    else if (depth->data && depth->n_data == 1 &&
             px_dim_is_nonneg(px_infer_dims_table(c->infer), depth->data[0]))
        x.dims[axis] = depth->data[0];
    else if (px_infer_reals(c, 1, &real, &n) && n == 1 && real[0] >= 0 && real[0] < 0x1p53)
        x.dims[axis] = px_dim_const((int64_t)real[0]);
    px_infer_shape(c, 0, x.rank + 1, x.dims);
}

static void top_k_of(px_infer_call *c, px_dim k)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    int axis = 0;
    if (!px_infer_axis(c, -1, x.rank, &axis))
        return;
    x.dims[axis] = k;
    px_infer_shape(c, 0, x.rank, x.dims);
    px_infer_shape(c, 1, x.rank, x.dims);
}

static void top_k_1(px_infer_call *c)
{
    const int64_t k = px_infer_attr_i(c, "k", -1);
    if (k >= 0)
        top_k_of(c, px_dim_const(k));
}

static void top_k_10(px_infer_call *c)
{
    const px_infer_value *k = c->in[1];
    const bool known =
        k->data && k->n_data == 1 && px_dim_is_nonneg(px_infer_dims_table(c->infer), k->data[0]);
    top_k_of(c, known ? k->data[0] : px_infer_unknown(c));
}

/* --- counts that only the elements tell --- */

static void non_zero(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    /* A scalar counts as one dim. */
    const px_dim dims[2] = {rank < 0 ? px_infer_unknown(c) : px_dim_const(PX_MAX(rank, 1)),
                            px_infer_unknown(c)};
    px_infer_shape(c, 0, 2, dims);
}

static void compress(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    const px_dim n = px_infer_unknown(c);
    int axis = 0;
    if (!px_infer_attr(c, "axis")) {
        px_infer_shape(c, 0, 1, &n);
    } else if (px_infer_axis(c, 0, x.rank, &axis)) {
        x.dims[axis] = n;
        px_infer_shape(c, 0, x.rank, x.dims);
    }
}

static void unique(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    const px_dim n = px_infer_unknown(c);
    px_dim all = px_infer_unknown(c);
    int axis = 0;
    if (!px_infer_attr(c, "axis")) {
        px_infer_shape(c, 0, 1, &n);
        if (x.rank >= 0)
            all = px_dim_product(px_infer_dims_table(c->infer), x.dims, (size_t)x.rank);
    } else if (px_infer_axis(c, 0, x.rank, &axis)) {
        all = x.dims[axis];
        x.dims[axis] = n;
        px_infer_shape(c, 0, x.rank, x.dims);
    }
    px_infer_shape(c, 1, 1, &n);
    px_infer_shape(c, 2, 1, &all);
    px_infer_shape(c, 3, 1, &n);
}

static const px_infer_op rows[] = {
    {"", "Compress", 9, compress},
    {"", "Gather", 1, gather},
    {"", "GatherElements", 11, gather_elements},
    {"", "GatherND", 11, gather_nd},
    {"", "NonZero", 9, non_zero},
    {"", "OneHot", 9, one_hot},
    {"", "Slice", 1, slice_1},
    {"", "Slice", 10, slice_10},
    {"", "TopK", 1, top_k_1},
    {"", "TopK", 10, top_k_10},
    {"", "Unique", 11, unique},
    {"com.microsoft", "GatherND", 1, gather_nd},
};

const px_infer_family px_infer_family_index = {rows, PX_COUNTOF(rows)};
