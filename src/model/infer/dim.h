/* model/infer/dim.h - a number that may not be known: base + times * symbol.
 *
 * Dimensions, and the elements of small integer tensors that shapes are computed with. Every
 * unknown has a symbol of its own, so that what is equal is seen to be equal; a symbol may be named
 * (dim_param). Operations that leave this form make a derived symbol, the same one for the same
 * operands. Overflow makes a new unknown.
 */
#ifndef PX_MODEL_INFER_DIM_H
#define PX_MODEL_INFER_DIM_H

#include "base/px.h"

typedef struct px_dim {
    int64_t base, times; /* times is 0 exactly when sym is 0: a constant */
    uint32_t sym;
} px_dim;

typedef enum px_dim_op {
    PX_DIM_ADD,
    PX_DIM_SUB,
    PX_DIM_MUL,
    PX_DIM_DIV, /* towards zero, as integer Div */
    PX_DIM_MOD, /* sign of the divisor, as Mod with fmod 0 */
    PX_DIM_MIN,
    PX_DIM_MAX,
    PX_DIM_SELF /* one operand: names a sum, so that it can be a factor */
} px_dim_op;

typedef struct px_dim_symbol {
    px_str name;   /* empty: no name */
    bool is_dim;   /* at least 0 */
    bool is_known; /* made from `a` and `b` by `op` */
    px_dim_op op;
    px_dim a, b;
} px_dim_symbol;

/* All symbols of one inference; {0} is empty. */
typedef struct px_dim_table {
    px_dim_symbol *at; /* symbol 1 is at[0] */
    size_t n, cap;
    px_map names, derived; /* to the symbol's number */
    bool failed;           /* memory is out: results mean nothing */
} px_dim_table;

void px_dim_table_fini(px_dim_table *t);

static inline px_dim px_dim_const(int64_t value)
{
    return (px_dim){.base = value};
}

static inline bool px_dim_is_const(px_dim d)
{
    return d.sym == 0;
}

static inline bool px_dim_is(px_dim d, int64_t value)
{
    return d.sym == 0 && d.base == value;
}

static inline bool px_dim_eq(px_dim a, px_dim b)
{
    return a.base == b.base && a.times == b.times && a.sym == b.sym;
}

px_dim px_dim_new(px_dim_table *t, bool is_dim);     /* an unknown */
px_dim px_dim_named(px_dim_table *t, px_str name);   /* the bytes must outlive the table */
px_str px_dim_name(const px_dim_table *t, px_dim d); /* empty unless it is a named symbol alone */
bool px_dim_is_nonneg(const px_dim_table *t, px_dim d); /* false also when not known */
/* The two are different whatever the symbols stand for. */
bool px_dim_differ(const px_dim_table *t, px_dim a, px_dim b);
px_dim px_dim_calc(px_dim_table *t, px_dim_op op, px_dim a, px_dim b);
/* Product of `n` numbers. */
px_dim px_dim_product(px_dim_table *t, const px_dim *at, size_t n);
/* product(a) / product(b) when it comes out even for all values; false when that is not known. */
bool px_dim_quotient(px_dim_table *t, const px_dim *a, size_t n_a, const px_dim *b, size_t n_b,
                     px_dim *out);

/* f applied to a dim: `f` gives the result for a number, negative when there is none. A symbolic
 * dim stays symbolic where f is a straight line on its values, which it has to be for dims that are
 * multiples of `step` apart. */
px_dim px_dim_map(px_dim_table *t, px_dim d, int64_t step, int64_t (*f)(const void *arg, int64_t),
                  const void *arg);

#endif
