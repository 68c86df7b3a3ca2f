/* report/extract.c - see the header. */
#include "report/extract.h"

#include "base/log.h"
#include "data/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        px_mem_free(names[i]);
    px_mem_free(names);
}

pgy_status *px_extract_check(const char *dir)
{
    pgy_status *st = NULL;
    char **names = NULL;
    size_t n = 0;
    if (!px_path_exists(dir))
        return NULL;
    if (!px_path_is_dir(dir))
        return PX_FAIL(PGY_ERR_USAGE,
                       "--extract-first-failure %s is a file; give a folder that is "
                       "empty or does not exist yet",
                       dir);
    PX_TRY(px_path_list(dir, NULL, &names, &n));
    if (n > 0)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "--extract-first-failure %s holds '%s' already; give a folder that is empty "
                       "or does not exist yet",
                       dir, names[0]));
done:
    free_names(names, n);
    return st;
}

static pgy_status *write_inputs(pgy_context *cx, const px_feed *inputs, const char *path)
{
    pgy_status *st = NULL;
    px_feeds_writer *writer = NULL;
    const pgy_feed view = px_feed_view(inputs);
    PX_TRY(px_feeds_writer_open(cx, path, false, &writer));
    PX_TRY(px_feeds_writer_add(writer, &view));
    PX_TRY(px_feeds_writer_commit(writer));
done:
    px_feeds_writer_close(writer);
    return st;
}

static pgy_status *write_expected(pgy_context *cx, const px_extract *what, const char *path)
{
    pgy_status *st = NULL;
    px_results results = {0};
    px_run *run;
    PX_TRY(px_results_add_run(&results, what->runner, &run));
    const pgy_feed view = px_feed_view(what->expected);
    PX_TRY(px_run_add_feed(cx, &results, run, &view));
    PX_TRY(px_results_save(cx, &results, path));
done:
    px_results_fini(&results);
    return st;
}

static pgy_status *write_files(pgy_context *cx, const px_extract *what, const char *dir)
{
    static const char *const names[] = {PX_EXTRACT_MODEL, PX_EXTRACT_INPUTS, PX_EXTRACT_EXPECTED,
                                        PX_EXTRACT_COMMAND};
    pgy_status *st = NULL;
    char *paths[PX_COUNTOF(names)] = {0};
    for (size_t i = 0; i < PX_COUNTOF(names); i++) {
        paths[i] = px_path_join(dir, names[i]);
        if (!paths[i])
            PX_TRY(px_status_nomem());
    }
    PX_TRY(px_onnx_save(cx, what->model, paths[0], &(px_onnx_save_options){0}));
    PX_TRY(write_inputs(cx, what->inputs, paths[1]));
    PX_TRY(write_expected(cx, what, paths[2]));
    PX_TRY(px_file_write(paths[3], what->command, strlen(what->command)));
    if (chmod(paths[3], 0755) != 0)
        PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot make %s executable: %s", paths[3], strerror(errno)));
done:
    for (size_t i = 0; i < PX_COUNTOF(names); i++)
        px_mem_free(paths[i]);
    return st;
}

/* A folder that was not finished. Needs no memory: running out of it may be why. */
static void remove_folder(const char *dir)
{
    static const char *const names[] = {PX_EXTRACT_MODEL, PX_EXTRACT_MODEL ".data",
                                        PX_EXTRACT_INPUTS, PX_EXTRACT_EXPECTED, PX_EXTRACT_COMMAND};
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; fd >= 0 && i < PX_COUNTOF(names); i++)
        (void)unlinkat(fd, names[i], 0);
    if (fd >= 0)
        close(fd);
    rmdir(dir);
}

pgy_status *px_extract_write(pgy_context *cx, const px_extract *what, const char *dir)
{
    pgy_status *st = NULL;
    px_buf tmp = {0};
    char *absolute = px_path_absolute(dir), *parent = absolute ? px_path_dirname(absolute) : NULL;
    bool is_made = false;
    if (!parent)
        PX_TRY(px_status_nomem());
    PX_TRY(px_path_make_dirs(parent));
    px_buf_printf(&tmp, "%s/.polygraphy.XXXXXX", parent);
    PX_TRY(px_buf_status(&tmp));
    if (!mkdtemp(tmp.ptr))
        PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot create a folder in %s: %s", parent, strerror(errno)));
    is_made = true;
    px_log_mute(cx, 1);
    st = write_files(cx, what, tmp.ptr);
    px_log_mute(cx, -1);
    PX_TRY(st);
    /* An empty folder may stand in the way, anything else is left alone. */
    if (chmod(tmp.ptr, 0755) != 0 || rename(tmp.ptr, absolute) != 0)
        PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot write the folder %s: %s", absolute, strerror(errno)));
    is_made = false;
done:
    if (is_made)
        remove_folder(tmp.ptr);
    px_buf_fini(&tmp);
    px_mem_free(parent);
    px_mem_free(absolute);
    return px_status_while(st, "writing the first failing layer to %s", dir);
}
