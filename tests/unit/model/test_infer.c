/* Shape inference: the dims' arithmetic, the shared geometry, and graphs that are built here. */
#include "test_model.h"

#include "model/geometry.h"
#include "model/infer/dim.h"
#include "model/onnx_infer.h"

/* --- dims --- */

static void arithmetic_keeps_one_form(void **state)
{
    PX_UNUSED(state);
    px_dim_table t = {0};
    const px_dim n = px_dim_named(&t, PX_STR("N")), m = px_dim_named(&t, PX_STR("M"));
    const px_dim two = px_dim_const(2);
    px_dim d = px_dim_calc(&t, PX_DIM_ADD, n, two);
    d = px_dim_calc(&t, PX_DIM_SUB, d, two);
    assert_true(px_dim_eq(d, n));
    assert_true(px_str_is(px_dim_name(&t, d), "N"));
    d = px_dim_calc(&t, PX_DIM_MUL, n, px_dim_const(6));
    assert_true(px_dim_eq(px_dim_calc(&t, PX_DIM_DIV, d, px_dim_const(6)), n));
    assert_true(px_dim_is(px_dim_calc(&t, PX_DIM_SUB, n, n), 0));
    /* What leaves the form is the same unknown each time, in either order. */
    assert_true(px_dim_eq(px_dim_calc(&t, PX_DIM_ADD, n, m), px_dim_calc(&t, PX_DIM_ADD, m, n)));
    assert_false(px_dim_eq(px_dim_calc(&t, PX_DIM_SUB, n, m), px_dim_calc(&t, PX_DIM_SUB, m, n)));
    assert_false(t.failed);
    px_dim_table_fini(&t);
}

static void overflow_is_unknown(void **state)
{
    PX_UNUSED(state);
    px_dim_table t = {0};
    const px_dim huge = px_dim_const(INT64_MAX), least = px_dim_const(INT64_MIN);
    const px_dim n = px_dim_named(&t, PX_STR("N"));
    assert_false(px_dim_is_const(px_dim_calc(&t, PX_DIM_ADD, huge, px_dim_const(1))));
    assert_false(px_dim_is_const(px_dim_calc(&t, PX_DIM_MUL, huge, px_dim_const(2))));
    assert_false(px_dim_is_const(px_dim_calc(&t, PX_DIM_DIV, least, px_dim_const(-1))));
    assert_false(px_dim_is_const(px_dim_calc(&t, PX_DIM_DIV, huge, px_dim_const(0))));
    assert_true(px_dim_is(px_dim_calc(&t, PX_DIM_MOD, least, px_dim_const(-1)), 0));
    const px_dim many[] = {huge, huge, n, least, huge};
    assert_false(px_dim_is_const(px_dim_product(&t, many, PX_COUNTOF(many))));
    px_dim sum = px_dim_calc(&t, PX_DIM_ADD, n, least), out;
    (void)px_dim_quotient(&t, &sum, 1, &least, 1, &out);
    px_dim_table_fini(&t);
}

static void products_cancel(void **state)
{
    PX_UNUSED(state);
    px_dim_table t = {0};
    const px_dim n = px_dim_named(&t, PX_STR("N")), m = px_dim_named(&t, PX_STR("M"));
    const px_dim n1 = px_dim_calc(&t, PX_DIM_ADD, n, px_dim_const(1));
    const px_dim all[] = {n, px_dim_const(4), m, n1}, some[] = {m, px_dim_const(2), n};
    px_dim out;
    assert_true(px_dim_quotient(&t, all, 4, some, 3, &out)); /* 2 * (N + 1) */
    assert_int_equal(out.base, 2);
    assert_int_equal(out.times, 2);
    assert_int_equal(out.sym, n.sym);
    /* A product is taken apart again. */
    const px_dim flat = px_dim_product(&t, all, 4);
    assert_true(px_dim_quotient(&t, &flat, 1, some, 3, &out));
    assert_int_equal(out.base, 2);
    const px_dim three = px_dim_const(3);
    assert_false(px_dim_quotient(&t, all, 4, &three, 1, &out));
    px_dim_table_fini(&t);
}

