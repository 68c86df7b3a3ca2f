/* compare/repeat.c - see repeat.h. */
#include "compare/repeat.h"

#include "base/log.h"
#include "base/progress.h"
#include "data/feed.h"

static const char *const level_names[PX_N_REPEAT_LEVELS] = {"Runs", "Sessions", "Builds"};

typedef struct repeating {
    const px_loop *loop;
    px_runner *runner;
    const px_map *positions;
    px_results first;      /* one run: the first pass */
    int64_t n_done, n_all; /* inferences, for the progress */
} repeating;

static pgy_status *infer(repeating *r, int64_t i, pgy_outputs *out)
{
    pgy_status *st = NULL;
    px_feed feed = {0};
    PX_TRY(px_loop_feed(r->loop, r->runner, i, &feed));
    const pgy_feed view = px_feed_view(&feed);
    px_runner_set_iteration(r->runner, i);
    PX_TRY(px_runner_infer(r->runner, &view, out));
    px_progress(r->loop->cx, "Repeating", (uint64_t)++r->n_done, (uint64_t)r->n_all);
done:
    px_feed_fini(&feed);
    return st;
}

static pgy_status *first_pass(repeating *r, int64_t n_iterations)
{
    pgy_status *st = NULL;
    pgy_outputs outputs = {0};
    px_run *run;
    PX_TRY(px_results_add_run(&r->first, px_runner_name(r->runner), &run));
    for (int64_t i = 0; i < n_iterations; i++) {
        PX_TRY(infer(r, i, &outputs));
        PX_TRY(px_run_add_iteration(r->loop->cx, &r->first, run, &outputs));
    }
done:
    px_outputs_clear(&outputs);
    return st;
}

/* Where an output stands among the layers; unknown ones come last. */
static size_t position_of(const repeating *r, const char *output)
{
    const size_t at =
        r->positions != NULL ? (size_t)px_map_get(r->positions, px_str_of(output)) : 0;
    return at > 0 ? at : SIZE_MAX;
}

static pgy_status *compare_output(const repeating *r, px_result_output *was,
                                  const px_named_tensor *is, px_repeat_finding *f)
{
    pgy_status *st = NULL;
    pgy_tensor *before = NULL;
    px_bits bits;
    PX_TRY(px_lazy_get(r->loop->cx, was->value, &before));
    PX_TRY(px_bits_compare(before, is->tensor, &bits));
    if (bits.same)
        goto done;
    if (f->n_differ++ == 0 || position_of(r, is->name) < position_of(r, f->output)) {
        char *name = px_mem_strdup(is->name);
        if (name == NULL)
            PX_TRY(px_status_nomem());
        px_mem_free(f->output);
        f->output = name;
        f->bits = bits;
    }
done:
    pgy_tensor_free(before);
    return st;
}

/* Outputs come in the same order each time: a session has them in one. */
static bool names_match(const px_iteration *was, const pgy_outputs *is)
{
    bool match = was->n_outputs == is->n;
    for (size_t i = 0; match && i < is->n; i++)
        match = strcmp(was->outputs[i].name, is->at[i].name) == 0;
    return match;
}

static pgy_status *compare_iteration(const repeating *r, const px_iteration *was,
                                     const pgy_outputs *is, px_repeat_finding *f)
{
    pgy_status *st = NULL;
    f->n_outputs = was->n_outputs;
    f->outputs_changed = !names_match(was, is);
    for (size_t i = 0; !f->outputs_changed && i < is->n; i++)
        PX_TRY(compare_output(r, &was->outputs[i], &is->at[i], f));
    f->differs = f->outputs_changed || f->n_differ > 0;
done:
    return st;
}

/* One more pass over the inputs; the first iteration that differs ends it. */
static pgy_status *pass(repeating *r, int64_t number, px_repeat_finding *f)
{
    pgy_status *st = NULL;
    pgy_outputs outputs = {0};
    const px_run *first = &r->first.at[0];
    for (size_t i = 0; i < first->n && !f->differs; i++) {
        px_outputs_clear(&outputs);
        PX_TRY(infer(r, (int64_t)i, &outputs));
        f->pass = number;
        f->iteration = (int64_t)i;
        PX_TRY(compare_iteration(r, &first->at[i], &outputs, f));
    }
done:
    px_outputs_clear(&outputs);
    return st;
}

static pgy_status *prepare(repeating *r, px_repeat_level level)
{
    pgy_status *st = NULL;
    if (level == PX_REPEAT_SESSIONS)
        PX_TRY(px_runner_reopen(r->runner));
    if (level == PX_REPEAT_BUILDS) {
        px_runner_deactivate(r->runner);
        PX_TRY(px_runner_activate(r->runner));
    }
done:
    return st;
}

static pgy_status *all_passes(repeating *r, px_repeat *repeat)
{
    pgy_status *st = NULL;
    PX_TRY(px_runner_activate(r->runner));
    PX_TRY(first_pass(r, repeat->n_iterations));
    for (int level = 0; level < PX_N_REPEAT_LEVELS; level++) {
        px_repeat_finding *f = &repeat->of[level];
        for (int64_t k = 2; k <= repeat->n && !f->differs; k++) {
            PX_TRY(prepare(r, level));
            PX_TRY(pass(r, k, f));
        }
        repeat->is_deterministic &= !f->differs;
        r->n_done = (level + 1) * (repeat->n - 1) * repeat->n_iterations;
    }
done:
    return st;
}

pgy_status *px_repeat_run(const px_loop *loop, px_runner *runner, int64_t n,
                          const px_map *positions, px_repeat *out)
{
    pgy_status *st = NULL;
    px_repeat repeat = {
        .n = n, .n_iterations = px_feeds_source_count(loop->source), .is_deterministic = true};
    repeating r = {.loop = loop,
                   .runner = runner,
                   .positions = positions,
                   .n_all = repeat.n_iterations * (1 + PX_N_REPEAT_LEVELS * (n - 1))};
    px_log_mute(loop->cx, +1);
    st = all_passes(&r, &repeat);
    px_log_mute(loop->cx, -1);
    px_progress_end(loop->cx, "Repeating");
    PX_TRY(st);
    *out = repeat;
    repeat = (px_repeat){0};
done:
    px_runner_deactivate(runner);
    px_results_fini(&r.first);
    px_repeat_fini(&repeat);
    return px_status_while(st, "repeating the run");
}

void px_repeat_fini(px_repeat *repeat)
{
    for (int level = 0; level < PX_N_REPEAT_LEVELS; level++)
        px_mem_free(repeat->of[level].output);
    *repeat = (px_repeat){0};
}

void px_repeat_print(px_buf *b, const px_repeat *repeat, px_repeat_level level, const char *node)
{
    const px_repeat_finding *f = &repeat->of[level];
    px_buf_printf(b, "%-9s ", level_names[level]);
    if (!f->differs) {
        px_buf_puts(b, "the same to the last bit");
        return;
    }
    px_buf_printf(b, "number %lld differs from the first", (long long)f->pass);
    if (repeat->n_iterations > 1)
        px_buf_printf(b, " in iteration %lld", (long long)f->iteration);
    if (f->outputs_changed) {
        px_buf_puts(b, ": it has other outputs");
        return;
    }
    px_buf_printf(b, ", first in output '%s'", f->output);
    if (node != NULL)
        px_buf_printf(b, " of %s", node);
    px_buf_puts(b, ": ");
    px_bits_print(b, &f->bits);
    if (f->n_outputs > 1)
        px_buf_printf(b, "; %zu of %zu outputs differ", f->n_differ, f->n_outputs);
}
