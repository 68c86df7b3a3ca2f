/* Includes cmocka in the order it needs. */
#ifndef TEST_BASE_H
#define TEST_BASE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/px.h"

/* Fails the test with the error's sentence. */
static inline void assert_ok(pgy_status *st)
{
    if (st != NULL)
        fail_msg("%s [%s]", pgy_status_message(st), pgy_status_origin(st));
}

/* Checks code and that the sentence contains `part`, then frees the error. */
static inline void assert_fails(pgy_status *st, pgy_error code, const char *part)
{
    if (pgy_status_code(st) != code || strstr(pgy_status_message(st), part) == NULL)
        fail_msg("expected error %d with '%s', got %d: %s", code, part, pgy_status_code(st),
                 pgy_status_message(st));
    pgy_status_free(st);
}
#endif
