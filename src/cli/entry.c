/* cli/entry.c - the command as a function: parse, dispatch, turn a status into an exit code. */
#include "cli/cmd_backends.h"
#include "cli/cmd_run.h"
#include "cli/command.h"
#include "cli/help.h"
#include "polygraphy/command.h"

#include <stdio.h>
#include <unistd.h>

/* Folder the program lies in, as --version shows it. */
static void print_version(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        *slash = '\0';
    px_buf text = {0};
    px_help_version(&text, path);
    fputs(px_buf_cstr(&text), stdout);
    px_buf_fini(&text);
}

static void print_text(px_console *console, const px_command_line *line)
{
    switch (line->kind) {
    case PX_PARSE_HELP:
        fputs(line->text, stdout);
        break;
    case PX_PARSE_VERSION:
        print_version();
        break;
    case PX_PARSE_UNKNOWN:
        px_console_log(console, PGY_LOG_ERROR, "tools/_main.py", 0, line->text, strlen(line->text));
        break;
    default:
        fputs(line->text, stderr);
        break;
    }
}

static int dispatch(pgy_context *cx, px_console *console, px_run_args *args,
                    const px_command_line *line, const char *const *argv)
{
    if (line->kind != PX_PARSE_OK) {
        print_text(console, line);
        return line->exit_code;
    }
    if (line->command == PX_COMMAND_BACKENDS) {
        int at = (int)(line->rest - argv) - 1;
        return px_cmd_backends(cx, (int)line->n_rest + 1, argv + at);
    }
    return px_cmd_run(cx, console, args);
}

int pgy_command(int argc, const char *const *argv)
{
    pgy_status *st = NULL;
    pgy_context *cx = NULL;
    px_console console;
    px_run_args args = {0};
    px_command_line line;
    int exit_code = 1;

    px_console_init(&console);
    PX_TRY(pgy_context_new(&cx));
    pgy_context_set_log(cx, px_console_log, &console);
    PX_TRY(px_command_parse(argc, argv, &args, &line));
    exit_code = dispatch(cx, &console, &args, &line, argv);
done:
    if (st != NULL)
        px_console_error(&console, st);
    pgy_status_free(st);
    pgy_context_free(cx);
    px_run_args_fini(&args);
    st = px_console_close(&console);
    if (st != NULL) {
        fprintf(stderr, "[!] %s\n", pgy_status_message(st));
        pgy_status_free(st);
        exit_code = exit_code ? exit_code : 1;
    }
    return exit_code;
}
