/* compare/sum.h - how a long sum is cut into blocks and put together again.
 *
 * TREE: numpy's own pairwise recursion, stopped where a node has at most PX_BLOCK elements; block
 * sums join by the same recursion, so the result is that of one long pairwise sum.
 * CHUNKS: what numpy does when it must convert: PX_BLOCK elements at a time, added one after the
 * other.
 */
#ifndef PX_COMPARE_SUM_H
#define PX_COMPARE_SUM_H

#include "base/px.h"

typedef enum px_cut { PX_TREE, PX_CHUNKS } px_cut;

typedef struct px_blocks {
    px_cut cut;
    int64_t count; /* elements */
    int64_t *at;   /* first element of each block, in order */
    size_t n, cap;
} px_blocks;

PX_MUST_USE pgy_status *px_blocks_init(px_blocks *blocks, px_cut cut, int64_t count);
void px_blocks_fini(px_blocks *blocks);
int64_t px_blocks_len(const px_blocks *blocks, size_t i);

/* The whole sum, given one sum per block. */
float px_blocks_join_f32(const px_blocks *blocks, const float *sums);
double px_blocks_join_f64(const px_blocks *blocks, const double *sums);

#endif
