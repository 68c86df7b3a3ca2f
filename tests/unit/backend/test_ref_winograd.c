/* Winograd convolution against the sum that defines convolution. */
#include "ref_node.h"

#include "backend/ref/op/winograd.h"

#include <math.h>

/* Both kinds of panel whose lines are not a multiple of four, as the NEON tile has them. */
static void tile_six(int64_t k, const double *a, const double *b, double *c, int64_t ldc, bool add)
{
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 8; j++) {
            double sum = 0;
            for (int64_t p = 0; p < k; p++)
                sum += a[p * 6 + i] * b[p * 8 + j];
            c[i * ldc + j] = add ? c[i * ldc + j] + sum : sum;
        }
}

static const px_gemm_isa six = {.name = "six",
                                .mr = 6,
                                .nr = 8,
                                .tile = tile_six,
                                .axpy = px_gemm_axpy_scalar,
                                .widen = px_gemm_widen_scalar};

typedef struct layer {
    int64_t batch, groups, c, m, in[2], pad[4];
} layer;

static const layer layers[] = {
    {1, 1, 16, 16, {12, 12}, {1, 1, 1, 1}}, {2, 1, 17, 21, {7, 7}, {1, 1, 1, 1}},
    {1, 1, 33, 18, {13, 30}, {0, 0, 0, 0}}, {1, 2, 16, 19, {15, 9}, {2, 0, 1, 2}},
    {3, 1, 20, 30, {9, 22}, {0, 2, 2, 1}},  {1, 1, 130, 70, {8, 8}, {1, 1, 1, 1}},
    {1, 1, 64, 16, {40, 37}, {1, 1, 1, 1}}, {17, 1, 16, 48, {5, 6}, {2, 2, 2, 2}},
    {1, 1, 16, 24, {6, 3}, {1, 3, 1, 3}},
};

typedef struct data {
    px_conv cv;
    double *x, *bias;
    float *w;
    double *w64;
    double *out, *want, *size; /* size: sum of |x| * |w| of each output */
    int64_t n_x, n_w, n_out;
} data;

static unsigned rng_state;

static double number(void) /* in [-1, 1), 24 bits */
{
    rng_state = rng_state * 1664525u + 1013904223u;
    return (double)(rng_state >> 8) / 0x1p23 - 1;
}

static double whole(void)
{
    return rint(number() * 9);
}

static void *room(int64_t count, size_t size)
{
    void *p = px_mem_calloc((size_t)count, size);
    assert_non_null(p);
    return p;
}

static void data_new(const layer *l, double (*next)(void), data *d)
{
    memset(d, 0, sizeof *d);
    d->cv = (px_conv){.batch = l->batch, .groups = l->groups, .group_in = l->c, .group_out = l->m};
    px_ref_window *w = &d->cv.w;
    *w = (px_ref_window){.rank = 2, .n_in = 1, .n_out = 1, .n_kernel = 9};
    for (int i = 0; i < 2; i++) {
        w->in[i] = l->in[i];
        w->pad[i] = l->pad[i];
        w->pad_end[i] = l->pad[i + 2];
        w->out[i] = l->in[i] + l->pad[i] + l->pad[i + 2] - 2;
        w->kernel[i] = 3;
        w->stride[i] = w->dilation[i] = 1;
        w->n_in *= w->in[i];
        w->n_out *= w->out[i];
    }
    d->n_x = l->batch * l->groups * l->c * w->n_in;
    d->n_w = l->groups * l->m * l->c * 9;
    d->n_out = l->batch * l->groups * l->m * w->n_out;
    d->x = room(d->n_x, sizeof *d->x);
    d->w = room(d->n_w, sizeof *d->w);
    d->w64 = room(d->n_w, sizeof *d->w64);
    d->bias = room(l->groups * l->m, sizeof *d->bias);
    d->out = room(d->n_out, sizeof *d->out);
    d->want = room(d->n_out, sizeof *d->want);
    d->size = room(d->n_out, sizeof *d->size);
    for (int64_t i = 0; i < d->n_x; i++)
        d->x[i] = next();
    for (int64_t i = 0; i < d->n_w; i++)
        d->w64[i] = d->w[i] = (float)next();
    for (int64_t i = 0; i < l->groups * l->m; i++)
        d->bias[i] = next();
    d->cv.x = d->x;
    d->cv.bias = d->bias;
    d->cv.out = d->out;
}

static void data_free(data *d)
{
    px_mem_free(d->x);
    px_mem_free(d->w);
    px_mem_free(d->w64);
    px_mem_free(d->bias);
    px_mem_free(d->out);
    px_mem_free(d->want);
    px_mem_free(d->size);
}

