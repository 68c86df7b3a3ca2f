/* backend/ref/op/cast.c - Cast, CastLike, BitCast.
 *
 * A cast to a type that holds every value of the source type changes nothing here; to a narrower
 * float it rounds. Float to integer truncates; out of range, which the standard leaves open, wraps
 * like numpy on x86-64, and so do 4- and 2-bit integers. To float8 with saturate=0: infinity where
 * the type has one, else NaN. To float8e8m0: magnitude rounded up, down or to the nearest power of
 * two; negative numbers, which the standard leaves open, give NaN; zero counts as below the range.
 * Text from numbers is Python's str ("1.0", "1e-05", "True"), with the standard's NaN, INF, -INF.
 */
#include "backend/ref/op/cast.h"

#include "backend/ref/op/elem.h"
#include "base/fmt.h"
#include "base/half.h"

#include <math.h>

typedef struct cast_args {
    pgy_dtype from, to; /* storage of the source, declared target */
    bool saturate;
    px_str round_mode; /* up, down, nearest */
} cast_args;

static double round_e8m0(const cast_args *a, double x)
{
    int exponent;
    if (isnan(x) || x < 0.0)
        return NAN;
    if (x == 0.0)
        return a->saturate ? 0x1p-127 : NAN;
    if (isinf(x))
        return a->saturate ? 0x1p127 : NAN;
    const double fraction = 2.0 * frexp(x, &exponent); /* [1, 2) */
    exponent--;
    if (px_str_is(a->round_mode, "up") ? fraction > 1.0
                                       : px_str_is(a->round_mode, "nearest") && fraction >= 1.5)
        exponent++;
    if (exponent < -127 || exponent > 127)
        return !a->saturate ? NAN : exponent < 0 ? 0x1p-127 : 0x1p127;
    return ldexp(1.0, exponent);
}

static double round_unsaturated(pgy_dtype to, double x)
{
    switch (to) {
    case PGY_DTYPE_F8E4M3FN:
        return px_f8e4m3fn_to_f32(px_f64_to_f8e4m3fn(x, false));
    case PGY_DTYPE_F8E4M3FNUZ:
        return px_f8e4m3fnuz_to_f32(px_f64_to_f8e4m3fnuz(x, false));
    case PGY_DTYPE_F8E5M2:
        return px_f8e5m2_to_f32(px_f64_to_f8e5m2(x, false));
    default:
        return px_f8e5m2fnuz_to_f32(px_f64_to_f8e5m2fnuz(x, false));
    }
}

/* `x` holds doubles; leaves the values of float type a->to. */
static void round_floats(const cast_args *a, double *x, int64_t n)
{
    switch (a->to) {
    case PGY_DTYPE_F8E8M0:
        for (int64_t i = 0; i < n; i++)
            x[i] = round_e8m0(a, x[i]);
        break;
    case PGY_DTYPE_F4E2M1: /* has no NaN; the standard's cases want -0 for one */
        for (int64_t i = 0; i < n; i++)
            x[i] = isnan(x[i]) ? -0.0 : x[i];
        px_ref_round(a->to, x, n);
        break;
    case PGY_DTYPE_F8E5M2:
        for (int64_t i = 0; i < n && a->saturate; i++)
            x[i] = isinf(x[i]) ? copysign(57344.0, x[i]) : x[i];
        /* fallthrough */
    case PGY_DTYPE_F8E4M3FN:
    case PGY_DTYPE_F8E4M3FNUZ:
    case PGY_DTYPE_F8E5M2FNUZ:
        if (!a->saturate) {
            for (int64_t i = 0; i < n; i++)
                x[i] = round_unsaturated(a->to, x[i]);
            break;
        }
        /* fallthrough */
    default:
        px_ref_round(a->to, x, n);
    }
}

void px_cast_round(pgy_dtype to, bool saturate, double *x, int64_t n)
{
    const cast_args a = {.to = to, .saturate = saturate, .round_mode = PX_STR("nearest")};
    round_floats(&a, x, n);
}

static void cast_row(const px_elem_run *r)
{
    const cast_args *a = r->arg;
    const pgy_dtype to = px_ref_storage(a->to);
    if (to == PGY_DTYPE_F64 && a->to == PGY_DTYPE_F32 && a->from == PGY_DTYPE_I64) {
        for (int64_t i = 0; i < r->n; i++) /* one rounding, not two */
            ((double *)r->out)[i] = (float)((const int64_t *)r->in[0])[i];
        return;
    }
    if (to == PGY_DTYPE_F64 && a->to == PGY_DTYPE_F32 && a->from == PGY_DTYPE_U64) {
        for (int64_t i = 0; i < r->n; i++)
            ((double *)r->out)[i] = (float)((const uint64_t *)r->in[0])[i];
        return;
    }
    if (r->out != r->in[0])
        px_convert(to, r->out, a->from, r->in[0], 0, r->n);
    if (to == PGY_DTYPE_F64)
        round_floats(a, r->out, r->n);
    else
        px_ref_round(a->to, r->out, r->n); /* 4- and 2-bit integers wrap */
}

