/* Parts of a graph: what they read and give, and graphs that are none. */
#include "test_model.h"

#include "model/onnx_part.h"
#include "model/onnx_write.h"

/* A graph over "x" of nodes with one output each; enough for what an index looks at. */
typedef struct toy {
    px_onnx_model model;
    px_onnx_node nodes[8];
    px_str names[8][4];
    px_onnx_value_info input, outputs[8];
    px_onnx_tensor weight;
} toy;

static void toy_node(toy *t, const char *op, const char *a, const char *b, const char *out)
{
    const size_t i = t->model.graph.n_nodes++;
    px_str *names = t->names[i];
    names[0] = px_str_of(a);
    names[1] = px_str_of(b ? b : "");
    names[2] = px_str_of(out);
    t->nodes[i] = (px_onnx_node){.name = names[2],
                                 .op_type = px_str_of(op),
                                 .inputs = names,
                                 .n_inputs = b ? 2 : 1,
                                 .outputs = names + 2,
                                 .n_outputs = 1};
}

static void toy_init(toy *t)
{
    *t = (toy){.input = {.name = PX_STR("x")}, .weight = {.name = PX_STR("w"), .rank = 0}};
    t->model.graph = (px_onnx_graph){.nodes = t->nodes,
                                     .inputs = &t->input,
                                     .n_inputs = 1,
                                     .initializers = &t->weight,
                                     .n_initializers = 1,
                                     .outputs = t->outputs};
}

static void toy_output(toy *t, const char *name)
{
    t->outputs[t->model.graph.n_outputs++] = (px_onnx_value_info){.name = px_str_of(name)};
}

static void assert_keys(const px_map *map, const char *expected)
{
    px_buf b = {0};
    for (size_t i = 0; i < map->n; i++) {
        px_buf_puts(&b, i ? " " : "");
        px_buf_putstr(&b, map->at[i].key);
    }
    assert_string_equal(px_buf_cstr(&b), expected);
    px_buf_fini(&b);
}

/* x -> a -> b -> y, c = b + w, y = c + k with a Constant k. */
static void toy_chain(toy *t)
{
    toy_init(t);
    toy_node(t, "Relu", "x", NULL, "a");
    toy_node(t, "Abs", "a", NULL, "b");
    toy_node(t, "Constant", "", NULL, "k");
    t->nodes[2].n_inputs = 0;
    toy_node(t, "Add", "b", "w", "c");
    toy_node(t, "Add", "c", "k", "y");
    toy_output(t, "y");
}

static void a_part_reads_and_gives_what_others_need(void **state)
{
    PX_UNUSED(state);
    toy t;
    px_onnx_index index;
    px_onnx_part part;
    toy_chain(&t);
    assert_ok(px_onnx_index_init(&t.model, &index));
    assert_true(px_onnx_is_constant(&index, PX_STR("w")));
    assert_true(px_onnx_is_constant(&index, PX_STR("k")));
    assert_false(px_onnx_is_constant(&index, PX_STR("b")));
    assert_ok(px_onnx_part_init(&index, (bool[]){false, true, false, true, false}, NULL, &part));
    assert_keys(&part.inputs, "a");
    assert_keys(&part.outputs, "c"); /* b is read inside only */
    px_onnx_part_fini(&part);
    /* The constant node comes along and is neither fed nor given. */
    assert_ok(px_onnx_part_init(&index, (bool[]){false, false, false, false, true}, NULL, &part));
    assert_keys(&part.inputs, "c");
    assert_keys(&part.outputs, "y");
    assert_true(part.has[2]);
    px_onnx_part_fini(&part);
    px_onnx_index_fini(&index);
}

static void upto_stops_at_known_tensors(void **state)
{
    PX_UNUSED(state);
    toy t;
    px_onnx_index index;
    px_map known = {0};
    bool has[5] = {0}, more[5] = {0};
    toy_chain(&t);
    assert_ok(px_onnx_index_init(&t.model, &index));
    assert_ok(px_map_set(&known, PX_STR("b"), NULL));
    assert_ok(px_onnx_part_upto(&index, &known, PX_STR("y"), has));
    assert_memory_equal(has, ((bool[]){false, false, false, true, true}), sizeof has);
    px_map_fini(&known);
    assert_ok(px_onnx_part_upto(&index, &known, PX_STR("c"), more));
    assert_memory_equal(more, ((bool[]){true, true, false, true, false}), sizeof more);
    px_onnx_index_fini(&index);
}

