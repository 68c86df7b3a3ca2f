/* report/scale.c - see scale.h. */
#include "report/scale.h"

#include "base/fmt.h"

#include <math.h>

double px_scale_at(const px_scale *s, double value)
{
    if (!s->is_log)
        return (value - s->low) / (s->high - s->low);
    return (log(value) - log(s->low)) / (log(s->high) - log(s->low));
}

double px_scale_value(const px_scale *s, double at)
{
    if (!s->is_log)
        return s->low + at * (s->high - s->low);
    return exp(log(s->low) + at * (log(s->high) - log(s->low)));
}

void px_number_label(double v, int digits, char *out, size_t size)
{
    px_buf b = {0};
    px_fmt_g(&b, v, digits);
    (void)snprintf(out, size, "%s", px_buf_cstr(&b));
    px_buf_fini(&b);
}

/* Smallest 1, 2 or 5 times a power of ten that is at least `v`. */
static double round_step(double v)
{
    const double ten = pow(10, floor(log10(v)));
    const double part = v / ten;
    return ten * (part <= 1 + 1e-9 ? 1 : part <= 2 + 1e-9 ? 2 : part <= 5 + 1e-9 ? 5 : 10);
}

static int linear_ticks(const px_scale *s, int most, px_tick out[PX_MAX_TICKS])
{
    const double step = round_step((s->high - s->low) / PX_MAX(most - 1, 1));
    const double slack = 1e-9 * step;
    int n = 0;
    for (double k = ceil((s->low - slack) / step); k * step <= s->high + slack && n < most; k++)
        out[n++].value = k == 0 ? 0 : k * step; /* no minus zero */
    return n;
}

/* Powers of ten, every one or every so many; within two decades 2 and 5 times them as well. */
static int log_ticks(const px_scale *s, int most, px_tick out[PX_MAX_TICKS])
{
    const double first = log10(s->low) - 1e-9, last = log10(s->high) + 1e-9;
    const int decades = (int)(floor(last) - ceil(first)) + 1;
    int n = 0;
    if (decades >= PX_MIN(most, 3)) {
        const int every = (decades + most - 1) / most;
        for (int e = (int)ceil(first); e <= last && n < most; e++) {
            if ((e % every + every) % every == 0)
                out[n++].value = pow(10, e);
        }
        return n;
    }
    static const double parts[] = {1, 2, 5};
    for (int e = (int)floor(first); e <= last; e++) {
        for (size_t i = 0; i < PX_COUNTOF(parts); i++) {
            const double v = parts[i] * pow(10, e);
            if (log10(v) >= first && log10(v) <= last && n < most)
                out[n++].value = v;
        }
    }
    return n >= 2 ? n : linear_ticks(s, most, out);
}

/* As many digits as say the value exactly enough; all of those before the point, so that there is
 * no 1e+01. */
static void label_tick(px_tick *tick)
{
    double shown = 0;
    int digits = 1;
    while (digits < 6 && fabs(tick->value) >= pow(10, digits))
        digits++;
    digits = fabs(tick->value) >= 1e6 ? 1 : digits;
    do {
        px_number_label(tick->value, digits++, tick->label, sizeof tick->label);
        (void)px_parse_f64(px_str_of(tick->label), &shown);
    } while (digits <= 9 && fabs(shown - tick->value) > 1e-9 * fabs(tick->value));
}

/* Puts the low end in front, in the place of ticks that are too close to it. */
static int with_low_end(const px_scale *s, int most, px_tick out[PX_MAX_TICKS], int n)
{
    int close = 0;
    while (close < n && px_scale_at(s, out[close].value) * most < 0.7)
        close++;
    n = PX_MIN(n - close, PX_MAX_TICKS - 1);
    memmove(&out[1], &out[close], (size_t)n * sizeof *out);
    char low[20];
    px_number_label(s->low, 2, low, sizeof low);
    out[0].value = s->low;
    (void)snprintf(out[0].label, sizeof out[0].label, "\u2264%s", low);
    return n + 1;
}

int px_scale_ticks(const px_scale *s, int most, px_tick out[PX_MAX_TICKS])
{
    most = PX_MAX(1, PX_MIN(most, PX_MAX_TICKS));
    const int n = s->is_log ? log_ticks(s, most, out) : linear_ticks(s, most, out);
    for (int i = 0; i < n; i++)
        label_tick(&out[i]);
    return s->is_cut ? with_low_end(s, most, out, n) : n;
}

int px_index_ticks(int64_t n, int most, int64_t out[PX_MAX_TICKS])
{
    most = PX_MAX(1, PX_MIN(most, PX_MAX_TICKS));
    int count = 0;
    /* The nearest of 1, 2, 5, 10, 20, ... that is not smaller than n / most. */
    const double nice = n > most ? round_step((double)n / most) : 1;
    for (int64_t i = 0; i < n && count < most; i += (int64_t)nice)
        out[count++] = i;
    return count;
}
