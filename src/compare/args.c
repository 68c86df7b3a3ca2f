/* compare/args.c - options of post-processing and comparison. */
#include "compare/args.h"
#include "base/fmt.h"
#include "base/log.h"

static const px_opt compare_postprocessing_rows[] = {
    {.names = "--postprocess|--postprocess-func",
     .metavar = "[NAME:]top-K[,axis=A]",
     .type = &px_type_keyed,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, postprocess, px_opt_keyed),
     .help = "Replace outputs by the indices of their K largest values along an axis, "
             "the last one unless told. Without a name it holds for all outputs that "
             "are not named.",
     .example = "--postprocess top-5 probs:top-1,axis=1"},
    {.names = "--postprocess-func-script",
     .metavar = "PATH[:FUNC]",
     .type = &px_type_script,
     .nargs = PX_NARGS_1,
     PX_BIND(px_compare_args, postprocess_func_script, px_opt_script),
     .flags = PX_OPT_NEWER,
     .help = "Python file with a function postprocess_outputs(iteration_result). "
             "Overrides --postprocess."},
};
const px_opt_section px_compare_postprocessing = {
    "Comparator Postprocessing", "What is done to the outputs before they are compared.",
    compare_postprocessing_rows, PX_COUNTOF(compare_postprocessing_rows)};

static const char *const compare_choices[] = {"simple",
                                              "indices",
                                              "l2",
                                              "cosine_similarity",
                                              "distance_metrics",
                                              "psnr",
                                              "snr",
                                              "quality_metrics",
                                              "perceptual_metrics",
                                              NULL};
static const px_opt compare_comparisons_rows[] = {
    {.names = "--validate",
     .type = &px_type_flag,
     PX_BIND(px_compare_args, validate, px_opt_flag),
     .help = "Fail if an output holds NaN or infinity."},
    {.names = "--fail-fast",
     .type = &px_type_flag,
     PX_BIND(px_compare_args, fail_fast, px_opt_flag),
     .help = "Stop at the first difference."},
    {.names = "--suggest-tolerances",
     .type = &px_type_flag,
     PX_BIND(px_compare_args, suggest_tolerances, px_opt_flag),
     .flags = PX_OPT_OURS,
     .help = "Look for the smallest tolerances that pass, for all outputs. Without it, advice "
             "is given on outputs that fail, from numbers that are there anyway.",
     .example = "--suggest-tolerances"},
    {.names = "--check-average",
     .type = &px_type_flag,
     PX_BIND(px_compare_args, check_average, px_opt_flag),
     .flags = PX_OPT_NEWER,
     .help = "Judge each metric by its average over all iterations."},
    {.names = "--sequential-runners",
     .type = &px_type_flag,
     PX_BIND(px_compare_args, sequential_runners, px_opt_flag),
     .flags = PX_OPT_NEWER,
     .help = "Run the runners one after the other. They do so anyway unless --streaming "
             "is given."},
    {.names = "--compare|--compare-func",
     .metavar = "FUNC",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, compare, px_opt_strs),
     .choices = compare_choices,
     .flags = PX_OPT_KNOWN_ONLY,
     .help = "How outputs are compared: elementwise (simple, the default), as lists of "
             "indices, or by one or several metrics, all of which must pass.",
     .more = "distance_metrics stands for l2 and cosine_similarity, quality_metrics for "
             "psnr and snr."},
    {.names = "--compare-func-script",
     .metavar = "PATH[:FUNC]",
     .type = &px_type_script,
     .nargs = PX_NARGS_1,
     PX_BIND(px_compare_args, compare_func_script, px_opt_script),
     .help = "Python file with a function compare_outputs(result0, result1). Overrides "
             "all other comparison options."},
    {.names = "--load-outputs|--load-results",
     .metavar = "PATH",
     .type = &px_type_files,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, load_outputs, px_opt_strs),
     .help = "Compare with the outputs in these files, as --save-outputs writes them."},
    {.names = "--save-accuracy-results",
     .metavar = "PATH",
     .type = &px_type_file,
     .nargs = PX_NARGS_1,
     PX_BIND(px_compare_args, save_accuracy_results, px_opt_str),
     .flags = PX_OPT_NEWER,
     .help = "Write the verdicts and statistics to this JSON file."},
};
const px_opt_section px_compare_comparisons = {
    "Comparator Comparisons", "Which outputs are compared, how, and what a difference means.",
    compare_comparisons_rows, PX_COUNTOF(compare_comparisons_rows)};

