/* cli/stations/sequence.c - runs the runners one after the other; then their results are saved,
 * joined by loaded ones, post-processed, compared, validated. */
#include "cli/stations.h"

#include "compare/postprocess.h"
#include "compare/validate.h"

static pgy_status *save_outputs(const px_run_state *run)
{
    const px_opt_str *path = &run->args->runner.save_outputs;
    return path->given ? px_results_save(run->cx, &run->results, path->value) : NULL;
}

pgy_status *px_station_sequence(px_run_state *run)
{
    pgy_status *st = NULL;
    const px_compare_args *args = &run->args->compare;
    const px_plot_hook draw = px_exhibits_hook(&run->exhibits);

    const px_loop loop = px_run_loop(run);
    PX_TRY(px_loop_sequential(&loop, &run->results));
    PX_TRY(save_outputs(run));
    PX_TRY(px_run_load_outputs(run));
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
