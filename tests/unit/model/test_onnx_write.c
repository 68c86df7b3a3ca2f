/* Writer and edits: unchanged bytes, patched types, memory that runs out, hostile models. */
#include "test_model.h"

#include "model/edit.h"
#include "model/onnx_write.h"

#include <unistd.h>

/* The bytes of a written model, which the caller frees. */
static px_str written(const px_onnx_model *m)
{
    px_onnx_image image = {0};
    assert_ok(px_onnx_write(m, &(px_onnx_write_options){0}, &image));
    char *bytes = px_mem_alloc((size_t)image.message.size);
    assert_non_null(bytes);
    px_pb_out_copy(&image.message, bytes);
    px_str out = {bytes, (size_t)image.message.size};
    px_onnx_image_fini(&image);
    return out;
}

static void nested_messages_get_their_lengths(void **state)
{
    PX_UNUSED(state);
    px_pb_out o = {0};
    char expected[2048] = {0}, got[2048] = {0};
    static const char long_text[300] = "long";
    px_pb_put_varint(&o, 1, 300);
    px_pb_mark outer = px_pb_open(&o), inner = px_pb_open(&o);
    px_pb_close(&o, inner, 3);
    inner = px_pb_open(&o);
    px_pb_put_bytes(&o, 4, (px_str){long_text, sizeof long_text});
    px_pb_close(&o, inner, 3);
    px_pb_close(&o, outer, 2);
    px_pb_put_varint(&o, 1, UINT64_MAX);
    assert_ok(px_pb_out_status(&o));
    /* 1: 300, 2: {3: {}, 3: {4: 300 bytes}}, 1: -1 */
    static const char head[] = "\x08\xac\x02\x12\xb4\x02\x1a\x00\x1a\xaf\x02\x22\xac\x02";
    static const char tail[] = "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    size_t n = sizeof head - 1;
    memcpy(expected, head, n);
    memcpy(expected + n, long_text, sizeof long_text);
    n += sizeof long_text;
    memcpy(expected + n, tail, sizeof tail - 1);
    n += sizeof tail - 1;
    assert_int_equal(o.size, n);
    px_pb_out_copy(&o, got);
    assert_memory_equal(got, expected, n);
    px_pb_out_fini(&o);
}

static void an_edited_type_keeps_everything_else(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = open_model(NULL, "dyn.onnx");
    px_onnx_model *m = NULL, *again = NULL;
    assert_ok(px_model_onnx(model, &m));
    m->graph.outputs[0].type.dtype = PGY_DTYPE_F16;
    m->graph.outputs[0].is_edited = true;
    px_str bytes = written(m);
    assert_ok(px_onnx_parse(bytes, ".", &again));
    const px_onnx_value_info *v = &again->graph.outputs[0];
    assert_int_equal(v->type.dtype, PGY_DTYPE_F16);
    assert_int_equal(v->type.rank, 2);
    assert_true(px_str_is(v->type.dims[0].symbol, "N"));
    assert_int_equal(v->type.dims[1].value, 4);
    px_onnx_free(again);
    px_mem_free((void *)(uintptr_t)bytes.ptr);
    pgy_model_close(model);
}

static void new_parts_are_written_in_full(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = open_model(NULL, "subgraphs.onnx");
    px_onnx_model *m = NULL, *again = NULL;
    assert_ok(px_model_onnx(model, &m));
    px_str in = PX_STR("y"), out = PX_STR("z");
    px_onnx_attr to = {.name = PX_STR("to"), .type = PX_ONNX_ATTR_INT, .i = PGY_DTYPE_F16};
    px_onnx_node nodes[] = {m->graph.nodes[0],
                            {.name = PX_STR("new"),
                             .op_type = PX_STR("Cast"),
                             .inputs = &in,
                             .n_inputs = 1,
                             .outputs = &out,
                             .n_outputs = 1,
                             .attrs = &to,
                             .n_attrs = 1}};
    const px_onnx_dim dims[] = {{.value = 2}, {.value = -1, .symbol = PX_STR("N")}, {.value = -1}};
    px_onnx_value_info outputs[] = {
        {.name = PX_STR("z"),
         .type = {.kind = PX_ONNX_TYPE_TENSOR, .dtype = PGY_DTYPE_F16, .rank = 3, .dims = dims}}};
    m->graph.nodes = nodes;
    m->graph.n_nodes = 2;
    m->graph.outputs = outputs;
    px_str bytes = written(m);
    assert_ok(px_onnx_parse(bytes, ".", &again));
    const px_onnx_graph *g = &again->graph;
    assert_int_equal(g->n_nodes, 2);
    assert_int_equal(g->nodes[0].n_attrs, 2);
    const px_onnx_attr *branch = px_onnx_node_attr(&g->nodes[0], "then_branch");
    branch = px_onnx_node_attr(&branch->g[0].nodes[0], "then_branch");
    assert_int_equal(branch->g[0].n_nodes, 2);
    assert_int_equal(px_onnx_node_attr(&g->nodes[1], "to")->i, PGY_DTYPE_F16);
    assert_true(px_str_is(g->nodes[1].outputs[0], "z"));
    assert_int_equal(g->outputs[0].type.rank, 3);
    assert_int_equal(g->outputs[0].type.dims[0].value, 2);
    assert_true(px_str_is(g->outputs[0].type.dims[1].symbol, "N"));
    assert_int_equal(g->outputs[0].type.dims[2].value, -1);
    px_onnx_free(again);
    px_mem_free((void *)(uintptr_t)bytes.ptr);
    pgy_model_close(model);
}

