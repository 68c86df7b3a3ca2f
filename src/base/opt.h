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

/* The result of the reference's scalar cast: int, float, text or list. */
typedef enum px_cast_kind { PX_CAST_INT, PX_CAST_FLOAT, PX_CAST_TEXT, PX_CAST_LIST } px_cast_kind;
typedef struct px_cast {
    px_cast_kind kind;
    int64_t i;
    double f;         /* also set for INT */
    const char *text; /* TEXT */
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
        const char *word; /* as written */
    } * at;
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

/* `path[:function]`, split at the last colon. */
typedef struct px_opt_script {
    bool given;
    const char *path;
    const char *func; /* NULL: the default of the option */
} px_opt_script;
typedef struct px_opt_scripts {
    bool given;
    size_t n;
    px_opt_script *at;
} px_opt_scripts;

/* How many words an option takes. */
typedef enum px_nargs {
    PX_NARGS_NONE, /* a switch */
    PX_NARGS_1,
    PX_NARGS_OPT,  /* none or one */
    PX_NARGS_SOME, /* one or more */
    PX_NARGS_ANY   /* none or more */
} px_nargs;

/* What a shell may offer for a word. */
typedef enum px_complete { PX_COMPLETE_NONE, PX_COMPLETE_FILE, PX_COMPLETE_DIR } px_complete;

typedef struct px_opt px_opt;

/* One occurrence of an option on a command line. The words live as long as the arena. */
typedef struct px_opt_use {
    px_arena *arena;
    const px_opt *row;
    const char *const *words;
    size_t n;
} px_opt_use;

/* A kind of value. */
typedef struct px_type {
    const char *name; /* "int": in messages and in the options JSON */
    size_t size;      /* of the field in the value struct */
    px_complete complete;
    /* Errors are USAGE: the reference finds them only when it interprets the option group (exit
     * code 1), not while it splits the command line (exit code 2). */
    bool is_late;
    /* Takes one occurrence into `field`, which holds what earlier ones left. USAGE, NOMEM. */
    pgy_status *(*parse)(const px_opt_use *use, void *field);
    /* Appends the words that parse to the same value, each followed by a newline. */
    void (*print)(const void *field, px_buf *out);
} px_type;

enum {
    PX_OPT_HELP = 1 << 0,       /* prints the help and ends */
    PX_OPT_VERSION = 1 << 1,    /* prints the version and ends */
    PX_OPT_DEPRECATED = 1 << 2, /* says so in the help */
    PX_OPT_KNOWN_ONLY = 1 << 3, /* SOME: stops in front of the first word that is no choice */
    PX_OPT_FIRST_WINS = 1 << 4, /* later occurrences change nothing */
    PX_OPT_REPEATABLE = 1 << 5, /* occurrences add up */
    PX_OPT_NEWER = 1 << 6,      /* only the newer reference version has it */
    PX_OPT_OURS = 1 << 7        /* no reference version has it */
};

struct px_opt {
    const char *names; /* spellings joined by '|', canonical one first; a positional has no dash */
    const char *metavar;
    const px_type *type;
    px_nargs nargs;
    size_t offset, size;        /* of the field: PX_BIND */
    const char *const *choices; /* NULL-terminated, or NULL */
    const char *only_one_of;    /* name of a set of mutually exclusive options, or NULL */
    unsigned flags;
    const char *help; /* one or two sentences: what it does, the unit, the default */
    const char *more; /* for the man page and the docs only, or NULL */
    const char *example;
};

/* The field of a row; does not compile when `type` is not the field's type. */
#define PX_BIND(owner, field, field_type)                                                          \
    .offset =                                                                                      \
        offsetof(owner, field) + 0 * sizeof(char[_Generic(((owner *)0)->field, field_type : 1)]),  \
    .size = sizeof(field_type)

/* Rows under one heading. Sections with the same title are shown as one. */
typedef struct px_opt_section {
    const char *title;
    const char *about; /* one sentence under the heading, or NULL */
    const px_opt *rows;
    size_t n;
} px_opt_section;