static void comparison_needs_proof(void **state)
{
    PX_UNUSED(state);
    px_dim_table t = {0};
    const px_dim n = px_dim_named(&t, PX_STR("N")), any = px_dim_new(&t, false);
    assert_true(px_dim_differ(&t, n, px_dim_const(-1)));
    assert_false(px_dim_differ(&t, any, px_dim_const(-1)));
    assert_false(px_dim_differ(&t, n, px_dim_const(3)));
    assert_true(px_dim_differ(&t, n, px_dim_calc(&t, PX_DIM_ADD, n, px_dim_const(1))));
    assert_true(px_dim_is_nonneg(&t, n));
    assert_false(px_dim_is_nonneg(&t, px_dim_calc(&t, PX_DIM_SUB, n, px_dim_const(1))));
    px_dim_table_fini(&t);
}

/* --- geometry --- */

static void geometry_refuses_extremes(void **state)
{
    PX_UNUSED(state);
    int axis = 0, axes[PX_MAX_RANK];
    int64_t a = INT64_MIN, b = INT64_MAX, out[PX_MAX_RANK];
    assert_false(px_geo_axis(INT64_MIN, 4, &axis));
    assert_false(px_geo_axes((int64_t[]){0, -4}, 2, 4, axes));
    assert_int_equal(px_geo_slice(5, &a, &b, INT64_MIN), 0);
    a = -1;
    b = INT64_MIN;
    assert_int_equal(px_geo_slice(5, &a, &b, -1), 5);
    assert_int_equal(px_geo_padded(3, INT64_MAX, INT64_MAX), PX_GEO_NONE);
    assert_int_equal(px_geo_padded(3, -2, -2), PX_GEO_NONE);
    assert_int_equal(px_geo_range_int(INT64_MIN, INT64_MAX, 1), INT64_MAX);
    assert_int_equal(px_geo_range_int(0, 5, 0), PX_GEO_NONE);
    assert_int_equal(px_geo_scaled(3, 1e300), PX_GEO_NONE);
    assert_non_null(px_geo_reshape(2, (int64_t[]){2, 3}, (int64_t[]){-1, -1}, 2, false, out));
    assert_non_null(px_geo_reshape(2, (int64_t[]){INT64_MAX, 3}, (int64_t[]){-1}, 1, false, out));
    assert_null(px_geo_reshape(2, (int64_t[]){2, 3}, (int64_t[]){0, -1, 3}, 3, false, out));
    assert_int_equal(out[1], 1);
}

static void windows_have_the_standards_sizes(void **state)
{
    PX_UNUSED(state);
    px_geo_window w = {.kernel = 3, .stride = 2, .dilation = 1, .pad = 1, .pad_end = 1};
    assert_int_equal(px_geo_window_out(&w, 7), 4);
    w.is_ceil = true;
    assert_int_equal(px_geo_window_out(&w, 8), 5);
    w = (px_geo_window){
        .kernel = 3, .stride = 2, .dilation = 1, .auto_pad = PX_GEO_PAD_SAME_UPPER, .wanted = -1};
    assert_int_equal(px_geo_window_out(&w, 8), 4);
    assert_int_equal(w.pad, 0);
    assert_int_equal(w.pad_end, 1);
    w.auto_pad = PX_GEO_PAD_NOTSET;
    w.pad_end = 0;
    assert_int_equal(px_geo_transposed_out(&w, 4), 9);
    w.must_fit = true;
    assert_int_equal(px_geo_window_out(&w, 2), PX_GEO_NONE);
}

/* --- graphs --- */

typedef struct graph {
    px_onnx_model m;
    px_onnx_opset opset;
    px_onnx_node nodes[16];
    px_onnx_tensor weights[8];
    px_onnx_value_info inputs[4], outputs[4];
    px_str names[64];
    px_onnx_attr attrs[16];
    px_onnx_dim dims[64];
    size_t n_names, n_attrs, n_dims;
} graph;

static void graph_init(graph *g, int64_t opset)
{
    memset(g, 0, sizeof *g);
    g->opset.version = opset;
    g->m.opsets = &g->opset;
    g->m.n_opsets = 1;
    g->m.graph = (px_onnx_graph){
        .nodes = g->nodes, .initializers = g->weights, .inputs = g->inputs, .outputs = g->outputs};
}

/* `dims`: "N,3,?": names, numbers, unknowns. */
static px_onnx_type type_of(graph *g, pgy_dtype dtype, const char *dims)
{
    px_onnx_type t = {.kind = PX_ONNX_TYPE_TENSOR, .dtype = dtype, .dims = &g->dims[g->n_dims]};
    while (*dims) {
        const size_t len = strcspn(dims, ",");
        px_onnx_dim *d = &g->dims[g->n_dims++];
        *d = (px_onnx_dim){.value = -1};
        if (*dims >= '0' && *dims <= '9')
            d->value = strtoll(dims, NULL, 10);
        else if (*dims != '?')
            d->symbol = (px_str){dims, len};
        dims += len + (dims[len] == ',');
        t.rank++;
    }
    return t;
}

