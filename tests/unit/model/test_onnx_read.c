/* ONNX reader: structure, hostile bytes, memory that runs out. */
#include "test_model.h"

static void everything_is_read(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = open_model(NULL, "everything.onnx");
    px_onnx_model *m = NULL;
    assert_ok(px_model_onnx(model, &m));
    assert_int_equal(m->ir_version, 11);
    assert_true(px_str_is(m->producer_name, "mkmodels"));
    assert_int_equal(px_onnx_opset_of(m->opsets, m->n_opsets, PX_STR("ai.onnx")), 22);
    assert_int_equal(px_onnx_opset_of(m->opsets, m->n_opsets, PX_STR("custom")), 7);
    assert_int_equal(px_onnx_opset_of(m->opsets, m->n_opsets, PX_STR("absent")), 0);
    const px_onnx_node *n = &m->graph.nodes[0];
    assert_int_equal(n->n_inputs, 3);
    assert_int_equal(n->inputs[1].len, 0);
    assert_true(px_str_is(n->overload, "v2"));
    assert_int_equal(px_onnx_node_attr(n, "i")->i, -3);
    assert_true(px_onnx_node_attr(n, "old_style")->type == PX_ONNX_ATTR_FLOAT);
    assert_true(px_onnx_node_attr(n, "old_style")->f == 2.5f);
    assert_true(px_onnx_node_attr(n, "is")->ints[1] == INT64_MIN);
    assert_int_equal(px_onnx_node_attr(n, "gs")->n, 2);
    assert_int_equal(px_onnx_node_attr(n, "tps")->tp[1].kind, PX_ONNX_TYPE_SEQUENCE);
    assert_null(px_onnx_node_attr(n, "absent"));
    assert_int_equal(m->graph.inputs[0].type.kind, PX_ONNX_TYPE_SEQUENCE);
    assert_true(px_str_is(m->graph.inputs[0].type.element->dims[0].symbol, "n"));
    assert_int_equal(m->graph.value_infos[0].type.rank, -1);
    pgy_model_close(model);
}

static void functions_keep_attribute_references(void **state)
{
    PX_UNUSED(state);
    pgy_model *model = open_model(NULL, "function.onnx");
    px_onnx_model *m = NULL;
    assert_ok(px_model_onnx(model, &m));
    assert_int_equal(m->n_functions, 1);
    const px_onnx_function *f = &m->functions[0];
    assert_true(px_str_is(f->name, "Twice"));
    assert_true(px_str_is(f->nodes[0].attrs[0].ref_attr_name, "slope"));
    assert_true(f->attr_defaults[0].f == 0.25f);
    pgy_model_close(model);
}

static void parse(const char *bytes, size_t size)
{
    px_onnx_model *m = NULL;
    pgy_status *st = px_onnx_parse((px_str){bytes, size}, ".", &m);
    if (st) {
        assert_null(m);
        assert_int_equal(pgy_status_code(st), PGY_ERR_MODEL);
        pgy_status_free(st);
        return;
    }
    size_t n_loaded = 0, n_failed = 0;
    load_graph(m, &m->graph, &n_loaded, &n_failed);
    px_onnx_free(m);
}

static const char *const victims[] = {"everything.onnx", "dtypes.onnx", "function.onnx",
                                      "subgraphs.onnx",  "sparse.onnx", "unusual.onnx",
                                      "external.onnx"};

static void truncated_files_are_errors_at_worst(void **state)
{
    PX_UNUSED(state);
    for (size_t v = 0; v < PX_COUNTOF(victims); v++) {
        size_t size = 0;
        char *bytes = read_model(victims[v], &size);
        for (size_t len = 0; len < size; len++) {
            char *cut = px_mem_alloc(len);
            memcpy(cut, bytes, len);
            parse(cut, len);
            px_mem_free(cut);
        }
        px_mem_free(bytes);
    }
}

