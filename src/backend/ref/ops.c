/* backend/ref/ops.c - the reference interpreter as a backend: always there, nothing to load. */
#include "backend/outputs.h"
#include "backend/ref/args.h"
#include "backend/ref/gemm.h"
#include "backend/ref/plan.h"
#include "backend/registry.h"
#include "backend/tensors_only.h"
#include "base/log.h"
#include "model/model.h"

typedef struct ref_session {
    px_ref_session *core;
    px_ref_user_ops *user_ops;
    bool is_unrounded;
    bool is_part;         /* inputs may come in storage form, as an earlier part computed them */
    const pgy_io *inputs; /* owned by the model */
    size_t n_inputs;
    px_ref_value *in, *out;
    char **output_names;
    bool *is_optional; /* as the graph declares the outputs */
    px_arena arena;
} ref_session;

/* There is no library: a session needs nothing that others share. */
static pgy_status *load(pgy_context *cx, const void *args, void **out_lib)
{
    *out_lib = NULL;
    return NULL;
}

static void close_session(void *session)
{
    ref_session *s = session;
    if (!s)
        return;
    px_ref_session_close(s->core);
    px_ref_user_ops_close(s->user_ops);
    px_arena_fini(&s->arena);
    px_mem_free(s);
}

static pgy_status *outputs_copy(ref_session *s, const px_onnx_graph *graph)
{
    const px_ref_plan *plan = s->core->plan;
    s->in = px_arena_calloc(&s->arena, plan->n_inputs + 1, sizeof *s->in);
    s->out = px_arena_calloc(&s->arena, plan->n_outputs + 1, sizeof *s->out);
    s->output_names = px_arena_calloc(&s->arena, plan->n_outputs + 1, sizeof *s->output_names);
    s->is_optional = px_arena_calloc(&s->arena, plan->n_outputs + 1, sizeof *s->is_optional);
    if (!s->in || !s->out || !s->output_names || !s->is_optional)
        return px_status_nomem();
    for (size_t i = 0; i < plan->n_outputs; i++) {
        const px_str name = plan->output_names[i];
        s->output_names[i] = px_arena_strndup(&s->arena, name.ptr, name.len);
        if (!s->output_names[i])
            return px_status_nomem();
        s->is_optional[i] = graph->outputs[i].type.kind == PX_ONNX_TYPE_OPTIONAL;
    }
    return NULL;
}

static bool is_typed(const px_ref_args *a)
{
    return a && a->ref_precision.given && a->ref_precision.value &&
           strcmp(a->ref_precision.value, "typed") == 0;
}

static pgy_status *begin_parts(pgy_context *cx, void *lib, const void *args)
{
    px_log(cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_PLUGINREF,
           "Reference interpreter: %s matrix kernels, %s", px_gemm_isa_get()->name,
           is_typed(args) ? "rounding after every operator" : "float64 between operators");
    return NULL;
}

static pgy_status *open_session(pgy_context *cx, void *lib, pgy_model *model, const void *args,
                                void **out_session)
{
    pgy_status *st = NULL;
    const px_ref_args *a = args;
    ref_session *s = NULL;
    px_onnx_model *onnx = NULL;

    PX_TRY(px_check_tensors_only(model, true));
    PX_TRY(px_model_onnx(model, &onnx));
    PX_TRY(PX_ALLOC(s, 1));
    s->is_unrounded = a && a->is_unrounded;
    s->is_part = model->part > 0;
    PX_TRY(pgy_model_inputs(model, &s->inputs, &s->n_inputs));
    if (a && a->ref_ops.n > 0)
        PX_TRY(px_ref_user_ops_open(a->ref_ops.at, a->ref_ops.n, &s->user_ops));
    PX_TRY(px_ref_session_open(
        cx, onnx, &(px_ref_options){.is_typed = is_typed(a), .user_ops = s->user_ops}, &s->core));
    if (s->core->plan->n_inputs != s->n_inputs)
        PX_TRY(PX_FAIL(PGY_ERR_BUG, "The plan has %zu inputs and the model %zu",
                       s->core->plan->n_inputs, s->n_inputs));
    PX_TRY(outputs_copy(s, &onnx->graph));
    if (!s->is_part)
        PX_TRY(begin_parts(cx, lib, args));
    *out_session = s;
    s = NULL;
done:
    close_session(s);
    return px_status_while(st, "preparing the model for the reference interpreter");
}

