/* backend/ref/op/ms_gqa.c - com.microsoft: GroupQueryAttention.
 *
 * Causal attention of language models: heads of the query share fewer heads of key and value, a
 * cache of earlier keys and values grows, positions may be rotated into query and key first.
 * seqlens_k holds for each member of the batch the number of keys less one. In a first pass over a
 * prompt (as many queries as keys in all) members that are shorter are padded on the right; later
 * the queries are the last ones of their member. Left out are quantized caches and sinks.
 */
#include "backend/ref/op/attend.h"
#include "backend/ref/op/move.h"

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
    IN_V_SCALE
};

typedef struct gqa {
    int64_t batch, len, q_heads, kv_heads, size;
    int64_t n_cache, total; /* rows of the given and of the made cache */
    int64_t *past;          /* per member: rows in front of the new ones */
    int64_t *n_keys;        /* per member: rows that count, without padding */
    px_attend_view of[3];   /* Q, K, V as given */
} gqa;

static pgy_status *unsupported(px_ref_call *c)
{
    if (px_ref_has(c, IN_SINK) || px_ref_attr_i(c, "smooth_softmax", 0) > 0)
        return PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                           "head_sink and smooth_softmax are not supported");
    if (px_ref_has(c, IN_K_SCALE) || px_ref_has(c, IN_V_SCALE) ||
        px_ref_attr_i(c, "kv_cache_bit_width", 0) != 0)
        return PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED, "quantized caches are not supported");
    return NULL;
}

/* Query, key and value as heads: three inputs, or packed side by side in the first. */
static pgy_status *operands(px_ref_call *c, gqa *g)
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
        g->of[i] = (px_attend_view){(const double *)from->data + at, g->len * row, g->size, row};
        at += is_packed ? heads[i] * g->size : 0;
    }
done:
    return st;
}

/* Lengths: the caches', and where each member's new rows begin. */
static pgy_status *lengths(px_ref_call *c, gqa *g, const pgy_tensor *cache[2])
{
    pgy_status *st = NULL;
    const int64_t *keys, *total;
    size_t n_keys, n_total;
    for (size_t i = 0; i < 2; i++) {
        if (!px_ref_has(c, IN_PAST_K + i))
            continue;
        PX_TRY(px_ref_in_f64(c, IN_PAST_K + i, &cache[i]));
        const pgy_tensor *t = cache[i];
        if (t->rank != 4 || t->dims[0] != g->batch || t->dims[1] != g->kv_heads ||
            t->dims[3] != g->size)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "past_key and past_value do not fit the heads"));
    }
    if (!cache[0] != !cache[1] || (cache[0] && cache[0]->dims[2] != cache[1]->dims[2]))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "past_key and past_value differ in length"));
    PX_TRY(px_ref_in_ints(c, IN_SEQLENS, &keys, &n_keys));
    PX_TRY(px_ref_in_ints(c, IN_TOTAL, &total, &n_total));
    if (n_keys != (size_t)g->batch || n_total != 1 || total[0] < g->len)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "seqlens_k must have one entry per member of the batch and "
                           "total_sequence_length be one number of at least %lld",
                           (long long)g->len));
    g->n_cache = cache[0] ? cache[0]->dims[2] : 0;
    g->total = PX_MAX(g->n_cache, total[0]);
    PX_TRY(PX_MOVE_SCRATCH(c, g->past, g->batch));
    PX_TRY(PX_MOVE_SCRATCH(c, g->n_keys, g->batch));
    const bool is_prompt = g->len == total[0];
    for (int64_t b = 0; b < g->batch; b++) {
        /* Beyond int32 nothing is meant; the bound keeps the sum below from overflowing. */
        const bool is_sane = keys[b] >= 0 && keys[b] < INT32_MAX;
        g->n_keys[b] = is_sane ? keys[b] + 1 : 0;
        g->past[b] = is_prompt || !is_sane ? 0 : keys[b] + 1 - g->len;
        if (!is_sane || g->past[b] < 0 || g->past[b] > g->n_cache || g->past[b] + g->len > g->total)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "seqlens_k[%lld] is %lld, which does not fit %lld new keys and a "
                               "cache of %lld",
                               (long long)b, (long long)keys[b], (long long)g->len,
                               (long long)g->n_cache));
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

static pgy_status *rotation_of(px_ref_call *c, const gqa *g, rotation *out)
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

/* Copies operand `which` to rows [past[b], past[b] + len) of [batch, heads, rows, size], rotated
 * unless `r` is NULL. */
static pgy_status *place(px_ref_call *c, const gqa *g, int which, int64_t heads, const rotation *r,
                         const int64_t *past, int64_t rows, double *to)
{
    const px_attend_view *v = &g->of[which];
    for (int64_t b = 0; b < g->batch; b++)
        for (int64_t s = 0; s < g->len; s++) {
            const int64_t position =
                r && r->positions ? r->positions[b * g->len + s] : g->past[b] + s;
            if (r && (position < 0 || position >= r->n_rows))
                return PX_REF_FAIL(c, PGY_ERR_MODEL,
                                   "position %lld is outside cos_cache's %lld rows",
                                   (long long)position, (long long)r->n_rows);
            for (int64_t h = 0; h < heads; h++) {
                double *row = to + ((b * heads + h) * rows + (past ? past[b] : 0) + s) * g->size;
                memcpy(row, v->data + b * v->batch + h * v->head + s * v->row,
                       (size_t)g->size * sizeof *row);
                if (r)
                    rotate(r, position, row);
            }
        }
    return NULL;
}

