/* backend/ref/op/picture_plain.c - pictures whose pixels lie in the file as they are: BMP, PNM (P2,
 * P3, P5, P6) and uncompressed TIFF.
 *
 * Specifications: BMP BITMAPINFOHEADER, Netpbm, TIFF 6.0.
 */
#include "backend/ref/op/picture.h"

/* --- BMP --- */

pgy_status *px_picture_read_bmp(px_ref_call *c, px_picture *p)
{
    pgy_status *st = NULL;
    const uint8_t *f = p->file;
    if (p->size < 54)
        return px_picture_broken(c, "BMP", "its header is cut off");
    const uint32_t offset = px_picture_le(f + 10, 4), bits = px_picture_le(f + 28, 2),
                   method = px_picture_le(f + 30, 4);
    const int32_t width = (int32_t)px_picture_le(f + 18, 4),
                  height = (int32_t)px_picture_le(f + 22, 4);
    const bool is_upside_up = height < 0;
    uint32_t n_colours = px_picture_le(f + 46, 4);
    const uint8_t *table = f + 14 + PX_MIN(px_picture_le(f + 14, 4), UINT32_C(1024));

    if ((bits != 24 && bits != 32 && bits != 8) || method != 0)
        return px_picture_beyond(c, "BMP", "compression or an uncommon pixel size");
    PX_TRY(px_picture_room(c, p, "BMP", width,
                           height == INT32_MIN ? 0
                           : is_upside_up      ? -height
                                               : height,
                           bits, 1));
    const size_t row = ((size_t)p->width * bits + 31) / 32 * 4;
    if (n_colours == 0 || n_colours > 256)
        n_colours = 256;
    if (offset > p->size || (p->size - offset) / row < (size_t)p->height)
        return px_picture_broken(c, "BMP", "its pixels are cut off");
    if (bits == 8 && (size_t)(table - f) + 4 * (size_t)n_colours > p->size)
        return px_picture_broken(c, "BMP", "its colours are cut off");
    for (int64_t y = 0; y < p->height; y++) {
        const uint8_t *from = f + offset + row * (size_t)(is_upside_up ? y : p->height - 1 - y);
        uint8_t *to = p->rgb + y * p->width * 3;
        for (int64_t x = 0; x < p->width; x++, to += 3) {
            const uint8_t *px = bits == 8 ? table + 4 * PX_MIN(from[x], n_colours - 1)
                                          : from + x * (int64_t)(bits / 8);
            to[0] = px[2];
            to[1] = px[1];
            to[2] = px[0];
        }
    }
done:
    return st;
}

/* --- PNM --- */

/* The next number of a PNM text, after blanks and comments; -1: there is none, or over 65535. */
static int64_t pnm_number(const px_picture *p, size_t *at)
{
    int64_t v = -1;
    while (*at < p->size) {
        const uint8_t ch = p->file[*at];
        if (ch == '#')
            while (*at < p->size && p->file[*at] != '\n')
                ++*at;
        else if (ch == ' ' || (ch >= '\t' && ch <= '\r'))
            ++*at;
        else
            break;
    }
    for (; *at < p->size && p->file[*at] >= '0' && p->file[*at] <= '9'; ++*at) {
        v = PX_MAX(v, INT64_C(0)) * 10 + (p->file[*at] - '0');
        if (v > PX_PICTURE_MAX_SIDE)
            return -1;
    }
    return v;
}

pgy_status *px_picture_read_pnm(px_ref_call *c, px_picture *p)
{
    pgy_status *st = NULL;
    const char kind = (char)p->file[1];
    const int n = kind == '3' || kind == '6' ? 3 : 1;
    size_t at = 2;
    const int64_t width = pnm_number(p, &at), height = pnm_number(p, &at), top = pnm_number(p, &at);
    if (top < 1)
        return px_picture_broken(c, "PNM", "its header is cut off");
    if (top > 255)
        return px_picture_beyond(c, "PNM", "more than 8 bits a channel");
    PX_TRY(px_picture_room(c, p, "PNM", width, height, 8 * n, 1));
    const int64_t count = p->width * p->height * n;
    at++; /* one blank ends the header */
    if (kind >= '5' && (at > p->size || p->size - at < (size_t)count))
        return px_picture_broken(c, "PNM", "its pixels are cut off");
    for (int64_t i = 0; i < count; i++) {
        const int64_t v = kind >= '5' ? p->file[at + (size_t)i] : pnm_number(p, &at);
        if (v < 0 || v > top)
            return px_picture_broken(c, "PNM", "a pixel is missing or beyond the largest value");
        const uint8_t scaled = (uint8_t)((v * 255 * 2 + top) / (2 * top));
        if (n == 3)
            p->rgb[i] = scaled;
        else
            p->rgb[3 * i] = p->rgb[3 * i + 1] = p->rgb[3 * i + 2] = scaled;
    }
done:
    return st;
}