static void threshold_counts_the_python_object(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = open_model(NULL, "weights.onnx");
    px_onnx_model *m = NULL;
    assert_ok(px_model_onnx(model, &m));
    for (int64_t threshold = 160; threshold <= 162; threshold++) {
        px_onnx_image image = {0};
        px_onnx_write_options how = {.external_name = "w", .size_threshold = threshold};
        assert_ok(px_onnx_write(m, &how, &image)); /* `bs` has 128 bytes, 161 in Python */
        assert_int_equal(image.n, threshold <= 161 ? 2 : 1);
        px_onnx_image_fini(&image);
    }
    pgy_model_close(model);
}

static void files_of_tensors_have_names_of_their_own(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = open_model(NULL, "weights.onnx");
    px_onnx_model *m = NULL;
    assert_ok(px_model_onnx(model, &m));
    const struct {
        const char *first, *second, *want_first, *want_second;
    } cases[] = {{"a", "b", "a", "b"},
                 {"a/b", "a:b", "a_b", "a_b.1"},
                 {"m.onnx", "..", "m.onnx.1", ".._"},
                 {"", "same", "_", "same"},
                 {"same", "same", "same", "same.1"}};
    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        px_onnx_image image = {0};
        m->graph.initializers[0].name = px_str_of(cases[i].first);
        m->graph.initializers[1].name = px_str_of(cases[i].second);
        px_onnx_write_options how = {
            .external_name = "", .one_file_each = true, .avoid_name = "m.onnx"};
        assert_ok(px_onnx_write(m, &how, &image));
        assert_int_equal(image.n, 2);
        assert_string_equal(image.at[0].name, cases[i].want_first);
        assert_string_equal(image.at[1].name, cases[i].want_second);
        px_onnx_image_fini(&image);
    }
    pgy_model_close(model);
}

static void apply_all(pgy_context *cx, pgy_model *model, const px_model_args *args, px_str *out)
{
    px_model_image image = {0};
    assert_ok(px_model_apply(cx, model, args));
    assert_ok(px_model_serialize(model, &image));
    char *copy = px_mem_strndup(image.bytes.ptr, image.bytes.len);
    assert_non_null(copy);
    *out = (px_str){copy, image.bytes.len};
    px_model_image_fini(&image);
}

static void applying_twice_changes_once(void **state)
{
    PX_UNUSED(state);
    pgy_context *cx = NULL;
    assert_ok(pgy_context_new(&cx));
    pgy_model *model = open_model(cx, "branches.onnx");
    const char *names[] = {"layer_*", "y"}, *dropped[] = {"layer_b"};
    px_model_args args = {.onnx_outputs = {.given = true, .n = 2, .at = names},
                          .onnx_exclude_outputs = {.given = true, .n = 1, .at = dropped}};
    px_str first = {0}, second = {0};
    apply_all(cx, model, &args, &first);
    apply_all(cx, model, &args, &second);
    assert_true(px_str_eq(first, second));
    const pgy_io *io = NULL;
    size_t n = 0;
    assert_ok(pgy_model_outputs(model, &io, &n));
    assert_int_equal(n, 3);
    assert_string_equal(io[0].name, "layer_a");
    assert_string_equal(io[1].name, "layer_c");
    assert_string_equal(io[2].name, "y");
    px_mem_free((void *)(uintptr_t)first.ptr);
    px_mem_free((void *)(uintptr_t)second.ptr);
    pgy_model_close(model);
    pgy_context_free(cx);
}

