/* base/str.h - string views, a text builder, sorted-by-insertion string maps. */
#ifndef PX_BASE_STR_H
#define PX_BASE_STR_H

#include "polygraphy/status.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A borrowed run of bytes, not NUL-terminated. UTF-8 unless stated. */
typedef struct px_str {
    const char *ptr;
    size_t len;
} px_str;

#define PX_STR(literal) ((px_str){(literal), sizeof(literal) - 1})
/* For "%.*s". */
#define PX_STR_ARG(s) (int)(s).len, (s).ptr

static inline px_str px_str_of(const char *s)
{
    return (px_str){s, s ? strlen(s) : 0};
}

static inline bool px_str_eq(px_str a, px_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool px_str_is(px_str a, const char *b)
{
    return px_str_eq(a, px_str_of(b));
}

bool px_str_starts(px_str s, const char *prefix);
bool px_str_ends(px_str s, const char *suffix);
px_str px_str_trim(px_str s); /* ASCII blanks off both ends */
/* True when either contains the other, ASCII case ignored (the reference's name matching). */
bool px_str_overlap_nocase(px_str a, px_str b);
bool px_str_contains_nocase(px_str haystack, px_str needle);
bool px_str_eq_nocase(px_str a, px_str b);
/* Shell-style pattern as Python's fnmatchcase: * ? [seq] [!seq]. */
bool px_str_fnmatch(px_str pattern, px_str name);
/* Edit distance for "did you mean"; limited to 64 bytes a side. */
int px_str_distance(px_str a, px_str b);

/* Text builder. Appending never reports: out of memory sets `failed`, px_buf_status tells at the
 * end. `ptr` is NUL-terminated whenever len > 0 or after px_buf_cstr. {0} is a valid empty one. */
typedef struct px_buf {
    char *ptr;
    size_t len, cap;
    bool failed;
} px_buf;

void px_buf_put(px_buf *b, const void *bytes, size_t n);
void px_buf_puts(px_buf *b, const char *s);
void px_buf_putstr(px_buf *b, px_str s);
void px_buf_putc(px_buf *b, char c);
void px_buf_pad(px_buf *b, char c, size_t n);
void px_buf_printf(px_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void px_buf_vprintf(px_buf *b, const char *fmt, va_list args);
/* Python's repr of a str: quotes chosen and characters escaped as Python does. */
void px_buf_repr(px_buf *b, px_str s);
/* Python's list of str: ['a', 'b']. */
void px_buf_repr_list(px_buf *b, const px_str *items, size_t n);
/* One word of a shell's command line: quoted where it must be. */
void px_buf_put_shell(px_buf *b, px_str word);
const char *px_buf_cstr(px_buf *b); /* never NULL; "" when empty or failed */
px_str px_buf_str(const px_buf *b);
pgy_status *px_buf_status(const px_buf *b) __attribute__((warn_unused_result));
/* Gives the bytes (NUL-terminated) to the caller and empties the builder; NULL when failed. */
char *px_buf_take(px_buf *b);
void px_buf_fini(px_buf *b);

/* Insertion-ordered map from string to pointer. Keys are copied. Values are not owned. */
typedef struct px_map_entry {
    px_str key;
    void *value;
} px_map_entry;
typedef struct px_map {
    px_map_entry *at; /* in order of first insertion */
    size_t n, cap;
    uint32_t *index; /* open addressing, 0 = empty, else position + 1 */
    size_t n_index;
} px_map;

pgy_status *px_map_set(px_map *map, px_str key, void *value) __attribute__((warn_unused_result));
void *px_map_get(const px_map *map, px_str key); /* NULL when absent */
bool px_map_has(const px_map *map, px_str key);
/* Position of the key, or -1. */
ptrdiff_t px_map_find(const px_map *map, px_str key);
void px_map_fini(px_map *map);

#endif
