/* Tolerances that are suggested pass; rounding is told from bugs. */
#include "base/half.h"
#include "compare/advise.h"
#include "test_base.h"

#include <math.h>

#define N 4096

typedef struct fixture {
    pgy_context *cx;
    pgy_tensor *a, *b;
    px_pair pair;
    px_output_result result;
    px_profiles profiles;
    px_advice advice;
} fixture;

/* Numbers in [-1, 1) that do not depend on the machine. */
static double noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)(*state >> 11) / 0x1p52 - 1;
}

static void open_pair(fixture *f, pgy_dtype dtype)
{
    const int64_t dims[] = {N};
    *f = (fixture){0};
    assert_ok(pgy_context_new(&f->cx));
    assert_ok(pgy_tensor_new(dtype, 1, dims, &f->a));
    assert_ok(pgy_tensor_new(dtype, 1, dims, &f->b));
}

static void advise(fixture *f, double n_terms, int64_t layers)
{
    const unsigned all =
        PX_NEED(PX_OF_A) | PX_NEED(PX_OF_B) | PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL);
    px_error_summary errors = {.output = "y"};
    px_profile *profile;
    assert_ok(px_pair_init(f->a, f->b, false, 0, 0, &f->pair));
    assert_ok(px_pair_stats_of(f->cx, &f->pair, all, NAN, &f->result.stats));
    px_error_summary_add(&errors, &f->result);
    assert_ok(px_profiles_of(&f->profiles, "y", &profile));
    assert_ok(px_profile_add(f->cx, &f->pair, profile));
    px_advise(&errors, profile, &(px_expectation){n_terms, 64, layers}, &f->advice);
}

static void close_pair(fixture *f)
{
    px_profiles_fini(&f->profiles);
    pgy_tensor_free(f->a);
    pgy_tensor_free(f->b);
    pgy_context_free(f->cx);
}

/* Elements beyond both tolerances, by the comparison itself. */
static int64_t mismatches(fixture *f, double atol, double rtol)
{
    px_pair_stats stats;
    assert_ok(px_pair_init(f->a, f->b, false, atol, rtol, &f->pair));
    assert_ok(
        px_pair_stats_of(f->cx, &f->pair, PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL), NAN, &stats));
    return stats.n_mismatch;
}

static void rounding_up_keeps_two_digits(void **state)
{
    uint64_t seed = 7;
    assert_true(px_round_up(0) == 0);
    assert_true(px_round_up(1) == 1);
    assert_true(px_round_up(0.001) == 0.001);
    assert_true(px_round_up(0.00101) == 0.0011);
    assert_true(px_round_up(9.91) == 10);
    assert_true(px_round_up(99.01) == 100);
    assert_true(isinf(px_round_up(INFINITY)));
    for (int i = 0; i < 10000; i++) {
        const double v = fabs(noise(&seed)) * pow(10, 30 * noise(&seed));
        const double up = px_round_up(v);
        assert_true(up >= v);
        assert_true(up <= v * 1.1001);
    }
}

/* Errors of every shape: absolute, relative, both, spikes, over many magnitudes. */
static void suggestions_pass(void **state)
{
    uint64_t seed = 11;
    for (int c = 0; c < 30; c++) {
        fixture f;
        open_pair(&f, c % 3 == 2 ? PGY_DTYPE_F64 : PGY_DTYPE_F32);
        for (int64_t i = 0; i < N; i++) {
            const double x = noise(&seed) * pow(10, (c % 5) * noise(&seed));
            double y = x * (1 + 1e-3 * (c % 4) * noise(&seed)) + 1e-4 * (c % 3) * noise(&seed);
            if (c % 7 == 3 && i % 1000 == 5)
                y += 10;
            if (c % 3 == 2) {
                ((double *)f.a->data)[i] = x;
                ((double *)f.b->data)[i] = y;
            } else {
                ((float *)f.a->data)[i] = (float)x;
                ((float *)f.b->data)[i] = (float)y;
            }
        }
        advise(&f, 64, 1);
        assert_true(f.advice.has_any);
        assert_true(f.advice.has_pair);
        assert_int_equal(mismatches(&f, f.advice.only_atol, 0), 0);
        assert_int_equal(mismatches(&f, 0, f.advice.only_rtol), 0);
        assert_int_equal(mismatches(&f, f.advice.atol, f.advice.rtol), 0);
        if (f.advice.only_atol > 0) {
            assert_int_not_equal(mismatches(&f, f.advice.only_atol * 0.85, 0), 0);
            /* Together they ask for no more than each alone. */
            assert_true(f.advice.atol <= f.advice.only_atol);
            assert_true(f.advice.rtol <= f.advice.only_rtol);
        }
        close_pair(&f);
    }
}

