/* backend/trt/build.c - the way from a model to a plan. */
#include "backend/trt/build.h"

#include "base/file.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/thread.h"

static const px_trt_args nothing_given;

/* Where no builder flag chooses a precision, the model is cast. */
static pgy_status *choose_cast(px_trt_build *b)
{
    const bool fp16 = b->args->fp16.given, bf16 = b->args->bf16.given;
    if (px_trt_has_precision_flags(&b->lib->abi))
        return NULL;
    if (fp16 && bf16)
        return PX_FAIL(PGY_ERR_USAGE,
                       "--fp16 and --bf16: %s takes precisions from the model, which can be cast "
                       "to one of them only. Leave one out.",
                       b->lib->abi.name);
    if (fp16 || bf16)
        b->cast_to = fp16 ? PGY_DTYPE_F16 : PGY_DTYPE_BF16;
    return NULL;
}

bool px_trt_has_scripts(const px_trt_args *args, const pgy_model *model)
{
    return model->type == PGY_MODEL_TRT_SCRIPT || args->trt_network_postprocess_script.given ||
           args->trt_config_script.given || args->trt_config_postprocess_script.given;
}

/* What a script's logger hears is kept like the messages of our own. */
static void hear(void *logger, int severity, const char *message)
{
    px_trt_hear(logger, severity, message);
}

pgy_status *px_trt_build_step(px_trt_build *b, pgy_trt_step step, uint32_t flags)
{
    const pgy_trt_steps *steps = b->setup->steps;
    if (steps == NULL)
        return NULL;
    pgy_trt_request r = {.step = (int)step,
                         .network_flags = flags,
                         .say = hear,
                         .logger = b->lib,
                         .builder = b->builder,
                         .network = b->network,
                         .config = b->config};
    px_trt_begin(b->lib);
    if (steps->step(steps->user, &r) != 0)
        return PX_FAIL(PGY_ERR_USAGE, "%s", r.error != NULL ? r.error : "A script failed.");
    px_trt_end(b->lib);
    b->builder = r.builder;
    b->network = r.network;
    b->config = r.config;
    return NULL;
}

static pgy_status *take_objects(px_trt_build *b)
{
    pgy_status *st = NULL;
    uint32_t flags = 0;
    b->is_foreign = true;
    PX_TRY(px_trt_network_flags(b, &flags));
    PX_TRY(px_trt_build_step(b, PGY_TRT_STEP_BEGIN, flags));
done:
    return st;
}

static pgy_status *make_builder(px_trt_build *b)
{
    pgy_status *st = NULL;
    const uint64_t start_ns = px_time_ns();
    if (b->setup->steps != NULL)
        return take_objects(b);
    px_trt_begin(b->lib);
    b->builder = b->lib->create_builder(&b->lib->logger, b->lib->lib_version);
    if (b->builder == NULL)
        PX_TRY(px_trt_failed(b->lib,
                             "could not create a builder (its libnvinfer_builder_resource library "
                             "must be of the same release, for this GPU, and in a folder of "
                             "LD_LIBRARY_PATH)"));
    px_trt_end(b->lib);
    px_trt_log_since(b->cx, "The builder was made", start_ns);
    px_trt_begin(b->lib);
    b->config = px_trt_builder_create_builder_config(&b->lib->abi, b->builder);
    if (b->config == NULL)
        PX_TRY(px_trt_failed(b->lib, "could not create a builder configuration"));
    px_trt_end(b->lib);
done:
    return st;
}

static pgy_status *run_build(px_trt_build *b, px_trt_plan *out)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const uint64_t start_ns = px_time_ns();
    px_buf text = {0};

    px_trt_begin(b->lib);
    out->memory = px_trt_builder_build_serialized_network(abi, b->builder, b->network, b->config);
    /* What went wrong in our own callbacks explains more than what TensorRT made of it. */
    PX_TRY(px_trt_calibrator_finish(b->calibrator));
    PX_TRY(px_trt_selector_finish(b->selector));
    if (out->memory == NULL)
        PX_TRY(px_trt_failed(b->lib, "could not build an engine"));
    px_trt_end(b->lib);
    out->data = px_trt_memory_data(abi, out->memory);
    out->size = px_trt_memory_size(abi, out->memory);
    px_buf_puts(&text, "Finished engine building in ");
    px_fmt_f(&text, (double)(px_time_ns() - start_ns) / 1e9, 3);
    px_buf_puts(&text, " seconds");
    px_log_text(b->cx, PGY_LOG_FINISH, PX_AT_TRT, px_buf_str(&text));
