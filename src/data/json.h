/* data/json.h - JSON text: a reader over a mapped file and a writer, both in Python's dialect.
 *
 * The reader accepts what Python's json module accepts: NaN, Infinity and -Infinity, duplicate
 * keys (the last one counts), any whitespace; text must be UTF-8. It builds a tree of views into
 * the text: strings are neither copied nor decoded, so a file with gigabytes of base64 costs a few
 * nodes. They are checked, but for the inside of large base64 arrays, which decoding checks. Depth
 * and number of values are limited.
 */
#ifndef PX_DATA_JSON_H
#define PX_DATA_JSON_H

#include "base/file.h"
#include "base/px.h"

#define PX_JSON_MAX_DEPTH 200
#define PX_JSON_MAX_VALUES (1u << 24)

typedef enum px_json_type {
    PX_JSON_NULL,
    PX_JSON_FALSE,
    PX_JSON_TRUE,
    PX_JSON_INT,
    PX_JSON_FLOAT,
    PX_JSON_STRING,
    PX_JSON_ARRAY,
    PX_JSON_OBJECT
} px_json_type;

typedef struct px_json {
    px_json_type type;
    bool escaped;                 /* a string whose text holds backslashes */
    px_str text;                  /* characters of a number; of a string, between the quotes */
    px_str key;                   /* decoded; of an object's member */
    size_t at;                    /* byte position in the file */
    struct px_json *first, *next; /* members or items, in file order */
    size_t n;
} px_json;

/* Parses the whole text into nodes from `arena`; they point into `text`, which must outlive them.
 * `path` is for messages. Errors: MODEL with the byte position and what was expected. */
PX_MUST_USE pgy_status *px_json_parse(px_arena *arena, const char *path, px_str text,
                                      px_json **out);

/* The same for a mapped file, whose pages are let go behind the reader: memory does not grow with
 * the file. Reports progress to `cx`; NULL: to nobody. */
PX_MUST_USE pgy_status *px_json_parse_file(pgy_context *cx, px_arena *arena, const char *path,
                                           const px_file *file, px_json **out);

/* Member of an object, the last one of that key; NULL when absent or `v` is no object. */
px_json *px_json_get(const px_json *v, const char *key);
/* A string's characters, escapes resolved, as UTF-8 (a lone surrogate becomes U+FFFD, or the byte
 * that it stands for in Python). The result is a view when there is nothing to resolve, else a copy
 * from `arena`. */
PX_MUST_USE pgy_status *px_json_string(px_arena *arena, const px_json *v, px_str *out);
/* False when it is no integer or does not fit. */
bool px_json_int(const px_json *v, int64_t *out);
/* Any number; NaN and infinities included. */
bool px_json_double(const px_json *v, double *out);
/* "an object", "a string": for messages. */
const char *px_json_type_name(px_json_type type);

/* Writing: appends to a builder in the layout of Python's json.dumps(indent=4), ASCII only. */
void px_json_put_string(px_buf *b, px_str s); /* with the quotes */
void px_json_put_double(px_buf *b, double v);
void px_json_newline(px_buf *b, int level); /* line end and 4 * level blanks */

#endif
