/* model/infer/call.c - inputs, attributes and outputs as the operators' functions use them. */
#include "model/infer/scope.h"

px_dim_table *px_infer_dims_table(px_infer *in)
{
    return &in->dims;
}

void *px_infer_alloc(px_infer *in, size_t n, size_t size)
{
    void *p = px_arena_calloc(&in->arena, n ? n : 1, size);
    in->failed |= p == NULL;
    return p;
}

/* --- inputs --- */

bool px_infer_has(const px_infer_call *c, size_t i)
{
    return i < c->n_in && c->node->inputs[i].len > 0;
}

int px_infer_rank(const px_infer_call *c, size_t i)
{
    return i < c->n_in && c->in[i]->kind == PX_ONNX_TYPE_TENSOR ? c->in[i]->rank : -1;
}

px_dim px_infer_dim(px_infer_call *c, size_t i, int d)
{
    const int rank = px_infer_rank(c, i), at = d < 0 ? d + rank : d;
    return at >= 0 && at < rank ? c->in[i]->dims[at] : px_infer_unknown(c);
}

px_dim px_infer_unknown(px_infer_call *c)
{
    return px_dim_new(&c->infer->dims, true);
}

bool px_infer_data(px_infer_call *c, size_t i, const px_dim **out, size_t *out_n)
{
    const int rank = px_infer_rank(c, i);
    if (rank < 0 || rank > 1)
        return false;
    const px_infer_value *v = c->in[i];
    if (v->data) {
        *out = v->data;
        *out_n = v->n_data;
        return true;
    }
    const px_dim n = rank == 0 ? px_dim_const(1) : v->dims[0];
    if (!px_dim_is_const(n) || n.base > PX_MAX_RANK)
        return false;
    px_dim *at = px_infer_alloc(c->infer, (size_t)n.base, sizeof *at);
    if (!at)
        return false;
    for (int64_t k = 0; k < n.base; k++)
        at[k] = px_dim_new(&c->infer->dims, false);
    *out = at;
    *out_n = (size_t)n.base;
    return true;
}

bool px_infer_ints(px_infer_call *c, size_t i, int64_t out[PX_INFER_MAX_DATA], size_t *out_n)
{
    if (i >= c->n_in || !c->in[i]->data)
        return false;
    const px_infer_value *v = c->in[i];
    for (size_t k = 0; k < v->n_data; k++) {
        if (!px_dim_is_const(v->data[k]))
            return false;
        out[k] = v->data[k].base;
    }
    *out_n = v->n_data;
    return true;
}

bool px_infer_int(px_infer_call *c, size_t i, int64_t *out)
{
    if (i >= c->n_in || !c->in[i]->data || c->in[i]->n_data != 1 ||
        !px_dim_is_const(c->in[i]->data[0]))
        return false;
    *out = c->in[i]->data[0].base;
    return true;
}

bool px_infer_reals(px_infer_call *c, size_t i, const double **out, size_t *out_n)
{
    if (i >= c->n_in)
        return false;
    const px_infer_value *v = c->in[i];
    if (v->real) {
        *out = v->real;
        *out_n = v->n_data;
        return true;
    }
    double *at = v->data ? px_infer_alloc(c->infer, v->n_data, sizeof *at) : NULL;
    if (!at)
        return false;
    for (size_t k = 0; k < v->n_data; k++) {
        if (!px_dim_is_const(v->data[k]))
            return false;
        at[k] = (double)v->data[k].base;
    }
    *out = at;
    *out_n = v->n_data;
    return true;
}

/* --- attributes --- */

static const px_onnx_attr *of_function(const px_infer_call *c, px_str name)
{
    const px_onnx_function *f = c->scope->function;
    const px_infer_call *caller = c->scope->caller;
    if (!f || !caller)
        return NULL;
    for (size_t i = 0; i < caller->node->n_attrs; i++) {
        const px_onnx_attr *a = &caller->node->attrs[i];
        if (!px_str_eq(a->name, name))
            continue;
        return a->ref_attr_name.len > 0 ? of_function(caller, a->ref_attr_name) : a;
    }
    for (size_t i = 0; i < f->n_attr_defaults; i++)
        if (px_str_eq(f->attr_defaults[i].name, name))
            return &f->attr_defaults[i];
    return NULL;
}

const px_onnx_attr *px_infer_attr(const px_infer_call *c, const char *name)
{
    const px_onnx_attr *a = px_onnx_node_attr(c->node, name);
    return a && a->ref_attr_name.len > 0 ? of_function(c, a->ref_attr_name) : a;
}