static void add_input(graph *g, const char *name, pgy_dtype dtype, const char *dims)
{
    g->inputs[g->m.graph.n_inputs++] =
        (px_onnx_value_info){.name = px_str_of(name), .type = type_of(g, dtype, dims)};
}

static void add_ints(graph *g, const char *name, const int64_t *at, const int64_t *n)
{
    px_onnx_tensor *t = &g->weights[g->m.graph.n_initializers++];
    *t = (px_onnx_tensor){.name = px_str_of(name),
                          .dtype = PGY_DTYPE_I64,
                          .data_type = 7,
                          .rank = 1,
                          .dims = n,
                          .raw = {(const char *)at, (size_t)*n * sizeof *at}};
}

/* `words`: "out = Op in in". */
static px_onnx_node *add_node(graph *g, const char *words)
{
    px_onnx_node *n = &g->nodes[g->m.graph.n_nodes++];
    px_str at[16] = {{0}};
    size_t count = 0;
    while (*words) {
        const size_t len = strcspn(words, " ");
        at[count++] = (px_str){words, len};
        words += len + (words[len] == ' ');
    }
    n->op_type = at[2];
    n->outputs = &g->names[g->n_names];
    g->names[g->n_names++] = at[0];
    n->n_outputs = 1;
    n->inputs = &g->names[g->n_names];
    for (size_t i = 3; i < count; i++)
        g->names[g->n_names++] = px_str_is(at[i], "-") ? (px_str){0} : at[i];
    n->n_inputs = count - 3;
    n->attrs = &g->attrs[g->n_attrs];
    return n;
}

static void add_attr_i(graph *g, px_onnx_node *n, const char *name, int64_t value)
{
    g->attrs[g->n_attrs++] =
        (px_onnx_attr){.name = px_str_of(name), .type = PX_ONNX_ATTR_INT, .i = value};
    n->n_attrs++;
}

/* "float32[N,3,?]", "int64 of any rank", "nothing". */
static void assert_type(graph *g, const char *name, const char *want)
{
    px_onnx_types *types = NULL;
    px_buf b = {0};
    assert_ok(px_onnx_infer(NULL, &g->m, NULL, &types));
    const px_onnx_type *t = px_onnx_types_get(types, px_str_of(name));
    if (!t) {
        px_buf_puts(&b, "nothing");
    } else {
        px_buf_puts(&b, pgy_dtype_name(t->dtype));
        px_buf_puts(&b, t->rank < 0 ? " of any rank" : "[");
        for (int d = 0; d < t->rank; d++) {
            px_buf_puts(&b, d ? "," : "");
            if (t->dims[d].symbol.len)
                px_buf_putstr(&b, t->dims[d].symbol);
            else if (t->dims[d].value >= 0)
                px_buf_printf(&b, "%lld", (long long)t->dims[d].value);
            else
                px_buf_puts(&b, "?");
        }
        px_buf_puts(&b, t->rank < 0 ? "" : "]");
    }
    assert_string_equal(px_buf_cstr(&b), want);
    px_buf_fini(&b);
    px_onnx_types_free(types);
}

static void shapes_made_from_shapes_come_out(void **state)
{
    PX_UNUSED(state);
    static const int64_t zero = 0, one_n = 1, rest[] = {12, -1}, two_n = 2;
    graph g;
    graph_init(&g, 17);
    add_input(&g, "x", PGY_DTYPE_F32, "N,3,4,S");
    add_ints(&g, "zero", &zero, &one_n);
    add_ints(&g, "rest", rest, &two_n);
    add_node(&g, "shape = Shape x");
    add_attr_i(&g, add_node(&g, "n = Gather shape zero"), "axis", 0);
    add_attr_i(&g, add_node(&g, "want = Concat n rest"), "axis", 0);
    add_node(&g, "y = Reshape x want");
    assert_type(&g, "shape", "int64[4]");
    assert_type(&g, "want", "int64[3]");
    assert_type(&g, "y", "float32[N,12,S]");
}

