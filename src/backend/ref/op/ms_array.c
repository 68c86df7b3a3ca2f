/* backend/ref/op/ms_array.c - com.microsoft operators on plain arrays: CDist, MurmurHash3,
 * NGramRepeatBlock, Range, UnfoldTensor, Unique. */
#include "backend/ref/op/move.h"

#include <math.h>

static pgy_status *cdist(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *a, *b;
    const px_str metric = px_ref_attr_s(c, "metric", "sqeuclidean");
    const bool is_root = px_str_is(metric, "euclidean");
    void *y;
    if (!is_root && !px_str_is(metric, "sqeuclidean"))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                           "the metric '%.*s' is not supported; euclidean and sqeuclidean are",
                           PX_STR_ARG(metric)));
    PX_TRY(px_ref_in_f64(c, 0, &a));
    PX_TRY(px_ref_in_f64(c, 1, &b));
    if (a->rank != 2 || b->rank != 2 || a->dims[1] != b->dims[1])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "A and B are no matrices with rows of one length"));
    const int64_t dims[2] = {a->dims[0], b->dims[0]}, n = a->dims[1];
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 2, dims, &y));
    for (int64_t i = 0; i < dims[0]; i++)
        for (int64_t k = 0; k < dims[1]; k++) {
            const double *u = (const double *)a->data + i * n, *v = (const double *)b->data + k * n;
            double sum = 0;
            for (int64_t j = 0; j < n; j++)
                sum += (u[j] - v[j]) * (u[j] - v[j]);
            ((double *)y)[i * dims[1] + k] = is_root ? sqrt(sum) : sum;
        }
done:
    return st;
}

/* --- MurmurHash3: the x86 variant with 32 bits --- */

static uint32_t turned(uint32_t v, int bits)
{
    return v << bits | v >> (32 - bits);
}

static uint32_t murmur(const uint8_t *key, size_t size, uint32_t seed)
{
    uint32_t hash = seed;
    for (size_t at = 0; at < size; at += 4) {
        const size_t n = PX_MIN(size - at, (size_t)4);
        uint32_t word = 0;
        for (size_t i = 0; i < n; i++)
            word |= (uint32_t)key[at + i] << 8 * i;
        hash ^= turned(word * UINT32_C(0xcc9e2d51), 15) * UINT32_C(0x1b873593);
        if (n == 4)
            hash = turned(hash, 13) * 5 + UINT32_C(0xe6546b64);
    }
    hash ^= (uint32_t)size;
    hash = (hash ^ hash >> 16) * UINT32_C(0x85ebca6b);
    hash = (hash ^ hash >> 13) * UINT32_C(0xc2b2ae35);
    return hash ^ hash >> 16;
}

static pgy_status *murmur_hash(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const uint32_t seed = (uint32_t)px_ref_attr_i(c, "seed", 0);
    const bool is_positive = px_ref_attr_i(c, "positive", 1) != 0;
    void *y;
    PX_TRY(px_ref_in(c, 0, &x));
    const pgy_dtype dtype = c->in[0].dtype;
    const bool is_text = dtype == PGY_DTYPE_STRING;
    const int bits = pgy_dtype_bits(dtype);
    if (!is_text &&
        ((bits != 32 && bits != 64) || !(px_dtype_is_int(dtype) || x->dtype == PGY_DTYPE_F64)))
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                        "hashes of %s are not defined; those of strings and of numbers of 32 and "
                        "64 bits are",
                        pgy_dtype_name(dtype)));
    PX_TRY(px_ref_out(c, 0, is_positive ? PGY_DTYPE_U32 : PGY_DTYPE_I32, x->rank, x->dims, &y));
    for (int64_t i = 0; i < x->count; i++) {
        const uint8_t *key = (const uint8_t *)x->data + (size_t)i * (size_t)bits / 8;
        size_t size = (size_t)bits / 8;
        float narrow;
        if (is_text) {
            key = (const uint8_t *)((const pgy_string *)x->data)[i].ptr;
            size = ((const pgy_string *)x->data)[i].len;
        } else if (dtype == PGY_DTYPE_F32) { /* stored as float64 */
            narrow = (float)((const double *)x->data)[i];
            key = (const uint8_t *)&narrow;
        }
        ((uint32_t *)y)[i] = murmur(key, size, seed);
    }
done:
    return st;
}

/* --- NGramRepeatBlock --- */

static pgy_status *ngram_repeat_block(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *ids, *scores;
    const int64_t n = px_ref_attr_i(c, "ngram_size", 0);
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 2, 2, &ids));
    PX_TRY(px_ref_in_f64(c, 1, &scores));
    if (n < 1 || ids->dtype != PGY_DTYPE_I64 || scores->rank != 2 ||
        scores->dims[0] != ids->dims[0])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "ngram_size %lld, or ids and scores that do not fit each other",
                           (long long)n));
    const int64_t len = ids->dims[1], n_words = scores->dims[1];
    PX_TRY(px_move_out_f64(c, 0, c->in[1].dtype, 2, scores->dims, &y));
    memcpy(y, scores->data, (size_t)scores->count * sizeof(double));
    for (int64_t b = 0; b < ids->dims[0]; b++) {
        const int64_t *row = (const int64_t *)ids->data + b * len, *tail = row + len - (n - 1);
        for (int64_t i = 0; n <= len && i + n <= len; i++) {
            const int64_t next = row[i + n - 1];
            if (memcmp(row + i, tail, (size_t)(n - 1) * sizeof *row) != 0)
                continue;
            if (next < 0 || next >= n_words)
                PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Token %lld is outside %lld scores",
                                   (long long)next, (long long)n_words));
            ((double *)y)[b * n_words + next] = -INFINITY;
        }
    }
