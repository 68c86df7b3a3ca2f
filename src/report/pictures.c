/* report/pictures.c - see pictures.h. */
#include "report/pictures.h"

#include "base/file.h"
#include "base/log.h"
#include "report/error_plot.h"
#include "report/heatmap.h"

#include <unistd.h>

enum {
    PNG_SCALE = 2,  /* pixels per unit: sharp on any screen */
    MAX_NAME = 200, /* bytes; file systems take 255, the ending and a temporary one included */
    HASH_TEXT = 10
};

/* ---- names ---- */

/* Slashes would be folders. An overlong name keeps its two ends and gets a hash of the whole. */
static void clean_name(px_buf *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    char *cut = NULL;
    for (size_t i = 0; i < name->len; i++) {
        hash = (hash ^ (uint8_t)name->ptr[i]) * 16777619u;
        if (name->ptr[i] == '/')
            name->ptr[i] = '_';
    }
    if (name->len <= MAX_NAME || (cut = px_mem_strndup(name->ptr, name->len)) == NULL)
        return;
    size_t head = 90, tail = name->len - 90;
    while (head > 0 && ((uint8_t)cut[head] & 0xc0) == 0x80)
        head--;
    while (tail < name->len && ((uint8_t)cut[tail] & 0xc0) == 0x80)
        tail++;
    const size_t len = name->len;
    name->len = 0;
    px_buf_put(name, cut, head);
    px_buf_printf(name, "~%08x~", (unsigned)hash);
    px_buf_put(name, cut + tail, len - tail);
    px_mem_free(cut);
}

/* "(0,2,0:16,0:16)" of the image at `position` of the leading dimensions; fewer than three
 * dimensions count as if there were ones in front. */
static void put_coordinates(px_buf *out, const pgy_tensor *t, bool last)
{
    const int rank = PX_MAX(t->rank, 3), missing = rank - t->rank;
    px_buf_putc(out, '(');
    for (int i = 0; i < rank; i++) {
        const int64_t dim = i < missing ? 1 : t->dims[i - missing];
        if (i < rank - 2)
            px_buf_printf(out, "%lld,", (long long)(last ? dim - 1 : 0));
        else
            px_buf_printf(out, "0:%lld%s", (long long)dim, i == rank - 1 ? ")" : ",");
    }
}

static void put_prefix(px_buf *out, px_which which, const char *output)
{
    px_buf_printf(out, "%s Error | %s", which == PX_OF_ABS ? "Absolute" : "Relative", output);
}

/* What the reference calls a heat map after its kind and output. */
static void put_title(px_buf *out, px_which which, const char *output, const px_stats *stats)
{
    put_prefix(out, which, output);
    if (which == PX_OF_REL && stats->min != stats->max)
        px_buf_puts(out, " (Log Scale)");
}

void px_heatmap_file_name(px_buf *out, px_which which, const char *output, const px_pair *pair,
                          const px_stats *stats)
{
    put_title(out, which, output, stats);
    px_buf_puts(out, ": ");
    put_coordinates(out, pair->a, false);
    px_buf_puts(out, " to ");
    put_coordinates(out, pair->a, true);
    clean_name(out);
}

/* DIR/NAME.ENDING, with a number the second time. */
static pgy_status *make_path(px_pictures *p, const char *dir, px_buf *name,
                             px_picture_format format, px_buf *out)
{
    pgy_status *st = NULL;
    const size_t len = name->len;
    PX_TRY(px_buf_status(name));
    px_buf_printf(out, "%s/%s", dir, px_buf_cstr(name));
    if (dir[0] != '\0' && dir[strlen(dir) - 1] == '/') {
        out->len = 0;
        px_buf_printf(out, "%s%s", dir, px_buf_cstr(name));
    }
    PX_TRY(px_buf_status(out));
    const uintptr_t times = 1 + (uintptr_t)px_map_get(&p->names, px_buf_str(out));
    PX_TRY(px_map_set(&p->names, px_buf_str(out), (void *)times));
    if (times > 1)
        px_buf_printf(out, " (%llu)", (unsigned long long)times);
    px_buf_printf(out, ".%s", px_picture_format_name(format));
    name->len = len;
    PX_TRY(px_buf_status(out));
done:
    return st;
}

/* ---- drawing ---- */

static px_picture_format format_of(const px_pictures *p, px_picture_format otherwise)
{
    if (!p->args->picture_format.given)
        return otherwise;
    return strcmp(p->args->picture_format.value, "svg") == 0 ? PX_PICTURE_SVG : PX_PICTURE_PNG;
}

