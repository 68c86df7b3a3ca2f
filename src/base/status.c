/* base/status.c - error objects: a code, one sentence, where it came from. */
#include "base/px.h"

#include <stdarg.h>

struct pgy_status {
    pgy_error code;
    const char *file; /* static storage: __FILE__ */
    int line;
    char *message;
    char *origin;
};

/* Served when memory is out: allocating an error object must not be needed to report that. */
static struct pgy_status nomem = {
    .code = PGY_ERR_NOMEM,
    .file = "mem.c",
    .message = "Out of memory. Close other programs or lower --memory-budget and --iterations.",
    .origin = "mem.c"};

pgy_status *px_status_nomem(void)
{
    return &nomem;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

pgy_status *px_status_new(pgy_error code, const char *file, int line, const char *fmt, ...)
{
    px_buf text = {0}, origin = {0};
    va_list args;

    va_start(args, fmt);
    px_buf_vprintf(&text, fmt, args);
    va_end(args);
    px_buf_printf(&origin, "%s:%d", base_name(file), line);

    pgy_status *st = px_mem_calloc(1, sizeof *st);
    if (st == NULL || text.failed || origin.failed) {
        px_mem_free(st);
        px_buf_fini(&text);
        px_buf_fini(&origin);
        return &nomem;
    }
    *st = (struct pgy_status){.code = code, .file = file, .line = line};
    st->message = px_buf_take(&text);
    st->origin = px_buf_take(&origin);
    return st;
}

pgy_status *px_status_while(pgy_status *st, const char *fmt, ...)
{
    if (st == NULL || st == &nomem)
        return st;
    px_buf text = {0};
    va_list args;
    px_buf_puts(&text, st->message);
    px_buf_puts(&text, " (while ");
    va_start(args, fmt);
    px_buf_vprintf(&text, fmt, args);
    va_end(args);
    px_buf_putc(&text, ')');
    char *message = px_buf_take(&text);
    if (message != NULL) {
        px_mem_free(st->message);
        st->message = message;
    }
    return st;
}

pgy_status *px_status_join(pgy_status *first, pgy_status *second)
{
    if (first == NULL)
        return second;
    pgy_status_free(second);
    return first;
}

pgy_error pgy_status_code(const pgy_status *st)
{
    return st ? st->code : PGY_OK;
}

const char *pgy_status_message(const pgy_status *st)
{
    return st ? st->message : "";
}

const char *pgy_status_origin(const pgy_status *st)
{
    return st ? st->origin : "";
}

void pgy_status_free(pgy_status *st)
{
    if (st == NULL || st == &nomem)
        return;
    px_mem_free(st->message);
    px_mem_free(st->origin);
    px_mem_free(st);
}
