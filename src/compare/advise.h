/* compare/advise.h - tolerances that would pass, and whether a mismatch looks like rounding. */
#ifndef PX_COMPARE_ADVISE_H
#define PX_COMPARE_ADVISE_H

#include "compare/compare.h"
#include "compare/profile.h"

/* What a path of computation lets one expect; see model/terms.h. */
typedef struct px_expectation {
    double n_terms;   /* terms added up on the way to the output; 0: not known */
    int64_t longest;  /* of one sum */
    int64_t n_layers; /* that compute */
} px_expectation;

/* The errors of one output, of all pairs and iterations. */
typedef struct px_error_summary {
    const char *output; /* name in the first run, borrowed */
    pgy_dtype dtype;
    bool failed;   /* somewhere */
    int64_t count; /* elements */
    px_error_stat stat;
    double stat_abs, stat_rel; /* largest value of the statistic that is judged */
    double max_abs, max_rel;
    double sum_sq; /* of the differences */
    double sum_a, sum_b, sum_sq_a, sum_sq_b;
    int64_t n_beyond;     /* differences that are NaN or infinite: no tolerance lets them pass */
    bool is_overflow;     /* these are infinities of one array where the other leaves float16 */
    bool is_concentrated; /* less than a hundredth of the elements hold nearly all of the error */
} px_error_summary;

void px_error_summary_add(px_error_summary *io, const px_output_result *result);

typedef enum px_cause {
    PX_CAUSE_NONE,      /* equal */
    PX_CAUSE_ROUNDING,  /* what the declared type gives */
    PX_CAUSE_HALF,      /* as if computed in float16 or TensorFloat-32 */
    PX_CAUSE_BFLOAT16,  /* as if computed in bfloat16 */
    PX_CAUSE_QUANTIZED, /* integers that differ by at most one */
    PX_CAUSE_INDICES,   /* integers that differ by more */
    PX_CAUSE_TRUTH,     /* truth values that differ */
    PX_CAUSE_FEW,       /* a few elements hold nearly all of the error */
    PX_CAUSE_MOVED,     /* spread alike, but not equal one by one */
    PX_CAUSE_LINEAR,    /* one factor and offset for all elements */
    PX_CAUSE_NO_NUMBER, /* NaN or infinity in one output and not in the other */
    PX_CAUSE_OVERFLOW,  /* infinity where float16 ends */
    PX_CAUSE_WRONG      /* more than any float type explains */
} px_cause;

/* Tolerances are rounded up to two digits, so they pass as printed. */
typedef struct px_advice {
    const char *output;
    pgy_dtype dtype;
    bool has_any;      /* some tolerance passes */
    double only_atol;  /* alone, with a relative tolerance of 0 */
    double only_rtol;  /* alone; infinite when none does */
    bool has_pair;     /* the two below were looked for */
    double atol, rtol; /* together: neither is far larger than it must be */
    double error;      /* root mean square of the differences over that of the second array */
    double expected;   /* the same, that the type's rounding would give */
    px_expectation path;
    px_cause cause;
} px_advice;

/* `profile` NULL: no pair is looked for. Formula: an accumulation of n roundings of unit roundoff u
 * has a relative error near u * sqrt(n); 16 times that still counts as rounding. */
void px_advise(const px_error_summary *errors, const px_profile *profile,
               const px_expectation *path, px_advice *out);

/* An error beyond what the declared type gives, root mean square over that of the values: as if
 * computed in a lower precision (HALF, BFLOAT16) on a path of `layers` (0: not known), or WRONG. */
px_cause px_cause_of_lower(double error, double layers);

/* Smallest number of two significant digits that is not below `v` (>= 0). */
double px_round_up(double v);

/* The sentence about the cause. */
void px_advice_print_cause(px_buf *b, const px_advice *advice);
/* "--atol y:0.0012 z:0.5 --rtol y:3e-05", ready to paste. */
void px_advice_print_options(px_buf *b, const px_advice *advice, size_t n);
/* Logs the advice about one output. */
void px_advice_log(pgy_context *cx, const px_advice *advice);

#endif
