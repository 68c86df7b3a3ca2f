/* data/args.h - options of the input data: generated, loaded or from a script. */
#ifndef PX_DATA_ARGS_H
#define PX_DATA_ARGS_H

#include "base/opt.h"
#include "polygraphy/context.h"

/* Value range of one input, or of all others when `input` is "". Both are INT or FLOAT. */
typedef struct px_val_range {
    const char *input;
    px_cast low, high;
} px_val_range;

struct px_feed;

/* What a script's feeds are for. Python knows the numbers. */
typedef enum px_data_use { PX_DATA_RUN = 0, PX_DATA_CALIBRATION = 1 } px_data_use;

/* The user's --data-loader-script, iteration by iteration. */
typedef struct px_data_script {
    /* Feed `i` into the empty `out`; *out_more false: there was no further one. To be asked in
     * order: 0 calls the user's function anew. The uses have nothing to do with each other. */
    pgy_status *(*next)(void *user, px_data_use use, int64_t i, struct px_feed *out,
                        bool *out_more);
    void *user;
} px_data_script;

typedef struct px_data_args {
    px_opt_int seed;                       /* default 1 */
    px_opt_keyed val_range;                /* raw; see ranges. Default [0, 1] */
    px_opt_int iterations;                 /* default 1 */
    px_opt_str data_loader_backend_module; /* "numpy" (default) or "torch" */
    px_opt_strs load_inputs;
    px_opt_script data_loader_script;  /* function "load_data" unless written */
    px_opt_int int_min, int_max;       /* deprecated: integer inputs, default 1 and 25 */
    px_opt_float float_min, float_max; /* deprecated: float inputs, default -1 and 1 */
    px_opt_str data_loader_func_name;  /* deprecated */

    /* Set by px_data_args_check. A key keeps its first position, later words override. */
    px_val_range *ranges;
    size_t n_ranges;

    /* Set by whoever can run Python; needed with data_loader_script, NULL without. */
    px_data_script *script;
} px_data_args;

extern const px_opt_section px_data_group;

/* Errors: USAGE for a range that is no pair of numbers, a seed out of range. Logs deprecations and
 * options that a loaded data set makes useless. */
PX_MUST_USE pgy_status *px_data_args_check(pgy_context *cx, px_arena *arena, px_data_args *args);

#endif
