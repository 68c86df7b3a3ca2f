/* model/pb_read.h - protobuf wire format: zero copy, no schema knowledge.
 *
 * A message is a run of fields (tag, value). The reader yields views into the bytes and checks
 * every varint and every length against the end of the message before it is used. Groups (wire
 * types 3 and 4) are refused: no message of ours has ever had them. Nothing is allocated, and
 * nesting is the caller's: it opens a reader on a field's bytes and counts its own depth against
 * PX_PB_MAX_DEPTH.
 */
#ifndef PX_MODEL_PB_READ_H
#define PX_MODEL_PB_READ_H

#include "base/px.h"

#define PX_PB_MAX_DEPTH 100 /* messages inside messages: protobuf's own default */
#define PX_PB_COUNTED 32    /* field numbers that px_pb_count counts */

/* Numbers are those of the encoding. */
typedef enum px_pb_wire {
    PX_PB_VARINT = 0,
    PX_PB_I64 = 1,
    PX_PB_LEN = 2,
    PX_PB_I32 = 5
} px_pb_wire;

typedef struct px_pb_field {
    uint32_t number;
    px_pb_wire wire;
    uint64_t value; /* VARINT, I64, I32: the bits, zero-extended */
    px_str bytes;   /* LEN; ptr is never NULL then */
    px_str whole;   /* the field with its tag, as it stands in the message */
} px_pb_field;

typedef struct px_pb {
    const uint8_t *pos, *end;
    const uint8_t *base; /* byte 0 of the file, for positions in errors */
    const char *why;     /* what is wrong; NULL: nothing */
} px_pb;

/* `base` is where positions are counted from; NULL: from the start of `bytes`. */
px_pb px_pb_of(px_str bytes, const char *base);
/* False at the end and on an error; px_pb_status tells which. */
bool px_pb_next(px_pb *r, px_pb_field *out);
/* MODEL error with the byte position, or NULL. `message` is its name for the sentence. */
PX_MUST_USE pgy_status *px_pb_status(const px_pb *r, const char *message);

/* Walks the whole message once: checks it and counts how often each field below PX_PB_COUNTED
 * occurs. A second walk over a message that passed cannot fail. */
PX_MUST_USE pgy_status *px_pb_count(px_str bytes, const char *base, const char *message,
                                    size_t counts[PX_PB_COUNTED]);

/* The numbers of one repeated field, packed or not, in order. `wire` is the encoding of one
 * number; a LEN field holds packed ones. */
typedef struct px_pb_numbers {
    px_pb outer;
    const uint8_t *pos, *end; /* what is left of a packed run */
    uint32_t number;
    px_pb_wire wire;
} px_pb_numbers;

px_pb_numbers px_pb_numbers_of(px_str bytes, const char *base, uint32_t number, px_pb_wire wire);
/* False at the end and on an error; ask px_pb_status(&it->outer, ...). */
bool px_pb_numbers_next(px_pb_numbers *it, uint64_t *out);

#endif
