/* cli/progress.h - one line on a terminal that says how far long work is.
 *
 *     Comparing |##########..........| 50%  32/64, 12.3/s, 3 s left
 *
 * It stands on standard error, on a terminal only, and is erased before any message. Work shorter
 * than half a second never shows it.
 */
#ifndef PX_CLI_PROGRESS_H
#define PX_CLI_PROGRESS_H

#include "base/progress.h"

typedef struct px_progress_line {
    bool use_color;
    bool is_drawn;
    char what[64]; /* empty: no work */
    uint64_t start_ns, drawn_ns;
    uint64_t start_done, last_done;
} px_progress_line;

/* Is standard error a terminal that can erase a line? */
bool px_progress_line_can(void);
/* A px_progress_fn; `user` is the px_progress_line. */
void px_progress_line_report(void *user, const px_progress_report *report);
void px_progress_line_erase(px_progress_line *line);
/* The text of the line, at most `columns` wide; `elapsed_s` since the first report. */
void px_progress_line_print(px_buf *b, const px_progress_line *line, const px_progress_report *r,
                            double elapsed_s, size_t columns);

#endif
