/* base/child.c - see child.h. The handler calls nothing that is not safe in one. */
#include "base/child.h"

#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CHILDREN 64
#define MAX_FILES 64

static _Atomic pid_t children[MAX_CHILDREN];
static _Atomic(const char *) doomed[MAX_FILES];

static void list_child(pid_t from, pid_t to)
{
    for (size_t i = 0; i < MAX_CHILDREN; i++) {
        pid_t expected = from;
        if (atomic_compare_exchange_strong(&children[i], &expected, to))
            return;
    }
}

static void list_file(const char *from, const char *to)
{
    for (size_t i = 0; i < MAX_FILES; i++) {
        const char *expected = from;
        if (atomic_compare_exchange_strong(&doomed[i], &expected, to))
            return;
    }
}

void px_doomed_file_add(const char *path)
{
    list_file(NULL, path);
}

void px_doomed_file_forget(const char *path)
{
    if (path != NULL)
        list_file(path, NULL);
}

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

static void end_everything(int signal_number)
{
    for (size_t i = 0; i < MAX_CHILDREN; i++) {
        pid_t pid = atomic_load(&children[i]);
        if (pid > 0)
            kill(pid, SIGKILL);
    }
    for (size_t i = 0; i < MAX_FILES; i++) {
        const char *path = atomic_load(&doomed[i]);
        if (path != NULL)
            unlink(path);
    }
    /* SA_RESETHAND: this time the default action, so that a shell sees what ended us. */
    raise(signal_number);
}

void px_child_install_signals(void)
{
    struct sigaction action = {.sa_handler = end_everything, .sa_flags = SA_RESETHAND}, old;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < PX_COUNTOF(ending); i++)
        if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(ending[i], &action, NULL);
    signal(SIGXFSZ, SIG_IGN);
}

/* The parent's handlers, and those of a sanitizer, would hide what ended the child. */
static void start_child(pid_t parent)
{
    struct sigaction action = {.sa_handler = SIG_DFL}, old;
    sigemptyset(&action.sa_mask);
    for (int i = 1; i < NSIG; i++)
        if (sigaction(i, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(i, &action, NULL);
    for (size_t i = 0; i < MAX_CHILDREN; i++)
        atomic_store(&children[i], 0);
    for (size_t i = 0; i < MAX_FILES; i++)
        atomic_store(&doomed[i], NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
}

pgy_status *px_child_fork(pid_t *out)
{
    pid_t parent = getpid();
    sigset_t all, old;
    /* A signal between the fork and the list would leave the child behind. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    pid_t pid = fork();
    int error = errno;
    if (pid == 0)
        start_child(parent);
    else if (pid > 0)
        list_child(0, pid);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (pid < 0)
        return PX_FAIL(PGY_ERR_IO, "Cannot start a child process: %s", strerror(error));
    *out = pid;
    return NULL;
}

bool px_child_has_ended(pid_t pid, int *out_state)
{
    pid_t got;
    do
        got = waitpid(pid, out_state, WNOHANG);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    list_child(pid, 0);
    return true;
}

int px_child_end(pid_t pid, uint64_t grace_ns)
{
    const struct timespec pause = {.tv_nsec = 500000};
    uint64_t until = px_time_ns() + grace_ns;
    int state = 0;
    do {
        if (px_child_has_ended(pid, &state))
            return state;
        if (grace_ns > 0)
            nanosleep(&pause, NULL);
    } while (px_time_ns() < until);
    kill(pid, SIGKILL);
    while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
        ;
    list_child(pid, 0);
    return state;
}

static const char *signal_name(int number)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {
        {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},
        {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
        {SIGKILL, "SIGKILL"}, {SIGSEGV, "SIGSEGV"}, {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"},
        {SIGTERM, "SIGTERM"}, {SIGXCPU, "SIGXCPU"}, {SIGSYS, "SIGSYS"},
    };
    for (size_t i = 0; i < PX_COUNTOF(names); i++)
        if (names[i].number == number)
            return names[i].name;
    return "unnamed";
}

void px_child_print_state(px_buf *b, int state)
{
    if (WIFSIGNALED(state))
        px_buf_printf(b, "was killed by signal %d (%s)", WTERMSIG(state),
                      signal_name(WTERMSIG(state)));
    else
        px_buf_printf(b, "ended with exit code %d", WEXITSTATUS(state));
}

/* "RssAnon:     123 kB" of a status file, in bytes. */
static uint64_t field_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10) * 1024;
}

uint64_t px_child_memory(pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return field_of(text, "RssAnon:") + field_of(text, "RssShmem:");
}
