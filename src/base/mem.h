/* base/mem.h - all heap memory comes from here: checked sizes, counted, made to fail by tests. */
#ifndef PX_BASE_MEM_H
#define PX_BASE_MEM_H

#include "polygraphy/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL on overflow or when memory is out. A size of 0 gives a valid pointer. */
void *px_mem_alloc(size_t size);
void *px_mem_calloc(size_t n, size_t size);
void *px_mem_realloc(void *p, size_t size);
/* Aligned to 64 bytes, not zeroed; freed with px_mem_free. Large blocks ask for huge pages, which
 * makes their first use several times cheaper. */
void *px_mem_alloc_aligned(size_t size);
void px_mem_free(void *p); /* accepts NULL */
char *px_mem_strndup(const char *s, size_t len);
char *px_mem_strdup(const char *s);

/* Growth behind PX_RESERVE: doubles, NOMEM on failure and then leaves everything as it was. */
pgy_status *px_mem_reserve(void **at, size_t *cap, size_t n, size_t more, size_t size)
    __attribute__((warn_unused_result));

/* Overflow-checked arithmetic for sizes that came from a file or a flag: false on overflow. */
bool px_size_mul(size_t a, size_t b, size_t *out);
bool px_size_add(size_t a, size_t b, size_t *out);

/* Test hook: allocation number `n` from now (1 = the next) fails, and all after it; 0: none. */
void px_mem_fail_after(uint64_t n);
bool px_mem_has_failed(void); /* since then */
/* Bytes that this machine, or the group of processes that we are limited with, can give us, as far
 * as can be known: more than is free, because caches give way; never 0. */
uint64_t px_mem_available(void);
/* Blocks that are alive now. */
uint64_t px_mem_live(void);

/* Bump arena: what lives as long as it is never freed singly. {0} is a valid empty arena. */
typedef struct px_arena_block px_arena_block;
typedef struct px_arena {
    px_arena_block *head;
    size_t used; /* bytes used in head */
} px_arena;

/* 16-byte aligned, zeroed; NULL when memory is out. */
void *px_arena_alloc(px_arena *arena, size_t size);
void *px_arena_calloc(px_arena *arena, size_t n, size_t size); /* NULL on overflow too */
char *px_arena_strndup(px_arena *arena, const char *s, size_t len);
char *px_arena_strdup(px_arena *arena, const char *s);
void px_arena_reset(px_arena *arena); /* keeps the newest block */
void px_arena_fini(px_arena *arena);

/* Gives free memory back to the system where the C library would keep it between used blocks. Slow
 * enough to be worth it only after something large. */
void px_mem_trim(void);

#endif
