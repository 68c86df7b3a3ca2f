/* base64, JSON, .npy, ZIP and the match-shape procedure, each against known answers. */
#include "test_base.h"

#include "base/tensor.h"
#include "data/base64.h"
#include "data/json.h"
#include "data/match_shape.h"
#include "data/npy.h"
#include "data/zip.h"
#include "log_sink.h"

#include <math.h>

/* --- base64 --- */

static void base64_of_known_texts(void **state)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};

    for (size_t i = 0; i < PX_COUNTOF(pairs); i++) {
        char text[16] = {0};
        uint8_t back[16];
        size_t n, bad;
        px_base64_encode((const uint8_t *)pairs[i][0], strlen(pairs[i][0]), text);
        assert_string_equal(text, pairs[i][1]);
        assert_true(px_base64_decoded_size(px_str_of(text), &n));
        assert_int_equal(n, strlen(pairs[i][0]));
        assert_true(px_base64_decode(px_str_of(text), 0, back, n, &bad));
        assert_memory_equal(back, pairs[i][0], n);
    }
}

/* Every length over several vector steps, from every offset; and every wrong character at every
 * position is found there. The buffers have exactly the size needed, for the sanitizer. */
static void base64_round_trips_and_finds_errors(void **state)
{
    for (size_t n = 0; n < 140; n++) {
        uint8_t *const bytes = px_mem_alloc(n);
        const size_t n_text = px_base64_encoded_size(n);
        char *const text = px_mem_alloc(n_text);
        size_t bad;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)(i * 73 + n);
        px_base64_encode(bytes, n, text);
        for (size_t offset = 0; offset <= n; offset++) {
            uint8_t *const back = px_mem_alloc(n - offset);
            assert_true(px_base64_decode((px_str){text, n_text}, offset, back, n - offset, &bad));
            assert_memory_equal(back, bytes + offset, n - offset);
            px_mem_free(back);
        }
        uint8_t *const back = px_mem_alloc(n);
        for (size_t i = 0; n % 3 == 0 && i < n_text; i++) {
            static const char wrong[] = {0,   ' ', '=', '-', '@',    '[',
                                         '`', '{', '.', ':', '\x80', '\xff'};
            const char kept = text[i];
            for (size_t k = 0; k < sizeof wrong; k++) {
                if (wrong[k] == '=' && i + 1 == n_text)
                    continue; /* that is padding */
                text[i] = wrong[k];
                assert_false(px_base64_decode((px_str){text, n_text}, 0, back, n, &bad));
                assert_int_equal(bad, i);
            }
            text[i] = kept;
        }
        px_mem_free(back);
        px_mem_free(text);
        px_mem_free(bytes);
    }
}

/* --- JSON --- */

static void json_of_pythons_dialect(void **state)
{
    static const char text[] = " { \"a\" : [1, -2.5e3, NaN, -Infinity, true, null], \"k\": 1, "
                               "\"\\u65e5\\ud83d\\ude00\\n\": \"x\\\"\\/y\", \"k\": 2 }\n";
    px_arena arena = {0};
    px_json *root = NULL;
    px_str s;
    double d;
    int64_t i;

    assert_ok(px_json_parse(&arena, "t", px_str_of(text), &root));
    assert_int_equal(root->n, 4);
    const px_json *const a = px_json_get(root, "a")->first;
    assert_true(px_json_int(a, &i) && i == 1);
    assert_true(px_json_double(a->next, &d) && d == -2500);
    assert_true(px_json_double(a->next->next, &d) && isnan(d));
    assert_true(px_json_double(a->next->next->next, &d) && d == -INFINITY);
    assert_true(px_json_int(px_json_get(root, "k"), &i) && i == 2); /* the last one counts */
    const px_json *const odd = px_json_get(root, "\xe6\x97\xa5\xf0\x9f\x98\x80\n");
    assert_non_null(odd);
    assert_ok(px_json_string(&arena, odd, &s));
    assert_true(px_str_is(s, "x\"/y"));
    px_arena_fini(&arena);
}

static void json_strings_are_ascii(void **state)
{
    px_buf b = {0};

    px_json_put_string(&b, PX_STR("a\"\\\n\x01\x7f\xe6\x97\xa5\xf0\x9f\x98\x80\xff"));
    assert_string_equal(px_buf_cstr(&b), "\"a\\\"\\\\\\n\\u0001\x7f\\u65e5\\ud83d\\ude00\\udcff\"");
    px_buf_fini(&b);
}

/* --- .npy --- */

static void append(void *arg, const void *bytes, size_t size)
{
    px_buf_put(arg, bytes, size);
}

