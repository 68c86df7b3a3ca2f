/* backend/ref/call.c - what a kernel asks of the frame: operands, attributes, results. */
#include "backend/ref/plan.h"

#include <stdatomic.h>
#include <stdio.h>

pgy_status *px_ref_fail(const px_ref_call *c, pgy_error code, const char *file, int line,
                        const char *fmt, ...)
{
    px_buf text = {0};
    va_list args;
    const px_onnx_node *node = c->node;

    px_buf_printf(&text, "Node '%.*s' (%.*s%s%.*s, opset %lld): ", PX_STR_ARG(node->name),
                  PX_STR_ARG(node->domain), node->domain.len ? "." : "", PX_STR_ARG(node->op_type),
                  (long long)c->opset);
    va_start(args, fmt);
    px_buf_vprintf(&text, fmt, args);
    va_end(args);
    pgy_status *st = px_status_new(code, file, line, "%s", px_buf_cstr(&text));
    px_buf_fini(&text);
    return st;
}

/* --- inputs --- */

bool px_ref_has(const px_ref_call *c, size_t i)
{
    return i < c->n_in && c->in[i].kind != PX_REF_NONE;
}

pgy_status *px_ref_in(px_ref_call *c, size_t i, const pgy_tensor **out)
{
    if (!px_ref_has(c, i))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "input %zu is required and missing", i);
    if (c->in[i].kind != PX_REF_TENSOR)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "input %zu is %s where a tensor is wanted", i,
                           px_ref_kind_text(c->in[i].kind));
    *out = c->in[i].t;
    return NULL;
}

static void no_release(void *owner)
{
    pgy_tensor_free(owner);
}

/* A tensor header in scratch for data in scratch: it is never freed, nothing counts it. */
static pgy_status *scratch_tensor(px_ref_call *c, pgy_dtype dtype, const pgy_tensor *like,
                                  pgy_tensor **out)
{
    size_t size = 0;
    if (!px_shape_size(dtype, like->rank, like->dims, &size))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "a shape is too large");
    pgy_tensor *t =
        px_arena_alloc(c->scratch, sizeof *t + (size_t)like->rank * sizeof(like->dims[0]));
    void *data = px_arena_alloc(c->scratch, size);
    if (!t || !data)
        return px_status_nomem();
    atomic_init(&t->n_refs, 1);
    t->dtype = dtype;
    t->rank = like->rank;
    t->count = like->count;
    t->size = size;
    t->data = data;
    t->release = no_release;
    t->owner = NULL;
    if (like->rank > 0)
        memcpy(t->dims, like->dims, (size_t)like->rank * sizeof(like->dims[0]));
    *out = t;
    return NULL;
}

pgy_status *px_ref_in_f64(px_ref_call *c, size_t i, const pgy_tensor **out)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL;
    pgy_tensor *converted = NULL;

    PX_TRY(px_ref_in(c, i, &x));
    if (x->dtype == PGY_DTYPE_F64) {
        *out = x;
        goto done;
    }
    if (x->dtype == PGY_DTYPE_STRING || x->dtype == PGY_DTYPE_C128)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "input %zu has type %s where numbers are wanted", i,
                           pgy_dtype_name(c->in[i].dtype)));
    PX_TRY(scratch_tensor(c, PGY_DTYPE_F64, x, &converted));
    px_convert(PGY_DTYPE_F64, converted->data, x->dtype, x->data, 0, x->count);
    *out = converted;
done:
    return st;
}

pgy_status *px_ref_opt_f64(px_ref_call *c, size_t i, int64_t n, const double **out)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    *out = NULL;
    if (!px_ref_has(c, i))
        goto done;
    PX_TRY(px_ref_in_f64(c, i, &t));
    if (t->count != n)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu has %lld elements, wanted are %lld", i,
                           (long long)t->count, (long long)n));
    *out = t->data;
done:
    return st;
}

pgy_status *px_ref_in_float(px_ref_call *c, size_t i, const pgy_tensor **out)
{
    if (px_ref_has(c, i) && c->in[i].kind == PX_REF_TENSOR && c->in[i].t->dtype == PGY_DTYPE_F32) {
        *out = c->in[i].t;
        return NULL;
    }
    return px_ref_in_f64(c, i, out);
}

pgy_status *px_ref_in_ints(px_ref_call *c, size_t i, const int64_t **out, size_t *out_n)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL;

    PX_TRY(px_ref_in(c, i, &x));
    if (!px_dtype_is_int(x->dtype) && x->dtype != PGY_DTYPE_BOOL)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "input %zu has type %s where integers are wanted", i,
                           pgy_dtype_name(c->in[i].dtype)));
    int64_t *ints = px_arena_calloc(c->scratch, PX_MAX((size_t)x->count, (size_t)1), sizeof *ints);
    if (!ints)
        PX_TRY(px_status_nomem());
    for (int64_t e = 0; e < x->count; e++)
        ints[e] = px_tensor_get_i64(x, e);
    *out = ints;
    *out_n = (size_t)x->count;