static void define(data *d)
{
    const px_conv *cv = &d->cv;
    const int64_t *in = cv->w.in, *out = cv->w.out, *pad = cv->w.pad;
    for (int64_t i = 0; i < d->n_out; i++) {
        const int64_t x = i % out[1], y = i / out[1] % out[0], m = i / cv->w.n_out;
        const int64_t g = m / cv->group_out % cv->groups, n = m / cv->group_out / cv->groups;
        const double *image = d->x + (n * cv->groups + g) * cv->group_in * cv->w.n_in;
        const float *w = d->w + m % (cv->groups * cv->group_out) * cv->group_in * 9;
        long double sum = 0, size = 0;
        for (int64_t c = 0; c < cv->group_in; c++)
            for (int64_t t = 0; t < 9; t++) {
                const int64_t r = y + t / 3 - pad[0], s = x + t % 3 - pad[1];
                if (r < 0 || r >= in[0] || s < 0 || s >= in[1])
                    continue;
                const long double p =
                    (long double)w[c * 9 + t] * image[c * cv->w.n_in + r * in[1] + s];
                sum += p;
                size += fabsl(p);
            }
        const double bias = cv->bias ? d->bias[m % (cv->groups * cv->group_out)] : 0;
        d->want[i] = (double)(sum + bias);
        d->size[i] = (double)size + fabs(bias);
    }
}

static bool run(const data *d, const px_gemm_isa *isa, const px_winograd_isa *transforms,
                bool is_f32, int threads)
{
    pgy_context *cx = NULL;
    size_t count = 0;
    const px_winograd wg = {.cv = &d->cv,
                            .isa = isa,
                            .transforms = transforms,
                            .weights = is_f32 ? (const void *)d->w : (const void *)d->w64,
                            .is_f32 = is_f32};
    assert_ok(pgy_context_new(&cx));
    pgy_context_set_threads(cx, threads);
    assert_true(px_winograd_work(cx, &wg, &count));
    double *work = px_mem_alloc_aligned(count * sizeof *work);
    assert_non_null(work);
    /* What is read before it is written, or not written, shows as NaN. */
    memset(work, 0xff, count * sizeof *work);
    memset(d->out, 0xff, (size_t)d->n_out * sizeof *d->out);
    const bool done = px_winograd_run(cx, &wg, work);
    px_mem_free(work);
    pgy_context_free(cx);
    return done;
}

static void check(const data *d, double tolerance, const char *what)
{
    for (int64_t i = 0; i < d->n_out; i++)
        if (!(fabs(d->out[i] - d->want[i]) <= tolerance * d->size[i]))
            fail_msg("%s: [%lld] is %.17g, wanted %.17g: %g of %g", what, (long long)i, d->out[i],
                     d->want[i], fabs(d->out[i] - d->want[i]), d->size[i]);
}

static const px_gemm_isa *isa_of(int i)
{
    const px_gemm_isa *const all[] = {&px_gemm_scalar, &px_gemm_wide, &six, px_gemm_isa_get()};
    return all[i];
}

static void integers_are_exact(void **state)
{
    PX_UNUSED(state);
    rng_state = 1;
    for (size_t i = 0; i < PX_COUNTOF(layers); i++) {
        data d;
        data_new(&layers[i], whole, &d);
        if (i % 2)
            d.cv.bias = NULL;
        define(&d);
        for (int isa = 0; isa < 4; isa++) {
            assert_true(run(&d, isa_of(isa), &px_winograd_plain, isa % 2, 1));
            check(&d, 0, isa_of(isa)->name);
            assert_true(run(&d, isa_of(isa), px_winograd_isa_get(), isa % 2 == 0, 2));
            check(&d, 0, isa_of(isa)->name);
        }
        data_free(&d);
    }
}

/* Neither instructions nor threads nor the stored type of the weights change a bit. */
static void sums_are_close_and_always_the_same(void **state)
{
    PX_UNUSED(state);
    rng_state = 2;
    for (size_t i = 0; i < PX_COUNTOF(layers); i++) {
        data d;
        data_new(&layers[i], number, &d);
        for (int64_t k = 0; k < d.n_x; k++)
            d.x[k] = sin(d.x[k]);
        define(&d);
        const size_t size = (size_t)d.n_out * sizeof *d.out;
        double *first = room(d.n_out, sizeof *first);
        assert_true(run(&d, &px_gemm_scalar, &px_winograd_plain, true, 1));
        check(&d, 2e-14, "scalar");
        memcpy(first, d.out, size);
        for (int isa = 0; isa < 3; isa++)
            for (int threads = 1; threads < 8; threads += 3) {
                assert_true(run(&d, isa_of(isa), px_winograd_isa_get(), threads != 4, threads));
                assert_memory_equal(d.out, first, size);
            }
        assert_true(run(&d, px_gemm_isa_get(), px_winograd_isa_get(), true, 1));
        check(&d, 2e-14, "this processor");
        memcpy(first, d.out, size);
        for (int threads = 2; threads < 9; threads += 2) {
            assert_true(run(&d, px_gemm_isa_get(), px_winograd_isa_get(), true, threads));
            assert_memory_equal(d.out, first, size);
        }
        px_mem_free(first);
        data_free(&d);
    }
}

