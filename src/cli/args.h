/* cli/args.h - options of the command itself: script generation, logging, the runner list. */
#ifndef PX_CLI_ARGS_H
#define PX_CLI_ARGS_H

#include "base/opt.h"
#include "polygraphy/context.h"

typedef struct px_path_level {
    const char *path; /* relative to the reference's package root */
    int level;        /* pgy_severity */
} px_path_level;

typedef struct px_cli_args {
    px_opt_flag help;
    px_opt_str gen_script;  /* path, or "-" for standard output */
    px_opt_str gen_dialect; /* ours: "0.49" (default) or "0.53" */

    px_opt_count verbose, quiet;
    px_opt_strs verbosity; /* raw words; see level and path_levels */
    px_opt_flag silent;
    px_opt_strs log_format; /* of "timestamp", "line-info", "no-colors" */
    px_opt_str log_file;
    px_opt_str color; /* ours: "auto" (default), "always", "never" */

    px_opt_strs runners; /* "tf", "onnxrt", "pluginref", "trt" as given, repeats included */

    /* Set by px_cli_args_check. */
    int level; /* for everything without a path of its own; CRITICAL with --silent */
    px_path_level *path_levels;
    size_t n_path_levels;
} px_cli_args;

extern const px_opt_section px_cli_options, px_cli_logging, px_cli_runners, px_cli_script;

/* Resolves the verbosity and applies it to the context (nothing else of the context changes).
 * Errors: USAGE for a level name that does not exist. */
PX_MUST_USE pgy_status *px_cli_args_check(pgy_context *cx, px_arena *arena, px_cli_args *args);

/* "EXTRA_VERBOSE": the name of a pgy_severity. */
const char *px_cli_level_name(int level);

/* True when the `log_format` list holds `what`. */
bool px_cli_args_log_has(const px_cli_args *args, const char *what);

#endif
