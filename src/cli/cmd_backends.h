/* cli/cmd_backends.h - the subcommand that lists inference runtimes and gets them. */
#ifndef PX_CLI_CMD_BACKENDS_H
#define PX_CLI_CMD_BACKENDS_H

#include "polygraphy/context.h"

/* `argv[0]` is the word "backends", the rest its arguments:
 *     backends                                what there is, where, what is missing
 *     backends install NAME [--package SPEC]  gets a runtime with pip
 * Writes to standard output, errors to standard error. Returns the exit code: 0, 1 for a failure,
 * 2 for a wrong command line. */
int px_cmd_backends(pgy_context *cx, int argc, const char *const *argv);

#endif
