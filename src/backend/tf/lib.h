/* backend/tf/lib.h - TensorFlow, found and loaded.
 *
 * The library object is counted: output tensors hold a reference, because they are freed by the
 * runtime's functions. The shared library itself stays in the process: its threads do not survive
 * being unmapped.
 */
#ifndef PX_BACKEND_TF_LIB_H
#define PX_BACKEND_TF_LIB_H

#include "backend/discover.h"
#include "backend/tf/abi.h"
#include "backend/tf/args.h"
#include "base/px.h"
#include "polygraphy/context.h"

#include <stdatomic.h>

typedef struct px_tf_lib {
    atomic_int n_refs;
    px_tf_api api;
    char *version; /* "2.21.0" */
    char *path;
    px_found_by found_by;
} px_tf_lib;

/* Looks, loads and binds every symbol. `args` may be NULL: --xla on a CPU is a matter of loading.
 * Errors: BACKEND naming every place looked at and what the loader said. */
PX_MUST_USE pgy_status *px_tf_lib_open(pgy_context *cx, const px_tf_args *args, px_tf_lib **out);
px_tf_lib *px_tf_lib_ref(px_tf_lib *lib);
void px_tf_lib_unref(px_tf_lib *lib); /* any thread; accepts NULL */

/* Translates what a call left in `status`, and makes it fit for the next call. */
PX_MUST_USE pgy_status *px_tf_check(const px_tf_lib *lib, px_tf_status *status);

#endif
