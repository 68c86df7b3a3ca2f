/* runner/runner.c - a backend's library and session under a name. */
#include "runner/runner.h"

#include "base/log.h"
#include "model/edit.h"

#include <time.h>

struct px_runner {
    pgy_context *cx;
    const pgy_backend_ops *ops;
    const void *args;
    pgy_model *model;
    void *lib, *session;
    char *name, *label;
    px_isolation isolation;
    px_isolated *child; /* in place of lib and session */
    int64_t iteration;
    bool has_failed;
};

pgy_status *px_runner_new(pgy_context *cx, const pgy_backend_ops *ops, int k, const void *args,
                          pgy_model *model, px_runner **out)
{
    pgy_status *st = NULL;
    px_runner *r = NULL;
    px_buf name = {0}, label = {0};
    char when[32];
    time_t now = time(NULL);
    struct tm local;

    PX_TRY(PX_ALLOC(r, 1));
    *r = (px_runner){.cx = cx, .ops = ops, .args = args, .model = model};
    localtime_r(&now, &local);
    strftime(when, sizeof when, "%m/%d/%y-%H:%M:%S", &local); /* %x-%X of the C locale */
    px_buf_printf(&name, "%s-runner-N%d-%s", ops->name, k, when);
    px_buf_printf(&label, "%-35s", px_buf_cstr(&name));
    r->name = px_buf_take(&name);
    r->label = px_buf_take(&label);
    if (r->name == NULL || r->label == NULL)
        PX_TRY(px_status_nomem());
    *out = r;
    r = NULL;
done:
    px_runner_free(r);
    return st;
}

const char *px_runner_name(const px_runner *runner)
{
    return runner->name;
}

const char *px_runner_label(const px_runner *runner)
{
    return runner->label;
}

void px_runner_isolate(px_runner *runner, const px_isolation *isolation)
{
    runner->isolation = *isolation;
}

void px_runner_set_iteration(px_runner *runner, int64_t iteration)
{
    runner->iteration = iteration;
}

bool px_runner_has_failed(const px_runner *runner)
{
    return runner->has_failed;
}

/* Backends built before a member existed do not have it. */
#define HAS(ops, member)                                                                           \
    ((ops)->struct_size >= offsetof(pgy_backend_ops, member) + sizeof(ops)->member &&              \
     (ops)->member != NULL)

bool px_runner_takes_parts(const px_runner *r)
{
    const px_model_args *args = r->model->load_args;
    const bool can = HAS(r->ops, begin_parts);
    return can && !r->isolation.on && r->model->type == PGY_MODEL_ONNX && args != NULL &&
           args->onnx_outputs.given && px_opt_marks_all(&args->onnx_outputs);
}

pgy_status *px_runner_activate_bare(px_runner *r)
{
    return r->lib == NULL && r->ops->load != NULL ? r->ops->load(r->cx, r->args, &r->lib) : NULL;
}

static pgy_status *load(px_runner *r)
{
    pgy_status *st = NULL;
    PX_TRY(px_runner_activate_bare(r));
    PX_TRY(px_model_load(r->model));
done:
    return st;
}

pgy_status *px_runner_activate_parts(px_runner *r)
{
    pgy_status *st = NULL;
    PX_TRY(load(r));
    PX_TRY(r->ops->begin_parts(r->cx, r->lib, r->args));
done:
    return st;
}

pgy_status *px_runner_open_part(px_runner *r, pgy_model *part)
{
    return r->ops->open(r->cx, r->lib, part, r->args, &r->session);
}

void px_runner_close_part(px_runner *r)
{
    if (r->session != NULL)
        r->ops->close(r->session);
    r->session = NULL;
}

pgy_model *px_runner_model(const px_runner *r)
{
    return r->model;
}

static pgy_status *activate(px_runner *r)
{
    pgy_status *st = NULL;
    if (r->isolation.on) {
        px_isolated_job job = {r->cx, r->ops, r->args, r->model, r->name, r->isolation};
        PX_TRY(px_model_load(r->model));
        PX_TRY(px_isolated_open(&job, &r->child));
        goto done;
    }
    PX_TRY(load(r));
    PX_TRY(px_runner_open_part(r, r->model));
done:
    return st;
}

pgy_status *px_runner_activate(px_runner *r)
{
    pgy_status *st = activate(r);
    r->has_failed = st != NULL && r->isolation.on;
    return st;
}

void px_runner_deactivate(px_runner *r)
{
    px_isolated_close(r->child);
    r->child = NULL;
    px_runner_close_part(r);
    if (r->lib != NULL && r->ops->unload != NULL)
        r->ops->unload(r->lib);
    r->lib = NULL;
}

pgy_status *px_runner_reopen(px_runner *r)
{
    pgy_status *st = NULL;
    void *session = NULL;
    if (r->isolation.on) {
        px_runner_deactivate(r);
        return px_runner_activate(r);
    }
    if (HAS(r->ops, reopen)) {
        PX_TRY(r->ops->reopen(r->session, &session));
        px_runner_close_part(r);
        r->session = session;
        goto done;
    }
    px_runner_close_part(r);
    PX_TRY(px_runner_open_part(r, r->model));
done:
    return st;
}

pgy_status *px_runner_inputs(px_runner *r, const pgy_io **out, size_t *out_n)
{
    if (r->child != NULL) {
        px_isolated_inputs(r->child, out, out_n);
        return NULL;
    }
    return r->session != NULL ? r->ops->inputs(r->session, out, out_n)
                              : pgy_model_inputs(r->model, out, out_n);
}

pgy_status *px_runner_infer(px_runner *r, const pgy_feed *feed, pgy_outputs *out)
{
    pgy_status *st = px_context_check(r->cx);
    if (st != NULL)
        return px_status_while(st, "running inference with %s", r->name);
    if (r->child == NULL)
        return px_status_while(r->ops->infer(r->session, feed, out), "running inference with %s",
                               r->name);
    st = px_isolated_infer(r->child, r->iteration, feed, out);
    r->has_failed = st != NULL;
    return st;
}

pgy_status *px_runner_infer_part(px_runner *r, const pgy_feed *feed, pgy_outputs *out,
                                 pgy_outputs *exact)
{
    if (!HAS(r->ops, infer_part))
        return px_runner_infer(r, feed, out);
    return px_status_while(r->ops->infer_part(r->session, feed, out, exact),
                           "running inference with %s", r->name);
}

void px_runner_free(px_runner *r)
{
    if (r == NULL)
        return;
    px_runner_deactivate(r);
    px_mem_free(r->name);
    px_mem_free(r->label);
    px_mem_free(r);
}