/* --- strings --- */

static pgy_status *text_of(px_ref_call *c, const pgy_tensor *x, pgy_dtype declared)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    void *out;

    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_STRING, x->rank, x->dims, &out));
    pgy_string *s = out;
    for (int64_t i = 0; i < x->count; i++) {
        text.len = 0;
        if (x->dtype == PGY_DTYPE_F64) {
            const double v = px_tensor_get_f64(x, i);
            if (isnan(v))
                px_buf_puts(&text, "NaN");
            else if (isinf(v))
                px_buf_puts(&text, v < 0 ? "-INF" : "INF");
            else if (declared == PGY_DTYPE_F64)
                px_fmt_repr_f64(&text, v);
            else
                px_fmt_repr_f32(&text, (float)v);
        } else if (x->dtype == PGY_DTYPE_BOOL) {
            px_buf_puts(&text, px_tensor_get_i64(x, i) ? "True" : "False");
        } else if (x->dtype == PGY_DTYPE_U64) {
            px_buf_printf(&text, "%llu", (unsigned long long)((const uint64_t *)x->data)[i]);
        } else {
            px_buf_printf(&text, "%lld", (long long)px_tensor_get_i64(x, i));
        }
        PX_TRY(px_buf_status(&text));
        s[i].ptr = px_arena_strndup(c->scratch, text.ptr, text.len);
        s[i].len = text.len;
        if (s[i].ptr == NULL)
            PX_TRY(px_status_nomem());
    }
done:
    px_buf_fini(&text);
    return st;
}

static bool number_of(px_str s, pgy_dtype to, void *out, int64_t i)
{
    int64_t n;
    double v;
    if (to == PGY_DTYPE_BOOL && (px_str_is(s, "True") || px_str_is(s, "False"))) {
        ((uint8_t *)out)[i] = px_str_is(s, "True");
        return true;
    }
    const size_t size = (size_t)pgy_dtype_bits(to) / 8;
    char *at = (char *)out + (size_t)i * size;
    if (to != PGY_DTYPE_F64 && px_parse_i64(s, &n, NULL)) {
        px_convert(to, at, PGY_DTYPE_I64, &n, 0, 1);
        return true;
    }
    if (!px_parse_f64(s, &v))
        return false;
    px_convert(to, at, PGY_DTYPE_F64, &v, 0, 1);
    return true;
}

static pgy_status *numbers_of(px_ref_call *c, const pgy_tensor *x, const cast_args *a)
{
    pgy_status *st = NULL;
    void *out;
    const pgy_string *s = x->data;
    const pgy_dtype to = px_ref_storage(a->to);

    PX_TRY(px_ref_out(c, 0, a->to, x->rank, x->dims, &out));
    for (int64_t i = 0; i < x->count; i++)
        if (!number_of((px_str){s[i].ptr, s[i].len}, to, out, i))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "element %lld, '%.*s', is no number", (long long)i,
                               (int)PX_MIN(s[i].len, (size_t)80), s[i].ptr));
    if (to == PGY_DTYPE_F64)
        round_floats(a, out, x->count);
    else
        px_ref_round(a->to, out, x->count);
done:
    return st;
}

/* --- Cast --- */

/* Every value of `from` is one of `to`. */
static bool is_wider(pgy_dtype from, pgy_dtype to)
{
    if (from == to)
        return true;
    return px_dtype_is_float(from) && px_dtype_is_float(to) &&
           pgy_dtype_bits(to) > pgy_dtype_bits(from) && from != PGY_DTYPE_F8E8M0;
}

static pgy_status *run_cast(px_ref_call *c, int64_t to)
{
    pgy_status *st = NULL;
    px_elem e;
    void *out;
    const pgy_dtype declared = c->in[0].dtype;
    cast_args a = {.saturate = px_ref_attr_i(c, "saturate", 1) != 0,
                   .round_mode = px_ref_attr_s(c, "round_mode", "up")};

    PX_TRY(px_elem_init(c, &e, 0, 1));
    if (to <= PGY_DTYPE_UNKNOWN || to >= PGY_DTYPE_COUNT)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED, "element type %lld as cast target is unknown",
                           (long long)to));
    if (!px_str_is(a.round_mode, "up") && !px_str_is(a.round_mode, "down") &&
        !px_str_is(a.round_mode, "nearest"))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "attribute round_mode is '%.*s'; up, down or nearest is wanted",
                           PX_STR_ARG(a.round_mode)));
    a.to = (pgy_dtype)to;
    a.from = px_elem_storage(&e, 0);
    if (is_wider(declared, a.to)) {
        px_ref_value v = px_ref_value_copy(c->in[0]);
        v.dtype = a.to;
        px_ref_out_take(c, 0, v);
        goto done;
    }
    if (px_dtype_is_complex(a.to) || a.from == PGY_DTYPE_C128)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "complex types cannot be cast (%s to %s)",
                           pgy_dtype_name(declared), pgy_dtype_name(a.to)));
    if (a.to == PGY_DTYPE_STRING)
        PX_TRY(text_of(c, e.t[0], declared));
    else if (a.from == PGY_DTYPE_STRING)
        PX_TRY(numbers_of(c, e.t[0], &a));
    else {
        PX_TRY(px_elem_out(c, &e, 0, a.to, &out));
        px_elem_apply(&e, out, (size_t)pgy_dtype_bits(px_ref_storage(a.to)) / 8, cast_row, &a);
    }
