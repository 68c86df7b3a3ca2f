/* script/scripts.c - see scripts.h. */
#include "script/scripts.h"

#include "backend/trt/lib.h"

static pgy_status *next(void *user, px_data_use use, int64_t i, struct px_feed *out, bool *out_more)
{
    return px_worker_next_feed(user, use, i, out, out_more);
}

static pgy_status *compare_outputs(void *user, const struct px_iteration *a,
                                   const struct px_iteration *b, struct px_compared_iteration *out)
{
    return px_worker_compare(user, a, b, out);
}

static pgy_status *postprocess(void *user, struct px_iteration *it)
{
    return px_worker_postprocess(user, it);
}

static pgy_status *lpips(void *user, pgy_tensor *a, pgy_tensor *b, double *out, bool *out_is_image)
{
    return px_worker_lpips(user, a, b, out, out_is_image);
}

static bool needs_lpips(const px_compare_args *args)
{
    for (size_t i = 0; i < args->n_funcs; i++)
        if (args->funcs[i] == PX_COMPARE_PERCEPTUAL)
            return true;
    return false;
}

pgy_status *px_scripts_open(pgy_context *cx, px_data_args *data, px_compare_args *compare,
                            uint64_t timeout_ns, px_scripts *scripts)
{
    pgy_status *st = NULL;
    const struct {
        px_script_role role;
        const px_opt_script *script;
    } all[] = {
        {PX_SCRIPT_DATA, &data->data_loader_script},
        {PX_SCRIPT_COMPARE, &compare->compare_func_script},
        {PX_SCRIPT_POSTPROCESS, &compare->postprocess_func_script},
    };
    PX_TRY(px_worker_new(cx, timeout_ns, &scripts->worker));
    scripts->data = (px_data_script){.next = next, .user = scripts->worker};
    scripts->compare = (px_compare_script){.compare = compare_outputs,
                                           .postprocess = postprocess,
                                           .lpips = lpips,
                                           .user = scripts->worker};
    data->script = &scripts->data;
    compare->script = &scripts->compare;
    for (size_t i = 0; i < PX_COUNTOF(all); i++)
        if (all[i].script->given)
            PX_TRY(px_worker_load(scripts->worker, all[i].role, all[i].script));
    if (compare->compare_func_script.given) {
        compare->funcs[0] = PX_COMPARE_SCRIPT;
        compare->n_funcs = 1;
    }
    if (needs_lpips(compare))
        PX_TRY(px_worker_check_lpips(scripts->worker));
done:
    return st;
}

static pgy_status *build_engine(void *user, const px_trt_lib *lib, pgy_tensor **out_plan)
{
    px_scripts *scripts = user;
    scripts->trt_job.library = lib->path;
    scripts->trt_job.library_name = lib->abi.name;
    scripts->trt_job.is_rtx = lib->abi.is_rtx;
    return px_worker_build_engine(scripts->worker, &scripts->trt_job, out_plan);
}

pgy_status *px_scripts_open_trt(px_scripts *scripts, px_trt_args *args, const px_model_args *model,
                                const char *const *words, size_t n_words)
{
    pgy_status *st = NULL;
    const px_opt_scripts *edits = &args->trt_network_postprocess_script;
    px_trt_script *at;
    PX_TRY(PX_ALLOC(scripts->trt, edits->n + 3));
    at = scripts->trt;
    if (model->type == PGY_MODEL_TRT_SCRIPT)
        *at++ = (px_trt_script){PX_TRT_SCRIPT_NETWORK, model->path, model->extra};
    for (size_t i = 0; i < edits->n; i++)
        *at++ = (px_trt_script){PX_TRT_SCRIPT_POSTPROCESS, edits->at[i].path, edits->at[i].func};
    if (args->trt_config_script.given)
        *at++ = (px_trt_script){PX_TRT_SCRIPT_CONFIG, args->trt_config_script.path,
                                args->trt_config_script.func};
    if (args->trt_config_postprocess_script.given)
        *at++ = (px_trt_script){PX_TRT_SCRIPT_CONFIG_EDIT, args->trt_config_postprocess_script.path,
                                args->trt_config_postprocess_script.func};
    scripts->trt_job = (px_trt_job){.words = words,
                                    .n_words = n_words,
                                    .scripts = scripts->trt,
                                    .n_scripts = (size_t)(at - scripts->trt)};
    args->elsewhere = build_engine;
    args->elsewhere_user = scripts;
done:
    return st;
}

void px_scripts_close(px_scripts *scripts)
{
    px_mem_free(scripts->trt);
    px_worker_free(scripts->worker);
    *scripts = (px_scripts){0};
}
