/* --repeat and --check-batch-invariance on backends that change their mind. */
#include "test_base.h"

#include "backend/outputs.h"
#include "compare/batch.h"
#include "compare/repeat.h"
#include "data/feed.h"

/* y = x and z = x, and one value of y is one unit off where the backend is not deterministic. */
static struct {
    int n_loads, n_opens, n_infers; /* infers of the open session */
    enum { STEADY, PER_RUN, PER_SESSION, PER_BUILD, OTHER_SHAPE } moves;
    bool sums; /* y = x - sum over the batch */
    const pgy_io *inputs;
    size_t n_inputs;
} fake;

static pgy_status *load(pgy_context *cx, const void *args, void **out)
{
    fake.n_loads++;
    fake.n_opens = 0;
    *out = &fake;
    return NULL;
}

static pgy_status *open(pgy_context *cx, void *lib, pgy_model *model, const void *args, void **out)
{
    fake.n_opens++;
    fake.n_infers = 0;
    *out = &fake;
    return pgy_model_inputs(model, &fake.inputs, &fake.n_inputs);
}

static pgy_status *inputs(void *session, const pgy_io **out, size_t *out_n)
{
    *out = fake.inputs;
    *out_n = fake.n_inputs;
    return NULL;
}

static bool is_off(void)
{
    switch (fake.moves) {
    case PER_RUN:
        return fake.n_infers > 1;
    case PER_SESSION:
        return fake.n_opens > 1;
    case PER_BUILD:
        return fake.n_loads > 1;
    default:
        return false;
    }
}

static void subtract_sum(float *y, int64_t n_rows, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float sum = 0;
        for (int64_t r = 0; r < n_rows; r++)
            sum += y[r * n + i];
        for (int64_t r = 0; r < n_rows; r++)
            y[r * n + i] -= sum;
    }
}

static pgy_status *infer(void *session, const pgy_feed *in, pgy_outputs *out)
{
    pgy_status *st = NULL;
    pgy_tensor *y = NULL;
    pgy_tensor *x = in->tensors[0];
    int64_t dims[2] = {x->dims[0], x->dims[1]};
    fake.n_infers++;
    if (fake.moves == OTHER_SHAPE && fake.n_infers > 1)
        dims[0]--;
    PX_TRY(pgy_tensor_new(PGY_DTYPE_F32, 2, dims, &y));
    memcpy(y->data, x->data, y->size);
    if (fake.sums)
        subtract_sum(y->data, dims[0], dims[1]);
    if (is_off())
        ((uint32_t *)y->data)[1] += 3;
    PX_TRY(pgy_outputs_add(out, "z", pgy_tensor_ref(x)));
    PX_TRY(pgy_outputs_add(out, "y", y));
done:
    return st;
}

static void close(void *session)
{
}

static void unload(void *lib)
{
}

static const pgy_backend_ops ops = {.struct_size = sizeof(pgy_backend_ops),
                                    .name = "fake",
                                    .title = "Fake",
                                    .load = load,
                                    .open = open,
                                    .inputs = inputs,
                                    .infer = infer,
                                    .close = close,
                                    .unload = unload};

typedef struct fixture {
    pgy_context *cx;
    pgy_model *model;
    px_runner *runner;
    px_runner_args args;
    px_data_args data;
    px_opt_shapes shapes;
    px_feeds_source *source;
    px_loop loop;
    px_results results;
} fixture;

/* dyn.onnx: x of float32 (batch, 3). */
static void set_up(fixture *f, int64_t n_rows, int64_t n_iterations)
{
    static int64_t dims[2];
    static px_opt_shape shape;
    *f = (fixture){0};
    fake.n_loads = 0;
    assert_ok(pgy_context_new(&f->cx));
    pgy_context_set_log(f->cx, NULL, NULL);
    assert_ok(pgy_model_open(f->cx, "data/models/dyn.onnx", &f->model));
    assert_ok(px_runner_new(f->cx, &ops, 0, NULL, f->model, &f->runner));
    const pgy_io *io;
    size_t n;
    assert_ok(pgy_model_inputs(f->model, &io, &n));
    assert_int_equal(io[0].rank, 2);
    dims[0] = n_rows;
    dims[1] = io[0].dims[1] < 0 ? 3 : io[0].dims[1];
    shape = (px_opt_shape){.name = io[0].name, .rank = 2, .dims = dims};
    f->shapes = (px_opt_shapes){.given = true, .at = &shape, .n = 1};
    f->data.iterations = (px_opt_int){.given = true, .value = n_iterations};
    assert_ok(px_feeds_source_open(f->cx, &f->data, &f->shapes, &f->source));
    f->loop = (px_loop){.cx = f->cx,
                        .runners = &f->runner,
                        .n_runners = 1,
                        .source = f->source,
                        .keep_feeds = true,
                        .args = &f->args};
    assert_ok(px_loop_sequential(&f->loop, &f->results));
    fake.n_loads = 0;
}

