/* Whole runs again and again with the n-th allocation failing, n = 1 until the run passes.
 *
 * Each failed run must end with exit code 1 and one sentence, leave no block behind and no file
 * half-written. Runtimes of others are left out: their memory is not counted here.
 */
#include "test_base.h"

#include "base/file.h"
#include "cli/cmd_run.h"
#include "cli/command.h"

#include "polygraphy/polygraphy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS(...)                                                                                 \
    sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[])                       \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

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

/* Runs the words ("{}" stands for the scratch folder) until no allocation fails any more. With
 * `step` above 1 only each step-th one does, for runs that start other programs. Children count for
 * themselves, from where they are forked. */
static void allocations_fail(uint64_t step, const char *words, const char *model)
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
    for (uint64_t n = 1;; n += step) {
        uint64_t live = px_mem_live();
        px_mem_fail_after(n);
        int exit_code = run(argc, argv);
        px_mem_fail_after(0);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
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

static void every_allocation_fails_once(const char *words, const char *model)
{
    allocations_fail(1, words, model);
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

static void remove_file(const char *name)
{
    char *path = px_path_join(dir, name);
    unlink(path);
    px_mem_free(path);
}

static void written_scripts(void **state)
{
    PX_UNUSED(state);
    static const char *const words[] = {
        "{model} --pluginref --onnxrt --gen-script {}/run.c",
        "{model} --pluginref --onnxrt --gen-script {}/run.py --load-outputs {}/out.json --validate",
        "{model} --trt --fp16 --int8 --calib-base-cls IInt8MinMaxCalibrator --pool-limit "
        "workspace:1M --trt-min-shapes x:[1,2] --trt-opt-shapes x:[1,2] --trt-max-shapes x:[4,2] "
        "--data-loader-script {}/data.py --gen-script {}/run.py",
        "{model} --pluginref --onnxrt --val-range [0,2] x:[1,3] --seed 3 --iterations 4 "
        "--input-shapes x:[4,2] --compare l2 cosine_similarity --gen-dialect 0.53 --postprocess "
        "top-2 --gen-script {}/run.py"};
    for (size_t i = 0; i < PX_COUNTOF(words); i++)
        every_allocation_fails_once(words[i], "dyn.onnx");
    remove_file("run.c");
    remove_file("run.py");
}

static void isolated(void **state)
{
    PX_UNUSED(state);
    allocations_fail(1, "{model} --pluginref --pluginref --use-subprocess --iterations 2",
                     "dyn.onnx");
    allocations_fail(1,
                     "{model} --pluginref --pluginref --use-subprocess --iterations 2 --streaming "
                     "--mem-limit 4G --save-outputs {}/out.json",
                     "dyn.onnx");
}

/* Each run starts a Python. */
static void scripts(void **state)
{
    PX_UNUSED(state);
    if (system("\"${POLYGRAPHY_PYTHON:-python3}\" -c 'import numpy' 2> /dev/null") != 0) {
        print_message("skipped: no Python with numpy\n");
        skip();
    }
    allocations_fail(11,
                     "{model} --pluginref --pluginref --data-loader-script {}/data.py "
                     "--compare-func-script {}/data.py --postprocess-func-script {}/data.py",
                     "identity.onnx");
    allocations_fail(17,
                     "{model} --pluginref --pluginref --data-loader-script {}/data.py --streaming "
                     "--use-subprocess",
                     "identity.onnx");
}

/* What polygraphy_c calls, in the order in which it does. */
static pgy_status *use_library(void)
{
    pgy_status *st = NULL;
    pgy_context *context = NULL;
    pgy_model *model = NULL;
    pgy_runner *runner = NULL;
    pgy_inputs *in = NULL;
    pgy_outputs *fed = NULL, *outputs = NULL;
    pgy_results *results = NULL;
    pgy_verdict *verdict = NULL;
    pgy_tensor *tensor = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/library.json", dir);
    PX_TRY(pgy_context_new(&context));
    pgy_context_set_threads(context, 1);
    PX_TRY(pgy_model_open_with(context, PX_TEST_DATA "/models/dyn.onnx",
                               WORDS("--onnx-outputs", "mark", "all"), &model));
    PX_TRY(pgy_runner_open_with(context, "pluginref", model, WORDS("--ref-precision", "typed"),
                                &runner));
    PX_TRY(pgy_inputs_open(context, runner, WORDS("--iterations", "2"), &in));
    PX_TRY(pgy_outputs_new(&fed));
    PX_TRY(pgy_outputs_new(&outputs));
    PX_TRY(pgy_results_new(&results));
    for (int r = 0; r < 2; r++) {
        PX_TRY(pgy_results_begin_run(results, r == 0 ? "one" : "two"));
        for (size_t i = 0; i < pgy_inputs_count(in); i++) {
            PX_TRY(pgy_inputs_get(in, i, fed));
            const char *names[] = {pgy_outputs_name(fed, 0)};
            pgy_tensor *tensors[] = {pgy_outputs_tensor(fed, 0)};
            const pgy_feed feed = {1, names, tensors};
            PX_TRY(pgy_runner_infer(runner, &feed, outputs));
            PX_TRY(pgy_results_add(context, results, outputs));
        }
    }
    PX_TRY(pgy_results_save(context, results, path));
    PX_TRY(pgy_results_load(context, results, path));
    PX_TRY(pgy_results_tensor(context, results, 3, 1, 0, &tensor));
    PX_TRY(pgy_compare_with(context, results, WORDS("--compare", "simple", "l2"), &verdict));
    assert_true(pgy_verdict_passed(verdict));
done:
    pgy_verdict_free(verdict);
    pgy_tensor_free(tensor);
    pgy_results_free(results);
    pgy_outputs_free(outputs);
    pgy_outputs_free(fed);
    pgy_inputs_close(in);
    pgy_runner_close(runner);
    pgy_model_close(model);
    pgy_context_free(context);
    return st;
}

static void library(void **state)
{
    PX_UNUSED(state);
    for (uint64_t n = 1;; n++) {
        const uint64_t live = px_mem_live();
        px_mem_fail_after(n);
        pgy_status *st = use_library();
        px_mem_fail_after(0);
        const pgy_error code = pgy_status_code(st);
        pgy_status_free(st);
        if (px_mem_live() != live)
            fail_msg("allocation %llu failing left %lld block(s)", (unsigned long long)n,
                     (long long)(px_mem_live() - live));
        if (st == NULL)
            break;
        assert_int_equal(code, PGY_ERR_NOMEM);
    }
    remove_file("library.json");
}

static int make_dir(void **state)
{
    PX_UNUSED(state);
    static const char text[] = "import numpy as np\n"
                               "def load_data():\n"
                               "    for i in range(2):\n"
                               "        yield {'x': np.full((1, 1, 2, 2), i, np.float32)}\n"
                               "def compare_outputs(a, b):\n"
                               "    return {'y': bool((a['y'] == b['y']).all())}\n"
                               "def postprocess_outputs(it):\n"
                               "    return it\n";
    strncpy(dir, "/tmp/px_faults_XXXXXX", sizeof dir);
    if (mkdtemp(dir) == NULL)
        return 1;
    setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    char *path = px_path_join(dir, "data.py");
    assert_ok(px_file_write(path, text, sizeof text - 1));
    px_mem_free(path);
    return 0;
}

/* Also the check that no temporary file was left. */
static int remove_dir(void **state)
{
    PX_UNUSED(state);
    char **names;
    size_t n;
    assert_ok(px_path_list(dir, NULL, &names, &n));
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        remove_file(names[i]);
        px_mem_free(names[i]);
    }
    px_mem_free(names);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_runner), cmocka_unit_test(saving),    cmocka_unit_test(loading),
        cmocka_unit_test(users_operators),  cmocka_unit_test(streaming), cmocka_unit_test(layers),
        cmocka_unit_test(written_scripts),  cmocka_unit_test(isolated),  cmocka_unit_test(scripts),
        cmocka_unit_test(library),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
