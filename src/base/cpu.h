/* base/cpu.h - which vector instructions this processor has, read once. */
#ifndef PX_BASE_CPU_H
#define PX_BASE_CPU_H

#include <stdbool.h>

typedef struct px_cpu {
    bool avx2, fma, f16c, avx512f, avx512dq, avx512bw, avx512vl, neon;
    bool is_wide; /* only when asked for: no vectors, but the block sizes of AVX-512 */
} px_cpu;

/* POLYGRAPHY_CPU=scalar|wide|avx2 limits what is reported, for tests. */
const px_cpu *px_cpu_get(void);

#endif