done:
    return st;
}

bool px_ref_in_is_constant(const px_ref_call *c, size_t i)
{
    if (!px_ref_has(c, i))
        return false;
    const int32_t slot = c->frame->step->in[i];
    return slot >= 0 && c->frame->plan->constants[slot].kind != PX_REF_NONE;
}

void px_ref_in_forget(const px_ref_call *c, size_t i)
{
    if (px_ref_in_is_constant(c, i) && c->in[i].kind == PX_REF_TENSOR)
        px_onnx_tensor_forget(c->frame->session->model, c->in[i].t);
}

/* --- attributes --- */

const px_onnx_attr *px_ref_attr(const px_ref_call *c, const char *name)
{
    return px_onnx_node_attr(c->node, name);
}

int64_t px_ref_attr_i(const px_ref_call *c, const char *name, int64_t otherwise)
{
    const px_onnx_attr *a = px_ref_attr(c, name);
    return a && a->type == PX_ONNX_ATTR_INT ? a->i : otherwise;
}

double px_ref_attr_f(const px_ref_call *c, const char *name, double otherwise)
{
    const px_onnx_attr *a = px_ref_attr(c, name);
    return a && a->type == PX_ONNX_ATTR_FLOAT ? (double)a->f : otherwise;
}

px_str px_ref_attr_s(const px_ref_call *c, const char *name, const char *otherwise)
{
    const px_onnx_attr *a = px_ref_attr(c, name);
    return a && a->type == PX_ONNX_ATTR_STRING ? a->s : px_str_of(otherwise);
}

bool px_ref_attr_ints(const px_ref_call *c, const char *name, const int64_t **out, size_t *out_n)
{
    const px_onnx_attr *a = px_ref_attr(c, name);
    if (!a || a->type != PX_ONNX_ATTR_INTS)
        return false;
    *out = a->ints;
    *out_n = a->n;
    return true;
}

bool px_ref_attr_floats(const px_ref_call *c, const char *name, const float **out, size_t *out_n)
{
    const px_onnx_attr *a = px_ref_attr(c, name);
    if (!a || a->type != PX_ONNX_ATTR_FLOATS)
        return false;
    *out = a->floats;
    *out_n = a->n;
    return true;
}

pgy_status *px_ref_attr_tensor(px_ref_call *c, const char *name, px_ref_value *out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    const px_onnx_attr *a = px_ref_attr(c, name);

    *out = (px_ref_value){0};
    if (!a || a->type != PX_ONNX_ATTR_TENSOR || !a->t)
        return NULL;
    PX_TRY(px_onnx_tensor_load(c->frame->session->model, a->t, &t));
    PX_TRY(px_ref_value_load(&c->frame->session->pool, t, out));
done:
    pgy_tensor_free(t);
    return st;
}

/* --- outputs --- */

bool px_ref_wants(const px_ref_call *c, size_t i)
{
    return i < c->n_out && c->frame->step->out[i] >= 0;
}

bool px_ref_out_may_narrow(const px_ref_call *c, size_t i)
{
    const px_ref_frame *frame = c->frame;
    return px_ref_wants(c, i) && frame->plan->may_narrow[frame->step->out[i]];
}

static pgy_status *check_out(px_ref_call *c, size_t i)
{
    if (i >= c->n_out)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "the operator gives output %zu, the node lists %zu", i,
                           c->n_out);
    px_ref_value_free(&c->out[i]);
    return NULL;
}

static pgy_status *out_new(px_ref_call *c, size_t i, pgy_dtype declared, pgy_dtype storage,
                           int rank, const int64_t *dims, void **out_data)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;

    PX_TRY(check_out(c, i));
    PX_TRY(px_ref_pool_tensor(&c->frame->session->pool, storage, rank, dims, &t));
    if (declared == PGY_DTYPE_STRING)
        memset(t->data, 0, t->size);
    c->out[i] = (px_ref_value){.kind = PX_REF_TENSOR, .dtype = declared, .t = t};
    *out_data = t->data;
done:
    return px_status_while(st, "making output %zu of node '%.*s' (%.*s)", i,
                           PX_STR_ARG(c->node->name), PX_STR_ARG(c->node->op_type));
}

pgy_status *px_ref_out(px_ref_call *c, size_t i, pgy_dtype declared, int rank, const int64_t *dims,
                       void **out_data)
{
    return out_new(c, i, declared, px_ref_storage(declared), rank, dims, out_data);
}

