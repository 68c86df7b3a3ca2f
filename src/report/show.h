/* report/show.h - --show-heatmaps and --show-error-metrics-plot.
 *
 * Where there is a display, pictures are collected in a folder and the desktop's viewer opens them
 * when all are there; several as one page. Elsewhere they are drawn on standard output as soon as
 * they are known, in the best way the terminal has.
 */
#ifndef PX_REPORT_SHOW_H
#define PX_REPORT_SHOW_H

#include "report/terminal.h"

typedef struct px_show {
    pgy_context *cx;
    px_show_way way;
    bool ready; /* way is known: found at the first picture */
    int columns;
    char *folder; /* of the viewer's files; left behind, as the viewer reads them later */
    char *first;  /* the first file */
    px_buf page;  /* HTML of all */
    size_t n;
} px_show;

void px_show_init(px_show *show, pgy_context *cx);
/* Errors: IO, NOMEM, and what drawing gives. */
PX_MUST_USE pgy_status *px_show_heatmap(px_show *show, const px_caption *caption,
                                        const px_pair *pair, const px_pair_stats *stats,
                                        px_which which);
PX_MUST_USE pgy_status *px_show_error_plot(px_show *show, const px_caption *caption,
                                           const px_error_plot *plot);
PX_MUST_USE pgy_status *px_show_finish(px_show *show);
void px_show_fini(px_show *show);

#endif