static void nodes_are_sorted(void **state)
{
    PX_UNUSED(state);
    toy t;
    px_onnx_index index;
    toy_init(&t);
    toy_node(&t, "Abs", "a", NULL, "y");
    toy_node(&t, "Relu", "x", NULL, "a");
    assert_ok(px_onnx_index_init(&t.model, &index));
    assert_int_equal(index.order[0], 1);
    assert_int_equal(index.order[1], 0);
    px_onnx_index_fini(&index);
}

static void assert_refused(const toy *t, const char *text)
{
    px_onnx_index index;
    pgy_status *st = px_onnx_index_init(&t->model, &index);
    assert_non_null(st);
    assert_int_equal(pgy_status_code(st), PGY_ERR_MODEL);
    assert_non_null(strstr(pgy_status_message(st), text));
    pgy_status_free(st);
}

static void graphs_that_are_none_are_refused(void **state)
{
    PX_UNUSED(state);
    toy t;
    toy_init(&t);
    toy_node(&t, "Add", "x", "b", "a");
    toy_node(&t, "Relu", "a", NULL, "b");
    assert_refused(&t, "cycle");
    toy_init(&t);
    toy_node(&t, "Relu", "a", NULL, "a");
    assert_refused(&t, "cycle");
    toy_init(&t);
    toy_node(&t, "Relu", "x", NULL, "y");
    toy_node(&t, "Abs", "x", NULL, "y");
    assert_refused(&t, "two nodes");
    toy_init(&t);
    toy_node(&t, "Add", "x", "nobody", "y");
    assert_refused(&t, "'nobody'");
}

/* Every model of the test data, cut node by node: what comes out can be written and read again. */
static void parts_of_real_models_are_models(void **state)
{
    PX_UNUSED(state);
    static const char *const names[] = {"branches.onnx", "loop.onnx", "function.onnx",
                                        "subgraphs.onnx", "weights.onnx"};
    for (size_t m = 0; m < PX_COUNTOF(names); m++) {
        pgy_model *model = open_model(NULL, names[m]);
        px_onnx_model *onnx = NULL;
        px_onnx_index index;
        assert_ok(px_model_onnx(model, &onnx));
        assert_ok(px_onnx_index_init(onnx, &index));
        for (size_t i = 0; i < onnx->graph.n_nodes; i++) {
            bool *has = px_mem_calloc(onnx->graph.n_nodes, sizeof *has);
            px_onnx_part part;
            px_onnx_model *cut = NULL, *again = NULL;
            px_onnx_image image = {0};
            has[i] = true;
            assert_ok(px_onnx_part_init(&index, has, NULL, &part));
            px_onnx_part_input *types =
                px_mem_calloc(part.inputs.n + 1, sizeof *types); /* rank 0, no type */
            for (size_t k = 0; k < part.inputs.n; k++)
                types[k].dtype = PGY_DTYPE_F32;
            assert_ok(px_onnx_part_build(&index, &part, types, &cut));
            assert_ok(px_onnx_write(cut, &(px_onnx_write_options){0}, &image));
            char *bytes = px_mem_alloc((size_t)image.message.size);
            px_pb_out_copy(&image.message, bytes);
            assert_ok(px_onnx_parse((px_str){bytes, (size_t)image.message.size}, ".", &again));
            assert_int_equal(again->graph.n_nodes, cut->graph.n_nodes);
            assert_int_equal(again->graph.n_outputs, part.outputs.n);
            px_onnx_index check;
            assert_ok(px_onnx_index_init(again, &check)); /* nothing it reads is missing */
            px_onnx_index_fini(&check);
            px_onnx_free(again);
            px_mem_free(bytes);
            px_onnx_image_fini(&image);
            px_onnx_free(cut);
            px_mem_free(types);
            px_onnx_part_fini(&part);
            px_mem_free(has);
        }
        px_onnx_index_fini(&index);
        pgy_model_close(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_reads_and_gives_what_others_need),
        cmocka_unit_test(upto_stops_at_known_tensors),
        cmocka_unit_test(nodes_are_sorted),
        cmocka_unit_test(graphs_that_are_none_are_refused),
        cmocka_unit_test(parts_of_real_models_are_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
