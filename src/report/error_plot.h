/* report/error_plot.h - errors against the size of the reference values.
 *
 * Two panels, absolute and relative, on logarithmic axes. Elements are counted in cells, so that a
 * tensor of any size is a density. Zeros have no place on a logarithmic axis and get a band of
 * their own beside it. For each size of the reference the error's quantiles are drawn over the
 * density.
 */
#ifndef PX_REPORT_ERROR_PLOT_H
#define PX_REPORT_ERROR_PLOT_H

#include "report/heatmap.h"

/* Counts: (n_y + 1) rows of (n_x + 1); row 0 holds errors of zero, column 0 references of zero. */
typedef struct px_error_panel {
    px_scale y;
    bool has_errors; /* one above zero at least: y means something */
    uint64_t *counts;
    uint64_t most; /* in one cell */
    double tolerance;
} px_error_panel;

typedef struct px_error_plot {
    px_scale x; /* |reference| */
    int n_x, n_y;
    px_error_panel panel[2];           /* absolute, relative */
    int64_t count, n_zero, n_left_out; /* errors of zero; pairs that are not finite */
    int rank;
    const int64_t *dims; /* the pair's */
} px_error_plot;

/* Reads the pair twice. The pair's tensors must outlive it. Errors: USAGE when empty, NOMEM. */
PX_MUST_USE pgy_status *px_error_plot_init(pgy_context *cx, const px_pair *pair,
                                           px_error_plot *out);
void px_error_plot_fini(px_error_plot *plot);

/* The error that the part `q` of a column's elements does not exceed; 0 when that is zero, NaN when
 * the column has too few elements to tell. Columns count from 1; 0 is the references of zero. */
double px_error_plot_quantile(const px_error_plot *plot, int panel, int column, double q);

PX_MUST_USE pgy_status *px_error_plot_render(const px_error_plot *plot, const px_caption *caption,
                                             px_picture_format format, double scale, px_buf *out);

/* "98 of 100 errors are zero". */
void px_error_plot_put_numbers(const px_error_plot *plot, px_buf *out);

#endif
