/* backend/ref/op/string.c - operators on strings: StringConcat, StringNormalizer, StringSplit,
 * RegexFullMatch, TfIdfVectorizer.
 *
 * Strings made here live in the call's scratch; the frame copies what an output points at.
 * Text is UTF-8. Case is changed by the rules of the C.UTF-8 locale, whatever the attribute
 * `locale` names, as far as libc has it, and for ASCII only where it does not.
 */
#include "backend/ref/op/move.h"

#include <locale.h>
#include <regex.h>
#include <wctype.h>

static pgy_status *strings_in(px_ref_call *c, size_t i, const pgy_tensor **out)
{
    pgy_status *st = px_ref_in(c, i, out);
    if (!st && (*out)->dtype != PGY_DTYPE_STRING)
        st = PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu is %s where strings are wanted", i,
                         pgy_dtype_name((*out)->dtype));
    return st;
}

/* --- StringConcat --- */

static pgy_status *string_concat(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *in[2];
    int rank;
    int64_t dims[PX_MAX_RANK], strides[2][PX_MAX_RANK], pos[PX_MAX_RANK] = {0};
    void *data;
    PX_TRY(strings_in(c, 0, &in[0]));
    PX_TRY(strings_in(c, 1, &in[1]));
    PX_TRY(px_ref_broadcast(c, 2, in, &rank, dims));
    px_ref_broadcast_strides(in[0], rank, dims, strides[0]);
    px_ref_broadcast_strides(in[1], rank, dims, strides[1]);
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_STRING, rank, dims, &data));
    pgy_string *y = data;
    for (int64_t i = 0; i < px_move_span(dims, 0, rank); i++) {
        int64_t at[2] = {0, 0};
        for (int k = 0; k < rank; k++)
            for (int s = 0; s < 2; s++)
                at[s] += pos[k] * strides[s][k];
        const pgy_string *a = (const pgy_string *)in[0]->data + at[0];
        const pgy_string *b = (const pgy_string *)in[1]->data + at[1];
        char *text;
        PX_TRY(PX_MOVE_SCRATCH(c, text, (int64_t)(a->len + b->len)));
        if (a->len > 0)
            memcpy(text, a->ptr, a->len);
        if (b->len > 0)
            memcpy(text + a->len, b->ptr, b->len);
        y[i] = (pgy_string){text, a->len + b->len};
        for (int k = rank - 1; k >= 0 && ++pos[k] == dims[k]; k--)
            pos[k] = 0;
    }
done:
    return st;
}

/* --- StringNormalizer --- */

/* Bytes of the UTF-8 sequence at `s` and its code point; 1 and the byte itself when it is none. */
static size_t utf8_decode(const char *s, size_t len, uint32_t *out)
{
    const uint8_t *p = (const uint8_t *)s;
    size_t n = p[0] >= 0xf0 && p[0] < 0xf8 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 1;
    *out = p[0];
    if (n == 1 || n > len || p[0] >= 0xf8)
        return 1;
    uint32_t v = p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 1;
        v = v << 6 | (p[i] & 0x3f);
    }
    *out = v;
    return n;
}

static size_t utf8_encode(uint32_t v, char *out)
{
    if (v < 0x80) {
        out[0] = (char)v;
        return 1;
    }
    size_t n = v < 0x800 ? 2 : v < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, v >>= 6)
        out[i] = (char)(0x80 | (v & 0x3f));
    out[0] = (char)((0xf00u >> n & 0xffu) | v);
    return n;
}

typedef enum case_action { CASE_NONE, CASE_LOWER, CASE_UPPER } case_action;

static uint32_t code_point_to(case_action action, locale_t where, uint32_t v)
{
    if (where != (locale_t)0)
        return action == CASE_LOWER ? (uint32_t)towlower_l((wint_t)v, where)
                                    : (uint32_t)towupper_l((wint_t)v, where);
    if (action == CASE_LOWER && v >= 'A' && v <= 'Z')
        return v + ('a' - 'A');
    return action == CASE_UPPER && v >= 'a' && v <= 'z' ? v - ('a' - 'A') : v;
}