static pgy_status *inputs(void *session, const pgy_io **out, size_t *out_n)
{
    const ref_session *s = session;
    *out = s->inputs;
    *out_n = s->n_inputs;
    return NULL;
}

static pgy_status *feed(ref_session *s, const pgy_feed *in)
{
    pgy_status *st = NULL;
    if (in->n != s->n_inputs)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "%zu inputs were fed where the model has %zu", in->n,
                       s->n_inputs));
    for (size_t i = 0; i < in->n; i++) {
        const pgy_io *io = &s->inputs[i];
        const pgy_dtype given = in->tensors[i]->dtype;
        const bool is_exact = s->is_part && given == px_ref_storage(io->dtype);
        if (io->dtype != PGY_DTYPE_UNKNOWN && given != io->dtype && !is_exact)
            PX_TRY(PX_FAIL(PGY_ERR_USAGE, "Input '%s' was fed as %s; the model wants %s", io->name,
                           pgy_dtype_name(given), pgy_dtype_name(io->dtype)));
        PX_TRY(px_ref_value_load(&s->core->pool, in->tensors[i], &s->in[i]));
        if (is_exact)
            s->in[i].dtype = io->dtype;
    }
done:
    return st;
}

/* The value in storage form: the same bytes as the declared form where the two agree. */
static pgy_status *fetch_exact(const px_ref_value *v, pgy_tensor *declared, pgy_tensor **out)
{
    px_ref_value wide = *v;
    if (v->t->dtype == v->dtype) {
        *out = pgy_tensor_ref(declared);
        return NULL;
    }
    wide.dtype = v->t->dtype;
    return px_ref_value_store(&wide, out);
}

/* Takes the value, so that its memory is free when the next one is stored. `exact` may be NULL. */
static pgy_status *give_tensor(const ref_session *s, const char *name, px_ref_value *take_v,
                               pgy_outputs *out, pgy_outputs *exact)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL, *wide = NULL;
    if (s->is_unrounded && take_v->t->dtype != PGY_DTYPE_I8 && take_v->t->dtype != PGY_DTYPE_U8)
        take_v->dtype = take_v->t->dtype;
    PX_TRY(px_ref_value_store(take_v, &t));
    if (exact)
        PX_TRY(fetch_exact(take_v, t, &wide));
    px_ref_value_free(take_v);
    PX_TRY(pgy_outputs_add(out, name, pgy_tensor_ref(t)));
    if (exact)
        PX_TRY(pgy_outputs_add(exact, name, pgy_tensor_ref(wide)));
done:
    px_ref_value_free(take_v);
    pgy_tensor_free(t);
    pgy_tensor_free(wide);
    return st;
}

static pgy_status *give(const ref_session *s, const char *name, px_ref_value v, int depth,
                        pgy_outputs *out);

/* "NAME[2]" or "NAME.keys". */
static pgy_status *give_item(const ref_session *s, px_buf *name, const px_ref_list *list, size_t i,
                             int depth, pgy_outputs *out)
{
    pgy_status *st = px_buf_status(name);
    return st ? st : give(s, px_buf_cstr(name), px_ref_value_copy(list->items[i]), depth, out);
}

