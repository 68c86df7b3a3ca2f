/* base/cpu.c - vector instruction sets of this processor. */
#include "base/cpu.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static px_cpu cpu;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void detect(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    cpu.avx2 = __builtin_cpu_supports("avx2");
    cpu.fma = __builtin_cpu_supports("fma");
    cpu.f16c = cpu.avx2; /* every AVX2 processor has F16C */
    cpu.avx512f = __builtin_cpu_supports("avx512f");
    cpu.avx512dq = __builtin_cpu_supports("avx512dq");
    cpu.avx512bw = __builtin_cpu_supports("avx512bw");
    cpu.avx512vl = __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
    cpu.neon = true;
#endif
    const char *limit = getenv("POLYGRAPHY_CPU");
    if (limit != NULL && strcmp(limit, "scalar") == 0)
        cpu = (px_cpu){0};
    else if (limit != NULL && strcmp(limit, "wide") == 0)
        cpu = (px_cpu){.is_wide = true};
    else if (limit != NULL && strcmp(limit, "avx2") == 0)
        cpu.avx512f = cpu.avx512dq = cpu.avx512bw = cpu.avx512vl = false;
}

const px_cpu *px_cpu_get(void)
{
    pthread_once(&once, detect);
    return &cpu;
}
