/* backend/ref/op/picture.h - encoded pictures to pixels, for ImageDecoder.
 *
 * Each reader turns the file into rows of three bytes, red, green, blue; transparency is dropped.
 * PNG, BMP, PNM and TIFF are read by code of ours; JPEG, JPEG 2000 and WebP by libraries that are
 * loaded when the first such picture comes.
 *
 * The file is hostile: every length is checked against what is left, and sizes before memory is
 * asked for. All readers fail with MODEL for a damaged file and UNSUPPORTED for a sound one that
 * they do not read.
 */
#ifndef PX_BACKEND_REF_OP_PICTURE_H
#define PX_BACKEND_REF_OP_PICTURE_H

#include "backend/ref/op/move.h"
#include "base/dl.h"

#define PX_PICTURE_MAX_SIDE (1 << 16)

typedef struct px_picture {
    const uint8_t *file;
    size_t size;
    int64_t width, height;
    uint8_t *rgb; /* width * height * 3, from scratch */
} px_picture;

PX_MUST_USE pgy_status *px_picture_read_bmp(px_ref_call *c, px_picture *p);
PX_MUST_USE pgy_status *px_picture_read_pnm(px_ref_call *c, px_picture *p);
PX_MUST_USE pgy_status *px_picture_read_tiff(px_ref_call *c, px_picture *p);
PX_MUST_USE pgy_status *px_picture_read_png(px_ref_call *c, px_picture *p);
PX_MUST_USE pgy_status *px_picture_read_jpeg(px_ref_call *c, px_picture *p);
PX_MUST_USE pgy_status *px_picture_read_jpeg2000(px_ref_call *c, px_picture *p);
PX_MUST_USE pgy_status *px_picture_read_webp(px_ref_call *c, px_picture *p);

/* --- for the readers --- */

PX_MUST_USE pgy_status *px_picture_broken(px_ref_call *c, const char *format, const char *what);
PX_MUST_USE pgy_status *px_picture_beyond(px_ref_call *c, const char *format, const char *what);
/* Memory for the pixels, each of which needs at least `bits / ratio` bits of the file. Sets width
 * and height. */
PX_MUST_USE pgy_status *px_picture_room(px_ref_call *c, px_picture *p, const char *format,
                                        int64_t width, int64_t height, int64_t bits, int64_t ratio);
/* Little- and big-endian numbers; the caller has checked that they are there. */
uint32_t px_picture_le(const uint8_t *p, int bytes);
uint32_t px_picture_be(const uint8_t *p, int bytes);
/* One pixel of `n` channels: grey, grey and alpha, colour, colour and alpha. */
void px_picture_put(uint8_t *to, const uint8_t *from, int n);
/* The library that reads `format`. UNSUPPORTED, naming the library and Debian's package, when it
 * cannot be loaded. */
PX_MUST_USE pgy_status *px_picture_library(px_ref_call *c, const char *format, const char *file,
                                           const char *package, px_dl *out);

#endif
