/* results/accuracy.c - see accuracy.h; the layout is the reference's. */
#include "results/accuracy.h"

#include "base/log.h"
#include "data/json.h"
#include "results/save.h"

/* What is open, from the outside in. */
typedef enum depth { IN_FILE, IN_FUNC, IN_PAIR, IN_ITERATION } depth;

struct px_accuracy_writer {
    px_json_out out;
    depth depth;
    bool average;
};

pgy_status *px_accuracy_writer_open(pgy_context *cx, const char *path, px_accuracy_writer **out)
{
    pgy_status *st = NULL;
    px_accuracy_writer *w = NULL;

    px_log(cx, PGY_LOG_INFO, PX_AT_JSON, "Saving accuracy results to %s", path);
    PX_TRY(PX_ALLOC(w, 1));
    w->out.writer.fd = -1;
    PX_TRY(px_writer_open(path, &w->out.writer));
    px_out_open(&w->out, '{');
    px_out_item(&w->out, "lst");
    px_out_open(&w->out, '[');
    *out = w;
    w = NULL;
done:
    px_accuracy_writer_close(w);
    return st;
}

/* Closes everything deeper than `depth`. */
static void go_up(px_accuracy_writer *w, depth to)
{
    px_json_out *const o = &w->out;

    if (w->depth == IN_ITERATION && to < IN_ITERATION)
        px_out_close(o, '}');
    if (w->depth >= IN_PAIR && to < IN_PAIR) {
        px_out_close(o, ']'); /* iterations */
        px_out_close(o, ']'); /* the pair */
    }
    if (w->depth >= IN_FUNC && to < IN_FUNC) {
        px_out_close(o, ']');
        px_out_item(o, "aggregation");
        px_out_string(o, w->average ? "average" : "per_sample");
        px_out_class(o, "AccuracyResult");
    }
    w->depth = PX_MIN(w->depth, to);
}

void px_accuracy_writer_func(px_accuracy_writer *w, bool average)
{
    px_json_out *const o = &w->out;

    go_up(w, IN_FILE);
    px_out_item(o, NULL);
    px_out_open(o, '{');
    px_out_item(o, "lst");
    px_out_open(o, '[');
    w->average = average;
    w->depth = IN_FUNC;
}

void px_accuracy_writer_pair(px_accuracy_writer *w, const char *runner0, const char *runner1)
{
    px_json_out *const o = &w->out;

    go_up(w, IN_FUNC);
    px_out_item(o, NULL);
    px_out_open(o, '[');
    px_out_item(o, NULL);
    px_out_open(o, '[');
    px_out_item(o, NULL);
    px_out_string(o, runner0);
    px_out_item(o, NULL);
    px_out_string(o, runner1);
    px_out_close(o, ']');
    px_out_item(o, NULL);
    px_out_open(o, '[');
    w->depth = IN_PAIR;
}

void px_accuracy_writer_iteration(px_accuracy_writer *w)
{
    go_up(w, IN_PAIR);
    px_out_item(&w->out, NULL);
    px_out_open(&w->out, '{');
    w->depth = IN_ITERATION;
}

static void put_number(px_json_out *o, const char *key, double value)
{
    px_out_item(o, key);
    px_json_put_double(&o->text, value);
}

static void put_quantile(px_json_out *o, const char *key, const px_accuracy_output *r, double value)
{
    if (r->has_quantile) {
        put_number(o, key, value);
    } else {
        px_out_item(o, key);
        px_buf_puts(&o->text, "null");
    }
}

static void put_errors(px_json_out *o, const px_accuracy_output *r)
{
    const bool elementwise = strcmp(r->check_error_stat, "elemwise") == 0;

    px_out_open(o, '{');
    put_number(o, "max_absdiff", r->max_abs);
    put_number(o, "max_reldiff", r->max_rel);
    put_number(o, "mean_absdiff", r->mean_abs);
    put_number(o, "mean_reldiff", r->mean_rel);
    put_number(o, "median_absdiff", r->median_abs);
    put_number(o, "median_reldiff", r->median_rel);
    put_quantile(o, "quantile_absdiff", r, r->quantile_abs);
    put_quantile(o, "quantile_reldiff", r, r->quantile_rel);
    px_out_item(o, "thresholds");
    px_out_open(o, '{');
    px_out_item(o, "check_error_stat");
    px_out_string(o, r->check_error_stat);
    put_number(o, "atol", r->atol);
    put_number(o, "rtol", r->rtol);
    px_out_class(o, "SimpleThreshold");
    px_out_item(o, "passed");
    px_buf_puts(&o->text, !elementwise ? "null" : r->passed ? "true" : "false");
    px_out_class(o, "OutputCompareResult");
}

static void put_metric(px_json_out *o, const px_accuracy_output *r)
{
    static const struct {
        const char *key, *result, *threshold;
    } names[] = {
        [PX_METRIC_L2] = {"l2_norm", "L2Result", "L2Threshold"},
        [PX_METRIC_COSINE_SIMILARITY] = {"cosine_similarity", "CosineSimilarityResult",
                                         "CosineSimilarityThreshold"},
        [PX_METRIC_PSNR] = {"psnr", "PsnrResult", "PsnrThreshold"},
        [PX_METRIC_SNR] = {"snr", "SnrResult", "SnrThreshold"},
        [PX_METRIC_LPIPS] = {"lpips", "PerceptualMetricsResult", "LpipsThreshold"},
    };

    px_out_open(o, '{');
    put_number(o, names[r->metric].key, r->value);
    px_out_item(o, "thresholds");
    px_out_open(o, '{');
    put_number(o, "threshold", r->threshold);
    px_out_class(o, names[r->metric].threshold);
    px_out_class(o, names[r->metric].result);
}

void px_accuracy_writer_output(px_accuracy_writer *w, const px_accuracy_output *output)
{
    px_json_out *const o = &w->out;

    px_out_item(o, output->name);
    if (output->metric == PX_METRIC_VERDICT)
        px_buf_puts(&o->text, output->passed ? "true" : "false");
    else if (output->metric == PX_METRIC_ERRORS)
        put_errors(o, output);
    else
        put_metric(o, output);
}

pgy_status *px_accuracy_writer_commit(px_accuracy_writer *w)
{
    go_up(w, IN_FILE);
    px_out_close(&w->out, ']');
    px_out_class(&w->out, "AccuracyResults");
    return px_out_commit(&w->out);
}

void px_accuracy_writer_close(px_accuracy_writer *w)
{
    if (w == NULL)
        return;
    px_out_abort(&w->out);
    px_mem_free(w);
}