static void tear_down(fixture *f)
{
    px_results_fini(&f->results);
    px_feeds_source_close(f->source);
    px_runner_free(f->runner);
    pgy_model_close(f->model);
    pgy_context_free(f->cx);
}

static void each_level_is_told_apart(void **state)
{
    static const struct {
        int moves;
        bool differs[PX_N_REPEAT_LEVELS];
    } cases[] = {{STEADY, {false, false, false}},
                 {PER_RUN, {true, false, false}},
                 {PER_SESSION, {false, true, false}},
                 {PER_BUILD, {false, false, true}}};
    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        fixture f;
        px_repeat r;
        px_buf text = {0};
        fake.moves = cases[i].moves;
        set_up(&f, 2, 1);
        assert_ok(px_repeat_run(&f.loop, f.runner, 3, NULL, &r));
        bool all = true;
        for (int level = 0; level < PX_N_REPEAT_LEVELS; level++) {
            const px_repeat_finding *found = &r.of[level];
            text.len = 0;
            px_repeat_print(&text, &r, level, NULL);
            assert_int_equal(found->differs, cases[i].differs[level]);
            all &= !found->differs;
            if (!found->differs) {
                assert_non_null(strstr(px_buf_cstr(&text), "the same to the last bit"));
                continue;
            }
            assert_int_equal(found->pass, 2);
            assert_string_equal(found->output, "y");
            assert_int_equal(found->n_differ, 1);
            assert_int_equal(found->n_outputs, 2);
            assert_int_equal(found->bits.n_differ, 1);
            assert_int_equal(found->bits.first, 1);
            assert_int_equal(found->bits.max_ulp, 3);
            assert_non_null(strstr(px_buf_cstr(&text), "by at most 3 ULP; 1 of 2 outputs differ"));
        }
        assert_int_equal(r.is_deterministic, all);
        px_buf_fini(&text);
        px_repeat_fini(&r);
        tear_down(&f);
    }
}

/* With nothing to find, every session and build is made. */
static void each_level_makes_what_it_says(void **state)
{
    fixture f;
    px_repeat r;
    fake.moves = STEADY;
    set_up(&f, 2, 2);
    assert_ok(px_repeat_run(&f.loop, f.runner, 4, NULL, &r));
    assert_true(r.is_deterministic);
    assert_int_equal(r.n_iterations, 2);
    assert_int_equal(fake.n_loads, 1 + 3);
    assert_int_equal(fake.n_opens, 1);
    px_repeat_fini(&r);
    tear_down(&f);
}

static void another_shape_is_said(void **state)
{
    fixture f;
    px_repeat r;
    px_buf text = {0};
    fake.moves = OTHER_SHAPE;
    set_up(&f, 2, 1);
    assert_ok(px_repeat_run(&f.loop, f.runner, 2, NULL, &r));
    assert_false(r.is_deterministic);
    px_repeat_print(&text, &r, PX_REPEAT_RUNS, "#1 Conv 'c'");
    assert_string_equal(px_buf_cstr(&text),
                        "Runs      number 2 differs from the first, first in output 'y' of #1 Conv "
                        "'c': types or shapes differ; 1 of 2 outputs differ");
    px_buf_fini(&text);
    px_repeat_fini(&r);
    tear_down(&f);
}

/* --- bits --- */

static pgy_tensor *wrap(pgy_dtype dtype, int64_t n, void *data)
{
    pgy_tensor *t = NULL;
    assert_ok(pgy_tensor_wrap(dtype, 1, &n, data, NULL, NULL, &t));
    return t;
}

static px_bits bits_of(pgy_dtype dtype, int64_t n, void *a, void *b)
{
    px_bits bits;
    pgy_tensor *s = wrap(dtype, n, a), *t = wrap(dtype, n, b);
    assert_ok(px_bits_compare(s, t, &bits));
    pgy_tensor_free(s);
    pgy_tensor_free(t);
    return bits;
}

