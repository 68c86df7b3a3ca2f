/* backend/ref/frame.c - sessions, and one activation of a plan. */
#include "backend/ref/plan.h"

const px_ref_value *px_ref_frame_value(const px_ref_frame *frame, int32_t slot)
{
    const px_ref_value *constant = &frame->plan->constants[slot];
    return constant->kind != PX_REF_NONE ? constant : &frame->slots[slot];
}

/* Strings that a kernel left in a pool buffer point into operands or scratch: copies them. */
static pgy_status *own_strings(px_ref_value *v)
{
    pgy_status *st = NULL;
    pgy_tensor *copy = NULL;
    if (v->kind != PX_REF_TENSOR || v->t->dtype != PGY_DTYPE_STRING || !px_ref_tensor_buf(v->t))
        return NULL;
    PX_TRY(px_tensor_new_strings(v->t->rank, v->t->dims, v->t->data, &copy));
    pgy_tensor_free(v->t);
    v->t = copy;
done:
    return st;
}

static pgy_status *call_function(px_ref_frame *frame, px_ref_step *step, px_ref_call *c)
{
    const px_ref_plan *plan = step->function;
    px_ref_value *in = px_arena_calloc(c->scratch, plan->n_inputs + 1, sizeof *in);
    if (!in)
        return px_status_nomem();
    if (c->n_in > 0)
        memcpy(in, c->in, c->n_in * sizeof *in);
    return px_ref_frame_run(frame->session, step->function, frame, plan->n_inputs, in, c->n_out,
                            c->out);
}

static pgy_status *run_step(px_ref_frame *frame, px_ref_step *step)
{
    pgy_status *st = NULL;
    px_ref_session *s = frame->session;
    px_arena *scratch = &s->scratch[frame->depth];
    const size_t n_in = step->node.n_inputs, n_out = step->node.n_outputs;
    px_ref_value *in = px_arena_calloc(scratch, n_in + 1, sizeof *in);
    px_ref_value *out = px_arena_calloc(scratch, n_out + 1, sizeof *out);

    if (!in || !out)
        PX_TRY(px_status_nomem());
    PX_TRY(px_context_check(s->cx));
    frame->step = step;
    for (size_t i = 0; i < n_in; i++)
        if (step->in[i] >= 0)
            in[i] = *px_ref_frame_value(frame, step->in[i]); /* borrowed */
    px_ref_call c = {.cx = s->cx,
                     .node = &step->node,
                     .opset = step->opset,
                     .n_in = n_in,
                     .n_out = n_out,
                     .in = in,
                     .out = out,
                     .scratch = scratch,
                     .frame = frame,
                     .state = step->state};
    PX_TRY(step->op ? step->op->kernel(&c) : call_function(frame, step, &c));
    for (size_t i = 0; i < n_out; i++) {
        if (step->out[i] < 0)
            continue;
        PX_TRY(own_strings(&out[i]));
        frame->slots[step->out[i]] = out[i];
        out[i] = (px_ref_value){0};
    }
    for (size_t i = 0; i < step->n_dies; i++)
        px_ref_value_free(&frame->slots[step->dies[i]]);
    for (size_t i = 0; s->options.is_typed && i < n_out; i++)
        if (step->out[i] >= 0)
            px_ref_value_round(&frame->slots[step->out[i]]);
done:
    for (size_t i = 0; out && i < n_out; i++)
        px_ref_value_free(&out[i]);
    px_arena_reset(scratch);
    return st;
}

static void slots_free(px_ref_frame *frame)
{
    for (size_t i = 0; frame->slots && i < frame->plan->n_slots; i++)
        px_ref_value_free(&frame->slots[i]);
    px_mem_free(frame->slots);
    frame->slots = NULL;
}

pgy_status *px_ref_frame_run(px_ref_session *session, px_ref_plan *plan, px_ref_frame *outer,
                             size_t n_in, const px_ref_value *in, size_t n_out, px_ref_value *out)
{
    pgy_status *st = NULL;
    px_ref_frame frame = {.session = session, .plan = plan, .depth = outer ? outer->depth + 1 : 0};

    if (frame.depth >= PX_REF_MAX_DEPTH)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "Graphs are nested deeper than %d (last: '%.*s')",
                       PX_REF_MAX_DEPTH, PX_STR_ARG(plan->name)));
    PX_TRY(px_context_check(session->cx)); /* a loop's body may have no step */
    PX_TRY(PX_ALLOC(frame.slots, PX_MAX(plan->n_slots, (size_t)1)));
    for (size_t i = 0; i < n_in; i++)
        frame.slots[plan->inputs[i]] = px_ref_value_copy(in[i]);
    for (size_t i = 0; i < plan->n_captures; i++)
        frame.slots[plan->captures[i].inner] =
            px_ref_value_copy(*px_ref_frame_value(outer, plan->captures[i].outer));
    for (size_t i = 0; i < plan->n_steps; i++)
        if (!plan->steps[i].is_folded)
            PX_TRY(run_step(&frame, &plan->steps[i]));
    for (size_t i = 0; i < n_out; i++)
        out[i] = px_ref_value_copy(*px_ref_frame_value(&frame, plan->outputs[i]));