static void causes(void **state)
{
    enum {
        SAME,
        LAST_BITS,
        HALF,
        BFLOAT,
        SWAPPED,
        FEW,
        NOT_A_NUMBER,
        SHIFTED_LITTLE,
        SCALED,
        OFFSET,
        NOISE,
        OVERFLOW,
        N_KINDS
    };
    static const px_cause expected[N_KINDS] = {
        PX_CAUSE_NONE,   PX_CAUSE_ROUNDING, PX_CAUSE_HALF,      PX_CAUSE_BFLOAT16,
        PX_CAUSE_MOVED,  PX_CAUSE_FEW,      PX_CAUSE_NO_NUMBER, PX_CAUSE_MOVED,
        PX_CAUSE_LINEAR, PX_CAUSE_LINEAR,   PX_CAUSE_WRONG,     PX_CAUSE_OVERFLOW};
    for (int kind = 0; kind < N_KINDS; kind++) {
        fixture f;
        uint64_t seed = 3;
        open_pair(&f, PGY_DTYPE_F32);
        float *a = f.a->data, *b = f.b->data;
        for (int64_t i = 0; i < N; i++)
            a[i] = b[i] = (float)noise(&seed);
        for (int64_t i = 0; i < N; i++) {
            if (kind == LAST_BITS)
                a[i] *= 1 + (float)noise(&seed) * 3e-7f;
            if (kind == HALF)
                a[i] = px_f16_to_f32(px_f32_to_f16(a[i]));
            if (kind == BFLOAT)
                a[i] = px_bf16_to_f32(px_f32_to_bf16(a[i]));
            if (kind == SWAPPED)
                a[i] = b[(i + N / 2) % N];
        }
        /* Moved values are a small error where all of them are much the same. */
        for (int64_t i = 0; i < N; i++) {
            if (kind == SHIFTED_LITTLE)
                b[i] = 3 + 0.01f * b[i];
            if (kind == NOISE)
                a[i] += 0.2f * (float)noise(&seed);
        }
        for (int64_t i = 0; i < N; i++) {
            if (kind == SHIFTED_LITTLE)
                a[i] = b[(i + 1) % N];
            if (kind == SCALED)
                a[i] *= 1.01f;
            if (kind == OFFSET)
                a[i] += 0.01f;
            if (kind == OVERFLOW)
                a[i] = b[i] *= 70000;
        }
        for (int64_t i = 0; i < N && kind == OVERFLOW; i++)
            a[i] = px_f16_to_f32(px_f32_to_f16(a[i]));
        if (kind == FEW)
            a[17] += 3;
        if (kind == NOT_A_NUMBER)
            a[17] = NAN;
        advise(&f, 64, 1);
        if (f.advice.cause != expected[kind])
            fail_msg("kind %d: cause %d, expected %d", kind, f.advice.cause, expected[kind]);
        assert_int_equal(f.advice.has_any, kind != NOT_A_NUMBER && kind != OVERFLOW);
        close_pair(&f);
    }
}

static void integers(void **state)
{
    fixture f;
    open_pair(&f, PGY_DTYPE_I32);
    ((int32_t *)f.a->data)[5] = 1;
    advise(&f, 0, 0);
    assert_int_equal(f.advice.cause, PX_CAUSE_QUANTIZED);
    assert_true(f.advice.only_atol == 1);
    close_pair(&f);

    open_pair(&f, PGY_DTYPE_I32);
    ((int32_t *)f.a->data)[5] = 100;
    advise(&f, 0, 0);
    assert_int_equal(f.advice.cause, PX_CAUSE_INDICES);
    close_pair(&f);

    open_pair(&f, PGY_DTYPE_BOOL);
    ((uint8_t *)f.a->data)[5] = 1;
    advise(&f, 0, 0);
    assert_int_equal(f.advice.cause, PX_CAUSE_TRUTH);
    close_pair(&f);
}

static void sentences(void **state)
{
    px_buf b = {0};
    px_advice advice = {.output = "y",
                        .dtype = PGY_DTYPE_F32,
                        .has_any = true,
                        .has_pair = true,
                        .atol = 0.0012,
                        .rtol = 3e-5,
                        .error = 1.23e-6,
                        .expected = 4e-6,
                        .path = {1000, 576, 12},
                        .cause = PX_CAUSE_ROUNDING};
    px_advice_print_options(&b, &advice, 1);
    assert_string_equal(px_buf_cstr(&b), "--atol y:0.0012 --rtol y:3e-05");
    b.len = 0;
    px_advice_print_cause(&b, &advice);
    assert_string_equal(px_buf_cstr(&b),
                        "relative error (root mean square) 1.2e-06, expected about 4e-06 of "
                        "float32 after 12 layers with sums of up to 576 terms: this looks like "
                        "rounding");
    px_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_up_keeps_two_digits),
        cmocka_unit_test(suggestions_pass),
        cmocka_unit_test(causes),
        cmocka_unit_test(integers),
        cmocka_unit_test(sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
