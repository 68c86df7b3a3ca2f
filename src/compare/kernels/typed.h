/* compare/kernels/typed.h - the loops for work types other than float32, in plain C.
 *
 * Data reaches them converted to one of six work types. Sum orders are those of kernels.h.
 */
#ifndef PX_COMPARE_KERNELS_TYPED_H
#define PX_COMPARE_KERNELS_TYPED_H

#include "compare/kernels/kernels.h"

/* Types that differences are taken in: numpy's after the reference's widening. */
typedef enum px_work { PX_BOOL, PX_I32, PX_I64, PX_U64, PX_F32, PX_F64 } px_work;
#define PX_N_WORK 6

size_t px_work_size(px_work w);

/* Extremes of what is not NaN, with the position of the first one and of the first NaN (-1: none).
 * A long double holds every 64-bit integer exactly on the machines we run on. */
typedef struct px_extremes {
    long double min, max;
    int64_t argmin, argmax; /* -1: nothing there */
    int64_t first_nan, n_nan, n_inf;
} px_extremes;

void px_t_extremes(px_work w, const void *x, int64_t n, px_extremes *out);
/* |a - b| in `w`: wrapping for integers (|INT_MIN| is INT_MIN), xor for bool. */
void px_t_absdiff(px_work w, const void *a, const void *b, int64_t n, void *out);
/* abs / |b| in double; zeros of a floating b count as 2^-52, and `*io_n_zero` counts them. */
void px_t_reldiff(px_work w_abs, const void *abs, px_work w_b, const void *b, int64_t n,
                  double *out, int64_t *io_n_zero);
void px_t_to_f32(px_work w, const void *x, int64_t n, float *out);
void px_t_to_f64(px_work w, const void *x, int64_t n, double *out);
/* |x| as float32; an integer equal to `lowest` stays negative, as it does in its own type. */
void px_t_magnitude(px_work w, const void *x, int64_t n, int64_t lowest, float *out);
/* Pairwise sum, and of (x - mean)^2. */
double px_t_sum_f64(const double *x, int64_t n);
double px_t_sq_dev_f64(const double *x, int64_t n, double mean);

/* Keys that order as the values do, in the upper bits of 64. */
int px_key_bits(px_work w);
void px_t_keys(px_work w, const void *x, int64_t n, uint64_t *out);
double px_key_to_f64(px_work w, uint64_t key);

#endif
