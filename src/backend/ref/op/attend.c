/* backend/ref/op/attend.c - see attend.h. One head at a time: scores by a matrix product, rows
 * masked and normalised, a second product with the values. */
#include "backend/ref/op/attend.h"

#include <math.h>

enum { WORK_ELEMENTS = 1 << 20 }; /* scores at a time: 8 MiB, whatever the sequence lengths */

void px_attend_softmax(double *row, int64_t n, const double *sink)
{
    double top = sink ? *sink : -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        if (row[i] > top || isnan(row[i]))
            top = row[i];
    for (int64_t i = 0; i < n; i++) {
        row[i] = top == -INFINITY ? 0 : exp(row[i] - top);
        sum += row[i];
    }
    if (sink && top != -INFINITY)
        sum += exp(*sink - top);
    if (sum != 0)
        for (int64_t i = 0; i < n; i++)
            row[i] /= sum;
}

static bool sees(const px_attend *a, int64_t b, int64_t i, int64_t j)
{
    int64_t at = i + (a->offsets ? a->offsets[b] : a->offset);
    return !((a->is_causal && j > at) || (a->left_window >= 0 && at - j > a->left_window) ||
             (a->right_window >= 0 && j - at > a->right_window) ||
             (a->key_counts && j >= a->key_counts[b]));
}

/* Adds the row's bias; true when it leaves something to see. */
static bool add_bias(const px_attend *a, int64_t b, int64_t h, int64_t i, double *row)
{
    const double *bias =
        a->bias ? a->bias + b * a->bias_strides[0] + h * a->bias_strides[1] + i * a->bias_strides[2]
                : NULL;
    bool any = false;
    for (int64_t j = 0; j < a->kv_len; j++) {
        double v = !bias ? 0 : j < a->bias_cols ? bias[j * a->bias_strides[3]] : -INFINITY;
        if (!sees(a, b, i, j))
            v += a->unseen;
        any = any || v != -INFINITY;
        row[j] += v;
    }
    return any;
}

static void cap(const px_attend *a, double *row)
{
    for (int64_t j = 0; a->softcap > 0 && j < a->kv_len; j++)
        row[j] = a->softcap * tanh(row[j] / a->softcap);
}

/* Rows [first, first + n): product to probabilities; `kept` (may be NULL) gets what scores_mode
 * says. */
static void finish_rows(const px_attend *a, int64_t b, int64_t h, int64_t first, int64_t n,
                        double *scores, double *kept)
{
    size_t size = (size_t)a->kv_len * sizeof *scores;
    for (int64_t i = 0; i < n; i++) {
        double *row = scores + i * a->kv_len, *keep = kept ? kept + i * a->kv_len : NULL;
        if (keep && a->scores_mode == 0)
            memcpy(keep, row, size);
        cap(a, row);
        if (keep && a->scores_mode == 1)
            memcpy(keep, row, size);
        bool any = add_bias(a, b, h, first + i, row);
        if (keep && a->scores_mode == 2)
            memcpy(keep, row, size);
        if (any)
            px_attend_softmax(row, a->kv_len, a->sinks ? a->sinks + h : NULL);
        else
            memset(row, 0, size);
        if (keep && a->scores_mode == 3)
            memcpy(keep, row, size);
    }
}

/* `n` query rows of one head from `first` on. */
static pgy_status *attend_rows(pgy_context *cx, const px_attend *a, int64_t b, int64_t h,
                               int64_t first, int64_t n, double *work)
{
    pgy_status *st = NULL;
    int64_t g = h / (a->q_heads / a->kv_heads), row = (b * a->q_heads + h) * a->q_len + first;
    double *kept = a->scores ? a->scores + row * a->kv_len : NULL;
    double *p = a->start_at_probabilities || a->stop_at_scores ? kept : work;
    if (!a->start_at_probabilities)
        PX_TRY(px_ref_gemm(cx, false, true, n, a->kv_len, a->size, a->scale,
                           a->q.data + b * a->q.batch + h * a->q.head + first * a->q.row, a->q.row,
                           a->k.data + b * a->k.batch + g * a->k.head, a->k.row, 0, p, a->kv_len));
    if (a->stop_at_scores)
        goto done;
    if (!a->start_at_probabilities)
        finish_rows(a, b, h, first, n, p, kept);
    PX_TRY(px_ref_gemm(cx, false, false, n, a->v_size, a->kv_len, 1, p, a->kv_len,
                       a->v.data + b * a->v.batch + g * a->v.head, a->v.row, 0,
                       a->y + b * a->y_batch + h * a->y_head + first * a->y_row, a->y_row));
done:
    return st;
}

pgy_status *px_attend_run(pgy_context *cx, const px_attend *a)
{
    pgy_status *st = NULL;
    double *work = NULL;
    size_t size;
    int64_t most = PX_MAX(1, WORK_ELEMENTS / PX_MAX(a->kv_len, 1)), rows = PX_MIN(a->q_len, most);
    if (!px_size_mul((size_t)rows, (size_t)a->kv_len, &size) || size > SIZE_MAX / 16 ||
        !(work = px_mem_alloc_aligned(size * sizeof *work)))
        PX_TRY(px_status_nomem());
    for (int64_t i = 0; i < a->batch * a->q_heads; i++)
        for (int64_t first = 0; first < a->q_len; first += rows)
            PX_TRY(attend_rows(cx, a, i / a->q_heads, i % a->q_heads, first,
                               PX_MIN(rows, a->q_len - first), work));
done:
    px_mem_free(work);
    return st;
}
