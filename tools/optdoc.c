/* tools/optdoc.c - writes everything that documents the options, from the option rows alone:
 * options.md, options.json, the manual page, and completions for bash, zsh and fish.
 *
 *     optdoc FOLDER            writes the files
 *     optdoc --check FOLDER    fails if one of them differs from what would be written
 */
#include "base/file.h"
#include "cli/groups.h"
#include "cli/help.h"
#include "data/json.h"

#include <stdio.h>

/* Calls `fn` for each option of the table, in the order of the help. */
typedef void (*row_fn)(px_buf *out, const px_opt *row);
typedef void (*title_fn)(px_buf *out, const px_opt_section *section);

static bool is_first_of_title(size_t g)
{
    for (size_t i = 0; i < g; i++) {
        if (strcmp(px_run_groups[i].section->title, px_run_groups[g].section->title) == 0)
            return false;
    }
    return true;
}

static void for_each(px_buf *out, title_fn title, row_fn fn)
{
    for (size_t g = 0; g < px_n_run_groups; g++) {
        const px_opt_section *first = px_run_groups[g].section;
        if (!is_first_of_title(g))
            continue;
        if (title)
            title(out, first);
        for (size_t k = g; k < px_n_run_groups; k++) {
            const px_opt_section *section = px_run_groups[k].section;
            for (size_t r = 0; r < section->n && strcmp(section->title, first->title) == 0; r++)
                fn(out, &section->rows[r]);
        }
    }
}

static bool is_positional(const px_opt *row)
{
    return row->names[0] != '-';
}

static void choices_put(px_buf *out, const px_opt *row, const char *separator)
{
    for (const char *const *c = row->choices; *c; c++)
        px_buf_printf(out, "%s%s", c == row->choices ? "" : separator, *c);
}

/* --- options.md --- */

static void md_title(px_buf *out, const px_opt_section *section)
{
    px_buf_printf(out, "\n## %s\n", section->title);
    if (section->about)
        px_buf_printf(out, "\n%s\n", section->about);
}

static void md_row(px_buf *out, const px_opt *row)
{
    px_buf line = {0};
    size_t pos = 0;
    px_str name;
    px_buf_puts(out, "\n- ");
    while (px_opt_next_name(row, &pos, &name))
        px_buf_printf(out, "%s**`%.*s`**", pos > name.len + 1 ? ", " : "", PX_STR_ARG(name));
    if (row->nargs != PX_NARGS_NONE && !is_positional(row)) {
        px_buf_puts(out, " `");
        px_help_operands(out, row);
        px_buf_putc(out, '`');
    }
    px_buf_puts(out, "\n  ");
    px_buf_puts(&line, row->flags & PX_OPT_DEPRECATED ? "Deprecated. " : "");
    px_buf_puts(&line, row->help);
    if (row->more)
        px_buf_printf(&line, " %s", row->more);
    if (row->choices) {
        px_buf_puts(&line, " One of `");
        choices_put(&line, row, "`, `");
        px_buf_puts(&line, "`.");
    }
    if (row->flags & PX_OPT_NEWER)
        px_buf_puts(&line, " Not in version 0.49.26 of the reference.");
    if (row->flags & PX_OPT_OURS)
        px_buf_puts(&line, " Not in the reference.");
    if (row->example)
        px_buf_printf(&line, " Example: `%s`", row->example);
    px_help_wrap(out, px_buf_cstr(&line), 2, 2, 100);
    px_buf_putc(out, '\n');
    out->failed |= line.failed;
    px_buf_fini(&line);
}

static void md_write(px_buf *out)
{
    px_buf_puts(out, "# Options of `polygraphy run`\n\n"
                     "Written by `tools/optdoc.c` from the option table; do not edit. `NAME [NAME "
                     "...]` takes one or more\nwords, up to the next option; `--` ends the "
                     "options. An option may be shortened as long as the\nbeginning is its "
                     "alone.\n");
    for_each(out, md_title, md_row);
}

/* --- options.json --- */

static void json_text(px_buf *out, const char *key, const char *text)
{
    px_buf_printf(out, ",\n  \"%s\": ", key);
    if (text)
        px_json_put_string(out, px_str_of(text));
    else
        px_buf_puts(out, "null");
}

