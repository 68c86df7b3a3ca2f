/* base/channel.h - messages with arrays between this process and a child of it.
 *
 * A message is a frame on a socket: 16 bytes of head (magic with the format's version, kind, number
 * of files, size of the body), then the body. Arrays up to PX_CHANNEL_INLINE bytes lie in the body;
 * all larger ones of a message lie in one piece of shared memory, whose file travels with the first
 * message that uses it. The receiver's tensors are views of it. Once the receiver has let go of
 * them, it says so in the head of its next message and the piece is used again; pieces that the
 * receiver keeps become its own. Both sides of the format are in this file and in
 * script/py/_polygraphy_channel.py.
 *
 * Body: u32 n, n times {u32 id, u32 fate}: a piece of the receiver's is free again (1) or kept (2),
 * a piece of the sender's is gone (3); u32 id, u64 size of the piece that this message uses (0, 0:
 *       none); then what the sender put. An array: u32 declared type, u32 type, u32 rank, i64 dims;
 *       text elements; or u32 place and there: the bytes (0: here), i64 offset (1: in the piece),
 * u32 id, i64 offset (2: in a piece of the receiver's). Numbers are in the machine's byte order.
 * Used by one thread.
 */
#ifndef PX_BASE_CHANNEL_H
#define PX_BASE_CHANNEL_H

#include "base/px.h"
#include "polygraphy/tensor.h"

#define PX_CHANNEL_INLINE ((size_t)16384)
#define PX_NEVER UINT64_MAX

typedef struct px_channel px_channel;

/* The two ends of a socket; both are closed in programs that are started. */
PX_MUST_USE pgy_status *px_channel_sockets(int out[2]);
/* On success the channel owns `take_fd`. */
PX_MUST_USE pgy_status *px_channel_new(int take_fd, px_channel **out);
void px_channel_free(px_channel *ch); /* accepts NULL; tensors that came through it stay valid */
int px_channel_fd(const px_channel *ch);
/* Ends the connection, for the other side too, whoever has inherited this end. */
void px_channel_hang_up(px_channel *ch);

/* How waiting for the other side ended. */
typedef enum px_wait_end {
    PX_WAIT_OK,
    PX_WAIT_GONE,   /* the other side closed its end: it has ended */
    PX_WAIT_TIMEOUT /* the deadline passed */
} px_wait_end;

/* What to do while waiting. {.deadline_ns = PX_NEVER} waits for ever. */
typedef struct px_wait {
    uint64_t deadline_ns;     /* of px_time_ns */
    int also_fd;              /* used when `also` is set: it is called whenever this can be read */
    bool (*also)(void *user); /* false: nothing more will come */
    uint64_t tick_ns;         /* 0, or: `tick` is called about that often */
    bool (*tick)(void *user); /* false ends the wait as the deadline does */
    void *user;
} px_wait;

/* --- writing --- */
void px_channel_begin(px_channel *ch, unsigned kind);
void px_channel_put_u32(px_channel *ch, uint32_t v);
void px_channel_put_i64(px_channel *ch, int64_t v);
void px_channel_put_f64(px_channel *ch, double v);
void px_channel_put_str(px_channel *ch, px_str s);
/* The tensor is borrowed until the message is sent. The receiver makes `declared` of it, when that
 * is another type. */
void px_channel_put_tensor(px_channel *ch, const pgy_tensor *t, pgy_dtype declared);
/* Errors: IO, NOMEM. */
PX_MUST_USE pgy_status *px_channel_send(px_channel *ch, const px_wait *wait, px_wait_end *out_end);

/* --- reading --- */
/* The next message; what it holds is then taken out in order. Errors: IO, NOMEM, BUG for a frame
 * that is none. */
PX_MUST_USE pgy_status *px_channel_receive(px_channel *ch, const px_wait *wait,
                                           px_wait_end *out_end, unsigned *out_kind);
/* Reading past the end gives zeros and is reported by px_channel_end. */
uint32_t px_channel_get_u32(px_channel *ch);
int64_t px_channel_get_i64(px_channel *ch);
double px_channel_get_f64(px_channel *ch);
px_str px_channel_get_str(px_channel *ch); /* lives until the next px_channel_receive */
PX_MUST_USE pgy_status *px_channel_get_tensor(px_channel *ch, pgy_tensor **out);
/* A string, which replaces what is in `name`, and a tensor. */
PX_MUST_USE pgy_status *px_channel_get_named(px_channel *ch, px_buf *name, pgy_tensor **out);
/* All was taken and nothing was missing. Errors: BUG. */
PX_MUST_USE pgy_status *px_channel_end(px_channel *ch);

#endif
