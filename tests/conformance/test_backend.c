/* What every backend must do, whatever runs underneath: test_backend NAME.
 *
 * Exit code 77, with the reason, when this build or this machine lacks the backend.
 */
#include "backend/outputs.h"
#include "backend/registry.h"
#include "base/half.h"
#include "base/tensor.h"
#include "base/thread.h"
#include "test_base.h"

#include <stdio.h>

static const pgy_backend_ops *ops; /* under test */
static pgy_context *cx;
static void *lib;

/* One opened model. */
typedef struct fixture {
    pgy_model *model;
    void *session;
    const pgy_io *inputs;
    size_t n_inputs;
} fixture;

static pgy_status *try_open(const char *name, fixture *out)
{
    pgy_status *st = NULL;
    fixture f = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/models/%s.onnx", PX_TEST_DATA, name);
    PX_TRY(pgy_model_open(cx, path, &f.model));
    PX_TRY(ops->open(cx, lib, f.model, NULL, &f.session));
    PX_TRY(ops->inputs(f.session, &f.inputs, &f.n_inputs));
    *out = f;
    f = (fixture){0};
done:
    if (f.session != NULL)
        ops->close(f.session);
    pgy_model_close(f.model);
    return st;
}

static fixture open_model(const char *name)
{
    fixture f = {0};
    assert_ok(try_open(name, &f));
    return f;
}

static void close_model(fixture *f)
{
    ops->close(f->session);
    pgy_model_close(f->model);
}

static pgy_tensor *new_tensor(pgy_dtype dtype, int rank, const int64_t *dims)
{
    pgy_tensor *t = NULL;
    assert_ok(pgy_tensor_new(dtype, rank, dims, &t));
    return t;
}

static pgy_status *run(const fixture *f, pgy_tensor *const *tensors, pgy_outputs *out)
{
    const char *names[16];
    assert_true(f->n_inputs <= PX_COUNTOF(names));
    for (size_t i = 0; i < f->n_inputs; i++)
        names[i] = f->inputs[i].name;
    const pgy_feed feed = {.n = f->n_inputs, .names = names, .tensors = tensors};
    return ops->infer(f->session, &feed, out);
}

static const pgy_tensor *output(const pgy_outputs *out, const char *name)
{
    for (size_t i = 0; i < out->n; i++)
        if (strcmp(out->at[i].name, name) == 0)
            return out->at[i].tensor;
    fail_msg("no output %s", name);
    return NULL;
}

static void assert_dims(const pgy_tensor *t, int rank, const int64_t *dims)
{
    assert_int_equal(t->rank, rank);
    for (int i = 0; i < rank; i++)
        assert_int_equal(t->dims[i], dims[i]);
}

static void inputs_are_described(void **state)
{
    fixture f = open_model("dyn");
    assert_int_equal(f.n_inputs, 1);
    assert_string_equal(f.inputs[0].name, "x");
    assert_int_equal(f.inputs[0].dtype, PGY_DTYPE_F32);
    assert_int_equal(f.inputs[0].rank, 2);
    assert_int_equal(f.inputs[0].dims[0], -1);
    assert_int_equal(f.inputs[0].dims[1], 3);
    assert_non_null(f.inputs[0].dim_names);
    assert_string_equal(f.inputs[0].dim_names[0], "N");
    assert_null(f.inputs[0].dim_names[1]);
    close_model(&f);

    f = open_model("scalar");
    assert_int_equal(f.n_inputs, 2);
    assert_string_equal(f.inputs[1].name, "s");
    assert_int_equal(f.inputs[1].rank, 0);
    close_model(&f);

    f = open_model("bf16in");
    assert_int_equal(f.inputs[0].dtype, PGY_DTYPE_BF16);
    close_model(&f);
}

static void bits_pass_unchanged(void **state)
{
    static const uint32_t bits[] = {0x7fc12345, 0x80000000, 0x00000001, 0x7f800000};
    static const int64_t dims[] = {1, 1, 2, 2};
    fixture f = open_model("identity");
    pgy_tensor *x = new_tensor(PGY_DTYPE_F32, 4, dims);
    memcpy(x->data, bits, sizeof bits);
    pgy_outputs out = {0};
    assert_ok(run(&f, &x, &out));
    assert_int_equal(out.n, 1);
    const pgy_tensor *y = output(&out, "y");
    assert_int_equal(y->dtype, PGY_DTYPE_F32);
    assert_dims(y, 4, dims);
    assert_memory_equal(y->data, bits, sizeof bits);
    px_outputs_clear(&out);
    pgy_tensor_free(x);
    close_model(&f);
}

