/* base/channel.c - frames, pieces of shared memory, and who still uses them; see channel.h. */
#include "base/channel.h"

#include "base/shm.h"
#include "base/tensor.h"
#include "base/thread.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAGIC 0x31595047u /* "GPY1" */
#define MAX_BODY ((uint64_t)1 << 31)
#define ALIGN ((uint64_t)64)
#define MAX_FREE 4 /* pieces kept for the next messages */
#define MAX_IDLE 8 /* messages after which a piece that is still used becomes the receiver's */

typedef struct frame_head {
    uint32_t magic;
    uint16_t kind, n_files;
    uint64_t size; /* of the body */
} frame_head;
_Static_assert(sizeof(frame_head) == 16, "frame_head is the wire format");

enum { FATE_FREE = 1, FATE_KEPT = 2, FATE_GONE = 3 };
enum { IN_BODY = 0, IN_PIECE = 1, IN_YOURS = 2 };

/* A piece of shared memory under the number its maker gave it. */
typedef struct piece {
    uint32_t id;
    bool used; /* out: by a message under way; in: by tensors not yet let go */
    int age;   /* in: messages sent since it came */
    px_shm *shm;
} piece;

typedef struct pieces {
    piece *at;
    size_t n, cap;
} pieces;

/* Where an array of the message being written will lie. */
typedef struct placed {
    const pgy_tensor *tensor;
    uint64_t offset;
} placed;

struct px_channel {
    int fd;
    pieces ours, theirs;
    uint32_t last_id;
    px_buf gone; /* ids of pieces of ours that the other side can forget */

    unsigned kind;
    px_buf out; /* what was put */
    struct {
        placed *at;
        size_t n, cap;
    } placed;
    uint64_t n_placed_bytes;
    bool failed;

    px_buf in;
    size_t pos;
    bool overrun;
    px_shm *in_piece; /* of the received message; owned by `theirs` */
    int in_fd;        /* the file that came with the frame being read, or -1 */
};

pgy_status *px_channel_sockets(int out[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) != 0)
        return PX_FAIL(PGY_ERR_IO, "Cannot make a socket to a child process: %s", strerror(errno));
    return NULL;
}

pgy_status *px_channel_new(int take_fd, px_channel **out)
{
    pgy_status *st = NULL;
    px_channel *ch = NULL;
    PX_TRY(PX_ALLOC(ch, 1));
    ch->fd = take_fd;
    ch->in_fd = -1;
    *out = ch;
done:
    return st;
}

static void pieces_fini(pieces *p)
{
    for (size_t i = 0; i < p->n; i++)
        px_shm_free(p->at[i].shm);
    px_mem_free(p->at);
}

void px_channel_free(px_channel *ch)
{
    if (ch == NULL)
        return;
    close(ch->fd);
    if (ch->in_fd >= 0)
        close(ch->in_fd);
    pieces_fini(&ch->ours);
    pieces_fini(&ch->theirs);
    px_buf_fini(&ch->gone);
    px_buf_fini(&ch->out);
    px_buf_fini(&ch->in);
    px_mem_free(ch->placed.at);
    px_mem_free(ch);
}

void px_channel_hang_up(px_channel *ch)
{
    shutdown(ch->fd, SHUT_RDWR);
}

int px_channel_fd(const px_channel *ch)
{
    return ch->fd;
}

static void remove_piece(pieces *p, size_t i)
{
    px_shm_free(p->at[i].shm);
    p->at[i] = p->at[--p->n];
}

static piece *find_piece(pieces *p, uint32_t id)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].id == id)
            return &p->at[i];
    return NULL;
}

/* --- writing --- */

void px_channel_begin(px_channel *ch, unsigned kind)
{
    ch->kind = kind;
    ch->out.len = 0;
    ch->placed.n = 0;
    ch->n_placed_bytes = 0;
    ch->failed = false;
}

void px_channel_put_u32(px_channel *ch, uint32_t v)
{
    px_buf_put(&ch->out, &v, sizeof v);
}

void px_channel_put_i64(px_channel *ch, int64_t v)
{
    px_buf_put(&ch->out, &v, sizeof v);
}

void px_channel_put_f64(px_channel *ch, double v)
{
    px_buf_put(&ch->out, &v, sizeof v);
}

void px_channel_put_str(px_channel *ch, px_str s)
{
    px_channel_put_i64(ch, (int64_t)s.len);
    px_buf_putstr(&ch->out, s);
}

