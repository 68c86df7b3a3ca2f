/* report/cairo_lib.c - see cairo_lib.h. */
#include "report/cairo_lib.h"

#include "base/dl.h"

#include <pthread.h>

/* Written once under the lock and never changed: what a loaded library is. */
static px_cairo_lib lib;
static bool loaded;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static pgy_status *load(px_cairo_lib *out)
{
    pgy_status *st = NULL;
    px_dl dl = {0};
    PX_TRY(px_dl_open("libcairo.so.2", false, &dl));
#define BIND(name) PX_TRY(px_dl_bind(&dl, "cairo_" #name, &out->name, sizeof out->name));
    PX_CAIRO_FUNCTIONS(BIND)
#undef BIND
    dl.handle = NULL; /* stays: the libraries behind it do not survive being unloaded */
done:
    px_dl_close(&dl);
    return st;
}

pgy_status *px_cairo_get(const px_cairo_lib **out)
{
    pgy_status *st = NULL;
    pthread_mutex_lock(&lock);
    if (!loaded) {
        px_cairo_lib fresh = {0};
        st = load(&fresh);
        if (st != NULL) {
            pgy_status *why = st;
            st = PX_FAIL(PGY_ERR_UNSUPPORTED,
                         "Pictures need cairo 1.16 or newer (Debian's package libcairo2): %s",
                         pgy_status_message(why));
            pgy_status_free(why);
        } else {
            lib = fresh;
            loaded = true;
        }
    }
    pthread_mutex_unlock(&lock);
    if (st == NULL)
        *out = &lib;
    return st;
}
