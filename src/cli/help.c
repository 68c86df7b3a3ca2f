/* cli/help.c - usage and help texts. */
#include "cli/help.h"
#include "cli/groups.h"

#define WIDTH 79
#define HELP_COLUMN 24

static const char *metavar(const px_opt *row)
{
    return row->metavar ? row->metavar : "VALUE";
}

void px_help_operands(px_buf *out, const px_opt *row)
{
    const char *name = metavar(row);
    switch (row->nargs) {
    case PX_NARGS_NONE:
        break;
    case PX_NARGS_1:
        px_buf_puts(out, name);
        break;
    case PX_NARGS_OPT:
        px_buf_printf(out, "[%s]", name);
        break;
    case PX_NARGS_SOME:
        if (strlen(name) > 10)
            px_buf_printf(out, "%s [...]", name);
        else
            px_buf_printf(out, "%s [%s ...]", name, name);
        break;
    case PX_NARGS_ANY:
        px_buf_printf(out, "[%s ...]", name);
        break;
    }
}

void px_help_wrap(px_buf *out, const char *text, size_t column, size_t indent, size_t width)
{
    bool is_first = true;
    while (*text) {
        size_t len = strcspn(text, " ");
        if (!is_first && column + 1 + len > width) {
            px_buf_putc(out, '\n');
            px_buf_pad(out, ' ', indent);
            column = indent;
        } else if (!is_first) {
            px_buf_putc(out, ' ');
            column++;
        }
        px_buf_put(out, text, len);
        column += len;
        is_first = false;
        text += len;
        while (*text == ' ')
            text++;
    }
}

/* One piece of the usage, which stays on one line if a line can hold it. */
static void usage_piece(px_buf *out, px_buf *piece, size_t indent, size_t *column)
{
    if (*column + 1 + piece->len > WIDTH && *column > indent) {
        px_buf_putc(out, '\n');
        px_buf_pad(out, ' ', indent);
        *column = indent;
    } else {
        px_buf_putc(out, ' ');
        ++*column;
    }
    px_help_wrap(out, px_buf_cstr(piece), *column, indent, WIDTH);
    *column += piece->len;
    out->failed |= piece->failed;
    piece->len = 0;
}

static void option_put(px_buf *b, const px_opt *row)
{
    px_buf_putstr(b, px_opt_name(row));
    if (row->nargs != PX_NARGS_NONE)
        px_buf_putc(b, ' ');
    px_help_operands(b, row);
}

void px_help_usage(px_buf *out, const char *program, const px_opt_group *groups, size_t n_groups)
{
    px_buf piece = {0};
    const px_opt *positional = NULL;
    size_t indent = strlen("usage: ") + strlen(program) + 1;
    size_t column = indent - 1;
    px_buf_printf(out, "usage: %s", program);
    for (size_t g = 0; g < n_groups; g++) {
        const px_opt_section *section = groups[g].section;
        for (size_t r = 0; r < section->n; r++) {
            const px_opt *row = &section->rows[r];
            if (row->names[0] != '-') {
                positional = row;
                continue;
            }
            px_buf_putc(&piece, '[');
            option_put(&piece, row);
            while (row->only_one_of && r + 1 < section->n && section->rows[r + 1].only_one_of &&
                   strcmp(section->rows[r + 1].only_one_of, row->only_one_of) == 0) {
                px_buf_puts(&piece, " | ");
                option_put(&piece, &section->rows[++r]);
            }
            px_buf_putc(&piece, ']');
            usage_piece(out, &piece, indent, &column);
        }
    }
    if (positional) {
        px_buf_printf(&piece, "[%s]", positional->names);
        usage_piece(out, &piece, indent, &column);
    }
    px_buf_putc(out, '\n');
    px_buf_fini(&piece);
}

/* The text column of one option, all of it. */
static void option_text(px_buf *b, const px_opt *row)
{
    if (row->flags & PX_OPT_DEPRECATED)
        px_buf_puts(b, "[deprecated] ");
    px_buf_puts(b, row->help);
    if (row->choices) {
        px_buf_puts(b, " One of: ");
        for (const char *const *c = row->choices; *c; c++)
            px_buf_printf(b, "%s%s", c == row->choices ? "" : ", ", *c);
        px_buf_putc(b, '.');
    }
    if (row->example)
        px_buf_printf(b, " Example: %s", row->example);
}

