/* base/context.h - the inside of pgy_context. */
#ifndef PX_BASE_CONTEXT_H
#define PX_BASE_CONTEXT_H

#include "base/progress.h"
#include "base/px.h"
#include "polygraphy/context.h"

#include <stdatomic.h>

typedef struct px_pool px_pool;
struct pgy_backend_ops;

struct pgy_context {
    pgy_log_fn log_fn;
    void *log_user;
    px_progress_fn progress_fn; /* NULL: nobody listens */
    void *progress_user;
    int level;     /* default */
    int min_level; /* lowest of all levels: the quick test */
    px_map levels; /* path node -> (level + LEVEL_BIAS), NULL: node without own level */
    px_map seen;   /* texts of "once" messages */
    int indent;
    int n_mutes;   /* > 0: only criticals are shown */
    int n_threads; /* 0: one per CPU of the affinity mask */
    uint64_t memory_budget;
    atomic_bool is_cancelled;
    px_pool *pool;                           /* made on first use */
    const struct pgy_backend_ops **backends; /* registered at run time, newest last */
    size_t n_backends, cap_backends;
};

void px_pool_free(px_pool *pool);
/* In a forked child: threads of the parent's pool do not exist there. */
void px_context_forked(pgy_context *cx);

#endif
