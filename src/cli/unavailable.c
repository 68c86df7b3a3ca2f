/* cli/unavailable.c - options whose machinery this build does not have yet.
 *
 * Every refusal is one row here, and goes when its machinery arrives. A row counts only where the
 * option would have an effect: what a runner that is not selected would do is nobody's loss.
 */
#include "cli/unavailable.h"

typedef enum need {
    NEED_TRT /* the TensorRT runner is selected */
} need;

typedef struct refusal {
    size_t given; /* offset of the option's `given` in px_run_args */
    need need;
    const char *option;
    const char *missing; /* what cannot be done; completes "NAME: this build cannot ..." */
    const char *way_out;
} refusal;

static const refusal refusals[] = {
    {offsetof(px_run_args, trt.trt_config_script.given), NEED_TRT, "--trt-config-script",
     "run Python scripts", "use the options of the TensorRT builder"},
    {offsetof(px_run_args, trt.trt_config_postprocess_script.given), NEED_TRT,
     "--trt-config-postprocess-script", "run Python scripts",
     "use the options of the TensorRT builder"},
    {offsetof(px_run_args, trt.trt_network_postprocess_script.given), NEED_TRT,
     "--trt-network-postprocess-script", "run Python scripts", "change the ONNX model instead"},
};

static bool runs(const px_run_args *args, const char *runner)
{
    for (size_t i = 0; i < args->cli.runners.n; i++) {
        if (strcmp(args->cli.runners.at[i], runner) == 0)
            return true;
    }
    return false;
}

static bool counts(const px_run_args *args, need what)
{
    switch (what) {
    case NEED_TRT:
        return runs(args, "trt");
    }
    return true;
}

static pgy_status *refuse(const char *option, const char *missing, const char *way_out)
{
    return PX_FAIL(PGY_ERR_UNSUPPORTED, "%s: this build cannot %s yet; %s.", option, missing,
                   way_out);
}

/* What is not an option of its own but one of its values. */
static pgy_status *refuse_values(const px_run_args *args)
{
    if (args->model.type == PGY_MODEL_TRT_SCRIPT && runs(args, "trt"))
        return refuse("--model-type trt-network-script", "run Python scripts",
                      "give the network as an ONNX model");
    return NULL;
}

static bool is_given(const px_run_args *args, const refusal *r)
{
    return *(const bool *)((const char *)args + r->given);
}

pgy_status *px_run_args_unavailable(const px_run_args *args)
{
    for (size_t i = 0; i < PX_COUNTOF(refusals); i++) {
        const refusal *r = &refusals[i];
        if (is_given(args, r) && counts(args, r->need))
            return refuse(r->option, r->missing, r->way_out);
    }
    return refuse_values(args);
}
