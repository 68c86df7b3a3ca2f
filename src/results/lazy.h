/* results/lazy.h - the inside of px_lazy, and where lazy bytes live.
 *
 * A value is a tensor in memory, a range of the spool, or an array in a mapped file. Files are
 * shared by all values read from them and unmapped with the last one.
 */
#ifndef PX_RESULTS_LAZY_H
#define PX_RESULTS_LAZY_H

#include "base/file.h"
#include "data/npy.h"
#include "data/zip.h"
#include "results/results.h"

/* A mapped file with a count of its users. */
typedef struct px_source {
    int n_refs;
    char *path;
    px_file file;
} px_source;

PX_MUST_USE pgy_status *px_source_open(const char *path, px_source **out);
px_source *px_source_ref(px_source *s);
void px_source_free(px_source *s); /* drops one reference; NULL is fine */
/* Copies bytes out of a source; reports progress to `cx`. */
void px_source_copy(pgy_context *cx, const void *from, size_t size, void *to);
static inline px_str px_source_text(const px_source *s)
{
    return (px_str){(const char *)s->file.data, s->file.size};
}

/* The unlinked temporary file. */
PX_MUST_USE pgy_status *px_spool_open(px_spool **out);
px_spool *px_spool_ref(px_spool *s);
void px_spool_free(px_spool *s); /* drops one reference; NULL is fine */
/* Writes the tensor's bytes; no strings. */
PX_MUST_USE pgy_status *px_lazy_spool(px_spool *spool, const pgy_tensor *t, px_lazy **out);

/* An array in a mapped file. `text` lies in the source: base64 of a .npy image, or the image itself
 * when `member` is NULL and `raw` is set, or a ZIP member holding one. `name` is for messages.
 * `dtype` is the true element type, UNKNOWN for the stored one. Values that cannot be left in the
 * file (torch tensors, escaped text, archives) are read at once. Errors: MODEL. */
PX_MUST_USE pgy_status *px_lazy_of_base64(px_source *source, px_str text, pgy_dtype dtype,
                                          px_lazy **out);
PX_MUST_USE pgy_status *px_lazy_of_npy(px_source *source, px_str image, px_lazy **out);
PX_MUST_USE pgy_status *px_lazy_of_member(px_source *source, const px_zip_member *member,
                                          px_lazy **out);
/* Gives the value another shape of the same element count. */
PX_MUST_USE pgy_status *px_lazy_reshape(px_lazy *value, int rank, const int64_t *dims);

#endif