void px_channel_put_tensor(px_channel *ch, const pgy_tensor *t, pgy_dtype declared)
{
    px_channel_put_u32(ch, (uint32_t)declared);
    px_channel_put_u32(ch, (uint32_t)t->dtype);
    px_channel_put_u32(ch, (uint32_t)t->rank);
    for (int i = 0; i < t->rank; i++)
        px_channel_put_i64(ch, t->dims[i]);
    if (t->dtype == PGY_DTYPE_STRING) {
        const pgy_string *strings = t->data;
        for (int64_t i = 0; i < t->count; i++)
            px_channel_put_str(ch, (px_str){strings[i].ptr, strings[i].len});
        return;
    }
    px_channel_put_u32(ch, t->size > PX_CHANNEL_INLINE ? IN_PIECE : IN_BODY);
    if (t->size <= PX_CHANNEL_INLINE) {
        px_buf_put(&ch->out, t->data, t->size);
        return;
    }
    if (PX_RESERVE(&ch->placed, 1) != NULL) { /* the one status it gives is static */
        ch->failed = true;
        return;
    }
    ch->placed.at[ch->placed.n++] = (placed){t, ch->n_placed_bytes};
    px_channel_put_i64(ch, (int64_t)ch->n_placed_bytes);
    ch->n_placed_bytes += (t->size + ALIGN - 1) / ALIGN * ALIGN;
}

/* The other side may have given arrays back as views of a piece of ours. */
static bool is_free(const piece *p)
{
    return !p->used && px_shm_is_unused(p->shm);
}

/* A piece of ours that holds `size` bytes: a free one, else a new one with its file. */
static pgy_status *take_piece(px_channel *ch, uint64_t size, piece **out, int *out_fd)
{
    pgy_status *st = NULL;
    px_shm *shm = NULL;
    piece *best = NULL;
    size_t n_free = 0;
    for (size_t i = 0; i < ch->ours.n; i++) {
        piece *p = &ch->ours.at[i];
        n_free += is_free(p);
        if (is_free(p) && p->shm->size >= size && (best == NULL || p->shm->size < best->shm->size))
            best = p;
    }
    if (best == NULL) {
        /* The free ones are too small for what comes now. */
        for (size_t i = ch->ours.n; i-- > 0 && n_free >= MAX_FREE;)
            if (is_free(&ch->ours.at[i])) {
                px_buf_put(&ch->gone, &ch->ours.at[i].id, sizeof ch->ours.at[i].id);
                remove_piece(&ch->ours, i);
                n_free--;
            }
        PX_TRY(PX_RESERVE(&ch->ours, 1));
        PX_TRY(px_shm_new(size, &shm, out_fd));
        ch->ours.at[ch->ours.n++] = (piece){.id = ++ch->last_id, .shm = shm};
        best = &ch->ours.at[ch->ours.n - 1];
    }
    best->used = true;
    *out = best;
done:
    return st;
}

static void put_fate(px_buf *head, uint32_t id, uint32_t fate, uint32_t *n)
{
    px_buf_put(head, &id, sizeof id);
    px_buf_put(head, &fate, sizeof fate);
    (*n)++;
}

/* What became of pieces since the last message. */
static void put_fates(px_channel *ch, px_buf *head)
{
    size_t at = head->len;
    uint32_t n = 0;
    px_buf_put(head, &n, sizeof n);
    for (size_t i = 0; i < ch->gone.len; i += sizeof(uint32_t)) {
        uint32_t id;
        memcpy(&id, ch->gone.ptr + i, sizeof id);
        put_fate(head, id, FATE_GONE, &n);
    }
    ch->gone.len = 0;
    for (size_t i = ch->theirs.n; i-- > 0;) {
        piece *p = &ch->theirs.at[i];
        if (!p->used)
            continue;
        if (p->shm->is_copy || ++p->age > MAX_IDLE) {
            put_fate(head, p->id, FATE_KEPT, &n);
            remove_piece(&ch->theirs, i);
        } else if (px_shm_is_unused(p->shm)) {
            put_fate(head, p->id, FATE_FREE, &n);
            p->used = false;
        }
    }
    if (!head->failed)
        memcpy(head->ptr + at, &n, sizeof n);
}

static pgy_status *ended(px_wait_end how, px_wait_end *out_end)
{
    *out_end = how;
    return NULL;
}

