/* base/opt.c - the kinds of values an option can have.
 *
 * `parse` of an early type reports what splitting the command line finds wrong (exit code 2 in the
 * reference); a late type's message waits until its group is interpreted (exit code 1).
 */
#include "base/opt.h"
#include "base/fmt.h"

char *px_arena_printf(px_arena *arena, const char *fmt, ...)
{
    px_buf b = {0};
    va_list args;
    va_start(args, fmt);
    px_buf_vprintf(&b, fmt, args);
    va_end(args);
    char *text = b.failed ? NULL : px_arena_strndup(arena, px_buf_cstr(&b), b.len);
    px_buf_fini(&b);
    return text;
}

/* --- names of a row --- */

bool px_opt_next_name(const px_opt *row, size_t *pos, px_str *out)
{
    const char *at = row->names + *pos;
    if (*at == '\0')
        return false;
    size_t len = strcspn(at, "|");
    *out = (px_str){at, len};
    *pos += len + (at[len] == '|');
    return true;
}

px_str px_opt_name(const px_opt *row)
{
    size_t pos = 0;
    px_str name = {0};
    (void)px_opt_next_name(row, &pos, &name);
    return name;
}

void px_opt_print_names(const px_opt *row, px_buf *out)
{
    for (const char *c = row->names; *c; c++)
        px_buf_putc(out, *c == '|' ? '/' : *c);
}

/* --- switches and scalars --- */

static pgy_status *flag_parse(const px_opt_use *use, void *field)
{
    *(px_opt_flag *)field = (px_opt_flag){true};
    return NULL;
}

static pgy_status *count_parse(const px_opt_use *use, void *field)
{
    ((px_opt_count *)field)->n++;
    return NULL;
}

static void nothing_print(const void *field, px_buf *out)
{
}

static pgy_status *invalid(const char *type, const char *word, const char *why)
{
    pgy_status *st = NULL;
    px_buf b = {0};
    px_buf_repr(&b, px_str_of(word));
    PX_TRY(px_buf_status(&b));
    PX_TRY(PX_FAIL(PGY_ERR_USAGE, "invalid %s value: %s%s", type, px_buf_cstr(&b), why));
done:
    px_buf_fini(&b);
    return st;
}

static pgy_status *int_parse(const px_opt_use *use, void *field)
{
    px_opt_int v = {.given = true};
    bool overflow = false;
    if (!px_parse_i64(px_str_of(use->words[0]), &v.value, &overflow))
        return invalid("int", use->words[0], overflow ? " (it does not fit in 64 bits)" : "");
    *(px_opt_int *)field = v;
    return NULL;
}

static void int_print(const void *field, px_buf *out)
{
    const px_opt_int *v = field;
    if (v->given)
        px_buf_printf(out, "%lld\n", (long long)v->value);
}

static pgy_status *float_parse(const px_opt_use *use, void *field)
{
    px_opt_float v = {.given = true};
    if (!px_parse_f64(px_str_of(use->words[0]), &v.value))
        return invalid("float", use->words[0], "");
    *(px_opt_float *)field = v;
    return NULL;
}

static void float_print(const void *field, px_buf *out)
{
    const px_opt_float *v = field;
    if (v->given) {
        px_fmt_repr_f64(out, v->value);
        px_buf_putc(out, '\n');
    }
}

static pgy_status *bytes_parse(const px_opt_use *use, void *field)
{
    px_opt_int v = {.given = true};
    pgy_status *st = px_bytes_parse(px_str_of(use->words[0]), &v.value);
    if (!st)
        *(px_opt_int *)field = v;
    return st;
}

static pgy_status *str_parse(const px_opt_use *use, void *field)
{
    *(px_opt_str *)field = (px_opt_str){true, use->n > 0 ? use->words[0] : NULL};
    return NULL;
}

static void str_print(const void *field, px_buf *out)
{
    const px_opt_str *v = field;
    if (v->given && v->value)
        px_buf_printf(out, "%s\n", v->value);
}

/* A copy of `word`, upper-cased if asked for; USAGE when it is no identifier. */
static pgy_status *identifier(px_arena *arena, px_str word, bool upper, const char **out)
{
    char *text = px_arena_strndup(arena, word.ptr, word.len);
    if (!text)
        return px_status_nomem();
    for (char *c = text; upper && *c; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }
    if (!px_is_identifier(px_str_of(text)))
        return PX_FAIL(PGY_ERR_USAGE,
                       "This argument must be a valid identifier. Provided argument cannot be a "
                       "Python identifier: %s",
                       text);
    *out = text;
    return NULL;
}

