/* base/px.h - what every source file needs: control macros and attributes.
 *
 * The only macros of the project live here. PX_TRY is the only one that hides control flow.
 */
#ifndef PX_BASE_PX_H
#define PX_BASE_PX_H

#include "polygraphy/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PX_COUNTOF(array) (sizeof(array) / sizeof((array)[0]))
#define PX_UNUSED(x) ((void)(x))
#define PX_MIN(a, b) ((a) < (b) ? (a) : (b))
#define PX_MAX(a, b) ((a) > (b) ? (a) : (b))

#define PX_MUST_USE __attribute__((warn_unused_result))
#define PX_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define PX_LIKELY(x) __builtin_expect(!!(x), 1)
#define PX_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Evaluates a `pgy_status *` expression into the local `st` and goes to `done` on failure. */
#define PX_TRY(expr)                                                                               \
    do {                                                                                           \
        st = (expr);                                                                               \
        if (PX_UNLIKELY(st != NULL))                                                               \
            goto done;                                                                             \
    } while (0)

/* A new error: PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot open %s: %s", path, why)). */
#define PX_FAIL(code, ...) px_status_new((code), __FILE__, __LINE__, __VA_ARGS__)

/* Allocates `n` zeroed elements for pointer `p`: a status expression. */
#define PX_ALLOC(p, n) (((p) = px_mem_calloc((n), sizeof *(p))) != NULL ? NULL : px_status_nomem())

/* Makes room for `more` elements behind v->n in a struct with members `at`, `n`, `cap`. */
#define PX_RESERVE(v, more)                                                                        \
    px_mem_reserve((void **)&(v)->at, &(v)->cap, (v)->n, (more), sizeof *(v)->at)

PX_MUST_USE pgy_status *px_status_new(pgy_error code, const char *file, int line, const char *fmt,
                                      ...) PX_PRINTF(4, 5);
/* The static out-of-memory status: reporting it cannot fail. */
PX_MUST_USE pgy_status *px_status_nomem(void);
/* Adds what was being done ("loading the model m.onnx"); NULL stays NULL. */
PX_MUST_USE pgy_status *px_status_while(pgy_status *st, const char *fmt, ...) PX_PRINTF(2, 3);
/* Keeps `first` in front when it is set and frees `second`; either may be NULL. */
PX_MUST_USE pgy_status *px_status_join(pgy_status *first, pgy_status *second);

#include "base/mem.h"
#include "base/str.h"

#endif
