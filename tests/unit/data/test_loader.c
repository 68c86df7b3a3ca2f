/* Generated inputs: shapes, ranges, shape tensors, texts; and fitting feeds to a runner. */
#include "test_base.h"

#include "base/tensor.h"
#include "data/feed.h"
#include "data/loader.h"
#include "data/metadata.h"
#include "log_sink.h"

#include <math.h>

static const int64_t dims_dyn[] = {-1, -1, 3};
static const char *const dims_dyn_names[] = {NULL, "N", NULL};
static const int64_t dims_1_3[] = {1, 3};
static const int64_t dims_2[] = {2};
static const int64_t dims_3[] = {3};

static px_opt_shape shape(const char *name, int rank, const int64_t *dims)
{
    return (px_opt_shape){.name = name, .rank = rank, .dims = dims};
}

/* Generates iteration `index` and closes everything but the feed. */
static pgy_status *generate(log_sink *sink, const px_data_args *args, const px_opt_shapes *shapes,
                            const pgy_io *io, size_t n, int64_t index, px_feed *out)
{
    px_loader *loader = NULL;

    assert_ok(px_loader_open(sink->cx, args, shapes, io, n, &loader));
    pgy_status *const st = px_loader_feed(loader, index, out);
    px_loader_close(loader);
    return st;
}

static void dynamic_dims_become_one(void **state)
{
    log_sink sink;
    px_feed feed = {0};
    const px_data_args args = {0};
    const pgy_io io = {"x", PGY_DTYPE_F32, 3, dims_dyn, dims_dyn_names};

    log_sink_open(&sink, PGY_LOG_VERBOSE);
    assert_ok(generate(&sink, &args, NULL, &io, 1, 0, &feed));
    px_feed_clear(&feed);
    assert_ok(generate(&sink, &args, NULL, &io, 1, 1, &feed));
    assert_string_equal(
        px_buf_cstr(&sink.text),
        "[10] Generating data using numpy seed: 1\n"
        "[30] Input tensor: x [shape=BoundedShape([None, 'N', 3], min=None, max=None)] | Will "
        "generate data of shape: [1, 1, 3].\n"
        "If this is incorrect, please provide a custom data loader.\n"
        "[10] Input tensor: x | Generating input data in range: [0.0, 1.0]\n"
        "[10] Generating data using numpy seed: 2\n");
    assert_int_equal(feed.tensors[0]->count, 3);
    assert_true(((float *)feed.tensors[0]->data)[0] == 0.4359948933124542f);
    px_feed_fini(&feed);
    log_sink_close(&sink);
}

static void user_shapes_override(void **state)
{
    log_sink sink;
    px_feed feed = {0};
    const px_data_args args = {0};
    static const int64_t d23[] = {2, 3}, d43[] = {4, 3}, any3[] = {-1, 3}, two_dyn[] = {2, -1, 3};
    const pgy_io io[] = {{"x", PGY_DTYPE_F32, 2, any3, NULL}, {"xy", PGY_DTYPE_F32, 2, any3, NULL}};
    px_opt_shape at[] = {shape("x*", 2, d23), shape("xy", 2, d43), shape("XYZ", 1, dims_2),
                         shape("q?", 1, dims_2)};
    const px_opt_shapes shapes = {.given = true, .n = 4, .at = at};

    log_sink_open(&sink, PGY_LOG_INFO);
    assert_ok(generate(&sink, &args, &shapes, io, 2, 0, &feed));
    assert_string_equal(
        px_buf_cstr(&sink.text),
        "[30] Input tensor: XYZ | Metadata was provided, but the input does not exist in one or "
        "more runners.\nMaybe you meant to set: x?\n"
        "[30] Input tensor wildcard: q? | Metadata was provided, but none of the matched inputs "
        "exist in one or more runners.\n");
    assert_int_equal(feed.tensors[0]->dims[0], 2);
    assert_int_equal(feed.tensors[1]->dims[0], 4);
    px_feed_fini(&feed);

    px_buf_fini(&sink.text);
    at[0] = shape("x", 3, two_dyn);
    at[1] = shape("xy", 2, dims_1_3);
    const pgy_io fixed[] = {{"x", PGY_DTYPE_F32, 3, dims_dyn, dims_dyn_names},
                            {"xy", PGY_DTYPE_F32, 2, d23, NULL}};
    const px_opt_shapes wrong = {.given = true, .n = 2, .at = at};
    assert_ok(generate(&sink, &args, &wrong, fixed, 2, 0, &feed));
    assert_string_equal(
        px_buf_cstr(&sink.text),
        "[30] Input tensor: x [shape=BoundedShape([None, 'N', 3], min=None, max=None)] | "
        "Provided input shape: BoundedShape([2, -1, 3], min=None, max=None) is dynamic.\n"
        "Dynamic shapes cannot be used to generate inference data. Will use default shape "
        "instead.\nTo avoid this, please provide a fixed shape to the data loader. \n"
        "[30] Input tensor: x [shape=BoundedShape([None, 'N', 3], min=None, max=None)] | Will "
        "generate data of shape: [1, 1, 3].\n"
        "If this is incorrect, please provide a custom data loader.\n"
        "[30] Input tensor: xy [shape=BoundedShape([2, 3], min=None, max=None)] | Cannot use "
        "provided custom shape: BoundedShape([1, 3], min=None, max=None) to override tensor shape. "
        "Will use default shape instead.\n");
    px_feed_fini(&feed);
    log_sink_close(&sink);
}

