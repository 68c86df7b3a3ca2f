/* The generators against recorded draws of numpy and torch: tests/data/spec/random-vectors.json,
 * and tests/data/torch-vectors.json, which tools/mktorchvectors.py makes. */
#include "test_base.h"

#include "base/file.h"
#include "base/fmt.h"
#include "base/tensor.h"
#include "data/json.h"
#include "data/rng_torch.h"
#include "sha256.h"

#include <math.h>

typedef struct vectors {
    px_arena arena;
    px_file file;
    px_json *root;
} vectors;

static vectors load(const char *path)
{
    vectors v = {0};

    assert_ok(px_file_map(path, &v.file));
    assert_ok(
        px_json_parse(&v.arena, path, (px_str){(const char *)v.file.data, v.file.size}, &v.root));
    return v;
}

static void unload(vectors *v)
{
    px_arena_fini(&v->arena);
    px_file_unmap(&v->file);
}

static int64_t int_of(const px_json *v)
{
    int64_t i = 0;

    assert_true(px_json_int(v, &i));
    return i;
}

/* A bound: a JSON integer (also beyond int64) or the text of a float. */
static uint64_t int_bound(const px_json *v)
{
    int64_t i;

    if (px_parse_i64(v->text, &i, NULL))
        return (uint64_t)i;
    char text[32] = {0};
    memcpy(text, v->text.ptr, PX_MIN(v->text.len, sizeof text - 1));
    return strtoull(text, NULL, 10);
}

static double float_bound(const px_json *v)
{
    double d = 0;

    assert_true(px_parse_f64(v->text, &d));
    return d;
}

static void check_hex(const px_json *values, const void *data, size_t item)
{
    const uint8_t *p = data;

    for (const px_json *v = values->first; v != NULL; v = v->next, p += item)
        for (size_t k = 0; k < item; k++) {
            char hex[3];
            snprintf(hex, sizeof hex, "%02x", p[k]);
            assert_memory_equal(hex, v->text.ptr + 2 * k, 2);
        }
}

static void fill_numpy(px_rng_mt *rng, const px_json *range, pgy_dtype dtype, void *data, int64_t n)
{
    if (px_dtype_is_float(dtype))
        px_rng_mt_uniform(rng, float_bound(range->first), float_bound(range->first->next), dtype,
                          data, n);
    else
        px_rng_mt_integers(rng, int_bound(range->first), int_bound(range->first->next), dtype, data,
                           n);
}

static void fill_torch(px_rng_mt *rng, const px_json *range, pgy_dtype dtype, void *data, int64_t n)
{
    if (range == NULL)
        px_rng_torch_rand(rng, dtype, data, n);
    else
        px_rng_torch_integers(rng, int_bound(range->first), int_bound(range->first->next), dtype,
                              data, n);
}

static void check_draw(px_rng_mt *rng, const px_json *draw,
                       void (*fill)(px_rng_mt *, const px_json *, pgy_dtype, void *, int64_t))
{
    const pgy_dtype dtype = px_dtype_from_name(px_json_get(draw, "dtype")->text);
    const int64_t n = int_of(px_json_get(draw, "count"));
    const px_json *const range = px_json_get(draw, "range");
    const size_t item = (size_t)pgy_dtype_bits(dtype) / 8;
    uint8_t *const data = px_mem_alloc((size_t)n * item);
    char digest[65];

    assert_int_not_equal(dtype, PGY_DTYPE_UNKNOWN);
    fill(rng, range, dtype, data, n);
    check_hex(px_json_get(draw, "first_values_hex_le"), data, item);
    sha256_hex(data, (size_t)n * item, digest);
    assert_memory_equal(digest, px_json_get(draw, "sha256_le")->text.ptr, 64);
    px_mem_free(data);
}

static void numpy_draws_are_bit_identical(void **state)
{
    vectors v = load(PX_TEST_DATA "/spec/random-vectors.json");
    int n_draws = 0;

    for (const px_json *c = px_json_get(v.root, "cases")->first; c != NULL; c = c->next) {
        px_rng_mt rng;
        px_rng_mt_seed(&rng, (uint32_t)int_of(px_json_get(c, "seed")));
        for (const px_json *d = px_json_get(c, "draws")->first; d != NULL; d = d->next, n_draws++)
            check_draw(&rng, d, fill_numpy);
    }
    assert_int_equal(n_draws, 105);
    unload(&v);
}

