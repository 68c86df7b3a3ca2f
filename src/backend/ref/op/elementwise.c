/* backend/ref/op/elementwise.c - arithmetic and bit operators on two or more inputs.
 *
 * Integers wrap (two's complement). An integer division or remainder by zero gives 0, as numpy
 * does; INT_MIN / -1 wraps to INT_MIN. An integer power with a negative exponent is the truncated
 * quotient: 1 for base 1, +-1 for base -1, 0 otherwise.
 * Max and Min let a NaN win. Sum and Mean add in the order of the inputs.
 */
#include "backend/ref/op/elem.h"

#include <math.h>

/* One row function per numeric type; I(U) is the integer expression computed in unsigned U. */
#define ROWS(op, f64, SIGNED, UNSIGNED)                                                            \
    PX_ROW2(op##_f64, double, double, f64)                                                         \
    PX_ROW2(op##_i8, int8_t, int8_t, SIGNED(uint32_t))                                             \
    PX_ROW2(op##_i16, int16_t, int16_t, SIGNED(uint32_t))                                          \
    PX_ROW2(op##_i32, int32_t, int32_t, SIGNED(uint32_t))                                          \
    PX_ROW2(op##_i64, int64_t, int64_t, SIGNED(uint64_t))                                          \
    PX_ROW2(op##_u8, uint8_t, uint8_t, UNSIGNED(uint32_t))                                         \
    PX_ROW2(op##_u16, uint16_t, uint16_t, UNSIGNED(uint32_t))                                      \
    PX_ROW2(op##_u32, uint32_t, uint32_t, UNSIGNED(uint32_t))                                      \
    PX_ROW2(op##_u64, uint64_t, uint64_t, UNSIGNED(uint64_t))                                      \
    static const px_elem_row op##_rows[PX_N_NUMERIC] = {                                           \
        op##_f64, op##_i8, op##_i16, op##_i32, op##_i64, op##_u8, op##_u16, op##_u32, op##_u64};

static inline int64_t mod_floor(int64_t x, int64_t y)
{
    if (y == 0 || y == -1)
        return 0;
    const int64_t m = x % y;
    return m != 0 && (m < 0) != (y < 0) ? m + y : m;
}

static inline int64_t mod_trunc(int64_t x, int64_t y)
{
    return y == 0 || y == -1 ? 0 : x % y;
}

/* Sign of the divisor, also for a zero result; an infinite divisor of the other sign is returned.
 */
static inline double floor_mod(double x, double y)
{
    const double m = fmod(x, y);
    if (m == 0.0)
        return copysign(0.0, y);
    return (m < 0.0) != (y < 0.0) ? m + y : m;
}

#define ADD(U) ((U)x + (U)y)
#define SUB(U) ((U)x - (U)y)
#define MUL(U) ((U)x * (U)y)
#define DIV_S(U) (y == 0 ? 0 : y == -1 ? (U)0 - (U)x : (U)(x / y))
#define DIV_U(U) (y == 0 ? 0 : x / y)
#define MOD_S(U) mod_floor(x, y)
#define FMOD_S(U) mod_trunc(x, y)
#define MOD_U(U) (y == 0 ? 0 : x % y)
#define MAX_OF(U) (x > y ? x : y)
#define MIN_OF(U) (x < y ? x : y)
ROWS(add, x + y, ADD, ADD)
ROWS(sub, x - y, SUB, SUB)
ROWS(mul, x *y, MUL, MUL)
ROWS(div, x / y, DIV_S, DIV_U)
ROWS(mod, floor_mod(x, y), MOD_S, MOD_U)
ROWS(fmod, fmod(x, y), FMOD_S, MOD_U)
ROWS(max, x >= y || x != x ? x : y, MAX_OF, MAX_OF)
ROWS(min, x <= y || x != x ? x : y, MIN_OF, MIN_OF)

static pgy_status *run_binary(px_ref_call *c, const px_elem_row *rows)
{
    pgy_status *st = NULL;
    px_elem e;
    void *out;

    if (c->opset < 7)
        PX_TRY(px_elem_init_legacy(c, &e));
    else
        PX_TRY(px_elem_init(c, &e, 0, 2));
    PX_TRY(px_elem_same_type(c, &e, 1));
    const int type = px_numeric_index(px_elem_storage(&e, 0));
    if (type < 0 || rows[type] == NULL)
        PX_TRY(px_elem_bad_type(c, 0));
    PX_TRY(px_elem_out(c, &e, 0, c->in[0].dtype, &out));
    px_elem_apply(&e, out, e.size[0], rows[type], NULL);
done:
    return st;
}

static pgy_status *k_add(px_ref_call *c)
{
    return run_binary(c, add_rows);
}

static pgy_status *k_sub(px_ref_call *c)
{
    return run_binary(c, sub_rows);
}

static pgy_status *k_mul(px_ref_call *c)
{
    return run_binary(c, mul_rows);
}

static pgy_status *k_div(px_ref_call *c)
{
    return run_binary(c, div_rows);
}

static pgy_status *k_mod(px_ref_call *c)
{
    return run_binary(c, px_ref_attr_i(c, "fmod", 0) ? fmod_rows : mod_rows);
}

/* --- Pow: base and exponent may have different types --- */

static uint64_t int_pow(uint64_t base, uint64_t exponent)
{
    uint64_t power = 1;
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            power *= base;
        base *= base;
    }
    return power;
}

static uint64_t int_pow_any(int64_t base, int64_t exponent, bool is_negative)
{
    if (!is_negative)
        return int_pow((uint64_t)base, (uint64_t)exponent);
    if (base == 1)
        return 1;
    if (base == -1)
        return exponent & 1 ? UINT64_MAX : 1;
    return 0;
}

/* Truncates and saturates; NaN gives 0. */
static int64_t to_int(double v, int64_t low, int64_t high)
{
    if (isnan(v))
        return 0;
    if (v <= (double)low)
        return low;
    return v >= (double)high ? high : (int64_t)v;
}

/* Exponents come as I64 (U64 keeps its bits, arg then says so) or F64. */
#define POW_INT_ROWS(name, T, LOW, HIGH)                                                           \
    static void pow_##name##_int(const px_elem_run *r)                                             \
    {                                                                                              \
        T *o = r->out;                                                                             \
        const T *a = r->in[0];                                                                     \
        const int64_t *b = r->in[1];                                                               \
        const bool is_signed = *(const bool *)r->arg;                                              \
        for (int64_t i = 0; i < r->n; i++) {                                                       \
            const int64_t y = b[i * r->step[1]];                                                   \
            o[i] = (T)int_pow_any(a[i * r->step[0]], y, is_signed && y < 0);                       \
        }                                                                                          \
    }                                                                                              \
    static void pow_##name##_f64(const px_elem_run *r)                                             \
    {                                                                                              \
        T *o = r->out;                                                                             \
        const T *a = r->in[0];                                                                     \
        const double *b = r->in[1];                                                                \
        for (int64_t i = 0; i < r->n; i++)                                                         \
            o[i] = (T)to_int(pow((double)a[i * r->step[0]], b[i * r->step[1]]), LOW, HIGH);        \
    }
POW_INT_ROWS(i32, int32_t, INT32_MIN, INT32_MAX)
POW_INT_ROWS(i64, int64_t, INT64_MIN, INT64_MAX)

static void pow_f64(const px_elem_run *r)
{
    double *o = r->out;
    const double *a = r->in[0], *b = r->in[1];
    const ptrdiff_t sa = r->step[0], sb = r->step[1];
    const double y = *b;
    if (sb == 0 && sa == 1 && y == 2.0) {
        PX_INDEPENDENT
        for (int64_t i = 0; i < r->n; i++)
            o[i] = a[i] * a[i];
    } else if (sb == 0 && sa == 1 && y == 3.0) {
        PX_INDEPENDENT
        for (int64_t i = 0; i < r->n; i++)
            o[i] = a[i] * a[i] * a[i];
    } else {
        for (int64_t i = 0; i < r->n; i++)
            o[i] = pow(a[i * sa], b[i * sb]);
    }
}

static pgy_status *k_pow(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_elem e;
    void *out;

    if (c->opset < 7)
        PX_TRY(px_elem_init_legacy(c, &e));
    else
        PX_TRY(px_elem_init(c, &e, 0, 2));
    const pgy_dtype base = px_elem_storage(&e, 0), exponent = px_elem_storage(&e, 1);
    if (base != PGY_DTYPE_F64 && base != PGY_DTYPE_I32 && base != PGY_DTYPE_I64)
        PX_TRY(px_elem_bad_type(c, 0));
    if (px_numeric_index(exponent) < 0)
        PX_TRY(px_elem_bad_type(c, 1));
    const bool as_int = base != PGY_DTYPE_F64 && exponent != PGY_DTYPE_F64;
    const bool is_signed = exponent != PGY_DTYPE_U64;
    const pgy_dtype want = as_int ? PGY_DTYPE_I64 : PGY_DTYPE_F64;
    if (exponent != want && !(as_int && exponent == PGY_DTYPE_U64)) {
        const int64_t count = e.t[1]->count;
        void *converted = px_arena_calloc(c->scratch, (size_t)count, 8);
        if (converted == NULL)
            PX_TRY(px_status_nomem());
        px_convert(want, converted, exponent, e.data[1], 0, count);
        e.data[1] = converted;
        e.size[1] = 8;
    }
    PX_TRY(px_elem_out(c, &e, 0, c->in[0].dtype, &out));
    px_elem_row row = pow_f64;
    if (base == PGY_DTYPE_I32)
        row = as_int ? pow_i32_int : pow_i32_f64;
    else if (base == PGY_DTYPE_I64)
        row = as_int ? pow_i64_int : pow_i64_f64;
    px_elem_apply(&e, out, e.size[0], row, &is_signed);
done:
    return st;
}

/* --- variadic --- */

static void divide_row(const px_elem_run *r)
{
    double *o = r->out;
    const double *a = r->in[0];
    const double divisor = *(const double *)r->arg;
    for (int64_t i = 0; i < r->n; i++)
        o[i] = a[i] / divisor;
}

/* out op= in[k], both seen under the whole shape; `out` is dense. */
static void fold(const px_ref_call *c, void *out, size_t size, int rank, const int64_t *dims,
                 int64_t count, const pgy_tensor *second, px_elem_row row)
{
    px_elem e = {.rank = rank, .count = count, .n_in = 2, .cx = c->cx};
    memcpy(e.dims, dims, (size_t)rank * sizeof *dims);
    int64_t stride = 1;
    for (int d = rank - 1; d >= 0; d--) {
        e.strides[0][d] = dims[d] == 1 ? 0 : stride;
        stride *= dims[d];
    }
    px_ref_broadcast_strides(second, rank, dims, e.strides[1]);
    e.data[0] = out;
    e.data[1] = second->data;
    e.size[0] = e.size[1] = size;
    px_elem_apply(&e, out, size, row, NULL);
}

static pgy_status *run_variadic(px_ref_call *c, const px_elem_row *rows, bool is_mean)
{
    pgy_status *st = NULL;
    int rank;
    int64_t dims[PX_MAX_RANK], count;
    void *out;

    const pgy_tensor **in = px_arena_calloc(c->scratch, c->n_in, sizeof *in);
    if (in == NULL)
        PX_TRY(px_status_nomem());
    for (size_t k = 0; k < c->n_in; k++)
        PX_TRY(px_ref_in(c, k, &in[k]));
    const int type = px_numeric_index(in[0]->dtype);
    if (type < 0 || (is_mean && type != 0))
        PX_TRY(px_elem_bad_type(c, 0));
    for (size_t k = 1; k < c->n_in; k++)
        if (in[k]->dtype != in[0]->dtype)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "element types of inputs 0 and %zu differ: %s and %s", k,
                               pgy_dtype_name(in[0]->dtype), pgy_dtype_name(in[k]->dtype)));
    if (c->n_in == 1) {
        px_ref_out_take(c, 0, px_ref_value_copy(c->in[0]));
        goto done;
    }
    PX_TRY(px_ref_broadcast(c, c->n_in, in, &rank, dims));
    if (!px_shape_count(rank, dims, &count))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the broadcast shape has too many elements"));
    const size_t size = (size_t)pgy_dtype_bits(in[0]->dtype) / 8;
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, rank, dims, &out));
    px_elem first = {.rank = rank, .count = count, .n_in = 2, .cx = c->cx};
    memcpy(first.dims, dims, (size_t)rank * sizeof *dims);
    for (size_t k = 0; k < 2; k++) {
        px_ref_broadcast_strides(in[k], rank, dims, first.strides[k]);
        first.data[k] = in[k]->data;
        first.size[k] = size;
    }
    px_elem_apply(&first, out, size, rows[type], NULL);
    for (size_t k = 2; k < c->n_in; k++)
        fold(c, out, size, rank, dims, count, in[k], rows[type]);
    if (is_mean) {
        const double divisor = (double)c->n_in;
        px_elem whole = {.rank = 1, .dims = {count}, .count = count, .n_in = 1, .cx = c->cx};
        whole.strides[0][0] = 1;
        whole.data[0] = out;
        whole.size[0] = size;
        px_elem_apply(&whole, out, size, divide_row, &divisor);
    }
done:
    return st;
}

static pgy_status *k_max(px_ref_call *c)
{
    return run_variadic(c, max_rows, false);
}

static pgy_status *k_min(px_ref_call *c)
{
    return run_variadic(c, min_rows, false);
}

static pgy_status *k_sum(px_ref_call *c)
{
    return run_variadic(c, add_rows, false);
}

static pgy_status *k_mean(px_ref_call *c)
{
    return run_variadic(c, add_rows, true);
}

/* --- bits --- */

/* A shift count outside [0, bits) leaves only what the sign fills in. */
#define SHL(U) ((uint64_t)y < sizeof(x) * 8 ? (U)x << (unsigned)y : 0)
#define SHR_S(U) (x >> ((uint64_t)y < sizeof(x) * 8 ? (unsigned)y : sizeof(x) * 8 - 1))
#define SHR_U(U) ((uint64_t)y < sizeof(x) * 8 ? x >> (unsigned)y : 0)
#define AND(U) (x & y)
#define OR(U) (x | y)
#define XOR(U) (x ^ y)
#define INT_ROWS(op, SIGNED, UNSIGNED)                                                             \
    PX_ROW2(op##_i8, int8_t, int8_t, SIGNED(uint32_t))                                             \
    PX_ROW2(op##_i16, int16_t, int16_t, SIGNED(uint32_t))                                          \
    PX_ROW2(op##_i32, int32_t, int32_t, SIGNED(uint32_t))                                          \
    PX_ROW2(op##_i64, int64_t, int64_t, SIGNED(uint64_t))                                          \
    PX_ROW2(op##_u8, uint8_t, uint8_t, UNSIGNED(uint32_t))                                         \
    PX_ROW2(op##_u16, uint16_t, uint16_t, UNSIGNED(uint32_t))                                      \
    PX_ROW2(op##_u32, uint32_t, uint32_t, UNSIGNED(uint32_t))                                      \
    PX_ROW2(op##_u64, uint64_t, uint64_t, UNSIGNED(uint64_t))                                      \
    static const px_elem_row op##_rows[PX_N_NUMERIC] = {                                           \
        NULL, op##_i8, op##_i16, op##_i32, op##_i64, op##_u8, op##_u16, op##_u32, op##_u64};
INT_ROWS(shl, SHL, SHL)
INT_ROWS(shr, SHR_S, SHR_U)
INT_ROWS(and, AND, AND)
INT_ROWS(or, OR, OR)
INT_ROWS(xor, XOR, XOR)

static pgy_status *k_bit_shift(px_ref_call *c)
{
    const px_str direction = px_ref_attr_s(c, "direction", "");
    if (px_str_is(direction, "LEFT"))
        return run_binary(c, shl_rows);
    if (px_str_is(direction, "RIGHT"))
        return run_binary(c, shr_rows);
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "attribute direction is '%.*s'; LEFT or RIGHT is wanted",
                       PX_STR_ARG(direction));
}

static pgy_status *k_bit_and(px_ref_call *c)
{
    return run_binary(c, and_rows);
}

static pgy_status *k_bit_or(px_ref_call *c)
{
    return run_binary(c, or_rows);
}

static pgy_status *k_bit_xor(px_ref_call *c)
{
    return run_binary(c, xor_rows);
}

#define ROW(name, since, in, kernel)                                                               \
    {                                                                                              \
        "", name, since, in, in, 1, 1, kernel                                                      \
    }
#define ARITH(name, kernel)                                                                        \
    ROW(name, 1, 2, kernel), ROW(name, 6, 2, kernel), ROW(name, 7, 2, kernel),                     \
        ROW(name, 13, 2, kernel), ROW(name, 14, 2, kernel)
#define VARIADIC(name, since, kernel)                                                              \
    {                                                                                              \
        "", name, since, 1, -1, 1, 1, kernel                                                       \
    }

static const px_ref_op ops[] = {
    ARITH("Add", k_add),
    ARITH("Sub", k_sub),
    ARITH("Mul", k_mul),
    ARITH("Div", k_div),
    ROW("Mod", 10, 2, k_mod),
    ROW("Mod", 13, 2, k_mod),
    ROW("Mod", 28, 2, k_mod),
    ROW("Pow", 1, 2, k_pow),
    ROW("Pow", 7, 2, k_pow),
    ROW("Pow", 12, 2, k_pow),
    ROW("Pow", 13, 2, k_pow),
    ROW("Pow", 15, 2, k_pow),
    VARIADIC("Max", 1, k_max),
    VARIADIC("Max", 6, k_max),
    VARIADIC("Max", 8, k_max),
    VARIADIC("Max", 12, k_max),
    VARIADIC("Max", 13, k_max),
    VARIADIC("Min", 1, k_min),
    VARIADIC("Min", 6, k_min),
    VARIADIC("Min", 8, k_min),
    VARIADIC("Min", 12, k_min),
    VARIADIC("Min", 13, k_min),
    VARIADIC("Sum", 1, k_sum),
    VARIADIC("Sum", 6, k_sum),
    VARIADIC("Sum", 8, k_sum),
    VARIADIC("Sum", 13, k_sum),
    VARIADIC("Mean", 1, k_mean),
    VARIADIC("Mean", 6, k_mean),
    VARIADIC("Mean", 8, k_mean),
    VARIADIC("Mean", 13, k_mean),
    ROW("BitShift", 11, 2, k_bit_shift),
    ROW("BitShift", 28, 2, k_bit_shift),
    ROW("BitwiseAnd", 18, 2, k_bit_and),
    ROW("BitwiseOr", 18, 2, k_bit_or),
    ROW("BitwiseXor", 18, 2, k_bit_xor),
};

const px_ref_family px_ref_family_elementwise = {ops, PX_COUNTOF(ops)};