static void flipped_bits_are_errors_at_worst(void **state)
{
    PX_UNUSED(state);
    for (size_t v = 0; v < PX_COUNTOF(victims); v++) {
        size_t size = 0;
        char *bytes = read_model(victims[v], &size);
        for (size_t i = 0; i < size; i++) {
            for (int bit = 0; bit < 8; bit++) {
                bytes[i] = (char)(bytes[i] ^ 1 << bit);
                parse(bytes, size);
                bytes[i] = (char)(bytes[i] ^ 1 << bit);
            }
            char was = bytes[i];
            bytes[i] = '\xff';
            parse(bytes, size);
            bytes[i] = was;
        }
        px_mem_free(bytes);
    }
}

static void put_varint(px_buf *b, uint64_t v)
{
    for (; v > 0x7f; v >>= 7)
        px_buf_putc(b, (char)(v | 0x80));
    px_buf_putc(b, (char)v);
}

/* Wraps `inner` as field `number` of a new message. */
static void wrap(px_buf *inner, uint32_t number)
{
    px_buf outer = {0};
    put_varint(&outer, number << 3 | 2);
    put_varint(&outer, inner->len);
    px_buf_putstr(&outer, px_buf_str(inner));
    px_buf_fini(inner);
    *inner = outer;
}

static void deep_nesting_is_refused(void **state)
{
    PX_UNUSED(state);
    px_buf b = {0};
    for (int depth = 0; depth < 60; depth++) {
        wrap(&b, 6); /* attribute: graph */
        wrap(&b, 5); /* node: attribute */
        wrap(&b, 1); /* graph: node */
    }
    wrap(&b, 7);
    px_onnx_model *m = NULL;
    assert_fails(px_onnx_parse(px_buf_str(&b), ".", &m), PGY_ERR_MODEL, "more than 100 deep");
    px_buf_fini(&b);

    for (int depth = 0; depth < 200; depth++) {
        wrap(&b, 1); /* sequence: element */
        wrap(&b, 4); /* type: sequence */
    }
    wrap(&b, 2);  /* value info: type */
    wrap(&b, 11); /* graph: input */
    wrap(&b, 7);
    assert_fails(px_onnx_parse(px_buf_str(&b), ".", &m), PGY_ERR_MODEL, "more than 100 deep");
    px_buf_fini(&b);
}

static void too_many_dimensions_are_refused(void **state)
{
    PX_UNUSED(state);
    px_buf b = {0};
    for (int i = 0; i < PX_MAX_RANK + 1; i++)
        px_buf_put(&b, "\x08\x01", 2);
    wrap(&b, 5); /* graph: initializer */
    wrap(&b, 7);
    px_onnx_model *m = NULL;
    assert_fails(px_onnx_parse(px_buf_str(&b), ".", &m), PGY_ERR_MODEL, "rank 65");
    px_buf_fini(&b);
}

static void a_graph_in_too_many_parts_is_refused(void **state)
{
    PX_UNUSED(state);
    px_buf b = {0};
    for (int i = 0; i < 17; i++)
        px_buf_put(&b, "\x3a\x00", 2);
    px_onnx_model *m = NULL;
    assert_fails(px_onnx_parse(px_buf_str(&b), ".", &m), PGY_ERR_MODEL, "more than 16 parts");
    px_buf_fini(&b);
    assert_fails(px_onnx_parse(PX_STR("\x08\x07"), ".", &m), PGY_ERR_MODEL, "no graph");
}

static void memory_may_run_out_anywhere(void **state)
{
    PX_UNUSED(state);
    size_t size = 0;
    char *bytes = read_model("everything.onnx", &size);
    uint64_t live = px_mem_live();
    for (uint64_t n = 1;; n++) {
        px_onnx_model *m = NULL;
        px_mem_fail_after(n);
        pgy_status *st = px_onnx_parse((px_str){bytes, size}, ".", &m);
        px_mem_fail_after(0);
        if (!st) {
            px_onnx_free(m);
            break;
        }
        assert_int_equal(pgy_status_code(st), PGY_ERR_NOMEM);
        assert_null(m);
        pgy_status_free(st);
        assert_int_equal(px_mem_live(), live);
    }
    px_mem_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_read),
        cmocka_unit_test(functions_keep_attribute_references),
        cmocka_unit_test(truncated_files_are_errors_at_worst),
        cmocka_unit_test(flipped_bits_are_errors_at_worst),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(too_many_dimensions_are_refused),
        cmocka_unit_test(a_graph_in_too_many_parts_is_refused),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
