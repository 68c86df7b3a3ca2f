/* script/gen_text.h - Python text under construction: imports, variables, calls, literals.
 *
 * Expressions are texts in the script's arena; NULL stands for None, and a keyword argument whose
 * value is NULL is left out. Running out of memory is sticky and reported by px_gen_finish.
 */
#ifndef PX_SCRIPT_GEN_TEXT_H
#define PX_SCRIPT_GEN_TEXT_H

#include "script/gen.h"

typedef struct px_gen_import {
    const char *module, *text; /* text: "name" or "name as alias" */
} px_gen_import;

typedef struct px_gen_variable {
    const char *base, *name, *value;
} px_gen_variable;

typedef struct px_gen {
    const px_gen_args *args;
    px_arena arena;
    bool failed; /* out of memory */

    struct {
        px_gen_import *at;
        size_t n, cap;
    } imports;
    struct {
        px_gen_import *at; /* module: alias, text: what is imported */
        size_t n, cap;
    } lazy;
    struct {
        px_gen_variable *at;
        size_t n, cap;
    } variables;

    px_buf data_loader, loaders, compare_funcs, runners, suffix;
    const char *data_loader_use; /* expression for the data loader; NULL: none was built */
} px_gen;

/* --- imports and variables --- */

/* "from MODULE import NAME [as ALIAS]"; repeats count once. Returns what to call it. */
const char *px_gen_from(px_gen *g, const char *module, const char *name, const char *alias);
/* "ALIAS = mod.lazy_import('WHAT')"; repeats count once. */
void px_gen_lazy(px_gen *g, const char *alias, const char *what);
/* Assigns `value` to BASE, BASE_1, ... in `section`; a value that was assigned under the same base
 * before keeps its name. Returns the name. */
const char *px_gen_assign(px_gen *g, px_buf *section, const char *base, const char *value);

/* --- expressions --- */

const char *px_gen_printf(px_gen *g, const char *fmt, ...) PX_PRINTF(2, 3);
/* Moves the text of a builder into the arena and empties it. */
const char *px_gen_take(px_gen *g, px_buf *text);

const char *px_gen_repr(px_gen *g, const char *text); /* NULL stays NULL */
const char *px_gen_int(px_gen *g, const px_opt_int *option);
const char *px_gen_float(px_gen *g, const px_opt_float *option);
const char *px_gen_str(px_gen *g, const px_opt_str *option);
/* ['a', 'b'] */
const char *px_gen_strs(px_gen *g, const px_opt_strs *option);
/* "True" when given. */
const char *px_gen_true(const px_opt_flag *option);
const char *px_gen_false(const px_opt_flag *option); /* "False" when given */
/* {'': 1e-05, 'out': 2}, or words: {'': 'max'} */
const char *px_gen_keyed(px_gen *g, const px_opt_keyed *option);
/* InvokeFromScript('path', name='func') and its import. */
const char *px_gen_script(px_gen *g, const px_opt_script *script, const char *default_func);
/* A number or a text as a literal. */
void px_gen_put_value(px_buf *b, const px_cast *value);

/* --- calls --- */

typedef struct px_gen_call {
    px_gen *g;
    px_buf text;
    bool has_any;     /* an argument was written */
    bool has_keyword; /* a keyword argument was written */
} px_gen_call;

px_gen_call px_gen_call_begin(px_gen *g, const char *callee);
void px_gen_pos(px_gen_call *call, const char *value);
void px_gen_kw(px_gen_call *call, const char *name, const char *value);
const char *px_gen_call_end(px_gen_call *call);

#endif
