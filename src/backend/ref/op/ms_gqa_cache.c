/* backend/ref/op/ms_gqa_cache.c - the caches of GroupQueryAttention: floats or quantized, whole or
 * sliding. See ms_gqa.h. */
#include "backend/ref/op/ms_gqa.h"

#include <math.h>

static pgy_status *scales_of(px_ref_call *c, const px_gqa *g, bool is_per_channel, size_t at,
                             px_gqa_cache *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    if (!px_ref_has(c, at))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "the scale of a quantized cache (input %zu) is missing", at));
    PX_TRY(px_ref_in_f64(c, at, &t));
    out->n_scales = is_per_channel ? g->kv_heads * g->size : 1;
    if (t->count != out->n_scales)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld scales (input %zu) where %lld are wanted",
                           (long long)t->count, at, (long long)out->n_scales));
    out->scale = t->data;
    for (int64_t i = 0; i < t->count; i++)
        if (!isfinite(out->scale[i]) || out->scale[i] <= 0)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "scale %lld of a cache (input %zu) is %g",
                               (long long)i, at, out->scale[i]));
done:
    return st;
}

pgy_status *px_gqa_cache_of(px_ref_call *c, const px_gqa *g, size_t at, const char *kind,
                            size_t scale, px_gqa_cache *out)
{
    pgy_status *st = NULL;
    const px_str how = px_ref_attr_s(c, kind, "NONE");
    const bool is_per_channel = px_str_is(how, "PER_CHANNEL");
    *out = (px_gqa_cache){0};
    if (is_per_channel || px_str_is(how, "PER_TENSOR")) {
        out->bits = (int)px_ref_attr_i(c, "kv_cache_bit_width", 8);
        if ((out->bits != 8 && out->bits != 4) || (out->bits == 4 && g->size % 2 != 0))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "kv_cache_bit_width is %d", out->bits));
        PX_TRY(scales_of(c, g, is_per_channel, scale, out));
    } else if (!px_str_is(how, "NONE")) {
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%s '%.*s' is not NONE, PER_TENSOR or PER_CHANNEL",
                           kind, PX_STR_ARG(how)));
    }
    if (!px_ref_has(c, at)) {
        if (out->bits)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "a quantized cache (input %zu) is missing", at));
        return NULL;
    }
    PX_TRY(out->bits ? px_ref_in(c, at, &out->given) : px_ref_in_f64(c, at, &out->given));
    const pgy_tensor *t = out->given;
    const pgy_dtype stored = out->bits == 8   ? PGY_DTYPE_I8
                             : out->bits == 4 ? PGY_DTYPE_U8
                                              : PGY_DTYPE_F64;
    if (t->dtype != stored)
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                        "past_key and past_value of %d bits are %s; int8 for 8 bits and uint8 for "
                        "4 are known",
                        out->bits, pgy_dtype_name(c->in[at].dtype)));
    if (t->rank != 4 || t->dims[0] != g->batch || t->dims[1] != g->kv_heads ||
        t->dims[3] != (out->bits == 4 ? g->size / 2 : g->size))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "past_key and past_value do not fit the heads"));
done:
    return st;
}

int64_t px_gqa_resident(const px_gqa *g, int64_t n)
{
    const int64_t step = g->n_cache - g->window + 1;
    return n <= g->n_cache ? n : n - step * ((n - g->n_cache + step - 1) / step);
}

static double scale_at(const px_gqa *g, const px_gqa_cache *cache, int64_t head, int64_t i)
{
    return cache->scale[cache->n_scales == 1 ? 0 : head * g->size + i];
}

/* Row `row` of head `head` (over the batch) as numbers. */
static void read_row(const px_gqa *g, const px_gqa_cache *cache, int64_t head, int64_t row,
                     double *to)
{
    const int64_t at = (head * g->n_cache + row) * g->size;
    if (!cache->bits)
        memcpy(to, (const double *)cache->given->data + at, (size_t)g->size * sizeof *to);
    for (int64_t i = 0; cache->bits && i < g->size; i++) {
        const int v =
            cache->bits == 8
                ? ((const int8_t *)cache->given->data)[at + i]
                : (((const uint8_t *)cache->given->data)[(at + i) / 2] >> i % 2 * 4 & 15) - 8;
        to[i] = v * scale_at(g, cache, head % g->kv_heads, i);
    }
}

