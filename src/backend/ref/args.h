/* backend/ref/args.h - options of the reference interpreter. */
#ifndef PX_BACKEND_REF_ARGS_H
#define PX_BACKEND_REF_ARGS_H

#include "base/opt.h"

typedef struct px_ref_args {
    px_opt_str ref_precision; /* "float64" (default) or "typed" */
    px_opt_strs ref_ops;      /* libraries of users' operators */
    bool is_unrounded;        /* no option: outputs stay float64 (complex128), as computed */
} px_ref_args;

extern const px_opt_section px_ref_group;

#endif
