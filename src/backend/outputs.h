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

/* Drops all names and tensors; the struct can be filled again. */
void px_outputs_clear(pgy_outputs *out);

#endif