static void shape_tensors_hold_the_shape(void **state)
{
    log_sink sink;
    px_feed feed = {0};
    const px_data_args args = {0};
    static const int64_t values[] = {2, 50, 7};
    px_opt_shape at[] = {shape("s", 3, values)};
    const px_opt_shapes shapes = {.given = true, .n = 1, .at = at};
    const pgy_io io[] = {{"s", PGY_DTYPE_I32, 1, dims_3, NULL},
                         {"x", PGY_DTYPE_F32, 1, dims_2, NULL}};

    log_sink_open(&sink, PGY_LOG_INFO);
    assert_ok(generate(&sink, &args, &shapes, io, 2, 0, &feed));
    assert_non_null(
        strstr(px_buf_cstr(&sink.text),
               "Assuming s is a shape tensor. Setting input values to: [ 2 50  7]. If"));
    assert_int_equal(((int32_t *)feed.tensors[0]->data)[1], 50);
    assert_true(((float *)feed.tensors[1]->data)[0] ==
                0.4170219898223877f); /* drew nothing before */
    px_feed_fini(&feed);
    log_sink_close(&sink);
}

static void ranges_are_found_and_checked(void **state)
{
    log_sink sink;
    px_feed feed = {0};
    px_val_range ranges[] = {
        {"", {.kind = PX_CAST_INT, .i = 2, .f = 2}, {.kind = PX_CAST_INT, .i = 5, .f = 5}},
        {"y", {.kind = PX_CAST_FLOAT, .f = -1.5}, {.kind = PX_CAST_INT, .i = 3, .f = 3}},
        {"nope", {.kind = PX_CAST_INT}, {.kind = PX_CAST_INT}}};
    px_data_args args = {.ranges = ranges, .n_ranges = 3};
    const pgy_io io[] = {{"x", PGY_DTYPE_F32, 1, dims_2, NULL},
                         {"i", PGY_DTYPE_I64, 1, dims_2, NULL},
                         {"b", PGY_DTYPE_BOOL, 1, dims_2, NULL},
                         {"y", PGY_DTYPE_F64, 1, dims_2, NULL}};

    log_sink_open(&sink, PGY_LOG_VERBOSE);
    assert_ok(generate(&sink, &args, NULL, io, 4, 0, &feed));
    assert_string_equal(px_buf_cstr(&sink.text),
                        "[10] Generating data using numpy seed: 1\n"
                        "[10] Input tensor: x | Generating input data in range: [2.0, 5.0]\n"
                        "[10] Input tensor: i | Generating input data in range: [2, 5]\n"
                        "[10] Input tensor: b | Generating input data in range: [True, True]\n"
                        "[10] Input tensor: y | Generating input data in range: [-1.5, 3.0]\n"
                        "[30] Extra items in val_range: {'nope'}.\n"
                        "Note: items requested were: {'', 'x', 'i', 'b', 'y'}, but all items are: "
                        "{'', 'y', 'nope'}\n");
    assert_true(((float *)feed.tensors[0]->data)[0] == 3.251065969467163f);
    assert_int_equal(((int64_t *)feed.tensors[1]->data)[0], 5);
    assert_true(((double *)feed.tensors[3]->data)[1] == -0.8395984913229912);
    px_feed_fini(&feed);

    ranges[0].high = (px_cast){.kind = PX_CAST_FLOAT, .f = INFINITY};
    assert_fails(generate(&sink, &args, NULL, io, 2, 0, &feed), PGY_ERR_USAGE,
                 "--val-range: the range [2, inf] cannot be used for input i of type int64");
    ranges[0].high = (px_cast){.kind = PX_CAST_INT, .i = -3, .f = -3};
    assert_fails(generate(&sink, &args, NULL, io, 2, 0, &feed), PGY_ERR_USAGE, "above the upper");
    const pgy_io byte = {"i", PGY_DTYPE_I8, 1, dims_2, NULL};
    ranges[0].high = (px_cast){.kind = PX_CAST_INT, .i = 128, .f = 128};
    assert_fails(generate(&sink, &args, NULL, &byte, 1, 0, &feed), PGY_ERR_USAGE, "outside");
    args.seed = (px_opt_int){true, UINT32_MAX};
    assert_fails(generate(&sink, &args, NULL, io, 1, 1, &feed), PGY_ERR_USAGE,
                 "--seed: iteration 1");
    args.int_max = (px_opt_int){true, 3};
    args.seed = (px_opt_int){true, 1};
    assert_ok(generate(&sink, &args, NULL, &byte, 1, 0, &feed));
    assert_non_null(strstr(px_buf_cstr(&sink.text), "range: [1, 3]"));
    px_feed_fini(&feed);
    log_sink_close(&sink);
}