static void json_row(px_buf *out, const px_opt *row, const char *group)
{
    static const char *const arity[] = {"none", "one", "optional", "one or more", "zero or more"};
    size_t pos = 0;
    px_str name;
    px_buf_puts(out, out->len > 2 ? ",\n {\"names\": [" : " {\"names\": [");
    while (px_opt_next_name(row, &pos, &name)) {
        px_buf_puts(out, pos > name.len + 1 ? ", " : "");
        px_json_put_string(out, name);
    }
    px_buf_putc(out, ']');
    json_text(out, "group", group);
    json_text(out, "arity", arity[row->nargs]);
    json_text(out, "metavar", row->metavar);
    json_text(out, "type", row->type->name);
    px_buf_puts(out, ",\n  \"choices\": ");
    if (row->choices) {
        px_buf_puts(out, "[\"");
        choices_put(out, row, "\", \"");
        px_buf_puts(out, "\"]");
    } else {
        px_buf_puts(out, "null");
    }
    json_text(out, "only_one_of", row->only_one_of);
    px_buf_printf(out, ",\n  \"repeatable\": %s",
                  row->flags & PX_OPT_REPEATABLE ? "true" : "false");
    px_buf_printf(out, ",\n  \"deprecated\": %s",
                  row->flags & PX_OPT_DEPRECATED ? "true" : "false");
    json_text(out, "origin",
              row->flags & PX_OPT_OURS    ? "ours"
              : row->flags & PX_OPT_NEWER ? "0.53.6"
                                          : "0.49.26");
    json_text(out, "help", row->help);
    json_text(out, "more", row->more);
    json_text(out, "example", row->example);
    px_buf_putc(out, '}');
}

static void json_write(px_buf *out)
{
    px_buf_puts(out, "[\n");
    for (size_t g = 0; g < px_n_run_groups; g++) {
        const px_opt_section *section = px_run_groups[g].section;
        for (size_t r = 0; r < section->n; r++)
            json_row(out, &section->rows[r], section->title);
    }
    px_buf_puts(out, "\n]\n");
}

/* --- polygraphy-run.1 --- */

/* Text safe in roff: escapes, and nothing that looks like a request at the start of a line. */
static void roff_text(px_buf *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        px_buf_puts(out, "\\&");
    for (const char *c = text; *c; c++) {
        if (*c == '\\')
            px_buf_puts(out, "\\e");
        else if (*c == '-')
            px_buf_puts(out, "\\-");
        else
            px_buf_putc(out, *c);
    }
}

static void roff_title(px_buf *out, const px_opt_section *section)
{
    px_buf_puts(out, ".SS \"");
    roff_text(out, section->title);
    px_buf_puts(out, "\"\n");
    if (section->about) {
        roff_text(out, section->about);
        px_buf_putc(out, '\n');
    }
}

static void roff_row(px_buf *out, const px_opt *row)
{
    px_buf part = {0};
    size_t pos = 0;
    px_str name;
    px_buf_puts(out, ".TP\n");
    while (px_opt_next_name(row, &pos, &name)) {
        px_buf_puts(out, pos > name.len + 1 ? ", \\fB" : "\\fB");
        part.len = 0;
        px_buf_putstr(&part, name);
        roff_text(out, px_buf_cstr(&part));
        px_buf_puts(out, "\\fR");
    }
    part.len = 0;
    if (!is_positional(row))
        px_help_operands(&part, row);
    if (part.len > 0) {
        px_buf_puts(out, " \\fI");
        roff_text(out, px_buf_cstr(&part));
        px_buf_puts(out, "\\fR");
    }
    px_buf_putc(out, '\n');
    if (row->flags & PX_OPT_DEPRECATED)
        px_buf_puts(out, "Deprecated.\n");
    roff_text(out, row->help);
    px_buf_putc(out, '\n');
    if (row->more) {
        roff_text(out, row->more);
        px_buf_putc(out, '\n');
    }
    if (row->choices) {
        part.len = 0;
        choices_put(&part, row, ", ");
        px_buf_puts(out, "One of: ");
        roff_text(out, px_buf_cstr(&part));
        px_buf_puts(out, ".\n");
    }
    if (row->example) {
        px_buf_puts(out, "Example:\n.B ");
        roff_text(out, row->example);
        px_buf_putc(out, '\n');
    }
    out->failed |= part.failed;
    px_buf_fini(&part);
}

static void man_write(px_buf *out)
{
    px_buf_puts(
        out,
        ".\\\" Written by tools/optdoc from the option table; do not edit.\n"
        ".TH POLYGRAPHY-RUN 1\n"
        ".SH NAME\n"
        "polygraphy\\-run \\- run a model on several runtimes and compare the outputs\n"
        ".SH SYNOPSIS\n"
        ".B polygraphy run\n"
        ".RI [ OPTION \" ...] [\" MODEL ]\n"
        ".SH DESCRIPTION\n"
        "Runs the model with every selected runner on the same inputs and compares the outputs of\n"
        "neighbouring runners, and of results loaded from files.\n"
        ".SH OPTIONS\n"
        "An option that takes several words takes all words up to the next option; \\-\\- ends "
        "the\n"
        "options.\n"
        "An option may be shortened as long as the beginning is its alone.\n");
    for_each(out, roff_title, roff_row);
    px_buf_puts(out, ".SH EXIT STATUS\n"
                     "0 if all outputs agree, 1 if outputs differ or something failed or an option "
                     "is unknown, 2 if the\ncommand line is wrong.\n"
                     ".SH ENVIRONMENT\n"
                     ".TP\n.B POLYGRAPHY_ONNXRT_LIB, POLYGRAPHY_TF_LIB, POLYGRAPHY_TRT_LIB\n"
                     "Path of the runtime's library, used before any other.\n"
                     ".TP\n.B NO_COLOR, FORCE_COLOR\n"
                     "Colours of messages off or on.\n");
}

