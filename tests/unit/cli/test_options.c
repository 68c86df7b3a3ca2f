/* The option table against the reference's parser (options.json), and against itself. */
#include "base/file.h"
#include "cli/groups.h"
#include "data/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const px_opt *find_row(px_str name, size_t *out_index)
{
    size_t index = 0;
    for (size_t g = 0; g < px_n_run_groups; g++) {
        for (size_t r = 0; r < px_run_groups[g].section->n; r++, index++) {
            const px_opt *row = &px_run_groups[g].section->rows[r];
            if (px_str_eq(px_opt_name(row), name)) {
                *out_index = index;
                return row;
            }
        }
    }
    return NULL;
}

static px_str string_of(px_arena *arena, const px_json *v)
{
    px_str s = {0};
    assert_null(px_json_string(arena, v, &s));
    return s;
}

static void check_names(px_arena *arena, const px_json *names, const px_opt *row)
{
    size_t pos = 0;
    px_str name;
    for (const px_json *n = names->first; n; n = n->next) {
        assert_true(px_opt_next_name(row, &pos, &name));
        if (!px_str_eq(name, string_of(arena, n)))
            fail_msg("%s: wrong alias %.*s", row->names, PX_STR_ARG(name));
    }
    if (px_opt_next_name(row, &pos, &name))
        fail_msg("%s has a name too many", row->names);
}

static void check_arity(px_str arity, px_str name, const px_opt *row)
{
    static const struct {
        const char *text;
        px_nargs nargs;
    } known[] = {{"none", PX_NARGS_NONE},        {"one", PX_NARGS_1},
                 {"optional", PX_NARGS_OPT},     {"optional, repeatable", PX_NARGS_OPT},
                 {"one or more", PX_NARGS_SOME}, {"one or more, repeatable", PX_NARGS_SOME},
                 {"zero or more", PX_NARGS_ANY}};
    for (size_t i = 0; i < PX_COUNTOF(known); i++) {
        if (px_str_is(arity, known[i].text)) {
            if (row->nargs != known[i].nargs)
                fail_msg("%.*s: wrong arity", PX_STR_ARG(name));
            return;
        }
    }
    fail_msg("unknown arity %.*s", PX_STR_ARG(arity));
}

static void check_choices(px_arena *arena, const px_json *choices, const px_opt *row)
{
    if (choices->type == PX_JSON_NULL) {
        assert_null(row->choices);
        return;
    }
    const px_json *list = px_json_get(choices, "0.53.6");
    size_t n = 0;
    assert_non_null(row->choices);
    for (const px_json *c = list->first; c; c = c->next, n++)
        assert_true(px_str_eq(px_str_of(row->choices[n]), string_of(arena, c)));
    assert_null(row->choices[n]);
}

static void same_options_as_the_reference(void **state)
{
    px_arena arena = {0};
    px_file file = {0};
    px_json *root = NULL;
    size_t n = 0, last = 0;
    const px_json *by_order[256] = {0};
    assert_null(px_file_map(PX_TEST_DATA "/spec/options.json", &file));
    assert_null(
        px_json_parse(&arena, "options", (px_str){(const char *)file.data, file.size}, &root));
    for (const px_json *o = root->first; o; o = o->next, n++) {
        px_str name = string_of(&arena, px_json_get(o, "names")->first);
        size_t index = 0;
        int64_t order;
        const px_opt *row = find_row(name, &index);
        if (!row)
            fail_msg("there is no option %.*s", PX_STR_ARG(name));
        check_names(&arena, px_json_get(o, "names"), row);
        check_arity(string_of(&arena, px_json_get(o, "arity")), name, row);
        check_choices(&arena, px_json_get(o, "choices"), row);
        const px_json *type = px_json_get(o, "type");
        px_str type_name = type->type == PX_JSON_STRING ? string_of(&arena, type) : PX_STR("none");
        assert_int_equal(px_str_is(type_name, "int"), row->type == &px_type_int);
        assert_int_equal(px_str_is(type_name, "float"), row->type == &px_type_float);
        const px_json *versions = px_json_get(o, "registration_index");
        bool is_old = px_json_int(px_json_get(versions, "0.49.26"), &order);
        assert_int_equal(!is_old, (row->flags & PX_OPT_NEWER) != 0);
        if (is_old)
            by_order[order] = o;
    }
    assert_int_equal(n, 150);
    /* The order of registration decides how ambiguous names are listed. */
    for (size_t i = 0; i < 130; i++) {
        size_t index = 0;
        assert_non_null(by_order[i]);
        px_str name = string_of(&arena, px_json_get(by_order[i], "names")->first);
        find_row(name, &index);
        if (i > 0 && index <= last)
            fail_msg("%.*s is out of order", PX_STR_ARG(name));
        last = index;
    }
    px_file_unmap(&file);
    px_arena_fini(&arena);
}

