/* backend/ref/op/ml.c - operators of ai.onnx.ml that work on features: ArrayFeatureExtractor,
 * Binarizer, FeatureVectorizer, Imputer, Normalizer, OneHotEncoder, Scaler; what ml.h declares; and
 * ZipMap, which makes maps; the operators that take maps are refused, since no model can be fed
 * one. */
#include "backend/ref/op/ml.h"

#include <math.h>

/* --- shared --- */

pgy_status *px_ml_transform_of(px_ref_call *c, px_ml_transform *out)
{
    static const char *const names[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
    px_str name = px_ref_attr_s(c, "post_transform", "NONE");
    for (size_t i = 0; i < PX_COUNTOF(names); i++)
        if (px_str_is(name, names[i])) {
            *out = (px_ml_transform)i;
            return NULL;
        }
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "post_transform \"%.*s\" is not known", PX_STR_ARG(name));
}

static double logistic(double v)
{
    double p = 1 / (1 + exp(-fabs(v)));
    return v < 0 ? 1 - p : p;
}

/* Winitzki's approximation of the inverse error function, which is what runtimes use here. */
static double probit(double p)
{
    const double a = 0.147, pi = 3.14159265358979323846;
    double x = 2 * p - 1, l = log((1 - x) * (1 + x)), v = 2 / (pi * a) + 0.5 * l;
    return 1.41421356 * (x < 0 ? -1 : 1) * sqrt(-v + sqrt(v * v - l / a));
}

static void softmax_row(double *row, int64_t n, bool keep_zero)
{
    double top = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        top = PX_MAX(top, row[i]);
    for (int64_t i = 0; i < n; i++) {
        bool zero = keep_zero && fabs(row[i]) <= 1e-7;
        row[i] = zero ? row[i] * exp(-top) : exp(row[i] - top);
        sum += row[i];
    }
    for (int64_t i = 0; i < n; i++)
        row[i] = sum == 0 ? 0.5 : row[i] / sum;
}

void px_ml_transform_row(px_ml_transform how, double *row, int64_t n)
{
    if (how == PX_ML_SOFTMAX || how == PX_ML_SOFTMAX_ZERO)
        softmax_row(row, n, how == PX_ML_SOFTMAX_ZERO);
    for (int64_t i = 0; i < n; i++) {
        if (how == PX_ML_LOGISTIC)
            row[i] = logistic(row[i]);
        else if (how == PX_ML_PROBIT)
            row[i] = probit(row[i]);
    }
}

int64_t px_ml_binary_scores(px_ml_transform how, px_ml_second second, double score, double *out)
{
    if (how == PX_ML_PROBIT || second == PX_ML_SECOND_NONE) {
        out[0] = how == PX_ML_PROBIT ? probit(score) : score;
        return 1;
    }
    bool is_logistic = how == PX_ML_LOGISTIC;
    out[1] = is_logistic ? logistic(score) : score;
    out[0] = is_logistic                         ? logistic(-score)
             : second == PX_ML_SECOND_COMPLEMENT ? 1 - score
                                                 : -score;
    return 2;
}

const float *px_ml_floats(const px_ref_call *c, const char *name, int64_t *n)
{
    const float *at = NULL;
    size_t count = 0;
    *n = px_ref_attr_floats(c, name, &at, &count) ? (int64_t)count : 0;
    return *n ? at : NULL;
}

const int64_t *px_ml_ints(const px_ref_call *c, const char *name, int64_t *n)
{
    const int64_t *at = NULL;
    size_t count = 0;
    *n = px_ref_attr_ints(c, name, &at, &count) ? (int64_t)count : 0;
    return *n ? at : NULL;
}

const px_str *px_ml_strings(const px_ref_call *c, const char *name, int64_t *n)
{
    const px_onnx_attr *a = px_ref_attr(c, name);
    *n = a && a->type == PX_ONNX_ATTR_STRINGS ? (int64_t)a->n : 0;
    return *n ? a->strings : NULL;
}

pgy_status *px_ml_labels_of(px_ref_call *c, const char *ints_name, px_ml_labels *out)
{
    int64_t n;
    out->ints = px_ml_ints(c, ints_name, &out->n);
    out->strings = px_ml_strings(c, "classlabels_strings", &n);
    if (out->strings && out->ints)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "Both kinds of class labels are given");
    out->n = out->strings ? n : out->n;
    return NULL;
}

