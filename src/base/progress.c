/* base/progress.c - see progress.h. */
#include "base/progress.h"

#include "base/context.h"

void px_progress_set(pgy_context *cx, px_progress_fn fn, void *user)
{
    cx->progress_fn = fn;
    cx->progress_user = user;
}

bool px_progress_is_on(const pgy_context *cx)
{
    return cx != NULL && cx->progress_fn != NULL;
}

static void report(pgy_context *cx, const px_progress_report *r)
{
    if (cx != NULL && cx->progress_fn != NULL)
        cx->progress_fn(cx->progress_user, r);
}

void px_progress(pgy_context *cx, const char *what, uint64_t done, uint64_t total)
{
    report(cx, &(px_progress_report){what, done, total, PX_PROGRESS_THINGS, false});
}

void px_progress_bytes(pgy_context *cx, const char *what, uint64_t done, uint64_t total)
{
    report(cx, &(px_progress_report){what, done, total, PX_PROGRESS_BYTES, false});
}

void px_progress_end(pgy_context *cx, const char *what)
{
    report(cx, &(px_progress_report){.what = what, .is_over = true});
}
