/* model/uff.h - what a UFF file says about its inputs and outputs.
 *
 * UFF is protobuf: a MetaGraph of graphs of nodes. A parser of such files must be told the inputs
 * and outputs by name, which are nodes of their own: Input, with a shape, and MarkOutput.
 */
#ifndef PX_MODEL_UFF_H
#define PX_MODEL_UFF_H

#include "base/px.h"

enum { PX_UFF_MAX_DIMS = 9 };

typedef struct px_uff_input {
    const char *name;
    int rank;                      /* of the batch too */
    int64_t dims[PX_UFF_MAX_DIMS]; /* -1: any */
} px_uff_input;

/* {0} is empty. Everything lies in the arena. */
typedef struct px_uff {
    px_uff_input *inputs;
    const char **outputs; /* names of the MarkOutput nodes */
    size_t n_inputs, n_outputs;
} px_uff;

/* Reads a whole file. Errors: MODEL with the byte position, also for a file without inputs or
 * outputs; `path` is for messages. */
PX_MUST_USE pgy_status *px_uff_read(px_arena *arena, px_str bytes, const char *path, px_uff *out);

#endif
