/* Latency summary. */
#include "test_base.h"

#include "runner/latency.h"

static void summary_of_known_samples(void **state)
{
    PX_UNUSED(state);
    uint64_t ns[] = {4000000, 1000000, 3000000, 2000000};
    px_latency l = px_latency_of(ns, 4);
    assert_true(l.total == 10.0 && l.mean == 2.5 && l.median == 2.5);
    assert_true(l.min == 1.0 && l.max == 4.0);
    assert_true(l.p90 > 3.69 && l.p90 < 3.71);
}

static void nothing_and_one(void **state)
{
    PX_UNUSED(state);
    uint64_t ns[] = {5000000};
    px_latency none = px_latency_of(ns, 0), one = px_latency_of(ns, 1);
    assert_true(none.total == 0.0 && none.median == 0.0);
    assert_true(one.median == 5.0 && one.p99 == 5.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summary_of_known_samples),
        cmocka_unit_test(nothing_and_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
