/* backend/discover.h - where the shared libraries of an inference runtime lie.
 *
 * Looking means reading folders only: no library is loaded and no Python is started. Places, in
 * order:
 *   1. the path in the runtime's variable, e.g. POLYGRAPHY_ONNXRT_LIB, of the library or its
 * folder; it alone counts when set
 *   2. what `polygraphy backends install NAME` put under $XDG_DATA_HOME/polygraphy/backends/NAME
 *   3. the site-packages of $VIRTUAL_ENV
 *   4. the site-packages of each python3 on PATH (pyvenv.cfg and pyenv's shims are understood),
 *      with those of the user
 *   5. LD_LIBRARY_PATH, the loader's cache and the system's library folders
 */
#ifndef PX_BACKEND_DISCOVER_H
#define PX_BACKEND_DISCOVER_H

#include "base/px.h"

/* What to look for. */
typedef struct px_runtime {
    const char *backend;  /* "onnxrt" */
    const char *title;    /* "ONNX Runtime" */
    const char *variable; /* environment variable that holds the library's path; or NULL */
    const char *package;  /* Python package that carries it, without its dependencies */
    const char *hint;     /* on a package that lacks the library, or NULL */
    const char *const *in_packages; /* paths under site-packages, NULL-ended; the last component
                                       may be a pattern */
    const char *const *sonames;     /* names for the loader, NULL-ended */
} px_runtime;

typedef enum px_found_by {
    PX_FOUND_VARIABLE,
    PX_FOUND_INSTALLED,
    PX_FOUND_VENV,
    PX_FOUND_PYTHON,
    PX_FOUND_LOADER
} px_found_by;

typedef struct px_candidate {
    char *path;
    px_found_by by;
} px_candidate;

/* {0} is a valid empty one. */
typedef struct px_discovery {
    px_candidate *at; /* existing files, best first, each once */
    size_t n, cap;
    px_buf places; /* where was looked, one indented line each */
} px_discovery;

/* The runtimes that backends of this program load; NULL for another name. */
const px_runtime *px_runtime_find(const char *backend);
const px_runtime *px_runtime_list(size_t *out_n);

/* Nothing found is no error: then out->n is 0. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_discover(const px_runtime *runtime, px_discovery *out);
void px_discovery_fini(px_discovery *d);

/* "the variable POLYGRAPHY_ONNXRT_LIB", "the active virtual environment", ... */
const char *px_found_by_text(px_found_by by);

/* Binds the library at `path` into `user`. After a failure the next one is tried on the same
 * `user`. */
typedef pgy_status *(*px_runtime_load_fn)(void *user, const char *path, px_found_by by);

/* Offers what is found to `load`, best first, until one is taken; where nothing is found, the names
 * alone, since the loader knows places that cannot be listed (the run path of the program). Errors:
 * NOMEM; BACKEND when none is taken, with every place, what went wrong there and the command that
 * gets the runtime. */
PX_MUST_USE pgy_status *px_runtime_load(const px_runtime *runtime, px_runtime_load_fn load,
                                        void *user);

/* Folder that `polygraphy backends install NAME` fills; the caller frees. NULL when neither
 * XDG_DATA_HOME nor HOME is set, or memory is out. */
char *px_backends_folder(const char *backend);

#endif
