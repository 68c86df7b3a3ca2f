/* base/dl.h - shared libraries at run time. */
#ifndef PX_BASE_DL_H
#define PX_BASE_DL_H

#include "base/px.h"

typedef struct px_dl {
    void *handle;
} px_dl;

/* `global` makes its symbols visible to libraries loaded later. BACKEND with the loader's words. */
PX_MUST_USE pgy_status *px_dl_open(const char *path, bool global, px_dl *out);
/* The same with functions resolved when they are first called, for libraries whose own needs are
 * not all there; their symbols are global. */
PX_MUST_USE pgy_status *px_dl_open_lazy(const char *path, px_dl *out);
/* The same with symbols that only the library itself and its own needs see, and that it looks for
 * there first: the quickest way to load a large one, and the one in which a copy of zlib that it
 * brings is not mixed with ours. */
PX_MUST_USE pgy_status *px_dl_open_quick(const char *path, px_dl *out);
/* Copies the symbol's address into a typed function pointer: px_dl_bind(&dl, "f", &fn, sizeof fn).
 * BACKEND when it is missing. */
PX_MUST_USE pgy_status *px_dl_bind(const px_dl *dl, const char *symbol, void *out_pointer,
                                   size_t size);
void px_dl_close(px_dl *dl);

/* Is this code in a shared library? Then `*out` is the library's path, or NULL without memory; it is
 * freed with px_mem_free. */
bool px_dl_own_library(char **out);

#endif
