/* runner/latency.h - times of a runner's iterations, summed up. */
#ifndef PX_RUNNER_LATENCY_H
#define PX_RUNNER_LATENCY_H

#include "base/px.h"

/* Milliseconds; all 0 for no samples. Percentiles interpolate linearly between samples. */
typedef struct px_latency {
    double total, mean, median, p90, p95, p99, min, max;
} px_latency;

/* Sorts `elapsed_ns` in place. */
px_latency px_latency_of(uint64_t *elapsed_ns, size_t n);

#endif
