/* backend/ref/value.c - values of the interpreter: references, storage form, rounding. */
#include "backend/ref/plan.h"
#include "base/half.h"

const char *px_ref_kind_text(px_ref_kind kind)
{
    static const char *const texts[] = {
        [PX_REF_NONE] = "empty",          [PX_REF_TENSOR] = "a tensor",
        [PX_REF_SEQUENCE] = "a sequence", [PX_REF_OPTIONAL] = "an optional",
        [PX_REF_MAP] = "a map",
    };
    return texts[kind];
}

px_ref_value px_ref_value_copy(px_ref_value v)
{
    if (v.t)
        pgy_tensor_ref(v.t);
    if (v.seq)
        v.seq->n_refs++;
    return v;
}

/* A loop can nest optionals as deep as it likes, so the way down is a list, not recursion. */
static void list_free(px_ref_list *seq)
{
    px_ref_list *todo = NULL;
    if (seq && --seq->n_refs == 0)
        todo = seq;
    while (todo) {
        px_ref_list *list = todo;
        todo = list->dead;
        for (size_t i = 0; i < list->n; i++) {
            px_ref_list *below = list->items[i].seq;
            pgy_tensor_free(list->items[i].t);
            if (below && --below->n_refs == 0) {
                below->dead = todo;
                todo = below;
            }
        }
        px_mem_free(list);
    }
}

void px_ref_value_free(px_ref_value *v)
{
    pgy_tensor_free(v->t);
    list_free(v->seq);
    *v = (px_ref_value){0};
}

pgy_status *px_ref_list_new(size_t n, px_ref_list **out)
{
    size_t size = 0;
    if (!px_size_mul(n, sizeof(px_ref_value), &size) ||
        !px_size_add(size, sizeof(px_ref_list), &size))
        return px_status_nomem();
    px_ref_list *list = px_mem_calloc(1, size);
    if (!list)
        return px_status_nomem();
    list->n_refs = 1;
    list->n = n;
    *out = list;
    return NULL;
}

pgy_dtype px_ref_storage(pgy_dtype declared)
{
    if (px_dtype_is_float(declared))
        return PGY_DTYPE_F64;
    if (px_dtype_is_complex(declared))
        return PGY_DTYPE_C128;
    if (declared == PGY_DTYPE_I4 || declared == PGY_DTYPE_I2)
        return PGY_DTYPE_I8;
    if (declared == PGY_DTYPE_U4 || declared == PGY_DTYPE_U2)
        return PGY_DTYPE_U8;
    return declared;
}

static double round_f16(double x)
{
    return px_f16_to_f32(px_f64_to_f16(x));
}

static double round_bf16(double x)
{
    return px_bf16_to_f32(px_f64_to_bf16(x));
}

static double round_f8e4m3fn(double x)
{
    return px_f8e4m3fn_to_f32(px_f64_to_f8e4m3fn(x, true));
}

static double round_f8e4m3fnuz(double x)
{
    return px_f8e4m3fnuz_to_f32(px_f64_to_f8e4m3fnuz(x, true));
}

/* Has an infinity, which a Cast without saturation or a widened constant may have put there. */
static double round_f8e5m2(double x)
{
    return x - x != 0.0 ? x : px_f8e5m2_to_f32(px_f64_to_f8e5m2(x, true));
}

static double round_f8e5m2fnuz(double x)
{
    return px_f8e5m2fnuz_to_f32(px_f64_to_f8e5m2fnuz(x, true));
}

static double round_f8e8m0(double x)
{
    return px_f8e8m0_to_f32(px_f64_to_f8e8m0(x, true));
}

static double round_f4(double x)
{
    return px_f4e2m1_to_f32(px_f64_to_f4e2m1(x));
}

typedef double (*round_fn)(double x);

static round_fn rounder(pgy_dtype dtype)
{
    switch (dtype) {
    case PGY_DTYPE_F16:
        return round_f16;
    case PGY_DTYPE_BF16:
        return round_bf16;
    case PGY_DTYPE_F8E4M3FN:
        return round_f8e4m3fn;
    case PGY_DTYPE_F8E4M3FNUZ:
        return round_f8e4m3fnuz;
    case PGY_DTYPE_F8E5M2:
        return round_f8e5m2;
    case PGY_DTYPE_F8E5M2FNUZ:
        return round_f8e5m2fnuz;
    case PGY_DTYPE_F8E8M0:
        return round_f8e8m0;
    case PGY_DTYPE_F4E2M1:
        return round_f4;
    default:
        return NULL;
    }
}

/* Keeps the low `bits` bits of each byte, sign-extended where the type is signed. */
static void wrap_bits(uint8_t *x, int64_t count, int bits, bool is_signed)
{
    const int shift = 8 - bits;
    for (int64_t i = 0; i < count; i++) {
        const uint8_t high = (uint8_t)(x[i] << shift);
        x[i] = is_signed ? (uint8_t)((int8_t)high >> shift) : (uint8_t)(high >> shift);
    }
}

