/* The float64 matrix product against its definition. */
#include "test_base.h"

#include "backend/ref/gemm.h"
#include "backend/ref/ref.h"

#include <math.h>

/* Small integers: every sum is exact, so any order of additions gives the same bits. */
static double *numbers(int64_t count, unsigned seed)
{
    double *x = px_mem_alloc_aligned((size_t)(count + 1) * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (double)(seed >> 24) - 128;
    }
    return x;
}

static void definition(bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha,
                       const double *a, int64_t lda, const double *b, int64_t ldb, double beta,
                       double *c, int64_t ldc)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t p = 0; p < k; p++)
                sum +=
                    (ta ? a[p * lda + i] : a[i * lda + p]) * (tb ? b[j * ldb + p] : b[p * ldb + j]);
            double *x = &c[i * ldc + j];
            *x = alpha * sum + (beta == 0 ? 0 : beta * *x);
        }
}

/* Leading dimensions are larger than the rows, and what lies between rows must survive. */
static void check_one(bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, double beta)
{
    const int64_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 2, ldc = n + 5;
    double *a = numbers((ta ? k : m) * lda, 1), *b = numbers((tb ? n : k) * ldb, 2);
    double *c = numbers(m * ldc, 3), *want = numbers(m * ldc, 3);
    if (beta == 0 && m > 0 && n > 0)
        c[0] = NAN; /* what C holds must not matter */
    assert_ok(px_ref_gemm(NULL, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc));
    definition(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, want, ldc);
    for (int64_t i = 0; i < m * ldc; i++)
        if (c[i] != want[i])
            fail_msg("%dx%dx%d ta %d tb %d alpha %g beta %g: [%d] is %g, wanted %g", (int)m, (int)n,
                     (int)k, ta, tb, alpha, beta, (int)i, c[i], want[i]);
    px_mem_free(a);
    px_mem_free(b);
    px_mem_free(c);
    px_mem_free(want);
}

static void tails_and_transposes(void **state)
{
    PX_UNUSED(state);
    static const int64_t ms[] = {1, 2, 3, 4, 5, 7, 8, 9, 17}, ns[] = {1, 2, 11, 12, 13, 24, 25, 37};
    static const int64_t ks[] = {1, 2, 9, 31};
    for (size_t i = 0; i < PX_COUNTOF(ms); i++)
        for (size_t j = 0; j < PX_COUNTOF(ns); j++)
            for (size_t p = 0; p < PX_COUNTOF(ks); p++)
                for (int t = 0; t < 4; t++)
                    check_one(t & 1, t & 2, ms[i], ns[j], ks[p], 1, 0);
}

static void alpha_and_beta(void **state)
{
    PX_UNUSED(state);
    for (int64_t m = 2; m < 9; m += 3) /* the few-rows path and the tiles */
        for (int t = 0; t < 4; t++) {
            check_one(t & 1, t & 2, m, 13, 10, 0.5, 0);
            check_one(t & 1, t & 2, m, 13, 10, -2, 1);
            check_one(t & 1, t & 2, m, 13, 10, 1, 0.25);
            check_one(t & 1, t & 2, m, 13, 10, 0, 1);
        }
}

static void several_blocks_of_k_and_rows(void **state)
{
    PX_UNUSED(state);
    check_one(false, false, 5, 26, PX_GEMM_KC * 2 + 7, 1, 1);
    check_one(true, true, 203, 121, PX_GEMM_KC + 1, 1, 0);
    check_one(false, true, 2, 19, PX_GEMM_KC + 1, 1, 0);
}

static void nothing_to_add(void **state)
{
    PX_UNUSED(state);
    check_one(false, false, 5, 7, 0, 1, 0);
    check_one(false, false, 5, 7, 0, 1, 0.5);
    check_one(false, false, 0, 7, 3, 1, 0);
    check_one(false, false, 5, 0, 3, 1, 0);
}

/* Copies of whole numbers as floats, at an address that suits no float. */
static float *odd_floats(const double *x, int64_t count, void **block)
{
    char *at = px_mem_alloc((size_t)count * sizeof(float) + 1);
    assert_non_null(at);
    for (int64_t i = 0; i < count; i++) {
        const float f = (float)x[i];
        memcpy(at + 1 + i * (int64_t)sizeof f, &f, sizeof f);
    }
    *block = at;
    return (float *)(void *)(at + 1);
}

