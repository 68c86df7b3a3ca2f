/* data/json.c - RFC 8259 JSON with Python's extensions; see json.h for the dialect.
 *
 * The tree is built without recursion: the parser keeps the open containers in an array of
 * PX_JSON_MAX_DEPTH entries. Almost all bytes of the files read here are base64 payloads: strings
 * are scanned 16 bytes at a time where SSE2 is there, and large arrays are skipped by their size.
 */
#include "data/json.h"

#include "base/fmt.h"
#include "base/progress.h"
#include "data/base64.h"
#include "data/npy.h"
#include "data/utf.h"

#include <math.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define ARRAY_LARGE ((size_t)1 << 20) /* characters from which skipping pays */
#define ARRAY_HEAD 768                /* bytes; numpy's headers have 128, or a little more */
#define PIECE ((size_t)4 << 20)       /* characters read before their pages are let go */

typedef struct parser {
    px_arena *arena;
    const char *path;
    px_str text;
    size_t pos;
    size_t n_values;
    const px_file *file; /* NULL: text that is in memory anyway */
    size_t forgotten;    /* pages before this position have been let go */
    pgy_context *cx;     /* hears of progress; NULL: nobody */
} parser;

const char *px_json_type_name(px_json_type type)
{
    static const char *const names[] = {"null",    "false",    "true",     "an integer",
                                        "a float", "a string", "an array", "an object"};
    return names[type];
}

static pgy_status *expected(const parser *p, const char *what)
{
    if (p->pos >= p->text.len)
        return PX_FAIL(PGY_ERR_MODEL, "%s: the JSON text ends at byte %zu where %s was expected",
                       p->path, p->text.len, what);
    const unsigned char c = (unsigned char)p->text.ptr[p->pos];
    if (c > 0x20 && c < 0x7f)
        return PX_FAIL(PGY_ERR_MODEL, "%s: expected %s at byte %zu of the JSON text, found '%c'",
                       p->path, what, p->pos, c);
    return PX_FAIL(PGY_ERR_MODEL, "%s: expected %s at byte %zu of the JSON text, found byte 0x%02x",
                   p->path, what, p->pos, c);
}

static int peek(const parser *p)
{
    return p->pos < p->text.len ? (unsigned char)p->text.ptr[p->pos] : -1;
}

static void skip_blanks(parser *p)
{
    for (;;) {
        const int c = peek(p);
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return;
        p->pos++;
    }
}

/* First position from `pos` on of a byte that ends a run of plain ASCII string characters. */
static size_t skip_plain(px_str text, size_t pos)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i slash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    while (text.len - pos >= 16) {
        const __m128i v = _mm_loadu_si128((const __m128i *)(text.ptr + pos));
        /* Signed compare: bytes from 0x80 on are negative, so they stop the run too. */
        const __m128i stop =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)),
                         _mm_cmplt_epi8(v, space));
        const int mask = _mm_movemask_epi8(stop);
        if (mask != 0)
            return pos + (size_t)__builtin_ctz((unsigned)mask);
        pos += 16;
    }
#endif
    while (pos < text.len) {
        const unsigned char c = (unsigned char)text.ptr[pos];
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
        pos++;
    }
    return pos;
}

