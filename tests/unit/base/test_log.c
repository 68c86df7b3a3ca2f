/* Levels, per-path levels, once-only messages. */
#include "test_base.h"

#include "base/log.h"

static char last[256];
static int n_messages, last_indent;

static void keep(void *user, pgy_severity severity, const char *origin, int indent,
                 const char *message, size_t length)
{
    PX_UNUSED(user);
    PX_UNUSED(severity);
    PX_UNUSED(origin);
    assert_true(length < sizeof last);
    memcpy(last, message, length);
    last[length] = '\0';
    last_indent = indent;
    n_messages++;
}

static void levels_hide_messages(void **state)
{
    pgy_context *cx = *state;
    px_log(cx, PGY_LOG_VERBOSE, PX_AT_MAIN, "hidden");
    assert_int_equal(n_messages, 0);
    px_log_indent(cx, 2);
    px_log(cx, PGY_LOG_INFO, PX_AT_MAIN, "shown %d", 1);
    px_log_indent(cx, -2);
    assert_string_equal(last, "shown 1");
    assert_int_equal(last_indent, 2);
}

static void once_is_by_text(void **state)
{
    pgy_context *cx = *state;
    for (int i = 0; i < 3; i++)
        px_log_once(cx, PGY_LOG_INFO, PX_AT_MAIN, "text %d", i / 2);
    assert_int_equal(n_messages, 2);
}

/* A node without its own level falls back to the default, not to its ancestor. */
static void path_levels_match_by_component(void **state)
{
    pgy_context *cx = *state;
    assert_ok(px_log_set_path_level(cx, PX_STR("backend"), PGY_LOG_ERROR));
    assert_ok(px_log_set_path_level(cx, PX_STR("//backend/trt/loader.py"), PGY_LOG_VERBOSE));
    assert_int_equal(px_log_level_of(cx, "backend/onnxrt/loader.py"), PGY_LOG_ERROR);
    assert_int_equal(px_log_level_of(cx, "backend/trt/loader.py"), PGY_LOG_VERBOSE);
    assert_int_equal(px_log_level_of(cx, "backend/trt/runner.py"), PGY_LOG_INFO);
    assert_int_equal(px_log_level_of(cx, "backends/x.py"), PGY_LOG_INFO);
    assert_true(px_log_enabled(cx, PGY_LOG_VERBOSE, "backend/trt/loader.py"));
}

static int setup(void **state)
{
    pgy_context *cx = NULL;
    assert_ok(pgy_context_new(&cx));
    pgy_context_set_log(cx, keep, NULL);
    n_messages = 0;
    *state = cx;
    return 0;
}

static int teardown(void **state)
{
    pgy_context_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(levels_hide_messages, setup, teardown),
        cmocka_unit_test_setup_teardown(once_is_by_text, setup, teardown),
        cmocka_unit_test_setup_teardown(path_levels_match_by_component, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
