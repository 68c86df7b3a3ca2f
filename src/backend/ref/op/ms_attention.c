/* backend/ref/op/ms_attention.c - com.microsoft: Attention, QAttention, MultiHeadAttention,
 * RotaryEmbedding.
 *
 * Masks become numbers that are added to the scores, mask_filter_value where a key is masked, so
 * that a row whose keys are all masked gets the mean of the values, as in ONNX Runtime. Only the
 * keys after the query (unidirectional) are out of the question.
 */
#include "backend/ref/op/attend.h"
#include "backend/ref/op/ms_call.h"
#include "backend/ref/op/ms_quant.h"

#include <math.h>

/* --- masks --- */

typedef struct mask_plan {
    int64_t batch, q_len, kv_len, n_past;
    double unseen;
    bool is_causal;
} mask_plan;

/* Whether key `j` is seen by query `i`, for each form of the mask (rank and dims say which). */
static bool mask_sees(const mask_plan *p, const pgy_tensor *m, const int64_t *at, int64_t b,
                      int64_t i, int64_t j)
{
    if (!m)
        return true;
    if (m->rank == 1) /* ends, then begins */
        return j < at[b] && (m->count == p->batch || j >= at[p->batch + b]);
    if (m->rank == 2)
        return at[b * p->kv_len + j] > 0;
    if (m->rank == 3)
        return at[(b * p->q_len + i) * p->kv_len + j] > 0;
    return at[(b * m->dims[2] + p->n_past + i) * m->dims[3] + j] > 0;
}

static pgy_status *mask_check(px_ref_call *c, const mask_plan *p, const pgy_tensor *m)
{
    int64_t d2[2] = {p->batch, p->kv_len}, d3[3] = {p->batch, p->q_len, p->kv_len};
    bool fits = m->rank == 1   ? m->count == p->batch || m->count == 2 * p->batch
                : m->rank == 2 ? px_shape_eq(2, m->dims, 2, d2)
                : m->rank == 3 ? px_shape_eq(3, m->dims, 3, d3)
                : m->rank == 4 ? m->dims[0] == p->batch && m->dims[1] == 1 &&
                                     m->dims[2] >= p->n_past + p->q_len && m->dims[3] >= p->kv_len
                               : false;
    return fits
               ? NULL
               : PX_REF_FAIL(c, PGY_ERR_MODEL,
                             "A mask of rank %d with %lld elements does not fit %lld x %lld x %lld",
                             m->rank, (long long)m->count, (long long)p->batch, (long long)p->q_len,
                             (long long)p->kv_len);
}

/* Mask of input `mask` and bias of input `bias`, both optional, as one bias of the scores. */
static pgy_status *bias_of(px_ref_call *c, size_t mask, size_t bias, const mask_plan *p,
                           px_attend *a)
{
    pgy_status *st = NULL;
    const pgy_tensor *m = NULL, *extra = NULL;
    const int64_t *at = NULL;
    size_t n;
    double *sum;
    int64_t total, heads = 1, batch = 1;
    if (px_ref_has(c, mask)) {
        PX_TRY(px_ref_in(c, mask, &m));
        PX_TRY(mask_check(c, p, m));
        PX_TRY(px_ref_in_ints(c, mask, &at, &n));
    }
    if (px_ref_has(c, bias)) {
        PX_TRY(px_ref_in_f64(c, bias, &extra));
        if (extra->rank != 4 || (extra->dims[0] != 1 && extra->dims[0] != p->batch) ||
            (extra->dims[1] != 1 && extra->dims[1] != a->q_heads) || extra->dims[2] != p->q_len ||
            extra->dims[3] != p->kv_len)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The attention bias does not fit the scores"));
        heads = extra->dims[1];
        batch = extra->dims[0];
    }
    if (!m && !extra && !p->is_causal)
        goto done;
    int64_t dims[4] = {p->batch, heads, p->q_len, p->kv_len};
    if (!px_shape_count(4, dims, &total))
        PX_TRY(px_status_nomem());
    PX_TRY(PX_MOVE_SCRATCH(c, sum, total));
    for (int64_t k = 0; k < total; k++) {
        int64_t j = k % p->kv_len, i = k / p->kv_len % p->q_len, row = k / p->kv_len / p->q_len;
        int64_t b = row / heads, from = (batch == 1 ? row % heads : row) * p->q_len + i;
        sum[k] = extra ? ((const double *)extra->data)[from * p->kv_len + j] : 0;
        sum[k] += mask_sees(p, m, at, b, i, j) ? 0 : p->unseen;
        if (p->is_causal && j > p->n_past + i)
            sum[k] = -INFINITY;
    }
    a->bias = sum;
    a->bias_cols = p->kv_len;
    a->bias_strides[3] = 1;
    a->bias_strides[2] = p->kv_len;
    a->bias_strides[1] = heads == 1 ? 0 : p->q_len * p->kv_len;
    a->bias_strides[0] = heads * p->q_len * p->kv_len;
done:
    return st;
}

