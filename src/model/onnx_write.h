/* model/onnx_write.h - the graph of onnx.h back into ONNX bytes and files.
 *
 * What no edit touched leaves as the bytes it came in, unknown fields included. Weights are not
 * copied: the result points into the file, into external files' maps, into edited tensors.
 */
#ifndef PX_MODEL_ONNX_WRITE_H
#define PX_MODEL_ONNX_WRITE_H

#include "model/onnx.h"
#include "model/pb_write.h"

typedef struct px_onnx_write_options {
    bool inline_external; /* external tensors become part of the message; else they stay outside */
    /* Initializers of at least `size_threshold` bytes go to this file, a path below the model's
     * folder; NULL: to no file. Implies inline_external for the smaller ones. */
    const char *external_name;
    bool one_file_each; /* each to a file named after it, in place of `external_name` */
    int64_t size_threshold;
    const char *avoid_name; /* file name that no tensor's file may have: the model's own */
} px_onnx_write_options;

/* A run of bytes for an external file. */
typedef struct px_onnx_external {
    const char *name; /* the file; runs of one file follow each other */
    const void *ptr;
    size_t size;
    uint64_t offset;
} px_onnx_external;

/* A written model. {0} is valid; end with px_onnx_image_fini. */
typedef struct px_onnx_image {
    px_pb_out message;
    px_onnx_external *at; /* in the order of their offsets */
    size_t n, cap;
    px_map names; /* of external files */
    uint64_t external_size;
    bool keeps_external; /* some tensors still lie in the files they came from */
    pgy_tensor **held;   /* elements that `message` and `at` point to */
    size_t n_held, cap_held;
} px_onnx_image;

/* `model` must outlive the image. Errors: those of px_onnx_tensor_load. */
PX_MUST_USE pgy_status *px_onnx_write(const px_onnx_model *model, const px_onnx_write_options *how,
                                      px_onnx_image *out);
/* External files first, then the model, each atomically. Creates missing folders. */
PX_MUST_USE pgy_status *px_onnx_image_save(pgy_context *cx, const px_onnx_image *image,
                                           const char *path);
void px_onnx_image_fini(px_onnx_image *image);

#endif
