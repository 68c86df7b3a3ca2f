/* backend/ref/op/ms_gqa.c - com.microsoft: GroupQueryAttention.
 *
 * Causal attention of language models: heads of the query share fewer heads of key and value, a
 * cache of earlier keys and values grows, positions may be rotated into query and key first.
 * seqlens_k holds for each member of the batch the number of keys less one. In a first pass over a
 * prompt (as many queries as keys in all) members that are shorter are padded on the right; later
 * the queries are the last ones of their member. With query_seqlens each member says how many of
 * its new rows count. What ONNX Runtime's CPU kernels do not compute is refused.
 */
#include "backend/ref/op/ms_gqa.h"

#include <math.h>

enum {
    IN_Q,
    IN_K,
    IN_V,
    IN_PAST_K,
    IN_PAST_V,
    IN_SEQLENS,
    IN_TOTAL,
    IN_COS,
    IN_SIN,
    IN_POSITIONS,
    IN_BIAS,
    IN_SINK,
    IN_K_SCALE,
    IN_V_SCALE,
    IN_Q_NORM,
    IN_K_NORM,
    IN_QUERY_SEQLENS
};

enum { OUT_SCORES = 3 };

typedef struct operand {
    px_attend_view of[3]; /* Q, K, V as given */
} operand;

static pgy_status *unsupported(px_ref_call *c, const px_gqa *g)
{
    if (px_ref_has(c, IN_Q_NORM) || px_ref_has(c, IN_K_NORM))
        return PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                           "q_norm_weight and k_norm_weight (inputs 14 and 15) are not supported");
    if (!g->is_sliding)
        return NULL;
    if (px_ref_has(c, IN_BIAS) || px_ref_wants(c, OUT_SCORES))
        return PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                           "attention_bias and output_qk with sliding_window_cache are not "
                           "supported");
    if (g->window < 1)
        return PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "sliding_window_cache wants a local_window_size above 0");
    return NULL;
}

/* Query, key and value as heads: three inputs, or packed side by side in the first. */
static pgy_status *operands(px_ref_call *c, px_gqa *g, operand *o)
{
    pgy_status *st = NULL;
    const pgy_tensor *t[3] = {NULL, NULL, NULL};
    const bool is_packed = !px_ref_has(c, IN_K);
    const int64_t heads[3] = {g->q_heads, g->kv_heads, g->kv_heads};
    int64_t at = 0;

    PX_TRY(px_ref_in_f64(c, IN_Q, &t[0]));
    for (size_t i = 1; i < 3 && !is_packed; i++)
        PX_TRY(px_ref_in_f64(c, i, &t[i]));
    const int64_t all = is_packed ? g->q_heads + 2 * g->kv_heads : g->q_heads;
    bool fits = t[0]->rank == 3 && t[0]->dims[2] > 0 && t[0]->dims[2] % all == 0;
    g->size = fits ? t[0]->dims[2] / all : 0;
    for (int i = 1; fits && i < 3 && !is_packed; i++)
        fits = t[i]->rank == 3 && t[i]->dims[0] == t[0]->dims[0] &&
               t[i]->dims[1] == t[0]->dims[1] && t[i]->dims[2] == g->kv_heads * g->size;
    if (!fits)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "query, key and value do not fit %lld and %lld heads",
                           (long long)g->q_heads, (long long)g->kv_heads));
    g->batch = t[0]->dims[0];
    g->len = t[0]->dims[1];
    for (int i = 0; i < 3; i++) {
        const pgy_tensor *from = is_packed ? t[0] : t[i];
        const int64_t row = from->dims[2];
        o->of[i] = (px_attend_view){(const double *)from->data + at, g->len * row, g->size, row};
        at += is_packed ? heads[i] * g->size : 0;
    }
done:
    return st;
}

