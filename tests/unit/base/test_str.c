/* String views, builder, map, pattern matching. */
#include "test_base.h"

static void fnmatch_follows_python(void **state)
{
    PX_UNUSED(state);
    static const struct {
        const char *pattern, *name;
        bool match;
    } cases[] = {
        {"*", "", true},           {"*", "a/b", true},        {"a*c", "abbc", true},
        {"a*c", "abbd", false},    {"?", "\xC3\xA9", true},   {"??", "\xC3\xA9", false},
        {"[ab]x", "bx", true},     {"[!ab]x", "bx", false},   {"[a-c]", "b", true},
        {"[a-c]", "d", false},     {"[]a]", "]", true},       {"[!]a]", "]", false},
        {"[abc", "[abc", true},    {"a", "b", false},         {"", "", true},
        {"", "a", false},          {"*a*a*b", "aaaa", false}, {"x*", "x", true},
        {"in*1", "input_1", true},
    };
    for (size_t i = 0; i < PX_COUNTOF(cases); i++)
        if (px_str_fnmatch(px_str_of(cases[i].pattern), px_str_of(cases[i].name)) != cases[i].match)
            fail_msg("fnmatch(%s, %s)", cases[i].pattern, cases[i].name);
}

static void names_overlap_either_way(void **state)
{
    PX_UNUSED(state);
    assert_true(px_str_overlap_nocase(PX_STR("Input"), PX_STR("my_input_0")));
    assert_true(px_str_overlap_nocase(PX_STR("my_input_0"), PX_STR("INPUT")));
    assert_false(px_str_overlap_nocase(PX_STR("a"), PX_STR("b")));
}

static void repr_quotes_as_python(void **state)
{
    PX_UNUSED(state);
    px_buf b = {0};
    px_buf_repr(&b, PX_STR("it's"));
    px_buf_repr(&b, PX_STR("a\"b"));
    px_buf_repr(&b, PX_STR("a'\"\n\x01"));
    assert_string_equal(px_buf_cstr(&b), "\"it's\"'a\"b''a\\'\"\\n\\x01'");
    px_buf_fini(&b);
}

static void map_keeps_insertion_order(void **state)
{
    PX_UNUSED(state);
    px_map map = {0};
    char key[16];
    for (intptr_t i = 0; i < 1000; i++) {
        int n = snprintf(key, sizeof key, "k%d", (int)i);
        assert_ok(px_map_set(&map, (px_str){key, (size_t)n}, (void *)(i + 1)));
    }
    assert_ok(px_map_set(&map, PX_STR("k7"), (void *)7777));
    assert_int_equal(map.n, 1000);
    assert_true(px_str_is(map.at[7].key, "k7"));
    assert_ptr_equal(px_map_get(&map, PX_STR("k7")), (void *)7777);
    assert_ptr_equal(px_map_get(&map, PX_STR("k999")), (void *)1000);
    assert_null(px_map_get(&map, PX_STR("absent")));
    px_map_fini(&map);
}

static void builder_survives_failing_memory(void **state)
{
    PX_UNUSED(state);
    px_buf b = {0};
    px_buf_puts(&b, "abc");
    px_mem_fail_after(1);
    px_buf_pad(&b, 'x', 10000);
    px_mem_fail_after(0);
    assert_true(b.failed);
    assert_fails(px_buf_status(&b), PGY_ERR_NOMEM, "memory");
    px_buf_fini(&b);
}

static void distance_counts_edits(void **state)
{
    PX_UNUSED(state);
    assert_int_equal(px_str_distance(PX_STR("--rtol"), PX_STR("--rtoll")), 1);
    assert_int_equal(px_str_distance(PX_STR("kitten"), PX_STR("sitting")), 3);
    assert_int_equal(px_str_distance(PX_STR(""), PX_STR("abc")), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fnmatch_follows_python),
        cmocka_unit_test(names_overlap_either_way),
        cmocka_unit_test(repr_quotes_as_python),
        cmocka_unit_test(map_keeps_insertion_order),
        cmocka_unit_test(builder_survives_failing_memory),
        cmocka_unit_test(distance_counts_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
