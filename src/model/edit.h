/* model/edit.h - changing a model before it runs: outputs, precision, saving.
 *
 * All edits work on the graph of model/onnx.h and cost nothing but the graph's new parts; weights
 * stay where they are until a change of precision makes new ones.
 */
#ifndef PX_MODEL_EDIT_H
#define PX_MODEL_EDIT_H

#include "model/args.h"
#include "model/model.h"

/* --- outputs --- */

/* Every node's outputs in graph order but those of Constant nodes, each once; they replace the
 * graph's outputs. */
PX_MUST_USE pgy_status *px_onnx_mark_all(pgy_context *cx, px_onnx_model *m);
/* The named tensors (inputs and node outputs) become the outputs, in this order, each once. A name
 * that no tensor has and that holds any of * ? [ is a pattern over node outputs; one that
 * matches nothing gives a warning.
 * Errors: USAGE when a name is unknown, with the closest ones, or when nothing was selected. */
PX_MUST_USE pgy_status *px_onnx_mark_outputs(pgy_context *cx, px_onnx_model *m,
                                             const char *const *names, size_t n);
/* The outputs of all nodes of these types (case ignored) become the outputs. An unknown type is
 * logged as an error; if none is left, the outputs stay.
 * Errors: USAGE when a type's outputs cannot be marked (Constant). */
PX_MUST_USE pgy_status *px_onnx_mark_by_type(pgy_context *cx, px_onnx_model *m,
                                             const char *const *types, size_t n);
/* Drops outputs by name or pattern; names follow the rules of px_onnx_mark_outputs. */
PX_MUST_USE pgy_status *px_onnx_exclude_outputs(pgy_context *cx, px_onnx_model *m,
                                                const char *const *names, size_t n);

/* --- precision --- */

typedef struct px_onnx_half_options {
    pgy_dtype to; /* F16 or BF16 */
    /* Operator types that stay float32 beside the built-in list; may be NULL. */
    const char *const *keep;
    size_t n_keep;
} px_onnx_half_options;

/* What a change of precision did. */
typedef struct px_onnx_half_report {
    size_t n_weights;  /* tensors converted */
    size_t n_kept;     /* nodes left in float32 */
    size_t n_casts;    /* Cast nodes inserted */
    int64_t n_clamped; /* elements outside the new type's range or below its smallest value */
} px_onnx_half_report;

/* Turns float32 tensors into `to`. Graph inputs and outputs keep their types; Cast nodes stand
 * between. Errors: UNSUPPORTED below opset 6, those of px_onnx_tensor_load, NOMEM. */
PX_MUST_USE pgy_status *px_onnx_to_half(pgy_context *cx, px_onnx_model *m,
                                        const px_onnx_half_options *how, px_onnx_half_report *out);

/* --- saving, and the whole chain --- */

typedef struct px_onnx_save_options {
    bool is_external;          /* weights go to a file of their own */
    const char *external_name; /* relative to the model; NULL or "": the model's name + ".data" */
    bool one_file_each;
    int64_t size_threshold; /* bytes; below it a tensor stays in the model */
    bool keep_external;     /* tensors that are external now stay where they are */
} px_onnx_save_options;

/* Writes `m` to `path`. Models beyond 2 GB get external data anyway, with a warning. */
PX_MUST_USE pgy_status *px_onnx_save(pgy_context *cx, const px_onnx_model *m, const char *path,
                                     const px_onnx_save_options *how);

/* True when the options ask for more than handing the file to a runtime. */
bool px_model_needs_apply(const pgy_model *model, const px_model_args *args);

/* Does what the options ask for, in the order load, outputs, precision, save, with the reference's
 * messages, and sets model->is_edited. Each runner calls it before it opens the model: a second
 * call repeats messages and saving, not the edits. Nothing happens unless px_model_needs_apply.
 * Errors: USAGE, IO, MODEL, UNSUPPORTED when the model is no ONNX file. */
PX_MUST_USE pgy_status *px_model_apply(pgy_context *cx, pgy_model *model,
                                       const px_model_args *args);

/* px_model_apply with model->load_args, if there are any: each runner's first step. */
PX_MUST_USE pgy_status *px_model_load(pgy_model *model);

/* A model as a runtime takes it. */
typedef struct px_model_image {
    px_str bytes;       /* one message; a view of the file when nothing was edited */
    char *path;         /* instead of `bytes`, when these would be 2 GB or more: a temporary file,
                           removed with the image */
    char *external_dir; /* folder that external data is relative to; NULL: there is none */
    char *owned;        /* the bytes, when they are no view */
    char *temp_dir;
} px_model_image;

/* `model` must outlive the image. Errors: MODEL, IO, NOMEM. */
PX_MUST_USE pgy_status *px_model_serialize(pgy_model *model, px_model_image *out);
void px_model_image_fini(px_model_image *image);

#endif