static pgy_status *identifier_parse(const px_opt_use *use, void *field)
{
    px_opt_str v = {.given = true};
    pgy_status *st = identifier(use->arena, px_str_of(use->words[0]), false, &v.value);
    if (!st)
        *(px_opt_str *)field = v;
    return st;
}

static pgy_status *enum_parse(const px_opt_use *use, void *field)
{
    px_opt_str v = {.given = true};
    pgy_status *st = identifier(use->arena, px_str_of(use->words[0]), true, &v.value);
    if (!st)
        *(px_opt_str *)field = v;
    return st;
}

/* --- lists of words --- */

static pgy_status *strs_parse(const px_opt_use *use, void *field)
{
    const px_opt_strs *before = field;
    const size_t n_kept = use->row->flags & PX_OPT_REPEATABLE ? before->n : 0;
    px_opt_strs v = {.given = true, .n = n_kept + use->n};
    v.at = px_arena_calloc(use->arena, v.n, sizeof *v.at);
    if (!v.at)
        return px_status_nomem();
    for (size_t i = 0; i < v.n; i++)
        v.at[i] = i < n_kept ? before->at[i] : use->words[i - n_kept];
    *(px_opt_strs *)field = v;
    return NULL;
}

static void strs_print(const void *field, px_buf *out)
{
    const px_opt_strs *v = field;
    for (size_t i = 0; i < v->n; i++)
        px_buf_printf(out, "%s\n", v->at[i]);
}

static pgy_status *enums_parse(const px_opt_use *use, void *field)
{
    px_opt_strs v = {.given = true, .n = use->n};
    v.at = px_arena_calloc(use->arena, use->n, sizeof *v.at);
    if (!v.at)
        return px_status_nomem();
    for (size_t i = 0; i < use->n; i++) {
        pgy_status *st = identifier(use->arena, px_str_of(use->words[i]), true, &v.at[i]);
        if (st)
            return st;
    }
    *(px_opt_strs *)field = v;
    return NULL;
}

static pgy_status *append_name_parse(const px_opt_use *use, void *field)
{
    px_opt_strs *v = field;
    px_str name = px_opt_name(use->row);
    while (name.len > 0 && name.ptr[0] == '-') {
        name.ptr++;
        name.len--;
    }
    const char **at = px_arena_calloc(use->arena, v->n + 1, sizeof *at);
    if (!at)
        return px_status_nomem();
    for (size_t i = 0; i < v->n; i++)
        at[i] = v->at[i];
    at[v->n] = px_arena_strndup(use->arena, name.ptr, name.len);
    if (!at[v->n])
        return px_status_nomem();
    *v = (px_opt_strs){true, v->n + 1, at};
    return NULL;
}

/* --- key:value words --- */

static pgy_status *keyed_need_key(const char *word, px_str key)
{
    if (key.len > 0)
        return NULL;
    return PX_FAIL(PGY_ERR_USAGE,
                   "Could not parse argument: %s. Expected an argument in the format: "
                   "`key:value`.",
                   word);
}

/* Puts a value under its key: the key keeps its first position. */
static void keyed_set(px_opt_keyed *v, const struct px_opt_key_value *item)
{
    for (size_t i = 0; i < v->n; i++) {
        if (strcmp(v->at[i].key, item->key) == 0) {
            v->at[i] = *item;
            return;
        }
    }
    v->at[v->n++] = *item;
}

typedef pgy_status *(*keyed_item_fn)(px_arena *arena, px_str key, px_str value,
                                     struct px_opt_key_value *out);

static pgy_status *keyed_parse_with(const px_opt_use *use, bool needs_key, keyed_item_fn fn,
                                    void *field)
{
    px_opt_keyed v = {.given = true};
    v.at = px_arena_calloc(use->arena, use->n, sizeof *v.at);
    if (!v.at)
        return px_status_nomem();
    for (size_t i = 0; i < use->n; i++) {
        struct px_opt_key_value item = {.word = use->words[i]};
        px_str key, value;
        px_key_split(px_str_of(use->words[i]), &key, &value);
        pgy_status *st = needs_key ? keyed_need_key(use->words[i], key) : NULL;
        if (!st)
            st = fn(use->arena, key, value, &item);
        if (st)
            return st;
        keyed_set(&v, &item);
    }
    *(px_opt_keyed *)field = v;
    return NULL;
}

static pgy_status *cast_item(px_arena *arena, px_str key, px_str value,
                             struct px_opt_key_value *out)
{
    out->key = px_arena_strndup(arena, key.ptr, key.len);
    return out->key ? px_cast_parse(arena, value, &out->value) : px_status_nomem();
}

