/* compare/pair.h - two tensors of equal count and the differences between them, block by block.
 *
 * Nothing the size of a tensor is ever stored: a block of elements is converted to its work type,
 * subtracted and divided in scratch memory that stays in the cache. Types follow the reference:
 * small types are widened (float16 and smaller floats to float32, ints below 32 bits to int32,
 * uint32 to int64), then numpy's promotion decides what the difference is taken in.
 */
#ifndef PX_COMPARE_PAIR_H
#define PX_COMPARE_PAIR_H

#include "base/tensor.h"
#include "compare/kernels/typed.h"

/* The four arrays a comparison speaks of. */
typedef enum px_which { PX_OF_A, PX_OF_B, PX_OF_ABS, PX_OF_REL } px_which;
#define PX_N_OF 4
#define PX_NEED(which) (1u << (which))

typedef struct px_pair {
    const pgy_tensor *a, *b; /* borrowed; b NULL: there is only A */
    int64_t count;
    px_work work[PX_N_OF];
    pgy_dtype dtype[PX_N_OF]; /* as numpy would say; A and B: before widening */
    px_work common;           /* what the difference is taken in */
    bool inf_equal;           /* equal infinities differ by 0 */
    double atol, rtol;
    float atol_f32, rtol_f32; /* rounded down: x > atol_f32 iff (double)x > atol */
    const px_f32_kernels *k;
} px_pair;

typedef struct px_pair_block {
    int64_t first, n;
    const void *at[PX_N_OF]; /* in work types; NULL when not asked for */
    int64_t n_mismatch, n_zero;
} px_pair_block;

/* Errors: UNSUPPORTED for string and complex tensors, USAGE when the counts differ. */
PX_MUST_USE pgy_status *px_pair_init(const pgy_tensor *a, const pgy_tensor *b, bool inf_equal,
                                     double atol, double rtol, px_pair *out);

/* Bytes of scratch that px_pair_load needs, 64-byte aligned; one per thread. */
#define PX_PAIR_SCRATCH ((size_t)8 * PX_BLOCK * 7)

/* Elements [first, first + n), n <= PX_BLOCK, of the arrays in `need` (PX_NEED bits). Pointers are
 * into the tensors or `scratch` and good until its next use. */
void px_pair_load(const px_pair *pair, void *scratch, int64_t first, int64_t n, unsigned need,
                  px_pair_block *out);

/* One of the arrays as a tensor of its own, for showing; meant for small ones. */
PX_MUST_USE pgy_status *px_pair_tensor(const px_pair *pair, px_which which, pgy_tensor **out);

/* Work type of a tensor's elements. False: no numbers (string, complex). */
bool px_work_of(pgy_dtype dtype, px_work *out);

#endif
