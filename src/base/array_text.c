/* base/array_text.c - see array_text.h.
 *
 * Two walks over the visible elements: one finds the notation and the column widths, one prints.
 * numpy decides both from all visible finite elements together.
 */
#include "base/array_text.h"

#include "base/fmt.h"
#include "base/half.h"

#include <math.h>

#define THRESHOLD 1000
#define EDGE 3
#define LINE_WIDTH 75
#define PRECISION 8

typedef enum kind { KIND_FLOAT, KIND_INT, KIND_UINT, KIND_BOOL, KIND_COMPLEX, KIND_STRING } kind;

typedef struct printer {
    const pgy_tensor *t;
    kind kind;
    int bits; /* of the float type whose shortest digits are shown */
    bool summary, scientific;
    int left, right;        /* widths before and after the point; integers: left only */
    int fraction, exponent; /* scientific: digits of each */
    int64_t strides[PX_MAX_RANK];
    const char *separator;
    int width;
    px_buf *out;
} printer;

static kind kind_of(pgy_dtype dtype)
{
    if (dtype == PGY_DTYPE_STRING)
        return KIND_STRING;
    if (dtype == PGY_DTYPE_BOOL)
        return KIND_BOOL;
    if (px_dtype_is_complex(dtype))
        return KIND_COMPLEX;
    if (px_dtype_is_float(dtype))
        return KIND_FLOAT;
    return px_dtype_is_signed(dtype) ? KIND_INT : KIND_UINT;
}

static double round_to(const printer *p, double v)
{
    return p->bits == 16   ? (double)px_f16_to_f32(px_f64_to_f16(v))
           : p->bits == 32 ? (double)(float)v
                           : v;
}

/* ---- one float ---- */

/* Text of |v|, split at the point (and at the exponent): at most 8 digits of fraction. */
typedef struct pieces {
    char whole[330], fraction[32];
    int exponent; /* scientific only */
} pieces;

/* Splits printf's text, whatever the locale's radix character is. */
static void split_printf(const char *text, pieces *out)
{
    size_t n = 0;
    while (*text >= '0' && *text <= '9')
        out->whole[n++] = *text++;
    out->whole[n] = '\0';
    while (*text != '\0' && *text != 'e' && (*text < '0' || *text > '9'))
        text++;
    n = 0;
    while (*text >= '0' && *text <= '9')
        out->fraction[n++] = *text++;
    out->fraction[n] = '\0';
    out->exponent = *text == 'e' ? (int)strtol(text + 1, NULL, 10) : 0;
}

static void trim_zeros(char *fraction)
{
    size_t n = strlen(fraction);
    while (n > 0 && fraction[n - 1] == '0')
        fraction[--n] = '\0';
}

/* 0.d1d2... * 10^e with the point where it belongs; fewer than 32 digits behind it. */
static void place_digits(const char *digits, int n, int e, pieces *out)
{
    int w = 0, f = 0;
    for (int i = 0; i < PX_MAX(e, 1); i++)
        out->whole[w++] = e > 0 && i < n ? digits[i] : '0';
    for (int i = e; i < n; i++)
        out->fraction[f++] = i >= 0 ? digits[i] : '0';
    out->whole[w] = out->fraction[f] = '\0';
    trim_zeros(out->fraction);
}

static void positional(const printer *p, double v, pieces *out)
{
    char text[400], digits[18];
    int e;
    const int n = px_fmt_shortest(v, p->bits, digits, &e);
    if (n - e > PRECISION) {
        (void)snprintf(text, sizeof text, "%.*f", PRECISION, v);
        split_printf(text, out);
        trim_zeros(out->fraction);
        return;
    }
    place_digits(digits, n, e, out);
}

static void scientific(const printer *p, double v, pieces *out)
{
    char text[64], digits[18];
    int e;
    const int n = px_fmt_shortest(v, p->bits, digits, &e);
    if (n > PRECISION + 1) {
        (void)snprintf(text, sizeof text, "%.*e", PRECISION, v);
        split_printf(text, out);
        trim_zeros(out->fraction);
        return;
    }
    out->whole[0] = digits[0];
    out->whole[1] = '\0';
    memcpy(out->fraction, digits + 1, (size_t)n);
    out->exponent = v == 0 ? 0 : e - 1;
}

static int exponent_digits(int exponent)
{
    return abs(exponent) >= 100 ? 3 : 2;
}

