/* compare/indices.c - lists of indices along the last axis: is every one found near its place?
 *
 * Mirrors: comparator/compare.py CompareFunc.indices.
 */
#include "base/array_text.h"
#include "base/fmt.h"
#include "base/log.h"
#include "compare/func.h"
#include "compare/text.h"

#include <math.h>

/* One batch of the second array, sorted by (value, position), so that the first position of a
 * value is found without reading the whole list for each. */
typedef struct place {
    uint64_t key;
    int64_t at;
} place;

static int by_key(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* First position of `key`; -1: none. */
static int64_t find(const place *places, int64_t n, uint64_t key)
{
    int64_t low = 0, high = n;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (places[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && places[low].key == key ? places[low].at : -1;
}

static bool is_nan(px_work w, const void *x, int64_t i)
{
    return (w == PX_F32 && isnan(((const float *)x)[i])) ||
           (w == PX_F64 && isnan(((const double *)x)[i]));
}

/* Keys of values in `w`; equal keys mean equal values: -0 becomes 0. */
static void equal_keys(px_work w, const void *x, int64_t n, uint64_t *out)
{
    px_t_keys(w, x, n, out);
    for (int64_t i = 0; i < n && (w == PX_F32 || w == PX_F64); i++)
        if (px_key_to_f64(w, out[i]) == 0)
            out[i] = UINT64_C(1) << 63;
}

static void log_missing(const px_case *c, const pgy_tensor *t, int64_t i)
{
    px_buf text = {0};
    pgy_tensor *one = NULL;
    const size_t bits = (size_t)pgy_dtype_bits(t->dtype);
    px_buf_puts(&text, "FAILED | Value: ");
    if (px_dtype_is_float(t->dtype)) { /* as Python's float, which holds it exactly */
        px_fmt_repr_f64(&text, px_tensor_get_f64(t, i));
    } else if (bits % 8 == 0 && px_tensor_new_raw(t->dtype, 0, NULL, &one) == NULL) {
        memcpy(one->data, (const char *)t->data + (size_t)i * bits / 8, bits / 8);
        px_array_str(&text, one);
    } else {
        px_text_number(&text, px_tensor_get_f64(t, i));
    }
    px_buf_puts(&text, " not found in output");
    px_log_text(c->cx, PGY_LOG_ERROR, PX_AT_COMPARE, px_buf_str(&text));
    pgy_tensor_free(one);
    px_buf_fini(&text);
}

typedef struct lists {
    const px_case *c;
    px_work work;
    pgy_tensor *a, *b; /* in one type */
    int64_t length;    /* of the last axis */
    int64_t tolerance;
    uint64_t *keys_a, *keys_b;
    place *places;
} lists;

/* False at the first failure when failing fast, else whether all was found. */
static bool check_batch(const lists *l, int64_t first)
{
    bool passed = true;
    const size_t size = px_work_size(l->work);
    const char *a = (const char *)l->a->data + (size_t)first * size;
    const char *b = (const char *)l->b->data + (size_t)first * size;
    const int64_t n = l->length - PX_MIN(l->tolerance, l->length);
    int64_t n_places = 0;
    equal_keys(l->work, a, l->length, l->keys_a);
    equal_keys(l->work, b, l->length, l->keys_b);
    for (int64_t i = 0; i < l->length; i++)
        if (!is_nan(l->work, b, i))
            l->places[n_places++] = (place){l->keys_b[i], i};
    qsort(l->places, (size_t)n_places, sizeof *l->places, by_key);
    for (int64_t p = 0; p < n; p++) {
        const bool nan = is_nan(l->work, a, p);
        if (!nan && l->keys_a[p] == l->keys_b[p])
            continue;
        const int64_t q = nan ? -1 : find(l->places, n_places, l->keys_a[p]);
        if (q >= 0 && (q > p ? q - p : p - q) <= l->tolerance)
            continue;
        passed = false;
        if (q < 0)
            log_missing(l->c, l->c->tensor[0], first + p);
        else
            px_log(l->c->cx, PGY_LOG_ERROR, PX_AT_COMPARE,
                   "FAILED | Difference exceeds index tolerance (%lld)", (long long)l->tolerance);
        if (l->c->args->fail_fast.given)
            return false;
    }
    return passed;
}

static pgy_status *check_lists(const px_case *c, int64_t tolerance, bool *out_passed)
{
    static const pgy_dtype dtypes[PX_N_WORK] = {PGY_DTYPE_BOOL, PGY_DTYPE_I32, PGY_DTYPE_I64,
                                                PGY_DTYPE_U64,  PGY_DTYPE_F32, PGY_DTYPE_F64};
    pgy_status *st = NULL;
    const pgy_tensor *shape = c->tensor[0];
    px_pair pair;
    lists l = {.c = c, .tolerance = tolerance, .length = shape->dims[shape->rank - 1]};
    PX_TRY(px_pair_init(c->tensor[0], c->tensor[1], false, 0, 0, &pair));
    l.work = pair.common;
    PX_TRY(pgy_tensor_cast(c->tensor[0], dtypes[l.work], &l.a));
    PX_TRY(pgy_tensor_cast(c->tensor[1], dtypes[l.work], &l.b));
    PX_TRY(PX_ALLOC(l.keys_a, (size_t)l.length));
    PX_TRY(PX_ALLOC(l.keys_b, (size_t)l.length));
    PX_TRY(PX_ALLOC(l.places, (size_t)l.length));
    *out_passed = true;
    for (int64_t first = 0; first < shape->count; first += l.length) {
        *out_passed = check_batch(&l, first) && *out_passed;
        if (!*out_passed && c->args->fail_fast.given)
            break;
    }
done:
    pgy_tensor_free(l.a);
    pgy_tensor_free(l.b);
    px_mem_free(l.keys_a);
    px_mem_free(l.keys_b);
    px_mem_free(l.places);
    return st;
}

static pgy_status *log_both(const px_case *c, bool passed)
{
    pgy_status *st = NULL;
    px_pair pair;
    px_pair_stats stats;
    px_hist hists[PX_N_OF];
    double range[2];
    const unsigned both = PX_NEED(PX_OF_A) | PX_NEED(PX_OF_B);
    const int detail = passed ? PGY_LOG_VERBOSE : PGY_LOG_INFO;
    px_buf title = {0};
    PX_TRY(px_pair_init(c->tensor[0], c->tensor[1], false, 0, 0, &pair));
    PX_TRY(px_pair_stats_of(c->cx, &pair, both, NAN, &stats));
    px_joint_range(&stats.of[PX_OF_A], &stats.of[PX_OF_B], range);
    if (px_detail_shows(c->cx, detail))
        PX_TRY(px_hists_of(c->cx, &pair, both, stats.of, range, hists));
    for (int i = 0; i < 2; i++) {
        title.len = 0;
        px_buf_printf(&title, "%s: %s", c->runner[i], c->name[i]);
        PX_TRY(px_log_stats(c->cx, px_buf_cstr(&title), &pair, (px_which)i, &stats.of[i], &hists[i],
                            detail));
    }
done:
    px_buf_fini(&title);
    return st;
}

pgy_status *px_func_indices(const px_case *c, px_output_result *out)
{
    pgy_status *st = NULL;
    const pgy_tensor *a = c->tensor[0], *b = c->tensor[1];
    const int64_t tolerance = (int64_t)px_keyed_number(&c->args->index_tolerance, c->name[0], 0);
    bool passed = false;
    if (!px_shape_eq(a->rank, a->dims, b->rank, b->dims)) {
        px_log(c->cx, PGY_LOG_ERROR, PX_AT_COMPARE, "Cannot compare outputs of different shapes.");
        goto done;
    }
    if (a->rank == 0)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "Output '%s' is a scalar; the compare function 'indices' needs a list of "
                       "indices along the last axis",
                       c->name[0]));
    PX_TRY(check_lists(c, tolerance, &passed));
    if (!passed && c->args->fail_fast.given)
        goto done;
    if (c->layout == PX_LAYOUT_049)
        PX_TRY(log_both(c, passed));
    if (passed)
        px_log(c->cx, PGY_LOG_FINISH, PX_AT_COMPARE,
               "PASSED | Difference is within index tolerance (%lld)", (long long)tolerance);
done:
    if (st == NULL) {
        out->bare = true;
        out->passed = passed;
    }
    return st;
}
