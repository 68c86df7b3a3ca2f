/* backend/ref/op/image_decoder.c - ImageDecoder: finds the format by the first bytes, and lays the
 * pixels out as asked for. picture.h has the readers.
 */
#include "backend/ref/op/picture.h"

pgy_status *px_picture_broken(px_ref_call *c, const char *format, const char *what)
{
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "the encoded image is no sound %s: %s", format, what);
}

pgy_status *px_picture_beyond(px_ref_call *c, const char *format, const char *what)
{
    return PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                       "the encoded image is %s with %s, which this backend does not decode; give "
                       "the decoded pixels instead",
                       format, what);
}

uint32_t px_picture_le(const uint8_t *p, int bytes)
{
    uint32_t v = 0;
    for (int i = bytes; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

uint32_t px_picture_be(const uint8_t *p, int bytes)
{
    uint32_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

pgy_status *px_picture_room(px_ref_call *c, px_picture *p, const char *format, int64_t width,
                            int64_t height, int64_t bits, int64_t ratio)
{
    if (width < 1 || height < 1 || width > PX_PICTURE_MAX_SIDE || height > PX_PICTURE_MAX_SIDE)
        return px_picture_broken(c, format, "its width or height is out of range");
    if ((uint64_t)(width * height * bits / ratio / 8) > p->size)
        return px_picture_broken(c, format, "its pixels are cut off");
    p->width = width;
    p->height = height;
    return PX_MOVE_SCRATCH(c, p->rgb, width * height * 3);
}

void px_picture_put(uint8_t *to, const uint8_t *from, int n)
{
    const bool is_grey = n < 3;
    to[0] = from[0];
    to[1] = from[is_grey ? 0 : 1];
    to[2] = from[is_grey ? 0 : 2];
}

static bool begins(const px_picture *p, size_t at, const char *with, size_t n)
{
    return p->size >= at + n && memcmp(p->file + at, with, n) == 0;
}

static pgy_status *read_any(px_ref_call *c, px_picture *p)
{
    if (begins(p, 0, "\x89PNG\r\n\x1a\n", 8))
        return px_picture_read_png(c, p);
    if (begins(p, 0, "\xff\xd8", 2))
        return px_picture_read_jpeg(c, p);
    if (begins(p, 4, "jP  ", 4) || begins(p, 0, "\xff\x4f\xff\x51", 4))
        return px_picture_read_jpeg2000(c, p);
    if (begins(p, 0, "RIFF", 4) && begins(p, 8, "WEBP", 4))
        return px_picture_read_webp(c, p);
    if (begins(p, 0, "BM", 2))
        return px_picture_read_bmp(c, p);
    if (begins(p, 0, "II*\0", 4) || begins(p, 0, "MM\0*", 4))
        return px_picture_read_tiff(c, p);
    for (char kind = '2'; kind <= '6'; kind++)
        if (kind != '4' && begins(p, 0, (const char[]){'P', kind}, 2))
            return px_picture_read_pnm(c, p);
    return PX_REF_FAIL(
        c, PGY_ERR_UNSUPPORTED,
        "the encoded image is none of PNG, JPEG, JPEG 2000, WebP, BMP, PNM and TIFF; "
        "give the decoded pixels instead");
}

static pgy_status *image_decoder(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *t;
    const px_str format = px_ref_attr_s(c, "pixel_format", "RGB");
    const bool is_grey = px_str_is(format, "Grayscale"), is_bgr = px_str_is(format, "BGR");
    void *data;
    px_picture p = {0};

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
