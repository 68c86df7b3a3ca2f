/* cli/reproduce.h - the command line that shows an extracted failure again. */
#ifndef PX_CLI_REPRODUCE_H
#define PX_CLI_REPRODUCE_H

#include "cli/run_args.h"

/* A shell script that runs the extracted model on `backend` with the options of that backend and of
 * the comparison as they were given. `about` becomes a comment, line by line. */
void px_reproduce_print(px_buf *b, const px_run_args *args, const char *backend, const char *about);

#endif
