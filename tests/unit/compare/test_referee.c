/* Distances to float64 and the referee's rulings. */
#include "../spec_vectors.h"

#include "base/half.h"
#include "compare/referee.h"
#include "polygraphy/compare.h"

#include <math.h>

static pgy_tensor *make(pgy_dtype dtype, int64_t n, const double *values)
{
    pgy_tensor *t = NULL;
    assert_ok(px_tensor_new_raw(dtype, 1, &n, &t));
    px_convert(dtype, t->data, PGY_DTYPE_F64, values, 0, n);
    return t;
}
#define MAKE(dtype, ...)                                                                           \
    make(dtype, (int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)),                       \
         (const double[]){__VA_ARGS__})

/* Takes both tensors. */
static px_distance distance(pgy_dtype declared, pgy_tensor *truth, pgy_tensor *x)
{
    px_distance d = PX_DISTANCE_INIT;
    const pgy_tensor *const candidates[] = {x};
    assert_ok(px_distance_add(NULL, declared, truth, 1, candidates, &d));
    pgy_tensor_free(truth);
    pgy_tensor_free(x);
    return d;
}

static void counts_units_of_the_declared_type(void **state)
{
    PX_UNUSED(state);
    /* 2^-23 is the gap of float32 above 1, 2^-24 below. */
    px_distance d = distance(PGY_DTYPE_F32, MAKE(PGY_DTYPE_F64, 1, 1 - 0x1p-24, 4, 0),
                             MAKE(PGY_DTYPE_F32, 1 + 0x1p-22, 1 - 0x1p-23, 4, 0x1p-149));
    assert_true(d.max_ulp == 2 && d.max_abs == 0x1p-22 && d.worst == 0);
    assert_true(d.count == 4 && d.n_exact == 1 && d.n_unlike == 0);
    assert_true(d.scale == 4 && d.max_rel == 0x1p-22);
    assert_true(fabs(px_distance_rms(&d) - sqrt((0x1p-44 + 0x1p-48 + 0x1p-298) / 4)) < 1e-20);

    d = distance(PGY_DTYPE_F16, MAKE(PGY_DTYPE_F64, 1.0 + 0x1p-12, 0x1p-25),
                 MAKE(PGY_DTYPE_F16, 1.0, 0x1p-24));
    assert_true(d.max_ulp == 0.5); /* subnormals have one gap, 2^-24 */
    assert_true(d.n_exact == 1);   /* the tie to even rounds to 1; 2^-25 rounds to 0 */
    d = distance(PGY_DTYPE_BF16, MAKE(PGY_DTYPE_F64, 256), MAKE(PGY_DTYPE_BF16, 260));
    assert_true(d.max_ulp == 2);
    d = distance(PGY_DTYPE_F64, MAKE(PGY_DTYPE_F64, 0x1p-1074), MAKE(PGY_DTYPE_F64, 0x1p-1072));
    assert_true(d.max_ulp == 3);
}

static void rounding_is_exact(void **state)
{
    PX_UNUSED(state);
    const double x = 0.1, y = 1e39;
    px_distance d = distance(PGY_DTYPE_F32, MAKE(PGY_DTYPE_F64, x, y, -y, NAN),
                             MAKE(PGY_DTYPE_F32, x, y, -y, NAN));
    assert_true(d.n_exact == 4 && d.n_unlike == 0);
    assert_true(d.max_ulp > 0 && d.max_ulp <= 0.5);
}

static void misplaced_infinities_are_counted(void **state)
{
    PX_UNUSED(state);
    px_distance d =
        distance(PGY_DTYPE_F32, MAKE(PGY_DTYPE_F64, 1, INFINITY, NAN, 3e38, INFINITY, 7),
                 MAKE(PGY_DTYPE_F32, NAN, -INFINITY, 0, INFINITY, INFINITY, 8));
    assert_true(d.n_unlike == 4 && d.n_exact == 1 && d.count == 6);
    assert_true(d.max_abs == 1 && d.worst == 5);
    assert_true(px_distance_rms(&d) == sqrt(0.5)); /* of the two that can be measured */
}

