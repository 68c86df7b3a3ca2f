/* Every vector of options-parse-vectors.json. */
#include "base/file.h"
#include "base/fmt.h"
#include "base/opt.h"
#include "data/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static px_str text_of(px_arena *arena, const px_json *v)
{
    px_str s = {0};
    assert_null(px_json_string(arena, v, &s));
    return s;
}

/* Does the cast value equal the expected JSON: an int, text, a list, or {"float": repr}? */
static bool cast_is(px_arena *arena, const px_cast *got, const px_json *want)
{
    int64_t i;
    if (want->type == PX_JSON_INT)
        return px_json_int(want, &i) && got->kind == PX_CAST_INT && got->i == i;
    if (want->type == PX_JSON_STRING)
        return got->kind == PX_CAST_TEXT && px_str_eq(px_str_of(got->text), text_of(arena, want));
    if (want->type == PX_JSON_OBJECT) {
        px_buf b = {0};
        px_fmt_repr_f64(&b, got->f);
        bool same = got->kind == PX_CAST_FLOAT &&
                    px_str_eq(px_buf_str(&b), text_of(arena, px_json_get(want, "float")));
        px_buf_fini(&b);
        return same;
    }
    if (want->type != PX_JSON_ARRAY || got->kind != PX_CAST_LIST || got->n != want->n)
        return false;
    size_t n = 0;
    for (const px_json *item = want->first; item; item = item->next)
        if (!cast_is(arena, &got->items[n++], item))
            return false;
    return true;
}

static bool shape_is(px_arena *arena, const px_opt_shape *got, const px_json *want)
{
    const px_json *name = px_json_get(want, "dict")->first;
    const px_json *shape = name->next->first->next;
    if (!px_str_eq(px_str_of(got->name), text_of(arena, name->first->next)))
        return false;
    if (shape->type == PX_JSON_NULL)
        return got->is_auto;
    if (got->is_auto || (size_t)got->rank != shape->n)
        return false;
    int n = 0;
    for (const px_json *dim = shape->first; dim; dim = dim->next, n++) {
        int64_t i;
        if (px_json_int(dim, &i)) {
            if (got->texts[n] || got->dims[n] != i)
                return false;
            continue;
        }
        px_cast value;
        if (got->dims[n] != -1 || !got->texts[n])
            return false;
        if (dim->type == PX_JSON_STRING) {
            if (!px_str_eq(px_str_of(got->texts[n]), text_of(arena, dim)))
                return false;
            continue;
        }
        assert_null(px_cast_parse(arena, px_str_of(got->texts[n]), &value));
        if (!cast_is(arena, &value, dim))
            return false;
    }
    return true;
}

static bool keyed_is(px_arena *arena, const px_opt_keyed *got, const px_json *want)
{
    const px_json *dict = px_json_get(want, "dict");
    size_t n = 0;
    if (dict->n != got->n)
        return false;
    for (const px_json *pair = dict->first; pair; pair = pair->next, n++) {
        if (!px_str_eq(px_str_of(got->at[n].key), text_of(arena, pair->first)))
            return false;
        if (!cast_is(arena, &got->at[n].value, pair->first->next))
            return false;
    }
    return true;
}

