/* runner/loop.c - runs runners over feeds. */
#include "runner/loop.h"

#include "base/array_text.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/feed.h"
#include "data/metadata.h"
#include "results/load.h"
#include "runner/latency.h"
#include "runner/parts.h"
#include "runner/save_inputs.h"

/* "{x [dtype=float32, shape=(1, 3)]}" of tensors at hand. */
static pgy_status *print_tensors(px_buf *b, const char *const *names, pgy_tensor *const *tensors,
                                 size_t n)
{
    pgy_status *st = NULL;
    pgy_io *ios = NULL;
    PX_TRY(PX_ALLOC(ios, n));
    for (size_t i = 0; i < n; i++)
        ios[i] = (pgy_io){.name = names[i],
                          .dtype = tensors[i]->dtype,
                          .rank = tensors[i]->rank,
                          .dims = tensors[i]->dims};
    px_metadata_print(b, ios, n);
done:
    px_mem_free(ios);
    return st;
}

/* "{'x': array(...)}": the tensors' contents as the reference shows a dict of arrays. */
static void print_arrays(px_buf *b, const char *const *names, pgy_tensor *const *tensors, size_t n)
{
    px_buf_putc(b, '{');
    for (size_t i = 0; i < n; i++) {
        px_buf_puts(b, i ? ", " : "");
        px_buf_repr(b, px_str_of(names[i]));
        px_buf_puts(b, ": ");
        px_array_repr(b, tensors[i]);
    }
    px_buf_putc(b, '}');
}

/* Each line of `text` but the first is indented by `n` blanks. */
static void put_indented(px_buf *b, px_str text, size_t n)
{
    px_buf_pad(b, ' ', n);
    for (size_t i = 0; i < text.len; i++) {
        px_buf_putc(b, text.ptr[i]);
        if (text.ptr[i] == '\n')
            px_buf_pad(b, ' ', n);
    }
}

static void log_metadata_text(const px_loop *loop, const char *first_line, const char *title,
                              px_buf *text)
{
    px_log_once(loop->cx, PGY_LOG_INFO, PX_AT_COMPARATOR, "%s\n---- Inference %s(s) ----\n%s",
                first_line, title, px_buf_cstr(text));
}

static pgy_status *log_metadata(const px_loop *loop, const char *first_line, const char *title,
                                const char *const *names, pgy_tensor *const *tensors, size_t n)
{
    if (!px_log_enabled(loop->cx, PGY_LOG_INFO, PX_AT_COMPARATOR))
        return NULL;
    pgy_status *st = NULL;
    px_buf text = {0};
    PX_TRY(print_tensors(&text, names, tensors, n));
    log_metadata_text(loop, first_line, title, &text);
done:
    px_buf_fini(&text);
    return st;
}

static void log_arrays(const px_loop *loop, const char *label, const char *what,
                       const char *const *names, pgy_tensor *const *tensors, size_t n)
{
    if (!px_log_enabled(loop->cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_COMPARATOR))
        return;
    px_buf dict = {0}, text = {0};
    print_arrays(&dict, names, tensors, n);
    px_buf_printf(&text, "%s | %s:\n", label, what);
    put_indented(&text, px_buf_str(&dict), 4);
    px_log_text(loop->cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_COMPARATOR, px_buf_str(&text));
    px_buf_fini(&dict);
    px_buf_fini(&text);
}

static void log_session_inputs(const px_loop *loop, const px_runner *runner, const pgy_io *inputs,
                               size_t n)
{
    if (!px_log_enabled(loop->cx, PGY_LOG_VERBOSE, PX_AT_RUNNER))
        return;
    px_buf text = {0};
    px_metadata_print(&text, inputs, n);
    px_log_once(loop->cx, PGY_LOG_VERBOSE, PX_AT_RUNNER, "%s | Input metadata is: %s",
                px_runner_label(runner), px_buf_cstr(&text));
    px_buf_fini(&text);
}