int64_t px_infer_attr_i(const px_infer_call *c, const char *name, int64_t otherwise)
{
    const px_onnx_attr *a = px_infer_attr(c, name);
    return a && a->type == PX_ONNX_ATTR_INT ? a->i : otherwise;
}

px_str px_infer_attr_s(const px_infer_call *c, const char *name, const char *otherwise)
{
    const px_onnx_attr *a = px_infer_attr(c, name);
    return a && a->type == PX_ONNX_ATTR_STRING ? a->s : px_str_of(otherwise);
}

bool px_infer_attr_ints(const px_infer_call *c, const char *name, const int64_t **out,
                        size_t *out_n)
{
    const px_onnx_attr *a = px_infer_attr(c, name);
    if (!a || a->type != PX_ONNX_ATTR_INTS)
        return false;
    *out = a->ints;
    *out_n = a->n;
    return true;
}

const px_onnx_graph *px_infer_attr_graph(const px_infer_call *c, const char *name)
{
    const px_onnx_attr *a = px_infer_attr(c, name);
    return a && a->type == PX_ONNX_ATTR_GRAPH && a->n > 0 ? a->g : NULL;
}

bool px_infer_axis(const px_infer_call *c, int64_t otherwise, int rank, int *out)
{
    return rank >= 0 && px_geo_axis(px_infer_attr_i(c, "axis", otherwise), rank, out);
}

px_infer_axes px_infer_axes_of(px_infer_call *c, size_t i, int rank, int *out, size_t *out_n)
{
    int64_t numbers[PX_INFER_MAX_DATA];
    const int64_t *at = NULL;
    size_t n = 0;
    *out_n = 0;
    if (i == SIZE_MAX) {
        if (!px_infer_attr_ints(c, "axes", &at, &n))
            return PX_INFER_AXES_NONE;
    } else {
        if (!px_infer_has(c, i))
            return PX_INFER_AXES_NONE;
        if (!px_infer_ints(c, i, numbers, &n))
            return PX_INFER_AXES_UNKNOWN;
        at = numbers;
    }
    if (rank < 0 || !px_geo_axes(at, n, rank, out))
        return PX_INFER_AXES_UNKNOWN;
    *out_n = n;
    return PX_INFER_AXES_GIVEN;
}

/* --- outputs --- */

void px_infer_dtype(px_infer_call *c, size_t o, pgy_dtype dtype)
{
    if (o >= c->n_out || dtype <= PGY_DTYPE_UNKNOWN || dtype >= PGY_DTYPE_COUNT)
        return;
    px_infer_value *v = &c->out[o];
    if (v->kind != PX_ONNX_TYPE_TENSOR)
        *v = (px_infer_value){.kind = PX_ONNX_TYPE_TENSOR, .rank = -1};
    v->dtype = dtype;
}

void px_infer_shape(px_infer_call *c, size_t o, int rank, const px_dim *dims)
{
    if (o >= c->n_out || rank < 0 || rank > PX_MAX_RANK)
        return;
    px_dim *copy = px_infer_alloc(c->infer, (size_t)rank, sizeof *copy);
    if (!copy)
        return;
    for (int d = 0; d < rank; d++)
        copy[d] = px_dim_is_const(dims[d]) && dims[d].base < 0 ? px_infer_unknown(c) : dims[d];
    px_infer_value *v = &c->out[o];
    if (v->kind != PX_ONNX_TYPE_TENSOR)
        *v = (px_infer_value){.kind = PX_ONNX_TYPE_TENSOR};
    v->rank = rank;
    v->dims = copy;
    v->data = NULL;
    v->real = NULL;
}

void px_infer_ints_shape(px_infer_call *c, size_t o, int rank, const int64_t *dims)
{
    px_dim at[PX_MAX_RANK];
    for (int d = 0; d < rank && d < PX_MAX_RANK; d++)
        at[d] = px_dim_const(dims[d]);
    px_infer_shape(c, o, rank, at);
}

void px_infer_same_shape(px_infer_call *c, size_t o, size_t i)
{
    if (px_infer_rank(c, i) >= 0)
        px_infer_shape(c, o, c->in[i]->rank, c->in[i]->dims);
}

void px_infer_same(px_infer_call *c, size_t o, size_t i)
{
    if (o < c->n_out && i < c->n_in && c->in[i]->kind != PX_ONNX_TYPE_NONE)
        c->out[o] = *c->in[i];
}

void px_infer_set(px_infer_call *c, size_t o, const px_infer_value *v)
{
    if (o < c->n_out)
        c->out[o] = *v;
}

