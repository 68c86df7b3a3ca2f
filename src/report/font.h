/* report/font.h - a stroke font of our own.
 *
 * Pictures look the same on every machine, also where no font is installed, and no font scan is
 * waited for. A glyph is lines and elliptic arcs, drawn with a round pen. Covered: printable ASCII
 * and a few signs; other characters are written as \u4e2d.
 */
#ifndef PX_REPORT_FONT_H
#define PX_REPORT_FONT_H

#include "base/px.h"

/* Takes the path of a text; units are those of the size, y points up from the baseline. */
typedef struct px_pen {
    void (*move)(void *user, double x, double y);
    void (*line)(void *user, double x, double y);
    void (*curve)(void *user, const double xy[6]); /* two control points and the end */
    void *user;
} px_pen;

/* Width of the text for letters of which a capital is 0.7 * size high. */
double px_font_width(px_str text, double size);
/* Draws from (0, 0) to the right. Returns the width. */
double px_font_draw(px_str text, double size, const px_pen *pen);
/* The pen's width that suits the size. */
double px_font_weight(double size, bool bold);

#endif