/* --- Attention, QAttention --- */

typedef struct packed_attention {
    int64_t batch, len, size, heads, wide[3]; /* hidden sizes of Q, K, V */
    const double *x, *w, *b;                  /* b may be NULL */
    size_t mask, past, bias;                  /* inputs; SIZE_MAX: the operator has none */
    pgy_dtype declared;
} packed_attention;

/* The projection [batch, len, q + k + v]. */
static pgy_status *project(px_ref_call *c, const packed_attention *p, double **out)
{
    pgy_status *st = NULL;
    double *y;
    int64_t wide = p->wide[0] + p->wide[1] + p->wide[2], rows = p->batch * p->len, total;
    if (__builtin_mul_overflow(rows, wide, &total))
        PX_TRY(px_status_nomem());
    PX_TRY(PX_MOVE_SCRATCH(c, y, total));
    PX_TRY(px_ref_gemm(c->cx, false, false, rows, wide, p->size, 1, p->x, p->size, p->w, wide, 0, y,
                       wide));
    for (int64_t i = 0; p->b && i < total; i++)
        y[i] += p->b[i % wide];
    *out = y;
done:
    return st;
}

/* Keys and values as [2, batch, heads, past + len, size]: output 1, or scratch without one. */
static pgy_status *present_of(px_ref_call *c, const packed_attention *p, px_attend *a,
                              const pgy_tensor *past)
{
    pgy_status *st = NULL;
    int64_t n_past = past ? past->dims[3] : 0, size = a->size, total;
    int64_t dims[5] = {2, p->batch, p->heads, n_past + p->len, size};
    double *y;
    void *data;
    if (px_ref_wants(c, 1)) {
        PX_TRY(px_move_out_f64(c, 1, p->declared, 5, dims, &data));
        y = data;
    } else {
        if (!px_shape_count(5, dims, &total))
            PX_TRY(px_status_nomem());
        PX_TRY(PX_MOVE_SCRATCH(c, y, total));
    }
    int64_t row = dims[3] * size, side = p->batch * p->heads * row;
    for (int64_t s = 0; s < 2; s++) {
        const px_attend_view *v = s == 0 ? &a->k : &a->v;
        for (int64_t i = 0; i < p->batch * p->heads; i++) {
            double *to = y + s * side + i * row;
            if (n_past > 0)
                memcpy(to,
                       (const double *)past->data + (s * p->batch * p->heads + i) * n_past * size,
                       (size_t)(n_past * size) * sizeof *to);
            for (int64_t k = 0; k < p->len; k++)
                memcpy(to + (n_past + k) * size,
                       v->data + i / p->heads * v->batch + i % p->heads * v->head + k * v->row,
                       (size_t)size * sizeof *to);
        }
    }
    a->k = (px_attend_view){y, p->heads * row, row, size};
    a->v = (px_attend_view){y + side, p->heads * row, row, size};
    a->kv_len = dims[3];
done:
    return st;
}