/* --- completions --- */

static void names_put(px_buf *out, const px_opt *row, const char *separator)
{
    size_t pos = 0;
    px_str name;
    while (px_opt_next_name(row, &pos, &name)) {
        if (pos > name.len + 1)
            px_buf_puts(out, separator);
        px_buf_putstr(out, name);
    }
}

static void bash_name(px_buf *out, const px_opt *row)
{
    if (!is_positional(row)) {
        px_buf_putc(out, ' ');
        names_put(out, row, " ");
    }
}

static void bash_case(px_buf *out, const px_opt *row)
{
    if (is_positional(row) || row->nargs == PX_NARGS_NONE)
        return;
    px_buf_puts(out, "    ");
    names_put(out, row, "|");
    px_buf_puts(out, ") ");
    px_buf_puts(out, row->nargs == PX_NARGS_1 || row->nargs == PX_NARGS_OPT ? "most=1; " : "");
    if (row->choices) {
        px_buf_puts(out, "kind=words words='");
        choices_put(out, row, " ");
        px_buf_puts(out, "'");
    } else {
        px_buf_puts(out, row->type->complete == PX_COMPLETE_DIR    ? "kind=folders"
                         : row->type->complete == PX_COMPLETE_FILE ? "kind=files"
                                                                   : "kind=none");
    }
    px_buf_puts(out, " ;;\n");
}

static void bash_write(px_buf *out)
{
    px_buf_puts(out,
                "# bash completion of polygraphy. Written by tools/optdoc; do not edit.\n"
                "_polygraphy()\n"
                "{\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} option= i most=1000 kind=files words=\n"
                "    COMPREPLY=()\n"
                "    if ((COMP_CWORD == 1)); then\n"
                "        COMPREPLY=($(compgen -W 'run backends --help --version' -- \"$cur\"))\n"
                "        return\n"
                "    fi\n"
                "    [[ ${COMP_WORDS[1]} == run ]] || return\n"
                "    if [[ $cur == -* ]]; then\n"
                "        COMPREPLY=($(compgen -W '");
    for_each(out, NULL, bash_name);
    px_buf_puts(out, "' -- \"$cur\"))\n"
                     "        return\n"
                     "    fi\n"
                     "    for ((i = COMP_CWORD - 1; i > 1; i--)); do\n"
                     "        if [[ ${COMP_WORDS[i]} == -* ]]; then\n"
                     "            option=${COMP_WORDS[i]}\n"
                     "            break\n"
                     "        fi\n"
                     "    done\n"
                     "    case $option in\n");
    for_each(out, NULL, bash_case);
    px_buf_puts(out, "    *) ;;\n"
                     "    esac\n"
                     "    # The option has its word already: the next one is the model.\n"
                     "    ((COMP_CWORD - i > most)) && kind=files\n"
                     "    case $kind in\n"
                     "    words) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
                     "    folders) COMPREPLY=($(compgen -d -- \"$cur\")) ;;\n"
                     "    files) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
                     "    esac\n"
                     "}\n"
                     "complete -o filenames -F _polygraphy polygraphy\n");
}

/* Text inside single quotes and an _arguments specification. */
static void zsh_text(px_buf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            px_buf_puts(out, "'\\''");
        else if (strchr("[]:\\", *c))
            px_buf_printf(out, "\\%c", *c);
        else
            px_buf_putc(out, *c);
    }
}

