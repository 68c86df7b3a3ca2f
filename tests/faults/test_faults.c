/* Runs, isolated ones and those with users' code among them, and the library's calls; faults.h says
 * what is asked of them.
 */
#include "faults.h"

#include <stdlib.h>

#define WORDS(...)                                                                                 \
    sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[])                       \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void reference_runner(void **state)
{
    PX_UNUSED(state);
    faults_each("{model} --pluginref --pluginref --iterations 2 -v", "dyn.onnx");
}

static void saving(void **state)
{
    PX_UNUSED(state);
    faults_each("{model} --pluginref --save-inputs {}/in.json --save-outputs {}/out.json",
                "scalar.onnx");
}

static void loading(void **state)
{
    PX_UNUSED(state);
    faults_each("{model} --pluginref --load-inputs {}/in.json --load-outputs "
                "{}/out.json {}/out.json --validate -vvv",
                "scalar.onnx");
    faults_each("--load-outputs {}/out.json {}/out.json --compare l2 psnr snr "
                "--save-accuracy-results {}/acc.json",
                "");
}

static void users_operators(void **state)
{
    PX_UNUSED(state);
    faults_each("{model} --pluginref --ref-ops {ops}", "conf_decay.onnx");
}

static void streaming(void **state)
{
    PX_UNUSED(state);
    faults_each("{model} --streaming --pluginref --pluginref --iterations 2 "
                "--save-inputs {}/in.json --save-outputs {}/out.json "
                "--postprocess top-1 --validate",
                "dyn.onnx");
    faults_each("{model} --streaming --pluginref --load-inputs {}/in.json "
                "--load-outputs {}/out.json",
                "dyn.onnx");
}

static void layers(void **state)
{
    PX_UNUSED(state);
    faults_each("{model} --pluginref --pluginref --onnx-outputs mark all "
                "--isolate-layers --extract-first-failure {}/none",
                "dyn.onnx");
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
        faults_each(words[i], "dyn.onnx");
    faults_remove("run.c");
    faults_remove("run.py");
}

static void isolated(void **state)
{
    PX_UNUSED(state);
    faults_each("{model} --pluginref --pluginref --use-subprocess --iterations 2", "dyn.onnx");
    faults_each("{model} --pluginref --pluginref --use-subprocess --iterations 2 --streaming "
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
    faults_each_step(11,
                     "{model} --pluginref --pluginref --data-loader-script {}/data.py "
                     "--compare-func-script {}/data.py --postprocess-func-script {}/data.py",
                     "identity.onnx");
    faults_each_step(17,
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
    snprintf(path, sizeof path, "%s/library.json", faults_dir);
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
    faults_remove("library.json");
}

static int make_dir(void **state)
{
    static const char text[] = "import numpy as np\n"
                               "def load_data():\n"
                               "    for i in range(2):\n"
                               "        yield {'x': np.full((1, 1, 2, 2), i, np.float32)}\n"
                               "def compare_outputs(a, b):\n"
                               "    return {'y': bool((a['y'] == b['y']).all())}\n"
                               "def postprocess_outputs(it):\n"
                               "    return it\n";
    if (faults_make_dir(state) != 0)
        return 1;
    setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    faults_write("data.py", text, sizeof text - 1);
    return 0;
}

static void nothing_else_is_left(void **state)
{
    PX_UNUSED(state);
    faults_check_and_remove_dir(4);
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
        cmocka_unit_test(written_scripts),
        cmocka_unit_test(isolated),
        cmocka_unit_test(scripts),
        cmocka_unit_test(library),
        cmocka_unit_test(nothing_else_is_left),
    };
    return cmocka_run_group_tests(tests, make_dir, NULL);
}
