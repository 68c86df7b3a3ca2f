/* Every instruction set's loops against scalar.c, and the machinery on top against plain ways:
 * selection against sorting, sums against one long recursion, one thread against several.
 */
#include "../base/test_base.h"

#include "base/cpu.h"
#include "base/tensor.h"
#include "compare/hist.h"
#include "compare/stats.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define GUARD 0x7fc0dead

static uint64_t next_random(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* Values of one kind: 0 uniform, 1 any bits, 2 mostly special, 3 all equal, 4 any finite bits. */
static float value(uint64_t *s, int kind)
{
    static const float special[] = {0.0f,    -0.0f,    NAN,     INFINITY, -INFINITY, 1e-45f,
                                    -1e-45f, FLT_MIN,  FLT_MAX, -FLT_MAX, 1.0f,      -1.0f,
                                    1e-5f,   0x1p-52f, 3.5f,    -3.5f};
    const uint64_t r = next_random(s);
    const uint32_t bits = (uint32_t)(r >> 32);
    float v;
    memcpy(&v, &bits, 4);
    if (kind == 0)
        return (float)(r >> 40) * 0x1p-24f - 0.25f;
    if (kind == 1 || (kind == 4 && isfinite(v)))
        return v;
    return kind == 2 ? special[r % PX_COUNTOF(special)] : kind == 3 ? 0.375f : 1.0f;
}

static const px_f32_kernels *variants(int i)
{
#if defined(__x86_64__)
    if (i == 0)
        return px_cpu_get()->avx2 ? &px_k_f32_avx2 : NULL;
    if (i == 1)
        return px_cpu_get()->avx512f && px_cpu_get()->avx512dq ? &px_k_f32_avx512 : NULL;
#elif defined(__aarch64__)
    if (i == 0)
        return &px_k_f32_neon;
#endif
    PX_UNUSED(i);
    return NULL;
}

static void assert_same_f32(const char *what, float got, float wanted)
{
    if (memcmp(&got, &wanted, 4) != 0 && !(isnan(got) && isnan(wanted)))
        fail_msg("%s: %.9g, the plain loop gives %.9g", what, (double)got, (double)wanted);
}

static void check_diff(const px_f32_kernels *k, const float *a, const float *b, int64_t n)
{
    static float abs0[PX_BLOCK], rel0[PX_BLOCK], abs1[PX_BLOCK + 1], rel1[PX_BLOCK + 1];
    const uint32_t guard = GUARD;
    int64_t c0[2] = {3, 5}, c1[2] = {3, 5};
    memcpy(abs1 + n, &guard, 4);
    memcpy(rel1 + n, &guard, 4);
    px_k_f32_scalar.diff(a, b, n, 1e-5f, 0.5f, abs0, rel0, &c0[0], &c0[1]);
    k->diff(a, b, n, 1e-5f, 0.5f, abs1, rel1, &c1[0], &c1[1]);
    for (int64_t i = 0; i < n; i++) {
        assert_same_f32("abs", abs1[i], abs0[i]);
        assert_same_f32("rel", rel1[i], rel0[i]);
    }
    assert_memory_equal(abs1 + n, &guard, 4);
    assert_memory_equal(rel1 + n, &guard, 4);
    assert_int_equal(c1[0], c0[0]);
    assert_int_equal(c1[1], c0[1]);
}

static void check_sums(const px_f32_kernels *k, const float *x, int64_t n)
{
    float s0, m0, s1, m1, lo0, hi0, lo1, hi1;
    px_k_minmax_f32 e0, e1;
    px_k_f32_scalar.sum(x, n, &s0, &m0);
    k->sum(x, n, &s1, &m1);
    assert_same_f32("sum", s1, s0);
    assert_same_f32("sum of magnitudes", m1, m0);
    assert_same_f32("sq_dev", k->sq_dev(x, n, 0.3f), px_k_f32_scalar.sq_dev(x, n, 0.3f));
    px_k_f32_scalar.minmax(x, n, &e0);
    k->minmax(x, n, &e1);
    assert_true(e1.min == e0.min && e1.max == e0.max); /* either zero will do */
    assert_int_equal(e1.n_nan, e0.n_nan);
    assert_int_equal(e1.n_inf, e0.n_inf);
    if (n == 0)
        return;
    px_k_f32_scalar.moments(x, n, &s0, &m0, &lo0, &hi0);
    k->moments(x, n, &s1, &m1, &lo1, &hi1);
    assert_same_f32("moments sum", s1, s0);
    assert_same_f32("moments magnitude", m1, m0);
    if (isfinite(m0))
        assert_true(lo0 == lo1 && hi0 == hi1 && lo0 == e0.min && hi0 == e0.max);
}

static void check_counts(const px_f32_kernels *k, const float *a, const float *b, int64_t n)
{
    static uint32_t counts[4][PX_RADIX_BINS];
    static const float edges[PX_MAX_EDGES] = {-1,    -.25f, -.1f, 0,   .1f, .2f,
                                              .375f, .5f,   .6f,  .7f, 1};
    int64_t e0[PX_MAX_EDGES] = {1}, e1[PX_MAX_EDGES] = {1};
    const uint16_t highs[2] = {0xbec0, 0x8000}; /* of 0.375 and 0 */
    px_k_ulp u0 = {0}, u1 = {0};
    memset(counts, 0, sizeof counts);
    px_k_f32_scalar.count_high(a, n, counts[0]);
    k->count_high(a, n, counts[1]);
    assert_memory_equal(counts[0], counts[1], sizeof counts[0]);
    memset(counts, 0, sizeof counts);
    px_k_f32_scalar.count_low(a, n, highs, 2, (uint32_t *const[]){counts[0], counts[1]});
    k->count_low(a, n, highs, 2, (uint32_t *const[]){counts[2], counts[3]});
    assert_memory_equal(counts[0], counts[2], sizeof counts[0]);
    assert_memory_equal(counts[1], counts[3], sizeof counts[0]);
    px_k_f32_scalar.count_edges(a, n, edges, e0);
    k->count_edges(a, n, edges, e1);
    assert_memory_equal(e0, e1, sizeof e0);
    px_k_f32_scalar.ulp(a, b, n, &u0);
    k->ulp(a, b, n, &u1);
    assert_true(u0.max == u1.max && u0.sum == u1.sum && u0.n == u1.n);
}

static void check_bracket(const px_f32_kernels *k, const float *x, int64_t n)
{
    static int32_t keys[2][PX_MAX_BRACKETS][PX_BLOCK];
    for (int n_brackets = 1; n_brackets <= PX_MAX_BRACKETS; n_brackets++) {
        px_k_brackets b = {.n = n_brackets};
        px_k_found found[2] = {0};
        int64_t above[2][PX_MAX_BRACKETS] = {{0}};
        for (int t = 0; t < n_brackets; t++) {
            /* Down from the largest one: the top has no bound, 0.375 is inside or between. */
            const float lo = (float)(t + 12 - n_brackets) * 0.0625f - 0.25f;
            b.floor[t] = px_signed_key_f32(lo);
            b.top[t] = t % 5 == 4            ? b.floor[t]
                       : t + 1 == n_brackets ? INT32_MAX
                                             : px_signed_key_f32(lo + (t % 2 ? 0.0625f : 0.03f));
            for (int v = 0; v < 2; v++) {
                found[v].at[t] = keys[v][t];
                found[v].cap[t] = t == 0 ? 7 : PX_BLOCK;
            }
        }
        px_k_f32_scalar.bracket(x, n, &b, above[0], &found[0]);
        k->bracket(x, n, &b, above[1], &found[1]);
        assert_memory_equal(above[0], above[1], sizeof above[0]);
        assert_memory_equal(found[0].n, found[1].n, sizeof found[0].n);
        for (int t = 0; t < n_brackets; t++)
            assert_memory_equal(keys[0][t], keys[1][t],
                                (size_t)PX_MIN(found[0].n[t], found[0].cap[t]) * sizeof(int32_t));
    }
}

static void test_variants_agree(void **state)
{
    PX_UNUSED(state);
    static float buffer[2][PX_BLOCK + 4];
    uint64_t s = 88172645463325252u;
    int n_tested = 0;
    for (int v = 0; v < 2; v++) {
        const px_f32_kernels *k = variants(v);
        if (k == NULL)
            continue;
        n_tested++;
        for (int kind = 0; kind < 5; kind++)
            for (int64_t n = 0; n <= 320; n = n < 70 ? n + 1 : n == 319 ? PX_BLOCK : n + 83) {
                const int shift = (int)(n % 4); /* not aligned to a register */
                float *a = buffer[0] + shift, *b = buffer[1] + (shift ^ 1);
                for (int64_t i = 0; i < n; i++) {
                    a[i] = value(&s, kind);
                    b[i] = next_random(&s) % 4 == 0 ? a[i] : value(&s, kind);
                }
                check_diff(k, a, b, n);
                check_bracket(k, a, n);
                check_sums(k, a, n);
                if (n < 4 || n % 8 == 5 || n > 70)
                    check_counts(k, a, b, n);
            }
        for (int kind = 0; kind < 5; kind++) {
            for (int64_t i = 0; i < PX_BLOCK; i++) {
                buffer[0][i] = value(&s, kind);
                buffer[1][i] = value(&s, kind);
            }
            check_diff(k, buffer[0], buffer[1], PX_BLOCK);
            check_sums(k, buffer[0], PX_BLOCK);
            check_counts(k, buffer[0], buffer[1], PX_BLOCK);
        }
    }
    if (n_tested == 0)
        skip();
}

/* ---- the machinery ---- */

static pgy_tensor *random_tensor(pgy_dtype dtype, int64_t n, uint64_t seed)
{
    pgy_tensor *t = NULL, *out = NULL;
    assert_ok(pgy_tensor_new(PGY_DTYPE_F64, 1, &n, &t));
    for (int64_t i = 0; i < n; i++) {
        const uint64_t r = next_random(&seed);
        /* Whole numbers now and then, so that values repeat. */
        ((double *)t->data)[i] =
            (r & 3) == 0 ? (double)(r >> 58) : (double)(r >> 11) * 0x1p-53 * 100 - 20;
    }
    if (dtype == PGY_DTYPE_F64)
        return t;
    if (!px_dtype_is_signed(dtype) && !px_dtype_is_float(dtype))
        for (int64_t i = 0; i < n; i++)
            ((double *)t->data)[i] = fabs(((double *)t->data)[i]);
    assert_ok(pgy_tensor_cast(t, dtype, &out));
    pgy_tensor_free(t);
    return out;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void check_against_sort(pgy_dtype dtype, int64_t n)
{
    pgy_tensor *t = random_tensor(dtype, n, (uint64_t)n * 77 + dtype);
    double *sorted = malloc(sizeof *sorted * (size_t)n);
    px_stats s;
    assert_non_null(sorted);
    for (int64_t i = 0; i < n; i++)
        sorted[i] = px_tensor_get_f64(t, i);
    assert_true(sorted[0] == px_tensor_get_f64(t, 0));
    assert_ok(px_stats_of(NULL, t, &s));
    assert_true(px_tensor_get_f64(t, s.argmin) == s.min);
    assert_true(px_tensor_get_f64(t, s.argmax) == s.max);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    assert_true(s.min == sorted[0] && s.max == sorted[n - 1]);
    if (n % 2 == 1)
        assert_true(s.median == sorted[n / 2]);
    if (dtype != PGY_DTYPE_BOOL) {
        const double v = (double)(n - 1) * 0.9;
        const int64_t k = (int64_t)v;
        assert_true(s.p90 >= sorted[k] && s.p90 <= sorted[PX_MIN(k + 1, n - 1)]);
        const double exact =
            sorted[k] + (sorted[PX_MIN(k + 1, n - 1)] - sorted[k]) * (v - (double)k);
        /* f16 and f32 interpolate in their own precision. */
        const double slack = dtype == PGY_DTYPE_F64 || px_dtype_is_int(dtype) ? 1e-12 : 0.07;
        assert_true(fabs(s.p90 - exact) <= slack);
    }
    free(sorted);
    pgy_tensor_free(t);
}

static void test_order_statistics_equal_sorting(void **state)
{
    PX_UNUSED(state);
    static const pgy_dtype dtypes[] = {
        PGY_DTYPE_F32, PGY_DTYPE_F64, PGY_DTYPE_F16,  PGY_DTYPE_BF16,    PGY_DTYPE_I8,
        PGY_DTYPE_U8,  PGY_DTYPE_I16, PGY_DTYPE_U16,  PGY_DTYPE_I32,     PGY_DTYPE_U32,
        PGY_DTYPE_I64, PGY_DTYPE_U64, PGY_DTYPE_BOOL, PGY_DTYPE_F8E4M3FN};
    static const int64_t counts[] = {1, 2, 3, 10, 101, 8191, 20001};
    for (size_t d = 0; d < PX_COUNTOF(dtypes); d++)
        for (size_t c = 0; c < PX_COUNTOF(counts); c++)
            check_against_sort(dtypes[d], counts[c]);
}

static float recursive_sum(const float *x, int64_t n)
{
    float s, m;
    px_k_f32_scalar.sum(x, n, &s, &m); /* recursion over the whole array, no blocks */
    return s;
}

static void test_blocks_sum_as_one_recursion(void **state)
{
    PX_UNUSED(state);
    static const int64_t counts[] = {7, 8192, 8193, 50000, 123457, 1 << 18};
    for (size_t c = 0; c < PX_COUNTOF(counts); c++) {
        const int64_t n = counts[c];
        pgy_tensor *t = random_tensor(PGY_DTYPE_F32, n, 9);
        px_stats s;
        assert_ok(px_stats_of(NULL, t, &s));
        const float mean = recursive_sum(t->data, n) / (float)n;
        assert_true((float)s.mean == mean);
        assert_true((float)s.var == px_k_f32_scalar.sq_dev(t->data, n, mean) / (float)n);
        pgy_tensor_free(t);
    }
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void check_threads(pgy_dtype da, pgy_dtype db)
{
    const int64_t n = 300007;
    pgy_tensor *a = random_tensor(da, n, 5), *b = random_tensor(db, n, 6);
    px_pair pair;
    px_pair_stats s[2];
    px_hist h[2][PX_N_OF];
    memset(s, 0, sizeof s);
    memset(h, 0, sizeof h);
    assert_ok(px_pair_init(a, b, false, 1, 0.5, &pair));
    for (int i = 0; i < 2; i++) {
        pgy_context *cx = NULL;
        assert_ok(pgy_context_new(&cx));
        pgy_context_set_threads(cx, i == 0 ? 1 : 5);
        assert_ok(px_pair_stats_of(cx, &pair, 15, 0.75, &s[i]));
        assert_ok(px_hists_of(cx, &pair, 15, s[i].of, NULL, h[i]));
        pgy_context_free(cx);
    }
    for (int i = 0; i < PX_N_OF; i++) {
        const px_stats *x = &s[0].of[i], *y = &s[1].of[i];
        assert_true(same(x->mean, y->mean) && same(x->var, y->var) && same(x->median, y->median));
        assert_true(x->argmin == y->argmin && x->argmax == y->argmax && same(x->p99, y->p99));
        assert_true(same(x->avg_magnitude, y->avg_magnitude) && same(x->quantile, y->quantile));
        assert_memory_equal(h[0][i].counts, h[1][i].counts, sizeof h[0][i].counts);
    }
    assert_int_equal(s[0].n_mismatch, s[1].n_mismatch);
    assert_true(s[0].ulp.max == s[1].ulp.max);
    assert_true(s[0].ulp.mean == s[1].ulp.mean);
    pgy_tensor_free(a);
    pgy_tensor_free(b);
}

static void test_results_do_not_depend_on_threads(void **state)
{
    PX_UNUSED(state);
    check_threads(PGY_DTYPE_F32, PGY_DTYPE_F32);
    check_threads(PGY_DTYPE_F64, PGY_DTYPE_F64);
    check_threads(PGY_DTYPE_F16, PGY_DTYPE_F16);
    check_threads(PGY_DTYPE_I32, PGY_DTYPE_U64);
}

static void test_ulp_distance(void **state)
{
    PX_UNUSED(state);
    const int64_t n = 4;
    pgy_tensor *a = NULL, *b = NULL;
    px_pair pair;
    px_pair_stats s;
    assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 1, &n, &a));
    assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 1, &n, &b));
    const float x[] = {1.0f, 0.0f, -1e-45f, NAN};
    const float y[] = {1.0f + 0x1p-22f, -0.0f, 1e-45f, 1.0f};
    memcpy(a->data, x, sizeof x);
    memcpy(b->data, y, sizeof y);
    assert_ok(px_pair_init(a, b, false, 1e-5, 1e-5, &pair));
    assert_ok(px_pair_stats_of(NULL, &pair, 12, NAN, &s));
    assert_true(s.ulp.given && s.ulp.max == 2 && s.ulp.n == 3);
    assert_true(s.ulp.mean == 4.0 / 3);
    pgy_tensor_free(a);
    pgy_tensor_free(b);
}

