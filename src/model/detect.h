/* model/detect.h - which format a model file has. */
#ifndef PX_MODEL_DETECT_H
#define PX_MODEL_DETECT_H

#include "base/file.h"
#include "polygraphy/model.h"

/* From the first bytes and the outer structure: ONNX, ENGINE, KERAS, TF_FROZEN; else UNKNOWN. */
pgy_model_type px_model_type_of_bytes(px_str bytes);
/* From the extension (case counts, as in the reference), a folder's content; else UNKNOWN. */
pgy_model_type px_model_type_of_name(const char *path);
/* Content first, name second. USAGE when neither tells. */
PX_MUST_USE pgy_status *px_model_detect(const char *path, px_str bytes, pgy_model_type *out);

#endif
