/* report/colormap.h - colours of values: even steps of the value are even steps of lightness.
 *
 * Both maps are formulas in the OKLab space (B. Ottosson, 2020): lightness is linear in the value,
 * the hue turns, and the chroma is as high as wanted or as the screen can show.
 */
#ifndef PX_REPORT_COLORMAP_H
#define PX_REPORT_COLORMAP_H

#include "base/px.h"

typedef uint32_t px_rgb; /* 0xrrggbb */

typedef enum px_colormap {
    PX_COLORMAP_HEAT, /* dark violet, red, orange, light yellow: errors */
    PX_COLORMAP_INK   /* pale to dark blue, for paper: densities */
} px_colormap;

#define PX_COLORMAP_STEPS 256

/* Colours of the values 0, 1/255, ..., 1. */
void px_colormap_fill(px_colormap map, px_rgb out[PX_COLORMAP_STEPS]);
/* OKLab lightness of a colour, 0 to 1. */
double px_rgb_lightness(px_rgb color);

/* What no map contains. */
#define PX_RGB_NAN 0x00a5c8u
#define PX_RGB_INF 0x2fbf3au
#define PX_RGB_ZERO 0x8f9499u /* on a log scale; far from its darkest end */
#define PX_RGB_PAPER 0xffffffu
#define PX_RGB_TEXT 0x1c1c1cu
#define PX_RGB_FAINT 0x6b6b6bu

#endif
