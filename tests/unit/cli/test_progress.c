/* The line of progress: what it says, in how much room. */
#include "test_base.h"

#include "cli/progress.h"

static void prints(const char *expected, uint64_t done, uint64_t total, px_progress_unit unit,
                   double elapsed_s, size_t columns)
{
    px_buf b = {0};
    const px_progress_work work = {.what = "Comparing", .start_done = 2};
    const px_progress_report r = {"Comparing", done, total, unit, false};
    px_progress_work_print(&b, &work, &r, elapsed_s, columns);
    assert_string_equal(px_buf_cstr(&b), expected);
    px_buf_fini(&b);
}

static void says_how_far_it_is(void **state)
{
    prints("Comparing |############............|  50%  32/64, 3.0/s, 11 s left", 32, 64,
           PX_PROGRESS_THINGS, 10, 80);
    prints("Comparing |########################| 100%  64/64, 620/s, 0 s left", 64, 64,
           PX_PROGRESS_THINGS, 0.1, 80);
    /* Nothing new yet: no rate. */
    prints("Comparing |........................|   3%  2/64", 2, 64, PX_PROGRESS_THINGS, 1, 80);
    prints("Comparing |######..................|  25%  1026/4100, 0.3/s, 2 h 50 min left", 1026,
           4100, PX_PROGRESS_THINGS, 3414, 80);
    prints("Comparing |######..................|  25%  1026/4100, 10.0/s, 5 min 7 s left", 1026,
           4100, PX_PROGRESS_THINGS, 102.4, 80);
}

static void an_unknown_end_has_no_bar(void **state)
{
    prints("Comparing  32, 3.0/s", 32, 0, PX_PROGRESS_THINGS, 10, 80);
    prints("Comparing  70/64, 6.8/s", 70, 64, PX_PROGRESS_THINGS, 10, 80);
}

static void bytes_have_units(void **state)
{
    prints("Comparing |############............|  50%  1.0 GiB of 2.0 GiB, 512.0 MiB/s, 2 s left",
           1ull << 30, 2ull << 30, PX_PROGRESS_BYTES, 2, 100);
    prints("Comparing  1000 B, 998 B/s", 1000, 0, PX_PROGRESS_BYTES, 1, 80);
}

static void fits_the_terminal(void **state)
{
    prints("Comparing |########.........|  50%  32/64, 3.0/s, 11 s left", 32, 64,
           PX_PROGRESS_THINGS, 10, 60);
    prints("Comparing  32/64, 3.0/s, 11 s left", 32, 64, PX_PROGRESS_THINGS, 10, 50);
    prints("Comparing  32/64, 3", 32, 64, PX_PROGRESS_THINGS, 10, 20);
}

static void tell(px_progress_line *line, const char *what, uint64_t done, bool is_over)
{
    px_progress_line_report(line,
                            &(px_progress_report){what, done, 9, PX_PROGRESS_THINGS, is_over});
}

static void work_has_work_inside(void **state)
{
    px_progress_line line = {0};
    PX_UNUSED(state);
    tell(&line, "Comparing", 1, false);
    const uint64_t start_ns = line.work[0].start_ns;
    tell(&line, "Loading", 4, false);
    tell(&line, "Loading", 5, false);
    assert_int_equal(line.n_work, 2);
    assert_int_equal(line.work[1].start_done, 4);
    /* The inner work ends, or was forgotten when it failed: the outer one goes on as it was. */
    tell(&line, "Loading", 0, true);
    assert_int_equal(line.n_work, 1);
    tell(&line, "Loading", 4, false);
    tell(&line, "Comparing", 2, false);
    assert_int_equal(line.n_work, 1);
    assert_int_equal(line.work[0].start_done, 1);
    assert_int_equal(line.work[0].last_done, 2);
    assert_true(line.work[0].start_ns == start_ns);
    /* Begun anew. */
    tell(&line, "Comparing", 0, false);
    assert_int_equal(line.work[0].start_done, 0);
    tell(&line, "Loading", 1, false);
    tell(&line, "Saving", 0, true); /* unknown */
    assert_int_equal(line.n_work, 2);
    tell(&line, "Comparing", 0, true);
    assert_int_equal(line.n_work, 0);
}

static void work_is_never_too_deep(void **state)
{
    char what[100];
    px_progress_line line = {0};
    PX_UNUSED(state);
    for (int i = 0; i < 2 * PX_PROGRESS_LEVELS; i++) {
        snprintf(what, sizeof what, "%d %080d", i, 0);
        tell(&line, what, 1, false);
        tell(&line, what, 2, false);
        assert_int_equal(line.n_work, PX_MIN(i + 1, PX_PROGRESS_LEVELS));
        assert_int_equal(line.work[line.n_work - 1].start_done, 1);
    }
    tell(&line, what, 0, true);
    assert_int_equal(line.n_work, PX_PROGRESS_LEVELS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_how_far_it_is),   cmocka_unit_test(an_unknown_end_has_no_bar),
        cmocka_unit_test(bytes_have_units),     cmocka_unit_test(fits_the_terminal),
        cmocka_unit_test(work_has_work_inside), cmocka_unit_test(work_is_never_too_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
