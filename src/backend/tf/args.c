/* backend/tf/args.c - options of TensorFlow. */
#include "backend/tf/args.h"

static const px_opt tf_tftrt_rows[] = {
    {.names = "--tftrt|--use-tftrt",
     .type = &px_type_flag,
     PX_BIND(px_tf_args, tftrt, px_opt_flag),
     .help = "Let TensorFlow hand parts of the graph to TensorRT."},
    {.names = "--minimum-segment-size",
     .metavar = "N",
     .type = &px_type_int,
     .nargs = PX_NARGS_1,
     PX_BIND(px_tf_args, minimum_segment_size, px_opt_int),
     .help = "Smallest number of nodes that TensorFlow hands to TensorRT together."},
    {.names = "--dynamic-op",
     .type = &px_type_flag,
     PX_BIND(px_tf_args, dynamic_op, px_opt_flag),
     .help = "Build the TensorRT engines while the graph runs instead of ahead."},
};
const px_opt_section px_tf_tftrt = {"[UNTESTED] TensorFlow-TensorRT Integration",
                                    "TensorRT inside a TensorFlow graph.", tf_tftrt_rows,
                                    PX_COUNTOF(tf_tftrt_rows)};

static const px_opt tf_loading_rows[] = {
    {.names = "--ckpt",
     .metavar = "NAME",
     .type = &px_type_str,
     .nargs = PX_NARGS_1,
     PX_BIND(px_tf_args, ckpt, px_opt_str),
     .help = "Name of the checkpoint in the model folder, without extension. Needed if "
             "the folder has no file named `checkpoint`."},
    {.names = "--tf-outputs",
     .metavar = "NAME",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_tf_args, tf_outputs, px_opt_strs),
     .help = "Output tensors of the TensorFlow graph; `mark all` takes every tensor."},
    {.names = "--save-pb",
     .metavar = "PATH",
     .type = &px_type_file,
     .nargs = PX_NARGS_1,
     PX_BIND(px_tf_args, save_pb, px_opt_str),
     .help = "Write the frozen graph to this file."},
    {.names = "--save-tensorboard",
     .metavar = "DIR",
     .type = &px_type_dir,
     .nargs = PX_NARGS_1,
     PX_BIND(px_tf_args, save_tensorboard, px_opt_str),
     .help = "Write TensorBoard events that show the graph to this folder."},
    {.names = "--freeze-graph",
     .type = &px_type_flag,
     PX_BIND(px_tf_args, freeze_graph, px_opt_flag),
     .help = "Turn variables into constants before anything else is done."},
    {.names = "--keras-layers",
     .metavar = "FILE",
     .type = &px_type_file,
     .nargs = PX_NARGS_1,
     PX_BIND(px_tf_args, keras_layers, px_opt_str),
     .flags = PX_OPT_OURS,
     .help = "Python file that is run before a Keras file is loaded. Its classes and functions "
             "stand for the layers, activations and initializers of their names that Keras itself "
             "has not.",
     .example = "--keras-layers my_layers.py"},
};
const px_opt_section px_tf_loading = {"TensorFlow Model Loading",
                                      "Reading and changing TensorFlow graphs.", tf_loading_rows,
                                      PX_COUNTOF(tf_loading_rows)};

static const px_opt tf_session_rows[] = {
    {.names = "--gpu-memory-fraction",
     .metavar = "FRACTION",
     .type = &px_type_float,
     .nargs = PX_NARGS_1,
     PX_BIND(px_tf_args, gpu_memory_fraction, px_opt_float),
     .help = "Largest part of the GPU memory that TensorFlow may take, from 0 to 1. "
             "Default 0.9."},
    {.names = "--allow-growth",
     .type = &px_type_flag,
     PX_BIND(px_tf_args, allow_growth, px_opt_flag),
     .help = "Take GPU memory as it is needed instead of at once."},
    {.names = "--xla",
     .type = &px_type_flag,
     PX_BIND(px_tf_args, xla, px_opt_flag),
     .help = "Compile the graph with XLA."},
};
const px_opt_section px_tf_session = {"TensorFlow Session Configuration",
                                      "How TensorFlow uses the device.", tf_session_rows,
                                      PX_COUNTOF(tf_session_rows)};

static const px_opt tf_inference_rows[] = {
    {.names = "--save-timeline",
     .metavar = "DIR",
     .type = &px_type_dir,
     .nargs = PX_NARGS_1,
     PX_BIND(px_tf_args, save_timeline, px_opt_str),
     .help = "Write a timeline of each inference, which chrome://tracing shows, to this "
             "folder."},
};
const px_opt_section px_tf_inference = {"TensorFlow Inference", "Profiling TensorFlow.",
                                        tf_inference_rows, PX_COUNTOF(tf_inference_rows)};

static const px_opt tf_to_onnx_rows[] = {
    {.names = "--opset",
     .metavar = "N",
     .type = &px_type_int,
     .nargs = PX_NARGS_1,
     PX_BIND(px_tf_args, opset, px_opt_int),
     .help = "Version of the ONNX operator set to convert to. Default 11."},
};
const px_opt_section px_tf_to_onnx = {
    "TensorFlow-ONNX Model Conversion",
    "Turning a TensorFlow graph into an ONNX model for other runners.", tf_to_onnx_rows,
    PX_COUNTOF(tf_to_onnx_rows)};
