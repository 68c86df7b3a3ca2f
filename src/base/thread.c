/* base/thread.c - the context's worker pool.
 *
 * One job at a time: workers sleep on a condition, take ranges off an atomic counter, and the
 * caller waits until all ranges are done. A nested or concurrent call finds the pool busy and runs
 * on its own thread.
 */
#include "base/thread.h"

#include "base/context.h"
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

struct px_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake, idle;
    pthread_t *threads;
    int n_threads; /* workers, the caller not counted */
    int n_active;  /* workers inside the current job */
    uint64_t job;  /* counts jobs: a worker joins each once */
    bool stop;
    atomic_bool busy;

    px_range_fn fn;
    void *arg;
    int64_t n, step;
    atomic_int_fast64_t next;
};

static void take_ranges(px_pool *pool)
{
    for (;;) {
        int64_t begin = atomic_fetch_add(&pool->next, pool->step);
        if (begin >= pool->n)
            return;
        pool->fn(pool->arg, begin, PX_MIN(begin + pool->step, pool->n));
    }
}

static void *worker(void *arg)
{
    px_pool *pool = arg;
    uint64_t done = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->stop && pool->job == done)
            pthread_cond_wait(&pool->wake, &pool->lock);
        if (pool->stop)
            break;
        done = pool->job;
        pthread_mutex_unlock(&pool->lock);
        take_ranges(pool);
        pthread_mutex_lock(&pool->lock);
        if (--pool->n_active == 0)
            pthread_cond_signal(&pool->idle);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

void px_pool_free(px_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->n_threads; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->idle);
    pthread_mutex_destroy(&pool->lock);
    px_mem_free(pool->threads);
    px_mem_free(pool);
}

void px_context_forked(pgy_context *cx)
{
    cx->pool = NULL;        /* the copy cannot be ended, only left */
    cx->progress_fn = NULL; /* the parent draws */
}

/* NULL when there is nothing to gain or no thread can be had: the caller then works alone. */
static px_pool *pool_of(pgy_context *cx)
{
    if (cx->pool != NULL)
        return cx->pool;
    int n = px_context_threads(cx) - 1;
    if (n < 1)
        return NULL;
    px_pool *pool = px_mem_calloc(1, sizeof *pool);
    pthread_t *threads = px_mem_calloc((size_t)n, sizeof *threads);
    if (pool == NULL || threads == NULL) {
        px_mem_free(pool);
        px_mem_free(threads);
        return NULL;
    }
    pool->threads = threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->idle, NULL);
    while (pool->n_threads < n &&
           pthread_create(&threads[pool->n_threads], NULL, worker, pool) == 0)
        pool->n_threads++;
    cx->pool = pool;
    return pool;
}

void px_parallel_for(pgy_context *cx, int64_t n, int64_t grain, px_range_fn fn, void *arg)
{
    if (n <= 0)
        return;
    grain = PX_MAX(grain, 1);
    px_pool *pool = cx != NULL && n > grain ? pool_of(cx) : NULL;
    if (pool == NULL || pool->n_threads == 0 || atomic_exchange(&pool->busy, true)) {
        fn(arg, 0, n);
        return;
    }
    /* About eight ranges a thread evens out uneven work without many trips to the counter. */
    int64_t n_ranges = (int64_t)(pool->n_threads + 1) * 8;
    int64_t step = (n + n_ranges - 1) / n_ranges;
    step = (step + grain - 1) / grain * grain;

    pthread_mutex_lock(&pool->lock);
    pool->fn = fn;
    pool->arg = arg;
    pool->n = n;
    pool->step = step;
    atomic_store(&pool->next, 0);
    pool->n_active = pool->n_threads;
    pool->job++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);

    take_ranges(pool);

    pthread_mutex_lock(&pool->lock);
    while (pool->n_active > 0)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    atomic_store(&pool->busy, false);
}

uint64_t px_time_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
