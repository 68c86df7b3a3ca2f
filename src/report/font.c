/* report/font.c - see font.h.
 *
 * Glyphs are written in a small language, numbers in hundredths of the size: "m x y" begins a line,
 * "l x y" goes on, "a cx cy rx ry from to" goes on along an arc in degrees (counterclockwise from
 * the right when from < to), "A" begins with one, "d x y" is a dot. Capitals are 70 high, small
 * letters 50, digits 42 wide so that columns of numbers line up.
 */
#include "report/font.h"

#include <math.h>

typedef struct glyph {
    int width;
    const char *path;
} glyph;

enum { FIRST = 32, LAST = 126, GAP = 17 };

static const glyph ascii[LAST - FIRST + 1] = {
    {16, ""},
    {0, "m 0 70 l 0 22 d 0 2"},
    {20, "m 0 70 l 0 50 m 20 70 l 20 50"},
    {50, "m 18 70 l 8 0 m 42 70 l 32 0 m 0 46 l 50 46 m 0 24 l 50 24"},
    {44, "A 22 53 20 17 35 270 a 22 18 22 18 90 -145 m 22 78 l 22 -8"},
    {64, "A 14 56 14 14 0 360 A 50 14 14 14 0 360 m 54 70 l 10 0"},
    {56, "m 56 0 l 14 48 a 26 56 14 14 215 -40 l 8 30 a 20 17 20 17 135 335 l 54 36"},
    {0, "m 0 70 l 0 50"},
    {11, "A 32 30 32 58 132 228"},
    {11, "A -21 30 32 58 48 -48"},
    {36, "m 18 62 l 18 30 m 4 54 l 32 38 m 4 38 l 32 54"},
    {44, "m 22 54 l 22 10 m 0 32 l 44 32"},
    {6, "m 5 3 l 0 -12"},
    {26, "m 0 27 l 26 27"},
    {0, "d 0 2"},
    {30, "m 0 -10 l 30 76"},
    {42, "A 21 35 21 35 0 360"},
    {42, "m 6 56 l 23 70 l 23 0 m 6 0 l 40 0"},
    {42, "A 21 50 20 20 165 -30 l 0 0 l 42 0"},
    {42, "A 20 53 18 17 150 -90 a 20 18 22 18 90 -150"},
    {42, "m 32 0 l 32 70 l 0 20 l 42 20"},
    {42, "m 39 70 l 7 70 l 4 39 a 20 23 22 23 135 -150"},
    {42, "A 21 22 21 22 0 360 A 44 22 44 48 100 180"},
    {42, "m 0 70 l 42 70 l 15 0"},
    {42, "A 21 53 18 17 0 360 A 21 18 21 18 0 360"},
    {42, "A 21 48 21 22 0 360 A -2 48 44 48 0 -80"},
    {0, "d 0 40 d 0 6"},
    {6, "d 4 40 m 5 8 l 0 -10"},
    {40, "m 40 54 l 0 32 l 40 10"},
    {42, "m 0 42 l 42 42 m 0 22 l 42 22"},
    {40, "m 0 54 l 40 32 l 0 10"},
    {36, "A 18 53 17 17 170 -60 l 18 34 l 18 22 d 18 2"},
    {72, "A 36 30 14 15 0 360 m 50 45 l 50 27 a 61 27 11 12 180 360 a 36 30 36 42 0 305"},
    {54, "m 0 0 l 27 70 l 54 0 m 10 24 l 44 24"},
    {46, "m 0 0 l 0 70 l 24 70 a 24 53 18 17 90 -90 l 0 36 m 24 36 a 26 18 20 18 90 -90 l 0 0"},
    {49, "A 30 35 30 35 50 310"},
    {52, "m 0 0 l 0 70 l 20 70 a 20 35 32 35 90 -90 l 0 0"},
    {42, "m 42 70 l 0 70 l 0 0 l 42 0 m 0 36 l 36 36"},
    {40, "m 40 70 l 0 70 l 0 0 m 0 36 l 34 36"},
    {55, "A 30 35 30 35 50 325 l 55 34 l 34 34"},
    {50, "m 0 0 l 0 70 m 50 0 l 50 70 m 0 36 l 50 36"},
    {0, "m 0 0 l 0 70"},
    {32, "m 32 70 l 32 18 a 16 18 16 18 0 -165"},
    {46, "m 0 0 l 0 70 m 44 70 l 0 26 m 14 40 l 46 0"},
    {38, "m 0 70 l 0 0 l 38 0"},
    {60, "m 0 0 l 0 70 l 30 20 l 60 70 l 60 0"},
    {50, "m 0 0 l 0 70 l 50 0 l 50 70"},
    {60, "A 30 35 30 35 0 360"},
    {44, "m 0 0 l 0 70 l 24 70 a 24 51 20 19 90 -90 l 0 32"},
    {60, "A 30 35 30 35 0 360 m 36 18 l 58 -6"},
    {46, "m 0 0 l 0 70 l 24 70 a 24 51 20 19 90 -90 l 0 32 m 22 32 l 46 0"},
    {44, "A 22 53 20 17 35 270 a 22 18 22 18 90 -145"},
    {50, "m 0 70 l 50 70 m 25 70 l 25 0"},
    {48, "m 0 70 l 0 24 a 24 24 24 24 180 360 l 48 70"},
    {54, "m 0 70 l 27 0 l 54 70"},
    {76, "m 0 70 l 18 0 l 38 70 l 58 0 l 76 70"},
    {48, "m 0 70 l 48 0 m 48 70 l 0 0"},
    {50, "m 0 70 l 25 34 l 50 70 m 25 34 l 25 0"},
    {46, "m 0 70 l 46 70 l 0 0 l 46 0"},
    {14, "m 14 78 l 0 78 l 0 -14 l 14 -14"},
    {30, "m 0 76 l 30 -10"},
    {14, "m 0 78 l 14 78 l 14 -14 l 0 -14"},
    {36, "m 0 44 l 18 70 l 36 44"},
    {46, "m 0 -12 l 46 -12"},
    {12, "m 0 72 l 12 58"},
    {38, "A 19 25 19 25 0 360 m 38 50 l 38 0"},
    {40, "m 0 70 l 0 0 A 20 25 20 25 0 360"},
    {34, "A 20 25 20 25 45 315"},
    {40, "A 20 25 20 25 0 360 m 40 70 l 40 0"},
    {40, "m 1 27 l 39 27 a 20 25 20 25 5 320"},
    {24, "m 8 0 l 8 56 a 20 56 12 14 180 70 m 0 48 l 22 48"},
    {40, "A 20 25 20 25 0 360 m 40 50 l 40 -4 a 20 -4 20 18 0 -150"},
    {36, "m 0 70 l 0 0 m 0 32 a 18 32 18 18 180 0 l 36 0"},
    {0, "m 0 50 l 0 0 d 0 66"},
    {10, "m 10 50 l 10 -8 a 0 -8 10 12 0 -80 d 10 66"},
    {34, "m 0 70 l 0 0 m 32 50 l 0 18 m 11 29 l 34 0"},
    {8, "m 0 70 l 0 8 a 8 8 8 8 180 270"},
    {60, "m 0 50 l 0 0 m 0 34 a 15 34 15 16 180 0 l 30 0 m 30 34 a 45 34 15 16 180 0 l 60 0"},
    {36, "m 0 50 l 0 0 m 0 32 a 18 32 18 18 180 0 l 36 0"},
    {40, "A 20 25 20 25 0 360"},
    {40, "m 0 50 l 0 -20 A 20 25 20 25 0 360"},
    {40, "A 20 25 20 25 0 360 m 40 50 l 40 -20"},
    {24, "m 0 50 l 0 0 m 0 30 a 22 30 22 20 180 80"},
    {34, "A 17 38 15 12 35 270 a 17 13 17 13 90 -145"},
    {24, "m 8 66 l 8 12 a 20 12 12 12 180 280 m 0 50 l 24 50"},
    {36, "m 0 50 l 0 18 a 18 18 18 18 180 360 m 36 50 l 36 0"},
    {38, "m 0 50 l 19 0 l 38 50"},
    {58, "m 0 50 l 14 0 l 29 50 l 44 0 l 58 50"},
    {36, "m 0 50 l 36 0 m 36 50 l 0 0"},
    {38, "m 0 50 l 19 0 m 38 50 l 19 0 l 11 -20"},
    {34, "m 0 50 l 34 50 l 0 0 l 34 0"},
    {20, "m 20 78 l 12 72 l 12 40 l 4 32 l 12 24 l 12 -8 l 20 -14"},
    {0, "m 0 78 l 0 -14"},
    {20, "m 0 78 l 8 72 l 8 40 l 16 32 l 8 24 l 8 -8 l 0 -14"},
    {44, "A 11 28 11 9 180 0 a 33 28 11 9 180 360"},
};

