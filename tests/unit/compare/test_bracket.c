/* Order statistics of large series: what the sample and the brackets give against sorting, and the
 * cases in which they must say that they have nothing. */
#include "../base/test_base.h"

#include "base/half.h"
#include "base/tensor.h"
#include "compare/bracket.h"
#include "compare/stats.h"

#include <math.h>
#include <stdlib.h>

#define N (PX_BRACKET_MIN + 4321)

static uint64_t next_random(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static const char *const kinds[] = {"uniform",    "all equal",  "mostly zero",       "sorted",
                                    "few values", "both signs", "gap in the middle", "wide range",
                                    "hidden step"};

static float value(int kind, int64_t i, uint64_t *s)
{
    const float u = (float)(next_random(s) >> 40) * 0x1p-24f;
    switch (kind) {
    case 0:
        return u;
    case 1:
        return 0.375f;
    case 2:
        return u < 0.7f ? 0.0f : u - 0.7f;
    case 3:
        return (float)i * 1e-3f - 100.0f;
    case 4:
        return floorf(u * 10) - 5;
    case 5:
        return u < 0.001f ? -0.0f : u < 0.002f ? 0.0f : u - 0.5f;
    case 6:
        return i % 2 == 0 ? -1 - u : 1 + u;
    case 7:
        return ldexpf(u + 0.5f, (int)(next_random(s) % 200) - 100);
    default:
        return i < N / 2 ? u : u * 1e6f;
    }
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* numpy's linear interpolation in float32. */
static double quantile_of(const float *sorted, double p)
{
    const double v = (double)(N - 1) * p;
    const int64_t k = (int64_t)floor(v);
    const float g = (float)(v - floor(v)), d = sorted[k + 1] - sorted[k];
    return g >= 0.5f ? sorted[k + 1] - d * (1 - g) : sorted[k] + d * g;
}

static void check_series(const char *kind, const px_stats *s, float *x)
{
    qsort(x, N, sizeof *x, by_value);
    const float low = x[(N - 1) / 2], high = x[N / 2];
    const double median = N % 2 == 1 ? (double)low : (double)((low + high) / 2);
    const double wanted[] = {median, quantile_of(x, 0.9), quantile_of(x, 0.95),
                             quantile_of(x, 0.99), quantile_of(x, 0.25)};
    const double got[] = {s->median, s->p90, s->p95, s->p99, s->quantile};
    for (size_t i = 0; i < PX_COUNTOF(wanted); i++)
        if (got[i] != wanted[i])
            fail_msg("%s, number %zu: %.9g, sorting gives %.9g", kind, i, got[i], wanted[i]);
}

static void test_against_sorting(void **state)
{
    PX_UNUSED(state);
    const int64_t n = N;
    pgy_context *cx = NULL;
    pgy_tensor *a = NULL, *b = NULL;
    uint64_t s = 88172645463325252u;
    assert_ok(pgy_context_new(&cx));
    pgy_context_set_threads(cx, 2);
    assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 1, &n, &a));
    assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 1, &n, &b));
    for (int kind = 0; kind < (int)PX_COUNTOF(kinds); kind++) {
        px_pair pair;
        px_pair_stats stats;
        float *const x = a->data, *const y = b->data;
        for (int64_t i = 0; i < n; i++) {
            x[i] = value(kind, i, &s);
            y[i] = next_random(&s) % 8 == 0 ? x[i] * 1.01f : x[i];
        }
        assert_ok(px_pair_init(a, b, false, 1e-5, 1e-5, &pair));
        assert_ok(px_pair_stats_of(cx, &pair, 15, 0.25, &stats));
        float *const d = malloc((size_t)n * sizeof *d);
        assert_non_null(d);
        for (int64_t i = 0; i < n; i++)
            d[i] = fabsf(x[i] - y[i]);
        check_series(kinds[kind], &stats.of[PX_OF_ABS], d);
        free(d);
        check_series(kinds[kind], &stats.of[PX_OF_A], x);
    }
    pgy_tensor_free(a);
    pgy_tensor_free(b);
    pgy_context_free(cx);
}

