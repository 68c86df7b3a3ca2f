/* compare/referee.h - who is wrong: runs against the float64 truth of the reference interpreter.
 *
 * A comparison of two runtimes shows that they differ, not which of them is off. The referee
 * measures every run's distance to outputs computed in float64, and holds it against what the
 * declared types can give:
 *
 *  - When the same model was also interpreted with every operator's outputs rounded to their
 *    declared types (`typed`), that run's distance is what rounding alone costs. A runtime also
 *    rounds inside its sums: after n terms the error of a running sum is, for errors of random
 *    sign, about sqrt(n) roundings. So a run may be 1 + sqrt(n) times as far as `typed`, where n
 *    is the longest sum of the model.
 *  - Without it, a run may be 256 roundings of the output's largest element away.
 *  - In both cases four such roundings are always granted. Integers must be equal, NaN and
 *    infinities must be where the truth (rounded to the declared type) has them.
 *
 * Beyond that a run is called wrong. It is a judgement of sizes, not a proof: a model that is
 * badly conditioned between two operators can push a sound runtime over the line, and the numbers
 * are shown for that reason.
 */
#ifndef PX_COMPARE_REFEREE_H
#define PX_COMPARE_REFEREE_H

#include "compare/distance.h"
#include "results/results.h"

typedef enum px_ruling {
    PX_RULING_WITHIN = 0,   /* every run is within what the type can give */
    PX_RULING_SOME_WRONG,   /* some are beyond it, others are not */
    PX_RULING_ALL_WRONG,    /* all are beyond it */
    PX_RULING_NOT_MEASURED, /* no numbers, or no run has this output in this shape */
} px_ruling;

typedef struct px_referee_output {
    char *name;
    pgy_dtype dtype; /* as declared: the type whose units count */
    int rank;
    int64_t *dims;      /* of the first iteration */
    px_distance *of;    /* per run; count 0: the run does not have it, or in another shape */
    px_distance typed;  /* the interpreter rounding after every operator; count 0: not run */
    double allowed_abs; /* largest absolute difference that counts as the type's doing */
    px_ruling ruling;
    size_t n_measured, n_wrong; /* runs */
    ptrdiff_t furthest, nearest; /* runs by root mean square difference; -1: none measured */
    double ratio;   /* furthest to nearest, or to `typed` when there is one run; inf when the
                       nearer one is exact, 1 when both are, NaN when there is nothing to divide by */
    char *sentence; /* the ruling in words */
} px_referee_output;

typedef struct px_referee {
    char *reference; /* name of the run whose values were computed in float64 */
    char **runs;     /* names of the others */
    size_t n_runs;
    int64_t n_terms; /* longest sum in the model; 0: unknown */
    px_referee_output *at;
    size_t n, cap;
    size_t n_iterations;
} px_referee;

/* Names are copied. */
PX_MUST_USE pgy_status *px_referee_init(px_referee *r, const char *reference, size_t n_runs,
                                        const char *const *runs, int64_t n_terms);
void px_referee_fini(px_referee *r);

/* One iteration's outputs. Values are read one output at a time. */
typedef struct px_referee_iteration {
    const px_iteration *declared; /* the reference's, in the declared types */
    const px_iteration *exact;    /* the same in float64 before that rounding; NULL: not at hand */
    const px_iteration *typed;    /* interpreted with rounding; NULL: not at hand */
    const px_iteration *const *runs;
} px_referee_iteration;

/* Measures it and adds to what is known. Errors: NOMEM and whatever reading values gives. */
PX_MUST_USE pgy_status *px_referee_add(pgy_context *cx, px_referee *r,
                                       const px_referee_iteration *it);
/* Rules on every output, after the last iteration. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_referee_rule(px_referee *r);
/* The report's lines. */
void px_referee_log(pgy_context *cx, const px_referee *r);

/* Beyond what the type can give; false for a run that was not measured. */
bool px_referee_is_wrong(const px_referee_output *o, const px_distance *d);

/* Position of the run to be measured against: the first one of the reference interpreter;
 * -1: there is none. */
ptrdiff_t px_referee_find(const px_results *results);

#endif
