/* cli/command.h - a whole command line: which command, its options, and what to print instead. */
#ifndef PX_CLI_COMMAND_H
#define PX_CLI_COMMAND_H

#include "cli/argparse.h"
#include "cli/run_args.h"

typedef enum px_command { PX_COMMAND_NONE, PX_COMMAND_RUN, PX_COMMAND_BACKENDS } px_command;

/* Texts live as long as the px_run_args they were parsed into. */
typedef struct px_command_line {
    px_command command;
    px_parse_kind kind;
    int exit_code; /* for every kind but OK: print what there is and end with it */
    /* HELP: for stdout. ERROR: for stderr, usage text included. UNKNOWN: a message for the log at
     * ERROR severity (it goes to stdout as "[E] ..."). VERSION: NULL, see px_help_version. */
    const char *text;
    size_t n_rest; /* BACKENDS: the words behind the command */
    const char *const *rest;
} px_command_line;

/* Parses argv, program name included. `args` must be zeroed and is to be ended with
 * px_run_args_fini; it keeps the words of argv. Prints nothing, touches no file. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_command_parse(int argc, const char *const *argv, px_run_args *args,
                                         px_command_line *out);

#endif