static void npy_has_numpys_layout(void **state)
{
    static const struct {
        pgy_dtype dtype;
        int rank;
        int64_t dims[2];
        size_t size;
        const char *header;
    } cases[] = {
        {PGY_DTYPE_F32, 0, {0}, 132, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }"},
        {PGY_DTYPE_F16, 1, {3}, 134, "{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }"},
        {PGY_DTYPE_I64,
         2,
         {0, 3},
         128,
         "{'descr': '<i8', 'fortran_order': False, 'shape': (0, 3), }"},
        {PGY_DTYPE_BOOL, 1, {1}, 129, "{'descr': '|b1', 'fortran_order': False, 'shape': (1,), }"},
    };

    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        pgy_tensor *t = NULL, *back = NULL;
        px_buf image = {0};
        size_t size;
        assert_ok(pgy_tensor_new(cases[i].dtype, cases[i].rank, cases[i].dims, &t));
        assert_ok(px_npy_size(t, &size));
        assert_int_equal(size, cases[i].size);
        assert_ok(px_npy_write(t, append, &image));
        assert_int_equal(image.len, cases[i].size);
        assert_memory_equal(image.ptr + 10, cases[i].header, strlen(cases[i].header));
        assert_ok(px_npy_read("t", (const uint8_t *)image.ptr, image.len, &back));
        assert_true(px_shape_eq(back->rank, back->dims, t->rank, t->dims));
        pgy_tensor_free(t);
        pgy_tensor_free(back);
        px_buf_fini(&image);
    }
}

/* --- ZIP --- */

static void zip_members_come_back(void **state)
{
    px_buf archive = {0};
    px_zip_writer w = {.put = append, .arg = &archive};
    px_zip zip = {0};
    uint8_t back[16];

    px_zip_begin(&w, PX_STR("one"), 5, px_zip_crc(0, "hello", 5), 0);
    px_zip_put(&w, "hello", 5);
    px_zip_begin(&w, PX_STR("two"), 3, px_zip_crc(0, "abc", 3), 64);
    px_zip_put(&w, "abc", 3);
    assert_ok(px_zip_finish(&w));
    assert_ok(px_zip_list("t", px_buf_str(&archive), &zip));
    const px_zip_member *const two = px_zip_find(&zip, "two");
    assert_int_equal(zip.n, 2);
    assert_int_equal((two->stored.ptr - archive.ptr) % 64, 0);
    assert_ok(px_zip_read(NULL, "t", two, back, 3));
    assert_memory_equal(back, "abc", 3);
    archive.ptr[two->stored.ptr - archive.ptr] = 'x';
    assert_fails(px_zip_read(NULL, "t", two, back, 3), PGY_ERR_MODEL, "checksum");
    px_zip_fini(&zip);
    for (size_t n = 0; n < archive.len; n++) { /* cut anywhere */
        pgy_status *const st = px_zip_list("t", (px_str){archive.ptr, n}, &zip);
        assert_non_null(st);
        pgy_status_free(st);
    }
    px_buf_fini(&archive);
}

/* --- match shape; the expected values are the reference's --- */

