/* cli/run_args.h - everything a `polygraphy run` command line says. */
#ifndef PX_CLI_RUN_ARGS_H
#define PX_CLI_RUN_ARGS_H

#include "backend/onnxrt/args.h"
#include "backend/ref/args.h"
#include "backend/tf/args.h"
#include "backend/trt/args.h"
#include "cli/args.h"
#include "compare/args.h"
#include "data/args.h"
#include "model/args.h"
#include "report/args.h"
#include "runner/args.h"

typedef struct px_run_args {
    px_arena arena;           /* holds every word and decoded value */
    const char *command;      /* argv joined by single spaces, for the RUNNING and PASSED lines */
    const char *const *words; /* behind `run`, as given; borrowed from argv */
    size_t n_words;

    px_cli_args cli;
    px_model_args model;
    px_tf_args tf;
    px_onnxrt_args onnxrt;
    px_trt_args trt;
    px_ref_args ref;
    px_data_args data;
    px_runner_args runner;
    px_compare_args compare;
    px_report_args report;

    px_opt_late *late; /* values found wrong while parsing, in the order of the rows */
    size_t n_late;
} px_run_args;

/* Interprets the groups in the reference's order: decodes values, checks combinations, logs
 * warnings, and sets the context's log levels first of all. The status is what the reference
 * prints as a critical before its RUNNING line: exit 1, no closing line.
 * Mirrors: tools/args/base.py parse order. */
PX_MUST_USE pgy_status *px_run_args_check(pgy_context *cx, px_run_args *args);

/* The second part, after the RUNNING line: does the model suit the runners, is there a model,
 * notes of the TensorRT parser flags. An error here is followed by the FAILED line.
 * Errors: USAGE. */
PX_MUST_USE pgy_status *px_run_args_check_plan(pgy_context *cx, const px_run_args *args);

void px_run_args_fini(px_run_args *args);

#endif
