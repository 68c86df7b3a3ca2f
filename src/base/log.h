/* base/log.h - messages from the library to the context's sink.
 *
 * `origin` names the reference's source file that logs the same message (spec: per-path
 * verbosity), e.g. PX_AT_COMPARATOR. Nothing is formatted when the level hides the message.
 */
#ifndef PX_BASE_LOG_H
#define PX_BASE_LOG_H

#include "base/px.h"
#include "polygraphy/context.h"

#define PX_AT_MAIN "tools/_main.py"
#define PX_AT_ARGS "tools/args/base.py"
#define PX_AT_SCRIPT "tools/script.py"
#define PX_AT_RUN "tools/run/run.py"
#define PX_AT_RUNNER "backend/base/runner.py"
#define PX_AT_ONNXRT "backend/onnxrt/loader.py"
#define PX_AT_ONNXRT_RUNNER "backend/onnxrt/runner.py"
#define PX_AT_TF "backend/tf/loader.py"
#define PX_AT_TF_RUNNER "backend/tf/runner.py"
#define PX_AT_ONNX "backend/onnx/loader.py"
#define PX_AT_PLUGINREF "backend/pluginref/runner.py"
#define PX_AT_COMPARATOR "comparator/comparator.py"
#define PX_AT_COMPARE "comparator/compare.py"
#define PX_AT_STATS "comparator/util.py"
#define PX_AT_POSTPROCESS "comparator/postprocess.py"
#define PX_AT_DATA "comparator/data_loader.py"
#define PX_AT_UTIL "util/util.py"
#define PX_AT_JSON "json/serde.py"

bool px_log_enabled(const pgy_context *cx, int severity, const char *origin);
void px_log(pgy_context *cx, int severity, const char *origin, const char *fmt, ...)
    PX_PRINTF(4, 5);
/* The same text is shown once in the life of the context (checked after the level). */
void px_log_once(pgy_context *cx, int severity, const char *origin, const char *fmt, ...)
    PX_PRINTF(4, 5);
/* Ready-made text of any length. */
void px_log_text(pgy_context *cx, int severity, const char *origin, px_str text);
/* Nesting depth of the messages that follow; give back what you took. */
void px_log_indent(pgy_context *cx, int delta);
int px_log_get_indent(const pgy_context *cx);
/* Hides all but criticals while more +1 than -1 were given: for runs that are nobody's business. */
void px_log_mute(pgy_context *cx, int delta);

/* Per-path levels. Paths match by whole components from the root, and the level of the deepest
 * matching node counts only if it is its own; otherwise the default level applies. */
pgy_status *px_log_set_path_level(pgy_context *cx, px_str path, int level)
    __attribute__((warn_unused_result));
int px_log_level_of(const pgy_context *cx, const char *origin);

/* Thread count and memory budget as resolved (never 0). */
int px_context_threads(const pgy_context *cx);
bool px_context_is_cancelled(const pgy_context *cx); /* false for NULL */
/* CANCELLED where the context is; to be called between two pieces of work. */
PX_MUST_USE pgy_status *px_context_check(const pgy_context *cx);
uint64_t px_context_memory_budget(const pgy_context *cx);

#endif