/* Outputs that see zeros only, and those whose products cancel, are zero: no dust. */
static void zeros_are_zeros(void **state)
{
    PX_UNUSED(state);
    rng_state = 3;
    data d;
    data_new(&layers[6], number, &d);
    const int64_t n_in = d.cv.w.n_in, width = d.cv.w.in[1];
    for (int64_t i = 0; i < d.n_x; i++) /* a black frame, its edge inside tiles */
        if (i % n_in / width < 9 || i % width > 22)
            d.x[i] = 0;
    d.cv.bias = NULL;
    define(&d);
    int64_t zeros = 0;
    assert_true(run(&d, px_gemm_isa_get(), px_winograd_isa_get(), true, 1));
    for (int64_t i = 0; i < d.n_out; i++) {
        zeros += d.size[i] == 0;
        if (d.size[i] == 0 && (d.out[i] != 0 || signbit(d.out[i])))
            fail_msg("[%lld] is %g", (long long)i, d.out[i]);
    }
    assert_true(zeros > d.n_out / 4);
    check(&d, 1e-13, "black frame");

    /* Each output channel reads one input channel, and a half of those is zero in places. */
    for (int64_t i = 0; i < d.n_w; i++)
        d.w[i] = i / 9 % d.cv.group_in == i / 9 / d.cv.group_in ? d.w[i] : 0;
    for (int64_t i = 0; i < d.n_x; i++)
        d.x[i] = d.x[i] > 0 && i % 5 ? 0 : number();
    define(&d);
    assert_true(run(&d, px_gemm_isa_get(), px_winograd_isa_get(), true, 1));
    check(&d, 1e-9, "one channel each"); /* 0 where size is 0 */
    data_free(&d);

    /* Two channels that cancel. */
    data_new(&layers[0], number, &d);
    d.cv.bias = NULL;
    for (int64_t i = 0; i < d.n_x / 2; i++)
        d.x[d.n_x / 2 + i] = d.x[i];
    for (int64_t i = 0; i < d.n_w; i++)
        if (i / 9 % 16 >= 8)
            d.w[i] = -d.w[i - 8 * 9];
    assert_true(run(&d, px_gemm_isa_get(), px_winograd_isa_get(), true, 1));
    for (int64_t i = 0; i < d.n_out; i++)
        assert_true(fabs(d.out[i]) < 1e-14);
    data_free(&d);
}

/* Numbers of very different size side by side: what does not read the large one is as exact as if
 * it was not there. */
static void a_large_neighbour_does_no_harm(void **state)
{
    PX_UNUSED(state);
    static const double large[] = {1e3, 1e6, 1e9, 1e15, 1e30, 1e100, 1e200, 1e290};
    rng_state = 4;
    for (size_t i = 0; i < PX_COUNTOF(large); i++) {
        data d;
        data_new(&layers[1], number, &d);
        for (int64_t k = 7; k < d.n_x; k += 61)
            d.x[k] *= large[i];
        define(&d);
        assert_true(run(&d, px_gemm_isa_get(), px_winograd_isa_get(), true, 2));
        check(&d, 1e-9, "large inputs");
        data_free(&d);
        data_new(&layers[1], number, &d);
        for (int64_t k = 3; k < d.n_w && large[i] < 1e31; k += 41)
            d.w[k] *= (float)large[i];
        define(&d);
        assert_true(run(&d, px_gemm_isa_get(), px_winograd_isa_get(), true, 2));
        check(&d, 1e-9, "large weights");
        data_free(&d);
    }
}

static void what_is_not_finite_is_refused(void **state)
{
    PX_UNUSED(state);
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    rng_state = 5;
    data d;
    data_new(&layers[1], number, &d);
    for (int64_t k = 0; k < 120; k++) {
        const int64_t at = k * 7 % d.n_x, in_w = k * 11 % d.n_w;
        const double x = d.x[at];
        const float w = d.w[in_w];
        d.x[at] = bad[k % 3];
        assert_false(run(&d, px_gemm_isa_get(), px_winograd_isa_get(), true, 1));
        assert_false(run(&d, &six, &px_winograd_plain, false, 2));
        d.x[at] = x;
        d.w64[in_w] = d.w[in_w] = (float)bad[k % 3];
        assert_false(run(&d, px_gemm_isa_get(), px_winograd_isa_get(), true, 2));
        assert_false(run(&d, &six, &px_winograd_plain, false, 1));
        d.w64[in_w] = d.w[in_w] = w;
    }
    assert_true(run(&d, px_gemm_isa_get(), px_winograd_isa_get(), true, 1));
    data_free(&d);
}