static pgy_status *packed_run(px_ref_call *c, const packed_attention *p)
{
    pgy_status *st = NULL;
    double *qkv;
    const pgy_tensor *past = NULL;
    void *y;
    int64_t wide = p->wide[0] + p->wide[1] + p->wide[2], size = p->wide[0] / p->heads;
    px_attend a = {.batch = p->batch,
                   .q_heads = p->heads,
                   .kv_heads = p->heads,
                   .q_len = p->len,
                   .kv_len = p->len,
                   .size = size,
                   .v_size = p->wide[2] / p->heads,
                   .left_window = -1,
                   .right_window = -1};
    PX_TRY(project(c, p, &qkv));
    a.q = (px_attend_view){qkv, p->len * wide, size, wide};
    a.k = (px_attend_view){qkv + p->wide[0], p->len * wide, size, wide};
    a.v = (px_attend_view){qkv + p->wide[0] + p->wide[1], p->len * wide, a.v_size, wide};
    if (px_ref_has(c, p->past)) {
        int64_t want[5] = {2, p->batch, p->heads, 0, size};
        PX_TRY(px_ref_in_f64(c, p->past, &past));
        want[3] = past->rank == 5 ? past->dims[3] : 0;
        if (!px_shape_eq(past->rank, past->dims, 5, want))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "past does not fit the heads"));
    }
    if ((past || px_ref_wants(c, 1)) && a.v_size != size)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "A cache needs values of the keys' size"));
    if (past || px_ref_wants(c, 1))
        PX_TRY(present_of(c, p, &a, past));
    mask_plan m = {.batch = p->batch,
                   .q_len = p->len,
                   .kv_len = a.kv_len,
                   .n_past = a.kv_len - p->len,
                   .unseen = px_ref_attr_f(c, "mask_filter_value", -10000),
                   .is_causal = px_ref_attr_i(c, "unidirectional", 0) != 0};
    PX_TRY(bias_of(c, p->mask, p->bias, &m, &a));
    double scale = px_ref_attr_f(c, "scale", 0);
    a.scale = scale == 0 ? 1 / sqrt((double)size) : scale;
    int64_t dims[3] = {p->batch, p->len, p->wide[2]};
    PX_TRY(px_move_out_f64(c, 0, p->declared, 3, dims, &y));
    a.y = y;
    a.y_row = p->wide[2];
    a.y_batch = p->len * p->wide[2];
    a.y_head = a.v_size;
    PX_TRY(px_attend_run(c->cx, &a));
done:
    return st;
}

static pgy_status *packed_shapes(px_ref_call *c, const pgy_tensor *x, const pgy_tensor *w,
                                 packed_attention *p)
{
    const int64_t *sizes;
    size_t n;
    p->heads = px_ref_attr_i(c, "num_heads", 0);
    bool fits = x->rank == 3 && w->rank == 2 && w->dims[0] == x->dims[2] && p->heads > 0;
    if (fits && px_ref_attr_ints(c, "qkv_hidden_sizes", &sizes, &n) && n > 0) {
        fits = n == 3 && sizes[0] == sizes[1];
        for (size_t i = 0; fits && i < 3; i++) {
            fits = sizes[i] > 0 && sizes[i] <= w->dims[1];
            p->wide[i] = sizes[i];
        }
    } else if (fits) {
        p->wide[0] = p->wide[1] = p->wide[2] = w->dims[1] / 3;
    }
    fits = fits && p->wide[0] + p->wide[1] + p->wide[2] == w->dims[1] && w->dims[1] > 0;
    for (int i = 0; fits && i < 3; i++)
        fits = p->wide[i] % p->heads == 0;
    if (!fits)
        return PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "Input, weights, num_heads %lld and qkv_hidden_sizes "
                           "do not fit",
                           (long long)p->heads);
    if (px_ref_attr_i(c, "do_rotary", 0) || px_ref_attr_i(c, "past_present_share_buffer", 0))
        return PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                           "do_rotary and past_present_share_buffer are not supported");
    p->batch = x->dims[0];
    p->len = x->dims[1];
    p->size = x->dims[2];
    return NULL;
}

static pgy_status *attention(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *w;
    packed_attention p = {.mask = 3, .past = 4, .bias = 5};
    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_in_f64(c, 1, &w));
    PX_TRY(packed_shapes(c, x, w, &p));
    PX_TRY(px_ref_opt_f64(c, 2, w->dims[1], &p.b));
    p.x = x->data;
    p.w = w->data;
    p.declared = c->in[0].dtype;
    PX_TRY(packed_run(c, &p));
done:
    return st;
}