static void option_help(px_buf *out, const px_opt *row)
{
    px_buf text = {0};
    size_t begin = out->len;
    size_t pos = 0;
    px_str name;
    px_buf_puts(out, "  ");
    while (px_opt_next_name(row, &pos, &name)) {
        if (out->len > begin + 2)
            px_buf_puts(out, ", ");
        px_buf_putstr(out, name);
    }
    if (row->names[0] == '-' && row->nargs != PX_NARGS_NONE) {
        px_buf_putc(out, ' ');
        px_help_operands(out, row);
    }
    size_t column = out->len - begin;
    if (column + 2 > HELP_COLUMN) {
        px_buf_putc(out, '\n');
        column = 0;
    }
    px_buf_pad(out, ' ', HELP_COLUMN - column);
    option_text(&text, row);
    px_help_wrap(out, px_buf_cstr(&text), HELP_COLUMN, HELP_COLUMN, WIDTH);
    px_buf_putc(out, '\n');
    out->failed |= text.failed;
    px_buf_fini(&text);
}

/* True when an earlier group has the same heading: it was shown there. */
static bool is_shown(const px_opt_group *groups, size_t g)
{
    for (size_t i = 0; i < g; i++) {
        if (strcmp(groups[i].section->title, groups[g].section->title) == 0)
            return true;
    }
    return false;
}

static void sections_help(px_buf *out, const px_opt_group *groups, size_t n_groups)
{
    for (size_t g = 0; g < n_groups; g++) {
        const px_opt_section *first = groups[g].section;
        if (is_shown(groups, g))
            continue;
        px_buf_printf(out, "\n%s:\n", first->title);
        if (first->about) {
            px_buf_puts(out, "  ");
            px_help_wrap(out, first->about, 2, 2, WIDTH);
            px_buf_puts(out, "\n\n");
        }
        for (size_t k = g; k < n_groups; k++) {
            const px_opt_section *section = groups[k].section;
            if (strcmp(section->title, first->title) != 0)
                continue;
            for (size_t r = 0; r < section->n; r++)
                option_help(out, &section->rows[r]);
        }
    }
}

void px_help_run(px_buf *out)
{
    px_help_usage(out, "polygraphy run", px_run_groups, px_n_run_groups);
    px_buf_putc(out, '\n');
    px_help_wrap(out,
                 "Run a model with one or more runners on the same inputs and compare what comes "
                 "out. The exit code is 0 if the outputs agree, 1 if they differ or something "
                 "failed, 2 if the command line is wrong.",
                 0, 0, WIDTH);
    px_buf_puts(out, "\n\nexamples:\n"
                     "  polygraphy run model.onnx --onnxrt --pluginref\n"
                     "  polygraphy run model.onnx --onnxrt --input-shapes x:[1,3,224,224] \\\n"
                     "      --save-inputs inputs.json --save-outputs outputs.json\n"
                     "  polygraphy run model.onnx --pluginref --load-inputs inputs.json \\\n"
                     "      --load-outputs outputs.json --atol 1e-4\n");
    sections_help(out, px_run_groups, px_n_run_groups);
}

void px_help_program_usage(px_buf *out)
{
    px_buf_puts(out, "usage: polygraphy [-h] [-v] {run,backends} ...\n");
}

void px_help_program(px_buf *out)
{
    px_help_program_usage(out);
    px_buf_puts(out, "\n"
                     "Compares neural network inference across runtimes.\n"
                     "\n"
                     "options:\n"
                     "  -h, --help            Show this text and end.\n"
                     "  -v, --version         Show the version and end.\n"
                     "\n"
                     "commands:\n"
                     "  run                   Run a model with several runners and compare the\n"
                     "                        outputs.\n"
                     "  backends              Show which inference runtimes there are, and how to\n"
                     "                        get those that are missing.\n"
                     "\n"
                     "`polygraphy COMMAND --help` describes a command.\n");
}

void px_help_backends(px_buf *out)
{
    px_buf_puts(out, "usage: polygraphy backends [-h]\n"
                     "\n"
                     "Shows for each runtime where it was found, its version and its devices, or\n"
                     "what is missing and how to get it.\n"
                     "\n"
                     "options:\n"
                     "  -h, --help            Show this text and end.\n"
                     "\n"
                     "environment:\n"
                     "  POLYGRAPHY_ONNXRT_LIB, POLYGRAPHY_TF_LIB, POLYGRAPHY_TRT_LIB\n"
                     "                        Path of the runtime's library, which is then used\n"
                     "                        before any other.\n");
}

void px_help_version(px_buf *out, const char *path)
{
    px_buf_printf(out, "Polygraphy | Version: %s | Path: [", PX_VERSION);
    px_buf_repr(out, px_str_of(path));
    px_buf_puts(out, "]\n");
}