/* Runs one vector; *out_status is what the parser said. */
static bool run_case(px_arena *arena, const px_json *c, pgy_status **out_status)
{
    px_str parser = text_of(arena, px_json_get(c, "parser"));
    const px_json *input = px_json_get(c, "input"), *want = px_json_get(c, "result");
    px_str word = input->type == PX_JSON_STRING ? text_of(arena, input) : (px_str){0};

    if (px_str_is(parser, "cast")) {
        px_cast v;
        *out_status = px_cast_parse(arena, word, &v);
        return !*out_status && want && cast_is(arena, &v, want);
    }
    if (px_str_is(parser, "shape")) {
        px_opt_shape v;
        *out_status = px_shape_parse(arena, word, &v);
        return !*out_status && want && shape_is(arena, &v, want);
    }
    if (px_str_is(parser, "bytes")) {
        int64_t v, i = 0;
        *out_status = px_bytes_parse(word, &v);
        return !*out_status && want && px_json_int(want, &i) && v == i;
    }
    if (px_str_starts(parser, "script")) {
        px_opt_script v;
        *out_status = px_script_parse(arena, word, &v);
        return !*out_status && want && px_str_eq(px_str_of(v.path), text_of(arena, want->first)) &&
               px_str_eq(px_str_of(v.func ? v.func : "DEF"), text_of(arena, want->first->next));
    }
    assert_true(px_str_starts(parser, "key-value list"));
    const char **words = px_arena_calloc(arena, input->n, sizeof *words);
    size_t n = 0;
    for (const px_json *w = input->first; w; w = w->next) {
        px_str s = text_of(arena, w);
        words[n++] = px_arena_strndup(arena, s.ptr, s.len);
    }
    const px_type *type = px_str_ends(parser, "bytes") ? &px_type_pools : &px_type_keyed;
    const px_opt row = {.names = "--x", .type = type};
    const px_opt_use use = {arena, &row, words, n};
    px_opt_keyed v = {0};
    *out_status = type->parse(&use, &v);
    if (*out_status || !want)
        return false;
    if (type == &px_type_pools) /* pools are upper-cased for TensorRT; the vectors are not */
        return v.n == 1 && v.at[0].value.i == 16777216 && strcmp(v.at[0].key, "A") == 0;
    return keyed_is(arena, &v, want);
}

static void every_vector(void **state)
{
    px_arena arena = {0};
    px_file file = {0};
    px_json *root = NULL;
    size_t n = 0;
    assert_null(px_file_map(PX_TEST_DATA "/spec/options-parse-vectors.json", &file));
    assert_null(
        px_json_parse(&arena, "vectors", (px_str){(const char *)file.data, file.size}, &root));
    for (const px_json *c = px_json_get(root, "cases")->first; c; c = c->next, n++) {
        pgy_status *st = NULL;
        bool same = run_case(&arena, c, &st);
        const px_json *message = px_json_get(c, "message");
        px_str input = px_json_get(c, "input")->text;
        if (!message && !same)
            fail_msg("vector %zu (%.*s): wrong value%s%s", n, PX_STR_ARG(input), st ? ": " : "",
                     st ? pgy_status_message(st) : "");
        if (message && !st)
            fail_msg("vector %zu (%.*s) should be refused", n, PX_STR_ARG(input));
        /* Where the oracle reports an error of its own, the words are the same. */
        if (message &&
            px_str_is(text_of(&arena, px_json_get(c, "exception")), "PolygraphyException"))
            assert_string_equal(
                pgy_status_message(st),
                px_arena_printf(&arena, "%.*s", PX_STR_ARG(px_str_trim(text_of(&arena, message)))));
        pgy_status_free(st);
    }
    assert_int_equal(n, 112);
    px_file_unmap(&file);
    px_arena_fini(&arena);
}

static void brackets_nest_without_end(void **state)
{
    px_arena arena = {0};
    px_cast v;
    char word[4001];
    for (size_t i = 0; i < sizeof word - 1; i++)
        word[i] = i % 2 ? ' ' : ']';
    word[sizeof word - 1] = '\0';
    assert_null(px_cast_parse(&arena, px_str_of(word), &v));
    px_arena_fini(&arena);
}

static void mark_all_has_three_spellings(void **state)
{
    const char *all[] = {"mark all", "*", "mark", "all", "more"};
    assert_true(px_opt_marks_all(&(px_opt_strs){true, 1, &all[0]}));
    assert_true(px_opt_marks_all(&(px_opt_strs){true, 1, &all[1]}));
    assert_true(px_opt_marks_all(&(px_opt_strs){true, 2, &all[2]}));
    assert_false(px_opt_marks_all(&(px_opt_strs){true, 3, &all[2]}));
    assert_false(px_opt_marks_all(&(px_opt_strs){true, 1, &all[2]}));
    assert_false(px_opt_marks_all(&(px_opt_strs){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector),
        cmocka_unit_test(brackets_nest_without_end),
        cmocka_unit_test(mark_all_has_three_spellings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