static void integers_are_exact(void **state)
{
    PX_UNUSED(state);
    pgy_tensor *a = NULL, *b = NULL;
    const int64_t n = 3;
    assert_ok(px_tensor_new_raw(PGY_DTYPE_I64, 1, &n, &a));
    assert_ok(px_tensor_new_raw(PGY_DTYPE_I64, 1, &n, &b));
    memcpy(a->data, (const int64_t[]){INT64_MAX, -5, 0}, 24);
    memcpy(b->data, (const int64_t[]){INT64_MAX - 1, -5, 0}, 24);
    px_distance d = distance(PGY_DTYPE_I64, a, b);
    assert_true(d.max_abs == 1 && d.n_exact == 2 && d.worst == 0 && d.max_ulp == 0);
    d = distance(PGY_DTYPE_U8, MAKE(PGY_DTYPE_U8, 1, 200), MAKE(PGY_DTYPE_U8, 1, 198));
    assert_true(d.max_abs == 2 && d.max_rel == 0.01 && d.worst == 1);
}

static void complex_numbers_count_twice(void **state)
{
    PX_UNUSED(state);
    pgy_tensor *a = NULL, *b = NULL;
    const int64_t n = 2;
    assert_ok(px_tensor_new_raw(PGY_DTYPE_C128, 1, &n, &a));
    assert_ok(px_tensor_new_raw(PGY_DTYPE_C64, 1, &n, &b));
    memcpy(a->data, (const double[]){1, 2, 3, 4}, 32);
    memcpy(b->data, (const float[]){1, 2, 3, 5}, 16);
    px_distance d = distance(PGY_DTYPE_C64, a, b);
    assert_true(d.count == 4 && d.max_abs == 1 && d.worst == 3);
}

static void threads_change_nothing(void **state)
{
    PX_UNUSED(state);
    enum { N = 300001 };
    pgy_context *cx = NULL;
    pgy_tensor *a = NULL, *b = NULL;
    const int64_t n = N;
    px_distance one[2] = {PX_DISTANCE_INIT, PX_DISTANCE_INIT};
    px_distance many[2] = {PX_DISTANCE_INIT, PX_DISTANCE_INIT};
    assert_ok(pgy_context_new(&cx));
    assert_ok(px_tensor_new_raw(PGY_DTYPE_F64, 1, &n, &a));
    assert_ok(px_tensor_new_raw(PGY_DTYPE_F32, 1, &n, &b));
    for (int64_t i = 0; i < n; i++) {
        ((double *)a->data)[i] = sin((double)i);
        ((float *)b->data)[i] = (float)(sin((double)i) * (1 + 1e-6 * cos((double)i)));
    }
    const pgy_tensor *const x[] = {b, a};
    assert_ok(px_distance_add(NULL, PGY_DTYPE_F32, a, 2, x, one));
    assert_ok(px_distance_add(cx, PGY_DTYPE_F32, a, 2, x, many));
    for (int k = 0; k < 2; k++) {
        assert_true(one[k].sum_squares == many[k].sum_squares && one[k].count == N);
        assert_true(one[k].worst == many[k].worst && one[k].max_ulp == many[k].max_ulp);
    }
    assert_true(one[1].n_exact == N && one[1].worst == -1 && one[0].max_abs > 1e-7);
    pgy_tensor_free(a);
    pgy_tensor_free(b);
    pgy_context_free(cx);
}

/* --- rulings --- */

typedef struct scene {
    pgy_context *cx;
    px_results results;
    px_referee referee;
} scene;

/* Takes `y`. */
static void add(scene *s, const char *runner, const char *name, pgy_tensor *y)
{
    px_run *run = NULL;
    pgy_outputs out = {0};
    assert_ok(px_results_add_run(&s->results, runner, &run));
    assert_ok(pgy_outputs_add(&out, name, y));
    assert_ok(px_run_add_iteration(s->cx, &s->results, run, &out));
    px_outputs_clear(&out);
}