static void all_common_types_pass_unchanged(void **state)
{
    fixture f = open_model("multi");
    pgy_tensor *x[16] = {0};
    for (size_t i = 0; i < f.n_inputs; i++) {
        x[i] = new_tensor(f.inputs[i].dtype, f.inputs[i].rank, f.inputs[i].dims);
        uint8_t *bytes = x[i]->data;
        for (size_t b = 0; b < x[i]->size; b++)
            bytes[b] = f.inputs[i].dtype == PGY_DTYPE_BOOL ? b & 1 : (uint8_t)(b * 5 + i);
    }
    pgy_outputs out = {0};
    assert_ok(run(&f, x, &out));
    assert_int_equal(out.n, f.n_inputs);
    for (size_t i = 0; i < f.n_inputs; i++) {
        assert_int_equal(out.at[i].tensor->dtype, x[i]->dtype);
        assert_memory_equal(out.at[i].tensor->data, x[i]->data, x[i]->size);
        pgy_tensor_free(x[i]);
    }
    px_outputs_clear(&out);
    close_model(&f);
}

/* TensorFlow has no kernels for the smallest types, and its strings are not fed. */
static void skip_on_tensorflow(void)
{
    if (strcmp(ops->name, "tf") == 0)
        skip();
}

static void small_types_come_out_and_go_in(void **state)
{
    skip_on_tensorflow();
    static const float values[] = {0, 1, 2, 3, 7};
    static const int64_t dims[] = {5};
    static const uint8_t nibbles[] = {0x10, 0x32, 0x07};
    static const uint8_t e4m3[] = {0x00, 0x38, 0x40, 0x44, 0x4e};
    fixture there = open_model("conf_small"), back = open_model("conf_small_in");
    pgy_tensor *x = new_tensor(PGY_DTYPE_F32, 1, dims);
    memcpy(x->data, values, sizeof values);
    pgy_outputs small = {0}, again = {0};
    assert_ok(run(&there, &x, &small));
    assert_int_equal(output(&small, "bf16")->dtype, PGY_DTYPE_BF16);
    assert_int_equal(output(&small, "e4m3")->dtype, PGY_DTYPE_F8E4M3FN);
    assert_memory_equal(output(&small, "e4m3")->data, e4m3, sizeof e4m3);
    assert_int_equal(output(&small, "u4")->dtype, PGY_DTYPE_U4);
    assert_int_equal(output(&small, "u4")->size, 3);
    assert_memory_equal(output(&small, "u4")->data, nibbles, 2);
    /* The last byte holds one element; the other half of it is nobody's. */
    assert_int_equal(((const uint8_t *)output(&small, "u4")->data)[2] & 15, 7);

    pgy_tensor *fed[6];
    assert_int_equal(back.n_inputs, PX_COUNTOF(fed));
    for (size_t i = 0; i < PX_COUNTOF(fed); i++)
        fed[i] = small.at[i].tensor;
    assert_ok(run(&back, fed, &again));
    for (size_t i = 0; i < again.n; i++)
        assert_memory_equal(again.at[i].tensor->data, values, sizeof values);
    px_outputs_clear(&small);
    px_outputs_clear(&again);
    pgy_tensor_free(x);
    close_model(&there);
    close_model(&back);
}

static void strings_keep_their_length(void **state)
{
    skip_on_tensorflow();
    static const pgy_string words[] = {{"", 0},
                                       {"a\0b", 3},
                                       {"gr\xc3\xbc\xc3\x9f", 6},
                                       {"long enough to leave any inner buffer", 37}};
    static const int64_t dims[] = {4};
    fixture f = open_model("conf_string");
    pgy_tensor *x = NULL;
    assert_ok(px_tensor_new_strings(1, dims, words, &x));
    pgy_outputs out = {0};
    assert_ok(run(&f, &x, &out));
    const pgy_string *y = output(&out, "y")->data;
    for (size_t i = 0; i < PX_COUNTOF(words); i++) {
        assert_int_equal(y[i].len, words[i].len);
        assert_memory_equal(y[i].ptr, words[i].ptr, words[i].len);
    }
    px_outputs_clear(&out);
    pgy_tensor_free(x);

    static const int64_t none[] = {0};
    assert_ok(px_tensor_new_strings(1, none, NULL, &x));
    assert_ok(run(&f, &x, &out));
    assert_dims(output(&out, "y"), 1, none);
    px_outputs_clear(&out);
    pgy_tensor_free(x);
    close_model(&f);
}