/* Everything that `v`, which is taken, is made of. */
static pgy_status *give(const ref_session *s, const char *name, px_ref_value v, int depth,
                        pgy_outputs *out)
{
    static const char *const map_parts[] = {"keys", "values"};
    pgy_status *st = NULL;
    px_buf item = {0};
    if (depth > PX_OUTPUTS_MAX_DEPTH)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "Output '%s' is %s nested more than %d deep. Leave it out with "
                       "--onnx-exclude-outputs",
                       name, px_ref_kind_text(v.kind), PX_OUTPUTS_MAX_DEPTH));
    if (v.kind == PX_REF_TENSOR)
        PX_TRY(give_tensor(s, name, &v, out, NULL));
    if (v.kind == PX_REF_SEQUENCE)
        PX_TRY(px_outputs_add_length(out, name, v.seq->n));
    for (size_t i = 0; v.kind == PX_REF_SEQUENCE && i < v.seq->n; i++, item.len = 0) {
        px_buf_printf(&item, "%s[%zu]", name, i);
        PX_TRY(give_item(s, &item, v.seq, i, depth + 1, out));
    }
    for (size_t i = 0; v.kind == PX_REF_MAP && i < 2; i++, item.len = 0) {
        px_buf_printf(&item, "%s.%s", name, map_parts[i]);
        PX_TRY(give_item(s, &item, v.seq, i, depth + 1, out));
    }
    if (v.kind == PX_REF_OPTIONAL && v.seq->n > 0)
        PX_TRY(give(s, name, px_ref_value_copy(v.seq->items[0]), depth + 1, out));
done:
    px_buf_fini(&item);
    px_ref_value_free(&v);
    return st;
}

/* `exact` may be NULL; what it takes is fed again, and only tensors can be. */
static pgy_status *fetch(ref_session *s, pgy_outputs *out, pgy_outputs *exact)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < s->core->plan->n_outputs; i++) {
        const char *name = s->output_names[i];
        px_ref_value v = s->out[i];
        const bool is_empty = v.kind == PX_REF_NONE || (v.kind == PX_REF_OPTIONAL && v.seq->n == 0);
        if (exact && v.kind != PX_REF_TENSOR)
            PX_TRY(px_refuse_value("output", px_str_of(name), px_ref_kind_text(v.kind)));
        s->out[i] = (px_ref_value){0};
        if (v.kind == PX_REF_TENSOR && !s->is_optional[i]) {
            PX_TRY(give_tensor(s, name, &v, out, exact));
            continue;
        }
        if (s->is_optional[i] || v.kind == PX_REF_OPTIONAL || is_empty)
            st = px_outputs_add_presence(out, name, !is_empty);
        PX_TRY(px_status_join(st, give(s, name, v, 0, out)));
    }
done:
    return st;
}

static pgy_status *infer_part(void *session, const pgy_feed *in, pgy_outputs *out,
                              pgy_outputs *exact)
{
    pgy_status *st = NULL;
    ref_session *s = session;

    PX_TRY(feed(s, in));
    const uint64_t start_ns = px_time_ns();
    PX_TRY(px_ref_session_run(s->core, s->in, s->out));
    pgy_outputs_set_elapsed(out, px_time_ns() - start_ns);
    PX_TRY(fetch(s, out, exact));
done:
    for (size_t i = 0; i < s->core->plan->n_inputs; i++)
        px_ref_value_free(&s->in[i]);
    for (size_t i = 0; i < s->core->plan->n_outputs; i++)
        px_ref_value_free(&s->out[i]);
    return st;
}

static pgy_status *infer(void *session, const pgy_feed *in, pgy_outputs *out)
{
    return infer_part(session, in, out, NULL);
}

const pgy_backend_ops px_ref_ops = {
    .struct_size = sizeof(pgy_backend_ops),
    .name = "pluginref",
    .title = "Plugin CPU Reference",
    .load = load,
    .open = open_session,
    .inputs = inputs,
    .infer = infer,
    .close = close_session,
    .begin_parts = begin_parts,
    .infer_part = infer_part,
};
