/* runner/source.c - generated, loaded or scripted feeds, kept for all runners. */
#include "runner/source.h"

#include "base/log.h"
#include "data/feed.h"
#include "data/metadata.h"

#include <assert.h>

struct px_feeds_source {
    pgy_context *cx;
    const px_data_args *args;
    const px_opt_shapes *shapes;
    px_loader *loader;  /* NULL: loaded, or no runner yet */
    px_arena arena;     /* the inputs that the loader makes data for */
    px_results results; /* holds one run: the loaded or kept feeds */
    px_run *feeds;
    bool is_loaded, is_kept;

    const px_data_script *script; /* NULL: no script */
    bool script_began, script_done;
    px_feed newest; /* of the script, when feeds are not kept */
    int64_t n_came;
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
    s->script = args->data_loader_script.given ? args->script : NULL;
    PX_TRY(px_results_add_run(&s->results, "", &s->feeds));
    if (shapes->given && !s->is_loaded && s->script == NULL) {
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

/* Moves the feed to the kept ones; above the memory budget it goes to a temporary file. */
static pgy_status *keep_feed(px_feeds_source *s, px_feed *feed)
{
    pgy_status *st = NULL;
    pgy_outputs tensors = {0};
    for (size_t i = 0; i < feed->n; i++)
        PX_TRY(pgy_outputs_add(&tensors, feed->names[i], pgy_tensor_ref(feed->tensors[i])));
    px_feed_clear(feed);
    PX_TRY(px_run_add_iteration(s->cx, &s->results, s->feeds, &tensors));
done:
    px_outputs_clear(&tensors);
    return st;
}

/* Before the script's first feed is asked for; with `keep` all are read now. */
static pgy_status *begin_script(px_feeds_source *s, bool keep)
{
    pgy_status *st = NULL;
    px_feed feed = {0};
    bool more = true;
    px_log(s->cx, PGY_LOG_VERBOSE, PX_AT_DATA, "Loading inputs from data loader");
    s->script_began = true;
    s->is_kept = keep;
    if (!keep)
        PX_TRY(px_feeds_source_has(s, 0, &more));
    while (keep && more) {
        px_feed_clear(&feed);
        PX_TRY(s->script->next(s->script->user, PX_DATA_RUN, (int64_t)s->feeds->n, &feed, &more));
        if (more)
            PX_TRY(keep_feed(s, &feed));
    }
    if (px_feeds_source_count(s) == 0)
        px_log(s->cx, PGY_LOG_WARNING, PX_AT_DATA, "Data loader did not yield any input data.");
done:
    px_feed_fini(&feed);
    return st;
}

/* The runner may be closed before its data is made. */
static pgy_status *copy_io(px_arena *arena, const pgy_io *from, size_t n, const pgy_io **out)
{
    pgy_io *io = px_arena_calloc(arena, n, sizeof *io);
    if (io == NULL)
        return px_status_nomem();
    for (size_t i = 0; i < n; i++) {
        const size_t rank = from[i].rank > 0 ? (size_t)from[i].rank : 0;
        int64_t *dims = px_arena_calloc(arena, rank, sizeof *dims);
        const char **names = px_arena_calloc(arena, rank, sizeof *names);
        io[i] = from[i];
        io[i].name = px_arena_strdup(arena, from[i].name);
        if (dims == NULL || names == NULL || io[i].name == NULL)
            return px_status_nomem();
        for (size_t d = 0; d < rank; d++) {
            const char *name = from[i].dim_names != NULL ? from[i].dim_names[d] : NULL;
            dims[d] = from[i].dims[d];
            names[d] = name != NULL ? px_arena_strdup(arena, name) : NULL;
            if (name != NULL && names[d] == NULL)
                return px_status_nomem();
        }
        io[i].dims = dims;
        io[i].dim_names = names;
    }
    *out = io;
    return NULL;
}

pgy_status *px_feeds_source_begin(px_feeds_source *s, const pgy_io *inputs, size_t n, bool keep)
{
    pgy_status *st = NULL;
    px_feed feed = {0};
    bool is_first = !s->is_loaded && s->loader == NULL;

    if (s->script != NULL)
        return s->script_began ? NULL : begin_script(s, keep);

    if (is_first || (s->is_loaded && !s->is_kept))
        px_log(s->cx, PGY_LOG_VERBOSE, PX_AT_DATA, "Loading inputs from data loader");
    if (is_first) {
        PX_TRY(copy_io(&s->arena, inputs, n, &inputs));
        PX_TRY(px_loader_open(s->cx, s->args, s->shapes, inputs, n, &s->loader));
    }
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

pgy_status *px_feeds_source_has(px_feeds_source *s, int64_t i, bool *out)
{
    pgy_status *st = NULL;
    bool more = false;
    if (s->script != NULL && !s->is_kept && i == s->n_came && !s->script_done) {
        px_feed_clear(&s->newest);
        PX_TRY(s->script->next(s->script->user, PX_DATA_RUN, i, &s->newest, &more));
        s->n_came += more;
        s->script_done = !more;
    }
    *out = i < px_feeds_source_count(s);
done:
    return st;
}

int64_t px_feeds_source_count(const px_feeds_source *s)
{
    if (s->script != NULL && !s->is_kept)
        return s->n_came;
    return s->is_loaded || s->is_kept ? (int64_t)s->feeds->n : px_loader_count(s->loader);
}

bool px_feeds_source_is_counted(const px_feeds_source *s)
{
    return s->script == NULL || s->is_kept || s->script_done;
}

bool px_feeds_source_holds(const px_feeds_source *s, int64_t i)
{
    const bool only_newest = s->script != NULL && !s->is_kept;
    return only_newest ? i == s->n_came - 1 && !s->script_done : i < px_feeds_source_count(s);
}

static pgy_status *share_feed(const px_feed *feed, px_feed *out)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < feed->n; i++)
        PX_TRY(px_feed_add(out, feed->names[i], pgy_tensor_ref(feed->tensors[i])));
done:
    return st;
}

pgy_status *px_feeds_source_feed(px_feeds_source *s, int64_t i, px_feed *out)
{
    if (s->script != NULL && !s->is_kept) {
        assert(i == s->n_came - 1);
        return share_feed(&s->newest, out);
    }
    if (!s->is_loaded && !s->is_kept)
        return px_loader_feed(s->loader, i, out);
    return px_iteration_get_feed(s->cx, &s->feeds->at[i], out);
}

const px_loader *px_feeds_source_loader(const px_feeds_source *s)
{
    return s->loader;
}

bool px_feeds_source_is_scripted(const px_feeds_source *s)
{
    return s->script != NULL;
}

bool px_feeds_source_is_torch(const px_feeds_source *s)
{
    const px_opt_str *module = &s->args->data_loader_backend_module;
    return !s->is_loaded && s->script == NULL && module->given &&
           strcmp(module->value, "torch") == 0;
}

void px_feeds_source_close(px_feeds_source *s)
{
    if (s == NULL)
        return;
    px_loader_close(s->loader);
    px_arena_fini(&s->arena);
    px_feed_fini(&s->newest);
    px_results_fini(&s->results);
    px_mem_free(s);
}
