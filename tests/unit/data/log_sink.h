/* A log sink for tests: collects "[severity] text" lines. */
#ifndef PX_TEST_LOG_SINK_H
#define PX_TEST_LOG_SINK_H

#include "base/px.h"
#include "polygraphy/context.h"

#include <stdio.h>

typedef struct log_sink {
    pgy_context *cx;
    px_buf text;
} log_sink;

static void log_sink_take(void *user, pgy_severity severity, const char *origin, int indent,
                          const char *message, size_t length)
{
    log_sink *const sink = user;

    (void)origin;
    (void)indent;
    px_buf_printf(&sink->text, "[%d] %.*s\n", (int)severity, (int)length, message);
}

static inline void log_sink_open(log_sink *sink, int level)
{
    *sink = (log_sink){0};
    if (pgy_context_new(&sink->cx) != NULL)
        abort();
    pgy_context_set_log(sink->cx, log_sink_take, sink);
    pgy_context_set_level(sink->cx, level);
}

static inline void log_sink_close(log_sink *sink)
{
    pgy_context_free(sink->cx);
    px_buf_fini(&sink->text);
}

#endif
