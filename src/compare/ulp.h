/* compare/ulp.h - distance of two floats counted in representable numbers between them. */
#ifndef PX_COMPARE_ULP_H
#define PX_COMPARE_ULP_H

#include "compare/pair.h"

/* Both arrays have one and the same float type of 16, 32 or 64 bits. */
bool px_ulp_applies(const px_pair *pair);
/* Adds the distances of a block that was loaded with A and B; pairs with a NaN are left out. */
void px_ulp_add(const px_pair *pair, const px_pair_block *block, px_k_ulp *io);

#endif
