/* data/npy.c - the .npy format, as numpy.lib.format documents it (versions 1.0, 2.0, 3.0).
 *
 * Magic "\x93NUMPY", two version bytes, the header's length (2 bytes little-endian in version 1,
 * 4 later), the header (a Python dict literal with the keys descr, fortran_order, shape), then the
 * elements.
 */
#include "data/npy.h"

#include "data/match_shape.h"
#include "data/utf.h"

#include <ctype.h>

#define MAGIC_SIZE 6
#define MAX_EMPTY_TEXTS (1 << 20) /* they take no bytes, so the file does not limit them */
#define CHUNK_ELEMENTS 8192       /* even: packed elements start on a byte */

size_t px_npy_header_size(const uint8_t *bytes, size_t n)
{
    if (n < 12 || memcmp(bytes, "\x93NUMPY", MAGIC_SIZE) != 0)
        return 0;
    if (bytes[6] == 1)
        return 10 + ((size_t)bytes[8] | (size_t)bytes[9] << 8);
    if (bytes[6] == 2 || bytes[6] == 3)
        return 12 + ((size_t)bytes[8] | (size_t)bytes[9] << 8 | (size_t)bytes[10] << 16 |
                     (size_t)bytes[11] << 24);
    return 0;
}

/* --- reading the dict literal --- */

typedef struct literal {
    const char *what;
    px_str text;
    size_t pos;
} literal;

static pgy_status *bad_header(const literal *l, const char *wanted)
{
    return PX_FAIL(PGY_ERR_MODEL,
                   "%s: the .npy header is malformed at its character %zu: expected %s", l->what,
                   l->pos, wanted);
}

static int peek(literal *l)
{
    while (l->pos < l->text.len && isspace((unsigned char)l->text.ptr[l->pos]))
        l->pos++;
    return l->pos < l->text.len ? (unsigned char)l->text.ptr[l->pos] : -1;
}

static bool take(literal *l, char c)
{
    if (peek(l) != (unsigned char)c)
        return false;
    l->pos++;
    return true;
}

static pgy_status *take_text(literal *l, px_str *out)
{
    const int quote = peek(l);

    if (quote != '\'' && quote != '"')
        return bad_header(l, "a quoted text");
    const size_t start = ++l->pos;
    while (l->pos < l->text.len && l->text.ptr[l->pos] != quote)
        l->pos++;
    if (l->pos == l->text.len)
        return bad_header(l, "a closing quote");
    *out = (px_str){l->text.ptr + start, l->pos - start};
    l->pos++;
    return NULL;
}

static bool take_word(literal *l, const char *word)
{
    const size_t len = strlen(word);

    (void)peek(l);
    if (l->text.len - l->pos < len || memcmp(l->text.ptr + l->pos, word, len) != 0)
        return false;
    l->pos += len;
    return true;
}

static pgy_status *take_shape(literal *l, px_npy_header *h)
{
    if (!take(l, '('))
        return bad_header(l, "a tuple of dimensions");
    h->rank = 0;
    while (!take(l, ')')) {
        int64_t dim = 0;
        int digits = 0;
        if (h->rank > 0 && !take(l, ','))
            return bad_header(l, "',' or ')'");
        if (take(l, ')'))
            break;
        for (int c = peek(l); c >= '0' && c <= '9';
             c = l->pos < l->text.len ? l->text.ptr[l->pos] : -1) {
            if (__builtin_mul_overflow(dim, 10, &dim) || __builtin_add_overflow(dim, c - '0', &dim))
                return bad_header(l, "a dimension below 2^63");
            digits++;
            l->pos++;
        }
        if (digits == 0)
            return bad_header(l, "a dimension");
        (void)take(l, 'L'); /* Python 2 wrote long integers so */
        if (h->rank == PX_MAX_RANK)
            return bad_header(l, "at most 64 dimensions");
        h->dims[h->rank++] = dim;
    }
    return NULL;
}