static const px_opt compare_simple_rows[] = {
    {.names = "--no-shape-check",
     .type = &px_type_flag,
     PX_BIND(px_compare_args, no_shape_check, px_opt_flag),
     .help = "Compare outputs of different shapes, the second one permuted or reshaped "
             "to fit. Holds for all comparison functions."},
    {.names = "--rtol|--rel-tol",
     .metavar = "[NAME:]X",
     .type = &px_type_keyed,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, rtol, px_opt_keyed),
     .help = "Relative tolerance, as a fraction of the second output. Default 1e-5, "
             "which suits float32.",
     .example = "--rtol 1e-5 out0:1e-4"},
    {.names = "--atol|--abs-tol",
     .metavar = "[NAME:]X",
     .type = &px_type_keyed,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, atol, px_opt_keyed),
     .help = "Absolute tolerance. Default 1e-5, which suits float32.",
     .example = "--atol 1e-5 out0:1e-4"},
    {.names = "--check-error-stat",
     .metavar = "[NAME:]STAT",
     .type = &px_type_keyed,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, check_error_stat, px_opt_keyed),
     .help = "What is held against the tolerances: every element (elemwise, the "
             "default), or the max, mean, median or quantile of the errors.",
     .example = "--check-error-stat max out0:mean"},
    {.names = "--infinities-compare-equal",
     .type = &px_type_flag,
     PX_BIND(px_compare_args, infinities_compare_equal, px_opt_flag),
     .help = "Infinities of the same sign are equal. Otherwise their difference is NaN, "
             "which fails."},
};
const px_opt_section px_compare_simple = {
    "Comparison Function: `simple`",
    "Elementwise: |a - b| must be within the absolute or the relative tolerance.",
    compare_simple_rows, PX_COUNTOF(compare_simple_rows)};

static const px_opt compare_simple_more_rows[] = {
    {.names = "--error-quantile",
     .metavar = "[NAME:]Q",
     .type = &px_type_keyed,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, error_quantile, px_opt_keyed),
     .help = "The quantile that --check-error-stat quantile means, from 0 to 1. Default "
             "0.99.",
     .example = "--error-quantile 0.95 out0:0.8"},
};
const px_opt_section px_compare_simple_more = {"Comparison Function: `simple`", NULL,
                                               compare_simple_more_rows,
                                               PX_COUNTOF(compare_simple_more_rows)};

static const px_opt compare_indices_rows[] = {
    {.names = "--index-tolerance",
     .metavar = "[NAME:]N",
     .type = &px_type_keyed,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, index_tolerance, px_opt_keyed),
     .help = "How many places an index may have moved. Default 0.",
     .example = "--index-tolerance 1 out0:0"},
};
const px_opt_section px_compare_indices = {
    "Comparison Function: `indices`",
    "Lists of indices, such as the classes of a classifier in order of score.",
    compare_indices_rows, PX_COUNTOF(compare_indices_rows)};

static const px_opt compare_l2_rows[] = {
    {.names = "--l2-threshold|--l2-tolerance",
     .metavar = "[NAME:]X",
     .type = &px_type_keyed,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, l2_threshold, px_opt_keyed),
     .flags = PX_OPT_NEWER,
     .help = "Largest distance that passes. Default 1e-5."},
};
const px_opt_section px_compare_l2 = {"Comparison Function: `l2`", "Euclidean distance.",
                                      compare_l2_rows, PX_COUNTOF(compare_l2_rows)};

static const px_opt compare_cosine_rows[] = {
    {.names = "--cosine-similarity-threshold",
     .metavar = "[NAME:]X",
     .type = &px_type_keyed,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, cosine_similarity_threshold, px_opt_keyed),
     .flags = PX_OPT_NEWER,
     .help = "Smallest similarity that passes, at most 1. Default 0.997."},
};
const px_opt_section px_compare_cosine = {"Comparison Function: `cosine_similarity`",
                                          "Angle between outputs seen as vectors.",
                                          compare_cosine_rows, PX_COUNTOF(compare_cosine_rows)};

