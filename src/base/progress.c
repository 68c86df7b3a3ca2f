/* base/progress.c - see progress.h. */
#include "base/progress.h"

#include "base/context.h"

void px_progress_set(pgy_context *cx, px_progress_fn fn, void *user)
{
    cx->progress_fn = fn;
    cx->progress_user = user;
}

void px_progress(pgy_context *cx, const char *what, uint64_t done, uint64_t total,
                 px_progress_unit unit)
{
    if (cx->progress_fn == NULL)
        return;
    cx->progress_fn(cx->progress_user, &(px_progress_report){what, done, total, unit});
}

void px_progress_end(pgy_context *cx)
{
    if (cx->progress_fn != NULL)
        cx->progress_fn(cx->progress_user, NULL);
}