static void rows_are_sound(void **state)
{
    size_t n = 0, n_ours = 0;
    for (size_t g = 0; g < px_n_run_groups; g++) {
        for (size_t r = 0; r < px_run_groups[g].section->n; r++, n++) {
            const px_opt *row = &px_run_groups[g].section->rows[r];
            size_t len = row->help ? strlen(row->help) : 0, pos = 0, other;
            px_str name;
            n_ours += (row->flags & PX_OPT_OURS) != 0;
            if (!row->type || row->type->size != row->size)
                fail_msg("%s: the field does not fit the type", row->names);
            if (len < 8 || len > 260 || row->help[len - 1] != '.')
                fail_msg("%s: the help is no sentence", row->names);
            if (row->nargs != PX_NARGS_NONE && !row->metavar)
                fail_msg("%s: no metavar", row->names);
            assert_true(!row->example || px_str_starts(px_str_of(row->example), "--"));
            while (px_opt_next_name(row, &pos, &name))
                assert_true(find_row(name, &other) == NULL || find_row(name, &other) == row);
        }
    }
    assert_int_equal(n, 150 + n_ours);
}

/* A row's words, printed back, give the same field again. */
static void round_trip(const px_opt *row, const char *const *words, size_t n)
{
    px_arena arena = {0};
    px_buf first = {0}, second = {0};
    const char *again[16];
    size_t n_again = 0;
    void *field = px_arena_alloc(&arena, row->size), *field2 = px_arena_alloc(&arena, row->size);
    px_opt_use use = {&arena, row, words, n};
    pgy_status *st = row->type->parse(&use, field);
    if (st)
        fail_msg("%s: %s", row->names, pgy_status_message(st));
    row->type->print(field, &first);
    char *text = px_arena_strndup(&arena, px_buf_cstr(&first), first.len);
    for (char *c = text; *c;) {
        char *end = strchr(c, '\n');
        assert_non_null(end);
        *end = '\0';
        again[n_again++] = c;
        c = end + 1;
    }
    use = (px_opt_use){&arena, row, again, n_again};
    assert_null(row->type->parse(&use, field2));
    row->type->print(field2, &second);
    assert_string_equal(px_buf_cstr(&first), px_buf_cstr(&second));
    if (n > 0 && first.len == 0)
        fail_msg("%s: nothing printed", row->names);
    px_buf_fini(&first);
    px_buf_fini(&second);
    px_arena_fini(&arena);
}

static void values_print_as_they_parse(void **state)
{
    static const struct {
        const px_type *type;
        const char *words[3];
    } samples[] = {
        {&px_type_int, {" 1_0 "}},
        {&px_type_float, {"1e-05"}},
        {&px_type_bytes, {"16M"}},
        {&px_type_str, {"a b"}},
        {&px_type_file, {"x/y.json"}},
        {&px_type_dir, {"x"}},
        {&px_type_identifier, {"ORT_ENABLE_ALL"}},
        {&px_type_enum, {"ampere_plus"}},
        {&px_type_strs, {"mark", "all"}},
        {&px_type_files, {"a", "b", "c"}},
        {&px_type_enums, {"cublas", "cudnn"}},
        {&px_type_keyed, {"1e-5", "o:1", "o:2"}},
        {&px_type_keyed_names, {"conv:float16"}},
        {&px_type_keyed_enums, {"x:[linear,chw4]"}},
        {&px_type_pools, {"workspace:2G", "dla_sram:1"}},
        {&px_type_shapes, {"x:[1,N,-1]", "y:[]", "a:b:[1.5]"}},
        {&px_type_shape_lists, {"x:[1,3]", "y:[2]"}},
        {&px_type_script, {"f.py:g"}},
        {&px_type_scripts, {"f.py", "g.py:h"}},
    };
    for (size_t i = 0; i < PX_COUNTOF(samples); i++) {
        size_t n = 0;
        while (n < 3 && samples[i].words[n])
            n++;
        const px_opt row = {
            .names = samples[i].type->name, .type = samples[i].type, .size = samples[i].type->size};
        round_trip(&row, samples[i].words, n);
    }
    for (size_t g = 0; g < px_n_run_groups; g++) {
        for (size_t r = 0; r < px_run_groups[g].section->n; r++) {
            const px_opt *row = &px_run_groups[g].section->rows[r];
            if (row->choices)
                round_trip(row, row->choices, 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_options_as_the_reference),
        cmocka_unit_test(rows_are_sound),
        cmocka_unit_test(values_print_as_they_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
