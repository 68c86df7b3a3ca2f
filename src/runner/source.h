/* runner/source.h - where a run's feeds come from: generated, loaded from files, or made by a
 * script.
 *
 * Every runner is fed the same data. Generated feeds are made from the first runner's inputs; when
 * several runners (or a file) need them they are kept, above the memory budget in a temporary
 * file. Loaded feeds stay in their files until asked for.
 */
#ifndef PX_RUNNER_SOURCE_H
#define PX_RUNNER_SOURCE_H

#include "data/args.h"
#include "data/loader.h"
#include "results/results.h"

typedef struct px_feeds_source px_feeds_source;

/* `shapes` are the user's --input-shapes. Indexes the files of --load-inputs. Everything given
 * outlives the source. */
PX_MUST_USE pgy_status *px_feeds_source_open(pgy_context *cx, const px_data_args *args,
                                             const px_opt_shapes *shapes, px_feeds_source **out);
/* To be called with the inputs of each activated runner, before the first feed is asked for. With
 * `keep`, all feeds are made now and kept. */
PX_MUST_USE pgy_status *px_feeds_source_begin(px_feeds_source *source, const pgy_io *inputs,
                                              size_t n, bool keep);
/* Is there a feed `i`? Asks a script for it, when its feeds are not kept: then feeds come one by
 * one, and only the newest is there. To be asked in order, after px_feeds_source_begin. */
PX_MUST_USE pgy_status *px_feeds_source_has(px_feeds_source *source, int64_t i, bool *out);
/* Number of feeds; of a script whose feeds are not kept, the number that came so far. */
int64_t px_feeds_source_count(const px_feeds_source *source);
/* Is that the number of all feeds? Of such a script it is when the script has ended. */
bool px_feeds_source_is_counted(const px_feeds_source *source);
/* Can feed `i` of count be had, again? */
bool px_feeds_source_holds(const px_feeds_source *source, int64_t i);
/* Feed `i` of count. `out` is filled and owned by the caller. */
PX_MUST_USE pgy_status *px_feeds_source_feed(px_feeds_source *source, int64_t i, px_feed *out);
/* The generator, for inputs that a loaded or shared feed cannot serve; NULL when there is none. */
const px_loader *px_feeds_source_loader(const px_feeds_source *source);
bool px_feeds_source_is_scripted(const px_feeds_source *source);
/* True when feeds are generated as torch's and saved as such. */
bool px_feeds_source_is_torch(const px_feeds_source *source);
void px_feeds_source_close(px_feeds_source *source);

#endif