/* --- through the operator --- */

enum { NODE_C = 16, NODE_EDGE = 12 };

static void node_conv(pgy_dtype dtype, const double *x, const double *w, pgy_tensor **out)
{
    const node_case k = {.op = "Conv",
                         .opset = 11,
                         .n_in = 2,
                         .in = {{dtype, 4, {1, NODE_C, NODE_EDGE, NODE_EDGE}, x},
                                {dtype, 4, {NODE_C, NODE_C, 3, 3}, w}},
                         .attrs = {NODE_INTS("pads", 4, 1, 1, 1, 1)},
                         .n_attrs = 1};
    pgy_tensor *all[NODE_MAX] = {0};
    assert_ok(node_run(&k, all));
    *out = all[0];
}

/* A NaN is seen where it is read and nowhere else. */
static void nan_stays_where_it_belongs(void **state)
{
    PX_UNUSED(state);
    static double x[NODE_C * NODE_EDGE * NODE_EDGE], w[NODE_C * NODE_C * 9];
    rng_state = 6;
    for (size_t i = 0; i < PX_COUNTOF(x); i++)
        x[i] = whole();
    for (size_t i = 0; i < PX_COUNTOF(w); i++)
        w[i] = whole();
    x[5 * NODE_EDGE * NODE_EDGE + 4 * NODE_EDGE + 6] = NAN;
    pgy_tensor *out = NULL;
    node_conv(PGY_DTYPE_F32, x, w, &out);
    for (int64_t i = 0; i < out->count; i++) {
        const int64_t r = i / NODE_EDGE % NODE_EDGE, s = i % NODE_EDGE;
        const bool reads_it = r >= 3 && r <= 5 && s >= 5 && s <= 7;
        assert_true(isnan(px_tensor_get_f64(out, i)) == reads_it);
    }
    pgy_tensor_free(out);
}

/* Integers of 44 bits: direct sums are exact, Winograd's would not be. */
static void double_is_computed_directly(void **state)
{
    PX_UNUSED(state);
    static const layer l = {1, 1, NODE_C, NODE_C, {NODE_EDGE, NODE_EDGE}, {1, 1, 1, 1}};
    rng_state = 7;
    data d;
    pgy_tensor *out = NULL;
    data_new(&l, number, &d);
    d.cv.bias = NULL;
    for (int64_t i = 0; i < d.n_x; i++)
        d.x[i] = rint((number() + number() * 0x1p-22) * 0x1p44);
    for (int64_t i = 0; i < d.n_w; i++)
        d.w64[i] = d.w[i] = number() < 0 ? -1 : 1;
    define(&d);
    assert_true(px_winograd_pays(&d.cv));
    node_conv(PGY_DTYPE_F64, d.x, d.w64, &out);
    for (int64_t i = 0; i < d.n_out; i++)
        assert_true(px_tensor_get_f64(out, i) == d.want[i]);
    assert_true(run(&d, px_gemm_isa_get(), px_winograd_isa_get(), true, 1));
    int64_t other = 0;
    for (int64_t i = 0; i < d.n_out; i++)
        other += d.out[i] != d.want[i];
    assert_true(other > d.n_out / 2); /* or the test shows nothing */
    pgy_tensor_free(out);
    data_free(&d);
}

static void the_choice_is_by_shape(void **state)
{
    PX_UNUSED(state);
    data d;
    data_new(&layers[0], number, &d);
    px_conv cv = d.cv;
    assert_true(px_winograd_pays(&cv));
    cv.w.stride[1] = 2;
    assert_false(px_winograd_pays(&cv));
    cv = d.cv;
    cv.w.dilation[0] = 2;
    assert_false(px_winograd_pays(&cv));
    cv = d.cv;
    cv.w.kernel[0] = 5;
    assert_false(px_winograd_pays(&cv));
    cv = d.cv;
    cv.group_in = 4;
    assert_false(px_winograd_pays(&cv));
    cv = d.cv;
    cv.w.rank = 3;
    assert_false(px_winograd_pays(&cv));
    cv = d.cv;
    cv.w.out[0] = cv.w.out[1] = 5; /* four tiles of which three are cut */
    cv.w.n_out = 25;
    assert_false(px_winograd_pays(&cv));
    data_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_exact),
        cmocka_unit_test(sums_are_close_and_always_the_same),
        cmocka_unit_test(zeros_are_zeros),
        cmocka_unit_test(a_large_neighbour_does_no_harm),
        cmocka_unit_test(what_is_not_finite_is_refused),
        cmocka_unit_test(nan_stays_where_it_belongs),
        cmocka_unit_test(double_is_computed_directly),
        cmocka_unit_test(the_choice_is_by_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