static pgy_status *string_to(px_ref_call *c, case_action action, locale_t where, pgy_string s,
                             pgy_string *out)
{
    pgy_status *st = NULL;
    char *text;
    *out = s;
    if (action == CASE_NONE || s.len == 0)
        goto done;
    if (s.len > SIZE_MAX / 8)
        PX_TRY(px_status_nomem());
    PX_TRY(PX_MOVE_SCRATCH(c, text, (int64_t)(4 * s.len))); /* a code point takes 4 bytes at most */
    size_t n = 0;
    for (size_t i = 0; i < s.len;) {
        uint32_t v;
        size_t used = utf8_decode(s.ptr + i, s.len - i, &v);
        if (used == 1)
            text[n++] = (char)(v < 0x80 ? code_point_to(action, where, v) : v);
        else
            n += utf8_encode(code_point_to(action, where, v), text + n);
        i += used;
    }
    *out = (pgy_string){text, n};
done:
    return st;
}

static bool string_eq(pgy_string a, pgy_string b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Words that stay; compared in lower case unless case matters. */
static pgy_status *normalize_words(px_ref_call *c, const pgy_tensor *x, locale_t where,
                                   case_action action, pgy_string *kept, int64_t *n_kept)
{
    pgy_status *st = NULL;
    const px_onnx_attr *stops = px_ref_attr(c, "stopwords");
    size_t n_stops = stops && stops->type == PX_ONNX_ATTR_STRINGS ? stops->n : 0;
    case_action fold = px_ref_attr_i(c, "is_case_sensitive", 0) ? CASE_NONE : CASE_LOWER;
    pgy_string *words;
    PX_TRY(PX_MOVE_SCRATCH(c, words, (int64_t)n_stops));
    for (size_t i = 0; i < n_stops; i++)
        PX_TRY(string_to(c, fold, where, (pgy_string){stops->strings[i].ptr, stops->strings[i].len},
                         &words[i]));
    for (int64_t i = 0; i < x->count; i++) {
        pgy_string s = ((const pgy_string *)x->data)[i], folded;
        bool stop = false;
        PX_TRY(string_to(c, fold, where, s, &folded));
        for (size_t k = 0; k < n_stops && !stop; k++)
            stop = string_eq(folded, words[k]);
        if (!stop)
            PX_TRY(string_to(c, action, where, s, &kept[(*n_kept)++]));
    }
done:
    return st;
}

static pgy_status *string_normalizer(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    pgy_string *kept;
    int64_t n_kept = 0;
    void *y;
    locale_t where = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    PX_TRY(strings_in(c, 0, &x));
    px_str name = px_ref_attr_s(c, "case_change_action", "NONE");
    case_action action = px_str_is(name, "LOWER")   ? CASE_LOWER
                         : px_str_is(name, "UPPER") ? CASE_UPPER
                                                    : CASE_NONE;
    if (action == CASE_NONE && !px_str_is(name, "NONE"))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "case_change_action is \"%.*s\"", PX_STR_ARG(name)));
    if (x->rank < 1 || x->rank > 2 || (x->rank == 2 && x->dims[0] != 1))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The input must have shape [C] or [1, C]"));
    PX_TRY(PX_MOVE_SCRATCH(c, kept, x->count));
    PX_TRY(normalize_words(c, x, where, action, kept, &n_kept));
    /* Nothing left becomes one empty string. */
    int64_t dims[2] = {1, PX_MAX(n_kept, 1)};
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_STRING, x->rank, dims + 2 - x->rank, &y));
    if (n_kept > 0)
        memcpy(y, kept, (size_t)n_kept * sizeof *kept);
done:
    if (where != (locale_t)0)
        freelocale(where);
    return st;
}

/* --- StringSplit --- */

