/* backend/ref/pool.c - reusable buffers below the tensors of the interpreter. */
#include "backend/ref/plan.h"

#include <stdatomic.h>

/* In front of the data, one cache line, so that the data keeps the 64-byte alignment. */
struct px_ref_buf {
    atomic_int n_refs;
    uint32_t size_class;
    size_t size;       /* capacity of the data */
    px_ref_pool *pool; /* NULL: detached */
    px_ref_buf *next;
    char pad[64 - sizeof(atomic_int) - sizeof(uint32_t) - sizeof(size_t) - 2 * sizeof(void *)];
};

_Static_assert(sizeof(struct px_ref_buf) == 64, "data behind the header must stay aligned");

/* Rounds up to (8..15)/8 of a power of two; false on overflow. */
static bool size_class(size_t size, uint32_t *out_class, size_t *out_size)
{
    if (size < 64)
        size = 64;
    if (size > (size_t)1 << 60)
        return false;
    const unsigned log2 = 63 - (unsigned)__builtin_clzll(size);
    const size_t step = (size_t)1 << (log2 - 3);
    const size_t rounded = (size + step - 1) / step * step;
    const unsigned log2_r = 63 - (unsigned)__builtin_clzll(rounded);
    *out_class = log2_r * 8 + (uint32_t)((rounded >> (log2_r - 3)) & 7);
    *out_size = rounded;
    return true;
}

/* What counts against the limit: small tensors take more beside their elements than for them, and
 * a loop may collect them without end. */
static uint64_t cost_of(size_t capacity)
{
    return capacity < 4096 ? capacity + 256 : capacity;
}

/* An unused buffer of the class, or of one that wastes less than half of it. */
static px_ref_buf *take_unused(px_ref_pool *pool, uint32_t class, uint64_t room)
{
    const uint32_t end = PX_MIN(class + 8, (uint32_t)PX_REF_POOL_CLASSES);
    for (uint32_t i = class; i < end; i++) {
        px_ref_buf *buf = pool->unused[i];
        if (buf && cost_of(buf->size) <= room) {
            pool->unused[i] = buf->next;
            pool->unused_size -= buf->size;
            return buf;
        }
    }
    return NULL;
}

pgy_status *px_ref_pool_get(px_ref_pool *pool, size_t size, px_ref_buf **out)
{
    uint32_t class = 0;
    size_t capacity = 0;
    if (!size_class(size, &class, &capacity) || cost_of(capacity) > pool->limit_size ||
        pool->live_size > pool->limit_size - cost_of(capacity))
        return PX_FAIL(PGY_ERR_NOMEM,
                       "A tensor of %zu bytes does not fit: %llu bytes are in use of the %llu that "
                       "the reference interpreter may use",
                       size, (unsigned long long)pool->live_size,
                       (unsigned long long)pool->limit_size);
    px_ref_buf *buf = take_unused(pool, class, pool->limit_size - pool->live_size);
    if (!buf) {
        buf = px_mem_alloc_aligned(sizeof *buf + capacity);
        if (!buf)
            return px_status_nomem();
        buf->size_class = class;
        buf->size = capacity;
    }
    atomic_init(&buf->n_refs, 1);
    buf->pool = pool;
    buf->next = NULL;
    pool->live_size += cost_of(buf->size);
    *out = buf;
    return NULL;
}

void *px_ref_buf_data(px_ref_buf *buf)
{
    return buf + 1;
}

void px_ref_buf_free(void *p)
{
    px_ref_buf *buf = p;
    if (!buf || atomic_fetch_sub(&buf->n_refs, 1) != 1)
        return;
    px_ref_pool *pool = buf->pool;
    if (!pool) {
        px_mem_free(buf);
        return;
    }
    pool->live_size -= cost_of(buf->size);
    /* What a loop with growing tensors leaves behind would pile up without a bound. */
    const uint64_t keep = PX_MAX(pool->live_size, (uint64_t)1 << 28);
    if (pool->unused_size + buf->size > keep && pool->unused_size > 0) {
        px_mem_free(buf);
        return;
    }
    buf->next = pool->unused[buf->size_class];
    pool->unused[buf->size_class] = buf;
    pool->unused_size += buf->size;
}

void px_ref_buf_detach(px_ref_buf *buf)
{
    if (!buf->pool)
        return;
    buf->pool->live_size -= cost_of(buf->size);
    buf->pool = NULL;
}

void px_ref_pool_fini(px_ref_pool *pool)
{
    for (size_t i = 0; i < PX_COUNTOF(pool->unused); i++)
        while (pool->unused[i]) {
            px_ref_buf *buf = pool->unused[i];
            pool->unused[i] = buf->next;
            px_mem_free(buf);
        }
    pool->unused_size = 0;
}

pgy_status *px_ref_pool_tensor(px_ref_pool *pool, pgy_dtype dtype, int rank, const int64_t *dims,
                               pgy_tensor **out)
{
    pgy_status *st = NULL;
    px_ref_buf *buf = NULL;
    size_t size = 0;

    if (rank < 0 || rank > PX_MAX_RANK || !px_shape_size(dtype, rank, dims, &size))
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "A tensor shape of rank %d is negative or too large", rank));
    PX_TRY(px_ref_pool_get(pool, size, &buf));
    PX_TRY(pgy_tensor_wrap(dtype, rank, dims, px_ref_buf_data(buf), px_ref_buf_free, buf, out));
    buf = NULL;
done:
    px_ref_buf_free(buf);
    return st;
}

px_ref_buf *px_ref_tensor_buf(const pgy_tensor *t)
{
    return t->release == px_ref_buf_free ? t->owner : NULL;
}

bool px_ref_tensor_is_sole(const pgy_tensor *t)
{
    px_ref_buf *buf = px_ref_tensor_buf(t);
    return buf && atomic_load(&buf->n_refs) == 1 && atomic_load(&t->n_refs) == 1;
}

pgy_status *px_ref_tensor_reshape(pgy_tensor *t, int rank, const int64_t *dims, pgy_tensor **out)
{
    px_ref_buf *buf = px_ref_tensor_buf(t);
    if (!buf)
        return pgy_tensor_reshape(t, rank, dims, out);
    atomic_fetch_add(&buf->n_refs, 1);
    pgy_status *st = pgy_tensor_wrap(t->dtype, rank, dims, t->data, px_ref_buf_free, buf, out);
    if (st)
        px_ref_buf_free(buf);
    return st;
}
