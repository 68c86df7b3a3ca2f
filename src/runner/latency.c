/* runner/latency.c - average and percentiles of iteration times. */
#include "runner/latency.h"

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* `at` is in [0, 1]; samples are sorted. */
static double percentile_ms(const uint64_t *sorted, size_t n, double at)
{
    double position = (double)(n - 1) * at;
    size_t i = (size_t)position;
    double low = (double)sorted[i], high = (double)sorted[PX_MIN(i + 1, n - 1)];
    return (low + (high - low) * (position - (double)i)) / 1e6;
}

px_latency px_latency_of(uint64_t *elapsed_ns, size_t n)
{
    px_latency l = {0};
    if (n == 0)
        return l;
    qsort(elapsed_ns, n, sizeof *elapsed_ns, by_value);
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += elapsed_ns[i];
    l.total = (double)total / 1e6;
    l.mean = l.total / (double)n;
    l.median = percentile_ms(elapsed_ns, n, 0.5);
    l.p90 = percentile_ms(elapsed_ns, n, 0.9);
    l.p95 = percentile_ms(elapsed_ns, n, 0.95);
    l.p99 = percentile_ms(elapsed_ns, n, 0.99);
    l.min = (double)elapsed_ns[0] / 1e6;
    l.max = (double)elapsed_ns[n - 1] / 1e6;
    return l;
}
