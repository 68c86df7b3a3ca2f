/* How words become options and values: the rules of Python's argparse. */
#include "command_line.h"

static void assert_ok(const char *text, line *l)
{
    line_parse(l, text);
    if (l->out.kind != PX_PARSE_OK)
        fail_msg("%s: %s", text, l->out.text ? l->out.text : "(no text)");
    assert_int_equal(l->out.command, PX_COMMAND_RUN);
}

/* The line fails with exit code 2 and says `message`. */
static void assert_error(const char *text, const char *message)
{
    line l;
    line_parse(&l, text);
    assert_int_equal(l.out.kind, PX_PARSE_ERROR);
    assert_int_equal(l.out.exit_code, 2);
    if (!strstr(l.out.text, message))
        fail_msg("%s: expected \"%s\" in: %s", text, message, l.out.text);
    line_fini(&l);
}

static void assert_unknown(const char *text, const char *message)
{
    line l;
    line_parse(&l, text);
    assert_int_equal(l.out.kind, PX_PARSE_UNKNOWN);
    assert_int_equal(l.out.exit_code, 1);
    if (!strstr(l.out.text, message))
        fail_msg("%s: expected \"%s\" in: %s", text, message, l.out.text);
    line_fini(&l);
}

static void abbreviations(void **state)
{
    line l;
    assert_ok("polygraphy run m.onnx --prov cpu --iterat 3 --verbosi info", &l);
    assert_string_equal(l.args.onnxrt.providers.at[0], "cpu");
    assert_int_equal(l.args.data.iterations.value, 3);
    line_fini(&l);

    /* An exact name wins over longer ones. */
    assert_ok("polygraphy run m.onnx --trt --tf --onnxrt --int8", &l);
    assert_int_equal(l.args.cli.runners.n, 3);
    line_fini(&l);
}

static void ambiguous_names_are_listed_in_order(void **state)
{
    assert_error("polygraphy run m --iter 2",
                 "polygraphy run: error: ambiguous option: --iter could match --iterations, "
                 "--iters\n");
    assert_error("polygraphy run m --onnx",
                 "ambiguous option: --onnx could match --onnxrt, --onnx-outputs, "
                 "--onnx-exclude-outputs, --onnx-flags\n");
    assert_error("polygraphy run m --load x",
                 "--load could match --load-external-data, --load-timing-cache, --load-tactics, "
                 "--load-tactic-replay, --load-runtime, --load-inputs, --load-input-data, "
                 "--load-outputs, --load-results\n");
    assert_error("polygraphy run m --save=x",
                 "ambiguous option: --save=x could match --save-pb, --save-tensorboard, "
                 "--save-timeline, --save-onnx, --save-external-data, --save-tactics, "
                 "--save-tactic-replay, --save-engine, --save-timing-cache, --save-inputs, "
                 "--save-input-data, --save-outputs, --save-results, --save-heatmaps, "
                 "--save-error-metrics-plot\n");
    assert_error("polygraphy run m --val [0,1] -q", "--val could match --val-range, --validate\n");
    assert_error("polygraphy run m --ge x", "--ge could match --gen, --gen-script\n");
    /* Even behind a wrong value: words are classified before values are read. */
    assert_error("polygraphy run m --seed x --iter 2", "ambiguous option: --iter");
}

/* Options that the older reference version does not have never spoil an abbreviation there. */
static void newer_options_break_no_abbreviation(void **state)
{
    line l;
    assert_ok("polygraphy run m --se 4 --check max --refi --ti fast --memory a:1", &l);
    assert_int_equal(l.args.data.seed.value, 4);
    assert_string_equal(l.args.compare.check_error_stat.at[0].value.text, "max");
    assert_true(l.args.trt.refittable.given);
    assert_string_equal(l.args.trt.tiling_optimization_level.value, "FAST");
    assert_int_equal(l.args.trt.pool_limit.at[0].value.i, 1);
    line_fini(&l);
    assert_ok("polygraphy run m --sequ --stre --thr 3", &l);
    assert_true(l.args.compare.sequential_runners.given);
    assert_true(l.args.runner.streaming.given);
    assert_int_equal(l.args.runner.threads.value, 3);
    line_fini(&l);
}

