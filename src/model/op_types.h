/* model/op_types.h - which element types the standard operators take and give, by version. */
#ifndef PX_MODEL_OP_TYPES_H
#define PX_MODEL_OP_TYPES_H

#include "base/px.h"

#define PX_OP_HALF_F16 1
#define PX_OP_HALF_BF16 2

/* One operator of the default domain, from version `since` until its next row. */
typedef struct px_op_types {
    const char *name;
    int since;
    unsigned half;       /* PX_OP_HALF_*: types that can stand in for float32 */
    unsigned f32_inputs; /* bit i: input i is float32 whatever the others are */
    /* Per output, the last letter for all further ones: a digit: the type of that input; F float32,
     * D float64, L int64, I int32, B bool, U uint8, S string; q: a sequence or optional;
     * ?: an attribute or a subgraph says. */
    const char *outputs;
} px_op_types;

/* The row for an operator at an opset version; NULL when the standard has none. */
const px_op_types *px_op_types_find(px_str name, int64_t opset);

#endif
