/* What the options mean together: decoded values, warnings and errors of px_run_args_check. */
#include "../data/log_sink.h"
#include "command_line.h"

typedef struct checked {
    line line;
    log_sink sink;
    pgy_status *st;
} checked;

static void check_line(checked *c, const char *text)
{
    log_sink_open(&c->sink, PGY_LOG_INFO);
    line_parse(&c->line, text);
    if (c->line.out.kind != PX_PARSE_OK)
        fail_msg("%s: %s", text, c->line.out.text);
    c->st = px_run_args_check(c->sink.cx, &c->line.args);
}

static void checked_fini(checked *c)
{
    pgy_status_free(c->st);
    line_fini(&c->line);
    log_sink_close(&c->sink);
}

static void assert_says(const char *line_text, const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("%s: expected \"%s\" in: %s", line_text, part, text);
}

/* The check fails with a message that holds `part`. */
static void assert_refused(const char *text, const char *part)
{
    checked c;
    check_line(&c, text);
    if (!c.st)
        fail_msg("%s: should be refused", text);
    assert_int_equal(pgy_status_code(c.st), PGY_ERR_USAGE);
    assert_says(text, pgy_status_message(c.st), part);
    checked_fini(&c);
}

/* The check passes and logs `part` as a warning; NULL: it logs nothing. */
static void assert_warns(const char *text, const char *part)
{
    checked c;
    check_line(&c, text);
    if (c.st)
        fail_msg("%s: %s", text, pgy_status_message(c.st));
    if (part)
        assert_says(text, px_buf_cstr(&c.sink.text), part);
    else
        assert_string_equal(px_buf_cstr(&c.sink.text), "");
    checked_fini(&c);
}

/* As `assert_refused`, for the second part of the checks. */
static void assert_plan_refused(const char *text, pgy_error code, const char *part)
{
    checked c;
    check_line(&c, text);
    assert_null(c.st);
    c.st = px_run_args_check_plan(c.sink.cx, &c.line.args);
    if (!c.st)
        fail_msg("%s: should be refused", text);
    assert_int_equal(pgy_status_code(c.st), code);
    assert_says(text, pgy_status_message(c.st), part);
    checked_fini(&c);
}

static void scenarios_of_the_seed(void **state)
{
    static const char *const lines[] = {
        "polygraphy run resnet50.onnx --onnxrt --trt",
        "polygraphy run resnet50.onnx --onnxrt --trt --verbose",
        "polygraphy run model.onnx --onnxrt --trt --trt-min-shapes input:[1,3,224,224] "
        "--trt-opt-shapes input:[4,3,224,224] --trt-max-shapes input:[8,3,224,224] "
        "--input-shapes input:[4,3,224,224]",
        "polygraphy run model.onnx --onnxrt --trt --int8 --calibration-cache calib.cache "
        "--save-outputs int8_outputs.json",
        "polygraphy run model.onnx --onnxrt --trt --load-inputs real_data.json --save-outputs "
        "results.json",
        "polygraphy run model.onnx --onnxrt --trt --data-loader-script "
        "custom_loader.py:my_load_data",
        "polygraphy run model.onnx --onnxrt --trt --onnx-outputs 'mark all' --save-outputs "
        "layer_outputs.json",
        "polygraphy run model.onnx --onnxrt --trt --onnx-outputs conv1_output relu1_output "
        "--onnx-exclude-outputs final_output",
        "polygraphy run model.onnx --onnxrt --trt --fp16 --rtol 1e-3 --atol 1e-3 "
        "--builder-optimization-level 5 --save-engine optimized_fp16.engine",
        "polygraphy run model.onnx --trt --strongly-typed --weight-streaming "
        "--weight-streaming-budget 1G --pool-limit workspace:2G --max-aux-streams 4",
        "polygraphy run model.onnx --onnxrt --trt --gen-script debug_comparison.py",
        "polygraphy run model.onnx --onnxrt --trt --gen-script -",
        "polygraphy run model.onnx --onnxrt --trt --validate --fail-fast --save-heatmaps "
        "error_analysis/ --save-error-metrics-plot plots/ --check-error-stat max mean "
        "--error-quantile 0.95",
        "polygraphy run model.onnx --onnxrt --trt --compare indices --index-tolerance 1",
        "polygraphy run model.onnx --tf --onnxrt --trt --warm-up 5 --iterations 20 --save-outputs "
        "multi_backend_results.json",
        "polygraphy run model.onnx --onnxrt --trt --fp16 --warm-up 10 --iterations 100 "
        "--save-timing-cache timing.cache --builder-optimization-level 5 --tactic-sources cublas "
        "cudnn --max-aux-streams 4 --allocation-strategy runtime",
    };
    for (size_t i = 0; i < PX_COUNTOF(lines); i++)
        assert_warns(lines[i], "Model path does not exist: ");
    checked c;
    check_line(&c, lines[6]);
    assert_true(px_opt_marks_all(&c.line.args.model.onnx_outputs));
    checked_fini(&c);
    check_line(&c, lines[9]);
    assert_true(c.line.args.trt.weight_budget.size_bytes == 1 << 30);
    assert_string_equal(c.line.args.trt.pool_limit.at[0].key, "WORKSPACE");
    checked_fini(&c);
    check_line(&c, lines[12]);
    assert_string_equal(px_opt_keyed_get(&c.line.args.compare.check_error_stat, "any")->text,
                        "mean");
    checked_fini(&c);
}

