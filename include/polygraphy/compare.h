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

/* One compared output under one function. Numbers that a function does not give are NaN. */
typedef struct pgy_output_verdict {
    size_t struct_size;
    const char *runner0, *runner1, *output; /* live as long as the verdict */
    size_t iteration;
    bool passed;
    double max_abs, max_rel, mean_abs, mean_rel; /* differences; rel is to runner1's output */
    double metric;                               /* l2 norm, similarity, dB */
    uint64_t max_ulp;                            /* 0 where it does not apply */
    const char *function;                        /* that gave this verdict; lives for ever */
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

/* Who is wrong: runs against the float64 values of the reference interpreter (docs/referee.md). */
typedef enum pgy_ruling {
    PGY_RULING_WITHIN = 0,       /* every run is within what the declared type can give */
    PGY_RULING_SOME_WRONG = 1,   /* some are wrong, others are not */
    PGY_RULING_ALL_WRONG = 2,    /* all are wrong */
    PGY_RULING_NOT_MEASURED = 3, /* no numbers, or no run has the output in this shape */
    PGY_RULING_FURTHER = 4       /* none is wrong, some are further than expected */
} pgy_ruling;

/* The distance of one run's output to the reference's, over all iterations. */
typedef struct pgy_distance {
    size_t struct_size;
    const char *output, *runner; /* live as long as the referee */
    pgy_ruling ruling;           /* on the output, over all runs */
    const char *sentence;        /* the ruling in words */
    bool wrong;                  /* this run is clearly beyond what the type can give */
    int64_t count;               /* elements compared; 0: the run does not have the output */
    int64_t n_exact, n_unlike;   /* equal after rounding; NaN or infinity on one side only */
    double max_abs, max_rel, max_ulp, rms;
    double allowed_abs;  /* max_abs beyond it is wrong */
    double expected_abs; /* beyond it: further than expected */
} pgy_distance;

typedef struct pgy_referee pgy_referee;

/* Measures all runs against the one named `reference` (NULL: the first of the reference
 * interpreter), whose outputs are taken for the truth. `exact` and `typed` may be NULL: results of
 * the same inputs whose first run was interpreted with outputs left in float64, and with rounding
 * after every operator. Errors: USAGE when there is no such run or no other. */
PGY_API PGY_MUST_USE pgy_status *pgy_referee_new(pgy_context *cx, const pgy_results *results,
                                                 const char *reference, const pgy_results *exact,
                                                 const pgy_results *typed, pgy_referee **out);
/* Outputs times the other runs, run by run within an output. */
PGY_API size_t pgy_referee_count(const pgy_referee *referee);
/* Fills as many members as `out->struct_size` has room for; i is below the count. */
PGY_API void pgy_referee_get(const pgy_referee *referee, size_t i, pgy_distance *out);
/* Writes the report to the context's log. */
PGY_API void pgy_referee_log(pgy_context *cx, const pgy_referee *referee);
PGY_API void pgy_referee_free(pgy_referee *referee); /* accepts NULL */

#ifdef __cplusplus
}
#endif
#endif