static void lists_are_greedy(void **state)
{
    line l;
    assert_ok("polygraphy run --onnxrt --rtol 1e-3 m.onnx", &l);
    assert_false(l.args.model.model_file.given);
    assert_int_equal(l.args.compare.rtol.n, 1);
    line_fini(&l);
    assert_ok("polygraphy run --onnxrt --rtol 1e-3 -- m.onnx", &l);
    assert_string_equal(l.args.model.model_file.value, "m.onnx");
    line_fini(&l);
    assert_ok("polygraphy run --tactic-sources --onnxrt m.onnx", &l);
    assert_true(l.args.trt.tactic_sources.given);
    assert_int_equal(l.args.trt.tactic_sources.n, 0);
    assert_string_equal(l.args.model.model_file.value, "m.onnx");
    line_fini(&l);
    assert_ok("polygraphy run --save-external-data m.onnx --save-external-data", &l);
    assert_string_equal(l.args.model.save_external_data.value, "m.onnx");
    assert_false(l.args.model.model_file.given);
    line_fini(&l);
}

/* The older version took one function name, so a model may follow it. */
static void compare_takes_only_function_names(void **state)
{
    line l;
    assert_ok("polygraphy run --onnxrt --compare simple m.onnx", &l);
    assert_string_equal(l.args.model.model_file.value, "m.onnx");
    line_fini(&l);
    assert_ok("polygraphy run --compare l2 psnr m.onnx", &l);
    assert_int_equal(l.args.compare.compare.n, 2);
    assert_string_equal(l.args.model.model_file.value, "m.onnx");
    line_fini(&l);
    assert_error("polygraphy run m --compare foo",
                 "argument --compare/--compare-func: invalid choice: 'foo' (choose from 'simple', "
                 "'indices', 'l2', 'cosine_similarity', 'distance_metrics', 'psnr', 'snr', "
                 "'quality_metrics', 'perceptual_metrics')");
    assert_error("polygraphy run m --compare", "expected at least one argument");
}

static void negative_numbers(void **state)
{
    line l;
    assert_ok("polygraphy run m --atol -1 --rtol -.5 --seed -3", &l);
    assert_true(l.args.compare.atol.at[0].value.i == -1);
    assert_int_equal(l.args.data.seed.value, -3);
    line_fini(&l);
    assert_ok("polygraphy run m --atol=-1e-3", &l);
    line_fini(&l);
    assert_error("polygraphy run m --atol -1e-3",
                 "argument --atol/--abs-tol: expected at least one argument\nA value that begins "
                 "with a dash must be joined with '=': --atol=-1e-3\n");
    assert_error("polygraphy run m --val-range -5,5",
                 "argument --val-range: expected at least one argument\nA value that begins with "
                 "a dash must be joined with '=': --val-range=-5,5\n");
    /* A blank makes a value of it. */
    assert_ok("polygraphy run m --onnx-outputs '-a b'", &l);
    assert_string_equal(l.args.model.onnx_outputs.at[0], "-a b");
    line_fini(&l);
}

static void joined_short_switches(void **state)
{
    line l;
    assert_ok("polygraphy run m -vvq -v", &l);
    assert_int_equal(l.args.cli.verbose.n, 3);
    assert_int_equal(l.args.cli.quiet.n, 1);
    line_fini(&l);
    assert_error("polygraphy run m -vx", "argument -v/--verbose: ignored explicit argument 'x'");
    assert_error("polygraphy run m -v=", "argument -v/--verbose: ignored explicit argument ''");
    assert_error("polygraphy run m --onnxrt=1", "argument --onnxrt: ignored explicit argument '1'");
}

static void errors_of_values(void **state)
{
    assert_error("polygraphy run m --seed abc", "argument --seed: invalid int value: 'abc'\n");
    assert_error("polygraphy run m --seed", "argument --seed: expected one argument\n");
    assert_error("polygraphy run m --seed 1e3", "invalid int value: '1e3'");
    assert_error("polygraphy run m --seed 99999999999999999999", "does not fit in 64 bits");
    assert_error("polygraphy run m --quantile x", "invalid float value: 'x'");
    assert_error("polygraphy run m --model-type ONNX",
                 "argument --model-type: invalid choice: 'ONNX' (choose from 'frozen', 'keras', "
                 "'ckpt', 'onnx', 'engine', 'uff', 'trt-network-script', 'caffe')\nDid you mean "
                 "onnx?\n");
    assert_error("polygraphy run m --log-format timestamp foo", "invalid choice: 'foo'");
    assert_error("polygraphy run m --precision-constraints", "expected one argument");
    line l;
    assert_ok("polygraphy run m --seed 1 --seed ' 1_0 '", &l);
    assert_int_equal(l.args.data.seed.value, 10);
    line_fini(&l);
}

