/* report/doc/exhibit.c - see exhibit.h. */
#include "report/doc/exhibit.h"
#include "report/heatmap.h"

enum { MAX_DRAWN = 8, MAP_X = 520, MAP_Y = 320 };

static void exhibit_fini(px_exhibit *e)
{
    px_mem_free(e->output);
    px_mem_free(e->runner[0]);
    px_mem_free(e->runner[1]);
    px_buf_fini(&e->map[0]);
    px_buf_fini(&e->map[1]);
}

void px_exhibits_fini(px_exhibits *exhibits)
{
    for (size_t i = 0; i < exhibits->n; i++)
        exhibit_fini(&exhibits->at[i]);
    px_mem_free(exhibits->at);
    *exhibits = (px_exhibits){0};
}

const px_exhibit *px_exhibit_find(const px_exhibits *exhibits, const char *output,
                                  const char *runner0, const char *runner1)
{
    for (size_t i = 0; i < exhibits->n; i++) {
        const px_exhibit *e = &exhibits->at[i];
        if (strcmp(e->output, output) == 0 && strcmp(e->runner[0], runner0) == 0 &&
            strcmp(e->runner[1], runner1) == 0)
            return e;
    }
    return NULL;
}

/* The place for an output's exhibit; NULL when a better one is there already. */
static pgy_status *place_of(px_exhibits *x, const px_plot_site *site, int64_t n_mismatch,
                            px_exhibit **out)
{
    pgy_status *st = NULL;
    const px_exhibit *known = px_exhibit_find(x, site->output, site->runner[0], site->runner[1]);
    *out = NULL;
    if (known != NULL) {
        if (known->n_mismatch == 0 && n_mismatch > 0)
            *out = &x->at[known - x->at];
        return NULL;
    }
    PX_TRY(PX_RESERVE(x, 1));
    px_exhibit *e = &x->at[x->n++];
    *e = (px_exhibit){.output = px_mem_strdup(site->output),
                      .runner = {px_mem_strdup(site->runner[0]), px_mem_strdup(site->runner[1])}};
    if (e->output == NULL || e->runner[0] == NULL || e->runner[1] == NULL)
        PX_TRY(px_status_nomem());
    *out = e;
done:
    return st;
}

static pgy_status *draw_maps(px_exhibits *x, pgy_context *cx, const px_pair *pair,
                             const px_pair_stats *stats, px_exhibit *e)
{
    static const px_which which[] = {PX_OF_ABS, PX_OF_REL};
    pgy_status *st = NULL;
    px_heatmap map = {0};
    const px_caption caption = {e->output, {e->runner[0], e->runner[1]}};
    if (stats->n_mismatch == 0 || x->n_drawn >= MAX_DRAWN || pair->count == 0)
        return NULL;
    for (int i = 0; i < 2; i++) {
        e->map[i].len = 0;
        PX_TRY(px_heatmap_init(cx, pair, stats, which[i], MAP_X, MAP_Y, &map));
        PX_TRY(px_heatmap_render(&map, &caption, PX_PICTURE_SVG, 1, &e->map[i]));
        px_heatmap_fini(&map);
        map = (px_heatmap){0};
    }
    x->n_drawn++;
done:
    px_heatmap_fini(&map);
    return st;
}

static pgy_status *collect(px_exhibits *x, pgy_context *cx, const px_plot_site *site,
                           const px_pair *pair, const px_pair_stats *stats)
{
    pgy_status *st = NULL;
    px_exhibit *e;
    px_hist hists[PX_N_OF];
    PX_TRY(place_of(x, site, stats->n_mismatch, &e));
    if (e == NULL)
        goto done;
    PX_TRY(px_hists_of(cx, pair, PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL), stats->of, NULL, hists));
    e->hist[0] = hists[PX_OF_ABS];
    e->hist[1] = hists[PX_OF_REL];
    PX_TRY(draw_maps(x, cx, pair, stats, e));
    e->n_mismatch = stats->n_mismatch;
done:
    return px_status_while(st, "collecting output '%s' for the report", site->output);
}

static pgy_status *draw(void *user, pgy_context *cx, px_plot_stage stage, const px_plot_site *site,
                        const px_pair *pair, const px_pair_stats *stats)
{
    pgy_status *st = NULL;
    px_exhibits *x = user;
    if (x->wanted && stage == PX_PLOT_ERRORS && pair != NULL)
        PX_TRY(collect(x, cx, site, pair, stats));
    if (x->next.draw != NULL)
        PX_TRY(x->next.draw(x->next.user, cx, stage, site, pair, stats));
done:
    return st;
}

px_plot_hook px_exhibits_hook(px_exhibits *exhibits)
{
    return (px_plot_hook){draw, exhibits};
}
