/* cli/cmd_run.c - drives the stations of a run (cli/stations.h). */
#include "cli/cmd_run.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/thread.h"
#include "cli/gen_script.h"
#include "cli/stations.h"
#include "script/scripts.h"

static void log_plan(pgy_context *cx, const px_run_args *args)
{
    if (args->runner.save_outputs.given)
        px_log(cx, PGY_LOG_VERBOSE, PX_AT_RUN, "Will save runner results to: %s",
               args->runner.save_outputs.value);
    if (args->cli.runners.n == 0)
        px_log(cx, PGY_LOG_WARNING, PX_AT_COMPARATOR,
               "No runners were provided to Comparator.run(). Inference will not be run, and run "
               "results will be empty.");
}

static pgy_status *open_scripts(pgy_context *cx, px_run_args *args, px_scripts *scripts)
{
    pgy_status *st = px_scripts_open(cx, &args->data, &args->compare,
                                     px_runner_timeout_ns(&args->runner), scripts);
    if (st == NULL)
        st = px_scripts_open_trt(scripts, &args->trt, &args->model, args->words, args->n_words);
    return st;
}

static pgy_status *execute(pgy_context *cx, px_run_args *args, uint64_t start_ns, bool *out_passed)
{
    pgy_status *st = NULL;
    px_scripts scripts = {0};
    px_run_state run = {.cx = cx, .args = args, .start_ns = start_ns, .is_valid = true};
    PX_TRY(px_run_args_check_plan(cx, args));
    PX_TRY(px_check_layers(args));
    PX_TRY(px_check_checks(args));
    PX_TRY(open_scripts(cx, args, &scripts));
    log_plan(cx, args);
    PX_TRY(px_station_prepare(&run));
    /* Without runners there is nothing to run side by side. */
    if (args->runner.streaming.given && run.n_runners > 0) {
        PX_TRY(px_station_stream(&run));
    } else {
        PX_TRY(px_station_sequence(&run));
        PX_TRY(px_station_referee(&run));
    }
    PX_TRY(px_station_advise(&run));
    PX_TRY(px_station_layers(&run));
    PX_TRY(px_station_checks(&run));
    PX_TRY(px_station_conclude(&run, out_passed));
    PX_TRY(px_station_summary(&run));
done:
    px_run_state_fini(&run);
    px_scripts_close(&scripts);
    return st;
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

    px_console_configure(console, &args->cli);
    PX_TRY(px_run_args_check(cx, args));
    px_console_show_progress(console, cx, &args->cli);
    /* What ends the command without a run belongs here: there is neither RUNNING nor PASSED then.
     */
    if (args->cli.gen_script.given) {
        PX_TRY(px_run_args_check_plan(cx, args));
        PX_TRY(px_gen_script_write(cx, args));
        passed = true;
        goto done;
    }
    px_log(cx, PGY_LOG_START, PX_AT_MAIN, "RUNNING | Command: %s", args->command);
    /* The reference starts its file here, so the RUNNING line is not in it. */
    st = px_console_open_log(console, &args->cli);
    if (st == NULL) {
        px_log(cx, PGY_LOG_VERBOSE, PX_AT_UTIL, "Loaded Module: polygraphy | Version: %s",
               PX_VERSION);
        st = execute(cx, args, start_ns, &passed);
    }
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
