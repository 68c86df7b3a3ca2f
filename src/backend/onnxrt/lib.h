/* backend/onnxrt/lib.h - ONNX Runtime, found, loaded and set up.
 *
 * The library object is counted: sessions and output tensors hold a reference each, because the
 * runtime must not be told to end while memory of its own is in use. The shared library itself
 * stays in the process: its threads and exit handlers do not survive being unmapped.
 */
#ifndef PX_BACKEND_ONNXRT_LIB_H
#define PX_BACKEND_ONNXRT_LIB_H

#include "backend/discover.h"
#include "backend/onnxrt/abi.h"
#include "base/px.h"
#include "polygraphy/context.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct px_onnxrt_lib {
    atomic_int n_refs;
    const px_ort_api *api;
    px_ort_append_cpu_fn append_cpu; /* NULL where the library does not show it */
    int api_version;                 /* of the table: which optional slots exist */
    char *version;                   /* the release, "1.32.0" */
    char *path;                      /* file or loader's name it was loaded from */
    px_found_by found_by;
    px_ort_env *env;

    pthread_mutex_t lock; /* of what follows: the runtime logs from its own threads too */
    pgy_context *cx;      /* sink of the runtime's messages; NULL once the owner let go */
    px_buf held;          /* error messages of the call that is running, see px_onnxrt_check */
} px_onnxrt_lib;

/* Looks, loads, checks the version and creates the runtime's environment.
 * Errors: BACKEND naming every place looked at and what the loader said. */
PX_MUST_USE pgy_status *px_onnxrt_lib_open(pgy_context *cx, px_onnxrt_lib **out);
/* Drops the owner's reference: from here on nothing is logged to its context. Accepts NULL. */
void px_onnxrt_lib_close(px_onnxrt_lib *lib);
px_onnxrt_lib *px_onnxrt_lib_ref(px_onnxrt_lib *lib);
void px_onnxrt_lib_unref(px_onnxrt_lib *lib); /* any thread */

/* Translates and frees the runtime's status, NULL for success. Error messages that the runtime
 * logged during the call are shown, unless the status says the same. */
PX_MUST_USE pgy_status *px_onnxrt_check(px_onnxrt_lib *lib, px_ort_status *status);

/* Receives the runtime's messages; `user` is a library object, or NULL for the one that
 * px_onnxrt_calling named on this thread. */
void px_onnxrt_on_message(void *user, px_ort_severity severity, const char *category,
                          const char *log_id, const char *code_location, const char *message);
/* Says whose call follows on this thread; NULL when it is over. */
void px_onnxrt_calling(px_onnxrt_lib *lib);

/* Names of the execution providers in the runtime's order of priority; to be given back with
 * px_onnxrt_providers_free. */
PX_MUST_USE pgy_status *px_onnxrt_providers(px_onnxrt_lib *lib, char ***out, int *out_n);
void px_onnxrt_providers_free(px_onnxrt_lib *lib, char **names, int n);

/* "1.32.0" -> 32; -1 when it is no such text. */
int px_onnxrt_api_version_of(const char *release);

#endif
