/* Text in lines of a terminal. */
#include "report/wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void check(const char *before, const char *text, size_t indent, size_t width,
                  const char *wanted)
{
    px_buf b = {0};
    px_buf_puts(&b, before);
    px_wrap_put(&b, px_str_of(text), indent, width);
    assert_string_equal(px_buf_cstr(&b), wanted);
    px_buf_fini(&b);
}

static void lines_are_broken_between_words(void **state)
{
    (void)state;
    check("", "", 2, 10, "");
    check("", "one two", 2, 7, "one two");
    check("", "one two", 2, 6, "one\n  two");
    check("old\nHere: ", "one two three", 2, 10, "old\nHere: one\n  two\n  three");
    check("a", " b", 2, 10, "a b");
}

static void names_in_quotes_are_not_broken(void **state)
{
    (void)state;
    check("", "is 'a b c': x", 1, 6, "is\n 'a b c':\n x");
    check("", "it's a word 'and an open quote", 0, 8, "it's a\nword\n'and an\nopen\nquote");
    check("", "'don't' go", 0, 7, "'don't'\ngo");
}

static void long_words_stand_alone(void **state)
{
    (void)state;
    check("  Label    ", "abcdefghij k", 4, 8, "  Label\n    abcdefghij\n    k");
    check("  ", "abcdefghij k", 2, 8, "  abcdefghij\n  k"); /* no empty line */
}

static void characters_count_and_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(px_text_width(px_str_of("\u221an \u2264")), 4);
    check("", "\u221a\u221a\u221a \u221a", 0, 5, "\u221a\u221a\u221a \u221a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_broken_between_words),
        cmocka_unit_test(names_in_quotes_are_not_broken),
        cmocka_unit_test(long_words_stand_alone),
        cmocka_unit_test(characters_count_and_not_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