static pgy_status *q_attention(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *w;
    packed_attention p = {.mask = 5, .past = 8, .bias = SIZE_MAX};
    px_ms_scale sx, sw;
    PX_TRY(px_ref_in(c, 0, &x));
    PX_TRY(px_ref_in(c, 1, &w));
    PX_TRY(packed_shapes(c, x, w, &p));
    PX_TRY(px_ref_opt_f64(c, 2, w->dims[1], &p.b));
    PX_TRY(px_ms_scale_of(c, 3, 6, 0, &sx));
    PX_TRY(px_ms_scale_of(c, 4, 7, w->dims[1], &sw));
    PX_TRY(px_ms_dequantize(c, 0, &sx, &p.x));
    PX_TRY(px_ms_dequantize(c, 1, &sw, &p.w));
    p.declared = c->in[2].dtype;
    PX_TRY(packed_run(c, &p));
done:
    return st;
}

/* --- MultiHeadAttention --- */

/* One operand in any packing: heads, length and head size, and the view itself. */
static pgy_status *mha_view(px_ref_call *c, size_t i, int64_t heads, int64_t part, int64_t *len,
                            int64_t *size, px_attend_view *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    PX_TRY(px_ref_in_f64(c, i, &t));
    const int64_t *d = t->dims;
    if (t->rank == 3 && d[2] % heads == 0) {
        *len = d[1];
        *size = d[2] / heads;
        *out = (px_attend_view){t->data, d[1] * d[2], *size, d[2]};
    } else if (t->rank == 4 && d[1] == heads) { /* the cache's layout */
        *len = d[2];
        *size = d[3];
        *out = (px_attend_view){t->data, d[1] * d[2] * d[3], d[2] * d[3], d[3]};
    } else if (t->rank == 5 && d[2] == heads && part < d[3]) { /* packed with others */
        *len = d[1];
        *size = d[4];
        *out = (px_attend_view){(const double *)t->data + part * d[4], d[1] * d[2] * d[3] * d[4],
                                d[3] * d[4], d[2] * d[3] * d[4]};
    } else {
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu of rank %d does not split into %lld heads",
                           i, t->rank, (long long)heads));
    }
done:
    return st;
}

/* Copies a view to [batch, heads, past + len, size] behind an optional cache, bias added; into
 * output `output` when it is wanted. */
static pgy_status *mha_gather(px_ref_call *c, px_attend_view *v, int64_t batch, int64_t heads,
                              int64_t len, int64_t size, const double *bias, size_t past_input,
                              size_t output, int64_t *n_past)
{
    pgy_status *st = NULL;
    const pgy_tensor *past = NULL;
    double *y;
    void *data;
    int64_t total;
    if (px_ref_has(c, past_input)) {
        PX_TRY(px_ref_in_f64(c, past_input, &past));
        if (past->rank != 4 || past->dims[0] != batch || past->dims[1] != heads ||
            past->dims[3] != size)
            PX_TRY(
                PX_REF_FAIL(c, PGY_ERR_MODEL, "The cache in input %zu does not fit", past_input));
    }
    *n_past = past ? past->dims[2] : 0;
    bool wanted = output != SIZE_MAX && px_ref_wants(c, output);
    if (!past && !bias && !wanted)
        goto done;
    int64_t dims[4] = {batch, heads, *n_past + len, size}, row = dims[2] * size;
    if (wanted) {
        PX_TRY(px_move_out_f64(c, output, c->in[0].dtype, 4, dims, &data));
        y = data;
    } else {
        if (!px_shape_count(4, dims, &total))
            PX_TRY(px_status_nomem());
        PX_TRY(PX_MOVE_SCRATCH(c, y, total));
    }
    for (int64_t i = 0; row > 0 && i < batch * heads; i++) {
        double *to = y + i * row;
        if (*n_past > 0)
            memcpy(to, (const double *)past->data + i * *n_past * size,
                   (size_t)(*n_past * size) * sizeof *to);
        for (int64_t k = 0; k < len; k++) {
            const double *from = v->data + i / heads * v->batch + i % heads * v->head + k * v->row;
            for (int64_t j = 0; j < size; j++)
                to[(*n_past + k) * size + j] = from[j] + (bias ? bias[i % heads * size + j] : 0);
        }
    }
    *v = (px_attend_view){y, heads * row, row, size};
done:
    return st;
}

