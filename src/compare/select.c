/* compare/select.c - radix selection; see select.h. */
#include "compare/select.h"

#include <string.h>

#define CHUNK 256 /* bins */

void px_select_init(px_select *s, px_work work)
{
    *s = (px_select){.n_levels = px_key_bits(work) / 16};
}

int px_select_add(px_select *s, int64_t rank)
{
    for (int i = 0; i < s->n_ranks; i++)
        if (s->rank[i] == rank)
            return i;
    s->rank[s->n_ranks] = s->within[s->n_ranks] = rank;
    return s->n_ranks++;
}

void px_select_start(px_select *s)
{
    s->n_targets = s->n_ranks > 0 ? 1 : 0;
    s->target[0] = 0;
}

bool px_select_done(const px_select *s)
{
    return s->n_ranks == 0 || s->level == s->n_levels;
}

/* Least significant byte first; bytes that are the same in all keys take no pass. */
static void sort_keys(uint64_t *keys, uint64_t *other, size_t n)
{
    uint32_t counts[8][256] = {{0}};
    uint64_t *from = keys, *to = other;
    for (size_t i = 0; i < n; i++)
        for (int d = 0; d < 8; d++)
            counts[d][keys[i] >> 8 * d & 255]++;
    for (int d = 0; d < 8; d++) {
        uint32_t at = 0;
        if (counts[d][keys[0] >> 8 * d & 255] == n)
            continue;
        for (int k = 0; k < 256; k++) {
            const uint32_t here = counts[d][k];
            counts[d][k] = at;
            at += here;
        }
        for (size_t i = 0; i < n; i++)
            to[counts[d][from[i] >> 8 * d & 255]++] = from[i];
        uint64_t *const swapped = from;
        from = to;
        to = swapped;
    }
    if (from != keys)
        memcpy(keys, from, n * sizeof *keys);
}

void px_select_sort(px_select *s, uint64_t *keys, uint64_t *scratch, int64_t n)
{
    sort_keys(keys, scratch, (size_t)n);
    for (int r = 0; r < s->n_ranks; r++)
        s->key[r] = keys[s->rank[r]];
    s->level = s->n_levels;
}

void px_select_count(const px_select *s, px_work work, const px_f32_kernels *k, const void *x,
                     int64_t n, uint64_t *keys, uint32_t *const *counts)
{
    if (work == PX_F32 && s->level == 0) {
        k->count_high(x, n, counts[0]);
        return;
    }
    if (work == PX_F32) {
        uint16_t highs[PX_MAX_RANKS];
        for (int t = 0; t < s->n_targets; t++)
            highs[t] = (uint16_t)(s->target[t] >> 48);
        k->count_low(x, n, highs, s->n_targets, counts);
        return;
    }
    px_t_keys(work, x, n, keys);
    const int shift = 48 - 16 * s->level;
    if (s->level == 0) {
        for (int64_t i = 0; i < n; i++)
            counts[0][keys[i] >> 48]++;
        return;
    }
    for (int64_t i = 0; i < n; i++)
        for (int t = 0; t < s->n_targets; t++)
            if (keys[i] >> (shift + 16) == s->target[t] >> (shift + 16))
                counts[t][keys[i] >> shift & 0xffff]++;
}

static int64_t total(uint32_t *const *counts, int n_parts, int target, int bin)
{
    int64_t sum = 0;
    for (int p = 0; p < n_parts; p++)
        sum += counts[p * PX_MAX_RANKS + target][bin];
    return sum;
}

/* Elements in each run of CHUNK bins, so that no rank has to walk over all bins. */
static void sum_chunks(uint32_t *const *counts, int n_parts, int target,
                       int64_t chunks[PX_RADIX_BINS / CHUNK])
{
    for (int c = 0; c < PX_RADIX_BINS / CHUNK; c++) {
        uint64_t sum = 0;
        for (int p = 0; p < n_parts; p++) {
            const uint32_t *const at = counts[p * PX_MAX_RANKS + target] + c * CHUNK;
            for (int i = 0; i < CHUNK; i++)
                sum += at[i];
        }
        chunks[c] = (int64_t)sum;
    }
}

void px_select_advance(px_select *s, uint32_t *const *counts, int n_parts)
{
    const int shift = 48 - 16 * s->level;
    for (int t = 0; t < s->n_targets; t++) {
        int64_t chunks[PX_RADIX_BINS / CHUNK];
        const uint64_t prefix = s->target[t];
        sum_chunks(counts, n_parts, t, chunks);
        for (int r = 0; r < s->n_ranks; r++) {
            if (s->key[r] != prefix)
                continue;
            int bin = 0;
            for (; bin < PX_RADIX_BINS - CHUNK && s->within[r] >= chunks[bin / CHUNK]; bin += CHUNK)
                s->within[r] -= chunks[bin / CHUNK];
            for (; bin < PX_RADIX_BINS - 1; bin++) {
                const int64_t here = total(counts, n_parts, t, bin);
                if (s->within[r] < here)
                    break;
                s->within[r] -= here;
            }
            s->key[r] |= (uint64_t)bin << shift;
        }
    }
    s->level++;
    s->n_targets = 0;
    for (int r = 0; r < s->n_ranks; r++) {
        int t = 0;
        while (t < s->n_targets && s->target[t] != s->key[r])
            t++;
        if (t == s->n_targets)
            s->target[s->n_targets++] = s->key[r];
    }
}
