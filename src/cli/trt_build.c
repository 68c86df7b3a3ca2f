/* cli/trt_build.c - see polygraphy/trt_build.h. */
#include "polygraphy/trt_build.h"

#include "backend/trt/build.h"
#include "base/log.h"
#include "cli/command.h"
#include "runner/calibration.h"

/* A px_data_script in front of the caller's, which only ever calibrates here. */
static pgy_status *next_feed(void *user, px_data_use use, int64_t i, px_feed *out, bool *out_more)
{
    pgy_status *st = NULL;
    const pgy_trt_steps *steps = user;
    pgy_trt_request r = {.step = PGY_TRT_STEP_FEED, .i_feed = i};
    PX_UNUSED(use);
    if (steps->step(steps->user, &r) != 0)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "%s", r.error != NULL ? r.error : "A script failed."));
    *out_more = r.n_tensors > 0;
    for (size_t k = 0; k < r.n_tensors; k++)
        PX_TRY(px_feed_add(out, r.names[k], pgy_tensor_ref(r.tensors[k])));
done:
    return st;
}

static pgy_status *build(pgy_context *cx, px_run_args *args, const pgy_trt_steps *steps)
{
    pgy_status *st = NULL;
    px_trt_lib *lib = NULL;
    pgy_model *model = NULL;
    px_feeds_source *source = NULL;
    px_calibration_data calibration = {0};
    px_trt_plan plan = {0};
    const px_trt_setup setup = {.args = &args->trt,
                                .calibration_feed = px_calibration_feed,
                                .calibration_user = &calibration,
                                .steps = steps};

    px_data_script script = {.next = next_feed, .user = (void *)steps};

    args->data.script = &script;
    PX_TRY(px_feeds_source_open(cx, &args->data, &args->model.input_shapes, &source));
    calibration = (px_calibration_data){
        .cx = cx, .args = &args->data, .shapes = &args->model.input_shapes, .source = source};
    PX_TRY(px_model_open(cx, args->model.path, args->model.type, &model));
    model->load_args = &args->model;
    PX_TRY(px_trt_lib_open(cx, (int)args->trt.device.value, &lib));
    if (lib->has_gpu)
        PX_TRY(px_cuda_enter(&lib->cuda));
    PX_TRY(px_trt_build_plan(cx, lib, model, &setup, &plan));
    steps->plan(steps->user, plan.data, plan.size);
done:
    px_trt_plan_fini(&plan);
    px_calibration_data_fini(&calibration);
    px_feeds_source_close(source);
    pgy_model_close(model);
    px_trt_lib_close(lib);
    return st;
}

pgy_status *pgy_trt_build(int argc, const char *const *argv, const pgy_trt_steps *steps)
{
    pgy_status *st = NULL;
    pgy_context *cx = NULL;
    px_run_args args = {0};
    px_command_line line;

    PX_TRY(pgy_context_new(&cx));
    pgy_context_set_log(cx, steps->log, steps->user);
    PX_TRY(px_command_parse(argc, argv, &args, &line));
    if (line.kind != PX_PARSE_OK || line.command != PX_COMMAND_RUN)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "pgy_trt_build: these are no words of `polygraphy run`."));
    px_log_mute(cx, 1); /* the command itself has shown what the options are worth a warning */
    st = px_run_args_check(cx, &args);
    px_log_mute(cx, -1);
    PX_TRY(st);
    PX_TRY(build(cx, &args, steps));
done:
    px_run_args_fini(&args);
    pgy_context_free(cx);
    return st;
}
