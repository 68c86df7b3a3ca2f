/* cli/args.c - options of the command itself. */
#include "cli/args.h"
#include "base/log.h"

static const px_opt cli_options_rows[] = {
    {.names = "-h|--help",
     .type = &px_type_flag,
     PX_BIND(px_cli_args, help, px_opt_flag),
     .flags = PX_OPT_HELP,
     .help = "Show this text and end."},
};
const px_opt_section px_cli_options = {"options", NULL, cli_options_rows,
                                       PX_COUNTOF(cli_options_rows)};

static const char *const color_choices[] = {"auto", "always", "never", NULL};
static const char *const log_format_choices[] = {"timestamp", "line-info", "no-colors", NULL};
static const px_opt cli_logging_rows[] = {
    {.names = "-v|--verbose",
     .type = &px_type_count,
     PX_BIND(px_cli_args, verbose, px_opt_count),
     .help = "Report one level more. May be repeated: -v, -vv, -vvv, -vvvv."},
    {.names = "-q|--quiet",
     .type = &px_type_count,
     PX_BIND(px_cli_args, quiet, px_opt_count),
     .help = "Report one level less. May be repeated."},
    {.names = "--verbosity",
     .metavar = "[PATH:]LEVEL",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_cli_args, verbosity, px_opt_strs),
     .help = "Level by name, in any case: ultra_verbose, super_verbose, extra_verbose, "
             "verbose, info, start, finish, warning, error or critical. With a path in "
             "front it holds for that part of the program only.",
     .more = "A path names a source file or folder of the reference, such as "
             "comparator/compare.py. The deepest path that fits counts. -v and -q "
             "override the level that has no path, but not the others.",
     .example = "--verbosity warning backend/onnxrt:verbose"},
    {.names = "--silent",
     .type = &px_type_flag,
     PX_BIND(px_cli_args, silent, px_opt_flag),
     .help = "Report nothing but errors that end the run."},
    {.names = "--log-format",
     .metavar = "FORMAT",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_cli_args, log_format, px_opt_strs),
     .choices = log_format_choices,
     .help = "Put the time (timestamp) or the place in the program (line-info) in front "
             "of each message, or leave colours out (no-colors)."},
    {.names = "--log-file",
     .metavar = "PATH",
     .type = &px_type_file,
     .nargs = PX_NARGS_1,
     PX_BIND(px_cli_args, log_file, px_opt_str),
     .help = "Also write the messages to this file. Messages that a runtime prints by "
             "itself are not in it."},
    {.names = "--color",
     .metavar = "WHEN",
     .type = &px_type_str,
     .nargs = PX_NARGS_1,
     PX_BIND(px_cli_args, color, px_opt_str),
     .choices = color_choices,
     .flags = PX_OPT_OURS,
     .help = "Whether messages are coloured: on a terminal unless NO_COLOR is set (auto, the "
             "default), always or never."},
};
const px_opt_section px_cli_logging = {"Logging", "What is reported, how, and where to.",
                                       cli_logging_rows, PX_COUNTOF(cli_logging_rows)};

static const px_opt cli_runners_rows[] = {
    {.names = "--tf",
     .type = &px_type_append_name,
     PX_BIND(px_cli_args, runners, px_opt_strs),
     .help = "TensorFlow."},
    {.names = "--onnxrt",
     .type = &px_type_append_name,
     PX_BIND(px_cli_args, runners, px_opt_strs),
     .help = "ONNX Runtime."},
    {.names = "--pluginref",
     .type = &px_type_append_name,
     PX_BIND(px_cli_args, runners, px_opt_strs),
     .help = "The built-in reference interpreter, which computes in float64 on the CPU "
             "and needs nothing installed."},
    {.names = "--trt",
     .type = &px_type_append_name,
     PX_BIND(px_cli_args, runners, px_opt_strs),
     .help = "TensorRT."},
};
const px_opt_section px_cli_runners = {"Runners",
                                       "What computes the model. Runners work in the order given; "
                                       "one kind may be given several times.",
                                       cli_runners_rows, PX_COUNTOF(cli_runners_rows)};

static const char *const dialect_choices[] = {"0.49", "0.53", NULL};
static const px_opt cli_script_rows[] = {
    {.names = "--gen|--gen-script",
     .metavar = "PATH",
     .type = &px_type_file,
     .nargs = PX_NARGS_1,
     PX_BIND(px_cli_args, gen_script, px_opt_str),
     .help = "Write a script that does what this command line does, and end: a C program for "
             "a path that ends in .c, else Python. `-` writes Python to standard output.",
     .example = "--gen-script compare.py"},
    {.names = "--gen-dialect",
     .metavar = "VERSION",
     .type = &px_type_str,
     .nargs = PX_NARGS_1,
     PX_BIND(px_cli_args, gen_dialect, px_opt_str),
     .choices = dialect_choices,
     .flags = PX_OPT_OURS,
     .help = "Version of the Python package that --gen-script writes for: 0.49 (0.49.26, the "
             "default) or 0.53 (0.53.6)."},
};
const px_opt_section px_cli_script = {"options", NULL, cli_script_rows,
                                      PX_COUNTOF(cli_script_rows)};

