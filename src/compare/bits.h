/* compare/bits.h - are two arrays the same to the last bit, and if not, how far apart?
 *
 * Stricter than any comparison of numbers: -0 is not 0, and NaNs of other payloads differ. For
 * runs that ought to repeat, not for runtimes that ought to agree.
 */
#ifndef PX_COMPARE_BITS_H
#define PX_COMPARE_BITS_H

#include "base/tensor.h"

typedef struct px_bits {
    bool same;        /* nothing differs */
    bool same_form;   /* types and shapes are equal; else the rest says nothing */
    int64_t count;    /* elements of each */
    int64_t n_differ; /* elements of other bits */
    int64_t first;    /* flat index of the first of them; -1: none */
    bool has_ulp;     /* a float type of 16, 32 or 64 bits */
    uint64_t max_ulp; /* over pairs without NaN */
} px_bits;

/* Reads both once where they are equal. Takes any type, text too. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_bits_compare(const pgy_tensor *a, const pgy_tensor *b, px_bits *out);
/* "12 of 1024 value(s) differ, by at most 3 ULP", or what is different about the arrays. */
void px_bits_print(px_buf *b, const px_bits *bits);

#endif