static pgy_status *name_item(px_arena *arena, px_str key, px_str value,
                             struct px_opt_key_value *out)
{
    pgy_status *st = cast_item(arena, key, value, out);
    if (!st && out->value.kind == PX_CAST_TEXT)
        return identifier(arena, px_str_of(out->value.text), false, &out->value.text);
    if (!st)
        st = PX_FAIL(PGY_ERR_USAGE,
                     "Expected the name of a data type, such as float16, but got: %.*s (in %s).",
                     PX_STR_ARG(value), out->word);
    return st;
}

static pgy_status *enum_item(px_arena *arena, px_str key, px_str value,
                             struct px_opt_key_value *out)
{
    pgy_status *st = cast_item(arena, key, value, out);
    if (st)
        return st;
    if (out->value.kind != PX_CAST_LIST) {
        px_cast *only = px_arena_calloc(arena, 1, sizeof *only);
        if (!only)
            return px_status_nomem();
        *only = out->value;
        out->value = (px_cast){.kind = PX_CAST_LIST, .items = only, .n = 1};
    }
    for (size_t i = 0; i < out->value.n && !st; i++) {
        px_cast *item = &out->value.items[i];
        if (item->kind == PX_CAST_TEXT)
            st = identifier(arena, px_str_of(item->text), true, &item->text);
        else
            st = PX_FAIL(PGY_ERR_USAGE,
                         "Expected names in brackets, such as %.*s:[linear], but "
                         "got: %s.",
                         PX_STR_ARG(key), out->word);
    }
    return st;
}

static pgy_status *pool_item(px_arena *arena, px_str key, px_str value,
                             struct px_opt_key_value *out)
{
    pgy_status *st = px_bytes_parse(value, &out->value.i);
    if (st)
        return st;
    out->value.kind = PX_CAST_INT;
    out->value.f = (double)out->value.i;
    return identifier(arena, key, true, &out->key);
}

static pgy_status *keyed_parse(const px_opt_use *use, void *field)
{
    return keyed_parse_with(use, false, cast_item, field);
}

static pgy_status *keyed_names_parse(const px_opt_use *use, void *field)
{
    return keyed_parse_with(use, true, name_item, field);
}

static pgy_status *keyed_enums_parse(const px_opt_use *use, void *field)
{
    return keyed_parse_with(use, true, enum_item, field);
}

static pgy_status *pools_parse(const px_opt_use *use, void *field)
{
    return keyed_parse_with(use, true, pool_item, field);
}

static void keyed_print(const void *field, px_buf *out)
{
    const px_opt_keyed *v = field;
    for (size_t i = 0; i < v->n; i++)
        px_buf_printf(out, "%s\n", v->at[i].word);
}

/* --- shapes and scripts --- */

static pgy_status *shapes_of(const px_opt_use *use, px_opt_shapes *out)
{
    px_opt_shapes v = {.given = true};
    v.at = px_arena_calloc(use->arena, use->n, sizeof *v.at);
    if (!v.at)
        return px_status_nomem();
    for (size_t i = 0; i < use->n; i++) {
        px_opt_shape shape = {0};
        size_t at = 0;
        pgy_status *st = px_shape_parse(use->arena, px_str_of(use->words[i]), &shape);
        if (st)
            return st;
        if (shape.is_auto)
            return PX_FAIL(PGY_ERR_USAGE,
                           "No shape is given in: %s. Leave the input out to have its shape taken "
                           "from the model, or write the dimensions: %s:[1,3].",
                           use->words[i], shape.name);
        while (at < v.n && strcmp(v.at[at].name, shape.name) != 0)
            at++;
        v.at[at] = shape;
        v.n += at == v.n;
    }
    *out = v;
    return NULL;
}

static pgy_status *shapes_parse(const px_opt_use *use, void *field)
{
    return shapes_of(use, field);
}

static void shapes_print(const void *field, px_buf *out)
{
    const px_opt_shapes *v = field;
    for (size_t i = 0; i < v->n; i++) {
        px_buf_printf(out, "%s:", v->at[i].name);
        px_opt_shape_print(out, &v->at[i]);
        px_buf_putc(out, '\n');
    }
}

static pgy_status *shape_lists_parse(const px_opt_use *use, void *field)
{
    px_opt_shape_lists *v = field;
    px_opt_shapes *at = px_arena_calloc(use->arena, v->n + 1, sizeof *at);
    if (!at)
        return px_status_nomem();
    for (size_t i = 0; i < v->n; i++)
        at[i] = v->at[i];
    pgy_status *st = shapes_of(use, &at[v->n]);
    if (!st)
        *v = (px_opt_shape_lists){v->n + 1, at};
    return st;
}

static void shape_lists_print(const void *field, px_buf *out)
{
    const px_opt_shape_lists *v = field;
    for (size_t i = 0; i < v->n; i++)
        shapes_print(&v->at[i], out);
}

