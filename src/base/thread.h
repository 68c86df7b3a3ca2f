/* base/thread.h - parallel loops over index ranges.
 *
 * A pool is created on first use, kept by the context, and ended with it. The calling thread works
 * too. Results must not depend on how the range was cut: callers that reduce keep one partial per
 * fixed-size chunk and combine them in order.
 */
#ifndef PX_BASE_THREAD_H
#define PX_BASE_THREAD_H

#include "base/px.h"
#include "polygraphy/context.h"

/* Handles [begin, end); runs on any thread. */
typedef void (*px_range_fn)(void *arg, int64_t begin, int64_t end);

/* Calls `fn` for disjoint ranges that cover [0, n), each a multiple of `grain` long but the last.
 * Returns when all are done. Nested calls run on the calling thread. `cx` NULL: no threads. */
void px_parallel_for(pgy_context *cx, int64_t n, int64_t grain, px_range_fn fn, void *arg);

int px_processors(void);   /* that this process may run on */
uint64_t px_time_ns(void); /* monotonic */

#endif
