/* cli/stations/summary.c - what a comparison came to, in a few lines at the end.
 *
 * For a person who looks up when the run is over; scripts read the lines above it.
 */
#include "cli/stations.h"

#include "base/fmt.h"
#include "base/log.h"
#include "report/doc/rows.h"
#include "report/wrap.h"

/* Characters of a name that leave room for what follows in a line of 80; characters of a line, less
 * the four that the log puts before it; columns of what stands behind a label, and of a sentence.
 */
enum { LONG_OUTPUT = 24, LONG_RUNNER = 28, WIDTH = 76, VALUE = 22, SENTENCE = 8 };

/* "onnxrt-runner-N0": the date behind it says nothing here. Other names stay. */
static void put_runner(px_buf *b, const char *name)
{
    const char *number = strstr(name, "-runner-N");
    size_t n = strlen(name);
    if (number != NULL) {
        const size_t digits = strspn(number + 9, "0123456789");
        n = (size_t)(number - name) + 9 + digits;
    }
    px_buf_put(b, name, n);
}

static void put_label(px_buf *b, const char *label)
{
    px_buf_printf(b, "\n        %-14s", label);
}

/* Where it is worst: failed before passed, then the larger error against the size of the values. */
static const px_doc_row *worst_of(const px_doc_rows *rows, const px_pair_result *pair)
{
    const px_doc_row *worst = NULL;
    for (size_t i = 0; i < rows->n; i++) {
        const px_doc_row *row = &rows->at[i];
        if (row->pair != pair)
            continue;
        const bool failed = row->n_failed > 0;
        if (worst == NULL || failed > (worst->n_failed > 0) ||
            (failed == (worst->n_failed > 0) && row->func == worst->func &&
             px_doc_error(row->worst) > px_doc_error(worst->worst)))
            worst = row;
    }
    return worst;
}

/* A name that is too long to stand behind its label has a line that begins further left. */
static void put_quoted(px_buf *b, const char *before, const char *name, const char *behind)
{
    const size_t n = px_text_width(px_str_of(name)) + strlen(behind) + 2;
    px_buf text = {0};
    px_buf_printf(&text, "%s'%s'%s", before, name, behind);
    px_wrap_put(b, px_buf_str(&text), VALUE + n > WIDTH ? SENTENCE + 2 : VALUE, WIDTH);
    b->failed |= text.failed;
    px_buf_fini(&text);
}

/* In lines that fit a terminal; a long name has one for itself. */
static void put_worst(px_buf *b, const px_doc_row *row)
{
    const px_output_result *r = row->worst;
    put_quoted(b, "", r->name, ":");
    if (strlen(r->name) > LONG_OUTPUT)
        put_label(b, "");
    else
        px_buf_putc(b, ' ');
    if (row->func != PX_COMPARE_SIMPLE || r->bare) {
        px_doc_put_errors(b, row);
        return;
    }
    px_buf_puts(b, "max abs ");
    px_doc_put_number(b, r->stats.of[PX_OF_ABS].max);
    px_buf_puts(b, " (atol ");
    px_doc_put_number(b, r->atol);
    px_buf_puts(b, "),");
    put_label(b, "");
    px_buf_puts(b, "max rel ");
    px_doc_put_number(b, r->stats.of[PX_OF_REL].max);
    px_buf_puts(b, " (rtol ");
    px_doc_put_number(b, r->rtol);
    px_buf_putc(b, ')');
}

static void put_first_layer(px_buf *b, const px_layer *layer)
{
    px_buf text = {0};
    put_label(b, "First layer");
    px_doc_put_layer(&text, layer);
    px_wrap_put(b, px_buf_str(&text), VALUE, WIDTH);
    put_quoted(b, " gives ", layer->output, "");
    b->failed |= text.failed;
    px_buf_fini(&text);
}

static void put_referee(px_buf *b, const px_referee *referee)
{
    px_buf text = {0};
    px_buf_puts(&text, "Referee: ");
    px_doc_put_finding(&text, referee, 0);
    px_buf_puts(b, "\n    ");
    px_wrap_put(b, px_buf_str(&text), SENTENCE, WIDTH);
    b->failed |= text.failed;
    px_buf_fini(&text);
}

