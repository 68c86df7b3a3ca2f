/* Tensors and element conversion. */
#include "test_base.h"

#include "base/half.h"
#include "base/tensor.h"

#include <math.h>

static void shapes_are_checked(void **state)
{
    PX_UNUSED(state);
    pgy_tensor *t = NULL;
    assert_fails(pgy_tensor_new(PGY_DTYPE_F32, 1, (int64_t[]){-1}, &t), PGY_ERR_USAGE, "(-1,)");
    assert_fails(pgy_tensor_new(PGY_DTYPE_F32, 2, (int64_t[]){INT64_MAX, 4}, &t), PGY_ERR_USAGE,
                 "not possible");
    assert_fails(pgy_tensor_new(PGY_DTYPE_F32, 3, (int64_t[]){INT64_MAX, 0, INT64_MAX}, &t),
                 PGY_ERR_USAGE, "not possible");
    assert_fails(pgy_tensor_new(PGY_DTYPE_F32, PX_MAX_RANK + 1, NULL, &t), PGY_ERR_USAGE, "rank");
    assert_null(t);
}

static int released;
static void count_release(void *owner)
{
    PX_UNUSED(owner);
    released++;
}

static void views_keep_their_owner(void **state)
{
    PX_UNUSED(state);
    float data[6] = {0, 1, 2, 3, 4, 5};
    pgy_tensor *t, *v;
    released = 0;
    assert_ok(pgy_tensor_wrap(PGY_DTYPE_F32, 2, (int64_t[]){2, 3}, data, count_release, data, &t));
    assert_ok(pgy_tensor_reshape(t, 1, (int64_t[]){6}, &v));
    pgy_tensor_free(t);
    assert_int_equal(released, 0);
    assert_ptr_equal(pgy_tensor_data(v), data);
    pgy_tensor_free(v);
    assert_int_equal(released, 1);
}

static void half_round_trips_every_code(void **state)
{
    PX_UNUSED(state);
    for (uint32_t h = 0; h < 0x10000; h++) {
        float f = px_f16_to_f32((uint16_t)h);
        if (!isnan(f))
            assert_int_equal(px_f32_to_f16(f), h);
        float b = px_bf16_to_f32((uint16_t)h);
        if (!isnan(b))
            assert_int_equal(px_f32_to_bf16(b), h);
    }
}

static void eight_bit_floats_round_trip(void **state)
{
    PX_UNUSED(state);
    for (int v = 0; v < 256; v++) {
        uint8_t u = (uint8_t)v;
        float f = px_f8e4m3fn_to_f32(u);
        if (!isnan(f))
            assert_int_equal(px_f64_to_f8e4m3fn(f, true), u);
        f = px_f8e4m3fnuz_to_f32(u);
        if (!isnan(f))
            assert_int_equal(px_f64_to_f8e4m3fnuz(f, true), u);
        f = px_f8e5m2_to_f32(u);
        if (!isnan(f))
            assert_int_equal(px_f64_to_f8e5m2(f, false), u);
        f = px_f8e5m2fnuz_to_f32(u);
        if (!isnan(f))
            assert_int_equal(px_f64_to_f8e5m2fnuz(f, true), u);
        f = px_f8e8m0_to_f32(u);
        if (!isnan(f))
            assert_int_equal(px_f64_to_f8e8m0(f, true), u);
        assert_int_equal(px_f64_to_f4e2m1(px_f4e2m1_to_f32(u & 15)), u & 15);
    }
    assert_true(px_f8e4m3fn_to_f32(0x7E) == 448.0f);
    assert_true(px_f8e5m2_to_f32(0x7B) == 57344.0f);
    assert_int_equal(px_f64_to_f8e4m3fn(1e9, true), 0x7E);
    assert_int_equal(px_f64_to_f8e4m3fn(1e9, false), 0x7F);
}

