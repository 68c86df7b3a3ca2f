/* Whole comparisons and validations, against what the reference logs at SUPER_VERBOSE.
 *
 * tests/data/compare/record.py holds the same scenarios and wrote the texts.
 */
#include "../spec_vectors.h"

#include "compare/compare.h"
#include "compare/validate.h"

#include <math.h>

/* Lines that only we have. */
static bool is_ours(const char *message, size_t length)
{
    static const char *const ours[] = {"ULP Distance |", "First NaN at", "First infinity at"};
    for (size_t i = 0; i < PX_COUNTOF(ours); i++)
        if (length >= strlen(ours[i]) && memcmp(message, ours[i], strlen(ours[i])) == 0)
            return true;
    return false;
}

static void collect(void *user, pgy_severity severity, const char *origin, int indent,
                    const char *message, size_t length)
{
    px_buf *b = user;
    PX_UNUSED(origin);
    if (is_ours(message, length))
        return;
    const char letter = severity >= PGY_LOG_ERROR           ? 'E'
                        : severity >= PGY_LOG_WARNING       ? 'W'
                        : severity >= PGY_LOG_INFO          ? 'I'
                        : severity >= PGY_LOG_VERBOSE       ? 'V'
                        : severity >= PGY_LOG_EXTRA_VERBOSE ? 'X'
                                                            : 'S';
    px_buf_printf(b, "[%c] ", letter);
    px_buf_pad(b, ' ', (size_t)indent * 4);
    for (size_t i = 0; i < length; i++) {
        px_buf_putc(b, message[i]);
        if (message[i] == '\n')
            px_buf_pad(b, ' ', (size_t)indent * 4 + 4);
    }
    px_buf_putc(b, '\n');
}

typedef struct scene {
    pgy_context *cx;
    px_results results;
    px_compare_args args;
    px_buf log;
} scene;

static void setup(scene *s)
{
    *s = (scene){.args = {.n_funcs = 1}};
    assert_ok(pgy_context_new(&s->cx));
    pgy_context_set_level(s->cx, PGY_LOG_SUPER_VERBOSE);
    pgy_context_set_log(s->cx, collect, &s->log);
}

static void teardown(scene *s)
{
    px_results_fini(&s->results);
    px_buf_fini(&s->log);
    pgy_context_free(s->cx);
}

static pgy_tensor *f32(int n, const float *values)
{
    pgy_tensor *t = NULL;
    const int64_t dims[] = {n};
    assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 1, dims, &t));
    memcpy(t->data, values, sizeof *values * (size_t)n);
    return t;
}
#define F32(...)                                                                                   \
    f32((int)(sizeof((float[]){__VA_ARGS__}) / sizeof(float)), (const float[]){__VA_ARGS__})

/* Adds an iteration with outputs y and, unless NULL, z to the run of that name. */
static void add(scene *s, const char *runner, pgy_tensor *y, pgy_tensor *z)
{
    px_run *run = NULL;
    pgy_outputs out = {0};
    for (size_t r = 0; r < s->results.n; r++)
        if (strcmp(s->results.at[r].runner_name, runner) == 0)
            run = &s->results.at[r];
    if (run == NULL)
        assert_ok(px_results_add_run(&s->results, runner, &run));
    assert_ok(pgy_outputs_add(&out, "y", y));
    if (z != NULL)
        assert_ok(pgy_outputs_add(&out, "z", z));
    assert_ok(px_run_add_iteration(s->cx, &s->results, run, &out));
    px_outputs_clear(&out);
}

static void check_text(scene *s, const char *name, bool verdict)
{
    px_buf path = {0};
    px_file file;
    px_buf_printf(&s->log, "= %s\n", verdict ? "True" : "False");
    px_buf_printf(&path, "%s/compare/%s.txt", PX_TEST_DATA, name);
    assert_ok(px_file_map(px_buf_cstr(&path), &file));
    const px_str wanted = {(const char *)file.data, file.size};
    if (!px_str_eq(wanted, px_buf_str(&s->log))) {
        size_t i = 0;
        while (i < wanted.len && i < s->log.len && wanted.ptr[i] == s->log.ptr[i])
            i++;
        while (i > 0 && wanted.ptr[i - 1] != '\n')
            i--;
        fail_msg("%s differs at byte %zu:\n%.*s\nwanted\n%.*s", name, i,
                 (int)PX_MIN(s->log.len - i, 400), s->log.ptr + i, (int)PX_MIN(wanted.len - i, 400),
                 wanted.ptr + i);
    }
    px_file_unmap(&file);
    px_buf_fini(&path);
}

