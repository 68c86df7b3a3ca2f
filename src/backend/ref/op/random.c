/* backend/ref/op/random.c - operators that draw random numbers, and Dropout.
 *
 * The standard prescribes no generator. Ours is counter based: draw i of a node is
 *     mix(seed + (i + 1) * 0x9e3779b97f4a7c15)
 * with SplitMix64's finaliser as mix, so it depends on nothing but the node's seed and i. The seed
 * is the bits of attribute `seed`; without one, the FNV-1a hash of the first output's name. So
 * every inference gives the same numbers, as a reference should. Uniform: the upper 53 bits, times
 * 2^-53, in [0, 1). Normal: Box-Muller, draws 2 i and 2 i + 1 give elements 2 i (cosine) and 2 i +
 * 1 (sine). Dropout before opset 12 has no way to ask for training but `is_test` = 0, which
 * exporters leave at its default: it passes its input on, as inference runtimes do.
 */
#include "backend/ref/op/elem.h"

#include <math.h>

#define TWO_PI 6.283185307179586

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t draw(uint64_t seed, int64_t i)
{
    return mix(seed + ((uint64_t)i + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

static double uniform(uint64_t seed, int64_t i)
{
    return (double)(draw(seed, i) >> 11) * 0x1p-53;
}

static double normal(uint64_t seed, int64_t i)
{
    const double u = 1.0 - uniform(seed, i & ~INT64_C(1)); /* (0, 1]: its logarithm is finite */
    const double angle = TWO_PI * uniform(seed, i | 1);
    return sqrt(-2.0 * log(u)) * (i & 1 ? sin(angle) : cos(angle));
}

static uint64_t seed_of(const px_ref_call *c)
{
    const px_onnx_attr *a = px_ref_attr(c, "seed");
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    uint32_t bits;
    if (a != NULL && a->type == PX_ONNX_ATTR_INT)
        return mix((uint64_t)a->i);
    if (a != NULL && a->type == PX_ONNX_ATTR_FLOAT) {
        memcpy(&bits, &a->f, sizeof bits);
        return mix(bits);
    }
    const px_str name = c->node->n_outputs > 0 ? c->node->outputs[0] : (px_str){0};
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * UINT64_C(0x100000001b3);
    return mix(hash);
}

/* Attribute dtype, or `otherwise`. */
static pgy_status *dtype_of(px_ref_call *c, pgy_dtype otherwise, pgy_dtype *out)
{
    const int64_t given = px_ref_attr_i(c, "dtype", otherwise);
    if (given <= 0 || given >= PGY_DTYPE_COUNT)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "attribute dtype is %lld, which is no element type",
                           (long long)given);
    *out = (pgy_dtype)given;
    return NULL;
}

typedef struct fill_job {
    double *out;
    uint64_t seed;
    double offset, scale;
    bool is_normal;
} fill_job;

static void fill_range(void *arg, int64_t begin, int64_t end)
{
    const fill_job *j = arg;
    for (int64_t i = begin; i < end; i++)
        j->out[i] =
            j->offset + j->scale * (j->is_normal ? normal(j->seed, i) : uniform(j->seed, i));
}

static pgy_status *fill(px_ref_call *c, pgy_dtype otherwise, size_t rank, const int64_t *dims,
                        bool is_normal)
{
    pgy_status *st = NULL;
    pgy_dtype dtype = PGY_DTYPE_F32;
    void *out;
    int64_t count = 0;

    PX_TRY(dtype_of(c, otherwise, &dtype));
    if (px_ref_storage(dtype) != PGY_DTYPE_F64)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "random numbers of type %s; a float type is wanted",
                           pgy_dtype_name(dtype)));
    if (rank > PX_MAX_RANK || !px_shape_count((int)rank, dims, &count))
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_MODEL, "the shape is negative, too large or of too many dims"));
    PX_TRY(px_ref_out(c, 0, dtype, (int)rank, dims, &out));
    fill_job j = {.out = out, .seed = seed_of(c), .is_normal = is_normal};
    if (is_normal) {
        j.offset = px_ref_attr_f(c, "mean", 0.0);
        j.scale = px_ref_attr_f(c, "scale", 1.0);
    } else {
        j.offset = px_ref_attr_f(c, "low", 0.0);
        j.scale = px_ref_attr_f(c, "high", 1.0) - j.offset;
    }
    if (count > 0)
        px_parallel_for(c->cx, count, 4096, fill_range, &j);