pgy_status *px_ml_labels_out(px_ref_call *c, const px_ml_labels *labels, const int64_t *at,
                             int64_t n)
{
    pgy_status *st = NULL;
    void *y;
    PX_TRY(px_ref_out(c, 0, labels->strings ? PGY_DTYPE_STRING : PGY_DTYPE_I64, 1, &n, &y));
    for (int64_t i = 0; i < n; i++) {
        if (labels->n > 0 && (at[i] < 0 || at[i] >= labels->n))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Class %lld has no label among %lld",
                               (long long)at[i], (long long)labels->n));
        if (labels->strings)
            ((pgy_string *)y)[i] =
                (pgy_string){labels->strings[at[i]].ptr, labels->strings[at[i]].len};
        else
            ((int64_t *)y)[i] = labels->ints ? labels->ints[at[i]] : at[i];
    }
done:
    return st;
}

pgy_status *px_ml_rows(px_ref_call *c, const double **out, int64_t *out_rows, int64_t *out_cols)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    if (x->rank < 1 || x->rank > 2)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The input has rank %d, wanted is [N, C] or [C]",
                           x->rank));
    *out = x->data;
    *out_rows = x->rank == 2 ? x->dims[0] : 1;
    *out_cols = x->dims[x->rank - 1];
done:
    return st;
}

/* --- the operators --- */

static pgy_status *array_feature_extractor(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const int64_t *at;
    size_t n;
    int64_t dims[PX_MAX_RANK];
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    PX_TRY(px_ref_in_ints(c, 1, &at, &n));
    int rank = PX_MAX(x->rank, 2);
    int64_t cols = x->dims[x->rank - 1], rows = px_move_span(x->dims, 0, x->rank - 1);
    for (size_t i = 0; i < n; i++)
        if (at[i] < 0 || at[i] >= cols)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Feature %lld of %lld is wanted", (long long)at[i],
                               (long long)cols));
    dims[0] = 1; /* a vector is one row */
    memcpy(dims + (rank - x->rank), x->dims, (size_t)x->rank * sizeof *dims);
    dims[rank - 1] = (int64_t)n;
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, rank, dims, &y));
    size_t elem = px_move_elem(x);
    for (int64_t r = 0; n > 0 && r < rows; r++)
        for (size_t i = 0; i < n; i++)
            memcpy((uint8_t *)y + ((size_t)r * n + i) * elem,
                   (const uint8_t *)x->data + (size_t)(r * cols + at[i]) * elem, elem);
done:
    return st;
}

static pgy_status *binarizer(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    double limit = px_ref_attr_f(c, "threshold", 0), *work;
    void *y;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(PX_MOVE_SCRATCH(c, work, x->count));
    for (int64_t i = 0; i < x->count; i++)
        work[i] = ((const double *)x->data)[i] > limit;
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, x->dims, &y));
    px_convert(px_ref_storage(c->in[0].dtype), y, PGY_DTYPE_F64, work, 0, x->count);
done:
    return st;
}

static pgy_status *feature_vectorizer(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor **in;
    int64_t n_sizes, dims[2] = {0, 0}, at = 0;
    const int64_t *sizes = px_ml_ints(c, "inputdimensions", &n_sizes);
    void *y;
    PX_TRY(PX_MOVE_SCRATCH(c, in, (int64_t)c->n_in));
    if (sizes && n_sizes != (int64_t)c->n_in)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld inputdimensions for %zu inputs",
                           (long long)n_sizes, c->n_in));
    for (size_t i = 0; i < c->n_in; i++) {
        PX_TRY(px_ref_in_f64(c, i, &in[i]));
        if (in[i]->rank < 1 || in[i]->rank > 2)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu has rank %d", i, in[i]->rank));
        int64_t rows = in[i]->rank == 2 ? in[i]->dims[0] : 1;
        int64_t size = sizes ? sizes[i] : in[i]->dims[in[i]->rank - 1];
        if ((i > 0 && rows != dims[0]) || size < 0 ||
            __builtin_add_overflow(dims[1], size, &dims[1]))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu has %lld rows and %lld features", i,
                               (long long)rows, (long long)size));
        dims[0] = rows;
    }
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_F32, 2, dims, &y));
    for (size_t i = 0; i < c->n_in; i++) {
        int64_t cols = in[i]->dims[in[i]->rank - 1], size = sizes ? sizes[i] : cols;
        for (int64_t r = 0; r < dims[0]; r++)
            for (int64_t k = 0; k < size; k++) /* short inputs are filled up with zeros */
                ((double *)y)[r * dims[1] + at + k] =
                    k < cols ? ((const double *)in[i]->data)[r * cols + k] : 0;
        at += size;
    }
done:
    return st;
}

