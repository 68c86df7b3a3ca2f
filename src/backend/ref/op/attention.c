/* backend/ref/op/attention.c - Attention, RotaryEmbedding, LinearAttention, CausalConvWithState of
 * ai.onnx, and FlexAttention of ai.onnx.preview. */
#include "backend/ref/op/attend.h"
#include "backend/ref/op/move.h"

#include <math.h>

/* --- Attention --- */

/* A [batch, heads, seq, size] view of a 4-D tensor or of a packed 3-D one. */
static px_attend_view view_of(const pgy_tensor *t, int64_t size)
{
    const int64_t *d = t->dims;
    if (t->rank == 4)
        return (px_attend_view){t->data, d[1] * d[2] * d[3], d[2] * d[3], d[3]};
    return (px_attend_view){t->data, d[1] * d[2], size, d[2]};
}

/* Heads, length and head size of an operand; `heads` comes in as the attribute (0: absent). */
static pgy_status *operand_of(px_ref_call *c, size_t i, const pgy_tensor **out, int64_t *heads,
                              int64_t *len, int64_t *size)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    PX_TRY(px_ref_in_f64(c, i, &t));
    if (t->rank == 4) {
        *heads = t->dims[1];
        *len = t->dims[2];
        *size = t->dims[3];
    } else if (t->rank == 3 && *heads > 0 && t->dims[2] % *heads == 0) {
        *len = t->dims[1];
        *size = t->dims[2] / *heads;
    } else {
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu of rank %d does not split into %lld heads",
                           i, t->rank, (long long)*heads));
    }
    *out = t;
done:
    return st;
}

/* Keys or values with what is cached in front: [batch, heads, past + now, size], dense. */
static pgy_status *extend(px_ref_call *c, size_t past_input, size_t output, px_attend_view *now,
                          int64_t batch, int64_t heads, int64_t len, int64_t size,
                          int64_t *out_past)
{
    pgy_status *st = NULL;
    const pgy_tensor *past = NULL;
    int64_t n_past = 0;
    double *y;
    if (px_ref_has(c, past_input)) {
        PX_TRY(px_ref_in_f64(c, past_input, &past));
        if (past->rank != 4 || past->dims[0] != batch || past->dims[1] != heads ||
            past->dims[3] != size)
            PX_TRY(
                PX_REF_FAIL(c, PGY_ERR_MODEL, "The cache in input %zu does not fit", past_input));
        n_past = past->dims[2];
    }
    *out_past = n_past;
    if (!past && !px_ref_wants(c, output))
        goto done;
    int64_t dims[4] = {batch, heads, n_past + len, size}, total;
    void *data;
    if (px_ref_wants(c, output)) {
        PX_TRY(px_move_out_f64(c, output, c->in[output].dtype, 4, dims, &data));
        y = data;
    } else {
        if (!px_shape_count(4, dims, &total))
            PX_TRY(px_status_nomem());
        PX_TRY(PX_MOVE_SCRATCH(c, y, total));
    }
    int64_t row = (n_past + len) * size;
    for (int64_t i = 0; row > 0 && i < batch * heads; i++) {
        double *to = y + i * row;
        const double *from = now->data + i / heads * now->batch + i % heads * now->head;
        if (n_past > 0)
            memcpy(to, (const double *)past->data + i * n_past * size,
                   (size_t)(n_past * size) * sizeof *to);
        for (int64_t k = 0; k < len; k++)
            memcpy(to + (n_past + k) * size, from + k * now->row, (size_t)size * sizeof *to);
    }
    *now = (px_attend_view){y, heads * row, row, size};
done:
    return st;
}

