/* report/cairo_lib.h - the functions of cairo that pictures need, loaded when the first one is
 * drawn.
 *
 * cairo brings a dozen libraries of fonts and windows with it, and a run that draws nothing must
 * not pay for loading them (about 2 ms). Types and prototypes come from cairo's own header.
 */
#ifndef PX_REPORT_CAIRO_LIB_H
#define PX_REPORT_CAIRO_LIB_H

#include "base/px.h"

#include <cairo-svg.h>
#include <cairo.h>

#define PX_CAIRO_FUNCTIONS(X)                                                                      \
    X(create)                                                                                      \
    X(destroy)                                                                                     \
    X(status)                                                                                      \
    X(status_to_string)                                                                            \
    X(scale)                                                                                       \
    X(save)                                                                                        \
    X(restore)                                                                                     \
    X(translate)                                                                                   \
    X(rotate)                                                                                      \
    X(set_source_rgb)                                                                              \
    X(set_source_surface)                                                                          \
    X(set_line_width)                                                                              \
    X(set_line_cap)                                                                                \
    X(set_line_join)                                                                               \
    X(set_dash)                                                                                    \
    X(new_path)                                                                                    \
    X(move_to)                                                                                     \
    X(line_to)                                                                                     \
    X(curve_to)                                                                                    \
    X(rectangle)                                                                                   \
    X(fill)                                                                                        \
    X(stroke)                                                                                      \
    X(paint)                                                                                       \
    X(get_source)                                                                                  \
    X(pattern_set_filter)                                                                          \
    X(image_surface_create)                                                                        \
    X(image_surface_create_for_data)                                                               \
    X(image_surface_get_data) X(image_surface_get_stride) X(image_surface_get_width)               \
        X(image_surface_get_height) X(surface_write_to_png_stream) X(surface_flush)                \
            X(surface_finish) X(surface_status) X(surface_destroy)                                 \
                X(svg_surface_create_for_stream) X(svg_surface_set_document_unit)

typedef struct px_cairo_lib {
#define MEMBER(name) __typeof__(&cairo_##name) name;
    PX_CAIRO_FUNCTIONS(MEMBER)
#undef MEMBER
} px_cairo_lib;

/* The library, loaded once and kept. Errors: UNSUPPORTED when it is not there or older than 1.16.
 */
PX_MUST_USE pgy_status *px_cairo_get(const px_cairo_lib **out);

#endif
