/* compare/bracket.c - see bracket.h.
 *
 * The position of the element of rank r in a sample of m out of n has a standard deviation of
 * sqrt(m p (1 - p)) with p = r / n. Bounds are taken five of them away on each side, so one guess
 * in a million fails. Where that leaves a single value, as in series with many equal elements,
 * nothing needs to be kept: the elements equal to it are counted.
 */
#include "compare/bracket.h"

#include "base/thread.h"

#include <math.h>

#define SAMPLE_MIN ((int64_t)1 << 16)
#define SAMPLE_MAX ((int64_t)1 << 19)
#define N_BINS 4096

/* ---- the sample ---- */

typedef struct sampling {
    const pgy_tensor *from;
    pgy_tensor *to;
} sampling;

/* One element from each stretch, at a place of no pattern: a regular distance would fall in step
 * with rows and channels. */
static void take_sample(void *arg, int64_t begin, int64_t end)
{
    const sampling *s = arg;
    const size_t size = (size_t)pgy_dtype_bits(s->from->dtype) / 8;
    const int64_t n = s->from->count, m = s->to->count;
    const int64_t stretch = n / m;
    for (int64_t i = begin; i < end; i++) {
        const uint64_t mixed = ((uint64_t)i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        const int64_t at = n / m * i + n % m * i / m + (int64_t)((mixed >> 32) % (uint64_t)stretch);
        memcpy((char *)s->to->data + (size_t)i * size,
               (const char *)s->from->data + (size_t)at * size, size);
    }
}

static pgy_status *sample_of(pgy_context *cx, const pgy_tensor *from, int64_t m, pgy_tensor **out)
{
    pgy_status *st = NULL;
    sampling job = {.from = from};
    PX_TRY(px_tensor_new_raw(from->dtype, 1, &m, &job.to));
    px_parallel_for(cx, m, 1024, take_sample, &job);
    *out = job.to;
done:
    return st;
}

bool px_sample_applies(const px_pair *pair)
{
    bool any = false;
    for (int i = 0; i < PX_N_OF; i++)
        any = any || (pair->work[i] == PX_F32 && (i == PX_OF_A || pair->b != NULL));
    return any && pgy_dtype_bits(pair->a->dtype) % 8 == 0 &&
           (pair->b == NULL || pgy_dtype_bits(pair->b->dtype) % 8 == 0);
}

pgy_status *px_sample_init(pgy_context *cx, const px_pair *pair, px_sample *out)
{
    pgy_status *st = NULL;
    px_sample s = {.pair = *pair};
    const int64_t m = PX_MIN(PX_MAX(pair->count / 16, SAMPLE_MIN), SAMPLE_MAX);
    s.pair.count = m;
    PX_TRY(sample_of(cx, pair->a, m, &s.a));
    s.pair.a = s.a;
    if (pair->b != NULL) {
        PX_TRY(sample_of(cx, pair->b, m, &s.b));
        s.pair.b = s.b;
    }
    *out = s;
    s = (px_sample){0};
done:
    px_sample_fini(&s);
    return st;
}

void px_sample_fini(px_sample *s)
{
    pgy_tensor_free(s->a);
    pgy_tensor_free(s->b);
    *s = (px_sample){0};
}

/* ---- guessing ---- */

/* Orders as the key does, and fits the vector units' signed comparison. */
static int32_t signed_key(uint64_t key)
{
    return (int32_t)((uint32_t)(key >> 32) ^ UINT32_C(0x80000000));
}

static uint64_t select_key(int32_t s)
{
    return (uint64_t)((uint32_t)s ^ UINT32_C(0x80000000)) << 32;
}

/* Fills select->key from the sample's own order. */
static pgy_status *select_in_sample(const px_sample *sample, px_which which, px_select *select)
{
    pgy_status *st = NULL;
    const px_pair *pair = &sample->pair;
    uint32_t *counts[PX_MAX_RANKS] = {NULL};
    void *scratch = px_mem_alloc_aligned(PX_PAIR_SCRATCH);
    if (scratch == NULL)
        PX_TRY(px_status_nomem());
    px_select_start(select);
    while (!px_select_done(select)) {
        for (int t = 0; t < select->n_targets; t++) {
            px_mem_free(counts[t]);
            counts[t] = NULL;
            PX_TRY(PX_ALLOC(counts[t], PX_RADIX_BINS));
        }
        for (int64_t i = 0; i < pair->count; i += PX_BLOCK) {
            px_pair_block block;
            px_pair_load(pair, scratch, i, PX_MIN(PX_BLOCK, pair->count - i), PX_NEED(which),
                         &block);
            px_select_count(select, PX_F32, pair->k, block.at[which], block.n, NULL, counts);
        }
        px_select_advance(select, counts, 1);
    }
done:
    for (int t = 0; t < PX_MAX_RANKS; t++)
        px_mem_free(counts[t]);
    px_mem_free(scratch);
    return st;
}

/* Ranks of the sample that the element of rank `first` to `last` of n hardly falls short of or goes
 * beyond; -1 and m stand for no bound. */
static void bounds_in_sample(int64_t first, int64_t last, int64_t n, int64_t m, int64_t out[2])
{
    for (int side = 0; side < 2; side++) {
        const double p = ((double)(side == 0 ? first : last) + 0.5) / (double)n;
        const double slack = 5 * sqrt((double)m * p * (1 - p)) + 2;
        const double at = (double)m * p + (side == 0 ? -slack : slack);
        out[side] = (int64_t)PX_MIN(PX_MAX(floor(at), -1.0), (double)m);
    }
}

typedef struct guess {
    int64_t rank[2]; /* of the sample */
    int32_t lo, hi;  /* signed keys, both included */
    double share;    /* of all elements that are expected between */
} guess;

static int by_rank(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Neighbouring ranks share one guess. */
static int guesses_of(const px_select *select, int64_t n, int64_t m, guess *out)
{
    int64_t ranks[PX_MAX_RANKS];
    int n_guesses = 0;
    memcpy(ranks, select->rank, sizeof ranks);
    qsort(ranks, (size_t)select->n_ranks, sizeof *ranks, by_rank);
    for (int i = 0; i < select->n_ranks;) {
        int last = i;
        while (last + 1 < select->n_ranks && ranks[last + 1] - ranks[last] <= 1)
            last++;
        bounds_in_sample(ranks[i], ranks[last], n, m, out[n_guesses++].rank);
        i = last + 1;
    }
    return n_guesses;
}

static void add_bracket(px_brackets *b, int32_t floor, int32_t top, int64_t cap)
{
    b->at.floor[b->at.n] = floor;
    b->at.top[b->at.n] = top;
    b->cap[b->at.n++] = cap;
}

pgy_status *px_brackets_guess(const px_sample *sample, px_which which, int64_t n,
                              const px_select *select, px_brackets *out)
{
    pgy_status *st = NULL;
    const int64_t m = sample->pair.count;
    guess guesses[PX_MAX_RANKS];
    px_select in_sample;
    px_brackets b = {0};
    const int n_guesses = guesses_of(select, n, m, guesses);
    px_select_init(&in_sample, PX_F32);
    for (int g = 0; g < n_guesses; g++)
        for (int side = 0; side < 2; side++)
            (void)px_select_add(&in_sample, PX_MIN(PX_MAX(guesses[g].rank[side], 0), m - 1));
    PX_TRY(select_in_sample(sample, which, &in_sample));
    for (int g = 0; g < n_guesses; g++) {
        guess *const at = &guesses[g];
        int32_t ends[2];
        for (int side = 0; side < 2; side++) {
            const int64_t rank = PX_MIN(PX_MAX(at->rank[side], 0), m - 1);
            ends[side] = signed_key(in_sample.key[px_select_add(&in_sample, rank)]);
        }
        at->lo = at->rank[0] < 0 ? INT32_MIN + 1 : ends[0];
        at->hi = at->rank[1] >= m ? INT32_MAX : ends[1];
        at->share = (double)(at->rank[1] - at->rank[0]) / (double)m;
    }
    for (int g = 0; g < n_guesses;) {
        guess at = guesses[g++];
        for (; g < n_guesses && guesses[g].lo <= at.hi; g++) {
            at.hi = PX_MAX(at.hi, guesses[g].hi);
            at.share += guesses[g].share;
        }
        if (at.lo == at.hi) { /* counted from both sides, not kept */
            add_bracket(&b, at.lo - 1, at.lo - 1, 0);
            add_bracket(&b, at.lo, at.lo, 0);
        } else {
            add_bracket(&b, at.lo - 1, at.hi, (int64_t)(at.share * 1.3 * (double)n) + 1024);
        }
    }
    *out = b;
done:
    return st;
}

/* ---- what threads gather ---- */

pgy_status *px_bracket_part_init(const px_brackets *b, px_bracket_part *out)
{
    pgy_status *st = NULL;
    for (int t = 0; t < b->at.n; t++) {
        out->found.cap[t] = b->cap[t];
        PX_TRY(PX_ALLOC(out->found.at[t], (size_t)b->cap[t]));
    }
done:
    return st;
}

void px_bracket_part_fini(px_bracket_part *part)
{
    for (int t = 0; t < PX_MAX_BRACKETS; t++)
        px_mem_free(part->found.at[t]);
    *part = (px_bracket_part){0};
}

/* ---- results ---- */

typedef struct kept {
    const px_bracket_part *first;
    int n_parts;
    size_t stride;
    int t; /* of this bracket */
} kept;

static const px_bracket_part *part_of(const kept *k, int i)
{
    return (const px_bracket_part *)(const void *)((const char *)k->first + (size_t)i * k->stride);
}

/* Counts the kept keys of [lo, lo + N_BINS << shift) by the bits above `shift`. */
static void count_bins(const kept *k, int32_t lo, int shift, uint32_t *bins)
{
    for (int p = 0; p < k->n_parts; p++) {
        const px_k_found *f = &part_of(k, p)->found;
        for (int64_t i = 0; i < f->n[k->t]; i++) {
            const uint32_t bin = ((uint32_t)f->at[k->t][i] - (uint32_t)lo) >> shift;
            if (f->at[k->t][i] >= lo && bin < N_BINS)
                bins[bin]++;
        }
    }
}

/* The key of rank `rank` among the kept ones, all of which are in [lo, hi]: the range is cut into
 * bins until a bin is one key. */
static int32_t key_of_rank(const kept *k, int32_t lo, int32_t hi, int64_t rank)
{
    uint32_t bins[N_BINS];
    int shift = 0;
    while (((uint32_t)hi - (uint32_t)lo) >> shift >= N_BINS)
        shift++;
    for (;;) {
        memset(bins, 0, sizeof bins);
        count_bins(k, lo, shift, bins);
        uint32_t bin = 0;
        while (bin < N_BINS - 1 && rank >= bins[bin])
            rank -= bins[bin++];
        lo = (int32_t)((uint32_t)lo + (bin << shift));
        if (shift == 0)
            return lo;
        shift = PX_MAX(shift - 12, 0);
    }
}

bool px_brackets_resolve(const px_brackets *b, const px_bracket_part *first, int n_parts,
                         size_t stride, int64_t n, px_select *select)
{
    kept k = {first, n_parts, stride, 0};
    int64_t above[PX_MAX_BRACKETS] = {0}, inside[PX_MAX_BRACKETS] = {0};
    uint64_t keys[PX_MAX_RANKS];
    for (int t = 0; t < b->at.n; t++)
        for (int p = 0; p < n_parts; p++) {
            const px_bracket_part *part = part_of(&k, p);
            above[t] += part->n_above[t];
            inside[t] += part->found.n[t];
            if (part->found.n[t] > part->found.cap[t])
                return false;
        }
    for (int r = 0; r < select->n_ranks; r++) {
        bool found = false;
        for (k.t = 0; k.t < b->at.n && !found; k.t++) {
            const int t = k.t;
            const int64_t rank = select->rank[r] - (n - above[t]);
            const int32_t lo = b->at.floor[t] + 1;
            const bool single = t + 1 < b->at.n && b->at.floor[t + 1] == lo;
            found = rank >= 0 && rank < (single ? above[t] - above[t + 1] : inside[t]);
            if (found)
                keys[r] = select_key(single ? lo : key_of_rank(&k, lo, b->at.top[t], rank));
        }
        if (!found)
            return false;
    }
    memcpy(select->key, keys, (size_t)select->n_ranks * sizeof *keys);
    select->level = select->n_levels;
    return true;
}
