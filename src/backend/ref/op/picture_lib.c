/* backend/ref/op/picture_lib.c - pictures that well-known libraries decode: JPEG by libturbojpeg,
 * WebP by libwebp, JPEG 2000 by OpenJPEG.
 *
 * What a decoder of such a format gives depends on the decoder; the standard's cases were made by
 * these three. A library is loaded when the first picture of its kind comes, and stays.
 */
#include "backend/ref/op/picture.h"
#include "backend/ref/op/picture_abi.h"

#include <pthread.h>

/* A few bytes of these formats may stand for any number of pixels. */
#define MAX_PIXELS ((int64_t)1 << 28)

/* Written once under the lock and never changed: what a loaded library is. */
static px_turbojpeg turbojpeg;
static px_webp webp;
static px_openjpeg openjpeg;
static bool has_turbojpeg, has_webp, has_openjpeg;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct symbol {
    const char *name;
    void *to; /* a pointer to function */
} symbol;

pgy_status *px_picture_library(px_ref_call *c, const char *format, const char *file,
                               const char *package, px_dl *out)
{
    pgy_status *why = px_dl_open(file, false, out);
    if (!why)
        return NULL;
    pgy_status *st =
        PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                    "%s pictures are decoded by the library %s, which cannot be loaded "
                    "(%s); install Debian's package %s or give the decoded pixels instead",
                    format, file, pgy_status_message(why), package);
    pgy_status_free(why);
    return st;
}

/* Loads a library unless `*is_there`. */
static pgy_status *load(px_ref_call *c, const char *format, const char *file, const char *package,
                        const symbol *symbols, size_t n, bool *is_there)
{
    pgy_status *st = NULL;
    px_dl dl = {0};
    pthread_mutex_lock(&lock);
    if (*is_there)
        goto done;
    PX_TRY(px_picture_library(c, format, file, package, &dl));
    for (size_t i = 0; i < n; i++)
        PX_TRY(px_dl_bind(&dl, symbols[i].name, symbols[i].to, sizeof(void (*)(void))));
    dl.handle = NULL; /* stays */
    *is_there = true;
    px_log(c->cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_PLUGINREF, "Loaded %s, which decodes %s", file,
           format);
done:
    pthread_mutex_unlock(&lock);
    px_dl_close(&dl);
    return st;
}

/* px_picture_room for a format without a bound on what a byte can stand for. */
static pgy_status *room(px_ref_call *c, px_picture *p, const char *format, int64_t width,
                        int64_t height)
{
    if (width > 0 && height > MAX_PIXELS / width)
        return px_picture_beyond(c, format, "more than 2^28 pixels");
    return px_picture_room(c, p, format, width, height, 0, 1);
}

/* --- JPEG --- */

pgy_status *px_picture_read_jpeg(px_ref_call *c, px_picture *p)
{
    pgy_status *st = NULL;
    const symbol symbols[] = {{"tjInitDecompress", &turbojpeg.init},
                              {"tjDestroy", &turbojpeg.destroy},
                              {"tjDecompressHeader3", &turbojpeg.header},
                              {"tjDecompress2", &turbojpeg.decompress}};
    int width = 0, height = 0, subsampling = 0, colours = 0;
    void *tj = NULL;

    PX_TRY(load(c, "JPEG", "libturbojpeg.so.0", "libturbojpeg0", symbols, PX_COUNTOF(symbols),
                &has_turbojpeg));
    tj = turbojpeg.init();
    if (!tj)
        PX_TRY(px_status_nomem());
    if (turbojpeg.header(tj, p->file, p->size, &width, &height, &subsampling, &colours) != 0)
        PX_TRY(px_picture_broken(c, "JPEG", "its header is damaged"));
    if (colours == PX_TJ_COLOURS_CMYK || colours == PX_TJ_COLOURS_YCCK)
        PX_TRY(px_picture_beyond(c, "JPEG", "four inks"));
    PX_TRY(room(c, p, "JPEG", width, height));
    if (turbojpeg.decompress(tj, p->file, p->size, p->rgb, width, 0, height, PX_TJ_RGB, 0) != 0)
        PX_TRY(px_picture_broken(c, "JPEG", "its pixels are damaged or cut off"));
done:
    if (tj)
        turbojpeg.destroy(tj);
    return st;
}

/* --- WebP --- */

pgy_status *px_picture_read_webp(px_ref_call *c, px_picture *p)
{
    pgy_status *st = NULL;
    const symbol symbols[] = {{"WebPGetInfo", &webp.info}, {"WebPDecodeRGBInto", &webp.decode}};
    int width = 0, height = 0;

    PX_TRY(load(c, "WebP", "libwebp.so.7", "libwebp7", symbols, PX_COUNTOF(symbols), &has_webp));
    if (!webp.info(p->file, p->size, &width, &height))
        PX_TRY(px_picture_broken(c, "WebP", "its header is damaged"));
    PX_TRY(room(c, p, "WebP", width, height));
    const size_t row = 3 * (size_t)width;
    if (!webp.decode(p->file, p->size, p->rgb, row * (size_t)height, (int)row))
        PX_TRY(px_picture_broken(c, "WebP", "its pixels are damaged, cut off or animated"));
done:
    return st;
}

/* --- JPEG 2000 --- */

typedef struct reader {
    const uint8_t *file;
    size_t size, at;
} reader;

static size_t reader_read(void *to, size_t size, void *user)
{
    reader *r = user;
    const size_t n = PX_MIN(size, r->size - r->at);
    if (n == 0)
        return PX_OPJ_END;
    memcpy(to, r->file + r->at, n);
    r->at += n;
    return n;
}

