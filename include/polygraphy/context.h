/* polygraphy/context.h - what every call shares: log sink, limits, threads.
 *
 * A context may be used from one thread at a time; several contexts are independent.
 */
#ifndef POLYGRAPHY_CONTEXT_H
#define POLYGRAPHY_CONTEXT_H

#include "polygraphy/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Severities and verbosity levels share one scale; a message shows when severity >= level. */
typedef enum pgy_severity {
    PGY_LOG_ULTRA_VERBOSE = -20,
    PGY_LOG_SUPER_VERBOSE = -10,
    PGY_LOG_EXTRA_VERBOSE = 0,
    PGY_LOG_VERBOSE = 10,
    PGY_LOG_INFO = 20,
    PGY_LOG_START = 22,
    PGY_LOG_FINISH = 28,
    PGY_LOG_WARNING = 30,
    PGY_LOG_ERROR = 40,
    PGY_LOG_CRITICAL = 50
} pgy_severity;

typedef struct pgy_context pgy_context;

/* Receives each finished message (may hold several lines, no trailing newline, no prefix).
 * `origin` is the reference's source path that per-path verbosity matches, e.g.
 * "comparator/comparator.py"; `indent` is the nesting depth. */
typedef void (*pgy_log_fn)(void *user, pgy_severity severity, const char *origin, int indent,
                           const char *message, size_t length);

PGY_API PGY_MUST_USE pgy_status *pgy_context_new(pgy_context **out);
PGY_API void pgy_context_free(pgy_context *cx);
/* NULL `fn` silences the context (the default). */
PGY_API void pgy_context_set_log(pgy_context *cx, pgy_log_fn fn, void *user);
/* Level for every origin without one of its own; default PGY_LOG_INFO. */
PGY_API void pgy_context_set_level(pgy_context *cx, int level);
/* Worker threads for our own kernels; 0 (default) means one per CPU of the affinity mask. */
PGY_API void pgy_context_set_threads(pgy_context *cx, int n_threads);
/* Kept outputs above this many bytes go to an unlinked temporary file; 0 (default): half of memory.
 */
PGY_API void pgy_context_set_memory_budget(pgy_context *cx, uint64_t size);

/* Asks what runs on the context to end, until it is set to false again: inference then fails with
 * PGY_ERR_CANCELLED. The reference interpreter ends before its next operator, also inside of a
 * loop; a runner in a process of its own is ended at once; the other runtimes finish the inference
 * that they are in, and begin no other. Any thread may call it, and a signal handler. */
PGY_API void pgy_context_set_cancelled(pgy_context *cx, bool is_cancelled);

#ifdef __cplusplus
}
#endif
#endif
