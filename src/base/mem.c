/* base/mem.c - the heap behind one door, so that tests can count it and make it fail. */
#include "base/px.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define HUGE_PAGE ((size_t)2 << 20)

/* The two counters exist for the fault and leak tests; nothing else reads them. */
static atomic_uint_fast64_t live_blocks;
static atomic_int_fast64_t allocations_left = -1; /* -1: never fail */

void px_mem_fail_after(uint64_t n)
{
    atomic_store(&allocations_left, n == 0 ? -1 : (int64_t)n);
}

uint64_t px_mem_live(void)
{
    return atomic_load(&live_blocks);
}

bool px_mem_has_failed(void)
{
    return atomic_load(&allocations_left) == 0;
}

static bool must_fail(void)
{
    if (atomic_load_explicit(&allocations_left, memory_order_relaxed) < 0)
        return false;
    /* Counts 1 down to 0 and stays there: the n-th allocation fails and all after it. */
    int_fast64_t left = atomic_load(&allocations_left);
    while (left > 1) {
        if (atomic_compare_exchange_weak(&allocations_left, &left, left - 1))
            return false;
    }
    if (left == 1)
        atomic_store(&allocations_left, 0);
    return true;
}

static void *counted(void *p)
{
    if (p != NULL)
        atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
    return p;
}

void *px_mem_alloc(size_t size)
{
    return must_fail() ? NULL : counted(malloc(size ? size : 1));
}

void *px_mem_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : counted(calloc(n ? n : 1, size ? size : 1));
}

void *px_mem_realloc(void *p, size_t size)
{
    if (p == NULL)
        return px_mem_alloc(size);
    return must_fail() ? NULL : realloc(p, size ? size : 1);
}

void *px_mem_alloc_aligned(size_t size)
{
    void *p = NULL;
    const bool huge = size >= 4 * HUGE_PAGE;
    if (must_fail() || posix_memalign(&p, huge ? HUGE_PAGE : 64, size ? size : 1) != 0)
        return NULL;
#if defined(MADV_HUGEPAGE)
    /* Only whole ones, so that no more memory than `size` gets used; refusal does no harm. */
    if (huge)
        (void)madvise(p, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return counted(p);
}

void px_mem_free(void *p)
{
    if (p == NULL)
        return;
    atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed);
    free(p);
}

char *px_mem_strndup(const char *s, size_t len)
{
    char *copy = px_mem_alloc(len + 1);
    if (copy == NULL)
        return NULL;
    if (len > 0)
        memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *px_mem_strdup(const char *s)
{
    return px_mem_strndup(s, strlen(s));
}

bool px_size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool px_size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

pgy_status *px_mem_reserve(void **at, size_t *cap, size_t n, size_t more, size_t size)
{
    size_t need, bytes;
    if (!px_size_add(n, more, &need))
        return px_status_nomem();
    if (need <= *cap)
        return NULL;
    size_t grown = *cap < 8 ? 8 : *cap + *cap / 2;
    if (grown < need)
        grown = need;
    if (!px_size_mul(grown, size, &bytes))
        return px_status_nomem();
    void *p = px_mem_realloc(*at, bytes);
    if (p == NULL)
        return px_status_nomem();
    *at = p;
    *cap = grown;
    return NULL;
}

struct px_arena_block {
    px_arena_block *next;
    size_t size; /* of bytes */
    _Alignas(16) unsigned char bytes[];
};

#define ARENA_BLOCK ((size_t)16 << 10)

void *px_arena_alloc(px_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    if (arena->head == NULL || arena->head->size - arena->used < size) {
        size_t block_size =
            arena->head ? PX_MIN(arena->head->size * 2, (size_t)4 << 20) : ARENA_BLOCK;
        block_size = PX_MAX(block_size, size);
        px_arena_block *block = px_mem_alloc(sizeof *block + block_size);
        if (block == NULL)
            return NULL;
        block->size = block_size;
        block->next = arena->head;
        arena->head = block;
        arena->used = 0;
    }
    void *p = arena->head->bytes + arena->used;
    arena->used += size;
    if (size > 0)
        memset(p, 0, size);
    return p;
}

void *px_arena_calloc(px_arena *arena, size_t n, size_t size)
{
    size_t bytes;
    return px_size_mul(n, size, &bytes) ? px_arena_alloc(arena, bytes) : NULL;
}

char *px_arena_strndup(px_arena *arena, const char *s, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *copy = px_arena_alloc(arena, len + 1);
    if (copy != NULL && len > 0)
        memcpy(copy, s, len);
    return copy;
}

char *px_arena_strdup(px_arena *arena, const char *s)
{
    return px_arena_strndup(arena, s, strlen(s));
}

static void free_blocks(px_arena_block *block)
{
    while (block != NULL) {
        px_arena_block *next = block->next;
        px_mem_free(block);
        block = next;
    }
}

void px_arena_reset(px_arena *arena)
{
    if (arena->head == NULL)
        return;
    free_blocks(arena->head->next);
    arena->head->next = NULL;
    arena->used = 0;
}

void px_arena_fini(px_arena *arena)
{
    free_blocks(arena->head);
    *arena = (px_arena){0};
}

void px_mem_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

/* --- the machine --- */

/* The number behind `label` in a file of lines, times `unit`; UINT64_MAX when there is none. */
static uint64_t number_in(const char *path, const char *label, uint64_t unit)
{
    char line[128];
    uint64_t found = UINT64_MAX;
    FILE *f = fopen(path, "re");
    while (f != NULL && found == UINT64_MAX && fgets(line, sizeof line, f) != NULL) {
        const size_t n = strlen(label);
        unsigned long long v;
        if (strncmp(line, label, n) == 0 && sscanf(line + n, "%llu", &v) == 1 &&
            v <= UINT64_MAX / unit)
            found = v * unit;
    }
    if (f != NULL)
        fclose(f);
    return found;
}

uint64_t px_mem_available(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    uint64_t most = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX / 2;
    const uint64_t free_size = number_in("/proc/meminfo", "MemAvailable:", 1024);
    const uint64_t swap_size = number_in("/proc/meminfo", "SwapFree:", 1024);
    const uint64_t group = number_in("/sys/fs/cgroup/memory.max", "", 1);
    if (free_size != UINT64_MAX && swap_size != UINT64_MAX)
        most = PX_MIN(most, free_size + swap_size);
    return PX_MAX(PX_MIN(most, group), (uint64_t)1 << 26);
}