/* Names and tensors of outputs as parallel arrays, for the printers above. */
typedef struct named_arrays {
    const char **names;
    pgy_tensor **tensors;
} named_arrays;

static pgy_status *split_outputs(const pgy_outputs *outputs, named_arrays *out)
{
    pgy_status *st = NULL;
    PX_TRY(PX_ALLOC(out->names, outputs->n));
    PX_TRY(PX_ALLOC(out->tensors, outputs->n));
    for (size_t i = 0; i < outputs->n; i++) {
        out->names[i] = outputs->at[i].name;
        out->tensors[i] = outputs->at[i].tensor;
    }
done:
    return st;
}

static pgy_status *log_outputs(const px_loop *loop, const char *label, const pgy_outputs *outputs)
{
    if (!px_log_enabled(loop->cx, PGY_LOG_INFO, PX_AT_COMPARATOR))
        return NULL;
    pgy_status *st = NULL;
    named_arrays arrays = {0};
    px_buf what = {0};
    PX_TRY(split_outputs(outputs, &arrays));
    PX_TRY(log_metadata(loop, label, "Output", arrays.names, arrays.tensors, outputs->n));
    px_buf_puts(&what, "Inference Time: ");
    px_fmt_f(&what, (double)outputs->elapsed_ns / 1e6, 3);
    px_buf_puts(&what, " ms | Received outputs");
    log_arrays(loop, label, px_buf_cstr(&what), arrays.names, arrays.tensors, outputs->n);
done:
    px_buf_fini(&what);
    px_mem_free(arrays.names);
    px_mem_free(arrays.tensors);
    return st;
}

pgy_status *px_loop_adapt(const px_loop *loop, px_runner *runner, int64_t i, const px_feed *raw,
                          px_feed *out)
{
    pgy_status *st = NULL;
    const pgy_io *inputs;
    size_t n;
    pgy_feed view = px_feed_view(raw);
    PX_TRY(px_runner_inputs(runner, &inputs, &n));
    PX_TRY(px_feed_adapt(loop->cx, &view, inputs, n, px_feeds_source_loader(loop->source), i, out));
done:
    return st;
}

/* Everything that is logged of what a runner is fed. */
static pgy_status *announce_feed(const px_loop *loop, px_runner *runner, const px_feed *feed,
                                 const pgy_io *inputs, size_t n)
{
    pgy_status *st = NULL;
    const char *label = px_runner_label(runner);
    const char *const *names = (const char *const *)feed->names;

    PX_TRY(log_metadata(loop, label, "Input", names, feed->tensors, feed->n));
    log_arrays(loop, label, "Feeding inputs", names, feed->tensors, feed->n);
    log_session_inputs(loop, runner, inputs, n);
done:
    return st;
}

/* Iteration `i` on one active runner, with everything that is logged of it. */
static pgy_status *run_iteration(const px_loop *loop, px_runner *runner, int64_t i,
                                 const px_feed *raw, pgy_outputs *outputs)
{
    pgy_status *st = NULL;
    px_feed feed = {0};
    const pgy_io *inputs;
    size_t n;

    PX_TRY(px_loop_adapt(loop, runner, i, raw, &feed));
    PX_TRY(px_runner_inputs(runner, &inputs, &n));
    PX_TRY(announce_feed(loop, runner, &feed, inputs, n));
    pgy_feed view = px_feed_view(&feed);
    px_runner_set_iteration(runner, i);
    PX_TRY(px_runner_infer(runner, &view, outputs));
    PX_TRY(log_outputs(loop, px_runner_label(runner), outputs));
done:
    px_feed_fini(&feed);
    return st;
}

static bool has_warm_up(const px_loop *loop)
{
    return loop->args->warm_up.given && loop->args->warm_up.value > 0;
}