static bool is_blank(char ch)
{
    return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

typedef struct splitter {
    px_str rest, delimiter; /* an empty delimiter: runs of blanks */
    int64_t n_left;         /* splits that may still be made */
} splitter;

/* The next part; false when there is none. */
static bool split_next(splitter *s, bool *done, pgy_string *out)
{
    if (*done)
        return false;
    bool blanks = s->delimiter.len == 0;
    size_t i = 0, len = s->rest.len;
    while (blanks && i < len && is_blank(s->rest.ptr[i]))
        i++;
    s->rest = (px_str){s->rest.ptr + i, len - i};
    if (blanks && s->rest.len == 0) {
        *done = true;
        return false;
    }
    size_t end = s->rest.len, skip = 0;
    for (i = 0; s->n_left > 0 && i < s->rest.len; i++) {
        bool hit = blanks ? is_blank(s->rest.ptr[i])
                          : s->rest.len - i >= s->delimiter.len &&
                                memcmp(s->rest.ptr + i, s->delimiter.ptr, s->delimiter.len) == 0;
        if (hit) {
            end = i;
            skip = blanks ? 1 : s->delimiter.len;
            break;
        }
    }
    *done = skip == 0;
    *out = (pgy_string){s->rest.ptr, end};
    if (skip > 0) {
        s->rest = (px_str){s->rest.ptr + end + skip, s->rest.len - end - skip};
        s->n_left--;
    } else if (blanks) { /* the last part may have blanks inside, but none at its end */
        while (out->len > 0 && s->n_left > 0 && is_blank(out->ptr[out->len - 1]))
            out->len--;
    }
    return true;
}

static pgy_status *string_split(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t dims[PX_MAX_RANK], width = 0, limit = INT64_MAX;
    void *parts, *counts;
    pgy_string part;
    PX_TRY(strings_in(c, 0, &x));
    px_str delimiter = px_ref_attr_s(c, "delimiter", "");
    if (px_ref_attr(c, "maxsplit")) {
        limit = px_ref_attr_i(c, "maxsplit", 0);
        limit = limit < 0 ? INT64_MAX : limit;
    }
    if (x->rank == PX_MAX_RANK)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The output's rank exceeds %d", PX_MAX_RANK));
    PX_TRY(px_ref_out(c, 1, PGY_DTYPE_I64, x->rank, x->dims, &counts));
    const pgy_string *s = x->data;
    for (int64_t i = 0; i < x->count; i++) {
        splitter split = {{s[i].ptr, s[i].len}, delimiter, limit};
        int64_t n = 0;
        for (bool done = false; split_next(&split, &done, &part);)
            n++;
        ((int64_t *)counts)[i] = n;
        width = PX_MAX(width, n);
    }
    memcpy(dims, x->dims, (size_t)x->rank * sizeof *dims);
    dims[x->rank] = width;
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_STRING, x->rank + 1, dims, &parts));
    for (int64_t i = 0; i < x->count; i++) {
        splitter split = {{s[i].ptr, s[i].len}, delimiter, limit};
        pgy_string *to = (pgy_string *)parts + i * width;
        for (bool done = false; split_next(&split, &done, &part);)
            *to++ = part;
    }
done:
    return st;
}

/* --- RegexFullMatch ---
 *
 * The standard wants RE2's syntax. libc's extended expressions are used after a rewrite of what the
 * two spell differently: \d \w \s and their opposites, (?:..), (?P<name>..), a leading (?i), and
 * lazy quantifiers (the same thing when the whole string must match). Not there: \p{..}, \x..,
 * flags inside the expression; such a pattern is refused, not matched wrongly. */

static const struct {
    char letter;
    const char *alone, *in_set; /* in_set NULL: not expressible there */
} regex_classes[] = {
    {'d', "[0-9]", "0-9"},
    {'D', "[^0-9]", NULL},
    {'w', "[0-9A-Za-z_]", "0-9A-Za-z_"},
    {'W', "[^0-9A-Za-z_]", NULL},
    {'s', "[ \t\n\f\r]", " \t\n\f\r"},
    {'S', "[^ \t\n\f\r]", NULL},
    {'t', "\t", "\t"},
    {'n', "\n", "\n"},
    {'r', "\r", "\r"},
    {'f', "\f", "\f"},
};

