/* data/match_shape.h - bringing a tensor to a wanted shape by permuting and reshaping.
 *
 * One procedure serves inputs that do not fit and --no-shape-check.
 */
#ifndef PX_DATA_MATCH_SHAPE_H
#define PX_DATA_MATCH_SHAPE_H

#include "base/px.h"
#include "base/tensor.h"
#include "polygraphy/model.h"

/* Axis i of the result is axis perm[i] of `t`: numpy's transpose. The result is dense; it shares
 * the bytes when no element moves. */
PX_MUST_USE pgy_status *px_tensor_transpose(pgy_tensor *t, const int *perm, pgy_tensor **out);

/* The reference's match-shape procedure: `dims` may hold -1 for dynamic ones. Reshape when the
 * ranks differ, permute when the sorted dims agree, reshape again. Logs what it did; what cannot
 * be done is logged and skipped, so the result need not have the wanted shape: compare it.
 * Always gives a reference, to `t` itself when nothing changed. Errors: NOMEM.
 * Mirrors: util/array.py try_match_shape. */
PX_MUST_USE pgy_status *px_match_shape(pgy_context *cx, pgy_tensor *t, int rank,
                                       const int64_t *dims, pgy_tensor **out);

/* The same for a model's input; messages show its shape as the reference does there. */
PX_MUST_USE pgy_status *px_match_input_shape(pgy_context *cx, pgy_tensor *t, const pgy_io *input,
                                             pgy_tensor **out);

/* True when a tensor of shape `dims` can be fed where `wanted` (-1: dynamic) is expected. */
bool px_shape_fits(int rank, const int64_t *dims, int wanted_rank, const int64_t *wanted);

#endif