/* `raw` is feed 0; not looked at when there is no data. */
static pgy_status *warm_up(const px_loop *loop, px_runner *runner, const px_feed *raw)
{
    pgy_status *st = NULL;
    px_feed feed = {0};
    pgy_outputs outputs = {0};
    const char *label = px_runner_label(runner);
    const long long n = (long long)loop->args->warm_up.value;

    if (px_feeds_source_count(loop->source) == 0) {
        px_log(loop->cx, PGY_LOG_WARNING, PX_AT_COMPARATOR,
               "%s | No data: the warm-up runs are skipped.", label);
        return NULL;
    }
    px_log(loop->cx, PGY_LOG_START, PX_AT_COMPARATOR, "%s | Running %lld warm-up run(s)", label, n);
    PX_TRY(px_loop_adapt(loop, runner, 0, raw, &feed));
    pgy_feed view = px_feed_view(&feed);
    px_runner_set_iteration(runner, -1);
    for (long long i = 0; i < n; i++) {
        PX_TRY(px_runner_infer(runner, &view, &outputs));
        px_outputs_clear(&outputs);
        px_progress(loop->cx, "Warming up", (uint64_t)i + 1, (uint64_t)n);
    }
    px_progress_end(loop->cx, "Warming up");
    px_log(loop->cx, PGY_LOG_FINISH, PX_AT_COMPARATOR, "%s | Finished %lld warm-up run(s)", label,
           n);
done:
    px_outputs_clear(&outputs);
    px_feed_fini(&feed);
    return st;
}

/* COMPAT: without data the reference says "Completed 1 iteration(s)" with time 0. */
static void log_times(const px_loop *loop, const px_runner *runner, uint64_t *elapsed_ns, size_t n)
{
    px_latency l = px_latency_of(elapsed_ns, n);
    const char *label = px_runner_label(runner);
    px_buf b = {0};
    px_buf_printf(&b, "%s | Completed %zu iteration(s) in ", label, PX_MAX(n, (size_t)1));
    px_fmt_g(&b, l.total, 4);
    px_buf_puts(&b, " ms | Average inference time: ");
    px_fmt_g(&b, l.mean, 4);
    px_buf_puts(&b, " ms.");
    px_log_text(loop->cx, PGY_LOG_FINISH, PX_AT_COMPARATOR, px_buf_str(&b));
    if (n > 1) {
        static const char *const names[] = {"median", "p90", "p95", "p99", "min", "max"};
        const double values[] = {l.median, l.p90, l.p95, l.p99, l.min, l.max};
        b.len = 0;
        px_buf_printf(&b, "%s | Latency: ", label);
        for (size_t i = 0; i < PX_COUNTOF(names); i++) {
            px_buf_printf(&b, "%s%s=", i ? ", " : "", names[i]);
            px_fmt_g(&b, values[i], 4);
            px_buf_puts(&b, " ms");
        }
        px_log_text(loop->cx, PGY_LOG_INFO, PX_AT_COMPARATOR, px_buf_str(&b));
    }
    px_buf_fini(&b);
}

static pgy_status *activate(const px_loop *loop, px_runner *runner, bool keep_feeds, bool in_parts)
{
    pgy_status *st = NULL;
    const pgy_io *inputs;
    size_t n;
    px_log(loop->cx, PGY_LOG_START, PX_AT_COMPARATOR, "%s | Activating and starting inference",
           px_runner_label(runner));
    PX_TRY(in_parts ? px_runner_activate_parts(runner) : px_runner_activate(runner));
    PX_TRY(px_runner_inputs(runner, &inputs, &n));
    PX_TRY(px_feeds_source_begin(loop->source, inputs, n, keep_feeds));
done:
    return st;
}