/* True when output o is a tensor of `n` elements, few enough to keep. */
static bool takes(const px_infer_call *c, size_t o, size_t n)
{
    if (o >= c->n_out || n > PX_INFER_MAX_DATA || c->out[o].kind != PX_ONNX_TYPE_TENSOR)
        return false;
    int64_t count = 1;
    for (int d = 0; d < c->out[o].rank; d++) {
        const px_dim dim = c->out[o].dims[d];
        if (!px_dim_is_const(dim) || __builtin_mul_overflow(count, dim.base, &count))
            return false;
    }
    return c->out[o].rank >= 0 && (size_t)count == n;
}

void px_infer_set_data(px_infer_call *c, size_t o, const px_dim *at, size_t n)
{
    if (!takes(c, o, n))
        return;
    px_dim *copy = px_infer_alloc(c->infer, n, sizeof *copy);
    if (!copy)
        return;
    if (n > 0)
        memcpy(copy, at, n * sizeof *copy);
    c->out[o].data = copy;
    c->out[o].n_data = n;
}

void px_infer_set_reals(px_infer_call *c, size_t o, const double *at, size_t n)
{
    if (!takes(c, o, n))
        return;
    double *copy = px_infer_alloc(c->infer, n, sizeof *copy);
    if (!copy)
        return;
    if (n > 0)
        memcpy(copy, at, n * sizeof *copy);
    c->out[o].real = copy;
    c->out[o].n_data = n;
}

void px_infer_keep_data(px_infer_call *c, size_t o, size_t i)
{
    if (o >= c->n_out || i >= c->n_in || !takes(c, o, c->in[i]->n_data))
        return;
    c->out[o].data = c->in[i]->data;
    c->out[o].real = c->in[i]->real;
    c->out[o].n_data = c->in[i]->n_data;
}

/* --- broadcasting --- */

px_infer_dims px_infer_dims_of(const px_infer_value *v)
{
    px_infer_dims d = {.rank = v->kind == PX_ONNX_TYPE_TENSOR ? v->rank : -1};
    if (d.rank > 0)
        memcpy(d.dims, v->dims, (size_t)d.rank * sizeof *d.dims);
    return d;
}

px_dim px_infer_unify(px_infer *in, px_dim a, px_dim b)
{
    if (px_dim_is_const(a) || px_dim_is_const(b))
        return px_dim_is_const(a) ? a : b;
    return px_dim_name(&in->dims, a).len == 0 && px_dim_name(&in->dims, b).len > 0 ? b : a;
}

/* A dim that is no constant is the other one or 1; beside a constant other than 1 it does not
 * matter which. */
static bool broadcast_dim(px_infer *in, px_dim a, px_dim b, px_dim *out)
{
    if (px_dim_is_const(a) && px_dim_is_const(b)) {
        int64_t value = 0;
        const bool ok = px_geo_broadcast(a.base, b.base, &value);
        *out = px_dim_const(value);
        return ok;
    }
    if (px_dim_is(a, 1) || px_dim_eq(a, b))
        *out = b;
    else if (px_dim_is(b, 1))
        *out = a;
    else if (px_dim_is_const(a) || px_dim_is_const(b))
        *out = px_dim_is_const(a) ? a : b;
    else
        *out = px_dim_new(&in->dims, true);
    return true;
}

bool px_infer_broadcast_dims(px_infer *in, px_infer_dims *a, const px_infer_dims *b)
{
    if (a->rank < 0 || b->rank < 0)
        return a->rank = -1, true;
    px_infer_dims out = {.rank = PX_MAX(a->rank, b->rank)};
    for (int d = 0; d < out.rank; d++) {
        const int from_a = d - (out.rank - a->rank), from_b = d - (out.rank - b->rank);
        if (!broadcast_dim(in, from_a < 0 ? px_dim_const(1) : a->dims[from_a],
                           from_b < 0 ? px_dim_const(1) : b->dims[from_b], &out.dims[d]))
            return false;
    }
    *a = out;
    return true;
}

void px_infer_broadcast(px_infer_call *c, size_t o, size_t from, size_t to)
{
    px_infer_dims all = {.rank = 0};
    for (size_t i = from; i < to && i < c->n_in; i++) {
        if (!px_infer_has(c, i))
            continue;
        const px_infer_dims own = px_infer_dims_of(c->in[i]);
        if (!px_infer_broadcast_dims(c->infer, &all, &own))
            return;
    }
    px_infer_shape(c, o, all.rank, all.dims);
}
