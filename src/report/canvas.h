/* report/canvas.h - a page to draw on, written as PNG or SVG into memory.
 *
 * Coordinates are pixels at scale 1, y pointing down. Drawing never reports; what went wrong is
 * told by px_canvas_finish.
 */
#ifndef PX_REPORT_CANVAS_H
#define PX_REPORT_CANVAS_H

#include "report/colormap.h"

typedef enum px_picture_format {
    PX_PICTURE_PNG,
    PX_PICTURE_SVG,
    PX_PICTURE_PIXELS /* width and height as int, then px_rgb row by row; not for files */
} px_picture_format;

/* "png", "svg"; what a file ends in. */
const char *px_picture_format_name(px_picture_format format);

typedef struct px_canvas px_canvas;

typedef enum px_anchor { PX_ANCHOR_START, PX_ANCHOR_MIDDLE, PX_ANCHOR_END } px_anchor;

typedef struct px_text_style {
    double size;
    px_rgb color;
    px_anchor anchor;
    bool bold;
    bool upwards; /* reads from bottom to top */
} px_text_style;

/* A white page. `scale`: pixels of a PNG per unit; SVG ignores it. Errors: UNSUPPORTED without
 * cairo, NOMEM. */
PX_MUST_USE pgy_status *px_canvas_new(px_picture_format format, double width, double height,
                                      double scale, px_canvas **out);
void px_canvas_rect(px_canvas *c, double x, double y, double width, double height, px_rgb fill);
void px_canvas_frame(px_canvas *c, double x, double y, double width, double height, px_rgb color);
void px_canvas_line(px_canvas *c, double x0, double y0, double x1, double y1, px_rgb color);
/* Through n points {x, y}; a NaN begins a new line. `dash` 0: solid. */
void px_canvas_polyline(px_canvas *c, const double (*at)[2], size_t n, double width, double dash,
                        px_rgb color);
/* (x, y) is on the baseline. */
void px_canvas_text(px_canvas *c, double x, double y, const px_text_style *style, px_str text);
/* n_x * n_y pixels, row by row, each spread over an equal part of the rectangle without blurring.
 */
void px_canvas_image(px_canvas *c, double x, double y, double width, double height,
                     const px_rgb *pixels, int n_x, int n_y);
/* The picture's bytes. Errors: IO with cairo's words, NOMEM. */
PX_MUST_USE pgy_status *px_canvas_finish(px_canvas *c, px_buf *out);
void px_canvas_free(px_canvas *c);

/* `text` cut with an ellipsis so that it is at most `width` wide. */
void px_text_fit(px_buf *out, px_str text, double size, double width);

#endif
