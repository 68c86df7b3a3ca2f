/* script/tf_python.h - TensorFlow's Python in a child process, for what its C interface cannot do.
 *
 * One process does all that a run needs: it loads the model, turns variables into constants, and
 * has tf2onnx convert the graph. Python is POLYGRAPHY_PYTHON, else the python3 on PATH.
 */
#ifndef PX_SCRIPT_TF_PYTHON_H
#define PX_SCRIPT_TF_PYTHON_H

#include "backend/tf/args.h"
#include "model/model.h"

/* Makes a frozen graph and an ONNX model of a TensorFlow model; either pointer may be NULL. The
 * models are for memory: their path is that of `model`, for messages. `args` gives --ckpt,
 * --tf-outputs (names only), --keras-layers, --opset and TF-TRT's options.
 * Errors: BACKEND when Python, TensorFlow or tf2onnx is missing, MODEL for what they say of the
 * model, USAGE. */
PX_MUST_USE pgy_status *px_tf_python(pgy_context *cx, const pgy_model *model,
                                     const px_tf_args *args, pgy_model **out_frozen,
                                     pgy_model **out_onnx);

#endif