done:
    return st;
}

static pgy_status *fill_shape(px_ref_call *c, bool is_normal)
{
    const int64_t *dims;
    size_t rank;
    if (!px_ref_attr_ints(c, "shape", &dims, &rank))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "attribute shape is required and missing");
    return fill(c, PGY_DTYPE_F32, rank, dims, is_normal);
}

static pgy_status *fill_like(px_ref_call *c, bool is_normal)
{
    pgy_status *st = NULL;
    const pgy_tensor *like;
    PX_TRY(px_ref_in(c, 0, &like));
    PX_TRY(fill(c, c->in[0].dtype, (size_t)like->rank, like->dims, is_normal));
done:
    return st;
}

static pgy_status *k_normal(px_ref_call *c)
{
    return fill_shape(c, true);
}

static pgy_status *k_uniform(px_ref_call *c)
{
    return fill_shape(c, false);
}

static pgy_status *k_normal_like(px_ref_call *c)
{
    return fill_like(c, true);
}

static pgy_status *k_uniform_like(px_ref_call *c)
{
    return fill_like(c, false);
}

static pgy_status *k_bernoulli(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *p;
    pgy_dtype dtype = PGY_DTYPE_F32;
    void *out;

    PX_TRY(px_ref_in(c, 0, &p));
    if (p->dtype != PGY_DTYPE_F64)
        PX_TRY(px_elem_bad_type(c, 0));
    PX_TRY(dtype_of(c, c->in[0].dtype, &dtype));
    const pgy_dtype storage = px_ref_storage(dtype);
    if (px_numeric_index(storage) < 0 && storage != PGY_DTYPE_BOOL)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "draws of type %s", pgy_dtype_name(dtype)));
    double *hits = px_arena_calloc(c->scratch, (size_t)p->count + 1, sizeof *hits);
    if (hits == NULL)
        PX_TRY(px_status_nomem());
    const uint64_t seed = seed_of(c);
    for (int64_t i = 0; i < p->count; i++)
        hits[i] = uniform(seed, i) < ((const double *)p->data)[i] ? 1.0 : 0.0;
    PX_TRY(px_ref_out(c, 0, dtype, p->rank, p->dims, &out));
    px_convert(storage, out, PGY_DTYPE_F64, hits, 0, p->count);
done:
    return st;
}

/* A class with probability proportional to exp(x): the first whose cumulative weight exceeds a
 * uniform number times the sum. */
static pgy_status *k_multinomial(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    pgy_dtype dtype = PGY_DTYPE_F32;
    void *out;

    PX_TRY(px_ref_in(c, 0, &x));
    PX_TRY(dtype_of(c, PGY_DTYPE_I32, &dtype));
    const int64_t n_samples = px_ref_attr_i(c, "sample_size", 1);
    if (x->dtype != PGY_DTYPE_F64)
        PX_TRY(px_elem_bad_type(c, 0));
    if (dtype != PGY_DTYPE_I32 && dtype != PGY_DTYPE_I64)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "samples of type %s; int32 or int64 is wanted",
                           pgy_dtype_name(dtype)));
    if (x->rank != 2 || x->dims[1] < 1 || n_samples < 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the input must be [batch, classes] with a class"));
    const int64_t n = x->dims[1];
    double *sums = px_arena_calloc(c->scratch, (size_t)n, sizeof *sums);
    if (sums == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_ref_out(c, 0, dtype, 2, (const int64_t[]){x->dims[0], n_samples}, &out));
    const uint64_t seed = seed_of(c);
    for (int64_t b = 0; b < x->dims[0]; b++) {
        const double *row = (const double *)x->data + b * n;
        double top = row[0], total = 0.0;
        for (int64_t k = 1; k < n; k++)
            top = row[k] > top ? row[k] : top;
        for (int64_t k = 0; k < n; k++)
            sums[k] = total += exp(row[k] - top);
        for (int64_t s = 0; s < n_samples; s++) {
            const int64_t at = b * n_samples + s;
            const double u = uniform(seed, at) * total;
            int64_t pick = 0;
            while (pick < n - 1 && !(u < sums[pick]))
                pick++;
            if (dtype == PGY_DTYPE_I32)
                ((int32_t *)out)[at] = (int32_t)pick;
            else
                ((int64_t *)out)[at] = pick;
        }
    }
done:
    return st;
}