static void compare_as(scene *s, bool newer, const char *name)
{
    px_accuracy accuracy = {0};
    if (!newer) {
        assert_ok(px_compare_results(s->cx, &s->args, &s->results, NULL, &accuracy));
    } else { /* streaming: pairs advance together */
        px_comparison c;
        const char *names[4];
        const px_iteration *its[4];
        size_t lengths[4], longest = 0;
        const size_t n = s->results.n;
        assert_true(n <= PX_COUNTOF(names));
        for (size_t r = 0; r < n; r++) {
            names[r] = s->results.at[r].runner_name;
            lengths[r] = s->results.at[r].n;
            longest = PX_MAX(longest, lengths[r]);
        }
        assert_ok(px_comparison_init(&c, s->cx, &s->args));
        c.layout = PX_LAYOUT_053;
        assert_ok(px_comparison_begin(&c, names, lengths, n));
        for (size_t i = 0; i < longest && !c.stopped; i++) {
            for (size_t r = 0; r < n; r++)
                its[r] = i < lengths[r] ? &s->results.at[r].at[i] : NULL;
            assert_ok(px_comparison_advance(&c, i, its));
        }
        assert_ok(px_comparison_finish(&c));
        accuracy = c.accuracy;
        c.accuracy = (px_accuracy){0};
        px_comparison_fini(&c);
    }
    check_text(s, name, accuracy.passed);
    px_accuracy_fini(&accuracy);
    s->log.len = 0;
}

/* The same runs in both layouts. */
static void compare_both(void (*fill)(scene *s), const char *name)
{
    for (int newer = 0; newer < 2; newer++) {
        scene s;
        char full[64];
        setup(&s);
        fill(&s);
        (void)snprintf(full, sizeof full, "%s_%s", newer ? "053" : "049", name);
        compare_as(&s, newer, full);
        teardown(&s);
    }
}

static void fill_iterations(scene *s)
{
    for (int i = 0; i < 3; i++) {
        add(s, "r0", F32(1, 2), NULL);
        add(s, "r1", i == 1 ? F32(1, 3) : F32(1, 2), NULL);
    }
}

static void test_iterations(void **state)
{
    PX_UNUSED(state);
    compare_both(fill_iterations, "iterations");
}

static void fill_three(scene *s)
{
    add(s, "r0", F32(1, 2), NULL);
    add(s, "r1", F32(1, 3), NULL);
    add(s, "r2", F32(1, 3), NULL);
}

static void test_three_runs(void **state)
{
    PX_UNUSED(state);
    compare_both(fill_three, "three");
}

static void fill_fail_fast(scene *s)
{
    s->args.fail_fast.given = true;
    add(s, "r0", F32(1, 2), F32(4));
    add(s, "r1", F32(1, 3), F32(5));
    add(s, "r2", F32(1, 2), F32(4));
}

static void test_fail_fast(void **state)
{
    PX_UNUSED(state);
    compare_both(fill_fail_fast, "fail_fast");
}

static void fill_shapes(scene *s)
{
    add(s, "r0", F32(1, 2), F32(4));
    add(s, "r1", F32(1, 2, 3), F32(4));
}

static void test_shapes_differ(void **state)
{
    PX_UNUSED(state);
    compare_both(fill_shapes, "shapes");
}

static void fill_many(scene *s)
{
    const float scales[] = {1.0f, 1.5f};
    const int64_t dims[] = {40, 30};
    for (int i = 0; i < 2; i++) {
        pgy_tensor *t = NULL;
        assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 2, dims, &t));
        for (int k = 0; k < 1200; k++)
            ((float *)t->data)[k] = (float)k * scales[i];
        add(s, i == 0 ? "r0" : "r1", t, NULL);
    }
}

static void test_long_lists_are_abbreviated(void **state)
{
    PX_UNUSED(state);
    compare_both(fill_many, "many");
}

static void test_older_layout_ignores_extra_iterations(void **state)
{
    PX_UNUSED(state);
    scene s;
    setup(&s);
    add(&s, "r0", F32(1, 2), NULL);
    add(&s, "r1", F32(1, 2), NULL);
    add(&s, "r1", F32(1, 3), NULL);
    compare_as(&s, false, "049_lengths");
    teardown(&s);
}

