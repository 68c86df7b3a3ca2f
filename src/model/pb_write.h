/* model/pb_write.h - protobuf messages as a list of pieces, most of them views.
 *
 * A message is built front to back. Bytes that exist elsewhere (weights, untouched parts of the
 * file) are only pointed at; tags, lengths and small values live in the writer's own blocks. A
 * nested message is opened, filled and closed; its length is filled in when it closes. What is
 * pointed at must live until the bytes are written or copied.
 */
#ifndef PX_MODEL_PB_WRITE_H
#define PX_MODEL_PB_WRITE_H

#include "base/file.h"
#include "model/pb_read.h"

typedef struct px_pb_piece {
    const void *ptr;
    size_t size;
} px_pb_piece;

/* {0} is a valid empty message. Running out of memory sets `failed`; px_pb_out_status tells. */
typedef struct px_pb_out {
    px_pb_piece *at;
    size_t n, cap;
    px_arena arena; /* blocks of small bytes */
    char *block;    /* where the next small byte goes */
    size_t n_free;  /* what is left of the block */
    uint64_t size;  /* of all pieces */
    bool failed;
} px_pb_out;

void px_pb_put_varint(px_pb_out *o, uint32_t number, uint64_t value);
/* Eight bytes as they are: a double. */
void px_pb_put_f64(px_pb_out *o, uint32_t number, double value);
/* The bytes are pointed at unless they are few. */
void px_pb_put_bytes(px_pb_out *o, uint32_t number, px_str bytes);
/* A field as it stands in another message: px_pb_field.whole. */
void px_pb_put_whole(px_pb_out *o, px_str whole);

/* A place in the output at which a nested message began. */
typedef struct px_pb_mark {
    size_t piece;
    uint64_t size;
} px_pb_mark;
px_pb_mark px_pb_open(px_pb_out *o);
/* Everything put since `mark` becomes field `number`. */
void px_pb_close(px_pb_out *o, px_pb_mark mark, uint32_t number);

PX_MUST_USE pgy_status *px_pb_out_status(const px_pb_out *o);
/* All bytes to `dst`, which holds o->size. */
void px_pb_out_copy(const px_pb_out *o, void *dst);
void px_pb_out_write(const px_pb_out *o, px_writer *w);
void px_pb_out_fini(px_pb_out *o);

#endif
