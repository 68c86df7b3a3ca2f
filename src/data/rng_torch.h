/* data/rng_torch.h - what torch's CPU generator draws, without torch.
 *
 * The same MT19937 as numpy's, used differently: see rng_torch.c. Verified against torch 1.13
 * and 2.6; integers of ranges with 2^28 values and more are drawn in another way from torch 2.7 on.
 */
#ifndef PX_DATA_RNG_TORCH_H
#define PX_DATA_RNG_TORCH_H

#include "data/rng_mt.h"

/* torch.rand: numbers of [0, 1) in a floating `dtype`; types that torch has no rule for here are
 * drawn as float32 and rounded. */
void px_rng_torch_rand(px_rng_mt *rng, pgy_dtype dtype, void *dst, int64_t n);

/* torch.randint(lo, hi + 1): integers of [lo, hi], lo <= hi, of any integer `dtype` or bool. The
 * bounds are bit patterns as in px_rng_mt_integers. */
void px_rng_torch_integers(px_rng_mt *rng, uint64_t lo, uint64_t hi, pgy_dtype dtype, void *dst,
                           int64_t n);

#endif