static const px_opt compare_psnr_rows[] = {
    {.names = "--psnr-threshold|--psnr-tolerance",
     .metavar = "[NAME:]DB",
     .type = &px_type_keyed,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, psnr_threshold, px_opt_keyed),
     .flags = PX_OPT_NEWER,
     .help = "Smallest ratio that passes, in dB. Default 30."},
};
const px_opt_section px_compare_psnr = {"Comparison Function: `psnr`",
                                        "Peak signal to noise ratio.", compare_psnr_rows,
                                        PX_COUNTOF(compare_psnr_rows)};

static const px_opt compare_snr_rows[] = {
    {.names = "--snr-threshold|--snr-tolerance",
     .metavar = "[NAME:]DB",
     .type = &px_type_keyed,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, snr_threshold, px_opt_keyed),
     .flags = PX_OPT_NEWER,
     .help = "Smallest ratio that passes, in dB. Default 20."},
};
const px_opt_section px_compare_snr = {"Comparison Function: `snr`", "Signal to noise ratio.",
                                       compare_snr_rows, PX_COUNTOF(compare_snr_rows)};

static const px_opt compare_perceptual_rows[] = {
    {.names = "--lpips-threshold|--lpips-tolerance",
     .metavar = "[NAME:]X",
     .type = &px_type_keyed,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_compare_args, lpips_threshold, px_opt_keyed),
     .flags = PX_OPT_NEWER,
     .help = "Largest LPIPS distance that passes. Default 0.1."},
};
const px_opt_section px_compare_perceptual = {
    "Comparison Function: `perceptual_metrics`", "Perceptual distance of images.",
    compare_perceptual_rows, PX_COUNTOF(compare_perceptual_rows)};

static const char *const func_names[PX_N_COMPARE_FUNCS] = {
    [PX_COMPARE_SIMPLE] = "simple",
    [PX_COMPARE_INDICES] = "indices",
    [PX_COMPARE_L2] = "l2",
    [PX_COMPARE_COSINE] = "cosine_similarity",
    [PX_COMPARE_PSNR] = "psnr",
    [PX_COMPARE_SNR] = "snr",
    [PX_COMPARE_PERCEPTUAL] = "perceptual_metrics",
    [PX_COMPARE_SCRIPT] = "script",
};

const char *px_compare_func_name(px_compare_func func)
{
    return func_names[func];
}

static bool has_func(const px_compare_args *args, px_compare_func func)
{
    for (size_t i = 0; i < args->n_funcs; i++) {
        if (args->funcs[i] == func)
            return true;
    }
    return false;
}

static void add_func(px_compare_args *args, px_compare_func func)
{
    if (!has_func(args, func))
        args->funcs[args->n_funcs++] = func;
}

static void select_funcs(px_compare_args *args)
{
    args->n_funcs = 0;
    for (size_t i = 0; i < args->compare.n; i++) {
        px_str name = px_str_of(args->compare.at[i]);
        if (px_str_is(name, "distance_metrics")) {
            add_func(args, PX_COMPARE_L2);
            add_func(args, PX_COMPARE_COSINE);
        } else if (px_str_is(name, "quality_metrics")) {
            add_func(args, PX_COMPARE_PSNR);
            add_func(args, PX_COMPARE_SNR);
        }
        for (int f = 0; f < PX_N_COMPARE_FUNCS; f++) {
            if (px_str_is(name, func_names[f]))
                add_func(args, (px_compare_func)f);
        }
    }
    if (args->n_funcs == 0)
        add_func(args, PX_COMPARE_SIMPLE);
}

/* --- post-processing --- */

/* The number behind any of the characters in `lead`: COMPAT with the reference's lstrip, which
 * takes `top-p5` for top-5 and `top-3,1` for axis 1. */
