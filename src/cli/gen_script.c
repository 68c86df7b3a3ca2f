/* cli/gen_script.c - hands the command line to the script generator and writes what comes back. */
#include "cli/gen_script.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/groups.h"
#include "script/gen.h"

#include <sys/stat.h>

/* Options of ours that change how a run works but not what it says: a script goes without them. */
static const char *const neutral[] = {"--gen-dialect", "--color", "--threads", "--memory-budget",
                                      "--streaming"};

static bool is_neutral(px_str name)
{
    for (size_t i = 0; i < PX_COUNTOF(neutral); i++) {
        if (px_str_is(name, neutral[i]))
            return true;
    }
    return false;
}

static pgy_status *is_given(const px_opt *row, const void *field, bool *out)
{
    px_buf words = {0};
    if (row->type == &px_type_flag) {
        *out = ((const px_opt_flag *)field)->given;
        return NULL;
    }
    row->type->print(field, &words);
    pgy_status *st = px_buf_status(&words);
    *out = words.len > 0;
    px_buf_fini(&words);
    return st;
}

/* Refuses an option that the Python package of the dialect does not know. */
static pgy_status *check_option(const px_run_args *args, px_gen_dialect dialect, const px_opt *row,
                                size_t offset)
{
    bool given;
    const bool is_ours = (row->flags & PX_OPT_OURS) != 0;
    const bool is_newer = (row->flags & PX_OPT_NEWER) != 0 && dialect == PX_GEN_0_49;
    const px_str name = px_opt_name(row);
    /* The older package runs one runner after the other in any case. */
    if ((!is_ours && !is_newer) || is_neutral(name) || px_str_is(name, "--sequential-runners"))
        return NULL;
    pgy_status *st = is_given(row, (const char *)args + offset + row->offset, &given);
    if (st != NULL || !given)
        return st;
    if (is_ours)
        return PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "%.*s: the Python package has no such option, so a Python script cannot do "
                       "this. Name the script .c to get a C program, or leave the option out.",
                       PX_STR_ARG(name));
    return PX_FAIL(PGY_ERR_UNSUPPORTED,
                   "%.*s: version 0.49.26 of the Python package has no such option. Add "
                   "--gen-dialect 0.53.",
                   PX_STR_ARG(name));
}

static pgy_status *check_options(const px_run_args *args, px_gen_dialect dialect)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < px_n_run_groups; i++) {
        const px_opt_group *group = &px_run_groups[i];
        for (size_t k = 0; k < group->section->n; k++)
            PX_TRY(check_option(args, dialect, &group->section->rows[k], group->offset));
    }
done:
    return st;
}

/* The level of a path of --verbosity; the last word about it counts. */
static int path_level(const px_cli_args *cli, px_str path)
{
    int level = cli->level;
    for (size_t i = 0; i < cli->n_path_levels; i++) {
        if (px_str_is(path, cli->path_levels[i].path))
            level = cli->path_levels[i].level;
    }
    return level;
}

/* G_LOGGER.module_severity = {'': ..., 'backend/trt': ...}: paths in order of first mention, the
 * level of -v and -q in the place of the general one, or last. */
static pgy_status *put_severity(const px_cli_args *cli, px_buf *out)
{
    pgy_status *st = NULL;
    px_map seen = {0};
    const char *separator = "G_LOGGER.module_severity = {";
    for (size_t i = 0; i < cli->verbosity.n; i++) {
        px_str path, level;
        px_key_split(px_str_of(cli->verbosity.at[i]), &path, &level);
        if (px_map_has(&seen, path))
            continue;
        PX_TRY(px_map_set(&seen, path, NULL));
        px_buf_puts(out, separator);
        px_buf_repr(out, path);
        px_buf_printf(out, ": G_LOGGER.%s", px_cli_level_name(path_level(cli, path)));
        separator = ", ";
    }
    if (cli->verbose.n != cli->quiet.n && !px_map_has(&seen, PX_STR("")))
        px_buf_printf(out, "%s'': G_LOGGER.%s", separator, px_cli_level_name(cli->level));
    if (seen.n > 0 || cli->verbose.n != cli->quiet.n)
        px_buf_puts(out, "}\n");
done:
    px_map_fini(&seen);
    return st;
}