/* One member's rows. `keys` is its entry of seqlens_k, `n_new` that of query_seqlens or NULL. */
static pgy_status *member_rows(px_ref_call *c, px_gqa *g, int64_t b, int64_t keys,
                               const int64_t *n_new, bool is_prompt)
{
    /* Beyond int32 nothing is meant; the bound keeps the sums below from overflowing. */
    const bool is_sane = keys >= 0 && keys < INT32_MAX;
    const int64_t n_keys = is_sane ? keys + 1 : 0;
    const bool is_chunk = n_new != NULL || g->is_sliding;
    const int64_t chunk = n_new ? n_new[b] : PX_MIN(g->len, n_keys);
    if (n_new && (n_new[b] < 0 || n_new[b] > PX_MIN(g->len, n_keys)))
        return PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "query_seqlens[%lld] is %lld with %lld new and %lld keys in all",
                           (long long)b, (long long)n_new[b], (long long)g->len, (long long)n_keys);
    /* Without query_seqlens the padding of a prompt goes through the cache, as ONNX Runtime's. */
    g->n_new[b] = is_chunk ? chunk : g->len;
    g->past[b] = is_chunk ? n_keys - chunk : is_prompt ? 0 : n_keys - g->len;
    g->n_old[b] = g->is_sliding ? px_gqa_resident(g, g->past[b]) : g->past[b];
    g->n_keys[b] = g->is_sliding ? g->n_old[b] + g->n_new[b] : n_keys;
    if (!is_sane || g->past[b] < 0 || g->n_old[b] > g->n_cache ||
        (!g->is_sliding && g->past[b] + g->n_new[b] > g->n_rows))
        return PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "seqlens_k[%lld] is %lld, which does not fit %lld new keys and a "
                           "cache of %lld",
                           (long long)b, (long long)keys, (long long)g->len, (long long)g->n_cache);
    return NULL;
}

/* Lengths: the caches', and where each member's new rows begin. */
static pgy_status *lengths(px_ref_call *c, px_gqa *g, const px_gqa_cache cache[2])
{
    pgy_status *st = NULL;
    const int64_t *keys, *total, *n_new = NULL;
    size_t n_keys, n_total, n_news;
    const pgy_tensor *k = cache[0].given, *v = cache[1].given;
    if (!k != !v || (k && k->dims[2] != v->dims[2]))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "past_key and past_value differ in length"));
    g->n_cache = k ? k->dims[2] : 0;
    if (g->is_sliding && g->n_cache < g->window)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "a sliding cache of %lld rows is shorter than local_window_size %lld",
                           (long long)g->n_cache, (long long)g->window));
    PX_TRY(px_ref_in_ints(c, IN_SEQLENS, &keys, &n_keys));
    PX_TRY(px_ref_in_ints(c, IN_TOTAL, &total, &n_total));
    if (n_keys != (size_t)g->batch || n_total != 1 ||
        (!px_ref_has(c, IN_QUERY_SEQLENS) && total[0] < g->len) || total[0] < 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "seqlens_k must have one entry per member of the batch and "
                           "total_sequence_length be one number of at least %lld",
                           (long long)g->len));
    if (px_ref_has(c, IN_QUERY_SEQLENS)) {
        PX_TRY(px_ref_in_ints(c, IN_QUERY_SEQLENS, &n_new, &n_news));
        if (n_news != (size_t)g->batch)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "query_seqlens must have one entry per member of the batch"));
    }
    g->n_rows = g->n_staged = g->is_sliding ? g->n_cache : PX_MAX(g->n_cache, total[0]);
    PX_TRY(PX_MOVE_SCRATCH(c, g->past, g->batch));
    PX_TRY(PX_MOVE_SCRATCH(c, g->n_old, g->batch));
    PX_TRY(PX_MOVE_SCRATCH(c, g->n_new, g->batch));
    PX_TRY(PX_MOVE_SCRATCH(c, g->n_keys, g->batch));
    for (int64_t b = 0; b < g->batch; b++) {
        PX_TRY(member_rows(c, g, b, keys[b], n_new, g->len == total[0]));
        if (g->is_sliding)
            g->n_staged = PX_MAX(g->n_staged, g->n_keys[b]);
    }
done:
    return st;
}

typedef struct rotation {
    const double *cos, *sin;
    const int64_t *positions; /* NULL: counted from the cache */
    int64_t n_rows, half;
    bool is_interleaved;
} rotation;

static pgy_status *rotation_of(px_ref_call *c, const px_gqa *g, rotation *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *t[2];
    size_t n = 0;
    for (size_t i = 0; i < 2; i++)
        PX_TRY(px_ref_in_f64(c, IN_COS + i, &t[i]));
    if (t[0]->rank != 2 || !px_shape_eq(t[0]->rank, t[0]->dims, t[1]->rank, t[1]->dims) ||
        t[0]->dims[1] < 1 || t[0]->dims[1] > g->size / 2)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "cos_cache and sin_cache do not fit the head size"));
    *out = (rotation){.cos = t[0]->data,
                      .sin = t[1]->data,
                      .n_rows = t[0]->dims[0],
                      .half = t[0]->dims[1],
                      .is_interleaved = px_ref_attr_i(c, "rotary_interleaved", 0) != 0};
    if (px_ref_has(c, IN_POSITIONS)) {
        PX_TRY(px_ref_in_ints(c, IN_POSITIONS, &out->positions, &n));
        if (n != (size_t)(g->batch * g->len))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu position ids", n));
    }
