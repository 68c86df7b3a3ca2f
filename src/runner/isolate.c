/* runner/isolate.c - parent and child of an isolated session; see isolate.h. */
#include "runner/isolate.h"

#include "base/channel.h"
#include "base/child.h"
#include "base/context.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/tensor.h"
#include "base/thread.h"
#include "data/feed.h"
#include "model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define N_LAST_LINES 6
#define MEM_TICK_NS 5000000u
#define TICK_NS 50000000u /* until a cancelled context is noticed */
#define GRACE_NS 2000000000u

enum { ASK_INFER = 1, ASK_CLOSE = 2, ANSWER_FEED = 3 };
enum { TELL_READY = 10, TELL_OUTPUTS = 11, TELL_ERROR = 12, TELL_LOG = 13, WANT_FEED = 14 };

typedef enum stage { STAGE_LOADING, STAGE_BUILDING, STAGE_INFERENCE, STAGE_CLOSING } stage;

struct px_isolated {
    px_isolated_job job;
    pid_t pid; /* 0: has ended */
    px_channel *channel;
    int stderr_fd;     /* what the child writes to its standard error */
    atomic_int *stage; /* shared with the child, which sets it */
    uint64_t used_ns;  /* waited for it so far */
    int64_t iteration; /* under way; negative: warm-up */
    bool over_memory, is_cancelled;
    px_buf line;              /* of its standard error, not ended yet */
    char *last[N_LAST_LINES]; /* its last log messages and lines, oldest first */

    px_arena arena; /* inputs */
    pgy_io *inputs;
    size_t n_inputs;
};

/* --- the child --- */

typedef struct server {
    const px_isolated_job *job;
    px_channel *channel;
    atomic_int *stage;
    void *lib, *session;
} server;

static const px_wait for_ever = {.deadline_ns = PX_NEVER};

/* A child whose parent is gone, or that cannot report, has nothing left to do. */
static void send_or_end(server *s)
{
    px_wait_end end;
    pgy_status *st = px_channel_send(s->channel, &for_ever, &end);
    if (st != NULL || end != PX_WAIT_OK)
        _exit(1);
}

static void forward_log(void *user, pgy_severity severity, const char *origin, int indent,
                        const char *message, size_t length)
{
    server *s = user;
    px_channel_begin(s->channel, TELL_LOG);
    px_channel_put_u32(s->channel, (uint32_t)severity);
    px_channel_put_u32(s->channel, (uint32_t)indent);
    px_channel_put_str(s->channel, px_str_of(origin));
    px_channel_put_str(s->channel, (px_str){message, length});
    send_or_end(s);
}

static void tell_error(server *s, const pgy_status *st)
{
    px_channel_begin(s->channel, TELL_ERROR);
    px_channel_put_u32(s->channel, pgy_status_code(st));
    px_channel_put_str(s->channel, px_str_of(pgy_status_message(st)));
    send_or_end(s);
}

/* The next message of the parent. */
static unsigned receive_or_end(server *s)
{
    px_wait_end end;
    unsigned kind;
    pgy_status *st = px_channel_receive(s->channel, &for_ever, &end, &kind);
    if (st != NULL || end != PX_WAIT_OK)
        _exit(1);
    return kind;
}

/* A px_data_script. When the script fails the parent has an error, and closes in place of
 * answering. */
static pgy_status *ask_for_feed(void *user, px_data_use use, int64_t i, px_feed *out,
                                bool *out_more)
{
    pgy_status *st = NULL;
    server *s = user;
    px_channel *ch = s->channel;
    px_buf name = {0};
    px_channel_begin(ch, WANT_FEED);
    px_channel_put_u32(ch, use);
    px_channel_put_i64(ch, i);
    send_or_end(s);
    if (receive_or_end(s) != ANSWER_FEED)
        _exit(0);
    *out_more = px_channel_get_u32(ch) != 0;
    for (size_t n = px_channel_get_u32(ch); n > 0; n--) {
        pgy_tensor *t = NULL;
        PX_TRY(px_channel_get_named(ch, &name, &t));
        PX_TRY(px_feed_add(out, px_buf_cstr(&name), t));
    }
    PX_TRY(px_channel_end(ch));
done:
    px_buf_fini(&name);
    return st;
}

