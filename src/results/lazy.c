/* results/lazy.c - see lazy.h. */
#include "results/lazy.h"

#include "base/progress.h"
#include "base/thread.h"
#include "data/base64.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADER_MAX ((size_t)1 << 20)  /* a .npy header beyond that is not genuine */
#define DECODE_STEP ((size_t)3 << 18) /* bytes; whole groups of three */

typedef enum lazy_kind { IN_MEMORY, IN_SPOOL, AS_BASE64, AS_IMAGE, AS_MEMBER } lazy_kind;

struct px_spool {
    int n_refs;
    int fd;
    uint64_t size; /* bytes in use; values start on pages */
};

struct px_lazy {
    lazy_kind kind;
    pgy_dtype dtype;
    int rank;
    int64_t dims[PX_MAX_RANK];
    pgy_tensor *tensor;   /* IN_MEMORY */
    px_spool *spool;      /* IN_SPOOL */
    uint64_t offset;      /* IN_SPOOL */
    px_source *source;    /* the others */
    px_str text;          /* AS_BASE64, AS_IMAGE */
    px_zip_member member; /* AS_MEMBER */
    px_npy_header header; /* the others */
};

/* --- sources --- */

pgy_status *px_source_open(const char *path, px_source **out)
{
    pgy_status *st = NULL;
    px_source *s = NULL;

    PX_TRY(PX_ALLOC(s, 1));
    s->n_refs = 1;
    s->path = px_mem_strdup(path);
    if (s->path == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_file_map(path, &s->file));
    *out = s;
    s = NULL;
done:
    px_source_free(s);
    return st;
}

px_source *px_source_ref(px_source *s)
{
    s->n_refs++;
    return s;
}

void px_source_free(px_source *s)
{
    if (s == NULL || --s->n_refs > 0)
        return;
    px_file_unmap(&s->file);
    px_mem_free(s->path);
    px_mem_free(s);
}

void px_source_copy(pgy_context *cx, const void *from, size_t size, void *to)
{
    for (size_t at = 0, piece; at < size; at += piece) {
        piece = PX_MIN(size - at, PX_WATCHED_PIECE);
        memcpy((uint8_t *)to + at, (const uint8_t *)from + at, piece);
        px_progress_bytes(cx, "Loading", at + piece, size);
    }
    px_progress_end(cx, "Loading");
}

/* --- the spool --- */

static const char *spool_dir(void)
{
    const char *const dir = getenv("TMPDIR");

    if (dir != NULL && dir[0] != 0)
        return dir;
    /* /tmp is often memory itself. */
    return access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp";
}

pgy_status *px_spool_open(px_spool **out)
{
    pgy_status *st = NULL;
    px_spool *s = NULL;
    char *path = NULL;

    PX_TRY(PX_ALLOC(s, 1));
    s->n_refs = 1;
    s->fd = -1;
    path = px_path_join(spool_dir(), "polygraphy-XXXXXX");
    if (path == NULL)
        PX_TRY(px_status_nomem());
    s->fd = mkstemp(path);
    if (s->fd < 0)
        PX_TRY(PX_FAIL(PGY_ERR_IO,
                       "Cannot create a temporary file in %s for outputs above the memory budget: "
                       "%s. Set TMPDIR to another folder or raise --memory-budget",
                       spool_dir(), strerror(errno)));
    unlink(path);
    (void)fcntl(s->fd, F_SETFD, FD_CLOEXEC);
    *out = s;
    s = NULL;
done:
    px_mem_free(path);
    px_spool_free(s);
    return st;
}

px_spool *px_spool_ref(px_spool *s)
{
    s->n_refs++;
    return s;
}

void px_spool_free(px_spool *s)
{
    if (s == NULL || --s->n_refs > 0)
        return;
    if (s->fd >= 0)
        close(s->fd);
    px_mem_free(s);
}

