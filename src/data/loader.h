/* data/loader.h - generated input data: metadata and options in, one feed per iteration out.
 *
 * Iteration i is drawn by a generator of its own, seeded with seed + i, so any iteration can be
 * asked for at any time and none is kept.
 */
#ifndef PX_DATA_LOADER_H
#define PX_DATA_LOADER_H

#include "base/px.h"
#include "data/args.h"
#include "polygraphy/model.h"

/* One iteration's inputs: owned names, references to tensors. {0} is valid and empty. */
typedef struct px_feed {
    size_t n, cap;
    char **names;
    pgy_tensor **tensors;
} px_feed;

/* Copies `name`; takes the reference, also on failure. */
PX_MUST_USE pgy_status *px_feed_add(px_feed *feed, const char *name, pgy_tensor *take_tensor);
void px_feed_clear(px_feed *feed); /* empties it; the struct can be filled again */
void px_feed_fini(px_feed *feed);

typedef struct px_loader px_loader;

/* `shapes` (may be NULL) are the user's --input-shapes; names may be patterns. Everything given is
 * borrowed and outlives the loader. */
PX_MUST_USE pgy_status *px_loader_open(pgy_context *cx, const px_data_args *args,
                                       const px_opt_shapes *shapes, const pgy_io *inputs, size_t n,
                                       px_loader **out);
/* The same options for another runner's inputs. */
PX_MUST_USE pgy_status *px_loader_for(const px_loader *loader, const pgy_io *inputs, size_t n,
                                      px_loader **out);
/* Number of iterations asked for; 0 when the user said 0 or less. */
int64_t px_loader_count(const px_loader *loader);
/* Fills the empty `out` with iteration `index`, inputs in metadata order.
 * Beyond the reference: bfloat16, float8, float4 and 2- and 4-bit integers are generated (drawn
 * like the wide types, then rounded or packed) where the reference gives up. Errors: USAGE naming
 * option and input for a range or seed that cannot be drawn from, UNSUPPORTED for string and
 * complex inputs. Mirrors: comparator/data_loader.py DataLoader. */
PX_MUST_USE pgy_status *px_loader_feed(px_loader *loader, int64_t index, px_feed *out);
void px_loader_close(px_loader *loader);

#endif
