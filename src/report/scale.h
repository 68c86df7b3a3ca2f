/* report/scale.h - numbers to places: linear and logarithmic scales and their ticks. */
#ifndef PX_REPORT_SCALE_H
#define PX_REPORT_SCALE_H

#include "base/px.h"

/* low < high; both positive when `is_log`. */
typedef struct px_scale {
    double low, high;
    bool is_log;
    bool is_cut; /* what is smaller is shown at the low end */
} px_scale;

/* 0 at low, 1 at high, beyond that outside [0, 1]. Zero on a log scale: -INFINITY. */
double px_scale_at(const px_scale *s, double value);
double px_scale_value(const px_scale *s, double at);

#define PX_MAX_TICKS 16

typedef struct px_tick {
    double value;
    char label[24]; /* as short as says it; "1e-05" */
} px_tick;

/* At most `most` (1 to PX_MAX_TICKS) round values within the scale, in order; at least one of them
 * whenever a round value is there. A scale that is cut has its low end among them, "≤2e-06".
 * Returns their number. */
int px_scale_ticks(const px_scale *s, int most, px_tick out[PX_MAX_TICKS]);
/* Round indices of [0, n), 0 among them. */
int px_index_ticks(int64_t n, int most, int64_t out[PX_MAX_TICKS]);

/* "%.<digits>g" in the words of the log. */
void px_number_label(double v, int digits, char *out, size_t size);

#endif
