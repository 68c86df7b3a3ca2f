/* backend/onnxrt/values.h - tensors to the runtime's values and back, without copies of numbers. */
#ifndef PX_BACKEND_ONNXRT_VALUES_H
#define PX_BACKEND_ONNXRT_VALUES_H

#include "backend/onnxrt/lib.h"
#include "backend/outputs.h"
#include "polygraphy/tensor.h"

/* The runtime's number of an element type, 0 (undefined) when it has none, and back. */
px_ort_dtype px_onnxrt_dtype_of(pgy_dtype dtype);
pgy_dtype px_onnxrt_dtype_from(px_ort_dtype dtype);

/* "a sequence", "a map", ... */
const char *px_onnxrt_kind_text(px_ort_kind kind);

/* A value over the tensor's own bytes (strings are copied); the tensor must outlive it. Released
 * with ReleaseValue. */
PX_MUST_USE pgy_status *px_onnxrt_value_new(px_onnxrt_lib *lib, const px_ort_memory *cpu,
                                            const pgy_tensor *t, px_ort_value **out);
/* Adds the value to `out`: a tensor over its own bytes (strings are copied), or what it is made of
 * (backend/outputs.h). The value belongs to that, or is released. `is_optional`: the model declares
 * it so; then it may be NULL. Errors: UNSUPPORTED naming what cannot be taken apart. */
PX_MUST_USE pgy_status *px_onnxrt_value_give(px_onnxrt_lib *lib, const char *name, bool is_optional,
                                             px_ort_value *take_value, pgy_outputs *out);

#endif