/* A value that was found wrong while parsing and is reported when its group is interpreted. */
typedef struct px_opt_late {
    const px_opt_section *section;
    const px_opt *row;
    const char *message;
} px_opt_late;

extern const px_type px_type_flag;        /* px_opt_flag */
extern const px_type px_type_count;       /* px_opt_count */
extern const px_type px_type_int;         /* px_opt_int */
extern const px_type px_type_float;       /* px_opt_float */
extern const px_type px_type_bytes;       /* px_opt_int: 16M, 1e9 */
extern const px_type px_type_str;         /* px_opt_str */
extern const px_type px_type_file;        /* px_opt_str */
extern const px_type px_type_dir;         /* px_opt_str */
extern const px_type px_type_identifier;  /* px_opt_str, a Python identifier */
extern const px_type px_type_enum;        /* the same, upper-cased */
extern const px_type px_type_strs;        /* px_opt_strs */
extern const px_type px_type_files;       /* px_opt_strs */
extern const px_type px_type_enums;       /* px_opt_strs, upper-cased identifiers */
extern const px_type px_type_append_name; /* px_opt_strs: the option's own name, no dashes */
extern const px_type px_type_keyed;       /* px_opt_keyed */
extern const px_type px_type_keyed_names; /* px_opt_keyed: key required, identifiers */
extern const px_type px_type_keyed_enums; /* px_opt_keyed: key required, upper-cased lists */
extern const px_type px_type_pools;       /* px_opt_keyed: key required, upper-cased; bytes */
extern const px_type px_type_shapes;      /* px_opt_shapes */
extern const px_type px_type_shape_lists; /* px_opt_shape_lists: one entry per occurrence */
extern const px_type px_type_script;      /* px_opt_script */
extern const px_type px_type_scripts;     /* px_opt_scripts */

/* --- the value syntaxes, for use outside the table too; texts are copied into the arena --- */

/* The reference's scalar cast: brackets make a list, then int, float, text without quotes. */
PX_MUST_USE pgy_status *px_cast_parse(px_arena *arena, px_str text, px_cast *out);
/* Python's repr of the value: 1, 0.5, 'a', [1, 2]. */
void px_cast_repr(px_buf *b, const px_cast *v);
bool px_cast_is_number(const px_cast *v);
/* Splits at the last colon; without one, everything is the value and the key is "". */
void px_key_split(px_str word, px_str *out_key, px_str *out_value);
/* 16M, 1.5K, 1e9. USAGE. */
PX_MUST_USE pgy_status *px_bytes_parse(px_str text, int64_t *out);
/* `name:[d0,d1,...]`. USAGE when the shape is a bare number or not representable. */
PX_MUST_USE pgy_status *px_shape_parse(px_arena *arena, px_str word, px_opt_shape *out);
/* "[1, 'N', -1]", as the reference shows it. */
void px_opt_shape_print(px_buf *b, const px_opt_shape *shape);
bool px_opt_shape_is_dynamic(const px_opt_shape *shape);
/* USAGE for ":func" and "". */
PX_MUST_USE pgy_status *px_script_parse(px_arena *arena, px_str word, px_opt_script *out);
bool px_is_identifier(px_str text);
/* True for the words `mark all`, the one word "mark all", and `*`. */
bool px_opt_marks_all(const px_opt_strs *names);
/* The value for `name`: its own, else the one under "", else NULL. */
const px_cast *px_opt_keyed_get(const px_opt_keyed *keyed, const char *name);

/* Text of printf kind in the arena; NULL when memory is out. */
char *px_arena_printf(px_arena *arena, const char *fmt, ...) PX_PRINTF(2, 3);
/* First spelling of a row ("--rtol"). */
px_str px_opt_name(const px_opt *row);
/* Walks the spellings: call with *pos 0 first; false at the end. */
bool px_opt_next_name(const px_opt *row, size_t *pos, px_str *out);
/* All spellings joined by '/': "--rtol/--rel-tol". */
void px_opt_print_names(const px_opt *row, px_buf *out);

#endif
