/* cli/stations/terms.c - what the model lets one expect, in terms that are added up. */
#include "cli/stations.h"

#include "model/model.h"

/* The first feed's shapes: what the run had. A script may have given its feeds one by one. */
static pgy_status *feed_shapes(const px_run_state *run, px_feed *feed, pgy_io **out)
{
    pgy_status *st = NULL;
    pgy_io *ios = NULL;
    if (run->source == NULL || px_feeds_source_is_scripted(run->source) ||
        px_feeds_source_count(run->source) == 0)
        return NULL;
    PX_TRY(px_feeds_source_feed(run->source, 0, feed));
    PX_TRY(PX_ALLOC(ios, feed->n + 1));
    for (size_t i = 0; i < feed->n; i++)
        ios[i] = (pgy_io){.name = feed->names[i],
                          .dtype = feed->tensors[i]->dtype,
                          .rank = feed->tensors[i]->rank,
                          .dims = feed->tensors[i]->dims};
    *out = ios;
    ios = NULL;
done:
    px_mem_free(ios);
    return st;
}

pgy_status *px_run_terms(const px_run_state *run, px_terms_map **out)
{
    pgy_status *st = NULL;
    px_onnx_model *onnx;
    px_feed feed = {0};
    px_onnx_infer_options how = {0};
    pgy_io *ios = NULL;
    if (run->model == NULL || pgy_model_get_type(run->model) != PGY_MODEL_ONNX)
        return NULL;
    PX_TRY(px_model_onnx(run->model, &onnx));
    PX_TRY(feed_shapes(run, &feed, &ios));
    how.inputs = ios;
    how.n_inputs = ios ? feed.n : 0;
    PX_TRY(px_terms_map_new(run->cx, onnx, &how, out));
done:
    px_mem_free(ios);
    px_feed_fini(&feed);
    return st;
}

const px_terms *px_run_terms_of(const px_terms_map *map, const char *output)
{
    return map ? px_terms_map_get(map, px_str_of(output)) : NULL;
}
