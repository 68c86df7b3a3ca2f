/* data/npy.h - numpy's array files (.npy).
 *
 * Reads versions 1 to 3; writes version 1 with the bytes numpy itself writes. Types that numpy
 * lacks are written as the smallest numpy type that holds every value exactly: bfloat16, float8 and
 * float4 as float32, int4 and int2 as int8, uint4 and uint2 as uint8. The JSON files name the
 * true type beside the array (data/serde.h); here it is lost.
 */
#ifndef PX_DATA_NPY_H
#define PX_DATA_NPY_H

#include "base/px.h"
#include "base/tensor.h"

typedef struct px_npy_header {
    pgy_dtype dtype;  /* of the elements; STRING for text */
    char kind;        /* numpy's: 'f' 'i' 'u' 'b' 'c' 'V', 'U' (UTF-32) or 'S' (bytes) */
    size_t item_size; /* bytes of one stored element */
    bool big_endian;
    bool fortran_order;
    int rank;
    int64_t dims[PX_MAX_RANK];
    size_t data_at;   /* bytes before the elements */
    size_t data_size; /* bytes of the elements */
} px_npy_header;

/* Bytes that must be there to call px_npy_header_read on a file that starts like this; `n` >= 12.
 * 0: not a .npy file. */
size_t px_npy_header_size(const uint8_t *bytes, size_t n);
/* `bytes` holds at least the header. `what` names the array in messages. Errors: MODEL. */
PX_MUST_USE pgy_status *px_npy_header_read(const char *what, const uint8_t *bytes, size_t n,
                                           px_npy_header *out);

/* Stored elements -> tensor: byte order, element order and text are brought into our form.
 * `data` holds header->data_size bytes; on success they belong to the tensor if they can be used
 * as they are, else they are released at once; on failure the caller keeps them. */
PX_MUST_USE pgy_status *px_npy_tensor(const char *what, const px_npy_header *header, void *data,
                                      pgy_release_fn release, void *owner, pgy_tensor **out);

/* A complete .npy image; `bytes` is copied from. */
PX_MUST_USE pgy_status *px_npy_read(const char *what, const uint8_t *bytes, size_t n,
                                    pgy_tensor **out);

/* Receives consecutive pieces of what is written. */
typedef void (*px_npy_sink)(void *arg, const void *bytes, size_t size);

/* The type that elements of `dtype` are stored as. */
pgy_dtype px_npy_stored_dtype(pgy_dtype dtype);
/* Size of the file that px_npy_write makes. */
PX_MUST_USE pgy_status *px_npy_size(const pgy_tensor *t, size_t *out);
/* Header and elements to `sink`; scratch memory is a few KiB. Errors: UNSUPPORTED for a type that
 * cannot be stored, NOMEM. */
PX_MUST_USE pgy_status *px_npy_write(const pgy_tensor *t, px_npy_sink sink, void *arg);

#endif