static void verbosity(void **state)
{
    static const struct {
        const char *words;
        int level;
    } cases[] = {
        {"", 20},
        {"-v", 10},
        {"-vv", 0},
        {"-vvv", -10},
        {"-vvvv", -20},
        {"-vvvvv", -20},
        {"-q", 22},
        {"-qq", 28},
        {"-qqq", 30},
        {"-qqqq", 40},
        {"-qqqqq", 50},
        {"-vq", 20},
        {"--verbosity warning", 30},
        {"--verbosity warning -v", 10},
        {"-vvv --silent", 50},
        {"--verbosity a.py:error Finish", 28},
    };
    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        char text[128];
        checked c;
        snprintf(text, sizeof text, "polygraphy run %s", cases[i].words);
        check_line(&c, text);
        assert_null(c.st);
        assert_int_equal(c.line.args.cli.level, cases[i].level);
        checked_fini(&c);
    }
    checked c;
    check_line(&c, "polygraphy run --verbosity backend:INFO backend/trt/loader.py:VERBOSE");
    assert_int_equal(c.line.args.cli.n_path_levels, 2);
    assert_string_equal(c.line.args.cli.path_levels[1].path, "backend/trt/loader.py");
    assert_int_equal(c.line.args.cli.path_levels[1].level, PGY_LOG_VERBOSE);
    checked_fini(&c);
    assert_refused("polygraphy run --verbosity foo", "there is no level foo");
    assert_refused("polygraphy run --verbosity 'a b'",
                   "This argument must be a valid identifier. Provided argument cannot be a "
                   "Python identifier: A B");
}

static void types_of_models(void **state)
{
    static const struct {
        const char *words;
        pgy_model_type type;
    } cases[] = {
        {"", PGY_MODEL_UNKNOWN},
        {"x.onnx", PGY_MODEL_ONNX},
        {"x.plan", PGY_MODEL_ENGINE},
        {"x.engine", PGY_MODEL_ENGINE},
        {"x.hdf5", PGY_MODEL_KERAS},
        {"x.graphdef", PGY_MODEL_TF_FROZEN},
        {"x.uff", PGY_MODEL_UFF},
        {"x.prototxt", PGY_MODEL_CAFFE},
        {"x.py", PGY_MODEL_TRT_SCRIPT},
        {"x.pb --tf", PGY_MODEL_TF_FROZEN},
        {"data", PGY_MODEL_TF_CKPT},
        {"x --ckpt y", PGY_MODEL_TF_CKPT},
        {"x.onnx --model-type engine", PGY_MODEL_ENGINE},
    };
    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        char text[128];
        checked c;
        snprintf(text, sizeof text, "polygraphy run %s", cases[i].words);
        check_line(&c, text);
        assert_null(c.st);
        assert_int_equal(c.line.args.model.type, cases[i].type);
        checked_fini(&c);
    }
    assert_refused("polygraphy run nope.xyz --onnxrt",
                   "Could not automatically determine model type for: nope.xyz\nPlease explicitly "
                   "specify the type with the --model-type option");
    assert_refused("polygraphy run x --model-type trt-network-script", "'.py' extensions");
    assert_refused("polygraphy run :x", "The model path is empty");
    checked c;
    check_line(&c, "polygraphy run f.py:g");
    assert_string_equal(c.line.args.model.path, "f.py");
    assert_string_equal(c.line.args.model.extra, "g");
    checked_fini(&c);
    check_line(&c, "polygraphy run f.py");
    assert_string_equal(c.line.args.model.extra, "load_network");
    checked_fini(&c);
}

