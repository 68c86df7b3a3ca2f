/* compare/pair.c - work types, promotion, and the block loader; see pair.h. */
#include "compare/pair.h"

#include <math.h>
#include <string.h>

static const pgy_dtype work_dtype[PX_N_WORK] = {PGY_DTYPE_BOOL, PGY_DTYPE_I32, PGY_DTYPE_I64,
                                                PGY_DTYPE_U64,  PGY_DTYPE_F32, PGY_DTYPE_F64};

bool px_work_of(pgy_dtype dtype, px_work *out)
{
    switch (dtype) {
    case PGY_DTYPE_BOOL:
        *out = PX_BOOL;
        return true;
    case PGY_DTYPE_I64:
    case PGY_DTYPE_U32:
        *out = PX_I64;
        return true;
    case PGY_DTYPE_U64:
        *out = PX_U64;
        return true;
    case PGY_DTYPE_F64:
        *out = PX_F64;
        return true;
    default:
        break;
    }
    *out = px_dtype_is_float(dtype) ? PX_F32 : PX_I32;
    return px_dtype_is_float(dtype) || px_dtype_is_int(dtype);
}

/* numpy's result type of two widened operands. */
static px_work promote(px_work a, px_work b)
{
    if (a == b)
        return a;
    if (a == PX_BOOL || b == PX_BOOL)
        return a == PX_BOOL ? b : a;
    if ((a == PX_I32 && b == PX_I64) || (a == PX_I64 && b == PX_I32))
        return PX_I64;
    return PX_F64; /* floats of two sizes, ints with floats, signed with uint64 */
}

/* The largest float32 that is not above `t`; NaN never compares, which +inf does for all but NaN
 * differences, so those are kept apart by the caller's `<=` test. */
static float round_down(double t)
{
    if (isnan(t))
        return INFINITY;
    const float f = (float)t;
    return (double)f > t ? nextafterf(f, -INFINITY) : f;
}

pgy_status *px_pair_init(const pgy_tensor *a, const pgy_tensor *b, bool inf_equal, double atol,
                         double rtol, px_pair *out)
{
    px_pair p = {.a = a, .b = b, .count = a->count, .inf_equal = inf_equal};
    p.k = px_k_f32_get();
    p.atol = isnan(atol) ? INFINITY : atol;
    p.rtol = isnan(rtol) ? INFINITY : rtol;
    p.atol_f32 = round_down(p.atol);
    p.rtol_f32 = round_down(p.rtol);
    p.dtype[PX_OF_A] = a->dtype;
    if (!px_work_of(a->dtype, &p.work[PX_OF_A]))
        return PX_FAIL(PGY_ERR_UNSUPPORTED, "%s elements cannot be compared as numbers",
                       pgy_dtype_name(a->dtype));
    if (b != NULL) {
        if (!px_work_of(b->dtype, &p.work[PX_OF_B]))
            return PX_FAIL(PGY_ERR_UNSUPPORTED, "%s elements cannot be compared as numbers",
                           pgy_dtype_name(b->dtype));
        if (a->count != b->count)
            return PX_FAIL(PGY_ERR_USAGE, "Arrays of %lld and %lld elements cannot be compared",
                           (long long)a->count, (long long)b->count);
        p.dtype[PX_OF_B] = b->dtype;
        p.common = promote(p.work[PX_OF_A], p.work[PX_OF_B]);
        px_work abs = p.common;
        if (inf_equal) /* COMPAT: a literal 0 joins as an int64 array and promotes with it */
            abs = abs == PX_BOOL ? PX_BOOL : abs == PX_I32 || abs == PX_I64 ? PX_I64 : PX_F64;
        p.work[PX_OF_ABS] = abs;
        p.work[PX_OF_REL] = abs == PX_F32 && p.work[PX_OF_B] == PX_F32 ? PX_F32 : PX_F64;
        p.dtype[PX_OF_ABS] = work_dtype[abs];
        p.dtype[PX_OF_REL] = work_dtype[p.work[PX_OF_REL]];
    }
    *out = p;
    return NULL;
}

/* Elements in their work type: where they lie if they can be used there, else in `buffer`. */
static const void *load(const pgy_tensor *t, px_work w, int64_t first, int64_t n, void *buffer)
{
    if (t->dtype == work_dtype[w] && w != PX_BOOL) {
        const size_t size = px_work_size(w);
        const char *at = (const char *)t->data + (size_t)first * size;
        if ((uintptr_t)at % size == 0)
            return at;
        memcpy(buffer, at, (size_t)n * size);
        return buffer;
    }
    if (w == PX_BOOL) { /* any byte but 0 is true */
        const uint8_t *at = (const uint8_t *)t->data + first;
        uint8_t *to = buffer;
        for (int64_t i = 0; i < n; i++)
            to[i] = at[i] != 0;
        return buffer;
    }
    px_convert(work_dtype[w], buffer, t->dtype, t->data, first, n);
    return buffer;
}

