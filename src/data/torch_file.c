/* data/torch_file.c - the pickle (protocol 2) of one tensor, read by a small stack machine.
 *
 * The program is: _rebuild_tensor_v2(persistent id (storage, class, key, device, count), offset,
 * size, stride, requires_grad, hooks). The machine knows the opcodes that appear in it and gives up
 * on any other; its values are integers, texts, class names and tuples.
 */
#include "data/torch_file.h"

#include "data/match_shape.h"
#include "data/zip.h"

#include <inttypes.h>

#define STACK_SIZE 256
#define MEMO_SIZE 256
#define MAX_ITEMS 512

typedef enum kind { INT, TEXT, CLASS, TUPLE, MARK, OTHER } kind;

typedef struct value {
    kind kind;
    int64_t i;   /* INT; for TUPLE: first item */
    size_t n;    /* TUPLE: number of items */
    px_str text; /* TEXT; CLASS: "module name" */
} value;

typedef struct machine {
    const char *what;
    px_str code;
    size_t pos;
    value stack[STACK_SIZE];
    size_t n;
    value memo[MEMO_SIZE];
    value items[MAX_ITEMS]; /* of tuples */
    size_t n_items;
    value storage; /* the persistent id's tuple */
    value rebuild; /* the arguments' tuple */
    bool has_storage, has_rebuild;
} machine;

static pgy_status *give_up(const machine *m, const char *why)
{
    return PX_FAIL(PGY_ERR_UNSUPPORTED,
                   "%s: the torch file is not a plain tensor (%s at byte %zu of its pickle). Save "
                   "a dense CPU tensor, or use .npy",
                   m->what, why, m->pos);
}

static pgy_status *push(machine *m, value v)
{
    if (m->n == STACK_SIZE)
        return give_up(m, "the stack is too deep");
    m->stack[m->n++] = v;
    return NULL;
}

static pgy_status *take_bytes(machine *m, size_t n, px_str *out)
{
    if (m->code.len - m->pos < n)
        return give_up(m, "it is cut off");
    *out = (px_str){m->code.ptr + m->pos, n};
    m->pos += n;
    return NULL;
}

static pgy_status *take_number(machine *m, int size, int64_t *out)
{
    pgy_status *st = NULL;
    px_str bytes = {0};
    uint64_t v = 0;

    PX_TRY(take_bytes(m, (size_t)size, &bytes));
    for (int i = size - 1; i >= 0; i--)
        v = v << 8 | (unsigned char)bytes.ptr[i];
    *out = size == 4 ? (int32_t)v : (int64_t)v;
done:
    return st;
}

static pgy_status *take_line(machine *m, px_str *out)
{
    const char *const start = m->code.ptr + m->pos;
    const char *const end = memchr(start, '\n', m->code.len - m->pos);

    if (end == NULL)
        return give_up(m, "it is cut off");
    *out = (px_str){start, (size_t)(end - start)};
    m->pos += out->len + 1;
    return NULL;
}

/* Two lines, module and name, joined as they stand in the pickle: "module\nname". */
static pgy_status *push_class(machine *m)
{
    pgy_status *st = NULL;
    px_str module = {0}, name = {0};

    PX_TRY(take_line(m, &module));
    PX_TRY(take_line(m, &name));
    PX_TRY(push(m, (value){.kind = CLASS, .text = {module.ptr, module.len + 1 + name.len}}));
done:
    return st;
}

static pgy_status *push_long(machine *m)
{
    pgy_status *st = NULL;
    int64_t n = 0;
    px_str bytes = {0};
    uint64_t v = 0;

    PX_TRY(take_number(m, 1, &n));
    if (n > 8)
        PX_TRY(give_up(m, "an integer is too large"));
    PX_TRY(take_bytes(m, (size_t)n, &bytes));
    for (int64_t i = n - 1; i >= 0; i--)
        v = v << 8 | (unsigned char)bytes.ptr[i];
    if (n > 0 && n < 8 && (bytes.ptr[n - 1] & 0x80) != 0)
        v |= UINT64_MAX << 8 * n;
    PX_TRY(push(m, (value){.kind = INT, .i = (int64_t)v}));
done:
    return st;
}

/* The topmost `n` values become one tuple. */
static pgy_status *make_tuple(machine *m, size_t n)
{
    if (n > m->n || n > MAX_ITEMS - m->n_items)
        return give_up(m, "a tuple is too long");
    const size_t first = m->n_items;
    m->n -= n;
    for (size_t i = 0; i < n; i++)
        m->items[m->n_items++] = m->stack[m->n + i];
    return push(m, (value){.kind = TUPLE, .i = (int64_t)first, .n = n});
}

