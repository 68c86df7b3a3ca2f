/* backend/ref/op/elementwise_unary.c - functions of one element, Clip, Where and float predicates.
 *
 * exp, tanh, erf come from vmath.c, the rest from libm. Abs and Neg of the smallest integer wrap.
 * Round is to nearest, ties to even.
 */
#include "backend/ref/op/elem.h"
#include "backend/ref/op/vmath.h"

#include <float.h>
#include <math.h>

/* --- numeric types --- */

#define SIGNED_ROWS(op, f64, expr32, expr64)                                                       \
    PX_ROW1(op##_f64, double, double, f64)                                                         \
    PX_ROW1(op##_i8, int8_t, int8_t, expr32)                                                       \
    PX_ROW1(op##_i16, int16_t, int16_t, expr32)                                                    \
    PX_ROW1(op##_i32, int32_t, int32_t, expr32)                                                    \
    PX_ROW1(op##_i64, int64_t, int64_t, expr64)
#define UNSIGNED_ROWS(op, expr)                                                                    \
    PX_ROW1(op##_u8, uint8_t, uint8_t, expr)                                                       \
    PX_ROW1(op##_u16, uint16_t, uint16_t, expr)                                                    \
    PX_ROW1(op##_u32, uint32_t, uint32_t, expr)                                                    \
    PX_ROW1(op##_u64, uint64_t, uint64_t, expr)
#define ALL(op)                                                                                    \
    {                                                                                              \
        op##_f64, op##_i8, op##_i16, op##_i32, op##_i64, op##_u8, op##_u16, op##_u32, op##_u64     \
    }

SIGNED_ROWS(neg, -x, 0u - (uint32_t)x, UINT64_C(0) - (uint64_t)x)
static const px_elem_row neg_rows[PX_N_NUMERIC] = {neg_f64, neg_i8, neg_i16, neg_i32, neg_i64};
SIGNED_ROWS(abs, fabs(x), x < 0 ? 0u - (uint32_t)x : (uint32_t)x,
            x < 0 ? UINT64_C(0) - (uint64_t)x : (uint64_t)x)
UNSIGNED_ROWS(abs, x)
static const px_elem_row abs_rows[PX_N_NUMERIC] = ALL(abs);
SIGNED_ROWS(sign, x > 0 ? 1.0 : x < 0 ? -1.0 : x, (x > 0) - (x < 0), (x > 0) - (x < 0))
UNSIGNED_ROWS(sign, x != 0)
static const px_elem_row sign_rows[PX_N_NUMERIC] = ALL(sign);
PX_ROW1(not_i8, int8_t, int8_t, ~x)
PX_ROW1(not_i16, int16_t, int16_t, ~x)
PX_ROW1(not_i32, int32_t, int32_t, ~x)
PX_ROW1(not_i64, int64_t, int64_t, ~x)
UNSIGNED_ROWS(not, ~x)
static const px_elem_row not_rows[PX_N_NUMERIC] = {NULL,   not_i8,  not_i16, not_i32, not_i64,
                                                   not_u8, not_u16, not_u32, not_u64};

static pgy_status *k_neg(px_ref_call *c)
{
    return px_elem_unary(c, neg_rows, NULL);
}

static pgy_status *k_abs(px_ref_call *c)
{
    return px_elem_unary(c, abs_rows, NULL);
}

static pgy_status *k_sign(px_ref_call *c)
{
    return px_elem_unary(c, sign_rows, NULL);
}

static pgy_status *k_bit_not(px_ref_call *c)
{
    return px_elem_unary(c, not_rows, NULL);
}

/* --- floats --- */

#define MAP(op, expr)                                                                              \
    PX_ROW1(op##_row, double, double, expr)                                                        \
    static pgy_status *k_##op(px_ref_call *c)                                                      \
    {                                                                                              \
        return px_elem_map(c, op##_row, NULL);                                                     \
    }
MAP(reciprocal, 1.0 / x)
MAP(sqrt, sqrt(x))
MAP(log, log(x))
MAP(floor, floor(x))
MAP(ceil, ceil(x))
MAP(round, rint(x))
MAP(sin, sin(x))
MAP(cos, cos(x))
MAP(tan, tan(x))
MAP(asin, asin(x))
MAP(acos, acos(x))
MAP(atan, atan(x))
MAP(sinh, sinh(x))
MAP(cosh, cosh(x))
MAP(asinh, asinh(x))
MAP(acosh, acosh(x))
MAP(atanh, atanh(x))

#define MAP_V(op)                                                                                  \
    static void op##_row(const px_elem_run *r)                                                     \
    {                                                                                              \
        px_v_##op(r->out, r->in[0], r->n);                                                         \
    }
MAP_V(exp)
MAP_V(tanh)
MAP_V(erf)

static pgy_status *k_exp(px_ref_call *c)
{
    return px_elem_map(c, exp_row, NULL);
}

static pgy_status *k_tanh(px_ref_call *c)
{
    return px_elem_map(c, tanh_row, NULL);
}

/* Opset 9 takes integers too: the float result is truncated. */
static pgy_status *k_erf(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *stored;
    void *out;

    PX_TRY(px_ref_in(c, 0, &stored));
    if (stored->dtype == PGY_DTYPE_F64)
        return px_elem_map(c, erf_row, NULL);
    if (px_numeric_index(stored->dtype) < 0)
        PX_TRY(px_elem_bad_type(c, 0));
    PX_TRY(px_ref_in_f64(c, 0, &x));
    double *y = px_arena_calloc(c->scratch, (size_t)x->count, sizeof *y);
    if (y == NULL)
        PX_TRY(px_status_nomem());
    px_v_erf(y, x->data, x->count);
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, x->dims, &out));
    px_convert(stored->dtype, out, PGY_DTYPE_F64, y, 0, x->count);
done:
    return st;
}

/* --- Clip --- */

typedef struct clip_bounds {
    double low, high;
    int64_t low_i, high_i; /* signed integers */
    uint64_t low_u, high_u;
} clip_bounds;

#define CLIP_ROW(name, T, L, H)                                                                    \
    static void clip_##name(const px_elem_run *r)                                                  \
    {                                                                                              \
        const clip_bounds *b = r->arg;                                                             \
        const T low = (T)b->L, high = (T)b->H;                                                     \
        const T *a = r->in[0];                                                                     \
        T *o = r->out;                                                                             \
        PX_INDEPENDENT                                                                             \
        for (int64_t i = 0; i < r->n; i++) {                                                       \
            const T x = a[i] < low ? low : a[i];                                                   \
            o[i] = x > high ? high : x;                                                            \
        }                                                                                          \
    }
CLIP_ROW(f64, double, low, high)
CLIP_ROW(i8, int8_t, low_i, high_i)
CLIP_ROW(i16, int16_t, low_i, high_i)
CLIP_ROW(i32, int32_t, low_i, high_i)
CLIP_ROW(i64, int64_t, low_i, high_i)
CLIP_ROW(u8, uint8_t, low_u, high_u)
CLIP_ROW(u16, uint16_t, low_u, high_u)
CLIP_ROW(u32, uint32_t, low_u, high_u)
CLIP_ROW(u64, uint64_t, low_u, high_u)
static const px_elem_row clip_rows[PX_N_NUMERIC] = ALL(clip);

/* The standard's defaults: numeric_limits lowest and max of the declared type. */
static clip_bounds clip_defaults(pgy_dtype declared)
{
    clip_bounds b = {0};
    switch (declared) {
    case PGY_DTYPE_F32:
        b.high = FLT_MAX;
        break;
    case PGY_DTYPE_F16:
        b.high = 65504.0;
        break;
    case PGY_DTYPE_BF16:
        b.high = 0x1.fep127;
        break;
    default:
        b.high = DBL_MAX;
    }
    b.low = -b.high;
    const int bits = pgy_dtype_bits(px_ref_storage(declared));
    b.high_u = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    b.high_i = (int64_t)(b.high_u >> 1);
    b.low_i = -b.high_i - 1;
    return b;
}

static pgy_status *clip_bound(px_ref_call *c, size_t i, const pgy_tensor *data, double *out_f,
                              int64_t *out_i, uint64_t *out_u)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    if (!px_ref_has(c, i))
        return NULL;
    PX_TRY(px_ref_in(c, i, &t));
    if (t->dtype != data->dtype)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "element types of inputs 0 and %zu differ", i));
    if (t->count != 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "input %zu has %lld elements; a scalar is wanted", i,
                           (long long)t->count));
    if (t->dtype == PGY_DTYPE_F64)
        *out_f = *(const double *)t->data;
    else if (t->dtype == PGY_DTYPE_U64)
        *out_u = *(const uint64_t *)t->data;
    else
        *out_u = (uint64_t)(*out_i = px_tensor_get_i64(t, 0));
done:
    return st;
}

static pgy_status *k_clip(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    PX_TRY(px_ref_in(c, 0, &x));
    if (px_numeric_index(x->dtype) < 0)
        PX_TRY(px_elem_bad_type(c, 0));
    clip_bounds b = clip_defaults(c->in[0].dtype);
    if (c->opset < 11) {
        b.low = px_ref_attr_f(c, "min", b.low);
        b.high = px_ref_attr_f(c, "max", b.high);
    } else {
        PX_TRY(clip_bound(c, 1, x, &b.low, &b.low_i, &b.low_u));
        PX_TRY(clip_bound(c, 2, x, &b.high, &b.high_i, &b.high_u));
    }
    PX_TRY(px_elem_unary(c, clip_rows, &b));
done:
    return st;
}

/* --- predicates --- */

PX_ROW1(isnan_row, double, bool, isnan(x))
PX_ROW1(isinf_row, double, bool, isinf(x))
PX_ROW1(is_plus_inf_row, double, bool, x == INFINITY)
PX_ROW1(is_minus_inf_row, double, bool, x == -INFINITY)
PX_ROW1(never_row, double, bool, x < x)

static pgy_status *run_predicate(px_ref_call *c, px_elem_row row)
{
    pgy_status *st = NULL;
    px_elem e;
    void *out;
    PX_TRY(px_elem_init(c, &e, 0, 1));
    if (px_elem_storage(&e, 0) != PGY_DTYPE_F64)
        PX_TRY(px_elem_bad_type(c, 0));
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_BOOL, e.rank, e.dims, &out));
    px_elem_apply(&e, out, sizeof(bool), row, NULL);
done:
    return st;
}

static pgy_status *k_isnan(px_ref_call *c)
{
    return run_predicate(c, isnan_row);
}

static pgy_status *k_isinf(px_ref_call *c)
{
    const bool plus = px_ref_attr_i(c, "detect_positive", 1) != 0;
    const bool minus = px_ref_attr_i(c, "detect_negative", 1) != 0;
    if (plus)
        return run_predicate(c, minus ? isinf_row : is_plus_inf_row);
    return run_predicate(c, minus ? is_minus_inf_row : never_row);
}

/* --- Where --- */

typedef struct wide {
    uint64_t at[2];
} wide; /* complex numbers and string views */

#define WHERE_ROW(name, T)                                                                         \
    static void where_##name(const px_elem_run *r)                                                 \
    {                                                                                              \
        T *o = r->out;                                                                             \
        const uint8_t *cond = r->in[0];                                                            \
        const T *a = r->in[1], *b = r->in[2];                                                      \
        const ptrdiff_t sc = r->step[0], sa = r->step[1], sb = r->step[2];                         \
        if (sc == 1 && sa == 1 && sb == 1) {                                                       \
            PX_INDEPENDENT                                                                         \
            for (int64_t i = 0; i < r->n; i++)                                                     \
                o[i] = cond[i] ? a[i] : b[i];                                                      \
        } else {                                                                                   \
            for (int64_t i = 0; i < r->n; i++)                                                     \
                o[i] = cond[i * sc] ? a[i * sa] : b[i * sb];                                       \
        }                                                                                          \
    }
WHERE_ROW(1, uint8_t)
WHERE_ROW(2, uint16_t)
WHERE_ROW(4, uint32_t)
WHERE_ROW(8, uint64_t)
WHERE_ROW(16, wide)

static pgy_status *k_where(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_elem e;
    void *out;

    PX_TRY(px_elem_init(c, &e, 0, 3));
    const pgy_dtype type = px_elem_storage(&e, 1);
    if (px_elem_storage(&e, 0) != PGY_DTYPE_BOOL)
        PX_TRY(px_elem_bad_type(c, 0));
    if (px_elem_storage(&e, 2) != type)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "element types of inputs 1 and 2 differ: %s and %s",
                           pgy_dtype_name(c->in[1].dtype), pgy_dtype_name(c->in[2].dtype)));
    const size_t size = e.size[1];
    PX_TRY(px_elem_out(c, &e, 0, c->in[1].dtype, &out));
    px_elem_apply(&e, out, size,
                  size == 1   ? where_1
                  : size == 2 ? where_2
                  : size == 4 ? where_4
                  : size == 8 ? where_8
                              : where_16,
                  NULL);
done:
    return st;
}

#define ROW(name, since, kernel)                                                                   \
    {                                                                                              \
        "", name, since, 1, 1, 1, 1, kernel                                                        \
    }
#define SINCE_1(name, kernel) ROW(name, 1, kernel), ROW(name, 6, kernel), ROW(name, 13, kernel)
#define TWO(name, a, b, kernel) ROW(name, a, kernel), ROW(name, b, kernel)

static const px_ref_op ops[] = {
    SINCE_1("Neg", k_neg),
    SINCE_1("Abs", k_abs),
    TWO("Sign", 9, 13, k_sign),
    SINCE_1("Reciprocal", k_reciprocal),
    SINCE_1("Sqrt", k_sqrt),
    SINCE_1("Exp", k_exp),
    SINCE_1("Log", k_log),
    SINCE_1("Floor", k_floor),
    SINCE_1("Ceil", k_ceil),
    SINCE_1("Tanh", k_tanh),
    TWO("Round", 11, 22, k_round),
    TWO("Erf", 9, 13, k_erf),
    TWO("Sin", 7, 22, k_sin),
    TWO("Cos", 7, 22, k_cos),
    TWO("Tan", 7, 22, k_tan),
    TWO("Asin", 7, 22, k_asin),
    TWO("Acos", 7, 22, k_acos),
    TWO("Atan", 7, 22, k_atan),
    TWO("Sinh", 9, 22, k_sinh),
    TWO("Cosh", 9, 22, k_cosh),
    TWO("Asinh", 9, 22, k_asinh),
    TWO("Acosh", 9, 22, k_acosh),
    TWO("Atanh", 9, 22, k_atanh),
    ROW("BitwiseNot", 18, k_bit_not),
    ROW("Clip", 1, k_clip),
    ROW("Clip", 6, k_clip),
    {"", "Clip", 11, 1, 3, 1, 1, k_clip},
    {"", "Clip", 12, 1, 3, 1, 1, k_clip},
    {"", "Clip", 13, 1, 3, 1, 1, k_clip},
    ROW("IsNaN", 9, k_isnan),
    ROW("IsNaN", 13, k_isnan),
    ROW("IsNaN", 20, k_isnan),
    TWO("IsInf", 10, 20, k_isinf),
    {"", "Where", 9, 3, 3, 1, 1, k_where},
    {"", "Where", 16, 3, 3, 1, 1, k_where},
};

const px_ref_family px_ref_family_elementwise_unary = {ops, PX_COUNTOF(ops)};
