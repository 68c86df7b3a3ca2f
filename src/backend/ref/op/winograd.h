/* backend/ref/op/winograd.h - convolution with 3 x 3 kernels by Winograd's F(4x4, 3x3).
 *
 * winograd_tile.h has the formula. Sums over the input channels run in ascending blocks of
 * KC (winograd.c), each within the products' tile, so an output depends on neither the thread
 * count nor on how the work was cut. The result is not that of direct convolution bit by bit:
 * against the sum of |x| * |w| it is wrong by 1e-16 on average and 2e-14 at most (measured, 16 to
 * 512 channels), direct sums by 1e-16 and 7e-16. What could be worse is seen and computed directly:
 *   - an output that is small against what its tile could give (PX_WINOGRAD_SURE): numbers of very
 *     different size in one tile, and what is zero because all its products are or because they
 *     cancel. So zeros are zeros. Equal neighbourhoods at different places of their tiles, though,
 *     may give sums that differ in the last bits, unless those are exact.
 *   - everything, when a number is infinite or NaN: then px_winograd_run leaves it to the caller.
 * Integers are exact (winograd_tile.h).
 */
#ifndef PX_BACKEND_REF_OP_WINOGRAD_H
#define PX_BACKEND_REF_OP_WINOGRAD_H

#include "backend/ref/op/conv.h"
#include "backend/ref/op/winograd_tile.h"

typedef struct px_winograd {
    const px_conv *cv;
    const px_gemm_isa *isa;
    const px_winograd_isa *transforms;
    const void *weights; /* [groups * group_out][group_in][3][3]; floats may have any address */
    bool is_f32;
} px_winograd;

/* True when the convolution has the right form and is cheaper this way: by its shapes alone, so
 * that the choice is the same everywhere. */
bool px_winograd_pays(const px_conv *cv);
/* Doubles of work space; false on overflow. */
bool px_winograd_work(pgy_context *cx, const px_winograd *wg, size_t *out);
/* Fills cv->out. False when an input or a weight is not finite: cv->out is undefined then. `work`
 * is aligned to 64 bytes. */
bool px_winograd_run(pgy_context *cx, const px_winograd *wg, double *work);

#endif
