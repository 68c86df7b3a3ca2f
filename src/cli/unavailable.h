/* cli/unavailable.h - options that are understood but cannot be carried out by this build. */
#ifndef PX_CLI_UNAVAILABLE_H
#define PX_CLI_UNAVAILABLE_H

#include "cli/run_args.h"

/* UNSUPPORTED with one sentence that names the first such option given, or NULL. */
PX_MUST_USE pgy_status *px_run_args_unavailable(const px_run_args *args);

#endif
