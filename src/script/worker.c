/* script/worker.c - the Python process and its requests; see worker.h. */
#include "script/worker.h"

#include "base/channel.h"
#include "base/child.h"
#include "base/dl.h"
#include "base/file.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/tensor.h"
#include "base/thread.h"
#include "script/python_image.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_NS 2000000000u
#define CANNOT_RUN 127

enum {
    ASK_LOAD = 1,
    ASK_NEXT = 2,
    ASK_COMPARE = 3,
    ASK_POSTPROCESS = 4,
    ASK_LPIPS = 5,
    ASK_TRT = 6
};
enum {
    TELL_READY = 10,
    TELL_DONE = 11,
    TELL_FEED = 12,
    TELL_VERDICT = 13,
    TELL_ITERATION = 14,
    TELL_VALUE = 15,
    TELL_ERROR = 16,
    TELL_LOG = 17,
    TELL_PLAN = 18
};
enum { HAS_LPIPS = 0, NO_LPIPS = 1, NO_NUMBER = 2 };

static const struct {
    const char *option, *func;
} roles[PX_N_SCRIPT_ROLES] = {
    [PX_SCRIPT_DATA] = {"--data-loader-script", "load_data"},
    [PX_SCRIPT_COMPARE] = {"--compare-func-script", "compare_outputs"},
    [PX_SCRIPT_POSTPROCESS] = {"--postprocess-func-script", "postprocess_outputs"},
};

struct px_worker {
    pgy_context *cx;
    uint64_t timeout_ns;
    const px_opt_script *scripts[PX_N_SCRIPT_ROLES];
    pid_t pid;     /* 0: not started, or ended */
    pid_t started; /* by this process */
    px_channel *channel;
    int crash_fd; /* the file that Python writes the traceback of its own crash to */
    px_buf asked; /* what the request under way is for: begins messages */
};

/* --- the process --- */

static const char *python(void)
{
    const char *path = getenv("POLYGRAPHY_PYTHON");
    return path != NULL && *path != '\0' ? path : "python3";
}

static const char *func_of(const px_worker *w, px_script_role role)
{
    const char *func = w->scripts[role]->func;
    return func != NULL ? func : roles[role].func;
}

/* "--compare-func-script c.py:compare_outputs: " in front of all messages of the request. */
static void set_asked(px_worker *w, px_script_role role)
{
    w->asked.len = 0;
    px_buf_printf(&w->asked, "%s %s:%s: ", roles[role].option, w->scripts[role]->path,
                  func_of(w, role));
}