/* Waits until `fd` allows `events`. */
static pgy_status *wait_for(int fd, short events, const px_wait *wait, px_wait_end *out_end)
{
    bool also = wait->also != NULL;
    uint64_t next_tick = wait->tick_ns ? px_time_ns() + wait->tick_ns : PX_NEVER;
    for (;;) {
        uint64_t now = px_time_ns(), until = PX_MIN(wait->deadline_ns, next_tick);
        if (now >= wait->deadline_ns)
            return ended(PX_WAIT_TIMEOUT, out_end);
        if (now >= next_tick) {
            if (!wait->tick(wait->user))
                return ended(PX_WAIT_TIMEOUT, out_end);
            next_tick = now + wait->tick_ns;
            continue;
        }
        struct pollfd fds[2] = {{.fd = fd, .events = events},
                                {.fd = also ? wait->also_fd : -1, .events = POLLIN}};
        uint64_t ms = until == PX_NEVER ? 60000 : PX_MIN((until - now) / 1000000 + 1, 60000u);
        int n = poll(fds, 2, (int)ms);
        if (n < 0 && errno != EINTR)
            return PX_FAIL(PGY_ERR_IO, "Cannot wait for a child process: %s", strerror(errno));
        if (n > 0 && fds[1].revents != 0)
            also = wait->also(wait->user);
        if (n > 0 && fds[0].revents != 0)
            return ended(PX_WAIT_OK, out_end);
    }
}

static pgy_status *send_all(px_channel *ch, struct iovec *parts, int n, int fd, const px_wait *wait,
                            px_wait_end *out_end)
{
    pgy_status *st = NULL;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = (size_t)n};
    if (fd >= 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        *c = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    *out_end = PX_WAIT_OK;
    while (msg.msg_iovlen > 0) {
        ssize_t sent = sendmsg(ch->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return ended(PX_WAIT_GONE, out_end);
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            PX_TRY(wait_for(ch->fd, POLLOUT, wait, out_end));
            if (*out_end != PX_WAIT_OK)
                return NULL;
            continue;
        }
        if (sent < 0 && errno != EINTR)
            PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot write to a child process: %s", strerror(errno)));
        if (sent <= 0)
            continue;
        msg.msg_control = NULL; /* the file went with the first bytes */
        msg.msg_controllen = 0;
        while (msg.msg_iovlen > 0 && (size_t)sent >= msg.msg_iov->iov_len) {
            sent -= (ssize_t)msg.msg_iov->iov_len;
            msg.msg_iov++;
            msg.msg_iovlen--;
        }
        if (msg.msg_iovlen > 0) {
            msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + sent;
            msg.msg_iov->iov_len -= (size_t)sent;
        }
    }
done:
    return st;
}

pgy_status *px_channel_send(px_channel *ch, const px_wait *wait, px_wait_end *out_end)
{
    pgy_status *st = NULL;
    px_buf head = {0};
    piece *p = NULL;
    int fd = -1;
    uint32_t id = 0;
    uint64_t size = 0;

    if (ch->failed)
        PX_TRY(px_status_nomem());
    if (ch->placed.n > 0) {
        PX_TRY(take_piece(ch, ch->n_placed_bytes, &p, &fd));
        for (size_t i = 0; i < ch->placed.n; i++)
            memcpy((char *)p->shm->data + ch->placed.at[i].offset, ch->placed.at[i].tensor->data,
                   ch->placed.at[i].tensor->size);
        id = p->id;
        size = p->shm->size;
    }
    put_fates(ch, &head);
    px_buf_put(&head, &id, sizeof id);
    px_buf_put(&head, &size, sizeof size);
    PX_TRY(px_buf_status(&head));
    PX_TRY(px_buf_status(&ch->out));
    frame_head frame = {MAGIC, (uint16_t)ch->kind, fd >= 0, head.len + ch->out.len};
    if (frame.size > MAX_BODY)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "A message of %llu bytes is more than a child process takes; text arrays "
                       "are sent as messages. Use smaller ones.",
                       (unsigned long long)frame.size));
    struct iovec parts[] = {
        {&frame, sizeof frame}, {head.ptr, head.len}, {ch->out.ptr, ch->out.len}};
    PX_TRY(send_all(ch, parts, 3, fd, wait, out_end));
done:
    if (fd >= 0)
        close(fd);
    px_buf_fini(&head);
    return st;
}

/* --- reading --- */

