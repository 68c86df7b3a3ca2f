/* cli/stations/judge.c - a whole run's results: saved, joined by loaded ones, post-processed,
 * compared, validated. */
#include "cli/stations.h"

#include "compare/postprocess.h"
#include "compare/validate.h"

static pgy_status *save_outputs(const px_run_state *run)
{
    const px_opt_str *path = &run->args->runner.save_outputs;
    return path->given ? px_results_save(run->cx, &run->results, path->value) : NULL;
}

static pgy_status *load_outputs(px_run_state *run)
{
    pgy_status *st = NULL;
    const px_opt_strs *paths = &run->args->compare.load_outputs;
    for (size_t i = 0; i < paths->n; i++)
        PX_TRY(px_results_load(run->cx, paths->at[i], &run->results));
done:
    return st;
}

pgy_status *px_station_judge(px_run_state *run)
{
    pgy_status *st = NULL;
    const px_compare_args *args = &run->args->compare;
    run->exhibits.wanted = run->args->report.report.given;
    run->exhibits.next = px_pictures_hook(&run->pictures);
    const px_plot_hook draw = px_exhibits_hook(&run->exhibits);

    PX_TRY(save_outputs(run));
    PX_TRY(load_outputs(run));
    PX_TRY(px_postprocess_results(run->cx, args, &run->results));
    if (px_run_compares(run)) {
        PX_TRY(px_compare_results(run->cx, args, &run->results, &draw, &run->accuracy));
        PX_TRY(px_pictures_finish(&run->pictures));
    }
    if (args->validate.given)
        PX_TRY(px_validate_results(run->cx, &run->results, &run->is_valid));
done:
    return st;
}