static void types_beyond_numpy_are_generated(void **state)
{
    log_sink sink;
    px_feed feed = {0};
    const px_data_args args = {0};
    const pgy_io io[] = {{"a", PGY_DTYPE_BF16, 1, dims_3, NULL},
                         {"b", PGY_DTYPE_F8E4M3FN, 1, dims_3, NULL},
                         {"c", PGY_DTYPE_U4, 1, dims_3, NULL},
                         {"s", PGY_DTYPE_STRING, 1, dims_3, NULL}};

    log_sink_open(&sink, PGY_LOG_ERROR);
    assert_ok(generate(&sink, &args, NULL, io, 3, 0, &feed));
    assert_int_equal(((uint16_t *)feed.tensors[0]->data)[0], 0x3ed6);
    assert_fails(generate(&sink, &args, NULL, io, 4, 0, &feed), PGY_ERR_UNSUPPORTED,
                 "Input tensor: s | No data can be generated for type string");
    px_feed_fini(&feed);
    log_sink_close(&sink);
}

/* --- feeds --- */

static pgy_tensor *floats(int rank, const int64_t *dims)
{
    pgy_tensor *t = NULL;

    assert_ok(pgy_tensor_new(PGY_DTYPE_F32, rank, dims, &t));
    for (int64_t i = 0; i < t->count; i++)
        ((float *)t->data)[i] = (float)i;
    return t;
}

static void feeds_are_fitted(void **state)
{
    log_sink sink;
    px_feed feed = {0}, out = {0};
    static const int64_t d23[] = {2, 3}, d32[] = {-1, 2}, d6[] = {6};
    const pgy_io io[] = {{"x", PGY_DTYPE_I8, 2, d32, NULL}, {"other", PGY_DTYPE_F32, 1, d6, NULL}};

    log_sink_open(&sink, PGY_LOG_INFO);
    assert_ok(px_feed_add(&feed, "X:0", floats(2, d23)));
    assert_ok(px_feed_add(&feed, "p", floats(2, d23)));
    assert_ok(px_feed_add(&feed, "extra", floats(2, d23)));
    ((float *)feed.tensors[0]->data)[5] = 1000;
    const pgy_feed view = px_feed_view(&feed);
    assert_ok(px_feed_adapt(sink.cx, &view, io, 2, NULL, 0, &out));
    assert_string_equal(
        px_buf_cstr(&sink.text),
        "[30] Input tensor: x | Buffer name (X:0) does not match expected input name (x).\n"
        "[30] Input tensor: x | Buffer dtype (float32) does not match expected input dtype (int8), "
        "attempting to cast. \n"
        "[30] Some values in this input are out of range of int8. Unexpected behavior may ensue!\n"
        "[30] Input tensor: x | Buffer shape ((2, 3)) does not match expected input shape "
        "(BoundedShape([None, 2], min=None, max=None)). Attempting to transpose/reshape. \n"
        "[20] Permuted array of shape: (2, 3) to: (3, 2) using permutation [1, 0]\n"
        "[30] Input tensor: other | Buffer name (p) does not match expected input name (other).\n"
        "[30] Input tensor: other | Buffer shape ((2, 3)) does not match expected input shape "
        "(BoundedShape([6], min=None, max=None)). Attempting to transpose/reshape. \n"
        "[20] Reshaped array from shape: (2, 3) to: (6,)\n");
    assert_int_equal(out.n, 2);
    assert_int_equal(((int8_t *)out.tensors[0]->data)[1], 3);
    assert_int_equal(out.tensors[1]->rank, 1);
    px_feed_fini(&out);
    px_feed_fini(&feed);
    log_sink_close(&sink);
}

