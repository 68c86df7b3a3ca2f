/* Command lines: words are separated by newlines. */
#include "cli/command.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX_WORDS = 64 };
    const char *argv[MAX_WORDS] = {"polygraphy"};
    int argc = 1;
    px_run_args args = {0};
    px_command_line line;
    pgy_context *cx = NULL;
    char *text = px_mem_strndup((const char *)data, size);
    pgy_status *st = pgy_context_new(&cx);

    for (char *c = text; !st && c && argc < MAX_WORDS;) {
        char *end = strchr(c, '\n');
        argv[argc++] = c;
        if (!end)
            break;
        *end = '\0';
        c = end + 1;
    }
    if (!st)
        st = px_command_parse(argc, argv, &args, &line);
    if (!st && line.kind == PX_PARSE_OK && line.command == PX_COMMAND_RUN)
        st = px_run_args_check(cx, &args);
    if (!st && line.kind == PX_PARSE_OK && line.command == PX_COMMAND_RUN)
        st = px_run_args_check_plan(cx, &args);
    pgy_status_free(st);
    px_run_args_fini(&args);
    pgy_context_free(cx);
    px_mem_free(text);
    return 0;
}