static pgy_status *open_session(server *s)
{
    pgy_status *st = NULL;
    const px_isolated_job *job = s->job;
    const pgy_io *inputs;
    size_t n;
    atomic_store(s->stage, STAGE_LOADING);
    PX_TRY(job->ops->load(job->cx, job->args, &s->lib));
    atomic_store(s->stage, STAGE_BUILDING);
    PX_TRY(job->ops->open(job->cx, s->lib, job->model, job->args, &s->session));
    PX_TRY(job->ops->inputs(s->session, &inputs, &n));
    px_channel_begin(s->channel, TELL_READY);
    px_channel_put_u32(s->channel, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        px_channel_put_str(s->channel, px_str_of(inputs[i].name));
        px_channel_put_u32(s->channel, inputs[i].dtype);
        px_channel_put_u32(s->channel, (uint32_t)inputs[i].rank);
        for (int k = 0; k < inputs[i].rank; k++) {
            px_channel_put_i64(s->channel, inputs[i].dims[k]);
            const char *name = inputs[i].dim_names ? inputs[i].dim_names[k] : NULL;
            px_channel_put_str(s->channel, px_str_of(name ? name : ""));
        }
    }
    send_or_end(s);
done:
    return st;
}

static pgy_status *get_feed(px_channel *ch, px_arena *arena, pgy_feed *feed)
{
    pgy_status *st = NULL;
    size_t n = px_channel_get_u32(ch);
    const char **names = px_arena_calloc(arena, n, sizeof *names);
    pgy_tensor **tensors = px_arena_calloc(arena, n, sizeof *tensors);
    if (names == NULL || tensors == NULL)
        PX_TRY(px_status_nomem());
    *feed = (pgy_feed){.names = names, .tensors = tensors};
    for (; feed->n < n; feed->n++) {
        px_str name = px_channel_get_str(ch);
        names[feed->n] = px_arena_strndup(arena, name.ptr, name.len);
        if (names[feed->n] == NULL)
            PX_TRY(px_status_nomem());
        PX_TRY(px_channel_get_tensor(ch, &tensors[feed->n]));
    }
    PX_TRY(px_channel_end(ch));
done:
    return st;
}

static pgy_status *infer(server *s)
{
    pgy_status *st = NULL;
    px_arena arena = {0};
    pgy_feed feed = {0};
    pgy_outputs outputs = {0};
    PX_TRY(get_feed(s->channel, &arena, &feed));
    PX_TRY(s->job->ops->infer(s->session, &feed, &outputs));
    px_channel_begin(s->channel, TELL_OUTPUTS);
    px_channel_put_i64(s->channel, (int64_t)outputs.elapsed_ns);
    px_channel_put_u32(s->channel, (uint32_t)outputs.n);
    for (size_t i = 0; i < outputs.n; i++) {
        px_channel_put_str(s->channel, px_str_of(outputs.at[i].name));
        px_channel_put_tensor(s->channel, outputs.at[i].tensor, outputs.at[i].tensor->dtype);
    }
    /* The feed goes first, so that this very message gives its memory back. */
    for (size_t i = 0; i < feed.n; i++)
        pgy_tensor_free(feed.tensors[i]);
    feed.n = 0;
    px_wait_end end;
    PX_TRY(px_channel_send(s->channel, &for_ever, &end));
    if (end != PX_WAIT_OK)
        _exit(1);
done:
    for (size_t i = 0; i < feed.n; i++)
        pgy_tensor_free(feed.tensors[i]);
    px_outputs_clear(&outputs);
    px_arena_fini(&arena);
    return st;
}

static void serve(server *s)
{
    pgy_status *st = open_session(s);
    while (st == NULL && receive_or_end(s) == ASK_INFER) {
        atomic_store(s->stage, STAGE_INFERENCE);
        pgy_status *failed = infer(s);
        if (failed != NULL)
            tell_error(s, failed);
        pgy_status_free(failed);
    }
    if (st != NULL)
        tell_error(s, st);
    atomic_store(s->stage, STAGE_CLOSING);
    if (s->session != NULL)
        s->job->ops->close(s->session);
    fflush(stdout);
    /* No unload and no destructors of runtimes: they belong to the process that ends here. */
    _exit(0);
}

static _Noreturn void run_child(const px_isolated_job *job, int socket, int stderr_fd,
                                atomic_int *shared_stage)
{
    server s = {.job = job, .stage = shared_stage};
    pgy_status *st = px_channel_new(socket, &s.channel);
    if (st != NULL || dup2(stderr_fd, STDERR_FILENO) < 0)
        _exit(1);
    px_context_forked(job->cx);
    pgy_context_set_log(job->cx, job->cx->log_fn ? forward_log : NULL, &s);
    if (job->limits.script != NULL)
        *job->limits.script = (px_data_script){.next = ask_for_feed, .user = &s};
    serve(&s);
    _exit(0);
}

