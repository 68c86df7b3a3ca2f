/* cli/gen_script.h - `--gen-script`: a script is written and nothing is run. */
#ifndef PX_CLI_GEN_SCRIPT_H
#define PX_CLI_GEN_SCRIPT_H

#include "cli/run_args.h"

/* Writes the script that does what the checked command line does: C for a path that ends in `.c`,
 * else Python; `-` is standard output. Errors: USAGE, UNSUPPORTED for options the script's API has
 * no counterpart of, IO. */
PX_MUST_USE pgy_status *px_gen_script_write(pgy_context *cx, const px_run_args *args);

#endif
