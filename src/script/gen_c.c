/* script/gen_c.c - a command line as a C program. */
#include "script/gen.h"

/* A C string literal. Bytes outside printable ASCII become octal escapes, `?` too (trigraphs). */
static void put_literal(px_buf *out, const char *text)
{
    px_buf_putc(out, '"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            px_buf_printf(out, "\\%c", *c);
        else if (*c < ' ' || *c > '~' || *c == '?')
            px_buf_printf(out, "\\%03o", *c);
        else
            px_buf_putc(out, (char)*c);
    }
    px_buf_putc(out, '"');
}

/* Text that cannot end a comment. */
static void put_comment(px_buf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        px_buf_putc(out, *c == '\n' || *c == '\r' ? ' ' : *c);
        if (c[0] == '*' && c[1] == '/')
            px_buf_putc(out, ' ');
    }
}

pgy_status *px_gen_c(const char *command, const char *const *words, size_t n, px_buf *out)
{
    px_buf_puts(out, "/* ");
    put_comment(out, command);
    px_buf_printf(out,
                  "\n *\n * Written by polygraphy %s. Save as run.c, then:\n"
                  " *     cc run.c $(pkg-config --cflags --libs polygraphy) -o run && ./run\n"
                  " */\n#include <polygraphy/polygraphy.h>\n\nint main(void)\n{\n"
                  "    /* One option a line. */\n"
                  "    static const char *const words[] = {\n"
                  "        \"polygraphy\", \"run\"",
                  PX_VERSION);
    for (size_t i = 0; i < n; i++) {
        px_buf_puts(out, i == 0 || words[i][0] == '-' ? ",\n        " : ", ");
        put_literal(out, words[i]);
    }
    px_buf_puts(out, ",\n    };\n"
                     "    return pgy_command((int)(sizeof words / sizeof *words), words);\n}\n");
    return px_buf_status(out);
}
