/* cli/stations/prepare.c - inputs, model, runners and loaded results of a run; and the end of all
 * of them. */
#include "cli/stations.h"

#include "compare/batch.h"
#include "model/model.h"

/* The value struct of a backend's options. */
static const void *backend_args(const px_run_state *run, const char *name)
{
    const px_run_args *args = run->args;
    if (strcmp(name, "onnxrt") == 0)
        return &args->onnxrt;
    if (strcmp(name, "pluginref") == 0)
        return &args->ref;
    if (strcmp(name, "trt") == 0)
        return &run->trt;
    if (strcmp(name, "tf") == 0)
        return &args->tf;
    return NULL;
}

static pgy_status *make_runners(px_run_state *run)
{
    pgy_status *st = NULL;
    const px_isolation isolation = px_runner_isolation(&run->args->runner, run->args->data.script);
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
        const bool is_tf = strcmp(names->at[i], "tf") == 0;
        pgy_model *model = is_tf && run->tf_model != NULL ? run->tf_model : run->model;
        PX_TRY(px_runner_new(run->cx, ops, k, backend_args(run, names->at[i]), model,
                             &run->runners[i]));
        px_runner_isolate(run->runners[i], &isolation);
        run->n_runners++;
    }
done:
    return st;
}

/* A run of hours must not end in a wrong file name. */
static pgy_status *check_documents(const px_opt_strs *paths)
{
    for (size_t i = 0; i < paths->n; i++) {
        if (!px_doc_format_exists(paths->at[i]))
            return PX_FAIL(PGY_ERR_USAGE,
                           "--report %s: the file's ending chooses the format and must be one of "
                           ".html, .json, .xml, .md and .csv.",
                           paths->at[i]);
    }
    return NULL;
}

/* Nor in a model that has no batch; what an engine takes is only known when it runs. */
static pgy_status *check_batch(const px_run_state *run)
{
    pgy_status *st = NULL;
    const pgy_io *inputs;
    size_t n;
    if (!run->args->runner.check_batch_invariance.given || run->model == NULL ||
        pgy_model_get_type(run->model) != PGY_MODEL_ONNX)
        return NULL;
    PX_TRY(pgy_model_inputs(run->model, &inputs, &n));
    PX_TRY(px_batch_check_inputs(inputs, n));
done:
    return st;
}

pgy_status *px_station_prepare(px_run_state *run)
{
    pgy_status *st = NULL;
    const px_run_args *args = run->args;
    PX_TRY(check_documents(&args->report.report));
    PX_TRY(px_pictures_init(&run->pictures, run->cx, &args->report));
    run->exhibits.wanted = args->report.report.given;
    run->exhibits.next = px_pictures_hook(&run->pictures);
    PX_TRY(px_feeds_source_open(run->cx, &args->data, &args->model.input_shapes, &run->source));
    if (args->cli.runners.n > 0) {
        PX_TRY(px_model_open(run->cx, args->model.path, args->model.type, &run->model));
        run->model->load_args = &args->model;
        PX_TRY(px_station_tensorflow(run));
    }
    PX_TRY(check_batch(run));
    run->calibration = (px_calibration_data){.cx = run->cx,
                                             .args = &args->data,
                                             .shapes = &args->model.input_shapes,
                                             .source = run->source};
    run->trt = (px_trt_setup){.args = &args->trt,
                              .calibration_feed = px_calibration_feed,
                              .calibration_user = &run->calibration};
    PX_TRY(make_runners(run));
done:
    return st;
}

pgy_status *px_run_load_outputs(px_run_state *run)
{
    pgy_status *st = NULL;
    const px_opt_strs *paths = &run->args->compare.load_outputs;
    for (size_t i = 0; i < paths->n; i++)
        PX_TRY(px_results_load(run->cx, paths->at[i], &run->results));
done:
    return st;
}

void px_run_state_fini(px_run_state *run)
{
    px_referee_fini(&run->referee);
    for (size_t i = 0; i < run->n_layers; i++)
        px_layers_fini(&run->layers[i]);
    px_mem_free(run->layers);
    pgy_model_close(run->layers_model);
    px_exhibits_fini(&run->exhibits);
    px_mem_free(run->advice);
    px_pictures_fini(&run->pictures);
    px_accuracy_fini(&run->accuracy);
    px_results_fini(&run->results);
    for (size_t i = 0; i < run->n_runners; i++)
        px_runner_free(run->runners[i]);
    px_mem_free(run->runners);
    px_calibration_data_fini(&run->calibration);
    px_feeds_source_close(run->source);
    pgy_model_close(run->model);
    pgy_model_close(run->tf_model);
}