static pgy_status *spool_write(px_spool *s, const char *bytes, size_t size, uint64_t at)
{
    while (size > 0) {
        const ssize_t n = pwrite(s->fd, bytes, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return PX_FAIL(PGY_ERR_IO,
                           "Cannot write outputs to a temporary file in %s: %s. Set TMPDIR to a "
                           "folder with more room",
                           spool_dir(), strerror(errno));
        bytes += n;
        size -= (size_t)n;
        at += (uint64_t)n;
    }
    return NULL;
}

static pgy_status *new_lazy(lazy_kind kind, pgy_dtype dtype, int rank, const int64_t *dims,
                            px_lazy **out)
{
    px_lazy *const v = px_mem_calloc(1, sizeof *v);

    if (v == NULL)
        return px_status_nomem();
    v->kind = kind;
    v->dtype = dtype;
    v->rank = rank;
    if (rank > 0)
        memcpy(v->dims, dims, (size_t)rank * sizeof *dims);
    *out = v;
    return NULL;
}

pgy_status *px_lazy_spool(px_spool *spool, const pgy_tensor *t, px_lazy **out)
{
    pgy_status *st = NULL;
    px_lazy *v = NULL;
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t at = (spool->size + page - 1) / page * page;

    PX_TRY(new_lazy(IN_SPOOL, t->dtype, t->rank, t->dims, &v));
    PX_TRY(spool_write(spool, t->data, t->size, at));
    spool->size = at + t->size;
    v->spool = px_spool_ref(spool);
    v->offset = at;
    *out = v;
    v = NULL;
done:
    px_lazy_free(v);
    return st;
}

/* --- making values --- */

pgy_status *px_lazy_of_tensor(pgy_tensor *t, px_lazy **out)
{
    pgy_status *st = NULL;
    px_lazy *v = NULL;

    PX_TRY(new_lazy(IN_MEMORY, t->dtype, t->rank, t->dims, &v));
    v->tensor = pgy_tensor_ref(t);
    *out = v;
done:
    return st;
}

/* Shape and true type from the header of a stored array whose image has `size` bytes. */
static pgy_status *lazy_of_header(lazy_kind kind, px_source *source, const char *what,
                                  const px_npy_header *header, size_t size, pgy_dtype dtype,
                                  px_lazy **out)
{
    pgy_status *st = NULL;
    px_lazy *v = NULL;

    if (size < header->data_at || size - header->data_at < header->data_size)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "%s: the array's elements should take %zu bytes after a header of %zu, but "
                       "the array has only %zu in all",
                       what, header->data_size, header->data_at, size));
    PX_TRY(new_lazy(kind, dtype == PGY_DTYPE_UNKNOWN ? header->dtype : dtype, header->rank,
                    header->dims, &v));
    v->header = *header;
    v->source = px_source_ref(source);
    *out = v;
done:
    return st;
}

static pgy_status *bad_base64(const px_source *source, px_str text, size_t bad)
{
    const size_t at = (size_t)((const uint8_t *)text.ptr - source->file.data) + bad;

    return PX_FAIL(PGY_ERR_MODEL, "%s: expected a base64 character at byte %zu, found byte 0x%02x",
                   source->path, at, (unsigned char)text.ptr[bad]);
}

/* "in.json (array at byte 120)". */
static char *describe_place(const px_source *source, px_str text)
{
    px_buf b = {0};

    px_buf_printf(&b, "%s (array at byte %zu)", source->path,
                  (size_t)((const uint8_t *)text.ptr - source->file.data));
    return px_buf_take(&b);
}

pgy_status *px_lazy_of_base64(px_source *source, px_str text, pgy_dtype dtype, px_lazy **out)
{
    pgy_status *st = NULL;
    uint8_t *head = NULL;
    char *what = describe_place(source, text);
    size_t size, bad;
    px_npy_header header;

    if (what == NULL)
        PX_TRY(px_status_nomem());
    if (!px_base64_decoded_size(text, &size))
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "%s: %zu characters are no base64 text, which has a multiple of 4; the file "
                       "may be cut off",
                       what, text.len));
    size_t n = PX_MIN(size, (size_t)128); /* what numpy's headers mostly are */
    for (int pass = 0; pass < 2; pass++) {
        px_mem_free(head);
        head = px_mem_alloc(n);
        if (head == NULL)
            PX_TRY(px_status_nomem());
        if (!px_base64_decode(text, 0, head, n, &bad))
            PX_TRY(bad_base64(source, text, bad));
        const size_t wanted = px_npy_header_size(head, n);
        if (wanted <= n || wanted > size || wanted > HEADER_MAX)
            break;
        n = wanted;
    }
    PX_TRY(px_npy_header_read(what, head, n, &header));
    PX_TRY(lazy_of_header(AS_BASE64, source, what, &header, size, dtype, out));
    (*out)->text = text;
done:
    px_mem_free(head);
    px_mem_free(what);
    return st;
}

pgy_status *px_lazy_of_npy(px_source *source, px_str image, px_lazy **out)
{
    pgy_status *st = NULL;
    px_npy_header header;

    PX_TRY(px_npy_header_read(source->path, (const uint8_t *)image.ptr, image.len, &header));
    PX_TRY(
        lazy_of_header(AS_IMAGE, source, source->path, &header, image.len, PGY_DTYPE_UNKNOWN, out));
    (*out)->text = image;
done:
    return st;
}