/* The mask as numbers to add, with strides over [batch, head, query, key]. */
static pgy_status *mask_of(px_ref_call *c, size_t i, px_attend *a)
{
    pgy_status *st = NULL;
    const pgy_tensor *m;
    double *bias;
    PX_TRY(px_ref_in(c, i, &m));
    if (m->dtype == PGY_DTYPE_BOOL) {
        PX_TRY(PX_MOVE_SCRATCH(c, bias, m->count));
        for (int64_t k = 0; k < m->count; k++)
            bias[k] = ((const uint8_t *)m->data)[k] ? 0 : -INFINITY;
        a->bias = bias;
    } else {
        const pgy_tensor *f;
        PX_TRY(px_ref_in_f64(c, i, &f));
        a->bias = f->data;
    }
    int64_t want[4] = {a->batch, a->q_heads, a->q_len, a->kv_len}, stride = 1;
    bool fits = m->rank >= 1 && m->rank <= 4;
    for (int k = 3, d = m->rank - 1; fits && k >= 0; k--, d--) {
        int64_t n = d >= 0 ? m->dims[d] : 1;
        /* A short last dim is not repeated: what is behind it is masked. */
        fits = k == 3 ? n <= want[k] : n == want[k] || n == 1;
        a->bias_strides[k] = k < 3 && n == 1 ? 0 : stride;
        stride *= n;
    }
    if (!fits)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The mask does not broadcast to the scores"));
    a->bias_cols = m->dims[m->rank - 1];
done:
    return st;
}

static pgy_status *limits_of(px_ref_call *c, px_attend *a, int64_t n_past)
{
    pgy_status *st = NULL;
    size_t n;
    a->is_causal = px_ref_attr_i(c, "is_causal", 0) != 0;
    a->left_window = px_ref_attr_i(c, "left_window_size", -1);
    a->right_window = px_ref_attr_i(c, "right_window_size", -1);
    a->unseen = -INFINITY;
    a->offset = n_past;
    if (!px_ref_has(c, 6))
        goto done;
    PX_TRY(px_ref_in_ints(c, 6, &a->key_counts, &n));
    int64_t *offsets;
    if (n != (size_t)a->batch || px_ref_has(c, 4))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "nonpad_kv_seqlen has %zu entries for a batch of %lld, or comes with a "
                           "past",
                           n, (long long)a->batch));
    PX_TRY(PX_MOVE_SCRATCH(c, offsets, a->batch));
    for (size_t i = 0; i < n; i++) {
        if (a->key_counts[i] < 0 || a->key_counts[i] > a->kv_len)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "nonpad_kv_seqlen is %lld of %lld",
                               (long long)a->key_counts[i], (long long)a->kv_len));
        offsets[i] = a->key_counts[i] - a->q_len;
    }
    a->offsets = offsets;
done:
    return st;
}

/* Output 0 in the packing of Q, and where its rows lie. */
static pgy_status *attention_output(px_ref_call *c, const pgy_tensor *q, px_attend *a)
{
    void *y;
    int64_t wide = a->q_heads * a->v_size;
    int64_t dims4[4] = {a->batch, a->q_heads, a->q_len, a->v_size};
    int64_t dims3[3] = {a->batch, a->q_len, wide};
    bool packed = q->rank == 3;
    pgy_status *st = px_move_out_f64(c, 0, c->in[0].dtype, q->rank, packed ? dims3 : dims4, &y);
    a->y = st ? NULL : y;
    a->y_batch = a->q_len * wide;
    a->y_head = packed ? a->v_size : a->q_len * a->v_size;
    a->y_row = packed ? wide : a->v_size;
    return st;
}

