/* base/array_text.h - tensors as numpy prints arrays, default print options.
 *
 * numpy 2.4: precision 8, threshold 1000, 3 edge items, 75 columns, floatmode maxprec. More than
 * 1000 elements are summarised, and only what shows is read. Types that numpy does not have print
 * as the numbers they are; strings as their Python repr.
 */
#ifndef PX_BASE_ARRAY_TEXT_H
#define PX_BASE_ARRAY_TEXT_H

#include "base/tensor.h"

/* str(array): rows joined by blanks, no dtype. */
void px_array_str(px_buf *b, const pgy_tensor *t);
/* repr(array): "array([...], dtype=float32)"; continuation lines are indented by 7 columns. */
void px_array_repr(px_buf *b, const pgy_tensor *t);

#endif
