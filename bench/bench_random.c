/* bench/bench_random.c - drawing uniform float32 numbers as numpy's RandomState does.
 *
 *     bench_random [MILLIONS_OF_ELEMENTS] [ROUNDS]
 *
 * Prints the seconds of each round and, to compare with numpy's, the bits of the last element of
 * the first one.
 */
#include "base/mem.h"
#include "base/thread.h"
#include "data/rng_mt.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    const int64_t n = (argc > 1 ? strtol(argv[1], NULL, 10) : 64) << 20;
    const int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 3;
    static px_rng_mt rng;
    float *const x = px_mem_alloc_aligned((size_t)n * sizeof *x);
    if (x == NULL)
        return 1;
    px_rng_mt_seed(&rng, 1);
    for (int i = 0; i < rounds; i++) {
        const uint64_t start = px_time_ns();
        const clock_t cpu = clock();
        px_rng_mt_uniform(&rng, 0.0, 1.0, PGY_DTYPE_F32, x, n);
        printf("%.4f %.4f\n", (double)(px_time_ns() - start) * 1e-9,
               (double)(clock() - cpu) / CLOCKS_PER_SEC);
    }
    px_mem_free(x);
    return 0;
}