static void values_of_data(void **state)
{
    const char *deprecated =
        "[30] --int-min/--int-max and --float-min/--float-max is deprecated and will be removed in "
        "Polygraphy 0.50.0. Use --val-range, which allows you to specify per-input data ranges, "
        "instead.\n";
    checked c;
    check_line(&c, "polygraphy run --val-range [0,1] x:[2,50.5] [-1,inf]");
    assert_null(c.st);
    assert_int_equal(c.line.args.data.n_ranges, 2);
    assert_string_equal(c.line.args.data.ranges[0].input, "");
    assert_true(c.line.args.data.ranges[0].low.i == -1);
    assert_true(c.line.args.data.ranges[1].high.f == 50.5);
    checked_fini(&c);
    assert_refused("polygraphy run --val-range x:[1,2,3]",
                   "In --val-range, for input: x, expected to receive exactly 2 values, but "
                   "received 3.\nNote: Option was parsed as: input: x, range: (1, 2, 3)");
    assert_refused("polygraphy run --val-range [1]", "received 1.");
    assert_refused("polygraphy run --val-range x:[a,2]",
                   "one or more elements of the range could not be parsed as a number.\nNote: "
                   "Option was parsed as: input: x, range: ('a', 2)");
    assert_refused("polygraphy run --val-range 5", "--val-range 5: a range is two numbers");
    assert_refused("polygraphy run --seed -1", "between 0 and 2**32 - 1");
    assert_warns("polygraphy run --int-min 3", deprecated);
    assert_warns("polygraphy run --data-loader-func-name f",
                 "--data-loader-func-name is deprecated and will be removed in Polygraphy 0.50.0. "
                 "Use --data-loader-script instead.");
    assert_warns("polygraphy run --load-inputs a --iters 2 --seed 4",
                 "[30] Argument: '--seed' will be ignored since a custom data loader was provided."
                 "\nThis argument is only valid when using the default data loader.\n[30] "
                 "Argument: '--iterations' will be ignored");
}

static void values_of_comparisons(void **state)
{
    checked c;
    check_line(&c, "polygraphy run --compare quality_metrics l2 psnr --postprocess top-5 "
                   "o:top-p3,1 n:top--2,axis=-1");
    assert_null(c.st);
    assert_int_equal(c.line.args.compare.n_funcs, 3);
    assert_int_equal(c.line.args.compare.funcs[0], PX_COMPARE_PSNR);
    assert_int_equal(c.line.args.compare.funcs[2], PX_COMPARE_L2);
    assert_int_equal(c.line.args.compare.n_top_k, 3);
    assert_false(c.line.args.compare.top_k[0].has_axis);
    assert_int_equal(c.line.args.compare.top_k[1].k, 3);
    assert_int_equal(c.line.args.compare.top_k[1].axis, 1);
    assert_int_equal(c.line.args.compare.top_k[2].k, 2);
    assert_int_equal(c.line.args.compare.top_k[2].axis, -1);
    checked_fini(&c);
    assert_refused("polygraphy run --postprocess foo",
                   "Invalid post-processing function: foo. Note: Valid choices are: ['top-<K>'].");
    assert_refused("polygraphy run --postprocess top-", "K must be a whole number");
    assert_refused("polygraphy run --postprocess top-3,axis=x", "axis must be a whole number");
    assert_refused("polygraphy run --postprocess 5", "names no function");
    assert_refused("polygraphy run --check-error-stat foo",
                   "Invalid choice for check_error_stat: foo.\nNote: Valid choices are: ['max', "
                   "'mean', 'median', 'elemwise', 'quantile']");
    assert_refused("polygraphy run --check-error-stat quantile --error-quantile 1.5",
                   "Quantiles must be in the range [0, 1]");
    assert_refused("polygraphy run --rtol abc", "--rtol abc: the value must be a number");
    assert_warns("polygraphy run --index-tolerance 1",
                 "[30] Option: --index-tolerance is only valid for comparison function: 'indices'. "
                 "The selected comparison function is: 'simple', so this option will be ignored.");
    assert_warns("polygraphy run --compare indices --rtol 1",
                 "Option: --rtol/--rel-tol is only valid for comparison function: 'simple'. The "
                 "selected comparison function is: 'indices', so this option will be ignored.");
    assert_warns("polygraphy run --compare l2 psnr --rtol 1",
                 "Option: --rtol/--rel-tol is only valid for comparison function(s): ['simple']. "
                 "The selected comparison functions are: ['l2', 'psnr'], so this option will be "
                 "ignored.");
    assert_warns("polygraphy run --compare l2 --no-shape-check", NULL);
    assert_warns("polygraphy run --check-average --check-error-stat max", NULL);
}

