/* model/pb_write.c - see pb_write.h. */
#include "model/pb_write.h"

#define BLOCK ((size_t)16 << 10)
#define SMALL 128 /* shorter runs are copied: a piece of their own would cost as much */
#define HEADER 20 /* tag and length of a nested message, two varints */

static size_t encode(uint64_t value, char out[10])
{
    size_t n = 0;
    for (; value > 0x7f; value >>= 7)
        out[n++] = (char)(value | 0x80);
    out[n++] = (char)value;
    return n;
}

static void add_piece(px_pb_out *o, const void *ptr, size_t size)
{
    pgy_status *st = PX_RESERVE(o, 1);
    if (st) {
        pgy_status_free(st);
        o->failed = true;
        return;
    }
    o->at[o->n++] = (px_pb_piece){ptr, size};
    o->size += size;
}

/* `size` bytes of a block, at most BLOCK; NULL when memory is out. */
static char *take(px_pb_out *o, size_t size)
{
    if (o->n_free < size) {
        char *block = px_arena_alloc(&o->arena, BLOCK);
        if (!block) {
            o->failed = true;
            return NULL;
        }
        o->block = block;
        o->n_free = BLOCK;
    }
    char *at = o->block;
    o->block += size;
    o->n_free -= size;
    return at;
}

static void put_small(px_pb_out *o, const char *bytes, size_t size)
{
    char *at = o->failed || size == 0 ? NULL : take(o, size);
    if (!at)
        return;
    memcpy(at, bytes, size);
    px_pb_piece *last = o->n > 0 ? &o->at[o->n - 1] : NULL;
    if (last && last->size > 0 && (const char *)last->ptr + last->size == at) {
        last->size += size;
        o->size += size;
    } else {
        add_piece(o, at, size);
    }
}

void px_pb_put_whole(px_pb_out *o, px_str whole)
{
    px_pb_piece *last = o->n > 0 ? &o->at[o->n - 1] : NULL;
    if (last && last->size > 0 && (const char *)last->ptr + last->size == whole.ptr) {
        last->size += whole.len; /* neighbours in the file stay one piece */
        o->size += whole.len;
    } else if (whole.len < SMALL) {
        put_small(o, whole.ptr, whole.len);
    } else {
        add_piece(o, whole.ptr, whole.len);
    }
}

void px_pb_put_varint(px_pb_out *o, uint32_t number, uint64_t value)
{
    char bytes[HEADER];
    size_t n = encode((uint64_t)number << 3 | PX_PB_VARINT, bytes);
    put_small(o, bytes, n + encode(value, bytes + n));
}

void px_pb_put_f64(px_pb_out *o, uint32_t number, double value)
{
    char bytes[HEADER];
    size_t n = encode((uint64_t)number << 3 | PX_PB_I64, bytes);
    memcpy(bytes + n, &value, sizeof value); /* little-endian, as the machine */
    put_small(o, bytes, n + sizeof value);
}

void px_pb_put_bytes(px_pb_out *o, uint32_t number, px_str bytes)
{
    char header[HEADER];
    size_t n = encode((uint64_t)number << 3 | PX_PB_LEN, header);
    put_small(o, header, n + encode(bytes.len, header + n));
    px_pb_put_whole(o, bytes);
}

px_pb_mark px_pb_open(px_pb_out *o)
{
    char *header = o->failed ? NULL : take(o, HEADER);
    px_pb_mark mark = {o->n, 0};
    if (header)
        add_piece(o, header, 0);
    mark.size = o->size;
    return mark;
}

void px_pb_close(px_pb_out *o, px_pb_mark mark, uint32_t number)
{
    if (o->failed)
        return;
    /* The bytes behind an open header are its own: px_pb_open took them from the block. */
    px_pb_piece *piece = &o->at[mark.piece];
    char *header = (char *)(uintptr_t)piece->ptr;
    size_t n = encode((uint64_t)number << 3 | PX_PB_LEN, header);
    n += encode(o->size - mark.size, header + n);
    piece->size = n;
    o->size += n;
}

pgy_status *px_pb_out_status(const px_pb_out *o)
{
    return o->failed ? px_status_nomem() : NULL;
}

void px_pb_out_copy(const px_pb_out *o, void *dst)
{
    char *at = dst;
    for (size_t i = 0; i < o->n; i++) {
        memcpy(at, o->at[i].ptr, o->at[i].size);
        at += o->at[i].size;
    }
}

void px_pb_out_write(const px_pb_out *o, px_writer *w)
{
    for (size_t i = 0; i < o->n; i++)
        px_writer_put(w, o->at[i].ptr, o->at[i].size);
}

void px_pb_out_fini(px_pb_out *o)
{
    px_arena_fini(&o->arena);
    px_mem_free(o->at);
    *o = (px_pb_out){0};
}