done:
    return st;
}

static void rotate(const rotation *r, int64_t position, double *x)
{
    const double *cos_row = r->cos + position * r->half, *sin_row = r->sin + position * r->half;
    for (int64_t i = 0; i < r->half; i++) {
        double *a = r->is_interleaved ? x + 2 * i : x + i;
        double *b = r->is_interleaved ? a + 1 : a + r->half;
        const double u = *a, v = *b;
        *a = u * cos_row[i] - v * sin_row[i];
        *b = u * sin_row[i] + v * cos_row[i];
    }
}

/* Copies the rows of `v` that count to rows [first[b], ...) of [batch, heads, rows, size], rotated
 * unless `r` is NULL. `first` NULL: from 0 on, and with the padding (the queries). */
static pgy_status *place(px_ref_call *c, const px_gqa *g, const px_attend_view *v, int64_t heads,
                         const rotation *r, const int64_t *first, int64_t rows, double *to)
{
    for (int64_t b = 0; b < g->batch; b++)
        for (int64_t s = 0; s < (first ? g->n_new[b] : g->len); s++) {
            const bool is_padding = s >= g->n_new[b];
            const int64_t position =
                r && r->positions ? r->positions[b * g->len + s] : g->past[b] + s;
            if (r && !is_padding && (position < 0 || position >= r->n_rows))
                return PX_REF_FAIL(c, PGY_ERR_MODEL,
                                   "position %lld is outside cos_cache's %lld rows",
                                   (long long)position, (long long)r->n_rows);
            for (int64_t h = 0; h < heads; h++) {
                double *row = to + ((b * heads + h) * rows + (first ? first[b] : 0) + s) * g->size;
                memcpy(row, v->data + b * v->batch + h * v->head + s * v->row,
                       (size_t)g->size * sizeof *row);
                if (r && !is_padding)
                    rotate(r, position, row);
            }
        }
    return NULL;
}

/* The cache with the new rows behind the old ones, in output `output` too where it is wanted. */
static pgy_status *grow(px_ref_call *c, const px_gqa *g, const px_attend_view *fresh,
                        const px_gqa_cache *cache, const rotation *r, size_t output,
                        px_attend_view *out)
{
    pgy_status *st = NULL;
    const int64_t head = g->n_staged * g->size;
    double *y;
    PX_TRY(px_gqa_stage(c, g, cache, output, &y));
    PX_TRY(place(c, g, fresh, g->kv_heads, r, g->n_old, g->n_staged, y));
    PX_TRY(px_gqa_unstage(c, g, cache, output, y));
    *out = (px_attend_view){y, g->kv_heads * head, head, g->size};
done:
    return st;
}

static pgy_status *bias_of(px_ref_call *c, const px_gqa *g, px_attend *a)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    if (!px_ref_has(c, IN_BIAS))
        return NULL;
    PX_TRY(px_ref_in_f64(c, IN_BIAS, &t));
    const int64_t *d = t->dims;
    if (t->rank != 4 || (d[0] != 1 && d[0] != g->batch) || (d[1] != 1 && d[1] != g->q_heads) ||
        d[2] != g->len || d[3] < 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "attention_bias does not fit the scores"));
    a->bias = t->data;
    a->bias_cols = PX_MIN(d[3], g->n_staged);
    a->bias_strides[3] = 1;
    a->bias_strides[2] = d[3];
    a->bias_strides[1] = d[1] == 1 ? 0 : d[2] * d[3];
    a->bias_strides[0] = d[0] == 1 ? 0 : d[1] * d[2] * d[3];
done:
    return st;
}

/* What each head adds to the denominator of its softmax: e to the power of its sink. */
static pgy_status *sinks_of(px_ref_call *c, const px_gqa *g, px_attend *a)
{
    pgy_status *st = NULL;
    double *zeros;
    if (px_ref_has(c, IN_SINK)) {
        PX_TRY(px_ref_opt_f64(c, IN_SINK, g->q_heads, &a->sinks));
    } else if (px_ref_attr_i(c, "smooth_softmax", 0) > 0) {
        PX_TRY(PX_MOVE_SCRATCH(c, zeros, g->q_heads));
        a->sinks = zeros;
    }
done:
    return st;
}