static pgy_dtype dtype_of(char kind, size_t size)
{
    switch (kind) {
    case 'f':
        return size == 8   ? PGY_DTYPE_F64
               : size == 4 ? PGY_DTYPE_F32
               : size == 2 ? PGY_DTYPE_F16
                           : PGY_DTYPE_UNKNOWN;
    case 'i':
        return size == 8   ? PGY_DTYPE_I64
               : size == 4 ? PGY_DTYPE_I32
               : size == 2 ? PGY_DTYPE_I16
               : size == 1 ? PGY_DTYPE_I8
                           : PGY_DTYPE_UNKNOWN;
    case 'u':
        return size == 8   ? PGY_DTYPE_U64
               : size == 4 ? PGY_DTYPE_U32
               : size == 2 ? PGY_DTYPE_U16
               : size == 1 ? PGY_DTYPE_U8
                           : PGY_DTYPE_UNKNOWN;
    case 'b':
        return size == 1 ? PGY_DTYPE_BOOL : PGY_DTYPE_UNKNOWN;
    case 'c':
        return size == 16 ? PGY_DTYPE_C128 : size == 8 ? PGY_DTYPE_C64 : PGY_DTYPE_UNKNOWN;
    case 'V': /* what numpy makes of ml_dtypes' types: bfloat16, and anything of one byte */
        return size == 2 ? PGY_DTYPE_BF16 : size == 1 ? PGY_DTYPE_U8 : PGY_DTYPE_UNKNOWN;
    case 'U':
    case 'S':
        return PGY_DTYPE_STRING;
    default:
        return PGY_DTYPE_UNKNOWN;
    }
}

/* "<f4", "|b1", ">i8", "<U12". */
static pgy_status *set_descr(const literal *l, px_str descr, px_npy_header *h)
{
    size_t i = 0;
    size_t size = 0;

    h->big_endian = false;
    if (i < descr.len && strchr("<>|=", descr.ptr[i]) != NULL)
        h->big_endian = descr.ptr[i++] == '>';
    h->kind = i < descr.len ? descr.ptr[i++] : 0;
    h->dtype = PGY_DTYPE_UNKNOWN;
    for (; i < descr.len && descr.ptr[i] >= '0' && descr.ptr[i] <= '9' && size < (1u << 28); i++)
        size = size * 10 + (size_t)(descr.ptr[i] - '0');
    if (i == descr.len)
        h->dtype = dtype_of(h->kind, size);
    if (h->kind == 'O' || h->dtype == PGY_DTYPE_UNKNOWN)
        return PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "%s: the array's element type is %.*s; numbers, bool and text can be read%s",
                       l->what, PX_STR_ARG(descr), h->kind == 'O' ? ", Python objects cannot" : "");
    h->item_size = h->kind == 'U' ? 4 * size : size;
    return NULL;
}

static pgy_status *read_dict(literal *l, px_npy_header *h)
{
    pgy_status *st = NULL;
    bool has_descr = false, has_order = false, has_shape = false;

    if (!take(l, '{'))
        PX_TRY(bad_header(l, "'{'"));
    while (!take(l, '}')) {
        px_str key, descr;
        PX_TRY(take_text(l, &key));
        if (!take(l, ':'))
            PX_TRY(bad_header(l, "':'"));
        if (px_str_is(key, "descr")) {
            if (peek(l) == '[')
                PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                               "%s: the array's elements are records; only plain numbers, bool "
                               "and text can be read",
                               l->what));
            PX_TRY(take_text(l, &descr));
            PX_TRY(set_descr(l, descr, h));
            has_descr = true;
        } else if (px_str_is(key, "fortran_order")) {
            h->fortran_order = take_word(l, "True");
            if (!h->fortran_order && !take_word(l, "False"))
                PX_TRY(bad_header(l, "True or False"));
            has_order = true;
        } else if (px_str_is(key, "shape")) {
            PX_TRY(take_shape(l, h));
            has_shape = true;
        } else {
            PX_TRY(bad_header(l, "one of the keys descr, fortran_order, shape"));
        }
        if (!take(l, ',') && peek(l) != '}')
            PX_TRY(bad_header(l, "',' or '}'"));
    }
    if (!has_descr || !has_order || !has_shape)
        PX_TRY(bad_header(l, "all of the keys descr, fortran_order, shape"));
done:
    return st;
}

