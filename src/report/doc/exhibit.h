/* report/doc/exhibit.h - what a document shows of compared outputs, kept while the data is there.
 */
#ifndef PX_REPORT_EXHIBIT_H
#define PX_REPORT_EXHIBIT_H

#include "compare/compare.h"
#include "compare/hist.h"

/* Of one output of one pair of runners: the first iteration, or the first one that mismatched. */
typedef struct px_exhibit {
    char *output, *runner[2];
    int64_t n_mismatch;
    px_hist hist[2]; /* absolute and relative errors */
    px_buf map[2];   /* SVG heat maps of them; empty when not drawn */
} px_exhibit;

typedef struct px_exhibits {
    px_exhibit *at;
    size_t n, cap;
    size_t n_drawn;    /* outputs with heat maps: there is a limit */
    bool wanted;       /* somebody will look */
    px_plot_hook next; /* who else draws */
} px_exhibits;

void px_exhibits_fini(px_exhibits *exhibits);
/* Collects and then lets `next` draw. */
px_plot_hook px_exhibits_hook(px_exhibits *exhibits);
/* NULL: there is none. */
const px_exhibit *px_exhibit_find(const px_exhibits *exhibits, const char *output,
                                  const char *runner0, const char *runner1);

#endif