done:
    return st;
}

static pgy_status *k_cast(px_ref_call *c)
{
    return run_cast(c, px_ref_attr_i(c, "to", 0));
}

/* Opset 1 names the type: "FLOAT", "INT64". */
static pgy_status *k_cast_named(px_ref_call *c)
{
    char lower[16];
    const px_str name = px_ref_attr_s(c, "to", "");
    const px_onnx_attr *to = px_ref_attr(c, "to");
    if (to != NULL && to->type == PX_ONNX_ATTR_INT) /* written so by some exporters */
        return k_cast(c);
    size_t n = 0;
    for (; n < name.len && n < sizeof lower; n++)
        lower[n] =
            name.ptr[n] >= 'A' && name.ptr[n] <= 'Z' ? (char)(name.ptr[n] + 32) : name.ptr[n];
    const pgy_dtype dtype = px_dtype_from_name((px_str){lower, n});
    if (dtype == PGY_DTYPE_UNKNOWN || n < name.len)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "attribute to is '%.*s', which is no element type",
                           PX_STR_ARG(name));
    return run_cast(c, dtype);
}

static pgy_status *k_cast_like(px_ref_call *c)
{
    if (!px_ref_has(c, 1))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "input 1 is required and missing");
    return run_cast(c, c->in[1].dtype);
}

/* --- BitCast --- */

static pgy_status *k_bit_cast(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    void *out;
    size_t size;
    const pgy_dtype from = c->in[0].dtype;
    const int64_t to = px_ref_attr_i(c, "to", 0);

    PX_TRY(px_ref_in(c, 0, &x));
    if (to <= PGY_DTYPE_UNKNOWN || to >= PGY_DTYPE_COUNT || to == PGY_DTYPE_STRING ||
        from == PGY_DTYPE_STRING)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the bits of %s cannot be seen as type number %lld",
                           pgy_dtype_name(from), (long long)to));
    const pgy_dtype declared = (pgy_dtype)to;
    if (pgy_dtype_bits(from) != pgy_dtype_bits(declared))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%s and %s differ in width", pgy_dtype_name(from),
                           pgy_dtype_name(declared)));
    if (!px_shape_size(from, x->rank, x->dims, &size))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the input is too large"));
    /* The real bits, then back to storage form; NaN payloads do not survive in storage. */
    void *bits = px_arena_alloc(c->scratch, PX_MAX(size, (size_t)1));
    if (bits == NULL)
        PX_TRY(px_status_nomem());
    if (x->dtype == from)
        memcpy(bits, x->data, size);
    else
        px_convert(from, bits, x->dtype, x->data, 0, x->count);
    PX_TRY(px_ref_out(c, 0, declared, x->rank, x->dims, &out));
    if (declared == PGY_DTYPE_BOOL)
        px_convert(declared, out, PGY_DTYPE_U8, bits, 0, x->count);
    else if (px_ref_storage(declared) == declared)
        memcpy(out, bits, size);
    else
        px_convert(px_ref_storage(declared), out, declared, bits, 0, x->count);
done:
    return st;
}

#define ROW(name, since, in, kernel)                                                               \
    {                                                                                              \
        "", name, since, in, in, 1, 1, kernel                                                      \
    }

static const px_ref_op ops[] = {
    ROW("Cast", 1, 1, k_cast_named),     ROW("Cast", 6, 1, k_cast),
    ROW("Cast", 9, 1, k_cast),           ROW("Cast", 13, 1, k_cast),
    ROW("Cast", 19, 1, k_cast),          ROW("Cast", 21, 1, k_cast),
    ROW("Cast", 23, 1, k_cast),          ROW("Cast", 24, 1, k_cast),
    ROW("Cast", 25, 1, k_cast),          ROW("Cast", 28, 1, k_cast),
    ROW("CastLike", 15, 2, k_cast_like), ROW("CastLike", 19, 2, k_cast_like),
    ROW("CastLike", 21, 2, k_cast_like), ROW("CastLike", 23, 2, k_cast_like),
    ROW("CastLike", 24, 2, k_cast_like), ROW("CastLike", 25, 2, k_cast_like),
    ROW("BitCast", 26, 1, k_bit_cast),
};

const px_ref_family px_ref_family_cast = {ops, PX_COUNTOF(ops)};