static pgy_status *attention(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *q, *k, *v;
    px_attend a = {.q_heads = px_ref_attr_i(c, "q_num_heads", 0)};
    int64_t k_heads = px_ref_attr_i(c, "kv_num_heads", 0), v_heads = k_heads;
    int64_t k_size, v_len, n_past, v_past;
    void *scores;
    PX_TRY(operand_of(c, 0, &q, &a.q_heads, &a.q_len, &a.size));
    PX_TRY(operand_of(c, 1, &k, &k_heads, &a.kv_len, &k_size));
    PX_TRY(operand_of(c, 2, &v, &v_heads, &v_len, &a.v_size));
    a.batch = q->dims[0];
    a.kv_heads = k_heads;
    if (k->dims[0] != a.batch || v->dims[0] != a.batch || k_size != a.size || v_heads != k_heads ||
        v_len != a.kv_len || k->rank != q->rank || v->rank != q->rank || k_heads == 0 ||
        a.q_heads % k_heads != 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The shapes of Q, K and V do not fit each other"));
    a.q = view_of(q, a.size);
    a.k = view_of(k, a.size);
    a.v = view_of(v, a.v_size);
    PX_TRY(extend(c, 4, 1, &a.k, a.batch, k_heads, a.kv_len, a.size, &n_past));
    PX_TRY(extend(c, 5, 2, &a.v, a.batch, k_heads, a.kv_len, a.v_size, &v_past));
    if (n_past != v_past || px_ref_has(c, 4) != px_ref_has(c, 5))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "past_key and past_value must come together"));
    a.kv_len += n_past;
    if (px_ref_has(c, 3))
        PX_TRY(mask_of(c, 3, &a));
    PX_TRY(limits_of(c, &a, n_past));
    a.scale = px_ref_attr(c, "scale") ? px_ref_attr_f(c, "scale", 1) : 1 / sqrt((double)a.size);
    a.softcap = px_ref_attr_f(c, "softcap", 0);
    int64_t mode = px_ref_attr_i(c, "qk_matmul_output_mode", 0);
    if (mode < 0 || mode > 3)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "qk_matmul_output_mode is %lld", (long long)mode));
    a.scores_mode = (int)mode;
    PX_TRY(attention_output(c, q, &a));
    if (px_ref_wants(c, 3)) {
        int64_t dims[4] = {a.batch, a.q_heads, a.q_len, a.kv_len};
        PX_TRY(px_move_out_f64(c, 3, c->in[0].dtype, 4, dims, &scores));
        a.scores = scores;
    }
    PX_TRY(px_attend_run(c->cx, &a));
done:
    return st;
}

/* --- FlexAttention --- */

/* Replaces `scores` by what the graph makes of them; the shape must stay. */
static pgy_status *modify(px_ref_call *c, const char *attr, px_ref_value *scores)
{
    pgy_status *st = NULL;
    const px_onnx_attr *a = px_ref_attr(c, attr);
    px_ref_value out = {0};
    if (!a)
        goto done;
    if (a->type != PX_ONNX_ATTR_GRAPH || !a->g || a->g->n_outputs != 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%s is no graph with one output", attr));
    PX_TRY(px_ref_subgraph(c, a->g, 1, scores, 1, &out));
    if (out.kind != PX_REF_TENSOR || out.t->dtype != PGY_DTYPE_F64 ||
        !px_shape_eq(out.t->rank, out.t->dims, scores->t->rank, scores->t->dims))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%s changes the scores' shape or type", attr));
    px_ref_value_free(scores);
    *scores = out;
    out = (px_ref_value){0};
done:
    px_ref_value_free(&out);
    return st;
}

static pgy_status *flex_attention(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *q, *k, *v;
    px_attend a = {.stop_at_scores = true};
    px_ref_value scores = {0}, probabilities = {0};
    void *data;
    int64_t k_heads, v_heads, k_size, v_len;
    PX_TRY(operand_of(c, 0, &q, &a.q_heads, &a.q_len, &a.size));
    PX_TRY(operand_of(c, 1, &k, &k_heads, &a.kv_len, &k_size));
    PX_TRY(operand_of(c, 2, &v, &v_heads, &v_len, &a.v_size));
    a.batch = q->dims[0];
    a.kv_heads = k_heads;
    if (k->dims[0] != a.batch || v->dims[0] != a.batch || k_size != a.size || v_heads != k_heads ||
        v_len != a.kv_len || k_heads == 0 || a.q_heads % k_heads != 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The shapes of Q, K and V do not fit each other"));
    a.q = view_of(q, a.size);
    a.k = view_of(k, a.size);
    a.v = view_of(v, a.v_size);
    a.scale = px_ref_attr(c, "scale") ? px_ref_attr_f(c, "scale", 1) : 1 / sqrt((double)a.size);
    pgy_dtype precision = c->in[0].dtype == PGY_DTYPE_F64 ? PGY_DTYPE_F64 : PGY_DTYPE_F32;
    PX_TRY(px_move_attr_dtype(c, "softmax_precision", precision, &precision));
    if (!px_dtype_is_float(precision))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "softmax_precision is no float type"));
    int64_t dims[4] = {a.batch, a.q_heads, a.q_len, a.kv_len};
    PX_TRY(px_move_new(c, precision, 4, dims, &scores, &data));
    a.scores = data;
    PX_TRY(px_attend_run(c->cx, &a));
    PX_TRY(modify(c, "score_mod", &scores));
    PX_TRY(px_move_new(c, precision, 4, dims, &probabilities, &data));
    memcpy(data, scores.t->data, scores.t->size);
    for (int64_t i = 0; a.kv_len > 0 && i < scores.t->count / a.kv_len; i++)
        px_attend_softmax((double *)data + i * a.kv_len, a.kv_len, NULL);
    PX_TRY(modify(c, "prob_mod", &probabilities));
    PX_TRY(attention_output(c, q, &a));
    a.stop_at_scores = false;
    a.start_at_probabilities = true;
    a.scores = probabilities.t->data;
    PX_TRY(px_attend_run(c->cx, &a));
done:
    px_ref_value_free(&scores);
    px_ref_value_free(&probabilities);
    return st;
}