static pgy_status *draw_heatmap(px_pictures *p, px_which which, const px_plot_site *site,
                                const px_pair *pair, const px_pair_stats *stats)
{
    pgy_status *st = NULL;
    px_heatmap map = {0};
    px_buf title = {0}, name = {0}, path = {0}, bytes = {0};
    const px_caption caption = {site->output, {site->runner[0], site->runner[1]}};
    const px_picture_format format = format_of(p, PX_PICTURE_SVG);
    put_prefix(&title, which, site->output);
    px_log(p->cx, PGY_LOG_START, PX_AT_COMPARE,
           "Building heatmaps for %s. This may take a while...", px_buf_cstr(&title));
    title.len = 0;
    put_title(&title, which, site->output, &stats->of[which]);
    px_log_indent(p->cx, 1);
    if (p->args->save_heatmaps.given) {
        PX_TRY(px_heatmap_init(p->cx, pair, stats, which, PX_AREA_X, PX_AREA_Y, &map));
        px_heatmap_file_name(&name, which, site->output, pair, &stats->of[which]);
        PX_TRY(make_path(p, p->args->save_heatmaps.value, &name, format, &path));
        px_log(p->cx, PGY_LOG_INFO, PX_AT_COMPARE, "Saving '%s' heatmap to: '%s'",
               px_buf_cstr(&title), px_buf_cstr(&path));
        PX_TRY(px_heatmap_render(&map, &caption, format, PNG_SCALE, &bytes));
        PX_TRY(px_file_write(px_buf_cstr(&path), bytes.ptr, bytes.len));
    }
    if (p->args->show_heatmaps.given)
        PX_TRY(px_show_heatmap(&p->show, &caption, pair, stats, which));
done:
    px_log_indent(p->cx, -1);
    px_heatmap_fini(&map);
    px_buf_fini(&title);
    px_buf_fini(&name);
    px_buf_fini(&path);
    px_buf_fini(&bytes);
    return px_status_while(st, "drawing the heat map of output '%s'", site->output);
}

static pgy_status *draw_error_plot(px_pictures *p, const px_plot_site *site, const px_pair *pair)
{
    pgy_status *st = NULL;
    px_error_plot plot = {0};
    px_buf name = {0}, path = {0}, bytes = {0};
    const px_caption caption = {site->output, {site->runner[0], site->runner[1]}};
    const px_picture_format format = format_of(p, PX_PICTURE_PNG);
    px_log(p->cx, PGY_LOG_START, PX_AT_COMPARE,
           "Building error metrics plot for %s. This may take a while...", site->output);
    px_log_indent(p->cx, 1);
    PX_TRY(px_error_plot_init(p->cx, pair, &plot));
    if (p->args->save_error_metrics_plot.given) {
        px_buf_printf(&name, "error_metrics_%s", site->output);
        clean_name(&name);
        PX_TRY(make_path(p, p->args->save_error_metrics_plot.value, &name, format, &path));
        px_log(p->cx, PGY_LOG_INFO, PX_AT_COMPARE, "Saving error metrics plot to: '%s'",
               px_buf_cstr(&path));
        PX_TRY(px_error_plot_render(&plot, &caption, format, PNG_SCALE, &bytes));
        PX_TRY(px_file_write(px_buf_cstr(&path), bytes.ptr, bytes.len));
    }
    if (p->args->show_error_metrics_plot.given)
        PX_TRY(px_show_error_plot(&p->show, &caption, &plot));
done:
    px_log_indent(p->cx, -1);
    px_error_plot_fini(&plot);
    px_buf_fini(&name);
    px_buf_fini(&path);
    px_buf_fini(&bytes);
    return px_status_while(st, "plotting the errors of output '%s'", site->output);
}

static pgy_status *draw(void *user, pgy_context *cx, px_plot_stage stage, const px_plot_site *site,
                        const px_pair *pair, const px_pair_stats *stats)
{
    px_pictures *p = user;
    const bool plots =
        p->args->save_error_metrics_plot.given || p->args->show_error_metrics_plot.given;
    const bool maps = p->args->save_heatmaps.given || p->args->show_heatmaps.given;
    if (!(stage == PX_PLOT_ERRORS ? plots : maps))
        return NULL;
    if (pair == NULL || pair->count == 0) {
        px_log(cx, PGY_LOG_INFO, PX_AT_COMPARE, "No %s of output '%s': %s",
               stage == PX_PLOT_ERRORS ? "error plot" : "heat map", site->output,
               pair == NULL ? "text is not drawn" : "it has no elements");
        return NULL;
    }
    if (stage == PX_PLOT_ERRORS)
        return draw_error_plot(p, site, pair);
    return draw_heatmap(p, stage == PX_PLOT_ABS_HEATMAP ? PX_OF_ABS : PX_OF_REL, site, pair, stats);
}

px_plot_hook px_pictures_hook(px_pictures *p)
{
    return (px_plot_hook){draw, p};
}

/* ---- the run ---- */

static pgy_status *make_folder(const char *option, const px_opt_str *dir)
{
    if (!dir->given)
        return NULL;
    return px_status_while(px_path_make_dirs(dir->value), "making the folder of %s", option);
}

pgy_status *px_pictures_init(px_pictures *p, pgy_context *cx, const px_report_args *args)
{
    pgy_status *st = NULL;
    *p = (px_pictures){.cx = cx, .args = args};
    px_show_init(&p->show, cx);
    PX_TRY(make_folder("--save-heatmaps", &args->save_heatmaps));
    PX_TRY(make_folder("--save-error-metrics-plot", &args->save_error_metrics_plot));
done:
    return st;
}

pgy_status *px_pictures_finish(px_pictures *p)
{
    return px_show_finish(&p->show);
}

void px_pictures_fini(px_pictures *p)
{
    px_show_fini(&p->show);
    px_map_fini(&p->names);
}