pgy_status *px_npy_header_read(const char *what, const uint8_t *bytes, size_t n, px_npy_header *out)
{
    pgy_status *st = NULL;
    px_npy_header h = {0};
    int64_t count;
    const size_t size = px_npy_header_size(bytes, n);

    if (size == 0)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "%s: not a .npy array of version 1, 2 or 3 (it should start with the bytes "
                       "93 4E 55 4D 50 59)",
                       what));
    if (size > n)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "%s: the .npy header should be %zu bytes long, but only %zu are there", what,
                       size, n));
    const size_t text_at = bytes[6] == 1 ? 10 : 12;
    literal l = {.what = what, .text = {(const char *)bytes + text_at, size - text_at}};
    PX_TRY(read_dict(&l, &h));
    h.data_at = size;
    if (!px_shape_count(h.rank, h.dims, &count) ||
        !px_size_mul((size_t)count, h.item_size, &h.data_size))
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "%s: the shape in the .npy header is too large", what));
    if (h.item_size == 0 && count > MAX_EMPTY_TEXTS)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "%s: the .npy header promises %lld empty texts", what,
                       (long long)count));
    *out = h;
done:
    return st;
}

/* --- elements --- */

static void swap_bytes(uint8_t *data, size_t size, size_t item)
{
    for (size_t i = 0; i + item <= size; i += item)
        for (size_t k = 0; k < item / 2; k++) {
            const uint8_t b = data[i + k];
            data[i + k] = data[i + item - 1 - k];
            data[i + item - 1 - k] = b;
        }
}

/* Bytes per number that the byte order applies to: half of a complex element, 4 of UTF-32. */
static size_t swap_unit(const px_npy_header *h)
{
    if (h->kind == 'U')
        return 4;
    if (h->kind == 'S' || h->kind == 'V')
        return 1;
    return h->kind == 'c' ? h->item_size / 2 : h->item_size;
}

static uint32_t code_point_at(const px_npy_header *h, const uint8_t *p)
{
    uint32_t c;

    memcpy(&c, p, sizeof c);
    return h->big_endian ? __builtin_bswap32(c) : c;
}

/* numpy's text arrays have a fixed width and are padded with NULs, which do not count. */
static pgy_status *text_tensor(const px_npy_header *h, int rank, const int64_t *dims,
                               const uint8_t *data, pgy_tensor **out)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    size_t *ends = NULL;
    pgy_string *strings = NULL;
    const size_t n = h->item_size == 0 ? 0 : h->data_size / h->item_size;
    int64_t count = 0;

    (void)px_shape_count(rank, dims, &count);
    PX_TRY(PX_ALLOC(ends, (size_t)count));
    PX_TRY(PX_ALLOC(strings, (size_t)count));
    for (size_t i = 0; i < (size_t)count; i++) {
        const uint8_t *const item = data + i * h->item_size;
        size_t len = i < n ? h->item_size : 0;
        if (h->kind == 'S') {
            while (len > 0 && item[len - 1] == 0)
                len--;
            px_buf_put(&text, item, len);
        } else {
            while (len > 0 && code_point_at(h, item + len - 4) == 0)
                len -= 4;
            for (size_t k = 0; k < len; k += 4)
                px_utf8_put(&text, code_point_at(h, item + k));
        }
        ends[i] = text.len;
    }
    PX_TRY(px_buf_status(&text));
    for (size_t i = 0; i < (size_t)count; i++) {
        const size_t start = i == 0 ? 0 : ends[i - 1];
        strings[i] = (pgy_string){px_buf_cstr(&text) + start, ends[i] - start};
    }
    PX_TRY(px_tensor_new_strings(rank, dims, strings, out));
done:
    px_buf_fini(&text);
    px_mem_free(ends);
    px_mem_free(strings);
    return st;
}

/* Turns column-major elements into row-major ones: the stored bytes are the row-major array of the
 * reversed shape, so it is a transposition. */
static pgy_status *from_fortran(const px_npy_header *h, pgy_tensor **inout)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    int perm[PX_MAX_RANK];

    for (int i = 0; i < h->rank; i++)
        perm[i] = h->rank - 1 - i;
    PX_TRY(px_tensor_transpose(*inout, perm, &t));
    pgy_tensor_free(*inout);
    *inout = t;
done:
    return st;
}