static const struct {
    uint32_t code;
    glyph glyph;
} others[] = {
    {0xd7, {32, "m 0 48 l 32 16 m 32 48 l 0 16"}},         /* multiplication sign */
    {0x2026, {44, "d 0 2 d 22 2 d 44 2"}},                 /* ellipsis */
    {0x2264, {40, "m 40 62 l 0 42 l 40 22 m 0 6 l 40 6"}}, /* less or equal */
};

/* ---- drawing one glyph ---- */

typedef struct stroke {
    const px_pen *pen;
    double x, y, unit; /* where the glyph begins and what one hundredth is */
} stroke;

static int next_number(const char **p)
{
    int sign = 1, v = 0;
    while (**p == ' ')
        (*p)++;
    if (**p == '-') {
        sign = -1;
        (*p)++;
    }
    for (; **p >= '0' && **p <= '9'; (*p)++)
        v = v * 10 + (**p - '0');
    return sign * v;
}

/* An arc of at most a quarter as one cubic; more as several. */
static void draw_arc(const stroke *s, const int v[6], bool begins)
{
    const double pi = 3.14159265358979323846, from = v[4] * pi / 180, to = v[5] * pi / 180;
    const int n = (int)ceil(fabs(to - from) / (pi / 2) - 1e-9);
    const double cx = s->x + v[0] * s->unit, cy = s->y + v[1] * s->unit;
    const double rx = v[2] * s->unit, ry = v[3] * s->unit;
    const double step = (to - from) / n, k = 4.0 / 3 * tan(step / 4);
    const double x0 = cx + rx * cos(from), y0 = cy + ry * sin(from);
    if (begins)
        s->pen->move(s->pen->user, x0, y0);
    else
        s->pen->line(s->pen->user, x0, y0);
    for (int i = 0; i < n; i++) {
        const double a = from + i * step, b = a + step;
        const double xy[6] = {cx + rx * (cos(a) - k * sin(a)),
                              cy + ry * (sin(a) + k * cos(a)),
                              cx + rx * (cos(b) + k * sin(b)),
                              cy + ry * (sin(b) - k * cos(b)),
                              cx + rx * cos(b),
                              cy + ry * sin(b)};
        s->pen->curve(s->pen->user, xy);
    }
}

