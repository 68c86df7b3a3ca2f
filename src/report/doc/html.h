/* report/doc/html.h - parts of the page. */
#ifndef PX_REPORT_HTML_H
#define PX_REPORT_HTML_H

#include "report/doc/rows.h"

/* The style sheet and the script, without their tags. */
extern const char px_html_style[];
extern const char px_html_script[];

/* The error of each output of the first pair, in the order of the results (the graph's order where
 * all tensors are outputs), the first failing one marked. Nothing for fewer than 3 outputs. */
void px_html_put_curve(px_buf *b, const px_doc_rows *rows);
/* Bars of a histogram; nothing when there is none. */
void px_html_put_hist(px_buf *b, const char *title, const px_hist *hist);

#endif