pgy_status *px_npy_tensor(const char *what, const px_npy_header *h, void *data,
                          pgy_release_fn release, void *owner, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    pgy_tensor *copy = NULL;
    int64_t stored[PX_MAX_RANK];

    for (int i = 0; i < h->rank; i++)
        stored[i] = h->fortran_order ? h->dims[h->rank - 1 - i] : h->dims[i];
    if (h->dtype == PGY_DTYPE_STRING) {
        PX_TRY(text_tensor(h, h->rank, stored, data, &t));
        if (h->fortran_order)
            PX_TRY(from_fortran(h, &t));
        if (release != NULL)
            release(owner);
    } else {
        const bool swap = h->big_endian && swap_unit(h) > 1;
        const bool must_copy = swap || (h->fortran_order && h->rank > 1);
        PX_TRY(pgy_tensor_wrap(h->dtype, h->rank, stored, data, must_copy ? NULL : release, owner,
                               &t));
        if (swap) {
            PX_TRY(px_tensor_new_raw(h->dtype, h->rank, stored, &copy));
            memcpy(copy->data, data, h->data_size);
            swap_bytes(copy->data, h->data_size, swap_unit(h));
            pgy_tensor_free(t);
            t = copy;
            copy = NULL;
        }
        if (h->fortran_order && h->rank > 1)
            PX_TRY(from_fortran(h, &t));
        if (must_copy && release != NULL)
            release(owner);
    }
    *out = t;
    t = NULL;
done:
    pgy_tensor_free(t);
    pgy_tensor_free(copy);
    return px_status_while(st, "reading the array %s", what);
}

pgy_status *px_npy_read(const char *what, const uint8_t *bytes, size_t n, pgy_tensor **out)
{
    pgy_status *st = NULL;
    px_npy_header h;
    uint8_t *data = NULL;

    PX_TRY(px_npy_header_read(what, bytes, n, &h));
    if (n - h.data_at < h.data_size)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "%s: the array's elements should take %zu bytes from byte %zu on, but only "
                       "%zu are there",
                       what, h.data_size, h.data_at, n - h.data_at));
    data = px_mem_alloc_aligned(h.data_size);
    if (data == NULL)
        PX_TRY(px_status_nomem());
    if (h.data_size > 0)
        memcpy(data, bytes + h.data_at, h.data_size);
    PX_TRY(px_npy_tensor(what, &h, data, px_mem_free, data, out));
    data = NULL;
done:
    px_mem_free(data);
    return st;
}

/* --- writing --- */

pgy_dtype px_npy_stored_dtype(pgy_dtype dtype)
{
    switch (dtype) {
    case PGY_DTYPE_BF16:
    case PGY_DTYPE_F8E4M3FN:
    case PGY_DTYPE_F8E4M3FNUZ:
    case PGY_DTYPE_F8E5M2:
    case PGY_DTYPE_F8E5M2FNUZ:
    case PGY_DTYPE_F8E8M0:
    case PGY_DTYPE_F4E2M1:
        return PGY_DTYPE_F32;
    case PGY_DTYPE_I4:
    case PGY_DTYPE_I2:
        return PGY_DTYPE_I8;
    case PGY_DTYPE_U4:
    case PGY_DTYPE_U2:
        return PGY_DTYPE_U8;
    default:
        return dtype;
    }
}

static const char *descr_of(pgy_dtype dtype)
{
    switch (dtype) {
    case PGY_DTYPE_F64:
        return "<f8";
    case PGY_DTYPE_F32:
        return "<f4";
    case PGY_DTYPE_F16:
        return "<f2";
    case PGY_DTYPE_BOOL:
        return "|b1";
    case PGY_DTYPE_I8:
        return "|i1";
    case PGY_DTYPE_I16:
        return "<i2";
    case PGY_DTYPE_I32:
        return "<i4";
    case PGY_DTYPE_I64:
        return "<i8";
    case PGY_DTYPE_U8:
        return "|u1";
    case PGY_DTYPE_U16:
        return "<u2";
    case PGY_DTYPE_U32:
        return "<u4";
    case PGY_DTYPE_U64:
        return "<u8";
    case PGY_DTYPE_C64:
        return "<c8";
    case PGY_DTYPE_C128:
        return "<c16";
    default:
        return NULL;
    }
}

/* Code points of the longest string; numpy stores at least one. */
static size_t text_width(const pgy_tensor *t)
{
    const pgy_string *const strings = t->data;
    size_t width = 1;

    for (int64_t i = 0; i < t->count; i++)
        width = PX_MAX(width, px_utf8_count((px_str){strings[i].ptr, strings[i].len}));
    return width;
}

