/* compare/ulp.c - see ulp.h. */
#include "compare/ulp.h"

#include <math.h>
#include <string.h>

bool px_ulp_applies(const px_pair *pair)
{
    const pgy_dtype d = pair->a->dtype;
    return pair->b != NULL && d == pair->b->dtype &&
           (d == PGY_DTYPE_F32 || d == PGY_DTYPE_F64 || d == PGY_DTYPE_F16 || d == PGY_DTYPE_BF16);
}

static void add(px_k_ulp *io, int64_t pa, int64_t pb)
{
    const uint64_t d = pa > pb ? (uint64_t)pa - (uint64_t)pb : (uint64_t)pb - (uint64_t)pa;
    io->max = PX_MAX(io->max, d);
    io->sum += d;
    io->n++;
}

static int64_t position16(uint16_t bits)
{
    const int64_t magnitude = bits & 0x7fff;
    return bits & 0x8000 ? -magnitude : magnitude;
}

static int64_t position64(double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int64_t magnitude = bits & INT64_MAX;
    return bits < 0 ? -magnitude : magnitude;
}

void px_ulp_add(const px_pair *pair, const px_pair_block *block, px_k_ulp *io)
{
    if (pair->a->dtype == PGY_DTYPE_F32) {
        pair->k->ulp(block->at[PX_OF_A], block->at[PX_OF_B], block->n, io);
        return;
    }
    if (pair->a->dtype == PGY_DTYPE_F64) {
        const double *a = block->at[PX_OF_A], *b = block->at[PX_OF_B];
        for (int64_t i = 0; i < block->n; i++)
            if (!isnan(a[i]) && !isnan(b[i]))
                add(io, position64(a[i]), position64(b[i]));
        return;
    }
    const float *fa = block->at[PX_OF_A], *fb = block->at[PX_OF_B];
    const char *a = (const char *)pair->a->data + 2 * block->first;
    const char *b = (const char *)pair->b->data + 2 * block->first;
    for (int64_t i = 0; i < block->n; i++) {
        uint16_t ba, bb;
        memcpy(&ba, a + 2 * i, 2);
        memcpy(&bb, b + 2 * i, 2);
        if (!isnan(fa[i]) && !isnan(fb[i]))
            add(io, position16(ba), position16(bb));
    }
}