/* --- the parent: what the child says besides its answers --- */

static void remember(px_isolated *c, px_str text)
{
    char *copy = px_mem_strndup(text.ptr, text.len);
    if (copy == NULL)
        return;
    px_mem_free(c->last[0]);
    memmove(c->last, c->last + 1, sizeof c->last - sizeof *c->last);
    c->last[N_LAST_LINES - 1] = copy;
}

/* Passes on a piece of what the child wrote to its standard error; whole lines are remembered.
 * False at the end of it. */
static bool pass_stderr(px_isolated *c)
{
    char chunk[4096];
    ssize_t n = read(c->stderr_fd, chunk, sizeof chunk);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    for (ssize_t at = 0, wrote; at < n; at += wrote)
        if ((wrote = write(STDERR_FILENO, chunk + at, (size_t)(n - at))) <= 0)
            break;
    for (ssize_t i = 0; i < n; i++) {
        if (chunk[i] != '\n' && c->line.len < 500) {
            px_buf_putc(&c->line, chunk[i]);
        } else if (chunk[i] == '\n') {
            remember(c, px_buf_str(&c->line));
            c->line.len = 0;
        }
    }
    return true;
}

static bool take_stderr(void *user)
{
    return pass_stderr(user);
}

/* False: the child is to be ended. */
static bool may_go_on(void *user)
{
    px_isolated *c = user;
    const uint64_t limit = c->job.limits.mem_limit;
    c->over_memory = limit > 0 && px_child_memory(c->pid) > limit;
    c->is_cancelled = px_context_is_cancelled(c->job.cx);
    return !c->over_memory && !c->is_cancelled;
}

static void replay_log(px_isolated *c)
{
    pgy_context *cx = c->job.cx;
    px_buf origin = {0};
    int severity = (int)px_channel_get_u32(c->channel),
        indent = (int)px_channel_get_u32(c->channel);
    px_buf_putstr(&origin, px_channel_get_str(c->channel));
    px_str text = px_channel_get_str(c->channel);
    remember(c, text);
    if (cx->log_fn != NULL)
        cx->log_fn(cx->log_user, (pgy_severity)severity, px_buf_cstr(&origin), indent, text.ptr,
                   text.len);
    px_buf_fini(&origin);
}

static void print_stage(const px_isolated *c, px_buf *b)
{
    switch ((stage)atomic_load(c->stage)) {
    case STAGE_LOADING:
        px_buf_printf(b, "while loading %s", c->job.ops->title);
        break;
    case STAGE_BUILDING:
        px_buf_puts(b, "while building the session");
        break;
    case STAGE_INFERENCE:
        if (c->iteration >= 0)
            px_buf_printf(b, "during inference of iteration %lld", (long long)c->iteration);
        else
            px_buf_puts(b, "during a warm-up inference");
        break;
    case STAGE_CLOSING:
        px_buf_puts(b, "while closing the session");
        break;
    }
}

/* The child is gone or has to go: what happened, in one sentence, and its last words. */
static pgy_status *ended(px_isolated *c, px_wait_end end)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    const char *path = c->job.model ? c->job.model->path : NULL;
    int state = px_child_end(c->pid, end == PX_WAIT_GONE ? GRACE_NS : 0);
    c->pid = 0;
    while (pass_stderr(c))
        ;
    if (c->line.len > 0)
        remember(c, px_buf_str(&c->line));

    px_buf_printf(&text, "%s ", c->job.name);
    if (end == PX_WAIT_GONE) {
        px_child_print_state(&text, state);
    } else if (c->is_cancelled) {
        px_buf_puts(&text, "was cancelled and ended");
    } else if (c->over_memory) {
        px_buf_printf(&text, "took more memory than --mem-limit %llu bytes and was ended",
                      (unsigned long long)c->job.limits.mem_limit);
    } else {
        px_buf_puts(&text, "took longer than --timeout ");
        px_fmt_g(&text, (double)c->job.limits.timeout_ns / 1e9, 6);
        px_buf_puts(&text, " seconds and was ended");
    }
    px_buf_putc(&text, ' ');
    print_stage(c, &text);
    if (path != NULL)
        px_buf_printf(&text, ", with the model %s", path);
    px_buf_putc(&text, '.');
    for (int i = 0, n = 0; i < N_LAST_LINES; i++)
        if (c->last[i] != NULL)
            px_buf_printf(&text, "%s\n    %s", n++ == 0 ? "\nThe last it said:" : "", c->last[i]);
    PX_TRY(px_buf_status(&text));
    PX_TRY(
        PX_FAIL(c->is_cancelled ? PGY_ERR_CANCELLED : PGY_ERR_BACKEND, "%s", px_buf_cstr(&text)));
