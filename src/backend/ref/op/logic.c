/* backend/ref/op/logic.c - boolean operators and comparisons.
 *
 * A comparison with NaN is false. Strings compare bytewise and for equality only.
 */
#include "backend/ref/op/elem.h"

/* Booleans from a file may be any byte. */
PX_ROW2(and_row, uint8_t, bool, x &&y)
PX_ROW2(or_row, uint8_t, bool, x || y)
PX_ROW2(xor_row, uint8_t, bool, !x != !y)
PX_ROW1(not_row, uint8_t, bool, !x)
PX_ROW2(equal_bool, uint8_t, bool, !x == !y)

#define COMPARE(op, expr)                                                                          \
    PX_ROW2(op##_f64, double, bool, expr)                                                          \
    PX_ROW2(op##_i8, int8_t, bool, expr)                                                           \
    PX_ROW2(op##_i16, int16_t, bool, expr)                                                         \
    PX_ROW2(op##_i32, int32_t, bool, expr)                                                         \
    PX_ROW2(op##_i64, int64_t, bool, expr)                                                         \
    PX_ROW2(op##_u8, uint8_t, bool, expr)                                                          \
    PX_ROW2(op##_u16, uint16_t, bool, expr)                                                        \
    PX_ROW2(op##_u32, uint32_t, bool, expr)                                                        \
    PX_ROW2(op##_u64, uint64_t, bool, expr)                                                        \
    static const px_elem_row op##_rows[PX_N_NUMERIC] = {                                           \
        op##_f64, op##_i8, op##_i16, op##_i32, op##_i64, op##_u8, op##_u16, op##_u32, op##_u64};
COMPARE(equal, x == y)
COMPARE(less, x < y)
COMPARE(less_equal, x <= y)
COMPARE(greater, x > y)
COMPARE(greater_equal, x >= y)

static void equal_string(const px_elem_run *r)
{
    bool *o = r->out;
    const pgy_string *a = r->in[0], *b = r->in[1];
    for (int64_t i = 0; i < r->n; i++) {
        const pgy_string *x = a + i * r->step[0], *y = b + i * r->step[1];
        o[i] = x->len == y->len && (x->len == 0 || memcmp(x->ptr, y->ptr, x->len) == 0);
    }
}

static pgy_status *run(px_ref_call *c, px_elem *e, px_elem_row row)
{
    pgy_status *st = NULL;
    void *out;
    if (row == NULL)
        PX_TRY(px_elem_bad_type(c, 0));
    PX_TRY(px_elem_out(c, e, 0, PGY_DTYPE_BOOL, &out));
    px_elem_apply(e, out, sizeof(bool), row, NULL);
done:
    return st;
}

static pgy_status *operands(px_ref_call *c, px_elem *e)
{
    pgy_status *st = NULL;
    if (c->opset < 7)
        PX_TRY(px_elem_init_legacy(c, e));
    else
        PX_TRY(px_elem_init(c, e, 0, 2));
    PX_TRY(px_elem_same_type(c, e, 1));
done:
    return st;
}

static pgy_status *run_bool(px_ref_call *c, px_elem_row row)
{
    pgy_status *st = NULL;
    px_elem e;
    PX_TRY(operands(c, &e));
    PX_TRY(run(c, &e, px_elem_storage(&e, 0) == PGY_DTYPE_BOOL ? row : NULL));
done:
    return st;
}

static pgy_status *run_compare(px_ref_call *c, const px_elem_row *rows, px_elem_row on_bool,
                               px_elem_row on_string)
{
    pgy_status *st = NULL;
    px_elem e;
    PX_TRY(operands(c, &e));
    const pgy_dtype type = px_elem_storage(&e, 0);
    const int index = px_numeric_index(type);
    px_elem_row row = index >= 0 ? rows[index] : NULL;
    if (type == PGY_DTYPE_BOOL)
        row = on_bool;
    else if (type == PGY_DTYPE_STRING)
        row = on_string;
    PX_TRY(run(c, &e, row));
done:
    return st;
}

static pgy_status *k_and(px_ref_call *c)
{
    return run_bool(c, and_row);
}

static pgy_status *k_or(px_ref_call *c)
{
    return run_bool(c, or_row);
}

static pgy_status *k_xor(px_ref_call *c)
{
    return run_bool(c, xor_row);
}

static pgy_status *k_not(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_elem e;
    PX_TRY(px_elem_init(c, &e, 0, 1));
    PX_TRY(run(c, &e, px_elem_storage(&e, 0) == PGY_DTYPE_BOOL ? not_row : NULL));
done:
    return st;
}

static pgy_status *k_equal(px_ref_call *c)
{
    return run_compare(c, equal_rows, equal_bool, equal_string);
}

static pgy_status *k_less(px_ref_call *c)
{
    return run_compare(c, less_rows, NULL, NULL);
}

static pgy_status *k_less_equal(px_ref_call *c)
{
    return run_compare(c, less_equal_rows, NULL, NULL);
}

static pgy_status *k_greater(px_ref_call *c)
{
    return run_compare(c, greater_rows, NULL, NULL);
}

static pgy_status *k_greater_equal(px_ref_call *c)
{
    return run_compare(c, greater_equal_rows, NULL, NULL);
}

#define ROW(name, since, kernel)                                                                   \
    {                                                                                              \
        "", name, since, 2, 2, 1, 1, kernel                                                        \
    }

static const px_ref_op ops[] = {
    ROW("And", 1, k_and),
    ROW("And", 7, k_and),
    ROW("Or", 1, k_or),
    ROW("Or", 7, k_or),
    ROW("Xor", 1, k_xor),
    ROW("Xor", 7, k_xor),
    {"", "Not", 1, 1, 1, 1, 1, k_not},
    ROW("Equal", 1, k_equal),
    ROW("Equal", 7, k_equal),
    ROW("Equal", 11, k_equal),
    ROW("Equal", 13, k_equal),
    ROW("Equal", 19, k_equal),
    ROW("Less", 1, k_less),
    ROW("Less", 7, k_less),
    ROW("Less", 9, k_less),
    ROW("Less", 13, k_less),
    ROW("LessOrEqual", 12, k_less_equal),
    ROW("LessOrEqual", 16, k_less_equal),
    ROW("Greater", 1, k_greater),
    ROW("Greater", 7, k_greater),
    ROW("Greater", 9, k_greater),
    ROW("Greater", 13, k_greater),
    ROW("GreaterOrEqual", 12, k_greater_equal),
    ROW("GreaterOrEqual", 16, k_greater_equal),
};

const px_ref_family px_ref_family_logic = {ops, PX_COUNTOF(ops)};
