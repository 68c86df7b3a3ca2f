/* base/str.c - string views, the text builder and the ordered map. */
#include "base/px.h"

#include <stdarg.h>

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

bool px_str_starts(px_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && memcmp(s.ptr, prefix, n) == 0;
}

bool px_str_ends(px_str s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s.len >= n && memcmp(s.ptr + s.len - n, suffix, n) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

px_str px_str_trim(px_str s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool px_str_eq_nocase(px_str a, px_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower((unsigned char)a.ptr[i]) != lower((unsigned char)b.ptr[i]))
            return false;
    return true;
}

bool px_str_contains_nocase(px_str haystack, px_str needle)
{
    if (needle.len > haystack.len)
        return false;
    for (size_t i = 0; i + needle.len <= haystack.len; i++)
        if (px_str_eq_nocase((px_str){haystack.ptr + i, needle.len}, needle))
            return true;
    return false;
}

bool px_str_overlap_nocase(px_str a, px_str b)
{
    return px_str_contains_nocase(a, b) || px_str_contains_nocase(b, a);
}

/* Bytes of the UTF-8 character at s[0], at least 1, at most len. */
static size_t char_len(const char *s, size_t len)
{
    unsigned char c = (unsigned char)s[0];
    size_t n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    return n <= len ? n : 1;
}

/* Length of the [..] class that starts at p[0]; 0 when it has no end (then '[' is literal). */
static size_t class_len(px_str p)
{
    size_t i = 1;
    if (i < p.len && p.ptr[i] == '!')
        i++;
    if (i < p.len && p.ptr[i] == ']')
        i++;
    while (i < p.len && p.ptr[i] != ']')
        i++;
    return i < p.len ? i + 1 : 0;
}

static bool class_matches(px_str cls, px_str ch)
{
    size_t i = 1, end = cls.len - 1;
    bool negate = cls.ptr[i] == '!', hit = false;
    if (negate)
        i++;
    while (i < end) {
        size_t n = char_len(cls.ptr + i, end - i);
        px_str lo = {cls.ptr + i, n};
        i += n;
        if (i + 1 < end && cls.ptr[i] == '-') {
            size_t m = char_len(cls.ptr + i + 1, end - i - 1);
            px_str hi = {cls.ptr + i + 1, m};
            i += 1 + m;
            /* UTF-8 order is code point order. */
            size_t nl = PX_MIN(lo.len, ch.len), nh = PX_MIN(hi.len, ch.len);
            int cl = memcmp(lo.ptr, ch.ptr, nl), chh = memcmp(ch.ptr, hi.ptr, nh);
            bool ge = cl < 0 || (cl == 0 && lo.len <= ch.len);
            bool le = chh < 0 || (chh == 0 && ch.len <= hi.len);
            hit |= ge && le;
        } else {
            hit |= px_str_eq(lo, ch);
        }
    }
    return hit != negate;
}

bool px_str_fnmatch(px_str p, px_str s)
{
    /* Iterative with one backtrack point: the last '*' seen. Linear in practice, no recursion. */
    size_t pi = 0, si = 0, star_p = SIZE_MAX, star_s = 0;
    while (si < s.len || pi < p.len) {
        if (pi < p.len && p.ptr[pi] == '*') {
            star_p = ++pi;
            star_s = si;
            continue;
        }
        if (si < s.len && pi < p.len) {
            size_t sn = char_len(s.ptr + si, s.len - si);
            px_str ch = {s.ptr + si, sn};
            size_t cn = p.ptr[pi] == '[' ? class_len((px_str){p.ptr + pi, p.len - pi}) : 0;
            bool ok;
            size_t pn;
            if (cn > 0) {
                ok = class_matches((px_str){p.ptr + pi, cn}, ch);
                pn = cn;
            } else if (p.ptr[pi] == '?') {
                ok = true;
                pn = 1;
            } else {
                pn = char_len(p.ptr + pi, p.len - pi);
                ok = px_str_eq((px_str){p.ptr + pi, pn}, ch);
            }
            if (ok) {
                pi += pn;
                si += sn;
                continue;
            }
        }
        if (star_p == SIZE_MAX || star_s >= s.len)
            return false;
        star_s += char_len(s.ptr + star_s, s.len - star_s);
        pi = star_p;
        si = star_s;
    }
    return true;
}

int px_str_distance(px_str a, px_str b)
{
    enum { LIMIT = 64 };
    if (a.len > LIMIT)
        a.len = LIMIT;
    if (b.len > LIMIT)
        b.len = LIMIT;
    int row[LIMIT + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= a.len; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= b.len; j++) {
            int substitute = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            diagonal = row[j];
            int best = PX_MIN(row[j], row[j - 1]) + 1;
            row[j] = PX_MIN(best, substitute);
        }
    }
    return row[b.len];
}

