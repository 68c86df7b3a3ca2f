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

/* "cc run.c ... -o run && ./run", to be given where the file lies. */
static void put_compile_command(px_buf *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    const px_str file = px_str_of(slash != NULL ? slash + 1 : path);
    const px_str program = {file.ptr, file.len - strlen(".c")};
    px_buf text = {0};
    px_buf_puts(&text, "cc ./");
    px_buf_put_shell(&text, file);
    px_buf_puts(&text, " $(pkg-config --cflags --libs polygraphy) -o ./");
    px_buf_put_shell(&text, program);
    px_buf_puts(&text, " && ./");
    px_buf_put_shell(&text, program);
    put_comment(out, px_buf_cstr(&text));
    px_buf_fini(&text);
}

pgy_status *px_gen_c(const char *command, const char *path, const char *const *words, size_t n,
                     px_buf *out)
{
    px_buf_puts(out, "/* ");
    put_comment(out, command);
    px_buf_printf(out, "\n *\n * Written by polygraphy %s. To compile and run:\n *     ",
                  PX_VERSION);
    put_compile_command(out, path);
    px_buf_puts(out, "\n */\n#include <polygraphy/polygraphy.h>\n\nint main(void)\n{\n"
                     "    /* One option a line. */\n"
                     "    static const char *const words[] = {\n"
                     "        \"polygraphy\", \"run\"");
    for (size_t i = 0; i < n; i++) {
        px_buf_puts(out, i == 0 || words[i][0] == '-' ? ",\n        " : ", ");
        put_literal(out, words[i]);
    }
    px_buf_puts(out, ",\n    };\n"
                     "    return pgy_command((int)(sizeof words / sizeof *words), words);\n}\n");
    return px_buf_status(out);
}
