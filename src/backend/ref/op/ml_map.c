/* backend/ref/op/ml_map.c - LabelEncoder and CategoryMapper: element for element through a table.
 *
 * Keys are numbers, compared as float32 where the key attribute is (NaN matches NaN), or strings.
 * They are sorted once per call; of equal keys the last one counts.
 */
#include "backend/ref/op/ml.h"

#include <math.h>

/* A column of the table, in one of its possible forms. */
typedef struct column {
    int64_t n;
    const float *floats;
    const int64_t *ints;
    const px_str *strings;
    const pgy_tensor *tensor; /* stored form */
    pgy_dtype dtype;          /* declared element type */
} column;

typedef struct key {
    double number;
    int64_t integer; /* exact, where the number is an integer type */
    pgy_string string;
} key;

typedef struct key_table {
    pgy_dtype dtype;
    key *at;
} key_table;

static key key_of_tensor(const pgy_tensor *t, int64_t i)
{
    key k = {0};
    if (t->dtype == PGY_DTYPE_STRING)
        k.string = ((const pgy_string *)t->data)[i];
    else if (t->dtype == PGY_DTYPE_F64)
        k.number = ((const double *)t->data)[i];
    else
        k.integer = px_tensor_get_i64(t, i);
    return k;
}

static key key_of(const column *col, int64_t i)
{
    key k = {0};
    if (col->tensor)
        return key_of_tensor(col->tensor, i);
    if (col->strings)
        k.string = (pgy_string){col->strings[i].ptr, col->strings[i].len};
    else if (col->floats)
        k.number = (double)col->floats[i];
    else
        k.integer = col->ints[i];
    return k;
}

static int key_compare(pgy_dtype dtype, const key *a, const key *b)
{
    if (dtype == PGY_DTYPE_STRING)
        return px_move_compare(PGY_DTYPE_STRING, &a->string, &b->string);
    if (!px_dtype_is_float(dtype))
        return (a->integer > b->integer) - (a->integer < b->integer);
    if (dtype == PGY_DTYPE_F64)
        return px_move_compare(PGY_DTYPE_F64, &a->number, &b->number);
    double x = (double)(float)a->number, y = (double)(float)b->number;
    return px_move_compare(PGY_DTYPE_F64, &x, &y);
}

static bool key_less(const void *arg, int64_t a, int64_t b)
{
    const key_table *t = arg;
    return key_compare(t->dtype, &t->at[a], &t->at[b]) < 0;
}

/* Position of the last key equal to `k`, or -1. */
static int64_t key_find(const key_table *t, const int64_t *order, int64_t n, const key *k)
{
    int64_t lo = 0, hi = n; /* first position whose key is above k */
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (key_compare(t->dtype, &t->at[order[mid]], k) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    bool hit = lo > 0 && key_compare(t->dtype, &t->at[order[lo - 1]], k) == 0;
    return hit ? order[lo - 1] : -1;
}

/* Position in the table for each element of input 0. */
static pgy_status *look_up(px_ref_call *c, const column *keys, int64_t **out)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    key_table t = {.dtype = keys->dtype};
    int64_t *order, *tmp, *found;
    PX_TRY(px_ref_in(c, 0, &x));
    if (px_ref_storage(keys->dtype) != x->dtype)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The keys are %s, the input is %s",
                           pgy_dtype_name(keys->dtype), pgy_dtype_name(c->in[0].dtype)));
    PX_TRY(PX_MOVE_SCRATCH(c, t.at, keys->n));
    PX_TRY(PX_MOVE_SCRATCH(c, order, keys->n));
    PX_TRY(PX_MOVE_SCRATCH(c, tmp, keys->n));
    PX_TRY(PX_MOVE_SCRATCH(c, found, x->count));
    for (int64_t i = 0; i < keys->n; i++) {
        t.at[i] = key_of(keys, i);
        order[i] = i;
    }
    px_move_sort(order, tmp, keys->n, key_less, &t);
    for (int64_t i = 0; i < x->count; i++) {
        key k = key_of_tensor(x, i);
        found[i] = key_find(&t, order, keys->n, &k);
    }
    *out = found;
done:
    return st;
}

/* Output 0: the value at each position, or `otherwise` for -1. */
static pgy_status *map_out(px_ref_call *c, const column *values, const key *otherwise,
                           const int64_t *at)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = c->in[0].t;
    void *y;
    PX_TRY(px_ref_out(c, 0, values->dtype, x->rank, x->dims, &y));
    pgy_dtype stored = px_ref_storage(values->dtype);
    size_t elem = (size_t)pgy_dtype_bits(stored) / 8;
    for (int64_t i = 0; i < x->count; i++) {
        key v = at[i] < 0 ? *otherwise : key_of(values, at[i]);
        if (stored == PGY_DTYPE_STRING)
            ((pgy_string *)y)[i] = v.string;
        else if (stored == PGY_DTYPE_F64)
            ((double *)y)[i] = v.number;
        else
            px_convert(stored, (uint8_t *)y + (size_t)i * elem, PGY_DTYPE_I64, &v.integer, 0, 1);
    }
done:
    return st;
}

/* The column under attributes "<side>_floats", "_int64s", "_strings" or "_tensor"; `holder` keeps
 * the tensor alive. */