pgy_status *px_lazy_of_member(px_source *source, const px_zip_member *member, px_lazy **out)
{
    pgy_status *st = NULL;
    px_npy_header header;
    px_buf what = {0};
    uint8_t *head = NULL;
    size_t n = PX_MIN(member->size, (size_t)128);

    px_buf_printf(&what, "%s (member %.*s)", source->path, PX_STR_ARG(member->name));
    for (int pass = 0; pass < 2; pass++) {
        px_mem_free(head);
        head = px_mem_alloc(n);
        if (head == NULL)
            PX_TRY(px_status_nomem());
        /* A prefix: the checksum is compared when the whole is read. */
        if (n < member->size)
            PX_TRY(px_zip_read(NULL, px_buf_cstr(&what), member, head, n));
        else
            PX_TRY(px_zip_read(NULL, px_buf_cstr(&what), member, head, member->size));
        const size_t wanted = px_npy_header_size(head, n);
        if (wanted <= n || wanted > member->size || wanted > HEADER_MAX)
            break;
        n = wanted;
    }
    PX_TRY(px_npy_header_read(px_buf_cstr(&what), head, n, &header));
    PX_TRY(lazy_of_header(AS_MEMBER, source, px_buf_cstr(&what), &header, member->size,
                          PGY_DTYPE_UNKNOWN, out));
    (*out)->member = *member;
done:
    px_mem_free(head);
    px_buf_fini(&what);
    return st;
}

void px_lazy_free(px_lazy *value)
{
    if (value == NULL)
        return;
    pgy_tensor_free(value->tensor);
    px_spool_free(value->spool);
    px_source_free(value->source);
    px_mem_free(value);
}

pgy_status *px_lazy_describe(const px_lazy *value, pgy_dtype *out_dtype, int *out_rank,
                             const int64_t **out_dims)
{
    if (out_dtype != NULL)
        *out_dtype = value->dtype;
    if (out_rank != NULL)
        *out_rank = value->rank;
    if (out_dims != NULL)
        *out_dims = value->dims;
    return NULL;
}

pgy_status *px_lazy_reshape(px_lazy *value, int rank, const int64_t *dims)
{
    pgy_status *st = NULL;
    pgy_tensor *shaped = NULL;

    if (value->kind == IN_MEMORY) {
        PX_TRY(pgy_tensor_reshape(value->tensor, rank, dims, &shaped));
        pgy_tensor_free(value->tensor);
        value->tensor = shaped;
    }
    value->rank = rank;
    if (rank > 0)
        memcpy(value->dims, dims, (size_t)rank * sizeof *dims);
done:
    return st;
}

/* --- reading values --- */

typedef struct mapping {
    px_spool *spool;
    void *data;
    size_t size;
} mapping;

static void unmap(void *owner)
{
    mapping *const m = owner;

    munmap(m->data, m->size);
    px_spool_free(m->spool);
    px_mem_free(m);
}

static pgy_status *get_spooled(px_lazy *v, pgy_tensor **out)
{
    pgy_status *st = NULL;
    mapping *m = NULL;
    size_t size = 0;

    (void)px_shape_size(v->dtype, v->rank, v->dims, &size);
    if (size == 0)
        return pgy_tensor_new(v->dtype, v->rank, v->dims, out);
    PX_TRY(PX_ALLOC(m, 1));
    /* Private and writable, so that the tensor may be changed in place like any other. */
    void *const data =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, v->spool->fd, (off_t)v->offset);
    if (data == MAP_FAILED) {
        px_mem_free(m);
        PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot map outputs back from the temporary file: %s",
                       strerror(errno)));
    }
    *m = (mapping){px_spool_ref(v->spool), data, size};
    st = pgy_tensor_wrap(v->dtype, v->rank, v->dims, data, unmap, m, out);
    if (st != NULL)
        unmap(m);
done:
    return st;
}

#define FAULT_AHEAD ((size_t)1 << 20)

typedef struct decoding {
    const px_lazy *value;
    uint8_t *data;
    int64_t first;     /* piece of the range at work */
    atomic_size_t bad; /* position of the first wrong character; SIZE_MAX: none */
} decoding;

/* Pieces [begin, end) of DECODE_STEP bytes. The file's pages are dropped behind the decoder, so
 * that they never count as memory together with the elements. */
