/* report/narrow.h - errors and magnitudes of any work type as the bits of non-negative floats. */
#ifndef PX_REPORT_NARROW_H
#define PX_REPORT_NARROW_H

#include "compare/kernels/typed.h"

/* |x| as float32 bits. Doubles that float32 cannot hold become its smallest or largest number, so
 * zero, finite and infinite stay what they are. */
void px_narrow_bits(px_work w, const void *x, int64_t n, int32_t *out);

#endif