static void dims_that_are_not_known_stay_apart(void **state)
{
    PX_UNUSED(state);
    graph g;
    graph_init(&g, 17);
    add_input(&g, "a", PGY_DTYPE_F32, "?,3");
    add_input(&g, "b", PGY_DTYPE_F32, "?,1");
    add_node(&g, "y = Add a b");
    add_node(&g, "z = Mul y nowhere");
    assert_type(&g, "y", "float32[?,3]");
    assert_type(&g, "z", "float32 of any rank");
}

static void inputs_may_get_the_shapes_of_the_run(void **state)
{
    PX_UNUSED(state);
    static const int64_t dims[] = {5, 3};
    const pgy_io io = {.name = "a", .dtype = PGY_DTYPE_F32, .rank = 2, .dims = dims};
    graph g;
    px_onnx_types *types = NULL;
    graph_init(&g, 17);
    add_input(&g, "a", PGY_DTYPE_F32, "N,3");
    add_node(&g, "y = Transpose a");
    assert_ok(
        px_onnx_infer(NULL, &g.m, &(px_onnx_infer_options){.inputs = &io, .n_inputs = 1}, &types));
    const px_onnx_type *t = px_onnx_types_get(types, PX_STR("y"));
    assert_int_equal(t->dims[1].value, 5);
    px_onnx_types_free(types);
}

/* Facts are in the order of nodes and their outputs; elements are given where all are constants. */
static void every_node_has_its_facts(void **state)
{
    PX_UNUSED(state);
    const px_onnx_infer_options how = {.every_graph = true};
    graph g;
    px_onnx_types *types = NULL;
    graph_init(&g, 17);
    add_input(&g, "x", PGY_DTYPE_F32, "N,3,4");
    add_node(&g, "shape = Shape x");
    add_node(&g, "rank = Shape shape");
    add_node(&g, "y = Relu x");
    assert_ok(px_onnx_infer(NULL, &g.m, &how, &types));
    const px_onnx_fact *facts = px_onnx_types_in(types, &g.m.graph);
    assert_non_null(facts);
    assert_null(facts[0].ints); /* N may be anything */
    assert_int_equal(facts[1].n_ints, 1);
    assert_int_equal(facts[1].ints[0], 3);
    assert_int_equal(facts[2].type.rank, 3);
    assert_null(facts[2].ints);
    assert_null(px_onnx_types_in(types, &(px_onnx_graph){0}));
    px_onnx_types_free(types);
    assert_ok(px_onnx_infer(NULL, &g.m, NULL, &types));
    assert_null(px_onnx_types_in(types, &g.m.graph)); /* not asked for */
    px_onnx_types_free(types);
}

/* Softmax keeps a shape in all versions; Squeeze moved its axes from an attribute to an input. */
static void axes_are_read_where_the_version_has_them(void **state)
{
    PX_UNUSED(state);
    static const int64_t one = 1, n = 1;
    graph g;
    graph_init(&g, 13);
    add_input(&g, "x", PGY_DTYPE_F32, "N,1,4");
    add_ints(&g, "axes", &one, &n);
    add_node(&g, "y = Squeeze x axes");
    assert_type(&g, "y", "float32[N,4]");
    g.opset.version = 11; /* there the second input does not exist, and no axes are given */
    assert_type(&g, "y", "float32 of any rank");
}

static void cycles_and_self_references_are_unknown(void **state)
{
    PX_UNUSED(state);
    graph g;
    graph_init(&g, 17);
    add_node(&g, "a = Relu b");
    add_node(&g, "b = Relu a");
    add_node(&g, "c = Relu c");
    assert_type(&g, "a", "nothing");
    assert_type(&g, "b", "nothing");
    assert_type(&g, "c", "nothing");
}

static void functions_that_call_themselves_end(void **state)
{
    PX_UNUSED(state);
    graph g;
    px_str in = PX_STR("p"), out = PX_STR("q"), mid = PX_STR("r");
    px_onnx_node body[] = {{.op_type = PX_STR("F"),
                            .domain = PX_STR("own"),
                            .inputs = &in,
                            .n_inputs = 1,
                            .outputs = &mid,
                            .n_outputs = 1},
                           {.op_type = PX_STR("F"),
                            .domain = PX_STR("own"),
                            .inputs = &mid,
                            .n_inputs = 1,
                            .outputs = &out,
                            .n_outputs = 1}};
    px_onnx_function f = {.domain = PX_STR("own"),
                          .name = PX_STR("F"),
                          .inputs = &in,
                          .n_inputs = 1,
                          .outputs = &out,
                          .n_outputs = 1,
                          .nodes = body,
                          .n_nodes = 2};
    graph_init(&g, 17);
    g.m.functions = &f;
    g.m.n_functions = 1;
    add_input(&g, "x", PGY_DTYPE_F32, "2");
    add_node(&g, "y = F x")->domain = PX_STR("own");
    assert_type(&g, "y", "nothing");
}