static void put_float(const printer *p, double v)
{
    px_buf *b = p->out;
    if (!isfinite(v)) {
        const char *word = isnan(v) ? "nan" : v < 0 ? "-inf" : "inf";
        const int pad = p->left + p->right + 1 - (int)strlen(word);
        px_buf_pad(b, ' ', (size_t)PX_MAX(pad, 0));
        px_buf_puts(b, word);
        return;
    }
    pieces s;
    if (p->scientific) {
        scientific(p, fabs(v), &s);
        if ((int)strlen(s.fraction) < p->fraction) { /* exact digits, not padding */
            char text[64];
            (void)snprintf(text, sizeof text, "%.*e", p->fraction, fabs(v));
            split_printf(text, &s);
        }
    } else {
        positional(p, fabs(v), &s);
    }
    const int whole = (int)strlen(s.whole) + (signbit(v) != 0);
    px_buf_pad(b, ' ', (size_t)PX_MAX(p->left - whole, 0));
    if (signbit(v))
        px_buf_putc(b, '-');
    px_buf_puts(b, s.whole);
    px_buf_putc(b, '.');
    px_buf_puts(b, s.fraction);
    if (p->scientific)
        px_buf_printf(b, "e%c%0*d", s.exponent < 0 ? '-' : '+', p->exponent, abs(s.exponent));
    else
        px_buf_pad(b, ' ', (size_t)PX_MAX(p->right - (int)strlen(s.fraction), 0));
}

/* ---- one element ---- */

static void put_complex(const printer *p, int64_t i)
{
    double re, im;
    if (p->t->dtype == PGY_DTYPE_C64) {
        re = ((const float *)p->t->data)[2 * i];
        im = ((const float *)p->t->data)[2 * i + 1];
    } else {
        re = ((const double *)p->t->data)[2 * i];
        im = ((const double *)p->t->data)[2 * i + 1];
    }
    px_fmt_g(p->out, re, PRECISION);
    if (!signbit(im))
        px_buf_putc(p->out, '+');
    px_fmt_g(p->out, im, PRECISION);
    px_buf_putc(p->out, 'j');
}

static void put_element(const printer *p, int64_t i)
{
    char text[32];
    switch (p->kind) {
    case KIND_FLOAT:
        put_float(p, px_tensor_get_f64(p->t, i));
        return;
    case KIND_BOOL:
        px_buf_puts(p->out, px_tensor_get_i64(p->t, i) != 0 ? " True" : "False");
        return;
    case KIND_COMPLEX:
        put_complex(p, i);
        return;
    case KIND_STRING: {
        const pgy_string s = ((const pgy_string *)p->t->data)[i];
        px_buf_repr(p->out, (px_str){s.ptr, s.len});
        return;
    }
    case KIND_UINT:
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)px_tensor_get_i64(p->t, i));
        break;
    case KIND_INT:
        (void)snprintf(text, sizeof text, "%lld", (long long)px_tensor_get_i64(p->t, i));
        break;
    }
    px_buf_pad(p->out, ' ', (size_t)PX_MAX(p->left - (int)strlen(text), 0));
    px_buf_puts(p->out, text);
}

/* ---- visible elements ---- */

static bool abbreviated(const printer *p, int axis)
{
    return p->summary && p->t->dims[axis] > 2 * EDGE;
}

/* What shows along an axis: all of it, or the first and last three. */
static int64_t n_shown(const printer *p, int axis)
{
    return abbreviated(p, axis) ? 2 * EDGE : p->t->dims[axis];
}

static int64_t shown(const printer *p, int axis, int64_t i)
{
    return abbreviated(p, axis) && i >= EDGE ? p->t->dims[axis] - 2 * EDGE + i : i;
}

typedef void (*visit_fn)(printer *p, void *arg, int64_t i);

static void visit(printer *p, int axis, int64_t base, visit_fn fn, void *arg)
{
    if (axis == p->t->rank) {
        fn(p, arg, base);
        return;
    }
    for (int64_t i = 0; i < n_shown(p, axis); i++)
        visit(p, axis + 1, base + shown(p, axis, i) * p->strides[axis], fn, arg);
}

/* ---- widths ---- */

typedef struct range {
    double max, min; /* of the non-zero finite magnitudes; 0: none */
    bool any_finite, any_special, negative_inf;
} range;

static void visit_range(printer *p, void *arg, int64_t i)
{
    range *r = arg;
    const double v = px_tensor_get_f64(p->t, i);
    if (!isfinite(v)) {
        r->any_special = true;
        r->negative_inf = r->negative_inf || (isinf(v) && v < 0);
        return;
    }
    r->any_finite = true;
    const double m = fabs(v);
    if (m != 0) {
        r->max = PX_MAX(r->max, m);
        r->min = r->min == 0 ? m : PX_MIN(r->min, m);
    }
}