static void test_several_functions(void **state)
{
    PX_UNUSED(state);
    scene s;
    setup(&s);
    s.args.n_funcs = 3;
    s.args.funcs[1] = PX_COMPARE_L2;
    s.args.funcs[2] = PX_COMPARE_PSNR;
    add(&s, "r0", F32(1, 2), F32(4));
    add(&s, "r1", F32(1, 3), F32(4));
    add(&s, "r0", F32(1, 2), NULL);
    add(&s, "r1", F32(1, 2), NULL);
    compare_as(&s, false, "053_functions"); /* several functions bring the newer layout */
    teardown(&s);
}

static void test_average(void **state)
{
    PX_UNUSED(state);
    scene s;
    struct px_opt_key_value stat = {.key = "", .value = {.kind = PX_CAST_TEXT, .text = "max"}};
    struct px_opt_key_value l2 = {.key = "", .value = {.kind = PX_CAST_FLOAT, .f = 0.75}};
    setup(&s);
    s.args.n_funcs = 3;
    s.args.funcs[1] = PX_COMPARE_L2;
    s.args.funcs[2] = PX_COMPARE_SNR;
    s.args.check_average.given = true;
    s.args.check_error_stat = (px_opt_keyed){.given = true, .n = 1, .at = &stat};
    s.args.l2_threshold = (px_opt_keyed){.given = true, .n = 1, .at = &l2};
    for (int i = 0; i < 2; i++) {
        add(&s, "r0", F32(1, 2), NULL);
        add(&s, "r1", i == 0 ? F32(1, 3) : F32(1, 2), NULL);
    }
    compare_as(&s, false, "053_average");
    teardown(&s);
}

static void test_average_refusals(void **state)
{
    PX_UNUSED(state);
    scene s;
    px_comparison c;
    setup(&s);
    s.args.check_average.given = true;
    assert_fails(px_comparison_init(&c, s.cx, &s.args), PGY_ERR_USAGE, "elemwise");
    s.args.funcs[0] = PX_COMPARE_INDICES;
    assert_fails(px_comparison_init(&c, s.cx, &s.args), PGY_ERR_USAGE, "averageable");
    s.args.fail_fast.given = true;
    assert_fails(px_comparison_init(&c, s.cx, &s.args), PGY_ERR_USAGE, "--fail-fast");
    s.args.check_average.given = false;
    s.args.funcs[0] = PX_COMPARE_PERCEPTUAL;
    assert_fails(px_comparison_init(&c, s.cx, &s.args), PGY_ERR_UNSUPPORTED, "needs Python");
    teardown(&s);
}

static void test_indices(void **state)
{
    PX_UNUSED(state);
    scene s;
    const int64_t dims[] = {1, 3}, values[2][3] = {{1, 2, 3}, {1, 3, 4}};
    setup(&s);
    s.args.funcs[0] = PX_COMPARE_INDICES;
    for (int i = 0; i < 2; i++) {
        pgy_tensor *t = NULL;
        assert_ok(pgy_tensor_new(PGY_DTYPE_I64, 2, dims, &t));
        memcpy(t->data, values[i], sizeof values[i]);
        add(&s, i == 0 ? "r0" : "r1", t, NULL);
    }
    compare_as(&s, false, "049_indices");
    teardown(&s);
}

static void test_validate(void **state)
{
    PX_UNUSED(state);
    scene s;
    pgy_tensor *flat = NULL, *bad = NULL, *ints = NULL;
    bool valid = true;
    const int64_t square[] = {2, 2}, two[] = {2};
    setup(&s);
    flat = F32(NAN, INFINITY, 0, -INFINITY);
    assert_ok(pgy_tensor_reshape(flat, 2, square, &bad));
    pgy_tensor_free(flat);
    assert_ok(pgy_tensor_new(PGY_DTYPE_I64, 1, two, &ints));
    ((int64_t *)ints->data)[0] = 1;
    ((int64_t *)ints->data)[1] = 2;
    add(&s, "r0", F32(1, INFINITY), NULL);
    add(&s, "r0", bad, ints);
    add(&s, "r1", F32(1, 2), NULL);
    assert_ok(px_validate_results(s.cx, &s.results, &valid));
    check_text(&s, "049_validate", valid);
    teardown(&s);
}

