/* base/opt_value.c - the value syntaxes of the command line.
 *
 * These reproduce how the reference reads scalars, `key:value` words, shapes, byte counts and
 * `script:function` words, garbage included; where it ends in a Python exception, one sentence
 * says what is wrong.
 */
#include "base/fmt.h"
#include "base/opt.h"

/* Brackets nest by chance only (`] ] 2`); the limit keeps a hostile word off the stack. */
#define CAST_MAX_DEPTH 32

static px_str strip_set(px_str s, const char *set)
{
    while (s.len > 0 && s.ptr[0] != '\0' && strchr(set, s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && s.ptr[s.len - 1] != '\0' && strchr(set, s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static pgy_status *cast_at(px_arena *arena, px_str text, int depth, px_cast *out);

static pgy_status *cast_list(px_arena *arena, px_str text, int depth, px_cast *out)
{
    px_cast v = {.kind = PX_CAST_LIST, .n = 1};
    for (size_t i = 0; i < text.len; i++)
        v.n += text.ptr[i] == ',';
    v.items = px_arena_calloc(arena, v.n, sizeof *v.items);
    if (!v.items)
        return px_status_nomem();
    size_t begin = 0;
    for (size_t item = 0; item < v.n; item++) {
        size_t end = begin;
        while (end < text.len && text.ptr[end] != ',')
            end++;
        pgy_status *st =
            cast_at(arena, (px_str){text.ptr + begin, end - begin}, depth + 1, &v.items[item]);
        if (st)
            return st;
        begin = end + 1;
    }
    *out = v;
    return NULL;
}

static pgy_status *cast_at(px_arena *arena, px_str text, int depth, px_cast *out)
{
    text = px_str_trim(text);
    px_str inner = strip_set(text, "[]");
    if (inner.len != text.len && depth < CAST_MAX_DEPTH)
        return cast_list(arena, inner, depth, out);

    px_cast v = {.kind = PX_CAST_TEXT};
    if (px_parse_i64(text, &v.i, NULL)) {
        v.kind = PX_CAST_INT;
        v.f = (double)v.i;
    } else if (px_parse_f64(text, &v.f)) {
        v.kind = PX_CAST_FLOAT; /* also integers beyond 64 bits */
        v.i = 0;
    } else {
        px_str bare = strip_set(text, "\"'");
        v.i = 0;
        v.f = 0;
        v.text = px_arena_strndup(arena, bare.ptr, bare.len);
        if (!v.text)
            return px_status_nomem();
    }
    *out = v;
    return NULL;
}

pgy_status *px_cast_parse(px_arena *arena, px_str text, px_cast *out)
{
    return cast_at(arena, text, 0, out);
}

static void cast_repr_at(px_buf *b, const px_cast *v, int depth)
{
    switch (v->kind) {
    case PX_CAST_INT:
        px_buf_printf(b, "%lld", (long long)v->i);
        break;
    case PX_CAST_FLOAT:
        px_fmt_repr_f64(b, v->f);
        break;
    case PX_CAST_TEXT:
        px_buf_repr(b, px_str_of(v->text));
        break;
    case PX_CAST_LIST:
        px_buf_putc(b, '[');
        for (size_t i = 0; i < v->n && depth <= CAST_MAX_DEPTH; i++) {
            if (i > 0)
                px_buf_puts(b, ", ");
            cast_repr_at(b, &v->items[i], depth + 1);
        }
        px_buf_putc(b, ']');
        break;
    }
}

void px_cast_repr(px_buf *b, const px_cast *v)
{
    cast_repr_at(b, v, 0);
}

bool px_cast_is_number(const px_cast *v)
{
    return v->kind == PX_CAST_INT || v->kind == PX_CAST_FLOAT;
}

void px_key_split(px_str word, px_str *out_key, px_str *out_value)
{
    for (size_t i = word.len; i-- > 0;) {
        if (word.ptr[i] == ':') {
            *out_key = (px_str){word.ptr, i};
            *out_value = (px_str){word.ptr + i + 1, word.len - i - 1};
            return;
        }
    }
    *out_key = (px_str){word.ptr, 0};
    *out_value = word;
}

pgy_status *px_bytes_parse(px_str text, int64_t *out)
{
    static const struct {
        char lower, upper;
        double scale;
    } units[] = {{'k', 'K', 1024.0}, {'m', 'M', 1048576.0}, {'g', 'G', 1073741824.0}};
    px_str number = text;
    double scale = 1.0, value = 0.0;

    for (size_t u = 0; u < PX_COUNTOF(units); u++) {
        size_t len = number.len;
        while (len > 0 &&
               (number.ptr[len - 1] == units[u].lower || number.ptr[len - 1] == units[u].upper))
            len--; /* COMPAT: every copy of the letter counts once, 1KK is 1024 */
        if (len != number.len) {
            number.len = len;
            scale = units[u].scale;
            break;
        }
    }
    /* 2^63 bounds what fits; the comparison is false for NaN. */
    if (px_parse_f64(number, &value) && value * scale < 9223372036854775808.0 &&
        value * scale >= -9223372036854775808.0) {
        *out = (int64_t)(value * scale);
        return NULL;
    }
    return PX_FAIL(PGY_ERR_USAGE,
                   "Could not convert %.*s to a number of bytes. Please use either an integer "
                   "(e.g. 16000000), scientific notation (e.g. 16e6), or a number with a valid "
                   "suffix: K, M, or G (e.g. 16M).",
                   PX_STR_ARG(text));
}

/* One dim of a shape: a number, or its text and -1. */
static pgy_status *shape_dim(px_arena *arena, const px_cast *v, int64_t *out_dim,
                             const char **out_text)
{
    *out_dim = -1;
    *out_text = NULL;
    if (v->kind == PX_CAST_INT) {
        *out_dim = v->i;
        return NULL;
    }
    if (v->kind == PX_CAST_TEXT) {
        *out_text = v->text;
        return NULL;
    }
    pgy_status *st = NULL;
    px_buf b = {0};
    px_cast_repr(&b, v);
    PX_TRY(px_buf_status(&b));
    *out_text = px_arena_strndup(arena, b.ptr, b.len);
    if (!*out_text)
        PX_TRY(px_status_nomem());
done:
    px_buf_fini(&b);
    return st;
}

/* COMPAT: a value without brackets becomes one dim per character. */
static pgy_status *shape_of_characters(px_arena *arena, const char *text, px_cast *out)
{
    px_cast v = {.kind = PX_CAST_LIST};
    size_t len = strlen(text);
    v.items = px_arena_calloc(arena, len, sizeof *v.items);
    if (!v.items)
        return px_status_nomem();
    for (size_t i = 0; i < len;) {
        size_t size = 1; /* a character of UTF-8 is a lead byte and its continuation bytes */
        while (i + size < len && ((unsigned char)text[i + size] & 0xC0) == 0x80)
            size++;
        px_cast *item = &v.items[v.n++];
        item->kind = PX_CAST_TEXT;
        item->text = px_arena_strndup(arena, text + i, size);
        if (!item->text)
            return px_status_nomem();
        i += size;
    }
    *out = v;
    return NULL;
}

pgy_status *px_shape_parse(px_arena *arena, px_str word, px_opt_shape *out)
{
    px_str key, value;
    px_cast v = {0};
    px_opt_shape shape = {0};

    px_key_split(word, &key, &value);
    pgy_status *st = px_cast_parse(arena, value, &v);
    if (st)
        return st;
    shape.name = px_arena_strndup(arena, key.ptr, key.len);
    if (!shape.name)
        return px_status_nomem();
    if (v.kind == PX_CAST_TEXT && px_str_eq_nocase(px_str_of(v.text), PX_STR("auto"))) {
        shape.is_auto = true;
        *out = shape;
        return NULL;
    }
    if (v.kind == PX_CAST_TEXT) {
        st = shape_of_characters(arena, v.text, &v);
        if (st)
            return st;
    }
    if (v.kind != PX_CAST_LIST)
        return PX_FAIL(PGY_ERR_USAGE,
                       "Could not read a shape from: %.*s. A shape is a list in brackets, also "
                       "with one dimension: %.*s:[%.*s].",
                       PX_STR_ARG(word), PX_STR_ARG(key), PX_STR_ARG(value));
    int64_t *dims = px_arena_calloc(arena, v.n, sizeof *dims);
    const char **texts = px_arena_calloc(arena, v.n, sizeof *texts);
    if (!dims || !texts)
        return px_status_nomem();
    for (size_t i = 0; i < v.n; i++) {
        if (v.items[i].kind == PX_CAST_TEXT && v.items[i].text[0] == '\0')
            continue; /* [1,,2] and [] */
        st = shape_dim(arena, &v.items[i], &dims[shape.rank], &texts[shape.rank]);
        if (st)
            return st;
        shape.rank++;
    }
    shape.dims = dims;
    shape.texts = texts;
    *out = shape;
    return NULL;
}

void px_opt_shape_print(px_buf *b, const px_opt_shape *shape)
{
    px_buf_putc(b, '[');
    for (int i = 0; i < shape->rank; i++) {
        const char *text = shape->texts ? shape->texts[i] : NULL;
        double number;
        if (i > 0)
            px_buf_puts(b, ", ");
        if (!text)
            px_buf_printf(b, "%lld", (long long)shape->dims[i]);
        else if (text[0] == '[' || px_parse_f64(px_str_of(text), &number))
            px_buf_puts(b, text); /* a float or a nested list */
        else
            px_buf_repr(b, px_str_of(text));
    }
    px_buf_putc(b, ']');
}

bool px_opt_shape_is_dynamic(const px_opt_shape *shape)
{
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            return true;
    }
    return false;
}

pgy_status *px_script_parse(px_arena *arena, px_str word, px_opt_script *out)
{
    px_str path, func;
    px_opt_script script = {.given = true};
    px_key_split(word, &path, &func);
    if (func.len == word.len) { /* no colon */
        path = word;
        func.len = 0;
    }
    if (path.len == 0)
        return PX_FAIL(PGY_ERR_USAGE,
                       "No script path in: '%.*s'. Write the path of a Python file, and behind a "
                       "colon the function's name if it is not the default: script.py:function.",
                       PX_STR_ARG(word));
    script.path = px_arena_strndup(arena, path.ptr, path.len);
    if (!script.path)
        return px_status_nomem();
    if (func.len > 0) {
        script.func = px_arena_strndup(arena, func.ptr, func.len);
        if (!script.func)
            return px_status_nomem();
    }
    *out = script;
    return NULL;
}

/* Python allows letters of any script; bytes beyond ASCII are taken as such letters. */
bool px_is_identifier(px_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
        if (!is_letter && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    return text.len > 0;
}

bool px_opt_marks_all(const px_opt_strs *names)
{
    if (names->n == 1)
        return px_str_is(px_str_of(names->at[0]), "*") ||
               px_str_is(px_str_of(names->at[0]), "mark all");
    return names->n == 2 && px_str_is(px_str_of(names->at[0]), "mark") &&
           px_str_is(px_str_of(names->at[1]), "all");
}

const px_cast *px_opt_keyed_get(const px_opt_keyed *keyed, const char *name)
{
    const px_cast *otherwise = NULL;
    for (size_t i = 0; i < keyed->n; i++) {
        if (strcmp(keyed->at[i].key, name) == 0)
            return &keyed->at[i].value;
        if (keyed->at[i].key[0] == '\0')
            otherwise = &keyed->at[i].value;
    }
    return otherwise;
}