/* Equal arrays take a shortcut; it must give what the long way gives. */
static void test_equal_arrays(void **state)
{
    PX_UNUSED(state);
    static const pgy_dtype dtypes[] = {PGY_DTYPE_F32, PGY_DTYPE_F64, PGY_DTYPE_F16, PGY_DTYPE_BF16};
    for (size_t d = 0; d < PX_COUNTOF(dtypes); d++) {
        pgy_tensor *a = random_tensor(dtypes[d], 10001, 3), *b = NULL;
        px_pair pair;
        px_pair_stats fast, slow;
        assert_ok(pgy_tensor_new(dtypes[d], 1, a->dims, &b));
        memcpy(b->data, a->data, a->size);
        assert_ok(px_pair_init(a, b, false, 0, 0, &pair));
        assert_ok(px_pair_stats_of(NULL, &pair, 15, 0.5, &fast));
        pair.atol = -1; /* rules the shortcut out */
        assert_ok(px_pair_stats_of(NULL, &pair, 15, 0.5, &slow));
        for (int i = 0; i < PX_N_OF; i++) {
            const px_stats *x = &fast.of[i], *y = &slow.of[i];
            assert_true(x->mean == y->mean && x->var == y->var && x->median == y->median);
            assert_true(x->min == y->min && x->max == y->max && x->p90 == y->p90);
            assert_true(x->argmin == y->argmin && x->argmax == y->argmax);
            assert_true(x->std == y->std && x->quantile == y->quantile && x->p99 == y->p99);
            assert_true(x->avg_magnitude == y->avg_magnitude && x->count == y->count);
        }
        assert_int_equal(fast.n_mismatch, 0);
        assert_int_equal(fast.n_zero, slow.n_zero);
        assert_true(fast.n_zero > 0);
        assert_true(fast.ulp.max == 0 && fast.ulp.n == slow.ulp.n && fast.ulp.mean == 0);
        pgy_tensor_free(a);
        pgy_tensor_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants_agree),
        cmocka_unit_test(test_order_statistics_equal_sorting),
        cmocka_unit_test(test_blocks_sum_as_one_recursion),
        cmocka_unit_test(test_results_do_not_depend_on_threads),
        cmocka_unit_test(test_ulp_distance),
        cmocka_unit_test(test_equal_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
