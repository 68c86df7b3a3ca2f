/* data/zip.h - ZIP archives: what .npz files and torch.save files are made of.
 *
 * Follows PKWARE's APPNOTE 6.3: stored and deflated members, 64-bit sizes. No encryption, no
 * archives in several parts. Reading works on an archive in memory (a map); stored members are
 * used in place.
 */
#ifndef PX_DATA_ZIP_H
#define PX_DATA_ZIP_H

#include "base/file.h"
#include "base/px.h"

typedef struct px_zip_member {
    px_str name;   /* in the archive */
    px_str stored; /* its bytes in the archive, compressed if is_deflated */
    size_t size;   /* decompressed */
    uint32_t crc;  /* of the decompressed bytes */
    bool is_deflated;
} px_zip_member;

typedef struct px_zip {
    px_zip_member *at;
    size_t n, cap;
} px_zip;

/* "PK" and a record that an archive starts with (an empty one too). */
bool px_zip_is(px_str bytes);
/* Lists the members; they point into `bytes`, which must outlive `out`. `what` names the archive in
 * messages. Errors: MODEL, UNSUPPORTED. */
PX_MUST_USE pgy_status *px_zip_list(const char *what, px_str bytes, px_zip *out);
const px_zip_member *px_zip_find(const px_zip *zip, const char *name); /* NULL when absent */
/* The first `n` <= size bytes of a member. With n == size the checksum is checked. Reports
 * "Loading" to `cx` (NULL: to nobody); the caller ends it. */
PX_MUST_USE pgy_status *px_zip_read(pgy_context *cx, const char *what, const px_zip_member *member,
                                    uint8_t *dst, size_t n);
void px_zip_fini(px_zip *zip);

/* Writing: stored members one after the other, to a writer or (for small archives) a buffer. */
typedef struct px_zip_writer {
    void (*put)(void *arg, const void *bytes, size_t size);
    void *arg;
    uint64_t offset;
    px_buf directory; /* central records so far */
    uint64_t n;
} px_zip_writer;

/* Starts a member; exactly `size` bytes with checksum `crc` must be put before the next call.
 * `align` > 1 pads the header so that the member's bytes start at a multiple of it. */
void px_zip_begin(px_zip_writer *w, px_str name, uint64_t size, uint32_t crc, size_t align);
void px_zip_put(px_zip_writer *w, const void *bytes, size_t size);
PX_MUST_USE pgy_status *px_zip_finish(px_zip_writer *w); /* frees the directory too */
/* CRC-32 as ZIP has it; start with 0. */
uint32_t px_zip_crc(uint32_t crc, const void *bytes, size_t size);

#endif
