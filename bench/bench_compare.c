/* bench/bench_compare.c - comparing two large float32 arrays with all statistics.
 *
 *     bench_compare [MILLIONS_OF_ELEMENTS] [THREADS]
 *
 * Prints, for differing and for equal arrays: the passes that give every number of the log, the
 * four histograms of a failed output, and the kernels one by one.
 */
#include "base/mem.h"
#include "base/thread.h"
#include "compare/hist.h"
#include "compare/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Processor time of all threads: what a busy machine does not change. */
static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static double seconds(uint64_t since)
{
    return (double)(px_time_ns() - since) * 1e-9;
}

static void die_on(pgy_status *st)
{
    if (st == NULL)
        return;
    fprintf(stderr, "%s\n", pgy_status_message(st));
    exit(1);
}

static void fill(float *x, int64_t n, uint64_t seed)
{
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        x[i] = (float)(seed >> 40) * 0x1p-24f;
    }
}

static void time_pair(pgy_context *cx, const char *title, const pgy_tensor *a, const pgy_tensor *b)
{
    px_pair pair;
    px_pair_stats stats;
    px_hist hists[PX_N_OF];
    const double size = 2.0 * (double)a->size;
    die_on(px_pair_init(a, b, false, 1e-5, 1e-5, &pair));
    uint64_t t = px_time_ns();
    double cpu = cpu_seconds();
    die_on(px_pair_stats_of(cx, &pair, 15, NAN, &stats));
    const double all = seconds(t), used = cpu_seconds() - cpu;
    t = px_time_ns();
    cpu = cpu_seconds();
    die_on(px_hists_of(cx, &pair, 15, stats.of, NULL, hists));
    const double hist = seconds(t), hist_used = cpu_seconds() - cpu;
    printf("%-10s statistics %.3f s (cpu %.3f s, %.2f GB/s of input), histograms %.3f s (cpu %.3f "
           "s), mismatches %lld\n",
           title, all, used, size / all * 1e-9, hist, hist_used, (long long)stats.n_mismatch);
}

static void time_kernels(const px_f32_kernels *k, const float *a, const float *b, int64_t n)
{
    static float abs[PX_BLOCK], rel[PX_BLOCK];
    uint32_t *counts = px_mem_calloc(PX_RADIX_BINS, sizeof *counts);
    const uint16_t highs[4] = {0xbf00, 0xbf66, 0xbf73, 0xbf7d};
    uint32_t *const lows[4] = {counts, counts, counts, counts};
    px_k_ulp ulp = {0};
    float s0, s1, min, max, sink = 0;
    int64_t n0 = 0, n1 = 0;
    if (counts == NULL)
        die_on(px_status_nomem());
    static const char *const names[] = {"diff",      "moments", "sq_dev",     "count_high",
                                        "count_low", "ulp",     "count_edges"};
    static const float edges[PX_MAX_EDGES] = {0, .1f, .2f, .3f, .4f, .5f, .6f, .7f, .8f, .9f, 1};
    int64_t edge_counts[PX_MAX_EDGES] = {0};
    for (int which = 0; which < (int)PX_COUNTOF(names); which++) {
        const uint64_t t = px_time_ns();
        for (int64_t i = 0; i + PX_BLOCK <= n; i += PX_BLOCK) {
            const float *x = a + i;
            switch (which) {
            case 0:
                k->diff(x, b + i, PX_BLOCK, 1e-5f, 1e-5f, abs, rel, &n0, &n1);
                break;
            case 1:
                k->moments(x, PX_BLOCK, &s0, &s1, &min, &max);
                sink += s0 + min;
                break;
            case 2:
                sink += k->sq_dev(x, PX_BLOCK, 0.5f);
                break;
            case 3:
                k->count_high(x, PX_BLOCK, counts);
                break;
            case 4:
                k->count_low(x, PX_BLOCK, highs, 4, lows);
                break;
            case 5:
                k->ulp(x, b + i, PX_BLOCK, &ulp);
                break;
            default:
                k->count_edges(x, PX_BLOCK, edges, edge_counts);
                break;
            }
        }
        printf("  %-8s %-10s %.3f ns per element\n", k->name, names[which],
               seconds(t) * 1e9 / (double)n);
    }
    if (isnan(sink))
        printf("NaN\n");
    px_mem_free(counts);
}

int main(int argc, char **argv)
{
    const int64_t n = (argc > 1 ? strtol(argv[1], NULL, 10) : 64) << 20;
    pgy_context *cx = NULL;
    pgy_tensor *a = NULL, *b = NULL;
    die_on(pgy_context_new(&cx));
    if (argc > 2)
        pgy_context_set_threads(cx, (int)strtol(argv[2], NULL, 10));
    die_on(pgy_tensor_new(PGY_DTYPE_F32, 1, &n, &a));
    die_on(pgy_tensor_new(PGY_DTYPE_F32, 1, &n, &b));
    fill(a->data, n, 1);
    fill(b->data, n, 2);
    printf("%lld Mi float32, kernels: %s\n", (long long)(n >> 20), px_k_f32_get()->name);
    time_pair(cx, "different", a, b);
    time_pair(cx, "equal", a, a);
    time_kernels(&px_k_f32_scalar, a->data, b->data, n);
    if (px_k_f32_get() != &px_k_f32_scalar)
        time_kernels(px_k_f32_get(), a->data, b->data, n);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("peak memory %.0f MiB, data %.0f MiB\n", (double)usage.ru_maxrss / 1024,
           2.0 * (double)a->size / (1 << 20));
    pgy_tensor_free(a);
    pgy_tensor_free(b);
    pgy_context_free(cx);
    return 0;
}
