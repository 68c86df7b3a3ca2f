/* script/scripts.h - all scripts that the options of a run name, for the modules that call them. */
#ifndef PX_SCRIPT_SCRIPTS_H
#define PX_SCRIPT_SCRIPTS_H

#include "backend/trt/args.h"
#include "compare/args.h"
#include "data/args.h"
#include "model/args.h"
#include "script/worker.h"

/* {0} is valid and empty. */
typedef struct px_scripts {
    px_worker *worker;
    px_trt_script *trt; /* what an engine is built with */
    px_trt_job trt_job;
    px_data_script data;
    px_compare_script compare;
} px_scripts;

/* Loads every script that is named, so that a wrong one ends the run before anything is run, and
 * puts their functions into the options, where `scripts` must stay as long as these are used. A
 * comparison script takes the place of all comparison functions.
 * Errors: BACKEND, USAGE. */
PX_MUST_USE pgy_status *px_scripts_open(pgy_context *cx, px_data_args *data,
                                        px_compare_args *compare, uint64_t timeout_ns,
                                        px_scripts *scripts);
/* Puts the building of engines with scripts into the options of --trt. These are loaded when an
 * engine is built. `words` is the command line behind `run`. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_scripts_open_trt(px_scripts *scripts, px_trt_args *args,
                                            const px_model_args *model, const char *const *words,
                                            size_t n_words);
void px_scripts_close(px_scripts *scripts);

#endif
