/* base/shm.c - anonymous shared memory; see shm.h. */
#include "base/shm.h"

#include "base/tensor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static pgy_status *read_copy(int fd, px_shm *shm)
{
    pgy_status *st = NULL;
    char *bytes = px_mem_alloc_aligned(shm->size);
    if (bytes == NULL)
        PX_TRY(px_status_nomem());
    for (size_t at = 0; at < shm->size;) {
        ssize_t n = pread(fd, bytes + at, shm->size - at, (off_t)at);
        if (n <= 0)
            PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot read %zu bytes of shared memory: %s", shm->size,
                           strerror(errno)));
        at += (size_t)n;
    }
    shm->data = bytes;
    shm->is_copy = true;
    bytes = NULL;
done:
    px_mem_free(bytes);
    return st;
}

/* A process may have so many maps only; `may_copy` goes on without. */
static pgy_status *wrap(int fd, size_t size, bool may_copy, px_shm **out)
{
    pgy_status *st = NULL;
    px_shm *shm = NULL;
    PX_TRY(PX_ALLOC(shm, 1));
    atomic_init(&shm->n_refs, 1);
    shm->size = size;
    shm->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shm->data == MAP_FAILED && may_copy && errno == ENOMEM)
        PX_TRY(read_copy(fd, shm));
    else if (shm->data == MAP_FAILED)
        PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot map %zu bytes of shared memory: %s", size,
                       strerror(errno)));
    *out = shm;
    shm = NULL;
done:
    px_mem_free(shm);
    return st;
}

pgy_status *px_shm_new(size_t size, px_shm **out, int *out_fd)
{
    pgy_status *st = NULL;
    int fd = memfd_create("polygraphy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
        PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot make %zu bytes of shared memory: %s", size,
                       strerror(errno)));
    PX_TRY(wrap(fd, size, false, out));
    *out_fd = fd;
    fd = -1;
done:
    if (fd >= 0)
        close(fd);
    return st;
}

pgy_status *px_shm_map(int fd, size_t size, px_shm **out)
{
    pgy_status *st = NULL;
    struct stat info;
    int seals = fcntl(fd, F_GET_SEALS);
    if (size == 0 || fstat(fd, &info) != 0 || info.st_size < 0 || (uint64_t)info.st_size < size ||
        seals < 0 || (seals & F_SEAL_SHRINK) == 0)
        PX_TRY(PX_FAIL(PGY_ERR_IO,
                       "Shared memory of another process is not the %zu sealed bytes "
                       "that it was said to be",
                       size));
    PX_TRY(wrap(fd, size, true, out));
done:
    return st;
}

px_shm *px_shm_ref(px_shm *shm)
{
    atomic_fetch_add(&shm->n_refs, 1);
    return shm;
}

void px_shm_free(px_shm *shm)
{
    if (shm == NULL || atomic_fetch_sub(&shm->n_refs, 1) != 1)
        return;
    if (shm->is_copy)
        px_mem_free(shm->data);
    else
        munmap(shm->data, shm->size);
    px_mem_free(shm);
}

bool px_shm_is_unused(const px_shm *shm)
{
    return atomic_load(&shm->n_refs) == 1;
}

static void release(void *owner)
{
    px_shm_free(owner);
}

pgy_status *px_shm_tensor(px_shm *shm, uint64_t offset, pgy_dtype dtype, int rank,
                          const int64_t *dims, pgy_tensor **out)
{
    pgy_status *st = NULL;
    size_t size;
    if (dtype == PGY_DTYPE_STRING || !px_shape_size(dtype, rank, dims, &size) ||
        offset > shm->size || size > shm->size - offset)
        return PX_FAIL(
            PGY_ERR_MODEL,
            "An array of another process does not lie in the memory it is said to be in");
    PX_TRY(pgy_tensor_wrap(dtype, rank, dims, (char *)shm->data + offset, release, shm, out));
    px_shm_ref(shm);
done:
    return st;
}