static void shapes_are_matched(void **state)
{
    static const struct {
        int rank, to_rank, out_rank;
        int64_t dims[3], to[3], out[3];
        double first[3]; /* elements 1, 2, 3 of the result */
        const char *log;
    } cases[] = {
        {3,
         3,
         3,
         {2, 3, 4},
         {4, 3, 2},
         {4, 3, 2},
         {12, 4, 16},
         "[20] Permuted array of shape: (2, 3, 4) to: (4, 3, 2) using permutation [2, 1, 0]\n"},
        {3,
         1,
         1,
         {2, 3, 4},
         {24},
         {24},
         {1, 2, 3},
         "[20] Reshaped array from shape: (2, 3, 4) to: (24,)\n"},
        {3,
         3,
         3,
         {2, 2, 3},
         {2, 3, 2},
         {2, 3, 2},
         {3, 1, 4},
         "[20] Permuted array of shape: (2, 2, 3) to: (2, 3, 2) using permutation [0, 2, 1]\n"},
        {3,
         2,
         2,
         {2, 3, 4},
         {-1, 4},
         {6, 4},
         {1, 2, 3},
         "[20] Reshaped array from shape: (2, 3, 4) to: (6, 4)\n"},
        {3, 3, 3, {2, 3, 4}, {-1, -1, 4}, {2, 3, 4}, {1, 2, 3}, ""},
        {3,
         2,
         3,
         {2, 3, 4},
         {-1, -1},
         {2, 3, 4},
         {1, 2, 3},
         "[30] Could not reshape array from shape: (2, 3, 4) to (-1, -1). Skipping reshape.\n"
         "[30] Could not reshape array from shape: (2, 3, 4) to (-1, -1). Skipping reshape.\n"},
        {2,
         2,
         2,
         {2, 3},
         {4, 4},
         {2, 3},
         {1, 2, 3},
         "[0] Array of shape: (2, 3) cannot be permuted to: (4, 4)\n"
         "[30] Could not reshape array from shape: (2, 3) to (4, 4). Skipping reshape.\n"},
        {3,
         3,
         3,
         {2, 3, 4},
         {5, -1, -1},
         {2, 3, 4},
         {1, 2, 3},
         "[0] Array of shape: (2, 3, 4) cannot be permuted to: [5, 3, 4]\n"
         "[30] Could not reshape array from shape: (2, 3, 4) to [5, 3, 4]. Skipping reshape.\n"},
        {2,
         2,
         2,
         {2, 3},
         {-1, 0},
         {2, 3},
         {1, 2, 3},
         "[0] Array of shape: (2, 3) cannot be permuted to: [0, 0]\n"
         "[30] Could not reshape array from shape: (2, 3) to [0, 0]. Skipping reshape.\n"},
    };
    static const pgy_dtype dtypes[] = {PGY_DTYPE_F64, PGY_DTYPE_F32, PGY_DTYPE_I16, PGY_DTYPE_U8,
                                       PGY_DTYPE_BF16};

    for (size_t i = 0; i < PX_COUNTOF(cases); i++)
        for (size_t d = 0; d < PX_COUNTOF(dtypes); d++) {
            log_sink sink;
            pgy_tensor *wide = NULL, *t = NULL, *out = NULL;
            log_sink_open(&sink, PGY_LOG_EXTRA_VERBOSE);
            assert_ok(pgy_tensor_new(PGY_DTYPE_F64, cases[i].rank, cases[i].dims, &wide));
            for (int64_t k = 0; k < wide->count; k++)
                ((double *)wide->data)[k] = (double)k;
            assert_ok(pgy_tensor_cast(wide, dtypes[d], &t));
            assert_ok(px_match_shape(sink.cx, t, cases[i].to_rank, cases[i].to, &out));
            assert_string_equal(px_buf_cstr(&sink.text), cases[i].log);
            assert_true(px_shape_eq(out->rank, out->dims, cases[i].out_rank, cases[i].out));
            for (int k = 0; k < 3; k++)
                assert_true(px_tensor_get_f64(out, k + 1) == cases[i].first[k]);
            pgy_tensor_free(out);
            pgy_tensor_free(t);
            pgy_tensor_free(wide);
            log_sink_close(&sink);
        }
}

/* A large array is passed by its size; when the size is not true the string is read as any other.
 */
static void json_skips_arrays(void **state)
{
    PX_UNUSED(state);
    px_arena arena = {0};
    px_json *root = NULL;
    px_buf text = {0};
    const int64_t n = 1 << 20;
    pgy_tensor *t = NULL;
    px_buf image = {0};
    assert_ok(pgy_tensor_new(PGY_DTYPE_F32, 1, &n, &t));
    assert_ok(px_npy_write(t, append, &image));
    const size_t size = px_base64_encoded_size(image.len);
    char *const base64 = px_mem_alloc(size);
    assert_non_null(base64);
    px_base64_encode((const uint8_t *)image.ptr, image.len, base64);
    for (int cut = 0; cut < 3; cut++) {
        text.len = 0;
        px_buf_puts(&text, "[\"");
        px_buf_put(&text, base64, cut == 1 ? size - 8 : size);
        px_buf_puts(&text, cut == 2 ? "AAAA\", 7]" : "\", 7]");
        assert_ok(px_json_parse(&arena, "t", px_buf_str(&text), &root));
        assert_int_equal(root->n, 2);
        assert_int_equal(root->first->text.len, cut == 0 ? size : cut == 1 ? size - 8 : size + 4);
        int64_t i;
        assert_true(px_json_int(root->first->next, &i) && i == 7);
    }
    px_mem_free(base64);
    px_buf_fini(&image);
    px_buf_fini(&text);
    pgy_tensor_free(t);
    px_arena_fini(&arena);
}

/* Each byte that is no base64 character, in the vector part. */
static void base64_knows_its_alphabet(void **state)
{
    PX_UNUSED(state);
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[64];
    uint8_t back[48];
    for (int c = 0; c < 256; c++) {
        size_t bad = 0;
        const bool good = c != 0 && strchr(alphabet, c) != NULL;
        memset(text, 'A', sizeof text);
        text[21] = (char)c;
        assert_true(px_base64_decode((px_str){text, 64}, 0, back, 48, &bad) == good);
        assert_int_equal(bad, good ? 0 : 21);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_of_known_texts),
        cmocka_unit_test(base64_knows_its_alphabet),
        cmocka_unit_test(base64_round_trips_and_finds_errors),
        cmocka_unit_test(json_of_pythons_dialect),
        cmocka_unit_test(json_skips_arrays),
        cmocka_unit_test(json_strings_are_ascii),
        cmocka_unit_test(npy_has_numpys_layout),
        cmocka_unit_test(zip_members_come_back),
        cmocka_unit_test(shapes_are_matched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