static void visit_float_width(printer *p, void *arg, int64_t i)
{
    PX_UNUSED(arg);
    const double v = px_tensor_get_f64(p->t, i);
    if (!isfinite(v))
        return;
    pieces s;
    if (p->scientific)
        scientific(p, fabs(v), &s);
    else
        positional(p, fabs(v), &s);
    p->left = PX_MAX(p->left, (int)strlen(s.whole) + (signbit(v) != 0));
    if (p->scientific) {
        p->fraction = PX_MAX(p->fraction, (int)strlen(s.fraction));
        p->exponent = PX_MAX(p->exponent, exponent_digits(s.exponent));
    } else {
        p->right = PX_MAX(p->right, (int)strlen(s.fraction));
    }
}

static void visit_int_width(printer *p, void *arg, int64_t i)
{
    PX_UNUSED(arg);
    char text[32];
    const int64_t v = px_tensor_get_i64(p->t, i);
    const int n = p->kind == KIND_UINT ? snprintf(text, sizeof text, "%llu", (unsigned long long)v)
                                       : snprintf(text, sizeof text, "%lld", (long long)v);
    p->left = PX_MAX(p->left, n);
}

static void measure(printer *p)
{
    if (p->kind == KIND_INT || p->kind == KIND_UINT)
        visit(p, 0, 0, visit_int_width, NULL);
    if (p->kind != KIND_FLOAT)
        return;
    range r = {0};
    visit(p, 0, 0, visit_range, &r);
    /* numpy 2.4: digits that the type can promise before switching to an exponent, 8 at most. */
    const double large = p->bits == 16 ? 1e3 : p->bits == 32 ? 1e6 : 1e8;
    p->scientific = r.max != 0 && (r.max >= large || r.min < round_to(p, 0.0001) ||
                                   round_to(p, r.max / r.min) > 1000);
    visit(p, 0, 0, visit_float_width, NULL);
    if (p->scientific)
        p->right = p->fraction + 2 + p->exponent;
    if (r.any_special) {
        const int after = r.any_finite ? p->right + 1 : 1;
        p->left = PX_MAX(p->left, 3 + r.negative_inf - after);
    }
}

/* ---- layout ---- */

/* Blanks off the end of what was written since `start`. */
static void trim_blanks(px_buf *b, size_t start)
{
    while (b->len > start && b->ptr[b->len - 1] == ' ')
        b->ptr[--b->len] = '\0';
}

/* The last axis: elements, broken into lines. `indent` columns are taken already. */
static void put_row(printer *p, int axis, int64_t base, int indent, int width)
{
    px_buf word = {0};
    px_buf *const out = p->out;
    const int limit = width - PX_MAX((int)strlen(p->separator) - 1, 1);
    const int64_t n = n_shown(p, axis);
    int column = indent;
    for (int64_t i = 0; i < n; i++) {
        const bool dots = abbreviated(p, axis) && i == EDGE;
        for (int part = dots ? 0 : 1; part < 2; part++) {
            word.len = 0;
            p->out = &word;
            if (part == 0)
                px_buf_puts(&word, "...");
            else
                put_element(p, base + shown(p, axis, i) * p->strides[axis]);
            p->out = out;
            if (column + (int)word.len > limit && column > indent) {
                trim_blanks(out, 0);
                px_buf_putc(out, '\n');
                px_buf_pad(out, ' ', (size_t)indent);
                column = indent;
            }
            px_buf_put(out, word.ptr, word.len);
            column += (int)word.len;
            if (part == 0 || i < n - 1) {
                px_buf_puts(out, p->separator);
                column += (int)strlen(p->separator);
            }
        }
    }
    out->failed = out->failed || word.failed;
    px_buf_fini(&word);
}

static void put_axis(printer *p, int axis, int64_t base, int indent, int width)
{
    px_buf *b = p->out;
    px_buf_putc(b, '[');
    const int left = p->t->rank - axis;
    if (left == 1) {
        put_row(p, axis, base, indent, width);
        px_buf_putc(b, ']');
        return;
    }
    for (int64_t i = 0; i < n_shown(p, axis); i++) {
        const bool dots = abbreviated(p, axis) && i == EDGE;
        for (int part = dots ? 0 : 1; part < 2; part++) {
            if (i > 0) {
                px_buf_puts(b, p->separator);
                trim_blanks(b, 0);
                px_buf_pad(b, '\n', (size_t)left - 1);
                px_buf_pad(b, ' ', (size_t)indent);
            }
            if (part == 0)
                px_buf_puts(b, "...");
            else
                put_axis(p, axis + 1, base + shown(p, axis, i) * p->strides[axis], indent + 1,
                         width - 1);
        }
    }
    px_buf_putc(b, ']');
}