static const struct {
    const char *name;
    int level;
} levels[] = {
    {"ULTRA_VERBOSE", PGY_LOG_ULTRA_VERBOSE},
    {"SUPER_VERBOSE", PGY_LOG_SUPER_VERBOSE},
    {"EXTRA_VERBOSE", PGY_LOG_EXTRA_VERBOSE},
    {"VERBOSE", PGY_LOG_VERBOSE},
    {"INFO", PGY_LOG_INFO},
    {"START", PGY_LOG_START},
    {"FINISH", PGY_LOG_FINISH},
    {"WARNING", PGY_LOG_WARNING},
    {"ERROR", PGY_LOG_ERROR},
    {"CRITICAL", PGY_LOG_CRITICAL},
};

static pgy_status *level_parse(px_str text, const char *word, int *out)
{
    for (size_t i = 0; i < PX_COUNTOF(levels); i++) {
        if (px_str_eq_nocase(text, px_str_of(levels[i].name))) {
            *out = levels[i].level;
            return NULL;
        }
    }
    if (!px_is_identifier(text)) {
        char upper[64];
        size_t n = PX_MIN(text.len, sizeof upper - 1);
        for (size_t i = 0; i < n; i++)
            upper[i] = text.ptr[i] >= 'a' && text.ptr[i] <= 'z' ? (char)(text.ptr[i] - 'a' + 'A')
                                                                : text.ptr[i];
        return PX_FAIL(PGY_ERR_USAGE,
                       "This argument must be a valid identifier. Provided argument cannot be a "
                       "Python identifier: %.*s\nNote: it was given to --verbosity.",
                       (int)n, upper);
    }
    return PX_FAIL(PGY_ERR_USAGE,
                   "--verbosity %s: there is no level %.*s. Use one of ultra_verbose, "
                   "super_verbose, extra_verbose, verbose, info, start, finish, warning, error, "
                   "critical.",
                   word, PX_STR_ARG(text));
}

/* The level that -v and -q ask for; `otherwise` when they cancel out. */
static int level_of_count(int net, int otherwise)
{
    static const int up[] = {PGY_LOG_VERBOSE, PGY_LOG_EXTRA_VERBOSE, PGY_LOG_SUPER_VERBOSE,
                             PGY_LOG_ULTRA_VERBOSE};
    static const int down[] = {PGY_LOG_START, PGY_LOG_FINISH, PGY_LOG_WARNING, PGY_LOG_ERROR,
                               PGY_LOG_CRITICAL};
    if (net > 0)
        return up[PX_MIN(net, 4) - 1];
    if (net < 0)
        return down[PX_MIN(-net, 5) - 1];
    return otherwise;
}

static pgy_status *verbosity_decode(px_arena *arena, px_cli_args *args)
{
    args->path_levels = px_arena_calloc(arena, args->verbosity.n, sizeof *args->path_levels);
    if (!args->path_levels)
        return px_status_nomem();
    for (size_t i = 0; i < args->verbosity.n; i++) {
        px_str path, text;
        px_cast value = {0};
        px_path_level item = {0};
        px_key_split(px_str_of(args->verbosity.at[i]), &path, &text);
        pgy_status *st = px_cast_parse(arena, text, &value);
        if (!st && value.kind == PX_CAST_TEXT)
            text = px_str_of(value.text); /* quotes are off */
        if (!st)
            st = level_parse(text, args->verbosity.at[i], &item.level);
        if (st)
            return st;
        if (path.len == 0) {
            args->level = item.level;
            continue;
        }
        item.path = px_arena_strndup(arena, path.ptr, path.len);
        if (!item.path)
            return px_status_nomem();
        args->path_levels[args->n_path_levels++] = item;
    }
    return NULL;
}

pgy_status *px_cli_args_check(pgy_context *cx, px_arena *arena, px_cli_args *args)
{
    pgy_status *st = NULL;
    args->level = PGY_LOG_INFO;
    args->n_path_levels = 0;
    if (args->silent.given) {
        args->level = PGY_LOG_CRITICAL;
        pgy_context_set_level(cx, args->level);
        return NULL;
    }
    PX_TRY(verbosity_decode(arena, args));
    args->level = level_of_count(args->verbose.n - args->quiet.n, args->level);
    pgy_context_set_level(cx, args->level);
    for (size_t i = 0; i < args->n_path_levels; i++)
        PX_TRY(px_log_set_path_level(cx, px_str_of(args->path_levels[i].path),
                                     args->path_levels[i].level));
done:
    return st;
}

const char *px_cli_level_name(int level)
{
    size_t i = 0;
    while (i + 1 < PX_COUNTOF(levels) && levels[i].level != level)
        i++;
    return levels[i].name;
}

bool px_cli_args_log_has(const px_cli_args *args, const char *what)
{
    for (size_t i = 0; i < args->log_format.n; i++) {
        if (strcmp(args->log_format.at[i], what) == 0)
            return true;
    }
    return false;
}