void px_ref_round(pgy_dtype declared, void *stored, int64_t count)
{
    double *x = stored;
    const round_fn fn = rounder(declared);

    if (fn)
        for (int64_t i = 0; i < count; i++)
            x[i] = fn(x[i]);
    else if (declared == PGY_DTYPE_F32)
        for (int64_t i = 0; i < count; i++)
            x[i] = (float)x[i];
    else if (declared == PGY_DTYPE_C64)
        for (int64_t i = 0; i < count * 2; i++)
            x[i] = (float)x[i];
    else if (declared == PGY_DTYPE_I4 || declared == PGY_DTYPE_U4)
        wrap_bits(stored, count, 4, declared == PGY_DTYPE_I4);
    else if (declared == PGY_DTYPE_I2 || declared == PGY_DTYPE_U2)
        wrap_bits(stored, count, 2, declared == PGY_DTYPE_I2);
}

static void tensor_round(const px_ref_value *v)
{
    if (v->kind == PX_REF_TENSOR && v->t->dtype != v->dtype && px_ref_tensor_is_sole(v->t))
        px_ref_round(v->dtype, v->t->data, v->t->count);
}

void px_ref_value_round(px_ref_value *v)
{
    tensor_round(v);
    for (size_t i = 0; v->seq && v->seq->n_refs == 1 && i < v->seq->n; i++)
        tensor_round(&v->seq->items[i]);
}

pgy_status *px_ref_value_load(px_ref_pool *pool, pgy_tensor *t, px_ref_value *out)
{
    const pgy_dtype storage = px_ref_storage(t->dtype);
    px_ref_value v = {.kind = PX_REF_TENSOR, .dtype = t->dtype};
    const size_t align = PX_MIN((size_t)PX_MAX(pgy_dtype_bits(t->dtype), 8) / 8, (size_t)8);

    if (storage == t->dtype && (uintptr_t)t->data % align == 0) {
        v.t = pgy_tensor_ref(t);
    } else {
        pgy_status *st = px_ref_pool_tensor(pool, storage, t->rank, t->dims, &v.t);
        if (st)
            return st;
        if (storage == t->dtype)
            memcpy(v.t->data, t->data, t->size);
        else
            px_convert(storage, v.t->data, t->dtype, t->data, 0, t->count);
    }
    *out = v;
    return NULL;
}

pgy_status *px_ref_value_narrow(px_ref_pool *pool, px_ref_value *v)
{
    pgy_status *st = NULL;
    pgy_tensor *narrow = NULL;

    if (v->kind != PX_REF_TENSOR || v->dtype != PGY_DTYPE_F32 || v->t->dtype != PGY_DTYPE_F64)
        return NULL;
    const double *x = v->t->data;
    for (int64_t i = 0; i < v->t->count; i++)
        if (!((double)(float)x[i] == x[i])) /* NaNs stay, too: their bits may matter */
            return NULL;
    PX_TRY(px_ref_pool_tensor(pool, PGY_DTYPE_F32, v->t->rank, v->t->dims, &narrow));
    for (int64_t i = 0; i < v->t->count; i++)
        ((float *)narrow->data)[i] = (float)x[i];
    pgy_tensor_free(v->t);
    v->t = narrow;
done:
    return st;
}

/* Sole pool buffers go out as they are; anything else is copied. */
static pgy_status *give_away(const px_ref_value *v, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *copy = NULL;

    if (v->dtype == PGY_DTYPE_STRING)
        return px_tensor_new_strings(v->t->rank, v->t->dims, v->t->data, out);
    if (px_ref_tensor_is_sole(v->t)) {
        px_ref_buf_detach(px_ref_tensor_buf(v->t));
        *out = pgy_tensor_ref(v->t);
        return NULL;
    }
    PX_TRY(px_tensor_new_raw(v->t->dtype, v->t->rank, v->t->dims, &copy));
    memcpy(copy->data, v->t->data, v->t->size);
    *out = copy;
done:
    return st;
}

pgy_status *px_ref_value_store(const px_ref_value *v, pgy_tensor **out)
{
    enum { CHUNK = 4096 };
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    double *rounded = NULL;

    if (v->t->dtype == v->dtype)
        return give_away(v, out);
    PX_TRY(px_tensor_new_raw(v->dtype, v->t->rank, v->t->dims, &t));
    if (pgy_dtype_bits(v->dtype) >= 16 || v->t->dtype != PGY_DTYPE_F64) {
        px_convert(v->dtype, t->data, v->t->dtype, v->t->data, 0, v->t->count);
    } else {
        /* 8- and 4-bit floats saturate first: converting what is representable is exact. */
        PX_TRY(PX_ALLOC(rounded, CHUNK));
        for (int64_t at = 0; at < v->t->count; at += CHUNK) {
            const int64_t n = PX_MIN((int64_t)CHUNK, v->t->count - at);
            memcpy(rounded, (const double *)v->t->data + at, (size_t)n * sizeof *rounded);
            px_ref_round(v->dtype, rounded, n);
            px_convert(v->dtype, (char *)t->data + at * pgy_dtype_bits(v->dtype) / 8, PGY_DTYPE_F64,
                       rounded, 0, n);
        }
    }
    *out = t;
    t = NULL;
done:
    px_mem_free(rounded);
    pgy_tensor_free(t);
    return st;
}
