/* backend/tf/timeline.h - what each node did during an iteration, as a Chrome trace.
 *
 * TensorFlow records it when it is asked to (RunOptions) and hands it back as a RunMetadata
 * message, which becomes one JSON file per iteration, in the trace event format that
 * chrome://tracing and Perfetto open: a process per device, a thread per thread of it, and a
 * complete event ("X", microseconds) per node that ran.
 */
#ifndef PX_BACKEND_TF_TIMELINE_H
#define PX_BACKEND_TF_TIMELINE_H

#include "backend/tf/lib.h"

/* Of one run. {0} is a valid empty one: nothing is recorded. */
typedef struct px_tf_trace {
    px_tf_buffer *options, *metadata; /* for the run; NULL without --save-timeline */
} px_tf_trace;

PX_MUST_USE pgy_status *px_tf_trace_begin(px_tf_trace *trace, const px_tf_lib *lib,
                                          const px_tf_args *args);
/* Writes the file of run number `n`, from 0. */
PX_MUST_USE pgy_status *px_tf_trace_save(const px_tf_trace *trace, pgy_context *cx,
                                         const px_tf_args *args, size_t n);
void px_tf_trace_end(px_tf_trace *trace, const px_tf_lib *lib);

/* The trace of a RunMetadata message as JSON text. Errors: MODEL for a broken message. */
PX_MUST_USE pgy_status *px_tf_trace_print(px_str metadata, px_buf *out);

#endif