/* What Python left in the crash file: the frames of the script, or that numpy is missing. */
static void read_crash(const px_worker *w, px_buf *out)
{
    char text[8192];
    ssize_t n = pread(w->crash_fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    char *end = strstr(text, "  File \"<polygraphy>"); /* our own frames come behind the script's */
    if (end != NULL)
        *end = '\0';
    px_buf_puts(out, text);
    while (out->len > 0 && out->ptr[out->len - 1] == '\n')
        out->len--;
}

static pgy_status *fail_numpy(px_worker *w, const char *why)
{
    return PX_FAIL(PGY_ERR_BACKEND,
                   "%sPython scripts need numpy, which cannot be imported by %s. Install it with "
                   "python3 -m pip install numpy, or name another Python in POLYGRAPHY_PYTHON.",
                   px_buf_cstr(&w->asked), why);
}

/* The process is gone, or has not answered in time. */
static pgy_status *ended(px_worker *w, px_wait_end end)
{
    pgy_status *st = NULL;
    px_buf text = {0}, crash = {0};
    if (end == PX_WAIT_TIMEOUT)
        kill(w->pid, SIGABRT); /* it then writes where it is */
    int state = px_child_end(w->pid, GRACE_NS);
    w->pid = 0;
    read_crash(w, &crash);
    if (px_str_starts(px_buf_str(&crash), "NUMPY "))
        PX_TRY(fail_numpy(w, px_buf_cstr(&crash) + strlen("NUMPY ")));
    px_buf_putstr(&text, px_buf_str(&w->asked));
    if (end == PX_WAIT_TIMEOUT) {
        px_buf_puts(&text, "it took longer than --timeout ");
        px_fmt_g(&text, (double)w->timeout_ns / 1e9, 6);
        px_buf_puts(&text, " seconds and was ended.");
    } else if (WIFEXITED(state) && WEXITSTATUS(state) == CANNOT_RUN) {
        px_buf_printf(&text,
                      "Python scripts need a Python, and %s cannot be run. Put python3 on PATH, or "
                      "name one in POLYGRAPHY_PYTHON.",
                      python());
    } else {
        px_buf_puts(&text, "the Python process ");
        px_child_print_state(&text, state);
        px_buf_putc(&text, '.');
    }
    if (crash.len > 0)
        px_buf_printf(&text, "\n%s", px_buf_cstr(&crash));
    PX_TRY(px_buf_status(&text));
    PX_TRY(PX_FAIL(PGY_ERR_BACKEND, "%s", px_buf_cstr(&text)));
done:
    px_buf_fini(&text);
    px_buf_fini(&crash);
    return st;
}

static void replay_log(px_worker *w)
{
    const int severity = (int)px_channel_get_u32(w->channel);
    const px_str text = px_channel_get_str(w->channel);
    const px_str origin = px_channel_get_str(w->channel);
    char *at = px_mem_strndup(origin.ptr, origin.len);
    if (at != NULL && px_log_enabled(w->cx, severity, at))
        px_log_text(w->cx, severity, at, text);
    px_mem_free(at);
}

/* Waits for the answer of that kind. */
static pgy_status *answer(px_worker *w, uint64_t timeout_ns, unsigned wanted)
{
    pgy_status *st = NULL;
    px_wait wait = {.deadline_ns = timeout_ns ? px_time_ns() + timeout_ns : PX_NEVER};
    px_wait_end end = PX_WAIT_OK;
    unsigned kind = TELL_LOG;
    while (end == PX_WAIT_OK && kind == TELL_LOG) {
        PX_TRY(px_channel_receive(w->channel, &wait, &end, &kind));
        if (end == PX_WAIT_OK && kind == TELL_LOG)
            replay_log(w);
    }
    if (end != PX_WAIT_OK)
        PX_TRY(ended(w, end));
    if (kind == TELL_ERROR) {
        px_str text = px_channel_get_str(w->channel);
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "%s%.*s", px_buf_cstr(&w->asked), PX_STR_ARG(text)));
    }
    if (kind != wanted)
        PX_TRY(PX_FAIL(PGY_ERR_BUG, "The Python process answered with message %u instead of %u",
                       kind, wanted));
done:
    return st;
}

static pgy_status *ask(px_worker *w, unsigned wanted)
{
    pgy_status *st = NULL;
    px_wait wait = {.deadline_ns = PX_NEVER};
    px_wait_end end;
    if (w->pid == 0)
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND, "%sthe Python process has ended before",
                       px_buf_cstr(&w->asked)));
    fflush(stdout); /* what the script prints comes behind what was said before */
    PX_TRY(px_channel_send(w->channel, &wait, &end));
    if (end != PX_WAIT_OK)
        PX_TRY(ended(w, end));
    PX_TRY(answer(w, w->timeout_ns, wanted));
done:
    return st;
}

/* In the child. Low numbers are given to the three files from copies that cannot be overwritten. */
static _Noreturn void run_python(int socket, int image, int crash)
{
    const int from[] = {socket, image, crash};
    int copies[3];
    for (int i = 0; i < 3; i++)
        copies[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 10);
    for (int i = 0; i < 3; i++)
        if (dup2(copies[i], 3 + i) < 0)
            _exit(CANNOT_RUN);
    execlp(python(), python(), "-c", px_python_boot, "3", "4", "5", (char *)NULL);
    _exit(CANNOT_RUN);
}

static pgy_status *memory_file(const void *bytes, size_t size, int *out)
{
    int fd = memfd_create("polygraphy-python", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return PX_FAIL(PGY_ERR_IO, "Cannot make a file in memory: %s", strerror(error));
    }
    *out = fd;
    return NULL;
}