/* Once, when the first runner has told what it takes. */
static pgy_status *save_inputs(const px_loop *loop)
{
    pgy_status *st = NULL;
    px_input_saver saver = {0};
    px_feed feed = {0};
    if (!px_saves_inputs(loop->args))
        return NULL;
    PX_TRY(px_input_saver_open(loop->cx, loop->args, px_feeds_source_is_torch(loop->source), false,
                               &saver));
    for (int64_t i = 0; i < px_feeds_source_count(loop->source); i++) {
        px_feed_clear(&feed);
        PX_TRY(px_feeds_source_feed(loop->source, i, &feed));
        const pgy_feed view = px_feed_view(&feed);
        PX_TRY(px_input_saver_add(&saver, i, &view));
    }
    PX_TRY(px_input_saver_commit(&saver));
done:
    px_input_saver_close(&saver);
    px_feed_fini(&feed);
    return st;
}

/* Of each iteration, in nanoseconds. */
typedef struct elapsed_times {
    uint64_t *at;
    size_t n, cap;
} elapsed_times;

/* 0 when only the end of a script will tell. */
static uint64_t n_expected(const px_loop *loop)
{
    return px_feeds_source_is_counted(loop->source) ? (uint64_t)px_feeds_source_count(loop->source)
                                                    : 0;
}

/* All iterations of one runner. */
static pgy_status *run_all(const px_loop *loop, px_runner *runner, px_results *results, px_run *run)
{
    pgy_status *st = NULL;
    px_feed raw = {0};
    pgy_outputs outputs = {0};
    elapsed_times times = {0};
    bool more = false;

    PX_TRY(px_feeds_source_has(loop->source, 0, &more));
    if (more)
        PX_TRY(px_feeds_source_feed(loop->source, 0, &raw));
    if (has_warm_up(loop))
        PX_TRY(warm_up(loop, runner, &raw));
    for (int64_t i = 0; more; i++) {
        if (i > 0) {
            px_feed_clear(&raw);
            PX_TRY(px_feeds_source_feed(loop->source, i, &raw));
        }
        PX_TRY(run_iteration(loop, runner, i, &raw, &outputs));
        PX_TRY(PX_RESERVE(&times, 1));
        times.at[times.n++] = outputs.elapsed_ns;
        PX_TRY(px_run_add_iteration(loop->cx, results, run, &outputs));
        PX_TRY(px_feeds_source_has(loop->source, i + 1, &more));
        px_progress(loop->cx, px_runner_name(runner), (uint64_t)i + 1, n_expected(loop));
    }
    px_progress_end(loop->cx, px_runner_name(runner));
    log_times(loop, runner, times.at, times.n);
done:
    px_mem_free(times.at);
    px_outputs_clear(&outputs);
    px_feed_fini(&raw);
    return st;
}

/* --- part by part --- */

/* Every iteration's inputs as the runner takes them, announced. */
static pgy_status *collect_feeds(const px_loop *loop, px_runner *runner, px_results *out)
{
    pgy_status *st = NULL;
    px_feed raw = {0}, feed = {0};
    pgy_outputs tensors = {0};
    px_run *run;
    const pgy_io *inputs;
    size_t n;
    PX_TRY(px_runner_inputs(runner, &inputs, &n));
    PX_TRY(px_results_add_run(out, "", &run));
    for (int64_t i = 0; i < px_feeds_source_count(loop->source); i++) {
        px_feed_clear(&raw);
        px_feed_clear(&feed);
        PX_TRY(px_feeds_source_feed(loop->source, i, &raw));
        PX_TRY(px_loop_adapt(loop, runner, i, &raw, &feed));
        PX_TRY(announce_feed(loop, runner, &feed, inputs, n));
        for (size_t k = 0; k < feed.n; k++)
            PX_TRY(pgy_outputs_add(&tensors, feed.names[k], pgy_tensor_ref(feed.tensors[k])));
        PX_TRY(px_run_add_iteration(loop->cx, out, run, &tensors));
    }
done:
    px_outputs_clear(&tensors);
    px_feed_fini(&raw);
    px_feed_fini(&feed);
    return st;
}

/* What was kept, as run_iteration shows it. Contents only where they are seen: they may be far more
 * than memory holds. */
