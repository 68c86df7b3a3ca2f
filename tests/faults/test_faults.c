/* Whole runs again and again with the n-th allocation failing, n = 1 until the run passes.
 *
 * Each failed run must end with exit code 1 and one sentence, leave no block behind and no file
 * half-written. Runtimes of others are left out: their memory is not counted here.
 */
#include "test_base.h"

#include "base/file.h"
#include "cli/cmd_run.h"
#include "cli/command.h"

#include <unistd.h>

static char dir[64];
static int n_messages;

static void count_criticals(void *user, pgy_severity severity, const char *origin, int indent,
                            const char *message, size_t length)
{
    PX_UNUSED(user);
    PX_UNUSED(origin);
    PX_UNUSED(indent);
    PX_UNUSED(message);
    n_messages += severity >= PGY_LOG_CRITICAL && length > 0;
}

/* The exit code of one command line, in this process. -1: out of memory before there was a run. */
static int run(int argc, const char *const *argv)
{
    pgy_status *st = NULL;
    pgy_context *cx = NULL;
    px_console console;
    px_run_args args = {0};
    px_command_line line;
    int exit_code = -1;

    px_console_init(&console);
    PX_TRY(pgy_context_new(&cx));
    pgy_context_set_log(cx, count_criticals, NULL);
    pgy_context_set_threads(cx, 1);
    PX_TRY(px_command_parse(argc, argv, &args, &line));
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

/* Runs the words ("{}" stands for the scratch folder) until no allocation fails any more. */
static void every_allocation_fails_once(const char *words, const char *model)
{
    char text[1024];
    const char *argv[64] = {"polygraphy", "run"};
    int argc = 2;
    size_t used = 0;
    for (const char *p = words; *p != '\0' && used + 64 < sizeof text;) {
        size_t n = strcspn(p, " ");
        argv[argc++] = text + used;
        px_str word = {p, n};
        if (px_str_starts(word, "{}"))
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", dir, (int)n - 2,
                                     p + 2) +
                    1;
        else if (px_str_is(word, "{model}"))
            used += (size_t)snprintf(text + used, sizeof text - used, "%s/models/%s", PX_TEST_DATA,
                                     model) +
                    1;
        else if (px_str_is(word, "{ops}"))
            used += (size_t)snprintf(text + used, sizeof text - used, "%s", PX_REF_OPS) + 1;
        else
            used += (size_t)snprintf(text + used, sizeof text - used, "%.*s", (int)n, p) + 1;
        p += n + (p[n] == ' ');
    }
    for (uint64_t n = 1;; n++) {
        uint64_t live = px_mem_live();
        px_mem_fail_after(n);
        int exit_code = run(argc, argv);
        px_mem_fail_after(0);
        if (px_mem_live() != live)
            fail_msg("%s: allocation %llu failing left %lld block(s)", words, (unsigned long long)n,
                     (long long)(px_mem_live() - live));
        if (exit_code == 0)
            break;
        if (n > 200000)
            fail_msg("%s: does not pass even when allocation %llu fails", words,
                     (unsigned long long)n);
    }
}

static void reference_runner(void **state)
{
    PX_UNUSED(state);
    every_allocation_fails_once("{model} --pluginref --pluginref --iterations 2 -v", "dyn.onnx");
}

static void saving(void **state)
{
    PX_UNUSED(state);
    every_allocation_fails_once(
        "{model} --pluginref --save-inputs {}/in.json --save-outputs {}/out.json", "scalar.onnx");
}

static void loading(void **state)
{
    PX_UNUSED(state);
    every_allocation_fails_once("{model} --pluginref --load-inputs {}/in.json --load-outputs "
                                "{}/out.json {}/out.json --validate -vvv",
                                "scalar.onnx");
    every_allocation_fails_once("--load-outputs {}/out.json {}/out.json --compare l2 psnr snr "
                                "--save-accuracy-results {}/acc.json",
                                "");
}

static void users_operators(void **state)
{
    PX_UNUSED(state);
    every_allocation_fails_once("{model} --pluginref --ref-ops {ops}", "conf_decay.onnx");
}

static void streaming(void **state)
{
    PX_UNUSED(state);
    every_allocation_fails_once("{model} --streaming --pluginref --pluginref --iterations 2 "
                                "--save-inputs {}/in.json --save-outputs {}/out.json "
                                "--postprocess top-1 --validate",
                                "dyn.onnx");
    every_allocation_fails_once("{model} --streaming --pluginref --load-inputs {}/in.json "
                                "--load-outputs {}/out.json",
                                "dyn.onnx");
}

static void layers(void **state)
{
    PX_UNUSED(state);
    every_allocation_fails_once("{model} --pluginref --pluginref --onnx-outputs mark all "
                                "--isolate-layers --extract-first-failure {}/none",
                                "dyn.onnx");
}

static int make_dir(void **state)
{
    PX_UNUSED(state);
    strncpy(dir, "/tmp/px_faults_XXXXXX", sizeof dir);
    return mkdtemp(dir) == NULL;
}

/* Also the check that no temporary file was left. */
static int remove_dir(void **state)
{
    PX_UNUSED(state);
    char **names;
    size_t n;
    assert_ok(px_path_list(dir, NULL, &names, &n));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        char *path = px_path_join(dir, names[i]);
        unlink(path);
        px_mem_free(path);
        px_mem_free(names[i]);
    }
    px_mem_free(names);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_runner),
        cmocka_unit_test(saving),
        cmocka_unit_test(loading),
        cmocka_unit_test(users_operators),
        cmocka_unit_test(streaming),
        cmocka_unit_test(layers),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
