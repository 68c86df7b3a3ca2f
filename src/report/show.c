/* report/show.c - see show.h. */
#include "report/show.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

void px_show_init(px_show *show, pgy_context *cx)
{
    *show = (px_show){.cx = cx};
}

void px_show_fini(px_show *show)
{
    px_mem_free(show->folder);
    px_mem_free(show->first);
    px_buf_fini(&show->page);
}

/* ---- where to ---- */

static pgy_status *make_folder(px_show *show)
{
    pgy_status *st = NULL;
    px_buf path = {0};
    const char *dir = getenv("TMPDIR");
    px_buf_printf(&path, "%s/polygraphy-pictures-XXXXXX", dir != NULL && *dir ? dir : "/tmp");
    PX_TRY(px_buf_status(&path));
    if (mkdtemp(path.ptr) == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_IO,
                       "Cannot make a folder %s for pictures: %s; set TMPDIR to one "
                       "that can be written to.",
                       path.ptr, strerror(errno)));
    show->folder = px_buf_take(&path);
done:
    px_buf_fini(&path);
    return st;
}

static pgy_status *get_ready(px_show *show)
{
    px_show_env env;
    if (show->ready)
        return NULL;
    px_show_env_get(&env);
    show->way = px_show_choose(&env);
    show->columns = px_terminal_columns();
    show->ready = true;
    return show->way == PX_SHOW_VIEWER ? make_folder(show) : NULL;
}

/* The picture format that a way takes. */
static px_picture_format format_of(px_show_way way)
{
    return way == PX_SHOW_VIEWER  ? PX_PICTURE_SVG
           : way == PX_SHOW_SIXEL ? PX_PICTURE_PIXELS
                                  : PX_PICTURE_PNG;
}

static pgy_status *add_file(px_show *show, const px_buf *svg)
{
    pgy_status *st = NULL;
    px_buf path = {0};
    show->n++;
    px_buf_printf(&path, "%s/%zu.svg", show->folder, show->n);
    PX_TRY(px_buf_status(&path));
    PX_TRY(px_file_write(path.ptr, svg->ptr, svg->len));
    px_buf_printf(&show->page, "<p><img src=\"%zu.svg\" alt=\"picture %zu\">\n", show->n, show->n);
    if (show->first == NULL)
        show->first = px_buf_take(&path);
done:
    px_buf_fini(&path);
    return st;
}

static pgy_status *put_sixels(px_buf *out, const px_buf *bytes)
{
    int size[2];
    memcpy(size, bytes->ptr, sizeof size);
    return px_sixel_put(out, (const px_rgb *)(const void *)(bytes->ptr + sizeof size), size[0],
                        size[1]);
}

/* Standard output at once, after the log lines before it. */
static pgy_status *print(const px_buf *text)
{
    if (fwrite(text->ptr, 1, text->len, stdout) != text->len || fflush(stdout) != 0)
        return PX_FAIL(PGY_ERR_IO, "The picture could not be written to standard output: %s",
                       strerror(errno));
    return NULL;
}

/* A rendered picture, in the format of the way. */
static pgy_status *deliver(px_show *show, const px_buf *bytes)
{
    pgy_status *st = NULL;
    px_buf out = {0};
    if (show->way == PX_SHOW_VIEWER)
        return add_file(show, bytes);
    if (show->way == PX_SHOW_KITTY)
        px_kitty_put(&out, bytes);
    else if (show->way == PX_SHOW_ITERM)
        px_iterm_put(&out, bytes);
    else
        PX_TRY(put_sixels(&out, bytes));
    PX_TRY(px_buf_status(&out));
    PX_TRY(print(&out));
done:
    px_buf_fini(&out);
    return st;
}

/* ---- pictures ---- */

pgy_status *px_show_heatmap(px_show *show, const px_caption *caption, const px_pair *pair,
                            const px_pair_stats *stats, px_which which)
{
    pgy_status *st = NULL;
    px_heatmap map = {0};
    px_buf out = {0};
    int x = PX_AREA_X, y = PX_AREA_Y;
    PX_TRY(get_ready(show));
    if (show->way >= PX_SHOW_TRUE_COLOR)
        px_blocks_area(show->way, show->columns, &x, &y);
    PX_TRY(px_heatmap_init(show->cx, pair, stats, which, x, y, &map));
    if (show->way >= PX_SHOW_TRUE_COLOR) {
        PX_TRY(px_blocks_put_heatmap(&out, show->way, &map, caption));
        PX_TRY(print(&out));
    } else {
        PX_TRY(px_heatmap_render(&map, caption, format_of(show->way), 1, &out));
        PX_TRY(deliver(show, &out));
    }
done:
    px_heatmap_fini(&map);
    px_buf_fini(&out);
    return st;
}

pgy_status *px_show_error_plot(px_show *show, const px_caption *caption, const px_error_plot *plot)
{
    pgy_status *st = NULL;
    px_buf out = {0};
    PX_TRY(get_ready(show));
    if (show->way >= PX_SHOW_TRUE_COLOR) {
        PX_TRY(px_blocks_put_error_plot(&out, show->way, show->columns, plot, caption));
        PX_TRY(print(&out));
    } else {
        PX_TRY(px_error_plot_render(plot, caption, format_of(show->way), 1, &out));
        PX_TRY(deliver(show, &out));
    }
done:
    px_buf_fini(&out);
    return st;
}

/* ---- the viewer ---- */

/* Not waited for: it may live as long as its window. Its words are not ours. */
static int start_viewer(const char *path)
{
    char *argv[] = {(char *)(uintptr_t) "xdg-open", (char *)(uintptr_t)path, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return rc;
    for (int fd = 0; fd <= 2 && rc == 0; fd++)
        rc = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    if (rc == 0)
        rc = posix_spawnp(&pid, "xdg-open", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

pgy_status *px_show_finish(px_show *show)
{
    pgy_status *st = NULL;
    px_buf path = {0}, page = {0};
    if (show->n == 0)
        return NULL;
    px_buf_puts(&path, show->first);
    if (show->n > 1) {
        px_buf_puts(&page, "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Polygraphy</title>\n"
                           "<style>body{background:#ddd}img{background:#fff}</style>\n");
        px_buf_putstr(&page, px_buf_str(&show->page));
        path.len = 0;
        px_buf_printf(&path, "%s/index.html", show->folder);
        PX_TRY(px_buf_status(&page));
        PX_TRY(px_buf_status(&path));
        PX_TRY(px_file_write(path.ptr, page.ptr, page.len));
    }
    PX_TRY(px_buf_status(&path));
    px_log(show->cx, PGY_LOG_INFO, PX_AT_COMPARE, "Showing %zu picture%s: %s", show->n,
           show->n > 1 ? "s" : "", path.ptr);
    const int rc = start_viewer(path.ptr);
    if (rc != 0)
        px_log(show->cx, PGY_LOG_WARNING, PX_AT_COMPARE,
               "xdg-open could not be started: %s; open %s yourself.", strerror(rc), path.ptr);
done:
    px_buf_fini(&path);
    px_buf_fini(&page);
    return st;
}
