/* data/feed.h - one iteration's inputs, and fitting them to what a runner takes. */
#ifndef PX_DATA_FEED_H
#define PX_DATA_FEED_H

#include "base/px.h"
#include "data/loader.h"
#include "polygraphy/backend.h"

/* The feed's names and tensors, borrowed. */
static inline pgy_feed px_feed_view(const px_feed *feed)
{
    return (pgy_feed){feed->n, (const char *const *)feed->names, feed->tensors};
}

/* Makes of `feed` exactly the `n` inputs of a session, in their order: `out` is empty and then
 * owns names and references.
 * An input is found by its name, else by the first name where one contains the other (letter case
 * ignored), else by position; a different dtype is cast, a different shape goes through
 * px_match_shape. Each such step is logged as the reference does; entries nobody asked for are
 * dropped. When an input cannot be used, `loader` (may be NULL) generates one for iteration
 * `index`. Errors: USAGE naming the input, what it is and what is wanted. Mirrors:
 * comparator/data_loader.py DataLoaderCache. */
PX_MUST_USE pgy_status *px_feed_adapt(pgy_context *cx, const pgy_feed *feed, const pgy_io *inputs,
                                      size_t n, const px_loader *loader, int64_t index,
                                      px_feed *out);

#endif