/* The first run is the reference, its values the truth; `typed`, when not NULL, is taken. */
static const px_referee_output *rule(scene *s, pgy_tensor *typed, int64_t n_terms)
{
    const char *names[8];
    const px_iteration *runs[8];
    px_results side = {0};
    px_run *run = NULL;
    pgy_outputs out = {0};
    const size_t n = s->results.n - 1;
    for (size_t k = 0; k < n; k++) {
        names[k] = s->results.at[k + 1].runner_name;
        runs[k] = &s->results.at[k + 1].at[0];
    }
    px_referee_iteration it = {.declared = &s->results.at[0].at[0], .runs = runs};
    if (typed) {
        assert_ok(px_results_add_run(&side, "typed", &run));
        assert_ok(pgy_outputs_add(&out, "y", typed));
        assert_ok(px_run_add_iteration(s->cx, &side, run, &out));
        px_outputs_clear(&out);
        it.typed = &side.at[0].at[0];
    }
    assert_int_equal(px_referee_find(&s->results), 0);
    assert_ok(px_referee_init(&s->referee, s->results.at[0].runner_name, n, names));
    assert_ok(px_referee_add(s->cx, &s->referee, &it));
    s->referee.at[0].n_terms = n_terms;
    assert_ok(px_referee_rule(&s->referee));
    px_results_fini(&side);
    assert_int_equal(s->referee.n, 1);
    px_referee_log(s->cx, &s->referee);
    return &s->referee.at[0];
}

static void setup(scene *s)
{
    *s = (scene){0};
    assert_ok(pgy_context_new(&s->cx));
    pgy_context_set_level(s->cx, PGY_LOG_CRITICAL);
}

static void teardown(scene *s)
{
    px_referee_fini(&s->referee);
    px_results_fini(&s->results);
    pgy_context_free(s->cx);
}

static void names_the_wrong_one(void **state)
{
    PX_UNUSED(state);
    scene s;
    setup(&s);
    add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_F32, 1, 2, 3));
    add(&s, "a", "y", MAKE(PGY_DTYPE_F32, 1, 2, 3 + 0x1p-22));
    add(&s, "b", "y", MAKE(PGY_DTYPE_F32, 1, 2.25, 3));
    const px_referee_output *o = rule(&s, MAKE(PGY_DTYPE_F32, 1, 2, 3 + 0x1p-22), 100);
    assert_int_equal(o->ruling, PX_RULING_SOME_WRONG);
    assert_true(o->n_wrong == 1 && o->furthest == 1 && o->nearest == 0);
    assert_true(o->ratio == 0.25 / 0x1p-22);
    assert_true(o->expected_abs == 11 * 0x1p-22 && o->allowed_abs == 16 * o->expected_abs);
    assert_non_null(strstr(o->sentence, "b is wrong: 0.25 off, 9.53e+04 times the 2.62e-06"));
    assert_non_null(strstr(o->sentence, "; a is right, 2.38e-07 off"));
    teardown(&s);
}

static void both_within(void **state)
{
    PX_UNUSED(state);
    scene s;
    setup(&s);
    add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_F32, 1, 2, 3));
    add(&s, "a", "y", MAKE(PGY_DTYPE_F32, 1, 2, 3 + 0x1p-22));
    add(&s, "b", "y", MAKE(PGY_DTYPE_F32, 1, 2, 3 + 0x1p-21));
    const px_referee_output *o = rule(&s, NULL, 0);
    assert_int_equal(o->ruling, PX_RULING_WITHIN);
    assert_true(o->ratio == 2);
    assert_non_null(strstr(o->sentence, "both are within what the type can give"));
    assert_non_null(strstr(o->sentence, "b is the further one, 2 times as far as a"));
    teardown(&s);
}

static void one_run_is_held_against_rounding(void **state)
{
    PX_UNUSED(state);
    scene s;
    setup(&s);
    add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_F32, 1, 2));
    add(&s, "ort", "y", MAKE(PGY_DTYPE_F32, 1.0625, 2));
    const px_referee_output *o = rule(&s, MAKE(PGY_DTYPE_F32, 1.015625, 2), 9);
    assert_int_equal(o->ruling, PX_RULING_WITHIN); /* 4 times as far is just what is allowed */
    assert_true(o->ratio == 4 && o->expected_abs == 0.0625);
    assert_non_null(strstr(o->sentence, "4 times further from float64 than that rounding"));
    teardown(&s);
}

/* 1 + sqrt(n) times rounding is expected; beyond that one looks; the factor to wrong is 16 or
 * sqrt(n). */
