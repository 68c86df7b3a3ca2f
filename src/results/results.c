/* results/results.c - the containers: runs, iterations, feeds. */
#include "results/results.h"

#include "base/log.h"
#include "results/lazy.h"
#include "results/load.h"

uint64_t px_iteration_size(const px_iteration *it)
{
    uint64_t size = 0;
    for (size_t i = 0; i < it->n_outputs; i++) {
        pgy_dtype dtype;
        int rank;
        const int64_t *dims;
        size_t one;
        pgy_status *st = px_lazy_describe(it->outputs[i].value, &dtype, &rank, &dims);
        if (st == NULL && px_shape_size(dtype, rank, dims, &one))
            size += one;
        pgy_status_free(st);
    }
    return size;
}

void px_iteration_fini(px_iteration *it)
{
    for (size_t i = 0; i < it->n_outputs; i++) {
        px_mem_free(it->outputs[i].name);
        px_lazy_free(it->outputs[i].value);
    }
    px_mem_free(it->outputs);
    px_mem_free(it->runner_name);
    *it = (px_iteration){0};
}

void px_run_truncate(px_run *run, size_t n)
{
    while (run->n > n)
        px_iteration_fini(&run->at[--run->n]);
}

void px_results_remove(px_results *results, size_t i)
{
    px_run_fini(&results->at[i]);
    results->n--;
    memmove(&results->at[i], &results->at[i + 1], (results->n - i) * sizeof *results->at);
}

void px_results_truncate(px_results *results, size_t n)
{
    while (results->n > n)
        px_run_fini(&results->at[--results->n]);
}

void px_run_fini(px_run *run)
{
    px_run_truncate(run, 0);
    px_mem_free(run->at);
    px_mem_free(run->runner_name);
    *run = (px_run){0};
}

void px_results_fini(px_results *results)
{
    px_results_truncate(results, 0);
    px_mem_free(results->at);
    px_spool_free(results->spool);
    *results = (px_results){0};
}

pgy_status *px_results_add_run(px_results *results, const char *runner_name, px_run **out)
{
    pgy_status *st = NULL;

    PX_TRY(PX_RESERVE(results, 1));
    char *const name = px_mem_strdup(runner_name);
    if (name == NULL)
        PX_TRY(px_status_nomem());
    results->at[results->n] = (px_run){.runner_name = name};
    *out = &results->at[results->n++];
done:
    return st;
}

/* A new iteration with room for `n` outputs, not yet counted in the run. */
static pgy_status *start_iteration(px_run *run, size_t n, px_iteration *out)
{
    pgy_status *st = NULL;
    px_iteration it = {.runtime_s = -1};

    PX_TRY(PX_RESERVE(run, 1));
    PX_TRY(PX_ALLOC(it.outputs, n));
    if (run->runner_name != NULL) {
        it.runner_name = px_mem_strdup(run->runner_name);
        if (it.runner_name == NULL)
            PX_TRY(px_status_nomem());
    }
    *out = it;
    it = (px_iteration){0};
done:
    px_iteration_fini(&it);
    return st;
}

/* In memory while the budget lasts, then in the spool. Strings point all over the heap and stay. */
static pgy_status *keep(pgy_context *cx, px_results *results, pgy_tensor *t, px_lazy **out)
{
    pgy_status *st = NULL;
    const uint64_t budget = px_context_memory_budget(cx);
    const uint64_t limit = results->limit > 0 ? PX_MIN(results->limit, budget) : budget;
    const bool fits = results->resident + t->size <= limit;

    if (fits || t->dtype == PGY_DTYPE_STRING) {
        PX_TRY(px_lazy_of_tensor(t, out));
        results->resident += t->size;
    } else {
        if (results->spool == NULL)
            PX_TRY(px_spool_open(&results->spool));
        PX_TRY(px_lazy_spool(results->spool, t, out));
    }
done:
    return st;
}

pgy_status *px_iteration_extend(pgy_context *cx, px_results *results, px_iteration *it,
                                pgy_outputs *take_outputs)
{
    pgy_status *st = NULL;
    const size_t n = it->n_outputs + take_outputs->n;
    px_result_output *outputs = px_mem_realloc(it->outputs, n * sizeof *outputs);

    if (outputs == NULL)
        PX_TRY(px_status_nomem());
    it->outputs = outputs;
    for (size_t i = 0; i < take_outputs->n; i++) {
        px_named_tensor *const from = &take_outputs->at[i];
        px_result_output *const to = &outputs[it->n_outputs];
        PX_TRY(keep(cx, results, from->tensor, &to->value));
        to->name = from->name;
        it->n_outputs++;
        from->name = NULL;
        pgy_tensor_free(from->tensor); /* spooled bytes go at once */
        from->tensor = NULL;
    }
done:
    px_outputs_clear(take_outputs);
    return st;
}

