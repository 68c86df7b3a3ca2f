/* cli/console.c - messages to terminal and log file. */
#include "cli/console.h"

#include "base/file.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

static const struct {
    pgy_severity severity;
    char letter;
    int color; /* of the 256-colour palette; -1: the terminal's own */
} styles[] = {
    {PGY_LOG_ULTRA_VERBOSE, 'U', 8},   {PGY_LOG_SUPER_VERBOSE, 'S', 126},
    {PGY_LOG_EXTRA_VERBOSE, 'X', 104}, {PGY_LOG_VERBOSE, 'V', 13},
    {PGY_LOG_INFO, 'I', -1},           {PGY_LOG_START, 'I', 14},
    {PGY_LOG_FINISH, 'I', 10},         {PGY_LOG_WARNING, 'W', 11},
    {PGY_LOG_ERROR, 'E', 9},           {PGY_LOG_CRITICAL, '!', 9},
};

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && *value != '\0';
}

void px_console_init(px_console *console)
{
    *console = (px_console){.stdout_is_terminal = isatty(STDOUT_FILENO)};
    console->use_color = is_set("FORCE_COLOR") || (console->stdout_is_terminal && !is_set("NO_COLOR"));
}

void px_console_configure(px_console *console, const px_cli_args *args)
{
    console->timestamp = px_cli_args_log_has(args, "timestamp");
    console->line_info = px_cli_args_log_has(args, "line-info");
    console->silent = args->silent.given;
    if (args->color.given && strcmp(args->color.value, "auto") != 0)
        console->use_color = strcmp(args->color.value, "always") == 0;
    if (px_cli_args_log_has(args, "no-colors"))
        console->use_color = false;
}

void px_console_show_progress(px_console *console, pgy_context *cx, const px_cli_args *args)
{
    if (!px_progress_line_can() || args->silent.given || args->level > PGY_LOG_INFO)
        return;
    console->progress.use_color = console->use_color;
    px_progress_set(cx, px_progress_line_report, &console->progress);
}

pgy_status *px_console_open_log(px_console *console, const px_cli_args *args)
{
    if (!args->log_file.given)
        return NULL;
    pgy_status *st = NULL;
    const char *path = args->log_file.value;
    char *dir = px_path_dirname(path);
    if (dir == NULL)
        return px_status_nomem();
    PX_TRY(px_path_make_dirs(dir));
    console->log_file = fopen(path, "w");
    console->log_path = path;
    if (console->log_file == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_IO, "--log-file: cannot write %s: %s", path, strerror(errno)));
done:
    px_mem_free(dir);
    return st;
}

/* "[I] (12:34:56) [path.py] " */
static void put_prefix(const px_console *console, px_buf *b, char letter, const char *origin)
{
    px_buf_printf(b, "[%c] ", letter);
    if (console->timestamp) {
        time_t now = time(NULL);
        struct tm local;
        char text[16];
        localtime_r(&now, &local);
        strftime(text, sizeof text, "(%H:%M:%S) ", &local);
        px_buf_puts(b, text);
    }
    if (console->line_info)
        px_buf_printf(b, "[%s:1] ", origin);
}

/* Whole message with prefix and indentation, newline at the end. */
static void lay_out(px_console *console, char letter, const char *origin, int indent, px_str text)
{
    px_buf *b = &console->line;
    size_t start = b->len;
    put_prefix(console, b, letter, origin);
    size_t pad = b->len - start + 4 * (size_t)indent;
    px_buf_pad(b, ' ', 4 * (size_t)indent);
    if (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    for (;;) {
        const char *end = text.len ? memchr(text.ptr, '\n', text.len) : NULL;
        size_t n = end ? (size_t)(end - text.ptr) : text.len;
        px_buf_put(b, text.ptr, n);
        if (end == NULL)
            break;
        px_buf_putc(b, '\n');
        px_buf_pad(b, ' ', pad);
        text = (px_str){end + 1, text.len - n - 1};
    }
}

void px_console_log(void *user, pgy_severity severity, const char *origin, int indent,
                    const char *message, size_t length)
{
    px_console *console = user;
    size_t i = 0;
    while (i + 1 < PX_COUNTOF(styles) && styles[i].severity < severity)
        i++;
    px_buf *b = &console->line;
    b->len = 0;
    bool color = console->use_color && styles[i].color >= 0;
    if (color)
        px_buf_printf(b, "\x1b[38;5;%dm", styles[i].color);
    lay_out(console, styles[i].letter, origin, indent, (px_str){message, length});
    px_buf_puts(b, color ? "\x1b[0m\n" : "\n");

    px_str out = px_buf_str(b);
    FILE *stream = severity >= PGY_LOG_CRITICAL ? stderr : stdout;
    if (stream == stderr || console->stdout_is_terminal)
        px_progress_line_erase(&console->progress);
    if (fwrite(out.ptr, 1, out.len, stream) != out.len)
        console->write_failed = true;
    /* A crash of a runtime must not lose what was said before it. */
    if (severity >= PGY_LOG_START)
        fflush(stream);
    if (console->log_file != NULL && fwrite(out.ptr, 1, out.len, console->log_file) != out.len)
        console->write_failed = true;
}

void px_console_error(px_console *console, const pgy_status *st)
{
    const char *message = pgy_status_message(st);
    fflush(stdout);
    px_console_log(console, PGY_LOG_CRITICAL, "tools/_main.py", 0, message, strlen(message));
}

pgy_status *px_console_close(px_console *console)
{
    pgy_status *st = NULL;
    px_progress_line_erase(&console->progress);
    if (fflush(stdout) != 0)
        console->write_failed = true;
    if (console->log_file != NULL && fclose(console->log_file) != 0)
        console->write_failed = true;
    if (console->write_failed)
        st = PX_FAIL(PGY_ERR_IO, "The log could not be written to %s%s%s: %s", "standard output",
                     console->log_path ? " or " : "", console->log_path ? console->log_path : "",
                     strerror(errno));
    px_buf_fini(&console->line);
    console->log_file = NULL;
    return st;
}