static void stated_dims_stay_unless_wrong(void **state)
{
    PX_UNUSED(state);
    graph g;
    size_t n = 0;
    graph_init(&g, 17);
    add_input(&g, "x", PGY_DTYPE_F32, "?,3,4");
    add_node(&g, "y = Relu x");
    g.outputs[0] =
        (px_onnx_value_info){.name = PX_STR("y"), .type = type_of(&g, PGY_DTYPE_F32, "B,7,?")};
    g.m.graph.n_outputs = 1;
    assert_ok(px_onnx_infer_shapes(NULL, &g.m, &n));
    assert_int_equal(n, 1);
    const px_onnx_type *t = &g.outputs[0].type;
    assert_true(px_str_is(t->dims[0].symbol, "B"));
    assert_int_equal(t->dims[1].value, 3); /* Relu keeps the 3 whatever the file says */
    assert_int_equal(t->dims[2].value, 4);
    px_arena_fini(&g.m.arena);
}

static void hostile_numbers_are_survived(void **state)
{
    PX_UNUSED(state);
    static const int64_t axes[] = {INT64_MIN, INT64_MAX}, n = 2;
    static const char *const ops[] = {"Squeeze", "Unsqueeze",       "ReduceSum", "Expand", "Tile",
                                      "Reshape", "ConstantOfShape", "Pad",       "Slice",  "Split"};
    for (size_t i = 0; i < PX_COUNTOF(ops); i++) {
        graph g;
        char words[64];
        px_onnx_types *types = NULL;
        snprintf(words, sizeof words, "y = %s x a a a a", ops[i]);
        graph_init(&g, 18);
        add_input(&g, "x", PGY_DTYPE_F32, "9223372036854775807,9223372036854775807");
        add_ints(&g, "a", axes, &n);
        add_attr_i(&g, add_node(&g, words), "axis", INT64_MIN);
        add_node(&g, "z = ConstantOfShape a");
        add_node(&g, "s = Size x");
        add_node(&g, "t = Range s s s");
        assert_ok(px_onnx_infer(NULL, &g.m, NULL, &types));
        px_onnx_types_free(types);
    }
}

static void every_allocation_may_fail(void **state)
{
    PX_UNUSED(state);
    static const int64_t rest[] = {0, -1}, n = 2;
    graph g;
    graph_init(&g, 17);
    add_input(&g, "x", PGY_DTYPE_F32, "N,3,4,S");
    add_ints(&g, "rest", rest, &n);
    add_node(&g, "shape = Shape x");
    add_node(&g, "double = Add shape shape");
    add_node(&g, "y = Reshape x rest");
    const uint64_t live = px_mem_live();
    bool passed = false;
    for (uint64_t k = 1; !passed && k < 10000; k++) {
        px_onnx_types *types = NULL;
        px_mem_fail_after(k);
        pgy_status *st =
            px_onnx_infer(NULL, &g.m, &(px_onnx_infer_options){.every_graph = true}, &types);
        px_mem_fail_after(0);
        passed = st == NULL;
        if (st)
            assert_int_equal(pgy_status_code(st), PGY_ERR_NOMEM);
        pgy_status_free(st);
        px_onnx_types_free(types);
        assert_int_equal(px_mem_live(), live);
    }
    assert_true(passed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_keeps_one_form),
        cmocka_unit_test(overflow_is_unknown),
        cmocka_unit_test(products_cancel),
        cmocka_unit_test(comparison_needs_proof),
        cmocka_unit_test(geometry_refuses_extremes),
        cmocka_unit_test(windows_have_the_standards_sizes),
        cmocka_unit_test(shapes_made_from_shapes_come_out),
        cmocka_unit_test(dims_that_are_not_known_stay_apart),
        cmocka_unit_test(inputs_may_get_the_shapes_of_the_run),
        cmocka_unit_test(every_node_has_its_facts),
        cmocka_unit_test(axes_are_read_where_the_version_has_them),
        cmocka_unit_test(cycles_and_self_references_are_unknown),
        cmocka_unit_test(functions_that_call_themselves_end),
        cmocka_unit_test(stated_dims_stay_unless_wrong),
        cmocka_unit_test(hostile_numbers_are_survived),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
