/* polygraphy/ref_ops.h - operators of your own for the reference interpreter (--ref-ops LIBRARY).
 *
 * The library is a shared object that exports one function:
 *
 *     const pgy_ref_ops *pgy_ref_ops_get(void);
 *
 * It need not be linked with libpolygraphy: what a kernel may call is handed to it as a table.
 * examples/ref_ops_library.c is a whole one.
 *
 * The interpreter carries float64 between operators whatever the model declares, so a kernel sees
 * few element types: every float type is stored as PGY_DTYPE_F64, complex types as PGY_DTYPE_C128,
 * 2- and 4-bit integers as PGY_DTYPE_I8 and PGY_DTYPE_U8 (one element a byte), strings as arrays
 * of pgy_string, all other types as themselves. The declared type is given beside it.
 */
#ifndef POLYGRAPHY_REF_OPS_H
#define POLYGRAPHY_REF_OPS_H

#include "polygraphy/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when a library built against an older header could not be called any more. */
#define PGY_REF_OPS_ABI 1
/* Name of the exported function. */
#define PGY_REF_OPS_SYMBOL "pgy_ref_ops_get"

/* One call of a kernel; only the functions of pgy_ref_host look inside. */
typedef struct pgy_ref_call pgy_ref_call;

/* An input: dense, row-major, good until the kernel returns. */
typedef struct pgy_ref_array {
    pgy_dtype declared; /* as the model says */
    pgy_dtype stored;   /* what `data` is, see above */
    int rank;
    const int64_t *dims;
    int64_t count;
    const void *data;
} pgy_ref_array;

/* What a kernel may call while it runs, from the thread it was called on. New members come at the
 * end; `struct_size` tells how many there are. */
typedef struct pgy_ref_host {
    size_t struct_size;
    size_t (*n_inputs)(const pgy_ref_call *call); /* as the node lists them */
    size_t (*n_outputs)(const pgy_ref_call *call);
    /* False when the input is left out, or is a sequence or optional. */
    bool (*input)(pgy_ref_call *call, size_t i, pgy_ref_array *out);
    /* The room for output `i`, uninitialised, in the stored type of `declared`; aligned to 64
     * bytes. NULL when it cannot be had: return nonzero then, the reason is kept. A pgy_string's
     * bytes may lie in inputs or scratch. */
    void *(*output)(pgy_ref_call *call, size_t i, pgy_dtype declared, int rank,
                    const int64_t *dims);
    /* Attributes of the node; what is absent gives `otherwise`, false or NULL. Text is not
     * NUL-terminated. */
    int64_t (*attr_int)(const pgy_ref_call *call, const char *name, int64_t otherwise);
    double (*attr_float)(const pgy_ref_call *call, const char *name, double otherwise);
    bool (*attr_string)(const pgy_ref_call *call, const char *name, pgy_string *out);
    const int64_t *(*attr_ints)(const pgy_ref_call *call, const char *name, size_t *out_n);
    const float *(*attr_floats)(const pgy_ref_call *call, const char *name, size_t *out_n);
    /* Zeroed memory that is gone after the call; NULL: there is none, return nonzero. */
    void *(*scratch)(pgy_ref_call *call, size_t size);
    /* Keeps the sentence (copied) as the reason for failing; gives 1, for `return`. The node is
     * named in front of it. */
    int (*fail)(pgy_ref_call *call, const char *sentence);
} pgy_ref_host;

/* One operator from a version of its domain on. It serves models that import version `since` or a
 * newer one, up to the next row of the same name. It goes before the built-in operator of that
 * name, and after a function of that name in the model. */
typedef struct pgy_ref_op {
    const char *domain; /* "" is ai.onnx */
    const char *name;
    int since;            /* 1 or more */
    int min_in, max_in;   /* max_in -1: any number */
    int min_out, max_out; /* max_out -1: any number */
    /* Fills every output; 0 is success. May be called from several threads for several sessions. */
    int (*run)(const pgy_ref_host *host, pgy_ref_call *call);
} pgy_ref_op;

/* What the library exports; lives as long as it is loaded. */
typedef struct pgy_ref_ops {
    uint32_t abi;   /* PGY_REF_OPS_ABI */
    size_t op_size; /* sizeof(pgy_ref_op) */
    size_t n_ops;
    const pgy_ref_op *ops;
} pgy_ref_ops;

typedef const pgy_ref_ops *(*pgy_ref_ops_fn)(void);

#ifdef __cplusplus
}
#endif
#endif
