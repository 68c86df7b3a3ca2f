/* base/fmt.c - shortest decimals and Python's spelling of numbers.
 *
 * The C library's conversions are correctly rounded, so they are the engine: a candidate is printed
 * with n digits and kept if it reads back as the same number. For normal numbers only three values
 * of n can be the answer: every decimal of DIG digits (15, 6, 3) survives a round trip, so when
 * that many digits suffice, stripping zeros gives the shortest text; otherwise DIG+1 and DIG+2 are
 * tried. Subnormals have no such guarantee and are searched from one digit up.
 *
 * Both directions avoid the locale: digits are cut out of "%e" by position, and what is read back
 * is an integer mantissa with an exponent ("12345e-7"), which has no decimal point.
 */
#include "base/fmt.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#define MAX_DIGITS 17

/* ---- shortest digits ---- */

/* Correctly rounded to `n` digits. value = 0.d1d2... * 10^exponent. */
static void round_digits(double v, int n, char digits[18], int *out_exponent)
{
    char text[48];
    (void)snprintf(text, sizeof text, "%.*e", n - 1, v);
    int n_copied = 0;
    const char *p = text;
    for (; *p != 'e'; p++)
        if (*p >= '0' && *p <= '9' && n_copied < MAX_DIGITS)
            digits[n_copied++] = *p;
    digits[n_copied] = '\0';
    *out_exponent = (int)strtol(p + 1, NULL, 10) + 1;
}

/* Does the decimal lie in the interval that rounds to the binary16 `v`? All bounds and every
 * decimal of up to five digits are told apart by double. */
static bool is_f16(double decimal, double v)
{
    int e;
    const double fraction = frexp(v, &e);
    const double ulp = ldexp(1.0, PX_MAX(e - 11, -24));
    const bool narrow_below = fraction == 0.5 && e - 11 > -24;
    const double low = v - (narrow_below ? ulp / 4 : ulp / 2);
    const double high = v + ulp / 2;
    const bool even = fmod(v / ulp, 2.0) == 0.0;
    return even ? decimal >= low && decimal <= high : decimal > low && decimal < high;
}

static bool reads_back(double v, int bits, const char *digits, int n, int exponent)
{
    char text[48];
    (void)snprintf(text, sizeof text, "%se%d", digits, exponent - n);
    if (bits == 32)
        return strtof(text, NULL) == (float)v;
    const double decimal = strtod(text, NULL);
    return bits == 16 ? is_f16(decimal, v) : decimal == v;
}

/* The next larger decimal of the same length. */
static void increment(char *digits, int n, int *exponent)
{
    int i = n - 1;
    while (i >= 0 && digits[i] == '9')
        digits[i--] = '0';
    if (i >= 0) {
        digits[i]++;
        return;
    }
    digits[0] = '1'; /* 99 -> 10, one decade up */
    (*exponent)++;
}

static bool try_digits(double v, int bits, int n, char digits[18], int *out_exponent)
{
    round_digits(v, n, digits, out_exponent);
    if (reads_back(v, bits, digits, n, *out_exponent))
        return true;
    /* Below a power of two the gap is half as wide as above it: the nearest decimal can lie below
     * and miss while the next one above still hits (2**-44). */
    int e;
    if (frexp(v, &e) != 0.5)
        return false;
    increment(digits, n, out_exponent);
    return reads_back(v, bits, digits, n, *out_exponent);
}

int px_fmt_shortest(double v, int bits, char digits[18], int *out_exponent)
{
    if (v == 0.0) {
        digits[0] = '0';
        digits[1] = '\0';
        *out_exponent = 1;
        return 1;
    }
    const int safe = bits == 64 ? DBL_DIG : bits == 32 ? FLT_DIG : 3;
    const double min_normal = bits == 64 ? DBL_MIN : bits == 32 ? FLT_MIN : 0x1p-14;
    int n = v < min_normal ? 1 : safe;
    while (n < MAX_DIGITS && !try_digits(v, bits, n, digits, out_exponent))
        n++;
    if (n == MAX_DIGITS)
        round_digits(v, n, digits, out_exponent);
    while (n > 1 && digits[n - 1] == '0')
        digits[--n] = '\0';
    return n;
}

/* ---- printing ---- */

static bool put_special(px_buf *b, double v)
{
    if (isnan(v))
        px_buf_puts(b, "nan");
    else if (isinf(v))
        px_buf_puts(b, v < 0 ? "-inf" : "inf");
    else
        return false;
    return true;
}

/* float.__repr__: positional for 1e-4 <= |v| < 1e16, always with a point or an exponent. */
static void put_repr(px_buf *b, double v, int bits)
{
    if (put_special(b, v))
        return;
    char digits[18];
    int exponent;
    const int n = px_fmt_shortest(fabs(v), bits, digits, &exponent);
    if (signbit(v))
        px_buf_putc(b, '-');
    if (exponent <= -4 || exponent > 16) {
        px_buf_putc(b, digits[0]);
        if (n > 1) {
            px_buf_putc(b, '.');
            px_buf_put(b, digits + 1, (size_t)n - 1);
        }
        px_buf_printf(b, "e%c%02d", exponent > 0 ? '+' : '-', abs(exponent - 1));
    } else if (exponent <= 0) {
        px_buf_puts(b, "0.");
        px_buf_pad(b, '0', (size_t)-exponent);
        px_buf_put(b, digits, (size_t)n);
    } else if (exponent >= n) {
        px_buf_put(b, digits, (size_t)n);
        px_buf_pad(b, '0', (size_t)(exponent - n));
        px_buf_puts(b, ".0");
    } else {
        px_buf_put(b, digits, (size_t)exponent);
        px_buf_putc(b, '.');
        px_buf_put(b, digits + exponent, (size_t)(n - exponent));
    }
}

