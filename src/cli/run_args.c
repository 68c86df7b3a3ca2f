/* cli/run_args.c - what the options mean together, checked in the reference's order. */
#include "cli/run_args.h"
#include "base/log.h"
#include "cli/groups.h"

static size_t group_index(const px_opt_section *section)
{
    size_t i = 0;
    while (i < px_n_run_groups && px_run_groups[i].section != section)
        i++;
    return i;
}

/* Reports the first value that parsing found wrong in the groups up to and including `last`. */
static pgy_status *report_late(const px_run_args *args, const px_opt_section *last)
{
    for (size_t i = 0; i < args->n_late; i++) {
        const px_opt_late *late = &args->late[i];
        if (group_index(late->section) <= group_index(last)) {
            px_str name = px_opt_name(late->row);
            return PX_FAIL(PGY_ERR_USAGE, "%s\nNote: this was given to %.*s.", late->message,
                           PX_STR_ARG(name));
        }
    }
    return NULL;
}

static bool has_runner(const px_run_args *args, const char *name)
{
    for (size_t i = 0; i < args->cli.runners.n; i++) {
        if (strcmp(args->cli.runners.at[i], name) == 0)
            return true;
    }
    return false;
}

/* A threshold that is no number may be the model, which a list option took: `--rtol 1e-3 m.onnx`.
 * Without a model the plan says so, which helps more. */
static pgy_status *check_compare(pgy_context *cx, px_run_args *args)
{
    pgy_status *st = px_compare_args_check(cx, &args->arena, &args->compare);
    if (st && pgy_status_code(st) == PGY_ERR_USAGE && args->cli.runners.n > 0 &&
        !args->model.model_file.given) {
        pgy_status_free(st);
        st = NULL;
    }
    return st;
}

pgy_status *px_run_args_check(pgy_context *cx, px_run_args *args)
{
    pgy_status *st = NULL;
    const px_model_hints hints = {
        .has_ckpt = args->tf.ckpt.given,
        .has_tf_runner = has_runner(args, "tf"),
        .script_func = args->trt.trt_network_func_name.value,
    };

    PX_TRY(px_cli_args_check(cx, &args->arena, &args->cli));
    PX_TRY(report_late(args, &px_model_group));
    PX_TRY(px_model_args_check(cx, &args->arena, &args->model, &hints));
    PX_TRY(report_late(args, &px_onnxrt_group));
    PX_TRY(px_onnxrt_args_check(&args->onnxrt));
    PX_TRY(report_late(args, &px_trt_inference));
    PX_TRY(px_trt_args_check(cx, &args->arena, &args->trt, &args->model.input_shapes));
    PX_TRY(report_late(args, &px_data_group));
    PX_TRY(px_data_args_check(cx, &args->arena, &args->data));
    PX_TRY(report_late(args, &px_runner_group));
    PX_TRY(px_runner_args_check(cx, &args->runner));
    if (args->runner.streaming.given && args->compare.sequential_runners.given)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "--streaming runs all runners together, --sequential-runners "
                                      "one after the other: give one of them."));
    PX_TRY(report_late(args, &px_cli_script));
    PX_TRY(check_compare(cx, args));
done:
    return st;
}

static bool is_tensorflow(pgy_model_type type)
{
    return type == PGY_MODEL_TF_FROZEN || type == PGY_MODEL_TF_CKPT || type == PGY_MODEL_TF_SAVED ||
           type == PGY_MODEL_KERAS;
}

/* Can the runner take a model of this type, directly or by a conversion that exists? */
static pgy_status *check_model_type(pgy_model_type type, const char *runner)
{
    if (strcmp(runner, "tf") == 0) {
        if (!is_tensorflow(type) && type != PGY_MODEL_ONNX)
            return PX_FAIL(PGY_ERR_USAGE,
                           "Model type: %s cannot be imported with TensorFlow. Leave out --tf, or "
                           "give an ONNX model, a frozen graph, a SavedModel, a checkpoint or a "
                           "Keras file.",
                           px_model_type_name(type));
        return NULL;
    }
    bool is_ok = type == PGY_MODEL_ONNX || is_tensorflow(type);
    if (strcmp(runner, "trt") == 0)
        is_ok |= type == PGY_MODEL_ENGINE || type == PGY_MODEL_TRT_SCRIPT ||
                 type == PGY_MODEL_UFF || type == PGY_MODEL_CAFFE;
    if (!is_ok)
        return PX_FAIL(PGY_ERR_USAGE,
                       "Model type: %s could not be converted to an ONNX model. --%s cannot run "
                       "it.",
                       px_model_type_name(type), runner);
    return NULL;
}

static void warn_trt(pgy_context *cx, const px_run_args *args)
{
    if (args->model.type == PGY_MODEL_ENGINE)
        return;
    if (args->trt.trt_network_func_name.given)
        px_log_once(cx, PGY_LOG_WARNING, PX_AT_ARGS,
                    "--trt-network-func-name is deprecated and will be removed in Polygraphy "
                    "0.50.0. Use the model argument instead.");
    if (args->trt.enable_uint8_asymmetric_quantization_dla.given)
        px_log_once(cx, PGY_LOG_WARNING, PX_AT_ARGS,
                    "--enable-uint8-asymmetric-quantization-dla is deprecated. Use --onnx-flags "
                    "ENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA instead.");
    if (args->trt.version_compatible.given || args->trt.hardware_compatibility_level.given)
        px_log(cx, PGY_LOG_WARNING, PX_AT_ARGS,
               "Version or hardware compatibility mode is enabled. Automatically enabling "
               "`NATIVE_INSTANCENORM` ONNX parser flag.");
    if (args->trt.calibration_cache.given && !args->trt.int8.given)
        px_log(cx, PGY_LOG_WARNING, PX_AT_ARGS,
               "Some int8 calibrator options were set, but int8 precision is not enabled. "
               "Calibration options will be ignored. Please set --int8 to enable calibration. ");
}

pgy_status *px_run_args_check_plan(pgy_context *cx, const px_run_args *args)
{
    pgy_status *st = NULL;
    const px_opt_strs *runners = &args->cli.runners;

    if (runners->n > 0 && !args->model.path)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "One or more runners was specified, but no model file was provided. Make "
                       "sure you've specified the model path, and also that it's not being "
                       "consumed as an argument for another parameter"));
    if (runners->n == 0)
        px_log(cx, PGY_LOG_WARNING, PX_AT_RUN,
               "No runners have been selected. Inference will not be run!");
    for (size_t i = 0; i < runners->n; i++) {
        PX_TRY(check_model_type(args->model.type, runners->at[i]));
        if (strcmp(runners->at[i], "trt") == 0)
            warn_trt(cx, args);
    }
done:
    return st;
}

void px_run_args_fini(px_run_args *args)
{
    px_arena_fini(&args->arena);
    *args = (px_run_args){0};
}