static pgy_status *put_logging(const px_cli_args *cli, px_buf *out)
{
    static const struct {
        const char *word, *statement;
    } formats[] = {{"timestamp", "G_LOGGER.timestamp = True\n"},
                   {"line-info", "G_LOGGER.line_info = True\n"},
                   {"no-colors", "G_LOGGER.colors = False\n"}};
    if (cli->silent.given)
        px_buf_puts(out, "G_LOGGER.module_severity = G_LOGGER.CRITICAL\n");
    else {
        pgy_status *st = put_severity(cli, out);
        if (st != NULL)
            return st;
    }
    for (size_t i = 0; i < cli->log_format.n; i++) {
        for (size_t k = 0; k < PX_COUNTOF(formats); k++) {
            if (strcmp(cli->log_format.at[i], formats[k].word) == 0)
                px_buf_puts(out, formats[k].statement);
        }
    }
    if (cli->log_file.given) {
        px_buf_puts(out, "G_LOGGER.log_file = ");
        px_buf_repr(out, px_str_of(cli->log_file.value));
        px_buf_putc(out, '\n');
    }
    return px_buf_status(out);
}

static pgy_status *write_python(const px_run_args *args, px_buf *out)
{
    pgy_status *st = NULL;
    px_buf logging = {0};
    const px_opt_str *dialect = &args->cli.gen_dialect;
    px_gen_args gen = {
        .dialect =
            dialect->given && strcmp(dialect->value, "0.53") == 0 ? PX_GEN_0_53 : PX_GEN_0_49,
        .command = args->command,
        .runners = &args->cli.runners,
        .model = &args->model,
        .tf = &args->tf,
        .onnxrt = &args->onnxrt,
        .trt = &args->trt,
        .data = &args->data,
        .runner = &args->runner,
        .compare = &args->compare,
        .report = &args->report,
    };
    PX_TRY(check_options(args, gen.dialect));
    PX_TRY(put_logging(&args->cli, &logging));
    gen.logging = px_buf_cstr(&logging);
    PX_TRY(px_gen_python(&gen, out));
done:
    px_buf_fini(&logging);
    return st;
}

/* The words of the command line without those that asked for a script. Every spelling and
 * abbreviation of the two options begins with --gen, and no other option does. */
static pgy_status *write_c(const px_run_args *args, px_buf *out)
{
    pgy_status *st = NULL;
    const char **words = NULL;
    size_t n = 0;
    PX_TRY(PX_ALLOC(words, args->n_words + 1));
    for (size_t i = 0; i < args->n_words; i++) {
        if (!px_str_starts(px_str_of(args->words[i]), "--gen"))
            words[n++] = args->words[i];
        else if (strchr(args->words[i], '=') == NULL)
            i++;
    }
    PX_TRY(px_gen_c(args->command, args->cli.gen_script.value, words, n, out));
done:
    px_mem_free(words);
    return st;
}

pgy_status *px_gen_script_write(pgy_context *cx, const px_run_args *args)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    const char *path = args->cli.gen_script.value;
    const bool is_c = strcmp(px_path_ext(path), ".c") == 0;
    const bool is_stdout = strcmp(path, "-") == 0;
    PX_TRY(is_c ? write_c(args, &text) : write_python(args, &text));
    if (!is_stdout)
        px_log(cx, PGY_LOG_INFO, PX_AT_ARGS, "Writing script to: %s", path);
    PX_TRY(px_file_write(is_stdout ? "/dev/stdout" : path, text.ptr, text.len));
    if (!is_stdout && !is_c && chmod(path, 0755) != 0)
        PX_TRY(PX_FAIL(PGY_ERR_IO, "--gen-script %s: cannot be made executable.", path));
done:
    px_buf_fini(&text);
    return st;
}