static void shapes_may_change_and_be_empty(void **state)
{
    static const int64_t lengths[] = {2, 0, 5, 1, 2};
    fixture f = open_model("conf_length");
    for (size_t i = 0; i < PX_COUNTOF(lengths); i++) {
        const int64_t dims[] = {lengths[i], 3};
        pgy_tensor *x = new_tensor(PGY_DTYPE_F32, 2, dims);
        for (int64_t k = 0; k < x->count; k++)
            ((float *)x->data)[k] = (float)(k + (int64_t)i);
        pgy_outputs out = {0};
        assert_ok(run(&f, &x, &out));
        assert_dims(output(&out, "y"), 2, dims);
        assert_memory_equal(output(&out, "y")->data, x->data, x->size);
        assert_memory_equal(output(&out, "shape")->data, dims, sizeof dims);
        px_outputs_clear(&out);
        pgy_tensor_free(x);
    }
    close_model(&f);
}

static void a_buffer_may_be_filled_anew(void **state)
{
    static const int64_t dims[] = {1, 1, 2, 2};
    fixture f = open_model("identity");
    pgy_tensor *x = new_tensor(PGY_DTYPE_F32, 4, dims);
    pgy_outputs out[3] = {{0}};
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 4; k++)
            ((float *)x->data)[k] = (float)(10 * i + k);
        assert_ok(run(&f, &x, &out[i]));
    }
    /* Earlier outputs are not overwritten by later iterations. */
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 4; k++)
            assert_true(((const float *)output(&out[i], "y")->data)[k] == (float)(10 * i + k));
        px_outputs_clear(&out[i]);
    }
    pgy_tensor_free(x);
    close_model(&f);
}

static void elapsed_is_part_of_the_call(void **state)
{
    static const int64_t dims[] = {1, 1, 2, 2};
    fixture f = open_model("identity");
    pgy_tensor *x = new_tensor(PGY_DTYPE_F32, 4, dims);
    pgy_outputs out = {0};
    const uint64_t start_ns = px_time_ns();
    assert_ok(run(&f, &x, &out));
    const uint64_t took_ns = px_time_ns() - start_ns;
    assert_true(out.elapsed_ns > 0);
    assert_true(out.elapsed_ns <= took_ns);
    px_outputs_clear(&out);
    pgy_tensor_free(x);
    close_model(&f);
}

static void outputs_outlive_the_session(void **state)
{
    static const int64_t dims[] = {1, 1, 2, 2};
    fixture f = open_model("identity");
    pgy_tensor *x = new_tensor(PGY_DTYPE_F32, 4, dims);
    ((float *)x->data)[3] = 4.5f;
    pgy_outputs out = {0};
    assert_ok(run(&f, &x, &out));
    pgy_tensor_free(x);
    close_model(&f);
    assert_true(((const float *)output(&out, "y")->data)[3] == 4.5f);
    px_outputs_clear(&out);
}

static void sessions_are_independent(void **state)
{
    static const int64_t a_dims[] = {1, 1, 2, 2}, b_dims[] = {4, 3};
    fixture a = open_model("identity"), b = open_model("dyn");
    pgy_tensor *x = new_tensor(PGY_DTYPE_F32, 4, a_dims), *z = new_tensor(PGY_DTYPE_F32, 2, b_dims);
    pgy_outputs of_a = {0}, of_b = {0};
    assert_ok(run(&b, &z, &of_b));
    assert_ok(run(&a, &x, &of_a));
    close_model(&a);
    px_outputs_clear(&of_b);
    assert_ok(run(&b, &z, &of_b));
    assert_dims(output(&of_b, "out"), 2, (const int64_t[]){4, 4});
    px_outputs_clear(&of_a);
    px_outputs_clear(&of_b);
    pgy_tensor_free(x);
    pgy_tensor_free(z);
    close_model(&b);
}

static void a_failed_iteration_can_be_followed_by_another(void **state)
{
    static const int64_t data_dims[] = {2, 6}, shape_dims[] = {2};
    fixture f = open_model("reshape");
    pgy_tensor *x[] = {new_tensor(PGY_DTYPE_F32, 2, data_dims),
                       new_tensor(PGY_DTYPE_I64, 1, shape_dims)};
    int64_t *shape = x[1]->data;
    pgy_outputs out = {0};
    shape[0] = 5;
    shape[1] = 5;
    pgy_status *st = run(&f, x, &out);
    assert_int_not_equal(pgy_status_code(st), PGY_OK);
    pgy_status_free(st);
    px_outputs_clear(&out);
    shape[0] = 3;
    shape[1] = 4;
    assert_ok(run(&f, x, &out));
    assert_dims(output(&out, "reshaped"), 2, shape);
    px_outputs_clear(&out);
    pgy_tensor_free(x[0]);
    pgy_tensor_free(x[1]);
    close_model(&f);
}

