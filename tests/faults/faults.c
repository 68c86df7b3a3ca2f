#include "faults.h"

#include "cli/cmd_run.h"
#include "cli/command.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT 200000 /* no run here allocates so often */

char faults_dir[64];

typedef struct command {
    char text[1024];
    const char *argv[64];
    int argc;
} command;

static void ignore(void *user, pgy_severity severity, const char *origin, int indent,
                   const char *message, size_t length)
{
    PX_UNUSED(user);
    PX_UNUSED(severity);
    PX_UNUSED(origin);
    PX_UNUSED(indent);
    PX_UNUSED(message);
    PX_UNUSED(length);
}

/* The exit code of one command line, in this process. -1: out of memory before there was a run. */
static int run(const command *c)
{
    pgy_status *st = NULL;
    pgy_context *cx = NULL;
    px_console console;
    px_run_args args = {0};
    px_command_line line;
    int exit_code = -1;

    px_console_init(&console);
    PX_TRY(pgy_context_new(&cx));
    pgy_context_set_log(cx, ignore, NULL);
    pgy_context_set_threads(cx, 1);
    PX_TRY(px_command_parse(c->argc, c->argv, &args, &line));
    assert_int_equal(line.kind, PX_PARSE_OK);
    exit_code = px_cmd_run(cx, &console, &args);
done:
    if (st != NULL)
        assert_int_equal(pgy_status_code(st), PGY_ERR_NOMEM);
    pgy_status_free(st);
    pgy_context_free(cx);
    px_run_args_fini(&args);
    pgy_status_free(px_console_close(&console));
    return exit_code;
}

static void split(const char *words, const char *model, command *out)
{
    size_t used = 0;
    out->argv[0] = "polygraphy";
    out->argv[1] = "run";
    out->argc = 2;
    for (const char *p = words; *p != '\0';) {
        const size_t n = strcspn(p, " "), room = sizeof out->text - used;
        char *const at = out->text + used;
        const px_str word = {p, n};
        int length;
        if (px_str_starts(word, "{}"))
            length = snprintf(at, room, "%s%.*s", faults_dir, (int)n - 2, p + 2);
        else if (px_str_is(word, "{model}"))
            length = snprintf(at, room, "%s/models/%s", PX_TEST_DATA, model);
        else if (px_str_is(word, "{ops}"))
            length = snprintf(at, room, "%s", PX_REF_OPS);
        else
            length = snprintf(at, room, "%.*s", (int)n, p);
        assert_true(length >= 0 && (size_t)length < room);
        assert_true((size_t)out->argc < PX_COUNTOF(out->argv));
        out->argv[out->argc++] = at;
        used += (size_t)length + 1;
        p += n + (p[n] == ' ');
    }
}

static void allocations_fail(uint64_t step, int expected, const char *words, const char *model)
{
    command c;
    split(words, model, &c);
    for (uint64_t n = 1;; n += step + n / 256) {
        const uint64_t live = px_mem_live();
        px_mem_fail_after(n);
        const int exit_code = run(&c);
        const bool has_failed = px_mem_has_failed();
        px_mem_fail_after(0);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
        if (px_mem_live() != live)
            fail_msg("%s: allocation %llu failing left %lld block(s)", words, (unsigned long long)n,
                     (long long)(px_mem_live() - live));
        /* The last messages of a run that passes may be lost; a child's failure isn't seen here. */
        if (expected == 0 ? exit_code == 0 : !has_failed) {
            assert_int_equal(exit_code, expected);
            break;
        }
        if (exit_code == 0)
            fail_msg("%s: passes when allocation %llu fails", words, (unsigned long long)n);
        if (n > LIMIT)
            fail_msg("%s: does not pass even when allocation %llu fails", words,
                     (unsigned long long)n);
    }
}

void faults_none(const char *words, const char *model)
{
    command c;
    split(words, model, &c);
    assert_int_equal(run(&c), 0);
}

void faults_each(const char *words, const char *model)
{
    allocations_fail(1, 0, words, model);
}

void faults_each_step(uint64_t step, const char *words, const char *model)
{
    allocations_fail(step, 0, words, model);
}

void faults_each_of_failing(uint64_t step, const char *words, const char *model)
{
    allocations_fail(step, 1, words, model);
}

void faults_write(const char *name, const char *bytes, size_t size)
{
    char *path = px_path_join(faults_dir, name);
    assert_ok(px_file_write(path, bytes, size));
    px_mem_free(path);
}

void faults_remove(const char *name)
{
    char *path = px_path_join(faults_dir, name);
    unlink(path);
    px_mem_free(path);
}

void faults_remove_tree(const char *path)
{
    char **names;
    size_t n;
    assert_ok(px_path_list(path, NULL, &names, &n));
    for (size_t i = 0; i < n; i++) {
        char *entry = px_path_join(path, names[i]);
        if (px_path_is_dir(entry))
            faults_remove_tree(entry);
        else
            unlink(entry);
        px_mem_free(entry);
        px_mem_free(names[i]);
    }
    px_mem_free(names);
    assert_int_equal(rmdir(path), 0);
}

int faults_make_dir(void **state)
{
    PX_UNUSED(state);
    (void)snprintf(faults_dir, sizeof faults_dir, "/tmp/px_faults_XXXXXX");
    return mkdtemp(faults_dir) == NULL;
}

void faults_check_and_remove_dir(size_t n_files)
{
    char **names;
    size_t n;
    assert_ok(px_path_list(faults_dir, NULL, &names, &n));
    for (size_t i = 0; i < n; i++)
        px_mem_free(names[i]);
    px_mem_free(names);
    assert_int_equal(n, n_files);
    faults_remove_tree(faults_dir);
}