static void profiles_of_tensorrt(void **state)
{
    checked c;
    check_line(&c, "polygraphy run --trt-min-shapes x:[1,3] y:[5] --trt-opt-shapes x:[2,3] "
                   "--trt-max-shapes x:[8,3] --trt-min-shapes x:[4,3]");
    assert_null(c.st);
    assert_int_equal(c.line.args.trt.n_profiles, 2);
    const px_trt_profile *p = c.line.args.trt.profiles;
    assert_int_equal(p[0].n, 2);
    assert_true(p[0].min[0].dims[0] == 1 && p[0].opt[0].dims[0] == 2 && p[0].max[0].dims[0] == 8);
    assert_true(p[0].max[1].dims[0] == 5);
    /* What a profile leaves out it has from the one before. */
    assert_true(p[1].min[0].dims[0] == 4 && p[1].max[0].dims[0] == 4 && p[1].min[1].dims[0] == 5);
    checked_fini(&c);
    assert_warns("polygraphy run --trt-min-shapes x:[N,2]",
                 "[30] Input tensor: x | For TensorRT profile, overriding dynamic shape: "
                 "BoundedShape(['N', 2], min=None, max=None) to: [1, 2]\n");
    assert_warns("polygraphy run --input-shapes x:[-1,3]", "BoundedShape([-1, 3], min=None");
    assert_refused("polygraphy run --trt-min-shapes x:[1] --trt-opt-shapes y:[1]",
                   "Mismatch in input names between minimum shapes (['x']) and optimum shapes "
                   "(['x', 'y'])");
    assert_refused("polygraphy run --input-shapes x:5",
                   "Could not read a shape from: x:5. A shape is a list in brackets, also with "
                   "one dimension: x:[5].\nNote: this was given to --input-shapes.");
    assert_refused("polygraphy run --input-shapes x:auto", "No shape is given in: x:auto");
}

static void other_values_of_tensorrt(void **state)
{
    assert_refused("polygraphy run --exclude-lean-runtime",
                   "`--exclude-lean-runtime` requires `--version-compatible` to be enabled.");
    assert_refused("polygraphy run --weight-streaming-budget 120%",
                   "Invalid percentage for --weight-streaming-budget!");
    assert_refused("polygraphy run --weight-streaming-budget=-3",
                   "Invalid amount for --weight-streaming-budget!");
    assert_warns("polygraphy run --weight-streaming-budget -1", NULL);
    assert_refused("polygraphy run --layer-precisions foo",
                   "Could not parse argument: foo. Expected an argument in the format: "
                   "`key:value`.");
    assert_refused("polygraphy run --layer-precisions foo:1", "Expected the name of a data type");
    assert_refused("polygraphy run --pool-limit 'a b:5'", "cannot be a Python identifier: A B");
    assert_refused("polygraphy run --pool-limit w:5T", "Could not convert 5T to a number of bytes");
    assert_warns("polygraphy run --trt-npps nope.py",
                 "[30] Could not find postprocessing script nope.py");
    assert_warns("polygraphy run --load-runtime nope.so",
                 "[30] Runtime path does not exist: nope.so");
    assert_warns("polygraphy run --trt-config-func-name f",
                 "--trt-config-func-name is deprecated and will be removed in Polygraphy 0.50.0. "
                 "Use the config script argument instead.");
    /* Only the last occurrence counts. */
    assert_warns("polygraphy run --pool-limit w:5T --pool-limit w:5G", NULL);
    assert_refused("polygraphy run --graph-optimization-level foo",
                   "--graph-optimization-level foo: there is no such level.");
}

static void what_the_plan_refuses(void **state)
{
    assert_plan_refused("polygraphy run --onnxrt", PGY_ERR_USAGE,
                        "One or more runners was specified, but no model file was provided.");
    assert_plan_refused("polygraphy run --onnxrt --rtol 1e-3 x.onnx", PGY_ERR_USAGE,
                        "no model file was provided");
    assert_plan_refused("polygraphy run x.engine --tf", PGY_ERR_USAGE,
                        "Model type: engine cannot be imported with TensorFlow.");
    assert_plan_refused("polygraphy run x --model-type caffe --onnxrt", PGY_ERR_USAGE,
                        "Model type: caffe could not be converted to an ONNX model.");
    assert_plan_refused("polygraphy run x.uff --pluginref", PGY_ERR_USAGE,
                        "Model type: uff could not be converted to an ONNX model.");
    checked c;
    check_line(&c, "polygraphy run --onnx-outputs x --trt-outputs y");
    assert_null(c.st);
    c.st = px_run_args_check_plan(c.sink.cx, &c.line.args);
    assert_null(c.st); /* nothing is run, so nothing is missing */
    assert_says("run", px_buf_cstr(&c.sink.text), "[30] No runners have been selected.");
    checked_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenarios_of_the_seed),    cmocka_unit_test(verbosity),
        cmocka_unit_test(types_of_models),          cmocka_unit_test(values_of_data),
        cmocka_unit_test(values_of_comparisons),    cmocka_unit_test(profiles_of_tensorrt),
        cmocka_unit_test(other_values_of_tensorrt), cmocka_unit_test(what_the_plan_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
