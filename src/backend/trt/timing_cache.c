/* backend/trt/timing_cache.c - measured kernel times, kept in a file between builds.
 *
 * The file is TensorRT's. Readers and writers hold a lock on FILE.lock, which stays behind, as the
 * reference does; so builds may share one file.
 */
#include "backend/trt/build.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static pgy_status *lock(const char *path, int *out_fd)
{
    pgy_status *st = NULL;
    px_buf name = {0};
    struct flock how = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    px_buf_printf(&name, "%s.lock", path);
    PX_TRY(px_buf_status(&name));
    const int fd = open(name.ptr, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot open the lock file %s: %s.", name.ptr, strerror(errno)));
    int code;
    do
        code = fcntl(fd, F_SETLKW, &how);
    while (code != 0 && errno == EINTR);
    if (code != 0) {
        st = PX_FAIL(PGY_ERR_IO, "Cannot lock %s: %s.", name.ptr, strerror(errno));
        close(fd);
        goto done;
    }
    *out_fd = fd;
done:
    px_buf_fini(&name);
    return st;
}

static void unlock(int fd)
{
    if (fd >= 0)
        close(fd); /* gives the lock back */
}

/* A cache object with the file's contents; empty when there is no file. */
static pgy_status *read_cache(px_trt_build *b, const char *path, void **out)
{
    pgy_status *st = NULL;
    px_file file = {0};
    if (path != NULL && px_path_exists(path))
        PX_TRY(px_file_map(path, &file));
    px_trt_begin(b->lib);
    *out = px_trt_config_create_timing_cache(&b->lib->abi, b->config, (void *)file.data, file.size);
    if (*out == NULL)
        PX_TRY(
            px_trt_failed(b->lib, "cannot use the timing cache %s", path != NULL ? path : "(new)"));
    px_trt_end(b->lib);
done:
    px_file_unmap(&file);
    return st;
}

pgy_status *px_trt_timing_cache_load(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_opt_str *load = &b->args->load_timing_cache;
    const char *path = load->given ? load->value : NULL;
    int fd = -1;

    if (path != NULL && !px_path_exists(path)) {
        px_log(b->cx, PGY_LOG_WARNING, PX_AT_TRT,
               "Timing cache file %s not found, will use an empty one.", path);
        path = NULL;
    }
    if (path != NULL) {
        px_log(b->cx, PGY_LOG_INFO, PX_AT_TRT, "Loading tactic timing cache from %s", path);
        PX_TRY(lock(path, &fd));
    }
    PX_TRY(read_cache(b, path, &b->timing_cache));
    px_trt_begin(b->lib);
    if (!px_trt_config_set_timing_cache(&b->lib->abi, b->config, b->timing_cache, false))
        PX_TRY(px_trt_failed(b->lib,
                             "refuses the timing cache %s, which another version or GPU may have "
                             "written",
                             path != NULL ? path : "(new)"));
    px_trt_end(b->lib);
done:
    unlock(fd);
    return st;
}

pgy_status *px_trt_timing_cache_save(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const px_opt_str *save = &b->args->save_timing_cache;
    void *older = NULL, *memory = NULL;
    char *dir = NULL;
    int fd = -1;

    if (!save->given)
        return NULL;
    dir = px_path_dirname(save->value);
    if (dir == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_path_make_dirs(dir));
    PX_TRY(lock(save->value, &fd));
    void *cache = px_trt_config_get_timing_cache(abi, b->config); /* the configuration's own */
    if (cache == NULL)
        PX_TRY(px_trt_failed(b->lib, "gives no timing cache"));
    if (px_path_exists(save->value)) {
        PX_TRY(read_cache(b, save->value, &older));
        px_trt_begin(b->lib);
        if (!px_trt_timing_cache_combine(abi, cache, older, true))
            px_log(b->cx, PGY_LOG_WARNING, PX_AT_TRT,
                   "The timing cache in %s does not fit this build and is replaced.", save->value);
        px_trt_end(b->lib);
    }
    px_trt_begin(b->lib);
    memory = px_trt_timing_cache_serialize(abi, cache);
    if (memory == NULL)
        PX_TRY(px_trt_failed(b->lib, "could not serialize its timing cache"));
    px_trt_end(b->lib);
    px_log(b->cx, PGY_LOG_INFO, PX_AT_TRT, "Saving tactic timing cache to %s", save->value);
    PX_TRY(px_file_write(save->value, px_trt_memory_data(abi, memory),
                         px_trt_memory_size(abi, memory)));
done:
    px_trt_delete(memory);
    px_trt_delete(older);
    unlock(fd);
    px_mem_free(dir);
    return st;
}