static bool number_behind(px_str text, const char *lead, int64_t *out)
{
    while (text.len > 0 && text.ptr[0] != '\0' && strchr(lead, text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    return px_parse_i64(text, out, NULL);
}

static pgy_status *top_k_decode(const struct px_opt_key_value *item, px_top_k_arg *out)
{
    px_top_k_arg arg = {.output = item->key};
    if (item->value.kind != PX_CAST_TEXT)
        return PX_FAIL(PGY_ERR_USAGE,
                       "--postprocess %s: this names no function. Write top-K, such as top-5.",
                       item->word);
    px_str text = px_str_of(item->value.text);
    if (!px_str_starts(text, "top-"))
        return PX_FAIL(PGY_ERR_USAGE,
                       "Invalid post-processing function: %s. Note: Valid choices are: "
                       "['top-<K>'].",
                       item->value.text);
    const char *comma = memchr(text.ptr, ',', text.len);
    px_str k = {text.ptr, comma ? (size_t)(comma - text.ptr) : text.len};
    arg.has_axis = comma != NULL;
    if (!number_behind(k, "top-", &arg.k))
        return PX_FAIL(PGY_ERR_USAGE, "--postprocess %s: K must be a whole number, as in top-5.",
                       item->word);
    if (comma && !number_behind(px_str_of(comma + 1), "axis=", &arg.axis))
        return PX_FAIL(PGY_ERR_USAGE,
                       "--postprocess %s: the axis must be a whole number, as in top-5,axis=1.",
                       item->word);
    *out = arg;
    return NULL;
}

static pgy_status *top_k_decode_all(px_arena *arena, px_compare_args *args)
{
    args->n_top_k = 0;
    args->top_k = px_arena_calloc(arena, args->postprocess.n, sizeof *args->top_k);
    if (!args->top_k)
        return px_status_nomem();
    for (size_t i = 0; i < args->postprocess.n; i++) {
        pgy_status *st = top_k_decode(&args->postprocess.at[i], &args->top_k[i]);
        if (st)
            return st;
        args->n_top_k++;
    }
    return NULL;
}

/* --- thresholds --- */

static pgy_status *check_numbers(const px_opt_keyed *v, const char *name)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!px_cast_is_number(&v->at[i].value))
            return PX_FAIL(PGY_ERR_USAGE, "%s %s: the value must be a number, as in %s 1e-3.", name,
                           v->at[i].word, name);
    }
    return NULL;
}

static pgy_status *check_stats(const px_opt_keyed *v, bool *out_uses_quantile)
{
    static const char *const stats[] = {"max", "mean", "median", "elemwise", "quantile"};
    *out_uses_quantile = false;
    for (size_t i = 0; i < v->n; i++) {
        const px_cast *value = &v->at[i].value;
        bool is_known = false;
        for (size_t s = 0; s < PX_COUNTOF(stats); s++)
            is_known |= value->kind == PX_CAST_TEXT && strcmp(value->text, stats[s]) == 0;
        if (!is_known) {
            px_str key, text;
            px_key_split(px_str_of(v->at[i].word), &key, &text);
            return PX_FAIL(PGY_ERR_USAGE,
                           "Invalid choice for check_error_stat: %.*s.\nNote: Valid choices are: "
                           "['max', 'mean', 'median', 'elemwise', 'quantile']",
                           PX_STR_ARG(text));
        }
        *out_uses_quantile |= strcmp(value->text, "quantile") == 0;
    }
    return NULL;
}

static pgy_status *check_quantiles(const px_opt_keyed *v)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!(v->at[i].value.f >= 0 && v->at[i].value.f <= 1))
            return PX_FAIL(PGY_ERR_USAGE,
                           "--error-quantile %s: Quantiles must be in the range [0, 1].",
                           v->at[i].word);
    }
    return NULL;
}

static pgy_status *check_thresholds(px_compare_args *args)
{
    pgy_status *st = NULL;
    bool uses_quantile;
    PX_TRY(check_numbers(&args->rtol, "--rtol"));
    PX_TRY(check_numbers(&args->atol, "--atol"));
    PX_TRY(check_stats(&args->check_error_stat, &uses_quantile));
    PX_TRY(check_numbers(&args->error_quantile, "--error-quantile"));
    if (uses_quantile)
        PX_TRY(check_quantiles(&args->error_quantile));
    PX_TRY(check_numbers(&args->index_tolerance, "--index-tolerance"));
    PX_TRY(check_numbers(&args->l2_threshold, "--l2-threshold"));
    PX_TRY(check_numbers(&args->cosine_similarity_threshold, "--cosine-similarity-threshold"));
    PX_TRY(check_numbers(&args->psnr_threshold, "--psnr-threshold"));
    PX_TRY(check_numbers(&args->snr_threshold, "--snr-threshold"));
    PX_TRY(check_numbers(&args->lpips_threshold, "--lpips-threshold"));
done:
    return st;
}