/* Operands that are packed before, by the tasks, chunk by chunk, as doubles and as floats. */
static void check_operands(const px_gemm_isa *isa, int64_t m, int64_t n, int64_t k)
{
    double *a = numbers(m * k, 14), *b = numbers(k * n, 15), *c = numbers(m * n, 16);
    double *want = numbers(m * n, 16);
    void *a_block = NULL, *b_block = NULL;
    const void *const as[] = {a, odd_floats(a, m * k, &a_block)};
    const void *const bs[] = {b, odd_floats(b, k * n, &b_block)};
    size_t count = 0;
    assert_true(px_gemm_packed_count(n, isa->nr, k, &count));
    double *packed = px_mem_alloc_aligned(count * sizeof *packed);
    assert_non_null(packed);
    definition(false, false, m, n, k, 1, a, k, b, n, 0, want, n);
    for (int way = 0; way < 8; way++) {
        const bool a_is_f32 = way & 1, b_is_f32 = way & 2, is_packed = way & 4;
        const px_gemm_matrix columns = {
            .at = bs[b_is_f32], .is_f32 = b_is_f32, .row = n, .col = 1, .k = k};
        px_gemm_job job = {
            .isa = isa,
            .m = m,
            .n = n,
            .k = k,
            .rows = {.at = as[a_is_f32], .is_f32 = a_is_f32, .row = k, .col = 1, .k = k},
            .pack = px_gemm_pack_matrix,
            .source = &columns,
            .alpha = 1,
            .c = c,
            .ldc = n};
        if (is_packed) {
            px_gemm_pack_b(NULL, isa, n, &columns, packed);
            job.b = packed;
            job.b_is_f32 = b_is_f32;
        }
        memset(c, 0, (size_t)(m * n) * sizeof *c);
        assert_ok(px_gemm_run(NULL, &job));
        if (memcmp(c, want, (size_t)(m * n) * sizeof *c) != 0)
            fail_msg("%s, %dx%dx%d, way %d: wrong", isa->name, (int)m, (int)n, (int)k, way);
    }
    px_mem_free(a_block);
    px_mem_free(b_block);
    px_mem_free(packed);
    px_mem_free(a);
    px_mem_free(b);
    px_mem_free(c);
    px_mem_free(want);
}

static void check_widen(const px_gemm_isa *isa)
{
    double x[37], y[38];
    void *block = NULL;
    for (int i = 0; i < 37; i++)
        x[i] = i * 0.25 - 3;
    const float *f = odd_floats(x, 37, &block);
    for (int n = 0; n <= 37; n++) {
        y[n] = 99;
        isa->widen(n, f, y);
        assert_memory_equal(y, x, (size_t)n * sizeof *y);
        assert_true(y[n] == 99);
    }
    px_mem_free(block);
}

/* A few rows of A go another way: B's floats give what its doubles do, and in their order. */
static void products_with_floats(void **state)
{
    PX_UNUSED(state);
    enum { N = 301, K = 539 };
    double *a = numbers(9 * K, 20), *b = numbers(K * N, 21);
    double *c[2] = {numbers(9 * N, 0), numbers(9 * N, 0)};
    void *block = NULL;
    const void *const bs[] = {b, odd_floats(b, K * N, &block)};
    for (int i = 0; i < 9 * K; i++)
        a[i] = sin(a[i]);
    for (int64_t m = 1; m <= 9; m++)
        for (int t = 0; t < 2; t++) {
            for (int f = 0; f < 2; f++) {
                const px_gemm_matrix rows = {.at = a, .row = K, .col = 1, .k = K};
                const px_gemm_matrix columns = {
                    .at = bs[f], .is_f32 = f, .row = t ? 1 : N, .col = t ? K : 1, .k = K};
                assert_ok(px_gemm_product(NULL, m, N, K, 1, &rows, &columns, 0, c[f], N));
            }
            assert_memory_equal(c[0], c[1], (size_t)(m * N) * sizeof **c);
        }
    px_mem_free(block);
    px_mem_free(a);
    px_mem_free(b);
    px_mem_free(c[0]);
    px_mem_free(c[1]);
}