static void draw_glyph(const stroke *s, const glyph *g)
{
    for (const char *p = g->path; *p != '\0';) {
        const char op = *p++;
        if (op == ' ')
            continue;
        int v[6];
        const int n = op == 'a' || op == 'A' ? 6 : 2;
        for (int i = 0; i < n; i++)
            v[i] = next_number(&p);
        const double x = s->x + v[0] * s->unit, y = s->y + v[1] * s->unit;
        switch (op) {
        case 'm':
            s->pen->move(s->pen->user, x, y);
            break;
        case 'l':
            s->pen->line(s->pen->user, x, y);
            break;
        case 'd': /* heavier than a stroke, or decimal points would fade in small text */
            for (int i = 0; i <= 5; i += 5) {
                s->pen->move(s->pen->user, x - 2 * s->unit, y + i * s->unit);
                s->pen->line(s->pen->user, x + 2 * s->unit, y + i * s->unit);
            }
            break;
        default:
            draw_arc(s, v, op == 'A');
        }
    }
}

/* ---- text ---- */

/* Next code point; a byte that is no UTF-8 counts as one of its own. */
static uint32_t next_code(px_str *text)
{
    const uint8_t *p = (const uint8_t *)text->ptr;
    const int more = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : p[0] >= 0xc0 ? 1 : 0;
    uint32_t code = more == 0 ? p[0] : p[0] & (0x3fu >> more);
    size_t n = 1;
    for (; (int)n <= more && n < text->len && (p[n] & 0xc0) == 0x80; n++)
        code = code << 6 | (p[n] & 0x3fu);
    if ((int)n <= more) { /* cut short */
        code = p[0];
        n = 1;
    }
    text->ptr += n;
    text->len -= n;
    return code;
}

static const glyph *glyph_of(uint32_t code)
{
    if (code >= FIRST && code <= LAST)
        return &ascii[code - FIRST];
    for (size_t i = 0; i < PX_COUNTOF(others); i++) {
        if (others[i].code == code)
            return &others[i].glyph;
    }
    return NULL;
}

static double put(const glyph *g, stroke *s, double at)
{
    s->x = at + GAP / 2.0 * s->unit;
    if (s->pen != NULL)
        draw_glyph(s, g);
    return at + (g->width + GAP) * s->unit;
}

static double walk(px_str text, double size, const px_pen *pen)
{
    stroke s = {.pen = pen, .unit = size / 100};
    double at = 0;
    while (text.len > 0) {
        const uint32_t code = next_code(&text);
        const glyph *g = glyph_of(code);
        if (g != NULL) {
            at = put(g, &s, at);
            continue;
        }
        char escape[16];
        const int n = snprintf(escape, sizeof escape, code > 0xffff ? "\\U%06x" : "\\u%04x", code);
        for (int i = 0; i < n; i++)
            at = put(glyph_of((uint8_t)escape[i]), &s, at);
    }
    return at;
}

double px_font_width(px_str text, double size)
{
    return walk(text, size, NULL);
}

double px_font_draw(px_str text, double size, const px_pen *pen)
{
    return walk(text, size, pen);
}

double px_font_weight(double size, bool bold)
{
    return size * (bold ? 0.125 : 0.085);
}
