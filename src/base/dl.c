/* base/dl.c - dlopen with words. */
#include "base/dl.h"

#include <dlfcn.h>

static pgy_status *open_with(const char *path, int mode, px_dl *out)
{
    void *handle = dlopen(path, mode);
    if (handle == NULL) {
        const char *why = dlerror();
        return PX_FAIL(PGY_ERR_BACKEND, "Cannot load %s: %s", path, why ? why : "unknown reason");
    }
    out->handle = handle;
    return NULL;
}

pgy_status *px_dl_open(const char *path, bool global, px_dl *out)
{
    return open_with(path, RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL), out);
}

pgy_status *px_dl_open_lazy(const char *path, px_dl *out)
{
    return open_with(path, RTLD_LAZY | RTLD_GLOBAL, out);
}

/* Is there one allocator in the process? A library that looks for symbols at home first takes the C
 * library's, while others may have been given another one before it (LD_PRELOAD, sanitizers); what
 * one allocates the other would free. */
static bool has_plain_malloc(void)
{
    void *program = dlopen(NULL, RTLD_LAZY), *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    const bool plain =
        program != NULL && libc != NULL && dlsym(program, "malloc") == dlsym(libc, "malloc");
    if (program != NULL)
        dlclose(program);
    if (libc != NULL)
        dlclose(libc);
    return plain;
}

pgy_status *px_dl_open_quick(const char *path, px_dl *out)
{
    int mode = RTLD_LAZY | RTLD_LOCAL;
#ifdef RTLD_DEEPBIND
    if (has_plain_malloc())
        mode |= RTLD_DEEPBIND;
#endif
    return open_with(path, mode, out);
}

pgy_status *px_dl_bind(const px_dl *dl, const char *symbol, void *out_pointer, size_t size)
{
    void *address = dlsym(dl->handle, symbol);
    if (address == NULL)
        return PX_FAIL(PGY_ERR_BACKEND, "The library has no symbol %s", symbol);
    if (size != sizeof address)
        return PX_FAIL(PGY_ERR_BUG, "The target for %s is not a pointer", symbol);
    /* Copying the bytes is the portable way from object to function pointer. */
    memcpy(out_pointer, &address, size);
    return NULL;
}

void px_dl_close(px_dl *dl)
{
    if (dl->handle != NULL)
        dlclose(dl->handle);
    dl->handle = NULL;
}

bool px_dl_own_library(char **out)
{
    Dl_info info;
    static const char here; /* lies where the code does */
    if (dladdr(&here, &info) == 0 || info.dli_fname == NULL)
        return false;
    const char *slash = strrchr(info.dli_fname, '/');
    if (slash == NULL || strstr(slash, ".so") == NULL)
        return false;
    *out = px_mem_strdup(info.dli_fname);
    return true;
}
