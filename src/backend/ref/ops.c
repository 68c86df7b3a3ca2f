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

static pgy_status *open_session(pgy_context *cx, void *lib, pgy_model *model, const void *args,
                                void **out_session)
{
    pgy_status *st = NULL;
    const px_ref_args *a = args;
    ref_session *s = NULL;
    px_onnx_model *onnx = NULL;
    const bool is_typed = a && a->ref_precision.given && a->ref_precision.value &&
                          strcmp(a->ref_precision.value, "typed") == 0;

    PX_TRY(px_check_tensors_only(model));
    PX_TRY(px_model_onnx(model, &onnx));
    PX_TRY(PX_ALLOC(s, 1));
    s->is_unrounded = a && a->is_unrounded;
    PX_TRY(pgy_model_inputs(model, &s->inputs, &s->n_inputs));
    if (a && a->ref_ops.n > 0)
        PX_TRY(px_ref_user_ops_open(a->ref_ops.at, a->ref_ops.n, &s->user_ops));
    PX_TRY(px_ref_session_open(
        cx, onnx, &(px_ref_options){.is_typed = is_typed, .user_ops = s->user_ops}, &s->core));
    if (s->core->plan->n_inputs != s->n_inputs)
        PX_TRY(PX_FAIL(PGY_ERR_BUG, "The plan has %zu inputs and the model %zu",
                       s->core->plan->n_inputs, s->n_inputs));
    PX_TRY(names_copy(s));
    px_log(cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_PLUGINREF,
           "Reference interpreter: %zu nodes, %s matrix kernels, %s", s->core->n_steps,
           px_gemm_isa_get()->name,
           is_typed ? "rounding after every operator" : "float64 between operators");
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
        if (io->dtype != PGY_DTYPE_UNKNOWN && in->tensors[i]->dtype != io->dtype)
            PX_TRY(PX_FAIL(PGY_ERR_USAGE, "Input '%s' was fed as %s; the model wants %s", io->name,
                           pgy_dtype_name(in->tensors[i]->dtype), pgy_dtype_name(io->dtype)));
        PX_TRY(px_ref_value_load(&s->core->pool, in->tensors[i], &s->in[i]));
    }
done:
    return st;
}

static pgy_status *fetch(ref_session *s, pgy_outputs *out)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < s->core->plan->n_outputs; i++) {
        pgy_tensor *t = NULL;
        if (s->out[i].kind != PX_REF_TENSOR)
            PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                           "Output '%s' is %s; only tensors can be given out. Leave it out with "
                           "--onnx-exclude-outputs",
                           s->output_names[i],
                           s->out[i].kind == PX_REF_SEQUENCE ? "a sequence" : "an optional"));
        if (s->is_unrounded && s->out[i].t->dtype != PGY_DTYPE_I8 &&
            s->out[i].t->dtype != PGY_DTYPE_U8)
            s->out[i].dtype = s->out[i].t->dtype;
        PX_TRY(px_ref_value_store(&s->out[i], &t));
        px_ref_value_free(&s->out[i]);
        PX_TRY(pgy_outputs_add(out, s->output_names[i], t));
    }
done:
    return st;
}

static pgy_status *infer(void *session, const pgy_feed *in, pgy_outputs *out)
{
    pgy_status *st = NULL;
    ref_session *s = session;

    PX_TRY(feed(s, in));
    const uint64_t start_ns = px_time_ns();
    PX_TRY(px_ref_session_run(s->core, s->in, s->out));
    pgy_outputs_set_elapsed(out, px_time_ns() - start_ns);
    PX_TRY(fetch(s, out));
done:
    for (size_t i = 0; i < s->core->plan->n_inputs; i++)
        px_ref_value_free(&s->in[i]);
    for (size_t i = 0; i < s->core->plan->n_outputs; i++)
        px_ref_value_free(&s->out[i]);
    return st;
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
};
