/* Layers of a comparison: order, the first failure, NaN, ranges of inputs, the table. */
#include "test_base.h"

#include "report/layers.h"

#include <math.h>

/* x -> a (Relu) -> b (Add with w) -> y (Exp). */
typedef struct toy {
    px_onnx_node nodes[3];
    px_str names[3][3];
    px_onnx_value_info input, output;
    px_onnx_tensor weight;
    px_onnx_model model;
    px_onnx_index index;
    float w[2];
    int64_t dims[1];
} toy;

static void toy_init(toy *t)
{
    static const char *const ops[] = {"Relu", "Add", "Exp"};
    static const char *const words[] = {"x", "a", "b", "y"};
    *t = (toy){
        .input = {.name = PX_STR("x")}, .output = {.name = PX_STR("y")}, .w = {-3, 4}, .dims = {2}};
    t->weight = (px_onnx_tensor){.name = PX_STR("w"),
                                 .dtype = PGY_DTYPE_F32,
                                 .data_type = 1,
                                 .rank = 1,
                                 .dims = t->dims,
                                 .raw = {(const char *)t->w, sizeof t->w}};
    for (int i = 0; i < 3; i++) {
        t->names[i][0] = px_str_of(words[i]);
        t->names[i][1] = PX_STR("w");
        t->names[i][2] = px_str_of(words[i + 1]);
        t->nodes[i] = (px_onnx_node){.name = PX_STR("node"),
                                     .op_type = px_str_of(ops[i]),
                                     .inputs = t->names[i],
                                     .n_inputs = i == 1 ? 2 : 1,
                                     .outputs = &t->names[i][2],
                                     .n_outputs = 1};
    }
    t->model.graph = (px_onnx_graph){.nodes = t->nodes,
                                     .n_nodes = 3,
                                     .inputs = &t->input,
                                     .n_inputs = 1,
                                     .outputs = &t->output,
                                     .n_outputs = 1,
                                     .initializers = &t->weight,
                                     .n_initializers = 1};
    assert_ok(px_onnx_index_init(&t->model, &t->index));
}

static px_output_result result(char *name, bool passed, double error, int64_t *dims)
{
    px_output_result r = {.name = name, .passed = passed, .rank = 1, .dims = dims};
    for (int i = 0; i < 2; i++)
        r.stats.of[i] = (px_stats){.min = -error, .max = i + error};
    r.stats.of[PX_OF_ABS].max = error;
    r.stats.of[PX_OF_REL].max = 2 * error;
    r.stats.ulp = (px_ulp){.given = true, .max = (uint64_t)error};
    return r;
}

static void the_first_failure_is_found(void **state)
{
    PX_UNUSED(state);
    toy t;
    int64_t dims[] = {2};
    toy_init(&t);
    /* Outputs in another order than the graph's; "other" is no layer. */
    px_output_result first[] = {result("y", false, 9, dims), result("other", false, 1, dims),
                                result("b", true, 1, dims), result("a", true, 5, dims)};
    px_output_result second[] = {result("y", false, 2, dims), result("other", true, 1, dims),
                                 result("b", false, 3, dims), result("a", true, 4, dims)};
    second[0].stats.of[1].n_inf = 7;
    second[0].stats.of[PX_OF_ABS].max = NAN;
    px_compared_iteration its[] = {{.at = first, .n = 4}, {.at = second, .n = 4}};
    px_pair_result pair = {.runner = {"r0", "r1"},
                           .funcs = {{.func = PX_COMPARE_SIMPLE, .at = its, .n = 2}},
                           .n_funcs = 1};
    px_layers layers;
    pgy_context *cx = NULL;
    assert_ok(pgy_context_new(&cx));
    assert_ok(px_layers_of(&t.index, &pair, &layers));
    assert_int_equal(layers.n, 3);
    assert_string_equal(layers.at[0].output, "a");
    assert_string_equal(layers.at[1].output, "b");
    assert_int_equal(layers.n_failed, 2);
    assert_int_equal(layers.first_failed, 1);
    assert_int_equal(layers.iteration, 1); /* b failed in the second iteration only */
    assert_int_equal(layers.first_bad, 2);
    assert_true(layers.at[0].error.max_abs == 5 && layers.at[0].error.max_ulp == 5);
    assert_true(isnan(layers.at[2].error.max_abs));
    assert_int_equal(layers.at[2].of[1].n_inf, 7);

    const px_layer_input *inputs;
    size_t n;
    assert_ok(px_layers_inputs(cx, &layers, &t.index, &layers.at[1], NULL, &inputs, &n));
    assert_int_equal(n, 2);
    assert_string_equal(inputs[0].kind, "layer");
    assert_true(inputs[0].of[1].max == 6 && inputs[0].of[0].min == -5);
    assert_string_equal(inputs[1].kind, "weight");
    assert_true(inputs[1].of[0].min == -3 && inputs[1].of[0].max == 4);
    assert_ok(px_layers_inputs(cx, &layers, &t.index, &layers.at[0], NULL, &inputs, &n));
    assert_string_equal(inputs[0].kind, "input");
    assert_false(inputs[0].of[0].known);

    px_buf b = {0};
    px_layers_print_one(&b, &layers, &layers.at[1], NULL, 0);
    assert_string_equal(px_buf_cstr(&b), "#1 Add 'node' gives 'b' of shape (2,)\n"
                                         "    Error: max abs 3, max rel 6, max ULP 3 | FAILED\n"
                                         "    Values: [-3, 3] and [-3, 4]");
    px_buf_fini(&b);
    px_layers_fini(&layers);
    px_onnx_index_fini(&t.index);
    pgy_context_free(cx);
}

static void long_lists_are_cut_around_the_failure(void **state)
{
    PX_UNUSED(state);
    enum { N = 50 };
    px_onnx_node node = {.name = PX_STR("n"), .op_type = PX_STR("Relu")};
    px_layer at[N];
    for (int i = 0; i < N; i++)
        at[i] = (px_layer){.output = "out",
                           .node = &node,
                           .position = (size_t)i,
                           .rank = -1,
                           .error = {.passed = i != 30}};
    px_layers layers = {.runner = {"r0", "r1"},
                        .at = at,
                        .n = N,
                        .n_failed = 1,
                        .first_failed = 30,
                        .first_bad = PX_NO_LAYER};
    px_buf b = {0};
    px_layers_print(&b, &layers, true);
    assert_non_null(strstr(px_buf_cstr(&b), "1 beyond tolerance"));
    assert_non_null(strstr(px_buf_cstr(&b), "\n    27  Relu"));
    assert_null(strstr(px_buf_cstr(&b), "\n    26  Relu"));
    assert_null(strstr(px_buf_cstr(&b), "\n    37  Relu"));
    assert_non_null(strstr(px_buf_cstr(&b), "(10 of 50 layers; -v shows all)"));
    b.len = 0;
    px_layers_print(&b, &layers, false);
    assert_non_null(strstr(px_buf_cstr(&b), "\n    49  Relu"));
    b.len = 0;
    layers.first_failed = PX_NO_LAYER;
    layers.n_failed = 0;
    px_layers_print(&b, &layers, true);
    assert_string_equal(px_buf_cstr(&b),
                        "Layers | r0 vs. r1 | 50 in the graph's order, all within tolerance");
    px_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_failure_is_found),
        cmocka_unit_test(long_lists_are_cut_around_the_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