static pgy_status *column_of(px_ref_call *c, const char *side, column *out, px_ref_value *holder)
{
    pgy_status *st = NULL;
    char name[32];
    int64_t n[3];
    snprintf(name, sizeof name, "%s_floats", side);
    out->floats = px_ml_floats(c, name, &n[0]);
    snprintf(name, sizeof name, "%s_int64s", side);
    out->ints = px_ml_ints(c, name, &n[1]);
    snprintf(name, sizeof name, "%s_strings", side);
    out->strings = px_ml_strings(c, name, &n[2]);
    snprintf(name, sizeof name, "%s_tensor", side);
    PX_TRY(px_ref_attr_tensor(c, name, holder));
    out->n = out->floats ? n[0] : out->ints ? n[1] : n[2];
    out->dtype = out->floats ? PGY_DTYPE_F32 : out->ints ? PGY_DTYPE_I64 : PGY_DTYPE_STRING;
    if (holder->kind == PX_REF_TENSOR) {
        out->tensor = holder->t;
        out->dtype = holder->dtype;
        out->n = holder->t->count;
    } else if (out->n == 0) {
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "No attribute gives the %s", side));
    }
    if (px_dtype_is_complex(out->dtype))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The %s are complex", side));
done:
    return st;
}

static key default_of(px_ref_call *c, pgy_dtype dtype)
{
    key k = {.number = px_ref_attr_f(c, "default_float", -0.0),
             .integer = px_ref_attr_i(c, "default_int64", -1)};
    px_str s = px_ref_attr_s(c, "default_string", "_Unused");
    k.string = (pgy_string){s.ptr, s.len};
    if (!px_dtype_is_float(dtype))
        k.number = 0;
    return k;
}

static pgy_status *label_encoder_2(px_ref_call *c)
{
    pgy_status *st = NULL;
    column keys = {0}, values = {0};
    px_ref_value holders[3] = {{0}};
    int64_t *at;
    PX_TRY(column_of(c, "keys", &keys, &holders[0]));
    PX_TRY(column_of(c, "values", &values, &holders[1]));
    PX_TRY(px_ref_attr_tensor(c, "default_tensor", &holders[2]));
    if (keys.n != values.n)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "There are %lld keys and %lld values",
                           (long long)keys.n, (long long)values.n));
    key otherwise = default_of(c, values.dtype);
    const pgy_tensor *t = holders[2].t;
    if (t) {
        if (t->count < 1 || t->dtype != px_ref_storage(values.dtype))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "default_tensor is not of the values' type"));
        otherwise = key_of_tensor(t, 0);
    }
    PX_TRY(look_up(c, &keys, &at));
    PX_TRY(map_out(c, &values, &otherwise, at));
    PX_TRY(px_move_own_strings(c, 0)); /* those of a tensor attribute end here */
done:
    for (size_t i = 0; i < PX_COUNTOF(holders); i++)
        px_ref_value_free(&holders[i]);
    return st;
}

/* Strings to their positions and back, by what the input is. */
static pgy_status *map_pairs(px_ref_call *c, const px_str *strings, const int64_t *ints, int64_t n)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t *at;
    PX_TRY(px_ref_in(c, 0, &x));
    column names = {.n = n, .strings = strings, .dtype = PGY_DTYPE_STRING};
    column numbers = {.n = n, .ints = ints, .dtype = PGY_DTYPE_I64};
    bool from_names = x->dtype == PGY_DTYPE_STRING;
    const column *keys = from_names ? &names : &numbers, *values = from_names ? &numbers : &names;
    key otherwise = default_of(c, values->dtype);
    PX_TRY(look_up(c, keys, &at));
    PX_TRY(map_out(c, values, &otherwise, at));
done:
    return st;
}

static pgy_status *label_encoder_1(px_ref_call *c)
{
    pgy_status *st = NULL;
    int64_t n, *positions;
    const px_str *strings = px_ml_strings(c, "classes_strings", &n);
    if (!strings)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "classes_strings is missing"));
    PX_TRY(PX_MOVE_SCRATCH(c, positions, n));
    for (int64_t i = 0; i < n; i++)
        positions[i] = i;
    PX_TRY(map_pairs(c, strings, positions, n));
done:
    return st;
}

static pgy_status *category_mapper(px_ref_call *c)
{
    int64_t n_strings, n_ints;
    const px_str *strings = px_ml_strings(c, "cats_strings", &n_strings);
    const int64_t *ints = px_ml_ints(c, "cats_int64s", &n_ints);
    if (!strings || n_strings != n_ints)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld cats_strings and %lld cats_int64s",
                           (long long)n_strings, (long long)n_ints);
    return map_pairs(c, strings, ints, n_ints);
}

static const px_ref_op rows[] = {
    {"ai.onnx.ml", "CategoryMapper", 1, 1, 1, 1, 1, category_mapper},
    {"ai.onnx.ml", "LabelEncoder", 1, 1, 1, 1, 1, label_encoder_1},
    {"ai.onnx.ml", "LabelEncoder", 2, 1, 1, 1, 1, label_encoder_2},
};

const px_ref_family px_ref_family_ml_map = {rows, PX_COUNTOF(rows)};