pgy_status *px_run_add_iteration(pgy_context *cx, px_results *results, px_run *run,
                                 pgy_outputs *take_outputs)
{
    pgy_status *st = NULL;
    px_iteration it = {0};

    PX_TRY(start_iteration(run, 0, &it));
    it.runtime_s = (double)take_outputs->elapsed_ns * 1e-9;
    PX_TRY(px_iteration_extend(cx, results, &it, take_outputs));
    run->at[run->n++] = it;
    it = (px_iteration){0};
done:
    px_iteration_fini(&it);
    px_outputs_clear(take_outputs);
    return st;
}

/* Adds an output of that name to an iteration with room for it. */
static pgy_status *add_output(pgy_context *cx, px_results *results, px_iteration *it,
                              const char *name, pgy_tensor *t)
{
    pgy_status *st = NULL;
    px_result_output *const o = &it->outputs[it->n_outputs++];
    PX_TRY(keep(cx, results, t, &o->value));
    o->name = px_mem_strdup(name);
    if (o->name == NULL)
        PX_TRY(px_status_nomem());
done:
    return st;
}

pgy_status *px_run_add_feed(pgy_context *cx, px_results *results, px_run *run, const pgy_feed *feed)
{
    pgy_status *st = NULL;
    px_iteration it = {0};

    PX_TRY(start_iteration(run, feed->n, &it));
    for (size_t i = 0; i < feed->n; i++)
        PX_TRY(add_output(cx, results, &it, feed->names[i], feed->tensors[i]));
    run->at[run->n++] = it;
    it = (px_iteration){0};
done:
    px_iteration_fini(&it);
    return st;
}

static pgy_status *append_iteration(pgy_context *cx, px_results *results, px_run *run,
                                    const px_iteration *from)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    px_iteration it = {0};

    PX_TRY(start_iteration(run, from->n_outputs, &it));
    it.runtime_s = from->runtime_s;
    for (size_t i = 0; i < from->n_outputs; i++) {
        PX_TRY(px_lazy_get(cx, from->outputs[i].value, &t));
        PX_TRY(add_output(cx, results, &it, from->outputs[i].name, t));
        pgy_tensor_free(t);
        t = NULL;
    }
    run->at[run->n++] = it;
    it = (px_iteration){0};
done:
    pgy_tensor_free(t);
    px_iteration_fini(&it);
    return st;
}

pgy_status *px_results_append(pgy_context *cx, px_results *results, const px_results *from)
{
    pgy_status *st = NULL;
    px_run *run;
    for (size_t r = 0; r < from->n; r++) {
        if (r == results->n)
            PX_TRY(px_results_add_run(results, from->at[r].runner_name, &run));
        for (size_t i = 0; i < from->at[r].n; i++)
            PX_TRY(append_iteration(cx, results, &results->at[r], &from->at[r].at[i]));
    }
done:
    return st;
}

pgy_status *px_iteration_get_feed(pgy_context *cx, const px_iteration *it, px_feed *out)
{
    pgy_status *st = NULL;
    px_feed feed = {0};

    for (size_t i = 0; i < it->n_outputs; i++) {
        pgy_tensor *t = NULL;
        PX_TRY(px_lazy_get(cx, it->outputs[i].value, &t));
        PX_TRY(px_feed_add(&feed, it->outputs[i].name, t));
    }
    px_feed_fini(out);
    *out = feed;
    feed = (px_feed){0};
done:
    px_feed_fini(&feed);
    return st;
}

void px_iteration_replace(px_iteration *it, size_t i, px_lazy *take_value)
{
    px_lazy_free(it->outputs[i].value);
    it->outputs[i].value = take_value;
}

pgy_status *px_iteration_set_outputs(px_iteration *it, const char *runner_name,
                                     pgy_outputs *take_outputs)
{
    pgy_status *st = NULL;
    px_iteration made = {.runtime_s = it->runtime_s};
    PX_TRY(PX_ALLOC(made.outputs, take_outputs->n));
    made.runner_name = px_mem_strdup(runner_name);
    if (made.runner_name == NULL)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < take_outputs->n; i++) {
        PX_TRY(px_lazy_of_tensor(take_outputs->at[i].tensor, &made.outputs[i].value));
        made.outputs[i].name = take_outputs->at[i].name;
        take_outputs->at[i].name = NULL;
        made.n_outputs++;
    }
    px_iteration_fini(it);
    *it = made;
    made = (px_iteration){0};
done:
    px_iteration_fini(&made);
    px_outputs_clear(take_outputs);
    return st;
}
