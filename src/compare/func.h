/* compare/func.h - what one compare function is asked, and the functions. */
#ifndef PX_COMPARE_FUNC_H
#define PX_COMPARE_FUNC_H

#include "compare/compare.h"

/* Two matched outputs. Names as in their runs. */
typedef struct px_case {
    pgy_context *cx;
    const px_compare_args *args;
    px_layout layout;
    const px_plot_hook *plot;
    px_profiles *profiles; /* NULL: nobody asks for them */
    const char *runner[2], *name[2];
    pgy_tensor *tensor[2];
} px_case;

/* Compare and log one output; fill everything of `out` but the names. A mismatch is a verdict, not
 * an error. Errors: UNSUPPORTED, USAGE, NOMEM. */
PX_MUST_USE pgy_status *px_func_simple(const px_case *c, px_output_result *out);
PX_MUST_USE pgy_status *px_func_indices(const px_case *c, px_output_result *out);
PX_MUST_USE pgy_status *px_func_metric(const px_case *c, px_compare_func func,
                                       px_output_result *out);

/* LPIPS, which the user's Python computes. What is no image passes with a warning, as in the
 * reference. Errors: UNSUPPORTED when it cannot be computed. */
PX_MUST_USE pgy_status *px_func_lpips(const px_case *c, px_output_result *out);
/* What the user's script says of one iteration. */
PX_MUST_USE pgy_status *px_compare_by_script(const px_comparison *c, const px_iteration *a,
                                             const px_iteration *b, px_compared_iteration *out);

/* All outputs of one iteration under one function, with their verdict lines. */
PX_MUST_USE pgy_status *px_compare_outputs(px_comparison *c, const px_pair_result *pair,
                                           px_compare_func func, const px_iteration *a,
                                           const px_iteration *b, px_compared_iteration *out);

/* Shapes: equal, or made equal when --no-shape-check is given; *out_ok false (logged) when they
 * stay apart. The tensors given out are references to free. */
PX_MUST_USE pgy_status *px_case_match_shapes(const px_case *c, pgy_tensor *out[2], bool *out_ok);

/* "simple", "L2 Norm", ...: what the newer layout calls a function. */
const char *px_func_label(px_compare_func func);
/* The line of a metric: "L2 Norm: 0.5 (tolerance: 1) | PASSED". */
void px_metric_print(px_buf *b, px_compare_func func, double value, double threshold, bool passed);
bool px_metric_passes(px_compare_func func, double value, double threshold);

/* --- options of one output: its own entry, else the "" entry, else the default --- */
double px_keyed_number(const px_opt_keyed *keyed, const char *output, double otherwise);
/* The same number as Python shows it: an int was given as one. */
void px_keyed_print(px_buf *b, const px_opt_keyed *keyed, const char *output, double otherwise);
const char *px_keyed_text(const px_opt_keyed *keyed, const char *output, const char *otherwise);

/* The counterpart in `b` of output `i` of `a`; false: none, skip it (logged). Mirrors:
 * comparator/compare.py run_comparison. */
bool px_match_output(pgy_context *cx, const px_iteration *a, size_t i, const px_iteration *b,
                     const char *runner1, size_t *out);
/* Warns of entries for outputs that neither iteration has. */
PX_MUST_USE pgy_status *px_check_keys(pgy_context *cx, const px_compare_args *args,
                                      px_compare_func func, const px_iteration *a,
                                      const px_iteration *b);

#endif
