/* data/zip.c - see zip.h. zlib does the inflating and the checksums.
 *
 * Reading goes by the central directory at the end alone; local headers are looked at only for
 * their length. Every offset is checked against the archive before use.
 */
#include "data/zip.h"

#include "base/progress.h"

#include <zlib.h>

#define LOCAL_SIGNATURE 0x04034b50u
#define CENTRAL_SIGNATURE 0x02014b50u
#define END_SIGNATURE 0x06054b50u
#define END64_SIGNATURE 0x06064b50u
#define LOCATOR64_SIGNATURE 0x07064b50u
#define LOCAL_SIZE 30
#define CENTRAL_SIZE 46
#define END_SIZE 22
#define END64_SIZE 56
#define LOCATOR64_SIZE 20
#define MAX_COMMENT 65535
#define MAX_MEMBERS (1u << 20)
#define MAX_RATIO 1033 /* deflate cannot do better */

static uint64_t number(const char *p, int size)
{
    uint64_t v = 0;

    for (int i = size - 1; i >= 0; i--)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

bool px_zip_is(px_str bytes)
{
    if (bytes.len < 4)
        return false;
    const uint64_t signature = number(bytes.ptr, 4);
    return signature == LOCAL_SIGNATURE || signature == END_SIGNATURE;
}

static pgy_status *broken(const char *what, size_t at, const char *wanted)
{
    return PX_FAIL(PGY_ERR_MODEL,
                   "%s: the ZIP archive is damaged or cut off: expected %s at byte %zu", what,
                   wanted, at);
}

typedef struct directory {
    uint64_t n, size, at;
} directory;

static pgy_status *find_directory(const char *what, px_str z, directory *out)
{
    size_t end;

    if (z.len < END_SIZE)
        return broken(what, z.len, "the end record");
    for (end = z.len - END_SIZE; number(z.ptr + end, 4) != END_SIGNATURE; end--)
        if (end == 0 || z.len - end > END_SIZE + MAX_COMMENT)
            return broken(what, z.len, "the end record before that");
    *out = (directory){number(z.ptr + end + 10, 2), number(z.ptr + end + 12, 4),
                       number(z.ptr + end + 16, 4)};
    const bool is_64 =
        end >= LOCATOR64_SIZE && number(z.ptr + end - LOCATOR64_SIZE, 4) == LOCATOR64_SIGNATURE;
    if (is_64) {
        const uint64_t at = number(z.ptr + end - LOCATOR64_SIZE + 8, 8);
        if (z.len < END64_SIZE || at > z.len - END64_SIZE ||
            number(z.ptr + at, 4) != END64_SIGNATURE)
            return broken(what, end, "the position of the 64-bit end record");
        *out = (directory){number(z.ptr + at + 32, 8), number(z.ptr + at + 40, 8),
                           number(z.ptr + at + 48, 8)};
    }
    if (out->at > z.len || out->size > z.len - out->at)
        return broken(what, end, "the position of the directory");
    if (out->n > MAX_MEMBERS)
        return PX_FAIL(PGY_ERR_UNSUPPORTED, "%s: the ZIP archive has more than %u members", what,
                       MAX_MEMBERS);
    return NULL;
}

/* 64-bit values stand in an extra field, in this order, for those that are all ones in the record.
 */
static void read_extra(const char *extra, size_t n, uint64_t *size, uint64_t *packed,
                       uint64_t *local)
{
    while (n >= 4) {
        const uint64_t id = number(extra, 2);
        size_t len = number(extra + 2, 2);
        const char *p = extra + 4;
        if (len > n - 4)
            return;
        extra += 4 + len;
        n -= 4 + len;
        if (id != 1)
            continue;
        uint64_t *const values[] = {size, packed, local};
        for (size_t i = 0; i < PX_COUNTOF(values) && len >= 8; i++)
            if (*values[i] == UINT32_MAX) {
                *values[i] = number(p, 8);
                p += 8;
                len -= 8;
            }
    }
}

/* One record of the directory at *inout_at; moves behind it. */
static pgy_status *read_record(const char *what, px_str z, size_t limit, size_t *inout_at,
                               px_zip_member *out)
{
    const size_t at = *inout_at;
    const char *const r = z.ptr + at;

    if (limit - at < CENTRAL_SIZE || number(r, 4) != CENTRAL_SIGNATURE)
        return broken(what, at, "a directory record");
    const size_t n_name = number(r + 28, 2), n_extra = number(r + 30, 2),
                 n_note = number(r + 32, 2);
    if (n_name + n_extra + n_note > limit - at - CENTRAL_SIZE)
        return broken(what, at, "a directory record");
    uint64_t packed = number(r + 20, 4), size = number(r + 24, 4), local = number(r + 42, 4);
    read_extra(r + CENTRAL_SIZE + n_name, n_extra, &size, &packed, &local);
    *out = (px_zip_member){.name = {r + CENTRAL_SIZE, n_name},
                           .size = size,
                           .crc = (uint32_t)number(r + 16, 4),
                           .is_deflated = number(r + 10, 2) == 8};
    *inout_at = at + CENTRAL_SIZE + n_name + n_extra + n_note;
    if ((number(r + 8, 2) & 1) != 0 || (number(r + 10, 2) != 0 && !out->is_deflated))
        return PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "%s: member %.*s is encrypted or compressed in a way other than deflate",
                       what, PX_STR_ARG(out->name));
    if (local > z.len || z.len - local < LOCAL_SIZE || number(z.ptr + local, 4) != LOCAL_SIGNATURE)
        return broken(what, (size_t)local, "a member");
    const uint64_t data =
        local + LOCAL_SIZE + number(z.ptr + local + 26, 2) + number(z.ptr + local + 28, 2);
    if (data > z.len || packed > z.len - data)
        return broken(what, (size_t)local, "a member that lies within the file");
    if (!out->is_deflated && packed != size)
        return broken(what, at, "equal sizes for a stored member");
    if (out->is_deflated && size / MAX_RATIO > packed)
        return broken(what, at, "a size that so few compressed bytes can give");
    out->stored = (px_str){z.ptr + data, (size_t)packed};
    return NULL;
}

