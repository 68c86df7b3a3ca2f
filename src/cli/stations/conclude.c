/* cli/stations/conclude.c - what is made of the verdict. */
#include "cli/stations.h"

#include "results/accuracy.h"

static px_metric metric_of(px_compare_func func, bool bare)
{
    static const px_metric metrics[PX_N_COMPARE_FUNCS] = {
        [PX_COMPARE_SIMPLE] = PX_METRIC_ERRORS,
        [PX_COMPARE_INDICES] = PX_METRIC_VERDICT,
        [PX_COMPARE_L2] = PX_METRIC_L2,
        [PX_COMPARE_COSINE] = PX_METRIC_COSINE_SIMILARITY,
        [PX_COMPARE_PSNR] = PX_METRIC_PSNR,
        [PX_COMPARE_SNR] = PX_METRIC_SNR,
        [PX_COMPARE_PERCEPTUAL] = PX_METRIC_LPIPS,
        [PX_COMPARE_SCRIPT] = PX_METRIC_VERDICT,
    };
    return bare ? PX_METRIC_VERDICT : metrics[func];
}

static void write_output(px_accuracy_writer *w, px_compare_func func, const px_output_result *r)
{
    const px_stats *abs = &r->stats.of[PX_OF_ABS], *rel = &r->stats.of[PX_OF_REL];
    px_accuracy_writer_output(w, &(px_accuracy_output){
                                     .name = r->name,
                                     .metric = metric_of(func, r->bare),
                                     .passed = r->passed,
                                     .value = r->metric,
                                     .threshold = r->threshold,
                                     .max_abs = abs->max,
                                     .max_rel = rel->max,
                                     .mean_abs = abs->mean,
                                     .mean_rel = rel->mean,
                                     .median_abs = abs->median,
                                     .median_rel = rel->median,
                                     .has_quantile = r->stat == PX_STAT_QUANTILE,
                                     .quantile_abs = abs->quantile,
                                     .quantile_rel = rel->quantile,
                                     .check_error_stat = px_error_stat_name(r->stat),
                                     .atol = r->atol,
                                     .rtol = r->rtol,
                                 });
}

static void write_func(px_accuracy_writer *w, const px_accuracy *accuracy, size_t f)
{
    px_accuracy_writer_func(w, accuracy->average);
    for (size_t p = 0; p < accuracy->n; p++) {
        const px_pair_result *pair = &accuracy->at[p];
        if (f >= pair->n_funcs)
            continue;
        px_accuracy_writer_pair(w, pair->runner[0], pair->runner[1]);
        const px_func_result *func = &pair->funcs[f];
        for (size_t i = 0; i < func->n; i++) {
            px_accuracy_writer_iteration(w);
            for (size_t k = 0; k < func->at[i].n; k++)
                write_output(w, func->func, &func->at[i].at[k]);
        }
    }
}

/* What the comparison measured, handed to the accuracy file's writer. */
static pgy_status *save_accuracy(pgy_context *cx, const px_accuracy *accuracy, const char *path)
{
    pgy_status *st = NULL;
    px_accuracy_writer *w = NULL;
    PX_TRY(px_accuracy_writer_open(cx, path, &w));
    for (size_t f = 0; accuracy->n > 0 && f < accuracy->at[0].n_funcs; f++)
        write_func(w, accuracy, f);
    PX_TRY(px_accuracy_writer_commit(w));
done:
    px_accuracy_writer_close(w);
    return st;
}

pgy_status *px_station_conclude(px_run_state *run, bool *out_passed)
{
    pgy_status *st = NULL;
    const px_opt_str *accuracy_path = &run->args->compare.save_accuracy_results;
    if (accuracy_path->given)
        PX_TRY(save_accuracy(run->cx, &run->accuracy, accuracy_path->value));
    *out_passed = (!px_run_compares(run) || run->accuracy.passed) && run->is_valid &&
                  !run->repeat_failed && !run->batch_failed;
    for (size_t i = 0; i < run->n_runners; i++)
        *out_passed = *out_passed && !px_runner_has_failed(run->runners[i]);
    PX_TRY(px_station_report(run, *out_passed));
done:
    return st;
}