static int64_t reader_skip(int64_t size, void *user)
{
    reader *r = user;
    if (size < 0 ? (size_t)-size > r->at : (size_t)size > r->size - r->at)
        return -1;
    r->at = (size_t)((int64_t)r->at + size);
    return size;
}

static int reader_seek(int64_t at, void *user)
{
    reader *r = user;
    if (at < 0 || (size_t)at > r->size)
        return 0;
    r->at = (size_t)at;
    return 1;
}

static pgy_status *load_openjpeg(px_ref_call *c)
{
    const symbol symbols[] = {
        {"opj_stream_default_create", &openjpeg.stream_new},
        {"opj_stream_destroy", &openjpeg.stream_free},
        {"opj_stream_set_read_function", &openjpeg.stream_set_read},
        {"opj_stream_set_skip_function", &openjpeg.stream_set_skip},
        {"opj_stream_set_seek_function", &openjpeg.stream_set_seek},
        {"opj_stream_set_user_data", &openjpeg.stream_set_user},
        {"opj_stream_set_user_data_length", &openjpeg.stream_set_size},
        {"opj_create_decompress", &openjpeg.codec_new},
        {"opj_destroy_codec", &openjpeg.codec_free},
        {"opj_set_default_decoder_parameters", &openjpeg.parameters_init},
        {"opj_setup_decoder", &openjpeg.setup},
        {"opj_read_header", &openjpeg.read_header},
        {"opj_decode", &openjpeg.decode},
        {"opj_end_decompress", &openjpeg.finish},
        {"opj_image_destroy", &openjpeg.image_free},
    };
    return load(c, "JPEG 2000", "libopenjp2.so.7", "libopenjp2-7", symbols, PX_COUNTOF(symbols),
                &has_openjpeg);
}

/* What is checked before the pixels are decoded: `p` gets its memory. */
static pgy_status *jpeg2000_header(px_ref_call *c, px_picture *p, const px_opj_image *image)
{
    const uint32_t n = image->n_components;
    if (n < 1 || n > 4 || image->x1 <= image->x0 || image->y1 <= image->y0)
        return px_picture_beyond(c, "JPEG 2000", "another number of channels than 1 to 4");
    for (uint32_t i = 0; i < n; i++) {
        const px_opj_component *k = &image->components[i];
        if (k->dx != 1 || k->dy != 1 || k->bits < 1 || k->bits > 8 || k->is_signed)
            return px_picture_beyond(c, "JPEG 2000", "subsampled, signed or wide channels");
    }
    if (image->colours > (n < 3 ? PX_OPJ_GREY : PX_OPJ_SRGB))
        return px_picture_beyond(c, "JPEG 2000", "other colours than grey or RGB");
    return room(c, p, "JPEG 2000", (int64_t)image->x1 - image->x0, (int64_t)image->y1 - image->y0);
}

static pgy_status *jpeg2000_pixels(px_ref_call *c, px_picture *p, const px_opj_image *image)
{
    const uint32_t n = image->n_components;
    const int64_t count = p->width * p->height;
    for (uint32_t i = 0; i < n; i++)
        if (!image->components[i].data || image->components[i].width != p->width ||
            image->components[i].height != p->height)
            return px_picture_broken(c, "JPEG 2000", "a channel is missing");
    for (int64_t at = 0; at < count; at++) {
        uint8_t px[4];
        for (uint32_t i = 0; i < n; i++) {
            const px_opj_component *k = &image->components[i];
            const int32_t v = PX_MAX(PX_MIN(k->data[at], (1 << k->bits) - 1), 0);
            px[i] = (uint8_t)(v << (8 - k->bits));
        }
        px_picture_put(p->rgb + 3 * at, px, (int)n);
    }
    return NULL;
}

pgy_status *px_picture_read_jpeg2000(px_ref_call *c, px_picture *p)
{
    pgy_status *st = NULL;
    reader from = {p->file, p->size, 0};
    px_opj_parameters parameters = {{0}};
    px_opj_image *image = NULL;
    void *stream = NULL, *codec = NULL;

    PX_TRY(load_openjpeg(c));
    stream = openjpeg.stream_new(1);
    codec = openjpeg.codec_new(p->file[0] == 0xff ? PX_OPJ_CODESTREAM : PX_OPJ_JP2);
    if (!stream || !codec)
        PX_TRY(px_status_nomem());
    openjpeg.stream_set_read(stream, reader_read);
    openjpeg.stream_set_skip(stream, reader_skip);
    openjpeg.stream_set_seek(stream, reader_seek);
    openjpeg.stream_set_user(stream, &from, NULL);
    openjpeg.stream_set_size(stream, p->size);
    openjpeg.parameters_init(&parameters);
    if (!openjpeg.setup(codec, &parameters) || !openjpeg.read_header(stream, codec, &image) ||
        !image)
        PX_TRY(px_picture_broken(c, "JPEG 2000", "its header is damaged"));
    PX_TRY(jpeg2000_header(c, p, image));
    if (!openjpeg.decode(codec, stream, image) || !openjpeg.finish(codec, stream))
        PX_TRY(px_picture_broken(c, "JPEG 2000", "its pixels are damaged or cut off"));
    PX_TRY(jpeg2000_pixels(c, p, image));
done:
    if (image)
        openjpeg.image_free(image);
    if (codec)
        openjpeg.codec_free(codec);
    if (stream)
        openjpeg.stream_free(stream);
    return st;
}
