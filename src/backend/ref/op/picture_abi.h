/* backend/ref/op/picture_abi.h - facts of the libraries that decode pictures, as far as they are
 * used: function types, constants, and the members of structs up to the last one that is read.
 *
 * libturbojpeg.so.0   libjpeg-turbo 1.4 to 3.1, the TurboJPEG interface (kept in 3 for old callers)
 * libwebp.so.7        libwebp 0.5 to 1.6, the simple decoding interface
 * libopenjp2.so.7     OpenJPEG 2.1 to 2.5
 */
#ifndef PX_BACKEND_REF_OP_PICTURE_ABI_H
#define PX_BACKEND_REF_OP_PICTURE_ABI_H

#include <stddef.h>
#include <stdint.h>

/* --- TurboJPEG --- */

enum { PX_TJ_RGB = 0, PX_TJ_COLOURS_CMYK = 3, PX_TJ_COLOURS_YCCK = 4 };

typedef struct px_turbojpeg {
    void *(*init)(void);
    int (*destroy)(void *handle);
    int (*header)(void *handle, const unsigned char *file, unsigned long size, int *width,
                  int *height, int *subsampling, int *colours);
    /* Pitch 0: dense rows. Not 0 for an error and for a warning, a file that ends early included.
     */
    int (*decompress)(void *handle, const unsigned char *file, unsigned long size,
                      unsigned char *to, int width, int pitch, int height, int pixel_format,
                      int flags);
} px_turbojpeg;

/* --- libwebp --- */

typedef struct px_webp {
    int (*info)(const uint8_t *file, size_t size, int *width, int *height);
    uint8_t *(*decode)(const uint8_t *file, size_t size, uint8_t *to, size_t to_size, int stride);
} px_webp;

/* --- OpenJPEG --- */

enum { PX_OPJ_CODESTREAM = 0, PX_OPJ_JP2 = 2 };
enum { PX_OPJ_SRGB = 1, PX_OPJ_GREY = 2 }; /* 0 and -1: not said */

/* opj_dparameters_t takes 8252 bytes in 2.1 to 2.5; the rest is room for what a later one adds. */
typedef struct px_opj_parameters {
    uint64_t members[2048];
} px_opj_parameters;

typedef struct px_opj_component {
    uint32_t dx, dy, width, height, x0, y0, bits, bpp, is_signed, resno_decoded, factor;
    int32_t *data;
    uint16_t alpha;
} px_opj_component;

typedef struct px_opj_image {
    uint32_t x0, y0, x1, y1, n_components;
    int colours;
    px_opj_component *components;
    uint8_t *icc;
    uint32_t icc_size;
} px_opj_image;

_Static_assert(offsetof(px_opj_component, data) == 48 && sizeof(px_opj_component) == 64,
               "opj_image_comp_t on a 64-bit machine");
_Static_assert(offsetof(px_opj_image, components) == 24, "opj_image_t");

/* What the callbacks return at the end of the file. */
#define PX_OPJ_END SIZE_MAX

typedef struct px_openjpeg {
    void *(*stream_new)(int is_input);
    void (*stream_free)(void *stream);
    void (*stream_set_read)(void *stream, size_t (*)(void *to, size_t size, void *user));
    void (*stream_set_skip)(void *stream, int64_t (*)(int64_t size, void *user));
    void (*stream_set_seek)(void *stream, int (*)(int64_t at, void *user));
    void (*stream_set_user)(void *stream, void *user, void (*)(void *user));
    void (*stream_set_size)(void *stream, uint64_t size);
    void *(*codec_new)(int kind);
    void (*codec_free)(void *codec);
    void (*parameters_init)(px_opj_parameters *parameters);
    int (*setup)(void *codec, px_opj_parameters *parameters);
    int (*read_header)(void *stream, void *codec, px_opj_image **out);
    int (*decode)(void *codec, void *stream, px_opj_image *image);
    int (*finish)(void *codec, void *stream);
    void (*image_free)(px_opj_image *image);
} px_openjpeg;

#endif
