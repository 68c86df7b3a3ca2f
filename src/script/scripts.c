/* script/scripts.c - see scripts.h. */
#include "script/scripts.h"

static pgy_status *next(void *user, struct px_feed *out, bool *out_more)
{
    return px_worker_next_feed(user, out, out_more);
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

void px_scripts_close(px_scripts *scripts)
{
    px_worker_free(scripts->worker);
    *scripts = (px_scripts){0};
}
