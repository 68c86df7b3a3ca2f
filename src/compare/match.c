/* compare/match.c - which output goes with which, and options by output name. */
#include "base/fmt.h"
#include "base/log.h"
#include "compare/func.h"

static size_t find_exact(const px_iteration *it, const char *name)
{
    size_t i = 0;
    while (i < it->n_outputs && strcmp(it->outputs[i].name, name) != 0)
        i++;
    return i;
}

bool px_match_output(pgy_context *cx, const px_iteration *a, size_t i, const px_iteration *b,
                     const char *runner1, size_t *out)
{
    const char *name = a->outputs[i].name;
    size_t j = find_exact(b, name);
    if (j == b->n_outputs)
        for (j = 0; j < b->n_outputs; j++)
            if (px_str_overlap_nocase(px_str_of(b->outputs[j].name), px_str_of(name)))
                break;
    if (j == b->n_outputs)
        j = i;
    if (j >= b->n_outputs)
        return false;
    *out = j;
    const char *found = b->outputs[j].name;
    if (strcmp(found, name) == 0)
        return true;
    if (find_exact(a, found) < a->n_outputs) {
        px_log(cx, PGY_LOG_VERBOSE, PX_AT_COMPARE,
               "Will not compare %s with %s, since the former already has an exact match: %s",
               found, name, found);
        return false;
    }
    px_log(cx, PGY_LOG_WARNING, PX_AT_COMPARE,
           "Output names did not match exactly. Assuming %s output: %s corresponds to output: %s",
           runner1, found, name);
    return true;
}

/* ---- options by name ---- */

static const px_cast *lookup(const px_opt_keyed *keyed, const char *output)
{
    const px_cast *fallback = NULL;
    for (size_t i = 0; i < keyed->n; i++) {
        if (strcmp(keyed->at[i].key, output) == 0)
            return &keyed->at[i].value;
        if (keyed->at[i].key[0] == '\0')
            fallback = &keyed->at[i].value;
    }
    return fallback;
}

double px_keyed_number(const px_opt_keyed *keyed, const char *output, double otherwise)
{
    const px_cast *value = lookup(keyed, output);
    return value == NULL ? otherwise : value->kind == PX_CAST_INT ? (double)value->i : value->f;
}

void px_keyed_print(px_buf *b, const px_opt_keyed *keyed, const char *output, double otherwise)
{
    const px_cast *value = lookup(keyed, output);
    if (value != NULL && value->kind == PX_CAST_INT)
        px_buf_printf(b, "%lld", (long long)value->i);
    else
        px_fmt_repr_f64(b, value != NULL ? value->f : otherwise);
}

const char *px_keyed_text(const px_opt_keyed *keyed, const char *output, const char *otherwise)
{
    const px_cast *value = lookup(keyed, output);
    return value == NULL || value->text == NULL ? otherwise : value->text;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Python's set of str, in sorted order. */
static void put_set(px_buf *b, const char **words, size_t n)
{
    qsort(words, n, sizeof *words, by_text);
    px_buf_putc(b, '{');
    for (size_t i = 0, n_put = 0; i < n; i++) {
        if (i > 0 && strcmp(words[i], words[i - 1]) == 0)
            continue;
        px_buf_puts(b, n_put++ > 0 ? ", " : "");
        px_buf_repr(b, px_str_of(words[i]));
    }
    px_buf_putc(b, '}');
}

static pgy_status *check_keys(pgy_context *cx, const px_opt_keyed *keyed, const char *what,
                              const px_iteration *a, const px_iteration *b)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    const char **extra = NULL, **known = NULL, **all = NULL;
    size_t n_extra = 0, n_known = 0;
    /* A single value without a name is no dictionary. */
    if (keyed->n == 0 || (keyed->n == 1 && keyed->at[0].key[0] == '\0'))
        goto done;
    PX_TRY(PX_ALLOC(extra, keyed->n));
    PX_TRY(PX_ALLOC(all, keyed->n));
    PX_TRY(PX_ALLOC(known, a->n_outputs + b->n_outputs + 1));
    known[n_known++] = "";
    for (size_t i = 0; i < a->n_outputs; i++)
        known[n_known++] = a->outputs[i].name;
    for (size_t i = 0; i < b->n_outputs; i++)
        known[n_known++] = b->outputs[i].name;
    for (size_t i = 0; i < keyed->n; i++) {
        all[i] = keyed->at[i].key;
        if (all[i][0] != '\0' && find_exact(a, all[i]) == a->n_outputs &&
            find_exact(b, all[i]) == b->n_outputs)
            extra[n_extra++] = all[i];
    }
    if (n_extra == 0)
        goto done;
    px_buf_printf(&text, "Extra items in the %s dictionary: ", what);
    put_set(&text, extra, n_extra);
    px_buf_puts(&text, ".\nNote: items requested were: ");
    put_set(&text, known, n_known);
    px_buf_puts(&text, ", but all items are: ");
    put_set(&text, all, keyed->n);
    PX_TRY(px_buf_status(&text));
    px_log_text(cx, PGY_LOG_WARNING, PX_AT_UTIL, px_buf_str(&text));
done:
    px_mem_free(extra);
    px_mem_free(known);
    px_mem_free(all);
    px_buf_fini(&text);
    return st;
}

pgy_status *px_check_keys(pgy_context *cx, const px_compare_args *args, px_compare_func func,
                          const px_iteration *a, const px_iteration *b)
{
    const struct {
        px_compare_func func;
        const px_opt_keyed *keyed;
        const char *what;
    } all[] = {
        {PX_COMPARE_SIMPLE, &args->rtol, "rtol"},
        {PX_COMPARE_SIMPLE, &args->atol, "atol"},
        {PX_COMPARE_SIMPLE, &args->check_error_stat, "check_error_stat"},
        {PX_COMPARE_SIMPLE, &args->error_quantile, "quantile"},
        {PX_COMPARE_L2, &args->l2_threshold, "l2_threshold"},
        {PX_COMPARE_COSINE, &args->cosine_similarity_threshold, "cosine_similarity_threshold"},
        {PX_COMPARE_PSNR, &args->psnr_threshold, "psnr_threshold"},
        {PX_COMPARE_SNR, &args->snr_threshold, "snr_threshold"},
        {PX_COMPARE_PERCEPTUAL, &args->lpips_threshold, "lpips_threshold"},
    };
    pgy_status *st = NULL;
    for (size_t i = 0; i < PX_COUNTOF(all) && st == NULL; i++)
        if (all[i].func == func)
            st = check_keys(cx, all[i].keyed, all[i].what, a, b);
    return st;
}
