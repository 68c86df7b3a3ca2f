/* backend/ref/op/ml.h - what the operators of ai.onnx.ml share: class labels and the transforms of
 * scores. */
#ifndef PX_BACKEND_REF_OP_ML_H
#define PX_BACKEND_REF_OP_ML_H

#include "backend/ref/op/move.h"

typedef enum px_ml_transform {
    PX_ML_NONE,
    PX_ML_SOFTMAX,
    PX_ML_LOGISTIC,
    PX_ML_SOFTMAX_ZERO,
    PX_ML_PROBIT
} px_ml_transform;

/* Attribute post_transform. */
PX_MUST_USE pgy_status *px_ml_transform_of(px_ref_call *c, px_ml_transform *out);
/* One row of scores, in place. */
void px_ml_transform_row(px_ml_transform how, double *row, int64_t n);

/* How one score of a two-class model becomes two. The standard leaves it open; this is what ONNX
 * Runtime does, the softmax transforms included, which leave such scores as they are. */
typedef enum px_ml_second {
    PX_ML_SECOND_NONE,       /* it stays alone */
    PX_ML_SECOND_COMPLEMENT, /* 1 - s and s */
    PX_ML_SECOND_NEGATIVE    /* -s and s */
} px_ml_second;

/* Writes the one or two scores of a single `score` (with LOGISTIC those of -s and s whatever
 * `second` says); returns how many: always 1 with PROBIT. */
int64_t px_ml_binary_scores(px_ml_transform how, px_ml_second second, double score, double *out);

/* Class labels, from attributes `ints_name` or "classlabels_strings". */
typedef struct px_ml_labels {
    int64_t n; /* 0: none are given */
    const int64_t *ints;
    const px_str *strings; /* NULL: ints */
} px_ml_labels;
PX_MUST_USE pgy_status *px_ml_labels_of(px_ref_call *c, const char *ints_name, px_ml_labels *out);
/* Output 0: one label per row; `at` are positions among the labels, or the numbers themselves when
 * no labels are given. */
PX_MUST_USE pgy_status *px_ml_labels_out(px_ref_call *c, const px_ml_labels *labels,
                                         const int64_t *at, int64_t n);

/* Input 0 as rows of features in float64: [N, C], or [C] taken as one row. */
PX_MUST_USE pgy_status *px_ml_rows(px_ref_call *c, const double **out, int64_t *out_rows,
                                   int64_t *out_cols);
/* FLOATS attribute; `*n` 0 and NULL when absent. */
const float *px_ml_floats(const px_ref_call *c, const char *name, int64_t *n);
/* INTS attribute; `*n` 0 and NULL when absent. */
const int64_t *px_ml_ints(const px_ref_call *c, const char *name, int64_t *n);
/* STRINGS attribute; `*n` 0 and NULL when absent. */
const px_str *px_ml_strings(const px_ref_call *c, const char *name, int64_t *n);

#endif
