/* backend/ref/op/winograd_tile.h - the three transforms of Winograd's F(4x4, 3x3).
 *
 * An output tile of 4 x 4 numbers depends on an input tile d of 6 x 6, and is
 *     Y = A' [ (G g G') * (B' d B) ] A        (* multiplies element by element)
 * for a kernel g: 36 products instead of 144 (Lavin and Gray, "Fast Algorithms for Convolutional
 * Neural Networks", 2015; points 0, 1, -1, 2, -2 and infinity). Here the rows of G are scaled to
 * whole numbers, and the rows of A' by what that takes:
 *
 *     B' = 4  0 -5  0  1  0     G = 1  0  0      A' = 1/24 * 6 -4 -4  1  1  0
 *          0 -4 -4  1  1  0         1  1  1           1/12 * 0 -2  2  1 -1  0
 *          0  4 -4 -1  1  0         1 -1  1           1/6  * 0 -1 -1  1  1  0
 *          0 -2 -1  2  1  0         1  2  4           1/6  * 0 -1  1  2 -2  6
 *          0  2 -1 -2  1  0         1 -2  4
 *          0  4  0 -5  0  1         0  0  1
 *
 * So everything but the last multiplication, by 1/9 and a power of two, is exact as long as 53 bits
 * hold the sums: small integers, and fractions with few bits, give what direct convolution gives.
 * (The double next to 1/9 is 1/9 * (1 - 2^-54), and n * 9 times it rounds to n for every n.)
 *
 * Beside the 36 planes each operand has one more, its Euclidean norm over the tile: the product of
 * those planes bounds |Y| from above and says how large rounding errors can be.
 *
 * All functions work on four lanes at once and give the same bits on every processor.
 */
#ifndef PX_BACKEND_REF_OP_WINOGRAD_TILE_H
#define PX_BACKEND_REF_OP_WINOGRAD_TILE_H

#include "base/px.h"

enum {
    PX_WINOGRAD_OUT = 4,     /* edge of an output tile */
    PX_WINOGRAD_IN = 6,      /* edge of an input tile */
    PX_WINOGRAD_PLANES = 37, /* 6 x 6 and the norms */
    PX_WINOGRAD_LANES = 4
};

/* Where one lane's output tile goes. */
typedef struct px_winograd_dest {
    double *at;
    int64_t row;    /* from one row to the next */
    int rows, cols; /* of the 4 x 4 that exist; 0: the lane is not stored */
    double bias;
} px_winograd_dest;

typedef struct px_winograd_isa {
    /* Four input tiles, lane l at x[l] with `row` numbers from one row to the next. Plane p of lane
     * l goes to out[p * plane + l]. False when a number is infinite or NaN. */
    bool (*input)(const double *const *x, int64_t row, double *out, int64_t plane);
    /* n kernels for each of four lanes, kernel i of lane l from w[l] + 9 * i on: doubles, or floats
     * at any address. Plane p of them goes to out[p * plane + i * step + l]. False as above. The
     * same numbers of kernels at `next` are fetched meanwhile: rows of weights lie far apart. */
    bool (*weights)(const void *const *w, bool is_f32, int64_t n, int64_t step, double *out,
                    int64_t plane, const void *const *next);
    /* Four output tiles from the planes of the products, lane l's as y[l * 16 + ...]. False when a
     * number is not sure: it is not finite, or less than px_winograd_is_sure wants. */
    bool (*output)(const double *m, int64_t plane, double *y);
    /* Stores what `output` gave, with the bias added. */
    void (*store)(const double *y, const px_winograd_dest *dest);
} px_winograd_isa;

const px_winograd_isa *px_winograd_isa_get(void);
extern const px_winograd_isa px_winograd_plain;

/* What an output must be at least, as a share of the bound on its tile. The rounding error stays
 * below 3e-15 of the bound (measured: 1e-15 for ordinary data, 2.6e-15 for tiles of which 2 % are
 * a thousand times larger), so below 8e-10 of an output that passes: a 70th of what rounding it to
 * float32 would do. What does not pass is computed directly. One of 2000 outputs does not when
 * signs are random and there are 512 channels; zeros that only cancellation or zero operands make
 * never do. */
#define PX_WINOGRAD_SURE 0x1p-18

static inline bool px_winograd_is_sure(double y, double bound)
{
    const double size = __builtin_fabs(y);
    return size >= bound * PX_WINOGRAD_SURE && size <= __DBL_MAX__;
}

#endif
