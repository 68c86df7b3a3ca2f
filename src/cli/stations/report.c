/* cli/stations/report.c - the documents of `--report`. */
#include "cli/stations.h"

#include "base/log.h"
#include "base/thread.h"

#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* Times and counts of one run of results. */
static pgy_status *describe(const px_run *from, bool is_loaded, px_doc_runner *out)
{
    pgy_status *st = NULL;
    uint64_t *elapsed = NULL;
    size_t n = 0;
    PX_TRY(PX_ALLOC(elapsed, from->n + 1));
    for (size_t i = 0; i < from->n; i++) {
        if (from->at[i].runtime_s >= 0)
            elapsed[n++] = (uint64_t)(from->at[i].runtime_s * 1e9 + 0.5);
    }
    *out = (px_doc_runner){.name = from->runner_name,
                           .n_iterations = from->n,
                           .is_loaded = is_loaded,
                           .latency = px_latency_of(elapsed, n)};
done:
    px_mem_free(elapsed);
    return st;
}

static void put_date(char *out, size_t size)
{
    struct tm tm;
    const time_t now = time(NULL);
    if (localtime_r(&now, &tm) == NULL || strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        out[0] = '\0';
}

static void put_host(px_buf *out)
{
    struct utsname u;
    if (uname(&u) == 0)
        px_buf_printf(out, "%s %s %s, ", u.sysname, u.release, u.machine);
    px_buf_printf(out, "%ld processors", sysconf(_SC_NPROCESSORS_ONLN));
}

pgy_status *px_station_report(const px_run_state *run, bool passed)
{
    pgy_status *st = NULL;
    char date[32];
    px_buf host = {0};
    const px_opt_strs *paths = &run->args->report.report;
    px_doc doc = {
        .command = run->args->command,
        .model = run->args->cli.runners.n > 0 ? run->args->model.path : NULL,
        .date = date,
        .seconds = (double)(px_time_ns() - run->start_ns) / 1e9,
        .passed = passed,
        .is_validated = run->args->compare.validate.given,
        .is_valid = run->is_valid,
        .accuracy = &run->accuracy,
        .advice = run->advice,
        .n_advice = run->n_advice,
        .referee = &run->referee,
        .exhibits = &run->exhibits,
        .layers = run->layers,
        .n_layers = run->n_layers,
    };
    if (!paths->given)
        return NULL;
    put_date(date, sizeof date);
    put_host(&host);
    PX_TRY(px_buf_status(&host));
    doc.host = px_buf_cstr(&host);
    PX_TRY(PX_ALLOC(doc.runners, run->results.n + 1));
    for (size_t i = 0; i < run->results.n; i++) {
        PX_TRY(describe(&run->results.at[i], i >= run->n_runners, &doc.runners[i]));
        doc.n_runners++;
    }
    for (size_t i = 0; i < paths->n; i++) {
        px_log(run->cx, PGY_LOG_INFO, PX_AT_RUN, "Writing the report to %s", paths->at[i]);
        PX_TRY(px_doc_save(&doc, paths->at[i]));
    }
done:
    px_mem_free(doc.runners);
    px_buf_fini(&host);
    return st;
}
