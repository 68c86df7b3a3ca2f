/* base/file.h - mapped reading, atomic writing, folders. */
#ifndef PX_BASE_FILE_H
#define PX_BASE_FILE_H

#include "base/px.h"
#include "polygraphy/context.h"

/* A read-only map of a whole file. {0} is valid and empty. */
typedef struct px_file {
    const uint8_t *data; /* NULL for an empty file */
    size_t size;
    bool is_map; /* of a file that has the bytes; else they are only here */
} px_file;

/* Errors: IO with the path and the reason (also for a folder). */
PX_MUST_USE pgy_status *px_file_map(const char *path, px_file *out);
/* Maps [offset, offset+size) of the file; fails when the file is shorter. */
PX_MUST_USE pgy_status *px_file_map_range(const char *path, uint64_t offset, size_t size,
                                          px_file *out);
void px_file_unmap(px_file *file);
/* Says that [at, at + size) was read and will hardly be again: its pages stop counting as our
 * memory. Reading there stays possible. */
void px_file_drop(const px_file *file, const void *at, size_t size);

/* A file that appears under its name only when px_writer_commit succeeds: bytes go to a temporary
 * file in the same folder. Writing to something that is not a regular file (a pipe, /dev/stdout)
 * goes there directly. Errors are kept and reported by commit; abort and double fini are safe. */
typedef struct px_writer {
    int fd;
    char *path, *tmp_path;
    uint8_t *buffer;
    size_t n_buffered;
    uint64_t offset; /* bytes accepted so far */
    pgy_status *failed;
    pgy_context *watcher; /* hears of progress; NULL: nobody */
    uint64_t expected;    /* bytes in all, about */
} px_writer;

/* Creates missing parent folders. */
PX_MUST_USE pgy_status *px_writer_open(const char *path, px_writer *out);
#define PX_WATCHED_PIECE ((size_t)1 << 24) /* bytes read or written between two reports */
/* From now on reports progress to `cx` (NULL: to nobody), of about `expected` bytes. */
void px_writer_watch(px_writer *w, pgy_context *cx, uint64_t expected);
void px_writer_put(px_writer *w, const void *bytes, size_t size);
/* Flushes, syncs metadata by rename. On failure nothing is left under either name. */
PX_MUST_USE pgy_status *px_writer_commit(px_writer *w);
void px_writer_abort(px_writer *w); /* also after commit: does nothing then */

/* Whole file at once, atomically. */
PX_MUST_USE pgy_status *px_file_write(const char *path, const void *bytes, size_t size);
/* One that may be large: reports progress to `cx`. */
PX_MUST_USE pgy_status *px_file_write_watched(pgy_context *cx, const char *path, const void *bytes,
                                              size_t size);

bool px_path_exists(const char *path);
bool px_path_is_dir(const char *path);
PX_MUST_USE pgy_status *px_path_make_dirs(const char *path);
/* Folder part ("." when there is none); caller frees. NULL when memory is out. */
char *px_path_dirname(const char *path);
char *px_path_join(const char *dir, const char *name);
/* Python's os.path.splitext(path)[1]: ".json", or "" (".hidden" has none). Points into `path`. */
const char *px_path_ext(const char *path);
/* Absolute path without resolving links; caller frees. */
char *px_path_absolute(const char *path);
/* Sorted names of a folder's entries that end in `suffix` (NULL: all). Caller frees each and the
 * array. */
PX_MUST_USE pgy_status *px_path_list(const char *dir, const char *suffix, char ***out,
                                     size_t *out_n);

#endif