static pgy_status *start(px_worker *w)
{
    pgy_status *st = NULL;
    int sockets[2] = {-1, -1}, image = -1;
    PX_TRY(px_channel_sockets(sockets));
    PX_TRY(memory_file(px_python_image, px_python_image_size, &image));
    PX_TRY(memory_file("", 0, &w->crash_fd));
    PX_TRY(px_channel_new(sockets[0], &w->channel));
    sockets[0] = -1;
    w->started = getpid();
    fflush(NULL);
    PX_TRY(px_child_fork(&w->pid));
    if (w->pid == 0)
        run_python(sockets[1], image, w->crash_fd);
    close(sockets[1]);
    sockets[1] = -1;
    PX_TRY(answer(w, 0, TELL_READY)); /* starting Python is not the script's time */
    px_str what = px_channel_get_str(w->channel);
    px_log(w->cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_SCRIPT, "Scripts are run by %.*s", PX_STR_ARG(what));
done:
    for (int i = 0; i < 2; i++)
        if (sockets[i] >= 0)
            close(sockets[i]);
    if (image >= 0)
        close(image);
    return st;
}

/* Forgets the process; it ends when nobody else holds the socket. */
static void let_go(px_worker *w)
{
    px_channel_free(w->channel);
    w->channel = NULL;
    w->pid = 0;
    if (w->crash_fd >= 0)
        close(w->crash_fd);
    w->crash_fd = -1;
}

pgy_status *px_worker_new(pgy_context *cx, uint64_t timeout_ns, px_worker **out)
{
    pgy_status *st = NULL;
    px_worker *w = NULL;
    PX_TRY(PX_ALLOC(w, 1));
    *w = (px_worker){.cx = cx, .timeout_ns = timeout_ns, .crash_fd = -1};
    *out = w;
done:
    return st;
}

void px_worker_free(px_worker *w)
{
    if (w == NULL)
        return;
    const pid_t pid = w->pid;
    let_go(w);
    if (pid != 0)
        px_child_end(pid, GRACE_NS);
    px_buf_fini(&w->asked);
    px_mem_free(w);
}

/* --- the requests --- */

pgy_status *px_worker_load(px_worker *w, px_script_role role, const px_opt_script *script)
{
    pgy_status *st = NULL;
    w->scripts[role] = script;
    set_asked(w, role);
    if (w->channel == NULL)
        PX_TRY(start(w));
    px_channel_begin(w->channel, ASK_LOAD);
    px_channel_put_u32(w->channel, role);
    px_channel_put_str(w->channel, px_str_of(script->path));
    px_channel_put_str(w->channel, px_str_of(func_of(w, role)));
    PX_TRY(ask(w, TELL_DONE));
done:
    return st;
}

pgy_status *px_worker_next_feed(px_worker *w, px_data_use use, int64_t i, px_feed *out,
                                bool *out_more)
{
    pgy_status *st = NULL;
    px_channel *ch = w->channel;
    px_buf name = {0};
    set_asked(w, PX_SCRIPT_DATA);
    px_channel_begin(ch, ASK_NEXT);
    px_channel_put_u32(ch, use);
    px_channel_put_i64(ch, i);
    PX_TRY(ask(w, TELL_FEED));
    *out_more = px_channel_get_u32(ch) != 0;
    for (size_t n = *out_more ? px_channel_get_u32(ch) : 0; n > 0; n--) {
        pgy_tensor *t = NULL;
        PX_TRY(px_channel_get_named(ch, &name, &t));
        PX_TRY(px_feed_add(out, px_buf_cstr(&name), t));
    }
    PX_TRY(px_channel_end(ch));
done:
    px_buf_fini(&name);
    return st;
}

/* Types that numpy has not go as a wider one, and tell what they were. */
static pgy_dtype wide(pgy_dtype dtype)
{
    if (dtype <= PGY_DTYPE_C128)
        return dtype;
    if (px_dtype_is_float(dtype))
        return PGY_DTYPE_F32;
    return px_dtype_is_signed(dtype) ? PGY_DTYPE_I8 : PGY_DTYPE_U8;
}

/* The tensor is kept in `held` until the message is sent. */
static pgy_status *put_tensor(px_worker *w, pgy_tensor *t, pgy_tensor **held)
{
    pgy_status *st = NULL;
    PX_TRY(pgy_tensor_cast(t, wide(t->dtype), held));
    px_channel_put_tensor(w->channel, *held, t->dtype);
done:
    return st;
}

typedef struct held_tensors {
    pgy_tensor **at;
    size_t n, cap;
} held_tensors;

