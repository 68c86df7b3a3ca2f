/* One command line, parsed: helper of the tests in this folder. */
#ifndef PX_TESTS_COMMAND_LINE_H
#define PX_TESTS_COMMAND_LINE_H

#include "cli/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef struct line {
    px_run_args args;
    px_command_line out;
    const char *argv[64];
    int argc;
    char *copy;
} line;

/* Splits `text` at blanks; a part in single quotes is one word. */
static inline void line_parse(line *l, const char *text)
{
    *l = (line){0};
    l->copy = px_mem_strdup(text);
    assert_non_null(l->copy);
    for (char *c = l->copy; *c;) {
        char end = *c == '\'' ? '\'' : ' ';
        char *begin = c + (end == '\'');
        char *stop = strchr(begin, end);
        assert_true(l->argc < 64);
        l->argv[l->argc++] = begin;
        if (!stop)
            break;
        *stop = '\0';
        c = stop + 1;
        while (*c == ' ')
            c++;
    }
    assert_null(px_command_parse(l->argc, l->argv, &l->args, &l->out));
}

static inline void line_fini(line *l)
{
    px_run_args_fini(&l->args);
    px_mem_free(l->copy);
}

#endif