/* Exactly `size` bytes, and the file that came with them. */
static pgy_status *read_all(px_channel *ch, void *to, size_t size, const px_wait *wait,
                            px_wait_end *out_end)
{
    pgy_status *st = NULL;
    char *at = to;
    *out_end = PX_WAIT_OK;
    while (size > 0) {
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec part = {at, size};
        struct msghdr msg = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
        ssize_t n = recvmsg(ch->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return ended(PX_WAIT_GONE, out_end);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            PX_TRY(wait_for(ch->fd, POLLIN, wait, out_end));
            if (*out_end != PX_WAIT_OK)
                return NULL;
            continue;
        }
        if (n < 0 && errno != EINTR)
            PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot read from a child process: %s", strerror(errno)));
        if (n < 0)
            continue;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c))
            if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
                if (ch->in_fd >= 0)
                    close(ch->in_fd);
                memcpy(&ch->in_fd, CMSG_DATA(c), sizeof ch->in_fd);
            }
        at += n;
        size -= (size_t)n;
    }
done:
    return st;
}

static void take_fates(px_channel *ch)
{
    uint32_t n = px_channel_get_u32(ch);
    for (uint32_t k = 0; k < n && !ch->overrun; k++) {
        uint32_t id = px_channel_get_u32(ch), fate = px_channel_get_u32(ch);
        pieces *of = fate == FATE_GONE ? &ch->theirs : &ch->ours;
        piece *p = find_piece(of, id);
        if (p == NULL)
            continue;
        if (fate == FATE_FREE)
            p->used = false;
        else
            remove_piece(of, (size_t)(p - of->at));
    }
}

static pgy_status *take_in_piece(px_channel *ch)
{
    pgy_status *st = NULL;
    uint32_t id = px_channel_get_u32(ch);
    uint64_t size = (uint64_t)px_channel_get_i64(ch);
    ch->in_piece = NULL;
    if (id == 0)
        return NULL;
    piece *p = find_piece(&ch->theirs, id);
    if (p == NULL) {
        px_shm *shm = NULL;
        PX_TRY(PX_RESERVE(&ch->theirs, 1));
        PX_TRY(px_shm_map(ch->in_fd, (size_t)size, &shm));
        p = &ch->theirs.at[ch->theirs.n++];
        *p = (piece){.id = id, .shm = shm};
    }
    p->used = true;
    p->age = 0;
    ch->in_piece = p->shm;
done:
    return st;
}

pgy_status *px_channel_receive(px_channel *ch, const px_wait *wait, px_wait_end *out_end,
                               unsigned *out_kind)
{
    pgy_status *st = NULL;
    frame_head frame;

    PX_TRY(read_all(ch, &frame, sizeof frame, wait, out_end));
    if (*out_end != PX_WAIT_OK)
        goto done;
    if (frame.magic != MAGIC || frame.size > MAX_BODY)
        PX_TRY(PX_FAIL(PGY_ERR_BUG, "A child process sent what is no message"));
    px_buf_fini(&ch->in);
    ch->in.ptr = px_mem_alloc((size_t)frame.size + 1);
    if (ch->in.ptr == NULL)
        PX_TRY(px_status_nomem());
    ch->in.cap = (size_t)frame.size + 1;
    PX_TRY(read_all(ch, ch->in.ptr, (size_t)frame.size, wait, out_end));
    if (*out_end != PX_WAIT_OK)
        goto done;
    ch->in.len = (size_t)frame.size;
    ch->pos = 0;
    ch->overrun = false;
    take_fates(ch);
    PX_TRY(take_in_piece(ch));
    *out_kind = frame.kind;
done:
    if (ch->in_fd >= 0)
        close(ch->in_fd);
    ch->in_fd = -1;
    return st;
}

static bool take_bytes(px_channel *ch, void *to, size_t size)
{
    if (ch->overrun || size > ch->in.len - ch->pos) {
        ch->overrun = true;
        memset(to, 0, size);
        return false;
    }
    memcpy(to, ch->in.ptr + ch->pos, size);
    ch->pos += size;
    return true;
}

uint32_t px_channel_get_u32(px_channel *ch)
{
    uint32_t v;
    take_bytes(ch, &v, sizeof v);
    return v;
}

int64_t px_channel_get_i64(px_channel *ch)
{
    int64_t v;
    take_bytes(ch, &v, sizeof v);
    return v;
}

double px_channel_get_f64(px_channel *ch)
{
    double v;
    take_bytes(ch, &v, sizeof v);
    return v;
}

