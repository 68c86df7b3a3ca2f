/* cli/command.c - `polygraphy [-h] [-v] COMMAND ...`. */
#include "cli/command.h"
#include "cli/groups.h"
#include "cli/help.h"

typedef struct top_args {
    px_opt_flag help, version;
} top_args;

static const px_opt top_rows[] = {
    {.names = "-h|--help",
     .type = &px_type_flag,
     PX_BIND(top_args, help, px_opt_flag),
     .flags = PX_OPT_HELP,
     .help = "Show this text and end."},
    {.names = "-v|--version",
     .type = &px_type_flag,
     PX_BIND(top_args, version, px_opt_flag),
     .flags = PX_OPT_VERSION,
     .help = "Show the version and end."},
};
static const px_opt_section top_section = {"options", NULL, top_rows, PX_COUNTOF(top_rows)};
static const px_opt_group top_group = {&top_section, 0};

static const struct {
    const char *name;
    px_command command;
} commands[] = {{"run", PX_COMMAND_RUN}, {"backends", PX_COMMAND_BACKENDS}};

/* Ends with a text: moves the builder into the arena. */
static pgy_status *finish(px_run_args *args, px_command_line *out, px_parse_kind kind,
                          int exit_code, px_buf *text)
{
    pgy_status *st = px_buf_status(text);
    if (!st) {
        out->kind = kind;
        out->exit_code = exit_code;
        out->text = px_arena_strndup(&args->arena, px_buf_cstr(text), text->len);
        if (!out->text)
            st = px_status_nomem();
    }
    px_buf_fini(text);
    return st;
}

static pgy_status *join_command(px_run_args *args, int argc, const char *const *argv)
{
    px_buf b = {0};
    for (int i = 0; i < argc; i++)
        px_buf_printf(&b, "%s%s", i ? " " : "", argv[i]);
    pgy_status *st = px_buf_status(&b);
    if (!st) {
        args->command = px_arena_strndup(&args->arena, px_buf_cstr(&b), b.len);
        if (!args->command)
            st = px_status_nomem();
    }
    px_buf_fini(&b);
    return st;
}

static pgy_status *parse_run(size_t n, const char *const *words, px_run_args *args,
                             px_command_line *out)
{
    px_parse_result result;
    px_buf text = {0};
    pgy_status *st =
        px_argparse(&args->arena, px_run_groups, px_n_run_groups, words, n, args, &result);
    if (st)
        return st;
    args->words = words;
    args->n_words = n;
    args->late = result.late;
    args->n_late = result.n_late;
    switch (result.kind) {
    case PX_PARSE_OK:
    case PX_PARSE_VERSION: /* `run` has no such option */
        return NULL;
    case PX_PARSE_HELP:
        px_help_run(&text);
        return finish(args, out, PX_PARSE_HELP, 0, &text);
    case PX_PARSE_ERROR:
        px_help_usage(&text, "polygraphy run", px_run_groups, px_n_run_groups);
        px_buf_printf(&text, "polygraphy run: error: %s\n", result.text);
        if (result.hint)
            px_buf_printf(&text, "%s\n", result.hint);
        return finish(args, out, PX_PARSE_ERROR, 2, &text);
    case PX_PARSE_UNKNOWN:
        px_buf_puts(&text, result.text);
        if (result.hint)
            px_buf_printf(&text, "\n%s", result.hint);
        return finish(args, out, PX_PARSE_UNKNOWN, 1, &text);
    }
    return NULL;
}

static pgy_status *parse_backends(size_t n, const char *const *words, px_run_args *args,
                                  px_command_line *out)
{
    px_buf text = {0};
    for (size_t i = 0; i < n; i++) {
        if (strcmp(words[i], "-h") == 0 || strcmp(words[i], "--help") == 0) {
            px_help_backends(&text);
            return finish(args, out, PX_PARSE_HELP, 0, &text);
        }
    }
    out->n_rest = n;
    out->rest = words;
    return NULL;
}

static pgy_status *top_error(px_run_args *args, px_command_line *out, const char *fmt,
                             const char *word, const char *hint)
{
    px_buf text = {0};
    px_help_program_usage(&text);
    px_buf_puts(&text, "polygraphy: error: ");
    px_buf_printf(&text, "%s", fmt);
    if (word)
        px_buf_repr(&text, px_str_of(word));
    px_buf_printf(&text, "%s\n", hint);
    return finish(args, out, PX_PARSE_ERROR, 2, &text);
}

/* The words in front of the command: -h, -v, or something nobody knows. */
static pgy_status *parse_top(size_t n, const char *const *words, px_run_args *args,
                             px_command_line *out)
{
    px_parse_result result;
    top_args top = {0};
    px_buf text = {0};
    pgy_status *st = px_argparse(&args->arena, &top_group, 1, words, n, &top, &result);
    if (st)
        return st;
    switch (result.kind) {
    case PX_PARSE_HELP:
        px_help_program(&text);
        return finish(args, out, PX_PARSE_HELP, 0, &text);
    case PX_PARSE_VERSION:
        out->kind = PX_PARSE_VERSION;
        return NULL;
    case PX_PARSE_ERROR:
        return top_error(args, out, result.text, NULL, "");
    case PX_PARSE_UNKNOWN:
        return top_error(args, out, "there is no option ", words[0],
                         "; polygraphy --help lists what there is");
    case PX_PARSE_OK:
        break;
    }
    return NULL;
}

pgy_status *px_command_parse(int argc, const char *const *argv, px_run_args *args,
                             px_command_line *out)
{
    pgy_status *st = NULL;
    size_t n = argc > 0 ? (size_t)argc : 0;
    size_t at = 1;
    *out = (px_command_line){.kind = PX_PARSE_OK};
    PX_TRY(join_command(args, argc, argv));
    while (at < n && argv[at][0] == '-' && argv[at][1] != '\0')
        at++;
    if (at > 1) {
        PX_TRY(parse_top(at - 1, argv + 1, args, out));
        if (out->kind != PX_PARSE_OK)
            goto done;
    }
    if (at >= n) {
        PX_TRY(top_error(args, out, "the following arguments are required: tools", NULL,
                         ". Name a command: polygraphy run, or polygraphy --help"));
        goto done;
    }
    for (size_t i = 0; i < PX_COUNTOF(commands); i++) {
        if (strcmp(commands[i].name, argv[at]) == 0)
            out->command = commands[i].command;
    }
    if (out->command == PX_COMMAND_RUN)
        PX_TRY(parse_run(n - at - 1, argv + at + 1, args, out));
    else if (out->command == PX_COMMAND_BACKENDS)
        PX_TRY(parse_backends(n - at - 1, argv + at + 1, args, out));
    else
        PX_TRY(top_error(args, out, "argument tools: invalid choice: ", argv[at],
                         " (choose from 'run', 'backends')"));
done:
    return st;
}
