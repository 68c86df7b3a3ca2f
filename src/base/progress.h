/* base/progress.h - how far long work is, told to whoever draws it.
 *
 * Nothing is drawn here; without a listener a report costs one test. One report at a time: they
 * come from the thread that the context belongs to, or from threads that it waits for and that take
 * turns.
 */
#ifndef PX_BASE_PROGRESS_H
#define PX_BASE_PROGRESS_H

#include "base/px.h"
#include "polygraphy/context.h"

typedef enum px_progress_unit { PX_PROGRESS_THINGS, PX_PROGRESS_BYTES } px_progress_unit;

typedef struct px_progress_report {
    const char *what;     /* "Saving", for the call; another text is work inside this one */
    uint64_t done, total; /* total 0: not known */
    px_progress_unit unit;
    bool is_over; /* the work, and what is inside it; the other numbers say nothing */
} px_progress_report;

typedef void (*px_progress_fn)(void *user, const px_progress_report *report);

/* NULL `fn`: nobody listens, as where the context is NULL in the calls below. */
void px_progress_set(pgy_context *cx, px_progress_fn fn, void *user);
bool px_progress_is_on(const pgy_context *cx);
void px_progress(pgy_context *cx, const char *what, uint64_t done, uint64_t total);
void px_progress_bytes(pgy_context *cx, const char *what, uint64_t done, uint64_t total);
/* Work that was never reported may be ended, too. */
void px_progress_end(pgy_context *cx, const char *what);

#endif
