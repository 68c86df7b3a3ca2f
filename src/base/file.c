/* base/file.c - mapped reading, atomic writing, folders. */
#include "base/file.h"

#include "base/child.h"
#include "base/progress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITE_BUFFER ((size_t)1 << 20)

static pgy_status *open_for_reading(const char *path, int *out_fd, struct stat *out_info)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return PX_FAIL(PGY_ERR_IO, "Cannot open %s: %s", path, strerror(errno));
    if (fstat(fd, out_info) != 0) {
        pgy_status *st = PX_FAIL(PGY_ERR_IO, "Cannot read %s: %s", path, strerror(errno));
        close(fd);
        return st;
    }
    if (S_ISDIR(out_info->st_mode)) {
        close(fd);
        return PX_FAIL(PGY_ERR_IO, "Cannot read %s: it is a folder, a file is needed", path);
    }
    *out_fd = fd;
    return NULL;
}

/* Pipes and devices cannot be mapped: their bytes are read into anonymous memory. */
static pgy_status *read_stream(const char *path, int fd, px_file *out)
{
    size_t cap = (size_t)1 << 20, size = 0;
    uint8_t *data = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return px_status_nomem();
    for (;;) {
        if (size == cap) {
            uint8_t *grown =
                mmap(NULL, cap * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (grown == MAP_FAILED) {
                munmap(data, cap);
                return px_status_nomem();
            }
            memcpy(grown, data, size);
            munmap(data, cap);
            data = grown;
            cap *= 2;
        }
        ssize_t n = read(fd, data + size, cap - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            pgy_status *st = PX_FAIL(PGY_ERR_IO, "Cannot read %s: %s", path, strerror(errno));
            munmap(data, cap);
            return st;
        }
        if (n == 0)
            break;
        size += (size_t)n;
    }
    /* Give back whole pages behind the end, so that unmapping `size` bytes frees all. */
    size_t page = (size_t)sysconf(_SC_PAGESIZE), kept = (size + page - 1) / page * page;
    if (kept < cap)
        munmap(data + kept, cap - kept);
    *out = (px_file){.data = kept ? data : NULL, .size = size};
    return NULL;
}

pgy_status *px_file_map(const char *path, px_file *out)
{
    pgy_status *st = NULL;
    int fd = -1;
    struct stat info;
    PX_TRY(open_for_reading(path, &fd, &info));
    if (!S_ISREG(info.st_mode)) {
        PX_TRY(read_stream(path, fd, out));
    } else if (info.st_size == 0) {
        *out = (px_file){0};
    } else {
        void *p = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot map %s: %s", path, strerror(errno)));
        *out = (px_file){.data = p, .size = (size_t)info.st_size, .is_map = true};
    }
done:
    if (fd >= 0)
        close(fd);
    return st;
}

pgy_status *px_file_map_range(const char *path, uint64_t offset, size_t size, px_file *out)
{
    pgy_status *st = NULL;
    int fd = -1;
    struct stat info;
    PX_TRY(open_for_reading(path, &fd, &info));
    uint64_t have = (uint64_t)info.st_size;
    if (offset > have || size > have - offset)
        PX_TRY(PX_FAIL(PGY_ERR_IO,
                       "%s is too short: %zu bytes at %llu are needed, the file has %llu bytes",
                       path, size, (unsigned long long)offset, (unsigned long long)have));
    if (size == 0) {
        *out = (px_file){0};
        goto done;
    }
    /* The map must start on a page; px_file_unmap rounds the pointer down again. */
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), slack = offset % page;
    uint8_t *p =
        mmap(NULL, size + (size_t)slack, PROT_READ, MAP_PRIVATE, fd, (off_t)(offset - slack));
    if (p == MAP_FAILED)
        PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot map %s: %s", path, strerror(errno)));
    *out = (px_file){.data = p + slack, .size = size, .is_map = true};
done:
    if (fd >= 0)
        close(fd);
    return st;
}

void px_file_unmap(px_file *file)
{
    if (file->data != NULL) {
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t slack = (uintptr_t)file->data % page;
        munmap((void *)((uintptr_t)file->data - slack), file->size + slack);
    }
    *file = (px_file){0};
}

