/* cli/unavailable.h - options that are understood but cannot be carried out by this build. */
#ifndef PX_CLI_UNAVAILABLE_H
#define PX_CLI_UNAVAILABLE_H

#include "cli/run_args.h"

/* UNSUPPORTED with one sentence that names the first such option given, or NULL. The first looks at
 * options that end the command without a run and so comes before the RUNNING line; the second at
 * all others. */
PX_MUST_USE pgy_status *px_run_args_unavailable_instead(const px_run_args *args);
PX_MUST_USE pgy_status *px_run_args_unavailable(const px_run_args *args);

#endif