done:
    px_buf_fini(&text);
    return st;
}

static pgy_status *told_error(px_channel *ch)
{
    pgy_error code = (pgy_error)px_channel_get_u32(ch);
    px_str text = px_channel_get_str(ch);
    return PX_FAIL(code == PGY_OK ? PGY_ERR_BACKEND : code, "%.*s", PX_STR_ARG(text));
}

static void put_feed(px_channel *ch, const pgy_feed *feed)
{
    px_channel_put_u32(ch, (uint32_t)feed->n);
    for (size_t i = 0; i < feed->n; i++) {
        px_channel_put_str(ch, px_str_of(feed->names[i]));
        px_channel_put_tensor(ch, feed->tensors[i], feed->tensors[i]->dtype);
    }
}

/* The child wants a feed of the script. */
static pgy_status *answer_feed(px_isolated *c, const px_wait *wait, px_wait_end *out_end)
{
    pgy_status *st = NULL;
    const px_data_script *script = c->job.limits.script;
    px_feed feed = {0};
    bool more;
    const px_data_use use = (px_data_use)px_channel_get_u32(c->channel);
    const int64_t i = px_channel_get_i64(c->channel);
    PX_TRY(script->next(script->user, use, i, &feed, &more));
    const pgy_feed view = px_feed_view(&feed);
    px_channel_begin(c->channel, ANSWER_FEED);
    px_channel_put_u32(c->channel, more);
    put_feed(c->channel, &view);
    PX_TRY(px_channel_send(c->channel, wait, out_end));
done:
    px_feed_fini(&feed);
    return st;
}

/* Sends what was put (unless `is_start`) and waits for the answer of that kind. */
static pgy_status *ask(px_isolated *c, bool is_start, unsigned answer)
{
    pgy_status *st = NULL;
    const px_isolation *limits = &c->job.limits;
    const uint64_t start_ns = px_time_ns();
    px_wait_end end = PX_WAIT_OK;
    unsigned kind = TELL_LOG;
    px_wait wait = {.deadline_ns = PX_NEVER,
                    .also_fd = c->stderr_fd,
                    .also = take_stderr,
                    .tick_ns = limits->mem_limit ? MEM_TICK_NS : TICK_NS,
                    .tick = may_go_on,
                    .user = c};
    if (limits->timeout_ns > 0)
        wait.deadline_ns = start_ns + limits->timeout_ns - PX_MIN(c->used_ns, limits->timeout_ns);

    if (c->pid == 0)
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND, "%s has ended before", c->job.name));
    if (!is_start)
        PX_TRY(px_channel_send(c->channel, &wait, &end));
    while (end == PX_WAIT_OK && (kind == TELL_LOG || kind == WANT_FEED)) {
        PX_TRY(px_channel_receive(c->channel, &wait, &end, &kind));
        if (end == PX_WAIT_OK && kind == TELL_LOG)
            replay_log(c);
        if (end == PX_WAIT_OK && kind == WANT_FEED)
            PX_TRY(answer_feed(c, &wait, &end));
    }
    if (end != PX_WAIT_OK)
        PX_TRY(ended(c, end));
    if (kind == TELL_ERROR)
        PX_TRY(told_error(c->channel));
    if (kind != answer)
        PX_TRY(PX_FAIL(PGY_ERR_BUG, "%s answered with message %u instead of %u", c->job.name, kind,
                       answer));
done:
    c->used_ns += px_time_ns() - start_ns;
    return st;
}

/* --- the parent: a session's life --- */

static pgy_status *get_inputs(px_isolated *c)
{
    pgy_status *st = NULL;
    px_channel *ch = c->channel;
    size_t n = px_channel_get_u32(ch);
    c->inputs = px_arena_calloc(&c->arena, n, sizeof *c->inputs);
    for (size_t i = 0; c->inputs != NULL && i < n; i++) {
        pgy_io *io = &c->inputs[i];
        px_str name = px_channel_get_str(ch);
        io->name = px_arena_strndup(&c->arena, name.ptr, name.len);
        io->dtype = (pgy_dtype)px_channel_get_u32(ch);
        io->rank = (int32_t)px_channel_get_u32(ch);
        size_t rank = io->rank > 0 ? (size_t)io->rank : 0;
        int64_t *dims = px_arena_calloc(&c->arena, rank, sizeof *dims);
        const char **names = px_arena_calloc(&c->arena, rank, sizeof *names);
        if (io->name == NULL || dims == NULL || names == NULL)
            PX_TRY(px_status_nomem());
        for (size_t k = 0; k < rank; k++) {
            dims[k] = px_channel_get_i64(ch);
            px_str dim = px_channel_get_str(ch);
            names[k] = dim.len > 0 ? px_arena_strndup(&c->arena, dim.ptr, dim.len) : NULL;
        }
        io->dims = dims;
        io->dim_names = names;
    }
    if (c->inputs == NULL)
        PX_TRY(px_status_nomem());
    c->n_inputs = n;
    PX_TRY(px_channel_end(ch));
done:
    return st;
}

