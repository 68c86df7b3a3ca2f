/* cli/groups.h - every option group of `polygraphy run`, in the order the reference registers. */
#ifndef PX_CLI_GROUPS_H
#define PX_CLI_GROUPS_H

#include "cli/argparse.h"
#include "cli/run_args.h"

/* Offsets are into px_run_args. */
extern const px_opt_group px_run_groups[];
extern const size_t px_n_run_groups;

#endif
