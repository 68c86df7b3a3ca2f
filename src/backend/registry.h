/* backend/registry.h - the built-in backends, in help order. */
#ifndef PX_BACKEND_REGISTRY_H
#define PX_BACKEND_REGISTRY_H

#include "base/px.h"
#include "polygraphy/backend.h"

/* Each backend's ops.c. */
extern const pgy_backend_ops px_onnxrt_ops;
extern const pgy_backend_ops px_ref_ops;
extern const pgy_backend_ops px_tf_ops;
extern const pgy_backend_ops px_null_ops; /* not built in: an example and a test's stand-in */

/* The built-in backend number `i`; NULL behind the last. */
const pgy_backend_ops *px_backend_at(size_t i);
/* Calls the optional unload; `lib` may be NULL. */
void px_backend_unload(const pgy_backend_ops *ops, void *lib);

#endif
