/* model/infer/op/ml.c - the ai.onnx.ml operators. */
#include "model/infer/infer.h"

static void dtype_of(px_infer_call *c, size_t o, size_t i)
{
    if (c->in[i]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, o, c->in[i]->dtype);
}

static void float_like(px_infer_call *c)
{
    px_infer_dtype(c, 0, PGY_DTYPE_F32);
    px_infer_same_shape(c, 0, 0);
}

static void like(px_infer_call *c)
{
    dtype_of(c, 0, 0);
    px_infer_same_shape(c, 0, 0);
}

/* Number of rows: the first of two dims, 1 for a vector. */
static px_dim rows_of(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    return rank == 1 ? px_dim_const(1) : rank == 2 ? px_infer_dim(c, 0, 0) : px_infer_unknown(c);
}

static void extract(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]), y = px_infer_dims_of(c->in[1]);
    dtype_of(c, 0, 0);
    if (x.rank < 1)
        return;
    const px_dim n = y.rank < 0
                         ? px_infer_unknown(c)
                         : px_dim_product(px_infer_dims_table(c->infer), y.dims, (size_t)y.rank);
    if (x.rank == 1) { /* a vector is one row */
        const px_dim dims[2] = {px_dim_const(1), n};
        px_infer_shape(c, 0, 2, dims);
        return;
    }
    x.dims[x.rank - 1] = n;
    px_infer_shape(c, 0, x.rank, x.dims);
}

/* Strings to numbers or back: the other one. */
static void category_mapper(px_infer_call *c)
{
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR && c->in[0]->dtype != PGY_DTYPE_UNKNOWN)
        px_infer_dtype(c, 0,
                       c->in[0]->dtype == PGY_DTYPE_STRING ? PGY_DTYPE_I64 : PGY_DTYPE_STRING);
    px_infer_same_shape(c, 0, 0);
}

static void label_encoder(px_infer_call *c)
{
    static const struct {
        const char *name;
        pgy_dtype dtype;
    } values[] = {{"values_strings", PGY_DTYPE_STRING},
                  {"values_int64s", PGY_DTYPE_I64},
                  {"values_floats", PGY_DTYPE_F32}};
    const px_onnx_attr *tensor = px_infer_attr(c, "values_tensor");
    if (tensor && tensor->type == PX_ONNX_ATTR_TENSOR && tensor->t)
        px_infer_dtype(c, 0, tensor->t->dtype);
    for (size_t i = 0; i < PX_COUNTOF(values); i++)
        if (px_infer_attr(c, values[i].name))
            px_infer_dtype(c, 0, values[i].dtype);
    px_infer_same_shape(c, 0, 0);
}

static size_t attr_count(px_infer_call *c, const char *name)
{
    const px_onnx_attr *a = px_infer_attr(c, name);
    return a ? a->n : 0;
}

static void one_hot(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    const size_t n = PX_MAX(attr_count(c, "cats_int64s"), attr_count(c, "cats_strings"));
    px_infer_dtype(c, 0, PGY_DTYPE_F32);
    if (x.rank < 0 || x.rank == PX_MAX_RANK || n == 0)
        return;
    x.dims[x.rank] = px_dim_const((int64_t)n);
    px_infer_shape(c, 0, x.rank + 1, x.dims);
}

static void regressor(px_infer_call *c)
{
    const int64_t targets = px_infer_attr_i(
        c, px_str_is(c->node->op_type, "LinearRegressor") ? "targets" : "n_targets", 1);
    const px_dim dims[2] = {rows_of(c), px_dim_const(targets)};
    px_infer_dtype(c, 0, PGY_DTYPE_F32);
    if (px_str_is(c->node->op_type, "TreeEnsemble"))
        dtype_of(c, 0, 0);
    px_infer_shape(c, 0, 2, dims);
}

static void svm_regressor(px_infer_call *c)
{
    const px_dim dims[2] = {rows_of(c), px_dim_const(1)};
    px_infer_dtype(c, 0, PGY_DTYPE_F32);
    px_infer_shape(c, 0, 2, dims);
}

/* Labels and scores. The scores of two classes may come as one column or two, so that their number
 * is stated only beyond two. */
