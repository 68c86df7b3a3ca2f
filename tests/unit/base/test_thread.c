/* Parallel loops cover their range once. */
#include "test_base.h"

#include "base/thread.h"

#include <stdatomic.h>

enum { N = 100003 };
static atomic_int hits[N];

static void mark(void *arg, int64_t begin, int64_t end)
{
    PX_UNUSED(arg);
    for (int64_t i = begin; i < end; i++)
        atomic_fetch_add(&hits[i], 1);
}

static void nested(void *arg, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++)
        px_parallel_for(arg, N, 100, mark, NULL);
}

static void every_index_once(void **state)
{
    PX_UNUSED(state);
    for (int threads = 1; threads <= 8; threads *= 2) {
        pgy_context *cx;
        assert_ok(pgy_context_new(&cx));
        pgy_context_set_threads(cx, threads);
        for (int i = 0; i < N; i++)
            atomic_store(&hits[i], 0);
        for (int round = 0; round < 20; round++)
            px_parallel_for(cx, N, 7, mark, NULL);
        px_parallel_for(cx, 4, 1, nested, cx);
        for (int i = 0; i < N; i++)
            assert_int_equal(atomic_load(&hits[i]), 24);
        pgy_context_free(cx);
    }
}

/* Jobs so short that workers come late, one after another: none may touch the next one's range or
 * miss the end of the pool. */
static void short_jobs(void **state)
{
    PX_UNUSED(state);
    for (int threads = 2; threads <= 8; threads += 3) {
        pgy_context *cx;
        assert_ok(pgy_context_new(&cx));
        pgy_context_set_threads(cx, threads);
        int expected[42] = {0};
        for (int i = 0; i < N; i++)
            atomic_store(&hits[i], 0);
        for (int job = 0; job < 3000; job++) {
            const int n = 2 + job % 40;
            px_parallel_for(cx, n, 1, mark, NULL);
            for (int i = 0; i < 42; i++)
                expected[i] += i < n;
            for (int i = 0; i < 42; i++)
                assert_int_equal(atomic_load(&hits[i]), expected[i]);
        }
        pgy_context_free(cx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_index_once),
                                       cmocka_unit_test(short_jobs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
