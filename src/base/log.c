/* base/log.c - the context and its messages. */
#include "base/log.h"

#include "base/context.h"
#include "base/thread.h"

#include <stdarg.h>
#include <unistd.h>

#define LEVEL_BIAS 1000 /* makes every stored level a non-NULL pointer value */

pgy_status *pgy_context_new(pgy_context **out)
{
    pgy_status *st = NULL;
    pgy_context *cx = NULL;
    PX_TRY(PX_ALLOC(cx, 1));
    cx->level = cx->min_level = PGY_LOG_INFO;
    *out = cx;
done:
    return st;
}

void pgy_context_free(pgy_context *cx)
{
    if (cx == NULL)
        return;
    px_pool_free(cx->pool);
    px_map_fini(&cx->levels);
    px_map_fini(&cx->seen);
    px_mem_free(cx->backends);
    px_mem_free(cx);
}

void pgy_context_set_log(pgy_context *cx, pgy_log_fn fn, void *user)
{
    cx->log_fn = fn;
    cx->log_user = user;
}

void pgy_context_set_level(pgy_context *cx, int level)
{
    cx->level = level;
    cx->min_level = level;
    for (size_t i = 0; i < cx->levels.n; i++)
        if (cx->levels.at[i].value != NULL)
            cx->min_level =
                PX_MIN(cx->min_level, (int)(intptr_t)cx->levels.at[i].value - LEVEL_BIAS);
}

void pgy_context_set_threads(pgy_context *cx, int n_threads)
{
    cx->n_threads = n_threads;
}

void pgy_context_set_memory_budget(pgy_context *cx, uint64_t size)
{
    cx->memory_budget = size;
}

void pgy_context_set_cancelled(pgy_context *cx, bool is_cancelled)
{
    atomic_store(&cx->is_cancelled, is_cancelled);
}

bool px_context_is_cancelled(const pgy_context *cx)
{
    return cx != NULL && atomic_load_explicit(&cx->is_cancelled, memory_order_relaxed);
}

pgy_status *px_context_check(const pgy_context *cx)
{
    return px_context_is_cancelled(cx) ? PX_FAIL(PGY_ERR_CANCELLED, "The run was cancelled") : NULL;
}

int px_context_threads(const pgy_context *cx)
{
    if (cx->n_threads > 0)
        return cx->n_threads;
    return px_processors();
}

uint64_t px_context_memory_budget(const pgy_context *cx)
{
    if (cx->memory_budget > 0)
        return cx->memory_budget;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 2 : (uint64_t)1 << 30;
}

/* Next path component after *pos; duplicate and leading slashes are skipped. False at the end. */
static bool next_component(px_str path, size_t *pos)
{
    while (*pos < path.len && path.ptr[*pos] == '/')
        (*pos)++;
    if (*pos >= path.len)
        return false;
    while (*pos < path.len && path.ptr[*pos] != '/')
        (*pos)++;
    return true;
}

pgy_status *px_log_set_path_level(pgy_context *cx, px_str path, int level)
{
    pgy_status *st = NULL;
    px_buf node = {0};
    size_t pos = 0, start = 0;
    /* Every prefix becomes a node of the trie; only the last one gets a level of its own. */
    while (next_component(path, &pos)) {
        while (start < pos && path.ptr[start] == '/')
            start++;
        px_buf_putc(&node, '/');
        px_buf_put(&node, path.ptr + start, pos - start);
        PX_TRY(px_buf_status(&node));
        start = pos;
        if (!px_map_has(&cx->levels, px_buf_str(&node)))
            PX_TRY(px_map_set(&cx->levels, px_buf_str(&node), NULL));
    }
    if (node.len == 0)
        pgy_context_set_level(cx, level);
    else
        PX_TRY(px_map_set(&cx->levels, px_buf_str(&node), (void *)(intptr_t)(level + LEVEL_BIAS)));
    cx->min_level = PX_MIN(cx->min_level, level);
done:
    px_buf_fini(&node);
    return st;
}

int px_log_level_of(const pgy_context *cx, const char *origin)
{
    if (cx->levels.n == 0)
        return cx->level;
    char node[512];
    size_t len = 0, pos = 0, start = 0;
    px_str path = px_str_of(origin);
    ptrdiff_t found = -1;
    while (next_component(path, &pos)) {
        while (start < pos && path.ptr[start] == '/')
            start++;
        if (len + 1 + pos - start > sizeof node)
            break;
        node[len++] = '/';
        memcpy(node + len, path.ptr + start, pos - start);
        len += pos - start;
        start = pos;
        ptrdiff_t i = px_map_find(&cx->levels, (px_str){node, len});
        if (i < 0)
            break;
        found = i;
    }
    if (found < 0 || cx->levels.at[found].value == NULL)
        return cx->level;
    return (int)(intptr_t)cx->levels.at[found].value - LEVEL_BIAS;
}

bool px_log_enabled(const pgy_context *cx, int severity, const char *origin)
{
    if (cx == NULL || cx->log_fn == NULL || severity < cx->min_level)
        return false;
    if (cx->n_mutes > 0 && severity < PGY_LOG_CRITICAL)
        return false;
    return severity >= px_log_level_of(cx, origin);
}

static void emit(pgy_context *cx, int severity, const char *origin, bool once, const char *fmt,
                 va_list args)
{
    if (!px_log_enabled(cx, severity, origin))
        return;
    px_buf text = {0};
    px_buf_vprintf(&text, fmt, args);
    px_str s = px_buf_str(&text);
    bool show = true;
    if (once) {
        show = !px_map_has(&cx->seen, s);
        if (show)
            pgy_status_free(px_map_set(&cx->seen, s, cx));
    }
    if (show)
        cx->log_fn(cx->log_user, (pgy_severity)severity, origin, cx->indent, px_buf_cstr(&text),
                   s.len);
    px_buf_fini(&text);
}

void px_log(pgy_context *cx, int severity, const char *origin, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    emit(cx, severity, origin, false, fmt, args);
    va_end(args);
}

void px_log_once(pgy_context *cx, int severity, const char *origin, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    emit(cx, severity, origin, true, fmt, args);
    va_end(args);
}

void px_log_text(pgy_context *cx, int severity, const char *origin, px_str text)
{
    if (px_log_enabled(cx, severity, origin))
        cx->log_fn(cx->log_user, (pgy_severity)severity, origin, cx->indent, text.ptr, text.len);
}

void px_log_indent(pgy_context *cx, int delta)
{
    if (cx != NULL)
        cx->indent += delta;
}

void px_log_mute(pgy_context *cx, int delta)
{
    if (cx != NULL)
        cx->n_mutes += delta;
}

int px_log_get_indent(const pgy_context *cx)
{
    return cx->indent;
}
