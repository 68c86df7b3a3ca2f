/* backend/ref/op/picture_png.c - PNG with up to 8 bits a channel and without interlacing.
 *
 * Specification: PNG 1.2 (RFC 2083). Checksums are not looked at.
 */
#include "backend/ref/op/picture.h"

#include <zlib.h>

#define DEFLATE_MOST 1032 /* bytes that one byte of a deflated stream can stand for */

typedef struct png {
    int64_t width, height;
    int bits, kind, n; /* n: samples a pixel */
    const uint8_t *palette;
    size_t n_colours;
    uint8_t *raw; /* filtered rows, each behind a byte that names its filter */
    size_t row, raw_size;
    z_stream z;
    bool is_open;
} png;

static pgy_status *png_header(px_ref_call *c, px_picture *p, png *g, const uint8_t *at,
                              uint32_t size)
{
    pgy_status *st = NULL;
    static const int samples[7] = {1, 0, 3, 1, 2, 0, 4};
    if (size != 13 || g->is_open)
        return px_picture_broken(c, "PNG", "it has a wrong header");
    g->width = px_picture_be(at, 4);
    g->height = px_picture_be(at + 4, 4);
    g->bits = at[8];
    g->kind = at[9];
    if (g->kind > 6 || samples[g->kind] == 0)
        return px_picture_broken(c, "PNG", "it has an unknown colour type");
    if (at[12] != 0 || g->bits > 8)
        return px_picture_beyond(c, "PNG", at[12] ? "interlaced rows" : "16 bits a channel");
    if (g->bits != 8 && (samples[g->kind] > 1 || (g->bits != 1 && g->bits != 2 && g->bits != 4)))
        return px_picture_broken(c, "PNG", "it has a wrong bit depth");
    g->n = samples[g->kind];
    PX_TRY(px_picture_room(c, p, "PNG", g->width, g->height, g->n * g->bits, DEFLATE_MOST));
    g->row = ((size_t)g->width * (size_t)(g->n * g->bits) + 7) / 8;
    g->raw_size = (g->row + 1) * (size_t)g->height;
    if (g->raw_size > UINT32_MAX) /* zlib counts in 32 bits */
        return px_picture_beyond(c, "PNG", "more than 4 GiB of pixels");
    PX_TRY(PX_MOVE_SCRATCH(c, g->raw, (int64_t)g->raw_size));
    if (inflateInit(&g->z) != Z_OK)
        return px_status_nomem();
    g->is_open = true;
    g->z.next_out = g->raw;
    g->z.avail_out = (uInt)g->raw_size;
done:
    return st;
}

/* All chunks; leaves the filtered rows in g->raw. */
static pgy_status *png_chunks(px_ref_call *c, px_picture *p, png *g)
{
    pgy_status *st = NULL;
    size_t at = 8;
    while (p->size - at >= 12) {
        const uint32_t size = px_picture_be(p->file + at, 4);
        const uint8_t *type = p->file + at + 4, *data = type + 4;
        if (size > p->size - at - 12)
            return px_picture_broken(c, "PNG", "a chunk is cut off");
        if (memcmp(type, "IHDR", 4) == 0) {
            PX_TRY(png_header(c, p, g, data, size));
        } else if (memcmp(type, "PLTE", 4) == 0) {
            g->palette = data;
            g->n_colours = size / 3;
        } else if (memcmp(type, "IDAT", 4) == 0 && g->is_open && size > 0) {
            g->z.next_in = (Bytef *)(uintptr_t)data;
            g->z.avail_in = size;
            const int code = inflate(&g->z, Z_NO_FLUSH);
            if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
                return px_picture_broken(c, "PNG", "its compressed data is damaged");
        } else if (memcmp(type, "IEND", 4) == 0) {
            break;
        }
        at += 12 + (size_t)size;
    }
    if (!g->is_open || g->z.avail_out != 0)
        return px_picture_broken(c, "PNG", "its pixels are cut off");
    if (g->kind == 3 && g->n_colours == 0)
        return px_picture_broken(c, "PNG", "its palette is missing");
done:
    return st;
}

static uint8_t paeth(int a, int b, int d)
{
    const int p = a + b - d, pa = abs(p - a), pb = abs(p - b), pc = abs(p - d);
    return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : d);
}

/* Undoes the filters in place. False: an unknown one. */
static bool png_unfilter(png *g)
{
    const size_t step = (size_t)PX_MAX(g->n * g->bits / 8, 1);
    for (int64_t y = 0; y < g->height; y++) {
        uint8_t *row = g->raw + (size_t)y * (g->row + 1) + 1;
        const uint8_t *above = y > 0 ? row - g->row - 1 : NULL;
        for (size_t i = 0; i < g->row; i++) {
            const int left = i >= step ? row[i - step] : 0, up = above ? above[i] : 0;
            const int corner = above && i >= step ? above[i - step] : 0;
            switch (row[-1]) {
            case 0:
                break;
            case 1:
                row[i] = (uint8_t)(row[i] + left);
                break;
            case 2:
                row[i] = (uint8_t)(row[i] + up);
                break;
            case 3:
                row[i] = (uint8_t)(row[i] + (left + up) / 2);
                break;
            case 4:
                row[i] = (uint8_t)(row[i] + paeth(left, up, corner));
                break;
            default:
                return false;
            }
        }
    }
    return true;
}

static void png_pixels(const px_picture *p, const png *g)
{
    for (int64_t y = 0; y < g->height; y++) {
        const uint8_t *row = g->raw + (size_t)y * (g->row + 1) + 1;
        uint8_t *to = p->rgb + y * g->width * 3;
        for (int64_t x = 0; x < g->width; x++, to += 3) {
            if (g->n > 1) {
                px_picture_put(to, row + x * g->n, g->n);
                continue;
            }
            const int64_t bit = x * g->bits;
            const uint8_t mask = (uint8_t)((1 << g->bits) - 1);
            const uint8_t v = (uint8_t)(row[bit / 8] >> (8 - g->bits - bit % 8)) & mask;
            const uint8_t grey = (uint8_t)(v * 255 / mask);
            if (g->kind == 3)
                px_picture_put(to, g->palette + 3 * PX_MIN((size_t)v, g->n_colours - 1), 3);
            else
                px_picture_put(to, &grey, 1);
        }
    }
}

pgy_status *px_picture_read_png(px_ref_call *c, px_picture *p)
{
    pgy_status *st = NULL;
    png g = {0};
    PX_TRY(png_chunks(c, p, &g));
    if (!png_unfilter(&g))
        PX_TRY(px_picture_broken(c, "PNG", "a row has an unknown filter"));
    png_pixels(p, &g);
done:
    if (g.is_open)
        inflateEnd(&g.z);
    return st;
}