static void put_pair(px_buf *b, const px_run_state *run, const px_doc_rows *rows, size_t p)
{
    const px_pair_result *pair = &run->accuracy.at[p];
    const px_layers *layers = p < run->n_layers ? &run->layers[p] : NULL;
    const px_doc_row *worst = worst_of(rows, pair);
    size_t n = 0, n_passed = 0;
    for (size_t i = 0; i < rows->n; i++) {
        n += rows->at[i].pair == pair;
        n_passed += rows->at[i].pair == pair && rows->at[i].n_failed == 0;
    }
    px_buf_puts(b, "\n    ");
    const size_t begin = b->len;
    put_runner(b, pair->runner[0]);
    px_buf_puts(b, b->len - begin > LONG_RUNNER ? "\n    vs. " : " vs. ");
    put_runner(b, pair->runner[1]);
    px_buf_puts(b, pair->passed ? ": PASSED" : ": FAILED");
    put_label(b, "Outputs");
    px_buf_printf(b, "%zu of %zu passed", n_passed, n);
    if (pair->n_iterations > 1)
        px_buf_printf(b, ", %zu of %zu iterations", pair->n_passed, pair->n_iterations);
    if (worst != NULL) {
        put_label(b, worst->n_failed > 0 ? "Worst" : "Largest error");
        put_worst(b, worst);
    }
    if (layers != NULL && layers->n > 1 && layers->first_failed != PX_NO_LAYER) {
        put_first_layer(b, &layers->at[layers->first_failed]);
    }
}

/* Mean time of a run that was run here; 0 for others. */
static double mean_ms(const px_run_state *run, size_t r)
{
    const px_run *of = &run->results.at[r];
    double sum = 0;
    size_t n = 0;
    bool is_live = false;
    for (size_t i = 0; i < run->n_runners; i++)
        is_live |= strcmp(px_runner_name(run->runners[i]), of->runner_name) == 0;
    for (size_t i = 0; is_live && i < of->n; i++)
        if (of->at[i].runtime_s >= 0) {
            sum += of->at[i].runtime_s * 1e3;
            n++;
        }
    return n > 0 ? sum / (double)n : 0;
}

/* Each in a line of its own, against the first. */
static void put_latency(px_buf *b, const px_run_state *run)
{
    const double first = run->results.n > 0 ? mean_ms(run, 0) : 0;
    if (first == 0 || run->n_runners < 2)
        return;
    px_buf_puts(b, "\n    Latency:");
    for (size_t r = 0; r < run->results.n; r++) {
        const double mean = mean_ms(run, r);
        if (mean == 0)
            continue;
        px_buf_puts(b, "\n        ");
        put_runner(b, run->results.at[r].runner_name);
        px_buf_putc(b, ' ');
        px_fmt_g(b, mean, 3);
        px_buf_puts(b, " ms");
        if (r > 0) {
            px_buf_puts(b, " (");
            px_fmt_g(b, mean / first, 3);
            px_buf_puts(b, " times)");
        }
    }
}

static void put_check(px_buf *b, const char *what, bool given, bool failed)
{
    if (given)
        px_buf_printf(b, "\n    %s: %s", what, failed ? "FAILED" : "PASSED");
}

pgy_status *px_station_summary(const px_run_state *run)
{
    pgy_status *st = NULL;
    px_doc_rows rows = {0};
    px_buf b = {0};
    if (run->accuracy.n == 0 || !px_log_enabled(run->cx, PGY_LOG_INFO, PX_AT_COMPARATOR))
        return NULL;
    PX_TRY(px_doc_rows_of(&run->accuracy, &rows));
    px_buf_puts(&b, "Summary");
    for (size_t p = 0; p < run->accuracy.n; p++)
        put_pair(&b, run, &rows, p);
    if (run->referee.n > 0)
        put_referee(&b, &run->referee);
    put_check(&b, "Determinism", run->args->runner.repeat.given, run->repeat_failed);
    put_check(&b, "Batch invariance", run->args->runner.check_batch_invariance.given,
              run->batch_failed);
    put_latency(&b, run);
    PX_TRY(px_buf_status(&b));
    px_log_text(run->cx, PGY_LOG_INFO, PX_AT_COMPARATOR, px_buf_str(&b));
done:
    px_doc_rows_fini(&rows);
    px_buf_fini(&b);
    return st;
}
