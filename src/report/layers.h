/* report/layers.h - a comparison seen as the model's layers: where does it go wrong first?
 *
 * A layer is a compared output that some node of the graph computes. Layers stand in topological
 * order; numbers are the worst ones over all iterations.
 */
#ifndef PX_REPORT_LAYERS_H
#define PX_REPORT_LAYERS_H

#include "compare/compare.h"
#include "model/onnx_part.h"

/* The values of one tensor in one runner. */
typedef struct px_layer_range {
    bool known;
    double min, max; /* NaN wins */
    int64_t n_nan, n_inf;
} px_layer_range;

typedef struct px_layer_error {
    bool given;              /* false: no numbers, such as for text and other shapes */
    double max_abs, max_rel; /* NaN wins */
    bool has_ulp;
    uint64_t max_ulp;
    bool passed;
} px_layer_error;

typedef struct px_layer {
    const char *output;
    const px_onnx_node *node;
    size_t position; /* of the node in topological order */
    int rank;        /* -1: not known */
    const int64_t *dims;
    px_layer_range of[2]; /* first and second runner */
    px_layer_error error; /* accumulated from the model's inputs on */
    px_layer_error own;   /* on the first runner's inputs of this layer; filled by others */
} px_layer;

#define PX_NO_LAYER SIZE_MAX

/* One pair of runners. */
typedef struct px_layers {
    px_arena arena;
    const char *runner[2];
    px_layer *at;
    size_t n, n_failed;
    size_t n_iterations;
    size_t first_failed, first_bad; /* the latter: NaN or infinity; PX_NO_LAYER: none */
    size_t iteration;               /* in which first_failed failed first; else 0 */
    bool has_own;
} px_layers;

/* `index` must outlive the layers. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_layers_of(const px_onnx_index *index, const px_pair_result *pair,
                                     px_layers *out);
void px_layers_fini(px_layers *layers);

/* The layer of that output; NULL if there is none. */
const px_layer *px_layers_find(const px_layers *layers, px_str output);

/* What a layer reads. */
typedef struct px_layer_input {
    px_str name;
    const char *kind; /* "layer", "input", "weight" */
    px_layer_range of[2];
} px_layer_input;

/* Inputs with their ranges: layers' as compared, weights' read from the model, the model's inputs'
 * out of `feed` (may be NULL). The list lives as long as the layers. Errors: NOMEM, and what
 * reading a weight gives. */
PX_MUST_USE pgy_status *px_layers_inputs(pgy_context *cx, px_layers *layers,
                                         const px_onnx_index *index, const px_layer *layer,
                                         const pgy_feed *feed, const px_layer_input **out,
                                         size_t *out_n);

/* The table: one line of what was compared, headings, a line per layer; all of them, or with
 * `brief` those around the first failure when they are many. */
void px_layers_print(px_buf *b, const px_layers *layers, bool brief);
/* "#12 Conv 'conv1' gives 'x': ..." and a line per input. */
void px_layers_print_one(px_buf *b, const px_layers *layers, const px_layer *layer,
                         const px_layer_input *inputs, size_t n);

#endif