static void held_fini(held_tensors *held)
{
    for (size_t i = 0; i < held->n; i++)
        pgy_tensor_free(held->at[i]);
    px_mem_free(held->at);
}

static pgy_status *put_iteration(px_worker *w, const px_iteration *it, held_tensors *held)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    px_channel_put_str(w->channel, px_str_of(it->runner_name ? it->runner_name : ""));
    px_channel_put_f64(w->channel, it->runtime_s);
    px_channel_put_u32(w->channel, (uint32_t)it->n_outputs);
    PX_TRY(PX_RESERVE(held, it->n_outputs));
    for (size_t i = 0; i < it->n_outputs; i++) {
        px_channel_put_str(w->channel, px_str_of(it->outputs[i].name));
        PX_TRY(px_lazy_get(w->cx, it->outputs[i].value, &t));
        PX_TRY(put_tensor(w, t, &held->at[held->n]));
        held->n++;
        pgy_tensor_free(t);
        t = NULL;
    }
done:
    pgy_tensor_free(t);
    return st;
}

pgy_status *px_worker_compare(px_worker *w, const px_iteration *a, const px_iteration *b,
                              px_compared_iteration *out)
{
    pgy_status *st = NULL;
    px_channel *ch = w->channel;
    held_tensors held = {0};
    set_asked(w, PX_SCRIPT_COMPARE);
    px_channel_begin(ch, ASK_COMPARE);
    PX_TRY(put_iteration(w, a, &held));
    PX_TRY(put_iteration(w, b, &held));
    PX_TRY(ask(w, TELL_VERDICT));
    for (size_t n = px_channel_get_u32(ch); n > 0; n--) {
        PX_TRY(PX_RESERVE(out, 1));
        px_str name = px_channel_get_str(ch);
        px_output_result *r = &out->at[out->n++];
        *r = (px_output_result){.bare = true};
        r->name = px_mem_strndup(name.ptr, name.len);
        r->other_name = px_mem_strndup(name.ptr, name.len);
        r->passed = px_channel_get_u32(ch) != 0;
        if (r->name == NULL || r->other_name == NULL)
            PX_TRY(px_status_nomem());
    }
    PX_TRY(px_channel_end(ch));
done:
    held_fini(&held);
    return st;
}

pgy_status *px_worker_postprocess(px_worker *w, px_iteration *it)
{
    pgy_status *st = NULL;
    px_channel *ch = w->channel;
    held_tensors held = {0};
    pgy_outputs outputs = {0};
    px_buf name = {0}, runner_name = {0};
    set_asked(w, PX_SCRIPT_POSTPROCESS);
    px_channel_begin(ch, ASK_POSTPROCESS);
    PX_TRY(put_iteration(w, it, &held));
    PX_TRY(ask(w, TELL_ITERATION));
    px_buf_putstr(&runner_name, px_channel_get_str(ch));
    for (size_t n = px_channel_get_u32(ch); n > 0; n--) {
        pgy_tensor *t = NULL;
        PX_TRY(px_channel_get_named(ch, &name, &t));
        PX_TRY(pgy_outputs_add(&outputs, px_buf_cstr(&name), t));
    }
    PX_TRY(px_channel_end(ch));
    PX_TRY(px_iteration_set_outputs(it, px_buf_cstr(&runner_name), &outputs));
done:
    px_buf_fini(&name);
    px_buf_fini(&runner_name);
    px_outputs_clear(&outputs);
    held_fini(&held);
    return st;
}

/* Asks for the distance of two arrays, or with none of them whether it can be had. */
static pgy_status *ask_lpips(px_worker *w, pgy_tensor *const arrays[2], uint32_t *out_what,
                             double *out)
{
    pgy_status *st = NULL;
    pgy_tensor *wide_arrays[2] = {NULL, NULL};
    w->asked.len = 0;
    px_buf_puts(&w->asked, "--compare perceptual_metrics: ");
    if (w->channel == NULL)
        PX_TRY(start(w));
    px_channel_begin(w->channel, ASK_LPIPS);
    px_channel_put_u32(w->channel, arrays != NULL);
    for (int i = 0; i < 2 && arrays != NULL; i++)
        PX_TRY(put_tensor(w, arrays[i], &wide_arrays[i]));
    PX_TRY(ask(w, TELL_VALUE));
    *out_what = px_channel_get_u32(w->channel);
    *out = px_channel_get_f64(w->channel);
    px_str text = px_channel_get_str(w->channel);
    PX_TRY(px_channel_end(w->channel));
    if (*out_what == NO_LPIPS)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED, "%s%.*s", px_buf_cstr(&w->asked), PX_STR_ARG(text)));
