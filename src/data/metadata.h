/* data/metadata.h - the reference's text for input and output metadata.
 *
 * Dynamic dims print as their symbol in quotes, or None where they have none.
 */
#ifndef PX_DATA_METADATA_H
#define PX_DATA_METADATA_H

#include "base/opt.h"
#include "base/px.h"
#include "polygraphy/model.h"

/* "BoundedShape([1, 'N', None], min=None, max=None)". */
void px_io_print_bounded(px_buf *b, const pgy_io *io);
/* "[dtype=float32, shape=(1, 'N')]"; parts that are not known are left out, "" without any. */
void px_io_print_type(px_buf *b, const pgy_io *io);
/* "{x [dtype=float32, shape=(1, 3)],\n y [dtype=int64, shape=()]}". */
void px_metadata_print(px_buf *b, const pgy_io *io, size_t n);
/* The same for shapes that the user gave: "{x [shape=(1, 3)]}". */
void px_opt_shapes_print(px_buf *b, const px_opt_shapes *shapes);
/* "BoundedShape([2, -1, 3], min=None, max=None)". */
void px_opt_shape_print_bounded(px_buf *b, const px_opt_shape *shape);

#endif
