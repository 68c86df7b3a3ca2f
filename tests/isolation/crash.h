/* Backends that go wrong in each way a runtime can, for tests of isolation. */
#ifndef TEST_CRASH_H
#define TEST_CRASH_H

#include "polygraphy/backend.h"

/* What the backend does, and when. */
typedef enum crash_kind {
    CRASH_NOT,
    CRASH_ABORT,
    CRASH_ADDRESS_0,
    CRASH_ALLOCATE,
    CRASH_SLEEP,
    CRASH_EXIT,
    CRASH_ERROR
} crash_kind;
typedef enum crash_at { CRASH_AT_LOAD, CRASH_AT_OPEN, CRASH_AT_INFER } crash_at;

/* Before a crash in the second inference it answers the first; outputs are the inputs. The settings
 * are read by the child, so set them before the runner is activated. */
extern crash_kind crash_how;
extern crash_at crash_when;
/* Goes by the name "onnxrt", in whose place a context takes it. */
extern const pgy_backend_ops crash_ops;

#endif