static void bits_are_stricter_than_numbers(void **state)
{
    float zero[] = {0.0f, 1}, minus[] = {-0.0f, 1};
    px_bits bits = bits_of(PGY_DTYPE_F32, 2, zero, minus);
    assert_false(bits.same);
    assert_int_equal(bits.n_differ, 1);
    assert_true(bits.has_ulp);
    assert_int_equal(bits.max_ulp, 0);
    assert_true(bits_of(PGY_DTYPE_F32, 2, zero, zero).same);
    uint32_t nan[] = {0x7fc00000}, other[] = {0x7fc00001};
    assert_int_equal(bits_of(PGY_DTYPE_F32, 1, nan, other).n_differ, 1);
}

static void parts_of_bytes_and_text_are_compared(void **state)
{
    /* Three elements: the upper half of the second byte is nobody's. */
    uint8_t a[] = {0x21, 0x03}, same[] = {0x21, 0xf3}, other[] = {0x31, 0x03};
    assert_true(bits_of(PGY_DTYPE_U4, 3, a, same).same);
    px_bits bits = bits_of(PGY_DTYPE_U4, 3, a, other);
    assert_int_equal(bits.n_differ, 1);
    assert_int_equal(bits.first, 1);
    assert_false(bits.has_ulp);
    pgy_string s[] = {{"ab", 2}, {"c", 1}}, t[] = {{"ab", 2}, {"d", 1}},
               u[] = {{"ab", 2}, {"c", 1}};
    assert_true(bits_of(PGY_DTYPE_STRING, 2, s, u).same);
    assert_int_equal(bits_of(PGY_DTYPE_STRING, 2, s, t).first, 1);
}

/* --- batches --- */

static void elements_are_compared_with_themselves(void **state)
{
    fixture f;
    px_batch_check c;
    const px_compare_args args = {0};
    fake.moves = STEADY;
    fake.sums = false;
    set_up(&f, 4, 2);
    assert_ok(px_batch_check_run(&f.loop, f.runner, &args, &c));
    assert_true(c.is_invariant);
    assert_int_equal(c.n_elements, 8);
    assert_int_equal(c.n, 2);
    for (size_t i = 0; i < c.n; i++) {
        assert_int_equal(c.at[i].n, 8);
        assert_int_equal(c.at[i].n_bits, 0);
    }
    px_batch_check_fini(&c);
    tear_down(&f);
}

static void a_sum_over_the_batch_is_found(void **state)
{
    fixture f;
    px_batch_check c;
    const px_compare_args args = {0};
    fake.moves = STEADY;
    fake.sums = true;
    set_up(&f, 4, 1);
    assert_ok(px_batch_check_run(&f.loop, f.runner, &args, &c));
    assert_false(c.is_invariant);
    assert_string_equal(c.at[0].name, "z");
    assert_int_equal(c.at[0].n_failed, 0);
    assert_string_equal(c.at[1].name, "y");
    assert_int_equal(c.at[1].n_failed, 4);
    assert_true(c.at[1].max_abs > 0.1);
    px_batch_check_fini(&c);
    fake.sums = false;
    tear_down(&f);
}

static void a_batch_of_one_is_refused(void **state)
{
    fixture f;
    px_batch_check c;
    const px_compare_args args = {0};
    fake.moves = STEADY;
    set_up(&f, 1, 1);
    assert_fails(px_batch_check_run(&f.loop, f.runner, &args, &c), PGY_ERR_USAGE,
                 "give at least 2 elements");
    tear_down(&f);
}

static void a_fixed_batch_is_refused(void **state)
{
    const int64_t fixed[] = {4, 3}, open[] = {-1, 3};
    const pgy_io ios[] = {{.name = "x", .dtype = PGY_DTYPE_F32, .rank = 2, .dims = fixed},
                          {.name = "s", .dtype = PGY_DTYPE_F32},
                          {.name = "b", .dtype = PGY_DTYPE_F32, .rank = 2, .dims = open}};
    assert_fails(px_batch_check_inputs(ios, 2), PGY_ERR_USAGE, "fixed");
    assert_ok(px_batch_check_inputs(ios, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_is_told_apart),
        cmocka_unit_test(each_level_makes_what_it_says),
        cmocka_unit_test(another_shape_is_said),
        cmocka_unit_test(bits_are_stricter_than_numbers),
        cmocka_unit_test(parts_of_bytes_and_text_are_compared),
        cmocka_unit_test(elements_are_compared_with_themselves),
        cmocka_unit_test(a_sum_over_the_batch_is_found),
        cmocka_unit_test(a_batch_of_one_is_refused),
        cmocka_unit_test(a_fixed_batch_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
