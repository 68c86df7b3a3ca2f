/* cli/unavailable.c - what the command line can say and this build cannot do. */
#include "cli/unavailable.h"

pgy_status *px_run_args_unavailable(const px_run_args *args)
{
    const pgy_model_type type = args->model.type;
    if (args->cli.runners.n > 0 && (type == PGY_MODEL_UFF || type == PGY_MODEL_CAFFE))
        return PX_FAIL(
            PGY_ERR_UNSUPPORTED,
            "--model-type %s: only TensorRT up to 8.6 has a parser for such files, which "
            "must be told names that no option gives; no runner takes them. Convert the "
            "model to ONNX.",
            px_model_type_name(type));
    return NULL;
}