static bool is_hex(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static pgy_status *scan_escape(parser *p)
{
    const int c = p->pos + 1 < p->text.len ? p->text.ptr[p->pos + 1] : -1;
    pgy_status *st = NULL;

    p->pos++;
    if (c == -1 || strchr("\"\\/bfnrtu", c) == NULL || c == 0)
        PX_TRY(expected(p, "an escape (one of \" \\ / b f n r t u)"));
    p->pos++;
    for (int i = 0; c == 'u' && i < 4; i++) {
        if (!is_hex(peek(p)))
            PX_TRY(expected(p, "a hexadecimal digit"));
        p->pos++;
    }
done:
    return st;
}

/* Position of the quote that ends the string at `pos` if the string is a large array in base64 and
 * its header says truly how long it is; else `pos`. What lies between is not looked at: whoever
 * takes the array checks each character when decoding, and reading gigabytes twice would take as
 * long as using them. */
static size_t skip_array(px_str text, size_t pos)
{
    uint8_t head[ARRAY_HEAD];
    px_npy_header header;
    size_t bad, size;

    if (text.len - pos < ARRAY_LARGE || memcmp(text.ptr + pos, "k05VTVBZ", 8) != 0 ||
        !px_base64_decode((px_str){text.ptr + pos, ARRAY_LARGE}, 0, head, sizeof head, &bad) ||
        px_npy_header_size(head, sizeof head) > sizeof head)
        return pos;
    pgy_status *const st = px_npy_header_read("", head, sizeof head, &header);
    if (st != NULL || !px_size_add(header.data_at, header.data_size, &size) ||
        px_base64_encoded_size(size) < ARRAY_LARGE ||
        px_base64_encoded_size(size) >= text.len - pos ||
        text.ptr[pos + px_base64_encoded_size(size)] != '"') {
        pgy_status_free(st);
        return pos;
    }
    return pos + px_base64_encoded_size(size);
}

/* Lets go of what has been read over, and tells of it, a piece at a time. */
static void forget_behind(parser *p)
{
    if (p->file == NULL || p->pos - p->forgotten < PIECE)
        return;
    px_file_drop(p->file, p->text.ptr + p->forgotten, p->pos - p->forgotten);
    p->forgotten = p->pos;
    px_progress_bytes(p->cx, "Loading", p->pos, p->text.len);
}

/* From after the opening quote to after the closing one. */
static pgy_status *scan_string(parser *p, px_str *out, bool *out_escaped)
{
    pgy_status *st = NULL;
    const size_t start = p->pos;
    bool escaped = false;

    p->pos = skip_array(p->text, p->pos);
    for (;;) {
        const px_str piece = {p->text.ptr, PX_MIN(p->text.len, p->pos + PIECE)};
        p->pos = skip_plain(piece, p->pos);
        forget_behind(p);
        if (p->pos == piece.len && p->pos < p->text.len)
            continue;
        const int c = peek(p);
        if (c == '"')
            break;
        if (c == '\\') {
            escaped = true;
            PX_TRY(scan_escape(p));
        } else if (c >= 0x80) {
            const size_t len = px_utf8_length((px_str){p->text.ptr + p->pos, p->text.len - p->pos});
            if (len == 0)
                PX_TRY(expected(p, "UTF-8 text"));
            p->pos += len;
        } else {
            PX_TRY(expected(p, "a closing quote"));
        }
    }
    *out = (px_str){p->text.ptr + start, p->pos - start};
    *out_escaped = escaped;
    p->pos++;
done:
    return st;
}

static bool take_word(parser *p, const char *word)
{
    const size_t len = strlen(word);

    if (p->text.len - p->pos < len || memcmp(p->text.ptr + p->pos, word, len) != 0)
        return false;
    p->pos += len;
    return true;
}

static bool skip_digits(parser *p)
{
    const size_t start = p->pos;

    while (peek(p) >= '0' && peek(p) <= '9')
        p->pos++;
    return p->pos > start;
}

static pgy_status *scan_number(parser *p, px_json *v)
{
    pgy_status *st = NULL;
    const size_t start = p->pos;

    v->type = PX_JSON_FLOAT;
    if (take_word(p, "NaN") || take_word(p, "Infinity") || take_word(p, "-Infinity")) {
        v->text = (px_str){p->text.ptr + start, p->pos - start};
        return NULL;
    }
    v->type = PX_JSON_INT;
    if (peek(p) == '-')
        p->pos++;
    if (peek(p) == '0')
        p->pos++;
    else if (!skip_digits(p))
        PX_TRY(expected(p, p->pos == start ? "a value" : "a digit"));
    if (peek(p) == '.') {
        p->pos++;
        v->type = PX_JSON_FLOAT;
        if (!skip_digits(p))
            PX_TRY(expected(p, "a digit"));
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        p->pos++;
        v->type = PX_JSON_FLOAT;
        if (peek(p) == '+' || peek(p) == '-')
            p->pos++;
        if (!skip_digits(p))
            PX_TRY(expected(p, "a digit"));
    }
    v->text = (px_str){p->text.ptr + start, p->pos - start};
done:
    return st;
}

/* One value; of a container only its opening bracket. */
static pgy_status *scan_value(parser *p, px_json **out)
{
    pgy_status *st = NULL;
    px_json *v = NULL;

    skip_blanks(p);
    if (++p->n_values > PX_JSON_MAX_VALUES)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "%s: the JSON text holds more than %u values (at byte %zu); arrays belong "
                       "in base64 strings",
                       p->path, PX_JSON_MAX_VALUES, p->pos));
    v = px_arena_alloc(p->arena, sizeof *v);
    if (v == NULL)
        PX_TRY(px_status_nomem());
    v->at = p->pos;
    const int c = peek(p);
    if (c == '"') {
        p->pos++;
        v->type = PX_JSON_STRING;
        PX_TRY(scan_string(p, &v->text, &v->escaped));
    } else if (c == '{' || c == '[') {
        p->pos++;
        v->type = c == '{' ? PX_JSON_OBJECT : PX_JSON_ARRAY;
    } else if (take_word(p, "null")) {
        v->type = PX_JSON_NULL;
    } else if (take_word(p, "true")) {
        v->type = PX_JSON_TRUE;
    } else if (take_word(p, "false")) {
        v->type = PX_JSON_FALSE;
    } else {
        PX_TRY(scan_number(p, v));
    }
    *out = v;
