/* bench/bench_peak.c - what this processor's float64 arithmetic can give, and what the
 * interpreter's matrix product makes of it.
 *
 *     bench_peak [ROUNDS]
 *
 * Prints Gflop/s of processor time (a fused multiply-add is two), the best of the rounds: the tile
 * on operands that stay in the first-level cache, which no product can pass, and whole products on
 * one and on all threads. Processor time, so that other work on the machine changes little.
 */
#include "backend/ref/gemm.h"
#include "backend/ref/ref.h"
#include "base/context.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double *ones(int64_t n)
{
    double *x = px_mem_alloc_aligned((size_t)n * sizeof *x);
    for (int64_t i = 0; x && i < n; i++)
        x[i] = 1;
    return x;
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool tile_peak(int rounds)
{
    enum { K = 96, REPEATS = 200000 };
    const px_gemm_isa *isa = px_gemm_isa_get();
    double *a = ones(K * PX_GEMM_MAX_MR), *b = ones(K * PX_GEMM_MAX_NR);
    double *c = ones(PX_GEMM_MAX_MR * PX_GEMM_MAX_NR);
    double best = 0;
    for (int r = 0; a && b && c && r < rounds; r++) {
        const double start = cpu_s();
        for (int i = 0; i < REPEATS; i++)
            isa->tile(K, a, b, c, isa->nr, false);
        best = PX_MAX(best, 2.0 * K * isa->mr * isa->nr * REPEATS / (cpu_s() - start) * 1e-9);
    }
    printf("tile %s %dx%d: %.1f Gflop/s of a core\n", isa->name, isa->mr, isa->nr, best);
    px_mem_free(a);
    px_mem_free(b);
    px_mem_free(c);
    return best > 0;
}

static bool product(pgy_context *cx, int64_t m, int64_t n, int64_t k, int rounds)
{
    double *a = ones(m * k), *b = ones(k * n), *c = ones(m * n);
    const double flop = 2.0 * (double)m * (double)n * (double)k;
    double best_cpu = 0, best_wall = 0;
    bool ok = a && b && c;
    for (int r = 0; ok && r < rounds; r++) {
        const double start = cpu_s();
        const uint64_t start_ns = px_time_ns();
        pgy_status *st = px_ref_gemm(cx, false, false, m, n, k, 1, a, k, b, n, 0, c, n);
        ok = st == NULL;
        pgy_status_free(st);
        best_wall = PX_MAX(best_wall, flop / (double)(px_time_ns() - start_ns));
        best_cpu = PX_MAX(best_cpu, flop / (cpu_s() - start) * 1e-9);
    }
    printf("%lld x %lld x %lld, %s: %.1f Gflop/s of a core, %.1f of the machine\n", (long long)m,
           (long long)n, (long long)k, cx ? "all threads" : "one thread", best_cpu, best_wall);
    px_mem_free(a);
    px_mem_free(b);
    px_mem_free(c);
    return ok;
}

int main(int argc, char **argv)
{
    const int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 5;
    pgy_context *cx = NULL;
    pgy_status *st = pgy_context_new(&cx);
    const bool ok = !st && tile_peak(rounds) && product(NULL, 1024, 1024, 1024, rounds) &&
                    product(cx, 1024, 1024, 1024, rounds) && product(cx, 128, 3072, 768, rounds) &&
                    product(cx, 64, 12544, 576, rounds);
    pgy_status_free(st);
    pgy_context_free(cx);
    return ok ? 0 : 1;
}
