/* cli/console.h - the log sink of the command: terminal and log file.
 *
 * Layout: "[I] " or "[I] (12:34:56) [path.py] ", then 4 blanks per indent, then the text; later
 * lines of one message are indented by the prefix's width too. Severities below CRITICAL go to
 * standard output, CRITICAL to standard error.
 */
#ifndef PX_CLI_CONSOLE_H
#define PX_CLI_CONSOLE_H

#include "base/px.h"
#include "cli/args.h"
#include "cli/progress.h"
#include "polygraphy/context.h"

#include <stdio.h>

typedef struct px_console {
    FILE *log_file; /* NULL: none */
    const char *log_path;
    bool timestamp, line_info, use_color;
    bool silent;
    bool stdout_is_terminal;
    bool write_failed; /* standard output or the log file did not take a line */
    px_buf line;
    px_progress_line progress; /* erased before each message */
} px_console;

/* Before the options are known: colours by terminal, NO_COLOR and FORCE_COLOR. */
void px_console_init(px_console *console);
/* Applies --log-format, --color and --silent. */
void px_console_configure(px_console *console, const px_cli_args *args);
/* Once levels are known: listens to the context's progress where standard error is a terminal,
 * unless less than the usual is to be reported. */
void px_console_show_progress(px_console *console, pgy_context *cx, const px_cli_args *args);
/* Opens --log-file, emptying it; creates its folder. Errors: IO. */
PX_MUST_USE pgy_status *px_console_open_log(px_console *console, const px_cli_args *args);
/* The context's log function; `user` is the px_console. */
void px_console_log(void *user, pgy_severity severity, const char *origin, int indent,
                    const char *message, size_t length);
/* Shows an error as a critical message, whatever the level. */
void px_console_error(px_console *console, const pgy_status *st);
/* Flushes; reports a write that failed. */
PX_MUST_USE pgy_status *px_console_close(px_console *console);

#endif
