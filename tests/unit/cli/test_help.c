/* Usage and help texts. */
#include "cli/groups.h"
#include "cli/help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_fits(const px_buf *text)
{
    for (const char *line = text->ptr; *line;) {
        size_t len = strcspn(line, "\n");
        if (len > 80 || (len > 0 && line[len - 1] == ' '))
            fail_msg("bad line: %.*s", (int)len, line);
        line += len + (line[len] == '\n');
    }
}

static void every_option_is_described_in_80_columns(void **state)
{
    px_buf text = {0};
    px_help_run(&text);
    assert_null(px_buf_status(&text));
    assert_fits(&text);
    for (size_t g = 0; g < px_n_run_groups; g++) {
        for (size_t r = 0; r < px_run_groups[g].section->n; r++) {
            size_t pos = 0;
            px_str name;
            while (px_opt_next_name(&px_run_groups[g].section->rows[r], &pos, &name)) {
                char key[80];
                snprintf(key, sizeof key, "%.*s", PX_STR_ARG(name));
                assert_non_null(strstr(text.ptr, key));
            }
        }
    }
    px_buf_fini(&text);
}

static void headings_appear_once(void **state)
{
    px_buf text = {0};
    px_help_run(&text);
    const char *first = strstr(px_buf_cstr(&text), "\nComparison Function: `simple`:\n");
    assert_non_null(first);
    assert_null(strstr(first + 1, "\nComparison Function: `simple`:\n"));
    px_buf_fini(&text);
}

static void other_texts(void **state)
{
    px_buf text = {0};
    px_help_program(&text);
    px_help_backends(&text);
    assert_fits(&text);
    px_buf_fini(&text);
    px_help_version(&text, "/usr/bin");
    assert_string_equal(px_buf_cstr(&text),
                        "Polygraphy | Version: " PX_VERSION " | Path: ['/usr/bin']\n");
    px_buf_fini(&text);
}

static void wrapping(void **state)
{
    px_buf text = {0};
    px_help_wrap(&text, "aa bb ccccccccccccc d", 0, 2, 8);
    assert_string_equal(px_buf_cstr(&text), "aa bb\n  ccccccccccccc\n  d");
    px_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_is_described_in_80_columns),
        cmocka_unit_test(headings_appear_once),
        cmocka_unit_test(other_texts),
        cmocka_unit_test(wrapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
