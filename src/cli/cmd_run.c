/* cli/cmd_run.c - drives the stations of a run. */
#include "cli/cmd_run.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/thread.h"
#include "cli/save_accuracy.h"
#include "compare/compare.h"
#include "compare/postprocess.h"
#include "compare/validate.h"
#include "model/model.h"
#include "results/results.h"
#include "runner/loop.h"

typedef struct run_state {
    pgy_context *cx;
    px_run_args *args;
    pgy_model *model;
    px_runner **runners;
    size_t n_runners;
    px_feeds_source *source;
    px_results results;
    px_accuracy accuracy;
} run_state;

/* The value struct of a backend's options. */
static const void *backend_args(const px_run_args *args, const char *name)
{
    if (strcmp(name, "onnxrt") == 0)
        return &args->onnxrt;
    if (strcmp(name, "pluginref") == 0)
        return &args->ref;
    return NULL;
}

static pgy_status *make_runners(run_state *run)
{
    pgy_status *st = NULL;
    const px_opt_strs *names = &run->args->cli.runners;
    PX_TRY(PX_ALLOC(run->runners, names->n));
    for (size_t i = 0; i < names->n; i++) {
        const pgy_backend_ops *ops = pgy_backend_find(run->cx, names->at[i]);
        int k = 0;
        if (ops == NULL)
            PX_TRY(
                PX_FAIL(PGY_ERR_UNSUPPORTED, "--%s: this build has no such runner", names->at[i]));
        for (size_t j = 0; j < i; j++)
            k += strcmp(names->at[j], names->at[i]) == 0;
        PX_TRY(px_runner_new(run->cx, ops, k, backend_args(run->args, names->at[i]), run->model,
                             &run->runners[i]));
        run->n_runners++;
    }
done:
    return st;
}

static pgy_status *prepare(run_state *run)
{
    pgy_status *st = NULL;
    const px_run_args *args = run->args;
    PX_TRY(px_feeds_source_open(run->cx, &args->data, &args->model.input_shapes, &run->source));
    if (args->cli.runners.n > 0) {
        PX_TRY(px_model_open(run->cx, args->model.path, args->model.type, &run->model));
        run->model->load_args = &args->model;
    }
    PX_TRY(make_runners(run));
done:
    return st;
}

static void log_plan(const run_state *run)
{
    const px_run_args *args = run->args;
    if (args->runner.save_outputs.given)
        px_log(run->cx, PGY_LOG_VERBOSE, PX_AT_RUN, "Will save runner results to: %s",
               args->runner.save_outputs.value);
    if (args->cli.runners.n == 0)
        px_log(run->cx, PGY_LOG_WARNING, PX_AT_COMPARATOR,
               "No runners were provided to Comparator.run(). Inference will not be run, and run "
               "results will be empty.");
}

static pgy_status *save_outputs(run_state *run)
{
    const px_opt_str *path = &run->args->runner.save_outputs;
    return path->given ? px_results_save(run->cx, &run->results, path->value) : NULL;
}

static pgy_status *load_outputs(run_state *run)
{
    pgy_status *st = NULL;
    const px_opt_strs *paths = &run->args->compare.load_outputs;
    for (size_t i = 0; i < paths->n; i++)
        PX_TRY(px_results_load(run->cx, paths->at[i], &run->results));
done:
    return st;
}

/* Everything after the runs: saving, loading, post-processing, comparison, validation. */
static pgy_status *judge(run_state *run, bool *out_passed)
{
    pgy_status *st = NULL;
    const px_compare_args *args = &run->args->compare;
    bool compares = run->n_runners > 1 || args->load_outputs.given, is_valid = true;

    PX_TRY(save_outputs(run));
    PX_TRY(load_outputs(run));
    PX_TRY(px_postprocess_results(run->cx, args, &run->results));
    if (compares)
        PX_TRY(px_compare_results(run->cx, args, &run->results, NULL, &run->accuracy));
    if (args->save_accuracy_results.given)
        PX_TRY(px_save_accuracy(run->cx, &run->accuracy, args->save_accuracy_results.value));
    if (args->validate.given)
        PX_TRY(px_validate_results(run->cx, &run->results, &is_valid));
    *out_passed = (!compares || run->accuracy.passed) && is_valid;
done:
    return st;
}

static pgy_status *execute(run_state *run, bool *out_passed)
{
    pgy_status *st = NULL;
    PX_TRY(px_run_args_check_plan(run->cx, run->args));
    log_plan(run);
    PX_TRY(prepare(run));
    px_loop loop = {.cx = run->cx,
                    .runners = run->runners,
                    .n_runners = run->n_runners,
                    .source = run->source,
                    .args = &run->args->runner};
    PX_TRY(px_loop_sequential(&loop, &run->results));
    PX_TRY(judge(run, out_passed));
done:
    return st;
}

static void run_fini(run_state *run)
{
    px_accuracy_fini(&run->accuracy);
    px_results_fini(&run->results);
    for (size_t i = 0; i < run->n_runners; i++)
        px_runner_free(run->runners[i]);
    px_mem_free(run->runners);
    px_feeds_source_close(run->source);
    pgy_model_close(run->model);
}

static void log_closing(pgy_context *cx, const px_run_args *args, bool passed, uint64_t start_ns)
{
    px_buf text = {0};
    px_buf_puts(&text, passed ? "PASSED | Runtime: " : "FAILED | Runtime: ");
    px_fmt_f(&text, (double)(px_time_ns() - start_ns) / 1e9, 3);
    px_buf_printf(&text, "s | Command: %s", args->command);
    px_log_text(cx, passed ? PGY_LOG_FINISH : PGY_LOG_ERROR, PX_AT_MAIN, px_buf_str(&text));
    px_buf_fini(&text);
}

int px_cmd_run(pgy_context *cx, px_console *console, px_run_args *args)
{
    pgy_status *st = NULL;
    bool passed = false;
    uint64_t start_ns = px_time_ns();
    run_state run = {.cx = cx, .args = args};

    px_console_configure(console, &args->cli);
    PX_TRY(px_run_args_check(cx, args));
    px_log(cx, PGY_LOG_START, PX_AT_MAIN, "RUNNING | Command: %s", args->command);
    /* The reference starts its file here, so the RUNNING line is not in it. */
    PX_TRY(px_console_open_log(console, &args->cli));
    px_log(cx, PGY_LOG_VERBOSE, PX_AT_UTIL, "Loaded Module: polygraphy | Version: %s", PX_VERSION);
    st = execute(&run, &passed);
    run_fini(&run);
    if (st != NULL) {
        passed = false;
        px_console_error(console, st);
        pgy_status_free(st);
        st = NULL;
    }
    log_closing(cx, args, passed, start_ns);
done:
    if (st != NULL)
        px_console_error(console, st);
    pgy_status_free(st);
    return passed ? 0 : 1;
}