pgy_status *px_zip_list(const char *what, px_str bytes, px_zip *out)
{
    pgy_status *st = NULL;
    px_zip zip = {0};
    directory dir = {0};

    PX_TRY(find_directory(what, bytes, &dir));
    size_t at = (size_t)dir.at;
    for (uint64_t i = 0; i < dir.n; i++) {
        PX_TRY(PX_RESERVE(&zip, 1));
        PX_TRY(read_record(what, bytes, (size_t)(dir.at + dir.size), &at, &zip.at[zip.n]));
        zip.n++;
    }
    *out = zip;
    zip = (px_zip){0};
done:
    px_zip_fini(&zip);
    return st;
}

void px_zip_fini(px_zip *zip)
{
    px_mem_free(zip->at);
    *zip = (px_zip){0};
}

const px_zip_member *px_zip_find(const px_zip *zip, const char *name)
{
    for (size_t i = 0; i < zip->n; i++)
        if (px_str_is(zip->at[i].name, name))
            return &zip->at[i];
    return NULL;
}

uint32_t px_zip_crc(uint32_t crc, const void *bytes, size_t size)
{
    return (uint32_t)crc32_z(crc, bytes, size);
}

static voidpf zlib_alloc(voidpf opaque, uInt n, uInt size)
{
    return px_mem_calloc(n, size);
}

static void zlib_free(voidpf opaque, voidpf p)
{
    px_mem_free(p);
}

static pgy_status *inflate_member(pgy_context *cx, const char *what, const px_zip_member *m,
                                  uint8_t *dst, size_t n)
{
    pgy_status *st = NULL;
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
    size_t in = m->stored.len, out = n;
    int rc = Z_OK;

    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) /* raw: no zlib header */
        return px_status_nomem();
    z.next_in = (z_const Bytef *)(uintptr_t)m->stored.ptr;
    z.next_out = dst;
    while (rc == Z_OK && out > 0) {
        z.avail_in = (uInt)PX_MIN(in, PX_WATCHED_PIECE);
        z.avail_out = (uInt)PX_MIN(out, PX_WATCHED_PIECE);
        const uInt had_in = z.avail_in, had_out = z.avail_out;
        rc = inflate(&z, Z_NO_FLUSH);
        in -= had_in - z.avail_in;
        out -= had_out - z.avail_out;
        px_progress_bytes(cx, "Loading", n - out, n);
    }
    if (rc == Z_MEM_ERROR)
        PX_TRY(px_status_nomem());
    if (out > 0)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "%s: member %.*s cannot be decompressed: %zu bytes were expected, the data "
                       "is damaged after %zu",
                       what, PX_STR_ARG(m->name), n, n - out));
done:
    inflateEnd(&z);
    return st;
}

static void copy_member(pgy_context *cx, const px_zip_member *m, uint8_t *dst, size_t n)
{
    for (size_t at = 0, piece; at < n; at += piece) {
        piece = PX_MIN(n - at, PX_WATCHED_PIECE);
        memcpy(dst + at, m->stored.ptr + at, piece);
        px_progress_bytes(cx, "Loading", at + piece, n);
    }
}

pgy_status *px_zip_read(pgy_context *cx, const char *what, const px_zip_member *m, uint8_t *dst,
                        size_t n)
{
    pgy_status *st = NULL;

    if (m->is_deflated)
        PX_TRY(inflate_member(cx, what, m, dst, n));
    else
        copy_member(cx, m, dst, n);
    if (n == m->size && px_zip_crc(0, dst, n) != m->crc)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "%s: member %.*s does not have the checksum 0x%08x", what,
                       PX_STR_ARG(m->name), m->crc));
done:
    return st;
}

/* --- writing --- */

static void put_number(px_buf *b, uint64_t v, int size)
{
    for (int i = 0; i < size; i++)
        px_buf_putc(b, (char)(v >> 8 * i));
}