static pgy_status *log_kept(const px_loop *loop, const char *label, const px_iteration *it,
                            uint64_t elapsed_ns)
{
    pgy_status *st = NULL;
    pgy_outputs outputs = {.elapsed_ns = elapsed_ns};
    pgy_io *ios = NULL;
    px_buf text = {0};
    if (px_log_enabled(loop->cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_COMPARATOR)) {
        for (size_t i = 0; i < it->n_outputs; i++) {
            pgy_tensor *t = NULL;
            PX_TRY(px_lazy_get(loop->cx, it->outputs[i].value, &t));
            PX_TRY(pgy_outputs_add(&outputs, it->outputs[i].name, t));
        }
        PX_TRY(log_outputs(loop, label, &outputs));
        goto done;
    }
    PX_TRY(PX_ALLOC(ios, it->n_outputs));
    for (size_t i = 0; i < it->n_outputs; i++) {
        int rank;
        PX_TRY(px_lazy_describe(it->outputs[i].value, &ios[i].dtype, &rank, &ios[i].dims));
        ios[i].name = it->outputs[i].name;
        ios[i].rank = rank;
    }
    px_metadata_print(&text, ios, it->n_outputs);
    log_metadata_text(loop, label, "Output", &text);
done:
    px_buf_fini(&text);
    px_mem_free(ios);
    px_outputs_clear(&outputs);
    return st;
}

/* All iterations of one runner that has no session of the whole model. */
static pgy_status *run_all_parts(const px_loop *loop, px_runner *runner, px_results *results,
                                 size_t run)
{
    pgy_status *st = NULL;
    px_results feeds = {.limit = PX_PARTS_BUDGET / 4};
    uint64_t *elapsed_ns = NULL;
    const char *label = px_runner_label(runner);
    const size_t n = (size_t)px_feeds_source_count(loop->source);
    const px_opt_int *warm_up_arg = &loop->args->warm_up;

    PX_TRY(PX_ALLOC(elapsed_ns, n));
    PX_TRY(collect_feeds(loop, runner, &feeds));
    const px_parts parts = {.cx = loop->cx,
                            .runner = runner,
                            .feeds = &feeds.at[0],
                            .results = results,
                            .run = run,
                            .n_warm_up = warm_up_arg->given ? warm_up_arg->value : 0,
                            .elapsed_ns = elapsed_ns};
    PX_TRY(px_parts_run(&parts));
    for (size_t i = 0; i < n; i++)
        PX_TRY(log_kept(loop, label, &results->at[run].at[i], elapsed_ns[i]));
    log_times(loop, runner, elapsed_ns, n);
done:
    px_mem_free(elapsed_ns);
    px_results_fini(&feeds);
    return st;
}

static void log_success(const px_loop *loop)
{
    if (!px_log_enabled(loop->cx, PGY_LOG_VERBOSE, PX_AT_COMPARATOR))
        return;
    px_buf b = {0};
    px_buf_puts(&b, "Successfully ran: [");
    for (size_t i = 0, n = 0; i < loop->n_runners; i++) {
        if (px_runner_has_failed(loop->runners[i]))
            continue;
        px_buf_puts(&b, n++ > 0 ? ", " : "");
        px_buf_repr(&b, px_str_of(px_runner_name(loop->runners[i])));
    }
    px_buf_putc(&b, ']');
    px_log_text(loop->cx, PGY_LOG_VERBOSE, PX_AT_COMPARATOR, px_buf_str(&b));
    px_buf_fini(&b);
}

/* Everything of one runner. `*inout_saved`: the inputs are saved, which the first one does. */
static pgy_status *run_one(const px_loop *loop, px_runner *runner, bool keep, bool *inout_saved,
                           px_results *results)
{
    pgy_status *st = NULL;
    const bool in_parts = px_runner_takes_parts(runner);
    px_run *run;
    PX_TRY(activate(loop, runner, keep || in_parts, in_parts));
    if (!*inout_saved)
        PX_TRY(save_inputs(loop));
    *inout_saved = true;
    PX_TRY(px_results_add_run(results, px_runner_name(runner), &run));
    if (in_parts)
        results->limit = PX_PARTS_BUDGET;
    PX_TRY(in_parts ? run_all_parts(loop, runner, results, results->n - 1)
                    : run_all(loop, runner, results, run));
    px_runner_deactivate(runner);
done:
    return st;
}