/* --- TIFF --- */

typedef uint32_t (*number_fn)(const uint8_t *p, int bytes);

/* Value `i` of a directory entry, short or long; 0 when it lies outside of the file. */
static uint32_t tiff_value(const px_picture *p, number_fn number, const uint8_t *entry, uint32_t i)
{
    const uint32_t count = number(entry + 4, 4);
    const size_t bytes = number(entry + 2, 2) == 3 ? 2 : 4;
    const bool is_inside = count * (uint64_t)bytes <= 4;
    const uint64_t at =
        (is_inside ? (uint64_t)(entry + 8 - p->file) : number(entry + 8, 4)) + (uint64_t)i * bytes;
    return i < count && at + bytes <= p->size ? number(p->file + at, (int)bytes) : 0;
}

typedef struct tiff {
    number_fn number;
    const uint8_t *offsets, *bits; /* entries */
    uint32_t width, height, method, photometric, n, rows, planar, predictor;
} tiff;

static pgy_status *tiff_directory(px_ref_call *c, const px_picture *p, tiff *t)
{
    if (p->size < 8)
        return px_picture_broken(c, "TIFF", "its header is cut off");
    const size_t at = t->number(p->file + 4, 4);
    const size_t n = at <= p->size - 2 ? t->number(p->file + at, 2) : 0;
    if (n == 0 || (p->size - at - 2) / 12 < n)
        return px_picture_broken(c, "TIFF", "its directory is cut off");
    for (size_t i = 0; i < n; i++) {
        const uint8_t *entry = p->file + at + 2 + 12 * i;
        const struct {
            uint32_t tag;
            uint32_t *to;
        } numbers[] = {{256, &t->width},  {257, &t->height},      {259, &t->method},
                       {277, &t->n},      {262, &t->photometric}, {278, &t->rows},
                       {284, &t->planar}, {317, &t->predictor}};
        const uint32_t tag = t->number(entry, 2);
        for (size_t k = 0; k < PX_COUNTOF(numbers); k++)
            if (numbers[k].tag == tag)
                *numbers[k].to = tiff_value(p, t->number, entry, 0);
        if (tag == 273)
            t->offsets = entry;
        if (tag == 258)
            t->bits = entry;
    }
    if (!t->offsets || !t->bits || t->rows == 0)
        return px_picture_broken(c, "TIFF", "its directory lacks strips or bit depths");
    return NULL;
}

pgy_status *px_picture_read_tiff(px_ref_call *c, px_picture *p)
{
    pgy_status *st = NULL;
    tiff t = {.number = p->file[0] == 'I' ? px_picture_le : px_picture_be,
              .method = 1,
              .photometric = 1,
              .n = 1,
              .rows = UINT32_MAX,
              .planar = 1,
              .predictor = 1};
    PX_TRY(tiff_directory(c, p, &t));
    if (t.method != 1 || t.planar != 1 || t.predictor != 1)
        return px_picture_beyond(c, "TIFF", "compression or separate planes");
    if (t.n < 1 || t.n > 4 || t.photometric > 2 || tiff_value(p, t.number, t.bits, 0) != 8)
        return px_picture_beyond(c, "TIFF", "other pixels than 8 bits of grey or colour");
    PX_TRY(px_picture_room(c, p, "TIFF", t.width, t.height, 8 * (int64_t)t.n, 1));
    const size_t row = (size_t)t.width * t.n;
    for (int64_t y = 0; y < p->height; y++) {
        const uint32_t strip = (uint32_t)(y / t.rows);
        const size_t at = tiff_value(p, t.number, t.offsets, strip);
        const size_t from = at + (size_t)(y % t.rows) * row;
        if (at == 0 || from > p->size || p->size - from < row)
            return px_picture_broken(c, "TIFF", "its pixels are cut off");
        for (int64_t x = 0; x < p->width; x++) {
            uint8_t *to = p->rgb + (y * p->width + x) * 3;
            px_picture_put(to, p->file + from + (size_t)x * t.n, (int)t.n);
            for (int k = 0; k < 3 && t.photometric == 0; k++)
                to[k] = (uint8_t)(255 - to[k]); /* white is zero */
        }
    }
done:
    return st;
}