static bool is_output_itself(px_ref_call *c, const px_gqa *g, const px_gqa_cache *cache,
                             size_t output)
{
    return px_ref_wants(c, output) && !cache->bits && !g->is_sliding;
}

pgy_status *px_gqa_stage(px_ref_call *c, const px_gqa *g, const px_gqa_cache *cache, size_t output,
                         double **out)
{
    pgy_status *st = NULL;
    const int64_t dims[4] = {g->batch, g->kv_heads, g->n_staged, g->size};
    int64_t count;
    void *data = NULL;
    double *y;
    if (!px_shape_count(4, dims, &count))
        PX_TRY(px_status_nomem());
    if (is_output_itself(c, g, cache, output)) {
        PX_TRY(px_move_out_f64(c, output, c->in[0].dtype, 4, dims, &data));
        y = data;
    } else {
        PX_TRY(PX_MOVE_SCRATCH(c, y, count));
    }
    memset(y, 0, (size_t)count * sizeof *y);
    for (int64_t h = 0; cache->given && h < g->batch * g->kv_heads; h++)
        for (int64_t row = 0; row < g->n_old[h / g->kv_heads]; row++)
            read_row(g, cache, h, row, y + (h * g->n_staged + row) * g->size);
    *out = y;
done:
    return st;
}

/* The stored number of value `i` of a row; the row gets back what it stands for. */
static int quantize(const px_gqa *g, const px_gqa_cache *cache, int64_t head, int64_t i,
                    double *row)
{
    const double scale = scale_at(g, cache, head, i), top = cache->bits == 8 ? 127 : 7;
    /* The runtime divides in float32. */
    const double v = nearbyint((double)((float)row[i] / (float)scale));
    const int q = (int)PX_MIN(PX_MAX(v, -top - 1), top);
    row[i] = q * scale;
    return q;
}

static void write_row(const px_gqa *g, const px_gqa_cache *cache, int64_t head, const double *from,
                      int64_t at, void *to)
{
    if (!cache->bits)
        memcpy((double *)to + at, from, (size_t)g->size * sizeof *from);
    for (int64_t i = 0; cache->bits && i < g->size; i++) {
        /* The row was rounded before: this finds its numbers again. */
        const int q = (int)nearbyint(from[i] / scale_at(g, cache, head, i));
        if (cache->bits == 8)
            ((int8_t *)to)[at + i] = (int8_t)q;
        else
            ((uint8_t *)to)[(at + i) / 2] |= (uint8_t)((q + 8) << i % 2 * 4);
    }
}

pgy_status *px_gqa_unstage(px_ref_call *c, const px_gqa *g, const px_gqa_cache *cache,
                           size_t output, double *staged)
{
    pgy_status *st = NULL;
    const pgy_dtype dtype = cache->bits == 8   ? PGY_DTYPE_I8
                            : cache->bits == 4 ? PGY_DTYPE_U8
                                               : c->in[0].dtype;
    const int64_t dims[4] = {g->batch, g->kv_heads, g->n_rows,
                             cache->bits == 4 ? g->size / 2 : g->size};
    void *y;
    for (int64_t h = 0; cache->bits && h < g->batch * g->kv_heads; h++)
        for (int64_t s = 0; s < g->n_new[h / g->kv_heads]; s++)
            for (int64_t i = 0; i < g->size; i++)
                quantize(g, cache, h % g->kv_heads, i,
                         staged + (h * g->n_staged + g->n_old[h / g->kv_heads] + s) * g->size);
    if (!px_ref_wants(c, output) || is_output_itself(c, g, cache, output))
        return NULL;
    PX_TRY(cache->bits ? px_ref_out(c, output, dtype, 4, dims, &y)
                       : px_move_out_f64(c, output, dtype, 4, dims, &y));
    memset(y, 0, c->out[output].t->size);
    for (int64_t h = 0; h < g->batch * g->kv_heads; h++) {
        const int64_t b = h / g->kv_heads;
        const int64_t n = g->is_sliding ? px_gqa_resident(g, g->past[b] + g->n_new[b])
                                        : PX_MIN(g->n_old[b] + g->n_new[b], g->n_rows);
        const int64_t first = g->is_sliding ? g->n_keys[b] - n : 0;
        for (int64_t row = 0; row < n; row++)
            write_row(g, cache, h % g->kv_heads, staged + (h * g->n_staged + first + row) * g->size,
                      (h * g->n_rows + row) * g->size, y);
    }
done:
    return st;
}