/* Room for n more bytes and a NUL. */
static bool make_room(px_buf *b, size_t n)
{
    if (b->failed)
        return false;
    size_t need;
    if (!px_size_add(b->len, n, &need) || !px_size_add(need, 1, &need)) {
        b->failed = true;
        return false;
    }
    if (need > b->cap) {
        size_t cap = PX_MAX(need, b->cap < 64 ? 64 : b->cap * 2);
        char *p = px_mem_realloc(b->ptr, cap);
        if (p == NULL) {
            b->failed = true;
            return false;
        }
        b->ptr = p;
        b->cap = cap;
    }
    return true;
}

void px_buf_put(px_buf *b, const void *bytes, size_t n)
{
    if (!make_room(b, n))
        return;
    if (n > 0)
        memcpy(b->ptr + b->len, bytes, n);
    b->len += n;
    b->ptr[b->len] = '\0';
}

void px_buf_puts(px_buf *b, const char *s)
{
    px_buf_put(b, s, strlen(s));
}

void px_buf_putstr(px_buf *b, px_str s)
{
    px_buf_put(b, s.ptr, s.len);
}

void px_buf_putc(px_buf *b, char c)
{
    px_buf_put(b, &c, 1);
}

void px_buf_pad(px_buf *b, char c, size_t n)
{
    if (!make_room(b, n))
        return;
    memset(b->ptr + b->len, c, n);
    b->len += n;
    b->ptr[b->len] = '\0';
}

void px_buf_vprintf(px_buf *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n < 0 || !make_room(b, (size_t)n)) {
        b->failed = true;
    } else {
        vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void px_buf_printf(px_buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    px_buf_vprintf(b, fmt, args);
    va_end(args);
}

void px_buf_repr(px_buf *b, px_str s)
{
    bool has_single = s.len > 0 && memchr(s.ptr, '\'', s.len) != NULL;
    bool has_double = s.len > 0 && memchr(s.ptr, '"', s.len) != NULL;
    char quote = has_single && !has_double ? '"' : '\'';
    px_buf_putc(b, quote);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == (unsigned char)quote || c == '\\') {
            px_buf_putc(b, '\\');
            px_buf_putc(b, (char)c);
        } else if (c == '\n') {
            px_buf_puts(b, "\\n");
        } else if (c == '\r') {
            px_buf_puts(b, "\\r");
        } else if (c == '\t') {
            px_buf_puts(b, "\\t");
        } else if (c < 0x20 || c == 0x7F) {
            px_buf_printf(b, "\\x%02x", c);
        } else {
            px_buf_putc(b, (char)c);
        }
    }
    px_buf_putc(b, quote);
}

void px_buf_repr_list(px_buf *b, const px_str *items, size_t n)
{
    px_buf_putc(b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            px_buf_puts(b, ", ");
        px_buf_repr(b, items[i]);
    }
    px_buf_putc(b, ']');
}