static pgy_status *script_parse(const px_opt_use *use, void *field)
{
    return px_script_parse(use->arena, px_str_of(use->words[0]), field);
}

static void script_print(const void *field, px_buf *out)
{
    const px_opt_script *v = field;
    if (v->given && v->func)
        px_buf_printf(out, "%s:%s\n", v->path, v->func);
    else if (v->given)
        px_buf_printf(out, "%s\n", v->path);
}

static pgy_status *scripts_parse(const px_opt_use *use, void *field)
{
    px_opt_scripts v = {.given = true, .n = use->n};
    v.at = px_arena_calloc(use->arena, use->n, sizeof *v.at);
    if (!v.at)
        return px_status_nomem();
    for (size_t i = 0; i < use->n; i++) {
        pgy_status *st = px_script_parse(use->arena, px_str_of(use->words[i]), &v.at[i]);
        if (st)
            return st;
    }
    *(px_opt_scripts *)field = v;
    return NULL;
}

static void scripts_print(const void *field, px_buf *out)
{
    const px_opt_scripts *v = field;
    for (size_t i = 0; i < v->n; i++)
        script_print(&v->at[i], out);
}

const px_type px_type_flag = {"flag", sizeof(px_opt_flag), PX_COMPLETE_NONE,
                              false,  flag_parse,          nothing_print};
const px_type px_type_count = {"count", sizeof(px_opt_count), PX_COMPLETE_NONE,
                               false,   count_parse,          nothing_print};
const px_type px_type_int = {"int", sizeof(px_opt_int), PX_COMPLETE_NONE,
                             false, int_parse,          int_print};
const px_type px_type_float = {"float", sizeof(px_opt_float), PX_COMPLETE_NONE,
                               false,   float_parse,          float_print};
const px_type px_type_bytes = {"bytes", sizeof(px_opt_int), PX_COMPLETE_NONE,
                               true,    bytes_parse,        int_print};
const px_type px_type_str = {"text", sizeof(px_opt_str), PX_COMPLETE_NONE,
                             false,  str_parse,          str_print};
const px_type px_type_file = {"file", sizeof(px_opt_str), PX_COMPLETE_FILE,
                              false,  str_parse,          str_print};
const px_type px_type_dir = {"folder", sizeof(px_opt_str), PX_COMPLETE_DIR,
                             false,    str_parse,          str_print};
const px_type px_type_identifier = {"identifier", sizeof(px_opt_str), PX_COMPLETE_NONE,
                                    true,         identifier_parse,   str_print};
const px_type px_type_enum = {"enum", sizeof(px_opt_str), PX_COMPLETE_NONE,
                              true,   enum_parse,         str_print};
const px_type px_type_strs = {"texts", sizeof(px_opt_strs), PX_COMPLETE_NONE,
                              false,   strs_parse,          strs_print};
const px_type px_type_files = {"files", sizeof(px_opt_strs), PX_COMPLETE_FILE,
                               false,   strs_parse,          strs_print};
const px_type px_type_enums = {"enums", sizeof(px_opt_strs), PX_COMPLETE_NONE,
                               true,    enums_parse,         strs_print};
const px_type px_type_append_name = {"runner", sizeof(px_opt_strs), PX_COMPLETE_NONE,
                                     false,    append_name_parse,   nothing_print};
const px_type px_type_keyed = {"key:value", sizeof(px_opt_keyed), PX_COMPLETE_NONE,
                               false,       keyed_parse,          keyed_print};
const px_type px_type_keyed_names = {"key:name", sizeof(px_opt_keyed), PX_COMPLETE_NONE,
                                     true,       keyed_names_parse,    keyed_print};
const px_type px_type_keyed_enums = {"key:[enum]", sizeof(px_opt_keyed), PX_COMPLETE_NONE,
                                     true,         keyed_enums_parse,    keyed_print};
const px_type px_type_pools = {"pool:bytes", sizeof(px_opt_keyed), PX_COMPLETE_NONE,
                               true,         pools_parse,          keyed_print};
const px_type px_type_shapes = {"name:[shape]", sizeof(px_opt_shapes), PX_COMPLETE_NONE,
                                true,           shapes_parse,          shapes_print};
const px_type px_type_shape_lists = {"profile shapes",  sizeof(px_opt_shape_lists),
                                     PX_COMPLETE_NONE,  true,
                                     shape_lists_parse, shape_lists_print};
const px_type px_type_script = {"script[:function]", sizeof(px_opt_script), PX_COMPLETE_FILE, true,
                                script_parse,        script_print};
const px_type px_type_scripts = {"script[:function]", sizeof(px_opt_scripts),
                                 PX_COMPLETE_FILE,    true,
                                 scripts_parse,       scripts_print};