typedef struct mha {
    px_attend a;
    int64_t k_len, v_len, k_size;
    const double *bias[3];
} mha;

static pgy_status *mha_operands(px_ref_call *c, mha *h)
{
    pgy_status *st = NULL;
    px_attend *a = &h->a;
    const pgy_tensor *q, *b;
    int64_t heads = a->q_heads;
    PX_TRY(px_ref_in(c, 0, &q));
    PX_TRY(mha_view(c, 0, heads, 0, &a->q_len, &a->size, &a->q));
    bool all_in_q = q->rank == 5, pair_in_k = !all_in_q && !px_ref_has(c, 2);
    PX_TRY(mha_view(c, all_in_q ? 0 : 1, heads, all_in_q ? 1 : 0, &h->k_len, &h->k_size, &a->k));
    PX_TRY(mha_view(c,
                    all_in_q    ? 0
                    : pair_in_k ? 1
                                : 2,
                    heads,
                    all_in_q    ? 2
                    : pair_in_k ? 1
                                : 0,
                    &h->v_len, &a->v_size, &a->v));
    a->batch = q->dims[0];
    bool fits = h->k_len == h->v_len && h->k_size == a->size &&
                (all_in_q || c->in[1].t->dims[0] == a->batch) &&
                (all_in_q || pair_in_k || c->in[2].t->dims[0] == a->batch);
    if (!fits)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Query, key and value do not fit each other"));
    if (!px_ref_has(c, 3))
        goto done;
    PX_TRY(px_ref_in_f64(c, 3, &b));
    int64_t wide = heads * a->size;
    if (b->count != 2 * wide + heads * a->v_size)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The bias has %lld entries", (long long)b->count));
    for (int i = 0; i < 3; i++)
        h->bias[i] = (const double *)b->data + i * wide;
done:
    return st;
}

static pgy_status *multi_head_attention(px_ref_call *c)
{
    pgy_status *st = NULL;
    mha h = {.a = {.q_heads = px_ref_attr_i(c, "num_heads", 0),
                   .left_window = -1,
                   .right_window = -1,
                   .scores_mode = 2}}; /* ONNX Runtime gives them before the softmax */
    px_attend *a = &h.a;
    int64_t none, n_past, v_past;
    void *data;
    if (a->q_heads < 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "num_heads is %lld", (long long)a->q_heads));
    if (px_ref_has(c, 8) || px_ref_has(c, 9))
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED, "shared caches (inputs 8, 9) are not supported"));
    a->kv_heads = a->q_heads;
    PX_TRY(mha_operands(c, &h));
    /* A key given in the cache's layout has its bias already. */
    bool is_cache = px_ref_has(c, 1) && c->in[1].t->rank == 4;
    PX_TRY(mha_gather(c, &a->q, a->batch, a->q_heads, a->q_len, a->size, h.bias[0], SIZE_MAX,
                      SIZE_MAX, &none));
    PX_TRY(mha_gather(c, &a->k, a->batch, a->q_heads, h.k_len, a->size, is_cache ? NULL : h.bias[1],
                      6, 1, &n_past));
    PX_TRY(mha_gather(c, &a->v, a->batch, a->q_heads, h.v_len, a->v_size,
                      is_cache ? NULL : h.bias[2], 7, 2, &v_past));
    if (n_past != v_past)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "past_key and past_value differ in length"));
    a->kv_len = n_past + h.k_len;
    mask_plan m = {.batch = a->batch,
                   .q_len = a->q_len,
                   .kv_len = a->kv_len,
                   .n_past = a->kv_len - a->q_len,
                   .unseen = px_ref_attr_f(c, "mask_filter_value", -10000),
                   .is_causal = px_ref_attr_i(c, "unidirectional", 0) != 0};
    PX_TRY(bias_of(c, 4, 5, &m, a));
    double scale = px_ref_attr_f(c, "scale", 0);
    a->scale = scale == 0 ? 1 / sqrt((double)a->size) : scale;
    int64_t wide = a->q_heads * a->v_size, dims[3] = {a->batch, a->q_len, wide};
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 3, dims, &data));
    a->y = data;
    a->y_batch = a->q_len * wide;
    a->y_head = a->v_size;
    a->y_row = wide;
    if (px_ref_wants(c, 3)) {
        int64_t scores[4] = {a->batch, a->q_heads, a->q_len, a->kv_len};
        PX_TRY(px_move_out_f64(c, 3, c->in[0].dtype, 4, scores, &data));
        a->scores = data;
    }
    PX_TRY(px_attend_run(c->cx, a));