static void exclusive_options(void **state)
{
    assert_error("polygraphy run m --load-inputs a --data-loader-script b.py",
                 "argument --data-loader-script: not allowed with argument "
                 "--load-inputs/--load-input-data\n");
    assert_error("polygraphy run m --save-tactics a --load-tactics b",
                 "argument --load-tactics/--load-tactic-replay: not allowed with argument "
                 "--save-tactics/--save-tactic-replay\n");
    line l;
    assert_ok("polygraphy run m --load-inputs a --load-inputs b", &l);
    line_fini(&l);
}

static void unknown_words(void **state)
{
    assert_unknown("polygraphy run m --bogus", "Unrecognized Options: ['--bogus']");
    assert_unknown("polygraphy run m --onnxrt --bogus 5 extra",
                   "Unrecognized Options: ['--bogus', '5', 'extra']");
    assert_unknown("polygraphy run m second.onnx", "Unrecognized Options: ['second.onnx']");
    assert_unknown("polygraphy run m --index_tolerance 1",
                   "Instead of --index_tolerance, did you mean --index-tolerance?");
    assert_unknown("polygraphy run m --rtoll=1", "did you mean --rtol?");
    assert_unknown("polygraphy run m -x", "['-x']");
    assert_unknown("polygraphy run -- m -v", "['-v']");
    assert_unknown("polygraphy run m --rtol 1 -- n", "['--', 'n']");
    line l;
    /* The value behind an unknown option is free for the model. */
    line_parse(&l, "polygraphy run --bogus m.onnx");
    assert_string_equal(l.args.model.model_file.value, "m.onnx");
    line_fini(&l);
}

static void help_and_version(void **state)
{
    line l;
    line_parse(&l, "polygraphy run --help --seed x");
    assert_int_equal(l.out.kind, PX_PARSE_HELP);
    assert_int_equal(l.out.exit_code, 0);
    assert_non_null(strstr(l.out.text, "--rtol, --rel-tol"));
    line_fini(&l);
    assert_error("polygraphy run --seed x --help", "invalid int value");
    line_parse(&l, "polygraphy --vers");
    assert_int_equal(l.out.kind, PX_PARSE_VERSION);
    assert_int_equal(l.out.exit_code, 0);
    line_fini(&l);
    assert_error("polygraphy", "polygraphy: error: the following arguments are required: tools");
    assert_error("polygraphy runn", "invalid choice: 'runn' (choose from 'run', 'backends')");
    line_parse(&l, "polygraphy backends --help");
    assert_int_equal(l.out.kind, PX_PARSE_HELP);
    line_fini(&l);
    line_parse(&l, "polygraphy backends install tf");
    assert_int_equal(l.out.command, PX_COMMAND_BACKENDS);
    assert_int_equal(l.out.n_rest, 2);
    line_fini(&l);
    assert_error("polygraphy --nope run m", "there is no option '--nope'");
}

static void runners_keep_their_order(void **state)
{
    line l;
    assert_ok("polygraphy run --trt --onnxrt m.onnx --onnxrt --pluginref --tf", &l);
    const char *want[] = {"trt", "onnxrt", "onnxrt", "pluginref", "tf"};
    assert_int_equal(l.args.cli.runners.n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(l.args.cli.runners.at[i], want[i]);
    assert_string_equal(l.args.command, "polygraphy run --trt --onnxrt m.onnx --onnxrt "
                                        "--pluginref --tf");
    line_fini(&l);
}

static void memory_runs_out(void **state)
{
    const char *argv[] = {"polygraphy", "run", "m", "--rtol", "1", "--val-range", "[0,1]", "-vq"};
    for (uint64_t n = 1; n < 10; n++) {
        px_run_args args = {0};
        px_command_line out;
        px_mem_fail_after(n);
        pgy_status *st = px_command_parse(8, argv, &args, &out);
        px_mem_fail_after(0);
        if (st)
            assert_int_equal(pgy_status_code(st), PGY_ERR_NOMEM);
        pgy_status_free(st);
        px_run_args_fini(&args);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(abbreviations),
        cmocka_unit_test(ambiguous_names_are_listed_in_order),
        cmocka_unit_test(newer_options_break_no_abbreviation),
        cmocka_unit_test(lists_are_greedy),
        cmocka_unit_test(compare_takes_only_function_names),
        cmocka_unit_test(negative_numbers),
        cmocka_unit_test(joined_short_switches),
        cmocka_unit_test(errors_of_values),
        cmocka_unit_test(exclusive_options),
        cmocka_unit_test(unknown_words),
        cmocka_unit_test(help_and_version),
        cmocka_unit_test(runners_keep_their_order),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
