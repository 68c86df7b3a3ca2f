/* base/opt.h - what an option row is, and the value types that option groups are made of.
 *
 * "Not given" is distinct from every value. Parsing has no side effects.
 */
#ifndef PX_BASE_OPT_H
#define PX_BASE_OPT_H

#include "base/px.h"

typedef struct px_opt_flag {
    bool given;
} px_opt_flag;

typedef struct px_opt_count {
    int n; /* times given */
} px_opt_count;

typedef struct px_opt_int {
    bool given;
    int64_t value;
} px_opt_int;

typedef struct px_opt_float {
    bool given;
    double value;
} px_opt_float;

typedef struct px_opt_str {
    bool given;
    const char *value; /* NULL when given without its optional value */
} px_opt_str;

/* A list of words, in order; n may be 0 although given (zero-or-more options). */
typedef struct px_opt_strs {
    bool given;
    size_t n;
    const char **at;
} px_opt_strs;

/* Occurrences of a repeatable list option: one px_opt_strs each. */
typedef struct px_opt_lists {
    size_t n;
    px_opt_strs *at;
} px_opt_lists;

/* The result of the reference's scalar cast: int, float, text or list. */
typedef enum px_cast_kind { PX_CAST_INT, PX_CAST_FLOAT, PX_CAST_TEXT, PX_CAST_LIST } px_cast_kind;
typedef struct px_cast {
    px_cast_kind kind;
    int64_t i;
    double f; /* also set for INT */
    const char *text;
    struct px_cast *items;
    size_t n;
} px_cast;

/* `[key:]value` words; later ones override, a key keeps its first position. key "" is the default
 * for everything else. */
typedef struct px_opt_keyed {
    bool given;
    size_t n;
    struct px_opt_key_value {
        const char *key;
        px_cast value;
    } *at;
} px_opt_keyed;

/* `name:[d0,d1,...]` words. */
typedef struct px_opt_shape {
    const char *name;
    bool is_auto;
    int rank;
    const int64_t *dims;      /* -1: dynamic */
    const char *const *texts; /* what was written for a dynamic dim, NULL for a number */
} px_opt_shape;
typedef struct px_opt_shapes {
    bool given;
    size_t n;
    px_opt_shape *at;
} px_opt_shapes;
typedef struct px_opt_shape_lists {
    size_t n;
    px_opt_shapes *at;
} px_opt_shape_lists;

#endif
