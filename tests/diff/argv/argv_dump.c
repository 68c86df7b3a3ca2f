/* argv_dump.c - parses command lines from standard input and prints what they mean as JSON.
 *
 * Input: '>' and words separated by tabs, one command line per line (without "polygraphy run").
 * Output: one JSON object per line: kind, the error's or unknown words' text, and for each option
 * given its words as they would be written again.
 */
#include "cli/argparse.h"
#include "cli/groups.h"
#include "data/json.h"

#include <stdio.h>

enum { MAX_WORDS = 256 };

static bool is_given(const px_opt *row, const void *field)
{
    const unsigned char *bytes = field;
    for (size_t i = 0; i < row->size; i++) {
        if (bytes[i])
            return true;
    }
    return false;
}

static void row_put(px_buf *out, const px_opt *row, const void *field)
{
    px_buf words = {0};
    px_buf_putc(out, out->ptr[out->len - 1] == '{' ? ' ' : ',');
    px_json_put_string(out, px_opt_name(row));
    px_buf_putc(out, ':');
    if (row->type == &px_type_count) {
        px_buf_printf(out, "%d", ((const px_opt_count *)field)->n);
    } else {
        row->type->print(field, &words);
        px_json_put_string(out, px_buf_str(&words));
    }
    px_buf_fini(&words);
}

static void values_put(px_buf *out, const px_run_args *args)
{
    px_buf_puts(out, ",\"values\":{");
    for (size_t g = 0; g < px_n_run_groups; g++) {
        for (size_t r = 0; r < px_run_groups[g].section->n; r++) {
            const px_opt *row = &px_run_groups[g].section->rows[r];
            const char *field = (const char *)args + px_run_groups[g].offset + row->offset;
            if (row->type != &px_type_append_name && is_given(row, field))
                row_put(out, row, field);
        }
    }
    px_buf_puts(out, "},\"runners\":[");
    for (size_t i = 0; i < args->cli.runners.n; i++)
        px_buf_printf(out, "%s\"%s\"", i ? "," : "", args->cli.runners.at[i]);
    px_buf_puts(out, "]");
}

static void dump(px_buf *out, char *line)
{
    static const char *const kinds[] = {"ok", "help", "version", "error", "unknown"};
    const char *words[MAX_WORDS];
    size_t n = 0;
    px_run_args args = {0};
    px_parse_result result = {0};
    for (char *c = line + 1; c && n < MAX_WORDS;) {
        char *end = strchr(c, '\t');
        words[n++] = c;
        if (end)
            *end++ = '\0';
        c = end;
    }
    pgy_status *st =
        px_argparse(&args.arena, px_run_groups, px_n_run_groups, words, n, &args, &result);
    if (st) {
        fprintf(stderr, "%s\n", pgy_status_message(st));
        exit(1);
    }
    px_buf_printf(out, "{\"kind\":\"%s\",\"text\":", kinds[result.kind]);
    px_json_put_string(out, px_str_of(result.text ? result.text : ""));
    px_buf_puts(out, ",\"late\":[");
    for (size_t i = 0; i < result.n_late; i++) {
        px_buf_puts(out, i ? "," : "");
        px_json_put_string(out, px_opt_name(result.late[i].row));
    }
    px_buf_puts(out, "]");
    values_put(out, &args);
    px_buf_puts(out, "}");
    px_run_args_fini(&args);
}

int main(void)
{
    static char line[65536];
    while (fgets(line, sizeof line, stdin)) {
        px_buf out = {0};
        line[strcspn(line, "\n")] = '\0';
        dump(&out, line);
        puts(px_buf_cstr(&out));
        px_buf_fini(&out);
    }
    return 0;
}