static void check_isa(const px_gemm_isa *isa)
{
    check_widen(isa);
    check_operands(isa, 19, 53, 300);
    check_operands(isa, 203, 401, 9);
    check_operands(isa, 1, 1, 1);

    enum { M = 19, N = 53, K = 300 };
    double *a = numbers(M * K, 4), *b = numbers(K * N, 5), *c = numbers(M * N, 6);
    double *want = numbers(M * N, 6), *start = numbers(M, 7);
    size_t n_a = 0, n_b = 0;
    assert_true(px_gemm_packed_count(M, isa->mr, K, &n_a));
    assert_true(px_gemm_packed_count(N, isa->nr, K, &n_b));
    double *pa = px_mem_alloc_aligned(n_a * sizeof *pa),
           *pb = px_mem_alloc_aligned(n_b * sizeof *pb);
    assert_true(pa && pb);
    const px_gemm_matrix source = {.at = b, .row = N, .col = 1, .k = K};
    px_gemm_pack_a(NULL, isa, M, K, a, K, 1, pa);
    px_gemm_pack_b(NULL, isa, N, &source, pb);
    px_gemm_job job = {.isa = isa, .m = M, .n = N, .k = K, .a = pa, .alpha = 1, .c = c, .ldc = N};
    definition(false, false, M, N, K, 1, a, K, b, N, 0, want, N);
    for (int packed = 0; packed < 2; packed++)
        for (int has_start = 0; has_start < 2; has_start++) {
            job.b = packed ? pb : NULL;
            job.pack = px_gemm_pack_matrix;
            job.source = &source;
            job.row_start = has_start ? start : NULL;
            assert_ok(px_gemm_run(NULL, &job));
            for (int i = 0; i < M * N; i++)
                if (c[i] != want[i] + (has_start ? start[i / N] : 0))
                    fail_msg("%s: [%d] is %g, wanted %g", isa->name, i, c[i], want[i]);
        }
    double y[37] = {0}, y_want[37] = {0};
    isa->axpy(37, 3, b, 1, y);
    isa->axpy(37, -2, b, 2, y);
    for (int i = 0; i < 37; i++) {
        y_want[i] = 3 * b[i] - 2 * b[2 * i];
        assert_true(y[i] == y_want[i]);
    }
    px_mem_free(a);
    px_mem_free(b);
    px_mem_free(c);
    px_mem_free(want);
    px_mem_free(start);
    px_mem_free(pa);
    px_mem_free(pb);
}

static void every_instruction_set(void **state)
{
    PX_UNUSED(state);
    check_isa(&px_gemm_scalar);
    check_isa(&px_gemm_wide);
    check_isa(px_gemm_isa_get());
#if defined(__x86_64__)
    if (px_gemm_isa_get() == &px_gemm_avx512)
        check_isa(&px_gemm_avx2);
#endif
}

/* Here the sums do round: the bits must still not depend on the number of threads. */
static void threads_do_not_matter(void **state)
{
    PX_UNUSED(state);
    enum { M = 150, N = 333, K = 700 };
    double *a = numbers(M * K, 8), *b = numbers(K * N, 9);
    double *c[3];
    for (int i = 0; i < M * K; i++)
        a[i] = sin(a[i]);
    for (int i = 0; i < 3; i++) {
        pgy_context *cx = NULL;
        c[i] = numbers(M * N, 0);
        assert_ok(pgy_context_new(&cx));
        pgy_context_set_threads(cx, i == 0 ? 1 : i == 1 ? 2 : 7);
        assert_ok(px_ref_gemm(cx, false, false, M, N, K, 1, a, K, b, N, 0, c[i], N));
        assert_memory_equal(c[i], c[0], M * N * sizeof(double));
        pgy_context_free(cx);
    }
    for (int i = 0; i < 3; i++)
        px_mem_free(c[i]);
    px_mem_free(a);
    px_mem_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tails_and_transposes),         cmocka_unit_test(alpha_and_beta),
        cmocka_unit_test(several_blocks_of_k_and_rows), cmocka_unit_test(nothing_to_add),
        cmocka_unit_test(products_with_floats),         cmocka_unit_test(every_instruction_set),
        cmocka_unit_test(threads_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
