/* UFF files: inputs, outputs, and bytes that are none. */
#include "test_base.h"

#include "model/uff.h"

static void put_field(px_buf *to, int number, const char *bytes, size_t size)
{
    px_buf_putc(to, (char)(number << 3 | 2));
    px_buf_putc(to, (char)size);
    px_buf_put(to, bytes, size);
}

static void put_node(px_buf *graph, const char *name, const char *operation, const char *shape,
                     size_t rank)
{
    px_buf node = {0}, list = {0}, data = {0}, entry = {0};
    put_field(&node, 1, name, strlen(name));
    put_field(&node, 3, operation, strlen(operation));
    if (shape != NULL) {
        put_field(&list, 1, shape, rank);
        put_field(&data, 8, list.ptr, list.len);
        put_field(&entry, 1, "shape", 5);
        put_field(&entry, 2, data.ptr, data.len);
        put_field(&node, 4, entry.ptr, entry.len);
    }
    put_field(graph, 2, node.ptr, node.len);
    px_buf_fini(&node);
    px_buf_fini(&list);
    px_buf_fini(&data);
    px_buf_fini(&entry);
}

static void make_file(px_buf *file)
{
    px_buf graph = {0};
    put_node(&graph, "image", "Input", "\x01\x1c\x1c\x03", 4);
    put_node(&graph, "conv", "Conv", NULL, 0);
    put_node(&graph, "side", "Input", "\x01\x04", 2);
    put_node(&graph, "out", "MarkOutput", NULL, 0);
    put_field(file, 4, graph.ptr, graph.len);
    px_buf_fini(&graph);
}

static void inputs_and_outputs_are_found(void **state)
{
    PX_UNUSED(state);
    px_arena arena = {0};
    px_buf file = {0};
    px_uff uff = {0};
    make_file(&file);
    assert_ok(px_uff_read(&arena, px_buf_str(&file), "m.uff", &uff));
    assert_int_equal(uff.n_inputs, 2);
    assert_int_equal(uff.n_outputs, 1);
    assert_string_equal(uff.inputs[0].name, "image");
    assert_int_equal(uff.inputs[0].rank, 4);
    assert_int_equal(uff.inputs[0].dims[1], 28);
    assert_int_equal(uff.inputs[0].dims[3], 3);
    assert_string_equal(uff.inputs[1].name, "side");
    assert_string_equal(uff.outputs[0], "out");
    px_buf_fini(&file);
    px_arena_fini(&arena);
}

/* Every shorter file is an error that names it, and nothing is read behind the end. */
static void cut_files_are_refused(void **state)
{
    PX_UNUSED(state);
    px_buf file = {0};
    make_file(&file);
    for (size_t size = 0; size < file.len; size++) {
        px_arena arena = {0};
        px_uff uff = {0};
        char *exact = malloc(size + (size == 0));
        memcpy(exact, file.ptr, size);
        pgy_status *st = px_uff_read(&arena, (px_str){exact, size}, "m.uff", &uff);
        assert_non_null(st);
        assert_non_null(strstr(pgy_status_message(st), "m.uff"));
        pgy_status_free(st);
        free(exact);
        px_arena_fini(&arena);
    }
    px_buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_and_outputs_are_found),
        cmocka_unit_test(cut_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
