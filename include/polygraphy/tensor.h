/* polygraphy/tensor.h - element types, and tensors as counted views with an owner.
 *
 * A tensor is dense, row-major, little-endian; its shape never changes. The bytes stay where
 * they are (file map, runtime buffer, numpy array) until somebody must copy; `release(owner)`
 * runs when the last reference goes.
 * Sub-byte elements are packed, first element in the low bits (ONNX layout). A string tensor's
 * data is an array of pgy_string.
 */
#ifndef POLYGRAPHY_TENSOR_H
#define POLYGRAPHY_TENSOR_H

#include "polygraphy/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers are those of onnx.TensorProto.DataType. */
typedef enum pgy_dtype {
    PGY_DTYPE_UNKNOWN = 0,
    PGY_DTYPE_F32 = 1,
    PGY_DTYPE_U8 = 2,
    PGY_DTYPE_I8 = 3,
    PGY_DTYPE_U16 = 4,
    PGY_DTYPE_I16 = 5,
    PGY_DTYPE_I32 = 6,
    PGY_DTYPE_I64 = 7,
    PGY_DTYPE_STRING = 8,
    PGY_DTYPE_BOOL = 9,
    PGY_DTYPE_F16 = 10,
    PGY_DTYPE_F64 = 11,
    PGY_DTYPE_U32 = 12,
    PGY_DTYPE_U64 = 13,
    PGY_DTYPE_C64 = 14,
    PGY_DTYPE_C128 = 15,
    PGY_DTYPE_BF16 = 16,
    PGY_DTYPE_F8E4M3FN = 17,
    PGY_DTYPE_F8E4M3FNUZ = 18,
    PGY_DTYPE_F8E5M2 = 19,
    PGY_DTYPE_F8E5M2FNUZ = 20,
    PGY_DTYPE_U4 = 21,
    PGY_DTYPE_I4 = 22,
    PGY_DTYPE_F4E2M1 = 23,
    PGY_DTYPE_F8E8M0 = 24,
    PGY_DTYPE_U2 = 25,
    PGY_DTYPE_I2 = 26
} pgy_dtype;
#define PGY_DTYPE_COUNT 27

typedef struct pgy_string {
    const char *ptr; /* not NUL-terminated */
    size_t len;
} pgy_string;

typedef struct pgy_tensor pgy_tensor;
typedef void (*pgy_release_fn)(void *owner);

/* "float32", "bfloat16", "float8e4m3fn", ...: the reference's spelling. Never NULL. */
PGY_API const char *pgy_dtype_name(pgy_dtype dtype);
/* Bits of one element in memory: 4 for int4, 8 for bool, 128 for string (pgy_string). 0: unknown.
 */
PGY_API int pgy_dtype_bits(pgy_dtype dtype);

/* New zeroed tensor; dims are copied. Errors: NOMEM, USAGE for negative or overflowing dims. */
PGY_API PGY_MUST_USE pgy_status *pgy_tensor_new(pgy_dtype dtype, int rank, const int64_t *dims,
                                                pgy_tensor **out);
/* View of `data`, which holds exactly the bytes of that shape. On success the tensor owns
 * `owner` and calls `release(owner)` at the end; on failure the caller keeps it. `release` may be
 * NULL: then the bytes must outlive the tensor. */
PGY_API PGY_MUST_USE pgy_status *pgy_tensor_wrap(pgy_dtype dtype, int rank, const int64_t *dims,
                                                 void *data, pgy_release_fn release, void *owner,
                                                 pgy_tensor **out);
/* Same elements under another shape of the same count; shares the bytes. */
PGY_API PGY_MUST_USE pgy_status *pgy_tensor_reshape(pgy_tensor *t, int rank, const int64_t *dims,
                                                    pgy_tensor **out);
PGY_API pgy_tensor *pgy_tensor_ref(pgy_tensor *t);
PGY_API void pgy_tensor_free(pgy_tensor *t); /* drops one reference; accepts NULL */

PGY_API pgy_dtype pgy_tensor_dtype(const pgy_tensor *t);
PGY_API int pgy_tensor_rank(const pgy_tensor *t);
PGY_API const int64_t *pgy_tensor_dims(const pgy_tensor *t);
PGY_API int64_t pgy_tensor_count(const pgy_tensor *t);
PGY_API size_t pgy_tensor_size(const pgy_tensor *t); /* bytes */
PGY_API const void *pgy_tensor_data(const pgy_tensor *t);
PGY_API void *
pgy_tensor_data_mut(pgy_tensor *t); /* legal while the caller holds the only reference */

/* Converts every element to `dtype` with round-to-nearest-even for floats (C casts between
 * integers, truncation from float to integer, as numpy's astype); 4-bit types are packed.
 * Same dtype: another reference. Errors: UNSUPPORTED for strings. */
PGY_API PGY_MUST_USE pgy_status *pgy_tensor_cast(pgy_tensor *t, pgy_dtype dtype, pgy_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