/* One rounding, not two: float32 would round this tie the wrong way for float16. */
static void double_to_half_rounds_once(void **state)
{
    PX_UNUSED(state);
    double above_tie = 1.0 + 0x1p-11 + 0x1p-40;
    assert_int_equal(px_f64_to_f16(above_tie), 0x3C01);
    assert_int_equal(px_f64_to_f16(1.0 + 0x1p-11), 0x3C00);
    assert_int_equal(px_f64_to_f16(65520.0), 0x7C00);
    assert_int_equal(px_f64_to_f16(65519.9), 0x7BFF);
    assert_int_equal(px_f64_to_f16(0x1p-25), 0);
    assert_int_equal(px_f64_to_f16(0x1.8p-25), 1);
}

static bool is_unsigned(pgy_dtype dtype)
{
    return px_dtype_is_int(dtype) && !px_dtype_is_signed(dtype);
}

/* The bulk path (vectorised, blocks, packing) against the single-element one. */
static void bulk_conversion_agrees_with_single(void **state)
{
    PX_UNUSED(state);
    enum { N = 1301 };
    int64_t source[N];
    for (int from = 1; from < PGY_DTYPE_COUNT; from++) {
        if (from == PGY_DTYPE_STRING || px_dtype_is_complex((pgy_dtype)from))
            continue;
        pgy_tensor *a, *b, *wide;
        for (int i = 0; i < N; i++) /* negatives only where the type has them: no wrapping here */
            source[i] = (i * 7919) % 37 - (is_unsigned((pgy_dtype)from) ? 0 : 18);
        assert_ok(pgy_tensor_wrap(PGY_DTYPE_I64, 1, (int64_t[]){N}, source, NULL, NULL, &wide));
        assert_ok(pgy_tensor_cast(wide, (pgy_dtype)from, &a));
        for (int to = 1; to < PGY_DTYPE_COUNT; to++) {
            if (to == PGY_DTYPE_STRING || px_dtype_is_complex((pgy_dtype)to))
                continue;
            assert_ok(pgy_tensor_cast(a, (pgy_dtype)to, &b));
            for (int64_t i = 0; i < N; i += 13) {
                double v = px_tensor_get_f64(a, i);
                pgy_tensor *one, *got;
                int64_t whole = px_tensor_get_i64(a, i);
                bool is_int = px_dtype_is_int((pgy_dtype)from);
                assert_ok(pgy_tensor_wrap(is_int ? PGY_DTYPE_I64 : PGY_DTYPE_F64, 0, NULL,
                                          is_int ? (void *)&whole : (void *)&v, NULL, NULL, &one));
                assert_ok(pgy_tensor_cast(one, (pgy_dtype)to, &got));
                double want = px_tensor_get_f64(got, 0), have = px_tensor_get_f64(b, i);
                if (want != have && !(isnan(want) && isnan(have)))
                    fail_msg("%s -> %s at %lld: %g, want %g", pgy_dtype_name((pgy_dtype)from),
                             pgy_dtype_name((pgy_dtype)to), (long long)i, have, want);
                pgy_tensor_free(one);
                pgy_tensor_free(got);
            }
            pgy_tensor_free(b);
        }
        pgy_tensor_free(a);
        pgy_tensor_free(wide);
    }
}

static void wide_integers_do_not_pass_through_floats(void **state)
{
    PX_UNUSED(state);
    int64_t big = INT64_MAX - 1;
    uint64_t u = 0;
    px_convert(PGY_DTYPE_U64, &u, PGY_DTYPE_I64, &big, 0, 1);
    assert_true(u == (uint64_t)INT64_MAX - 1);
}

static void names_are_the_references(void **state)
{
    PX_UNUSED(state);
    assert_string_equal(pgy_dtype_name(PGY_DTYPE_BF16), "bfloat16");
    assert_int_equal(px_dtype_from_name(PX_STR("float")), PGY_DTYPE_F32);
    assert_int_equal(px_dtype_from_name(PX_STR("float64")), PGY_DTYPE_F64);
    assert_int_equal(px_dtype_from_name(PX_STR("nope")), PGY_DTYPE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_are_checked),
        cmocka_unit_test(views_keep_their_owner),
        cmocka_unit_test(half_round_trips_every_code),
        cmocka_unit_test(eight_bit_floats_round_trip),
        cmocka_unit_test(double_to_half_rounds_once),
        cmocka_unit_test(bulk_conversion_agrees_with_single),
        cmocka_unit_test(wide_integers_do_not_pass_through_floats),
        cmocka_unit_test(names_are_the_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
