/* model/model.h - the inside of pgy_model. */
#ifndef PX_MODEL_MODEL_H
#define PX_MODEL_MODEL_H

#include "base/file.h"
#include "model/onnx.h"
#include "polygraphy/model.h"

struct pgy_model {
    pgy_context *cx;
    pgy_model_type type;
    char *path;  /* absolute, or NULL for a model made in memory */
    char *extra; /* what followed the path after a colon (a function name), or NULL */
    px_file file;
    px_onnx_model *onnx;  /* parsed on first use */
    char *external_dir;   /* --external-data-dir, or NULL */
    bool ignore_external; /* --ignore-external-data */
    bool is_edited;       /* the IR differs from the file: a runtime must get serialized bytes */
    size_t part;          /* 0: a whole model; k: the k-th part of one, run a few times at most */
    const struct px_model_args *load_args; /* what px_model_load applies; borrowed, may be NULL */
    void *options;                         /* owned: what `load_args` lie in, or NULL */
    void (*free_options)(void *options);
    px_arena arena; /* pgy_io tables */
    pgy_io *inputs, *outputs;
    size_t n_inputs, n_outputs;
    bool io_done;
};

/* Opens `path` as `type` (UNKNOWN: detect). Types other than ONNX are only remembered. */
PX_MUST_USE pgy_status *px_model_open(pgy_context *cx, const char *path, pgy_model_type type,
                                      pgy_model **out);
/* A model of a graph that was cut from the one at `path`, as its part number `part`, from 1. Takes
 * the graph, also on failure. */
PX_MUST_USE pgy_status *px_model_of_part(pgy_context *cx, const char *path, size_t part,
                                         px_onnx_model *take_onnx, pgy_model **out);
/* A model whose bytes somebody made; `path` (may be NULL) is for messages. Takes the file, also on
 * failure. */
PX_MUST_USE pgy_status *px_model_of_file(pgy_context *cx, const char *path, pgy_model_type type,
                                         px_file take_file, pgy_model **out);
/* Parsed graph, owned by the model. MODEL when it is no ONNX file. */
PX_MUST_USE pgy_status *px_model_onnx(pgy_model *model, px_onnx_model **out);

#endif
