/* backend/ref/op/image_decoder.c - ImageDecoder of formats that lose nothing: PNG (without
 * interlacing), BMP, PNM (P2, P3, P5, P6) and uncompressed TIFF, with up to 8 bits a channel.
 *
 * Each reader turns the file into rows of three bytes, red, green, blue; transparency is dropped.
 * What a decoder of JPEG, JPEG 2000 or WebP gives depends on the decoder: the standard's own cases
 * were made with one library. Those formats are refused by name.
 *
 * The file is hostile: every length is checked against what is left, and sizes before memory is
 * asked for. Specifications: PNG 1.2 (RFC 2083), BMP BITMAPINFOHEADER, Netpbm, TIFF 6.0.
 */
#include "backend/ref/op/move.h"

#include <zlib.h>

#define MAX_SIDE (1 << 16)
#define DEFLATE_MOST 1032 /* bytes that one byte of a deflated stream can stand for */

typedef struct picture {
    const uint8_t *file;
    size_t size;
    int64_t width, height;
    uint8_t *rgb; /* width * height * 3, from scratch */
} picture;

static pgy_status *broken(px_ref_call *c, const char *format, const char *what)
{
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "the encoded image is no sound %s: %s", format, what);
}

static pgy_status *beyond(px_ref_call *c, const char *format, const char *what)
{
    return PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                       "the encoded image is %s with %s, which this backend does not decode; give "
                       "the decoded pixels instead",
                       format, what);
}