done:
    px_buf_fini(&text);
    return st;
}

static pgy_status *save_engine(px_trt_build *b, const px_trt_plan *plan)
{
    if (!b->args->save_engine.given)
        return NULL;
    px_log(b->cx, PGY_LOG_INFO, PX_AT_TRT, "Saving engine to %s", b->args->save_engine.value);
    return px_file_write_watched(b->cx, b->args->save_engine.value, plan->data, plan->size);
}

/* Options, or a script in their place. */
static pgy_status *make_config(px_trt_build *b)
{
    pgy_status *st = NULL;
    if (b->setup->steps != NULL && b->args->trt_config_script.given) {
        PX_TRY(px_trt_build_step(b, PGY_TRT_STEP_CONFIG, 0));
    } else {
        PX_TRY(px_trt_config_make(b));
        PX_TRY(px_trt_is_uff_or_caffe(b->model) ? px_trt_max_batch_set(b) : px_trt_profiles_add(b));
    }
    PX_TRY(px_trt_build_step(b, PGY_TRT_STEP_EDIT, 0));
done:
    return st;
}

/* In reverse order of making; the network's weights lie in the parser and in the model. */
static void build_fini(px_trt_build *b)
{
    const px_trt_abi *abi = &b->lib->abi;
    px_trt_delete(b->timing_cache);
    if (!b->is_foreign)
        px_trt_delete(b->config);
    if (b->parser != NULL)
        px_trt_parser_destroy_deleting(abi, b->parser);
    px_trt_uff_caffe_free(b);
    if (!b->is_foreign) {
        px_trt_delete(b->network);
        px_trt_delete(b->builder);
    }
    px_trt_calibrator_free(b->calibrator);
    px_trt_selector_free(b->selector);
    px_trt_monitor_free(b->monitor);
    px_model_image_fini(&b->image);
    pgy_model_close(b->own_model);
    px_arena_fini(&b->arena);
}

pgy_status *px_trt_build_plan(pgy_context *cx, px_trt_lib *lib, pgy_model *model,
                              const px_trt_setup *setup, px_trt_plan *out)
{
    static const px_trt_setup empty_setup = {.args = &nothing_given};
    pgy_status *st = NULL;
    px_trt_plan plan = {0};
    px_trt_build b = {
        .cx = cx, .lib = lib, .setup = setup != NULL ? setup : &empty_setup, .model = model};

    b.args = b.setup->args;
    PX_TRY(px_trt_check_uff_caffe(lib, model));
    PX_TRY(px_trt_lib_load_plugins(lib, b.args->plugins.at, b.args->plugins.n));
    PX_TRY(choose_cast(&b));
    PX_TRY(make_builder(&b));
    PX_TRY(px_trt_network_make(&b));
    PX_TRY(px_trt_build_step(&b, PGY_TRT_STEP_NETWORK, 0));
    PX_TRY(px_trt_network_edit(&b));
    PX_TRY(make_config(&b));
    PX_TRY(px_trt_config_describe(&b));
    PX_TRY(px_trt_monitor_attach(&b));
    PX_TRY(run_build(&b, &plan));
    PX_TRY(px_trt_timing_cache_save(&b));
    PX_TRY(px_trt_selector_save(b.selector));
    PX_TRY(save_engine(&b, &plan));
    *out = plan;
    plan = (px_trt_plan){0};
done:
    px_trt_plan_fini(&plan);
    build_fini(&b);
    return st;
}

void px_trt_plan_fini(px_trt_plan *plan)
{
    px_trt_delete(plan->memory);
    *plan = (px_trt_plan){0};
}
