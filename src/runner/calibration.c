/* runner/calibration.c - see the header. */
#include "runner/calibration.h"

#include "data/feed.h"

/* Of a file, or of a script that is asked for it now. */
static pgy_status *given_feed(px_calibration_data *d, const pgy_io *inputs, size_t n, int64_t i,
                              px_feed *out, bool *out_end)
{
    pgy_status *st = NULL;
    const px_data_script *script = d->args->script;
    px_feed raw = {0};
    bool more = true;
    if (d->args->load_inputs.given)
        more = i < px_feeds_source_count(d->source);
    else
        PX_TRY(script->next(script->user, PX_DATA_CALIBRATION, i, &raw, &more));
    *out_end = !more;
    if (!more)
        goto done;
    if (d->args->load_inputs.given)
        PX_TRY(px_feeds_source_feed(d->source, i, &raw));
    const pgy_feed view = px_feed_view(&raw);
    PX_TRY(px_feed_adapt(d->cx, &view, inputs, n, NULL, i, out));
done:
    px_feed_fini(&raw);
    return st;
}

pgy_status *px_calibration_feed(void *user, const pgy_io *inputs, size_t n, int64_t i, px_feed *out,
                                bool *out_end)
{
    pgy_status *st = NULL;
    px_calibration_data *d = user;
    if (d->args->load_inputs.given || px_feeds_source_is_scripted(d->source))
        return given_feed(d, inputs, n, i, out, out_end);
    if (d->loader == NULL)
        PX_TRY(px_loader_open(d->cx, d->args, d->shapes, inputs, n, &d->loader));
    *out_end = i >= px_loader_count(d->loader);
    if (!*out_end)
        PX_TRY(px_loader_feed(d->loader, i, out));
done:
    return st;
}

void px_calibration_data_fini(px_calibration_data *data)
{
    px_loader_close(data->loader);
    data->loader = NULL;
}
