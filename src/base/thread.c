/* base/thread.c - the context's worker pool.
 *
 * One job at a time: workers wait for it, take ranges off an atomic counter, and the caller waits
 * for those who joined. A worker that wakes too late finds the job closed and is not waited for:
 * short jobs, of which a model has hundreds, do not pay for waking every thread. Between jobs
 * everybody looks again for SPIN_NS before it sleeps. A nested or concurrent call finds the pool
 * busy and runs on its own thread.
 */
#include "base/thread.h"

#include "base/context.h"
#include "base/log.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 1000000 };

struct px_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake, idle;
    pthread_t *threads;
    int n_threads; /* workers, the caller not counted */
    bool may_spin; /* every thread has a processor of its own */
    atomic_bool stop, busy;

    /* Odd while a job is open. The caller closes it and then reads n_inside, a worker enters
     * n_inside and then reads job: so one of the two sees the other, and the members below change
     * only while nobody uses them. */
    atomic_uint_fast64_t job;
    atomic_int n_inside, n_asleep;
    atomic_bool is_waited_for; /* the caller sleeps until n_inside is 0 */

    px_range_fn fn;
    void *arg;
    int64_t n, step;
    atomic_int_fast64_t next;
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_ranges(px_pool *pool)
{
    for (;;) {
        int64_t begin = atomic_fetch_add(&pool->next, pool->step);
        if (begin >= pool->n)
            return;
        pool->fn(pool->arg, begin, PX_MIN(begin + pool->step, pool->n));
    }
}

/* A job that is open and not job number `done`, or the end of the pool. */
static bool has_news(px_pool *pool, uint64_t done)
{
    const uint64_t job = atomic_load(&pool->job);
    return (job % 2 == 1 && job != done) || atomic_load(&pool->stop);
}

static bool is_empty(px_pool *pool, uint64_t unused)
{
    PX_UNUSED(unused);
    return atomic_load(&pool->n_inside) == 0;
}

/* True when it came true within SPIN_NS. */
static bool spin(px_pool *pool, bool (*is_so)(px_pool *, uint64_t), uint64_t arg)
{
    const uint64_t end = px_time_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 32; i++) {
            if (is_so(pool, arg))
                return true;
            relax();
        }
    } while (px_time_ns() < end);
    return false;
}

static void wait_for_news(px_pool *pool, uint64_t done)
{
    if (pool->may_spin && spin(pool, has_news, done))
        return;
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->n_asleep, 1); /* before the look: a caller opens, then reads it */
    while (!has_news(pool, done))
        pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->n_asleep, 1);
    pthread_mutex_unlock(&pool->lock);
}

static void *worker(void *arg)
{
    px_pool *pool = arg;
    uint64_t done = 0;
    for (;;) {
        wait_for_news(pool, done);
        if (atomic_load(&pool->stop))
            return NULL;
        atomic_fetch_add(&pool->n_inside, 1);
        const uint64_t job = atomic_load(&pool->job);
        if (job % 2 == 1) {
            take_ranges(pool);
            done = job;
        }
        if (atomic_fetch_sub(&pool->n_inside, 1) == 1 && atomic_load(&pool->is_waited_for)) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->idle);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

static void wake_sleepers(px_pool *pool)
{
    if (atomic_load(&pool->n_asleep) == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

/* After the job was closed. */
static void wait_until_empty(px_pool *pool)
{
    if (is_empty(pool, 0) || (pool->may_spin && spin(pool, is_empty, 0)))
        return;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->is_waited_for, true); /* before the look: a worker leaves, then reads it */
    while (!is_empty(pool, 0))
        pthread_cond_wait(&pool->idle, &pool->lock);
    atomic_store(&pool->is_waited_for, false);
    pthread_mutex_unlock(&pool->lock);
}

void px_pool_free(px_pool *pool)
{
    if (pool == NULL)
        return;
    atomic_store(&pool->stop, true);
    wake_sleepers(pool);
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
    pool->may_spin = n < px_processors();
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

    pool->fn = fn;
    pool->arg = arg;
    pool->n = n;
    pool->step = step;
    atomic_store(&pool->next, 0);
    atomic_fetch_add(&pool->job, 1);
    wake_sleepers(pool);
    take_ranges(pool);
    atomic_fetch_add(&pool->job, 1);
    wait_until_empty(pool);
    atomic_store(&pool->busy, false);
}

uint64_t px_time_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int px_processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef CPU_COUNT
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
#endif
    return n > 0 ? (int)n : 1;
}