/* --- RotaryEmbedding --- */

typedef struct rotary {
    int64_t batch, heads, len, size, half; /* half: rotated pairs per head */
    px_attend_view x;                      /* [batch, head, position, size] */
    const double *cos, *sin;               /* rows of `half` */
    const int64_t *positions;              /* [batch, len] rows of the caches; NULL: dense rows */
    bool is_interleaved;
} rotary;

static void rotate(const rotary *r, double *y)
{
    for (int64_t b = 0; b < r->batch; b++)
        for (int64_t h = 0; h < r->heads; h++)
            for (int64_t s = 0; s < r->len; s++) {
                int64_t at = b * r->x.batch + h * r->x.head + s * r->x.row;
                int64_t line = r->positions ? r->positions[b * r->len + s] : b * r->len + s;
                const double *x = r->x.data + at, *co = r->cos + line * r->half;
                const double *si = r->sin + line * r->half;
                for (int64_t k = 0; k < r->half; k++) {
                    int64_t i = r->is_interleaved ? 2 * k : k;
                    int64_t j = r->is_interleaved ? 2 * k + 1 : k + r->half;
                    double re = co[k] * x[i] - si[k] * x[j], im = si[k] * x[i] + co[k] * x[j];
                    y[at + i] = re;
                    y[at + j] = im;
                }
                for (int64_t k = 2 * r->half; k < r->size; k++)
                    y[at + k] = x[k];
            }
}

/* Caches as rows per position id (rank 2), or one row per batch member and position (rank 3). */
static pgy_status *rotary_caches(px_ref_call *c, rotary *r)
{
    pgy_status *st = NULL;
    const pgy_tensor *co, *si;
    size_t n;
    PX_TRY(px_ref_in_f64(c, 1, &co));
    PX_TRY(px_ref_in_f64(c, 2, &si));
    bool has_ids = px_ref_has(c, 3);
    bool fits = px_shape_eq(co->rank, co->dims, si->rank, si->dims) &&
                co->rank == (has_ids ? 2 : 3) && co->dims[co->rank - 1] == r->half;
    fits = fits && (has_ids || (co->dims[0] == r->batch && co->dims[1] == r->len));
    if (!fits)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The caches must be %s with rows of %lld entries",
                           has_ids ? "(positions, n)" : "(batch, sequence, n)",
                           (long long)r->half));
    r->cos = co->data;
    r->sin = si->data;
    if (!has_ids)
        goto done;
    PX_TRY(px_ref_in_ints(c, 3, &r->positions, &n));
    if ((int64_t)n != r->batch * r->len)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu position ids for %lld x %lld positions", n,
                           (long long)r->batch, (long long)r->len));
    for (size_t i = 0; i < n; i++)
        if (r->positions[i] < 0 || r->positions[i] >= co->dims[0])
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Position id %lld is outside the caches",
                               (long long)r->positions[i]));