static void test_float16(void **state)
{
    PX_UNUSED(state);
    const int64_t n = N;
    pgy_tensor *a = NULL;
    px_stats stats;
    uint64_t s = 362436069;
    assert_ok(pgy_tensor_new(PGY_DTYPE_F16, 1, &n, &a));
    float *const x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++) {
        ((uint16_t *)a->data)[i] = px_f32_to_f16(value(0, i, &s));
        x[i] = px_f16_to_f32(((uint16_t *)a->data)[i]);
    }
    assert_ok(px_stats_of(NULL, a, &stats));
    qsort(x, N, sizeof *x, by_value);
    assert_true(stats.median == (double)x[(N - 1) / 2]);
    free(x);
    pgy_tensor_free(a);
}

/* A thread's findings in 16 elements, 0 to 15. */
static void find(const px_brackets *b, px_bracket_part *part)
{
    float x[16];
    for (int i = 0; i < 16; i++)
        x[i] = (float)i;
    assert_ok(px_bracket_part_init(b, part));
    px_k_f32_get()->bracket(x, 16, &b->at, part->n_above, &part->found);
}

static void test_wrong_guesses(void **state)
{
    PX_UNUSED(state);
    px_brackets b = {.at.n = 1, .cap = {16}};
    px_bracket_part part = {0};
    px_select select;
    px_select_init(&select, PX_F32);
    assert_int_equal(px_select_add(&select, 5), 0);
    px_select_start(&select);
    b.at.floor[0] = px_signed_key_f32(2.0f);
    b.at.top[0] = px_signed_key_f32(6.0f);
    find(&b, &part);
    assert_true(px_brackets_resolve(&b, &part, 1, sizeof part, 16, &select));
    assert_true(px_select_done(&select));
    assert_true(px_key_to_f64(PX_F32, select.key[0]) == 5.0);
    px_bracket_part_fini(&part);

    px_select_init(&select, PX_F32);
    assert_int_equal(px_select_add(&select, 7), 0); /* above the bracket */
    px_select_start(&select);
    find(&b, &part);
    assert_false(px_brackets_resolve(&b, &part, 1, sizeof part, 16, &select));
    assert_false(px_select_done(&select));
    px_bracket_part_fini(&part);

    select.rank[0] = 5;
    b.cap[0] = 3; /* four are inside */
    find(&b, &part);
    assert_false(px_brackets_resolve(&b, &part, 1, sizeof part, 16, &select));
    px_bracket_part_fini(&part);
}

/* Short series are sorted, in every work type; numbers around the limit must not differ. */
static void test_short_series(void **state)
{
    PX_UNUSED(state);
    static const pgy_dtype dtypes[] = {PGY_DTYPE_F32, PGY_DTYPE_F64, PGY_DTYPE_I32, PGY_DTYPE_I64,
                                       PGY_DTYPE_U64, PGY_DTYPE_U8};
    for (size_t d = 0; d < PX_COUNTOF(dtypes); d++) {
        double medians[2];
        for (int side = 0; side < 2; side++) {
            /* The same values in equal shares, so the median is the same. */
            const int64_t n = PX_SELECT_SORTED + (side == 0 ? -1 : 127);
            pgy_tensor *t = NULL;
            px_stats stats;
            double *const x = malloc((size_t)n * sizeof *x);
            assert_non_null(x);
            for (int64_t i = 0; i < n; i++)
                x[i] = (double)(i * 37 % 127);
            assert_ok(pgy_tensor_new(dtypes[d], 1, &n, &t));
            px_convert(dtypes[d], t->data, PGY_DTYPE_F64, x, 0, n);
            assert_ok(px_stats_of(NULL, t, &stats));
            medians[side] = stats.median;
            assert_true(stats.p99 >= 125 && stats.p99 <= 126);
            assert_true(stats.p90 >= 113 && stats.p90 <= 114);
            free(x);
            pgy_tensor_free(t);
        }
        assert_true(medians[0] == 63 && medians[1] == 63);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_sorting),
        cmocka_unit_test(test_float16),
        cmocka_unit_test(test_short_series),
        cmocka_unit_test(test_wrong_guesses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