static void classifier(px_infer_call *c)
{
    static const char *const strings[] = {"classlabels_strings"};
    static const char *const ints[] = {"classlabels_ints", "classlabels_int64s"};
    size_t n_strings = attr_count(c, strings[0]), n_ints = 0;
    for (size_t i = 0; i < PX_COUNTOF(ints); i++)
        n_ints = PX_MAX(n_ints, attr_count(c, ints[i]));
    const size_t n = PX_MAX(n_strings, n_ints);
    const px_dim rows = rows_of(c),
                 scores[2] = {rows, n > 2 ? px_dim_const((int64_t)n) : px_infer_unknown(c)};
    px_infer_dtype(c, 0, n_strings > 0 ? PGY_DTYPE_STRING : PGY_DTYPE_I64);
    px_infer_dtype(c, 1, PGY_DTYPE_F32);
    px_infer_shape(c, 0, 1, &rows);
    px_infer_shape(c, 1, 2, scores);
}

/* Scores may be those of pairs of classes where no probabilities are asked for. */
static void svm_classifier(px_infer_call *c)
{
    const px_dim rows = rows_of(c), scores[2] = {rows, px_infer_unknown(c)};
    px_infer_dtype(c, 0,
                   attr_count(c, "classlabels_strings") > 0 ? PGY_DTYPE_STRING : PGY_DTYPE_I64);
    px_infer_dtype(c, 1, PGY_DTYPE_F32);
    px_infer_shape(c, 0, 1, &rows);
    px_infer_shape(c, 1, 2, scores);
}

static void feature_vectorizer(px_infer_call *c)
{
    const int64_t *sizes = NULL;
    int64_t sum = 0;
    size_t n = 0;
    px_dim dims[2] = {rows_of(c), px_infer_unknown(c)};
    bool is_sum = px_infer_attr_ints(c, "inputdimensions", &sizes, &n) && n == c->n_in;
    for (size_t i = 0; is_sum && i < n; i++)
        is_sum = sizes[i] >= 0 && !__builtin_add_overflow(sum, sizes[i], &sum);
    if (is_sum)
        dims[1] = px_dim_const(sum);
    px_infer_dtype(c, 0, PGY_DTYPE_F32);
    px_infer_shape(c, 0, 2, dims);
}

static void zip_map(px_infer_call *c)
{
    const px_infer_value number = {.kind = PX_ONNX_TYPE_TENSOR, .dtype = PGY_DTYPE_F32, .rank = 0};
    px_infer_value map, sequence;
    px_infer_wrap(c->infer, PX_ONNX_TYPE_MAP, &number, &map);
    if (attr_count(c, "classlabels_strings") > 0)
        map.dtype = PGY_DTYPE_STRING;
    else if (attr_count(c, "classlabels_int64s") > 0)
        map.dtype = PGY_DTYPE_I64;
    else
        return;
    px_infer_wrap(c->infer, PX_ONNX_TYPE_SEQUENCE, &map, &sequence);
    px_infer_set(c, 0, &sequence);
}

static void cast_map(px_infer_call *c)
{
    const px_str to = px_infer_attr_s(c, "cast_to", "TO_FLOAT");
    px_infer_dtype(c, 0,
                   px_str_is(to, "TO_FLOAT")   ? PGY_DTYPE_F32
                   : px_str_is(to, "TO_INT64") ? PGY_DTYPE_I64
                                               : PGY_DTYPE_STRING);
}

#define ML "ai.onnx.ml"
static const px_infer_op rows[] = {
    {ML, "ArrayFeatureExtractor", 1, extract},
    {ML, "Binarizer", 1, like},
    {ML, "CastMap", 1, cast_map},
    {ML, "CategoryMapper", 1, category_mapper},
    {ML, "FeatureVectorizer", 1, feature_vectorizer},
    {ML, "Imputer", 1, like},
    {ML, "LabelEncoder", 1, category_mapper},
    {ML, "LabelEncoder", 2, label_encoder},
    {ML, "LinearClassifier", 1, classifier},
    {ML, "LinearRegressor", 1, regressor},
    {ML, "Normalizer", 1, float_like},
    {ML, "OneHotEncoder", 1, one_hot},
    {ML, "SVMClassifier", 1, svm_classifier},
    {ML, "SVMRegressor", 1, svm_regressor},
    {ML, "Scaler", 1, float_like},
    {ML, "TreeEnsemble", 5, regressor},
    {ML, "TreeEnsembleClassifier", 1, classifier},
    {ML, "TreeEnsembleRegressor", 1, regressor},
    {ML, "ZipMap", 1, zip_map},
};

const px_infer_family px_infer_family_ml = {rows, PX_COUNTOF(rows)};
