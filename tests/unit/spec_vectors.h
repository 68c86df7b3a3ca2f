/* Reads the recorded vectors in tests/data/spec: JSON documents and the arrays in them. */
#ifndef SPEC_VECTORS_H
#define SPEC_VECTORS_H

#include "base/test_base.h"

#include "base/file.h"
#include "base/fmt.h"
#include "base/tensor.h"
#include "data/json.h"
#include "data/rng_mt.h"

typedef struct spec_file {
    px_arena arena;
    px_file file;
    px_json *root;
} spec_file;

static inline void spec_open(spec_file *f, const char *name)
{
    px_buf path = {0};
    *f = (spec_file){0};
    px_buf_printf(&path, "%s/spec/%s", PX_TEST_DATA, name);
    assert_ok(px_file_map(px_buf_cstr(&path), &f->file));
    assert_ok(px_json_parse(&f->arena, px_buf_cstr(&path),
                            (px_str){(const char *)f->file.data, f->file.size}, &f->root));
    px_buf_fini(&path);
}

static inline void spec_close(spec_file *f)
{
    px_arena_fini(&f->arena);
    px_file_unmap(&f->file);
}

static inline const char *spec_text(spec_file *f, const px_json *v)
{
    px_str s;
    assert_non_null(v);
    assert_ok(px_json_string(&f->arena, v, &s));
    return px_arena_strndup(&f->arena, s.ptr, s.len);
}

static inline double spec_double(const px_json *v)
{
    double d = 0;
    assert_true(px_json_double(v, &d));
    return d;
}

static inline int64_t spec_int(const px_json *v)
{
    int64_t i = 0;
    assert_true(px_json_int(v, &i));
    return i;
}

static inline int spec_nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* An array by its bytes, its values or the generator that drew it. NULL when it has none. */
static inline pgy_tensor *spec_tensor(spec_file *f, const px_json *v)
{
    const pgy_dtype dtype = px_dtype_from_name(px_str_of(spec_text(f, px_json_get(v, "dtype"))));
    int64_t dims[PX_MAX_RANK];
    int rank = 0;
    for (px_json *d = px_json_get(v, "shape")->first; d != NULL; d = d->next)
        dims[rank++] = spec_int(d);
    pgy_tensor *t = NULL;
    assert_ok(pgy_tensor_new(dtype, rank, dims, &t));
    const px_json *hex = px_json_get(v, "hex_le");
    if (px_json_get(v, "generator") != NULL) {
        px_rng_mt rng;
        const px_json *range = px_json_get(v, "range")->first;
        px_rng_mt_seed(&rng, (uint32_t)spec_int(px_json_get(v, "seed")));
        if (px_dtype_is_float(dtype))
            px_rng_mt_uniform(&rng, spec_double(range), spec_double(range->next), dtype, t->data,
                              t->count);
        else
            px_rng_mt_integers(&rng, (uint64_t)spec_int(range), (uint64_t)spec_int(range->next),
                               dtype, t->data, t->count);
    } else if (hex != NULL && hex->type == PX_JSON_STRING) {
        assert_int_equal(hex->text.len, 2 * t->size);
        for (size_t i = 0; i < t->size; i++)
            ((uint8_t *)t->data)[i] = (uint8_t)(spec_nibble(hex->text.ptr[2 * i]) << 4 |
                                                spec_nibble(hex->text.ptr[2 * i + 1]));
    } else if (px_json_get(v, "values")->n == (size_t)t->count && dtype == PGY_DTYPE_F32) {
        float *to = t->data;
        for (const px_json *e = px_json_get(v, "values")->first; e != NULL; e = e->next) {
            double d;
            assert_true(px_parse_f64(px_str_of(spec_text(f, e)), &d));
            *to++ = (float)d;
        }
    } else {
        pgy_tensor_free(t);
        t = NULL;
    }
    return t;
}

#endif
