/* compare/text.c - see text.h. */
#include "compare/text.h"

#include "base/array_text.h"
#include "base/fmt.h"
#include "base/log.h"

#include <math.h>

#define MAX_VALUES 100 /* larger arrays do not show their elements */
#define BAR_WIDTH 40

void px_text_number(px_buf *b, double v)
{
    px_fmt_g(b, v, 5);
}

static void put_index(px_buf *b, int64_t flat, int64_t count, int rank, const int64_t *dims)
{
    int64_t index[PX_MAX_RANK];
    if (count == 0) {
        px_buf_putc(b, '0');
        return;
    }
    for (int i = rank - 1; i >= 0; i--) {
        index[i] = flat % dims[i];
        flat /= dims[i];
    }
    px_shape_print(b, rank, index);
}

void px_text_stats(px_buf *b, const px_stats *s, int rank, const int64_t *dims)
{
    const struct {
        const char *name;
        double value;
        int64_t at; /* -1: no position */
    } parts[] = {
        {"mean", s->mean, -1},
        {"std-dev", s->std, -1},
        {"var", s->var, -1},
        {"median", s->median, -1},
        {"min", s->min, s->argmin},
        {"max", s->max, s->argmax},
        {"avg-magnitude", s->avg_magnitude, -1},
        {"p90", s->p90, -1},
        {"p95", s->p95, -1},
        {"p99", s->p99, -1},
    };
    const size_t n = PX_COUNTOF(parts) - (s->has_percentiles ? 0 : 3);
    for (size_t i = 0; i < n; i++) {
        px_buf_printf(b, "%s%s=", i > 0 ? ", " : "", parts[i].name);
        px_text_number(b, parts[i].value);
        if (parts[i].at >= 0) {
            px_buf_puts(b, " at ");
            put_index(b, parts[i].at, s->count, rank, dims);
        }
    }
}

static void put_padded(px_buf *b, const char *text, int width)
{
    px_buf_puts(b, text);
    px_buf_pad(b, ' ', (size_t)PX_MAX(width - (int)strlen(text), 0));
}

void px_text_hist(px_buf *b, const px_hist *h)
{
    if (h->state == PX_HIST_NONE)
        px_buf_puts(b, "None");
    if (h->state != PX_HIST_OK)
        return;
    char edges[PX_HIST_BINS + 1][32];
    int first = 0, last = 0;
    int64_t most = 0;
    for (int i = 0; i <= PX_HIST_BINS; i++) {
        px_buf text = {0};
        px_fmt_g(&text, h->edges[i], 3);
        (void)snprintf(edges[i], sizeof edges[i], "%s", px_buf_cstr(&text));
        px_buf_fini(&text);
        first = PX_MAX(first, (int)strlen(edges[i]));
        last = i > 0 ? PX_MAX(last, (int)strlen(edges[i])) : last;
        most = i < PX_HIST_BINS ? PX_MAX(most, h->counts[i]) : most;
    }
    px_buf_puts(b, "---- Histogram ----\n");
    put_padded(b, "Bin Range", first + last + 5);
    px_buf_puts(b, "|  Num Elems | Visualization");
    for (int i = 0; i < PX_HIST_BINS; i++) {
        px_buf_puts(b, "\n(");
        put_padded(b, edges[i], first);
        px_buf_puts(b, ", ");
        put_padded(b, edges[i + 1], last);
        px_buf_printf(b, ") | %10lld | ", (long long)h->counts[i]);
        if (most > 0)
            px_buf_pad(b, '#', (size_t)(BAR_WIDTH * ((double)h->counts[i] / (double)most)));
    }
}

void px_text_tensor(px_buf *b, const pgy_tensor *t)
{
    px_buf_printf(b, "(dtype=%s, shape=", pgy_dtype_name(t->dtype));
    px_shape_print(b, t->rank, t->dims);
    px_buf_putc(b, ')');
}

/* Four blanks before every line. */
static void put_indented(px_buf *b, px_str text)
{
    px_buf_puts(b, "    ");
    for (size_t i = 0; i < text.len; i++) {
        px_buf_putc(b, text.ptr[i]);
        if (text.ptr[i] == '\n')
            px_buf_puts(b, "    ");
    }
}

static pgy_status *log_values(pgy_context *cx, const px_pair *pair, px_which which, int severity)
{
    pgy_status *st = NULL;
    pgy_tensor *made = NULL;
    px_buf text = {0}, message = {0};
    const pgy_tensor *t = which == PX_OF_A ? pair->a : pair->b;
    if (which == PX_OF_ABS || which == PX_OF_REL) {
        PX_TRY(px_pair_tensor(pair, which, &made));
        t = made;
    }
    px_array_str(&text, t);
    px_buf_puts(&message, "---- Values ----\n");
    put_indented(&message, px_buf_str(&text));
    PX_TRY(px_buf_status(&text));
    PX_TRY(px_buf_status(&message));
    px_log_text(cx, severity, PX_AT_STATS, px_buf_str(&message));
done:
    pgy_tensor_free(made);
    px_buf_fini(&text);
    px_buf_fini(&message);
    return st;
}

static pgy_status *log_hist(pgy_context *cx, const px_hist *hist, int severity)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    if (hist->state == PX_HIST_FAILED)
        px_log(cx, PGY_LOG_VERBOSE, PX_AT_STATS,
               "Could not generate histogram. Note: Error was: %s", hist->why);
    px_text_hist(&text, hist);
    PX_TRY(px_buf_status(&text));
    px_log_text(cx, severity, PX_AT_STATS, px_buf_str(&text));
done:
    px_buf_fini(&text);
    return st;
}

bool px_detail_shows(const pgy_context *cx, int detail)
{
    return px_log_enabled(cx, detail, PX_AT_STATS);
}

pgy_status *px_log_stats(pgy_context *cx, const char *title, const px_pair *pair, px_which which,
                         const px_stats *stats, const px_hist *hist, int detail)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    const pgy_tensor *shape = which == PX_OF_B ? pair->b : pair->a;
    if (title != NULL)
        px_buf_printf(&text, "%s | Stats: ", title);
    px_text_stats(&text, stats, shape->rank, shape->dims);
    PX_TRY(px_buf_status(&text));
    px_log_text(cx, PGY_LOG_INFO, PX_AT_STATS, px_buf_str(&text));
    if (!px_detail_shows(cx, detail))
        goto done;
    px_log_indent(cx, 1);
    if (pair->count <= MAX_VALUES)
        st = log_values(cx, pair, which, detail);
    if (st == NULL)
        st = log_hist(cx, hist, detail);
    px_log_indent(cx, -1);
done:
    px_buf_fini(&text);
    return st;
}

void px_joint_range(const px_stats *a, const px_stats *b, double out[2])
{
    /* Python's min and max of two: the first wins unless the second compares beyond it. */
    out[0] = b->min < a->min ? b->min : a->min;
    out[1] = b->max > a->max ? b->max : a->max;
}