static void inputs_of_unknown_rank_are_scalars_unless_told(void **state)
{
    log_sink sink;
    px_feed feed = {0};
    px_loader *loader = NULL;
    const px_data_args args = {0};
    const int64_t d23[] = {2, 3};
    const pgy_io io = {"x", PGY_DTYPE_F32, -1, NULL, NULL};
    px_opt_shape given = shape("x", 2, d23);
    const px_opt_shapes shapes = {.given = true, .at = &given, .n = 1};

    PX_UNUSED(state);
    log_sink_open(&sink, PGY_LOG_WARNING);
    for (int told = 0; told < 2; told++) {
        assert_ok(px_loader_open(sink.cx, &args, told ? &shapes : NULL, &io, 1, &loader));
        assert_ok(px_loader_feed(loader, 0, &feed));
        assert_int_equal(feed.tensors[0]->rank, told ? 2 : 0);
        assert_int_equal(feed.tensors[0]->count, told ? 6 : 1);
        px_feed_fini(&feed);
        px_loader_close(loader);
    }
    assert_string_equal(px_buf_cstr(&sink.text), "");
    log_sink_close(&sink);
}

static void unusable_buffers_are_refused_or_regenerated(void **state)
{
    log_sink sink;
    px_feed feed = {0}, out = {0};
    px_loader *loader = NULL;
    const px_data_args args = {0};
    static const int64_t d23[] = {2, 3}, d42[] = {4, 2};
    const pgy_io io = {"x", PGY_DTYPE_F32, 2, d42, NULL};

    log_sink_open(&sink, PGY_LOG_ERROR);
    assert_ok(px_feed_add(&feed, "x", floats(2, d23)));
    const pgy_feed view = px_feed_view(&feed);
    assert_fails(px_feed_adapt(sink.cx, &view, &io, 1, NULL, 0, &out), PGY_ERR_USAGE,
                 "Note: Cached input: [dtype=float32, shape=(2, 3)], Requested input: "
                 "[dtype=float32, shape=BoundedShape([4, 2], min=None, max=None)]");
    assert_ok(px_loader_open(sink.cx, &args, NULL, &io, 1, &loader));
    assert_ok(px_feed_adapt(sink.cx, &view, &io, 1, loader, 0, &out));
    assert_int_equal(out.tensors[0]->count, 8);
    px_loader_close(loader);
    px_feed_fini(&out);
    px_feed_fini(&feed);
    log_sink_close(&sink);
}

static void metadata_prints_as_the_reference_does(void **state)
{
    px_buf b = {0};
    const pgy_io io[] = {{"a", PGY_DTYPE_F32, 2, dims_1_3, NULL},
                         {"b", PGY_DTYPE_I64, 0, NULL, NULL},
                         {"c", PGY_DTYPE_UNKNOWN, 1, dims_2, NULL},
                         {"d", PGY_DTYPE_BOOL, -1, NULL, NULL},
                         {"e", PGY_DTYPE_UNKNOWN, -1, NULL, NULL},
                         {"f", PGY_DTYPE_F16, 3, dims_dyn, dims_dyn_names}};

    px_metadata_print(&b, io, 6);
    assert_string_equal(px_buf_cstr(&b), "{a [dtype=float32, shape=(1, 3)],\n b [dtype=int64, "
                                         "shape=()],\n c [shape=(2,)],\n d [dtype=bool],\n e,\n f "
                                         "[dtype=float16, shape=(None, 'N', 3)]}");
    px_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dynamic_dims_become_one),
        cmocka_unit_test(user_shapes_override),
        cmocka_unit_test(shape_tensors_hold_the_shape),
        cmocka_unit_test(ranges_are_found_and_checked),
        cmocka_unit_test(types_beyond_numpy_are_generated),
        cmocka_unit_test(feeds_are_fitted),
        cmocka_unit_test(inputs_of_unknown_rank_are_scalars_unless_told),
        cmocka_unit_test(unusable_buffers_are_refused_or_regenerated),
        cmocka_unit_test(metadata_prints_as_the_reference_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
