/* compare/profile.h - how the errors of an output are spread over magnitudes, in bounded memory.
 *
 * An element passes when its absolute error is within `atol` or its relative error within `rtol`.
 * So for a given atol the rtol that is needed is the largest relative error among the elements
 * beyond atol. A profile keeps that for two limits an octave of absolute error: every pair it gives
 * lets all elements pass, and profiles of several iterations add up.
 */
#ifndef PX_COMPARE_PROFILE_H
#define PX_COMPARE_PROFILE_H

#include "compare/pair.h"

/* One bin for each exponent and first mantissa bit of float32. */
enum { PX_PROFILE_BINS = 512 };

typedef struct px_profile_bin {
    double max_abs, max_rel; /* -1: no element */
} px_profile_bin;

typedef struct px_profile {
    char *output; /* name in the first run */
    px_profile_bin bins[PX_PROFILE_BINS];
} px_profile;

typedef struct px_profiles {
    px_profile **at; /* one an output, in order of first mention */
    size_t n, cap;
} px_profiles;

/* The profile of an output, made when there is none; owned by the list. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_profiles_of(px_profiles *list, const char *output, px_profile **out);
void px_profiles_fini(px_profiles *list);

/* Adds all elements of a pair, in one threaded pass; those whose error is NaN or infinite are left
 * out. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_profile_add(pgy_context *cx, const px_pair *pair, px_profile *io);

#endif