static void further_is_not_wrong(void **state)
{
    PX_UNUSED(state);
    static const struct {
        int64_t n_terms;
        double off; /* units of rounding */
        px_finding finding;
    } cases[] = {{9, 4, PX_FINDING_WITHIN},     {9, 4.5, PX_FINDING_FURTHER},
                 {9, 64, PX_FINDING_FURTHER},   {9, 64.5, PX_FINDING_WRONG},
                 {1024, 33, PX_FINDING_WITHIN}, {1024, 33 * 32, PX_FINDING_FURTHER},
                 {1024, 1057, PX_FINDING_WRONG}};
    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        scene s;
        setup(&s);
        add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_F64, 1, 2));
        add(&s, "ort", "y", MAKE(PGY_DTYPE_F64, 1 + cases[i].off * 0x1p-30, 2));
        const px_referee_output *o =
            rule(&s, MAKE(PGY_DTYPE_F64, 1 + 0x1p-30, 2), cases[i].n_terms);
        assert_int_equal(o->finding[0], cases[i].finding);
        assert_int_equal(o->ruling, cases[i].finding == PX_FINDING_WITHIN    ? PX_RULING_WITHIN
                                    : cases[i].finding == PX_FINDING_FURTHER ? PX_RULING_FURTHER
                                                                             : PX_RULING_ALL_WRONG);
        if (i == 1)
            assert_non_null(strstr(o->sentence,
                                   "ort is further off than expected, which asks for a "
                                   "look: 4.19e-09 off, 1.12 times the 3.73e-09"));
        teardown(&s);
    }
}

/* What another run of the same types gives can be had. */
static void a_better_run_is_a_witness(void **state)
{
    PX_UNUSED(state);
    for (int is_near = 0; is_near < 2; is_near++) {
        scene s;
        setup(&s);
        add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_F64, 1, 2));
        add(&s, "a", "y", MAKE(PGY_DTYPE_F64, 1 + 5 * 0x1p-20, 2));
        add(&s, "b", "y", MAKE(PGY_DTYPE_F64, 1 + (is_near ? 0.625 : 0.75) * 0x1p-20, 2));
        const px_referee_output *o = rule(&s, MAKE(PGY_DTYPE_F64, 1 + 0x1p-20, 2), 9);
        assert_int_equal(o->finding[0], is_near ? PX_FINDING_WRONG : PX_FINDING_FURTHER);
        assert_int_equal(o->finding[1], PX_FINDING_WITHIN);
        assert_non_null(strstr(o->sentence, "; b is right, "));
        teardown(&s);
    }
}

/* float16: the limit from the length of sums is beyond the values themselves. */
static void nothing_is_chosen_to_give_a_tenth_of_error(void **state)
{
    PX_UNUSED(state);
    scene s;
    setup(&s);
    add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_F16, 1, 2, -1));
    add(&s, "a", "y", MAKE(PGY_DTYPE_F16, 2, 1, -1)); /* swapped */
    const px_referee_output *o = rule(&s, MAKE(PGY_DTYPE_F16, 1.0009765625, 2, -1), 4096);
    assert_true(o->of[0].max_abs < o->allowed_abs);
    assert_int_equal(o->finding[0], PX_FINDING_WRONG);
    teardown(&s);
}

/* A sigmoid's kernel may give 1e-7 where 1e-30 is right. */
static void a_bounded_function_has_digits_of_its_range(void **state)
{
    PX_UNUSED(state);
    for (int is_bounded = 0; is_bounded < 2; is_bounded++) {
        scene s;
        setup(&s);
        add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_F32, 1e-30, 1e-6));
        add(&s, "a", "y", MAKE(PGY_DTYPE_F32, 1e-7, 1e-6));
        rule(&s, MAKE(PGY_DTYPE_F32, 1e-30, 1e-6), 1);
        s.referee.at[0].range = is_bounded;
        assert_ok(px_referee_rule(&s.referee));
        assert_int_equal(s.referee.at[0].finding[0],
                         is_bounded ? PX_FINDING_WITHIN : PX_FINDING_WRONG);
        teardown(&s);
    }
}

