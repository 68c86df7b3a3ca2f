/* backend/ref/op/tfidf.c - TfIdfVectorizer.
 *
 * The pool's n-grams become keys of a map: the items' bytes one after the other, strings with their
 * length in front, so that a key is an n-gram and nothing else. A window over a row is then looked
 * up by building its key item by item.
 */
#include "backend/ref/op/move.h"

typedef struct tfidf {
    int64_t min_gram, max_gram, max_skip, n_columns;
    const int64_t *columns; /* output column of each n-gram */
    size_t n_grams;
    const px_onnx_attr *strings, *ints; /* the pool: one of them */
    px_map grams;                       /* key -> column's address */
} tfidf;

static void put_item(px_buf *key, const void *bytes, size_t len, bool is_string)
{
    uint64_t n = len;
    if (is_string)
        px_buf_put(key, &n, sizeof n);
    px_buf_put(key, bytes, len);
}

static void put_pool_item(const tfidf *t, size_t i, px_buf *key)
{
    if (t->strings)
        put_item(key, t->strings->strings[i].ptr, t->strings->strings[i].len, true);
    else
        put_item(key, &t->ints->ints[i], sizeof(int64_t), false);
}

static pgy_status *tfidf_pool(px_ref_call *c, tfidf *t)
{
    pgy_status *st = NULL;
    const int64_t *starts;
    size_t n_starts, n_pool = (t->strings ? t->strings : t->ints)->n, gram = 0;
    px_buf key = {0};
    if (!px_ref_attr_ints(c, "ngram_counts", &starts, &n_starts))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "ngram_counts is missing"));
    for (size_t k = 0; k < n_starts; k++) {
        int64_t end = k + 1 < n_starts ? starts[k + 1] : (int64_t)n_pool;
        int64_t size = (int64_t)k + 1; /* items per n-gram */
        if (starts[k] < 0 || end < starts[k] || end > (int64_t)n_pool ||
            (end - starts[k]) % size != 0)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "ngram_counts do not fit a pool of %zu items",
                               n_pool));
        for (int64_t i = starts[k]; i < end; i += size, gram++) {
            if (gram >= t->n_grams)
                PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "There are more n-grams than ngram_indexes"));
            if (size < t->min_gram || size > t->max_gram)
                continue;
            key.len = 0;
            for (int64_t j = 0; j < size; j++)
                put_pool_item(t, (size_t)(i + j), &key);
            PX_TRY(px_buf_status(&key));
            PX_TRY(px_map_set(&t->grams, px_buf_str(&key), (void *)&t->columns[gram]));
        }
    }
done:
    px_buf_fini(&key);
    return st;
}

static pgy_status *tfidf_of(px_ref_call *c, tfidf *t)
{
    pgy_status *st = NULL;
    t->min_gram = px_ref_attr_i(c, "min_gram_length", 0);
    t->max_gram = px_ref_attr_i(c, "max_gram_length", 0);
    t->max_skip = px_ref_attr_i(c, "max_skip_count", 0);
    t->strings = px_ref_attr(c, "pool_strings");
    t->ints = px_ref_attr(c, "pool_int64s");
    bool has_columns = px_ref_attr_ints(c, "ngram_indexes", &t->columns, &t->n_grams);
    for (size_t i = 0; has_columns && i < t->n_grams; i++) {
        has_columns = t->columns[i] >= 0 && t->columns[i] < INT32_MAX;
        t->n_columns = PX_MAX(t->n_columns, t->columns[i] + 1);
    }
    if (!has_columns || t->n_grams == 0 || (t->strings == NULL) == (t->ints == NULL) ||
        (t->strings && t->strings->type != PX_ONNX_ATTR_STRINGS) ||
        (t->ints && t->ints->type != PX_ONNX_ATTR_INTS) || t->min_gram < 1 ||
        t->max_gram < t->min_gram || t->max_skip < 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "ngram_indexes, the pool or the gram lengths are not usable"));
    PX_TRY(tfidf_pool(c, t));
done:
    return st;
}

/* Counts the n-grams of one row of `n` items. */
static pgy_status *tfidf_row(const tfidf *t, const pgy_tensor *x, int64_t first, int64_t n,
                             double *y)
{
    pgy_status *st = NULL;
    px_buf key = {0};
    int64_t min_gram = t->min_gram;
    for (int64_t skip = 1; skip - 1 <= t->max_skip && skip <= PX_MAX(n, 1); skip++) {
        for (int64_t i = 0; i < n; i++) {
            key.len = 0;
            for (int64_t size = 1, at = i; size <= t->max_gram && at < n; size++, at += skip) {
                const pgy_string *s = (const pgy_string *)x->data + first + at;
                int64_t v = x->dtype == PGY_DTYPE_STRING ? 0 : px_tensor_get_i64(x, first + at);
                if (x->dtype == PGY_DTYPE_STRING)
                    put_item(&key, s->ptr, s->len, true);
                else
                    put_item(&key, &v, sizeof v, false);
                PX_TRY(px_buf_status(&key));
                const int64_t *column =
                    size < min_gram ? NULL : px_map_get(&t->grams, px_buf_str(&key));
                if (column)
                    y[*column] += 1;
            }
        }
        /* Single items are the same for every skip: they count once. */
        if (min_gram == 1 && ++min_gram > t->max_gram)
            break;
    }
done:
    px_buf_fini(&key);
    return st;
}

static pgy_status *tfidf_vectorizer(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    tfidf t = {0};
    const float *weights = NULL;
    size_t n_weights = 0;
    void *data;
    PX_TRY(px_move_in_rank(c, 0, 0, 2, &x));
    PX_TRY(tfidf_of(c, &t));
    px_str mode = px_ref_attr_s(c, "mode", "");
    bool is_tf = px_str_is(mode, "TF"), is_idf = px_str_is(mode, "IDF");
    bool is_string = x->dtype == PGY_DTYPE_STRING;
    if ((!is_tf && !is_idf && !px_str_is(mode, "TFIDF")) || is_string != (t.strings != NULL) ||
        (!is_string && !px_dtype_is_int(x->dtype)))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Mode \"%.*s\" or input type %s does not fit",
                           PX_STR_ARG(mode), pgy_dtype_name(x->dtype)));
    px_ref_attr_floats(c, "weights", &weights, &n_weights);
    if (weights && n_weights > 0 && (int64_t)n_weights < t.n_columns)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu weights for %lld columns", n_weights,
                           (long long)t.n_columns));
    int64_t rows = x->rank == 2 ? x->dims[0] : 1, items = x->rank == 0 ? 1 : x->dims[x->rank - 1];
    int64_t dims[2] = {rows, t.n_columns};
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_F32, x->rank == 2 ? 2 : 1, x->rank == 2 ? dims : dims + 1,
                      &data));
    double *y = data;
    memset(y, 0, (size_t)(rows * t.n_columns) * sizeof *y);
    for (int64_t r = 0; r < rows; r++)
        PX_TRY(tfidf_row(&t, x, r * items, items, y + r * t.n_columns));
    for (int64_t i = 0; !is_tf && i < rows * t.n_columns; i++) {
        y[i] = is_idf ? y[i] > 0 : y[i];
        y[i] *= n_weights > 0 ? (double)weights[i % t.n_columns] : 1;
    }
done:
    px_map_fini(&t.grams);
    return st;
}

static const px_ref_op rows[] = {
    {"", "TfIdfVectorizer", 9, 1, 1, 1, 1, tfidf_vectorizer},
};

const px_ref_family px_ref_family_tfidf = {rows, PX_COUNTOF(rows)};
