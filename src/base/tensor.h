/* base/tensor.h - the inside of pgy_tensor and what our own code asks of it.
 *
 * A tensor lives in base because every station of the run passes it on.
 */
#ifndef PX_BASE_TENSOR_H
#define PX_BASE_TENSOR_H

#include "base/px.h"
#include "polygraphy/tensor.h"

#include <stdatomic.h>

#define PX_MAX_RANK 64 /* numpy's limit */

struct pgy_tensor {
    atomic_int n_refs;
    pgy_dtype dtype;
    int rank;
    int64_t count; /* elements */
    size_t size;   /* bytes */
    void *data;    /* never NULL, also when empty */
    pgy_release_fn release;
    void *owner;
    int64_t dims[]; /* rank */
};

bool px_dtype_is_float(pgy_dtype dtype); /* f64 f32 f16 bf16, the f8 family, f4 */
bool px_dtype_is_int(pgy_dtype dtype);   /* signed or unsigned, 2 to 64 bits; not bool */
bool px_dtype_is_signed(pgy_dtype dtype);
bool px_dtype_is_complex(pgy_dtype dtype);
/* From the reference's name or ONNX's ("float32", "float", "double", ...); UNKNOWN if neither. */
pgy_dtype px_dtype_from_name(px_str name);

/* Elements and bytes of a shape; false for a negative dim or overflow. */
bool px_shape_count(int rank, const int64_t *dims, int64_t *out_count);
bool px_shape_size(pgy_dtype dtype, int rank, const int64_t *dims, size_t *out_size);
bool px_shape_eq(int rank_a, const int64_t *a, int rank_b, const int64_t *b);
/* Python tuple: "(1, 3)", "(4,)", "()". */
void px_shape_print(px_buf *b, int rank, const int64_t *dims);
/* "[1, 3]". */
void px_shape_print_list(px_buf *b, int rank, const int64_t *dims);

/* Uninitialised data, 64-byte aligned. */
PX_MUST_USE pgy_status *px_tensor_new_raw(pgy_dtype dtype, int rank, const int64_t *dims,
                                          pgy_tensor **out);
/* View of the same bytes under another dtype and shape of the same size in bytes. */
PX_MUST_USE pgy_status *px_tensor_view(pgy_tensor *t, pgy_dtype dtype, int rank,
                                       const int64_t *dims, pgy_tensor **out);
/* New string tensor that owns copies of `strings`. */
PX_MUST_USE pgy_status *px_tensor_new_strings(int rank, const int64_t *dims,
                                              const pgy_string *strings, pgy_tensor **out);
/* Element `i` as double / int64 (4-bit unpacked, bool 0 or 1); for printing and small shape data.
 */
double px_tensor_get_f64(const pgy_tensor *t, int64_t i);
int64_t px_tensor_get_i64(const pgy_tensor *t, int64_t i);

/* A float32 at any address, as in a mapped model. */
typedef float px_any_float __attribute__((aligned(1), may_alias));

/* Bulk conversion, vectorised; any numeric or bool dtype except complex on either side. `first`
 * is an element index into `src`; sub-byte sources are unpacked, sub-byte destinations packed
 * (then `first` and `n` are even unless it is the tail). Complex pairs with complex only. Float32
 * sources may lie at any address. */
void px_convert(pgy_dtype to, void *dst, pgy_dtype from, const void *src, int64_t first, int64_t n);

#endif