static const void *as(px_work to, px_work from, const void *x, int64_t n, void *buffer)
{
    if (to == from)
        return x;
    px_convert(work_dtype[to], buffer, work_dtype[from], x, 0, n);
    return buffer;
}

static double get_float(px_work w, const void *x, int64_t i)
{
    return w == PX_F32 ? ((const float *)x)[i] : ((const double *)x)[i];
}

/* --infinities-compare-equal: the difference of equal infinities becomes 0. */
static void clear_equal_infinities(const px_pair *pair, const px_pair_block *block, double *abs)
{
    const px_work wa = pair->work[PX_OF_A], wb = pair->work[PX_OF_B];
    if ((wa != PX_F32 && wa != PX_F64) || (wb != PX_F32 && wb != PX_F64))
        return;
    for (int64_t i = 0; i < block->n; i++) {
        const double a = get_float(wa, block->at[PX_OF_A], i);
        if (isinf(a) && a == get_float(wb, block->at[PX_OF_B], i))
            abs[i] = 0.0;
    }
}

static void count_mismatches(const px_pair *pair, px_pair_block *block, double *scratch)
{
    const double *abs = block->at[PX_OF_ABS], *rel = block->at[PX_OF_REL];
    if (pair->work[PX_OF_ABS] != PX_F64) {
        px_t_to_f64(pair->work[PX_OF_ABS], abs, block->n, scratch);
        abs = scratch;
    }
    int64_t n = 0;
    for (int64_t i = 0; i < block->n; i++)
        n += !(abs[i] <= pair->atol) & !(rel[i] <= pair->rtol);
    block->n_mismatch = n;
}

void px_pair_load(const px_pair *pair, void *scratch, int64_t first, int64_t n, unsigned need,
                  px_pair_block *out)
{
    const size_t part = (size_t)8 * PX_BLOCK;
    char *const buffers = scratch;
    const bool diff = (need & (PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL))) != 0;
    *out = (px_pair_block){.first = first, .n = n};
    if (diff || (need & PX_NEED(PX_OF_A)))
        out->at[PX_OF_A] = load(pair->a, pair->work[PX_OF_A], first, n, buffers);
    if (diff || (need & PX_NEED(PX_OF_B)))
        out->at[PX_OF_B] = load(pair->b, pair->work[PX_OF_B], first, n, buffers + part);
    if (!diff)
        return;

    void *const abs = buffers + 2 * part, *const rel = buffers + 3 * part;
    out->at[PX_OF_ABS] = abs;
    out->at[PX_OF_REL] = rel;
    if (pair->work[PX_OF_REL] == PX_F32) {
        pair->k->diff(out->at[PX_OF_A], out->at[PX_OF_B], n, pair->atol_f32, pair->rtol_f32, abs,
                      rel, &out->n_mismatch, &out->n_zero);
        return;
    }
    const void *a = as(pair->common, pair->work[PX_OF_A], out->at[PX_OF_A], n, buffers + 4 * part);
    const void *b = as(pair->common, pair->work[PX_OF_B], out->at[PX_OF_B], n, buffers + 5 * part);
    const px_work w = pair->work[PX_OF_ABS];
    void *const raw = w == pair->common ? abs : buffers + 6 * part;
    px_t_absdiff(pair->common, a, b, n, raw);
    if (raw != abs)
        (void)as(w, pair->common, raw, n, abs);
    if (pair->inf_equal && w == PX_F64)
        clear_equal_infinities(pair, out, abs);
    px_t_reldiff(w, abs, pair->work[PX_OF_B], out->at[PX_OF_B], n, rel, &out->n_zero);
    count_mismatches(pair, out, (double *)(void *)(buffers + 6 * part));
}

pgy_status *px_pair_tensor(const px_pair *pair, px_which which, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    void *scratch = px_mem_alloc_aligned(PX_PAIR_SCRATCH);
    if (scratch == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_tensor_new_raw(pair->dtype[which], pair->a->rank, pair->a->dims, &t));
    const size_t size = px_work_size(pair->work[which]);
    for (int64_t i = 0; i < pair->count; i += PX_BLOCK) {
        px_pair_block block;
        px_pair_load(pair, scratch, i, PX_MIN(PX_BLOCK, pair->count - i), PX_NEED(which), &block);
        memcpy((char *)t->data + (size_t)i * size, block.at[which], (size_t)block.n * size);
    }
    *out = t;
    t = NULL;
done:
    pgy_tensor_free(t);
    px_mem_free(scratch);
    return st;
}