/* An isolated runner that failed leaves no results; the others go on. */
static void leave_out(const px_loop *loop, px_runner *runner, pgy_status *take_why)
{
    px_log(loop->cx, PGY_LOG_CRITICAL, PX_AT_COMPARATOR, "%s", pgy_status_message(take_why));
    px_log(loop->cx, PGY_LOG_ERROR, PX_AT_COMPARATOR, "%s | Failed. It is left out of the results.",
           px_runner_label(runner));
    pgy_status_free(take_why);
    px_runner_deactivate(runner);
}

pgy_status *px_loop_sequential(const px_loop *loop, px_results *results)
{
    pgy_status *st = NULL;
    /* A single runner can make each feed when it needs it. */
    const bool keep = loop->keep_feeds || loop->n_runners > 1 || px_saves_inputs(loop->args);
    bool saved = false;

    for (size_t i = 0; i < loop->n_runners; i++) {
        px_runner *runner = loop->runners[i];
        const size_t n_before = results->n;
        st = run_one(loop, runner, keep, &saved, results);
        if (st != NULL && px_runner_has_failed(runner)) {
            px_results_truncate(results, n_before);
            leave_out(loop, runner, st);
            st = NULL;
        }
        PX_TRY(st);
    }
    log_success(loop);
done:
    return st;
}

pgy_status *px_loop_feed(const px_loop *loop, px_runner *runner, int64_t i, px_feed *out)
{
    pgy_status *st = NULL;
    px_feed raw = {0};
    PX_TRY(px_feeds_source_feed(loop->source, i, &raw));
    PX_TRY(px_loop_adapt(loop, runner, i, &raw, out));
done:
    px_feed_fini(&raw);
    return st;
}

/* What a streaming run holds beside the runners. */
typedef struct stream {
    const px_loop *loop;
    const px_stream *to;
    px_feed raw;          /* the next one, if there are more */
    px_results one;       /* the iteration at hand */
    elapsed_times *times; /* of each runner */
    size_t n_done, n_live;
    bool more, has_begun;
    px_input_saver saver;
} stream;

/* What runner `k` did ended like that. When it has failed by itself the others go on. */
static pgy_status *settle(stream *s, size_t k, pgy_status *take_end)
{
    px_runner *runner = s->loop->runners[k];
    if (take_end == NULL || !px_runner_has_failed(runner))
        return take_end;
    leave_out(s->loop, runner, take_end);
    s->n_live--;
    return s->has_begun ? s->to->left_out(s->to->user, k, s->n_done) : NULL;
}

static pgy_status *fetch_feed(stream *s)
{
    pgy_status *st = NULL;
    const int64_t i = (int64_t)s->n_done;
    px_feed_clear(&s->raw);
    PX_TRY(px_feeds_source_has(s->loop->source, i, &s->more));
    if (s->more)
        PX_TRY(px_feeds_source_feed(s->loop->source, i, &s->raw));
done:
    return st;
}

/* All runners become active and warm; feed 0 is made. */
static pgy_status *stream_start(stream *s)
{
    pgy_status *st = NULL;
    const px_loop *loop = s->loop;
    const bool keep = loop->keep_feeds && px_feeds_source_is_scripted(loop->source);
    PX_TRY(PX_ALLOC(s->times, loop->n_runners));
    for (size_t k = 0; k < loop->n_runners; k++)
        PX_TRY(settle(s, k, activate(loop, loop->runners[k], keep, false)));
    if (s->n_live == 0)
        goto done;
    if (px_saves_inputs(loop->args))
        PX_TRY(px_input_saver_open(loop->cx, loop->args, px_feeds_source_is_torch(loop->source),
                                   true, &s->saver));
    PX_TRY(fetch_feed(s));
    for (size_t k = 0; k < loop->n_runners && has_warm_up(loop); k++)
        if (!px_runner_has_failed(loop->runners[k]))
            PX_TRY(settle(s, k, warm_up(loop, loop->runners[k], &s->raw)));
done:
    return st;
}

