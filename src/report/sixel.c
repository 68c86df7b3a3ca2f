/* report/sixel.c - pixels as DEC sixel graphics.
 *
 * A terminal has 256 colours for this. Ours are known: the two maps, greys for text, and the few
 * that stand for something; every pixel takes the nearest of them. A band is six rows; for each
 * colour in it, its pixels are sent as letters with repeat counts.
 */
#include "report/terminal.h"

enum { N_HEAT = 128, N_INK = 48, N_GREY = 32, SHADES = 1 << 15 };

typedef struct palette {
    px_rgb color[256];
    int n;
    uint8_t nearest[SHADES]; /* by five bits of each part */
} palette;

static int distance(px_rgb a, px_rgb b)
{
    int sum = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
        const int d = (int)(a >> shift & 255) - (int)(b >> shift & 255);
        sum += d * d;
    }
    return sum;
}

static void palette_fill(palette *p)
{
    px_rgb map[PX_COLORMAP_STEPS];
    static const px_rgb others[] = {PX_RGB_NAN, PX_RGB_INF, PX_RGB_ZERO, 0x1b9e4b,
                                    0xe08a00,   0xd62246,   0x7a1fa2};
    p->n = 0;
    px_colormap_fill(PX_COLORMAP_HEAT, map);
    for (int i = 0; i < N_HEAT; i++)
        p->color[p->n++] = map[i * 255 / (N_HEAT - 1)];
    px_colormap_fill(PX_COLORMAP_INK, map);
    for (int i = 0; i < N_INK; i++)
        p->color[p->n++] = map[i * 255 / (N_INK - 1)];
    for (unsigned i = 0; i < N_GREY; i++)
        p->color[p->n++] = 0x010101u * (i * 255 / (N_GREY - 1));
    for (size_t i = 0; i < PX_COUNTOF(others); i++)
        p->color[p->n++] = others[i];
    for (unsigned s = 0; s < SHADES; s++) {
        const px_rgb c = (s >> 10 << 19 | (s >> 5 & 31) << 11 | (s & 31) << 3) + 0x040404u;
        int best = 0;
        for (int i = 1; i < p->n; i++) {
            if (distance(p->color[i], c) < distance(p->color[best], c))
                best = i;
        }
        p->nearest[s] = (uint8_t)best;
    }
    /* White paper is exactly white. */
    p->nearest[SHADES - 1] = N_HEAT + N_INK + N_GREY - 1;
}

static void put_run(px_buf *out, int bits, int n)
{
    if (n > 3) {
        px_buf_printf(out, "!%d%c", n, '?' + bits);
        return;
    }
    for (int i = 0; i < n; i++)
        px_buf_putc(out, (char)('?' + bits));
}

/* One colour of a band; blanks behind its last pixel are left out. */
static void put_color(px_buf *out, const uint8_t *band, int n_x, int rows, int color)
{
    int run = 0, last = -1;
    px_buf_printf(out, "#%d", color);
    for (int x = 0; x < n_x; x++) {
        int bits = 0;
        for (int y = 0; y < rows; y++)
            bits |= (band[y * n_x + x] == color) << y;
        if (bits != last && run > 0) {
            put_run(out, last, run);
            run = 0;
        }
        last = bits;
        run++;
    }
    if (last > 0)
        put_run(out, last, run);
    px_buf_putc(out, '$');
}

pgy_status *px_sixel_put(px_buf *out, const px_rgb *pixels, int n_x, int n_y)
{
    pgy_status *st = NULL;
    palette *p = NULL;
    uint8_t *band = NULL;
    PX_TRY(PX_ALLOC(p, 1));
    PX_TRY(PX_ALLOC(band, (size_t)n_x * 6));
    palette_fill(p);
    px_buf_printf(out, "\x1bP0;1q\"1;1;%d;%d", n_x, n_y);
    for (int i = 0; i < p->n; i++)
        px_buf_printf(out, "#%d;2;%u;%u;%u", i, (p->color[i] >> 16 & 255) * 100 / 255,
                      (p->color[i] >> 8 & 255) * 100 / 255, (p->color[i] & 255) * 100 / 255);
    for (int top = 0; top < n_y; top += 6) {
        const int rows = PX_MIN(6, n_y - top);
        bool used[256] = {false};
        for (int i = 0; i < rows * n_x; i++) {
            const px_rgb c = pixels[(size_t)top * (size_t)n_x + (size_t)i];
            band[i] = p->nearest[(c >> 19 & 31) << 10 | (c >> 11 & 31) << 5 | (c >> 3 & 31)];
            used[band[i]] = true;
        }
        for (int c = 0; c < p->n; c++) {
            if (used[c])
                put_color(out, band, n_x, rows, c);
        }
        px_buf_putc(out, '-');
    }
    px_buf_puts(out, "\x1b\\\n");
    st = px_buf_status(out);
done:
    px_mem_free(p);
    px_mem_free(band);
    return st;
}
