/* model/infer/dim.c - see dim.h. */
#include "model/infer/dim.h"

#define MAX_FACTORS 64
#define MAX_SYMBOLS ((size_t)1 << 24)
/* Where a formula is a straight line and nothing is clamped any more, and still far from overflow.
 */
#define PROBE ((int64_t)1 << 24)

void px_dim_table_fini(px_dim_table *t)
{
    px_mem_free(t->at);
    px_map_fini(&t->names);
    px_map_fini(&t->derived);
    *t = (px_dim_table){0};
}

static px_dim add_symbol(px_dim_table *t, px_dim_symbol s)
{
    pgy_status *st = t->n >= MAX_SYMBOLS ? px_status_nomem() : PX_RESERVE(t, 1);
    if (st) {
        pgy_status_free(st);
        t->failed = true;
        return (px_dim){0};
    }
    t->at[t->n++] = s;
    return (px_dim){.times = 1, .sym = (uint32_t)t->n};
}

px_dim px_dim_new(px_dim_table *t, bool is_dim)
{
    return add_symbol(t, (px_dim_symbol){.is_dim = is_dim});
}

/* The symbol of `key`, made from `s` when new. */
static px_dim intern(px_dim_table *t, px_map *map, px_str key, px_dim_symbol s)
{
    const uintptr_t known = (uintptr_t)px_map_get(map, key);
    if (known)
        return (px_dim){.times = 1, .sym = (uint32_t)known};
    const px_dim d = add_symbol(t, s);
    pgy_status *st = t->failed ? NULL : px_map_set(map, key, (void *)(uintptr_t)d.sym);
    t->failed |= st != NULL;
    pgy_status_free(st);
    return d;
}

px_dim px_dim_named(px_dim_table *t, px_str name)
{
    return intern(t, &t->names, name, (px_dim_symbol){.name = name, .is_dim = true});
}

px_str px_dim_name(const px_dim_table *t, px_dim d)
{
    return d.sym && d.base == 0 && d.times == 1 ? t->at[d.sym - 1].name : (px_str){0};
}

bool px_dim_is_nonneg(const px_dim_table *t, px_dim d)
{
    return d.base >= 0 && (d.sym == 0 || (d.times >= 0 && t->at[d.sym - 1].is_dim));
}

bool px_dim_differ(const px_dim_table *t, px_dim a, px_dim b)
{
    if (a.sym == b.sym && a.times == b.times)
        return a.base != b.base;
    return (px_dim_is_const(a) && a.base < 0 && px_dim_is_nonneg(t, b)) ||
           (px_dim_is_const(b) && b.base < 0 && px_dim_is_nonneg(t, a));
}

/* --- arithmetic --- */

static px_dim line(int64_t base, int64_t times, uint32_t sym)
{
    return (px_dim){base, times, times ? sym : 0};
}

static bool constants(px_dim_op op, int64_t a, int64_t b, int64_t *out)
{
    switch (op) {
    case PX_DIM_ADD:
        return !__builtin_add_overflow(a, b, out);
    case PX_DIM_SUB:
        return !__builtin_sub_overflow(a, b, out);
    case PX_DIM_MUL:
        return !__builtin_mul_overflow(a, b, out);
    case PX_DIM_DIV:
        if (b == 0 || (a == INT64_MIN && b == -1))
            return false;
        *out = a / b;
        return true;
    case PX_DIM_MOD:
        if (b == 0 || b == -1)
            return *out = 0, b == -1;
        *out = a % b;
        if (*out != 0 && (*out < 0) != (b < 0))
            *out += b;
        return true;
    case PX_DIM_MIN:
        *out = PX_MIN(a, b);
        return true;
    case PX_DIM_MAX:
        *out = PX_MAX(a, b);
        return true;
    case PX_DIM_SELF:
        *out = a;
        return true;
    }
    return false;
}

/* a op b as a line of the same symbol. */
static bool lines(px_dim_op op, px_dim a, px_dim b, px_dim *out)
{
    int64_t base = 0, times = 0;
    if (op == PX_DIM_ADD || op == PX_DIM_SUB) {
        if (a.sym && b.sym && a.sym != b.sym)
            return false;
        if (!constants(op, a.base, b.base, &base) || !constants(op, a.times, b.times, &times))
            return false;
        *out = line(base, times, a.sym ? a.sym : b.sym);
        return true;
    }
    if (op == PX_DIM_MUL && (!a.sym || !b.sym)) {
        const px_dim d = a.sym ? a : b;
        const int64_t k = a.sym ? b.base : a.base;
        if (!constants(op, d.base, k, &base) || !constants(op, d.times, k, &times))
            return false;
        *out = line(base, times, d.sym);
        return true;
    }
    return false;
}

static int order(px_dim a, px_dim b)
{
    if (a.sym != b.sym)
        return a.sym < b.sym ? -1 : 1;
    if (a.times != b.times)
        return a.times < b.times ? -1 : 1;
    return (a.base > b.base) - (a.base < b.base);
}

static px_dim derive(px_dim_table *t, px_dim_op op, px_dim a, px_dim b)
{
    struct {
        int64_t op, a[3], b[3];
    } key;
    const bool both = px_dim_is_nonneg(t, a) && px_dim_is_nonneg(t, b);
    if ((op == PX_DIM_ADD || op == PX_DIM_MUL || op == PX_DIM_MIN || op == PX_DIM_MAX) &&
        order(a, b) > 0) {
        const px_dim swap = a;
        a = b;
        b = swap;
    }
    memset(&key, 0, sizeof key);
    key.op = op;
    memcpy(key.a, (int64_t[]){a.base, a.times, a.sym}, sizeof key.a);
    memcpy(key.b, (int64_t[]){b.base, b.times, b.sym}, sizeof key.b);
    return intern(
        t, &t->derived, (px_str){(const char *)&key, sizeof key},
        (px_dim_symbol){
            .is_dim = both && op != PX_DIM_SUB, .is_known = true, .op = op, .a = a, .b = b});
}

