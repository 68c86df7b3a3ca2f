/* model/pb_read.c - see pb_read.h. Encoding: protobuf.dev/programming-guides/encoding. */
#include "model/pb_read.h"

/* Largest field number the encoding allows. */
#define MAX_NUMBER ((1u << 29) - 1)

px_pb px_pb_of(px_str bytes, const char *base)
{
    /* No byte is read through the replacement for NULL: pos == end. */
    const char *start = bytes.ptr ? bytes.ptr : "";
    return (px_pb){.pos = (const uint8_t *)start,
                   .end = (const uint8_t *)start + bytes.len,
                   .base = (const uint8_t *)(base ? base : start)};
}

/* Moves *pos behind the varint; NULL, or what is wrong with it. */
static const char *varint(const uint8_t **pos, const uint8_t *end, uint64_t *out)
{
    const uint8_t *p = *pos;
    if (PX_LIKELY(p < end && *p < 0x80)) {
        *out = *p;
        *pos = p + 1;
        return NULL;
    }
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (p == end)
            return "the data ends inside a number";
        uint8_t byte = *p++;
        if (shift == 63 && byte > 1)
            return "a number has more than 64 bits";
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            *pos = p;
            return NULL;
        }
    }
    return "a number has more than 64 bits";
}

static uint64_t fixed(const uint8_t *p, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i > 0; i--)
        value = value << 8 | p[i - 1];
    return value;
}

static bool refuse(px_pb *r, const char *why)
{
    r->why = why;
    return false;
}

static bool read_fixed(px_pb *r, const uint8_t *p, size_t size, px_pb_field *out)
{
    if ((size_t)(r->end - p) < size)
        return refuse(r, "the data ends inside a fixed-size number");
    out->value = fixed(p, size);
    r->pos = p + size;
    return true;
}

bool px_pb_next(px_pb *r, px_pb_field *out)
{
    if (r->why || r->pos == r->end)
        return false;
    const uint8_t *const start = r->pos, *p = start;
    uint64_t tag = 0, len = 0;
    const char *why = varint(&p, r->end, &tag);
    if (why)
        return refuse(r, why);
    if (tag >> 3 == 0 || tag >> 3 > MAX_NUMBER)
        return refuse(r, "a field has an impossible number");
    *out = (px_pb_field){.number = (uint32_t)(tag >> 3), .wire = (px_pb_wire)(tag & 7)};
    switch (tag & 7) {
    case PX_PB_VARINT:
        why = varint(&p, r->end, &out->value);
        if (why)
            return refuse(r, why);
        r->pos = p;
        break;
    case PX_PB_I64:
        if (!read_fixed(r, p, 8, out))
            return false;
        break;
    case PX_PB_I32:
        if (!read_fixed(r, p, 4, out))
            return false;
        break;
    case PX_PB_LEN:
        why = varint(&p, r->end, &len);
        if (why)
            return refuse(r, why);
        if (len > (uint64_t)(r->end - p))
            return refuse(r, "a field is longer than what is left");
        out->bytes = (px_str){(const char *)p, (size_t)len};
        r->pos = p + len;
        break;
    default:
        return refuse(r, tag & 4 && (tag & 7) != 4 ? "a field has an unknown encoding"
                                                   : "a field is a group, which ONNX never uses");
    }
    out->whole = (px_str){(const char *)start, (size_t)(r->pos - start)};
    return true;
}

pgy_status *px_pb_status(const px_pb *r, const char *message)
{
    if (!r->why)
        return NULL;
    return PX_FAIL(PGY_ERR_MODEL, "The file is damaged or not of this format: %s (%s at byte %llu)",
                   r->why, message, (unsigned long long)(r->pos - r->base));
}

pgy_status *px_pb_count(px_str bytes, const char *base, const char *message,
                        size_t counts[PX_PB_COUNTED])
{
    px_pb r = px_pb_of(bytes, base);
    px_pb_field field;
    memset(counts, 0, PX_PB_COUNTED * sizeof counts[0]);
    while (px_pb_next(&r, &field))
        if (field.number < PX_PB_COUNTED)
            counts[field.number]++;
    return px_pb_status(&r, message);
}

px_pb_numbers px_pb_numbers_of(px_str bytes, const char *base, uint32_t number, px_pb_wire wire)
{
    return (px_pb_numbers){.outer = px_pb_of(bytes, base), .number = number, .wire = wire};
}

static bool next_packed(px_pb_numbers *it, uint64_t *out)
{
    const char *why = NULL;
    if (it->wire == PX_PB_VARINT) {
        why = varint(&it->pos, it->end, out);
    } else {
        size_t size = it->wire == PX_PB_I64 ? 8 : 4;
        if ((size_t)(it->end - it->pos) < size) {
            why = "the data ends inside a fixed-size number";
        } else {
            *out = fixed(it->pos, size);
            it->pos += size;
        }
    }
    if (!why)
        return true;
    it->outer.pos = it->pos;
    return refuse(&it->outer, why);
}

bool px_pb_numbers_next(px_pb_numbers *it, uint64_t *out)
{
    if (it->outer.why)
        return false;
    if (it->pos != it->end)
        return next_packed(it, out);
    px_pb_field field;
    while (px_pb_next(&it->outer, &field)) {
        if (field.number != it->number)
            continue;
        if (field.wire == it->wire) {
            *out = field.value;
            return true;
        }
        if (field.wire == PX_PB_LEN && field.bytes.len > 0) {
            it->pos = (const uint8_t *)field.bytes.ptr;
            it->end = it->pos + field.bytes.len;
            return next_packed(it, out);
        }
    }
    return false;
}