/* The cache with the new rows behind the old ones, in output `output` or in scratch. */
static pgy_status *grow(px_ref_call *c, const gqa *g, int which, const pgy_tensor *cache,
                        const rotation *r, size_t output, px_attend_view *out)
{
    pgy_status *st = NULL;
    const int64_t dims[4] = {g->batch, g->kv_heads, g->total, g->size};
    const int64_t head = g->total * g->size;
    int64_t count;
    void *data = NULL;
    double *y;
    if (!px_shape_count(4, dims, &count))
        PX_TRY(px_status_nomem());
    if (px_ref_wants(c, output)) {
        PX_TRY(px_move_out_f64(c, output, c->in[0].dtype, 4, dims, &data));
        y = data;
    } else {
        PX_TRY(PX_MOVE_SCRATCH(c, y, count));
    }
    memset(y, 0, (size_t)count * sizeof *y);
    for (int64_t i = 0; cache && i < g->batch * g->kv_heads; i++)
        memcpy(y + i * head, (const double *)cache->data + i * g->n_cache * g->size,
               (size_t)(g->past[i / g->kv_heads] * g->size) * sizeof *y);
    PX_TRY(place(c, g, which, g->kv_heads, r, g->past, g->total, y));
    *out = (px_attend_view){y, g->kv_heads * head, head, g->size};
done:
    return st;
}

static pgy_status *bias_of(px_ref_call *c, const gqa *g, px_attend *a)
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
    a->bias_cols = PX_MIN(d[3], g->total);
    a->bias_strides[3] = 1;
    a->bias_strides[2] = d[3];
    a->bias_strides[1] = d[1] == 1 ? 0 : d[2] * d[3];
    a->bias_strides[0] = d[0] == 1 ? 0 : d[1] * d[2] * d[3];
done:
    return st;
}

static pgy_status *attend(px_ref_call *c, const gqa *g, px_attend *a)
{
    pgy_status *st = NULL;
    const double scale = px_ref_attr_f(c, "scale", 0);
    const int64_t window = px_ref_attr_i(c, "local_window_size", -1);
    const int64_t wide = g->q_heads * g->size, dims[3] = {g->batch, g->len, wide};
    void *data;
    a->batch = g->batch;
    a->q_heads = g->q_heads;
    a->kv_heads = g->kv_heads;
    a->q_len = g->len;
    a->kv_len = g->total;
    a->size = a->v_size = g->size;
    a->scale = scale == 0 ? 1 / sqrt((double)g->size) : scale;
    a->softcap = px_ref_attr_f(c, "softcap", 0);
    a->is_causal = true;
    a->left_window = window > 0 ? window - 1 : -1; /* the query's own position counts */
    a->right_window = -1;
    a->offsets = g->past;
    a->key_counts = g->n_keys;
    a->unseen = -INFINITY;
    PX_TRY(bias_of(c, g, a));
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 3, dims, &data));
    a->y = data;
    a->y_batch = g->len * wide;
    a->y_head = g->size;
    a->y_row = wide;
    PX_TRY(px_attend_run(c->cx, a));
done:
    return st;
}

static pgy_status *group_query_attention(px_ref_call *c)
{
    pgy_status *st = NULL;
    gqa g = {.q_heads = px_ref_attr_i(c, "num_heads", 0),
             .kv_heads = px_ref_attr_i(c, "kv_num_heads", 0)};
    const pgy_tensor *cache[2] = {NULL, NULL};
    rotation turn = {0};
    const bool is_rotary = px_ref_attr_i(c, "do_rotary", 0) != 0;
    px_attend a = {0};
    double *q;

    if (g.q_heads < 1 || g.kv_heads < 1 || g.q_heads % g.kv_heads || g.q_heads > INT32_MAX)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "num_heads %lld and kv_num_heads %lld do not fit",
                           (long long)g.q_heads, (long long)g.kv_heads));
    PX_TRY(unsupported(c));
    PX_TRY(operands(c, &g));
    PX_TRY(lengths(c, &g, cache));
    if (is_rotary)
        PX_TRY(rotation_of(c, &g, &turn));
    PX_TRY(grow(c, &g, 1, cache[0], is_rotary ? &turn : NULL, 1, &a.k));
    PX_TRY(grow(c, &g, 2, cache[1], NULL, 2, &a.v));
    PX_TRY(PX_MOVE_SCRATCH(c, q, g.batch * g.q_heads * g.len * g.size));
    PX_TRY(place(c, &g, 0, g.q_heads, is_rotary ? &turn : NULL, NULL, g.len, q));
    a.q = (px_attend_view){q, g.q_heads * g.len * g.size, g.len * g.size, g.size};
    PX_TRY(attend(c, &g, &a));
done:
    return st;
}

static const px_ref_op ops[] = {
    {"com.microsoft", "GroupQueryAttention", 1, 7, 14, 1, 3, group_query_attention},
};
const px_ref_family px_ref_family_ms_gqa = {ops, PX_COUNTOF(ops)};
