/* backend/onnxrt/session.h - a model opened by ONNX Runtime. */
#ifndef PX_BACKEND_ONNXRT_SESSION_H
#define PX_BACKEND_ONNXRT_SESSION_H

#include "backend/onnxrt/args.h"
#include "backend/onnxrt/lib.h"
#include "polygraphy/backend.h"

typedef struct px_onnxrt_session px_onnxrt_session;

/* Logs the providers that sessions will have, as opening a whole model does; parts are silent. */
PX_MUST_USE pgy_status *px_onnxrt_session_announce(pgy_context *cx, px_onnxrt_lib *lib,
                                                   const px_onnxrt_args *args);
/* `args` NULL: all defaults. Creates the session; logs the providers first.
 * Errors: UNSUPPORTED for inputs that are no tensors and outputs that cannot be taken apart
 * (backend/outputs.h), before the session is made where
 * the model tells; BACKEND with the runtime's words; MODEL, IO from the model. */
PX_MUST_USE pgy_status *px_onnxrt_session_open(pgy_context *cx, px_onnxrt_lib *lib,
                                               pgy_model *model, const px_onnxrt_args *args,
                                               px_onnxrt_session **out);
void px_onnxrt_session_close(px_onnxrt_session *session);
void px_onnxrt_session_inputs(const px_onnxrt_session *session, const pgy_io **out, size_t *out_n);
/* The outputs' bytes are the runtime's own, kept alive by the tensors. */
PX_MUST_USE pgy_status *px_onnxrt_session_run(px_onnxrt_session *session, const pgy_feed *in,
                                              pgy_outputs *out);

/* Number of "ORT_ENABLE_BASIC" and the like; -1 for another name. */
int px_onnxrt_level_of(const char *name);

#endif
