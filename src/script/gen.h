/* script/gen.h - `--gen-script`: the command line as a program.
 *
 * A Python script drives the reference's Python API and has the syntax tree that the reference's
 * own `--gen-script` writes; a C program drives libpolygraphy. Formats: docs/scripts.md.
 */
#ifndef PX_SCRIPT_GEN_H
#define PX_SCRIPT_GEN_H

#include "backend/onnxrt/args.h"
#include "backend/tf/args.h"
#include "backend/trt/args.h"
#include "compare/args.h"
#include "data/args.h"
#include "model/args.h"
#include "report/args.h"
#include "runner/args.h"

/* The version of the Python API a script is written for. */
typedef enum px_gen_dialect {
    PX_GEN_0_49, /* 0.49.26 */
    PX_GEN_0_53  /* 0.53.6 */
} px_gen_dialect;

/* What the script is about: borrowed, checked option groups. */
typedef struct px_gen_args {
    px_gen_dialect dialect;
    const char *command;        /* argv joined by spaces */
    const char *logging;        /* Python statements that set up the logger; "" for none */
    const px_opt_strs *runners; /* "onnxrt", "trt", ... */
    const px_model_args *model;
    const px_tf_args *tf;
    const px_onnxrt_args *onnxrt;
    const px_trt_args *trt;
    const px_data_args *data;
    const px_runner_args *runner;
    const px_compare_args *compare;
    const px_report_args *report;
} px_gen_args;

/* Appends the Python script. Errors: UNSUPPORTED for what the dialect's API cannot express. */
PX_MUST_USE pgy_status *px_gen_python(const px_gen_args *args, px_buf *out);

/* Appends a C program that runs the words (`words[0]` is the first after `run`; the option that
 * asks for the program must be left out by the caller). Its head says how the file `path`, which
 * ends in ".c", is compiled. */
PX_MUST_USE pgy_status *px_gen_c(const char *command, const char *path, const char *const *words,
                                 size_t n, px_buf *out);

#endif