done:
    return st;
}

static pgy_status *scan_key(parser *p, px_str *out)
{
    pgy_status *st = NULL;
    px_json key = {.type = PX_JSON_STRING};

    skip_blanks(p);
    if (peek(p) != '"')
        PX_TRY(expected(p, "a key in quotes"));
    p->pos++;
    PX_TRY(scan_string(p, &key.text, &key.escaped));
    PX_TRY(px_json_string(p->arena, &key, out));
    skip_blanks(p);
    if (peek(p) != ':')
        PX_TRY(expected(p, "':'"));
    p->pos++;
done:
    return st;
}

typedef struct open_container {
    px_json *value;
    px_json *last; /* newest item */
} open_container;

static bool is_container(const px_json *v)
{
    return v->type == PX_JSON_ARRAY || v->type == PX_JSON_OBJECT;
}

/* Reads the next item of `in`, or closes it: then *out_item is NULL. */
static pgy_status *scan_item(parser *p, open_container *in, px_json **out_item)
{
    pgy_status *st = NULL;
    const bool object = in->value->type == PX_JSON_OBJECT;
    px_str key = {0};
    px_json *item = NULL;

    skip_blanks(p);
    if (peek(p) == (object ? '}' : ']')) {
        p->pos++;
        *out_item = NULL;
        return NULL;
    }
    if (in->last != NULL) {
        if (peek(p) != ',')
            PX_TRY(expected(p, object ? "',' or '}'" : "',' or ']'"));
        p->pos++;
        skip_blanks(p);
    }
    if (object)
        PX_TRY(scan_key(p, &key));
    PX_TRY(scan_value(p, &item));
    item->key = key;
    if (in->last != NULL)
        in->last->next = item;
    else
        in->value->first = item;
    in->last = item;
    in->value->n++;
    *out_item = item;
done:
    return st;
}

static pgy_status *parse(parser *p, px_json **out)
{
    pgy_status *st = NULL;
    open_container open[PX_JSON_MAX_DEPTH];
    int depth = 0;
    px_json *root = NULL;

    PX_TRY(scan_value(p, &root));
    if (is_container(root))
        open[depth++] = (open_container){.value = root};
    while (depth > 0) {
        px_json *item;
        PX_TRY(scan_item(p, &open[depth - 1], &item));
        forget_behind(p);
        if (item == NULL) {
            depth--;
        } else if (is_container(item)) {
            if (depth == PX_JSON_MAX_DEPTH)
                PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                               "%s: the JSON text is nested deeper than %d levels at byte %zu",
                               p->path, PX_JSON_MAX_DEPTH, item->at));
            open[depth++] = (open_container){.value = item};
        }
    }
    skip_blanks(p);
    if (p->pos != p->text.len)
        PX_TRY(expected(p, "the end of the file"));
    *out = root;
done:
    return st;
}

pgy_status *px_json_parse(px_arena *arena, const char *path, px_str text, px_json **out)
{
    parser p = {.arena = arena, .path = path, .text = text};
    return parse(&p, out);
}