done:
    pgy_tensor_free(wide_arrays[0]);
    pgy_tensor_free(wide_arrays[1]);
    return st;
}

pgy_status *px_worker_lpips(px_worker *w, pgy_tensor *a, pgy_tensor *b, double *out,
                            bool *out_is_image)
{
    pgy_tensor *const arrays[2] = {a, b};
    uint32_t what = NO_NUMBER;
    pgy_status *st = ask_lpips(w, arrays, &what, out);
    *out_is_image = what == HAS_LPIPS;
    return st;
}

pgy_status *px_worker_check_lpips(px_worker *w)
{
    uint32_t what;
    double value;
    return ask_lpips(w, NULL, &what, &value);
}

/* --- engines --- */

/* Our own library: the one that this is, or, when this is part of a program, beside that or where
 * it is installed, else by the loader's rules. */
static pgy_status *find_library(char **out)
{
    static const char name[] = "libpolygraphy.so.0";
    static const char *const folders[] = {"", "/../lib", "/../lib/x86_64-linux-gnu", "/../lib64"};
    px_buf path = {0};
    char exe[4096];
    if (px_dl_own_library(out))
        return *out != NULL ? NULL : px_status_nomem();
    const ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash != NULL)
        *slash = '\0';
    for (size_t i = 0; i < PX_COUNTOF(folders); i++) {
        path.len = 0;
        px_buf_printf(&path, "%s%s/%s", exe, folders[i], name);
        if (px_path_exists(px_buf_cstr(&path)))
            break;
        path.len = 0;
    }
    *out = px_mem_strdup(path.len > 0 ? px_buf_cstr(&path) : name);
    px_buf_fini(&path);
    return *out != NULL ? NULL : px_status_nomem();
}

/* An isolated runner builds in a Python of its own, which goes when it does; that one calibrates
 * with a data script of its own, too. */
static pgy_status *start_for_engine(px_worker *w)
{
    pgy_status *st = NULL;
    const bool is_inherited = w->channel != NULL && w->started != getpid();
    const px_opt_script *data = w->scripts[PX_SCRIPT_DATA];
    px_buf_fini(&w->asked);
    if (is_inherited)
        let_go(w);
    if (w->channel == NULL)
        PX_TRY(start(w));
    if (is_inherited && data != NULL)
        PX_TRY(px_worker_load(w, PX_SCRIPT_DATA, data));
    px_buf_fini(&w->asked);
done:
    return st;
}

pgy_status *px_worker_build_engine(px_worker *w, const px_trt_job *job, pgy_tensor **out)
{
    pgy_status *st = NULL;
    px_channel *ch;
    char *library = NULL;
    PX_TRY(find_library(&library));
    PX_TRY(start_for_engine(w));
    ch = w->channel;
    px_channel_begin(ch, ASK_TRT);
    px_channel_put_str(ch, px_str_of(library));
    px_channel_put_str(ch, px_str_of(job->library));
    px_channel_put_str(ch, px_str_of(job->library_name));
    px_channel_put_u32(ch, job->is_rtx);
    px_channel_put_u32(ch, (uint32_t)job->n_scripts);
    for (size_t i = 0; i < job->n_scripts; i++) {
        px_channel_put_u32(ch, job->scripts[i].kind);
        px_channel_put_str(ch, px_str_of(job->scripts[i].path));
        px_channel_put_str(ch, px_str_of(job->scripts[i].func));
    }
    px_channel_put_u32(ch, (uint32_t)job->n_words);
    for (size_t i = 0; i < job->n_words; i++)
        px_channel_put_str(ch, px_str_of(job->words[i]));
    PX_TRY(ask(w, TELL_PLAN));
    PX_TRY(px_channel_get_tensor(ch, out));
    PX_TRY(px_channel_end(ch));
done:
    px_mem_free(library);
    return st;
}
