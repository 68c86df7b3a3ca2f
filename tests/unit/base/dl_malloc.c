/* To be preloaded: another allocator for all, as sanitizers and profilers bring one (test_dl.c). */
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
EXPORT void *malloc(size_t size);

EXPORT void *malloc(size_t size)
{
    return __libc_malloc(size);
}
