/* backend/ref/op/conv.h - what the forms of convolution share. */
#ifndef PX_BACKEND_REF_OP_CONV_H
#define PX_BACKEND_REF_OP_CONV_H

#include "backend/ref/gemm.h"
#include "backend/ref/ref.h"
#include "backend/ref/window.h"

typedef struct px_conv {
    px_ref_window w;
    int64_t batch, groups;
    int64_t group_in, group_out; /* channels of one group */
    int rank;
    int64_t dims[PX_MAX_RANK]; /* of the output */
    const double *x;           /* [batch][groups * group_in][n_in] */
    const double *bias;        /* NULL, or one per output channel */
    double *out;               /* [batch][groups * group_out][n_out] */
} px_conv;

/* Geometry from attributes and shapes; x, bias and out are the caller's to set. */
PX_MUST_USE pgy_status *px_conv_init(px_ref_call *c, const pgy_tensor *x, const pgy_tensor *w,
                                     px_conv *out);
/* *out is NULL when input `i` is left out. */
PX_MUST_USE pgy_status *px_conv_bias(px_ref_call *c, size_t i, const px_conv *cv,
                                     const double **out);
/* Fills cv->out. `w` are the weights, stored as F64 or F32. */
PX_MUST_USE pgy_status *px_conv_run(px_ref_call *c, const px_conv *cv, const pgy_tensor *w);

#endif
