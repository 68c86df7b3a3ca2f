/* base/fmt.h - numbers to text and back exactly as Python and numpy do it, locale-free. */
#ifndef PX_BASE_FMT_H
#define PX_BASE_FMT_H

#include "base/px.h"

/* Python repr(float): shortest text that round-trips; "1e-05", "1.0", "nan", "inf". */
void px_fmt_repr_f64(px_buf *b, double v);
/* Shortest text that round-trips through float32, in Python's repr layout. */
void px_fmt_repr_f32(px_buf *b, float v);
/* "%.<digits>g" with Python's spelling of nan and inf ("nan", "inf", "-inf"). */
void px_fmt_g(px_buf *b, double v, int digits);
/* "%.<digits>f", same spelling. */
void px_fmt_f(px_buf *b, double v, int digits);

/* Shortest decimal of `v` in the precision of its type (16, 32 or 64 bits wide): digits without
 * point or leading zeros (at least one, NUL-terminated, at most 17) and the decimal exponent e
 * with value = 0.d1d2d3... * 10^e. `v` is finite and not negative. Returns the digit count. */
int px_fmt_shortest(double v, int bits, char digits[18], int *out_exponent);

/* Python int(text): sign, blanks around, '_' between digits. False when it is no int or does not
 * fit in 64 bits (then *out_overflow, if given, is true). */
bool px_parse_i64(px_str text, int64_t *out, bool *out_overflow);
/* Python float(text): blanks around, '_' between digits, inf/infinity/nan in any case. */
bool px_parse_f64(px_str text, double *out);

#endif