done:
    return st;
}

static pgy_status *rotary_embedding(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    rotary r = {.heads = px_ref_attr_i(c, "num_heads", 0),
                .is_interleaved = px_ref_attr_i(c, "interleaved", 0) != 0};
    void *y;
    PX_TRY(operand_of(c, 0, &x, &r.heads, &r.len, &r.size));
    r.batch = x->dims[0];
    int64_t wide = px_ref_attr_i(c, "rotary_embedding_dim", 0);
    wide = wide == 0 ? r.size : wide;
    if (wide < 0 || wide > r.size || wide % 2)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "rotary_embedding_dim is %lld for heads of %lld",
                           (long long)wide, (long long)r.size));
    r.half = wide / 2;
    r.x = view_of(x, r.size);
    PX_TRY(rotary_caches(c, &r));
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, x->rank, x->dims, &y));
    rotate(&r, y);
done:
    return st;
}

/* --- LinearAttention --- */

typedef struct linear_attention {
    int64_t batch, len, q_heads, kv_heads, size, v_size, decay_wide, beta_wide;
    const double *q, *k, *v, *decay, *beta; /* decay, beta: NULL when the rule has none */
    bool is_delta;
    double scale;
} linear_attention;

/* Runs one key/value head over time: `state` is [size, v_size]. */
static void linear_head(const linear_attention *a, int64_t b, int64_t g, double *state,
                        double *seen, double *y)
{
    int64_t group = a->q_heads / a->kv_heads;
    for (int64_t t = 0; t < a->len; t++) {
        int64_t at = b * a->len + t;
        const double *k = a->k + (at * a->kv_heads + g) * a->size;
        const double *v = a->v + (at * a->kv_heads + g) * a->v_size;
        double beta = a->beta ? a->beta[at * a->beta_wide + (a->beta_wide > 1 ? g : 0)] : 1;
        for (int64_t i = 0; a->decay && i < a->size; i++) {
            bool each = a->decay_wide != a->kv_heads;
            double e = exp(a->decay[at * a->decay_wide + (each ? g * a->size + i : g)]);
            for (int64_t j = 0; j < a->v_size; j++)
                state[i * a->v_size + j] *= e;
        }
        memcpy(seen, v, (size_t)a->v_size * sizeof *seen);
        for (int64_t i = 0; a->is_delta && i < a->size; i++)
            for (int64_t j = 0; j < a->v_size; j++)
                seen[j] -= state[i * a->v_size + j] * k[i];
        for (int64_t i = 0; i < a->size; i++)
            for (int64_t j = 0; j < a->v_size; j++)
                state[i * a->v_size + j] += beta * k[i] * seen[j];
        for (int64_t h = g * group; h < (g + 1) * group; h++) {
            const double *q = a->q + (at * a->q_heads + h) * a->size;
            double *out = y + (at * a->q_heads + h) * a->v_size;
            memset(out, 0, (size_t)a->v_size * sizeof *out);
            for (int64_t i = 0; i < a->size; i++)
                for (int64_t j = 0; j < a->v_size; j++)
                    out[j] += a->scale * q[i] * state[i * a->v_size + j];
        }
    }
}

