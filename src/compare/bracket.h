/* compare/bracket.h - order statistics of large float32 series in one pass: a sample says between
 * which values each of them nearly certainly lies, and the pass counts what is below and keeps the
 * few elements between.
 *
 * The result is exact, or known to be missing: a rank whose value is not between the guessed bounds
 * shows by the counts, and the caller falls back to radix selection (select.h).
 */
#ifndef PX_COMPARE_BRACKET_H
#define PX_COMPARE_BRACKET_H

#include "compare/pair.h"
#include "compare/select.h"

/* Elements from which on a sample pays. */
#define PX_BRACKET_MIN ((int64_t)1 << 18)

typedef struct px_brackets {
    px_k_brackets at;
    int64_t cap[PX_MAX_BRACKETS]; /* elements expected between the bounds, with room to spare */
} px_brackets;

/* What one thread found. */
typedef struct px_bracket_part {
    int64_t n_above[PX_MAX_BRACKETS]; /* elements above `floor` */
    px_k_found found;
} px_bracket_part;

/* The pair of a sample of the elements, one from each of many equal stretches. */
typedef struct px_sample {
    px_pair pair;
    pgy_tensor *a, *b;
} px_sample;

/* The elements have whole bytes and a series of float32. */
bool px_sample_applies(const px_pair *pair);
/* At least PX_BRACKET_MIN elements. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_sample_init(pgy_context *cx, const px_pair *pair, px_sample *out);
void px_sample_fini(px_sample *s); /* accepts {0} */

/* Bounds for the ranks in `select` from the array `which` (of work type float32) of the sample.
 * `n` is the number of all elements. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_brackets_guess(const px_sample *sample, px_which which, int64_t n,
                                          const px_select *select, px_brackets *out);

/* Buffers for one thread. Errors: NOMEM; px_bracket_part_fini frees in any case. */
PX_MUST_USE pgy_status *px_bracket_part_init(const px_brackets *b, px_bracket_part *out);
void px_bracket_part_fini(px_bracket_part *part);

/* Sets the keys of all ranks from what the parts found, and marks `select` as done. False, and
 * nothing changed: a rank lies outside of its bounds, or more was between them than there was room
 * for. The i-th part lies i * stride bytes after the first. */
bool px_brackets_resolve(const px_brackets *b, const px_bracket_part *first, int n_parts,
                         size_t stride, int64_t n, px_select *select);

#endif