pgy_status *px_json_parse_file(pgy_context *cx, px_arena *arena, const char *path,
                               const px_file *file, px_json **out)
{
    parser p = {.arena = arena,
                .path = path,
                .text = {(const char *)file->data, file->size},
                .file = file,
                .cx = cx};
    pgy_status *const st = parse(&p, out);
    px_progress_end(cx, "Loading");
    return st;
}

px_json *px_json_get(const px_json *v, const char *key)
{
    px_json *found = NULL;

    if (v == NULL || v->type != PX_JSON_OBJECT)
        return NULL;
    for (px_json *m = v->first; m != NULL; m = m->next)
        if (px_str_is(m->key, key))
            found = m;
    return found;
}

static unsigned hex4(const char *s)
{
    unsigned v = 0;

    for (int i = 0; i < 4; i++) {
        const char c = s[i];
        v = v << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return v;
}

/* Decodes the escape at `s` (a backslash; scan_escape checked its form). Returns bytes read. */
static size_t resolve_escape(const char *s, size_t n, px_buf *out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";

    if (s[1] != 'u') {
        px_buf_putc(out, to[strchr(from, s[1]) - from]);
        return 2;
    }
    const uint32_t c = hex4(s + 2);
    const bool paired = c >= 0xd800 && c < 0xdc00 && n >= 12 && s[6] == '\\' && s[7] == 'u' &&
                        hex4(s + 8) >= 0xdc00 && hex4(s + 8) < 0xe000;
    if (paired) {
        px_utf8_put(out, 0x10000 + ((c - 0xd800) << 10) + (hex4(s + 8) - 0xdc00));
        return 12;
    }
    px_utf8_put(out, c);
    return 6;
}

pgy_status *px_json_string(px_arena *arena, const px_json *v, px_str *out)
{
    pgy_status *st = NULL;
    px_buf text = {0};

    if (!v->escaped) {
        *out = v->text;
        return NULL;
    }
    for (size_t i = 0; i < v->text.len;) {
        const char *const at = v->text.ptr + i;
        const size_t left = v->text.len - i;
        if (*at == '\\') {
            i += resolve_escape(at, left, &text);
            continue;
        }
        const char *const end = memchr(at, '\\', left);
        const size_t run = end != NULL ? (size_t)(end - at) : left;
        px_buf_put(&text, at, run);
        i += run;
    }
    PX_TRY(px_buf_status(&text));
    char *const copy = px_arena_strndup(arena, px_buf_cstr(&text), text.len);
    if (copy == NULL)
        PX_TRY(px_status_nomem());
    *out = (px_str){copy, text.len};
done:
    px_buf_fini(&text);
    return st;
}

bool px_json_int(const px_json *v, int64_t *out)
{
    return v != NULL && v->type == PX_JSON_INT && px_parse_i64(v->text, out, NULL);
}

bool px_json_double(const px_json *v, double *out)
{
    if (v == NULL || (v->type != PX_JSON_INT && v->type != PX_JSON_FLOAT))
        return false;
    return px_parse_f64(v->text, out);
}

void px_json_newline(px_buf *b, int level)
{
    px_buf_putc(b, '\n');
    px_buf_pad(b, ' ', 4 * (size_t)level);
}

void px_json_put_double(px_buf *b, double v)
{
    if (isnan(v))
        px_buf_puts(b, "NaN");
    else if (isinf(v))
        px_buf_puts(b, v > 0 ? "Infinity" : "-Infinity");
    else
        px_fmt_repr_f64(b, v);
}

void px_json_put_string(px_buf *b, px_str s)
{
    static const char special[] = "\"\\\b\f\n\r\t";
    static const char letter[] = "\"\\bfnrt";

    px_buf_putc(b, '"');
    while (s.len > 0) {
        const uint32_t c = px_utf8_next(&s);
        const char *const at = c < 0x80 && c != 0 ? strchr(special, (int)c) : NULL;
        if (at != NULL)
            px_buf_printf(b, "\\%c", letter[at - special]);
        else if (c >= 0x20 && c <= 0x7f) /* DEL too: Python leaves it as it is */
            px_buf_putc(b, (char)c);
        else if (c < 0x10000)
            px_buf_printf(b, "\\u%04x", (unsigned)c);
        else
            px_buf_printf(b, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
                          (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
    }
    px_buf_putc(b, '"');
}