/* A [batch, time, width] operand, width one of two; NULL data when the rule does not use it. */
static pgy_status *gate_of(px_ref_call *c, size_t i, bool used, const linear_attention *a,
                           int64_t width, int64_t other, const double **out, int64_t *out_wide)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    if (!used)
        goto done;
    PX_TRY(px_ref_in_f64(c, i, &t));
    if (t->rank != 3 || t->dims[0] != a->batch || t->dims[1] != a->len ||
        (t->dims[2] != width && t->dims[2] != other))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu does not fit the query", i));
    *out = t->data;
    *out_wide = t->dims[2];
done:
    return st;
}

static pgy_status *linear_shapes(px_ref_call *c, linear_attention *a)
{
    pgy_status *st = NULL;
    const pgy_tensor *q, *k, *v;
    PX_TRY(px_ref_in_f64(c, 0, &q));
    PX_TRY(px_ref_in_f64(c, 1, &k));
    PX_TRY(px_ref_in_f64(c, 2, &v));
    if (q->rank != 3 || k->rank != 3 || v->rank != 3 || a->q_heads < 1 || a->kv_heads < 1 ||
        a->q_heads % a->kv_heads || q->dims[2] % a->q_heads || v->dims[2] % a->kv_heads ||
        k->dims[2] % a->kv_heads || k->dims[2] / a->kv_heads != q->dims[2] / a->q_heads ||
        !px_shape_eq(2, q->dims, 2, k->dims) || !px_shape_eq(2, q->dims, 2, v->dims))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Query, key and value do not fit %lld and %lld heads",
                           (long long)a->q_heads, (long long)a->kv_heads));
    a->batch = q->dims[0];
    a->len = q->dims[1];
    a->size = q->dims[2] / a->q_heads;
    a->v_size = v->dims[2] / a->kv_heads;
    a->q = q->data;
    a->k = k->data;
    a->v = v->data;
done:
    return st;
}

static pgy_status *linear_attention_run(px_ref_call *c)
{
    pgy_status *st = NULL;
    linear_attention a = {.q_heads = px_ref_attr_i(c, "q_num_heads", 0),
                          .kv_heads = px_ref_attr_i(c, "kv_num_heads", 0)};
    px_str rule = px_ref_attr_s(c, "update_rule", "gated_delta");
    bool is_both = px_str_is(rule, "gated_delta"), is_gated = is_both || px_str_is(rule, "gated");
    const pgy_tensor *past = NULL;
    double *seen;
    void *y, *state;
    a.is_delta = is_both || px_str_is(rule, "delta");
    if (!is_gated && !a.is_delta && !px_str_is(rule, "linear"))
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_MODEL, "update_rule \"%.*s\" is not known", PX_STR_ARG(rule)));
    PX_TRY(linear_shapes(c, &a));
    PX_TRY(gate_of(c, 4, is_gated, &a, a.kv_heads, a.kv_heads * a.size, &a.decay, &a.decay_wide));
    PX_TRY(gate_of(c, 5, a.is_delta, &a, a.kv_heads, 1, &a.beta, &a.beta_wide));
    a.scale = px_ref_attr_f(c, "scale", 0);
    a.scale = a.scale == 0 ? 1 / sqrt((double)a.size) : a.scale;
    int64_t dims[3] = {a.batch, a.len, a.q_heads * a.v_size};
    int64_t state_dims[4] = {a.batch, a.kv_heads, a.size, a.v_size};
    if (px_ref_has(c, 3))
        PX_TRY(px_ref_in_f64(c, 3, &past));
    if (past && !px_shape_eq(past->rank, past->dims, 4, state_dims))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "past_state has another shape than the state"));
    pgy_dtype state_dtype = past ? c->in[3].dtype : c->in[0].dtype;
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 3, dims, &y));
    PX_TRY(px_move_out_f64(c, 1, state_dtype, 4, state_dims, &state));
    PX_TRY(PX_MOVE_SCRATCH(c, seen, a.v_size));
    size_t per_head = (size_t)(a.size * a.v_size);
    if (past)
        memcpy(state, past->data, past->size);
    else
        memset(state, 0, (size_t)(a.batch * a.kv_heads) * per_head * sizeof(double));
    for (int64_t i = 0; i < a.batch * a.kv_heads; i++)
        linear_head(&a, i / a.kv_heads, i % a.kv_heads, (double *)state + (size_t)i * per_head,
                    seen, y);
