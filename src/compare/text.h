/* compare/text.h - numbers of a comparison in the reference's words. */
#ifndef PX_COMPARE_TEXT_H
#define PX_COMPARE_TEXT_H

#include "compare/hist.h"

/* "%.5g". */
void px_text_number(px_buf *b, double v);
/* "mean=0.5, std-dev=..., p99=0.9"; positions as index tuples of `dims`. */
void px_text_stats(px_buf *b, const px_stats *s, int rank, const int64_t *dims);
/* Title, header and ten rows; nothing for bool arrays and failures; "None" for empty arrays. */
void px_text_hist(px_buf *b, const px_hist *h);
/* "(dtype=float32, shape=(2, 3))". */
void px_text_tensor(px_buf *b, const pgy_tensor *t);

/* The statistics line "<title> | Stats: ..." (without title: the bare numbers) at INFO and, one
 * deeper at `detail`, values of small arrays and the histogram. `hist` is read only if that level
 * shows (px_detail_shows) and may be NULL otherwise. */
PX_MUST_USE pgy_status *px_log_stats(pgy_context *cx, const char *title, const px_pair *pair,
                                     px_which which, const px_stats *stats, const px_hist *hist,
                                     int detail);
bool px_detail_shows(const pgy_context *cx, int detail);
/* The smallest and largest element of two arrays: the range of their common histogram. */
void px_joint_range(const px_stats *a, const px_stats *b, double out[2]);

#endif