static pgy_status *make_marked_tuple(machine *m)
{
    size_t n = 0;

    while (n < m->n && m->stack[m->n - 1 - n].kind != MARK)
        n++;
    if (n == m->n)
        return give_up(m, "a mark is missing");
    pgy_status *const st = make_tuple(m, n);
    if (st == NULL) { /* put the tuple where the mark is */
        m->stack[m->n - 2] = m->stack[m->n - 1];
        m->n--;
    }
    return st;
}

static pgy_status *reduce(machine *m)
{
    if (m->n < 2 || m->stack[m->n - 1].kind != TUPLE || m->stack[m->n - 2].kind != CLASS)
        return give_up(m, "a call has no arguments");
    const value args = m->stack[--m->n];
    const px_str name = m->stack[m->n - 1].text;
    if (px_str_is(name, "torch._utils\n_rebuild_tensor_v2")) {
        m->rebuild = args;
        m->has_rebuild = true;
    } else if (!px_str_is(name, "collections\nOrderedDict")) {
        return give_up(m, "it calls something else than a tensor");
    }
    m->stack[m->n - 1] = (value){.kind = OTHER};
    return NULL;
}

static pgy_status *memo(machine *m, int size, bool put)
{
    pgy_status *st = NULL;
    int64_t i = 0;

    PX_TRY(take_number(m, size, &i));
    if (i < 0 || i >= MEMO_SIZE || (put && m->n == 0))
        PX_TRY(give_up(m, "it remembers too much"));
    if (put)
        m->memo[i] = m->stack[m->n - 1];
    else
        PX_TRY(push(m, m->memo[i]));
done:
    return st;
}

static pgy_status *push_number(machine *m, int size)
{
    value v = {.kind = INT};
    pgy_status *const st = take_number(m, size, &v.i);

    return st != NULL ? st : push(m, v);
}

static pgy_status *push_text(machine *m, int size_bytes)
{
    pgy_status *st = NULL;
    int64_t n = 0;
    value v = {.kind = TEXT};

    PX_TRY(take_number(m, size_bytes, &n));
    if (n < 0)
        PX_TRY(give_up(m, "a text is too long"));
    PX_TRY(take_bytes(m, (size_t)n, &v.text));
    PX_TRY(push(m, v));
done:
    return st;
}

static pgy_status *persistent_id(machine *m)
{
    if (m->n == 0 || m->stack[m->n - 1].kind != TUPLE || m->has_storage)
        return give_up(m, "a storage is not described by one tuple");
    m->storage = m->stack[m->n - 1];
    m->has_storage = true;
    m->stack[m->n - 1] = (value){.kind = OTHER};
    return NULL;
}

/* One opcode. *out_stop is set by the last one. */
static pgy_status *step(machine *m, bool *out_stop)
{
    pgy_status *st = NULL;
    px_str op = {0};

    PX_TRY(take_bytes(m, 1, &op));
    switch ((unsigned char)op.ptr[0]) {
    case 0x80: /* PROTO */
        return take_bytes(m, 1, &op);
    case 'c':
        return push_class(m);
    case 'q':
        return memo(m, 1, true);
    case 'r':
        return memo(m, 4, true);
    case 'h':
        return memo(m, 1, false);
    case 'j':
        return memo(m, 4, false);
    case '(':
        return push(m, (value){.kind = MARK});
    case 'X':
        return push_text(m, 4);
    case 0x8c:
        return push_text(m, 1);
    case 'K':
        return push_number(m, 1);
    case 'M':
        return push_number(m, 2);
    case 'J':
        return push_number(m, 4);
    case 0x8a:
        return push_long(m);
    case ')':
        return make_tuple(m, 0);
    case 0x85:
        return make_tuple(m, 1);
    case 0x86:
        return make_tuple(m, 2);
    case 0x87:
        return make_tuple(m, 3);
    case 't':
        return make_marked_tuple(m);
    case 'Q':
        return persistent_id(m);
    case 0x88:
    case 0x89: /* True, False */
    case 'N':
        return push(m, (value){.kind = OTHER});
    case 'R':
        return reduce(m);
    case '.':
        *out_stop = true;
        return NULL;
    default:
        PX_TRY(give_up(m, "it holds an unknown instruction"));
    }
done:
    return st;
}

static const struct {
    pgy_dtype dtype;
    const char *storage;
} storages[] = {
    {PGY_DTYPE_F32, "FloatStorage"}, {PGY_DTYPE_F64, "DoubleStorage"},
    {PGY_DTYPE_F16, "HalfStorage"},  {PGY_DTYPE_BF16, "BFloat16Storage"},
    {PGY_DTYPE_I64, "LongStorage"},  {PGY_DTYPE_I32, "IntStorage"},
    {PGY_DTYPE_I16, "ShortStorage"}, {PGY_DTYPE_I8, "CharStorage"},
    {PGY_DTYPE_U8, "ByteStorage"},   {PGY_DTYPE_BOOL, "BoolStorage"},
};

