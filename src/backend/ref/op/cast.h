/* backend/ref/op/cast.h - rounding to a narrow float type, for operators beside Cast. */
#ifndef PX_BACKEND_REF_OP_CAST_H
#define PX_BACKEND_REF_OP_CAST_H

#include "base/tensor.h"

/* Rounds doubles in place to the values of float type `to` as Cast does; `saturate` false: what is
 * out of a float8 type's range becomes infinity or NaN. */
void px_cast_round(pgy_dtype to, bool saturate, double *x, int64_t n);

#endif
