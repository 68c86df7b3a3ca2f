/* TensorFlow's graph files: what is found in them, and what is refused. */
#include "test_base.h"

#include "model/graphdef.h"
#include "model/pb_write.h"

static px_str message(px_pb_out *o)
{
    char *bytes = px_mem_alloc((size_t)o->size + 1);
    assert_non_null(bytes);
    px_pb_out_copy(o, bytes);
    const px_str text = {bytes, (size_t)o->size};
    px_pb_out_fini(o);
    return text;
}

static void put_node(px_pb_out *o, uint32_t number, const char *name, const char *op)
{
    px_pb_mark node = px_pb_open(o);
    px_pb_put_bytes(o, 1, px_str_of(name));
    px_pb_put_bytes(o, 2, px_str_of(op));
    px_pb_close(o, node, number);
}

static void put_graph(px_pb_out *o)
{
    put_node(o, 1, "x", "Placeholder");
    put_node(o, 1, "y", "Relu");
    px_pb_mark library = px_pb_open(o), function = px_pb_open(o);
    put_node(o, 3, "z", "Neg");
    px_pb_close(o, function, 1);
    px_pb_close(o, library, 2);
}

/* A signature with an input and two outputs. */
static void put_signature(px_pb_out *o, const char *key, const char *input)
{
    static const struct {
        const char *key, *tensor;
        uint32_t number;
    } entries[] = {{"b", "y:1", 2}, {"a", "y:0", 2}};
    px_pb_mark entry = px_pb_open(o);
    px_pb_put_bytes(o, 1, px_str_of(key));
    px_pb_mark signature = px_pb_open(o), in = px_pb_open(o);
    px_pb_put_bytes(o, 1, PX_STR("in"));
    px_pb_mark info = px_pb_open(o);
    px_pb_put_bytes(o, 1, px_str_of(input));
    px_pb_close(o, info, 2);
    px_pb_close(o, in, 1);
    for (size_t i = 0; i < PX_COUNTOF(entries); i++) {
        px_pb_mark out = px_pb_open(o);
        px_pb_put_bytes(o, 1, px_str_of(entries[i].key));
        info = px_pb_open(o);
        px_pb_put_bytes(o, 1, px_str_of(entries[i].tensor));
        px_pb_close(o, info, 2);
        px_pb_close(o, out, entries[i].number);
    }
    px_pb_close(o, signature, 2);
    px_pb_close(o, entry, 5);
}

static void put_meta(px_pb_out *o, const char *tag, const char *input)
{
    px_pb_mark info = px_pb_open(o);
    px_pb_put_bytes(o, 4, px_str_of(tag));
    px_pb_close(o, info, 1);
    px_pb_mark graph = px_pb_open(o);
    put_graph(o);
    px_pb_close(o, graph, 2);
    px_pb_mark saver = px_pb_open(o);
    px_pb_put_bytes(o, 1, PX_STR("save/Const:0"));
    px_pb_put_bytes(o, 3, PX_STR("save/restore_all"));
    px_pb_close(o, saver, 3);
    put_signature(o, "__saved_model_init_op", "wrong:0");
    put_signature(o, "other", "other:0");
    put_signature(o, "serving_default", input);
}

static void a_graph_is_walked(void **state)
{
    px_pb_out o = {0};
    px_graphdef graph = {0};
    put_graph(&o);
    const px_str bytes = message(&o);
    assert_ok(px_graphdef_read(bytes, &graph));
    assert_int_equal(graph.n_nodes, 2);
    assert_int_equal(graph.n_functions, 1);
    px_mem_free((void *)(uintptr_t)bytes.ptr);
}

static void every_cut_is_refused_or_read(void **state)
{
    px_pb_out o = {0};
    put_graph(&o);
    const px_str bytes = message(&o);
    size_t n_read = 0;
    for (size_t len = 0; len < bytes.len; len++) {
        px_graphdef graph = {0};
        pgy_status *st = px_graphdef_read((px_str){bytes.ptr, len}, &graph);
        n_read += st == NULL;
        if (st != NULL)
            assert_int_equal(pgy_status_code(st), PGY_ERR_MODEL);
        pgy_status_free(st);
    }
    assert_int_equal(n_read, 2); /* behind each node */
    px_mem_free((void *)(uintptr_t)bytes.ptr);
}

static void a_node_needs_an_operator(void **state)
{
    px_pb_out o = {0};
    px_graphdef graph;
    put_node(&o, 1, "x", "");
    const px_str bytes = message(&o);
    pgy_status *st = px_graphdef_read(bytes, &graph);
    assert_non_null(st);
    assert_non_null(strstr(pgy_status_message(st), "'x' has no operator"));
    pgy_status_free(st);
    px_mem_free((void *)(uintptr_t)bytes.ptr);
}

static void signatures_are_sorted_and_chosen(void **state)
{
    px_pb_out o = {0};
    px_metagraph meta = {0};
    put_meta(&o, "serve", "x:0");
    const px_str bytes = message(&o);
    assert_ok(px_metagraph_read(bytes, &meta));
    assert_true(px_str_is(meta.restore_op, "save/restore_all"));
    assert_true(px_str_is(meta.filename_tensor, "save/Const:0"));
    assert_int_equal(meta.n_inputs, 1);
    assert_true(px_str_is(meta.inputs[0].tensor, "x:0"));
    assert_int_equal(meta.n_outputs, 2);
    assert_true(px_str_is(meta.outputs[0].tensor, "y:0"));
    assert_true(px_str_is(meta.outputs[1].key, "b"));
    px_metagraph_fini(&meta);
    px_mem_free((void *)(uintptr_t)bytes.ptr);
}

static void the_graph_to_serve_is_taken(void **state)
{
    static const char *const tags[] = {"train", "serve", "gpu"}, *const inputs[] = {"t", "s", "g"};
    px_pb_out o = {0};
    px_metagraph meta = {0};
    for (size_t i = 0; i < PX_COUNTOF(tags); i++) {
        px_pb_mark graph = px_pb_open(&o);
        put_meta(&o, tags[i], inputs[i]);
        px_pb_close(&o, graph, 2);
    }
    const px_str bytes = message(&o);
    assert_ok(px_saved_model_read(bytes, &meta));
    assert_true(px_str_is(meta.inputs[0].tensor, "s"));
    assert_true(px_str_is(meta.tags[0], "serve"));
    px_metagraph_fini(&meta);
    px_mem_free((void *)(uintptr_t)bytes.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_graph_is_walked),
        cmocka_unit_test(every_cut_is_refused_or_read),
        cmocka_unit_test(a_node_needs_an_operator),
        cmocka_unit_test(signatures_are_sorted_and_chosen),
        cmocka_unit_test(the_graph_to_serve_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