void px_buf_put_shell(px_buf *b, px_str word)
{
    bool is_plain = word.len > 0;
    for (size_t i = 0; i < word.len && is_plain; i++) {
        const char c = word.ptr[i];
        is_plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                   (c != '\0' && strchr("%+,-./:=@_", c) != NULL);
    }
    if (is_plain) {
        px_buf_putstr(b, word);
        return;
    }
    px_buf_putc(b, '\'');
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '\'') /* ends the quotes, stands alone, begins them again */
            px_buf_puts(b, "'\\'");
        px_buf_putc(b, word.ptr[i]);
    }
    px_buf_putc(b, '\'');
}

const char *px_buf_cstr(px_buf *b)
{
    return b->ptr != NULL && !b->failed ? b->ptr : "";
}

px_str px_buf_str(const px_buf *b)
{
    return b->failed ? (px_str){"", 0} : (px_str){b->ptr ? b->ptr : "", b->len};
}

pgy_status *px_buf_status(const px_buf *b)
{
    return b->failed ? px_status_nomem() : NULL;
}

char *px_buf_take(px_buf *b)
{
    if (!make_room(b, 0)) {
        px_buf_fini(b);
        return NULL;
    }
    char *p = b->ptr;
    p[b->len] = '\0';
    *b = (px_buf){0};
    return p;
}

void px_buf_fini(px_buf *b)
{
    px_mem_free(b->ptr);
    *b = (px_buf){0};
}

/* FNV-1a. */
static uint32_t hash(px_str key)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.ptr[i]) * 16777619u;
    return h;
}

ptrdiff_t px_map_find(const px_map *map, px_str key)
{
    if (map->n_index == 0)
        return -1;
    size_t mask = map->n_index - 1;
    for (size_t slot = hash(key) & mask; map->index[slot] != 0; slot = (slot + 1) & mask) {
        size_t i = map->index[slot] - 1;
        if (px_str_eq(map->at[i].key, key))
            return (ptrdiff_t)i;
    }
    return -1;
}

static void index_put(px_map *map, size_t i)
{
    size_t mask = map->n_index - 1;
    size_t slot = hash(map->at[i].key) & mask;
    while (map->index[slot] != 0)
        slot = (slot + 1) & mask;
    map->index[slot] = (uint32_t)(i + 1);
}

static pgy_status *index_grow(px_map *map)
{
    size_t n_index = map->n_index ? map->n_index * 2 : 16;
    uint32_t *index = px_mem_calloc(n_index, sizeof *index);
    if (index == NULL)
        return px_status_nomem();
    px_mem_free(map->index);
    map->index = index;
    map->n_index = n_index;
    for (size_t i = 0; i < map->n; i++)
        index_put(map, i);
    return NULL;
}

pgy_status *px_map_set(px_map *map, px_str key, void *value)
{
    pgy_status *st = NULL;
    ptrdiff_t found = px_map_find(map, key);
    if (found >= 0) {
        map->at[found].value = value;
        return NULL;
    }
    PX_TRY(PX_RESERVE(map, 1));
    if ((map->n + 1) * 2 > map->n_index)
        PX_TRY(index_grow(map));
    char *copy = px_mem_strndup(key.ptr, key.len);
    if (copy == NULL)
        return px_status_nomem();
    map->at[map->n] = (px_map_entry){.key = {copy, key.len}, .value = value};
    index_put(map, map->n++);
done:
    return st;
}

void *px_map_get(const px_map *map, px_str key)
{
    ptrdiff_t i = px_map_find(map, key);
    return i < 0 ? NULL : map->at[i].value;
}

bool px_map_has(const px_map *map, px_str key)
{
    return px_map_find(map, key) >= 0;
}

void px_map_fini(px_map *map)
{
    for (size_t i = 0; i < map->n; i++)
        px_mem_free((char *)map->at[i].key.ptr);
    px_mem_free(map->at);
    px_mem_free(map->index);
    *map = (px_map){0};
}
