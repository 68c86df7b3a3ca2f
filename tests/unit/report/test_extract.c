/* The folder of an extracted failure: whole or not at all. */
#include "test_base.h"

#include "model/model.h"
#include "report/extract.h"

#include <stdio.h>
#include <unistd.h>

static size_t n_entries(const char *dir)
{
    char **names = NULL;
    size_t n = 0;
    assert_ok(px_path_list(dir, NULL, &names, &n));
    for (size_t i = 0; i < n; i++)
        px_mem_free(names[i]);
    px_mem_free(names);
    return n;
}

static void remove_file(const char *dir, const char *name)
{
    char *path = px_path_join(dir, name);
    assert_int_equal(unlink(path), 0);
    px_mem_free(path);
}

static void every_allocation_may_fail(void **state)
{
    PX_UNUSED(state);
    char parent[] = "/tmp/px_extract_XXXXXX", dir[64], model_path[4096];
    pgy_context *cx = NULL;
    pgy_model *model = NULL;
    px_onnx_model *onnx = NULL;
    pgy_tensor *t = NULL;
    px_feed feed = {0};
    assert_non_null(mkdtemp(parent));
    snprintf(dir, sizeof dir, "%s/out", parent);
    snprintf(model_path, sizeof model_path, "%s/models/dyn.onnx", PX_TEST_DATA);
    assert_ok(pgy_context_new(&cx));
    assert_ok(pgy_model_open(cx, model_path, &model));
    assert_ok(px_model_onnx(model, &onnx));
    assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 2, (int64_t[]){1, 3}, &t));
    assert_ok(px_feed_add(&feed, "x", t));
    const px_extract what = {.model = onnx,
                             .inputs = &feed,
                             .runner = "r0",
                             .expected = &feed,
                             .command = "#!/bin/sh\n"};
    assert_ok(px_extract_check(dir));
    for (uint64_t n = 1;; n++) {
        const uint64_t live = px_mem_live();
        px_mem_fail_after(n);
        pgy_status *st = px_extract_write(cx, &what, dir);
        px_mem_fail_after(0);
        const bool is_done = st == NULL;
        pgy_status_free(st);
        assert_int_equal(px_mem_live(), live);
        if (is_done)
            break;
        assert_int_equal(n_entries(parent), 0);
    }
    assert_int_equal(n_entries(parent), 1);
    assert_int_equal(n_entries(dir), 4);
    pgy_status *st = px_extract_check(dir);
    assert_int_equal(pgy_status_code(st), PGY_ERR_USAGE);
    pgy_status_free(st);
    st = px_extract_check(model_path);
    assert_non_null(strstr(pgy_status_message(st), "is a file"));
    pgy_status_free(st);

    remove_file(dir, PX_EXTRACT_MODEL);
    remove_file(dir, PX_EXTRACT_INPUTS);
    remove_file(dir, PX_EXTRACT_EXPECTED);
    remove_file(dir, PX_EXTRACT_COMMAND);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(rmdir(parent), 0);
    px_feed_fini(&feed);
    pgy_model_close(model);
    pgy_context_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