done:
    slots_free(&frame);
    return st;
}

/* --- constant folding --- */

static bool is_foldable(const px_ref_plan *plan, const px_ref_step *step)
{
    static const char *const fresh[] = {
        "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike",
        "Multinomial",  "Bernoulli",        "Dropout"};
    if (!step->op || step->op->domain[0] != '\0' || step->n_subs > 0)
        return false;
    for (size_t i = 0; i < PX_COUNTOF(fresh); i++)
        if (strcmp(step->op->name, fresh[i]) == 0)
            return false;
    for (size_t i = 0; i < step->node.n_inputs; i++)
        if (step->in[i] >= 0 && plan->constants[step->in[i]].kind == PX_REF_NONE)
            return false;
    return true;
}

/* Frees constants that only folded steps read. */
static pgy_status *drop_unread(px_ref_plan *plan)
{
    pgy_status *st = NULL;
    bool *is_read = NULL;

    PX_TRY(PX_ALLOC(is_read, plan->n_slots + 1));
    for (size_t i = 0; i < plan->n_outputs; i++)
        is_read[plan->outputs[i]] = true;
    for (size_t i = 0; i < plan->n_steps; i++) {
        const px_ref_step *step = &plan->steps[i];
        for (size_t k = 0; !step->is_folded && k < step->node.n_inputs; k++)
            if (step->in[k] >= 0)
                is_read[step->in[k]] = true;
        for (size_t k = 0; k < step->n_subs; k++)
            for (size_t n = 0; n < step->subs[k].plan->n_captures; n++)
                is_read[step->subs[k].plan->captures[n].outer] = true;
    }
    for (size_t i = 0; i < plan->n_slots; i++)
        if (!is_read[i])
            px_ref_value_free(&plan->constants[i]);
done:
    px_mem_free(is_read);
    return st;
}

pgy_status *px_ref_plan_fold(px_ref_session *session, px_ref_plan *plan)
{
    pgy_status *st = NULL;
    px_ref_frame frame = {.session = session, .plan = plan};

    PX_TRY(PX_ALLOC(frame.slots, PX_MAX(plan->n_slots, (size_t)1)));
    for (size_t i = 0; i < plan->n_steps; i++) {
        px_ref_step *step = &plan->steps[i];
        if (!is_foldable(plan, step))
            continue;
        PX_TRY(run_step(&frame, step));
        for (size_t k = 0; k < step->node.n_outputs; k++)
            if (step->out[k] >= 0) {
                px_ref_value *made = &frame.slots[step->out[k]];
                if (plan->may_narrow[step->out[k]])
                    PX_TRY(px_ref_value_narrow(&session->pool, made));
                plan->constants[step->out[k]] = *made;
                *made = (px_ref_value){0};
            }
        step->is_folded = true;
        if (step->state)
            step->state_free(step->state);
        step->state = NULL;
    }
    PX_TRY(drop_unread(plan));
done:
    slots_free(&frame);
    return px_status_while(st, "computing what depends on constants only");
}

/* --- sessions --- */

pgy_status *px_ref_session_open(pgy_context *cx, const px_onnx_model *model,
                                const px_ref_options *options, px_ref_session **out)
{
    pgy_status *st = NULL;
    px_ref_session *s = NULL;

    PX_TRY(PX_ALLOC(s, 1));
    s->cx = cx;
    s->model = model;
    s->options = *options;
    s->pool.limit_size = options->limit_size ? options->limit_size : px_mem_available() / 16 * 15;
    PX_TRY(px_ref_plan_build(s));
    *out = s;
    s = NULL;
done:
    px_ref_session_close(s);
    return st;
}

void px_ref_session_close(px_ref_session *s)
{
    if (!s)
        return;
    for (px_ref_plan *plan = s->plans; plan; plan = plan->next) {
        for (size_t i = 0; i < plan->n_steps; i++)
            if (plan->steps[i].state)
                plan->steps[i].state_free(plan->steps[i].state);
        for (size_t i = 0; plan->constants && i < plan->n_slots; i++)
            px_ref_value_free(&plan->constants[i]);
        px_mem_free(plan->constants);
    }
    for (size_t i = 0; i < PX_COUNTOF(s->scratch); i++)
        px_arena_fini(&s->scratch[i]);
    px_ref_pool_fini(&s->pool);
    px_arena_fini(&s->arena);
    px_mem_free(s);
}

pgy_status *px_ref_session_run(px_ref_session *session, const px_ref_value *in, px_ref_value *out)
{
    return px_ref_frame_run(session, session->plan, NULL, session->plan->n_inputs, in,
                            session->plan->n_outputs, out);
}
