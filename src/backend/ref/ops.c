/* backend/ref/ops.c - the reference interpreter as a backend: always there, nothing to load. */
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

static pgy_status *names_copy(ref_session *s)
{
    const px_ref_plan *plan = s->core->plan;
    s->in = px_arena_calloc(&s->arena, plan->n_inputs + 1, sizeof *s->in);
    s->out = px_arena_calloc(&s->arena, plan->n_outputs + 1, sizeof *s->out);
    s->output_names = px_arena_calloc(&s->arena, plan->n_outputs + 1, sizeof *s->output_names);
    if (!s->in || !s->out || !s->output_names)
        return px_status_nomem();
    for (size_t i = 0; i < plan->n_outputs; i++) {
        const px_str name = plan->output_names[i];
        s->output_names[i] = px_arena_strndup(&s->arena, name.ptr, name.len);
        if (!s->output_names[i])
            return px_status_nomem();
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

    PX_TRY(px_check_tensors_only(model));
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
    PX_TRY(names_copy(s));
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

static pgy_status *check_tensor(const ref_session *s, size_t i)
{
    if (s->out[i].kind == PX_REF_TENSOR)
        return NULL;
    return PX_FAIL(PGY_ERR_UNSUPPORTED,
                   "Output '%s' is %s; only tensors can be given out. Leave it out with "
                   "--onnx-exclude-outputs",
                   s->output_names[i],
                   s->out[i].kind == PX_REF_SEQUENCE ? "a sequence" : "an optional");
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

/* `exact` may be NULL. */
static pgy_status *fetch(ref_session *s, pgy_outputs *out, pgy_outputs *exact)
{
    pgy_status *st = NULL;
    pgy_tensor *wide = NULL;
    for (size_t i = 0; i < s->core->plan->n_outputs; i++) {
        pgy_tensor *t = NULL;
        PX_TRY(check_tensor(s, i));
        if (s->is_unrounded && s->out[i].t->dtype != PGY_DTYPE_I8 &&
            s->out[i].t->dtype != PGY_DTYPE_U8)
            s->out[i].dtype = s->out[i].t->dtype;
        PX_TRY(px_ref_value_store(&s->out[i], &t));
        st = exact ? fetch_exact(&s->out[i], t, &wide) : NULL;
        px_ref_value_free(&s->out[i]);
        pgy_status *added = pgy_outputs_add(out, s->output_names[i], t);
        PX_TRY(px_status_join(st, added));
        if (exact) {
            pgy_tensor *take = wide;
            wide = NULL;
            PX_TRY(pgy_outputs_add(exact, s->output_names[i], take));
        }
    }
done:
    pgy_tensor_free(wide);
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
