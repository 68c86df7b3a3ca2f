/* runner/source.c - generated or loaded feeds, kept for all runners. */
#include "runner/source.h"

#include "base/log.h"
#include "data/feed.h"
#include "data/metadata.h"

struct px_feeds_source {
    pgy_context *cx;
    const px_data_args *args;
    const px_opt_shapes *shapes;
    px_loader *loader;  /* NULL: loaded, or no runner yet */
    px_results results; /* holds one run: the loaded or kept feeds */
    px_run *feeds;
    bool is_loaded, is_kept;
};

pgy_status *px_feeds_source_open(pgy_context *cx, const px_data_args *args,
                                 const px_opt_shapes *shapes, px_feeds_source **out)
{
    pgy_status *st = NULL;
    px_feeds_source *s = NULL;
    px_buf text = {0};

    PX_TRY(PX_ALLOC(s, 1));
    *s = (px_feeds_source){.cx = cx, .args = args, .shapes = shapes};
    s->is_loaded = args->load_inputs.given;
    PX_TRY(px_results_add_run(&s->results, "", &s->feeds));
    if (shapes->given && !s->is_loaded) {
        px_buf_puts(&text, "Will generate inference input data according to provided "
                           "TensorMetadata: ");
        px_opt_shapes_print(&text, shapes);
        px_log_text(cx, PGY_LOG_INFO, PX_AT_DATA, px_buf_str(&text));
    }
    for (size_t i = 0; s->is_loaded && i < args->load_inputs.n; i++) {
        PX_TRY(px_feeds_load(cx, args->load_inputs.at[i], s->feeds));
    }
    *out = s;
    s = NULL;
done:
    px_buf_fini(&text);
    px_feeds_source_close(s);
    return st;
}

pgy_status *px_feeds_source_begin(px_feeds_source *s, const pgy_io *inputs, size_t n, bool keep)
{
    pgy_status *st = NULL;
    px_feed feed = {0};
    bool is_first = !s->is_loaded && s->loader == NULL;

    if (is_first || (s->is_loaded && !s->is_kept))
        px_log(s->cx, PGY_LOG_VERBOSE, PX_AT_DATA, "Loading inputs from data loader");
    if (is_first)
        PX_TRY(px_loader_open(s->cx, s->args, s->shapes, inputs, n, &s->loader));
    if (is_first && keep)
        for (int64_t i = 0; i < px_loader_count(s->loader); i++) {
            PX_TRY(px_loader_feed(s->loader, i, &feed));
            const pgy_feed view = px_feed_view(&feed);
            PX_TRY(px_run_add_feed(s->cx, &s->results, s->feeds, &view));
            px_feed_clear(&feed);
        }
    if (px_feeds_source_count(s) == 0)
        px_log(s->cx, PGY_LOG_WARNING, PX_AT_DATA, "Data loader did not yield any input data.");
    s->is_kept = s->is_kept || keep || s->is_loaded;
done:
    px_feed_fini(&feed);
    return st;
}

int64_t px_feeds_source_count(const px_feeds_source *s)
{
    return s->is_loaded || s->is_kept ? (int64_t)s->feeds->n : px_loader_count(s->loader);
}

pgy_status *px_feeds_source_feed(px_feeds_source *s, int64_t i, px_feed *out)
{
    if (!s->is_loaded && !s->is_kept)
        return px_loader_feed(s->loader, i, out);
    return px_iteration_get_feed(s->cx, &s->feeds->at[i], out);
}

const px_loader *px_feeds_source_loader(const px_feeds_source *s)
{
    return s->loader;
}

bool px_feeds_source_is_torch(const px_feeds_source *s)
{
    const px_opt_str *module = &s->args->data_loader_backend_module;
    return !s->is_loaded && module->given && strcmp(module->value, "torch") == 0;
}

void px_feeds_source_close(px_feeds_source *s)
{
    if (s == NULL)
        return;
    px_loader_close(s->loader);
    px_results_fini(&s->results);
    px_mem_free(s);
}