static void decode_pieces(void *arg, int64_t begin, int64_t end)
{
    decoding *const d = arg;
    const px_npy_header *const h = &d->value->header;
    const px_str text = d->value->text;

    for (int64_t i = d->first + begin; i < d->first + end; i++) {
        const size_t at = (size_t)i * DECODE_STEP;
        const size_t n = PX_MIN(h->data_size - at, DECODE_STEP);
        size_t bad;
        if (!px_base64_decode(text, h->data_at + at, d->data + at, n, &bad)) {
            size_t first = atomic_load(&d->bad);
            while (bad < first && !atomic_compare_exchange_weak(&d->bad, &first, bad))
                ;
            return;
        }
        /* A fault maps pages ahead as well, which may belong to a piece that is done already. */
        const size_t from = (h->data_at + at) / 3 * 4;
        px_file_drop(&d->value->source->file, text.ptr + from,
                     PX_MIN(n / 3 * 4 + FAULT_AHEAD, text.len - from));
    }
}

static pgy_status *decode_elements(pgy_context *cx, const px_lazy *v, uint8_t *data)
{
    decoding d = {.value = v, .data = data, .bad = SIZE_MAX};
    const size_t size = v->header.data_size;
    const int64_t n = (int64_t)((size + DECODE_STEP - 1) / DECODE_STEP);
    /* Threads wait for each other between two reports. */
    const int64_t n_range = px_progress_is_on(cx) ? (int64_t)(PX_WATCHED_PIECE / DECODE_STEP) : n;

    for (; d.first < n && d.bad == SIZE_MAX; d.first += n_range) {
        px_parallel_for(cx, PX_MIN(n - d.first, n_range), 1, decode_pieces, &d);
        px_progress_bytes(cx, "Loading", PX_MIN((size_t)(d.first + n_range) * DECODE_STEP, size),
                          size);
    }
    return d.bad == SIZE_MAX ? NULL : bad_base64(v->source, v->text, d.bad);
}

/* The stored elements in memory of their own. */
static pgy_status *read_elements(pgy_context *cx, px_lazy *v, const char *what, uint8_t **out)
{
    pgy_status *st = NULL;
    const px_npy_header *const h = &v->header;
    uint8_t *data = NULL;

    if (v->kind == AS_MEMBER) {
        uint8_t *const image = px_mem_alloc_aligned(v->member.size);
        if (image == NULL)
            PX_TRY(px_status_nomem());
        data = image;
        PX_TRY(px_zip_read(cx, what, &v->member, image, v->member.size));
        memmove(image, image + h->data_at, h->data_size);
    } else {
        data = px_mem_alloc_aligned(h->data_size);
        if (data == NULL)
            PX_TRY(px_status_nomem());
        if (v->kind == AS_IMAGE)
            px_source_copy(cx, v->text.ptr + h->data_at, h->data_size, data);
        else if (v->kind == AS_BASE64)
            PX_TRY(decode_elements(cx, v, data));
    }
    *out = data;
    data = NULL;
done:
    px_mem_free(data);
    return st;
}

static pgy_status *get_stored(pgy_context *cx, px_lazy *v, pgy_tensor **out)
{
    pgy_status *st = NULL;
    uint8_t *data = NULL;
    pgy_tensor *t = NULL, *next = NULL;
    char *what =
        v->kind == AS_MEMBER ? px_mem_strdup(v->source->path) : describe_place(v->source, v->text);

    if (what == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(read_elements(cx, v, what, &data));
    px_progress_end(cx, "Loading");
    PX_TRY(px_npy_tensor(what, &v->header, data, px_mem_free, data, &t));
    data = NULL;
    if (t->dtype != v->dtype) {
        PX_TRY(pgy_tensor_cast(t, v->dtype, &next));
        pgy_tensor_free(t);
        t = next;
    }
    if (!px_shape_eq(t->rank, t->dims, v->rank, v->dims)) {
        PX_TRY(pgy_tensor_reshape(t, v->rank, v->dims, &next));
        pgy_tensor_free(t);
        t = next;
    }
    *out = t;
    t = NULL;
done:
    px_mem_free(what);
    px_mem_free(data);
    pgy_tensor_free(t);
    return st;
}

pgy_status *px_lazy_get(pgy_context *cx, px_lazy *value, pgy_tensor **out)
{
    switch (value->kind) {
    case IN_MEMORY:
        *out = pgy_tensor_ref(value->tensor);
        return NULL;
    case IN_SPOOL:
        return get_spooled(value, out);
    default:
        return get_stored(cx, value, out);
    }
}