static pgy_status *imputer(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t n_floats, n_ints;
    const float *floats = px_ml_floats(c, "imputed_value_floats", &n_floats);
    const int64_t *ints = px_ml_ints(c, "imputed_value_int64s", &n_ints);
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    int64_t cols = x->dims[x->rank - 1];
    bool is_float = x->dtype == PGY_DTYPE_F64;
    int64_t n = is_float ? n_floats : n_ints;
    if ((!is_float && x->dtype != PGY_DTYPE_I64) || (n != 1 && n != cols) || n == 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld imputed values for %lld features of %s",
                           (long long)n, (long long)cols, pgy_dtype_name(c->in[0].dtype)));
    double gone = px_ref_attr_f(c, "replaced_value_float", 0);
    int64_t gone_int = px_ref_attr_i(c, "replaced_value_int64", 0);
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, x->dims, &y));
    for (int64_t i = 0; i < x->count; i++) {
        int64_t k = n == 1 ? 0 : i % cols;
        if (is_float) {
            double v = ((const double *)x->data)[i];
            ((double *)y)[i] = (isnan(gone) ? isnan(v) : v == gone) ? (double)floats[k] : v;
        } else {
            int64_t v = ((const int64_t *)x->data)[i];
            ((int64_t *)y)[i] = v == gone_int ? ints[k] : v;
        }
    }
done:
    return st;
}

static pgy_status *normalizer(px_ref_call *c)
{
    pgy_status *st = NULL;
    const double *x;
    int64_t rows, cols;
    void *out;
    PX_TRY(px_ml_rows(c, &x, &rows, &cols));
    px_str norm = px_ref_attr_s(c, "norm", "MAX");
    bool is_max = px_str_is(norm, "MAX"), is_l1 = px_str_is(norm, "L1");
    if (!is_max && !is_l1 && !px_str_is(norm, "L2"))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Norm \"%.*s\" is not known", PX_STR_ARG(norm)));
    const pgy_tensor *t = c->in[0].t;
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_F32, t->rank, t->dims, &out));
    for (int64_t r = 0; r < rows; r++) {
        const double *row = x + r * cols;
        double by = is_max ? -INFINITY : 0, *y = (double *)out + r * cols;
        for (int64_t k = 0; k < cols; k++)
            by = is_max ? PX_MAX(by, row[k]) : by + (is_l1 ? fabs(row[k]) : row[k] * row[k]);
        by = is_max || is_l1 ? by : sqrt(by);
        for (int64_t k = 0; k < cols; k++)
            y[k] = by == 0 ? row[k] : row[k] / by;
    }
done:
    return st;
}

static pgy_status *one_hot_encoder(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t n_ints, n_strings, dims[PX_MAX_RANK];
    const int64_t *ints = px_ml_ints(c, "cats_int64s", &n_ints);
    const px_str *strings = px_ml_strings(c, "cats_strings", &n_strings);
    void *out;
    PX_TRY(px_move_in_rank(c, 0, 0, PX_MAX_RANK - 1, &x));
    bool is_string = x->dtype == PGY_DTYPE_STRING;
    int64_t n = is_string ? n_strings : n_ints;
    if (n == 0 || x->dtype == PGY_DTYPE_C128)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "No categories are given for %s",
                           pgy_dtype_name(c->in[0].dtype)));
    memcpy(dims, x->dims, (size_t)x->rank * sizeof *dims);
    dims[x->rank] = n;
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_F32, x->rank + 1, dims, &out));
    bool may_miss = px_ref_attr_i(c, "zeros", 1) != 0;
    for (int64_t i = 0; i < x->count; i++) {
        bool found = false;
        const pgy_string *s = (const pgy_string *)x->data + i;
        int64_t v = is_string ? 0
                    : x->dtype == PGY_DTYPE_F64
                        ? (int64_t)PX_MIN(PX_MAX(px_tensor_get_f64(x, i), -0x1p62), 0x1p62)
                        : px_tensor_get_i64(x, i);
        for (int64_t k = 0; k < n; k++) {
            bool hit = is_string ? px_str_eq(strings[k], (px_str){s->ptr, s->len}) : ints[k] == v;
            ((double *)out)[i * n + k] = hit;
            found = found || hit;
        }
        if (!found && !may_miss)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Element %lld is in no category", (long long)i));
    }
done:
    return st;
}

static pgy_status *scaler(px_ref_call *c)
{
    pgy_status *st = NULL;
    const double *x;
    int64_t rows, cols, n_offset, n_scale;
    const float *offset = px_ml_floats(c, "offset", &n_offset);
    const float *scale = px_ml_floats(c, "scale", &n_scale);
    void *y;
    PX_TRY(px_ml_rows(c, &x, &rows, &cols));
    if ((n_offset != 1 && n_offset != cols) || (n_scale != 1 && n_scale != cols) || !offset ||
        !scale)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld offsets and %lld scales for %lld features",
                           (long long)n_offset, (long long)n_scale, (long long)cols));
    const pgy_tensor *t = c->in[0].t;
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_F32, t->rank, t->dims, &y));
    for (int64_t i = 0; i < t->count; i++)
        ((double *)y)[i] = (x[i] - (double)offset[n_offset == 1 ? 0 : i % cols]) *
                           (double)scale[n_scale == 1 ? 0 : i % cols];