done:
    return st;
}

/* --- CausalConvWithState --- */

/* One channel: `line` holds the k - 1 values before the input, then the input. */
static void causal_channel(const double *line, int64_t len, const double *w, int64_t k, double bias,
                           bool is_silu, double *y)
{
    for (int64_t t = 0; t < len; t++) {
        double sum = bias;
        for (int64_t i = 0; i < k; i++)
            sum += w[i] * line[t + i];
        y[t] = is_silu ? sum / (1 + exp(-sum)) : sum;
    }
}

static pgy_status *causal_conv_with_state(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *w, *b = NULL, *past = NULL;
    double *line;
    void *y, *state = NULL;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_in_f64(c, 1, &w));
    if (px_ref_has(c, 2))
        PX_TRY(px_ref_in_f64(c, 2, &b));
    if (px_ref_has(c, 3))
        PX_TRY(px_ref_in_f64(c, 3, &past));
    px_str act = px_ref_attr_s(c, "activation", "none");
    bool is_silu = px_str_is(act, "silu") || px_str_is(act, "swish");
    bool fits = x->rank == 3 && w->rank == 3 && w->dims[0] == x->dims[1] && w->dims[1] == 1 &&
                w->dims[2] >= 1 && (!b || b->count == x->dims[1]) &&
                (is_silu || px_str_is(act, "none"));
    int64_t keep = fits ? w->dims[2] - 1 : 0;
    int64_t state_dims[3] = {fits ? x->dims[0] : 0, fits ? x->dims[1] : 0, keep};
    if (!fits || (past && !px_shape_eq(past->rank, past->dims, 3, state_dims)))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "Input, weight, bias, past_state and activation do not fit"));
    int64_t len = x->dims[2], channels = x->dims[1], lines = len > 0 || keep > 0 ? x->dims[0] : 0;
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 3, x->dims, &y));
    if (px_ref_wants(c, 1))
        PX_TRY(px_move_out_f64(c, 1, c->in[0].dtype, 3, state_dims, &state));
    PX_TRY(PX_MOVE_SCRATCH(c, line, keep + len));
    for (int64_t i = 0; i < lines * channels; i++) {
        for (int64_t k = 0; k < keep; k++)
            line[k] = past ? ((const double *)past->data)[i * keep + k] : 0;
        memcpy(line + keep, (const double *)x->data + i * len, (size_t)len * sizeof *line);
        int64_t ch = i % channels;
        causal_channel(line, len, (const double *)w->data + ch * (keep + 1), keep + 1,
                       b ? ((const double *)b->data)[ch] : 0, is_silu, (double *)y + i * len);
        if (state)
            memcpy((double *)state + i * keep, line + len, (size_t)keep * sizeof *line);
    }
done:
    return st;
}

static const px_ref_op rows[] = {
    {"", "Attention", 23, 3, 6, 1, 4, attention},
    {"", "Attention", 24, 3, 7, 1, 4, attention},
    {"", "CausalConvWithState", 27, 2, 4, 1, 2, causal_conv_with_state},
    {"", "LinearAttention", 27, 3, 6, 1, 2, linear_attention_run},
    {"", "RotaryEmbedding", 23, 3, 4, 1, 1, rotary_embedding},
    {"ai.onnx.preview", "FlexAttention", 1, 3, 3, 1, 1, flex_attention},
};

const px_ref_family px_ref_family_attention = {rows, PX_COUNTOF(rows)};