/* --- options of functions that are not selected --- */

/* Mentions an option that only `func` would use. With one function selected the wording is that
 * of the older reference version, which knew no other case. */
static pgy_status *warn_unused(pgy_context *cx, const px_compare_args *args, const px_opt *row,
                               px_compare_func func)
{
    pgy_status *st = NULL;
    px_buf names = {0}, selected = {0};
    px_opt_print_names(row, &names);
    if (args->n_funcs == 1) {
        px_log(cx, PGY_LOG_WARNING, PX_AT_ARGS,
               "Option: %s is only valid for comparison function: '%s'. The selected comparison "
               "function is: '%s', so this option will be ignored.",
               px_buf_cstr(&names), func_names[func], func_names[args->funcs[0]]);
    } else {
        for (size_t i = 0; i < args->n_funcs; i++)
            px_buf_printf(&selected, "%s'%s'", i ? ", " : "", func_names[args->funcs[i]]);
        px_log(cx, PGY_LOG_WARNING, PX_AT_ARGS,
               "Option: %s is only valid for comparison function(s): ['%s']. The selected "
               "comparison functions are: [%s], so this option will be ignored.",
               px_buf_cstr(&names), func_names[func], px_buf_cstr(&selected));
    }
    PX_TRY(px_buf_status(&names));
    PX_TRY(px_buf_status(&selected));
done:
    px_buf_fini(&names);
    px_buf_fini(&selected);
    return st;
}

static pgy_status *warn_section(pgy_context *cx, const px_compare_args *args,
                                const px_opt_section *section, px_compare_func func)
{
    for (size_t i = 0; i < section->n; i++) {
        const px_opt *row = &section->rows[i];
        const void *field = (const char *)args + row->offset;
        /* --no-shape-check serves every function. */
        bool given = row->type == &px_type_keyed
                         ? ((const px_opt_keyed *)field)->given
                         : ((const px_opt_flag *)field)->given &&
                               row->offset != offsetof(px_compare_args, no_shape_check);
        pgy_status *st = given ? warn_unused(cx, args, row, func) : NULL;
        if (st)
            return st;
    }
    return NULL;
}

static pgy_status *warn_sections(pgy_context *cx, const px_compare_args *args)
{
    static const struct {
        const px_opt_section *section;
        px_compare_func func;
    } owned[] = {
        {&px_compare_simple, PX_COMPARE_SIMPLE},   {&px_compare_simple_more, PX_COMPARE_SIMPLE},
        {&px_compare_indices, PX_COMPARE_INDICES}, {&px_compare_l2, PX_COMPARE_L2},
        {&px_compare_cosine, PX_COMPARE_COSINE},   {&px_compare_psnr, PX_COMPARE_PSNR},
        {&px_compare_snr, PX_COMPARE_SNR},         {&px_compare_perceptual, PX_COMPARE_PERCEPTUAL},
    };
    for (size_t i = 0; i < PX_COUNTOF(owned); i++) {
        if (has_func(args, owned[i].func))
            continue;
        pgy_status *st = warn_section(cx, args, owned[i].section, owned[i].func);
        if (st)
            return st;
    }
    return NULL;
}

pgy_status *px_compare_args_check(pgy_context *cx, px_arena *arena, px_compare_args *args)
{
    pgy_status *st = NULL;
    select_funcs(args);
    PX_TRY(top_k_decode_all(arena, args));
    PX_TRY(warn_sections(cx, args));
    PX_TRY(check_thresholds(args));
    if (args->postprocess_func_script.given && args->postprocess.given)
        px_log(cx, PGY_LOG_WARNING, PX_AT_ARGS,
               "Argument: '--postprocess/--postprocess-func' will be ignored since "
               "'--postprocess-func-script' was provided.");
done:
    return st;
}
