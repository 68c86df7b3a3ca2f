/* polygraphy/model.h - a model file: what it is, what it takes and what it gives. */
#ifndef POLYGRAPHY_MODEL_H
#define POLYGRAPHY_MODEL_H

#include "polygraphy/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pgy_model_type {
    PGY_MODEL_UNKNOWN = 0,
    PGY_MODEL_ONNX = 1,
    PGY_MODEL_ENGINE = 2,
    PGY_MODEL_TF_FROZEN = 3,
    PGY_MODEL_TF_CKPT = 4,
    PGY_MODEL_TF_SAVED = 5,
    PGY_MODEL_KERAS = 6,
    PGY_MODEL_TRT_SCRIPT = 7,
    PGY_MODEL_UFF = 8,
    PGY_MODEL_CAFFE = 9
} pgy_model_type;

/* One input or output of a model or session. Frozen layout. */
typedef struct pgy_io {
    const char *name;
    pgy_dtype dtype;              /* UNKNOWN when not stated */
    int32_t rank;                 /* -1: not known */
    const int64_t *dims;          /* -1: dynamic */
    const char *const *dim_names; /* NULL, or one entry per dim: a symbol or NULL */
} pgy_io;

typedef struct pgy_model pgy_model;

/* Opens by content and name. ONNX files are mapped, not read; weights are never copied.
 * Errors: IO, MODEL. */
PGY_API PGY_MUST_USE pgy_status *pgy_model_open(pgy_context *cx, const char *path, pgy_model **out);
PGY_API void pgy_model_close(pgy_model *model);
PGY_API pgy_model_type pgy_model_get_type(const pgy_model *model);
PGY_API const char *pgy_model_path(const pgy_model *model);
/* Graph inputs (initializers left out) and outputs, owned by the model. UNSUPPORTED when the
 * type of file does not say. */
PGY_API PGY_MUST_USE pgy_status *pgy_model_inputs(pgy_model *model, const pgy_io **out,
                                                  size_t *out_n);
PGY_API PGY_MUST_USE pgy_status *pgy_model_outputs(pgy_model *model, const pgy_io **out,
                                                   size_t *out_n);

#ifdef __cplusplus
}
#endif
#endif
