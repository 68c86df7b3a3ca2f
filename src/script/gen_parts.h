/* script/gen_parts.h - what the parts of the script generator ask of each other. */
#ifndef PX_SCRIPT_GEN_PARTS_H
#define PX_SCRIPT_GEN_PARTS_H

#include "script/gen_text.h"

/* --- gen_models.c: each returns the variable (or quoted path) that stands for the model --- */

/* The TensorFlow graph. `with_outputs`: after --tf-outputs. */
const char *px_gen_tf_graph(px_gen *g, bool with_outputs);
/* The ONNX graph as a loader. */
const char *px_gen_onnx_graph(px_gen *g, bool with_outputs);
/* What a session or parser is given: the path where nothing is changed, else serialized bytes
 * (`*out_is_path` says which). */
const char *px_gen_onnx_input(px_gen *g, bool with_outputs, bool *out_is_path);
/* "constants.MARK_ALL" or the list of names. */
const char *px_gen_outputs(px_gen *g, const px_opt_strs *names);

/* Runner expressions, with all loaders they need. */
const char *px_gen_tf_runner(px_gen *g);
const char *px_gen_onnxrt_runner(px_gen *g);
const char *px_gen_pluginref_runner(px_gen *g);

/* --- gen_trt.c, gen_trt_config.c --- */

const char *px_gen_trt_runner(px_gen *g);
/* The builder configuration: the variable that holds it; NULL for the default one, except where
 * `for_parser` asks for a variable in any case. `*out_is_default` tells. */
const char *px_gen_trt_config(px_gen *g, bool for_parser, bool *out_is_default);
/* [trt.CLASS.A, trt.CLASS.B]; NULL when not given. */
const char *px_gen_trt_enums(px_gen *g, const char *class_name, const px_opt_strs *names);
/* trt.CLASS.NAME; NULL when not given. */
const char *px_gen_trt_enum(px_gen *g, const char *class_name, const px_opt_str *name);

/* --- gen_data.c --- */

/* Writes the data loader section and sets g->data_loader_use. */
void px_gen_data_loader(px_gen *g);

/* --- gen_compare.c --- */

/* Everything behind the runners. */
void px_gen_execution(px_gen *g);
/* Comparison functions of the newer dialect, as the list passed to compare_accuracy. */
const char *px_gen_compare_functions(px_gen *g);

#endif