static void zsh_row(px_buf *out, const px_opt *row)
{
    if (is_positional(row))
        return;
    size_t pos = 0;
    px_str name;
    while (px_opt_next_name(row, &pos, &name)) {
        bool is_many = row->nargs == PX_NARGS_SOME || row->nargs == PX_NARGS_ANY;
        px_buf_printf(out, "        '*%.*s[", PX_STR_ARG(name));
        zsh_text(out, row->help);
        px_buf_putc(out, ']');
        if (row->nargs != PX_NARGS_NONE) {
            px_buf_puts(out, is_many ? ":*-*:" : row->nargs == PX_NARGS_OPT ? "::" : ":");
            zsh_text(out, row->metavar);
            px_buf_putc(out, ':');
            if (row->choices) {
                px_buf_putc(out, '(');
                choices_put(out, row, " ");
                px_buf_putc(out, ')');
            } else {
                px_buf_puts(out, row->type->complete == PX_COMPLETE_DIR    ? "_files -/"
                                 : row->type->complete == PX_COMPLETE_FILE ? "_files"
                                                                           : " ");
            }
        }
        px_buf_puts(out, "' \\\n");
    }
}

static void zsh_write(px_buf *out)
{
    px_buf_puts(out, "#compdef polygraphy\n"
                     "# zsh completion of polygraphy. Written by tools/optdoc; do not edit.\n"
                     "if ((CURRENT == 2)); then\n"
                     "    _values command 'run[run a model and compare]' "
                     "'backends[show the runtimes]'\n"
                     "    return\n"
                     "fi\n"
                     "if [[ $words[2] == run ]]; then\n"
                     "    shift words\n"
                     "    ((CURRENT--))\n"
                     "    _arguments \\\n");
    for_each(out, NULL, zsh_row);
    px_buf_puts(out, "        '::model:_files'\n"
                     "fi\n");
}

static void fish_row(px_buf *out, const px_opt *row)
{
    if (is_positional(row))
        return;
    size_t pos = 0;
    px_str name;
    px_buf_puts(out, "complete -c polygraphy -n '__fish_seen_subcommand_from run'");
    while (px_opt_next_name(row, &pos, &name)) {
        if (name.len == 2)
            px_buf_printf(out, " -s %c", name.ptr[1]);
        else
            px_buf_printf(out, " -l %.*s", (int)name.len - 2, name.ptr + 2);
    }
    if (row->choices) {
        px_buf_puts(out, " -xa '");
        choices_put(out, row, " ");
        px_buf_putc(out, '\'');
    } else if (row->nargs != PX_NARGS_NONE) {
        px_buf_puts(out, row->type->complete == PX_COMPLETE_DIR
                             ? " -xa '(__fish_complete_directories)'"
                         : row->type->complete == PX_COMPLETE_FILE ? " -rF"
                                                                   : " -x");
    }
    px_buf_puts(out, " -d '");
    for (const char *c = row->help; *c; c++)
        px_buf_printf(out, *c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
    px_buf_puts(out, "'\n");
}

static void fish_write(px_buf *out)
{
    px_buf_puts(out, "# fish completion of polygraphy. Written by tools/optdoc; do not edit.\n"
                     "complete -c polygraphy -n __fish_use_subcommand -fa 'run backends'\n"
                     "complete -c polygraphy -n __fish_use_subcommand -s h -l help\n"
                     "complete -c polygraphy -n __fish_use_subcommand -s v -l version\n");
    for_each(out, NULL, fish_row);
}

/* --- the files --- */

static const struct {
    const char *name;
    void (*write)(px_buf *out);
} files[] = {
    {"options.md", md_write},
    {"options.json", json_write},
    {"polygraphy-run.1", man_write},
    {"completions/polygraphy.bash", bash_write},
    {"completions/_polygraphy", zsh_write},
    {"completions/polygraphy.fish", fish_write},
};

static pgy_status *check(const char *path, const px_buf *want)
{
    px_file file = {0};
    pgy_status *st = px_file_map(path, &file);
    if (!st && (file.size != want->len || memcmp(file.data, want->ptr, file.size) != 0))
        st = PX_FAIL(PGY_ERR_IO, "%s does not match the option table. Run optdoc on its folder.",
                     path);
    px_file_unmap(&file);
    return st;
}

static pgy_status *handle(const char *folder, size_t i, bool is_check)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    char *path = px_path_join(folder, files[i].name);
    if (!path)
        PX_TRY(px_status_nomem());
    files[i].write(&text);
    PX_TRY(px_buf_status(&text));
    PX_TRY(is_check ? check(path, &text) : px_file_write(path, text.ptr, text.len));
done:
    px_buf_fini(&text);
    px_mem_free(path);
    return st;
}

int main(int argc, char **argv)
{
    bool is_check = argc == 3 && strcmp(argv[1], "--check") == 0;
    int rc = 0;
    if (argc != 2 && !is_check) {
        fputs("usage: optdoc [--check] FOLDER\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < PX_COUNTOF(files); i++) {
        pgy_status *st = handle(argv[argc - 1], i, is_check);
        if (st) {
            fprintf(stderr, "optdoc: %s\n", pgy_status_message(st));
            rc = 1;
        }
        pgy_status_free(st);
    }
    return rc;
}
