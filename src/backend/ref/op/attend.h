/* backend/ref/op/attend.h - scaled dot-product attention over strided float64 heads, the core of
 * every attention operator. */
#ifndef PX_BACKEND_REF_OP_ATTEND_H
#define PX_BACKEND_REF_OP_ATTEND_H

#include "backend/ref/ref.h"

/* A [batch, head, sequence, size] view: strides in elements, `size` dense. */
typedef struct px_attend_view {
    const double *data;
    int64_t batch, head, row; /* strides */
} px_attend_view;

typedef struct px_attend {
    int64_t batch, q_heads, kv_heads, q_len, kv_len, size, v_size;
    px_attend_view q, k, v;
    double scale, softcap; /* softcap 0: none */
    const double *sinks;   /* NULL, or per query head a score that takes part and has no value */
    /* Added to the scores, broadcast by strides 0; columns from bias_cols on are minus infinity. */
    const double *bias;
    int64_t bias_strides[4], bias_cols;
    /* Query i stands at position i + offset (of its batch member, or the same for all when
     * `offsets` is NULL); it sees keys j with j <= position when causal, and within the windows
     * that are not negative. Keys from key_counts[batch] on are never seen. A key that is not seen
     * gets `unseen` (minus infinity, or a large negative number) added. */
    bool is_causal;
    int64_t left_window, right_window, offset;
    const int64_t *offsets, *key_counts;
    double unseen;
    /* Rows: y[b, h, i, :] at y + b * y_batch + h * y_head + i * y_row. */
    double *y;
    int64_t y_batch, y_head, y_row;
    double *scores;  /* NULL, or [batch, q_heads, q_len, kv_len] */
    int scores_mode; /* what goes there: 0 product, 1 after softcap, 2 with bias, 3 probabilities */
    /* Optional hooks on all scores / probabilities at once (FlexAttention). */
    bool stop_at_scores, start_at_probabilities;
} px_attend;

/* Rows that see no key at all become zero. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_attend_run(pgy_context *cx, const px_attend *a);
/* Softmax of one row, in place; `sink` (may be NULL) is one more score in the denominator. */
void px_attend_softmax(double *row, int64_t n, const double *sink);

#endif