void px_fmt_repr_f64(px_buf *b, double v)
{
    put_repr(b, v, 64);
}

void px_fmt_repr_f32(px_buf *b, float v)
{
    put_repr(b, v, 32);
}

/* printf's text with whatever radix character the locale has made a point. */
static void put_printf(px_buf *b, const char *format, int digits, double v)
{
    char text[512]; /* %.f of DBL_MAX has 309 digits before the point */
    if (put_special(b, v))
        return;
    const int len = snprintf(text, sizeof text, format, PX_MIN(PX_MAX(digits, 0), 150), v);
    bool in_radix = false;
    for (int i = 0; i < len; i++) {
        const char c = text[i];
        const bool plain = (c >= '0' && c <= '9') || c == '-' || c == '+' || c == 'e';
        if (plain)
            px_buf_putc(b, c);
        else if (!in_radix)
            px_buf_putc(b, '.');
        in_radix = !plain;
    }
}

void px_fmt_g(px_buf *b, double v, int digits)
{
    put_printf(b, "%.*g", digits, v);
}

void px_fmt_f(px_buf *b, double v, int digits)
{
    put_printf(b, "%.*f", digits, v);
}

/* ---- parsing ---- */

/* What str.strip() removes, as far as it is ASCII. */
static px_str strip(px_str s)
{
    while (s.len > 0 && ((s.ptr[0] >= 9 && s.ptr[0] <= 13) || (s.ptr[0] >= 28 && s.ptr[0] <= 32))) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0) {
        const char c = s.ptr[s.len - 1];
        if (!((c >= 9 && c <= 13) || (c >= 28 && c <= 32)))
            break;
        s.len--;
    }
    return s;
}

static bool is_digit(px_str s, size_t i)
{
    return i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9';
}

/* Reads a sign; returns true for '-'. */
static bool take_sign(px_str *s)
{
    if (s->len == 0 || (s->ptr[0] != '-' && s->ptr[0] != '+'))
        return false;
    const bool negative = s->ptr[0] == '-';
    s->ptr++;
    s->len--;
    return negative;
}

/* Position behind a run of digits from `i`, single '_' allowed between two of them. */
static size_t digits_end(px_str s, size_t i)
{
    if (!is_digit(s, i))
        return i;
    while (is_digit(s, i) || (i < s.len && s.ptr[i] == '_' && is_digit(s, i + 1)))
        i++;
    return i;
}

bool px_parse_i64(px_str text, int64_t *out, bool *out_overflow)
{
    if (out_overflow)
        *out_overflow = false;
    px_str s = strip(text);
    const bool negative = take_sign(&s);
    if (s.len == 0 || digits_end(s, 0) != s.len)
        return false;
    int64_t value = 0; /* kept negative: the negative range is the larger one */
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '_')
            continue;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.ptr[i] - '0', &value)) {
            if (out_overflow)
                *out_overflow = true;
            return false;
        }
    }
    if (!negative && value == INT64_MIN) {
        if (out_overflow)
            *out_overflow = true;
        return false;
    }
    *out = negative ? value : -value;
    return true;
}

static bool is_word(px_str s, const char *lower)
{
    if (s.len != strlen(lower))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? (char)(s.ptr[i] + 32) : s.ptr[i];
        if (c != lower[i])
            return false;
    }
    return true;
}

/* Checks the grammar and finds the parts: digits [0, point), fraction (point, frac_end), and the
 * exponent's value, saturated far outside what any double needs. */
static bool split_float(px_str s, size_t *out_int_end, size_t *out_frac_end, int64_t *out_exponent)
{
    const size_t int_end = digits_end(s, 0);
    size_t end = int_end;
    bool has_digits = int_end > 0;
    if (end < s.len && s.ptr[end] == '.') {
        const size_t frac_end = digits_end(s, end + 1);
        has_digits = has_digits || frac_end > end + 1;
        end = frac_end;
    }
    *out_int_end = int_end;
    *out_frac_end = end;
    *out_exponent = 0;
    if (!has_digits)
        return false;
    if (end == s.len)
        return true;
    if (s.ptr[end] != 'e' && s.ptr[end] != 'E')
        return false;
    px_str rest = {s.ptr + end + 1, s.len - end - 1};
    const bool negative = take_sign(&rest);
    if (rest.len == 0 || digits_end(rest, 0) != rest.len)
        return false;
    int64_t e = 0;
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] != '_' && e < INT64_C(1000000000000))
            e = e * 10 + (rest.ptr[i] - '0');
    *out_exponent = negative ? -e : e;
    return true;
}

bool px_parse_f64(px_str text, double *out)
{
    px_str s = strip(text);
    const bool negative = take_sign(&s);
    double value;
    if (is_word(s, "inf") || is_word(s, "infinity")) {
        value = INFINITY;
    } else if (is_word(s, "nan")) {
        value = NAN;
    } else {
        size_t int_end, frac_end;
        int64_t exponent;
        if (!split_float(s, &int_end, &frac_end, &exponent))
            return false;
        char small[128];
        char *clean = s.len + 32 <= sizeof small ? small : px_mem_alloc(s.len + 32);
        if (!clean)
            return false;
        size_t n = 0;
        for (size_t i = 0; i < frac_end; i++) {
            if (!is_digit(s, i))
                continue;
            clean[n++] = s.ptr[i];
            exponent -= i > int_end;
        }
        (void)snprintf(clean + n, 32, "e%lld", (long long)exponent);
        value = strtod(clean, NULL);
        if (clean != small)
            px_mem_free(clean);
    }
    *out = negative ? -value : value;
    return true;
}