/* float32 outputs rounded to a narrower type, and values that changed places. */
static void lower_precision_is_told(void **state)
{
    PX_UNUSED(state);
    enum { N = 64 };
    double x[N], swapped[N];
    for (int i = 0; i < N; i++)
        x[i] = sin(i) + 0.001 * i;
    for (int i = 0; i < N; i++)
        swapped[i] = x[i ^ 1];
    static const struct {
        pgy_dtype rounded;
        px_finding finding;
        const char *words;
    } cases[] = {{PGY_DTYPE_F16, PX_FINDING_FURTHER, "as if computed in float16 or TensorFloat-32"},
                 {PGY_DTYPE_BF16, PX_FINDING_FURTHER, "as if computed in bfloat16"},
                 {PGY_DTYPE_F32, PX_FINDING_WRONG, "a is wrong: "}};
    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        scene s;
        setup(&s);
        const bool is_swapped = cases[i].rounded == PGY_DTYPE_F32;
        add(&s, "pluginref-runner-N0", "y", make(PGY_DTYPE_F32, N, x));
        add(&s, "a", "y", make(cases[i].rounded, N, is_swapped ? swapped : x));
        rule(&s, make(PGY_DTYPE_F32, N, x), 16);
        s.referee.at[0].n_layers = 1;
        assert_ok(px_referee_rule(&s.referee));
        assert_int_equal(s.referee.at[0].finding[0], cases[i].finding);
        assert_non_null(strstr(s.referee.at[0].sentence, cases[i].words));
        teardown(&s);
    }
}

static void quantized_numbers_may_be_one_step_off(void **state)
{
    PX_UNUSED(state);
    scene s;
    setup(&s);
    add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_U8, 1, 2));
    add(&s, "a", "y", MAKE(PGY_DTYPE_U8, 1, 3));
    add(&s, "b", "y", MAKE(PGY_DTYPE_U8, 1, 4));
    const px_referee_output *o = rule(&s, NULL, 0);
    assert_true(o->finding[0] == PX_FINDING_FURTHER && o->finding[1] == PX_FINDING_WRONG);
    assert_int_equal(o->ruling, PX_RULING_SOME_WRONG);
    assert_non_null(strstr(o->sentence, "b is wrong: 2 off where uint8 values must be equal; a is "
                                        "further off than expected, 1 off"));
    teardown(&s);
}

static void integers_must_be_equal(void **state)
{
    PX_UNUSED(state);
    scene s;
    setup(&s);
    add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_I32, 1, 2));
    add(&s, "a", "y", MAKE(PGY_DTYPE_I32, 1, 3));
    add(&s, "b", "y", MAKE(PGY_DTYPE_I32, 4, 2));
    const px_referee_output *o = rule(&s, NULL, 0);
    assert_int_equal(o->ruling, PX_RULING_ALL_WRONG);
    assert_non_null(strstr(o->sentence,
                           "a and b are wrong: 3 off where int32 values must be equal; "
                           "b is the further one, 3 times as far as a"));
    teardown(&s);
}

static void infinity_is_a_fault(void **state)
{
    PX_UNUSED(state);
    scene s;
    setup(&s);
    add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_F16, 1, 2));
    add(&s, "a", "y", MAKE(PGY_DTYPE_F16, 1, INFINITY));
    add(&s, "b", "y", MAKE(PGY_DTYPE_F16, 1, 2));
    const px_referee_output *o = rule(&s, NULL, 0);
    assert_int_equal(o->ruling, PX_RULING_SOME_WRONG);
    assert_non_null(strstr(o->sentence, "a is wrong: 1 of 2 elements are NaN or infinite"));
    teardown(&s);
}

/* A reference that is broken, or a model that gives NaN, is not told as the runs' infinities. */
static void numbers_for_nan_are_told_as_such(void **state)
{
    PX_UNUSED(state);
    scene s;
    setup(&s);
    add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_F32, NAN, NAN));
    add(&s, "a", "y", MAKE(PGY_DTYPE_F32, 1, 2));
    add(&s, "b", "y", MAKE(PGY_DTYPE_F32, 1, 2));
    const px_referee_output *o = rule(&s, NULL, 0);
    assert_int_equal(o->ruling, PX_RULING_ALL_WRONG);
    assert_non_null(strstr(o->sentence, "2 of 2 elements are numbers where float64 has NaN"));
    teardown(&s);
}

/* The rounded interpretation has the same infinity: the type cannot give more. */
static void overflow_inside_is_the_types(void **state)
{
    PX_UNUSED(state);
    scene s;
    setup(&s);
    add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_F32, 1, 2));
    add(&s, "a", "y", MAKE(PGY_DTYPE_F32, NAN, 2));
    add(&s, "b", "y", MAKE(PGY_DTYPE_F32, NAN, 2));
    const px_referee_output *o = rule(&s, MAKE(PGY_DTYPE_F32, NAN, 2), 0);
    assert_int_equal(o->ruling, PX_RULING_WITHIN);
    assert_non_null(strstr(o->sentence, "a value inside the model leaves its type's range"));
    teardown(&s);
}