/* Little- and big-endian numbers; the caller has checked that they are there. */
static uint32_t le(const uint8_t *p, int bytes)
{
    uint32_t v = 0;
    for (int i = bytes; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static uint32_t be(const uint8_t *p, int bytes)
{
    uint32_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

/* Memory for the pixels, each of which needs at least `bits / ratio` bits of the file. */
static pgy_status *room_for(px_ref_call *c, picture *p, const char *format, int64_t width,
                            int64_t height, int64_t bits, int64_t ratio)
{
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
        return broken(c, format, "its width or height is out of range");
    if ((uint64_t)(width * height * bits / ratio / 8) > p->size)
        return broken(c, format, "its pixels are cut off");
    p->width = width;
    p->height = height;
    return PX_MOVE_SCRATCH(c, p->rgb, width * height * 3);
}

/* One pixel of `n` channels: grey, grey and alpha, colour, colour and alpha. */
static void put(uint8_t *to, const uint8_t *from, int n)
{
    const bool is_grey = n < 3;
    to[0] = from[0];
    to[1] = from[is_grey ? 0 : 1];
    to[2] = from[is_grey ? 0 : 2];
}

/* --- BMP --- */

static pgy_status *read_bmp(px_ref_call *c, picture *p)
{
    pgy_status *st = NULL;
    const uint8_t *f = p->file;
    if (p->size < 54)
        return broken(c, "BMP", "its header is cut off");
    const uint32_t offset = le(f + 10, 4), bits = le(f + 28, 2), method = le(f + 30, 4);
    const int32_t width = (int32_t)le(f + 18, 4), height = (int32_t)le(f + 22, 4);
    const bool is_upside_up = height < 0;
    uint32_t n_colours = le(f + 46, 4);
    const uint8_t *table = f + 14 + PX_MIN(le(f + 14, 4), UINT32_C(1024));

    if ((bits != 24 && bits != 32 && bits != 8) || method != 0)
        return beyond(c, "BMP", "compression or an uncommon pixel size");
    PX_TRY(room_for(c, p, "BMP", width,
                    height == INT32_MIN ? 0
                    : is_upside_up      ? -height
                                        : height,
                    bits, 1));
    const size_t row = ((size_t)p->width * bits + 31) / 32 * 4;
    if (n_colours == 0 || n_colours > 256)
        n_colours = 256;
    if (offset > p->size || (p->size - offset) / row < (size_t)p->height)
        return broken(c, "BMP", "its pixels are cut off");
    if (bits == 8 && (size_t)(table - f) + 4 * (size_t)n_colours > p->size)
        return broken(c, "BMP", "its colours are cut off");
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
static int64_t pnm_number(const picture *p, size_t *at)
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
        if (v > MAX_SIDE)
            return -1;
    }
    return v;
}

static pgy_status *read_pnm(px_ref_call *c, picture *p)
{
    pgy_status *st = NULL;
    const char kind = (char)p->file[1];
    const int n = kind == '3' || kind == '6' ? 3 : 1;
    size_t at = 2;
    const int64_t width = pnm_number(p, &at), height = pnm_number(p, &at), top = pnm_number(p, &at);
    if (top < 1)
        return broken(c, "PNM", "its header is cut off");
    if (top > 255)
        return beyond(c, "PNM", "more than 8 bits a channel");
    PX_TRY(room_for(c, p, "PNM", width, height, 8 * n, 1));
    const int64_t count = p->width * p->height * n;
    at++; /* one blank ends the header */
    if (kind >= '5' && (at > p->size || p->size - at < (size_t)count))
        return broken(c, "PNM", "its pixels are cut off");
    for (int64_t i = 0; i < count; i++) {
        const int64_t v = kind >= '5' ? p->file[at + (size_t)i] : pnm_number(p, &at);
        if (v < 0 || v > top)
            return broken(c, "PNM", "a pixel is missing or beyond the largest value");
        const uint8_t scaled = (uint8_t)((v * 255 * 2 + top) / (2 * top));
        if (n == 3)
            p->rgb[i] = scaled;
        else
            p->rgb[3 * i] = p->rgb[3 * i + 1] = p->rgb[3 * i + 2] = scaled;
    }
done:
    return st;
}

/* --- PNG --- */

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

static pgy_status *png_header(px_ref_call *c, picture *p, png *g, const uint8_t *at, uint32_t size)
{
    pgy_status *st = NULL;
    static const int samples[7] = {1, 0, 3, 1, 2, 0, 4};
    if (size != 13 || g->is_open)
        return broken(c, "PNG", "it has a wrong header");
    g->width = be(at, 4);
    g->height = be(at + 4, 4);
    g->bits = at[8];
    g->kind = at[9];
    if (g->kind > 6 || samples[g->kind] == 0)
        return broken(c, "PNG", "it has an unknown colour type");
    if (at[12] != 0 || g->bits > 8)
        return beyond(c, "PNG", at[12] ? "interlaced rows" : "16 bits a channel");
    if (g->bits != 8 && (samples[g->kind] > 1 || (g->bits != 1 && g->bits != 2 && g->bits != 4)))
        return broken(c, "PNG", "it has a wrong bit depth");
    g->n = samples[g->kind];
    PX_TRY(room_for(c, p, "PNG", g->width, g->height, g->n * g->bits, DEFLATE_MOST));
    g->row = ((size_t)g->width * (size_t)(g->n * g->bits) + 7) / 8;
    g->raw_size = (g->row + 1) * (size_t)g->height;
    if (g->raw_size > UINT32_MAX) /* zlib counts in 32 bits */
        return beyond(c, "PNG", "more than 4 GiB of pixels");
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
static pgy_status *png_chunks(px_ref_call *c, picture *p, png *g)
{
    pgy_status *st = NULL;
    size_t at = 8;
    while (p->size - at >= 12) {
        const uint32_t size = be(p->file + at, 4);
        const uint8_t *type = p->file + at + 4, *data = type + 4;
        if (size > p->size - at - 12)
            return broken(c, "PNG", "a chunk is cut off");
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
                return broken(c, "PNG", "its compressed data is damaged");
        } else if (memcmp(type, "IEND", 4) == 0) {
            break;
        }
        at += 12 + (size_t)size;
    }
    if (!g->is_open || g->z.avail_out != 0)
        return broken(c, "PNG", "its pixels are cut off");
    if (g->kind == 3 && g->n_colours == 0)
        return broken(c, "PNG", "its palette is missing");
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

static void png_pixels(const picture *p, const png *g)
{
    for (int64_t y = 0; y < g->height; y++) {
        const uint8_t *row = g->raw + (size_t)y * (g->row + 1) + 1;
        uint8_t *to = p->rgb + y * g->width * 3;
        for (int64_t x = 0; x < g->width; x++, to += 3) {
            if (g->n > 1) {
                put(to, row + x * g->n, g->n);
                continue;
            }
            const int64_t bit = x * g->bits;
            const uint8_t mask = (uint8_t)((1 << g->bits) - 1);
            const uint8_t v = (uint8_t)(row[bit / 8] >> (8 - g->bits - bit % 8)) & mask;
            const uint8_t grey = (uint8_t)(v * 255 / mask);
            if (g->kind == 3)
                put(to, g->palette + 3 * PX_MIN((size_t)v, g->n_colours - 1), 3);
            else
                put(to, &grey, 1);
        }
    }
}

static pgy_status *read_png(px_ref_call *c, picture *p)
{
    pgy_status *st = NULL;
    png g = {0};
    PX_TRY(png_chunks(c, p, &g));
    if (!png_unfilter(&g))
        PX_TRY(broken(c, "PNG", "a row has an unknown filter"));
    png_pixels(p, &g);
done:
    if (g.is_open)
        inflateEnd(&g.z);
    return st;
}

/* --- TIFF --- */

typedef uint32_t (*number_fn)(const uint8_t *p, int bytes);

/* Value `i` of a directory entry, short or long; 0 when it lies outside of the file. */
static uint32_t tiff_value(const picture *p, number_fn number, const uint8_t *entry, uint32_t i)
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

static pgy_status *tiff_directory(px_ref_call *c, const picture *p, tiff *t)
{
    if (p->size < 8)
        return broken(c, "TIFF", "its header is cut off");
    const size_t at = t->number(p->file + 4, 4);
    const size_t n = at <= p->size - 2 ? t->number(p->file + at, 2) : 0;
    if (n == 0 || (p->size - at - 2) / 12 < n)
        return broken(c, "TIFF", "its directory is cut off");
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
        return broken(c, "TIFF", "its directory lacks strips or bit depths");
    return NULL;
}

static pgy_status *read_tiff(px_ref_call *c, picture *p)
{
    pgy_status *st = NULL;
    tiff t = {.number = p->file[0] == 'I' ? le : be,
              .method = 1,
              .photometric = 1,
              .n = 1,
              .rows = UINT32_MAX,
              .planar = 1,
              .predictor = 1};
    PX_TRY(tiff_directory(c, p, &t));
    if (t.method != 1 || t.planar != 1 || t.predictor != 1)
        return beyond(c, "TIFF", "compression or separate planes");
    if (t.n < 1 || t.n > 4 || t.photometric > 2 || tiff_value(p, t.number, t.bits, 0) != 8)
        return beyond(c, "TIFF", "other pixels than 8 bits of grey or colour");
    PX_TRY(room_for(c, p, "TIFF", t.width, t.height, 8 * (int64_t)t.n, 1));
    const size_t row = (size_t)t.width * t.n;
    for (int64_t y = 0; y < p->height; y++) {
        const uint32_t strip = (uint32_t)(y / t.rows);
        const size_t at = tiff_value(p, t.number, t.offsets, strip);
        const size_t from = at + (size_t)(y % t.rows) * row;
        if (at == 0 || from > p->size || p->size - from < row)
            return broken(c, "TIFF", "its pixels are cut off");
        for (int64_t x = 0; x < p->width; x++) {
            uint8_t *to = p->rgb + (y * p->width + x) * 3;
            put(to, p->file + from + (size_t)x * t.n, (int)t.n);
            for (int k = 0; k < 3 && t.photometric == 0; k++)
                to[k] = (uint8_t)(255 - to[k]); /* white is zero */
        }
    }
done:
    return st;
}

/* --- the operator --- */

static bool begins(const picture *p, size_t at, const char *with, size_t n)
{
    return p->size >= at + n && memcmp(p->file + at, with, n) == 0;
}

static pgy_status *read_any(px_ref_call *c, picture *p)
{
    if (begins(p, 0, "\x89PNG\r\n\x1a\n", 8))
        return read_png(c, p);
    if (begins(p, 0, "BM", 2))
        return read_bmp(c, p);
    if (begins(p, 0, "II*\0", 4) || begins(p, 0, "MM\0*", 4))
        return read_tiff(c, p);
    for (char kind = '2'; kind <= '6'; kind++)
        if (kind != '4' && begins(p, 0, (const char[]){'P', kind}, 2))
            return read_pnm(c, p);
    const char *name = begins(p, 0, "\xff\xd8", 2)           ? "JPEG"
                       : begins(p, 4, "jP  ", 4)             ? "JPEG 2000"
                       : begins(p, 0, "\xff\x4f\xff\x51", 4) ? "JPEG 2000"
                       : begins(p, 0, "RIFF", 4)             ? "WebP"
                                                             : NULL;
    return PX_REF_FAIL(
        c, PGY_ERR_UNSUPPORTED,
        "%s images are not decoded by this backend (PNG, BMP, PNM and TIFF are); give "
        "the decoded pixels instead",
        name ? name : "such");
}

static pgy_status *image_decoder(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    const px_str format = px_ref_attr_s(c, "pixel_format", "RGB");
    const bool is_grey = px_str_is(format, "Grayscale"), is_bgr = px_str_is(format, "BGR");
    void *data;
    picture p = {0};

    PX_TRY(px_ref_in(c, 0, &t));
    if (t->dtype != PGY_DTYPE_U8 || t->rank != 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the encoded image must be a list of uint8"));
    if (!is_grey && !is_bgr && !px_str_is(format, "RGB"))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "pixel_format '%.*s' is not RGB, BGR or Grayscale",
                           PX_STR_ARG(format)));
    p.file = t->data;
    p.size = t->size;
    PX_TRY(read_any(c, &p));
    const int64_t dims[3] = {p.height, p.width, is_grey ? 1 : 3};
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_U8, 3, dims, &data));
    uint8_t *y = data;
    for (int64_t i = 0; i < p.width * p.height; i++) {
        const uint8_t *px = p.rgb + 3 * i;
        if (is_grey) /* the weights of ITU-R 601, rounded in 16 bits */
            y[i] = (uint8_t)((px[0] * 19595 + px[1] * 38470 + px[2] * 7471 + 0x8000) >> 16);
        for (int k = 0; k < 3 && !is_grey; k++)
            y[3 * i + k] = px[is_bgr ? 2 - k : k];
    }
done:
    return st;
}

static const px_ref_op ops[] = {
    {"", "ImageDecoder", 20, 1, 1, 1, 1, image_decoder},
};
const px_ref_family px_ref_family_image_decoder = {ops, PX_COUNTOF(ops)};
