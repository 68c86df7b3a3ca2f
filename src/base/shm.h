/* base/shm.h - memory that two processes share: an anonymous file, sealed so that it cannot shrink
 * under a reader, mapped on both sides.
 */
#ifndef PX_BASE_SHM_H
#define PX_BASE_SHM_H

#include "base/px.h"
#include "polygraphy/tensor.h"

#include <stdatomic.h>

typedef struct px_shm {
    atomic_int n_refs;
    void *data;
    size_t size;  /* bytes, above 0 */
    bool is_copy; /* no more maps could be had: the bytes as they were when it was mapped */
} px_shm;

/* New zeroed memory of `size` bytes; the caller sends *out_fd away and closes it. Errors: IO. */
PX_MUST_USE pgy_status *px_shm_new(size_t size, px_shm **out, int *out_fd);
/* Maps what another process made; `fd` stays the caller's. Errors: IO when it holds fewer bytes or
 * could be made to. */
PX_MUST_USE pgy_status *px_shm_map(int fd, size_t size, px_shm **out);
px_shm *px_shm_ref(px_shm *shm);
void px_shm_free(px_shm *shm); /* drops one reference; accepts NULL */
/* True when nobody but the caller holds it. */
bool px_shm_is_unused(const px_shm *shm);

/* View of the bytes at `offset` that keeps the memory. Errors: MODEL when they do not fit, or for
 * strings, which cannot lie there. */
PX_MUST_USE pgy_status *px_shm_tensor(px_shm *shm, uint64_t offset, pgy_dtype dtype, int rank,
                                      const int64_t *dims, pgy_tensor **out);

#endif