static pgy_status *start(px_isolated *c)
{
    pgy_status *st = NULL;
    int sockets[2] = {-1, -1}, pipes[2] = {-1, -1};
    PX_TRY(px_channel_sockets(sockets));
    if (pipe(pipes) != 0 || fcntl(pipes[0], F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(pipes[0], F_SETFD, FD_CLOEXEC) != 0 || fcntl(pipes[1], F_SETFD, FD_CLOEXEC) != 0)
        PX_TRY(PX_FAIL(PGY_ERR_IO, "Cannot make a pipe to a child process: %s", strerror(errno)));
    PX_TRY(px_channel_new(sockets[0], &c->channel));
    sockets[0] = -1;
    c->stderr_fd = pipes[0];
    pipes[0] = -1;
    fflush(NULL); /* else the child would write it once more */
    PX_TRY(px_child_fork(&c->pid));
    if (c->pid == 0)
        run_child(&c->job, sockets[1], pipes[1], c->stage);
done:
    for (int i = 0; i < 2; i++) {
        if (sockets[i] >= 0)
            close(sockets[i]);
        if (pipes[i] >= 0)
            close(pipes[i]);
    }
    return st;
}

pgy_status *px_isolated_open(const px_isolated_job *job, px_isolated **out)
{
    pgy_status *st = NULL;
    px_isolated *c = NULL;
    PX_TRY(PX_ALLOC(c, 1));
    c->job = *job;
    c->stderr_fd = -1;
    void *page =
        mmap(NULL, sizeof(atomic_int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        PX_TRY(px_status_nomem());
    c->stage = page;
    PX_TRY(start(c));
    PX_TRY(ask(c, true, TELL_READY));
    PX_TRY(get_inputs(c));
    *out = c;
    c = NULL;
done:
    px_isolated_close(c);
    return st;
}

void px_isolated_inputs(const px_isolated *c, const pgy_io **out, size_t *out_n)
{
    *out = c->inputs;
    *out_n = c->n_inputs;
}

pgy_status *px_isolated_infer(px_isolated *c, int64_t iteration, const pgy_feed *feed,
                              pgy_outputs *out)
{
    pgy_status *st = NULL;
    px_channel *ch = c->channel;
    px_buf name = {0};
    c->iteration = iteration;
    px_channel_begin(ch, ASK_INFER);
    put_feed(ch, feed);
    PX_TRY(ask(c, false, TELL_OUTPUTS));
    pgy_outputs_set_elapsed(out, (uint64_t)px_channel_get_i64(ch));
    for (size_t n = px_channel_get_u32(ch); n > 0; n--) {
        pgy_tensor *t = NULL;
        PX_TRY(px_channel_get_named(ch, &name, &t));
        PX_TRY(pgy_outputs_add(out, px_buf_cstr(&name), t));
    }
    PX_TRY(px_channel_end(ch));
done:
    px_buf_fini(&name);
    return st;
}

void px_isolated_close(px_isolated *c)
{
    if (c == NULL)
        return;
    if (c->pid != 0) {
        px_wait wait = {.deadline_ns = px_time_ns() + GRACE_NS};
        px_wait_end end;
        px_channel_begin(c->channel, ASK_CLOSE);
        pgy_status *st = px_channel_send(c->channel, &wait, &end);
        if (st != NULL || end != PX_WAIT_OK)
            px_channel_hang_up(c->channel);
        pgy_status_free(st);
        px_child_end(c->pid, GRACE_NS);
    }
    px_channel_free(c->channel);
    if (c->stderr_fd >= 0) {
        while (pass_stderr(c))
            ;
        close(c->stderr_fd);
    }
    if (c->stage != NULL)
        munmap(c->stage, sizeof(atomic_int));
    for (int i = 0; i < N_LAST_LINES; i++)
        px_mem_free(c->last[i]);
    px_buf_fini(&c->line);
    px_arena_fini(&c->arena);
    px_mem_free(c);
}