done:
    return st;
}

/* --- maps --- */

static pgy_status *map_refusal(px_ref_call *c)
{
    return PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED,
                       "maps (dictionaries) cannot be fed; feed what comes after this node");
}

static int key_compare(const px_ml_labels *labels, int64_t a, int64_t b)
{
    if (!labels->strings)
        return (labels->ints[a] > labels->ints[b]) - (labels->ints[a] < labels->ints[b]);
    const px_str x = labels->strings[a], y = labels->strings[b];
    const int order = memcmp(x.ptr, y.ptr, PX_MIN(x.len, y.len));
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

/* Positions of the labels in order of the keys; of equal keys the last one counts. */
static size_t key_order(const px_ml_labels *labels, int64_t *order)
{
    size_t n = 0;
    for (int64_t i = 0; i < labels->n; i++) {
        size_t at = n;
        while (at > 0 && key_compare(labels, order[at - 1], i) > 0)
            at--;
        if (at > 0 && key_compare(labels, order[at - 1], i) == 0) {
            order[at - 1] = i;
            continue;
        }
        memmove(&order[at + 1], &order[at], (n++ - at) * sizeof *order);
        order[at] = i;
    }
    return n;
}

/* What a helper has put into output 0. */
static px_ref_value lift(px_ref_call *c)
{
    const px_ref_value v = c->out[0];
    c->out[0] = (px_ref_value){0};
    return v;
}

static pgy_status *zip_map(px_ref_call *c)
{
    pgy_status *st = NULL;
    px_ml_labels labels;
    const double *x;
    int64_t n_rows, n_cols;
    px_ref_value keys = {0}, list = {.kind = PX_REF_SEQUENCE, .dtype = PGY_DTYPE_F32};
    PX_TRY(px_ml_labels_of(c, "classlabels_int64s", &labels));
    PX_TRY(px_ml_rows(c, &x, &n_rows, &n_cols));
    if (labels.n != n_cols)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld class labels are given for %lld columns",
                           (long long)labels.n, (long long)n_cols));
    int64_t *order = px_arena_calloc(c->scratch, (size_t)n_cols + 1, sizeof *order);
    if (order == NULL)
        PX_TRY(px_status_nomem());
    const int64_t n_keys = (int64_t)key_order(&labels, order);
    PX_TRY(px_ml_labels_out(c, &labels, order, n_keys));
    keys = lift(c);
    PX_TRY(px_ref_list_new((size_t)n_rows, &list.seq));
    for (int64_t r = 0; r < n_rows; r++) {
        px_ref_value *map = &list.seq->items[r];
        void *y;
        *map = (px_ref_value){.kind = PX_REF_MAP, .dtype = keys.dtype};
        PX_TRY(px_ref_list_new(2, &map->seq));
        PX_TRY(px_ref_out(c, 0, PGY_DTYPE_F32, 1, &n_keys, &y));
        for (int64_t k = 0; k < n_keys; k++)
            ((double *)y)[k] = x[r * n_cols + order[k]];
        map->seq->items[0] = px_ref_value_copy(keys);
        map->seq->items[1] = lift(c);
    }
    px_ref_out_take(c, 0, list);
    list = (px_ref_value){0};
done:
    px_ref_value_free(&keys);
    px_ref_value_free(&list);
    return st;
}

static const px_ref_op rows[] = {
    {"ai.onnx.ml", "ArrayFeatureExtractor", 1, 2, 2, 1, 1, array_feature_extractor},
    {"ai.onnx.ml", "Binarizer", 1, 1, 1, 1, 1, binarizer},
    {"ai.onnx.ml", "CastMap", 1, 1, 1, 1, 1, map_refusal},
    {"ai.onnx.ml", "DictVectorizer", 1, 1, 1, 1, 1, map_refusal},
    {"ai.onnx.ml", "FeatureVectorizer", 1, 1, -1, 1, 1, feature_vectorizer},
    {"ai.onnx.ml", "Imputer", 1, 1, 1, 1, 1, imputer},
    {"ai.onnx.ml", "Normalizer", 1, 1, 1, 1, 1, normalizer},
    {"ai.onnx.ml", "OneHotEncoder", 1, 1, 1, 1, 1, one_hot_encoder},
    {"ai.onnx.ml", "Scaler", 1, 1, 1, 1, 1, scaler},
    {"ai.onnx.ml", "ZipMap", 1, 1, 1, 1, 1, zip_map},
};

const px_ref_family px_ref_family_ml = {rows, PX_COUNTOF(rows)};