/* The iteration at hand of runner `k` into `one`. */
static pgy_status *stream_runner(stream *s, size_t k)
{
    pgy_status *st = NULL;
    const px_loop *loop = s->loop;
    px_runner *runner = loop->runners[k];
    elapsed_times *times = &s->times[k];
    pgy_outputs outputs = {0};
    px_run *run;

    PX_TRY(run_iteration(loop, runner, (int64_t)s->n_done, &s->raw, &outputs));
    PX_TRY(PX_RESERVE(times, 1));
    times->at[times->n++] = outputs.elapsed_ns;
    PX_TRY(px_results_add_run(&s->one, px_runner_name(runner), &run));
    PX_TRY(px_run_add_iteration(loop->cx, &s->one, run, &outputs));
done:
    px_outputs_clear(&outputs);
    return st;
}

/* The next iteration: run, the inputs behind it made, handed over. */
static pgy_status *stream_iteration(stream *s, bool *out_stop)
{
    pgy_status *st = NULL;
    const px_loop *loop = s->loop;
    const pgy_feed view = px_feed_view(&s->raw);
    px_feed fed = {0};

    if (px_saves_inputs(loop->args))
        PX_TRY(px_input_saver_add(&s->saver, (int64_t)s->n_done, &view));
    for (size_t k = 0; k < loop->n_runners; k++)
        if (!px_runner_has_failed(loop->runners[k]))
            PX_TRY(settle(s, k, stream_runner(s, k)));
    s->n_done++;
    fed = s->raw;
    s->raw = (px_feed){0};
    PX_TRY(fetch_feed(s));
    const bool is_counted = px_feeds_source_is_counted(loop->source);
    const size_t n = is_counted ? (size_t)px_feeds_source_count(loop->source) : SIZE_MAX;
    if (!s->has_begun)
        PX_TRY(s->to->begin(s->to->user));
    s->has_begun = true;
    PX_TRY(s->to->iteration(s->to->user, s->n_done - 1, n, &fed, &s->one, out_stop));
    px_results_fini(&s->one);
    px_progress(loop->cx, "Running", s->n_done, is_counted ? n : 0);
done:
    px_feed_fini(&fed);
    return st;
}

static void stream_fini(stream *s)
{
    for (size_t k = 0; k < s->loop->n_runners; k++) {
        px_runner_deactivate(s->loop->runners[k]);
        if (s->times != NULL)
            px_mem_free(s->times[k].at);
    }
    px_input_saver_close(&s->saver);
    px_mem_free(s->times);
    px_feed_fini(&s->raw);
    px_results_fini(&s->one);
}

pgy_status *px_loop_streaming(const px_loop *loop, const px_stream *to)
{
    pgy_status *st = NULL;
    stream s = {.loop = loop, .to = to, .n_live = loop->n_runners};
    bool stop = false;

    PX_TRY(stream_start(&s));
    while (s.more && s.n_live > 0 && !stop)
        PX_TRY(stream_iteration(&s, &stop));
    px_progress_end(loop->cx, "Running");
    if (!s.has_begun)
        PX_TRY(to->begin(to->user));
    for (size_t k = 0; k < loop->n_runners; k++)
        if (!px_runner_has_failed(loop->runners[k]))
            log_times(loop, loop->runners[k], s.times[k].at, s.times[k].n);
    if (px_saves_inputs(loop->args))
        PX_TRY(px_input_saver_commit(&s.saver));
    log_success(loop);
done:
    stream_fini(&s);
    return st;
}