px_dim px_dim_calc(px_dim_table *t, px_dim_op op, px_dim a, px_dim b)
{
    px_dim out;
    int64_t value = 0;
    if (px_dim_is_const(a) && px_dim_is_const(b))
        return constants(op, a.base, b.base, &value) ? px_dim_const(value) : px_dim_new(t, false);
    if (lines(op, a, b, &out))
        return out;
    if ((op == PX_DIM_MIN || op == PX_DIM_MAX) && px_dim_eq(a, b))
        return a;
    if (op == PX_DIM_DIV && px_dim_quotient(t, &a, 1, &b, 1, &out))
        return out;
    return derive(t, op, a, b);
}

/* --- products --- */

typedef struct factors {
    int64_t number;
    uint32_t syms[MAX_FACTORS];
    size_t n;
} factors;

static bool add_factor(px_dim_table *t, px_dim d, int depth, factors *out)
{
    int64_t content = d.base;
    if (d.sym) {
        content = d.times;
        if (d.base != 0) { /* a sum: its common factor, and a symbol for the rest */
            int64_t x = d.base == INT64_MIN ? 1 : d.base, y = d.times == INT64_MIN ? 1 : d.times;
            while (y != 0) {
                const int64_t rest = x % y;
                x = y;
                y = rest;
            }
            content = x < 0 ? -x : x;
            d = derive(t, PX_DIM_SELF, (px_dim){d.base / content, d.times / content, d.sym},
                       px_dim_const(0));
            if (t->failed)
                return false;
        }
    }
    if (__builtin_mul_overflow(out->number, content, &out->number))
        return false;
    if (!d.sym)
        return true;
    const px_dim_symbol s = t->at[d.sym - 1];
    if (s.is_known && s.op == PX_DIM_MUL && depth < 16)
        return add_factor(t, s.a, depth + 1, out) && add_factor(t, s.b, depth + 1, out);
    if (out->n == MAX_FACTORS)
        return false;
    out->syms[out->n++] = d.sym;
    return true;
}

static bool factors_of(px_dim_table *t, const px_dim *at, size_t n, factors *out)
{
    *out = (factors){.number = 1};
    for (size_t i = 0; i < n; i++)
        if (!add_factor(t, at[i], 0, out))
            return false;
    for (size_t i = 1; i < out->n; i++) /* in order, so that equal products are equal */
        for (size_t k = i; k > 0 && out->syms[k - 1] > out->syms[k]; k--) {
            const uint32_t swap = out->syms[k];
            out->syms[k] = out->syms[k - 1];
            out->syms[k - 1] = swap;
        }
    return true;
}

static px_dim value_of(px_dim_table *t, const factors *f)
{
    px_dim out = {0};
    if (f->number == 0)
        return out;
    for (size_t i = 0; i < f->n; i++) {
        px_dim d = {.times = 1, .sym = f->syms[i]};
        if (t->at[d.sym - 1].is_known && t->at[d.sym - 1].op == PX_DIM_SELF)
            d = f->n == 1 ? t->at[d.sym - 1].a : d;
        out = i == 0 ? d : derive(t, PX_DIM_MUL, out, d);
    }
    const px_dim number = px_dim_const(f->number);
    return f->n == 0 ? number : px_dim_calc(t, PX_DIM_MUL, number, out);
}

px_dim px_dim_product(px_dim_table *t, const px_dim *at, size_t n)
{
    factors f;
    for (size_t i = 0; i < n; i++)
        if (px_dim_is(at[i], 0))
            return at[i];
    return factors_of(t, at, n, &f) ? value_of(t, &f) : px_dim_new(t, true);
}

bool px_dim_quotient(px_dim_table *t, const px_dim *a, size_t n_a, const px_dim *b, size_t n_b,
                     px_dim *out)
{
    factors x, y;
    if (!factors_of(t, a, n_a, &x) || !factors_of(t, b, n_b, &y) || y.number == 0 ||
        x.number % y.number != 0 || (y.number == -1 && x.number == INT64_MIN))
        return false;
    x.number /= y.number;
    for (size_t i = 0; i < y.n; i++) {
        size_t k = 0;
        while (k < x.n && x.syms[k] != y.syms[i])
            k++;
        if (k == x.n)
            return false;
        memmove(&x.syms[k], &x.syms[k + 1], (--x.n - k) * sizeof *x.syms);
    }
    *out = value_of(t, &x);
    return true;
}

px_dim px_dim_map(px_dim_table *t, px_dim d, int64_t step, int64_t (*f)(const void *arg, int64_t),
                  const void *arg)
{
    if (px_dim_is_const(d)) {
        const int64_t value = d.base < 0 ? -1 : f(arg, d.base);
        return value >= 0 ? px_dim_const(value) : px_dim_new(t, true);
    }
    if (step < 1 || d.times < 1 || d.times % step != 0 || d.times > 32 || d.base > PROBE ||
        d.base < -PROBE)
        return px_dim_new(t, true);
    const int64_t at0 = d.base + d.times * PROBE, at1 = at0 + d.times, at2 = at1 + d.times;
    const int64_t y0 = f(arg, at0), y1 = f(arg, at1), y2 = f(arg, at2);
    int64_t moved = 0, base = 0;
    if (y0 < 0 || y1 < 0 || y2 - y1 != y1 - y0 || __builtin_mul_overflow(y1 - y0, PROBE, &moved) ||
        __builtin_sub_overflow(y0, moved, &base))
        return px_dim_new(t, true);
    return line(base, y1 - y0, d.sym);
}