static void an_untouched_model_is_served_from_its_map(void **state)
{
    PX_UNUSED(state);
    pgy_context *cx = NULL;
    assert_ok(pgy_context_new(&cx));
    pgy_model *model = open_model(cx, "external.onnx");
    px_model_image image = {0};
    assert_ok(px_model_apply(cx, model, &(px_model_args){0}));
    assert_null(model->onnx); /* not even parsed */
    assert_ok(px_model_serialize(model, &image));
    assert_ptr_equal(image.bytes.ptr, model->file.data);
    assert_true(px_str_ends(px_str_of(image.external_dir), "/models"));
    px_model_image_fini(&image);
    pgy_model_close(model);
    pgy_context_free(cx);
}

static void memory_may_run_out_while_writing(void **state)
{
    PX_UNUSED(state);
    char dir[] = "/tmp/px_test_XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/m.onnx", dir);
    const char *names[] = {"*"};
    for (uint64_t n = 1;; n++) {
        pgy_context *cx = NULL;
        assert_ok(pgy_context_new(&cx));
        pgy_model *model = open_model(cx, "branches.onnx");
        px_model_image image = {0};
        px_model_args args = {.onnx_outputs = {.given = true, .n = 1, .at = names},
                              .save_onnx = {.given = true, .value = path},
                              .save_external_data = {.given = true, .value = "w"},
                              .external_data_size_threshold = {.given = true, .value = 0}};
        px_mem_fail_after(n);
        pgy_status *st = px_model_apply(cx, model, &args);
        if (!st)
            st = px_model_serialize(model, &image);
        px_mem_fail_after(0);
        px_model_image_fini(&image);
        pgy_model_close(model);
        pgy_context_free(cx);
        if (!st)
            break;
        assert_int_equal(pgy_status_code(st), PGY_ERR_NOMEM);
        pgy_status_free(st);
        assert_true(n < 10000);
    }
    unlink(path);
    snprintf(path, sizeof path, "%s/w", dir);
    unlink(path);
    assert_int_equal(rmdir(dir), 0); /* nothing else was left there */
}

static void memory_may_run_out_while_converting(void **state)
{
    PX_UNUSED(state);
    for (uint64_t n = 1;; n++) {
        pgy_model *model = open_model(NULL, "precision.onnx");
        px_onnx_model *m = NULL;
        px_onnx_half_report report = {0};
        assert_ok(px_model_onnx(model, &m));
        px_mem_fail_after(n);
        pgy_status *st =
            px_onnx_to_half(NULL, m, &(px_onnx_half_options){.to = PGY_DTYPE_F16}, &report);
        px_mem_fail_after(0);
        pgy_model_close(model);
        if (!st) {
            assert_int_equal(report.n_clamped, 4);
            assert_int_equal(report.n_weights, 2); /* `scales` stays, `wide` and `kb` change */
            break;
        }
        assert_int_equal(pgy_status_code(st), PGY_ERR_NOMEM);
        pgy_status_free(st);
    }
}

static void operators_of_the_users_list_stay(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = open_model(NULL, "dyn.onnx");
    px_onnx_model *m = NULL;
    px_onnx_half_report report = {0};
    const char *keep[] = {"MatMul", "Add"};
    assert_ok(px_model_onnx(model, &m));
    assert_ok(px_onnx_to_half(
        NULL, m, &(px_onnx_half_options){.to = PGY_DTYPE_BF16, .keep = keep, .n_keep = 2},
        &report));
    assert_int_equal(report.n_kept, 2);
    assert_int_equal(report.n_weights, 0);
    assert_int_equal(report.n_casts, 2); /* around Relu */
    assert_int_equal(m->graph.n_nodes, 5);
    assert_true(px_str_is(m->graph.nodes[1].op_type, "Cast"));
    assert_int_equal(m->graph.nodes[1].attrs[0].i, PGY_DTYPE_BF16);
    pgy_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_messages_get_their_lengths),
        cmocka_unit_test(an_edited_type_keeps_everything_else),
        cmocka_unit_test(new_parts_are_written_in_full),
        cmocka_unit_test(threshold_counts_the_python_object),
        cmocka_unit_test(files_of_tensors_have_names_of_their_own),
        cmocka_unit_test(applying_twice_changes_once),
        cmocka_unit_test(an_untouched_model_is_served_from_its_map),
        cmocka_unit_test(memory_may_run_out_while_writing),
        cmocka_unit_test(memory_may_run_out_while_converting),
        cmocka_unit_test(operators_of_the_users_list_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
