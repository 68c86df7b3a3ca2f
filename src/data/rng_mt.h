/* data/rng_mt.h - numpy's legacy generator (numpy.random.RandomState), bit for bit.
 *
 * MT19937 seeded with one 32-bit integer. Every draw consumes exactly the words that
 * RandomState's uniform() and randint() would, so several inputs may share one generator.
 */
#ifndef PX_DATA_RNG_MT_H
#define PX_DATA_RNG_MT_H

#include "base/px.h"
#include "polygraphy/tensor.h"

#define PX_MT_WORDS 624

typedef struct px_rng_mt {
    uint32_t key[PX_MT_WORDS]; /* the state after `words` was made from it */
    uint32_t words[PX_MT_WORDS];
    int pos; /* words used; PX_MT_WORDS: the next draw makes new ones */
} px_rng_mt;

void px_rng_mt_seed(px_rng_mt *rng, uint32_t seed);
uint32_t px_rng_mt_u32(px_rng_mt *rng);
/* High word first. */
uint64_t px_rng_mt_u64(px_rng_mt *rng);

/* Fills `n` elements of a floating `dtype` with uniform numbers of [lo, hi): drawn and scaled in
 * double, then rounded to nearest even. An infinite bound gives what numpy gives (infinities).
 * 4-bit elements are packed. */
void px_rng_mt_uniform(px_rng_mt *rng, double lo, double hi, pgy_dtype dtype, void *dst, int64_t n);

/* Fills `n` elements of an integer `dtype` or bool with numbers of [lo, hi], by masked rejection.
 * The bounds are the bit patterns of values that fit the dtype (sign-extended for signed ones),
 * lo <= hi. Types narrower than 8 bits draw like 8-bit ones and are packed. */
void px_rng_mt_integers(px_rng_mt *rng, uint64_t lo, uint64_t hi, pgy_dtype dtype, void *dst,
                        int64_t n);

#endif