done:
    return st;
}

/* --- Range: the standard's, whose step may be left out --- */

static pgy_status *range(px_ref_call *c)
{
    pgy_status *st = NULL;
    double start, limit, step = 1, *made;
    const pgy_dtype dtype = c->in[0].dtype;
    void *y;
    PX_TRY(px_move_in_number(c, 0, &start));
    PX_TRY(px_move_in_number(c, 1, &limit));
    if (px_ref_has(c, 2))
        PX_TRY(px_move_in_number(c, 2, &step));
    const double n = ceil((limit - start) / step);
    if (step == 0 || isnan(n) || n > 0x1p52)
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_MODEL, "From %g to %g by %g is no range", start, limit, step));
    const int64_t count = n > 0 ? (int64_t)n : 0;
    PX_TRY(PX_MOVE_SCRATCH(c, made, count));
    for (int64_t i = 0; i < count; i++)
        made[i] = start + (double)i * step;
    PX_TRY(px_ref_out(c, 0, dtype, 1, &count, &y));
    px_convert(px_ref_storage(dtype), y, PGY_DTYPE_F64, made, 0, count);
done:
    return st;
}

/* --- UnfoldTensor: windows along one axis, behind all others --- */

static pgy_status *unfold(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const int64_t size = px_ref_attr_i(c, "size", 0), step = px_ref_attr_i(c, "step", 1);
    int64_t dims[PX_MAX_RANK], strides[PX_MAX_RANK];
    int axis;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK - 1, &x));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "dim", -1), x->rank, &axis));
    if (size < 1 || step < 1 || size > x->dims[axis])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Windows of %lld by steps of %lld in a length of %lld",
                           (long long)size, (long long)step, (long long)x->dims[axis]));
    memcpy(dims, x->dims, (size_t)x->rank * sizeof *dims);
    px_move_strides(x->rank, x->dims, strides);
    strides[x->rank] = strides[axis];
    dims[x->rank] = size;
    dims[axis] = (x->dims[axis] - size) / step + 1;
    strides[axis] = dims[axis] > 1 ? strides[axis] * step : 0;
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank + 1, dims, &y));
    px_move_strided(c->cx, y, x->data, px_move_elem(x), x->rank + 1, dims, strides);
done:
    return st;
}

/* --- Unique: in the order of first appearance --- */

static bool is_less(const void *arg, int64_t a, int64_t b)
{
    const double *x = arg;
    return px_move_compare(PGY_DTYPE_F64, x + a, x + b) < 0;
}

static pgy_status *unique(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t *order, *tmp, *first, n_unique = 0;
    void *out[3];
    PX_TRY(px_ref_in_f64(c, 0, &x));
    if (x->rank != 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The input has rank %d, wanted is 1", x->rank));
    const int64_t n = x->count;
    PX_TRY(PX_MOVE_SCRATCH(c, order, n));
    PX_TRY(PX_MOVE_SCRATCH(c, tmp, n));
    PX_TRY(PX_MOVE_SCRATCH(c, first, n)); /* of each element: where its value appears first */
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    px_move_sort(order, tmp, n, is_less, x->data);
    for (int64_t i = 0; i < n; i++) {
        const bool is_new = i == 0 || is_less(x->data, order[i - 1], order[i]);
        first[order[i]] = is_new ? order[i] : first[order[i - 1]];
        n_unique += is_new;
    }
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 1, &n_unique, &out[0]));
    PX_TRY(px_ref_out(c, 1, PGY_DTYPE_I64, 1, &n, &out[1]));
    PX_TRY(px_ref_out(c, 2, PGY_DTYPE_I64, 1, &n_unique, &out[2]));
    int64_t *place = out[1], *counts = out[2], made = 0;
    for (int64_t i = 0; i < n; i++) {
        if (first[i] == i) {
            ((double *)out[0])[made] = ((const double *)x->data)[i];
            counts[made] = 0;
            place[i] = made++;
        } else {
            place[i] = place[first[i]];
        }
        counts[place[i]]++;
    }
done:
    return st;
}

static const px_ref_op rows[] = {
    {"com.microsoft", "CDist", 1, 2, 2, 1, 1, cdist},
    {"com.microsoft", "MurmurHash3", 1, 1, 1, 1, 1, murmur_hash},
    {"com.microsoft", "NGramRepeatBlock", 1, 2, 2, 1, 1, ngram_repeat_block},
    {"com.microsoft", "Range", 1, 2, 3, 1, 1, range},
    {"com.microsoft", "UnfoldTensor", 1, 1, 1, 1, 1, unfold},
    {"com.microsoft", "Unique", 1, 1, 1, 3, 3, unique},
};

const px_ref_family px_ref_family_ms_array = {rows, PX_COUNTOF(rows)};
