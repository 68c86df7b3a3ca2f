/* A runner in a process of its own, ended in every way: the report names how, where and the last
 * words; afterwards there is no child, no open file and no file more than before. */
#include "test_base.h"

#include "base/child.h"
#include "base/context.h"
#include "base/file.h"
#include "base/tensor.h"
#include "base/thread.h"
#include "crash.h"
#include "model/model.h"
#include "runner/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODEL PX_TEST_DATA "/models/identity.onnx"
#define N_LOOPS 100

static pgy_context *cx;
static pgy_model *model;
static int dev_null, real_stderr;
static char temp_dir[] = "/tmp/px_isolate_XXXXXX";

static size_t n_open_files(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void assert_no_child(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static px_runner *new_runner(crash_kind how, crash_at when, px_isolation limits)
{
    px_runner *r;
    crash_how = how;
    crash_when = when;
    limits.on = true;
    assert_ok(px_runner_new(cx, &crash_ops, 0, NULL, model, &r));
    px_runner_isolate(r, &limits);
    return r;
}

static pgy_status *infer_once(px_runner *r, int64_t i, int64_t n, pgy_outputs *out)
{
    pgy_tensor *x;
    const char *name = "x";
    assert_ok(px_tensor_new_raw(PGY_DTYPE_F32, 1, &n, &x));
    for (int64_t k = 0; k < n; k++)
        ((float *)x->data)[k] = (float)(k + i);
    pgy_feed feed = {1, &name, &x};
    px_runner_set_iteration(r, i);
    pgy_status *st = px_runner_infer(r, &feed, out);
    if (st == NULL)
        assert_memory_equal(out->at[0].tensor->data, x->data, x->size);
    pgy_tensor_free(x);
    return st;
}

static void works(void **state)
{
    PX_UNUSED(state);
    px_runner *r = new_runner(CRASH_NOT, CRASH_AT_INFER, (px_isolation){0});
    const pgy_io *inputs;
    size_t n;
    assert_ok(px_runner_activate(r));
    assert_ok(px_runner_inputs(r, &inputs, &n));
    assert_int_equal(n, 1);
    assert_string_equal(inputs[0].name, "x");
    assert_int_equal(inputs[0].rank, 4);
    assert_int_equal(inputs[0].dims[3], 2);
    pgy_outputs kept[20] = {0};
    for (int i = 0; i < 20; i++)
        assert_ok(infer_once(r, i, i % 2 ? 100000 : 3, &kept[i]));
    px_runner_deactivate(r);
    for (int i = 0; i < 20; i++) {
        assert_true(*(float *)kept[i].at[0].tensor->data == (float)i);
        px_outputs_clear(&kept[i]);
    }
    assert_false(px_runner_has_failed(r));
    px_runner_free(r);
    assert_no_child();
}

/* One whole life that ends as said. What the child writes is passed on, but not shown here. */
static pgy_status *live(crash_kind how, crash_at when, px_isolation limits)
{
    pgy_outputs out = {0};
    px_runner *r = new_runner(how, when, limits);
    dup2(dev_null, STDERR_FILENO);
    pgy_status *st = px_runner_activate(r);
    for (int i = 0; i < 3 && st == NULL; i++) {
        st = infer_once(r, i, 5000, &out);
        px_outputs_clear(&out);
    }
    const bool has_failed = px_runner_has_failed(r);
    px_runner_free(r);
    dup2(real_stderr, STDERR_FILENO);
    assert_true(has_failed);
    return st;
}

static void reports(void **state)
{
    PX_UNUSED(state);
    static const struct {
        crash_kind how;
        crash_at when;
        const char *parts[4];
    } cases[] = {
        {CRASH_ABORT, CRASH_AT_LOAD, {"signal 6 (SIGABRT) while loading Crasher, with the model"}},
        {CRASH_ABORT, CRASH_AT_OPEN, {"signal 6 (SIGABRT) while building the session"}},
        {CRASH_ABORT, CRASH_AT_INFER, {"signal 6 (SIGABRT) during inference of iteration 1"}},
        {CRASH_ADDRESS_0, CRASH_AT_INFER, {"signal 11 (SIGSEGV) during inference"}},
        {CRASH_EXIT, CRASH_AT_OPEN, {"ended with exit code 3 while building"}},
        {CRASH_SLEEP, CRASH_AT_OPEN, {"took longer than --timeout 0.05 seconds"}},
        {CRASH_SLEEP, CRASH_AT_INFER, {"--timeout 0.05 seconds", "of iteration 1"}},
        {CRASH_ALLOCATE, CRASH_AT_INFER, {"took more memory than --mem-limit"}},
    };
    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        px_isolation limits = {0};
        if (cases[i].how == CRASH_SLEEP)
            limits.timeout_ns = 50000000;
        if (cases[i].how == CRASH_ALLOCATE)
            limits.mem_limit = px_child_memory(getpid()) + ((uint64_t)32 << 20);
        pgy_status *st = live(cases[i].how, cases[i].when, limits);
        assert_non_null(st);
        const char *text = pgy_status_message(st);
        for (size_t k = 0; k < 4 && cases[i].parts[k] != NULL; k++)
            if (strstr(text, cases[i].parts[k]) == NULL)
                fail_msg("case %zu: no '%s' in: %s", i, cases[i].parts[k], text);
        assert_non_null(strstr(text, "onnxrt-runner-N0"));
        assert_non_null(strstr(text, "identity.onnx"));
        assert_non_null(strstr(text, "about to go wrong"));
        pgy_status_free(st);
    }
}

/* An error of the runtime is passed on as it is; the runner counts as failed. */
static void errors_come_back(void **state)
{
    PX_UNUSED(state);
    pgy_status *st = live(CRASH_ERROR, CRASH_AT_OPEN, (px_isolation){0});
    assert_fails(st, PGY_ERR_BACKEND, "the runtime said no");
    st = live(CRASH_ERROR, CRASH_AT_INFER, (px_isolation){0});
    assert_fails(st, PGY_ERR_BACKEND, "the runtime said no");
}

static void nothing_is_left(void **state)
{
    PX_UNUSED(state);
    static const crash_kind kinds[] = {CRASH_ABORT, CRASH_ADDRESS_0, CRASH_ALLOCATE, CRASH_SLEEP,
                                       CRASH_EXIT};
    const size_t n_files = n_open_files();
    const uint64_t n_blocks = px_mem_live();
    for (int i = 0; i < N_LOOPS; i++)
        for (size_t k = 0; k < PX_COUNTOF(kinds); k++) {
            px_isolation limits = {0};
            if (kinds[k] == CRASH_SLEEP)
                limits.timeout_ns = 10000000;
            if (kinds[k] == CRASH_ALLOCATE)
                limits.mem_limit = px_child_memory(getpid()) + ((uint64_t)16 << 20);
            pgy_status *st = live(kinds[k], (crash_at)(i % 3), limits);
            assert_int_equal(pgy_status_code(st), PGY_ERR_BACKEND);
            pgy_status_free(st);
            assert_no_child();
        }
    assert_int_equal(n_open_files(), n_files);
    assert_int_equal(px_mem_live(), n_blocks);
    char **names;
    size_t n;
    assert_ok(px_path_list(temp_dir, NULL, &names, &n));
    assert_int_equal(n, 0);
    px_mem_free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works),
        cmocka_unit_test(reports),
        cmocka_unit_test(errors_come_back),
        cmocka_unit_test(nothing_is_left),
    };
    dev_null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (mkdtemp(temp_dir) == NULL)
        return 1;
    setenv("TMPDIR", temp_dir, 1);
    assert_ok(pgy_context_new(&cx));
    assert_ok(px_model_open(cx, MODEL, PGY_MODEL_UNKNOWN, &model));
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    pgy_model_close(model);
    pgy_context_free(cx);
    return n_failed + rmdir(temp_dir);
}