void px_file_drop(const px_file *file, const void *at, size_t size)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = ((uintptr_t)at + page - 1) / page * page;
    const uintptr_t end = ((uintptr_t)at + size) / page * page;

    /* posix_madvise would do nothing here: glibc makes this advice a no-op. */
    if (file->is_map && begin < end)
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

static void writer_fail(px_writer *w, const char *what)
{
    if (w->failed == NULL)
        w->failed = PX_FAIL(PGY_ERR_IO, "Cannot %s %s: %s", what, w->path, strerror(errno));
}

static void write_all(px_writer *w, const uint8_t *bytes, size_t size)
{
    while (size > 0 && w->failed == NULL) {
        ssize_t n = write(w->fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            writer_fail(w, "write");
            return;
        }
        bytes += n;
        size -= (size_t)n;
    }
}

/* Opens `path` itself when it is a pipe or device, else a new file beside it. */
static pgy_status *writer_open_fd(px_writer *w)
{
    struct stat info;
    if (stat(w->path, &info) == 0 && !S_ISREG(info.st_mode)) {
        if (S_ISDIR(info.st_mode))
            return PX_FAIL(PGY_ERR_IO, "Cannot write %s: a folder of that name exists", w->path);
        w->fd = open(w->path, O_WRONLY | O_CLOEXEC);
    } else {
        px_buf name = {0};
        px_buf_printf(&name, "%s.XXXXXX", w->path);
        w->tmp_path = px_buf_take(&name);
        if (w->tmp_path == NULL)
            return px_status_nomem();
        w->fd = mkstemp(w->tmp_path);
        if (w->fd >= 0) {
            px_doomed_file_add(w->tmp_path);
            mode_t mask = umask(0);
            umask(mask);
            /* mkstemp makes private files; the result shall have the ordinary mode. */
            mode_t mode = stat(w->path, &info) == 0 ? info.st_mode & 07777 : 0666 & ~mask;
            if (fchmod(w->fd, mode) != 0)
                writer_fail(w, "set the mode of");
        } else {
            px_mem_free(w->tmp_path);
            w->tmp_path = NULL;
        }
    }
    if (w->fd < 0)
        return PX_FAIL(PGY_ERR_IO, "Cannot write %s: %s", w->path, strerror(errno));
    return NULL;
}

pgy_status *px_writer_open(const char *path, px_writer *out)
{
    pgy_status *st = NULL;
    px_writer w = {.fd = -1};
    char *dir = px_path_dirname(path);
    if (dir == NULL || (w.path = px_mem_strdup(path)) == NULL ||
        (w.buffer = px_mem_alloc(WRITE_BUFFER)) == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_path_make_dirs(dir));
    PX_TRY(writer_open_fd(&w));
    *out = w;
    w = (px_writer){.fd = -1};
done:
    px_writer_abort(&w);
    px_mem_free(dir);
    return st;
}

void px_writer_watch(px_writer *w, pgy_context *cx, uint64_t expected)
{
    w->watcher = cx;
    w->expected = expected;
}

static void tell_watcher(const px_writer *w)
{
    px_progress_bytes(w->watcher, "Saving", w->offset, PX_MAX(w->expected, w->offset));
}

/* In pieces, when somebody watches. */
static void write_large(px_writer *w, const uint8_t *bytes, size_t size)
{
    const size_t piece = w->watcher != NULL ? PX_WATCHED_PIECE : size;
    while (size > 0) {
        const size_t n = PX_MIN(size, piece);
        write_all(w, bytes, n);
        w->offset += n;
        bytes += n;
        size -= n;
        tell_watcher(w);
    }
}

void px_writer_put(px_writer *w, const void *bytes, size_t size)
{
    if (size > WRITE_BUFFER - w->n_buffered) {
        write_all(w, w->buffer, w->n_buffered);
        w->n_buffered = 0;
        tell_watcher(w);
    }
    if (size >= WRITE_BUFFER) {
        write_large(w, bytes, size);
        return;
    }
    w->offset += size;
    if (size > 0)
        memcpy(w->buffer + w->n_buffered, bytes, size);
    w->n_buffered += size;
}

