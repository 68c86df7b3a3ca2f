/* report/colormap.c - see colormap.h. */
#include "report/colormap.h"

#include <math.h>

/* Linear light from OKLab; the matrices are the space's definition. */
static void oklab_to_linear(double l, double a, double b, double out[3])
{
    double p = l + 0.3963377774 * a + 0.2158037573 * b;
    double q = l - 0.1055613458 * a - 0.0638541728 * b;
    double r = l - 0.0894841775 * a - 1.2914855480 * b;
    p = p * p * p;
    q = q * q * q;
    r = r * r * r;
    out[0] = 4.0767416621 * p - 3.3077115913 * q + 0.2309699292 * r;
    out[1] = -1.2684380046 * p + 2.6097574011 * q - 0.3413193965 * r;
    out[2] = -0.0041960863 * p - 0.7034186147 * q + 1.7076147010 * r;
}

static bool is_shown(const double rgb[3])
{
    for (int i = 0; i < 3; i++) {
        if (!(rgb[i] >= -1e-6 && rgb[i] <= 1 + 1e-6))
            return false;
    }
    return true;
}

static unsigned to_byte(double linear)
{
    const double v = fmin(fmax(linear, 0), 1);
    const double s = v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055;
    return (unsigned)(s * 255 + 0.5);
}

/* Chroma is lowered until the screen can show the colour; lightness and hue stay. */
static px_rgb from_lch(double l, double chroma, double hue_degrees)
{
    const double h = hue_degrees * 3.14159265358979323846 / 180;
    double rgb[3], low = 0, high = chroma;
    oklab_to_linear(l, chroma * cos(h), chroma * sin(h), rgb);
    if (!is_shown(rgb)) {
        for (int i = 0; i < 16; i++) {
            const double mid = (low + high) / 2;
            oklab_to_linear(l, mid * cos(h), mid * sin(h), rgb);
            if (is_shown(rgb))
                low = mid;
            else
                high = mid;
        }
        oklab_to_linear(l, low * cos(h), low * sin(h), rgb);
    }
    return to_byte(rgb[0]) << 16 | to_byte(rgb[1]) << 8 | to_byte(rgb[2]);
}

void px_colormap_fill(px_colormap map, px_rgb out[PX_COLORMAP_STEPS])
{
    for (int i = 0; i < PX_COLORMAP_STEPS; i++) {
        const double t = (double)i / (PX_COLORMAP_STEPS - 1);
        if (map == PX_COLORMAP_HEAT)
            out[i] = from_lch(0.16 + 0.80 * t, 0.07 + 0.13 * sin(3.14159265358979323846 * t),
                              290 + 175 * t);
        else
            out[i] = from_lch(0.93 - 0.68 * t, 0.03 + 0.10 * t, 235 + 35 * t);
    }
}

double px_rgb_lightness(px_rgb color)
{
    double c[3];
    for (int i = 0; i < 3; i++) {
        const double s = (double)(color >> (16 - 8 * i) & 0xff) / 255;
        c[i] = s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4);
    }
    return 0.2104542553 * cbrt(0.4122214708 * c[0] + 0.5363325363 * c[1] + 0.0514459929 * c[2]) +
           0.7936177850 * cbrt(0.2119034982 * c[0] + 0.6806995451 * c[1] + 0.1073969566 * c[2]) -
           0.0040720468 * cbrt(0.0883024619 * c[0] + 0.2817188376 * c[1] + 0.6299787005 * c[2]);
}
