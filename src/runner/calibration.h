/* runner/calibration.h - the run's input data, as int8 calibration asks for it.
 *
 * Calibration happens while a runner is being activated, before the loop has fed anything, and
 * wants shapes of its own. So generated data comes from a loader for exactly those inputs; what is
 * loaded from files or made by a script is adapted. A script makes it once more for each
 * calibration, one feed at a time.
 */
#ifndef PX_RUNNER_CALIBRATION_H
#define PX_RUNNER_CALIBRATION_H

#include "runner/source.h"

/* The first four are set by the owner and outlive it; {0} otherwise. */
typedef struct px_calibration_data {
    pgy_context *cx;
    const px_data_args *args;
    const px_opt_shapes *shapes;
    px_feeds_source *source;
    px_loader *loader; /* made on first use */
} px_calibration_data;

/* A px_trt_feed_fn with a px_calibration_data for `user`. The same inputs at each call. */
PX_MUST_USE pgy_status *px_calibration_feed(void *user, const pgy_io *inputs, size_t n, int64_t i,
                                            px_feed *out, bool *out_end);
void px_calibration_data_fini(px_calibration_data *data);

#endif
