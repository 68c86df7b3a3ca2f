/* runner/public.c - the public face of outputs and runners. */
#include "polygraphy/runner.h"

#include "data/feed.h"
#include "runner/runner.h"

pgy_status *pgy_outputs_new(pgy_outputs **out)
{
    pgy_outputs *o = NULL;
    pgy_status *st = PX_ALLOC(o, 1);
    if (st == NULL)
        *out = o;
    return st;
}

void pgy_outputs_free(pgy_outputs *outputs)
{
    if (outputs == NULL)
        return;
    px_outputs_clear(outputs);
    px_mem_free(outputs);
}

void pgy_outputs_clear(pgy_outputs *outputs)
{
    px_outputs_clear(outputs);
}

size_t pgy_outputs_count(const pgy_outputs *outputs)
{
    return outputs->n;
}

const char *pgy_outputs_name(const pgy_outputs *outputs, size_t i)
{
    return outputs->at[i].name;
}

pgy_tensor *pgy_outputs_tensor(const pgy_outputs *outputs, size_t i)
{
    return outputs->at[i].tensor;
}

uint64_t pgy_outputs_elapsed_ns(const pgy_outputs *outputs)
{
    return outputs->elapsed_ns;
}

struct pgy_runner {
    pgy_context *cx;
    px_runner *runner;
    void *options; /* what `args` of px_runner_public_open lie in */
    void (*free_options)(void *options);
};

pgy_status *px_runner_public_open(const px_runner_plan *plan, pgy_runner **out)
{
    pgy_status *st = NULL;
    pgy_runner *r = NULL;
    const pgy_backend_ops *ops = pgy_backend_find(plan->cx, plan->backend);
    if (ops == NULL)
        return PX_FAIL(PGY_ERR_USAGE, "There is no backend '%s'", plan->backend);
    PX_TRY(PX_ALLOC(r, 1));
    r->cx = plan->cx;
    PX_TRY(px_runner_new(plan->cx, ops, 0, plan->args, plan->model, &r->runner));
    px_runner_isolate(r->runner, &plan->isolation);
    PX_TRY(px_runner_activate(r->runner));
    r->options = plan->take_options;
    r->free_options = plan->free_options;
    *out = r;
    r = NULL;
done:
    pgy_runner_close(r);
    return st;
}

pgy_status *pgy_runner_open(pgy_context *cx, const char *backend, pgy_model *model,
                            pgy_runner **out)
{
    const px_runner_plan plan = {.cx = cx, .backend = backend, .model = model};
    return px_runner_public_open(&plan, out);
}

const char *pgy_runner_name(const pgy_runner *runner)
{
    return px_runner_name(runner->runner);
}

pgy_status *pgy_runner_inputs(pgy_runner *runner, const pgy_io **out, size_t *out_n)
{
    return px_runner_inputs(runner->runner, out, out_n);
}

pgy_status *pgy_runner_infer(pgy_runner *runner, const pgy_feed *feed, pgy_outputs *out)
{
    pgy_status *st = NULL;
    px_feed adapted = {0};
    const pgy_io *inputs;
    size_t n;
    px_outputs_clear(out);
    PX_TRY(px_runner_inputs(runner->runner, &inputs, &n));
    PX_TRY(px_feed_adapt(runner->cx, feed, inputs, n, NULL, 0, &adapted));
    pgy_feed view = px_feed_view(&adapted);
    PX_TRY(px_runner_infer(runner->runner, &view, out));
done:
    px_feed_fini(&adapted);
    return st;
}

void pgy_runner_close(pgy_runner *runner)
{
    if (runner == NULL)
        return;
    px_runner_free(runner->runner);
    if (runner->free_options != NULL)
        runner->free_options(runner->options);
    px_mem_free(runner);
}
