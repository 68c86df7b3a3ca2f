/* backend/ref/op/ms_gqa.h - what the parts of GroupQueryAttention share: the problem's sizes, and
 * the caches of keys and values (ms_gqa_cache.c). */
#ifndef PX_BACKEND_REF_OP_MS_GQA_H
#define PX_BACKEND_REF_OP_MS_GQA_H

#include "backend/ref/op/attend.h"
#include "backend/ref/op/move.h"

/* Keys and values are staged: for each member of the batch the rows of its cache that stay, then
 * its new ones. Where the cache is the whole past, row and position are the same; a sliding cache
 * holds the latest rows only. */
typedef struct px_gqa {
    int64_t batch, len, q_heads, kv_heads, size;
    int64_t n_cache;  /* rows of the given caches */
    int64_t n_rows;   /* rows of the made ones */
    int64_t n_staged; /* rows that are looked at */
    int64_t window;   /* keys a query sees, itself included; 0: all */
    bool is_sliding;
    int64_t *past;   /* per member: the position of its first new row */
    int64_t *n_old;  /* rows of the given cache in front of the new ones */
    int64_t *n_new;  /* new rows that count; what follows them is padding */
    int64_t *n_keys; /* staged rows that count */
} px_gqa;

/* How one cache is stored. */
typedef struct px_gqa_cache {
    const pgy_tensor *given; /* NULL: none. Floats, or bytes with `bits` set */
    int bits;                /* 0: floats; 8: int8; 4: two to a byte, biased by 8, the first low */
    const double *scale;     /* one, or one per head of the cache and channel */
    int64_t n_scales;
} px_gqa_cache;

/* Input `at` as a cache whose quantization is attribute `kind`, with the scales of input `scale`.
 */
PX_MUST_USE pgy_status *px_gqa_cache_of(px_ref_call *c, const px_gqa *g, size_t at,
                                        const char *kind, size_t scale, px_gqa_cache *out);
/* The given cache's rows as staged rows, and zeros behind them: [batch, kv_heads, n_staged, size].
 * They lie in output `output` itself where that is what it will hold. */
PX_MUST_USE pgy_status *px_gqa_stage(px_ref_call *c, const px_gqa *g, const px_gqa_cache *cache,
                                     size_t output, double **out);
/* After the new rows were put in their place: fills output `output` unless px_gqa_stage gave it.
 * A quantized cache rounds the new rows of `staged`: attention sees what is stored. */
PX_MUST_USE pgy_status *px_gqa_unstage(px_ref_call *c, const px_gqa *g, const px_gqa_cache *cache,
                                       size_t output, double *staged);
/* Rows that a sliding cache holds after `n` positions. */
int64_t px_gqa_resident(const px_gqa *g, int64_t n);

#endif