/* --- Dropout --- */

/* The mask is of the data's type before opset 10, then bool. Before opset 12 it is left open what
 * it holds ("not filled"): zeros, as runtimes give; then ones. */
static pgy_status *pass_on(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    void *mask;
    PX_TRY(px_ref_in(c, 0, &x));
    if (px_ref_wants(c, 1)) {
        const bool as_data = c->opset < 10;
        if (as_data && x->dtype != PGY_DTYPE_F64)
            PX_TRY(px_elem_bad_type(c, 0));
        PX_TRY(
            px_ref_out(c, 1, as_data ? c->in[0].dtype : PGY_DTYPE_BOOL, x->rank, x->dims, &mask));
        memset(mask, c->opset >= 12, (size_t)x->count * (as_data ? sizeof(double) : 1));
    }
    px_ref_out_take(c, 0, px_ref_value_copy(c->in[0]));
done:
    return st;
}

static pgy_status *scalar(px_ref_call *c, size_t i, double *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    if (!px_ref_has(c, i))
        return NULL;
    PX_TRY(px_ref_in_f64(c, i, &t));
    if (t->count != 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "input %zu has %lld elements; a scalar is wanted", i,
                           (long long)t->count));
    *out = *(const double *)t->data;
done:
    return st;
}

static pgy_status *k_dropout(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    void *out;
    bool *mask = NULL;
    double ratio = 0.5, training = 0.0;

    PX_TRY(scalar(c, 1, &ratio));
    PX_TRY(scalar(c, 2, &training));
    if (training == 0.0 || ratio == 0.0)
        return pass_on(c);
    PX_TRY(px_ref_in(c, 0, &x));
    if (x->dtype != PGY_DTYPE_F64)
        PX_TRY(px_elem_bad_type(c, 0));
    if (!(ratio > 0.0 && ratio < 1.0))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the ratio is %g; [0, 1) is wanted", ratio));
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, x->dims, &out));
    if (px_ref_wants(c, 1)) {
        void *data;
        PX_TRY(px_ref_out(c, 1, PGY_DTYPE_BOOL, x->rank, x->dims, &data));
        mask = data;
    }
    const uint64_t seed = seed_of(c);
    const double scale = 1.0 / (1.0 - ratio);
    for (int64_t i = 0; i < x->count; i++) {
        const bool kept = uniform(seed, i) >= ratio;
        ((double *)out)[i] = kept ? ((const double *)x->data)[i] * scale : 0.0;
        if (mask != NULL)
            mask[i] = kept;
    }
done:
    return st;
}

#define TWO(name, first, in, kernel)                                                               \
    {"", name, first, in, in, 1, 1, kernel},                                                       \
    {                                                                                              \
        "", name, 22, in, in, 1, 1, kernel                                                         \
    }
#define DROPOUT(since, max_in, kernel)                                                             \
    {                                                                                              \
        "", "Dropout", since, 1, max_in, 1, 2, kernel                                              \
    }

static const px_ref_op ops[] = {
    TWO("RandomNormal", 1, 0, k_normal),
    TWO("RandomUniform", 1, 0, k_uniform),
    TWO("RandomNormalLike", 1, 1, k_normal_like),
    TWO("RandomUniformLike", 1, 1, k_uniform_like),
    TWO("Bernoulli", 15, 1, k_bernoulli),
    TWO("Multinomial", 7, 1, k_multinomial),
    DROPOUT(1, 1, pass_on),
    DROPOUT(6, 1, pass_on),
    DROPOUT(7, 1, pass_on),
    DROPOUT(10, 1, pass_on),
    DROPOUT(12, 3, k_dropout),
    DROPOUT(13, 3, k_dropout),
    DROPOUT(22, 3, k_dropout),
};

const px_ref_family px_ref_family_random = {ops, PX_COUNTOF(ops)};