static void other_names_and_shapes_are_not_measured(void **state)
{
    PX_UNUSED(state);
    scene s;
    setup(&s);
    add(&s, "pluginref-runner-N0", "y", MAKE(PGY_DTYPE_F32, 1, 2));
    add(&s, "a", "y", MAKE(PGY_DTYPE_F32, 1));
    add(&s, "b", "z", MAKE(PGY_DTYPE_F32, 1, 2));
    const px_referee_output *o = rule(&s, NULL, 0);
    assert_int_equal(o->ruling, PX_RULING_NOT_MEASURED);
    assert_true(isnan(o->ratio) && o->furthest == -1);
    teardown(&s);
}

/* Takes `y`. */
static void add_public(pgy_context *cx, pgy_results *r, const char *runner, pgy_tensor *y)
{
    pgy_outputs out = {0};
    assert_ok(pgy_results_begin_run(r, runner));
    assert_ok(pgy_outputs_add(&out, "y", y));
    assert_ok(pgy_results_add(cx, r, &out));
    px_outputs_clear(&out);
}

static void public_interface(void **state)
{
    PX_UNUSED(state);
    pgy_context *cx = NULL;
    pgy_results *r = NULL, *exact = NULL;
    pgy_referee *referee = NULL;
    pgy_distance d = {.struct_size = sizeof d};
    assert_ok(pgy_context_new(&cx));
    assert_ok(pgy_results_new(&r));
    assert_ok(pgy_results_new(&exact));
    add_public(cx, r, "a", MAKE(PGY_DTYPE_F32, 1, 2));
    assert_fails(pgy_referee_new(cx, r, NULL, NULL, NULL, &referee), PGY_ERR_USAGE,
                 "There is no run");
    assert_fails(pgy_referee_new(cx, r, "a", NULL, NULL, &referee), PGY_ERR_USAGE,
                 "There is no run");
    add_public(cx, r, "numpy", MAKE(PGY_DTYPE_F32, 1, 2.5));
    add_public(cx, exact, "numpy", MAKE(PGY_DTYPE_F64, 1, 2.5 - 0x1p-25));
    assert_fails(pgy_referee_new(cx, r, "nobody", NULL, NULL, &referee), PGY_ERR_USAGE,
                 "There is no run");
    assert_ok(pgy_referee_new(cx, r, "numpy", exact, NULL, &referee));
    assert_int_equal(pgy_referee_count(referee), 1);
    pgy_referee_get(referee, 0, &d);
    assert_string_equal(d.runner, "a");
    assert_true(d.wrong && d.ruling == PGY_RULING_ALL_WRONG && d.count == 2 && d.n_exact == 1);
    assert_true(d.max_abs == 0.5 - 0x1p-25 && d.max_ulp == (0.5 - 0x1p-25) * 0x1p22);
    pgy_referee_free(referee);
    pgy_referee_free(NULL);
    pgy_results_free(r);
    pgy_results_free(exact);
    pgy_context_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_units_of_the_declared_type),
        cmocka_unit_test(rounding_is_exact),
        cmocka_unit_test(misplaced_infinities_are_counted),
        cmocka_unit_test(integers_are_exact),
        cmocka_unit_test(complex_numbers_count_twice),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(names_the_wrong_one),
        cmocka_unit_test(both_within),
        cmocka_unit_test(one_run_is_held_against_rounding),
        cmocka_unit_test(integers_must_be_equal),
        cmocka_unit_test(further_is_not_wrong),
        cmocka_unit_test(a_better_run_is_a_witness),
        cmocka_unit_test(nothing_is_chosen_to_give_a_tenth_of_error),
        cmocka_unit_test(a_bounded_function_has_digits_of_its_range),
        cmocka_unit_test(quantized_numbers_may_be_one_step_off),
        cmocka_unit_test(lower_precision_is_told),
        cmocka_unit_test(infinity_is_a_fault),
        cmocka_unit_test(numbers_for_nan_are_told_as_such),
        cmocka_unit_test(overflow_inside_is_the_types),
        cmocka_unit_test(public_interface),
        cmocka_unit_test(other_names_and_shapes_are_not_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
