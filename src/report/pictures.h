/* report/pictures.h - draws while results are compared: what is saved, what is shown, file names.
 *
 * Files are named as the reference names them: heat maps after the output and the indices they
 * show, as SVG; error plots error_metrics_<output>.png. --picture-format overrides both formats.
 * Where the reference would write a second picture over the first (another iteration or another
 * pair of runners), a number is added to the name.
 */
#ifndef PX_REPORT_PICTURES_H
#define PX_REPORT_PICTURES_H

#include "compare/compare.h"
#include "report/args.h"
#include "report/show.h"

typedef struct px_pictures {
    pgy_context *cx;
    const px_report_args *args;
    px_map names; /* of this run's files, with folder and without ending: how often */
    px_show show;
} px_pictures;

/* Makes the folders, so that a run does not find out at its end that they cannot be made. `args`
 * must outlive it. Errors: USAGE, IO. */
PX_MUST_USE pgy_status *px_pictures_init(px_pictures *p, pgy_context *cx,
                                         const px_report_args *args);
/* Opens the viewer on all that is to be shown there. Call when comparing is over. Errors: IO. */
PX_MUST_USE pgy_status *px_pictures_finish(px_pictures *p);
void px_pictures_fini(px_pictures *p);

/* For px_compare_results. Draws nothing when nothing was asked for. */
px_plot_hook px_pictures_hook(px_pictures *p);

/* "Absolute Error | y: (0,0:4,0:5) to (2,0:4,0:5)", without folder and ending, fit for a file. */
void px_heatmap_file_name(px_buf *out, px_which which, const char *output, const px_pair *pair,
                          const px_stats *stats);

#endif
