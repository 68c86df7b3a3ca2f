/* cli/progress.h - one line on a terminal that says how far long work is.
 *
 *     Comparing |##########..........| 50%  32/64, 12.3/s, 3 s left
 *
 * It stands on standard error, on a terminal only, and is erased before any message. Work shorter
 * than half a second never shows it. Of work inside other work, the one that was reported last is
 * shown.
 */
#ifndef PX_CLI_PROGRESS_H
#define PX_CLI_PROGRESS_H

#include "base/progress.h"

enum { PX_PROGRESS_LEVELS = 8 };

typedef struct px_progress_work {
    char what[64];
    uint64_t start_ns;
    uint64_t start_done, last_done;
} px_progress_work;

typedef struct px_progress_line {
    bool use_color;
    bool is_drawn;
    uint64_t drawn_ns;
    px_progress_work work[PX_PROGRESS_LEVELS]; /* each inside the one before it */
    size_t n_work;
} px_progress_line;

/* Is standard error a terminal that can erase a line? */
bool px_progress_line_can(void);
/* A px_progress_fn; `user` is the px_progress_line. */
void px_progress_line_report(void *user, const px_progress_report *report);
void px_progress_line_erase(px_progress_line *line);
/* The text of the line, at most `columns` wide; `elapsed_s` since the first report. */
void px_progress_work_print(px_buf *b, const px_progress_work *work, const px_progress_report *r,
                            double elapsed_s, size_t columns);

#endif