/* A sequence comes out as its length and its items; TensorFlow hands none out. */
static void sequences_are_taken_apart(void **state)
{
    static const char *const models[] = {"conf_sequence", "conf_sequence_untyped"};
    fixture f = {0};
    assert_fails(try_open("conf_sequence_in", &f), PGY_ERR_UNSUPPORTED, "'list' is a sequence");
    assert_null(f.session);
    for (size_t i = 0; i < PX_COUNTOF(models); i++) {
        static const int64_t dims[] = {2};
        pgy_status *st = try_open(models[i], &f);
        if (strcmp(ops->name, "tf") == 0) {
            assert_fails(st, PGY_ERR_UNSUPPORTED, "'pair'");
            continue;
        }
        assert_ok(st);
        pgy_tensor *x = new_tensor(PGY_DTYPE_F32, 1, dims);
        pgy_outputs out = {0};
        assert_ok(run(&f, &x, &out));
        assert_int_equal(out.n, 3);
        assert_int_equal(*(const int64_t *)output(&out, "pair.length")->data, 2);
        assert_dims(output(&out, "pair[0]"), 1, dims);
        assert_dims(output(&out, "pair[1]"), 1, dims);
        px_outputs_clear(&out);
        pgy_tensor_free(x);
        close_model(&f);
    }
}

static void unknown_operators_are_named(void **state)
{
    fixture f = {0};
    pgy_status *st = try_open("conf_unknown", &f);
    assert_int_not_equal(pgy_status_code(st), PGY_OK);
    assert_non_null(strstr(pgy_status_message(st), "NoSuchOperator"));
    pgy_status_free(st);
}

static void every_failing_allocation_is_survived(void **state)
{
    static const int64_t dims[] = {2, 3};
    const uint64_t live = px_mem_live();
    uint64_t nth = 1;
    for (bool passed = false; !passed; nth++) {
        assert_true(nth < 10000);
        fixture f = {0};
        pgy_tensor *x = new_tensor(PGY_DTYPE_F32, 2, dims);
        pgy_outputs out = {0};
        px_mem_fail_after(nth);
        pgy_status *st = try_open("conf_length", &f);
        if (st == NULL)
            st = run(&f, &x, &out);
        px_mem_fail_after(0);
        passed = st == NULL;
        if (!passed)
            assert_int_equal(pgy_status_code(st), PGY_ERR_NOMEM);
        pgy_status_free(st);
        px_outputs_clear(&out);
        pgy_tensor_free(x);
        if (f.session != NULL)
            close_model(&f);
        assert_int_equal(px_mem_live(), live);
    }
    assert_true(nth > 3); /* something was made to fail */
}

static int check_leaks(void **state)
{
    static uint64_t before;
    if (*state == NULL) {
        before = px_mem_live();
        *state = &before;
        return 0;
    }
    return px_mem_live() == before ? 0 : -1;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, check_leaks, check_leaks)

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: test_backend NAME\n");
        return 2;
    }
    assert_ok(pgy_context_new(&cx));
    ops = pgy_backend_find(cx, argv[1]);
    if (ops == NULL) {
        printf("SKIPPED: this build has no backend %s\n", argv[1]);
        pgy_context_free(cx);
        return 77;
    }
    pgy_status *st = ops->load(cx, NULL, &lib);
    if (st != NULL) {
        printf("SKIPPED: %s\n", pgy_status_message(st));
        const int code = pgy_status_code(st) == PGY_ERR_BACKEND ? 77 : 1;
        pgy_status_free(st);
        pgy_context_free(cx);
        return code;
    }
    const struct CMUnitTest tests[] = {
        CASE(inputs_are_described),
        CASE(bits_pass_unchanged),
        CASE(all_common_types_pass_unchanged),
        CASE(small_types_come_out_and_go_in),
        CASE(strings_keep_their_length),
        CASE(shapes_may_change_and_be_empty),
        CASE(a_buffer_may_be_filled_anew),
        CASE(elapsed_is_part_of_the_call),
        CASE(outputs_outlive_the_session),
        CASE(sessions_are_independent),
        CASE(a_failed_iteration_can_be_followed_by_another),
        CASE(sequences_are_taken_apart),
        CASE(unknown_operators_are_named),
        CASE(every_failing_allocation_is_survived),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    px_backend_unload(ops, lib);
    pgy_context_free(cx);
    return failed != 0;
}