/* str() of a numpy scalar: repr's layout, but small types turn to an exponent earlier. */
static void put_float_scalar(const printer *p, double v)
{
    const double m = fabs(v);
    const double large = p->bits == 16 ? 1e3 : p->bits == 32 ? 1e6 : 1e16;
    if (p->bits == 64 || !isfinite(v) || m == 0) {
        px_fmt_repr_f64(p->out, v);
        return;
    }
    pieces s;
    char digits[18];
    int e;
    const int n = px_fmt_shortest(m, p->bits, digits, &e);
    if (signbit(v))
        px_buf_putc(p->out, '-');
    if (m >= large || m < 1e-4) {
        px_buf_putc(p->out, digits[0]);
        if (n > 1)
            px_buf_printf(p->out, ".%s", digits + 1);
        px_buf_printf(p->out, "e%c%02d", e > 0 ? '+' : '-', abs(e - 1));
        return;
    }
    place_digits(digits, n, e, &s);
    px_buf_printf(p->out, "%s.%s", s.whole, s.fraction[0] != '\0' ? s.fraction : "0");
}

static void put_scalar(printer *p, bool repr)
{
    const double v = p->kind == KIND_FLOAT ? px_tensor_get_f64(p->t, 0) : 0;
    if (p->kind == KIND_BOOL)
        px_buf_puts(p->out, px_tensor_get_i64(p->t, 0) != 0 ? "True" : "False");
    else if (p->kind == KIND_FLOAT && !repr)
        put_float_scalar(p, v);
    else
        put_element(p, 0);
}

static void init_printer(printer *p, const pgy_tensor *t, px_buf *b, bool repr)
{
    *p = (printer){.t = t, .out = b, .kind = kind_of(t->dtype), .summary = t->count > THRESHOLD};
    p->bits = t->dtype == PGY_DTYPE_F64 ? 64 : t->dtype == PGY_DTYPE_F16 ? 16 : 32;
    p->separator = repr ? ", " : " ";
    p->width = repr ? LINE_WIDTH - 1 : LINE_WIDTH;
    int64_t stride = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        p->strides[i] = stride;
        stride *= t->dims[i];
    }
    if (t->count > 0)
        measure(p);
}

void px_array_str(px_buf *b, const pgy_tensor *t)
{
    printer p;
    init_printer(&p, t, b, false);
    if (t->count == 0)
        px_buf_puts(b, "[]");
    else if (t->rank == 0)
        put_scalar(&p, false);
    else
        put_axis(&p, 0, 0, 1, p.width);
}

void px_array_repr(px_buf *b, const pgy_tensor *t)
{
    static const char prefix[] = "array(";
    const int indent = (int)sizeof prefix - 1;
    printer p;
    init_printer(&p, t, b, true);
    const size_t start = b->len;
    px_buf_puts(b, prefix);
    if (t->count == 0)
        px_buf_puts(b, "[]");
    else if (t->rank == 0)
        put_scalar(&p, true);
    else
        put_axis(&p, 0, 0, indent + 1, p.width);

    px_buf extra = {0};
    if (p.summary || (t->count == 0 && t->rank != 1)) {
        px_buf_puts(&extra, "shape=");
        px_shape_print(&extra, t->rank, t->dims);
    }
    const bool implied =
        t->dtype == PGY_DTYPE_F64 || t->dtype == PGY_DTYPE_I64 || t->dtype == PGY_DTYPE_BOOL;
    if (!implied || t->count == 0)
        px_buf_printf(&extra, "%sdtype=%s", extra.len > 0 ? ", " : "", pgy_dtype_name(t->dtype));
    if (extra.len > 0) {
        px_buf_putc(b, ',');
        size_t line = b->len;
        while (line > start && b->ptr[line - 1] != '\n')
            line--;
        if (b->len - line + extra.len + 2 > LINE_WIDTH) {
            px_buf_putc(b, '\n');
            px_buf_pad(b, ' ', (size_t)indent);
        } else {
            px_buf_putc(b, ' ');
        }
        px_buf_putstr(b, px_buf_str(&extra));
    }
    px_buf_putc(b, ')');
    b->failed = b->failed || extra.failed;
    px_buf_fini(&extra);
}