pgy_status *px_ref_out_f32(px_ref_call *c, size_t i, int rank, const int64_t *dims, float **out)
{
    void *data = NULL;
    pgy_status *st = out_new(c, i, PGY_DTYPE_F32, PGY_DTYPE_F32, rank, dims, &data);
    *out = data;
    return st;
}

/* In place is safe when this step is the last reader of the slot, no other operand shares the
 * bytes, and the bytes are from our pool (constants and feeds are not, or have a second holder). */
static bool may_reuse(const px_ref_call *c, size_t k)
{
    const px_ref_step *step = c->frame->step;
    if (k >= c->n_in || c->in[k].kind != PX_REF_TENSOR || px_ref_in_is_constant(c, k) ||
        !px_ref_tensor_is_sole(c->in[k].t))
        return false;
    for (size_t j = 0; j < c->n_in; j++)
        if (j != k && c->in[j].t == c->in[k].t)
            return false;
    for (size_t d = 0; d < step->n_dies; d++)
        if (step->dies[d] == step->in[k])
            return true;
    return false;
}

pgy_status *px_ref_out_like(px_ref_call *c, size_t i, size_t k, pgy_dtype declared, void **out_data)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL;

    PX_TRY(px_ref_in(c, k, &x));
    if (x->dtype != px_ref_storage(declared) || declared == PGY_DTYPE_STRING || !may_reuse(c, k)) {
        st = px_ref_out(c, i, declared, x->rank, x->dims, out_data);
        goto done;
    }
    PX_TRY(check_out(c, i));
    c->out[i] =
        (px_ref_value){.kind = PX_REF_TENSOR, .dtype = declared, .t = pgy_tensor_ref(c->in[k].t)};
    *out_data = x->data;
done:
    return st;
}

pgy_status *px_ref_out_reshape(px_ref_call *c, size_t i, size_t k, int rank, const int64_t *dims)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL;
    pgy_tensor *t = NULL;
    int64_t count = 0;

    PX_TRY(px_ref_in(c, k, &x));
    PX_TRY(check_out(c, i));
    if (rank > PX_MAX_RANK || !px_shape_count(rank, dims, &count) || count != x->count)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "cannot reshape %lld elements to a shape of another count",
                           (long long)x->count));
    PX_TRY(px_ref_tensor_reshape(c->in[k].t, rank, dims, &t));
    c->out[i] = (px_ref_value){.kind = PX_REF_TENSOR, .dtype = c->in[k].dtype, .t = t};
done:
    return st;
}

void px_ref_out_take(px_ref_call *c, size_t i, px_ref_value v)
{
    if (i >= c->n_out) {
        px_ref_value_free(&v);
        return;
    }
    px_ref_value_free(&c->out[i]);
    c->out[i] = v;
}

pgy_status *px_ref_temp(px_ref_call *c, size_t count, px_ref_buf **out, double **out_data)
{
    pgy_status *st = NULL;
    size_t size = 0;
    if (!px_size_mul(count, sizeof(double), &size))
        PX_TRY(px_status_nomem());
    PX_TRY(px_ref_pool_get(&c->frame->session->pool, size, out));
    *out_data = px_ref_buf_data(*out);
done:
    return st;
}

/* --- state and subgraphs --- */

void px_ref_keep(px_ref_call *c, void *state, void (*free_fn)(void *))
{
    px_ref_step *step = c->frame->step;
    if (step->state && step->state != state)
        step->state_free(step->state);
    step->state = state;
    step->state_free = free_fn;
    c->state = state;
}

pgy_status *px_ref_subgraph(px_ref_call *c, const px_onnx_graph *graph, size_t n_in,
                            const px_ref_value *in, size_t n_out, px_ref_value *out)
{
    const px_ref_step *step = c->frame->step;
    px_ref_plan *plan = NULL;
    for (size_t i = 0; i < step->n_subs; i++)
        if (step->subs[i].graph == graph)
            plan = step->subs[i].plan;
    if (!plan)
        return PX_REF_FAIL(c, PGY_ERR_BUG, "the graph to run is none of the node's attributes");
    if (n_in != plan->n_inputs || n_out > plan->n_outputs)
        return PX_REF_FAIL(
            c, PGY_ERR_MODEL,
            "its graph '%.*s' has %zu inputs and %zu outputs; %zu and %zu are wanted",
            PX_STR_ARG(plan->name), plan->n_inputs, plan->n_outputs, n_in, n_out);
    return px_ref_frame_run(c->frame->session, plan, c->frame, n_in, in, n_out, out);
}