static bool regex_escape(px_buf *b, char letter, bool in_set)
{
    for (size_t i = 0; i < PX_COUNTOF(regex_classes); i++) {
        if (regex_classes[i].letter != letter)
            continue;
        const char *text = in_set ? regex_classes[i].in_set : regex_classes[i].alone;
        if (text)
            px_buf_puts(b, text);
        return text != NULL;
    }
    if (!in_set && (letter == 'b' || letter == 'B')) { /* libc has these */
        px_buf_putc(b, '\\');
        px_buf_putc(b, letter);
        return true;
    }
    if ((letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
        (letter >= 'A' && letter <= 'Z'))
        return false;
    if (!in_set)
        px_buf_putc(b, '\\');
    px_buf_putc(b, letter);
    return true;
}

/* POSIX sets have no escapes: ']' must stand first, '^' not first, '-' last. */
typedef struct regex_set {
    px_buf items;
    bool is_negated, has_close, has_caret, has_dash;
} regex_set;

static bool regex_set_item(regex_set *set, px_str p, size_t *i, bool is_first)
{
    char ch = p.ptr[*i];
    bool is_last = *i + 1 < p.len && p.ptr[*i + 1] == ']', escaped = ch == '\\';
    if (escaped) {
        if (++*i >= p.len)
            return false;
        ch = p.ptr[*i];
    } else if (ch == '[' && *i + 1 < p.len && p.ptr[*i + 1] == ':') { /* [:alpha:] */
        const char *end = memchr(p.ptr + *i, ']', p.len - *i);
        if (!end)
            return false;
        px_buf_put(&set->items, p.ptr + *i, (size_t)(end - p.ptr) + 1 - *i);
        *i = (size_t)(end - p.ptr);
        return true;
    }
    if (ch == ']')
        set->has_close = true;
    else if (ch == '^')
        set->has_caret = true;
    else if (ch == '-' && (escaped || is_first || is_last))
        set->has_dash = true;
    else if (escaped && ch != '\\')
        return regex_escape(&set->items, ch, true);
    else
        px_buf_putc(&set->items, ch);
    return true;
}

static void regex_set_put(const regex_set *set, px_buf *b)
{
    if (set->has_caret && !set->is_negated && !set->has_close && set->items.len == 0) {
        px_buf_puts(b, set->has_dash ? "[-^]" : "\\^");
        return;
    }
    px_buf_puts(b, set->is_negated ? "[^" : "[");
    if (set->has_close)
        px_buf_putc(b, ']');
    px_buf_putstr(b, px_buf_str(&set->items));
    if (set->has_caret)
        px_buf_putc(b, '^');
    if (set->has_dash)
        px_buf_putc(b, '-');
    px_buf_putc(b, ']');
}

/* One [set]; `*i` stands behind the '[' and moves behind the ']'. */
static bool regex_set_rewrite(px_buf *b, px_str p, size_t *i)
{
    regex_set set = {0};
    bool ok = true, closed = false;
    if (*i < p.len && p.ptr[*i] == '^') {
        set.is_negated = true;
        ++*i;
    }
    for (size_t first = *i; ok && !closed && *i < p.len; ++*i) {
        closed = p.ptr[*i] == ']' && *i != first;
        if (!closed)
            ok = regex_set_item(&set, p, i, *i == first);
    }
    if (ok && closed)
        regex_set_put(&set, b);
    b->failed = b->failed || set.items.failed;
    px_buf_fini(&set.items);
    return ok && closed;
}

/* (?:  (?P<name>  (?<name>; `*i` stands behind the '('. */
static bool regex_group(px_str p, size_t *i)
{
    if (*i >= p.len || p.ptr[*i] != '?')
        return true;
    px_str rest = {p.ptr + *i + 1, p.len - *i - 1};
    if (px_str_starts(rest, ":")) {
        *i += 2;
        return true;
    }
    size_t skip = px_str_starts(rest, "P<") ? 2 : px_str_starts(rest, "<") ? 1 : 0;
    if (skip == 0)
        return false;
    const char *end = memchr(rest.ptr, '>', rest.len);
    if (!end || (rest.len > skip && (rest.ptr[skip] == '=' || rest.ptr[skip] == '!')))
        return false;
    *i = (size_t)(end - p.ptr) + 1;
    return true;
}

/* libc unrolls {m,n}: the product of all of them is kept to what RE2 allows for one. */
static bool regex_bounds_are_small(px_str p)
{
    uint64_t product = 1;
    for (size_t i = 0; i < p.len; i++) {
        uint64_t most = 0;
        if (p.ptr[i] != '{')
            continue;
        while (++i < p.len && p.ptr[i] != '}') {
            uint64_t v = 0;
            for (; i < p.len && p.ptr[i] >= '0' && p.ptr[i] <= '9' && v < 10000; i++)
                v = v * 10 + (uint64_t)(p.ptr[i] - '0');
            most = PX_MAX(most, v);
            if (i < p.len && p.ptr[i] == '}')
                break;
        }
        product *= PX_MAX(most, 1);
        if (product > 1000)
            return false;
    }
    return true;
}

static bool regex_rewrite(px_str p, px_buf *b, bool *ignore_case)
{
    size_t i = 0;
    if (p.len > 4096 || memchr(p.ptr ? p.ptr : "", '\0', p.len) || !regex_bounds_are_small(p))
        return false;
    if (px_str_starts(p, "(?i)")) {
        *ignore_case = true;
        i = 4;
    }
    px_buf_puts(b, "^(");
    while (i < p.len) {
        char ch = p.ptr[i++];
        if (ch == '\\') {
            if (i >= p.len || !regex_escape(b, p.ptr[i++], false))
                return false;
        } else if (ch == '[') {
            if (!regex_set_rewrite(b, p, &i))
                return false;
        } else {
            px_buf_putc(b, ch);
            if (ch == '(' && !regex_group(p, &i))
                return false;
            bool quantifier = ch == '*' || ch == '+' || ch == '?' || ch == '}';
            if (quantifier && i < p.len && p.ptr[i] == '?')
                i++; /* lazy */
        }
    }
    px_buf_puts(b, ")$");
    return true;
}

static pgy_status *regex_match_all(px_ref_call *c, const regex_t *regex, const pgy_tensor *x,
                                   uint8_t *y)
{
    pgy_status *st = NULL;
    for (int64_t i = 0; i < x->count; i++) {
        pgy_string s = ((const pgy_string *)x->data)[i];
        char *text;
        PX_TRY(PX_MOVE_SCRATCH(c, text, (int64_t)s.len + 1)); /* zeroed, so it ends */
        if (s.len > 0)
            memcpy(text, s.ptr, s.len);
        y[i] = strlen(text) == s.len && regexec(regex, text, 0, NULL, 0) == 0;
    }
done:
    return st;
}

static pgy_status *regex_full_match(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    px_buf pattern = {0};
    regex_t regex;
    bool ignore_case = false, is_compiled = false;
    void *y;
    /* So that . and [..] take characters, not bytes; for this thread and this call only. */
    locale_t where = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), before = (locale_t)0;
    if (where != (locale_t)0)
        before = uselocale(where);
    PX_TRY(strings_in(c, 0, &x));
    px_str source = px_ref_attr_s(c, "pattern", "");
    bool ok = regex_rewrite(source, &pattern, &ignore_case);
    PX_TRY(px_buf_status(&pattern));
    if (ok)
        is_compiled = regcomp(&regex, px_buf_cstr(&pattern),
                              REG_EXTENDED | REG_NOSUB | (ignore_case ? REG_ICASE : 0)) == 0;
    if (!is_compiled)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                           "Pattern \"%.*s\" is beyond the regular expressions of this backend",
                           (int)PX_MIN(source.len, 200), source.ptr ? source.ptr : ""));
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_BOOL, x->rank, x->dims, &y));
    PX_TRY(regex_match_all(c, &regex, x, y));
done:
    if (is_compiled)
        regfree(&regex);
    if (where != (locale_t)0) {
        uselocale(before);
        freelocale(where);
    }
    px_buf_fini(&pattern);
    return st;
}

static const px_ref_op rows[] = {
    {"", "RegexFullMatch", 20, 1, 1, 1, 1, regex_full_match},
    {"", "StringConcat", 20, 2, 2, 1, 1, string_concat},
    {"", "StringNormalizer", 10, 1, 1, 1, 1, string_normalizer},
    {"", "StringSplit", 20, 1, 1, 2, 2, string_split},
};

const px_ref_family px_ref_family_string = {rows, PX_COUNTOF(rows)};
