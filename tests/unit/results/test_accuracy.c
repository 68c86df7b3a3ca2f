/* The accuracy file against one that the reference wrote (runner names and one number shortened).
 */
#include "test_base.h"

#include "base/file.h"
#include "results/accuracy.h"

#include <math.h>
#include <unistd.h>

static void output(px_accuracy_writer *w, const char *name, px_metric metric, double value,
                   double threshold)
{
    const double rel = strcmp(name, "z") == 0 ? NAN : 0;
    const px_accuracy_output o = {.name = name,
                                  .metric = metric,
                                  .passed = true,
                                  .value = value,
                                  .threshold = threshold,
                                  .max_rel = rel,
                                  .mean_rel = rel,
                                  .median_rel = rel,
                                  .has_quantile = true,
                                  .quantile_rel = rel,
                                  .check_error_stat = "quantile",
                                  .atol = 1e-5,
                                  .rtol = 1e-5};

    px_accuracy_writer_output(w, &o);
}

static void has_the_reference_bytes(void **state)
{
    static const struct {
        px_metric metric;
        double y, z, threshold;
    } funcs[] = {{PX_METRIC_ERRORS, 0, 0, 0},
                 {PX_METRIC_L2, 0, 0, 1e-5},
                 {PX_METRIC_COSINE_SIMILARITY, 0.5, 1, 0.997},
                 {PX_METRIC_PSNR, INFINITY, INFINITY, 30},
                 {PX_METRIC_SNR, INFINITY, INFINITY, 20},
                 {PX_METRIC_VERDICT, 0, 0, 0}};
    char path[] = "/tmp/px-accuracy-XXXXXX";
    px_accuracy_writer *w = NULL;
    pgy_context *cx = NULL;
    px_file ours = {0}, theirs = {0};

    close(mkstemp(path));
    assert_ok(pgy_context_new(&cx));
    assert_ok(px_accuracy_writer_open(cx, path, &w));
    for (size_t i = 0; i < PX_COUNTOF(funcs); i++) {
        px_accuracy_writer_func(w, false);
        px_accuracy_writer_pair(w, "a", "b");
        px_accuracy_writer_iteration(w);
        output(w, "y", funcs[i].metric, funcs[i].y, funcs[i].threshold);
        output(w, "z", funcs[i].metric, funcs[i].z, funcs[i].threshold);
    }
    assert_ok(px_accuracy_writer_commit(w));
    px_accuracy_writer_close(w);
    assert_ok(px_file_map(path, &ours));
    assert_ok(px_file_map(PX_TEST_DATA "/results/accuracy.json", &theirs));
    assert_int_equal(ours.size, theirs.size);
    assert_memory_equal(ours.data, theirs.data, ours.size);
    px_file_unmap(&ours);
    px_file_unmap(&theirs);
    unlink(path);
    pgy_context_free(cx);
}

static void nothing_is_left_without_commit(void **state)
{
    char dir[] = "/tmp/px-accuracy-XXXXXX", path[64];
    px_accuracy_writer *w = NULL;
    pgy_context *cx = NULL;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a.json", dir);
    assert_ok(pgy_context_new(&cx));
    assert_ok(px_accuracy_writer_open(cx, path, &w));
    px_accuracy_writer_func(w, true);
    px_accuracy_writer_close(w);
    assert_int_equal(rmdir(dir), 0); /* empty */
    pgy_context_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_reference_bytes),
        cmocka_unit_test(nothing_is_left_without_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
