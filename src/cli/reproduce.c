/* cli/reproduce.c - see the header. */
#include "cli/reproduce.h"

#include "base/file.h"
#include "cli/groups.h"
#include "report/extract.h"

/* A file is named so that it is found from any folder. */
static void put_word(px_buf *b, px_str word)
{
    char *text = px_mem_strndup(word.ptr, word.len);
    char *absolute = text && px_path_exists(text) ? px_path_absolute(text) : NULL;
    px_buf_putc(b, ' ');
    px_buf_put_shell(b, absolute ? px_str_of(absolute) : word);
    px_mem_free(absolute);
    px_mem_free(text);
}

/* What must not be given again: inputs, results and files of the run that was. */
static bool is_left_out(const px_opt *row)
{
    static const char *const names[] = {"--validate",      "--fail-fast",
                                        "--check-average", "--sequential-runners",
                                        "--load-outputs",  "--save-accuracy-results",
                                        "--postprocess",   "--postprocess-func-script"};
    for (size_t i = 0; i < PX_COUNTOF(names); i++)
        if (px_str_is(px_opt_name(row), names[i]))
            return true;
    return false;
}

static void put_section(px_buf *b, const px_opt_section *section, const void *values)
{
    px_buf words = {0};
    for (size_t i = 0; i < section->n; i++) {
        const px_opt *row = &section->rows[i];
        const void *field = (const char *)values + row->offset;
        const px_str name = px_opt_name(row);
        if (!*(const bool *)field || is_left_out(row)) /* every type here begins with `given` */
            continue;
        px_buf_puts(b, " \\\n   ");
        px_buf_printf(b, " %.*s", PX_STR_ARG(name));
        words.len = 0;
        row->type->print(field, &words);
        for (size_t at = 0; at < words.len;) {
            const char *end = memchr(words.ptr + at, '\n', words.len - at);
            const size_t len = end ? (size_t)(end - words.ptr) - at : words.len - at;
            put_word(b, (px_str){words.ptr + at, len});
            at += len + 1;
        }
    }
    b->failed |= words.failed;
    px_buf_fini(&words);
}

void px_reproduce_print(px_buf *b, const px_run_args *args, const char *backend, const char *about)
{
    const px_opt_section *const comparison[] = {
        &px_compare_comparisons, &px_compare_simple, &px_compare_simple_more,
        &px_compare_indices,     &px_compare_l2,     &px_compare_cosine,
        &px_compare_psnr,        &px_compare_snr,    &px_compare_perceptual,
    };
    px_buf_puts(b, "#!/bin/sh\n# ");
    for (const char *p = about; *p; p++)
        px_buf_puts(b, *p == '\n' ? "\n# " : (char[]){*p, 0});
    px_buf_puts(b, "\ndir=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd) || exit\n"
                   "exec \"${POLYGRAPHY:-polygraphy}\" run \"$dir/" PX_EXTRACT_MODEL "\" --");
    px_buf_puts(b, backend);
    px_buf_puts(b, " \\\n    --load-inputs \"$dir/" PX_EXTRACT_INPUTS
                   "\" --load-outputs \"$dir/" PX_EXTRACT_EXPECTED "\"");
    if (strcmp(backend, "onnxrt") == 0)
        put_section(b, &px_onnxrt_group, &args->onnxrt);
    if (strcmp(backend, "pluginref") == 0)
        put_section(b, &px_ref_group, &args->ref);
    for (size_t i = 0; i < PX_COUNTOF(comparison); i++)
        put_section(b, comparison[i], &args->compare);
    px_buf_puts(b, " \"$@\"\n");
}
