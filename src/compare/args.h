/* compare/args.h - options of post-processing and comparison. */
#ifndef PX_COMPARE_ARGS_H
#define PX_COMPARE_ARGS_H

#include "base/opt.h"
#include "polygraphy/tensor.h"

/* Single compare functions; the aliases distance_metrics and quality_metrics are expanded. */
typedef enum px_compare_func {
    PX_COMPARE_SIMPLE,
    PX_COMPARE_INDICES,
    PX_COMPARE_L2,
    PX_COMPARE_COSINE,
    PX_COMPARE_PSNR,
    PX_COMPARE_SNR,
    PX_COMPARE_PERCEPTUAL,
    PX_COMPARE_SCRIPT, /* --compare-func-script, instead of all others */
    PX_N_COMPARE_FUNCS
} px_compare_func;

/* top-K of one output, or of all others when `output` is "". k 0: leave it alone. */
typedef struct px_top_k_arg {
    const char *output;
    int64_t k;
    bool has_axis;
    int64_t axis; /* default: the last */
} px_top_k_arg;

struct px_iteration;
struct px_compared_iteration;

/* The user's functions and packages, called by comparison and post-processing. */
typedef struct px_compare_script {
    /* --compare-func-script: fills names and verdicts of `out`. */
    pgy_status *(*compare)(void *user, const struct px_iteration *a, const struct px_iteration *b,
                           struct px_compared_iteration *out);
    /* --postprocess-func-script: changes the outputs of `it`. */
    pgy_status *(*postprocess)(void *user, struct px_iteration *it);
    /* LPIPS distance of two arrays; *out_is_image false: there is none. */
    pgy_status *(*lpips)(void *user, pgy_tensor *a, pgy_tensor *b, double *out, bool *out_is_image);
    void *user;
} px_compare_script;

typedef struct px_compare_args {
    px_opt_keyed postprocess;              /* raw; see top_k */
    px_opt_script postprocess_func_script; /* function "postprocess_outputs" unless written */

    px_opt_flag no_shape_check, validate, fail_fast, check_average, sequential_runners;
    px_opt_strs compare;               /* as written; see funcs */
    px_opt_script compare_func_script; /* "compare_outputs" */
    px_opt_strs load_outputs;
    px_opt_str save_accuracy_results;
    px_opt_flag suggest_tolerances; /* ours */

    px_opt_keyed rtol, atol;       /* default 1e-5 */
    px_opt_keyed check_error_stat; /* TEXT: "max", "mean", "median", "elemwise", "quantile" */
    px_opt_flag infinities_compare_equal;
    px_opt_keyed error_quantile; /* default 0.99 */

    px_opt_keyed index_tolerance;             /* default 0 */
    px_opt_keyed l2_threshold;                /* default 1e-5 */
    px_opt_keyed cosine_similarity_threshold; /* default 0.997 */
    px_opt_keyed psnr_threshold;              /* default 30 dB */
    px_opt_keyed snr_threshold;               /* default 20 dB */
    px_opt_keyed lpips_threshold;             /* default 0.1 */

    /* Set by px_compare_args_check. */
    px_compare_func funcs[PX_N_COMPARE_FUNCS]; /* in order of first mention, no repeats */
    size_t n_funcs;                            /* at least 1: "simple" */
    px_top_k_arg *top_k;
    size_t n_top_k;

    /* Set by whoever can run Python; NULL: nobody. Outlives what is done with the options. */
    const px_compare_script *script;
} px_compare_args;

extern const px_opt_section px_compare_postprocessing, px_compare_comparisons, px_compare_simple,
    px_compare_simple_more, px_compare_indices, px_compare_l2, px_compare_cosine, px_compare_psnr,
    px_compare_snr, px_compare_perceptual;

/* "simple", "indices", "l2", "cosine_similarity", "psnr", "snr", "perceptual_metrics",
 * "script". */
const char *px_compare_func_name(px_compare_func func);

/* Errors: USAGE. Every threshold in the keyed lists is INT or FLOAT afterwards, every
 * error statistic one of the known TEXTs. */
PX_MUST_USE pgy_status *px_compare_args_check(pgy_context *cx, px_arena *arena,
                                              px_compare_args *args);

#endif
