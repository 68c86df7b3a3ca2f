/* polygraphy/status.h - the one error type.
 *
 * Every fallible function returns `pgy_status *`: NULL is success, anything else
 * is an error object that the caller owns and frees with pgy_status_free().
 */
#ifndef POLYGRAPHY_STATUS_H
#define POLYGRAPHY_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PGY_API __attribute__((visibility("default")))
#define PGY_MUST_USE __attribute__((warn_unused_result))
#else
#define PGY_API
#define PGY_MUST_USE
#endif

/* Numbered explicitly: the values are ABI. */
typedef enum pgy_error {
    PGY_OK = 0,
    PGY_ERR_USAGE = 1,       /* an option or argument is wrong */
    PGY_ERR_IO = 2,          /* a file cannot be read or written */
    PGY_ERR_MODEL = 3,       /* a model or data file has wrong content */
    PGY_ERR_BACKEND = 4,     /* an inference runtime is missing or failed */
    PGY_ERR_UNSUPPORTED = 5, /* well-formed, but this build cannot do it */
    PGY_ERR_NOMEM = 6,
    PGY_ERR_BUG = 7,      /* an invariant of the library does not hold */
    PGY_ERR_CANCELLED = 8 /* pgy_context_set_cancelled asked for it */
} pgy_error;

typedef struct pgy_status pgy_status;

/* PGY_OK for NULL. */
PGY_API pgy_error pgy_status_code(const pgy_status *st);
/* The whole sentence, context chain included, NUL-terminated UTF-8. Lives as long as `st`. */
PGY_API const char *pgy_status_message(const pgy_status *st);
/* Source position the error was raised at, for developers: "file.c:123". Never NULL. */
PGY_API const char *pgy_status_origin(const pgy_status *st);
/* Accepts NULL. */
PGY_API void pgy_status_free(pgy_status *st);

#ifdef __cplusplus
}
#endif
#endif
