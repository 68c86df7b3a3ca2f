/* Backends by name: built in, registered, replaced, refused. */
#include "backend/outputs.h"
#include "backend/registry.h"
#include "base/px.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static pgy_context *new_context(void)
{
    pgy_context *cx = NULL;
    assert_null(pgy_context_new(&cx));
    return cx;
}

static void built_in_backends_are_found_by_name(void **state)
{
    pgy_context *cx = new_context();
    for (size_t i = 0; px_backend_at(i) != NULL; i++)
        assert_ptr_equal(pgy_backend_find(cx, px_backend_at(i)->name), px_backend_at(i));
    assert_ptr_equal(pgy_backend_find(cx, "onnxrt"), &px_onnxrt_ops);
    assert_null(pgy_backend_find(cx, "onnx"));
    assert_null(pgy_backend_find(cx, ""));
    pgy_context_free(cx);
}

static void later_registration_of_a_name_wins(void **state)
{
    pgy_context *cx = new_context(), *other = new_context();
    pgy_backend_ops mine = px_null_ops;
    mine.name = "onnxrt";
    assert_null(pgy_backend_register(cx, &mine));
    assert_ptr_equal(pgy_backend_find(cx, "onnxrt"), &mine);
    assert_ptr_equal(pgy_backend_find(other, "onnxrt"), &px_onnxrt_ops);
    pgy_backend_ops newer = mine;
    assert_null(pgy_backend_register(cx, &newer));
    assert_ptr_equal(pgy_backend_find(cx, "onnxrt"), &newer);
    pgy_context_free(cx);
    pgy_context_free(other);
}

static void refuses(pgy_context *cx, const pgy_backend_ops *ops, const char *word)
{
    pgy_status *st = pgy_backend_register(cx, ops);
    assert_int_equal(pgy_status_code(st), PGY_ERR_USAGE);
    assert_non_null(strstr(pgy_status_message(st), word));
    pgy_status_free(st);
}

static void missing_members_are_named(void **state)
{
    pgy_context *cx = new_context();
    pgy_backend_ops ops = px_null_ops;
    ops.infer = NULL;
    refuses(cx, &ops, "infer");
    ops = px_null_ops;
    ops.open = NULL;
    refuses(cx, &ops, "open");
    ops = px_null_ops;
    ops.name = "";
    refuses(cx, &ops, "name");
    ops = px_null_ops;
    ops.struct_size = 8;
    refuses(cx, &ops, "struct_size");
    pgy_context_free(cx);
}

static void backend_without_unload_is_accepted(void **state)
{
    pgy_context *cx = new_context();
    pgy_backend_ops ops = px_null_ops;
    ops.struct_size = offsetof(pgy_backend_ops, unload); /* built before unload existed */
    assert_null(pgy_backend_register(cx, &ops));
    px_backend_unload(&ops, &ops); /* must not read the member */
    ops = px_null_ops;
    ops.unload = NULL;
    px_backend_unload(&ops, &ops);
    pgy_context_free(cx);
}

static void registering_survives_every_failing_allocation(void **state)
{
    pgy_context *cx = new_context();
    px_mem_fail_after(1);
    pgy_status *st = pgy_backend_register(cx, &px_null_ops);
    px_mem_fail_after(0);
    assert_int_equal(pgy_status_code(st), PGY_ERR_NOMEM);
    pgy_status_free(st);
    assert_null(pgy_backend_find(cx, px_null_ops.name));
    pgy_context_free(cx);
}

static void outputs_keep_order_and_own_tensors(void **state)
{
    const uint64_t live = px_mem_live();
    pgy_outputs out = {0};
    const int64_t dims[] = {2};
    char name[] = "a";
    for (int i = 0; i < 3; i++) {
        pgy_tensor *t = NULL;
        assert_null(pgy_tensor_new(PGY_DTYPE_F32, 1, dims, &t));
        name[0] = (char)('a' + i); /* the name is copied */
        assert_null(pgy_outputs_add(&out, name, t));
    }
    pgy_outputs_set_elapsed(&out, 7);
    assert_int_equal(out.n, 3);
    assert_string_equal(out.at[0].name, "a");
    assert_string_equal(out.at[2].name, "c");
    assert_int_equal(out.elapsed_ns, 7);
    px_outputs_clear(&out);
    assert_int_equal(out.n, 0);
    assert_int_equal(px_mem_live(), live);
}

static void failing_add_takes_the_tensor_too(void **state)
{
    for (uint64_t nth = 1; nth <= 2; nth++) {
        const uint64_t live = px_mem_live();
        pgy_outputs out = {0};
        pgy_tensor *t = NULL;
        assert_null(pgy_tensor_new(PGY_DTYPE_F32, 0, NULL, &t));
        px_mem_fail_after(nth);
        pgy_status *st = pgy_outputs_add(&out, "x", t);
        px_mem_fail_after(0);
        assert_int_equal(pgy_status_code(st), PGY_ERR_NOMEM);
        pgy_status_free(st);
        assert_int_equal(out.n, 0);
        px_outputs_clear(&out);
        assert_int_equal(px_mem_live(), live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_backends_are_found_by_name),
        cmocka_unit_test(later_registration_of_a_name_wins),
        cmocka_unit_test(missing_members_are_named),
        cmocka_unit_test(backend_without_unload_is_accepted),
        cmocka_unit_test(registering_survives_every_failing_allocation),
        cmocka_unit_test(outputs_keep_order_and_own_tensors),
        cmocka_unit_test(failing_add_takes_the_tensor_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