pgy_status *px_writer_commit(px_writer *w)
{
    px_progress_end(w->watcher, "Saving");
    write_all(w, w->buffer, w->n_buffered);
    w->n_buffered = 0;
    if (close(w->fd) != 0)
        writer_fail(w, "write");
    w->fd = -1;
    if (w->failed == NULL && w->tmp_path != NULL && rename(w->tmp_path, w->path) != 0)
        writer_fail(w, "replace");
    pgy_status *st = w->failed;
    w->failed = NULL;
    if (st == NULL) {
        px_doomed_file_forget(w->tmp_path);
        px_mem_free(w->tmp_path);
        w->tmp_path = NULL;
    }
    px_writer_abort(w);
    return st;
}

void px_writer_abort(px_writer *w)
{
    if (w->fd >= 0 && w->path != NULL)
        close(w->fd);
    if (w->tmp_path != NULL)
        unlink(w->tmp_path);
    px_doomed_file_forget(w->tmp_path);
    px_mem_free(w->path);
    px_mem_free(w->tmp_path);
    px_mem_free(w->buffer);
    pgy_status_free(w->failed);
    *w = (px_writer){.fd = -1};
}

pgy_status *px_file_write(const char *path, const void *bytes, size_t size)
{
    return px_file_write_watched(NULL, path, bytes, size);
}

pgy_status *px_file_write_watched(pgy_context *cx, const char *path, const void *bytes, size_t size)
{
    pgy_status *st = NULL;
    px_writer w = {.fd = -1};
    PX_TRY(px_writer_open(path, &w));
    px_writer_watch(&w, cx, size);
    px_writer_put(&w, bytes, size);
    PX_TRY(px_writer_commit(&w));
done:
    px_writer_abort(&w);
    return st;
}

bool px_path_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool px_path_is_dir(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

pgy_status *px_path_make_dirs(const char *path)
{
    pgy_status *st = NULL;
    char *copy = px_mem_strdup(path);
    if (copy == NULL)
        return px_status_nomem();
    for (char *p = copy + (*copy == '/'); !px_path_is_dir(path); p++) {
        char *end = strchr(p, '/');
        if (end != NULL)
            *end = '\0';
        if (*copy != '\0' && mkdir(copy, 0777) != 0 && !px_path_is_dir(copy))
            PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot create the folder %s: %s", copy, strerror(errno)));
        if (end == NULL)
            break;
        *end = '/';
        p = end;
    }
done:
    px_mem_free(copy);
    return st;
}

char *px_path_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return px_mem_strdup(".");
    return px_mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

char *px_path_join(const char *dir, const char *name)
{
    px_buf b = {0};
    if (name[0] != '/') {
        px_buf_puts(&b, dir);
        if (b.len > 0 && b.ptr[b.len - 1] != '/')
            px_buf_putc(&b, '/');
    }
    px_buf_puts(&b, name);
    return px_buf_take(&b);
}

const char *px_path_ext(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    if (dot == NULL)
        return name + strlen(name);
    /* Leading dots belong to the name: ".hidden" and "..x" have no extension. */
    for (const char *p = name; p < dot; p++)
        if (*p != '.')
            return dot;
    return name + strlen(name);
}

char *px_path_absolute(const char *path)
{
    if (path[0] == '/')
        return px_mem_strdup(path);
    char cwd[PATH_MAX];
    if (getcwd(cwd, sizeof cwd) == NULL)
        return px_mem_strdup(path);
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return px_path_join(cwd, path);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

pgy_status *px_path_list(const char *dir, const char *suffix, char ***out, size_t *out_n)
{
    pgy_status *st = NULL;
    struct {
        char **at;
        size_t n, cap;
    } names = {0};
    DIR *d = opendir(dir);
    if (d == NULL)
        return PX_FAIL(PGY_ERR_IO, "Cannot list the folder %s: %s", dir, strerror(errno));
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        px_str name = px_str_of(e->d_name);
        if (px_str_is(name, ".") || px_str_is(name, "..") ||
            (suffix != NULL && !px_str_ends(name, suffix)))
            continue;
        PX_TRY(PX_RESERVE(&names, 1));
        if ((names.at[names.n] = px_mem_strdup(e->d_name)) == NULL)
            PX_TRY(px_status_nomem());
        names.n++;
    }
    if (names.n > 0)
        qsort(names.at, names.n, sizeof *names.at, by_name);
    *out = names.at;
    *out_n = names.n;
    names.at = NULL;
    names.n = 0;
done:
    for (size_t i = 0; i < names.n; i++)
        px_mem_free(names.at[i]);
    px_mem_free(names.at);
    closedir(d);
    return st;
}