px_str px_channel_get_str(px_channel *ch)
{
    uint64_t len = (uint64_t)px_channel_get_i64(ch);
    if (ch->overrun || len > ch->in.len - ch->pos) {
        ch->overrun = true;
        return (px_str){"", 0};
    }
    px_str s = {ch->in.ptr + ch->pos, (size_t)len};
    ch->pos += (size_t)len;
    return s;
}

static pgy_status *get_strings(px_channel *ch, int rank, const int64_t *dims, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_string *strings = NULL;
    int64_t n;
    if (!px_shape_count(rank, dims, &n) || (uint64_t)n > (ch->in.len - ch->pos) / sizeof(int64_t))
        return PX_FAIL(PGY_ERR_BUG, "A child process sent a text array without its text");
    PX_TRY(PX_ALLOC(strings, (size_t)n));
    for (int64_t i = 0; i < n; i++) {
        px_str s = px_channel_get_str(ch);
        strings[i] = (pgy_string){s.ptr, s.len};
    }
    PX_TRY(px_tensor_new_strings(rank, dims, strings, out));
done:
    px_mem_free(strings);
    return st;
}

/* The memory that an array lies in, and where there; NULL: its bytes follow in the body. */
static pgy_status *get_place(px_channel *ch, px_shm **out, uint64_t *out_offset)
{
    uint32_t place = px_channel_get_u32(ch);
    px_shm *shm = NULL;
    if (place == IN_PIECE)
        shm = ch->in_piece;
    if (place == IN_YOURS) {
        const piece *p = find_piece(&ch->ours, px_channel_get_u32(ch));
        shm = p != NULL ? p->shm : NULL;
    }
    if (place != IN_BODY && shm == NULL)
        return PX_FAIL(PGY_ERR_BUG, "A child process sent an array without its memory");
    *out = shm;
    *out_offset = shm != NULL ? (uint64_t)px_channel_get_i64(ch) : 0;
    return NULL;
}

static pgy_status *get_array(px_channel *ch, pgy_dtype dtype, int rank, const int64_t *dims,
                             pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    px_shm *shm = NULL;
    uint64_t offset = 0;
    size_t size;
    if (dtype == PGY_DTYPE_STRING)
        return get_strings(ch, rank, dims, out);
    PX_TRY(get_place(ch, &shm, &offset));
    if (shm != NULL) {
        PX_TRY(px_shm_tensor(shm, offset, dtype, rank, dims, out));
        goto done;
    }
    if (!px_shape_size(dtype, rank, dims, &size) || size > ch->in.len - ch->pos)
        PX_TRY(PX_FAIL(PGY_ERR_BUG, "A child process sent an array without its bytes"));
    PX_TRY(px_tensor_new_raw(dtype, rank, dims, &t));
    take_bytes(ch, t->data, t->size);
    *out = t;
    t = NULL;
done:
    pgy_tensor_free(t);
    return st;
}

pgy_status *px_channel_get_tensor(px_channel *ch, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    int64_t dims[PX_MAX_RANK];
    pgy_dtype declared = (pgy_dtype)px_channel_get_u32(ch);
    pgy_dtype dtype = (pgy_dtype)px_channel_get_u32(ch);
    uint32_t rank = px_channel_get_u32(ch);
    if (ch->overrun || rank > PX_MAX_RANK || pgy_dtype_bits(dtype) == 0 ||
        pgy_dtype_bits(declared) == 0)
        PX_TRY(PX_FAIL(PGY_ERR_BUG, "A child process sent what is no array"));
    for (uint32_t i = 0; i < rank; i++)
        dims[i] = px_channel_get_i64(ch);
    PX_TRY(get_array(ch, dtype, (int)rank, dims, &t));
    if (declared == dtype)
        *out = pgy_tensor_ref(t);
    else
        PX_TRY(pgy_tensor_cast(t, declared, out));
done:
    pgy_tensor_free(t);
    return st;
}

pgy_status *px_channel_get_named(px_channel *ch, px_buf *name, pgy_tensor **out)
{
    name->len = 0;
    px_buf_putstr(name, px_channel_get_str(ch));
    return px_channel_get_tensor(ch, out);
}

pgy_status *px_channel_end(px_channel *ch)
{
    if (ch->overrun || ch->pos != ch->in.len)
        return PX_FAIL(PGY_ERR_BUG, "A child process sent a message of another form than expected");
    return NULL;
}
