/* polygraphy/compare.h - tolerances in, verdict out.
 *
 * Consecutive runs are compared iteration by iteration and output by output, as the command does;
 * what it would print goes to the context's log.
 */
#ifndef POLYGRAPHY_COMPARE_H
#define POLYGRAPHY_COMPARE_H

#include "polygraphy/results.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pgy_compare_options {
    size_t struct_size;   /* sizeof(pgy_compare_options) */
    const char *function; /* "simple" (NULL), "indices", "l2", "cosine_similarity", "psnr", "snr" */
    const char *error_stat; /* "elemwise" (NULL), "max", "mean", "median", "quantile" */
    double atol, rtol;      /* of "simple" */
    double threshold;       /* of the metrics; NaN: the function's default */
    bool fail_fast;         /* stop at the first mismatch */
    bool any_shape;         /* permute and reshape instead of refusing other shapes */
} pgy_compare_options;

/* The command's defaults: initialise with these, then change. */
#define PGY_COMPARE_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(pgy_compare_options), NULL, NULL, 1e-5, 1e-5, __builtin_nan(""), false, false       \
    }

/* One compared output. Numbers that a function does not give are NaN. */
typedef struct pgy_output_verdict {
    size_t struct_size;
    const char *runner0, *runner1, *output; /* live as long as the verdict */
    size_t iteration;
    bool passed;
    double max_abs, max_rel, mean_abs, mean_rel; /* differences; rel is to runner1's output */
    double metric;                               /* l2 norm, similarity, dB */
    uint64_t max_ulp;                            /* 0 where it does not apply */
} pgy_output_verdict;

typedef struct pgy_verdict pgy_verdict;

/* `options` NULL: the defaults. Errors: USAGE for options that do not exist or fit together, and
 * when two runs have no output in common. */
PGY_API PGY_MUST_USE pgy_status *pgy_compare(pgy_context *cx, const pgy_results *results,
                                             const pgy_compare_options *options, pgy_verdict **out);
PGY_API bool pgy_verdict_passed(const pgy_verdict *verdict);
PGY_API size_t pgy_verdict_count(const pgy_verdict *verdict);
/* Fills as many members as `out->struct_size` has room for; i is below the count. */
PGY_API void pgy_verdict_get(const pgy_verdict *verdict, size_t i, pgy_output_verdict *out);
PGY_API void pgy_verdict_free(pgy_verdict *verdict); /* accepts NULL */

#ifdef __cplusplus
}
#endif
#endif