static void torch_draws_are_bit_identical(void **state)
{
    vectors v = load(PX_TEST_DATA "/spec/random-vectors.json");
    int n_cases = 0;

    for (const px_json *c = px_json_get(v.root, "torch_cases")->first; c != NULL; c = c->next) {
        const pgy_dtype dtype = px_dtype_from_name(px_json_get(c, "dtype")->text);
        const px_json *const hex = px_json_get(c, "values_hex_le");
        const px_json *const values = px_json_get(c, "values");
        uint64_t data[16];
        px_rng_mt rng;

        px_rng_mt_seed(&rng, (uint32_t)int_of(px_json_get(c, "seed")));
        n_cases++;
        if (hex != NULL) {
            px_rng_torch_rand(&rng, dtype, data, (int64_t)hex->n);
            check_hex(hex, data, (size_t)pgy_dtype_bits(dtype) / 8);
            continue;
        }
        const px_json *const range = px_json_get(c, "range");
        pgy_tensor *t = NULL;
        px_rng_torch_integers(&rng, int_bound(range->first), int_bound(range->first->next), dtype,
                              data, (int64_t)values->n);
        assert_ok(pgy_tensor_wrap(dtype, 1, (int64_t[]){(int64_t)values->n}, data, NULL, NULL, &t));
        int64_t i = 0;
        for (const px_json *x = values->first; x != NULL; x = x->next, i++) {
            const int64_t wanted = x->type == PX_JSON_TRUE    ? 1
                                   : x->type == PX_JSON_FALSE ? 0
                                                              : int_of(x);
            assert_int_equal(px_tensor_get_i64(t, i), wanted);
        }
        pgy_tensor_free(t);
    }
    assert_int_equal(n_cases, 33);
    unload(&v);
}

/* Long draws, every integer type, ranges at the limits, and several draws of one generator. */
static void torch_sequences_are_bit_identical(void **state)
{
    vectors v = load(PX_TEST_DATA "/torch-vectors.json");
    int n_cases = 0;

    for (const px_json *c = px_json_get(v.root, "cases")->first; c != NULL; c = c->next) {
        px_rng_mt rng;
        px_rng_mt_seed(&rng, (uint32_t)int_of(px_json_get(c, "seed")));
        for (const px_json *d = px_json_get(c, "draws")->first; d != NULL; d = d->next)
            check_draw(&rng, d, fill_torch);
        n_cases++;
    }
    assert_int_equal(n_cases, 48);
    unload(&v);
}

/* Values that no vector covers: every size up to a few blocks must equal the same draw made in
 * one piece by a second generator, element by element where the algorithm allows it. */
static void bulk_equals_single_draws(void **state)
{
    enum { n = 3000 };
    static double bulk[n];
    px_rng_mt a, b;

    px_rng_mt_seed(&a, 7);
    px_rng_mt_seed(&b, 7);
    (void)px_rng_mt_u32(&a); /* an odd number of words used */
    (void)px_rng_mt_u32(&b);
    px_rng_mt_uniform(&a, -3, 5, PGY_DTYPE_F64, bulk, n);
    for (int i = 0; i < n; i++) {
        double one;
        px_rng_mt_uniform(&b, -3, 5, PGY_DTYPE_F64, &one, 1);
        assert_true(one == bulk[i]);
    }
    assert_int_equal(px_rng_mt_u64(&a), px_rng_mt_u64(&b));
}

static void packed_types_hold_what_bytes_would(void **state)
{
    enum { n = 999 };
    uint8_t bytes[n], packed[(n + 1) / 2];
    px_rng_mt a, b;

    px_rng_mt_seed(&a, 3);
    px_rng_mt_seed(&b, 3);
    px_rng_mt_integers(&a, 1, 12, PGY_DTYPE_U8, bytes, n);
    px_rng_mt_integers(&b, 1, 12, PGY_DTYPE_U4, packed, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(packed[i / 2] >> i % 2 * 4 & 15, bytes[i]);
    px_rng_mt_seed(&b, 3);
    px_rng_mt_integers(&b, (uint64_t)-2, 1, PGY_DTYPE_I2, packed, 9);
    assert_int_equal(packed[2] >> 2, 0); /* the unused bits stay clear */
}

static void small_floats_round_the_double(void **state)
{
    uint16_t half[4], brain[4];
    double wide[4];
    px_rng_mt rng;

    px_rng_mt_seed(&rng, 1);
    px_rng_mt_uniform(&rng, 0, 1, PGY_DTYPE_F64, wide, 4);
    px_rng_mt_seed(&rng, 1);
    px_rng_mt_uniform(&rng, 0, 1, PGY_DTYPE_BF16, brain, 4);
    px_rng_mt_seed(&rng, 1);
    px_rng_mt_uniform(&rng, 0, 1, PGY_DTYPE_F16, half, 4);
    assert_int_equal(brain[0], 0x3ed6); /* 0.417022 lies above the middle */
    assert_int_equal(half[0], 0x36ac);
    assert_true(fabs(wide[0] - 0.417022) < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numpy_draws_are_bit_identical),
        cmocka_unit_test(torch_draws_are_bit_identical),
        cmocka_unit_test(torch_sequences_are_bit_identical),
        cmocka_unit_test(bulk_equals_single_draws),
        cmocka_unit_test(packed_types_hold_what_bytes_would),
        cmocka_unit_test(small_floats_round_the_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
