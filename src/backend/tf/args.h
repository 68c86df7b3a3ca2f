/* backend/tf/args.h - options of TensorFlow graphs, sessions and the conversion to ONNX. */
#ifndef PX_BACKEND_TF_ARGS_H
#define PX_BACKEND_TF_ARGS_H

#include "base/opt.h"

typedef struct px_tf_args {
    px_opt_flag tftrt;
    px_opt_int minimum_segment_size;
    px_opt_flag dynamic_op;

    px_opt_str ckpt; /* checkpoint name without extension */
    px_opt_strs tf_outputs;
    px_opt_str save_pb;
    px_opt_str save_tensorboard; /* folder */
    px_opt_flag freeze_graph;
    px_opt_str keras_layers; /* Python file */

    px_opt_float gpu_memory_fraction;
    px_opt_flag allow_growth;
    px_opt_flag xla;

    px_opt_str save_timeline; /* folder */

    px_opt_int opset;
} px_tf_args;

extern const px_opt_section px_tf_tftrt, px_tf_loading, px_tf_session, px_tf_inference,
    px_tf_to_onnx;

#endif
