/* compare/referee.h - who is wrong: runs against the float64 truth of the reference interpreter.
 *
 * A comparison of two runtimes shows that they differ, not which of them is off. The referee
 * measures every run's distance to outputs computed in float64, and holds it against what the
 * declared types can give:
 *
 *  - When the same model was also interpreted with every operator's outputs rounded to their
 *    declared types (`typed`), that run's distance is what rounding alone costs. A runtime also
 *    rounds inside its sums: after n terms the error of a running sum is, for errors of random
 *    sign, about sqrt(n) roundings. So 1 + sqrt(n) times the distance of `typed` is expected at
 *    most, where n is the longest sum on the way to the output.
 *  - Without it, 256 roundings of the output's largest element are.
 *  - In both cases four such roundings are always granted.
 *
 * A run beyond that is further than expected, which asks for a look and proves nothing. It is wrong
 * when one of these holds too:
 *
 *  - it is max(16, sqrt(n)) times beyond. The sqrt(n) is there because n terms whose rounding
 *    errors all have one sign, as in sums of equal numbers, add up n roundings; the 16 because
 *    kernels for functions and fast convolutions are a few roundings off themselves;
 *  - a tenth of the values (root mean square) is error: no type is chosen to give that;
 *  - another run of the same output is as expected and 8 times nearer: the types can give three
 *    bits more.
 *
 * Errors of the size and spread that computing in float16, TensorFloat-32 or bfloat16 gives are
 * further than expected and no more: runtimes choose them for speed.
 *
 * Integers must be equal, where 8-bit ones are quantized numbers, of which one step is only further
 * than expected. NaN and infinities must be where the truth (rounded to the declared type) has
 * them, as far as `typed` has. All of it is a judgement of sizes: a model that is badly conditioned
 * between two operators can push a sound runtime over a line, and the numbers are shown for that
 * reason.
 */
#ifndef PX_COMPARE_REFEREE_H
#define PX_COMPARE_REFEREE_H

#include "compare/advise.h"
#include "compare/distance.h"
#include "results/results.h"

typedef enum px_ruling {
    PX_RULING_WITHIN = 0,   /* every run is within what the type can give */
    PX_RULING_SOME_WRONG,   /* some are wrong, others are not */
    PX_RULING_ALL_WRONG,    /* all are wrong */
    PX_RULING_NOT_MEASURED, /* no numbers, or no run has this output in this shape */
    PX_RULING_FURTHER       /* none is wrong, some are further than expected */
} px_ruling;

/* On one run's output. */
typedef enum px_finding {
    PX_FINDING_NONE = 0, /* not measured */
    PX_FINDING_WITHIN,
    PX_FINDING_FURTHER,
    PX_FINDING_WRONG
} px_finding;

typedef struct px_referee_output {
    char *name;
    pgy_dtype dtype; /* as declared: the type whose units count */
    int rank;
    int64_t *dims;     /* of the first iteration */
    px_distance *of;   /* per run; count 0: the run does not have it, or in another shape */
    px_distance typed; /* the interpreter rounding after every operator; count 0: not run */
    /* The caller's to set: the longest sum on the way to it, and what the function that makes it
     * can give at most (model/terms.h); 0: not known. */
    int64_t n_terms;
    double range;
    int64_t n_layers;                 /* on the way */
    double expected_abs, allowed_abs; /* max_abs beyond them: further than expected; wrong */
    px_ruling ruling;
    px_finding *finding; /* per run */
    px_cause *lower;     /* per run: HALF or BFLOAT16 when it is as if computed in that */
    size_t n_measured, n_further, n_wrong; /* runs; the latter two do not overlap */
    ptrdiff_t furthest, nearest; /* runs by root mean square difference; -1: none measured */
    double ratio;   /* furthest to nearest, or to `typed` when there is one run; inf when the
                       nearer one is exact, 1 when both are, NaN when there is nothing to divide by */
    char *sentence; /* the ruling in words */
} px_referee_output;

typedef struct px_referee {
    char *reference; /* name of the run whose values were computed in float64 */
    char **runs;     /* names of the others */
    size_t n_runs;
    px_referee_output *at;
    size_t n, cap;
    size_t n_iterations;
} px_referee;

/* Names are copied. */
PX_MUST_USE pgy_status *px_referee_init(px_referee *r, const char *reference, size_t n_runs,
                                        const char *const *runs);
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

/* The run's name is one of the reference interpreter's. */
bool px_referee_is_reference(const char *runner);
/* Position of the run to be measured against: the first one of the reference interpreter;
 * -1: there is none. */
ptrdiff_t px_referee_find(const px_results *results);

#endif