/* The scores (qk_output 1, with bias and cap) or probabilities (2) as an output. */
static pgy_status *scores_out(px_ref_call *c, const px_gqa *g, px_attend *a)
{
    pgy_status *st = NULL;
    const int64_t mode = px_ref_attr_i(c, "qk_output", 0);
    const int64_t dims[4] = {g->batch, g->q_heads, g->len, g->n_staged};
    void *data;
    if (!px_ref_wants(c, OUT_SCORES))
        return NULL;
    if (mode != 1 && mode != 2)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "output_qk is asked for with qk_output %lld",
                           (long long)mode));
    PX_TRY(px_move_out_f64(c, OUT_SCORES, c->in[0].dtype, 4, dims, &data));
    a->scores = data;
    a->scores_mode = mode == 1 ? 2 : 3;
done:
    return st;
}

static pgy_status *attend(px_ref_call *c, const px_gqa *g, px_attend *a)
{
    pgy_status *st = NULL;
    const double scale = px_ref_attr_f(c, "scale", 0);
    const int64_t wide = g->q_heads * g->size, dims[3] = {g->batch, g->len, wide};
    void *data;
    a->batch = g->batch;
    a->q_heads = g->q_heads;
    a->kv_heads = g->kv_heads;
    a->q_len = g->len;
    a->kv_len = g->n_staged;
    a->size = a->v_size = g->size;
    a->scale = scale == 0 ? 1 / sqrt((double)g->size) : scale;
    a->softcap = px_ref_attr_f(c, "softcap", 0);
    a->is_causal = px_ref_attr_i(c, "causal", 1) != 0;
    a->left_window = g->window > 0 ? g->window - 1 : -1; /* the query's own position counts */
    a->right_window = -1;
    a->offsets = g->n_old;
    a->key_counts = g->n_keys;
    a->unseen = -INFINITY;
    PX_TRY(bias_of(c, g, a));
    PX_TRY(sinks_of(c, g, a));
    PX_TRY(scores_out(c, g, a));
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 3, dims, &data));
    a->y = data;
    a->y_batch = g->len * wide;
    a->y_head = g->size;
    a->y_row = wide;
    PX_TRY(px_attend_run(c->cx, a));
    /* ONNX Runtime leaves 0 where a query does not look. */
    for (int64_t i = 0; a->scores && i < c->out[OUT_SCORES].t->count; i++)
        if (a->scores[i] == -INFINITY)
            a->scores[i] = 0;
done:
    return st;
}

static pgy_status *group_query_attention(px_ref_call *c)
{
    pgy_status *st = NULL;
    const int64_t window = px_ref_attr_i(c, "local_window_size", -1);
    px_gqa g = {.q_heads = px_ref_attr_i(c, "num_heads", 0),
                .kv_heads = px_ref_attr_i(c, "kv_num_heads", 0),
                .window = PX_MIN(PX_MAX(window, 0), INT32_MAX),
                .is_sliding = px_ref_attr_i(c, "sliding_window_cache", 0) != 0};
    px_gqa_cache cache[2];
    operand o;
    rotation turn = {0};
    const rotation *r = px_ref_attr_i(c, "do_rotary", 0) != 0 ? &turn : NULL;
    px_attend a = {0};
    double *q;

    if (g.q_heads < 1 || g.kv_heads < 1 || g.q_heads % g.kv_heads || g.q_heads > INT32_MAX)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "num_heads %lld and kv_num_heads %lld do not fit",
                           (long long)g.q_heads, (long long)g.kv_heads));
    PX_TRY(unsupported(c, &g));
    PX_TRY(operands(c, &g, &o));
    PX_TRY(px_gqa_cache_of(c, &g, IN_PAST_K, "k_quant_type", IN_K_SCALE, &cache[0]));
    PX_TRY(px_gqa_cache_of(c, &g, IN_PAST_V, "v_quant_type", IN_V_SCALE, &cache[1]));
    PX_TRY(lengths(c, &g, cache));
    if (r)
        PX_TRY(rotation_of(c, &g, &turn));
    PX_TRY(grow(c, &g, &o.of[1], &cache[0], r, 1, &a.k));
    PX_TRY(grow(c, &g, &o.of[2], &cache[1], NULL, 2, &a.v));
    PX_TRY(PX_MOVE_SCRATCH(c, q, g.batch * g.q_heads * g.len * g.size));
    PX_TRY(place(c, &g, &o.of[0], g.q_heads, r, NULL, g.len, q));
    a.q = (px_attend_view){q, g.q_heads * g.len * g.size, g.len * g.size, g.size};
    PX_TRY(attend(c, &g, &a));
done:
    return st;
}

static const px_ref_op ops[] = {
    {"com.microsoft", "GroupQueryAttention", 1, 7, 17, 1, 4, group_query_attention},
};
const px_ref_family px_ref_family_ms_gqa = {ops, PX_COUNTOF(ops)};