done:
    return st;
}

/* --- RotaryEmbedding: the standard's, with the inputs in another order and looser shapes --- */

static pgy_status *rotary_embedding(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *ids, *cache;
    px_ref_value in[4] = {c->in[0], c->in[2], c->in[3], {0}}, made = {0}, reshaped = {0}, out = {0};
    void *data;
    PX_TRY(px_ref_in(c, 0, &x));
    PX_TRY(px_ref_in(c, 1, &ids));
    PX_TRY(px_ref_in(c, 2, &cache));
    if (x->rank < 3 || x->rank > 4 || cache->rank != 2 || cache->dims[1] < 1 ||
        px_ref_attr_i(c, "is_packed_batching", 0) || px_ref_attr_f(c, "scale", 1) != 1)
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                        "Ragged batches, scales and ranks other than 3 and 4 are not supported"));
    int64_t batch = x->dims[0], len = x->dims[x->rank - 2], dims[4] = {batch, len, 1, 1};
    PX_TRY(px_move_new(c, PGY_DTYPE_I64, 2, dims, &made, &data));
    if (ids->count != 1 && ids->count != batch * len)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld position ids", (long long)ids->count));
    for (int64_t i = 0; i < batch * len; i++) /* one id is the first position's */
        ((int64_t *)data)[i] =
            ids->count == 1 && batch * len != 1
                ? (int64_t)((uint64_t)px_tensor_get_i64(ids, 0) + (uint64_t)(i % len))
                : px_tensor_get_i64(ids, i);
    in[3] = made;
    /* Without num_heads the caches tell the head size. */
    int64_t heads = px_ref_attr_i(c, "num_heads", 0), size = 2 * cache->dims[1];
    if (x->rank == 3 && heads == 0) {
        if (x->dims[2] % size)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The caches do not fit the hidden size"));
        int64_t view[4] = {batch, len, x->dims[2] / size, size}, from[4], strides[4];
        px_move_strides(4, view, from);
        int64_t turned[4] = {batch, view[2], len, size};
        strides[0] = from[0];
        strides[1] = from[2];
        strides[2] = from[1];
        strides[3] = from[3];
        PX_TRY(px_move_new(c, c->in[0].dtype, 4, turned, &reshaped, &data));
        px_move_strided(c->cx, data, x->data, px_move_elem(x), 4, turned, strides);
        in[0] = reshaped;
    }
    PX_TRY(px_ms_call(c, "RotaryEmbedding", 23, 4, in, &out));
    if (reshaped.t) {
        const int64_t *d = out.t->dims;
        int64_t strides[4] = {d[1] * d[2] * d[3], d[3], d[2] * d[3], 1};
        int64_t turned[4] = {d[0], d[2], d[1], d[3]};
        PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 3, x->dims, &data));
        px_move_strided(c->cx, data, out.t->data, sizeof(double), 4, turned, strides);
    } else {
        px_ref_out_take(c, 0, out);
        out = (px_ref_value){0};
    }
done:
    px_ref_value_free(&made);
    px_ref_value_free(&reshaped);
    px_ref_value_free(&out);
    return st;
}

static const px_ref_op rows[] = {
    {"com.microsoft", "Attention", 1, 2, 7, 1, 2, attention},
    {"com.microsoft", "MultiHeadAttention", 1, 1, 10, 1, 4, multi_head_attention},
    {"com.microsoft", "QAttention", 1, 5, 9, 1, 2, q_attention},
    {"com.microsoft", "RotaryEmbedding", 1, 4, 4, 1, 1, rotary_embedding},
};

const px_ref_family px_ref_family_ms_attention = {rows, PX_COUNTOF(rows)};
