/* backend/outputs.h - the inside of pgy_outputs. */
#ifndef PX_BACKEND_OUTPUTS_H
#define PX_BACKEND_OUTPUTS_H

#include "base/px.h"
#include "polygraphy/backend.h"

typedef struct px_named_tensor {
    char *name;
    pgy_tensor *tensor;
} px_named_tensor;

struct pgy_outputs {
    px_named_tensor *at;
    size_t n, cap;
    uint64_t elapsed_ns;
};

/* Values that are no tensors come out as several outputs. A sequence NAME: its length here, as an
 * int64 scalar NAME.length, and its items as NAME[0], NAME[1], ...; an optional: whether it has a
 * value, as a truth value NAME.has_value, and the value under its own NAME; a map: its sorted keys
 * as NAME.keys and the values in the same order as NAME.values. */
PX_MUST_USE pgy_status *px_outputs_add_length(pgy_outputs *out, const char *name, size_t n);
PX_MUST_USE pgy_status *px_outputs_add_presence(pgy_outputs *out, const char *name, bool has_value);
/* Deeper than anything that is declared; a loop can nest values without end. */
#define PX_OUTPUTS_MAX_DEPTH 8

/* Drops all names and tensors; the struct can be filled again. */
void px_outputs_clear(pgy_outputs *out);

#endif
