/* cli/stations/tensorflow.c - a TensorFlow model as each runner takes it.
 *
 * --tf runs graphs, SavedModels and checkpoints as they are. TensorFlow's Python makes what is
 * missing, in one process: a frozen graph of a Keras file, or where it was asked for, and an ONNX
 * model for the other runners.
 */
#include "cli/stations.h"

#include "base/log.h"
#include "script/tf_python.h"

static bool is_tensorflow(pgy_model_type type)
{
    return type == PGY_MODEL_TF_FROZEN || type == PGY_MODEL_TF_CKPT || type == PGY_MODEL_TF_SAVED ||
           type == PGY_MODEL_KERAS;
}

/* Must Python make a frozen graph? One that is frozen already need not. */
static bool needs_freezing(const px_tf_args *args, pgy_model_type type, bool has_tf)
{
    if (has_tf && args->tftrt.given)
        return true;
    if (type == PGY_MODEL_TF_FROZEN)
        return false;
    return args->save_pb.given || (has_tf && (type == PGY_MODEL_KERAS || args->freeze_graph.given));
}

/* Without --tf nobody else saves the graph. */
static pgy_status *save_graph(px_run_state *run, const pgy_model *frozen)
{
    const char *path = run->args->tf.save_pb.value;
    px_log(run->cx, PGY_LOG_INFO, PX_AT_TF, "Saving the frozen graph to: %s", path);
    return px_file_write_watched(run->cx, path, frozen->file.data, frozen->file.size);
}

pgy_status *px_station_tensorflow(px_run_state *run)
{
    pgy_status *st = NULL;
    const px_run_args *args = run->args;
    pgy_model *frozen = NULL, *onnx = NULL;
    bool has_tf = false, has_other = false;
    for (size_t i = 0; i < args->cli.runners.n; i++) {
        const bool is_tf = strcmp(args->cli.runners.at[i], "tf") == 0;
        has_tf |= is_tf;
        has_other |= !is_tf;
    }
    if (run->model == NULL || !is_tensorflow(run->model->type))
        goto done;
    const bool freezes = needs_freezing(&args->tf, run->model->type, has_tf);
    if (freezes || has_other)
        PX_TRY(px_tf_python(run->cx, run->model, &args->tf, freezes ? &frozen : NULL,
                            has_other ? &onnx : NULL));
    if (args->tf.save_pb.given && !has_tf)
        PX_TRY(save_graph(run, frozen != NULL ? frozen : run->model));
    if (frozen != NULL) {
        pgy_model_close(run->model);
        run->model = frozen;
        frozen = NULL;
    }
    if (onnx != NULL) {
        onnx->load_args = &args->model;
        run->tf_model = run->model;
        run->model = onnx;
        onnx = NULL;
    }
done:
    pgy_model_close(frozen);
    pgy_model_close(onnx);
    return st;
}