static void test_strings_compare_as_text(void **state)
{
    PX_UNUSED(state);
    const int64_t dims[] = {2};
    const pgy_string cat[] = {{"cat", 3}, {"dog", 3}}, cow[] = {{"cat", 3}, {"cow", 3}};
    for (int same = 0; same < 2; same++) {
        scene s;
        pgy_tensor *t[2] = {NULL, NULL};
        px_accuracy accuracy = {0};
        setup(&s);
        assert_ok(px_tensor_new_strings(1, dims, cat, &t[0]));
        assert_ok(px_tensor_new_strings(1, dims, same ? cat : cow, &t[1]));
        add(&s, "r0", t[0], NULL);
        add(&s, "r1", t[1], NULL);
        assert_ok(px_compare_results(s.cx, &s.args, &s.results, NULL, &accuracy));
        assert_int_equal(accuracy.passed, same);
        assert_int_equal(strstr(px_buf_cstr(&s.log), "'dog' and 'cow'") != NULL, !same);
        px_accuracy_fini(&accuracy);
        teardown(&s);
    }
}

/* COMPAT: 0.49.26 lets the last of two equally named pairs decide alone. */
static void test_a_failing_pair_counts_whatever_its_name(void **state)
{
    PX_UNUSED(state);
    scene s;
    px_accuracy accuracy = {0};
    setup(&s);
    for (int i = 0; i < 3; i++) {
        px_run *run = NULL;
        pgy_outputs out = {0};
        assert_ok(px_results_add_run(&s.results, "same", &run));
        assert_ok(pgy_outputs_add(&out, "y", i == 0 ? F32(1, 3) : F32(1, 2)));
        assert_ok(px_run_add_iteration(s.cx, &s.results, run, &out));
        px_outputs_clear(&out);
    }
    assert_ok(px_compare_results(s.cx, &s.args, &s.results, NULL, &accuracy));
    assert_false(accuracy.at[0].passed);
    assert_true(accuracy.at[1].passed);
    assert_false(accuracy.passed);
    px_accuracy_fini(&accuracy);
    teardown(&s);
}

/* COMPAT: the reference subtracts the bit codes of types that numpy does not have. */
static void test_small_floats_compare_as_numbers(void **state)
{
    PX_UNUSED(state);
    static const pgy_dtype dtypes[] = {PGY_DTYPE_BF16, PGY_DTYPE_F8E4M3FN, PGY_DTYPE_F8E5M2,
                                       PGY_DTYPE_F4E2M1, PGY_DTYPE_I4};
    for (size_t d = 0; d < PX_COUNTOF(dtypes); d++) {
        scene s;
        px_accuracy accuracy = {0};
        pgy_tensor *wide[2] = {F32(1, -2), F32(1, 2)}, *t[2];
        setup(&s);
        for (int i = 0; i < 2; i++) {
            assert_ok(pgy_tensor_cast(wide[i], dtypes[d], &t[i]));
            pgy_tensor_free(wide[i]);
        }
        add(&s, "r0", t[0], NULL);
        add(&s, "r1", t[1], NULL);
        assert_ok(px_compare_results(s.cx, &s.args, &s.results, NULL, &accuracy));
        const px_output_result *r = &accuracy.at[0].funcs[0].at[0].at[0];
        assert_true(r->stats.of[PX_OF_ABS].max == 4.0);
        assert_true(r->stats.of[PX_OF_REL].max == 2.0);
        assert_int_equal(r->stats.n_mismatch, 1);
        px_accuracy_fini(&accuracy);
        teardown(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iterations),
        cmocka_unit_test(test_three_runs),
        cmocka_unit_test(test_fail_fast),
        cmocka_unit_test(test_shapes_differ),
        cmocka_unit_test(test_long_lists_are_abbreviated),
        cmocka_unit_test(test_older_layout_ignores_extra_iterations),
        cmocka_unit_test(test_several_functions),
        cmocka_unit_test(test_average),
        cmocka_unit_test(test_average_refusals),
        cmocka_unit_test(test_indices),
        cmocka_unit_test(test_validate),
        cmocka_unit_test(test_strings_compare_as_text),
        cmocka_unit_test(test_a_failing_pair_counts_whatever_its_name),
        cmocka_unit_test(test_small_floats_compare_as_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