/* The header as numpy writes it: room is left for the first dimension to grow to 21 digits, then
 * the whole is padded to a multiple of 64 bytes. */
static pgy_status *put_header(const pgy_tensor *t, size_t width, px_buf *b)
{
    const char *const descr = descr_of(px_npy_stored_dtype(t->dtype));
    px_buf text = {0};
    pgy_status *st = NULL;

    if (t->dtype == PGY_DTYPE_STRING)
        px_buf_printf(&text, "{'descr': '<U%zu'", width);
    else if (descr != NULL)
        px_buf_printf(&text, "{'descr': '%s'", descr);
    else
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED, "An array of type %s cannot be stored as .npy",
                       pgy_dtype_name(t->dtype)));
    px_buf_puts(&text, ", 'fortran_order': False, 'shape': ");
    px_shape_print(&text, t->rank, t->dims);
    px_buf_puts(&text, ", }");
    if (t->rank > 0) {
        int digits = 1;
        for (int64_t d = t->dims[0]; d >= 10; d /= 10)
            digits++;
        px_buf_pad(&text, ' ', (size_t)(21 - digits));
    }
    px_buf_pad(&text, ' ', 64 - (10 + text.len + 1) % 64);
    px_buf_putc(&text, '\n');
    PX_TRY(px_buf_status(&text));
    const uint8_t start[10] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)text.len, (uint8_t)(text.len >> 8)};
    px_buf_put(b, start, sizeof start);
    px_buf_putstr(b, px_buf_str(&text));
    PX_TRY(px_buf_status(b));
done:
    px_buf_fini(&text);
    return st;
}

pgy_status *px_npy_size(const pgy_tensor *t, size_t *out)
{
    pgy_status *st = NULL;
    px_buf header = {0};
    const bool text = t->dtype == PGY_DTYPE_STRING;
    const size_t width = text ? text_width(t) : 0;
    const size_t item =
        text ? 4 * width : (size_t)pgy_dtype_bits(px_npy_stored_dtype(t->dtype)) / 8;
    size_t size;

    PX_TRY(put_header(t, width, &header));
    if (!px_size_mul((size_t)t->count, item, &size) || !px_size_add(size, header.len, &size))
        PX_TRY(px_status_nomem());
    *out = size;
done:
    px_buf_fini(&header);
    return st;
}

static pgy_status *write_text(const pgy_tensor *t, size_t width, px_npy_sink sink, void *arg)
{
    pgy_status *st = NULL;
    const pgy_string *const strings = t->data;
    uint32_t *item = NULL;

    PX_TRY(PX_ALLOC(item, width));
    for (int64_t i = 0; i < t->count; i++) {
        memset(item, 0, width * sizeof *item);
        px_str rest = {strings[i].ptr, strings[i].len};
        for (size_t k = 0; rest.len > 0; k++)
            item[k] = px_utf8_next(&rest);
        sink(arg, item, width * sizeof *item);
    }
done:
    px_mem_free(item);
    return st;
}

static void write_converted(const pgy_tensor *t, px_npy_sink sink, void *arg)
{
    const pgy_dtype to = px_npy_stored_dtype(t->dtype);
    const size_t item = (size_t)pgy_dtype_bits(to) / 8;
    float chunk[CHUNK_ELEMENTS]; /* the widest stored type is float32 */

    for (int64_t i = 0; i < t->count; i += CHUNK_ELEMENTS) {
        const int64_t n = PX_MIN(t->count - i, (int64_t)CHUNK_ELEMENTS);
        px_convert(to, chunk, t->dtype, t->data, i, n);
        sink(arg, chunk, (size_t)n * item);
    }
}

pgy_status *px_npy_write(const pgy_tensor *t, px_npy_sink sink, void *arg)
{
    pgy_status *st = NULL;
    px_buf header = {0};
    const size_t width = t->dtype == PGY_DTYPE_STRING ? text_width(t) : 0;

    PX_TRY(put_header(t, width, &header));
    sink(arg, header.ptr, header.len);
    if (t->dtype == PGY_DTYPE_STRING)
        PX_TRY(write_text(t, width, sink, arg));
    else if (px_npy_stored_dtype(t->dtype) != t->dtype)
        write_converted(t, sink, arg);
    else
        sink(arg, t->data, t->size);
done:
    px_buf_fini(&header);
    return st;
}
