/* script/scripts.h - all scripts that the options of a run name, for the modules that call them. */
#ifndef PX_SCRIPT_SCRIPTS_H
#define PX_SCRIPT_SCRIPTS_H

#include "compare/args.h"
#include "data/args.h"
#include "script/worker.h"

/* {0} is valid and empty. */
typedef struct px_scripts {
    px_worker *worker;
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
void px_scripts_close(px_scripts *scripts);

#endif
