/* backend/tf/values.h - tensors to TensorFlow's and back, without copies of numbers. */
#ifndef PX_BACKEND_TF_VALUES_H
#define PX_BACKEND_TF_VALUES_H

#include "backend/tf/lib.h"
#include "polygraphy/tensor.h"

/* TensorFlow's number of an element type, 0 when it has none, and back (UNKNOWN). Quantized types
 * are the integers they are stored as. */
int px_tf_type_of(pgy_dtype dtype);
pgy_dtype px_tf_dtype_of(int type);
/* "string", "resource", ...: for types that are no numbers. */
const char *px_tf_type_name(int type);

/* A tensor over the bytes of `t`, which must outlive it; of type `type`, which px_tf_dtype_of says
 * is that of `t`. Errors: UNSUPPORTED for a type TensorFlow has not. */
PX_MUST_USE pgy_status *px_tf_tensor_new(const px_tf_lib *lib, const pgy_tensor *t, int type,
                                         px_tf_tensor **out);
/* A tensor that holds one string. */
PX_MUST_USE pgy_status *px_tf_string_new(const px_tf_lib *lib, px_str text, px_tf_tensor **out);
/* A tensor over TensorFlow's own bytes, which it takes, also on failure. `name` is for the error:
 * UNSUPPORTED for what is no number. */
PX_MUST_USE pgy_status *px_tf_tensor_take(px_tf_lib *lib, const char *name,
                                          px_tf_tensor *take_tensor, pgy_tensor **out);

#endif