/* What the pickle says about the tensor. */
typedef struct plan {
    pgy_dtype dtype;
    px_str key;
    int rank;
    int64_t offset; /* elements into the storage */
    int64_t dims[PX_MAX_RANK], strides[PX_MAX_RANK];
} plan;

static pgy_status *read_ints(const machine *m, const value *tuple, int64_t *out, int *out_n)
{
    if (tuple->kind != TUPLE || tuple->n > PX_MAX_RANK)
        return give_up(m, "size or stride is no short tuple");
    for (size_t i = 0; i < tuple->n; i++) {
        const value *const v = &m->items[tuple->i + (int64_t)i];
        if (v->kind != INT || v->i < 0)
            return give_up(m, "size or stride is no number");
        out[i] = v->i;
    }
    *out_n = (int)tuple->n;
    return NULL;
}

static pgy_status *read_plan(const machine *m, plan *out)
{
    pgy_status *st = NULL;
    int n_strides = 0;

    if (!m->has_storage || !m->has_rebuild || m->rebuild.n < 4 || m->storage.n < 3)
        PX_TRY(give_up(m, "no tensor was rebuilt"));
    const value *const args = &m->items[m->rebuild.i];
    const value *const id = &m->items[m->storage.i];
    out->dtype = PGY_DTYPE_UNKNOWN;
    for (size_t i = 0; i < PX_COUNTOF(storages); i++)
        if (id[1].kind == CLASS && px_str_starts(id[1].text, "torch\n") &&
            px_str_ends(id[1].text, storages[i].storage) &&
            id[1].text.len == 6 + strlen(storages[i].storage))
            out->dtype = storages[i].dtype;
    if (out->dtype == PGY_DTYPE_UNKNOWN || id[2].kind != TEXT)
        PX_TRY(give_up(m, "its element type is not supported"));
    out->key = id[2].text;
    if (args[1].kind != INT || args[1].i < 0)
        PX_TRY(give_up(m, "its offset is no number"));
    out->offset = args[1].i;
    PX_TRY(read_ints(m, &args[2], out->dims, &out->rank));
    PX_TRY(read_ints(m, &args[3], out->strides, &n_strides));
    if (n_strides != out->rank)
        PX_TRY(give_up(m, "size and stride differ in length"));
done:
    return st;
}

/* Dense row-major, or dense after permuting its axes: then *perm brings the stored order back. */
static bool find_order(const plan *p, int *perm, int64_t *stored_dims)
{
    int order[PX_MAX_RANK];
    int64_t stride = 1;

    for (int i = 0; i < p->rank; i++)
        order[i] = i;
    for (int i = 1; i < p->rank; i++) { /* stable insertion sort, largest stride first */
        const int axis = order[i];
        int k = i;
        for (; k > 0 && p->strides[order[k - 1]] < p->strides[axis]; k--)
            order[k] = order[k - 1];
        order[k] = axis;
    }
    for (int i = p->rank - 1; i >= 0; i--) {
        const int axis = order[i];
        if (p->dims[axis] != 1 && p->strides[axis] != stride)
            return false;
        if (__builtin_mul_overflow(stride, p->dims[axis], &stride))
            return false;
    }
    for (int i = 0; i < p->rank; i++) {
        stored_dims[i] = p->dims[order[i]];
        perm[order[i]] = i;
    }
    return true;
}

static pgy_status *build(const machine *m, const px_zip *zip, const plan *p, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *stored = NULL;
    int perm[PX_MAX_RANK];
    int64_t dims[PX_MAX_RANK], count;
    size_t size, start;
    const px_zip_member *member = NULL;

    if (!px_shape_count(p->rank, p->dims, &count) ||
        !px_shape_size(p->dtype, p->rank, p->dims, &size))
        PX_TRY(give_up(m, "its size is too large"));
    if (count == 0) {
        PX_TRY(pgy_tensor_new(p->dtype, p->rank, p->dims, out));
        goto done;
    }
    if (!find_order(p, perm, dims))
        PX_TRY(give_up(m, "it is a view with gaps"));
    for (size_t i = 0; i < zip->n && member == NULL; i++) {
        px_str name = zip->at[i].name;
        if (name.len > p->key.len + 6 &&
            memcmp(name.ptr + name.len - p->key.len - 6, "/data/", 6) == 0 &&
            px_str_eq((px_str){name.ptr + name.len - p->key.len, p->key.len}, p->key))
            member = &zip->at[i];
    }
    const size_t item = (size_t)pgy_dtype_bits(p->dtype) / 8;
    if (member == NULL || member->is_deflated || !px_size_mul((size_t)p->offset, item, &start) ||
        start > member->size || size > member->size - start)
        PX_TRY(give_up(m, "its storage is missing or too short"));
    PX_TRY(px_tensor_new_raw(p->dtype, p->rank, dims, &stored));
    memcpy(stored->data, member->stored.ptr + start, size);
    PX_TRY(px_tensor_transpose(stored, perm, out));
done:
    pgy_tensor_free(stored);
    return st;
}