static void emit(px_zip_writer *w, const void *bytes, size_t size)
{
    w->put(w->arg, bytes, size);
    w->offset += size;
}

/* What local header and directory record have in common, from the version on. 32-bit sizes are all
 * ones when the 64-bit ones stand in the extra field. The date is the first one that ZIP knows. */
static void put_common(px_buf *b, uint64_t size, uint32_t crc, size_t n_name, size_t n_extra,
                       bool is_64)
{
    put_number(b, is_64 ? 45 : 20, 2);
    put_number(b, 0x0800, 2); /* names are UTF-8 */
    put_number(b, 0, 2);      /* stored */
    put_number(b, 0, 2);
    put_number(b, 0x21, 2);
    put_number(b, crc, 4);
    put_number(b, is_64 ? UINT32_MAX : size, 4);
    put_number(b, is_64 ? UINT32_MAX : size, 4);
    put_number(b, n_name, 2);
    put_number(b, n_extra, 2);
}

void px_zip_begin(px_zip_writer *w, px_str name, uint64_t size, uint32_t crc, size_t align)
{
    px_buf local = {0};
    const bool is_64 = size >= UINT32_MAX;
    const bool far = w->offset >= UINT32_MAX;
    size_t n_extra = is_64 ? 20 : 0;
    size_t padding = 0;

    if (align > 1) {
        const uint64_t data = w->offset + LOCAL_SIZE + name.len + n_extra + 4;
        padding = 4 + (size_t)((align - data % align) % align);
    }
    put_number(&local, LOCAL_SIGNATURE, 4);
    put_common(&local, size, crc, name.len, n_extra + padding, is_64);
    px_buf_putstr(&local, name);
    if (is_64) {
        put_number(&local, 1, 2);
        put_number(&local, 16, 2);
        put_number(&local, size, 8);
        put_number(&local, size, 8);
    }
    if (padding > 0) {
        put_number(&local, 0x4246, 2); /* "FB", as torch pads */
        put_number(&local, padding - 4, 2);
        px_buf_pad(&local, 'Z', padding - 4);
    }
    n_extra = (is_64 ? 16 : 0) + (far ? 8 : 0);
    n_extra += n_extra > 0 ? 4 : 0;
    px_buf *const d = &w->directory;
    put_number(d, CENTRAL_SIGNATURE, 4);
    put_number(d, 45, 2);
    put_common(d, size, crc, name.len, n_extra, is_64);
    put_number(d, 0, 2); /* comment */
    put_number(d, 0, 2); /* disk */
    put_number(d, 0, 2); /* internal attributes */
    put_number(d, 0, 4); /* external attributes */
    put_number(d, far ? UINT32_MAX : w->offset, 4);
    px_buf_putstr(d, name);
    if (n_extra > 0) {
        put_number(d, 1, 2);
        put_number(d, n_extra - 4, 2);
        if (is_64) {
            put_number(d, size, 8);
            put_number(d, size, 8);
        }
        if (far)
            put_number(d, w->offset, 8);
    }
    d->failed = d->failed || local.failed;
    if (!local.failed)
        emit(w, local.ptr, local.len);
    w->n++;
    px_buf_fini(&local);
}

void px_zip_put(px_zip_writer *w, const void *bytes, size_t size)
{
    emit(w, bytes, size);
}

pgy_status *px_zip_finish(px_zip_writer *w)
{
    pgy_status *st = NULL;
    px_buf end = {0};
    const uint64_t at = w->offset, size = w->directory.len;
    const bool is_64 = at >= UINT32_MAX || size >= UINT32_MAX || w->n >= UINT16_MAX;

    PX_TRY(px_buf_status(&w->directory));
    if (is_64) {
        put_number(&end, END64_SIGNATURE, 4);
        put_number(&end, END64_SIZE - 12, 8);
        put_number(&end, 45, 2);
        put_number(&end, 45, 2);
        put_number(&end, 0, 8); /* disks */
        put_number(&end, w->n, 8);
        put_number(&end, w->n, 8);
        put_number(&end, size, 8);
        put_number(&end, at, 8);
        put_number(&end, LOCATOR64_SIGNATURE, 4);
        put_number(&end, 0, 4);
        put_number(&end, at + size, 8);
        put_number(&end, 1, 4);
    }
    put_number(&end, END_SIGNATURE, 4);
    put_number(&end, 0, 4); /* disks */
    put_number(&end, PX_MIN(w->n, (uint64_t)UINT16_MAX), 2);
    put_number(&end, PX_MIN(w->n, (uint64_t)UINT16_MAX), 2);
    put_number(&end, is_64 ? UINT32_MAX : size, 4);
    put_number(&end, is_64 ? UINT32_MAX : at, 4);
    put_number(&end, 0, 2); /* comment */
    PX_TRY(px_buf_status(&end));
    if (size > 0)
        emit(w, w->directory.ptr, w->directory.len);
    emit(w, end.ptr, end.len);
done:
    px_buf_fini(&w->directory);
    px_buf_fini(&end);
    return st;
}
