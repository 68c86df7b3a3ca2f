/* compare/select.h - order statistics by counting, without sorting or copying.
 *
 * Values become unsigned keys of equal order. Each pass over the data counts, for every distinct
 * known prefix, which 16 bits follow; walking the counts to a rank fixes 16 bits more of its key.
 * After key_bits / 16 passes all ranks are exact.
 */
#ifndef PX_COMPARE_SELECT_H
#define PX_COMPARE_SELECT_H

#include "compare/kernels/typed.h"

#define PX_MAX_RANKS 12
/* Up to so many elements their keys are sorted: the bins would be more than the elements. */
#define PX_SELECT_SORTED ((int64_t)1 << 15)

typedef struct px_select {
    int n_ranks;
    int64_t rank[PX_MAX_RANKS];   /* 0-based position in sorted order */
    int64_t within[PX_MAX_RANKS]; /* position among the elements that share the prefix */
    uint64_t key[PX_MAX_RANKS];   /* known upper bits, the rest 0 */
    int level, n_levels;          /* passes done and needed */
    int n_targets;                /* distinct prefixes the next pass counts for */
    uint64_t target[PX_MAX_RANKS];
} px_select;

void px_select_init(px_select *s, px_work work);
/* Position of `rank` in `key`; a rank asked for twice is kept once. */
int px_select_add(px_select *s, int64_t rank);
/* Call after the last rank was added: one target, the empty prefix. */
void px_select_start(px_select *s);
bool px_select_done(const px_select *s);
/* Counts one block into counts[target][bin]. `keys` is scratch for PX_BLOCK of them. */
void px_select_count(const px_select *s, px_work work, const px_f32_kernels *k, const void *x,
                     int64_t n, uint64_t *keys, uint32_t *const *counts);
/* Reads what `n_parts` threads counted (counts[part * PX_MAX_RANKS + target]) and goes one level
 * down. */
void px_select_advance(px_select *s, uint32_t *const *counts, int n_parts);

/* The other way, for few elements: sets all keys from those of the n elements, which get sorted. */
void px_select_sort(px_select *s, uint64_t *keys, uint64_t *scratch, int64_t n);

#endif
