/* How many terms are added up on the way to an output. */
#include "model/model.h"
#include "model/terms.h"
#include "test_base.h"

static px_terms terms_of(const char *path, const char *output, bool *found)
{
    pgy_context *cx;
    pgy_model *model;
    px_onnx_model *onnx;
    px_terms_map *map;
    px_terms terms = {0};
    assert_ok(pgy_context_new(&cx));
    assert_ok(pgy_model_open(cx, path, &model));
    assert_ok(px_model_onnx(model, &onnx));
    assert_ok(px_terms_map_new(cx, onnx, NULL, &map));
    const px_terms *at = px_terms_map_get(map, px_str_of(output));
    *found = at != NULL;
    if (at != NULL)
        terms = *at;
    px_terms_map_free(map);
    pgy_model_close(model);
    pgy_context_free(cx);
    return terms;
}

static void sums_are_counted(void **state)
{
    bool found;
    /* z = x @ Wbig[32, 32] + b: sums of 32, then one addition. */
    px_terms t = terms_of(PX_TEST_DATA "/models/weights.onnx", "z", &found);
    assert_true(found);
    assert_true(t.n == 33);
    assert_int_equal(t.longest, 32);
    assert_int_equal(t.n_layers, 2);
    t = terms_of(PX_TEST_DATA "/models/weights.onnx", "y", &found);
    assert_true(t.n == 32);
    /* The longest way: Mul, Split, Relu, Dropout, Concat (its constant is a node too). */
    t = terms_of(PX_TEST_DATA "/models/branches.onnx", "y", &found);
    assert_true(found);
    assert_int_equal(t.longest, 1);
    assert_int_equal(t.n_layers, 6);
}

static void unknown_outputs_have_no_path(void **state)
{
    bool found = true;
    terms_of(PX_TEST_DATA "/models/weights.onnx", "nobody", &found);
    assert_false(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_counted),
        cmocka_unit_test(unknown_outputs_have_no_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
