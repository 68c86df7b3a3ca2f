/* cli/cmd_run.h - `polygraphy run`: from options to an exit code. */
#ifndef PX_CLI_CMD_RUN_H
#define PX_CLI_CMD_RUN_H

#include "cli/console.h"
#include "cli/run_args.h"

/* Checks the options, runs, compares, and says PASSED or FAILED. 0 passed, 1 anything else. */
int px_cmd_run(pgy_context *cx, px_console *console, px_run_args *args);

#endif