pgy_status *px_torch_read(const char *what, px_str bytes, pgy_tensor **out)
{
    pgy_status *st = NULL;
    px_zip zip = {0};
    machine *m = NULL;
    plan p = {0};
    bool stop = false;

    PX_TRY(px_zip_list(what, bytes, &zip));
    PX_TRY(PX_ALLOC(m, 1));
    m->what = what;
    for (size_t i = 0; i < zip.n; i++)
        if (px_str_ends(zip.at[i].name, "/data.pkl") && !zip.at[i].is_deflated)
            m->code = zip.at[i].stored;
    if (m->code.len == 0)
        PX_TRY(give_up(m, "it has no data.pkl"));
    while (!stop)
        PX_TRY(step(m, &stop));
    PX_TRY(read_plan(m, &p));
    PX_TRY(build(m, &zip, &p, out));
done:
    px_mem_free(m);
    px_zip_fini(&zip);
    return st;
}

/* --- writing --- */

static const char *storage_of(pgy_dtype dtype)
{
    for (size_t i = 0; i < PX_COUNTOF(storages); i++)
        if (storages[i].dtype == dtype)
            return storages[i].storage;
    return NULL;
}

bool px_torch_has_dtype(pgy_dtype dtype)
{
    return storage_of(dtype) != NULL;
}

static void put_text(px_buf *b, const char *s)
{
    const uint32_t n = (uint32_t)strlen(s);

    px_buf_putc(b, 'X');
    px_buf_put(b, &n, sizeof n);
    px_buf_puts(b, s);
}

/* Always as LONG1 with 8 bytes: valid for any size. */
static void put_int(px_buf *b, int64_t v)
{
    px_buf_put(b, "\x8a\x08", 2);
    px_buf_put(b, &v, sizeof v);
}

static void put_ints(px_buf *b, int n, const int64_t *v)
{
    px_buf_putc(b, '(');
    for (int i = 0; i < n; i++)
        put_int(b, v[i]);
    px_buf_putc(b, 't');
}

static void put_pickle(px_buf *b, const pgy_tensor *t)
{
    int64_t strides[PX_MAX_RANK];
    int64_t stride = 1;

    for (int i = t->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= PX_MAX(t->dims[i], 1);
    }
    px_buf_put(b, "\x80\x02", 2);
    px_buf_puts(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    put_text(b, "storage");
    px_buf_printf(b, "ctorch\n%s\n", storage_of(t->dtype));
    put_text(b, "0");
    put_text(b, "cpu");
    put_int(b, t->count);
    px_buf_puts(b, "tQ");
    put_int(b, 0);
    put_ints(b, t->rank, t->dims);
    put_ints(b, t->rank, strides);
    px_buf_puts(b, "\x89"
                   "ccollections\nOrderedDict\n)RtR.");
}

static void put_to_buf(void *arg, const void *bytes, size_t size)
{
    px_buf_put(arg, bytes, size);
}

static void put_member(px_zip_writer *w, const char *name, const void *bytes, size_t size)
{
    px_zip_begin(w, px_str_of(name), size, px_zip_crc(0, bytes, size), 64);
    px_zip_put(w, bytes, size);
}

pgy_status *px_torch_write(const pgy_tensor *t, px_buf *out)
{
    pgy_status *st = NULL;
    px_buf pickle = {0};
    px_zip_writer w = {.put = put_to_buf, .arg = out};

    if (!px_torch_has_dtype(t->dtype))
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED, "torch has no tensors of type %s",
                       pgy_dtype_name(t->dtype)));
    put_pickle(&pickle, t);
    PX_TRY(px_buf_status(&pickle));
    put_member(&w, "archive/data.pkl", pickle.ptr, pickle.len);
    put_member(&w, "archive/byteorder", "little", 6);
    put_member(&w, "archive/data/0", t->data, t->size);
    put_member(&w, "archive/version", "3\n", 2);
    PX_TRY(px_zip_finish(&w));
    PX_TRY(px_buf_status(out));
done:
    px_buf_fini(&w.directory);
    px_buf_fini(&pickle);
    return st;
}
